"""Find the files of feeds whose files lie on a server.

Reads   a server        names, sizes and times; the bytes of files that show that they are complete
Writes  lake/looks      per feed: what was seen of each file, when first, and its sha256, under a keyed digest

A file is known again by name, size and time, on S3 also by its ETag and version, so that its bytes are read once to
know them and once more to land them.
Names stand nowhere: a document is often named after a person. What no longer lies on the server is forgotten.
What cannot be a file of the feed is passed over with a reason, and counted.
"""

import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from pipelines.base.catalog import LAKE
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal, unseal
from pipelines.base.store import Store
from pipelines.ingest.arrivals import MANIFEST, NOT_A_FILE, Found, Gone, Sighted, matched, units_of
from pipelines.ingest.feeds import Feed
from pipelines.ingest.servers import MOST, Entry, Server, connected, too_many

TOO_LARGE: Final = "too_many_bytes"
UNREADABLE: Final = "unreadable"


class Looks:
    """What was seen of a feed's files: mark of a file -> second of the first look, and its sha256 once it was read."""

    def __init__(self, store: Store, feed: str) -> None:
        """With what earlier looks saw."""
        self._store, self._key = store, f"{LAKE}/looks/{feed}.sealed"
        self._before: dict[str, tuple[float, str | None]] = {}
        self._now: dict[str, tuple[float, str | None]] = {}
        if store.exists(self._key):
            kept = json.loads(unseal(secret(VAULT_KEY), store.read(self._key), self._key.encode()))
            self._before = {mark: (at, sha256) for mark, (at, sha256) in kept.items()}

    def save(self) -> None:
        """Keep what is on the server now."""
        if self._now != self._before:
            data = json.dumps(self._now, sort_keys=True).encode()
            self._store.put(self._key, seal(secret(VAULT_KEY), data, self._key.encode()))

    def forget(self, digests: Collection[str]) -> None:
        """Have files read again that turned out to be other ones: their time may not have changed with their bytes."""
        for mark, (at, sha256) in self._before.items():
            self._now[mark] = (at, None if sha256 in digests else sha256)
        self.save()

    def see(self, entry: Entry, at: float) -> tuple[float, str | None]:
        """Note a look; when the file was first seen as it is, and its digest."""
        mark = _mark(entry)
        self._now[mark] = self._before.get(mark, (at, None))
        return self._now[mark]

    def known(self, entry: Entry) -> str | None:
        """The digest of a file that an earlier look read."""
        return self._before.get(_mark(entry), (0, None))[1]

    def sha256(self, entry: Entry, server: Server) -> str | None:
        """A file's digest, read once; None when it is not what was listed. Raises Gone when it cannot be read."""
        mark = _mark(entry)
        at, sha256 = self._now[mark]
        sha256 = sha256 or server.sha256(entry)
        self._now[mark] = (at, sha256)
        return sha256


def _mark(entry: Entry) -> str:
    about = "|".join(["look", entry.name, f"{entry.size}", f"{entry.changed}", *filter(None, [entry.pin])])
    return hmac.digest(secret(VAULT_KEY), about.encode(), "sha256").hex()[:32]


@dataclass(frozen=True, slots=True)
class OnServer:
    """A file on a server, its bytes read once."""

    server: Server
    name: str
    size: int
    sha256: str

    def beside(self, suffix: str) -> bytes | None:
        """The first bytes of the file whose name has this at its end."""
        try:
            return self.server.start(f"{self.name}{suffix}", MANIFEST + 1)
        except Gone:
            return None


def sighted(store: Store, feeds: list[Feed]) -> dict[str, Sighted]:
    """What is complete on the servers of feeds, as units. Waits once when files must be looked at a second time.

    Args:
        store: Keeps the looks.
        feeds: Those whose files lie on a server.

    Raises:
        SettingsError: A server is not the one that was pinned, or does not let us in or see the folder.
        SourceUnavailable: A server does not answer.
    """
    time.sleep(max((_to_wait(store, feed) for feed in feeds), default=0))
    return {feed.name: _sighted(store, feed) for feed in feeds}


def _to_wait(store: Store, feed: Feed) -> int:
    """Seconds until a look can tell that nobody writes to a feed's files any more; 0 when none is new."""
    seconds = feed.ready.untouched_seconds if feed.ready is not None else None
    if seconds is None:
        return 0
    looks, now = Looks(store, feed.name), time.time()
    with connected(feed) as server:
        declared, _ = _declared(feed, server.listing(), Counter())
        seen = [looks.see(entry, now) for entry, _ in declared]
    looks.save()
    return seconds if any(sha256 is None and now - at < seconds for at, sha256 in seen) else 0


def _sighted(store: Store, feed: Feed) -> Sighted:
    looks, passed_over = Looks(store, feed.name), Counter[str]()
    with connected(feed) as server:
        declared, signals = _declared(feed, server.listing(), passed_over)
        complete = _complete(feed, looks, signals, [entry for entry, _ in declared])
        found, waiting = [], 0
        try:
            for entry, groups in declared:
                sha256, fault = _read(feed, server, looks, entry) if entry in complete else (None, "")
                if fault:  # it comes never: what it was delivered with does not wait for it
                    passed_over[fault] += 1
                    continue
                file = OnServer(server, entry.name, entry.size, sha256 or "")
                found.append(Found(file, entry.name, groups, is_ready=sha256 is not None))
                waiting += sha256 is None
        finally:
            looks.save()
        return Sighted(units_of(feed, found), waiting, passed_over)


def _declared(
    feed: Feed, entries: Iterable[Entry], passed_over: Counter[str]
) -> tuple[list[tuple[Entry, Mapping[str, str]]], set[str]]:
    """Files that the feed declares, with the groups of their names, and names of files that say that one is complete.

    Nothing else of a listing is kept; what only has the name of a file is counted.
    """
    found, signals = [], set()
    signal = feed.ready.suffix if feed.ready is not None else None
    for entry in entries:
        groups = matched(feed, entry.name)
        if entry.fault:
            passed_over[entry.fault] += 1
        elif groups is not None and entry.is_file:
            found.append((entry, groups))
        elif groups is not None:
            passed_over[NOT_A_FILE] += 1
        elif signal and entry.is_file and entry.name.endswith(signal):
            signals.add(entry.name)
        if len(found) + len(signals) > MOST:
            raise too_many(feed)
    return sorted(found, key=lambda item: (item[0].name, item[0].changed)), signals


def _complete(feed: Feed, looks: Looks, signals: set[str], declared: list[Entry]) -> set[Entry]:
    """Files that show that they are complete; without a word about it, one that is there does (an object on S3)."""
    now, ready = time.time(), feed.ready
    firsts = {entry: looks.see(entry, now)[0] for entry in declared}
    if ready is None:
        return set(declared)
    if ready.untouched_seconds is not None:
        return {entry for entry, at in firsts.items() if now - at >= ready.untouched_seconds}
    return {entry for entry in declared if f"{entry.name}{ready.suffix}" in signals}


def _read(feed: Feed, server: Server, looks: Looks, entry: Entry) -> tuple[str | None, str]:
    """A file's digest, None when it changes meanwhile; or why it cannot be taken in."""
    if entry.size > feed.limits.max_bytes:
        return None, TOO_LARGE
    try:
        return looks.sha256(entry, server), ""
    except Gone:
        return None, UNREADABLE


@contextmanager
def reopening(store: Store, feed: Feed) -> Iterator[Callable[[str, str], AbstractContextManager[BinaryIO]]]:
    """How a file of a name and digest that a look knew is opened again; that raises Gone when it cannot be read."""
    looks = Looks(store, feed.name)
    with connected(feed) as server:

        def opened(name: str, sha256: str) -> AbstractContextManager[BinaryIO]:
            there = server.named(name)
            return server.opened(next((entry for entry in there if looks.known(entry) == sha256), there[0]))

        yield opened
