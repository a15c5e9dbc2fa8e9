"""Valid time: which of a thing's slices holds on a day.

What was known later takes the place of what was known before, for all days that it speaks of: a promotion entered late
rewrites the days since, a termination that was withdrawn is covered by the job that goes on, and nothing is ever
deleted. That is why a source has to tell a slice's own end, and tell it anew when it moves. A slice that is told again
as it once was, after another took some of its days, takes them back: what repeats a slice is news then.

Three withdrawals cannot be seen, since no later row speaks of the days: of a thing's only slice; of a slice before
whose first day the thing then ended; of the last of several changes on the one day that they were for.
"""

from datetime import date

import polars as pl

from pipelines.base.contracts import Slices


def is_day_end(slices: Slices) -> pl.Expr:
    """Whether a slice can hold at the end of a day: not one of a day within which another came after it."""
    if slices.order is None:
        return pl.lit(value=True)
    greatest = pl.col(slices.order).max().over(*slices.of, slices.start)
    is_of_a_day = pl.col(slices.end) <= pl.col(slices.start) + pl.duration(days=1)
    return (pl.col(slices.order) == greatest) | ~is_of_a_day.fill_null(value=False)


def holding(known: pl.DataFrame, slices: Slices, on: date) -> pl.DataFrame:
    """Of each thing the slice that holds at the end of a day.

    Args:
        known: [n_slices] rows of the table and `known_from`, one a key: what was known of each slice last.
        slices: What says when each holds.
        on: The day.

    Returns:
        One row a thing, in the order of its name; none where nothing holds, be it not yet or no longer.
    """
    begun, ended = pl.col(slices.start) <= on, (pl.col(slices.end) <= on).fill_null(value=False)
    found = known.filter(is_day_end(slices)).filter(begun & ~ended)
    order = [*slices.of, "known_from", slices.start, *([slices.order] if slices.order else [])]
    return found.sort(order).unique(slices.of, keep="last", maintain_order=True)


def overruling(slices: Slices, suffix: str) -> pl.Expr:
    """Whether another slice of the same thing, told later, can take a day from a slice.

    Args:
        slices: What says when each holds.
        suffix: What the other's columns end with, in pairs of different slices of one thing.
    """
    start, end = pl.col(slices.start), pl.col(slices.end)
    other, other_end = pl.col(f"{slices.start}{suffix}"), pl.col(f"{slices.end}{suffix}")
    is_shared = ~(other_end <= start).fill_null(value=False) & ~(end <= other).fill_null(value=False)
    if slices.order is None:
        return is_shared
    # Whichever came first on a day that it was for never holds at that day's end, whenever it was told.
    is_first = pl.col(slices.order) < pl.col(f"{slices.order}{suffix}")
    of_first = pl.when(is_first).then(end).otherwise(other_end)
    is_passed = (start == other) & (of_first <= start + pl.duration(days=1)).fill_null(value=False)
    return is_shared & ~is_passed
