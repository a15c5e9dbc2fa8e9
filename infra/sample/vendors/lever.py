"""Hiring as Lever's API prints it: opportunities, their applications, postings, requisitions, in pages with a cursor.

The same requisitions, candidates and applications as in `workday`, from its rows, in another vendor's words: moments as
milliseconds since 1970, one opportunity an application, everything that ends it in its archive reason, a history that
says which stage began when. The company's numbers stand where Lever has its own: a contact is the candidate's, an
opportunity the application's; a posting has the requisition's in `reqCode`.

Besides, there is what must not become an application: leads, a confidential and an anonymised opportunity.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from infra.sample.vendors.pages import write_pages
from infra.sample.workday import application_rows, candidate_rows, requisition_rows, wid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

PAGE = 100
Row = dict[str, Any]

LEAD = ("lead-new", 0, "New lead")
STAGES = {
    "APPLIED": ("applicant-new", 3, "New applicant"),
    "SCREEN": ("b0072803-1111-4b1f-8a00-000000000004", 4, "Phone screen"),
    "INTERVIEW": ("f1a0cadd-1111-4b1f-8a00-000000000005", 5, "On-site interview"),
    "OFFER": ("offer", 7, "Offer"),
    "HIRED": ("8dacc223-1111-4b1f-8a00-000000000008", 8, "Offer signed"),
}
"""Workday's stage -> id, place in the pipeline and name; some ids are words."""
REASONS = {
    "HIRED": ("0798a6e3-2222-4b1f-8a00-000000000001", "Hired", "hired"),
    "KNOCKOUT": ("0798a6e3-2222-4b1f-8a00-000000000002", "Knocked out by the form", "non-hired"),
    "NOT_QUALIFIED": ("0798a6e3-2222-4b1f-8a00-000000000003", "Underqualified", "non-hired"),
    "CANDIDATE_WITHDREW": ("0798a6e3-2222-4b1f-8a00-000000000004", "Withdrew", "non-hired"),
    "CLOSED": ("0798a6e3-2222-4b1f-8a00-000000000005", "Position closed", "non-hired"),
}
PLACES = {"US": "Springfield, United States", "DE": "Germany", "GB": "Ashford, United Kingdom", "NA": "Namibia"}
"""A place is free text."""
SOURCES = {
    "Career_Site": ("Careers page", "applied"),
    "Job_Board": ("Job board", "applied"),
    "Referral": ("Referral", "referred"),
    "Agency": ("Agency", "agency"),
    "Social_Media": ("LinkedIn", "sourced"),
    "Internal": ("Internal", "internal"),
}
HIDDEN = 999_998
"""Number of an opportunity that few may see; the next one is of nobody any more."""


def write_hiring(plan: Plan, hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write what the API answers, a file a page of a list.

    The delivery must have the candidates of all its applications.

    Returns:
        Records per list.
    """
    requisitions = list(requisition_rows(hiring, workers, delivery))
    candidates = {row["Candidate_ID"]: row for row in candidate_rows(plan, hiring, delivery, set())}
    rows = list(application_rows(hiring, delivery))
    lists: dict[str, Iterable[Row]] = {
        "postings": chain(map(posting, requisitions), [_draft(requisitions[0])]),
        "requisitions": map(requisition, requisitions),
        "stages": ({"id": key, "text": text} for key, _, text in [LEAD, *STAGES.values()]),
        "archive_reasons": (
            {"id": key, "text": text, "type": kind, "status": "active"} for key, text, kind in REASONS.values()
        ),
        "opportunities": chain(opportunities(rows, candidates), _no_applicants(rows, candidates)),
        "applications": chain(map(application, rows), map(application, _hidden(rows))),
    }
    folder = out / "lever"
    return {name: write_pages(folder / f"{name}_{delivery.period}", made, PAGE, _page) for name, made in lists.items()}


def _page(records: list[Row], has_next: bool) -> Row:
    cursor = {"next": wid("cursor", records[-1]["id"])} if has_next else {}
    return {"data": records, "hasNext": has_next, **cursor}


def posting(row: Row) -> Row:
    """A posting: its text in plain words and in HTML."""
    is_open = row["Status"] == "Open"
    return {
        "id": _uuid("posting", row["Requisition_ID"]),
        "text": row["Title"],
        "state": "published" if is_open else "closed",
        "distributionChannels": ["public"],
        "user": _uuid("user", row["Recruiter_Worker_ID"]),
        "owner": _uuid("user", row["Recruiter_Worker_ID"]),
        "hiringManager": _uuid("user", row["Hiring_Manager_Worker_ID"]),
        "confidentiality": "non-confidential",
        "categories": {
            "team": row["Supervisory_Org_ID"],
            "department": row["Job_Family_ID"],
            "location": row["Location_ID"],
            "commitment": "Full-time",
            "level": None,
        },
        "content": {
            "description": row["Job_Description"],
            "descriptionHtml": f"<div>{row['Job_Description']}</div>",
            "lists": [],
            "closing": "",
            "closingHtml": "",
        },
        "tags": [],
        "followers": [],
        "reqCode": row["Requisition_ID"],
        "requisitionCodes": [row["Requisition_ID"]],
        "createdAt": milliseconds(f"{row['Created_Date']}T09:00:00"),
        "updatedAt": milliseconds(row["Last_Functionally_Updated"]),
    }


def _draft(like: Row) -> Row:
    return posting(like) | {"id": _uuid("posting", "draft"), "state": "draft", "reqCode": None, "requisitionCodes": []}


def requisition(row: Row) -> Row:
    """The requisition that a posting is for: how many are wanted, how many were hired."""
    is_open, changed = row["Status"] == "Open", milliseconds(row["Last_Functionally_Updated"])
    return {
        "id": _uuid("requisition", row["Requisition_ID"]),
        "requisitionCode": row["Requisition_ID"],
        "name": row["Title"],
        "status": "open" if is_open else "closed",
        "backfill": False,
        "confidentiality": "non-confidential",
        "headcountTotal": int(row["Openings_Total"]),
        "headcountHired": int(row["Openings_Filled"]),
        "headcountInfinite": False,
        "postings": [_uuid("posting", row["Requisition_ID"])],
        "createdAt": milliseconds(f"{row['Created_Date']}T08:30:00"),
        "closedAt": None if is_open else changed,
        "updatedAt": changed,
    }


def opportunities(rows: Iterable[Row], candidates: Mapping[str, Row]) -> Iterator[Row]:
    """One an application. Somebody's first began when they were first heard of, the others when they applied."""
    met: set[str] = set()
    for row in rows:
        who = candidates[row["Candidate_ID"]]
        yield opportunity(row, who, who["Created_Moment"] if row["Candidate_ID"] not in met else row["Applied_Moment"])
        met.add(row["Candidate_ID"])


def opportunity(row: Row, who: Row, began: str) -> Row:
    """An opportunity: a person in a pipeline, and where in it they are or were."""
    changes, number = list(_changes(row, began)), int(row["Application_ID"][2:])
    source, origin = SOURCES[who["Source"]]
    return {
        "id": row["Application_ID"],
        "name": f"{who['Legal_First_Name']} {who['Legal_Last_Name']}",
        "contact": row["Candidate_ID"],
        "headline": "",
        "stage": changes[-1]["toStageId"],
        "confidentiality": "non-confidential",
        "location": PLACES[who["Country_ISO"]],
        "phones": [{"type": "mobile", "value": who["Phone"]}],
        "emails": [who["Email"]],
        "links": [],
        "archived": _archived(row),
        "tags": [],
        "sources": [source],
        "stageChanges": changes,
        "origin": origin,
        "sourcedBy": None,
        "owner": _uuid("owner", row["Requisition_ID"]),
        "followers": [],
        "applications": [_uuid("application", row["Application_ID"])],
        "createdAt": milliseconds(began),
        "updatedAt": milliseconds(row["Last_Updated_Moment"]),
        "lastInteractionAt": milliseconds(row["Last_Updated_Moment"]),
        "lastAdvancedAt": changes[-1]["updatedAt"],
        "snoozedUntil": None,
        "urls": {"list": "https://hire.lever.example/candidates"},
        "isAnonymized": False,
        "dataProtection": _data_protection(who, number),
        "opportunityLocation": None,
    }


def _changes(row: Row, began: str) -> Iterator[Row]:
    """Stages in the order in which they were entered. Who was found or referred begins as a lead."""
    if int(row["Application_ID"][2:]) % 3 == 0:
        yield _change(LEAD, began, by="Human", of=row)
    by, stage = "Human", ""
    for entry in row["Stage_History_group"]:
        if entry["Stage_ID"] != stage:  # who is taken out of the archive is where they were
            yield _change(STAGES[entry["Stage_ID"]], entry["Started_Moment"], by=by, of=row)
        by, stage = entry["Decided_By"], entry["Stage_ID"]


def _change(stage: tuple[str, int, str], moment: str, *, by: str, of: Row) -> Row:
    user = None if by == "Rule" else _uuid("owner", of["Requisition_ID"])
    return {"toStageId": stage[0], "toStageIndex": stage[1], "updatedAt": milliseconds(moment), "userId": user}


def _archived(row: Row) -> Row | None:
    """Why and when an opportunity ended; hired is a reason, too."""
    if row["Current_Status"] == "In Process":
        return None
    ended = row["Stage_History_group"][-1].get("Completed_Moment", row["Last_Updated_Moment"])
    return {"reason": REASONS[row["Disposition_ID"] or "HIRED"][0], "archivedAt": milliseconds(ended)}


def _data_protection(who: Row, number: int) -> Row | None:
    """What a person allowed; of those who allowed nothing there may be nothing."""
    is_allowed = who["Consent_Given"] == "1"
    if not is_allowed and number % 2:
        return None
    until = milliseconds("2030-01-01T00:00:00")
    return {
        "store": {"allowed": is_allowed, "expiresAt": until if is_allowed else None},
        "contact": {"allowed": True, "expiresAt": until},
    }


def application(row: Row) -> Row:
    """An application of an opportunity to a posting."""
    return {
        "id": _uuid("application", row["Application_ID"]),
        "type": "posting",
        "candidateId": row["Application_ID"],
        "opportunityId": row["Application_ID"],
        "posting": _uuid("posting", row["Requisition_ID"]),
        "postingHiringManager": None,
        "postingOwner": _uuid("owner", row["Requisition_ID"]),
        "name": None,
        "company": None,
        "phone": None,
        "email": None,
        "links": [],
        "comments": None,
        "user": None,
        "customQuestions": [],
        "createdAt": milliseconds(row["Applied_Moment"]),
        "archived": _archived(row),
        "requisitionForHire": None,
    }


def _hidden(rows: list[Row]) -> list[Row]:
    return [{**rows[0], "Application_ID": f"A-{HIDDEN}"}, {**rows[0], "Application_ID": f"A-{HIDDEN + 1}"}]


def _no_applicants(rows: list[Row], candidates: Mapping[str, Row]) -> Iterator[Row]:
    """A confidential opportunity, an anonymised one, and a lead that never applied."""
    who = {**candidates[rows[0]["Candidate_ID"]]}
    confidential, anonymised = _hidden(rows)
    began = rows[0]["Applied_Moment"]
    yield opportunity(confidential, who, began) | {"contact": f"C-{HIDDEN}", "confidentiality": "confidential"}
    nobody: Row = {"name": "", "emails": [], "phones": [], "location": None, "isAnonymized": True}
    yield opportunity(anonymised, who, began) | {"contact": f"C-{HIDDEN + 1}", **nobody}
    lead: Row = {"id": f"A-{HIDDEN + 2}", "contact": f"C-{HIDDEN + 2}", "applications": [], "archived": None}
    yield (
        opportunity(confidential, who, began) | lead | {"stageChanges": [_change(LEAD, began, by="Human", of=rows[0])]}
    )


def milliseconds(moment: str) -> int:
    """`2021-08-09T11:36:41.183Z` -> 1628509001183."""
    return int(np.datetime64(moment.removesuffix("Z"), "ms").astype(np.int64))


def _uuid(*parts: str) -> str:
    return str(UUID(wid(*parts)))
