"""Workday Report-as-a-Service JSON: one object with a list of records, streamed.

Options: `record_path`, the key of the list (dots for nesting), and `may_be_empty`. A streaming parser gives no rows
when the wrapper key is missing, which would look like an empty report; so the key must appear.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import ijson
import polars as pl

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import FAULT, NULL, ROW, Report, write_part

PART_ROWS: Final = 50_000
BUFFER: Final = 1 << 20


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
    if source.stat().st_size == 0:
        raise Held("empty_file", f"{feed.name} must be a JSON report; the file is empty.")
    rows, columns, wrong = 0, dict[str, None](), 0
    try:
        for number, records in enumerate(_batches(source, want.record_path)):
            frame, bad = to_frame(records, rows + 1)
            write_part(frame, out, number)
            rows, wrong = rows + len(records), wrong + bad
            columns.update(dict.fromkeys(frame.columns[2:]))
        if not rows:
            _explain(source, want, feed)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        if "premature EOF" in str(error):
            raise Held("truncated_json", f"{feed.name} must be complete JSON; it ends too early.") from None
        raise Held("malformed_json", f"{feed.name} must be JSON; it cannot be parsed.") from None
    return Report(rows, tuple(columns), {"not_an_object": wrong} if wrong else {})


def _batches(source: Path, record_path: str) -> Iterator[list[Any]]:
    with source.open("rb") as file:
        items = ijson.items(file, f"{record_path}.item", buf_size=BUFFER)
        while batch := list(islice(items, PART_ROWS)):
            yield batch


def _explain(source: Path, want: Options, feed: Feed) -> None:
    """No record was found: is the list empty, or not there?"""
    with source.open("rb") as file:
        found = any(event == (want.record_path, "start_array") for event in _events(file))
    if not found:
        raise Held("missing_record_path", f"{feed.name} must hold the list {want.record_path}; there is none.")
    if not want.may_be_empty:
        raise Held("empty_report", f"{feed.name} must hold records; its list is empty.")


def _events(file: Any) -> Iterator[tuple[str, str]]:  # any binary file
    return ((prefix, event) for prefix, event, _ in ijson.parse(file, buf_size=BUFFER))


def to_frame(records: list[Any], first_row: int) -> tuple[pl.DataFrame, int]:
    """Records as a frame of text.

    Args:
        records: Parsed JSON values.
        first_row: `source_row` of the first.

    Returns:
        The frame, and how many records were no objects (their cells are null, their fault says so).
    """
    faults = [None if type(record) is dict else "not_an_object" for record in records]
    wrong = len(records) - faults.count(None)
    if wrong:
        records = [record if type(record) is dict else {} for record in records]
    names = sorted(set().union(*records))
    schema = dict.fromkeys(names, pl.String())
    try:
        cells = pl.DataFrame(records, schema=schema, orient="row")
    except (pl.exceptions.PolarsError, TypeError):
        cells = pl.DataFrame([_flat(record) for record in records], schema=schema, orient="row")
    head = pl.DataFrame(
        {
            ROW: pl.int_range(first_row, first_row + len(records), dtype=pl.Int64, eager=True),
            FAULT: pl.Series(faults, dtype=pl.String),
        }
    )
    return head.hstack(_with_nulls(cells, records)), wrong


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with nested values as JSON text."""
    return {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        if isinstance(value, list | dict)
        else value
        for name, value in record.items()
    }


def _with_nulls(cells: pl.DataFrame, records: list[dict[str, Any]]) -> pl.DataFrame:
    """Explicit nulls told apart from absent keys; counting shows in one pass whether there are any."""
    filled = cells.height * cells.width - sum(cells.null_count().row(0)) if cells.width else 0
    if filled == sum(map(len, records)):
        return cells
    explicit = {name: [name in record and record[name] is None for record in records] for name in cells.columns}
    return cells.with_columns(
        pl.when(pl.Series(flags)).then(pl.lit(NULL)).otherwise(pl.col(name)).alias(name)
        for name, flags in explicit.items()
        if any(flags)
    )
