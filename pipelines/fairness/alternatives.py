"""The search for a less discriminatory alternative: which of several models is taken, and what must be explained.

Among models of equal validity the one with the better impact ratio is to be preferred. The *impact ratio of a model* is
its lowest, over all groups that are large enough, on all axes and where two axes meet. Two questions are asked, and
ignorance answers each to the side of caution:

Which one is *taken*? Only an alternative of which both is known: it is no less valid (the whole interval of the
difference lies above the margin), and its impact ratio is better than chance makes one of several look (the whole
interval of the two ratios' quotient, corrected for how many were tried, lies above 1). Otherwise the declared model
stays.

What must be *explained*? Every model not taken whose impact ratio looks better and that may be as valid: its interval
is not wholly below the margin.

For both it must select about as many: whoever puts everybody forward has an impact ratio of 1 and helps nobody.

All this is measured on validation cases. The best of several looks better there than it is: what is released is judged
anew on test cases that no choice has seen.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.base.tried import DECLARED
from pipelines.fairness.axes import GroupRow
from pipelines.fairness.subjects import AxisReport


@dataclass(frozen=True, slots=True)
class Margins:
    """What counts as equal."""

    validity: float
    """Of the metric's unit, below the declared model."""
    impact_ratio: float
    """Ratios no further apart are equal."""
    selected_share: float
    """As a share of the declared model's share of selected cases; shares no further apart are equal."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One model as it did on the validation cases. NaN is unknown, and never counts as equal or as better."""

    name: str
    difference: float
    """Its metric minus that of the declared model; positive is better, 0 for that model itself."""
    difference_low: float
    difference_high: float
    """Ends of the 95 % interval."""
    selected_share: float
    impact_ratio: float
    gain_low: float = math.nan
    """Lower end of the interval of its impact ratio over the declared model's, corrected for how many were tried."""

    @property
    def is_known(self) -> bool:
        """Whether it could be compared at all: NaN in any of these is a gap, not a result."""
        return not any(map(math.isnan, (self.difference_high, self.selected_share, self.impact_ratio)))


@dataclass(frozen=True, slots=True)
class Lowest:
    """The group that a model's impact ratio is that of."""

    axis: str
    row: GroupRow


def lowest(reports: Iterable[AxisReport]) -> Lowest | None:
    """The lowest impact ratio over all people; None where no group could be judged against another.

    Args:
        reports: Of one model, all axes and intersections.
    """
    found = [
        Lowest(report.pool.axis, row)
        for report in reports
        for row in report.pool.groups
        if not math.isnan(row.p_value) and not math.isnan(row.impact_ratio)
    ]
    return min(found, key=lambda item: (item.row.impact_ratio, item.axis, item.row.group), default=None)


def of_equal_validity(tried: Sequence[Tried], margins: Margins) -> list[Tried]:
    """Those that may be as valid as the declared model, which always is.

    Args:
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Raises:
        ValueError: The declared model is not among them, or two have one name.
    """
    declared = _declared(tried)
    return [one for one in tried if one is declared or _is_equal(one, declared, margins)]


def chosen(tried: Sequence[Tried], margins: Margins) -> Tried:
    """The less discriminatory one that is surely so, and surely no less valid; the declared model where none is.

    Args:
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Returns:
        Of several with ratios that count as equal to the best the most valid, then the first. The declared model where
        its own ratio is unknown: nothing is better than what nobody knows.

    Raises:
        ValueError: The declared model is not among them, or two have one name.
    """
    surely = surely_better(tried, margins)
    if not surely:
        return _declared(tried)
    best = max(surely, key=lambda one: one.impact_ratio)
    near = [one for one in surely if not _is_better(best, one, margins)]
    return max(near, key=lambda one: one.difference)


def surely_better(tried: Sequence[Tried], margins: Margins) -> list[Tried]:
    """Those that are surely no less valid than the declared model, and surely less discriminatory.

    Args:
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Raises:
        ValueError: The declared model is not among them, or two have one name.
    """
    declared = _declared(tried)
    return [one for one in tried if one is not declared and _is_surely_better(one, declared, margins)]


def better_than(name: str, tried: Sequence[Tried], margins: Margins) -> list[Tried]:
    """Models of equal validity whose impact ratio is better than that of the one taken: somebody must say why not they.

    Args:
        name: Of the model taken.
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Returns:
        The best first; empty when nothing is left to explain.

    Raises:
        ValueError: The model taken is not among them.
    """
    (taken,) = (one for one in tried if one.name == name)
    found = [one for one in of_equal_validity(tried, margins) if _is_better(one, taken, margins)]
    return sorted(found, key=lambda one: -one.impact_ratio)


def _declared(tried: Sequence[Tried]) -> Tried:
    if len({one.name for one in tried}) < len(tried):
        raise ValueError("Each model that was tried must have a name of its own.")
    (declared,) = (one for one in tried if one.name == DECLARED)
    return declared


def _is_equal(one: Tried, declared: Tried, margins: Margins) -> bool:
    apart = abs(one.selected_share - declared.selected_share)
    return one.difference_high >= -margins.validity and apart <= margins.selected_share * declared.selected_share


def _is_surely_better(one: Tried, declared: Tried, margins: Margins) -> bool:
    """NaN is neither sure nor better: no comparison with it holds."""
    return (
        _is_equal(one, declared, margins)
        and one.difference_low >= -margins.validity
        and one.gain_low > 1
        and one.impact_ratio - declared.impact_ratio > margins.impact_ratio
    )


def _is_better(one: Tried, other: Tried, margins: Margins) -> bool:
    """NaN is no better than anything, and anything known is better than it."""
    ratio = -math.inf if math.isnan(other.impact_ratio) else other.impact_ratio
    return one.impact_ratio - ratio > margins.impact_ratio
