"""Every subject on its own: the guard against Simpson's paradox.

Pooling, and even the Mantel-Haenszel ratio, can show equal rates while one requisition turns one group away. So each
subject gets its own table, and one that fails comes before all others.

Many tables mean many chances of a false alarm: of 1,000 requisitions without any bias some 25 would be ADVERSE. An
ADVERSE subject must therefore stay significant after the correction of Benjamini and Hochberg over all groups of all
subjects of its axis, once each has paid for being compared with the best; otherwise it is INVESTIGATE with the code
`not_significant_after_correction`, never less. A pool of many groups is corrected the same way.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.fairness.axes import AxisJudgement, judge, judgement
from pipelines.fairness.counting import Bools, Coded, Counts, as_coded, as_selected, as_subjects, cross
from pipelines.fairness.grids import Grid, gridded, tabulate
from pipelines.fairness.rules import BY_SEVERITY, RULES, Rules, Verdict, severity
from pipelines.fairness.strata import Common, common_ratios
from pipelines.fairness.tables import Table, corrected, judged


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
        Subjects where a group fails and is better off in the pool are marked `is_hidden_in_pool`.

    Raises:
        ContractError: As `judge`.
    """
    return _judgements(tabulate(selected, group, subject), pooled, rules)


def judge_tables(tables: Mapping[str, Counts], *, pooled: AxisJudgement, rules: Rules = RULES) -> list[AxisJudgement]:
    """As `judge_by_subject`, from the counts of each subject."""
    return _judgements(gridded(tables), pooled, rules)


@dataclass(frozen=True, slots=True)
class AxisReport:
    """One axis of a bias report: everyone together, every subject on its own, and what the subjects share."""

    pool: AxisJudgement
    table: Table
    """By subject, corrected for all of them."""
    common: Mapping[str, Common]
    """Group to its Mantel-Haenszel ratio against the pool's reference, and whether subjects agree on it."""
    rules: Rules

    @property
    def is_hidden(self) -> Bools:
        """[n_subjects] whether a group fails there while the pool looks better for it."""
        return self.table.is_hidden_in({row.group: row.verdict for row in self.pool.groups})

    @property
    def tally(self) -> dict[Verdict, int]:
        """Verdict to how many subjects have it as their worst."""
        counted = np.bincount(self.table.worst, minlength=len(BY_SEVERITY)).tolist()
        return dict(zip(BY_SEVERITY, counted, strict=True))

    def first(self, limit: int | None = None) -> list[AxisJudgement]:
        """Subjects, the worst first; all of them without a limit."""
        is_hidden = self.is_hidden
        return [
            replace(
                judgement(self.table, row, self.pool.axis, self.table.grid.subjects[row], self.rules),
                is_hidden_in_pool=bool(is_hidden[row]),
            )
            for row in self.table.order[:limit].tolist()
        ]


def bias_report(
    selected: npt.ArrayLike,
    axes: Mapping[str, npt.ArrayLike | Coded],
    subject: npt.ArrayLike | Coded,
    *,
    intersections: Iterable[tuple[str, str]] = (),
    min_group_size: int,
    rules: Rules = RULES,
) -> tuple[AxisReport, ...]:
    """Judge all axes and their intersections, over all people and by subject, without a step for every row or cell.

    Args:
        selected: [n_cases] bool. Who was put forward at one stage.
        axes: Axis to its [n_cases] groups.
        subject: [n_cases] what each case was about, such as a requisition.
        intersections: Pairs of axes that are judged together too, as `sex x ethnicity`.
        min_group_size: People.
        rules: The rule pack.

    Returns:
        One report an axis, in the order given, then the intersections.

    Raises:
        ContractError: As `judge`.
    """
    coded = {axis: as_coded(group) for axis, group in axes.items()}
    crossed = {f"{a} x {b}": cross(coded[a], coded[b]) for a, b in intersections}
    subjects, chosen = as_subjects(subject), as_selected(selected)
    return tuple(
        _reported(tabulate(chosen, group, subjects), axis, min_group_size, rules)
        for axis, group in (coded | crossed).items()
    )


def _reported(grid: Grid, axis: str, min_group_size: int, rules: Rules) -> AxisReport:
    whole = corrected(judged(grid.pool, min_group_size=min_group_size, rules=rules), rules)
    pool = judgement(whole, 0, axis, None, rules)
    common = common_ratios(grid, pool.reference) if pool.reference else {}
    table = corrected(judged(grid, min_group_size=min_group_size, rules=rules), rules)
    return AxisReport(pool, table, common, rules)


def _judgements(grid: Grid, pooled: AxisJudgement, rules: Rules) -> list[AxisJudgement]:
    table = corrected(judged(grid, min_group_size=pooled.min_group_size, rules=rules), rules)
    return AxisReport(pooled, table, {}, rules).first()


def _worst_first(item: AxisJudgement) -> tuple[int, bool, float, str, str]:
    """Worst verdict, then what the pool hides, then lowest impact ratio among the judged groups, then names."""
    ratios = [row.impact_ratio for row in item.groups if not math.isnan(row.p_value)]
    least = min(ratios, default=math.inf)
    return (-severity(item.verdict), not item.is_hidden_in_pool, least, item.subject or "", item.axis)
