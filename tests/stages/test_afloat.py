"""A large file is read while it is on its way into landing, and nothing is published of what did not arrive there."""

import contextlib
import threading
from pathlib import Path

import pytest

from pipelines.base import landing
from pipelines.base.errors import SourceUnavailable
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import afloat, land
from pipelines.ingest import feeds as declared
from pipelines.ingest.afloat import Afloat
from pipelines.ingest.batch import Batch
from pipelines.ingest.read import csv
from tests.kills.roads import nothing_failed

BENCH = Path(__file__).parents[1] / "bench" / "feeds"
HEAD = "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At\n"
ROWS = "E1,00017,K1,2023-01,31.12.2021 23:59,02.01.2022 09:00\nE2,00018,K1,2023-01,31.12.2021 23:59,02.01.2022 09:00\n"
KEY = "landing/lms_enrolments/2022-12/"


@pytest.fixture
def lms(keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two exports; every file counts as large."""
    del keys
    folder = tmp_path / "exports" / "lms"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(BENCH))
    monkeypatch.setattr(ingest, "validator", lambda: contextlib.nullcontext(nothing_failed))
    monkeypatch.setattr(afloat, "LARGE", 1)
    (folder / "courses_2022-09.csv").write_text("Course ID,Title\nK1,One\n")
    (folder / "enrolments_2022-12.csv").write_text(HEAD + ROWS)
    return folder


def test_a_file_is_read_before_it_is_kept(lms, store, tmp_path, monkeypatch):
    was_read, kept = threading.Event(), FileStore.upload_new
    read = csv.read

    def late(self, key, path, *, may_keep=False):
        assert not key.startswith(KEY) or was_read.wait(20), "nothing was read until the file was kept"
        return kept(self, key, path, may_keep=may_keep)

    def told(source, *words, **named):
        if "enrolments" in str(source):
            was_read.set()
        return read(source, *words, **named)

    monkeypatch.setattr(FileStore, "upload_new", late)
    monkeypatch.setattr(csv, "read", told)
    assert "3 rows in = 3 accepted" in ingest.run(Batch(store, "first"), None)
    (key,) = store.list(KEY)
    assert landing.read(store, key, tmp_path / "back")
    assert (tmp_path / "back").read_text() == HEAD + ROWS
    assert not [path for path in Batch(store, "first").folder.rglob(".*") if path.is_file()], "a copy was left"


def test_what_cannot_be_kept_is_not_published_and_the_next_run_takes_it_in(lms, store, monkeypatch):
    def full(*_, **__):
        raise SourceUnavailable("The disk is full. Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "upload_new", full)
        with pytest.raises(SourceUnavailable, match="Make room"):
            ingest.run(Batch(store, "first"), None)
        assert Lake(store).manifest() is None
        assert store.list("landing") == []
    assert "3 rows in = 3 accepted" in ingest.run(Batch(store, "first"), None)
    assert len(store.list("landing")) == 2


def test_a_file_that_changes_while_it_is_sealed_is_held_and_nothing_of_it_is_kept(lms, store, monkeypatch):
    later = landing.write_later

    def changed(to, key, source, sha256, **named):
        if key.startswith(KEY):
            (lms / "enrolments_2022-12.csv").write_text(HEAD + ROWS.replace("E2", "E3"))
        return later(to, key, source, sha256, **named)

    monkeypatch.setattr(landing, "write_later", changed)
    assert "held lms_enrolments: changed_while_landing" in ingest.run(Batch(store, "first"), None)
    assert store.list(KEY) == []


def test_a_step_that_takes_a_file_in_ends_when_it_is_kept(lms, store, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", f"file://{store.root}")
    del lms
    assert ingest.main(["discover", "--batch", "first"]) == 0
    for unit in Batch(store, "first").units():
        assert ingest.main(["take", "first", unit.id]) == 0
        assert landing.is_kept(store, unit.landing_key)
    assert ingest.main(["take", "first", unit.id]) == 0, "again it changes nothing"
    assert capsys.readouterr().out.count("landed lms_") == 3


def test_a_step_that_cannot_keep_a_file_says_so(lms, store, monkeypatch, capsys):
    del lms
    monkeypatch.setenv("CANDOR_STORE", f"file://{store.root}")
    assert ingest.main(["discover", "--batch", "first"]) == 0

    def full(*_, **__):
        raise SourceUnavailable("The disk is full. Make room.")

    monkeypatch.setattr(FileStore, "upload_new", full)
    assert ingest.main(["take", "first", Batch(store, "first").units()[0].id]) != 0
    assert "Make room" in capsys.readouterr().err


def test_what_is_on_its_way_is_not_landed_a_second_time(lms, store, monkeypatch):
    """As when another file is looked up in it, and its bytes can be read a second time once they are kept."""
    monkeypatch.setenv("CANDOR_STORE", f"file://{store.root}")
    assert ingest.main(["discover", "--batch", "first"]) == 0
    batch, feeds, go_on, kept = Batch(store, "first"), declared.load(BENCH), threading.Event(), FileStore.upload_new
    unit = next(unit for unit in batch.units() if unit.name == "enrolments_2022-12.csv")

    def late(self, key, path, *, may_keep=False):
        return go_on.wait(20) and kept(self, key, path, may_keep=may_keep)

    monkeypatch.setattr(FileStore, "upload_new", late)
    with land.floating(batch):
        land.land(batch, unit, feeds[unit.feed])
        (lms / unit.name).unlink()
        land.land(batch, unit, feeds[unit.feed])
        assert land.fetched(batch, unit, lms / "one").read_text() == HEAD + ROWS
        threading.Timer(0.2, go_on.set).start()
        assert land.fetched(batch, unit, lms / "two").read_text() == HEAD + ROWS


@pytest.mark.parametrize(
    ("size", "before", "has_room"),
    [
        (afloat.LARGE - 1, 0, False),
        (afloat.LARGE, 0, True),
        (3 * afloat.AT_ONCE, 0, True),
        (afloat.AT_ONCE // 2, afloat.AT_ONCE // 2, True),
        (afloat.AT_ONCE // 2, afloat.AT_ONCE // 2 + 1, False),
    ],
)
def test_small_files_and_too_many_large_ones_are_kept_first(tmp_path, size, before, has_room):
    with Afloat() as some:
        if before:
            some.add("other", some.copy(tmp_path), before, lambda: None)
        assert some.has_room(size) is has_room


def test_on_a_server_a_file_is_kept_before_it_is_read(lms, store, monkeypatch):
    """What was taken in and whose upload then failed would be published, since a server is not asked again."""
    del lms
    monkeypatch.setattr(FileStore, "keeps_files", False)
    monkeypatch.setattr(landing, "write_later", None)
    assert "3 rows in = 3 accepted" in ingest.run(Batch(store, "first"), None)
    assert len(store.list("landing")) == 2
