"""Fixed width, and files whose header and trailer say what must be between them."""

from typing import Any

import pytest

from pipelines.base.errors import SettingsError
from pipelines.ingest.read import FAULT, ROW, _lines, _records

FIXED = {"columns": {"id": [1, 6], "name": [7, 12]}, "width": 14, "header_lines": 1, "may_be_empty": False}
DELIMITED: dict[str, Any] = {
    "separator": "|",
    "quote": None,
    "type": 1,
    "header": "HDR",
    "detail": {"type": "DTL", "size": 3, "columns": {"id": 2, "name": 3}},
    "trailer": {"type": "TRL", "count": 2, "counts": "details"},
    "others": ["310"],
    "may_be_empty": False,
}
PLACED: dict[str, Any] = {
    **DELIMITED,
    "separator": None,
    "type": [1, 3],
    "detail": {"type": "DTL", "size": 12, "columns": {"id": [4, 6], "name": [7, 12]}},
    "trailer": {"type": "TRL", "count": [4, 13], "counts": "all"},
}


def test_cells_stand_at_their_places(reads):
    data = "Employees, 2026\r\n000123Nuñez   \r\n 00124李      x\r\n\r\nshort\r\n000125O'Brienand on\r\n\x1a".encode()
    frame, report = reads("fixed_width", data, FIXED)
    assert frame[ROW].to_list() == [1, 2, 3, 4]
    assert frame["id"].to_list() == ["000123", "00124", None, None]
    assert frame["name"].to_list() == ["Nuñez", "李", None, None]
    assert frame[FAULT].to_list() == [None, None, "ragged_row", "ragged_row"]
    assert frame["line"].to_list() == [None, None, "short", "000125O'Brienand on"]
    assert (report.rows, report.faults) == (4, {"ragged_row": 2})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_lines_end_as_on_any_system_and_in_any_declared_encoding(reads, monkeypatch, end: str, encoding: str):
    monkeypatch.setattr(_lines, "BUFFER", 7)
    data = end.join(["head", "000001Nuñez   ", "000002a\x0b\x85\x1c\xa0   "]).encode(encoding)
    frame, _ = reads("fixed_width", data, FIXED, encoding=encoding)
    assert frame["name"].to_list() == ["Nuñez", "a\x0b\x85\x1c\xa0"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"head\n", "empty_file"),
        (b"head\n000123Nu\xf1ez   \n", "bad_encoding"),
        (b"head\n000123Nu\xc3", "bad_encoding"),
        (b"head\n000123Nu\x00ez   \n", "bad_encoding"),
        ("head\n000123Nunez   \n".encode("utf-16"), "bad_encoding"),
    ],
)
def test_a_file_of_fixed_width_that_is_not_what_it_should_be_is_held(refuses, data: bytes, reason: str):
    assert refuses("fixed_width", data, FIXED) == reason


def test_a_line_without_an_end_holds_the_file(refuses, monkeypatch):
    monkeypatch.setattr(_records, "MAX_RECORD", 1 << 20)
    assert refuses("fixed_width", b"x" * (1 << 22), FIXED) == "record_too_large"


@pytest.mark.parametrize("columns", [{"id": [6, 1]}, {"id": [0, 1]}, {"id": [10, 15]}, {}])
def test_places_that_cannot_be_are_faults_of_the_feed(reads, columns: dict[str, Any]):
    with pytest.raises(SettingsError, match="options"):
        reads("fixed_width", b"x", {**FIXED, "columns": columns})


def test_details_between_header_and_trailer_become_rows(reads):
    lines = ["HDR|HRML|2026-09-30", "DTL|000123|a 'b\"", "310|x", "DTL|NA|", "DTL|1|2|3", "XXX|1|2", "TRL|0000000004"]
    frame, report = reads("recorded", "\r\n".join(lines).encode(), DELIMITED)
    assert frame["id"].to_list() == ["000123", "NA", None, None]
    assert frame["name"].to_list() == ["a 'b\"", "", None, None]
    assert frame[FAULT].to_list() == [None, None, "ragged_row", "unknown_record"]
    assert frame["line"].to_list()[2:] == ["DTL|1|2|3", "XXX|1|2"]
    assert report.faults == {"ragged_row": 1, "unknown_record": 1}


def test_records_of_fixed_width_are_counted_with_header_and_trailer(reads):
    data = b"HDR2026-09-30\nDTL007Nunez \n310\nDTL008    x \nDTL9\nTRL0000000006\n"
    frame, _ = reads("recorded", data, PLACED)
    assert frame["id"].to_list() == ["007", "008", None]
    assert frame["name"].to_list() == ["Nunez", "x", None]
    assert frame[FAULT].to_list() == [None, None, "ragged_row"]


def test_details_may_have_no_type_and_quotes_may_hold_separators(reads):
    options = {
        **DELIMITED,
        "separator": ",",
        "quote": '"',
        "header": "id",
        "detail": {"type": None, "size": 2, "columns": {"id": 1, "name": 2}},
        "trailer": {"type": "TOTAL", "count": 2, "counts": "details"},
        "others": [],
    }
    frame, _ = reads("recorded", b'id,name\n1,"a, ""b""\nc"\nid,x\nTOTAL,2\n', options)
    assert frame.rows() == [(1, None, "1", 'a, "b"\nc'), (2, None, "id", "x")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "missing_trailer"),
        ("DTL|1|a\nTRL|1", "missing_header"),
        ("HDR|x\nDTL|1|a", "missing_trailer"),
        ("HDR|x\nDTL|1|a\nTRL|2", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nDTL|2|b\nTRL|1", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL|3", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL|", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL|-1", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL|1\nDTL|2|b", "trailer_mismatch"),
        ("HDR|x\nDTL|1|a\nTRL|1\nTRL|1", "trailer_mismatch"),
        ("HDR|x\nTRL|0", "empty_report"),
        ("HDR|x\nDTL|1|\x00\nTRL|1", "bad_encoding"),
    ],
)
def test_a_file_of_records_that_is_not_what_it_should_be_is_held(refuses, data: str, reason: str):
    assert refuses("recorded", data.encode(), DELIMITED) == reason


@pytest.mark.parametrize(("count", "is_right"), [(3, True), (1, False), (2, False), (4, False)])
def test_a_trailer_that_counts_all_counts_itself(reads, refuses, count: int, is_right: bool):
    data = f"HDR\nDTL007Nunez \nTRL{count:010d}".encode()
    if is_right:
        assert reads("recorded", data, PLACED)[1].rows == 1
    else:
        assert refuses("recorded", data, PLACED) == "trailer_mismatch"


PAID: dict[str, Any] = {
    **DELIMITED,
    "detail": {"type": "DTL", "size": 3, "columns": {"id": 2, "pay": 3}},
    "trailer": {"type": "TRL", "count": 2, "counts": "details", "totals": {"pay": 4, "id": 3}},
}
"""What they are paid, and a hash total of their numbers."""


@pytest.mark.parametrize(
    ("details", "sums"),
    [
        (["007|0.1", "008|0.2"], "15|0.3"),  # as floats 0.30000000000000004
        (["007|0.10", "008|"], "000000015|+0000.100"),
        (["9|-5.5", "8|5.5"], "17|0"),
        (["7| ", "8|\t2 ", "9|"], "24| 2.00"),
        (["7|.5", "8|-.25", "9|+5."], "24|5.25"),
        (["7|.25"], "7|.25"),
        (["999999999999999999|0"] * 3 + ["1|0.000000001"], "2999999999999999998|0.000000001"),
    ],
)
def test_a_trailer_that_adds_up_is_proved_to_the_last_place(reads, details, sums):
    text = "\n".join(["HDR", *(f"DTL|{detail}" for detail in details), f"TRL|{len(details)}|{sums}"])
    assert reads("recorded", text.encode(), PAID)[1].rows == len(details)


@pytest.mark.parametrize(
    "data",
    [
        "HDR\nDTL|7|1.5\nTRL|1|7|1.6",
        "HDR\nDTL|7|1.5\nTRL|1|8|1.5",
        "HDR\nDTL|7|1.5\nTRL|1|7|",
        "HDR\nDTL|7|1.5\nTRL|1|7",
        "HDR\nDTL|7|Zanzibarova\nTRL|1|7|0",
        "HDR\nDTL|7|NaN\nTRL|1|7|NaN",
        "HDR\nDTL|7|1e1\nTRL|1|7|10",
        "HDR\nDTL|7|0\nTRL|1|7| ",
        "HDR\nDTL|7|.\nTRL|1|7|0",
        "HDR\nDTL|7|+\nTRL|1|7|0",
        "HDR\nDTL|7|. 5\nTRL|1|7|0.5",
        "HDR\nDTL|7|1.0000000000\nTRL|1|7|1",
        "HDR\nDTL|999999999999999999|0.000000001\nTRL|1|999999999999999999|0.000000002",
        "HDR\nDTL|7|1.5|x\nTRL|1|7|1.5",
    ],
)
def test_a_file_that_does_not_add_up_is_held(refuses, data: str):
    assert refuses("recorded", data.encode(), PAID) == "trailer_mismatch"


def test_blanks_at_a_place_add_nothing_to_a_total(reads):
    detail = {"type": "DTL", "size": 12, "columns": {"id": [4, 6], "pay": [7, 12]}}
    trailer = {"type": "TRL", "count": [4, 6], "counts": "details", "totals": {"pay": [7, 12]}}
    data = b"HDR2026-09-30\nDTL007      \nDTL008  1.50\nTRL002   1.5\n"
    assert reads("recorded", data, {**PLACED, "detail": detail, "trailer": trailer})[1].rows == 2


def test_a_quote_that_does_not_end_holds_the_file(refuses):
    assert refuses("recorded", b'HDR|x\nDTL|1|"a\nTRL|1', {**DELIMITED, "quote": '"'}) == "malformed_csv"


@pytest.mark.parametrize(
    "change",
    [
        {"separator": None},
        {"type": [1, 3]},
        {"detail": {"type": "DTL", "size": 2, "columns": {"id": 3}}},
        {"trailer": {"type": "TRL", "count": [4, 13], "counts": "all"}},
        {"separator": "||"},
        {"trailer": {**DELIMITED["trailer"], "totals": {"pay": 3}}},
        {"trailer": {**DELIMITED["trailer"], "totals": {"id": [4, 13]}}},
    ],
)
def test_a_layout_that_contradicts_itself_is_a_fault_of_the_feed(reads, change: dict[str, Any]):
    with pytest.raises(SettingsError, match="options"):
        reads("recorded", b"x", {**DELIMITED, **change})
