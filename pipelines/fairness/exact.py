"""Fisher's exact test and its mid-P, for many tables at once: all tables with the margins seen are enumerated."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from pipelines.fairness.counting import Floats, Ints
from pipelines.fairness.pairs import Pair

AS_RARE = 1 + 1e-7
"""Chances that differ by less are the same chance, as in R's `fisher.test`."""
_PORTION = 200_000
"""Tables enumerated at once: bounds the memory, and what fits a processor's cache is faster."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Two-sided p values, shares; in the shape of the pairs."""

    fisher: Floats
    """Chance of a table as rare as the one seen, or rarer."""
    mid: Floats
    """Twice the smaller tail, the table seen counted half: Fisher alone is conservative."""


def exact_p(pair: Pair) -> Exact:
    """Both exact p values of every pair.

    Source:
        Fisher (1935); Lancaster (1961) for mid-P.
    """
    shape = pair.selected.shape
    flat = pair[np.newaxis] if not shape else pair
    fisher, mid = np.empty(flat.selected.shape), np.empty(flat.selected.shape)
    table = log_factorials(int(flat.total.max(initial=0)))
    low, width = _support(flat)
    for part in portions(width, _PORTION):
        fisher[part], mid[part] = _tails(flat[part], low[part], width[part], table)
    return Exact(fisher.reshape(shape), mid.reshape(shape))


def log_factorials(largest: int) -> Floats:
    """[largest + 1] logarithms of 0! to `largest`!."""
    return np.asarray(scipy.special.gammaln(np.arange(1, largest + 2)), dtype=np.float64)


def portions(sizes: Ints, limit: int) -> Iterator[slice]:
    """Stretches of cells that together hold about `limit`, and at least one cell each."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield slice(start, stop)
        start = stop


def _support(pair: Pair) -> tuple[Ints, Ints]:
    """The fewest of the group that can be selected, and how many numbers are possible, given the margins."""
    chosen = pair.selected + pair.reference_selected
    low = np.maximum(0, chosen - pair.reference_people)
    return low, np.minimum(pair.people, chosen) - low + 1


def _tails(pair: Pair, low: Ints, width: Ints, table: Floats) -> tuple[Floats, Floats]:
    starts = np.cumsum(width) - width
    cell = np.repeat(np.arange(len(width)), width)
    x = low[cell] + np.arange(len(cell)) - starts[cell]
    chance = _chances(pair, cell, x, table)
    seen = chance[starts + pair.selected - low]
    rare = np.add.reduceat(np.where(chance <= seen[cell] * AS_RARE, chance, 0), starts)
    below = np.add.reduceat(np.where(x < pair.selected[cell], chance, 0), starts)
    above = np.add.reduceat(np.where(x > pair.selected[cell], chance, 0), starts)
    return np.minimum(rare, 1.0), np.minimum(2 * np.minimum(below, above) + seen, 1.0)


def _chances(pair: Pair, cell: Ints, x: Ints, table: Floats) -> Floats:
    """Hypergeometric chance of `x` selected of the group, one element a possible table."""
    chosen, rest = pair.selected + pair.reference_selected, pair.reference_people
    whole = table[pair.people] + table[rest] + table[chosen] + table[pair.total - chosen] - table[pair.total]
    of_rest = chosen[cell] - x
    single = table[x] + table[pair.people[cell] - x] + table[of_rest] + table[rest[cell] - of_rest]
    return np.asarray(np.exp(whole[cell] - single))
