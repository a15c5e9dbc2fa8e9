"""Layers of a PDF ("optional content"): which of them a viewer does not show when it opens the file.

Where a file says that a layer shows at a certain zoom, in print or by an expression, that is not looked at.
"""

from typing import Any, Final

from pipelines.ingest.documents.pdf_state import dictionary

_ALL_ON: Final = "/AllOn"
_ANY_ON: Final = "/AnyOn"


class Layers:
    """The layers of one file, as pypdf holds it: an object is the same one whatever refers to it."""

    def __init__(self, root: Any) -> None:
        """What the catalogue says of them.

        Args:
            root: The catalogue of a reader or a writer.
        """
        said = dictionary(root.get("/OCProperties"))
        first = dictionary(said.get("/D"))
        self.off = _ids(first.get("/OFF"))
        if first.get("/BaseState") == "/OFF":
            self.off |= _ids(said.get("/OCGs")) - _ids(first.get("/ON"))
        self._known: dict[int, bool] = {}

    def hides(self, layer: Any) -> bool:
        """Whether nothing is shown of what belongs to a layer, or to layers under one policy."""
        if not self.off or layer is None:
            return False
        key = id(layer.get_object())
        if key not in self._known:
            self._known[key] = self._hides(layer)
        return self._known[key]

    def _hides(self, layer: Any) -> bool:
        said = dictionary(layer)
        if "/OCGs" not in said:
            return id(layer.get_object()) in self.off
        groups = said["/OCGs"]
        are_off = [one in self.off for one in (_ids(groups) if isinstance(groups, list) else {id(groups)})]
        policy = said.get("/P", _ANY_ON)
        return bool(are_off) and (
            (policy == _ANY_ON and all(are_off)) or (policy == _ALL_ON and any(are_off))  # others show what is off
        )


def _ids(values: Any) -> set[int]:
    listed = None if values is None else values.get_object()
    return {id(one.get_object()) for one in listed} if isinstance(listed, list) else set()
