"""Learning as a dump of SCORM 2004 attempts holds it: one row for each learner, course and attempt, CMI values in it.

Completing and succeeding are told apart: who fails may have seen all of a course or not. A dump knows neither
withdrawals nor dates of enrolment: such an attempt is incomplete for ever.
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


def attempts(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """[n_attempts] CMI values as text; of those who failed every other one did not see the end."""
    ended = frames["completions"].join(
        frames["enrolments"].unique("Enrollment ID").select("Enrollment ID", "Attempt"),
        on="Enrollment ID",
        how="left",
        maintain_order="left",
    )
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
        pl.col("Completed At").str.to_datetime("%d.%m.%Y %H:%M").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("last_access"),
    )
