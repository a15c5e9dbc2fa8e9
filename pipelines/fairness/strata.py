"""One impact ratio over many subjects, and whether there is one.

It hides subjects that point in different ways: never a substitute for the single tables. So the test of whether the
subjects agree stands beside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy

from pipelines.fairness.counting import UNKNOWN, Bools, Floats
from pipelines.fairness.grids import Grid
from pipelines.fairness.intervals import Z
from pipelines.fairness.pairs import Pair

_FEW: Final = 5
"""Expected people in a cell from which chi-square is near enough."""
_NO_SPREAD: Final = 1e-6
"""Variance a stratum below which all tables that could be are as far from the expected: nothing can be told."""


@dataclass(frozen=True, slots=True)
class Common:
    """The ratio common to all strata, as if each had one. NaN where a number does not exist."""

    ratio: float
    """Mantel-Haenszel impact ratio."""
    low: float
    high: float
    """95 % interval by Greenland and Robins (1985)."""
    odds_ratio: float
    """Mantel-Haenszel odds ratio, which heterogeneity is tested against."""
    heterogeneity: float
    """Breslow-Day statistic with Tarone's correction; strata with few people count by their exact moments."""
    heterogeneity_p: float
    """Chance of strata that differ so much while all share one odds ratio; small means: look at each."""
    strata: int
    """Strata in which something could be compared: some selected, some not."""
    lacking: int
    """Strata with people of only one of both groups: they say nothing and are in no other number."""


class Strata(Pair):
    """The same two groups in every stratum, such as requisitions; in some there may be nobody of one."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Counts that cannot be are a programming mistake."""
        self._hold()


def mantel_haenszel(strata: Pair) -> Common:
    """Combine strata.

    Args:
        strata: [n_strata] as `Strata`, or a `Pair` where every stratum has both groups.

    Source:
        Mantel and Haenszel (1959); Greenland and Robins (1985); Breslow and Day (1980), Tarone (1985); Liang and Self
        (1985) on many small strata.
    """
    people, others = np.atleast_1d(strata.people > 0), np.atleast_1d(strata.reference_people > 0)
    lacking = int((people != others).sum())
    strata = _with_both(strata, people & others)
    above = float(np.sum(strata.selected * (strata.reference_people / strata.total)))
    below = float(np.sum(strata.reference_selected * (strata.people / strata.total)))
    ratio = above / below if below else np.nan
    low, high = _bounds(strata, above, below)
    odds = _odds_ratio(strata)
    statistic, p_value, compared = _heterogeneity(strata, odds)
    return Common(ratio, low, high, odds, statistic, p_value, compared, lacking)


def _with_both(strata: Pair, which: Bools) -> Pair:
    cells = (strata.selected, strata.people, strata.reference_selected, strata.reference_people)
    return Pair(*(np.atleast_1d(cell)[which] for cell in cells))


def _bounds(strata: Pair, above: float, below: float) -> tuple[float, float]:
    if not above or not below:
        return np.nan, np.nan
    chosen = strata.selected + strata.reference_selected
    product = (strata.people / strata.total) * (strata.reference_people / strata.total) * chosen
    both = strata.selected * (strata.reference_selected / strata.total)
    variance = max(0.0, float(np.sum(product - both)))  # 0 where all were chosen, but for the arithmetic
    factor = float(np.exp(Z * np.sqrt(variance / (above * below))))
    return above / below / factor, above / below * factor


def _odds_ratio(strata: Pair) -> float:
    rest, reference_rest = strata.people - strata.selected, strata.reference_people - strata.reference_selected
    above = float(np.sum(strata.selected * (reference_rest / strata.total)))
    below = float(np.sum(rest * (strata.reference_selected / strata.total)))
    return above / below if below else np.nan


def _heterogeneity(strata: Pair, odds: float) -> tuple[float, float, int]:
    part = strata[_says_something(strata)]
    compared = len(part.selected)
    if compared < 2 or not np.isfinite(odds) or odds <= 0:
        return np.nan, np.nan, compared
    chosen = part.selected + part.reference_selected
    expected = _expected(part, odds)
    cells = np.array(
        [expected, part.people - expected, chosen - expected, part.reference_people - chosen + expected],
        dtype=np.float64,
    )
    variance = 1 / (1 / cells).sum(axis=0)
    spread = np.full(compared, 2.0)  # variance of the square of a normal deviate
    few = cells.min(axis=0) < _FEW
    expected[few], variance[few], spread[few] = _exact(part[few], odds)
    gap = part.selected - expected
    statistic = float(np.sum(gap**2 / variance) - np.sum(gap) ** 2 / np.sum(variance))
    mean, wide = compared - 1, float(spread.sum()) * (compared - 1) / compared
    if wide < _NO_SPREAD * compared:
        return statistic, np.nan, compared
    return statistic, float(scipy.stats.chi2.sf(statistic * 2 * mean / wide, 2 * mean**2 / wide)), compared


def _exact(part: Pair, odds: float) -> tuple[Floats, Floats, Floats]:
    """[n_strata] mean and variance of the selected of a group, all sums of the table given, and of its squared deviate.

    With few people the usual variance is too small, by a third of four, and a squared deviate is far from chi-square:
    over hundreds of small requisitions that alone makes them all seem to differ.
    """
    chosen = (part.selected + part.reference_selected).astype(np.int64)
    people, others = part.people.astype(np.int64), part.reference_people.astype(np.int64)
    least = np.maximum(0, chosen - others)
    width = np.minimum(people, chosen) - least + 1
    starts = np.cumsum(width) - width
    of = np.repeat(np.arange(len(width)), width)
    value = (np.arange(len(of)) - starts[of] + least[of]).astype(np.float64)
    weight = value * np.log(odds) - sum(
        scipy.special.gammaln(1 + rest)
        for rest in (value, people[of] - value, chosen[of] - value, others[of] - chosen[of] + value)
    )
    share = np.exp(weight - np.maximum.reduceat(weight, starts)[of]) if len(of) else weight
    share /= np.bincount(of, share)[of]
    mean = np.bincount(of, share * value).astype(np.float64)
    gap = value - mean[of]
    variance = np.bincount(of, share * gap**2).astype(np.float64)
    return mean, variance, np.bincount(of, share * gap**4) / variance**2 - 1


def _says_something(strata: Pair) -> Bools:
    """Strata where all or none were selected fit every odds ratio."""
    chosen = strata.selected + strata.reference_selected
    return np.asarray((chosen > 0) & (chosen < strata.total))


def _expected(part: Pair, odds: float) -> Floats:
    """Selected of the group in every stratum if it had these odds: the root of a quadratic between its bounds."""
    chosen = part.selected + part.reference_selected
    linear = part.reference_people - chosen + odds * (part.people + chosen)
    root = np.sqrt(linear**2 - 4 * odds * (odds - 1) * part.people.astype(np.float64) * chosen)
    # This form has no difference of two near numbers where the odds are near 1.
    return np.asarray(2 * odds * part.people.astype(np.float64) * chosen / (linear + root))


def common_ratios(grid: Grid, reference: str) -> dict[str, Common]:
    """Every known group against one reference, over the subjects that have people of both.

    Args:
        grid: The counts by subject.
        reference: Name of the group that all are compared with, such as the pool's reference.
    """
    best = grid.groups.index(reference)
    result = {}
    for column, group in enumerate(grid.groups):
        counts = (grid.selected[:, column], grid.people[:, column], grid.selected[:, best], grid.people[:, best])
        if group not in (reference, UNKNOWN) and np.any((counts[1] > 0) & (counts[3] > 0)):
            result[group] = mantel_haenszel(Strata(*counts))
    return result
