"""Exports on a server: OpenSSH's own where it behaves, one of ours where it must lie."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import pytest

from infra.setup import sshd
from pipelines.base import landing
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.store import FileStore
from pipelines.ingest import discover, pickup
from pipelines.ingest import feeds as declared
from pipelines.ingest.batch import Batch
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import CHANGED
from pipelines.ingest.sftp import connected
from tests.sources.conftest import courses
from tests.unit.document_files import LIMITS

CSV = b"id,title\nC1,Course 1\nC2,Course 2\n"
LARGE = 3 << 20


def feed() -> Feed:
    return declared.load(declared.folder())["courses"]


def seen(store: FileStore) -> pickup.Sighted:
    return pickup.sighted(store, [feed()])["courses"]


def landed(store: FileStore) -> list[str]:
    return store.list("landing")


@contextmanager
def relay(port: int, most: int, *, is_cut: bool) -> Iterator[int]:
    """A way to the server that ends, or goes silent, once so many bytes came from it."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def pump(source: socket.socket, target: socket.socket, left: int) -> None:
        try:
            while left > 0 and (data := source.recv(1 << 16)):
                target.sendall(data)
                left -= len(data)
            if not is_cut and left <= 0:
                is_over.wait()
        except OSError:
            pass
        finally:
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)  # a bare close waits for whoever still listens
                end.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            for words in ((near, far, 1 << 40), (far, near, most)):
                threading.Thread(target=pump, args=words, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        listener.close()


class Liar(asyncssh.SFTPServer):
    """Says of its one folder whatever a test wants it to say."""

    names: tuple[bytes, ...] = ()
    size = 3
    content = b"abc"

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for name in self.names:
            attrs = asyncssh.SFTPAttrs(size=self.size, permissions=0o100644, atime=1, mtime=1)
            yield asyncssh.SFTPName(name, attrs=attrs)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return path

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return (self.content * (size // len(self.content) + 1))[:size]

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return asyncssh.SFTPAttrs(size=self.size, permissions=0o100644, atime=1, mtime=1)

    def close(self, file_obj: object) -> None:
        pass


@pytest.fixture
def lying(sftp: dict[str, Any], declare: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """A server that lies takes the place of the real one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host = asyncssh.generate_private_key("ssh-ed25519")
    listening: list[asyncssh.SSHAcceptor] = []

    class Anybody(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

    def serve(**says: Any) -> None:
        liar = type("Saying", (Liar,), says)

        async def listen() -> asyncssh.SSHAcceptor:
            words = {"server_factory": Anybody, "server_host_keys": [host], "sftp_factory": liar}
            return await asyncssh.listen("127.0.0.1", 0, **words)

        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
        listening.append(server)
        pins = [f"ssh-ed25519 {host.get_fingerprint()}"]
        declare(location="", sftp=sftp | {"port": server.get_port(), "host_keys": pins})

    yield serve

    async def end() -> None:
        for server in listening:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_file_on_a_server_becomes_rows_once_and_stays_there(store, deliver, ingest, outbound):
    file = deliver("courses_2026-05.csv", CSV)
    before = (file.stat(), sorted(outbound.iterdir()))
    code, said = ingest("run", "--batch", "first")
    assert (code, courses(store)) == (0, ["C1", "C2"]), said
    (key,) = landed(store)
    assert key == f"landing/courses/2026-05/{sha256_bytes(CSV)}/courses_2026-05.csv"
    assert "nothing new" in ingest("run", "--batch", "second")[1]
    after = file.stat()
    assert sorted(outbound.iterdir()) == before[1]
    assert (after.st_mtime_ns, after.st_ino, after.st_size) == tuple(
        getattr(before[0], name) for name in ("st_mtime_ns", "st_ino", "st_size")
    )


def test_a_file_waits_for_its_marker(store, deliver, ingest):
    file = deliver("courses_2026-05.csv", CSV, marker=None)
    assert "not complete yet: courses 1" in ingest("run", "--batch", "first")[1]
    file.with_name("courses_2026-05.csv.done").touch()
    assert ingest("run", "--batch", "second")[0] == 0
    assert courses(store) == ["C1", "C2"]


def test_a_file_without_a_marker_is_taken_after_two_looks_that_saw_the_same(store, deliver, declare, monkeypatch):
    declare(ready={"untouched_seconds": 1})
    file = deliver("courses_2026-05.csv", CSV, marker=None)
    began = time.monotonic()
    assert [unit.name for unit in seen(store).units] == ["courses_2026-05.csv"]
    assert time.monotonic() - began >= 1
    waits: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.ingest.pickup.time", SimpleNamespace(time=time.time, sleep=waits.append))
        assert len(seen(store).units) == 1
    assert waits == [0], "what was seen long ago needs no second look"
    with file.open("ab") as more:
        more.write(b"C3,Course 3\n")
    assert [unit.size for unit in seen(store).units] == [len(CSV) + 12]


def test_a_file_that_grows_between_two_looks_waits(store, deliver, declare):
    declare(ready={"untouched_seconds": 1})
    file = deliver("courses_2026-05.csv", CSV, marker=None)
    is_over = threading.Event()

    def write_on() -> None:
        while not is_over.wait(0.2):
            with file.open("ab") as more:
                more.write(b"C3,Course 3\n")

    writer = threading.Thread(target=write_on)
    writer.start()
    found = seen(store)
    is_over.set()
    writer.join()
    assert (found.units, found.waiting) == ([], 1)


@pytest.mark.parametrize("end", [".tmp", ".part", ".filepart"])
def test_unfinished_names_are_no_files(store, deliver, declare, end):
    declare(files=r"courses_(?P<period>\d{4}-\d{2})\.csv.*")
    deliver(f"courses_2026-05.csv{end}", CSV)
    assert seen(store) == pickup.Sighted([], 0, {})


def test_a_manifest_on_the_server_must_say_what_the_file_is(store, deliver, declare, ingest):
    declare(ready={"manifest": ".json"})
    file = deliver("courses_2026-05.csv", CSV, marker=None)
    told = '{{"files": [{{"name": "courses_2026-05.csv", "sha256": "{}", "records": {}}}]}}'
    beside = file.with_name("courses_2026-05.csv.json")
    beside.write_text(told.format(sha256_bytes(CSV), 3))
    assert "other_records_than_manifest" in ingest("run", "--batch", "first")[1]
    beside.write_text(told.format(sha256_bytes(CSV), 2))
    ingest("run", "--batch", "second")
    assert courses(store) == ["C1", "C2"]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa"])
def test_a_server_with_another_key_is_not_spoken_to(*, store, deliver, declare, ingest, sftp, server, kind):
    deliver("courses_2026-05.csv", CSV)
    declare(sftp=sftp | {"host_keys": [f"{kind} SHA256:{'A' * 43}"]})
    code, said = ingest("run", "--batch", "first")
    assert code == 1, said
    assert "SettingsError: The server of courses must" in said
    assert f"it shows {server.host_key}" in said, "for its owner to confirm"
    assert (landed(store), store.list("lake")) == ([], [])


def test_one_of_two_pinned_keys_is_enough_while_a_key_is_replaced(store, deliver, declare, sftp, server):
    deliver("courses_2026-05.csv", CSV)
    declare(sftp=sftp | {"host_keys": [f"ssh-rsa SHA256:{'A' * 43}", server.host_key]})
    assert len(seen(store).units) == 1


def test_a_server_that_does_not_know_our_key_is_told_apart_from_one_that_is_silent(declare, ingest, monkeypatch):
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    monkeypatch.setenv("CANDOR_SFTP_TEST", other)
    code, said = ingest("run", "--batch", "first")
    assert (code, "SettingsError: The server of courses must let sftp.user in" in said) == (1, True)
    assert other.splitlines()[1] not in said


@pytest.mark.parametrize("value", ["", "no such file", "-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n"])
def test_a_key_that_is_none_is_told_by_its_variable(monkeypatch, ingest, value):
    monkeypatch.setenv("CANDOR_SFTP_TEST", value)
    code, said = ingest("run", "--batch", "first")
    assert (code, "SettingsError: CANDOR_SFTP_TEST must hold" in said) == (1, True), said


def test_the_key_may_lie_in_a_file_that_only_its_owner_can_read(store, deliver, server, tmp_path, monkeypatch):
    deliver("courses_2026-05.csv", CSV)
    file = tmp_path / "key"
    file.write_text(server.private_key)
    file.chmod(0o640)
    monkeypatch.setenv("CANDOR_SFTP_TEST", str(file))
    with pytest.raises(SettingsError, match="must be readable by its owner only"):
        seen(store)
    file.chmod(0o600)
    assert len(seen(store).units) == 1


def test_a_server_that_is_not_there_may_be_asked_again(declare, ingest, sftp):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    declare(sftp=sftp | {"port": port})
    code, said = ingest("run", "--batch", "first")
    assert (code, "SourceUnavailable: The server of courses must answer" in said) == (75, True)


@pytest.mark.parametrize("is_cut", [True, False], ids=["dropped", "silent"])
def test_a_session_that_ends_in_the_middle_lands_nothing_and_the_next_run_lands_all(
    *, store, deliver, declare, ingest, sftp, server, is_cut
):
    rows = b"".join(b"C%d,%s\n" % (i, b"x" * 100) for i in range(LARGE // 100))
    deliver("courses_2026-05.csv", b"id,title\n" + rows)
    discover.discover(Batch(store, "first"))
    with relay(server.port, 1 << 20, is_cut=is_cut) as port:
        declare(sftp=sftp | {"port": port, "patience_seconds": 1})
        code, said = ingest("run", "--batch", "first")
    assert (code, "SourceUnavailable" in said, landed(store)) == (75, True, []), said
    assert not [path for path in (store.root / "work").rglob("*") if path.name.startswith(".landing-")]
    declare()
    code, said = ingest("run", "--batch", "first")
    (key,) = landed(store)
    assert (code, len(courses(store)), key.split("/")[3]) == (0, LARGE // 100, sha256_bytes(b"id,title\n" + rows))


def test_a_landing_that_is_killed_leaves_nothing_half_and_is_finished_by_the_next(
    *, store, deliver, declare, ingest, sftp, server
):
    content = b"id,title\n" + b"".join(b"C%d,%s\n" % (i, b"x" * 100) for i in range(LARGE // 100))
    deliver("courses_2026-05.csv", content)
    (unit,) = json.loads(ingest("discover", "--batch", "first")[1].splitlines()[-1])["units"]
    work = store.root / "work" / "ingest" / "first" / unit
    with relay(server.port, 5 << 19, is_cut=False) as port:
        declare(sftp=sftp | {"port": port, "patience_seconds": 60})
        command = [sys.executable, "-m", "pipelines.ingest", "land", "first", unit]
        with subprocess.Popen(command) as process:
            while not any(path.stat().st_size > 1 << 20 for path in work.glob(".landing-*")):
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
    assert landed(store) == []
    left = b"".join(path.read_bytes() for path in work.iterdir())
    assert left, "the kill came in the middle"
    assert b"xxxxxxxx" not in left, "what it left is sealed"
    declare()
    ingest("run", "--batch", "first")
    (key,) = landed(store)
    assert (len(courses(store)), key.split("/")[3]) == (LARGE // 100, sha256_bytes(content))
    assert not [path for path in work.iterdir() if path.name.startswith(".")]


def test_a_file_that_changes_between_discovery_and_landing_is_held_and_comes_up_again(store, deliver, ingest):
    file = deliver("courses_2026-05.csv", CSV)
    assert ingest("discover", "--batch", "first")[0] == 0
    before = file.stat()
    file.write_bytes(CSV.replace(b"C2", b"C9"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a tool that keeps times would, or a quick one
    assert CHANGED in ingest("run", "--batch", "first")[1]
    assert landed(store) == []
    ingest("run", "--batch", "second")
    assert courses(store) == ["C1", "C9"]


def test_a_file_that_grows_between_discovery_and_landing_is_not_landed_as_it_was(store, deliver, ingest):
    file = deliver("courses_2026-05.csv", CSV)
    ingest("discover", "--batch", "first")
    with file.open("ab") as more:
        more.write(b"C3,Course 3\n")
    assert CHANGED in ingest("run", "--batch", "first")[1]
    assert landed(store) == []


def test_a_file_that_is_gone_before_it_lands_is_held(store, deliver, ingest):
    file = deliver("courses_2026-05.csv", CSV)
    ingest("discover", "--batch", "first")
    file.unlink()
    file.mkdir()
    code, said = ingest("run", "--batch", "first")
    assert (code, CHANGED in said, landed(store)) == (0, True, [])


def test_what_only_has_the_name_of_a_file_is_passed_over_and_counted(store, deliver, outbound, ingest):
    deliver("courses_2026-04.csv", CSV)
    (outbound / "courses_2026-05.csv").mkdir()
    (outbound / "courses_2026-06.csv").symlink_to(outbound / "courses_2026-04.csv")
    deliver("courses_2026-07.csv", CSV).chmod(0)
    deliver("courses_2026-08.csv\n", CSV)
    (outbound / os.fsdecode(b"\xff.csv")).touch()
    found = seen(store)
    assert [unit.name for unit in found.units] == ["courses_2026-04.csv"]
    assert found.passed_over == {"not_a_file": 2, "unreadable": 1, "unsafe_name": 3}
    assert "files_passed_over" in ingest("run", "--batch", "first")[1]
    assert courses(store) == ["C1", "C2"]


def test_a_larger_file_than_its_feed_allows_is_not_even_read(store, deliver, declare):
    declare(limits={"max_bytes": len(CSV) - 1})
    deliver("courses_2026-05.csv", CSV)
    found = seen(store)
    assert (found.units, found.waiting, found.passed_over) == ([], 0, {"too_many_bytes": 1})


def test_names_that_lead_elsewhere_are_passed_over(store, lying, declare):
    names = (b"../x.csv", b"/etc/x.csv", b"a\x00.csv", b"..", b".", b"", b"a/../b.csv", b"\xe2\x80\xae.csv")
    lying(names=names)
    with connected(feed()) as server:
        assert {entry.fault for entry in server.listing()} == {"unsafe_name"}
        assert len(server.listing()) == 6


def test_a_server_that_never_ends_a_file_is_read_no_further_than_it_said(store, lying):
    name = b"courses_2026-05.csv"
    lying(names=(name, name + b".done"))
    found = seen(store)
    assert (found.units, found.waiting) == ([], 1)


def test_folders_are_looked_into_as_deep_as_the_pattern_has_slashes(store, outbound, deliver, declare):
    for folder in ("2026", "2026/deeper"):
        (outbound / folder).mkdir()
        deliver(f"{folder}/courses_2026-05.csv", CSV)
    assert seen(store).units == []
    declare(files=r"(\d{4}/)?courses_(?P<period>\d{4}-\d{2})\.csv")
    assert [unit.name for unit in seen(store).units] == ["2026/courses_2026-05.csv"]


def test_ten_thousand_files_are_listed_and_a_known_one_is_not_read_again(store, outbound, deliver):
    for number in range(10_000):
        (outbound / f"other_{number}.csv").touch()
    deliver("courses_2026-05.csv", CSV)
    assert len(seen(store).units) == 1
    (outbound / "courses_2026-05.csv").chmod(0)
    found = seen(store)
    assert (len(found.units), found.passed_over) == (1, {}), "it need not be read to be known"


def test_the_memory_of_looks_names_no_file(store, deliver):
    deliver("courses_2026-05.csv", CSV)
    seen(store)
    (key,) = store.list("lake/looks")
    assert b"courses_2026" not in store.read(key)


def test_a_folder_that_is_not_there_is_a_mistake_of_the_feed(declare, ingest, outbound):
    declare(location=f"{outbound}/none")
    code, said = ingest("run", "--batch", "first")
    assert (code, "SettingsError: The folder of courses" in said) == (1, True), said


def test_documents_of_a_delivery_come_from_a_server_too(store, outbound, deliver, declare, ingest):
    (outbound / "2026-05").mkdir()
    for name in ("a", "b"):
        deliver(f"2026-05/{name}.txt", name.encode(), marker=None)
    declare(
        dialect="documents",
        files=r"(?P<period>\d{4}-\d{2})/(?P<who>\w+)\.txt",
        ready={"untouched_seconds": 1},
        options={"unit_by": ["period"], **LIMITS.model_dump()},
        required=[],
        tables=[],
    )
    (unit,) = seen(store).units
    assert [(name, size) for name, _, size in unit.documents] == [("2026-05/a.txt", 1), ("2026-05/b.txt", 1)]
    discover.discover(Batch(store, "first"))
    code, said = ingest("land", "first", unit.id)
    assert (code, len(landed(store))) == (0, 3), said


def test_a_document_that_can_never_be_taken_does_not_keep_its_delivery(store, outbound, deliver, declare):
    (outbound / "2026-05").mkdir()
    for name, content in (("a", b"a"), ("b", b"far too large")):
        deliver(f"2026-05/{name}.txt", content, marker=None)
    declare(
        dialect="documents",
        files=r"(?P<period>\d{4}-\d{2})/(?P<who>\w+)\.txt",
        ready={"untouched_seconds": 1},
        options={"unit_by": ["period"], **LIMITS.model_dump()},
        limits={"max_bytes": 5},
        required=[],
        tables=[],
    )
    found = seen(store)
    assert [[name for name, *_ in unit.documents] for unit in found.units] == [["2026-05/a.txt"]]
    assert sum(found.passed_over.values()) == 1


def test_a_listing_that_ends_in_the_middle_is_no_listing(store, outbound, declare, sftp, server):
    for number in range(2_000):
        (outbound / f"other_{number}.csv").touch()
    with relay(server.port, 30_000, is_cut=True) as port:
        declare(sftp=sftp | {"port": port})
        with pytest.raises(SourceUnavailable, match="must answer"):
            seen(store)


def test_landing_from_a_server_is_sealed_like_any_other(store, deliver, ingest, tmp_path):
    deliver("courses_2026-05.csv", CSV)
    ingest("run", "--batch", "first")
    (key,) = landed(store)
    assert CSV not in store.read(key)
    assert landing.read(store, key, tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes() == CSV


def test_it_runs_as_an_ordinary_user(server: sshd.Server) -> None:
    assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0 or os.geteuid() != 0
