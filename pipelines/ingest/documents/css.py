"""What style sheets, style attributes and old attributes of a page hide; rules for print alone do not hold on a screen.

Rules hold in the order that they are written in, whatever their weight; a selector that lexbor does not know hides
nothing.
"""

import re
from colorsys import hls_to_rgb
from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.ingest.documents.bounds import FAINT, TINY_POINTS, UNKNOWN, WHITE, Colour, Refused, is_lost, of_hex

_PRINT: Final = re.compile(r"@media[^{}]*\bprint\b[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", re.IGNORECASE)
_RULE: Final = re.compile(r"([^{}]{1,2000})\{([^{}]{0,10000})\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_MAX_RULES: Final = 2000
_AWAY: Final = ("left", "top", "text-indent", "margin-left", "margin-top")
_SIZES: Final = ("height", "max-height", "width", "max-width")
_WANTED: Final = {
    *("display", "visibility", "content-visibility", "opacity", "filter", "transform", "clip", "clip-path"),
    *("font-size", "font", "color", "-webkit-text-fill-color", "background", "background-color"),
    *("overflow", "overflow-x", "overflow-y", *_AWAY, *_SIZES),
}
"""Properties that decide what is seen."""
_STAND_FOR: Final = {"-webkit-text-fill-color": "color", "overflow-x": "overflow", "overflow-y": "overflow"}
_FONT_SIZE: Final = re.compile(r"(?<![\w.])\d*\.?\d+(?:px|pt|em|rem|%)")
"""The first length of `font`; a second one is the height of its lines."""
_LENGTH: Final = re.compile(r"\s*(-?\d*\.?\d+)(px|pt|em|rem|%)?", re.IGNORECASE)
_POINTS: Final = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "%": 0.12, "": 0.75}
_COLOUR: Final = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_NUMBER: Final = re.compile(r"-?\d*\.?\d+")
_CALL: Final = re.compile(r"([a-z]{4,12})\(([^()]{0,80})\)")
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
    ground: Colour = WHITE

    @property
    def is_seen(self) -> bool:
        """Whether a browser shows such text."""
        is_lost_there = self.colour is not None and is_lost(self.colour, self.ground)
        is_lost_there = is_lost_there or self.is_clear
        return not (self.is_gone or self.is_invisible or is_lost_there or self.points <= TINY_POINTS)


def looked(node: Any, around: Look, ruled: dict[str, str]) -> Look:
    """The look of an element within another.

    Args:
        node: The element, of lexbor.
        around: The look that its parent hands down.
        ruled: What `sheets` says of it; its own style stands over that.
    """
    attributes = node.attributes
    old = {"color": attributes.get("color"), "background-color": attributes.get("bgcolor")}
    said = {name: value.lower() for name, value in old.items() if value}
    said |= ruled | _declared(attributes.get("style") or "")
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
    return is_off or is_clear or is_away or is_cut or any(_leaves_nothing(*call) for call in calls)


def _leaves_nothing(function: str, arguments: str) -> bool:
    """Whether a function such as scale(0), opacity(0), inset(50%), rect(0,0,0,0) or translate(-9999px) does."""
    parts = [part for part in re.split(r"[\s,]+", arguments) if part]
    if function.startswith("translate"):
        return any(_points(part, 0.0) <= _AWAY_POINTS for part in parts)
    if function.startswith("scale") or function in ("opacity", "circle", "ellipse"):
        return any(abs(_amount(part, 1.0)) < FAINT for part in parts[:2])
    if function == "inset" and parts:
        shares = [_amount(part, 0.0) if part.endswith("%") else 0.0 for part in parts]
        top, right, bottom, left = (4 * shares if len(shares) < 3 else [*shares, shares[1]])[:4]
        return max(top + bottom, right + left) >= 1
    if function == "rect" and len(parts) == 4:
        top, right, bottom, left = (_points(part, 0.0) for part in parts)
        return "auto" not in parts and min(bottom - top, right - left) <= TINY_POINTS
    return False


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


def sheets(tree: Any) -> dict[int, dict[str, str]]:
    """Node -> what rules of style sheets say of it, later ones last."""
    source = "\n".join(node.text(deep=True) for node in tree.css("style"))
    rules = _RULE.findall(_PRINT.sub("", _COMMENT.sub("", source)))
    if len(rules) > _MAX_RULES:
        raise Refused("too_large")
    found: dict[int, dict[str, str]] = {}
    for selector, body in rules:
        declared = _declared(body)
        if declared:
            for node in _selected(tree, selector):
                found.setdefault(node.mem_id, {}).update(declared)
    return found


def _selected(tree: Any, selector: str) -> list[Any]:
    try:
        return list(tree.css(selector.strip()))
    except Exception:  # noqa: BLE001  # a selector that is none, or one that lexbor does not know, hides nothing
        return []


def _declared(body: str) -> dict[str, str]:
    """Property -> value, of those that are wanted; later ones hold."""
    found: dict[str, str] = {}
    for piece in body.lower().replace("!important", "").split(";"):
        name, _, value = (part.strip() for part in piece.partition(":"))
        if name == "font":
            size = _FONT_SIZE.search(value)
            found |= {"font-size": size[0]} if size else {}
        elif name in _WANTED:
            found[_STAND_FOR.get(name, name)] = value
    return found
