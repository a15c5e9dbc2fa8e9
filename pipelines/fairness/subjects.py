"""Every subject on its own, at every stage: the guard against Simpson's paradox.

Pooling, and even the Mantel-Haenszel ratio, can show equal rates while one requisition turns one group away; and all
stages together can while one stage does. So each subject and each stage gets its own table, and one that fails while
the whole looks fine comes before all others.

Many tables mean many chances of a false alarm: of 1,000 requisitions without any bias some 25 would be ADVERSE. An
ADVERSE subject must therefore stay significant after the correction of Benjamini and Hochberg over all groups of all
subjects of its axis, once each has paid for being compared with the best; otherwise it is INVESTIGATE with the code
`not_significant_after_correction`, never less. A pool of many groups is corrected the same way.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.fairness.axes import AxisJudgement, judgement, without_small
from pipelines.fairness.clusters import repeats
from pipelines.fairness.counting import (
    Bools,
    Coded,
    as_coded,
    as_selected,
    as_subjects,
    cross,
    crossed_name,
    is_crossed,
    same_length,
)
from pipelines.fairness.grids import Grid, tabulate
from pipelines.fairness.rules import BY_SEVERITY, RULES, Rules, Verdict, severity
from pipelines.fairness.strata import Common, common_ratios
from pipelines.fairness.tables import Table, corrected, judged
from pipelines.fairness.withheld import TOLD_FROM, marked

_LISTED: Final = severity(Verdict.INVESTIGATE)
"""Subjects at least so bad are kept one by one; the others are counted, and their numbers are in `AxisReport.cells`."""


@dataclass(frozen=True, slots=True)
class AxisReport:
    """One axis at one stage: everyone together, every subject on its own, and what the subjects share."""

    pool: AxisJudgement
    table: Table
    """By subject, corrected for all of them."""
    common: Mapping[str, Common]
    """Group to its Mantel-Haenszel ratio against the pool's reference, and whether subjects agree on it."""
    rules: Rules

    @property
    def is_hidden(self) -> Bools:
        """[n_subjects] whether a group fails there while the pool looks better for it."""
        return self.table.is_hidden_in(_verdicts(self.pool))

    @property
    def tally(self) -> dict[Verdict, int]:
        """Verdict to how many subjects have it as their worst."""
        counted = np.bincount(self.table.worst, minlength=len(BY_SEVERITY)).tolist()
        return dict(zip(BY_SEVERITY, counted, strict=True))

    @property
    def listed(self) -> list[AxisJudgement]:
        """The subjects that a person must see, ADVERSE or INVESTIGATE, without any limit.

        The worst first; of one verdict what the pool hides first, then the lowest impact ratio.
        """
        return self.first(int((self.table.worst >= _LISTED).sum()))

    def first(self, limit: int) -> list[AxisJudgement]:
        """So many subjects in that order; a limit can cut what the pool hides, and nothing that is kept has one."""
        is_hidden, names, pool = self.is_hidden, self.table.grid.subjects, self.pool
        found = (
            judgement(self.table, row, pool.axis, names[row], self.rules, is_hidden=bool(is_hidden[row]))
            for row in self.table.order(is_hidden)[:limit].tolist()
        )
        return [replace(item, stage=pool.stage) for item in found]

    @property
    def cells(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of [n_cells]: every group that is there of every subject, judged or not."""
        grid = self.table.grid
        rows, columns = np.nonzero(grid.people)
        names = {"subject": np.array(grid.subjects, object)[rows], "group": np.array(grid.groups, object)[columns]}
        counts = {"people": grid.people[rows, columns], "selected": grid.selected[rows, columns]}
        words = np.array([str(verdict) for verdict in BY_SEVERITY], object)
        return names | counts | {"verdict": words[self.table.verdict[rows, columns]]}


def bias_report(
    selected: npt.ArrayLike,
    axes: Mapping[str, npt.ArrayLike | Coded],
    subject: npt.ArrayLike | Coded,
    *,
    person: npt.ArrayLike | None = None,
    min_group_size: int,
    stage: str | None = None,
    rules: Rules = RULES,
) -> tuple[AxisReport, ...]:
    """Judge all axes and their intersections, over all people and by subject, without a step for every row or cell.

    Args:
        selected: [n_cases] bool. Who was put forward at one stage.
        axes: Axis to its [n_cases] self-declared groups; null, NaN, the empty string and `unknown` are the group
            `unknown`. An empty mapping means that no groups are known.
        subject: [n_cases] what each case was about, such as a requisition.
        person: [n_cases] whole numbers, equal where the person is; without, no two cases are about one. Somebody is
            decided about once in a subject; over all subjects, what decisions about one person share is taken out.
        min_group_size: Distinct people. Smaller groups are shown and left unjudged, never merged.
        stage: Name of the stage, where there are several.
        rules: The rule pack; it says which axes are judged together too, such as `sex x ethnicity`.

    Returns:
        One report an axis, in the order given, then the intersections.

    Raises:
        ContractError: The columns differ in length, or `selected` has gaps or is not true or false.
    """
    coded = {axis: as_coded(group) for axis, group in axes.items()}
    pairs = [(a, b) for a, b in rules.intersections if a in coded and b in coded]
    crossed = {crossed_name(a, b): cross(coded[a], coded[b]) for a, b in pairs}
    subjects, chosen = as_subjects(subject), as_selected(selected)
    who = np.zeros_like(chosen, np.int64) if person is None else np.asarray(person, dtype=np.int64)
    same_length(chosen, who)
    told = []
    for axis, group in (coded | crossed).items():
        grid = tabulate(chosen, group, subjects)
        pool = grid.pool if person is None else grid.pool.of(repeats(chosen, group.codes, who, len(group.names)))
        told.append(_reported(grid, pool, axis, stage, min_group_size=min_group_size, rules=rules))
    return tuple(told)


def against_all_stages(stage: Iterable[AxisReport], whole: Iterable[AxisReport]) -> tuple[AxisReport, ...]:
    """The reports of a stage, its pools marked `is_hidden_in_pool` where all stages together look better.

    Args:
        stage: Reports of one stage.
        whole: Reports of all stages together: UGESP's bottom line.
    """
    over_all = {report.pool.axis: _verdicts(report.pool) for report in whole}
    return tuple(_guarded(report, over_all[report.pool.axis]) for report in stage)


def kept(reports: Iterable[AxisReport], told_from: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """The form that is kept as JSON and judged by the gate, of a size that does not grow with subjects nobody must see.

    Args:
        reports: Of one source, such as the model's selections.
        told_from: People from whom on a group's figures are told to everybody; None: only those of judged groups.

    Returns:
        `axes`, one judgement an axis and stage in the order given, with what the subjects share (`common`, of groups
        that were judged); `by_subject`, those to be seen, the worst first and without counts of groups below the
        smallest size;
        `tallies`, how many subjects of each axis and stage have which verdict: those not listed too. Judgements say
        which groups are `withheld` from all but compliance.
    """
    told = tuple(reports)
    listed = sorted((item for report in told for item in report.listed), key=_worst_first)
    about = {} if told_from is None else {TOLD_FROM: told_from}
    pools = marked([report.pool.to_dict() | {"common": _shared(report)} | about for report in told])
    return {
        "axes": pools,
        "by_subject": marked([without_small(item).to_dict() | about for item in listed], pools),
        "tallies": [
            {
                "axis": report.pool.axis,
                "stage": report.pool.stage,
                "min_group_size": report.pool.min_group_size,
                "verdicts": {str(verdict): count for verdict, count in report.tally.items()},
            }
            for report in told
        ],
    }


def _shared(report: AxisReport) -> list[dict[str, Any]]:
    """[n_groups] group and the fields of `Common`, null where a number does not exist; of judged groups alone."""
    judged_groups = [row.group for row in report.pool.groups if not math.isnan(row.p_value)]
    found = [(group, asdict(report.common[group])) for group in judged_groups if group in report.common]
    return [
        {"group": group} | {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        for group, numbers in found
    ]


def _reported(
    grid: Grid, together: Grid, axis: str, stage: str | None, *, min_group_size: int, rules: Rules
) -> AxisReport:
    whole = corrected(judged(together, min_group_size=min_group_size, rules=rules), rules)
    pool = replace(judgement(whole, 0, axis, None, rules), stage=stage)
    common = common_ratios(grid, pool.reference) if pool.reference else {}
    table = corrected(judged(grid, min_group_size=min_group_size, rules=rules), rules)
    return AxisReport(pool, table, common, rules)


def _guarded(report: AxisReport, over_all: Mapping[str, Verdict]) -> AxisReport:
    is_hidden = severity(report.pool.verdict) >= _LISTED and any(
        row.verdict is report.pool.verdict
        and severity(row.verdict) > severity(over_all.get(row.group, Verdict.ADVERSE))
        for row in report.pool.groups
    )
    return replace(report, pool=replace(report.pool, is_hidden_in_pool=is_hidden))


def _verdicts(pool: AxisJudgement) -> dict[str, Verdict]:
    return {row.group: row.verdict for row in pool.groups}


def _worst_first(item: AxisJudgement) -> tuple[int, bool, bool, float, str, str]:
    """Worst verdict, then what the pool hides, plain axes, lowest impact ratio among the judged groups, names."""
    ratios = [row.impact_ratio for row in item.groups if not math.isnan(row.p_value)]
    least = min(ratios, default=math.inf)
    is_seen = not item.is_hidden_in_pool
    return (-severity(item.verdict), is_seen, is_crossed(item.axis), least, item.subject or "", item.axis)
