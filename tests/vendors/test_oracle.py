"""Oracle HCM Cloud: data loader files, an extract as XML, reports of BI Publisher."""

from datetime import UTC, datetime
from zipfile import ZipFile

import polars as pl
import pytest

from infra.sample import cast, workday
from infra.sample.dialects import write_report
from infra.sample.vendors.oracle import extract, loader, recruiting, reports
from pipelines.base.contracts import TABLES
from pipelines.ingest import feeds as declarations
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.read import dialect, read_file
from tests.unit.conftest import declared
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company
from tests.vendors.recruiting import of_vendor
from tests.vendors.recruiting import of_workday as of_hiring

OBSERVED = ("known_from", "known_from_basis")
"""A loader file and an extract do not say when Oracle learnt of something: that differs from Workday, and only that."""
LOADER = (
    "oracle_hdl_workers",
    "oracle_hdl_work_relationships",
    "oracle_hdl_supervisors",
    "oracle_hdl_work_measures",
    "oracle_hdl_jobs",
    "oracle_hdl_job_families",
)
LEFT = {
    "Worker_ID": "000015",
    "Worker_Type": "Employee",
    "Hire_Date": "2020-02-28",
    "Original_Hire_Date": "2020-02-28",
    "Termination_Date": "2024-02-29",
    "Job_Profile_ID": "ENG-5",
    "Job_Family_ID": "ENG",
    "Management_Level_ID": "M1",
    "Business_Title": "Backend Engineer",
    "Location_ID": "Ashford",
    "Country_ISO": "GB",
    "Manager_Worker_ID": "000007",
    "FTE": "0.6",
    "Time_Type": "Part_time",
    "Scheduled_Weekly_Hours": "24",
    "Analytics_Consent": "1",
    "Legal_First_Name": "Zoë",
    "Legal_Last_Name": "O'Brien",
    "Last_Functionally_Updated": "2024-02-29T06:00:00.000Z",
}
STAYS = {
    **LEFT,
    "Worker_ID": "000028",
    "Worker_Type": "Contingent Worker",
    "Termination_Date": None,
    "Management_Level_ID": "P3",
    "Country_ISO": "NA",
    "Location_ID": "Windhoek",
    "Manager_Worker_ID": None,
    "FTE": "1.0",
    "Time_Type": "Full_time",
    "Scheduled_Weekly_Hours": "40",
    "Analytics_Consent": "0",
}


def feeds(*names):
    return [VENDORS / "oracle" / f"{name}.yaml" for name in names]


@pytest.fixture
def of_workday(keys, tmp_path, monkeypatch):
    """What Workday's workers became, and how many it printed."""
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    return canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch), len(rows)


def all_kinds_are_there(workers, count):
    """Whether the company has every case that a feed could get wrong without a difference."""
    assert set(workers.columns) == {*TABLES["workers"].schema, *OBSERVED}
    assert len(workers) == count
    nulls = workers.null_count().row(0, named=True)
    assert (0 < nulls["terminated_at"] < count, nulls["manager_person_id"]) == (True, 1)
    assert set(workers["worker_type_code"]) == {"employee", "contingent"}
    assert set(workers["country_code"]) == {"US", "DE", "GB", "NA"}
    assert set(workers["company_code"]) == {"COMP-US", "COMP-DE", "COMP-GB", "COMP-NA"}
    assert set(workers["fte"]) == {0.6, 1.0}
    again = workers.filter(pl.col("originally_hired_at") < pl.col("hired_at"))
    assert 20 < len(again) < count / 2


def observed_alike(other, printed):
    """Equal but for when it was known, which is the end of the extraction's month."""
    others, ours = (frame.drop(OBSERVED) for frame in (other, printed))
    assert others.equals(ours.sort(pl.all()))
    assert set(other["known_from_basis"]) == {"observed"}
    assert set(other["known_from"]) == {datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)}


def test_workers_of_workday_and_of_a_loader_file_are_the_same(of_workday, tmp_path, monkeypatch):
    printed, count = of_workday
    assert loader.write_loader(PLAN, company().workers, DELIVERY, tmp_path / "o" / "exports") == count
    other = canonical(tmp_path / "o", feeds(*LOADER), monkeypatch)
    all_kinds_are_there(printed["workers"], count)
    observed_alike(other["workers"], printed["workers"])


def test_whose_a_line_of_a_loader_file_is_every_feed_of_it_says(of_workday, tmp_path, monkeypatch):
    """All but the jobs: their archive has nobody in it."""
    people = set(of_workday[0]["workers"]["person_id"])
    led = set(of_workday[0]["workers"].drop_nulls("manager_person_id")["person_id"])
    nonworker = 1
    for name, whose, others in (
        ("work_relationships", people, nonworker),
        ("supervisors", led, 0),
        ("work_measures", people, nonworker),
    ):
        loader.write_loader(PLAN, company().workers, DELIVERY, tmp_path / name / "exports")
        found = set(canonical(tmp_path / name, feeds(f"oracle_hdl_{name}"), monkeypatch)["identifiers"]["person_id"])
        assert whose <= found
        assert len(found - whose) == others
    with ZipFile(tmp_path / "supervisors" / "exports" / "oracle" / "WorkStructures_2026-09.zip") as archive:
        assert archive.namelist() == ["JobFamily.dat", "Job.dat"]


def test_workers_of_workday_and_of_an_extract_are_the_same(of_workday, tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "CHUNK", 128)
    printed, count = of_workday
    assert extract.write_extract(PLAN, company().workers, DELIVERY, tmp_path / "o" / "exports") == count
    other = canonical(tmp_path / "o", feeds("oracle_extract_workers"), monkeypatch)
    all_kinds_are_there(printed["workers"], count)
    observed_alike(other["workers"], printed["workers"])


def test_an_extract_of_changes_is_held(keys, tmp_path):
    extract.write_extract(PLAN, company().workers, DELIVERY, tmp_path)
    path = tmp_path / "oracle" / "Workers_Extract_2026-09.xml"
    feed = declarations.load(VENDORS / "oracle")["oracle_extract_workers"]
    unit = Unit("u", feed.name, path.name, "0" * 64, path.stat().st_size, {"period": "2026-09"}, "")
    assert read_file(path, tmp_path, feed, unit).rows > 256
    path.write_bytes(path.read_bytes().replace(b"<changes_only>N<", b"<changes_only>ATTRIBUTE<"))
    with pytest.raises(Held, match="must say changes_only as its feed does"):
        read_file(path, tmp_path, feed, unit)


def test_workers_and_consents_of_workday_and_of_reports_are_the_same(of_workday, tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "CHUNK", 128)
    printed, count = of_workday
    assert reports.write_worker_reports(PLAN, company().workers, DELIVERY, tmp_path / "o" / "exports") == count
    other = canonical(tmp_path / "o", feeds("oracle_bip_workers"), monkeypatch)
    all_kinds_are_there(printed["workers"], count)
    assert other["workers"].equals(printed["workers"])
    assert len(printed["consents"]) == count
    assert set(printed["consents"]["is_given"]) == {True, False}
    assert other["consents"].equals(printed["consents"])


def test_hiring_of_workday_and_of_reports_is_the_same(keys, tmp_path, monkeypatch):
    printed = of_hiring(tmp_path / "w", monkeypatch)
    world = company()
    counts = recruiting.write_hiring(PLAN, world.hiring, world.workers, DELIVERY, tmp_path / "o" / "exports")
    assert (counts["SUBMISSIONS"], counts["CANDIDATES"]) == (len(printed["applications"]), len(printed["candidates"]))
    names = ("requisitions", "candidates", "applications", "application_events")
    made = of_vendor(tmp_path / "o", feeds(*(f"oracle_bip_{name}" for name in names)), monkeypatch)
    assert made.keys() == printed.keys()
    for table, frame in printed.items():
        assert made[table].equals(frame), table


def test_lines_of_a_worker_are_what_the_loader_would_take():
    employer = "Company UK Ltd |2020/02/28|E"
    job = "Y|ENG-5|{}|Ashford|24|W|PART_TIME"
    name = r"Backend Engineer \| Ashford"
    terms, number = "ET000015|ET", f"ET000015|E000015|{name}|E"
    active = ("2020/02/28|2024/02/29|1|N|HIRE", "2020/02/28|2024/02/29|2|Y|PROMOTION")
    gone = "2024/03/01|4712/12/31|1|Y|TERMINATION"
    person = f"000015|{employer}"
    assert list(loader.loader_lines(LEFT)) == [
        "MERGE|Worker|COMPANY|000015|2020/02/28|4712/12/31|000015|2020/02/28|HIRE",
        "MERGE|PersonName|COMPANY|000015_NAME|2020/02/28|4712/12/31|000015|GLOBAL|GB|O'Brien|Zoë",
        f"MERGE|WorkRelationship|COMPANY|000015_POS|{person}|Y|2024/02/29",
        f"MERGE|WorkTerms|COMPANY|000015_TERMS_1|{active[0]}|{person}|{terms}|ACTIVE_PROCESS|Y",
        f"MERGE|Assignment|COMPANY|000015_ASG_1|{active[0]}|{person}|{number}|ACTIVE_PROCESS|{job.format('P1')}",
        f"MERGE|WorkTerms|COMPANY|000015_TERMS_2|{active[1]}|{person}|{terms}|ACTIVE_PROCESS|Y",
        f"MERGE|Assignment|COMPANY|000015_ASG_2|{active[1]}|{person}|{number}|ACTIVE_PROCESS|{job.format('M1')}",
        f"MERGE|WorkTerms|COMPANY|000015_TERMS_3|{gone}|{person}|{terms}|INACTIVE_PROCESS|Y",
        f"MERGE|Assignment|COMPANY|000015_ASG_3|{gone}|{person}|{number}|INACTIVE_PROCESS|{job.format('M1')}",
        "MERGE|AssignmentSupervisor|COMPANY|000015_SUP|2020/03/29|4712/12/31|000015|E000015|LINE_MANAGER|000007|Y",
        "MERGE|AssignmentSupervisor|COMPANY|000015_SUP_1|2020/02/28|2020/03/28|000015|E000015|LINE_MANAGER|000001|Y",
        "MERGE|AssignmentWorkMeasure|COMPANY|000015_MEASURE_1|2020/03/29|4712/12/31|E000015|FTE|0.6",
        "MERGE|AssignmentWorkMeasure|COMPANY|000015_MEASURE_2|2020/02/28|4712/12/31|E000015|HEAD|1",
        "MERGE|AssignmentWorkMeasure|COMPANY|000015_MEASURE_3|2020/02/28|2020/03/28|E000015|FTE|1",
    ]
    lines = list(loader.loader_lines(STAYS))
    assert lines[2:3] + lines[5:7] == [
        "MERGE|WorkRelationship|COMPANY|000028_POS|000028|Company Namibia Pty|2020/02/28|C|Y|#NULL",
        "DELETE|AssignmentSupervisor|COMPANY|000028_SUP|2020/02/28|4712/12/31|000028|C000028|LINE_MANAGER|000001|Y",
        "MERGE|AssignmentSupervisor|COMPANY|000028_SUP_P|2020/02/28|4712/12/31|000028|C000028|PROJECT_MANAGER|000002|N",
    ]
    twice = list(loader.loader_lines(LEFT | {"Worker_ID": "000018", "Termination_Date": None}))
    assert twice[2].endswith("|2020/02/28|E|Y")
    assert twice[7] == (
        f"MERGE|Assignment|COMPANY|000018_ASG_B|2020/02/28|4712/12/31|2|Y|PROMOTION|000018|{employer}|"
        rf"ET000018|E000018-2|{name}|E|ACTIVE_PROCESS|N|ENG-5|P1|Ashford|24|W|PART_TIME"
    )


def test_an_archive_of_the_loader_is_what_oracle_would_take(tmp_path):
    loader.write_loader(PLAN, company().workers, DELIVERY, tmp_path)
    with ZipFile(tmp_path / "oracle" / "Workers_2026-09.zip") as archive:
        assert archive.namelist() == ["Worker.dat"]
        lines = archive.read("Worker.dat").decode().split("\r\n")
    assert lines[0].startswith("COMMENT ")
    assert [line.split("|", 2)[:2] for line in lines[1:8]] == [["METADATA", name] for name in loader.WORKER]
    deleted = [line.split("|")[1:4] for line in lines if line.startswith("DELETE|")]
    assert ["WorkRelationship", "COMPANY", "900002_POS"] in deleted
    assert {component for component, *_ in deleted} == set(loader.WORKER)
    assert {source.partition("_")[0] for *_, source in deleted} == {"000000", "900001", "900002"}
    with ZipFile(tmp_path / "oracle" / "WorkStructures_2026-09.zip") as archive:
        families, jobs = (archive.read(name).decode().split("\r\n") for name in ("JobFamily.dat", "Job.dat"))
    assert "MERGE|JobFamily|COMPANY|MKT|2001/01/01|4712/12/31|MKT|Marketing|A" in families
    assert jobs[0] == (
        "METADATA|Job|SourceSystemOwner|SourceSystemId|EffectiveStartDate|EffectiveEndDate|"
        "SetCode|JobCode|Name|ActiveStatus|JobFamilyName"
    )
    assert "MERGE|Job|COMPANY|ENG-1|2001/01/01|4712/12/31|COMMON|ENG-1|ENG-1|A|Engineering" in jobs
    assert jobs[-3:] == [
        "MERGE|Job|COMPANY|CARE-1|1951/01/01|2000/12/31|COMMON|CARE-1|CARE-1|A|General",
        "DELETE|Job|COMPANY|CARE-1_OLD|2001/01/01|4712/12/31|OLD|CARE-1|CARE-1|A|General",
        "",
    ]


def test_a_group_of_an_extract_is_what_oracle_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "CHUNK", 128)
    monkeypatch.setattr(extract, "worker_rows", lambda *_: iter([LEFT, *[STAYS] * 128]))
    assert extract.write_extract(PLAN, company().workers, DELIVERY, tmp_path) == 129
    text = (tmp_path / "oracle" / "Workers_Extract_2026-09.xml").read_text(encoding="utf-8")
    assert text.count("<G_2><FILE_FRAGMENT><Root><REP_CATEGORY_NAME>Workers</REP_CATEGORY_NAME><parameters>") == 2
    assert "<effective_date>2026-09-30</effective_date><start_date /><changes_only>N</changes_only>" in text
    assert (
        "<Worker><OBJECT_ACTION_ID>8504453322</OBJECT_ACTION_ID>"
        "<Person_Record><Person_Number>000015</Person_Number></Person_Record>"
        "<Work_Relationships><Work_Relationships><Work_Relationship_Record><Worker_Type>E</Worker_Type>"
        "<Date_Start>2020-02-28</Date_Start><Actual_Termination_Date>2024-02-29</Actual_Termination_Date>"
        "<Legal_Employer_Name>Company UK Ltd </Legal_Employer_Name>"
        "<Legislation_Code>GB</Legislation_Code></Work_Relationship_Record>"
        "<Assignments><Assignments><Assignment_Record><Assignment_Number>E000015</Assignment_Number>"
        "<Assignment_Status>INACTIVE_PROCESS</Assignment_Status><Job_Code>ENG-5</Job_Code>"
        "<Job_Family_Code>ENG</Job_Family_Code><Grade_Code>M1</Grade_Code><FTE>0.6</FTE>"
        "<Manager_Person_Number>000007</Manager_Person_Number></Assignment_Record></Assignments></Assignments>"
        "</Work_Relationships></Work_Relationships></Worker>"
    ) in text
    namibian = "<Legal_Employer_Name>Company Namibia Pty</Legal_Employer_Name><Legislation_Code>NA</Legislation_Code>"
    assert text.count(f"<Actual_Termination_Date />{namibian}") == 128
    assert text.count("<FTE>1</FTE><Manager_Person_Number /></Assignment_Record>") == 128


def test_a_row_of_a_report_is_what_oracle_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "worker_rows", lambda *_: iter([LEFT, STAYS]))
    assert reports.write_worker_reports(PLAN, company().workers, DELIVERY, tmp_path) == 2
    british, namibian = (
        (tmp_path / "oracle" / f"WORKERS_2026-09_{code}.csv").read_text(encoding="utf-8").split("\n")
        for code in ("GB", "NA")
    )
    head = (
        "PERSON_NUMBER,WORKER_TYPE,DATE_START,FIRST_DATE_START,ACTUAL_TERMINATION_DATE,EFFECTIVE_START_DATE,"
        "EFFECTIVE_END_DATE,JOB_FAMILY_CODE,GRADE_CODE,LEGAL_EMPLOYER_NAME,LEGISLATION_CODE,MANAGER_PERSON_NUMBER,FTE,"
        "ANALYTICS_CONSENT,LAST_UPDATE_DATE"
    )
    hired, left, end = (f"{day}T00:00:00.000+00:00" for day in ("2020-02-28", "2024-02-29", "4712-12-31"))
    known = "2024-02-29T06:00:00.000+00:00"
    assert british == [
        f"\ufeff{head}",
        f"000015,E,{hired},{hired},{left},{hired},{end},ENG,M1,Company UK Ltd ,GB,000007,.6,Y,{known}",
        "",
    ]
    assert namibian == [
        f"\ufeff{head}",
        f"000028,C,{hired},{hired},{end},{hired},{end},ENG,P3,Company Namibia Pty,NA,,1,,{known}",
        "",
    ]
    assert reports.worker_record(STAYS | {"Worker_ID": "000029"})["ANALYTICS_CONSENT"] == "N"


def test_a_requisition_of_a_report_is_what_oracle_would_send():
    row = {
        "Requisition_ID": "R-0001",
        "Title": "Backend Engineer",
        "Status": "Filled",
        "Created_Date": "2024-01-02",
        "Filled_Date": "2024-03-04",
        "Job_Family_ID": "ENG",
        "Openings_Total": "2",
        "Hiring_Manager_Worker_ID": "000007",
        "Job_Description": "You build, and you run it.",
        "Last_Functionally_Updated": "2024-03-04T10:11:12.000Z",
    }
    filled = reports.requisition_record(row)
    assert filled == {
        "REQUISITION_NUMBER": "R-0001",
        "TITLE": "Backend Engineer",
        "PHASE": "Requisition Closed",
        "STATE": "Filled",
        "OPEN_DATE": "2024-01-02T00:00:00.000+00:00",
        "FILLED_DATE": "2024-03-04T00:00:00.000+00:00",
        "JOB_FAMILY_CODE": "ENG",
        "NUMBER_OF_OPENINGS": "2",
        "HIRING_MANAGER_NUMBER": "000007",
        "EXTERNAL_DESCRIPTION": "You build, and you run it.",
        "LAST_UPDATE_DATE": "2024-03-04T10:11:12.000+00:00",
    }
    still = reports.requisition_record(row | {"Status": "Open", "Filled_Date": None})
    assert still == filled | {"PHASE": "Requisition Open", "STATE": "Open - Posted", "FILLED_DATE": None}


@pytest.mark.real
def test_the_one_public_extract_is_not_well_formed_and_is_held(real_data, tmp_path):
    source = real_data / "hris" / "oracle" / "hcm_extract_jobs_output_data.xml"
    path = "DATA_DS/G_1/G_2/FILE_FRAGMENT/Root/Job_Family"
    feed = declared("xml_records", {"record_path": path, "lists": ["Jobs.Jobs"], "may_be_empty": False})
    unit = Unit("u", "f", source.name, "0" * 64, source.stat().st_size, {}, "")
    with pytest.raises(Held, match="must be well-formed XML") as held:
        dialect("xml_records").read(source, tmp_path, feed, unit)
    assert held.value.reason_code == "malformed_xml"


def test_phases_of_a_submission_are_what_oracle_would_send():
    told = {row["Application_ID"]: row for row in cast.applications(with_unsent=False)}
    columns = ("PHASE", "STATE", "NEXT_PHASE", "MOVED_BY")
    assert [tuple(row[name] for name in columns) for row in recruiting.phases(told["A-0000001"])] == [
        ("New", "Selected", "Screening", "AUTOMATION"),
        ("Screening", "Withdrawn by Candidate", None, "USER"),
        ("Screening", "Selected", "Interview and Selection", "USER"),
        ("Interview and Selection", "Selected", "Offer", "USER"),
        ("Offer", "Selected", "Interview and Selection", "USER"),
        ("Interview and Selection", "Under Consideration", None, "USER"),
    ]
    (_, decided) = recruiting.phases(told["A-0000005"])
    assert (decided["LEFT_DATE"], decided["CURRENT_STATE"]) == (None, "Requisition Closed")
    assert recruiting.submission(told["A-0000002"]) == {
        "SUBMISSION_NUMBER": "A-0000002",
        "CANDIDATE_NUMBER": "C-000002",
        "REQUISITION_NUMBER": "R-0001",
        "PHASE": "Offer",
        "STATE": "Withdrawn by Candidate",
        "SUBMISSION_DATE": "2026-03-03T09:00:00.000+00:00",
        "LAST_UPDATE_DATE": "2026-05-10T10:00:00.000+00:00",
    }
