"""Workday's Payroll Effective Change Interface, launched as a full extract: everybody with all their changes.

A change says from when it holds, when it was entered, and only what it changes: the worker's status, and of a position
what is new. An element that changed has its prior value beside; an organization is told as it was and as it is. What
was rescinded stays in the stack, and what took it back follows. Changes stand in the order in which they were entered;
the order in which they hold is their sequence. Moments have the offset of a zone east of UTC, where midnight is another
day there. A termination is told with the last day of the employment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from infra.sample.careers import CAST, Slice, standing, withdrawn
from infra.sample.dialects import replacing
from infra.sample.vendors.workday_history import EVENTS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from infra.sample.plan import Delivery

ZONE = ZoneInfo("Europe/Berlin")
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<peci:Workers_Effective_Stack xmlns:peci="urn:com.workday/peci" '
    'xmlns:ptdf="urn:com.workday/peci/tdf">\n'
)
CODES = {"hire": "HIR", "rehire": "HIR", "termination": "TERM", "leave_start": "LOA", "leave_end": "RFL"}
"""What Workday derives; all other changes are DTA."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element: text, or elements."""

    name: str
    inner: str | list[Element] = ""
    said: dict[str, str] = field(default_factory=dict)
    """Its attributes."""

    def __str__(self) -> str:
        inner = escape(self.inner) if isinstance(self.inner, str) else "".join(map(str, self.inner))
        name = self.name if ":" in self.name else f"peci:{self.name}"
        said = "".join(f" peci:{key}={quoteattr(value)}" for key, value in self.said.items())
        return f"<{name}{said}>{inner}</{name}>"


@dataclass(frozen=True, slots=True)
class Told:
    """A change of a person's stack."""

    slice: Slice
    before: Slice | None
    """What held in this job before it."""
    ended: Slice | None
    """A job that ends with it."""
    entered: str
    is_rescind: bool = False

    @property
    def day(self) -> date:
        """From when it holds, and of a termination the last day before."""
        return date.fromisoformat(self.slice.start) - timedelta(days=self.slice.event == "termination")


def write_history(delivery: Delivery, out: Path) -> int:
    """Write everybody's stack.

    Returns:
        The number of slices that the stacks come to.
    """
    slices, gone = list(standing(delivery)), list(withdrawn(delivery))
    with replacing(out / "workday_peci" / f"Workers_Effective_Stack_{delivery.period}.xml") as file:
        file.write(HEAD.encode())
        file.write(f"{Element('Summary', [Element('Pay_Group_ID', 'ALL')])}\n".encode())
        for person, mine in groupby(slices, key=lambda one: one.person):
            stack = changes(list(mine), [one for one in gone if one.person == person])
            file.write(f"{worker(person, stack)}\n".encode())
        file.write(b"</peci:Workers_Effective_Stack>\n")
    return len(slices)


def changes(mine: Sequence[Slice], gone: Sequence[Slice]) -> list[Told]:
    """The changes that led to a person's slices, in the order in which they hold."""
    told = []
    for one in mine:
        before = [other for other in mine if other.assignment == one.assignment and _key(other) < _key(one)]
        told.append(Told(one, before[-1] if before else None, _left(one, mine), _entered(one)))
    for one in gone:
        before = [other for other in mine if other.assignment == one.assignment and _key(other) < _key(one)]
        first = Told(one, before[-1], None, _entered(one))
        told += [first, Told(one, before[-1], None, str(one.replaced), is_rescind=True)]
    return sorted(told, key=lambda change: (*_key(change.slice), change.entered))


def _key(one: Slice) -> tuple[str, int]:
    return one.start, one.order


def _entered(one: Slice) -> str:
    """When it was entered first."""
    return min(other.entered for other in CAST if (other.assignment, *_key(other)) == (one.assignment, *_key(one)))


def _left(one: Slice, mine: Sequence[Slice]) -> Slice | None:
    """The job that a person leaves for this one."""
    eve = (date.fromisoformat(one.start) - timedelta(days=1)).isoformat()
    others = [other for other in mine if other.assignment != one.assignment]
    return next((other for other in others if other.last == eve and other.status != "terminated"), None)


def worker(person: str, stack: Sequence[Told]) -> Element:
    """A worker with all changes, as they were entered."""
    summary = [Element("WID", f"{int(person):032x}"), Element("Employee_ID", person), Element("Name", f"No. {person}")]
    numbered = enumerate(stack, 1)
    by_entry = sorted(numbered, key=lambda item: (item[1].entered, item[0]))
    status = {number: _status_before(stack, number) for number, _ in by_entry}
    made = [change(one, number, status[number]) for number, one in by_entry]
    return Element("Worker", [Element("Worker_Summary", summary), *made])


def _status_before(stack: Sequence[Told], number: int) -> str | None:
    """What was true of the person before a change; what was rescinded never was."""
    rescinded = {id(one.slice) for one in stack if one.is_rescind}
    before = [one.slice.status for one in stack[: number - 1] if id(one.slice) not in rescinded]
    return before[-1] if before else None


def change(one: Told, number: int, status: str | None) -> Element:
    """A change: what happened, and of the worker and the position what is new."""
    at = datetime.fromisoformat(one.entered).astimezone(ZONE).isoformat(timespec="milliseconds")
    code = CODES.get(one.slice.event, "DTA")
    inner = [
        Element("Derived_Event_Code", f"{code}-R" if one.is_rescind else code),
        Element("Effective_Moment", datetime(one.day.year, one.day.month, one.day.day, tzinfo=ZONE).isoformat()),
        Element("Entry_Moment", at),
    ]
    if status != one.slice.status:
        was, now = (STATUSES[text] if text else None for text in (status, one.slice.status))
        was, now = (now, was) if one.is_rescind else (was, now)
        inner.append(Element("Worker_Status", [_changed("Status", str(now), was)]))
    if status is None:
        inner.append(Element("Personal", [Element("Date_of_Birth", "1980-01-31"), Element("Gender", "Female")]))
    if one.ended:
        inner.append(Element("Position", [Element("Position_ID", f"P-{one.ended.assignment}")], {"isDeleted": "1"}))
    if not one.is_rescind:
        inner += _position(one)
    event = EVENTS[one.slice.event]
    reason = f"{event.replace(' ', '_')}_{one.slice.reason.title()}"
    own = [Element("ptdf:Business_Process_Type", event), Element("ptdf:Reason_ID", reason)]
    inner.append(Element("Additional_Information", own))
    return Element("Effective_Change", inner, {"Sequence": str(number)})


def _position(one: Told) -> Iterator[Element]:
    """The position, unless nothing of it is new; a new one whole."""
    news = _facts(one.slice)
    olds = _facts(one.before) if one.before else {}
    inner = [_changed(name, text, olds.get(name)) for name, text in news.items() if text != olds.get(name)]
    inner = [element for element in inner if element.inner or element.said]
    inner += _organizations(one)
    if inner:
        said = {} if one.before else {"isAdded": "1"}
        yield Element("Position", [Element("Position_ID", f"P-{one.slice.assignment}"), *inner], said)


def _facts(one: Slice) -> dict[str, str]:
    """What a position says of itself; a supervisor of nobody is empty."""
    return {
        "Primary_Job": "1" if one.is_primary else "0",
        "Business_Title": one.title,
        "Job_Profile_ID": one.job,
        "Supervisor_ID": one.manager or "",
        "Location_Name": one.location,
        "Full_Time_Equivalent_Percentage": f"{float(one.fte) * 100:g}",
        "Time_Type": "Full_time" if one.fte == "1.0" else "Part_time",
        "ptdf:Job_Family_ID": one.family,
        "ptdf:Management_Level_ID": one.grade,
    }


def _changed(name: str, text: str, prior: str | None) -> Element:
    return Element(name, text, {} if prior is None else {"priorValue": prior})


def _organizations(one: Told) -> Iterator[Element]:
    """Organizations that are new, each after the one whose place it takes."""
    for kind in ("Supervisory", "Company"):
        new = _unit(one.slice, kind)
        old = _unit(one.before, kind) if one.before else None
        if old is not None and old != new:
            yield _organization(kind, old, {"isDeleted": "1"})
        if old != new:
            yield _organization(kind, new, {"isAdded": "1"} if old is not None else {})


def _unit(one: Slice, kind: str) -> str:
    return one.org if kind == "Supervisory" else f"COMP-{one.company}"


def _organization(kind: str, code: str, said: dict[str, str]) -> Element:
    return Element("Organization", [Element("Organization_Type", kind), Element("Organization_Code", code)], said)
