"""Keep the exact bytes received, write-once, under their sha256; everything after can be made again from them.

Reads   exports    one file, or one delivery folder of documents
Writes  landing    landing/<feed>/<period>/<sha256>/<name>; one object a document and an index of them
"""

import json
import shutil
from pathlib import Path, PurePosixPath

from pipelines.base.digests import sha256_file
from pipelines.base.store import Store
from pipelines.ingest.batch import Batch, Held, Unit, read_json, write_json
from pipelines.ingest.discover import place
from pipelines.ingest.feeds import Feed


def document_key(unit: Unit, name: str, sha256: str) -> str:
    """Where a document of a folder is landed."""
    return f"{unit.landing_folder}/{sha256}/{PurePosixPath(name).name}"


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
    if read_json(done) is None:
        if not unit.is_replay:
            _copy(batch.store, unit, place(feed))
        write_json(done, {"key": unit.landing_key, "objects": max(1, len(unit.documents))})
    return f"landed {unit.id}: {max(1, len(unit.documents))} objects, {unit.size} bytes"


def _copy(store: Store, unit: Unit, folder: Path) -> None:
    for name, sha256, _ in unit.documents:
        _one(store, document_key(unit, name, sha256), folder / name, sha256)
    if unit.documents:
        store.create(unit.landing_key, json.dumps(unit.documents).encode())
    else:
        _one(store, unit.landing_key, folder / unit.name, unit.sha256)


def _one(store: Store, key: str, path: Path, sha256: str) -> None:
    """Upload unless there; the digest in the key must be the digest of what was uploaded."""
    if store.exists(key):
        return
    if not path.is_file() or sha256_file(path) != sha256:
        raise Held(
            "changed_while_landing", "A file must keep its bytes until it is landed; it changed after discovery."
        )
    store.upload_new(key, path)


def fetch(store: Store, key: str, path: Path) -> Path:
    """A landed object as a local file, for a reader."""
    store.download(key, path)
    return path


def forget(path: Path) -> None:
    """Remove a fetched file or folder: raw bytes stay in landing only."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
