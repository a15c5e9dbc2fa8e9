"""Reports of BI Publisher on interviews and on what was thought in them, a row an answer.

Besides, there is what must not count: an interview that was cancelled, and answers that were never submitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample.dialects import Table
from infra.sample.interviews import ORDER, Interview, Opinion, interviews
from infra.sample.vendors.oracle.recruiting import PHASES
from infra.sample.vendors.oracle.reports import moment
from infra.sample.workday import application_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery

Row = dict[str, Any]
TYPES = {"SCREEN": "PHONE", "INTERVIEW": "IN_PERSON"}
NOTE = "Was sick last year, but seems well again."


def write_interviews(hiring: Hiring, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write both reports.

    Returns:
        Rows per report.
    """
    applications = list(application_rows(hiring, delivery))
    whose = {row["Application_ID"]: row["Candidate_ID"] for row in applications}
    every = list(interviews(applications))
    first = every[0]
    cancelled = interview(first, whose) | {"INTERVIEW_ID": str(first.key + 9), "STATUS": "CANCELED"}
    given = [row for one in every for said in one.opinions for row in answers(one, said, whose)]
    told = {
        "INTERVIEWS": [*(interview(one, whose) for one in every), cancelled],
        "INTERVIEW_FEEDBACK": [*given, given[0] | {"FEEDBACK_ID": "1", "SUBMITTED_DATE": None}],
    }
    for name, rows in told.items():
        with Table(out / "oracle" / f"{name}_{delivery.period}.csv", has_bom=True) as file:
            file.append(pl.DataFrame(rows[::-1], schema=dict.fromkeys(rows[0], pl.String)))
    return {name: len(rows) for name, rows in told.items()}


def interview(one: Interview, whose: dict[str, str]) -> Row:
    """A row of the report of interviews."""
    return {
        "INTERVIEW_ID": str(one.key),
        "SUBMISSION_NUMBER": one.application,
        "CANDIDATE_NUMBER": whose[one.application],
        "PHASE": PHASES[one.stage],
        "INTERVIEW_TYPE": TYPES[one.stage],
        "STATUS": "COMPLETED" if one.opinions else "SCHEDULED",
        "INTERVIEWERS": "Bo Lang; Ada Quinn",
        "NOTES": NOTE,
        "CREATION_DATE": moment(one.arranged),
        "START_DATE": moment(one.starts),
        "END_DATE": moment(one.ends),
        "LAST_UPDATE_DATE": moment(one.opinions[-1].submitted if one.opinions else one.arranged),
    }


def answers(one: Interview, said: Opinion, whose: dict[str, str]) -> Iterator[Row]:
    """The rows of an opinion: the whole, and each thing that was looked at."""
    base = {
        "FEEDBACK_ID": str(said.key),
        "INTERVIEW_ID": str(one.key),
        "SUBMISSION_NUMBER": one.application,
        "CANDIDATE_NUMBER": whose[one.application],
        "SUBMITTED_DATE": moment(said.submitted),
        "COMMENTS": NOTE,
    }
    yield base | {"CRITERION": None, "RATING": None, "RECOMMENDATION": said.overall.upper()}
    for name, rating in said.criteria.items():
        level = str(ORDER.index(rating) + 1) if rating in ORDER else None
        yield base | {"CRITERION": name, "RATING": level, "RECOMMENDATION": None}
