"""Job history as systems without ends export it: CSV, a row from each day on which something changed, in no order.

BambooHR's tables, a payroll's list of changes and many a report of one's own are like it. Who leaves a job for another
contract has a row that says so, from the first day after; nothing says how long a row holds but the next one.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from infra.sample.careers import Slice, standing
from infra.sample.dialects import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.plan import Delivery

OVER = "Contract over"


def write_history(delivery: Delivery, out: Path) -> int:
    """Write all changes, every person's newest first but for the first of all, which comes last.

    Returns:
        The number of slices.
    """
    slices = list(standing(delivery))
    rows = [row for _, mine in groupby(slices, lambda one: one.assignment) for row in changes(list(mine))]
    for number, row in enumerate(rows, 95):
        row["Row"] = str(number)
    with Table(out / "dated" / f"changes_{delivery.period}.csv") as file:
        file.append(pl.DataFrame([*rows[:0:-1], rows[0]]))
    return len(slices)


def changes(mine: list[Slice]) -> Iterator[dict[str, str]]:
    """The rows of one contract, in order."""
    for one in mine:
        yield row(one)
    last = mine[-1]
    if last.last is not None:
        yield row(last) | {"Since": str(np.datetime64(last.last, "D") + 1), "Event": OVER}


def row(one: Slice) -> dict[str, str]:
    """What holds from a day on."""
    return {
        "Row": "",
        "Person": one.person,
        "Contract": one.assignment,
        "Since": one.start,
        "Event": one.event,
        "Reason": one.reason,
        "Status": one.status,
        "Main": "yes" if one.is_primary else "no",
        "Job": one.job,
        "Title": one.title,
        "Unit": one.org,
        "Company": one.company,
        "Place": one.location,
        "Leader": one.manager or "",
        "Grade": one.grade,
        "Share": one.fte,
    }
