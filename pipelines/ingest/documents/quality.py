"""How good extracted text is, without a dictionary: glued words and broken characters show in the letters alone.

Some parsers drop the blanks of some PDFs ("needsassessment"); a word of more than 18 letters is rare in real resumes,
so their share tells. Measured per file: the same parser is right on one producer's files and wrong on another's.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

LONG: Final = 18
"""Letters above which a token counts as glued."""
_UNUSUAL: Final = re.compile("[^\n\t -~\u00a0-\u00ac\u00ae-\u024f]")
"""Characters that are not plainly letters and marks of western text: only these are looked up."""
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Quality:
    """What the letters of a text say about its extraction."""

    words: int
    glued_share: float
    """Share of words longer than LONG letters; 0 without words."""
    broken_share: float
    """Share of characters that no writer types: replacement, private use, control, `(cid:…)`."""

    def is_good(self, max_glued_share: float, max_broken_share: float) -> bool:
        """Whether there are words and both shares keep their bounds."""
        return self.words > 0 and self.glued_share <= max_glued_share and self.broken_share <= max_broken_share


def measure(text: str) -> Quality:
    """The quality of a text."""
    words = _WORD.findall(text)
    glued = sum(map(LONG.__lt__, map(len, words)))
    broken = sum(map(_is_broken, "".join(_UNUSUAL.findall(text)))) + 7 * text.count("(cid:")
    return Quality(len(words), glued / len(words) if words else 0.0, broken / len(text) if text else 0.0)


def _is_broken(character: str) -> bool:
    return character == "\ufffd" or (
        unicodedata.category(character) in ("Co", "Cc", "Cn") and character not in "\n\r\t"
    )


def clean(text: str) -> str:
    """NFC, line ends as newline, no other control characters, no blanks at line ends, at most one empty line."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\u00a0", " ")
    kept = _UNUSUAL.sub(lambda match: "" if unicodedata.category(match[0])[0] == "C" else match[0], text)
    lines = [line.rstrip() for line in kept.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
