"""Rows of the learning and performance systems: text frames, one per block of workers."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import polars as pl

from infra.sample import vocabulary as words
from infra.sample.dialects import decimal_comma, german_moment
from infra.sample.learning import STATUSES, Courses
from infra.sample.performance import Performance, period_ends
from infra.sample.plan import MONTH_STARTS, MONTHS, PERIODS, Array, Delivery, Plan

WORKER = pl.format("{}", pl.col("worker").cast(pl.String).str.zfill(6))
CATALOGUE = (
    "Course ID",
    "Title",
    "Topic",
    "Level",
    "Duration (min)",
    "Active",
    "Mandatory",
    "Offered From",
    "Offered Until",
    "For",
    "Renewal (months)",
)
ENROLMENT = pl.format("E-{}-{}", WORKER, pl.col("number").cast(pl.String).str.zfill(2))


def course_ids(courses: Courses) -> Array:
    """CRS-001 for the first course."""
    return np.array([f"CRS-{n + 1:03d}" for n in range(len(courses))])


def course_frame(courses: Courses) -> pl.DataFrame:
    """The catalogue: the courses that are drawn, and after them the company's own (`vocabulary.HOUSE`)."""
    titles = [
        words.TITLES[level][variant].format(words.TOPICS[topic])
        for topic, level, variant in zip(courses.topic, courses.level, courses.variant, strict=True)
    ]
    drawn = pl.DataFrame(
        {
            "Course ID": course_ids(courses),
            "Title": titles,
            "Topic": [words.TOPICS[t] for t in courses.topic],
            "Level": [words.LEVELS[n] for n in courses.level],
            "Duration (min)": courses.minutes.astype(str),
            "Active": ["Yes"] * len(courses),
            "Mandatory": ["No"] * len(courses),
        }
    )
    house = pl.DataFrame([astuple(course) for course in words.HOUSE], schema=CATALOGUE, orient="row")
    return pl.concat([drawn, house], how="diagonal").select(CATALOGUE).with_columns(pl.all().fill_null(""))


def learning_frames(
    plan: Plan, courses: Courses, enrolments: pl.DataFrame, submissions: pl.DataFrame, delivery: Delivery
) -> dict[str, pl.DataFrame]:
    """What the learning system came to know in this delivery, from the first exported month on, by file."""
    floor = MONTH_STARTS[plan.first_month].astype("datetime64[s]")
    ids = pl.Series(course_ids(courses))
    wanted = enrolments.filter(pl.col("enrolled_at") >= floor)
    base = (
        ENROLMENT.alias("Enrollment ID"),
        WORKER.alias("Employee ID"),
        pl.col("course").replace_strict(pl.Series(range(len(ids))), ids).alias("Course ID"),
        pl.col("starts_at").dt.strftime("%Y-%m").alias("Run"),
    )
    new = wanted.filter(pl.Series(delivery.holds(wanted["enrolled_at"].to_numpy())))
    over = wanted.filter(pl.Series(delivery.holds(wanted["ended_at"].to_numpy())))
    handed = submissions.join(wanted.select("worker", "number"), on=["worker", "number"], how="semi")
    handed = handed.filter(pl.Series(delivery.holds(handed["submitted_at"].to_numpy())))
    return {
        "enrolments": new.select(
            *base,
            german_moment("enrolled_at").alias("Enrolled At"),
            german_moment("starts_at").alias("Starts At"),
            german_moment("due_at").alias("Due At"),
            pl.col("assigned_by").replace_strict([0, 1, 2], ["Self", "Manager", "HR"]).alias("Assigned By"),
            pl.col("attempt").cast(pl.String).alias("Attempt"),
        ),
        "progress": handed.sort("submitted_at", "worker", "number", "item").select(
            *base,
            pl.format("{}{}", pl.when(pl.col("item") % 2 == 0).then(pl.lit("Q")).otherwise(pl.lit("A")), "item").alias(
                "Item"
            ),
            german_moment("submitted_at").alias("Submitted At"),
            decimal_comma("score").alias("Score"),
            pl.col("days_late").cast(pl.String).alias("Days Late"),
        ),
        "completions": over.sort("ended_at", "worker", "number").select(
            *base,
            pl.col("status").replace_strict(list(range(len(STATUSES))), list(STATUSES)).alias("Status"),
            german_moment("ended_at").alias("Completed At"),
            decimal_comma("score").alias("Score"),
        ),
    }


def period_name(period: int) -> str:
    """2024H1 for the first review period (November to April), 2024H2 for the next."""
    return f"{2024 + period // 2}H{1 + period % 2}"


def review_frame(plan: Plan, performance: Performance, block: slice, delivery: Delivery) -> pl.DataFrame:
    """Reviews completed in this delivery, from the first exported period on."""
    is_out = performance.is_reviewed & delivery.holds(performance.completed)
    is_out[:, : plan.first_period] = False
    period, worker = (x.ravel() for x in np.nonzero(is_out.T))
    starts, ends = MONTH_STARTS[:-1:6], period_ends()
    names = np.array([period_name(p) for p in range(PERIODS)])
    frame = pl.DataFrame(
        {
            "worker": worker + block.start,
            "period": names[period],
            "period_start": starts[period],
            "period_end": ends[period],
            "completed_date": performance.completed[worker, period],
            "manager": performance.rating[worker, period],
            "self": performance.self_rating[worker, period],
        }
    )
    return frame.select(
        pl.format("RV-{}-{}", "period", WORKER).alias("review_id"),
        WORKER.alias("worker_id"),
        "period",
        pl.col("period_start", "period_end", "completed_date").dt.strftime("%Y-%m-%d"),
        pl.lit("Half-Year Review").alias("template"),
        decimal_comma("manager").alias("manager_rating"),
        decimal_comma("self").alias("self_rating"),
    )


def record_frame(plan: Plan, performance: Performance, block: slice, delivery: Delivery) -> pl.DataFrame:
    """Monthly work records exported in this delivery: at 22:00 on the last day of each month.

    `calibration_score` is the leak: the rating later agreed for the period, filled into every month of it
    once the period is over.
    """
    exported: Array = MONTH_STARTS[1:].astype("datetime64[s]") - np.timedelta64(2 * 3600, "s")
    is_out = performance.is_present & delivery.holds(exported)
    is_out[:, : MONTHS - 3 if plan.is_large else 0] = False
    month, worker = np.nonzero(is_out.T)
    period = month // (MONTHS // PERIODS)
    is_agreed = (period_ends() < delivery.end)[period] & performance.is_reviewed[worker, period]
    frame = pl.DataFrame(
        {
            "worker": worker + block.start,
            "month": MONTH_STARTS[month],
            "calibration": np.where(is_agreed, performance.rating[worker, period], np.nan),
            "exported": exported[month].astype("datetime64[ms]"),
        }
        | {name: getattr(performance, name)[worker, month] for name in MEASURES}
    )
    agreed = pl.when(pl.col("calibration").is_nan()).then(None).otherwise(pl.col("calibration"))
    return frame.select(
        WORKER.alias("worker_id"),
        pl.col("month").dt.strftime("%Y-%m"),
        *(pl.col(name).cast(pl.String) for name in MEASURES),
        agreed.cast(pl.String).alias("calibration_score"),
        pl.col("exported").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("exported_at"),
    )


MEASURES = ("hours_worked", "overtime_hours", "absence_days", "tasks_completed", "quality_score", "customer_score")
