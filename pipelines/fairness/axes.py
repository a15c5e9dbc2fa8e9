"""The selection table of one axis: every group shown, every group judged or said not to be."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from pipelines.fairness.counting import UNKNOWN, Counts
from pipelines.fairness.grids import gridded
from pipelines.fairness.intervals import METHODS
from pipelines.fairness.rules import BY_SEVERITY, RULES, Reason, Rules, Verdict, reasons_of, worst
from pipelines.fairness.tables import Table, corrected, judged


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group on one axis. Rates and powers are shares; NaN where a number does not exist."""

    group: str
    n: int
    """Decisions: of a subject one a person, of a pool as many as there are about the people of the group."""
    selected: int
    """Decisions."""
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
    """Benjamini-Hochberg's over all groups looked at together, after paying for the choice of the reference."""
    is_flipped_by_one: bool = False
    shortfall: float = math.nan
    """People."""
    power: float = math.nan
    people: int = 0
    """Distinct, of `n` decisions: what must reach the smallest size that is judged."""
    design_effect: float = 1.0
    """So many decisions say as much as one about somebody else; intervals, p values and power count them so."""


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
    """Decisions."""
    selected: int
    """Decisions."""
    unknown: int
    """Decisions about people without a known group."""
    reference: str | None
    statutory_reference: str | None
    groups: tuple[GroupRow, ...] = field(default=())
    is_hidden_in_pool: bool = False
    """A group fails here while it looks better over all people together, or all stages (Simpson's paradox)."""
    stage: str | None = None
    """The decision that selected; None where there is only one."""
    small_groups: tuple[str, ...] = ()
    """Those left out by `without_small`: too few people for their counts to be told."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: codes as strings, and null for what has no value or no bound."""
        return _plain_fields(self)


def judge_counts(
    counts: Counts, *, axis: str, min_group_size: int, subject: str | None = None, rules: Rules = RULES
) -> AxisJudgement:
    """Judge one axis of one subject, or of all people.

    Args:
        counts: Group to (people, selected); `unknown` is the group of people whose answer is missing.
        axis: Name of the axis, such as `sex`.
        min_group_size: People. Smaller groups are shown and left unjudged, never merged.
        subject: What the people were selected for, when only one subject is judged.
        rules: The rule pack.

    Returns:
        One row a group, the verdict of the axis being the worst of them. A lone group, an unknown group and a small
        one are INSUFFICIENT_DATA, and so is an axis without people.

    Source:
        29 CFR 1607.4(D); 6 RCNY 5-300 for the statutory ratio.
    """
    table = corrected(judged(gridded({"": counts}), min_group_size=min_group_size, rules=rules), rules)
    return judgement(table, 0, axis, subject, rules)


def judgement(
    table: Table, row: int, axis: str, subject: str | None, rules: Rules, *, is_hidden: bool = False
) -> AxisJudgement:
    """One row of a judged table, in the form that is kept: groups without people are left out."""
    grid = table.grid
    there = np.flatnonzero(grid.people[row]).tolist()
    people, names = grid.people[row], grid.groups
    best, statutory = int(table.reference[row]), int(table.statutory_reference[row])
    rows = tuple(_group_row(table, row, column) for column in there)
    return AxisJudgement(
        axis=axis,
        subject=subject,
        verdict=worst(item.verdict for item in rows),
        rules=rules.code,
        min_group_size=table.min_group_size,
        n=int(people.sum()),
        selected=int(grid.selected[row].sum()),
        unknown=sum(int(people[column]) for column in there if names[column] == UNKNOWN),
        reference=names[best] if best >= 0 else None,
        statutory_reference=names[statutory] if statutory >= 0 else None,
        groups=rows,
        is_hidden_in_pool=is_hidden,
    )


def without_small(judged: AxisJudgement) -> AxisJudgement:
    """A subject without the counts of its groups below the smallest size, which may be one person's: they are named.

    No number left lets them be worked out: the totals are of the groups told, and a statutory ratio against a group
    that is left out goes with it.
    """
    small = tuple(row.group for row in judged.groups if row.is_small)
    told = tuple(row for row in judged.groups if not row.is_small)
    if judged.statutory_reference in small:
        told = tuple(replace(row, statutory_impact_ratio=math.nan) for row in told)
    return replace(
        judged,
        n=sum(row.n for row in told),
        selected=sum(row.selected for row in told),
        statutory_reference=None if judged.statutory_reference in small else judged.statutory_reference,
        groups=told,
        small_groups=small,
    )


def _group_row(table: Table, row: int, column: int) -> GroupRow:
    cell = (row, column)
    people, selected = int(table.grid.people[cell]), int(table.grid.selected[cell])
    return GroupRow(
        group=table.grid.groups[column],
        n=people,
        selected=selected,
        rate=selected / people,
        is_small=bool(table.is_small[cell]),
        is_unknown=table.grid.groups[column] == UNKNOWN,
        is_reference=bool(table.is_reference[cell]),
        verdict=BY_SEVERITY[table.verdict[cell]],
        reasons=reasons_of(int(table.reasons[cell])),
        interval=METHODS[table.method[cell]],
        is_flipped_by_one=bool(table.is_flipped_by_one[cell]),
        people=int(table.grid.heads[cell]),
        design_effect=1.0 if table.grid.design_effect is None else float(table.grid.design_effect[cell]),
        **{name: float(values[cell]) for name, values in table.numbers.items()},
    )


def _plain_fields(record: AxisJudgement | GroupRow) -> dict[str, Any]:
    return {item.name: _plain(getattr(record, item.name)) for item in fields(record)}


def _plain(value: Any) -> Any:  # any field of a judgement
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, GroupRow):
        return _plain_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Reason | Verdict) else value
