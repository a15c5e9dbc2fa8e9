"""Pictures on the first pages of a PDF, and how large they are drawn. Their streams are not unpacked."""

from collections.abc import Iterator
from typing import Any, Final

from pipelines.ingest.documents.pdf_state import ONE, Matrix, dictionary, matrix, resource, times
from pipelines.ingest.documents.pictures import FEW_GRAIN, FULL_GRAIN, JPEG_GRAIN, Packed, Picture, has_photo, packed

_PAGES: Final = 2
"""A photo of whoever applies stands on the first, or behind a cover."""
_LOSSY: Final = frozenset({"/DCTDecode", "/JPXDecode"})
_SINGLE: Final = frozenset({"/DeviceGray", "/CalGray", "/G", "/Indexed", "/I", "/Separation"})
"""Colour spaces with one part a pixel."""
_LINES: Final = frozenset({"/CCITTFaxDecode", "/JBIG2Decode"})
"""How scans in black and white are packed."""


def photo(reader: Any) -> bool | None:
    """Whether a PDF has a photo on its first pages.

    Args:
        reader: It, of pypdf.

    Returns:
        As `has_photo`; None too where the pages cannot be followed: whatever is wrong with a picture, the text stays.
    """
    try:
        return has_photo(picture for page in reader.pages[:_PAGES] for picture in _of_page(page))
    except Exception:  # noqa: BLE001  # a parser may raise anything
        return None


def _of_page(page: Any) -> Iterator[Picture]:
    """Those that may be photos, where they are drawn. Most pages have none, and are not followed."""
    from pypdf.generic import ContentStream  # parsers are only loaded in the worker

    content = page.get_contents() if _may_be_photo(page.get("/Resources"), set()) else None
    if content is not None:
        yield from _drawn(ContentStream(content, page.pdf), page.get("/Resources"), ONE, set())


def _may_be_photo(resources: Any, known: set[int]) -> bool:
    """Whether any picture of the resources, or of the forms that they name, has the grain of a photo."""
    for one in resource(resources, "/XObject").values():
        drawn = one.get_object()
        if drawn.get("/Subtype") == "/Image":
            if (found := _packed(drawn)) is None or found.is_photo:
                return True
        elif id(drawn) not in known:
            known.add(id(drawn))
            if _may_be_photo(drawn.get("/Resources"), known):
                return True
    return False


def _drawn(stream: Any, resources: Any, placed: Matrix, known: set[int]) -> Iterator[Picture]:
    """The pictures that a stream draws, and those of the forms that it draws, each form once."""
    from pypdf.generic import ContentStream  # parsers are only loaded in the worker

    named, states = resource(resources, "/XObject"), list[Matrix]()
    for operands, operator in stream.operations:
        if operator == b"q":
            states.append(placed)
        elif operator == b"Q":
            placed = states.pop() if states else placed
        elif operator == b"cm":
            placed = times(matrix(operands), placed)
        elif operator == b"Do" and operands[0] in named:
            drawn = named[operands[0]].get_object()
            if drawn.get("/Subtype") == "/Image":
                right, rise, slant, height, _, _ = placed
                yield Picture(_packed(drawn), abs(complex(right, rise)), abs(complex(slant, height)))
            elif id(drawn) not in known:
                known.add(id(drawn))
                inner = times(matrix(drawn.get("/Matrix", ONE)), placed)
                yield from _drawn(ContentStream(drawn, None), drawn.get("/Resources", resources), inner, known)


def _packed(image: Any) -> Packed | None:
    """What a picture's dictionary says of it; None where that says nothing."""
    wide, high, data = image.get("/Width"), image.get("/Height"), image._data  # noqa: SLF001  # packed, as it lies there
    if not (isinstance(wide, int) and isinstance(high, int) and wide > 0 and high > 0):
        return None
    filters = image.get("/Filter", [])
    names = {str(name) for name in (filters if isinstance(filters, list) else [filters])}
    if names & _LINES or image.get("/ImageMask") or image.get("/BitsPerComponent") == 1:
        return Packed(wide, high, 0, FULL_GRAIN)
    if names & _LOSSY:
        return packed(data) or Packed(wide, high, len(data), JPEG_GRAIN)
    return Packed(wide, high, len(data), FULL_GRAIN if _is_full(image.get("/ColorSpace")) else FEW_GRAIN)


def _is_full(space: Any) -> bool:
    """Whether a colour space has three parts or more."""
    said = None if space is None else space.get_object()
    if not isinstance(said, list) or not said:
        return str(said) not in _SINGLE
    if said[0] == "/ICCBased":
        return bool(dictionary(said[1]).get("/N") != 1)
    return str(said[0]) not in _SINGLE
