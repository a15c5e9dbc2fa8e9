"""Scoring rates: how often each group scores above the median of everyone (6 RCNY 5-300)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import Coded, as_coded, count, same_length


@dataclass(frozen=True, slots=True)
class ScoringRates:
    """Scoring rates of all groups, unknown included."""

    median: float
    """Of the full sample, unknown included."""
    ties: int
    """People exactly at the median: they count as not above it, and moving them moves the rates."""
    counts: dict[str, tuple[int, int]]
    """Group to (people, above the median): ready for `judge_counts`."""

    @property
    def rates(self) -> dict[str, float]:
        """Group to its scoring rate, a share."""
        return {group: above / people for group, (people, above) in self.counts.items()}


def scoring_rates(scores: npt.ArrayLike, group: npt.ArrayLike | Coded) -> ScoringRates:
    """Count who scores strictly above the median of the full sample.

    Args:
        scores: [n_people] any scale.
        group: [n_people] str; missing answers are the group `unknown`.

    Returns:
        Counts by group, the median and the number of ties with it. Without people the median is NaN.

    Raises:
        ContractError: A score is missing, or the columns differ in length.
    """
    values, names = np.asarray(scores, dtype=np.float64), as_coded(group)
    same_length(values, names.codes)
    missing = int(np.isnan(values).sum())
    if missing:
        raise ContractError(
            f"Every case must have a score; {missing} of {len(values)} have none. Correct the stage that scores."
        )
    if not len(values):
        return ScoringRates(float("nan"), 0, {})
    median = float(np.median(values))
    return ScoringRates(median, int((values == median).sum()), count(values > median, names))
