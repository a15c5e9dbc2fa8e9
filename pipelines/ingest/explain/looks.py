"""Count what the cells of a file became, a part at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import TABLES
from pipelines.base.lake import is_before
from pipelines.ingest.cells import Context, cell
from pipelines.ingest.check import BEYOND
from pipelines.ingest.counts import tally
from pipelines.ingest.filled import FILLED, LENGTHS
from pipelines.ingest.map import CODES, FILTERED, FORMER, KNOWN_FROM, REJECTED, SOURCE, Made
from pipelines.ingest.read import FAULT, ROW
from pipelines.ingest.reshape import NOTES, REASON, context_of
from pipelines.ingest.rules import TableMap

TURNED: Final = ""
"""Counts values made, beside the reason codes of those that were not."""


_GARBLED: Final = r"\x{FFFD}|[\x{C2}\x{C3}][\x{80}-\x{BF}]|\x{E2}(?:\x{20AC}|\x{80})|^[^/=&]*\pL\?\pL[^/=&]*$"
"""UTF-8 that was read as another encoding, and signs that stand where one was lost; no question mark of an address."""


class Look:
    """Counts of one table of a feed: a canonical column and, where columns became rows, whose."""

    def __init__(self, mapped: TableMap) -> None:
        """Nothing is counted yet."""
        self.mapped = mapped
        self.counts: dict[tuple[str, str], Counter[str]] = {}

    def see(self, cells: pl.DataFrame, rows: pl.DataFrame) -> None:
        """Count one part."""
        self._count(rows, "")
        if self.mapped.unpivot is not None:
            for code in self.mapped.unpivot.columns.values():
                self._count(rows.filter(cells[self.mapped.unpivot.name] == code), code)

    def of(self, target: str, code: str) -> Counter[str]:
        """Counts of one canonical column."""
        return self.counts.get((target, code), Counter())

    def _count(self, rows: pl.DataFrame, code: str) -> None:
        names = [*self.mapped.columns, KNOWN_FROM.name]
        made = {name: rows[name].count() for name in self.mapped.columns}
        made[KNOWN_FROM.name] = len(rows.filter(pl.col("known_from_basis") == SOURCE))
        for name in names:
            self.counts.setdefault((name, code), Counter())[TURNED] += made[name]
        wrong = rows.filter(pl.col(REASON) != "")[REASON].str.split(" ").explode().value_counts()
        for text, count in wrong.rows():
            reason, _, name = text.rpartition(":")
            self.counts[name, code][reason] += count


def filled(raws: Iterable[Path], context: Context) -> tuple[int, dict[str, int]]:
    """Usable rows, and per column of the file how many of them fill it."""
    rows, counts = 0, Counter[str]()
    for part in raws:
        frame = pl.read_ipc(part).filter(pl.col(FAULT).is_null()).drop(ROW, FAULT)
        if len(frame):
            rows, here = rows + len(frame), context_of(frame, context)
            cells = [cell(name, here).is_not_null().sum().alias(name) for name in frame.columns]
            counts.update(frame.select(cells).row(0, named=True) if cells else {})
    return rows, dict(counts)


def garbled(raws: Iterable[Path]) -> dict[str, int]:
    """Column of the file -> cells whose text was broken before it came here, of those that have any."""
    counts = Counter[str]()
    for part in raws:
        frame = pl.read_ipc(part).drop(ROW, FAULT)
        counts.update(frame.select(pl.all().str.contains(_GARBLED).sum()).row(0, named=True) if frame.width else {})
    return {name: count for name, count in counts.items() if count}


class Result:
    """What was made of all parts: counts, and just the numbers of the rows."""

    def __init__(self, kept_from: Mapping[str, date]) -> None:
        """Nothing is made yet.

        Args:
            kept_from: Table -> the day before which the lake keeps nothing of it; no table where all is kept.
        """
        self.kept_from = kept_from
        self.rows = 0
        self.tables: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        """Table -> rows of earlier days, which a run leaves out."""
        self.rejected: dict[str, Counter[str]] = {}
        """Table, empty for whole rows -> reason code -> rows."""
        none = pl.DataFrame(schema=NOTES)
        self._notes = {REJECTED: [none], FILTERED: [none], BEYOND: [none], ROW: [none.select(ROW)]}

    def add(self, made: Made) -> None:
        """Count one part."""
        count, frames = made
        self.rows += count
        for place, frame in frames.items():
            table = place.partition("/")[0]
            if table in (REJECTED, FILTERED):
                self._notes[table].append(frame.select(NOTES.names()))
            elif table not in (FILLED, LENGTHS, CODES, FORMER):
                self.tables[table] += len(frame)
                self._notes[ROW].append(self._kept(table, frame).select(ROW))
        for table, reason, number in frames[f"{REJECTED}/00"].group_by("table", REASON).len().rows():
            self.rejected.setdefault(table, Counter())[reason] += number

    def _kept(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """A table's rows without those of earlier days, which are counted."""
        if table not in self.kept_from:
            return frame
        is_late = is_before(TABLES[table], self.kept_from[table]).fill_null(value=False)
        late = frame.filter(is_late).select(ROW, pl.lit(BEYOND).alias(REASON)).cast(NOTES)
        self.beyond[table] += len(late)
        self._notes[BEYOND].append(late)
        return frame.filter(~is_late)

    def tally(self) -> dict[str, Any]:
        """What became of the rows, counted as a run counts: days that are not kept explain a row first."""
        bad, beyond, filtered, made = (pl.concat(self._notes[name]) for name in (REJECTED, BEYOND, FILTERED, ROW))
        accepted = made.join(bad, on=ROW, how="anti").unique()
        return tally(self.rows, bad, accepted, pl.concat([beyond, filtered])).to_json()
