"""A report of BI Publisher with all rows of all assignments, those of terms too, burst by legal employer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.sample.careers import Slice, standing
from infra.sample.dialects import Table
from infra.sample.vendors.oracle.history import ACTIONS, STATUSES
from infra.sample.vendors.oracle.loader import EMPLOYERS
from infra.sample.vendors.oracle.reports import OPEN_END, midnight

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Cells = dict[str, str | None]


def write_history(delivery: Delivery, out: Path) -> int:
    """Write a file a legal employer, the newest rows first.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    days = {(one.assignment, one.start): one.order for one in slices}
    for company in sorted({one.company for one in slices}):
        rows: list[Cells] = []
        for one in slices:
            if one.company == company:
                row = record(one, is_latest=days[one.assignment, one.start] == one.order)
                # Terms of employment are assignments, too, of a type of their own.
                rows += [row, row | {"ASSIGNMENT_NUMBER": f"ET{one.assignment}", "ASSIGNMENT_TYPE": "ET"}]
        with Table(out / "oracle" / f"ASSIGNMENTS_{delivery.period}_{company}.csv", has_bom=True) as file:
            file.append(pl.DataFrame(rows[::-1], schema=dict.fromkeys(rows[0], pl.String)))
    return len(slices)


def record(one: Slice, *, is_latest: bool) -> Cells:
    """A row of the report."""
    return {
        "PERSON_NUMBER": one.person,
        "ASSIGNMENT_NUMBER": f"E{one.assignment}",
        "ASSIGNMENT_TYPE": "E",
        "EFFECTIVE_START_DATE": midnight(one.start),
        "EFFECTIVE_END_DATE": midnight(one.last) or OPEN_END,
        "EFFECTIVE_SEQUENCE": str(one.order),
        "EFFECTIVE_LATEST_CHANGE": "Y" if is_latest else "N",
        "ACTION_CODE": ACTIONS[one.event],
        "REASON_CODE": one.reason,
        "ASSIGNMENT_STATUS_TYPE_CODE": STATUSES[one.status],
        "PRIMARY_FLAG": "Y" if one.is_primary else "N",
        "JOB_CODE": one.job,
        "JOB_FAMILY_CODE": one.family,
        "ASSIGNMENT_NAME": one.title,
        "DEPARTMENT_CODE": one.org,
        "LEGAL_EMPLOYER_NAME": EMPLOYERS[one.company],
        "LOCATION_CODE": one.location,
        "GRADE_CODE": one.grade,
        "FULL_PART_TIME": "FULL_TIME" if one.fte == "1.0" else "PART_TIME",
        "FTE": one.fte.removesuffix(".0").removeprefix("0"),
        "MANAGER_PERSON_NUMBER": one.manager,
    }
