"""Pointers against the entries behind them: what each says, under which number, in which order, and which are gone.

A pointer alone proves nothing, not even its own place: whoever can write the store can copy an old one to a higher
number. So the entry names the number, which is signed with the rest, and pointers must follow one another as their
entries do. Entries of before numbers were named have none; the first that has one ends that. Pure.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from pipelines.audit.ledger import Entry, Tag
from pipelines.audit.statement import SIGNED
from pipelines.base.catalog import FAMILIES, PROPOSALS, RELEASES
from pipelines.base.releases import NUMBER, Release, pointers_under

_SHADOW: Final = ["no_group_data"]
"""What alone may hold a model that is scored in shadow."""
CHANGED: Final = "It was changed: take it out of use, and find out who could write there."


def faults(
    pointers: Sequence[tuple[Release, bytes]], kept: Sequence[Entry], unreadable: Collection[str] = ()
) -> Iterator[str]:
    """Every pointer that is not what the ledger calls for, and every one that it calls for and is not there.

    Args:
        pointers: Of all families, by number, each with its bytes.
        kept: Readable entries that releases rest on, oldest first, each in the form in which we write them.
        unreadable: Keys of pointers that are there and named elsewhere.
    """
    for family in FAMILIES:
        for is_shadow, tag in ((False, Tag.MODEL_RELEASED), (True, Tag.MODEL_HELD)):
            found = [(item, data) for item, data in pointers if (item.family, item.is_shadow) == (family, is_shadow)]
            mine = [item for item, _ in found]
            behind = [entry for entry in kept if (entry.tag, entry.subject) == (tag, family)]
            for pointer, data in found:
                yield from _said(pointer, data, behind)
                yield from _held_for_more(pointer, behind)
            yield from _gaps(family, mine, unreadable, is_shadow=is_shadow)
            yield from _order(mine, behind)
            if not is_shadow:
                yield from _unpointed(family, behind, mine, unreadable)
                yield from _repeated(behind)
                yield from _unnumbered(behind)


def is_called_for(pointer: Release, entry: Entry) -> bool:
    """Whether a pointer is, in all but the anchor that it may choose, what an entry calls for.

    Of an entry that names no number it may choose that as well: whoever asks must see that no other has one before it.
    """
    try:
        return "verdict_sha256" in entry.facts and pointer == _expected(pointer, entry)
    except TypeError:  # an entry that was written by hand calls for nothing
        return False


def number_of(entry: Entry) -> int | None:
    """The number that an entry gives its pointer; None for one of before numbers were named."""
    number = entry.facts.get(NUMBER)
    return number if isinstance(number, int) else None


def _said(pointer: Release, data: bytes, behind: Iterable[Entry]) -> Iterator[str]:
    """A pointer that says something else than the entry behind it."""
    expected = [
        _expected(pointer, entry) for entry in behind if entry.facts.get("verdict_sha256") == pointer.verdict_sha256
    ]
    if not expected or data in [item.to_json() for item in expected]:
        return
    differing = min((_differing(pointer, item) for item in expected), key=len)
    names = ", ".join(differing) or "the way it is written"
    yield f"{pointer.key} is not what its entry in the ledger says, in {names}. {CHANGED}"


def _held_for_more(pointer: Release, behind: Iterable[Entry]) -> Iterator[str]:
    """A model scored in shadow though it is held for a fault: every held model has an entry, not only those."""
    codes = [
        entry.facts.get("codes") for entry in behind if entry.facts.get("verdict_sha256") == pointer.verdict_sha256
    ]
    if pointer.is_shadow and codes and _SHADOW not in codes:
        yield f"{pointer.key} lets a model score in shadow that is held for more than want of group data. {CHANGED}"


def _expected(pointer: Release, entry: Entry) -> Release:
    """The pointer that an entry calls for, with the anchor that it may choose."""
    facts, number = entry.facts, number_of(entry)
    zone = PROPOSALS if entry.tag is Tag.MODEL_HELD else RELEASES
    return Release(
        family=entry.subject,
        sequence=pointer.sequence if number is None else number,
        kind=facts.get("kind", "shadow"),
        folder=f"{zone}/{entry.subject}/{facts['verdict_sha256']}",
        verdict_sha256=facts["verdict_sha256"],
        manifest_sha256=str(facts.get("manifest_sha256")),
        model_sha256=str(facts.get("model_sha256")),
        data_sha256=str(facts.get("data_sha256")),
        as_of=str(facts.get("as_of")),
        run_id=str(facts.get("run_id")),
        reason=facts.get("reason", ""),
        approvers=tuple(facts.get("approvers", ())),
        ledger=pointer.ledger,
        released_at=entry.recorded_at,
    )


def _differing(one: Release, other: Release) -> list[str]:
    mine, theirs = asdict(one), asdict(other)
    return [name for name in mine if mine[name] != theirs[name]]


def _gaps(family: str, pointers: Iterable[Release], unreadable: Collection[str], *, is_shadow: bool) -> Iterator[str]:
    """Pointers that are missing between others; of many in a row the first and the last, were it a billion."""
    under = pointers_under(family, is_shadow=is_shadow)
    named = [int(PurePosixPath(key).stem) for key in unreadable if PurePosixPath(key).parent == PurePosixPath(under)]
    for before, after in pairwise(sorted({0, *named, *(item.sequence for item in pointers)})):
        first, last = f"{under}/{before + 1:012d}.json", f"{under}/{after - 1:012d}.json"
        if after - before == 2:
            yield f"{first} is missing: it was removed."
        elif after - before > 2:
            yield f"{first} to {last} are missing: they were removed, or the one after them was put there by hand."


def _order(pointers: Iterable[Release], behind: Iterable[Entry]) -> Iterator[str]:
    """Pointers whose entry is no newer than that of a lower number, or that anchor what was before their entry."""
    entries = {(entry.recorded_at, entry.facts.get("verdict_sha256")): entry for entry in behind}
    newest = 0
    for pointer in pointers:
        entry = entries.get((pointer.released_at, pointer.verdict_sha256))
        if entry is None:
            continue  # named already: it says something else than any entry
        if entry.sequence <= newest:
            yield (
                f"{pointer.key} is of entry {entry.sequence} of the ledger, and a pointer before it is of entry "
                f"{newest}: going back needs an entry of its own. {CHANGED}"
            )
        anchor = pointer.ledger.get("sequence")
        if isinstance(anchor, int) and anchor < entry.sequence:
            yield f"{pointer.key} anchors entry {anchor} of the ledger, which is before its own, {entry.sequence}."
        newest = max(newest, entry.sequence)


def _unpointed(
    family: str, released: Sequence[Entry], pointers: Sequence[Release], unreadable: Collection[str]
) -> Iterator[str]:
    """The newest release of each number, when no pointer came of it; an older one of the number was cut short."""
    there = {item.released_at for item in pointers}
    newest = {number: entry for entry in released if (number := number_of(entry)) is not None}
    under = pointers_under(family, is_shadow=False)
    lost = [
        entry
        for number, entry in newest.items()
        if entry.recorded_at not in there and f"{under}/{number:012d}.json" not in unreadable
    ]
    if released and number_of(released[-1]) is None and released[-1].recorded_at not in there:
        anchors = [item.ledger.get("sequence", 0) for item in pointers]
        if all(isinstance(anchor, int) and anchor < released[-1].sequence for anchor in anchors):
            lost.append(released[-1])
    for entry in lost:
        yield (
            f"Entry {entry.sequence} of the ledger releases a {family} model, and no pointer says so: it was removed, "
            "or the run was cut short. Run that run's `publish` again."
        )


def _repeated(released: Iterable[Entry]) -> Iterator[str]:
    """Entries with the statement of another. Before numbers, going back twice in the same words was one statement."""
    seen, facts = dict[object, int](), set[str]()
    for entry in released:
        signed, whole = entry.facts.get(SIGNED), json.dumps(dict(entry.facts), sort_keys=True)
        may_repeat = NUMBER not in entry.facts and entry.facts.get("kind") == "rollback" and whole not in facts
        if isinstance(signed, str) and signed in seen and not may_repeat:
            yield f"Entry {entry.sequence} of the ledger repeats the statement of entry {seen[signed]}. {CHANGED}"
        if isinstance(signed, str):
            seen.setdefault(signed, entry.sequence)
        facts.add(whole)


def _unnumbered(released: Iterable[Entry]) -> Iterator[str]:
    """Entries without a number after the first that has one."""
    is_numbered = False
    for entry in released:
        if is_numbered and number_of(entry) is None:
            yield f"Entry {entry.sequence} of the ledger releases a {entry.subject} model and names no number."
        is_numbered |= number_of(entry) is not None
