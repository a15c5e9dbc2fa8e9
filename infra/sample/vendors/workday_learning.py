"""Learning and reviews as Workday's reports tell them: HRML_Courses, HRML_Learning and HRML_Reviews, as JSON.

A day is all that Workday keeps of when somebody enrolled or was done; an offering is a run of a course, and an attempt
its number. What is not over has no status of an end; a completion of what has to be taken again says until when it
counts. Learners from outside the company have no worker's number, and a rating of none stands as a word of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample.dialects import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

STATUSES = {"Completed": "Completed", "Failed": "Not Passed", "Withdrawn": "Dropped", "Expired": "Expired"}
UNRATED = "Unable to Rate"


def write_learning(
    frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery, out: Path
) -> dict[str, int]:
    """Write the reports of courses and enrolments.

    Args:
        frames: Of `tables.learning_frames`.
        catalogue: Of `tables.course_frame`.
        delivery: Names the files.
        out: The company's exports folder.

    Returns:
        Rows by report; one enrolment more is of somebody from outside.
    """
    ended = frames["completions"].select("Enrollment ID", "Status", "Completed At", "Score")
    rows = frames["enrolments"].join(ended, on="Enrollment ID", how="left", maintain_order="left")
    counts_for = catalogue.select("Course ID", months=pl.col("Renewal (months)").replace("", None))
    day = pl.col("Completed At").str.to_date("%d.%m.%Y %H:%M").dt.offset_by(pl.format("{}mo", "months"))
    until = pl.when(pl.col("Status") == "Completed").then(day.dt.strftime("%d.%m.%Y")).alias("Counts Until")
    rows = rows.join(counts_for, on="Course ID", how="left", maintain_order="left").with_columns(until)
    told = [enrolment(row) for row in rows.iter_rows(named=True)]
    guest = told[0] | {"Enrollment_ID": "E-GUEST", "Worker_ID": None}
    made = {"Courses": [course(row) for row in catalogue.iter_rows(named=True)], "Learning": [*told, guest]}
    return {name: _write(out, name, delivery, entries) for name, entries in made.items()}


def course(row: dict[str, Any]) -> dict[str, Any]:
    """A course of the catalogue."""
    return {
        "Course_ID": row["Course ID"],
        "Title": row["Title"],
        "Delivery_Mode": "Self-Directed",
        "Duration_Minutes": str(row["Duration (min)"]),
        "Topics": row["Topic"],
        "Level": row["Level"],
        "Inactive": "1" if row["Active"] == "No" else "0",
        "Required": "1" if row["Mandatory"] == "Yes" else "0",
        "Available_From": _day(row["Offered From"]),
        "Available_To": _day(row["Offered Until"]),
        "Job_Families": row["For"] or None,
        "Completion_Valid_Months": row["Renewal (months)"] or None,
        "Version": "1",
    }


def enrolment(row: dict[str, Any]) -> dict[str, Any]:
    """An enrolment, as far as it has come."""
    return {
        "Enrollment_ID": row["Enrollment ID"],
        "Worker_ID": row["Employee ID"],
        "Course_ID": row["Course ID"],
        "Offering_ID": row["Run"],
        "Enrollment_Date": _day(row["Enrolled At"]),
        "Start_Date": _day(row["Starts At"]),
        "Completion_Status": STATUSES[row["Status"]] if row["Status"] else "In Progress",
        "Completion_Date": _day(row["Completed At"]),
        "Score": row["Score"].replace(",", ".") if row["Score"] else None,
        "Expiration_Date": _day(row["Counts Until"]),
        "Attempt": str(row["Attempt"]),
    }


def write_reviews(reviews: pl.DataFrame, delivery: Delivery, out: Path) -> int:
    """Write the report of reviews; how many there are.

    Args:
        reviews: Of `tables.review_frame`.
        delivery: Names the file.
        out: The company's exports folder.
    """
    return _write(out, "Reviews", delivery, [review(row) for row in reviews.iter_rows(named=True)])


def review(row: dict[str, Any]) -> dict[str, Any]:
    """A review; its ratings have a number, a name and a reference."""
    rating = (row["manager_rating"] or "").replace(",", ".")
    return {
        "Review_ID": row["review_id"],
        "Worker_ID": row["worker_id"],
        "Template": f"{row['template']} {row['period']}",
        "Period_Start": row["period_start"],
        "Period_End": row["period_end"],
        "Completed_Date": row["completed_date"],
        "Manager_Rating_ID": f"RATING_{rating}" if rating else "RATING_NONE",
        "Manager_Rating": rating or UNRATED,
        "Self_Rating": (row["self_rating"] or "").replace(",", ".") or None,
    }


def _write(out: Path, name: str, delivery: Delivery, entries: list[dict[str, Any]]) -> int:
    return write_report(out / "workday" / f"HRML_{name}_{delivery.period}.json", entries)


def _day(text: str | None) -> str | None:
    """`31.05.2024 23:30` as 2024-05-31."""
    return f"{text[6:10]}-{text[3:5]}-{text[:2]}" if text else None
