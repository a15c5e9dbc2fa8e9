"""Open files that are encrypted to us, and believe only those that a declared signer signed.

Landing keeps what was delivered; readers get plain bytes, in scratch that is removed with the block. The `gpg` program
does it in a home of its own, in memory where the system has such a place, with no keys but those of the feed. Nothing
of the file counts before all of it was decrypted, found whole and its signer known: gpg writes first and checks last.

gpg is driven here and not through python-gnupg, which has its status on the same pipe as text that a file can shape,
and logs the beginnings of private keys.
"""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from pipelines.base import landing, staging
from pipelines.base.errors import SettingsError
from pipelines.base.log import get_logger
from pipelines.base.store import Store
from pipelines.ingest import feeds as declared
from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.sources import Pgp, private_text

HOME: Final = "candor-pgp-"
"""How homes begin; the next run removes that of one that was killed, and its agent ends with it."""
MEMORY: Final = Path("/dev/shm")  # noqa: S108  a new folder of its own, 0700, is made in it
_GPG: Final = (
    *("gpg", "--no-options", "--batch", "--no-tty", "--pinentry-mode", "loopback", "--trust-model", "always"),
    *("--no-auto-key-retrieve", "--no-auto-key-locate", "--disable-dirmngr", "--weak-digest", "SHA1"),
)
_PIECE: Final = 1 << 20
_PRIVATE: Final = 16
"""Bit of IMPORT_OK that stands for a private key."""
_SOON_DAYS: Final = 60
_SIGNED: Final = ("GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG")
"""What gpg says of a signature, one of them each."""
TOO_LARGE: Final = "too_many_bytes"
_MUST: Final = {
    TOO_LARGE: "be no larger than limits.max_bytes once it is open; it is",
    "not_encrypted": "be encrypted to a key of ours; it is not encrypted to any key",
    "wrong_recipient": "be encrypted to a key in pgp.private_keys that opens; it is encrypted to another one",
    "not_intact": "be one whole message that shows that nobody changed it; it is cut, changed or does not show it",
    "unsigned": "be signed by one of pgp.signers; it is not signed",
    "wrong_signer": "be signed by pgp.signers and nobody else, in a way that still counts as safe; it is not",
    "bad_signature": "have a signature that fits; it has one that does not",
    "expired_signature": "be signed with a key that is valid; that key or the signature expired or was revoked",
}
"""Reason -> what must hold; what was got."""


def can_open(feed: Feed) -> bool:
    """Whether the keys that open a feed's files are at hand."""
    return feed.pgp is None or bool(os.environ.get(feed.pgp.private_keys))


@contextmanager
def landed_plain(
    store: Store, key: str, source: Path, feed: Feed, folder: Path, *, is_believed: bool = False
) -> Iterator[Path]:
    """The plain bytes of a landed file. One that an erasure wrote anew is plain already.

    Args:
        store: Where it landed.
        key: Its landing key.
        source: What was landed, at hand.
        feed: Its declaration.
        folder: Scratch.
        is_believed: Whether its signer was judged when it was taken in, or does not matter: a key that expired since
            must not keep a file from being read again, or somebody from being forgotten.

    Raises:
        Held: It is not what the feed asks for.
        SettingsError: Keys or gpg are missing.
    """
    if feed.pgp is None or landing.is_rewritten(store, key):
        yield source
        return
    with plain(source, feed, folder, is_believed=is_believed) as opened:
        yield opened


@contextmanager
def plain(source: Path, feed: Feed, folder: Path, *, is_believed: bool = False) -> Iterator[Path]:
    """The plain bytes of a delivered file; the file itself where its feed says nothing of PGP. Raises as above."""
    if feed.pgp is None:
        yield source
        return
    target = folder / ".opened"
    pgp = feed.pgp.model_copy(update={"signers": ()}) if is_believed else feed.pgp
    try:
        with _home() as home:
            _bring_keys(home, feed, pgp)
            _decrypt(home, source, target, feed, pgp)
        yield target
    finally:
        target.unlink(missing_ok=True)


@contextmanager
def _home() -> Iterator[Path]:
    """A home for gpg; its agent ends with the block."""
    if not (shutil.which("gpg") and shutil.which("gpgconf")):
        raise SettingsError("gpg must be installed for feeds that say pgp; it is not. Install GnuPG.")
    top = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    staging.sweep(top.glob(f"{HOME}*"))
    with staging.new_folder(top, HOME) as home:
        try:
            yield home
        finally:
            words = ["gpgconf", "--homedir", str(home), "--kill", "all"]
            subprocess.run(words, capture_output=True, check=False, env=_plain_environment())


def _bring_keys(home: Path, feed: Feed, pgp: Pgp) -> None:
    """Import the feed's keys.

    Raises:
        SettingsError: Some are missing.
    """
    private = home / "private.asc"
    private.write_text(private_text(pgp.private_keys, "armoured private PGP keys"))
    (home / "passphrase").write_text(os.environ.get(f"{pgp.private_keys}_PASSPHRASE", ""))
    with private.open("rb") as file:
        imported, _ = _gpg(home, "--import", stdin=file)
    private.unlink()
    if not any(line[0] == "IMPORT_OK" and int(line[1]) & _PRIVATE for line in imported):
        raise SettingsError(f"{pgp.private_keys} must hold armoured private PGP keys; it does not. Set it anew.")
    if pgp.public_keys is not None:
        with (declared.folder() / pgp.public_keys).open("rb") as file:
            _gpg(home, "--import", stdin=file)
    command = [*_GPG, "--homedir", str(home), "--with-colons", "--list-keys"]
    environment = _plain_environment()
    listed = subprocess.run(command, capture_output=True, check=True, text=True, errors="replace", env=environment)
    _known(feed, pgp, [line.split(":") for line in listed.stdout.splitlines()])


def _known(feed: Feed, pgp: Pgp, keys: list[list[str]]) -> None:
    """Raise SettingsError unless every signer's key is there, and say when one of all keys is about to expire."""
    missing = set(pgp.signers) - {record[9] for record in keys if record[0] == "fpr"}
    if missing:
        raise SettingsError(
            f"The file pgp.public_keys of {feed.name} must hold the keys of pgp.signers; "
            f"{', '.join(sorted(missing))} missing. Add what the sender's `gpg --armor --export` prints."
        )
    ends = [int(record[6]) for record in keys if record[0] in ("pub", "sub") and record[6]]
    left = (datetime.fromtimestamp(min(ends), UTC) - datetime.now(UTC)).days if ends else _SOON_DAYS
    if left < _SOON_DAYS:
        get_logger("ingest").warning("pgp_key_expires", feed=feed.name, days=left)


def _decrypt(home: Path, source: Path, target: Path, feed: Feed, pgp: Pgp) -> None:
    """Write the plain bytes, then believe them or not."""
    words = ["--decrypt"] if pgp.signers else ["--skip-verify", "--decrypt"]
    with source.open("rb") as file, target.open("wb") as out:
        said, is_done = _gpg(home, *words, stdin=file, out=out, most=feed.limits.max_bytes)
    fault = judged(said, pgp.signers, is_done=is_done)
    if fault is not None:
        raise Held(
            fault,
            f"A file of {feed.name} must {_MUST[fault]}. Have its owner send it anew, or correct the feed or its keys.",
        )


def _gpg(
    home: Path, *words: str, stdin: BinaryIO, out: BinaryIO | None = None, most: int = 0
) -> tuple[list[list[str]], bool]:
    """Run gpg; its status in words, and whether it is content. It is ended once it writes more than `most` bytes."""
    with (home / "status").open("w+b") as status:
        options = ("--homedir", str(home), "--passphrase-file", str(home / "passphrase"))
        with subprocess.Popen(
            [*_GPG, *options, "--status-fd", str(status.fileno()), *words],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[status.fileno()],
            env=_plain_environment(),
        ) as program:
            while piece := program.stdout.read(_PIECE) if program.stdout else b"":
                if out is None or (out.write(piece) and out.tell() > most):
                    program.kill()
                    return [[TOO_LARGE]], False
        status.seek(0)
        lines = status.read(_PIECE).decode(errors="replace").splitlines()
    return [line.split()[1:] for line in lines if line.startswith("[GNUPG:] ")], program.returncode == 0


def _plain_environment() -> dict[str, str]:
    """What gpg and the agent it starts are handed: what a hostile file could take over has no keys of ours."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("CANDOR_", "AIRFLOW", "AWS_"))}


def judged(said: Sequence[Sequence[str]], signers: Sequence[str], *, is_done: bool) -> str | None:
    """Why a file is not believed; None when it is.

    Args:
        said: Status lines of gpg, in words.
        signers: Full fingerprints of primary keys. Without any nobody need have signed.
        is_done: Whether gpg is content.
    """
    words = Counter(line[0] for line in said)
    if words[TOO_LARGE]:
        return TOO_LARGE
    if not words["DECRYPTION_KEY"]:
        return "wrong_recipient" if words["ENC_TO"] else "not_encrypted"
    is_sealed = bool(words["GOODMDC"]) or any(line[0] == "DECRYPTION_INFO" and list(line[3:]) > ["0"] for line in said)
    if words["DECRYPTION_FAILED"] or not (words["DECRYPTION_OKAY"] and is_sealed) or words["PLAINTEXT"] != 1:
        return "not_intact"
    return (_unsigned(said, signers) if signers else None) or (None if is_done else "not_intact")


def _unsigned(said: Sequence[Sequence[str]], signers: Sequence[str]) -> str | None:
    """What is wrong with the signatures: all of them must be good, and by a signer."""
    marks = [line[0] for line in said if line[0] in _SIGNED]
    if not marks:
        return "unsigned"
    if "BADSIG" in marks:
        return "bad_signature"
    if not {"EXPSIG", "EXPKEYSIG", "REVKEYSIG"}.isdisjoint(marks):
        return "expired_signature"
    by = [line[10] for line in said if line[0] == "VALIDSIG"]
    return None if len(by) == len(marks) and set(by) <= set(signers) else "wrong_signer"
