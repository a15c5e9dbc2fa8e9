"""The verdict table: from one pair of groups to ADVERSE, INVESTIGATE, INSUFFICIENT_DATA or NO_EVIDENCE.

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

The bare four-fifths rule is not used: with no bias at all it flags eight groups of 100 people 96 % of the time.
"""

import math

from pipelines.fairness.pairs import Pair, impact_ratio, is_below, is_flipped_by_one, p_value, shortfall
from pipelines.fairness.rules import Reason, Rules, Verdict

Judged = tuple[Verdict, tuple[Reason, ...]]


def decide(pair: Pair, power: float, rules: Rules) -> Judged:
    """Apply the table of this module to one pair.

    Args:
        pair: The group and its reference.
        power: Chance to have seen a true impact ratio at the floor, a share. NaN counts as no power.
        rules: The rule pack.

    Returns:
        The verdict, and the codes of what it rests on. Nobody selected is INSUFFICIENT_DATA.
    """
    ratio = impact_ratio(pair)
    if math.isnan(ratio):
        return Verdict.INSUFFICIENT_DATA, (Reason.NOBODY_SELECTED,)
    is_significant = p_value(pair) < rules.significance_level
    has_power = power >= rules.power_floor
    if is_below(ratio, rules.impact_ratio_floor):
        return _below(is_significant, is_flipped_by_one(pair), has_power)
    return _at_least(is_significant, is_practically_large(pair, rules), has_power)


def is_practically_large(pair: Pair, rules: Rules) -> bool:
    """Whether a gap matters in practice: the rates differ enough and at least one person is missing."""
    gap = pair.reference_rate - pair.rate
    return not is_below(gap, rules.practical_rate_gap) and not is_below(shortfall(pair), rules.practical_people)


def _below(is_significant: bool, is_flipped: bool, has_power: bool) -> Judged:  # a truth table
    flip = (Reason.FLIPS_WITH_ONE_PERSON,) if is_flipped else ()
    weak = () if has_power else (Reason.LOW_POWER,)
    if is_significant:
        reasons = (Reason.BELOW_FOUR_FIFTHS, Reason.SIGNIFICANT, *flip)
        return (Verdict.INVESTIGATE if is_flipped else Verdict.ADVERSE), reasons
    reasons = (Reason.BELOW_FOUR_FIFTHS, Reason.NOT_SIGNIFICANT, *flip, *weak)
    return (Verdict.INSUFFICIENT_DATA if flip or weak else Verdict.INVESTIGATE), reasons


def _at_least(is_significant: bool, is_large: bool, has_power: bool) -> Judged:  # a truth table
    if is_significant and is_large:
        return Verdict.INVESTIGATE, (Reason.SIGNIFICANT, Reason.PRACTICALLY_LARGE)
    if is_significant:
        return Verdict.NO_EVIDENCE, (Reason.SIGNIFICANT, Reason.PRACTICALLY_SMALL)
    if has_power:
        return Verdict.NO_EVIDENCE, (Reason.NOT_SIGNIFICANT,)
    return Verdict.INSUFFICIENT_DATA, (Reason.NOT_SIGNIFICANT, Reason.LOW_POWER)
