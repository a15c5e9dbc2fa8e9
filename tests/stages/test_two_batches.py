"""Two batches that find the same new file, such as a backfill's and the daily run's, in every order of their steps."""

import contextlib
import itertools
import json
from collections.abc import Callable

import pytest
import yaml

from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, files
from pipelines.ingest import publish as publishing
from pipelines.ingest.batch import Batch
from tests.kills.roads import nothing_failed

from .test_checked_batch import COURSES

STEPS = ("discover", "take", "validate", "publish")
ORDERS = [
    "".join("b" if place in mine else "a" for place in range(8)) for mine in itertools.combinations(range(1, 8), 4)
]
"""Whose step is next; `a` begins, as the two are alike."""
ZONES = ("landing", "keys", "lake", "vault", "quarantine", "ledger")


class KilledError(Exception):
    pass


@pytest.fixture
def walk(keys, tmp_path, monkeypatch) -> Callable[[str], FileStore]:
    """Walks an order in a store of its own."""
    for name in ("feeds", "exports/hr"):
        (tmp_path / name).mkdir(parents=True)
    feed = COURSES | {"name": "courses", "files": r"courses_(?P<period>\d{8})\.csv"}
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(feed))
    (tmp_path / "exports/hr/courses_20260130.csv").write_text("id,title\nA,a\nB,\nC,c\n")
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))

    def walked(order: str) -> FileStore:
        store = FileStore(tmp_path / order)
        monkeypatch.setenv("CANDOR_STORE", store.url)
        left = {name: iter(STEPS) for name in "ab"}
        for name in order:
            step(store, next(left[name]), name)
        return store

    return walked


def step(store: FileStore, name: str, batch: str) -> None:
    if name == "discover":
        assert command.main(["discover", "--batch", batch]) == 0
    else:
        for unit in Batch(store, batch).units() if name == "take" else [None]:
            assert command.main([name, batch, *([unit.id] if unit else [])]) == 0


def kept(store: FileStore) -> dict[str, bytes]:
    return {key: store.read(key) for zone in ZONES for key in store.list(zone)}


def taken(store: FileStore) -> list[tuple[int, int, int]]:
    """Accepted, quarantined and filtered rows of each batch."""
    told = [json.loads(store.read(f"reports/ingest/{name}.json"))["counts"] for name in "ab"]
    counts = [counts.get("courses", dict.fromkeys(("accepted", "quarantined", "filtered"), 0)) for counts in told]
    return sorted((count["accepted"], count["quarantined"], count["filtered"]) for count in counts)


def is_once(store: FileStore) -> None:
    """Whether the rows are there once, the register knows of one file, and both batches done again change nothing."""
    rows = Lake(store).versions("courses", Lake(store).require())
    assert sorted(rows.select("course_id", "title").rows()) == [("A", "a"), ("C", "c")]
    assert [record.status for record in files.of_feed(store, "courses")] == ["published"]
    once = kept(store)
    for name in "ab":
        step(store, "publish", name)
        assert command.main(["run", "--batch", name]) == 0
    assert kept(store) == once


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_batches_one_takes_a_file_in(walk, order):
    store = walk(order)
    assert taken(store) in ([(0, 0, 0), (2, 1, 0)], [(0, 0, 3), (2, 1, 0)])
    (manifest,) = Lake(store).manifests()
    (record,) = files.of_feed(store, "courses")
    assert record.batch == manifest.batch_id
    is_once(store)


EFFECTS = ("_lake", "_quarantine", "_register")


@pytest.mark.parametrize("at", EFFECTS)
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("next_one", ["a", "b"])
def test_one_that_is_killed_while_it_publishes_leaves_it_to_either(walk, monkeypatch, at, is_done, next_one):
    """Once its manifest is there the other ends what it began: a rejected row is in quarantine once."""
    real = getattr(publishing, at)

    def dies(*given):
        if is_done:
            real(*given)
        raise KilledError

    store = walk("aaabbb")
    with monkeypatch.context() as during:
        during.setattr(publishing, at, dies)
        with pytest.raises(KilledError):
            command.finish(Batch(store, "a"))
    for name in (next_one, *({"a", "b"} - {next_one})):
        step(store, "publish", name)
    assert taken(store) in ([(0, 0, 0), (2, 1, 0)], [(0, 0, 3), (2, 1, 0)])
    (manifest,) = Lake(store).manifests()
    assert {key.split("/")[1] for key in store.list("quarantine")} == {manifest.batch_id}
    is_once(store)


@pytest.mark.parametrize("gone", ["landing", "checked"])
def test_one_that_cannot_be_ended_holds_up_nobody(walk, monkeypatch, tmp_path, gone):
    """Killed behind its manifest; then its file is gone from landing and from its source, or its folder is damaged."""
    store = walk("aaa")
    with monkeypatch.context() as during:
        during.setattr(publishing, "_quarantine", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            command.finish(Batch(store, "a"))
    (tmp_path / "exports/hr/courses_20260130.csv").rename(tmp_path / "exports/hr/courses_20260131.csv")
    (tmp_path / "exports/hr/courses_20260131.csv").write_text("id,title\nD,d\n")
    if gone == "landing":
        for key in store.list("landing"):
            store.delete(key)
    else:
        (Batch(store, "a").folder / "checked" / "tallies.json").unlink()
    assert command.main(["run", "--batch", "b"]) == 0
    assert "D" in Lake(store).versions("courses", Lake(store).require())["course_id"].to_list()


@pytest.mark.parametrize("step_of_b", ["discover", "publish"])
def test_one_that_is_still_publishing_is_left_alone(walk, monkeypatch, step_of_b):
    """Whoever is at work at a batch ends it: two at once would take the rows away from each other."""
    store = walk("aaabbb" if step_of_b == "publish" else "aaa")
    with monkeypatch.context() as during:
        during.setattr(publishing, "_register", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            command.finish(Batch(store, "a"))
    with Batch(store, "a").at_work():
        step(store, step_of_b, "b")
        assert not (Batch(store, "a").folder / "published.json").exists()
    assert step(store, "discover", "c") is None
    assert (Batch(store, "a").folder / "published.json").exists()
