"""Slices side by side: two that are to hold on one day are refused, a day between two without one is counted."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.base.contracts import TABLES
from pipelines.validate import check, engine
from pipelines.validate.batch import run
from pipelines.validate.suites import suite

pytestmark = pytest.mark.filterwarnings("ignore")  # Great Expectations warns about pandas and marshmallow internals

TABLE = TABLES["worker_history"]
SCHEMA = {**TABLE.schema, "known_from": pl.Datetime("us", "UTC")}
BASE = {
    "person_id": "p_" + "0" * 32,
    "assignment_key": "j_1",
    "seq_in_day": 0,
    "event_type_code": "data_change",
    "employment_status_code": "active",
    "is_primary_assignment": True,
    "time_type_code": "full_time",
}


def slices(*told: tuple[int, int | None, int] | dict[str, Any]) -> pl.DataFrame:
    """Rows by first day, first day after and day of becoming known, all of January."""
    rows = []
    for one in told:
        more = one if isinstance(one, dict) else {"lies": one}
        start, end, known = more.pop("lies")
        days = {"valid_from": date(2024, 1, start), "valid_to": date(2024, 1, end) if end else None}
        rows.append({**BASE, **days, "known_from": datetime(2024, 1, known, tzinfo=UTC), **more})
    return pl.DataFrame(rows, schema=SCHEMA)


def found(frame: pl.DataFrame, before: pl.DataFrame | None = None) -> tuple[list[tuple[int, str]], int]:
    """Rows that failed, and how many slices have a gap beside them."""
    outcome = check(TABLE, frame, {}, None, before)
    gaps = [finding for finding in outcome.findings if finding.reason_code == "gap"]
    assert [(gap.severity, gap.checked) for gap in gaps] == [("warn", len(frame))]
    return sorted(outcome.failed.rows()), gaps[0].failed


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(1, 5, 1), (5, 9, 1), (9, None, 1)], ([], 0)),
        ([(1, 6, 1), (5, None, 1)], ([(0, "overlap"), (1, "overlap")], 0)),
        ([(1, None, 1), (5, None, 1)], ([(0, "overlap"), (1, "overlap")], 0)),
        # Entered later: it takes the place of the other from its day on, and of one that is closed the last day too.
        ([(1, None, 1), (5, None, 2)], ([], 0)),
        ([(1, 6, 2), (5, None, 1)], ([], 0)),
        # As known on the 1st both hold; that one was closed on the 2nd does not mend it.
        ([(1, None, 1), (5, None, 1), (1, 5, 2)], ([(0, "overlap"), (1, "overlap")], 0)),
        # The day before the second and the day after the first.
        ([(1, 5, 1), (6, None, 1)], ([], 2)),
        ([(1, 5, 1), (6, None, 2)], ([], 1)),
        ([(1, 5, 1), (5, 6, 2), (6, None, 3)], ([], 0)),
        # Another assignment, and another person, share nothing with it.
        ([(1, 6, 1), {"lies": (5, None, 1), "assignment_key": "j_2"}], ([], 0)),
        ([(1, 6, 1), {"lies": (5, None, 1), "person_id": "p_" + "1" * 32}], ([], 0)),
        ([(1, 3, 1), {"lies": (5, None, 1), "assignment_key": "j_2"}], ([], 0)),
        # Several of one day are in order.
        ([(1, 5, 1), (5, 6, 1), {"lies": (5, None, 1), "seq_in_day": 1}], ([], 0)),
        ([(5, None, 1), {"lies": (5, None, 1), "seq_in_day": 1}], ([], 0)),
    ],
)
@pytest.mark.parametrize("large", [100_000, 1])
def test_slices_of_an_assignment_lie_side_by_side_at_each_known_time(monkeypatch, told, expected, large):
    monkeypatch.setattr(engine, "LARGE", large)
    frame = slices(*[dict(one) if isinstance(one, dict) else one for one in told])
    assert found(frame) == expected


def test_slices_are_judged_beside_those_that_the_lake_has():
    assert found(slices((5, None, 2)), slices((1, 4, 1))) == ([], 1)
    assert found(slices((5, None, 2)), slices((1, 4, 1), (1, 5, 2))) == ([], 0)
    assert found(slices((5, None, 2)), slices((1, None, 1), (1, 4, 2))) == ([], 1), "it was closed too early"
    assert found(slices((5, None, 2)), slices((1, 6, 2))) == ([(0, "overlap")], 0)
    assert found(slices((5, None, 1)), slices((1, 4, 2))) == ([], 0), "the other was not known yet"


def test_a_batch_lets_rows_with_a_gap_through_and_counts_them(tmp_path: Path):
    for name in ("rows", "known", "before"):
        (tmp_path / name).mkdir()
    pl.DataFrame(schema={"unit_no": pl.Int32(), "source_row": pl.Int64()}).write_parquet(tmp_path / "rejected.parquet")
    frame = slices((6, None, 2), (9, None, 2)).with_columns(unit_no=pl.lit(0, pl.Int32), source_row=pl.int_range(2))
    frame[:1].write_ipc(tmp_path / "rows" / "worker_history.arrow")
    slices((1, 5, 1)).write_parquet(tmp_path / "before" / "worker_history.parquet")
    assert run(tmp_path).endswith(": 0 source rows failed")
    said = {item["reason_code"]: item for item in json.loads((tmp_path / "findings.json").read_text())}
    assert said["gap"] == {
        "table": "worker_history",
        "reason_code": "gap",
        "checked": 1,
        "failed": 1,
        "level": "canonical",
        "severity": "warn",
        "mostly": 1.0,
        "is_met": False,
    }
    frame.write_ipc(tmp_path / "rows" / "worker_history.arrow")
    assert run(tmp_path).endswith(": 2 source rows failed"), "both hold from the 9th on"


def test_the_suite_says_what_becomes_of_rows():
    severities = {said["meta"]["reason_code"]: said["meta"]["severity"] for said in suite(TABLE)["expectations"]}
    assert (severities["overlap"], severities["gap"]) == ("quarantine", "warn")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("ENG-3", 1, 5), ("ENG-3", 5, None), ("OPS-2", 3, None)], ([], 0)),
        ([("ENG-3", 1, 6), ("ENG-3", 5, None)], ([(0, "overlap"), (1, "overlap")], 0)),
        ([("ENG-3", 1, 4), ("ENG-3", 5, None)], ([], 2)),
        ([("ENG-3", 1, 4), ("OPS-2", 3, None)], ([], 0)),
    ],
)
def test_slices_of_jobs_of_which_none_share_a_day_lie_side_by_side(told, expected):
    table = TABLES["jobs"]
    rows = [
        {
            "job_code": code,
            "valid_from": date(2024, 1, start),
            "valid_to": date(2024, 1, end) if end else None,
            "is_active": True,
            "title": "Clerk",
            "crosswalk_method_code": "none",
            "known_from": datetime(2024, 1, 1, tzinfo=UTC),
        }
        for code, start, end in told
    ]
    outcome = check(table, pl.DataFrame(rows, schema={**table.schema, "known_from": pl.Datetime("us", "UTC")}), {})
    gaps = next(finding for finding in outcome.findings if finding.reason_code == "gap")
    assert (sorted(outcome.failed.rows()), gaps.failed) == expected
