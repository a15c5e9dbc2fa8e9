"""The workers' report as SAP SuccessFactors' Compound Employee API prints it: XML, in pages.

A person has employments, an employment has jobs one after the other, the newest first: what was changed or corrected
since stands beside the job of the day, a leaver's last job says that it is over, and who is sent abroad has a second
employment there. A changed element holds its old text in an element within.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

from infra.sample.dialects import replacing
from infra.sample.vendors.successfactors import COMPANIES, COUNTRIES, assignment_class, several, user_id
from infra.sample.workday import worker_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

PAGE = 200
OPEN_END = "9999-12-31"
DAYS_TRAINED = 30
"""Until a trainee moves on."""
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
FILE = ("<queryCompoundEmployeeResponse>", "</queryCompoundEmployeeResponse>")
SPACES = 'xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ws="urn:sfobject.sfapi.successfactors.com"'
SOAP = (
    f"<S:Envelope {SPACES}><S:Body><ws:queryResponse><ws:result>",
    "</ws:result></ws:queryResponse></S:Body></S:Envelope>",
)
"""What stands around the people of a page: in dumps and in SAP's integration suite, and as the API answers."""
Row = dict[str, Any]
Node = str | tuple[str, "Sequence[Node]"]
"""Text, or an element: its name and what is in it."""


def write_people(plan: Plan, workers: Workers, delivery: Delivery, out: Path, *, is_soap: bool = False) -> int:
    """Write a full dump of all people, a file a page.

    Returns:
        The number of people.
    """
    rows, count, page = worker_rows(plan, workers, delivery), 0, 0
    before, after = SOAP if is_soap else FILE
    left = list(islice(rows, PAGE))
    while left:
        people, left, page = left, list(islice(rows, PAGE)), page + 1
        prefix = "ws:" if is_soap else ""
        footer = _leaves(numResults=str(len(people)), hasMore=str(bool(left)).lower(), querySessionId="0f3a")
        texts = [text(("sfobject" if is_soap else "CompoundEmployee", person(row, delivery)), prefix) for row in people]
        with replacing(out / "successfactors" / f"CompoundEmployee_{delivery.period}_{page:04d}.xml") as file:
            body = "\n".join([before, *texts, *(text(node, prefix) for node in footer), after])
            file.write(f"{XML}{body}\n".encode())
        count += len(people)
    return count


def text(node: Node, prefix: str = "") -> str:
    """A node as XML; empty elements are left out by whoever made it."""
    if isinstance(node, str):
        return escape(node)
    name, content = node
    return f"<{prefix}{name}>{''.join(text(part, prefix) for part in content)}</{prefix}{name}>"


def person(row: Row, delivery: Delivery) -> list[Node]:
    """A person of one Workday row, and what stands beside it."""
    key = row["Worker_ID"]
    name = _leaves(
        start_date=row["Hire_Date"],
        end_date=OPEN_END,
        first_name=row["Legal_First_Name"],
        last_name=row["Legal_Last_Name"],
        last_modified_on=f"{row['Hire_Date']}T06:00:00.000Z",
    )
    mail = _leaves(email_address=row["Work_Email"], email_type="B", isPrimary="true")
    tree: list[Node] = [
        *_leaves(last_modified_on=f"{row['Hire_Date']}T06:00:00.000Z", person_id_external=key, logon_user_name=key),
        ("personal_information", name),
        ("email_information", mail),
        *(("employment_information", employment(one, delivery)) for one in several(row, delivery)),
    ]
    footer = _leaves(execution_timestamp=f"{delivery.end}.000Z", version_id="2611P0")
    return [*_leaves(id=str(int(key) + 1)), ("person", tree), *footer]


def employment(row: Row, delivery: Delivery) -> list[Node]:
    """An employment with its jobs."""
    head = _leaves(
        assignment_class=assignment_class(row),
        end_date=row["Termination_Date"],
        isContingentWorker=str(row["Worker_Type"] == "Contingent Worker").lower(),
        is_primary=row.get("Is_Primary"),
        last_modified_on=row["Last_Functionally_Updated"],
        originalStartDate=row["Original_Hire_Date"],
        start_date=row["Hire_Date"],
        user_id=user_id(row),
    )
    return [*head, *(("job_information", job) for job in jobs(row, delivery))]


def jobs(row: Row, delivery: Delivery) -> list[list[Node]]:
    """The jobs of one employment, the newest first."""
    hired, left = row["Hire_Date"], row["Termination_Date"]
    changed = row["Last_Functionally_Updated"]
    kind = int(row["Worker_ID"]) % 3
    if assignment_class(row) == "GA":
        return [_job(row, start=hired, end=OPEN_END, reason=["GASTART"], changed=changed)]
    if left:
        over = _job(row, start=_after(left), end=OPEN_END, status="T", reason=["TERVOL"], changed=changed)
        return [over, _job(row, start=hired, end=left, reason=["HIRNEW"], changed=f"{hired}T06:00:00.000Z")]
    if kind == 0:  # entered wrongly and corrected on the same day
        wrong = row | {"Management_Level_ID": "P0", "Job_Profile_ID": "TYPO-1", "FTE": "0.1"}
        late = f"{hired}T05:00:00.000Z"
        return [
            _job(row, start=hired, end=OPEN_END, reason=["DATACHG", ("previous", ["HIRNEW"])], changed=changed, seq=2),
            _job(wrong, start=hired, end=hired, reason=["HIRNEW"], changed=late),
        ]
    moved = _after(hired, DAYS_TRAINED)
    if kind == 1 and moved < _day(delivery):
        first = row | {"Management_Level_ID": "P0", "Job_Profile_ID": "TRAINEE-1", "Manager_Worker_ID": None}
        reason: list[Node] = ["PROMO", ("previous", ["HIRNEW"])]
        return [
            _job(row, start=moved, end=OPEN_END, reason=reason, changed=changed, grade_before="P0"),
            _job(first, start=hired, end=_after(moved, -1), reason=["HIRNEW"], changed=f"{hired}T05:00:00.000Z"),
        ]
    return [_job(row, start=hired, end=OPEN_END, reason=["HIRNEW"], changed=changed)]


def _job(
    row: Row,
    *,
    start: str,
    end: str,
    reason: list[Node],
    changed: str,
    seq: int = 1,
    status: str = "A",
    grade_before: str | None = None,
) -> list[Node]:
    grade: list[Node] = [row["Management_Level_ID"], *_leaves(previous=grade_before)]
    pay = _leaves(
        pay_component="BASE", paycompvalue=row["Base_Pay"], currency_code=row["Base_Pay_Currency"], frequency="ANN"
    )
    return [
        *_leaves(
            company=COMPANIES.get(row["Company_ID"], "9000"),
            country_of_company=COUNTRIES[row["Country_ISO"]],
            department=row["Supervisory_Org_ID"],
            emplStatus=status,
            end_date=end,
        ),
        ("event_reason", reason),
        *_leaves(
            fte=row["FTE"],
            job_code=row["Job_Profile_ID"],
            job_title=row["Business_Title"],
            last_modified_on=changed,
            manager_id=row["Manager_Worker_ID"] or "NO_MANAGER",
        ),
        ("pay_grade", grade),
        *_leaves(seq_number=str(seq), standard_hours=row["Scheduled_Weekly_Hours"], start_date=start),
        ("compensation_information", [*_leaves(start_date=start), ("paycompensation_recurring", pay)]),
    ]


def _leaves(**texts: str | None) -> list[Node]:
    """Elements that hold text, those without one left out."""
    return [(name, [value]) for name, value in texts.items() if value is not None]


def _after(day: str, days: int = 1) -> str:
    return str(np.datetime64(day, "D") + np.timedelta64(days, "D"))


def _day(delivery: Delivery) -> str:
    return str(delivery.end.astype("datetime64[D]"))
