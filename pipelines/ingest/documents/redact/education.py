"""Years of study and graduation, which tell an age. Years of employment stay: they are experience.

A year goes when it stands in an education section, in a line about a degree outside the sections about work, or behind
words such as "graduated" anywhere.
"""

import re
from collections.abc import Iterator
from typing import Final

from pipelines.ingest.documents.redact.page import PROSE, Page, Piece, Span
from pipelines.ingest.documents.redact.words import FILL, OTHER, SCHOOL

HEADING_WORDS: Final = SCHOOL | OTHER
_WORK: Final = frozenset(
    [
        "experience",
        "employment",
        "work",
        "career",
        "positions",
        "berufserfahrung",
        "berufspraxis",
        "beruflicher",
        "erfahrung",
        "praktika",
    ]
)
_HEADING: Final = HEADING_WORDS | FILL
_FIRST: Final = _HEADING | {""}
_AROUND: Final = re.compile(r"[.,:/|()]")
_WORK_ENDS: Final = (" experience", " employment", "erfahrung")
"""Of headings such as Teaching Experience."""
_MOST_WORDS: Final = 6

_YEAR: Final = re.compile(
    r"(?<![\d$\u20ac\u00a3])(?:19[4-9]\d|20[0-3]\d)(?: ?[/\u2013-] ?\d\d(?![\d/.]))?"
    r"(?![\d%+]|,\d| (?:hours|hrs|"
    r"students|stunden))"
    r"|(?<!\w)['\u2019]\d\d(?!\w)",
    re.IGNORECASE,
)
_DEGREE: Final = re.compile(
    r"\b(?:bachelors?|masters? (?:of|degree|in)|b\.? ?sc|m\.? ?sc|b\.?a\.?|b\.?s\.|m\.?b\.?a|ph\.? ?d|doctorate|"
    r"diploma|degree in|"
    r"high school|ged|a-levels|gcse|abitur|diplom|staatsexamen|promotion zum|studium)(?!\w)",
    re.IGNORECASE,
)
_GRADUATED: Final = re.compile(
    r"\b(?:graduat(?:ed(?! \d{1,3}(?!\d))|ion(?: date| year)?|ing)|class of|abitur|matura|"
    r"abschlussjahr)(?!\w)[^\n|.;]{0,60}?"
    r"((?:19[4-9]|20[0-3])\d|['\u2019]\d\d)(?!\d)",
    re.IGNORECASE,
)


_GRADUATIONS: Final = ("graduat", "class of", "abitur", "matura", "abschlussjahr")


def years(page: Page) -> Iterator[Span]:
    """Years of study, each on its own, so that months and schools stay."""
    now, graduates = "", page.says(_GRADUATIONS)
    for line in page.lines():
        now = section(line.text) or now
        if "19" not in line.text and "20" not in line.text and "\u2019" not in line.text and "'" not in line.text:
            continue
        if now == "school" or (now != "work" and len(line.text) <= PROSE and _DEGREE.search(line.text)):
            yield from _years(line)
        elif graduates:
            found = (match.span(1) for match in _GRADUATED.finditer(line.text))
            yield from (Span(line.start + start, line.start + end, "GRADUATION_YEAR") for start, end in found)


def _years(line: Piece) -> Iterator[Span]:
    for match in _YEAR.finditer(line.text):
        yield Span(line.start + match.start(), line.start + match.end(), "GRADUATION_YEAR")


def section(text: str) -> str:
    """Which section begins with this line: school, work, other; empty when it is no heading."""
    if len(text) <= 40 and text.lower().strip(" :").endswith(_WORK_ENDS) and text.istitle() | text.isupper():
        return "work"
    if len(text) > 60 or _AROUND.sub("", text.split(maxsplit=1)[0].lower()) not in _FIRST:
        return ""
    words = _AROUND.sub(" ", text.lower()).split()
    if not 1 <= len(words) <= _MOST_WORDS or not _HEADING.issuperset(words):
        return ""
    if SCHOOL.intersection(words):
        return "school"
    return "work" if _WORK.intersection(words) else "other" if OTHER.intersection(words) else ""
