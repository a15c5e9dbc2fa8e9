"""Records that look alike are parsed once: their values are put where a parser had put marks in place of them.

A record's text is split into values and what stands between them, its shape. Of each shape the parser of the dialect
sees one text, with marks for values, and the row that it makes of it says what becomes of each value. So the parser
alone decides what is well-formed, how columns are called and what is at fault; all that is trusted is a `Style`: that
what it takes for a value could be any other without the row being another one, but for that value. What it does not
take for one stays in the shape, and is parsed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np
import polars as pl

from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import _records, nameable
from pipelines.ingest.read._records import Record, heads

BETWEEN: Final = "\x00"
"""Stands between the parts of a shape; a text that holds one is not for this module."""
MAX_LEARNED: Final = 1 << 24
"""Characters of shapes that are kept; a file whose records all differ begins anew each time."""
FEW: Final = 200
"""Records of which all may differ."""
Values = list[str]


class Refused(Exception):
    """A text is no record."""


@dataclass(frozen=True, slots=True)
class Style:
    """What values look like in a syntax."""

    values: re.Pattern[str]
    """A value as group 2, and what opens it as group 1, which its shape keeps."""
    mark: Callable[[str, int], str]
    """Text for an opening and the value of that number."""
    marked: re.Pattern[str]
    """Finds marks in cells; the number is group 1."""
    is_odd: Callable[[str], bool]
    """Whether a shape is one of a record that must be parsed as it is."""
    turns: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """By opening, what becomes of a value."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A row without its values: parts of each cell, a text as it is and a number for the value of that number."""

    cells: Mapping[str, tuple[str | int, ...]]
    fault: str | None
    turns: Mapping[int, Callable[[str], str]]

    @staticmethod
    def of(record: Record, style: Style, openings: list[str]) -> "Shape":
        """The shape of a row made of a text with marks. Raises Refused when a name took one: that was no value."""
        if any(style.marked.search(name) for name in record.cells):
            raise Refused
        cells = {name: _parts(text, style.marked) for name, text in record.cells.items()}
        turns = {number: style.turns[said] for number, said in enumerate(openings) if said in style.turns}
        return Shape(cells, record.fault, turns)

    def columns(self, rows: list[Values]) -> Iterator[tuple[str, Iterable[str]]]:
        """Cells by column of rows with these values."""
        values: list[Iterable[str]] = list(zip(*rows, strict=True))
        for number, turn in self.turns.items():
            values[number] = list(map(turn, values[number]))
        for name, parts in self.cells.items():
            texts = [repeat(part, len(rows)) if isinstance(part, str) else values[part] for part in parts]
            yield name, texts[0] if len(texts) == 1 else map("".join, zip(*texts, strict=True))


def _parts(text: str, marked: re.Pattern[str]) -> tuple[str | int, ...]:
    split = marked.split(text)
    parts = [int(part) if at % 2 else part for at, part in enumerate(split)]
    return tuple(part for part in parts if part != "") or ("",)


Row = tuple[Shape, Values]


class Shapes:
    """The shapes of a file's records, as they come."""

    def __init__(self, style: Style, parse: Callable[[str], list[Record]]) -> None:
        """Take how values look, and a parser of a record's text, which raises Refused where it is none."""
        self._style, self._parse = style, parse
        self._known: dict[str, tuple[Shape, ...]] = {}
        self._size = 0
        self._parsed = self._seen = 0

    def rows(self, texts: list[str]) -> list[Row] | None:
        """The rows of records, most often one of each.

        None where the parser refuses one, so that it can say of the whole file where and why; and where most so far had
        to be parsed, which takes longer one by one.
        """
        try:
            return self._rows(texts)
        except Refused:
            return None

    def _rows(self, texts: list[str]) -> list[Row]:
        made: list[Row] = []
        split, known = self._style.values.split, self._known
        for text in texts:
            self._seen += 1
            parts: list[str] = split(text)
            values = parts[2::3]
            del parts[2::3]
            key = BETWEEN.join(parts)
            shapes = known.get(key)
            if shapes is None:
                shapes, values = self._learn(key, parts, text, values)
            made += [(shape, values) for shape in shapes]
        return made

    def _learn(self, key: str, parts: list[str], text: str, values: Values) -> tuple[tuple[Shape, ...], Values]:
        self._parsed += 1
        if self._parsed * 2 > self._seen + FEW:
            raise Refused
        shapes = None if self._style.is_odd(key) else self._of_marks(parts)
        if shapes is None:
            return tuple(Shape({n: (t,) for n, t in r.cells.items()}, r.fault, {}) for r in self._parse(text)), []
        self._size += len(key)
        if self._size > MAX_LEARNED:
            self._known.clear()
            self._size = len(key)
        self._known[key] = shapes
        return shapes, values

    def _of_marks(self, parts: list[str]) -> tuple[Shape, ...] | None:
        """The shapes of a text with marks for values; None where one of them was none, and its mark is refused."""
        text = "".join(part if at % 2 == 0 else self._style.mark(part, at // 2) for at, part in enumerate(parts))
        try:
            return tuple(Shape.of(record, self._style, parts[1::2]) for record in self._parse(text))
        except Refused:
            return None


def frames(rows: list[Row], first_row: int, feed: Feed) -> Iterator[pl.DataFrame]:
    """Rows as frames of text, as `frames_of` makes them of records.

    Args:
        rows: In the order of the file.
        first_row: `source_row` of the first.
        feed: For messages.
    """
    names = sorted(set[str]().union(*(shape.cells for shape in {id(shape): shape for shape, _ in rows}.values())))
    nameable(feed, names)
    size = _records.PART_ROWS
    if len(rows) > size or (len(rows) > 1 and len(rows) * len(names) > _records.MAX_CELLS):
        at = size if len(rows) > size else len(rows) // 2
        yield from frames(rows[:at], first_row, feed)
        yield from frames(rows[at:], first_row + at, feed)
    elif rows:
        yield heads([shape.fault for shape, _ in rows], first_row).hstack(_cells(rows, names))


def _cells(rows: list[Row], names: list[str]) -> pl.DataFrame:
    """Columns of text; rows of one shape are made at once, and then brought into their order."""
    alike: dict[Shape, tuple[list[int], list[Values]]] = {}
    for at, (shape, values) in enumerate(rows):
        places, filled = alike.setdefault(shape, ([], []))
        places.append(at)
        filled.append(values)
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    done = 0
    for shape, (places, filled) in alike.items():
        for name, cells in shape.columns(filled):
            column = columns[name]
            column.extend(repeat(None, done - len(column)))
            column.extend(cells)
        done += len(places)
    order = np.argsort(np.concatenate([np.array(places) for places, _ in alike.values()]))
    for column in columns.values():
        column.extend(repeat(None, done - len(column)))
    frame = pl.DataFrame({name: pl.Series(column, dtype=pl.String) for name, column in columns.items()})
    return frame if len(alike) == 1 else frame[order]
