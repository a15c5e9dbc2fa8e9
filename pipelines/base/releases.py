"""What is released: pointers to immutable folders, and files that are what they were when two people approved them.

    releases/<family>/000000000001.json          a pointer; the highest number is live
    releases/<family>/shadow/000000000001.json   the same for models that are scored in shadow only
    releases/<family>/<verdict sha256>/          model/..., verdict.json, ..., manifest.json
    proposals/<family>/<verdict sha256>/         the same before approval; where shadow pointers point

Only `publish` writes here. Nothing is changed once written: going back is a new pointer to an older folder.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipelines.base.catalog import RELEASES
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_tree
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

MANIFEST: Final = "manifest.json"
VERDICT: Final = "verdict.json"
MODEL: Final = "model"
PROFILE: Final = "profile.json"
CARD: Final = "card.json"
METRICS: Final = "evaluated/metrics.json"
NUMBER: Final = "number"
"""The fact of `model:released` that names its pointer's number: what is signed for one place is live at no other."""
MODIFICATION: Final = "modification"
"""Axis of the gap that approvers accept where a release is another system than the one before it; the fact of
`model:released` that names that gap, or none."""

_NUMBERED: Final = re.compile(r"[0-9]{12}\.json")


@dataclass(frozen=True, slots=True)
class Release:
    """One pointer: which folder, by whose word, anchored where in the ledger."""

    family: str
    sequence: int
    kind: str
    """`release`, `rollback` or `shadow`."""
    folder: str
    """Key of the folder with the files."""
    verdict_sha256: str
    manifest_sha256: str
    model_sha256: str
    data_sha256: str
    as_of: str
    run_id: str
    """The approved release run, or for a shadow model the retrain run."""
    reason: str
    approvers: tuple[Mapping[str, Any], ...]
    """Name, gate, moment and accepted gaps of each; empty for a shadow model."""
    ledger: Mapping[str, Any]
    """`sequence` and `sha256` of the ledger's head when this was written: a cut tail shows."""
    released_at: str

    @property
    def is_shadow(self) -> bool:
        """Whether its scores must not reach a decision."""
        return self.kind == "shadow"

    @property
    def id(self) -> str:
        """What people call it, such as `screening release 3`."""
        return f"{self.family} {self.kind} {self.sequence}"

    @property
    def key(self) -> str:
        """Where the pointer itself lives."""
        return f"{pointers_under(self.family, is_shadow=self.is_shadow)}/{self.sequence:012d}.json"

    def to_json(self) -> bytes:
        """Canonical bytes."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def pointers_under(family: str, *, is_shadow: bool) -> str:
    """Prefix of a family's pointers."""
    return f"{RELEASES}/{family}/shadow" if is_shadow else f"{RELEASES}/{family}"


def pointers(store: Store, family: str, *, is_shadow: bool = False) -> list[Release]:
    """All pointers of a family, oldest first.

    Raises:
        ContractError: One is not readable. There is no falling back to the one before.
    """
    return [read(store, key) for key in pointer_keys(store, family, is_shadow=is_shadow)]


def pointer_keys(store: Store, family: str, *, is_shadow: bool = False) -> list[str]:
    """Where a family's pointers lie, oldest first, readable or not."""
    prefix = pointers_under(family, is_shadow=is_shadow)
    return [key for key in store.list(prefix) if _NUMBERED.fullmatch(key.removeprefix(f"{prefix}/"))]


def live(store: Store, family: str) -> Release | None:
    """The newest pointer, whoever put it there; None before the first. `audit.vouched.live` says what scores people."""
    return next(reversed(pointers(store, family)), None)


def shadow(store: Store, family: str) -> Release | None:
    """The newest model that is scored in shadow; None when there is none."""
    return next(reversed(shadows(store, family)), None)


def shadows(store: Store, family: str) -> list[Release]:
    """Pointers to models that were scored in shadow, oldest first. No ledger vouches for one: they decide nothing."""
    return pointers(store, family, is_shadow=True)


def verdict(store: Store, release: Release) -> dict[str, Any]:
    """The verdict the release rests on.

    Raises:
        ContractError: The stored verdict is not the one that was approved.
    """
    data = store.read(f"{release.folder}/{VERDICT}")
    _same(f"{release.folder}/{VERDICT}", sha256_bytes(data), release.verdict_sha256)
    content: dict[str, Any] = json.loads(data)
    return content


def purpose(verdict: Mapping[str, Any]) -> str:
    """What a verdict says that its model is for, its words one space apart; empty where it does not say."""
    return " ".join(str(verdict.get("purpose") or "").split())


def download(store: Store, release: Release, folder: Path) -> None:
    """Fetch every file of a release and check each; `folder / MODEL` is what `predict` takes.

    Args:
        store: Where the release is.
        release: Which.
        folder: Where to; an existing file is fetched again.

    Raises:
        ContractError: A file, the list of files, the verdict or the model is not what was approved.
    """
    files = read_manifest(store, release.folder, release.manifest_sha256)
    for name, expected in files.items():
        target = folder / name
        store.download(f"{release.folder}/{name}", target)
        _same(f"{release.folder}/{name}", sha256_file(target), expected)
    _same(f"{release.folder}/{VERDICT}", files.get(VERDICT, "no file"), release.verdict_sha256)
    _same(f"{release.folder}/{MODEL}", sha256_tree(folder / MODEL), release.model_sha256)


def read_manifest(store: Store, folder: str, expected: str) -> dict[str, str]:
    """Relative name to sha256 of the files in a folder of proposals or releases.

    Raises:
        ContractError: The manifest is not the one with the digest `expected`, or names a file outside the folder.
    """
    data = store.read(f"{folder}/{MANIFEST}")
    _same(f"{folder}/{MANIFEST}", sha256_bytes(data), expected)
    files: dict[str, str] = json.loads(data)["files"]
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
        raise ContractError(f"{folder}/{MANIFEST} must name files inside its folder; it names one outside. Remove it.")
    return files


def read(store: Store, key: str) -> Release:
    """One pointer.

    Raises:
        ContractError: It is not readable, or names another place than its own.
    """
    try:
        content = json.loads(store.read(key))
        release = Release(**{**content, "approvers": tuple(content["approvers"])})
        _shaped(release)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ContractError(f"{key} must be a release pointer; it is not readable. Restore it from a backup.") from None
    if release.key != key:
        raise ContractError(f"{key} must name its own family and number; it names others. Restore it from a backup.")
    return release


def _shaped(release: Release) -> None:
    """Raise TypeError where a field is of another type than `Release` says."""
    numbers = (release.sequence, *([release.ledger["sequence"]] if "sequence" in release.ledger else ()))
    texts = [value for name, value in asdict(release).items() if name not in ("sequence", "approvers", "ledger")]
    if (
        not all(type(number) is int for number in numbers)
        or not all(isinstance(text, str) for text in texts)
        or not all(isinstance(item, Mapping) for item in (release.ledger, *release.approvers))
    ):
        raise TypeError


def _same(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise ContractError(
            f"{what} must have the sha256 {expected}; got {got}. It was changed after approval: do not use it, "
            "and release again."
        )
