"""BambooHR: employees with the tables that have their history, and the directory."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.vendors import bamboohr
from pipelines.base.pseudonyms import pseudonym
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

BAMBOO = [
    VENDORS / "bamboohr" / f"bamboohr_{name}.yaml"
    for name in ("employees", "employment_status", "job_info", "directory")
]
ROW = {
    "Worker_ID": "000007",
    "Worker_Type": "Employee",
    "Hire_Date": "2024-02-01",
    "Original_Hire_Date": "2024-02-01",
    "Termination_Date": "2026-02-28",
    "Termination_Category": "Voluntary",
    "Time_Type": "Part_time",
}


def write(out: Path) -> dict[str, int]:
    return bamboohr.write_workers(PLAN, company().workers, DELIVERY, out)


def document(out: Path, name: str) -> Any:
    return json.loads((out / "bamboohr" / f"{name}_2026-09.json").read_text())


def test_workers_of_workday_and_of_bamboohr_are_the_same(keys, tmp_path, monkeypatch):
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    printed = canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch)
    counts = write(tmp_path / "b" / "exports")
    made = canonical(tmp_path / "b", BAMBOO, monkeypatch)
    also = [one for row in rows for one in workday.beside(row)]
    assert counts["employees"] == len(rows) + len(also) > len(made["workers"]) + 10
    assert len(made["workers"]) == len(rows)
    assert {*made["workers"]["worker_type_code"]} == {"employee", "contingent"}
    # Hours are divided by a full week, which leaves 24 of 40 in the last digit of a float.
    made["workers"] = made["workers"].with_columns(pl.col("fte").round(9)).sort(pl.all())
    assert {*made["workers"]["fte"]} == {0.6, 1.0}
    assert made["workers"].null_count().row(0, named=True)["manager_person_id"] == 1
    assert made["workers"].equals(printed["workers"])
    # The directory has nobody who left, and says nothing of consent or of who was a candidate.
    active = printed["workers"].filter(pl.col("terminated_at").is_null())
    assert 0 < len(active) == counts["directory"] - len(also) < len(rows)
    assert made["identifiers"].equals(printed["identifiers"].join(active, on="person_id", how="semi").sort(pl.all()))
    assert {*printed} - {*made} == {"consents", "person_links"}


def test_tables_have_a_row_from_each_day_of_change_in_no_order():
    ended, mended, begun = bamboohr.employment_status(ROW, count(9))
    assert (begun["date"], begun["employmentStatus"], begun["id"]) == ("2024-02-01", "Contractor", "9")
    assert (mended["date"], mended["employmentStatus"], mended["id"]) == ("2024-02-01", "Part-Time", "10")
    assert (ended["date"], ended["employmentStatus"], ended["id"]) == ("2026-03-01", "Terminated", "11")
    assert {row["employeeId"] for row in (ended, mended, begun)} == {"1007"}


def test_numbers_are_text_and_there_is_more_than_one_way_to_say_nothing(tmp_path):
    counts = write(tmp_path)
    employees, jobs = document(tmp_path, "employees")["employees"], document(tmp_path, "jobInfo")
    assert len(jobs) == counts["jobInfo"] > len(employees)
    assert [who["id"] for who in employees if who["supervisorEId"] == ""] == ["1000"]
    assert {type(cell) for who in employees for cell in who.values()} == {str}
    again = [who for who in employees if who["originalHireDate"] != "0000-00-00"]
    assert 0 < len(again) < len(employees)
    assert all(who["originalHireDate"] < who["hireDate"] for who in again)
    assert {type(row["reportsTo"]) for row in jobs} == {str, type(None)}


def employee(number: int, **more: str) -> dict[str, str]:
    return {
        "id": str(number),
        "employeeNumber": f"0{number}",
        "lastChanged": "2026-05-01T10:00:00+00:00",
        "hireDate": "2020-01-01",
        "supervisorEId": "",
        "standardHoursPerWeek": "30",
        "country": "Germany",
        **more,
    }


def status(key: int, who: int, date: str, label: str) -> dict[str, str]:
    return {"id": str(key), "employeeId": str(who), "date": date, "employmentStatus": label}


def test_who_was_hired_again_has_not_left_and_the_last_status_counts_whatever_the_order(keys, tmp_path, monkeypatch):
    """By hand: somebody who came back, and somebody whose end is still to come."""
    folder = tmp_path / "exports" / "bamboohr"
    folder.mkdir(parents=True)
    statuses = [
        status(3, 1, "2026-02-01", "Full-Time"),
        status(2, 1, "2025-07-01", "Terminated"),
        status(1, 1, "2020-01-01", "Part-Time"),
        status(5, 2, "2026-12-31", "Terminated"),
        status(4, 2, "2026-01-01", "Contractor"),
        status(6, 2, "2019-01-01", "Full-Time"),
    ]
    jobs = [
        {"id": "2", "employeeId": "1", "date": "2026-02-01", "department": "Finance"},
        {"id": "1", "employeeId": "1", "date": "2020-01-01", "department": "People"},
        {"id": "10", "employeeId": "2", "date": "2021-01-01", "department": "Sales"},
        {"id": "9", "employeeId": "2", "date": "2021-01-01", "department": "Marketing"},
    ]
    people = [employee(1), employee(2, supervisorEId="1")]
    for name, content in (
        ("employees", {"employees": people}),
        ("employmentStatus", statuses),
        ("jobInfo", jobs),
        ("directory", {"employees": [{"id": "1", "firstName": "Ada", "lastName": "Null", "workEmail": None}]}),
    ):
        (folder / f"{name}_2026-09.json").write_text(json.dumps(content))
    made = canonical(tmp_path, BAMBOO, monkeypatch)
    first, second = pseudonym(bytes.fromhex("11" * 32), "workday_worker", pl.Series(["01", "02"]), "p")
    columns = ["worker_type_code", "terminated_at", "job_family_code", "manager_person_id", "fte"]
    found = {
        row[0]: row[1:]
        for row in made["workers"]
        .with_columns(pl.col("terminated_at").cast(pl.String))
        .select("person_id", *columns)
        .rows()
    }
    assert found == {
        first: ("employee", None, "FIN", None, 0.75),
        second: ("contingent", "2026-12-30", "SALES", first, 0.75),
    }
    assert made["identifiers"].select("scheme_code", "value").rows() == [
        ("legal_first_name", "Ada"),
        ("legal_last_name", "Null"),
        ("workday_worker_id", "01"),
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", ["directory", "jobInfo", "employmentStatus"])
def test_records_are_as_the_schemas_of_its_own_connector_say(real_data, tmp_path, name):
    schema = json.loads((real_data / "hris" / "bamboohr" / f"{name.lower()}.json").read_text())
    write(tmp_path)
    records = document(tmp_path, name)
    records = records["employees"] if name == "directory" else records
    # The connector calls the person of a row employee_id, and takes when it changed from another answer.
    assert {*schema["properties"]} - {*records[0]} <= {"employee_id", "lastChanged"}
    jsonschema.Draft202012Validator({"type": "array", "items": schema, "minItems": 1}).validate(records)
