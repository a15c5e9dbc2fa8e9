"""Whom raw rows are about, by the feed's own rules: for an erasure, and for rows that were rejected."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pipelines.base.contracts import TABLES
from pipelines.base.pseudonyms import PSEUDONYM_KEY, secret
from pipelines.ingest.cells import Context
from pipelines.ingest.expressions import fill
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import ROW

PERSON: Final = "person_id"
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
        [n] source_row, person_id: a row as often as rules name somebody in it, never null.
    """
    read = {name for mapped in feed.tables for name in mapped.reads()}
    cells = dict.fromkeys(sorted(read)) | dict(groups)  # a part may lack columns, and joined ones are not here
    frame = raw.with_columns(pl.lit(v, dtype=pl.String).alias(n) for n, v in cells.items() if n not in raw.columns)
    context = Context(frozenset(frame.columns), _ANY, secret(PSEUDONYM_KEY), nothing=feed.nothing)
    found = [pl.DataFrame(schema={ROW: pl.Int64, PERSON: pl.String})]
    for mapped in feed.tables:
        for column in TABLES[mapped.table].columns:
            rule = mapped.columns.get(column.name)
            if column.name in _ABOUT and rule is not None and rule.person is not None:
                found.append(frame.select(ROW, fill(rule, column, context).value.alias(PERSON)))
    return pl.concat(found, how="vertical_relaxed").drop_nulls(PERSON).unique()
