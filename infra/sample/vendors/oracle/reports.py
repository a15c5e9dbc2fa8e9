"""Reports of BI Publisher as CSV: SQL aliases, a BOM, days as midnights of UTC, `.6` for 0.6, a file a country."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample import names
from infra.sample.dialects import Table
from infra.sample.vendors.oracle import KINDS
from infra.sample.vendors.oracle.loader import EMPLOYERS
from infra.sample.workday import requisition_rows, worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
CHUNK = 1_000
"""Rows that are printed at once."""
OPEN_END = "4712-12-31T00:00:00.000+00:00"


def write_worker_reports(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the report of all workers, burst by legislation: a file a country.

    Returns:
        The number of workers.
    """
    rows, count = map(worker_record, worker_rows(plan, workers, delivery)), 0
    with ExitStack() as stack:
        files = {
            code: stack.enter_context(Table(_report(out, f"WORKERS_{delivery.period}_{code}"), has_bom=True))
            for code in names.COUNTRIES
        }
        while chunk := list(islice(rows, CHUNK)):
            frame = pl.DataFrame(chunk, schema=dict.fromkeys(chunk[0], pl.String))
            for code, file in files.items():
                file.append(frame.filter(pl.col("LEGISLATION_CODE") == code))
            count += len(chunk)
    return count


def worker_record(row: Row) -> Row:
    """A row of the report: the slice of the day, the end of time where nobody has left."""
    is_given = row["Analytics_Consent"] == "1"
    return {
        "PERSON_NUMBER": row["Worker_ID"],
        "WORKER_TYPE": KINDS[row["Worker_Type"]],
        "DATE_START": midnight(row["Hire_Date"]),
        "FIRST_DATE_START": midnight(row["Original_Hire_Date"]),
        "ACTUAL_TERMINATION_DATE": midnight(row["Termination_Date"]) or OPEN_END,
        "EFFECTIVE_START_DATE": midnight(row["Hire_Date"]),
        "EFFECTIVE_END_DATE": OPEN_END,
        "JOB_FAMILY_CODE": row["Job_Family_ID"],
        "GRADE_CODE": row["Management_Level_ID"],
        "LEGAL_EMPLOYER_NAME": EMPLOYERS[row["Country_ISO"]],
        "LEGISLATION_CODE": row["Country_ISO"],
        "MANAGER_PERSON_NUMBER": row["Manager_Worker_ID"],
        "FTE": row["FTE"].removesuffix(".0").removeprefix("0"),
        # Half of those who gave none were never asked.
        "ANALYTICS_CONSENT": "Y" if is_given else ("N" if int(row["Worker_ID"]) % 2 else None),
        "LAST_UPDATE_DATE": moment(row["Last_Functionally_Updated"]),
    }


def write_requisition_report(hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the report of all requisitions.

    Returns:
        The number of requisitions.
    """
    rows = [requisition_record(row) for row in requisition_rows(hiring, workers, delivery)]
    with Table(_report(out, f"REQUISITIONS_{delivery.period}"), has_bom=True) as file:
        file.append(pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String)))
    return len(rows)


def requisition_record(row: Row) -> Row:
    """A row of the report."""
    return {
        "REQUISITION_NUMBER": row["Requisition_ID"],
        "TITLE": row["Title"],
        "PHASE": "Requisition Open" if row["Status"] == "Open" else "Requisition Closed",
        "STATE": {"Open": "Open - Posted", "Filled": "Filled", "Closed": "Closed"}[row["Status"]],
        "OPEN_DATE": midnight(row["Created_Date"]),
        "FILLED_DATE": midnight(row["Filled_Date"]),
        "JOB_FAMILY_CODE": row["Job_Family_ID"],
        "NUMBER_OF_OPENINGS": row["Openings_Total"],
        "HIRING_MANAGER_NUMBER": row["Hiring_Manager_Worker_ID"],
        "EXTERNAL_DESCRIPTION": row["Job_Description"],
        "LAST_UPDATE_DATE": moment(row["Last_Functionally_Updated"]),
    }


def midnight(text: str | None) -> str | None:
    """`2020-03-02` as `2020-03-02T00:00:00.000+00:00`, midnight whose offset means nothing."""
    return None if text is None else f"{text}T00:00:00.000+00:00"


def moment(text: str) -> str:
    """`2021-04-19T01:35:44.000Z` as `2021-04-19T01:35:44.000+00:00`."""
    return text.removesuffix("Z") + "+00:00"


def _report(out: Path, name: str) -> Path:
    return out / "oracle" / f"{name}.csv"
