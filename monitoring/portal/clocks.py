"""When the clocks of the law run out in the places that a company names. Pure: what is known is handed in.

A clock whose start is on record has a day: the newest bias audit of the model that screens now, the publication of each
model that was audited and used, a report that is due every year. All others start with an event, such as a request or
an incident, and are listed as such. Laws and duties that start later are told before they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from monitoring.portal.evidence import LL144, BiasAudit
from monitoring.texts import counted
from pipelines.fairness import law
from pipelines.fairness.law import Clock, Duty, Pack, Standing

SOON: Final = 30
"""Days before a clock runs out from which the page warns."""


@dataclass(frozen=True, slots=True)
class Due:
    """One clock with a day, or one that should have started and did not."""

    title: str
    asks: str
    where: str
    on: date | None
    """Last day; None where what would start it is missing."""
    state: str
    """`missing`, `overdue`, `soon` or `running`."""
    of: str = ""
    """The model that it is about, where there can be several."""


@dataclass(frozen=True, slots=True)
class Board:
    """All clocks on a day."""

    jurisdictions: tuple[str, ...] = ()
    due: tuple[Due, ...] = ()
    """What is missing first, then by day."""
    coming: tuple[tuple[date, Pack, int], ...] = ()
    """Day, law, and how many of its duties start then."""
    by_event: tuple[tuple[Pack, Duty], ...] = ()
    fault: str = ""
    """Why there is no board; with places, why those clocks are not on it that bias audits start."""


def board(
    jurisdictions: Sequence[str], day: date, audits: Sequence[BiasAudit] | None, screens: str | None, fault: str = ""
) -> Board:
    """Every clock in some places.

    Args:
        jurisdictions: Where the people or the jobs are, as the packs of law name places.
        day: Today.
        audits: Bias audits on record, the newest first; None where they cannot be read.
        screens: sha256 of the model that screens applicants now; None where none does.
        fault: Why the audits cannot be read.

    Raises:
        SettingsError: A place is none that a pack could mean, or none is named.
    """
    now = law.standing(jurisdictions, day)
    clocks = [
        (pack, duty) for pack in now.packs for duty in pack.duties_on(day) if duty.clock and not duty.is_recommended
    ]
    yearly = [(pack, duty) for pack, duty in clocks if duty.clock and duty.clock.every_year_on]
    due = [_due(pack, duty, law.next_due(pack, duty.code, day), day) for pack, duty in yearly]
    due += _of_the_audit(now, audits, screens) if audits is not None else []
    return Board(
        jurisdictions=tuple(jurisdictions),
        due=tuple(sorted(due, key=lambda item: item.on or date.min)),
        coming=law.coming(jurisdictions, day),
        by_event=tuple(item for item in clocks if item not in yearly and not _is_of_the_audit(*item)),
        fault=fault,
    )


def _of_the_audit(now: Standing, audits: Sequence[BiasAudit], screens: str | None) -> list[Due]:
    """New York's clocks: the audit's of the model that screens now, the publication's of all, whatever screens now."""
    pack = next((pack for pack in now.packs if pack.code == LL144), None)
    if pack is None:
        return []
    by_model: dict[str, BiasAudit] = {}
    for item in sorted(audits, key=lambda item: item.package.audited_on):
        if item.package.auditor:
            by_model[item.package.model_sha256] = item
    age, stays = (
        next(duty for duty in pack.duties if duty.code == code) for code in ("audit_age", "publication_stays")
    )
    found = [
        replace(_due(pack, stays, item.stays_until, now.day), of=item.package.model)
        for item in by_model.values()
        if item.stays_until and item.stays_until >= now.day
    ]
    if screens is not None:
        ours = by_model.get(screens)
        found.append(_due(pack, age, ours.expires_on if ours else None, now.day))
    return found


def _is_of_the_audit(pack: Pack, duty: Duty) -> bool:
    return pack.code == LL144 and duty.code in {"audit_age", "publication_stays"}


def _due(pack: Pack, duty: Duty, on: date | None, day: date) -> Due:
    return Due(pack.title, duty.asks, duty.where, on, _state(on, day))


def _state(on: date | None, day: date) -> str:
    if on is None:
        return "missing"
    if on < day:
        return "overdue"
    return "soon" if (on - day).days <= SOON else "running"


def span(clock: Clock) -> str:
    """A span of time and what it starts or ends with, such as `1 month after request`."""
    said = {
        "hours": counted("{n} hour", "{n} hours", clock.amount),
        "days": counted("{n} day", "{n} days", clock.amount),
        "business_days": counted("{n} business day", "{n} business days", clock.amount),
        "months": counted("{n} month", "{n} months", clock.amount),
        "years": counted("{n} year", "{n} years", clock.amount),
    }
    return f"{said.get(clock.unit, clock.amount)} {clock.side} {clock.trigger.replace('_', ' ')}"
