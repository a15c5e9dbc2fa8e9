"""What arrived, what became of it over all batches, and what is late: rows by feed, checks, held files, missed changes.

Everything here is a count, or the name of a column that is new, from the reports that `pipelines.ingest` leaves;
nothing of a row is in them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from pipelines.audit import Tag
from pipelines.audit.tagged import marked
from pipelines.base.catalog import ARRIVALS, REPORTS
from pipelines.base.errors import CandorError
from pipelines.base.store import Store

_COUNTED: Final = ("in", "accepted", "quarantined", "filtered", "held")


@dataclass(frozen=True, slots=True)
class Feed:
    """What became of one feed's rows, over all batches."""

    name: str
    rows: Mapping[str, int]
    reasons: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)
    """Of documents that were taken in, those to be looked at, by what was seen of them."""

    @property
    def adds_up(self) -> bool:
        """Rows in = accepted + quarantined + filtered."""
        rows = self.rows
        return rows["in"] == rows["accepted"] + rows["quarantined"] + rows["filtered"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one expectation saw, over all batches: counts, never a value."""

    table: str
    """At the levels `file` and `raw` the feed."""
    code: str
    """Reason code of a row that fails it."""
    checked: int
    failed: int
    level: str = "canonical"
    severity: str = "quarantine"
    unmet: int = 0
    """Batches in which more failed than may."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that a run held, and what was decided about it."""

    batch: str
    feed: str
    sha256: str
    code: str
    message: str
    decision: Mapping[str, Any] | None
    """Choice, note and who; None while nobody has decided."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What deltas missed, as one full file told of one table: counts, never a key or value."""

    batch: str
    feed: str
    deltas: tuple[str, ...]
    table: str
    rows: int
    differ: int
    only_in_file: int
    only_in_lake: int
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewColumns:
    """What files of a feed began to have, and no rule reads."""

    batch: str
    feed: str
    files: int
    names: tuple[str, ...]
    """Some of them; none that may be a person's."""
    others: int
    """How many more there are, or are withheld."""


@dataclass(frozen=True, slots=True)
class Late:
    """A feed whose next file has not come."""

    feed: str
    owner: str
    cadence: str
    newest: str
    """Day of the newest file that ever arrived."""
    due: str


@dataclass(frozen=True, slots=True)
class Ingested:
    """All that arrived and what became of it."""

    feeds: Sequence[Feed] = ()
    checks: Sequence[Check] = ()
    held: Sequence[HeldFile] = ()
    missed: Sequence[Missed] = ()
    late: Sequence[Late] = ()
    drifted: Sequence[NewColumns] = ()


def ingested(store: Store) -> Ingested:
    """Everything that reports of ingest say."""
    today = datetime.now(UTC).date()
    return Ingested(feeds(store), checks(store), held(store), missed(store), late(store, today), drifted(store))


def feeds(store: Store) -> list[Feed]:
    """What became of all rows that ever arrived, by feed."""
    rows: dict[str, dict[str, int]] = {}
    reasons: dict[str, dict[str, int]] = {}
    flags: dict[str, dict[str, int]] = {}
    for batch in _batches(store):
        for name, counts in batch["counts"].items():
            _add(rows.setdefault(name, dict.fromkeys(_COUNTED, 0)), {part: counts.get(part, 0) for part in _COUNTED})
            _add(reasons.setdefault(name, {}), counts.get("reasons", {}))
        for name, counts in batch.get("flags", {}).items():
            _add(flags.setdefault(name, {}), counts)
    return [Feed(name, rows[name], reasons[name], flags.get(name, {})) for name in sorted(rows)]


def checks(store: Store) -> list[Check]:
    """Every expectation that rows were ever held against, by table; of a table those that failed first."""
    seen: dict[tuple[str, str], dict[str, int]] = {}
    about: dict[tuple[str, str], tuple[str, str]] = {}
    for batch in _batches(store):
        for found in batch.get("checks") or ():
            which = (found["table"], found["reason_code"])
            is_met = found.get("is_met", not found["failed"])  # older reports say neither this nor what it is about
            about[which] = (found.get("level", "canonical"), found.get("severity", "quarantine"))
            counts = {"checked": found["checked"], "failed": found["failed"], "unmet": not is_met}
            _add(seen.setdefault(which, {}), counts)
    made = [
        Check(*which, counts["checked"], counts["failed"], *about[which], counts["unmet"])
        for which, counts in seen.items()
    ]
    return sorted(made, key=lambda check: (check.table, -check.failed, check.code))


def held(store: Store) -> list[HeldFile]:
    """Files that runs held, the newest batch first, with the last decision about each."""
    try:
        decided = _decided(store)
    except CandorError:  # the page says beside it that the ledger is broken
        decided = {}
    return [
        HeldFile(
            batch["batch"],
            file["feed"],
            file["file_sha256"],
            file["reason_code"],
            file["message"],
            decided.get((file["feed"], file["file_sha256"], batch["batch"])),
        )
        for batch in reversed(_batches(store))
        for file in batch["held"]
    ]


def missed(store: Store) -> list[Missed]:
    """What full files said about deltas, the newest batch first."""
    return [
        Missed(
            batch["batch"],
            found["feed"],
            tuple(found["deltas"]),
            found["table"],
            found["rows"],
            found["differ"],
            found["only_in_file"],
            found["only_in_lake"],
            found["columns"],
        )
        for batch in reversed(_batches(store))
        for found in batch.get("reconciled") or ()
    ]


def drifted(store: Store) -> list[NewColumns]:
    """Columns that feeds had not before, the newest batch first."""
    return [
        NewColumns(
            batch["batch"],
            found["feed"],
            found["files"],
            tuple(found["names"]),
            found["columns"] - len(found["names"]),
        )
        for batch in reversed(_batches(store))
        for found in batch.get("drift") or ()
    ]


def late(store: Store, today: date) -> list[Late]:
    """Feeds that are late on a day, as the last look at their places left it."""
    kept = json.loads(store.read(ARRIVALS)) if store.exists(ARRIVALS) else {}
    return [
        Late(name, *(told[word] for word in ("owner", "cadence", "newest", "due")))
        for name, told in sorted(kept.items())
        if "late_from" in told and told["late_from"] <= today.isoformat()
    ]


def _decided(store: Store) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(feed, digest, batch that held it) -> the last decision."""
    entries = reversed(list(marked(store, (Tag.FILE_DECIDED,))))
    return {(e.subject, str(e.facts["file_sha256"]), str(e.facts["batch"])): dict(e.facts) for e in entries}


def _batches(store: Store) -> list[dict[str, Any]]:
    """Reports of ingest, by the names of their batches."""
    return [json.loads(data) for data in store.read_many(store.list(f"{REPORTS}/ingest"))]


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + int(count)
