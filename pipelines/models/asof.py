"""Facts as they were known at the moment of a case, so that no feature sees one before its source did.

A row whose `known_from_basis` is `source` was known from `known_from` on, whatever day it speaks of: a promotion of
January that was entered in February is none in January. One that is `restated` says otherwise than a row before it and
was known by the file that had it first. An `observed` row was first seen in a file that may hold years of history:
there the time it speaks of has to do, and of several versions the oldest counts from the beginning.

Of tables that come with the newest version only, what was corrected later is in no case before the correction: the
value that was known then is not at hand.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl

ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
_SINCE: Final = "_since"


def known_at(event: pl.Expr) -> pl.Expr:
    """When a fact was known: not before it happened; where the source does not say, when it happened."""
    return pl.when(_is_dated()).then(pl.max_horizontal("known_from", event)).otherwise(event)


def newest(versions: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row a key, the version known last."""
    return versions.sort(key, "known_from").unique(key, keep="last", maintain_order=True)


def with_facts(
    frame: pl.DataFrame, versions: pl.DataFrame, key: str, columns: Sequence[str], *, at: str, always: bool = False
) -> pl.DataFrame:
    """Add what was known about a key at each row's moment.

    Args:
        frame: [n_rows] `key` and the moment `at`, in any order.
        versions: [n_versions] `key`, `columns`, `known_from`, `known_from_basis`; every version known.
        key: Column of both.
        columns: Of `versions`, added.
        at: Column of `frame`.
        always: Whether the oldest version counts from the beginning even where the source says when it was known: for
            what must have been there, as a requisition that somebody applied to. Never for facts about people.

    Returns:
        `frame` in its order with `columns`; null where nothing was known.
    """
    is_oldest = pl.col("known_from") == pl.col("known_from").min().over(key)
    since = pl.when(is_oldest & (~_is_dated() | always)).then(pl.lit(ALWAYS)).otherwise(pl.col("known_from"))
    facts = versions.select(key, *columns, since.cast(frame.schema[at]).alias(_SINCE)).sort(_SINCE)
    rows = frame.with_row_index("_row").sort(at)
    joined = rows.join_asof(facts, left_on=at, right_on=_SINCE, by=key, check_sortedness=False)
    return joined.sort("_row").drop("_row", _SINCE)


def _is_dated() -> pl.Expr:
    return pl.col("known_from_basis") != "observed"
