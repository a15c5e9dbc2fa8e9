"""An HCM extract of job history as XML: below a person the work relationships, below each every slice of its jobs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from infra.sample.careers import Slice, standing
from infra.sample.dialects import replacing
from infra.sample.vendors.oracle.extract import as_element
from infra.sample.vendors.oracle.history import ACTIONS, STATUSES
from infra.sample.vendors.oracle.loader import EMPLOYERS

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]


def write_history(delivery: Delivery, out: Path) -> int:
    """Write the extract, two people a fragment.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    people = [group(list(mine), number) for number, (_, mine) in enumerate(groupby(slices, lambda one: one.person))]
    parameters = {"FLOW_NAME": "Job History 1", "effective_date": str(delivery.end)[:10], "changes_only": "N"}
    head: Row = {"REP_CATEGORY_NAME": "Job History", "parameters": parameters}
    with replacing(out / "oracle" / f"JobHistory_Extract_{delivery.period}.xml") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<DATA_DS><G_1>')
        for at in range(0, len(people), 2):
            fragment = as_element("G_2", {"FILE_FRAGMENT": {"Root": head | {"Worker": people[at : at + 2]}}})
            file.write(ET.tostring(fragment, encoding="utf-8") + b"\n")
        file.write(b"</G_1></DATA_DS>\n")
    return len(slices)


def group(mine: list[Slice], number: int) -> Row:
    """The data group of a person. A second job beside the first is of the same relationship."""
    told: list[Row] = []
    for _, job in groupby(mine, lambda one: one.assignment):
        slices = list(job)
        groups = [{"Assignment_Record": record(one, slices)} for one in slices]
        if slices[0].event == "second_job":
            told[-1]["Assignments"]["Assignments"] += groups
        else:
            begun = {"Worker_Type": "E", "Legal_Employer_Name": EMPLOYERS[slices[0].company]}
            told.append({"Work_Relationship_Record": begun, "Assignments": {"Assignments": groups}})
    return {
        "OBJECT_ACTION_ID": str(8_504_453_322 + number),
        "Person_Record": {"Person_Number": mine[0].person},
        "Work_Relationships": {"Work_Relationships": told},
    }


def record(one: Slice, job: list[Slice]) -> Row:
    """A slice of a job, with the leader and the FTE of its days."""
    return {
        "Effective_Start_Date": one.start,
        "Effective_End_Date": one.last or "4712-12-31",
        "Effective_Sequence": str(one.order),
        "Effective_Latest_Change": "Y" if one.order == max(o.order for o in job if o.start == one.start) else "N",
        "Action_Code": ACTIONS[one.event],
        "Reason_Code": one.reason,
        "Assignment_Number": f"E{one.assignment}",
        "Assignment_Name": one.title,
        "Assignment_Type": "E",
        "Assignment_Status": STATUSES[one.status],
        "Primary_Flag": "Y" if one.is_primary else "N",
        "Job_Code": one.job,
        "Job_Family_Code": one.family,
        "Grade_Code": one.grade,
        "Department_Name": one.org,
        "Location_Code": one.location,
        "Full_Part_Time": "FULL_TIME" if one.fte == "1.0" else "PART_TIME",
        "FTE": one.fte.removesuffix(".0"),
        "Manager_Person_Number": one.manager,
    }
