"""Jobs and units as SAP SuccessFactors prints them: OData v2, foundation objects asked for with fromDate=1900-01-01.

Units are of an entity each, departments, companies, cost centers and places, and each of those calls what is above it
something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.sample.structures import JOBS, UNITS, Job, Unit, standing
from infra.sample.vendors.successfactors import OPEN_END, day, metadata, moment, write_pages

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]
CATEGORIES = {"Professionals": "PRO", "Technicians": "TEC"}

ENTITIES = {
    "company": "FOCompany",
    "department": "FODepartment",
    "cost_center": "FOCostCenter",
    "location": "FOLocation",
}
COUNTRIES = {"US": "USA", "DE": "DEU"}


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


def write_units(delivery: Delivery, out: Path) -> int:
    """Write every slice of every unit, a list an entity.

    Returns:
        The number of slices.
    """
    slices = standing(UNITS, delivery)
    lists = {entity: [unit(one) for one in slices if one.kind == kind] for kind, entity in ENTITIES.items()}
    return sum(write_pages(out, f"{entity}History", delivery, objects) for entity, objects in lists.items())


def unit(one: Unit) -> Row:
    """A slice of a unit."""
    made: Row = {
        "__metadata": metadata(ENTITIES[one.kind], f"{one.code}/{one.start}"),
        "externalCode": one.code,
        "startDate": day(one.start),
        "endDate": day(one.last) if one.last else OPEN_END,
        "status": "A" if one.is_active else "I",
        "name": one.name,
        "lastModifiedDateTime": moment(one.entered),
    }
    if one.kind == "department":
        made |= {"parent": one.parent, "headOfUnit": one.head}
    if one.kind == "company":
        made |= {"country": COUNTRIES[one.country] if one.country else None, "currency": one.currency}
    if one.kind == "location":
        made |= {"companyFlxNav": {"results": [{"externalCode": one.parent}]}, "timezone": one.zone}
        made |= {"addressNavDEFLT": {"country": COUNTRIES[one.country or ""], "stateProvince": one.region}}
    return made
