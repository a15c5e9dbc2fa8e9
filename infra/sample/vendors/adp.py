"""The workers as ADP Workforce Now answers for them, `/hr/v2/workers` a page at a time.

The same workers as in `workday`, from its rows, in another vendor's words: people have an opaque number of ADP's and a
file number of the company's; a job is an assignment in a list, of which one is the primary, whatever its place; units
are a list by type, in no order; every coded thing has a code and names, any of which may be missing; who reports to
whom is a list; fields of the company's own are lists of name and value. A custom report has a row for each.
"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample.dialects import replacing
from infra.sample.vendors.pages import write_pages
from infra.sample.workday import beside, worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
COMPANIES = {"COMP-US": "KUS", "COMP-DE": "KDE", "COMP-GB": "KGB", "COMP-NA": "KNA"}
PAGE = 100
"""`$top`; the last page is followed by an answer without content."""


def write_workers(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the pages; how many workers they have."""
    rows = (worker(row) for row in worker_rows(plan, workers, delivery))
    return write_pages(out / "adp" / f"workers_{delivery.period}", rows, PAGE, lambda found, _: {"workers": found})


def write_report(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write a custom report as CSV, a title above its header and a total below its rows; how many workers it has."""
    rows = [position(row) for row in worker_rows(plan, workers, delivery)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([["Employee Roster", "All Companies"], [f"Period {delivery.period}"], [], list(rows[0])])
    writer.writerows(row.values() for row in rows)
    writer.writerow([f"Total Employees: {len(rows)}"])
    with replacing(out / "adp" / f"Roster_{delivery.period}.csv") as handle:
        handle.write(text.getvalue().encode())
    return len(rows)


def position(row: Row) -> dict[str, str]:
    """The primary position of somebody: a company code and a file number make its number."""
    manager, left = row["Manager_Worker_ID"], row["Termination_Date"]
    return {
        "Company Code": COMPANIES[row["Company_ID"]],
        "File Number": row["Worker_ID"],
        "Position ID": COMPANIES[row["Company_ID"]] + row["Worker_ID"],
        "Associate ID": oid(row["Worker_ID"]),
        "Payroll Name": f"{row['Legal_Last_Name']}, {row['Legal_First_Name']}",
        "Position Status": "Terminated" if left else "Active",
        "Worker Category Code": "C" if row["Worker_Type"] == "Contingent Worker" else "F",
        "Original Hire Date": american(row["Original_Hire_Date"]),
        "Hire Date": american(row["Hire_Date"]),
        "Termination Date": american(left) if left else "",
        "Job Title Description": row["Business_Title"],
        "Home Department Code": row["Job_Family_ID"],
        "Pay Grade Code": row["Management_Level_ID"],
        "Work Country": row["Country_ISO"],
        "Reports To Position ID": f"{COMPANIES['COMP-US']}{manager}" if manager else "",
        "FTE": row["FTE"],
    }


def american(day: str) -> str:
    """`2024-02-01` as `02/01/2024`."""
    year, month, rest = day.split("-")
    return f"{month}/{rest}/{year}"


def worker(row: Row) -> Row:
    """One worker."""
    number, left = row["Worker_ID"], row["Termination_Date"]
    own = {"nameCode": {"codeValue": "Analytics Consent"}, "indicatorValue": row["Analytics_Consent"] == "1"}
    from_candidate = row["Hired_From_Candidate_ID"]
    told = [{"nameCode": {"codeValue": "Candidate Number"}, "stringValue": from_candidate}] if from_candidate else []
    return {
        "associateOID": oid(number),
        "workerID": {"idValue": number},
        "person": {
            "legalName": {
                "givenName": row["Legal_First_Name"],
                "familyName1": row["Legal_Last_Name"],
                "formattedName": f"{row['Legal_Last_Name']}, {row['Legal_First_Name']}",
            },
            "birthDate": "1980-01-01",
        },
        "workerDates": {"originalHireDate": row["Original_Hire_Date"], **({"terminationDate": left} if left else {})},
        "workerStatus": {"statusCode": {"codeValue": "Terminated" if left else "Active"}},
        "businessCommunication": {
            "emails": [{"nameCode": {"codeValue": "Work E-mail"}, "emailUri": row["Work_Email"]}]
        },
        "workAssignments": assignments(row),
        "customFieldGroup": {"indicatorFields": [own], "stringFields": [{"nameCode": {"codeValue": "Shirt"}}, *told]},
    }


def assignments(row: Row) -> list[Row]:
    """The primary one; for every fourth person another stands before it or behind, that ended when this one began.

    Of who works for another company of the group as well that assignment is called primary, too, and began before.
    """
    number, left, manager = row["Worker_ID"], row["Termination_Date"], row["Manager_Worker_ID"]
    units = [
        {"typeCode": {"codeValue": "Business Unit"}, "nameCode": {"codeValue": row["Company_ID"]}},
        {
            "typeCode": {"codeValue": "Department"},
            "nameCode": {"codeValue": row["Job_Family_ID"], "longName": "a name"},
        },
    ]
    leads = {"associateOID": oid(manager), "workerID": {"idValue": manager}} if manager else None
    other = {"associateOID": oid("999999"), "workerID": {"idValue": "999999"}, "reportsToRelationshipCode": "dotted"}
    primary = {
        "itemID": f"{number}-1",
        "primaryIndicator": True,
        "hireDate": row["Hire_Date"],
        "actualStartDate": row["Hire_Date"],
        **({"terminationDate": left} if left else {}),
        "assignmentStatus": {"statusCode": {"codeValue": "T" if left else "A"}},
        "workerTypeCode": {"codeValue": "C" if row["Worker_Type"] == "Contingent Worker" else "F"},
        "jobCode": {"codeValue": row["Job_Profile_ID"], "shortName": row["Business_Title"]},
        "jobTitle": row["Business_Title"],
        "payGradeCode": {"codeValue": row["Management_Level_ID"]},
        "homeOrganizationalUnits": units[:: 1 if int(number) % 2 else -1],
        "homeWorkLocation": {"address": {"countryCode": row["Country_ISO"], "cityName": row["Location_ID"]}},
        "fullTimeEquivalenceRatio": float(row["FTE"]),
        **({"reportsTo": [leads, other][: 1 + int(number) % 2]} if leads else {}),
    }
    before = {**primary, "itemID": f"{number}-0", "primaryIndicator": False, "terminationDate": row["Hire_Date"]}
    both = [before, primary][:: 1 if int(number) % 8 else -1] if int(number) % 4 == 0 else [primary]
    if beside(row):
        earlier = str(np.datetime64(row["Hire_Date"], "D") - 50)
        other = {**primary, "itemID": f"{number}-9", "hireDate": earlier, "payGradeCode": {"codeValue": "P9"}}
        both.insert(int(number) % 2, other)
    return both


def oid(number: str) -> str:
    """ADP's own number of somebody."""
    return f"G{hashlib.sha256(number.encode()).hexdigest()[:15].upper()}"
