"""Pictures of a DOCX, of its body, headers and footers, and how large they are drawn."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.ingest.documents.pictures import Picture, has_photo, packed

_ART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ANCHOR: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_NAMED: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_VML: Final = "{urn:schemas-microsoft-com:vml}"
_EMU: Final = 12_700
"""In a point."""
_SIDE: Final = re.compile(r"(?:^|;)\s*(width|height):\s*(\d{1,6}(?:\.\d{1,6})?)pt")


def photo(document: Any) -> bool | None:
    """Whether a Word file has a photo.

    Args:
        document: It, of python-docx.

    Returns:
        As `has_photo`; None too where its pictures cannot be followed: the text stays.
    """
    try:
        return has_photo(picture for part in _stories(document) for picture in _of_part(part))
    except Exception:  # noqa: BLE001  # a parser may raise anything
        return None


def _stories(document: Any) -> Iterator[Any]:
    """The parts that are shown on pages."""
    yield document.part
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(("/header", "/footer")):
            yield relation.target_part


def _of_part(part: Any) -> Iterator[Picture]:
    for element in part.element.iter(_ART + "blip", _VML + "imagedata"):
        is_art = element.tag == _ART + "blip"
        name = element.get(_NAMED + ("embed" if is_art else "id"))
        relation = part.rels.get(name)
        data = None if relation is None or relation.is_external else relation.target_part.blob
        across, up = _placed(element) if is_art else _styled(element)
        yield Picture(None if data is None else packed(data), across, up)


def _placed(blip: Any) -> tuple[float | None, float | None]:
    """Points of the nearest frame around a picture that says how large it is."""
    for around in blip.iterancestors():
        size = next(around.iterfind(f"{_ART}xfrm/{_ART}ext"), None)
        size = next(around.iterfind(f"*/{_ART}xfrm/{_ART}ext"), None) if size is None else size
        size = around.find(_ANCHOR + "extent") if size is None else size
        if size is not None:
            return int(size.get("cx")) / _EMU, int(size.get("cy")) / _EMU
        if around.tag == _ANCHOR + "inline":
            break
    return None, None


def _styled(image: Any) -> tuple[float | None, float | None]:
    """Points that the shape around a picture of an older file says."""
    said = dict(_SIDE.findall(image.getparent().get("style", "")))
    return (float(said["width"]), float(said["height"])) if len(said) == 2 else (None, None)
