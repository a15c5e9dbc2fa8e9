"""What style sheets, style attributes and old attributes of a page hide; rules for print alone do not hold on a screen.

Rules hold in the order that they are written in, whatever their weight; a selector that lexbor does not know hides
nothing.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.ingest.documents.bounds import TINY_POINTS, UNKNOWN, WHITE, Colour, Refused, is_lost, of_hex

_PRINT: Final = re.compile(r"@media[^{}]*\bprint\b[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", re.IGNORECASE)
_RULE: Final = re.compile(r"([^{}]{1,2000})\{([^{}]{0,10000})\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_MAX_RULES: Final = 2000
_WANTED: Final = re.compile(
    "display|visibility|font-size|color|background|background-color|left|top|text-indent|opacity"
)
"""Properties that decide what is seen."""
_LENGTH: Final = re.compile(r"\s*(-?\d*\.?\d+)(px|pt|em|rem|%)?", re.IGNORECASE)
_POINTS: Final = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "%": 0.12, "": 0.75}
_RGB: Final = re.compile(r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})")
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
    ground: Colour = WHITE

    @property
    def is_seen(self) -> bool:
        """Whether a browser shows such text."""
        is_lost_there = self.colour is not None and is_lost(self.colour, self.ground)
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
    return replace(
        around,
        is_gone=around.is_gone or "hidden" in attributes or _is_gone(said),
        is_invisible=around.is_invisible if visibility is None else visibility in ("hidden", "collapse"),
        points=_points(said.get("font-size"), around.points),
        colour=_colour(said.get("color")) or around.colour,
        ground=_colour(said.get("background-color") or said.get("background")) or around.ground,
    )


def _is_gone(said: dict[str, str]) -> bool:
    """Whether an element is not shown at all, is transparent or lies off the page."""
    is_transparent = bool(said.get("opacity")) and not said["opacity"].strip("0.%")
    is_away = any(_points(said.get(name), 0.0) <= _AWAY_POINTS for name in ("left", "top", "text-indent"))
    return said.get("display") == "none" or is_transparent or is_away


def _points(value: str | None, otherwise: float) -> float:
    match = _LENGTH.match(value or "")
    return otherwise if match is None else float(match[1]) * _POINTS[(match[2] or "").lower()]


def _colour(value: str | None) -> Colour | None:
    """A colour as style sheets write it; None where they leave it as it is around."""
    if not value or value in ("none", "transparent", "inherit", "initial", "unset"):
        return None
    match = _RGB.match(value)
    if match:
        red, green, blue = (int(part) / 255 for part in match.groups())
        return red, green, blue
    word = value.split()[0]
    return WHITE if word in _NEARLY_WHITE else of_hex(word) or UNKNOWN


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
    """Property -> value, of those that are wanted."""
    pairs = (piece.split(":", 1) for piece in body.lower().replace("!important", "").split(";") if ":" in piece)
    return {name.strip(): value.strip() for name, value in pairs if _WANTED.fullmatch(name.strip())}
