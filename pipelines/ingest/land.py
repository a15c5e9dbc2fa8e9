"""Keep the exact bytes received, write-once, under their sha256; everything after can be made again from them.

Reads   exports    one file, or one delivery folder of documents; on a server or in a folder
Writes  landing    landing/<feed>/<period>/<sha256>/<name>, sealed; one object a document and an index of them
        keys       landing/, a key an object: after `privacy.keep_days` it is destroyed, and the object is `expired`
"""

import hmac
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from pipelines.base import landing
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SourceUnavailable
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.store import Store
from pipelines.ingest.afloat import Afloat
from pipelines.ingest.arrivals import Gone
from pipelines.ingest.batch import Batch, Held, Unit, read_json, write_json
from pipelines.ingest.discover import landed_at, place
from pipelines.ingest.feeds import Feed

EXPIRED: Final = "expired"
CHANGED: Final = "changed_while_landing"
_CHANGED: Final = "A file must keep its bytes until it is landed; it changed after discovery."


def document_key(unit: Unit, name: str, sha256: str) -> str:
    """Where a document of a folder is landed. Its name is often the person's, and whoever may list sees keys."""
    named = hmac.digest(secret(VAULT_KEY), f"document|{name}".encode(), "sha256").hex()[:32]
    return f"{unit.landing_folder}/{sha256}/{named}"


def land(batch: Batch, unit: Unit, feed: Feed) -> str:
    """Land a unit, once.

    Args:
        batch: The batch.
        unit: One of its units.
        feed: The unit's feed.

    Returns:
        The line to print.

    Raises:
        Held: The bytes are no longer those that were discovered.
    """
    done = batch.place(unit) / "landed.json"
    is_afloat = batch.afloat is not None and unit.id in batch.afloat
    if not is_afloat and (read_json(done) is None or not _is_there(batch.store, unit)):
        note = partial(write_json, done, {"objects": max(1, len(unit.documents))})
        if not _float(batch, unit, feed, note):
            if not unit.is_replay:
                _landed(batch.store, unit, feed, batch.place(unit))
            note()
    return f"landed {unit.id}: {max(1, len(unit.documents))} objects, {unit.size} bytes"


@contextmanager
def floating(batch: Batch) -> Iterator[Afloat]:
    """In the block large files may be read while they are on their way into landing; `settle` waits for them."""
    with Afloat() as afloat:
        batch.afloat = afloat
        try:
            yield afloat
        finally:
            batch.afloat = None


def settle(batch: Batch) -> None:
    """Wait until what was landed would survive a power cut.

    Raises:
        SourceUnavailable: It could not be landed, or is not there any more: what is read of it now could never be read
            again.
    """
    if batch.afloat:
        batch.afloat.wait()
    units = batch.units()
    batch.store.settle(key for unit in units for key in _keys(unit))
    if any(batch.held(unit) is None and not _is_there(batch.store, unit) for unit in units):
        raise SourceUnavailable(
            "What a batch took must lie in landing before it is published; a file of it is gone from it, as after "
            "a power cut, and from its source. Nothing was published. Restore the store or the file, and run again."
        )


def stay(batch: Batch, feeds: Mapping[str, Feed]) -> None:
    """Land anew what is gone from landing since its batch read it, where the source still has those bytes."""
    for unit in batch.units():
        if batch.held(unit) is None and unit.feed in feeds and not _is_there(batch.store, unit):
            with suppress(Held):  # who settles says so
                _landed(batch.store, unit, feeds[unit.feed], batch.place(unit))


def _is_there(store: Store, unit: Unit) -> bool:
    """Whether a folder still has what was landed in it; a server keeps what it has answered for."""
    return unit.is_replay or not store.keeps_files or all(map(store.exists, _keys(unit)))


def _keys(unit: Unit) -> Iterator[str]:
    """Where the bytes of a unit are: a file, or documents and their index."""
    yield from (document_key(unit, name, sha256) for name, sha256, _ in unit.documents)
    yield unit.landing_key


def _float(batch: Batch, unit: Unit, feed: Feed, note: Callable[[], None]) -> bool:
    """Seal a unit's file, to be read before it is kept; False where that is not worth it, or it is kept already.

    An encrypted file is opened beside its landed object, which therefore has to be there.
    """
    store, afloat, key = batch.store, batch.afloat, unit.landing_key
    # A server is not asked again, before publishing, whether it has what it answered for: there it is landed first.
    may_float = store.keeps_files and not (unit.is_replay or unit.documents) and feed.pgp is None
    if afloat is None or not (may_float and afloat.has_room(unit.size)) or landing.is_kept(store, key):
        return False
    scratch = batch.place(unit)
    scratch.mkdir(parents=True, exist_ok=True)
    copy, keep = afloat.copy(scratch), None
    with _looked_at_again(store, unit, feed):
        with suppress(Gone), _source(store, feed) as opened, opened(unit.name, unit.sha256) as source:
            keep = landing.write_later(store, key, source, unit.sha256, day=_today(), scratch=scratch, copy=copy)
        if keep is None:
            raise Held(CHANGED, _CHANGED)
    kept = keep

    def come_in() -> None:
        kept()
        note()

    afloat.add(unit.id, copy, unit.size, come_in)
    return True


def _landed(store: Store, unit: Unit, feed: Feed, scratch: Path) -> None:
    with _looked_at_again(store, unit, feed):
        _copy(store, unit, feed, scratch)


@contextmanager
def _looked_at_again(store: Store, unit: Unit, feed: Feed) -> Iterator[None]:
    """What a server was seen to hold is looked at again when it turns out otherwise."""
    try:
        yield
    except Held:
        if feed.is_on_server:
            from pipelines.ingest.pickup import Looks

            Looks(store, feed.name).forget({unit.sha256, *(sha256 for _, sha256, _ in unit.documents)})
        raise


def _copy(store: Store, unit: Unit, feed: Feed, scratch: Path) -> None:
    with _source(store, feed) as opened:
        for name, sha256, _ in unit.documents:
            _file(store, document_key(unit, name, sha256), partial(opened, name, sha256), sha256, scratch)
        if unit.documents:
            index = json.dumps(unit.documents).encode()
            _one(store, unit.landing_key, io.BytesIO(index), sha256_bytes(index), scratch)
        else:
            _file(store, unit.landing_key, partial(opened, unit.name, unit.sha256), unit.sha256, scratch)


@contextmanager
def _source(store: Store, feed: Feed) -> Iterator[Callable[[str, str], AbstractContextManager[BinaryIO]]]:
    """How a feed's file of a name and digest is opened where it arrived; that raises Gone when it cannot be read."""
    if not feed.is_on_server:
        yield partial(_on_disk, place(feed))
        return
    from pipelines.ingest.pickup import reopening

    with reopening(store, feed) as opened:
        yield opened


@contextmanager
def _on_disk(folder: Path, name: str, _: str) -> Iterator[BinaryIO]:
    path = folder / name
    if not path.is_file():
        raise Gone
    with path.open("rb") as file:
        yield file


def _file(
    store: Store, key: str, opened: Callable[[], AbstractContextManager[BinaryIO]], sha256: str, scratch: Path
) -> None:
    """Land a file unless it is there; the digest in the key must be the digest of what was landed."""
    if landing.is_kept(store, key):
        return
    with suppress(Gone), opened() as source:
        if _one(store, key, source, sha256, scratch):
            return
    raise Held(CHANGED, _CHANGED)


def _one(store: Store, key: str, source: BinaryIO, sha256: str, scratch: Path) -> bool:
    return landing.write(store, key, source, sha256, day=_today(), scratch=scratch)


def _today() -> date:
    return datetime.now(UTC).date()


def fetched(batch: Batch, unit: Unit, path: Path) -> Path:
    """A unit's bytes as a local file, for a reader; raises as `fetch` does."""
    if batch.afloat and batch.afloat.take(unit.id, path):
        return path
    return fetch(batch.store, landed_at(batch.store, unit), path)


def fetch(store: Store, key: str, path: Path) -> Path:
    """A landed object as a local file, for a reader.

    Raises:
        Held: It landed so long ago that its key is destroyed, or never.
    """
    if not store.exists(key):
        raise Held("not_landed", "A file must lie in landing to be read again; it never did. Have it sent again.")
    if not landing.read(store, key, path):
        raise Held(
            EXPIRED,
            "A landed file is kept for privacy.keep_days; this one is older and its key destroyed. Deliver it again.",
        )
    return path


def forget(path: Path) -> None:
    """Remove a fetched file or folder: raw bytes stay in landing only."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
