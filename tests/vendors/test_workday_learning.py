"""Workday's own learning and reviews become what the learning system's tables and the review tool's became."""

from datetime import timedelta

import polars as pl

from infra.sample import performance, tables
from infra.sample.dialects import Table
from infra.sample.vendors import workday_learning
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company
from tests.vendors.test_learning import NAMES, frames, learned  # noqa: F401 - the fixture

HERE = VENDORS / "workday"


def by_the_end_of_the_day(frame: pl.DataFrame) -> pl.DataFrame:
    """Moments as Workday knows them."""
    moments = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    end = pl.col(moments).dt.truncate("1d") + pl.duration(days=1) - pl.duration(microseconds=1)
    return frame.with_columns(end).sort(pl.all())


def test_learning_in_tables_and_in_workday_is_the_same(learned, tmp_path, monkeypatch):  # noqa: F811 - the fixture
    counts = workday_learning.write_learning(frames(), frames()["courses"], DELIVERY, tmp_path / "w" / "exports")
    made = canonical(tmp_path / "w", [HERE / f"workday_{name}.yaml" for name in ("courses", "learning")], monkeypatch)
    assert counts == {"Courses": len(learned["courses"]), "Learning": len(learned["enrolments"]) + 1}
    assert made["courses"].equals(learned["courses"])
    unsaid = ("assigned_by_code", "due_at")
    kept = learned["enrolments"].drop(unsaid)
    assert made["enrolments"].drop(unsaid).sort(pl.all()).equals(by_the_end_of_the_day(kept))
    assert made["enrolments"]["due_at"].null_count() == len(kept), "until when a completion counts is another thing"
    ended = learned["learning_events"].filter(pl.col("event_code") != "submitted")
    assert made["learning_events"].sort(pl.all()).equals(by_the_end_of_the_day(ended))
    assert set(made["learning_events"]["event_code"]) == {"completed", "failed", "withdrawn", "expired"}
    assert (made[FILTERED]["reason_code"] == "from_outside").sum() == 1


def test_a_completion_counts_until_the_day_that_workday_says_expires(keys, tmp_path, monkeypatch):
    """Of completions alone, and of a course that has to be taken again; the day after is the first that it does not."""
    again = pl.when(pl.col("Course ID") == "CRS-001").then(pl.lit("12")).otherwise("Renewal (months)")
    catalogue = frames()["courses"].with_columns(again.alias("Renewal (months)"))
    workday_learning.write_learning(frames(), catalogue, DELIVERY, tmp_path / "exports")
    made = canonical(tmp_path, [HERE / f"workday_{name}.yaml" for name in ("courses", "learning")], monkeypatch)
    events = made["learning_events"]
    is_dated = (pl.col("course_id") == "CRS-001") & (pl.col("event_code") == "completed")
    dated = events.filter(is_dated)
    years_after = [(one.year + 1, one.month) for one in dated["occurred_at"]]
    day_before = [one - timedelta(days=1) for one in dated["valid_to"]]
    assert [(one.year, one.month) for one in day_before] == years_after
    assert {last.day - one.day for last, one in zip(day_before, dated["occurred_at"], strict=True)} <= {0, -1}
    assert len(dated) > 10
    assert events.filter(~is_dated)["valid_to"].null_count() == len(events) - len(dated)


def test_reviews_in_a_table_and_in_workday_are_the_same(keys, tmp_path, monkeypatch):
    block = slice(0, len(company().workers))
    work = performance.simulate(PLAN, company().workers, block)
    frame = tables.review_frame(PLAN, work, block, DELIVERY)
    with Table(tmp_path / "t" / "exports" / "performance" / "reviews_2026-09.csv", separator=";") as table:
        table.append(frame)
    expected = canonical(tmp_path / "t", [FEEDS / "performance_reviews.yaml"], monkeypatch)
    assert workday_learning.write_reviews(frame, DELIVERY, tmp_path / "w" / "exports") == len(frame)
    made = canonical(tmp_path / "w", [HERE / "workday_reviews.yaml"], monkeypatch)
    assert made["reviews"].equals(expected["reviews"])
    unrated = [frames[FILTERED]["reason_code"].to_list() for frames in (made, expected)]
    assert unrated[0] == unrated[1] == ["not_rated"] * (len(frame) - len(made["reviews"]))
    assert 0 < len(unrated[0]) < len(made["reviews"])


def test_an_enrolment_is_what_workday_would_send():
    row = {
        "Enrollment ID": "E-1",
        "Employee ID": "000005",
        "Course ID": "CRS-001",
        "Run": "2024-01",
        "Enrolled At": "02.01.2024 09:00",
        "Starts At": "03.01.2024 09:00",
        "Due At": "09.02.2024 09:00",
        "Counts Until": None,
        "Attempt": 2,
        "Status": "Failed",
        "Completed At": "31.05.2024 23:30",
        "Score": "44,5",
    }
    told = workday_learning.enrolment(row)
    assert (told["Completion_Status"], told["Completion_Date"], told["Score"]) == ("Not Passed", "2024-05-31", "44.5")
    assert (told["Enrollment_Date"], told["Expiration_Date"], told["Attempt"]) == ("2024-01-02", None, "2")
    assert workday_learning.enrolment(row | {"Counts Until": "31.05.2025"})["Expiration_Date"] == "2025-05-31"
    going_on = workday_learning.enrolment(row | {"Status": None, "Completed At": None, "Score": None})
    assert (going_on["Completion_Status"], going_on["Completion_Date"]) == ("In Progress", None)
