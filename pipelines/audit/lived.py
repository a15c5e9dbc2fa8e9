"""What scored people when, on what data, and who allowed it: out of the ledger alone.

A release, and a going back, is live from its entry until the next of its family. What was held or scored in shadow
never is, nor what was cut short before its pointer: a later entry has its number. Times are UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Any, Final

from pipelines.audit.ledger import Entry, Tag
from pipelines.audit.tagged import marked
from pipelines.base.releases import NUMBER
from pipelines.base.store import Store

_LIVE: Final = (Tag.MODEL_RELEASED, Tag.SCORING_STOPPED, Tag.SCORING_RESTARTED)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A release while it was live, or a time in which scoring was stopped."""

    family: str
    since: str
    """UTC, ISO 8601."""
    until: str | None
    """The moment at which the next took its place; None while it is live."""
    kind: str
    """`release`, `rollback` or `stop`."""
    sequence: int
    """Of its entry in the ledger."""
    facts: dict[str, Any]
    """Of its entry; a release's with `requester` and `commit` of its proposal."""
    scorings: tuple[dict[str, Any], ...] = ()
    """Facts of the people:scored that it made on the day asked for, oldest first."""


def stretches(store: Store) -> list[Stretch]:
    """Everything that was ever live, and every stop, by beginning."""
    return _stretches(_told(store))


def on(store: Store, day: date) -> list[Stretch]:
    """What was live, and what stopped, at some moment of a day, with what was scored on it.

    Args:
        store: Holds the ledger.
        day: In UTC.
    """
    known, text = _told(store), day.isoformat()
    before = (day - timedelta(days=1)).isoformat()  # clocks of machines differ: the order is that of numbers
    since = takewhile(
        lambda entry: entry.recorded_at[:10] >= before, marked(store, (Tag.PEOPLE_SCORED,), despite_holes=True)
    )
    scored = [entry for entry in since if entry.recorded_at[:10] == text][::-1]
    return [
        replace(stretch, scorings=tuple(_own(stretch, scored)))
        for stretch in _stretches(known)
        if stretch.since[:10] <= text and (stretch.until is None or stretch.until[:10] >= text)
    ]


def told(stretch: Stretch) -> str:
    """A stretch for a reader, several lines."""
    facts, ends = stretch.facts, stretch.until or "now"
    head = f"{stretch.family}  {stretch.kind}  {stretch.since} to {ends}  (entry {stretch.sequence})"
    if stretch.kind == "stop":
        return f"{head}\n  stopped by {facts['by']}: {facts['why']}"
    people = " and ".join(f"{person['name']} ({person['approved_at']})" for person in facts["approvers"])
    places = sorted({str(person["recorded_by"]) for person in facts["approvers"] if person.get("recorded_by")})
    people += f", on record at {' and '.join(places)}" if places else ""
    lines = [
        head,
        f"  model    {facts['model_sha256']}",
        f"  data     {facts['data_sha256']}, as of {facts['as_of']}",
        f"  verdict  {facts['verdict_sha256']}",
        f"  allowed by {people}; asked for by {facts['requester']}, from commit {facts['commit']}",
    ]
    if stretch.kind == "rollback":
        lines.append(f"  gone back to by {facts.get('asked_by', 'somebody not on record')}: {facts['reason']}")
    lines += [f"  scored {scoring['rows']} rows as of {scoring['as_of']}" for scoring in stretch.scorings]
    return "\n".join(lines)


def _own(stretch: Stretch, scored: list[Entry]) -> Iterator[dict[str, Any]]:
    for entry in scored:
        is_within = stretch.since <= entry.recorded_at and (stretch.until is None or entry.recorded_at < stretch.until)
        is_ours = entry.facts.get("verdict_sha256") == stretch.facts.get("verdict_sha256")
        if entry.subject == stretch.family and is_ours and is_within:
            yield dict(entry.facts)


def _told(store: Store) -> list[Entry]:
    """What says what is live, by number. Whoever shows it says beside it whether the ledger is whole."""
    return list(marked(store, (Tag.MODEL_PROPOSED, *_LIVE), despite_holes=True))[::-1]


def _has_number(entry: Entry) -> bool:
    return entry.tag is Tag.MODEL_RELEASED and isinstance(entry.facts.get(NUMBER), int)


def _stretches(known: list[Entry]) -> list[Stretch]:
    found: dict[int, Stretch] = {}
    open_now: dict[str, int] = {}
    proposed: dict[tuple[str, Any], dict[str, Any]] = {}
    numbered = {(entry.subject, entry.facts[NUMBER]): entry.sequence for entry in known if _has_number(entry)}
    for entry in known:
        if _has_number(entry) and numbered[entry.subject, entry.facts[NUMBER]] != entry.sequence:
            continue
        about = (entry.subject, entry.facts.get("verdict_sha256"))
        if entry.tag is Tag.MODEL_PROPOSED:
            proposed.setdefault(about, {name: entry.facts[name] for name in ("requester", "commit")})
        if entry.tag not in _LIVE:
            continue
        before = open_now.pop(entry.subject, None)
        if before is not None:
            found[before] = replace(found[before], until=entry.recorded_at)
        if entry.tag is Tag.SCORING_RESTARTED:
            continue
        origin = proposed.get(about, {"requester": "somebody not on record", "commit": "not on record"})
        kind = "stop" if entry.tag is Tag.SCORING_STOPPED else str(entry.facts["kind"])
        facts = dict(entry.facts) if kind == "stop" else {**origin, **entry.facts}
        found[entry.sequence] = Stretch(entry.subject, entry.recorded_at, None, kind, entry.sequence, facts)
        open_now[entry.subject] = entry.sequence
    return list(found.values())
