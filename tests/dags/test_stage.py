"""How a stage starts: what it sees, what its end means. Run in a program of its own, as Airflow would."""

from pathlib import Path

import pytest

from .forked import ROOT, forking


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What `code` prints with `dags._stage` at hand as `s`."""
    home = tmp_path_factory.mktemp("airflow")
    with forking(home, "dags._stage") as forks:

        def run(code: str, **variables: str) -> str:
            handed = {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), **variables}
            program = forks.start(f"import dags._stage as s\n{code}", **handed)
            said = program.stdout.read()
            assert program.ended() == 0, said[-1500:]
            return said

        yield run


def failing(tried, tmp_path: Path, line: str, code: int) -> str:
    """The exception that a step which says `line` and ends with `code` becomes."""
    (tmp_path / "step.py").write_text(f"import sys; print({line!r}, file=sys.stderr); sys.exit({code})")
    wrapper = f"""
s.environment = lambda secrets: {{"PATH": "", "PYTHONPATH": {str(tmp_path)!r}}}
try: s.call("step")
except Exception as error: print("GOT", type(error).__name__, error)
"""
    return tried(wrapper).partition("GOT ")[2].strip()


def test_a_stage_sees_only_the_secrets_it_is_handed(tried):
    code = "print(sorted(n for n in s.environment(s.AUDIT) if n.startswith(('CANDOR', 'AIRFLOW', 'PYTHON'))))"
    keys = dict.fromkeys(("CANDOR_AUDIT_KEY", "CANDOR_VAULT_KEY", "CANDOR_PSEUDONYM_KEY", "CANDOR_STORE"), "x")
    printed = tried(code, **keys, AIRFLOW__API_AUTH__JWT_SECRET="long enough", CANDOR_VIEWER_PASSWORD="x")
    assert printed.strip() == "['CANDOR_AUDIT_KEY', 'CANDOR_STORE']"


def test_secrets_of_sources_reach_only_the_steps_that_talk_to_them(tried):
    keys = dict.fromkeys(("CANDOR_SFTP_PAYROLL", "CANDOR_PGP_PAYROLL", "CANDOR_AUDIT_KEY", "CANDOR_STORE"), "x")
    code = "print(*(sorted(n for n in s.environment(h) if n.startswith('CANDOR')) for h in (s.SOURCES, s.INGEST, ())))"
    assert tried(code, **keys).strip() == (
        "['CANDOR_AUDIT_KEY', 'CANDOR_PGP_PAYROLL', 'CANDOR_SFTP_PAYROLL', 'CANDOR_STORE'] "
        "['CANDOR_AUDIT_KEY', 'CANDOR_STORE'] ['CANDOR_STORE']"
    )


@pytest.mark.parametrize("name", ["SettingsError", "ContractError", "GateRefused"])
def test_an_error_that_waiting_does_not_mend_is_final(tried, tmp_path, name):
    assert failing(tried, tmp_path, f"{name}: not so", 1) == f"AirflowFailException {name}: not so"


def test_another_system_that_does_not_answer_may_be_tried_again(tried, tmp_path):
    assert failing(tried, tmp_path, "SourceUnavailable: no answer", 75).startswith(
        "AirflowException step ended with exit code 75"
    )


def test_the_last_line_of_stdout_is_the_answer(tried):
    assert tried("print(s.answered(['noise', '{\"rows\": 3}']))").strip() == "{'rows': 3}"


def test_a_line_that_is_no_object_is_no_answer(tried):
    assert tried("print(s.answered(['[1]']), s.answered(['done']), s.answered([]))").strip() == "{} {} {}"


def test_only_allowed_proposals_become_releases(tried):
    code = """
from types import SimpleNamespace as run
verdicts = {"a": "allowed", "b": "held", "c": "none"}
found = [{"family": f, "verdict": v, "verdict_sha256": "d"} for f, v in verdicts.items()]
print(s.allowed(found, dag_run=run(run_id="r1")))
"""
    expected = "[{'trigger_run_id': 'release__r1__a', 'conf': {'family': 'a', 'verdict': 'd'}}]"
    assert tried(code).strip() == expected


def test_each_held_file_becomes_a_question_of_its_own(tried):
    code = f"""
from types import SimpleNamespace as run
print(s.questions([{{"feed": "workers", "file": "{"ab" * 32}"}}], dag_run=run(run_id="r1")), s.questions([]))
"""
    conf = {"feed": "workers", "file": "ab" * 32}
    expected = [{"trigger_run_id": "held__r1__workers-abababababab", "conf": conf}]
    assert tried(code).strip() == f"{expected} []"


def test_monitoring_asks_for_one_retrain_of_all_families_that_want_it_and_says_why(tried):
    code = """
from types import SimpleNamespace as some
def asked(*reports):
    event = some(extra=None)
    try: s.wanted(reports, outlet_events={s.Asset("retrain_request"): event}); print(event.extra)
    except Exception as error: print(type(error).__name__)
quiet = {"family": "screening", "retrain": False, "reasons": ["psi"]}
loud = [{"family": "outcomes", "retrain": True, "reasons": ["performance_drop", "psi"]},
        {"family": "performance", "retrain": True, "reasons": ["psi"]}]
asked(quiet, loud[0], None, loud[1])
asked(quiet)
asked(None, None)
asked()
"""
    assert tried(code).splitlines() == [
        "{'families': ['outcomes', 'performance'], 'reason': 'outcomes: performance_drop, psi; performance: psi'}",
        *["AirflowSkipException"] * 3,
    ]


def test_assets_are_announced_when_at_least_one_family_came_to_something(tried):
    code = """
def announced(*answers):
    try: s.announced(answers); print("announced")
    except Exception as error: print(type(error).__name__)
announced(None, {"status": "scored"})
announced({"status": "scored"})
announced(None, None)
announced({}, None)
announced()
"""
    assert tried(code).split() == ["announced"] * 2 + ["AirflowSkipException"] * 3


def test_a_retrain_without_a_reason_is_refused(tried):
    code = """
from types import SimpleNamespace as run
params = {"families": ["screening"], "as_of": None, "reason": None, "ref": "main"}
asked = run(dag_id="retrain", triggering_user_name="ml")
try: s.ordered(params=params, dag_run=asked)
except Exception as error: print(type(error).__name__)
print(s.ordered(params=params | {"reason": "new data"}, dag_run=asked)["requester"])
"""
    assert tried(code).split() == ["AirflowFailException", "ml"]


def test_only_monitoring_asks_by_an_event_and_what_is_posted_beside_it_adds_nothing(tried):
    code = """
from types import SimpleNamespace as some
params = {"families": ["screening"], "as_of": "2026-01-01", "reason": None, "ref": "main"}
def event(dag, family): return some(source_dag_id=dag, extra={"families": [family], "reason": f"{family}: psi"})
def asked(*events):
    return s.ordered(params=params, dag_run=some(dag_id="retrain", triggering_user_name=None, run_id="r"),
                     triggering_asset_events={"retrain_request": list(events)})
s.call = lambda *words: print(*words)
order = asked(event("monitor_models", "outcomes"), event(None, "performance"))
print(order["order"], order["requester"])
try: asked(event(None, "performance"))
except Exception as error: print(type(error).__name__, "posted by hand" in str(error))
"""
    assert tried(code).splitlines() == [
        "pipelines.publish refuse --dag retrain --dag-run r --code posted_event",
        '{"families": ["outcomes"], "as_of": null, "reason": "outcomes: psi", "ref": "main"} monitoring',
        "pipelines.publish refuse --dag retrain --dag-run r --code posted_event",
        "AirflowFailException True",
    ]


def test_a_posted_event_is_on_record_and_starts_nothing_by_itself(tried):
    code = """
from types import SimpleNamespace as some
def event(dag): return some(source_dag_id=dag, extra={})
def reached(dag, *events):
    return s.asked(dag_run=some(dag_id=dag, run_id="r"), triggering_asset_events={"an asset": list(events)})
s.call = lambda *words: print(*words)
print(s.asked(dag_run=some(dag_id="score_people", run_id="by the form")))
print(reached("score_people", event("release"), event("ingest_exports")))
print(reached("score_people", event("release"), event(None)))
for dag, source in (("score_people", None), ("monitor_models", None), ("monitor_models", "release")):
    try: reached(dag, event(source))
    except Exception as error: print(type(error).__name__, "posted by hand" in str(error))
"""
    noted = "pipelines.publish refuse --dag {} --dag-run r --code posted_event"
    assert tried(code).splitlines() == [
        *("None", "None"),
        *(noted.format("score_people"), "None"),
        *(noted.format("score_people"), "AirflowFailException True"),
        *(noted.format("monitor_models"), "AirflowFailException True"),
        *(noted.format("monitor_models"), "AirflowFailException True"),
    ]
