"""Encrypted and signed exports: real keys, made here by gpg, which also makes every message."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.base import landing
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError
from pipelines.base.forgotten import Group, group
from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.base.store import FileStore
from pipelines.ingest import afloat
from pipelines.ingest import feeds as declared
from pipelines.ingest import pgp as opening
from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.pgp import HOME, judged, plain
from pipelines.privacy.landing import erase
from tests.sources.conftest import courses

pytestmark = pytest.mark.skipif(not shutil.which("gpg"), reason="PGP needs the gpg program (see README, Tests)")

KEY = "CANDOR_PGP_TEST"
CSV = b"id,title\nC1,Course 1\nC2,Course 2\n"
PAST = ("--faked-system-time", "20240101T000000")
"""When all keys were made, and one that is valid for a day was used."""


@dataclass(frozen=True)
class Person:
    """Somebody with a keyring of their own."""

    home: Path

    def gpg(self, *words: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--trust-model", "always", "--pinentry-mode"]
        options = ["loopback", "--passphrase", "", "--no-tty", "--quiet"]
        done = subprocess.run([*command, *options, *words], input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make_key(self, name: str, *options: str, until: str = "never") -> None:
        self.gpg(*options, "--quick-gen-key", name, "ed25519", "sign", until)
        self.gpg(*options, "--quick-add-key", self.fingerprints[-1], "cv25519", "encr", until)

    def stop(self) -> None:
        """End the agent."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=True)

    @property
    def fingerprints(self) -> list[str]:
        """Of primary keys."""
        lines = [line.split(":") for line in self.gpg("--with-colons", "--list-secret-keys").decode().splitlines()]
        return [lines[number + 1][9] for number, line in enumerate(lines) if line[0] == "sec"]


@dataclass(frozen=True)
class People:
    """Who sends, who receives, and somebody else."""

    sender: Person
    receiver: Person
    other: Person


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    """Three keyrings; their agents end with the tests."""
    top = Path(tempfile.mkdtemp(prefix="pgp-"))  # short: sockets lie in it
    made = {}
    for name in ("sender", "receiver", "other"):
        (top / name).mkdir(mode=0o700)
        made[name] = Person(top / name)
        made[name].make_key(name, *PAST)
    made["sender"].make_key("expired", *PAST, until="1d")
    for name in ("receiver", "other"):
        made["sender"].gpg("--import", given=made[name].gpg("--export"))
    made["other"].gpg("--import", given=made["receiver"].gpg("--export"))
    yield People(**made)
    for person in made.values():
        person.stop()
    shutil.rmtree(top)


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where homes for gpg are made: not where those of other processes are, who also sweep there."""
    made = Path(tempfile.mkdtemp(prefix="pgp-"))  # short: sockets lie in it
    monkeypatch.setattr(opening, "MEMORY", made)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def encrypt(people: People) -> Callable[..., bytes]:
    """A message of the sender's to the receiver, signed unless told otherwise."""

    def make(data: bytes, *words: str, by: Person | None = None, to: str = "receiver", sign: bool = True) -> bytes:
        signed = ("--local-user", "sender", "--sign") if by is None and sign else ("--sign",) if sign else ()
        signed = ("--sign", *words) if "--local-user" in words else (*signed, *words)
        return (by or people.sender).gpg("--recipient", to, *signed, "--encrypt", given=data)

    return make


@pytest.fixture(autouse=True)
def signed(people: People, declare: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The company's feed asks for files that the sender signed; they lie in a folder. Write another one."""
    (tmp_path / "feeds" / "sender.asc").write_bytes(people.sender.gpg("--armor", "--export", "sender", "expired"))
    monkeypatch.setenv(KEY, people.receiver.gpg("--armor", "--export-secret-keys").decode())
    monkeypatch.setattr(afloat, "LARGE", 1)  # and yet these are read once they are kept
    signers = people.sender.fingerprints
    pgp = {"private_keys": KEY, "signers": signers, "public_keys": "sender.asc"}

    def write(**changes: Any) -> None:
        pattern = r"courses_(?P<period>\d{4}-\d{2})\.csv\.(pgp|gpg|asc)"
        given = {"pgp": pgp, "sftp": None, "location": "", "ready": None, "files": pattern}
        declare(**given | changes)

    write()
    return write


def feed() -> Feed:
    return declared.load(declared.folder())["courses"]


def opened(message: bytes, folder: Path) -> bytes:
    """What a reader would get; raises as it does."""
    source = folder / "message"
    source.write_bytes(message)
    try:
        with plain(source, feed(), folder) as file:
            return file.read_bytes()
    finally:
        assert not (folder / ".opened").exists()
        assert not list(opening.MEMORY.iterdir())


def refused(message: bytes, folder: Path) -> str:
    """Why it is held."""
    with pytest.raises(Held, match=r"must .*; .*\. Have its owner send it anew") as caught:
        opened(message, folder)
    return caught.value.reason_code


def test_a_signed_and_encrypted_file_on_a_server_becomes_rows_and_stays_sealed_as_delivered(
    *, store, signed, sftp, outbound, deliver, encrypt, ingest, tmp_path, monkeypatch
):
    kept = FileStore.upload_new
    monkeypatch.setattr(FileStore, "upload_new", lambda *words, **named: time.sleep(0.3) or kept(*words, **named))
    message = encrypt(CSV)
    deliver("courses_2026-05.csv.pgp", message)
    signed(sftp=sftp, location=str(outbound), ready={"marker": ".done"})
    code, said = ingest("run", "--batch", "first")
    assert (code, courses(store)) == (0, ["C1", "C2"]), said
    (key,) = store.list("landing")
    assert key.split("/")[3] == sha256_bytes(message)
    assert landing.read(store, key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == message
    left = [path for path in (store.root / "work").rglob("*") if path.is_file() and CSV in path.read_bytes()]
    assert left == []


@pytest.mark.parametrize("words", [(), ("--armor",), ("--compress-algo", "none"), ("--set-filename", "../../etc/x")])
def test_whatever_form_a_message_has_its_bytes_are_the_same(encrypt, tmp_path, words):
    assert opened(encrypt(CSV, *words), tmp_path) == CSV
    assert not (tmp_path.parent.parent / "etc").exists()


def test_one_of_several_private_keys_opens_a_file(people, encrypt, tmp_path, monkeypatch):
    both = [person.gpg("--armor", "--export-secret-keys").decode() for person in (people.receiver, people.other)]
    monkeypatch.setenv(KEY, "".join(both))
    assert opened(encrypt(CSV), tmp_path) == CSV
    assert opened(encrypt(CSV, to="other"), tmp_path) == CSV


def test_a_private_key_may_have_a_passphrase(people, encrypt, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir(mode=0o700)
    guarded = Person(tmp_path / "home")
    guarded.make_key("guarded", *PAST, "--passphrase", "open sesame")
    people.sender.gpg("--import", given=guarded.gpg("--export"))
    key = guarded.gpg("--armor", "--passphrase", "open sesame", "--export-secret-keys").decode()
    subprocess.run(["gpgconf", "--homedir", guarded.home, "--kill", "all"], check=True)
    monkeypatch.setenv(KEY, key)
    message = encrypt(CSV, to="guarded")
    assert refused(message, tmp_path) == "wrong_recipient"
    monkeypatch.setenv(f"{KEY}_PASSPHRASE", "open sesame")
    assert opened(message, tmp_path) == CSV


def test_a_file_that_nobody_or_somebody_else_signed_is_held(people, encrypt, tmp_path):
    assert refused(encrypt(CSV, sign=False), tmp_path) == "unsigned"
    assert refused(encrypt(CSV, by=people.other), tmp_path) == "wrong_signer"


def test_nobody_else_may_sign_beside_a_declared_signer(people, encrypt, tmp_path):
    people.other.gpg("--import", given=people.sender.gpg("--export-secret-keys", "sender"))
    both = encrypt(CSV, "--local-user", "sender", "--local-user", "other", by=people.other)
    people.other.gpg("--yes", "--delete-secret-keys", people.sender.fingerprints[0])
    assert refused(both, tmp_path) == "wrong_signer"


def test_a_signer_whose_key_is_at_hand_but_not_declared_is_a_wrong_one(people, encrypt, signed, tmp_path):
    known = people.sender.gpg("--armor", "--export", "sender") + people.other.gpg("--armor", "--export", "other")
    (tmp_path / "feeds" / "sender.asc").write_bytes(known)
    pgp = {"private_keys": KEY, "signers": people.sender.fingerprints[:1], "public_keys": "sender.asc"}
    signed(pgp=pgp)
    assert opened(encrypt(CSV), tmp_path) == CSV
    assert refused(encrypt(CSV, by=people.other), tmp_path) == "wrong_signer"


def test_a_signature_by_a_key_that_expired_is_held(encrypt, tmp_path):
    message = encrypt(CSV, "--local-user", "expired", *PAST)
    assert refused(message, tmp_path) == "expired_signature"


def test_what_was_believed_once_is_read_again_and_searched_whatever_became_of_its_signer(
    *, store, people, signed, encrypt, ingest, tmp_path
):
    (tmp_path / "exports" / "courses_2026-05.csv.pgp").write_bytes(encrypt(CSV))
    assert ingest("run", "--batch", "first")[0] == 0
    signed(
        pgp={"private_keys": KEY, "signers": people.other.fingerprints[:1], "public_keys": "sender.asc"},
        full={"may_lose": 0.5},
    )
    (tmp_path / "feeds" / "sender.asc").write_bytes(people.other.gpg("--armor", "--export", "other"))
    code, said = ingest("run", "--batch", "again", "--replay", "courses")
    assert code == 0
    assert "files held: 0" in said
    (tmp_path / "exports" / "courses_2026-06.csv.pgp").write_bytes(encrypt(CSV + b"C3,Three\n"))
    assert "wrong_signer" in ingest("run", "--batch", "new")[1], "what is new must be signed by somebody declared"


def test_gpg_is_handed_no_secret_of_ours(encrypt, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "gpg"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv >> '{tmp_path}/handed'\nexec {shutil.which('gpg')} \"$@\"\n")
    program.chmod(0o755)
    message = encrypt(CSV)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert opened(message, tmp_path) == CSV
    assert "PATH=" in (tmp_path / "handed").read_text()
    assert "CANDOR_" not in (tmp_path / "handed").read_text()


def test_a_weak_signature_does_not_count(encrypt, tmp_path):
    assert refused(encrypt(CSV, "--digest-algo", "SHA1"), tmp_path) == "wrong_signer"


def test_what_is_not_encrypted_is_held_however_well_it_is_signed(people, tmp_path):
    sign = ("--local-user", "sender")
    for message in (
        people.sender.gpg(*sign, "--sign", given=CSV),
        people.sender.gpg(*sign, "--clear-sign", given=CSV),
        people.sender.gpg("--passphrase", "known", "--symmetric", given=CSV),
        CSV,
        b"",
        b"\x00" * 100,
    ):
        assert refused(message, tmp_path) == "not_encrypted"


def test_a_file_for_somebody_else_is_held(encrypt, tmp_path):
    assert refused(encrypt(CSV, to="other"), tmp_path) == "wrong_recipient"


def test_a_message_that_was_cut_anywhere_is_held(encrypt, tmp_path):
    message = encrypt(os.urandom(20_000))
    for size in (len(message) - 1, len(message) - 30, len(message) // 2, 200):
        assert refused(message[:size], tmp_path) == "not_intact"


def test_a_message_in_which_a_byte_changed_is_held(encrypt, tmp_path):
    message = bytearray(encrypt(os.urandom(20_000)))
    message[len(message) // 2] ^= 1
    assert refused(bytes(message), tmp_path) == "not_intact"


def test_a_message_without_a_seal_against_change_is_held(encrypt, tmp_path):
    assert refused(encrypt(CSV, "--rfc2440", "--disable-mdc"), tmp_path) == "not_intact"


def test_two_messages_one_after_the_other_are_no_message(encrypt, tmp_path):
    message = encrypt(CSV)
    assert refused(message + message, tmp_path) == "not_intact"


def test_a_bomb_is_ended_at_the_limit_of_its_feed(encrypt, signed, tmp_path):
    signed(limits={"max_bytes": 1 << 20})
    message = encrypt(bytes(50 << 20))
    assert len(message) < 100_000
    assert refused(message, tmp_path) == "too_many_bytes"
    assert opened(encrypt(bytes(1 << 20)), tmp_path) == bytes(1 << 20), "the limit itself is allowed"


def test_unsigned_files_are_taken_only_by_a_feed_that_says_so(people, encrypt, signed, tmp_path):
    signed(pgp={"private_keys": KEY, "unsafe_unsigned": True})
    assert opened(encrypt(CSV, sign=False), tmp_path) == CSV
    assert opened(encrypt(CSV, by=people.other), tmp_path) == CSV
    assert refused(people.sender.gpg("--sign", given=CSV), tmp_path) == "not_encrypted"
    with pytest.raises(SettingsError, match="must have either signers, or unsafe_unsigned: true"):
        signed(pgp={"private_keys": KEY}) or feed()


def test_a_held_file_comes_up_again_once_its_signer_is_known(*, store, people, signed, encrypt, ingest, tmp_path):
    pgp = {"private_keys": KEY, "signers": people.sender.fingerprints[:1], "public_keys": "sender.asc"}
    signed(pgp=pgp | {"signers": people.other.fingerprints[:1]})
    (tmp_path / "feeds" / "sender.asc").write_bytes(people.other.gpg("--armor", "--export", "other"))
    (tmp_path / "exports" / "courses_2026-05.csv.pgp").write_bytes(encrypt(CSV))
    assert "wrong_signer" in ingest("run", "--batch", "first")[1]
    assert "nothing new" in ingest("run", "--batch", "second")[1]
    keys = people.sender.gpg("--armor", "--export", "sender")
    (tmp_path / "feeds" / "sender.asc").write_bytes(keys)
    signed(pgp=pgp)
    assert ingest("run", "--batch", "third")[0] == 0
    assert courses(store) == ["C1", "C2"]


@pytest.mark.parametrize("value", ["", "nothing", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxx\n"])
def test_private_keys_that_are_none_are_told_by_their_variable(encrypt, tmp_path, monkeypatch, value):
    message = encrypt(CSV)
    monkeypatch.setenv(KEY, value)
    with pytest.raises(SettingsError, match=f"^{KEY} must hold armoured private PGP keys"):
        opened(message, tmp_path)


def test_a_declared_signer_whose_key_is_missing_is_a_mistake_of_the_feed(people, encrypt, tmp_path):
    (tmp_path / "feeds" / "sender.asc").write_bytes(people.other.gpg("--armor", "--export", "other"))
    with pytest.raises(SettingsError, match=f"must hold the keys of pgp.signers; .*{people.sender.fingerprints[0]}"):
        opened(encrypt(CSV), tmp_path)


def test_a_key_that_expires_soon_is_told(people, encrypt, signed, tmp_path, capsys):
    opened(encrypt(CSV), tmp_path)
    assert "pgp_key_expires" in capsys.readouterr().err, "the expired one"
    (tmp_path / "feeds" / "sender.asc").write_bytes(people.sender.gpg("--armor", "--export", "sender"))
    signed(pgp={"private_keys": KEY, "signers": people.sender.fingerprints[:1], "public_keys": "sender.asc"})
    opened(encrypt(CSV), tmp_path)
    assert "pgp_key_expires" not in capsys.readouterr().err


def agents(memory: Path) -> list[Path]:
    """Processes that have a home there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            found += [path] if os.fsencode(memory / HOME) in path.read_bytes() else []
    return found


def all_ended(memory: Path) -> bool:
    """Whether no agent is left there; one takes a moment to end."""
    until = time.monotonic() + 20
    while agents(memory) and time.monotonic() < until:
        time.sleep(0.05)
    return not agents(memory)


def test_no_agent_and_no_key_stays_behind(memory, encrypt, tmp_path):
    opened(encrypt(CSV), tmp_path)
    assert not list(memory.iterdir())
    assert all_ended(memory)


def test_what_a_killed_run_left_of_keys_and_agents_ends_with_the_next(memory, encrypt, tmp_path):
    message = encrypt(CSV)
    (tmp_path / "message").write_bytes(message)
    code = f"""
import os
from pathlib import Path
from pipelines.ingest import pgp
from pipelines.ingest.feeds import folder, load
pgp.MEMORY = Path({str(memory)!r})
pgp._decrypt = lambda *_: os.kill(os.getpid(), 9)
with pgp.plain(Path({str(tmp_path / "message")!r}), load(folder())["courses"], Path({str(tmp_path)!r})): pass
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (home,) = memory.glob(f"{HOME}*")
    assert home.stat().st_mode & 0o777 == 0o700
    assert agents(memory)
    assert opened(message, tmp_path) == CSV
    assert all_ended(memory)


def test_check_explains_an_encrypted_file(encrypt, ingest, tmp_path):
    (tmp_path / "exports" / "courses_2026-05.csv.pgp").write_bytes(encrypt(CSV))
    code, said = ingest("check", "courses", str(tmp_path / "exports" / "courses_2026-05.csv.pgp"))
    assert (code, "title" in said) == (0, True), said


def test_check_explains_a_copy_of_a_file_from_a_server_without_asking_the_server(
    signed, sftp, encrypt, ingest, tmp_path
):
    signed(sftp=sftp | {"port": 1}, ready={"marker": ".done"})
    (tmp_path / "courses_2026-05.csv.pgp").write_bytes(encrypt(CSV))
    code, said = ingest("check", "courses", str(tmp_path / "courses_2026-05.csv.pgp"))
    assert (code, "a run waits for it" in said) == (0, False), said


def test_a_status_that_says_good_needs_all_of_it_to_be_good():
    key, signer = "A" * 40, "B" * 40
    good = [
        *(["ENC_TO"], ["DECRYPTION_KEY", key], ["BEGIN_DECRYPTION"], ["DECRYPTION_INFO", "2", "9", "0"]),
        *(["PLAINTEXT", "62"], ["GOODSIG"], ["VALIDSIG", *["x"] * 9, signer], ["DECRYPTION_OKAY"], ["GOODMDC"]),
    ]
    assert judged(good, [signer], is_done=True) is None
    assert judged(good, [signer], is_done=False) == "not_intact"
    assert judged([*good, ["DECRYPTION_FAILED"]], [signer], is_done=True) == "not_intact"
    assert judged([line for line in good if line[0] != "GOODMDC"], [signer], is_done=True) == "not_intact"
    assert judged([*good, ["PLAINTEXT", "62"]], [signer], is_done=True) == "not_intact"
    assert judged([*good, ["ERRSIG"]], [signer], is_done=True) == "wrong_signer"
    assert judged([*good, ["REVKEYSIG"]], [signer], is_done=True) == "expired_signature"
    aead = [line if line[0] != "DECRYPTION_INFO" else ["DECRYPTION_INFO", "0", "9", "2"] for line in good[:-1]]
    assert judged(aead, [signer], is_done=True) is None, "newer gpg seals in another way"


ENROLMENTS = b"id,title,person\nC1,Course 1,000001\nC2,Course 2,000002\n"


def forgotten(store: FileStore) -> Group:
    """The person with the number 000001."""
    number = pseudonym(secret(PSEUDONYM_KEY), "workday_worker", pl.Series(["000001"]))
    return group(store, [str(number[0])])


@pytest.fixture
def about_people(signed: Any) -> None:
    """The feed's files say who likes a course."""
    person = {"person_id": {"from": "person", "person": "workday_worker"}}
    linked = {"linked_person_id": {"from": "person", "person": "workday_worker"}}
    signed(tables=[{"table": "person_links", "columns": person | linked}])


def test_a_person_leaves_an_encrypted_file_and_what_is_left_is_read_as_it_is(
    store, about_people, encrypt, ingest, tmp_path
):
    (tmp_path / "exports" / "courses_2026-05.csv.pgp").write_bytes(encrypt(ENROLMENTS))
    ingest("run", "--batch", "first")
    (key,) = store.list("landing")
    noted: list[str] = []
    assert erase(store, forgotten(store), lambda name, *_: noted.append(name)) == {}
    assert key in noted
    assert landing.read(store, key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"id,title,person\nC2,Course 2,000002\n"
    assert erase(store, forgotten(store), lambda *_: None) == {}
    assert "1 rows in" in ingest("run", "--batch", "again", "--replay", "courses")[1]


def test_an_erasure_without_the_keys_names_the_file(*, store, about_people, encrypt, ingest, tmp_path, monkeypatch):
    (tmp_path / "exports" / "courses_2026-05.csv.pgp").write_bytes(encrypt(ENROLMENTS))
    ingest("run", "--batch", "first")
    (key,) = store.list("landing")
    monkeypatch.delenv(KEY)
    assert erase(store, forgotten(store), lambda *_: None) == {key: None}


def test_only_an_erasure_can_put_plain_bytes_where_a_message_landed(store: FileStore, tmp_path: Path) -> None:
    key = f"landing/courses/2026-05/{sha256_bytes(CSV)}/x.csv.pgp"
    about = {"day": date(2026, 5, 1), "scratch": tmp_path}
    landing.write(store, key, io.BytesIO(CSV), sha256_bytes(CSV), **about)  # type: ignore[arg-type]
    assert not landing.is_rewritten(store, key)
    landing.replace(store, key, io.BytesIO(CSV), tmp_path)
    assert landing.is_rewritten(store, key)
