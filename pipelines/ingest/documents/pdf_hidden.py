"""Take text that nobody sees out of the pages of a PDF, and count it.

A page is a list of operations; this follows them as a viewer does, as far as it decides what is seen: matrices,
colours, opacity, layers, the size of letters, how they are drawn, and what was painted where they stand. What shows
text in white on white, tiny, off the page, wholly transparent, on a layer that is not shown or not drawn at all is left
out, the rest stays as it was. Not followed: clipping, masks, and what is painted over text afterwards.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from pipelines.ingest.documents.bounds import FAINT, TINY_POINTS, UNKNOWN, WHITE, Colour, is_lost, share
from pipelines.ingest.documents.pdf_layers import Layers
from pipelines.ingest.documents.pdf_state import (
    INKS,
    ONE,
    Box,
    State,
    at,
    box,
    coloured,
    dictionary,
    matrix,
    number,
    resource,
    times,
)

_FILLED: Final = (0, 2, 4, 6)
_STROKED: Final = (1, 2, 5, 6)
_SHOWS: Final = {b"Tj", b"TJ", b"'", b'"'}
_FILLS: Final = {b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"}
_PACKING: Final = {"/Filter", "/DecodeParms", "/Length"}
_TEXT: Final[dict[bytes, Callable[[Any], dict[str, Any]]]] = {
    b"Tr": lambda operands: {"mode": int(operands[0])},
    b"Tz": lambda operands: {"stretch": float(operands[0]) / 100},
    b"Ts": lambda operands: {"rise": float(operands[0])},
    b"TL": lambda operands: {"leading": float(operands[0])},
    b"TD": lambda operands: {"leading": -float(operands[1])},
}
"""What single words say of text."""
_PATH_ENDS: Final = {*_FILLS, b"S", b"s", b"n"}


def streams(reader: Any) -> Iterator[bytes]:
    """What the pages of a PDF draw, each stream unpacked; forms that pages share come once."""
    known: set[int] = set()
    for page in reader.pages:
        content = page.get_contents()
        if content is not None:
            yield content.get_data()
        for form in _forms(page.get("/Resources"), known):
            yield form.get_data()


def has_inks(reader: Any) -> bool:
    """Whether any page names a colour space of single inks."""
    spaces = (space.get_object() for page in reader.pages for space in _resources(page, "/ColorSpace"))
    return any(isinstance(space, list) and space and space[0] in INKS for space in spaces)


def has_veils(reader: Any) -> bool:
    """Whether any page names a state of graphics that lets all through, or sets a font where no `Tf` does."""
    named = (dictionary(state) for page in reader.pages for state in _resources(page, "/ExtGState"))
    return any("/Font" in state or number(state, "/ca", 1) < FAINT for state in named)


def without(reader: Any) -> tuple[bytes, float]:
    """A PDF without its hidden text.

    Args:
        reader: It, of pypdf.

    Returns:
        The file, and the share of hidden characters in all.
    """
    from pypdf import PdfWriter  # parsers are only loaded in the worker
    from pypdf.generic import ContentStream

    writer = PdfWriter(clone_from=reader)
    hidden = seen = 0.0
    layers = Layers(writer.root_object)
    for page in writer.pages:
        left, bottom, right, top = map(float, page.mediabox)
        painter = _Painter((left, bottom, right, top), writer, layers)
        content = page.get_contents()
        if content is not None:
            kept = painter.painted(ContentStream(content, writer), page.get("/Resources"), State())
            page.replace_contents(kept)
        hidden, seen = hidden + painter.hidden, seen + painter.seen
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), share(hidden, seen)


def _resources(page: Any, kind: str) -> Iterator[Any]:
    """The resources of a kind of a page and of the forms that it names."""
    yield from resource(page.get("/Resources"), kind).values()
    for form in _forms(page.get("/Resources"), set()):
        yield from resource(form.get("/Resources"), kind).values()


def _forms(resources: Any, known: set[int]) -> Iterator[Any]:
    for one in resource(resources, "/XObject").values():
        form = one.get_object()
        if form.get("/Subtype") == "/Form" and id(form) not in known:
            known.add(id(form))
            yield form
            yield from _forms(form.get("/Resources"), known)


class _Painter:
    """One page on its way through its operations."""

    def __init__(self, page: Box, writer: Any, layers: Layers) -> None:
        """Nothing is painted yet.

        Args:
            page: Its box.
            writer: What its streams belong to.
            layers: Those of the file.
        """
        self.page, self.writer, self.layers = page, writer, layers
        self.hidden = self.seen = 0.0
        self.grounds: list[tuple[Box, Colour]] = []
        self.path: list[tuple[float, float]] = []
        self.known: set[int] = set()
        self.unshown: set[int] = set()
        self.text = self.line = ONE

    def painted(self, stream: Any, resources: Any, state: State) -> Any:
        """The stream without what shows hidden text."""
        kept: list[tuple[Any, bytes]] = []
        states: list[State] = []
        marks = [state.is_off]
        for operands, operator in list(stream.operations):
            if operator == b"q":
                states.append(state)
            elif operator == b"Q":
                state = states.pop() if states else state
            elif operator in (b"BDC", b"BMC"):
                marks.append(marks[-1] or (operator == b"BDC" and self._is_off(operands, resources)))
            elif operator == b"EMC" and len(marks) > 1:
                marks.pop()
            elif operator != b"Do":
                self._place(operator, operands, state)
                state = self._changed(operator, operands, resources, state)
            state = state if state.is_off == marks[-1] else replace(state, is_off=marks[-1])
            is_hidden = operator in _SHOWS and self._shows_nothing(operator, operands, state)
            if operator != b"Do" or self._draws(operands, resources, state):
                kept += _breaks(operator, operands) if is_hidden else [(operands, operator)]
        stream.operations = kept
        return stream

    def _is_off(self, operands: Any, resources: Any) -> bool:
        """Whether marked content belongs to a layer that is not shown."""
        if len(operands) != 2 or operands[0] != "/OC":
            return False
        named = operands[1] if isinstance(operands[1], str) else None
        return self.layers.hides(resource(resources, "/Properties").get(named))

    def _draws(self, operands: Any, resources: Any, state: State) -> bool:
        """A picture is a ground; a form is a stream of its own, which is followed where it is drawn first.

        What belongs to a layer that is not shown is neither: its text is counted, and it is not drawn.
        """
        drawn = resource(resources, "/XObject")
        form = drawn[operands[0]].get_object() if operands[0] in drawn else None
        is_off = state.is_off or (form is not None and self.layers.hides(form.get("/OC")))
        if form is None or form.get("/Subtype") != "/Form":
            if not is_off:
                self.grounds.append((box([at(state.matrix, *corner) for corner in ((0, 0), (1, 1))]), UNKNOWN))
        elif is_off:
            self._count_unshown(form, resources, state)
        elif id(form) not in self.known:
            self.known.add(id(form))
            kept = self._followed(form, resources, state)
            drawn[operands[0]] = self._written(form, kept.get_data())
        return not is_off

    def _count_unshown(self, form: Any, resources: Any, state: State) -> None:
        if id(form) not in self.unshown:
            self.unshown.add(id(form))
            self._followed(form, resources, replace(state, is_off=True))

    def _followed(self, form: Any, resources: Any, state: State) -> Any:
        from pypdf.generic import ContentStream  # parsers are only loaded in the worker

        inner = replace(state, matrix=times(matrix(form.get("/Matrix", ONE)), state.matrix))
        return self.painted(ContentStream(form, self.writer), form.get("/Resources", resources), inner)

    def _written(self, form: Any, data: bytes) -> Any:
        """A form with other operations. It becomes another object, since its filters cannot all be written."""
        from pypdf.generic import DecodedStreamObject  # parsers are only loaded in the worker

        new = DecodedStreamObject()
        new.update({name: value for name, value in form.items() if name not in _PACKING})
        new.set_data(data)
        self.known.add(id(new))
        return self.writer._add_object(new)  # noqa: SLF001  # there is no public way to add a stream

    def _place(self, operator: bytes, operands: Any, state: State) -> None:
        """Where text stands, and what is painted."""
        if operator == b"BT":
            self.text = self.line = ONE
        elif operator == b"Tm":
            self.text = self.line = matrix(operands)
        elif operator in (b"Td", b"TD"):
            self.text = self.line = times((1, 0, 0, 1, float(operands[0]), float(operands[1])), self.line)
        elif operator in (b"T*", b"'", b'"'):
            self.text = self.line = times((1, 0, 0, 1, 0, -state.leading), self.line)
        elif operator == b"re":
            x, y, width, height = map(float, operands)
            corners = ((x, y), (x + width, y), (x, y + height), (x + width, y + height))
            self.path += [at(state.matrix, *corner) for corner in corners]
        elif operator in (b"m", b"l"):
            self.path.append(at(state.matrix, float(operands[0]), float(operands[1])))
        elif operator in _PATH_ENDS:
            if operator in _FILLS and self.path and state.opacity >= FAINT and not state.is_off:
                self.grounds.append((box(self.path), state.fill))
            self.path = []

    def _changed(self, operator: bytes, operands: Any, resources: Any, state: State) -> State:
        if operator == b"cm":
            return replace(state, matrix=times(matrix(operands), state.matrix))
        if operator == b"Tf":
            font = resource(resources, "/Font").get(operands[0], {}).get_object()
            return _in_font(font, operands[1], state)
        if operator == b"gs":
            return _in_graphics(resource(resources, "/ExtGState").get(operands[0]), state)
        if operator in _TEXT:
            return replace(state, **_TEXT[operator](operands))
        return coloured(operator, operands, resources, state)

    def _shows_nothing(self, operator: bytes, operands: Any, state: State) -> bool:
        _, _, slant, height, x, y = times((1, 0, 0, 1, 0, state.rise), times(self.text, state.matrix))
        points = abs(state.points) * max(abs(slant), abs(height))
        left, bottom, right, top = self.page
        is_off = not (left <= x <= right and bottom <= y <= top)
        is_thin = points <= TINY_POINTS or abs(state.stretch) < FAINT
        is_hidden = state.is_off or is_off or is_thin or self._is_lost(x, y, state)
        count = _count(operator, operands) / state.width
        self.hidden, self.seen = self.hidden + count * is_hidden, self.seen + count * (not is_hidden)
        return is_hidden

    def _is_lost(self, x: float, y: float, state: State) -> bool:
        """Whether the letters are not drawn, or in white where what was painted last is white too."""
        is_filled = state.mode in _FILLED and state.opacity >= FAINT
        is_stroked = state.mode in _STROKED and state.stroke_opacity >= FAINT
        inks = [state.fill] * is_filled + [state.stroke] * is_stroked
        return all(is_lost(ink, WHITE) for ink in inks) and (not inks or is_lost(self._ground(x, y), WHITE))

    def _ground(self, x: float, y: float) -> Colour:
        """What was painted last at a place; of a shape that is no rectangle, anywhere within its box."""
        within = (
            ground
            for (left, bottom, right, top), ground in reversed(self.grounds)
            if left <= x <= right and bottom <= y <= top
        )
        return next(within, WHITE)


def _in_font(font: Any, points: Any, state: State) -> State:
    return replace(state, points=float(points), width=2 if font.get("/Subtype") == "/Type0" else 1)


def _in_graphics(named: Any, state: State) -> State:
    """The state after a named state of graphics, as far as it says."""
    said = dictionary(named)
    if "/Font" in said:
        font, points = said["/Font"]
        state = _in_font(font.get_object(), points, state)
    fill, stroke = number(said, "/ca", state.opacity), number(said, "/CA", state.stroke_opacity)
    return replace(state, opacity=fill, stroke_opacity=stroke)


def _breaks(operator: bytes, operands: Any) -> list[tuple[Any, bytes]]:
    """What stays of an operation that shows text: the new line that some begin with, and the spacing that one sets."""
    spacing = [([operands[0]], b"Tw"), ([operands[1]], b"Tc")] if operator == b'"' else []
    return [*spacing, ([], b"T*")] if operator in (b"'", b'"') else []


def _count(operator: bytes, operands: Any) -> int:
    """Bytes that an operation shows."""
    shown = operands[0] if operator == b"TJ" else operands[-1:]
    return sum(len(getattr(one, "original_bytes", b"")) for one in shown)
