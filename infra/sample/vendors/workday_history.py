"""Workday's report of job history as RaaS prints it with format=json: a group of slices beside each worker."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from infra.sample.careers import Slice, standing
from infra.sample.dialects import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

EVENTS = {
    "hire": "Hire Employee",
    "rehire": "Hire Employee",
    "second_job": "Add Additional Job",
    "transfer": "Transfer Employee",
    "company_transfer": "Transfer Employee",
    "promotion": "Promote Employee",
    "leave_start": "Request Leave of Absence",
    "leave_end": "Request Return from Leave of Absence",
    "termination": "Terminate Employee",
}
STATUSES = {"active": "Active", "leave": "On Leave", "terminated": "Terminated"}


def write_history(delivery: Delivery, out: Path) -> int:
    """Write HRML_Job_History.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    people = groupby(slices, key=lambda one: one.person)
    entries = ({"Worker_ID": person, "Job_History_group": [member(one) for one in mine]} for person, mine in people)
    write_report(out / "workday" / f"HRML_Job_History_{delivery.period}.json", entries)
    return len(slices)


def member(one: Slice) -> dict[str, Any]:
    """A slice; its moment is when it was last said anew, and keys without a value are left out."""
    event = EVENTS[one.event]
    cells = {
        "Position_ID": f"P-{one.assignment}",
        "Effective_Date": one.start,
        "End_Date": one.last,
        "Sequence": str(one.order - 1),
        "Business_Process_Type": event,
        "Reason_ID": f"{event.replace(' ', '_')}_{one.reason.title()}",
        "Worker_Status": STATUSES[one.status],
        "Is_Primary": "1" if one.is_primary else "0",
        "Job_Profile_ID": one.job,
        "Job_Family_ID": one.family,
        "Business_Title": one.title,
        "Supervisory_Org_ID": one.org,
        "Company_ID": f"COMP-{one.company}",
        "Location_ID": one.location,
        "Manager_Worker_ID": one.manager,
        "Management_Level_ID": one.grade,
        "Time_Type": "Full_time" if one.fte == "1.0" else "Part_time",
        "FTE": one.fte,
        "Last_Updated_Moment": one.entered,
    }
    return {name: value for name, value in cells.items() if value is not None}
