"""Two files that lost most of their records: one is released in *Required Actions*, of the other the answer is forged.

The last module of the shared company, whose lake it changes; scoring is paused, so that only ingest is at work.
"""

import json
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from infra.run import airflow, gates
from infra.run.api import ACTIVE, Denied, run_path
from infra.setup.venv import VENV
from pipelines.base.digests import sha256_file

from .conftest import World
from .test_under_attack import until

pytestmark = pytest.mark.airflow
NOTE = "The catalogue of this month was cleaned up."
ZONES = ("landing", "keys", "lake", "vault", "quarantine", "ledger", "reports/ingest")
BEFORE_THE_DAILY_RUN: Final = timedelta(minutes=5)
"""Longer than all tests here take: within it the daily run would take the files that another run is meant to."""


@dataclass(frozen=True)
class Asked:
    """What was asked about the two files, and what came of it."""

    world: World
    questions: dict[str, dict[str, Any]]
    """Feed -> the question as the API shows it."""
    refused: int
    states: dict[str, str]
    """Feed -> how its run ended."""
    report: dict[str, Any]
    """Of the ingest that the answer started."""


def shrunk(world: World) -> None:
    """A catalogue of five courses and a report of one requisition, as of November."""
    exports = world.company.exports
    courses = (exports / "lms" / "courses_2026-10.csv").read_bytes().splitlines(keepends=True)
    (exports / "lms" / "courses_2026-11.csv").write_bytes(b"".join(courses[:6]))
    entries = json.loads((exports / "workday" / "HRML_Requisitions_2026-10.json").read_bytes())["Report_Entry"]
    short = json.dumps({"Report_Entry": entries[:1]})
    (exports / "workday" / "HRML_Requisitions_2026-11.json").write_text(short)


def ended(world: World, dag: str, run: str) -> str:
    """How a run ended, once it has."""
    until(lambda: str(world.api("viewer").run(dag, run)["state"]) in gates.FINISHED)
    return str(world.api("viewer").run(dag, run)["state"])


@pytest.fixture(scope="module")
def asked(world):
    quiet(world)
    engineer, viewer = world.api("data_engineer"), world.api("viewer")
    world.api("admin").call("PATCH", "/api/v2/dags/score_people", {"is_paused": True})
    shrunk(world)
    before = {run["dag_run_id"] for run in viewer.runs("ingest_exports")}
    first = engineer.trigger("ingest_exports", {})
    assert ended(world, "ingest_exports", first) == "success"
    asked_by = {run["dag_run_id"]: run["conf"]["feed"] for run in viewer.runs("held_file")}
    waiting = {feed: run for run, feed in asked_by.items() if run.startswith(f"held__{first}__")}
    assert set(waiting) == {"lms_courses", "workday_requisitions"}
    for run in waiting.values():
        until(lambda run=run: {t["state"] for t in viewer.tasks("held_file", run)} >= {gates.WAITING})
    time.sleep(gates.READING_SECONDS)
    questions = {feed: viewer.question("held_file", run, "decide") for feed, run in waiting.items()}
    with pytest.raises(Denied) as denied:
        world.api("ml_engineer").answer("held_file", waiting["workday_requisitions"], "decide", "Release", {})
    released(world, waiting["lms_courses"])
    forged = f"{run_path('held_file', waiting['workday_requisitions'])}/taskInstances/decide"
    world.api("ml_engineer").call("PATCH", forged, {"new_state": "success"})
    states = {feed: ended(world, "held_file", run) for feed, run in waiting.items()}
    new = [run["dag_run_id"] for run in viewer.runs("ingest_exports") if run["dag_run_id"] not in before | {first}]
    assert len(new) == 1
    assert ended(world, "ingest_exports", new[0]) == "success"
    return Asked(world, questions, denied.value.status, states, reported(world, new[0]))


def released(world: World, run: str) -> None:
    """Answer until an answer is kept: one before the scheduler was ready is lost, and asked for anew."""

    def deciding() -> dict[str, Any]:
        return next(task for task in world.api("viewer").tasks("held_file", run) if task["task_id"] == "decide")

    def is_known() -> bool:
        found = deciding()
        return found["state"] == "success" or (found["state"], found["try_number"] > asked) == (gates.WAITING, True)

    while (task := deciding())["state"] == gates.WAITING:
        time.sleep(gates.READING_SECONDS)
        asked = task["try_number"]
        world.api("data_engineer").answer("held_file", run, "decide", "Release", {"note": NOTE})
        until(is_known)


def reported(world: World, run: str) -> dict[str, Any]:
    """What an ingest said of itself."""
    name = run.replace(":", "-").replace("+", "-")
    found: dict[str, Any] = json.loads((world.company.var / "reports" / "ingest" / f"{name}.json").read_text())
    return found


def decided(world: World) -> list[dict[str, Any]]:
    """Entries of the ledger about decisions: tag, feed and facts."""
    entries = [json.loads(path.read_text()) for path in sorted((world.company.var / "ledger").glob("*.json"))]
    return [entry for entry in entries if entry["tag"] in ("file:decided", "decision:refused")]


def test_a_data_engineer_reads_why_a_file_is_held(asked):
    courses = asked.questions["lms_courses"]
    assert "**lost_records**" in courses["body"]
    assert "it has 5." in courses["body"]
    assert courses["options"] == ["Release", "Reject"]
    assert [user["name"] for user in courses["assigned_users"]] == ["data_engineer"]


def test_a_released_file_is_taken_in_by_a_run_of_its_own(asked):
    assert asked.states["lms_courses"] == "success"
    assert asked.report["held"] == []
    counts = asked.report["counts"]["lms_courses"]
    assert (counts["in"], counts["held"]) == (5, 0)
    (entry,) = [entry for entry in decided(asked.world) if entry["tag"] == "file:decided"]
    assert entry["subject"] == "lms_courses"
    assert {name: entry["facts"][name] for name in ("choice", "by", "note")} == {
        "choice": "release",
        "by": "data_engineer",
        "note": NOTE,
    }


def test_an_answer_that_nobody_gave_decides_nothing(asked):
    assert asked.refused == 403
    assert asked.states["workday_requisitions"] == "failed"
    (entry,) = [entry for entry in decided(asked.world) if entry["tag"] == "decision:refused"]
    assert (entry["subject"], entry["facts"]["codes"]) == ("workday_requisitions", ["no_answer"])
    said = asked.world.module("pipelines.ingest", "held").stdout.splitlines()
    assert "workday_requisitions" in [line.split()[0] for line in said]
    assert "lms_courses" not in [line.split()[0] for line in said]


def free_day(world: World) -> str:
    """The newest day past that has no run. After the backfill of an older one Airflow would catch up on a daily run."""
    taken = {str(run["logical_date"])[:10] for run in world.api("viewer").runs("ingest_exports")}
    day = (datetime.now(UTC) - timedelta(hours=5)).date()
    while str(day) in taken:
        day -= timedelta(days=1)
    return str(day)


def backfilled(world: World, day: str) -> str:
    """Run ingest for a day of the past, whether or not it ran before, by Airflow's own command; its run."""
    words = ["backfill", "create", "--dag-id", "ingest_exports", "--reprocess-behavior", "completed"]
    words += ["--from-date", day, "--to-date", f"{day}T06:00:00"]
    command = [str(VENV / "bin" / "airflow"), *words]
    env = airflow.environment(world.company)
    for _ in range(8):  # the command writes to SQLite beside the scheduler, whose lock it does not wait for
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if "database is locked" not in done.stderr:
            break
        over(world)
    assert done.returncode == 0, done.stderr[-1000:]
    found = world.api("viewer").runs("ingest_exports")
    (run,) = [run["dag_run_id"] for run in found if run["dag_run_id"].startswith(f"backfill__{day}")]
    assert ended(world, "ingest_exports", run) == "success"
    over(world)
    return str(run)


def over(world: World) -> None:
    """No backfill is open, so that there may be another; Airflow itself sees that in half a minute, or in two."""
    admin = world.api("admin")
    for backfill in admin.call("GET", "/api/v2/backfills?dag_id=ingest_exports")["backfills"]:
        if not backfill["completed_at"]:
            with suppress(Denied):  # it has seen it meanwhile
                admin.call("PUT", f"/api/v2/backfills/{backfill['id']}/cancel")


def quiet(world: World) -> None:
    """No run of ingest is under way, and the daily one is not due before the tests here are over."""
    viewer = world.api("viewer")

    def is_quiet() -> bool:
        due = datetime.fromisoformat(viewer.call("GET", "/api/v2/dags/ingest_exports")["next_dagrun_run_after"])
        return due > datetime.now(UTC) + BEFORE_THE_DAILY_RUN and not viewer.runs("ingest_exports", ACTIVE)

    until(is_quiet, seconds=600)


def kept(world: World) -> dict[str, str]:
    """Every object of the store, and its digest."""
    files = [path for zone in ZONES for path in (world.company.var / zone).rglob("*") if path.is_file()]
    return {path.relative_to(world.company.var).as_posix(): sha256_file(path) for path in files}


def test_a_backfill_done_twice_leaves_the_same_bytes(asked):
    quiet(asked.world)  # everything that is kept is compared
    lms = asked.world.company.exports / "lms"
    late = (lms / "courses_2026-09.csv").read_bytes().rstrip(b"\r\n")
    (lms / "courses_2026-12.csv").write_bytes(late + b"\nCRS-998,A Late Course,Compliance,Foundation,30,Yes,No,,,,\n")
    before, day = kept(asked.world), free_day(asked.world)
    told = reported(asked.world, backfilled(asked.world, day))["counts"]["lms_courses"]
    assert told["accepted"] > 0
    assert told["quarantined"] == 0
    once = kept(asked.world)
    assert len([name for name in once.keys() - before.keys() if name.startswith("lake/manifests/")]) == 1
    backfilled(asked.world, day)
    assert kept(asked.world) == once
