"""What every store promises, on a folder and on a real S3 server alike."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from pipelines.base import delta
from pipelines.base.errors import ContractError
from pipelines.base.store import open_store

KEYS = ["ledger/1", "releases/screening/1", "ledger/segments/1"]
"""One that can change, and two that lie in the locked bucket."""


def test_an_object_is_read_back_as_it_was_put(any_store):
    any_store.put("ledger/1", b"abc")
    any_store.put("ledger/1", b"abcd")
    assert any_store.read("ledger/1") == b"abcd"
    assert any_store.size("ledger/1") == 4


@pytest.mark.parametrize("key", KEYS)
def test_create_writes_only_when_absent(any_store, key):
    assert not any_store.exists(key)
    assert any_store.create(key, b"first")
    assert not any_store.create(key, b"second")
    assert any_store.read(key) == b"first"
    assert any_store.exists(key)
    assert any_store.size(key) == 5


@pytest.mark.parametrize("key", KEYS)
def test_of_two_writers_one_wins_and_knows_it(any_store, key):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: any_store.create(key, str(n).encode()), range(8)))
    assert sum(won) == 1
    assert any_store.read(key) == str(won.index(True)).encode()


@pytest.mark.parametrize("key", KEYS)
def test_upload_new_never_overwrites(any_store, tmp_path, key):
    file = tmp_path / "file"
    file.write_bytes(b"first")
    assert any_store.upload_new(key, file)
    file.write_bytes(b"second")
    assert not any_store.upload_new(key, file)
    assert any_store.read(key) == b"first"


def test_large_files_go_and_come_in_parts(any_store, tmp_path):
    file, back = tmp_path / "large", tmp_path / "in a folder" / "back"
    file.write_bytes(os.urandom(1 << 20) * 20)
    any_store.upload("landing/x", file)
    any_store.download("landing/x", back)
    assert back.read_bytes() == file.read_bytes()
    assert [path.name for path in back.parent.iterdir()] == ["back"]


@pytest.mark.parametrize("key", KEYS)
def test_a_download_that_finds_nothing_leaves_nothing(any_store, tmp_path, key):
    with pytest.raises(ContractError, match="there is no such object"):
        any_store.download(key, tmp_path / "there" / "file")
    assert list((tmp_path / "there").glob("*")) == []


@pytest.mark.parametrize("act", ["read", "size"])
@pytest.mark.parametrize("key", KEYS)
def test_a_missing_object_is_a_contract_error(any_store, key, act):
    with pytest.raises(ContractError, match="there is no such object"):
        getattr(any_store, act)(key)


@pytest.mark.parametrize("key", KEYS)
def test_an_object_may_be_read_from_its_start_only(any_store, key):
    any_store.create(key, b"abcdef")
    assert any_store.read_start(key, 3) == b"abc"
    assert any_store.read_start(key, 9) == b"abcdef"
    with pytest.raises(ContractError, match="there is no such object"):
        any_store.read_start(f"{key}0", 3)


def test_listing_is_sorted_recursive_and_knows_both_buckets(any_store):
    for key in ("reports/b/2", "reports/a", "reports/b/1", "reportsx/a", "ledger/2"):
        any_store.put(key, b"")
    for key in ("ledger/segments/1", "releases/a/1", "releases/b/1"):
        any_store.create(key, b"")
    assert any_store.list("reports") == ["reports/a", "reports/b/1", "reports/b/2"]
    assert any_store.list("ledger") == ["ledger/2", "ledger/segments/1"]
    assert any_store.list("ledger/segments") == ["ledger/segments/1"]
    assert any_store.list("releases") == ["releases/a/1", "releases/b/1"]
    assert any_store.list("releases/a") == ["releases/a/1"]
    assert any_store.list("nothing") == []


def test_more_objects_than_a_page_holds_are_all_listed(any_store, monkeypatch):
    monkeypatch.setattr("pipelines.base.store.s3.PAGE", 2)
    monkeypatch.setattr("pipelines.base.store.write_once.PAGE", 2)
    for zone in ("lake", "releases"):
        for n in range(5):
            any_store.create(f"{zone}/{n}", b"")
        assert any_store.list(zone) == [f"{zone}/{n}" for n in range(5)]


def test_many_are_read_in_the_order_asked_for(any_store):
    for n in range(40):
        any_store.put(f"reports/{n}", str(n).encode())
    keys = [f"reports/{n}" for n in reversed(range(40))]
    assert list(any_store.read_many(keys)) == [str(n).encode() for n in reversed(range(40))]
    with pytest.raises(ContractError, match="there is no such object"):
        list(any_store.read_many(["reports/1", "reports/none"]))


def test_what_is_deleted_is_gone_and_deleting_nothing_is_no_error(any_store):
    any_store.put("keys/person", b"secret")
    any_store.delete("keys/person")
    any_store.delete("keys/person")
    assert not any_store.exists("keys/person")
    assert any_store.list("keys") == []


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", ""])
def test_keys_cannot_leave_the_store(any_store, key):
    for act in (any_store.read, any_store.delete, any_store.exists, lambda key: any_store.put(key, b"")):
        with pytest.raises(ContractError, match="relative path"):
            act(key)


def _append(url: str, times: int) -> None:
    made = open_store(url)
    for _ in range(times):
        with made.lock("count"):
            now = int(made.read("reports/count")) if made.exists("reports/count") else 0
            made.put("reports/count", str(now + 1).encode())


def test_the_lock_lets_one_process_at_a_time(any_store):
    context = get_context("spawn")
    workers = [context.Process(target=_append, args=(any_store.url, 10)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert any_store.read("reports/count") == b"20"


def test_the_lock_lets_one_thread_at_a_time(any_store):
    inside, most = [], []

    def enter(_: int) -> None:
        with any_store.lock("threads"):
            inside.append(threading.get_ident())
            most.append(len(inside))
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(8)))
    assert most == [1] * 8


def test_locks_of_other_names_do_not_wait(any_store):
    with any_store.lock("one"), any_store.lock("two"):
        any_store.put("reports/x", b"")


def test_delta_tables_lie_where_the_store_says(any_store):
    rows = pl.DataFrame({"bucket": [0, 1], "value": ["a", "b"]})
    first = delta.append(any_store, "lake/workers", rows, ["bucket"], after=None)
    second = delta.append(any_store, "lake/workers", rows, ["bucket"], after=first)
    assert (first, second) == (0, 1)
    assert len(delta.scan(any_store, "lake/workers", first).collect()) == 2
    assert len(delta.scan(any_store, "lake/workers", second).collect()) == 4
    assert delta.version(any_store, "lake/none") is None


def test_the_store_needs_no_s3_library_on_a_folder(tmp_path: Path):
    code = "import sys; from pipelines.base.store import open_store as o; o('file:///x'); print('boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
