"""Hold files that are unlike the last ones of their feed in a way that no row shows.

An HR system that takes a right from the account behind an export sends empty fields and no error; a spreadsheet that
somebody saved on the way makes `123` of the id `000123`, which is another's. Each export, of one file or of pages, is
compared with the last ones of its feed that were taken in; a page that comes late is weighed with those that are there.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final, Protocol, TypeVar

import polars as pl

from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Held, Unit, read_json
from pipelines.ingest.feeds import Feed

FILLED: Final = "_filled"
"""Folder of a mapped unit: of each column that a rule reads how many rows have something in it."""
EMPTIED: Final = "emptied_column"
LENGTHS: Final = "_lengths"
"""Folder of a mapped unit: of each column of identifiers how many have how many characters."""
RESHAPED: Final = "reshaped_ids"
FEW: Final = 3
"""Lengths: identifiers of more, such as addresses, have none that would be wrong."""
LEAST_IDS: Final = 5
"""Of a wrong length; fewer are mistakes of single rows."""
LONG: Final = 100
"""Characters; longer ones count as so long."""
COUNTED: Final = {"column": pl.String(), "length": pl.Int64(), "count": pl.Int64()}
LAST_FILES: Final = 5
"""Exports."""
LEAST_ROWS: Final = 20
"""Of an export; of fewer a single empty cell would be a large share."""
PAGE: Final = ("page", "part", "chunk")
"""Groups of a file's name that number the pages of one export; any other tells exports apart."""


def hold_unlike(batch: Batch, feed: Feed, units: Sequence[Unit]) -> None:
    """Hold files whose columns lost their cells or whose identifiers have other lengths, in the order of their moments.

    Args:
        batch: The units are mapped.
        feed: Their feed.
        units: Those that nothing else speaks against.
    """
    if not units or feed.dialect == "documents":
        return
    records = [record for record in files.of_feed(batch.store, feed.name) if record.status == "published"]
    published = {record.sha256 for record in records}
    again = {(unit.name, unit.sha256) for unit in units}
    known = [
        _File(at, parted(r.groups), r.name, int(r.counts.get("rows", 0)), r.filled, r.lengths)
        for r in records
        if (r.filled or r.lengths) and (r.name, r.sha256) not in again and (at := feed.moment(r.groups))
    ]
    found = [
        _File(at, parted(unit.groups), unit.name, rows(batch, unit), filled(batch, unit), lengths(batch, unit), unit)
        for unit in units
        if (at := feed.moment(unit.groups))
    ]
    ordered = exports([*known, *found])
    taken = {place: _told([file for file in export if file.unit is None]) for place, export in enumerate(ordered)}
    for place, export in enumerate(ordered):
        others = [told for at, told in taken.items() if at != place and ordered[at][0].at <= export[0].at]
        mine = [file.unit for file in export if file.unit is not None]
        undecided = [unit for unit in mine if not unit.is_released and unit.sha256 not in published]
        why = _unlike(feed, others, _told(export)) if undecided else None
        if why is None:
            taken[place] = _told(export)
        else:
            for unit in undecided:
                batch.hold(unit, why)


Lengths = Mapping[str, Mapping[str, int]]
"""Column of identifiers -> characters -> how many have so many."""


class Paged(Protocol):
    """What tells of which export a file is a page."""

    @property
    def at(self) -> datetime:
        """When the source wrote it."""

    @property
    def of(self) -> tuple[tuple[str, str], ...]:
        """From `parted`."""

    @property
    def name(self) -> str:
        """The file's."""


Page = TypeVar("Page", bound=Paged)


@dataclass(frozen=True, slots=True)
class _File:
    """A file, or a page of an export."""

    at: datetime
    of: tuple[tuple[str, str], ...]
    """What else its name tells, such as a site, but for the number of the page."""
    name: str
    rows: int
    shares: Mapping[str, float]
    """Column -> share of the rows with something in it."""
    lengths: Lengths
    unit: Unit | None = None
    """None where it was taken in."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an export is judged by."""

    rows: int
    shares: Mapping[str, float]
    lengths: Lengths


def parted(groups: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a file's name tells of its export, such as a site, but for the number of the page."""
    return tuple(sorted((name, text) for name, text in groups.items() if name not in PAGE))


def exports(found: Iterable[Page]) -> list[list[Page]]:
    """Exports in the order of their moments.

    Files of one moment are pages of one export, which may well differ: what is new stands on the last. Those whose
    names tell more apart than a page are of several. Of a name that comes again each is of another export.
    """
    pages: dict[tuple[datetime, tuple[tuple[str, str], ...], int], list[Page]] = {}
    told = Counter[tuple[datetime, str]]()
    for file in found:
        pages.setdefault((file.at, file.of, told[file.at, file.name]), []).append(file)
        told[file.at, file.name] += 1
    return [pages[key] for key in sorted(pages)]


def _told(export: Sequence[_File]) -> _Told:
    """All files of an export together; nothing of so few rows that they say nothing."""
    counts: dict[str, Counter[str]] = {}
    for file in export:
        for name, found in file.lengths.items():
            counts.setdefault(name, Counter()).update(found)
    rows = sum(file.rows for file in export)
    return _Told(rows, _shares(export), {name: count for name, count in counts.items() if count.total() >= LEAST_ROWS})


def _unlike(feed: Feed, others: Sequence[_Told], export: _Told) -> Held | None:
    before = [other.shares for other in others if other.shares][-LAST_FILES:]
    why = emptied(feed, before, export.shares, export.rows)
    return why or reshaped(feed, [other.lengths for other in others if other.lengths][-LAST_FILES:], export.lengths)


def _shares(export: Sequence[_File]) -> dict[str, float]:
    """Column -> share of all rows of an export; empty for too few rows to say."""
    if sum(file.rows for file in export) < LEAST_ROWS:
        return {}
    names = sorted({name for file in export for name in file.shares})
    sizes = {name: sum(file.rows for file in export if name in file.shares) for name in names}
    return {
        name: sum(file.rows * file.shares[name] for file in export if name in file.shares) / sizes[name]
        for name in names
    }


def emptied(feed: Feed, before: Sequence[Mapping[str, float]], file: Mapping[str, float], rows: int) -> Held | None:
    """Why a person must look at a file whose columns lost their cells; None when nothing speaks against it.

    Args:
        feed: Its declaration, which says how much required columns may lose. Any other that a rule reads may have less,
            and nothing at all only where before, too, so many rows had hardly anything.
        before: Of the last files taken in, column -> share of the rows with something in it.
        file: The same of the file in question.
        rows: How many it has.
    """
    known = {name: median(shares) for name in file if (shares := [f[name] for f in before if name in f])}
    lost = [
        name
        for name, share in known.items()
        if (name in feed.required and file[name] < share - feed.may_empty)
        or (feed.may_empty < 1 and not file[name] and share * rows >= LEAST_ROWS)
    ]
    if not lost:
        return None
    said = ", ".join(f"{name} {file[name]:.0%} instead of {known[name]:.0%}" for name in sorted(lost))
    return Held(
        EMPTIED,
        f"Every column of {feed.name} must be filled as in the last {len(before)} files taken in: a required one in at "
        f"most {feed.may_empty:.0%} of the rows less, any other that had something not in none; filled are {said}. "
        "Release it if the source has no more, else reject it and have it sent again: an export that lost a right has "
        "empty fields and no error, and one with a column of another name lacks the old one.",
    )


def reshaped(feed: Feed, before: Sequence[Lengths], file: Lengths) -> Held | None:
    """Why a person must look at a file whose identifiers have lengths that none had before; None where nothing does.

    Args:
        feed: Its declaration, which says how many may.
        before: Of the last files taken in, per column how many identifiers have how many characters.
        file: The same of the file in question.
    """
    wrong = []
    for name, found in sorted(file.items()):
        known = [lengths[name] for lengths in before if name in lengths]
        usual = {length for lengths in known for length, count in lengths.items() if count > _odd(feed, lengths)}
        new = {length: count for length, count in found.items() if length not in usual}
        is_regular = bool(usual) and len(usual) <= FEW and all(_beside(usual, it) <= _odd(feed, it) for it in known)
        if is_regular and _beside(usual, found) > max(_odd(feed, found), LEAST_IDS - 1):
            told = [" or ".join(sorted(lengths, key=int)) for lengths in (new, usual)]
            share = _beside(usual, found) / sum(found.values())
            wrong.append(f"{name} {share:.0%} with {told[0]} instead of {told[1]} characters")
    if not wrong:
        return None
    return Held(
        RESHAPED,
        f"Identifiers of {feed.name} must be as long as in the last {len(before)} files taken in, but for "
        f"{feed.may_reshape:.0%} of them; {', '.join(wrong)}. Release it if the source gives such ones now, else "
        "reject it and have it sent again as it left the source: without zeros that a spreadsheet takes away, an id "
        "is another's.",
    )


def _odd(feed: Feed, lengths: Mapping[str, int]) -> float:
    """How many identifiers of a column may be of any length."""
    return feed.may_reshape * sum(lengths.values())


def _beside(usual: Collection[str], lengths: Mapping[str, int]) -> int:
    """How many are of other lengths."""
    return sum(count for length, count in lengths.items() if length not in usual)


def counted(raw: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """[n] `COUNTED`: how many clean cells of each column have how many characters."""
    told = [
        raw.lazy()
        .select(pl.lit(name).alias("column"), pl.col(name).str.len_chars().cast(pl.Int64).clip(0, LONG).alias("length"))
        .drop_nulls()
        .group_by("column", "length")
        .agg(pl.len().cast(pl.Int64).alias("count"))
        for name in columns
    ]
    return pl.concat([pl.LazyFrame(schema=COUNTED), *told]).collect()


def lengths(batch: Batch, unit: Unit) -> dict[str, dict[str, int]]:
    """Column of identifiers -> characters -> how many of a mapped unit's cells have so many."""
    parts = sorted((batch.place(unit) / "mapped" / LENGTHS).glob("*.arrow"))
    frames = [pl.DataFrame(schema=COUNTED), *(pl.read_ipc(part) for part in parts)]
    found: dict[str, dict[str, int]] = {}
    counts = pl.concat(frames).group_by("column", "length").agg(pl.col("count").sum())
    for name, length, count in counts.sort(pl.all()).rows():
        found.setdefault(name, {})[str(length)] = count
    return found


def filled(batch: Batch, unit: Unit) -> dict[str, float]:
    """Column -> share of a mapped unit's rows with something in it; empty without rows."""
    count = rows(batch, unit)
    parts = sorted((batch.place(unit) / "mapped" / FILLED).glob("*.arrow"))
    if not count or not parts:
        return {}
    total = pl.concat([pl.read_ipc(part) for part in parts]).sum()
    return {name: total[name].item() / count for name in total.columns}


def rows(batch: Batch, unit: Unit) -> int:
    """Source rows of a mapped unit."""
    return int(read_json(batch.place(unit) / "mapped" / "report.json")["rows"])
