"""Learning as a dump of SCORM attempts holds it: one row for each learner, course and attempt, CMI values in it.

SCORM 2004 tells completing and succeeding apart: who fails may have seen all of a course or not. SCORM 1.2 has one
status for both. A dump knows neither withdrawals nor dates of enrolment: such an attempt is incomplete for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.sample.dialects import Table

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

STATUSES = {
    "Completed": ("completed", "passed"),
    "Failed": ("completed", "failed"),
    "Withdrawn": ("incomplete", "unknown"),
    "Expired": ("not attempted", "unknown"),
}


def write_attempts(frames: dict[str, pl.DataFrame], delivery: Delivery, out: Path) -> int:
    """Write the attempts that ended in a delivery.

    Args:
        frames: Of `tables.learning_frames`.
        delivery: Names the file.
        out: The company's exports folder.

    Returns:
        The number of attempts.
    """
    rows = attempts(frames)
    with Table(out / "scorm" / f"attempts_{delivery.period}.csv") as file:
        file.append(rows)
    return len(rows)


def write_attempts_12(frames: dict[str, pl.DataFrame], delivery: Delivery, out: Path) -> int:
    """The same attempts as SCORM 1.2 tells them; in one more, somebody only looked around.

    Returns:
        The number of attempts, without that one.
    """
    rows = attempts_12(frames)
    browsed = rows.head(1).with_columns(pl.lit("browsed").alias("cmi.core.lesson_status"), attempt=pl.lit("9"))
    with Table(out / "scorm" / f"attempts_12_{delivery.period}.csv") as file:
        file.append(pl.concat([rows, browsed]))
    return len(rows)


def attempts_12(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """[n_attempts] CMI values as text; of courses that judge nobody, who is through has completed, not passed."""
    ended = _ended(frames)
    status = pl.col("Status").replace_strict(
        {"Completed": "passed", "Failed": "failed", "Withdrawn": "incomplete", "Expired": "not attempted"}
    )
    judges = pl.col("Course ID").str.slice(-1).str.to_integer() % 2 == 0
    score = pl.col("Score").str.replace(",", ".", literal=True)
    return ended.select(
        pl.col("Employee ID").alias("learner_id"),
        pl.col("Course ID").alias("course_id"),
        pl.col("Attempt").alias("attempt"),
        pl.when((status == "passed") & ~judges)
        .then(pl.lit("completed"))
        .otherwise(status)
        .alias("cmi.core.lesson_status"),
        score.alias("cmi.core.score.raw"),
        pl.when(score.is_not_null()).then(pl.lit("0")).alias("cmi.core.score.min"),
        pl.when(score.is_not_null()).then(pl.lit("100")).alias("cmi.core.score.max"),
        pl.lit("0001:30:05.50").alias("cmi.core.total_time"),
        _last_access(),
    )


def attempts(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """[n_attempts] CMI values as text; of those who failed every other one did not see the end."""
    ended = _ended(frames)
    status = pl.col("Status")
    is_cut = (status == "Failed") & (pl.int_range(pl.len()) % 2 == 1)
    completion = status.replace_strict({name: pair[0] for name, pair in STATUSES.items()})
    score = pl.col("Score").str.replace(",", ".", literal=True)
    return ended.select(
        pl.col("Employee ID").alias("learner_id"),
        pl.col("Course ID").alias("course_id"),
        pl.col("Attempt").alias("attempt"),
        pl.when(is_cut).then(pl.lit("incomplete")).otherwise(completion).alias("cmi.completion_status"),
        status.replace_strict({name: pair[1] for name, pair in STATUSES.items()}).alias("cmi.success_status"),
        score.alias("cmi.score.raw"),
        pl.when(score.is_not_null()).then(pl.lit("0")).alias("cmi.score.min"),
        pl.when(score.is_not_null()).then(pl.lit("100")).alias("cmi.score.max"),
        pl.lit("PT1H30M5.5S").alias("cmi.total_time"),
        _last_access(),
    )


def _ended(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """How enrolments ended, and which attempt they were."""
    numbers = frames["enrolments"].unique("Enrollment ID").select("Enrollment ID", "Attempt")
    return frames["completions"].join(numbers, on="Enrollment ID", how="left", maintain_order="left")


def _last_access() -> pl.Expr:
    moment = pl.col("Completed At").str.to_datetime("%d.%m.%Y %H:%M")
    return moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("last_access")
