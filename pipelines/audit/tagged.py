"""Entries by what they are, out of a long ledger that is read once in a process, and then only where it grew.

A page asks for a handful of entries among many thousands of scorings. Which numbers have which tag and subject is kept
in memory; an entry itself is always read from the ledger. When the newest entry that was read is no longer the one it
was, all is read anew. An entry that is missing between others is a fault, since nobody knows what it said. What else
was changed before the newest is for `verify` to find, as ever.
"""

import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from pipelines.audit.ledger import GENESIS, Entry, Tag, parse
from pipelines.audit.segments import key, number, numbered
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store


@dataclass(slots=True)
class _Known:
    """What was read of one ledger."""

    upto: int = 0
    sha256: str = GENESIS
    """Of the newest entry read."""
    places: dict[Tag, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """Numbers by tag and subject, in their order."""
    used: dict[tuple[str, str], int] = field(default_factory=dict)
    """Number of the newest scoring of a family by a model, shadows apart."""
    listed_at: float = -math.inf
    """When all numbers were last asked for, by the monotonic clock."""
    lost: list[int] = field(default_factory=list)
    """Numbers of entries that are missing before others."""


_KNOWN: Final[dict[str, _Known]] = {}
"""By the address of the store."""
_LOCK: Final = Lock()
_LISTED: Final = 60.0
"""Seconds for which the entry after the newest known, where it is missing, counts as not written yet: to list a long
ledger each time a page asks takes longer than the page may."""


def marked(
    store: Store, tags: Collection[Tag], subject: str | None = None, *, despite_holes: bool = False
) -> Iterator[Entry]:
    """Entries with one of some tags, the newest first, read as they are asked for.

    Args:
        store: Holds the ledger.
        tags: Any of them.
        subject: Of this alone; None: of whatever it is.
        despite_holes: Whether entries are told though others are missing before them: for who says so beside them.

    Raises:
        ContractError: An entry is not readable, or was not when its tag was looked at; one is missing before others,
            which is seen within a minute; or one has another tag than when it was looked at.
    """
    with _LOCK:
        known = _read(store)
        if known.lost and not despite_holes:
            raise ContractError(
                f"Entry {known.lost[0]} of the ledger must be there as others after it are; it is missing. Restore it "
                "from a backup: nobody knows what it said."
            )
        places = known.places
        numbers = [
            place
            for tag in tags
            for about, found in places.get(tag, {}).items()
            if subject in (None, about)
            for place in found
        ]
    numbers.sort(reverse=True)
    for place, data in zip(numbers, store.read_many(map(key, numbers)), strict=True):
        entry = parse(data, place)
        if entry.tag not in tags or subject not in (None, entry.subject):
            raise ContractError(
                f"Entry {place} of the ledger must say what it said when it was read; it was changed. Restore it from "
                "a backup."
            )
        yield entry


def last_scored(store: Store, family: str, models: Collection[str]) -> Iterator[Entry]:
    """The newest scoring that each of some models did, shadows apart, whatever was scored since; read from the ledger.

    Args:
        store: Holds the ledger.
        family: Whose people.
        models: Digests. Models that never scored are left out.

    Raises:
        ContractError: An entry is not readable, or no longer the scoring that it was.
    """
    with _LOCK:
        used = _read(store).used
        wanted = [(model, place) for model in models if (place := used.get((family, model)))]
    for (model, place), data in zip(wanted, store.read_many(key(place) for _, place in wanted), strict=True):
        entry = parse(data, place)
        if _scorer(entry) != (family, model):
            raise ContractError(
                f"Entry {place} of the ledger must be the scoring that it was; its content was changed."
            )
        yield entry


def _scorer(entry: Entry) -> tuple[str, str] | None:
    """Family and model of a scoring that was none of a shadow."""
    is_one = entry.tag is Tag.PEOPLE_SCORED and entry.facts.get("kind") != "shadow"
    return (entry.subject, str(entry.facts.get("model_sha256"))) if is_one else None


def _read(store: Store) -> _Known:
    """What is known of a ledger, up to its newest entry now. A fault leaves what was known before."""
    known = _KNOWN.get(store.url, _Known())
    if known.upto and not (store.exists(key(known.upto)) and sha256_bytes(store.read(key(known.upto))) == known.sha256):
        known = _Known()
    if known.lost and store.exists(key(known.lost[0])):
        known = _Known()  # restored: it belongs among the others
    if known.upto and not store.exists(key(known.upto + 1)) and time.monotonic() - known.listed_at < _LISTED:
        return known
    listed_at = time.monotonic()
    listed = {number(name) for name in numbered(store)}
    # A list that was made while others wrote may lack an entry that is there.
    after = range(known.upto + 1, max(listed, default=0) + 1)
    lost = [place for place in after if place not in listed and not store.exists(key(place))]
    numbers, new = sorted({*after} - {*lost}), []
    used = dict[tuple[str, str], int]()
    for place, data in zip(numbers, store.read_many(map(key, numbers)), strict=True):
        entry = parse(data, place)
        new.append((entry.tag, entry.subject, entry.sequence))
        if scorer := _scorer(entry):
            used[scorer] = entry.sequence
        sha256 = sha256_bytes(data)
    for tag, subject, place in new:
        known.places[tag][subject].append(place)
    known.used |= used
    if new:
        known.upto, known.sha256 = new[-1][2], sha256
    known.listed_at = listed_at
    known.lost += lost
    _KNOWN[store.url] = known
    return known
