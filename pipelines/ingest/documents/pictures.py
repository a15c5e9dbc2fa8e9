"""Whether a document shows a photo of somebody, by shape, size and grain of its pictures; no picture is decoded.

A portrait is square or upright, larger on the page than a sign and far smaller than the page, and a photograph: a logo
or a chart has flat areas that pack to nearly nothing. Whose face it is, or whether it is one, is not asked: a photo of
a house of that shape is flagged too, and so may be a square logo that was saved as JPEG, which blurs what is flat. A
picture whose file is elsewhere or of another kind cannot be told.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

MOST: Final = 100
"""Pictures of a document that are looked at."""
_SHAPES: Final = (0.9, 1.7)
"""Height to width: 35 x 45 mm is 1.3, 2 to 3 is 1.5, and many are square."""
_POINTS: Final = (42.0, 260.0)
"""Least and greatest side on the page: 15 to 92 mm."""
_PIXELS: Final = 60
"""Least side."""
JPEG_GRAIN: Final = 0.08
"""Least bytes a pixel of a photo as JPEG. Two photographs of 90 to 640 pixels across have 0.10 to 0.24 in usual
quality, drawn logos of 300 and more 0.07 or less; smaller ones are not told apart."""
FULL_GRAIN: Final = 0.85
"""And where nothing is lost, in full colour: photographs 1.0 to 1.9, logos of 80 pixels and more 0.74 or less."""
FEW_GRAIN: Final = 0.3
"""And of at most 256 colours: photographs 0.33 to 1.0, logos 0.16 or less."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COLOURS: Final = 25
"""Where a PNG says what its pixels are made of."""
_FULL: Final = (2, 6)
_JPEG: Final = b"\xff\xd8\xff"
_GIF: Final = (b"GIF87a", b"GIF89a")
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Marks of a JPEG behind which its size stands."""
_SCAN: Final = 0xDA


@dataclass(frozen=True, slots=True)
class Packed:
    """A picture's file, or its stream in a PDF."""

    wide: int
    """Pixels."""
    high: int
    size: int
    """Bytes of its pixels as they are packed, without what is written about them."""
    grain: float
    """Least bytes a pixel of a photograph packed so."""

    @property
    def is_photo(self) -> bool:
        """Whether it has the grain of a photograph, and is no sign."""
        return min(self.wide, self.high) >= _PIXELS and self.size >= self.grain * self.wide * self.high


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture where it is drawn."""

    packed: Packed | None
    """None where its file is elsewhere or of a kind that is not read."""
    across: float | None = None
    """Points on the page; None where the document does not say, as with `up`."""
    up: float | None = None

    def is_portrait(self) -> bool | None:
        """Whether it is plausibly a portrait; None where that cannot be told."""
        if self.across is not None and self.up is not None:
            least, most = _POINTS
            is_sized = least <= min(self.across, self.up) and max(self.across, self.up) <= most
            if not (is_sized and _is_upright(self.across, self.up)):
                return False
        elif self.packed is not None and not _is_upright(self.packed.wide, self.packed.high):
            return False
        return None if self.packed is None else self.packed.is_photo


def has_photo(pictures: Iterable[Picture]) -> bool | None:
    """Whether any picture is plausibly a portrait.

    Args:
        pictures: Of a document, in any order; no more than `MOST` are looked at.

    Returns:
        None where none surely is and one cannot be told.
    """
    found = {picture.is_portrait() for picture in islice(pictures, MOST)}
    return True if True in found else None if None in found else False


def packed(data: bytes) -> Packed | None:
    """What the head of a file says of the picture in it; None of what is no whole PNG, JPEG or GIF."""
    if data.startswith(_PNG) and len(data) > _COLOURS:
        wide, high = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        return _sound(wide, high, _of_png(data), FULL_GRAIN if data[_COLOURS] in _FULL else FEW_GRAIN)
    if data.startswith(_GIF):
        wide, high = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
        return _sound(wide, high, len(data), FEW_GRAIN)
    return _of_jpeg(data) if data.startswith(_JPEG) else None


def _sound(wide: int, high: int, size: int, grain: float) -> Packed | None:
    return Packed(wide, high, size, grain) if wide > 0 and high > 0 else None


def of_base64(text: str) -> Packed | None:
    """As `packed`, of text that stands for bytes."""
    try:
        return packed(base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError):
        return None


def _of_png(data: bytes) -> int:
    """Bytes of its pixels."""
    at, size = len(_PNG), 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        size += length * (data[at + 4 : at + 8] == b"IDAT")
        at += 12 + length
    return min(size, len(data))


def _of_jpeg(data: bytes) -> Packed | None:
    """What stands behind the first scan is pixels; a small copy within what is written about it is not."""
    at, wide, high = 2, 0, 0
    while at + 9 <= len(data) and data[at] == 0xFF:
        mark = data[at + 1]
        if mark == _SCAN:
            return _sound(wide, high, len(data) - at, JPEG_GRAIN)
        if mark in _FRAMES:
            high, wide = (int.from_bytes(data[place : place + 2], "big") for place in (at + 5, at + 7))
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _is_upright(across: float, up: float) -> bool:
    least, most = _SHAPES
    return across > 0 and least <= up / across <= most
