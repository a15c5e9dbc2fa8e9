"""Hiring as Greenhouse's Harvest API prints it, version 3.

The same requisitions, candidates and applications as in `workday`, from its rows, in another vendor's words: its own
whole numbers as ids, UTC with milliseconds, job posts in HTML, every custom field with its name and type. In version 3
each thing is a list of its own that points to others by id; a list comes in pages without a wrapper.

Besides, there is what must not become a requisition, a candidate or an application: a template and a draft among the
jobs, a private candidate, a prospect, an offer that another one took the place of.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import vocabulary as words
from infra.sample.vendors.pages import write_pages
from infra.sample.workday import application_rows, candidate_rows, requisition_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

PAGE = 500
Row = dict[str, Any]

JOB, POST, CANDIDATE, APPLICATION = 4_000_000_000, 4_500_000_000, 17_000_000_000, 21_000_000_000
OPENING, JOB_STAGE, ENTRY, OFFER, REJECTION = 5_000_000_000, 6_000_000_000, 30_000_000_000, 8_000_000_000, 9_000_000_000
DEPARTMENT, SOURCE, USER = 500, 900, 3_000_000
"""What ids begin with; the company's own numbers are in fields for it."""

STAGES = {"APPLIED": "Application Review", "SCREEN": "Phone Screen", "INTERVIEW": "Onsite", "OFFER": "Offer"}
"""A hire is no stage."""
SOURCES = {
    "Career_Site": "Jobs page on your website",
    "Job_Board": "Indeed",
    "Referral": "Referral",
    "Agency": "Agency submission",
    "Social_Media": "LinkedIn (Social Media)",
    "Internal": "Internal Applicant",
}
HIRE, CANCELLED = 61, 62
CLOSE_REASONS = {HIRE: "Hire - New Headcount", CANCELLED: "Requisition Cancelled"}
US, THEM = ("WE_REJECTED_THEM", "We rejected them"), ("THEY_REJECTED_US", "They rejected us")
REASONS = {
    "KNOCKOUT": (701, "Knockout question", US),
    "NOT_QUALIFIED": (702, "Lacking skill(s)/qualification(s)", US),
    "CANDIDATE_WITHDREW": (703, "Wasn't interested", THEM),
}
PRIVATE = 999_999
"""The number of a candidate whom few may see, and of their application."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The company's rows of one delivery.

    Attributes:
        hired: Requisition -> applications that led to a hire.
        sources: Candidate -> where they came from, in Greenhouse's words.
    """

    requisitions: Sequence[Row]
    candidates: Sequence[Row]
    applications: Sequence[Row]
    hired: Mapping[str, Sequence[Row]]
    sources: Mapping[str, str]


def rows_of(plan: Plan, hiring: Hiring, workers: Workers, delivery: Delivery) -> Rows:
    """What is printed; the delivery must have the candidates of all its applications."""
    applications = list(application_rows(hiring, delivery))
    candidates = list(candidate_rows(plan, hiring, delivery, set()))
    hired: dict[str, list[Row]] = {}
    for row in applications:
        if row["Current_Status"] == "Hired":
            hired.setdefault(row["Requisition_ID"], []).append(row)
    sources = {row["Candidate_ID"]: SOURCES[row["Source"]] for row in candidates}
    return Rows(list(requisition_rows(hiring, workers, delivery)), candidates, applications, hired, sources)


def write_harvest(plan: Plan, hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write what version 3 answers, a file a page of a list.

    Returns:
        Records per list.
    """
    rows = rows_of(plan, hiring, workers, delivery)
    lists: dict[str, Iterable[Row]] = {
        "jobs": chain(map(job, rows.requisitions), _no_requisitions()),
        "job_posts": chain.from_iterable(map(posts, rows.requisitions)),
        "openings": chain.from_iterable(openings(row, rows.hired) for row in rows.requisitions),
        "close_reasons": ({"id": key, "name": name} for key, name in CLOSE_REASONS.items()),
        "departments": departments(),
        "job_interview_stages": chain.from_iterable(map(job_stages, rows.requisitions)),
        "sources": ({"id": SOURCE + n, "name": name} for n, name in enumerate(SOURCES.values())),
        "rejection_reasons": map(reason_of, REASONS.values()),
        "candidates": chain(map(candidate, rows.candidates), [_private_candidate(rows.candidates[0])]),
        "applications": chain((application(row, rows) for row in rows.applications), _no_applications(rows)),
        "application_stages": chain.from_iterable(map(stage_entries, rows.applications)),
        "rejection_details": (rejection(row) for row in rows.applications if row["Disposition_ID"]),
        "offers": chain.from_iterable(map(offers, rows.applications)),
    }
    folder = out / "greenhouse"
    return {name: write_pages(folder / f"{name}_{delivery.period}", made, PAGE) for name, made in lists.items()}


def job(row: Row) -> Row:
    """A job: `requisition_id` is what the company calls it."""
    number = number_of(row["Requisition_ID"])
    return {
        "id": JOB + number,
        "created_at": f"{row['Created_Date']}T08:30:00.000Z",
        "updated_at": row["Last_Functionally_Updated"],
        "name": row["Title"],
        "requisition_id": row["Requisition_ID"],
        "notes": None,
        "status": "open" if row["Status"] == "Open" else "closed",
        "confidential": False,
        "is_template": False,
        "copied_from_id": None,
        "department_id": DEPARTMENT + _family(row["Job_Family_ID"]),
        "office_ids": [],
        "opened_at": f"{row['Created_Date']}T09:00:00.000Z",
        "closed_at": _closed(row),
        "custom_fields": {"hiring_manager_number": custom("Hiring manager", row["Hiring_Manager_Worker_ID"])},
    }


def _closed(row: Row) -> str | None:
    return None if row["Status"] == "Open" else f"{row['Last_Functionally_Updated'][:10]}T17:00:00.000Z"


def _no_requisitions() -> Iterator[Row]:
    """A template, and a job that nobody has opened yet."""
    empty: Row = {
        "requisition_id": None,
        "opened_at": None,
        "closed_at": None,
        "department_id": None,
        "custom_fields": {},
    }
    moment = {"created_at": "2024-01-08T10:00:00.000Z", "updated_at": "2024-01-08T10:00:00.000Z"}
    yield {"id": JOB + 900_001, "name": "Template", "status": "open", "is_template": True, **moment, **empty}
    yield {"id": JOB + 900_002, "name": "Draft", "status": "draft", "is_template": False, **moment, **empty}


def posts(row: Row) -> Iterator[Row]:
    """The external post of a job, a paragraph a sentence; every fifth job has one for the people within too."""
    number = number_of(row["Requisition_ID"])
    sentences = row["Job_Description"].replace(". ", ".\n").split("\n")
    content = "\n".join(f"<p>{escape(sentence, quote=False)}</p>" for sentence in sentences)
    common = {"job_id": JOB + number, "title": row["Title"], "language": "en", "active": True, "questions": []}
    moments = {
        "created_at": f"{row['Created_Date']}T09:05:00.000Z",
        "updated_at": f"{row['Created_Date']}T09:05:00.000Z",
    }
    yield {
        "id": POST + 2 * number,
        "internal": False,
        "content": content,
        "internal_content": None,
        **common,
        **moments,
    }
    if number % 5 == 0:
        inside = "<p>Apply by <strong>Friday</strong>.</p>"
        yield {
            "id": POST + 2 * number + 1,
            "internal": True,
            "content": inside,
            "internal_content": inside,
            **common,
            **moments,
        }


def openings(row: Row, hired: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """Every place of a job: filled by an application, closed without, or open."""
    number = number_of(row["Requisition_ID"])
    filled = hired.get(row["Requisition_ID"], [])
    for n in range(int(row["Openings_Total"])):
        by = filled[n] if n < len(filled) else None
        closed = _ended(by) if by else _closed(row)
        yield {
            "id": OPENING + 100 * number + n,
            "created_at": f"{row['Created_Date']}T08:30:00.000Z",
            "updated_at": closed or f"{row['Created_Date']}T09:00:00.000Z",
            "job_id": JOB + number,
            "opening_id": f"{row['Requisition_ID']}-{n + 1}",
            "open": closed is None,
            "opened_at": f"{row['Created_Date']}T09:00:00.000Z",
            "closed_at": closed,
            "close_reason_id": None if closed is None else HIRE if by else CANCELLED,
            "application_id": APPLICATION + number_of(by["Application_ID"]) if by else None,
            "target_start_on": row["Target_Hire_Date"],
            "sort_order": n,
            "custom_fields": {},
        }


def departments() -> Iterator[Row]:
    """Departments with what the company calls them."""
    for n, family in enumerate(words.FAMILIES):
        yield {"id": DEPARTMENT + n, "name": f"{family.titles[0]}s", "parent_id": None, "external_id": family.code}


def job_stages(row: Row) -> Iterator[Row]:
    """A job's own stages: their names repeat, their ids do not."""
    number = number_of(row["Requisition_ID"])
    for n, name in enumerate(STAGES.values()):
        yield {
            "id": JOB_STAGE + 10 * number + n,
            "job_id": JOB + number,
            "name": name,
            "sort_order": n,
            "active": True,
        }


def candidate(row: Row) -> Row:
    """A candidate; what Greenhouse has no field for stands in custom ones. No answer on consent may be null or no."""
    number = number_of(row["Candidate_ID"])
    consent = True if row["Consent_Given"] == "1" else (None, False)[number % 2]
    return {
        "id": CANDIDATE + number,
        "created_at": row["Created_Moment"],
        "updated_at": row["Last_Updated_Moment"],
        "first_name": row["Legal_First_Name"],
        "last_name": row["Legal_Last_Name"],
        "preferred_name": None,
        "company": None,
        "title": None,
        "last_activity_at": row["Last_Updated_Moment"],
        "private": False,
        "can_email": True,
        "time_zone": None,
        "tags": [],
        "linked_user_ids": [],
        "phone_numbers": [{"value": row["Phone"], "type": "mobile"}],
        "addresses": [],
        "email_addresses": [{"value": row["Email"], "type": "personal"}],
        "website_addresses": [],
        "social_media_addresses": [],
        "custom_fields": {
            "candidate_number": custom("Candidate number", row["Candidate_ID"]),
            "employee_number": custom("Employee number", row["Employee_ID"]),
            "country": custom("Country", row["Country_ISO"], "single_select"),
            "analytics_consent": custom("May be used for analyses", consent, "yes_no"),
        },
    }


def _private_candidate(like: Row) -> Row:
    return candidate({**like, "Candidate_ID": f"C-{PRIVATE}", "Employee_ID": None}) | {"private": True}


def application(row: Row, rows: Rows) -> Row:
    """An application. A candidate who withdraws is rejected, too; the reason says who left whom."""
    number, requisition = number_of(row["Application_ID"]), number_of(row["Requisition_ID"])
    status = {"In Process": "in_process", "Hired": "hired"}.get(row["Current_Status"], "rejected")
    stage = list(STAGES).index(row["Current_Stage_ID"]) if status == "in_process" else None
    return {
        "id": APPLICATION + number,
        "created_at": row["Applied_Moment"],
        "updated_at": row["Last_Updated_Moment"],
        "agency_note_id": None,
        "candidate_id": CANDIDATE + number_of(row["Candidate_ID"]),
        "coordinator_id": None,
        "job_id": JOB + requisition,
        "job_post_id": POST + 2 * requisition,
        "recruiter_id": USER + requisition,
        "referrer_id": None,
        "source_id": SOURCE + list(SOURCES.values()).index(rows.sources[row["Candidate_ID"]]),
        "stage_id": None if stage is None else JOB_STAGE + 10 * requisition + stage,
        "stage_name": None if stage is None else STAGES[row["Current_Stage_ID"]],
        "status": status,
        "needs_decision": status == "in_process",
        "prospect": False,
        "rejected_at": _ended(row) if status == "rejected" else None,
        "last_activity_at": row["Last_Updated_Moment"],
        "location_address": None,
        "answers": [],
        "prospective_job_ids": [],
        "custom_fields": {"application_number": custom("Application number", row["Application_ID"])},
    }


def _no_applications(rows: Rows) -> Iterator[Row]:
    """A prospect, who applied to nothing, and the application of a private candidate."""
    like = rows.applications[0]
    private = {**like, "Application_ID": f"A-{PRIVATE}"}
    nowhere = {"prospect": True, "job_id": None, "job_post_id": None, "stage_id": None, "stage_name": None}
    yield application({**like, "Application_ID": f"A-{PRIVATE + 1}"}, rows) | nowhere | {"status": "in_process"}
    yield application(private, rows) | {"candidate_id": CANDIDATE + PRIVATE}


def stage_entries(row: Row) -> Iterator[Row]:
    """One entry a stage that was entered. When the first began is not known of applications that were brought over."""
    number, requisition = number_of(row["Application_ID"]), number_of(row["Requisition_ID"])
    for n, entry in enumerate(visits(row)):
        entered, exited = entry["Started_Moment"], entry.get("Completed_Moment")
        yield {
            "id": ENTRY + 10 * number + n,
            "created_at": entered,
            "updated_at": exited or entered,
            "application_id": APPLICATION + number,
            "job_interview_stage_id": JOB_STAGE + 10 * requisition + list(STAGES).index(entry["Stage_ID"]),
            "entered_at": None if n == 0 and number % 37 == 0 else entered,
            "exited_at": exited,
            "days_in_stage": _days(entered, exited) if exited else 0,
            "current": exited is None,
        }


def visits(row: Row) -> list[Row]:
    """Stages as they were entered: who is re-opened in one has been there all the time, and was never rejected."""
    made: list[Row] = []
    for entry in row["Stage_History_group"]:
        if made and made[-1]["Stage_ID"] == entry["Stage_ID"]:
            made[-1] = {**entry, "Started_Moment": made[-1]["Started_Moment"]}
        elif entry["Stage_ID"] in STAGES:
            made.append(entry)
    return made


def rejection(row: Row) -> Row:
    """How an application ended without a hire. Nobody rejected it where a rule did."""
    number = number_of(row["Application_ID"])
    is_rule = row["Stage_History_group"][-1]["Decided_By"] == "Rule"
    return {
        "id": REJECTION + number,
        "created_at": _ended(row),
        "updated_at": _ended(row),
        "application_id": APPLICATION + number,
        "rejected_at": _ended(row),
        "rejected_by_id": None if is_rule else USER + number_of(row["Requisition_ID"]),
        "rejection_reason_id": REASONS[row["Disposition_ID"]][0],
        "rejection_note_id": None,
        "question_custom_fields": {},
    }


def offers(row: Row) -> Iterator[Row]:
    """The offer that was accepted, after a first version of it; and the one that somebody declined."""
    last = row["Stage_History_group"][-1]
    if row["Current_Status"] == "Hired":
        yield _offer(row, 1, "Deprecated")
        yield _offer(row, 2, "Accepted")
    elif last["Stage_ID"] == "OFFER":
        yield _offer(row, 1, "Rejected" if "Outcome" in last else "Created")


def _offer(row: Row, version: int, status: str) -> Row:
    number = number_of(row["Application_ID"])
    made = row["Stage_History_group"][3]["Started_Moment"]
    resolved = _ended(row) if status in ("Accepted", "Rejected") else None
    return {
        "id": OFFER + 10 * number + version,
        "created_at": made,
        "updated_at": resolved or made,
        "application_id": APPLICATION + number,
        "candidate_id": CANDIDATE + number_of(row["Candidate_ID"]),
        "job_id": JOB + number_of(row["Requisition_ID"]),
        "opening_id": None,
        "version": version,
        "status": status,
        "sent_on": made[:10],
        "starts_on": row["Hire_Date"],
        "resolved_at": resolved,
        "custom_fields": {},
    }


def reason_of(reason: tuple[int, str, tuple[str, str]]) -> Row:
    """A rejection reason, whose type says which side it was."""
    key, name, (code, side) = reason
    return {"id": key, "name": name, "type": {"id": 1 if code == US[0] else 2, "key": code, "name": side}}


def _days(start: str, end: str) -> int:
    """Calendar days from one moment to another."""
    return int(np.datetime64(end[:10], "D").astype(np.int64) - np.datetime64(start[:10], "D").astype(np.int64))


def _ended(row: Row) -> str:
    """When the last stage of an application that is over ended."""
    return str(row["Stage_History_group"][-1]["Completed_Moment"])


def custom(name: str, value: Any, kind: str = "short_text") -> Row:
    """A custom field as it is told."""
    return {"name": name, "type": kind, "value": value}


def _family(code: str) -> int:
    return next(n for n, family in enumerate(words.FAMILIES) if family.code == code)


def number_of(key: str) -> int:
    """`R-0012` -> 12."""
    return int(key.partition("-")[2])
