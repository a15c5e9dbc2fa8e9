"""One document to text: type by magic bytes, limits before parsing, the better of two PDF parsers by measured quality.

Runs in a process of its own (`worker`), because native parsers crash and hang.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.base.settings import Section
from pipelines.ingest.documents.quality import clean, measure
from pipelines.ingest.documents.redact import redact

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK\x03\x04"


class Limits(Section):
    """Bounds of one document."""

    max_bytes: int
    max_pages: int
    max_seconds: float
    max_memory_bytes: int
    max_inflation: float
    """Unpacked size of a DOCX divided by its own."""
    min_chars: int
    """Less text than this in a PDF means a scan."""
    max_glued_share: float
    max_broken_share: float


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's text, redacted, or why there is none."""

    status: str
    text: str | None = None
    backend: str | None = None


class Refused(Exception):  # a status, not an error
    """The document has a status other than ok."""


def extract(data: bytes, limits: Limits) -> Extracted:
    """Text of a document, redacted.

    Args:
        data: The whole file.
        limits: Bounds.

    Returns:
        Status `ok` with text and backend, or the status alone: encrypted, needs_ocr, unsupported, corrupt, too_large,
        empty.
    """
    try:
        backend, text = _typed(data, limits)
    except Refused as refused:
        return Extracted(str(refused))
    except Exception:  # noqa: BLE001  # a parser may raise anything; the file is what is wrong
        return Extracted("corrupt")
    return Extracted("ok", redact(text), backend)


def _typed(data: bytes, limits: Limits) -> tuple[str, str]:
    if not data.strip():
        raise Refused("empty")
    if len(data) > limits.max_bytes:
        raise Refused("too_large")
    if b"%PDF-" in data[:1024]:
        return _pdf(data, limits)
    if data.startswith(_ZIP):
        return "python-docx", _docx(data, limits)
    raise Refused("unsupported")


def _pdf(data: bytes, limits: Limits) -> tuple[str, str]:
    """pdf_oxide is fast; pypdf, slow and well kept, takes over where the text of the first is poor."""
    from pypdf import PdfReader  # parsers are only loaded in the worker

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("encrypted")
    if len(reader.pages) > limits.max_pages:
        raise Refused("too_large")
    fast = _oxide(data)
    quality = measure(fast)
    if len(fast) >= limits.min_chars and quality.is_good(limits.max_glued_share, limits.max_broken_share):
        return "pdf_oxide", fast
    slow = clean("\n".join(page.extract_text() for page in reader.pages))
    if max(len(fast), len(slow)) < limits.min_chars:
        raise Refused("needs_ocr")
    other = measure(slow)
    is_better = (other.broken_share, other.glued_share, -other.words) < (
        quality.broken_share,
        quality.glued_share,
        -quality.words,
    )
    return ("pypdf", slow) if is_better else ("pdf_oxide", fast)


def _oxide(data: bytes) -> str:
    from pdf_oxide import PdfDocument  # parsers are only loaded in the worker

    try:
        document = PdfDocument.from_bytes(data)
        count: Any = document.page_count
        pages = count() if callable(count) else count
        return clean("\n".join(document.extract_text(page) for page in range(pages)))
    except Exception:  # noqa: BLE001  # the other parser decides
        return ""


def _docx(data: bytes, limits: Limits) -> str:
    from docx import Document  # parsers are only loaded in the worker

    _safe_archive(data, limits)
    document = Document(io.BytesIO(data))
    pieces = list(_blocks(document))
    for section in document.sections:
        for part in (section.header, section.footer):
            if not part.is_linked_to_previous:
                pieces = [*_blocks(part), *pieces] if part is section.header else [*pieces, *_blocks(part)]
    text = clean("\n".join(pieces))
    if not text:
        raise Refused("empty")
    return text


def _blocks(container: Any) -> Iterator[str]:  # document, header, footer or cell
    """Paragraphs and tables in the order of the page; `.paragraphs` alone would lose all tables."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                seen: dict[int, str] = {}
                for entry in row.cells:
                    seen.setdefault(id(entry._tc), "\n".join(_blocks(entry)))  # noqa: SLF001  # merged cells repeat
                yield "\t".join(seen.values())
        else:
            yield block.text


def _safe_archive(data: bytes, limits: Limits) -> None:
    """Refuse what is no DOCX, a bomb, an escape, or XML with a DOCTYPE."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
            raise Refused("unsupported")
        if any(entry.flag_bits & 1 for entry in entries):
            raise Refused("encrypted")
        if sum(entry.file_size for entry in entries) > max(limits.max_inflation * len(data), limits.max_bytes):
            raise Refused("too_large")
        if any(name.startswith("/") or ".." in name.split("/") for name in names):
            raise Refused("corrupt")
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(entry)[:4096]:
                raise Refused("corrupt")
