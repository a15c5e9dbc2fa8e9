"""Find what is new: files that a feed declares and whose bytes were not taken in before.

Reads   exports    the folder CANDOR_EXPORTS, servers that feeds name, and the register of files
Writes  plan       plan.sealed: units in the order of the feeds, duplicate deliveries, how many files are not complete
        reports    arrivals.json: which feeds are late (`cadence`)

A held file comes up again when its feed's declaration changed or when a person released it; its owner otherwise sends
other bytes. A delta whose predecessor has not arrived waits. Known bytes are news where other bytes came between: what
was changed is as it was before. A late file takes those of later days along, which are read again: what they say was
left out as a repetition where the late one now says otherwise. One that others look up, and that comes late or
corrected, takes along those that would have been looked up in it.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.base import landing
from pipelines.base.errors import SettingsError
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.settings import environment
from pipelines.base.store import Store
from pipelines.ingest import arrivals, cadence, decide, files, plausible
from pipelines.ingest import feeds as declared
from pipelines.ingest.arrivals import NOT_A_FILE, UNSAFE, Found, OnDisk, Sighted, can_be_shown, matched
from pipelines.ingest.batch import Batch, Unit, drop, nameless, tidy, told_apart, unit_id, unit_record
from pipelines.ingest.feeds import Feed
from pipelines.ingest.lookups import looked_into, since

if TYPE_CHECKING:
    from collections.abc import MutableMapping

EXPORTS = "CANDOR_EXPORTS"
TAKEN_IN: Final = ("published", "duplicate")
"""Of files that say what their source said, be it what another had said before."""


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
    """Whether this file needs nothing more: taken in under this name, or held as it is declared now.

    Of whoever was forgotten the register has no name, and must not get it back from a file that still lies there.
    """
    names = (unit.name, files.nobodys(unit.name)) if records else ()
    return any(
        record.name in names and (record.status != "held" or record.feed_sha256 == unit.feed_sha256)
        for record in records
    )


def sort(store: Store, units: Sequence[Unit], feeds: Mapping[str, Feed]) -> tuple[list[Unit], list[Unit]]:
    """New units, and duplicate deliveries: bytes that were taken in, or come in this batch, under another name.

    Args:
        store: Holds the register.
        units: All that there are; of an object's versions the newest last.
        feeds: Their declarations. Where files are joined with those of others, known bytes may say another thing now;
            elsewhere they do where other bytes came between.
    """
    joined = {name for name, feed in feeds.items() if {join.feed for join in feed.joins} - {None, name}}
    units = _versions(units)
    newest = {(unit.feed, unit.name): unit for unit in units}
    arrived = {name: files.delivered(store, name) for name in {unit.feed for unit in units}}
    coming: list[tuple[Unit, set[str]]] = []
    for unit in units:
        records = files.find(store, unit.feed, unit.sha256)
        is_newest = unit is newest[unit.feed, unit.name]
        is_back = is_newest and _is_back(store, unit, records, arrived[unit.feed](unit.name))
        if is_back or not _is_known(unit, records):
            coming.append((unit, set() if is_back else {record.status for record in records}))
    new: list[Unit] = []
    duplicates: list[Unit] = []
    told: dict[str, list[_Told]] = {}
    here: set[tuple[str, str]] = set()
    for unit, statuses in coming:
        were_taken = (unit.feed, unit.sha256) in here or not statuses.isdisjoint(("published", "rejected"))
        here.add((unit.feed, unit.sha256))
        if unit.feed in joined or not were_taken:
            new.append(unit)
            continue
        if unit.feed not in told:
            told[unit.feed] = _told(store, feeds[unit.feed], [other for other, _ in coming])
        is_news = "rejected" not in statuses and _says_otherwise(feeds[unit.feed], unit, told[unit.feed])
        (new if is_news else duplicates).append(unit)
    return new, duplicates


def still_repeated(batch: Batch, feeds: Mapping[str, Feed]) -> list[Unit]:
    """A planned batch's duplicate deliveries that would be planned so again, by what was taken in since."""
    told: dict[str, list[_Told]] = {}
    still = []
    for unit in batch.duplicates():
        feed = feeds.get(unit.feed)
        if feed is not None and feed.name not in told:
            told[feed.name] = _told(batch.store, feed, [*batch.units(), *batch.duplicates()])
        is_rejected = bool(files.of_status(batch.store, unit.feed, unit.sha256, "rejected"))
        if feed is None or is_rejected or not _says_otherwise(feed, unit, told[feed.name]):
            still.append(unit)
    return still


def _versions(units: Sequence[Unit]) -> list[Unit]:
    """Of versions of one object with the same bytes the newest."""
    versions = {(unit.feed, unit.name, unit.sha256): unit for unit in reversed(units)}
    return list(reversed(versions.values()))


def _is_back(store: Store, unit: Unit, records: list[files.Record], arrived: frozenset[str]) -> bool:
    """Whether a file was taken in under this name, then another, and now lies there again.

    Its own name may have been forgotten when its bytes expired. Where that of the other was, it may be the person who
    was: nothing of them comes back.
    """
    names = (unit.name, files.nobodys(unit.name)) if records else ()
    mine = [record.since for record in records if record.name in names and record.status in TAKEN_IN]
    if not mine or len(arrived) == 1:
        return False
    theirs = [
        record.since
        for sha256 in arrived - {unit.sha256}
        for record in files.of_status(store, unit.feed, sha256, *TAKEN_IN)
        if record.name == unit.name
    ]
    return max(theirs, default=0) > max(mine)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a file of a feed said, for those that come again."""

    at: datetime | None
    sha256: str
    name: str
    is_before: bool
    """Whether it was taken in, and does not come now."""


def _told(store: Store, feed: Feed, units: list[Unit]) -> list[_Told]:
    """What files of a feed said that were taken in, and those that come now."""
    records = [record for record in files.of_feed(store, feed.name) if record.status in TAKEN_IN]
    told = [_Told(_at(feed, record), record.sha256, record.name, is_before=True) for record in records]
    return told + [
        _Told(feed.moment(unit.groups), unit.sha256, unit.name, is_before=False)
        for unit in units
        if unit.feed == feed.name
    ]


def _says_otherwise(feed: Feed, unit: Unit, told: list[_Told]) -> bool:
    """Whether known bytes say what was not known of their day: other bytes came since they were told, or none before.

    What another delivery of its name has replaced since tells nothing any more.

    Where no name tells a day, and of documents, which are told by themselves, they never do.
    """
    at = feed.moment(unit.groups)
    if at is None or feed.dialect == "documents":
        return False
    dated = [(one.at, one) for one in told if one.at is not None]
    standing = {(when, one.name): one for when, one in dated}  # the last of each name: so they are in order
    before = [when for (when, name), one in standing.items() if one.sha256 == unit.sha256 and name != unit.name]
    mine = [when for when in before if when <= at]
    others = [(when, one) for when, one in dated if one.sha256 != unit.sha256]
    is_corrected = any(when == at and one.name == unit.name and one.is_before for when, one in others)
    return not mine or is_corrected or any(max(mine) < when < at for when, _ in others)


def landed(record: files.Record, feed: Feed) -> Unit:
    """A unit for a file that landed before; its moment may be one that nobody asked for then."""
    return Unit(
        unit_id(feed.name, record.sha256),
        feed.name,
        record.name,
        record.sha256,
        record.size,
        feed.with_moment(record.groups, record.manifest),
        feed.sha256,
        record.documents,
        is_replay=True,
        manifest=record.manifest,
        landed_as=record.landing_key,
    )


def known_as(store: Store, unit: Unit) -> Unit:
    """A unit as the register has it now: an erasure may have taken names away since the plan, or before a delivery.

    Known bytes of whoever was forgotten are nobody's under whatever name they come again: no erasure would find it.
    """
    if not unit.landed_as:  # new, and not a file of one person
        return unit
    names, records = (unit.name, files.nobodys(unit.name)), files.find(store, unit.feed, unit.sha256)
    if not unit.is_replay:
        is_gone = any(landing.is_rewritten(store, one.landing_key) for one in records)
        return replace(unit, name=names[1]) if is_gone else unit
    record = next((one for one in records if one.name in names), None)
    if record is None:
        return unit
    return replace(unit, name=record.name, landed_as=landed_at(store, unit))


def landed_at(store: Store, unit: Unit) -> str:
    """Where a unit's bytes are; an erasure takes the name of a file of one person from what landed under it."""
    key, other = unit.landing_key, nameless(unit.landing_key)
    return other if unit.is_replay and not store.exists(key) and store.exists(other) else key


def replayed(store: Store, feed: Feed) -> list[Unit]:
    """Units for every file of a feed that ever landed, read again as it is declared now; held ones, too."""
    records = files.of_feed(store, feed.name)
    last = {(record.name, record.sha256) for record in _last(feed, records, "published")}
    return [
        landed(record, feed) for record in records if (record.name, record.sha256) in last or record.status == "held"
    ]


def later(store: Store, feed: Feed, units: list[Unit]) -> list[Unit]:
    """What was taken in of later days than the first of a feed's new files, to be read again.

    None of deltas, which come in turn, of documents, which are told by themselves, and of what is only looked up.
    """
    moments = [at for unit in units if (at := feed.moment(unit.groups)) is not None]
    if not moments or feed.delta is not None or feed.dialect == "documents" or not feed.tables:
        return []
    return [unit for unit in taken_in(store, feed, units) if feed.extraction(unit.groups) > min(moments)]


def take_along(batch: Batch, feeds: Mapping[str, Feed]) -> None:
    """Plan a batch as it would be now, without what was made of files that are no longer in it.

    A file with the bytes of one of these may come in its place: it has the same id, and is of another day.
    """
    before, units = batch.units(), planned_now(batch, feeds)
    if units != before:
        apart = told_apart(units)
        for unit in before:
            if unit not in apart:
                drop(batch.place(unit))
        batch.write_plan(batch.plan | {"units": [unit_record(unit) for unit in apart]})


def planned_now(batch: Batch, feeds: Mapping[str, Feed]) -> list[Unit]:
    """Units of a batch with files that were taken in since its plan and are to be read again with them.

    Without what it reads again itself and what another file took the place of: that one says what its source said last.
    """
    units = _standing(batch.store, feeds, [known_as(batch.store, unit) for unit in batch.units()])
    known = {(unit.feed, unit.name, unit.sha256) for unit in units}
    found = with_others(batch.store, feeds, [unit for unit in units if batch.held(unit) is None])
    return [*units, *(unit for unit in found if (unit.feed, unit.name, unit.sha256) not in known)]


def _standing(store: Store, feeds: Mapping[str, Feed], units: Sequence[Unit]) -> list[Unit]:
    """Units without those read again that were taken in and are not the last of their name and moment any more."""
    again = {unit.feed for unit in units if unit.is_replay} & feeds.keys()
    past = set[tuple[str, str, str]]()
    for name in again:
        records = files.of_feed(store, name)
        taken, last = ([r for r in records if r.status in TAKEN_IN], _last(feeds[name], records, *TAKEN_IN))
        past |= {(name, r.name, r.sha256) for r in taken} - {(name, r.name, r.sha256) for r in last}
    return [unit for unit in units if not unit.is_replay or (unit.feed, unit.name, unit.sha256) not in past]


def with_others(store: Store, feeds: Mapping[str, Feed], new: Sequence[Unit]) -> list[Unit]:
    """New files and all that they take along, in the order of the feeds: a feed's own first, as they are."""
    mapped_anew = looking_up(store, feeds, new)
    found = []
    for name, feed in feeds.items():
        mine = [unit for unit in (*new, *mapped_anew) if unit.feed == name]
        found += [*mine, *later(store, feed, mine)]
    return found


def looking_up(store: Store, feeds: Mapping[str, Feed], units: Sequence[Unit]) -> list[Unit]:
    """Files that were taken in and would be looked up in some that come now, had these been there.

    Args:
        store: Holds the register.
        feeds: All feeds.
        units: What comes, and what is read again with it.
    """
    coming: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.is_released or not unit.is_replay:
            coming.setdefault(unit.feed, []).append(unit)
    found: list[Unit] = []
    for feed in feeds.values():
        steps = [(step, str(step.feed)) for step in feed.joins if step.feed in coming]
        before = {name: delivered(store, feeds[name]) for _, name in steps}
        begun = {name: since(feeds[name], before[name], coming[name]) for _, name in steps}
        told = {name: list({unit.name: unit for unit in (*before[name], *coming[name])}.values()) for name in before}
        found += [
            unit
            for unit in (taken_in(store, feed, units) if steps else ())
            if any(
                one in coming[name]
                for step, name in steps
                if begun[name] <= feed.extraction(unit.groups)
                for one in looked_into(feeds, unit, step, told[name])
            )
        ]
    return found


def delivered(store: Store, feed: Feed) -> list[Unit]:
    """Files that were taken in, of one name the last; what had known bytes again by those of that file."""
    records = [record for record in files.of_feed(store, feed.name) if record.status in TAKEN_IN]
    landed_as = {record.sha256: record.landing_key for record in records if record.status == "published"}
    named = {record.name: record for record in records if record.sha256 in landed_as}
    return [replace(landed(record, feed), landed_as=landed_as[record.sha256]) for record in named.values()]


def taken_in(store: Store, feed: Feed, units: Sequence[Unit]) -> list[Unit]:
    """Files that were taken in and whose names say a moment, of one name and moment the last, to be read again.

    None of `units`, nor what one of these takes the place of.
    """
    mine = [unit for unit in units if unit.feed == feed.name]
    here = {key for unit in mine for key in ((unit.name, unit.sha256), (unit.name, feed.moment(unit.groups)))}
    records = files.of_feed(store, feed.name)
    landed_as = {record.sha256: record.landing_key for record in records if record.status == "published"}
    return [
        replace(landed(record, feed), landed_as=landed_as[record.sha256])
        for record in _last(feed, records, *TAKEN_IN)
        if record.sha256 in landed_as
        and (at := _at(feed, record)) is not None
        and here.isdisjoint(((record.name, record.sha256), (record.name, at)))
    ]


def _last(feed: Feed, records: list[files.Record], *statuses: str) -> list[files.Record]:
    """Of files with one name, written at one moment, the last that was taken in; of documents all."""
    kept = [record for record in records if record.status in statuses]
    if feed.dialect == "documents":
        return kept
    return list({(record.name, _at(feed, record)): record for record in kept}.values())


def _at(feed: Feed, record: files.Record) -> datetime | None:
    """When a file that was taken in was written, as the feed says now."""
    return feed.moment(feed.with_moment(record.groups, record.manifest))


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
    with batch.store.lock(PUBLISHING):  # or a manifest is there whose files the register does not know yet
        manifest = Lake(batch.store).manifest()  # before anybody looks what is known
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
        found, duplicates = sort(batch.store, [unit for some in seen.values() for unit in some.units], feeds)
        new += [unit for unit in found if unit.id not in again]
        turns = {
            name: lined_up(
                batch.store, feed, [u for u in new if u.feed == name], [u for u in duplicates if u.feed == name]
            )
            for name, feed in feeds.items()
        }
        out_of_turn = Counter(unit.feed for unit in new)
        out_of_turn.subtract({name: len(units) for name, units in turns.items()})
        new = with_others(batch.store, feeds, [unit for units in turns.values() for unit in units])
        waiting = {name: count for name, some in seen.items() if (count := some.waiting + out_of_turn[name])}
    plan = {
        "batch": batch.name,
        "units": [unit_record(unit) for unit in told_apart(new)],
        "duplicates": [unit_record(unit) for unit in duplicates],
        "waiting": waiting,
        "seq": manifest.seq if manifest else 0,
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
