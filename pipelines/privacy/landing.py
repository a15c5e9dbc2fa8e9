"""Take a person out of the exact bytes received, and out of the rows that were rejected.

Reads   lake/files      which files ever landed, and how their feeds read them
Writes  landing         lines of CSV, elements of JSON lists, documents: without the person, other bytes as they were
        quarantine      sealed rows without the person

A row is a person's when the feed's own rules give one of their pseudonyms, or when it has an id of the vendor's own
that other rows say is theirs (`own_ids`); a row that its feed cannot read, or that lacks every such id, when its text
has a word that was theirs alone. Other rows of that kind, ids of which nobody says whose they are, files that cannot be
read as declared, and objects that no batch has registered, cannot be searched: the certificate names them, for their
owner to look at.
What is rewritten gets a new key, and the old one is destroyed; what PGP encrypted is written anew in the clear, since
nobody can sign for its sender, and sealed as all of landing is. A file whose key is destroyed already (`expire`) holds
nobody.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.base import landing, staging
from pipelines.base.catalog import LANDING, QUARANTINE
from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.base.errors import ContractError
from pipelines.base.forgotten import Group
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import seal_frame, unseal_frame
from pipelines.base.store import Store
from pipelines.ingest import feeds as declared
from pipelines.ingest import files
from pipelines.ingest.batch import Held, Unit, scratch
from pipelines.ingest.discover import landed
from pipelines.ingest.documents.extract import Extracted
from pipelines.ingest.feeds import Feed
from pipelines.ingest.land import document_key
from pipelines.ingest.persons import PERSON, own, persons, tells
from pipelines.ingest.pgp import can_open, landed_plain
from pipelines.ingest.read import FAULT, LINE, ROW, dialect, parts
from pipelines.ingest.read.documents import to_frame
from pipelines.privacy import own_ids
from pipelines.privacy.records import texts, without

Note = Callable[[str, str, str], None]
Unsearched = dict[str, int | None]
"""Object -> rows of it that cannot be searched; None for all of it."""


def rows_of(raw: pl.DataFrame, feed: Feed, groups: Mapping[str, str], one: Group) -> set[int]:
    """Source rows of a person by the feed's rules.

    Args:
        raw: [n_rows] text cells and `source_row`.
        feed: How they are read.
        groups: Of the file's name.
        one: The person.
    """
    named = persons(raw, feed, groups)
    return set(named.filter(one.holds(named[PERSON]))[ROW])


@dataclass(frozen=True, slots=True)
class Sought:
    """A person, and what is known of everybody's ids."""

    one: Group
    told: pl.DataFrame
    """Ids of which it is known whose they are, from `own_ids.widened`."""

    def rows_of(self, raw: pl.DataFrame, feed: Feed, groups: Mapping[str, str]) -> tuple[set[int], set[int]]:
        """Source rows of the person, and those of which nobody can say whether they are."""
        mine = rows_of(raw, feed, groups, self.one)
        theirs, unsure = own_ids.rows_of(own(raw, feed), self.one, self.told)
        return mine | theirs, set() if tells(feed) else unsure - mine


def nameless(raw: pl.DataFrame, feed: Feed, groups: Mapping[str, str]) -> dict[int, str]:
    """Source rows in which no rule names anybody and that lack every id of the vendor's, with the text of their cells.

    Args:
        raw: [n_rows] text cells and `source_row`.
        feed: How they are read.
        groups: Of the file's name.
    """
    if feed.is_nobody_without or not feed.own_ids:
        return {}
    known = pl.concat([own(raw, feed)[ROW], persons(raw, feed, groups)[ROW]]).unique()
    left = raw.filter(~pl.col(ROW).is_in(known.implode())).select(ROW, pl.exclude(ROW, FAULT).cast(pl.String))
    return {row: "\n".join(filter(None, cells)) for row, *cells in left.iter_rows()}


def erase(store: Store, one: Group, note: Note, remember: Callable[[Group], None] | None = None) -> Unsearched:
    """Rewrite what landed and what was rejected. The caller holds the lock of publishing.

    Args:
        store: All zones.
        one: The person.
        note: Told of every object and its digests before and after (empty: removed), just before it is changed.
        remember: Told before any is changed of the person with the vendors' own ids that are theirs: once the rows that
            say so are gone, nothing else says it.

    Returns:
        What could not be searched.
    """
    feeds = declared.load(declared.folder())
    one, told = own_ids.widened(store, one, own_ids.links(_linking(store, feeds)))
    if remember is not None:
        remember(one)
    sought = Sought(one, told)
    unsearched = _quarantine(store, feeds, sought, note)
    registered: set[str] = set()
    for name in sorted({key.split("/")[2] for key in store.list("lake/files")}):
        for record in files.of_feed(store, name):
            registered |= {record.landing_key.rpartition("/")[0], *_folders(record)}
            if store.exists(record.landing_key):
                unsearched |= _unsearched(store, feeds, record, sought, note)
    # The name of a document is often the person's: what no batch has registered is named by its folder.
    landed_now = {key.rpartition("/")[0] for key in store.list(LANDING)}
    return unsearched | dict.fromkeys(sorted(landed_now - registered))


def _is_of_another(feed: Feed) -> bool:
    """Whether nothing of a feed tells whom its rows are about: it looks them up, or is only looked up."""
    return not feed.own_ids and not tells(feed)


def _linking(store: Store, feeds: Mapping[str, Feed]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, bool]]:
    """Of parts of all files with the vendor's own ids: these, whom rules name beside them, and whether rules say it."""
    for feed in feeds.values():
        for record in files.of_feed(store, feed.name) if feed.own_ids and feed.dialect != "documents" else ():
            unit = landed(record, feed)
            with suppress(Held), _plain(store, feed, record) as (source, _, folder):
                for frame in _frames(source, folder / "linked", feed, unit) if source is not None else ():
                    yield own(frame, feed), persons(frame, feed, unit.groups), tells(feed)


def _folders(record: files.Record) -> set[str]:
    top = record.landing_key.rsplit("/", 2)[0]
    return {f"{top}/{sha256}" for _, sha256, _ in record.documents}


def _unsearched(
    store: Store, feeds: Mapping[str, Feed], record: files.Record, sought: Sought, note: Note
) -> Unsearched:
    """Rewrite what one file left in landing; what of it cannot be read."""
    feed = feeds.get(record.feed)
    shown = _shown(record, feed)
    try:
        if feed is None:
            return {shown: None}
        rows = (_documents if record.documents else _file)(store, feed, record, sought, note)
    except Held:
        return {shown: None}
    if _is_of_another(feed):
        return {shown: None}
    return {shown: rows} if rows else {}


def _shown(record: files.Record, feed: Feed | None) -> str:
    """A landed file as the certificate names it: by its folder where its name may be a person's."""
    is_neutral = bool(record.documents) or (feed is not None and not feed.is_one)
    return record.landing_key if is_neutral else record.landing_key.rpartition("/")[0]


def _quarantine(store: Store, feeds: Mapping[str, Feed], sought: Sought, note: Note) -> Unsearched:
    one = sought.one
    unsearched: Unsearched = {}
    for key in store.list(QUARANTINE):
        if not key.endswith(".sealed"):
            continue
        about = json.loads(store.read(key.removesuffix("sealed") + "json"))
        feed, records = feeds.get(about["feed"]), files.find(store, about["feed"], about["file_id"])
        if feed is None or not records or _is_of_another(feed):
            unsearched[key] = None
        if feed is None or not records:
            continue
        before = store.read(key)
        frame = unseal_frame(secret(VAULT_KEY), before)
        ragged = frame.filter(pl.col(LINE).is_not_null()) if LINE in frame.columns else frame.clear()
        theirs = {row for row, text in ragged.select(ROW, LINE).rows() if one.is_in(text)} if len(ragged) else set()
        mine, unsure = sought.rows_of(frame, feed, records[0].groups)
        lacking = nameless(frame, feed, records[0].groups)
        theirs |= {row for row, text in lacking.items() if one.is_in(text)}
        kept = frame.filter(~pl.col(ROW).is_in(list(theirs | mine)))
        unclear = (set(ragged[ROW]) | unsure | set(lacking)) - theirs
        if unclear:
            unsearched[key] = len(unclear)
        if not tells(feed) and own(frame, feed).is_empty():  # sealed before anything read its ids
            unsearched[key] = None
        if len(kept) < len(frame):
            after = seal_frame(secret(VAULT_KEY), kept)
            note(key, sha256_bytes(before), sha256_bytes(after))
            store.put(key, after)
    return unsearched


def _documents(store: Store, feed: Feed, record: files.Record, sought: Sought, note: Note) -> int:
    """Remove a person's documents, their lines of the index and their names in the register. All can be searched."""
    unit = landed(record, feed)
    mine = rows_of(to_frame(unit, feed, [Extracted("ok")] * len(unit.documents)), feed, record.groups, sought.one)
    if not mine:
        return 0
    kept = tuple(item for number, item in enumerate(unit.documents, 1) if number not in mine)
    for number in sorted(mine):
        name, sha256, _ = unit.documents[number - 1]
        key = document_key(unit, name, sha256)
        # The name of a document is often the person's: the certificate knows it by its digest.
        note(f"{unit.landing_folder}/{sha256}", sha256, "")
        landing.remove(store, key)
    index = json.dumps(kept).encode()
    with _opened(store, record) as (before, folder):
        if before is not None and before.read_bytes() == index:  # rewritten by a run that was killed after it
            landing.settle(store, record.landing_key)
        elif before is not None:
            note(record.landing_key, sha256_file(before), sha256_bytes(index))
            landing.replace(store, record.landing_key, io.BytesIO(index), folder)
    files.enter(store, replace(record, documents=kept), note)
    return 0


def _file(store: Store, feed: Feed, record: files.Record, sought: Sought, note: Note) -> int:
    """Rewrite one file; what was written is read again before it takes the old one's place. Rows not searched."""
    unit, key = landed(record, feed), record.landing_key
    with _plain(store, feed, record) as (plain, source, folder):
        if plain is None or source is None:
            return 0
        rows, mine, unclear = _found(plain, folder / "before", feed, unit, sought)
        data = without(plain.read_bytes(), mine, feed) if mine else b""
        if not mine:
            landing.settle(store, key)
            return unclear
        after = folder / "rewritten"
        after.write_bytes(data)
        left, still, _ = _found(after, folder / "after", feed, unit, sought) if rows > len(mine) else (0, set[int](), 0)
        if still or left != rows - len(mine):
            raise ContractError(
                f"A landed file of {feed.name} must lose {len(mine)} of {rows} rows; it would not. It is as it was."
            )
        if feed.is_one:  # first: once nobody is in the file, nothing says any more whose its name was
            files.unname(store, feed.name, record.sha256, note)
        note(_shown(record, feed), sha256_file(source), sha256_bytes(data))
        landing.replace(store, key, io.BytesIO(data), folder)
    return unclear


@contextmanager
def _plain(store: Store, feed: Feed, record: files.Record) -> Iterator[tuple[Path | None, Path | None, Path]]:
    """A landed file as its reader wants it, and as it landed; none when its key is destroyed; and the folder of both.

    Raises:
        Held: It cannot be opened.
    """
    with _opened(store, record) as (source, folder):
        if source is None:
            yield None, None, folder
            return
        if not (can_open(feed) or landing.is_rewritten(store, record.landing_key)):
            raise Held("not_opened", f"A file of {feed.name} must be opened to be searched; its keys are not at hand.")
        with landed_plain(store, record.landing_key, source, feed, folder, is_believed=True) as plain:
            yield plain, source, folder


@contextmanager
def _opened(store: Store, record: files.Record) -> Iterator[tuple[Path | None, Path]]:
    """A landed file in clear, None when its key is destroyed; and the folder it lies in, which the next run sweeps."""
    top = scratch(store) / "privacy"
    top.mkdir(parents=True, exist_ok=True)
    staging.sweep(top.iterdir())
    with staging.new_folder(top) as folder:
        source = folder / "source"
        yield (source if landing.read(store, record.landing_key, source) else None), folder


def _frames(source: Path, out: Path, feed: Feed, unit: Unit) -> Iterator[pl.DataFrame]:
    """Parts of a file.

    Raises:
        Held: It cannot be read as declared.
    """
    out.mkdir()
    dialect(feed.dialect).read(source, out, feed, unit)
    yield from map(pl.read_ipc, parts(out))


def _found(source: Path, out: Path, feed: Feed, unit: Unit, sought: Sought) -> tuple[int, set[int], int]:
    """How many rows a file has, which are the person's, and how many nobody can say whose they are.

    Raises:
        Held: It cannot be read as declared.
    """
    rows, mine, unsure, faulty = 0, set[int](), set[int](), set[int]()
    lines, lacking = dict[int, str](), dict[int, str]()
    for frame in _frames(source, out, feed, unit):
        rows += len(frame)
        some, others = sought.rows_of(frame, feed, unit.groups)
        mine |= some
        unsure |= others
        lacking |= nameless(frame, feed, unit.groups)
        # Of a row whose cells are all null, no rule can say whose it is.
        bare = frame.filter(pl.col(FAULT).is_not_null(), pl.all_horizontal(pl.exclude(ROW, FAULT, LINE).is_null()))
        faulty |= set(bare[ROW])
        lines |= dict(bare.select(ROW, LINE).drop_nulls().iter_rows()) if LINE in bare.columns else {}
    unclear = faulty | unsure | set(lacking)
    lines |= texts(source.read_bytes(), feed, faulty) | lacking
    theirs = {row for row, text in lines.items() if sought.one.is_in(text)}
    return rows, mine | theirs, len(unclear - theirs)
