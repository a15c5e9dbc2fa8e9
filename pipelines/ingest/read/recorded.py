"""Files of records of several types: a header, details, a trailer that counts them. Workday EIB, payroll, Concur.

Options: `separator` and `quote` (null: none), or both null for fixed width; `type`, the place where a record says what
it is; `header`, the first record's type, or null; `detail`, with its `type` (null: all other records), its `size` and
`columns`; `trailer`, with its `type`, the place of its `count`, what it `counts` and places of `totals`, or null;
`others`, types that are passed over; `may_be_empty`. A place is the number of a cell, or the first and last character;
both from 1.

A trailer must come last, and its count and totals must be right, otherwise the file is held: it was cut, changed or put
together wrongly. A detail of another size is a row with the fault `ragged_row`, a record of no declared type one with
`unknown_record`.
"""

import csv
import re
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import Report
from pipelines.ingest.read._lines import Place, Span, cut, text_lines
from pipelines.ingest.read._records import Bounded, Record, write
from pipelines.ingest.rules import Name

_COUNT: Final = re.compile(r"[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")
_EXACT: Final = Context(prec=60, traps=[Inexact])
"""As many digits as the sum of all numbers that a file may hold."""
At = Place | Span


class Detail(Section):
    """The records that become rows."""

    type: Name | None
    size: Place
    """Cells, or characters."""
    columns: Annotated[dict[Name, At], Field(min_length=1)]


class Trailer(Section):
    """The record that says how many there are."""

    type: Name
    count: At
    counts: Literal["details", "all"]
    """`all` are header, trailer and every other record too."""
    totals: dict[Name, At] = {}  # noqa: RUF012  # pydantic copies it
    """Column -> place of its sum over the details, such as of pay, or of numbers of people for a hash total. Numbers
    have a decimal point if any, such as `.5` or `5.`, and a cell that is empty or blank is 0. With a cell that is no
    number the file never adds up; nor does it, most often, where a detail cannot be read: what that would have added
    nobody knows."""


class Options(Section):
    """What the records are and where their cells."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] | None
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None
    type: At
    header: Name | None
    detail: Detail
    trailer: Trailer | None
    others: tuple[Name, ...]
    may_be_empty: bool

    @model_validator(mode="after")
    def _has_one_layout(self) -> Self:
        said = [self.trailer.count, *self.trailer.totals.values()] if self.trailer else []
        places = [self.type, *self.detail.columns.values(), *said]
        if any(isinstance(place, int) != (self.separator is not None) for place in places):
            raise ValueError("places must be numbers of cells with a separator, and first and last character without")
        if self.separator is None and self.quote is not None:
            raise ValueError("quote needs a separator")
        ends = [place if isinstance(place, int) else place[1] for place in self.detail.columns.values()]
        if max(ends) > self.detail.size:
            raise ValueError("columns must lie within the size of a detail")
        if self.trailer and not {*self.trailer.totals} <= {*self.detail.columns}:
            raise ValueError("totals must be of columns of a detail")
        return self


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a file of records.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Not in the declared encoding, header or trailer not as declared, or without details.
    """
    del unit
    want: Options = options(Options, feed)
    sorter = Sorter(want, feed)
    with source.open("rb") as file:
        bounded = Bounded(file, feed)
        try:
            report = write(bounded.batches(sorter.rows(text_lines(bounded, feed.encoding, feed))), out, feed)
        except csv.Error:
            raise Held("malformed_csv", f"{feed.name} must have quotes that end; one does not.") from None
    sorter.settle(report.rows)
    return report


class Sorter:
    """Tells records apart by their type, and counts them."""

    def __init__(self, want: Options, feed: Feed) -> None:
        """Nothing is read yet."""
        self._want, self._feed = want, feed
        self._seen = 0
        self._trailer: str | None = None
        self._totals = want.trailer.totals if want.trailer else {}
        self._sums = dict.fromkeys(self._totals, Decimal(0))
        self._said: dict[str, Decimal] = {}

    def rows(self, lines: Iterator[str]) -> Iterator[Record]:
        """Details, and what is nothing that was declared."""
        for record in self._records(lines):
            self._in_order(self._cell(record, self._want.type))
            self._seen += 1
            yield from self._row(record, self._cell(record, self._want.type))

    def settle(self, rows: int) -> None:
        """Compare with the trailer, when all is read."""
        want = self._want.trailer
        if want is not None:
            if self._trailer is None:
                raise Held("missing_trailer", f"{self._feed.name} must end with {want.type}; it does not. It was cut.")
            count = rows if want.counts == "details" else self._seen
            said = int(self._trailer) if _COUNT.fullmatch(self._trailer) else None
            if said != count:
                told = "no number" if said is None else f"{said:,}"
                message = f"must have as many records as {want.type} says; it says {told} and there are {count:,}."
                raise Held("trailer_mismatch", f"{self._feed.name} {message} Have the source send it again.")
            wrong = [name for name in self._totals if self._sums[name] != self._said[name]]
            if wrong:
                message = f"must add up to what {want.type} says; {', '.join(wrong)} does not."
                raise Held("trailer_mismatch", f"{self._feed.name} {message} Have the source send it again.")
        if not rows and not self._want.may_be_empty:
            raise Held("empty_report", f"{self._feed.name} must hold records; it has no details.")

    def _records(self, lines: Iterator[str]) -> Iterator[Any]:
        """Cells of each record, or its text where the width is fixed; empty ones are none."""
        if self._want.separator is None:
            return filter(None, (line.rstrip("\r\n") for line in lines))
        style = csv.QUOTE_NONE if self._want.quote is None else csv.QUOTE_MINIMAL
        signs: dict[str, Any] = {"quotechar": self._want.quote, "quoting": style, "strict": True}
        reader = csv.reader(lines, delimiter=self._want.separator, **signs)
        return filter(None, reader)

    def _in_order(self, kind: str) -> None:
        """Hold a file that does not begin with its header, or goes on after its trailer."""
        if self._seen == 0 and self._want.header not in (None, kind):
            raise Held("missing_header", f"{self._feed.name} must begin with {self._want.header}; it does not.")
        if self._trailer is not None:
            raise Held("trailer_mismatch", f"{self._feed.name} must end with its trailer; more comes after it.")

    def _row(self, record: Any, kind: str) -> Iterator[Record]:
        want = self._want
        is_header = self._seen == 1 and want.header is not None
        if is_header or kind in want.others:
            return
        if want.trailer is not None and kind == want.trailer.type:
            self._trailer = self._cell(record, want.trailer.count)
            self._said = {name: number(self._cell(record, place)) for name, place in self._totals.items()}
        elif want.detail.type not in (None, kind):
            yield Record.broken("unknown_record", self._text(record))
        elif len(record) != want.detail.size:
            yield Record.broken("ragged_row", self._text(record))
        else:
            cells = {name: self._cell(record, place) for name, place in want.detail.columns.items()}
            for name in self._totals:
                self._sums[name] = _EXACT.add(self._sums[name], number(cells[name].strip() or "0"))
            yield Record(cells)

    def _cell(self, record: Any, place: At) -> str:
        if isinstance(place, int):
            return str(record[place - 1]) if place <= len(record) else ""
        return cut(record, place)

    def _text(self, record: Any) -> str:
        return record if isinstance(record, str) else str(self._want.separator).join(record)


def number(text: str) -> Decimal:
    """A number as it is written; NaN, which equals nothing, where it is none."""
    return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else Decimal("NaN")
