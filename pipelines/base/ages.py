"""Age 40 and over, from what a company knows: a birth date, a birth year or an age band. Pure.

Forty is where protection against age discrimination begins in the United States (ADEA, 29 USC 631(a)).
"""

import re
from datetime import date
from typing import Final

import polars as pl

OLD: Final = "40 or over"
YOUNG: Final = "under 40"
_FROM: Final = 40
_OLDER: Final = re.compile(r"\+|>|<=\s*$|over|older|above|plus", re.IGNORECASE)
_YOUNGER: Final = re.compile(r"^\s*<(?!=)|under|younger|below", re.IGNORECASE)


def of_birth(column: str, as_of: date) -> pl.Expr:
    """`40 or over` or `under 40`; null where the birth date cannot be read.

    Args:
        column: Birth date (ISO) or bare birth year, as text.
        as_of: Day on which the age is taken; a birthday still to come that year counts, a bare year has none.
    """
    year = pl.col(column).str.slice(0, 4).cast(pl.Int32, strict=False)
    month_day = pl.col(column).str.slice(5, 5)
    is_to_come = (month_day.str.len_chars() == 5) & (month_day > as_of.strftime("%m-%d"))
    age = as_of.year - year - is_to_come.cast(pl.Int32)
    return pl.when(age >= _FROM).then(pl.lit(OLD)).when(age < _FROM).then(pl.lit(YOUNG))


def of_band(band: str) -> str | None:
    """The side of 40 that an age band lies on; None where it lies on both, or is no band.

    Args:
        band: Such as `under 35`, `35 to 54`, `40-49`, `55 or over`, `55<=` or `40+`. Two numbers are in it both.
    """
    ages = [int(number) for number in re.findall(r"\d+", band)]
    if len(ages) == 2:
        low, high = ages
        return OLD if _FROM <= low <= high else YOUNG if low <= high < _FROM else None
    if len(ages) != 1:
        return None
    if _YOUNGER.search(band):
        return YOUNG if ages[0] <= _FROM else None
    return OLD if _OLDER.search(band) and ages[0] >= _FROM else None
