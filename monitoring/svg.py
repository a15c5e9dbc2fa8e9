"""Small drawings for reports and the Compliance page: intervals on an axis, two distributions side by side.

Pure functions from numbers to SVG text. Colours and fonts come from the page's style sheet through classes, so that a
strict content policy needs no inline style. Every text is escaped, and every drawing says in words what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ROW = 26
_TOP = 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of an interval drawing."""

    label: str
    value: float
    low: float
    """NaN: no interval; infinite values reach the edge of the drawing."""
    high: float
    note: str = ""
    """Shown at the right end."""
    tone: str = "plain"
    """`bad`, `warn`, `unsure`, `good` or `plain`; a word in `note` says the same, so colour is never alone."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of an interval drawing."""

    low: float
    high: float
    marks: Sequence[tuple[float, str]] = ()
    """Vertical lines with a label, such as (0.8, "4/5")."""
    is_log: bool = False


def intervals(bars: Sequence[Bar], axis: Axis, title: str, *, width: int = 800, label_width: int = 150) -> str:
    """Dots with whiskers, one line each.

    Args:
        bars: What to draw; a NaN value leaves its line empty but for the note.
        axis: Range and marks; what lies outside is drawn at the edge.
        title: What the drawing shows, for people who cannot see it.
        width: Of the drawing, pixels.
        label_width: Of the labels at the left, pixels.
    """
    left, right = label_width, width - 190
    height = _TOP + _ROW * len(bars) + 4
    parts = [_mark(_place(at, axis, left, right), text, height) for at, text in axis.marks]
    parts += [_bar(bar, axis, left, right, _TOP + _ROW * i + _ROW / 2) for i, bar in enumerate(bars)]
    return _svg(width, height, title, parts)


def distributions(expected: Sequence[float], actual: Sequence[float], title: str) -> str:
    """Two distributions over the same bins as pairs of columns, training behind and current in front.

    Args:
        expected: [n_bins] shares at training time.
        actual: [n_bins] shares now.
        title: What the drawing shows.
    """
    width, height, top = 220, 56, max([*expected, *actual, 1e-9])
    step = width / max(len(expected), 1)
    parts = []
    for i, (before, now) in enumerate(zip(expected, actual, strict=True)):
        for share, name, offset in ((before, "was", 0.08), (now, "now", 0.5)):
            tall = share / top * (height - 4)
            parts.append(
                f'<rect class="{name}" x="{step * (i + offset):.1f}" y="{height - tall:.1f}" '
                f'width="{step * 0.42:.1f}" height="{tall:.1f}"/>'
            )
    return _svg(width, height, title, parts)


def shares(bars: Sequence[Bar], title: str, *, width: int = 800, label_width: int = 230) -> str:
    """Bars from 0 to 1, one line each; low and high are not drawn.

    Args:
        bars: What to draw; a NaN value leaves its line empty but for the note.
        title: What the drawing shows, for people who cannot see it.
        width: Of the drawing, pixels.
        label_width: Of the labels at the left, pixels.
    """
    room, parts = width - label_width - 190, []
    for i, bar in enumerate(bars):
        y = _ROW * i + _ROW / 2
        parts.append(_words(bar, label_width, width - 190, y, most=34))
        if not math.isnan(bar.value):
            long = min(max(bar.value, 0.0), 1.0) * room
            parts.append(f'<rect class="share" x="{label_width}" y="{y - 8}" width="{long:.1f}" height="16"/>')
    return _svg(width, _ROW * len(bars) + 4, title, parts)


def _svg(width: int, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="plot" role="img" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _mark(x: float, text: str, height: float) -> str:
    return (
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 4}" y2="{height:.0f}"/>'
        f'<text class="mark-text" x="{x:.1f}" y="{_TOP - 9}" text-anchor="middle">{escape(text)}</text>'
    )


def _bar(bar: Bar, axis: Axis, left: int, right: int, y: float) -> str:
    parts = [_words(bar, left, right, y)]
    if not math.isnan(bar.low) and not math.isnan(bar.high):
        x1, x2 = _place(bar.low, axis, left, right), _place(bar.high, axis, left, right)
        parts.append(f'<line class="whisker {escape(bar.tone)}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y}" y2="{y}"/>')
    if not math.isnan(bar.value):
        x = _place(bar.value, axis, left, right)
        parts.append(f'<circle class="dot {escape(bar.tone)}" cx="{x:.1f}" cy="{y}" r="5"/>')
    return "".join(parts)


def _words(bar: Bar, left: int, right: int, y: float, most: int = 22) -> str:
    """The label at the left of a line and the note at its right."""
    label = escape(_short(bar.label, most))
    return (
        f'<text class="label" x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        f'<text class="note {escape(bar.tone)}" x="{right + 10}" y="{y + 4:.1f}">{escape(bar.note)}</text>'
    )


def _place(value: float, axis: Axis, left: int, right: int) -> float:
    low, high = axis.low, axis.high
    inside = min(max(value, low), high)
    if axis.is_log:
        low, high, inside = math.log(low), math.log(high), math.log(inside)
    return left + (inside - low) / (high - low) * (right - left) if high > low else float(left)


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
