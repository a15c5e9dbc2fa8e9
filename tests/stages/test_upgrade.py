"""A batch that a version before began, with its rows on their way as Parquet files, is finished by this one."""

import contextlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines import audit
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import unseal_frame
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import publish as publishing
from pipelines.ingest.batch import Batch, carry_over
from tests.kills.roads import nothing_failed

BENCH = Path(__file__).parents[1] / "bench" / "feeds"
HEAD = "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At\n"
BAD = "E1,00017,K1,2023-01,never,02.01.2022 09:00\n"
GOOD = "E2,00018,K1,2023-01,31.12.2021 23:59,02.01.2022 09:00\n"


class Killed(BaseException):
    pass


def killed(*_: object) -> None:
    raise Killed


@pytest.fixture
def store(store: FileStore, keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    """One in which nothing is yet; of three rows that wait two can be taken in."""
    del keys
    lms = tmp_path / "exports" / "lms"
    lms.mkdir(parents=True)
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(BENCH))
    monkeypatch.setattr(ingest, "validator", lambda: contextlib.nullcontext(nothing_failed))  # each costs ten seconds
    (lms / "courses_2022-09.csv").write_text("Course ID,Title\nK1,One\n")
    (lms / "enrolments_2022-12.csv").write_text(HEAD + BAD + GOOD)
    return store


def as_before(folder: Path) -> int:
    """Rewrite what is on its way as the version before left it; how many files."""
    for file in folder.glob("checked/digests/*.arrow"):
        rows = folder / "checked" / "rows" / file.name
        pl.read_ipc(rows).hstack(pl.read_ipc(file)).write_ipc(file.with_suffix(".both"))
        file.with_suffix(".both").replace(rows)
        file.unlink()
    found = list(folder.rglob("*.arrow"))
    for file in found:
        pl.read_ipc(file).write_parquet(file.with_suffix(".parquet"))
        file.unlink()
    return len(found)


def left(store: FileStore) -> dict[str, object]:
    (sealed, about) = sorted(store.list("quarantine"), reverse=True)
    lake, rejected = Lake(store), unseal_frame(secret(VAULT_KEY), store.read(sealed))
    return {
        "enrolled": lake.read("enrolments", lake.require())["enrolment_id"].to_list(),
        "rejected": rejected["Enrollment ID"].to_list(),
        "why": json.loads(store.read(about))["rows"],
        "ledger": [dict(entry.facts) for entry in audit.entries(store)],
    }


@pytest.mark.parametrize(
    ("owner", "name"),
    [(ingest, "check"), (publishing, "admit"), (publishing, "_quarantine")],
    ids=["mapped", "checked", "in the lake"],
)
def test_nothing_is_lost_over_an_upgrade(store, tmp_path, monkeypatch, owner, name):
    batch, whole = Batch(store, "first"), FileStore(tmp_path / "whole")
    ingest.run(Batch(whole, "first"), None)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            ingest.run(batch, None)
    assert as_before(batch.folder) >= 1
    assert "3 rows in = 2 accepted + 1 quarantined" in ingest.run(batch, None)
    assert left(store) == left(whole)
    assert len(left(store)["ledger"]) == 2


def test_a_step_of_its_own_carries_over_too_and_again_changes_nothing(store, monkeypatch):
    batch = Batch(store, "first")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_quarantine", killed)
        with pytest.raises(Killed):
            ingest.run(batch, None)
    count = as_before(batch.folder)
    shutil.copytree(batch.folder, batch.folder.with_name("other"))
    for _ in range(2):
        carry_over(batch.folder.with_name("other"))
        assert len(list(batch.folder.with_name("other").rglob("*.arrow"))) == count
        assert not list(batch.folder.with_name("other").glob("checked/rows/*.parquet"))
    shutil.rmtree(batch.folder.with_name("other"))
    monkeypatch.setenv("CANDOR_STORE", store.url)
    assert ingest.main(["publish", "first"]) == 0
    assert left(store)["rejected"] == ["E1"]
