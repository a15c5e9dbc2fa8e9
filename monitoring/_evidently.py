"""The only user of Evidently; its types go no further. Import this module inside functions: it costs seconds.

Metrics of our own, in Evidently's form (a configuration, a calculation, widgets, default tests):

ExactPsi         what `monitoring.drift` measured over all rows, beside Evidently's own view of a sample
AdverseSubjects  how many subjects are judged ADVERSE on one attribute; the test wants none
SelectionRates   selection rate per group, with counts, intervals and verdicts
ImpactRatio      the lowest impact ratio among groups large enough to judge

The bias metrics compute on counts per group (`monitoring.bias.COUNTS`), so they are exact at any size and no row of a
person enters a report. Their arithmetic is `pipelines.fairness`; a group too small to judge has a count and no rate.
"""

import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
from evidently import DataDefinition, Dataset, Report
from evidently.core.metric_types import (
    BoundTest,
    ByLabelCalculation,
    ByLabelMetric,
    ByLabelValue,
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.core.report import Context
from evidently.legacy.renderers.html_widgets import (
    CounterData,
    WidgetSize,
    counter,
    header_text,
    plotly_figure,
    table_data,
    text_widget,
)
from evidently.presets import DataDriftPreset
from evidently.tests import lte

from monitoring.bias import group_counts, told
from monitoring.plots import is_compared, rate_figure, subject_figure
from monitoring.results import Axis, Bias, Drift
from monitoring.settings import Monitor
from pipelines.fairness import AxisJudgement, GroupRow, judge_counts
from pipelines.fairness.subjects import judge_tables


class ExactPsi(ByLabelMetric):
    """PSI per column, computed elsewhere over all rows."""

    values: dict[str, float]
    noise: dict[str, float]
    """What chance alone stays below."""
    drifted: list[str]
    note: str
    """What the rest of the report compares."""


class ExactPsiCalculation(ByLabelCalculation[ExactPsi]):
    """Shows the figures given."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[ByLabelValue, ByLabelValue | None]:
        """The figures, as they are."""
        del current_data
        metric = self.metric
        result = self.result(metric.values)
        rows = [
            [name, f"{value:.3f}", f"{metric.noise[name]:.3f}", "drifted" if name in metric.drifted else "holds"]
            for name, value in metric.values.items()
        ]
        result.widget = [
            text_widget(title="What is compared", text=metric.note),
            table_data(
                title="Exact PSI against the reference profile, all rows",
                column_names=["column", "PSI", "chance alone stays below", "judged"],
                data=rows,
            ),
        ]
        return result, (self.result(metric.values) if reference_data is not None else None)

    def display_name(self) -> str:
        """Title."""
        return "Exact PSI against the reference profile"

    def label_display_name(self, label: Any) -> str:
        """Title of one column's figure."""
        return f"Exact PSI of {label}"


class SelectionRates(ByLabelMetric):
    """Selection rate per group of one attribute."""

    source: str
    stage: str
    axis: str
    min_group_size: int
    subject: str | None = None
    """None: all subjects together."""


class SelectionRatesCalculation(ByLabelCalculation[SelectionRates]):
    """Rates of groups large enough to judge; the others are counted."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[ByLabelValue, ByLabelValue | None]:
        """Judge the counts."""
        judgement = _judge(current_data, self.metric)
        result = self.result(_rates(judgement))
        result.widget = [
            header_text(label=self.display_name()),
            plotly_figure(title="Selection rate by group", figure=rate_figure(judgement), size=WidgetSize.HALF),
            table_data(
                title=f"Verdict: {judgement.verdict}",
                column_names=["group", "people", "selected", "rate", "impact ratio", "95% interval", "verdict"],
                data=[_row(row) for row in judgement.groups],
                size=WidgetSize.HALF,
            ),
        ]
        before = self.result(_rates(_judge(reference_data, self.metric))) if reference_data is not None else None
        return result, before

    def display_name(self) -> str:
        """Title."""
        return f"Selection rate by {self.metric.axis}, {_what(self.metric)}"

    def label_display_name(self, label: Any) -> str:
        """Title of one group's figure."""
        return f"{self.display_name()}: {label}"


class ImpactRatio(SingleValueMetric):
    """Lowest impact ratio of one attribute, over groups large enough to judge; NaN when none could be compared."""

    source: str
    stage: str
    axis: str
    min_group_size: int
    subject: str | None = None


class ImpactRatioCalculation(SingleValueCalculation[ImpactRatio]):
    """The ratio, its interval and the verdict: never the bare four-fifths rule."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[SingleValue, SingleValue | None]:
        """Judge the counts."""
        judgement = _judge(current_data, self.metric)
        value, between = _lowest(judgement)
        result = self.result(value)
        shown = f"{value:.2f}" if value == value else "too few to judge"  # noqa: PLR0124  # NaN
        result.widget = [
            counter(
                title=self.display_name(),
                counters=[
                    CounterData(label="lowest impact ratio", value=shown),
                    CounterData(label="95% interval", value=between),
                    CounterData(label="verdict", value=str(judgement.verdict)),
                ],
            )
        ]
        before = self.result(_lowest(_judge(reference_data, self.metric))[0]) if reference_data is not None else None
        return result, before

    def display_name(self) -> str:
        """Title."""
        return f"Impact ratio by {self.metric.axis}, {_what(self.metric)}"


class AdverseSubjects(SingleValueMetric):
    """How many subjects are judged ADVERSE on one attribute, after correction for how many were looked at."""

    source: str
    stage: str
    axis: str
    min_group_size: int

    def _default_tests(self, _context: Context) -> list[BoundTest[Any]]:
        return [lte(0, alias=f"no subject is ADVERSE by {self.axis}").bind_single(self.get_fingerprint())]

    def _default_tests_with_reference(self, context: Context) -> list[BoundTest[Any]]:
        return self._default_tests(context)


class AdverseSubjectsCalculation(SingleValueCalculation[AdverseSubjects]):
    """Every subject on its own, the worst first."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[SingleValue, SingleValue | None]:
        """Judge each subject's counts."""
        judged = _judge_subjects(current_data, self.metric)
        result = self.result(_adverse(judged))
        result.widget = [
            header_text(label=self.display_name()),
            *[text_widget(title="", text=line) for line in self._lines(current_data, judged)],
        ]
        if any(is_compared(row) for item in judged for row in item.groups):
            figure = subject_figure(judged)
            result.widget.append(plotly_figure(title="Lowest impact ratio by subject, worst first", figure=figure))
        before = _judge_subjects(reference_data, self.metric) if reference_data is not None else None
        return result, (self.result(_adverse(before)) if before is not None else None)

    def display_name(self) -> str:
        """Title."""
        return f"Subjects judged ADVERSE by {self.metric.axis}, {_what(self.metric)}"

    def _lines(self, data: Dataset, judged: list[AxisJudgement]) -> list[str]:
        pool = self._told(_judge(data, self.metric))
        failed = [told(self._told(item), pool) for item in judged if item.verdict == "ADVERSE"]
        few = sum(item.verdict == "INSUFFICIENT_DATA" for item in judged)
        return [*failed, f"{len(judged)} subjects looked at; {few} of them hold too little data to be judged alone."]

    def _told(self, item: AxisJudgement) -> Axis:
        metric = self.metric
        return Axis(source=metric.source, stage=metric.stage, subject=item.subject, judgement=item.to_dict())


def drift_report(
    current: pl.DataFrame, reference: pl.DataFrame, result: Drift, note: str, settings: Monitor
) -> tuple[bytes, dict[str, Any]]:
    """Evidently's drift report on two samples, headed by our exact figures.

    Args:
        current: [n_current] input columns only, no identifiers.
        reference: [n_reference] the same columns.
        result: The exact figures.
        note: What the two samples are.
        settings: The bounds by which Evidently, too, calls a column and the whole drifted.

    Returns:
        The HTML page, and every figure as {metric: value}.
    """
    kinds = {c.column: c.kind for c in result.columns}
    usable = [name for name in kinds if _is_usable(current, name) and _is_usable(reference, name)]
    left_out = sorted(set(kinds) - set(usable))
    if left_out:
        note += f" Empty on one side and left out here: {', '.join(left_out)}."
    exact = ExactPsi(
        values={c.column: _number(c.psi) for c in result.columns},
        noise={c.column: _number(c.noise) for c in result.columns},
        drifted=[c.column for c in result.columns if c.is_drifted],
        note=note,
    )
    preset = DataDriftPreset(
        columns=usable,
        num_method="psi",
        cat_method="psi",
        threshold=settings.psi,
        drift_share=settings.drifted_share,
    )
    definition = DataDefinition(
        numerical_columns=[name for name in usable if kinds[name] == "numeric"],
        categorical_columns=[name for name in usable if kinds[name] == "categorical"],
    )
    now, before = (
        Dataset.from_pandas(_pandas(frame.select(usable), kinds), data_definition=definition)
        for frame in (current, reference)
    )
    report = Report([exact, *([preset] if usable else [])], include_tests=False, metadata=_about(result))
    return _run(report, now, before)


def bias_report(counts: pl.DataFrame, result: Bias, note: str, min_group_size: int) -> bytes:
    """Evidently's page on selection by group: failing subjects first, then all people together.

    Args:
        counts: [n_cells] `monitoring.bias.COUNTS`.
        result: The judgements, for the order of the page.
        note: What the counts are.
        min_group_size: People.
    """
    ordered = sorted(result.pools, key=lambda pool: (not _has_failed(result, pool), pool.source != "human"))
    named = [
        {"source": p.source, "stage": p.stage, "axis": p.judgement["axis"], "min_group_size": min_group_size}
        for p in ordered
    ]
    metrics = [AdverseSubjects(**name) for name in named]
    metrics += [metric(**name) for name in named for metric in (ImpactRatio, SelectionRates)]
    numeric = ["people", "selected"]
    definition = DataDefinition(
        numerical_columns=numeric, categorical_columns=[name for name in counts.columns if name not in numeric]
    )
    data = Dataset.from_pandas(_pandas(counts, {}), data_definition=definition)
    report = Report(metrics, include_tests=True, metadata={**_about(result), "data": note})
    return _run(report, data, None)[0]


def _run(report: Report, current: Dataset, reference: Dataset | None) -> tuple[bytes, dict[str, Any]]:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of numpy and pandas, from inside Evidently
        snapshot = report.run(current, reference)
        page = Path(folder) / "report.html"
        snapshot.save_html(str(page))
        figures = {str(m["metric_name"]): m["value"] for m in snapshot.dict()["metrics"]}
        return page.read_bytes(), cast("dict[str, Any]", json.loads(json.dumps(figures, default=_plain)))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _about(result: Drift | Bias) -> dict[str, str]:
    return {"family": result.family, "as_of": str(result.as_of), "release": str(result.release)}


def _what(metric: Any) -> str:
    decisions = f"human decisions at {metric.stage}" if metric.source == "human" else "the model's selections"
    subject = getattr(metric, "subject", None)
    return f"{subject}, {decisions}" if subject is not None else decisions


def _has_failed(result: Bias, pool: Axis) -> bool:
    key = (pool.source, pool.stage, pool.judgement["axis"])
    return any((s.source, s.stage, s.judgement["axis"]) == key for s in result.subjects if s.verdict == "ADVERSE")


def _is_usable(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() < len(frame)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _pandas(frame: pl.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    cast_to = [pl.col(name).cast(pl.Float64) for name, kind in kinds.items() if kind == "numeric" and name in frame]
    return frame.with_columns(cast_to).to_pandas()


def _cells(data: Dataset, metric: Any) -> pl.DataFrame:
    frame = pl.from_pandas(data.as_dataframe())
    return frame.filter(
        pl.col("source") == metric.source, pl.col("stage") == metric.stage, pl.col("axis") == metric.axis
    )


def _judge(data: Dataset, metric: Any) -> AxisJudgement:
    cells = _cells(data, metric)
    subject = getattr(metric, "subject", None)
    if subject is not None:
        cells = cells.filter(pl.col("subject") == subject)
    return judge_counts(group_counts(cells), axis=metric.axis, min_group_size=metric.min_group_size, subject=subject)


def _judge_subjects(data: Dataset, metric: Any) -> list[AxisJudgement]:
    single = {
        str(name): group_counts(rows) for (name,), rows in _cells(data, metric).group_by("subject", maintain_order=True)
    }
    return judge_tables(single, pooled=_judge(data, metric))


def _adverse(judged: list[AxisJudgement]) -> int:
    return sum(item.verdict == "ADVERSE" for item in judged)


def _rates(judgement: AxisJudgement) -> dict[Any, float]:
    return {row.group: row.rate for row in judgement.groups if not row.is_small and not row.is_unknown}


def _lowest(judgement: AxisJudgement) -> tuple[float, str]:
    compared = [row for row in judgement.groups if is_compared(row)]
    if not compared:
        return float("nan"), "none"
    row = min(compared, key=lambda r: r.impact_ratio)
    return row.impact_ratio, f"{row.low:.2f} to {row.high:.2f}"


def _row(row: GroupRow) -> list[Any]:
    if row.is_small:
        return [row.group, row.n, row.selected, "too few to judge", "", "", str(row.verdict)]
    between = f"{row.low:.2f} to {row.high:.2f}" if is_compared(row) else ""
    ratio = "reference" if row.is_reference else (f"{row.impact_ratio:.2f}" if is_compared(row) else "")
    return [row.group, row.n, row.selected, f"{row.rate:.1%}", ratio, between, str(row.verdict)]
