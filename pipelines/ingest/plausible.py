"""Hold files that can be read and that nobody should believe unseen, until a person decides (`decide`).

Reads   mapped     how many records each unit of the batch has, and how filled their columns are; the register of files
Writes  held.json  of a full file that lost or gained too many records or is of an older day, of a file of changes that
                   was written before the one it follows, of a file whose columns lost their cells or whose ids have
                   other lengths (`filled`), of a delta whose predecessor is held or can never come, and of what was
                   mapped with one of them
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pipelines.base.store import Store
from pipelines.ingest import files
from pipelines.ingest.batch import Batch, Held, Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import EMPTIED, RESHAPED, hold_unlike, rows

LOST: Final = "lost_records"
GAINED: Final = "gained_records"
LEAST_GAINED: Final = 20
"""Records more; fewer are nothing to ask about."""
OLDER: Final = "older_file"
ASTRAY: Final = "no_predecessor"
PREDECESSOR: Final = "predecessor_held"
JOINED: Final = "joined_file_held"
"""Nobody has to decide about such files: they come up again once the other file is settled."""
_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a full file is judged by."""

    at: datetime
    """When the source wrote it, as its name says."""
    records: int


def hold(batch: Batch, feeds: Mapping[str, Feed]) -> None:
    """Hold what is not plausible. The same batch again holds the same.

    Args:
        batch: Every unit is mapped or held.
        feeds: Their declarations.
    """
    for feed in feeds.values():
        units = [unit for unit in batch.units() if unit.feed == feed.name and batch.held(unit) is None]
        if units and feed.full is not None:
            _full(batch, feed, units)
        hold_unlike(batch, feed, [unit for unit in units if batch.held(unit) is None])
        if units and feed.delta is not None:
            _backwards(batch, feed, _in_line(batch, feed, units))
            _delta(batch, feed, [unit for unit in units if batch.held(unit) is None])
    _joining(batch, feeds)


def _joining(batch: Batch, feeds: Mapping[str, Feed]) -> None:
    """Hold what was mapped with a file that is held now; it is mapped anew once that one is settled."""
    codes = (LOST, GAINED, OLDER, EMPTIED, RESHAPED, ASTRAY, PREDECESSOR, JOINED)
    held = {unit.feed for unit in batch.units() if (why := batch.held(unit)) and why["reason_code"] in codes}
    for feed in feeds.values():  # those that others join come first
        if held & {join.feed for join in feed.joins} - {feed.name}:
            for unit in batch.units():
                if unit.feed == feed.name and batch.held(unit) is None:
                    held.add(feed.name)
                    batch.hold(
                        unit,
                        Held(
                            JOINED,
                            f"A file that {feed.name} joins must be settled before it; it is held. This one comes up "
                            "again by itself.",
                        ),
                    )


def doubt(feed: Feed, before: Seen, file: Seen) -> Held | None:
    """Why a person must look at a full file before it is taken in; None when nothing speaks against it.

    Args:
        feed: Its declaration, which says how much it may lose.
        before: The newest file taken in.
        file: The file in question.
    """
    if feed.full is None:
        return None
    if file.at < before.at:
        return Held(
            OLDER,
            f"A full file of {feed.name} must not be older than the newest one taken in; it is. Release it if it tells "
            "what that one does not, else reject it.",
        )
    least = math.ceil(round(before.records * (1 - feed.full.may_lose), 6))  # .3 of 10 is not a hair more than 3
    if file.records < least:
        return Held(
            LOST,
            f"A full file of {feed.name} must have at least {least} records, as the one before has {before.records} "
            f"and it may lose {feed.full.may_lose:.0%}; it has {file.records}. Release it if they really left, else "
            "reject it and have it sent again.",
        )
    most = math.floor(round(before.records * (1 + feed.full.may_gain), 6))
    if before.records >= LEAST_GAINED and file.records > most and file.records - before.records >= LEAST_GAINED:
        return Held(
            GAINED,
            f"A full file of {feed.name} must have at most {most} records, as the one before has {before.records} "
            f"and it may gain {feed.full.may_gain:.0%}; it has {file.records}. Release it if they really came, else "
            "reject it and have it sent again.",
        )
    return None


def numbers(store: Store, feed: Feed) -> tuple[set[int], set[int]]:
    """Sequence numbers of a delta feed's files: of those taken in or rejected, and of those held."""
    done: set[int] = set()
    held: set[int] = set()
    for record in files.of_feed(store, feed.name):
        number = sequence(feed, record.groups)
        if number is not None:
            (held if record.status == "held" else done).add(number)
    return done, held - done


def sequence(feed: Feed, groups: Mapping[str, str]) -> int | None:
    """A file's number among those of its feed, from the groups of its name; None where there is none."""
    text = groups.get(feed.delta.sequence or "", "") if feed.delta is not None else ""
    return int(text) if text.isdecimal() else None


def in_turn(feed: Feed, units: Iterable[Unit], done: Collection[int], held: Collection[int]) -> list[Unit]:
    """A delta feed's files in the order of their numbers, up to the first gap.

    Args:
        feed: Its declaration.
        units: Files that could be taken in.
        done: Numbers that are settled. Where there is none, the lowest number known begins.
        held: Numbers whose file waits for a person: gaps, unless another file of that number is among `units`.
    """
    numbered = sorted(((sequence(feed, unit.groups) or 0, unit) for unit in units), key=lambda pair: pair[0])
    known = [*done, *held, *(number for number, _ in numbered)]
    reached = _reached(min(known, default=0) - 1, done)
    taken = []
    for number, unit in numbered:
        if number > reached + 1:
            break
        reached = _reached(max(reached, number), done)
        taken.append(unit)
    return taken


def lined_up(
    store: Store, feed: Feed, units: Sequence[Unit], again: Sequence[Unit], held: Iterable[Unit]
) -> list[Unit]:
    """A delta feed's files whose turn it is; the others wait for a predecessor.

    Args:
        store: Holds the register.
        feed: Its declaration, with `delta`.
        units: Files that could be taken in.
        again: Files with known bytes, which are in turn too.
        held: Files of this batch that wait for a person.
    """
    if feed.delta is not None and feed.delta.manifest:
        records = files.of_feed(store, feed.name)
        settled = {run for r in records if r.status != "held" and (run := _run(r.manifest))}
        settled |= {run for unit in again if (run := _run(unit.manifest))}
        sent = {r.name for r in records if r.status != "held"} | {unit.name for unit in (*units, *again)}
        left = [r.manifest for r in records if r.status == "held" and r.name not in sent]
        waiting = {run for said in (*left, *(unit.manifest for unit in held)) if (run := _run(said))}
        return following(feed, units, settled, waiting)
    done, waits = numbers(store, feed)
    done |= {number for unit in again if (number := sequence(feed, unit.groups)) is not None}
    waits |= {number for unit in held if (number := sequence(feed, unit.groups)) is not None} - done
    return in_turn(feed, units, done, waits)


def following(feed: Feed, units: Iterable[Unit], done: Collection[str], held: Collection[str]) -> list[Unit]:
    """A delta feed's files in the order of their runs, up to those whose predecessor is missing.

    Args:
        feed: Its declaration.
        units: Files that could be taken in. One whose manifest names no run is among those returned: it is held later.
        done: Runs of which files are settled. Where there is none, the oldest of those that follow none of the others
            begins; so does a run of which a person released a file, whatever it follows.
        held: Runs of which a file waits for a person, and was not sent again: nothing follows them, nor begins.
    """
    taken: list[Unit] = []
    left: dict[str, list[Unit]] = {}
    for unit in units:
        run = _run(unit.manifest)
        (taken if run is None else left.setdefault(run, [])).append(unit)
    reached = {*done} - {*held}
    found = [run for run in left if run in {*done, *held} or any(unit.is_released for unit in left[run])]
    if not (found or done or held):
        firsts = [run for run in left if left.keys().isdisjoint(_before(left[run]))]
        found = sorted(firsts, key=lambda run: (feed.moment(left[run][0].groups) or _EVER, run))[:1]
    is_more = True
    while is_more:
        taken += [unit for run in found for unit in left.pop(run)]
        reached |= {*found} - {*held}
        found = [run for run in left if _before(left[run]) & reached]
        is_more = bool(found)
    return taken


def astray(units: Iterable[Unit], taken: Iterable[Unit]) -> list[Unit]:
    """Files that would wait for ever: their run names none before it, or comes before itself.

    Args:
        units: Files that could be taken in; their runs follow one another.
        taken: Those whose turn it is.
    """
    ids = {unit.id for unit in taken}
    left: dict[str, list[Unit]] = {}
    for unit in units:
        run = _run(unit.manifest)
        if run is not None and unit.id not in ids:
            left.setdefault(run, []).append(unit)
    before = {run: _before(some) for run, some in left.items()}
    return [unit for run, some in left.items() if not before[run] or run in _earlier(run, before) for unit in some]


def _earlier(run: str, before: Mapping[str, Collection[str]]) -> set[str]:
    """All runs that must come before one, as far as they are known."""
    found: set[str] = set()
    next_ = [*before[run]]
    while next_:
        one = next_.pop()
        if one not in found:
            found.add(one)
            next_ += before.get(one, ())
    return found


def _run(manifest: Mapping[str, Any] | None) -> str | None:
    return (manifest or {}).get("run_id")


def _before(units: Iterable[Unit]) -> set[str]:
    """The run before that of some files."""
    return {run for unit in units if (run := (unit.manifest or {}).get("previous_run_id"))}


def _reached(number: int, done: Collection[int]) -> int:
    """The last number up to which none is missing."""
    while number + 1 in done:
        number += 1
    return number


def _full(batch: Batch, feed: Feed, units: Sequence[Unit]) -> None:
    records = [
        record for record in files.of_feed(batch.store, feed.name) if record.status in ("published", "duplicate")
    ]
    published = [record for record in records if record.status == "published"]
    before = _newest([seen for r in published if (seen := _seen(feed, r.groups, int(r.counts.get("rows", 0))))])
    taken_in = {(record.name, record.sha256) for record in records}
    found = [(_seen(feed, unit.groups, rows(batch, unit)), unit) for unit in units]
    for file, unit in sorted(((file, unit) for file, unit in found if file), key=lambda pair: pair[0].at):
        is_decided = unit.is_released or (unit.name, unit.sha256) in taken_in
        why = None if is_decided or before is None else doubt(feed, before, file)
        if why is not None:
            batch.hold(unit, why)
        else:
            before = _newest([file, *([before] if before is not None else [])])


def _seen(feed: Feed, groups: Mapping[str, str], records: int) -> Seen | None:
    """A file as its feed is declared now; None where its name says no moment."""
    at = feed.moment(groups)
    return Seen(at, records) if at else None


def _newest(seen: Sequence[Seen]) -> Seen | None:
    """The newest file; of several of one moment the one with the most records."""
    return max(seen, key=lambda file: (file.at, file.records), default=None)


def _backwards(batch: Batch, feed: Feed, units: Sequence[Unit]) -> None:
    """Hold a file that was written before the one that it follows: one of the two is not what it says."""
    records = [record for record in files.of_feed(batch.store, feed.name) if record.status == "published"]
    published = {record.sha256 for record in records}
    written: dict[str, datetime] = {}
    told = [*((one.groups, one.manifest) for one in records), *((one.groups, one.manifest) for one in units)]
    for groups, manifest in told:
        place, moment = _places(feed, groups, manifest)[0], feed.moment(groups)
        if place is not None and moment is not None:
            written[place] = min(moment, written.get(place, moment))
    for unit in units:
        before = _places(feed, unit.groups, unit.manifest)[1]
        at, least = feed.moment(unit.groups), written.get(before) if before is not None else None
        is_decided = unit.is_released or unit.sha256 in published
        if at is not None and least is not None and at < least and not is_decided:
            batch.hold(
                unit,
                Held(
                    OLDER,
                    f"A file of {feed.name} must not be written before the one that it follows; it was. Release it if "
                    "its number or run is right and its moment is not, else reject it and have it sent again.",
                ),
            )


def _places(feed: Feed, groups: Mapping[str, str], manifest: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """What names a file's place among those of its feed, and the one before."""
    if feed.delta is not None and feed.delta.manifest:
        return (manifest or {}).get("run_id"), (manifest or {}).get("previous_run_id")
    number = sequence(feed, groups)
    return (None, None) if number is None else (str(number), str(number - 1))


def _in_line(batch: Batch, feed: Feed, units: Sequence[Unit]) -> list[Unit]:
    """Files of this batch whose turn it is."""
    again = [unit for unit in batch.duplicates() if unit.feed == feed.name]
    held = [unit for unit in batch.units() if unit.feed == feed.name and batch.held(unit) is not None]
    return lined_up(batch.store, feed, units, again, held)


def _delta(batch: Batch, feed: Feed, units: Sequence[Unit]) -> None:
    """A predecessor may have been held in this very batch, which nobody knew when it was planned."""
    taken = _in_line(batch, feed, units)
    lost = {unit.id for unit in astray(units, taken)} if feed.delta is not None and feed.delta.manifest else ()
    has_turn = {unit.id for unit in taken}
    for unit in units:
        if unit.id in lost:
            batch.hold(
                unit,
                Held(
                    ASTRAY,
                    f"A file of {feed.name} must come after the one before it; its manifest names no run before "
                    "its own, or one that follows it, and others were taken in or wait. Release it if a new chain "
                    "begins with it, else reject it and have it sent again with its previous_run_id.",
                ),
            )
        elif unit.id not in has_turn:
            batch.hold(
                unit,
                Held(
                    PREDECESSOR,
                    f"A file of {feed.name} must come after the one before it; that one is held. It comes up again by "
                    "itself once that one is settled.",
                ),
            )
