"""Where the ledger lies: numbered entries, and a sealed copy of every closed stretch of them.

    ledger/000000000001.json                                   an entry
    ledger/segments/000000000001-000000010000.jsonl            the entries 1 to 10,000, byte for byte, one a line

A segment is created only if absent, on S3 under Object Lock. The same entries give the same bytes, so it does not
matter who seals, how often, or who is killed while sealing. Entries stay readable one by one.
"""

from collections.abc import Mapping
from typing import Final

from pipelines.base.catalog import LEDGER, SEGMENTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

STRETCH: Final = 10_000
"""Entries in a segment. Part of the layout: another number would seal every entry again."""


def key(sequence: int) -> str:
    """Where an entry lives."""
    return f"{LEDGER}/{sequence:012d}.json"


def number(name: str) -> int:
    """The number in a key.

    Raises:
        ContractError: The key is not an entry's.
    """
    digits = name.removeprefix(f"{LEDGER}/").removesuffix(".json")
    if not digits.isdecimal() or name != key(int(digits)):
        raise ContractError(f"{LEDGER}/ must hold numbered entries only; {name} is none. Move it away.")
    return int(digits)


def numbered(store: Store) -> list[str]:
    """Keys of all entries, oldest first; whatever else lies there comes with them, to be named as a fault."""
    return [name for name in store.list(LEDGER) if not name.startswith(f"{SEGMENTS}/")]


def segment_key(last: int, stretch: int) -> str:
    """Where the stretch that ends with entry `last` is sealed."""
    return f"{SEGMENTS}/{last - stretch + 1:012d}-{last:012d}.jsonl"


def unsealed(store: Store, upto: int, stretch: int) -> list[int]:
    """The last entries of the closed stretches that have no segment yet.

    Args:
        store: Holds the ledger.
        upto: Number of its newest entry.
        stretch: Entries in a segment.
    """
    if upto < stretch:
        return []
    there = set(store.list(SEGMENTS))
    return [last for last in range(stretch, upto + 1, stretch) if segment_key(last, stretch) not in there]


def seal(store: Store, last: int, stretch: int) -> None:
    """Copy a closed stretch into its segment.

    Args:
        store: Holds the ledger.
        last: Number of the stretch's last entry; the one after it exists or is being written.
        stretch: Entries in a segment.

    Raises:
        ContractError: An entry is missing. Nothing was sealed.
    """
    names = [key(sequence) for sequence in range(last - stretch + 1, last + 1)]
    store.create(segment_key(last, stretch), b"".join(store.read_many(names)))


def differing(name: str, sealed: bytes, numbers: range, digests: Mapping[int, str]) -> list[str]:
    """Where the entries of a stretch and its sealed copy differ.

    Args:
        name: Of the segment.
        sealed: Its bytes.
        numbers: Those of the stretch.
        digests: Number -> sha256 of each entry as it is now.
    """
    lines = sealed.splitlines(keepends=True)
    if len(lines) != len(numbers):
        return [f"{name} must hold {len(numbers)} entries; it holds {len(lines)}: it was put there by hand."]
    return [
        f"Entry {sequence} of the ledger is not the one that {name} sealed: it was replaced or removed."
        for sequence, line in zip(numbers, lines, strict=True)
        if digests.get(sequence) != sha256_bytes(line)
    ]


def stretch_of(name: str, stretch: int) -> int:
    """The last entry of the stretch that a segment seals; 0 when it is no segment's name."""
    last = _last(name)
    return last if last and last % stretch == 0 and name == segment_key(last, stretch) else 0


def _last(name: str) -> int:
    """The number of a segment's last entry; 0 when its name has none."""
    digits = name.removesuffix(".jsonl").rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
