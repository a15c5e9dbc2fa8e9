"""A column that suddenly has far fewer cells holds its file: an export that lost a right is sent without any error."""

import contextlib
import json
from pathlib import Path

import pytest
import yaml

from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check
from pipelines.ingest.feeds import Feed
from pipelines.ingest.filled import emptied
from tests.kills.roads import nothing_failed

from .test_held_files import COURSES, NOTE

CATALOGUE = COURSES | {"full": None}


@pytest.fixture(autouse=True)
def company(keys, store, tmp_path, monkeypatch):
    """A catalogue. Great Expectations has no say in what is held."""
    declare(tmp_path, CATALOGUE)
    (tmp_path / "exports" / "lms").mkdir(parents=True)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declare(folder: Path, feed: dict) -> None:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "courses.yaml").write_text(yaml.safe_dump(feed))


@pytest.fixture
def deliver(tmp_path):
    """Courses of a month, some of them without a title."""

    def write(month: int, count: int, empty: int) -> None:
        lines = ["id,title", *(f"M{month:02}C{n:02},{'' if n < empty else f'Course {n}'}" for n in range(count))]
        (tmp_path / "exports" / "lms" / f"courses_2026-{month:02d}.csv").write_text("\n".join(lines) + "\n")

    return write


@pytest.fixture
def run(capsys, store):
    """Take in everything new; files that were held: month's reason and message."""

    def ingest(batch: str) -> list[tuple[str, str]]:
        assert command.main(["run", "--batch", batch]) == 0
        capsys.readouterr()
        report = json.loads(store.read(f"reports/ingest/{batch}.json"))
        return [(held["reason_code"], held["message"]) for held in report["held"]]

    return ingest


def test_a_file_whose_column_lost_its_cells_waits_and_is_taken_in_when_a_person_says_so(run, deliver, store, capsys):
    deliver(6, 30, 0)
    assert run("june") == []
    deliver(7, 30, 12)
    ((code, message),) = run("july")
    assert code == "emptied_column"
    assert "must be filled as in the last 1 files taken in: a required one in at most 20% of the rows less" in message
    assert "filled are title 60% instead of 100%." in message
    command.main(["held"])
    _, sha256, *_ = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("courses "))
    command.main(["decide", "courses", sha256, "--choice", "release", "--by", "somebody", "--note", NOTE])
    assert run("august") == []
    lake = Lake(store)
    assert len(lake.read("courses", lake.require())) == 48, "twelve rows have no title and are quarantined"


def paged(tmp_path: Path, month: int, *pages: tuple[int, int]) -> None:
    """A month's courses in pages: rows of each, and how many of them have no title."""
    for page, (count, empty) in enumerate(pages, 1):
        lines = ["id,title", *(f"M{month}P{page}C{n},{'' if n < empty else 'Course'}" for n in range(count))]
        (tmp_path / "exports" / "lms" / f"courses_2026-{month:02d}_{page}.csv").write_text("\n".join(lines) + "\n")


def test_pages_of_one_export_are_weighed_together(run, tmp_path):
    """What is new stands on the last page and is not complete yet: no right was lost. Half of all is another matter."""
    declare(tmp_path, CATALOGUE | {"files": r"courses_(?P<period>\d{4}-\d{2})_\d\.csv"})
    paged(tmp_path, 6, (30, 0), (30, 0), (30, 15))
    assert run("june") == []
    paged(tmp_path, 7, (60, 0), (20, 20))
    assert run("july") == []
    paged(tmp_path, 8, (30, 15), (30, 15), (30, 15))
    assert [code for code, _ in run("august")] == ["emptied_column"] * 3
    paged(tmp_path, 9, (90, 0), (30, 30))
    assert run("september") == []


SITES = r"courses_(?P<site>[A-Z]+)_(?P<period>\d{4}-\d{2})(_(?P<page>\d))?\.csv"


def sited(tmp_path: Path, name: str, count: int, empty: int) -> None:
    lines = ["id,title", *(f"{name:_<12}C{n:03},{'' if n < empty else 'Course'}" for n in range(count))]
    (tmp_path / "exports" / "lms" / f"courses_{name}.csv").write_text("\n".join(lines) + "\n")


def test_an_export_of_another_site_hides_no_loss_and_its_page_is_one_of_its_own(run, tmp_path):
    """All titles of the small site are gone: a fifth of the month's rows and less."""
    declare(tmp_path, CATALOGUE | {"files": SITES})
    for name, count in (("US_2026-06", 100), ("DE_2026-06", 24)):
        sited(tmp_path, name, count, 0)
    assert run("june") == []
    for name, count, empty in (("US_2026-07_1", 80, 0), ("US_2026-07_2", 20, 20), ("DE_2026-07", 24, 24)):
        sited(tmp_path, name, count, empty)
    assert [code for code, _ in run("july")] == ["emptied_column"]
    for name, count in (("US_2026-08", 100), ("DE_2026-08", 24)):
        sited(tmp_path, name, count, 0)
    assert run("august") == []


def test_small_pages_are_many_rows_together(run, tmp_path):
    declare(tmp_path, CATALOGUE | {"files": r"courses_(?P<period>\d{4}-\d{2})_\d\.csv"})
    paged(tmp_path, 6, *[(10, 0)] * 3)
    assert run("june") == []
    paged(tmp_path, 7, *[(10, 10)] * 3)
    assert [code for code, _ in run("july")] == ["emptied_column"] * 3


def test_a_page_that_comes_late_is_weighed_with_those_that_are_there(run, tmp_path):
    declare(tmp_path, CATALOGUE | {"files": r"courses_(?P<period>\d{4}-\d{2})_\d\.csv"})
    paged(tmp_path, 6, (30, 0), (30, 0))
    assert run("june") == []
    paged(tmp_path, 7, (80, 0))
    assert run("july") == []
    paged(tmp_path, 7, (80, 0), (20, 20))
    assert run("late") == [], "a fifth of all"
    paged(tmp_path, 7, (80, 0), (20, 20), (1, 1))
    ((code, message),) = run("later")
    assert (code, "79% instead of 100%" in message) == ("emptied_column", True)


def test_what_may_be_empty_is_taken_in(run, deliver):
    deliver(6, 30, 0)
    run("june")
    deliver(7, 30, 6)
    assert run("july") == []


def test_of_a_few_rows_nothing_is_said(run, deliver):
    deliver(6, 30, 0)
    run("june")
    deliver(7, 19, 19)
    assert run("july") == []


def test_a_feed_may_say_that_columns_come_and_go(run, deliver, tmp_path):
    declare(tmp_path, CATALOGUE | {"may_empty": 1.0})
    deliver(6, 30, 0)
    run("june")
    deliver(7, 30, 30)
    assert run("july") == []


TOPICS = CATALOGUE | {
    "tables": [
        {
            "table": "courses",
            "columns": {n: {"from": f} for n, f in (("course_id", "id"), ("title", "title"), ("topic_code", "topic"))},
        }
    ]
}


def topics(tmp_path: Path, month: int, count: int, filled: int, head: str = "id,title,topic") -> None:
    lines = [head, *(f"M{month:02}C{n:02},Course {n},{'law' if n < filled else ''}" for n in range(count))]
    (tmp_path / "exports" / "lms" / f"courses_2026-{month:02d}.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("filled", "now", "head"),
    [
        (200, 0, "id,title,subject"),  # the column has another name
        (200, 0, "id,title,topic"),  # it lost its cells
        (20, 0, "id,title,subject"),  # a tenth, so twenty rows must have had something
        (200, 1, "id,title,topic"),  # it is not required: some of it is enough
        (19, 0, "id,title,subject"),
    ],
)
def test_a_column_that_is_not_required_must_not_vanish(run, tmp_path, filled, now, head):
    declare(tmp_path, TOPICS)
    topics(tmp_path, 6, 200, filled)
    assert run("june") == []
    topics(tmp_path, 7, 200, now, head)
    found = run("july")
    assert [code for code, _ in found] == ["emptied_column"] * (filled >= 20 and not now)
    if found:
        assert f"filled are topic 0% instead of {filled / 200:.0%}." in found[0][1]
        declare(tmp_path, TOPICS | {"may_empty": 1.0})
        assert run("asked") == []


def test_only_the_last_five_files_are_asked_in_the_order_of_their_months(run, deliver):
    """Half empty in six months, full in five; all but the last in one batch, and that one in another."""
    for month in range(1, 7):
        deliver(month, 20, 10)
    for month in range(7, 12):
        deliver(month, 20, 0)
    assert run("history") == []
    deliver(12, 20, 10)
    assert [code for code, _ in run("december")] == ["emptied_column"]


def test_a_held_file_is_no_measure_for_the_next(run, deliver):
    deliver(1, 20, 0)
    for month in (2, 3, 4):
        deliver(month, 20, 20)
    assert [code for code, _ in run("history")] == ["emptied_column"] * 3


def test_one_full_file_among_half_empty_ones_is_no_measure():
    feed = Feed.model_validate(CATALOGUE)
    assert emptied(feed, [{"title": 0.5}, {"title": 0.5}, {"title": 1.0}], {"title": 0.4}, 100) is None


def test_a_sentinel_is_an_empty_cell(run, deliver, tmp_path):
    declare(tmp_path, CATALOGUE | {"sentinels": [{"cells": ["Course 3"], "columns": ["title"]}]})
    deliver(6, 30, 0)
    run("june")
    lines = (tmp_path / "exports" / "lms" / "courses_2026-06.csv").read_text().replace("M6", "M7").splitlines()
    titled = [line.split(",")[0] + ",Course 3" if "C1" in line else line for line in lines]
    (tmp_path / "exports" / "lms" / "courses_2026-07.csv").write_text("\n".join(titled) + "\n")
    assert [code for code, _ in run("july")] == ["emptied_column"]
