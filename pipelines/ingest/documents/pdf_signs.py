"""Signs that a PDF hides text, in what its pages draw, without parsing it: most files have none and are done with.

A sign is no proof: what shows one is asked further. What shows none must hide nothing by the means that it stands for,
so that whatever cannot be told counts as a sign.
"""

import re
from dataclasses import dataclass
from math import isnan, nan
from typing import Final, NamedTuple, Self

_DELIMITED: Final = rb"(?![^\s\0()<>\[\]{}/%])"


class _Word(NamedTuple):
    """A word of the page language."""

    pattern: re.Pattern[bytes]
    """It begins with the word, since such a pattern is fast."""
    letter: bytes
    """One that few other words have: whether there is any is told in no time."""


def _word(pattern: bytes, letter: bytes) -> _Word:
    return _Word(re.compile(pattern + _DELIMITED), letter)


_LIGHT, _INKS, _OF_SPACE = _word(b"g", b"g"), _word(b"k", b"k"), _word(b"scn?", b"c")
"""They set the colour of fillings."""
_MODE, _STRETCH, _RISE = _word(b"Tr", b"r"), _word(b"Tz", b"z"), _word(b"Ts", b"s")
"""They say how letters are drawn, how wide, and how far above their line."""
_COMMENTED: Final = re.compile(rb"%[^%\r\n]*+[\r\n][\s\0]*+(?:r?g|k|scn?|T[rzs])" + _DELIMITED)
"""A comment between such a word and its operands, which nobody writes without a reason."""
_NAME: Final = re.compile(rb"/[^()<>\[\]{}/%]*")
_TAIL: Final = 40
"""Bytes before a word in which its last operands are looked for."""
_CUT: Final = b"?0 ?0"
"""What makes numbers that cannot be told of one that the tail may begin within, and of one before it."""
_NARROW, _HIGH = 10.0, 20.0
"""Percents of their width below which letters, and points off their line above which, are asked further."""
_PALE, _FAINT = 0.95, 0.05
"""From what a part of a colour is that of white, and up to what an ink is none."""

_Operands = tuple[float | None, ...]
"""Up to four numbers, the last ones before a word: NaN for what cannot be told, None for what is no number."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the pages of a PDF may do."""

    is_odd: bool
    """Letters are not filled, which two ways of drawing do not draw at all; or narrow, or far off their line; or a
    comment parts a word from its operands."""
    may_lack_ink: bool
    """Something is filled with nothing of an ink, which is white, if it is no grey, which is black."""
    may_be_white: bool
    """Something is filled with a colour that may be white: of grey, of red, green and blue, or of four inks."""

    @classmethod
    def of(cls, drawn: bytes) -> Self:
        """The signs in what all pages draw, unpacked."""
        light, inks, of_space = [_operands(drawn, word) for word in (_LIGHT, _INKS, _OF_SPACE)]
        modes, stretches, rises = [_last(drawn, word) for word in (_MODE, _STRETCH, _RISE)]
        is_placed_oddly = any(not abs(by) >= _NARROW for by in stretches) or any(not abs(by) <= _HIGH for by in rises)
        is_odd = any(modes) or is_placed_oddly or _COMMENTED.search(drawn) is not None
        if b"%" in drawn:  # perhaps a comment among operands
            return cls(is_odd, may_lack_ink=True, may_be_white=True)
        is_white = any(map(_is_pale, light | of_space)) or any(map(_is_inkless, inks | of_space))
        lacks_ink = any(last == 0 or isnan(last) for *_, last in of_space if last is not None)
        return cls(is_odd, lacks_ink, is_white)


def _is_pale(operands: _Operands) -> bool:
    last = operands[-1]
    return last is not None and not last < _PALE


def _is_inkless(operands: _Operands) -> bool:
    return len(operands) == 4 and all(one is not None and not one > _FAINT for one in operands)


def _last(drawn: bytes, word: _Word) -> list[float]:
    return [last for *_, last in _operands(drawn, word) if last is not None]


def _operands(drawn: bytes, word: _Word) -> set[_Operands]:
    """What stands before each place of a word."""
    if word.letter not in drawn:
        return set()
    tails = {drawn[max(0, at - _TAIL) : at] for at in map(re.Match.start, word.pattern.finditer(drawn))}
    whole = (tail if len(tail) < _TAIL else _CUT + tail for tail in tails)
    found = (tail.removesuffix(b"r").replace(b"\0", b" ") for tail in whole)  # which is all that differs in rg
    return {tuple(map(_number, tail.split()[-4:])) for tail in found if tail.strip()}


def _number(token: bytes) -> float | None:
    try:
        return float(token)
    except ValueError:
        return nan if token[-1:] in b"0123456789." and not _NAME.fullmatch(token) else None
