r"""Pictures of an RTF (`\pict`), and how large they are drawn."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from pipelines.ingest.documents.pictures import MOST, Picture, has_photo, packed

_PICTURE: Final = re.compile(r"(\\nonshppict\s*\{\s*)?\\pict(?![a-z])")
"""What stands in the first group says for older programs what the picture before it says."""
_HEAD: Final = 8192
"""Characters within which a picture's data begin."""
_DATA: Final = re.compile(r"\\bin(\d{1,9}) ?|[0-9a-fA-F\s]{64,}+")
_WORD: Final = re.compile(r"\\(picwgoal|pichgoal|picscalex|picscaley)(\d{1,7})")
_TWIPS: Final = 20
"""In a point."""


def photo(text: str) -> bool | None:
    """Whether an RTF file, each of its bytes a character, has a photo; as `has_photo`."""
    return has_photo(_pictures(text))


def _pictures(text: str) -> Iterator[Picture]:
    for match in islice(_PICTURE.finditer(text), MOST):
        if match[1] is None:
            begin = _DATA.search(text, match.end(), match.end() + _HEAD)
            said = dict(_WORD.findall(text, match.end(), begin.start() if begin else match.end() + _HEAD))
            data = b"" if begin is None else _bytes(text, begin)
            yield Picture(packed(data), *(_points(said, side, scale) for side, scale in ("wx", "hy")))


def _bytes(text: str, begin: "re.Match[str]") -> bytes:
    """A picture's file: bytes as they are, or as hex digits."""
    if begin[1] is not None:
        return text[begin.end() : begin.end() + int(begin[1])].encode("latin-1")
    whole = _DATA.match(text, begin.start())  # without the bound on where it begins
    digits = "".join((whole or begin)[0].split())
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _points(said: Mapping[str, str], side: str, scale: str) -> float | None:
    """How long a side is drawn."""
    goal = said.get(f"pic{side}goal")
    return None if goal is None else int(goal) / _TWIPS * int(said.get(f"picscale{scale}", 100)) / 100
