"""Workday's jobs and organizations as RaaS prints them with format=json: a group of slices beside each of them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import write_report
from infra.sample.structures import JOBS, UNITS, Job, Unit, standing

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]
CATEGORIES = {"Professionals": "2 - Professionals", "Technicians": "3 - Technicians"}

TYPES = {
    "company": "Company",
    "department": "Department",
    "cost_center": "Cost_Center",
    "location": "Location",
}


def write_jobs(delivery: Delivery, out: Path) -> int:
    """Write HRML_Jobs.

    Returns:
        The number of slices.
    """
    slices = standing(JOBS, delivery)
    entries = (
        {"Job_Profile_ID": code, "Job_Family_ID": code.partition("-")[0], "Profile_History_group": [*map(job, mine)]}
        for code, mine in groupby(slices, key=lambda one: one.code)
    )
    write_report(out / "workday" / f"HRML_Jobs_{delivery.period}.json", entries)
    return len(slices)


def job(one: Job) -> Row:
    """A slice of a job profile; keys without a value are left out."""
    return _told(
        Effective_Date=one.start,
        End_Date=one.last,
        Inactive="0" if one.is_active else "1",
        Job_Title=one.title,
        Job_Description=None if one.text is None else f"<p>{one.text}</p>",
        Job_Family_Group_ID=one.group,
        Management_Level_ID=one.level,
        Compensation_Grade_ID=one.grade,
        EEO_Category=CATEGORIES[one.category] if one.category else None,
        SOC_Code=one.soc,
        ONET_Code=one.onet,
        ISCO_Code=one.isco,
        ESCO_URI=one.esco,
        Last_Updated_Moment=one.entered,
    )


def write_units(delivery: Delivery, out: Path) -> int:
    """Write HRML_Organizations.

    Returns:
        The number of slices.
    """
    slices = standing(UNITS, delivery)
    entries = (
        {"Organization_ID": code, "Organization_Type": TYPES[kind], "Organization_History_group": [*map(unit, mine)]}
        for (kind, code), mine in groupby(slices, key=lambda one: (one.kind, one.code))
    )
    write_report(out / "workday" / f"HRML_Organizations_{delivery.period}.json", entries)
    return len(slices)


def unit(one: Unit) -> Row:
    """A slice of an organization; keys without a value are left out."""
    return _told(
        Effective_Date=one.start,
        End_Date=one.last,
        Inactive="0" if one.is_active else "1",
        Organization_Name=one.name,
        Superior_Organization_ID=one.parent,
        Superior_Organization_Type=TYPES[one.parent_kind] if one.parent else None,
        Manager_Worker_ID=one.head,
        Country_ISO=one.country,
        Country_Region_ISO=one.region,
        Time_Zone=one.zone,
        Currency_ID=one.currency,
        Last_Updated_Moment=one.entered,
    )


def _told(**cells: str | None) -> Row:
    return {name: value for name, value in cells.items() if value is not None}
