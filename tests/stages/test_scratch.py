"""What a batch leaves on its way is there as long as somebody reads it, and no longer."""

import contextlib
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import lake, landing
from pipelines.base.contracts import TABLES
from pipelines.base.digests import row_digests
from pipelines.base.errors import SourceUnavailable
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import unseal_frame
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import batch as batches
from pipelines.ingest.batch import Batch, drop
from pipelines.ingest.check import REASONS, let_go, rows_of, settle
from tests.kills.roads import nothing_failed

BENCH = Path(__file__).parents[1] / "bench" / "feeds"
HEAD = "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At\n"
BAD = "E1,00017,K1,2023-01,never,02.01.2022 09:00\n"
GOOD = "E2,00018,K1,2023-01,31.12.2021 23:59,02.01.2022 09:00\n"


@pytest.fixture
def checked(store: FileStore, keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """A batch that waits to be published: of its two files with enrolments one has a bad row."""
    del keys
    lms = tmp_path / "exports" / "lms"
    lms.mkdir(parents=True)
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(BENCH))
    monkeypatch.setattr(ingest, "validator", lambda: contextlib.nullcontext(nothing_failed))  # ten seconds
    (lms / "courses_2022-09.csv").write_text("Course ID,Title\nK1,One\n")
    (lms / "enrolments_2022-11.csv").write_text(HEAD + GOOD)
    (lms / "enrolments_2022-12.csv").write_text(HEAD + BAD + GOOD.replace("E2", "E3"))
    batch = Batch(store, "first")
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "finish", lambda _: "checked")
        assert ingest.run(batch, None) == "checked"
    return batch


def test_of_a_checked_batch_only_what_is_published_or_quarantined_is_left(checked):
    let_go(checked)
    let_go(checked)  # again, as after a kill
    units = checked.units()
    assert [checked.place(unit).joinpath("mapped").exists() for unit in units] == [False] * 3
    left = {unit.name: checked.place(unit).joinpath("raw").exists() for unit in units}
    assert left == {
        "courses_2022-09.csv": False,
        "enrolments_2022-11.csv": False,
        "enrolments_2022-12.csv": True,
    }
    assert not list(checked.folder.rglob(".*"))


def test_a_checked_batch_is_published_without_being_read_again(checked, store, monkeypatch):
    monkeypatch.setattr(ingest, "one", None)
    assert "4 rows in = 3 accepted + 1 quarantined" in ingest.run(checked, None)
    assert Lake(store).read("enrolments", Lake(store).require())["file_id"].n_unique() == 2
    (sealed,) = (key for key in store.list("quarantine") if key.endswith(".sealed"))
    assert unseal_frame(secret(VAULT_KEY), store.read(sealed))["Enrollment ID"].to_list() == ["E1"]


def test_what_a_power_cut_took_from_landing_is_landed_again_before_it_is_published(checked, store):
    for key in store.list("landing"):
        store.delete(key)
    assert "4 rows in = 3 accepted + 1 quarantined" in ingest.run(checked, None)
    assert len(store.list("landing")) == 3
    assert all(landing.is_kept(store, unit.landing_key) for unit in checked.units())


def test_a_fault_of_the_disk_beside_reading_is_not_lost(checked, store, tmp_path, monkeypatch):
    """A disk tells it once: who asks again hears that all is well."""
    (tmp_path / "exports" / "lms" / "courses_2023-01.csv").write_text("Course ID,Title\nK2,Two\n")

    def faulty(_):
        raise SourceUnavailable("The store must answer.")

    monkeypatch.setattr(ingest, "settle", faulty)
    with pytest.raises(SourceUnavailable, match="must answer"):
        ingest.run(Batch(store, "second"), None)
    assert Lake(store).manifest() is None


def test_what_is_in_landing_and_at_its_source_no_more_is_not_published(checked, store, tmp_path):
    """Nobody could ever read it again; once it is back, the same command goes on."""
    lost = next(unit for unit in checked.units() if unit.name == "enrolments_2022-11.csv")
    store.delete(lost.landing_key)
    there = tmp_path / "exports" / "lms" / lost.name
    there.rename(tmp_path / "elsewhere")
    with pytest.raises(SourceUnavailable, match="Nothing was published"):
        ingest.run(checked, None)
    assert Lake(store).manifest() is None
    (tmp_path / "elsewhere").rename(there)
    assert "4 rows in = 3 accepted + 1 quarantined" in ingest.run(checked, None)


def test_the_digests_of_what_is_published_are_those_of_its_rows(checked, store, monkeypatch):
    assert sorted(path.name for path in checked.folder.glob("checked/digests/*")) == [
        "courses.arrow",
        "enrolments.arrow",
    ]
    monkeypatch.setattr(lake, "row_digests", None)  # taken before
    ingest.run(checked, None)
    for name in ("courses", "enrolments"):
        rows = Lake(store).read(name, Lake(store).require())
        assert rows["record_sha256"].equals(row_digests(rows.select(TABLES[name].schema.names())))
    assert not (checked.folder / "checked" / "digests").exists()


def test_a_row_that_fails_the_check_takes_its_own_digest_along(store, keys, tmp_path):
    del keys
    kinds = {**REASONS, "table": pl.String}
    courses = pl.DataFrame(
        {"course_id": ["a", "b", "c"], "unit_no": [0, 0, 0], "source_row": [1, 2, 3]},
        schema_overrides={"unit_no": pl.Int32},
    )
    out, batch = tmp_path / "checked", Batch(store, "first")
    for kind, frame in (("rows", courses), ("digests", pl.DataFrame({"record_sha256": ["A", "B", "C"]}))):
        (out / kind).mkdir(parents=True)
        frame.write_ipc(out / kind / "courses.arrow")
    bad = {"unit_no": [0], "source_row": [2], "table": ["courses"], "reason_code": ["odd"]}
    pl.DataFrame(schema=kinds).write_parquet(out / "rejected.parquet")
    pl.DataFrame(bad, schema_overrides=kinds).write_parquet(out / "failed.parquet")
    settle(batch, [], pl.DataFrame(schema=REASONS), out)
    left = rows_of(out, "courses").select("course_id", "record_sha256").collect()
    assert left.rows() == [("a", "A"), ("c", "C")]


def test_a_result_is_there_whole_or_not_at_all_while_it_is_dropped(tmp_path, monkeypatch):
    def killed_half_way(folder: Path, **_: object) -> None:
        assert not (tmp_path / "raw").exists()
        (folder / "part-0").unlink()

    def made() -> None:
        (tmp_path / "raw").mkdir()
        for name in ("part-0", "part-1"):
            (tmp_path / "raw" / name).write_text("cells")

    made()
    with monkeypatch.context() as patch:
        patch.setattr(batches.shutil, "rmtree", killed_half_way)
        drop(tmp_path / "raw")
    assert [path.name for path in tmp_path.glob("*/*")] == ["part-1"]
    made()
    drop(tmp_path / "raw")
    drop(tmp_path / "raw")
    assert not list(tmp_path.iterdir())
