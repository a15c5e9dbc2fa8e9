"""Excel workbooks: what a cell holds and not how it looks; what hides, runs or comes from elsewhere is refused."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
from python_calamine import load_workbook

from pipelines.ingest.read import FAULT, ROW, _records
from pipelines.ingest.read._cells import moment_of, number_of
from pipelines.ingest.read._workbook import is_moment

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
WANT: dict[str, Any] = {
    "sheet": "Staff",
    "header_row": 1,
    "digits": {},
    "may_be_empty": False,
    "max_bytes": 1_000_000,
    "max_ratio": 100,
}
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)
TEXTS = (
    f'<sst xmlns="{MAIN}"><si><t>Id</t></si><si><t>Name</t></si><si><r><t>Nu</t></r><r><rPr><b/></rPr><t>ñez</t></r>'
    "<rPh><t>NO</t></rPh></si><si><t>a_x000D_b</t></si></sst>"
)
HEAD = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'


def relations(*said: tuple[str, str, str]) -> str:
    inner = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{kind}" Target="{to}"/>' for i, kind, to in said)
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'


def book(rows: str = "", after: str = "", *, sheet: str = "", settings: str = "", **parts: str | bytes | None) -> bytes:
    """A workbook by hand; `parts` take the place of those that it has, or are added: `/` as `__`."""
    every: dict[str, str | bytes | None] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="a"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/></Types>',
        "_rels/.rels": relations(("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{settings}<sheets>'
        f'<sheet name="Notes" sheetId="7" r:id="r9"/><sheet name="Staff" sheetId="1" {sheet} r:id="r1"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            ("r1", "worksheet", "/xl/worksheets/sheet1.xml"),
            ("r9", "worksheet", "worksheets/sheet2.xml"),
            ("r2", "styles", "styles.xml"),
            ("r3", "sharedStrings", "sharedStrings.xml"),
        ),
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": TEXTS,
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><dimension ref="A1:XFD1048576"/><sheetData>{rows}'
        f"</sheetData>{after}</worksheet>",
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>',
    }
    every |= {name.replace("__", "/").replace("TYPES", "[Content_Types].xml"): data for name, data in parts.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in every.items():
            if data is not None:
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def row(number: int, *cells: str) -> str:
    """`<c>` elements as they are; without a place they stand side by side."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def number(text: str, style: int = 0) -> str:
    return f'<c s="{style}"><v>{text}</v></c>'


def text(said: str) -> str:
    return f'<c t="inlineStr"><is><t>{said}</t></is></c>'


def test_cells_are_what_they_hold_and_not_how_they_look(reads):
    names = ["Id", "Name", "Day", "At", "Time", "Took", "Share", "Is", "Sum"]
    rows = [
        row(1, *map(text, names)),
        row(
            2,
            number("123.0"),
            '<c t="s"><v>2</v></c>',
            number("45413", 1),
            number("45413.395833333336", 2),
            number("0.39583333333333331", 1),
            number("1.5", 3),
            number("0.30000000000000004"),
            '<c t="b"><v>1</v></c>',
            "<c><f>SUM(A1:A9)</f><v>7</v></c>",
        ),
        row(5, number("1.2E+3"), text("Null"), '<c r="H5" t="b"><v>0</v></c>', '<c r="I5" t="str"><f>A1</f><v/></c>'),
    ]
    data = book("".join(rows))
    frame, report = reads("excel", data, WANT)
    assert report.columns == tuple(names)
    assert report.faults == {}
    assert frame[ROW].to_list() == [1, 2]
    told = ["123", "Nuñez", "2024-05-01T00:00:00", "2024-05-01T09:30:00", "09:30:00", "1.5", "0.3", "true", "7"]
    assert list(frame.select(names).row(0)) == told
    assert list(frame.select(names).row(1)) == ["1200", "Null", "", "", "", "", "", "false", ""]
    # Somebody else's reader sees the same, and knows no number but one with a point.
    other = load_workbook(io.BytesIO(data)).get_sheet_by_name("Staff").to_python()
    assert other[1][:2] == [123.0, "Nuñez"]
    assert other[1][3] == datetime(2024, 5, 1, 9, 30)  # noqa: DTZ001 - a workbook has no zone
    assert other[1][7:] == [True, 7.0]


@pytest.mark.parametrize(
    ("days", "is_1904", "shown"),
    [
        (1, False, "1900-01-01T00:00:00"),
        (59, False, "1900-02-28T00:00:00"),
        (60, False, None),  # 29 February 1900
        (60.5, False, None),
        (61, False, "1900-03-01T00:00:00"),
        (45413.000005787037, False, "2024-05-01T00:00:00.500"),
        (2958465.5, False, "9999-12-31T12:00:00"),
        (2958465.99999999999, False, None),
        (1e300, False, None),
        (-1, False, None),
        (43951, True, "2024-05-01T00:00:00"),
        (0.25, True, "06:00:00"),
        (2957004, True, None),
    ],
)
def test_days_are_counted_as_excel_counts_them(days, is_1904, shown):
    assert moment_of(days, is_1904=is_1904) == shown


def test_a_workbook_says_from_when_it_counts_days(reads):
    rows = HEAD + row(2, number("1"), number("43951", 1))
    for settings in ('<workbookPr date1904="1"/>', '<workbookPr date1904="true"/>'):
        assert reads("excel", book(rows, settings=settings), WANT)[0]["Name"].item() == "2024-05-01T00:00:00"
    assert reads("excel", book(rows, settings="<workbookPr/>"), WANT)[0]["Name"].item() == "2020-04-30T00:00:00"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("123.0", "123"), ("1E-3", "0.001"), ("-0.0", "0"), ("1.50", "1.5"), ("1E+20", "100000000000000000000")],
)
def test_a_number_is_its_plain_digits(written, shown):
    assert number_of(written) == shown


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("General", False),
        ("000000", False),
        ("0.00E+00", False),
        ('0 "days"', False),
        ("[Red]0.00;[Blue]-0", False),
        ("[h]:mm:ss", False),
        ("0\\d", False),
        ("yyyy-mm-dd", True),
        ("[$-407]d. mmm yyyy;@", True),
        ("hh:mm AM/PM", True),
    ],
)
def test_a_format_tells_days_from_numbers(code, is_one):
    assert is_moment(code) is is_one


def test_numbers_that_are_ids_get_their_zeros_back(reads):
    rows = row(1, text("id"), text("Note"))
    rows += "".join(row(2 + n, cell, text("x")) for n, cell in enumerate([number("7.0"), text("7"), number("0.5")]))
    frame, _ = reads("excel", book(rows), WANT | {"digits": {"Id": 6}}, required=["Id"])
    assert frame["Id"].to_list() == ["000007", "7", "0.5"]


def test_rows_that_do_not_hold_what_they_show_have_a_fault(reads):
    rows = [
        HEAD,
        row(2, "<c><f>VLOOKUP(A1,B1,1)</f></c>", text("a")),
        row(3, "<c><f>A1</f><v></v></c>", text("b")),
        row(4, '<c t="e"><v>#N/A</v></c>', text("c")),
        row(5, number("61e"), text("d")),
        row(6, number("60", 1), text("e")),
        row(7, number("1"), text("f"), text("beyond")),
        row(8, number("2"), text("g_x0000_")),
        row(9, number("3"), text("h")),
        row(10, '<c r="A10"/>', '<c r="B10"><v/></c>'),
        row(11, number("4"), text("i")),
        row(12, number("5"), text("j")),
        row(13, number("6"), text("k")),
    ]
    merges = '<mergeCells><mergeCell ref="A11:A11"/><mergeCell ref="B10:B12"/></mergeCells>'
    frame, report = reads("excel", book("".join(rows), merges), WANT)
    assert frame[FAULT].to_list() == [
        "formula_without_value",
        "formula_without_value",
        "cell_error",
        "not_a_number",
        "impossible_date",
        "ragged_row",
        "nul_character",
        None,
        "merged_cells",
        "merged_cells",
        None,
    ]
    assert report.rows == 11
    assert frame["line"][5] == "1\tf\tbeyond"
    assert frame["Name"].to_list()[6:] == ["g\ufffd", "h", "i", "j", "k"]


def test_a_title_above_and_a_column_beside_are_no_data(reads):
    rows = [
        row(1, text("Staff of the company")),
        row(3, '<c r="B3" t="inlineStr"><is><t> ID </t></is></c>', text("Name"), text(" ")),
        row(4, '<c r="B4"><v>1</v></c>', text("a")),
        row(6, '<c r="C6" t="inlineStr"><is><t>b</t></is></c>'),
        row(7, '<c r="A7"><v>1</v></c>', text("c")),
    ]
    merges = '<mergeCells><mergeCell ref="A1:F2"/></mergeCells>'
    frame, _ = reads("excel", book("".join(rows), merges), WANT | {"header_row": 3}, required=["Id"])
    assert frame.select("Id", "Name").rows() == [("1", "a"), ("", "b"), (None, None)]
    assert frame[FAULT].to_list() == [None, None, "ragged_row"]


def test_a_header_alone_tells_the_columns(reads):
    _, report = reads("excel", book(HEAD), WANT | {"may_be_empty": True})
    assert report.rows == 0
    assert report.columns == ("Id", "Name")


MACROS = (
    f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/x" ContentType="a.macroEnabled.main+xml"/></Types>'
)
BOMB = '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted_workbook"),
        (b"Id;Name\n1;a\n", "malformed_zip"),
        (book(HEAD)[:-40], "malformed_zip"),
        (book(HEAD, xl__vbaProject_bin=b"x"), "macros"),
        (book(HEAD, xl__macrosheets__sheet1_xml="<a/>"), "macros"),
        (book(HEAD, TYPES=MACROS), "macros"),
        (book(HEAD, xl__externalLinks__externalLink1_xml="<a/>"), "external_links"),
        (book(HEAD, TYPES=None), "missing_member"),
        (book(HEAD, sheet='state="hidden"'), "hidden_sheet"),
        (book(HEAD, sheet='state="veryHidden"'), "hidden_sheet"),
        (book(HEAD, **{"xl/sharedStrings.xml": BOMB + TEXTS}), "hostile_xml"),
        (book(HEAD, **{"xl/styles.xml": BOMB + STYLES}), "hostile_xml"),
        (book(HEAD, **{"xl/workbook.xml": BOMB + "<a/>"}), "hostile_xml"),
        (book(HEAD, **{"xl/worksheets/sheet1.xml": BOMB + "<a/>"}), "hostile_xml"),
        (book(HEAD, **{"xl/worksheets/sheet1.xml": " " * 900_000 + "<a/>"}), "zip_bomb"),
        (book(HEAD, **{"../../evil": "x"}), "zip_slip"),
        (book(HEAD, **{"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>'}), "truncated_xml"),
        (book(HEAD), "empty_report"),
        (book(), "missing_header"),
        (book(row(2, text("Id"))), "missing_header"),
        (book(row(1, number("7"), "<c><f>A1</f></c>") + row(2, text("a"))), "missing_header"),
        (book(HEAD, '<mergeCells><mergeCell ref="A1:B1"/></mergeCells>'), "missing_header"),
        (book(row(1, text("Id"), text("ID"))), "duplicate_header"),
        (book(row(1, text("_fault"))), "reserved_column"),
        (book(HEAD + HEAD), "malformed_workbook"),
        (book(HEAD, '<mergeCells><mergeCell ref="A1"/></mergeCells>'), "malformed_workbook"),
        (book(HEAD + row(2, '<c r="B2"><v>1</v></c>', '<c r="A2"><v>1</v></c>')), "malformed_workbook"),
        (book(HEAD + row(2, '<c t="s"><v>4</v></c>')), "malformed_workbook"),
        (book(HEAD + row(2, f'<c t="s"><v>{"9" * 5000}</v></c>')), "malformed_workbook"),
        (book(row(1, *(text(f"c{n}") for n in range(2_001)))), "too_many_columns"),
    ],
)
def test_what_is_no_plain_workbook_is_refused(refuses, data, reason):
    assert refuses("excel", data, WANT) == reason


def test_a_sheet_must_be_one_of_cells(refuses):
    assert refuses("excel", book(HEAD), WANT | {"sheet": "staff"}) == "missing_sheet"
    chart = relations(("r1", "chartsheet", "chartsheets/sheet1.xml"))
    assert refuses("excel", book(HEAD, **{"xl/_rels/workbook.xml.rels": chart}), WANT) == "missing_sheet"


def test_a_sheet_that_claims_all_cells_costs_what_it_has(reads):
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    frame, report = reads("excel", book(HEAD + row(2, number("1"), text("a")) + far), WANT)
    assert report.faults == {"ragged_row": 1}
    assert frame.select("Id", "Name").row(0) == ("1", "a")


def test_a_text_that_many_cells_share_does_not_fill_the_memory(reads, refuses, monkeypatch):
    long = TEXTS.replace("a_x000D_b", "ab" * 5_000)
    rows = HEAD + "".join(row(2 + n, number("1"), '<c t="s"><v>3</v></c>') for n in range(60))
    data = book(rows, **{"xl/sharedStrings.xml": long})
    monkeypatch.setattr(_records, "PART_BYTES", 50_000)
    frame, report = reads("excel", data, WANT)
    assert report.rows == len(frame) == 60
    assert refuses("excel", data, WANT | {"max_bytes": 500_000}) == "zip_bomb"
    monkeypatch.setattr(_records, "MAX_RECORD", 9_000)
    assert refuses("excel", data, WANT) == "record_too_large"


def test_a_workbook_may_put_its_parts_elsewhere(reads):
    rows = HEAD + row(2, number("1"), text("a"))
    main = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Staff" r:id="r1"/></sheets></workbook>'
    moved = book(
        **{
            "_rels/.rels": relations(("r1", "officeDocument", "/office/book.xml")),
            "office/book.xml": main,
            "office/_rels/book.xml.rels": relations(("r1", "worksheet", "../s.xml"), ("r3", "sharedStrings", "t.xml")),
            "office/t.xml": TEXTS,
            "s.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )
    assert reads("excel", moved, WANT)[0].select("Id", "Name").rows() == [("1", "a")]
