"""Records out of XML, streamed: no document type, so no entities and nothing from outside; no tree but one record's.

A guard reads ahead of the parser up to the root element, and refuses a document type where it begins. Both are expat,
so that they agree on what one is; past the root it is a syntax error.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast
from xml.etree import ElementTree as ET
from xml.parsers import expat

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import NULL
from pipelines.ingest.read._records import LISTS, MAX_RECORD, Readable, Record

Element = ET.Element
PIECE: Final = 1 << 16
"""Bytes parsed at once. With a megabyte, most of the time goes into collecting garbage."""
HEADING: Final = 1 << 20
"""Bytes in which a file says of itself what it is."""
MAX_DEPTH: Final = 64
"""Elements within elements; Compound Employee has eight."""
MAX_PARTS: Final = 200_000
"""Elements of a record, and comments: between two pieces of text, each makes the parser copy what it has."""
MAX_DUMPED: Final = 4 * MAX_RECORD
"""Letters of all texts that lists of a record become: of quotes alone, five lists would make thirty times as many."""
TEXT: Final = "#text"
"""An element's own text where it has no name of its own: of a record, and of a member of a list."""
_KEY: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
"""A key that becomes part of a column's name; what does not look like one stays in the cells."""
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_ENCODING: Final = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)


class Guard:
    """Looks at a document up to its root element."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._root
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._is_past = False

    def look(self, piece: bytes, *, is_last: bool) -> None:
        """See a piece before the parser does."""
        if not self._is_past:
            self._parser.Parse(piece, is_last)

    def _root(self, *_: Any) -> None:
        self._is_past = True

    def _refuse(self, *_: Any) -> None:
        if not self._is_past:
            message = "must be XML without a document type; it has one. Have the source write it without."
            raise Held("hostile_xml", f"{self._feed.name} {message}")


class Reader:
    """Finds the elements at a path of names from the root on."""

    def __init__(self, path: tuple[str, ...], feed: Feed) -> None:
        """Nothing is read yet."""
        self.path, self._feed = path, feed
        self._open: list[Element] = []
        self._depth = self._matched = self._parts = 0
        self.found_parent = False

    def elements(self, file: Readable) -> Iterator[Element]:
        """The records of a file, each of which is gone when the next is asked for.

        Raises:
            Held: Not well-formed, in an encoding that expat does not have, or hostile.
        """
        guard, is_last = Guard(self._feed), False
        parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start", "end", "comment", "pi"))
        try:
            while not is_last:
                piece = file.read(PIECE)
                is_last = not piece
                guard.look(piece, is_last=is_last)
                if is_last:
                    parser.close()
                else:
                    parser.feed(piece)
                yield from self._finished(parser)
        except (expat.ExpatError, ET.ParseError) as error:
            raise _unparsable(self._feed, error.code, is_last=is_last) from None
        except (ValueError, LookupError):  # of a codec that is not one byte a character
            raise _unparsable(self._feed, _ENCODING[0], is_last=is_last) from None

    def _finished(self, parser: "ET.XMLPullParser[Any]") -> Iterator[Element]:
        """Records that are complete; what lies beside them is dropped, or a long file would fill the memory."""
        last = len(self.path)
        for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            if event == "start":
                if self._depth < last or self._depth >= MAX_DEPTH:
                    self._begin(element)
                self._depth += 1
            if event != "end":
                self._count(event)
                continue
            self._depth -= 1
            if self._depth < last:
                if self._matched == last and self._depth == last - 1:
                    yield element
                    self._parts = 0
                self._matched = min(self._matched, self._depth)
                self._open.pop()
                if self._open:
                    self._open[-1].clear()

    def _count(self, event: str) -> None:
        self._parts += self._matched == len(self.path) or event != "start"
        if self._parts > MAX_PARTS:
            raise Held(
                "record_too_large",
                f"{self._feed.name} must have at most {MAX_PARTS:,} elements and comments a record; one has more. "
                "Check the record path, or have the source write smaller records.",
            )

    def _begin(self, element: Element) -> None:
        """Compare an element that is no part of a record yet with the path."""
        depth = self._depth
        if depth >= MAX_DEPTH:
            raise Held("hostile_xml", f"{self._feed.name} must be XML at most {MAX_DEPTH} elements deep; it is deeper.")
        if self._matched == depth and self.path[depth] == local(element.tag):
            self._matched += 1
            self.found_parent = self.found_parent or self._matched == len(self.path) - 1
        self._open.append(element)


def attributes(file: Readable, name: str, feed: Feed) -> Iterator[Mapping[str, str]]:
    """Attributes of all elements of a name, wherever they stand; no element is made, which takes most of the time.

    Raises:
        Held: As for records.
    """
    found: list[Mapping[str, str]] = []
    guard, parser, is_last = Guard(feed), expat.ParserCreate(namespace_separator="}"), False
    parser.StartElementHandler = lambda tag, said: found.append(said) if local(tag) == name else None
    try:
        while not is_last:
            piece = file.read(PIECE)
            is_last = not piece
            guard.look(piece, is_last=is_last)
            parser.Parse(piece, is_last)
            yield from found
            found.clear()
    except expat.ExpatError as error:
        raise _unparsable(feed, error.code, is_last=is_last) from None
    except (ValueError, LookupError):
        raise _unparsable(feed, _ENCODING[0], is_last=is_last) from None


def heading(
    file: Readable, path: tuple[str, ...], wanted: Collection[tuple[str, ...]], feed: Feed
) -> dict[tuple[str, ...], str]:
    """Texts of elements that stand before the first record, within the first megabyte.

    Args:
        file: At its start, of a document that has been read.
        path: Names from the root down to the records.
        wanted: The same of the elements.
        feed: For the message.

    Returns:
        Path -> text without blanks at its ends, of those that are there; of one that stands twice the last.

    Raises:
        Held: As for records.
    """
    names: list[str] = []
    found: dict[tuple[str, ...], str] = {}
    is_over = False

    def begin(tag: str, _: Any) -> None:
        nonlocal is_over
        names.append(local(tag))
        is_over = is_over or tuple(names) == path
        if not is_over and tuple(names) in wanted:
            found[tuple(names)] = ""

    def tell(text: str) -> None:
        if not is_over and tuple(names) in found:
            found[tuple(names)] += text

    def end(_: str) -> None:
        names.pop()

    guard, parser, left = Guard(feed), expat.ParserCreate(namespace_separator="}"), HEADING
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = begin, tell, end
    try:
        while not is_over and left > 0 and (piece := file.read(PIECE)):
            guard.look(piece, is_last=False)
            parser.Parse(piece, False)
            left -= len(piece)
    except expat.ExpatError as error:
        raise _unparsable(feed, error.code, is_last=False) from None
    return {name: text.strip() for name, text in found.items()}


@lru_cache(maxsize=20_000)
def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def _unparsable(feed: Feed, code: int, *, is_last: bool) -> Held:
    if code in _ENCODING:
        return Held("bad_encoding", f"{feed.name} must be XML in an encoding that is known; it declares another.")
    if is_last:
        return Held("truncated_xml", f"{feed.name} must be complete XML; it ends too early.")
    return Held("malformed_xml", f"{feed.name} must be well-formed XML in its own encoding; it is not.")


class Flattener:
    """Makes rows of records: nested elements and attributes as columns, repeated elements as lists."""

    def __init__(self, lists: Collection[str], reads: Collection[str], keyed: Mapping[str, str]) -> None:
        """Take what is always a list, what the feed reads (it must not turn into a list unseen), what has a key."""
        self._lists, self._keyed = frozenset(lists), dict(keyed)
        self._read = {at for name in reads for at in _aboves(name)}
        self._letters = 0

    def record(self, element: Element) -> Record:
        """A record as a row."""
        faults = set[str]()
        self._letters = 0
        try:
            return Record(self._cells("", element, faults, 0), min(faults, default=None))
        except RecursionError:
            return Record({}, "too_deep")

    def _cells(self, path: str, element: Element, faults: set[str], lists: int) -> dict[str, str]:
        cells: dict[str, str] = {}
        self._fill(cells, "", path, element, faults, lists)
        return cells

    def _fill(  # noqa: PLR0917  # all of it changes from element to element
        self, cells: dict[str, str], name: str, path: str, element: Element, faults: set[str], lists: int
    ) -> None:
        """Fill the cells of one element; `name` begins anew within a list, `path` goes on."""
        above, path = f"{name}." if name else "", f"{path}." if path else ""
        for attribute, value in element.items():
            if attribute != _NIL:
                _put(cells, f"{above}@{local(attribute)}", value, faults)
        for tag, members in _by_name(element, self._keyed).items():
            inner, at = above + tag, path + tag
            if isinstance(members, list) or at in self._lists:
                if at not in self._lists and at in self._read:
                    faults.add("undeclared_list")
                _put(cells, inner, self._dumped(at, members, faults, lists), faults)
            elif len(members) or members.keys():
                self._fill(cells, inner, at, members, faults, lists)
            else:
                _put(cells, inner, members.text or "", faults)
        text, is_nil = _own_text(element), element.get(_NIL) in ("true", "1")
        if text or is_nil or (name and not len(element)):
            _put(cells, name or TEXT, NULL if is_nil else text, faults)

    def _dumped(self, path: str, members: Element | list[Element], faults: set[str], lists: int) -> str:
        if lists >= LISTS:
            raise RecursionError
        every = members if isinstance(members, list) else [members]
        items = [self._cells(path, member, faults, lists + 1) for member in every]
        nulls = [{name: None if text == NULL else text for name, text in item.items()} for item in items]
        if self._letters > MAX_DUMPED:  # before the text is twice as long again
            raise RecursionError
        text = json.dumps(nulls, ensure_ascii=False, sort_keys=True)
        self._letters += len(text)
        return text


def _put(cells: dict[str, str], name: str, text: str, faults: set[str]) -> None:
    if name in cells:
        faults.add("ambiguous_column")
    cells[name] = text


def _by_name(element: Element, keyed: Mapping[str, str]) -> dict[str, Element | list[Element]]:
    """Children by name, those that repeat as a list. Most do not, and a list for each costs a third of the time."""
    groups: dict[str, Element | list[Element]] = {}
    for child in element:
        tag = local(child.tag)
        if tag in keyed:
            tag = _with_key(tag, child, keyed[tag])
        before = groups.get(tag)
        if before is None:
            groups[tag] = child
        elif isinstance(before, list):
            before.append(child)
        else:
            groups[tag] = [before, child]
    return groups


def _with_key(tag: str, element: Element, by: str) -> str:
    """The name of an element with its key behind; without a key that can be part of a name, its name alone."""
    if by.startswith("@"):
        keys = [value for name, value in element.items() if local(name) == by[1:]]
    else:
        keys = [child.text or "" for child in element if local(child.tag) == by]
    return f"{tag}.{keys[0]}" if len(keys) == 1 and _KEY.fullmatch(keys[0]) else tag


def _own_text(element: Element) -> str:
    """Text of an element that none of its children holds, without the blanks between them."""
    if not len(element):
        return element.text or ""
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()


def _aboves(name: str) -> Iterator[str]:
    """A column and everything it lies in: `a.b.c`, `a.b`, `a`."""
    while name:
        yield name
        name = name.rpartition(".")[0]
