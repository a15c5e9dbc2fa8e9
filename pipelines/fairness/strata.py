"""One impact ratio over many subjects, and whether there is one.

It hides subjects that point in different ways: never a substitute for the single tables. So the test of whether the
subjects agree stands beside it.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from pipelines.fairness.counting import UNKNOWN, Bools, Floats
from pipelines.fairness.grids import Grid
from pipelines.fairness.intervals import Z
from pipelines.fairness.pairs import Pair


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
    """Breslow-Day statistic with Tarone's correction."""
    heterogeneity_p: float
    """Chance of strata that differ so much while all share one odds ratio; small means: look at each."""
    strata: int
    """Strata in which something could be compared: some selected, some not."""


def mantel_haenszel(strata: Pair) -> Common:
    """Combine strata.

    Args:
        strata: [n_strata] the same two groups in every stratum, such as requisitions.

    Source:
        Mantel and Haenszel (1959); Greenland and Robins (1985); Breslow and Day (1980), Tarone (1985).
    """
    above = float(np.sum(strata.selected * (strata.reference_people / strata.total)))
    below = float(np.sum(strata.reference_selected * (strata.people / strata.total)))
    ratio = above / below if below else np.nan
    low, high = _bounds(strata, above, below)
    odds = _odds_ratio(strata)
    statistic, p_value, compared = _heterogeneity(strata, odds)
    return Common(ratio, low, high, odds, statistic, p_value, compared)


def _bounds(strata: Pair, above: float, below: float) -> tuple[float, float]:
    if not above or not below:
        return np.nan, np.nan
    chosen = strata.selected + strata.reference_selected
    product = (strata.people / strata.total) * (strata.reference_people / strata.total) * chosen
    both = strata.selected * (strata.reference_selected / strata.total)
    factor = float(np.exp(Z * np.sqrt(np.sum(product - both) / (above * below))))
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
    variance = 1 / sum(
        1 / cell
        for cell in (
            expected,
            part.people - expected,
            chosen - expected,
            part.reference_people - chosen + expected,
        )
    )
    gap = part.selected - expected
    statistic = float(np.sum(gap**2 / variance) - np.sum(gap) ** 2 / np.sum(variance))
    return statistic, float(scipy.stats.chi2.sf(statistic, compared - 1)), compared


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
        both = (grid.people[:, column] > 0) & (grid.people[:, best] > 0)
        if group in (reference, UNKNOWN) or not both.any():
            continue
        counts = (grid.selected[both, column], grid.people[both, column])
        result[group] = mantel_haenszel(Pair(*counts, grid.selected[both, best], grid.people[both, best]))
    return result
