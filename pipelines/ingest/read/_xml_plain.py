"""XML records that look alike, one after the other, as systems write them: parsed once a shape, see `_shapes`.

A document is cut at every end of an element that is named as the records are. Each cut, put between the document's own
opening and its end, must be a document; then the file is one too, as far as it was cut, and has the records of all of
them. Where a cut is none, nothing more is cut, and the parser reads what is left, behind the opening.

What a value is: text between tags, or an attribute's between double quotes, without markup, references, quotes, control
characters and blanks at its ends. Where the quote that opens it is none, no parser takes the text, with the value or
without. The exceptions are shapes that are odd: comments, processing instructions and CDATA, where markup is text;
single quotes, within which a double one is text; and names of namespaces, which are values that have a meaning. So have
attributes that tell elements of one name apart, and `nil`: their values stay in the shape.
"""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Final

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import _records
from pipelines.ingest.read._records import Readable, Record, too_large
from pipelines.ingest.read._shapes import BETWEEN, Refused, Style
from pipelines.ingest.read._xml import Flattener, Reader

PIECE: Final = 1 << 23
"""Bytes that are cut at a time. Where no record ends within as many, the parser reads on."""
_DECLARED: Final = rb"""(?:<\?xml version=["']1.0["'](?: encoding=["'](?i:utf-8)["'])? ?\?>)?\s*"""
_ATTRIBUTES: Final = rb"""(?:\s+[\w:.-]+="[^"<>&]*")*\s*"""
_PREFIX: Final = rb"(?:[\w.-]+:)?"
_MARK: Final = "\ue000"
_ODD: Final = ("<!", "<?", "'", "xmlns", _MARK)
_INNER: Final = r'[^<>"&\\\x00-\x1f\ufffe\uffff]'


class Document:
    """A document with records, from its start."""

    def __init__(self, file: Readable, path: tuple[str, ...], feed: Feed) -> None:
        """Nothing is read yet.

        Args:
            file: At its start.
            path: Names from the root down to the records.
            feed: For the parser.
        """
        self._file, self._path, self._feed = file, path, feed
        self._opening = self._left = b""
        self._opened = self._end = self._close = b""
        self._never: tuple[bytes, ...] = ()

    def texts(self) -> Iterator[list[str]]:
        """Texts of records without the tags that end them, with what stands before each, until there is no easy cut.

        A list counts as taken when the next is asked for.
        """
        self._left = self._file.read(PIECE)
        if not self._open():
            return
        while True:
            *records, left = self._left.split(self._end)
            try:
                texts = [record.decode() for record in records]
            except UnicodeDecodeError:
                return
            end = len(self._left) - len(left)
            if not texts or any(self._left.find(odd, 0, end) >= 0 for odd in self._never):
                return
            if max(map(len, texts)) > _records.MAX_RECORD:
                raise too_large(self._feed)
            yield texts
            self._left = left + self._file.read(PIECE)

    def _open(self) -> bool:
        """Take the tags above the records from what was read; whether that could be done."""
        *above, last = (re.escape(name.encode()) for name in self._path)
        tags = rb"\s*".join(rb"<(" + _PREFIX + name + rb")" + _ATTRIBUTES + b">" for name in above)
        opening = re.match(_DECLARED + tags, self._left)
        record = opening and re.compile(rb"<(" + _PREFIX + last + rb")[\s>]").search(self._left, opening.end())
        if not above or not opening or not record:
            return False
        self._opened = self._opening = opening.group()
        self._left = self._left[opening.end() :]
        self._end = b"</" + record[1] + b">"
        ends = [b"</" + name for name in reversed(opening.groups())]
        self._never = (BETWEEN.encode(), *ends)  # an element above that ends and begins anew may declare other names
        self._close = b">".join((b"</" + record[1], *ends, b""))
        return True

    def records(self, text: str, flattener: Flattener) -> list[Record]:
        """What the parser makes of one text.

        Raises:
            Refused: It takes no document with this text in it.
        """
        whole = BytesIO(self._opened + text.encode() + self._close)
        try:
            return [flattener.record(element) for element in Reader(self._path, self._feed).elements(whole)]
        except Held:
            raise Refused from None

    def read(self, size: int, /) -> bytes:
        """What was not taken, behind the document's own opening."""
        if self._opening or self._left:
            self._left, self._opening = self._opening + self._left, b""
            piece, self._left = self._left[:size], self._left[size:]
            return piece
        return self._file.read(size)


def style(keyed: Mapping[str, str]) -> Style | None:
    """How values look; None where a child tells elements of one name apart, as any text could be its."""
    if not all(by.startswith("@") for by in keyed.values()):
        return None
    meant = "".join(rf'(?<!{re.escape(name)}=")' for name in sorted({"nil", *(by[1:] for by in keyed.values())}))
    opening = rf'>(?=[^<\s])|="{meant}(?<=[\w.\-]=")(?=\S)'
    values = re.compile(rf'({opening})({_INNER}++)(?<=\S)(?=[<"])')
    return Style(
        values,
        lambda said, number: f"{said}{_MARK}{number:07d}",
        re.compile(_MARK + r"(\d{7})"),
        lambda shape: any(odd in shape for odd in _ODD),
    )
