"""A sheet of an Excel workbook (.xlsx), streamed: one row of cells below one header.

Options: `sheet`, its name; `header_row`, its number as Excel shows it (what stands above is no data); `digits`, columns
and how many digits their numbers have at least: an id kept as a number has lost its zeros; `may_be_empty`; `max_bytes`
and `max_ratio` of the unpacked workbook, the first also of the cells' text. Headers are matched as those of CSV.

Every cell is what it holds, whatever it looks like: a whole number without `.0`, a day or a moment as
`2024-05-01T09:30:00` (whole days, too; with milliseconds where there are some), a time `09:30:00`, an elapsed time its
days, a truth `true` or `false`. Rows that a filter hides are data; empty rows are none. A row has a fault when a
formula in it has no value, a cell is an error, merged cells touch it (of which one has the value) or a cell has no
header.

Held: macros, a password, data of other workbooks, a hidden sheet, a merged header. Nothing is ever calculated.
"""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import Field

from pipelines.base.settings import Count
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import Report
from pipelines.ingest.read import _records as records
from pipelines.ingest.read._archive import Limits
from pipelines.ingest.read._cells import Cell, cells, merged, rows
from pipelines.ingest.read._records import Record, header_of, too_large, write
from pipelines.ingest.read._workbook import Parts, workbook
from pipelines.ingest.rules import Name


class Options(Limits):
    """Where the table is, and what the workbook may grow to."""

    sheet: Name
    header_row: Count
    digits: dict[Name, Annotated[int, Field(ge=1, le=100)]]
    may_be_empty: bool


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a sheet.

    Args:
        source: The workbook.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Not a sound workbook, hostile, without the sheet or its header, or without rows.
    """
    del unit
    want: Options = options(Options, feed)
    if source.stat().st_size == 0:
        raise Held("empty_file", f"{feed.name} must be a workbook; the file is empty.")
    table = Table(Parts(source, want, feed), want, feed)
    report = write(_batches(table.records(), want, feed), out, feed)
    if not report.rows and not want.may_be_empty:
        raise Held("empty_report", f"{feed.name} must hold rows below its header; it has none.")
    return replace(report, columns=tuple(dict.fromkeys([*table.names.values(), *report.columns])))


class Table:
    """The header of a sheet and what stands below it."""

    def __init__(self, parts: Parts, want: Options, feed: Feed) -> None:
        """Read everything but the cells."""
        self._parts, self._want, self._feed = parts, want, feed
        self._book = workbook(parts, want.sheet)
        self._merged = merged(parts, self._book.sheet)
        self.names: dict[int, str] = {}
        """Column -> name."""

    def records(self) -> Iterator[Record]:
        """Rows that are not empty.

        Raises:
            Held: There is no header, or it cannot be taken for one.
        """
        has_header = False
        for number, row in rows(self._parts, self._book.sheet):
            if number < self._want.header_row:
                continue
            filled = [cell for cell in cells(row, self._book, self._feed) if cell.text or cell.fault]
            if number == self._want.header_row:
                self._name(filled)
                has_header = True
            elif not has_header:
                self._refuse()
            elif filled:
                yield self._record(number, filled)
        if not has_header:
            self._refuse()

    def _name(self, filled: list[Cell]) -> None:
        named = [cell for cell in filled if cell.text.strip() or cell.fault]
        if not named or any(cell.fault for cell in named) or self._is_merged(self._want.header_row):
            self._refuse()
        names = header_of([cell.text for cell in named], self._feed)
        self.names = {cell.column: name for cell, name in zip(named, names, strict=True)}

    def _refuse(self) -> NoReturn:
        row = self._want.header_row
        message = f"must have its header in row {row} of {self._want.sheet}, a name a cell, none merged; it has not."
        raise Held("missing_header", f"{self._feed.name} {message}")

    def _record(self, number: int, filled: list[Cell]) -> Record:
        if any(cell.column not in self.names for cell in filled):
            return Record.broken("ragged_row", "\t".join(cell.text for cell in filled))
        faults = {cell.fault for cell in filled if cell.fault}
        if self._is_merged(number):
            faults.add("merged_cells")
        texts = {self.names[cell.column]: self._text(cell) for cell in filled}
        return Record(dict.fromkeys(self.names.values(), "") | texts, min(faults, default=None))

    def _text(self, cell: Cell) -> str:
        is_whole = cell.is_number and cell.text.isdecimal()
        return cell.text.zfill(self._want.digits.get(self.names[cell.column], 0)) if is_whole else cell.text

    def _is_merged(self, number: int) -> bool:
        at = bisect(self._merged, (number, records.MAX_RECORD)) - 1
        return at >= 0 and self._merged[at][0] <= number <= self._merged[at][1]


def _batches(rows: Iterator[Record], want: Options, feed: Feed) -> Iterator[list[Record]]:
    """Records in lists bounded in rows and text: cells that share a text take its place only once in the file."""
    batch, size, total = list[Record](), 0, 0
    for record in rows:
        text = sum(map(len, record.cells.values()))
        size, total = size + text, total + text
        if text > records.MAX_RECORD:
            raise too_large(feed)
        if total > want.max_bytes:
            message = f"must have at most {want.max_bytes:,} bytes of text; it has more. Raise max_bytes of the feed."
            raise Held("zip_bomb", f"{feed.name} {message}")
        batch.append(record)
        if len(batch) >= records.PART_ROWS or size >= records.PART_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
