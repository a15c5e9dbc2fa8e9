"""Let go of what happened long ago: what is older than `privacy.retention` says is kept no more.

Reads   lake, scores, vault, keys   what is due; candidates are, once the lake has nothing of them but that they are
Writes  lake          without rows of a table that are, and without their history; retired/<table>.json, the day before
                      which nothing is kept: what a file still says of earlier days is filtered as `beyond_retention`
        scores        without the days that are, the files written back among them
        vault, keys   without people of whom nothing else is kept (`unkept`): what the vault says of them, and the key
                      of their rows in snapshots; retired/, hashes of whom lake and vault let go, so that a file that
                      repeats them is filtered, too; retirement.json, what is being done, while it is
        ledger        rows:retired, with the table or zone, the day and how many rows or keys there were

What is to be done is written down first, so that a run that was killed is finished by the next with one entry.
Snapshots made before keep the rows, each person's under a key of their own, until that key or the snapshot goes.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pipelines import audit
from pipelines.base import keys
from pipelines.base.catalog import KEYS, SCORES, VAULT
from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.retired import CANDIDATES
from pipelines.base.store import Store
from pipelines.fairness import law
from pipelines.privacy import scores, unkept

PLAN: Final = f"{KEYS}/retirement.json"
SNAPSHOTS: Final = "snapshots"
_ORDER: Final = {SCORES: 1, CANDIDATES: 2, VAULT: 3, SNAPSHOTS: 4}
"""Zones with days of their own, in the order in which one may leave nothing of somebody but what the next has."""

_UNKEPT: Final = {CANDIDATES: unkept.as_candidates, VAULT: unkept.in_vault}

_CALENDAR: Final = 4 * 365 + 1
"""Days in which the calendar comes round."""


def retire(
    store: Store, as_of: date, retention: Mapping[str, int], places: Collection[str], *, today: date | None = None
) -> str:
    """Take out of each table what happened more than its days before a day.

    Args:
        store: Lake, keys and ledger.
        as_of: The day: earlier ones let go of less.
        retention: Table, `candidates`, `scores`, `vault` or `snapshots` -> days, from `params.yaml`.
        places: Jurisdictions whose laws say what must be kept; none means all that are known.
        today: Whose law holds, and since when nothing is kept of whom is seen for the first time; the clock's without.

    Returns:
        The line to print; empty when nothing is kept for so many days only.

    Raises:
        SettingsError: A key is missing, of pseudonyms, the vault or people where those are named; a table is none of
            the lake whose rows say when they happened; a law asks for something to be kept longer; or the day is still
            to come: what is retired cannot be taken in again.
    """
    if not retention and not store.exists(PLAN):
        return ""
    now = today or datetime.now(UTC).date()
    with store.lock(PUBLISHING):
        begun = [_finish(store, json.loads(store.read(PLAN)), now)] if store.exists(PLAN) else []
        _check(retention, as_of, places, now)
        for table, days in sorted(retention.items(), key=_order):
            before = as_of - timedelta(days=days)
            if rows := _due(store, table, before, now):
                plan = {"table": table, "before": before.isoformat(), "rows": rows}
                store.put(PLAN, json.dumps(plan).encode())
                begun.append(_finish(store, plan, now))
    return f"retired: {sum(begun)} rows of {len(retention)} tables that are kept for so many days"


def _order(item: tuple[str, int]) -> tuple[int, str]:
    return _ORDER.get(item[0], 0), item[0]


def _due(store: Store, name: str, before: date, today: date) -> int:
    """Rows of a table or of scores, rows in the vault or keys of people, for which the time has come."""
    if name == SCORES:
        return scores.due(store, before)
    if name in _UNKEPT:
        return _UNKEPT[name](store, before)[1]
    return len(unkept.with_key(store, today, before)) if name == SNAPSHOTS else Lake(store).due(name, before)


def _let_go(store: Store, name: str, before: date, today: date) -> None:
    if name == SCORES:
        scores.retire(store, before)
    elif name == CANDIDATES:
        unkept.leave_lake(store, before)
    elif name == VAULT:
        unkept.leave_vault(store, before)
    elif name == SNAPSHOTS:
        keys.let_go(store, unkept.with_key(store, today, before))
        unkept.with_key(store, today, before)  # who has no key any more is not waited for
    else:
        Lake(store).retire(name, before, lambda *_: None)


def _check(retention: Mapping[str, int], as_of: date, places: Collection[str], today: date) -> None:
    if as_of > today:
        raise SettingsError(f"Days of retention must be counted from today or before; got {as_of}. Correct --as-of.")
    can = [*sorted(name for name, table in TABLES.items() if table.kept_from), *_ORDER]
    wrong = sorted(set(retention) - set(can))
    if wrong:
        raise SettingsError(
            f"privacy.retention must name tables of what happened once, or a zone: {', '.join(can)}; got "
            f"{', '.join(wrong)}. Correct params.yaml."
        )
    held = law.standing(law.within(places) or law.everywhere(), today)
    of_today = [f"{pack.code}/{duty.code}" for pack in held.packs for duty in pack.duties_on(today)]
    # Four years have every length that a duty's years and months may have, so that no days that do today fail later.
    days_on = [replace(held, day=today + timedelta(days=number)) for number in range(_CALENDAR)]
    short = {}
    for table, days in sorted(retention.items()):
        duties = {duty for on in days_on for duty in on.kept(on.day - timedelta(days=days))}
        short[table] = [duty for duty in of_today if duty in duties]
    if any(short.values()):
        told = "; ".join(
            f"{table}: {retention[table]} days, {', '.join(duties)}" for table, duties in short.items() if duties
        )
        raise SettingsError(
            f"privacy.retention must keep what a law asks to be kept; got {told}. Give more days, or say in "
            f"law.jurisdictions where jobs and people are (now {', '.join(sorted(places)) or 'anywhere'})."
        )


def _finish(store: Store, plan: Mapping[str, Any], today: date) -> int:
    """Do what is written down, tell the ledger, cross it off; how many rows it was about."""
    table, before, rows = str(plan["table"]), str(plan["before"]), int(plan["rows"])
    _let_go(store, table, date.fromisoformat(before), today)
    audit.append(store, audit.Tag.ROWS_RETIRED, table, once=True, before=before, rows=rows)
    store.delete(PLAN)
    return rows
