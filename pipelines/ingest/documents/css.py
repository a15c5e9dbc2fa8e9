"""What style sheets, style attributes and old attributes of a page hide on the screen of a desktop.

Rules hold in the order that they are written in, those that are important over others; a selector or a condition of a
screen that is not known hides nothing.
"""

import math
import re
from colorsys import hls_to_rgb
from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.ingest.documents.bounds import FAINT, TINY_POINTS, UNKNOWN, WHITE, Colour, Refused, is_lost, of_hex

_MEDIA: Final = re.compile(r"@media([^{}]{0,1000})\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}", re.IGNORECASE)
_LONGEST: Final = 1000
"""Letters of the longest list of queries that is looked at."""
_QUERY: Final = re.compile(r"(?:only\s+)?(?:all|screen)(?:\s+and\s+(?=\())?|(?=\()")
"""How a query begins that asks for a screen."""
_LIMIT: Final = re.compile(r"\(\s*(min|max)-(width|height)\s*:\s*(\d*\.?\d+(?:px|em|rem)?)\s*\)")
_SCREEN: Final = {"width": 960.0, "height": 540.0}
"""Points: 1280 by 720 pixels, which a desktop's window has."""
_RULE: Final = re.compile(r"([^{}]{1,2000})\{([^{}]{0,10000})\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_MAX_RULES: Final = 2000
_AWAY: Final = ("left", "top", "text-indent", "margin-left", "margin-top")
_SIZES: Final = ("height", "max-height", "width", "max-width")
_WANTED: Final = {
    *("display", "visibility", "content-visibility", "opacity", "filter", "transform", "clip", "clip-path"),
    *("font-size", "font", "color", "-webkit-text-fill-color", "background", "background-color"),
    *("overflow", "overflow-x", "overflow-y", "scale", "translate", "zoom", *_AWAY, *_SIZES),
}
"""Properties that decide what is seen."""
_STAND_FOR: Final = {"overflow-x": "overflow", "overflow-y": "overflow"}
_FILL: Final = "-webkit-text-fill-color"
"""Paints letters instead of `color` wherever it is set, further out too."""
_FONT_SIZE: Final = re.compile(r"(?<![\w.])(?:\d*\.?\d+(?:px|pt|em|rem|%)|0+(?:\.0+)?(?![\w.%]))")
"""The first length of `font`; a second one is the height of its lines."""
_LENGTH: Final = re.compile(r"\s*(-?\d*\.?\d+)(px|pt|em|rem|%)?", re.IGNORECASE)
_POINTS: Final = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "%": 0.12, "": 0.75}
_COLOUR: Final = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_NUMBER: Final = re.compile(r"-?\d*\.?\d+")
_CALL: Final = re.compile(r"([a-z][a-z0-9]{3,11})\(([^()]{0,200})\)")
"""A function of `transform`, `filter`, `clip` or `clip-path`."""
_NEARLY_WHITE: Final = frozenset(
    {"white", "snow", "ivory", "whitesmoke", "ghostwhite", "floralwhite", "azure", "mintcream"}
)
_AWAY_POINTS: Final = -300.0
"""Moved further than this to the left or up, text is off the page."""


@dataclass(frozen=True, slots=True)
class Look:
    """What an element hands down."""

    is_gone: bool = False
    is_invisible: bool = False
    points: float = 12.0
    colour: Colour | None = None
    is_clear: bool = False
    fill: tuple[Colour, float] | None = None
    """What letters are painted with instead of `colour`, and how opaque that is."""
    zoom: float = 1.0
    ground: Colour = WHITE

    @property
    def is_seen(self) -> bool:
        """Whether a browser shows such text."""
        colour, is_clear = (self.fill[0], self.fill[1] < FAINT) if self.fill else (self.colour, self.is_clear)
        is_lost_there = is_clear or (colour is not None and is_lost(colour, self.ground))
        return not (self.is_gone or self.is_invisible or is_lost_there or self.points * self.zoom <= TINY_POINTS)


Said = dict[str, tuple[str, bool]]
"""Property -> its value, and whether that is important."""


def looked(node: Any, around: Look, ruled: Said) -> Look:
    """The look of an element within another.

    Args:
        node: The element, of lexbor.
        around: The look that its parent hands down.
        ruled: What `sheets` says of it; its own style stands over that.
    """
    attributes = node.attributes
    old = {"color": attributes.get("color"), "background-color": attributes.get("bgcolor")}
    said = {name: value.lower() for name, value in old.items() if value}
    said |= {name: value for name, (value, _) in _over(ruled, _declared(attributes.get("style") or "")).items()}
    visibility = said.get("visibility")
    ink, paper = _painted(said.get("color")), _painted(said.get("background-color") or said.get("background"))
    is_shut = node.tag == "dialog" and "open" not in attributes
    return replace(
        around,
        is_gone=around.is_gone or is_shut or "hidden" in attributes or _is_gone(said),
        is_invisible=around.is_invisible if visibility is None else visibility in ("hidden", "collapse"),
        points=_points(said.get("font-size"), around.points),
        colour=ink[0] if ink else around.colour,
        is_clear=ink[1] < FAINT if ink else around.is_clear,
        fill=None if said.get(_FILL) in ("currentcolor", "initial") else _painted(said.get(_FILL)) or around.fill,
        zoom=around.zoom * (_amount(said.get("zoom") or "", 1.0) or 1.0),  # 0 stands for 1, as it always did
        ground=paper[0] if paper and paper[1] >= FAINT else around.ground,
    )


def _is_gone(said: dict[str, str]) -> bool:
    """Whether an element is not shown at all, is transparent, cut to nothing or lies off the page."""
    is_clear = _amount(said.get("opacity") or "", 1.0) < FAINT
    is_away = any(_points(said.get(name), 0.0) <= _AWAY_POINTS for name in _AWAY)
    is_cut = said.get("overflow") in ("hidden", "clip") and any(_is_nothing(said.get(name) or "") for name in _SIZES)
    is_off = said.get("display") == "none" or said.get("content-visibility") == "hidden"
    calls = (
        call for name in ("transform", "filter", "clip", "clip-path") for call in _CALL.findall(said.get(name) or "")
    )
    moved = [(name, said[name]) for name in ("scale", "translate") if name in said]
    return is_off or is_clear or is_away or is_cut or any(_leaves_nothing(*call) for call in [*calls, *moved])


def _leaves_nothing(function: str, arguments: str) -> bool:
    """Whether a function such as scale(0), opacity(0), inset(50%), rect(0,0,0,0) or translate(-9999px) does."""
    parts = [part for part in re.split(r"[\s,]+", arguments) if part]
    if function.startswith("translate") and function[-1] != "z":  # without a perspective z looks the same
        return any(_points(part, 0.0) <= _AWAY_POINTS for part in parts[:2])
    if (function.startswith("scale") and function[-1] != "z") or function in ("opacity", "circle", "ellipse"):
        return any(abs(_amount(part, 1.0)) < FAINT for part in parts[:2])
    if function in ("matrix", "matrix3d") and len(parts) in (6, 16):
        return _flattens(parts if len(parts) == 6 else [parts[place] for place in (0, 1, 4, 5, 12, 13)])
    if function == "inset" and parts:
        shares = [_amount(part, 0.0) if part.endswith("%") else 0.0 for part in parts]
        top, right, bottom, left = (4 * shares if len(shares) < 3 else [*shares, shares[1]])[:4]
        return max(top + bottom, right + left) >= 1
    if function == "rect" and len(parts) == 4:
        top, right, bottom, left = (_points(part, 0.0) for part in parts)
        return "auto" not in parts and min(bottom - top, right - left) <= TINY_POINTS
    return False


def _flattens(parts: list[str]) -> bool:
    """Whether a matrix of six numbers makes a line of a letter, or moves it off the page."""
    a, b, c, d, x, y = (_amount(part, 1.0) for part in parts)
    longest = max(math.hypot(a, b), math.hypot(c, d))
    return abs(a * d - b * c) <= FAINT * longest or min(x, y) * _POINTS["px"] <= _AWAY_POINTS


def _is_nothing(size: str) -> bool:
    """Whether a height or width is none; a share of what is around is only where it is zero."""
    return (_amount(size, 1.0) == 0) if size.endswith("%") else _points(size, TINY_POINTS + 1) <= TINY_POINTS


def _amount(value: str, otherwise: float) -> float:
    """A number or percents as a share."""
    match = _NUMBER.match(value.strip())
    if match is None:
        return otherwise
    return float(match[0]) / (100 if value.strip().endswith("%") else 1)


def _points(value: str | None, otherwise: float) -> float:
    match = _LENGTH.match(value or "")
    return otherwise if match is None else float(match[1]) * _POINTS[(match[2] or "").lower()]


def _painted(value: str | None) -> tuple[Colour, float] | None:
    """A colour as style sheets write it, and how opaque it is; None where they leave it as it is around."""
    if not value or value in ("none", "inherit", "initial", "unset", "currentcolor"):
        return None
    if value == "transparent":
        return UNKNOWN, 0.0
    match = _COLOUR.match(value)
    parts = [part for part in re.split(r"[\s,/]+", match[2]) if part] if match else []
    if match and len(parts) in (3, 4):
        return _mixed(match[1], parts[:3]), _amount(parts[3], 1.0) if len(parts) == 4 else 1.0
    word = value.split()[0]
    if word in _NEARLY_WHITE:
        return WHITE, 1.0
    digits = "".join(2 * digit for digit in word[1:]) if len(word) == 5 else word[1:]
    of_four = of_hex(digits[:6]) if word.startswith("#") and len(digits) == 8 else None
    if of_four is not None:
        return of_four, _hex_share(digits[6:])
    return of_hex(word) or UNKNOWN, 1.0


def _mixed(model: str, parts: list[str]) -> Colour:
    if model == "rgb":
        red, green, blue = (_amount(part, 0.0) / (1 if part.endswith("%") else 255) for part in parts)
        return red, green, blue
    hue, saturation, lightness = (_amount(part, 0.0) for part in parts)
    return hls_to_rgb(hue / 360, lightness, saturation)


def _hex_share(digits: str) -> float:
    try:
        return int(digits, 16) / 255
    except ValueError:
        return 1.0


def sheets(tree: Any) -> dict[int, Said]:
    """Node -> what rules of style sheets say of it, later ones last."""
    nodes = [node for node in tree.css("style") if _is_for_screen(node.attributes.get("media") or "")]
    source = _COMMENT.sub("", "\n".join(node.text(deep=True) for node in nodes))
    rules = _RULE.findall(_MEDIA.sub(lambda block: block[2] if _is_for_screen(block[1]) else "", source))
    if len(rules) > _MAX_RULES:
        raise Refused("too_large")
    found: dict[int, Said] = {}
    for selector, body in rules:
        declared = _declared(body)
        if declared:
            for node in _selected(tree, selector):
                found[node.mem_id] = _over(found.get(node.mem_id, {}), declared)
    return found


def _is_for_screen(media: str) -> bool:
    """Whether any of some queries, such as `print, screen and (min-width: 600px)`, is met; what is not known is not."""
    return len(media) <= _LONGEST and any(_is_met(query.strip()) for query in media.lower().split(","))


def _is_met(query: str) -> bool:
    """Whether a query asks for a screen, and for one that is as large as ours."""
    begun = _QUERY.match(query)
    if begun is None:
        return not query
    conditions = re.split(r"\s+and\s+", rest) if (rest := query[begun.end() :]) else []
    limits = [_LIMIT.fullmatch(condition) for condition in conditions]
    return all(
        limit is not None and (-1 if limit[1] == "min" else 1) * (_points(limit[3], 0.0) - _SCREEN[limit[2]]) >= 0
        for limit in limits
    )


def _selected(tree: Any, selector: str) -> list[Any]:
    try:
        return list(tree.css(selector.strip()))
    except Exception:  # noqa: BLE001  # a selector that is none, or one that lexbor does not know, hides nothing
        return []


def _declared(body: str) -> Said:
    """What is said of properties that are wanted; later ones hold."""
    found: Said = {}
    for piece in body.lower().split(";"):
        name, _, text = (part.strip() for part in piece.partition(":"))
        value, mark, _ = text.partition("!")
        if name == "font":
            size = _FONT_SIZE.search(value)
            found = _over(found, {"font-size": (size[0], bool(mark))} if size else {})
        elif name in _WANTED:
            found = _over(found, {_STAND_FOR.get(name, name): (value.strip(), bool(mark))})
    return found


def _over(before: Said, later: Said) -> Said:
    """What holds of two: the later, but for what is important before and not later."""
    return before | {name: said for name, said in later.items() if said[1] or not before.get(name, ("", False))[1]}
