"""The raw text of single records within a file, and the file without some of them, all other bytes as they were.

Records are numbered from 1 as the readers number them: those of CSV after the header, empty lines left out; those of
JSON within their list.
"""

import json
import re
from collections.abc import Collection, Iterator
from typing import Final

from pipelines.ingest.batch import Held
from pipelines.ingest.feeds import Feed

KNOWN: Final = ("csv", "workday_json")
"""Dialects whose records can be cut out of their file."""


def texts(data: bytes, feed: Feed, rows: Collection[int]) -> dict[int, str]:
    """Raw text of some records of a file; none where the dialect is not known here."""
    if not rows or not _is_known(feed):
        return {}
    if feed.dialect == "csv":
        quote = str(feed.options["quote"]).encode()
        return {n: record.decode(feed.encoding, "replace") for n, record in lines(data, quote) if n in rows}
    text, at = _opened(data, feed)
    return {number: text[start:end] for number, (start, end) in enumerate(_elements(text, at), 1) if number in rows}


def _is_known(feed: Feed) -> bool:
    return feed.dialect in KNOWN and feed.encoding != "utf-16"  # whose line ends are two bytes


def lines(data: bytes, quote: bytes) -> Iterator[tuple[int, bytes]]:
    """Records of a CSV file with their numbers; 0 is the header. An empty line has the number of the record before."""
    record, number = b"", -1
    for line in data.splitlines(keepends=True):
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
    quote = str(feed.options["quote"]).encode()
    return b"".join(record for number, record in lines(data, quote) if number not in rows or not record.strip())


def without_elements(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A JSON file without some elements of its list."""
    text, at = _opened(data, feed)
    kept, between, last = [], ",", at
    for number, (start, end) in enumerate(_elements(text, at), 1):
        between = text[last:start] if "," in text[last:start] else between
        last = end
        if number not in rows:
            kept.append(text[start:end])
    closing = re.compile(r"\s*,?\s*").match(text, last)
    return (text[:at] + between.join(kept) + text[closing.end() if closing else last :]).encode()


def _opened(data: bytes, feed: Feed) -> tuple[str, int]:
    """The text of a JSON file, and where the first element of its list begins."""
    text = data.decode("utf-8")
    last = str(feed.options["record_path"]).split(".")[-1]
    start = re.search(rf'"{re.escape(last)}"\s*:\s*\[\s*', text)
    if start is None:
        raise Held("missing_record_path", f"{feed.name} must hold the list {last}; there is none.")
    return text, start.end()


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each element of the list that begins at `at` starts and ends."""
    decoder, gap = json.JSONDecoder(), re.compile(r"\s*,?\s*")
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        yield at, end
        found = gap.match(text, end)
        at = found.end() if found else end
