"""A repeated element of an XML document, streamed: Workday XML, Oracle HCM Extracts, SAP Compound Employee, HR-XML.

Options: `record_path`, names from the root down to the element, slashes between; `lists`, elements that may repeat
(dots between, from the record on), each a JSON list also where there is one; `keyed`, names of elements and what tells
those of one name apart, an attribute or a child of theirs; `says`, names down to an element before the first record
and the texts that it may have; `may_be_empty`. Prefixes of names are dropped. A nested element is the cell `a.b`, an
attribute `a.@b`, an element's own text beside children `a`. Members of lists are objects with cells named likewise,
from the member on, their own text `#text`, for `explode`. With `keyed: {ID: "@type"}`, `<ID type="WID">` is the cell
`ID.WID`; keys must come from a closed list, as columns are named after them.

What a file says of itself, such as that it is full, is believed more than the feed: with `says` one that says
otherwise, or nothing, is held. A file of changes that passed for a full one would empty whatever it leaves out.

An element that repeats and is no declared list is a list in that record; where the feed reads it, the row has the fault
`undeclared_list`, or a rule would find nothing in it. The document's own encoding counts, not the feed's.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import Field

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import Report
from pipelines.ingest.read._records import Bounded, frames_of, write_frames
from pipelines.ingest.read._shapes import Row, Shapes, Style, frames
from pipelines.ingest.read._xml import Flattener, Reader, heading
from pipelines.ingest.read._xml_plain import Document, style
from pipelines.ingest.rules import Name

Down = Annotated[str, Field(pattern=r"^[^/]+(/[^/]+)*$")]
"""Names from the root down, slashes between."""


class Options(Section):
    """Where the records are, and what repeats in them."""

    record_path: Down
    lists: tuple[str, ...]
    keyed: dict[Name, Name] = Field(default_factory=dict)
    says: dict[Down, tuple[str, ...]] = Field(default_factory=dict)
    may_be_empty: bool


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read the records of an XML document.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, truncated, malformed or hostile, without the path, or without records.
    """
    del unit
    want: Options = options(Options, feed)
    if source.stat().st_size == 0:
        raise Held("empty_file", f"{feed.name} must be XML; the file is empty.")
    reader = Reader(tuple(want.record_path.split("/")), feed)
    with source.open("rb") as file:
        report = write_frames(_frames(reader, Bounded(file, feed), want, feed), out, feed)
    if not report.rows:
        if not reader.found_parent:
            raise Held("missing_record_path", f"{feed.name} must hold {want.record_path}; there is none.")
        if not want.may_be_empty:
            raise Held("empty_report", f"{feed.name} must hold records; there is no {want.record_path}.")
    if want.says:
        _believe(source, reader.path, want, feed)
    return report


def _believe(source: Path, path: tuple[str, ...], want: Options, feed: Feed) -> None:
    """Hold a file that says of itself what its feed does not."""
    with source.open("rb") as file:
        said = heading(file, path, [tuple(name.split("/")) for name in want.says], feed)
    for name, texts in want.says.items():
        if said.get(tuple(name.split("/"))) not in texts:
            last = name.rpartition("/")[2]
            raise Held(
                "another_kind_of_file",
                f"A file of {feed.name} must say {last} as its feed does ({' or '.join(texts)}) before its records; it "
                "says something else, or nothing. Have the kind of file sent that the feed is for.",
            )


def _frames(reader: Reader, bounded: Bounded, want: Options, feed: Feed) -> Iterator[pl.DataFrame]:
    reads = feed.reads().union(*(table.made() for table in feed.tables))
    flattener, rows = Flattener(want.lists, reads, want.keyed), 0
    document = Document(bounded, reader.path, feed)
    for made in _alike(document, flattener, style(want.keyed)):
        yield from frames(made, rows + 1, feed)
        rows += len(made)
        bounded.mark()
    for batch in bounded.batches(map(flattener.record, reader.elements(document))):
        yield from frames_of(batch, rows + 1, feed)
        rows += len(batch)


def _alike(document: Document, flattener: Flattener, seen: Style | None) -> Iterator[list[Row]]:
    """Rows of records that look alike, until the parser takes no cut, or most of them had to be parsed after all."""
    if seen is None:
        return
    shapes = Shapes(seen, partial(document.records, flattener=flattener))
    for texts in document.texts():
        made = shapes.rows(texts)
        if made is None:
            return
        yield made
