"""A cast of ten people whose jobs change in every way that HR systems tell badly, written by hand, and nobody else.

What the source thought at any moment is given by versions: a slice says from when it was entered and when another took
its place. Each delivery holds all slices that stood when it was cut, as a report of job history does. The sample
company knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from infra.sample.cast import TITLE
from infra.sample.plan import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

Event = Literal[
    "hire",
    "rehire",
    "second_job",
    "transfer",
    "company_transfer",
    "promotion",
    "leave_start",
    "leave_end",
    "termination",
    "sent_abroad",
    "host_job",
    "returned",
]
Status = Literal["active", "leave", "terminated", "dormant"]


@dataclass(frozen=True, slots=True)
class Slice:
    """What held of one job of a person from a day on, as the source said since `entered`."""

    person: str
    number: int
    """Of the person's jobs; who is hired again gets another."""
    start: str
    last: str | None
    """The last day; None while open."""
    event: Event
    reason: str
    entered: str
    replaced: str | None = None
    """When the source took it back or told it anew."""
    order: int = 1
    """Of the changes of a day."""
    status: Status = "active"
    job: str = "ENG-3"
    grade: str = "P3"
    title: str = "Backend Engineer"
    org: str = "ORG-000001"
    company: str = "US"
    location: str = "Riverton"
    manager: str | None = "000101"
    fte: str = "1.0"
    is_primary: bool = True

    @property
    def family(self) -> str:
        """The job's family, which its code begins with."""
        return self.job.partition("-")[0]

    @property
    def assignment(self) -> str:
        """The number of the job: the person's, and which of theirs."""
        return f"{self.person}-{self.number}"


def _at(text: str) -> str:
    """A moment of a morning, as Workday prints it."""
    return f"{text}T08:30:00.000Z"


_LATE, _RESCINDED, _LEAVE_SAID = _at("2024-02-20"), _at("2024-03-05"), _at("2023-09-12")
_GONE, _STAYS = _at("2024-01-10"), _at("2019-02-01")
_LEFT_AGAIN, _HIRED_AGAIN, _MOVED = _at("2021-06-15"), _at("2023-01-20"), _at("2021-12-01")
_SPLIT = _at("2023-09-01")

CAST = (
    # A promotion of January that is entered in February.
    Slice("000101", 1, "2020-03-02", None, "hire", "NEW", _at("2020-03-01"), _LATE, manager=None),
    Slice("000101", 1, "2020-03-02", "2023-12-31", "hire", "NEW", _LATE, manager=None),
    Slice("000101", 1, "2024-01-01", None, "promotion", "MERIT", _LATE, job="ENG-4", grade="P4", manager=None),
    # Two changes on one day: to another unit, then promoted there. They lead each other: a circle, and one has a title
    # of anything that stands between cells.
    Slice("000102", 1, "2021-05-03", "2023-08-31", "hire", "NEW", _SPLIT, job="OPS-2", grade="P2", manager="000103"),
    Slice(
        *("000102", 1, "2023-09-01", "2023-09-01", "transfer", "REORG", _SPLIT),
        job="OPS-2",
        grade="P2",
        manager="000103",
        org="ORG-000002",
    ),
    Slice(
        *("000102", 1, "2023-09-01", None, "promotion", "MERIT", _SPLIT, None, 2),
        job="OPS-3",
        manager="000103",
        org="ORG-000002",
    ),
    Slice("000103", 1, "2018-04-02", None, "hire", "NEW", _at("2018-03-28"), title=TITLE, manager="000102"),
    # A hire to come, and two terminations to come: one is withdrawn in March, one stands.
    Slice("000104", 1, "2024-06-03", None, "hire", "NEW", _at("2024-01-15"), job="DATA-1", grade="P1"),
    Slice("000105", 1, "2019-02-04", None, "hire", "NEW", _STAYS, _GONE),
    Slice("000105", 1, "2019-02-04", "2024-03-31", "hire", "NEW", _GONE, _RESCINDED),
    Slice("000105", 1, "2024-04-01", None, "termination", "RESIGNED", _GONE, _RESCINDED, status="terminated"),
    Slice("000105", 1, "2019-02-04", None, "hire", "NEW", _RESCINDED),
    Slice("000106", 1, "2022-10-10", "2024-04-30", "hire", "NEW", _at("2024-01-20"), job="FIN-2", grade="P2"),
    Slice(
        *("000106", 1, "2024-05-01", None, "termination", "RESIGNED", _at("2024-01-20")),
        status="terminated",
        job="FIN-2",
        grade="P2",
    ),
    # Hired again: another employment, another number.
    Slice("000107", 1, "2018-01-08", "2021-06-30", "hire", "NEW", _LEFT_AGAIN, job="MKT-2", grade="P2"),
    Slice(
        *("000107", 1, "2021-07-01", None, "termination", "RESIGNED", _LEFT_AGAIN),
        status="terminated",
        job="MKT-2",
        grade="P2",
    ),
    Slice("000107", 2, "2023-02-01", None, "rehire", "RETURN", _HIRED_AGAIN, job="MKT-3"),
    # Two jobs at once.
    Slice("000108", 1, "2022-03-01", None, "hire", "NEW", _at("2022-02-20"), job="CARE-2", grade="P2", fte="0.6"),
    Slice(
        *("000108", 2, "2023-04-03", None, "second_job", "PROJECT", _at("2023-03-30")),
        job="HR-2",
        grade="P2",
        fte="0.4",
        is_primary=False,
        manager="000103",
    ),
    # On leave, and back.
    Slice("000109", 1, "2020-09-01", "2023-09-30", "hire", "NEW", _LEAVE_SAID),
    Slice("000109", 1, "2023-10-01", "2024-02-14", "leave_start", "PARENTAL", _LEAVE_SAID, status="leave"),
    Slice("000109", 1, "2024-02-15", None, "leave_end", "PARENTAL", _LEAVE_SAID),
    # To another company of the group, under somebody whom no file has.
    Slice("000110", 1, "2017-06-01", "2021-12-31", "hire", "NEW", _MOVED, job="SALES-4", grade="P4"),
    Slice(
        *("000110", 2, "2022-01-01", None, "company_transfer", "GROUP", _MOVED),
        job="SALES-4",
        grade="P4",
        company="DE",
        location="Neustadt",
        manager="000999",
    ),
)

_SENT = _at("2022-05-10")
ABROAD = (
    # Sent to another company for a year, where the job at home waits; only SuccessFactors tells it so.
    Slice("000111", 1, "2019-01-07", "2022-05-31", "hire", "NEW", _SENT),
    Slice("000111", 1, "2022-06-01", "2023-05-31", "sent_abroad", "HOST", _SENT, status="dormant"),
    Slice("000111", 1, "2023-06-01", None, "returned", "HOST", _SENT),
    Slice(
        *("000111", 2, "2022-06-01", "2023-05-31", "host_job", "HOST", _SENT),
        company="DE",
        location="Neustadt",
        manager="000110",
        is_primary=False,
    ),
)
"""In the place of CAST, where a test says so."""


def cut(period: str) -> Delivery:
    """The delivery of a month, such as 2024-01, cut at its end."""
    month = np.datetime64(period, "M")
    return Delivery("job history", period, np.datetime64("1900-01-01", "s"), (month + 1).astype("datetime64[s]"))


def standing(delivery: Delivery) -> Iterator[Slice]:
    """What the source thinks when a delivery is cut, person by person."""
    for one in CAST:
        if _moment(one.entered) < delivery.end and (one.replaced is None or _moment(one.replaced) >= delivery.end):
            yield one


def withdrawn(delivery: Delivery) -> Iterator[Slice]:
    """What the source had said of days for which it says nothing any more by then."""
    now = {(one.assignment, one.start, one.order) for one in standing(delivery)}
    for one in CAST:
        is_over = one.replaced is not None and _moment(one.replaced) < delivery.end
        if is_over and (one.assignment, one.start, one.order) not in now:
            yield one


def _moment(text: str) -> np.datetime64:
    return np.datetime64(text.removesuffix("Z"), "s")
