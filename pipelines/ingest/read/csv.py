"""Delimited text with a header, streamed by Polars while that proves itself and by Arrow: every cell is text.

Options: `delimiter`, `quote`. Header names are matched after trimming and without regard to case; duplicates are
refused. Rows with too few or too many cells become rows with the fault `ragged_row`: cells are never shifted or padded.
"""

import codecs
import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TextIO

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pc  # type: ignore[import-untyped]
from pydantic import Field

from pipelines.base.settings import Section
from pipelines.ingest.ahead import ahead
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import FAULT, LINE, ROW, Report, write_part
from pipelines.ingest.read._csv_plain import Plain
from pipelines.ingest.read._lines import END_OF_FILE
from pipelines.ingest.read._records import count_of, header_of, marked_twice

BLOCK: Final = 1 << 24
"""Bytes parsed at once; a part of the result has the rows of one block."""
MARK: Final = "\ufeff"
HEADER: Final = 1 << 20
"""Characters of the longest line of a header."""


class Options(Section):
    """How the cells are told apart."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)]
    quote: Annotated[str, Field(min_length=1, max_length=1)]


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a CSV file.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, not in the declared encoding, a header with duplicates, a quote that does not end.
    """
    del unit
    want: Options = options(Options, feed)
    odd = _sound(source, want, feed)
    names = _header(source, want, feed)
    ragged: list[tuple[int, str]] = []
    rows, number, last = 0, -1, pl.DataFrame()
    try:
        for number, frame in enumerate(ahead(_frames(source, names, want, feed, ragged))):  # used below
            write_part(frame, out, number)
            rows, last = rows + len(frame), frame[-1:]
    except UnicodeError:
        raise _undecodable(feed) from None
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise _undecodable(feed) from None
        # So small a file, in whatever encoding, is one block: only a header without a line end goes on beyond it, which
        # Arrow cannot skip, and there are no rows.
        if source.stat().st_size > BLOCK // 4:
            raise Held(
                "record_too_large",
                f"{feed.name} must have rows of at most {BLOCK >> 20} MiB; one is longer, or a quote does not end. "
                "Have the source write it again.",
            ) from None
    if ragged and ragged[-1] == (rows + len(ragged), END_OF_FILE):  # of mainframes; it is no row
        ragged.pop()
    cells = (cell for row in last.rows() for cell in row if isinstance(cell, str))
    swallowed = [*names, *(line for _, line in ragged), *cells]
    if odd and (not rows or any("\n" in text for text in swallowed)):
        raise Held("malformed_csv", f"{feed.name} must be CSV as declared; a quote does not end.")
    if ragged:
        write_part(_ragged(ragged, names), out, number + 1)
    return Report(rows + len(ragged), tuple(names), {"ragged_row": len(ragged)} if ragged else {})


def _sound(source: Path, want: Options, feed: Feed) -> bool:
    """Refuse what cannot be a CSV file at all; whether it has an odd number of quotes."""
    quotes, is_blank, mark = 0, True, want.quote.encode()
    for piece in _pieces(source, feed):
        if b"\x00" in piece:
            raise Held("bad_encoding", f"{feed.name} must be {feed.encoding} text; it holds NUL bytes, as UTF-16 does.")
        quotes += count_of(piece, mark[0]) if len(mark) == 1 else piece.count(mark)
        is_blank = is_blank and not piece.strip(b"\xef\xbb\xbf \r\n\t")
    if is_blank:
        raise Held("empty_file", f"{feed.name} must have a header; the file is empty.")
    return quotes % 2 == 1


def _pieces(source: Path, feed: Feed) -> Iterator[bytes]:
    """The file in a superset of ASCII, where a delimiter is one byte that is nothing else."""
    with source.open("rb") as file:
        pieces = iter(partial(file.read, BLOCK), b"")
        if feed.encoding != "utf-16":
            yield from pieces
            return
        try:
            for piece in codecs.iterdecode(pieces, feed.encoding):
                yield piece.encode()
        except UnicodeError:
            raise _undecodable(feed) from None


def _undecodable(feed: Feed) -> Held:
    return Held("bad_encoding", f"{feed.name} must be {feed.encoding} text; it has bytes that are not.")


def _header(source: Path, want: Options, feed: Feed) -> list[str]:
    encoding = "utf-8-sig" if feed.encoding == "utf-8" else feed.encoding
    try:
        with source.open(encoding=encoding, newline="") as file:
            cells = next(csv.reader(_lines(file, feed), delimiter=want.delimiter, quotechar=want.quote))
    except UnicodeError:
        raise _undecodable(feed) from None
    except (csv.Error, StopIteration):
        cells = []
    if cells and cells[0].startswith(MARK):
        raise marked_twice(feed)
    if not cells:
        raise Held("malformed_csv", f"{feed.name} must have a header as its first row, of cells that end; it has none.")
    return header_of(cells, feed)


def _lines(file: TextIO, feed: Feed) -> Iterator[str]:
    """Lines, none of them so long that it could fill the memory."""
    while line := file.readline(HEADER):
        if len(line) == HEADER and not line.endswith(("\n", "\r")):
            raise Held(
                "record_too_large", f"The header of {feed.name} must have at most {HEADER} characters; it has more."
            )
        yield line


def _frames(
    source: Path, names: list[str], want: Options, feed: Feed, ragged: list[tuple[int, str]]
) -> Iterator[pl.DataFrame]:
    """Frames of sound rows; ragged ones are collected beside."""
    sound = 0
    plain = Plain(source, names, want.delimiter, want.quote)
    if _may_be_plain(names, want, feed):
        for cells in plain.frames():
            yield _headed(cells, np.arange(sound + 1, sound + len(cells) + 1, dtype=np.int64))
            sound += len(cells)
        if plain.at == source.stat().st_size:
            return
    skip = 1 if plain.at == 0 else 0  # the header, which Arrow counts too

    sound_before = sound

    def note(row: pc.InvalidRow) -> str:
        ragged.append((sound_before + row.number - skip, row.text))
        return "skip"

    with source.open("rb") as file:
        file.seek(plain.at)
        reader = pc.open_csv(
            file,
            read_options=pc.ReadOptions(
                use_threads=False,
                column_names=names,
                skip_rows_after_names=skip,  # unlike `skip_rows` these may have lines within quotes
                block_size=BLOCK,
                encoding=feed.encoding,
            ),
            parse_options=pc.ParseOptions(
                delimiter=want.delimiter, quote_char=want.quote, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=pc.ConvertOptions(
                column_types={name: pa.string() for name in names},
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
                null_values=[],
            ),
        )
        for batch in reader:
            cells = pl.DataFrame(pa.Table.from_batches([batch]))
            numbers = _source_rows(sound, len(cells), [row for row, _ in ragged])
            sound += len(cells)
            yield _headed(cells, numbers)


def _may_be_plain(names: list[str], want: Options, feed: Feed) -> bool:
    """Whether pieces of the file could prove themselves."""
    signs = want.delimiter + want.quote
    return feed.encoding == "utf-8" and len(names) > 1 and signs.isascii() and len(set(signs)) == len(signs)


def _headed(cells: pl.DataFrame, numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.DataFrame:
    """Sound rows with their numbers."""
    head = [pl.Series(ROW, numbers, dtype=pl.Int64), pl.Series(FAULT, [None] * len(cells), dtype=pl.String)]
    return pl.DataFrame(head).hstack(cells)


def _source_rows(before: int, count: int, ragged: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Numbers in the file of the sound rows `before + 1` to `before + count`, given those of ragged rows."""
    sound = np.arange(before + 1, before + count + 1, dtype=np.int64)
    # The j-th ragged row (from 0) stands after `number - j - 1` sound ones.
    gaps = np.sort(np.asarray(ragged, dtype=np.int64)) - np.arange(len(ragged)) - 1
    return sound + np.searchsorted(gaps, sound, side="left")


def _ragged(rows: list[tuple[int, str]], names: list[str]) -> pl.DataFrame:
    """Ragged rows: no cells, their text beside for quarantine."""
    return pl.DataFrame(
        {
            ROW: pl.Series([row for row, _ in rows], dtype=pl.Int64),
            FAULT: pl.Series(["ragged_row"] * len(rows), dtype=pl.String),
            **{name: pl.Series([None] * len(rows), dtype=pl.String) for name in names},
            LINE: pl.Series([line for _, line in rows], dtype=pl.String),
        }
    )
