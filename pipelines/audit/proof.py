"""Prove the ledger whole, or name the entry that is not."""

from collections.abc import Iterator
from typing import Final

from pipelines.audit import segments
from pipelines.audit.ledger import GENESIS, Entry, Tag, parse
from pipelines.audit.segments import STRETCH, number, numbered
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import Release
from pipelines.base.store import Store

_BACKING: Final = {
    "release": Tag.MODEL_RELEASED,
    "rollback": Tag.MODEL_RELEASED,
    "shadow": Tag.MODEL_HELD,
}
"""The entry that must stand behind each kind of release."""


def verify(store: Store, *, stretch: int = STRETCH) -> list[str]:
    """Every fault of the chain, of its sealed copies and of the releases anchored in it; empty when all is whole.

    Args:
        store: Holds the ledger and the releases.
        stretch: Entries in a segment.

    Returns:
        One sentence a fault, each naming its entry or release.
    """
    digests, found, faults = _walk(store)
    return [*faults, *segments.faults(store, digests, stretch), *_anchors(store, digests, found)]


def _walk(store: Store) -> tuple[dict[int, str], list[Entry], list[str]]:
    """Digest by number, the readable entries, and the faults of the chain."""
    digests: dict[int, str] = {}
    found: list[Entry] = []
    faults: list[str] = []
    expected, before = 1, GENESIS
    names = numbered(store)
    for name, data in zip(names, store.read_many(names), strict=True):
        try:
            sequence = number(name)
        except ContractError as error:
            faults.append(str(error))
            continue
        faults += [f"Entry {missing} of the ledger is missing." for missing in range(expected, sequence)]
        try:
            entry = parse(data, sequence)
        except ContractError as error:
            faults.append(str(error))
        else:
            found.append(entry)
            if expected == sequence and entry.previous_sha256 != before:
                faults.append(_broken(sequence))
        expected, before = sequence + 1, sha256_bytes(data)
        digests[sequence] = before
    return digests, found, faults


def _broken(sequence: int) -> str:
    if sequence == 1:
        return "Entry 1 of the ledger names an entry before it: the beginning was cut off."
    return f"Entry {sequence - 1} of the ledger is not the one that entry {sequence} followed: it was replaced."


def _anchors(store: Store, digests: dict[int, str], found: list[Entry]) -> Iterator[str]:
    """Faults of releases: an anchor that the ledger lacks, or no entry behind a release."""
    written = {(entry.tag, entry.subject, entry.facts.get("verdict_sha256")) for entry in found}
    for family in FAMILIES:
        for is_shadow in (False, True):
            try:
                pointers = releases.pointers(store, family, is_shadow=is_shadow)
            except ContractError as error:
                yield str(error)
                continue
            for release in pointers:
                yield from _anchor(release, digests)
                backing = _BACKING.get(release.kind)
                if (backing, family, release.verdict_sha256) not in written:
                    yield f"{release.key} has no {backing} entry in the ledger: it was put there by hand."


def _anchor(release: Release, digests: dict[int, str]) -> Iterator[str]:
    sequence = release.ledger.get("sequence")
    digest = digests.get(sequence) if isinstance(sequence, int) else None
    if digest is None:
        yield f"Entry {sequence} of the ledger is missing, which {release.key} anchors: the tail was cut."
    elif digest != release.ledger.get("sha256"):
        yield f"Entry {sequence} of the ledger is not the one that {release.key} anchors: it was replaced."
