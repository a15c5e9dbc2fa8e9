"""One random key and one random handle a person: what the history of data can forget them by.

Snapshots hold each person's rows under that person's key (`snapshots`), and DVC keeps snapshots for good. Destroying
the key makes the person unreadable in every version at once. `snapshot` makes missing keys, `prepare` reads them, an
erasure destroys them; nobody else is handed CANDOR_PERSON_KEY.

Keys lie in `SHARDS` objects by the first digits of the pseudonym, each sealed under CANDOR_PERSON_KEY: one object a
person would be a million tiny ones. Destroying a key rewrites its shard without it, which costs one read and one write
of 1/256 of all keys, and is final where the store keeps no versions of this zone. A mark stays in its place, a keyed
hash of the pseudonym: nobody makes the person a new key by mistake, and nobody can read who it was.
"""

import hmac
import os
from collections.abc import Callable, Iterable
from typing import Final

import polars as pl

from pipelines.base.catalog import KEYS
from pipelines.base.digests import sha256_bytes
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store

SHARDS: Final = 256
KEY_BYTES: Final = 32
HANDLE_BYTES: Final = 16
_SCHEMA: Final = pl.Schema({"person_id": pl.String(), "mark": pl.String(), "handle": pl.Binary(), "key": pl.Binary()})
_LOCK: Final = "keys"


def ensure(store: Store, people: pl.Series) -> pl.DataFrame:
    """The keys of people, made where they are missing.

    Args:
        store: Where the keys are.
        people: [n] str. Pseudonyms, each once.

    Returns:
        [n_people] person_id, handle, key, ordered by handle. Who was forgotten is not in it and gets no key again.
    """
    with store.lock(_LOCK):
        shards = _read(store)
        held = pl.concat([pl.DataFrame(schema=_SCHEMA), *shards.values()])
        missing = people.filter(~people.is_in(held["person_id"].drop_nulls().implode())).sort()
        if len(missing):
            made = _made(missing.filter(~missing.is_in(_forgotten(held, missing).implode())))
            for (number,), frame in made.partition_by("shard", as_dict=True).items():
                before = shards.get(int(str(number)), pl.DataFrame(schema=_SCHEMA))
                store.put(_name(int(str(number))), _sealed(pl.concat([before, frame.select(_SCHEMA.names())])))
            held = pl.concat([held, made.select(_SCHEMA.names())])
    return held.filter(pl.col("person_id").is_in(people.implode())).select("person_id", "handle", "key").sort("handle")


def held(store: Store) -> pl.DataFrame:
    """All keys.

    Args:
        store: Where they are.

    Returns:
        [n_people] person_id, handle, key, ordered by handle.
    """
    frames = pl.concat([pl.DataFrame(schema=_SCHEMA), *_read(store).values()])
    return frames.filter(pl.col("person_id").is_not_null()).select("person_id", "handle", "key").sort("handle")


def marked(store: Store, people: Iterable[str]) -> list[str]:
    """Those of `people` who were forgotten."""
    return _forgotten(pl.concat([pl.DataFrame(schema=_SCHEMA), *_read(store).values()]), pl.Series(people)).to_list()


def destroy(store: Store, people: Iterable[str], note: Callable[[str, str, str], None]) -> None:
    """Destroy the keys of people, and mark them as forgotten. Once it is done, again changes nothing.

    Args:
        store: Where the keys are.
        people: Pseudonyms.
        note: Told of every shard and its digests before and after, just before it is changed.
    """
    frame = pl.DataFrame({"person_id": sorted(people)}, schema={"person_id": pl.String}).with_columns(_shard())
    with store.lock(_LOCK):
        for (number,), gone in frame.partition_by("shard", as_dict=True).items():
            name = _name(int(str(number)))
            before = store.read(name) if store.exists(name) else b""
            shard = unseal_frame(secret(PERSON_KEY), before) if before else pl.DataFrame(schema=_SCHEMA)
            marks = {mark(person) for person in gone["person_id"]} - set(shard["mark"])
            kept = shard.filter(~pl.col("person_id").is_in(gone["person_id"].implode()).fill_null(value=False))
            if len(kept) == len(shard) and not marks:
                continue
            after = _sealed(pl.concat([kept, _marks(sorted(marks))]))
            note(name, sha256_bytes(before), sha256_bytes(after))
            store.put(name, after)


def let_go(store: Store, people: Iterable[str]) -> None:
    """Destroy the keys of people who are not forgotten: who is known again gets a new one. Again it changes nothing.

    Args:
        store: Where the keys are.
        people: Pseudonyms.
    """
    gone = list(people)
    with store.lock(_LOCK):
        for number, shard in _read(store).items():
            kept = shard.filter(~pl.col("person_id").is_in(gone).fill_null(value=False))
            if len(kept) < len(shard):
                store.put(_name(number), _sealed(kept))


def mark(person: str) -> str:
    """What stands for a forgotten person: a hash under CANDOR_PERSON_KEY."""
    return hmac.digest(secret(PERSON_KEY), b"forgotten|" + person.encode(), "sha256").hex()


def _forgotten(held: pl.DataFrame, people: pl.Series) -> pl.Series:
    marks = set(held["mark"].drop_nulls())
    return (
        people.filter(pl.Series([mark(person) in marks for person in people], dtype=pl.Boolean))
        if marks
        else people[:0]
    )


def _made(people: pl.Series) -> pl.DataFrame:
    count, size = len(people), HANDLE_BYTES + KEY_BYTES
    random = os.urandom(count * size)
    starts = range(0, count * size, size)
    columns = {
        "person_id": people,
        "mark": pl.Series([None] * count, dtype=pl.String),
        "handle": pl.Series([random[at : at + HANDLE_BYTES] for at in starts], dtype=pl.Binary),
        "key": pl.Series([random[at + HANDLE_BYTES : at + size] for at in starts], dtype=pl.Binary),
    }
    return pl.DataFrame(columns).with_columns(_shard())


def _marks(marks: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"mark": marks}, schema={"mark": pl.String}).select(
        pl.lit(None, dtype=dtype).alias(name) if name != "mark" else pl.col(name) for name, dtype in _SCHEMA.items()
    )


def _shard() -> pl.Expr:
    """Pseudonyms are keyed hashes already: their first digits spread evenly."""
    return pl.col("person_id").str.slice(2, 2).str.to_integer(base=16, strict=False).fill_null(0).alias("shard")


def _name(number: int) -> str:
    return f"{KEYS}/people/{number:02x}.sealed"


def _read(store: Store) -> dict[int, pl.DataFrame]:
    names = store.list(f"{KEYS}/people")
    numbers = [int(name.rpartition("/")[2].removesuffix(".sealed"), 16) for name in names]
    secret_key = secret(PERSON_KEY)
    return {n: unseal_frame(secret_key, data) for n, data in zip(numbers, store.read_many(names), strict=True)}


def _sealed(shard: pl.DataFrame) -> bytes:
    return seal_frame(secret(PERSON_KEY), shard.sort("mark", "handle"))
