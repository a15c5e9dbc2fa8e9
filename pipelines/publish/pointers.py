"""Write a release pointer: the one act that changes what scores people."""

from typing import Any

from pipelines.audit import Entry, head
from pipelines.base.errors import GateRefused
from pipelines.base.releases import Release, pointers
from pipelines.base.store import Store


def point(store: Store, family: str, kind: str, folder: str, entry: Entry) -> Release:
    """The pointer that a ledger entry calls for, written unless it is there. Callers hold the family's lock.

    Args:
        store: Where releases live.
        family: Whose model.
        kind: `release`, `rollback` or `shadow`.
        folder: Key of the folder to point to.
        entry: The entry behind it; its facts say what the pointer says, so that a second try writes the same.

    Returns:
        The pointer written, or the one that this entry had led to before.

    Raises:
        GateRefused: Another pointer was written since the entry: going on would bring back an older model.
    """
    facts: Any = entry.facts
    known = pointers(store, family, is_shadow=kind == "shadow")
    for release in known:
        if (release.kind, release.run_id, release.verdict_sha256, release.released_at) == (
            kind,
            facts["run_id"],
            facts["verdict_sha256"],
            entry.recorded_at,
        ):
            return release
    if known and known[-1].ledger.get("sequence", 0) > entry.sequence:  # clocks jump, the ledger's numbers do not
        raise GateRefused(
            f"A release must be newer than the live one; number {known[-1].sequence} came after this was approved. "
            "Nothing was changed.",
            "superseded",
        )
    top = head(store)
    sequence = known[-1].sequence if known else 0
    while True:
        sequence += 1
        release = Release(
            family=family,
            sequence=sequence,
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
        if store.create(release.key, release.to_json()):
            return release
