"""Lines of text, strict about their encoding and bounded; cells by their places in a line."""

import codecs
import io
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read._records import BUFFER, Bounded

END_OF_FILE = "\x1a"
"""What old systems write after the last line."""


def _forward(span: tuple[int, int]) -> tuple[int, int]:
    if span[0] > span[1]:
        raise ValueError("must be the first and the last character, in this order")
    return span


Place = Annotated[int, Field(ge=1)]
"""From 1, as layouts are printed."""
Span = Annotated[tuple[Place, Place], AfterValidator(_forward)]
"""The first and the last character."""


def cut(line: str, span: tuple[int, int]) -> str:
    """The characters at a span, without the blanks that pad them."""
    return line[span[0] - 1 : span[1]].strip(" ")


def text_lines(bounded: Bounded, encoding: str, feed: Feed) -> Iterator[str]:
    """Lines with their ends, which are of any system.

    Raises:
        Held: Bytes that are no text in the encoding, or a line that is too long.
    """
    decoder, rest = codecs.getincrementaldecoder(encoding)(), ""
    while piece := bounded.read(BUFFER):
        lines = _split(rest + _decoded(decoder, piece, feed, encoding))
        # The end of the last line may not have come yet, nor the \n of its \r\n.
        rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        if lines:
            bounded.mark()
        yield from lines
    lines = _split(rest + _decoded(decoder, b"", feed, encoding))
    yield from lines[:-1] if lines and lines[-1] == END_OF_FILE else lines


def _split(text: str) -> list[str]:
    return io.StringIO(text, newline="").readlines()


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, feed: Feed, encoding: str) -> str:
    try:
        text = decoder.decode(piece, final=not piece)
    except UnicodeError:
        text = "\x00"
    if "\x00" in text:
        raise Held("bad_encoding", f"{feed.name} must be {encoding} text without NUL; it has bytes that are not.")
    return text
