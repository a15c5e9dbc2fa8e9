"""Jobs over time of a cast of ten, whichever vendor printed them: the same slices, for two at another known time."""

import json
from datetime import UTC, date, datetime
from zipfile import ZipFile

import polars as pl
import pytest

from infra.sample import careers
from infra.sample.vendors import (
    dated_csv,
    successfactors_compound_history,
    successfactors_history,
    workday_history,
    workday_peci,
)
from infra.sample.vendors.oracle import extract_history, report_history
from infra.sample.vendors.oracle import history as oracle_history
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_file
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest import feeds as declarations
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.map import FILTERED
from pipelines.ingest.read import read_file
from tests.vendors.printed import VENDORS, canonical

PERIODS = ("2024-01", "2024-02", "2024-03")
KNOWN = ("known_from", "known_from_basis")
OWN_WORDS = ("event_code", "event_reason_code")
"""Codes of the source, which no other vendor has."""
FEEDS = {
    "workday": [VENDORS / "workday" / "workday_job_history.yaml"],
    "workday peci": [VENDORS / "workday" / "workday_peci_history.yaml"],
    "successfactors": [VENDORS / "successfactors" / "successfactors_job_history.yaml"],
    "compound employee": [VENDORS / "successfactors" / "successfactors_compound_history.yaml"],
    "dated rows": [VENDORS / "dated" / "dated_job_history.yaml"],
    "oracle": [
        VENDORS / "oracle" / f"oracle_hdl_{name}.yaml"
        for name in ("job_history", "supervisors", "work_measures", "jobs", "job_families")
    ],
    "oracle extract": [VENDORS / "oracle" / "oracle_extract_job_history.yaml"],
    "oracle report": [VENDORS / "oracle" / "oracle_bip_job_history.yaml"],
}
STATUSES = oracle_history.STATUSES
WRITERS = {
    "workday": workday_history,
    "workday peci": workday_peci,
    "successfactors": successfactors_history,
    "compound employee": successfactors_compound_history,
    "dated rows": dated_csv,
    "oracle": oracle_history,
    "oracle extract": extract_history,
    "oracle report": report_history,
}
OBSERVED = ("oracle", "oracle extract", "oracle report", "dated rows")
"""Those that do not say when they knew it."""
SLICES = {"2024-01": 20, "2024-02": 21, "2024-03": 20}
"""By hand, person by person: 1+3+1+1+2 and 2+3+2+3+2 in January; one more of the first, then one less of the fifth."""


def printed(vendor, period, folder, monkeypatch):
    """What a vendor's file of a month becomes."""
    assert WRITERS[vendor].write_history(careers.cut(period), folder / "exports") == SLICES[period]
    return canonical(folder, FEEDS[vendor], monkeypatch)


def of(number: str, scheme: str = "workday_worker", prefix: str = "p") -> str:
    return pseudonym(bytes.fromhex("11" * 32), scheme, pl.Series([number]), prefix)[0]


@pytest.mark.parametrize("period", PERIODS)
def test_slices_of_every_vendor_are_the_same(keys, tmp_path, monkeypatch, period):
    made = {vendor: printed(vendor, period, tmp_path / vendor, monkeypatch) for vendor in WRITERS}
    slices = {vendor: frames["worker_history"] for vendor, frames in made.items()}
    for frame in slices.values():
        assert set(frame.columns) == {*TABLES["worker_history"].schema, *KNOWN}
        assert frame.select(OWN_WORDS).null_count().row(0) == (0, 0)
    plain = {vendor: frame.drop(OWN_WORDS).sort(pl.all()) for vendor, frame in slices.items()}
    assert plain["successfactors"].equals(plain["workday"])
    assert slices["compound employee"].sort(pl.all()).equals(slices["successfactors"].sort(pl.all())), "its codes, too"
    assert slices["workday peci"].sort(pl.all()).equals(slices["workday"].sort(pl.all())), "codes of the source, too"
    assert set(plain["workday"]["known_from_basis"]) == {"source"}
    for vendor in OBSERVED[1:3]:
        assert slices[vendor].sort(pl.all()).equals(slices["oracle"].sort(pl.all())), "codes of the source, too"
    observed = pl.concat(plain[vendor] for vendor in OBSERVED).select("known_from", "known_from_basis").unique().rows()
    end = careers.cut(period).end.item().replace(tzinfo=UTC)
    assert [(basis, (end - moment).total_seconds() < 1) for moment, basis in observed] == [("observed", True)]
    for vendor in OBSERVED:
        assert plain[vendor].drop(KNOWN).equals(plain["workday"].drop(KNOWN).sort(pl.all())), vendor


def test_what_oracle_took_back_is_left_out_with_its_reason(keys, tmp_path, monkeypatch):
    left_out = printed("oracle", "2024-03", tmp_path, monkeypatch)[FILTERED]
    deleted = left_out.filter(pl.col("reason_code") == "deleted").height
    assert deleted == 1 + 2 + 2 + 2, "an assignment, its two leaders and measures; a job and a family of the old set"


def test_terms_of_employment_are_no_job_and_an_extract_of_changes_is_no_history(keys, tmp_path, monkeypatch):
    left_out = printed("oracle report", "2024-03", tmp_path / "r", monkeypatch)[FILTERED]
    assert dict(left_out["reason_code"].value_counts().iter_rows()) == {"not_employed": SLICES["2024-03"]}
    extract_history.write_history(careers.cut("2024-03"), tmp_path / "x" / "exports")
    path = tmp_path / "x" / "exports" / "oracle" / "JobHistory_Extract_2024-03.xml"
    path.write_text(path.read_text().replace("<changes_only>N<", "<changes_only>Y<"))
    feed = declarations.load(VENDORS / "oracle")["oracle_extract_job_history"]
    unit = Unit("u", feed.name, path.name, "0" * 64, path.stat().st_size, {"period": "2024-03"}, "")
    with pytest.raises(Held, match="must say changes_only as its feed does"):
        read_file(path, tmp_path, feed, unit)


@pytest.mark.parametrize("vendor", ["successfactors", "compound employee"])
def test_a_job_waits_at_home_while_somebody_is_abroad(keys, tmp_path, monkeypatch, vendor):
    monkeypatch.setattr(careers, "CAST", careers.ABROAD)
    WRITERS[vendor].write_history(careers.cut("2024-01"), tmp_path / "exports")
    made = canonical(tmp_path, FEEDS[vendor], monkeypatch)["worker_history"]
    columns = ["valid_from", "valid_to", "event_type_code", "employment_status_code", "company_code"]
    home, host = (
        made.filter(pl.col("assignment_key") == of(f"000111-{n}", "assignment", "j")).sort("valid_from").select(columns)
        for n in (1, 2)
    )
    left, back = date(2022, 6, 1), date(2023, 6, 1)
    assert home.rows() == [
        (date(2019, 1, 7), left, "hire", "active", "COMP-US"),
        (left, back, "transfer", "dormant", "COMP-US"),
        (back, None, "transfer", "active", "COMP-US"),
    ]
    assert host.rows() == [(left, back, "transfer", "active", "COMP-DE")]
    assert made["person_id"].unique().to_list() == [of("000111")]


def test_numbers_of_options_are_what_their_picklists_say(keys, tmp_path, monkeypatch):
    expanded = printed("successfactors", "2024-03", tmp_path / "e", monkeypatch)["worker_history"]
    out = tmp_path / "n" / "exports"
    successfactors_history.write_history(careers.cut("2024-03"), out, has_codes=False)
    assert b"externalCode" not in (out / "successfactors" / "EmpEmploymentHistory_2024-03_0001.json").read_bytes()
    folder = VENDORS / "successfactors"
    declared = [folder / f"successfactors_{name}.yaml" for name in ("job_history_by_number", "picklists")]
    assert canonical(tmp_path / "n", declared, monkeypatch)["worker_history"].equals(expanded)


def test_jobs_of_a_delta_are_no_history(keys, tmp_path, monkeypatch):
    """A slice that was deleted shows in it as a change of its neighbour."""
    successfactors_compound_history.write_history(careers.cut("2024-01"), tmp_path / "exports")
    (path,) = (tmp_path / "exports" / "successfactors").iterdir()
    marked = path.read_text().replace("<job_information>", "<job_information><action>CHANGE</action>", 1)
    path.write_text(marked)
    with pytest.raises(AssertionError, match="of_a_delta"):
        canonical(tmp_path, FEEDS["compound employee"], monkeypatch)


def test_whether_oracle_pays_somebody_is_not_their_status(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(
        oracle_history, "STATUSES", {name: f"{code.partition('_')[0]}_NO_PROCESS" for name, code in STATUSES.items()}
    )
    found = printed("oracle", "2024-03", tmp_path, monkeypatch)["worker_history"]["employment_status_code"]
    # Gone are two, the sixth and the seventh of them; on leave is the ninth.
    assert dict(found.value_counts().iter_rows()) == {"active": 17, "terminated": 2, "leave_unpaid": 1}


def test_what_is_observed_is_known_from_when_the_manifest_says_that_the_file_was_written(keys, tmp_path, monkeypatch):
    """A month's file that was written two days into the next is nothing that was known at the month's end."""
    dated_csv.write_history(careers.cut("2024-01"), tmp_path / "exports")
    (file,) = (tmp_path / "exports" / "dated").iterdir()
    entry = {"name": file.name, "sha256": sha256_file(file), "records": file.read_bytes().count(b",ORG-")}
    manifest = {"extracted_at": "2024-02-02T07:30:00+01:00", "files": [entry]}
    file.with_name(f"{file.name}.json").write_text(json.dumps(manifest))
    feed = tmp_path / "dated_job_history.yaml"
    declared = FEEDS["dated rows"][0].read_text()
    said = "extracted_at: {manifest: true}\nready: {manifest: .json}"
    feed.write_text(declared.replace("extracted_at: {end_of: period}", said))
    made = canonical(tmp_path, [feed], monkeypatch)["worker_history"]
    assert set(made.select(KNOWN).rows()) == {(datetime(2024, 2, 2, 6, 30, tzinfo=UTC), "observed")}
    assert len(made) == SLICES["2024-01"]


@pytest.mark.parametrize("vendor", WRITERS)
def test_a_slice_is_what_was_written_down_by_hand(keys, tmp_path, monkeypatch, vendor):
    made = printed(vendor, "2024-03", tmp_path, monkeypatch)["worker_history"]
    columns = ["valid_from", "valid_to", "seq_in_day", "event_type_code", "employment_status_code", "job_code"]
    columns += ["job_family_code", "business_title", "org_unit_code", "company_code", "location_code", "grade_code"]
    columns += ["time_type_code", "fte", "is_primary_assignment", "manager_person_id", "assignment_key"]
    both = made.filter(pl.col("person_id") == of("000102")).sort("valid_from", "seq_in_day").select(columns).rows()
    job = ("OPS", "Backend Engineer")
    place = ("COMP-US", "Riverton")
    rest = ("full_time", 1.0, True, of("000103"), of("000102-1", "assignment", "j"))
    day, first = date(2023, 9, 1), date(2021, 5, 3)
    assert both == [
        (first, day, 0, "hire", "active", "OPS-2", *job, "ORG-000001", *place, "P2", *rest),
        (day, date(2023, 9, 2), 0, "transfer", "active", "OPS-2", *job, "ORG-000002", *place, "P2", *rest),
        (day, None, 1, "promotion", "active", "OPS-3", *job, "ORG-000002", *place, "P3", *rest),
    ]
    titled = made.filter(pl.col("person_id") == of("000103"))["business_title"].to_list()
    assert titled == ['Clerk, "Night" shift;\nDean | Emeritus, 2']
    second = made.filter(pl.col("assignment_key") == of("000108-2", "assignment", "j")).select(columns).row(0)
    assert second[-5:-2] == ("part_time", 0.4, False)
    assert second[:5] == (date(2023, 4, 3), None, 0, "hire", "active")


def test_a_member_of_a_report_is_what_workday_would_send():
    one = next(one for one in careers.CAST if one.event == "leave_start")
    assert workday_history.member(one) == {
        "Position_ID": "P-000109-1",
        "Effective_Date": "2023-10-01",
        "End_Date": "2024-02-14",
        "Sequence": "0",
        "Business_Process_Type": "Request Leave of Absence",
        "Reason_ID": "Request_Leave_of_Absence_Parental",
        "Worker_Status": "On Leave",
        "Is_Primary": "1",
        "Job_Profile_ID": "ENG-3",
        "Job_Family_ID": "ENG",
        "Business_Title": "Backend Engineer",
        "Supervisory_Org_ID": "ORG-000001",
        "Company_ID": "COMP-US",
        "Location_ID": "Riverton",
        "Manager_Worker_ID": "000101",
        "Management_Level_ID": "P3",
        "Time_Type": "Full_time",
        "FTE": "1.0",
        "Last_Updated_Moment": "2023-09-12T08:30:00.000Z",
    }


def test_a_change_of_a_stack_is_what_workday_would_send():
    mine = [one for one in careers.CAST if one.person == "000102"]
    stack = workday_peci.changes(mine, [])
    transfer = str(workday_peci.change(stack[1], 2, "active"))
    team = "<peci:Organization_Type>Supervisory</peci:Organization_Type><peci:Organization_Code>"
    assert transfer == (
        '<peci:Effective_Change peci:Sequence="2"><peci:Derived_Event_Code>DTA</peci:Derived_Event_Code>'
        "<peci:Effective_Moment>2023-09-01T00:00:00+02:00</peci:Effective_Moment>"
        "<peci:Entry_Moment>2023-09-01T10:30:00.000+02:00</peci:Entry_Moment>"
        "<peci:Position><peci:Position_ID>P-000102-1</peci:Position_ID>"
        f'<peci:Organization peci:isDeleted="1">{team}ORG-000001</peci:Organization_Code></peci:Organization>'
        f'<peci:Organization peci:isAdded="1">{team}ORG-000002</peci:Organization_Code></peci:Organization>'
        "</peci:Position><peci:Additional_Information>"
        "<ptdf:Business_Process_Type>Transfer Employee</ptdf:Business_Process_Type>"
        "<ptdf:Reason_ID>Transfer_Employee_Reorg</ptdf:Reason_ID></peci:Additional_Information></peci:Effective_Change>"
    )
    promotion = str(workday_peci.change(stack[2], 3, "active"))
    assert '<peci:Job_Profile_ID peci:priorValue="OPS-2">OPS-3</peci:Job_Profile_ID>' in promotion
    assert "Organization" not in promotion


def test_what_is_taken_back_stays_in_the_stack_and_so_does_what_took_it_back():
    delivery = careers.cut("2024-03")
    mine = [one for one in careers.standing(delivery) if one.person == "000105"]
    stack = workday_peci.changes(mine, list(careers.withdrawn(delivery)))
    told = [(str(one.day), one.entered[:10], one.slice.event, one.is_rescind) for one in stack]
    assert told == [
        ("2019-02-04", "2019-02-01", "hire", False),
        ("2024-03-31", "2024-01-10", "termination", False),
        ("2024-03-31", "2024-03-05", "termination", True),
    ]


def test_a_job_of_an_employment_is_what_successfactors_would_send():
    mine = [one for one in careers.CAST if one.assignment == "000102-1"]
    made = successfactors_history.employment(mine)
    assert (made["personIdExternal"], made["userId"]) == ("000102", "000102-1")
    jobs = made["jobInfoNav"]["results"]
    assert [job["seqNumber"] for job in jobs] == ["2", "1", "1"]
    assert [job["startDate"] for job in jobs] == ["/Date(1693526400000)/"] * 2 + ["/Date(1620000000000)/"]
    assert [job["endDate"] for job in jobs] == [
        "/Date(253402214400000)/",
        "/Date(1693526400000)/",
        "/Date(1693440000000)/",
    ]
    assert [job["eventReason"] for job in jobs] == ["PROMERIT", "TRFREORG", "HIRNEW"]
    assert {job["managerId"] for job in jobs} == {"000103-1"}
    assert jobs[0]["lastModifiedDateTime"] == "/Date(1693557000000+0000)/"
    assert datetime.fromtimestamp(1693557000, UTC) == datetime(2023, 9, 1, 8, 30, tzinfo=UTC)


def test_lines_of_a_loader_file_are_what_oracle_would_take(tmp_path):
    oracle_history.write_history(careers.cut("2024-03"), tmp_path)
    with ZipFile(tmp_path / "oracle" / "Workers_2024-03.zip") as archive:
        lines = archive.read("Worker.dat").decode().split("\r\n")
    assert [line.split("|")[:2] for line in lines[:3]] == [["METADATA", name] for name in oracle_history.COMPONENTS]
    own = [line for line in lines if "000102-1_2023-09-01" in line and "|Assignment|" in line]
    job = "000102|Company USA Inc|E000102-1|Backend Engineer|E|ACTIVE_PROCESS|Y"
    place = "ORG-000002|Riverton|FULL_TIME"
    moved = f"2023/09/01|1|N|TRANSFER|REORG|{job}|OPS-2|P2|{place}"
    promoted = f"4712/12/31|2|Y|PROMOTION|MERIT|{job}|OPS-3|P3|{place}"
    assert own == [
        f"MERGE|Assignment|COMPANY|000102-1_2023-09-01_1|2023/09/01|{moved}",
        f"MERGE|Assignment|COMPANY|000102-1_2023-09-01_2|2023/09/01|{promoted}",
    ]
    deleted = next(line for line in lines if line.startswith("DELETE"))
    assert deleted.split("|")[1:4] == ["Assignment", "COMPANY", "000105-1_2024-04-01_1"]
