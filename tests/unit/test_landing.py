"""Landed objects: sealed each under a key of its own, on a folder; tests/s3 has what a server promises."""

import errno
import hashlib
import io
import os
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base import landing
from pipelines.base.errors import ContractError
from pipelines.base.store import FileStore

pytestmark = pytest.mark.usefixtures("keys")
DAY = date(2026, 3, 5)
KEY = f"landing/workers/2026-03/{'a' * 64}/workers.json"


def land(store, data, key=KEY, day=DAY):
    scratch = store.root / "work"
    return landing.write(store, key, io.BytesIO(data), hashlib.sha256(data).hexdigest(), day=day, scratch=scratch)


def opened(store, key=KEY):
    """What is read back; None when it cannot be opened any more."""
    path = store.root / "work" / "back"
    return path.read_bytes() if landing.read(store, key, path) else None


@pytest.fixture
def small(monkeypatch):
    """Pieces of 4 bytes."""
    monkeypatch.setattr(landing, "PIECE", 4)


@pytest.mark.parametrize("data", [b"", b"abc", b"abcd", b"abcde", b"abcdefgh"])
def test_bytes_are_kept_sealed_and_come_back_exactly(store, small, data):
    assert land(store, data)
    assert opened(store) == data
    assert not data or data not in store.read(KEY)
    assert [path.name for path in (store.root / "work").iterdir()] == ["back"]


@given(data=st.binary(max_size=70), piece=st.integers(1, 16))
def test_any_bytes_in_pieces_of_any_size_come_back(tmp_path_factory, data, piece):
    store = FileStore(tmp_path_factory.mktemp("s"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_VAULT_KEY", "22" * 32)
        patch.setattr(landing, "PIECE", piece)
        land(store, data)
        assert opened(store) == data


def test_a_long_file_reaches_the_disk_while_it_is_sealed(store, small, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", lambda handle: synced.append(os.fstat(handle).st_size))
    assert land(store, bytes(4 * 64 * 3 + 1))  # 193 pieces of 4 bytes, asked for after every 64
    assert len(synced) == 3
    assert opened(store) == bytes(4 * 64 * 3 + 1)


def test_a_fault_of_the_disk_while_a_file_is_sealed_is_not_lost(store, small, monkeypatch):
    def faulty(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", faulty)
    with pytest.raises(OSError, match="Input/output error"):
        land(store, bytes(4 * 64))
    assert not landing.is_kept(store, KEY)


def test_the_first_line_names_the_form_the_day_and_the_key(store):
    land(store, b"abc")
    [name] = store.list("keys/landing")
    place = name.removeprefix("keys/landing/").removesuffix(".sealed")
    assert place.startswith("2026-03-05/")
    assert store.read(KEY).startswith(f"candor-landed-1 {place}\n".encode())


def test_bytes_landed_twice_are_one_object_under_one_key(store):
    land(store, b"abc")
    before = store.read(KEY)
    land(store, b"abc")
    land(store, b"abc", day=date(2026, 3, 6))
    assert store.read(KEY) == before
    assert opened(store) == b"abc"


def test_a_writer_killed_after_its_key_was_made_is_followed_by_one_that_uses_it(store, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "upload_new", die)
        with pytest.raises(Killed):
            land(store, b"abc")
    keys = store.list("keys/landing")
    land(store, b"abc")
    assert store.list("keys/landing") == keys
    assert len(keys) == 1
    assert opened(store) == b"abc"


def test_bytes_that_are_not_those_expected_are_not_kept(store):
    assert not landing.write(store, KEY, io.BytesIO(b"other"), "0" * 64, day=DAY, scratch=store.root / "work")
    assert store.list("landing") == []


def pieces(store):
    """The first line and the sealed pieces of 4 bytes."""
    line, _, rest = store.read(KEY).partition(b"\n")
    return line + b"\n", [rest[at : at + 20] for at in range(0, len(rest), 20)]


@pytest.mark.parametrize(
    "change",
    [
        lambda one, two, three: [one, two],
        lambda one, two, three: [two, one, three],
        lambda one, two, three: [one, three],
        lambda one, two, three: [one, two, three[:-1]],
        lambda one, two, three: [one, two, three, three],
        lambda one, two, three: [one, two, bytes([three[0] ^ 1]) + three[1:]],
    ],
    ids=["cut", "out of order", "one missing", "cut within", "longer", "a bit"],
)
def test_changed_pieces_are_refused_and_nothing_is_written(store, small, change):
    land(store, b"abcdefghijkl")
    line, found = pieces(store)
    store.put(KEY, line + b"".join(change(*found)))
    with pytest.raises(ContractError, match="one of workers is not: it was cut, changed or moved"):
        opened(store)
    assert [path.name for path in (store.root / "work").iterdir()] == []


def test_a_cut_is_seen_by_the_pieces_alone_whatever_digest_is_kept_with_the_key(store, small):
    land(store, b"abcdefghijkl")
    [name] = store.list("keys/landing")
    material, _ = landing._unwrapped(store.read(name), name)
    store.put(name, landing._wrapped(material, hashlib.sha256(b"abcdefgh").hexdigest(), name))
    line, (one, two, _) = pieces(store)
    store.put(KEY, line + one + two)
    with pytest.raises(ContractError, match="it was cut"):
        opened(store)


def test_an_object_does_not_open_in_anothers_place(store):
    land(store, b"abc")
    other = KEY.replace("workers.json", "others.json")
    store.put(other, store.read(KEY))
    with pytest.raises(ContractError, match="moved"):
        opened(store, other)


def test_bytes_in_clear_are_no_landed_object(store):
    store.put(KEY, b"Worker_ID,Name\n")
    with pytest.raises(ContractError, match="must begin with its form and its key; one of workers does not"):
        opened(store)


def test_without_the_vault_key_nothing_opens(store, monkeypatch):
    land(store, b"abc")
    monkeypatch.setenv("CANDOR_VAULT_KEY", "99" * 32)
    with pytest.raises(Exception, match="must be the one that sealed"):
        opened(store)


def test_rewritten_bytes_lie_under_a_new_key_of_the_same_day_and_the_old_one_is_gone(store):
    land(store, b"abc")
    [before], sealed = store.list("keys/landing"), store.read(KEY)
    landing.replace(store, KEY, io.BytesIO(b"bc"), store.root / "work")
    [after] = store.list("keys/landing")
    assert after != before
    assert after.startswith("keys/landing/2026-03-05/")
    assert opened(store) == b"bc"
    store.put(KEY, sealed)  # as a backup would
    assert opened(store) is None


@pytest.mark.parametrize("dying", ["upload", "delete"])
def test_a_rewriting_that_was_killed_is_finished_by_the_next(store, monkeypatch, dying):
    land(store, b"abc")

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, dying, die)
        with pytest.raises(Killed):
            landing.replace(store, KEY, io.BytesIO(b"bc"), store.root / "work")
    assert opened(store) == (b"abc" if dying == "upload" else b"bc")
    if dying == "upload":
        landing.replace(store, KEY, io.BytesIO(b"bc"), store.root / "work")
    else:
        landing.settle(store, KEY)
    assert opened(store) == b"bc"
    assert len(store.list("keys/landing")) == 1


def test_what_is_removed_leaves_neither_object_nor_key(store):
    land(store, b"abc")
    for _ in range(2):
        landing.remove(store, KEY)
        assert store.list("landing") + store.list("keys") == []


def test_what_landed_before_a_day_is_due_and_what_landed_on_it_is_not(store):
    land(store, b"abc")
    assert landing.due(store, DAY) == []
    assert landing.due(store, date(2026, 3, 6)) == store.list("keys/landing")


def test_what_was_let_go_cannot_be_opened_and_can_land_again(store):
    land(store, b"abc")
    sealed = store.read(KEY)
    for _ in range(2):
        landing.let_go(store, store.list("keys/landing"))
        assert opened(store) is None
    assert store.read(KEY) == sealed.partition(b"\n")[0] + b"\n"
    assert not landing.is_kept(store, KEY)
    land(store, b"abc", day=date(2027, 3, 5))
    assert opened(store) == b"abc"
    assert landing.due(store, date(2027, 3, 5)) == []


def test_an_object_of_which_only_the_key_is_gone_is_let_go_too(store):
    land(store, b"abc")
    [name] = store.list("keys/landing")
    store.delete(name)
    assert opened(store) is None
    assert not landing.is_kept(store, KEY)


def test_a_key_left_by_a_killed_writer_takes_nothing_of_the_one_after_it(store):
    land(store, b"abc")
    store.delete(KEY)  # as if killed between key and object
    land(store, b"abc", day=date(2026, 3, 6))
    landing.let_go(store, landing.due(store, date(2026, 3, 6)))
    assert opened(store) == b"abc"
    assert len(store.list("keys/landing")) == 1


def test_memory_does_not_grow_with_the_file(store, tmp_path):
    """64 MiB, sealed and opened by a process that may not grow by half of it."""
    file = tmp_path / "file"
    file.write_bytes(os.urandom(1 << 26))
    code = f"""
import hashlib, pathlib, resource
from datetime import date
from pipelines.base import landing
from pipelines.base.store import open_store
store, file = open_store(), pathlib.Path({str(file)!r})
with file.open("rb") as source:
    sha256 = hashlib.file_digest(source, "sha256").hexdigest()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with file.open("rb") as source:
    assert landing.write(store, {KEY!r}, source, sha256, day=date(2026, 3, 5), scratch=file.parent / "scratch")
assert landing.read(store, {KEY!r}, file.with_name("back"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1 << 15  # KiB
    assert file.with_name("back").read_bytes() == file.read_bytes()
