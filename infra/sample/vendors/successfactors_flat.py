"""The workers' report as SAP SuccessFactors' Integration Center writes it: "True CSV", which quotes what needs it.

American dates, labels as a header, NO_MANAGER, Yes and No, line ends of Windows. A position's title may run over two
lines and has marks of its own.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from infra.sample.dialects import replacing
from infra.sample.vendors.successfactors import COMPANIES, COUNTRIES, assignment_class, several, user_id
from infra.sample.workday import worker_rows

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
COLUMNS = (
    "Person ID External",
    "User ID",
    "Assignment Class",
    "Is Primary",
    "Is Contingent Worker",
    "Original Start Date",
    "Hire Date",
    "Termination Date",
    "Position Title",
    "Job Code",
    "Pay Grade",
    "Company",
    "Country Of Company",
    "Manager User ID",
    "FTE",
    "Last Modified On",
)


def write_flat(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write all employments as one file.

    Returns:
        The number of employments.
    """
    count = 0
    with replacing(out / "successfactors" / f"EmployeeExport_{delivery.period}.csv") as file:
        lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(lines, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for row in worker_rows(plan, workers, delivery):
            for one in several(row, delivery):
                writer.writerow(cells(one))
                count += 1
        lines.detach()
    return count


def cells(row: Row) -> list[str]:
    """The cells of one Workday row."""
    title = f'{row["Business_Title"]}, "{row["Location_ID"]}"\nPosition {row["Position_ID"]}'
    return [
        row["Worker_ID"],
        user_id(row),
        assignment_class(row),
        "No" if row.get("Is_Primary") == "false" else "Yes",
        "Yes" if row["Worker_Type"] == "Contingent Worker" else "No",
        _day(row["Original_Hire_Date"]),
        _day(row["Hire_Date"]),
        _day(row["Termination_Date"]),
        title,
        row["Job_Profile_ID"],
        row["Management_Level_ID"],
        COMPANIES.get(row["Company_ID"], "9000"),
        COUNTRIES[row["Country_ISO"]],
        row["Manager_Worker_ID"] or "NO_MANAGER",
        row["FTE"],
        f"{_day(row['Last_Functionally_Updated'][:10])} {row['Last_Functionally_Updated'][11:19]}",
    ]


def _day(text: str | None) -> str:
    """`2020-03-02` as `03/02/2020`; empty for None."""
    return f"{text[5:7]}/{text[8:10]}/{text[:4]}" if text else ""
