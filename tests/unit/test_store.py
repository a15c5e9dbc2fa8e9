"""What only a folder does, and what a store's URL must say. What every store promises is in tests/s3/test_stores.py."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.base.errors import ContractError, SettingsError, SourceUnavailable
from pipelines.base.store import FileStore, folder, open_store
from pipelines.base.store.s3 import S3Store


def test_listing_hides_what_is_being_written(store):
    store.put("reports/a", b"")
    (store.root / "reports" / ".staged" / "half").write_bytes(b"ha")
    assert store.list("reports") == ["reports/a"]


def test_a_missing_object_is_a_contract_error_that_names_the_key(store):
    with pytest.raises(ContractError, match=r"must hold releases/x; there is no such object"):
        store.read("releases/x")


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
