"""What must be on record before a model is used on anybody in a place, and who counts as being there.

Of all that packs ask for, these duties are conditions of use: an audit that is not too old, a notice that was given in
time, and an impact assessment that somebody signed. They are told by the codes of duties, so a new pack joins by naming
its own alike. What people agree to is asked of each person, before anything is read (`base.known`), so it is no matter
of places.
"""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from pipelines.base.errors import SettingsError
from pipelines.fairness.law.clocks import day_due
from pipelines.fairness.law.packs import Duty, Pack
from pipelines.fairness.law.standing import holds, standing

_AUDIT: Final = "audit"
_USE: Final = "use"
"""What starts the clock of an audit's age, and what ends that of a notice."""
_NOTICES: Final = ("notice", "pre_use_notice", "workers_informed")
_ASSESSMENTS: Final = ("dpia",)
"""Signed before anybody is processed: also by a model that decides about nobody."""
_HIRING_ONLY: Final = ("us-nyc-ll144",)
"""Laws on tools that choose who is hired or promoted; all others speak of every decision about people at work."""
_UNION: Final = re.compile("AT|BE|BG|CY|CZ|DE|DK|EE|ES|FI|FR|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|IS|LI|NO")
"""Countries whose places begin with EU: the members, and those that its law reaches by the EEA."""


def lacking(
    jurisdiction: str,
    day: date,
    *,
    hires: bool,
    audits: Collection[date],
    notices: Mapping[str, date],
    assessments: Mapping[str, date],
) -> tuple[str, ...]:
    """Why a model may not be used in a place on a day.

    Args:
        jurisdiction: The place, such as `US-NY-NYC`; wider ones are implied.
        day: The day of use.
        hires: Whether it chooses who is hired or promoted.
        audits: Days of its bias audits by somebody independent.
        notices: Code of a pack -> the day on which the notice that it asks for was given.
        assessments: Code of a pack -> the day on which the impact assessment that it asks for was signed.

    Returns:
        One sentence a condition that is not shown; empty when the model may be used. What is dated after the day counts
        for nothing.

    Raises:
        SettingsError: The place is none that a pack could mean.
    """
    found = unaudited(jurisdiction, day, hires=hires, audits=audits)
    duties = _duties(jurisdiction, day, hires)
    told = (_told(pack, duty, day, notices.get(pack.code)) for pack, duty in duties if duty.code in _NOTICES)
    return (*found, *(sentence for sentence in told if sentence), *unassessed(jurisdiction, day, hires, assessments))


def unaudited(jurisdiction: str, day: date, *, hires: bool, audits: Collection[date]) -> tuple[str, ...]:
    """Of `lacking`, what is about the audit: no other deed of today brings it back."""
    past = [on for on in audits if on <= day]
    duties = [(pack, duty) for pack, duty in _duties(jurisdiction, day, hires) if duty.clock is not None]
    aged = (_aged(pack, duty, day, past) for pack, duty in duties if duty.clock and duty.clock.trigger == _AUDIT)
    return tuple(sentence for sentence in aged if sentence)


def unassessed(jurisdiction: str, day: date, hires: bool, assessments: Mapping[str, date]) -> tuple[str, ...]:
    """Of `lacking`, what holds for a model in shadow, too: its scores are used on nobody, and yet made of people."""
    return tuple(
        f"{pack.title} ({duty.where}): no impact assessment that somebody signed is on record."
        for pack, duty in _duties(jurisdiction, day, hires)
        if duty.code in _ASSESSMENTS and not assessments.get(pack.code, date.max) <= day
    )


def is_there(jurisdiction: str, work: str | None, home: str | None) -> bool:
    """Whether a law of a place may ask for something about a case.

    Args:
        jurisdiction: The place.
        work: Place of the job, such as `US-NY-NYC` or only `US`; None where it is not known.
        home: Place of the person, likewise.

    Returns:
        False only where the job is known to be elsewhere, and the person is not known to be there.
    """
    return not _is_elsewhere(jurisdiction, work) or (home is not None and holds(jurisdiction, home))


def place_of(country: str | None) -> str | None:
    """The place that a country's two letters (ISO 3166) name; None for anything else."""
    if country is None or len(country) != 2 or not country.isascii() or not country.isupper():
        return None
    return f"EU-{country}" if _UNION.fullmatch(country) else country


def asks_for_notice(pack: Pack) -> bool:
    """Whether a notice is a condition of use under a law, now or later."""
    return any(duty.code in _NOTICES for duty in pack.duties)


def asks_for_assessment(pack: Pack) -> bool:
    """Whether a signed impact assessment is a condition of use under a law, now or later."""
    return any(duty.code in _ASSESSMENTS for duty in pack.duties)


def _duties(jurisdiction: str, day: date, hires: bool) -> list[tuple[Pack, Duty]]:
    return [
        (pack, duty)
        for pack in standing((jurisdiction,), day).packs
        if hires or pack.code not in _HIRING_ONLY
        for duty in pack.duties_on(day)
        if not duty.is_recommended
    ]


def _is_elsewhere(jurisdiction: str, place: str | None) -> bool:
    return place is not None and not holds(jurisdiction, place) and not holds(place, jurisdiction)


def _aged(pack: Pack, duty: Duty, day: date, audits: Collection[date]) -> str:
    if not audits:
        return f"{pack.title} ({duty.where}): no bias audit of this model by an independent auditor is on record."
    newest = max(audits)
    expires = day_due(pack, duty.code, newest)
    if day <= expires:
        return ""
    return f"{pack.title} ({duty.where}): the bias audit of {newest} was good until {expires}."


def _told(pack: Pack, duty: Duty, day: date, given: date | None) -> str:
    if given is None or given > day:
        return f"{pack.title} ({duty.where}): no notice is on record."
    if duty.clock is None or duty.clock.trigger != _USE:
        return ""
    try:
        by = day_due(pack, duty.code, day)
    except SettingsError as error:  # without the holidays nobody can say that it was in time
        return f"{pack.title} ({duty.where}): {error}"
    return (
        "" if given <= by else f"{pack.title} ({duty.where}): the notice of {given} was due by {by} for use on {day}."
    )
