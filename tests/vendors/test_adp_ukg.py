"""ADP and UKG: workers of a service, page by page, and of a report in UTF-16."""

import json
from datetime import date

import polars as pl
import pytest

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.vendors import adp, ukg
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company
from tests.vendors.test_oracle import all_kinds_are_there, observed_alike

ROW = {
    "Worker_ID": "000012",
    "Worker_Type": "Employee",
    "Hire_Date": "2024-02-01",
    "Original_Hire_Date": "2024-02-01",
    "Termination_Date": "2026-02-28",
    "Job_Family_ID": "ENG",
    "Job_Profile_ID": "ENG-2",
    "Business_Title": "Clerk",
    "Company_ID": "COMP-NA",
    "Supervisory_Org_ID": "ORG-1",
    "Management_Level_ID": "P2",
    "Country_ISO": "NA",
    "Location_ID": "Windhoek",
    "Manager_Worker_ID": "000001",
    "FTE": "0.6",
    "Analytics_Consent": "1",
    "Hired_From_Candidate_ID": "C-1",
    "Legal_First_Name": "NA",
    "Legal_Last_Name": "Null",
    "Work_Email": "w@company.example",
    "Last_Functionally_Updated": "2026-05-04T06:00:00.000Z",
}


@pytest.fixture
def of_workday(keys, tmp_path, monkeypatch):
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    return canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch), len(rows)


def test_workers_of_workday_and_of_adp_are_the_same(of_workday, tmp_path, monkeypatch):
    printed, count = of_workday
    assert adp.write_workers(PLAN, company().workers, DELIVERY, tmp_path / "a" / "exports") == count > adp.PAGE
    made = canonical(tmp_path / "a", [VENDORS / "adp" / "adp_workers.yaml"], monkeypatch)
    all_kinds_are_there(printed["workers"], count)
    for table in ("workers", "consents", "person_links"):
        observed_alike(made[table], printed[table])
    # Its mail is one of a list of addresses.
    without_mail = printed["identifiers"].filter(pl.col("scheme_code") != "work_email")
    observed_alike(made["identifiers"], without_mail)


def test_workers_of_a_report_of_adp_are_the_same_and_its_title_and_total_are_nobody(of_workday, tmp_path, monkeypatch):
    printed, count = of_workday
    out = tmp_path / "a" / "exports"
    assert adp.write_report(PLAN, company().workers, DELIVERY, out) == count
    lines = (out / "adp" / "Roster_2026-09.csv").read_bytes().split(b"\r\n")
    assert lines[:3] == [b"Employee Roster,All Companies", b"Period 2026-09", b""]
    assert lines[-2:] == [b"Total Employees: %d" % count, b""]
    made = canonical(tmp_path / "a", [VENDORS / "adp" / "adp_report.yaml"], monkeypatch)
    assert made[FILTERED].is_empty()
    observed_alike(made["workers"], printed["workers"])


def test_a_position_of_adp_is_what_its_report_would_have():
    assert list(adp.position(ROW).values()) == [
        *("KNA", "000012", "KNA000012", adp.oid("000012"), "Null, NA", "Terminated", "F"),
        *("02/01/2024", "02/01/2024", "02/28/2026", "Clerk", "ENG", "P2", "NA", "KUS000001", "0.6"),
    ]


def test_workers_of_workday_and_of_ukg_are_the_same(of_workday, tmp_path, monkeypatch):
    printed, count = of_workday
    out = tmp_path / "u" / "exports"
    told = ukg.write_workers(PLAN, company().workers, DELIVERY, out)
    made = canonical(
        tmp_path / "u", [VENDORS / "ukg" / f"ukg_{name}.yaml" for name in ("employments", "persons")], monkeypatch
    )
    assert made["workers"].equals(printed["workers"])
    assert made["identifiers"].equals(printed["identifiers"])
    left_out = dict(made[FILTERED]["reason_code"].value_counts().iter_rows())
    also = sum(bool(workday.beside(row)) for row in workday.worker_rows(PLAN, company().workers, DELIVERY))
    assert left_out == {"transferred_to_other_company": (count + 5) // 6, "not_the_home_company": also}
    assert told == count + (count + 5) // 6 + also > ukg.PAGE
    assert also > 10


def test_workers_of_a_report_of_ukg_are_the_same(of_workday, tmp_path, monkeypatch):
    printed, count = of_workday
    out = tmp_path / "u" / "exports"
    assert ukg.write_report(PLAN, company().workers, DELIVERY, out) > count
    assert (out / "ukg" / "Workforce 2026-09.csv").read_bytes()[:6] in (b"\xff\xfeE\0m\0", b"\xfe\xff\0E\0m")
    made = canonical(tmp_path / "u", [VENDORS / "ukg" / "ukg_report.yaml"], monkeypatch)
    observed_alike(made["workers"], printed["workers"])


def test_a_worker_of_adp_has_lists_of_which_no_place_is_sure(keys, tmp_path, monkeypatch):
    told = adp.worker(ROW)
    before, primary = told["workAssignments"]
    assert (before["primaryIndicator"], primary["primaryIndicator"]) == (False, True)
    assert [unit["typeCode"]["codeValue"] for unit in primary["homeOrganizationalUnits"]] == [
        "Department",
        "Business Unit",
    ]
    even, odd = (
        [boss["workerID"]["idValue"] for boss in adp.assignments(ROW | {"Worker_ID": n})[-1]["reportsTo"]]
        for n in ("000012", "000013")
    )
    assert (even, odd) == (["000001"], ["000001", "999999"])
    folder = tmp_path / "exports" / "adp"
    folder.mkdir(parents=True)
    (folder / "workers_2026-09_0001.json").write_text(json.dumps({"workers": [told]}), encoding="utf-8")
    made = canonical(tmp_path, [VENDORS / "adp" / "adp_workers.yaml"], monkeypatch)
    key = bytes.fromhex("11" * 32)
    who, boss = pseudonym(key, "workday_worker", pl.Series(["000012", "000001"]), "p")
    columns = ["person_id", "worker_type_code", "hired_at", "terminated_at", "job_family_code", "country_code"]
    assert made["workers"].select(*columns, "manager_person_id", "fte").rows() == [
        (who, "employee", date(2024, 2, 1), date(2026, 2, 28), "ENG", "NA", boss, 0.6)
    ]
    assert made["consents"].select("person_id", "is_given").rows() == [(who, True)]


def test_an_employment_of_ukg_has_codes_of_letters_and_the_first_day_of_sql_server():
    before, now = ukg.employments(ROW | {"Termination_Date": None})
    assert (before["employeeStatusCode"], before["termReason"], before["dateOfTermination"]) == (
        "T",
        "TRO",
        "2024-02-01T00:00:00",
    )
    assert (now["employeeStatusCode"], now["termReason"], now["dateOfTermination"]) == (
        "A",
        None,
        "1900-01-01T00:00:00",
    )
    assert before["employeeId"] == now["employeeId"] != now["employeeNumber"] == "000012"
