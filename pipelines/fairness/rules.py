"""The rule pack: what counts as a gap, as significant and as enough data. Dated data, so that a verdict says by which.

These are rules of law and practice, not knobs of a deployment, hence not in `params.yaml`: whoever tunes them writes
a new pack beside this one. Counsel confirms a pack before it is relied on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final


class Verdict(StrEnum):
    """What the numbers allow to be said. There is no bare pass or fail."""

    ADVERSE = "ADVERSE"
    """Below four fifths, significant, and not the matter of one person."""
    INVESTIGATE = "INVESTIGATE"
    """Something is there; a person must look."""
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    """Too little to see a gap of the size that matters. Never read as fair."""
    NO_EVIDENCE = "NO_EVIDENCE"
    """Enough data to see a gap that matters, and none seen."""


class Reason(StrEnum):
    """Why a verdict is what it is."""

    BELOW_FOUR_FIFTHS = "below_four_fifths"
    SIGNIFICANT = "significant"
    NOT_SIGNIFICANT = "not_significant"
    NOT_SIGNIFICANT_AFTER_CORRECTION = "not_significant_after_correction"
    FLIPS_WITH_ONE_PERSON = "flips_with_one_person"
    LOW_POWER = "low_power"
    PRACTICALLY_LARGE = "practically_large"
    PRACTICALLY_SMALL = "practically_small"
    BELOW_MIN_GROUP_SIZE = "below_min_group_size"
    UNKNOWN_GROUP = "unknown_group"
    NO_COMPARISON = "no_comparison"
    NOBODY_SELECTED = "nobody_selected"
    REFERENCE_GROUP = "reference_group"
    NO_PEOPLE = "no_people"


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of one rule pack."""

    code: str
    """Name of the pack; goes into every judgement."""
    impact_ratio_floor: float
    """29 CFR 1607.4(D), the four-fifths rule."""
    significance_level: float
    """Two-sided; .05 is the "two standard deviations" habit."""
    practical_rate_gap: float
    """Difference of selection rates from which a gap matters in practice."""
    practical_people: float
    """Shortfall, in people, from which a gap matters in practice."""
    power_floor: float
    """Chance to see a true impact ratio at the floor, below which silence says nothing."""
    intersections: tuple[tuple[str, str], ...]
    """Pairs of axes that are judged together as well: 6 RCNY 5-301 has sex by race."""


RULES: Final = Rules(
    # .2: pools of many groups are corrected too, by Benjamini and Hochberg instead of Holm; .3: intersections, stages;
    # .4: of pools, people are counted and not their decisions; .5: people are as old as on the day of a decision
    code="us-2026-11.6",
    impact_ratio_floor=0.8,
    significance_level=0.05,
    practical_rate_gap=0.02,
    practical_people=1.0,
    power_floor=0.5,
    intersections=(("sex", "ethnicity"), ("sex", "race")),
)

_SEVERITY: Final = {
    Verdict.ADVERSE: 3,
    Verdict.INVESTIGATE: 2,
    Verdict.INSUFFICIENT_DATA: 1,
    Verdict.NO_EVIDENCE: 0,
}


BY_SEVERITY: Final = tuple(sorted(_SEVERITY, key=_SEVERITY.__getitem__))
"""Verdicts by their severity, for columns that hold it as a number."""
_BITS: Final = {reason: 1 << place for place, reason in enumerate(Reason)}


def bit(reason: Reason) -> int:
    """The bit that stands for a reason where many are held as one number."""
    return _BITS[reason]


@cache  # a dozen combinations occur
def reasons_of(bits: int) -> tuple[Reason, ...]:
    """The reasons whose bits are set, in the order of `Reason`."""
    return tuple(reason for reason, place in _BITS.items() if bits & place)


def severity(verdict: Verdict) -> int:
    """Rank for sorting: the worst verdict has the highest number."""
    return _SEVERITY[verdict]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole: its worst part. Without parts there is nothing to say, which is not fairness."""
    return max(verdicts, key=severity, default=Verdict.INSUFFICIENT_DATA)
