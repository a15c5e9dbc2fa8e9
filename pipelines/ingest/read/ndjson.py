"""One JSON object a line: xAPI statements, labelling exports. A broken line is a row with a fault, never a held file.

Options: `may_be_empty`. Cells are named as in `json_records`; numbers stay as they are written.
"""

import json
from pathlib import Path
from typing import NoReturn

from pipelines.base.settings import Section
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import Report
from pipelines.ingest.read._json import record_of
from pipelines.ingest.read._records import Bounded, Record, write


class Options(Section):
    """Whether a file without a line is as it should be."""

    may_be_empty: bool


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a file of JSON lines.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, or with a line that is too long.
    """
    del unit
    want: Options = options(Options, feed)
    with source.open("rb") as file:
        bounded = Bounded(file, feed)
        report = write(bounded.batches(record(line) for line in bounded.lines() if line.strip()), out, feed)
    if not report.rows and not want.may_be_empty:
        raise Held("empty_file", f"{feed.name} must have a JSON object a line; the file is empty.")
    return report


def record(line: bytes) -> Record:
    """A line as a row."""
    try:
        return record_of(json.loads(line.decode(), parse_float=str, parse_int=str, parse_constant=_refuse))
    except ValueError:
        return Record.broken("malformed_json", line.decode(errors="replace"))
    except RecursionError:
        return Record({}, "too_deep")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
