"""Workday's report of pay as RaaS prints it with format=json: a group of slices beside each worker."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import write_report
from infra.sample.pay import CAST, Pay, standing

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

FREQUENCIES = {"hour": "Hourly", "biweek": "Bi_weekly", "month": "Monthly", "year": "Annual"}


def write_pay(delivery: Delivery, out: Path) -> int:
    """Write HRML_Compensation_History.

    Returns:
        The number of slices.
    """
    slices = standing(CAST, delivery)
    people = groupby(slices, key=lambda one: one.person)
    entries = ({"Worker_ID": person, "Compensation_History_group": [*map(member, mine)]} for person, mine in people)
    write_report(out / "workday" / f"HRML_Compensation_History_{delivery.period}.json", entries)
    return len(slices)


def member(one: Pay) -> dict[str, Any]:
    """A slice; keys without a value are left out."""
    cells = {
        "Position_ID": f"P-{one.code}",
        "Effective_Date": one.start,
        "End_Date": one.last,
        "Sequence": str(one.order - 1),
        "Base_Pay": one.amount,
        "Base_Pay_Currency": one.currency,
        "Base_Pay_Frequency": FREQUENCIES[one.frequency],
        "Scheduled_Weekly_Hours": one.hours,
        "Last_Updated_Moment": one.entered,
    }
    return {name: value for name, value in cells.items() if value is not None}
