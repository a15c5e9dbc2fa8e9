"""A delivery folder of documents: one row a document with its redacted text.

Options: `unit_by` (groups of the file name that tell deliveries apart) and the limits of one document. Columns: the
groups of the path, `path`, `sha256`, `bytes`, `status`, `text`, `char_count`, `backend`, `hidden_text_share`,
`stuffed_text_share`, `has_photo` (true, false, or nothing where it cannot be told), `language_code` (BCP 47, or nothing
where it is not clear). A document without text has the status as its fault, and only its place in landing is kept.
"""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base.store import open_store
from pipelines.ingest.batch import Unit
from pipelines.ingest.documents.bounds import Limits
from pipelines.ingest.documents.extract import Extracted
from pipelines.ingest.documents.pool import extract_all
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.land import document_key, fetch
from pipelines.ingest.read import FAULT, ROW, Report, write_part

_ANSWERS: Final = {True: "true", False: "false", None: None}


class Options(Limits):
    """Limits, and how deliveries are told apart."""

    unit_by: tuple[str, ...]


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a folder of documents.

    Args:
        source: The landed index, whose content is in the unit already; or the folder that the documents lie in.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Names the documents.
    """
    want: Options = options(Options, feed)
    limits = Limits(**want.model_dump(exclude={"unit_by"}))
    most = feed.limits.max_cell_bytes
    results = [_within(result, most) for result in extract_all(_brought(source, out, unit), limits)]
    frame = to_frame(unit, feed, results)
    write_part(frame, out, 0)
    statuses = [result.status for result in results if result.status != "ok"]
    return Report(len(frame), tuple(frame.columns[2:]), {status: statuses.count(status) for status in set(statuses)})


def _within(result: Extracted, most: int) -> Extracted:
    """A result, refused where its text is longer than a cell may be: one person's document must not hold all others."""
    return Extracted("too_large") if result.text is not None and len(result.text.encode()) > most else result


def _brought(source: Path, out: Path, unit: Unit) -> list[Callable[[], Path]]:
    """How each document comes to where it is extracted and then removed."""
    places = [out / f".document-{number}" for number in range(len(unit.documents))]
    if source.is_dir():
        return [partial(shutil.copyfile, source / n, to) for (n, *_), to in zip(unit.documents, places, strict=True)]
    store = open_store()
    return [
        partial(fetch, store, document_key(unit, name, sha256), to)
        for (name, sha256, _), to in zip(unit.documents, places, strict=True)
    ]


def to_frame(unit: Unit, feed: Feed, results: list[Extracted]) -> pl.DataFrame:
    """Results as rows of text cells, in the order of the unit's documents."""
    pattern = re.compile(feed.files)
    groups = [pattern.fullmatch(name) for name, *_ in unit.documents]
    named = {
        group: pl.Series([match.groupdict().get(group) if match else None for match in groups], dtype=pl.String)
        for group in pattern.groupindex
    }
    return pl.DataFrame(
        {
            ROW: pl.int_range(1, len(results) + 1, dtype=pl.Int64, eager=True),
            FAULT: pl.Series([None if r.status == "ok" else r.status for r in results], dtype=pl.String),
            **named,
            "path": pl.Series([name for name, *_ in unit.documents], dtype=pl.String),
            "sha256": pl.Series([sha256 for _, sha256, _ in unit.documents], dtype=pl.String),
            "bytes": pl.Series([str(size) for *_, size in unit.documents], dtype=pl.String),
            "status": pl.Series([r.status for r in results], dtype=pl.String),
            "text": pl.Series([r.text for r in results], dtype=pl.String),
            "char_count": pl.Series([None if r.text is None else str(len(r.text)) for r in results], dtype=pl.String),
            "backend": pl.Series([r.backend for r in results], dtype=pl.String),
            "hidden_text_share": _numbers([r.hidden_text_share for r in results]),
            "stuffed_text_share": _numbers([r.stuffed_text_share for r in results]),
            "has_photo": pl.Series([_ANSWERS[r.has_photo] for r in results], dtype=pl.String),
            "language_code": pl.Series([r.language_code for r in results], dtype=pl.String),
        }
    )


def _numbers(values: list[float | None]) -> pl.Series:
    """Shares as text, never in the form 1e-05."""
    return pl.Series([None if value is None else f"{value:.6f}" for value in values], dtype=pl.String)
