"""Whether a score means the same for every group: of those scored alike, as many come true."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import UNKNOWN, Coded, Floats, Ints, as_coded, as_selected, divided, same_length
from pipelines.fairness.intervals import Z, wilson_interval


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores against outcomes; arrays are [n_groups] or [n_groups, n_bins], NaN where nobody is."""

    groups: tuple[str, ...]
    people: Ints
    """[n_groups, n_bins]."""
    came_true: Ints
    """[n_groups, n_bins]."""
    score: Floats
    """[n_groups, n_bins] mean score."""
    low: Floats
    high: Floats
    """[n_groups, n_bins] 95 % interval of the share that came true, by Wilson."""
    excess: Floats
    """[n_groups] share that came true minus the mean score: above 0 the group is scored too low. NaN, as the next
    three, of small groups and of unknown people: they are never equal."""
    excess_low: Floats
    excess_high: Floats
    """[n_groups] 95 % interval of the excess, normal."""
    error: Floats
    """[n_groups] mean distance between score and share that came true over the bins, weighted by people (ECE)."""


def calibration(
    score: npt.ArrayLike, outcome: npt.ArrayLike, group: npt.ArrayLike | Coded, *, bins: int, min_group_size: int
) -> Calibration:
    """Compare scores with what came true, by group.

    Args:
        score: [n_people] chance that it comes true, in [0, 1].
        outcome: [n_people] bool.
        group: [n_people] str, or coded.
        bins: Number of bins of equal width.
        min_group_size: People. Of smaller groups and of unknown people the bins are shown, and no excess and no error.

    Raises:
        ContractError: A score is missing or outside [0, 1], or the columns differ in length.

    Source:
        Kleinberg, Mullainathan and Raghavan (2017): calibration within groups. With unequal base rates it excludes
        equal error rates, so both are shown and neither is a goal by itself.
    """
    values, true, coded = np.asarray(score, dtype=np.float64), as_selected(outcome), as_coded(group)
    same_length(values, true, coded.codes)
    faults = int((~((values >= 0) & (values <= 1))).sum())
    if faults:
        raise ContractError(
            f"Every score must be a chance from 0 to 1; {faults} of {len(values)} are not. Correct the stage that "
            "scores."
        )
    shape = (len(coded.names), bins)
    cells = coded.codes * bins + np.minimum((values * bins).astype(np.int64), bins - 1)
    people, came, total = (_summed(cells, weights, shape) for weights in (None, true, values))
    low, high = wilson_interval(came, people)
    excess, spread = _excess(coded, true - values)
    is_known = np.array([name != UNKNOWN for name in coded.names], np.bool_)
    hidden = np.where(is_known & (people.sum(axis=1) >= min_group_size), 0.0, np.nan)
    return Calibration(
        groups=coded.names,
        people=people.astype(np.int64),
        came_true=came.astype(np.int64),
        score=divided(total, people),
        low=low,
        high=high,
        excess=excess + hidden,
        excess_low=excess - Z * spread + hidden,
        excess_high=excess + Z * spread + hidden,
        error=divided(np.abs(came - total).sum(axis=1), people.sum(axis=1)) + hidden,
    )


def _summed(cells: Ints, weights: npt.ArrayLike | None, shape: tuple[int, int]) -> Floats:
    plain = None if weights is None else np.asarray(weights, dtype=np.float64)
    return np.bincount(cells, plain, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _excess(coded: Coded, residual: Floats) -> tuple[Floats, Floats]:
    """Mean residual by group and its standard error; NaN for a lone person's error."""
    people, first, second = (
        np.bincount(coded.codes, weights, minlength=len(coded.names)) for weights in (None, residual, residual**2)
    )
    mean = first / np.maximum(people, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(people > 1, (second / people - mean**2) * people / (people - 1), np.nan)
        return np.where(people > 0, mean, np.nan), np.sqrt(np.maximum(variance, 0) / people)
