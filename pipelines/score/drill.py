"""A drill of the stop switch: stop for real, see what scores end, go on, and leave a record of how long it took.

Reads   the switch, as scoring does
Writes  the stop and the restart, as anybody gives them; the ledger's scoring:tested with what was seen

A process of its own stands under the switch as scoring does, on the same store. The stop is a real one: whatever
scores at that moment ends too, and whatever would begin is refused until the drill is over, which takes seconds. It
must end within a minute, and a new one must not begin. Only then does the drill let scoring go on, and only from its
own stop: where it did not hold, where the drill was killed, or where somebody else stopped scoring meanwhile, scoring
stays stopped until a person gives a restart.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Timer
from typing import Any, Final

from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.errors import ContractError, GateRefused
from pipelines.base.stage import EXIT_REFUSED, guarded, leave
from pipelines.base.store import Store, open_store
from pipelines.score import switch

WITHIN_SECONDS: Final = 60.0
"""How soon what scores must have ended."""
STANDS: Final = "standing"
"""What the process prints once it is under the switch."""
_PATIENCE_SECONDS: Final = 60.0
"""For it to begin: on a busy machine Python itself takes seconds."""
_CHILD: Final = (sys.executable, "-m", "pipelines.score.drill")


def hold(
    store: Store, *, by: str, why: str, run_id: str = "", within: float = WITHIN_SECONDS, child: Sequence[str] = _CHILD
) -> str:
    """Try the stop switch.

    Args:
        store: Holds switch and ledger; the child opens the same by CANDOR_STORE.
        by: Who asks for the drill.
        why: Goes into the ledger with the stop and the restart; names nobody.
        run_id: Of the run of Airflow that asks.
        within: Seconds within which what scores must have ended.
        child: What stands under the switch.

    Returns:
        One line of JSON: status (`held`), seconds, by.

    Raises:
        GateRefused: Scoring is stopped already, nobody is named or there is no reason, or somebody else stopped it.
        ContractError: The switch did not hold: scoring stays stopped.
    """
    switch.require_running(store)
    with subprocess.Popen(child, stdout=subprocess.PIPE, text=True) as scoring:
        try:
            _begun(scoring)
            switch.give(store, stop=True, by=by, why=why, run_id=run_id, is_first=True)
            began = time.monotonic()
            number = _number(store)
            code = _ended(scoring, within)
            seconds = round(time.monotonic() - began, 1)
        finally:
            scoring.kill()
    is_held = code == EXIT_REFUSED and _refuses(store)
    told: dict[str, Any] = {"by": by.strip(), "run_id": run_id, "seconds": seconds, "within": within}
    audit.append(store, Tag.SCORING_TESTED, switch.SUBJECT, **told, is_held=is_held)
    if not is_held:
        raise ContractError(
            f"The stop switch must end what scores within {within:.0f} s and let nothing new begin; it did not. "
            "The drill does not let scoring go on: end its processes, find out why, and give a restart with its reason."
        )
    ours = switch.Order(number, is_stopped=True, by=by.strip(), why=why.strip(), run_id=run_id)
    switch.give(store, stop=False, by=by, why=why, run_id=run_id, after=ours)
    return json.dumps({"status": "held", "seconds": seconds, "by": by.strip()})


def stand() -> str:
    """Be what scores, until the switch ends it."""
    with switch.watched(open_store()):
        print(STANDS, flush=True)
        time.sleep(2 * WITHIN_SECONDS)
    return "Nothing stopped this."


def _begun(scoring: "subprocess.Popen[str]") -> None:
    """Wait until it stands under the switch."""
    patience = Timer(_PATIENCE_SECONDS, scoring.kill)
    patience.start()
    try:
        line = scoring.stdout.readline() if scoring.stdout else ""
    finally:
        patience.cancel()
    if line.strip() != STANDS:
        raise ContractError(
            "A drill must have a process that stands under the switch; it did not begin. Nothing was stopped. Try "
            "again, and read what it said."
        )


def _ended(scoring: "subprocess.Popen[str]", within: float) -> int | None:
    """Its exit code; None where it lives on."""
    try:
        return scoring.wait(within)
    except subprocess.TimeoutExpired:
        return None


def _number(store: Store) -> int:
    """Of the order that stands."""
    order = switch.standing(store)
    return order.number if order is not None else 0


def _refuses(store: Store) -> bool:
    """Whether nothing new may begin."""
    try:
        switch.require_running(store)
    except GateRefused:
        return True
    return False


if __name__ == "__main__":
    leave(guarded(stand))
