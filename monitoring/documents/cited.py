"""Values on a page, each with the file it is from, its place in it and the file's sha256. Pure.

A template never holds a number. It names a source and a path, as `n("metrics", "model.value", 3)`, and gets an element
that a reader, or a program, can follow:

    <data value="0.8123" data-source="evaluated/metrics.json" data-path="model.value">0.812</data><sup>…</sup>

What is not there is said to be unknown; it is never left out and never 0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from monitoring import page
from pipelines.fairness import law
from pipelines.fairness.law import Duty, Pack

UNKNOWN: Final = Markup("<em>not known</em>")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that values are from."""

    name: str
    """As its release, its ledger or the packs of law call it."""
    sha256: str
    """Of its bytes."""
    content: Any
    """JSON values."""


@dataclass(frozen=True, slots=True)
class Cited:
    """Sources under the short names that templates use, in the order in which they are listed."""

    sources: Mapping[str, Source]

    def has(self, source: str, path: str = "") -> bool:
        """Whether there is such a value, and one that is known."""
        return source in self.sources and self.raw(source, path) is not None

    def raw(self, source: str, path: str = "") -> Any:
        """A value to go through, never to print. None where there is none.

        Args:
            source: Short name.
            path: Keys and positions, parted by dots; `#` at its end counts what is there.
        """
        value = self.sources[source].content if source in self.sources else None
        for part in path.split(".") if path else ():
            if part == "#":
                value = len(value) if isinstance(value, Sequence | Mapping) else None
            elif isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdecimal():
                value = value[int(part)] if int(part) < len(value) else None
            else:
                value = None
        return value

    def n(self, source: str, path: str, form: int | str = 0) -> Markup:
        """A number.

        Args:
            source: Short name.
            path: As in `raw`.
            form: Digits after the point, `share`, or `p` for a p-value.
        """
        value = self.raw(source, path)
        if not isinstance(value, int | float):
            return UNKNOWN
        if isinstance(form, str):
            return self._shown(source, path, value, {"share": page.share, "p": page.p_value}[form](value))
        return self._shown(source, path, value, page.number(float(value), form))

    def t(self, source: str, path: str) -> Markup:
        """A text: a name, a day, a digest; or several."""
        value = self.raw(source, path)
        if value in (None, "", []):
            return UNKNOWN
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return self._shown(source, path, value, text)

    def letter(self, source: str) -> str:
        """What stands beside a value: a, b, ..., and aa after z."""
        place = list(self.sources).index(source)
        return (chr(96 + place // 26) if place >= 26 else "") + chr(97 + place % 26)

    def _shown(self, source: str, path: str, value: Any, text: str) -> Markup:
        about, mark = self.sources[source], self.letter(source)
        shown = Markup('<data value="{}" data-source="{}" data-path="{}" title="{}: {}">{}</data>').format(
            json.dumps(value), about.name, path, about.name, path, text
        )
        return shown + Markup('<sup><a href="#source-{}">{}</a></sup>').format(mark, mark)


def title_of(code: str) -> Markup:
    """The name of a law, as its pack has it."""
    return _quoted(_pack(code), _pack(code).title)


def asks(code: str, duty: str) -> Markup:
    """Where a law asks for something, in which words of its pack, and from which day."""
    pack = _pack(code)
    found = _duty(pack, duty)
    since = found.applies_from or pack.applies_from
    return _quoted(pack, f"{found.where}, from {since}: {found.asks}")


def is_confirmed(code: str) -> bool:
    """Whether counsel has compared a pack with the primary text."""
    return _pack(code).is_confirmed_by_counsel


def _pack(code: str) -> Pack:
    return next(pack for pack in law.library() if pack.code == code)


def _duty(pack: Pack, code: str) -> Duty:
    return next(duty for duty in pack.duties if duty.code == code)


def _quoted(pack: Pack, text: str) -> Markup:
    return Markup('<cite data-source="law/{}.yaml" title="sha256 {}">{}</cite>').format(
        pack.code, pack.sha256, escape(text)
    )
