"""DOCX: paragraphs, tables, headers and footers in the order of the page, by python-docx; hidden text is counted.

Whether a run is seen depends on its own marks, its styles and the ground that it stands on: highlight, paragraph, cell,
table style, page.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.ingest.documents import word_pictures
from pipelines.ingest.documents.bounds import (
    TINY_POINTS,
    UNKNOWN,
    WHITE,
    Colour,
    Limits,
    Parsed,
    Refused,
    is_lost,
    letters,
    of_hex,
    share,
)
from pipelines.ingest.documents.quality import clean

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_ART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SHAPE: Final = "{http://schemas.microsoft.com/office/word/2010/wordprocessingShape}"
_ANCHOR: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_VML: Final = {"{urn:schemas-microsoft-com:vml}" + name for name in ("shape", "rect", "roundrect", "oval")}
_WRAPS: Final = {
    *(_W + name for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple")),
    *(_W + "dir", _W + "bdo", _CHOICE + "AlternateContent", _CHOICE + "Choice"),
}
"""What only stands around rows, cells, paragraphs and runs that are seen: nothing that was deleted or moved away."""
_HEAD: Final = 4096
"""Bytes at the beginning of a part within which a DOCTYPE stands."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How text is to look, as far as one place says so."""

    is_hidden: bool | None = None
    points: float | None = None
    colour: Colour | None = None
    ground: Colour | None = None

    def over(self, other: "_Look") -> "_Look":
        """This where it says something, the other elsewhere."""
        return _Look(
            other.is_hidden if self.is_hidden is None else self.is_hidden,
            self.points or other.points,
            self.colour or other.colour,
            self.ground or other.ground,
        )

    @property
    def is_seen(self) -> bool:
        """Whether a reader of the page sees such text."""
        is_lost_there = self.colour is not None and is_lost(self.colour, self.ground or WHITE)
        return not (self.is_hidden or is_lost_there or (self.points or TINY_POINTS + 1) <= TINY_POINTS)


_NOTHING: Final = _Look()


def read(data: bytes, limits: Limits) -> Parsed:
    """The text of a Word file.

    Args:
        data: The whole file.
        limits: Bounds.

    Raises:
        Refused: It is no DOCX, or unpacks to too much.
    """
    from docx import Document  # parsers are only loaded in the worker

    _safe_archive(data, limits)
    document = Document(io.BytesIO(data))
    walk = _Walk(document)
    body = list(walk.blocks(document.element.body))
    heads, feet = [[text for part in parts for text in walk.blocks(part)] for parts in _heads_and_feet(document)]
    text = "\n".join([*heads, *body, *feet])
    return Parsed("python-docx", clean(text), share(walk.hidden, letters(text)), word_pictures.photo(document))


def _heads_and_feet(document: Any) -> tuple[list[Any], list[Any]]:
    """What stands above and below pages, as elements, each once: those of first and even pages where they are used."""
    heads: list[Any] = []
    feet: list[Any] = []
    for section in document.sections:
        kinds = ["first_page_"] * section.different_first_page_header_footer + [""]
        for kind in kinds + ["even_page_"] * document.settings.odd_and_even_pages_header_footer:
            for name, found in (("header", heads), ("footer", feet)):
                part = getattr(section, kind + name)
                if not part.is_linked_to_previous:
                    found.append(part._element)  # noqa: SLF001  # the public way skips what is in content controls
    return heads, feet


class _Walk:
    """One way through a document."""

    def __init__(self, document: Any) -> None:  # of python-docx
        """Nothing is read yet.

        Args:
            document: Whose styles hold.
        """
        self.hidden = 0
        self.styles = {style.get(_W + "styleId"): style for style in document.styles.element.iter(_W + "style")}
        plain = document.styles.element.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr")
        page = document.element.find(_W + "background")
        ground = None if page is None else of_hex(page.get(_W + "color"))
        ordinary = (s for s in self.styles.values() if s.get(_W + "default") == "1" and s.get(_W + "type") != "table")
        self.plain = _Look(ground=ground)
        for style in ordinary:
            self.plain = _look(style.find(_W + "rPr")).over(self.plain)
        self.plain = self.plain.over(_look(plain))

    def blocks(self, container: Any, around: _Look = _NOTHING) -> Iterator[str]:
        """Paragraphs and tables in the order of the page, of a body, header, footer, cell or text box."""
        for block in _within(container):
            if block.tag == _W + "p":
                yield from self._paragraph(block, around)
            elif block.tag == _W + "tbl":
                yield from self._rows(block, around)

    def _rows(self, table: Any, around: _Look) -> Iterator[str]:
        within = self._of_table(table).over(around)
        for row in _within(table):
            if row.tag == _W + "tr":
                cells = (cell for cell in _within(row) if cell.tag == _W + "tc")
                looks = ((cell, _look(cell.find(_W + "tcPr")).over(within)) for cell in cells)
                yield "\t".join("\n".join(self.blocks(cell, look)) for cell, look in looks)

    def _of_table(self, table: Any) -> _Look:
        """The ground of a table, or whatever its style lays under some of its cells."""
        style = self.styles.get(_value(table.find(f"{_W}tblPr/{_W}tblStyle")))
        fills = [] if style is None else [of_hex(shade.get(_W + "fill")) for shade in style.iter(_W + "shd")]
        dark = next((fill for fill in fills if fill is not None and not is_lost(fill, WHITE)), None)
        return _look(table.find(_W + "tblPr")).over(_Look(ground=dark))

    def _paragraph(self, paragraph: Any, around: _Look) -> Iterator[str]:
        """Its text, then that of the text boxes that it anchors."""
        properties = paragraph.find(_W + "pPr")
        style = None if properties is None else _value(properties.find(_W + "pStyle"))
        ground = _Look(ground=_look(properties).ground)
        beneath = ground.over(self._of_style(style)).over(around).over(self.plain)
        runs = [run for run in _within(paragraph) if run.tag == _W + "r"]
        yield "".join(self._run(run, beneath) for run in runs)
        for run in runs:
            is_hidden = _look(run.find(_W + "rPr")).is_hidden
            for box, look in _boxes(run, _Look(is_hidden)):
                yield from self.blocks(box, look.over(around))

    def _run(self, run: Any, beneath: _Look) -> str:
        properties = run.rPr
        style = None if properties is None else _value(properties.find(_W + "rStyle"))
        text = str(run.text)
        if _look(properties).over(self._of_style(style)).over(beneath).is_seen:
            return text
        self.hidden += letters(text)
        return ""

    def _of_style(self, name: str | None) -> _Look:
        """The look of a style and of those that it is based on, each once."""
        look, known = _NOTHING, set()
        while name in self.styles and name not in known:
            known.add(name)
            style = self.styles[name]
            shade = _Look(ground=_look(style.find(_W + "pPr")).ground)
            look = look.over(_look(style.find(_W + "rPr"))).over(shade)
            name = _value(style.find(_W + "basedOn"))
        return look


def _within(element: Any) -> Iterator[Any]:
    """The children of an element, and of those that only stand around others, theirs."""
    for child in element:
        if child.tag in _WRAPS:
            yield from _within(child)
        else:
            yield child


def _boxes(element: Any, look: _Look) -> Iterator[tuple[Any, _Look]]:
    """Text boxes that are drawn within an element, and how text in them is to look as far as their shapes say."""
    for child in element.iterchildren("*"):
        if child.tag == _W + "txbxContent":
            yield child, look
        elif child.tag != _CHOICE + "Fallback":  # which says for older programs what the choice before it says
            yield from _boxes(child, _shape(child).over(look))


def _shape(element: Any) -> _Look:
    """What an element says of the text boxes in it: that they are not shown, or what they are filled with."""
    properties = element.find(_ANCHOR + "docPr")
    is_hidden = properties is not None and properties.get("hidden") in ("1", "true")
    ground = None
    if element.tag == _SHAPE + "wsp":
        ground = _fill(element)
    elif element.tag in _VML and element.get("filled") not in ("f", "false"):
        ground = of_hex((element.get("fillcolor") or "#fff").split()[0]) or UNKNOWN
    return _Look(is_hidden or None, ground=ground)


def _fill(shape: Any) -> Colour | None:
    """The colour of a shape: None where it has none, UNKNOWN of gradients, pictures and themes."""
    fills = [child for child in shape.iterfind(_SHAPE + "spPr/*") if child.tag.endswith("Fill")]
    if not fills:
        return None if shape.find(_SHAPE + "style") is None else UNKNOWN
    if fills[0].tag == _ART + "noFill":
        return None
    plain = fills[0].find(_ART + "srgbClr")
    return (None if plain is None else of_hex(plain.get("val"))) or UNKNOWN


def _value(element: Any) -> str | None:
    return None if element is None else element.get(_W + "val")


def _look(properties: Any) -> _Look:
    """What the properties of a run, paragraph, cell or table say."""
    if properties is None:
        return _NOTHING
    found = {name: properties.find(_W + name) for name in ("vanish", "sz", "color", "highlight", "shd")}
    vanish, size, shade = found["vanish"], _value(found["sz"]), found["shd"]
    ground = None if shade is None else of_hex(shade.get(_W + "fill"))
    if _value(found["highlight"]) not in (None, "none", "white"):
        ground = UNKNOWN
    return _Look(
        None if vanish is None else vanish.get(_W + "val", "1") not in ("0", "false", "off"),
        float(size) / 2 if size else None,
        of_hex(_value(found["color"])),
        ground,
    )


def _safe_archive(data: bytes, limits: Limits) -> None:
    """Refuse what is no DOCX, a bomb, an escape, or XML with a DOCTYPE."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
            raise Refused("unsupported")
        if any(entry.flag_bits & 1 for entry in entries):
            raise Refused("encrypted")
        if sum(entry.file_size for entry in entries) > limits.unpacked(len(data)):
            raise Refused("too_large")
        if any(name.startswith("/") or ".." in name.split("/") for name in names):
            raise Refused("corrupt")
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in _head(archive, entry):
                raise Refused("corrupt")


def _head(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as part:
        return part.read(_HEAD)
