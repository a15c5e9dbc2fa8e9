"""A family's tables on disk: the one place where a snapshot is written and read.

Whoever reads it needs neither lake nor vault, and training code imports neither.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from pipelines.base.errors import ContractError


def write(folder: Path, tables: Mapping[str, pl.DataFrame]) -> None:
    """One Parquet file a table; the same rows give the same bytes.

    Args:
        folder: Created when absent.
        tables: Name -> [n_rows] ordered rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")


def read(folder: Path, names: Iterable[str]) -> dict[str, pl.DataFrame]:
    """The tables that `write` wrote.

    Raises:
        ContractError: A table is not in the folder.
    """
    return {name: _parquet(folder, name) for name in names}


def _parquet(folder: Path, name: str) -> pl.DataFrame:
    file = folder / f"{name}.parquet"
    if not file.is_file():
        raise ContractError(f"The snapshot must hold the table {name}; it does not. Run `dvc repro` from its start.")
    return pl.read_parquet(file)
