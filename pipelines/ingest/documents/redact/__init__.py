"""Take what identifies a person, or tells a protected attribute outright, out of resume text before it is kept.

A placeholder such as [NAME] stands for each: names, e-mail, phone, links, address, birth date and place, age,
nationality, marital status, gender, pronouns, salutations, mentions of a photo, years of study. Years of employment
stay, for they are experience. English and German. Photos themselves never come here: the readers take the text of a
document, no picture is decoded, and only what this module returns leaves the worker.

A heading is a name only beside contact data: resumes without contact data (names were removed before) begin with a job
title, which must stay. Every pattern takes time in proportion to the text, whatever is in it.
"""

from collections.abc import Callable, Iterator
from typing import Final

from pipelines.ingest.documents.redact import addresses, education, names, statements
from pipelines.ingest.documents.redact.page import Page, Span

_FINDERS: Final[tuple[Callable[[Page], Iterator[Span]], ...]] = (
    *statements.CONTACT,
    addresses.labelled,
    addresses.heading,
    addresses.lines,
    names.labelled,
    names.salutations,
    names.marked,
    names.everywhere,
    *statements.PERSON,
    statements.personal_lines,
    education.years,
)
"""In this order: each sees the page without what those before it found."""


def find(text: str) -> list[Span]:
    """Where something has to go, in the order of reading and without overlaps.

    Args:
        text: As extracted and cleaned.

    Returns:
        Spans of characters, with the words that announce a value ("Nationality: German" is one span).
    """
    page = Page(text)
    for finder in _FINDERS:
        page.take(finder(page))
    return sorted(page.found)


def redact(text: str) -> str:
    """The text with a placeholder for each span, as in [BIRTH_DATE]; all other characters stay.

    Args:
        text: As extracted and cleaned.

    Returns:
        The same lines, but for a label and its value on two lines, which become one.
    """
    pieces, at = [], 0
    for start, end, kind in find(text):
        pieces += [text[at:start], f"[{kind}]"]
        at = end
    return "".join([*pieces, text[at:]])
