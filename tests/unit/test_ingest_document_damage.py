"""Damaged and hostile documents: each has its status within its limits, and costs nobody else anything."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from infra.sample.resume_variants import variant
from infra.sample.resumes import pdf
from pipelines.ingest.documents.extract import Extracted, extract
from pipelines.ingest.documents.pool import Worker, extract_all
from tests.bench.measure import ROOT
from tests.unit import document_files as files

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 4
PROGRAM = b"MZ\x90\0\3\0\0\0" + bytes(200) + b"This program cannot be run in DOS mode"
DAMAGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "encrypted.pdf": (lambda: files.drawn(lambda canvas: canvas.drawString(72, 780, "x"), "secret"), "encrypted"),
    "encrypted.docx": (lambda: files.ole("EncryptedPackage"), "encrypted"),
    "old.doc": (lambda: files.ole("WordDocument"), "unsupported"),
    "scan.pdf": (files.scan, "needs_ocr"),
    "cut.pdf": (lambda: files.sound_pdf()[:700], "corrupt"),
    "cut.docx": (lambda: files.word(lambda document: document.add_paragraph(files.SOUND))[:-2000], "corrupt"),
    "lying.docx": (files.lying_docx, "corrupt"),
    "bomb.docx": (lambda: files.zipped({**files.TYPES, "word/document.xml": b"0" * 200_000_000}), "too_large"),
    "bomb.pdf": (files.pdf_bomb, "too_large"),
    "swollen.pdf": (lambda: files.page_of(files.stream(files.deflated_twice(20), files.TWICE)), "too_large"),
    "form.pdf": (files.form_bomb, "too_large"),
    "endless.pdf": (lambda: files.many_pages(10_000), "too_large"),
    "deep.rtf": (lambda: b"{\\rtf1" + b"{" * 900_000, "too_large"),
    "deep.html": (lambda: b"<html>" + b"<b>" * 100_000 + b"x", "too_large"),
    "photo.pdf": (lambda: JPEG, "unsupported"),
    "program.pdf": (lambda: PROGRAM, "unsupported"),
    "archive.pdf": (lambda: files.zipped({"a.txt": b"no document"}), "unsupported"),
    "sheet.pdf": (lambda: files.zipped({**files.TYPES, "xl/workbook.xml": b"<a/>"}), "unsupported"),
    "nothing.pdf": (lambda: b"\0" * 500, "empty"),
    "binary.txt": (lambda: (files.SOUND + "\0").encode() * 9, "unsupported"),
    "empty.txt": (lambda: b"", "empty"),
    "blank.html": (lambda: b"<html><body><script>1</script></body></html>", "empty"),
    "blank.rtf": (lambda: b"{\\rtf1 }", "empty"),
    "program.xml": (lambda: b"<?xml version='1.0'?><a>text</a>", "unsupported"),
}


def test_pages_are_counted_where_a_file_says_that_it_has_few() -> None:
    few, many = files.many_pages(files.LIMITS.max_pages), files.many_pages(files.LIMITS.max_pages + 1)
    assert extract(few, files.LIMITS) == Extracted("needs_ocr")
    lies = many.replace(b"/Count 4", b"/Count 1")
    assert extract(lies, files.LIMITS) == Extracted("too_large")


def test_a_page_of_two_columns_is_read_one_after_the_other() -> None:
    left = ["Kafka and python since twenty ten", "Led a team of seven engineers", "Cut the cost by half"]
    right = ["Berlin University of things", "German and English fluently", "Chess and long walks outside"]

    def draw(canvas: Canvas) -> None:
        for number, pair in enumerate(zip(left, right, strict=True)):
            for place, line in zip((50, 330), pair, strict=True):  # row by row, as many programs write them
                canvas.drawString(place, 780 - 16 * number, line)

    found = extract(files.drawn(draw), files.LIMITS)
    assert (found.status, [line for line in (found.text or "").splitlines() if line]) == ("ok", left + right)


def test_a_doc_that_is_rtf_is_read_as_such(tmp_path: Path) -> None:
    documents = placed(tmp_path, {"resume.doc": b"{\\rtf1\\ansi " + files.SOUND.encode() + b"}"})
    [found] = extract_all(documents, files.LIMITS)
    assert (found.status, found.text, found.backend) == ("ok", files.SOUND, "striprtf")


def placed(folder: Path, documents: dict[str, bytes]) -> list[Callable[[], Path]]:
    for name, data in documents.items():
        (folder / name).write_bytes(data)
    return [lambda name=name: folder / name for name in documents]


@pytest.mark.parametrize("name", DAMAGED)
def test_every_damage_has_its_status(name: str) -> None:
    make, status = DAMAGED[name]
    assert extract(make(), files.LIMITS) == Extracted(status)


def test_damaged_documents_cost_no_other_anything(tmp_path: Path) -> None:
    documents = {}
    for name, (make, _) in DAMAGED.items():
        documents |= {name: make(), f"after {name}": files.sound_pdf()}
    found = list(extract_all(placed(tmp_path, documents), files.LIMITS))
    expected = [status for _, status in DAMAGED.values() for status in (status, "ok")]
    assert [result.status for result in found] == expected
    assert {result.text for result in found} == {None, files.SOUND}


@pytest.mark.parametrize(
    ("bomb", "status"),
    [(files.pdf_bomb, "too_large"), (files.form_bomb, "too_large"), (files.font_bomb, "ok")],
)
def test_a_bomb_takes_neither_memory_nor_time(bomb: Callable[[], bytes], status: str, tmp_path: Path) -> None:
    documents = placed(tmp_path, {"sound": files.sound_pdf(), "bomb": bomb(), "after": files.sound_pdf()})
    assert (tmp_path / "bomb").stat().st_size < 10_000
    worker = Worker(files.LIMITS)
    try:
        worker.ask(documents[0]())
        before, began = peak(worker), time.monotonic()
        assert worker.ask(documents[1]()).status == status, "the text beside a map that is a bomb can be read"
        assert time.monotonic() - began < files.LIMITS.max_seconds
        assert peak(worker) - before < 300 << 20, "of 400 megabytes"
        assert worker.ask(documents[2]()).status == "ok"
    finally:
        worker.stop()


def test_a_file_that_breaks_what_a_parser_keeps_costs_no_other_a_letter(tmp_path: Path) -> None:
    """After a panic the fast parser reads the years of study of others no more, or nothing at all."""
    resumes = [pdf(variant(20_261_126, index)) for index in range(1, 6)]
    panic = (ROOT / "tests/fuzz/corpus/pdf/panic.pdf").read_bytes()
    worker = Worker(files.LIMITS)
    path = tmp_path / "document"
    try:
        found = []
        for data in [*resumes, panic, *resumes]:
            path.write_bytes(data)
            found.append(worker.ask(path))
    finally:
        worker.stop()
    assert found[5].status == "ok"
    assert found[5].backend == "pypdf"
    assert {result.backend for result in found[:5]} == {"pdf_oxide"}
    assert found[6:] == found[:5]


def peak(worker: Worker) -> int:
    """The most memory that a worker has held at once, in bytes."""
    assert worker.process is not None
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


def test_a_worker_that_wants_more_memory_than_it_may_have_costs_that_document(tmp_path: Path) -> None:
    limits = files.LIMITS.model_copy(update={"max_bytes": 100_000_000, "max_memory_bytes": 600 << 20})
    page = b"<html>" + b"<i>x</i>" * 9_000_000
    found = list(extract_all(placed(tmp_path, {"page": page, "sound": files.sound_pdf()}), limits))
    assert [result.status for result in found][1] == "ok"
    assert found[0].status in ("too_large", "corrupt")


def test_the_name_of_an_entry_within_a_text_does_not_make_it_encrypted() -> None:
    data = files.ole("WordDocument") + b"\1" * 6 + "EncryptedPackage\0".encode("utf-16-le")
    assert extract(data, files.LIMITS) == Extracted("unsupported")
