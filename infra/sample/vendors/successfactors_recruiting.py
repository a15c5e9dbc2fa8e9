"""Recruiting as SAP SuccessFactors prints it: OData v2, JobRequisition, Candidate and JobApplication, in pages.

The same hiring as in `workday`, from its rows. What is else: requisitions, candidates and applications have whole
numbers, given as text; a title stands once a language; a picklist's option is expanded; an application's history says
which status it entered and when, not what was decided on the one before. A pull has what nobody asked for among it:
drafts, deleted requisitions, candidates without a name, statuses that were passed over.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.vendors.profiles import profile
from infra.sample.vendors.successfactors import day, metadata, moment, write_pages
from infra.sample.workday import application_rows, candidate_rows, requisition_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan
    from infra.sample.vendors.profiles import Profile

Row = dict[str, Any]
NUMBERED = ("Requisition_ID", "Candidate_ID", "Application_ID")
STATUSES = {"Open": ("3101", "OPEN"), "Filled": ("3102", "FILLED"), "Closed": ("3103", "CLOSED")}
"""Of requisitions: the option's number in this tenant, and its code."""
OPEN, DISQUALIFIED, CLOSED, WITHDRAWN, SAVED, DRAFT = "0", "1", "2", "3", "4", "6"
"""What the system makes of an application, whatever its status is called."""
SYSTEM = {"In Process": OPEN, "Rejected": DISQUALIFIED, "Withdrawn": WITHDRAWN, "Hired": CLOSED, "Closed": CLOSED}
FIRST = "New Application"
ENTERED = {
    ("APPLIED", "Advanced"): "Screening",
    ("APPLIED", "Rejected"): "Auto Disqualified",
    ("SCREEN", "Advanced"): "Interview",
    ("SCREEN", "Rejected"): "Not Qualified",
    ("SCREEN", "Withdrawn"): "Withdrawn by Candidate",
    ("INTERVIEW", "Advanced"): "Offer",
    ("INTERVIEW", "Rejected"): "Not Selected",
    ("OFFER", "Advanced"): "Ready for Hire",
    ("OFFER", "Rejected"): "Offer Withdrawn",
    ("OFFER", "Withdrawn"): "Offer Declined",
    ("HIRED", "Advanced"): "Hired",
}
"""Stage and what was decided there -> the status that an application enters by it. One of this tenant's status set."""
AGAIN = {"SCREEN": "Screening", "INTERVIEW": "Interview", "OFFER": "Offer"}
"""Stage -> the status that an application enters when it comes back there."""
PASSED_OVER = "Reference Check"
"""A status between offer and hire that this company never uses."""


def number(text: str) -> str:
    """`R-0012` as 12: SuccessFactors numbers things itself, and sends whole numbers as text."""
    return str(int(text.rpartition("-")[2]))


def write_requisitions(hiring: Hiring, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write a full dump of requisitions, a draft and a deleted one at its end.

    Returns:
        The number of requisitions, without those two.
    """
    rows = list(requisition_rows(hiring, workers, delivery))
    draft = requisition(rows[0]) | {"jobReqId": "900001", "isDraft": True}
    deleted = requisition(rows[0]) | {"jobReqId": "900002", "deleted": "Deleted"}
    return write_pages(out, "JobRequisition", delivery, chain(map(requisition, rows), [draft, deleted])) - 2


def requisition(row: Row) -> Row:
    """A requisition of one Workday row, its texts and its status expanded."""
    key = number(row["Requisition_ID"])
    status = row["Status"]
    option, code = STATUSES[status]
    last = row["Last_Functionally_Updated"]
    closed = f"{row['Filled_Date']}T17:00:00.000Z" if row["Filled_Date"] else last if status == "Closed" else None
    texts = {
        "de_DE": (f"{row['Title']} (m/w/d)", "Auf Englisch beschrieben."),
        "en_US": (row["Title"], row["Job_Description"]),
    }
    return {
        "__metadata": metadata("JobRequisition", f"{key}L"),
        "jobReqId": key,
        "templateId": "61",
        "internalStatus": "Approved" if status == "Open" else "Closed",
        "status": {"results": [{"__metadata": metadata("PicklistOption", f"{option}L")} | _option(option, code)]},
        "isDraft": False,
        "deleted": "Not Deleted",
        "createdDateTime": moment(f"{row['Created_Date']}T07:30:00.000Z"),
        "closedDateTime": moment(closed) if closed else None,
        "lastModifiedDateTime": moment(last),
        "jobCode": row["Job_Profile_ID"],
        "department": row["Supervisory_Org_ID"],
        "location": row["Location_ID"],
        "numberOpenings": row["Openings_Total"],
        "openingsFilled": row["Openings_Filled"],
        "jobReqLocale": {"results": [_locale(key, language, *pair) for language, pair in texts.items()]},
        "hiringManager": {"__deferred": {"uri": f"JobRequisition({key}L)/hiringManager"}},
    }


def _option(option: str, code: str) -> Row:
    return {"id": option, "externalCode": code, "status": "ACTIVE", "sortOrder": 1}


def _locale(key: str, language: str, title: str, description: str) -> Row:
    return {
        "__metadata": metadata("JobRequisitionLocale", f"{key}{language}"),
        "jobReqId": key,
        "locale": language,
        "jobTitle": f"{title} / internal",
        "externalTitle": title,
        "externalJobDescription": description,
    }


def write_candidates(plan: Plan, hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write new and changed candidates; one more was made anonymous.

    Returns:
        The number of candidates, without that one.
    """
    rows = candidate_rows(plan, hiring, delivery, set())
    told = (candidate(row, profile(hiring.candidates, row)) for row in rows)
    return write_pages(out, "Candidate", delivery, _with_anonymous(told)) - 1


def _with_anonymous(rows: Iterator[Row]) -> Iterator[Row]:
    first = next(rows)
    nameless: Row = dict.fromkeys(("firstName", "lastName", "primaryEmail", "cellPhone", "usersSysId"))
    nameless |= {"education": {"results": []}, "outsideWorkExperience": {"results": []}}
    gone = {"candidateId": "900001", "anonymized": "yes", "anonymizedDateTime": first["lastModifiedDateTime"]}
    return chain([first], rows, [first | nameless | gone])


def candidate(row: Row, about: Profile) -> Row:
    """A candidate of one Workday row, with what they say of their past expanded.

    Who declined the privacy statement said so or said nothing.
    """
    key = number(row["Candidate_ID"])
    is_agreed = row["Consent_Given"] == "1"
    refusal = "no" if int(key) % 2 else None
    return {
        "__metadata": metadata("Candidate", f"{key}L"),
        "candidateId": key,
        "externalCandidate": row["Source"] != "Internal",
        "usersSysId": row["Employee_ID"],
        "firstName": row["Legal_First_Name"],
        "lastName": row["Legal_Last_Name"],
        "primaryEmail": row["Email"],
        "cellPhone": row["Phone"],
        "country": row["Country_ISO"],
        "currentTitle": about.title,
        "creationDateTime": moment(row["Created_Moment"]),
        "lastModifiedDateTime": moment(row["Last_Updated_Moment"]),
        "privacyAcceptDateTime": moment(row["Created_Moment"]) if is_agreed else None,
        "dataPrivacyId": "1201" if is_agreed else None,
        "agreeToPrivacyStatement": "yes" if is_agreed else refusal,
        "anonymized": "no",
        "anonymizedDateTime": None,
        "visibilityOption": True,
        "outsideWorkExperience": {"results": [_experience(about)]},
        "education": {"results": [_education(about)]},
        "jobsApplied": {"__deferred": {"uri": f"Candidate({key}L)/jobsApplied"}},
    }


def _experience(about: Profile) -> Row:
    """Where somebody worked: a day, whatever they know of it."""
    since = f"{about.since}-01-01"[:10] if len(about.since) < len("2014-05-01") else about.since
    return {
        "__metadata": metadata("CandidateBackground_OutsideWorkExperience", since),
        "employer": about.employer,
        "startTitle": about.title,
        "startDate": day(since),
        "endDate": None,
    }


def _education(about: Profile) -> Row:
    return {
        "__metadata": metadata("CandidateBackground_Education", about.school),
        "school": about.school,
        "degree": about.degree,
        "major": None,
        "endDate": day("2012-06-30"),
    }


def write_applications(hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write new and changed applications with their whole history; a saved one and a draft come first.

    Returns:
        The number of applications, without those two.
    """
    rows = map(application, application_rows(hiring, delivery))
    return write_pages(out, "JobApplication", delivery, _with_unsent(rows)) - 2


def _with_unsent(rows: Iterator[Row]) -> Iterator[Row]:
    first = next(rows)
    return chain(
        [first | {"applicationId": "900001", "status": SAVED, "snapShotDate": None}], _draft(first), [first], rows
    )


def _draft(first: Row) -> list[Row]:
    return [first | {"applicationId": "900002", "status": DRAFT, "snapShotDate": None}]


def application(row: Row) -> Row:
    """An application of one Workday row, its status and history expanded."""
    key = number(row["Application_ID"])
    trail = _trail(key, row)
    return {
        "__metadata": metadata("JobApplication", f"{key}L"),
        "applicationId": key,
        "candidateId": number(row["Candidate_ID"]),
        "jobReqId": number(row["Requisition_ID"]),
        "applicationTemplateId": "81",
        "status": SYSTEM[row["Current_Status"]],
        "snapShotDate": moment(row["Applied_Moment"]),
        "sourceLabel": row["Source"],
        "hiredOn": moment(f"{row['Hire_Date']}T00:00:00.000Z") if row["Hire_Date"] else None,
        "ownershpDate": None,
        "anonymizedFlag": None,
        "lastModifiedDateTime": moment(row["Last_Updated_Moment"]),
        "jobAppStatus": trail[-1]["jobAppStatus"],
        "jobApplicationStatusAuditTrail": {"results": trail},
        "candidate": {"__deferred": {"uri": f"JobApplication({key}L)/candidate"}},
    }


def _trail(key: str, row: Row) -> list[Row]:
    """Statuses in the order in which they were entered."""
    entries = [_entry(key, 0, FIRST, at=row["Applied_Moment"], by="CANDIDATE")]
    before = "Advanced"
    for step in row["Stage_History_group"]:
        if before != "Advanced":
            again = AGAIN[step["Stage_ID"]]
            entries.append(_entry(key, len(entries), again, at=step["Started_Moment"], by="recruiter1"))
        before = step.get("Outcome", "Advanced")
        if "Outcome" not in step or step["Outcome"] == "Moved Back":
            continue
        name, at = ENTERED[step["Stage_ID"], step["Outcome"]], step["Completed_Moment"]
        if name == "Ready for Hire":
            entries.append(_entry(key, len(entries), PASSED_OVER, at=at, by="SYSTEM", skipped="2"))
        by = "SYSTEM" if step["Decided_By"] == "Rule" else "recruiter1"
        entries.append(_entry(key, len(entries), name, at=at, by=by))
    return entries


def _entry(key: str, count: int, name: str, *, at: str, by: str, skipped: str = "0") -> Row:
    revision = str(100 * int(key) + count)
    return {
        "__metadata": metadata("JobApplicationStatusAuditTrail", f"{revision}L"),
        "applicationId": key,
        "revNumber": revision,
        "revType": "1" if count else "0",
        "skippedStatus": skipped,
        "statusComments": "Talked on the phone.\nAll is well." if count == 1 else None,
        "createdBy": by,
        "createdDateTime": moment(at),
        "jobAppStatus": {"__metadata": metadata("JobApplicationStatus", name), "appStatusName": name},
    }
