"""What every reader of documents keeps to and gives back: limits, the status of what it refuses, the text that is seen.

Text that nobody sees on the page (white, tiny, hidden by a mark, off the page) never becomes part of a document's text:
it is counted. What a page shows is compared with its ground, so that white letters on a dark band stay.
"""

from dataclasses import dataclass
from typing import Final

from pipelines.base.settings import Section

Colour = tuple[float, float, float]
"""Red, green, blue in [0, 1]."""
WHITE: Final[Colour] = (1.0, 1.0, 1.0)
UNKNOWN: Final[Colour] = (-1.0, -1.0, -1.0)
"""A colour that is stated but not worked out, such as a picture's: nothing is lost in it."""
TINY_POINTS: Final = 2.0
"""Letters of at most this size are no letters to a reader."""
FAINT: Final = 0.05
"""Letters that are less opaque, or narrower to their height than this of what they would be, are not seen."""
MAX_DEPTH: Final = 500
"""Groups or elements within one another; parsers take time by the square of it. Browsers stop at 512."""
_NEAR: Final = 0.05
"""Colours that differ less in each part look the same."""


class Limits(Section):
    """Bounds of one document."""

    max_bytes: int
    max_pages: int
    max_seconds: float
    max_memory_bytes: int
    max_inflation: float
    """Unpacked size of a DOCX, or of the pages of a PDF, divided by its own."""
    min_chars: int
    """Less text than this in a PDF means a scan."""
    max_glued_share: float
    max_broken_share: float

    def unpacked(self, size: int) -> float:
        """Bytes that a document of `size` bytes may unpack to."""
        return max(self.max_inflation * size, self.max_bytes)


class Refused(Exception):  # a status, not an error
    """The document has a status other than ok."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reader made of a document."""

    backend: str
    text: str
    """Cleaned (`quality.clean`)."""
    hidden_share: float | None
    """Characters that nobody sees, of all; None where the format or its reader cannot tell."""
    has_photo: bool | None
    """Whether a picture in it is plausibly a portrait; None where that cannot be told."""


def letters(text: str) -> int:
    """Characters that are not blank."""
    return sum(map(len, text.split()))


def share(hidden: float, seen: float) -> float:
    """Hidden characters of all; 0 where there are none at all."""
    return hidden / (hidden + seen) if hidden else 0.0


def is_lost(colour: Colour, ground: Colour) -> bool:
    """Whether nobody can tell letters of a colour from what they stand on."""
    are_known = UNKNOWN not in (colour, ground)
    return are_known and all(abs(a - b) < _NEAR for a, b in zip(colour, ground, strict=True))


def of_hex(digits: str | None) -> Colour | None:
    """The colour of three or six hex digits; None of anything else."""
    digits = (digits or "").lstrip("#")
    whole = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits  # as in CSS
    try:
        red, green, blue = bytes.fromhex(whole)
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255
