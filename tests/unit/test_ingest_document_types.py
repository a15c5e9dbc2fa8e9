"""RTF, HTML and plain text: read for what they are, whatever their names say."""

import pytest

from pipelines.ingest.documents.extract import Extracted, extract
from tests.unit import document_files as files


def found(data: bytes) -> Extracted:
    return extract(data, files.LIMITS)


def test_rtf_is_decoded_by_its_code_page_and_its_escapes() -> None:
    data = rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\f0 \'ee\'ef\'fb\'f2 \u8364?5\par caf" + "ж".encode("cp1251")
    assert found(data + b"}").text == "опыт €5\ncafж"


def test_cells_of_rtf_tables_are_apart_and_its_pictures_and_links_left_out() -> None:
    data = (
        rb"{\rtf1{\*\generator Word;}{\pict\pngblip 89504e47}{\info{\author Someone}}"
        rb"\trowd\cellx1 Left\cell Right\cell\row{\field{\*\fldinst HYPERLINK x}{\fldrslt a link}}\bin5 {{{{{ end}"
    )
    assert found(data).text == "Left\tRight\na link end"


def test_html_loses_scripts_styles_and_comments_and_keeps_cells_apart() -> None:
    data = (
        b"<!DOCTYPE html><html><head><title>T</title><style>p{color:red}</style></head><body><h1>Top</h1>"
        b"<p>One  <b>two</b>\nthree<!-- no --><script>no()</script></p><ul><li>a<li>b</ul>x<br>y"
        b"<table><tr><td><p>Left</p></td><td>Right</td></tr><tr><td>Low<td>End</table><p>Last &amp; least</body></html>"
    )
    lines = ["Top", "One two three", "a", "b", "x", "y", "Left\tRight", "Low\tEnd", "Last & least"]
    assert found(data) == Extracted("ok", "\n".join(lines), "lexbor", 0.0, 0.0)


def test_a_page_in_another_encoding_says_so_itself() -> None:
    page = '<html><meta charset="windows-1251"><p>опыт работы'
    assert found(page.encode("cp1251")).text == "опыт работы"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Führung von Teams, Überblick über Größe", "utf-8"),
        ("Führung von Teams", "utf-8-sig"),
        ("Führung von Teams", "utf-16"),
        ("Leading teams of seven", "utf-16-le"),
        ("Leading teams of seven", "utf-16-be"),
        ("Führung von Teams, Überblick über Größe und Qualität, Prüfung", "cp1252"),
        ("Опыт работы над базами данных и управление проектами", "cp1251"),
    ],
)
def test_plain_text_is_read_in_the_encoding_that_it_proves(text: str, encoding: str) -> None:
    assert found(text.encode(encoding)) == Extracted("ok", text, "text", 0.0, 0.0)


def test_a_type_is_told_by_content_alone() -> None:
    rtf, page = b"\xef\xbb\xbf\n{\\rtf1 one}", b"\n<!-- Word --><html xmlns:o='x'><body>two<o:p></o:p></body></html>"
    backends = [found(data).backend for data in (rtf, page, b"<three> and %PDF in text", b"junk\n" + files.sound_pdf())]
    assert backends == ["striprtf", "lexbor", "text", "pdf_oxide"]
