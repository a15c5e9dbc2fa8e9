"""What dialects of records share: input bounded while it is read, batches, frames of text cells."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Final, Protocol, TypeVar

import numpy as np
import polars as pl

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import FAULT, LINE, ROW, Report, nameable, write_part

T = TypeVar("T")
BUFFER: Final = 1 << 20
PART_ROWS: Final = 50_000
PART_BYTES: Final = 1 << 26
"""A part of the result has the records of so many bytes of the file, if that is fewer than its rows."""
MAX_CELLS: Final = 1 << 23
"""Rows times columns of a part: an absent cell takes memory too."""
DIGITS: Final = 1024
"""From 4,301 digits on Python refuses an integer, and ijson takes the whole process with it."""
MAX_RECORD: Final = 1 << 24
"""Bytes; parsed, a record of nothing but brackets takes some seventy times as many."""


LEVELS: Final = 64
"""Of lists and objects within one another. ijson keeps the path of every level, which is a square of their number: a
file of 100 kB and nothing but brackets would take all memory there is."""
LISTS: Final = 5
"""Lists within lists that become texts within texts: each doubles the backslashes before every quote, so that forty in
a record of a hundred bytes would take all memory there is."""
_OTHERS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STRING: Final = re.compile(rb'"[^"]*"')


REPLACED: Final = "\ufffd"
"""Stands for a NUL character, which could be taken for an explicit null."""


@dataclass(slots=True)
class Record:
    """One row in the making."""

    cells: dict[str, str] = field(default_factory=dict)
    fault: str | None = None

    @staticmethod
    def broken(fault: str, text: str) -> "Record":
        """A row that cannot be taken apart, its text beside for quarantine."""
        return Record({LINE: text.encode(errors="replace").decode().replace("\x00", REPLACED)}, fault)


def count_of(piece: bytes, byte: int) -> int:
    """How often a byte occurs; bytes.count takes three times as long where it occurs often."""
    if byte not in piece:
        return 0
    return int(np.count_nonzero(np.frombuffer(piece, dtype=np.uint8) == byte))


def has_long_number(piece: bytes) -> bool:
    """Whether there is a number that parsers do not survive: of twice DIGITS digits always."""
    firsts = np.frombuffer(piece, dtype=np.uint8)[: max(0, len(piece) - DIGITS + 1) : DIGITS]
    begun = np.flatnonzero(firsts - ord("0") < 10) * DIGITS  # unsigned: what is less than "0" is far more than nine
    return any(piece[at : at + DIGITS].isdigit() for at in begun.tolist())


class Nesting:
    """How many lists and objects of a JSON document are within one another, told piece by piece."""

    def __init__(self) -> None:
        self._depth, self._begun = 0, b""

    def deepest(self, piece: bytes) -> int:
        """The most that are open at once anywhere in the next piece; brackets in strings are none."""
        told = self._begun + piece
        if b"\\" in told:
            told = told.replace(b"\\\\", b"").replace(b'\\"', b"")
        escape = told[-1:] if told.endswith(b"\\") else b""
        told = told.translate(None, _OTHERS).replace(b'""', b"")  # strings without brackets
        brackets, quote, _ = _STRING.sub(b"", told).partition(b'"')
        self._begun = quote + escape
        steps = (np.frombuffer(brackets, dtype=np.uint8) & 2).astype(np.int32) - 1  # what opens has that bit
        depths = self._depth + np.cumsum(steps)
        self._depth = int(depths[-1]) if len(depths) else self._depth
        return int(depths.max(initial=0))


class Readable(Protocol):
    """A binary file, as parsers use it."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""


class Bounded:
    """A binary file that is held when it has too many bytes without a record."""

    def __init__(self, file: BufferedReader, feed: Feed) -> None:
        """Take a file at its start, and pass over a byte-order mark."""
        self._file, self._feed = file, feed
        self.at = self._mark = 0
        if file.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
            file.read(len(BOM_UTF8))
            if file.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
                raise marked_twice(feed)

    def read(self, size: int) -> bytes:
        """The next bytes, as parsers ask for them."""
        if self.at - self._mark > MAX_RECORD:
            raise too_large(self._feed)
        piece = self._file.read(size)
        self.at += len(piece)
        return piece

    def mark(self) -> None:
        """Note that what was read so far has been taken apart."""
        self._mark = self.at

    def lines(self) -> Iterator[bytes]:
        """Lines with their ends."""
        while line := self._file.readline(MAX_RECORD + 1):
            if len(line) > MAX_RECORD:
                raise too_large(self._feed)
            self.at += len(line)
            yield line

    def batches(self, items: Iterable[T]) -> Iterator[list[T]]:
        """What a parser makes of this file, in lists that are bounded in rows and bytes."""
        batch, begun = [], self.at
        for item in items:
            batch.append(item)
            self.mark()
            if len(batch) >= PART_ROWS or self.at - begun >= PART_BYTES:
                yield batch
                batch, begun = [], self.at
        if batch:
            yield batch


def header_of(cells: list[str], feed: Feed) -> list[str]:
    """Names of a header's cells, trimmed, in the spelling that the feed uses.

    Raises:
        Held: A name appears twice, whatever its case, or is one that readers add.
    """
    names = [name.strip() for name in cells]
    folded = [name.casefold() for name in names]
    if len(set(folded)) != len(folded):
        raise Held("duplicate_header", f"{feed.name} must have each column once; a header appears twice.")
    nameable(feed, names)
    spelling = {name.casefold(): name for name in {*feed.required, *feed.reads(), *feed.never}}
    return [spelling.get(name.casefold(), name) for name in names]


def marked_twice(feed: Feed) -> Held:
    """A second byte-order mark would be taken for a part of the first name, whose column would then be missed."""
    return Held("bad_encoding", f"{feed.name} must begin with one byte-order mark at most; it has two.")


def too_large(feed: Feed) -> Held:
    """One record would not fit into memory."""
    return Held(
        "record_too_large",
        f"{feed.name} must have a record in every {MAX_RECORD >> 20} MiB; one is larger, or none begins. "
        "Check the record path, or have the source write smaller records.",
    )


def frames_of(records: list[Record], first_row: int, feed: Feed) -> Iterator[pl.DataFrame]:
    """Records as frames of text, more than one where they have few cells of many columns.

    Args:
        records: In the order of the file.
        first_row: `source_row` of the first.
        feed: For messages.
    """
    names = sorted(set[str]().union(*(record.cells for record in records)))
    nameable(feed, names)
    if len(records) > 1 and len(records) * len(names) > MAX_CELLS:
        middle = len(records) // 2
        yield from frames_of(records[:middle], first_row, feed)
        yield from frames_of(records[middle:], first_row + middle, feed)
        return
    try:
        cells = _cells(records, names)
    except UnicodeEncodeError:  # halves of surrogate pairs are legal in JSON and no text
        records = [record if _is_text(record) else Record({}, "not_text") for record in records]
        cells = _cells(records, sorted(set[str]().union(*(record.cells for record in records))))
    yield heads([record.fault for record in records], first_row).hstack(cells)


def _cells(records: list[Record], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series([r.cells.get(name) for r in records], dtype=pl.String) for name in names})


def _is_text(record: Record) -> bool:
    try:
        "".join([*record.cells, *record.cells.values()]).encode()
    except UnicodeEncodeError:
        return False
    return True


def heads(faults: list[str | None], first_row: int) -> pl.DataFrame:
    """Numbers and faults of consecutive rows."""
    rows = pl.int_range(first_row, first_row + len(faults), dtype=pl.Int64, eager=True)
    return pl.DataFrame({ROW: rows, FAULT: pl.Series(faults, dtype=pl.String)})


def write(batches: Iterable[list[Record]], out: Path, feed: Feed) -> Report:
    """Write batches of records as parts; counts and columns of them all."""
    return write_frames(_frames(batches, feed), out, feed)


def _frames(batches: Iterable[list[Record]], feed: Feed) -> Iterator[pl.DataFrame]:
    rows = 0
    for batch in batches:
        yield from frames_of(batch, rows + 1, feed)
        rows += len(batch)


def write_frames(frames: Iterable[pl.DataFrame], out: Path, feed: Feed) -> Report:
    """Write frames as parts; counts and columns of them all."""
    rows, columns, faults = 0, dict[str, None](), dict[str, int]()
    for number, frame in enumerate(frames):
        columns.update(dict.fromkeys(frame.columns[2:]))
        nameable(feed, columns)
        write_part(frame, out, number)
        rows += len(frame)
        for fault in frame[FAULT].drop_nulls():
            faults[fault] = faults.get(fault, 0) + 1
    return Report(rows, tuple(columns), faults)
