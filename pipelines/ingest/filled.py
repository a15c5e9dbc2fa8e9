"""Hold files with a required column that suddenly has far fewer cells: silent loss, which no row shows.

An HR system that takes a right from the account behind an export sends empty fields and no error. Each export, of one
file or of pages, is compared with the last ones of its feed that were taken in; a page that comes late is weighed with
those that are there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

import polars as pl

from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Held, Unit, read_json
from pipelines.ingest.feeds import Feed

FILLED: Final = "_filled"
"""Folder of a mapped unit: of each required column how many rows have something in it."""
EMPTIED: Final = "emptied_column"
LAST_FILES: Final = 5
"""Exports."""
LEAST_ROWS: Final = 20
"""Of an export; of fewer a single empty cell would be a large share."""
PAGE: Final = ("page", "part", "chunk")
"""Groups of a file's name that number the pages of one export; any other tells exports apart."""


def hold_emptied(batch: Batch, feed: Feed, units: Sequence[Unit]) -> None:
    """Hold files whose columns lost their cells, in the order of their moments.

    Args:
        batch: The units are mapped.
        feed: Their feed.
        units: Those that nothing else speaks against.
    """
    if not units or not feed.required or feed.dialect == "documents":
        return
    records = [record for record in files.of_feed(batch.store, feed.name) if record.status == "published"]
    published = {record.sha256 for record in records}
    again = {(unit.name, unit.sha256) for unit in units}
    known = [
        _File(at, _parted(record.groups), record.name, int(record.counts.get("rows", 0)), record.filled)
        for record in records
        if record.filled and (record.name, record.sha256) not in again and (at := feed.moment(record.groups))
    ]
    found = [
        _File(at, _parted(unit.groups), unit.name, rows(batch, unit), filled(batch, unit), unit)
        for unit in units
        if (at := feed.moment(unit.groups))
    ]
    exports = _exports([*known, *found])
    taken = {place: _shares([file for file in export if file.unit is None]) for place, export in enumerate(exports)}
    for place, export in enumerate(exports):
        others = [other for other, shares in taken.items() if other != place and shares]
        before = [taken[other] for other in others if exports[other][0].at <= export[0].at][-LAST_FILES:]
        mine = [file.unit for file in export if file.unit is not None]
        undecided = [unit for unit in mine if not unit.is_released and unit.sha256 not in published]
        why = emptied(feed, before, _shares(export)) if undecided else None
        if why is None:
            taken[place] = _shares(export)
        else:
            for unit in undecided:
                batch.hold(unit, why)


@dataclass(frozen=True, slots=True)
class _File:
    """A file, or a page of an export."""

    at: datetime
    of: tuple[tuple[str, str], ...]
    """What else its name tells, such as a site, but for the number of the page."""
    name: str
    rows: int
    shares: Mapping[str, float]
    """Required column -> share of the rows with something in it."""
    unit: Unit | None = None
    """None where it was taken in."""


def _parted(groups: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, text) for name, text in groups.items() if name not in PAGE))


def _exports(found: Iterable[_File]) -> list[list[_File]]:
    """Exports in the order of their moments.

    Files of one moment are pages of one export, which may well differ: what is new stands on the last. Those whose
    names tell more apart than a page are of several. Of a name that comes again each is of another export.
    """
    exports: dict[tuple[datetime, tuple[tuple[str, str], ...], int], list[_File]] = {}
    told = Counter[tuple[datetime, str]]()
    for file in found:
        exports.setdefault((file.at, file.of, told[file.at, file.name]), []).append(file)
        told[file.at, file.name] += 1
    return [exports[key] for key in sorted(exports)]


def _shares(export: Sequence[_File]) -> dict[str, float]:
    """Required column -> share of all rows of an export; empty for too few rows to say."""
    if sum(file.rows for file in export) < LEAST_ROWS:
        return {}
    names = sorted({name for file in export for name in file.shares})
    sizes = {name: sum(file.rows for file in export if name in file.shares) for name in names}
    return {
        name: sum(file.rows * file.shares[name] for file in export if name in file.shares) / sizes[name]
        for name in names
    }


def emptied(feed: Feed, before: Sequence[Mapping[str, float]], file: Mapping[str, float]) -> Held | None:
    """Why a person must look at a file whose columns lost their cells; None when nothing speaks against it.

    Args:
        feed: Its declaration, which says how much they may lose.
        before: Of the last files taken in, column -> share of the rows with something in it.
        file: The same of the file in question.
    """
    known = {name: median(shares) for name in file if (shares := [f[name] for f in before if name in f])}
    lost = [name for name, share in known.items() if file[name] < share - feed.may_empty]
    if not lost:
        return None
    said = ", ".join(f"{name} {file[name]:.0%} instead of {known[name]:.0%}" for name in sorted(lost))
    return Held(
        EMPTIED,
        f"Every required column of {feed.name} must be filled as in the last {len(before)} files taken in, or in at "
        f"most {feed.may_empty:.0%} of the rows less; filled are {said}. Release it if the source has no more, else "
        "reject it and have it sent again: an export that lost a right has empty fields and no error.",
    )


def filled(batch: Batch, unit: Unit) -> dict[str, float]:
    """Required column -> share of a mapped unit's rows with something in it; empty without rows."""
    count = rows(batch, unit)
    parts = sorted((batch.place(unit) / "mapped" / FILLED).glob("*.arrow"))
    if not count or not parts:
        return {}
    total = pl.concat([pl.read_ipc(part) for part in parts]).sum()
    return {name: total[name].item() / count for name in total.columns}


def rows(batch: Batch, unit: Unit) -> int:
    """Source rows of a mapped unit."""
    return int(read_json(batch.place(unit) / "mapped" / "report.json")["rows"])
