"""Workday's Core Connector: Worker, a full file of everybody employed.

The rows of `workday` as `Worker_Sync` has them: a header of the run, then a worker with sections. What repeats is told
apart by a type and comes in no order that means anything: private mail stands before work mail, the preferred name
before the legal one. Protected attributes stand among all the rest. The job family, the level and the company's own
fields are the tenant's overrides, in Additional_Information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from infra.sample import names
from infra.sample.dialects import date_texts, replacing
from infra.sample.workday import SEXES, worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
Parts = list[tuple[str, Any]]
TRUTH = {True: "true", False: "false"}


def write(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write a full file.

    Returns:
        The number of workers.
    """
    count = 0
    with replacing(out / "workday_ccw" / f"Worker_Sync_{delivery.period}.xml") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<ws:Worker_Sync xmlns:ws="urn:com.workday/workersync">\n')
        file.write(f"{element('Header', header(delivery))}\n".encode())
        for row in worker_rows(plan, workers, delivery):
            file.write(f"{element('Worker', worker(row, protected(workers, int(row['Worker_ID']))))}\n".encode())
            count += 1
        file.write(b"</ws:Worker_Sync>\n")
    return count


def element(name: str, value: str | Parts | None) -> str:
    """An element of text or of elements; nothing without a value."""
    if value is None:
        return ""
    inner = escape(value) if isinstance(value, str) else "".join(element(*part) for part in value)
    return f"<ws:{name}>{inner}</ws:{name}>"


def header(delivery: Delivery) -> Parts:
    """What a run says of itself."""
    return [
        ("Version", "44.0"),
        ("Current_Entry_Time", f"{delivery.end}.000Z"),
        ("Current_Effective_Time", f"{delivery.end}.000Z"),
        ("Full_File", "true"),
    ]


def protected(workers: Workers, i: int) -> Parts:
    """What a worker declared."""
    people = workers.people
    ethnicity = names.ETHNICITIES[people.ethnicity[i]]
    return [
        ("Gender", SEXES.get(int(people.sex[i]))),
        ("Birth_Date", date_texts(people.born[i : i + 1])[0]),
        ("Ethnicity", None if ethnicity == "Unknown" else ethnicity),
    ]


def worker(row: Row, declared: Parts) -> Parts:
    """A worker's sections; `declared` are their protected attributes."""
    first, last, left = row["Legal_First_Name"], row["Legal_Last_Name"], row["Termination_Date"]
    return [
        ("Summary", [("Employee_ID", row["Worker_ID"]), ("Name", f"{first} {last}")]),
        ("Eligibility", "true"),
        (
            "Personal",
            [
                ("Name_Data", [("Name_Type", "Preferred"), ("First_Name", first[:3]), ("Last_Name", last)]),
                ("Name_Data", [("Name_Type", "Legal"), ("First_Name", first), ("Last_Name", last)]),
                *declared,
                ("Address_Data", [("Address_Type", "WORK"), ("Country", row["Country_ISO"])]),
                ("Email_Data", _email("HOME", f"h{row['Worker_ID']}@home.example", is_primary=False)),
                ("Email_Data", _email("WORK", row["Work_Email"], is_primary=True)),
            ],
        ),
        (
            "Status",
            [
                ("Employee_Status", row["Worker_Status"]),
                ("Active", TRUTH[not left]),
                ("Hire_Date", row["Hire_Date"]),
                ("Original_Hire_Date", row["Original_Hire_Date"]),
                ("Terminated", TRUTH[bool(left)]),
                ("Termination_Date", left),
                ("Regrettable_Termination", TRUTH[row["Regrettable_Termination"] == "1"] if left else None),
                ("Staffing_Event", "TRM" if left else None),
            ],
        ),
        (
            "Position",
            [
                ("Position_ID", row["Position_ID"]),
                ("Position_Title", row["Business_Title"]),
                ("Supervisor_ID", row["Manager_Worker_ID"]),
                ("Organization_Data", [("Organization_Type", "Company"), ("Organization_Code", row["Company_ID"])]),
                (
                    "Organization_Data",
                    [("Organization_Type", "Supervisory"), ("Organization_Code", row["Supervisory_Org_ID"])],
                ),
            ],
        ),
        (
            "Compensation",
            [
                ("Total_Annual_Base_Pay", row["Base_Pay"]),
                ("Base_Pay_Currency", row["Base_Pay_Currency"]),
                ("Base_Pay_Frequency", row["Base_Pay_Frequency"]),
            ],
        ),
        (
            "Additional_Information",
            [
                ("Worker_Type", row["Worker_Type"]),
                ("Job_Family", row["Job_Family_ID"]),
                ("Management_Level", row["Management_Level_ID"]),
                ("FTE", row["FTE"]),
                ("Analytics_Consent", TRUTH[row["Analytics_Consent"] == "1"]),
                ("Hired_From_Candidate", row["Hired_From_Candidate_ID"]),
            ],
        ),
    ]


def _email(kind: str, address: str, *, is_primary: bool) -> Parts:
    return [("Email_Type", kind), ("Is_Primary", TRUTH[is_primary]), ("Email_Address", address)]
