"""Prove the ledger whole, or name the entry that is not.

Entries are read in stretches, each by itself: what a stretch says of its first and last entry joins it to its
neighbours. So memory is that of some stretches, and a long ledger is shared among the cores.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Final

from pipelines.audit import segments
from pipelines.audit.ledger import GENESIS, Entry, Head, Tag, parse
from pipelines.audit.segments import STRETCH, key, number, numbered, segment_key, stretch_of, unsealed
from pipelines.base import crew, releases
from pipelines.base.catalog import FAMILIES, SEGMENTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import Release
from pipelines.base.store import Store, open_store

_BACKING: Final = {
    "release": Tag.MODEL_RELEASED,
    "rollback": Tag.MODEL_RELEASED,
    "shadow": Tag.MODEL_HELD,
}
"""The entry that must stand behind each kind of release."""
_KEPT: Final = frozenset(
    (
        *(Tag.MODEL_RELEASED, Tag.MODEL_HELD, Tag.MODEL_PROPOSED, Tag.RELEASE_APPROVED, Tag.KEY_ADOPTED),
        Tag.AUDIT_PACKAGED,
    )
)
"""Entries that releases rest on, and those of bias audits: few, so they are kept while the others pass."""
_ALONE: Final = 5
"""Stretches that one process walks sooner than others could start."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a walk along the ledger found."""

    digests: Mapping[int, str]
    """Number -> sha256 of the entries that releases anchor."""
    kept: tuple[Entry, ...]
    """Readable entries that releases rest on, oldest first."""
    pointers: tuple[Release, ...]
    """Of all families, readable ones only."""
    unreadable: frozenset[str]
    """Keys of the pointers that cannot be read; `faults` says why."""
    faults: tuple[str, ...]
    head: Head
    """The newest entry that was read."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Entries that are walked together."""

    last: int
    """Number of the last entry that the stretch can have."""
    numbers: range | tuple[int, ...]
    """Those that are there."""
    size: int
    is_sealed: bool
    wanted: frozenset[int]


@dataclass(slots=True)
class _Walked:
    """What one stretch says."""

    faults: list[str] = field(default_factory=list)
    sealed_faults: list[str] = field(default_factory=list)
    previous: str | None = None
    """What the first entry names as the digest before it; None when it is not readable."""
    digest: str = ""
    """Of the last entry."""
    digests: dict[int, str] = field(default_factory=dict)
    kept: list[Entry] = field(default_factory=list)


def verify(store: Store, *, stretch: int = STRETCH) -> list[str]:
    """Every fault of the chain, of its sealed copies and of the releases anchored in it; empty when all is whole.

    Args:
        store: Holds the ledger and the releases.
        stretch: Entries in a segment.

    Returns:
        One sentence a fault, each naming its entry or release.
    """
    return list(walk(store, stretch=stretch).faults)


def walk(store: Store, *, stretch: int = STRETCH) -> Proof:
    """As `verify`, with what the walk saw of releases."""
    pointers, unreadable = _pointers(store)
    wanted = frozenset(n for n in (release.ledger.get("sequence") for release in pointers) if isinstance(n, int))
    before = store.list(SEGMENTS)  # before the entries: what is sealed meanwhile is sealed of entries that are listed
    numbers, foreign = _numbers(store)
    newest = max(numbers, default=0)
    sealed = {last: name for name in before if (last := stretch_of(name, stretch))}
    parts = _stretches(numbers, sealed, stretch, wanted)
    found, chain, copies = _Walked(), list(foreign), dict[str, list[str]]()
    expected, previous = 1, GENESIS
    for part, walked in zip(parts, _walked(store, parts), strict=True):
        copies[segment_key(part.last, stretch)] = walked.sealed_faults
        found.digests |= walked.digests
        found.kept += walked.kept
        if not part.numbers:
            continue
        first = part.numbers[0]
        chain += _lost(expected, first)
        if first == expected and walked.previous not in (None, previous):
            chain.append(_broken(first))
        chain += walked.faults
        expected, previous = part.numbers[-1] + 1, walked.digest
    for name in before:
        if not stretch_of(name, stretch):
            copies[name] = [f"{SEGMENTS}/ must hold sealed stretches of {stretch} entries only; {name} is none."]
    chain += _missing(store, newest, stretch)
    chain += [fault for name in sorted(copies) for fault in copies[name]]
    anchors = _anchors(pointers, found)
    faults, head = (*chain, *unreadable.values(), *anchors), Head(expected - 1, previous)
    return Proof(found.digests, tuple(found.kept), tuple(pointers), frozenset(unreadable), faults, head)


def _pointers(store: Store) -> tuple[list[Release], dict[str, str]]:
    """All pointers, and key -> why one cannot be read: that one hides no other."""
    found, faults = list[Release](), dict[str, str]()
    for family in FAMILIES:
        for is_shadow in (False, True):
            for name in releases.pointer_keys(store, family, is_shadow=is_shadow):
                try:
                    found.append(releases.read(store, name))
                except ContractError as error:
                    faults[name] = str(error)
    return found, faults


def _numbers(store: Store) -> tuple[list[int], list[str]]:
    """The numbers of all entries, in order, and a fault for everything else that lies there."""
    numbers, faults = list[int](), list[str]()
    for name in numbered(store):
        try:
            numbers.append(number(name))
        except ContractError as error:
            faults.append(str(error))
    return numbers, faults


def _stretches(numbers: list[int], sealed: Mapping[int, str], stretch: int, wanted: frozenset[int]) -> list[_Stretch]:
    """Entries by stretch, oldest first; a stretch with a segment and without entries is among them."""

    def last_of(sequence: int) -> int:
        return -(-sequence // stretch) * stretch

    there = {last: tuple(found) for last, found in groupby(numbers, last_of)}
    parts = []
    for last in sorted({*there, *sealed}):
        found: range | tuple[int, ...] = there.get(last, ())
        if len(found) == stretch:
            found = range(last - stretch + 1, last + 1)  # nothing to hand over by the thousand
        mine = frozenset(n for n in wanted if last - stretch < n <= last)
        parts.append(_Stretch(last, found, stretch, last in sealed, mine))
    return parts


def _walked(store: Store, parts: list[_Stretch]) -> Iterable[_Walked]:
    if len(parts) <= _ALONE:
        return map(partial(_walk, store), parts)
    return crew.each(partial(_walk_at, store.url), parts)


def _walk_at(url: str, part: _Stretch) -> _Walked:
    """As `_walk`, in a process of its own."""
    return _walk(open_store(url), part)


def _walk(store: Store, part: _Stretch) -> _Walked:
    """Read a stretch's entries and its sealed copy."""
    found, digests, copied = _Walked(), dict[int, str](), list[bytes]()
    expected, before = 0, ""
    for sequence, data in zip(part.numbers, store.read_many(map(key, part.numbers)), strict=True):
        if expected:
            found.faults += _lost(expected, sequence)
        try:
            entry = parse(data, sequence)
        except ContractError as error:
            found.faults.append(str(error))
        else:
            if not expected:
                found.previous = entry.previous_sha256
            elif expected == sequence and entry.previous_sha256 != before:
                found.faults.append(_broken(sequence))
            if entry.tag in _KEPT:
                found.kept.append(entry)
        expected, before = sequence + 1, sha256_bytes(data)
        digests[sequence] = before
        copied.append(data)
    found.digest = before
    found.digests = {sequence: digests[sequence] for sequence in part.wanted if sequence in digests}
    if part.is_sealed:
        name, numbers = segment_key(part.last, part.size), range(part.last - part.size + 1, part.last + 1)
        sealed = store.read(name)
        if len(copied) != part.size or b"".join(copied) != sealed:
            found.sealed_faults = segments.differing(name, sealed, numbers, digests)
    return found


def _lost(expected: int, found: int) -> list[str]:
    return [f"Entry {missing} of the ledger is missing." for missing in range(expected, found)]


def _missing(store: Store, newest: int, stretch: int) -> Iterator[str]:
    """Closed stretches without a segment."""
    for last in unsealed(store, newest, stretch):
        if last < newest:  # the newest entry's own writer may be about to seal
            yield f"{segment_key(last, stretch)} is missing. Run `python -m pipelines.audit seal`."


def _broken(sequence: int) -> str:
    if sequence == 1:
        return "Entry 1 of the ledger names an entry before it: the beginning was cut off."
    return f"Entry {sequence - 1} of the ledger is not the one that entry {sequence} followed: it was replaced."


def _anchors(pointers: Iterable[Release], found: _Walked) -> Iterator[str]:
    """Faults of releases: an anchor that the ledger lacks, or no entry behind a release."""
    written = {(entry.tag, entry.subject, str(entry.facts.get("verdict_sha256"))) for entry in found.kept}
    for release in pointers:
        yield from _anchor(release, found.digests)
        backing = _BACKING.get(release.kind)
        if (backing, release.family, release.verdict_sha256) not in written:
            yield f"{release.key} has no {backing} entry in the ledger: it was put there by hand."


def _anchor(release: Release, digests: Mapping[int, str]) -> Iterator[str]:
    sequence = release.ledger.get("sequence")
    digest = digests.get(sequence) if isinstance(sequence, int) else None
    if digest is None:
        yield f"Entry {sequence} of the ledger is missing, which {release.key} anchors: the tail was cut."
    elif digest != release.ledger.get("sha256"):
        yield f"Entry {sequence} of the ledger is not the one that {release.key} anchors: it was replaced."
