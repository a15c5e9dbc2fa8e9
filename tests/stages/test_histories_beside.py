"""BambooHR's job history is two tables: what one says is nothing without the other, whenever each of them arrives."""

import contextlib
import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import PSEUDONYM_KEY, pseudonym, secret
from pipelines.ingest import __main__ as ingest
from pipelines.ingest.batch import Batch
from pipelines.privacy.forget import forget
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
            kind, _, month = name.partition("_")
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


@pytest.fixture
def dated(company, tmp_path):
    """The same with manifests that say when each file was written: file -> moment, run (or none) and content."""
    for name in ("job_history", "job_info", "records"):
        feed = tmp_path / "feeds" / f"bamboohr_{name}.yaml"
        text = feed.read_text().replace("extracted_at: {end_of: period}", "extracted_at: {manifest: true}")
        text = text.replace("jobInfo_(?P<period>\\d{4}-\\d{2})", "jobInfo_(?P<period>\\d{4}-\\d{2})(_(?P<page>\\d))?")
        feed.write_text(f"{text}ready: {{manifest: .man}}\n")

    def arrive(batch, **files):
        for name, (moment, run, content) in files.items():
            kind, month, *page = name.split("_")
            file = "_".join((kind, f"2026-{month}", *page)) + ".json"
            rows = content["employees"] if isinstance(content, dict) else content
            digest = sha256_bytes(json.dumps(content).encode())
            said = {"extracted_at": moment, "files": [{"name": file, "sha256": digest, "records": len(rows)}]}
            told = said | ({"run_id": run} if run else {})
            (tmp_path / "exports" / "bamboohr" / f"{file}.man").write_text(json.dumps(told))
        return company(batch, **{name: content for name, (*_, content) in files.items()})

    return arrive


@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize("run", ["42", None], ids=["by its name", "by the period"])
def test_files_of_one_run_are_one_export_beyond_midnight(dated, store, run, is_at_once):
    """Even where an export of before would say less."""
    before = ("2026-02-02T03:00:00Z", None)
    others = RECORDS | {"employees": [RECORDS["employees"][0] | {"id": "9", "employeeNumber": "000109"}]}
    dated("zero", employees_01=(*before, others), employmentStatus_01=(*before, FULL), jobInfo_01=(*before, JANUARY))
    files = {
        "employees_02": ("2026-03-02T00:00:04Z", run, RECORDS),
        "jobInfo_02": ("2026-03-02T00:00:03Z", run, FEBRUARY),
    }
    status = {"employmentStatus_02": ("2026-03-01T23:59:58Z", run, FULL)}
    for number, some in enumerate([files | status] if is_at_once else [files, status]):
        assert dated(f"b{number}", **some) == {}
    assert [title for _, title, _ in slices(store)] == ["Developer", "Senior"]


def test_a_file_of_another_run_is_of_another_export(dated):
    files = {
        "employees_02": ("2026-03-01T23:59:57Z", "42", RECORDS),
        "employmentStatus_02": ("2026-03-01T23:59:58Z", "42", FULL),
        "jobInfo_02": ("2026-03-02T00:00:03Z", "43", FEBRUARY),
    }
    assert dated("one", **files) == {"bamboohr_job_history": "joined_file_held"}


def test_a_file_of_days_later_is_of_another_run_though_the_number_is_the_same(dated):
    files = {
        "employees_02": ("2026-03-01T03:00:00Z", "42", RECORDS),
        "employmentStatus_02": ("2026-03-01T03:00:00Z", "42", FULL),
        "jobInfo_02": ("2026-03-02T03:00:01Z", "42", FEBRUARY),
    }
    assert dated("one", **files) == {"bamboohr_job_history": "joined_file_held"}


def test_pages_of_one_run_are_joined_together_by_what_has_no_manifest(dated, store, tmp_path):
    feed = tmp_path / "feeds" / "bamboohr_job_history.yaml"
    feed.write_text(feed.read_text().replace("extracted_at: {manifest: true}", "extracted_at: {end_of: period}"))
    pages = {f"jobInfo_02_{n}": (f"2026-02-28T03:00:0{n}Z", None, FEBRUARY[n - 1 : n]) for n in (1, 2)}
    of_run = ("2026-02-28T03:00:09Z", None)
    dated("one", employees_02=(*of_run, RECORDS), employmentStatus_02=(*of_run, FULL), **pages)
    assert [title for _, title, _ in slices(store)] == ["Developer", "Senior"]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_pages_of_one_run_are_joined_together(dated, store, is_at_once):
    pages = {f"jobInfo_02_{n}": (f"2026-03-01T03:00:0{n}Z", None, FEBRUARY[n - 1 : n]) for n in (1, 2)}
    status = {"employmentStatus_02": ("2026-03-01T03:00:09Z", None, FULL)}
    records = {"employees_02": ("2026-03-01T03:00:09Z", None, RECORDS)}
    for number, files in enumerate([pages | status | records] if is_at_once else [pages | records, status]):
        dated(f"b{number}", **files)
    assert [title for _, title, _ in slices(store)] == ["Developer", "Senior"]


def test_what_landed_before_manifests_said_when_is_read_again_with_what_they_said(dated, store, tmp_path):
    feeds = {path: path.read_text() for path in (tmp_path / "feeds").iterdir()}
    for path, text in feeds.items():
        path.write_text(text.replace("extracted_at: {manifest: true}", "extracted_at: {end_of: period}"))
    at = "2026-02-02T03:00:00Z"
    dated("one", employees_01=(at, None, RECORDS), employmentStatus_01=(at, None, FULL), jobInfo_01=(at, None, JANUARY))
    for path, text in feeds.items():
        path.write_text(text)
    batch = Batch(store, "again")
    ingest.run(batch, "bamboohr_job_history")
    (unit,) = batch.units()
    assert (batch.held(unit), unit.groups["extracted_at"]) == (None, "2026-02-02T03:00:00+00:00")


def test_nobody_is_hired_twice_nor_promoted_after_the_end(company, store):
    status = [
        ("2020-01-01", "Full-Time"),
        ("2021-01-01", ""),
        ("2022-01-01", "Part-Time"),
        ("2023-01-01", "Terminated"),
    ]
    infos = jobs(("2020-01-01", "Developer", "P1"), ("2023-02-01", "Senior", "P2"))
    company("one", employmentStatus_02=statuses(*status), jobInfo_02=infos, employees_02=RECORDS)
    lake = Lake(store)
    found = lake.scan("worker_history", lake.require()).select("valid_from", "event_type_code").collect()
    assert sorted(found.rows()) == [
        (date(2020, 1, 1), "hire"),
        (date(2022, 1, 1), "unknown"),
        (date(2023, 1, 1), "termination"),
        (date(2023, 2, 1), "data_change"),
    ]


UNDATED = [("2020-01-01", "Full-Time"), ("0000-00-00", "Terminated")]


@pytest.fixture
def workers(company, tmp_path):
    """The report that tells of workers, which looks both tables up."""
    for name in ("employment_status", "employees"):
        shutil.copy(VENDOR / f"bamboohr_{name}.yaml", tmp_path / "feeds")
    more = {"hireDate": "2020-01-01", "originalHireDate": "2020-01-01", "supervisorEId": "", "country": "Germany"}
    more |= {"lastChanged": "2026-01-10T08:00:00+00:00", "customLevel": "P1", "standardHoursPerWeek": "40"}
    return {"employees": [RECORDS["employees"][0] | more]}


@pytest.mark.parametrize(
    ("table", "files"),
    [
        ("employment_status", {"employmentStatus_01": statuses(*UNDATED), "jobInfo_01": JANUARY}),
        ("job_info", {"employmentStatus_01": FULL, "jobInfo_01": jobs(("2020-01-01", "A", "P1"), ("", "B", "P2"))}),
    ],
)
def test_who_left_on_no_day_is_neither_here_nor_gone_and_every_row_is_counted(company, store, workers, table, files):
    company("one", **files, employees_01=workers)
    counts = json.loads(store.read("reports/ingest/one.json"))["counts"]
    said = {name: (some["in"], some["accepted"], some["reasons"]) for name, some in counts.items()}
    assert said["bamboohr_employees"] == (1, 0, {f"undated_bamboohr_{table}": 1})
    undated = "job_history" if table == "employment_status" else table
    rows = len(files["employmentStatus_01"])
    assert said["bamboohr_job_history"] == (rows, 0, {f"undated_bamboohr_{undated}": rows})


def test_an_erasure_finds_a_person_in_tables_with_the_vendors_ids_alone(company, store):
    """Whoever comes after it with a row that is rejected does not come into quarantine either."""
    other = [{**row, "employeeId": "1022"} for row in JANUARY]
    status = [*FULL, *({**row, "employeeId": "1022"} for row in FULL)]
    named = {
        "employees": [*RECORDS["employees"], {**RECORDS["employees"][0], "id": "1022", "employeeNumber": "000103"}]
    }
    company("one", employmentStatus_01=status, jobInfo_01=[*JANUARY, *other], employees_01=named)
    one = pseudonym(secret(PSEUDONYM_KEY), "workday_worker", pl.Series([NUMBER]))[0]
    assert "0 objects" not in forget(store, one, "request")
    (certificate,) = store.list("reports/privacy")
    said = json.loads(store.read(certificate))
    assert said["unsearched"] == []
    rewritten = {item["object"].split("/")[1] for item in said["objects"] if item["object"].startswith("landing/")}
    assert rewritten == {"bamboohr_job_history", "bamboohr_job_info", "bamboohr_records"}
    undated = [{**row, "date": "0000-00-00"} for row in FEBRUARY]
    company("two", employmentStatus_02=FULL, jobInfo_02=undated, employees_02={"employees": named["employees"][1:]})
    counts = json.loads(store.read("reports/ingest/two.json"))["counts"]["bamboohr_job_history"]
    assert (counts["quarantined"], counts["reasons"]) == (0, {"forgotten": 1})
