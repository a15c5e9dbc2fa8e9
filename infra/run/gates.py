"""The demo's two compliance accounts, who answer *Required Actions* through the public REST API.

They read what any reviewer reads: the brief that Airflow shows with the question. Each accepts every gap that
the verdict names, by its name, and says that this is a demonstration.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.run.api import Api, Denied

GATES: Final = ("approve_first", "approve_second")
WAITING: Final = "awaiting_input"
FINISHED: Final = ("success", "failed")
READING_SECONDS: Final = 5.0
"""Airflow 3.3 loses an answer that comes before its scheduler has noted that the task waits, and asks again; after
as many lost answers as the gate has retries the release fails. Nobody reads a brief faster than this."""
WHY: Final = "Demonstration: answered by `make run` with a demo account after reading the brief."


class Desk:
    """The reviewers at work on some release runs."""

    def __init__(self, reviewers: Sequence[Api], gaps: Mapping[str, Sequence[str]]) -> None:
        """Nothing is answered yet.

        Args:
            reviewers: One session per gate, each of another account.
            gaps: Release run -> names of the gaps that its verdict lists.
        """
        self._reviewers = reviewers
        self._gaps = gaps
        self._seen: dict[tuple[str, str, int], float] = {}

    def work(self) -> dict[str, str]:
        """Answer what has waited long enough; the state of each run. To be called until all have finished."""
        states = {run: str(self._reviewers[0].run("release", run)["state"]) for run in self._gaps}
        for run in [run for run, state in states.items() if state not in FINISHED]:
            tasks = {task["task_id"]: task for task in self._reviewers[0].tasks("release", run)}
            for gate, reviewer in zip(GATES, self._reviewers, strict=True):
                if gate in tasks and self._is_ripe(run, tasks[gate]):
                    _approve(reviewer, run, gate, self._gaps[run])
        return states

    def _is_ripe(self, run: str, task: Mapping[str, Any]) -> bool:
        """Whether a question waits since `READING_SECONDS`. One that is asked again waits again."""
        if task["state"] != WAITING:
            return False
        since = self._seen.setdefault((run, task["task_id"], task["try_number"]), time.monotonic())
        return time.monotonic() - since >= READING_SECONDS


def approvers(viewer: Api, run: str) -> list[str]:
    """Who approved a release, by Airflow's own record of the answers."""
    found = []
    for gate in GATES:
        try:
            record = viewer.question("release", run, gate)
        except Denied:
            continue
        if record.get("chosen_options") == ["Approve"]:
            found.append(str((record.get("responded_by_user") or {}).get("name")))
    return found


def _approve(reviewer: Api, run: str, gate: str, gaps: Sequence[str]) -> None:
    form: dict[str, Any] = {"justification": WHY, "accepted_gaps": "\n".join(gaps) or None}
    form |= {"choice_reason": WHY if any(gap.startswith("alternative:") for gap in gaps) else None}
    try:
        reviewer.answer("release", run, gate, "Approve", form)
    except Denied as no:
        if no.status != 409:  # answered already, and about to go on
            raise
