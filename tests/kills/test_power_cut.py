"""A power cut: what a store has reported is there when the disk comes back, and no name holds half of its bytes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.s3.test_zones import courses

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk (see README, Tests)")
DATA = b"resume" * 10_000
ACTS = {
    "put": lambda store, file: store.put("keys/people/7", file.read_bytes()),
    "create": lambda store, file: store.create("releases/screening/1.json", file.read_bytes()),
    "upload": lambda store, file: store.upload("proposals/screening/x/model", file),
    "upload_new": lambda store, file: store.upload_new("releases/screening/x/model", file),
}


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[FileStore]:
    place.mkdir()
    if subprocess.run(["mount", "-o", "loop", image, place], check=False).returncode:
        pytest.skip(reason="this root may not mount a small disk (see README, Tests)")
    try:
        yield FileStore(place / "store")
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The image of a disk without files."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip(reason="a small disk needs mkfs.ext4 (see README, Tests)")
    image = tmp_path_factory.mktemp("disk") / "image"
    image.touch()
    os.truncate(image, 16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    return image


@pytest.fixture
def disk(empty, tmp_path):
    """A store on a small disk, and how to see it as after a power cut at this moment: only what was written through."""
    image = shutil.copy(empty, tmp_path / "image")
    with mounted(image, tmp_path / "before") as store:

        @contextmanager
        def cut() -> Iterator[FileStore]:
            with mounted(shutil.copy(image, tmp_path / "copy"), tmp_path / "after") as left:
                yield left

        yield store, cut


@pytest.mark.parametrize("act", ACTS)
def test_what_was_written_is_there_after_a_power_cut(disk, tmp_path, act):
    store, cut = disk
    (tmp_path / "file").write_bytes(DATA)
    ACTS[act](store, tmp_path / "file")
    key = next(path for path in store.root.rglob("*") if path.is_file()).relative_to(store.root).as_posix()
    with cut() as left:
        assert left.read(key) == DATA


def test_a_landed_file_is_whole_or_not_there_after_a_power_cut(disk, tmp_path):
    store, cut = disk
    (tmp_path / "file").write_bytes(DATA)
    store.upload_new("landing/resumes/2026-09/x/a.pdf", tmp_path / "file")
    with (store.root / "another").open("w") as other:
        os.fsync(other.fileno())  # lets the names of before reach the disk, but not the bytes of other files
    with cut() as left:
        assert left.read("landing/resumes/2026-09/x/a.pdf") == DATA


def test_what_was_deleted_does_not_come_back_after_a_power_cut(disk):
    store, cut = disk
    store.put("landing/x/person", DATA)
    os.sync()
    store.delete("landing/x/person")
    with cut() as left:
        assert left.list("landing") == []


@pytest.mark.usefixtures("keys")
def test_a_manifest_names_only_what_is_there_after_a_power_cut(disk, tmp_path):
    store, cut = disk
    (tmp_path / "file").write_bytes(DATA)
    store.upload_new("landing/resumes/2026-09/x/a.pdf", tmp_path / "file")
    store.settle(["landing/resumes/2026-09/x/a.pdf", "landing/resumes/2026-09/x/never.pdf"])
    made = Lake(store).publish("b1", {"courses": courses("a", "b")}, {}, {})
    audit.append(store, Tag.FILE_INGESTED, "b1")
    with cut() as left:
        lake = Lake(left)
        assert lake.require() == made
        assert lake.read("courses", made)["title"].to_list() == ["a", "b"]
        assert left.read("landing/resumes/2026-09/x/a.pdf") == DATA
        assert audit.verify(left) == []
        assert [entry.subject for entry in audit.entries(left)] == ["b1"]


def test_reports_and_landed_files_cost_one_wait_each(store, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(DATA)
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for number in range(3):
        store.put(f"reports/{number}/x", b"")
        store.upload_new(f"landing/resumes/2026-09/{number}/a.pdf", tmp_path / "file")
    assert len(synced) == 6


def test_what_was_settled_is_waited_for_again_only_when_it_is_another_file(store, tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def counted(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    key = "landing/resumes/2026-09/x/a.pdf"
    (tmp_path / "file").write_bytes(DATA)
    store.settle([key])  # not there yet
    store.upload_new(key, tmp_path / "file")
    monkeypatch.setattr(os, "fsync", counted)
    store.settle([key])
    assert [synced[0], set(synced[1:])] == [
        str(store.root / key),
        {str(folder) for folder in (store.root / key).parents if folder.is_relative_to(store.root)},
    ]
    synced.clear()
    store.settle([key])
    assert synced == []
    store.upload(key, tmp_path / "file")
    synced.clear()
    store.settle([key])
    assert synced[0] == str(store.root / key)
