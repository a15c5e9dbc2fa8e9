"""A resume's text out of the cells that tell it, for systems that keep candidates as data: redacted, as a document's.

Values alone become text, in the order in which the reader gives them, without what they are called: each heading on a
line of its own, below it each member of a group on a line, and what is long, or is a group itself, on lines below that.
Redaction knows a name in a document by its place and form; here a cell says it, so it goes wherever it stands.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import polars as pl

from pipelines.ingest.cells import Context, cell
from pipelines.ingest.documents.language import language
from pipelines.ingest.documents.quality import clean
from pipelines.ingest.documents.redact import redact
from pipelines.ingest.documents.redact.words import PARTICLES
from pipelines.ingest.documents.stuffing import stuffed_share
from pipelines.ingest.rules import Compose

_FLAGS: Final = ("true", "false")
"""Of nobody's interest without what they are called."""
_BLANK: Final = re.compile(r"[\s,]+")
_MIDNIGHT: Final = re.compile(r"^(\d{4}-\d{2}-\d{2})T00:00:00(?:\.0+)?$")
"""A day, as OData tells one; the hour is nobody's."""
_LEAST: Final = 2
"""Characters of a word that is a name: an initial stands for anything. In small letters it takes one more."""
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
    texts = [told(row, headings) for row in cells.rows()]
    # Redacted first: without its name, an address of mail or of a page is not seen as one.
    bare = [without(redact(text), of) if text else "" for text, of in zip(texts, names.rows(), strict=True)]
    kept = [
        (one, str(len(one)), f"{stuffed_share(text):.6f}", language(text)) if text else (None,) * len(step.made)
        for one, text in zip(bare, texts, strict=True)
    ]
    made = pl.DataFrame(kept, schema=dict.fromkeys(step.made, pl.String), orient="row")
    return frame.with_columns(made.get_columns())


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
    """A text without names: of several words in any case, with whatever stands between; single words as said below.

    A word goes where it begins with a capital, whatever case the cell has it in; where a cell has no capital at all,
    its words go in small letters too, since whoever writes their name so does it everywhere. Scripts without capitals
    join words to what stands beside them, so there a name goes from within a word too, unless it is one character.

    Args:
        text: In Unicode's composed form, as `told` gives it.
        names: Cells, each the whole of a name or a part, in any order; a group as JSON is all its texts.
    """
    cells = [clean(", ".join(_lines(_value(name)))) for name in names if name]
    words = [[parts for word in _BLANK.split(name) if (parts := _parts(word))] for name in cells]
    small = {part for name, of in zip(cells, words, strict=True) if name.islower() for parts in of for part in parts}
    small = {part for part in small if len(part) >= _LEAST and part not in PARTICLES}
    single = {part for of in words for parts in of for part in parts if _is_name(part)} | small
    forms = {*_orders([[part for parts in of for part in parts] for of in words]), *((part,) for part in single)}
    forms |= {tuple(parts) for of in words for parts in of if len(parts) > 1}  # O'Brien, Ann-Marie
    if not forms:
        return text
    one = "|".join(_pattern(form) for form in sorted(forms, key=lambda form: (-len("".join(form)), form)))

    def gone(match: re.Match[str]) -> str:
        hit = match[0]
        is_name = not hit[0].islower() or len(_parts(hit)) > 1 or (hit.lower() in small and len(hit) > _LEAST)
        return "[NAME]" if is_name else hit

    return re.sub(r"\[NAME\](?:[ ,]+\[NAME\])+", "[NAME]", re.sub(one, gone, text, flags=re.IGNORECASE))


def _parts(text: str) -> list[str]:
    """Runs of letters, digits and the marks on them, which a regular expression takes for what parts words."""
    runs = "".join(one if one.isalnum() or unicodedata.category(one)[0] == "M" else " " for one in text)
    return runs.split()


def _orders(names: Sequence[Sequence[str]]) -> set[tuple[str, ...]]:
    """What a whole name may read as: cells and all of them, in both orders, and their ends alone."""
    joined = [[part for name in order for part in name] for order in (names, names[::-1])]
    several = [parts for parts in (*names, *joined) if len(parts) > 1]
    ends = {order for parts in several for order in ((parts[0], parts[-1]), (parts[-1], parts[0]))}
    return {*ends, *(tuple(parts) for parts in several)}


def _is_name(part: str) -> bool:
    """Whether a word is a name by itself: not what stands between names, as van, nor an initial, nor a number."""
    return part[0].isalpha() and not part[0].islower() and (len(part) >= _LEAST or not _has_case(part))


def _has_case(text: str) -> bool:
    return text.lower() != text.upper()


def _pattern(parts: Sequence[str]) -> str:
    """A name's words with at most a few signs between, none of which is a letter."""
    said = r"[\W_]{0,3}".join(
        re.escape(part) if len(part.upper()) == len(part) else f"(?:{re.escape(part)}|{re.escape(part.upper())})"
        for part in parts
    )
    is_joined = not _has_case("".join(parts)) and len("".join(parts)) > 1
    return said if is_joined else rf"(?<![^\W_]){said}(?![^\W_])"


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
        texts = [_MIDNIGHT.sub(r"\1", text) for text in texts]
        texts = [text for text in texts if text and text not in _FLAGS]
        short = [text for text in texts if len(text) <= _LONG and "\n" not in text]
        if short:
            yield ", ".join(short)
        yield from (text for text in texts if text not in short)
        for part in parts:
            if isinstance(part, dict | list):
                yield from _lines(part)
