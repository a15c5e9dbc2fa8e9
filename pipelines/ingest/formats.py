"""Formats in which sources write days and moments, and whether one says which instant it tells.

A format has parts, such as `%H` or `%:z`, which are read, and words between them, which are only compared: an offset or
a zone that stands there as a word moves nothing, and its times would pass for UTC. A format of an hour may therefore
have none but UTC itself.
"""

import re
from datetime import datetime
from typing import Annotated, Final

import polars as pl
from pydantic import AfterValidator, Field

_PART: Final = re.compile(r"%[-_.:#\d]*[A-Za-z+%]")
_SHORT_YEARS: Final = {*"yDgx"}
"""Last letters of parts that tell two digits of a year."""
_HOURS: Final = {*"HkIlTRrXcs+"}
"""Last letters of parts that tell the hour."""
_CLOCK: Final = _HOURS | {*"MSfpP"}
"""Those of all parts that tell a time: a minus between one and a digit begins an offset, and none in `%Y-%m-01`."""
_OFFSETS: Final = {*"zs+"}
"""Last letters of parts of which it is read where their clocks stand. `%Z` is not: any word is taken for it."""
_UTC: Final = re.compile(
    r"(?i)(?<![^\W\d_])(?:Z|UTC|GMT|Coordinated Universal Time)(?!\w)|[+\u2212-]00?(?::?00)?(?![:\d])"
)
"""Words that say UTC."""
_OFFSET: Final = re.compile(r"(?:[+\u2212\u2012\u2013\uff0b]|(?<![\d\0])-)\d[\d:]*|(?<=: )\d{4}(?![\d:\0])")
"""A sign, as a dash too, and digits; or four digits alone behind a clock."""
_NO_ZONES: Final = {"T", "W", "H", "Uhr", "UHR"}
"""Words with a capital that are no names: of ISO 8601, of French and German clocks."""


def _parts(pattern: str) -> set[str]:
    """The last letters of a format's parts."""
    return {part[-1] for part in _PART.findall(pattern)}


def _words(pattern: str) -> str:
    """A format's words, with a colon for each part of a clock and a NUL for each of a day."""
    return _PART.sub(lambda part: ":" if part[0][-1] in _CLOCK else "\0", pattern)


def _unread(pattern: str) -> list[str]:
    """What in a format tells, or may tell, where its clocks stand and would not be read.

    Names of zones, and what they are shortened to, have a capital or a slash: small letters alone are words of a
    language, such as `um` and `h`, and whoever writes `cet` is not told.
    """
    if not _OFFSETS.isdisjoint(_parts(pattern)):
        return []
    left = _UTC.sub("", _words(pattern))
    names = [word for word in re.findall(r"[^\W\d_]+", left) if word != word.lower() and word not in _NO_ZONES]
    names += re.findall(r"[a-z_]{3,}/[a-z_]{3,}", left)
    return [*names, *_OFFSET.findall(left), *(["%Z"] if "Z" in _parts(pattern) else [])]


def is_timed(pattern: str) -> bool:
    """Whether a format tells the hour: without one it is a day's, and read as a day."""
    return not _HOURS.isdisjoint(_parts(pattern))


def is_instant(pattern: str) -> bool:
    """Whether a format tells an hour and where its clocks stand, and is read so."""
    is_placed = not _OFFSETS.isdisjoint(_parts(pattern)) or _UTC.search(_words(pattern)) is not None
    return is_timed(pattern) and is_placed and not _unread(pattern)


def _can_be_read(pattern: str) -> str:
    if _parts(pattern) <= {"%"} or not _SHORT_YEARS.isdisjoint(_parts(pattern)):
        raise ValueError("must be a format with a four-digit year, such as %Y-%m-%d")
    try:
        pl.Series([""]).str.to_datetime(pattern, strict=False)
    except pl.exceptions.PolarsError:
        raise ValueError("must be a format that can be read: hours go with minutes, %I goes with %p") from None
    return pattern


def _is_all_read(pattern: str) -> str:
    if is_timed(pattern) and (found := _unread(pattern)):
        raise ValueError(
            f"must not have an offset or a name of a zone as its words; got {', '.join(found)}: nobody reads them, so "
            "it would pass for UTC. Write %z, %:z or %#z for an offset; other words are cut off by `extract`, and "
            "`zone` says where the clocks stand"
        )
    return pattern


def _is_known(name: str) -> str:
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(name)  # noqa: DTZ001  # it gets its zone here
    except pl.exceptions.PolarsError:
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin") from None
    return name


Format = Annotated[str, AfterValidator(_can_be_read)]
"""A strftime format. Two-digit years are refused: nobody can say which century they mean."""
Instant = Annotated[Format, AfterValidator(_is_all_read)]
"""A format of moments. What stands in it as plain words is compared and not read: of offsets those of UTC may."""
Zone = Annotated[str, Field(min_length=1), AfterValidator(_is_known)]
"""A name of the IANA database, by the copy of it that Polars has."""
