"""Take a person out of the exact bytes received, and out of the rows that were rejected.

Reads   lake/files      which files ever landed, and how their feeds read them
Writes  landing         lines of CSV, elements of JSON lists, documents: without the person, other bytes as they were
        quarantine      sealed rows without the person

A row is a person's when the feed's own rule for `person_id` gives one of their pseudonyms. A file that its feed cannot
read as declared cannot be searched: it is named in the certificate, for its owner to look at. What is rewritten gets a
new key, and the old one is destroyed. A file whose key is destroyed already (`expire`) holds nobody.
"""

import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base import landing, staging
from pipelines.base.catalog import QUARANTINE
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.base.errors import ContractError
from pipelines.base.pseudonyms import PSEUDONYM_KEY, VAULT_KEY, secret
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store
from pipelines.ingest import feeds as declared
from pipelines.ingest import files
from pipelines.ingest.batch import Held, Unit, work
from pipelines.ingest.cells import Context
from pipelines.ingest.discover import landed
from pipelines.ingest.documents.extract import Extracted
from pipelines.ingest.expressions import fill
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import document_key
from pipelines.ingest.read import ROW, dialect, parts
from pipelines.ingest.read.documents import to_frame

Note = Callable[[str, str, str], None]
_PERSON: Final = "person_id"


def rows_of(raw: pl.DataFrame, feed: Feed, groups: Mapping[str, str], people: Collection[str]) -> set[int]:
    """Source rows of a person.

    Args:
        raw: [n_rows] text cells and `source_row`.
        feed: How they are read.
        groups: Of the file's name.
        people: Pseudonyms.
    """
    frame = raw.with_columns(pl.lit(value).alias(name) for name, value in groups.items() if name not in raw.columns)
    context = Context(frozenset(frame.columns), feed.extraction(groups), secret(PSEUDONYM_KEY))
    found: set[int] = set()
    for mapped in feed.tables:
        rule = mapped.columns.get(_PERSON)
        if rule is not None and rule.person is not None:
            column = next(column for column in TABLES[mapped.table].columns if column.name == _PERSON)
            is_mine = fill(rule, column, context).value.is_in(list(people))
            found |= set(frame.filter(is_mine)[ROW].to_list())
    return found


def erase(store: Store, people: Collection[str], note: Note) -> list[str]:
    """Rewrite what landed and what was rejected.

    Args:
        store: All zones.
        people: Pseudonyms.
        note: Told of every object and its digests before and after (empty: removed), just before it is changed.

    Returns:
        Objects that could not be searched.
    """
    feeds = declared.load(declared.folder())
    unsearched = _quarantine(store, feeds, people, note)
    for name in sorted({key.split("/")[2] for key in store.list("lake/files")}):
        for record in files.of_feed(store, name):
            if store.exists(record.landing_key) and not _is_searched(store, feeds.get(name), record, people, note):
                unsearched.append(record.landing_key)
    return sorted(set(unsearched))


def _is_searched(store: Store, feed: Feed | None, record: files.Record, people: Collection[str], note: Note) -> bool:
    """Rewrite what one file left in landing; False when it cannot be read."""
    if feed is None:
        return False
    try:
        (_documents if record.documents else _file)(store, feed, record, people, note)
    except Held:
        return False
    return True


def _quarantine(store: Store, feeds: Mapping[str, Feed], people: Collection[str], note: Note) -> list[str]:
    unsearched = []
    for key in store.list(QUARANTINE):
        if not key.endswith(".sealed"):
            continue
        about = json.loads(store.read(key.removesuffix("sealed") + "json"))
        feed, records = feeds.get(about["feed"]), files.find(store, about["feed"], about["file_id"])
        if feed is None or not records:
            unsearched.append(key)
            continue
        before = store.read(key)
        frame = unseal_frame(secret(VAULT_KEY), before)
        kept = frame.filter(~pl.col(ROW).is_in(list(rows_of(frame, feed, records[0].groups, people))))
        if len(kept) < len(frame):
            after = seal_frame(secret(VAULT_KEY), kept)
            note(key, sha256_bytes(before), sha256_bytes(after))
            store.put(key, after)
    return unsearched


def _documents(store: Store, feed: Feed, record: files.Record, people: Collection[str], note: Note) -> None:
    """Remove a person's documents, their lines of the index and their names in the register."""
    unit = landed(record, feed)
    mine = rows_of(to_frame(unit, feed, [Extracted("ok")] * len(unit.documents)), feed, record.groups, people)
    if not mine:
        return
    kept = tuple(item for number, item in enumerate(unit.documents, 1) if number not in mine)
    for number in sorted(mine):
        name, sha256, _ = unit.documents[number - 1]
        key = document_key(unit, name, sha256)
        # The name of a document is often the person's: the certificate knows it by its digest.
        note(f"{unit.landing_folder}/{sha256}", sha256, "")
        landing.remove(store, key)
    index = json.dumps(kept).encode()
    with _opened(store, record) as (before, scratch):
        if before is not None:
            note(record.landing_key, sha256_file(before), sha256_bytes(index))
            landing.replace(store, record.landing_key, io.BytesIO(index), scratch)
    files.enter(store, replace(record, documents=kept))


def _file(store: Store, feed: Feed, record: files.Record, people: Collection[str], note: Note) -> None:
    """Rewrite one file; what was written is read again before it takes the old one's place."""
    unit = landed(record, feed)
    with _opened(store, record) as (source, scratch):
        if source is None:
            return
        rows, mine = _found(source, scratch / "before", feed, unit, people)
        if not mine:
            landing.settle(store, record.landing_key)
            return
        before = source.read_bytes()
        data = without_lines(before, mine, feed) if feed.dialect == "csv" else without_elements(before, mine, feed)
        after = scratch / "rewritten"
        after.write_bytes(data)
        left, still = _found(after, scratch / "after", feed, unit, people) if rows > len(mine) else (0, set[int]())
        if still or left != rows - len(mine):
            raise ContractError(
                f"A landed file of {feed.name} must lose {len(mine)} of {rows} rows; it would not. It is as it was."
            )
        note(record.landing_key, sha256_bytes(before), sha256_bytes(data))
        landing.replace(store, record.landing_key, io.BytesIO(data), scratch)


@contextmanager
def _opened(store: Store, record: files.Record) -> Iterator[tuple[Path | None, Path]]:
    """A landed file in clear, None when its key is destroyed; and the folder it lies in, which the next run sweeps."""
    place = work(store) / "privacy"
    place.mkdir(parents=True, exist_ok=True)
    staging.sweep(place.iterdir())
    with staging.new_folder(place) as scratch:
        source = scratch / "source"
        yield (source if landing.read(store, record.landing_key, source) else None), scratch


def _found(source: Path, out: Path, feed: Feed, unit: Unit, people: Collection[str]) -> tuple[int, set[int]]:
    """How many rows a file has, and which are the person's. Raises Held when it cannot be read as declared."""
    out.mkdir()
    rows = dialect(feed.dialect).read(source, out, feed, unit).rows
    mine = [rows_of(pl.read_parquet(part), feed, unit.groups, people) for part in parts(out)]
    return rows, set().union(*mine)


def without_lines(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A CSV file without some records, numbered from 1 after the header; empty lines do not count."""
    quote = str(feed.options["quote"]).encode()
    kept, record, number = [], b"", -1
    for line in data.splitlines(keepends=True):
        record += line
        if record.count(quote) % 2:
            continue
        number += bool(record.strip())
        if number not in rows or not record.strip():
            kept.append(record)
        record = b""
    return b"".join([*kept, record])


def without_elements(data: bytes, rows: Collection[int], feed: Feed) -> bytes:
    """A JSON file without some elements of its list, numbered from 1."""
    text = data.decode("utf-8")
    last = str(feed.options["record_path"]).split(".")[-1]
    start = re.search(rf'"{re.escape(last)}"\s*:\s*\[\s*', text)
    if start is None:
        raise Held("missing_record_path", f"{feed.name} must hold the list {last}; there is none.")
    return _joined(text, start.end(), rows).encode()


def _joined(text: str, at: int, rows: Collection[int]) -> str:
    """Elements from `at` on that are not in `rows`, and all that stands around them."""
    head, decoder, gap = text[:at], json.JSONDecoder(), re.compile(r"\s*,?\s*")
    kept: list[str] = []
    between, number = ",", 0
    while text[at] != "]":
        number += 1
        end = decoder.raw_decode(text, at)[1]
        if number not in rows:
            kept.append(text[at:end])
        found = gap.match(text, end)
        at = found.end() if found else end
        between = text[end:at] if "," in text[end:at] else between
    return head + between.join(kept) + text[at:]
