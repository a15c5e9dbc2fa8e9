"""Text quality and speed of parsers of PDF, side by side over real resumes: what `infra/adr/0045` rests on.

    python -m tests.bench.backends
    uv run --no-project --with pypdfium2 ...      PDFium too, which is no package of ours

Reads one in six of the resumes of `CANDOR_TEST_DATA` (README). Quality is what the product judges by
(`pipelines.ingest.documents.quality`), and the share of words that pypdf, the slowest and best kept, reads as well.
"""

import importlib
import io
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from pipelines.ingest.documents.pdf import quiet
from pipelines.ingest.documents.quality import clean, measure
from pipelines.ingest.feeds import load
from tests.bench.documents import DATA
from tests.bench.measure import ROOT

EVERY: Final = 6


def _pypdf(module: Any, data: bytes) -> list[str]:
    return [page.extract_text() for page in module.PdfReader(io.BytesIO(data)).pages]


def _pdf_oxide(module: Any, data: bytes) -> list[str]:
    document = module.PdfDocument.from_bytes(data)
    return [document.extract_text(page) for page in range(document.page_count())]


def _pypdfium2(module: Any, data: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in module.PdfDocument(data)]


PARSERS: Final[dict[str, Callable[[Any, bytes], list[str]]]] = {
    "pypdf": _pypdf,
    "pdf_oxide": _pdf_oxide,
    "pypdfium2": _pypdfium2,
}


def main() -> int:
    """Measure and print; a parser that is not installed is left out."""
    quiet()
    files = [file.read_bytes() for file in sorted(DATA.glob("*/*.pdf"))[::EVERY]]
    bounds = load(ROOT / "feeds")["resumes"].options
    reference: set[str] = set()
    print(
        f"{len(files)} resumes\n\nparser | pages per CPU second | words | glued | of them pypdf's | files good enough"
    )
    for name, parse in PARSERS.items():
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        began = time.process_time()
        pages = [parse(module, data) for data in files]
        took = time.process_time() - began
        texts = [clean("\n".join(some)) for some in pages]
        seen = [measure(text) for text in texts]
        words = [word for text in texts for word in text.split()]
        reference = reference or set(words)
        count = sum(one.words for one in seen)
        glued = sum(one.glued_share * one.words for one in seen) / count
        shared = sum(word in reference for word in words) / len(words)
        good = sum(one.is_good(bounds["max_glued_share"], bounds["max_broken_share"]) for one in seen)
        print(f"{name} | {sum(map(len, pages)) / took:.0f} | {count:,} | {glued:.2%} | {shared:.1%} | {good}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
