"""A report of BI Publisher on the talent profiles of candidates: a row an item, of whatever content type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from infra.sample.dialects import Table
from infra.sample.vendors.oracle.recruiting import candidate
from infra.sample.vendors.oracle.reports import OPEN_END, midnight
from infra.sample.vendors.profiles import Profile, profile
from infra.sample.workday import candidate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.sample.hiring import Hiring
    from infra.sample.plan import Delivery, Plan

Row = dict[str, Any]


def write_profiles(plan: Plan, hiring: Hiring, delivery: Delivery, out: Path) -> int:
    """Write the report of candidates and that of their profiles.

    Returns:
        The number of items.
    """
    people = list(candidate_rows(plan, hiring, delivery, set()))
    every = [item for row in people for item in items(candidate(row), profile(hiring.candidates, row))]
    for name, rows in (("CANDIDATES", [*map(candidate, people)]), ("CANDIDATE_PROFILES", every)):
        with Table(out / "oracle" / f"{name}_{delivery.period}.csv", has_bom=True) as file:
            file.append(pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String)))
    return len(every)


def items(row: Row, about: Profile) -> Iterator[Row]:
    """The rows of a candidate. A day is a midnight, of a month or a year the first."""
    base: Row = {name: row[name] for name in ("CANDIDATE_NUMBER", "LAST_UPDATE_DATE")}
    base |= dict.fromkeys(("CONTENT_TYPE", "ITEM", "EMPLOYER", "SCHOOL", "DATE_FROM", "DATE_TO"))
    since = midnight(f"{about.since}-01-01"[:10])
    job = {"ITEM": about.title, "EMPLOYER": about.employer, "DATE_FROM": since, "DATE_TO": OPEN_END}
    yield base | {"CONTENT_TYPE": "PREVIOUS_EMPLOYMENT", **job}
    studied = {"DATE_FROM": midnight("2008-09-01"), "DATE_TO": midnight("2012-06-30")}
    yield base | {"CONTENT_TYPE": "DEGREE", "ITEM": about.degree, "SCHOOL": about.school, **studied}
    for skill in about.skills:
        yield base | {"CONTENT_TYPE": "SKILL", "ITEM": skill}
    yield base | {"CONTENT_TYPE": "LANGUAGE", "ITEM": "English"}
    yield base | {"CONTENT_TYPE": "RISK_OF_LOSS", "ITEM": "High"}
