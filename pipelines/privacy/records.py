"""The raw text of single records within a file, and the file without some of them, all other bytes as they were.

Records are numbered from 1 as the readers number them: those of CSV after the header, empty lines left out; those of
JSON within their list.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed

KNOWN: Final = ("csv", "workday_json", "json_records")
"""Dialects whose records can be cut out of their file."""


def texts(data: bytes, feed: Feed, rows: Collection[int]) -> dict[int, str]:
    """Raw text of some records of a file; none where the dialect is not known here."""
    if not rows or not _is_known(feed):
        return {}
    if feed.dialect == "csv":
        return {n: record.decode(feed.encoding, "replace") for n, record in _records(data, feed) if n in rows}
    text = _decoded(data)
    if feed.is_one:
        return {1: text} if 1 in rows else {}
    spans = (span for at in _lists(text, feed) for span in _elements(text, at))
    return {number: text[start:end] for number, (start, end) in enumerate(spans, 1) if number in rows}


def _is_known(feed: Feed) -> bool:
    return feed.dialect in KNOWN and feed.encoding != "utf-16"  # whose line ends are two bytes


def _records(data: bytes, feed: Feed) -> Iterator[tuple[int, bytes]]:
    return lines(data, str(feed.options["quote"]).encode(), int(feed.options.get("skip_top", 0)))


def lines(data: bytes, quote: bytes, above: int = 0) -> Iterator[tuple[int, bytes]]:
    """Records of a CSV file with their numbers; 0 is the header, as are the lines above it.

    An empty line has the number of the record before, what stands below the rows those after the last.
    """
    record, number = b"", -1
    told = data.splitlines(keepends=True)
    yield from ((0, line) for line in told[:above])
    for line in told[above:]:
        record += line
        if record.count(quote) % 2 == 0:
            number += bool(record.strip())
            yield number, record
            record = b""
    if record:
        yield number + 1, record


def without(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A file without some records.

    Raises:
        Held: Nobody has written yet how records leave a file of its dialect.
    """
    if not _is_known(feed):
        raise Held(
            "not_rewritable",
            f"{feed.name} must speak {' or '.join(KNOWN)} for single records to leave its files; it speaks "
            f"{feed.dialect} in {feed.encoding}. Remove the whole file and have its owner send it again.",
        )
    return (without_lines if feed.dialect == "csv" else without_elements)(data, rows, feed)


def without_lines(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A CSV file without some records."""
    return b"".join(record for number, record in _records(data, feed) if number not in rows or not record.strip())


def without_elements(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A JSON file without some elements of its list, or of the lists of its pages; null in place of the one record."""
    if feed.is_one:
        return _nothing(_path(feed)) if rows else data
    text = _decoded(data)
    made, done, number = "", 0, 0
    for at in _lists(text, feed):
        kept, between, last = [], ",", at
        for start, end in _elements(text, at):
            number += 1
            between = text[last:start] if "," in text[last:start] else between
            last = end
            if number not in rows:
                kept.append(text[start:end])
        closing = re.compile(r"\s*,?\s*").match(text, last)
        made += text[done:at] + between.join(kept)
        done = closing.end() if closing else last
    return (made + text[done:]).encode()


def _nothing(path: Sequence[str]) -> bytes:
    """A document with null where its one record was."""
    document: object = None
    for name in reversed(path):
        document = {name: document}
    return json.dumps(document).encode()


def _path(feed: Feed) -> list[str]:
    return [name for name in str(feed.options["record_path"]).split(".") if name]


def _decoded(data: bytes) -> str:
    return data.decode("utf-8")


def _lists(text: str, feed: Feed) -> list[int]:
    """Where the first element begins of each list of records: pages of one dump have several.

    Raises:
        Held: There is none.
    """
    path = _path(feed)
    begun = _after(text, 1 if text.startswith("\ufeff") else 0)
    is_paged = bool(path) and feed.dialect == "json_records" and text[begun] == "["
    tops = [start for start, _ in _elements(text, _after(text, begun + 1))] if is_paged else [begun]
    found = [at for top in tops for at in _below(text, top, path)]
    if not found:
        raise Held("missing_record_path", f"{feed.name} must hold the list {'.'.join(path)}; there is none.")
    return found


def _below(text: str, at: int, path: Sequence[str]) -> Iterator[int]:
    """Where the lists begin that keys lead to, from the value at `at` down."""
    if not path:
        if text[at] == "[":
            yield _after(text, at + 1)
        return
    decoder, at, is_object = json.JSONDecoder(), _after(text, at + 1), text[at] == "{"
    while is_object and text[at] != "}":
        name, end = decoder.raw_decode(text, at)
        value = _after(text, _after(text, end) + 1)  # behind the colon
        if name == path[0]:
            yield from _below(text, value, path[1:])
        at = _after(text, decoder.raw_decode(text, value)[1])
        at = _after(text, at + 1) if text[at] == "," else at


def _after(text: str, at: int) -> int:
    """The first place from `at` on that is no blank."""
    while text[at] in " \t\r\n":
        at += 1
    return at


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each element of the list that begins at `at` starts and ends."""
    decoder, gap = json.JSONDecoder(), re.compile(r"\s*,?\s*")
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        yield at, end
        found = gap.match(text, end)
        at = found.end() if found else end
