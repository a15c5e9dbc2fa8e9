"""JSON records that hold nothing but text, read by Polars: a third of the time of a parser that makes Python objects.

Polars takes more for text than it is (numbers), and leaves out what it does not expect (other names, a name's second
value). So nothing is taken on trust: a document is cut between records, and of each piece it is counted whether every
name has a text beside it and every text became a cell. A piece of which that cannot be shown is parsed the long way,
and where a document is anything but records one after the other, the rest of it is.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import numpy as np
import polars as pl

from pipelines.ingest.read._records import MAX_CELLS, Readable, count_of, has_long_number

PIECE: Final = 1 << 23
"""Bytes that are cut between records at a time: as many as two of them are looked at without a record's end."""
_SPACE: Final = rb"[ \t\r\n]*"
_BETWEEN: Final = re.compile(rb"\}" + _SPACE + b"," + _SPACE + rb"\{")
_LAST: Final = re.compile(rb"\}" + _SPACE + rb"\]")
_LOOK: Final = 1 << 16
"""Bytes at the end of a piece in which most often one record ends and the next begins."""
_NAME: Final = re.compile(rb'"([^"]*)":')
_WHITE: Final = np.frombuffer(b" \t\r\n", dtype=np.uint8)
_QUOTE, _COLON, _CLOSE, _BLANK, _NEWLINE = ord('"'), ord(":"), ord("}"), ord(" "), ord("\n")


class Document:
    """A document with a list of records, from its start."""

    def __init__(self, file: Readable, prefix: str) -> None:
        """Nothing is read yet.

        Args:
            file: At its start.
            prefix: Where the records are, as ijson names it: `Report_Entry.item`.
        """
        self._file = file
        self._opening = b""
        self._left = b""
        self._start = _opening(prefix)

    def pieces(self) -> Iterator[bytes]:
        """Runs of whole records with what stands between them, until there is no easy cut.

        A piece counts as taken when the next is asked for.
        """
        self._left = self._file.read(PIECE)
        found = self._start.match(self._left)
        if found is None:
            return
        self._opening, self._left = found.group(), self._left[found.end() :]
        ended = False
        while True:
            while len(self._left) < PIECE and not ended:
                more = self._file.read(PIECE)
                ended = not more
                self._left += more
            cut = _end(self._left) if ended else _cut(self._left)
            if cut is None or not self._left.startswith(b"{"):
                return
            yield self._left[: cut[0]]
            self._left = self._left[cut[1] :]

    def read(self, size: int, /) -> bytes:
        """What was not taken, behind the document's own opening."""
        if self._opening or self._left:
            self._left, self._opening = self._opening + self._left, b""
            piece, self._left = self._left[:size], self._left[size:]
            return piece
        return self._file.read(size)


def cells(piece: bytes, names: set[str]) -> pl.DataFrame | None:
    """The records of a piece as text.

    Args:
        piece: From `Document.pieces`.
        names: Columns seen so far; those of the piece are added when there are others.

    Returns:
        [n_records] text, a column a name that occurs, ordered; null where a record lacks it. None when it cannot be
        shown that this is all that the piece says.
    """
    if not _is_all_text(piece) or has_long_number(piece):
        return None
    lines, records = _as_lines(piece)
    # a name and its text have four quotes: when the cells have as many, all are there
    filled = count_of(piece, _QUOTE) // 4
    found = _parsed(lines, records, names, filled)
    if found is None and not names.issuperset(more := {name.decode() for name in set(_NAME.findall(piece))}):
        names |= more
        found = _parsed(lines, records, names, filled)
    return found


def _as_lines(piece: bytes) -> tuple[bytes, int]:
    """The piece with a line's end between its records, and how many there are: those apart as the first two are.

    A comma is as long as a line's end, so the bytes stay where they are; bytes.replace takes five times as long.
    """
    found = _BETWEEN.search(piece)
    if found is None:
        return piece, 1
    between, last = found.group(), len(found.group()) - 1
    data = np.frombuffer(piece, dtype=np.uint8)
    ends = np.flatnonzero(data[:-last] == _CLOSE)
    for at, byte in enumerate(between[1:], start=1):
        ends = ends[data[ends + at] == byte]
    lines = BytesIO(piece)
    with lines.getbuffer() as view:  # the one copy that is made
        np.frombuffer(view, dtype=np.uint8)[ends + between.index(b",")] = _BLANK if b"\n" in between else _NEWLINE
    return lines.getvalue(), len(ends) + 1


def _is_all_text(piece: bytes) -> bool:
    """Whether a text follows every name, provided that the piece is JSON.

    Without a backslash no quote is within a text. So a colon behind a name has a quote before it, or white space; where
    none has white space and each that has a quote is followed by one, no name has a number, a list or nothing.
    """
    if b"\\" in piece:
        return False
    data = np.frombuffer(piece, dtype=np.uint8)
    colons = np.flatnonzero(data[1:-2] == _COLON) + 1  # the last name ends well before: its text and `}` follow
    before, after, second = data[colons - 1], data[colons + 1], data[colons + 2]
    is_name = before == _QUOTE
    begins_text = (after == _QUOTE) | ((after == _BLANK) & (second == _QUOTE))
    return not (np.isin(before[~is_name], _WHITE).any() or (is_name & ~begins_text).any())


def _parsed(lines: bytes, records: int, names: set[str], filled: int) -> pl.DataFrame | None:
    if records * len(names) > MAX_CELLS or not names:
        return None
    try:
        frame = pl.read_ndjson(lines, schema=dict.fromkeys(sorted(names), pl.String()))
    except pl.exceptions.PolarsError:
        return None
    counts = frame.select(pl.all().count()).row(0)
    if len(frame) != records or sum(counts) != filled:
        return None
    # by series: pl.col reads a name such as `*` as a pattern
    return pl.DataFrame({name: frame[name] for name, count in zip(frame.columns, counts, strict=True) if count})


def _opening(prefix: str) -> re.Pattern[bytes]:
    steps = (rb"\[" if step == "item" else rb"\{" + _SPACE + _quoted(step) for step in prefix.split("."))
    return re.compile(_SPACE + _SPACE.join(steps) + _SPACE)


def _quoted(name: str) -> bytes:
    return re.escape(f'"{name}"'.encode()) + _SPACE + b":"


def _cut(data: bytes) -> tuple[int, int] | None:
    """Where the record before the last begun one ends, and where that one begins."""
    for look in (_LOOK, len(data)):
        *_, last = None, *_BETWEEN.finditer(data, max(0, len(data) - look))
        if last is not None:
            return last.start() + 1, last.end() - 1
    return None


def _end(data: bytes) -> tuple[int, int] | None:
    """Where the last record ends, and the list."""
    end = data.rfind(b"]")
    found = _LAST.search(data, max(0, end - _LOOK), end + 1)
    return (found.start() + 1, end) if found and found.end() == end + 1 else None
