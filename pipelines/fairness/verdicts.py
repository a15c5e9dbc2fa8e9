"""The verdict table: from groups and references to ADVERSE, INVESTIGATE, INSUFFICIENT_DATA or NO_EVIDENCE.

| impact ratio | significant | flip, power, size                    | verdict           |
|---|---|---|---|
| below .80    | yes         | one person does not reverse it       | ADVERSE           |
| below .80    | yes         | one person reverses it               | INVESTIGATE       |
| below .80    | no          | one person reverses it, or low power | INSUFFICIENT_DATA |
| below .80    | no          | otherwise                            | INVESTIGATE       |
| .80 or more  | yes         | practically large                    | INVESTIGATE       |
| .80 or more  | yes         | practically small                    | NO_EVIDENCE       |
| .80 or more  | no          | enough power                         | NO_EVIDENCE       |
| .80 or more  | no          | low power                            | INSUFFICIENT_DATA |

"Significant" is one group's own p. ADVERSE must also outlive the correction for all groups looked at (`corrections`).

The bare four-fifths rule is not used: with no bias at all it flags eight groups of 100 people 96 % of the time.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import Bools, Floats
from pipelines.fairness.pairs import Pair, impact_ratio, is_below, is_flipped_by_one, shortfall
from pipelines.fairness.rules import Reason, Rules, Verdict, bit, severity


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided, in the shape of the pairs."""

    verdicts: npt.NDArray[np.int8]
    """Severities; `rules.BY_SEVERITY` has their names."""
    reasons: npt.NDArray[np.int32]
    """Codes of what a verdict rests on, a bit each; `rules.reasons_of` has their names."""


def decide(pair: Pair, p_value: Floats, power: Floats, rules: Rules, *, independent: Pair | None = None) -> Judged:
    """Apply the table of this module.

    Args:
        pair: The groups and their references.
        p_value: The p values that decide, shares.
        power: Chance to have seen a true impact ratio at the floor, a share. NaN counts as no power.
        rules: The rule pack.
        independent: The pairs in decisions about different people, where several are about one: what one person can
            turn is told by them.

    Returns:
        Verdicts and reasons. Nobody selected is INSUFFICIENT_DATA.
    """
    ratio = impact_ratio(pair)
    low = is_below(ratio, rules.impact_ratio_floor)
    significant = np.asarray(p_value < rules.significance_level)
    flip, weak = is_flipped_by_one(independent or pair), ~np.greater_equal(power, rules.power_floor)
    large = is_practically_large(pair, rules)
    below = _either(significant, _either(flip, 2, 3), _either(flip | weak, 1, 2))
    at_least = _either(significant, _either(large, 2, 0), _either(weak, 1, 0))
    verdicts = np.where(np.isnan(ratio), severity(Verdict.INSUFFICIENT_DATA), _either(low, below, at_least))
    reasons = (
        _coded(low, Reason.BELOW_FOUR_FIFTHS)
        | _coded(significant, Reason.SIGNIFICANT)
        | _coded(~significant, Reason.NOT_SIGNIFICANT)
        | _coded(low & flip, Reason.FLIPS_WITH_ONE_PERSON)
        | _coded(~significant & weak, Reason.LOW_POWER)
        | _coded(~low & significant & large, Reason.PRACTICALLY_LARGE)
        | _coded(~low & significant & ~large, Reason.PRACTICALLY_SMALL)
    )
    reasons = np.where(np.isnan(ratio), bit(Reason.NOBODY_SELECTED), reasons)
    return Judged(verdicts.astype(np.int8), reasons.astype(np.int32))


def is_practically_large(pair: Pair, rules: Rules) -> Bools:
    """Whether a gap matters in practice: the rates differ enough and at least one person is missing."""
    gap = pair.reference_rate - pair.rate
    return np.asarray(~is_below(gap, rules.practical_rate_gap) & ~is_below(shortfall(pair), rules.practical_people))


def _either(condition: Bools, yes: npt.ArrayLike, no: npt.ArrayLike) -> npt.NDArray[np.int64]:
    return np.where(condition, yes, no)


def _coded(condition: Bools, reason: Reason) -> npt.NDArray[np.int64]:
    return np.where(condition, bit(reason), 0)
