"""Readers: text stays text, three kinds of nothing stay apart, and a broken file is held."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest

from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.store import FileStore
from pipelines.ingest import map as ingest_map
from pipelines.ingest import read as ingest_read
from pipelines.ingest.batch import Batch, Held, Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import (
    FAULT,
    NULL,
    ROW,
    Report,
    _csv_plain,
    _records,
    csv,
    parts,
    read,
    read_file,
    reading,
    workday_json,
    write_part,
)
from pipelines.ingest.rules import Join

UNIT = Unit("u", "f", "f.csv", "0" * 64, 0, {}, "")
CSV = {"delimiter": ",", "quote": '"'}
JSON = {"record_path": "Report_Entry", "may_be_empty": False}


def feed(dialect: str, options: dict[str, Any], **more: Any) -> Feed:
    return Feed.model_validate(
        {
            "name": "f",
            "owner": "o",
            "cadence": "once",
            "location": "",
            "files": ".*",
            "dialect": dialect,
            "options": options,
            "extracted_at": {"constant": "2026-01-01T00:00:00Z"},
            "tables": [],
            **more,
        }
    )


def read_csv(folder: Path, data: bytes, options: dict[str, Any] = CSV, **more: Any) -> tuple[pl.DataFrame, Report]:
    (folder / "in.csv").write_bytes(data)
    report = csv.read(folder / "in.csv", folder, feed("csv", options, **more), UNIT)
    return pl.concat([pl.read_ipc(part) for part in parts(folder)], how="diagonal").sort(ROW), report


def read_json(folder: Path, data: bytes, **options: Any) -> pl.DataFrame:
    (folder / "in.json").write_bytes(data)
    workday_json.read(folder / "in.json", folder, feed("workday_json", {**JSON, **options}), UNIT)
    return pl.concat([pl.read_ipc(part) for part in parts(folder)], how="diagonal")


def test_no_cell_of_a_csv_is_guessed(tmp_path: Path) -> None:
    frame, report = read_csv(tmp_path, b'\xef\xbb\xbfid,name\r\n00123,NA\r\n1E5,"a, ""b""\nc"\r\nNULL,\r\n')
    assert frame.columns == [ROW, FAULT, "id", "name"]
    assert frame["id"].to_list() == ["00123", "1E5", "NULL"]
    assert frame["name"].to_list() == ["NA", 'a, "b"\nc', ""]
    assert report == Report(3, ("id", "name"), {})


def test_header_names_are_matched_without_regard_to_case_and_blanks(tmp_path: Path) -> None:
    frame, _ = read_csv(tmp_path, b" employee id ;X\n1;2\n", {"delimiter": ";", "quote": '"'}, required=["Employee ID"])
    assert frame.columns[2:] == ["Employee ID", "X"]


def test_ragged_rows_are_kept_apart_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    frame, report = read_csv(tmp_path, b"a,b\n1,1\n2\n3,3\n4,4,4\n5\n6,6\n")
    assert frame[ROW].to_list() == [1, 2, 3, 4, 5, 6]
    assert frame[FAULT].to_list() == [None, "ragged_row", None, "ragged_row", "ragged_row", None]
    assert frame["a"].to_list() == ["1", None, "3", None, None, "6"]
    assert frame["line"].to_list() == [None, "2", None, "4,4,4", "5", None]
    assert (report.rows, report.faults) == (6, {"ragged_row": 3})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "empty_file"),
        (b"a,A \n1,2\n", "duplicate_header"),
        (b"a,b\n1,\xe9\n", "bad_encoding"),
        ("a,b\n1,2\n".encode("utf-16"), "bad_encoding"),
        (b'a,b\n1,"2\n3,4\n5,6\n', "malformed_csv"),
        (b"\na,b\n1,2\n", "malformed_csv"),
        (b"a,b\n" + b"1,2\n" * 2000 + b"1,\x00\n", "bad_encoding"),
        (b"a,_fault\n1,2\n", "reserved_column"),
        (",".join(f"c{n}" for n in range(10_001)).encode() + b"\n", "too_many_columns"),
    ],
)
def test_a_csv_that_is_not_what_it_should_be_is_held(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Held) as caught:
        read_csv(tmp_path, data)
    assert caught.value.reason_code == reason


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("header", ["a", "a,b", 'a,"b\nc"'])
def test_a_header_alone_is_a_file_without_rows_however_it_ends(tmp_path: Path, header: str, end: str) -> None:
    (tmp_path / "in.csv").write_bytes(f"{header}{end}".encode())
    report = csv.read(tmp_path / "in.csv", tmp_path, feed("csv", CSV), UNIT)
    assert (report.rows, len(report.columns), list(parts(tmp_path))) == (0, header.count(",") + 1, [])


def test_a_header_may_have_lines_within_its_cells(tmp_path: Path) -> None:
    frame, report = read_csv(tmp_path, b'"a\nx","b\r\n\r\nc"\r\n1,2\r\n3,4,4\r\n5,"6\n"\r\n')
    assert report.columns == ("a\nx", "b\r\n\r\nc")
    assert frame.rows() == [
        (1, None, "1", "2", None),
        (2, "ragged_row", None, None, "3,4,4"),
        (3, None, "5", "6\n", None),
    ]


@pytest.mark.parametrize("data", [b'a,"b\n1,2\n3,4\n', b'a,"b\n1,2\n3,4', b'"a,b\n', b'a,"b\n1,2\n"x",3\n5,6,7\n'])
def test_a_quote_of_the_header_that_does_not_end_holds_the_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Held) as caught:
        read_csv(tmp_path, data)
    assert caught.value.reason_code == "malformed_csv"


@pytest.mark.parametrize("end", ["", "\x1a", "\x1a\r\n"])
def test_the_sign_that_mainframes_end_files_with_is_no_row_and_elsewhere_is_one(tmp_path: Path, end: str) -> None:
    frame, report = read_csv(tmp_path, f"a,b\r\n1,2\r\n\x1a\r\n3,4\r\n{end}".encode())
    assert (report.rows, report.faults) == (3, {"ragged_row": 1})
    assert frame.rows() == [(1, None, "1", "2", None), (2, "ragged_row", None, None, "\x1a"), (3, None, "3", "4", None)]


@pytest.mark.parametrize(
    ("header", "is_held"), [("id,Name", False), ("name,id", True), ("id,name,more", True), ("id", True)]
)
def test_a_header_that_was_agreed_is_that_one(tmp_path: Path, header: str, is_held: bool) -> None:
    (tmp_path / "in.csv").write_text(f" {header}\n", encoding="utf-8")
    for declared in ((), ("id", "name")):
        (out := tmp_path / str(len(declared))).mkdir()
        if is_held and declared:
            with pytest.raises(Held, match=r"2 columns of the feed's `header`") as caught:
                read_file(tmp_path / "in.csv", out, feed("csv", CSV, header=declared), UNIT)
            assert caught.value.reason_code == "other_header"
        else:
            assert read_file(tmp_path / "in.csv", out, feed("csv", CSV, header=declared), UNIT).rows == 0


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_that_sign_is_no_row_of_a_single_column_either(tmp_path: Path, end: str) -> None:
    frame, report = read_csv(tmp_path, f"a\r\n1\r\n\x1a\r\n2\r\n\x1a{end}".encode())
    assert (report.rows, frame["a"].to_list()) == (3, ["1", "\x1a", "2"])
    frame, report = read_csv(tmp_path, b"a\n1\n\x1a\n2,2\n")
    assert (report.rows, frame["a"].to_list()) == (3, ["1", "\x1a", None]), "another row comes after it"


@pytest.mark.parametrize(
    ("data", "around", "reason"),
    [
        (b"title\na,b\n1,2\n", (3, 0), "empty_file"),
        (b"total\n", (0, 1), "empty_file"),
        (b"title\n\xff\n1,2\n", (1, 0), "bad_encoding"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\ntotal\n", (0, 1), "bad_encoding"),
        (b"title\na,b\n1,2\x00\n", (1, 0), "bad_encoding"),
        (b"title\n" + b"x" * (2 << 20), (1, 0), "record_too_large"),
    ],
)
def test_a_table_among_other_lines_is_held_as_any_other(tmp_path: Path, data, around, reason) -> None:
    above, below = around
    options = {"skip_top": above} | ({"skip_bottom": below, "bottom_like": "t"} if below else {})
    with pytest.raises(Held) as caught:
        read_csv(tmp_path, data, CSV | options)
    assert caught.value.reason_code == reason
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"], "no copy stays"


TOTALLED = CSV | {"skip_bottom": 2, "bottom_like": r'^"?Total: \d+"?,?$'}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("total", ["Total: 2", '"Total: 2",'])
def test_what_stands_below_a_table_looks_as_it_should(tmp_path: Path, total: str, end: str) -> None:
    frame, report = read_csv(tmp_path, end.join(["a,b", "1,2", "3,4", total, "printed", ""]).encode(), TOTALLED)
    assert (report.rows, frame["a"].to_list()) == (2, ["1", "3"])


@pytest.mark.parametrize(
    "lines",
    [
        ["a,b", "1,2", "3,4"],  # without a pattern 1,2 and 3,4 would be the bottom
        ["a,b", "1,2", "3,4", "Total: 2"],
        ["a,b", "1,2", "3,4", "Total: 2", "printed", "again"],
        ["a,b", "1,2", "3,4", "Total: ", "printed"],
        ["a,b", "1,2", "3,4", "x Total: 2", "printed"],
        ["a,b", "1,2", "3,4", "", "Total: 2"],
        ["Total: 2"],
        [],
    ],
)
def test_a_table_that_was_cut_above_its_bottom_is_held_and_loses_no_row_unseen(tmp_path: Path, lines) -> None:
    with pytest.raises(Held, match="must have 2 lines below its rows") as caught:
        read_csv(tmp_path, "\n".join(lines).encode(), TOTALLED)
    assert caught.value.reason_code == "missing_trailer"
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"], "no copy stays"


@pytest.mark.parametrize("pattern", ["", "^", ",", r"^\d"])
def test_a_bottom_that_looks_like_a_row_is_none(tmp_path: Path, pattern: str) -> None:
    """The source wrote no total that day: with such a pattern its last person would be taken for one."""
    with pytest.raises((Held, SettingsError)) as caught:
        read_csv(tmp_path, b"a,b\n1,2\n3,4\n", CSV | {"skip_bottom": 1, "bottom_like": pattern})
    assert getattr(caught.value, "reason_code", "") == ("trailer_mismatch" if pattern else "")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"], "no copy stays"


@pytest.mark.parametrize(("rows", "is_read"), [([], True), (["1,2"], True), (["Totals,2"], False)])
def test_a_header_that_looks_like_the_bottom_is_still_the_header(tmp_path: Path, rows: list[str], is_read) -> None:
    one = feed("csv", CSV | {"skip_top": 1, "skip_bottom": 2, "bottom_like": "^Total"})
    (tmp_path / "in.csv").write_text("\n".join(["title", "Totals,b", *rows, "Total: 9", "printed"]))
    with nullcontext() if is_read else pytest.raises(Held, match="the last row is"):
        assert csv.read(tmp_path / "in.csv", tmp_path, one, UNIT).rows == len(rows)


@pytest.mark.parametrize(
    "options", [{"bottom_like": "^Total"}, {"skip_bottom": 1}, {"skip_bottom": 1, "bottom_like": "("}]
)
def test_a_bottom_has_lines_and_a_pattern_that_is_one(tmp_path: Path, options) -> None:
    with pytest.raises(SettingsError, match="bottom_like"):
        read_csv(tmp_path, b"a,b\n", CSV | options)


def test_parts_of_a_table_among_other_lines_have_all_columns_as_nobody_finds_their_bytes_again(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"title\na,b\n1,2\n3,4\n")
    (out := tmp_path / "out").mkdir()
    declared = feed("csv", {**CSV, "skip_top": 1})
    assert read_file(tmp_path / "in.csv", out, declared, UNIT, keep={"a"}).rows == 2
    assert pl.read_ipc(parts(out)[0]).columns == [ROW, FAULT, "a", "b"]
    assert {path.suffix for path in out.iterdir()} == {".arrow", ".json"}
    assert not (out / "pieces.json").exists()


def test_a_header_alone_may_measure_in_inches(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b'id,size 5"\n')
    report = csv.read(tmp_path / "in.csv", tmp_path, feed("csv", CSV), UNIT)
    assert (report.rows, report.columns) == (0, ("id", 'size 5"'))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_no_line_within_a_cell_loses_its_end_where_two_blocks_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    data = ("a,b\r\n" + '"\u00e9\r\ny",1\r\n' * 40).encode(encoding)
    for block in range(40, 54):  # of rows of 11 to 13 bytes: every place of a row is a border once
        monkeypatch.setattr(csv, "BLOCK", block)
        frame, report = read_csv(tmp_path, data, encoding=encoding)
        assert (report.rows, set(frame["a"]), set(frame["b"])) == (40, {"\u00e9\r\ny"}, {"1"}), block


def test_a_page_of_html_for_a_csv_lacks_its_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"<html><body>Please sign in</body></html>")
    with pytest.raises(Held, match="must have the columns id; id missing"):
        read_file(tmp_path / "in.csv", tmp_path, feed("csv", CSV, required=["id"]), UNIT)


def test_a_row_longer_than_what_is_parsed_at_once_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK", 1 << 10)
    monkeypatch.setattr(_csv_plain, "PIECE", 1 << 10)
    with pytest.raises(Held, match="one is longer, or a quote does not end"):
        read_csv(tmp_path, b'a,b\n1,"' + b"x" * 5_000 + b'"\n2,3\n')


def test_a_declared_encoding_is_read(tmp_path: Path) -> None:
    frame, _ = read_csv(tmp_path, b"a\n\xe9\x80\n", encoding="cp1252")
    assert frame["a"].to_list() == ["é€"]


def test_bytes_that_the_declared_encoding_does_not_have_hold_the_file(tmp_path: Path) -> None:
    with pytest.raises(Held, match="must be cp1252 text"):
        read_csv(tmp_path, b"a\n\x81\n", encoding="cp1252")


@pytest.mark.parametrize("delimiter", ["\t", "|", ";", "~", "^"])
def test_any_one_delimiter_tells_cells_apart(tmp_path: Path, delimiter: str) -> None:
    data = "id,name\n007,a b\n,'x\n".replace(",", delimiter).encode()
    frame, report = read_csv(tmp_path, data, {"delimiter": delimiter, "quote": '"'})
    assert frame.rows() == [(1, None, "007", "a b"), (2, None, "", "'x")]
    assert report == Report(2, ("id", "name"), {})


@pytest.mark.parametrize("endian", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_where_it_is_declared(tmp_path: Path, endian: str) -> None:
    frame, report = read_csv(tmp_path, '\ufeffid,name\r\n007,"李, \u2200"\r\n'.encode(endian), encoding="utf-16")
    assert frame.rows() == [(1, None, "007", "李, \u2200")]
    assert report.columns == ("id", "name")


@pytest.mark.parametrize("data", ["a\n1\n".encode("utf-16")[:-1], b"a\n1\n", "a\n\x00\n".encode("utf-16")])
def test_utf_16_that_is_cut_or_something_else_is_held(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Held, match="must be utf-16 text"):
        read_csv(tmp_path, data, encoding="utf-16")


def test_absent_null_and_empty_are_three_things(tmp_path: Path) -> None:
    frame = read_json(tmp_path, b'{"Report_Entry":[{"a":"x","b":null},{"a":""},{"b":"NA"}]}')
    assert frame["a"].to_list() == ["x", "", None]
    assert frame["b"].to_list() == [NULL, None, "NA"]


def test_ids_numbers_and_groups_of_json_stay_as_written(tmp_path: Path) -> None:
    entry = b'{"id":"000123","n":1.50,"i":7,"t":true,"g":[{"ID":"W"}]}'
    frame = read_json(tmp_path, b'{"Report_Entry":[' + entry + b',{"id":"123"}]}')
    assert frame.row(0, named=True) | {ROW: 1} == {
        ROW: 1,
        FAULT: None,
        "id": "000123",
        "n": "1.50",
        "i": "7",
        "t": "true",
        "g": '[{"ID": "W"}]',
    }
    assert frame["g"].to_list()[1] is None


def test_what_is_no_record_is_counted_and_takes_nothing_with_it(tmp_path: Path) -> None:
    frame = read_json(tmp_path, b'{"Report_Entry":[{"a":"1"},"stray",{"a":"3"}]}')
    assert frame[FAULT].to_list() == [None, "not_an_object", None]
    assert frame["a"].to_list() == ["1", None, "3"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b'{"Report_Entry":[{"a":"1"},{"a":"2"', "truncated_json"),
        (b'{"Report_Entry":[{"a":"1"}]', "truncated_json"),
        (b'{"Other":[{"a":"1"}]}', "missing_record_path"),
        (b'{"Report_Entry":[]}', "empty_report"),
        (b"<html>", "malformed_json"),
    ],
)
def test_a_report_that_is_not_what_it_should_be_is_held(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Held) as caught:
        read_json(tmp_path, data)
    assert caught.value.reason_code == reason


def test_an_empty_report_can_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(b'{"Report_Entry":[]}')
    report = workday_json.read(
        tmp_path / "in.json", tmp_path, feed("workday_json", {**JSON, "may_be_empty": True}), UNIT
    )
    assert report.rows == 0


XML = {"record_path": "Report_Data/Report_Entry", "lists": [], "may_be_empty": True}


@pytest.mark.parametrize(
    ("dialect", "options", "data"),
    [
        ("workday_json", JSON | {"may_be_empty": True}, b'{"Report_Entry": []}'),
        ("json_records", {"record_path": "", "may_be_empty": True, "is_odata_v2": False}, b"[]"),
        ("json_records", {"record_path": "", "may_be_empty": True, "is_odata_v2": False, "is_one": True}, b"null"),
        ("ndjson", {"may_be_empty": True}, b"\n"),
        ("xml_records", XML, b"<Report_Data/>"),
        ("csv", CSV, b"id,name\n"),
    ],
)
def test_an_export_of_nobody_lacks_no_column(
    tmp_path: Path, dialect: str, options: dict[str, Any], data: bytes
) -> None:
    (tmp_path / "in").write_bytes(data)
    assert read_file(tmp_path / "in", tmp_path, feed(dialect, options, required=["id"]), UNIT).rows == 0


@pytest.mark.parametrize(
    ("dialect", "options", "data"),
    [
        ("workday_json", JSON | {"may_be_empty": True}, b'{"Report_Entry": [1]}'),
        ("workday_json", JSON | {"may_be_empty": True}, b'{"Report_Entry": [{"name": "A"}]}'),
        ("xml_records", XML, b"<Report_Data><Report_Entry/></Report_Data>"),
        ("csv", CSV, b"name\n"),
    ],
)
def test_rows_or_a_header_without_a_required_column_hold_the_file(
    tmp_path: Path, dialect: str, options: dict[str, Any], data: bytes
) -> None:
    (tmp_path / "in").write_bytes(data)
    with pytest.raises(Held) as caught:
        read_file(tmp_path / "in", tmp_path, feed(dialect, options, required=["id"]), UNIT)
    assert caught.value.reason_code == "missing_required_column"


def test_many_records_are_numbered_through_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_records, "PART_ROWS", 2)
    data = json.dumps({"Report_Entry": [{"a": str(number)} for number in range(5)]}).encode()
    frame = read_json(tmp_path, data)
    assert len(parts(tmp_path)) == 3
    assert frame[ROW].to_list() == [1, 2, 3, 4, 5]
    assert frame["a"].to_list() == ["0", "1", "2", "3", "4"]


def read_within(folder: Path, data: bytes, dialect: str = "csv", **limits: int) -> Report:
    (folder / "in").write_bytes(data)
    (folder / "out").mkdir()
    options = CSV if dialect == "csv" else JSON
    unit = Unit("u", "f", "in", "0" * 64, len(data), {}, "")
    return read_file(folder / "in", folder / "out", feed(dialect, options, limits=limits), unit)


THREE = b"a,b\n1,12345\n2,x\n3\n"  # 18 bytes, 3 rows of which one is ragged, 2 columns, at most 5 bytes in a cell
RECORDS = (
    b'{"Report_Entry": [{"a": "1"}, {"b": "12345"}, {"a": {"c": "d"}}]}'  # 3 rows, 2 columns, at most 10: {"c": "d"}
)


@pytest.mark.parametrize(
    ("data", "dialect", "most"),
    [
        (THREE, "csv", {"max_bytes": 18, "max_rows": 3, "max_columns": 2, "max_cell_bytes": 5}),
        (RECORDS, "workday_json", {"max_bytes": len(RECORDS), "max_rows": 3, "max_columns": 2, "max_cell_bytes": 10}),
    ],
    ids=["csv", "json"],
)
def test_a_file_may_be_as_large_as_its_feed_says_and_no_larger(
    tmp_path: Path, data: bytes, dialect: str, most: dict[str, int]
) -> None:
    for number, name in enumerate([None, *most]):
        (tmp_path / str(number)).mkdir()
        if name is None:
            assert read_within(tmp_path / str(number), data, dialect, **most).rows == 3
            continue
        with pytest.raises(Held, match=f"must have at most {most[name] - 1} .*raise limits.{name}") as caught:
            read_within(tmp_path / str(number), data, dialect, **{**most, name: most[name] - 1})
        assert caught.value.reason_code == name.replace("max_", "too_many_")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b",".join(b"%d" % number for number in range(2001)) + b"\n", "too_many_columns"),
        (b"a,b\n1," + b"x" * ((1 << 20) + 1) + b"\n", "too_many_cell_bytes"),
        (b"a,b\n1," + b"x" * (34 << 20) + b"\n", "record_too_large"),
        (b"a," * (1 << 20), "record_too_large"),
        (b"a" * 200_000, "malformed_csv"),
    ],
    ids=["columns", "cell", "row", "header", "header_cell"],
)
def test_without_a_word_about_limits_a_monster_is_held(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Held, match="must have") as caught:
        read_within(tmp_path, data)
    assert caught.value.reason_code == reason


def test_a_month_that_does_not_exist_holds_its_file_and_not_the_batch(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"a\n1\n")
    unit = Unit("u", "f", "in", "0" * 64, 4, {"period": "2026-13"}, "")
    dated = feed("csv", CSV, extracted_at={"end_of": "period"}, files=r"(?P<period>.*)")
    with pytest.raises(Held, match="must hold a month or day that exists"):
        read_file(tmp_path / "in", tmp_path, dated, unit)


class Slow:
    """A dialect that goes on to its last part only when somebody has used the first, and then breaks off if told."""

    def __init__(self, fault: Held | None = None) -> None:
        self.used, self.fault = Event(), fault

    def read(self, source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
        assert source.read_bytes() == b"landed"
        for number in range(3):
            write_part(pl.DataFrame({ROW: [number + 1], FAULT: [None], "a": ["x"]}), out, number)
            if number == 1:
                assert self.used.wait(30), "the first part was never used: reading and mapping do not overlap"
        if self.fault is not None:
            raise self.fault
        return Report(3, ("a",), {})


@pytest.fixture
def slow(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Batch, Slow]:
    dialect = Slow()
    monkeypatch.setattr(ingest_read, "dialect", lambda _name: dialect)
    monkeypatch.setattr(ingest_read, "fetched", lambda _batch, _unit, path: (path.write_bytes(b"landed"), path)[1])
    return Batch(store, "b"), dialect


def test_a_part_is_used_while_the_next_is_read(slow: tuple[Batch, Slow]) -> None:
    batch, dialect = slow
    seen = []
    for part in reading(batch, UNIT, feed("csv", CSV)):
        seen.append((part.name, pl.read_ipc(part)[ROW].item()))
        dialect.used.set()
    assert seen == [("part-00000.arrow", 1), ("part-00001.arrow", 2), ("part-00002.arrow", 3)]
    folder = batch.place(UNIT) / "raw"
    assert [part.name for part in parts(folder)] == [name for name, _ in seen]
    assert not (folder / ".source").exists(), "the raw bytes stay in landing only"
    assert list(reading(batch, UNIT, feed("csv", CSV))) == parts(folder), "a second time nothing is read"


def test_a_file_that_turns_out_wrong_at_its_end_is_held_and_leaves_nothing(slow: tuple[Batch, Slow]) -> None:
    batch, dialect = slow
    dialect.fault = Held("bad_encoding", "It has bytes that are not.")
    making = reading(batch, UNIT, feed("csv", CSV))
    next(making)
    dialect.used.set()
    with pytest.raises(Held, match="bytes that are not"):
        list(making)
    assert not (batch.place(UNIT) / "raw").exists()
    assert [path.name for path in batch.place(UNIT).iterdir()] == []


def test_who_stops_using_parts_leaves_nothing_half_read(slow: tuple[Batch, Slow]) -> None:
    batch, dialect = slow
    making = reading(batch, UNIT, feed("csv", CSV))
    next(making)
    dialect.used.set()
    making.close()
    assert [path.name for path in batch.place(UNIT).iterdir()] == []


def test_what_is_wrong_with_the_whole_file_is_said_before_what_its_mapping_stumbled_on(
    slow: tuple[Batch, Slow], keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, dialect = slow
    fed = feed("csv", CSV)

    def stumble(*_: Any) -> None:
        dialect.used.set()
        raise ValueError("no such column")

    monkeypatch.setattr(ingest_map, "_write", stumble)
    dialect.fault = Held("bad_encoding", "It has bytes that are not.")
    with pytest.raises(Held, match="bytes that are not"):
        ingest_map.map_unit(batch, UNIT, {UNIT.feed: fed})
    assert [path.name for path in batch.place(UNIT).iterdir()] == []

    dialect.fault = None
    with pytest.raises(ValueError, match="no such column"):
        ingest_map.map_unit(batch, UNIT, {UNIT.feed: fed})
    assert [path.name for path in batch.place(UNIT).iterdir()] == ["raw"], "what was read is there for the next try"


def test_rows_that_were_read_and_are_not_there_to_be_mapped_stop_the_batch(
    slow: tuple[Batch, Slow], keys: None
) -> None:
    batch, dialect = slow
    dialect.used.set()
    read(batch, UNIT, feed("csv", CSV))
    parts(batch.place(UNIT) / "raw")[1].unlink()
    with pytest.raises(ContractError, match="2 of 3 were"):
        ingest_map.map_unit(batch, UNIT, {UNIT.feed: feed("csv", CSV)})
    assert not (batch.place(UNIT) / "mapped").exists()


def test_rows_that_were_read_and_are_not_there_to_be_looked_up_in_stop_the_batch(slow: tuple[Batch, Slow]) -> None:
    batch, dialect = slow
    dialect.used.set()
    unit = replace(UNIT, is_replay=True)  # which has landed
    read(batch, unit, feed("csv", CSV))
    step = Join.model_validate({"feed": UNIT.feed, "match": {"id": "a"}, "take": {"b": "b"}, "missing": "keep"})
    for part in parts(batch.place(unit) / "raw"):
        part.unlink()
    with pytest.raises(ContractError, match="must be there to be looked up in"):
        ingest_map.reference(batch, {UNIT.feed: feed("csv", CSV)}, step, unit, [unit])
