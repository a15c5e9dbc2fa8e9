"""Job history of BambooHR, which stands in two tables without ends, and pay, which stands in a third."""

from datetime import UTC, date

import polars as pl
import pytest

from infra.sample import careers
from infra.sample.careers import Slice
from infra.sample.vendors import bamboohr_history, workday_history, workday_pay
from pipelines.base.contracts import TABLES
from pipelines.base.pseudonyms import pseudonym
from pipelines.ingest.map import FILTERED
from tests.vendors.printed import VENDORS, canonical

FEEDS = [VENDORS / "bamboohr" / f"bamboohr_{name}.yaml" for name in ("job_history", "job_info", "records")]
PAY = [VENDORS / "bamboohr" / f"bamboohr_{name}.yaml" for name in ("pay", "records")]
UNTOLD = ("known_from", "known_from_basis", "event_code", "event_reason_code", "manager_person_id")
"""When it was known is observed; there are no codes of what happened, and managers of former days are names."""


def jobs(folder, monkeypatch, period="2024-03"):
    """What BambooHR's tables of a month become, and why some of it did not."""
    bamboohr_history.write_history(careers.cut(period), folder / "exports")
    made = canonical(folder, FEEDS, monkeypatch)
    return made["worker_history"], made[FILTERED]


def of(number: str) -> str:
    return pseudonym(bytes.fromhex("11" * 32), "assignment", pl.Series([number]), "j")[0]


@pytest.mark.parametrize("period", ["2024-01", "2024-02", "2024-03"])
def test_slices_of_two_tables_are_those_that_workday_tells(keys, tmp_path, monkeypatch, period):
    made, left_out = jobs(tmp_path / "b", monkeypatch, period)
    assert set(made.columns) == {*TABLES["worker_history"].schema, "known_from", "known_from_basis"}
    assert made.select(UNTOLD[2:]).null_count().row(0) == (len(made),) * 3
    end = careers.cut(period).end.item().replace(tzinfo=UTC)
    assert {(basis, (end - moment).total_seconds() < 1) for moment, basis in made.select(UNTOLD[:2]).rows()} == {
        ("observed", True)
    }
    workday_history.write_history(careers.cut(period), tmp_path / "w" / "exports")
    theirs = canonical(tmp_path / "w", [VENDORS / "workday" / "workday_job_history.yaml"], monkeypatch)
    # Who was hired again and who came from another company have records of their own, which begin with a hire.
    is_hire = pl.col("assignment_key").is_in([of("000107-2"), of("000110-2")])
    event = pl.when(is_hire).then(pl.lit("hire")).otherwise(pl.col("event_type_code"))
    expected = theirs["worker_history"].with_columns(event_type_code=event).drop(UNTOLD)
    assert made.drop(UNTOLD).sort(pl.all()).equals(expected.sort(pl.all()))
    said = dict(left_out["reason_code"].value_counts().iter_rows())
    assert said["contract_over"] == 1, "the first contract of who went to another company"


def test_whose_a_record_is_its_own_feed_says(keys, tmp_path, monkeypatch):
    """Or an erasure would pass it by."""
    bamboohr_history.write_history(careers.cut("2024-03"), tmp_path / "exports")
    made = canonical(tmp_path, FEEDS, monkeypatch)
    people = made["identifiers"].unique()
    assert set(people["person_id"]) == set(made["worker_history"]["person_id"])
    assert sorted(people["value"]) == sorted({one.person for one in careers.CAST})


def test_what_happened_is_the_difference_to_the_slice_before(keys, tmp_path, monkeypatch):
    """One record: a leave, a way down, another place, an end, and hired again half the time; by hand."""
    steps = [
        ("2020-01-06", "2020-12-31", "active", {}),
        ("2021-01-01", "2021-03-31", "leave", {}),
        ("2021-04-01", "2021-06-30", "active", {"grade": "P2"}),  # back, and a level lower on the same day
        ("2021-07-01", "2021-08-31", "active", {"grade": "P1"}),
        ("2021-09-01", "2021-12-31", "active", {"grade": "P1", "location": "Neustadt"}),
        ("2022-01-01", "2022-05-31", "terminated", {"grade": "P1", "location": "Neustadt"}),
        ("2022-06-01", "2022-08-31", "active", {"grade": "P1", "location": "Neustadt", "fte": "0.5"}),
        ("2022-09-01", None, "active", {"grade": "X9", "location": "Neustadt", "fte": "0.5"}),
    ]
    told = [Slice("000120", 1, day, last, "hire", "", "2020-01-06", status=at, **more) for day, last, at, more in steps]
    monkeypatch.setattr(careers, "CAST", told)
    made, _ = jobs(tmp_path, monkeypatch)
    columns = ["valid_from", "valid_to", "seq_in_day", "event_type_code", "employment_status_code", "grade_code", "fte"]
    assert made.sort("valid_from").select(columns).rows() == [
        (date(2020, 1, 6), date(2021, 1, 1), 0, "hire", "active", "P3", 1.0),
        (date(2021, 1, 1), date(2021, 4, 1), 0, "leave_start", "leave_unpaid", "P3", 1.0),
        (date(2021, 4, 1), date(2021, 7, 1), 0, "leave_end", "active", "P2", 1.0),
        (date(2021, 7, 1), date(2021, 9, 1), 0, "demotion", "active", "P1", 1.0),
        (date(2021, 9, 1), date(2022, 1, 1), 0, "transfer", "active", "P1", 1.0),
        (date(2022, 1, 1), date(2022, 6, 1), 0, "termination", "terminated", "P1", 1.0),
        (date(2022, 6, 1), date(2022, 9, 1), 0, "rehire", "active", "P1", 0.5),
        (date(2022, 9, 1), None, 0, "job_change", "active", "X9", 0.5),
    ]


def test_rows_are_what_bamboohr_would_send():
    mine = [one for one in careers.CAST if one.assignment == "000102-1"]
    assert list(bamboohr_history.rows(mine, bamboohr_history.status)) == [
        {"employeeId": "1021", "date": "2021-05-03", "employmentStatus": "Full-Time"}
    ]
    infos = list(bamboohr_history.rows(mine, bamboohr_history.info))
    assert [(row["date"], row["customUnit"], row["customLevel"]) for row in infos] == [
        ("2021-05-03", "ORG-000001", "P2"),
        ("2023-09-01", "ORG-000002", "P2"),
        ("2023-09-01", "ORG-000002", "P3"),
    ]


@pytest.mark.parametrize(("period", "count"), [("2024-01", 7), ("2024-02", 8)])
def test_pay_is_what_workday_tells(keys, tmp_path, monkeypatch, period, count):
    assert bamboohr_history.write_pay(careers.cut(period), tmp_path / "b" / "exports") == count
    made = canonical(tmp_path / "b", PAY, monkeypatch)["base_pay"]
    workday_pay.write_pay(careers.cut(period), tmp_path / "w" / "exports")
    theirs = canonical(tmp_path / "w", [VENDORS / "workday" / "workday_pay.yaml"], monkeypatch)["base_pay"]
    assert set(made["known_from_basis"]) == {"observed"}
    assert made.drop(UNTOLD[:2]).sort(pl.all()).equals(theirs.drop(UNTOLD[:2]).sort(pl.all()))
