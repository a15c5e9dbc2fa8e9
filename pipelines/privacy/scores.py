"""Take a person, or days long gone, out of scores, inputs and outcomes with history, and out of the files written back.

Reads, writes  scores/scored, scores/inputs, scores/outcomes, scores/shadow, scores/exports   without the person or days
"""

import csv
import json
from collections.abc import Callable, Collection
from datetime import date
from typing import Final

import polars as pl

from pipelines.base import delta
from pipelines.base.catalog import SCORES
from pipelines.base.digests import sha256_bytes, sha256_frame
from pipelines.base.forgotten import Group
from pipelines.base.store import Store
from pipelines.privacy.records import lines

Note = Callable[[str, str, str], None]
TABLES: Final = ("scored", "inputs", "outcomes", "shadow")
_DAY: Final = "as_of"
"""The day of a partition, as text; the files written back are named by it."""


def erase(store: Store, people: Collection[str], one: Group, note: Note) -> None:
    """Rewrite the scores.

    Args:
        store: Holds them.
        people: Pseudonyms.
        one: The same person, known by their identifiers too.
        note: Told of every object and its digests before and after, just before it is changed.
    """
    with store.lock(SCORES):
        for key in _tables(store):
            _table(store, key, list(people), note)
        for key in store.list(f"{SCORES}/exports"):
            before = store.read(key)
            after = without_lines(before, one) if key.endswith(".csv") else without_elements(before, one)
            if after != before:
                note(key, sha256_bytes(before), sha256_bytes(after))
                store.put(key, after)


def people(store: Store) -> set[str]:
    """Pseudonyms of everybody who has a row in any of the tables."""
    frames = [delta.scan(store, key).select("person_id").unique().collect() for key in _tables(store)]
    return {person for frame in frames for person in frame["person_id"].drop_nulls()}


def due(store: Store, before: date) -> int:
    """Rows of days before one."""
    is_due = pl.col(_DAY).cast(pl.String) < before.isoformat()
    return sum(delta.scan(store, key).filter(is_due).select(pl.len()).collect().item() for key in _tables(store))


def retire(store: Store, before: date) -> None:
    """Let go of the days before one. Done again it changes nothing."""
    with store.lock(SCORES):
        for key in _tables(store):
            delta.erase_before(store, key, _DAY, before)
            delta.forget_log(store, key, delta.purge(store, key))
        for key in store.list(f"{SCORES}/exports"):
            if key.rpartition("/")[2].partition(".")[0] < before.isoformat():
                store.delete(key)


def _tables(store: Store) -> list[str]:
    keys = [f"{SCORES}/{table}" for table in TABLES]
    return [key for key in keys if delta.version(store, key) is not None]


def _table(store: Store, key: str, people: list[str], note: Note) -> None:
    """History goes even where the newest version does not hold the person: an older one may."""
    frame = delta.scan(store, key).collect()
    kept = frame.filter(~pl.col("person_id").is_in(people))
    if len(kept) < len(frame) or delta.has_history(store, key):
        note(key, sha256_frame(frame), sha256_frame(kept))
        delta.erase(store, key, people)
        delta.forget_log(store, key, delta.purge(store, key))


def without_lines(data: bytes, one: Group) -> bytes:
    """A CSV file's records of everybody else, byte for byte; scheme and identifier are the first two cells."""
    return b"".join(record for _, record in lines(data, b'"') if not _is_theirs(record, one))


def _is_theirs(record: bytes, one: Group) -> bool:
    cells = next(csv.reader([record.decode()]), [])
    # A leading quote guards against formulas and is not the value's.
    return len(cells) > 1 and one.has(cells[0], cells[1].removeprefix("'"))


def without_elements(data: bytes, one: Group) -> bytes:
    """The same of a JSON list."""
    rows = json.loads(data)
    kept = [row for row in rows if not one.has(row["scheme_code"] or "", row["identifier"] or "")]
    return data if len(kept) == len(rows) else (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode()
