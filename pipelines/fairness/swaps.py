"""Matched pairs: the same person scored twice, only the group's signals (names, pronouns, schools) exchanged.

A correspondence test inside the machine. It shows what the model does with the signals, and nothing about signals
that were not exchanged.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import Floats, as_selected, same_length
from pipelines.fairness.intervals import Z


@dataclass(frozen=True, slots=True)
class Swap:
    """What an exchange did, over all pairs. NaN where a number does not exist."""

    pairs: int
    gained: int
    """Selected only after the exchange."""
    lost: int
    """Selected only before it."""
    p_value: float
    """Exact McNemar test of gained against lost, two-sided; 1 when no decision changed."""
    mid_p: float
    changed_share: float
    """Share of decisions that the exchange changed, which should not be there at all."""
    mean_shift: float
    """Mean of score after minus score before."""
    shift_low: float
    shift_high: float
    """95 % interval of the mean shift, by Student's t."""
    largest_shift: float


def swap_test(before: npt.ArrayLike, after: npt.ArrayLike, *, threshold: float) -> Swap:
    """Compare the scores of people with those of their exchanged twins.

    Args:
        before: [n_pairs] scores.
        after: [n_pairs] scores of the same people after the exchange.
        threshold: Score from which a person is selected.

    Raises:
        ContractError: A score is missing, or the columns differ in length.

    Source:
        McNemar (1947); Fagerland, Lydersen and Laake (2013) for mid-P.
    """
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    same_length(first, second)
    missing = int((np.isnan(first) | np.isnan(second)).sum())
    if missing:
        raise ContractError(
            f"Both of a pair must have a score; {missing} of {len(first)} pairs lack one. Score every pair."
        )
    chosen, chosen_after = as_selected(first >= threshold), as_selected(second >= threshold)
    gained, lost = int((~chosen & chosen_after).sum()), int((chosen & ~chosen_after).sum())
    p_value, mid_p = _mcnemar(gained, lost)
    shift = second - first
    low, high = _mean_interval(shift)
    return Swap(
        pairs=len(shift),
        gained=gained,
        lost=lost,
        p_value=p_value,
        mid_p=mid_p,
        changed_share=(gained + lost) / len(shift) if len(shift) else np.nan,
        mean_shift=float(shift.mean()) if len(shift) else np.nan,
        shift_low=low,
        shift_high=high,
        largest_shift=float(np.abs(shift).max()) if len(shift) else np.nan,
    )


def _mcnemar(gained: int, lost: int) -> tuple[float, float]:
    changed, fewer = gained + lost, min(gained, lost)
    if not changed:
        return 1.0, 1.0
    tail = float(scipy.stats.binom.cdf(fewer, changed, 0.5))
    point = float(scipy.stats.binom.pmf(fewer, changed, 0.5))
    return min(1.0, 2 * tail), min(1.0, 2 * tail - point)


def _mean_interval(shift: Floats) -> tuple[float, float]:
    if len(shift) < 2:
        return np.nan, np.nan
    reach = scipy.special.stdtrit(len(shift) - 1, scipy.special.ndtr(Z)) * shift.std(ddof=1) / np.sqrt(len(shift))
    return float(shift.mean() - reach), float(shift.mean() + reach)
