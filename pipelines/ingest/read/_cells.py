"""Rows and cells of a sheet of an Excel workbook: what a cell shows, as text that does not depend on its looks."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from math import isfinite
from typing import Final, NamedTuple

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read._workbook import Parts, Workbook, text_of, unescaped
from pipelines.ingest.read._xml import Element, local

_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ROW: Final = re.compile(r"[1-9][0-9]{0,6}")
_AREA: Final = re.compile(rf"{_PLACE.pattern}:{_PLACE.pattern}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?")
_WHOLE: Final = re.compile(r"-?[0-9]+")
_SHOWN: Final = Context(prec=15)
"""Digits that Excel keeps; what a file has beyond them is 0.1 + 0.2 = 0.30000000000000004."""
_DAYS: Final = 2_958_466
"""From 1900 to the end of 9999."""
_LEAP: Final = 60
"""The day after 28 February 1900, which Excel believes to be the 29th: days before it are counted from another day."""
_1904: Final = 1_462
"""Days from the one epoch to the other."""
_MILLISECONDS: Final = 86_400_000


class Cell(NamedTuple):
    """One cell that is there."""

    column: int
    """From 1."""
    text: str
    fault: str | None = None
    is_number: bool = False


def rows(parts: Parts, sheet: str) -> Iterator[tuple[int, Element]]:
    """Rows that are there, with their numbers.

    Raises:
        Held: They do not come in order.
    """
    last = 0
    for element in parts.elements(sheet, "worksheet/sheetData/row"):
        number = element.get("r", "") or str(last + 1)
        if not _ROW.fullmatch(number) or int(number) <= last:
            raise damaged(parts.feed)
        last = int(number)
        yield last, element


def merged(parts: Parts, sheet: str) -> list[tuple[int, int]]:
    """First and last rows of merged cells, in order, those that touch put together."""
    areas = []
    for said in parts.attributes(sheet, "mergeCell"):
        found = _AREA.fullmatch(said.get("ref", ""))
        if found is None:
            raise damaged(parts.feed)
        areas.append((int(found[2]), int(found[4])))
    joined: list[tuple[int, int]] = []
    for top, bottom in sorted(areas):
        if joined and top <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(bottom, joined[-1][1]))
        else:
            joined.append((top, bottom))
    return joined


def cells(row: Element, book: Workbook, feed: Feed) -> Iterator[Cell]:
    """The cells of a row that are there."""
    column = 0
    for element in row:
        if local(element.tag) != "c":
            continue
        column = _column(element.get("r", ""), column, feed)
        yield _cell(column, element, book, feed)


def _column(place: str, before: int, feed: Feed) -> int:
    """`C7` is in column 3; a cell that does not say where it is comes after the one before."""
    if not place:
        return before + 1
    found = _PLACE.fullmatch(place)
    number = _number_of(found[1]) if found else 0
    if number <= before:
        raise damaged(feed)
    return number


@lru_cache(maxsize=20_000)
def _number_of(letters: str) -> int:
    """A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _cell(column: int, element: Element, book: Workbook, feed: Feed) -> Cell:
    inner = {local(child.tag): child for child in element}
    kind, value = element.get("t", ""), inner["v"].text if "v" in inner else None
    if kind == "inlineStr":
        return _text(column, text_of(inner["is"]) if "is" in inner else "")
    if value:
        return _filled(column, element, value, book, feed)
    return Cell(column, "", "formula_without_value" if "f" in inner and kind != "str" else None)


def _filled(column: int, element: Element, value: str, book: Workbook, feed: Feed) -> Cell:
    match element.get("t", ""):
        case "s":
            return _text(column, _shared(value, book, feed))
        case "str":
            return _text(column, unescaped(value))
        case "b":
            return Cell(column, "true" if value in ("1", "true") else "false")
        case "e":
            return Cell(column, value, "cell_error")
        case "d":
            return Cell(column, value)
        case _:
            return _number(column, value.strip(), element.get("s", "") in book.moments, book)


def _text(column: int, text: str) -> Cell:
    return Cell(column, text.replace("\x00", "\ufffd"), "nul_character" if "\x00" in text else None)


def _shared(number: str, book: Workbook, feed: Feed) -> str:
    if not number.isdecimal() or len(number) > len(str(len(book.texts))) or int(number) >= len(book.texts):
        raise damaged(feed)
    return book.texts[int(number)]


def _number(column: int, text: str, is_moment: bool, book: Workbook) -> Cell:
    if not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        return Cell(column, text, "not_a_number")
    if is_moment:
        moment = moment_of(float(text), is_1904=book.is_1904)
        return Cell(column, text, "impossible_date") if moment is None else Cell(column, moment)
    return Cell(column, text if _WHOLE.fullmatch(text) else number_of(text), is_number=True)


def number_of(text: str) -> str:
    """`123.0` is 123, `1E-3` is 0.001, and what only a computer sees behind the fifteenth digit is not there."""
    plain = f"{_SHOWN.create_decimal(Decimal(text)):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def moment_of(days: float, *, is_1904: bool) -> str | None:
    """`45413` is 2024-05-01T00:00:00 and 0.5 alone 12:00:00; None for a day that there is not."""
    since_1900 = days + _1904 if is_1904 else days
    milliseconds = round(since_1900 * _MILLISECONDS)
    if days < 0 or milliseconds >= _DAYS * _MILLISECONDS or _LEAP <= since_1900 < _LEAP + 1:
        return None
    since = datetime(1899, 12, 31 if since_1900 < _LEAP else 30)  # noqa: DTZ001 - a workbook has no zone
    precision = "milliseconds" if milliseconds % 1000 else "seconds"
    text = (since + timedelta(milliseconds=milliseconds)).isoformat(timespec=precision)
    return text.partition("T")[2] if days < 1 else text


def damaged(feed: Feed) -> Held:
    """The sheet is not as Excel writes it."""
    return Held("malformed_workbook", f"{feed.name} must have cells in order, as Excel writes them; it has not.")
