"""The workers as UKG Pro tells of them: two answers of its service, and a report of its own report writer.

The same workers as in `workday`, from its rows, in another vendor's words: a row a company that somebody worked for, of
whom went over to another the old one is terminated for that reason; codes of one letter; SQL Server's first day where
there is none; the report has tabs between cells and is UTF-16, which its users call CSV.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import replacing
from infra.sample.vendors.pages import write_pages
from infra.sample.workday import beside, worker_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
PAGE = 200
NEVER = "1900-01-01T00:00:00"
COLUMNS = {
    "Employee Number": "employeeNumber",
    "Company": "companyCode",
    "Home Company": "isHomeCompany",
    "Status": "employeeStatusCode",
    "Type": "employeeTypeCode",
    "Original Hire": "originalHireDate",
    "Last Hire": "lastHireDate",
    "Termination": "dateOfTermination",
    "Termination Reason": "termReason",
    "Org Level 2": "orgLevel2Code",
    "Grade": "salaryGradeCode",
    "Country": "workCountry",
    "Supervisor": "supervisorNumber",
    "Scheduled FTE": "scheduledFTE",
}
"""Heading of the report -> field of the service."""


def write_workers(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the pages of both answers; how many employments they have."""
    folder, period = out / "ukg", delivery.period

    def rows() -> Iterator[Row]:
        return worker_rows(plan, workers, delivery)

    write_pages(folder / f"person_details_{period}", (person(row) for row in rows()), PAGE)
    told = (told for row in rows() for told in employments(row))
    return write_pages(folder / f"employment_details_{period}", told, PAGE)


def write_report(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the report; how many employments it has."""
    found = [told for row in worker_rows(plan, workers, delivery) for told in employments(row)]
    lines = [list(COLUMNS), *([_cell(told[name]) for name in COLUMNS.values()] for told in found)]
    with replacing(out / "ukg" / f"Workforce {delivery.period}.csv") as file:
        file.write("".join(_line(cells) for cells in lines).encode("utf-16"))
    return len(found)


def _cell(value: object) -> str:
    return ("Y" if value else "N") if isinstance(value, bool) else str(value or "")


def _line(cells: Iterable[str]) -> str:
    return "\t".join(cells) + "\r\n"


def person(row: Row) -> Row:
    """A person of person-details."""
    return {
        "employeeId": key(row["Worker_ID"]),
        "companyId": _company(row["Company_ID"]),
        "firstName": row["Legal_First_Name"],
        "lastName": row["Legal_Last_Name"],
        "emailAddress": row["Work_Email"],
        "gender": "X",
        "ethnicID": "9",
        "dateOfBirth": "1980-01-01T00:00:00",
    }


def employments(row: Row) -> list[Row]:
    """Employments of a person, one a company: every sixth one worked for another company of the group before."""
    left, manager = row["Termination_Date"], row["Manager_Worker_ID"]
    now = {
        "employeeId": key(row["Worker_ID"]),
        "companyId": _company(row["Company_ID"]),
        "companyCode": row["Company_ID"],
        "employeeNumber": row["Worker_ID"],
        "isHomeCompany": True,
        "employeeStatusCode": "T" if left else "A",
        "employeeTypeCode": "CON" if row["Worker_Type"] == "Contingent Worker" else "REG",
        "originalHireDate": f"{row['Original_Hire_Date']}T00:00:00",
        "lastHireDate": f"{row['Hire_Date']}T00:00:00",
        "dateOfTermination": f"{left}T00:00:00" if left else NEVER,
        "termReason": "VOL" if left else None,
        "primaryJobCode": row["Job_Profile_ID"],
        "jobDescription": row["Business_Title"],
        "orgLevel1Code": row["Supervisory_Org_ID"],
        "orgLevel2Code": row["Job_Family_ID"],
        "salaryGradeCode": row["Management_Level_ID"],
        "workCountry": {"US": "USA", "DE": "DEU", "GB": "GBR", "NA": "NAM"}[row["Country_ISO"]],
        "supervisorID": key(manager) if manager else None,
        "supervisorNumber": manager,
        "scheduledFTE": float(row["FTE"]),
        "dateTimeChanged": row["Last_Functionally_Updated"].replace(".000Z", "Z"),
    }
    also = [
        now
        | {"companyId": _company(one["Company_ID"]), "companyCode": one["Company_ID"], "isHomeCompany": False}
        | {"lastHireDate": f"{one['Hire_Date']}T00:00:00", "orgLevel2Code": "HR", "scheduledFTE": float(one["FTE"])}
        | {"dateTimeChanged": "2026-09-30T10:00:00Z"}
        for one in beside(row)
    ]
    if int(row["Worker_ID"]) % 6:
        return [now, *also]
    before = {**now, "companyId": "ELSEW", "companyCode": "COMP-XX", "employeeStatusCode": "T", "termReason": "TRO"}
    return [before | {"isHomeCompany": False, "dateOfTermination": now["lastHireDate"]}, now, *also]


def key(number: str) -> str:
    """UKG's own number of somebody."""
    return hashlib.sha256(f"ukg {number}".encode()).hexdigest()[:12].upper()


def _company(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:5].upper()
