"""Let go of exports that were kept long enough: the keys of what landed before a day are destroyed.

Reads   keys      landing/, whose names hold the day of landing; no secret is needed
Writes  keys      without those; expiry.json, the list of them, while this runs
        landing   their objects emptied: one line is left, so that reading them again says `expired`
        ledger    landing:expired, with how many

The list is written down first and followed to its end, so that a run that was killed is finished by the next with one
entry in the ledger. What was made of the files stays: the lake has its own history, and its manifests their counts.
"""

import json
from datetime import date, timedelta
from typing import Any, Final

from pipelines import audit
from pipelines.base import landing
from pipelines.base.catalog import KEYS
from pipelines.base.digests import sha256_bytes
from pipelines.base.settings import Law, Privacy, load
from pipelines.base.store import Store
from pipelines.privacy.retire import retire

LIST: Final = f"{KEYS}/expiry.json"
_LOCK: Final = "expiry"


def expire(store: Store, as_of: date, keep_days: int) -> str:
    """Destroy the keys of what landed more than `keep_days` before a day.

    Args:
        store: Landing, keys and ledger.
        as_of: The day.
        keep_days: From `params.yaml`.

    Returns:
        The line to print.
    """
    with store.lock(_LOCK):
        begun = [_finish(store, json.loads(store.read(LIST)))] if store.exists(LIST) else []
        first_kept = as_of - timedelta(days=keep_days)
        if names := landing.due(store, first_kept):
            plan = {"first_kept": first_kept.isoformat(), "names": names}
            store.put(LIST, json.dumps(plan).encode())
            begun.append(_finish(store, plan))
    return f"expired: {sum(begun)} landed objects from before {first_kept}, by {keep_days} days kept"


def run(store: Store, as_of: date) -> str:
    """As `expire`, and as `retire` for rows of the lake, with the days that `params.yaml` says."""
    days = load(Privacy, "privacy")
    lines = [expire(store, as_of, days.keep_days), retire(store, as_of, days.retention, load(Law, "law").jurisdictions)]
    return "\n".join(line for line in lines if line)


def _finish(store: Store, plan: dict[str, Any]) -> int:
    """Do what is written down, tell the ledger, cross it off; how many objects it was about."""
    names = plan["names"]
    landing.let_go(store, names)
    facts = {"objects": len(names), "names_sha256": sha256_bytes("\n".join(names).encode())}
    audit.append(store, audit.Tag.LANDING_EXPIRED, plan["first_kept"], once=True, **facts)
    store.delete(LIST)
    return len(names)
