"""What a company may come to know after a moment: other values, and facts of the past told late."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import polars as pl

from pipelines.base.contracts import TABLES, Column, Table

LATE = timedelta(days=10)
FLIPPED = {"advanced": "rejected", "rejected": "advanced"}
"""Decisions stay decisions, or their case would be none."""
OWN = {
    "applications": "application_id",
    "enrolments": "enrolment_id",
    "resumes": "document_id",
    "reviews": "period_code",
}
"""Table -> its own part of the key: the same fact told again has another."""
NAMED = {"applications": ("applied_at",), "reviews": ("period_start", "period_end", "is_team_level")}
"""Table -> columns that say which case a row is about."""
THINGS = ("requisitions", "courses")
"""Their oldest version counts from the beginning: nobody applies to what is not there."""


def told_later(
    tables: Mapping[str, pl.DataFrame], moment: datetime, versioned: Collection[str]
) -> dict[str, pl.DataFrame]:
    """Tables of a company that knew just the same by `moment`, and something else about everything afterwards.

    Args:
        tables: As a family reads them.
        moment: Until which nothing differs.
        versioned: Tables that have every version of a key.

    Returns:
        The tables; what a source knew later has other values, and of all that was known by then there is a row that
        was told ten days later: a new version, or where there is one row a key, a fact of a minute or day before. Where
        no source says when it knew something nothing changes: that it was known is taken for granted.
    """
    return {name: _later(TABLES[name], frame, moment, is_versioned=name in versioned) for name, frame in tables.items()}


def _later(table: Table, frame: pl.DataFrame, moment: datetime, *, is_versioned: bool) -> pl.DataFrame:
    kept = {*table.key, *NAMED.get(table.name, ())}
    given = [column for column in table.columns if column.is_for_models]  # a family reads no others
    others = [_other(column) for column in given if column.name not in kept and column.kind != "id"]
    is_late = (pl.col("known_from") > moment) & (pl.col("known_from_basis") == "source")
    if table.name in THINGS:
        is_late &= pl.col("known_from") > pl.col("known_from").min().over(table.key)
    changed = frame.with_columns(
        pl.when(is_late).then(other).otherwise(pl.col(other.meta.output_name())).alias(other.meta.output_name())
        for other in others
    )
    late = {"known_from": pl.lit(moment + LATE).cast(frame.schema["known_from"]), "known_from_basis": pl.lit("source")}
    told = frame.filter(pl.col("known_from") <= moment).with_columns(others).with_columns(**late)
    if not is_versioned:
        told = told.with_columns(_moved(table, column) for column in table.columns if column.name in table.key)
    return pl.concat([changed, told]).select(frame.columns)


def _other(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if column.name == "outcome_code":
        return value.replace(FLIPPED)
    if column.kind in ("date", "moment"):
        return value - timedelta(days=1)
    if column.kind in ("float", "int"):
        return value + 7
    if column.kind == "share":
        return (1 - value).alias(column.name)
    return ~value if column.kind == "bool" else pl.concat_str(value, pl.lit(" news"))


def _moved(table: Table, column: Column) -> pl.Expr:
    """Another key, of the same person: a time a little before, or a name of its own."""
    value = pl.col(column.name)
    if column.kind in ("date", "moment"):
        return value - (timedelta(days=1) if column.kind == "date" else timedelta(minutes=1))
    return pl.concat_str(value, pl.lit(" again")) if column.name == OWN.get(table.name) else value
