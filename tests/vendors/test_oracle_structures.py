"""What Oracle's reports tell beside people: the catalogue of jobs, units and places, and what is paid."""

from datetime import UTC

import polars as pl
import pytest

from infra.sample import careers
from infra.sample.vendors import workday_pay, workday_structures
from infra.sample.vendors.oracle import report_structures
from tests.vendors.printed import VENDORS, canonical

KNOWN = ("known_from", "known_from_basis")
PRINTED = {
    "jobs": ("jobs", "oracle_bip_jobs", "workday_jobs"),
    "org_units": ("units", "oracle_bip_organizations", "workday_organizations"),
    "base_pay": ("pay", "oracle_bip_pay", "workday_pay"),
}
"""Table -> what is written, and the feeds that read it."""
WORKDAY = {"jobs": workday_structures, "org_units": workday_structures, "base_pay": workday_pay}


@pytest.mark.parametrize("period", ["2024-01", "2024-03"])
@pytest.mark.parametrize("table", PRINTED)
def test_rows_of_a_report_are_those_of_workday_but_for_when_they_were_known(keys, tmp_path, monkeypatch, table, period):
    written, ours, theirs = PRINTED[table]
    cut = careers.cut(period)
    count = getattr(report_structures, f"write_{written}")(cut, tmp_path / "o" / "exports")
    made = canonical(tmp_path / "o", [VENDORS / "oracle" / f"{ours}.yaml"], monkeypatch)[table]
    assert getattr(WORKDAY[table], f"write_{written}")(cut, tmp_path / "w" / "exports") == count
    other = canonical(tmp_path / "w", [VENDORS / "workday" / f"{theirs}.yaml"], monkeypatch)[table]
    assert len(made) == count
    assert made.drop(KNOWN).sort(pl.all()).equals(other.drop(KNOWN).sort(pl.all()))
    ((moment, basis),) = made.select(KNOWN).unique().rows()
    assert basis == "observed"
    assert 0 < (cut.end.item().replace(tzinfo=UTC) - moment).total_seconds() < 1


def test_rows_are_what_oracle_would_send():
    told = {one.code: report_structures.salary(one) for one in report_structures.pay.CAST}
    assert told["000110-2"] == {
        "PERSON_NUMBER": "000110",
        "ASSIGNMENT_NUMBER": "E000110-2",
        "DATE_FROM": "2022-01-01T00:00:00.000+00:00",
        "DATE_TO": "4712-12-31T00:00:00.000+00:00",
        "SEQUENCE_OF_DAY": "1",
        "SALARY_AMOUNT": ".3333",
        "CURRENCY_CODE": "EUR",
        "SALARY_FREQUENCY": "BIWEEKLY",
        "WEEKLY_HOURS": None,
    }
