"""What only a folder does, and what a store's URL must say. What every store promises is in tests/s3/test_stores.py."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines import audit
from pipelines.base.errors import ContractError, SettingsError, SourceUnavailable
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore, folder, open_store
from pipelines.base.store.s3 import S3Store


def test_listing_hides_what_is_being_written(store):
    store.put("reports/a", b"")
    (store.root / "reports" / ".staged" / "half").write_bytes(b"ha")
    assert store.list("reports") == ["reports/a"]


def test_a_missing_object_is_a_contract_error_that_names_the_key(store):
    with pytest.raises(ContractError, match=r"must hold releases/x; there is no such object"):
        store.read("releases/x")


def test_many_objects_are_read_as_one_is(store):
    large = bytes(range(256)) * 1000
    store.put("reports/a", b"1")
    store.put("reports/b", large)
    assert list(store.read_many(["reports/b", "reports/a", "reports/b"])) == [large, b"1", large]
    for key, match in (("reports/x", "no such object"), ("reports", "no such object"), ("../x", "relative path")):
        with pytest.raises(ContractError, match=match):
            list(store.read_many(["reports/a", key]))


def test_many_objects_are_not_read_from_another_disk(store, monkeypatch):
    monkeypatch.setattr(folder, "_LOOK", 2)
    for name in "abc":
        store.put(f"reports/{name}", b"1")
    found = store.read_many([f"reports/{name}" for name in "abc"])
    assert [next(found), next(found)] == [b"1", b"1"]
    store.root.rename(store.root.with_name("away"))
    other = FileStore(store.root)
    for name in "abc":
        other.put(f"reports/{name}", b"2")
    with pytest.raises(SourceUnavailable, match="must stay"):
        next(found)


@pytest.mark.parametrize("name", ["with space", "50% of it", "a#b?c", "größe"])
def test_a_url_may_name_any_folder(tmp_path, name):
    made = FileStore(tmp_path / name)
    made.put("a", b"1")
    assert open_store(made.url).read("a") == b"1"


@pytest.mark.parametrize("url", ["gs://bucket/x", "folder", "file:relative"])
def test_an_unknown_kind_of_url_is_refused(url):
    with pytest.raises(SettingsError, match=r"CANDOR_STORE must be file:///absolute/folder or s3://bucket/prefix"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "lacks"),
    [
        ("s3://bucket/x", "it lacks locked=.* and retain_days="),
        ("s3://bucket/x?retain_days=3650", "it lacks locked=<the bucket with Object Lock>, another one. Correct"),
        ("s3://bucket/x?retain_days=3650&locked=bucket", "it lacks locked="),
        ("s3://bucket/x?locked=other", "it lacks retain_days=<days that releases and ledger segments stay locked>"),
        ("s3://bucket/x?locked=other&retain_days=0", "it lacks retain_days="),
        ("s3://bucket/x?locked=other&retain_days=ten", "it lacks retain_days="),
        ("s3:///x?locked=other&retain_days=1", "it lacks a bucket"),
        ("s3://bucket/x?locked=other&retain_days=1&region=eu", "it has other words"),
    ],
)
def test_a_url_of_s3_says_everything_that_the_store_needs(url, lacks):
    with pytest.raises(SettingsError, match=lacks):
        open_store(url)


def test_a_whole_url_of_s3_opens_without_a_server():
    assert isinstance(open_store("s3://bucket/a/company/?locked=other&retain_days=3650"), S3Store)


@pytest.mark.parametrize(
    ("number", "error", "told"),
    [
        (errno.ENOSPC, SourceUnavailable, "must have room; the disk of .* is full. Nothing was changed"),
        (errno.EDQUOT, SourceUnavailable, "must have room"),
        (errno.EIO, SourceUnavailable, "must answer; .* did not"),
        (errno.ESTALE, SourceUnavailable, "must answer; .* did not"),
        (errno.EROFS, SettingsError, "must be open to this account"),
        (errno.EACCES, SettingsError, "must be open to this account"),
    ],
)
@pytest.mark.parametrize("act", ["put", "create", "upload", "upload_new"])
def test_a_disk_that_fails_while_writing_leaves_the_old_object(
    store, tmp_path, monkeypatch, *, number, error, told, act
):
    (tmp_path / "file").write_bytes(b"new")
    store.put("reports/x", b"old")

    def fail(*_: object) -> None:
        raise OSError(number, "the kernel's word")

    for name in ("write_bytes", "replace"):
        monkeypatch.setattr(Path, name, fail)
    monkeypatch.setattr(folder.os, "link", fail)
    key = "reports/x" if act in ("put", "upload") else "reports/new"
    with pytest.raises(error, match=told):
        getattr(store, act)(key, tmp_path / "file" if "upload" in act else b"new")
    monkeypatch.undo()
    assert store.read("reports/x") == b"old"
    assert store.list("reports") == ["reports/x"]
    assert list((store.root / "reports" / ".staged").iterdir()) == []


def test_of_many_first_writers_none_takes_the_new_folder_for_another_one(tmp_path):
    for number in range(200):
        store = FileStore(tmp_path / f"store {number}")
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda n, store=store: store.create("ledger/1", str(n).encode()), range(8)))
        assert sum(won) == 1


@pytest.fixture
def broken(store):
    """A store whose ledger, manifests and lock the disk no longer gives: links that lead to themselves."""
    store.put("lake/files/x", b"")
    for key in ("ledger", "lake/manifests", ".locks/publish"):
        path = store.root / key
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(path)
    return store


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "act",
    [
        lambda store, _: store.list("ledger"),
        lambda store, _: store.read("ledger/1"),
        lambda store, _: store.exists("ledger/1"),
        lambda store, _: store.size("ledger/1"),
        lambda store, _: store.delete("ledger/1"),
        lambda store, folder: store.download("ledger/1", folder / "file"),
        lambda store, _: store.lock("publish").__enter__(),
        lambda store, _: audit.append(store, audit.Tag.MODEL_HELD, "screening"),
        lambda store, _: Lake(store).manifest(),
    ],
)
def test_what_the_disk_does_not_give_is_an_error_and_never_an_empty_zone(broken, tmp_path, act):
    with pytest.raises(SourceUnavailable, match=r"The store must answer; .* did not"):
        act(broken, tmp_path)


@pytest.mark.parametrize("prefix", ["nothing", "ledger/1", "ledger/1/below"])
def test_a_prefix_that_is_no_folder_holds_nothing(store, prefix):
    store.put("ledger/1", b"")
    assert store.list(prefix) == []
    assert not store.exists(f"{prefix}/x")


def test_an_error_of_what_is_done_under_a_lock_stays_what_it_is(store):
    with pytest.raises(PermissionError), store.lock("publish"):
        raise PermissionError(errno.EACCES, "of somebody else's file")


def test_a_share_that_cannot_sync_a_folder_is_as_good_as_it_gets(store, monkeypatch):
    fsync = folder.os.fsync

    def of_files_only(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "the kernel's word")
        fsync(handle)

    monkeypatch.setattr(folder.os, "fsync", of_files_only)
    assert store.create("ledger/1", b"1")
    assert store.read("ledger/1") == b"1"


def test_a_file_that_may_be_kept_becomes_the_object_and_another_stays_its_writers(store, tmp_path):
    for name in ("kept", "copied"):
        (tmp_path / name).write_bytes(b"first")
    assert store.upload_new("landing/kept", tmp_path / "kept", may_keep=True)
    assert store.upload_new("landing/copied", tmp_path / "copied")
    assert not store.upload_new("landing/kept", tmp_path / "copied", may_keep=True)
    same = [(tmp_path / name).samefile(store.root / "landing" / name) for name in ("kept", "copied")]
    assert same == [True, False]
    (tmp_path / "copied").write_bytes(b"second")
    assert store.read("landing/copied") == b"first"


def test_a_file_that_cannot_be_linked_from_where_it_lies_is_copied(store, tmp_path, monkeypatch):
    """Two mounts of one disk say the same device, and refuse a link all the same."""
    (tmp_path / "file").write_bytes(b"first")
    link = os.link

    def of_one_mount(source, target):
        if not Path(source).is_relative_to(store.root):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(source, target)

    monkeypatch.setattr(os, "link", of_one_mount)
    assert store.upload_new("landing/x", tmp_path / "file", may_keep=True)
    assert not store.upload_new("landing/x", tmp_path / "file", may_keep=True)
    assert store.read("landing/x") == b"first"
