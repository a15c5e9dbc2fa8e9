"""The words of the Audit page and of the daily report, in the language of whoever reads.

All of them stand in `messages.pot`, which `python -m monitoring.texts` writes from the templates and from the calls of
`say`, `counted` and `noted` in this package's code: English is the name of a text. A language is a gettext file (.po)
made from it, named by CANDOR_TEXTS; what it lacks stays English. Values of records, of laws and of the ledger are
evidence and are shown as they were written. So are documents, the package of Local Law 144 and an examiner's bundle.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from pipelines.base.errors import SettingsError

LANGUAGE_FILE: Final = "CANDOR_TEXTS"
"""The variable with the path of a .po file; without it everything is English."""
HOLE: Final = re.compile(r"\{(\w+)\}")
"""Where a value goes."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language, as the texts that it has."""

    code: str = "en"
    """As HTML's `lang` has it."""
    texts: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """By text of one and of many, the forms."""
    form: Any = None
    """Number to the place of its form among these; None where there are none."""


ENGLISH: Final = Language()
_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Say everything in a language for a while."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def code() -> str:
    """The code of the language that is spoken now."""
    return _spoken.get().code


def wanted() -> Language:
    """The language that the environment names.

    Raises:
        SettingsError: Its file cannot be read, or a text of it loses or adds a value.
    """
    path = os.environ.get(LANGUAGE_FILE, "")
    return _read(path) if path else ENGLISH


def say(text: str, /, **values: Any) -> str:
    """A text in the language that is spoken, with its values.

    Args:
        text: In English. `{name}` is where a value goes.
        values: By name.
    """
    return _filled(_spoken.get().texts.get(text) or text, values)


def counted(one: str, many: str, n: int, /, **values: Any) -> str:
    """A text about a number of things, in the form of that number; `{n}` is the number."""
    language = _spoken.get()
    forms = language.counted.get((one, many), ())
    text = forms[language.form(n)] if forms and language.form else ""
    return _filled(text or (one if n == 1 else many), {"n": f"{n:,}", **values})


def noted(text: str) -> str:
    """A text that is said elsewhere: here it is only found for the translators."""
    return text


def say_html(text: str, /, **values: Any) -> Markup:
    """As `say`, for a template: the text and every value that is not HTML are escaped."""
    said = str(escape(_spoken.get().texts.get(text) or text))
    return Markup(_filled(said, {name: escape(value) for name, value in values.items()}))  # noqa: S704  # escaped


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return HOLE.sub(lambda hole: str(values.get(hole[1], hole[0])), text)


@cache
def _read(path: str) -> Language:
    from gettext import c2py  # what gettext itself evaluates plurals with

    from babel.messages.pofile import PoFileError, read_po

    try:
        with Path(path).open("rb") as file:
            read = read_po(file, abort_invalid=True)
        form = c2py(read.plural_expr)
        is_sound = all(0 <= form(n) < read.num_plurals for n in range(1000))
    except (OSError, PoFileError, ValueError, ArithmeticError) as error:
        raise SettingsError(
            f"{LANGUAGE_FILE} must name a .po file; this one cannot be read ({type(error).__name__}). "
            "Make it from monitoring/texts/messages.pot."
        ) from None
    if not is_sound:
        raise SettingsError(f"{LANGUAGE_FILE} must say which form each number takes; {path} names one that it lacks.")
    texts: dict[str, str] = {}
    forms: dict[tuple[str, str], tuple[str, ...]] = {}
    for message in read:
        if not message.id or message.fuzzy:
            continue
        if isinstance(message.id, str):
            if isinstance(message.string, str) and message.string:
                texts[message.id] = _same_holes(message.id, message.string, path)
        elif isinstance(message.string, tuple | list) and all(message.string):
            one, many = message.id
            if len(message.string) != read.num_plurals:
                raise SettingsError(f"'{many}' in {path} must have {read.num_plurals} forms; it has other ones.")
            forms[(one, many)] = tuple(_same_holes(many, text, path, "n") for text in message.string)
    return Language(str(read.locale or "und").replace("_", "-"), texts, forms, form)


def _same_holes(text: str, said: str, path: str, spare: str = "") -> str:
    wanted, given = set(HOLE.findall(text)), set(HOLE.findall(said))
    if given - wanted or wanted - given - {spare}:
        raise SettingsError(f"A text in {path} must have the values of its English one, '{text}'; it has others.")
    return said
