"""One document to text: type by content, never by name; limits before parsing; then the parser of that type.

Runs in a process of its own (`worker`), because native parsers crash and hang.
"""

import codecs
from dataclasses import dataclass
from typing import Final

from pipelines.ingest.documents import pdf, plain, rich, web, word
from pipelines.ingest.documents.bounds import Limits, Parsed, Refused
from pipelines.ingest.documents.language import language
from pipelines.ingest.documents.redact import redact
from pipelines.ingest.documents.stuffing import stuffed_share

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage\0".encode("utf-16-le")
"""Name of the entry in which Office keeps a document under a password."""
_ENTRY_BYTES: Final = 128
_ZIP: Final = b"PK\x03\x04"
_RTF: Final = b"{\\rtf"
_BLANK: Final = b" \t\r\n\0"
_NO_TEXT: Final = ("<?xml", "%!PS")
"""Text of machines for machines."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's text, redacted, or why there is none."""

    status: str
    text: str | None = None
    backend: str | None = None
    hidden_text_share: float | None = None
    """Of all characters, those that nobody sees; they are not in the text. None where its reader cannot tell."""
    stuffed_text_share: float | None = None
    """Of the words of the text, those in stuffed stretches."""
    has_photo: bool | None = None
    """Whether a picture in it is plausibly a portrait; None where that cannot be told."""
    language_code: str | None = None
    """Of BCP 47; None where it is not clear."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Text of a document, redacted.

    Args:
        data: The whole file.
        limits: Bounds.

    Returns:
        Status `ok` with text and what is said of it, or the status alone: encrypted, needs_ocr, unsupported, corrupt,
        too_large, empty.
    """
    try:
        found = _parsed(data, limits)
        if not found.text:
            raise Refused("empty")  # noqa: TRY301  # the one way to a status
    except Refused as refused:
        return Extracted(str(refused))
    except (MemoryError, RecursionError):
        return Extracted("too_large")
    except Exception:  # noqa: BLE001  # a parser may raise anything; the file is what is wrong
        return Extracted("corrupt")
    return Extracted(
        "ok",
        redact(found.text),
        found.backend,
        found.hidden_share,
        stuffed_share(found.text),
        found.has_photo,
        language(found.text),
    )


def _parsed(data: bytes, limits: Limits) -> Parsed:
    if not data.strip(_BLANK):
        raise Refused("empty")
    if len(data) > limits.max_bytes:
        raise Refused("too_large")
    if data.startswith(_ZIP):
        return word.read(data, limits)
    if data.startswith(_OLE):
        raise Refused("encrypted" if _is_encrypted(data) else "unsupported")
    if (marked := data.removeprefix(codecs.BOM_UTF8).lstrip()).startswith(_RTF):
        return rich.read(marked, limits)
    if b"%PDF-" in data[:1024]:
        return pdf.read(data, limits)
    return _written(data)


def _written(data: bytes) -> Parsed:
    """The text of what is neither of the formats that say what they are."""
    text = plain.read(data, web.charset(data))
    if web.is_html(text):
        return web.read(text)
    if text.lstrip().startswith(_NO_TEXT):
        raise Refused("unsupported")
    return plain.parsed(text)


def _is_encrypted(data: bytes) -> bool:
    """Whether an entry of the container's directory has the name; the same words in a text do not begin an entry."""
    at = data.find(_ENCRYPTED)
    while at >= 0 and at % _ENTRY_BYTES:
        at = data.find(_ENCRYPTED, at + 1)
    return at >= 0
