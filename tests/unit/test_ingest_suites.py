"""What files are held against is read off their feed: with which level, and what becomes of a file that fails."""

from typing import Any

import pytest

from pipelines.ingest.feeds import Feed
from pipelines.ingest.suites import asked

WORKERS = {
    "name": "workers",
    "owner": "o",
    "cadence": "monthly",
    "location": "in",
    "files": r"w_(?P<period>\d{4}-\d{2})\.csv",
    "dialect": "csv",
    "options": {},
    "extracted_at": {"end_of": "period"},
    "required": ["ID", "Kind", "Note"],
    "tables": [
        {
            "table": "consents",
            "columns": {
                "person_id": {"from": "ID", "person": "hris"},
                "is_given": {"from": "Kind", "codes": {"Y": "true", "N": "false"}},
            },
        }
    ],
}
PLAIN = {
    ("missing_required_column", "file", "hold", "expect_table_columns_to_match_set"),
    ("emptied_column", "raw", "hold", "expect_column_values_to_not_be_null"),
    ("reshaped_ids", "raw", "hold", "expect_column_values_to_match_regex_list"),
    ("unlisted_code:consents.is_given", "raw", "warn", "expect_column_values_to_be_in_set"),
}


def said(**more: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in asked(Feed.model_validate(WORKERS | more)):
        found.setdefault(one.reason_code, []).append(dict(one.arguments))
    return found


@pytest.mark.parametrize(
    ("more", "beside"),
    [
        ({}, set()),
        ({"header": ["ID", "Kind"]}, {("other_header", "file", "hold", "expect_table_columns_to_match_ordered_list")}),
        (
            {"ready": {"manifest": ".json"}},
            {
                ("other_bytes_than_manifest", "file", "hold", "expect_column_values_to_be_in_set"),
                ("other_records_than_manifest", "file", "hold", "expect_table_row_count_to_equal"),
            },
        ),
        ({"ready": {"marker": ".done"}}, set()),
        (
            {"full": {"may_lose": 0.1}},
            {
                ("lost_records", "file", "hold", "expect_table_row_count_to_be_between"),
                ("gained_records", "file", "hold", "expect_table_row_count_to_be_between"),
                ("older_file", "file", "hold", "expect_column_values_to_be_between"),
            },
        ),
        (
            {"rows": [{"column": "ID", "like": "[0-9]{6}", "reason": "no_id", "reject": True}]},
            {("no_id", "raw", "quarantine", "expect_column_values_to_match_regex")},
        ),
        ({"rows": [{"column": "ID", "like": "[0-9]{6}", "reason": "others"}]}, set()),  # left out, which is no fault
    ],
)
def test_a_feed_asks_what_it_declares_and_nothing_else(more: dict[str, Any], beside: set[tuple[str, ...]]) -> None:
    found = asked(Feed.model_validate(WORKERS | more))
    assert {(one.reason_code, one.level, one.severity, one.kind) for one in found} == PLAIN | beside


def test_bounds_are_those_of_the_feed() -> None:
    found = said(full={"may_lose": 0.1, "may_gain": 0.5}, may_empty=0.3, may_reshape=0.02)
    assert found["lost_records"] == [{"min_value": {"$PARAMETER": "records_before * 0.9"}}]
    assert found["gained_records"] == [{"max_value": {"$PARAMETER": "records_before * 1.5"}}]
    (filled, _) = found["emptied_column"]
    assert filled == {"column": "ID", "mostly": {"$PARAMETER": "filled_before - 0.3"}}, "no rule reads Note"
    lengths = {"regex_list": {"$PARAMETER": "^.{lengths_before}$"}, "match_on": "any"}
    assert found["reshaped_ids"] == [{"column": "ID", **lengths, "mostly": 0.98}], "any of several, none between them"
    (listed,) = found["unlisted_code:consents.is_given"]
    assert listed == {"column": "Kind", "value_set": ["N", "Y"], "mostly": 0.995}


RECORDED = {
    "separator": "|",
    "quote": None,
    "type": 1,
    "header": "HDR",
    "detail": {"type": "DTL", "size": 4, "columns": {"ID": 2, "Kind": 3, "Note": 4}},
    "others": [],
    "may_be_empty": False,
}
TRAILER = {"type": "TRL", "count": 2, "counts": "details"}


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"trailer": None}, []),
        ({"trailer": TRAILER}, ["trailer_records"]),
        ({"trailer": {**TRAILER, "counts": "all"}}, ["trailer_records - 2"]),
        ({"trailer": {**TRAILER, "counts": "all"}, "header": None}, ["trailer_records - 1"]),
        ({"trailer": {**TRAILER, "counts": "all"}, "others": ["310"]}, ["trailer_records - 2 - passed_over"]),
        ({"trailer": TRAILER, "others": ["310"]}, ["trailer_records"]),
    ],
)
def test_rows_are_as_many_as_the_trailer_says_beside_what_is_no_row(options: dict[str, Any], rows: list[str]) -> None:
    found = said(dialect="recorded", options=RECORDED | options)
    assert found.get("trailer_mismatch", []) == [{"value": {"$PARAMETER": one}} for one in rows]


def test_totals_of_a_trailer_are_sums_of_columns() -> None:
    trailer = {**TRAILER, "totals": {"Note": 3}}
    (_, total) = said(dialect="recorded", options=RECORDED | {"trailer": trailer})["trailer_mismatch"]
    told = {"$PARAMETER": "trailer_total.Note"}
    assert total == {"column": "Note", "min_value": told, "max_value": told}


@pytest.mark.parametrize(
    ("rule", "is_asked"),
    [
        ({"from": "Kind"}, True),
        ({"from": "Kind", "else": "null"}, True),
        ({"from": "Kind", "else": "keep"}, False),
        ({"from": "Kind", "else": "false"}, False),
        ({"from": ["Kind", "Note"]}, False),
        ({"from": "Kind", "extract": "^(.)"}, False),
        ({"from": "Kind", "absent": "N"}, False),
        ({"from": "Kind", "trim": True}, False),
        ({"from": "Kind", "html": True}, False),
        ({"from": "Kind", "override": [{"column": "Note", "equals": "x", "value": "N"}]}, False),
        ({"template": "{Kind}{Note}"}, False),
        ({"listed": {"column": "Note", "field": "ID", "many": "N"}}, False),
        ({"from": "side"}, False),
        ({"from": "Group.Code"}, False),
    ],
)
def test_codes_are_asked_of_a_column_only_where_its_cells_are_the_codes(rule: dict[str, Any], is_asked: bool) -> None:
    table = {
        "table": "consents",
        "explode": {"column": "Group", "fields": ["Code"]},
        "columns": {
            "person_id": {"from": "ID", "person": "hris"},
            "is_given": {**rule, "codes": {"Y": "true", "N": "false"}},
        },
    }
    known = {"from": "Group.Code", "moment": "%Y-%m-%dT%H:%M"}  # here a column of the source has the same name
    rules = {"person_id": {"from": "ID", "person": "hris"}, "is_given": {"constant": True}}
    flat = {"table": "consents", "known_from": known, "columns": rules}
    beside = {"feed": "other", "match": {"ID": "ID"}, "take": {"side": "Side"}, "missing": "keep"}
    found = said(tables=[table, flat], join=[beside])
    assert ("unlisted_code:consents.is_given" in found) == is_asked
