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


def write_history(delivery: Delivery, out: Path) -> int:
    """Write a dump of all employments with their jobs, asked for with fromDate=1900-01-01.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    employments = groupby(slices, key=lambda one: one.assignment)
    write_pages(out, "EmpEmploymentHistory", delivery, (employment(list(mine)) for _, mine in employments))
    return len(slices)


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
