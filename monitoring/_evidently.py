"""The only user of Evidently; its types go no further. Import this module inside functions: it costs seconds.

Metrics of our own, in Evidently's form (a configuration, a calculation, widgets, default tests):

ExactPsi         what `monitoring.drift` measured over all rows, beside Evidently's own view of a sample
AdverseSubjects  how many subjects are judged ADVERSE on one attribute; the test wants none
SelectionRates   selection rate per group, with counts, intervals and verdicts
ImpactRatio      the lowest impact ratio among groups large enough to judge

The metrics show what was computed elsewhere over all rows, so they are exact at any size and no row of a person enters
a report. A group too small to judge has a count and no rate.
"""

import json
import tempfile
import warnings
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final, cast

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

from monitoring.bias import told
from monitoring.plots import SHOWN, is_compared, lowest_of, rate_figure, subject_figure
from monitoring.results import Axis, Bias, Drift
from monitoring.settings import Monitor
from pipelines.base.wording import counted


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

    about: str
    """Whose decisions these are, in words."""
    judgement: dict[str, Any]
    """As `monitoring.results.Axis` has it."""


class SelectionRatesCalculation(ByLabelCalculation[SelectionRates]):
    """Rates of groups large enough to judge; the others are counted."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[ByLabelValue, ByLabelValue | None]:
        """The figures, as they are."""
        del current_data
        judgement = self.metric.judgement
        result = self.result(_rates(judgement))
        result.widget = [
            header_text(label=self.display_name()),
            plotly_figure(title="Selection rate by group", figure=rate_figure(judgement), size=WidgetSize.HALF),
            table_data(
                title=f"Verdict: {judgement['verdict']}",
                column_names=["group", "people", "selected", "rate", "impact ratio", "95% interval", "verdict"],
                data=[_row(row) for row in judgement["groups"]],
                size=WidgetSize.HALF,
            ),
        ]
        return result, (self.result(_rates(judgement)) if reference_data is not None else None)

    def display_name(self) -> str:
        """Title."""
        return f"Selection rate by {self.metric.judgement['axis']}, {self.metric.about}"

    def label_display_name(self, label: Any) -> str:
        """Title of one group's figure."""
        return f"{self.display_name()}: {label}"


class ImpactRatio(SingleValueMetric):
    """Lowest impact ratio of one attribute, over groups large enough to judge; NaN when none could be compared."""

    about: str
    judgement: dict[str, Any]


class ImpactRatioCalculation(SingleValueCalculation[ImpactRatio]):
    """The ratio, its interval and the verdict: never the bare four-fifths rule."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[SingleValue, SingleValue | None]:
        """The figures, as they are."""
        del current_data
        value, between = _lowest(self.metric.judgement)
        result = self.result(value)
        shown = f"{value:.2f}" if value == value else "too few to judge"  # noqa: PLR0124  # NaN
        result.widget = [
            counter(
                title=self.display_name(),
                counters=[
                    CounterData(label="lowest impact ratio", value=shown),
                    CounterData(label="95% interval", value=between),
                    CounterData(label="verdict", value=str(self.metric.judgement["verdict"])),
                ],
            )
        ]
        return result, (self.result(value) if reference_data is not None else None)

    def display_name(self) -> str:
        """Title."""
        return f"Impact ratio by {self.metric.judgement['axis']}, {self.metric.about}"


class AdverseSubjects(SingleValueMetric):
    """How many subjects are judged ADVERSE on one attribute, after correction for how many were looked at."""

    about: str
    axis: str
    adverse: int
    lines: list[str]
    """What is told of them, the first first."""
    judgements: list[dict[str, Any]]
    """Subjects to draw, the worst first."""

    def _default_tests(self, _context: Context) -> list[BoundTest[Any]]:
        return [lte(0, alias=f"no subject is ADVERSE by {self.axis}").bind_single(self.get_fingerprint())]

    def _default_tests_with_reference(self, context: Context) -> list[BoundTest[Any]]:
        return self._default_tests(context)


class AdverseSubjectsCalculation(SingleValueCalculation[AdverseSubjects]):
    """Every subject on its own, the worst first."""

    def calculate(
        self, _context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[SingleValue, SingleValue | None]:
        """The figures, as they are."""
        del current_data
        judgements = self.metric.judgements
        result = self.result(self.metric.adverse)
        result.widget = [
            header_text(label=self.display_name()),
            *[text_widget(title="", text=line) for line in self.metric.lines],
        ]
        if any(is_compared(row) for item in judgements for row in item["groups"]):
            figure = subject_figure(judgements)
            result.widget.append(
                plotly_figure(title="Impact ratio of the worst group by subject, worst first", figure=figure)
            )
        return result, (self.result(self.metric.adverse) if reference_data is not None else None)

    def display_name(self) -> str:
        """Title."""
        return f"Subjects judged ADVERSE by {self.metric.axis}, {self.metric.about}"


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
    return _run(report, now, before, f"Drift, {result.family} on {result.as_of}")


def bias_report(result: Bias, note: str) -> bytes:
    """Evidently's page on selection by group: failing subjects first, then all people together.

    Args:
        result: The judgements.
        note: What they were computed from.
    """
    ordered = sorted(result.pools, key=lambda pool: (_worst_of(result, pool), pool.source != "human"))
    metrics: list[Any] = [_subjects_of(result, pool) for pool in ordered]
    for pool in ordered:
        named = {"about": _what(pool), "judgement": pool.judgement}
        metrics += [ImpactRatio(**named), SelectionRates(**named)]
    columns = {"source": pl.String(), "stage": pl.String(), "axis": pl.String(), "group": pl.String()}
    numeric = {"people": pl.Int64(), "selected": pl.Int64()}
    rows = [
        (pool.source, pool.stage, pool.judgement["axis"], row["group"], row["n"], row["selected"])
        for pool in ordered
        for row in pool.judgement["groups"]
    ]
    definition = DataDefinition(numerical_columns=list(numeric), categorical_columns=list(columns))
    counts = pl.DataFrame(rows, schema={**columns, **numeric}, orient="row")
    data = Dataset.from_pandas(_pandas(counts, {}), data_definition=definition)
    report = Report(metrics, include_tests=True, metadata={**_about(result), "data": note})
    return _run(report, data, None, f"Bias, {result.family} on {result.as_of}")[0]


def _subjects_of(result: Bias, pool: Axis) -> AdverseSubjects:
    """What is shown of the subjects that belong to a pool."""
    mine = [subject for subject in result.subjects if _key(subject) == _key(pool)]
    failed = [told(subject, pool) for subject in mine if subject.verdict == "ADVERSE"]
    tallies = [t.verdicts for t in result.tallies if (t.source, t.stage, t.axis) == _key(pool)]
    few, all_ = sum(t.get("INSUFFICIENT_DATA", 0) for t in tallies), sum(sum(t.values()) for t in tallies)
    lacking = f"{counted(few, 'holds', 'hold')} too little data to be judged alone."
    return AdverseSubjects(
        about=_what(pool),
        axis=pool.judgement["axis"],
        adverse=len(failed),
        lines=[*failed, f"{counted(all_, 'subject', 'subjects')} looked at; {lacking}"],
        judgements=[subject.judgement for subject in mine[:SHOWN]],
    )


def _key(axis: Axis) -> tuple[str, str, str]:
    return axis.source, axis.stage, str(axis.judgement["axis"])


def _run(report: Report, current: Dataset, reference: Dataset | None, title: str) -> tuple[bytes, dict[str, Any]]:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of numpy and pandas, from inside Evidently
        snapshot = report.run(current, reference)
        page = Path(folder) / "report.html"
        snapshot.save_html(str(page))
        figures = {str(m["metric_name"]): m["value"] for m in snapshot.dict()["metrics"]}
        return _readable(page.read_text(encoding="utf-8"), title), cast(
            "dict[str, Any]", json.loads(json.dumps(figures, default=_plain))
        )


_MEND: Final = """<script>
const say = (where, name, value) => document.querySelectorAll(where).forEach(e => {
  if (e.getAttribute(name) !== value) e.setAttribute(name, value);
});
new MutationObserver(() => {
  document.querySelectorAll("button:not([aria-label])").forEach(b => {
    if (!b.textContent.trim()) b.setAttribute("aria-label", "Options");
  });
  say("th [role=columnheader]", "role", "button");
  document.querySelectorAll("th [aria-sort]").forEach(s => s.removeAttribute("aria-sort"));
  say("th:empty", "role", "cell");
  say("[data-rfd-drag-handle-draggable-id]", "role", "group");
  say("h5", "aria-level", "2");
  say("h6", "aria-level", "3");
}).observe(document, {childList: true, subtree: true});
</script>"""
"""Gives what Evidently's page draws the names and roles that it lacks, as soon as it is drawn."""


def _readable(text: str, title: str) -> bytes:
    """Evidently's page with what screen readers need: a title, a heading, a main part, and names of its buttons.

    Raises:
        ValueError: The page is no longer built as it was, and must be looked at again.
    """
    head, top, rest = text.partition("<body>")
    body, end, after = rest.rpartition("</body>")
    if not (top and end and "</head>" in head):
        raise ValueError("a report of Evidently must have a head and a body; it has not: look at monitoring._evidently")
    head = head.replace("</head>", f"<title>{escape(title)}</title></head>", 1)
    return f"{head}{top}<main><h1>{escape(title)}</h1>{_MEND}{body}</main>{end}{after}".encode()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _about(result: Drift | Bias) -> dict[str, str]:
    return {"family": result.family, "as_of": str(result.as_of), "release": str(result.release)}


def _what(pool: Axis) -> str:
    return f"human decisions at {pool.stage}" if pool.source == "human" else "the model's selections"


def _worst_of(result: Bias, pool: Axis) -> int:
    """0 where pooling hides a subject that fails, 1 where one fails, 2 where none does."""
    failed = [s for s in result.subjects if _key(s) == _key(pool) and s.verdict == "ADVERSE"]
    return 0 if any(s.is_hidden for s in failed) else 1 if failed else 2


def _is_usable(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() < len(frame)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _pandas(frame: pl.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    cast_to = [pl.col(name).cast(pl.Float64) for name, kind in kinds.items() if kind == "numeric" and name in frame]
    return frame.with_columns(cast_to).to_pandas()


def _rates(judgement: Mapping[str, Any]) -> dict[Any, float]:
    return {row["group"]: row["rate"] for row in judgement["groups"] if _has_rate(row) and not row["is_unknown"]}


def _has_rate(row: Mapping[str, Any]) -> bool:
    return not row["is_small"] and row.get("is_told", True)


def _lowest(judgement: Mapping[str, Any]) -> tuple[float, str]:
    row = lowest_of(judgement)
    return (float("nan"), "none") if row is None else (row["impact_ratio"], _between(row))


def _between(row: Mapping[str, Any]) -> str:
    low, high = ("no bound" if row[end] is None else f"{row[end]:.2f}" for end in ("low", "high"))
    return f"{low} to {high}"


def _row(row: Mapping[str, Any]) -> list[Any]:
    counted, verdict = [row["group"], row["n"], row["selected"]], row["verdict"]
    if not row.get("is_told", True):
        return [row["group"], "not told" if row["n"] is None else row["n"], "not told", "", "", "", verdict]
    if row["is_small"]:
        return [*counted, "too few to judge", "", "", verdict]
    ratio = "reference" if row["is_reference"] else f"{row['impact_ratio']:.2f}" if is_compared(row) else ""
    return [*counted, f"{row['rate']:.1%}", ratio, _between(row) if is_compared(row) else "", verdict]
