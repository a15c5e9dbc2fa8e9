"""Every subject on its own: the guard against Simpson's paradox.

Pooling, and even the Mantel-Haenszel ratio, can show equal rates while one requisition turns one group away. So each
subject gets its own table, and one that fails comes before all others.

Many tables mean many chances of a false alarm: of 1,000 requisitions without any bias some 25 would be ADVERSE. An
ADVERSE subject must therefore stay significant after the correction of Benjamini and Hochberg over all groups of all
subjects of its axis, once each has paid for being compared with the best; otherwise it is INVESTIGATE with the code
`not_significant_after_correction`, never less. A pool of many groups is corrected the same way.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from pipelines.fairness.axes import AxisJudgement, judge, judgement
from pipelines.fairness.counting import Counts
from pipelines.fairness.grids import Grid, gridded, tabulate
from pipelines.fairness.rules import RULES, Rules, severity
from pipelines.fairness.tables import corrected, judged


def judge_axes(
    selected: npt.ArrayLike,
    axes: Mapping[str, npt.ArrayLike],
    subject: npt.ArrayLike,
    *,
    min_group_size: int,
    rules: Rules = RULES,
) -> dict[str, list[dict[str, Any]]]:
    """Judge all axes, over all people and by subject; the form kept in `groups.json`.

    Args:
        selected: [n_cases] bool. Who was put forward.
        axes: Axis to its [n_cases] str groups. An empty mapping means that no groups are known.
        subject: [n_cases] str. What each case was about.
        min_group_size: People.
        rules: The rule pack.

    Returns:
        `axes`, one judgement an axis in the order given, and `by_subject`, the worst first.

    Raises:
        ContractError: As `judge`.
    """
    pooled = [
        judge(selected, group, axis=axis, min_group_size=min_group_size, rules=rules) for axis, group in axes.items()
    ]
    single = [
        item
        for pool in pooled
        for item in judge_by_subject(selected, axes[pool.axis], subject, pooled=pool, rules=rules)
    ]
    return {
        "axes": [item.to_dict() for item in pooled],
        "by_subject": [item.to_dict() for item in sorted(single, key=_worst_first)],
    }


def judge_by_subject(
    selected: npt.ArrayLike,
    group: npt.ArrayLike,
    subject: npt.ArrayLike,
    *,
    pooled: AxisJudgement,
    rules: Rules = RULES,
) -> list[AxisJudgement]:
    """One judgement a subject on the axis of `pooled`, the worst first.

    Args:
        selected: [n_cases] bool.
        group: [n_cases] str.
        subject: [n_cases] str.
        pooled: The same cases judged together, for the axis, the group size and the comparison.
        rules: The rule pack.

    Returns:
        Subjects whose verdict is worse than the pool's are marked `is_hidden_in_pool`.

    Raises:
        ContractError: As `judge`.
    """
    return _judgements(tabulate(selected, group, subject), pooled, rules)


def judge_tables(tables: Mapping[str, Counts], *, pooled: AxisJudgement, rules: Rules = RULES) -> list[AxisJudgement]:
    """As `judge_by_subject`, from the counts of each subject."""
    return _judgements(gridded(tables), pooled, rules)


def _judgements(grid: Grid, pooled: AxisJudgement, rules: Rules) -> list[AxisJudgement]:
    table = corrected(judged(grid, min_group_size=pooled.min_group_size, rules=rules), rules)
    is_hidden = table.is_hidden_in(pooled.verdict)
    return [
        replace(judgement(table, row, pooled.axis, grid.subjects[row], rules), is_hidden_in_pool=bool(is_hidden[row]))
        for row in table.order.tolist()
    ]


def _worst_first(item: AxisJudgement) -> tuple[int, float, str, str]:
    """Worst verdict, then lowest impact ratio among the judged groups, then names."""
    ratios = [row.impact_ratio for row in item.groups if not math.isnan(row.p_value)]
    return (-severity(item.verdict), min(ratios, default=math.inf), item.subject or "", item.axis)
