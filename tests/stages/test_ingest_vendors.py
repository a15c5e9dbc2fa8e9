"""One company, whichever vendor printed it: the canonical rows are the same."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from infra.sample import successfactors, workday
from infra.sample.dialects import write_report
from infra.sample.exports import simulate
from infra.sample.plan import DELIVERIES, Plan
from pipelines.base.contracts import TABLES
from pipelines.base.store import FileStore
from pipelines.ingest import feeds
from pipelines.ingest.__main__ import STEPS, one
from pipelines.ingest.batch import Batch
from pipelines.ingest.discover import discover
from pipelines.ingest.map import REJECTED
from pipelines.ingest.read import ROW

FEEDS = Path(__file__).parents[2] / "feeds"
PLAN, DELIVERY = Plan(300), DELIVERIES["history"]


def canonical(folder: Path, feed: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """Workers that a company's files become, read as `feed` says; what follows is the same code for every vendor."""
    (folder / "feeds").mkdir(parents=True)
    shutil.copy(feed, folder / "feeds")
    monkeypatch.setenv("CANDOR_EXPORTS", str(folder / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(folder / "feeds"))
    store = FileStore(folder / "store")
    monkeypatch.setenv("CANDOR_STORE", store.url)
    batch, declared = Batch(store, "vendor"), feeds.load(folder / "feeds")
    discover(batch)
    for unit in batch.units():
        assert [one(step, batch, unit, declared).split()[0] for step in STEPS] == ["landed", "read", "mapped"]
    mapped = [batch.place(unit) / "mapped" for unit in batch.units()]
    assert not any(len(pl.read_parquet(place / REJECTED / "*.parquet")) for place in mapped)
    rows = pl.concat([pl.read_parquet(part) for place in mapped for part in place.glob("workers/*.parquet")])
    return rows.drop(ROW).sort("person_id")


def test_workers_of_workday_and_of_successfactors_are_the_same(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    workers = simulate(PLAN).workers
    rows = list(workday.worker_rows(PLAN, workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    assert successfactors.write_employments(PLAN, workers, DELIVERY, tmp_path / "s" / "exports") == len(rows)
    printed = canonical(tmp_path / "w", FEEDS / "workday_workers.yaml", monkeypatch)
    feed = FEEDS / "vendors" / "successfactors" / "successfactors_employments.yaml"
    other = canonical(tmp_path / "s", feed, monkeypatch)
    assert set(printed.columns) == {*TABLES["workers"].schema, "known_from", "known_from_basis"}
    assert len(printed) == len(rows)
    assert printed.null_count().row(0, named=True)["terminated_at"] == sum(not row["Termination_Date"] for row in rows)
    assert other.equals(printed)


def test_a_page_is_what_successfactors_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    count = successfactors.write_employments(PLAN, simulate(PLAN).workers, DELIVERY, tmp_path)
    pages = [json.loads(file.read_text()) for file in sorted((tmp_path / "successfactors").iterdir())]
    assert [len(page["d"]["results"]) for page in pages[:-1]] == [128] * (len(pages) - 1)
    assert sum(len(page["d"]["results"]) for page in pages) == count
    assert ["__next" in page["d"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert successfactors.day("2020-03-02") == "/Date(1583107200000)/"
    assert successfactors.moment("2021-04-19T01:35:44.000Z") == "/Date(1618796144000+0000)/"
