"""Oracle's HCM Data Loader: a zip of .dat files, each line a record of one component, columns named by METADATA lines.

Options: `file` (such as Worker.dat), `component` (such as Assignment), `may_be_empty`, `max_bytes` and `max_ratio` of
the archive. Cells are told apart by `|`, escaped by a backslash, without quotes; SET lines may change that. Fields at
the end may be left out: absent cells of a column that is there. `#NULL` is an explicit null. `@instruction` says MERGE
or DELETE: a feed that does not filter by it takes deletions for facts. Lines of other components are passed over.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.read import NULL, Report
from pipelines.ingest.read._archive import Limits, member
from pipelines.ingest.read._lines import text_lines
from pipelines.ingest.read._records import Bounded, Record, write

INSTRUCTION: Final = "@instruction"
_SETS: Final = ("FILE_DELIMITER", "FILE_ESCAPE", "FILE_NEW_LINE")


class Options(Limits):
    """Which records, and what the archive may grow to."""

    file: str
    component: str
    may_be_empty: bool


def read(source: Path, out: Path, feed: Feed, unit: Unit) -> Report:
    """Read one component of one business object.

    Args:
        source: The zip.
        out: Folder for the parts.
        feed: Its declaration.
        unit: Not used: nothing comes from the name.

    Raises:
        Held: Not a sound zip, hostile, without the file or the component, or without records.
    """
    del unit
    want: Options = options(Options, feed)
    component = Component(want.component, feed)
    with member(source, want.file, want, feed) as file:
        bounded = Bounded(file, feed)
        report = write(bounded.batches(component.records(text_lines(bounded, "utf-8", feed))), out, feed)
    if component.names is None:
        raise Held("missing_component", f"{feed.name} must name the columns of {want.component}; no METADATA does.")
    if not report.rows and not want.may_be_empty:
        raise Held("empty_report", f"{feed.name} must hold records; there is no {want.component}.")
    return replace(report, columns=tuple(dict.fromkeys([*report.columns, *component.columns])))


class Component:
    """One component's lines among all others."""

    def __init__(self, name: str, feed: Feed) -> None:
        """Nothing is known yet."""
        self._name, self._feed = name, feed
        self._signs = {"FILE_DELIMITER": "|", "FILE_ESCAPE": "\\", "FILE_NEW_LINE": "\\n"}
        self.names: list[str] | None = None
        self.columns: dict[str, None] = {}
        """Of all METADATA so far: where nobody has left, no line goes on to the day of leaving."""

    def records(self, lines: Iterable[str]) -> Iterator[Record]:
        """Rows of the component; a line that is no instruction is one of somebody, with a fault."""
        for line in lines:
            text = line.rstrip("\r\n")
            word = text.partition(self._signs["FILE_DELIMITER"])[0].strip()
            if word.startswith("SET "):
                self._set(text)
            elif word in ("METADATA", "MERGE", "DELETE"):
                yield from self._instruction(word, text)
            elif word and word.split(maxsplit=1)[0] != "COMMENT":
                yield Record.broken("unknown_record", text)

    def _instruction(self, word: str, text: str) -> Iterator[Record]:
        cells = split(text, **self._signs)
        if cells[1:2] != [self._name]:
            return
        if word != "METADATA":
            yield self._record(word, text, cells[2:])
        elif len(set(cells[2:])) != len(cells[2:]):
            raise Held("duplicate_header", f"{self._feed.name} must have each column once; METADATA repeats one.")
        else:
            self.names = cells[2:]
            self.columns.update(dict.fromkeys(self.names))

    def _record(self, word: str, text: str, cells: list[str]) -> Record:
        if self.names is None:
            raise Held("missing_component", f"{self._feed.name} must have METADATA before {self._name}; it has none.")
        if len(cells) > len(self.names):
            return Record.broken("ragged_row", text)
        named = zip(self.names, cells, strict=False)  # fields at the end may be left out
        return Record({INSTRUCTION: word, **{name: NULL if cell == "#NULL" else cell for name, cell in named}})

    def _set(self, text: str) -> None:
        _, key, *value = text.split(" ", 2)
        if key not in _SETS:
            return
        if not value or not 1 <= len(value[0]) <= 10:
            raise Held("malformed_hdl", f"{self._feed.name} must SET {key} to 1 to 10 characters; it does not.")
        if key == "FILE_ESCAPE" and self._signs["FILE_NEW_LINE"] == f"{self._signs['FILE_ESCAPE']}n":
            self._signs["FILE_NEW_LINE"] = f"{value[0]}n"
        self._signs[key] = value[0]


def split(text: str, FILE_DELIMITER: str, FILE_ESCAPE: str, FILE_NEW_LINE: str) -> list[str]:  # noqa: N803 - Oracle's
    """Cells of a line. An escape before anything but itself and the delimiter is a character like others."""
    if FILE_ESCAPE not in text and FILE_NEW_LINE not in text:
        return text.split(FILE_DELIMITER)
    end, escape, new_line = (re.escape(sign) for sign in (FILE_DELIMITER, FILE_ESCAPE, FILE_NEW_LINE))
    cells, pieces, at = [], [], 0
    for found in re.finditer(f"(?P<new_line>{new_line})|{escape}(?P<escaped>{end}|{escape})|{end}", text):
        pieces.append(text[at : found.start()])
        at = found.end()
        if found["new_line"] or found["escaped"]:
            pieces.append(found["escaped"] or "\n")
        else:
            cells.append("".join(pieces))
            pieces = []
    return [*cells, "".join([*pieces, text[at:]])]
