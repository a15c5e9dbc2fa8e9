"""What a viewer of a PDF keeps in mind while it draws, as far as it decides what is seen: colours, matrices, sizes."""

from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.ingest.documents.bounds import UNKNOWN, WHITE, Colour

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]
ONE: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_BLACK: Final[Colour] = (0.0, 0.0, 0.0)
INKS: Final = {"/Separation", "/DeviceN"}
"""Colour spaces in which nothing of each ink is white."""
_OTHERS: Final = {"/Indexed", "/Lab", "/Pattern"}
"""Colour spaces whose numbers are no colour by themselves."""


@dataclass(frozen=True, slots=True)
class State:
    """What `q` keeps and `Q` brings back."""

    matrix: Matrix = ONE
    fill: Colour = _BLACK
    stroke: Colour = _BLACK
    fill_space: str = ""
    stroke_space: str = ""
    points: float = 0.0
    width: int = 1
    """Bytes of one character."""
    leading: float = 0.0
    rise: float = 0.0
    stretch: float = 1.0
    """Of letters, across."""
    mode: int = 0
    opacity: float = 1.0
    """Of fillings; 0 lets through all that is beneath."""
    stroke_opacity: float = 1.0
    is_off: bool = False
    """Whether it belongs to a layer that is not shown."""


def resource(resources: Any, kind: str) -> Any:
    """The resources of a kind, such as `/Font`; none where there are none."""
    return dictionary(dictionary(resources).get(kind))


def dictionary(value: Any) -> Any:
    """A dictionary of a PDF, or an empty one in place of anything else."""
    found = None if value is None else value.get_object()
    return found if isinstance(found, dict) else {}


def number(said: Any, name: str, otherwise: float) -> float:
    """A number in a dictionary of a PDF; the other one where there is none."""
    try:
        return float(said[name])
    except (KeyError, TypeError, ValueError):
        return otherwise


def coloured(operator: bytes, operands: Any, resources: Any, state: State) -> State:
    """The state after a colour or a colour space was set, for filling in small letters, for strokes in capitals."""
    name = "stroke" if operator.isupper() else "fill"
    kind = operator.lower()
    changes: dict[str, Any] = {}
    if kind == b"cs":
        space = resource(resources, "/ColorSpace").get(operands[0])
        space = None if space is None else space.get_object()
        family = str(space[0]) if isinstance(space, list) and space else str(operands[0])
        changes = {f"{name}_space": family, name: _BLACK}
    elif kind in (b"g", b"rg", b"k"):
        changes = {name: _colour(operands, ""), f"{name}_space": ""}
    elif kind in (b"sc", b"scn"):
        changes = {name: _colour(operands, getattr(state, f"{name}_space"))}
    return replace(state, **changes) if changes else state


def _colour(operands: Any, space: str) -> Colour:
    """Grey, RGB, CMYK or inks as a colour; patterns and other spaces are not worked out."""
    try:
        parts = [float(part) for part in operands]
    except (TypeError, ValueError):
        return UNKNOWN
    if space in INKS:
        return UNKNOWN if any(parts) else WHITE
    if space not in _OTHERS and len(parts) in (1, 3):
        red, green, blue = parts * 3 if len(parts) == 1 else parts
        return red, green, blue
    if space in _OTHERS or len(parts) != 4:  # cyan, magenta, yellow, black
        return UNKNOWN
    *colours, black = parts
    red, green, blue = ((1 - colour) * (1 - black) for colour in colours)
    return red, green, blue


def matrix(operands: Any) -> Matrix:
    """Six numbers of a PDF as a matrix."""
    a, b, c, d, e, f = map(float, operands)
    return a, b, c, d, e, f


def times(one: Matrix, other: Matrix) -> Matrix:
    """The first matrix, then the other."""
    a, b, c, d, e, f = one
    p, q, r, s, t, u = other
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def at(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    """Where a matrix moves a point."""
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def box(points: list[tuple[float, float]]) -> Box:
    """Around all points: left, bottom, right, top."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
