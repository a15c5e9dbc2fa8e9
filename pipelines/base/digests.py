"""What "the same" means: sha256 over canonical bytes."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import polars as pl
import polars_hash as plh

_BLOCK: Final = 100_000
"""Rows whose text a thread has in memory."""
_DIGITS: Final = 64
"""Of a hex digest."""
_HEAD: Final = 16
"""Hex digits that one number holds; among millions of digests hardly two share them."""


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


def sha256_files(root: Path, parts: Iterable[str], pattern: str = "*.py") -> str:
    """Hex digest of files below `root`, by relative name and content, in order of name.

    Args:
        root: What names are relative to.
        parts: Files, and folders with everything in them that `pattern` matches, at any depth.
        pattern: As `Path.rglob` takes it.
    """
    places = [root / part for part in parts]
    files = {file for place in places for file in (place.rglob(pattern) if place.is_dir() else [place])}
    return sha256_bytes("\n".join(f"{sha256_file(file)}  {_name(file, root)}" for file in sorted(files)).encode())


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def sha256_each(values: pl.Series) -> pl.Series:
    """Hex digests of texts or bytes, one a value; null stays null."""
    return values.to_frame("").select(plh.col("").chash.sha2_256().alias(values.name)).to_series()


def row_digests(frame: pl.DataFrame, columns: list[str] | None = None) -> pl.Series:
    """One hex sha256 a row over its canonical text.

    Args:
        frame: [n_rows] any columns.
        columns: Which columns count, all by default; their order does not matter.

    Returns:
        [n_rows] str. Null and the empty string differ.
    """
    names = sorted(columns or frame.columns)
    text = pl.struct(names).struct.json_encode().alias("record_sha256")
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        blocks = pool.map(lambda block: sha256_each(block.select(text).to_series()), frame.iter_slices(_BLOCK))
        return pl.concat([pl.Series("record_sha256", [], dtype=pl.String), *blocks])


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
    whole = hashlib.sha256(header.encode())
    if len(digests):
        whole.update(b"\n")
        whole.update(_in_order(digests))
    return whole.hexdigest()


def _in_order(digests: pl.Series) -> bytes | memoryview:
    """The lines of a bag of digests, by their first digits as numbers: a third of the time that sorting text takes."""
    import numpy as np  # most who ask for a digest ask for one

    if digests.null_count() or not (digests.str.len_bytes() == _DIGITS).all():
        return _sorted(digests)
    texts = np.frombuffer(digests.str.join("").cast(pl.Binary).item(), dtype=f"S{_DIGITS}")
    signs = texts.view(">u8").reshape(len(texts), -1)[:, : _HEAD // 8].astype(np.uint64)
    halves = (signs & 0x0F0F0F0F0F0F0F0F) + 9 * ((signs >> 6) & 0x0101010101010101)  # a letter's low bits begin at 1
    for bits, mask in ((4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF), (16, 0x00000000FFFFFFFF)):
        halves = (halves | (halves >> bits)) & mask
    texts = texts[np.argsort(halves[:, 0] << 32 | halves[:, 1])]
    if not (texts[:-1] <= texts[1:]).all():
        return _sorted(digests)
    lines = np.full((len(texts), _DIGITS + 1), ord("\n"), dtype=np.uint8)
    lines[:, :_DIGITS] = texts.view(np.uint8).reshape(len(texts), _DIGITS)
    return lines.reshape(-1).data[:-1]


def _sorted(digests: pl.Series) -> bytes:
    """Lines of whatever text."""
    return bytes(digests.sort().str.join("\n").cast(pl.Binary).item())
