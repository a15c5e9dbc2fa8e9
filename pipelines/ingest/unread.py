"""Tell of columns that a feed's files did not have before and that no rule reads: the source began to send something.

They are cells as rules name them, so also `a.b` of a nested record; what is within a list is not looked into. A reader
names them anyway, so nothing is read for it. Nothing is lost meanwhile either: landing keeps the exact bytes.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pipelines.base.personal import PERSONAL
from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Unit, read_json
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import exports, parted
from pipelines.ingest.read import LINE

NEW: Final = "new_column"
MOST: Final = 500
"""Columns that no rule reads; of a file with more nothing is said, nor of others by it."""
SHOWN: Final = 50
"""Names in a report; of others how many there are."""
LONGEST: Final = 60
"""Characters of a name; a longer one is a text."""
_SOMEBODYS: Final = (r"\d{6}", *PERSONAL.values())
"""What a name that may be a person's has in it; so many digits are a number or a day of one."""
_WITHHELD: Final = re.compile(r"c_[0-9a-f]{32}")
_NO_MOMENT: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _File:
    """A file, or a page of an export."""

    at: datetime
    of: tuple[tuple[str, str], ...]
    name: str
    columns: frozenset[str]
    """Folded names: of one taken in all that it had, of another those that no rule reads."""
    unit: Unit | None = None
    """None where it was taken in."""


def unread(batch: Batch, unit: Unit, feed: Feed) -> tuple[str, ...] | None:
    """Columns of a unit that no rule of its feed reads, in order; None where nobody can say, or there are too many.

    A name that may be somebody's is its keyed pseudonym. So are all of a file that has no column of those that its feed
    names: its first line may be no header but a person.
    """
    raw = read_json(batch.place(unit) / "raw" / "report.json")
    if raw is None or not raw["columns"] or feed.dialect == "documents":  # empty, or columns are the reader's own
        return None
    told = {*feed.reads(), *feed.required, *feed.never}
    beside = {LINE} if raw["faults"] else set()  # the text of rows that are no record
    names = sorted({*raw["columns"]} - told - beside)
    if len(names) > MOST:
        return None
    is_headed = bool(told & {*raw["columns"]})
    hidden = [name for name in names if not (is_headed and _is_shown(name))]
    if hidden:
        marks = pseudonym(secret(PSEUDONYM_KEY), "column", pl.Series(hidden, dtype=pl.String), "c")
        names = sorted({*names} - {*hidden} | {*marks})
    return tuple(names)


def _is_shown(name: str) -> bool:
    """Whether a name is one that no person can be known by."""
    return len(name) <= LONGEST and name.isprintable() and not any(re.search(it, name) for it in _SOMEBODYS)


def drift(
    batch: Batch, feeds: Mapping[str, Feed], units: Sequence[Unit], found: Mapping[str, Sequence[str] | None]
) -> list[dict[str, Any]]:
    """What is new in a batch's files, a feed: files, columns, names of some of them, and how many are withheld.

    Args:
        batch: The batch.
        feeds: Their declarations.
        units: Those that are not held. Of what was taken in before, and is read again, nothing is said.
        found: Unit's id -> what `unread` says.
    """
    said = []
    for feed in feeds.values():
        mine = [unit for unit in units if unit.feed == feed.name and found[unit.id] is not None]
        if not any(found[unit.id] for unit in mine):
            continue
        told = {unit.id: {_fold(name): name for name in found[unit.id] or ()} for unit in mine}
        new = {unit.id: names for unit, names in _new(batch, feed, mine, told) if names}
        names = sorted({name: told[unit_id][name] for unit_id, folded in new.items() for name in folded}.values())
        shown = [name for name in names if not _WITHHELD.fullmatch(name)]
        if names:
            counts = {"files": len(new), "columns": len(names), "withheld": len(names) - len(shown)}
            said.append({"feed": feed.name, **counts, "names": shown[:SHOWN]})
    return said


def _new(
    batch: Batch, feed: Feed, units: Sequence[Unit], told: Mapping[str, Collection[str]]
) -> Iterator[tuple[Unit, set[str]]]:
    """Files that are taken in for the first time, and what no other export of their feed had.

    The pages of one export are one, as an optional field may stand on the last page only; the first export has no
    other, and nothing new. Which is the first is said by the order in which they come, within a batch by their moments.
    """
    records = [record for record in files.of_feed(batch.store, feed.name) if record.status == "published"]
    published = {record.sha256 for record in records}
    before = [
        _File(feed.moment(r.groups) or _NO_MOMENT, parted(r.groups), r.name, _had(r))
        for r in records
        if r.unread is not None
    ]
    now = [
        _File(feed.moment(u.groups) or _NO_MOMENT, parted(u.groups), u.name, frozenset(told[u.id]), u)
        for u in units
        if u.sha256 not in published
    ]
    ordered = exports([*before, *now])
    taken = {place for place, export in enumerate(ordered) if any(file.unit is None for file in export)}
    known = set[str]().union(*(file.columns for file in before))
    for place, export in enumerate(ordered):
        is_first = not taken - {place}
        for file in export:
            if file.unit is not None and not is_first:
                yield file.unit, {*file.columns} - known
        taken.add(place)
        known.update(*(file.columns for file in export))


def _had(record: files.Record) -> frozenset[str]:
    """All columns that a file had, also what a rule read then and none reads now."""
    return frozenset(map(_fold, [*(record.unread or ()), *(name for name, share in record.filled.items() if share)]))


def _fold(name: str) -> str:
    """As headers are matched: another case is no other column."""
    return name.casefold()
