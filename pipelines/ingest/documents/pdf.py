"""PDF: the better of two parsers by measured quality, over pages from which text that nobody sees was taken out.

pdf_oxide is fast; pypdf, slow and well kept, takes over where the text of the first is poor. Whether a file hides
anything is asked of all of them, and costs little; only those that may are taken apart (`pdf_hidden`).
"""

import io
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, TypeVar

from pipelines.ingest.documents import pdf_hidden, pdf_pictures
from pipelines.ingest.documents.bounds import TINY_POINTS, WHITE, Limits, Parsed, Refused, is_lost
from pipelines.ingest.documents.pdf_layers import Layers
from pipelines.ingest.documents.pdf_signs import Signs
from pipelines.ingest.documents.quality import Quality, clean, measure

T = TypeVar("T")
_POINTS: Final = attrgetter("font_size")
_ACROSS: Final = attrgetter("origin_x")
_UP: Final = attrgetter("origin_y")
_COLOUR: Final = attrgetter("color")

_PANICS: Final[list[str]] = []
"""Of the fast parser, in this process."""


def quiet() -> None:
    """Keep the fast parser from telling the log of this process what it does.

    Nobody reads it, it may quote the document, and asking the log again and again took a tenth of the parser's time.
    """
    import pdf_oxide  # parsers are only loaded in the worker

    pdf_oxide.disable_logging()


def is_spent() -> bool:
    """Whether this process should read no more documents: the fast parser panicked in it.

    What it keeps of one file for the next (fonts) is then broken: it reads other people's files wrongly or not at
    all. Here they are left to the other parser; a new process has both again.
    """
    return bool(_PANICS)


def read(data: bytes, limits: Limits) -> Parsed:
    """The text of a PDF.

    Args:
        data: The whole file.
        limits: Bounds.

    Raises:
        Refused: It is encrypted, a scan, or unpacks to too much.
    """
    from pypdf import PdfReader  # parsers are only loaded in the worker

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("encrypted")
    if _pages_said(reader) > limits.max_pages or len(reader.pages) > limits.max_pages:
        raise Refused("too_large")
    signs, document, hidden = Signs.of(_drawn(reader, limits.unpacked(len(data)))), _opened(data), 0.0
    is_pictured = pdf_pictures.photo(reader)  # behind the bound on what pages draw
    fast = _oxide(document)  # first, since the characters of a page cost little once its text is there
    if _draws_oddly(signs, reader) or is_spent() or _may_hide(document, signs):  # a spent parser cannot tell
        data, hidden = pdf_hidden.without(reader)
        reader, fast = PdfReader(io.BytesIO(data)), _oxide(_opened(data))
    backend, text = _better(fast, reader, limits)
    return Parsed(backend, text, hidden, is_pictured)


def _pages_said(reader: Any) -> int:
    """How many pages a PDF says that it has, which is no more than its word; counting ten thousand takes seconds."""
    said = reader.root_object["/Pages"].get("/Count", 0)
    return said if isinstance(said, int) else 0


def _draws_oddly(signs: Signs, reader: Any) -> bool:
    """Whether letters are drawn in a way that the fast parser does not tell.

    It takes nothing of an ink for black, and shows what lets all through or belongs to a layer that is not shown.
    """
    return (
        signs.is_odd
        or (signs.may_lack_ink and pdf_hidden.has_inks(reader))
        or pdf_hidden.has_veils(reader)
        or bool(Layers(reader.root_object).off)
    )


def _drawn(reader: Any, most: float) -> bytes:
    """What all pages draw, unpacked and within bounds: the parsers that follow unpack it without any."""
    from pypdf.errors import LimitReachedError  # parsers are only loaded in the worker

    found, size = [], 0
    try:
        for data in pdf_hidden.streams(reader):
            size += len(data)
            if size > most:
                raise Refused("too_large")
            found.append(data)
    except LimitReachedError:
        raise Refused("too_large") from None
    return b"\n".join(found)


def _may_hide(document: Any, signs: Signs) -> bool:
    """Whether any character is white, tiny or off its page; true where the fast parser cannot tell."""
    return _asked(
        lambda: any(
            _any_unseen(document.extract_chars(page), document.page_media_box(page), in_white=signs.may_be_white)
            for page in _pages(document)
        ),
        otherwise=True,
    )


def _any_unseen(characters: list[Any], page: tuple[float, float, float, float], *, in_white: bool) -> bool:
    """Whether one of a page's characters is; their colours are asked only where any may be white.

    There are thousands: all are asked for one thing, then for the next, since a tuple of each would cost three times as
    much, most of it for the garbage collector.
    """
    if not characters:
        return False
    xs, ys = [list(map(where, characters)) for where in (_ACROSS, _UP)]
    left, bottom, right, top = page
    is_off = min(xs) < left or max(xs) > right or min(ys) < bottom or max(ys) > top
    is_tiny = min(map(_POINTS, characters)) <= TINY_POINTS
    return is_off or is_tiny or (in_white and any(is_lost(colour, WHITE) for colour in set(map(_COLOUR, characters))))


def _better(fast: str, reader: Any, limits: Limits) -> tuple[str, str]:
    quality = measure(fast)
    if len(fast) >= limits.min_chars and quality.is_good(limits.max_glued_share, limits.max_broken_share):
        return "pdf_oxide", fast
    slow = clean("\n".join(page.extract_text() for page in reader.pages))
    if max(len(fast), len(slow)) < limits.min_chars:
        raise Refused("needs_ocr")
    return ("pypdf", slow) if _rank(measure(slow)) < _rank(quality) else ("pdf_oxide", fast)


def _rank(quality: Quality) -> tuple[float, float, int]:
    return quality.broken_share, quality.glued_share, -quality.words


def _oxide(document: Any) -> str:
    return _asked(lambda: clean("\n".join(document.extract_text(page) for page in _pages(document))), otherwise="")


def _opened(data: bytes) -> Any:
    """The document in the fast parser, which remembers what it was asked; None where it cannot open it."""
    from pdf_oxide import PdfDocument  # parsers are only loaded in the worker

    if is_spent():
        return None
    return _asked(lambda: PdfDocument.from_bytes(data), otherwise=None)


def _asked(question: Callable[[], T], *, otherwise: T) -> T:
    """What the fast parser answers. Where it gives up, the other parser decides.

    A panic of Rust is no Exception: passed on, it would end the worker, and the other parser would never be asked.
    """
    try:
        return question()
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception:  # noqa: BLE001
        return otherwise
    except BaseException as panic:  # noqa: BLE001
        _PANICS.append(type(panic).__name__)
        return otherwise


def _pages(document: Any) -> range:
    count: Any = document.page_count
    return range(count() if callable(count) else count)
