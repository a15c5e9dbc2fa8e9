"""An HCM extract of workers as XML: a fragment a thread, data groups within groups of the same name."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from infra.sample.dialects import replacing
from infra.sample.vendors.oracle import KINDS
from infra.sample.vendors.oracle.loader import EMPLOYERS
from infra.sample.workday import before, employments, worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
CHUNK = 1_000
"""Workers of a fragment."""


def write_extract(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write the XML of an extract of all workers, a fragment for every CHUNK of them.

    Returns:
        The number of workers.
    """
    rows, count = worker_rows(plan, workers, delivery), 0
    parameters = {
        "request_id": "300013232167400",
        "FLOW_NAME": "Workers Run 1",
        "legislative_data_group_id": None,
        "effective_date": str(delivery.end.astype("datetime64[D]") - 1),
        "start_date": None,
        "changes_only": "N",
    }
    head: Row = {"REP_CATEGORY_NAME": "Workers", "parameters": parameters}
    with replacing(out / "oracle" / f"Workers_Extract_{delivery.period}.xml") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<DATA_DS><G_1><PAYROLL_ACTION_ID>7421723')
        file.write(b"</PAYROLL_ACTION_ID>\n")
        while chunk := list(islice(rows, CHUNK)):
            groups = [extract_group(row, 8_504_453_322 + count + at) for at, row in enumerate(chunk)]
            fragment = as_element("G_2", {"FILE_FRAGMENT": {"Root": head | {"Worker": groups}}})
            file.write(ET.tostring(fragment, encoding="utf-8") + b"\n")
            count += len(chunk)
        file.write(b"</G_1></DATA_DS>\n")
    return count


def extract_group(row: Row, action: int) -> Row:
    """The data group of a worker, children as nested data groups: wrapper and item have one name."""
    assignment = {
        "Assignment_Number": f"{KINDS[row['Worker_Type']]}{row['Worker_ID']}",
        "Assignment_Status": "INACTIVE_PROCESS" if row["Termination_Date"] else "ACTIVE_PROCESS",
        "Job_Code": row["Job_Profile_ID"],
        "Job_Family_Code": row["Job_Family_ID"],
        "Grade_Code": row["Management_Level_ID"],
        "FTE": row["FTE"].removesuffix(".0"),
        "Manager_Person_Number": row["Manager_Worker_ID"],
    }
    relationship = {
        "Worker_Type": KINDS[row["Worker_Type"]],
        "Date_Start": row["Hire_Date"],
        "Actual_Termination_Date": row["Termination_Date"],
        "Legal_Employer_Name": EMPLOYERS[row["Country_ISO"]],
        "Legislation_Code": row["Country_ISO"],
    }
    groups = [(relationship, assignment)]
    if former := before(row):
        kind = KINDS[employments(row)[0]["Worker_Type"]]
        ended = {"Worker_Type": kind, "Date_Start": former[0], "Actual_Termination_Date": former[1]}
        was = {"Assignment_Number": f"{kind}{row['Worker_ID']}-1", "Assignment_Status": "INACTIVE_PROCESS"}
        # The older one comes last, or first: their order means nothing.
        groups.insert(int(row["Worker_ID"]) % 2, (relationship | ended, assignment | was | {"Job_Family_Code": "OLD"}))
    return {
        "OBJECT_ACTION_ID": str(action),
        "Person_Record": {"Person_Number": row["Worker_ID"]},
        "Work_Relationships": {
            "Work_Relationships": [
                {
                    "Work_Relationship_Record": employed,
                    "Assignments": {"Assignments": [{"Assignment_Record": assigned}]},
                }
                for employed, assigned in groups
            ]
        },
    }


def as_element(tag: str, value: Row | str | None) -> ET.Element:
    """An element: children of a mapping, the same child repeated of a list, no text of None."""
    element = ET.Element(tag)
    if isinstance(value, dict):
        for name, child in value.items():
            element.extend(as_element(name, each) for each in (child if isinstance(child, list) else [child]))
    else:
        element.text = value
    return element
