"""The catalogue of jobs as SAP SuccessFactors prints it: OData v2, FOJobCode asked for with fromDate=1900-01-01."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.sample.structures import JOBS, Job, standing
from infra.sample.vendors.successfactors import OPEN_END, day, metadata, moment, write_pages

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]
CATEGORIES = {"Professionals": "PRO", "Technicians": "TEC"}


def write_jobs(delivery: Delivery, out: Path) -> int:
    """Write every slice of every job code, the newest first.

    Returns:
        The number of slices.
    """
    return write_pages(out, "FOJobCodeHistory", delivery, map(job_code, reversed(standing(JOBS, delivery))))


def job_code(one: Job) -> Row:
    """A slice of a job code. What a job is elsewhere stands in fields of this tenant."""
    return {
        "__metadata": metadata("FOJobCode", f"{one.code}/{one.start}"),
        "externalCode": one.code,
        "startDate": day(one.start),
        "endDate": day(one.last) if one.last else OPEN_END,
        "status": "A" if one.is_active else "I",
        "name_defaultValue": one.title,
        "name_de_DE": f"{one.title} (m/w/d)",
        "description_defaultValue": one.text,
        "jobFunction": one.family,
        "cust_jobFunctionGroup": one.group,
        "jobLevel": one.level,
        "grade": one.grade,
        "cust_eeo1JobCategory": CATEGORIES[one.category] if one.category else None,
        "cust_socCode": one.soc,
        "cust_onetCode": one.onet,
        "cust_iscoCode": one.isco,
        "cust_escoUri": one.esco,
        "lastModifiedDateTime": moment(one.entered),
        "parentFunctionNav": {"__deferred": {"uri": f"FOJobCode('{one.code}')/parentFunctionNav"}},
    }
