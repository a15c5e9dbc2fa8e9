"""The release that scores people now, and the files it came with, each checked against its digest."""

import json
from dataclasses import dataclass
from typing import Any

from pipelines.audit import vouched
from pipelines.base import releases
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import Release
from pipelines.base.settings import Signers, load
from pipelines.base.store import Store


@dataclass(frozen=True, slots=True)
class Released:
    """A pointer and its small JSON files; never the model itself."""

    pointer: Release
    files: dict[str, Any]
    """Name -> content of the JSON files that the release holds."""

    @property
    def id(self) -> str:
        """What people call it, such as `screening release 3`."""
        return self.pointer.id

    @property
    def profile(self) -> dict[str, Any]:
        """Reference distributions by column; empty when the release has none."""
        return dict(self.files.get(releases.PROFILE) or {})

    @property
    def verdict(self) -> dict[str, Any]:
        """What the gate said."""
        return dict(self.files[releases.VERDICT])


def live(store: Store, family: str) -> Release | None:
    """The release that people are scored by; None before the first.

    Raises:
        ContractError: The ledger does not vouch for the newest release: then nobody is scored.
        SettingsError: Nothing says whose signature counts.
    """
    return vouched.live(store, family, load(Signers, "publish").signers)


def history(store: Store, family: str) -> list[Release]:
    """All that the ledger vouches for, oldest first; whoever can write the store may have laid others beside.

    Raises:
        ContractError: A pointer or an entry is not readable.
        SettingsError: Nothing says whose signature counts.
    """
    return vouched.history(store, family, load(Signers, "publish").signers)


def scoring(store: Store, family: str) -> Release | None:
    """The live release, else the one in shadow, else None. Raises as `live`."""
    return live(store, family) or releases.shadow(store, family)


def current(store: Store, family: str) -> Released | None:
    """As `scoring`, with its files.

    Raises:
        ContractError: A file is not what was approved, or the ledger does not vouch for the newest release.
        SettingsError: Nothing says whose signature counts.
    """
    pointer = scoring(store, family)
    return opened(store, pointer) if pointer is not None else None


def opened(store: Store, pointer: Release) -> Released:
    """A release's JSON files at the top of its folder, checked.

    Raises:
        ContractError: A file is not what was approved.
    """
    named = releases.read_manifest(store, pointer.folder, pointer.manifest_sha256)
    wanted = [name for name in named if name.endswith(".json") and "/" not in name]
    return Released(pointer, {name: _read(store, f"{pointer.folder}/{name}", named[name]) for name in wanted})


def _read(store: Store, key: str, expected: str) -> Any:
    data = store.read(key)
    if sha256_bytes(data) != expected:
        raise ContractError(f"{key} must be as it was approved; its digest differs. Release again.")
    return json.loads(data)
