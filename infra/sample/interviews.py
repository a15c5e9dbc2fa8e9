"""Interviews of the company's applications and what was thought in them, told from the stages that applications passed.

One a visit of a screening or an interview: by phone, then on site. The opinions agree with what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]
KEY = 70_000_000_000
STAGES = {"SCREEN": 30, "INTERVIEW": 90}
"""Stage -> minutes that its interview takes."""
CRITERIA = ("Problem solving", "Communication")
ORDER = ("strong_no", "no", "mixed", "yes", "strong_yes")
GOOD, BAD = ("strong_yes", "yes"), ("no", "strong_no")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one of the people who asked thought."""

    key: int
    submitted: str
    overall: str
    """One of `ORDER` without mixed, or no_decision."""
    criteria: dict[str, str]
    """Criterion -> one of `ORDER`, or no_decision."""


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview of an application."""

    key: int
    application: str
    requisition: str
    stage: str
    """SCREEN or INTERVIEW."""
    arranged: str
    starts: str
    ends: str
    minutes: int
    opinions: tuple[Opinion, ...]
    """Of an interview that is over."""


def interviews(rows: Iterable[Row]) -> Iterator[Interview]:
    """Interviews of rows of Workday's report of applications, in their order."""
    for row in rows:
        number = int(row["Application_ID"].partition("-")[2])
        for n, entry in enumerate(row["Stage_History_group"]):
            if entry["Stage_ID"] in STAGES:
                yield _interview(row, entry, KEY + 10 * number + n)


def _interview(row: Row, entry: Row, key: int) -> Interview:
    began, minutes = entry["Started_Moment"], STAGES[entry["Stage_ID"]]
    starts = _later(began, 3 * 60)
    is_over = "Outcome" in entry
    many = 1 if entry["Stage_ID"] == "SCREEN" else 2
    ends = _later(starts, minutes)
    return Interview(
        key,
        row["Application_ID"],
        row["Requisition_ID"],
        entry["Stage_ID"],
        began,
        starts,
        ends,
        minutes,
        tuple(_opinion(10 * key + k, ends, entry["Outcome"]) for k in range(many)) if is_over else (),
    )


def _opinion(key: int, ended: str, outcome: str) -> Opinion:
    side = {"Advanced": GOOD, "Rejected": BAD}.get(outcome)
    overall = side[key // 10 % 2] if side else "no_decision"
    at = ORDER.index(overall) if side else 2
    return Opinion(
        key,
        _later(ended, 20 + 35 * (key % 10)),
        overall,
        # On one thing people agree with themselves, on the other they are a step nearer to the middle.
        {CRITERIA[0]: overall, CRITERIA[1]: ORDER[at + (at < 2) - (at > 2)]},
    )


def _later(moment: str, minutes: int) -> str:
    later = np.datetime64(moment.removesuffix("Z"), "ms") + np.timedelta64(minutes, "m")
    return f"{np.datetime_as_string(later, unit='ms')}Z"
