"""Pieces of delimited text that Polars reads, each with a proof that nothing was lost; it takes half as long as Arrow.

Polars fills up rows that are too short and says nothing. So the bytes of a piece are counted: those of its cells, a
delimiter or an end a cell, and the quotes around cells must be all there are, and every line must be a row. A short or
blank row leaves delimiters out, so that some are missing. A piece with a quote, an end of line or a NUL byte inside a
cell, with text that is no UTF-8 or with rows that are too long proves nothing: from there on Arrow reads, which tells
rows apart one by one.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.ingest.read._records import count_of

Places = npt.NDArray[np.intp]
PIECE: Final = 1 << 24
"""Bytes of a piece, up to the last end of a row in it."""


class Plain:
    """The pieces from the second row on, as long as they prove themselves."""

    def __init__(self, source: Path, names: list[str], delimiter: str, quote: str) -> None:
        """Nothing is read yet.

        Args:
            source: UTF-8 text whose first line is a header.
            names: Of the columns, at least two: of one column a blank line would be an empty cell.
            delimiter: One ASCII character.
            quote: One ASCII character, another one.
        """
        self._source, self._names, self._delimiter, self._quote = source, names, delimiter, quote
        self.at = 0
        """Where the first byte is that was not read: the end of the file, or the beginning of a row."""

    def frames(self) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """First byte and number of bytes of each piece, and its [n_rows] text columns."""
        with self._source.open("rb") as file:
            header = file.readline(PIECE)
            is_a_row = header.endswith(b"\n") and b"\r" not in header.removesuffix(b"\r\n")
            if not is_a_row or header.count(self._quote.encode()) % 2 or _is_marked(file):
                return
            self.at = len(header)
            while piece := _whole(file.read(PIECE)):
                frame = self.proven(piece)
                file.seek(self.at + len(piece))
                if frame is None or _is_marked(file):
                    return
                at, self.at = self.at, self.at + len(piece)
                yield at, len(piece), frame

    def proven(self, piece: bytes) -> pl.DataFrame | None:
        """A piece's cells; None where they may not be all."""
        if b"\x00" in piece or not self._is_wrapped(quotes := self._quotes(piece), piece):
            return None
        try:
            frame = pl.read_csv(
                piece,
                has_header=False,
                new_columns=self._names,
                separator=self._delimiter,
                quote_char=self._quote,
                infer_schema=False,
                empty_string_is_null=False,
            )
        except (pl.exceptions.PolarsError, ValueError):
            return None
        lines, returns = (count_of(piece, ord(end)) for end in "\n\r")
        if returns not in (0, lines) or lines + (not piece.endswith(b"\n")) != len(frame):
            return None
        cells = sum(frame.select(pl.col(pl.String).str.len_bytes().sum()).row(0))
        delimiters = len(frame) * (len(self._names) - 1)
        return frame if cells + delimiters + len(quotes) + lines + returns == len(piece) else None

    def _quotes(self, piece: bytes) -> Places:
        """[n] places of the quotes."""
        return np.flatnonzero(np.frombuffer(piece, np.uint8) == ord(self._quote))

    def _is_wrapped(self, quotes: Places, piece: bytes) -> bool:
        """Whether quotes stand around whole cells and nowhere else."""
        ends = [ord(self._delimiter), ord("\n")]
        signs, opening, closing = np.frombuffer(piece, np.uint8), quotes[0::2], quotes[1::2]
        before, after = signs[opening[opening > 0] - 1], signs[closing[closing < len(piece) - 1] + 1]
        return len(quotes) % 2 == 0 and bool(np.isin(before, ends).all() and np.isin(after, [*ends, ord("\r")]).all())


def _is_marked(file: BufferedReader) -> bool:
    """Whether a row begins with what Arrow, were it to begin there, would take for the mark of a file and drop."""
    return file.peek(len(BOM_UTF8)).startswith(BOM_UTF8)


def _whole(data: bytes) -> bytes:
    """Up to the last end of a line; all of what ends the file."""
    return data[: data.rfind(b"\n") + 1] if len(data) == PIECE else data
