"""Take a person out of scores, inputs and outcomes with their history, and out of the files written back.

Reads, writes  scores/scored, scores/inputs, scores/outcomes, scores/exports   without the person
"""

import csv
import json
from collections.abc import Callable, Collection
from typing import Final

import polars as pl

from pipelines.base import delta
from pipelines.base.catalog import SCORES
from pipelines.base.digests import sha256_bytes, sha256_frame
from pipelines.base.forgotten import Group
from pipelines.base.store import Store
from pipelines.privacy.records import lines

Note = Callable[[str, str, str], None]
TABLES: Final = ("scored", "inputs", "outcomes")


def erase(store: Store, people: Collection[str], one: Group, note: Note) -> None:
    """Rewrite the scores.

    Args:
        store: Holds them.
        people: Pseudonyms.
        one: The same person, known by their identifiers too.
        note: Told of every object and its digests before and after, just before it is changed.
    """
    with store.lock(SCORES):
        for table in TABLES:
            if delta.version(store, f"{SCORES}/{table}") is not None:
                _table(store, f"{SCORES}/{table}", list(people), note)
        for key in store.list(f"{SCORES}/exports"):
            before = store.read(key)
            after = without_lines(before, one) if key.endswith(".csv") else without_elements(before, one)
            if after != before:
                note(key, sha256_bytes(before), sha256_bytes(after))
                store.put(key, after)


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
