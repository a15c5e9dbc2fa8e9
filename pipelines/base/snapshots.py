"""A family's tables on disk: the one place where a snapshot is written and read.

    layout.json       tables of people, their columns and types
    people-<n>.arrow  handle, blob: one blob a person with that person's rows of all tables, compressed, then sealed
                      (AES-SIV) under the person's own key from `keys`; `FILES` files, ordered by handle
    <table>.parquet   tables that are about no person

DVC keeps snapshots for good, so only ciphertext may be in them: without its key a blob is noise, in every version and
every copy. Equal rows of a person give equal bytes. Whoever reads a snapshot needs neither lake nor vault, and training
code imports neither.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.base import packing
from pipelines.base.contracts import TABLES
from pipelines.base.errors import ContractError
from pipelines.base.packing import OWNER, Packed
from pipelines.base.sealed import seal, unseal

FILES: Final = 32
LAYOUT: Final = "layout.json"
_PERSON: Final = "person_id"
_DTYPES: Final = {
    str(dtype): dtype
    for dtype in (pl.String(), pl.Date(), pl.Datetime("us", "UTC"), pl.Int64(), pl.Float64(), pl.Boolean())
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says to the holder of the keys."""

    tables: dict[str, pl.DataFrame]
    lacking: int
    """People whose key is gone: they were forgotten since."""


def people(tables: Mapping[str, pl.DataFrame]) -> pl.Series:
    """[n_people] str: everybody with a row of their own, sorted."""
    named = [frame[_PERSON] for frame in tables.values() if _PERSON in frame.columns]
    return pl.concat([pl.Series(_PERSON, [], dtype=pl.String), *named]).unique().sort()


def write(folder: Path, tables: Mapping[str, pl.DataFrame], keys: pl.DataFrame) -> None:
    """Write a snapshot; the same rows and keys give the same bytes.

    Args:
        folder: Created when absent.
        tables: Name -> [n_rows] ordered rows.
        keys: [n_people] person_id, handle, key, ordered by handle. Rows of others are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("people-*.arrow"):
        old.unlink()
    personal = {name: frame for name, frame in tables.items() if _PERSON in frame.columns}
    layout = {name: {column: str(dtype) for column, dtype in frame.schema.items()} for name, frame in personal.items()}
    (folder / LAYOUT).write_text(json.dumps(layout, indent=1) + "\n", encoding="utf-8")
    for name, frame in tables.items():
        if name not in personal:
            frame.write_parquet(folder / f"{name}.parquet", compression="zstd")
    packed = [packing.pack(_owned(frame, keys), len(keys)) for frame in personal.values()]
    _write_people(folder, packed, keys)


def _write_people(folder: Path, packed: list[Packed], keys: pl.DataFrame) -> None:
    file_of = [handle[0] * FILES // 256 for handle in keys["handle"]]
    bounds = np.searchsorted(np.asarray(file_of, dtype=np.int64), np.arange(FILES + 1))
    handles, secrets = keys["handle"].to_list(), keys["key"].to_list()
    blobs = packing.blobs(packed, len(keys))
    for number in range(FILES):
        first, last = int(bounds[number]), int(bounds[number + 1])
        if first == last:
            continue
        part = range(first, last)
        sealed = [seal(secrets[n], next(blobs), handles[n]) for n in part]
        frame = pl.DataFrame(
            {"handle": pl.Series(handles[first:last], dtype=pl.Binary), "blob": pl.Series(sealed, dtype=pl.Binary)}
        )
        frame.write_ipc(folder / f"people-{number:02}.arrow", compression="uncompressed")


def read(folder: Path, names: Iterable[str], keys: pl.DataFrame) -> Snapshot:
    """The tables that `write` wrote, ordered by their columns, of everybody whose key is there.

    Args:
        folder: Of the snapshot.
        names: Tables wanted.
        keys: [n_people] person_id, handle, key, of anybody.

    Raises:
        ContractError: A table is not in the folder.
    """
    schemas = _layout(folder)
    wanted = list(names)
    nobody = pl.DataFrame(schema={"handle": pl.Binary, "blob": pl.Binary})
    found = pl.concat([nobody, *(pl.read_ipc(file) for file in sorted(folder.glob("people-*.arrow")))])
    mine = found.join(keys, on="handle", how="inner", maintain_order="left")
    opened = map(unseal, mine["key"].to_list(), mine["blob"].to_list(), mine["handle"].to_list())
    bare = {name: pl.Schema({k: v for k, v in schema.items() if k != _PERSON}) for name, schema in schemas.items()}
    personal = packing.unpack(opened, bare)
    tables = {
        name: _ordered(name, personal.pop(name), mine[_PERSON]).select(schemas[name].names())
        if name in schemas
        else _parquet(folder, name)
        for name in wanted
    }
    return Snapshot(tables, len(found) - len(mine))


def _owned(frame: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Rows of the people who have a key, with the place of it instead of the pseudonym."""
    places = keys.select(_PERSON, pl.int_range(pl.len(), dtype=pl.UInt32).alias(OWNER))
    return frame.join(places, on=_PERSON, how="inner", maintain_order="left").drop(_PERSON)


def _ordered(name: str, frame: pl.DataFrame, people: pl.Series) -> pl.DataFrame:
    """Handles are random, so rows come back in the order of the table's key."""
    return frame.with_columns(people.gather(frame[OWNER]).alias(_PERSON)).sort(TABLES[name].key)


def _layout(folder: Path) -> dict[str, pl.Schema]:
    file = folder / LAYOUT
    if not file.is_file():
        raise ContractError(f"A snapshot must have {LAYOUT}; it does not. Run `dvc repro` from its start.")
    layout = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: pl.Schema({column: _DTYPES[dtype] for column, dtype in columns.items()})
        for name, columns in layout.items()
    }


def _parquet(folder: Path, name: str) -> pl.DataFrame:
    file = folder / f"{name}.parquet"
    if not file.is_file():
        raise ContractError(f"The snapshot must hold the table {name}; it does not. Run `dvc repro` from its start.")
    return pl.read_parquet(file)
