"""Reports of BI Publisher with all rows of jobs, of units and places, and of salaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.sample import pay
from infra.sample.dialects import Table
from infra.sample.structures import JOBS, UNITS, Job, Unit, Version, standing
from infra.sample.vendors.oracle.reports import OPEN_END, midnight

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Cells = dict[str, str | None]
CATEGORIES = {"Professionals": "2", "Technicians": "3"}
"""As the EEO-1 report numbers them."""
TYPES = {
    "company": "HCM_LEMP",
    "department": "DEPARTMENT",
    "cost_center": "COST_CENTER",
    "location": "LOCATION",
}
FREQUENCIES = {"hour": "HOURLY", "biweek": "BIWEEKLY", "month": "MONTHLY", "year": "ANNUALLY"}


def write_jobs(delivery: Delivery, out: Path) -> int:
    """Write the report of jobs.

    Returns:
        The number of slices.
    """
    return _write(out, "JOBS", delivery, [job(one) for one in standing(JOBS, delivery)])


def job(one: Job) -> Cells:
    """A row of it."""
    return _dated(one) | {
        "JOB_CODE": one.code,
        "JOB_TITLE": one.title,
        "JOB_DESCRIPTION": one.text,
        "JOB_FAMILY_CODE": one.family,
        "JOB_FAMILY_GROUP_CODE": one.group,
        "MANAGER_LEVEL": one.level,
        "GRADE_CODE": one.grade,
        "EEO1_CATEGORY": CATEGORIES[one.category] if one.category else None,
        "SOC_CODE": one.soc,
        "ONET_CODE": one.onet,
        "ISCO_CODE": one.isco,
        "ESCO_URI": one.esco,
    }


def write_units(delivery: Delivery, out: Path) -> int:
    """Write the report of organizations and locations.

    Returns:
        The number of slices.
    """
    return _write(out, "ORGANIZATIONS", delivery, [unit(one) for one in standing(UNITS, delivery)])


def unit(one: Unit) -> Cells:
    """A row of it."""
    return _dated(one) | {
        "CLASSIFICATION_CODE": TYPES[one.kind],
        "ORGANIZATION_CODE": one.code,
        "ORGANIZATION_NAME": one.name,
        "PARENT_CLASSIFICATION_CODE": TYPES[one.parent_kind] if one.parent else None,
        "PARENT_CODE": one.parent,
        "MANAGER_PERSON_NUMBER": one.head,
        "COUNTRY": one.country,
        "REGION": one.region,
        "TIMEZONE_CODE": one.zone,
        "CURRENCY_CODE": one.currency,
    }


def write_pay(delivery: Delivery, out: Path) -> int:
    """Write the report of salaries.

    Returns:
        The number of slices.
    """
    return _write(out, "SALARIES", delivery, [salary(one) for one in pay.standing(pay.CAST, delivery)])


def salary(one: pay.Pay) -> Cells:
    """A row of it. Below one there is no zero before the point."""
    return {
        "PERSON_NUMBER": one.person,
        "ASSIGNMENT_NUMBER": f"E{one.code}",
        "DATE_FROM": midnight(one.start),
        "DATE_TO": midnight(one.last) or OPEN_END,
        "SEQUENCE_OF_DAY": str(one.order),
        "SALARY_AMOUNT": one.amount.removeprefix("0"),
        "CURRENCY_CODE": one.currency,
        "SALARY_FREQUENCY": FREQUENCIES[one.frequency],
        "WEEKLY_HOURS": one.hours,
    }


def _dated(one: Version) -> Cells:
    return {
        "EFFECTIVE_START_DATE": midnight(one.start),
        "EFFECTIVE_END_DATE": midnight(one.last) or OPEN_END,
        "ACTIVE_STATUS": "A" if one.is_active else "I",
    }


def _write(out: Path, name: str, delivery: Delivery, rows: list[Cells]) -> int:
    with Table(out / "oracle" / f"{name}_{delivery.period}.csv", has_bom=True) as file:
        file.append(pl.DataFrame(rows[::-1], schema=dict.fromkeys(rows[0], pl.String)))
    return len(rows)
