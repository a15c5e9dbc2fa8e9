"""The road of one company, driven through Airflow's public API like any user would.

A sample company gets two deliveries: its history (ingest, retrain, release, score), then its last month with
the outcomes of those scored (ingest, score, monitor). A company with given exports gets one. What is done is
written down, so that a journey cut short goes on where it was; a new commit is trained and released again.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from infra.run import airflow, evidence, gates
from infra.run.api import ACTIVE, PAUSE, Api, Unreachable, wait
from infra.run.clone import named
from infra.run.progress import Progress
from infra.setup import secrets
from infra.setup.company import ROOT, Company, Refused
from infra.setup.venv import PYTHON

DAGS: Final = ("ingest_exports", "retrain", "release", "score_people", "monitor_models")
TASKS_EVERY: Final = 3
"""Looks at a run after which its tasks are listed again: that costs the API server five times as much as the run."""
REASON: Final = "First models of this company, asked for by make run"


class Journey:
    """One company's way from exports to monitored models."""

    def __init__(self, company: Company, progress: Progress, commit: str) -> None:
        self.company, self.progress, self.commit = company, progress, commit
        self._passwords = secrets.read_private(company.accounts)
        self._diary = company.var / "journey.json"
        self.done: dict[str, Any] = json.loads(self._diary.read_text()) if self._diary.exists() else {}
        self._is_whole = not self.done  # nothing of it was done by an earlier command
        self.admin = self.session("admin")

    def session(self, account: str) -> Api:
        """A session of one of the company's accounts."""
        return Api(airflow.url(self.company), account, self._passwords[account])

    def travel(self) -> None:
        """Every step that is not done yet."""
        self.wait_for_dags()
        deliveries = ("exports",) if self.company.kind == "real" else ("history", "month36")
        self.deliver(deliveries[0])
        self.ingest(deliveries[0])
        self.retrain()
        self.release()
        self.score(f"released {self.commit}")
        for delivery in deliveries[1:]:
            self.deliver(delivery)
            self.ingest(delivery)
            self.score(delivery)
        self.monitor()

    def wait_for_dags(self) -> None:
        """Until Airflow has read every DAG file; a DAG that a person paused is woken."""
        with self.progress.step("Airflow reads the DAGs"):
            self._until(lambda: {d["dag_id"] for d in self._dags()} >= set(DAGS), "every DAG is parsed", 90)
            for dag in self._dags():
                if dag["is_paused"]:
                    self.admin.pause(dag["dag_id"], is_paused=False)
            self.progress.result(", ".join(DAGS))

    def deliver(self, delivery: str) -> None:
        """Let the HR systems drop their files. Given exports are already there."""
        with self._once(f"deliver {delivery}", f"Exports delivered: {delivery}") as due:
            if due and delivery != "exports":
                words = ["--out", str(self.company.exports), "--delivery", delivery]
                size = ["--workers", str(self.company.workers), "--kind", self.company.kind]
                with self._paused("ingest_exports"):
                    said = self._module("infra.sample", *words, *size)
                self.progress.result(f"{len(said)} files")

    def ingest(self, delivery: str) -> None:
        """New files to the lake."""
        with self._once(f"ingest {delivery}", f"ingest_exports: {delivery}") as due:
            if due:
                self._run("data_engineer", "ingest_exports", {}, delivery)

    def retrain(self) -> None:
        """Every family, asked for by the ML engineer."""
        with self._once(f"retrain {self.commit}", "retrain: all families") as due:
            if due:
                airflow.let_retrain(self.company, go_on=True)
                run = self._run("ml_engineer", "retrain", {"reason": REASON}, self.commit)
                self._note("retrain", run)
                self.progress.result(f"pushed as runs/{named(run)}")
            airflow.let_retrain(self.company, go_on=False)  # what monitoring asks for now goes on with `make up`

    def release(self) -> None:
        """The demo reviewers answer for every model that the gate allowed."""
        with self._once(f"release {self.commit}", "release: two demo accounts approve") as due:
            if not due:
                return
            runs = [run["dag_run_id"] for run in self.admin.runs("release")]
            runs = [run for run in runs if run.startswith(f"release__{self.done['retrain']}__")]
            gaps = {run: self._gaps(run) for run in runs}
            desk = gates.Desk([self.session(name) for name in secrets.REVIEWERS], gaps)
            states: dict[str, str] = {}

            def finished() -> bool:
                states.update(desk.work())
                self.progress.doing(f"{sum(s in gates.FINISHED for s in states.values())} of {len(runs)} finished")
                return all(state in gates.FINISHED for state in states.values())

            self._until(finished, "every release is decided", 600)
            self._note("releases", {run.rpartition("__")[2]: run for run in runs})
            failed = sorted(run.rpartition("__")[2] for run, state in states.items() if state == "failed")
            if failed:
                raise Refused(f"publish must release what two people approved; it did not: {', '.join(failed)}.")
            self.progress.result(f"{len(runs)} released" if runs else "nothing to decide: the gate held every model")

    def score(self, after: str) -> None:
        """Until the scoring that an asset started is over."""
        with self._once(f"score {after}", f"score_people: after {after.split(maxsplit=1)[0]}") as due:
            if due:
                self._quiet("score_people")
                self.progress.result(self._count("score_people"))

    def monitor(self) -> None:
        """Until the monitoring that the scores started is over."""
        with self.progress.step("monitor_models: started by the scores"):
            self._quiet("monitor_models")
            self.progress.result(self._count("monitor_models"))

    def over(self, seconds: Mapping[str, float]) -> None:
        """Remember what the first journey took, which later ones, with little left to do, say nothing about.

        A journey that was cut short and went on is not remembered: nobody knows what it took.
        """
        if self._is_whole:
            self._note("seconds", dict(seconds))

    @contextmanager
    def _paused(self, dag: str) -> Iterator[None]:
        """No run of a DAG is at work or begins: that of the morning would take the half of a delivery for all of it."""

        def is_at_rest() -> bool:
            """Paused first: a run could begin between a look and the pause, and one that waits ends in no pause."""
            self.admin.pause(dag, is_paused=True)
            if not (is_quiet := self.admin.is_quiet(dag)):
                self.admin.pause(dag, is_paused=False)
            return is_quiet

        try:
            self._until(is_at_rest, f"{dag} is at rest", 1800)
            yield
        finally:
            self.admin.pause(dag, is_paused=False)

    @contextmanager
    def _once(self, key: str, title: str) -> Iterator[bool]:
        """A step that is written down when it is done; yields whether it is still due."""
        due = key not in self.done
        with self.progress.step(title):
            if not due:
                self.progress.result("done before")
            yield due
            self._note(key, value=True)

    def _note(self, key: str, value: Any) -> None:
        self.done[key] = value
        draft = self._diary.with_suffix(".draft")
        draft.write_text(json.dumps(self.done, indent=2))
        draft.replace(self._diary)

    def _run(self, account: str, dag: str, conf: dict[str, Any], what: str) -> str:
        """Trigger a DAG and wait for its end; its run id. A run that an earlier journey began is waited for.

        Raises:
            Refused: The run failed.
        """
        key = f"run of {dag} {what}"
        run = self.done.get(key)
        if run is None or self.admin.run(dag, run)["state"] == "failed":
            run = self.session(account).trigger(dag, conf)
            self._note(key, run)
        state, looks = "", 0

        def over() -> bool:
            nonlocal state, looks
            state, looks = str(self.admin.run(dag, run)["state"]), looks + 1
            if state in gates.FINISHED or looks % TASKS_EVERY == 1:
                tasks = self.admin.tasks(dag, run)
                at_work = sorted({str(task["task_id"]) for task in tasks if task["state"] == "running"})
                ended = sum(task["state"] in ("success", "skipped", "failed", "upstream_failed") for task in tasks)
                self.progress.doing(f"{ended}/{len(tasks)} {' '.join(at_work)}")
                self.progress.result(f"{ended} tasks")
            return state in gates.FINISHED

        self._until(over, f"{dag} ends", 3600)
        self._succeeded(dag, run, state)
        return run

    def _quiet(self, dag: str) -> None:
        """Wait until no run of a DAG is at work or about to start, then check that the last one succeeded."""
        self._until(lambda: self.admin.is_quiet(dag), f"{dag} is at rest", 1800)
        for run in self.admin.runs(dag)[:1]:
            self._succeeded(dag, run["dag_run_id"], run["state"])

    def _succeeded(self, dag: str, run: str, state: str) -> None:
        if state == "success":
            return
        failed = sorted({str(task["task_id"]) for task in self.admin.tasks(dag, run) if task["state"] == "failed"})
        logs = self.company.airflow / "logs" / f"dag_id={dag}" / f"run_id={run}"
        raise Refused(f"{dag} must succeed; failed: {', '.join(failed)}. Read the logs in {logs}")

    def proposals(self) -> dict[str, dict[str, Any]]:
        """Family -> what the retrain proposed."""
        run = self.done.get("retrain")
        proposed = self.admin.xcom("retrain", run, "propose") if run else []
        return {proposal["family"]: proposal for proposal in proposed or []}

    def requested(self) -> dict[str, str]:
        """Retrains that monitoring asked for and that are not over: run -> why."""
        runs = [run for run in self.admin.runs("retrain", ACTIVE) if run["run_type"] == "asset_triggered"]
        return {run["dag_run_id"]: self.admin.reason("retrain", run["dag_run_id"]) for run in runs}

    def truths(self) -> dict[str, Any]:
        """What the generator planted in this company."""
        size = ("--workers", str(self.company.workers), "--kind", self.company.kind)
        found: dict[str, Any] = json.loads("\n".join(self._module("infra.sample", "truths", *size)))
        return found

    def proof(self) -> str:
        """What the ledger's own check says.

        Raises:
            Refused: The ledger is broken.
        """
        return self._module("pipelines.audit", "verify")[-1]

    def _gaps(self, run: str) -> list[str]:
        """Names of the gaps that a release run asks about."""
        conf = self.admin.run("release", run)["conf"]
        return evidence.asked(evidence.zones(self.company), conf["family"], conf["verdict"])

    def _dags(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin.call("GET", "/api/v2/dags?limit=100")["dags"]
        return found

    def _count(self, dag: str) -> str:
        runs = self.admin.runs(dag)
        return f"{len(runs)} run{'s' if len(runs) != 1 else ''} so far"

    def _module(self, *words: str) -> list[str]:
        """Run a module of ours to its end; its lines.

        Raises:
            Refused: It failed.
        """
        handed = {**os.environ, **secrets.environment(self.company, airflow.url(self.company))}
        command = [str(PYTHON), "-m", *words]
        done = subprocess.run(command, cwd=ROOT, env=handed, capture_output=True, text=True, check=False)
        if done.returncode:
            fault = done.stderr.strip().splitlines() or ["no message"]
            raise Refused(f"{words[0]} must succeed; got: {fault[-1]}")
        return done.stdout.splitlines()

    def _until(self, holds: Callable[[], bool], what: str, patience_seconds: float) -> None:
        """Look once a second until something holds.

        Raises:
            Refused: It did not within the patience, or Airflow is gone.
        """
        looks, misses = int(patience_seconds / PAUSE), 0
        for _ in range(looks):
            try:
                if holds():
                    return
                misses = 0
            except Unreachable as gone:
                misses += 1
                if misses > 20:
                    raise Refused(
                        f"Airflow must answer; it does not any more ({gone}). Read {self.company.airflow}"
                    ) from gone
            wait()
        raise Refused(
            f"Within {patience_seconds:.0f} s it must hold that {what}; it does not. See {airflow.url(self.company)}"
        )
