"""A resume's text while it is searched, and how it is cut into lines and segments."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

HEAD_LINES: Final = 8
"""Contact data of a heading lie within these first lines that are not empty."""
PROSE: Final = 160
"""A longer line is prose: no name, address or heading stands in it alone."""
_LINE: Final = re.compile(r"[^\n]+")
_LETTER: Final = re.compile(r"[^\n]")
_BETWEEN: Final = re.compile(r"[|\u2022\u00b7;\t]+| {2,}| [-\u2013\u2014] ")


class Span(NamedTuple):
    """Characters that have to go, and what they are."""

    start: int
    end: int
    kind: str


class Piece(NamedTuple):
    """A part of the page and where it starts."""

    start: int
    text: str

    def span(self, kind: str) -> Span:
        """All of it."""
        return Span(self.start, self.start + len(self.text), kind)


class Page:
    """A text, what was found in it, and the text with bars in place of that, so that nothing is found twice."""

    def __init__(self, text: str) -> None:
        """Nothing is found yet.

        Args:
            text: The whole resume.
        """
        self.text = text
        self.lower = text.lower()
        self.masked = text
        self.found: list[Span] = []

    def take(self, spans: Iterable[Span]) -> None:
        """Keep spans of one finder; of two that overlap, the one that starts first."""
        pieces, at = [], 0
        for span in sorted(spans):
            if span.start >= at and span.end > span.start:
                pieces += [self.masked[at : span.start], _LETTER.sub("|", self.masked[span.start : span.end])]
                at = span.end
                self.found.append(span)
        self.masked = "".join([*pieces, self.masked[at:]])

    def lines(self) -> Iterator[Piece]:
        """Lines of the masked text that are not empty."""
        for match in _LINE.finditer(self.masked):
            if not match.group().isspace():
                yield Piece(match.start(), match.group())

    def says(self, words: Iterable[str]) -> bool:
        """Whether one of some lower-case words occurs anywhere: quick, where a pattern for all of them is slow."""
        return any(word in self.lower for word in words)

    def head(self) -> list[Piece]:
        """The first lines."""
        return [line for line, _ in zip(self.lines(), range(HEAD_LINES), strict=False)]


def segments(line: Piece) -> Iterator[Piece]:
    """What stands between bars, dots, tabs, wide blanks and dashes of a line, without blanks and commas around it."""
    at = 0
    for match in [*_BETWEEN.finditer(line.text), None]:
        end = match.start() if match else len(line.text)
        text = line.text[at:end]
        kept = text.strip(" ,")
        if kept:
            yield Piece(line.start + at + text.index(kept), kept)
        at = match.end() if match else end
