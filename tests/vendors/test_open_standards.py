"""Candidates in the open standards: JSON Resume, HR-XML 2 and 3."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest
import yaml

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.vendors import hr_xml, json_resume
from infra.sample.vendors.profiles import Profile
from pipelines.base.contracts import TABLES
from pipelines.ingest import feeds
from pipelines.ingest.batch import Unit
from pipelines.ingest.read import read_file
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

ROW = {
    "Candidate_ID": "C-000042",
    "Employee_ID": "000007",
    "Country_ISO": "DE",
    "Created_Moment": "2021-04-19T01:35:44.000Z",
    "Last_Updated_Moment": "2021-06-01T08:00:00.000Z",
    "Source": "Referral",
    "Consent_Given": "1",
    "Legal_First_Name": "Zoë",
    "Legal_Last_Name": "O'Brien & Co",
    "Email": "zoe42@example.org",
    "Phone": "+49 555 000 0042",
}
ABOUT = Profile("Data Analyst", "Lindau", "Alder Group", "2014-05", "City College", "Master of Science", ("sql", "r"))
TWO, THREE, OA = (
    "{http://ns.hr-xml.org/2007-04-15}",
    "{http://www.hr-xml.org/3}",
    "{http://www.openapplications.org/oagis/9}",
)


@pytest.fixture
def printed(keys, tmp_path, monkeypatch) -> dict[str, pl.DataFrame]:
    """What Workday's report of candidates became."""
    rows = list(workday.candidate_rows(PLAN, company().hiring, DELIVERY, set()))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Candidates_2026-09.json", rows)
    made = canonical(tmp_path / "w", [FEEDS / "workday_candidates.yaml"], monkeypatch)
    made = {name: frame for name, frame in made.items() if name in TABLES}
    assert {name: len(frame) for name, frame in made.items()} == {
        "candidates": len(rows),
        "consents": len(rows),
        "identifiers": 5 * len(rows),
        "person_links": sum(row["Employee_ID"] is not None for row in rows),
    }
    assert len(rows) > len(made["person_links"]) > 5
    assert made["candidates"]["country_code"].n_unique() == 4
    assert made["candidates"]["source_code"].n_unique() == 6
    assert made["consents"]["is_given"].n_unique() == 2
    return made


@pytest.mark.parametrize("version", [2, 3])
def test_candidates_of_workday_and_of_hr_xml_are_the_same(printed, tmp_path, monkeypatch, version):
    count = hr_xml.write_candidates(PLAN, company().hiring, DELIVERY, tmp_path / "h" / "exports", version)
    assert count == len(printed["candidates"])
    made = canonical(tmp_path / "h", [VENDORS / "hr_xml" / f"hr_xml_v{version}_candidates.yaml"], monkeypatch)
    assert made["resumes"]["text"].str.starts_with("Experience\n").sum() == count
    for table, frame in printed.items():
        assert made[table].equals(frame), table


def test_candidates_of_workday_and_of_json_resume_are_the_same(printed, tmp_path, monkeypatch):
    count = json_resume.write_resumes(PLAN, company().hiring, DELIVERY, tmp_path / "j" / "exports")
    assert count == len(printed["candidates"])
    made = canonical(tmp_path / "j", [VENDORS / "json_resume" / "json_resume_candidates.yaml"], monkeypatch)
    assert made.keys() & TABLES.keys() == {"candidates", "identifiers", "resumes"}
    texts = made["resumes"]["text"]
    assert len(texts) == count
    assert texts.str.contains("\n\nExperience\n").all()
    # A document says neither a source nor since when its person is a candidate.
    kept = ["person_id", "country_code", "known_from", "known_from_basis"]
    assert made["candidates"].select(kept).equals(printed["candidates"].select(kept))
    assert made["candidates"]["created_at"].equals(made["candidates"]["known_from"])
    # It has one name, not a first and a last one.
    is_name = pl.col("scheme_code").is_in(["legal_first_name", "legal_last_name"])
    names = printed["identifiers"].filter(is_name).sort("person_id", "scheme_code")
    whole = names.group_by(pl.exclude("scheme_code", "value")).agg(
        scheme_code=pl.lit("full_name"), value=pl.col("value").str.join(" ")
    )
    columns = printed["identifiers"].columns
    expected = pl.concat([printed["identifiers"].filter(~is_name), whole.select(columns)]).sort(pl.all())
    assert made["identifiers"].equals(expected)


def test_documents_in_files_of_their_own_say_what_those_of_one_file_say(tmp_path, keys, monkeypatch):
    feed = VENDORS / "json_resume" / "json_resume_candidates.yaml"
    lines = tmp_path / "lines" / "exports" / "json_resume" / "resumes_2026-09.ndjson"
    json_resume.write_resumes(PLAN, company().hiring, DELIVERY, lines.parents[1])
    told = lines.read_text().splitlines()[:3]
    lines.write_text("\n".join(told))
    folder = tmp_path / "files" / "exports" / "json_resume" / "resumes" / "2026-09"
    folder.mkdir(parents=True)
    for number, line in enumerate(told):
        (folder / f"{number}.json").write_text(json.dumps(json.loads(line), indent=2))
    text = feed.read_text()
    advice = yaml.safe_load("".join(re.findall(r"(?m)^#(   .*\n)", text)))
    (tmp_path / feed.name).write_text(yaml.safe_dump(yaml.safe_load(text) | advice, sort_keys=False))
    made = canonical(tmp_path / "files", [tmp_path / feed.name], monkeypatch)
    expected = canonical(tmp_path / "lines", [feed], monkeypatch)
    assert len(made["candidates"]) == len(made["resumes"]) == 3
    assert made.keys() == expected.keys()
    assert all(made[table].equals(expected[table]) for table in made.keys() & TABLES.keys())


def test_a_document_of_json_resume_becomes_a_text_without_who_it_is(tmp_path, keys, monkeypatch):
    said = json_resume.resume(ROW, ABOUT)
    said["basics"]["name"] = "Zoë B O'Brien Ng"
    said["basics"]["summary"] = (
        "Zoë O'Brien leads teams, has a plan B for Ng, and ZOË writes from zoe42@example.org. She was born in 1980."
    )
    said["work"][0]["highlights"] = ["Cut costs by a third", "Led seven people"]
    said["education"][0]["endDate"] = "2012-05"
    said["references"] = [{"name": "Ann Referee", "reference": "Splendid"}]
    folder = tmp_path / "j" / "exports" / "json_resume"
    folder.mkdir(parents=True)
    lines = [
        said,
        {"basics": {}, "meta": said["meta"] | {"canonical": "https://careers.company.example/resumes/C-000043"}},
    ]
    (folder / "resumes_2026-09.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = canonical(tmp_path / "j", [VENDORS / "json_resume" / "json_resume_candidates.yaml"], monkeypatch)
    ((text, count, status, hidden),) = (
        made["resumes"].select("text", "char_count", "status_code", "hidden_text_share").rows()
    )
    assert text.split("\n") == [
        "Data Analyst",
        "",
        "Summary",
        "[NAME] leads teams, has a plan B for [NAME], and [NAME] writes from [EMAIL]. [PRONOUN] was [BIRTH_DATE].",
        "",
        "Experience",
        "Alder Group, Data Analyst, 2014-05",
        "Cut costs by a third",
        "Led seven people",
        "",
        "Education",
        "[GRADUATION_YEAR], City College, Master of Science",
        "",
        "Skills",
        "sql",
        "r",
        "",
        "Languages",
        "Fluent, English",  # of a member, by the names of its fields
    ]
    assert (count, status, hidden) == (len(text), "ok", None)


@pytest.mark.parametrize(
    ("version", "below"),
    [
        (2, ["Alder Group", "current, 2014-05, Data Analyst", "", "Education", "City College", "Master of Science"]),
        (3, ["Alder Group", "Data Analyst, 2014-05"]),
    ],
)
def test_a_candidate_of_hr_xml_becomes_a_text_without_who_it_is(tmp_path, keys, monkeypatch, version, below):
    one = {2: hr_xml.candidate_2, 3: hr_xml.candidate_3}[version](ROW, ABOUT)
    folder = tmp_path / "h" / "exports" / "hr_xml"
    folder.mkdir(parents=True)
    head, tail = {2: (hr_xml.HEAD_2, hr_xml.TAIL_2), 3: (hr_xml.HEAD_3, hr_xml.TAIL_3)}[version]
    (folder / f"candidates_v{version}_2026-09.xml").write_text(f"{head.format('2026-09-30T23:59:59')}{one}{tail}")
    made = canonical(tmp_path / "h", [VENDORS / "hr_xml" / f"hr_xml_v{version}_candidates.yaml"], monkeypatch)
    (text,) = made["resumes"]["text"]
    assert text.split("\n") == ["Experience", *below, "", "Skills", "sql", "r"]


def test_a_document_of_json_resume_is_as_its_schema_says():
    said = json_resume.resume(ROW, ABOUT)
    assert json.loads(json.dumps(said["basics"])) == {
        "name": "Zoë O'Brien & Co",
        "label": "Data Analyst",
        "image": "",
        "email": "zoe42@example.org",
        "phone": "+49 555 000 0042",
        "location": {"city": "Lindau", "countryCode": "DE"},
        "profiles": [],
    }
    assert said["work"] == [
        {"name": "Alder Group", "position": "Data Analyst", "startDate": "2014-05", "highlights": []}
    ]
    assert said["skills"] == [{"name": "sql", "keywords": []}, {"name": "r", "keywords": []}]
    assert said["meta"] == {
        "canonical": "https://careers.company.example/resumes/C-000042",
        "version": "v1.0.0",
        "lastModified": "2021-06-01T08:00:00",
    }
    assert not {"C-000042", "Referral"} & {str(value) for value in said["basics"].values()}


def parsed(head: str, record: str, tail: str) -> ET.Element:
    return ET.fromstring(f"{head.format('2026-09-30T23:59:59')}{record}{tail}".encode())  # noqa: S314 - our own


def test_a_candidate_of_hr_xml_2_has_ids_of_owners_and_dates_of_any_exactness():
    root = parsed(hr_xml.HEAD_2, hr_xml.candidate_2(ROW, ABOUT), hr_xml.TAIL_2)
    info = root.find(f"{TWO}Candidate/{TWO}CandidateRecordInfo")
    assert [(it.get("idOwner"), it[0].get("name"), it[0].text) for it in info.findall(f"{TWO}Id")] == [
        ("Company", "Number", "C-000042"),
        ("Payroll", "Number", "000007"),
    ]
    assert root.find(f".//{TWO}FamilyName").text == "O'Brien & Co"
    assert [(it.tag, it.text) for it in root.find(f".//{TWO}StartDate")] == [(f"{TWO}YearMonth", "2014-05")]
    assert [(it.tag, it.text) for it in root.find(f".//{TWO}EndDate")] == [(f"{TWO}StringDate", "current")]
    assert [it.get("name") for it in root.iter(f"{TWO}Competency")] == ["sql", "r"]
    assert root.findtext(f".//{TWO}UserArea/{TWO}Created") == ROW["Created_Moment"]


def test_a_candidate_of_hr_xml_3_has_ids_of_schemes_and_channels():
    root = parsed(hr_xml.HEAD_3, hr_xml.candidate_3(ROW, ABOUT), hr_xml.TAIL_3)
    assert root.tag == f"{THREE}ShowCandidate"
    one = root.find(f"{THREE}DataArea/{THREE}Candidate")
    number = one.find(f"{THREE}DocumentID")
    assert (number.get("schemeID"), number.text) == ("Candidate", "C-000042")
    assert one.find(f"{THREE}AlternateDocumentID").text == "000007"
    assert one.find(f".//{OA}GivenName").text == "Zoë"
    ways = [[it.text for it in way.iter() if it.text] for way in one.iter(f"{THREE}Communication")]
    assert ways == [["Telephone", "+49 555 000 0042"], ["Email", "zoe42@example.org"], ["Lindau", "DE"]]
    assert "AlternateDocumentID" not in hr_xml.candidate_3(ROW | {"Employee_ID": None}, ABOUT)


@pytest.mark.parametrize("version", [2, 3])
def test_two_ways_to_reach_somebody_are_no_guess(tmp_path, version):
    one = {2: hr_xml.candidate_2, 3: hr_xml.candidate_3}[version](ROW, ABOUT)
    way = {
        2: f"<InternetEmailAddress>{ROW['Email']}</InternetEmailAddress>",
        3: f"<Communication><ChannelCode>Email</ChannelCode><oa:URI>{ROW['Email']}</oa:URI></Communication>",
    }[version]
    assert one.count(way) == 1
    assert faults(version, one, tmp_path / "one") == {}
    assert faults(version, one.replace(way, way * 2), tmp_path / "two") == {"undeclared_list": 1}


def faults(version: int, record: str, folder: Path) -> dict[str, int]:
    """Rows that cannot be used of a file of one candidate, read as its feed says."""
    head, tail = {2: (hr_xml.HEAD_2, hr_xml.TAIL_2), 3: (hr_xml.HEAD_3, hr_xml.TAIL_3)}[version]
    data = f"{head}{record}{tail}".encode()
    folder.mkdir()
    (folder / "in").write_bytes(data)
    feed = feeds.load(VENDORS / "hr_xml")[f"hr_xml_v{version}_candidates"]
    unit = Unit("u", feed.name, "in", "0" * 64, len(data), {"period": "2026-09"}, "")
    return dict(read_file(folder / "in", folder, feed, unit).faults)
