"""JSON records that look alike, objects within objects, parsed once a shape, see `_shapes`.

A list is cut where its members begin: brackets are counted outside of texts. Each cut is parsed as a list of its own
before `{}`, so that together they are one list and have the members of all of them; the parser of the document reads
what is left, behind the document's own opening. What a value is: a text without a backslash behind a colon, or a number
that is printed as it is written. A quote that closes a text, taken for one that opens it, leaves no JSON.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import _records
from pipelines.ingest.read._json_text import PIECE, Document
from pipelines.ingest.read._records import too_large
from pipelines.ingest.read._shapes import BETWEEN, Style

_TEXT: Final = "\ue000"
_NUMBER: Final = "739100468"
"""No part of it is its beginning and its end: what stands before a mark cannot make another one of it."""
_VALUES: Final = re.compile(
    r'(: ?"(?:/(?=D))?|: ?(?=[-0-9]))'
    r'((?<=["/])[^"\\\x00-\x1f]++(?=")|(?<=[: ])(?:0|-?[1-9]\d{0,17}|-?(?:0|[1-9]\d{0,17})\.\d{1,6})(?=[,}\s]))',
    re.ASCII,
)


class Nested(Document):
    """A document with a list of records that may hold lists of objects."""

    def texts(self, feed: Feed) -> Iterator[list[str]]:
        """Texts of records with the comma behind each, until there is no easy cut.

        A list counts as taken when the next is asked for.
        """
        self._left = self._file.read(PIECE)
        found = self._start.match(self._left)
        if found is None:
            return
        self._opening, self._left = found.group(), self._left[found.end() :]
        while True:
            begun = _begun(self._left)
            if len(begun) < 2 or begun[0] or BETWEEN.encode() in self._left:
                return
            try:
                texts = [self._left[at:end].decode() for at, end in pairwise(begun)]
            except UnicodeDecodeError:
                return
            if max(map(len, texts)) > _records.MAX_RECORD:
                raise too_large(feed)
            yield texts
            self._left = self._left[begun[-1] :] + self._file.read(PIECE)


def _begun(data: bytes) -> list[int]:
    """Where members of a list begin that are lists or objects; none where that is not easy to say."""
    if b"\\\\" in data:
        return []
    raw = np.frombuffer(data, dtype=np.uint8)
    quotes = raw == ord('"')
    quotes[1:] &= raw[:-1] != ord("\\")
    is_outside = np.cumsum(quotes, dtype=np.uint8) % 2 == 0
    kinds = raw | 0x20  # brackets and braces differ in this bit
    brackets = np.flatnonzero(((kinds == ord("{")) | (kinds == ord("}"))) & is_outside)
    steps = np.where(kinds[brackets] == ord("{"), 1, -1)
    depths = np.cumsum(steps)
    past = np.flatnonzero(depths < 0)
    begun: list[int] = brackets[(depths == 1) & (steps == 1)].tolist()
    return [at for at in begun if at < brackets[past[0]]] if len(past) else begun


def style(turn: Callable[[str], str]) -> Style:
    """How values look.

    Args:
        turn: What becomes of a text that begins with `/D`.
    """
    turned = lru_cache(maxsize=1 << 14)(lambda text: turn(f"/{text}"))
    return Style(
        _VALUES,
        _mark,
        re.compile(rf"(?:{_TEXT}|{_NUMBER})(\d{{7}})"),
        lambda shape: shape.startswith("[") or any(odd in shape for odd in (_TEXT, _NUMBER)),
        {':"/': turned, ': "/': turned},
    )


def _mark(said: str, number: int) -> str:
    is_text = said.endswith(('"', "/"))
    return f"{said.removesuffix('/')}{_TEXT if is_text else _NUMBER}{number:07d}"
