"""The jobs and units of a company over three months, written by hand; the sample company knows nothing of it.

As in `careers`, what the source thought at any moment is given by versions: an entry says from when it was entered and
when another took its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from infra.sample.cast import TITLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.sample.plan import Delivery


@dataclass(frozen=True, slots=True)
class Version:
    """What held of something from a day on, as the source said since `entered`."""

    code: str
    start: str
    last: str | None
    """The last day; None while open."""
    entered: str
    replaced: str | None = None
    """When the source told it anew."""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Job(Version):
    """A job of the catalogue, whoever has it."""

    title: str = "Backend Engineer"
    text: str | None = None
    group: str | None = "TECH"
    level: str | None = "P"
    grade: str | None = "P3"
    category: str | None = "Professionals"
    """Of the EEO-1 report, in its words."""
    soc: str | None = None
    onet: str | None = None
    isco: str | None = None
    esco: str | None = None

    @property
    def family(self) -> str:
        """The job's family, which its code begins with."""
        return self.code.partition("-")[0]


def _at(text: str) -> str:
    """A moment of an afternoon, as Workday prints it."""
    return f"{text}T14:15:00.000Z"


_ESCO = "http://data.europa.eu/esco/occupation/"
_OLD, _RENAMED, _LATE = _at("2021-06-15"), _at("2024-02-12"), _at("2024-03-04")

JOBS = (
    # Renamed in February from January on; what it is elsewhere was found then, too.
    Job("ENG-3", "2015-01-01", None, _OLD, _RENAMED, title="Programmer"),
    Job("ENG-3", "2015-01-01", "2023-12-31", _RENAMED, title="Programmer"),
    Job(
        "ENG-3",
        "2024-01-01",
        None,
        _RENAMED,
        text="Builds what runs behind our pages.",
        soc="15-1252",
        onet="15-1252.00",
        isco="2512",
        esco=f"{_ESCO}f2b15a0e-e65a-438a-affb-29b9d50b77d1",
    ),
    # Given up at the end of March, as is known in that month; the code stays, and nobody may be put on it.
    Job("OPS-2", "2018-05-01", None, _OLD, _LATE, title=TITLE, group="RUN", grade="P2", category="Technicians"),
    Job("OPS-2", "2018-05-01", "2024-03-31", _LATE, title=TITLE, group="RUN", grade="P2", category="Technicians"),
    Job("OPS-2", "2024-04-01", None, _LATE, None, False, title=TITLE, group="RUN", grade="P2", category="Technicians"),
    # Of a firm that says no more than it must.
    Job(
        "HR-5", "2020-01-01", None, _OLD, title="Referent", group=None, level=None, grade=None, category=None, isco="24"
    ),
    # To come.
    Job("DATA-1", "2024-09-01", None, _LATE, title="Datenanalystin", grade="P1", soc="15-2051", onet="15-2051.01"),
)


@dataclass(frozen=True, slots=True)
class Unit(Version):
    """A unit, company or place."""

    kind: str = "department"
    name: str = ""
    """Of anything, people too: it must not come in."""
    parent: str | None = None
    parent_kind: str = "department"
    head: str | None = None
    """The number of the worker who leads it, who may be gone tomorrow."""
    country: str | None = None
    region: str | None = None
    """ISO 3166-2."""
    zone: str | None = None
    currency: str | None = None


_PARTED, _CIRCLE = _at("2024-02-01"), _at("2024-03-20")
UNITS = (
    Unit(
        *("COMP-US", "2010-01-01", None, _OLD),
        kind="company",
        name="Company USA Inc",
        country="US",
        currency="USD",
    ),
    Unit(
        *("Riverton", "2010-01-01", None, _OLD),
        kind="location",
        name="Riverton, Quinn Building",
        parent="COMP-US",
        parent_kind="company",
        country="US",
        region="US-WY",
        zone="America/Denver",
    ),
    Unit("ORG-000000", "2010-01-01", None, _OLD, name="Company (Ada Quinn)"),
    # Below another unit since January, as is known since February; its head changes with it.
    Unit("ORG-000001", "2012-04-01", None, _OLD, _PARTED, name="Engineering", parent="ORG-000000", head="000101"),
    Unit("ORG-000001", "2012-04-01", "2023-12-31", _PARTED, name="Engineering", parent="ORG-000000", head="000101"),
    Unit("ORG-000001", "2024-01-01", None, _PARTED, name="Engineering", parent="ORG-000002", head="000103"),
    # Entered wrongly in March: the unit above becomes a part of what it is above.
    Unit("ORG-000002", "2015-07-01", None, _OLD, _CIRCLE, name="Product (Bo Lang)", parent="ORG-000000"),
    Unit("ORG-000002", "2015-07-01", "2024-03-14", _CIRCLE, name="Product (Bo Lang)", parent="ORG-000000"),
    Unit("ORG-000002", "2024-03-15", None, _CIRCLE, name="Product (Bo Lang)", parent="ORG-000001"),
    # Closed, and its number is a cost center's, too.
    Unit("ORG-000003", "2016-01-01", "2022-12-31", _OLD, name="Fax", parent="ORG-000002"),
    Unit("ORG-000003", "2023-01-01", None, _OLD, None, False, name="Fax", parent="ORG-000002"),
    Unit("ORG-000003", "2016-01-01", None, _OLD, kind="cost_center", name="Fax costs"),
)

Told = TypeVar("Told", bound=Version)


def standing(cast: Iterable[Told], delivery: Delivery) -> list[Told]:
    """What the source thinks when a delivery is cut, in the order of the cast."""
    return [
        one
        for one in cast
        if _moment(one.entered) < delivery.end and (one.replaced is None or _moment(one.replaced) >= delivery.end)
    ]


def _moment(text: str) -> np.datetime64:
    return np.datetime64(text.removesuffix("Z"), "s")
