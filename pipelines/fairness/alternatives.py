"""The search for a less discriminatory alternative: which of several models is taken, and what must be explained.

Among models of equal validity the one with the better impact ratio is to be preferred. Two models are of *equal
validity* when the interval of their difference is not wholly below the margin, and when they select about as many:
whoever puts everybody forward has an impact ratio of 1 and helps nobody. The *impact ratio of a model* is its lowest,
over all groups that are large enough, on all axes and where two axes meet. Ratios that lie within a margin of each
other count as equal, or chance would choose.

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
    """Of the metric's unit; an interval wholly further below is worse."""
    impact_ratio: float
    """Ratios no further apart are equal."""
    selected_share: float
    """Shares of selected cases no further apart are equal."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One model as it did on the validation cases. NaN is unknown, and never counts as equal or as better."""

    name: str
    difference: float
    """Its metric minus that of the declared model; positive is better, 0 for that model itself."""
    difference_high: float
    """Upper end of the 95 % interval."""
    selected_share: float
    impact_ratio: float


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
    """Those as valid as the declared model, which always is.

    Args:
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Raises:
        ValueError: The declared model is not among them, or two have one name.
    """
    if len({one.name for one in tried}) < len(tried):
        raise ValueError("Each model that was tried must have a name of its own.")
    (declared,) = (one for one in tried if one.name == DECLARED)
    return [one for one in tried if one is declared or _is_equal(one, declared, margins)]


def chosen(tried: Sequence[Tried], margins: Margins) -> Tried:
    """The less discriminatory one at equal validity; the declared model where none is better by more than the margin.

    Args:
        tried: The declared model and its alternatives.
        margins: What counts as equal.

    Returns:
        Of several with ratios that count as equal to the best the most valid, then the first.
    """
    equal = of_equal_validity(tried, margins)
    best = max(equal, key=lambda one: _known(one.impact_ratio))
    near = [one for one in equal if not _is_better(best, one, margins)]
    return next((one for one in near if one.name == DECLARED), max(near, key=lambda one: one.difference))


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


def _is_equal(one: Tried, declared: Tried, margins: Margins) -> bool:
    return (
        one.difference_high >= -margins.validity
        and abs(one.selected_share - declared.selected_share) <= margins.selected_share
    )


def _is_better(one: Tried, other: Tried, margins: Margins) -> bool:
    """NaN is no better than anything, and anything known is better than it."""
    return one.impact_ratio - _known(other.impact_ratio) > margins.impact_ratio


def _known(ratio: float) -> float:
    return -math.inf if math.isnan(ratio) else ratio
