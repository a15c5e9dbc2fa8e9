"""Explain what a file would become, by reading and mapping it as a run does, beside any store.

Reads   a file or a folder of documents; of joined feeds, what lies in their folders; of a store only from which day on
        it keeps what, where the caller tells
Writes  nothing: raw and mapped rows stand in a scratch folder that is removed, pseudonyms are made with a key of the
        moment, so that no secret is needed but the key of a file that is encrypted

Only counts and names leave: of columns, tables, rules and reasons. A file's header is shown once a declared column is
found in it; before that it may be a row of somebody's values.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.base import staging
from pipelines.base.contracts import TABLES
from pipelines.ingest.batch import CHECK, Held, checks
from pipelines.ingest.cells import Context
from pipelines.ingest.explain.given import Given, given
from pipelines.ingest.explain.looks import TURNED, Look, Result, filled, garbled
from pipelines.ingest.explain.lookups import Lookups
from pipelines.ingest.explain.names import banned_names
from pipelines.ingest.explain.words import Use, uses
from pipelines.ingest.feeds import Feed
from pipelines.ingest.map import map_parts
from pipelines.ingest.pgp import plain
from pipelines.ingest.read import parts, read_file
from pipelines.ingest.rules import TableMap


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a column in one place."""

    to: str
    how: str
    turned: int | None = None
    """Values made; None where none are: a column may also only decide which rows are kept."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Reason code -> rows."""


@dataclass(frozen=True, slots=True)
class ColumnOfFile:
    """A column of the file."""

    name: str
    """A named group of the file's name is one, too."""
    filled: int
    empty: int
    becomes: tuple[Outcome, ...]
    never: str = ""
    """Why no rule may read it."""


@dataclass(frozen=True, slots=True)
class TableOfFile:
    """A canonical table that the file feeds."""

    table: str
    rows: int
    beyond_retention: int
    """Of them those of days before which nothing is kept; 0 too where no store was asked."""
    rejected: Mapping[str, int]
    """Reason code, with the column after a colon -> rows."""
    given: tuple[Outcome, ...]
    """Columns that no column of the file fills."""
    lacking: tuple[str, ...]
    """Required columns whose source is not in the file."""
    unfilled: tuple[str, ...]
    """Optional columns without a rule."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What a run would make of a file."""

    feed: str
    is_found: bool
    """Whether a run takes a file of this name."""
    is_in_place: bool | None
    """Whether it lies below the feed's location; None when nobody says where exports arrive."""
    is_ready: bool
    """Whether it shows that it is complete; a run waits for one that does not."""
    period: str
    extracted_at: str | None
    """When the source wrote it, by its name or its declaration; for a name that does not match, when it changed."""
    held: Mapping[str, str] | None
    """Reason code and message."""
    rows: Mapping[str, Any] | None
    """Counts that add up, as in the manifest."""
    columns: tuple[ColumnOfFile, ...] = ()
    hidden_columns: int = 0
    """Columns whose names are not shown, because no declared one is among them."""
    absent: Mapping[str, bool] = field(default_factory=dict)
    """Declared column that is not in the file -> whether it is required."""
    joins: Mapping[str, str] = field(default_factory=dict)
    """Joined feed -> `found`, or why its columns are empty here."""
    tables: tuple[TableOfFile, ...] = ()
    kept_from: Mapping[str, str] | None = None
    """Table -> day before which nothing of it is kept; None when no store was asked."""
    garbled: Mapping[str, int] = field(default_factory=dict)
    """Column of the file -> cells whose text looks as if it had been broken before: a run takes them as they are."""

    banned: tuple[str, ...] = ()
    """Columns of the lake that would be filled from one that is called what no model may know."""

    @property
    def is_refused(self) -> bool:
        """Whether a run would not take the file in."""
        return self.held is not None or not self.is_found


def explain(
    feeds: Mapping[str, Feed], feed: Feed, path: Path, kept_from: Mapping[str, date] | None = None
) -> Explained:
    """What a run would make of a file.

    Args:
        feeds: All feeds, since joins reach over.
        feed: The one that the file is read as.
        path: The file; for documents also a folder of them.
        kept_from: Table -> day before which the lake keeps nothing of it; None when nobody can tell.

    Raises:
        SettingsError: There is no such file.
        ContractError: A join finds several rows and may not.
    """
    it = given(feed, path.resolve())
    staging.sweep(checks())
    with staging.new_folder(Path(tempfile.gettempdir()), CHECK) as scratch:
        return _explained(feeds, feed, it, scratch, kept_from)


def _explained(
    feeds: Mapping[str, Feed], feed: Feed, it: Given, scratch: Path, kept_from: Mapping[str, date] | None
) -> Explained:
    raw = scratch / "raw"
    raw.mkdir()
    lookups = Lookups(feeds, it.unit.groups.get("period", ""), scratch)
    looks, result = [Look(mapped) for mapped in feed.tables], Result(kept_from or {})
    names, held = tuple[str, ...](), None
    try:
        with plain(it.source, feed, scratch) as source:
            names = read_file(source, raw, feed, it.unit).columns
        let = lookups.let_through(feed)
        see = [look.see for look in looks]
        for made in map_parts(parts(raw), let, it.unit, os.urandom(32), lookups.other, see=see):
            result.add(made)
    except Held as why:
        held = {"reason_code": why.reason_code, "message": str(why)}
    rows, cells = filled(parts(raw), Context(frozenset(), datetime.now(UTC), b"", nothing=feed.nothing))
    cells = dict.fromkeys(names, 0) | cells
    groups = it.unit.groups if it.is_found else {}
    used = [(use, _outcome(use, looks if held is None else [])) for use in uses(feeds, feed)]
    named = {name: rows for name in groups if name not in cells and any(use.column == name for use, _ in used)}
    is_shown = bool((_declared(feed) | {use.column for use, _ in used if use.column}) & set(cells))
    return Explained(
        feed.name,
        it.is_found,
        it.is_in_place,
        it.is_ready,
        groups.get("period", ""),
        None if held else feed.extraction(it.unit.groups).isoformat(timespec="seconds"),
        held,
        None if held else result.tally(),
        tuple(_columns(feed, {**cells, **named}, rows, used)) if is_shown else (),
        0 if is_shown else len(cells),
        {name: name in feed.required for name in sorted(_declared(feed) - set(cells) - set(groups))} if cells else {},
        lookups.said,
        () if held else tuple(_tables(feed, {*cells, *groups}, result, used)),
        None if kept_from is None else {name: day.isoformat() for name, day in kept_from.items()},
        garbled(parts(raw)) if is_shown else {},
        tuple(banned_names(feed, datetime.now(UTC).date())),
    )


def _declared(feed: Feed) -> set[str]:
    return feed.reads() | set(feed.required)


def _outcome(use: Use, looks: Sequence[Look]) -> Outcome:
    if use.number < 0 or not looks:
        return Outcome(use.to, use.how)
    counts = looks[use.number].of(use.target, use.code)
    reasons = {reason: count for reason, count in sorted(counts.items()) if reason != TURNED}
    return Outcome(use.to, use.how, counts[TURNED], reasons)


def _columns(
    feed: Feed, cells: Mapping[str, int], rows: int, used: Sequence[tuple[Use, Outcome]]
) -> Iterator[ColumnOfFile]:
    for name, count in cells.items():
        becomes = tuple(outcome for use, outcome in used if use.column == name)
        yield ColumnOfFile(name, count, rows - count, becomes, feed.never.get(name, ""))


def _tables(feed: Feed, names: set[str], result: Result, used: Sequence[tuple[Use, Outcome]]) -> Iterator[TableOfFile]:
    for table in dict.fromkeys(mapped.table for mapped in feed.tables):
        mine = {number: mapped for number, mapped in enumerate(feed.tables) if mapped.table == table}
        ruled = {column for mapped in mine.values() for column in mapped.columns}
        yield TableOfFile(
            table,
            result.tables[table],
            result.beyond[table],
            dict(sorted(result.rejected.get(table, {}).items())),
            tuple(outcome for use, outcome in used if use.number in mine and not use.column),
            tuple(dict.fromkeys(name for mapped in mine.values() for name in _lacking(feed, mapped, names))),
            tuple(name for name in TABLES[table].schema if name not in ruled),
        )


def _lacking(feed: Feed, mapped: TableMap, names: set[str]) -> Iterator[str]:
    """Required columns whose rule reads nothing that is there."""
    there = names | mapped.made() | {name for join in feed.join for name in join.made()}
    for column in TABLES[mapped.table].columns:
        rule = mapped.columns.get(column.name)
        if rule is None or not column.required or rule.absent is not None:
            continue
        if rule.columns() and not rule.columns() & there:
            yield column.name
