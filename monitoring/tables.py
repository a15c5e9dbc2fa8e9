"""What monitoring reads of a company's scoring: scores, inputs and outcomes, day by day."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from pipelines.base import delta
from pipelines.base.catalog import SCORES
from pipelines.base.store import Store

SCORED: Final = f"{SCORES}/scored"
INPUTS: Final = f"{SCORES}/inputs"
OUTCOMES: Final = f"{SCORES}/outcomes"
DAY: Final = pl.col("as_of").cast(pl.String).str.to_date()
"""A partition's day: text in the folder's name, a date for everybody else."""


def days(store: Store, table: str, family: str, until: date | None = None) -> list[date]:
    """The days on which a family was scored, newest first.

    Args:
        store: Where the tables are.
        table: One of this module's names.
        family: Model family.
        until: Later days are left out.
    """
    if delta.version(store, table) is None:
        return []
    frame = delta.scan(store, table).filter(pl.col("family") == family).select(DAY.alias("day")).unique().collect()
    found = frame["day"].sort(descending=True).to_list()
    return [day for day in found if until is None or day <= until]


def read(store: Store, table: str, family: str, on: Sequence[date]) -> pl.DataFrame:
    """The rows of some days; columns that are empty throughout are another family's and left out.

    Args:
        store: Where the tables are.
        table: One of this module's names.
        family: Model family.
        on: Days wanted.

    Returns:
        [n_rows] the table's columns, `as_of` as a date. Without a table or a day, no rows and no columns.
    """
    if not on or delta.version(store, table) is None:
        return pl.DataFrame()
    rows = delta.scan(store, table).filter(pl.col("family") == family).with_columns(DAY.alias("as_of"))
    return rows.filter(pl.col("as_of").is_in(list(on))).collect()


def judged_day(store: Store, family: str, until: date | None = None) -> date | None:
    """The newest day with scores or outcomes; None when nobody was scored yet.

    Args:
        store: Where the tables are.
        family: Model family.
        until: Later days are left out.
    """
    scored = days(store, SCORED, family, until)
    return max([*scored, *days(store, OUTCOMES, family, until)]) if scored else None


def newest_outcomes(store: Store, family: str, until: date | None) -> pl.DataFrame:
    """All outcomes known by a day; each day's partition holds everything known then, so the newest one suffices."""
    return read(store, OUTCOMES, family, days(store, OUTCOMES, family, until)[:1])
