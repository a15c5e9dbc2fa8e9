"""Weights of people that make a protected attribute and the outcome independent, in a form that tells no one's group.

The weights of Kamiran and Calders say everybody's group to whoever knows the outcome, as training code does. So they
are never handed over. Each person gets one of two levels instead, drawn so that the levels have those weights as their
mean; and however much the weights differ, no level is more than `most_odds` times as likely in one group as in another.
Whoever sees a level can sharpen a guess of the group by that factor and no further; where the bound leaves too little
room, the weights are moved towards 1, and less is mitigated.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.fairness.counting import UNKNOWN, Bools, Coded, Floats


@dataclass(frozen=True, slots=True)
class Levels:
    """What people may weigh."""

    low: float
    high: float
    strength: float
    """Share of the way from 1 to the weights that make group and outcome independent."""


def independent(favourable: Bools, group: Coded, *, least: int) -> Floats:
    """What each person would weigh for group and outcome to be independent.

    Args:
        favourable: [n_people] bool.
        group: [n_people].
        least: People of a group in each of both outcomes: a weight that rests on few is noise. Smaller groups, and
            unknown ones, weigh 1.

    Returns:
        [n_people] of mean 1 over those who are weighed; all 1 where fewer than two groups are large enough.

    Source:
        Kamiran and Calders (2012), reweighing.
    """
    cells = np.bincount(group.codes * 2 + favourable, minlength=2 * len(group.names)).reshape(-1, 2)
    is_known = np.array([name != UNKNOWN for name in group.names], dtype=np.bool_)
    is_large = is_known & (cells.min(axis=1) >= max(least, 1))
    counted = np.where(is_large[:, None], cells, 0)
    if not is_large.any():
        return np.ones(len(favourable))
    together = counted.sum(axis=1, keepdims=True) * counted.sum(axis=0, keepdims=True) / counted.sum()
    weights = np.divide(together, counted, out=np.ones(counted.shape), where=counted > 0)
    return np.asarray(weights[group.codes, favourable.astype(np.int64)])


def levels(weights: Floats, *, most_odds: float) -> Levels:
    """The two levels.

    Args:
        weights: [n_people] as `independent` gives.
        most_odds: Above 1: how much more likely at most a level may be in one group than in another.
    """
    least, most = float(weights.min(initial=1.0)), float(weights.max(initial=1.0))
    rare = 1 / (1 + most_odds)
    room = (most - least) * rare / (1 - 2 * rare)
    down = 1 - least + room
    strength = min(1.0, 1 / down) if down > 0 else 1.0
    return Levels(1 - strength * down, 1 + strength * (most - 1 + room), strength)


def drawn(weights: Floats, found: Levels, draw: Floats) -> Floats:
    """Everybody's level.

    Args:
        weights: [n_people] as `independent` gives.
        found: As `levels` gives.
        draw: [n_people] evenly spread in [0, 1), each person's own.

    Returns:
        [n_people] one of the two levels, whose mean over all draws is the weight, as far as `strength` lets it.
    """
    if found.high <= found.low:
        return np.ones(len(weights))
    chance = (1 + found.strength * (weights - 1) - found.low) / (found.high - found.low)
    return np.where(draw < chance, found.high, found.low)
