"""The texts that templates and code say, as a gettext catalogue."""

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitoring.page import SAID, TEMPLATES, environment
from monitoring.texts.spoken import Said

CATALOGUE: Final = Path(__file__).parent / "messages.pot"
PACKAGE: Final = Path(__file__).parents[1]
_SAYING: Final = ("say", "noted")
Text = str | tuple[str, str]
"""A text, or the text of one and of many."""


def texts() -> dict[Text, list[str]]:
    """Every text, with the files that say it; in the order of these and of their lines."""
    found: dict[Text, list[str]] = {}
    for file, text in [*_of_templates(), *_of_code()]:
        where = found.setdefault(text, [])
        if file not in where:
            where.append(file)
    return found


def catalogue() -> bytes:
    """`messages.pot`: the same bytes for the same texts."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    made = Catalog(project="Candor", charset="utf-8", header_comment="# Texts of the Audit page and the daily report.")
    for text, files in texts().items():
        made.add(text, locations=[(file, 0) for file in files], flags=())
    out = io.BytesIO()
    write_po(out, made, width=120, omit_header=True, include_lineno=False)
    return out.getvalue()


def _of_templates() -> Iterator[tuple[str, Text]]:
    for file in sorted(TEMPLATES.glob("*.html")):
        if file.name.startswith(SAID):
            said = Said()
            said.rewrite(environment(None).parse(file.read_text(encoding="utf-8")))
            every: list[Text] = [*said.texts, *said.plurals]
            for text in every:
                yield f"templates/{file.name}", text


def _of_code() -> Iterator[tuple[str, Text]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            words = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if call.func.id in _SAYING and words:
                yield file.relative_to(PACKAGE).as_posix(), words[0]
            if call.func.id == "counted" and len(words) > 1:
                yield file.relative_to(PACKAGE).as_posix(), (words[0], words[1])
