"""Learning as Cornerstone's Data Exporter writes it: five of its replicated tables as CSV, numbers of its own in all.

A transcript has a row for each time somebody registered for a training, counted by `reg_num`. What a status is called,
and a training, stands in tables of texts, once a language. Besides, there is what is no learning here: training that
somebody reported of themselves, and rows that an administrator removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.sample.dialects import Table
from infra.sample.workday import wid

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

CULTURES = ("1", "7")
"""English and German."""
STATUSES = {
    "Registered": ("1", "Registriert"),
    "Completed": ("4", "Abgeschlossen"),
    "Incomplete": ("6", "Nicht bestanden"),
    "Withdrawn": ("9", "Storniert"),
    "Past Due": ("14", "Überfällig"),
}
"""English name -> number and German name."""
ENDS = {"Completed": "Completed", "Failed": "Incomplete", "Withdrawn": "Withdrawn", "Expired": "Past Due"}
FIRST_USER = 40_000


def write_tables(
    frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery, out: Path
) -> dict[str, int]:
    """Write users, trainings and their names, names of statuses, and transcripts.

    Args:
        frames: Of `tables.learning_frames`.
        catalogue: Of `tables.course_frame`.
        delivery: Names the files.
        out: The company's exports folder.

    Returns:
        Rows by table.
    """
    made = {
        "users_core": users(frames["enrolments"]),
        "training_core": trainings(catalogue),
        "training_local_core": titles(catalogue),
        "transcript_status_local_core": statuses(),
        "transcript_core": transcripts(frames),
    }
    for name, frame in made.items():
        with Table(out / "cornerstone" / f"{name}_{delivery.period}.csv") as table:
            table.append(frame)
    return {name: len(frame) for name, frame in made.items()}


def users(enrolments: pl.DataFrame) -> pl.DataFrame:
    """Users; `user_ref` is the worker's number."""
    numbers = enrolments["Employee ID"].unique().sort()
    return pl.DataFrame({"user_id": (numbers.str.to_integer() + FIRST_USER).cast(pl.String), "user_ref": numbers})


def training_id(course: str) -> str:
    """A GUID, as Cornerstone names trainings."""
    text = wid("cornerstone", course)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def trainings(catalogue: pl.DataFrame) -> pl.DataFrame:
    """Trainings; one was brought along from elsewhere. What comes to an end is deactivated on the day after."""
    told = catalogue.with_columns(
        (pl.col("Offered Until").str.to_datetime("%d.%m.%Y", strict=False) + pl.duration(days=1))
        .dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
        .fill_null("")
    )
    own = [
        (training_id(course), course, "Online Class", active[0], ended)
        for course, active, ended in told.select("Course ID", "Active", "Offered Until").rows()
    ]
    external = (training_id("external"), "", "External Training", "Y", "")
    names = ["object_id", "lo_ref", "lo_type", "lo_active", "deactivation_dt"]
    return pl.DataFrame([*own, external], names, orient="row")


def titles(catalogue: pl.DataFrame) -> pl.DataFrame:
    """Names of trainings, once a language."""
    rows = [
        (training_id(course), culture, title if culture == CULTURES[0] else f"{title} (DE)")
        for course, title in catalogue.select("Course ID", "Title").rows()
        for culture in CULTURES
    ]
    external = (training_id("external"), CULTURES[0], "A talk somewhere")
    return pl.DataFrame([*rows, external], ["object_id", "culture_id", "lo_title"], orient="row")


def statuses() -> pl.DataFrame:
    """Names of statuses, once a language."""
    rows = [(number, CULTURES[0], name) for name, (number, _) in STATUSES.items()]
    rows += [(number, CULTURES[1], german) for number, german in STATUSES.values()]
    return pl.DataFrame(rows, ["user_lo_status_id", "culture_id", "user_lo_status"], orient="row")


def transcripts(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Every registration as it stands; the last two rows are no learning of this company."""
    ended = frames["completions"].select("Enrollment ID", "Status", "Completed At", "Score")
    rows = frames["enrolments"].join(ended, on="Enrollment ID", how="left", maintain_order="left")
    names = pl.col("Status").replace_strict(ENDS, default="Registered").fill_null("Registered")
    passed = pl.col("Status").replace_strict({"Completed": "1", "Failed": "0"}, default=None)
    objects = {course: training_id(course) for course in rows["Course ID"].unique()}
    own = rows.select(
        (pl.col("Employee ID").str.to_integer() + FIRST_USER).cast(pl.String).alias("user_id"),
        pl.col("Course ID").replace_strict(objects).alias("object_id"),
        pl.col("Attempt").alias("reg_num"),
        names.replace_strict({name: pair[0] for name, pair in STATUSES.items()}).alias("user_lo_status_id"),
        passed.alias("user_lo_pass"),
        pl.col("Score").str.replace(",", ".", literal=True).alias("user_lo_score"),
        _moment("Enrolled At").alias("user_lo_reg_dt"),
        _moment("Starts At").alias("user_lo_start_dt"),
        _moment("Due At").alias("user_lo_min_due_date"),
        pl.when(pl.col("Status") == "Completed").then(_moment("Completed At")).alias("user_lo_comp_dt"),
        pl.coalesce(_moment("Completed At"), _moment("Enrolled At")).alias("user_lo_last_modified_dt"),
        pl.lit("0").alias("is_removed"),
    )
    external = own.head(1).with_columns(object_id=pl.lit(training_id("external")))
    removed = own.head(1).with_columns(reg_num=pl.lit("9"), is_removed=pl.lit("1"))
    return pl.concat([own, external, removed])


def _moment(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%d.%m.%Y %H:%M").dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
