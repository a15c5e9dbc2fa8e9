"""Plotly figures of judgements, for Evidently's widgets. Import inside functions: plotly costs a second."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objs as go

from monitoring.bias import worst

_TONES = {"ADVERSE": "#a61b1b", "INVESTIGATE": "#b26a00", "INSUFFICIENT_DATA": "#6b7280", "NO_EVIDENCE": "#1f7a4d"}
SHOWN: Final = 25
"""Subjects drawn one by one; the others are counted."""
_WIDEST = 2.0
"""Right end of the axis of impact ratios."""

Judgement = Mapping[str, Any]
"""`pipelines.fairness.AxisJudgement.to_dict()`."""


def is_compared(row: Mapping[str, Any]) -> bool:
    """Whether a group was judged against a reference other than itself."""
    return row["p_value"] is not None and row["impact_ratio"] is not None


def lowest_of(judgement: Judgement) -> Mapping[str, Any] | None:
    """The compared group with the lowest impact ratio; None when no group could be compared."""
    rows = [row for row in judgement["groups"] if is_compared(row)]
    return min(rows, key=lambda row: float(row["impact_ratio"]), default=None)


def rate_figure(judgement: Judgement) -> go.Figure:
    """Selection rates of the groups large enough to judge, with their counts."""
    rows = [row for row in judgement["groups"] if not row["is_small"] and row.get("is_told", True)]
    bars = go.Bar(
        x=[row["group"] for row in rows],
        y=[row["rate"] for row in rows],
        text=[f"{row['selected']} of {row['n']}" for row in rows],
        marker_color=[_TONES[row["verdict"]] for row in rows],
    )
    return go.Figure(bars, layout={"yaxis": {"tickformat": ".0%", "rangemode": "tozero"}, "height": 300})


def subject_figure(judged: Sequence[Judgement]) -> go.Figure:
    """Impact ratio of the worst group of each subject that could be compared, worst first, with its interval."""
    shown = [(item, row) for item in judged if (row := worst(item)) is not None][:SHOWN]
    points = go.Scatter(
        x=[row["impact_ratio"] for _, row in shown],
        y=[f"{item['subject']}: {row['group']}" for item, row in shown],
        mode="markers",
        text=[item["verdict"] for item, _ in shown],
        marker={"size": 9, "color": [_TONES[item["verdict"]] for item, _ in shown]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [min(_bound(row["high"], _WIDEST), _WIDEST) - row["impact_ratio"] for _, row in shown],
            "arrayminus": [row["impact_ratio"] - _bound(row["low"], 0.0) for _, row in shown],
        },
    )
    layout = {
        "xaxis": {"title": "impact ratio", "range": [0, _WIDEST]},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "height": 160 + 24 * len(shown),
        "margin": {"t": 30},
    }
    figure = go.Figure(points, layout=layout)
    figure.add_vline(x=0.8, line_dash="dash", annotation_text="4/5")
    figure.add_vline(x=1.0, line_color="#9ca3af")
    return figure


def _bound(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
