"""Source cells in a mapping: absent, null, empty and blank ones are all missing here, and those that say "nothing"."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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
    nothing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column, empty for all of them -> texts that the source writes for nothing."""


def cleaned(frame: pl.DataFrame, names: Collection[str], context: Context) -> pl.DataFrame:
    """`frame` with `cell` of each column, most of which say at a glance that no cell is blank.

    What is empty or begins with white space sorts before `!` or, beyond ASCII, after `~`.
    """
    if not names:
        return frame
    looked = frame.select(((pl.col(name) < "!") | (pl.col(name) > "~")).any().alias(name) for name in names)
    return (
        frame.lazy()
        .with_columns(
            cell(name, context).alias(name)
            for name, may_be_blank in zip(names, looked.row(0), strict=True)
            if may_be_blank or context.nothing
        )
        .collect()
    )


def cell(name: str, context: Context) -> pl.Expr:
    """A source cell: text, or null when it is absent, null, empty, blank or says that there is nothing."""
    if name not in context.columns:
        return pl.lit(None, dtype=pl.String)
    column = pl.col(name)
    if name in context.clean:
        return column
    bare = column.str.strip_chars()
    nothing = ["", NULL, *context.nothing.get("", ()), *context.nothing.get(name, ())]
    is_nothing = bare.is_in(nothing) if len(nothing) > 2 else (bare == "") | (bare == NULL)
    return pl.when(is_nothing).then(None).otherwise(column)


def first(names: str | tuple[str, ...], context: Context) -> pl.Expr:
    """The first filled cell of several columns."""
    return pl.coalesce([cell(name, context) for name in ((names,) if isinstance(names, str) else names)])
