"""The stop switch: easy to turn off, on only with a reason, and off whenever it cannot be read."""

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from monitoring.portal import evidence
from pipelines.audit import Tag, append, entries, verify
from pipelines.audit.segments import key
from pipelines.base.errors import ContractError, GateRefused, SourceUnavailable
from pipelines.base.settings import Law
from pipelines.score import drill, people, places, switch
from pipelines.score.__main__ import main

ROOT = Path(__file__).parents[2]
WHY = "Complaints about rejected applicants."
GOES_ON = "The cause was found and mended."
MANUAL = {"dag_id": "switch_scoring", "dag_run_id": "m1", "run_type": "manual", "triggering_user_name": "clara"}


class Records:
    """Airflow's record of one run."""

    def __init__(self, run):
        self._run = run

    def run(self, dag, run_id):
        if self._run is None:
            raise SourceUnavailable("Airflow must answer; it did not. Start it.")
        return self._run


def stop(store, **words):
    return json.loads(switch.give(store, **{"stop": True, "by": "clara", "why": WHY, **words}))


def restart(store, **words):
    return json.loads(switch.give(store, **{"stop": False, "by": "dora", "why": GOES_ON, **words}))


def orders(store):
    return [(str(entry.tag), entry.facts["number"], entry.facts["by"], entry.facts["why"]) for entry in entries(store)]


def test_nobody_stopped_scoring_before_somebody_does(store):
    switch.require_running(store)
    assert switch.standing(store) is None


def test_a_stop_holds_until_a_restart_and_the_ledger_knows_who_and_why(store):
    assert stop(store) == {"status": "stopped", "by": "clara", "why": WHY}
    with pytest.raises(GateRefused, match=f"clara stopped it: {WHY}") as refused:
        switch.require_running(store)
    assert refused.value.codes == ("stopped",)
    assert restart(store) == {"status": "running", "by": "dora", "why": GOES_ON}
    switch.require_running(store)
    assert orders(store) == [
        ("scoring:stopped", 1, "clara", WHY),
        ("scoring:restarted", 2, "dora", GOES_ON),
    ]
    assert verify(store) == []


def test_while_stopped_no_family_is_scored_not_even_one_without_a_release(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    stop(store)
    with pytest.raises(GateRefused, match="Nothing was scored"):
        people.run("screening", date(2026, 10, 31))
    restart(store)
    assert json.loads(people.run("screening", date(2026, 10, 31)))["status"] == "nothing_released"


@pytest.mark.parametrize("act", [stop, restart])
@pytest.mark.parametrize("words", [{"why": "too short"}, {"why": "  short      "}, {"by": "  "}])
def test_both_need_somebody_and_a_reason(store, act, words):
    with pytest.raises(GateRefused, match="by somebody and for a reason of at least 10 characters"):
        act(store, **words)
    assert orders(store) == []


def test_the_same_order_given_again_stands_once(store):
    for _ in range(2):
        stop(store)
    for _ in range(2):
        restart(store)
    stop(store)
    assert [(tag, number) for tag, number, *_ in orders(store)] == [
        ("scoring:stopped", 1),
        ("scoring:restarted", 2),
        ("scoring:stopped", 3),
    ]


@pytest.mark.parametrize("why", ["Complaints about a model", "Complaints about a model."])
def test_a_reason_ends_before_what_follows_from_it_is_told(store, why):
    stop(store, why=why)
    with pytest.raises(GateRefused, match=r"stopped it: Complaints about a model\. Nothing was scored\."):
        switch.require_running(store)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_stop_holds_and_is_told_though_an_older_entry_of_the_ledger_is_broken(store, earlier):
    append(store, Tag.FILE_INGESTED, "one")
    if earlier:
        restart(store)
    store.put(key(1), b"[]")
    assert stop(store)["status"] == "stopped"
    with pytest.raises(GateRefused, match=f"clara stopped it: {WHY}"):
        switch.require_running(store)
    newest = next(entries(store, newest_first=True))
    assert (str(newest.tag), newest.facts["number"]) == ("scoring:stopped", 2 if earlier else 1)


@pytest.mark.parametrize("said", [None, b"?", b"[" * 100_000])
def test_a_stop_over_an_object_that_is_gone_or_broken_follows_the_orders_of_the_ledger(store, said):
    stop(store)
    restart(store)
    store.delete(switch.KEY) if said is None else store.put(switch.KEY, said)
    stop(store)
    assert [(tag, number) for tag, number, *_ in orders(store)][-1] == ("scoring:stopped", 3)
    assert switch.kept(store).number == 3
    restart(store)
    switch.require_running(store)


class Killed(Exception):
    """The process ended here."""


@pytest.mark.parametrize("dies_at", ["put", "create"])
@pytest.mark.parametrize("act", [stop, restart])
def test_an_order_that_is_killed_halfway_leaves_scoring_stopped_and_is_finished_by_giving_it_again(
    store, act, dies_at, monkeypatch
):
    stop(store, why="Stopped earlier on, for the test.")

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, dies_at, killed)
        with pytest.raises(Killed):
            act(store)
    with pytest.raises(GateRefused, match="stopped it"):
        switch.require_running(store)
    act(store)
    assert [(tag, number) for tag, number, *_ in orders(store)][1:] == [
        ("scoring:stopped" if act is stop else "scoring:restarted", 2)
    ]
    assert switch.standing(store).is_stopped is (act is stop)


@pytest.mark.parametrize("garbage", [b"", b"{}", b"[1]", b'{"is_stopped": false}', b"\xff", b"null", b"[" * 100_000])
def test_a_switch_that_is_not_readable_stops_scoring_and_a_restart_mends_it(store, garbage):
    stop(store)
    restart(store)
    store.put(switch.KEY, garbage)
    with pytest.raises(ContractError, match="not readable, so scoring is stopped"):
        switch.require_running(store)
    restart(store, why="The object was damaged by a disk.")
    switch.require_running(store)


def test_a_stop_in_the_ledger_outlives_its_object(store):
    stop(store)
    store.delete(switch.KEY)
    with pytest.raises(GateRefused, match="clara stopped it"):
        switch.require_running(store)


def test_an_object_that_was_turned_behind_the_ledgers_back_starts_nothing(store):
    stop(store)
    kept = json.loads(store.read(switch.KEY))
    store.put(switch.KEY, json.dumps(kept | {"is_stopped": False}).encode())
    with pytest.raises(GateRefused, match="clara stopped it"):
        switch.require_running(store)
    restart(store)
    store.delete(switch.KEY)
    with pytest.raises(ContractError, match="must say what the ledger says"):
        switch.require_running(store)


WORKS = """
import sys, time
from pipelines.base.store import open_store
from pipelines.score import switch
store = open_store()
with switch.watched(store, every=0.1):
    print("working", flush=True)
    time.sleep(60)
    print("written", flush=True)
"""


@pytest.mark.parametrize("unreadable", [False, True])
def test_what_scores_already_ends_within_a_minute_of_the_stop(store, unreadable):
    """A process that never looks itself, as while it predicts."""
    environment = {"CANDOR_STORE": store.url, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", WORKS], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "working\n"
        began = time.monotonic()
        if unreadable:
            store.put(switch.KEY, b"?")
        else:
            stop(store)
        out, errors = child.communicate(timeout=50)
    assert time.monotonic() - began + switch.EVERY_SECONDS < 60
    assert (child.returncode, out) == (75 if unreadable else 3, "")
    assert errors.splitlines()[-1].startswith(
        "ContractError: switches/scoring.json must be" if unreadable else "GateRefused: Scoring must not be stopped;"
    )


def test_the_audit_page_says_that_scoring_is_stopped_by_whom_and_why(store):
    nowhere, today = Law(jurisdictions=(), locations={}), date(2026, 11, 27)

    def said():
        lines, unchecked = evidence.stops(store, nowhere, today)
        assert unchecked == [places.NOTHING_CHECKED]
        return lines

    assert said() == []
    stop(store)
    assert said() == [f"Scoring is stopped for all models. clara stopped it: {WHY}"]
    restart(store)
    assert said() == []
    store.put(switch.KEY, b"?")
    assert "not readable, so scoring is stopped" in said()[0]


def test_a_first_stop_holds_though_it_never_reached_the_ledger(store, monkeypatch):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "create", killed)
        with pytest.raises(Killed):
            stop(store)
    with pytest.raises(GateRefused, match="clara stopped it"):
        switch.require_running(store)


def test_a_stop_after_a_restart_that_never_reached_the_object_follows_it(store, monkeypatch):
    stop(store)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", killed)
        with pytest.raises(Killed):
            restart(store)
    stop(store, why="Complaints about other applicants.")
    assert (orders(store)[-1][:2], switch.kept(store).number) == (("scoring:stopped", 3), 3)


def test_a_stop_holds_before_the_ledger_is_read(store, monkeypatch):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "read_many", killed)
        with pytest.raises(Killed):
            stop(store)
    with pytest.raises(GateRefused, match="clara stopped it"):
        switch.require_running(store)


def test_nothing_is_written_after_a_stop_that_came_between_two_looks(store):
    with switch.watched(store, every=60) as require_running:
        require_running()
        stop(store)
        with pytest.raises(GateRefused, match="clara stopped it"):
            require_running()


def test_a_name_comes_from_the_record_of_airflow_and_from_nowhere_else():
    assert switch.asked_by(Records(MANUAL), "m1", stop=False) == "clara"


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({}, GateRefused),
        (MANUAL | {"dag_run_id": "m2"}, GateRefused),
        (MANUAL | {"dag_id": "retrain"}, GateRefused),
        (MANUAL | {"run_type": "asset_triggered"}, GateRefused),
        (MANUAL | {"triggering_user_name": None}, GateRefused),
        (None, SourceUnavailable),
    ],
)
def test_without_a_name_on_record_nothing_restarts_and_everything_stops(record, error):
    with pytest.raises(error):
        switch.asked_by(Records(record), "m1", stop=False)
    assert switch.asked_by(Records(record), "m1", stop=True) == "unknown"


# ---------------------------------------------------------------- drills


UNDER = "from pipelines.base.store import open_store; from pipelines.score import switch; import time"
"""What a process that scores has; then its loop."""


def child(loop):
    return (sys.executable, "-c", f"{UNDER}\n{loop}")


SCORES = child("with switch.watched(open_store(), every=0.1):\n    print('standing', flush=True)\n    time.sleep(60)")
DEAF = child("print('standing', flush=True)\ntime.sleep(60)")


def test_a_drill_stops_for_real_lets_scoring_go_on_and_says_how_long_what_scored_lived(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    said = json.loads(drill.hold(store, by="clara", why="The drill of November.", run_id="m7", child=SCORES))
    assert (said["status"], said["by"], 0 <= said["seconds"] < 60) == ("held", "clara", True)
    switch.require_running(store)
    stopped, tested, restarted = entries(store)
    assert [str(e.tag) for e in (stopped, tested, restarted)] == [
        "scoring:stopped",
        "scoring:tested",
        "scoring:restarted",
    ]
    assert tested.facts == {"by": "clara", "run_id": "m7", "seconds": said["seconds"], "within": 60.0, "is_held": True}
    assert verify(store) == []


def test_a_drill_that_does_not_hold_is_on_record_and_leaves_scoring_stopped(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    with pytest.raises(ContractError, match="it did not"):
        drill.hold(store, by="clara", why="The drill of November.", within=0.3, child=DEAF)
    assert [entry.facts["is_held"] for entry in entries(store) if entry.tag is Tag.SCORING_TESTED] == [False]
    with pytest.raises(GateRefused, match="clara stopped it"):
        switch.require_running(store)


def test_a_switch_that_lets_something_new_begin_did_not_hold(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    ended = drill._ended

    def meanwhile(scoring, within):
        code = ended(scoring, within)
        restart(store)
        return code

    monkeypatch.setattr(drill, "_ended", meanwhile)
    with pytest.raises(ContractError, match="it did not"):
        drill.hold(store, by="clara", why="The drill of November.", child=SCORES)
    assert [entry.facts["is_held"] for entry in entries(store) if entry.tag is Tag.SCORING_TESTED] == [False]


def test_what_ends_by_itself_was_not_ended_by_the_switch(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    with pytest.raises(ContractError, match="it did not"):
        drill.hold(store, by="clara", why="The drill of November.", child=child("print('standing', flush=True)"))


def test_a_drill_never_restarts_what_somebody_else_stopped_meanwhile(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    ended = drill._ended

    def meanwhile(scoring, within):
        stop(store, by="dora")
        return ended(scoring, within)

    monkeypatch.setattr(drill, "_ended", meanwhile)
    with pytest.raises(GateRefused, match="another one stands") as refused:
        drill.hold(store, by="clara", why="The drill of November.", child=SCORES)
    assert refused.value.codes == ("stopped_again",)
    with pytest.raises(GateRefused, match="dora stopped it"):
        switch.require_running(store)


def test_a_drill_takes_no_stops_place_that_was_given_while_it_began(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    begun = drill._begun

    def meanwhile(scoring):
        begun(scoring)
        stop(store, by="dora")

    monkeypatch.setattr(drill, "_begun", meanwhile)
    with pytest.raises(GateRefused, match="dora stopped it"):
        drill.hold(store, by="clara", why="The drill of November.", child=SCORES)
    with pytest.raises(GateRefused, match="dora stopped it"):
        switch.require_running(store)
    assert [str(entry.tag) for entry in entries(store)] == ["scoring:stopped"]


def test_a_drill_begins_only_where_scoring_may_go_on_and_somebody_scores(store, monkeypatch):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    with pytest.raises(ContractError, match="Nothing was stopped"):
        drill.hold(store, by="clara", why="The drill of November.", child=child("raise SystemExit(3)"))
    with pytest.raises(GateRefused, match="by somebody and for a reason"):
        drill.hold(store, by="clara", why="short", child=SCORES)
    switch.require_running(store)
    stop(store)
    with pytest.raises(GateRefused, match="clara stopped it"):
        drill.hold(store, by="dora", why="The drill of November.", child=SCORES)
    assert not [entry for entry in entries(store) if entry.tag is Tag.SCORING_TESTED]


def test_the_process_of_a_drill_stands_under_the_switch_like_one_that_scores(store):
    environment = {"CANDOR_STORE": store.url, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(drill._CHILD, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == drill.STANDS
        process.kill()
    stop(store)
    done = subprocess.run(drill._CHILD, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")


def test_the_commands(store, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.delenv("CANDOR_AIRFLOW_URL", raising=False)
    assert main(["switch"]) == 0
    assert json.loads(capsys.readouterr().out) == {"is_stopped": False}
    assert main(["stop", f"--why={WHY}", "--dag-run", "m1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"status": "stopped", "by": "unknown", "why": WHY}
    assert main(["people", "screening"]) == 3
    assert main(["restart", f"--why={GOES_ON}", "--dag-run", "m1"]) == 1
    assert "CANDOR_AIRFLOW_URL" in capsys.readouterr().err
    assert main(["switch"]) == 0
    assert json.loads(capsys.readouterr().out)["is_stopped"] is True
    assert main(["restart", "--why", GOES_ON, "--by", "dora"]) == 0
    assert main(["people", "screening"]) == 0
