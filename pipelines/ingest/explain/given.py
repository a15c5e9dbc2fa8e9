"""The file that somebody asks about, as the unit that a run would make of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.base.errors import SettingsError
from pipelines.ingest import arrivals, discover
from pipelines.ingest.arrivals import Found, OnDisk
from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed


@dataclass(frozen=True, slots=True)
class Given:
    """A file or a delivery of documents."""

    source: Path
    """What a reader takes: the file, or the folder that the documents lie in."""
    unit: Unit
    is_found: bool
    """Whether a run takes something of this name."""
    is_in_place: bool | None
    """Whether it lies below the feed's location; None when nobody says where exports arrive."""
    is_ready: bool
    """Whether it shows that it is complete, as the feed asks."""


def given(feed: Feed, path: Path) -> Given:
    """The unit that a path names. Only documents may be a folder.

    Raises:
        SettingsError: It names nothing that can be read as one unit.
    """
    is_documents = feed.dialect == "documents"
    if not (path.is_file() or (path.is_dir() and is_documents)):
        what = "a file or a folder of documents" if is_documents else "a file"
        raise SettingsError(f"FILE must name {what}; it names none. Correct the path.")
    place = _place(feed)
    is_in_place = None if place is None else path.is_relative_to(place)
    if is_documents:
        return _documents(feed, path, place, is_in_place)
    name, groups = _named(feed, path, place)
    unit = arrivals.one(feed, Found(OnDisk(path), name, _dated(feed, path) if groups is None else groups))
    return Given(path, unit, groups is not None, is_in_place, _is_ready(feed, path, time.time()))


def _documents(feed: Feed, path: Path, place: Path | None, is_in_place: bool | None) -> Given:
    paths = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    named = [(item, *_named(feed, item, place)) for item in paths]
    found = {item: Found(OnDisk(item), name, groups) for item, name, groups in named if groups is not None}
    units = arrivals.deliveries(feed, found.values())
    if len(units) != 1:
        raise SettingsError(
            f"FILE must name documents of one delivery of {feed.name}; those whose names match its `files` are of "
            f"{len(units)}. Name one of its folders, or correct the pattern."
        )
    now = time.time()
    is_ready = all(_is_ready(feed, item, now) for item in found)
    first, item = next(iter(found.items()))
    return Given(first.parents[item.name.count("/")], units[0], True, is_in_place, is_ready)


def _is_ready(feed: Feed, path: Path, now: float) -> bool:
    """Whether a file shows that it is complete; a copy of one from a server cannot, and somebody chose it."""
    return feed.is_on_server or discover.is_ready(feed, path, now)


def _place(feed: Feed) -> Path | None:
    """The folder in which the feed's files arrive; None when nobody says where."""
    try:
        return discover.place(feed).resolve()
    except SettingsError:
        return None


def _named(feed: Feed, path: Path, place: Path | None) -> tuple[str, Mapping[str, str] | None]:
    """The name below the location, and its groups. Elsewhere, the shortest end of the path that the feed declares."""
    if place is not None and path.is_relative_to(place):
        name = path.relative_to(place).as_posix()
        return name, arrivals.matched(feed, name)
    for count in range(1, len(path.parts)):
        name = "/".join(path.parts[-count:])
        groups = arrivals.matched(feed, name)
        if groups is not None:
            return name, groups
    return path.name, None


def _dated(feed: Feed, path: Path) -> dict[str, str]:
    """Stands for the groups of a name that does not match: the day on which the file changed."""
    day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    return {} if feed.extracted_at.end_of is None else {feed.extracted_at.end_of: day}
