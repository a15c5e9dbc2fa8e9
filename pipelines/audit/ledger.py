"""Entries of the ledger: how they are written and read back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pipelines.audit.segments import STRETCH, key, number, numbered, seal, unsealed
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

GENESIS: Final = "0" * 64
"""What the first entry names as the digest before it."""


class Tag(StrEnum):
    """What can happen, as subject:action. Closed: a tag that retires stays here as a comment."""

    FILE_INGESTED = "file:ingested"
    FILE_DECIDED = "file:decided"
    DELTAS_RECONCILED = "deltas:reconciled"
    DECISION_REFUSED = "decision:refused"
    MODEL_TRAINED = "model:trained"
    MODEL_HELD = "model:held"
    MODEL_PROPOSED = "model:proposed"
    RELEASE_APPROVED = "release:approved"
    RELEASE_REFUSED = "release:refused"
    RELEASE_INTERFERED = "release:interfered"
    MODEL_RELEASED = "model:released"
    PEOPLE_SCORED = "people:scored"
    PEOPLE_MATCHED = "people:matched"
    CANDIDATE_SCORED = "candidate:scored"
    SCORING_STOPPED = "scoring:stopped"
    SCORING_RESTARTED = "scoring:restarted"
    SCORING_TESTED = "scoring:tested"
    RETRAIN_REQUESTED = "retrain:requested"
    PERSON_FORGOTTEN = "person:forgotten"
    LANDING_EXPIRED = "landing:expired"
    ROWS_RETIRED = "rows:retired"
    MODEL_OUTDATED = "model:outdated"
    EVENT_REFUSED = "event:refused"
    AUDIT_PACKAGED = "audit:packaged"
    KEY_ADOPTED = "key:adopted"
    NOTICE_GIVEN = "notice:given"
    NOTICE_WITHDRAWN = "notice:withdrawn"
    SCOPE_STATED = "scope:stated"
    ASSESSMENT_SIGNED = "assessment:signed"
    ASSESSMENT_WITHDRAWN = "assessment:withdrawn"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry: what a release anchors. Number 0 stands for an empty ledger."""

    sequence: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event."""

    sequence: int
    tag: Tag
    subject: str
    """What it happened to: a family, a batch."""
    facts: Mapping[str, Any]
    """JSON values: digests, counts, names of deciders."""
    recorded_at: str
    """UTC, ISO 8601."""
    previous_sha256: str

    def to_json(self) -> bytes:
        """Canonical bytes, with a digest of the content: a change of the newest entry shows as well."""
        content = {
            "sequence": self.sequence,
            "tag": str(self.tag),
            "subject": self.subject,
            "facts": dict(self.facts),
            "recorded_at": self.recorded_at,
            "previous_sha256": self.previous_sha256,
        }
        plain = canonical(content)
        # The first name of all in their order, so that what was written once need not be written again.
        return b'{"content_sha256":"%b",%b\n' % (sha256_bytes(plain).encode(), plain[1:])

    @property
    def sha256(self) -> str:
        """Digest of the object: what the next entry names."""
        return sha256_bytes(self.to_json())


def append(store: Store, tag: Tag, subject: str, *, once: bool = False, **facts: Any) -> Entry:
    """Add an entry; when another writer takes its number, add it after that one. What it closes is sealed.

    Args:
        store: Holds the ledger.
        tag: What happened.
        subject: To what: a family, a batch.
        once: Whether an entry with the same tag, subject and facts is enough: makes a retried step append once.
        facts: JSON values without NaN. No personal data but the names of those who decided.

    Returns:
        The entry as written, or the one found.
    """
    return record(store, tag, subject, facts, once=once)


def record(
    store: Store, tag: Tag, subject: str, facts: Mapping[str, Any], *, once: bool = False, stretch: int = STRETCH
) -> Entry:
    """As `append`, with the number of entries in a segment."""
    plain: dict[str, Any] = json.loads(canonical(facts))
    seen = 0
    while True:
        top = head(store)
        if once:
            found = _find(store, tag, subject, plain, after=seen, upto=top.sequence)
            if found is not None:
                return found
            seen = top.sequence
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        entry = Entry(top.sequence + 1, tag, subject, plain, now, top.sha256)
        if store.create(key(entry.sequence), entry.to_json()):
            seal_closed(store, entry.sequence, stretch)
            return entry


def seal_closed(store: Store, upto: int, stretch: int = STRETCH) -> list[int]:
    """Seal every closed stretch whose chain is whole; the last entries of those that were sealed now.

    A broken stretch is left as it is, so that nobody's change is kept for years and scoring goes on; `verify` names it.
    """
    whole = [last for last in unsealed(store, upto, stretch) if _is_whole(store, last, stretch)]
    for last in whole:
        seal(store, last, stretch)
    return whole


def head(store: Store) -> Head:
    """The newest entry's number and digest.

    Raises:
        ContractError: The newest object under the ledger's prefix is not numbered like an entry.
    """
    keys = numbered(store)
    return Head(number(keys[-1]), sha256_bytes(store.read(keys[-1]))) if keys else Head(0, GENESIS)


def entries(store: Store, *, newest_first: bool = False) -> Iterator[Entry]:
    """All entries, read as they are asked for.

    Raises:
        ContractError: One is not readable.
    """
    keys = numbered(store)
    if newest_first:
        keys.reverse()
    for name, data in zip(keys, store.read_many(keys), strict=True):
        yield parse(data, number(name))


def read(store: Store, sequence: int) -> Entry:
    """One entry.

    Raises:
        ContractError: It is missing or not readable.
    """
    return parse(store.read(key(sequence)), sequence)


def parse(data: bytes, sequence: int) -> Entry:
    """An entry from its bytes.

    Raises:
        ContractError: They are not what `Entry.to_json` writes for this number.
    """
    try:
        content = json.loads(data)
        del content["content_sha256"]
        entry = Entry(**{**content, "tag": Tag(content["tag"])})
        is_as_written = entry.sequence == sequence and entry.to_json() == data and isinstance(entry.subject, str)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ContractError(f"Entry {sequence} of the ledger must be an entry; it is not readable.") from None
    if not is_as_written or not isinstance(entry.recorded_at, str):
        raise ContractError(f"Entry {sequence} of the ledger must be as it was written; its content was changed.")
    return entry


def _find(store: Store, tag: Tag, subject: str, facts: Mapping[str, Any], *, after: int, upto: int) -> Entry | None:
    """The newest entry that says the same, among the numbers after `after`."""
    numbers = range(upto, after, -1)
    for sequence, data in zip(numbers, store.read_many(map(key, numbers)), strict=True):
        entry = parse(data, sequence)
        if (entry.tag, entry.subject, entry.facts) == (tag, subject, facts):
            return entry
    return None


def _is_whole(store: Store, last: int, stretch: int) -> bool:
    """Whether each entry of a stretch is readable and follows the one before."""
    first = last - stretch + 1
    before = GENESIS if first == 1 else None
    numbers = range(max(first - 1, 1), last + 1)
    try:
        for sequence, data in zip(numbers, store.read_many(map(key, numbers)), strict=True):
            if parse(data, sequence).previous_sha256 != before and sequence >= first:
                return False
            before = sha256_bytes(data)
    except ContractError:
        return False
    return True


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(content: Any) -> bytes:
    """JSON in one way only: what digests are taken of. Raises ValueError on NaN."""
    return _ENCODER.encode(content).encode()
