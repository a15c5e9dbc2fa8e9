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
    ("reshaped_ids", "raw", "hold", "expect_column_value_lengths_to_be_between"),
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
    assert [one["mostly"] for one in found["reshaped_ids"]] == [0.98]
    (listed,) = found["unlisted_code:consents.is_given"]
    assert listed == {"column": "Kind", "value_set": ["N", "Y"], "mostly": 0.995}
