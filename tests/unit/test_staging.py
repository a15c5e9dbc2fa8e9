import os
import signal
import tempfile
from pathlib import Path

import pytest

from pipelines.base import staging
from pipelines.base.errors import SourceUnavailable
from pipelines.base.store import FileStore
from pipelines.ingest.batch import CHECK, Batch, result, tidy, write_json


def killed(work) -> None:
    """Do something in a process of its own, which ends by SIGKILL within it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_living_writer_holds_is_not_swept(tmp_path):
    with staging.new_file(tmp_path) as file, staging.new_folder(tmp_path) as folder:
        staging.sweep(tmp_path.iterdir())
        assert file.exists()
        assert folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_no_file_stays_open_after_it_was_written(tmp_path):
    store, handles = FileStore(tmp_path / "store"), Path("/proc/self/fd")
    before = len(list(handles.iterdir()))
    for number in range(5):
        write_json(tmp_path / "a.json", {})
        store.put(f"reports/{number}.json", b"whole")
    assert len(list(handles.iterdir())) == before, "of many files the process would run out of handles"


def test_a_killed_writers_half_file_is_gone_after_the_next_write_in_its_zone(tmp_path):
    def half() -> None:
        with FileStore(tmp_path)._staged("reports/a/b.json") as staged:
            staged.write_bytes(b"half")
            die()

    killed(half)
    store = FileStore(tmp_path)
    assert [path.read_bytes() for path in (tmp_path / "reports/.staged").iterdir()] == [b"half"]
    assert store.list("reports") == []
    store.put("reports/other.json", b"whole")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "reports/other.json"]


def test_a_killed_steps_half_folder_is_gone_when_any_batch_is_planned(tmp_path):
    store = FileStore(tmp_path)
    batch = Batch(store, "b")

    def half() -> None:
        with result(batch.folder / "unit" / "raw") as out:
            (out / ".source").write_text("a person's cells")
            die()

    killed(half)
    assert list(tmp_path.rglob(".source"))
    tidy(store)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_check_read_is_gone_when_any_batch_is_planned_or_anybody_forgotten(tmp_path, monkeypatch):
    (temporary := tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def half() -> None:
        with staging.new_folder(temporary, CHECK) as out:
            (out / "raw").write_text("a person's cells")
            die()

    killed(half)
    with staging.new_folder(temporary, CHECK) as at_work:
        tidy(FileStore(tmp_path / "store"))
        assert list(temporary.iterdir()) == [at_work]


def test_a_folder_is_claimed_by_one_and_while_nobody_is_at_work_there(tmp_path):
    with staging.claimed(tmp_path) as mine, staging.claimed(tmp_path) as another:
        assert (mine, another, staging.is_held(tmp_path)) == (True, False, True)
    with staging.at_work(tmp_path), staging.claimed(tmp_path) as mine:
        assert not mine
    with staging.claimed(tmp_path / "swept away") as mine:
        assert not mine
    assert not staging.is_held(tmp_path)


def test_a_step_begun_again_replaces_the_half_folder_of_the_killed_try(tmp_path):
    def half() -> None:
        with result(tmp_path / "raw") as out:
            (out / "part").write_text("half")
            die()

    killed(half)
    with result(tmp_path / "raw") as out:
        (out / "part").write_text("whole")
    write_json(tmp_path / "done.json", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done.json", "raw"]
    assert (tmp_path / "raw/part").read_text() == "whole"


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_store_that_vanishes_under_a_command_is_not_begun_anew(tmp_path: Path, comes_back: bool):
    store = FileStore(tmp_path / "disk")
    store.put("lake/manifests/00000001.json", b"{}")
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    if comes_back:
        (tmp_path / "disk").mkdir()  # the empty folder under a mount that went away
    for act in (
        lambda: store.list("lake"),
        lambda: store.put("lake/x", b""),
        lambda: store.create("ledger/x", b""),
        lambda: store.read("lake/x"),
        lambda: store.uri("lake/workers"),
        lambda: store.lock("publish").__enter__(),
    ):
        with pytest.raises(SourceUnavailable, match="is gone or another one"):
            act()
    assert not (tmp_path / "disk" / "lake").exists()
