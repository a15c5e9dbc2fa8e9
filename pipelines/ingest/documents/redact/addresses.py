"""Postal addresses: streets with numbers, post boxes, postal codes with towns; English, American and German forms.

In the heading every segment of a line is tried; below it only a line that is nothing but an address, and its town's.
"""

import re
from collections.abc import Iterator
from typing import Final

from pipelines.ingest.documents.redact.page import PROSE, Page, Piece, Span, segments
from pipelines.ingest.documents.redact.statements import LONG_CELL, SEP, START

_WAYS: Final = (
    r"street|st\.?|lane|ln\.?|road|rd\.?|avenue|ave\.?|way|drive|dr\.?|court|ct\.?|place|square|close|crescent|"
    r"terrace|"
    r"boulevard|blvd\.?|parkway|highway|gardens?|mews|row|hill|circle|trail"
)
_STRASSEN: Final = r"stra(?:\u00df|ss)e|str\.|allee|weg|platz|gasse|ring|damm|ufer|chaussee|steig"
_UPPER: Final = r"[A-Z\u00c0-\u00de]"
_TOWN: Final = rf"(?:{_UPPER}{{1,2}}-)?(?!(?:19|20)\d\d )\d{{4,5}} {_UPPER}[\w. /-]{{1,40}}"
_STATE: Final = r"[A-Z][\w .'-]{1,40},? [A-Z]{2},? \d{5}(?:-\d{4})?"
_BRITISH: Final = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_COUNTRY: Final = rf"(?:, {_UPPER}[^\W\d_]*(?:\.{_UPPER})*\.?(?: [^\W\d_]+){{0,3}})?"
"""Behind a town, of at most four words."""
_HOUSE: Final = r"\d{1,5} ?[A-Za-z]?"
_STREET: Final = re.compile(
    rf"(?:c/o [^,]{{2,40}}, )?(?:(?:flat|apt\.?|apartment|unit|"
    rf"suite) \w{{1,5}},? )?"
    rf"{_HOUSE},? (?:[\w.'\u2019-]+ ){{1,4}}"
    rf"(?:{_WAYS})(?!\w)(?:[ ,].*)?",
    re.IGNORECASE,
)
_STRASSE: Final = re.compile(
    rf"(?:c/o [^,]{{2,40}}, )?(?:[\w.-]+ ){{0,3}}(?:[\w.-]*?(?:{_STRASSEN})|{_WAYS}),? (?!(?:19|"
    rf"20)\d\d){_HOUSE}(?:,.*)?",
    re.IGNORECASE,
)
_WITH_TOWN: Final = re.compile(
    rf"(?:.{{3,60}} {_HOUSE}, {_TOWN}|\d.{{3,60}}, {_BRITISH}|.{{3,60}}\d.{{0,40}}, {_STATE}){_COUNTRY}"
)
_BOX: Final = re.compile(r"(?:p\.? ?o\.? ?box|postfach) \d.*", re.IGNORECASE)
_PLACE: Final = re.compile(rf"(?:{_TOWN}|{_STATE}|[A-Z][\w ,.'-]{{2,60}} {_BRITISH}){_COUNTRY}")
_LABELS: Final = frozenset(["address", "adresse", "anschrift", "wohnort", "in", "residence"])
_DIGIT: Final = re.compile(r"\d")
_MOST_BELOW: Final = 90
"""Characters of an address below the heading."""
_LABELLED: Final = re.compile(
    rf"{START}((?:(?:home|postal|mailing|private|permanent|current) )?(?:address|adresse|anschrift|wohnort|wohnhaft in"
    rf"|residence){SEP}{LONG_CELL})",
    re.IGNORECASE,
)


def labelled(page: Page) -> Iterator[Span]:
    """What stands behind "Address:", up to the next bar or dot or the end of the line."""
    if not _LABELS.isdisjoint(page.labels):
        yield from (Span(*match.span(1), "ADDRESS") for match in _LABELLED.finditer(page.masked))


def heading(page: Page) -> Iterator[Span]:
    """Segments of the heading that are a street, a box or a town with its code."""
    for line in page.head():
        if len(line.text) <= PROSE:
            yield from (segment.span("ADDRESS") for segment in segments(line) if _is_place(segment.text))


def lines(page: Page) -> Iterator[Span]:
    """Whole lines further down, as in a letter or a footer; a town's line only right below a street."""
    is_below = False
    for line in page.lines():
        text = line.text.strip()
        is_street = len(text) <= _MOST_BELOW and bool(_DIGIT.search(text)) and _is_street(text)
        if is_street or (is_below and _PLACE.fullmatch(text)):
            yield Piece(line.start + line.text.index(text), text).span("ADDRESS")
        is_below = is_street


def _is_place(text: str) -> bool:
    return bool(_DIGIT.search(text)) and any(
        form.fullmatch(text) for form in (_STREET, _STRASSE, _WITH_TOWN, _BOX, _PLACE)
    )


def _is_street(text: str) -> bool:
    """Strictly: capitals in front, and a town behind the comma if there is one; prose about roads stays."""
    if _BOX.fullmatch(text):
        return True
    words = re.findall(r"[^\W\d_]{3,}", text)
    is_title = 0 < len(words) <= 8 and all(word[0].isupper() for word in words)
    return is_title and any(form.fullmatch(text) for form in (_STREET, _STRASSE, _WITH_TOWN))
