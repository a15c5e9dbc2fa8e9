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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import polars as pl

from pipelines.base import crew, packing
from pipelines.base.contracts import TABLES
from pipelines.base.errors import ContractError
from pipelines.base.packing import OWNER, Packed, Unpacked
from pipelines.base.sealed import seal, unseal

FILES: Final = 32
"""Part of the layout: with another number the keys of old snapshots are looked for in the wrong files."""
MANY: Final = 50_000
"""People from whom on processes are worth their start: sealing takes 20 µs a person."""
LAYOUT: Final = "layout.json"
_PERSON: Final = "person_id"
_DTYPES: Final = {
    str(dtype): dtype
    for dtype in (pl.String(), pl.Date(), pl.Datetime("us", "UTC"), pl.Int64(), pl.Float64(), pl.Boolean())
}
_P = TypeVar("_P")
_R = TypeVar("_R")


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
    bounds = np.searchsorted(_file_of(keys).to_numpy(), np.arange(FILES + 1))
    parts = (
        _Part(_people(folder, number), [table.part(first, last) for table in packed], keys[first:last])
        for number, (first, last) in enumerate(pairwise(bounds.tolist()))
        if first < last
    )
    for _ in _each(_seal, parts, len(keys)):
        pass


@dataclass(frozen=True, slots=True)
class _Part:
    """The people of one file, in the order of their keys."""

    file: Path
    packed: list[Packed]
    keys: pl.DataFrame


def _seal(part: _Part) -> None:
    handles = part.keys["handle"].to_list()
    sealed = list(map(seal, part.keys["key"].to_list(), packing.blobs(part.packed, len(handles)), handles))
    frame = pl.DataFrame({"handle": handles, "blob": sealed}, schema={"handle": pl.Binary, "blob": pl.Binary})
    frame.write_ipc(part.file, compression="uncompressed")


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
    bare = {name: pl.Schema({k: v for k, v in schema.items() if k != _PERSON}) for name, schema in schemas.items()}
    of_file = keys.with_columns(_file_of(keys).alias("file")).partition_by("file", as_dict=True, include_key=False)
    files = [
        _File(file, of_file.get((number,), keys.clear()), bare)
        for number in range(FILES)
        if (file := _people(folder, number)).is_file()
    ]
    opened = list(_each(_open, files, len(keys)))
    people = pl.concat([pl.Series(_PERSON, [], dtype=pl.String), *(one.people for one in opened)])

    def personal(name: str) -> pl.DataFrame:
        rows = packing.frame([one.rows for one in opened], list(bare).index(name), bare[name])
        return _ordered(name, rows, people).select(schemas[name].names())

    tables = {name: personal(name) if name in schemas else _parquet(folder, name) for name in wanted}
    return Snapshot(tables, sum(one.lacking for one in opened))


@dataclass(frozen=True, slots=True)
class _File:
    """People of a snapshot, and the keys there are for any of them."""

    file: Path
    keys: pl.DataFrame
    schemas: dict[str, pl.Schema]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the keys open of a file."""

    people: pl.Series
    rows: Unpacked
    lacking: int


def _open(given: _File) -> _Opened:
    found = pl.read_ipc(given.file)
    mine = found.join(given.keys, on="handle", how="inner", maintain_order="left")
    blobs = map(unseal, mine["key"].to_list(), mine["blob"].to_list(), mine["handle"].to_list())
    return _Opened(mine[_PERSON], packing.unpack(blobs, given.schemas), len(found) - len(mine))


def _each(work: Callable[[_P], _R], parts: Iterable[_P], people: int) -> Iterator[_R]:
    """Sealing and opening are loops over people that only Python can do: shared by all cores where there are `MANY`."""
    return crew.each(work, parts) if people >= MANY else map(work, parts)


def _people(folder: Path, number: int) -> Path:
    return folder / f"people-{number:02}.arrow"


def _file_of(keys: pl.DataFrame) -> pl.Series:
    """[n_people] int: the file of each, by the first byte of the handle."""
    return keys["handle"].bin.head(1).bin.reinterpret(dtype=pl.UInt8).cast(pl.Int64) * FILES // 256


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
