"""The planted bad rows and bad documents: what they are, how many, and where they go.

All go into the history; the two bad worker records come again with month 36, as a full report repeats them.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample.resumes import Line, pdf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.sample.plan import Delivery

DUPLICATES = {"enrolments": 3, "work_records": 4}
MALFORMED = {
    "worker_without_hire_date": 1,
    "worker_with_impossible_hire_date": 1,
    "application_for_unknown_requisition": 1,
    "completion_with_score_abc": 2,
    "review_with_rating_7": 1,
    "resume_encrypted": 1,
    "resume_wrong_type": 1,
    "resume_empty": 1,
}
PASSWORD = "not-for-readers"  # noqa: S105 - locks one planted resume so that nobody can read it
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
"""Begins as a PNG file does."""


def planted(delivery: Delivery) -> dict[str, dict[str, int]]:
    """Counts of the bad rows in one delivery."""
    if delivery.name == "history":
        return {"duplicates": DUPLICATES, "malformed": MALFORMED}
    workers = {name: count for name, count in MALFORMED.items() if name.startswith("worker_")}
    return {"duplicates": {}, "malformed": workers}


def bad_workers(rows: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """All rows, then two records of nobody: one without a hire date, one with an impossible one."""
    first = next(rows)
    ghost = {k: v for k, v in first.items() if not k.startswith(("Termination", "Regrettable", "Hired_From"))}
    ghosts = [
        ghost
        | {
            "Worker_ID": f"{count + n:06d}",
            "Worker_WID": f"{n:032x}",
            "Universal_ID": f"U{count + n:06d}",
            "Position_ID": f"P-{count + n:06d}",
            "Work_Email": f"w{count + n:06d}@company.example",
            "Manager_Worker_ID": first["Worker_ID"],
            "Hire_Date": hired,
            "Original_Hire_Date": hired,
        }
        for n, hired in enumerate((None, "2024-13-45"))
    ]
    return chain([first], rows, ghosts)


def bad_applications(rows: Iterator[dict[str, Any]], delivery: Delivery) -> Iterator[dict[str, Any]]:
    """All rows, and in the history a copy of the first one under a new id, for a requisition that never was."""
    if delivery.name != "history":
        return rows
    first = next(rows)
    return chain([first], rows, [first | {"Application_ID": "A-9999999", "Requisition_ID": "R-9999"}])


def repeated(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame with its first rows once more at its end, as many as DUPLICATES says for `name`."""
    return pl.concat([frame, frame.head(DUPLICATES[name])])


def replaced(frame: pl.DataFrame, is_match: pl.Expr, column: str, value: str, name: str) -> pl.DataFrame:
    """The frame with `column` set to `value` in the first matching rows, as many as MALFORMED says for `name`."""
    is_chosen = is_match & (is_match.cast(pl.UInt32).cum_sum() <= MALFORMED[name])
    return frame.with_columns(pl.when(is_chosen).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))


def bad_learning(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The first block's learning rows with duplicate enrolments and scores that are no numbers."""
    is_completed = pl.col("Status") == "Completed"
    completions = replaced(frames["completions"], is_completed, "Score", "abc", "completion_with_score_abc")
    return frames | {"enrolments": repeated(frames["enrolments"], "enrolments"), "completions": completions}


def bad_performance(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The first block's reviews and records with a rating off the scale and duplicate records."""
    reviews = replaced(
        frames["reviews"], pl.col("manager_rating").is_not_null(), "manager_rating", "7,0", "review_with_rating_7"
    )
    return {"reviews": reviews, "work_records": repeated(frames["work_records"], "work_records")}


def bad_resume(number: int, lines: list[Line]) -> bytes:
    """The bytes of the planted bad resumes, in order: encrypted, a picture under the name of a PDF, nothing."""
    if number == 0:
        return pdf(lines, PASSWORD)
    return PICTURE if number == 1 else b""
