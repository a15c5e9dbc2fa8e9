"""Lines whose cells stand at fixed places: payroll and mainframe exports.

Options: `columns`, each with its first and last character (from 1); `width`, the characters of every line;
`header_lines`, which are passed over; `may_be_empty`. Blanks around a cell pad it and are dropped. A line of another
length is a row with the fault `ragged_row`: its cells may have moved. Header and trailer records: see `recorded`.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import Report
from pipelines.ingest.read._lines import Place, Span, cut, text_lines
from pipelines.ingest.read._records import Bounded, Record, write
from pipelines.ingest.rules import Name


class Options(Section):
    """Where the cells are."""

    columns: Annotated[dict[Name, Span], Field(min_length=1)]
    width: Place
    header_lines: Annotated[int, Field(ge=0)]
    may_be_empty: bool

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(last > self.width for _, last in self.columns.values()):
            raise ValueError("columns must end within the width")
        return self


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a file of fixed width.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Not in the declared encoding, or without records.
    """
    del unit
    want: Options = options(Options, feed)
    with source.open("rb") as file:
        bounded = Bounded(file, feed)
        lines = islice(text_lines(bounded, feed.encoding, feed), want.header_lines, None)
        report = write(bounded.batches(_records(lines, want)), out, feed)
    if not report.rows and not want.may_be_empty:
        raise Held("empty_file", f"{feed.name} must hold records; it has none after {want.header_lines} lines.")
    return report


def _records(lines: Iterator[str], want: Options) -> Iterator[Record]:
    for line in lines:
        text = line.rstrip("\r\n")
        if len(text) == want.width:
            yield Record({name: cut(text, span) for name, span in want.columns.items()})
        elif text:
            yield Record.broken("ragged_row", text)
