"""Whom raw rows are about, by the feed's own rules: for an erasure, and for rows that were rejected."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pipelines.base.contracts import TABLES, Column
from pipelines.base.pseudonyms import PSEUDONYM_KEY, as_seen, secret
from pipelines.ingest.cells import Context, cell
from pipelines.ingest.expressions import fill, worked_out
from pipelines.ingest.feeds import Feed
from pipelines.ingest.identity import may_look_otherwise, once
from pipelines.ingest.read import ROW
from pipelines.ingest.reshape import context_of, explode
from pipelines.ingest.rules import Rule, TableMap

PERSON: Final = "person_id"
KIND: Final = "kind"
VALUE: Final = "value"
_ABOUT: Final = (PERSON, "linked_person_id")
_ANY: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a file was written says nothing about whom it is, and the name of a held one may not say it."""


def persons(raw: pl.DataFrame, feed: Feed, groups: Mapping[str, str]) -> pl.DataFrame:
    """The pseudonyms that a feed's rules give to raw rows.

    Args:
        raw: [n_rows] text cells and `source_row`.
        feed: How they are read.
        groups: Of the file's name.

    Returns:
        [n] source_row, person_id: a row as often as rules name somebody in it, by what they were named once too; never
        null.
    """
    about = [(rule, Column(PERSON, "id")) for rule in feed.about or ()]
    read = {name for mapped in feed.tables for name in mapped.reads()}
    read |= {name for rule, _ in about for name in rule.columns()}
    cells = dict.fromkeys(sorted(read)) | dict(groups)  # a part may lack columns, and joined ones are not here
    frame = raw.with_columns(pl.lit(v, dtype=pl.String).alias(n) for n, v in cells.items() if n not in raw.columns)
    context = Context(frozenset(frame.columns), _ANY, secret(PSEUDONYM_KEY), nothing=feed.nothing)
    found = [pl.DataFrame(schema={ROW: pl.Int64, PERSON: pl.String})]
    for rule, column in about:
        found += _named(rule, column, frame, context)
    for mapped in feed.tables:
        shown, here = frame, context
        for group in mapped.explode.steps if mapped.explode is not None else ():
            shown = explode(shown, group, here)
            here = context_of(shown, context)
        for rule, column in _naming(mapped):
            # Whose a row is that has no members, or broken ones, is told beside them.
            rows, seen = (shown, here) if set(rule.columns()) & mapped.turned() else (frame, context)
            found += _named(rule, column, rows, seen)
    return pl.concat(found, how="vertical_relaxed").drop_nulls(PERSON).unique()


def _named(rule: Rule, column: Column, rows: pl.DataFrame, seen: Context) -> list[pl.DataFrame]:
    """source_row and person_id by one rule, as it is now and as identifiers were read once."""
    found = []
    for some, read_as in ((rows, seen), (rows.filter(may_look_otherwise(rule, rows)), once(seen))):
        filled = fill(rule, column, read_as)
        found.append(worked_out(some.lazy(), [filled]).select(ROW, filled.value.alias(PERSON)).collect())
    return found


def own(raw: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """The vendor's own ids that a feed declares, as they look.

    Args:
        raw: [n_rows] text cells and `source_row`.
        feed: How they are read.

    Returns:
        [n] source_row, kind, value: a row as often as it has ids; never null.
    """
    context = Context(frozenset(raw.columns), _ANY, b"", nothing=feed.nothing)
    found = [pl.DataFrame(schema={ROW: pl.Int64, KIND: pl.String, VALUE: pl.String})]
    for kind, name in feed.own_ids.items():
        if name in raw.columns:
            told = raw.select(ROW, pl.lit(kind).alias(KIND), cell(name, context).alias(VALUE))
            found.append(told.with_columns(as_seen(told[VALUE])))
    return pl.concat(found).drop_nulls(VALUE)


def tells(feed: Feed) -> bool:
    """Whether a feed's own rules, by themselves, say whom its rows are about, or that they are about nobody."""
    return not are_joined(feed) and (bool(feed.tables) or feed.about is not None)


def are_joined(feed: Feed) -> bool:
    """Whether a rule finds a person by what another file says: the file alone does not tell whom it is about."""
    joined = {name for join in feed.joins for name in join.made()}
    return any(set(rule.columns()) & joined for mapped in feed.tables for rule, _ in _naming(mapped))


def _naming(mapped: TableMap) -> Iterator[tuple[Rule, Column]]:
    """Rules that say whom a row is about."""
    for column in TABLES[mapped.table].columns:
        rule = mapped.columns.get(column.name)
        if column.name in _ABOUT and rule is not None and rule.person is not None:
            yield rule, column
