"""What candidates of the sample company tell of their past, as JSON Resume, SuccessFactors and Oracle print it."""

import json
from collections.abc import Iterator

import polars as pl
import pytest

from infra.sample import names, workday
from infra.sample.vendors import json_resume, successfactors_recruiting
from infra.sample.vendors.oracle import profiles
from infra.sample.vendors.profiles import Profile, profile
from pipelines.base.contracts import TABLES
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, canonical, company

KEY = bytes.fromhex("11" * 32)
LEVELS = {
    "Bachelor of Arts": "bachelor",
    "Bachelor of Science": "bachelor",
    "Master of Science": "master",
    "Vocational diploma": "vocational",
    "High school diploma": "secondary",
}
WRITERS = {
    "json_resume": (json_resume.write_resumes, ["json_resume_candidates", "json_resume_profile_items"]),
    "successfactors": (
        successfactors_recruiting.write_candidates,
        ["successfactors_candidates", "successfactors_profile_items"],
    ),
    "oracle": (profiles.write_profiles, ["oracle_bip_candidates", "oracle_bip_profile_items"]),
}


def told() -> list[tuple[workday.Row, Profile]]:
    """What the company knows of each candidate."""
    candidates = company().hiring.candidates
    rows = workday.candidate_rows(PLAN, company().hiring, DELIVERY, set())
    return [(row, profile(candidates, row)) for row in rows]


def jobs_and_degrees(about: Profile, number: str, *, is_day: bool) -> Iterator[tuple[object, ...]]:
    since = f"{about.since}-01-01"[:10] if is_day else about.since
    yield (number, "experience", about.title, None, since, None, True)
    yield (number, "education", about.degree, LEVELS[about.degree], None, None, None)


def frame(rows: list[tuple[object, ...]], scheme: str) -> pl.DataFrame:
    columns = ["number", "item_type_code", "title", "degree_level_code", "started_code", "ended_code", "is_current"]
    schema = {**dict.fromkeys(columns[:6], pl.String), "is_current": pl.Boolean}
    made = pl.DataFrame(rows, schema=schema, orient="row")
    return made.with_columns(person_id=pseudonym(KEY, scheme, made["number"], "p")).drop("number")


def read(vendor, folder, monkeypatch) -> dict[str, pl.DataFrame]:
    write, feeds = WRITERS[vendor]
    write(PLAN, company().hiring, DELIVERY, folder / "exports")
    return canonical(folder, [VENDORS / vendor / f"{name}.yaml" for name in feeds], monkeypatch)


@pytest.mark.parametrize("vendor", WRITERS)
def test_jobs_and_degrees_are_what_the_candidates_told(keys, tmp_path, monkeypatch, vendor):
    made = read(vendor, tmp_path, monkeypatch)
    items = made["profile_items"]
    assert set(items.columns) == {*TABLES["profile_items"].schema, "known_from", "known_from_basis"}
    number = successfactors_recruiting.number if vendor == "successfactors" else str
    is_day = vendor != "json_resume"
    rows = [one for row, about in told() for one in jobs_and_degrees(about, number(row["Candidate_ID"]), is_day=is_day)]
    expected = frame(rows, "workday_candidate")
    both = items.filter(pl.col("item_type_code").is_in(["experience", "education"])).select(expected.columns)
    assert both.sort(pl.all()).equals(expected.sort(pl.all()))
    assert {*items["extraction_method_code"]} == {"source_structured"}
    known = made["candidates"].select("person_id", pl.col("known_from").alias("candidate"))
    assert (
        items.join(known, on="person_id")
        .select(
            is_then=((pl.col("told_at") == pl.col("candidate")) & (pl.col("known_from") == pl.col("candidate"))).all()
        )
        .item()
    )


@pytest.mark.parametrize("vendor", ["json_resume", "oracle"])
def test_skills_and_languages_are_what_the_candidates_told(keys, tmp_path, monkeypatch, vendor):
    items = read(vendor, tmp_path, monkeypatch)["profile_items"]
    rows: list[tuple[object, ...]] = []
    for row, about in told():
        rows += [(row["Candidate_ID"], "skill", skill, None, None, None, None) for skill in about.skills]
        rows.append((row["Candidate_ID"], "language", "English", None, None, None, None))
    expected = frame(rows, "workday_candidate")
    rest = items.filter(~pl.col("item_type_code").is_in(["experience", "education"])).select(expected.columns)
    assert rest.sort(pl.all()).equals(expected.sort(pl.all()))


@pytest.mark.parametrize("vendor", WRITERS)
def test_no_school_no_employer_and_no_year_of_study_is_told(keys, tmp_path, monkeypatch, vendor):
    made = read(vendor, tmp_path, monkeypatch)["profile_items"]
    printed = b"".join(file.read_bytes() for file in (tmp_path / "exports" / vendor).iterdir()).decode()
    cells = made.write_csv()
    for words in (*names.SCHOOLS, *names.EMPLOYERS):
        assert words not in cells
    assert any(school in printed for school in names.SCHOOLS)
    studied = made.filter(pl.col("item_type_code") == "education")
    assert studied.select("started_code", "ended_code", "is_current").null_count().row(0) == (len(studied),) * 3


def test_a_document_is_told_item_by_item_and_as_exactly_as_it_is(keys, tmp_path, monkeypatch):
    said = {
        "basics": {"name": "Zoë O'Brien"},
        "work": [
            {"name": "Alder Group", "position": "Clerk", "startDate": "2014-05", "endDate": "2016"},
            {"name": "O'Brien Consulting", "startDate": "2017-01-31"},
        ],
        "education": [{"institution": "City College", "studyType": "Magister", "startDate": "2010", "endDate": "2013"}],
        "certificates": [{"name": "Forklift", "date": "2019-02-01", "issuer": "City College"}],
        "projects": [{"name": "Archive", "startDate": "2020"}],
        "meta": {
            "canonical": "https://careers.company.example/resumes/C-000042",
            "lastModified": "2021-06-01T08:00:00",
        },
    }
    folder = tmp_path / "exports" / "json_resume"
    folder.mkdir(parents=True)
    (folder / "resumes_2026-09.ndjson").write_text(json.dumps(said) + "\n", encoding="utf-8")
    declared = [VENDORS / "json_resume" / f"{name}.yaml" for name in WRITERS["json_resume"][1]]
    made = canonical(tmp_path, declared, monkeypatch)
    about = ["item_type_code", "title", "degree_level_code", "started_code", "ended_code", "is_current"]
    assert made["profile_items"].select(about).sort("item_type_code").rows() == [
        ("certificate", "Forklift", None, None, None, None),
        ("education", "Magister", None, None, None, None),
        ("experience", "Clerk", None, "2014-05", "2016", False),
        ("project", "Archive", None, None, None, None),
    ]
    assert made[FILTERED]["reason_code"].to_list() == ["untitled"]
