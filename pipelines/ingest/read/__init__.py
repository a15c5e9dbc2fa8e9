"""Read a landed file into text cells, streaming; no business meaning yet.

Reads   landing    the exact bytes of one unit
Writes  raw        part-*.arrow: `source_row` (from 1), `_fault` (why the row cannot be used, or null), text columns;
                   where a reader knows of which bytes a part is, only columns that something reads (see `again`)

A dialect is a module of this package with `read(source, out, feed, unit)`; a name with an underscore in front is what
dialects share. Every cell is text; null means the column or key was absent, NULL (below) that the source said null, and
the empty string is itself.
"""

import importlib
import re
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, cast

import polars as pl

from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Held, Unit, drop, read_json, result, spill, write_json
from pipelines.ingest.discover import landed_at
from pipelines.ingest.feeds import WRITTEN, Feed
from pipelines.ingest.land import fetched, forget
from pipelines.ingest.pgp import landed_plain

NULL: Final = "\x00"
"""An explicit null of the source, kept apart from an absent key (null) and an empty cell ("")."""
ROW: Final = "source_row"
FAULT: Final = "_fault"
_LOOK_SECONDS: Final = 0.02
"""Between two looks for a part that has become whole."""
_FIRST: Final = "2000"
"""The year before which no file is believed to be written."""
_MONTH: Final = re.compile(r"(\d{4})(?:-?(\d{2}))?")
"""How a period begins."""
_ZONES: Final = timedelta(days=1)
"""How far a day may begin earlier or later elsewhere."""
_LIMITS: Final = "limits.json"
"""Says beside a file's parts how large it may be: whoever writes a part, however it reads, is stopped beyond that."""
_PIECES: Final = "pieces.json"
"""Beside parts that leave something out: `Pieces`."""
LEAST_MILLISECONDS: Final = 4_102_444_800
"""Seconds from 1970 to 2100: fewer milliseconds from 1970 are seconds that somebody took for milliseconds, for any year
of this century. What was meant cannot be told, so such a number is no moment; 0 is the same in both."""
LINE: Final = "line"
"""The text of a row that has no cells because it could not be taken apart."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a reader saw. Counts and column names only."""

    rows: int
    columns: tuple[str, ...]
    faults: Mapping[str, int]
    """Reason code -> rows that cannot be used."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where in a file its first parts are, which leave out what nothing reads."""

    dialect: str
    """Its module has `again(piece, how)`: [n_rows] all text columns of the bytes of a part, None when they are none."""
    how: Mapping[str, Any]
    """What that needs to know."""
    at: Sequence[Sequence[int]]
    """First byte and number of bytes of each part."""
    left_out: Sequence[str]
    """Columns."""


class Dialect(Protocol):
    """A module of this package."""

    def read(self, source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
        """Write part-*.arrow into `out`. Raises Held when the file is not what the feed declares."""


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


def read_file(source: Path, out: Path, feed: Feed, unit: Unit, *, keep: Collection[str] | None = None) -> Report:
    """Read a file that is at hand.

    Args:
        source: The file; the landed index of documents, or the folder that they lie in.
        out: Folder for the parts and the report.
        feed: Its declaration.
        unit: The file as a unit.
        keep: Columns that a part must have, where its reader can find the others again; all by default.

    Raises:
        Held: The file is not what the feed declares.
    """
    if feed.extracted_at.manifest and WRITTEN not in unit.groups:
        raise Held(
            "no_moment_of_extraction",
            f"A manifest of {feed.name} must say {WRITTEN}, as 2026-02-02T03:04:05Z or with an offset; it does not. "
            "Deliver it again.",
        )
    try:
        _plausible(feed, feed.extraction(unit.groups), unit)
    except ValueError:
        raise Held(
            "impossible_period", f"The name of a file of {feed.name} must hold a month or day that exists; it does not."
        ) from None
    counted = feed.delta.sequence if feed.delta is not None else None
    if counted is not None and not unit.groups.get(counted, "").isdecimal():
        raise Held(
            "impossible_sequence",
            f"The name of a file of {feed.name} must hold a whole number that counts it; it does not.",
        )
    said = None if unit.is_released else unit.manifest
    if said is not None and said.get("sha256") != unit.sha256:
        raise _not_as_said(feed, "bytes", "other ones, or a manifest without its name, sha256 and records")
    _of_its_run(feed, said or {})
    if unit.size > feed.limits.max_bytes:
        raise _too_large("bytes", feed.name, feed.limits.max_bytes)
    told = {"keep": None if keep is None else sorted(keep)}
    write_json(out / _LIMITS, {"feed": feed.name, **feed.limits.model_dump(), **told})
    report = dialect(feed.dialect).read(source, out, feed, unit)
    if len(report.columns) > feed.limits.max_columns:  # of a file without rows, which has no part
        raise _too_large("columns", feed.name, feed.limits.max_columns)
    if said is not None and said["records"] != report.rows:
        raise _not_as_said(feed, "records", str(report.rows))
    if report.rows or report.columns:  # else there was nothing to name a column, which its reader was told may be
        require(feed, set(report.columns))
        _as_agreed(feed, report.columns)
    write_json(out / "report.json", asdict(report))
    return report


def _as_agreed(feed: Feed, columns: Sequence[str]) -> None:
    """Raise Held when a feed says which header its files have, and one has another."""
    if feed.header and [name.casefold() for name in columns] != [name.casefold() for name in feed.header]:
        raise Held(
            "other_header",
            f"A file of {feed.name} must have the {len(feed.header)} columns of the feed's `header`, in their order "
            "and no others; it has another header. Have it sent as agreed, or agree on that one and declare it.",
        )


def _plausible(feed: Feed, moment: datetime, unit: Unit) -> None:
    """Raise Held when a manifest's moment cannot be: all that a file says would be known from then."""
    if not feed.extracted_at.manifest:
        return
    period = _MONTH.match(unit.groups.get("period", ""))
    year, month = period.groups("1") if period else (_FIRST, "1")
    is_early = moment < datetime(int(year), int(month), 1, tzinfo=UTC) - _ZONES
    if is_early or moment > datetime.now(UTC) + _ZONES:
        raise Held(
            "implausible_moment",
            f"A manifest of {feed.name} must say as {WRITTEN} a moment from its file's period on, and none to come; it "
            "says another one. Have it corrected and delivered again.",
        )


def _of_its_run(feed: Feed, said: Mapping[str, Any]) -> None:
    """Raise Held when a file's run or layout is not one that the feed is for; without a manifest nothing is said."""
    kind = "delta" if feed.delta is not None else "full" if feed.full is not None else None
    if kind is not None and said.get("full_or_delta", kind) != kind:
        raise Held(
            "another_kind_of_file",
            f"A manifest of {feed.name} must say full_or_delta as its feed does ({kind}); it says something else. "
            "Have the kind of file sent that the feed is for.",
        )
    version = feed.ready.schema_version if feed.ready is not None else None
    if said and version is not None and said.get("schema_version") != version:
        raise Held(
            "other_schema",
            f"A manifest of {feed.name} must say schema_version as its feed does ({version}); it says something else. "
            "Have the layout sent that the feed reads, or declare the new one.",
        )
    if said and feed.delta is not None and feed.delta.manifest and "run_id" not in said:
        raise Held("no_run", f"A manifest of {feed.name} must name its run by run_id; it does not. Deliver it again.")


def _not_as_said(feed: Feed, what: str, got: str) -> Held:
    return Held(
        f"other_{what}_than_manifest",
        f"A file of {feed.name} must have the {what} that its manifest says; it has {got}. Deliver one of them again.",
    )


def nameable(feed: Feed, columns: Collection[str]) -> None:
    """Raise Held unless the columns can stand beside those that a reader adds, and are no more than declared."""
    if len(columns) > feed.limits.max_columns:
        raise _too_large("columns", feed.name, feed.limits.max_columns)
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
    for _ in reading(batch, unit, feed):
        pass
    raw = read_json(batch.place(unit) / "raw" / "report.json")
    return Report(raw["rows"], tuple(raw["columns"]), raw["faults"])


def reading(batch: Batch, unit: Unit, feed: Feed) -> Generator[Path, None, None]:
    """The raw parts of a unit in order, each as soon as it is whole, while the next are being read.

    A part's path holds until the next one is asked for. What `read` raises is raised where the reader stopped.
    """
    done = batch.place(unit) / "raw"
    if done.is_dir() and not _lacks(done, feed):
        yield from parts(done)
        return
    drop(done)
    with result(done) as out:
        source = fetched(batch, unit, out / ".source")
        try:
            is_believed = bool(files.of_status(batch.store, unit.feed, unit.sha256, "published")) if feed.pgp else False
            opened = landed_plain(batch.store, landed_at(batch.store, unit), source, feed, out, is_believed=is_believed)
            with opened as plain, ThreadPoolExecutor(1) as reader:
                work = reader.submit(read_file, plain, out, feed, unit, keep=None if feed.pgp else feed.kept())
                given = 0
                while not work.done():
                    whole = parts(out)[given:]
                    yield from whole
                    given += len(whole)
                    if not whole:
                        wait([work], timeout=_LOOK_SECONDS)
                work.result()
                yield from parts(out)[given:]
        finally:
            forget(source)


def pieces(raw: Path) -> Pieces | None:
    """Where the first parts of a folder are in their file; None where parts leave nothing out."""
    said = read_json(raw / _PIECES)
    return None if said is None else Pieces(**said)


def _lacks(raw: Path, feed: Feed) -> bool:
    """Whether parts leave out a column that the feed, or a join, has come to read since."""
    said = pieces(raw)
    return said is not None and not feed.kept().isdisjoint(said.left_out)


def parts(folder: Path) -> list[Path]:
    """Raw parts in order."""
    return sorted(folder.glob("part-*.arrow"))


def kept(out: Path) -> frozenset[str] | None:
    """Columns that a part must have, where its reader can find the others again; None for all."""
    keep = (read_json(out / _LIMITS) or {}).get("keep")
    return None if keep is None else frozenset(keep)


def note_pieces(out: Path, pieces: Pieces) -> None:
    """Say where the parts of a reader's result stand in the file."""
    write_json(out / _PIECES, asdict(pieces))


def write_part(frame: pl.DataFrame, out: Path, number: int, only: Collection[str] | None = None) -> None:
    """One part of a reader's result, as it lies in memory: it is read once, and encoding it takes longer than that.

    Args:
        frame: [n_rows] `source_row`, `_fault` and text columns.
        out: Folder for the parts.
        number: Of the part.
        only: Columns to write; all by default.

    Raises:
        Held: The file is larger than its feed allows.
    """
    limits = read_json(out / _LIMITS)
    if limits is not None:
        _within(frame, limits)
    if only is not None:
        frame = frame.select(ROW, FAULT, *(name for name in frame.columns[2:] if name in only))
    part = out / f"part-{number:05d}.arrow"
    spill(frame, staged := out / f".{part.name}")
    staged.rename(part)  # it is mapped as soon as it has its name


def _within(frame: pl.DataFrame, limits: Mapping[str, Any]) -> None:
    """Raise Held when a part is beyond a limit; its last row is the file's so far."""
    texts = frame.select(pl.col(pl.String).exclude(FAULT).str.len_bytes().max())
    sizes = {
        "rows": frame[ROW].max() or 0,
        "columns": frame.width - len((ROW, FAULT)) if frame[FAULT].null_count() else 0,  # unusable rows have none
        "cell_bytes": max(filter(None, texts.row(0)), default=0) if texts.height else 0,
    }
    for name, size in sizes.items():
        if size > limits[f"max_{name}"]:
            raise _too_large(name, limits["feed"], limits[f"max_{name}"])


def _too_large(name: str, feed: str, most: int) -> Held:
    what = {"bytes": "bytes", "rows": "rows", "columns": "columns", "cell_bytes": "bytes in a cell"}[name]
    return Held(
        f"too_many_{name}",
        f"A file of {feed} must have at most {most} {what}; it has more. Have it sent in parts, or raise "
        f"limits.max_{name} of the feed.",
    )
