"""SAP SuccessFactors: employments by OData, as Compound Employee and as a flat file; recruiting by OData."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest
import yaml

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.vendors import successfactors, successfactors_compound, successfactors_flat, successfactors_recruiting
from infra.sample.vendors.profiles import Profile
from pipelines.base.contracts import TABLES, Column
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest import feeds
from pipelines.ingest.cells import Context
from pipelines.ingest.expressions import fill, worked_out
from pipelines.ingest.map import FILTERED
from pipelines.ingest.reshape import REASON
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

HERE = VENDORS / "successfactors"
JOB_CODES = HERE / "successfactors_job_codes.yaml"
RECRUITING = ("requisitions", "candidates", "applications")
ABROAD = 12
"""Of every twentieth of the company, those who are employed and have been for more than 200 days."""
NUMBERED = ("Requisition_ID", "Candidate_ID", "Application_ID")


@pytest.fixture
def workers(keys, tmp_path, monkeypatch) -> pl.DataFrame:
    """What Workday's own report of workers became."""
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    made = canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch)["workers"]
    assert set(made.columns) == {*TABLES["workers"].schema, "known_from", "known_from_basis"}
    assert len(made) == len(rows) > 256
    assert made.null_count().row(0, named=True)["terminated_at"] == sum(not row["Termination_Date"] for row in rows)
    for column, least in {"terminated_at": 2, "manager_person_id": 2, "worker_type_code": 2, "fte": 2}.items():
        assert made[column].n_unique() >= least, f"the company must have people who differ in {column}"
    return made


def test_workers_of_workday_and_of_successfactors_are_the_same(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    out = tmp_path / "s" / "exports"
    told = successfactors.write_employments(PLAN, company().workers, DELIVERY, out)
    made = canonical(tmp_path / "s", [HERE / "successfactors_employments.yaml"], monkeypatch)
    assert made["workers"].equals(workers)
    left_out = reasons(made)
    assert left_out["other_employment"] + left_out["global_assignment"] == told - len(workers)
    assert left_out["other_employment"] > 30
    assert left_out["global_assignment"] == ABROAD


@pytest.mark.parametrize("is_soap", [False, True])
def test_workers_of_compound_employee_are_the_same(workers, tmp_path, monkeypatch, is_soap):
    monkeypatch.setattr(successfactors_compound, "PAGE", 128)
    feed = tmp_path / "successfactors_compound.yaml"
    text = (HERE / feed.name).read_text()
    assert text.count("queryCompoundEmployeeResponse/CompoundEmployee") == 1
    path = (
        "Envelope/Body/queryResponse/result/sfobject" if is_soap else "queryCompoundEmployeeResponse/CompoundEmployee"
    )
    feed.write_text(text.replace("queryCompoundEmployeeResponse/CompoundEmployee", path))
    out = tmp_path / "s" / "exports"
    people = successfactors_compound.write_people(PLAN, company().workers, DELIVERY, out, is_soap=is_soap)
    assert people == len(workers)
    assert len(list((out / "successfactors").iterdir())) == 3
    made = canonical(tmp_path / "s", [feed], monkeypatch)
    assert made["workers"].equals(workers)
    left_out = reasons(made)
    assert left_out["not_the_job_of_the_day"] > 100
    assert left_out["global_assignment"] == ABROAD


def reasons(made: dict[str, pl.DataFrame]) -> dict[str, int]:
    """Why rows were left out, and how many."""
    return dict(made[FILTERED][REASON].value_counts().iter_rows())


def test_workers_of_a_flat_file_are_the_same(workers, tmp_path, monkeypatch):
    out = tmp_path / "s" / "exports"
    assert successfactors.write_job_codes(DELIVERY, out) > 8
    assert successfactors_flat.write_flat(PLAN, company().workers, DELIVERY, out) > len(workers) + 30
    made = canonical(tmp_path / "s", [JOB_CODES, HERE / "successfactors_flat.yaml"], monkeypatch)
    assert set(made) == {"workers", FILTERED}
    assert made["workers"].equals(workers)
    assert reasons(made)["global_assignment"] == ABROAD


NUMBERS = {"personIdExternal", "person.person_id_external", "Person ID External"}
USER_IDS = {
    "000001": "000001",
    "000001-2": "000001",
    "12": "12",
    "EMP-123": None,
    "EMP-456": None,
    "000001GA": None,
    "A000001": None,
    "000001-GA": None,
    "NO_MANAGER": None,
}
"""A user id -> the person's number. What lacks the form that the feeds assume must not make two people one."""


def test_all_feeds_say_the_same_of_whom_a_user_id_is(keys):
    declared = feeds.load(HERE)
    rules = {
        f"{name}.{column}": rule
        for name, feed in declared.items()
        for table in feed.tables
        for column, rule in table.columns.items()
        if rule.person == "workday_worker" and rule.from_ not in NUMBERS
    }
    managers = ("compound", "compound_history", "employments", "flat", "job_history", "job_history_by_number")
    assert set(rules) == {f"successfactors_{name}.manager_person_id" for name in managers} | {
        "successfactors_candidates.linked_person_id",
        "successfactors_learning.person_id",
        "successfactors_pay.person_id",
    }
    people = [
        number and pseudonym(bytes.fromhex("11" * 32), "workday_worker", pl.Series([number]))[0]
        for number in USER_IDS.values()
    ]
    for name, rule in rules.items():
        frame = pl.DataFrame({str(rule.from_): list(USER_IDS)})
        context = Context(frozenset(frame.columns), datetime(2026, 1, 1, tzinfo=UTC), bytes.fromhex("11" * 32))
        filled = fill(rule, Column(name, "id"), context)
        made = worked_out(frame.lazy(), [filled]).select(filled.value.alias(name)).collect()
        assert made[name].to_list() == people, name


def test_managers_are_looked_up_as_the_feed_says_where_a_user_id_tells_no_number(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    out = tmp_path / "s" / "exports"
    successfactors.write_employments(PLAN, company().workers, DELIVERY, out)
    for path in out.rglob("*.json"):
        page = json.loads(path.read_text())
        for employment in page["d"]["results"]:
            employment["userId"] = opaque(employment["userId"])
            for job in employment["jobInfoNav"]["results"]:
                job["managerId"] = opaque(job["managerId"])
        path.write_text(json.dumps(page))
    text = (HERE / "successfactors_employments.yaml").read_text()
    advice = yaml.safe_load(re.sub("^#", "", "".join(re.findall(r"(?m)^#   .*\n", text)), flags=re.MULTILINE))
    told = yaml.safe_load(text)
    told["tables"][0]["join"].append(advice["join"])
    told["tables"][0]["columns"]["manager_person_id"] = advice["manager_person_id"]
    feed = tmp_path / "successfactors_employments.yaml"
    feed.write_text(yaml.safe_dump(told))
    assert canonical(tmp_path / "s", [feed], monkeypatch)["workers"].equals(workers)


def opaque(user_id: str) -> str:
    return user_id if user_id == "NO_MANAGER" else f"u{user_id[::-1]}x"


def recruited(report: str) -> Iterator[dict[str, Any]]:
    """Workday's rows under the numbers that SuccessFactors gives: whole numbers, `12` instead of `R-0012`."""
    hiring, workers = company().hiring, company().workers
    rows = {
        "Requisitions": lambda: workday.requisition_rows(hiring, workers, DELIVERY),
        "Candidates": lambda: workday.candidate_rows(PLAN, hiring, DELIVERY, set()),
        "Applications": lambda: workday.application_rows(hiring, DELIVERY),
    }[report]()
    for row in rows:
        yield row | {name: row[name].partition("-")[2].lstrip("0") for name in NUMBERED if name in row}


def workday_recruiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    for report in ("Requisitions", "Candidates", "Applications"):
        write_report(folder / "exports" / "workday" / f"HRML_{report}_2026-09.json", recruited(report))
    return canonical(folder, [FEEDS / f"workday_{name}.yaml" for name in RECRUITING], monkeypatch)


def test_recruiting_of_workday_and_of_successfactors_is_the_same(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 256)
    real = workday.requisition_rows
    for module in (workday, successfactors_recruiting):
        monkeypatch.setattr(module, "requisition_rows", lambda *given: with_a_closed(real(*given)))
    hiring, out = company().hiring, tmp_path / "s" / "exports"
    expected = workday_recruiting(tmp_path / "w", monkeypatch)
    successfactors.write_job_codes(DELIVERY, out)
    counts = {
        "requisitions": successfactors_recruiting.write_requisitions(hiring, company().workers, DELIVERY, out),
        "candidates": successfactors_recruiting.write_candidates(PLAN, hiring, DELIVERY, out),
        "applications": successfactors_recruiting.write_applications(hiring, DELIVERY, out),
    }
    declared = [JOB_CODES, *(HERE / f"successfactors_{name}.yaml" for name in RECRUITING)]
    made = canonical(tmp_path / "s", declared, monkeypatch)
    assert {name: len(expected[name]) for name in RECRUITING} == counts
    left_out = reasons(made)
    # The draft and the deleted one, the nameless one, the saved one and the draft, that nobody asked for.
    unasked = {"draft": 1, "deleted": 1, "anonymous": 1, "not_sent": 2}
    assert {name: left_out[name] for name in unasked} == unasked
    assert left_out["another_language"] == counts["requisitions"]
    assert left_out["stage_not_decided"] == counts["applications"]
    for frames in (made, expected):
        frames.pop(FILTERED)
    tables = {"application_events", "applications", "candidates", "consents", "identifiers", "person_links"}
    # What candidates say of their past stands with them here, and in documents beside Workday's report.
    past = made.pop("resumes")
    assert len(past) == counts["candidates"] == past["person_id"].n_unique()
    assert past["text"].str.contains("\n\nExperience\n").all()
    assert set(made) == set(expected) == tables | {"requisitions"}
    # The source stands with the application, which has no place for it.
    assert made["candidates"]["source_code"].null_count() == counts["candidates"]
    expected["candidates"] = expected["candidates"].drop("source_code")
    made["candidates"] = made["candidates"].drop("source_code")
    # Each system has a scheme of its own for its number of a candidate.
    scheme = pl.col("scheme_code").replace("workday_candidate_id", "successfactors_candidate_id")
    expected["identifiers"] = expected["identifiers"].with_columns(scheme)
    # Workday dates only requisitions that were filled, SuccessFactors all that are closed.
    made["requisitions"], closed = without_days_of_closed(made["requisitions"])
    assert closed["closed_at"].to_list() == closed["known_from"].dt.date().to_list() != []
    for table in sorted(made):
        assert made[table].sort(pl.all()).equals(expected[table].sort(pl.all())), table
    events = made["application_events"]
    assert len(events) == sum("Outcome" in s for row in recruited("Applications") for s in row["Stage_History_group"])
    assert set(events["outcome_code"]) == {"advanced", "rejected", "withdrawn"}
    assert set(made["applications"]["status_code"]) == {"in_process", "rejected", "withdrawn", "hired"}
    assert set(made["requisitions"]["status_code"]) == {"open", "filled", "closed"}
    assert set(made["consents"]["is_given"]) == {True, False}


def with_a_closed(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Requisitions, the first of which was given up: at this size the company fills all it closes."""
    yield next(rows) | {"Status": "Closed", "Filled_Date": None}
    yield from rows


def test_what_candidates_say_of_their_past_becomes_a_text_without_who_they_are(keys, tmp_path, monkeypatch):
    row = next(iter(workday.candidate_rows(PLAN, company().hiring, DELIVERY, set())))
    row |= {"Legal_First_Name": "Zo\u00eb", "Legal_Last_Name": "O'Brien"}
    about = Profile("Data Analyst", "Lindau", "O'Brien Group", "2014", "City College", "Master of Science", ())
    said = successfactors_recruiting.candidate(row, about)
    said["outsideWorkExperience"]["results"].append({"employer": "Alder", "startTitle": "Aide to Zo\u00eb O'Brien"})
    silent = said | dict.fromkeys(("currentTitle", "outsideWorkExperience", "education")) | {"candidateId": "77"}
    folder = tmp_path / "exports" / "successfactors"
    folder.mkdir(parents=True)
    (folder / "Candidate_2026-09_0001.json").write_text(json.dumps({"d": {"results": [said, silent]}}))
    made = canonical(tmp_path, [HERE / "successfactors_candidates.yaml"], monkeypatch)
    (text,) = made["resumes"]["text"]
    assert text.split("\n") == [
        "Data Analyst",
        "",
        "Experience",
        "[NAME] Group, 2014-01-01, Data Analyst",
        "Alder, Aide to [NAME]",
        "",
        "Education",
        "Master of Science, [GRADUATION_YEAR]-30, City College",
    ]
    assert len(made["candidates"]) == 2


def test_every_status_of_the_tenant_says_what_was_decided_where():
    feed = feeds.load(HERE)["successfactors_applications"]
    columns = feed.tables[1].columns
    entered = successfactors_recruiting.ENTERED
    assert columns["stage_code"].codes == {name: stage.lower() for (stage, _), name in entered.items()}
    assert columns["outcome_code"].codes == {name: outcome.lower() for (_, outcome), name in entered.items()}
    assert len(entered) == 11


def without_days_of_closed(requisitions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    is_closed = pl.col("status_code") == "closed"
    undated = pl.when(~is_closed).then("closed_at").alias("closed_at")
    return requisitions.with_columns(undated), requisitions.filter(is_closed)


def test_a_page_is_what_successfactors_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    count = successfactors.write_employments(PLAN, company().workers, DELIVERY, tmp_path)
    pages = [json.loads(file.read_text()) for file in sorted((tmp_path / "successfactors").iterdir())]
    assert [len(page["d"]["results"]) for page in pages[:-1]] == [128] * (len(pages) - 1)
    assert sum(len(page["d"]["results"]) for page in pages) == count
    assert ["__next" in page["d"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert successfactors.day("2020-03-02") == "/Date(1583107200000)/"
    assert successfactors.moment("2021-04-19T01:35:44.000Z") == "/Date(1618796144000+0000)/"


ROW = {
    "Worker_ID": "000021",
    "Worker_Type": "Employee",
    "Hire_Date": "2024-02-01",
    "Original_Hire_Date": "2024-02-01",
    "Termination_Date": None,
    "Position_ID": "P-000021",
    "Job_Profile_ID": "SWE-3",
    "Management_Level_ID": "P3",
    "Business_Title": "R&D <Engineer>",
    "Supervisory_Org_ID": "ORG-000002",
    "Company_ID": "COMP-US",
    "Location_ID": "Riverton",
    "Country_ISO": "US",
    "Manager_Worker_ID": "000002",
    "FTE": "0.6",
    "Scheduled_Weekly_Hours": "24",
    "Base_Pay": "50000",
    "Base_Pay_Currency": "USD",
    "Legal_First_Name": "Zoë",
    "Legal_Last_Name": "O'Brien",
    "Work_Email": "w000021@company.example",
    "Last_Functionally_Updated": "2024-02-01T06:00:00.000Z",
}


def parsed(content: list[Any]) -> ET.Element:
    return ET.fromstring(successfactors_compound.text(("top", content)))  # noqa: S314 - it was printed just now


def test_compound_employee_has_jobs_of_every_day_and_old_texts_within_new_ones():
    tree = parsed(successfactors_compound.person(ROW, DELIVERY))
    home, abroad = tree.findall("person/employment_information")
    assert [home.findtext(name) for name in ("user_id", "assignment_class", "end_date")] == ["000021", "ST", None]
    assert [abroad.findtext(name) for name in ("user_id", "assignment_class")] == ["000021GA", "GA"]
    now, wrong = home.findall("job_information")
    assert [now.findtext(name) for name in ("start_date", "end_date", "seq_number")] == [
        "2024-02-01",
        "9999-12-31",
        "2",
    ]
    assert [wrong.findtext(n) for n in ("start_date", "end_date", "seq_number")] == ["2024-02-01", "2024-02-01", "1"]
    assert now.findtext("event_reason") == "DATACHG"
    assert now.findtext("event_reason/previous") == "HIRNEW"
    assert now.findtext("job_title") == "R&D <Engineer>"
    assert now.findtext("country_of_company") == "USA"
    assert "DATACHG" not in "".join(wrong.itertext())


def test_a_leaver_in_compound_employee_has_a_last_job_from_the_day_after():
    tree = parsed(successfactors_compound.employment(ROW | {"Termination_Date": "2024-02-29"}, DELIVERY))
    found = [
        [job.findtext(n) for n in ("start_date", "end_date", "emplStatus")] for job in tree.iter("job_information")
    ]
    assert found == [["2024-03-01", "9999-12-31", "T"], ["2024-02-01", "2024-02-29", "A"]]
    assert tree.findtext("end_date") == "2024-02-29"


def test_a_flat_file_has_american_dates_and_titles_of_two_lines():
    assert successfactors_flat.cells(ROW | {"Manager_Worker_ID": None}) == [
        "000021",
        "000021",
        "ST",
        "Yes",
        "No",
        "02/01/2024",
        "02/01/2024",
        "",
        'R&D <Engineer>, "Riverton"\nPosition P-000021',
        "SWE-3",
        "P3",
        "1000",
        "USA",
        "NO_MANAGER",
        "0.6",
        "02/01/2024 06:00:00",
    ]


def test_the_trail_of_an_application_says_which_status_it_entered():
    stages = [("APPLIED", "Advanced", "Rule"), ("SCREEN", "Advanced", "Human"), ("INTERVIEW", "Advanced", "Human")]
    stages += [("OFFER", "Advanced", "Human"), ("HIRED", "Advanced", "Human")]
    history = [
        {"Stage_ID": stage, "Outcome": outcome, "Decided_By": by, "Completed_Moment": f"2024-05-0{n}T10:00:00.000Z"}
        for n, (stage, outcome, by) in enumerate(stages, start=1)
    ]
    row = {
        "Application_ID": "A-0000012",
        "Candidate_ID": "C-000034",
        "Requisition_ID": "R-0056",
        "Applied_Moment": "2024-05-01T09:00:00.000Z",
        "Source": "Referral",
        "Current_Status": "Hired",
        "Hire_Date": "2024-05-05",
        "Last_Updated_Moment": "2024-05-05T10:00:00.000Z",
        "Stage_History_group": history,
    }
    made = successfactors_recruiting.application(row)
    assert [made[name] for name in ("applicationId", "candidateId", "jobReqId", "status")] == ["12", "34", "56", "2"]
    trail = made["jobApplicationStatusAuditTrail"]["results"]
    assert [(step["jobAppStatus"]["appStatusName"], step["skippedStatus"], step["createdBy"]) for step in trail] == [
        ("New Application", "0", "CANDIDATE"),
        ("Screening", "0", "SYSTEM"),
        ("Interview", "0", "recruiter1"),
        ("Offer", "0", "recruiter1"),
        ("Reference Check", "2", "SYSTEM"),
        ("Ready for Hire", "0", "recruiter1"),
        ("Hired", "0", "recruiter1"),
    ]
    assert made["jobAppStatus"]["appStatusName"] == "Hired"
    assert trail[0]["createdDateTime"] == "/Date(1714554000000+0000)/"
