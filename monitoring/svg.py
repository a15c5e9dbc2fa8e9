"""Small drawings for reports and the Compliance page: intervals on an axis, two distributions side by side.

Pure functions from numbers to SVG text. Colours and fonts come from the page's style sheet through classes, so that a
strict content policy needs no inline style. Every text is escaped, and every drawing says in words what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Span = tuple[float, float, float]
"""A value and both ends of its interval; NaN ends: no interval."""
_ROW = 26
_TOP = 22
_DIGIT = 14
"""Pixels that a number needs to be told from the next one."""
_WIDE = 75
"""Pixels that the label of a mark needs."""


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


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a frontier with its interval in both directions."""

    label: str
    x: Span
    y: Span
    tone: str = "plain"
    """As of a `Bar`; the label says the same."""


def frontier(points: Sequence[Point], across: Axis, up: Axis, title: str, names: tuple[str, str]) -> str:
    """Points with whiskers in two directions: what is gained upwards against what it costs to the left.

    Args:
        points: What to draw; one with an unknown value is left out. Numbered, as labels would cover one another.
        across: Range and marks from left to right.
        up: Range and marks from below to above.
        title: What the drawing shows, for people who cannot see it.
        names: Of both axes.
    """
    width, height, left, right, top, bottom = 800, 360, 70, 560, 24, 310
    shown = [(n, p) for n, p in enumerate(points, 1) if not math.isnan(p.x[0]) and not math.isnan(p.y[0])]
    parts = [
        f'<text class="label" x="{left}" y="{height - 8}">{escape(names[0])}</text>',
        f'<text class="label" x="{left}" y="{top - 10}">{escape(names[1])}</text>',
        f'<path class="mark" d="M{left} {top}V{bottom}H{right}" fill="none"/>',
    ]
    marked: list[float] = []
    for at, text in across.marks:
        x = _place(at, across, left, right)
        below = bottom + (16 if all(abs(x - other) > _WIDE for other in marked) else 29)
        marked.append(x)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text class="mark-text" x="{x:.1f}" y="{below}" text-anchor="middle">{escape(text)}</text>')
    for at, text in up.marks:
        y = _place(at, up, bottom, top)
        parts.append(f'<line class="mark" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="mark-text" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    numbers: list[tuple[float, float]] = []
    for n, p in shown:
        x, y = _place(p.x[0], across, left, right), _place(p.y[0], up, bottom, top)
        parts.append(_cross((x, y), p, across, up, (left, right, bottom, top)))
        spot = (x + 8, y - 8)
        while any(abs(spot[0] - a) < _DIGIT and abs(spot[1] - b) < _DIGIT for a, b in numbers):
            spot = (spot[0] + _DIGIT, spot[1])  # two models of one place have their numbers side by side
        numbers.append(spot)
        parts.append(f'<text class="label" x="{spot[0]:.1f}" y="{spot[1]:.1f}">{n}</text>')
    for row, (n, p) in enumerate(shown):
        y, said = top + 14 + 20 * row, f"{n} {escape(_short(p.label, 30))}"
        parts.append(f'<text class="note {escape(p.tone)}" x="{right + 16}" y="{y}">{said}</text>')
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


def _cross(at: tuple[float, float], point: Point, across: Axis, up: Axis, edges: tuple[int, int, int, int]) -> str:
    left, right, bottom, top = edges
    x, y = at
    tone, parts = escape(point.tone), []
    if not any(math.isnan(end) for end in point.x):
        x1, x2 = (_place(end, across, left, right) for end in point.x[1:])
        parts.append(f'<line class="whisker {tone}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    if not any(math.isnan(end) for end in point.y):
        y1, y2 = (_place(end, up, bottom, top) for end in point.y[1:])
        parts.append(f'<line class="whisker {tone}" x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>')
    parts.append(f'<circle class="dot {tone}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    return "".join(parts)


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
