"""Let go of what happened long ago: rows of a table that are older than `privacy.retention` says leave the lake.

Reads   lake      which rows are due
Writes  lake      without those, and without the history of their tables; retired/<table>.json, the day before which
                  nothing is kept: what a file still says of earlier days is filtered as `beyond_retention`
        keys      retirement.json, what is being done, while it is
        ledger    rows:retired, with the table, the day and how many rows there were

What is to be done is written down first, so that a run that was killed is finished by the next with one entry.
Snapshots made before keep the rows, each person's under a key of their own, until that key or the snapshot goes.
"""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pipelines import audit
from pipelines.base.catalog import KEYS
from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.store import Store
from pipelines.fairness import law

PLAN: Final = f"{KEYS}/retirement.json"


def retire(store: Store, as_of: date, retention: Mapping[str, int], places: Collection[str]) -> str:
    """Take out of each table what happened more than its days before a day.

    Args:
        store: Lake, keys and ledger.
        as_of: The day.
        retention: Table -> days, from `params.yaml`.
        places: Jurisdictions whose laws say what must be kept; none means all that are known.

    Returns:
        The line to print; empty when nothing is kept for so many days only.

    Raises:
        SettingsError: A table is none of the lake whose rows say when they happened, a law asks for its rows to be kept
            longer, or the day is still to come: what is retired cannot be taken in again.
    """
    if not retention and not store.exists(PLAN):
        return ""
    with store.lock(PUBLISHING):
        begun = [_finish(store, json.loads(store.read(PLAN)))] if store.exists(PLAN) else []
        _check(retention, as_of, places)
        for table, days in sorted(retention.items()):
            before = as_of - timedelta(days=days)
            if rows := Lake(store).due(table, before):
                plan = {"table": table, "before": before.isoformat(), "rows": rows}
                store.put(PLAN, json.dumps(plan).encode())
                begun.append(_finish(store, plan))
    return f"retired: {sum(begun)} rows of {len(retention)} tables that are kept for so many days"


def _check(retention: Mapping[str, int], as_of: date, places: Collection[str]) -> None:
    if as_of > datetime.now(UTC).date():
        raise SettingsError(f"Days of retention must be counted from today or before; got {as_of}. Correct --as-of.")
    can = sorted(name for name, table in TABLES.items() if table.kept_from)
    wrong = sorted(set(retention) - set(can))
    if wrong:
        raise SettingsError(
            f"privacy.retention must name tables of what happened once, {', '.join(can)}; got {', '.join(wrong)}. "
            "Correct params.yaml."
        )
    known = {pack.jurisdiction for pack in law.library()}
    held = law.standing(places or known, as_of)
    short = {table: held.kept(as_of - timedelta(days=days)) for table, days in sorted(retention.items())}
    if any(short.values()):
        told = "; ".join(
            f"{table}: {retention[table]} days, {', '.join(duties)}" for table, duties in short.items() if duties
        )
        raise SettingsError(
            f"privacy.retention must keep what a law asks to be kept; got {told}. Give more days, or say in "
            f"privacy.jurisdictions where jobs and people are (now {', '.join(sorted(places)) or 'anywhere'})."
        )


def _finish(store: Store, plan: Mapping[str, Any]) -> int:
    """Do what is written down, tell the ledger, cross it off; how many rows it was about."""
    table, before, rows = str(plan["table"]), str(plan["before"]), int(plan["rows"])
    Lake(store).retire(table, date.fromisoformat(before), lambda *_: None)
    audit.append(store, audit.Tag.ROWS_RETIRED, table, once=True, before=before, rows=rows)
    store.delete(PLAN)
    return rows
