"""HTML, by lexbor: the text that a browser shows, blocks on lines of their own, cells of tables apart by tabs.

Scripts, styles and comments are no text; what styles hide is counted (`css`).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.ingest.documents.bounds import MAX_DEPTH, Parsed, Refused, letters, share
from pipelines.ingest.documents.css import Look, Said, looked, sheets
from pipelines.ingest.documents.pictures import Picture, has_photo, of_base64
from pipelines.ingest.documents.quality import clean

_OPENING: Final = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*){0,5}"
    r"<(?:!doctype\s+html|html|head|body|meta|title|style|div|p|table|span|h[1-6]|font|center|ul|section|article)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARED_WITHIN: Final = 2048
_TAG: Final = re.compile(r"<(/?)([a-z][^\s/>]{0,40})", re.IGNORECASE)
_FLAT: Final = re.compile(
    "area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|p|li|dt|dd|tr|td|th|thead|tbody|tfoot|option",
    re.IGNORECASE,
)
"""Tags that hold nothing, or that others of their kind close; `_depth` leaves them out."""
_NO_TEXT: Final = frozenset(
    {
        *("script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg"),
        *("audio", "video", "canvas", "datalist", "noembed", "noframes"),
    }
)
"""Elements whose text a browser does not show as such."""
_LINES: Final = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|dd|details|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header"
    "|hr|html|legend|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
)
_CELLS: Final = frozenset({"td", "th"})
_ROWS: Final = frozenset({"tr", "br"})
"""Begin no line of their own."""
_BLANKS: Final = re.compile(r"\s+")
_WITHIN: Final = re.compile(r"data:image/[\w.+-]{1,40};base64,", re.IGNORECASE)
"""How a picture begins that stands in the page itself."""
_SIDE: Final = re.compile(r"(?<![\w-])(width|height)\s*:\s*(\d{1,6}(?:\.\d{1,6})?)(px|pt)", re.IGNORECASE)
_NUMBER: Final = re.compile("[0-9]{1,6}")
_PIXEL: Final = 0.75
"""Points."""


def is_html(text: str) -> bool:
    """Whether a text begins as HTML does."""
    return _OPENING.match(text[:10_000]) is not None


def charset(data: bytes) -> str | None:
    """The encoding that a page says it is in."""
    found = _CHARSET.search(data[:_DECLARED_WITHIN])
    return found[1].decode("ascii") if found else None


def read(text: str) -> Parsed:
    """The text of a page.

    Args:
        text: Its source.

    Raises:
        Refused: It is nested too deeply, or has more rules than are looked at.
    """
    from selectolax.lexbor import LexborHTMLParser  # parsers are only loaded in the worker

    if _depth(text) > MAX_DEPTH:
        raise Refused("too_large")
    tree = LexborHTMLParser(text)
    page = _shown(tree.root, sheets(tree))
    text = "".join(page.pieces)
    return Parsed("lexbor", clean(text), share(page.hidden, letters(text)), has_photo(_pictures(tree)))


def _depth(text: str) -> int:
    """Elements within one another at most, counted before the parser is, whose time goes by the square of it."""
    depth = deepest = 0
    for closing, name in _TAG.findall(text):
        if not _FLAT.fullmatch(name):
            depth = max(0, depth + (-1 if closing else 1))
            deepest = max(deepest, depth)
    return deepest


class _Page:
    """The text so far, and how many characters are not shown."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self.pieces: list[str] = []
        self.hidden = 0

    def add(self, text: str, look: Look) -> None:
        """Add text as a browser does: any run of blanks is one, and none begins a line."""
        if not look.is_seen:
            self.hidden += letters(text)
        elif text.strip() or not self._is_at_start():
            self.pieces.append(_BLANKS.sub(" ", text))

    def end(self, tag: str) -> None:
        """Close an element, or open one of its own lines: cells end with a tab, rows and blocks with a line."""
        if tag in _CELLS:
            self._drop(" \n")
            self.pieces.append("\t")
        elif tag == "tr":
            self._drop(" \t")
            self.pieces.append("\n")
        elif tag == "br" or (_LINES.fullmatch(tag) and not self._is_at_start()):
            self.pieces.append("\n")

    def _is_at_start(self) -> bool:
        return not self.pieces or self.pieces[-1] in ("\n", "\t")

    def _drop(self, blanks: str) -> None:
        while self.pieces and not self.pieces[-1].strip(blanks):
            self.pieces.pop()


def _shown(root: Any, ruled: dict[int, Said]) -> _Page:
    """What is shown. Without recursion, since a page decides how deep it is."""
    page = _Page()
    stack: list[tuple[Any, Look] | str] = [(root, Look())]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            page.end(item)
            continue
        node, look = item
        if node.is_text_node:
            page.add(str(node.text_content), look)
        elif not node.is_comment_node and node.tag not in _NO_TEXT:
            if _LINES.fullmatch(node.tag) and node.tag not in _ROWS:
                page.end(node.tag)
            stack += [node.tag, *_children(node, looked(node, look, ruled.get(node.mem_id, {})))]
    return page


def _children(node: Any, look: Look) -> list[tuple[Any, Look]]:
    """An element's children, last first."""
    children, child = [], node.child
    while child is not None:
        children.append((child, look))
        child = child.next
    return children[::-1]


def _pictures(tree: Any) -> Iterator[Picture]:
    """Pictures of a page; of one that lies elsewhere only how large it is drawn is known."""
    for image in tree.css("img"):
        said = image.attributes
        source = said.get("src") or ""
        head = _WITHIN.match(source)
        yield Picture(of_base64(source[head.end() :]) if head else None, *_sides(said))


def _sides(said: Any) -> tuple[float | None, float | None]:
    """Points that a picture's style or else its attributes say, across and up."""
    styled = {
        name.lower(): float(n) * (_PIXEL if unit.lower() == "px" else 1)
        for name, n, unit in _SIDE.findall(said.get("style") or "")
    }
    plain = {name: int(said[name]) * _PIXEL for name in ("width", "height") if _NUMBER.fullmatch(said.get(name) or "")}
    found = plain | styled
    return found.get("width"), found.get("height")
