"""The release that people may be scored by: the newest pointer, where the ledger vouches for it and a key for that.

Whoever can write the store can lay a pointer there, to a model that nobody approved. `verify` names it, but only when
somebody asks, and people would have been scored by then. So whoever scores asks this first: for one entry and one
signature, however long the ledger is.
"""

import json
from collections.abc import Collection, Iterator
from typing import Final

from pipelines.audit import dsse, pointed
from pipelines.audit.ledger import Entry, Tag, read
from pipelines.audit.statement import SIGNED, keys_there, statement_key
from pipelines.base import releases
from pipelines.base.errors import ContractError
from pipelines.base.releases import MANIFEST, NUMBER, Release
from pipelines.base.store import Store

_NOBODY: Final = "Nobody is scored by it. `python -m pipelines.audit verify` names what was changed."


def live(store: Store, family: str, signers: Collection[str] = ()) -> Release | None:
    """As `releases.live`, of a release that the ledger vouches for.

    Args:
        store: Holds the pointers, the ledger and the statements.
        family: Whose model.
        signers: Fingerprints of the only keys that may sign; without any, those that lie beside the releases may.

    Raises:
        ContractError: No entry of the ledger calls for the newest pointer, or what was released is not signed.
    """
    pointer = releases.live(store, family)
    if pointer is None:
        return None
    entry = next((entry for entry in _before(store, pointer) if pointed.is_called_for(pointer, entry)), None)
    if entry is None:
        raise ContractError(
            f"{pointer.key} must be what an entry of the ledger calls for; none does: it was put there by hand, or "
            f"changed. {_NOBODY}"
        )
    if not _is_signed(store, entry, signers):
        raise ContractError(
            f"{pointer.key} must have a statement signed by a key that may; entry {entry.sequence} of the ledger has "
            f"none. {_NOBODY}"
        )
    return pointer


def _before(store: Store, pointer: Release) -> Iterator[Entry]:
    """Releases from the entry that the pointer anchors backwards: its own is that, or just before."""
    for sequence in range(pointer.ledger.get("sequence", 0), 0, -1):
        entry = read(store, sequence)
        if entry.tag is Tag.MODEL_RELEASED:
            yield entry


def _is_signed(store: Store, entry: Entry, signers: Collection[str]) -> bool:
    """Whether a key that may sign has signed that these very files have this number in this family.

    A release of before statements were signed has none: it may be as long as no key lies there or is named.
    """
    keys = {name: key for name, key in keys_there(store) if not signers or name in signers}
    if SIGNED not in entry.facts:
        return not keys and not signers
    try:
        said = json.loads(dsse.opened(store.read(statement_key(entry.subject, str(entry.facts[SIGNED]))), keys))
    except ContractError:
        return False
    subjects = {item["name"]: item["digest"]["sha256"] for item in said["subject"]}
    about = (said["predicate"]["family"], said["predicate"].get(NUMBER), subjects[MANIFEST])
    return about == (entry.subject, entry.facts.get(NUMBER), entry.facts["manifest_sha256"])
