"""What an Excel workbook says beside its cells: which sheet is where, texts that cells share, which numbers are dates.

A workbook is a zip of XML. Each part is read as XML of a stranger, streamed: nothing is unpacked to disk.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read._archive import Limits, member, members
from pipelines.ingest.read._records import Bounded
from pipelines.ingest.read._xml import Element, Reader, attributes, local

_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Begins the container of workbooks with a password, and of those of before 2007."""
_MACRO: Final = re.compile(r"macro|vba", re.IGNORECASE)
_MOMENTS: Final = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
"""Numbers of the formats of days and times that workbooks need not declare; 46 is an elapsed time."""
_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_ASIDE: Final = re.compile(r'"[^"]*"|\\.|[_*].')
"""Of a format what is printed as it stands."""
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Parts:
    """A workbook's parts, each of which is opened anew."""

    source: Path
    limits: Limits
    feed: Feed

    def elements(self, part: str, path: str) -> Iterator[Element]:
        """The elements at a path of one part, each of bounded size."""
        with member(self.source, part, self.limits, self.feed) as file:
            bounded = Bounded(file, self.feed)
            for element in Reader(tuple(path.split("/")), self.feed).elements(bounded):
                yield element
                bounded.mark()

    def attributes(self, part: str, name: str) -> Iterator[Mapping[str, str]]:
        """Attributes of all elements of a name of one part."""
        with member(self.source, part, self.limits, self.feed) as file:
            yield from attributes(file, name, self.feed)

    def relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Id, kind and part of what a part refers to; the workbook itself refers by no part."""
        folder, name = posixpath.split(part)
        for element in self.elements(posixpath.join(folder, "_rels", f"{name}.rels"), "Relationships/Relationship"):
            target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/")
            yield element.get("Id", ""), posixpath.basename(element.get("Type", "")), target


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a reader of one sheet has to know of the whole."""

    sheet: str
    """Its part."""
    texts: list[str]
    """Which cells name by number."""
    moments: frozenset[str]
    """Numbers of the styles whose numbers are days and times."""
    is_1904: bool
    """Whether days are counted from 1904, as old Macs did."""


def workbook(parts: Parts, sheet: str) -> Workbook:
    """Look at a workbook before its cells are read.

    Args:
        parts: Of the workbook.
        sheet: The sheet's name, as its tab shows it.

    Raises:
        Held: Not a workbook, one with a password, macros or data of other workbooks, or without the sheet in sight.
    """
    _refuse(parts)
    main = next((part for _, kind, part in parts.relations("") if kind == "officeDocument"), "xl/workbook.xml")
    related = list(parts.relations(main))
    strings = [part for _, kind, part in related if kind == "sharedStrings"]
    styles = [part for _, kind, part in related if kind == "styles"]
    settings = list(parts.elements(main, "workbook/workbookPr"))
    return Workbook(
        sheet=_sheet(parts, main, sheet, {key: part for key, kind, part in related if kind == "worksheet"}),
        texts=[text_of(element) for part in strings for element in parts.elements(part, "sst/si")],
        moments=frozenset(number for part in styles for number in _moments(parts, part)),
        is_1904=any(element.get("date1904", "") in ("1", "true") for element in settings),
    )


def _refuse(parts: Parts) -> None:
    """Hold what could run, what cannot be read, and what comes from elsewhere."""
    name = parts.feed.name
    with parts.source.open("rb") as file:
        if file.read(len(_COMPOUND)) == _COMPOUND:
            message = "must be a workbook (.xlsx) without password; it has one, or is of Excel 97. Save it anew."
            raise Held("encrypted_workbook", f"{name} {message}")
    found = members(parts.source, parts.limits, parts.feed)
    kinds = [
        element.get("ContentType", "")
        for path in ("Types/Override", "Types/Default")
        for element in parts.elements("[Content_Types].xml", path)
    ]
    if any(_MACRO.search(text) for text in [*found, *kinds]):
        raise Held("macros", f"{name} must be a workbook without macros; it has some. Save it as .xlsx.")
    if any("externallink" in part.lower() for part in found):
        message = "must hold its own data; some comes from other workbooks. Paste it as values and save it anew."
        raise Held("external_links", f"{name} {message}")


def _sheet(parts: Parts, main: str, name: str, places: dict[str, str]) -> str:
    """The part of a sheet that everybody sees."""
    found = [e for e in parts.elements(main, "workbook/sheets/sheet") if e.get("name", "") == name]
    keys = [value for element in found for key, value in element.items() if local(key) == "id"]
    if len(found) != 1 or len(keys) != 1 or keys[0] not in places:
        raise Held("missing_sheet", f"{parts.feed.name} must have one sheet of cells named {name}; it has none.")
    if found[0].get("state", "") not in ("", "visible"):
        raise Held("hidden_sheet", f"{parts.feed.name} must show the sheet {name}; it hides it. Ask its owner why.")
    return places[keys[0]]


def _moments(parts: Parts, part: str) -> Iterator[str]:
    """Numbers of the styles that make a number a day or a time."""
    formats = parts.elements(part, "styleSheet/numFmts/numFmt")
    own = {e.get("numFmtId", ""): is_moment(e.get("formatCode", "")) for e in formats}
    for number, style in enumerate(parts.elements(part, "styleSheet/cellXfs/xf")):
        key = style.get("numFmtId", "")
        if own.get(key, key.isdecimal() and int(key) in _MOMENTS):
            yield str(number)


def is_moment(code: str) -> bool:
    """Whether a format prints a number as a day or a time of day; an elapsed time is a number."""
    bare = _ASIDE.sub("", code).partition(";")[0]
    if _ELAPSED.search(bare):
        return False
    return re.search("[ymdhs]", re.sub(r"\[[^\]]*\]", "", bare), re.IGNORECASE) is not None


def text_of(element: Element) -> str:
    """The text of a cell, runs of different fonts put together; how to pronounce it is left out."""
    return unescaped("".join(_texts(element)))


def _texts(element: Element) -> Iterable[str]:
    for child in element:
        match local(child.tag):
            case "t":
                yield child.text or ""
            case "r":
                yield from _texts(child)


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
