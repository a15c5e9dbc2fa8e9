"""Statistics of one group against its reference. Counts in, numbers out.

Formulas: 29 CFR 1607.4(D) for the ratio and the one-person flip; Katz et al. (1978) for the interval, Koopman (1984)
where a cell is empty and Katz has no answer; Fisher's exact test and its mid-P.
"""

import math
from dataclasses import dataclass
from typing import Literal

import scipy  # its parts load at first use: `gate` needs none of them, and they take two seconds

_Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
_SMALL_EXPECTED = 5
_SMALL_PEOPLE = 30
_ROUNDING = 1e-12
"""Ratios of counts that meet a threshold exactly must not miss it by the last bit."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A group and the reference it is compared with, in people."""

    selected: int
    people: int
    reference_selected: int
    reference_people: int

    def __post_init__(self) -> None:
        """Counts that cannot be are a programming mistake."""
        if not (0 <= self.selected <= self.people and 0 <= self.reference_selected <= self.reference_people):
            raise ValueError("selected must lie between 0 and people")
        if self.people == 0 or self.reference_people == 0:
            raise ValueError("both groups must hold people")

    @property
    def rate(self) -> float:
        """The group's selection rate, a share."""
        return self.selected / self.people

    @property
    def reference_rate(self) -> float:
        """The reference's selection rate, a share."""
        return self.reference_selected / self.reference_people

    @property
    def pooled_rate(self) -> float:
        """Selection rate of both together, a share."""
        return (self.selected + self.reference_selected) / (self.people + self.reference_people)


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval of the impact ratio, and how it was made. NaN where none exists."""

    low: float
    high: float
    method: Literal["katz", "score", "none"]


def impact_ratio(pair: Pair) -> float:
    """The group's rate divided by the reference's; NaN when nobody of the reference was selected."""
    return pair.rate / pair.reference_rate if pair.reference_selected else math.nan


def is_below(value: float, floor: float) -> bool:
    """Whether `value` is below `floor` by more than rounding. NaN is not below; callers rule it out first."""
    return value < floor - _ROUNDING


def interval(pair: Pair) -> Interval:
    """Interval of the impact ratio: Katz, or the score interval when any of the four cells is empty."""
    if not pair.reference_selected:
        return Interval(math.nan, math.nan, "none")
    full = pair.selected == pair.people or pair.reference_selected == pair.reference_people
    return score_interval(pair) if full or not pair.selected else katz_interval(pair)


def katz_interval(pair: Pair) -> Interval:
    """Normal interval of the logarithm of the ratio. Needs people selected in both groups."""
    spread = _Z * math.sqrt(
        1 / pair.selected - 1 / pair.people + 1 / pair.reference_selected - 1 / pair.reference_people
    )
    ratio = impact_ratio(pair)
    return Interval(ratio * math.exp(-spread), ratio * math.exp(spread), "katz")


def score_interval(pair: Pair) -> Interval:
    """All ratios that a score test at 5 % does not reject (Koopman 1984). Holds with empty cells."""
    ratio = impact_ratio(pair)

    def excess(log_ratio: float) -> float:
        return _score(pair, math.exp(log_ratio)) ** 2 - _Z**2

    centre = math.log(ratio) if ratio > 0 else -50.0
    low = math.exp(scipy.optimize.brentq(excess, centre - 50.0, centre)) if ratio > 0 else 0.0
    high = math.exp(scipy.optimize.brentq(excess, centre, 50.0))
    return Interval(low, high, "score")


def _score(pair: Pair, ratio: float) -> float:
    """Score statistic of the hypothesis that the true ratio is `ratio`."""
    n_g, n_r, s_g, s_r = pair.people, pair.reference_people, pair.selected, pair.reference_selected
    a = (n_g + n_r) * ratio
    b = -(n_g * ratio + s_g + n_r + s_r * ratio)
    c = s_g + s_r
    rate_r = (-b - math.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a)
    rate_g = ratio * rate_r
    variance = rate_g * (1 - rate_g) / n_g + ratio**2 * rate_r * (1 - rate_r) / n_r
    distance = pair.rate - ratio * pair.reference_rate
    if variance <= 0:
        return 0.0 if abs(distance) <= _ROUNDING else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def z_statistic(pair: Pair) -> float:
    """Difference of the rates in pooled standard errors; NaN when all or none were selected."""
    pooled = pair.pooled_rate
    variance = pooled * (1 - pooled) * (1 / pair.people + 1 / pair.reference_people)
    return (pair.rate - pair.reference_rate) / math.sqrt(variance) if variance > 0 else math.nan


def fisher_p(pair: Pair) -> float:
    """Two-sided p of Fisher's exact test, a share."""
    return float(scipy.stats.fisher_exact(_cells(pair)).pvalue)


def mid_p(pair: Pair) -> float:
    """Twice the smaller tail of Fisher's test, the table seen counted half: Fisher alone is conservative."""
    total = pair.people + pair.reference_people
    tables = scipy.stats.hypergeom(total, pair.selected + pair.reference_selected, pair.people)
    half = 0.5 * tables.pmf(pair.selected)
    return float(2 * min(tables.cdf(pair.selected - 1) + half, tables.sf(pair.selected) + half, 0.5))


def is_small_sample(pair: Pair) -> bool:
    """Whether an expected cell is below 5 or fewer than 30 people are compared: then only an exact test will do."""
    rates = (pair.pooled_rate, 1 - pair.pooled_rate)
    least = min(rates) * min(pair.people, pair.reference_people)
    return is_below(least, _SMALL_EXPECTED) or pair.people + pair.reference_people < _SMALL_PEOPLE


def p_value(pair: Pair) -> float:
    """The p that decides: Fisher's for small samples, the normal one of `z_statistic` otherwise. Never NaN."""
    if is_small_sample(pair):
        return fisher_p(pair)
    z = z_statistic(pair)
    return 1.0 if math.isnan(z) else float(2 * scipy.stats.norm.sf(abs(z)))


def is_flipped_by_one(pair: Pair) -> bool:
    """Whether selecting one different person would reverse the gap. False where there is no gap to reverse."""
    gap = pair.selected * pair.reference_people < pair.reference_selected * pair.people
    after = (pair.selected + 1) * pair.reference_people > (pair.reference_selected - 1) * pair.people
    return gap and after


def shortfall(pair: Pair) -> float:
    """People of the group missing among the selected, had both groups the pooled rate. Never negative."""
    return max(0.0, pair.people * pair.pooled_rate - pair.selected)


def _cells(pair: Pair) -> list[list[int]]:
    return [
        [pair.selected, pair.people - pair.selected],
        [pair.reference_selected, pair.reference_people - pair.reference_selected],
    ]
