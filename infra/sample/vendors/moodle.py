"""Learning as Moodle keeps it: three of its tables as CSV, all texts quoted, semicolons between.

A course completion has one row for each user and course, so that of several attempts only the last one is left. Moments
are seconds since 1970; 0 is none. Users and courses have numbers of Moodle's own; the company's stand in `idnumber`.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

from infra.sample.dialects import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

GUEST = "1"
"""Moodle's own guest account, who is enrolled once and is nobody."""


def write_tables(
    frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery, out: Path
) -> dict[str, int]:
    """Write users, courses and course completions.

    Args:
        frames: Of `tables.learning_frames`.
        catalogue: Of `tables.course_frame`.
        delivery: Names the files; nothing of theirs happened after its end.
        out: The company's exports folder.

    Returns:
        Rows by table.
    """
    made = {
        "mdl_user": users(frames["enrolments"]),
        "mdl_course": courses(catalogue),
        "mdl_course_completions": completions(frames, catalogue, delivery),
    }
    for name, frame in made.items():
        with replacing(out / "moodle" / f"{name}_{delivery.period}.csv") as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            writer = csv.writer(lines, delimiter=";", quoting=csv.QUOTE_ALL)
            writer.writerow(frame.columns)
            writer.writerows(frame.iter_rows())
            lines.detach()
    return {name: len(frame) for name, frame in made.items()}


def users(enrolments: pl.DataFrame) -> pl.DataFrame:
    """Accounts: the guest, and one for each learner."""
    numbers = enrolments["Employee ID"].unique().sort()
    guest = pl.DataFrame({"id": [GUEST], "username": ["guest"], "idnumber": [""]})
    return pl.concat(
        [
            guest,
            pl.DataFrame({"id": numbers.str.to_integer() + 1_000, "username": "u" + numbers, "idnumber": numbers}).cast(
                pl.String
            ),
        ]
    )


def courses(catalogue: pl.DataFrame) -> pl.DataFrame:
    """Courses; the front page is one too."""
    own = catalogue.select(
        pl.int_range(2, pl.len() + 2).cast(pl.String).alias("id"),
        pl.col("Course ID").str.to_lowercase().alias("shortname"),
        pl.col("Title").alias("fullname"),
        pl.col("Course ID").alias("idnumber"),
        _midnight("Offered From").alias("startdate"),
        _midnight("Offered Until", days=1).alias("enddate"),
        pl.col("Active").replace_strict({"Yes": "1", "No": "0"}).alias("visible"),
    )
    return pl.concat([pl.DataFrame([("1", "site", "Learn", "", "0", "0", "1")], own.schema, orient="row"), own])


def completions(frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery) -> pl.DataFrame:
    """The last enrolment of everybody in every course, and when it was completed."""
    done = frames["completions"].filter(pl.col("Status") == "Completed").select("Enrollment ID", "Completed At")
    last = frames["enrolments"].unique(["Employee ID", "Course ID"], keep="last", maintain_order=True)
    rows = last.join(done, on="Enrollment ID", how="left", maintain_order="left")
    numbers = courses(catalogue).select(pl.col("idnumber").alias("Course ID"), pl.col("id").alias("course"))
    end = int(delivery.end.astype("datetime64[s]").astype("int64"))
    started = seconds("Starts At")
    own = rows.join(numbers, on="Course ID", how="left", maintain_order="left").select(
        (pl.col("Employee ID").str.to_integer() + 1_000).alias("userid"),
        "course",
        seconds("Enrolled At").alias("timeenrolled"),
        pl.when(started < end).then(started).otherwise(0).alias("timestarted"),
        seconds("Completed At").fill_null(0).alias("timecompleted"),
    )
    guest = own.head(1).with_columns(userid=pl.lit(int(GUEST), dtype=own.schema["userid"]))
    return pl.concat([own, guest])


def _midnight(column: str, days: int = 0) -> pl.Expr:
    """Seconds since 1970 of the midnight with which a day begins, or one some days later; 0 for none."""
    day = pl.col(column).str.to_datetime("%d.%m.%Y", strict=False) + pl.duration(days=days)
    return day.dt.epoch("s").fill_null(0).cast(pl.String)


def seconds(column: str) -> pl.Expr:
    """Seconds since 1970 of moments that the company's learning system prints, which are UTC."""
    return pl.col(column).str.to_datetime("%d.%m.%Y %H:%M").dt.epoch("s")
