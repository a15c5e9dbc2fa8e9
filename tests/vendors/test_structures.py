"""The catalogue of jobs, whichever vendor printed it."""

from datetime import UTC, date, datetime

import pytest

from infra.sample import careers
from infra.sample.cast import TITLE
from infra.sample.vendors import successfactors_structures, workday_structures
from pipelines.base.contracts import TABLES
from tests.vendors.printed import VENDORS, canonical

PERIODS = {"2024-01": 3, "2024-02": 4, "2024-03": 6}
"""Slices, by hand: three jobs; one more of the first; one more of the second, and a job to come."""
WRITERS = {"workday": workday_structures, "successfactors": successfactors_structures}


def jobs(vendor, period, folder, monkeypatch):
    """What a vendor's catalogue of a month becomes."""
    assert WRITERS[vendor].write_jobs(careers.cut(period), folder / "exports") == PERIODS[period]
    return canonical(folder, [VENDORS / vendor / f"{vendor}_jobs.yaml"], monkeypatch)["jobs"]


@pytest.mark.parametrize("period", PERIODS)
def test_jobs_of_workday_and_of_successfactors_are_the_same(keys, tmp_path, monkeypatch, period):
    ours, theirs = (jobs(vendor, period, tmp_path / vendor, monkeypatch) for vendor in WRITERS)
    assert set(ours.columns) == {*TABLES["jobs"].schema, "known_from", "known_from_basis"}
    assert len(ours) == PERIODS[period]
    assert ours.equals(theirs)


@pytest.mark.parametrize("vendor", WRITERS)
def test_a_job_is_what_was_written_down_by_hand(keys, tmp_path, monkeypatch, vendor):
    made = jobs(vendor, "2024-03", tmp_path, monkeypatch).sort("job_code", "valid_from")
    about = ["job_code", "valid_from", "valid_to", "is_active", "title", "known_from"]
    renamed = datetime(2024, 2, 12, 14, 15, tzinfo=UTC)
    late, old = datetime(2024, 3, 4, 14, 15, tzinfo=UTC), datetime(2021, 6, 15, 14, 15, tzinfo=UTC)
    assert made.select(about).rows() == [
        ("DATA-1", date(2024, 9, 1), None, True, "Datenanalystin", late),
        ("ENG-3", date(2015, 1, 1), date(2024, 1, 1), True, "Programmer", renamed),
        ("ENG-3", date(2024, 1, 1), None, True, "Backend Engineer", renamed),
        ("HR-5", date(2020, 1, 1), None, True, "Referent", old),
        ("OPS-2", date(2018, 5, 1), date(2024, 4, 1), True, TITLE, late),
        ("OPS-2", date(2024, 4, 1), None, False, TITLE, late),
    ]
    places = ["job_family_code", "job_family_group_code", "management_level_code", "grade_code", "eeo1_category_code"]
    assert made.select(places).rows() == [
        ("DATA", "TECH", "P", "P1", "professionals"),
        ("ENG", "TECH", "P", "P3", "professionals"),
        ("ENG", "TECH", "P", "P3", "professionals"),
        ("HR", None, None, None, None),
        ("OPS", "RUN", "P", "P2", "technicians"),
        ("OPS", "RUN", "P", "P2", "technicians"),
    ]
    elsewhere = ["soc_code", "onet_code", "isco08_code", "esco_code", "crosswalk_method_code"]
    esco = "http://data.europa.eu/esco/occupation/f2b15a0e-e65a-438a-affb-29b9d50b77d1"
    nothing = (None, None, None, None, "none")
    assert made.select(elsewhere).rows() == [
        ("15-2051", "15-2051.01", None, None, "source"),
        nothing,
        ("15-1252", "15-1252.00", "2512", esco, "source"),
        (None, None, "24", None, "source"),
        nothing,
        nothing,
    ]
    assert made["description"].to_list() == [None, None, "Builds what runs behind our pages.", None, None, None]
