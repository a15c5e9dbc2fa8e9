"""What the law asks of a run somewhere on a day, and what of it the run cannot show."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from pipelines.base.errors import SettingsError
from pipelines.fairness.law.clocks import due
from pipelines.fairness.law.packs import Duty, Pack, library

_RECORD: Final = "record"
_RECORDS: Final = "records_kept"
"""What starts a clock of keeping, and the duty that keeps records from a decision on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The law of some places on a day."""

    day: date
    jurisdictions: tuple[str, ...]
    packs: tuple[Pack, ...]
    """In force on the day."""

    @property
    def duties(self) -> dict[str, Duty]:
        """`pack/duty` to what is asked."""
        return {f"{pack.code}/{duty.code}": duty for pack in self.packs for duty in pack.duties_on(self.day)}

    @property
    def digests(self) -> dict[str, str]:
        """Pack to the digest of its text: what a judgement must carry to be repeated."""
        return {pack.code: pack.sha256 for pack in self.packs}

    def of_kind(self, kind: str) -> dict[str, Duty]:
        """Only computations, records, clocks, texts or bans."""
        return {name: duty for name, duty in self.duties.items() if duty.kind == kind}

    def kept(self, first: date) -> tuple[str, ...]:
        """Duties by which a record of the day before `first` must still be there on the day.

        Args:
            first: The first day of which records are kept.

        Returns:
            `pack/duty` of the clocks that run from a record, or that keep the records of a decision. Such a clock may
            start later than its record does, with the decision: what is named here is the least that is wrong.
        """
        record = datetime.combine(first - timedelta(days=1), time())
        return tuple(
            f"{pack.code}/{duty.code}"
            for pack in self.packs
            for duty in pack.duties_on(self.day)
            if duty.clock is not None
            and (duty.clock.trigger == _RECORD or duty.code == _RECORDS)
            and not duty.is_recommended
            and due(duty.clock, record, pack).date() >= self.day
        )


def coming(jurisdictions: Collection[str], day: date) -> tuple[tuple[date, Pack, int], ...]:
    """What starts after a day in some places.

    Returns:
        Day, law and how many of its duties start then, by day; what is only recommended is not counted.

    Raises:
        SettingsError: As `standing`.
    """
    wide = _places(jurisdictions)
    starts = Counter(
        (max(duty.applies_from or pack.applies_from, pack.applies_from), pack.code)
        for pack in library()
        for duty in pack.duties
        if pack.jurisdiction in wide and (pack.ends_on is None or pack.ends_on > day) and not duty.is_recommended
    )
    packs = {pack.code: pack for pack in library()}
    return tuple((start, packs[code], count) for (start, code), count in sorted(starts.items()) if start > day)


def ended(jurisdictions: Collection[str], day: date) -> tuple[Pack, ...]:
    """Laws of some places that no longer apply on a day, by the day on which they ended. Raises as `standing`."""
    wide = _places(jurisdictions)
    gone = [
        pack for pack in library() if pack.jurisdiction in wide and pack.ends_on is not None and pack.ends_on <= day
    ]
    return tuple(sorted(gone, key=lambda pack: (pack.ends_on or day, pack.code)))


def standing(jurisdictions: Collection[str], day: date) -> Standing:
    """The law that holds in some places on a day.

    Args:
        jurisdictions: Where the people or the job are, such as `US-NY-NYC` or `EU-DE`; wider ones are implied, those
            in them are not (`within`).
        day: The day to judge.

    Returns:
        All packs in force there. A place without a pack has none, which says that we know of no law, not that there
        is none.

    Raises:
        SettingsError: No jurisdiction is named: law does not apply nowhere.
    """
    wide = _places(jurisdictions)
    packs = tuple(pack for pack in library() if pack.jurisdiction in wide and pack.applies_on(day))
    return Standing(day, tuple(sorted(jurisdictions)), packs)


def everywhere() -> tuple[str, ...]:
    """Every place that a pack is of: what counts where nobody has said which places do."""
    return tuple(sorted({pack.jurisdiction for pack in library()}))


def within(jurisdictions: Collection[str]) -> tuple[str, ...]:
    """The places that are named, and every place in one of them that a pack is of: `US` has New York City in it."""
    inner = {pack.jurisdiction for pack in library() for wide in jurisdictions if holds(wide, pack.jurisdiction)}
    return tuple(sorted({*jurisdictions, *inner}))


def holds(wide: str, narrow: str) -> bool:
    """Whether a place is in another, or is that one: `US` holds `US-NY-NYC`."""
    return f"{narrow}-".startswith(f"{wide}-")


def _places(jurisdictions: Collection[str]) -> set[str]:
    """The places and the wider ones that they are in."""
    if not jurisdictions:
        raise SettingsError("A run must name its jurisdictions; got none. Name where the people or the job are.")
    known = {pack.jurisdiction.split("-")[0] for pack in library()}
    if wrong := sorted(place for place in jurisdictions if place.split("-")[0] not in known):
        raise SettingsError(
            f"A jurisdiction must begin as the packs of law do, {', '.join(sorted(known))}; got {', '.join(wrong)}. "
            "Write `US-NY-NYC`, `EU-DE`."
        )
    return {part for place in jurisdictions for part in _widened(place)}


def _widened(place: str) -> list[str]:
    parts = place.split("-")
    return ["-".join(parts[: size + 1]) for size in range(len(parts))]
