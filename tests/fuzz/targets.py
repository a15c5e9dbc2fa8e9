"""What is attacked, and what must hold: bytes of any kind become rows that add up or are refused, nothing else.

A target for each reader, with the feed of one vendor, and for each type of document. `attack` raises where something
does not hold; a hang, a crash and too much memory are seen from outside.
"""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.ingest import feeds
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.documents.bounds import Limits
from pipelines.ingest.documents.extract import extract
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import FAULT, ROW, parts, read_file
from tests.fuzz import seeds
from tests.fuzz.seeds import CANARY

FEEDS: Final = Path(__file__).parents[2] / "feeds"
CORPUS: Final = Path(__file__).parent / "corpus"
ZIP: Final = b"PK\x03\x04"
LIMITS: Final = Limits(
    max_bytes=1_000_000,
    max_pages=20,
    max_seconds=30,
    max_memory_bytes=2 << 30,
    max_inflation=100,
    min_chars=40,
    max_glued_share=0.01,
    max_broken_share=0.02,
)
STATUSES: Final = {"ok", "encrypted", "needs_ocr", "unsupported", "corrupt", "too_large", "empty"}


@dataclass(frozen=True, slots=True)
class Target:
    """One reader, or one type of document."""

    attack: Callable[[bytes], str]
    """Reads bytes; what became of them: `ok`, a reason code or a status."""
    seeds: Callable[[], list[bytes]]
    """Sound files to begin with."""


def read_or_hold(feed: Callable[[], Feed], data: bytes) -> str:
    """Read bytes as a feed's file; raises AssertionError unless they become rows that add up, or are held."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "in").write_bytes(data)
        unit = Unit("u", feed().name, "in", "0" * 64, len(data), {"period": "2026-09"}, "")
        report = read_file(folder / "in", folder, feed(), unit)
        frames = [pl.read_ipc(part) for part in parts(folder)]
        rows = sorted(row for frame in frames for row in frame[ROW])
        assert rows == list(range(1, report.rows + 1)), "every row must be there once"
        assert sum(report.faults.values()) == sum(frame[FAULT].count() for frame in frames), "faults must add up"
    except Held as held:
        said, became = str(held), held.reason_code
    else:
        said, became = "", "ok"
    finally:
        shutil.rmtree(folder)
    assert CANARY not in said, "no value may be told"
    return became


def extracted(data: bytes) -> str:
    """Read bytes as a document; raises AssertionError unless they have a status, and text only where that is ok."""
    found = extract(data, LIMITS)
    assert found.status in STATUSES, "every document must have a status"
    assert (found.text is not None) == (found.status == "ok"), "text must come from sound documents only"
    (found.text or "").encode()
    return found.status


def packed(files: Callable[[], dict[str, bytes]], name: str, data: bytes) -> bytes:
    """An archive whose file of a name is this; archives stay as they are, so that both can be attacked."""
    if data.startswith(ZIP):
        return data
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each, content in {**files(), name: data}.items():
            archive.writestr(zipfile.ZipInfo(each), content)
    return buffer.getvalue()


@cache
def shipped(vendor: str, name: str) -> Feed:
    """A feed that we ship; what its cells become is not asked here."""
    return feeds.load(FEEDS / vendor)[name].model_copy(update={"tables": (), "join": (), "full": None})


@cache
def fixed_width() -> Feed:
    """Cells at fixed places, of which we ship no feed."""
    options = {"columns": {"a": [1, 6], "b": [7, 20]}, "width": 20, "header_lines": 1, "may_be_empty": False}
    feed = shipped("vendors/workday", "workday_eib_fixed_workers")
    return feed.model_copy(update={"dialect": "fixed_width", "options": options, "required": ("a",)})


def _of_files(feed: Callable[[], Feed], made: Callable[[], list[bytes]]) -> Target:
    return Target(partial(read_or_hold, feed), made)


def _of_archives(feed: Callable[[], Feed], made: Callable[[], bytes], name: str) -> Target:
    files = cache(lambda: seeds.unpacked(made()))
    attack = lambda data: read_or_hold(feed, packed(files, name, data))  # noqa: E731
    return Target(attack, lambda: [made(), files()[name]])


TARGETS: Final[dict[str, Target]] = {
    "csv": _of_files(partial(shipped, "vendors/workday", "workday_csv_workers"), seeds.csv),
    "workday_json": _of_files(partial(shipped, "", "workday_workers"), seeds.workday_json),
    "json_records": _of_files(partial(shipped, "vendors/successfactors", "successfactors_employments"), seeds.odata),
    "ndjson": _of_files(partial(shipped, "vendors/json_resume", "json_resume_candidates"), seeds.ndjson),
    "xml_records": _of_files(partial(shipped, "vendors/successfactors", "successfactors_compound"), seeds.compound),
    "hdl": _of_archives(partial(shipped, "vendors/oracle", "oracle_hdl_workers"), seeds.loader_file, "Worker.dat"),
    "fixed_width": _of_files(fixed_width, seeds.fixed_width),
    "recorded": _of_files(partial(shipped, "vendors/workday", "workday_eib_workers"), seeds.recorded),
    "excel": _of_archives(
        partial(shipped, "vendors/excel", "excel_workers"), seeds.workbook, "xl/worksheets/sheet1.xml"
    ),
    "pdf": Target(extracted, seeds.pdf),
    "docx": Target(
        lambda data: extracted(packed(lambda: seeds.unpacked(seeds.word()), "word/document.xml", data)),
        lambda: [seeds.word(), seeds.unpacked(seeds.word())["word/document.xml"]],
    ),
    "rtf": Target(extracted, seeds.rtf),
    "html": Target(extracted, seeds.html),
    "txt": Target(extracted, seeds.txt),
}
