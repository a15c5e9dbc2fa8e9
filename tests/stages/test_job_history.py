"""Three months of job history through the real ingest: what was valid when, as was known when, for every vendor.

The cast and what it lives through is told in `infra.sample.careers`; the answers here were worked out by hand.
"""

import contextlib
import json
import shutil
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest

from infra.sample import careers
from infra.sample.vendors import workday_history
from pipelines.base import known
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest.batch import scratch
from pipelines.privacy.forget import forget
from tests.kills.roads import nothing_failed
from tests.stages.forgotten_company import named, readable
from tests.unit.test_known_jobs import publish
from tests.vendors.test_job_history import FEEDS, PERIODS
from tests.vendors.test_job_history import WRITERS as ALL

NUMBERS = [f"{number:06d}" for number in range(101, 111)]
WHO = {named("workday_worker", number): number for number in NUMBERS}
PROMOTED = "000101"
WRITERS = {
    name: writer for name, writer in ALL.items() if name in ("workday", "successfactors", "oracle", "dated rows")
}
"""Others become the very rows of one of these, as the vendors' test says."""


@pytest.fixture
def company(keys, store, tmp_path, monkeypatch):
    """Feeds of a vendor, and everybody's consent. Great Expectations has no say where it is not asked for."""
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    publish(Lake(store), agreed=tuple(WHO))

    def declare(vendor: str, *, is_checked: bool = False) -> None:
        (tmp_path / "feeds").mkdir()
        for feed in FEEDS[vendor]:
            shutil.copy(feed, tmp_path / "feeds")
        if not is_checked:
            monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))

    return declare


def take_in(vendor: str, tmp_path, periods: Sequence[str]) -> None:
    for period in periods:
        WRITERS[vendor].write_history(careers.cut(period), tmp_path / "exports")
        assert command.main(["run", "--batch", f"of-{period}"]) == 0


def answers(store, on: str, by: str) -> dict[str, list[str]]:
    """Who has which jobs; a status other than active stands behind."""
    lake = Lake(store)
    found = known.jobs(lake, lake.require(), on=date.fromisoformat(on), known=date.fromisoformat(by))
    jobs: dict[str, list[str]] = {}
    rows = found.select("person_id", "job_code", "company_code", "employment_status_code").rows()
    for person, job, firm, status in rows:
        said = job + (" abroad" if firm == "COMP-DE" else "") + (f" {status}" if status != "active" else "")
        jobs.setdefault(WHO[person], []).append(said)
    return {person: sorted(found) for person, found in sorted(jobs.items())}


JANUARY = {
    "000101": ["ENG-3"],
    "000102": ["OPS-3"],
    "000103": ["ENG-3"],
    "000105": ["ENG-3"],
    "000106": ["FIN-2"],
    "000107": ["MKT-2 terminated", "MKT-3"],
    "000108": ["CARE-2", "HR-2"],
    "000109": ["ENG-3 leave_unpaid"],
    "000110": ["SALES-4 abroad"],
}
"""On its last day: who is hired in June is not there, who leaves in April and May is."""
LATER = {
    **JANUARY,
    "000104": ["DATA-1"],
    "000105": ["ENG-3 terminated"],
    "000106": ["FIN-2 terminated"],
    "000109": ["ENG-3"],
}
"""On the last day of June, as was known in January."""
LAST = LATER | {"000101": ["ENG-4"], "000105": ["ENG-3"]}
"""The same day, as was known in March."""
YEARS_AGO = {
    "000101": ["ENG-3"],
    "000102": ["OPS-2"],
    "000103": ["ENG-3"],
    "000105": ["ENG-3"],
    "000107": ["MKT-2"],
    "000109": ["ENG-3"],
    "000110": ["SALES-4"],
}
"""On the first of June 2021, as was known in March 2024."""


@pytest.mark.parametrize("periods", [PERIODS, PERIODS[::-1]], ids=["in order", "the newest first"])
@pytest.mark.parametrize("vendor", WRITERS)
def test_who_has_which_job_on_a_day_is_what_was_known_by_then(company, store, tmp_path, vendor, periods):
    company(vendor)
    take_in(vendor, tmp_path, periods)
    assert answers(store, "2024-01-31", "2024-01-31") == JANUARY
    assert answers(store, "2024-06-30", "2024-01-31") == LATER
    assert answers(store, "2024-01-31", "2024-02-29") == JANUARY | {"000101": ["ENG-4"]}
    assert answers(store, "2023-12-31", "2024-02-29") == JANUARY
    assert answers(store, "2024-06-30", "2024-02-29") == LATER | {"000101": ["ENG-4"]}
    assert answers(store, "2024-06-30", "2024-03-31") == LAST
    assert answers(store, "2024-06-02", "2024-03-31") == {name: told for name, told in LAST.items() if name != "000104"}
    assert answers(store, "2021-06-01", "2024-03-31") == YEARS_AGO
    assert answers(store, "2016-01-01", "2024-03-31") == {}


@pytest.mark.parametrize("vendor", ["oracle", "dated rows"])
def test_months_that_come_at_once_are_each_told_by_their_own_files(company, store, tmp_path, vendor):
    """What is looked up in a file of March is not told as if January had known it."""
    company(vendor)
    for period in PERIODS:
        WRITERS[vendor].write_history(careers.cut(period), tmp_path / "exports")
    assert command.main(["run", "--batch", "all"]) == 0
    assert answers(store, "2024-01-31", "2024-01-31") == JANUARY
    assert answers(store, "2024-06-30", "2024-01-31") == LATER
    assert answers(store, "2024-06-30", "2024-02-29") == LATER | {"000101": ["ENG-4"]}
    assert answers(store, "2024-06-30", "2024-03-31") == LAST


@pytest.mark.parametrize("vendor", WRITERS)
def test_a_promotion_entered_in_february_is_in_no_answer_for_january(company, store, tmp_path, vendor):
    """Asked about every week of five years, as known on the last days before it was."""
    company(vendor)
    take_in(vendor, tmp_path, PERIODS)
    entered = date(2024, 2, 29) if vendor in ("oracle", "dated rows") else date(2024, 2, 20)
    days = [date(2020, 1, 6) + timedelta(weeks=number) for number in range(0, 260, 8)] + [date(2024, 1, 31)]
    for by in (date(2024, 1, 31), entered - timedelta(days=1)):
        jobs = {job for on in days for job in answers(store, str(on), str(by)).get(PROMOTED, [])}
        assert jobs == {"ENG-3"}, by
    assert answers(store, "2024-01-01", str(entered))[PROMOTED] == ["ENG-4"]


def test_a_history_that_contradicts_itself_is_quarantined_and_one_with_a_hole_is_counted(company, store, tmp_path):
    """By Great Expectations itself."""
    company("workday", is_checked=True)
    workday_history.write_history(careers.cut("2024-01"), tmp_path / "exports")
    file = tmp_path / "exports" / "workday" / "HRML_Job_History_2024-01.json"
    told = json.loads(file.read_text())
    groups = {entry["Worker_ID"]: entry["Job_History_group"] for entry in told["Report_Entry"]}
    del groups["000106"][0]["End_Date"]  # employed and gone at once, from May on
    del groups["000109"][1]  # from the leave nothing is left
    file.write_text(json.dumps(told))
    assert command.main(["run", "--batch", "damaged"]) == 0
    report = json.loads(store.read("reports/ingest/damaged.json"))
    counts = report["counts"]["workday_job_history"]
    assert {name: counts[name] for name in ("in", "accepted", "quarantined")} == {
        "in": 10,
        "accepted": 9,
        "quarantined": 1,
    }
    assert counts["reasons"] == {"overlap": 1}
    said = {item["reason_code"]: (item["failed"], item["severity"]) for item in report["checks"]}
    assert (said["overlap"], said["gap"]) == ((2, "quarantine"), (2, "warn"))
    assert {code for code, (failed, _) in said.items() if failed} == {"overlap", "gap"}
    assert answers(store, "2024-01-31", "2024-01-31") == {
        name: jobs for name, jobs in JANUARY.items() if name not in ("000106", "000109")
    }
    assert answers(store, "2023-09-30", "2024-01-31")["000109"] == ["ENG-3"]


def test_the_months_after_are_checked_beside_what_the_lake_has(company, store, tmp_path):
    company("successfactors", is_checked=True)
    take_in("successfactors", tmp_path, PERIODS)
    for period in PERIODS:
        checks = json.loads(store.read(f"reports/ingest/of-{period}.json"))["checks"]
        assert {item["table"] for item in checks if item["level"] not in ("file", "raw")} == {"worker_history"}
        assert [item for item in checks if item["failed"]] == [], period
    rows = Lake(store).versions("worker_history", Lake(store).require())
    assert len(rows) == 20 + 2 + 1, "one slice closed and one begun in February, one reopened in March"
    left = [path for path in scratch(store).rglob("*.parquet") if "person_id" in pl.read_parquet_schema(path)]
    left += scratch(store).rglob("*.arrow")
    assert left == [], "what was laid beside the checks goes with the other cells of people"


def test_what_a_file_would_become_says_that_an_end_moves_by_a_day(company, tmp_path, capsys):
    company("workday")
    workday_history.write_history(careers.cut("2024-01"), tmp_path / "exports")
    file = tmp_path / "exports" / "workday" / "HRML_Job_History_2024-01.json"
    assert command.main(["check", "workday_job_history", str(file)]) == 0
    said = capsys.readouterr().out
    assert "End_Date of each member; date %Y-%m-%d, the day after: it is the last day" in said


def test_who_is_forgotten_has_no_history_of_jobs(company, store, tmp_path):
    company("workday")
    take_in("workday", tmp_path, PERIODS)
    person = named("workday_worker", "000107")
    key = known.jobs(Lake(store), Lake(store).require(), on=date(2024, 1, 1), known=date(2024, 3, 31))
    theirs = key.filter(person_id=person)["assignment_key"].to_list()
    assert len(theirs) == 2
    for text in (person, *theirs):
        assert text.encode() in readable(store, ("lake",))
    assert b"000107" in readable(store, ("landing",))
    forget(store, person, "request")
    assert not [text for text in (person, *theirs) if text.encode() in readable(store, ("lake",))]
    assert b"000107" not in readable(store, ("landing",))
    left = answers(store, "2024-06-30", "2024-03-31")
    assert left == {name: told for name, told in LAST.items() if name != "000107"}
