"""What the summary says of a run: planted truths against what was seen, and why a model is held."""

import json
from contextlib import nullcontext

import pytest

from infra.run import evidence, summary
from infra.run.journey import Journey
from infra.run.progress import Progress
from infra.sample.plan import Plan
from infra.sample.truths import truths as planted
from infra.setup import company as companies
from infra.setup import secrets
from infra.setup.company import Refused

BAD = {
    ("lms_enrolments", "duplicate_row"): 3,
    ("performance_work_records", "duplicate_row"): 4,
    ("workday_workers", "missing:hired_at"): 2,
    ("workday_workers", "unparsable:hired_at"): 2,
    ("workday_applications", "unknown_requisition"): 1,
    ("lms_completions", "unparsable:score_share"): 2,
    ("performance_reviews", "out_of_range:rating_share"): 1,
    ("resumes", "encrypted"): 1,
    ("resumes", "unsupported"): 1,
    ("resumes", "empty"): 1,
}
"""By hand, from the docstring of `infra.sample`: two worker records stand in both deliveries."""
TRUTHS = {
    "kind": "default",
    "planted_requisition": "R-0007",
    "drifting_measure": "overtime_hours",
    "leaking_measure": "calibration_score",
    "without_consent": {"2026-09": {"workers": 5, "candidates": 27}, "2026-10": {"workers": 0, "candidates": 3}},
    "duplicates": {"2026-09": {"enrolments": 3, "work_records": 4}, "2026-10": {}},
    "malformed": {"2026-09": {"worker_without_hire_date": 1, "resume_empty": 1},
                  "2026-10": {"worker_without_hire_date": 1}},
}  # fmt: skip
SUBJECT = {"subject": "R-0007", "judgement": {"verdict": "ADVERSE"}}
REPORTS = {
    "screening": {"bias": {"subjects": [SUBJECT]}},
    "performance": {"drift": {"columns": [{"column": "overtime_hours__trend", "is_drifted": True}]}},
}
PREPARED = {"performance": {"leaks": [{"column": "calibration_score"}]}}


def snapshot(**left: int):
    return {"tables": {table: {"rows": 100, "without_consent": count} for table, count in left.items()}}


SNAPSHOTS = [snapshot(candidates=27), snapshot(workers=5, work_records=440), snapshot(workers=6)]


def found(*, truths=TRUTHS, reports=REPORTS, prepared=PREPARED, snapshots=SNAPSHOTS, away=BAD, held=()):
    return evidence.found_truths(truths, reports, prepared, snapshots, away, held=held)


def missed(**changed):
    return [name for name, truth in found(**changed).items() if not truth["found"]]


def test_everything_planted_is_found_with_how_much_of_how_much():
    seen = found()
    assert not missed()
    assert seen["bad rows of lms_enrolments"]["by"] == "duplicate_row 3 of 3"
    assert seen["bad rows of workday_workers"]["by"] == "missing:hired_at 2 of 2"
    assert seen["workers without consent"]["by"] == "5 of 5 left out of every snapshot"
    assert seen["candidates without consent"]["by"] == "27 of 27 left out of every snapshot"


@pytest.mark.parametrize("kind", ["default", "biased"])
def test_what_the_generator_plants_is_what_the_reason_codes_are_looked_up_for(kind):
    known = planted(Plan(200, kind))
    assert {name for name, truth in found(truths=known, snapshots=[]).items() if name.startswith("bad rows")} == {
        f"bad rows of {feed}" for feed, _ in BAD
    }
    assert not [name for name in missed(truths=known) if name.startswith("bad rows")]


@pytest.mark.parametrize("key", list(BAD))
def test_one_bad_row_too_few_in_its_feed_is_missed_however_many_others_there_are(key):
    feed, _ = key
    away = BAD | {key: BAD[key] - 1, (feed, "another reason"): 1000, ("another feed", "duplicate_row"): 1000}
    assert missed(truths=TRUTHS | planted_rows(), away=away) == [f"bad rows of {feed}"]


def planted_rows():
    return {name: planted(Plan(200))[name] for name in ("duplicates", "malformed")}


def test_a_fault_that_nobody_looks_for_is_missed_not_forgotten():
    truths = TRUTHS | {"malformed": {"2026-09": {"a new fault": 1}}}
    assert missed(truths=truths) == ["bad rows of no feed we know"]


def test_bad_rows_of_other_people_beside_the_planted_ones_do_no_harm():
    away = {key: rows + 5 for key, rows in BAD.items()}
    assert not missed(away=away)
    assert found(away=away)["bad rows of lms_enrolments"]["by"] == "duplicate_row 8 of 3"


@pytest.mark.parametrize(
    ("snapshots", "name"),
    [
        ([*SNAPSHOTS, snapshot(workers=4)], "workers without consent"),
        ([snapshot(candidates=26), snapshot(workers=5)], "candidates without consent"),
        ([snapshot(candidates=27, work_records=440)], "workers without consent"),
    ],
)
def test_a_snapshot_that_holds_one_person_without_consent_is_told(snapshots, name):
    assert missed(snapshots=snapshots) == [name]


def test_drift_leak_and_bias_that_nobody_saw_are_missed():
    still = {"performance": {"drift": {"columns": [{"column": "overtime_hours", "is_drifted": False}]}}}
    assert missed(reports=still, prepared={}) == [
        "biased decisions in R-0007",
        "overtime_hours drifts",
        "calibration_score leaks the label",
    ]


def test_adverse_elsewhere_is_not_the_planted_requisition():
    other = {"screening": {"bias": {"subjects": [SUBJECT | {"subject": "R-0001"}]}}}
    assert "biased decisions in R-0007" in missed(reports=REPORTS | other)


@pytest.mark.parametrize(("held", "is_found"), [(["adverse"], True), (["worse_than_baseline"], False), ([], False)])
def test_in_a_biased_company_the_gate_must_hold_the_screening_model_for_bias(held, is_found):
    seen = found(truths=TRUTHS | {"kind": "biased"}, held=held)
    assert seen["a screening model that repeats bias"]["found"] is is_found
    assert not [name for name in seen if "R-0007" in name]


def test_rows_turned_away_are_counted_by_feed_and_reason_over_all_batches(store):
    for number, rows in enumerate((3, 2)):
        counts = {"lms": {"in": 9, "accepted": 9 - rows, "filtered": rows, "reasons": {"duplicate_row": rows}}}
        store.put(f"lake/manifests/{number}.json", json.dumps({"counts": counts}).encode())
    assert evidence.turned_away(store) == {("lms", "duplicate_row"): 5}
    assert evidence.ingested(store) == {"lms": {"in": 18, "accepted": 13, "quarantined": 0, "filtered": 5}}


WHY = "sex: women 14% (40 of 280), men 58% (160 of 276): impact ratio 0.25 [0.18 to 0.33]. ADVERSE."


def family(**changed):
    number = {"value": 0.8, "low": 0.7, "high": 0.9}
    return {
        "verdict": "allowed", "held_because": [], "gaps": [], "metric": "auc", "model": number, "baseline": number,
        "chance": 0.5, "approvers": ["anna", "ben"], "live": "release", "exports": [],
    } | changed  # fmt: skip


def told(**changed):
    held = family(verdict="held", held_because=[WHY], approvers=[], live="nothing")
    return summary.text(
        {
            "company": {"kind": "biased", "workers": 200, "folder": "/company"},
            "ingest": {},
            "families": {"screening": held, "outcomes": family(gaps=["sex:unknown"])},
            "monitoring": {},
            "truths": found(truths=TRUTHS | {"kind": "biased"}, held=["adverse"]),
            "ledger": "The ledger is whole: 53 entries.",
            "not_scored": ["In US-IL, screening scores nobody."],
            "retrain": {"run": "r", "requested": {"asked": "performance: psi"}},
            "airflow": "http://127.0.0.1:8080",
            "seconds": {"in all": 12.3},
            "first_seconds": {"in all": 400.4},
        }
        | changed
    )


def row(text, first):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_held_model_is_told_with_the_reason_and_the_others_as_released():
    text = told()
    assert f"- screening is held: {WHY}" in text
    assert row(text, "screening") == [
        "screening", "auc", "0.800 [0.700, 0.900]", "0.800 [0.700, 0.900]", "0.500", "held", "nothing", "",
    ]  # fmt: skip
    assert row(text, "outcomes")[5:] == ["allowed", "release", "anna and ben"]
    assert row(text, "a screening model that repeats bias")[1:] == ["yes", "held by the gate as ADVERSE"]
    assert "outcomes: both accepted in writing what could not be judged: sex:unknown" in text
    assert "\nIn US-IL, screening scores nobody.\n" in text


def test_a_truth_that_was_missed_is_told_with_what_is_missing():
    away = BAD | {("resumes", "empty"): 0}
    text = told(truths=found(away=away))
    assert row(text, "bad rows of resumes")[1:] == ["no", "empty 0 of 1"]


def test_why_monitoring_wants_a_retrain_is_told():
    assert "Monitoring asked for a retrain (performance: psi): run asked goes on with `make up`." in told()


def journey(folder):
    company = companies.described("", 200, "", str(folder))
    companies.claim(company)
    secrets.create_accounts(company)
    return Journey(company, Progress(), "a commit")


def test_a_journey_remembers_what_it_took_and_later_ones_change_nothing(tmp_path):
    first = journey(tmp_path / "var")
    first._note("ingest history", value=True)
    first.over({"in all": 400.4})
    second = journey(tmp_path / "var")
    second.over({"in all": 12.3})
    assert journey(tmp_path / "var").done["seconds"] == {"in all": 400.4}


def test_a_journey_that_was_cut_short_does_not_claim_to_know_what_it_took(tmp_path):
    journey(tmp_path / "var")._note("ingest history", value=True)
    journey(tmp_path / "var").over({"in all": 12.3})
    assert "seconds" not in journey(tmp_path / "var").done


@pytest.mark.parametrize("fault", [None, Refused("the disk must have room")])
def test_nothing_is_taken_in_while_a_delivery_is_written(tmp_path, monkeypatch, fault):
    heard, at_work = [], iter([False, True])
    one = journey(tmp_path / "var")
    monkeypatch.setattr("infra.run.journey.wait", lambda: heard.append("waits for the run at work"))
    monkeypatch.setattr(one.admin, "is_quiet", lambda _: next(at_work))
    monkeypatch.setattr(one.admin, "call", lambda method, path, body: heard.append((method, path, body)))

    def written(*_):
        heard.append("files")
        if fault:
            raise fault
        return []

    monkeypatch.setattr(one, "_module", written)
    with pytest.raises(Refused) if fault else nullcontext():
        one.deliver("history")
    asleep, awake = (("PATCH", "/api/v2/dags/ingest_exports", {"is_paused": to}) for to in (True, False))
    assert heard == [asleep, awake, "waits for the run at work", asleep, "files", awake], "a look could be too early"


@pytest.mark.parametrize(
    ("first", "line"),
    [
        ({"in all": 400.4}, "In all 12 s. The first journey took 400 s."),
        ({"in all": 12.3}, "In all 12 s."),
        ({}, "In all 12 s."),
    ],
)
def test_a_second_run_does_not_forget_what_the_first_journey_took(first, line):
    assert told(first_seconds=first).splitlines()[-1] == line


def test_what_pooling_hides_is_the_first_line_of_all():
    line = "R-7, human decisions at screen, sex: female 25%, male 60%; impact ratio 0.42. ADVERSE."
    seen = {"hidden": [line], "alerts": [line], "report": "", "retrain": False}
    assert told(monitoring={"screening": seen}).strip().splitlines()[0] == f"- screening: {line}"


def test_a_proposed_model_that_hides_a_subject_is_told_first():
    row = {"group": "women", "n": 100, "selected": 10, "verdict": "ADVERSE", "reasons": []}
    row |= {"impact_ratio": 1 / 3, "low": 0.18, "high": 0.61}
    subject = {"axis": "sex", "subject": "R-7", "verdict": "ADVERSE", "groups": [row], "is_hidden_in_pool": True}
    others = [
        subject | {"is_hidden_in_pool": False},
        subject | {"verdict": "INVESTIGATE", "groups": [row | {"verdict": "INVESTIGATE"}]},
    ]
    (line,) = evidence.hidden_in_pool({"groups": {"by_subject": [*others, subject]}})
    assert line == "R-7, sex: women 10% (10 of 100), impact ratio 0.33 [0.18 to 0.61] (pooling hides it). ADVERSE."
    first = told(families={"screening": family(hidden=[line])}).strip().splitlines()[0]
    assert first == f"- screening, the model proposed: {line}"
    assert evidence.hidden_in_pool({}) == []


def test_all_files_of_the_newest_day_are_named_and_none_of_a_day_before():
    day, before = (f"/var/scores/exports/outcomes/2026-{month}-30" for month in ("10", "09"))
    files = [f"{stem}{end}" for stem in (before, day) for end in (".csv", ".grades.csv", ".grades.json", ".json")]
    assert summary._newest(files) == files[4:]
    assert summary._newest([]) == []
