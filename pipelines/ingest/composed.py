"""A resume's text out of the cells that tell it, for systems that keep candidates as data: redacted, as a document's.

Values alone become text, in the order in which the reader gives them, without what they are called: each heading on a
line of its own, below it each member of a group on a line, and what is long, or is a group itself, on lines below that.
Redaction knows a name in a document by its place and form; here a cell says it, so it and its words go wherever they
stand with a capital.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import polars as pl

from pipelines.ingest.cells import Context, cell
from pipelines.ingest.documents.quality import clean
from pipelines.ingest.documents.redact import redact
from pipelines.ingest.documents.stuffing import stuffed_share
from pipelines.ingest.rules import Compose

_FLAGS: Final = ("true", "false")
"""Of nobody's interest without what they are called."""
_BLANK: Final = re.compile(r"[\s,]+")
_LEAST: Final = 2
"""Characters: an initial stands for anything."""
_LONG: Final = 60
"""Characters from which on a value is a line of its own: a sentence, not a name, a place or a day."""


def with_text(frame: pl.DataFrame, step: Compose, context: Context) -> pl.DataFrame:
    """`frame` with the columns that the step makes; all of them are null where the cells have no text.

    Args:
        frame: [n_rows] raw cells.
        step: Which cells, and what stands above each.
        context: Of the frame.
    """
    cells = frame.select(cell(name, context).alias(f"{number}") for number, name in enumerate(step.sections))
    names = frame.select(cell(name, context).alias(f"{number}") for number, name in enumerate(step.names))
    headings = list(step.sections.values())
    texts = [without(told(row, headings), of) for row, of in zip(cells.rows(), names.rows(), strict=True)]
    kept = [(redact(text), stuffed_share(text)) if text else None for text in texts]
    made = (
        pl.Series([None if one is None else one[0] for one in kept], dtype=pl.String),
        pl.Series([None if one is None else str(len(one[0])) for one in kept], dtype=pl.String),
        pl.Series([None if one is None else f"{one[1]:.6f}" for one in kept], dtype=pl.String),
    )
    return frame.with_columns(series.alias(name) for name, series in zip(step.made, made, strict=True))


def told(cells: Sequence[str | None], headings: Sequence[str]) -> str:
    """The text of one record, not redacted yet; empty where no cell says anything.

    Args:
        cells: Text, or a group as JSON.
        headings: What stands above each; none where that is empty.
    """
    parts = []
    for text, heading in zip(cells, headings, strict=True):
        said = list(_lines(_value(text))) if text is not None else []
        parts += [f"\n{heading}", *said] if said and heading else said
    return clean("\n".join(parts))


def without(text: str, names: Iterable[str | None]) -> str:
    """A text without names: the whole of each, and words of it that begin with a capital."""
    words = {word for name in names if name for word in (name.strip(), *_BLANK.split(name.strip())) if _is_name(word)}
    forms = {re.escape(form) for word in words for form in (word, word.upper(), word.title())}
    if not forms:
        return text
    one = f"(?:{'|'.join(sorted(forms, key=lambda form: (-len(form), form)))})"
    return re.sub(rf"(?<!\w){one}(?:[ ,]+{one})*(?!\w)", "[NAME]", text)


def _is_name(word: str) -> bool:
    return len(word) >= _LEAST and word[0].isupper()


def _value(text: str) -> Any:  # whatever JSON holds
    """A group, or the text itself: a number or a word that happens to be JSON is text."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _lines(value: Any) -> Iterator[str]:
    """A value as lines: short ones side by side, then each that is long, then the groups within."""
    members = value if isinstance(value, list) else [value]
    for member in members:
        parts = list(member.values()) if isinstance(member, dict) else [member]
        parts = [_value(part) if isinstance(part, str) else part for part in parts]  # groups within are text of JSON
        texts = [str(part).strip() for part in parts if part is not None and not isinstance(part, dict | list | bool)]
        texts = [text for text in texts if text and text not in _FLAGS]
        short = [text for text in texts if len(text) <= _LONG and "\n" not in text]
        if short:
            yield ", ".join(short)
        yield from (text for text in texts if text not in short)
        for part in parts:
            if isinstance(part, dict | list):
                yield from _lines(part)
