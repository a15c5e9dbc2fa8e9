"""Courses that were taken twice, whichever system printed them, and a review without a rating, worked out by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from infra.sample.dialects import Table
from infra.sample.vendors import cornerstone, docebo, moodle, scorm, successfactors_learning, workday_learning, xapi
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, FEEDS, VENDORS, canonical

CATALOGUE = pl.DataFrame(
    [
        (key, title, "Compliance", "Foundation", "120", "Yes")
        for key, title in (("CRS-001", "Safety"), ("CRS-003", 'Law, "in short"'))
    ],
    schema=["Course ID", "Title", "Topic", "Level", "Duration (min)", "Active"],
    orient="row",
).with_columns(
    pl.lit("").alias(name) for name in ("Mandatory", "Offered From", "Offered Until", "For", "Renewal (months)")
)
ENROLMENTS = pl.DataFrame(
    [
        (
            "E-000005-00",
            "000005",
            "CRS-001",
            "2024-01",
            "02.01.2024 09:00",
            "03.01.2024 09:00",
            "09.02.2024 09:00",
            "1",
        ),
        (
            "E-000002-00",
            "000002",
            "CRS-003",
            "2024-05",
            "01.05.2024 09:00",
            "02.05.2024 09:00",
            "09.06.2024 09:00",
            "1",
        ),
        (
            "E-000002-01",
            "000002",
            "CRS-003",
            "2024-11",
            "01.11.2024 09:00",
            "02.11.2024 09:00",
            "09.12.2024 09:00",
            "2",
        ),
        (
            "E-000005-01",
            "000005",
            "CRS-001",
            "2025-01",
            "02.01.2025 09:00",
            "03.01.2025 09:00",
            "09.02.2025 09:00",
            "2",
        ),
    ],
    schema=[
        *("Enrollment ID", "Employee ID", "Course ID", "Run", "Enrolled At", "Starts At", "Due At", "Attempt"),
    ],
    orient="row",
).with_columns(pl.lit("Manager").alias("Assigned By"))
COMPLETIONS = pl.DataFrame(
    [
        ("E-000005-00", "000005", "CRS-001", "2024-01", "Completed", "20.01.2024 10:00", "70,0"),
        ("E-000002-00", "000002", "CRS-003", "2024-05", "Failed", "31.05.2024 23:30", "44,5"),
        ("E-000002-01", "000002", "CRS-003", "2024-11", "Completed", "30.11.2024 10:00", "88,0"),
        ("E-000005-01", "000005", "CRS-001", "2025-01", "Completed", "21.01.2025 10:00", "95,5"),
    ],
    schema=["Enrollment ID", "Employee ID", "Course ID", "Run", "Status", "Completed At", "Score"],
    orient="row",
)
PROGRESS = pl.DataFrame(
    [("E-000005-01", "000005", "CRS-001", "2025-01", "Q0", "10.01.2025 10:00", "80,0", "0")],
    schema=["Enrollment ID", "Employee ID", "Course ID", "Run", "Item", "Submitted At", "Score", "Days Late"],
    orient="row",
)
FRAMES = {"courses": CATALOGUE, "enrolments": ENROLMENTS, "progress": PROGRESS, "completions": COMPLETIONS}
EVENTS = [
    ("000005", "CRS-001", "completed", datetime(2024, 1, 20, 10, tzinfo=UTC), 0.7),
    ("000002", "CRS-003", "failed", datetime(2024, 5, 31, 23, 30, tzinfo=UTC), 0.445),
    ("000002", "CRS-003", "completed", datetime(2024, 11, 30, 10, tzinfo=UTC), 0.88),
    ("000005", "CRS-001", "completed", datetime(2025, 1, 21, 10, tzinfo=UTC), 0.955),
]
ATTEMPTS = [("000002", "CRS-003", 0), ("000002", "CRS-003", 1), ("000005", "CRS-001", 0), ("000005", "CRS-001", 1)]
LAST = EVENTS[2:]


def lms(out: Path) -> None:
    for name, frame in FRAMES.items():
        with Table(out / "lms" / f"{name}_2026-09.csv", has_bom=True) as table:
            table.append(frame)


PRINTED: dict[str, tuple[Callable[[Path], object], list[Path]]] = {
    "tables": (lms, [FEEDS / f"lms_{name}.yaml" for name in FRAMES]),
    "xAPI": (
        lambda out: xapi.write_statements(FRAMES, CATALOGUE, DELIVERY, out),
        [VENDORS / "xapi" / "xapi_statements.yaml"],
    ),
    "Cornerstone": (
        lambda out: cornerstone.write_tables(FRAMES, CATALOGUE, DELIVERY, out),
        sorted((VENDORS / "cornerstone").glob("*.yaml")),
    ),
    "SuccessFactors": (
        lambda out: successfactors_learning.write_history(FRAMES, CATALOGUE, DELIVERY, out),
        [VENDORS / "successfactors" / "successfactors_learning.yaml"],
    ),
    "Workday": (
        lambda out: workday_learning.write_learning(FRAMES, CATALOGUE, DELIVERY, out),
        [VENDORS / "workday" / f"workday_{name}.yaml" for name in ("courses", "learning")],
    ),
    "SCORM 2004": (
        lambda out: scorm.write_attempts(FRAMES, DELIVERY, out),
        [VENDORS / "scorm" / "scorm_attempts.yaml"],
    ),
    "SCORM 1.2": (
        lambda out: scorm.write_attempts_12(FRAMES, DELIVERY, out),
        [VENDORS / "scorm" / "scorm_12_attempts.yaml"],
    ),
    "Moodle": (
        lambda out: moodle.write_tables(FRAMES, CATALOGUE, DELIVERY, out),
        [VENDORS / "moodle" / f"moodle_{name}.yaml" for name in ("users", "courses", "completions")],
    ),
    "Docebo": (
        lambda out: docebo.write_enrolments(FRAMES, DELIVERY, out),
        [VENDORS / "docebo" / "docebo_enrolments.yaml"],
    ),
}
ONLY_LAST = ("Moodle", "Docebo")
"""Of what somebody took twice they keep the last time."""


@pytest.mark.parametrize("name", PRINTED)
def test_a_course_that_was_taken_twice_is_two_attempts(keys, tmp_path, monkeypatch, name):
    write, feeds = PRINTED[name]
    write(tmp_path / "exports")
    made = canonical(tmp_path, feeds, monkeypatch)
    numbers = ["000002", "000005"]
    people = dict(
        zip(pseudonym(bytes.fromhex("11" * 32), "workday_worker", pl.Series(numbers), "p"), numbers, strict=True)
    )
    columns = ["person_id", "course_id", "event_code", "occurred_at", "score_share"]
    ended = made["learning_events"].filter(pl.col("event_code") != "submitted").sort("occurred_at")
    found = [(people[who], *more) for who, *more in ended.select(columns).rows()]
    expected = LAST if name in ONLY_LAST else EVENTS
    if name == "Workday":  # it knows days
        day = timedelta(days=1) - timedelta(microseconds=1)
        expected = [(*event[:3], event[3].replace(hour=0, minute=0) + day, event[4]) for event in expected]
    assert [event[:4] for event in found] == [event[:4] for event in expected]
    if name == "Moodle":  # it knows no scores
        assert [event[4] for event in found] == [None, None]
    else:
        assert [event[4] for event in found] == pytest.approx([event[4] for event in expected])
    if "enrolments" in made:
        attempts = made["enrolments"].select("person_id", "course_id", "prior_attempts").rows()
        told = sorted((people[who], *more) for who, *more in attempts)
        taken = [(who, course, None) for who, course, _ in ATTEMPTS[1::2]] if name in ONLY_LAST else ATTEMPTS
        assert told == taken


def test_who_was_not_rated_has_no_review_and_a_rating_of_none_is_not_the_least(keys, tmp_path, monkeypatch):
    lines = [
        "worker_id;period;period_start;period_end;completed_date;manager_rating",
        "000001;2026-H1;2026-01-01;2026-06-30;2026-07-15;1,0",
        "000002;2026-H1;2026-01-01;2026-06-30;2026-07-15;",
        "000003;2026-H1;2026-01-01;2026-06-30;2026-07-15;5,0",
    ]
    folder = tmp_path / "exports" / "performance"
    folder.mkdir(parents=True)
    (folder / "reviews_2026-09.csv").write_text("\n".join(lines) + "\n")
    made = canonical(tmp_path, [FEEDS / "performance_reviews.yaml"], monkeypatch)
    assert sorted(made["reviews"]["rating_share"]) == [0.0, 1.0]
    assert made[FILTERED]["reason_code"].to_list() == ["not_rated"]
