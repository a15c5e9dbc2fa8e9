"""One company, whichever vendor printed it: what its files become, read as a vendor's feeds say.

A vendor's test prints the company's tables with that vendor's writer (`infra.sample`), reads them with its feeds
(`feeds/vendors/<vendor>`), and compares with what Workday's own reports became: the canonical rows must be the same.
"""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from infra.sample.exports import Company, simulate
from infra.sample.plan import DELIVERIES, Plan
from pipelines.base.store import FileStore
from pipelines.ingest import feeds
from pipelines.ingest.__main__ import STEPS, one
from pipelines.ingest.batch import Batch
from pipelines.ingest.discover import discover
from pipelines.ingest.filled import FILLED, LENGTHS
from pipelines.ingest.map import CODES, REJECTED
from pipelines.ingest.read import ROW

FEEDS: Final = Path(__file__).parents[2] / "feeds"
VENDORS: Final = FEEDS / "vendors"
PLAN: Final = Plan(300)
DELIVERY: Final = DELIVERIES["history"]


@cache
def company() -> Company:
    """The company that every writer prints."""
    return simulate(PLAN)


def canonical(folder: Path, declared: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """Table -> canonical rows that a vendor's files become; what follows ingest's mapping is the same for every vendor.

    Args:
        folder: Its `exports` holds the files; the store and the feeds are put beside them.
        declared: Feed files.
        monkeypatch: Names the zones.

    Returns:
        [n_rows] rows without `source_row`, in an order of their own. No row may be rejected.
    """
    (folder / "feeds").mkdir(parents=True)
    for feed in declared:
        shutil.copy(feed, folder / "feeds")
    store = FileStore(folder / "store")
    monkeypatch.setenv("CANDOR_EXPORTS", str(folder / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(folder / "feeds"))
    monkeypatch.setenv("CANDOR_STORE", store.url)
    batch, loaded = Batch(store, "vendor"), feeds.load(folder / "feeds")
    discover(batch)
    units = batch.units()
    assert {unit.feed for unit in units} == set(loaded), "every feed must find a file"
    for name in STEPS:
        said = [one(name, batch, unit, loaded) for unit in units]
        assert not [line for line in said if line.startswith("held")]
    mapped = [batch.place(unit) / "mapped" for unit in units]
    rejected = pl.concat([pl.read_ipc(place / REJECTED / "*.arrow") for place in mapped])
    assert rejected.is_empty(), rejected.group_by("table", "reason_code").len()
    tables = sorted(
        {part.parent.name for place in mapped for part in place.glob("*/*.arrow")} - {REJECTED, FILLED, LENGTHS, CODES}
    )
    frames = {}
    for table in tables:
        found = [pl.read_ipc(part).drop(ROW) for place in mapped for part in place.glob(f"{table}/*.arrow")]
        frames[table] = pl.concat(found).sort(pl.all())
    return frames
