"""A list of records in any JSON document, streamed: OData dumps, REST answers, xAPI statements, JSON Resume.

Options: `record_path`, the keys down to the list (dots between, empty where the document is the list), `may_be_empty`,
and `is_odata_v2`. With `is_one` the keys lead to one record instead, such as an entity of OData or the document itself.
A top list of documents is one dump in pages. A nested value `a/b` is the cell `a.b`; lists stay JSON text, of objects
whose cells are text and named likewise, for `explode`.

With `is_odata_v2`, `__metadata` and navigation that was not expanded are left out, `{"results": [...]}` is its list,
and `/Date(...)/` becomes ISO text. Without an offset that is a wall clock, whose zone nobody states; `+0000` marks a
moment in UTC, and gets a Z. Other offsets, years past 9999
and seconds that are given as milliseconds stay as written, for rules to refuse.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.settings import Section
from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import LEAST_MILLISECONDS, Report
from pipelines.ingest.read._json import Alike, read_list, read_one, record_of
from pipelines.ingest.read._json_alike import style
from pipelines.ingest.read._records import Record, frames_of

_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(\+0000)?\)/")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is what the source leaves open


class Options(Section):
    """Where the records are."""

    record_path: str
    may_be_empty: bool
    is_odata_v2: bool
    is_one: bool = False
    """Whether there is no list but a record: a file for each document of JSON Resume. May it be empty, then null."""


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read the records of a JSON document.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, truncated or malformed, an error message, without the list, or without records.
    """
    del unit
    want: Options = options(Options, feed)
    frames = _odata_frames if want.is_odata_v2 else _frames
    if want.is_one:
        return read_one(source, out, feed, want.record_path, frames, may_be_empty=want.may_be_empty)
    alike = Alike(_odata_record, style(iso)) if want.is_odata_v2 else None
    return read_list(source, out, feed, want.record_path, frames, may_be_empty=want.may_be_empty, alike=alike)


def _frames(values: list[Any], first_row: int, feed: Feed) -> Iterator[pl.DataFrame]:
    return frames_of([record_of(value) for value in values], first_row, feed)


def _odata_frames(values: list[Any], first_row: int, feed: Feed) -> Iterator[pl.DataFrame]:
    return frames_of([_odata_record(value) for value in values], first_row, feed)


def _odata_record(value: Any) -> Record:
    try:
        return record_of(plain(value))
    except RecursionError:
        return Record({}, "too_deep")


def plain(value: Any) -> Any:
    """An OData v2 value without the wrappers of its protocol."""
    if type(value) is str:
        return iso(value) if value.startswith("/Date(") else value
    if type(value) is list:
        return [plain(member) for member in value]
    if type(value) is not dict:
        return value
    if type(value.get("results")) is list:
        return plain(value["results"])
    return {name: plain(member) for name, member in value.items() if name != "__metadata" and not _is_deferred(member)}


def _is_deferred(value: Any) -> bool:
    return type(value) is dict and "__deferred" in value


def iso(text: str) -> str:
    """`/Date(1583107200000)/` as `2020-03-02T00:00:00.000`, with a Z where the source says `+0000`."""
    found = _DATE.fullmatch(text)
    if found is None or 0 < abs(int(found[1])) < LEAST_MILLISECONDS:
        return text
    try:
        moment = _EPOCH + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        return text
    return moment.isoformat(timespec="milliseconds") + ("Z" if found[2] else "")
