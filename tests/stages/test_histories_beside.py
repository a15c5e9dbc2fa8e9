"""BambooHR's job history is two tables: what one says is nothing without the other, whenever each of them arrives."""

import contextlib
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from pipelines.base import forgotten
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as ingest
from pipelines.ingest.batch import Batch
from pipelines.privacy.landing import erase
from tests.kills.roads import nothing_failed

VENDOR = Path(__file__).parents[2] / "feeds" / "vendors" / "bamboohr"
NUMBER = "000102"
RECORDS = {
    "fields": [],
    "employees": [{"id": "1021", "employeeNumber": NUMBER, "customContract": f"{NUMBER}-1", "customIsMain": "Yes"}],
}


def statuses(*rows):
    return [
        {"id": str(n), "employeeId": "1021", "date": day, "employmentStatus": said}
        for n, (day, said) in enumerate(rows)
    ]


def jobs(*rows):
    same = {"department": "Engineering", "division": "USA", "location": "X", "customUnit": "O1", "customJobCode": "J"}
    same |= {"customShare": "100", "reportsTo": "Bob Boss"}
    return [
        {"id": str(n), "employeeId": "1021", "date": day, "jobTitle": title, "customLevel": level, **same}
        for n, (day, title, level) in enumerate(rows)
    ]


FULL = statuses(("2020-01-01", "Full-Time"))
JANUARY = jobs(("2020-01-01", "Developer", "P1"))
FEBRUARY = jobs(("2020-01-01", "Developer", "P1"), ("2026-02-10", "Senior", "P2"))


@pytest.fixture
def company(store, keys, tmp_path, monkeypatch):
    """Takes a batch of files in; why files of the history are held."""
    del keys
    exports, feeds = tmp_path / "exports" / "bamboohr", tmp_path / "feeds"
    exports.mkdir(parents=True)
    feeds.mkdir()
    for name in ("job_history", "job_info", "records"):
        shutil.copy(VENDOR / f"bamboohr_{name}.yaml", feeds)
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_FEEDS", str(feeds))
    monkeypatch.setattr(ingest, "validator", lambda: contextlib.nullcontext(nothing_failed))  # ten seconds

    def arrive(batch, **files):
        for name, content in files.items():
            kind, _, month = name.rpartition("_")
            (exports / f"{kind}_2026-{month}.json").write_text(json.dumps(content))
        ingest.run(Batch(store, batch), None)
        planned = Batch(store, batch)
        return {unit.feed: held["reason_code"] for unit in planned.units() if (held := planned.held(unit))}

    return arrive


def slices(store):
    """(first day, title, month in which it was known)."""
    lake = Lake(store)
    found = lake.scan("worker_history", lake.require()).select("valid_from", "business_title", "known_from").collect()
    return sorted((day, title, known.month) for day, title, known in found.rows())


def test_a_change_in_one_table_is_told_though_the_other_has_the_bytes_of_last_month(company, store):
    company("one", employmentStatus_01=FULL, jobInfo_01=JANUARY, employees_01=RECORDS)
    assert company("two", employmentStatus_02=FULL, jobInfo_02=FEBRUARY, employees_02=RECORDS) == {}
    assert slices(store) == [
        (date(2020, 1, 1), "Developer", 1),
        (date(2020, 1, 1), "Developer", 2),  # it ends now
        (date(2026, 2, 10), "Senior", 2),
    ]


def test_a_history_waits_for_the_table_beside_it_and_comes_up_by_itself(company, store):
    company("one", employmentStatus_01=FULL, jobInfo_01=JANUARY, employees_01=RECORDS)
    left = statuses(("2020-01-01", "Full-Time"), ("2026-02-20", "On Leave"))
    assert company("two", employmentStatus_02=left) == {"bamboohr_job_history": "joined_file_held"}
    assert len(slices(store)) == 1
    assert company("three", jobInfo_02=FEBRUARY, employees_02=RECORDS) == {}
    assert {(day, known) for day, _, known in slices(store)} >= {(date(2026, 2, 10), 2), (date(2026, 2, 20), 2)}


def test_nothing_is_known_before_it_was_told(company, store):
    held = company("one", employmentStatus_01=FULL, jobInfo_02=FEBRUARY, employees_01=RECORDS)
    assert held == {"bamboohr_job_history": "joined_file_held"}
    lake = Lake(store)
    assert "worker_history" not in (lake.manifest().tables if lake.manifest() else {})


def test_a_table_that_is_again_as_it_was_counts_as_it_is(company, store):
    company("one", employmentStatus_01=FULL, jobInfo_01=JANUARY, employees_01=RECORDS)
    company("two", employmentStatus_02=FULL, jobInfo_02=FEBRUARY, employees_02=RECORDS)
    left = statuses(("2020-01-01", "Full-Time"), ("2026-03-05", "On Leave"))
    assert company("three", employmentStatus_03=left, jobInfo_03=JANUARY, employees_03=RECORDS) == {}
    told = {(day, title) for day, title, known in slices(store) if known == 3}
    assert told == {(date(2020, 1, 1), "Developer"), (date(2026, 3, 5), "Developer")}, "not the job that was taken back"


def test_a_replay_tells_of_each_delivery_of_a_name_what_it_said(company, store):
    """On leave from May by the first, corrected to July: no slice may end where only the other one has a day."""
    first = statuses(("2020-01-01", "Full-Time"), ("2025-05-01", "On Leave"))
    second = statuses(("2020-01-01", "Full-Time"), ("2025-07-01", "On Leave"))
    company("one", employmentStatus_01=first, jobInfo_01=JANUARY, employees_01=RECORDS)
    company("two", employmentStatus_01=second)
    before = slices(store)
    assert {day for day, _, _ in before} == {date(2020, 1, 1), date(2025, 5, 1), date(2025, 7, 1)}
    ingest.run(Batch(store, "again"), "bamboohr_job_history")
    lake = Lake(store)
    found = lake.scan("worker_history", lake.require()).select("valid_from", "valid_to").collect().rows()
    assert (date(2025, 5, 1), date(2025, 7, 1)) not in found, "no file ever said so"


def test_a_certificate_names_the_tables_that_only_others_look_up(company, store):
    company("one", employmentStatus_01=FULL, jobInfo_01=JANUARY, employees_01=RECORDS)
    unsearched = erase(store, forgotten.group(store, (), [("workday_worker", NUMBER)]), lambda *_: None)
    assert {key.split("/")[1] for key in unsearched} >= {"bamboohr_job_history", "bamboohr_job_info"}
