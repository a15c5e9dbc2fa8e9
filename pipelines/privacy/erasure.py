"""An erasure that was begun: what it is about and what it did so far, so that one that was killed can be finished.

Reads, writes  keys/erasures/<id>.sealed   sealed under CANDOR_PERSON_KEY, gone once the certificate is written

Every object is noted with its digests before it is changed. A step done twice changes nothing the second time.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pipelines.base.catalog import KEYS
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.sealed import seal, unseal
from pipelines.base.store import Store

FOLDER: Final = f"{KEYS}/erasures"


@dataclass(slots=True)
class Erasure:
    """One person's erasure."""

    id: str
    """Random: nothing about the person."""
    started_at: str
    reason: str
    people: list[str]
    """All pseudonyms of the human."""
    group: str
    """`forgotten.Group` as text: vault and lake lose the identifiers and links before every file is done."""
    models: list[dict[str, Any]]
    """Releases whose training may have seen the person."""
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    """Object -> digests before and after."""

    @property
    def key(self) -> str:
        """Where it is kept."""
        return f"{FOLDER}/{self.id}.sealed"

    def save(self, store: Store) -> None:
        """Write down how far it came."""
        store.put(self.key, seal(secret(PERSON_KEY), json.dumps(asdict(self), sort_keys=True).encode()))

    def note(self, store: Store, name: str, before: str, after: str) -> None:
        """Write down an object that is about to change; the digest of its very first state stays."""
        first = self.objects.get(name, {"before": before})["before"]
        self.objects[name] = {"before": first, "after": after}
        self.save(store)


def begin(
    store: Store,
    people: Sequence[str],
    reason: str,
    group: str,
    models: Sequence[Mapping[str, Any]],
) -> Erasure:
    """Write down a new erasure before anything is changed."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = Erasure(
        secrets.token_hex(8),
        now,
        reason,
        sorted(people),
        group,
        [dict(m) for m in models],
    )
    made.save(store)
    return made


def unfinished(store: Store) -> list[Erasure]:
    """Erasures that were begun and not finished."""
    key = secret(PERSON_KEY)
    return [Erasure(**json.loads(unseal(key, store.read(name)))) for name in store.list(FOLDER)]
