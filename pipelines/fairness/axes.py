"""The selection table of one axis: every group shown, every group judged or said not to be."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy.typing as npt

from pipelines.fairness import pairs
from pipelines.fairness.counting import UNKNOWN, Counts, count
from pipelines.fairness.pairs import Pair
from pipelines.fairness.power import power
from pipelines.fairness.rules import RULES, Reason, Rules, Verdict, worst
from pipelines.fairness.verdicts import decide


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group on one axis. Rates and powers are shares; NaN where a number does not exist."""

    group: str
    n: int
    selected: int
    rate: float
    is_small: bool
    is_unknown: bool
    is_reference: bool
    verdict: Verdict = Verdict.INSUFFICIENT_DATA
    reasons: tuple[Reason, ...] = (Reason.NO_COMPARISON,)
    impact_ratio: float = math.nan
    """Against the reference; NaN for unknown."""
    low: float = math.nan
    high: float = math.nan
    """95 % interval of the impact ratio; infinite where the data set no bound."""
    interval: str = "none"
    """`katz`, or `score` where a cell is empty."""
    statutory_impact_ratio: float = math.nan
    """Against the most selected group of any size: what LL144 prints."""
    z: float = math.nan
    fisher_p: float = math.nan
    mid_p: float = math.nan
    p_value: float = math.nan
    """The one that decided; NaN where nothing was decided."""
    p_corrected: float = math.nan
    """Holm's, over all groups of all subjects; NaN where nothing was corrected."""
    is_flipped_by_one: bool = False
    shortfall: float = math.nan
    """People."""
    power: float = math.nan


@dataclass(frozen=True, slots=True)
class AxisJudgement:
    """One axis over all people, or over those of one subject."""

    axis: str
    subject: str | None
    """What was judged on its own, such as a requisition; None for all people together."""
    verdict: Verdict
    """The worst of the rows."""
    rules: str
    """Name of the rule pack."""
    min_group_size: int
    n: int
    selected: int
    unknown: int
    """People without a known group."""
    reference: str | None
    statutory_reference: str | None
    groups: tuple[GroupRow, ...] = field(default=())
    is_hidden_in_pool: bool = False
    """The subject fails while all people together look better (Simpson's paradox)."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: codes as strings, and null for what has no value or no bound."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def judge(
    selected: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    axis: str,
    min_group_size: int,
    subject: str | None = None,
    rules: Rules = RULES,
) -> AxisJudgement:
    """Judge the selections on one axis.

    Args:
        selected: [n_people] bool. Who was put forward.
        group: [n_people] str. Self-declared; null, NaN, the empty string and `unknown` are the group `unknown`.
        axis: Name of the axis, such as `sex`.
        min_group_size: People. Smaller groups are shown and left unjudged, never merged.
        subject: What the people were selected for, when only one subject is judged.
        rules: The rule pack.

    Returns:
        One row a group, the verdict of the axis being the worst of them. A lone group, an unknown group and a small
        one are INSUFFICIENT_DATA, and so is an axis without people.

    Raises:
        ContractError: The columns differ in length, or `selected` has gaps or is not true or false.

    Source:
        29 CFR 1607.4(D); 6 RCNY 5-300 for the statutory ratio.
    """
    return judge_counts(count(selected, group), axis=axis, min_group_size=min_group_size, subject=subject, rules=rules)


def judge_counts(
    counts: Counts, *, axis: str, min_group_size: int, subject: str | None = None, rules: Rules = RULES
) -> AxisJudgement:
    """As `judge`, from (people, selected) by group: for data too large to hold in memory."""
    counts = {name: cell for name, cell in counts.items() if cell[0]}
    known = {name: cell for name, cell in counts.items() if name != UNKNOWN}
    large = {name: cell for name, cell in known.items() if cell[0] >= min_group_size}
    reference, statutory = _best(large), _best(known)
    rows = []
    for name in sorted(counts, key=lambda name: (name == UNKNOWN, name)):
        row = _shown(name, counts[name], is_small=name not in large, is_reference=name == reference)
        if name in known and statutory:
            row = replace(row, statutory_impact_ratio=pairs.impact_ratio(_pair(counts, name, statutory)))
        if name in known and reference and len(large) > int(row.is_reference):
            row = _compared(row, _pair(counts, name, reference), rules)
        rows.append(row)
    return AxisJudgement(
        axis=axis,
        subject=subject,
        verdict=worst(row.verdict for row in rows),
        rules=rules.code,
        min_group_size=min_group_size,
        n=sum(people for people, _ in counts.values()),
        selected=sum(selected for _, selected in counts.values()),
        unknown=counts.get(UNKNOWN, (0, 0))[0],
        reference=reference,
        statutory_reference=statutory,
        groups=tuple(rows),
    )


def _best(counts: Counts) -> str | None:
    """The group with the highest rate; of equal rates the larger group, then the first by name."""
    return min(counts, key=lambda name: (-counts[name][1] / counts[name][0], -counts[name][0], name), default=None)


def _pair(counts: Counts, group: str, reference: str) -> Pair:
    people, selected = counts[group]
    reference_people, reference_selected = counts[reference]
    return Pair(selected, people, reference_selected, reference_people)


def _shown(name: str, cell: tuple[int, int], *, is_small: bool, is_reference: bool) -> GroupRow:
    """The row before any comparison."""
    is_unknown = name == UNKNOWN
    people, selected = cell
    row = GroupRow(
        group=name,
        n=people,
        selected=selected,
        rate=selected / people,
        is_small=is_small and not is_unknown,
        is_unknown=is_unknown,
        is_reference=is_reference,
    )
    if is_unknown:
        return replace(row, reasons=(Reason.UNKNOWN_GROUP,))
    return replace(row, reasons=(Reason.BELOW_MIN_GROUP_SIZE,)) if row.is_small else row


def _compared(row: GroupRow, pair: Pair, rules: Rules) -> GroupRow:
    """The row against the reference: described if small, judged if not."""
    row = replace(row, impact_ratio=pairs.impact_ratio(pair))
    if row.is_reference:
        if not row.selected:
            return replace(row, reasons=(Reason.NOBODY_SELECTED,))
        return replace(row, verdict=Verdict.NO_EVIDENCE, reasons=(Reason.REFERENCE_GROUP,))
    bounds = pairs.interval(pair)
    row = replace(
        row,
        low=bounds.low,
        high=bounds.high,
        interval=bounds.method,
        z=pairs.z_statistic(pair),
        fisher_p=pairs.fisher_p(pair),
        mid_p=pairs.mid_p(pair),
        is_flipped_by_one=pairs.is_flipped_by_one(pair),
        shortfall=pairs.shortfall(pair),
    )
    return row if row.is_small else _judged(row, pair, rules)


def _judged(row: GroupRow, pair: Pair, rules: Rules) -> GroupRow:
    chance = power(
        pair.people, pair.reference_people, pair.reference_rate, rules.impact_ratio_floor, rules.significance_level
    )
    verdict, reasons = decide(pair, chance, rules)
    return replace(row, p_value=pairs.p_value(pair), power=chance, verdict=verdict, reasons=reasons)


def _plain(value: Any) -> Any:  # any field of a judgement
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Reason | Verdict) else value
