"""Job history and pay as BambooHR has them: tables of rows without ends, in no order, and none that tells all.

Whether somebody works, is away or has left stands in employmentStatus, what they do and where in jobInfo, what they are
paid in compensation. Each has a row from the days on which something in it changed; nothing says what happened. Who has
two jobs, or is hired again under another contract, has two records.
"""

from __future__ import annotations

from itertools import count, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import pay
from infra.sample.careers import Slice, standing
from infra.sample.vendors.bamboohr import DEPARTMENTS, write_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]
DIVISIONS = {"US": "USA", "DE": "Deutschland"}
PAID_PER = {"hour": "Hour", "biweek": "Pay Period", "month": "Month", "year": "Year"}
FIRST_ROW = 98
"""Numbers of rows: some have two digits and some three."""


def write_history(delivery: Delivery, out: Path) -> int:
    """Write the report of employees and both tables.

    Returns:
        The number of slices that there are to find.
    """
    slices = list(standing(delivery))
    jobs = [list(mine) for _, mine in groupby(slices, lambda one: one.assignment)]
    statuses = [row for job in jobs for row in rows(job, status)]
    for job in jobs:
        if job[-1].last is not None:
            after = str(np.datetime64(job[-1].last, "D") + 1)
            statuses.append(_row(job[-1], after) | {"employmentStatus": "Transferred"})
    infos = [row for job in jobs for row in rows(job, info)]
    _write(out, "employees", delivery, [employee(job[-1]) for job in jobs], "employees")
    _write(out, "employmentStatus", delivery, numbered(statuses))
    _write(out, "jobInfo", delivery, numbered(infos))
    return len(slices)


def rows(job: list[Slice], told: Callable[[Slice], Row]) -> Iterator[Row]:
    """The rows of a table: one from each slice on that changes something in it."""
    before: Row | None = None
    for one in job:
        now = told(one)
        if now != before:
            yield _row(one, one.start) | now
        before = now


def status(one: Slice) -> Row:
    """What employmentStatus says of a slice."""
    label = {"leave": "On Leave", "terminated": "Terminated"}.get(one.status)
    return {"employmentStatus": label or ("Full-Time" if one.fte == "1.0" else "Part-Time")}


def info(one: Slice) -> Row:
    """What jobInfo says of a slice, columns of this company among it."""
    return {
        "location": one.location,
        "department": DEPARTMENTS[one.family],
        "division": DIVISIONS[one.company],
        "jobTitle": one.title,
        "reportsTo": "Somebody Else",
        "customUnit": one.org,
        "customJobCode": one.job,
        "customLevel": one.grade,
        "customShare": str(round(float(one.fte) * 100)),
    }


def employee(one: Slice) -> Row:
    """A line of the report."""
    return {
        "id": _id(one.assignment),
        "employeeNumber": one.person,
        "customContract": one.assignment,
        "customIsMain": "Yes" if one.is_primary else "No",
    }


def write_pay(delivery: Delivery, out: Path) -> int:
    """Write the report of employees and the table compensation.

    Returns:
        The number of slices.
    """
    slices = pay.standing(pay.CAST, delivery)
    people = {one.code: one.person for one in slices}
    report = [{"id": _id(code), "employeeNumber": person, "customContract": code} for code, person in people.items()]
    _write(out, "employees", delivery, report, "employees")
    _write(out, "compensation", delivery, numbered(map(compensation, slices)))
    return len(slices)


def compensation(one: pay.Pay) -> Row:
    """A row of compensation."""
    return {
        "employeeId": _id(one.code),
        "startDate": one.start,
        "rate": f"{one.amount} {one.currency}",
        "type": "Hourly" if one.frequency == "hour" else "Salary",
        "paidPer": PAID_PER[one.frequency],
        "customWeeklyHours": one.hours,
    }


def numbered(told: Iterable[Row]) -> list[Row]:
    """Rows with their numbers, the last first."""
    return [{"id": str(number), **row} for number, row in zip(count(FIRST_ROW), told, strict=False)][::-1]


def _row(one: Slice, day: str) -> Row:
    return {"employeeId": _id(one.assignment), "date": day}


def _id(assignment: str) -> str:
    """BambooHR's own number of a record."""
    person, _, number = assignment.partition("-")
    return str(int(person) * 10 + int(number))


def _write(out: Path, name: str, delivery: Delivery, told: list[Row], under: str = "") -> None:
    write_list(out / "bamboohr" / f"{name}_{delivery.period}.json", told, under)
