from multiprocessing import get_context
from pathlib import Path

import pytest

from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import FileStore, open_store


def test_an_object_is_read_back_as_it_was_put(store):
    store.put("ledger/1", b"abc")
    store.put("ledger/1", b"abcd")
    assert store.read("ledger/1") == b"abcd"
    assert store.size("ledger/1") == 4


def test_create_writes_only_when_absent(store):
    assert store.create("ledger/1", b"first")
    assert not store.create("ledger/1", b"second")
    assert store.read("ledger/1") == b"first"


def test_upload_new_never_overwrites(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"first")
    assert store.upload_new("landing/x", file)
    file.write_bytes(b"second")
    assert not store.upload_new("landing/x", file)
    assert store.read("landing/x") == b"first"


def test_listing_is_sorted_recursive_and_hides_what_is_being_written(store):
    for key in ("reports/b/2", "reports/a", "reports/b/1"):
        store.put(key, b"")
    (store.root / "reports" / ".staged" / "half").write_bytes(b"ha")
    assert store.list("reports") == ["reports/a", "reports/b/1", "reports/b/2"]
    assert store.list("nothing") == []


def test_a_missing_object_is_a_contract_error_that_names_the_key(store):
    with pytest.raises(ContractError, match=r"must hold releases/x; there is no such object"):
        store.read("releases/x")


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", ""])
def test_keys_cannot_leave_the_store(store, key):
    with pytest.raises(ContractError, match="relative path"):
        store.put(key, b"")


def test_a_url_may_hold_a_space(tmp_path):
    made = FileStore(tmp_path / "with space")
    made.put("a", b"1")
    assert open_store(made.url).read("a") == b"1"


@pytest.mark.parametrize("url", ["s3://bucket/x", "folder", "file:relative"])
def test_an_unknown_kind_of_url_is_refused(url):
    with pytest.raises(SettingsError, match="CANDOR_STORE must be file:///absolute/folder"):
        open_store(url)


def _append(root: str, times: int) -> None:
    made = FileStore(Path(root))
    for _ in range(times):
        with made.lock("count"):
            now = int(made.read("count")) if made.exists("count") else 0
            made.put("count", str(now + 1).encode())


def test_the_lock_lets_one_process_at_a_time(store):
    context = get_context("spawn")
    workers = [context.Process(target=_append, args=(str(store.root), 25)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert store.read("count") == b"50"
