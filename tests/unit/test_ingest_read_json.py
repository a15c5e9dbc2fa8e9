"""Records anywhere in JSON, and JSON lines: nested values as columns, lists as text, SAP's dates as ISO text."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.read import FAULT, NULL, ROW, _records
from pipelines.ingest.read._records import LEVELS, Nesting
from pipelines.ingest.read.json_records import iso

PLAIN = {"record_path": "data", "may_be_empty": False, "is_odata_v2": False}
ODATA = {"record_path": "d.results", "may_be_empty": False, "is_odata_v2": True}
LINES = {"may_be_empty": False}


def cells(frame) -> list[dict[str, str]]:
    return [{name: text for name, text in row.items() if text is not None} for row in frame.drop(ROW, FAULT).to_dicts()]


ONE = {"record_path": "", "may_be_empty": False, "is_odata_v2": False, "is_one": True}


@pytest.mark.parametrize("is_odata", [False, True])
@pytest.mark.parametrize("above", [[], ["d"], ["root", "d"]])
def test_a_document_may_be_one_record_or_hold_one(reads, above, is_odata):
    document = {"id": "007", "work": [{"end": None}], "at": "/Date(0)/", "basics": {"name": "李"}}
    for name in reversed(above):
        document = {"__metadata": {"error": 0}, name: document}
    options = ONE | {"record_path": ".".join(above), "is_odata_v2": is_odata}
    for mark in ("", "\ufeff"):
        frame, report = reads("json_records", f"{mark}{json.dumps(document, indent=2)}\n".encode(), options)
        at = "1970-01-01T00:00:00.000" if is_odata else "/Date(0)/"
        assert cells(frame) == [{"id": "007", "work": '[{"end": null}]', "at": at, "basics.name": "李"}]
        assert (report.rows, frame[ROW].to_list()) == (1, [1])


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("", "[]", "missing_record_path"),
        ("", '[{"a": "1"}]', "missing_record_path"),
        ("", '"a"', "missing_record_path"),
        ("", "null", "missing_record_path"),
        ("d", '{"e": {"a": "1"}}', "missing_record_path"),
        ("d", '{"d": [{"a": "1"}]}', "missing_record_path"),
        ("d", '{"d": {"a": "1"}, "d": {"a": "2"}}', "missing_record_path"),
        ("d", '{"error": {"code": "Zanzibarova"}}', "source_error"),
        ("", '{"a": "1"', "truncated_json"),
        ("", '{"a": "1"} {"a": "2"}', "malformed_json"),
        ("", "", "empty_file"),
    ],
)
def test_a_document_without_its_one_record_is_held(refuses, path, data, reason):
    assert refuses("json_records", data.encode(), ONE | {"record_path": path}) == reason


def test_null_stands_for_no_record_where_there_may_be_none(reads, refuses):
    for path, data in (("", b"null"), ("d.e", b'{"d": {"e": null}}')):
        options = ONE | {"record_path": path}
        assert reads("json_records", data, options | {"may_be_empty": True})[1].rows == 0
        assert refuses("json_records", data, options) == "missing_record_path"


def test_nested_values_become_columns_and_lists_stay_text(reads):
    record = {
        "id": "007",
        "name": {"given": "李", "family": {"own": "Null"}},
        "empty": {},
        "none": None,
        "tags": ["a", 1, None, ["b"]],
        "jobs": [{"code": "1E5", "org": {"id": 7}, "open": True, "end": None, "levels": [{"n": "2"}]}],
        "nothing": [],
        "": "unnamed",
    }
    frame, report = reads("json_records", json.dumps({"data": [record]}).encode(), PLAIN)
    assert cells(frame) == [
        {
            "id": "007",
            "name.given": "李",
            "name.family.own": "Null",
            "none": NULL,
            "tags": '["a", "1", null, "[\\"b\\"]"]',
            "jobs": '[{"code": "1E5", "end": null, "levels": "[{\\"n\\": \\"2\\"}]", "open": "true", "org.id": "7"}]',
            "nothing": "[]",
            "": "unnamed",
        }
    ]
    assert report.rows == 1
    assert set(report.columns) == set(frame.columns[2:])


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("", '[{"a": "1"}, {"a": "2"}]'),
        ("root.Report_Entry", '{"n": 2, "root": {"Report_Entry": [{"a": "1"}, {"a": "2"}]}}'),
        ("data", '\ufeff{"data": [{"a": "1"}, {"a": "2"}], "hasNext": false}'),
        ("data", ' [{"data": [{"a": "1"}]}, {"data": []}, {"data": [{"a": "2"}]}]'),
    ],
)
def test_records_are_found_at_the_declared_path_also_in_pages(reads, path: str, data: str):
    frame, _ = reads("json_records", data.encode(), {**PLAIN, "record_path": path})
    assert frame.rows() == [(1, None, "1"), (2, None, "2")]


def test_odata_loses_its_wrappers_and_keeps_its_records(reads):
    job = {
        "__metadata": {"uri": "x", "type": "SFOData.EmpJob"},
        "userId": "000123",
        "startDate": "/Date(1583107200000)/",
        "endDate": "/Date(253402214400000)/",
        "lastModifiedDateTime": "/Date(1618796144000+0000)/",
        "fte": "0.50",
        "managerId": None,
        "userNav": {"__metadata": {}, "country": {"externalCode": "DEU", "__metadata": {}}},
        "positionNav": {"__deferred": {"uri": "x"}},
        "relationsNav": {"results": [{"__metadata": {}, "relUserId": "7", "startDate": "/Date(-315619200000)/"}]},
    }
    pages = [{"d": {"results": [job], "__next": "x"}}, {"d": {"results": [{"userId": "2"}]}}]
    frame, _ = reads("json_records", json.dumps(pages).encode(), ODATA)
    assert cells(frame) == [
        {
            "userId": "000123",
            "startDate": "2020-03-02T00:00:00.000",
            "endDate": "9999-12-31T00:00:00.000",
            "lastModifiedDateTime": "2021-04-19T01:35:44.000Z",
            "fte": "0.50",
            "managerId": NULL,
            "userNav.country.externalCode": "DEU",
            "relationsNav": '[{"relUserId": "7", "startDate": "1960-01-01T00:00:00.000"}]',
        },
        {"userId": "2"},
    ]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("/Date(1388534400000+0000)/", "2014-01-01T00:00:00.000Z"),
        ("/Date(1388534400000)/", "2014-01-01T00:00:00.000"),
        ("/Date(-315619200001)/", "1959-12-31T23:59:59.999"),
        ("/Date(1583107200)/", "/Date(1583107200)/"),  # seconds: of 2020, or milliseconds of January 1970
        ("/Date(-1)/", "/Date(-1)/"),
        ("/Date(1388534400000+0060)/", "/Date(1388534400000+0060)/"),  # minutes or hours, nobody can say
        ("/Date(253402300800000)/", "/Date(253402300800000)/"),  # the year 10000
        ("/Date(x)/", "/Date(x)/"),
        ("see /Date(0)/", "see /Date(0)/"),
    ],
)
def test_a_date_of_odata_becomes_text_that_says_no_more_than_it_did(text: str, becomes: str):
    assert iso(text) == becomes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b" ", "truncated_json"),
        (b'{"data": [{"a": "1"}, {"a": ', "truncated_json"),
        (b'{"data": [{"a": "\xe9"}]}', "malformed_json"),
        (b'{"data": [{"a": "\x00"}]}', "malformed_json"),
        ('{"data": [{"a": "1"}]}'.encode("utf-16"), "malformed_json"),
        (b'{"data": [{"a": 1' + b"0" * 5000 + b"}]}", "malformed_json"),
        (b'{"data": [{"a": 1e' + b"9" * 30 + b"}]}", "malformed_json"),
        (b"<html>", "malformed_json"),
        (b'{"data": {"a": "1"}}', "missing_record_path"),
        (b'{"rows": [{"a": "1"}]}', "missing_record_path"),
        (b'{"data": []}', "empty_report"),
        (b'{"error": {"code": "COE_GENERAL_BAD_REQUEST"}}', "source_error"),
        (b'{"data": [{"_fault": "1"}]}', "reserved_column"),
        (json.dumps({"data": [{f"c{n}": "" for n in range(10_001)}]}).encode(), "too_many_columns"),
    ],
)
def test_json_that_is_not_what_it_should_be_is_held(refuses, data: bytes, reason: str):
    assert refuses("json_records", data, PLAIN) == reason


def test_an_empty_list_can_be_allowed_but_a_missing_one_cannot(reads, refuses):
    options = {**PLAIN, "may_be_empty": True}
    assert reads("json_records", b'{"data": []}', options)[1].rows == 0
    assert refuses("json_records", b"{}", options) == "missing_record_path"


@pytest.mark.parametrize("before", [0, 1, 512, (1 << 20) - 2_200, (1 << 20) - 2_100])
def test_a_number_that_would_end_the_process_is_seen_wherever_it_lies(refuses, before: int):
    data = b'{"data": [{"a": ' + b" " * before + b"9" * 4_301 + b"}]}"
    assert refuses("json_records", data, PLAIN) == "malformed_json"
    assert refuses("workday_json", data, {"record_path": "data", "may_be_empty": False}) == "malformed_json"


@pytest.mark.parametrize("name", ["json_records", "workday_json"])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"b": ', "}"), ('["[", ', "]")])
def test_a_record_deeper_than_parsers_survive_holds_the_file(reads, refuses, name: str, opens: str, closes: str):
    """The document, its list and the record are three levels; records that are parsed alone lack the first."""
    options = PLAIN if name == "json_records" else {"record_path": "data", "may_be_empty": False}

    def data(levels: int) -> bytes:
        return ('{"data": [{"a": ' + opens * (levels - 3) + "1" + closes * (levels - 3) + "}]}").encode()

    assert reads(name, data(LEVELS), options)[1].rows == 1
    assert refuses(name, data(LEVELS + 2), options) == "too_deep"
    assert refuses(name, b'{"data": [{"a": ' + opens.encode() * 1_000_000, options) == "too_deep"
    assert refuses(name, b'{"data": [{"a": }, {"b": ' + opens.encode() * 99, options) == "malformed_json", "comes first"


STRINGS = st.text(st.sampled_from('[]{}"\\x,'), max_size=6)
VALUES = st.recursive(
    STRINGS | st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=12,
)


def levels(value: Any) -> int:
    members = value.values() if type(value) is dict else value if type(value) is list else None
    return 0 if members is None else 1 + max(map(levels, members), default=0)


@given(value=VALUES, pieces=st.lists(st.integers(1, 5), min_size=1, max_size=8), is_spaced=st.booleans())
def test_levels_are_counted_whatever_strings_hold_and_wherever_pieces_end(
    value: Any, pieces: list[int], is_spaced: bool
):
    text = json.dumps(value, separators=None if is_spaced else (",", ":")).encode()
    nesting, most, at = Nesting(), 0, 0
    for size in itertools.cycle(pieces):
        most = max(most, nesting.deepest(text[at : at + size]))
        at += size
        if at >= len(text):
            break
    assert most == levels(value)


@pytest.mark.parametrize("name", ["json_records", "ndjson"])
def test_a_record_larger_than_the_limit_holds_the_file(refuses, monkeypatch, name: str):
    monkeypatch.setattr(_records, "MAX_RECORD", 1 << 21)
    data = b'{"data": [{"a": "' + b"x" * (1 << 22) + b'"}]}'
    assert refuses(name, data, PLAIN if name == "json_records" else LINES) == "record_too_large"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('"stray"', "not_an_object"),
        ('{"a.b": "1", "a": {"b": "2"}}', "ambiguous_column"),
        ('{"l": [{"a.b": "1", "a": {"b": "2"}}]}', "ambiguous_column"),
        (r'{"a": "\u0000"}', "nul_character"),
        (r'{"\u0000": "a"}', "nul_character"),
        ('{"a": ' + "[" * 6 + "]" * 6 + "}", "too_deep"),
        ('{"a": ' + '[{"b": ' * 6 + '"x"' + "}]" * 6 + "}", "too_deep"),
        ('{"a": ' + '[{"b": {"c": ' * 6 + '"x"' + "}}]" * 6 + "}", "too_deep"),
        ('{"a": ' + "[" * 40 + '"x"' + "]" * 40 + "}", "too_deep"),  # each doubles the backslashes: a tebibyte
        ('{"a": [' + '[[[[["x"]]]]],' * 9 + "1]}", "too_deep"),
    ],
)
def test_a_record_that_cannot_be_told_as_cells_is_a_row_with_a_fault(reads, line: str, fault: str):
    for name, data, options in (
        ("json_records", f'{{"data": [{line}, {{"a": "2"}}]}}', PLAIN),
        ("ndjson", line, LINES),
    ):
        frame, report = reads(name, data.encode(), options)
        assert frame[FAULT][0] == fault
        assert report.faults == {fault: 1}


def test_a_line_deeper_than_parsers_survive_is_a_row_with_a_fault(reads):
    frame, report = reads("ndjson", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b'}\n{"a": "2"}', LINES)
    assert (frame[FAULT].to_list(), report.faults) == (["too_deep", None], {"too_deep": 1})


def test_five_lists_are_texts_within_texts(reads):
    frame, _ = reads("ndjson", b'{"a": [[[[["x"]]]]]}', LINES)
    text = frame["a"][0]
    for _ in range(5):
        (text,) = json.loads(text)
    assert text == "x"


def test_half_a_surrogate_pair_is_no_text(reads):
    frame, report = reads("ndjson", rb'{"a": "\ud800"}' + b'\n{"a": "\\ud83d\\ude00"}', LINES)
    assert frame.rows() == [(1, "not_text", None), (2, None, "😀")]
    assert report.faults == {"not_text": 1}


def test_a_broken_line_is_a_row_and_the_others_keep_their_numbers(reads):
    lines = [b'\xef\xbb\xbf{"a": 1.50, "b": 1E5}', b"", b'{"a": "tru', b'{"a": NaN}', b'{"a": "\xe9"}', b'{"a": "5"}\r']
    frame, report = reads("ndjson", b"\n".join(lines), LINES)
    assert frame[FAULT].to_list() == [None, "malformed_json", "malformed_json", "malformed_json", None]
    assert frame["a"].to_list() == ["1.50", None, None, None, "5"]
    assert frame["b"].to_list() == ["1E5", None, None, None, None]
    assert frame["line"].to_list() == [None, '{"a": "tru\n', '{"a": NaN}\n', '{"a": "\ufffd"}\n', None]
    assert (report.rows, report.faults) == (5, {"malformed_json": 3})


def test_a_file_without_a_line_is_held_unless_it_may_be_empty(reads, refuses):
    assert refuses("ndjson", b"\n \n", LINES) == "empty_file"
    assert reads("ndjson", b"", {"may_be_empty": True})[1].rows == 0


@pytest.mark.parametrize("limit", [("PART_ROWS", 2), ("PART_BYTES", 20), ("MAX_CELLS", 3)])
def test_parts_are_bounded_and_rows_numbered_through(reads, monkeypatch, limit: tuple[str, int]):
    monkeypatch.setattr(_records, *limit)
    values: list[Any] = [{"a": f"{number:02d}"} for number in range(5)]
    frame, _ = reads("ndjson", b"\n".join(json.dumps(value).encode() for value in values), LINES)
    assert frame.rows() == [(n + 1, None, f"{n:02d}") for n in range(5)]


def test_dates_of_odata_are_turned_also_where_records_are_nothing_but_text(reads):
    data = b'{"d": {"results": [{"a": "/Date(1583107200000)/", "b": "x"}, {"a": "/Date(0)/"}]}}'
    frame, _ = reads("json_records", data, ODATA)
    assert frame["a"].to_list() == ["2020-03-02T00:00:00.000", "1970-01-01T00:00:00.000"]


def test_a_number_wider_than_a_column_of_decimals_is_text_all_the_same(reads):
    data = b'{"data": [{"a": 1.5, "b": true}, {"a": 1' + b"0" * 40 + b'.5, "b": "x"}]}'
    frame, _ = reads("workday_json", data, {"record_path": "data", "may_be_empty": False})
    assert frame["a"].to_list() == ["1.5", "1" + "0" * 40 + ".5"]
    assert frame["b"].to_list() == ["true", "x"]
