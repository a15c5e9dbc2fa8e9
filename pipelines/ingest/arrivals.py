"""Files where they arrived, wherever that is, and the units that they are.

A feed's own words say which names are its own; how a file is read, listed and found complete is the business of the
place that it lies in: a folder (`discover`) or a server (`pickup`).
"""

import json
import re
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pipelines.base.digests import sha256_bytes, sha256_file
from pipelines.ingest.batch import UNNAMED, Unit, unit_id
from pipelines.ingest.feeds import WRITTEN, Feed

UNIT_BY: Final = "unit_by"
MANIFEST: Final = 1 << 20
"""Bytes of the largest manifest that is read."""
OF_RUN: Final = ("run_id", "previous_run_id", "full_or_delta")
"""What a manifest may say of the run that wrote its files."""
VERSION: Final = "schema_version"
"""What it may say of the layout of a file, or of all its files."""
NOT_A_FILE: Final = "not_a_file"
"""A link, which may lead to what only we may read, or a pipe, which may never end."""
UNSAFE: Final = "unsafe_name"
UNFINISHED: Final = (".tmp", ".part", ".filepart")
"""How names end while somebody still writes."""


class Gone(Exception):  # not an error of the program: whoever asked knows what it means
    """A file that was seen cannot be read."""


class Arrival(Protocol):
    """A file where it arrived."""

    @property
    def sha256(self) -> str:
        """Of its bytes."""

    @property
    def size(self) -> int:
        """Bytes."""

    def beside(self, suffix: str) -> bytes | None:
        """The first bytes, one more than `MANIFEST`, of the file whose name has this at its end; None without one."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file in a folder."""

    path: Path

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return sha256_file(self.path)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @property
    def is_plain(self) -> bool:
        """Whether it is a file itself."""
        return stat.S_ISREG(self.path.lstat().st_mode)

    def beside(self, suffix: str) -> bytes | None:
        """The first bytes of the file whose name has this at its end."""
        path = self.path.with_name(f"{self.path.name}{suffix}")
        try:
            if not OnDisk(path).is_plain:
                return None
            with path.open("rb") as file:
                return file.read(MANIFEST + 1)
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Found:
    """A file that matches a feed."""

    file: Arrival
    name: str
    """Path below the feed's location."""
    groups: Mapping[str, str]
    is_ready: bool = True
    """Whether it shows that it is complete, as its feed asks."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """What the place of a feed has."""

    units: list[Unit]
    waiting: int
    """Files that are not complete yet."""
    passed_over: Mapping[str, int]
    """Reason -> entries that are no files of the feed, whatever they are called."""


def can_be_shown(name: str) -> bool:
    """Whether a path has no sign that is none, such as the end of a line or a byte that is no text."""
    return not any(unicodedata.category(sign)[0] == "C" for sign in name)


def matched(feed: Feed, name: str) -> dict[str, str] | None:
    """Named groups of a path below the feed's location; None when it is not declared or not finished."""
    match = re.fullmatch(feed.files, name)
    last = name.rpartition("/")[2]
    signal = feed.ready.suffix if feed.ready is not None else None
    if match is None or last.startswith(".") or last.endswith((*UNFINISHED, *([signal] if signal else []))):
        return None
    return {group: value for group, value in match.groupdict().items() if value is not None}


def units_of(feed: Feed, found: list[Found]) -> list[Unit]:
    """What is complete as units; documents of one delivery are one unit."""
    if feed.dialect == "documents":
        return deliveries(feed, found)
    return [one(feed, item) for item in found if item.is_ready]


def deliveries(feed: Feed, found: Iterable[Found]) -> list[Unit]:
    """Documents as units, one a delivery; one that is not complete waits for its last document."""
    by = [str(name) for name in feed.options.get(UNIT_BY, ())]
    together: dict[tuple[str, ...], list[Found]] = {}
    for item in found:
        together.setdefault(tuple(item.groups[name] for name in by), []).append(item)
    return [
        delivery(feed, dict(zip(by, values, strict=True)), items)
        for values, items in together.items()
        if all(item.is_ready for item in items)
    ]


def delivery(feed: Feed, groups: Mapping[str, str], items: list[Found]) -> Unit:
    """Documents of one delivery as a unit, named by what tells deliveries apart."""
    documents = tuple((item.name, item.file.sha256, item.file.size) for item in items)
    digest = sha256_bytes("\n".join(f"{sha256}  {name}" for name, sha256, _ in documents).encode())
    name = "/".join(groups.values()) or "all"
    size = sum(size for *_, size in documents)
    return Unit(unit_id(feed.name, digest), feed.name, name, digest, size, dict(groups), feed.sha256, documents)


def one(feed: Feed, item: Found) -> Unit:
    """A file as a unit."""
    sha256 = item.file.sha256
    said, declaration = None, feed.sha256
    if feed.ready is not None and feed.ready.manifest is not None:
        said, digest = _manifest(item.file.beside(feed.ready.manifest), item.name.rpartition("/")[2])
        declaration = sha256_bytes(f"{feed.sha256} {digest}".encode())  # a manifest that is corrected is another one
    groups = feed.with_moment(item.groups, said)
    unit = Unit(
        unit_id(feed.name, sha256), feed.name, item.name, sha256, item.file.size, groups, declaration, manifest=said
    )
    # Whoever may list sees keys, and the name of a file of one person is often theirs.
    return replace(unit, landed_as=f"{unit.landing_folder}/{sha256}/{UNNAMED}") if feed.is_one else unit


def _manifest(data: bytes | None, name: str) -> tuple[dict[str, Any], str]:
    """What a manifest says of a file, empty when that is nothing usable; and the manifest's digest."""
    if data is None:
        return {}, ""
    try:
        said = _said(data, name) if len(data) <= MANIFEST else {}
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        said = {}
    return said, sha256_bytes(data)


def _said(data: bytes, name: str) -> dict[str, Any]:
    """What a manifest says, if it is usable; any error says that it is not."""
    text = data.decode(json.detect_encoding(data))  # a list is in one of the encodings that JSON is in
    if not text.lstrip().startswith(("{", "[")):
        return _listed(text, name)
    document = json.loads(text)
    (entry,) = (entry for entry in document["files"] if entry["name"] == name)  # one that says two things says nothing
    if not isinstance(entry["sha256"], str) or type(entry["records"]) is not int:
        return {}
    said = {word: document.get(word) for word in OF_RUN} | {VERSION: entry.get(VERSION, document.get(VERSION))}
    of_run = {word: str(value) for word, value in said.items() if isinstance(value, str) or type(value) is int}
    return {"sha256": entry["sha256"].lower(), "records": entry["records"], **of_run, **_written(document.get(WRITTEN))}


def _written(said: object) -> dict[str, str]:
    """The moment of extraction in UTC, where it is one: without an offset nobody knows which it is."""
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
        return {WRITTEN: moment.astimezone(UTC).isoformat()} if moment is not None and moment.tzinfo else {}
    except (ValueError, OverflowError):
        return {}


def _listed(text: str, name: str) -> dict[str, Any]:
    """The one line about a file: a count and a digest behind its name, in either order."""
    lines = ([cell.strip() for cell in re.split(r"[|,;\t]", line)] for line in text.splitlines())
    (line,) = (cells for cells in lines if cells[0] == name)
    (digest,) = (cell for cell in line[1:] if re.fullmatch(r"[0-9a-fA-F]{64}", cell))
    (count,) = (cell for cell in line[1:] if re.fullmatch(r"[0-9]{1,18}", cell))
    return {"sha256": digest.lower(), "records": int(count)}
