"""Each way to get a release past two people that we know of, as a record that Airflow would hold."""

import copy
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.base.errors import GateRefused, SettingsError, SourceUnavailable
from pipelines.base.records import Act, Records, address, open_records
from pipelines.publish.approvals import Wanted, check, unaccepted

SHA = "a" * 64
BRIEF = "## screening: the gate says *allowed*\n\nData as of 2026-10-31."
RUN_ID = "release__manual__2026-11-01T00:00:00+00:00__screening"
WANTED = Wanted("screening", SHA, RUN_ID)
APPROVERS = ("anna", "ben", "carol", "engineer")
RUN = {
    "dag_id": "release",
    "dag_run_id": RUN_ID,
    "run_type": "operator_triggered",
    "triggered_by": "operator",
    "triggering_user_name": "engineer",
    "conf": {"family": "screening", "verdict": SHA},
}


def gate(task, name, number, **changes):
    return {
        "task_instance": {"dag_id": "release", "dag_run_id": RUN_ID, "task_id": task},
        "options": ["Approve", "Reject"],
        "response_received": True,
        "responded_at": "2026-11-01T10:00:00Z",
        "responded_by_user": {"id": number, "name": name},
        "chosen_options": ["Approve"],
        "params_input": {"justification": "I read the whole report.", "accepted_gaps": None},
        "body": BRIEF,
    } | changes


FIRST, SECOND = gate("approve_first", "anna", "3"), gate("approve_second", "ben", "4")


def checked(
    *, run=RUN, first=FIRST, second=SECOND, approvers=APPROVERS, wanted=WANTED, proposers=("engineer",), gaps=()
):
    gates = {"approve_first": first, "approve_second": second}
    return check(run, gates, approvers, wanted=wanted, proposers=proposers, shown=BRIEF, gaps=gaps)


def refused(match, **changes):
    with pytest.raises(GateRefused, match=match):
        checked(**changes)


def test_two_different_approvers_who_did_not_ask_are_enough():
    assert [(a.gate, a.name, a.justification) for a in checked()] == [
        ("approve_first", "anna", "I read the whole report."),
        ("approve_second", "ben", "I read the whole report."),
    ]


@pytest.mark.parametrize("shown", [BRIEF.replace("allowed", "held"), f"{BRIEF}\n", "", None])
@pytest.mark.parametrize("task", ["first", "second"])
def test_who_was_shown_another_brief_approved_nothing(task, shown):
    before = {"first": FIRST, "second": SECOND}[task]
    refused(f"approve_{task}: what it showed is not the brief of this verdict", **{task: before | {"body": shown}})


@pytest.mark.parametrize(("told", "echo"), [("a\rb", "a\nb"), ("a\r\nb", "a\nb"), ("a\nb", "a\nb")])
def test_a_brief_comes_back_with_other_ends_of_lines(told, echo):
    gates = {task: one | {"body": echo} for task, one in (("approve_first", FIRST), ("approve_second", SECOND))}
    found = check(RUN, gates, APPROVERS, wanted=WANTED, proposers=("engineer",), shown=told, gaps=())
    assert [approval.name for approval in found] == ["anna", "ben"]


@pytest.mark.parametrize("run_type", ["manual", "asset_triggered", "scheduled", "backfill", None])
def test_a_release_that_no_retrain_triggered_is_refused(run_type):
    refused("no retrain triggered it", run=RUN | {"run_type": run_type})


def test_a_run_of_another_dag_or_id_is_refused():
    refused("the run on record is not", run=RUN | {"dag_id": "my_release"})
    refused("the run on record is not", run=RUN | {"dag_run_id": "release__other"})
    refused("the run on record is not", run={})


def test_approvals_of_one_verdict_do_not_release_another():
    refused("another family or verdict", run=RUN | {"conf": {"family": "screening", "verdict": "b" * 64}})
    refused("another family or verdict", run=RUN | {"conf": {"family": "outcomes", "verdict": SHA}})
    refused("another family or verdict", run=RUN | {"conf": None})


@pytest.mark.parametrize("name", ["engineer", "Engineer", " engineer "])
def test_the_requester_may_not_approve_however_the_name_is_spelt(name):
    refused("asked for this release and may not", first=gate("approve_first", name, "9"), approvers=(*APPROVERS, name))


def test_the_requester_is_known_by_name_though_the_recorded_id_is_a_number():
    refused("engineer asked for this release", second=gate("approve_second", "engineer", "7"))


def test_who_proposed_the_verdict_in_any_run_may_not_approve_it():
    refused("anna asked for this release", proposers=("engineer", "anna"))


def test_one_person_cannot_answer_both_gates():
    refused("anna answered both gates", second=gate("approve_second", "anna", "3"))
    refused("ANNA|anna answered both", second=gate("approve_second", "ANNA", "5"), approvers=("anna", "ANNA"))
    refused("one account answered both gates", second=gate("approve_second", "ben", "3"))


@pytest.mark.parametrize(
    "user", [None, {}, {"id": "3"}, {"name": "anna"}, {"id": "", "name": "anna"}, {"id": "3", "name": ""}]
)
def test_an_answer_without_a_user_is_refused(user):
    refused("approve_first was answered without a user", first=FIRST | {"responded_by_user": user})


def test_an_approver_must_be_on_the_list():
    refused("mallory is not among the approvers", first=gate("approve_first", "mallory", "8"))
    refused("is not among the approvers", approvers=())


def test_a_gate_marked_successful_without_an_answer_is_refused():
    forged = FIRST | {"response_received": False, "responded_by_user": None, "chosen_options": None}
    refused("approve_first has no approval on record", first=forged)
    refused("approve_first has no approval on record", first=FIRST | {"response_received": "true"})


@pytest.mark.parametrize("chosen", [["Reject"], ["Approve", "Reject"], [], None, "Approve", ["approve"]])
def test_anything_but_approve_is_no_approval(chosen):
    refused("approve_second has no approval on record", second=SECOND | {"chosen_options": chosen})


def test_a_missing_record_is_refused():
    refused("approve_second has no record", second=None)


@pytest.mark.parametrize("about", [{"task_id": "approve_first"}, {"dag_run_id": "release__older"}, {"dag_id": "other"}])
def test_the_record_of_another_task_or_run_is_refused(about):
    refused("about another task", second=SECOND | {"task_instance": SECOND["task_instance"] | about})


@pytest.mark.parametrize("text", [None, "", "too short", "   short     ", 12345678901, ["I read the report."]])
def test_a_justification_is_at_least_ten_characters(text):
    refused("no justification", first=FIRST | {"params_input": {"justification": text}})
    refused("no justification", first=FIRST | {"params_input": None})


def test_ten_characters_are_enough():
    assert len(checked(first=FIRST | {"params_input": {"justification": " I read it. "}})) == 2


def test_an_answer_without_a_moment_is_refused():
    refused("has no moment", first=FIRST | {"responded_at": None})


def test_a_run_without_requester_needs_monitoring_to_have_asked():
    nobody = RUN | {"triggering_user_name": None}
    refused("no requester is on record", run=nobody)
    assert len(checked(run=nobody, proposers=("monitoring",))) == 2


def test_a_verdict_nobody_proposed_is_refused():
    refused("nobody is on record as having proposed", proposers=())


def test_every_broken_rule_is_named_at_once():
    with pytest.raises(GateRefused) as caught:
        checked(run=RUN | {"run_type": "manual"}, first=gate("approve_first", "engineer", "7"), second=None)
    assert all(part in str(caught.value) for part in ("manual", "engineer asked", "approve_second has no record"))


@pytest.mark.parametrize(
    "given",
    [
        "sex:unknown, age_40:by_subject",
        "sex:unknown\nage_40:by_subject\n",
        "I accept sex:unknown; I accept age_40:by_subject",
        ["sex:unknown", "age_40:by_subject"],
        {"value": "sex:unknown,age_40:by_subject", "description": None, "schema": {}},
    ],
)
def test_gaps_are_accepted_by_name_in_any_usual_form(given):
    form = FIRST["params_input"] | {"accepted_gaps": given}
    approval, _ = checked(first=FIRST | {"params_input": form})
    assert approval.accepted_gaps == ("sex:unknown", "age_40:by_subject")


COMMAS = ("ethnicity:Black, not Hispanic", "ethnicity:Black", "ethnicity:a; b (c)", "sex:unknown")


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ("\n".join(COMMAS), COMMAS),
        (", ".join(COMMAS), COMMAS),
        ("I accept ethnicity:a; b (c) ; i accept  sex:unknown\n\n", COMMAS[2:]),
        ("ethnicity:Black, not Hispanic", COMMAS[:1]),
        ("ethnicity:Black", COMMAS[1:2]),
        ("ethnicity:Black, not hispanic", ("ethnicity:Black", "not hispanic")),
        ("no ethnicity:Black, not Hispanic", ("no ethnicity:Black", "not Hispanic")),
        ("ethnicity:Black, not Hispanics;sex:unknown", ("ethnicity:Black", "not Hispanics", "sex:unknown")),
        ("ethnicity:a; b cc)", ("ethnicity:a", "b cc)")),
        (list(COMMAS), COMMAS),
    ],
)
def test_a_comma_or_semicolon_within_the_name_of_a_gap_belongs_to_it(given, accepted):
    form = FIRST["params_input"] | {"accepted_gaps": given}
    approval, _ = checked(first=FIRST | {"params_input": form}, gaps=COMMAS)
    assert approval.accepted_gaps == accepted


@pytest.mark.parametrize("given", [None, "", "all", "sex", "I do not accept sex:unknown", "sex:unknown_x", 1])
def test_both_must_accept_each_gap(given):
    full = copy.deepcopy(FIRST)
    full["params_input"]["accepted_gaps"] = "sex:unknown"
    form = SECOND["params_input"] | {"accepted_gaps": given}
    approvals = checked(first=full, second=SECOND | {"params_input": form})
    assert unaccepted(["sex:unknown"], approvals) == ["ben did not accept sex:unknown."]
    assert unaccepted([], approvals) == []


class Airflow(BaseHTTPRequestHandler):
    """Answers as Airflow does, over real HTTP: 201 and a token, records by path, 404 for the rest."""

    status = 200
    body = b"{}"
    seen: list[tuple[str, str | None]]

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        login = json.loads(self.rfile.read(length))
        self._answer(201 if login["password"] == "secret" else 401, b'{"access_token": "t"}')

    def do_GET(self):
        self.seen.append((self.path, self.headers["Authorization"]))
        self._answer(self.status, self.body)

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def airflow(status=200, body=b"{}"):
    handler = type("Handler", (Airflow,), {"status": status, "body": body, "seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", handler.seen
        server.shutdown()
        thread.join()


def test_records_are_read_with_a_token_and_quoted_ids():
    with airflow(body=b'{"dag_id": "release"}') as (url, seen):
        assert Records(url, "secret").run("release", "release__a+b/c") == {"dag_id": "release"}
    assert seen == [("/api/v2/dags/release/dagRuns/release__a%2Bb%2Fc", "Bearer t")]


def test_a_record_that_is_not_there_is_none():
    with airflow(status=404) as (url, _):
        records = Records(url, "secret")
        assert (records.run("release", "x"), records.gate("release", "x", "approve_first")) == ({}, None)


def test_what_people_did_to_a_run_is_told_from_what_its_tasks_did():
    events = [
        {"event": "running", "owner": "candor", "task_id": "brief", "extra": '{"host_name": "h"}'},
        {"event": "create_xcom_entry", "owner": "op", "task_id": "approve_first", "extra": '{"method": "POST"}'},
        {"event": "cli_task_run", "owner": "root", "task_id": None, "extra": None},
        {"event": "patch_dag_run", "owner": "op", "task_id": None, "extra": '{"method": "PATCH"}'},
    ]
    with airflow(body=json.dumps({"event_logs": events, "total_entries": 4}).encode()) as (url, seen):
        found = Records(url, "secret").acts("release", "release__a+b")
    assert found == [Act("create_xcom_entry", "approve_first", "op"), Act("patch_dag_run", "", "op")]
    assert seen[0][0].startswith("/api/v2/eventLogs?dag_id=release&run_id=release__a%2Bb&")


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (429, b"{}"), (200, b"<html>"), (200, b"[]")])
def test_an_airflow_in_trouble_is_worth_a_retry(status, body):
    with airflow(status, body) as (url, _), pytest.raises(SourceUnavailable, match="CANDOR_AIRFLOW_URL"):
        Records(url, "secret").run("release", "x")


def test_nobody_listening_is_worth_a_retry():
    with airflow() as (url, _):
        pass
    with pytest.raises(SourceUnavailable, match="URLError"):
        Records(url, "secret").run("release", "x")


def test_a_wrong_password_or_missing_rights_are_settings():
    with airflow() as (url, _), pytest.raises(SettingsError, match="CANDOR_VIEWER_PASSWORD"):
        Records(url, "wrong").run("release", "x")
    with airflow(status=403) as (url, _), pytest.raises(SettingsError, match="403"):
        Records(url, "secret").run("release", "x")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://airflow.example",
        "javascript:alert(1)",
        "airflow.example:8080",
        "http://",
        "http:///hr",
        "http://viewer:hunter2@airflow.example",
        "https://viewer@airflow.example/hr",
        "http://airflow.example:0",
        "http://airflow.example:99999",
        "http://airflow.example:port",
        "http://airflow.example/hr?next=//evil.example",
        "http://airflow.example/#there",
        "http://airflow.example/hr) [here](http://evil.example",
        "http://airflow.example/<script>",
        "http://airflow.example/{{ var.value.key }}",
        "http://airflow.example/hr\n",
        " http://airflow.example",
        "http://airflow.example\\@evil.example",
    ],
)
def test_an_address_is_http_a_host_and_a_path_and_nothing_else(url):
    with pytest.raises(SettingsError, match="CANDOR_AIRFLOW_URL must be an address such as") as refused:
        Records(url, "secret")
    assert "hunter2" not in str(refused.value)
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://airflow.example/hr/", "https://airflow.example/hr"),
        ("http://[::1]:8080/a%20b", "http://[::1]:8080/a%20b"),
        ("http://api_server:8080", "http://api_server:8080"),
    ],
)
def test_an_address_is_kept_as_it_is_without_a_slash_at_its_end(url, kept):
    assert address(url) == kept


def test_missing_variables_are_named(monkeypatch):
    monkeypatch.delenv("CANDOR_AIRFLOW_URL", raising=False)
    with pytest.raises(SettingsError, match="CANDOR_AIRFLOW_URL"):
        open_records()
