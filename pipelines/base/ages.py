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
_NO_AGE: Final = 130
"""From here on a number is a year of birth, and bands of years run the other way."""
_LESS: Final = "under|younger|below|less|fewer"
_MORE: Final = "over|older|above|more|greater"
_ODD_NOT: Final = re.compile(rf"\bnot?\b(?! (?:{_LESS}|{_MORE}))")
"""A `not` that is not about the very next word: what it turns round cannot be told."""
_BEFORE: Final = (
    (rf"\bnot? (?:{_MORE})|<=|=<|≤|up to|at most", "highest", 0),
    (rf"\bnot? (?:{_LESS})|>=|=>|≥|at least|from|\+|plus", "lowest", 0),
    (rf"(?<!=)<(?! ?=)|(?<!no )(?<!not )(?:{_LESS})", "highest", -1),
    (rf"(?<!=)>(?! ?=)|(?<!no )(?<!not )(?:{_MORE})", "lowest", 1),
)
"""What stands before the only number of a band, which end of the band that number is, and how far from it in years."""
_AFTER: Final = ((_LESS, "highest", 0), (rf"\+|(?:<=|≤)\s*$|plus|\bup\b|{_MORE}", "lowest", 0))


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


def forty_from(column: str) -> pl.Expr:
    """The day from which somebody is 40, as text that sorts as days do: ISO, or a bare year; null as in `of_birth`.

    Who was born on 29 February is 40 from the day after 28 February on, as `of_birth` has it.
    """
    year = pl.col(column).str.slice(0, 4).cast(pl.Int32, strict=False)
    month_day = pl.col(column).str.slice(5, 5)
    day = pl.when(month_day.str.len_chars() == 5).then(pl.lit("-") + month_day).otherwise(pl.lit(""))
    return (year + _FROM).cast(pl.String) + day


def of_band(band: str) -> str | None:
    """The side of 40 that an age band lies on; None where 40 is inside, where it is not clear, or it is no band.

    Args:
        band: Such as `under 35`, `40 or younger`, `35 to 54`, `40-49`, `no older than 39`, `>39`, `55<=` or `40+`. Two
            numbers are in it both; one belongs to it but in `under 40` and `over 40`. Bands of birth years are none.
    """
    text = " ".join(band.casefold().split())
    ages = [int(number) for number in re.findall(r"\d+", text)]
    if _ODD_NOT.search(text) or any(age >= _NO_AGE for age in ages):
        return None
    if len(ages) == 2:
        return _side(*ages) if ages[0] <= ages[1] else None
    if len(ages) != 1:
        return None
    before, after = re.split(r"\d+", text)
    said = [(before, *rule) for rule in _BEFORE] + [(after, *rule) for rule in _AFTER]
    ends = [(end, ages[0] + years) for words, pattern, end, years in said if re.search(pattern, words)]
    return _side(**{"lowest": 0, "highest": _NO_AGE} | dict(ends)) if len(ends) == 1 else None


def _side(lowest: int, highest: int) -> str | None:
    return OLD if lowest >= _FROM else YOUNG if highest < _FROM else None
