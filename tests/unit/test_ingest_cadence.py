"""A feed is late when the file after its newest one is due and not there; days were counted on a calendar."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from monitoring.portal import ingested
from pipelines.base.errors import SettingsError
from pipelines.ingest import __main__ as command
from pipelines.ingest import cadence, feeds
from pipelines.ingest.feeds import Feed

FEED = {
    "name": "staff",
    "owner": "HR systems",
    "cadence": "monthly",
    "location": "hr",
    "files": r"staff_(?P<period>\d{4}-\d{2}(-\d{2})?)\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "tables": [],
}


def feed(**more: object) -> Feed:
    return Feed.model_validate(FEED | more)


def seen(*periods: str) -> dict[str, list[dict[str, str]]]:
    return {"staff": [{"period": period} for period in periods]}


@pytest.mark.parametrize(
    ("every", "newest", "due"),
    [
        ("daily", "2026-02-28", "2026-03-01"),
        ("weekly", "2026-12-29", "2027-01-05"),
        ("monthly", "2026-01-31", "2026-02-28"),
        ("monthly", "2026-02-28", "2026-03-31"),
        ("monthly", "2028-01-30", "2028-02-29"),
        ("monthly", "2026-11-15", "2026-12-15"),
        ("monthly", "2026-12-31", "2027-01-31"),
    ],
)
def test_the_next_file_is_due_a_day_a_week_or_a_month_later(every, newest, due):
    assert cadence.next_day(every, date.fromisoformat(newest)) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("every", "patience", "last_in_time"),
    [
        ("daily", None, "2026-02-04"),
        ("weekly", None, "2026-02-10"),
        ("monthly", None, "2026-03-07"),
        ("daily", 0, "2026-02-01"),
        ("monthly", 10, "2026-03-10"),
    ],
)
def test_a_file_may_take_some_days_and_is_late_from_the_day_after(store, every, patience, last_in_time):
    declared = {"staff": feed(cadence=every, late_after_days=patience)}
    day = date.fromisoformat(last_in_time)
    assert cadence.note(store, declared, seen("2025-12", "2026-01"), day) == {}
    assert list(cadence.note(store, declared, {}, day.replace(day=day.day + 1))) == ["staff"], "also once it is gone"


def test_a_feed_that_never_came_or_comes_once_or_says_no_day_is_not_late(store):
    declared = {
        "staff": feed(),
        "once": feed(name="once", cadence="once"),
        "timeless": feed(name="timeless", extracted_at={"constant": "2020-01-01T00:00:00Z"}),
    }
    groups = {"once": [{"period": "2020-01"}], "timeless": [{"period": "2020-01"}]}
    assert cadence.note(store, declared, groups, date(2026, 6, 1)) == {}
    assert cadence.listed(store, date(2026, 6, 1)) == "no feed is late"


def test_a_file_of_a_day_far_ahead_does_not_hide_that_the_feed_is_late(store):
    assert list(cadence.note(store, {"staff": feed()}, seen("2025-12", "2062-01"), date(2026, 6, 1))) == ["staff"]
    kept = cadence.note(store, {"staff": feed()}, seen("impossible"), date(2026, 6, 1))
    assert kept["staff"]["newest"] == "2025-12-31"


def test_an_older_file_that_comes_late_leaves_what_is_due_as_it_was_and_writes_nothing(store):
    cadence.note(store, {"staff": feed()}, seen("2026-04"), date(2026, 5, 1))
    before = [path.stat().st_mtime_ns for path in store.root.rglob("arrivals.json")]
    cadence.note(store, {"staff": feed()}, seen("2026-02"), date(2026, 5, 2))
    assert [path.stat().st_mtime_ns for path in store.root.rglob("arrivals.json")] == before
    assert cadence.read(store)["staff"]["due"] == "2026-05-31"


@pytest.mark.usefixtures("keys")
def test_a_run_says_which_feed_is_late_and_whom_to_ask_and_so_does_the_page(store, tmp_path, monkeypatch, capsys):
    (tmp_path / "feeds").mkdir()
    (tmp_path / "hr").mkdir()
    (tmp_path / "feeds" / "staff.yaml").write_text(yaml.safe_dump(FEED), encoding="utf-8")
    for name, value in (("CANDOR_FEEDS", "feeds"), ("CANDOR_EXPORTS", ".")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("CANDOR_STORE", store.url)
    (tmp_path / "hr" / "staff_2020-02.csv").write_text("a\n1\n", encoding="utf-8")
    assert command.main(["discover", "--batch", "b"]) == 0
    said = capsys.readouterr()
    assert "feed_late" in said.out + said.err
    assert command.main(["late"]) == 0
    line = "staff is late: HR systems sends it monthly, the newest is of 2020-02-29, the next was due on 2020-03-31"
    assert capsys.readouterr().out.strip() == line
    assert ingested.late(store, date(2020, 4, 7)) == []
    assert ingested.late(store, date(2020, 4, 8)) == [
        ingested.Late("staff", "HR systems", "monthly", "2020-02-29", "2020-03-31")
    ]
    assert json.loads(store.read("reports/arrivals.json")).keys() == {"staff"}


def test_a_name_may_hold_the_moment_at_which_a_file_was_written():
    stamped = feed(files=r"staff_(?P<written>.+)\.csv", extracted_at={"at": "written"})
    for text in ("20260131T060005Z", "20260131T060005", "2026-01-31T06:00:05Z", "20260131-060005", "20260131060005"):
        assert stamped.extraction({"written": text}) == datetime(2026, 1, 31, 6, 0, 5, tzinfo=UTC)
    for text in ("20260131", "20260131T0600", "20261331T060005Z", "20260131T250005Z", "20260131T060005+0100"):
        with pytest.raises(ValueError, match=r"."):
            stamped.extraction({"written": text})
        assert stamped.moment({"written": text}) is None


def test_a_feed_says_in_one_way_when_its_files_were_written(tmp_path: Path):
    for given in ({}, {"at": "period", "end_of": "period"}, {"at": "nothing"}):
        (tmp_path / "staff.yaml").write_text(yaml.safe_dump(FEED | {"extracted_at": given}), encoding="utf-8")
        with pytest.raises(SettingsError, match="extracted_at: "):
            feeds.load(tmp_path)
