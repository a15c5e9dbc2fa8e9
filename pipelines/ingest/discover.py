"""Find what is new: files that a feed declares and whose bytes were not taken in before.

Reads   exports    the folder CANDOR_EXPORTS, servers that feeds name, and the register of files
Writes  plan       plan.sealed: units in the order of the feeds, duplicate deliveries, how many files are not complete
        reports    arrivals.json: which feeds are late (`cadence`)

A held file comes up again when its feed's declaration changed or when a person released it; its owner otherwise sends
other bytes. A delta whose predecessor has not arrived waits.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.base.errors import SettingsError
from pipelines.base.settings import environment
from pipelines.base.store import Store
from pipelines.ingest import arrivals, cadence, decide, files, plausible
from pipelines.ingest import feeds as declared
from pipelines.ingest.arrivals import NOT_A_FILE, UNSAFE, Found, OnDisk, Sighted, can_be_shown, matched
from pipelines.ingest.batch import Batch, Unit, tidy, unit_id, unit_record
from pipelines.ingest.feeds import Feed

if TYPE_CHECKING:
    from collections.abc import MutableMapping

EXPORTS = "CANDOR_EXPORTS"


def place(feed: Feed) -> Path:
    """The folder in which a feed's files arrive.

    Raises:
        SettingsError: CANDOR_EXPORTS is not set, or they arrive on a server.
    """
    if feed.is_on_server:
        raise SettingsError(f"The files of {feed.name} must lie in a folder to be read here; they lie on a server.")
    root = (
        declared.folder() if feed.root == "feeds" else Path(environment(EXPORTS, "the folder that exports arrive in"))
    )
    return root / feed.location


def matching(feed: Feed, folder: Path, now: float, passed_over: "MutableMapping[str, int]") -> Iterator[Found]:
    """Files below `folder` that the feed declares, by name; unfinished ones (hidden, .tmp, …) are passed over.

    Args:
        feed: The feed.
        folder: Where its files arrive.
        now: Seconds since 1970.
        passed_over: Counts what only has the name of a file, by reason.

    Raises:
        SettingsError: A folder is there and does not open: it must not pass for one without anything new.
    """

    def closed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise SettingsError(
                f"The folder that exports of {feed.name} arrive in must open for this account; it does not "
                f"({os.strerror(error.errno or 0)}). Give the account its rights, or correct the feed's location."
            ) from None

    for parent, folders, names in os.walk(folder, onerror=closed):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            relative = path.relative_to(folder).as_posix()
            groups = matched(feed, relative)
            if groups is None:
                continue
            if not can_be_shown(relative):
                passed_over[UNSAFE] += 1
            elif OnDisk(path).is_plain:
                yield Found(OnDisk(path), relative, groups, is_ready(feed, path, now))
            else:
                passed_over[NOT_A_FILE] += 1


def is_ready(feed: Feed, path: Path, now: float) -> bool:
    """Whether a file shows that it is complete."""
    if feed.ready is None:
        return True
    if feed.ready.untouched_seconds is not None:
        return now - path.stat().st_mtime >= feed.ready.untouched_seconds
    return path.with_name(f"{path.name}{feed.ready.suffix}").is_file()


def units_of(feed: Feed, folder: Path) -> list[Unit]:
    """Everything a feed's folder holds, as units; documents of one delivery are one unit."""
    return sighted(feed, folder).units


def sighted(feed: Feed, folder: Path, look: Callable[[list[Found]], None] | None = None) -> Sighted:
    """What a feed's folder has; `look` is shown it before a byte of it is read."""
    passed_over = Counter[str]()
    found = list(matching(feed, folder, time.time(), passed_over))
    if look is not None:
        look(found)
    return Sighted(arrivals.units_of(feed, found), sum(not item.is_ready for item in found), passed_over)


def _is_known(unit: Unit, records: list[files.Record]) -> bool:
    """Whether this file needs nothing more: taken in under this name, or held as it is declared now."""
    return any(
        record.name == unit.name and (record.status != "held" or record.feed_sha256 == unit.feed_sha256)
        for record in records
    )


def sort(store: Store, units: list[Unit], together: Collection[str] = ()) -> tuple[list[Unit], list[Unit]]:
    """New units, and duplicate deliveries: bytes that were taken in, or come in this batch, under another name.

    Args:
        store: Holds the register.
        units: All that there are.
        together: Feeds whose files say something only with those of others: known bytes may say another thing now.
    """
    new: dict[tuple[str, str], Unit] = {}
    duplicates = []
    for unit in units:
        records = files.find(store, unit.feed, unit.sha256)
        if _is_known(unit, records):
            continue
        were_taken = unit.feed not in together and any(record.status in ("published", "rejected") for record in records)
        if (unit.feed, unit.sha256) in new or were_taken:
            duplicates.append(unit)
        else:
            new[(unit.feed, unit.sha256)] = unit
    return list(new.values()), duplicates


def landed(record: files.Record, feed: Feed) -> Unit:
    """A unit for a file that landed before."""
    return Unit(
        unit_id(feed.name, record.sha256),
        feed.name,
        record.name,
        record.sha256,
        record.size,
        record.groups,
        feed.sha256,
        record.documents,
        is_replay=True,
        manifest=record.manifest,
    )


def replayed(store: Store, feed: Feed) -> list[Unit]:
    """Units for every file of a feed that ever landed, read again as it is declared now."""
    records = files.of_feed(store, feed.name)
    return [landed(record, feed) for record in records if record.status in ("published", "held")]


def released(store: Store, feeds: Mapping[str, Feed]) -> list[Unit]:
    """Units for held files that a person released, from their landed bytes."""
    found = [(feed, sha256) for feed, sha256 in decide.released(store) if feed in feeds]
    records = [next(iter(files.of_status(store, feed, sha256, "held")), None) for feed, sha256 in found]
    units = [landed(record, feeds[record.feed]) for record in records if record is not None]
    return [replace(unit, is_released=True) for unit in units]


def lined_up(store: Store, feed: Feed, units: list[Unit], duplicates: list[Unit]) -> list[Unit]:
    """A feed's new files whose turn it is; the others wait for a predecessor. One with known bytes is in turn too.

    So is one whose predecessor can never come: it is held later, and a person decides.
    """
    if feed.delta is None or not units:
        return units
    taken = plausible.lined_up(store, feed, units, duplicates, ())
    return [*taken, *(plausible.astray(units, taken) if feed.delta.manifest else ())]


def discover(batch: Batch, replay: str | None = None, expect: Callable[[], object] | None = None) -> dict[str, Any]:
    """Plan a batch; the same batch keeps its plan, unless that was to do nothing.

    Args:
        batch: To be planned.
        replay: A feed whose landed files are read again, instead of new files.
        expect: Told that there is something to do as soon as a name is new, while the file of it is still being read:
            once or more often, and not when nothing but bytes are.

    Returns:
        The plan.

    Raises:
        SettingsError: Feeds are badly declared, or CANDOR_EXPORTS is no folder.
    """
    tidy(batch.store)
    if batch.is_planned and (batch.plan["units"] or batch.plan["duplicates"] or batch.is_checked):
        return batch.plan
    feeds = declared.load(declared.folder())
    if replay is not None and replay not in feeds:
        raise SettingsError(f"--replay must name a feed; {replay} is none of {', '.join(feeds)}. Correct it.")
    new: list[Unit]
    duplicates: list[Unit] = []
    waiting: dict[str, int] = {}
    passed_over: dict[str, dict[str, int]] = {}
    late: dict[str, Any] = {}
    if replay is not None:
        new = replayed(batch.store, feeds[replay])
    else:
        _exports()
        seen = _seen(batch.store, feeds, expect)
        passed_over = {name: dict(some.passed_over) for name, some in seen.items() if some.passed_over}
        names = {name: [unit.groups for unit in some.units] for name, some in seen.items()}
        late = cadence.note(batch.store, feeds, names, datetime.now(UTC).date())
        new = released(batch.store, feeds)
        again = {unit.id for unit in new}
        together = {name for name, feed in feeds.items() if any(join.is_beside for join in feed.joins)}
        found, duplicates = sort(batch.store, [unit for some in seen.values() for unit in some.units], together)
        new += [unit for unit in found if unit.id not in again]
        turns = {
            name: lined_up(
                batch.store, feed, [u for u in new if u.feed == name], [u for u in duplicates if u.feed == name]
            )
            for name, feed in feeds.items()
        }
        out_of_turn = Counter(unit.feed for unit in new)
        out_of_turn.subtract({name: len(units) for name, units in turns.items()})
        new = [unit for units in turns.values() for unit in units]
        waiting = {name: count for name, some in seen.items() if (count := some.waiting + out_of_turn[name])}
    plan = {
        "batch": batch.name,
        "units": [unit_record(unit) for unit in new],
        "duplicates": [unit_record(unit) for unit in duplicates],
        "waiting": waiting,
        "passed_over": passed_over,
        "late": late,
    }
    batch.write_plan(plan)
    return plan


def _seen(store: Store, feeds: Mapping[str, Feed], expect: Callable[[], object] | None) -> dict[str, Sighted]:
    """What is there of each feed."""

    def look(name: str, found: list[Found]) -> None:
        ready = [item.name for item in found if item.is_ready and feeds[name].dialect != "documents"]
        if expect is not None and not files.knows_all(store, name, ready):
            expect()

    picked = _picked(store, [feed for feed in feeds.values() if feed.is_on_server])
    return {
        name: picked[name] if name in picked else sighted(feed, place(feed), partial(look, name))
        for name, feed in feeds.items()
    }


def _picked(store: Store, feeds: list[Feed]) -> dict[str, Sighted]:
    """What is there of feeds whose files lie on servers; what speaks to those is loaded only then."""
    if not feeds:
        return {}
    from pipelines.ingest import pickup

    return pickup.sighted(store, feeds)


def _exports() -> None:
    path = Path(environment(EXPORTS, "the folder that exports arrive in"))
    if not path.is_dir():
        raise SettingsError(f"{EXPORTS} must name a folder; it names none. Create it or correct the variable.")
