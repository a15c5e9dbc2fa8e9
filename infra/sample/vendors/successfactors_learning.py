"""Learning as SuccessFactors Learning answers: a history of what somebody finished, in pages of an OData 4 list.

Moments are milliseconds since 1970 as bare numbers, a grade is text, an item is known by type, number and the moment of
its revision. Who withdrew or ran out of time has no history.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.sample.vendors.pages import write_pages

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from infra.sample.plan import Delivery

PAGE = 1_000
Row = dict[str, Any]
ENDS = {"Completed": ("ONLINE_COMPLETE", True), "Failed": ("ONLINE_FAILED", False)}
"""How it ended -> the company's status, and whether that gives credit."""
CONTEXT = "$metadata#learninghistorys"
REVISED = 1_546_300_800_000
"""When every item was last revised: 1 January 2019."""


def write_history(frames: dict[str, pl.DataFrame], catalogue: pl.DataFrame, delivery: Delivery, out: Path) -> int:
    """Write the history, a file a page.

    Args:
        frames: Of `tables.learning_frames`.
        catalogue: Of `tables.course_frame`.
        delivery: Names the files.
        out: The company's exports folder.

    Returns:
        The number of records.
    """
    titles = dict(catalogue.select("Course ID", "Title").rows())
    ended = frames["completions"].iter_rows(named=True)
    rows = (record(row, titles[row["Course ID"]]) for row in ended if row["Status"] in ENDS)
    stem = out / "successfactors" / f"learninghistorys_{delivery.period}"
    return write_pages(stem, rows, PAGE, lambda records, _has_next: {"@odata.context": CONTEXT, "value": records})


def record(row: Row, title: str) -> Row:
    """One item that somebody finished."""
    status, has_credit = ENDS[row["Status"]]
    at = milliseconds(row["Completed At"])
    return {
        "userID": row["Employee ID"],
        "componentTypeID": "COURSE",
        "componentID": row["Course ID"],
        "revisionDate": REVISED,
        "title": title,
        "completionStatusID": status,
        "status": "Completed" if has_credit else "Failed",
        "provideCredit": has_credit,
        "completionDate": at,
        "grade": row["Score"].replace(",", ".") if row["Score"] else None,
        "totalHours": 1.5,
        "creditHours": 1.5 if has_credit else 0.0,
        "cpeHours": 0.0,
        "contactHours": 0.0,
        "scheduleID": None,
        "instructorName": None,
        "lastUpdateTimestamp": at,
    }


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of a moment as the company's learning system prints it, which is UTC."""
    return int(datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=UTC).timestamp()) * 1_000
