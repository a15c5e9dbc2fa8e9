"""What a writer prints is what a reader gives, and bytes of any kind are read or held, never anything else."""

import csv
import io
import json
import re
import string
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import dialects
from pipelines.ingest.read import FAULT, NULL, ROW, Report

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
XML_TEXT = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)
KEYS = st.sampled_from(["", "*", "^.*$", "line"]) | TEXT.filter(lambda key: "." not in key and key not in (ROW, FAULT))
NAMES = st.lists(st.text(string.ascii_letters, min_size=1, max_size=5), min_size=2, max_size=4, unique_by=str.casefold)
LINES = '\r\n"in" \n\n\u00fcber two'
"""What a heading may go on with."""
FEW = settings(max_examples=60)

OPTIONS: dict[str, dict[str, Any]] = {
    "csv": {"delimiter": ",", "quote": '"'},
    "workday_json": {"record_path": "data", "may_be_empty": False},
    "json_records": {"record_path": "data", "may_be_empty": True, "is_odata_v2": True},
    "ndjson": {"may_be_empty": False},
    "xml_records": {"record_path": "rows/row", "lists": ["a"], "may_be_empty": False},
    "hdl": {"file": "a", "component": "A", "may_be_empty": False, "max_bytes": 10_000, "max_ratio": 100},
    "excel": {
        "sheet": "S",
        "header_row": 1,
        "digits": {},
        "may_be_empty": False,
        "max_bytes": 10_000,
        "max_ratio": 100,
    },
    "fixed_width": {"columns": {"a": [1, 2]}, "width": 3, "header_lines": 0, "may_be_empty": False},
    "recorded": {
        "separator": ",",
        "quote": '"',
        "type": 1,
        "header": None,
        "detail": {"type": None, "size": 2, "columns": {"a": 2}},
        "trailer": {"type": "T", "count": 2, "counts": "all"},
        "others": [],
        "may_be_empty": False,
    },
}
MORE: dict[str, dict[str, Any]] = {
    "csv": {"skip_top": 1, "skip_bottom": 1, "bottom_like": "^a"},
    "json_records": {"is_one": True, "record_path": ""},
    "recorded": {"trailer": {"type": "T", "count": 2, "counts": "details", "totals": {"a": 3}}},
}
"""Options that need not be said."""
PIECES = {
    "csv": [b"a,b\n", b"a", b",", b'"', b"\n", b"\r", b"\xe9"],
    "workday_json": [b'{"data":[', b'{"a":', b"1e9", b"9" * 50, b'"x"', b"null", b",", b"{", b"}", b"[", b"]", b"\x00"],
    "xml_records": [
        b"<rows>",
        b"<row>",
        b"<a>",
        b"</a>",
        b"</row>",
        b"</rows>",
        b"&x;",
        b"<!DOCTYPE a>",
        b"t",
        b"\xff",
    ],
    "hdl": [b"METADATA|A|b\n", b"MERGE|A|", b"SET FILE_ESCAPE ", b"\\", b"|", b"\n", b"x", b"\xe9", b"_fault"],
    "excel": [
        b"<worksheet><sheetData>",
        b'<row r="1">',
        b"<row>",
        b'<c r="A1" t="str">',
        b"<c>",
        b'<c t="s" s="0">',
        b"<v>a</v>",
        b"<v>0</v>",
        b"<v>1e9",
        b"<f/>",
        b"</v>",
        b"</c>",
        b"</row>",
        b"</sheetData>",
        b'<mergeCells><mergeCell ref="A1:B2"/></mergeCells>',
        b"</worksheet>",
        b"<!DOCTYPE a>",
        b"\xff",
    ],
    "recorded": [b"T,", b"1", b"x,y\n", b",", b'"', b"\n", b"\xe9", b"\x00"],
}
PIECES |= {"json_records": PIECES["workday_json"], "ndjson": PIECES["workday_json"], "fixed_width": PIECES["recorded"]}


ZIPPED: dict[str, dict[str, bytes]] = {
    "hdl": {},
    "excel": {
        "[Content_Types].xml": b"<Types/>",
        "_rels/.rels": b'<Relationships><Relationship Type="t/officeDocument" Target="b"/></Relationships>',
        "b": b'<workbook><sheets><sheet name="S" id="1"/></sheets></workbook>',
        "_rels/b.rels": b'<Relationships><Relationship Id="1" Type="t/worksheet" Target="a"/></Relationships>',
    },
}
"""What stands in an archive beside the file `a`."""


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def table(frame: pl.DataFrame) -> list[dict[str, str | None]]:
    return frame.drop(ROW, FAULT).to_dicts()


@given(names=NAMES, data=st.data(), delimiter=st.sampled_from(",;\t|~"), encoding=st.sampled_from(["utf-8", "utf-16"]))
@FEW
def test_any_cells_of_csv_come_back(reads, names: list[str], data: st.DataObject, delimiter: str, encoding: str):
    names = [f"{name}{data.draw(st.sampled_from(['', LINES]))}" for name in names]
    rows = data.draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), min_size=1, max_size=4))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    options = {"delimiter": delimiter, "quote": '"'}
    frame, report = reads("csv", buffer.getvalue().encode(encoding), options, encoding=encoding)
    assert table(frame) == [dict(zip(names, row, strict=True)) for row in rows]
    assert report == Report(len(rows), tuple(names), {})


AROUND = st.lists(TEXT.map(lambda text: re.sub("[\r\n]", "", text)), max_size=3)


@given(
    above=AROUND, below=AROUND, end=st.sampled_from(["\n", "\r\n", "\r"]), encoding=st.sampled_from(["utf-8", "utf-16"])
)
@FEW
def test_what_stands_around_a_table_is_none_of_it(reads, above: list[str], below: list[str], end: str, encoding: str):
    rows = ["a,b", '1,"x\r\ny"', "2", "3,z"]
    text = "".join(f"{line}{end}" for line in [*above, *rows, "Total", *below])
    options = OPTIONS["csv"] | {"skip_top": len(above), "skip_bottom": 1 + len(below), "bottom_like": "^Total$"}
    frame, report = reads("csv", text.encode(encoding), options, encoding=encoding)
    assert frame.select(ROW, "a", "b").rows() == [(1, "1", "x\r\ny"), (2, None, None), (3, "3", "z")]
    assert report == Report(3, ("a", "b"), {"ragged_row": 1})


@given(rows=st.lists(st.dictionaries(KEYS, TEXT | st.none()), min_size=1, max_size=4))
@FEW
def test_any_cells_of_json_come_back(reads, rows: list[dict[str, str | None]]):
    every = {name for row in rows for name in row}
    told = [{name: NULL if name in row and row[name] is None else row.get(name) for name in every} for row in rows]
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    plain = {"record_path": "d", "may_be_empty": False, "is_odata_v2": False}
    for name, data, options in (
        ("ndjson", lines, OPTIONS["ndjson"]),
        ("json_records", json.dumps({"n": 1, "d": rows}, ensure_ascii=False).encode(), plain),
        ("workday_json", json.dumps({"data": rows}).encode(), OPTIONS["workday_json"]),
    ):
        assert table(reads(name, data, options)[0]) == told


@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", "c-d"]), XML_TEXT), min_size=1, max_size=4))
@FEW
def test_any_cells_of_xml_come_back(reads, rows: list[dict[str, str]]):
    root = ET.Element("rows")
    for row in rows:
        record = ET.SubElement(root, "row", {"n": row.get("a", "")})
        for name, text in row.items():
            ET.SubElement(ET.SubElement(record, "in"), name).text = text
    frame, _ = reads("xml_records", ET.tostring(root, "utf-8"), {**OPTIONS["xml_records"], "lists": ["in"]})
    cells = [(row["@n"], json.loads(row["in"] or "[]")) for row in table(frame)] if "in" in frame.columns else []
    if any(rows):
        assert cells == [(row.get("a", ""), [{name: text} for name, text in row.items()]) for row in rows]
    else:
        assert frame["@n"].to_list() == [""] * len(rows)


def test_every_dialect_of_files_is_attacked_here():
    assert set(OPTIONS) == set(dialects()) - {"documents"}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Arrow's, of a ragged row that is no text
@pytest.mark.parametrize("name", OPTIONS)
@given(data=st.data())
@FEW
def test_bytes_of_any_kind_are_read_or_held(reads, name: str, data: st.DataObject):
    whole = st.lists(st.sampled_from(PIECES[name]), max_size=15).map(b"".join) | st.binary(max_size=60)
    given_bytes = data.draw(whole)
    if name in ZIPPED and data.draw(st.booleans()):
        given_bytes = zipped(ZIPPED[name] | {"a": given_bytes})
    said = ""
    try:
        frame, report = reads(name, given_bytes, OPTIONS[name] | data.draw(st.sampled_from([{}, MORE.get(name, {})])))
    except Held as held:
        said = str(held)
    if said:
        assert said.startswith("f must ")
    else:
        assert report.rows == len(frame)
        assert sum(report.faults.values()) == (frame[FAULT].drop_nulls().len() if report.rows else 0)
