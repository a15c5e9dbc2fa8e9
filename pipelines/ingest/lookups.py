"""Which files of another feed a file is looked up in: by when each was written, not by when it arrived."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.rules import Join

_NO_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_RUN: Final = timedelta(days=1)
"""How far apart a run may write its files."""


def looked_into(feeds: Mapping[str, Feed], of: Unit, step: Join, told: Sequence[Unit]) -> list[Unit]:
    """Files that one which was taken in before is looked up in, when it is read again.

    Args:
        feeds: All feeds.
        of: The file whose rows are looked up; its name says a moment.
        step: The join.
        told: All files of the other feed, of one name the last.
    """
    feed, at = feeds[str(step.feed)], moment(feeds[of.feed], of)
    if step.is_beside:
        return of_run(feeds, of, told) or last(
            feed, [unit for unit in told if moment(feed, unit).date() == at.date()], None
        )
    return of_run(feeds, of, told) or known(feed, [], told, at)


def looked_up(
    feeds: Mapping[str, Feed], of: Unit, step: Join, before: Sequence[Unit], here: Sequence[Unit]
) -> list[Unit]:
    """Files that one is looked up in; none where a history beside it is wanting, or nothing ever came.

    Args:
        feeds: All feeds.
        of: The file whose rows are looked up.
        step: The join.
        before: Files of the other feed that were taken in.
        here: Those of the batch of `of`; of one name they stand for those that were.
    """
    feed, at = feeds[str(step.feed)], feeds[of.feed].moment(of.groups)
    told = list({unit.name: unit for unit in (*before, *here)}.values())
    if of.is_replay and not of.is_released:
        return looked_into(feeds, of, step, told)  # as was asked when it was planned: not by what comes with it
    if must_be_there(feeds, of, step):
        return of_run(feeds, of, here) or of_day(feed, list(here), at) or looked_into(feeds, of, step, told)
    return of_run(feeds, of, told) or known(feed, here, before, at)


def must_be_there(feeds: Mapping[str, Feed], of: Unit, step: Join) -> bool:
    """Whether a file waits for a history beside it: not where nobody knows its day, nor once a person released it."""
    return step.is_beside and not of.is_released and feeds[of.feed].moment(of.groups) is not None


def since(feed: Feed, before: Sequence[Unit], coming: Sequence[Unit]) -> datetime:
    """The first moment of a file that can be looked up in some that come: of others, nobody has to ask.

    Args:
        feed: Of the files that are looked into.
        before: Those that were taken in.
        coming: Those that come.
    """
    first = min(moment(feed, unit) for unit in coming)
    is_oldest = all(first < moment(feed, unit) for unit in before)  # then also of what was written before it
    return _NO_MOMENT if is_oldest or first < _NO_MOMENT + _RUN else first - _RUN


def moment(feed: Feed, unit: Unit) -> datetime:
    """When a file was written; of one whose name says no moment now, before all others."""
    return feed.moment(unit.groups) or _NO_MOMENT


def of_run(feeds: Mapping[str, Feed], of: Unit, units: Iterable[Unit]) -> list[Unit]:
    """Files of the run that wrote one; none where manifests do not say when."""
    return [unit for unit in units if _are_of_run(feeds, of, unit)]


def _are_of_run(feeds: Mapping[str, Feed], one: Unit, other: Unit) -> bool:
    """Whether one run wrote two files: within 24 hours, and their manifests name it or their names one period."""
    if not all(feeds[unit.feed].extracted_at.manifest for unit in (one, other)):
        return False
    if abs(moment(feeds[one.feed], one) - moment(feeds[other.feed], other)) > _RUN:
        return False
    run, others = ((unit.manifest or {}).get("run_id") for unit in (one, other))
    return bool(run == others) and (run is not None or one.groups.get("period") == other.groups.get("period"))


def runs(feed: Feed, units: Iterable[Unit]) -> list[list[Unit]]:
    """Files of a feed by the run that wrote them, of runs that wrote several; none where manifests do not say when."""
    found: list[list[Unit]] = []
    for unit in sorted(units, key=lambda unit: moment(feed, unit)):
        mine = next((run for run in reversed(found) if _are_of_run({feed.name: feed}, run[0], unit)), None)
        if mine is None:
            found.append([unit])
        else:
            mine.append(unit)
    return [run for run in found if len(run) > 1]


def of_day(feed: Feed, here: list[Unit], at: datetime | None) -> list[Unit]:
    """Files of a batch that tell of the day or month of a moment; none without one."""
    if at is None:
        return []
    holding = [unit for unit in here if (begun := feed.begun(unit.groups)) and begun <= at]
    return last(feed, [unit for unit in holding if moment(feed, unit).date() >= at.date()], at)


def known(feed: Feed, here: Sequence[Unit], before: Sequence[Unit], at: datetime | None) -> list[Unit]:
    """The last files by a moment, or of its day or month where this batch has them; each with its pages, new or not.

    Args:
        feed: Of the files that are looked into.
        here: Those of a batch; of one name they stand for those that landed before.
        before: Those that landed before.
        at: When what is looked up was written; None where nobody knows.
    """
    told = list({unit.name: unit for unit in (*before, *here)}.values())
    found = of_day(feed, list(here), at)
    if found:
        moments = {moment(feed, unit) for unit in found}
        return [unit for unit in told if unit in found or moment(feed, unit) in moments]
    on_day = [unit for unit in told if at is not None and moment(feed, unit).date() == at.date()]
    return last(feed, on_day or told, at)


def last(feed: Feed, units: list[Unit], at: datetime | None) -> list[Unit]:
    """The last files by a moment, or of all without one; where there is none, the first after it."""
    moments = {moment(feed, unit) for unit in units}
    by_then = {moment for moment in moments if at is None or moment <= at}
    chosen = max(by_then) if by_then else min(moments, default=None)
    last = [unit for unit in units if moment(feed, unit) == chosen]
    return [unit for unit in units if any(unit is one or _are_of_run({feed.name: feed}, one, unit) for one in last)]
