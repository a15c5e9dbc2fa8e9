"""Keyword stuffing: how much of a text is the same few words over and over.

A word counts as stuffed in either of two places: in three words in a row that come REPEATS times within WITHIN words,
as a list that was pasted again and again; and in a stretch of STRETCH words of which at most DISTINCT differ, as the
same terms in any order. Words of fewer than three letters are not looked at, so that bullets and dates make no lists.

Measured on 1,986 real resumes: 17 have a tenth of their words or more in such places (headings and tasks that repeat
from job to job). Of every eighth of them, with 15 to 30 terms pasted in ten times over, at least 99 in 100 have.
A long list in which every term comes once is no stuffing.
"""

import re
from collections import Counter
from typing import Final

REPEATS: Final = 5
WITHIN: Final = 200
STRETCH: Final = 60
DISTINCT: Final = 24
_ROW: Final = b"\1" * 3
_WORD: Final = re.compile(r"[^\W\d_]{3,}")


def stuffed_share(text: str) -> float:
    """Share of the words of a text that are stuffed; 0 without words."""
    words = list(map(str.lower, _WORD.findall(text)))
    stuffed = bytearray(len(words))
    for at in _repeated(words):
        stuffed[at : at + 3] = _ROW
    for at in _dull(words):
        stuffed[at : at + STRETCH] = b"\1" * STRETCH
    return sum(stuffed) / len(words) if words else 0.0


def _repeated(words: list[str]) -> set[int]:
    """Where three words in a row begin that come again and again close by."""
    often = {word for word, count in Counter(words).items() if count >= REPEATS}
    are_often = bytes(map(often.__contains__, words))  # a row comes as often as the rarest of its words at most
    places: dict[tuple[str, ...], list[int]] = {}
    at = are_often.find(_ROW)
    while at >= 0:
        places.setdefault(tuple(words[at : at + 3]), []).append(at)
        at = are_often.find(_ROW, at + 1)
    return {
        at
        for found in places.values()
        for first in range(len(found) - REPEATS + 1)
        if found[first + REPEATS - 1] - found[first] <= WITHIN
        for at in found[first : first + REPEATS]
    }


def _dull(words: list[str]) -> list[int]:
    """Where stretches begin that have few distinct words. Each word further one at most comes new: few are counted."""
    found, at = [], 0
    while at <= len(words) - STRETCH:
        spare = len(set(words[at : at + STRETCH])) - DISTINCT
        if spare <= 0:
            found.append(at)
        at += max(1, spare)
    return found
