"""Job history as SAP SuccessFactors' Compound Employee API prints it in full mode with allJobChangesPerDay: XML.

A person has an employment for each contract, and that all of its jobs, the newest first. A job says which day is its
last; what was changed since the last query holds its old text in an element within.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from infra.sample.careers import Slice, standing
from infra.sample.dialects import replacing
from infra.sample.vendors.successfactors_compound import FILE, OPEN_END, XML, Node, text
from infra.sample.vendors.successfactors_history import COMPANIES, EVENTS, STATUSES

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery


def write_history(delivery: Delivery, out: Path) -> int:
    """Write a full dump of everybody's jobs.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    before, after = FILE
    people = [text(("CompoundEmployee", person(list(mine)))) for _, mine in groupby(slices, lambda one: one.person)]
    with replacing(out / "successfactors" / f"CompoundEmployeeHistory_{delivery.period}_0001.xml") as file:
        file.write(f"{XML}{chr(10).join([before, *people, after])}\n".encode())
    return len(slices)


def person(mine: list[Slice]) -> list[Node]:
    """A person with their employments."""
    told = [("employment_information", employment(list(of))) for _, of in groupby(mine, lambda one: one.assignment)]
    return [("id", ["1"]), ("person", [("person_id_external", [mine[0].person]), *told])]


def employment(mine: list[Slice]) -> list[Node]:
    """An employment with its jobs."""
    first = mine[0]
    head: list[Node] = [
        ("assignment_class", ["ST"]),
        ("is_primary", [str(first.is_primary).lower()]),
        ("start_date", [first.start]),
        ("user_id", [first.assignment]),
    ]
    return [*head, *(("job_information", job(one)) for one in reversed(mine))]


def job(one: Slice) -> list[Node]:
    """A slice; a manager is named by the user id of their first employment."""
    event, reason = EVENTS[one.event]
    told: dict[str, str] = {
        "company": COMPANIES[one.company],
        "department": one.org,
        "emplStatus": STATUSES[one.status],
        "end_date": one.last or OPEN_END,
        "event": event,
        "fte": one.fte,
        "is_fulltime_employee": str(one.fte == "1.0").lower(),
        "job_code": one.job,
        "job_title": one.title,
        "last_modified_on": one.entered,
        "location": one.location,
        "manager_id": f"{one.manager}-1" if one.manager else "NO_MANAGER",
        "pay_grade": one.grade,
        "seq_number": str(one.order),
        "start_date": one.start,
    }
    changed: list[Node] = [f"{reason}{one.reason}", ("previous", ["DATACHG"])]
    return [*((name, [value]) for name, value in told.items()), ("event_reason", changed)]
