"""Of whom retention let go, so that no file that only repeats them brings them back: keyed hashes, with the day.

An object `keys/retired/<zone>.parquet` for the candidates of the lake and one for the vault; in it a hash of each
person, and one of each of their rows that its source gave no moment, with the day before which nothing is kept. As with
who was forgotten, a hash can be tested by the holder of CANDOR_PSEUDONYM_KEY only, and read by nobody. Time takes none
away, since the next full file tells of the same people; an erasure does, which bars them by hashes of its own.
"""

import io
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from pipelines.base.catalog import KEYS
from pipelines.base.digests import sha256_bytes
from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.base.store import Store

CANDIDATES: Final = "candidates"
"""The zone of those of the lake; the other one is the vault."""
FOLDER: Final = f"{KEYS}/retired"
BEFORE: Final = "before"
_SCHEMA: Final = pl.Schema({"person": pl.String(), "row": pl.String(), BEFORE: pl.Date()})
"""Two hashes and the day; `row` is null of the person alone."""


@dataclass(frozen=True, slots=True)
class Retired:
    """People by their hashes: it knows them when it sees them, and cannot name them."""

    marks: pl.DataFrame
    """[n] person, row, before."""

    def days(self, people: pl.Series) -> pl.DataFrame:
        """Who of people was let go.

        Args:
            people: [n] str, pseudonyms; null is nobody's.

        Returns:
            [m] person_id, each once, and `before`: the day before which nothing is kept of them.
        """
        theirs = self.marks.filter(pl.col("row").is_null()).group_by("person").agg(pl.col(BEFORE).max())
        who = people.drop_nulls().unique().alias("person_id")
        return (
            pl.DataFrame({"person_id": who, "person": _marks("person", who)}).join(theirs, on="person").drop("person")
        )

    def repeats(self, digests: pl.Series) -> pl.Series:
        """[n] bool: whose digests of rows, `record_sha256`, are of rows that were let go."""
        return _marks("row", digests).is_in(self.marks["row"].drop_nulls().implode())


def read(store: Store, *zones: str) -> Retired:
    """Of whom some zones let go.

    Args:
        store: Holds the hashes.
        zones: As `add` was told.
    """
    return Retired(pl.concat([_read(store, _key(zone)) for zone in zones]))


def add(store: Store, zone: str, people: Iterable[str], rows: pl.DataFrame, before: date) -> None:
    """Note who is let go, before they are. Done again it changes nothing.

    Args:
        store: Holds the hashes.
        zone: What lets go of them.
        people: Pseudonyms.
        rows: [n] person_id, record_sha256 of their rows to which no source gave a moment.
        before: The day before which nothing is kept of them.
    """
    who = pl.Series("person", list(people), dtype=pl.String)
    alone = pl.DataFrame({"person": _marks("person", who), "row": pl.Series([None] * len(who), dtype=pl.String)})
    theirs = rows.select(
        _marks("person", rows["person_id"]).alias("person"), _marks("row", rows["record_sha256"]).alias("row")
    )
    new = pl.concat([alone, theirs]).with_columns(pl.lit(before).alias(BEFORE))
    both = pl.concat([_read(store, _key(zone)), new]).group_by("person", "row").agg(pl.col(BEFORE).max())
    store.put(_key(zone), _written(both))


def holds(store: Store, people: Collection[str]) -> bool:
    """Whether anybody of people was let go."""
    return any(
        len(read(store, _zone(key)).days(pl.Series(list(people), dtype=pl.String))) for key in store.list(FOLDER)
    )


def erase(store: Store, people: Collection[str], note: Callable[[str, str, str], None]) -> None:
    """Take people out who are being forgotten. Done again it changes nothing."""
    marks = _marks("person", pl.Series(list(people), dtype=pl.String))
    for key in store.list(FOLDER):
        before = store.read(key)
        held = _read(store, key)
        kept = held.filter(~pl.col("person").is_in(marks.implode()))
        if len(kept) < len(held):
            after = _written(kept)
            note(key, sha256_bytes(before), sha256_bytes(after))
            store.put(key, after)


def _marks(kind: str, values: pl.Series) -> pl.Series:
    """[n] str: of each person or row the hash that stands for it."""
    return pseudonym(secret(PSEUDONYM_KEY), f"retired|{kind}", values, "r", is_as_written=True)


def _key(zone: str) -> str:
    return f"{FOLDER}/{zone}.parquet"


def _zone(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".parquet")


def _read(store: Store, key: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(store.read(key))) if store.exists(key) else pl.DataFrame(schema=_SCHEMA)


def _written(marks: pl.DataFrame) -> bytes:
    """In one order, so that the same people give the same bytes; hashes hardly shrink."""
    buffer = io.BytesIO()
    marks.select(_SCHEMA.names()).sort(_SCHEMA.names(), nulls_last=False).write_parquet(buffer, compression_level=1)
    return buffer.getvalue()
