"""All cells of rows that were read, also those that nothing reads and that their part therefore leaves out.

Most files have few rows that end in quarantine: of these alone the bytes are read again from landing, a part at a time.
"""

import importlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import polars as pl

from pipelines.base import staging
from pipelines.ingest import read
from pipelines.ingest.batch import Batch, Held, Unit
from pipelines.ingest.land import fetched
from pipelines.ingest.read import FAULT, ROW, Pieces, parts


def cells(batch: Batch, unit: Unit, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """[n_rows] `source_row`, `_fault` and text columns of some rows of a unit, a frame a part.

    Of an object that expired or was written anew since, what a part left out is gone: it has what it has.

    Args:
        batch: The batch.
        unit: One of its units, read.
        rows: [n] with `source_row`.
    """
    raw = batch.place(unit) / "raw"
    left = read.pieces(raw)
    with ExitStack() as open_:
        source = cache(lambda: _landed(batch, unit, open_))
        for number, part in enumerate(parts(raw)):
            frame = pl.read_ipc(part)
            wanted = frame.join(rows, on=ROW, how="semi")
            if len(wanted) and left is not None and number < len(left.at) and (file := source()) is not None:
                wanted = _whole(frame, file, left, number).join(rows, on=ROW, how="semi")
            yield wanted


def _landed(batch: Batch, unit: Unit, open_: ExitStack) -> Path | None:
    """A unit's bytes for as long as somebody reads; None when there are none any more."""
    folder = open_.enter_context(staging.new_folder(batch.place(unit), ".again-"))
    try:
        return fetched(batch, unit, folder / "source")
    except Held:
        return None


def _whole(part: pl.DataFrame, source: Path, left: Pieces, number: int) -> pl.DataFrame:
    """A part with what it left out; as it is when these are not the bytes that it was made of."""
    at, size = left.at[number]
    with source.open("rb") as file:
        file.seek(at)
        found = importlib.import_module(f"{read.__name__}.{left.dialect}").again(file.read(size), left.how)
    names = part.columns[2:]
    is_same = found is not None and set(names) <= {*found.columns} and found.select(names).equals(part.select(names))
    return part.select(ROW, FAULT).hstack(found) if is_same else part
