"""Workday reports as RaaS prints them with format=csv, for an account whose locale is US English.

The rows of `workday` under column headings: days and moments in the account's locale, booleans as Yes and No, each
member of a repeated group as a row of its own, which repeats what stands beside the group.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.sample import workday
from infra.sample.dialects import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
BOM = b"\xef\xbb\xbf"
ATTACHMENT = ("File_Name", "Content_WID")
STAGE = ("Stage_ID", "Step", "Started_Moment", "Completed_Moment", "Outcome", "Decided_By")
BOOLEANS = {"Analytics_Consent", "Regrettable_Termination", "Is_Evergreen", "Consent_Given", "Do_Not_Hire"}
YES_NO = {"1": "Yes", "0": "No"}


def write_workers(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write HRML_Workers.

    Returns:
        Rows without the header; the same for the other reports.
    """
    return _write(out, "HRML_Workers", delivery, workday.worker_rows(plan, workers, delivery))


def write_requisitions(workers: Workers, hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write HRML_Requisitions."""
    return _write(out, "HRML_Requisitions", delivery, workday.requisition_rows(hiring, workers, delivery))


def write_candidates(plan: Plan, hiring: Hiring, delivery: Delivery, with_resume: set[int], out: Path) -> int:
    """Write HRML_Candidates; `with_resume` are indices of candidates."""
    rows = workday.candidate_rows(plan, hiring, delivery, with_resume)
    return _write(out, "HRML_Candidates", delivery, exploded(rows, "Resume_Attachment_Group", ATTACHMENT))


def write_applications(hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write HRML_Applications, a row a stage."""
    rows = workday.application_rows(hiring, delivery)
    return _write(out, "HRML_Applications", delivery, exploded(rows, "Stage_History_group", STAGE))


def exploded(rows: Iterable[Row], group: str, fields: tuple[str, ...]) -> Iterator[Row]:
    """A row for each member of a repeated group, and one with empty fields where there is no member."""
    for row in rows:
        beside = {name: value for name, value in row.items() if name != group} | dict.fromkeys(fields)
        for member in row[group] or [{}]:
            yield beside | member


def _write(out: Path, report: str, delivery: Delivery, rows: Iterable[Row]) -> int:
    count = 0
    with replacing(out / "workday_csv" / f"{report}_{delivery.period}.csv") as file:
        file.write(BOM)
        for row in rows:
            if not count:
                file.write(_line([heading(name) for name in row]))
            file.write(_line([cell(name, value) for name, value in row.items()]))
            count += 1
    return count


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def heading(name: str) -> str:
    """What a column is headed, other than by its alias: `Worker_ID` as Worker ID."""
    return name.replace("_", " ")


def cell(name: str, value: str | None) -> str:
    """A value as the account's locale prints it, such as 04/19/2021 01:35:44 AM; empty where there is none."""
    if value is None:
        return ""
    if name in BOOLEANS:
        return YES_NO[value]
    if name.endswith("_Date"):
        return f"{datetime.fromisoformat(value):%m/%d/%Y}"
    if name.endswith(("_Moment", "_Updated")):
        return f"{datetime.fromisoformat(value):%m/%d/%Y %I:%M:%S %p}"
    return value
