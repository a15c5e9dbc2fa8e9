"""Delimited text with a header, streamed by Polars while that proves itself and by Arrow: every cell is text.

Options: `delimiter`, `quote`. `skip_top` and `skip_bottom` are how many lines stand above the header and below the
rows, such as a title and a total; `bottom_like` is what the first of those below looks like, and the last row does not.
Header names are matched after trimming and without regard to case; duplicates are refused. Rows with too few or too
many cells become rows with the fault `ragged_row`: cells are never shifted or padded.
"""

import codecs
import csv
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final, Self, TextIO

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pc  # type: ignore[import-untyped]
from pydantic import Field, model_validator

from pipelines.base.settings import Section
from pipelines.ingest.ahead import ahead
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import FAULT, LINE, ROW, Pieces, Report, kept, note_pieces, write_part
from pipelines.ingest.read._csv_pairs import Pairs
from pipelines.ingest.read._csv_plain import Plain
from pipelines.ingest.read._lines import END_OF_FILE
from pipelines.ingest.read._records import count_of, header_of, marked_twice
from pipelines.ingest.rules import Pattern

BLOCK: Final = 1 << 24
"""Bytes parsed at once; a part of the result has the rows of one block."""
MARK: Final = "\ufeff"
_NUL: Final = b"\x00"
MOST_AROUND: Final = 50
"""Lines above or below a table."""
HEADER: Final = 1 << 20
"""Characters of the longest line of a header."""


@dataclass(slots=True)
class _Seen:
    """What is seen of a file beside its sound rows."""

    ragged: list[tuple[int, str]] = field(default_factory=list)
    """Number and text of rows with too few or too many cells."""
    is_odd: bool = False
    """Whether a quote does not end."""
    pieces: list[tuple[int, int]] = field(default_factory=list)
    """First byte and number of bytes of the first frames, which could be read again by themselves."""


class Options(Section):
    """How the cells are told apart."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)]
    quote: Annotated[str, Field(min_length=1, max_length=1)]
    skip_top: Annotated[int, Field(ge=0, le=MOST_AROUND)] = 0
    """Lines above the header, empty ones too."""
    skip_bottom: Annotated[int, Field(ge=0, le=MOST_AROUND)] = 0
    """Lines below the last row, empty ones too. It goes with `bottom_like`: a file that was cut, or whose source writes
    none any more, would lose its last people as if they were these."""
    bottom_like: Pattern | None = None
    """What the first of the lines below looks like, without its end, such as `^Total: `; `^` is its beginning. A file
    without it was cut and is held; so is one whose last row looks like it, too, as people could be taken for totals.
    What the header and other rows look like does not matter."""

    @model_validator(mode="after")
    def _has_a_bottom(self) -> Self:
        if (self.bottom_like is None) != (self.skip_bottom == 0):
            raise ValueError(
                "skip_bottom and bottom_like go together: how many lines stand below the rows, and what the first of "
                "them looks like, or a file without them would lose its last rows as if they were these"
            )
        return self


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read a CSV file.

    Args:
        source: The file.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Empty, not in the declared encoding, a header with duplicates, a quote that does not end, without the
            lines below its rows.
    """
    del unit
    want: Options = options(Options, feed)
    with _table(source, out, want, feed) as table:
        return _read(table, out, want, feed, kept(out) if table == source else None)


@contextmanager
def _table(source: Path, out: Path, want: Options, feed: Feed) -> Iterator[Path]:
    """The file, or a copy without what stands above and below its table."""
    if not want.skip_top and not want.skip_bottom:
        yield source
        return
    ahead: deque[str] = deque()
    last: str | None = None
    with TemporaryDirectory(dir=out) as folder:
        path = Path(folder) / "table"
        try:
            with (
                source.open(encoding=feed.encoding, newline="") as file,
                path.open("w", encoding=feed.encoding, newline="") as copy,
            ):
                for number, line in enumerate(iter(partial(file.readline, HEADER), "")):
                    if number >= want.skip_top:
                        ahead.append(line)
                    if len(ahead) > want.skip_bottom:
                        copy.write(line := ahead.popleft())
                        last = line if number > want.skip_top + want.skip_bottom else None  # the header is no row
            _ends(last, ahead, want, feed)
        except UnicodeError:
            raise _undecodable(feed) from None
        yield path


def _ends(last: str | None, below: Sequence[str], want: Options, feed: Feed) -> None:
    """Hold a file that has something else below its rows than it should: its last rows, as it was cut."""
    if want.bottom_like is None:
        return
    if len(below) < want.skip_bottom or not _is_like(want.bottom_like, below[0]):
        raise Held(
            "missing_trailer",
            f"{feed.name} must have {want.skip_bottom} lines below its rows, the first as `bottom_like` says; it is "
            "another. The file was cut: have the source send it again.",
        )
    if last is not None and _is_like(want.bottom_like, last):
        raise Held(
            "trailer_mismatch",
            f"{feed.name} must have {want.skip_bottom} lines below its rows, and no row like the first of them; the "
            "last row is. Nobody can tell what is a row: correct `skip_bottom` or `bottom_like`.",
        )


def _is_like(pattern: str, line: str) -> bool:
    return bool(pl.Series([line.rstrip("\r\n")]).str.contains(pattern).item())


def _read(source: Path, out: Path, want: Options, feed: Feed, keep: AbstractSet[str] | None) -> Report:
    _begins(source, want, feed)
    names = _header(source, want, feed)
    seen = _Seen()
    rows, number, last = 0, -1, pl.DataFrame()
    try:
        for number, frame in enumerate(ahead(_frames(source, names, want, feed, seen))):  # used below
            write_part(frame, out, number, keep if number < len(seen.pieces) else None)
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
    ragged = seen.ragged
    if ragged and ragged[-1] == (rows + len(ragged), END_OF_FILE):  # of mainframes; it is no row
        ragged.pop()
    cells = (cell for row in last.rows() for cell in row if isinstance(cell, str))
    swallowed = [*names, *(line for _, line in ragged), *cells]
    is_named = any(want.quote in name for name in names)  # the sign of inches
    if seen.is_odd and (not (rows or is_named) or any("\n" in text for text in swallowed)):
        raise Held("malformed_csv", f"{feed.name} must be CSV as declared; a quote does not end.")
    if ragged:
        write_part(_ragged(ragged, names), out, number + 1)
    if keep is not None and seen.pieces:
        how = {"names": names, "delimiter": want.delimiter, "quote": want.quote}
        note_pieces(out, Pieces("csv", how, seen.pieces, sorted({*names} - keep)))
    return Report(rows + len(ragged), tuple(names), {"ragged_row": len(ragged)} if ragged else {})


def again(piece: bytes, how: Mapping[str, Any]) -> pl.DataFrame | None:
    """See `Pieces`: all cells of the bytes of a part."""
    return Plain(Path(), how["names"], how["delimiter"], how["quote"]).proven(piece)


def _begins(source: Path, want: Options, feed: Feed) -> None:
    """Refuse by its first bytes what has no header that could be read; where these say too little, by all."""
    first = next(_pieces(source, feed), b"")
    if _NUL in first or _is_blank(first):
        _is_odd(source, want, feed)


def _is_odd(source: Path, want: Options, feed: Feed, at: int = 0) -> bool:
    """Refuse what cannot be CSV at all; whether there is an odd number of quotes from a byte on."""
    quotes, is_blank, mark = 0, at == 0, want.quote.encode()
    for piece in _pieces(source, feed, at):
        if _NUL in piece:
            raise Held("bad_encoding", f"{feed.name} must be {feed.encoding} text; it holds NUL bytes, as UTF-16 does.")
        quotes += count_of(piece, mark[0]) if len(mark) == 1 else piece.count(mark)
        is_blank = is_blank and _is_blank(piece)
    if is_blank:
        raise Held("empty_file", f"{feed.name} must have a header; the file is empty.")
    return quotes % 2 == 1


def _is_blank(piece: bytes) -> bool:
    return not piece.strip(BOM_UTF8 + b" \r\n\t")


def _pieces(source: Path, feed: Feed, at: int = 0) -> Iterator[bytes]:
    """The file from a byte on in a superset of ASCII, where a delimiter is one byte that is nothing else."""
    with source.open("rb") as file:
        file.seek(at)
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


def _frames(source: Path, names: list[str], want: Options, feed: Feed, seen: _Seen) -> Iterator[pl.DataFrame]:
    """Frames of sound rows; what else is seen is noted beside."""
    sound = 0
    plain = Plain(source, names, want.delimiter, want.quote)
    if _may_be_plain(names, want, feed):
        for at, size, cells in plain.frames():
            seen.pieces.append((at, size))
            yield _headed(cells, np.arange(sound + 1, sound + len(cells) + 1, dtype=np.int64))
            sound += len(cells)
        if plain.at == source.stat().st_size:
            return
    seen.is_odd = _is_odd(source, want, feed, plain.at)  # what was read plainly has pairs
    skip = 1 if plain.at == 0 else 0  # the header, which Arrow counts too
    sound_before, ragged = sound, seen.ragged

    def note(row: pc.InvalidRow) -> str:
        ragged.append((sound_before + row.number - skip, row.text))
        return "skip"

    with source.open("rb") as file:
        file.seek(plain.at)
        reader = pc.open_csv(
            Pairs(file, feed.encoding),
            read_options=pc.ReadOptions(
                use_threads=False,
                column_names=names,
                skip_rows_after_names=skip,  # unlike `skip_rows` these may have lines within quotes
                block_size=BLOCK,
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
        end = pl.DataFrame()
        for batch in reader:
            cells = pl.DataFrame(pa.Table.from_batches([batch]))
            cells = end.vstack(cells) if len(end) else cells
            has_end = cells[-1:].rows() == [(END_OF_FILE,)]  # in a single column it looks like a row
            cells, end = (cells[:-1], cells[-1:]) if has_end else (cells, cells[:0])
            numbers = _source_rows(sound, len(cells), [row for row, _ in ragged])
            sound += len(cells)
            yield _headed(cells, numbers)
        numbers = _source_rows(sound, len(end), [row for row, _ in ragged])
        if len(end) and numbers[0] <= sound + len(ragged):  # others come after it
            yield _headed(end, numbers)


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
