"""Workday in its other formats: RaaS CSV, simple XML and Workday XML, EIB with header and trailer, Core Connector."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest

from infra.sample.dialects import write_report
from infra.sample.vendors import workday_ccw, workday_csv, workday_eib, workday_xml
from infra.sample.vendors.workday_xml import Tenant
from pipelines.base.contracts import TABLES
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import load
from pipelines.ingest.read import read_file
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

REPORTS = ("Workers", "Requisitions", "Candidates", "Applications")
WD = "{urn:com.workday.report/HRML_Workers}"


@cache
def tenant() -> Tenant:
    """Every third candidate has a resume; every seventh worker is contingent, also who manages or who applied."""
    world = company()
    workers = replace(world.workers, is_contingent=np.arange(len(world.workers)) % 7 == 0)
    with_resume = set(range(0, len(world.hiring.candidates.created), 3))
    return Tenant(PLAN, workers, world.hiring, DELIVERY, with_resume)


def rows(name: str) -> list[dict]:
    return list(tenant().report(name))


def read(folder: Path, feeds: list[Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """Canonical tables only: which rows became nothing, and by which filter, is each feed's own."""
    return {name: frame for name, frame in canonical(folder, feeds, monkeypatch).items() if name in TABLES}


def by_json(folder: Path, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    for name in names:
        write_report(folder / "exports" / "workday" / f"HRML_{name}_2026-09.json", rows(name))
    return read(folder, [FEEDS / f"workday_{name.lower()}.yaml" for name in names], monkeypatch)


def write_csv(name: str, out: Path) -> int:
    it = tenant()
    match name:
        case "Workers":
            return workday_csv.write_workers(PLAN, it.workers, DELIVERY, out)
        case "Requisitions":
            return workday_csv.write_requisitions(it.workers, it.hiring, DELIVERY, out)
        case "Candidates":
            return workday_csv.write_candidates(PLAN, it.hiring, DELIVERY, it.with_resume, out)
        case _:
            return workday_csv.write_applications(it.hiring, DELIVERY, out)


def write(kind: str, name: str, out: Path) -> int:
    if kind == "csv":
        return write_csv(name, out)
    return {"simplexml": workday_xml.write_simple, "xml": workday_xml.write}[kind](tenant(), name, out)


@pytest.mark.parametrize("kind", ["csv", "simplexml", "xml"])
def test_a_report_becomes_the_same_rows_in_every_format(kind, keys, tmp_path, monkeypatch):
    counts = {name: write(kind, name, tmp_path / "o" / "exports") for name in REPORTS}
    feeds = [VENDORS / "workday" / f"workday_{kind}_{name.lower()}.yaml" for name in REPORTS]
    other = read(tmp_path / "o", feeds, monkeypatch)
    printed = by_json(tmp_path / "j", REPORTS, monkeypatch)
    stages = sum(len(row["Stage_History_group"]) for row in rows("Applications"))
    assert counts == {name: len(rows(name)) for name in REPORTS} | ({"Applications": stages} if kind == "csv" else {})
    if kind == "csv":  # a stage is a row, and says again what the application is: equal rows count once when published
        assert len(other["applications"]) == stages
        other["applications"] = other["applications"].unique().sort(pl.all())
    assert set(other) == set(printed)
    for table, frame in printed.items():
        assert other[table].equals(frame), table


def test_the_comparison_has_every_table_and_every_kind_of_row(keys, tmp_path, monkeypatch):
    printed = by_json(tmp_path, REPORTS, monkeypatch)
    workers, candidates, applications = rows("Workers"), rows("Candidates"), rows("Applications")
    decided = [step for row in applications for step in row["Stage_History_group"] if "Outcome" in step]
    linked = [row for row in workers if row["Hired_From_Candidate_ID"]] + [r for r in candidates if r["Employee_ID"]]
    assert {table: len(frame) for table, frame in printed.items()} == {
        "workers": len(workers),
        "requisitions": len(rows("Requisitions")),
        "candidates": len(candidates),
        "applications": len(applications),
        "application_events": len(decided),
        "consents": len(workers) + len(candidates),
        "person_links": len(linked),
        "identifiers": 4 * len(workers) + 5 * len(candidates),
    }
    for table, frame in printed.items():
        assert set(frame.columns) == {*TABLES[table].schema, "known_from", "known_from_basis"}
    assert {row["Worker_Type"] for row in workers} == {"Employee", "Contingent Worker"}
    contingent = {row["Worker_ID"] for row in workers if row["Worker_Type"] == "Contingent Worker"}
    assert contingent & {row["Manager_Worker_ID"] for row in workers}
    assert contingent & {row["Employee_ID"] for row in candidates}
    assert {row["Country_ISO"] for row in workers} == {"US", "DE", "GB", "NA"}
    assert {row["FTE"] for row in workers} == {"0.6", "1.0"}
    assert {row["Analytics_Consent"] for row in workers} == {row["Consent_Given"] for row in candidates} == {"0", "1"}
    for name in ("Termination_Date", "Manager_Worker_ID", "Hired_From_Candidate_ID"):
        assert {row[name] is None for row in workers} == {True, False}, name
    assert {row["Status"] for row in rows("Requisitions")} >= {"Open", "Filled"}
    assert {row["Current_Status"] for row in applications} == {"In Process", "Rejected", "Withdrawn", "Hired"}
    assert {step["Stage_ID"] for step in decided} == {"APPLIED", "SCREEN", "INTERVIEW", "OFFER", "HIRED"}


@pytest.mark.parametrize(
    ("name", "value", "printed"),
    [
        ("Hire_Date", "2020-03-02", "03/02/2020"),
        ("Last_Functionally_Updated", "2021-04-19T01:35:44.000Z", "04/19/2021 01:35:44 AM"),
        ("Created_Moment", "2021-04-19T12:05:00.000Z", "04/19/2021 12:05:00 PM"),
        ("Completed_Moment", "2021-12-31T00:05:00.000Z", "12/31/2021 12:05:00 AM"),
        ("Consent_Given", "0", "No"),
        ("Worker_ID", "000123", "000123"),
        ("Termination_Date", None, ""),
    ],
)
def test_csv_prints_values_in_the_locale_of_the_account(name: str, value: str | None, printed: str):
    assert workday_csv.cell(name, value) == printed


def test_csv_repeats_a_row_for_each_member_of_a_group():
    rows = [{"A": "1", "G": [{"x": "a", "y": "b"}, {"x": "c"}]}, {"A": "2", "G": None}]
    assert list(workday_csv.exploded(rows, "G", ("x", "y"))) == [
        {"A": "1", "x": "a", "y": "b"},
        {"A": "1", "x": "c", "y": None},
        {"A": "2", "x": None, "y": None},
    ]


def test_a_csv_report_begins_with_headings(tmp_path):
    write_csv("Candidates", tmp_path)
    text = (tmp_path / "workday_csv" / "HRML_Candidates_2026-09.csv").read_bytes()
    head, first, *_ = text.split(b"\r\n")
    assert head == (
        b"\xef\xbb\xbfCandidate ID,Candidate WID,Employee ID,Country ISO,Created Moment,Last Updated Moment,Source,"
        b"Consent Given,Consent Date,Do Not Hire,Legal First Name,Legal Last Name,Email,Phone,File Name,Content WID"
    )
    assert first.startswith(b"C-000001,")


def test_dates_and_moments_of_workday_xml_have_the_offset_of_the_tenant():
    assert workday_xml.day("Hire_Date", "2024-05-01") == "<wd:Hire_Date>2024-05-01+02:00</wd:Hire_Date>"
    assert workday_xml.day("Hire_Date", "2024-01-01") == "<wd:Hire_Date>2024-01-01+01:00</wd:Hire_Date>"
    assert workday_xml.moment("At", "2021-12-31T23:30:00.000Z") == "<wd:At>2022-01-01T00:30:00.000+01:00</wd:At>"
    assert workday_xml.day("Termination_Date", None) == workday_xml.moment("At", None) == ""


def test_a_stage_in_both_forms_of_xml():
    step = {
        "Stage_ID": "SCREEN",
        "Step": "2",
        "Started_Moment": "2024-05-01T09:30:00.000Z",
        "Completed_Moment": "2024-05-02T10:00:00.000Z",
        "Outcome": "Advanced",
        "Decided_By": "Human",
    }
    printed = re.sub(r'"WID">[0-9a-f]{32}<', '"WID">0<', workday_xml.stage(step))
    assert printed == (
        '<wd:Stage_History_group><wd:Stage wd:Descriptor="SCREEN"><wd:ID wd:type="WID">0</wd:ID>'
        '<wd:ID wd:type="Recruiting_Stage_ID">SCREEN</wd:ID></wd:Stage><wd:Step>2</wd:Step>'
        "<wd:Started_Moment>2024-05-01T11:30:00.000+02:00</wd:Started_Moment>"
        "<wd:Completed_Moment>2024-05-02T12:00:00.000+02:00</wd:Completed_Moment>"
        "<wd:Outcome>Advanced</wd:Outcome><wd:Decided_By>Human</wd:Decided_By></wd:Stage_History_group>"
    )
    row = {"Application_ID": "A&1", "Hire_Date": None, "Stage_History_group": [{"Step": "1"}, {"Step": "2"}]}
    assert workday_xml.simple(row) == (
        "<wd:Application_ID>A&amp;1</wd:Application_ID>"
        "<wd:Stage_History_group><wd:Step>1</wd:Step></wd:Stage_History_group>"
        "<wd:Stage_History_group><wd:Step>2</wd:Step></wd:Stage_History_group>"
    )
    assert workday_xml.simple({"Worker_ID": "000001", "Job_Family_ID": "ENG"}) == (
        "<wd:Worker_ID>000001</wd:Worker_ID>"
        "<wd:Job_Profile_group><wd:Job_Family_ID>ENG</wd:Job_Family_ID></wd:Job_Profile_group>"
    )


def test_workers_are_referred_to_by_kind_and_their_descriptor_tells_a_state(tmp_path):
    workday_xml.write(tenant(), "Workers", tmp_path)
    entries = ET.parse(tmp_path / "workday_xml" / "HRML_Workers_2026-09.xml").getroot().findall(f"{WD}Report_Entry")  # noqa: S314 - our own file
    kinds, states = set(), set()
    for entry, row in zip(entries, rows("Workers"), strict=True):
        it = entry.find(f"{WD}Worker")
        ids = {one.attrib[f"{WD}type"]: one.text for one in it}
        key = "Contingent_Worker_ID" if row["Worker_Type"] == "Contingent Worker" else "Employee_ID"
        assert (set(ids), ids[key]) == ({"WID", key}, row["Worker_ID"])
        state = " (Terminated)" if row["Termination_Date"] else ""
        assert it.attrib[f"{WD}Descriptor"] == f"{row['Legal_First_Name']} {row['Legal_Last_Name']}{state}"
        assert (entry.find(f"{WD}Manager") is None) == (row["Manager_Worker_ID"] is None)
        kinds.add(key)
        states.add(state)
    assert (len(kinds), len(states)) == (2, 2)


WORKER = {
    "Worker_ID": "000007",
    "Worker_Type": "Contingent Worker",
    "Hire_Date": "2020-03-02",
    "Original_Hire_Date": "2018-01-08",
    "Termination_Date": None,
    "Job_Family_ID": "ENG",
    "Management_Level_ID": "P2",
    "Company_ID": "COMP-NA",
    "Country_ISO": "NA",
    "Manager_Worker_ID": None,
    "FTE": "0.6",
    "Analytics_Consent": "0",
    "Hired_From_Candidate_ID": None,
    "Legal_First_Name": "Zoë",
    "Legal_Last_Name": "Null",
    "Work_Email": "w000007@company.example",
    "Last_Functionally_Updated": "2021-04-19T01:35:44.000Z",
}


def test_a_detail_of_an_eib():
    assert workday_eib.delimited(WORKER) == (
        "DTL|000007|CW|2020-03-02||ENG|P2|NA||0.6|N||Zoë|Null|w000007@company.example|2021-04-19 01:35:44|2018-01-08"
        "|COMP-NA"
    )
    assert workday_eib.fixed(WORKER) == (
        "DTL000007    CW2020030200000000ENG     P2  NA          0000.6N            Zoë                 "
        "Null                w000007@company.example       2021041901354420180108COMP-NA     "
    )
    with pytest.raises(ValueError, match="Legal_Last_Name must fit into 20 characters"):
        workday_eib.fixed(WORKER | {"Legal_Last_Name": "x" * 21})


def test_an_eib_has_a_header_and_a_trailer_that_counts_its_details(tmp_path):
    workers = tenant().workers
    count = workday_eib.write_delimited(PLAN, workers, DELIVERY, tmp_path)
    assert workday_eib.write_fixed(PLAN, workers, DELIVERY, tmp_path) == count == len(rows("Workers"))
    folder = tmp_path / "workday_eib"
    delimited = (folder / "EIB_Workers_20260930_000017.txt").read_bytes().decode().split("\r\n")
    fixed = (folder / "EIB_Workers_Fixed_20260930_000018.txt").read_bytes().decode("latin-1").split("\r\n")
    assert (delimited[0], fixed[0]) == ("HDR|HRML_Workers|20260930|FULL", "HDRHRML_Workers        20260930FULL")
    assert (delimited[-2:], fixed[-2:]) == ([f"TRL|{count:010d}", ""], [f"TRL{count:010d}", ""])
    assert {line.count("|") for line in delimited[1:-2]} == {17}
    assert {len(line) for line in fixed[1:-2]} == {178}


@pytest.mark.parametrize(
    ("write_eib", "feed"),
    [
        (workday_eib.write_delimited, "workday_eib_workers"),
        (workday_eib.write_fixed, "workday_eib_fixed_workers"),
    ],
    ids=["delimited", "fixed"],
)
def test_workers_of_an_eib_are_those_of_the_report(write_eib, feed, keys, tmp_path, monkeypatch):
    write_eib(PLAN, tenant().workers, DELIVERY, tmp_path / "o" / "exports")
    other = read(tmp_path / "o", [VENDORS / "workday" / f"{feed}.yaml"], monkeypatch)
    printed = by_json(tmp_path / "j", ("Workers",), monkeypatch)
    assert set(other) == set(printed) == {"workers", "consents", "person_links", "identifiers"}
    for table, frame in printed.items():
        assert other[table].equals(frame), table


def test_workers_of_the_core_connector_are_those_of_the_report(keys, tmp_path, monkeypatch):
    count = workday_ccw.write(PLAN, tenant().workers, DELIVERY, tmp_path / "o" / "exports")
    other = read(tmp_path / "o", [VENDORS / "workday" / "workday_ccw_workers.yaml"], monkeypatch)
    printed = by_json(tmp_path / "j", ("Workers",), monkeypatch)
    assert (count, set(other)) == (len(rows("Workers")), set(printed))
    for table, frame in printed.items():
        assert other[table]["known_from_basis"].unique().to_list() == ["observed"]
        # It does not say when it learned something: known_from is when the file was written.
        columns = list(TABLES[table].schema)
        assert other[table].select(columns).sort(pl.all()).equals(frame.select(columns).sort(pl.all())), table


def test_a_file_of_changes_of_the_core_connector_is_held(keys, tmp_path):
    """What it leaves out stayed as it was: read as a full one it would empty that."""
    workday_ccw.write(PLAN, tenant().workers, DELIVERY, tmp_path)
    path = tmp_path / "workday_ccw" / "Worker_Sync_2026-09.xml"
    path.write_bytes(path.read_bytes().replace(b"<ws:Full_File>true<", b"<ws:Full_File>false<"))
    feed = load(VENDORS / "workday")["workday_ccw_workers"]
    unit = Unit("u", feed.name, path.name, "0" * 64, path.stat().st_size, {"period": "2026-09"}, "")
    with pytest.raises(Held, match="must say Full_File as its feed does") as held:
        read_file(path, tmp_path, feed, unit)
    assert held.value.reason_code == "another_kind_of_file"


def test_a_worker_of_the_core_connector():
    row = WORKER | {
        "Worker_Status": "Active",
        "Original_Hire_Date": "2020-03-02",
        "Regrettable_Termination": None,
        "Position_ID": "P-000007",
        "Business_Title": "R&D Engineer",
        "Company_ID": "COMP-NA",
        "Supervisory_Org_ID": "ORG-000000",
        "Base_Pay": "50000",
        "Base_Pay_Currency": "NAD",
        "Base_Pay_Frequency": "Annual",
    }
    printed = workday_ccw.element("Worker", workday_ccw.worker(row, [("Gender", None), ("Birth_Date", "1990-01-01")]))
    assert printed.startswith(
        "<ws:Worker><ws:Summary><ws:Employee_ID>000007</ws:Employee_ID><ws:Name>Zoë Null</ws:Name></ws:Summary>"
        "<ws:Eligibility>true</ws:Eligibility><ws:Personal>"
        "<ws:Name_Data><ws:Name_Type>Preferred</ws:Name_Type><ws:First_Name>Zoë</ws:First_Name>"
        "<ws:Last_Name>Null</ws:Last_Name></ws:Name_Data>"
    )
    assert "</ws:Name_Data><ws:Birth_Date>1990-01-01</ws:Birth_Date><ws:Address_Data>" in printed
    assert printed.index("<ws:Email_Type>HOME<") < printed.index("<ws:Email_Type>WORK<")
    assert (
        "<ws:Status><ws:Employee_Status>Active</ws:Employee_Status><ws:Active>true</ws:Active>"
        "<ws:Hire_Date>2020-03-02</ws:Hire_Date><ws:Original_Hire_Date>2020-03-02</ws:Original_Hire_Date>"
        "<ws:Terminated>false</ws:Terminated></ws:Status>"
    ) in printed
    assert "<ws:Position_Title>R&amp;D Engineer</ws:Position_Title><ws:Organization_Data>" in printed
