"""What every DAG must keep to. Each assertion says which DAG breaks it and what to add."""

import itertools
from pathlib import Path

import pytest
import yaml

from pipelines.base.catalog import FAMILIES, STAGES

from .conftest import QUEUE

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "dags").glob("*.py") if not path.name.startswith("_"))
NAMES = (
    *("held_file", "ingest_exports", "monitor_models", "release", "retrain", "rollback", "score_people"),
    "switch_scoring",
)
TAGS = {"data", "models", "approval", "scores", "monitoring"}
HEAVY = {
    "pandas",
    "polars",
    "tensorflow",
    "keras",
    "great_expectations",
    "evidently",
    "boto3",
    "sklearn",
    "dvc",
    "duckdb",
}
TALKS_TO_OTHERS = {
    ("ingest_exports", "discover"), ("ingest_exports", "land_read_map"), ("ingest_exports", "publish"),
    ("ingest_exports", "expire"),
    ("held_file", "brief"), ("held_file", "decide"), ("held_file", "settle"),
    ("release", "brief"), ("release", "approve_first"), ("release", "approve_second"), ("release", "publish"),
    ("retrain", "clone"), ("retrain", "pin"), *(("retrain", stage) for stage in STAGES),
    ("retrain", "push"), ("retrain", "propose"),
    *(("score_people", f"score_{family}") for family in FAMILIES),
    ("rollback", "go_back"), ("switch_scoring", "turn"),
    *(("monitor_models", f"{act}_{family}") for act in ("outcomes", "judge") for family in FAMILIES),
}  # fmt: skip


def tasks(dags):
    return {(dag, task): about for dag, found in dags.items() for task, about in found["tasks"].items()}


def test_every_file_imports(bag):
    assert bag["errors"] == {}


def test_the_dags_are_those_of_the_design_and_those_that_people_ask_for_by_a_form(dags):
    assert tuple(sorted(dags)) == NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_wiring_of_at_most_sixty_lines(file):
    assert len(file.read_text().splitlines()) <= 60, f"{file.name}: move logic into pipelines or infra"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_decides_nothing(file):
    """No branch, no loop over data, no exception handling: those belong to the steps."""
    words = [line.split()[0] for line in file.read_text().partition('"""\n\n')[2].splitlines() if line.strip()]
    assert not {"if", "while", "try:", "def", "class"} & set(words)


def test_parsing_costs_at_most_a_third_of_a_second_beyond_airflow(bag):
    assert bag["seconds"] <= 0.3


def test_parsing_loads_nothing_heavy(bag):
    assert not HEAVY & set(bag["heavy"])


def test_parsing_loads_no_stage():
    """Names come from the catalog; what runs is started, not imported."""
    text = "".join(path.read_text() for path in (ROOT / "dags").glob("*.py"))
    imported = {line.split()[1] for line in text.splitlines() if line.startswith(("from pipelines", "from monitoring"))}
    assert imported == {"pipelines.base.catalog"}


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_carries_its_manual(dags, name):
    doc = dags[name]["doc"]
    missing = [part for part in (f"# {name}:", "**Owner**", "**When it fails**") if part not in doc]
    assert not missing, f"{name}: its docstring must have {missing}"


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_has_known_tags_only(dags, name):
    assert dags[name]["tags"], f"{name}: give it a tag of {sorted(TAGS)}"
    assert set(dags[name]["tags"]) <= TAGS


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_does_not_catch_up(dags, name):
    assert dags[name]["catchup"] is False


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_runs_once_at_a_time_unless_it_waits_for_people(dags, name):
    assert dags[name]["max_active_runs"] == (16 if name in ("release", "held_file") else 1)


def test_only_tasks_that_talk_to_others_are_retried(dags):
    retried = {task for task, about in tasks(dags).items() if about["retries"]}
    assert retried == TALKS_TO_OTHERS


def test_every_task_has_an_owner(dags):
    assert {about["owner"] for about in tasks(dags).values()} == {"candor"}


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_task_fails_its_run(dags, name):
    """Leaves decide: one that runs whatever happened before it hides a failure, unless another leaf sees it."""
    found = dags[name]["tasks"]
    for task in (task for task, about in found.items() if about["rule"] == "all_done"):
        seen = [about["after"] for about in found.values() if about["rule"] == "none_failed"]
        assert found[task]["after"] in seen, f"{name}: {task} hides what fails before it; add a leaf with none_failed"


def test_assets_tie_the_dags_together(dags):
    outlets = {task: about["outlets"] for task, about in tasks(dags).items() if about["outlets"]}
    assert outlets == {
        ("ingest_exports", "publish"): ["lake"],
        ("release", "publish"): ["release"],
        ("rollback", "go_back"): ["release"],
        ("score_people", "announce"): ["scores"],
        ("monitor_models", "request_retrain"): ["retrain_request"],
    }


def test_landed_exports_run_out_whether_or_not_files_arrive(dags):
    found = dags["ingest_exports"]["tasks"]
    assert (found["expire"]["after"], found["expire"]["rule"]) == (["publish"], "all_done")
    assert not [task for task, about in found.items() if "expire" in about["after"]]


def test_retention_is_handed_the_keys_of_every_zone_that_it_lets_go_of(dags):
    keys = {f"CANDOR_{name}_KEY" for name in ("PSEUDONYM", "VAULT", "AUDIT", "PERSON")}
    assert {*dags["ingest_exports"]["tasks"]["expire"]["secrets"]} == keys


def test_without_a_queue_only_the_clock_wakes_ingest(dags):
    found = dags["ingest_exports"]
    assert (found["watched"], "0 5 * * *" in found["schedule"]) == ({}, True)


def test_a_queue_wakes_ingest_beside_the_clock_and_changes_nothing_else(bag, listening):
    assert listening["errors"] == {}
    assert listening["seconds"] <= 0.3
    assert not HEAVY & set(listening["heavy"])
    found = listening["dags"]["ingest_exports"]
    trigger = {"classpath": "dags._watch.NewObjects", "kwargs": {"queue": QUEUE}}
    assert found["watched"] == {"arrivals": {"new_objects": trigger}}
    assert "0 5 * * *" in found["schedule"]
    assert found["tasks"] == bag["dags"]["ingest_exports"]["tasks"]
    assert {name: about["tasks"] for name, about in listening["dags"].items()} == {
        name: about["tasks"] for name, about in bag["dags"].items()
    }


def test_retrain_has_the_edges_of_the_reproducible_graph(dags):
    order = ("order", "clone", "pin", *STAGES, "push", "propose", "allowed", "release")
    after = {task: about["after"] for task, about in dags["retrain"]["tasks"].items()}
    assert after == {task: [before] for before, task in itertools.pairwise(order)} | {"order": []}


def test_the_form_of_retrain_takes_each_family_once_and_one_at_least(dags):
    form = dags["retrain"]["params"]["families"]
    assert (form["minItems"], form["uniqueItems"]) == (1, True)


def test_retrain_runs_the_stages_of_dvc_in_its_order():
    assert tuple(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) == STAGES


def test_only_discovery_and_landing_are_handed_the_keys_of_sources(dags):
    handed = {task for task, about in tasks(dags).items() if "CANDOR_SFTP_" in about["secrets"]}
    assert handed == {("ingest_exports", "discover"), ("ingest_exports", "land_read_map")}


def test_only_steps_that_judge_or_weigh_are_handed_protected_attributes(dags):
    handed = {task for task, about in dags["retrain"]["tasks"].items() if "CANDOR_AUDIT_KEY" in about["secrets"]}
    assert handed == {"weigh", "choose", "evaluate"}


def test_only_what_publishes_a_release_is_handed_the_key_that_signs_it(dags):
    handed = {task for task, about in tasks(dags).items() if "CANDOR_SIGNING_KEY" in about["secrets"]}
    assert handed == {("release", "publish"), ("rollback", "go_back")}


def test_a_release_asks_two_people_before_it_publishes(dags):
    release = dags["release"]["tasks"]
    assert release["publish"]["after"] == ["approve_first", "approve_second"]
    for gate in ("approve_first", "approve_second"):
        assert release[gate]["type"] == "ApprovalOperator"
        assert release[gate]["assigned"] == ["compliance_first", "compliance_second"]
        assert release[gate]["retries"] >= 2, "Airflow can lose an answer; without a retry the gate fails"


def test_a_held_file_asks_a_data_engineer_and_ingest_goes_on_with_what_was_recorded(dags):
    found = dags["held_file"]["tasks"]
    assert {task: about["after"] for task, about in found.items()} == {
        "brief": [],
        "decide": ["brief"],
        "settle": ["decide"],
        "ingest": ["settle"],
    }
    assert (found["decide"]["type"], found["decide"]["assigned"]) == ("HITLOperator", ["data_engineer"])
    assert found["decide"]["retries"] >= 2, "Airflow can lose an answer; without a retry the question fails"
    assert "CANDOR_VIEWER_PASSWORD" in found["settle"]["secrets"]
    assert "Null" in dags["held_file"]["schedule"]


def test_ingest_asks_about_every_file_that_it_held(dags):
    found = dags["ingest_exports"]["tasks"]
    assert (found["questions"]["after"], found["ask"]["after"]) == (["publish"], ["questions"])


@pytest.mark.parametrize("name", ["release", "rollback", "switch_scoring"])
def test_what_people_ask_for_has_no_schedule_of_its_own(dags, name):
    assert "Null" in dags[name]["schedule"]


def test_who_asked_by_a_form_is_read_from_the_record_of_airflow(dags):
    assert dags["switch_scoring"]["tasks"]["turn"]["secrets"] == ["CANDOR_VIEWER_PASSWORD"]
    assert "CANDOR_VIEWER_PASSWORD" in dags["rollback"]["tasks"]["go_back"]["secrets"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_judged_after_its_outcomes_are_collected(dags, family):
    found = dags["monitor_models"]["tasks"]
    assert found[f"judge_{family}"]["after"] == [f"outcomes_{family}"]
    assert f"judge_{family}" in found["request_retrain"]["after"]
