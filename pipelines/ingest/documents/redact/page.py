"""A resume's text while it is searched, and how it is cut into lines and segments."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

HEAD_LINES: Final = 8
"""Contact data of a heading lie within these first lines that are not empty."""
PROSE: Final = 160
"""A longer line is prose: no name, address or heading stands in it alone."""
_LINE: Final = re.compile(r"[^\n]+")
_NEXT: Final = re.compile(r"\s*[^\n]*")
_WORDS: Final = re.compile(r"\w+")
_LONGEST_LABEL: Final = 40
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
        self.labels = _labels(self.lower)
        """Words, in lower case, that a colon or a tab stands behind."""
        self._lines: list[Piece] | None = None

    def take(self, spans: Iterable[Span]) -> None:
        """Keep spans of one finder; of two that overlap, the one that starts first."""
        pieces, at = [], 0
        for span in sorted(spans):
            if span.start >= at and span.end > span.start:
                pieces += [self.masked[at : span.start], _LETTER.sub("|", self.masked[span.start : span.end])]
                at = span.end
                self.found.append(span)
        if pieces:
            self.masked = "".join([*pieces, self.masked[at:]])
            self._lines = None

    def lines(self) -> list[Piece]:
        """Lines of the masked text that are not empty."""
        if self._lines is None:
            found = ((match.start(), match.group()) for match in _LINE.finditer(self.masked))
            self._lines = [Piece(start, text) for start, text in found if not text.isspace()]
        return self._lines

    def says(self, words: Iterable[str]) -> bool:
        """Whether one of some lower-case words occurs anywhere: quick, where a pattern for all of them is slow."""
        return any(word in self.lower for word in words)

    def holding(self, words: Iterable[str], further: int = 0) -> list[tuple[int, int]]:
        """Start and end of the lines in which one of some lower-case words occurs, in their order.

        Args:
            words: They.
            further: How many lines that are not empty come with each, as a value below its label. Stretches that then
                meet are one.
        """
        if len(self.lower) != len(self.text):  # a letter that is two in lower case: places are no longer the same
            return [(0, len(self.text))]
        found = set()
        for word in words:
            at = self.lower.find(word)
            while at >= 0:
                end = self.lower.find("\n", at)
                end = len(self.lower) if end < 0 else end
                found.add((self.lower.rfind("\n", 0, at) + 1, end))
                at = self.lower.find(word, end)
        return self._with_further(sorted(found), further) if further else sorted(found)

    def _with_further(self, stretches: list[tuple[int, int]], further: int) -> list[tuple[int, int]]:
        met: list[tuple[int, int]] = []
        for start, last in stretches:
            begin = met.pop()[0] if met and start <= met[-1][1] else start
            met.append((begin, self._end_of(last, further)))
        return met

    def _end_of(self, at: int, further: int) -> int:
        for _ in range(further):
            found = _NEXT.match(self.lower, at)
            at = found.end() if found else at
        return at

    def head(self) -> list[Piece]:
        """The first lines."""
        return self.lines()[:HEAD_LINES]


def _labels(text: str) -> frozenset[str]:
    before = (piece.rstrip()[-_LONGEST_LABEL:] for piece in text.replace("\t", ":").split(":")[:-1])
    return frozenset(words[-1] for piece in before if (words := _WORDS.findall(piece)))


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
