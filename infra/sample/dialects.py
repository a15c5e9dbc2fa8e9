"""Writers of the vendors' dialects: Workday RaaS JSON and delimited text, streamed and atomic.

A file appears under its name only when it is complete; until then it has a hidden name beside it. A folder
of documents likewise.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from infra.sample.plan import Array


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a hidden file that takes the place of `path` at the end, and vanishes if anything fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.part")
    try:
        with hidden.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Fill a hidden folder that takes the place of `path` at the end, and vanishes if anything fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden, old = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.old")
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir()
    try:
        yield hidden
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.replace(old)
        hidden.replace(path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def write_report(path: Path, entries: Iterable[Mapping[str, Any]]) -> int:
    """Write a Workday report as JSON; keys whose value is None are left out, as Workday does.

    Returns:
        The number of entries.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    count = 0
    with replacing(path) as handle:
        handle.write(b'{"Report_Entry":[')
        for entry in entries:
            handle.write(b",\n" if count else b"\n")
            handle.write(encode({key: value for key, value in entry.items() if value is not None}).encode())
            count += 1
        handle.write(b"\n]}\n")
    return count


class Table:
    """A delimited text file, appended to frame by frame; it appears when the `with` block ends well.

    Attributes:
        rows: Rows so far, without the header.
    """

    def __init__(self, path: Path, *, separator: str = ",", has_bom: bool = False) -> None:
        self.rows = 0
        self._separator, self._has_bom, self._is_new = separator, has_bom, True
        self._stack, self._path = ExitStack(), path

    def __enter__(self) -> Self:
        self._handle = self._stack.enter_context(replacing(self._path))
        if self._has_bom:
            self._handle.write(b"\xef\xbb\xbf")
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.__exit__(*failure)  # type: ignore[arg-type]

    def append(self, frame: pl.DataFrame) -> None:
        """Write the rows of `frame`, all text; the first call writes the header too."""
        frame.write_csv(self._handle, separator=self._separator, include_header=self._is_new)
        self._is_new = False
        self.rows += frame.height


def write_json(path: Path, value: object) -> None:
    """Write a small JSON document, keys sorted."""
    with replacing(path) as handle:
        handle.write(json.dumps(value, indent=2, sort_keys=True).encode() + b"\n")


def moment_texts(values: Array) -> list[str | None]:
    """Workday's moments, `2024-05-01T09:30:00.000Z`; None for NaT."""
    texts = np.datetime_as_string(values.astype("datetime64[s]"), unit="s").tolist()
    return [None if text == "NaT" else f"{text}.000Z" for text in texts]


def date_texts(values: Array) -> list[str | None]:
    """ISO dates; None for NaT."""
    texts = np.datetime_as_string(values.astype("datetime64[D]"), unit="D").tolist()
    return [None if text == "NaT" else str(text) for text in texts]


def german_moment(column: str) -> pl.Expr:
    """`DD.MM.YYYY HH:MM`, as the learning system's European installation prints moments."""
    return pl.col(column).dt.strftime("%d.%m.%Y %H:%M")


def decimal_comma(column: str, digits: int = 1) -> pl.Expr:
    """A number with a decimal comma; empty for NaN."""
    text = pl.col(column).round(digits).cast(pl.String).str.replace(".", ",", literal=True)
    return pl.when(pl.col(column).is_nan()).then(None).otherwise(text)
