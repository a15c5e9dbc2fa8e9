"""The release that people may be scored by: the newest pointer, where the ledger vouches for it and a key for that.

Whoever can write the store can lay a pointer there, to a model that nobody approved, or take one away, so that the one
before it scores again. `verify` names both, but only when somebody asks, and people would have been scored by then. So
whoever scores asks this first: for the family's few releases on record and one signature.
"""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pipelines.audit import dsse, pointed
from pipelines.audit.ledger import Entry, Tag
from pipelines.audit.pointed import number_of
from pipelines.audit.statement import SIGNED, keys_there, statement_key
from pipelines.audit.tagged import marked
from pipelines.base import releases
from pipelines.base.errors import ContractError
from pipelines.base.releases import MANIFEST, NUMBER, Release
from pipelines.base.store import Store

IN_FLIGHT: Final = timedelta(minutes=10)
"""How long a release may be on record and have no pointer yet: `publish` writes the entry, then the pointer, and is
tried again within seconds when it is killed between them."""
_NOBODY: Final = "Nobody is scored by it. `python -m pipelines.audit verify` names what was changed."


def live(store: Store, family: str, signers: Collection[str] = (), now: datetime | None = None) -> Release | None:
    """As `releases.live`, of a release that the ledger vouches for.

    Args:
        store: Holds the pointers, the ledger and the statements.
        family: Whose model.
        signers: Fingerprints of the only keys that may sign; without any, those that lie beside the releases may.
        now: The moment of use: the clock's.

    Raises:
        ContractError: No entry of the ledger calls for the newest pointer, what was released is not signed, or the
            ledger has had a newer release for longer than a pointer takes. An entry is not readable.
    """
    pointer = releases.live(store, family)
    released = tuple(marked(store, (Tag.MODEL_RELEASED,), family))
    place = _place(pointer, released)
    if pointer is not None:
        if place == len(released) or _is_outdated(store, released[place], released[place + 1 :], signers):
            raise ContractError(
                f"{pointer.key} must be what an entry of the ledger calls for; none does: it was put there by hand, or "
                f"changed. {_NOBODY}"
            )
        if not is_signed(store, released[place], signers):
            raise ContractError(
                f"{pointer.key} must have a statement signed by a key that may; entry {released[place].sequence} of "
                f"the ledger has none. {_NOBODY}"
            )
    following = pointer.sequence + 1 if pointer is not None else 1
    for entry in released[:place]:
        if not (number_of(entry) == following and _is_in_flight(entry, now or datetime.now(UTC))):
            raise ContractError(
                f"The newest release of {family} must have a pointer; that of entry {entry.sequence} of the ledger has "
                "none: it was removed, or the run was cut short. Nobody is scored by an older one. Run that run's "
                "`publish` again; where that is refused, release anew or go back."
            )
    return pointer


def history(store: Store, family: str, signers: Collection[str] = ()) -> list[Release]:
    """As `releases.pointers`, of releases that the ledger vouches for, each by an entry of its own and a key for that.

    What is newest of them need not be live: `live` says.

    Args:
        store: Holds the pointers, the ledger and the statements.
        family: Whose models.
        signers: As of `live`.

    Raises:
        ContractError: A pointer or an entry is not readable.
    """
    entries = tuple(marked(store, (Tag.MODEL_RELEASED,), family))
    placed = [(pointer, _place(pointer, entries)) for pointer in releases.pointers(store, family)]
    return [item for item, place in placed if place < len(entries) and is_signed(store, entries[place], signers)]


def follows(store: Store, family: str, before: Release | None, now: Release) -> bool:
    """Whether the ledger knows of no release between two that follow one another in `history`; None: before the first.

    Else there was one, of a key that is named no longer, and what it was nobody knows.
    """
    least = before.sequence if before is not None else 0
    numbers = [number_of(entry) for entry in marked(store, (Tag.MODEL_RELEASED,), family)]
    is_between = any(number is not None and least < number < now.sequence for number in numbers)
    return now.sequence == 1 or not (is_between or (before is None and None in numbers))


def _place(pointer: Release | None, released: Sequence[Entry]) -> int:
    """Which of a family's releases, the newest first, a pointer comes of; their number where it comes of none."""
    if pointer is None:
        return len(released)
    anchor = pointer.ledger.get("sequence", 0)
    places = (
        n for n, entry in enumerate(released) if entry.sequence <= anchor and pointed.is_called_for(pointer, entry)
    )
    return next(places, len(released))


def _is_outdated(store: Store, entry: Entry, before: Sequence[Entry], signers: Collection[str]) -> bool:
    """Whether an entry has a lower number than a signed one before it, or none though that has: it was written again.

    Only what is signed counts: else whoever can append one entry with a high number would stop the family for good.
    """
    number = number_of(entry) or 0
    return any((number_of(one) or 0) > number and is_signed(store, one, signers) for one in before)


def _is_in_flight(entry: Entry, now: datetime) -> bool:
    """Whether an entry is so new that its pointer may be on its way. A moment far ahead of the clock is none."""
    try:
        return abs(now - datetime.fromisoformat(entry.recorded_at)) < IN_FLIGHT
    except (TypeError, ValueError):
        return False


def is_signed(store: Store, entry: Entry, signers: Collection[str]) -> bool:
    """Whether a key that may sign has signed that these very files have this number in this family.

    A release of before statements were signed has none. It may be if it was on record before the first key was adopted,
    and none is named: what is appended comes after that.
    """
    if SIGNED not in entry.facts:
        *_, first_key = (None, *marked(store, (Tag.KEY_ADOPTED,)))
        return not signers and (first_key is None or entry.sequence < first_key.sequence)
    keys = {name: key for name, key in keys_there(store) if not signers or name in signers}
    try:
        said = json.loads(dsse.opened(store.read(statement_key(entry.subject, str(entry.facts[SIGNED]))), keys))
        subjects = {item["name"]: item["digest"]["sha256"] for item in said["subject"]}
        about = (said["predicate"]["family"], said["predicate"].get(NUMBER), subjects[MANIFEST])
    except (ContractError, AttributeError, KeyError, TypeError):  # a statement of another shape says nothing of it
        return False
    return about == (entry.subject, entry.facts.get(NUMBER), entry.facts.get("manifest_sha256"))
