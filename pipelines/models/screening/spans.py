"""Which passages of a resume its score rests on: those without which it is lower. No Keras.

A passage is a sentence or line, or some short ones together. All of a text are tried; what is said of one is where it
is, never what it says: `span:` and the places of its first character and of the one after its last.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

KIND: Final = "span"
MOST: Final = 2
"""Passages at most that are named."""
LEAST: Final = 0.01
"""Points that a score must fall by."""
MANY: Final = 24
"""About so many passages are made of a long text..."""
FEW: Final = 6
"""...or so many, where reading one takes long."""
_SHORT, _LONG = 4, 12
"""Words of the shortest passage and of the longest, of a text that has few."""
_WORD: Final = re.compile(r"\S+")
_ENDS: Final = (".", ";", "!", "?", ":")

Places = list[tuple[int, int]]


def passages(text: str, parts: int = MANY) -> Places:
    """Where passages begin and end, in characters; every word is in one. A text that is one passage has none."""
    words = [match.span() for match in _WORD.finditer(text)]
    least = max(_SHORT, -(-len(words) // parts))
    most, found, first = max(_LONG, least + _SHORT), [], 0
    for place, (_, end) in enumerate(words):
        count, follows = place + 1 - first, words[place + 1][0] if place + 1 < len(words) else None
        is_long = follows is None or count >= most
        if is_long or (count >= least and (text.endswith(_ENDS, 0, end) or "\n" in text[end:follows])):
            found.append((words[first][0], end))
            first = place + 1
    return found if len(found) > 1 else []


def without(text: str, place: tuple[int, int]) -> str:
    """`text` without a passage."""
    return f"{text[: place[0]]} {text[place[1] :]}"


def named(places: Sequence[tuple[int, int]], drops: npt.NDArray[np.floating]) -> list[str]:
    """Codes of the passages without which the score falls most, the first most of all.

    Args:
        places: [n] passages.
        drops: [n] points that the score falls by without each.
    """
    order = np.argsort(-drops, kind="stable")[:MOST]
    return [f"{KIND}:{places[n][0]}-{places[n][1]}" for n in order if drops[n] >= LEAST]
