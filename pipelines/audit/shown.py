"""What the ledger can show of a model before it is used: audits by somebody independent, and notices that stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from pipelines.audit.ledger import Entry, Tag, entries
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

_NOTICES: Final = (Tag.NOTICE_GIVEN, Tag.NOTICE_WITHDRAWN)
_TAGS: Final = (Tag.AUDIT_PACKAGED, *_NOTICES)


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


def shown(store: Store, family: str) -> Shown:
    """What stands now of one family. Raises as `every`."""
    return every(store).get(family, Shown({}, {}))


def every(store: Store) -> dict[str, Shown]:
    """Family -> what stands now; those of which nothing is on record are absent.

    Raises:
        ContractError: An entry does not say what its tag means.
    """
    found: dict[str, tuple[dict[str, tuple[date, ...]], dict[str, Sequence[Notice]]]] = {}
    for entry in entries(store):
        if entry.tag not in _TAGS:
            continue
        facts = entry.facts
        audits, notices = found.setdefault(entry.subject, ({}, {}))
        try:
            if entry.tag is not Tag.AUDIT_PACKAGED:
                notices[facts["law"]] = _after(notices.get(facts["law"], ()), entry)
            elif facts["auditor"]:
                model = str(facts["model_sha256"])
                audits[model] = (*audits.get(model, ()), date.fromisoformat(facts["audited_on"]))
        except (KeyError, TypeError, ValueError):
            raise ContractError(
                f"Entry {entry.sequence} of the ledger must say all that {entry.tag} means; it does not. Find out who "
                "wrote it."
            ) from None
    return {family: Shown(audits, _standing(notices)) for family, (audits, notices) in found.items()}


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
        left = [one for one in before if one != Notice(date.fromisoformat(corrects), None)]
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
