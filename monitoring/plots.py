"""Plotly figures of judgements, for Evidently's widgets. Import inside functions: plotly costs a second."""

import math
from collections.abc import Sequence

import plotly.graph_objs as go

from pipelines.fairness import AxisJudgement, GroupRow

_TONES = {"ADVERSE": "#a61b1b", "INVESTIGATE": "#b26a00", "INSUFFICIENT_DATA": "#6b7280", "NO_EVIDENCE": "#1f7a4d"}
_SHOWN = 25
"""Subjects drawn one by one; the others are counted."""
_WIDEST = 2.0
"""Right end of the axis of impact ratios."""


def is_compared(row: GroupRow) -> bool:
    """Whether a group was judged against a reference other than itself."""
    return not math.isnan(row.p_value)


def rate_figure(judgement: AxisJudgement) -> go.Figure:
    """Selection rates of the groups large enough to judge, with their counts."""
    rows = [row for row in judgement.groups if not row.is_small]
    bars = go.Bar(
        x=[row.group for row in rows],
        y=[row.rate for row in rows],
        text=[f"{row.selected} of {row.n}" for row in rows],
        marker_color=[_TONES[str(row.verdict)] for row in rows],
    )
    return go.Figure(bars, layout={"yaxis": {"tickformat": ".0%", "rangemode": "tozero"}, "height": 300})


def subject_figure(judged: Sequence[AxisJudgement]) -> go.Figure:
    """Lowest impact ratio of each subject that could be compared, worst first, with its interval."""
    shown = [(item, lowest) for item in judged if (lowest := _lowest(item)) is not None][:_SHOWN]
    values = [row.impact_ratio for _, row in shown]
    points = go.Scatter(
        x=values,
        y=[f"{item.subject}: {row.group}" for item, row in shown],
        mode="markers",
        text=[str(item.verdict) for item, _ in shown],
        marker={"size": 9, "color": [_TONES[str(item.verdict)] for item, _ in shown]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [min(row.high, _WIDEST) - row.impact_ratio for _, row in shown],
            "arrayminus": [row.impact_ratio - row.low for _, row in shown],
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


def _lowest(item: AxisJudgement) -> GroupRow | None:
    return min((row for row in item.groups if is_compared(row)), key=lambda row: row.impact_ratio, default=None)
