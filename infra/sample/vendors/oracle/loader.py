"""Files of the HCM Data Loader: Worker.dat with all that the record of a worker has, and the jobs that it names.

Lines of several components, escapes instead of quotes, fields at the end left out, `#NULL`, slices up to 4712/12/31,
two changes on one day, several managers and measures an assignment, deletions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample.vendors.oracle import KINDS, dat
from infra.sample.vendors.oracle.dat import END
from infra.sample.workday import before, employments, worker_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
OWNER = "COMPANY"
HIRES = {"E": "HIRE", "C": "ADD_CWK", "N": "ADD_NON_WKR"}
EMPLOYERS = {
    "US": "Company USA Inc",
    "DE": "Company Deutschland GmbH",
    "GB": "Company UK Ltd ",  # as typed into Oracle, with the blank
    "NA": "Company Namibia Pty",
}
OTHER_EMPLOYER = "Company Beside Ltd"
FAMILIES = {
    "CARE": "Customer Care",
    "ENG": "Engineering",
    "SALES": "Sales",
    "OPS": "Operations",
    "DATA": "Data and Analytics",
    "FIN": "Finance",
    "MKT": "Marketing",
    "HR": "Human Resources",
}
_KEYS = ("SourceSystemOwner", "SourceSystemId")
_SLICE = ("EffectiveStartDate", "EffectiveEndDate")
_CHANGE = ("EffectiveSequence", "EffectiveLatestChange", "ActionCode")
_EMPLOYMENT = ("PersonNumber", "LegalEmployerName", "DateStart", "WorkerType")
_JOB = ("JobCode", "GradeCode", "LocationCode", "NormalHours", "Frequency", "FullPartTime")
WORKER = {
    "Worker": (*_KEYS, *_SLICE, "PersonNumber", "StartDate", "ActionCode"),
    "PersonName": (*_KEYS, *_SLICE, "PersonId(SourceSystemId)", "NameType", "LegislationCode", "LastName", "FirstName"),
    "WorkRelationship": (*_KEYS, *_EMPLOYMENT, "PrimaryFlag", "ActualTerminationDate"),
    "WorkTerms": (
        *(*_KEYS, *_SLICE, *_CHANGE, *_EMPLOYMENT),
        *("AssignmentNumber", "AssignmentType", "AssignmentStatusTypeCode", "PrimaryWorkTermsFlag"),
    ),
    "Assignment": (
        *(*_KEYS, *_SLICE, *_CHANGE, *_EMPLOYMENT),
        *("WorkTermsNumber", "AssignmentNumber", "AssignmentName", "AssignmentType", "AssignmentStatusTypeCode"),
        *("PrimaryAssignmentFlag", *_JOB),
    ),
    "AssignmentSupervisor": (
        *(*_KEYS, *_SLICE),
        *("PersonId(SourceSystemId)", "AssignmentNumber", "ManagerType", "ManagerPersonNumber", "PrimaryFlag"),
    ),
    "AssignmentWorkMeasure": (*_KEYS, *_SLICE, "AssignmentNumber", "Unit", "Value"),
}
"""Component of Worker.dat -> its columns."""
STRUCTURES = {
    "JobFamily": (*_KEYS, *_SLICE, "JobFamilyCode", "JobFamilyName", "ActiveStatus"),
    "Job": (*_KEYS, *_SLICE, "SetCode", "JobCode", "Name", "ActiveStatus", "JobFamilyName"),
}
"""Component of the file of its name -> its columns."""


def write_loader(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write Worker.dat, and the jobs that it names in an archive of their own: nobody is in that one.

    Returns:
        The number of workers, without the nonworker and the hire that was cancelled, who come first.
    """
    jobs: dict[str, str] = {}
    folder, count = out / "oracle", 0
    with dat.archive(folder / f"Workers_{delivery.period}.zip") as archive, dat.member(archive, "Worker.dat") as file:
        file.write(dat.encoded(["COMMENT Everybody, with all that the record of each has", *map(_metadata, WORKER)]))
        for row in worker_rows(plan, workers, delivery):
            if not count:
                file.write(dat.encoded(loader_lines({**row, "Worker_ID": "900001", "Worker_Type": "Nonworker"})))
                cancelled = loader_lines({**row, "Worker_ID": "900002", "Manager_Worker_ID": "000001"})
                file.write(dat.encoded(line.replace("MERGE", "DELETE", 1) for line in cancelled))
            file.write(dat.encoded(loader_lines(row)))
            jobs[row["Job_Profile_ID"]] = row["Job_Family_ID"]
            count += 1
    write_structures(jobs, delivery, out)
    return count


def write_structures(jobs: Mapping[str, str], delivery: Delivery, out: Path) -> None:
    """Write the archive of the jobs; each has a family."""
    with dat.archive(out / "oracle" / f"WorkStructures_{delivery.period}.zip") as archive:
        for name in STRUCTURES:
            with dat.member(archive, f"{name}.dat") as file:
                file.write(dat.encoded([_metadata(name), *_structures(name, jobs)]))


def loader_lines(row: Row) -> Iterator[str]:
    """All lines of a worker: the person, the employment, its terms, its assignment with manager and measures.

    Of whoever was hired again first the employment before, whose assignment has ended and has its last slice still.
    Some were no workers yet when Oracle first knew them, some work for another company of the group as well.
    """
    key, hired, kind = row["Worker_ID"], _day(row["Hire_Date"]), KINDS[row["Worker_Type"]]
    begins, ends = {"EffectiveStartDate": hired}, {"EffectiveEndDate": END}
    employment = {
        "PersonNumber": key,
        "LegalEmployerName": EMPLOYERS[row["Country_ISO"]],
        "DateStart": hired,
        "WorkerType": kind,
    }
    yield _line("Worker", key, begins | ends | {"PersonNumber": key, "StartDate": hired, "ActionCode": HIRES[kind]})
    name = {"NameType": "GLOBAL", "LegislationCode": row["Country_ISO"], "PersonId(SourceSystemId)": key}
    name |= {"LastName": row["Legal_Last_Name"], "FirstName": row["Legal_First_Name"]}
    yield _line("PersonName", f"{key}_NAME", begins | ends | name)
    if before(row):
        told = {name: employments(row)[0][name] for name in ("Hire_Date", "Termination_Date", "Worker_Type")}
        first = row | told | {"Original_Hire_Date": told["Hire_Date"]}
        begun = {"DateStart": _day(told["Hire_Date"]), "WorkerType": KINDS[told["Worker_Type"]]}
        yield from _employment(first, employment | begun, f"{key}_0")
    yield from _employment(row, employment, key)
    if int(key) % 13 == 6:
        known = {"WorkerType": "N", "DateStart": _day(row["Original_Hire_Date"], -400), "PrimaryFlag": "Y"}
        known |= {"ActualTerminationDate": _day(row["Original_Hire_Date"], -1)}
        yield _line("WorkRelationship", f"{key}_POS_N", employment | known)
    if int(key) % 17 == 3:
        beside = employment | {
            "DateStart": _day(row["Hire_Date"], 30 * (int(key) % 2)),
            "LegalEmployerName": OTHER_EMPLOYER,
        }
        number = {"AssignmentNumber": f"{kind}{key}-4"}
        yield _line("WorkRelationship", f"{key}_POS_B", beside | {"PrimaryFlag": "N", "ActualTerminationDate": "#NULL"})
        yield _line("Assignment", f"{key}_ASG_4", beside | _assignment(row, kind) | _slices(row, kind)[-1] | number)


def _employment(row: Row, employment: Row, source: str) -> Iterator[str]:
    """Lines of one employment; of one before the present one without managers and measures."""
    key, left, kind = row["Worker_ID"], _day(row["Termination_Date"]), employment["WorkerType"]
    # Of employees who stay, the last field is left out; of others it is an explicit null.
    gone = left or (None if kind == "E" else "#NULL")
    yield _line("WorkRelationship", f"{source}_POS", employment | {"PrimaryFlag": "Y", "ActualTerminationDate": gone})
    for number, slice_ in enumerate(_slices(row, kind), 1):
        terms = {"AssignmentNumber": f"{kind}T{key}", "AssignmentType": f"{kind}T", "PrimaryWorkTermsFlag": "Y"}
        yield _line("WorkTerms", f"{source}_TERMS_{number}", employment | slice_ | terms)
        yield _line("Assignment", f"{source}_ASG_{number}", employment | _assignment(row, kind) | slice_)
    if source != key:
        return
    if int(key) % 9 == 0:
        second = {
            "AssignmentNumber": f"{kind}{key}-{3 if before(row) else 2}",
            "PrimaryAssignmentFlag": "N",
            "GradeCode": "P1",
        }
        yield _line("Assignment", f"{key}_ASG_B", employment | _assignment(row, kind) | _slices(row, kind)[-1] | second)
    yield from _supervisors(row, _number(row, kind))
    yield from _measures(row, _number(row, kind))


def _number(row: Row, kind: str) -> str:
    """The number of a worker's primary assignment: Oracle counts those of a person."""
    return f"{kind}{row['Worker_ID']}{'-2' if before(row) else ''}"


def _assignment(row: Row, kind: str) -> Row:
    key = row["Worker_ID"]
    return {
        "WorkTermsNumber": f"{kind}T{key}",
        "AssignmentNumber": _number(row, kind),
        "AssignmentName": f"{row['Business_Title']} | {row['Location_ID']}",
        "AssignmentType": kind,
        "PrimaryAssignmentFlag": "Y",
        "JobCode": row["Job_Profile_ID"],
        "GradeCode": row["Management_Level_ID"],
        "LocationCode": row["Location_ID"],
        "NormalHours": row["Scheduled_Weekly_Hours"],
        "Frequency": "W",
        "FullPartTime": row["Time_Type"].upper(),
    }


def _slices(row: Row, kind: str) -> list[Row]:
    """The slices of an assignment: who manages became a manager on the first day, who left has one more after it."""
    hired, left = _day(row["Hire_Date"]), _day(row["Termination_Date"])
    first: Row = {
        "EffectiveStartDate": hired,
        "EffectiveEndDate": left or END,
        "EffectiveSequence": "1",
        "EffectiveLatestChange": "Y",
        "ActionCode": HIRES[kind],
        "AssignmentStatusTypeCode": "ACTIVE_PROCESS",
    }
    slices = [first]
    if row["Management_Level_ID"].startswith("M"):
        changed = {"EffectiveSequence": "2", "ActionCode": "PROMOTION"}
        slices = [first | {"EffectiveLatestChange": "N", "GradeCode": "P1"}, first | changed]
    if left:
        after = {"EffectiveStartDate": _day(row["Termination_Date"], 1), "EffectiveEndDate": END}
        slices.append(first | after | {"ActionCode": "TERMINATION", "AssignmentStatusTypeCode": "INACTIVE_PROCESS"})
    return slices


def _supervisors(row: Row, assignment: str) -> Iterator[str]:
    """The manager of today first; of some the one before and a second one; a deletion where nobody is left."""
    key, hired, manager = row["Worker_ID"], _day(row["Hire_Date"]), row["Manager_Worker_ID"]
    both = {"PersonId(SourceSystemId)": key, "AssignmentNumber": assignment, "EffectiveEndDate": END}
    line = both | {"ManagerType": "LINE_MANAGER", "PrimaryFlag": "Y", "EffectiveStartDate": hired}
    source = f"{key}_SUP"
    if manager is None:
        yield _line("AssignmentSupervisor", source, line | {"ManagerPersonNumber": "000001"}, "DELETE")
    elif int(key) % 5 == 0:
        now = {"EffectiveStartDate": _day(row["Hire_Date"], 30), "ManagerPersonNumber": manager}
        before = {"EffectiveEndDate": _day(row["Hire_Date"], 29), "ManagerPersonNumber": "000001"}
        yield _line("AssignmentSupervisor", source, line | now)
        yield _line("AssignmentSupervisor", f"{source}_1", line | before)
    else:
        yield _line("AssignmentSupervisor", source, line | {"ManagerPersonNumber": manager})
    if int(key) % 7 == 0:
        project = {"ManagerType": "PROJECT_MANAGER", "ManagerPersonNumber": "000002", "PrimaryFlag": "N"}
        yield _line("AssignmentSupervisor", f"{source}_P", line | project)


def _measures(row: Row, assignment: str) -> Iterator[str]:
    """The FTE of today first; whoever works part time began full time. And the headcount."""
    key, value = row["Worker_ID"], row["FTE"].removesuffix(".0")
    hired = {"EffectiveStartDate": _day(row["Hire_Date"]), "EffectiveEndDate": END, "AssignmentNumber": assignment}
    measures = [hired | {"Unit": "FTE", "Value": value}, hired | {"Unit": "HEAD", "Value": "1"}]
    if value != "1":
        measures[0]["EffectiveStartDate"] = _day(row["Hire_Date"], 30)
        measures.append(hired | {"EffectiveEndDate": _day(row["Hire_Date"], 29), "Unit": "FTE", "Value": "1"})
    for number, measure in enumerate(measures, 1):
        yield _line("AssignmentWorkMeasure", f"{key}_MEASURE_{number}", measure)


def _structures(name: str, jobs: Mapping[str, str]) -> Iterator[str]:
    """Lines of all jobs or families; the first one was another before, and one of its code or name is deleted."""
    now = {"EffectiveStartDate": "2001/01/01", "EffectiveEndDate": END, "ActiveStatus": "A"}
    if name == "Job":
        codes = sorted(jobs)
        records = [
            {"SetCode": "COMMON", "JobCode": code, "Name": code, "JobFamilyName": FAMILIES[jobs[code]]}
            for code in codes
        ]
        other = {"JobFamilyName": "General"}
    else:
        codes = sorted(set(jobs.values()))
        records = [{"JobFamilyCode": code, "JobFamilyName": FAMILIES[code]} for code in codes]
        other = {"JobFamilyCode": "GENERAL"}
    for code, record in zip(codes, records, strict=True):
        yield _line(name, code, now | record)
    before = {"EffectiveStartDate": "1951/01/01", "EffectiveEndDate": "2000/12/31"}
    yield _line(name, codes[0], now | records[0] | before | other)
    yield _line(name, f"{codes[0]}_OLD", now | records[0] | {"SetCode": "OLD"} | other, "DELETE")


def _metadata(component: str) -> str:
    return dat.metadata(component, (WORKER | STRUCTURES)[component])


def _line(component: str, source: str, cells: Row, word: str = "MERGE") -> str:
    known = {"SourceSystemOwner": OWNER, "SourceSystemId": source, **cells}
    return dat.line(component, (WORKER | STRUCTURES)[component], known, word)


def _day(text: str | None, plus: int = 0) -> str | None:
    """`2020-03-02` as `2020/03/02`, some days later."""
    return None if text is None else str(np.datetime64(text, "D") + plus).replace("-", "/")
