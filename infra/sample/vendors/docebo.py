"""Learning as a report of Docebo holds it: one row for each user and course, the last enrolment only.

A status says how far somebody is; who withdrew is suspended, who ran out of time still in progress. Score and date of
completion stand only where a course was completed. A waiting list is a status too. Moments are of the clocks where the
user is for whom the report runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.sample.dialects import Table

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

ZONE = "Africa/Windhoek"
STATUSES = {"Completed": "completed", "Failed": "in_progress", "Withdrawn": "suspended", "Expired": "in_progress"}


def write_enrolments(frames: dict[str, pl.DataFrame], delivery: Delivery, out: Path) -> int:
    """Write all enrolments as they stand at the end of a delivery; one more waits for a place.

    Args:
        frames: Of `tables.learning_frames`.
        delivery: Names the file.
        out: The company's exports folder.

    Returns:
        The number of enrolments, without the one that waits.
    """
    rows = enrolments(frames)
    waits = rows.head(1).with_columns(
        pl.lit("waiting").alias("enrollment_status"),
        pl.lit("CRS-999").alias("course_id"),
        pl.lit("").alias("enrollment_completion_date"),
    )
    with Table(out / "docebo" / f"enrollments_{delivery.period}.csv", separator=";") as file:
        file.append(pl.concat([rows, waits]))
    return len(rows)


def enrolments(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """[n_enrolments] the last enrolment of everybody in every course, as text."""
    last = frames["enrolments"].unique(["Employee ID", "Course ID"], keep="last", maintain_order=True)
    ended = frames["completions"].select("Enrollment ID", "Status", "Completed At", "Score")
    rows = last.join(ended, on="Enrollment ID", how="left", maintain_order="left")
    is_done = pl.col("Status").eq_missing("Completed")
    return rows.select(
        pl.col("Employee ID").alias("username"),
        pl.col("Course ID").alias("course_id"),
        pl.col("Status")
        .replace_strict(STATUSES, default="subscribed")
        .fill_null("subscribed")
        .alias("enrollment_status"),
        pl.lit("student").alias("enrollment_level"),
        pl.when(is_done).then(pl.col("Score").str.replace(",", ".", literal=True)).alias("enrollment_score"),
        _moment("Enrolled At").alias("enrollment_created_at"),
        _moment("Starts At").alias("enrollment_validity_begin"),
        _moment("Due At").alias("enrollment_validity_end"),
        pl.when(is_done).then(_moment("Completed At")).alias("enrollment_completion_date"),
        pl.coalesce(_moment("Completed At"), _moment("Enrolled At")).alias("enrollment_date_last_updated"),
    )


def _moment(column: str) -> pl.Expr:
    told = pl.col(column).str.to_datetime("%d.%m.%Y %H:%M", time_zone="UTC").dt.convert_time_zone(ZONE)
    return told.dt.strftime("%Y-%m-%d %H:%M:%S")
