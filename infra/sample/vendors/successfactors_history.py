"""Job history as SAP SuccessFactors prints it: OData v2, EmpEmployment with every slice of its EmpJob expanded."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from infra.sample.careers import Slice, standing
from infra.sample.vendors.successfactors import OPEN_END, day, metadata, moment, write_pages

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

EVENTS = {
    "hire": ("H", "HIR"),
    "rehire": ("R", "REH"),
    "second_job": ("H", "CON"),
    "transfer": ("3", "TRF"),
    "company_transfer": ("3", "TRC"),
    "promotion": ("8", "PRO"),
    "leave_start": ("10", "LOA"),
    "leave_end": ("11", "RFL"),
    "termination": ("26", "TER"),
    "sent_abroad": ("AGA", "GAS"),
    "host_job": ("GA", "GAH"),
    "returned": ("EGA", "GAE"),
}
"""Code of the event in the tenant's picklist, and what its reasons begin with."""
STATUSES = {"active": "A", "leave": "U", "terminated": "T", "dormant": "D"}
COMPANIES = {"US": "1000", "DE": "2000"}


def write_history(delivery: Delivery, out: Path, *, has_codes: bool = True) -> int:
    """Write a dump of all employments with their jobs, asked for with fromDate=1900-01-01.

    Args:
        delivery: When it is cut.
        out: The company's exports folder.
        has_codes: Whether picklists are expanded. Without, a job has the numbers of their options, and those stand in
            files of their own.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    employments = [employment(list(mine)) for _, mine in groupby(slices, key=lambda one: one.assignment)]
    if not has_codes:
        write_pages(out, "PicklistOption", delivery, _options())
        for one in employments:
            one["jobInfoNav"]["results"] = [_numbered(told) for told in one["jobInfoNav"]["results"]]
    write_pages(out, "EmpEmploymentHistory", delivery, employments)
    return len(slices)


def _options() -> list[dict[str, Any]]:
    """Options of both picklists; one is of another list, and one is not used any more."""
    codes = {"employee-status": STATUSES.values(), "event": (code for code, _ in EVENTS.values())}
    told = [(name, code) for name, every in codes.items() for code in dict.fromkeys(every)]
    made = [_option(name, code) for name, code in told]
    return [*made, _option("country", "A"), _option("employee-status", "O") | {"status": "DELETED"}]


def _option(picklist: str, code: str) -> dict[str, Any]:
    key = _number(picklist, code)
    return {
        "__metadata": metadata("PicklistOption", f"{key}L"),
        "id": key,
        "externalCode": code,
        "status": "ACTIVE",
        "picklist": {"__metadata": metadata("Picklist", picklist), "picklistId": picklist},
        "picklistLabels": {"__deferred": {"uri": f"PicklistOption({key}L)/picklistLabels"}},
    }


def _number(picklist: str, code: str) -> str:
    """An option's number in this tenant, text as all of that length."""
    return str(88_000 + sum(ord(sign) * (at + 7) for at, sign in enumerate(f"{picklist} {code}")))


def _numbered(told: dict[str, Any]) -> dict[str, Any]:
    """A job with numbers in the place of codes."""
    numbers = {
        "event": _number("event", told["eventNav"]["externalCode"]),
        "emplStatus": _number("employee-status", told["emplStatusNav"]["externalCode"]),
    }
    rest = {name: value for name, value in told.items() if name not in ("eventNav", "emplStatusNav")}
    deferred = {"__deferred": {"uri": "EmpJob/emplStatusNav"}}
    return {**rest, **numbers, "eventNav": deferred, "emplStatusNav": deferred}


def employment(mine: list[Slice]) -> dict[str, Any]:
    """An employment with its jobs, the newest first."""
    key = mine[0].assignment
    return {
        "__metadata": metadata("EmpEmployment", key),
        "personIdExternal": mine[0].person,
        "userId": key,
        "startDate": day(mine[0].start),
        "userNav": {"__metadata": metadata("User", key), "isPrimaryAssignment": mine[0].is_primary},
        "jobInfoNav": {"results": [*map(job, reversed(mine))]},
        "personNav": {"__deferred": {"uri": f"EmpEmployment('{key}')/personNav"}},
    }


def job(one: Slice) -> dict[str, Any]:
    """A slice; a manager is named by the user id of their first employment."""
    event, reason = EVENTS[one.event]
    return {
        "__metadata": metadata("EmpJob", f"{one.assignment}/{one.start}/{one.order}"),
        "userId": one.assignment,
        "startDate": day(one.start),
        "endDate": day(one.last) if one.last else OPEN_END,
        "seqNumber": str(one.order),
        "eventNav": _picked(event),
        "eventReason": f"{reason}{one.reason}",
        "emplStatusNav": _picked(STATUSES[one.status]),
        "company": COMPANIES[one.company],
        "department": one.org,
        "location": one.location,
        "jobCode": one.job,
        "jobTitle": one.title,
        "jobCodeNav": {"__metadata": metadata("FOJobCode", one.job), "jobFunction": one.family},
        "payGrade": one.grade,
        "managerId": f"{one.manager}-1" if one.manager else "NO_MANAGER",
        "fte": float(one.fte),
        "isFulltimeEmployee": one.fte == "1.0",
        "lastModifiedDateTime": moment(one.entered),
    }


def _picked(code: str) -> dict[str, Any]:
    """An option of a picklist, whose id no other tenant has."""
    return {"__metadata": metadata("PicklistOption", code), "externalCode": code, "id": f"88{len(code)}"}
