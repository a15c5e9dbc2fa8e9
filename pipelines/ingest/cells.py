"""Source cells in a mapping: absent, null, empty and blank ones are all missing here."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipelines.ingest.read import NULL


@dataclass(frozen=True, slots=True)
class Context:
    """What rules need beside the row."""

    columns: frozenset[str]
    """Columns that the frame has; others are absent in every row."""
    extracted: datetime
    key: bytes
    """Keys pseudonyms."""
    clean: frozenset[str] = frozenset()
    """Columns whose blank cells are null already."""


def cell(name: str, context: Context) -> pl.Expr:
    """A source cell: text, or null when it is absent, null, empty or blank."""
    if name not in context.columns:
        return pl.lit(None, dtype=pl.String)
    column = pl.col(name)
    if name in context.clean:
        return column
    bare = column.str.strip_chars()
    return pl.when((bare == "") | (bare == NULL)).then(None).otherwise(column)


def first(names: str | tuple[str, ...], context: Context) -> pl.Expr:
    """The first filled cell of several columns."""
    return pl.coalesce([cell(name, context) for name in ((names,) if isinstance(names, str) else names)])
