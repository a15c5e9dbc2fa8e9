"""Source cells in a mapping: absent, null, empty and blank ones are all missing here, and those that say "nothing"."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import polars as pl

from pipelines.ingest.read import NULL

BROKEN: Final = "broken_group"
"""Reason of a row whose text is no group where the feed takes one apart."""


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
    is_as_written: bool = False
    """Pseudonyms are made of identifiers as they are written, as they were once."""


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


def decoded(texts: pl.Series, fields: Sequence[str]) -> pl.Series:
    """Groups of JSON text as lists of objects with text fields; null where a text is none.

    Polars refuses the whole column for one such text, and its error shows it: whoever wrote that cell would end the
    batch and be read in the log. So the column is halved until it stands alone.
    """
    kind = pl.List(pl.Struct(dict.fromkeys(fields, pl.String())))
    try:
        return texts.str.json_decode(kind)
    except pl.exceptions.PolarsError:
        if len(texts) == 1:
            return pl.Series(texts.name, [None], dtype=kind)
    half = len(texts) // 2
    return pl.concat([decoded(texts[:half], fields), decoded(texts[half:], fields)])
