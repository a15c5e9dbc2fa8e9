"""What the ledger can show of a model before it is used: audits by somebody independent, notices, and assessments.

An impact assessment is of a system: of the release that scored when it was signed, by its pointer, and of all after it
until one that was released as another system. Who goes back to a release goes back to its system. A release that was
cut short before its pointer began none: a later entry has its number. A withdrawal ends those of all systems: whoever
goes back later must not find one that was taken back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from pipelines.audit.ledger import Entry, Tag
from pipelines.audit.tagged import marked
from pipelines.base.errors import ContractError
from pipelines.base.releases import MODIFICATION, NUMBER
from pipelines.base.store import Store

_NOTICES: Final = (Tag.NOTICE_GIVEN, Tag.NOTICE_WITHDRAWN)
_ASSESSMENTS: Final = (Tag.ASSESSMENT_SIGNED, Tag.ASSESSMENT_WITHDRAWN)
_TAGS: Final = (Tag.AUDIT_PACKAGED, *_NOTICES, *_ASSESSMENTS, Tag.MODEL_RELEASED)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that stood from one day until before another."""

    given_on: date
    ended_on: date | None
    """None while it stands."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Of one family."""

    audits: Mapping[str, tuple[date, ...]]
    """sha256 of a model -> days of its bias audits that name an auditor."""
    notices: Mapping[str, date]
    """Code of a law -> the day on which the first of its notices that stand was given; withdrawn ones are none."""
    assessments: Mapping[str, date]
    """Code of a law -> the day on which the impact assessment that stands was signed."""


NOTHING: Final = Shown({}, {}, {})


@dataclass(frozen=True, slots=True)
class System:
    """What one release and those that were foreseen after it are, for impact assessments."""

    began_by: str
    """The verdict of its first release; empty for the family's first."""
    signed: Mapping[str, Mapping[str, Any]]
    """Code of a law -> facts of the assessment of it that stands."""
    elsewhere: frozenset[str]
    """sha256 of documents that were ever signed for another one of the family."""


@dataclass(slots=True)
class _Found:
    """The same while entries are read."""

    audits: dict[str, tuple[date, ...]] = field(default_factory=dict)
    notices: dict[str, Sequence[Notice]] = field(default_factory=dict)
    assessed: dict[tuple[str, str], date] = field(default_factory=dict)
    """Code of a law and system -> day."""
    signed: list[tuple[str, Entry]] = field(default_factory=list)
    """System and entry of every assessment, those that were withdrawn too."""
    system: str = ""
    """The verdict by which the one began that scores; empty for the first."""
    systems: dict[str, str] = field(default_factory=dict)
    """Verdict of a release -> its system."""


def shown(store: Store, family: str) -> Shown:
    """What stands now of one family. Raises as `every`."""
    return every(store).get(family, NOTHING)


def every(store: Store) -> dict[str, Shown]:
    """Family -> what stands now; those of which nothing is on record are absent.

    Raises:
        ContractError: An entry does not say what its tag means.
    """
    found = _found(store)
    return {family: Shown(of_it.audits, _standing(of_it.notices), _assessed(of_it)) for family, of_it in found.items()}


def system(store: Store, family: str, verdict_sha256: str | None) -> System:
    """The system that a release is of; for None, before any release, the family's first. Raises as `every`."""
    found = _found(store).get(family, _Found())
    mine = found.systems.get(str(verdict_sha256), "")
    standing = {code for code, of in found.assessed if of == mine}
    signed = {entry.facts["law"]: entry.facts for of, entry in found.signed if of == mine}
    elsewhere = frozenset(str(entry.facts.get("document_sha256")) for of, entry in found.signed if of != mine)
    return System(mine, {code: facts for code, facts in signed.items() if code in standing}, elsewhere)


def is_assessed(store: Store, family: str, code: str) -> bool:
    """Whether an assessment stands of any system of a family, be it not the one that scores. Raises as `every`."""
    found = _found(store).get(family, _Found())
    return any(law == code for law, _ in found.assessed)


def _found(store: Store) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    known = list(marked(store, _TAGS))[::-1]
    last = {(entry.subject, entry.facts[NUMBER]): entry.sequence for entry in known if _has_number(entry)}
    for entry in known:
        if _has_number(entry) and last[entry.subject, entry.facts[NUMBER]] != entry.sequence:
            continue
        try:
            _note(found.setdefault(entry.subject, _Found()), entry)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ContractError(
                f"Entry {entry.sequence} of the ledger must say all that {entry.tag} means; it does not. Find out who "
                "wrote it."
            ) from None
    return found


def noticed(ledger: Iterable[Entry], family: str, code: str) -> list[Notice]:
    """Notices of a family under a law as they were truly given, those that ended too.

    A renewal stands beside what it renews, which was good until then and after; a correction stands in place of what
    never was so. One that says neither takes the place of all that stand: nobody says that those were true.
    """
    found: list[Notice] = []
    for entry in ledger:
        if entry.tag in _NOTICES and (entry.subject, entry.facts.get("law")) == (family, code):
            found = _after(found, entry)
    return found


def _after(before: Sequence[Notice], entry: Entry) -> list[Notice]:
    if entry.tag is Tag.NOTICE_WITHDRAWN:
        day = date.fromisoformat(entry.recorded_at[:10])
        return [one if one.ended_on else replace(one, ended_on=day) for one in before]
    given, corrects = date.fromisoformat(entry.facts["given_on"]), entry.facts.get("corrects")
    if corrects is not None:
        left = [one for one in before if one.given_on != date.fromisoformat(corrects)]  # ended or not: it never was so
    elif entry.facts.get("renews") is not None:
        left = [*before]
    else:
        left = [one for one in before if one.ended_on]
    return [*left, Notice(given, None)]


def _standing(notices: Mapping[str, Sequence[Notice]]) -> dict[str, date]:
    first = {
        code: min((one.given_on for one in of_it if not one.ended_on), default=None) for code, of_it in notices.items()
    }
    return {code: day for code, day in first.items() if day is not None}


def _assessed(found: _Found) -> dict[str, date]:
    return {code: day for (code, system), day in found.assessed.items() if system == found.system}


def _note(found: _Found, entry: Entry) -> None:
    """Take in what one entry says."""
    facts = entry.facts
    if entry.tag is Tag.AUDIT_PACKAGED and facts["auditor"]:
        model = str(facts["model_sha256"])
        found.audits[model] = (*found.audits.get(model, ()), date.fromisoformat(facts["audited_on"]))
    elif entry.tag in _NOTICES:
        found.notices[facts["law"]] = _after(found.notices.get(facts["law"], ()), entry)
    elif entry.tag is Tag.ASSESSMENT_SIGNED:
        of = found.systems.get(str(facts.get("verdict_sha256")), "")
        found.assessed[facts["law"], of] = date.fromisoformat(facts["signed_on"])
        found.signed.append((of, entry))
    elif entry.tag is Tag.ASSESSMENT_WITHDRAWN:
        for one in [one for one in found.assessed if one[0] == facts["law"]]:
            del found.assessed[one]
    elif entry.tag is Tag.MODEL_RELEASED:
        verdict = str(facts["verdict_sha256"])
        if facts.get("kind") == "rollback":
            found.system = found.systems.get(verdict, verdict)
        elif _is_another_system(facts):
            found.system = verdict
        found.systems[verdict] = found.system


def _has_number(entry: Entry) -> bool:
    return entry.tag is Tag.MODEL_RELEASED and isinstance(entry.facts.get(NUMBER), int)


def _is_another_system(facts: Mapping[str, Any]) -> bool:
    """Whether it was released as a substantial modification of the release before it.

    What people typed is asked only where the entry is of before it said so: they may name a gap that there is not.
    """
    if MODIFICATION in facts:
        return facts[MODIFICATION] is not None
    accepted = (gap for person in facts.get("approvers", ()) for gap in person.get("accepted_gaps", ()))
    return any(str(gap).startswith(f"{MODIFICATION}:") for gap in accepted)
