"""The file that somebody asks about, as the unit that a run would make of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.base.errors import SettingsError
from pipelines.ingest import discover
from pipelines.ingest.batch import Unit
from pipelines.ingest.discover import Found
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
    unit = discover.one(feed, Found(path, name, _dated(feed, path) if groups is None else groups))
    return Given(path, unit, groups is not None, is_in_place, discover.is_ready(feed, path, time.time()))


def _documents(feed: Feed, path: Path, place: Path | None, is_in_place: bool | None) -> Given:
    paths = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    found = [
        Found(item, name, groups)
        for item in paths
        for name, groups in [_named(feed, item, place)]
        if groups is not None
    ]
    units = discover.deliveries(feed, found)
    if len(units) != 1:
        raise SettingsError(
            f"FILE must name documents of one delivery of {feed.name}; those whose names match its `files` are of "
            f"{len(units)}. Name one of its folders, or correct the pattern."
        )
    now = time.time()
    is_ready = all(discover.is_ready(feed, item.path, now) for item in found)
    return Given(found[0].path.parents[found[0].name.count("/")], units[0], True, is_in_place, is_ready)


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
        return name, discover.matched(feed, name)
    for count in range(1, len(path.parts)):
        name = "/".join(path.parts[-count:])
        groups = discover.matched(feed, name)
        if groups is not None:
            return name, groups
    return path.name, None


def _dated(feed: Feed, path: Path) -> dict[str, str]:
    """Stands for the groups of a name that does not match: the day on which the file changed."""
    day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    return {} if feed.extracted_at.end_of is None else {feed.extracted_at.end_of: day}
