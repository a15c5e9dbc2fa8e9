"""What use without an audit or a notice could cost under Local Law 144, counted from the ledger. Pure.

Two things are violations of their own: each day of use of a model without a bias audit that was good on the day, and
each person who was given no notice in time (NYC Admin. Code 20-872). What the ledger does not show was not done. A
person counts once, on the first day on which a score of theirs had no notice behind it.

Rows of a day that a later scoring took the place of are gone, and with them who they were about: such a use counts as
a day of use, and how many there are is told.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pipelines.audit import Entry, Tag
from pipelines.audit.shown import Notice
from pipelines.base.errors import SettingsError
from pipelines.fairness import law
from pipelines.fairness.law import Pack

_SHADOW: Final = "shadow"
Scored = tuple[date, str]
"""Day as of which people were scored, and sha256 of the model."""


@dataclass(frozen=True, slots=True)
class Use:
    """One scoring whose scores could reach a decision."""

    on: date
    scored: Scored


def uses(ledger: Iterable[Entry], family: str) -> list[Use]:
    """Scorings of a family, oldest first; those in shadow are none."""
    return [
        Use(_on(entry), (date.fromisoformat(entry.facts["as_of"]), str(entry.facts["model_sha256"])))
        for entry in ledger
        if (entry.tag, entry.subject) == (Tag.PEOPLE_SCORED, family) and entry.facts.get("kind") != _SHADOW
    ]


def counted(
    used: Collection[Use],
    people: Mapping[Scored, Collection[str]],
    audits: Mapping[str, Collection[date]],
    told: Collection[Notice],
    pack: Pack,
) -> dict[str, Any]:
    """Violations and what they could cost.

    Args:
        used: As `uses` gives.
        people: Whom a scoring was about that the law may protect; absent where its rows are gone.
        audits: sha256 of a model -> days of its bias audits by somebody independent.
        told: As `noticed` of the ledger gives.
        pack: The law, with its penalty.

    Returns:
        days_of_use, days_without_audit, people, people_without_notice, violations, first_on (day of the first
        violation; None without any), least and most (in `currency`, of all violations), uses_without_rows.
    """
    if pack.penalty is None:
        raise SettingsError(f"A law must say what a violation costs; {pack.code} does not. Add it to the pack.")
    there = [use for use in used if pack.applies_on(use.on) and (use.scored not in people or people[use.scored])]
    unaudited = {use.on for use in there if not _is_audited(pack, audits.get(use.scored[1], ()), use.on)}
    missed: dict[str, date] = {}
    for use in there:
        if not _is_told(pack, told, use.on):
            missed |= {who: min(use.on, missed.get(who, use.on)) for who in people.get(use.scored, ())}
    days = [*unaudited, *missed.values()]
    first = min(days, default=None)
    on_first = sum(day == first for day in days)
    later = len(days) - on_first
    return {
        "days_of_use": len({use.on for use in there}),
        "days_without_audit": len(unaudited),
        "people": len({who for use in there for who in people.get(use.scored, ())}),
        "people_without_notice": len(missed),
        "violations": len(days),
        "first_on": first.isoformat() if first else None,
        "least": later * pack.penalty.least,
        "most": on_first * pack.penalty.first_day_most + later * pack.penalty.most,
        "currency": pack.penalty.currency,
        "uses_without_rows": sum(use.scored not in people for use in there),
    }


def _is_audited(pack: Pack, audits: Collection[date], day: date) -> bool:
    done = [on for on in audits if on <= day]
    return bool(done) and day <= law.day_due(pack, "audit_age", max(done))


def _is_told(pack: Pack, told: Collection[Notice], day: date) -> bool:
    standing = [one for one in told if one.ended_on is None or day < one.ended_on]
    try:
        return any(one.given_on <= law.day_due(pack, "notice", day) for one in standing)
    except SettingsError:  # without the holidays nobody can say that it was in time
        return False


def _on(entry: Entry) -> date:
    return date.fromisoformat(entry.recorded_at[:10])
