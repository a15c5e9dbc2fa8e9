"""Intervals of a metric, of the baseline's and of their paired difference, by drawing people with replacement."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Weighted = Callable[[Numbers], Numbers]
"""[n_draws, n_cases] how often each case was drawn -> [n_draws] the metric."""
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval it lies in with 95 % confidence; NaN where it does not exist."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


UNKNOWN: Final = Estimate(math.nan, math.nan, math.nan)


def estimates(
    model: Weighted, baseline: Weighted, person: npt.ArrayLike, *, resamples: int, seed: int, sign: float
) -> tuple[Estimate, Estimate, Estimate]:
    """Metric of the model, of the baseline, and how much better the model is.

    Args:
        model: The model's metric under weights.
        baseline: The same for the baseline, on the same cases.
        person: [n_cases] who each case is about; all cases of a person are drawn together.
        resamples: Number of draws.
        seed: Of the draws.
        sign: 1 where more is better, -1 where less is.

    Returns:
        Three estimates; a positive difference means that the model is better.
    """
    _, index = np.unique(np.asarray(person), return_inverse=True)
    draws = [np.ones((1, len(index)))] + [w[:, index] for w in weights(int(index.max()) + 1, resamples, seed)]
    ours = np.concatenate([model(drawn) for drawn in draws])
    theirs = np.concatenate([baseline(drawn) for drawn in draws])
    return estimate(ours), estimate(theirs), estimate(sign * (ours - theirs))


def auc(outcome: Numbers, score: Numbers) -> Weighted:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties half.

    NaN where any score is: sorted as a number it would be above all others, and could order every pair.
    """
    if np.isnan(score).any():
        return lambda weights: np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
    positive = outcome[order]

    def under(weights: Numbers) -> Numbers:
        drawn = weights[:, order]
        up = np.add.reduceat(drawn * positive, starts, axis=1)
        down = np.add.reduceat(drawn * (1 - positive), starts, axis=1)
        below = np.cumsum(down, axis=1) - down / 2
        pairs = up.sum(axis=1) * down.sum(axis=1)
        unknown = np.full(len(weights), np.nan)
        area: Numbers = np.divide((up * below).sum(axis=1), pairs, out=unknown, where=pairs > 0)
        return area

    return under


def mean(values: Numbers) -> Weighted:
    """The mean of one number a case."""

    def under(weights: Numbers) -> Numbers:
        total: Numbers = weights @ values / weights.sum(axis=1)
        return total

    return under


def weights(people: int, resamples: int, seed: int) -> list[Numbers]:
    """[chunk, n_people] how often each person was drawn: the same for all that is measured on the same people."""
    random = np.random.default_rng(seed)
    equal = np.full(people, 1 / people)
    sizes = [min(_CHUNK, resamples - start) for start in range(0, resamples, _CHUNK)]
    return [random.multinomial(people, equal, size=size).astype(np.float64) for size in sizes]


def estimate(values: Numbers) -> Estimate:
    """Of the first value, which is the data's own, by those of the draws; one NaN among them: no interval is known."""
    low, high = np.quantile(values[1:], [0.025, 0.975]) if len(values) > 1 else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))
