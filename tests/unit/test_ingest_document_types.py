"""RTF, HTML and plain text: read for what they are, whatever their names say."""

from typing import Any

import pytest
from docx.oxml import parse_xml

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
    assert found(data) == Extracted("ok", "\n".join(lines), "lexbor", 0.0, 0.0, has_photo=False)


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
    assert found(text.encode(encoding)) == Extracted("ok", text, "text", 0.0, 0.0, has_photo=False)


def test_a_type_is_told_by_content_alone() -> None:
    rtf, page = b"\xef\xbb\xbf\n{\\rtf1 one}", b"\n<!-- Word --><html xmlns:o='x'><body>two<o:p></o:p></body></html>"
    backends = [found(data).backend for data in (rtf, page, b"<three> and %PDF in text", b"junk\n" + files.sound_pdf())]
    assert backends == ["striprtf", "lexbor", "text", "pdf_oxide"]


def of_word(body: str) -> str | None:
    """What is read of a body, whose names are of Word's space."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

    def write(document: Any) -> None:
        for element in parse_xml(f"<w:body {space}>{body}</w:body>"):
            document.element.body.insert(len(document.element.body) - 1, element)

    return found(files.word(write)).text


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def control(body: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{body}</w:sdtContent></w:sdt>"


def test_content_controls_of_word_templates_lose_no_text_wherever_they_stand() -> None:
    cell = f"<w:tc>{paragraph('Left')}</w:tc>" + control(f"<w:tc>{control(paragraph('Right'))}</w:tc>")
    table = f"<w:tbl><w:tblPr/><w:tblGrid/>{control(f'<w:tr>{cell}</w:tr>')}</w:tbl>"
    assert of_word(control(paragraph("First")) + control(table) + paragraph("Last")) == "First\nLeft\tRight\nLast"


def test_what_was_inserted_linked_or_moved_here_is_read_and_what_was_deleted_is_not() -> None:
    runs = (
        control("<w:hyperlink><w:r><w:t>One </w:t></w:r></w:hyperlink>"),
        "<w:ins><w:hyperlink><w:r><w:t>two </w:t></w:r></w:hyperlink></w:ins>",
        '<w:fldSimple w:instr="DATE"><w:r><w:t>three </w:t></w:r></w:fldSimple>',
        "<w:moveTo><w:r><w:t>four</w:t></w:r></w:moveTo>",
        "<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:del><w:r><w:t>gone</w:t></w:r></w:del>",
    )
    spaced = "".join(runs).replace("<w:t>", '<w:t xml:space="preserve">')
    assert of_word(f"<w:p>{spaced}<!-- none --></w:p>") == "One two three four"


def test_a_cell_merged_over_rows_or_columns_is_read_once() -> None:
    def write(document: Any) -> None:
        table = document.add_table(2, 3)
        for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
            cell.text = "abcdef"[number]
        table.cell(0, 0).merge(table.cell(1, 0))  # which joins their paragraphs
        table.cell(0, 1).merge(table.cell(0, 2))

    assert found(files.word(write)).text == "a\nd\tb\nc\n\te\tf"


def test_headers_of_first_and_even_pages_are_read_where_they_are_used() -> None:
    def write(document: Any, *, are_used: bool = True) -> None:
        section = document.sections[0]
        section.different_first_page_header_footer = are_used
        document.settings.odd_and_even_pages_header_footer = are_used
        for part, text in (
            (section.first_page_header, "First"),
            (section.header, "All"),
            (section.even_page_header, "Even"),
            (section.first_page_footer, "Foot"),
        ):
            part.paragraphs[0].text = text
        document.add_paragraph("Body")
        document.add_section()  # with the same headers

    used, unused = found(files.word(write)), found(files.word(lambda document: write(document, are_used=False)))
    assert str(used.text).split() == ["First", "All", "Even", "Body", "Foot"]
    assert str(unused.text).split() == ["All", "Body"]
