"""Templates whose words are found and said by themselves: what stands between two tags is one text. Pure.

A template stays as somebody who writes HTML would write it. When it is compiled, every run of text and values between
two tags becomes a call of `say_html` with the text, its values as `{name}`; so do constants that a value may be, and
the titles of tags. What is inside `<code>` is no language. Texts about a number of things call `counted`.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment, nodes

SAY: Final = "say_html"
MUTE: Final = ("code", "style", "script")
"""Elements whose content is not language."""
_TAG: Final = re.compile(r"<(/?)([a-zA-Z!][a-zA-Z0-9]*)")
_TITLE: Final = re.compile(r'(?<=\s)(title|aria-label|alt)="([^"]*[A-Za-z][^"]*)"')
_LETTER: Final = re.compile(r"[A-Za-z]")
_HOLE: Final = re.compile(r"\{\w+\}")
_NAMELESS: Final = ("value", "low", "high", "n")
"""Attributes that say nothing without that of which they are."""


class Speaking(Environment):
    """An environment in which some templates are said."""

    def __init__(self, is_said: Callable[[str], bool], **options: Any) -> None:
        """As any other.

        Args:
            is_said: Whether a template of a name is.
            options: Jinja's.
        """
        super().__init__(**options)
        self._is_said = is_said

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if name and self._is_said(name):
            Said().rewrite(tree)
            tree.set_environment(self)
        return tree


@dataclass(slots=True)
class Said:
    """The texts of a template, as it is rewritten from its beginning to its end."""

    texts: list[str] = field(default_factory=list)
    plurals: list[tuple[str, str]] = field(default_factory=list)
    is_in_tag: bool = False
    mute: str = ""
    """The element within which nothing is said."""

    def rewrite(self, tree: nodes.Node) -> None:
        """Rewrite what a node holds, in the order of the source."""
        for part in tree.iter_child_nodes():
            if isinstance(part, nodes.Output):
                part.nodes = list(self._output(part.nodes))
            elif isinstance(part, nodes.Expr):
                self._explicit(part)
            else:
                self.rewrite(part)

    def _output(self, parts: Iterable[nodes.Expr]) -> Iterator[nodes.Expr]:
        run: list[nodes.Expr] = []
        for part in parts:
            if isinstance(part, nodes.TemplateData):
                for text, is_said in self._pieces(part.data):
                    piece = nodes.TemplateData(text, lineno=part.lineno)
                    if is_said:
                        run.append(piece)
                    else:
                        yield from self._told(run)
                        run = []
                        yield piece
            elif self.is_in_tag or self.mute:
                self._explicit(part)
                yield part
            else:
                run.append(part)
        yield from self._told(run)

    def _pieces(self, data: str) -> Iterator[tuple[str, bool]]:
        """Text and tags of some HTML in turn, and whether it is text that is said."""
        at = 0
        while at < len(data):
            if self.is_in_tag:
                end = data.find(">", at)
                self.is_in_tag = end < 0
                stop = len(data) if end < 0 else end + 1
                yield from self._tag(data[at:stop])
                at = stop
                continue
            start = data.find("<", at)
            stop = len(data) if start < 0 else start
            if stop > at:
                yield data[at:stop], not self.mute
            if start >= 0:
                found = _TAG.match(data, start)
                if found and found[1] and found[2] == self.mute:
                    self.mute = ""
                elif found and not found[1] and found[2] in MUTE:
                    self.mute = found[2]
                self.is_in_tag = True
            at = stop

    def _tag(self, tag: str) -> Iterator[tuple[str, bool]]:
        """A tag, or a part of one; its titles are told like text."""
        at = 0
        for title in _TITLE.finditer(tag):
            yield tag[at : title.start(2)], False
            yield title[2], True
            at = title.end(2)
        yield tag[at:], False

    def _told(self, run: list[nodes.Expr]) -> Iterator[nodes.Expr]:
        """A run between two tags, as one call where it holds words."""
        if not run:
            return
        text, values = "", dict[str, nodes.Expr]()
        parts: list[nodes.Expr] = []
        for part in run:
            if isinstance(part, nodes.TemplateData):
                text += html.unescape(part.data)
                parts.append(part)
            else:
                name = _free(_name(part), values)
                parts.append(self._value(part))
                values[name] = parts[-1]
                text += f"{{{name}}}"
        if _LETTER.search(_HOLE.sub("", text)):
            yield self._spaced(text, values)
        else:
            yield from parts

    def _value(self, expr: nodes.Expr) -> nodes.Expr:
        """A value, of which constants that it may be are said."""
        if isinstance(expr, nodes.Const) and isinstance(expr.value, str) and _LETTER.search(expr.value):
            return self._spaced(expr.value, {})
        if isinstance(expr, nodes.CondExpr):
            expr.expr1 = self._value(expr.expr1)
            expr.expr2 = self._value(expr.expr2) if expr.expr2 is not None else None
            self._explicit(expr.test)
            return expr
        if isinstance(expr, nodes.Or | nodes.And):
            expr.right = self._value(expr.right)
            return expr
        if isinstance(expr, nodes.Concat):
            return self._joined(expr)
        self._explicit(expr)
        if isinstance(expr, nodes.Call) and not _is_explicit(expr):  # of macros: what they are handed may hold words
            expr.args = [self._joined(arg) if isinstance(arg, nodes.Concat) else arg for arg in expr.args]
        return expr

    def _joined(self, expr: nodes.Concat) -> nodes.Expr:
        """Constants and values that are joined, as one text."""
        text, values = "", dict[str, nodes.Expr]()
        for part in _flat(expr):
            if isinstance(part, nodes.Const):
                text += str(part.value)
            else:
                name = _free(_name(part), values)
                values[name] = self._value(part)
                text += f"{{{name}}}"
        return self._spaced(text, values) if _LETTER.search(_HOLE.sub("", text)) else expr

    def _spaced(self, text: str, values: dict[str, nodes.Expr]) -> nodes.Expr:
        """A text without the space around it, which no translator should have to keep."""
        before, body, after = text[: len(text) - len(text.lstrip())], " ".join(text.split()), text[len(text.rstrip()) :]
        call = self._call(body, values)
        return nodes.Concat([nodes.Const(before), call, nodes.Const(after)]) if before or after else call

    def _explicit(self, expr: nodes.Node) -> None:
        """Note what calls of `say` and `counted` say."""
        for call in [expr, *expr.find_all(nodes.Call)]:
            if isinstance(call, nodes.Call) and _is_explicit(call):
                words = [arg.value for arg in call.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)]
                if _name(call.node) == "counted" and len(words) > 1:
                    self.plurals.append((words[0], words[1]))
                elif words:
                    self.texts.append(words[0])

    def _call(self, text: str, values: dict[str, nodes.Expr]) -> nodes.Expr:
        self.texts.append(text)
        given = [nodes.Keyword(name, value) for name, value in values.items()]
        return nodes.Call(nodes.Name(SAY, "load"), [nodes.Const(text)], given, None, None)


def _is_explicit(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name in ("say", "counted")


def _flat(expr: nodes.Concat) -> Iterator[nodes.Expr]:
    for part in expr.nodes:
        if isinstance(part, nodes.Concat):
            yield from _flat(part)
        else:
            yield part


def _free(name: str, taken: dict[str, nodes.Expr]) -> str:
    """A name that is not taken yet."""
    number = 2
    while (found := name if number == 2 and name not in taken else f"{name}_{number}") in taken:
        number += 1
    return found


def _name(expr: nodes.Node) -> str:
    """A short name for a value, from how it is written."""
    match expr:
        case nodes.Name():
            return expr.name
        case nodes.Getattr():
            return f"{_name(expr.node)}_{expr.attr}" if expr.attr in _NAMELESS else expr.attr
        case nodes.Getitem(arg=nodes.Const(value=str() as key)) if key.isidentifier():
            return key
        case nodes.Call() if expr.args:
            return _name(expr.args[0])
    inner = next(iter(expr.iter_child_nodes()), None)
    return _name(inner) if inner is not None else "value"
