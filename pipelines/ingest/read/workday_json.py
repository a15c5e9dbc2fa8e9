"""Workday Report-as-a-Service JSON: one object with a list of records, streamed.

Options: `record_path`, the key of the list (dots for nesting), and `may_be_empty`. A streaming parser gives no rows
when the wrapper key is missing, which would look like an empty report; so the key must appear.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.base.settings import Section
from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import NULL, Report, nameable
from pipelines.ingest.read._json import read_list
from pipelines.ingest.read._records import heads


class Options(Section):
    """Where the records are."""

    record_path: str
    may_be_empty: bool


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a RaaS JSON file.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, truncated or malformed, without the record list, or without records.
    """
    del unit
    want: Options = options(Options, feed)
    return read_list(source, out, feed, want.record_path, to_frames, may_be_empty=want.may_be_empty)


def to_frames(records: list[Any], first_row: int, feed: Feed) -> Iterator[pl.DataFrame]:
    """Records as one frame of text; what is no object has null cells and a fault.

    Args:
        records: Parsed JSON values.
        first_row: `source_row` of the first.
        feed: For messages.
    """
    faults = [None if type(record) is dict else "not_an_object" for record in records]
    if any(faults):
        records = [record if type(record) is dict else {} for record in records]
    names = sorted(set().union(*records))
    nameable(feed, names)
    schema = dict.fromkeys(names, pl.String())
    try:
        cells = pl.DataFrame(records, schema=schema, orient="row")
    except (pl.exceptions.PolarsError, TypeError, RuntimeError):  # nested values; numbers wider than Polars has
        cells = pl.DataFrame([_flat(record) for record in records], schema=schema, orient="row")
    yield heads(faults, first_row).hstack(_with_nulls(cells, records))


def _flat(record: dict[str, Any]) -> dict[str, str | None]:
    """The record with nested values as JSON text, and others as text."""
    return {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        if isinstance(value, list | dict | bool)
        else None
        if value is None
        else str(value)
        for name, value in record.items()
    }


def _with_nulls(cells: pl.DataFrame, records: list[dict[str, Any]]) -> pl.DataFrame:
    """Explicit nulls told apart from absent keys; counting shows in one pass whether there are any."""
    filled = cells.height * cells.width - sum(cells.null_count().row(0)) if cells.width else 0
    if filled == sum(map(len, records)):
        return cells
    # By series: pl.col reads a key such as `*` as a pattern.
    explicit = {name: [name in record and record[name] is None for record in records] for name in cells.columns}
    return cells.with_columns(
        pl.when(pl.Series(flags)).then(pl.lit(NULL)).otherwise(cells[name]).alias(name)
        for name, flags in explicit.items()
        if any(flags)
    )
