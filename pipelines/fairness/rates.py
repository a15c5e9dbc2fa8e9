"""Selection and error rates by group, with intervals: equal opportunity and predictive parity, over all groups at once.

| rate       | of whom                        | who counts        | compared as                     |
|---|---|---|---|
| selection  | everyone                       | selected          | demographic parity              |
| true       | those for whom it came true    | selected          | equal opportunity               |
| false      | those for whom it did not      | selected          | with the one above: equal odds  |
| precision  | those selected                 | it came true      | predictive parity               |
| accuracy   | everyone                       | foreseen rightly  |                                 |

Error rates take the outcome as the truth. Where the outcome is itself a decision by people, equal error rates only
say that the model follows it equally well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import UNKNOWN, Bools, Coded, Floats, Ints, as_coded, as_selected, divided, same_length
from pipelines.fairness.intervals import newcombe_interval, wilson_interval
from pipelines.fairness.pairs import Pair

RATES: Final = ("selection", "true", "false", "precision", "accuracy")


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of every group; arrays are [n_groups], NaN where a group has nobody to count."""

    counted: Ints
    """Who counts."""
    of: Ints
    """Of whom."""
    low: Floats
    high: Floats
    """95 % interval by Wilson."""
    gap: Floats
    """The rate minus the highest among the groups large enough; 0 for that group itself, NaN for unknown."""
    gap_low: Floats
    gap_high: Floats
    """95 % interval of the gap by Newcombe."""
    is_comparable: Bools
    """Whether the group, counted for this rate, is large enough; the others are shown and never read as equal."""

    @property
    def share(self) -> Floats:
        """The rate."""
        return divided(self.counted, self.of)

    @property
    def difference(self) -> float:
        """Highest minus lowest among comparable groups. NaN, which is not equality, with fewer than two."""
        shares = self.share[self.is_comparable]
        return float(shares.max() - shares.min()) if len(shares) > 1 else np.nan

    @property
    def ratio(self) -> float:
        """Lowest divided by highest among comparable groups. NaN with fewer than two, or where all are 0."""
        shares = self.share[self.is_comparable]
        return float(shares.min() / shares.max()) if len(shares) > 1 and shares.max() > 0 else np.nan


@dataclass(frozen=True, slots=True)
class GroupRates:
    """All rates of one axis."""

    groups: tuple[str, ...]
    rates: Mapping[str, Rate]
    """By the names in `RATES`."""

    @property
    def equal_opportunity_difference(self) -> float:
        """Difference of true positive rates."""
        return self.rates["true"].difference

    @property
    def equalized_odds_difference(self) -> float:
        """The larger of the differences of true and false positive rates; NaN where either is unknown."""
        return float(np.maximum(self.rates["true"].difference, self.rates["false"].difference))


def group_rates(
    selected: npt.ArrayLike, outcome: npt.ArrayLike, group: npt.ArrayLike | Coded, *, min_group_size: int
) -> GroupRates:
    """Count how often each group is selected, rightly and wrongly.

    Args:
        selected: [n_people] bool. Whom the model puts forward.
        outcome: [n_people] bool. For whom it came true; leave out people whose outcome is not known.
        group: [n_people] str, or coded; missing answers are `unknown`.
        min_group_size: People behind a rate; with fewer, a group is shown and not compared.

    Raises:
        ContractError: The columns differ in length, or have gaps.

    Source:
        Hardt, Price and Srebro (2016) for equal opportunity; Chouldechova (2017) for predictive parity.
    """
    chosen, true, coded = as_selected(selected), as_selected(outcome), as_coded(group)
    same_length(chosen, true, coded.codes)
    cells = coded.codes * 4 + chosen * np.int64(2) + true
    table = np.bincount(cells, minlength=4 * len(coded.names)).reshape(-1, 4)
    right_no, missed, wrong_yes, right_yes = table.T
    everyone = table.sum(axis=1)
    parts = {
        "selection": (wrong_yes + right_yes, everyone),
        "true": (right_yes, missed + right_yes),
        "false": (wrong_yes, right_no + wrong_yes),
        "precision": (right_yes, wrong_yes + right_yes),
        "accuracy": (right_no + right_yes, everyone),
    }
    is_known = np.array([name != UNKNOWN for name in coded.names], dtype=np.bool_)
    return GroupRates(coded.names, {name: _rate(*parts[name], is_known, min_group_size) for name in RATES})


def _rate(counted: Ints, of: Ints, is_known: Bools, min_group_size: int) -> Rate:
    low, high = wilson_interval(counted, of)
    is_comparable = is_known & (of > 0) & (of >= min_group_size)
    gap, gap_low, gap_high = np.full((3, len(of)), np.nan)
    shown = np.flatnonzero(is_known & (of > 0))
    if is_comparable.any():
        best = int(np.where(is_comparable, counted / np.maximum(of, 1), -1).argmax())
        pair = Pair(counted[shown], of[shown], counted[best], of[best])
        gap[shown] = pair.rate - pair.reference_rate
        gap_low[shown], gap_high[shown] = newcombe_interval(pair)
        gap_low[best] = gap_high[best] = 0.0
    return Rate(counted, of, low, high, gap, gap_low, gap_high, is_comparable)
