"""The workers' report as Workday's outbound EIB delivers it: what its transformation prints, header and trailer around.

Pipes without any quotes and CRLF, as `xtt:quotes="never"` leaves them; and columns of fixed width in ISO 8859-1, with
zeros before numbers and instead of days that there are none. The trailer counts the details in ten digits. Names of
files carry the day and a number of the sequence generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from infra.sample.dialects import replacing
from infra.sample.workday import worker_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from infra.sample.company import Workers
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]
FOLDER = "workday_eib"
TYPES = {"Employee": "EE", "Contingent Worker": "CW"}
YES_NO = {"1": "Y", "0": "N"}
END = "\r\n"
COLUMNS = (
    *("Worker_ID", "Worker_Type", "Hire_Date", "Termination_Date", "Job_Family_ID", "Management_Level_ID"),
    *("Country_ISO", "Manager_Worker_ID", "FTE", "Analytics_Consent", "Hired_From_Candidate_ID", "Legal_First_Name"),
    *("Legal_Last_Name", "Work_Email", "Last_Functionally_Updated", "Original_Hire_Date", "Company_ID"),
)
WIDTHS = (10, 2, 8, 8, 8, 4, 2, 10, 6, 1, 12, 20, 20, 30, 14, 8, 12)
"""Of the columns, after three characters for the type of the record."""
ZEROS = {"FTE", "Termination_Date"}
"""Columns that zeros pad, on the left."""


def write_delimited(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write all workers, delimited.

    Returns:
        The number of details.
    """
    header = f"HDR|HRML_Workers|{_stamp(delivery)}|FULL"
    details = map(delimited, worker_rows(plan, workers, delivery))
    path = out / FOLDER / f"EIB_Workers_{_stamp(delivery)}_000017.txt"
    return _write(path, "utf-8", header, details, "TRL|{:010d}")


def write_fixed(plan: Plan, workers: Workers, delivery: Delivery, out: Path) -> int:
    """Write all workers in columns of fixed width.

    Returns:
        The number of details.
    """
    header = f"HDR{'HRML_Workers':20}{_stamp(delivery)}FULL"
    details = map(fixed, worker_rows(plan, workers, delivery))
    path = out / FOLDER / f"EIB_Workers_Fixed_{_stamp(delivery)}_000018.txt"
    return _write(path, "latin-1", header, details, "TRL{:010d}")


def _write(path: Path, encoding: str, header: str, details: Iterable[str], trailer: str) -> int:
    count = 0
    with replacing(path) as file:
        file.write(f"{header}{END}".encode(encoding))
        for detail in details:
            file.write(f"{detail}{END}".encode(encoding))
            count += 1
        file.write(f"{trailer.format(count)}{END}".encode(encoding))
    return count


def _stamp(delivery: Delivery) -> str:
    """The last day of a delivery, as names of files have it."""
    return str((delivery.end - np.timedelta64(1, "D")).astype("datetime64[D]")).replace("-", "")


def delimited(row: Row) -> str:
    """A detail between pipes; moments as `2021-04-19 01:35:44`."""
    return "|".join(["DTL", *_cells(row, _spaced)])


def fixed(row: Row) -> str:
    """A detail of 178 characters; days and moments are digits only."""
    cells = zip(COLUMNS, WIDTHS, _cells(row, _digits), strict=True)
    return "DTL" + "".join(_padded(name, width, text) for name, width, text in cells)


def _padded(name: str, width: int, text: str) -> str:
    if len(text) > width:
        raise ValueError(f"{name} must fit into {width} characters")
    return text.rjust(width, "0") if name in ZEROS else text.ljust(width)


def _cells(row: Row, when: Callable[[str], str]) -> list[str]:
    changed = {
        "Worker_Type": TYPES[row["Worker_Type"]],
        "Analytics_Consent": YES_NO[row["Analytics_Consent"]],
        "Hire_Date": when(row["Hire_Date"]),
        "Termination_Date": when(row["Termination_Date"] or ""),
        "Original_Hire_Date": when(row["Original_Hire_Date"]),
        "Last_Functionally_Updated": when(row["Last_Functionally_Updated"]),
    }
    return [changed.get(name, row[name]) or "" for name in COLUMNS]


def _spaced(moment: str) -> str:
    return moment.removesuffix(".000Z").replace("T", " ")


def _digits(moment: str) -> str:
    return "".join(filter(str.isdigit, moment.removesuffix(".000Z")))
