"""Plain text: its encoding by what it proves itself, then by a guess among those in use; what is no text is refused."""

import codecs
import re
from typing import Final

from pipelines.ingest.documents.bounds import Parsed, Refused
from pipelines.ingest.documents.quality import clean

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 first: its mark begins with that of UTF-16."""
_IN_USE: Final = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "shift_jis", "gb18030", "big5", "euc_kr"]
_SAMPLE: Final = 1 << 16
"""Bytes that a guess is made on; the whole must then be of that encoding."""
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MAX_CONTROL: Final = 0.001
"""Share of control characters above which nobody wrote it: a page break from a typewriter's days is one in a page."""


def read(data: bytes, declared: str | None = None) -> str:
    """The text of bytes.

    Args:
        data: The whole file.
        declared: The encoding that it names itself, if any; used when it is no UTF-8.

    Raises:
        Refused: It is no text.
    """
    text = _decoded(data, declared)
    if text is None or len(_CONTROL.findall(text)) > _MAX_CONTROL * len(text):
        raise Refused("unsupported")
    return text


def parsed(text: str) -> Parsed:
    """Plain text hides nothing, and has no pictures."""
    return Parsed("text", clean(text), 0.0, has_photo=False)


def _decoded(data: bytes, declared: str | None) -> str | None:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _wide(data)
    if encoding is not None:
        return _strict(data, encoding)
    return _strict(data, "utf-8") or (declared and _strict(data, declared)) or _guessed(data)


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: in western text every second byte is zero, and only every second."""
    if not data.count(0):
        return None
    low, high = data[::2].count(0), data[1::2].count(0)
    if high > len(data) // 4 and not low:
        return "utf-16-le"
    return "utf-16-be" if low > len(data) // 4 and not high else "utf-8"


def _guessed(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # parsers are only loaded in the worker

    best = from_bytes(data[:_SAMPLE], cp_isolation=_IN_USE).best()
    return None if best is None else _strict(data, best.encoding)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
