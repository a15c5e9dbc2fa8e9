"""Which feeds are late: the next file of one that comes every day, week or month is not there.

Reads   reports    arrivals.json, and what a run sees of each feed
Writes  the same   feed -> owner, cadence, day of the newest file that ever arrived, days on which the next is due and
                   from which it is late

The day of a file is that of its name, not the one on which it came: so a file of June that comes in August leaves July
late. A file that is not complete yet has not arrived. Nothing is held for this; somebody has to ask the owner.
"""

import json
from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from pipelines.base.catalog import ARRIVALS
from pipelines.base.store import Store
from pipelines.ingest.feeds import Feed

PATIENCE: Final = {"daily": 3, "weekly": 3, "monthly": 7}
"""Days that a file may take beyond the one it is due on, where its feed says nothing: a week has an end, too."""
_AHEAD: Final = timedelta(days=31)
"""A month's file has the day of its end; one of a day beyond that has a wrong name, and would hide for ever what is
late."""
Groups = Mapping[str, str]


def next_day(cadence: str, newest: date) -> date | None:
    """The day of the file after one of `newest`; after a month's last day the next one's. None where none comes."""
    if cadence == "once":
        return None
    if cadence != "monthly":
        return newest + timedelta(days={"daily": 1, "weekly": 7}[cadence])
    year, month = divmod(newest.year * 12 + newest.month, 12)  # of the month after, counted from 0
    last, is_end = monthrange(year, month + 1)[1], newest.day == monthrange(newest.year, newest.month)[1]
    return date(year, month + 1, last if is_end else min(newest.day, last))


def expected(feed: Feed, newest: date) -> dict[str, str]:
    """What is kept of a feed; without `due` and `late_from` when no file is to come."""
    told = {"owner": feed.owner, "cadence": feed.cadence, "newest": newest.isoformat()}
    due = next_day(feed.cadence, newest)
    if due is None:
        return told
    patience = PATIENCE[feed.cadence] if feed.late_after_days is None else feed.late_after_days
    return {**told, "due": due.isoformat(), "late_from": (due + timedelta(days=patience + 1)).isoformat()}


def note(store: Store, feeds: Mapping[str, Feed], seen: Mapping[str, Iterable[Groups]], today: date) -> dict[str, Any]:
    """Keep of each feed the newest day that a file of it ever had.

    Args:
        store: Keeps it.
        feeds: All that are declared; others are forgotten.
        seen: Feed -> named groups of the names of the files that are there now.
        today: The day.

    Returns:
        Feed -> what is expected, of those that are late. A feed of which no file ever came is not among them, nor one
        whose files do not say their day.
    """
    before = read(store)
    kept = {}
    for name, feed in feeds.items():
        days = [date.fromisoformat(before[name]["newest"])] if name in before else []
        moments = [feed.moment(groups) for groups in seen.get(name, ())] if feed.extracted_at.constant is None else []
        days += [moment.date() for moment in moments if moment is not None]
        if sensible := [day for day in days if day <= today + _AHEAD]:
            kept[name] = expected(feed, max(sensible))
    if kept != before:
        store.put(ARRIVALS, json.dumps(kept, sort_keys=True, indent=1).encode())
    return late(kept, today)


def read(store: Store) -> dict[str, dict[str, str]]:
    """What was kept last; empty before the first run."""
    return dict(json.loads(store.read(ARRIVALS))) if store.exists(ARRIVALS) else {}


def late(kept: Mapping[str, Mapping[str, str]], today: date) -> dict[str, Any]:
    """Those of the feeds that are late on a day."""
    return {name: told for name, told in kept.items() if "late_from" in told and told["late_from"] <= today.isoformat()}


def listed(store: Store, today: date) -> str:
    """A line a late feed."""
    lines = [
        f"{name} is late: {told['owner']} sends it {told['cadence']}, the newest is of {told['newest']}, "
        f"the next was due on {told['due']}"
        for name, told in sorted(late(read(store), today).items())
    ]
    return "\n".join(lines) or "no feed is late"
