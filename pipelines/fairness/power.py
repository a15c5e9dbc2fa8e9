"""How likely a gap that matters would have been seen. Silence of a test that could not speak says nothing."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.fairness.counting import Bools, Floats, Ints
from pipelines.fairness.exact import AS_RARE, log_factorials, portions

_EXACT_CELLS: Final = 250_000
"""Largest number of possible tables that is enumerated. Beyond it the normal approximation is close: for 400 against
1,000 people both say 98 %."""
_PORTION: Final = 100_000
"""Tables enumerated at once: what fits a processor's cache is twice as fast."""
_REACH: Final = 4.5
"""Standard deviations, and as many people, around what is expected that are enumerated: all but a millionth."""


def power(
    people: npt.ArrayLike, reference_people: npt.ArrayLike, reference_rate: npt.ArrayLike, ratio: float, level: float
) -> Floats:
    """Chance that a two-sided test sees a true impact ratio of `ratio`.

    Args:
        people: Size of the group, or of many.
        reference_people: Size of the reference.
        reference_rate: Selection rate of the reference, taken as true; a share.
        ratio: True impact ratio to be seen, in (0, 1).
        level: Significance level of the test, a share.

    Returns:
        Shares: exact for Fisher's test while the possible tables can be enumerated, else the normal approximation.
    """
    n_g, n_r, rate_r = np.broadcast_arrays(
        np.asarray(people, np.int64), np.asarray(reference_people, np.int64), np.asarray(reference_rate, np.float64)
    )
    known = np.stack([n_g.ravel(), n_r.ravel(), rate_r.ravel()], axis=1)
    distinct, where = np.unique(known, axis=0, return_inverse=True)
    sizes_g, sizes_r, rates = distinct[:, 0].astype(np.int64), distinct[:, 1].astype(np.int64), distinct[:, 2]
    chance = _normal(sizes_g, sizes_r, ratio * rates, rates, level)
    exact = np.flatnonzero((sizes_g + 1) * (sizes_r + 1) <= _EXACT_CELLS)
    exact = exact[np.argsort(sizes_g[exact] * sizes_r[exact], kind="stable")]
    chance[exact] = _exact(sizes_g[exact], sizes_r[exact], ratio * rates[exact], rates[exact], level)
    return chance[where.reshape(-1)].reshape(n_g.shape)


def _exact(n_g: Ints, n_r: Ints, rate_g: Floats, rate_r: Floats, level: float) -> Floats:
    """Power of Fisher's test, pairs of like size side by side."""
    table = log_factorials(int((n_g + n_r).max(initial=0)))
    first, last = _window(n_g * rate_g + n_r * rate_r, n_g * _spread(rate_g) + n_r * _spread(rate_r), n_g + n_r)
    chance = np.empty(len(n_g))
    width = np.minimum(n_g + 1, (2 * _REACH * (np.sqrt((n_g + n_r) / 16) + 1)).astype(np.int64) + 3)
    for part in portions((last - first + 1) * width, _PORTION):
        rows = (last - first + 1)[part]
        of = np.repeat(np.arange(part.start, part.start + len(rows)), rows)
        chosen = first[of] + np.arange(len(of)) - np.repeat(np.cumsum(rows) - rows, rows)
        silent = _silent((n_g[of], n_r[of]), chosen, (rate_g[of], rate_r[of]), level, table)
        chance[part] = 1 - np.bincount(of - part.start, weights=silent, minlength=len(rows))
    return np.clip(chance, 0.0, 1.0)


def _silent(
    sizes: tuple[Ints, Ints], chosen: Ints, rates: tuple[Floats, Floats], level: float, table: Floats
) -> Floats:
    """Chance that so many are chosen of both groups and Fisher's test does not reject; one row a number chosen."""
    n_g, n_r = sizes
    total = n_g + n_r
    expected = chosen * n_g / total
    low, high = _window(expected, expected * (n_r / total) * (total - chosen) / np.maximum(total - 1, 1), n_g)
    low, high = np.maximum(low, chosen - n_r), np.minimum(high, chosen)
    x = low[:, np.newaxis] + np.arange(int((high - low).max(initial=0)) + 1)
    is_possible = x <= high[:, np.newaxis]
    x = np.minimum(x, high[:, np.newaxis])
    y = chosen[:, np.newaxis] - x
    single = table[x] + table[n_g[:, np.newaxis] - x] + table[y] + table[n_r[:, np.newaxis] - y]
    ways = (table[n_g] + table[n_r])[:, np.newaxis] - single
    whole = table[total] - table[chosen] - table[total - chosen]
    accepted = _accepted(np.where(is_possible, np.exp(ways - whole[:, np.newaxis]), 0.0), level) & is_possible
    row = np.nonzero(accepted)[0]
    log_g, log_r = (_log_odds(rate) for rate in rates)
    start = n_g * np.log1p(-_inside(rates[0])) + n_r * np.log1p(-_inside(rates[1]))
    chance = np.exp(ways[accepted] + start[row] + x[accepted] * log_g[row] + y[accepted] * log_r[row])
    return np.bincount(row, weights=chance, minlength=len(chosen)).astype(np.float64)


def _accepted(chance: Floats, level: float) -> Bools:
    """Where the tables at least as rare reach `level` together, row by row.

    A table is rejected when it is rarer than the one with which the sum, from the rarest on, reaches the level.
    """
    ordered = np.sort(chance, axis=1)
    turn = np.minimum((np.cumsum(ordered, axis=1) < level).sum(axis=1), chance.shape[1] - 1)
    critical = np.take_along_axis(ordered, turn[:, np.newaxis], axis=1)
    return np.asarray(chance * AS_RARE >= critical)


def _window(expected: Floats, variance: Floats, largest: Ints) -> tuple[Ints, Ints]:
    reach = _REACH * (np.sqrt(variance) + 1)
    low = np.maximum(0, np.floor(expected - reach)).astype(np.int64)
    return low, np.minimum(largest, np.ceil(expected + reach)).astype(np.int64)


def _normal(n_g: Ints, n_r: Ints, rate_g: Floats, rate_r: Floats, level: float) -> Floats:
    pooled = (n_g * rate_g + n_r * rate_r) / (n_g + n_r)
    under_equal = np.sqrt(_spread(pooled) * (1 / n_g + 1 / n_r))
    under_gap = np.sqrt(_spread(rate_g) / n_g + _spread(rate_r) / n_r)
    reach = scipy.stats.norm.ppf(1 - level / 2) * under_equal
    gap, scale = rate_r - rate_g, np.where(under_gap > 0, under_gap, 1.0)
    seen = scipy.special.ndtr((gap - reach) / scale) + scipy.special.ndtr((-gap - reach) / scale)
    return np.where(under_gap > 0, seen, 0.0)


def _spread(rate: Floats) -> Floats:
    return rate * (1 - rate)


def _inside(rate: Floats) -> Floats:
    """A share with a logarithm on both sides: 0 and 1 are moved by less than counts can show."""
    return np.clip(rate, 1e-12, 1 - 1e-12)


def _log_odds(rate: Floats) -> Floats:
    return np.asarray(scipy.special.logit(_inside(rate)))
