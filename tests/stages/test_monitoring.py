"""The monitoring commands on a tiny company, from the store to the store."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from monitoring.__main__ import COMMANDS, main
from pipelines import audit
from pipelines.base import releases
from pipelines.base.lake import Lake
from pipelines.evaluate.cells import opened
from tests.stages import monitored_company as company

pytestmark = pytest.mark.filterwarnings("ignore")  # of Evidently's own imports


@pytest.fixture
def monitored(store, keys, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text(company.PARAMS)
    monkeypatch.chdir(tmp_path)
    company.fill(store)
    return store


def run(capsys, *words):
    code = main([*words])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def report(store, name, day="2026-10-31"):
    return store.read(f"reports/screening/{day}/{name}")


def test_the_whole_day_is_monitored_and_the_planted_truths_are_found(monitored, capsys):
    drift = run(capsys, "drift", "screening")
    assert drift["drifted"] == ["overtime_hours"]
    performance = run(capsys, "performance", "screening")
    assert performance["status"] == "ok"
    assert performance["labels"] == "720 of 720"
    told = run(capsys, "estimated", "screening")
    assert (told["status"], told["value"], told["holds"]) == ("ok", None, False), (
        "no case is open; chances were made up"
    )
    assert any(name.startswith("sex=") for name in told["outside"])
    bias = run(capsys, "bias", "screening")
    assert ["human", "R-0007", "sex"] in bias["adverse"]
    assert bias["headline"].startswith("R-0007, human decisions at screen, sex: female 25% (30 of 120), male 60%")
    assert "pooling hides it" in bias["headline"]
    seen = {item["axis"]: item["groups"] for item in json.loads(report(monitored, "bias.json"))["lists"]}
    assert sum(row["listed"] for row in seen["sex"]) == 720
    assert max(row["ratio"] for row in seen["sex"] if row["ratio"] is not None) == 1

    line = run(capsys, "report", "screening")
    assert (line["family"], line["as_of"], line["retrain"], line["reasons"]) == (
        "screening",
        "2026-10-31",
        True,
        ["psi"],
    )
    found = json.loads(report(monitored, "findings.json"))
    assert found["release"] == "screening release 1"
    first = found["findings"][0]
    assert (first["rule"], first["subject"], first["is_alert"]) == ("bias_human_subject", "R-0007", True)
    page = report(monitored, "index.html").decode()
    assert page.index("R-0007, human decisions at screen, sex: female 25%") < page.index("Findings")
    assert not re.search(r"R-0\d", report(monitored, "bias.csv").decode()), "no cell of a subject in clear"
    cells = opened(report(monitored, "bias.sealed"))
    assert "human,screen,sex,R-0007,female,120,30,ADVERSE\n" in cells
    assert "model,selected,ethnicity,R-0001,small,4," in cells
    assert page.index("R-0007") < page.index("overtime_hours has drifted")

    everything = [monitored.read(key) for key in monitored.list("reports/screening")]
    assert len(everything) == 10
    assert not any(re.search(rb"p_[0-9a-f]{32}", data) for data in everything), "no pseudonym may leave"


def test_what_people_decided_after_the_screen_is_judged_too(monitored, capsys):
    people = company.applicants().with_columns(
        known_from=datetime(2026, 9, 20, tzinfo=UTC),
        known_from_basis=pl.lit("file"),
        file_id=pl.lit("f"),
        source_row=pl.int_range(pl.len()),
    )
    told = pl.col("known_from", "known_from_basis", "file_id", "source_row")
    interviews = people.select(
        pl.format("a{}", "i").alias("application_id"),
        "person_id",
        pl.col("subject_id").alias("requisition_id"),
        stage_code=pl.lit("interview"),
        outcome_code=pl.when(pl.col("sex") == "male").then(pl.lit("advanced")).otherwise(pl.lit("rejected")),
        decided_by=pl.lit("human"),
        occurred_at=pl.lit(datetime(2026, 9, 20, tzinfo=UTC)),
    ).hstack(people.select(told))
    consents = people.select("person_id", pl.lit(value=True).alias("is_given"), told)
    Lake(monitored).publish("batch-2", {"application_events": interviews, "consents": consents}, {}, {})
    assert ["human", None, "sex"] in run(capsys, "bias", "screening")["adverse"]
    pools = [pool for pool in json.loads(report(monitored, "bias.json"))["pools"] if pool["source"] == "human"]
    assert {pool["judgement"]["told_from"] for pool in pools} == {10}, "of fewer nothing that was counted is told"
    stages = {pool["stage"]: pool["judgement"]["verdict"] for pool in pools if pool["judgement"]["axis"] == "sex"}
    assert stages["interview"] == "ADVERSE"
    assert {"all stages", "screen"} < set(stages)


def test_people_are_judged_by_the_age_of_the_day_of_a_decision_and_of_a_scoring(monitored, capsys):
    """People decided on 9 October, scores are as of the 31st. In between 300 of 720 turn 40; 420 did on the 9th."""
    born = company.applicants().select(
        "person_id",
        attribute_code=pl.lit("birth_date"),
        value_code=pl.when(pl.col("i") < 420).then(pl.lit("1986-10-09")).otherwise(pl.lit("1986-10-10")),
        known_from=pl.lit(datetime(2026, 9, 1, tzinfo=UTC)),
        known_from_basis=pl.lit("file"),
        file_id=pl.lit("f"),
        source_row=pl.int_range(pl.len()),
    )
    Lake(monitored).publish("batch-2", {}, {"protected": born}, {})
    run(capsys, "bias", "screening")
    pools = [pool for pool in json.loads(report(monitored, "bias.json"))["pools"] if pool["subject"] is None]
    ages = {pool["source"]: pool["judgement"] for pool in pools if pool["judgement"]["axis"] == "age_40"}
    assert {source: {row["group"]: row["n"] for row in age["groups"]} for source, age in ages.items()} == {
        "human": {"40 or over": 420, "under 40": 300},
        "model": {"40 or over": 720},
    }
    run(capsys, "oversight", "screening")
    told = json.loads(report(monitored, "oversight.json"))["groups"]
    assert {row["group"]: row["people"] for row in told if row["axis"] == "age_40"} == {
        "40 or over": 420,
        "under 40": 300,
    }


def test_one_command_judges_and_reports_the_day(monitored, capsys):
    line = run(capsys, "judge", "screening")
    assert (line["retrain"], line["reasons"]) == (True, ["psi"])
    told = json.loads(report(monitored, "oversight.json"))
    assert (told["status"], told["decided"], told["people"], told["without_score"]) == ("ok", 720, 720, 0)
    names = {key.rpartition("/")[2] for key in monitored.list("reports/screening/2026-10-31")}
    assert names >= {"drift.json", "performance.json", "estimated.json", "bias.json", "findings.json", "index.html"}


def test_a_check_that_fails_keeps_the_others_and_asks_for_nothing(monitored, capsys, monkeypatch):
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    assert main(["judge", "screening"]) == 1
    assert "SettingsError: CANDOR_AUDIT_KEY" in capsys.readouterr().err
    names = {key.rpartition("/")[2] for key in monitored.list("reports/screening/2026-10-31")}
    assert {"drift.json", "performance.json"} <= names
    assert not {"bias.json", "findings.json"} & names
    assert audit.Tag.RETRAIN_REQUESTED not in {entry.tag for entry in audit.entries(monitored)}


def test_a_release_by_hand_is_judged_by_no_check_and_asks_for_nothing(monitored, capsys):
    forged = replace(releases.live(monitored, "screening"), sequence=2)
    monitored.put(forged.key, forged.to_json())
    for check in COMMANDS:
        assert main([check, "screening"]) == 1
        assert f"ContractError: {forged.key} must be what an entry of the ledger calls for" in capsys.readouterr().err
    assert not monitored.list("reports/screening")
    assert audit.Tag.RETRAIN_REQUESTED not in {entry.tag for entry in audit.entries(monitored)}


def test_a_retrain_is_asked_for_once_within_the_cooldown(monitored, capsys):
    run(capsys, "drift", "screening")
    assert run(capsys, "report", "screening")["retrain"]
    again = run(capsys, "report", "screening")
    assert (again["retrain"], again["held_back"]) == (False, ["psi"])
    asked = [e for e in audit.entries(monitored) if e.tag == audit.Tag.RETRAIN_REQUESTED]
    assert [(e.subject, e.facts) for e in asked] == [("screening", {"finding": "psi", "as_of": "2026-10-31"})]
    assert audit.verify(monitored) == []


def test_checks_that_did_not_run_are_findings(monitored, capsys):
    run(capsys, "report", "screening")
    found = json.loads(report(monitored, "findings.json"))["findings"]
    assert {f["subject"] for f in found if f["rule"] == "not_measured"} == {"drift", "performance", "bias", "oversight"}


def test_an_earlier_day_can_be_judged_again(monitored, capsys):
    drift = run(capsys, "drift", "screening", "--as-of", "2026-10-15")
    assert (drift["as_of"], drift["drifted"]) == ("2026-09-30", [])
    drawn = json.loads(report(monitored, "drift.json", "2026-09-30"))
    assert "200 rows drawn from the reference profile" in drawn["sample"]


def test_the_evidently_report_says_what_it_samples(monitored, capsys):
    run(capsys, "drift", "screening")
    said = json.loads(report(monitored, "drift.json"))["sample"]
    assert "Current: 200 of 720 inputs of 2026-10-31" in said
    assert "200 of 720 inputs of the scoring before, 2026-09-30" in said


def test_before_the_first_outcome_performance_says_so(monitored, capsys):
    line = run(capsys, "performance", "screening", "--as-of", "2026-09-30")
    assert (line["status"], line["value"]) == ("no_earlier_scores", None)


def test_a_family_that_was_never_scored_is_no_error(monitored, capsys):
    for check in ("drift", "performance", "bias", "oversight"):
        assert run(capsys, check, "outcomes")["status"] == "no_scores"
    assert run(capsys, "report", "outcomes")["retrain"] is False


def test_without_the_audit_key_bias_names_the_variable(monitored, monkeypatch, capsys):
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    assert main(["bias", "screening"]) == 1
    assert "SettingsError: CANDOR_AUDIT_KEY must hold the audit identity" in capsys.readouterr().err
