"""The catalogue of jobs and the units of a company, whichever vendor printed them."""

from datetime import UTC, date, datetime

import polars as pl
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


UNITS = {
    "workday": ["workday_organizations"],
    "successfactors": [f"successfactors_{name}" for name in ("departments", "companies", "cost_centers", "locations")],
}
COUNTS = {"2024-01": 8, "2024-02": 9, "2024-03": 10}
"""Slices, by hand: one a unit, two of the closed one; in February another of the first, in March of the second."""


def units(vendor, period, folder, monkeypatch):
    """What a vendor's units of a month become."""
    assert WRITERS[vendor].write_units(careers.cut(period), folder / "exports") == COUNTS[period]
    return canonical(folder, [VENDORS / vendor / f"{name}.yaml" for name in UNITS[vendor]], monkeypatch)["org_units"]


@pytest.mark.parametrize("period", COUNTS)
def test_units_of_workday_and_of_successfactors_are_the_same(keys, tmp_path, monkeypatch, period):
    ours, theirs = (units(vendor, period, tmp_path / vendor, monkeypatch) for vendor in WRITERS)
    assert set(ours.columns) == {*TABLES["org_units"].schema, "known_from", "known_from_basis"}
    assert len(ours) == COUNTS[period]
    assert ours.equals(theirs)


@pytest.mark.parametrize("vendor", WRITERS)
def test_a_unit_is_what_was_written_down_by_hand_and_of_nobody(keys, tmp_path, monkeypatch, vendor):
    made = units(vendor, "2024-03", tmp_path, monkeypatch)
    text = made.write_csv()
    printed = b"".join(file.read_bytes() for file in (tmp_path / "exports" / vendor).iterdir()).decode()
    for told in ("Quinn", "Bo Lang", "000103"):
        assert told in printed
        assert told not in text
    above = ["org_type_code", "org_unit_code", "valid_from", "valid_to", "is_active"]
    above += ["parent_type_code", "parent_unit_code"]
    first, closed = date(2016, 1, 1), date(2023, 1, 1)
    assert made.sort(above[:3]).select(above).rows() == [
        ("company", "COMP-US", date(2010, 1, 1), None, True, None, None),
        ("cost_center", "ORG-000003", first, None, True, None, None),
        ("department", "ORG-000000", date(2010, 1, 1), None, True, None, None),
        ("department", "ORG-000001", date(2012, 4, 1), date(2024, 1, 1), True, "department", "ORG-000000"),
        ("department", "ORG-000001", date(2024, 1, 1), None, True, "department", "ORG-000002"),
        ("department", "ORG-000002", date(2015, 7, 1), date(2024, 3, 15), True, "department", "ORG-000000"),
        ("department", "ORG-000002", date(2024, 3, 15), None, True, "department", "ORG-000001"),
        ("department", "ORG-000003", first, closed, True, "department", "ORG-000002"),
        ("department", "ORG-000003", closed, None, False, "department", "ORG-000002"),
        ("location", "Riverton", date(2010, 1, 1), None, True, "company", "COMP-US"),
    ]
    places = ["country_code", "subdivision_code", "time_zone_code", "currency_code"]
    about = made.filter(pl.col("org_type_code").is_in(["company", "location"])).sort("org_type_code").select(places)
    assert about.rows() == [("US", None, None, "USD"), ("US", "US-WY", "America/Denver", None)]
