"""Worker.dat of the HCM Data Loader with every slice of every assignment, its line manager and its FTE of that day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sample.careers import Slice, standing, withdrawn
from infra.sample.vendors.oracle import dat
from infra.sample.vendors.oracle.dat import END
from infra.sample.vendors.oracle.loader import EMPLOYERS, OWNER, write_structures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.plan import Delivery

Cells = dict[str, str | None]
ACTIONS = {
    "hire": "HIRE",
    "rehire": "REHIRE",
    "second_job": "ADD_ASSIGN",
    "transfer": "TRANSFER",
    "company_transfer": "GLB_TRANSFER",
    "promotion": "PROMOTION",
    "leave_start": "COMPANY_LEAVE",
    "leave_end": "COMPANY_RETURN",
    "termination": "TERMINATION",
}
STATUSES = {"active": "ACTIVE_PROCESS", "leave": "SUSPEND_PROCESS", "terminated": "INACTIVE_PROCESS"}
_KEYS = ("SourceSystemOwner", "SourceSystemId", "EffectiveStartDate", "EffectiveEndDate")
COMPONENTS = {
    "Assignment": (
        *(*_KEYS, "EffectiveSequence", "EffectiveLatestChange", "ActionCode", "ReasonCode"),
        *("PersonNumber", "LegalEmployerName", "AssignmentNumber", "AssignmentName", "AssignmentType"),
        *("AssignmentStatusTypeCode", "PrimaryAssignmentFlag", "JobCode", "GradeCode", "DepartmentName"),
        *("LocationCode", "FullPartTime"),
    ),
    "AssignmentSupervisor": (
        *(*_KEYS, "PersonId(SourceSystemId)", "AssignmentNumber", "ManagerType", "ManagerPersonNumber", "PrimaryFlag"),
    ),
    "AssignmentWorkMeasure": (*_KEYS, "AssignmentNumber", "Unit", "Value"),
}
"""Component of Worker.dat -> its columns."""


def write_history(delivery: Delivery, out: Path) -> int:
    """Write Worker.dat, and the jobs that it names in an archive of their own.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    days = {(one.assignment, one.start): one.order for one in slices}
    head = [dat.metadata(name, columns) for name, columns in COMPONENTS.items()]
    path = out / "oracle" / f"Workers_{delivery.period}.zip"
    with dat.archive(path) as archive, dat.member(archive, "Worker.dat") as file:
        file.write(dat.encoded(head))
        for one in slices:
            file.write(dat.encoded(lines(one, is_latest=days[one.assignment, one.start] == one.order)))
        for one in withdrawn(delivery):
            file.write(dat.encoded(lines(one, "DELETE", is_latest=True)))
    write_structures({one.job: one.family for one in slices}, delivery, out)
    return len(slices)


def lines(one: Slice, word: str = "MERGE", *, is_latest: bool) -> Iterator[str]:
    """The assignment of a slice, and what other components know of it."""
    number, source = f"E{one.assignment}", f"{one.assignment}_{one.start}_{one.order}"
    base: Cells = {"SourceSystemOwner": OWNER, "SourceSystemId": source, "AssignmentNumber": number}
    base |= {"EffectiveStartDate": _day(one.start), "EffectiveEndDate": _day(one.last) if one.last else END}
    told: Cells = {
        "EffectiveSequence": str(one.order),
        "EffectiveLatestChange": "Y" if is_latest else "N",
        "ActionCode": ACTIONS[one.event],
        "ReasonCode": one.reason,
        "PersonNumber": one.person,
        "LegalEmployerName": EMPLOYERS[one.company],
        "AssignmentName": one.title,
        "AssignmentType": "E",
        "AssignmentStatusTypeCode": STATUSES[one.status],
        "PrimaryAssignmentFlag": "Y" if one.is_primary else "N",
        "JobCode": one.job,
        "GradeCode": one.grade,
        "DepartmentName": one.org,
        "LocationCode": one.location,
        "FullPartTime": "FULL_TIME" if one.fte == "1.0" else "PART_TIME",
    }
    yield _line("Assignment", base | told, word)
    led: Cells = {"PersonId(SourceSystemId)": one.person, "ManagerPersonNumber": one.manager, "PrimaryFlag": "Y"}
    if one.manager:
        yield _line("AssignmentSupervisor", base | led | {"ManagerType": "LINE_MANAGER"}, word)
    project: Cells = {"ManagerType": "PROJECT_MANAGER", "ManagerPersonNumber": "000103", "PrimaryFlag": "N"}
    yield _line("AssignmentSupervisor", base | led | project, word)
    yield _line("AssignmentWorkMeasure", base | {"Unit": "FTE", "Value": one.fte.removesuffix(".0")}, word)
    yield _line("AssignmentWorkMeasure", base | {"Unit": "HEAD", "Value": "1"}, word)


def _line(component: str, cells: Cells, word: str) -> str:
    return dat.line(component, COMPONENTS[component], cells, word)


def _day(text: str) -> str:
    return text.replace("-", "/")
