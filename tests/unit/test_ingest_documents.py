"""Resumes: the right status for every kind of file, nothing that names a person, one bad file hurts one file."""

import io
from pathlib import Path

import docx
import pytest
from reportlab.pdfgen.canvas import Canvas

from pipelines.ingest.documents import pool
from pipelines.ingest.documents.extract import Extracted, extract
from pipelines.ingest.documents.quality import measure
from pipelines.ingest.documents.redact import redact
from tests.unit.document_files import LIMITS, TYPES, drawn, zipped

LINES = ["Mary-Ann Ngo", "mary.ngo@example.org | +49 555 010 2030", "12 Mill Lane, 10115 Berlin"]
BODY = ["Born on 4 May 1990", "Backend engineer. Ngo led a team of 7 from 2015 - 2019.", "Python, kafka, may travel"]


def pdf(lines: list[str], pages: int = 1, password: str = "") -> bytes:
    def draw(canvas: Canvas) -> None:
        for _ in range(pages):
            for number, line in enumerate(lines):
                canvas.drawString(72, 780 - 16 * number, line)
            canvas.showPage()

    return drawn(draw, password)


def word() -> bytes:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Header line"
    document.add_paragraph("First paragraph")
    cells = document.add_table(1, 2).rows[0].cells
    cells[0].text, cells[1].text = "Left cell", "Right cell"
    document.add_paragraph("Last paragraph")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xd0\xcf\x11\xe0 old word", "unsupported"),
        (b"x" * 1_000_001, "too_large"),
        (b"%PDF-1.7 and then nothing", "corrupt"),
        (pdf(LINES, pages=4), "too_large"),
        (pdf(LINES, password="secret"), "encrypted"),
        (pdf([]), "needs_ocr"),
        (zipped({"a.txt": b"no document"}), "unsupported"),
        (zipped({**TYPES, "word/document.xml": b"0" * 2_000_000}), "too_large"),
        (zipped({**TYPES, "word/document.xml": b"<!DOCTYPE a><a/>"}), "corrupt"),
        (zipped({**TYPES, "word/../../x": b"1"}), "corrupt"),
    ],
)
def test_every_kind_of_file_has_its_status(data: bytes, status: str) -> None:
    assert extract(data, LIMITS) == Extracted(status)


def test_a_pdf_keeps_its_words_and_loses_who_it_is_about() -> None:
    found = extract(pdf(LINES + BODY), LIMITS)
    assert (found.status, found.backend) == ("ok", "pdf_oxide")
    assert "Backend engineer" in str(found.text)
    assert not [word for word in ("Mary", "Ngo", "example.org", "555", "Mill", "1990") if word in str(found.text)]


def test_tables_and_headers_of_word_files_are_read_in_their_order() -> None:
    assert extract(word(), LIMITS).text == "Header line\nFirst paragraph\nLeft cell\tRight cell\nLast paragraph"


def test_redaction_puts_placeholders_where_something_was() -> None:
    assert redact("\n".join(LINES + BODY)).split("\n") == [
        "[NAME]",
        "[EMAIL] | [PHONE]",
        "[ADDRESS]",
        "[BIRTH_DATE]",
        "Backend engineer. [NAME] led a team of 7 from 2015 - 2019.",
        "Python, kafka, may travel",
    ]


def test_a_job_title_on_top_is_no_name_when_no_contact_data_follow() -> None:
    text = "SENIOR ACCOUNTANT\nSummary\nAccountant with 10 years, 2004 - 2014, 01/2010 - 12/2014"
    assert redact(text) == text


def test_links_phones_and_dates_are_told_apart() -> None:
    text = "see linkedin.com/in/x and call (030) 1234 5678, hired 2019-05-01, grew 1,250 to 4,000 at 95%"
    assert redact(text) == "see [LINK] and call [PHONE], hired 2019-05-01, grew 1,250 to 4,000 at 95%"


def test_a_born_leader_has_no_birth_date() -> None:
    assert redact("A born leader. DOB: 01.02.1980") == "A born leader. [BIRTH_DATE]"


def test_glued_words_show_in_their_length() -> None:
    good, bad = "needs assessment and care of patients", "needsassessmentandcare ofpatientsandtheirfamilies"
    assert measure(good).is_good(0.01, 0.02)
    assert measure(bad).glued_share == 1.0
    assert measure(18 * "a" + " b " + 19 * "a").glued_share == pytest.approx(1 / 3)
    assert not measure(bad).is_good(0.01, 0.02)
    assert not measure("ab\ufffd\ufffd").is_good(0.01, 0.02)
    assert not measure("").is_good(1.0, 1.0), "no words are no good words"


def test_poor_text_of_one_parser_is_replaced_by_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    glued = "needsassessmentandcareofpatients " * 10
    monkeypatch.setattr("pipelines.ingest.documents.pdf._oxide", lambda data: glued)
    found = extract(pdf(LINES + BODY), LIMITS)
    assert found.backend == "pypdf"
    assert "Backend engineer" in str(found.text)


def test_a_document_that_hangs_or_kills_its_worker_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import json, os, sys, time\nsys.stdin.readline()\n"
        "for line in sys.stdin:\n"
        "    name = json.loads(line)\n"
        "    if name.endswith('hang'): time.sleep(60)\n"
        "    if name.endswith('crash'): os._exit(139)\n"
        "    assert not [key for key in os.environ if key.startswith('CANDOR_')]\n"
        "    print(json.dumps({'status': 'ok', 'text': 'x', 'backend': 'b', 'is_last': False}), flush=True)\n"
    )
    (tmp_path / "stub.py").write_text(script, encoding="utf-8")
    monkeypatch.setenv("CANDOR_VAULT_KEY", "secret")
    monkeypatch.setattr(pool, "COMMAND", ["-u", str(tmp_path / "stub.py")])
    monkeypatch.setattr(pool, "START_SECONDS", 5.0)
    quick = LIMITS.model_copy(update={"max_seconds": 0.2})
    names = ["a", "hang", "b", "crash", "c", "d"]
    for name in names:
        (tmp_path / name).write_bytes(b"1")
    found = list(pool.extract_all([lambda name=name: tmp_path / name for name in names], quick))
    assert [item.status for item in found] == ["ok", "corrupt", "ok", "corrupt", "ok", "ok"]
