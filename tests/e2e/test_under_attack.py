"""Approvals under attack, and processes killed, in the real Airflow of the shared company after its journey.

One retrain by the ML engineer, killed twice on its way, and one by a reviewer, which waits for it; their three release
runs are attacked at the same time. Every attack ends as it should, and the ledger names it.
"""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, RLock
from typing import Any

import pytest

from infra.run import airflow, evidence, gates, processes
from infra.run.api import ACTIVE, Api, Denied, Unreachable, run_path
from infra.run.clone import named

from .conftest import World, candor

pytestmark = pytest.mark.airflow
FIRST, SECOND = "compliance_first", "compliance_second"
GATES = list(gates.GATES)
WHY = "I read the whole brief and every gap in it."
HARMLESS = "The verdict is allowed, and there is no gap."
"""A brief that somebody would rather have shown."""


@dataclass(frozen=True)
class Lost:
    """What became of a release of which an answer came too early and was lost."""

    state: str
    cleared: int
    """Times that no answer was lost and the gates were made to ask anew, which is on record."""


@dataclass(frozen=True)
class Siege:
    """What was tried and what came of it."""

    world: World
    before: dict[str, bytes]
    """Pointers of releases, before anything was tried."""
    retrains: tuple[dict[str, Any], dict[str, Any]]
    second_while_first_ran: str
    tries: dict[str, int]
    refused: dict[str, list[int]]
    lost: Lost
    states: dict[str, str]
    posted: dict[str, str]

    def ledger(self, tag: str, run: str) -> list[dict[str, Any]]:
        """Facts of entries about a run, oldest first."""
        files = sorted((self.world.company.var / "ledger").glob("*.json"))
        entries = [json.loads(file.read_text()) for file in files]
        return [entry["facts"] for entry in entries if entry["tag"] == tag and entry["facts"].get("run_id") == run]


class Attacks:
    """What people with more or less rights try over Airflow's API."""

    def __init__(self, world: World) -> None:
        self.world, self.refused = world, {}
        self.stands = RLock()
        """Held while the scheduler stands still: it may hold the database's lock, and who writes then waits in vain."""
        self.is_read = Lock()
        """Held while the verdict that two runs are about is another one on disk, or is read by one of them."""
        self.requester_is_asked = Event()
        """Set when the second of these two has shown that verdict: an edited one it would not even show."""

    def api(self, account: str = "viewer") -> Api:
        return self.world.api(account)

    def waiting(self, run: str) -> None:
        """Until both gates ask, and somebody could have read the brief."""

        def both_ask() -> bool:
            states = self._states(run)
            assert "upstream_failed" not in states, f"{run} ended before it asked"
            return states == {gates.WAITING}

        until(both_ask)
        time.sleep(gates.READING_SECONDS)

    def ended(self, dag: str, run: str) -> str:
        state = ""

        def over() -> bool:
            nonlocal state
            state = str(self.api().run(dag, run)["state"])
            return state in gates.FINISHED

        until(over)
        return state

    def again(self, run: str) -> None:
        """Ask again, and let somebody read."""
        self._clear(run)
        self.waiting(run)

    def _clear(self, run: str) -> None:
        """Clear the gates and what comes after them."""
        words = {"dry_run": False, "dag_run_id": run, "task_ids": [*GATES, "publish"], "only_failed": False}
        with self.stands:
            self.api("ml_engineer").call("POST", "/api/v2/dags/release/clearTaskInstances", words)

    def approve(self, run: str, first: str, second: str, then: Callable[[], object] | None = None) -> None:
        """Answer both gates, accepting every gap; once more where the scheduler was not ready and an answer was lost.

        `then` is done before the scheduler can make anything of the answers.
        """
        gaps, due = self._gaps(run), dict(zip(GATES, (first, second), strict=True))
        while due:
            with self._standing() if then else self.stands:
                asked = {gate: self._task(run, gate)["try_number"] for gate in due}
                for gate, account in due.items():
                    self._answer(run, gate, account, gaps)
                if then:
                    then()
            due = {gate: account for gate, account in due.items() if self._is_asked_anew(run, gate, asked[gate])}
            for gate in due:
                until(lambda gate=gate: self._task(run, gate)["state"] == gates.WAITING)
            time.sleep(gates.READING_SECONDS if due else 0)

    def _gaps(self, run: str) -> list[str]:
        conf = self.api().run("release", run)["conf"]
        return evidence.asked(evidence.zones(self.world.company), conf["family"], conf["verdict"])

    def _answer(self, run: str, gate: str, account: str, gaps: list[str]) -> None:
        answer = {"justification": WHY, "accepted_gaps": "\n".join(gaps), "choice_reason": None}
        self.api(account).answer("release", run, gate, "Approve", answer)

    def _is_asked_anew(self, run: str, gate: str, asked: int) -> bool:
        """Whether the answer to a try was lost, as soon as it shows."""

        def is_known() -> bool:
            found = self._task(run, gate)
            return found["state"] == "success" or found["try_number"] > asked

        until(is_known)
        return bool(self._task(run, gate)["try_number"] > asked)

    @contextmanager
    def _standing(self) -> Iterator[None]:
        """The scheduler stands still."""
        scheduler = processes.recorded("scheduler", self.world.company.airflow).pid
        with self.stands:
            stopped_asleep(scheduler, self.world.company.airflow / "airflow.db")
            try:
                yield
            finally:
                os.kill(scheduler, signal.SIGCONT)

    def forge(self, run: str) -> str:
        """Unassigned people answer; an engineer marks both gates successful and writes the answers himself."""
        self.waiting(run)
        with self.stands:
            self._forge(run)
        return self.ended("release", run)

    def _forge(self, run: str) -> None:
        engineer = self.api("ml_engineer")
        for account in ("ml_engineer", "admin"):
            with pytest.raises(Denied) as denied:
                self.api(account).answer("release", run, GATES[0], "Approve", {})
            self.refused.setdefault(account, []).append(denied.value.status)
        for gate, name in zip(GATES, (FIRST, SECOND), strict=True):
            path = f"{run_path('release', run)}/taskInstances/{gate}"
            answer = {"chosen_options": ["Approve"], "responded_by_user": {"id": name, "name": name}}
            engineer.call("POST", f"{path}/xcomEntries", {"key": "return_value", "value": answer})
            engineer.call("PATCH", path, {"new_state": "success"})

    def twice(self, run: str) -> str:
        """One person answers both gates."""
        self.again(run)
        self.approve(run, SECOND, SECOND)
        return self.ended("release", run)

    def edit(self, run: str) -> str:
        """The verdict is edited after both have approved it."""
        self.again(run)
        conf = self.api().run("release", run)["conf"]
        verdict = proposed(self.world, conf["family"], conf["verdict"])
        assert self.requester_is_asked.wait(240), "the second release never asked"
        with self.is_read:
            before = verdict.read_bytes()
            try:
                edited = before.replace(b'"family"', b' "family"', 1)
                self.approve(run, FIRST, SECOND, then=lambda: verdict.write_bytes(edited))
                return self.ended("release", run)
            finally:
                verdict.write_bytes(before)

    def performance(self, run: str) -> list[str]:
        """Three attacks on one run, one after the other."""
        return [self.forge(run), self.twice(run), self.edit(run)]

    def requester(self, run: str) -> str:
        """Who asked for the retrain answers as one of the two, and what both read is not the brief that was made."""
        self._rewrite(run)
        self.waiting(run)
        self.requester_is_asked.set()
        with self.is_read:
            self.approve(run, FIRST, SECOND)
            return self.ended("release", run)

    def _rewrite(self, run: str) -> None:
        """The engineer changes the brief after it was made, before a gate shows it.

        What makes it stands still until the scheduler does, which then cannot let the gates begin in between.
        """
        with self.stands:  # nobody else stops the scheduler until this run has begun
            until(lambda: bool(running("pipelines.publish", "brief", run)), pause=0.1)
            makers = running("pipelines.publish", "brief", run)
            for maker in makers:
                os.kill(maker, signal.SIGSTOP)
            with self._standing():
                for maker in makers:
                    os.kill(maker, signal.SIGCONT)
                until(lambda: self._task(run, "brief")["state"] == "success", pause=0.1)
                path = f"{run_path('release', run)}/taskInstances/brief/xcomEntries/return_value"
                self.api("ml_engineer").call("PATCH", path, {"value": HARMLESS, "map_index": -1})

    def lose(self, run: str) -> Lost:
        """One gate is answered while the scheduler stands still, which loses the answer; then it is asked again.

        The other gate stays without an answer until then: where one was not lost, nothing comes after it, and the
        gates are made to ask anew until one is.
        """
        gaps, cleared = self._gaps(run), 0

        def is_lost() -> bool:
            nonlocal cleared
            if self._is_lost(run, gaps):
                return True
            if self._states(run) in ({gates.WAITING}, {gates.WAITING, "success"}):  # a missed moment, or not lost
                self._clear(run)
                cleared += 1
            return False

        until(is_lost, seconds=400, pause=0.05)
        desk = gates.Desk([self.api(FIRST), self.api(SECOND)], {run: gaps})
        until(lambda: desk.work()[run] in gates.FINISHED)
        return Lost(self.ended("release", run), cleared)

    def _is_lost(self, run: str, gaps: list[str]) -> bool:
        """Answer a gate that began and that the scheduler has not noted to wait; whether it is asked once more.

        False also when the moment is not there. Stopped asleep, the scheduler first hands out what was answered and
        only then reads that the process which asked is over; stopped elsewhere in its round it may do so the right way
        round. A gate at work when it stops is surely not noted, and is handed out only if the executor has room.
        """
        with self._standing():
            states = {task["task_id"]: task["state"] for task in self._gates(run)}
            at_work = [gate for gate in GATES if states.get(gate) == "running"]
            if not at_work or "success" in states.values() or not self._is_room(run):
                return False
            gate = at_work[0]
            until(lambda: self._task(run, gate)["state"] == gates.WAITING, seconds=30, pause=0.1)
            asked = self._task(run, gate)["try_number"]
            self._answer(run, gate, (FIRST, SECOND)[GATES.index(gate)], gaps)
        return self._is_asked_anew(run, gate, asked)

    def _is_room(self, run: str) -> bool:
        """Whether the executor could take both gates again while it believes them at work."""
        states = "&".join(f"state={state}" for state in ("scheduled", "queued", "running"))
        tasks = self.api().call("GET", f"/api/v2/dags/~/dagRuns/~/taskInstances?limit=100&{states}")["task_instances"]
        others = [
            task for task in tasks if (task["dag_run_id"], task["task_id"]) not in {(run, gate) for gate in GATES}
        ]
        return len(others) + len(GATES) < int(airflow.environment(self.world.company)["AIRFLOW__CORE__PARALLELISM"])

    def _states(self, run: str) -> set[str]:
        return {task["state"] for task in self._gates(run)}

    def by_hand(self, family: str, verdict: str) -> tuple[str, str]:
        """Start a release with the parameters of a real one."""
        with self.stands:
            run = self.api("ml_engineer").trigger("release", {"family": family, "verdict": verdict})
        return run, self.ended("release", run)

    def post(self, asset: str, dag: str) -> str:
        """Post an asset event; the run that it starts."""
        found = self.api().call("GET", f"/api/v2/assets?name_pattern={asset}")["assets"]
        number = next(item["id"] for item in found if item["name"] == asset)
        known = {run["dag_run_id"] for run in self.api().runs(dag)}
        extra = {"families": ["screening"], "reason": "screening: psi", "from_rest_api": False}
        self.api("ml_engineer").call("POST", "/api/v2/assets/events", {"asset_id": number, "extra": extra})
        until(lambda: bool({run["dag_run_id"] for run in self.api().runs(dag)} - known))
        return next(run["dag_run_id"] for run in self.api().runs(dag) if run["dag_run_id"] not in known)

    def post_retrain(self) -> str:
        """Ask for a retrain by a posted event. One that monitoring asked for may have been waiting to go with it."""
        while True:
            run = self.post("retrain_request", "retrain")
            if self._ordered(run) == "failed":
                return f"{run} {self.ended('retrain', run)}"
            self.api("ml_engineer").call("PATCH", run_path("retrain", run), {"state": "failed"})

    def post_release(self) -> str:
        """Post that there is a release."""
        run = self.post("release", "score_people")
        return f"{run} {self.ended('score_people', run)}"

    def _ordered(self, run: str) -> str:
        """How the first task of a retrain ended."""

        def state() -> str:
            return next(str(t["state"]) for t in self.api().tasks("retrain", run) if t["task_id"] == "order")

        until(lambda: state() in gates.FINISHED)
        return state()

    def _gates(self, run: str) -> list[dict[str, Any]]:
        return [task for task in self.api().tasks("release", run) if task["task_id"] in GATES]

    def _task(self, run: str, name: str) -> dict[str, Any]:
        return next(task for task in self.api().tasks("release", run) if task["task_id"] == name)


def until(holds: Callable[[], bool], seconds: float = 240, pause: float = 0.5) -> None:
    """Look until something holds. The time is no bound on Candor: it ends a wait that would be for ever."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except Unreachable:
            pass
        time.sleep(pause)
    raise AssertionError(f"it did not hold within {seconds} s")


def stopped_asleep(pid: int, database: Path) -> None:
    """Stop a scheduler that sleeps between two rounds, when it does not hold the database's lock either.

    All others would wait for that in vain, and it sleeps, too, while it waits for theirs.
    """
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.005)
        if "nanosleep" not in Path(f"/proc/{pid}/wchan").read_text():
            continue
        os.kill(pid, signal.SIGSTOP)
        with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as free:
            try:
                free.execute("BEGIN IMMEDIATE")
                free.execute("ROLLBACK")
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)
            else:
                return
    raise AssertionError("it never slept without the lock")


def proposed(world: World, family: str, verdict: str) -> Path:
    return world.company.var / "proposals" / family / verdict / "verdict.json"


def running(*words: str) -> list[int]:
    """Processes whose command line holds all words."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if folder.name.isdigit() and all(word in line for word in words):
            found.append(int(folder.name))
    return found


def in_clone(world: World, run: str, module: str) -> list[int]:
    """Processes of a stage at work in the clone of a run."""
    mark = f"CANDOR_CLONE={world.company.var / 'retrain' / named(run)}".encode()
    return [pid for pid in running(module) if mark in (Path("/proc") / str(pid) / "environ").read_bytes()]


def killed(world: World, run: str) -> None:
    """Kill one step of a retrain, then api-server and scheduler with its group in the middle of the scoring."""
    until(lambda: bool(running("infra.run.clone", "repro", run, "prepare")), pause=0.1)
    for pid in running("infra.run.clone", "repro", run, "prepare"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: bool(in_clone(world, run, "pipelines.score")), pause=0.1)
    for name in ("scheduler", "api-server"):
        os.killpg(processes.recorded(name, world.company.airflow).pid, signal.SIGKILL)
    raised = candor("up", "--var", str(world.company.var))
    assert raised.returncode == 0, raised.stderr


@pytest.fixture(scope="module")
def siege(world):
    attacks, company = Attacks(world), world.company
    before = pointers(world)
    engineer, reviewer = world.api("ml_engineer"), world.api(FIRST)
    # What is released is scored; watching it too would take the cores from the attacks, and the journey has shown that.
    world.api("admin").call("PATCH", "/api/v2/dags/monitor_models", {"is_paused": True})
    for run in engineer.runs("retrain", ACTIVE):  # what monitoring asked for would keep the others waiting
        engineer.call("PATCH", run_path("retrain", run["dag_run_id"]), {"state": "failed"})
    airflow.let_retrain(company, go_on=True)
    posted = {"retrain_request": attacks.post_retrain()}
    families = ["outcomes", "performance"]
    one = engineer.trigger("retrain", {"families": families, "reason": "Killed on its way, with care."})
    two = reviewer.trigger("retrain", {"families": families[1:], "reason": "Asked for by a reviewer."})
    killed(world, one)
    second_while_first_ran = str(world.api("viewer").run("retrain", two)["state"])
    released = {family: f"release__{one}__{family}" for family in families} | {
        "requester": f"release__{two}__performance"
    }
    with ThreadPoolExecutor(4) as pool:
        posted_release = pool.submit(attacks.post_release)
        known(world, released["outcomes"])
        lost = pool.submit(attacks.lose, released["outcomes"])
        known(world, released["performance"])
        verdict = world.api("viewer").run("release", released["performance"])["conf"]["verdict"]
        by_hand = pool.submit(attacks.by_hand, "performance", verdict)
        forged = pool.submit(attacks.performance, released["performance"])
        known(world, released["requester"])
        asked = pool.submit(attacks.requester, released["requester"])
        states = {
            released["outcomes"]: lost.result().state,
            released["performance"]: " ".join(forged.result()),
            released["requester"]: asked.result(),
            "by hand": " ".join(by_hand.result()),
        }
    posted["release"] = posted_release.result()
    found = tuple(
        {p["family"]: p for p in world.api("viewer").xcom("retrain", run, "propose")} | {"run": run}
        for run in (one, two)
    )
    tries = {task["task_id"]: task["try_number"] for task in world.api("viewer").tasks("retrain", one)}
    airflow.let_retrain(company, go_on=False)
    return Siege(world, before, found, second_while_first_ran, tries, attacks.refused, lost.result(), states, posted)


def known(world: World, run: str) -> None:
    """Until a release run exists."""

    def exists() -> bool:
        try:
            return bool(world.api("viewer").run("release", run))
        except Denied:
            return False

    until(exists, seconds=400, pause=0.3)


def pointers(world: World) -> dict[str, bytes]:
    """Release pointers by path."""
    found = sorted((world.company.var / "releases").glob("*/0*.json"))
    return {path.relative_to(world.company.var).as_posix(): path.read_bytes() for path in found}


def test_a_killed_step_and_a_killed_scheduler_leave_the_digests_of_an_undisturbed_run(siege):
    first, second = siege.retrains
    assert first["performance"]["verdict_sha256"] == second["performance"]["verdict_sha256"]
    assert first["outcomes"]["verdict"] == "allowed"
    assert siege.tries["prepare"] >= 2, "the killed step was not tried again"
    assert running("CANDOR_CLONE", named(first["run"])) == []
    clones = siege.world.company.var / "retrain"
    assert clones.is_dir()
    # Of these two alone: monitoring may have asked for a third before it was paused.
    assert not [run["run"] for run in siege.retrains if (clones / f"{named(run['run'])}.at_work").exists()]


def test_of_two_retrains_the_second_waits(siege):
    assert siege.second_while_first_ran == "queued"


def test_a_gate_marked_successful_with_forged_answers_releases_nothing(siege):
    run = f"release__{siege.retrains[0]['run']}__performance"
    assert siege.states[run] == "failed failed failed"
    assert siege.ledger("release:refused", run)[0]["codes"] == ["no_approval"]
    acts = {(act["act"], act["by"]) for facts in siege.ledger("release:interfered", run) for act in facts["acts"]}
    assert acts >= {("patch_task_instance", "ml_engineer"), ("create_xcom_entry", "ml_engineer")}


def test_an_answer_by_somebody_unassigned_is_denied_and_on_record(siege):
    assert siege.refused == {"ml_engineer": [403], "admin": [403]}
    run = f"release__{siege.retrains[0]['run']}__performance"
    acts = {(act["act"], act["by"]) for facts in siege.ledger("release:interfered", run) for act in facts["acts"]}
    assert acts >= {("update_hitl_detail", "ml_engineer"), ("update_hitl_detail", "admin")}


def test_one_person_answering_twice_and_an_edited_verdict_are_refused(siege):
    refusals = siege.ledger("release:refused", f"release__{siege.retrains[0]['run']}__performance")
    assert "answered_twice" in refusals[1]["codes"]
    assert refusals[2]["codes"] == ["changed_after_proposal"]
    assert len(refusals) == 3


def test_the_requester_may_not_approve(siege):
    run = f"release__{siege.retrains[1]['run']}__performance"
    assert siege.states[run] == "failed"
    assert "requester_approved" in siege.ledger("release:refused", run)[0]["codes"]


def test_what_two_people_were_shown_instead_of_the_brief_releases_nothing(siege):
    run = f"release__{siege.retrains[1]['run']}__performance"
    shown = [siege.world.api("viewer").question("release", run, gate)["body"] for gate in GATES]
    assert shown == [HARMLESS, HARMLESS]
    assert [facts["codes"] for facts in siege.ledger("release:refused", run)] == [["other_brief", "requester_approved"]]
    acts = {(act["act"], act["by"]) for facts in siege.ledger("release:interfered", run) for act in facts["acts"]}
    assert ("update_xcom_entry", "ml_engineer") in acts


def test_a_release_started_by_hand_with_forged_parameters_asks_nobody(siege):
    run, state = siege.states["by hand"].split()
    assert state == "failed"
    assert [facts["codes"] for facts in siege.ledger("release:refused", run)] == [["not_triggered"]]
    asked = {task["task_id"]: task["state"] for task in siege.world.api("viewer").tasks("release", run)}
    assert {asked[gate] for gate in GATES} == {"upstream_failed"}


def test_a_retrain_asked_for_by_a_posted_event_is_turned_away(siege):
    run, state = siege.posted["retrain_request"].split()
    assert state == "failed"
    assert [facts["codes"] for facts in siege.ledger("event:refused", run)] == [["posted_event"]]


def test_a_posted_release_scores_nobody_anew(siege):
    run, state = siege.posted["release"].split()
    assert state == "failed"
    assert [facts["codes"] for facts in siege.ledger("event:refused", run)] == [["posted_event"]]
    tasks = {task["task_id"]: task["state"] for task in siege.world.api("viewer").tasks("score_people", run)}
    assert {state for task, state in tasks.items() if task.startswith("score_")} == {"upstream_failed"}


def test_a_lost_answer_is_asked_for_again_and_the_second_one_counts(siege):
    run = f"release__{siege.retrains[0]['run']}__outcomes"
    assert siege.states[run] == "success"
    assert [facts["name"] for facts in siege.ledger("release:approved", run)] == [FIRST, SECOND]
    assert siege.ledger("release:refused", run) == []
    acts = {(act["act"], act["by"]) for facts in siege.ledger("release:interfered", run) for act in facts["acts"]}
    assert acts == ({("post_clear_task_instances", "ml_engineer")} if siege.lost.cleared else set())


def test_only_what_two_people_approved_was_released_and_the_ledger_is_whole(siege):
    new = set(pointers(siege.world)) - set(siege.before)
    assert {path.split("/")[1] for path in new} == {"outcomes"}
    assert len(new) == 1
    assert siege.before.items() <= pointers(siege.world).items()
    done = siege.world.module("pipelines.audit", "verify")
    assert done.returncode == 0, done.stderr
