"""Write a release pointer: the one act that changes what scores people."""

from collections.abc import Sequence
from typing import Any, Final

from pipelines.audit import Entry, head
from pipelines.audit.pointed import is_called_for
from pipelines.base.errors import GateRefused
from pipelines.base.releases import NUMBER, Release, pointers
from pipelines.base.store import Store

_LAST: Final = 10**12 - 1
"""A number has twelve digits in a pointer's key."""


def following(known: Sequence[Release]) -> int:
    """The number of the pointer after those of a family, oldest first.

    Raises:
        GateRefused: One of them has the last number there is: who can write the store laid it there.
    """
    if known and known[-1].sequence >= _LAST:
        raise GateRefused(
            f"There must be a number for the next pointer of {known[-1].family}; {known[-1].key} leaves none. It was "
            "put there by hand: take it out of the store, and find out who could write there. Nothing was changed.",
            "no_number",
        )
    return known[-1].sequence + 1 if known else 1


def point(store: Store, family: str, kind: str, folder: str, entry: Entry) -> Release:
    """The pointer that a ledger entry calls for, written unless it is there. Callers hold the family's lock.

    Args:
        store: Where releases live.
        family: Whose model.
        kind: `release`, `rollback` or `shadow`.
        folder: Key of the folder to point to.
        entry: The entry behind it; its facts say what the pointer says and under which number, so that a second try
            writes the same.

    Returns:
        The pointer written, or the one that this entry had led to before.

    Raises:
        GateRefused: Another pointer was written since the entry: going on would bring back an older model.
    """
    facts: Any = entry.facts
    known = pointers(store, family, is_shadow=kind == "shadow")
    for release in known:
        if is_called_for(release, entry):
            return release
    number = facts[NUMBER] if NUMBER in facts else following(known)  # a shadow model's entry names none
    # Clocks jump; the numbers of the ledger and of pointers do not.
    if known and (known[-1].ledger.get("sequence", 0) > entry.sequence or known[-1].sequence >= number):
        raise _superseded(known[-1].sequence)
    top = head(store)
    release = Release(
        family=family,
        sequence=number,
        kind=kind,
        folder=folder,
        verdict_sha256=facts["verdict_sha256"],
        manifest_sha256=facts["manifest_sha256"],
        model_sha256=facts["model_sha256"],
        data_sha256=facts["data_sha256"],
        as_of=facts["as_of"],
        run_id=facts["run_id"],
        reason=facts.get("reason", ""),
        approvers=tuple(facts.get("approvers", ())),
        ledger={"sequence": top.sequence, "sha256": top.sha256},
        released_at=entry.recorded_at,
    )
    if not store.create(release.key, release.to_json()):
        raise _superseded(number)
    return release


def _superseded(number: int) -> GateRefused:
    return GateRefused(
        f"A release must be newer than the live one; number {number} came after this was approved. "
        "Nothing was changed.",
        "superseded",
    )
