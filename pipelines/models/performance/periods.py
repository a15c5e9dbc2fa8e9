"""Review periods: those seen, and the ones that follow."""

from datetime import date, timedelta

import polars as pl


def coming(reviews: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The period that holds `as_of` and the one after it, in the rhythm of the reviews.

    Args:
        reviews: [n_reviews] period_start, period_end.
        as_of: The day.

    Returns:
        [at most 2] period_start, period_end; empty without reviews.
    """
    schema = {"period_start": pl.Date(), "period_end": pl.Date()}
    if reviews.is_empty():
        return pl.DataFrame(schema=schema)
    newest = reviews.sort("period_end", "period_start").select("period_start", "period_end").row(-1)
    start, end = newest
    found: list[tuple[date, date]] = []
    while len(found) < 2:
        if end >= as_of:
            found.append((start, end))
        start, end = following(start, end)
    return pl.DataFrame(found, schema=schema, orient="row")


def following(start: date, end: date) -> tuple[date, date]:
    """The period of the same length right after: whole months stay whole months.

    Args:
        start: First day.
        end: Last day.
    """
    next_start = end + timedelta(days=1)
    if start.day == 1 and next_start.day == 1:
        months = (next_start.year - start.year) * 12 + next_start.month - start.month
        place = next_start.year * 12 + next_start.month - 1 + months
        return next_start, date(place // 12, place % 12 + 1, 1) - timedelta(days=1)
    return next_start, next_start + (end - start)
