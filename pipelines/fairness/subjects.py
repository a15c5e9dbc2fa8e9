"""Every subject on its own: the guard against Simpson's paradox.

Pooling, and even the Mantel-Haenszel ratio, can show equal rates while one requisition turns one group away. So each
subject gets its own table, and one that fails comes before all others.

Many tables mean many chances of a false alarm: of 1,000 requisitions without any bias some 25 would be ADVERSE. An
ADVERSE subject must therefore stay significant after Holm's correction over all groups of all subjects of its axis;
otherwise it is INVESTIGATE with the code `not_significant_after_correction`, never less.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.fairness.axes import AxisJudgement, judge, judge_counts
from pipelines.fairness.counting import Counts, as_groups, as_selected, count, same_length
from pipelines.fairness.pairs import Pair
from pipelines.fairness.rules import RULES, Reason, Rules, Verdict, severity, worst


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
    chosen, names, subjects = as_selected(selected), as_groups(group), np.asarray(subject).astype(np.str_)
    same_length(chosen, names, subjects)
    order = np.argsort(subjects, kind="stable")
    labels, starts = np.unique(subjects[order], return_index=True)
    tables = (
        {
            str(label): count(chosen[rows], names[rows])
            for label, rows in zip(labels, np.split(order, starts[1:]), strict=True)
        }
        if len(labels)
        else {}
    )
    return judge_tables(tables, pooled=pooled, rules=rules)


def judge_tables(tables: Mapping[str, Counts], *, pooled: AxisJudgement, rules: Rules = RULES) -> list[AxisJudgement]:
    """As `judge_by_subject`, from the counts of each subject."""
    judged = [
        judge_counts(counts, axis=pooled.axis, min_group_size=pooled.min_group_size, subject=subject, rules=rules)
        for subject, counts in tables.items()
    ]
    marked = (_mark(item, pooled) for item in corrected(judged, rules))
    return sorted(marked, key=_worst_first)


def corrected(judged: Sequence[AxisJudgement], rules: Rules) -> list[AxisJudgement]:
    """The judgements with Holm's p of every judged group, and ADVERSE kept only where that is significant."""
    raw = [row.p_value for item in judged for row in item.groups if not math.isnan(row.p_value)]
    adjusted = iter(holm(raw))
    result = []
    for item in judged:
        rows = tuple(
            row if math.isnan(row.p_value) else replace(row, p_corrected=next(adjusted)) for row in item.groups
        )
        rows = tuple(
            replace(row, verdict=Verdict.INVESTIGATE, reasons=(*row.reasons, Reason.NOT_SIGNIFICANT_AFTER_CORRECTION))
            if row.verdict is Verdict.ADVERSE and row.p_corrected >= rules.significance_level
            else row
            for row in rows
        )
        result.append(replace(item, groups=rows, verdict=worst(row.verdict for row in rows)))
    return result


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p values that hold for the whole list, in its order."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    result = np.empty(len(p_values))
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(p_values) else scaled
    return [float(value) for value in result]


def mantel_haenszel(strata: Iterable[Pair]) -> float:
    """Impact ratio common to all strata, as if each had one; NaN without anything to compare.

    It hides strata that point in different ways: never a substitute for the single tables.
    """
    above = below = 0.0
    for pair in strata:
        total = pair.people + pair.reference_people
        above += pair.selected * pair.reference_people / total
        below += pair.reference_selected * pair.people / total
    return above / below if below else math.nan


def _mark(item: AxisJudgement, pooled: AxisJudgement) -> AxisJudgement:
    fails = item.verdict in (Verdict.ADVERSE, Verdict.INVESTIGATE)
    return replace(item, is_hidden_in_pool=fails and severity(item.verdict) > severity(pooled.verdict))


def _worst_first(item: AxisJudgement) -> tuple[int, float, str, str]:
    """Worst verdict, then lowest impact ratio among the judged groups, then names."""
    ratios = [row.impact_ratio for row in item.groups if not math.isnan(row.p_value)]
    return (-severity(item.verdict), min(ratios, default=math.inf), item.subject or "", item.axis)
