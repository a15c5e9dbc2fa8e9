"""Figure of resumes to text: the pool's two processes over the bare chosen backend in one process, pages a second.

    python -m tests.bench.documents

Over real resumes (`CANDOR_TEST_DATA`, see README), whose PDFs pdf_oxide reads. The pool does all that a delivery needs:
limits, hidden text, quality, redaction, stuffing. The starts of its processes are left out, as that of the bare one is.
Milliseconds of CPU a page are told too: where others use the cores, they say what a change did.
"""

import os
import resource
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Final

import psutil
from pdf_oxide import PdfDocument

from pipelines.ingest.documents.bounds import Limits
from pipelines.ingest.documents.pool import WORKERS, extract_all
from pipelines.ingest.feeds import load
from tests.bench.measure import ROOT, Figure

DATA: Final = Path(os.environ.get("CANDOR_TEST_DATA", ROOT.parent / "shared" / "data")) / "resumes" / "pdf"
EVERY: Final = 8
"""One resume in so many is read."""
ROUNDS: Final = 3
"""Both sides take turns, and the best of each counts: who else uses the machine is not what is measured."""
FLOOR: Final = 1.7


def figures() -> list[Figure]:
    """The ratio; none where there are no real resumes."""
    files = sorted(DATA.glob("*/*.pdf"))[::EVERY]
    if not files:
        print("resumes to text: the real data are not there, so this was not measured")
        return []
    rounds = [(*_bare(files), *_pooled(files)) for _ in range(ROUNDS)]
    pages, bare, bare_cpu, pooled, pooled_cpu = map(min, zip(*rounds, strict=True))
    print(
        f"resumes to text, {pages} pages: pool {pages / pooled:.1f} pages/s, {1000 * pooled_cpu / pages:.1f} ms of CPU "
        f"a page; pdf_oxide alone {pages / bare:.1f} pages/s, {1000 * bare_cpu / pages:.1f} ms; "
        f"by CPU two processes give {WORKERS * bare_cpu / pooled_cpu:.2f} x its pages"
    )
    return [Figure("resumes to text, two processes / pdf_oxide alone, pages a second", bare / pooled, FLOOR, "x", True)]


def _bare(files: list[Path]) -> tuple[int, float, float]:
    """Pages, and seconds and seconds of CPU to read them in this process."""
    _text(files[0])
    began, cpu = time.perf_counter(), time.process_time()
    return sum(map(_text, files)), time.perf_counter() - began, time.process_time() - cpu


def _text(file: Path) -> int:
    document = PdfDocument.from_bytes(file.read_bytes())
    pages = document.page_count()
    for page in range(pages):
        document.extract_text(page)
    return int(pages)


def _pooled(files: list[Path]) -> tuple[float, float]:
    """Seconds, and those of CPU of all processes, from when all workers have started to the last answer."""
    options = load(ROOT / "feeds")["resumes"].options
    limits = Limits(**{name: value for name, value in options.items() if name != "unit_by"})
    with TemporaryDirectory(prefix="candor bench ") as name:
        are_started, nothing = Event(), Event()
        nothing.set()
        first = [partial(_fetched, file, Path(name) / f"start-{n}", nothing) for n, file in enumerate(files[:WORKERS])]
        rest = [partial(_fetched, file, Path(name) / str(n), are_started) for n, file in enumerate(files)]
        results = extract_all([*first, *rest], limits)
        ended = _of_ended()
        statuses = [next(results).status for _ in first]
        began, cpu = time.perf_counter(), time.process_time() + _of_running()
        are_started.set()
        statuses += [result.status for result in results]
        took, cpu = time.perf_counter() - began, time.process_time() + _of_ended() - ended - cpu
    if set(statuses) != {"ok"}:
        raise SystemExit("Every resume of the data must have text; one has not.")
    return took, cpu


def _of_running() -> float:
    """Seconds of CPU that the workers took so far."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children())


def _of_ended() -> float:
    """Seconds of CPU of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fetched(file: Path, place: Path, after: Event) -> Path:
    """A copy, since the pool removes what it has read; not before all workers have started."""
    after.wait()
    return shutil.copyfile(file, place)


def main() -> int:
    """Measure and print; exit code 1 when the figure misses its bound."""
    found = figures()
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
