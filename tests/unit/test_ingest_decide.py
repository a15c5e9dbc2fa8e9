"""Who may say what becomes of a held file: Airflow's own record decides, and every rule of it alone can refuse."""

from copy import deepcopy

import pytest

from pipelines import audit
from pipelines.base.errors import GateRefused
from pipelines.ingest.decide import Decision, File, answered

FILE = File("workers", "a" * 64)
RUN_ID = "held__manual__1__workers-aaaaaaaaaaaa"
RUN = {
    "dag_id": "held_file",
    "dag_run_id": RUN_ID,
    "run_type": "operator_triggered",
    "conf": {"feed": FILE.feed, "file": FILE.sha256},
}
GATE = {
    "task_instance": {"dag_id": "held_file", "dag_run_id": RUN_ID, "task_id": "decide"},
    "response_received": True,
    "chosen_options": ["Release"],
    "responded_by_user": {"id": "data_engineer", "name": "data_engineer"},
    "params_input": {"note": "  The site in Ulm was closed.  "},
}


class Answers:
    """What Airflow has on record."""

    def __init__(self, run: dict, gate: dict | None) -> None:
        self.runs, self.gates = {("held_file", RUN_ID): run}, {("held_file", RUN_ID, "decide"): gate}

    def run(self, dag: str, run_id: str) -> dict:
        return self.runs.get((dag, run_id), {})

    def gate(self, dag: str, run_id: str, task: str) -> dict | None:
        return self.gates.get((dag, run_id, task))


def asked(store, run: dict, gate: dict | None) -> Decision:
    return answered(store, Answers(run, gate), FILE, RUN_ID, ["data_engineer", "second"])


def with_(record: dict, path: str, value: object) -> dict:
    changed = deepcopy(record)
    *parents, last = path.split(".")
    inner = changed
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return changed


@pytest.mark.parametrize(("option", "choice"), [("Release", "release"), ("Reject", "reject")])
def test_an_answer_on_record_is_a_decision(store, option, choice):
    found = asked(store, RUN, with_(GATE, "chosen_options", [option]))
    assert found == Decision(choice, "data_engineer", "The site in Ulm was closed.", RUN_ID)
    assert list(audit.entries(store)) == []


def test_a_browser_may_send_the_note_within_its_description(store):
    gate = with_(GATE, "params_input.note", {"value": "The site in Ulm was closed.", "schema": {}})
    assert asked(store, RUN, gate).note == "The site in Ulm was closed."


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("dag_id", "ingest_exports", "run_unknown"),
        ("dag_run_id", "another", "run_unknown"),
        ("run_type", "manual", "not_triggered"),
        ("conf.feed", "candidates", "other_file"),
        ("conf.file", "b" * 64, "other_file"),
        ("conf", None, "other_file"),
    ],
)
def test_a_run_that_ingest_did_not_start_about_this_file_decides_nothing(store, path, value, code):
    refused(store, with_(RUN, path, value), GATE, code)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("task_instance.task_id", "settle", "other_task"),
        ("task_instance.dag_run_id", "another", "other_task"),
        ("task_instance.dag_id", "release", "other_task"),
        ("response_received", False, "no_answer"),
        ("chosen_options", [], "no_answer"),
        ("chosen_options", ["Approve"], "no_answer"),
        ("chosen_options", ["Release", "Reject"], "no_answer"),
        ("responded_by_user", None, "not_a_decider"),
        ("responded_by_user.name", "ml_engineer", "not_a_decider"),
        ("responded_by_user.name", "", "not_a_decider"),
        ("params_input.note", "short", "no_note"),
        ("params_input", None, "no_note"),
    ],
)
def test_an_answer_that_breaks_a_rule_decides_nothing(store, path, value, code):
    refused(store, RUN, with_(GATE, path, value), code)


def test_nobody_was_asked(store):
    refused(store, RUN, None, "no_record")


def refused(store, run: dict, gate: dict | None, code: str) -> None:
    """It is refused for this one reason, on record once however often it is tried."""
    for _ in range(2):
        with pytest.raises(GateRefused) as why:
            asked(store, run, gate)
        assert why.value.codes == (code,)
    (entry,) = audit.entries(store)
    assert (entry.tag, entry.subject) == ("decision:refused", "workers")
    assert dict(entry.facts) == {"run_id": RUN_ID, "codes": [code]}
