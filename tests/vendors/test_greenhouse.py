"""Greenhouse: hiring by the Harvest API, version 3, and version 1 in old files."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from infra.sample.vendors import greenhouse, greenhouse_v1
from pipelines.base.pseudonyms import pseudonym
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, company
from tests.vendors.recruiting import OF_INTERVIEWS, of_vendor, of_workday

FEEDS = sorted((VENDORS / "greenhouse").glob("*.yaml"))
V1 = [feed for feed in FEEDS if feed.name.startswith("greenhouse_v1_")]
V3 = [feed for feed in FEEDS if feed not in V1 and not feed.stem.endswith(OF_INTERVIEWS)]
ROW = {
    "Application_ID": "A-0000007",
    "Candidate_ID": "C-000012",
    "Requisition_ID": "R-0003",
    "Applied_Moment": "2026-03-02T09:15:00.000Z",
    "Current_Stage_ID": "SCREEN",
    "Current_Status": "Withdrawn",
    "Disposition_ID": "CANDIDATE_WITHDREW",
    "Hire_Date": None,
    "Last_Updated_Moment": "2026-03-20T16:00:00.000Z",
    "Stage_History_group": [
        {
            "Stage_ID": "APPLIED",
            "Started_Moment": "2026-03-02T09:15:00.000Z",
            "Completed_Moment": "2026-03-02T11:00:00.000Z",
            "Outcome": "Advanced",
            "Decided_By": "Rule",
        },
        {
            "Stage_ID": "SCREEN",
            "Started_Moment": "2026-03-02T11:00:00.000Z",
            "Completed_Moment": "2026-03-20T16:00:00.000Z",
            "Outcome": "Withdrawn",
            "Decided_By": "Human",
        },
    ],
}


def write(out: Path) -> dict[str, int]:
    world = company()
    return greenhouse.write_harvest(PLAN, world.hiring, world.workers, DELIVERY, out)


def pages(out: Path, name: str) -> list[list[dict[str, Any]]]:
    return [json.loads(page.read_text()) for page in sorted((out / "greenhouse").glob(f"{name}_2026-09_*.json"))]


def test_hiring_of_workday_and_of_greenhouse_is_the_same(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(greenhouse, "PAGE", 200)
    printed = of_workday(tmp_path / "w", monkeypatch)
    write(tmp_path / "g" / "exports")
    made = of_vendor(tmp_path / "g", V3, monkeypatch)
    assert made.keys() == printed.keys()
    assert [name for name in printed if not made[name].equals(printed[name])] == []


def test_old_files_say_the_same_but_for_the_stages_that_were_passed(keys, tmp_path, monkeypatch):
    printed = of_workday(tmp_path / "w", monkeypatch)
    world = company()
    greenhouse_v1.write_archive(PLAN, world.hiring, world.workers, DELIVERY, tmp_path / "g" / "exports")
    made = of_vendor(tmp_path / "g", V1, monkeypatch)
    printed["application_events"] = printed["application_events"].filter(pl.col("outcome_code") != "advanced")
    assert {*printed["application_events"]["outcome_code"]} == {"rejected", "withdrawn"}
    assert made.keys() == printed.keys()
    assert [name for name in printed if not made[name].equals(printed[name])] == []


def test_greenhouse_prints_what_must_not_come_in(tmp_path, monkeypatch):
    monkeypatch.setattr(greenhouse, "PAGE", 100)
    counts = write(tmp_path)
    jobs = [job for page in pages(tmp_path, "jobs") for job in page]
    assert [(job["status"], job["is_template"]) for job in jobs[-2:]] == [("open", True), ("draft", False)]
    assert sum(job["private"] is True for page in pages(tmp_path, "candidates") for job in page) == 1
    applications = pages(tmp_path, "applications")
    assert [len(page) for page in applications[:-1]] == [100] * (len(applications) - 1)
    assert sum(map(len, applications)) == counts["applications"]
    assert sum(row["prospect"] is True for page in applications for row in page) == 1
    offered = [row["status"] for page in pages(tmp_path, "offers") for row in page]
    assert {*offered} >= {"Deprecated", "Accepted", "Rejected"}


def test_a_candidate_who_withdrew_is_rejected_for_a_reason_of_their_own():
    entries = list(greenhouse.stage_entries(ROW))
    assert [(entry["entered_at"], entry["exited_at"], entry["days_in_stage"]) for entry in entries] == [
        ("2026-03-02T09:15:00.000Z", "2026-03-02T11:00:00.000Z", 0),
        ("2026-03-02T11:00:00.000Z", "2026-03-20T16:00:00.000Z", 18),
    ]
    assert [entry["current"] for entry in entries] == [False, False]
    assert len({entry["job_interview_stage_id"] for entry in entries}) == 2
    ended = greenhouse.rejection(ROW)
    assert (ended["rejected_at"], ended["rejection_reason_id"]) == ("2026-03-20T16:00:00.000Z", 703)
    assert ended["rejected_by_id"] is not None
    assert ended["application_id"] == entries[0]["application_id"] == 21_000_000_007


def test_a_stage_that_nobody_has_decided_is_the_current_one():
    history = [{k: v for k, v in ROW["Stage_History_group"][0].items() if k not in ("Completed_Moment", "Outcome")}]
    [entry] = greenhouse.stage_entries({**ROW, "Stage_History_group": history, "Current_Status": "In Process"})
    assert (entry["exited_at"], entry["current"]) == (None, True)


def replace(out: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the records of the first page of a list."""
    page = out / "greenhouse" / f"{name}_2026-09_0001.json"
    records = json.loads(page.read_text())
    change(records)
    page.write_text(json.dumps(records))


def test_openings_say_how_a_job_ended_and_an_offer_alone_is_no_hire(keys, tmp_path, monkeypatch):
    """By hand: an open job with a place filled, a job whose last place was cancelled, a hire that was taken back."""
    out = tmp_path / "exports"
    write(out)

    def opening(key: int, job: int, closed: str | None, reason: int | None) -> dict[str, object]:
        job_id = greenhouse.JOB + job
        return {"id": key, "job_id": job_id, "closed_at": closed, "close_reason_id": reason, "application_id": None}

    def places(records: list[dict[str, Any]]) -> None:
        records[:] = [record for record in records if record["job_id"] - greenhouse.JOB > 3]
        records += [
            opening(1, 1, "2026-05-01T08:00:00.000Z", greenhouse.HIRE),
            opening(2, 1, None, None),
            opening(9, 2, "2026-05-01T08:00:00.000Z", greenhouse.HIRE),
            opening(8, 2, "2026-06-01T08:00:00.000Z", greenhouse.CANCELLED),
            opening(10, 3, "2026-05-01T08:00:00.000Z", greenhouse.CANCELLED),
            opening(11, 3, "2026-05-01T08:00:00.000Z", greenhouse.HIRE),
        ]

    def states(records: list[dict[str, Any]]) -> None:
        records[0]["status"] = "open"
        records[1]["status"] = records[2]["status"] = "closed"
        records[1]["closed_at"] = "2026-06-01T17:00:00.000Z"

    replace(out, "openings", places)
    replace(out, "jobs", states)
    hired = next(row for page in pages(out, "applications") for row in page if row["status"] == "hired")
    replace(out, "applications", lambda rows: [row.update(status="in_process") for row in rows if row == hired])
    made = of_vendor(tmp_path, V3, monkeypatch)
    found = made["requisitions"].sort("requisition_id").head(3)
    assert found["requisition_id"].to_list() == ["R-0001", "R-0002", "R-0003"]
    assert found["status_code"].to_list() == ["open", "closed", "filled"]
    assert found["opening_count"].to_list() == [2, 2, 2]
    assert found["closed_at"][1] == date(2026, 6, 1)
    names = pseudonym(
        bytes.fromhex("11" * 32),
        "workday_application",
        pl.Series([hired["custom_fields"]["application_number"]["value"]]),
        "a",
    )
    mine = made["application_events"].filter(pl.col("application_id") == names[0])
    assert sorted(mine["stage_code"]) == ["applied", "interview", "offer", "screen"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["applications", "candidates", "application_stages"])
def test_records_are_as_the_schema_of_version_3_says(real_data, tmp_path, name):
    schema = json.loads((real_data / "hris" / "greenhouse" / f"v3_{name}.schema.json").read_text())
    write(tmp_path)
    validator = jsonschema.Draft202012Validator({"type": "array", "items": schema, "minItems": 1})
    for page in pages(tmp_path, name):
        validator.validate(page)
        assert {*page[0]} == {*schema["properties"]}


def test_version_1_has_the_job_within_the_application_and_no_history(tmp_path):
    world = company()
    greenhouse_v1.write_archive(PLAN, world.hiring, world.workers, DELIVERY, tmp_path)
    [first, *_] = [json.loads(page.read_text()) for page in sorted((tmp_path / "greenhouse_v1").glob("applications_*"))]
    statuses = {(row["status"], row["rejected_at"] is None, row["current_stage"] is None) for row in first}
    assert statuses <= {("active", True, False), ("rejected", False, False), ("hired", True, True)}
    assert {*first[0]} >= {"applied_at", "jobs", "current_stage", "rejection_reason", "keyed_custom_fields"}
    assert not {*first[0]} & {"created_at", "job_id", "stage_id"}
    number = first[0]["keyed_custom_fields"]["application_number"]["value"]
    assert first[0]["custom_fields"] == {"application_number": number}
