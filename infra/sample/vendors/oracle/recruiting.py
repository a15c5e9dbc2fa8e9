"""Reports of BI Publisher on Oracle Recruiting: candidates, submissions, and the phases that each went through.

An application is in a phase, and within it in a state; a row of the history has a phase from when it was entered until
it was left, the state that it was left in, and the phase that came next where somebody moved the application on.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample.dialects import Table
from infra.sample.vendors.oracle.reports import moment, write_requisition_report
from infra.sample.workday import application_rows, candidate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
PHASES = {
    "APPLIED": "New",
    "SCREEN": "Screening",
    "INTERVIEW": "Interview and Selection",
    "OFFER": "Offer",
    "HIRED": "HR",
}
STATES = {
    "In Process": "Under Consideration",
    "Rejected": "Rejected by Employer",
    "Withdrawn": "Withdrawn by Candidate",
    "Hired": "Processed",
    "Closed": "Requisition Closed",
    "Draft": "Not Confirmed",
}
ENDS = {None: STATES["In Process"], "Advanced": "Selected", "Moved Back": "Selected"} | STATES
"""How a phase ended -> the state in which it was left."""


def write_hiring(plan: Plan, hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write the four reports.

    Returns:
        Rows per report.
    """
    applications = list(application_rows(hiring, delivery))
    told = {
        "CANDIDATES": list(map(candidate, candidate_rows(plan, hiring, delivery, set()))),
        "SUBMISSIONS": list(map(submission, applications)),
        "SUBMISSION_PHASES": [row for application in applications for row in phases(application)],
    }
    for name, rows in told.items():
        with Table(out / "oracle" / f"{name}_{delivery.period}.csv", has_bom=True) as file:
            file.append(pl.DataFrame(rows[::-1], schema=dict.fromkeys(rows[0], pl.String)))
    requisitions = write_requisition_report(hiring, workers, delivery, out)
    return {"REQUISITIONS": requisitions} | {name: len(rows) for name, rows in told.items()}


def candidate(row: Row) -> Row:
    """A row of the report of candidates; half of those who gave no consent were never asked."""
    is_given, number = row["Consent_Given"] == "1", int(row["Candidate_ID"].partition("-")[2])
    return {
        "CANDIDATE_NUMBER": row["Candidate_ID"],
        "PERSON_NUMBER": row["Employee_ID"],
        "FIRST_NAME": row["Legal_First_Name"],
        "LAST_NAME": row["Legal_Last_Name"],
        "EMAIL_ADDRESS": row["Email"],
        "PHONE_NUMBER": row["Phone"],
        "COUNTRY": row["Country_ISO"],
        "SOURCE": row["Source"],
        "CONSENT": "Y" if is_given else ("N" if number % 2 else None),
        "CREATION_DATE": moment(row["Created_Moment"]),
        "LAST_UPDATE_DATE": moment(row["Last_Updated_Moment"]),
    }


def submission(row: Row) -> Row:
    """A row of the report of submissions."""
    return {
        **_of(row),
        "PHASE": PHASES[row["Current_Stage_ID"]],
        "STATE": STATES[row["Current_Status"]],
        "SUBMISSION_DATE": moment(row["Applied_Moment"]),
        "LAST_UPDATE_DATE": moment(row["Last_Updated_Moment"]),
    }


def phases(row: Row) -> Iterator[Row]:
    """The rows of a submission in the report of phases."""
    for one, following in pairwise([*row["Stage_History_group"], None]):
        ended, outcome = one.get("Completed_Moment"), one.get("Outcome")
        is_moved = ENDS[outcome] == "Selected" and following is not None
        yield {
            **_of(row),
            "PHASE": PHASES[one["Stage_ID"]],
            "STATE": ENDS[outcome],
            "NEXT_PHASE": PHASES[following["Stage_ID"]] if is_moved else None,
            "ENTERED_DATE": moment(one["Started_Moment"]),
            "LEFT_DATE": moment(ended) if ended else None,
            "MOVED_BY": "AUTOMATION" if one["Decided_By"] == "Rule" else "USER",
            "CURRENT_STATE": STATES[row["Current_Status"]],
        }


def _of(row: Row) -> Row:
    return {
        "SUBMISSION_NUMBER": row["Application_ID"],
        "CANDIDATE_NUMBER": row["Candidate_ID"],
        "REQUISITION_NUMBER": row["Requisition_ID"],
    }
