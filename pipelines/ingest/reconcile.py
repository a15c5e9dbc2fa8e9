"""Prove by a full file that the deltas of the same system lost nothing: who they never told of, who they still have.

Reads   mapped           rows of full files whose feed says `reconciles`, and of those deltas in the same batch
        lake             what was believed when the full file was written; the register says from which feed it came
Writes  reconciled.json  counts by table and column: never a key, never a value

The full file is published like any other, so what the deltas missed is mended by it; this is the record that it was
missing. Whom the file does not have stays in the lake: leaving out is not deleting.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from pipelines.base import forgotten
from pipelines.base.contracts import TABLES, Table
from pipelines.base.lake import Lake, is_before
from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Unit
from pipelines.ingest.feeds import Feed

_TOLD: Final = "_told"
"""Whether any version of a key came from the feeds in question."""
_ORDER: Final = ("known_from", "source_row", "published_seq")
_IS_TOLD: Final = pl.lit(value=True).alias(_TOLD)
_LAST: Final = 1 << 40
"""The number under which this batch will be published: more than any has."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One table of one full file against what its deltas made of it."""

    rows: int
    """Keys in the file."""
    agree: int
    differ: int
    only_in_file: int
    """Keys of the file that were not in the lake."""
    only_in_lake: int
    """Keys that these feeds told of and that the file does not have, such as leavers of a file of those employed."""
    columns: Mapping[str, int]
    """Column -> keys that differ there."""


def reconcile(batch: Batch, feeds: Mapping[str, Feed]) -> list[dict[str, Any]]:
    """Compare every full file of a batch that reconciles deltas; of a held file nothing is said.

    Args:
        batch: Mapped, what is not plausible held.
        feeds: Declarations of its units.

    Returns:
        One comparison a file and table of the lake: feed, file_sha256, table, deltas and the fields of `Compared`. A
        file that comes before anything else of its feeds has none.
    """
    found = []
    for unit in (unit for unit in batch.units() if batch.held(unit) is None):
        full = feeds[unit.feed].full
        if full is None or not full.reconciles:
            continue
        for table in sorted({m.table for m in feeds[unit.feed].tables if TABLES[m.table].zone == "lake"}):
            believed = _believed(batch, unit, feeds, TABLES[table])
            if believed[_TOLD].any():
                about = {"feed": unit.feed, "file_sha256": unit.sha256, "table": table, "deltas": full.reconciles}
                found.append(about | asdict(compare(TABLES[table], _rows(batch, unit, TABLES[table]), believed)))
    return found


def compare(table: Table, file: pl.DataFrame, believed: pl.DataFrame) -> Compared:
    """Count what differs.

    Args:
        table: The contract.
        file: [n] rows of the full file, one or more a key; the newest counts.
        believed: [m] one row a key, and `_told`.
    """
    key, columns = list(table.key), [name for name in table.schema if name not in table.key]
    newest = file.sort("known_from", "source_row").unique(subset=key, keep="last")
    both = newest.join(believed, on=key, how="inner", suffix="_before", nulls_equal=True)
    wrong = both.select(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in columns)
    differ = wrong.filter(pl.any_horizontal(columns)).height if columns else 0
    gone = believed.filter(_TOLD).join(newest, on=key, how="anti", nulls_equal=True)
    by_column = {name: count for name in columns if (count := int(wrong[name].sum()))}
    return Compared(len(newest), len(both) - differ, differ, len(newest) - len(both), len(gone), by_column)


def _believed(batch: Batch, unit: Unit, feeds: Mapping[str, Feed], table: Table) -> pl.DataFrame:
    """The newest version a key known when a full file was written, without that file: of the lake and of this batch."""
    feed = feeds[unit.feed]
    names = (unit.feed, *(feed.full.reconciles if feed.full else ()))
    wanted = [*table.schema, *_ORDER]
    records = [record for name in names for record in files.of_feed(batch.store, name)]
    ours = {record.sha256 for record in records}
    # It may be read again; the same bytes under another name were told of another day.
    own = [
        files.manifest_of(r.since) for r in records if (r.feed, r.name, r.sha256) == (unit.feed, unit.name, unit.sha256)
    ]
    is_own = (pl.col("file_id") == unit.sha256) & (pl.col("published_seq") >= min(own, default=_LAST))
    earlier = [
        _rows(batch, other, table).with_columns(pl.lit(_LAST).alias(_ORDER[-1])).select(*wanted, _IS_TOLD)
        for other in batch.units()
        if other.feed in names and other.id != unit.id and batch.held(other) is None
    ]
    lake = Lake(batch.store)
    manifest = lake.manifest()
    if manifest is not None and table.name in manifest.tables:
        published = lake.scan(table.name, manifest).filter(~is_own)
        earlier.append(published.select(*wanted, pl.col("file_id").is_in(ours).alias(_TOLD)).collect())
    if not earlier:
        return pl.DataFrame(schema={**table.schema, _TOLD: pl.Boolean()})
    known = pl.concat(earlier, how="vertical_relaxed").filter(pl.col("known_from") <= feed.extraction(unit.groups))
    known = known.with_columns(pl.col(_TOLD).any().over(table.key))
    return known.sort("known_from", "published_seq", "source_row").unique(list(table.key), keep="last")


def _rows(batch: Batch, unit: Unit, table: Table) -> pl.DataFrame:
    """A unit's mapped rows of a table."""
    parts = sorted((batch.place(unit) / "mapped" / table.name).glob("*.arrow"))
    schema = {**table.schema, "known_from": pl.Datetime("us", "UTC"), "source_row": pl.Int64()}
    rows = pl.concat([pl.DataFrame(schema=schema), *(pl.read_ipc(part, columns=list(schema)) for part in parts)])
    before = Lake(batch.store).retired(table.name)  # the lake keeps nothing of earlier days to compare with
    kept = rows if before is None else rows.filter(~is_before(table, before))
    return forgotten.without(forgotten.everybody(batch.store), kept)[0]
