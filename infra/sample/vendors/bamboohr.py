"""The workers as BambooHR prints them: a report of employees, the tables employmentStatus and jobInfo, the directory.

The same workers as in `workday`, from its rows, in another vendor's words: everything is a label or text, numbers too;
a table has a row from each day on which something changed and no end, in no order, and of one day the row with the
greatest number holds; the day of the row Terminated is the first one after the last at work; a manager is a number in
the report and only a name in the table; an empty date is 0000-00-00 or nothing at all.
"""

from __future__ import annotations

import json
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample import names
from infra.sample.dialects import replacing
from infra.sample.workday import before, beside, worker_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
FIRST_ID = 1_000
"""BambooHR numbers people itself; `employeeNumber` is the company's."""
COUNTRIES = {"US": "United States", "DE": "Germany", "GB": "United Kingdom", "NA": "Namibia"}
DIVISIONS = {"COMP-US": "USA", "COMP-DE": "Deutschland", "COMP-GB": "UK", "COMP-NA": "Namibia"}
DEPARTMENTS = {
    "CARE": "Customer Care",
    "ENG": "Engineering",
    "SALES": "Sales",
    "OPS": "Operations",
    "DATA": "Data & Analytics",
    "FIN": "Finance",
    "MKT": "Marketing",
    "HR": "People",
}
MOVED_BEFORE = "2026-09-01"
"""Who began after it has not changed departments yet."""


def write_workers(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> dict[str, int]:
    """Write the report, both tables and the directory; a second contract is a record of its own.

    Returns:
        Records per file.
    """

    def rows() -> Iterator[Row]:
        for row in worker_rows(plan, workers, delivery):
            yield row
            yield from beside(row)

    statuses, jobs = count(1), count(1)
    folder, period = out / "bamboohr", delivery.period
    listed = {
        "employees": map(employee, rows()),
        "directory": (entry(row) for row in rows() if not _is_gone(row, delivery)),
    }
    tables = {
        "employmentStatus": chain.from_iterable(employment_status(row, statuses) for row in rows()),
        "jobInfo": chain.from_iterable(job_info(row, manager_name(row, workers), jobs) for row in rows()),
    }
    reports = {name: write_list(folder / f"{name}_{period}.json", made, "employees") for name, made in listed.items()}
    return reports | {name: write_list(folder / f"{name}_{period}.json", made) for name, made in tables.items()}


def employee(row: Row) -> Row:
    """A line of the report: what holds today."""
    left = row["Termination_Date"]
    return {
        "id": _record(row),
        "employeeNumber": row["Worker_ID"],
        "customIsMain": "No" if "Number" in row else ("Yes" if int(row["Worker_ID"]) % 2 else ""),
        "lastChanged": row["Last_Functionally_Updated"].replace(".000Z", "+00:00"),
        "status": "Inactive" if left else "Active",
        "hireDate": row["Hire_Date"],
        "originalHireDate": row["Original_Hire_Date"] if before(row) else "0000-00-00",
        "supervisorEId": _id(row["Manager_Worker_ID"]) if row["Manager_Worker_ID"] else "",
        "country": COUNTRIES[row["Country_ISO"]],
        "standardHoursPerWeek": row["Scheduled_Weekly_Hours"],
        "customLevel": row["Management_Level_ID"],
    }


def entry(row: Row) -> Row:
    """An entry of the directory, which has nobody who left."""
    first, last = row["Legal_First_Name"], row["Legal_Last_Name"]
    return {
        "id": _record(row),
        "displayName": f"{first} {last}",
        "firstName": first,
        "lastName": last,
        "preferredName": None,
        "jobTitle": row["Business_Title"],
        "workPhone": None,
        "mobilePhone": None,
        "workEmail": row["Work_Email"],
        "department": DEPARTMENTS[row["Job_Family_ID"]],
        "location": row["Location_ID"],
        "division": None,
        "linkedIn": None,
        "pronouns": None,
        "workPhoneExtension": None,
        "photoUploaded": False,
        "photoUrl": None,
        "canUploadPhoto": None,
        "status": "Active",
    }


def employment_status(row: Row, ids: Iterator[int]) -> list[Row]:
    """Rows of employmentStatus, for every other person the last one first.

    There is one from the first day, for every seventh person one more that corrects it on that day, and one from the
    first day after the last for who left. Who was hired again has two of the employment before.
    """
    half, index = row["Time_Type"] == "Part_time", int(row["Worker_ID"])
    kind = "Contractor" if row["Worker_Type"] == "Contingent Worker" else "Part-Time" if half else "Full-Time"
    changes = [(row["Hire_Date"], kind)]
    if index % 7 == 0:
        changes.insert(0, (row["Hire_Date"], "Contractor" if kind != "Contractor" else "Full-Time"))
    if former := before(row):
        label = "Full-Time" if index % 2 else "Contractor"
        changes[:0] = [(former[0], label), (_after(former[1], 1), "Terminated")]
    if row["Termination_Date"]:
        changes.append((_after(row["Termination_Date"], 1), "Terminated"))
    made = [
        {
            "id": str(next(ids)),
            "employeeId": _record(row),
            "date": day,
            "employmentStatus": label,
            "comment": None,
            "terminationReasonId": None,
            "terminationTypeId": row["Termination_Category"] if label == "Terminated" else None,
            "terminationRehireId": None,
        }
        for day, label in changes
    ]
    return made[::-1] if index % 2 else made


def job_info(row: Row, manager: str | None, ids: Iterator[int]) -> list[Row]:
    """Rows of jobInfo: every fifth person began in another department; the last row comes first."""
    department, index = DEPARTMENTS[row["Job_Family_ID"]], int(row["Worker_ID"])
    changes = [(row["Hire_Date"], department)]
    if index % 5 == 0 and row["Hire_Date"] < MOVED_BEFORE:
        other = next(label for label in DEPARTMENTS.values() if label != department)
        changes = [(row["Hire_Date"], other), (_after(row["Hire_Date"], 7), department)]
    return [
        {
            "id": str(next(ids)),
            "employeeId": _record(row),
            "date": day,
            "location": row["Location_ID"],
            "department": label,
            "division": DIVISIONS.get(row["Company_ID"], "Beside"),
            "jobTitle": row["Business_Title"],
            "reportsTo": manager,
        }
        for day, label in changes
    ][::-1]


def manager_name(row: Row, workers: Workers) -> str | None:
    """The name of somebody's manager, which is all that jobInfo says of them."""
    if row["Manager_Worker_ID"] is None:
        return None
    people, index = workers.people, int(row["Manager_Worker_ID"])
    first = (names.WOMEN if people.is_woman[index] else names.MEN)[people.first[index]]
    return f"{first} {names.SURNAMES[people.last[index]]}"


def write_list(path: Path, records: Iterable[Row], under: str = "") -> int:
    """One document: a list, or an object with the list and the names of its fields."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    rows = 0
    with replacing(path) as file:
        for rows, record in enumerate(records, 1):
            head = f'{{"title": "Export", "fields": {encode(_fields(record))}, "{under}": [' if under else "["
            file.write(f"{head if rows == 1 else ','}\n{encode(record)}".encode())
        file.write(b"\n]}" if under else b"\n]")
    return rows


def _fields(record: Row) -> list[Row]:
    return [{"id": name, "type": "text", "name": name} for name in record if name != "id"]


def _is_gone(row: Row, delivery: Delivery) -> bool:
    left = row["Termination_Date"]
    return left is not None and bool(np.datetime64(left, "D") < delivery.end)


def _record(row: Row) -> str:
    """The number of the record: somebody's second contract has another."""
    return _id(row["Worker_ID"]) if "Number" not in row else f"9{_id(row['Worker_ID'])}"


def _id(number: str) -> str:
    return str(FIRST_ID + int(number))


def _after(day: str, days: int) -> str:
    return str(np.datetime64(day, "D") + np.timedelta64(days, "D"))
