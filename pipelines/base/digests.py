"""What "the same" means: sha256 over canonical bytes."""

import hashlib
from pathlib import Path
from typing import Final

import polars as pl

_BLOCK: Final = 100_000
"""Rows whose text is in memory at once."""


def sha256_bytes(data: bytes) -> str:
    """Hex digest of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(folder: Path) -> str:
    """Hex digest of all files below `folder`: their relative names and contents, in order of name."""
    lines = [
        f"{sha256_file(file)}  {file.relative_to(folder).as_posix()}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return sha256_bytes("\n".join(lines).encode())


def row_digests(frame: pl.DataFrame, columns: list[str] | None = None) -> pl.Series:
    """One hex sha256 a row over its canonical text.

    Args:
        frame: [n_rows] any columns.
        columns: Which columns count, all by default; their order does not matter.

    Returns:
        [n_rows] str. Null and the empty string differ.
    """
    names = sorted(columns or frame.columns)
    text, sha256 = pl.struct(names).struct.json_encode().cast(pl.Binary).alias("text"), hashlib.sha256
    blocks = (block.select(text)["text"].to_list() for block in frame.select(names).iter_slices(_BLOCK))
    return pl.Series("record_sha256", [sha256(row).hexdigest() for block in blocks for row in block], dtype=pl.String)


def sha256_frame(frame: pl.DataFrame) -> str:
    """Hex digest of the rows, whatever their order and the order of the columns."""
    header = ",".join(f"{name}:{frame.schema[name]}" for name in sorted(frame.columns))
    return sha256_lines(row_digests(frame), header)


def sha256_lines(digests: pl.Series, header: str = "") -> str:
    """Hex digest of a bag of row digests: the same for every order.

    Args:
        digests: [n_rows] str.
        header: Goes before the rows, for instance the schema.
    """
    lines = digests.sort().str.join("\n").item() if len(digests) else None
    return sha256_bytes((header if lines is None else f"{header}\n{lines}").encode())
