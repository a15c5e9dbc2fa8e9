"""Applicants, hires, promotions and terminations of a year, by job and group: by hand."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from monitoring import ugesp
from pipelines.base.contracts import TABLES
from pipelines.base.lake import Lake
from pipelines.evaluate.cells import opened

SEX = {1: "female", 2: "male", 3: "male", 4: "male", 5: "female", 6: "declined"}
BLACK = {1, 3}


def person(number):
    return f"p_{number:032d}"


def moment(year, month=3):
    return datetime(year, month, 1, tzinfo=UTC)


def rows(name, *told):
    schema = TABLES[name].schema
    frame = pl.DataFrame([dict.fromkeys(schema) | row for row in told], schema=schema)
    known = pl.lit(moment(2026))
    return frame.with_columns(
        file_id=pl.lit("f"), source_row=pl.int_range(pl.len()), known_from=known, known_from_basis=pl.lit("source")
    )


def application(number, job, year, status="rejected", again=""):
    about = {"application_id": f"a{number}{job}{again}", "person_id": person(number), "requisition_id": f"r-{job}"}
    return about | {"applied_at": moment(year), "status_code": status}


def hired(number, job, year, outcome="advanced"):
    about = {"application_id": f"a{number}{job}", "person_id": person(number), "requisition_id": f"r-{job}"}
    return about | {"stage_code": "hired", "outcome_code": outcome, "occurred_at": moment(year), "decided_by": "human"}


def event(number, code, year, *, job="ops", primary=True):
    about = {"person_id": person(number), "assignment_key": f"{code}{primary}", "valid_from": date(year, 5, 1)}
    about |= {"seq_in_day": 1, "employment_status_code": "active", "time_type_code": "full_time"}
    return about | {"event_type_code": code, "is_primary_assignment": primary, "job_family_code": job}


@pytest.fixture
def company(store, keys):
    """Nobody consented: the records are no scores. Person 5 is the candidate that worker 7 was; job `x` is unknown."""
    applications = [
        application(1, "ops", 2025, "hired"),  # by its event in 2026
        application(2, "ops", 2025, "hired"),  # no event: in the year of the application
        application(3, "ops", 2026),
        application(3, "ops", 2026, again="twice"),
        application(4, "dev", 2026, "hired"),
        application(5, "dev", 2026),
        application(6, "x", 2026),
    ]
    said = {"attribute_code": "sex"}
    protected = [said | {"person_id": person(n), "value_code": value} for n, value in SEX.items()]
    protected += [
        {"person_id": person(n), "attribute_code": "ethnicity", "value_code": "black" if n in BLACK else "white"}
        for n in SEX
    ]
    jobs = [
        {"requisition_id": f"r-{job}", "job_family_code": job, "title": "t", "description": "d", "status_code": "open"}
        | {"opened_at": date(2025, 1, 1)}
        for job in ("ops", "dev")
    ]
    tables = {
        "applications": rows("applications", *applications),
        "application_events": rows(
            "application_events", hired(1, "ops", 2026), hired(4, "dev", 2026), hired(5, "dev", 2026, "rejected")
        ),
        "requisitions": rows("requisitions", *jobs),
        "worker_history": rows(
            "worker_history",
            event(3, "promotion", 2026),
            event(7, "termination", 2026, job=None),
            event(4, "promotion", 2025),
            event(4, "transfer", 2026),
            event(1, "termination", 2026, primary=False),
        ),
        "person_links": rows("person_links", {"person_id": person(5), "linked_person_id": person(7)}),
    }
    Lake(store).publish("one", tables, {"protected": rows("protected", *protected)}, {})
    return store


def cells(text, axis):
    frame = pl.read_csv(text.encode()).filter(pl.col("axis") == axis)
    return {tuple(row[:3]): row[3] for row in frame.select("event", "job", "group", "people").iter_rows()}


def test_people_of_the_year_are_counted_by_job_and_group(company, capsys, tmp_path):
    file = tmp_path / "ugesp.csv"
    assert ugesp.main(["2026", "--to", str(file)]) == 0, capsys.readouterr().err
    line = json.loads(capsys.readouterr().out)
    assert (line["year"], line["jobs"], line["without"]) == (2026, 3, [])
    text = opened(company.read(line["key"]))
    assert text == file.read_text()
    assert person(1)[:4] not in text
    assert cells(text, "sex") == {
        ("applicants", "ops", "male"): 1,  # twice the same person
        ("applicants", "dev", "male"): 1,
        ("applicants", "dev", "female"): 1,
        ("applicants", "unknown", "unknown"): 1,
        ("hires", "ops", "female"): 1,
        ("hires", "dev", "male"): 1,
        ("promotions", "ops", "male"): 1,
        ("terminations", "unknown", "female"): 1,  # as the candidate declared
    }
    assert cells(text, "sex x ethnicity")["hires", "ops", "female|black"] == 1
    assert cells(text, "sex x ethnicity")["applicants", "unknown", "unknown"] == 1
    assert ugesp.main(["2025"]) == 0
    text = opened(company.read(json.loads(capsys.readouterr().out)["key"]))
    assert cells(text, "sex") == {
        ("applicants", "ops", "female"): 1,
        ("applicants", "ops", "male"): 1,
        ("hires", "ops", "male"): 1,
        ("promotions", "ops", "male"): 1,
    }


def test_a_year_of_nothing_and_a_folder_that_is_not_there_are_refused(company, capsys, tmp_path):
    assert ugesp.main(["2020"]) == 1
    assert "2020 has none" in capsys.readouterr().err
    assert ugesp.main(["2026", "--to", str(tmp_path / "no" / "file.csv")]) == 1
    assert "--to names none" in capsys.readouterr().err
    assert company.list("reports") == []


def test_without_the_audit_identity_or_anybodys_answer_there_is_no_record(company, capsys, monkeypatch, store):
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    assert ugesp.main(["2026"]) == 1
    assert "CANDOR_AUDIT_KEY" in capsys.readouterr().err


def test_where_nobody_declared_sex_or_ethnicity_nothing_is_called_a_record(store, keys, capsys):
    Lake(store).publish("one", {"applications": rows("applications", application(1, "ops", 2026))}, {}, {})
    assert ugesp.main(["2026"]) == 1
    assert "nobody's is known" in capsys.readouterr().err
