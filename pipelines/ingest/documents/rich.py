r"""RTF: what is seen and what is hidden (`\v`, the ground's colour, tiny) taken apart, each decoded by striprtf.

Pictures, objects, instructions of fields and what readers may ignore are left out; cells of tables become tabs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipelines.ingest.documents import rich_pictures
from pipelines.ingest.documents.bounds import (
    MAX_DEPTH,
    TINY_POINTS,
    WHITE,
    Colour,
    Limits,
    Parsed,
    Refused,
    is_lost,
    letters,
    share,
)
from pipelines.ingest.documents.quality import clean, measure

_TOKEN: Final = re.compile(
    r"\\bin(?P<bin>\d{1,10}) ?|\\(?P<word>[a-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-f]{2})"
    r"|\\(?P<sign>.)|(?P<brace>[{}])|(?P<text>[^\\{}]+)|(?P<rest>\\)",
    re.IGNORECASE | re.DOTALL,
)
_LEFT_OUT: Final = frozenset({"pict", "object", "fldinst", "stylesheet", "info"})
_GLYPHS: Final = frozenset({"u", "bullet", "emdash", "endash", "lquote", "rquote", "ldblquote", "rdblquote"})
"""Words that stand for a letter or mark."""
_CELLS: Final = frozenset({"cell", "nestcell"})
_HIGH: Final = re.compile("[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class _State:
    """What holds within a group."""

    is_hidden: bool = False
    colour: int = 0
    ground: int = 0
    points: float = 12.0
    is_left_out: bool = False
    is_palette: bool = False


def _ground(number: int) -> dict[str, Any]:
    return {"ground": number}


_CHANGES: Final[Mapping[str, Callable[[int], dict[str, Any]]]] = {
    "v": lambda number: {"is_hidden": number != 0},
    "cf": lambda number: {"colour": number},
    "fs": lambda number: {"points": number / 2},
    "plain": lambda _: {"is_hidden": False, "colour": 0, "points": 12.0},
    "colortbl": lambda _: {"is_palette": True},
    "pard": lambda _: {"ground": 0},
    "trowd": lambda _: {"ground": 0},
    "cb": _ground,
    "highlight": _ground,
    "chcbpat": _ground,
    "cbpat": _ground,
    "clcbpat": _ground,
}
"""What a word does to the state, by its number, which is 1 where it has none."""


@dataclass(slots=True)
class _Split:
    """The document twice, with the text that is seen and with the text that is not; marks and groups are in both."""

    palette: list[Colour | None] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def mark(self, token: str) -> None:
        """Add what is no text to both."""
        self.seen.append(token)
        self.hidden.append(token)

    def show(self, token: str, state: _State) -> None:
        """Add text to where it belongs. Letters outside ASCII are written so that their code page still applies."""
        escaped = _HIGH.sub(lambda match: f"\\'{ord(match[0]):02x}", token)
        (self.hidden if self._is_hidden(state) else self.seen).append(escaped)

    def colours(self, text: str) -> None:
        """Close a colour of the palette at each semicolon; the first one, empty, is the default."""
        for _ in range(text.count(";")):
            red, green, blue = (self.parts.get(name, 0) / 255 for name in ("red", "green", "blue"))
            self.palette.append((red, green, blue) if self.parts else None)
            self.parts = {}

    def _is_hidden(self, state: _State) -> bool:
        colour, ground = self._colour(state.colour), self._colour(state.ground) or WHITE
        is_lost_there = colour is not None and is_lost(colour, ground)
        return state.is_hidden or state.points <= TINY_POINTS or is_lost_there

    def _colour(self, number: int) -> Colour | None:
        return self.palette[number] if 0 <= number < len(self.palette) else None


def read(data: bytes, limits: Limits) -> Parsed:
    """The text of an RTF file.

    Args:
        data: The whole file.
        limits: Bounds.

    Raises:
        Refused: It is nested too deeply, or its text is broken.
    """
    text = data.decode("latin-1")
    split = _split(text)
    seen, hidden = _decoded(split.seen), _decoded(split.hidden)
    if measure(seen).broken_share > limits.max_broken_share:
        raise Refused("corrupt")
    return Parsed("striprtf", clean(seen), share(letters(hidden), letters(seen)), rich_pictures.photo(text))


def _decoded(tokens: list[str]) -> str:
    from striprtf.striprtf import rtf_to_text  # parsers are only loaded in the worker

    return str(rtf_to_text("".join(tokens), errors="replace"))


def _split(text: str) -> _Split:
    split, states, state, at = _Split(), list[_State](), _State(), 0
    while (match := _TOKEN.match(text, at)) is not None:
        at = match.end() + int(match["bin"] or 0)
        if match["brace"] == "{":
            states.append(state)
            if len(states) > MAX_DEPTH:
                raise Refused("too_large")
        elif match["brace"] == "}":
            state = states.pop() if states else state
        else:
            state = _changed(match, state)
        if match["brace"] or not state.is_left_out:
            _add(match, state, split)
    return split


def _changed(match: "re.Match[str]", state: _State) -> _State:
    """The state after a mark."""
    word, number = match["word"], match["number"]
    if match["sign"] == "*" or word in _LEFT_OUT:
        return replace(state, is_left_out=True)
    change = _CHANGES.get(word)
    return state if change is None else replace(state, **change(1 if number is None else int(number)))


def _add(match: "re.Match[str]", state: _State, split: _Split) -> None:
    token, word = match[0], match["word"]
    if state.is_palette and not match["brace"]:
        if word in ("red", "green", "blue"):
            split.parts[word] = int(match["number"] or 0)
        split.colours(match["text"] or "")
    elif match["text"] or match["hex"] or match["sign"] in ("\\", "{", "}") or word in _GLYPHS:
        split.show(token, state)
    elif not match["bin"] and not match["rest"]:
        split.mark("\\tab " if word in _CELLS else token)
