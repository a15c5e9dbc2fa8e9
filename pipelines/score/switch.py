"""The stop switch: while it is off, nobody is scored, whoever asks.

Reads   switches/scoring.json   the newest order; whoever scores reads it before a family and every few seconds of it
        ledger                  the same order, so that an object that was changed or taken away starts nothing
        Airflow                 its own record of who asked, where a run did
Writes  switches/scoring.json, and the ledger's scoring:stopped or scoring:restarted

Stopping must be easy, going on must not happen by itself. A stop writes the object first, then the ledger; a restart
the ledger first. Where either says stopped, it is; what cannot be read is stopped too. Killed anywhere and given again,
an order stands once.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from threading import Event, Thread
from typing import Any, Final

from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.catalog import SWITCHES
from pipelines.base.errors import CandorError, ContractError, GateRefused
from pipelines.base.log import get_logger
from pipelines.base.records import Runs
from pipelines.base.records import asked_by as records_asked_by
from pipelines.base.stage import EXIT_REFUSED, EXIT_WAIT
from pipelines.base.store import Store

DAG: Final = "switch_scoring"
KEY: Final = f"{SWITCHES}/scoring.json"
SUBJECT: Final = "scoring"
WHY_LENGTH: Final = 10
"""Characters of a reason that is one."""
EVERY_SECONDS: Final = 5.0
"""Between two looks of whoever scores: a stop must hold within a minute, a slow answer of the store included."""
UNKNOWN: Final = "unknown"
"""Who stopped, where Airflow could not be asked: a stop does not wait for that."""
_TAGS: Final = {True: Tag.SCORING_STOPPED, False: Tag.SCORING_RESTARTED}
_LOCK: Final = "switch"


@dataclass(frozen=True, slots=True)
class Order:
    """Stop, or go on."""

    number: int
    is_stopped: bool
    by: str
    why: str
    run_id: str
    """The run of Airflow that asked; empty for an order at the command line."""

    @property
    def facts(self) -> dict[str, Any]:
        """For the ledger, whose tag says which of the two it is."""
        return {"number": self.number, "by": self.by, "why": self.why, "run_id": self.run_id}

    def same(self, other: "Order") -> bool:
        """Whether the other is this very order, given again."""
        return asdict(self) | {"number": other.number} == asdict(other)


def standing(store: Store) -> Order | None:
    """The order that counts; None when there was never one.

    Raises:
        ContractError: The object or the ledger is not readable, or the object says other than the ledger.
    """
    said, told = kept(store), _told(store)
    if said is not None and said.is_stopped:
        return said
    if told is not None and told.is_stopped:
        return told
    if said != told:
        raise ContractError(
            f"{KEY} must say what the ledger says; it does not. Somebody changed it: find out who, and give a restart "
            "with its reason."
        )
    return told


def require_running(store: Store) -> None:
    """Raise GateRefused while scoring is stopped, and whatever reading the switch raises."""
    _require(standing(store))


@contextmanager
def watched(
    store: Store, every: float = EVERY_SECONDS, leave: Callable[[int], None] = os._exit
) -> Iterator[Callable[[], None]]:
    """Score under the switch: refused while it is off, and the process ends when it is turned off meanwhile.

    A prediction cannot be asked to stop, so the process ends where it stands. What scoring writes is whole or not
    there, and the next one goes on from there.

    Args:
        store: Holds the switch.
        every: Seconds between two looks.
        leave: Ends the process with an exit code.

    Yields:
        Raises when scoring was stopped; to be asked before anything is written.

    Raises:
        GateRefused: Scoring is stopped.
        ContractError: The switch is not readable.
    """
    require_running(store)
    done = Event()

    def look() -> None:
        while not done.wait(every):
            try:
                _require(kept(store))
            except Exception as error:  # noqa: BLE001  whatever keeps the switch from being read, it does not say go on
                known = isinstance(error, CandorError)
                text = str(error) if known else "The stop switch must be readable; it is not. Mend the store."
                print(f"{type(error).__name__ if known else 'SourceUnavailable'}: {text}", file=sys.stderr, flush=True)
                leave(EXIT_REFUSED if isinstance(error, GateRefused) else EXIT_WAIT)
                return

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: _require(kept(store))
    finally:
        done.set()
        watcher.join()


def give(
    store: Store,
    *,
    stop: bool,
    by: str,
    why: str,
    run_id: str = "",
    after: Order | None = None,
    is_first: bool = False,
) -> str:
    """Stop scoring, or let it go on.

    Args:
        store: Holds switch and ledger.
        stop: Which of the two.
        by: Who says so.
        why: Goes into the ledger; names nobody.
        run_id: Of the run of Airflow that asked.
        after: A restart from this very stop and from no other.
        is_first: A stop of what is running only: it takes no other stop's place.

    Returns:
        One line of JSON: status (`stopped` or `running`), by, why.

    Raises:
        GateRefused: Nobody is named, there is no reason, another order stands than `after`, or scoring is stopped.
    """
    by, why = by.strip(), why.strip()
    if not by or len(why) < WHY_LENGTH:
        raise GateRefused(
            f"Scoring must be {'stopped' if stop else 'restarted'} by somebody and for a reason of at least "
            f"{WHY_LENGTH} characters; one is missing. Say who and why, and name no person it is about.",
            "no_reason",
        )
    with store.lock(_LOCK):
        order = Order(1, stop, by, why, run_id)
        if stop and is_first:
            require_running(store)
        if stop:
            _stop(store, order)
        else:
            if after is not None and not (_written(store) == _told(store) == after):
                raise GateRefused(
                    "Scoring must be stopped by the order that the restart is from; another one stands, so it stays "
                    "stopped. Ask who gave that one.",
                    "stopped_again",
                )
            order = _after(order, _written(store), _told(store))
            audit.append(store, _TAGS[stop], SUBJECT, once=True, **order.facts)
            store.put(KEY, _bytes(order))
    answer = {"status": "stopped" if stop else "running", "by": by, "why": why}
    get_logger("score").info("switch_turned", **answer)
    return json.dumps(answer)


def asked_by(records: Runs, run_id: str, *, stop: bool) -> str:
    """Who triggered the run that asks, by Airflow's own record; `UNKNOWN` for a stop, where that does not say.

    Raises:
        GateRefused: Nobody on record triggered a restart by hand.
        SourceUnavailable: Airflow did not answer, and a restart waits for it.
    """
    try:
        return records_asked_by(records, DAG, run_id)
    except CandorError:
        if stop:
            return UNKNOWN
        raise


def _require(order: Order | None) -> None:
    if order is not None and order.is_stopped:
        raise GateRefused(
            f"Scoring must not be stopped; {order.by} stopped it: {order.why.rstrip('.')}. Nothing was scored. When "
            f"the reason is gone, trigger {DAG} or run `python -m pipelines.score restart` and say why.",
            "stopped",
        )


def kept(store: Store) -> Order | None:
    """What the object says, for whoever shows it and has no time for the ledger; None when there is none.

    Raises:
        ContractError: It is not readable.
    """
    return _order(store.read(KEY)) if store.exists(KEY) else None


def _told(store: Store) -> Order | None:
    """What the ledger says."""
    for entry in audit.entries(store, newest_first=True):
        if entry.tag in _TAGS.values():
            return _order(json.dumps({**entry.facts, "is_stopped": entry.tag is Tag.SCORING_STOPPED}).encode())
    return None


def _stop(store: Store, order: Order) -> None:
    """The object before all else: no fault of the ledger, nor of the object itself, may be in the way of a stop."""
    written = _written(store)
    first = _after(order, written)
    store.put(KEY, _bytes(first))
    try:
        told = _told(store)
    except CandorError:  # an entry is broken: whether this stop is in the ledger is not known, so it is told again
        told = None
    last = _after(order, written, told)
    if last != first:
        store.put(KEY, _bytes(last))
    if told != last:  # not `once`, which reads all entries and fails at a broken one
        audit.append(store, _TAGS[True], SUBJECT, **last.facts)


def _written(store: Store) -> Order | None:
    """What the object says; one that is not readable is written anew."""
    try:
        return kept(store)
    except CandorError:
        return None


def _after(order: Order, *known: Order | None) -> Order:
    """The order with the number after the newest of the known ones; that one itself where it is the same."""
    newest = max((one for one in known if one is not None), key=lambda one: one.number, default=None)
    if newest is None:
        return order
    return newest if order.same(newest) else replace(order, number=newest.number + 1)


def _order(data: bytes) -> Order:
    try:
        order = Order(**json.loads(data))
    except (ValueError, TypeError, RecursionError):  # the last of a nest without end
        order = None
    if order is None or type(order.is_stopped) is not bool or type(order.number) is not int:
        raise ContractError(
            f"{KEY} must be an order to stop or to go on; it is not readable, so scoring is stopped. Give one: "
            "`python -m pipelines.score restart` says why it may go on."
        )
    return order


def _bytes(order: Order) -> bytes:
    return (json.dumps(asdict(order), sort_keys=True) + "\n").encode()
