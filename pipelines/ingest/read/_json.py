"""What the JSON dialects share: a list somewhere in a document, streamed; objects within objects as columns."""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import ijson
import polars as pl

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import NULL, Report, _records, nameable
from pipelines.ingest.read._json_alike import Nested
from pipelines.ingest.read._json_text import Document, cells
from pipelines.ingest.read._records import (
    BUFFER,
    DIGITS,
    LEVELS,
    LISTS,
    REPLACED,
    Bounded,
    Nesting,
    Readable,
    Record,
    has_long_number,
    heads,
    write_frames,
)
from pipelines.ingest.read._shapes import Refused, Shapes, Style
from pipelines.ingest.read._shapes import frames as of_shapes

Frames = Callable[[list[Any], int, Feed], Iterator[pl.DataFrame]]
"""Makes frames of parsed records, given the row number of the first."""
_SPACE: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Alike:
    """How a record becomes a row, and what that row has of its values."""

    row: Callable[[Any], Record]
    style: Style


class Guarded:
    """A file whose numbers and brackets the parser survives."""

    def __init__(self, file: Readable, feed: Feed) -> None:
        self._file, self._feed, self._nesting, self._is_too_deep = file, feed, Nesting(), False

    def read(self, size: int) -> bytes:
        """The next bytes. A run of twice DIGITS is always found: it fills a block that is looked at."""
        piece = b"" if self._is_too_deep else self._file.read(size)
        if has_long_number(piece):
            raise Held("malformed_json", f"{self._feed.name} must have numbers of at most {DIGITS:,} digits.")
        before = copy(self._nesting)
        if self._nesting.deepest(piece) > LEVELS:  # what is before may be wrong in another way, which comes first
            self._is_too_deep = True
            ends = range(len(piece) + 1)
            piece = piece[: bisect_right(ends, LEVELS, key=lambda end: copy(before).deepest(piece[:end])) - 1]
        if self._is_too_deep and not piece:
            raise Held(
                "too_deep", f"{self._feed.name} must have lists and objects in at most {LEVELS} levels; it has more."
            )
        return piece


def read_list(
    source: Path, out: Path, feed: Feed, path: str, frames: Frames, *, may_be_empty: bool, alike: Alike | None = None
) -> Report:
    """Read the records of a list.

    Args:
        source: A JSON document, or a list of documents: pages of one dump.
        out: Folder for the parts.
        feed: Its declaration.
        path: Keys down to the list, dots between; empty where the document itself is the list.
        frames: What becomes of parsed records.
        may_be_empty: Whether the list may be.
        alike: How records that look alike become rows; without, `frames` leaves one of nothing but text as it is.

    Raises:
        Held: Empty, truncated or malformed, an error message, without the list, or without records.
    """
    with _parsing(source, feed):
        prefix = ".".join(part for part in ("item" if path and _is_paged(source) else "", path) if part)
        made = _frames(source, feed, f"{prefix}.item".lstrip("."), frames, alike)
        report = write_frames(made, out, feed)
        if not report.rows:
            _explain(source, feed, prefix, "the list", may_be_empty=may_be_empty)
    return report


def read_one(source: Path, out: Path, feed: Feed, path: str, frames: Frames, *, may_be_empty: bool) -> Report:
    """Read the one record of a document.

    Args:
        source: A JSON document.
        out: Folder for the parts.
        feed: Its declaration.
        path: Keys down to the record, dots between; empty where the document itself is it.
        frames: What becomes of it.
        may_be_empty: Whether there may be null in its place.

    Raises:
        Held: Empty, truncated or malformed, an error message, or without the record.
    """
    with _parsing(source, feed), source.open("rb") as file:
        bounded = Bounded(file, feed)
        values = chain.from_iterable(bounded.batches(ijson.items(Guarded(bounded, feed), path, buf_size=BUFFER)))
        found = list(islice(values, 2))  # a key that is there a million times is not kept so often
        if found == [None] and may_be_empty:
            found = []
        elif len(found) != 1 or type(found[0]) is not dict:
            _explain(source, feed, path, "one record", may_be_empty=True)
            raise Held(
                "missing_record_path", f"{feed.name} must hold one record, an object; it holds a list or several."
            )
        return write_frames(frames(found, 1, feed), out, feed)


@contextmanager
def _parsing(source: Path, feed: Feed) -> Iterator[None]:
    if source.stat().st_size == 0:
        raise Held("empty_file", f"{feed.name} must be JSON; the file is empty.")
    try:
        yield
    except (ijson.JSONError, ValueError, ArithmeticError) as error:  # numbers beyond Python's limits
        if "premature EOF" in str(error):
            raise Held("truncated_json", f"{feed.name} must be complete JSON; it ends too early.") from None
        raise Held("malformed_json", f"{feed.name} must be JSON; it cannot be parsed.") from None


def _is_paged(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(BUFFER).removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE).startswith(b"[")


def _frames(source: Path, feed: Feed, prefix: str, frames: Frames, alike: Alike | None) -> Iterator[pl.DataFrame]:
    rows = 0
    with source.open("rb") as file:
        bounded = Bounded(file, feed)
        document = Nested(bounded, prefix)
        easy = _plain(document, feed, frames) if alike is None else _alike(document, feed, alike)
        for frame in easy:
            yield frame
            rows += len(frame)
            bounded.mark()
        for batch in bounded.batches(ijson.items(Guarded(document, feed), prefix, buf_size=BUFFER)):
            yield from frames(batch, rows + 1, feed)
            rows += len(batch)


def _plain(document: Document, feed: Feed, frames: Frames) -> Iterator[pl.DataFrame]:
    """Frames of runs of records, until one is none, which the parser of the whole document can explain."""
    names, rows = set[str](), 0
    for piece in document.pieces():
        made = _of_piece(piece, names, rows + 1, feed, frames)
        if made is None:
            return
        for frame in made:
            yield frame
            rows += len(frame)


def _alike(document: Nested, feed: Feed, alike: Alike) -> Iterator[pl.DataFrame]:
    """Frames of records that look alike, until the parser takes no cut, or most had to be parsed after all."""
    shapes, rows = Shapes(alike.style, partial(_records_of, feed=feed, row=alike.row)), 0
    for texts in document.texts(feed):
        made = shapes.rows(texts)
        if made is None:
            return
        yield from of_shapes(made, rows + 1, feed)
        rows += len(made)


def _records_of(text: str, feed: Feed, row: Callable[[Any], Record]) -> list[Record]:
    """Rows of members of a list with the comma behind each."""
    whole = Guarded(BytesIO(b"[" + text.encode() + b"{}]"), feed)
    try:
        return [row(value) for value in ijson.items(whole, "item", buf_size=BUFFER)][:-1]
    except (Held, ijson.JSONError, ValueError, ArithmeticError):
        raise Refused from None


def _of_piece(
    piece: bytes, names: set[str], first_row: int, feed: Feed, frames: Frames
) -> Iterable[pl.DataFrame] | None:
    """Frames of a run of records; None when it is none, which the parser of the whole document can explain."""
    text = cells(piece, names)
    if text is not None:
        nameable(feed, text.columns)
        return heads([None] * len(text), first_row).hstack(text).iter_slices(_records.PART_ROWS)
    try:
        records = list(ijson.items(Guarded(BytesIO(b"[" + piece + b"]"), feed), "item", buf_size=BUFFER))
    except (ijson.JSONError, ValueError, ArithmeticError):
        return None
    starts = range(0, len(records), _records.PART_ROWS)
    return chain.from_iterable(frames(records[at : at + _records.PART_ROWS], first_row + at, feed) for at in starts)


def _explain(source: Path, feed: Feed, prefix: str, what: str, *, may_be_empty: bool) -> None:
    """No record was found: is the list empty, or not there, or is there an error instead?"""
    with source.open("rb") as file:
        parsed = ijson.parse(Guarded(Bounded(file, feed), feed), buf_size=BUFFER)
        seen = {(at, event) for at, event, _ in parsed if at in (prefix, "error", "item.error")}
    if (prefix, "start_array") in seen:
        if not may_be_empty:
            raise Held("empty_report", f"{feed.name} must hold records; its list is empty.")
    elif {name for name, _ in seen} & {"error", "item.error"}:
        raise Held("source_error", f"{feed.name} must hold records; it holds an error of the source. Export it again.")
    else:
        name = prefix or "of its records"
        raise Held("missing_record_path", f"{feed.name} must hold {what} {name}; there is none.")


def record_of(value: Any) -> Record:  # parsed JSON
    """A JSON value as a row: `a/b` in column `a.b`, lists as JSON text whose members have text cells likewise."""
    try:
        if type(value) is not dict:
            return Record.broken("not_an_object", json.dumps(value, ensure_ascii=False, default=str))
        faults = set[str]()
        return Record(_cells(value, faults), min(faults, default=None))
    except RecursionError:
        return Record({}, "too_deep")


def _cells(value: dict[str, Any], faults: set[str], lists: int = 0) -> dict[str, str]:
    """Cells of an object; faults are added where they would not say what the source did."""
    cells: dict[str, str] = {}
    _fill(cells, "", value, faults, lists)
    return cells


def _fill(cells: dict[str, str], above: str, value: dict[str, Any], faults: set[str], lists: int) -> None:
    for key, member in value.items():
        name = f"{above}{key}"
        if type(member) is dict:
            _fill(cells, f"{name}.", member, faults, lists)
            continue
        text = _dumped(member, faults, lists) if type(member) is list else _text(member)
        if name in cells:
            faults.add("ambiguous_column")
        if "\x00" in name or (member is not None and "\x00" in text):
            faults.add("nul_character")
            name, text = name.replace("\x00", REPLACED), text.replace("\x00", REPLACED)
        cells[name] = text


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return NULL
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


def _dumped(values: list[Any], faults: set[str], lists: int) -> str:
    """A list as text, which is within `lists` others that are."""
    if lists >= LISTS:
        raise RecursionError
    return json.dumps([_member(value, faults, lists + 1) for value in values], ensure_ascii=False, sort_keys=True)


def _member(value: Any, faults: set[str], lists: int) -> Any:
    if type(value) is dict:
        return {name: None if text == NULL else text for name, text in _cells(value, faults, lists).items()}
    if type(value) is list:
        return _dumped(value, faults, lists)
    return None if value is None else _text(value)
