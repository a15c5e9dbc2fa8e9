"""Read a landed file into text cells, streaming; no business meaning yet.

Reads   landing    the exact bytes of one unit
Writes  raw        part-*.parquet: `source_row` (from 1), `_fault` (why the row cannot be used, or null), text columns

A dialect is a module of this package with `read(source, out, feed, unit)`; a name with an underscore in front is what
dialects share. Every cell is text; null means the column or key was absent, NULL (below) that the source said null, and
the empty string is itself.
"""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, cast

import polars as pl

from pipelines.ingest.batch import Batch, Held, Unit, read_json, result, write_json
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import fetch, forget

NULL: Final = "\x00"
"""An explicit null of the source, kept apart from an absent key (null) and an empty cell ("")."""
ROW: Final = "source_row"
FAULT: Final = "_fault"
LINE: Final = "line"
"""The text of a row that has no cells because it could not be taken apart."""
MAX_COLUMNS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a reader saw. Counts and column names only."""

    rows: int
    columns: tuple[str, ...]
    faults: Mapping[str, int]
    """Reason code -> rows that cannot be used."""


class Dialect(Protocol):
    """A module of this package."""

    def read(self, source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
        """Write part-*.parquet into `out`. Raises Held when the file is not what the feed declares."""


def dialect(name: str) -> Dialect:
    """The reader of a dialect; a feed's name for it has been looked up among those there are."""
    return cast("Dialect", importlib.import_module(f"{__name__}.{name}"))


def require(feed: Feed, columns: set[str]) -> None:
    """Raise Held unless all required columns are there."""
    missing = [name for name in feed.required if name not in columns]
    if missing:
        raise Held(
            "missing_required_column",
            f"{feed.name} must have the columns {', '.join(feed.required)}; {', '.join(missing)} missing.",
        )


def nameable(feed: Feed, columns: Collection[str]) -> None:
    """Raise Held unless the columns can stand beside those that a reader adds, and are few enough to be meant."""
    if len(columns) > MAX_COLUMNS:
        raise Held("too_many_columns", f"{feed.name} must have at most {MAX_COLUMNS:,} columns; it has more.")
    taken = [name for name in (ROW, FAULT) if name in columns]
    if taken:
        raise Held(
            "reserved_column",
            f"{feed.name} must leave the names {ROW} and {FAULT} to the reader; it has {', '.join(taken)}. "
            "Rename the column at the source.",
        )


def read(batch: Batch, unit: Unit, feed: Feed) -> Report:
    """Read a unit, once.

    Args:
        batch: The batch.
        unit: One of its units, landed.
        feed: The unit's feed.

    Raises:
        Held: The file is not what the feed declares.
    """
    place = batch.place(unit)
    done = place / "raw"
    if not done.is_dir():
        with result(done) as out:
            source = fetch(batch.store, unit.landing_key, out / ".source")
            try:
                report = dialect(feed.dialect).read(source, out, feed, unit)
            finally:
                forget(source)
            require(feed, set(report.columns))
            write_json(out / "report.json", asdict(report))
    raw = read_json(done / "report.json")
    return Report(raw["rows"], tuple(raw["columns"]), raw["faults"])


def parts(folder: Path) -> list[Path]:
    """Raw or mapped parts in order."""
    return sorted(folder.glob("part-*.parquet"))


def write_part(frame: pl.DataFrame, out: Path, number: int) -> None:
    """One part of a reader's result."""
    frame.write_parquet(out / f"part-{number:05d}.parquet", compression="zstd", compression_level=1)
