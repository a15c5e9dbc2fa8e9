"""Intervals at 95 % of impact ratios and of rates, for many pairs at once.

Katz et al. (1978) for ratios; the score interval (Koopman 1984; with the variance of Miettinen and Nurminen 1985 on
request) where a cell is empty and Katz has no answer; draws from the posterior as a second opinion there; Wilson
(1927) for single rates and Newcombe (1998) for the difference of two.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import Bools, Floats, Ints
from pipelines.fairness.pairs import Pair, impact_ratio

Z: Final = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
METHODS: Final = ("none", "katz", "score")
_WIDEST: Final = 50.0
"""Logarithm of the largest ratio that is looked at."""
_HALVINGS: Final = 60
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds, and how they were made. NaN where none exist."""

    low: Floats
    high: Floats
    method: npt.NDArray[np.int8]
    """Position in `METHODS`."""


def interval(pair: Pair) -> Interval:
    """Interval of the impact ratio: Katz, or the score interval when any of the four cells is empty."""
    shape = pair.selected.shape
    flat = pair[np.newaxis] if not shape else pair
    low, high = np.full((2, *flat.selected.shape), np.nan)
    method = np.where(flat.reference_selected > 0, np.where(_is_empty(flat), 2, 1), 0).astype(np.int8)
    for code, bounds in ((1, katz_interval), (2, score_interval)):
        which = method == code
        low[which], high[which] = bounds(flat[which])
    return Interval(low.reshape(shape), high.reshape(shape), method.reshape(shape))


def katz_interval(pair: Pair) -> tuple[Floats, Floats]:
    """Normal interval of the logarithm of the ratio. Needs people selected in both groups."""
    parts = 1 / pair.selected - 1 / pair.people + 1 / pair.reference_selected - 1 / pair.reference_people
    factor = np.exp(Z * np.sqrt(parts))
    return impact_ratio(pair) / factor, impact_ratio(pair) * factor


def score_interval(pair: Pair, *, is_miettinen_nurminen: bool = False) -> tuple[Floats, Floats]:
    """All ratios that a score test at 5 % does not reject. Holds with empty cells; needs a selected reference.

    Args:
        pair: The pairs.
        is_miettinen_nurminen: Widen the variance by N / (N - 1), which matters for few people.
    """
    ratio = impact_ratio(pair)
    widened = pair.total / (pair.total - 1) if is_miettinen_nurminen else np.ones(ratio.shape)
    centre = np.log(ratio, out=np.full(ratio.shape, -_WIDEST), where=ratio > 0)
    low = np.exp(_edge(pair, widened, centre - _WIDEST, centre))
    return np.where(ratio > 0, low, 0.0), np.exp(_edge(pair, widened, np.full(ratio.shape, _WIDEST), centre))


def posterior_interval(pair: Pair, *, draws: int, seed: int) -> tuple[Floats, Floats]:
    """The bootstrap for empty cells: quantiles of the ratio of rates drawn from their posteriors.

    Resampling people cannot widen an empty cell, since nobody selected stays nobody in every resample. The Bayesian
    bootstrap of a share can: rates are drawn from Beta(selected + 1/2, not selected + 1/2), Jeffreys' posterior.

    Args:
        pair: The pairs; the same pairs in the same order give the same bounds.
        draws: Draws of each rate.
        seed: Of the generator.

    Source:
        Rubin (1981), The Bayesian bootstrap; Brown, Cai and DasGupta (2001) for the prior.
    """
    generator = np.random.default_rng(seed)
    size = (draws, *pair.selected.shape)
    rate = generator.beta(pair.selected + 0.5, pair.people - pair.selected + 0.5, size)
    other = pair.reference_people - pair.reference_selected
    reference = generator.beta(pair.reference_selected + 0.5, other + 0.5, size)
    low, high = np.quantile(rate / reference, [0.025, 0.975], axis=0)
    return np.asarray(low), np.asarray(high)


def wilson_interval(successes: npt.ArrayLike, people: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Score interval of single rates; NaN where nobody was counted."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(people, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (k + Z**2 / 2) / (n + Z**2)
        spread = Z * np.sqrt(k * (n - k) / n + Z**2 / 4) / (n + Z**2)
    return np.maximum(centre - spread, 0.0), np.minimum(centre + spread, 1.0)


def newcombe_interval(pair: Pair) -> tuple[Floats, Floats]:
    """Interval of the group's rate minus the reference's, from the Wilson intervals of both."""
    gap = pair.rate - pair.reference_rate
    low, high = wilson_interval(pair.selected, pair.people)
    low_r, high_r = wilson_interval(pair.reference_selected, pair.reference_people)
    below = np.sqrt((pair.rate - low) ** 2 + (high_r - pair.reference_rate) ** 2)
    above = np.sqrt((high - pair.rate) ** 2 + (pair.reference_rate - low_r) ** 2)
    return gap - below, gap + above


def _is_empty(pair: Pair) -> Bools:
    full = (pair.selected == pair.people) | (pair.reference_selected == pair.reference_people)
    return np.asarray(full | (pair.selected == 0))


def _edge(pair: Pair, widened: Floats, outside: Floats, inside: Floats) -> Floats:
    """The logarithm of the ratio between a rejected one and one that is not, where the test turns; by halving."""
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        is_rejected = _score(pair, np.exp(middle), widened) ** 2 > Z**2
        outside, inside = np.where(is_rejected, middle, outside), np.where(is_rejected, inside, middle)
    return inside


def _score(pair: Pair, ratio: Floats, widened: Floats) -> Floats:
    """Score statistic of the hypothesis that the true ratio is `ratio`."""
    n_g, n_r, s_g, s_r = _numbers(pair.people, pair.reference_people, pair.selected, pair.reference_selected)
    a = (n_g + n_r) * ratio
    b = -(n_g * ratio + s_g + n_r + s_r * ratio)
    root = np.sqrt(np.maximum(0.0, b * b - 4 * a * (s_g + s_r)))
    rate_r = (-b - root) / (2 * a)
    rate_g = ratio * rate_r
    variance = widened * (rate_g * (1 - rate_g) / n_g + ratio**2 * rate_r * (1 - rate_r) / n_r)
    distance = pair.rate - ratio * pair.reference_rate
    with np.errstate(divide="ignore", invalid="ignore"):
        certain = np.where(np.abs(distance) <= _ROUNDING, 0.0, np.copysign(np.inf, distance))
        return np.where(variance > 0, distance / np.sqrt(variance), certain)


def _numbers(*counts: Ints) -> tuple[Floats, ...]:
    return tuple(count.astype(np.float64) for count in counts)
