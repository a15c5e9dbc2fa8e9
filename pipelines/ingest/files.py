"""The register of files: what became of every file that ever arrived, so that the same bytes are never taken in twice.

One object a feed, content and name under `lake/files`. The first delivery of some bytes has the counts; the same bytes
under another name are a duplicate delivery, which is counted once and then known. Records are sealed under the vault
key: a document is often named after the person it is about.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from pipelines.base.catalog import LAKE
from pipelines.base.digests import sha256_bytes
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal, unseal
from pipelines.base.store import Store

_NOBODYS: Final = re.compile("erased/[0-9a-f]{32}")
_PLACES: Final = 24
"""Bits for the place in a batch."""


@dataclass(frozen=True, slots=True)
class Record:
    """One file and what became of it."""

    feed: str
    name: str
    sha256: str
    groups: Mapping[str, str]
    batch: str
    status: Literal["published", "held", "duplicate", "rejected"]
    """`rejected`: a person decided that it is never taken in."""
    feed_sha256: str
    """Digest of the declaration it was read with."""
    landing_key: str
    counts: Mapping[str, Any]
    size: int
    documents: tuple[tuple[str, str, int], ...] = ()
    manifest: Mapping[str, Any] | None = None
    """What the file's manifest said of it."""
    filled: Mapping[str, float] = field(default_factory=dict)
    """Column that a rule reads -> share of the rows with something in it."""
    lengths: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Column of identifiers -> characters -> how many have so many."""
    unread: tuple[str, ...] | None = None
    """Columns that no rule reads; None where nobody looked, as of files that older versions took in."""
    since: int = 0
    """When it was taken in, as `in_order` says; reading it again changes nothing of it. Of deliveries of one name that
    with the greatest is what the source says; 0 where older versions took it in."""


def in_order(manifest: int, place: int) -> int:
    """A number that is the greater the later a file is taken in.

    Args:
        manifest: The number of the newest manifest once it is.
        place: Its place in the batch.
    """
    return manifest << _PLACES | place


def manifest_of(since: int) -> int:
    """The number of the manifest in what `in_order` made."""
    return since >> _PLACES


def _key(feed: str, sha256: str, name: str) -> str:
    return f"{LAKE}/files/{feed}/{sha256}/{_mark(name)}"


def _mark(name: str) -> str:
    return f"{sha256_bytes(name.encode())[:16]}.sealed"


def enter(store: Store, record: Record, note: Callable[[str, str, str], None] | None = None) -> None:
    """Write or replace a file's record.

    Args:
        store: Holds the register.
        record: What became of the file.
        note: Told of the object and its digests before and after, just before it is replaced.
    """
    key = _key(record.feed, record.sha256, record.name)
    data = _sealed(record)
    if note is not None:
        note(key, sha256_bytes(store.read(key)), sha256_bytes(data))
    store.put(key, data)


def unname(store: Store, feed: str, sha256: str, note: Callable[[str, str, str], None]) -> None:
    """Replace the names under which some bytes arrived by keyed digests of them; done again it changes nothing.

    Args:
        store: Holds the register.
        feed: Whose files are about one person each, and often named after them.
        sha256: Of the bytes.
        note: Told of the folder, as an object's own key has a digest of the name that anybody could guess.
    """
    folder = f"{LAKE}/files/{feed}/{sha256}"
    for key in store.list(folder):
        before = store.read(key)
        record = _record(before)
        unnamed = replace(record, name=nobodys(record.name))
        if unnamed != record:
            data = _sealed(unnamed)
            note(folder, sha256_bytes(before), sha256_bytes(data))
            store.put(_key(feed, sha256, unnamed.name), data)
            store.delete(key)


def nobodys(name: str) -> str:
    """What the register calls a file whose person was forgotten."""
    if _NOBODYS.fullmatch(name):
        return name
    return "erased/" + hmac.digest(secret(VAULT_KEY), f"file|{name}".encode(), "sha256").hex()[:32]


def find(store: Store, feed: str, sha256: str) -> list[Record]:
    """Records of all names under which these bytes arrived."""
    return [_record(store.read(key)) for key in store.list(f"{LAKE}/files/{feed}/{sha256}")]


def knows_all(store: Store, feed: str, names: Iterable[str]) -> bool:
    """Whether a file of each name arrived before, whatever its bytes; no record is read for it."""
    marks = {key.rpartition("/")[2] for key in store.list(f"{LAKE}/files/{feed}")}
    return all(_mark(name) in marks or _mark(nobodys(name)) in marks for name in names)


def delivered(store: Store, feed: str) -> Callable[[str], frozenset[str]]:
    """Finds the digests of all bytes that arrived under a name, forgotten or not; no record is read for it."""
    found: dict[str, set[str]] = {}
    for key in store.list(f"{LAKE}/files/{feed}"):
        *_, sha256, mark = key.split("/")
        found.setdefault(mark, set()).add(sha256)
    return lambda name: frozenset().union(*(found.get(_mark(one), ()) for one in (name, nobodys(name))))


def of_status(store: Store, feed: str, sha256: str, *statuses: str) -> list[Record]:
    """Records of these bytes that have one of the statuses."""
    return [record for record in find(store, feed, sha256) if record.status in statuses]


def of_feed(store: Store, feed: str) -> list[Record]:
    """Records of all files of a feed, oldest period first; of one name in the order in which they were taken in."""
    records = [_record(store.read(key)) for key in store.list(f"{LAKE}/files/{feed}")]
    return sorted(
        records, key=lambda record: (record.groups.get("period", ""), record.name, record.since, record.sha256)
    )


def _sealed(record: Record) -> bytes:
    return seal(secret(VAULT_KEY), json.dumps(asdict(record), sort_keys=True).encode())


def _record(data: bytes) -> Record:
    raw = json.loads(unseal(secret(VAULT_KEY), data))
    documents = tuple((str(name), str(sha256), int(size)) for name, sha256, size in raw["documents"])
    unread = None if raw.get("unread") is None else tuple(raw["unread"])
    return Record(**{**raw, "documents": documents, "unread": unread})
