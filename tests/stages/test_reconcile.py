"""A full file proves what deltas told: what they missed is counted, on record, and mended by the file itself."""

import contextlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from monitoring.portal import ingested, pages
from monitoring.portal.evidence import Ledger
from monitoring.portal.roles import Reader, Role
from pipelines import audit
from pipelines.audit import Head
from pipelines.base import forgotten
from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check
from pipelines.ingest.batch import Batch
from pipelines.ingest.feeds import load
from pipelines.ingest.reconcile import Compared, compare
from tests.kills.roads import nothing_failed

from .test_held_files import CHANGES, COURSES
from .test_ingest import report, worker

FULL = COURSES | {"full": {"may_lose": 0.1, "reconciles": ["changes"]}}
OTHERS = COURSES | {"name": "others", "files": r"others_(?P<period>\d{4}-\d{2})\.csv", "full": None}
PEOPLE = COURSES | {
    "files": r"people_(?P<period>\d{4}-\d{2})\.csv",
    "name": "people",
    "required": ["id", "at"],
    "full": {"may_lose": 0.9, "reconciles": ["joined"]},
    "tables": [
        {
            "table": "candidates",
            "columns": {
                "person_id": {"from": "id", "person": "ats"},
                "created_at": {"from": "at", "moment": "%Y-%m-%dT%H:%M:%SZ"},
            },
        }
    ],
}
JOINED = PEOPLE | {
    "name": "joined",
    "files": r"joined_(?P<period>\d{4}-\d{2})_(?P<seq>\d+)\.csv",
    "full": None,
    "delta": {"sequence": "seq"},
}
WHO = Reader("c", Role.COMPLIANCE)


@pytest.fixture(autouse=True)
def company(keys, store, tmp_path, monkeypatch):
    """A catalogue told by monthly files and by changes, and one of another system. Great Expectations has no say."""
    declare(tmp_path / "feeds", FULL, CHANGES, OTHERS, PEOPLE, JOINED)
    (tmp_path / "exports" / "lms").mkdir(parents=True)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declare(folder: Path, *feeds: dict) -> Path:
    folder.mkdir(exist_ok=True)
    for feed in feeds:
        (folder / f"{feed['name']}.yaml").write_text(yaml.safe_dump(feed))
    return folder


@pytest.fixture
def run(capsys):
    """Take in everything new; what was said, and the report."""

    def ingest(batch: str, store) -> tuple[str, dict]:
        assert command.main(["run", "--batch", batch]) == 0
        return capsys.readouterr().out, json.loads(store.read(f"reports/ingest/{batch}.json"))

    return ingest


@pytest.fixture
def deliver(tmp_path):
    """Write titles of courses."""

    def write(name: str, titles: dict[str, str], head: str = "id,title") -> None:
        lines = [head, *(f"{course},{title}" for course, title in titles.items())]
        (tmp_path / "exports" / "lms" / f"{name}.csv").write_text("\n".join(lines) + "\n")

    return write


def titles(*numbers: int, **told: str) -> dict[str, str]:
    return {f"C{number}": f"Course {number}" for number in numbers} | told


def test_what_deltas_missed_is_counted_and_then_mended_by_the_full_file(run, deliver, store):
    deliver("courses_2026-06", titles(*range(10)))
    deliver("others_2026-06", {"X1": "Of another system"})
    said, report = run("june", store)
    assert report["reconciled"] == [], "nothing was told before it"
    assert "against" not in said

    deliver("changes_2026-07_1", {"C1": "New 1", "C10": "Course 10"})
    deliver("changes_2026-08_2", {"C3": "August 3"})
    run("deltas", store)
    # Of C2 the deltas said nothing, of C11 neither; C9 is gone; that C3 changes in August nobody knew in July.
    deliver("courses_2026-07", titles(0, *range(3, 9), 10, 11, C1="New 1", C2="Other 2"))
    said, report = run("july", store)

    (found,) = report["reconciled"]
    digest = found.pop("file_sha256")
    assert found == {
        "feed": "courses",
        "table": "courses",
        "deltas": ["changes"],
        "rows": 11,
        "agree": 9,
        "differ": 1,
        "only_in_file": 1,
        "only_in_lake": 1,
        "columns": {"title": 1},
    }
    assert "changes against 11 courses of courses: 1 differ, 1 never told, 1 only in the lake" in said
    (entry,) = [e for e in audit.entries(store) if e.tag is audit.Tag.DELTAS_RECONCILED]
    facts = {name: found[name] for name in ("table", "rows", "agree", "differ", "only_in_file", "only_in_lake")}
    assert (entry.subject, dict(entry.facts)) == (
        "courses",
        facts | {"batch": "july", "deltas": "changes", "file_sha256": digest},
    )
    (shown,) = ingested.missed(store)
    assert (shown.batch, shown.differ, shown.only_in_file, shown.only_in_lake) == ("july", 1, 1, 1)
    page = pages.records(Ledger(Head(1, "0" * 64), ()), ingested.ingested(store), WHO)
    assert "Deltas against full files" in page
    assert "<td>title 1</td>" in page
    lake = Lake(store)
    now = dict(lake.read("courses", lake.require()).select("course_id", "title").iter_rows())
    assert (now["C2"], now["C11"], now["C3"], now["C9"]) == ("Other 2", "Course 11", "August 3", "Course 9")


def test_deltas_of_the_same_batch_count_and_one_that_told_everything_leaves_nothing_to_say(run, deliver, store):
    deliver("courses_2026-06", titles(*range(3)))
    run("june", store)
    deliver("changes_2026-07_1", {"C3": "Course 3"})
    deliver("courses_2026-07", titles(*range(4)))
    said, report = run("july", store)
    (found,) = report["reconciled"]
    assert [found[name] for name in ("rows", "agree", "differ", "only_in_file", "only_in_lake")] == [4, 4, 0, 0, 0]
    assert found["columns"] == {}
    assert "against" not in said


def test_a_full_file_that_is_read_again_is_not_compared_with_itself(run, deliver, store, capsys):
    deliver("courses_2026-06", titles(*range(3)))
    run("june", store)
    deliver("changes_2026-07_1", {"C3": "Course 3"})
    deliver("courses_2026-07", titles(*range(4), C4="Never told"))
    (before,) = run("july", store)[1]["reconciled"]
    assert (before["rows"], before["only_in_file"]) == (5, 1)
    assert command.main(["run", "--batch", "again", "--replay", "courses"]) == 0
    report = json.loads(store.read("reports/ingest/again.json"))
    assert before in report["reconciled"]


def test_a_full_file_with_the_bytes_of_an_earlier_one_is_compared_with_what_that_told(run, deliver, store):
    for month, told in (("06", titles(*range(3))), ("07", titles(0, 2, C1="Other 1")), ("08", titles(*range(3)))):
        deliver(f"courses_2026-{month}", told)
        (*_, found) = run(month, store)[1]["reconciled"] or [None]
    assert [found[name] for name in ("rows", "agree", "differ", "only_in_file", "only_in_lake")] == [3, 2, 1, 0, 0]


def test_of_two_deltas_of_one_moment_the_later_one_is_believed(run, deliver, store):
    deliver("courses_2026-06", titles(*range(3)))
    run("june", store)
    for number, title in enumerate(("First", "Second", "Third"), 1):
        deliver(f"changes_2026-07_{number}", {"C1": title})
        run(f"delta-{number}", store)
    deliver("courses_2026-07", titles(0, 2, C1="Third"))
    (found,) = run("july", store)[1]["reconciled"]
    assert (found["agree"], found["differ"]) == (3, 0)


def test_full_files_of_one_batch_are_compared_with_those_before_them(run, deliver, store):
    deliver("courses_2026-05", titles(*range(3)))
    deliver("courses_2026-06", titles(*range(4)))
    deliver("courses_2026-07", titles(*range(5)))
    report = run("all", store)[1]
    sizes = sorted((found["rows"], found["only_in_file"]) for found in report["reconciled"])
    assert sizes == [(4, 1), (5, 1)]


def test_a_batch_that_was_checked_before_anybody_reconciled_is_published(run, deliver, store):
    deliver("courses_2026-06", titles(*range(3)))
    assert command.main(["discover", "--batch", "b"]) == 0
    batch = Batch(store, "b")
    for unit in batch.units():
        command.main(["take", "b", unit.id])
    command.main(["validate", "b"])
    (batch.folder / "checked" / "reconciled.json").unlink()
    assert command.main(["publish", "b"]) == 0
    assert json.loads(store.read("reports/ingest/b.json"))["reconciled"] == []


def test_of_a_held_full_file_nothing_is_said(run, deliver, store):
    deliver("courses_2026-06", titles(*range(10)))
    deliver("changes_2026-06_1", {"C1": "New 1"})
    run("june", store)
    deliver("courses_2026-07", titles(*range(5)))
    _, report = run("july", store)
    assert [held["reason_code"] for held in report["held"]] == ["lost_records"]
    assert report["reconciled"] == []


def test_somebody_who_was_forgotten_is_not_missed(run, deliver, store):
    at = "2026-01-01T00:00:00Z"
    deliver("joined_2026-06_1", {"A": at, "B": at}, head="id,at")
    run("june", store)
    lake = Lake(store)
    people = lake.read("candidates", lake.require())["person_id"].to_list()
    deliver("people_2026-07", {"B": at, "A": at}, head="id,at")
    forgotten.add(store, forgotten.group(store, people[:1]))
    _, report = run("july", store)
    (found,) = report["reconciled"]
    assert (found["rows"], found["agree"], found["only_in_file"]) == (1, 1, 0)


def test_a_value_that_was_nothing_differs_and_nothing_equals_nothing():
    key = {"course_id": ["a", "b", "c"], "known_from": [1, 1, 1], "source_row": [1, 2, 3]}
    others = dict.fromkeys({*TABLES["courses"].schema} - {"course_id", "duration_minutes"}, [None] * 3)
    file = pl.DataFrame(key | others | {"duration_minutes": [5.0, None, None]})
    told = pl.DataFrame(key | others | {"duration_minutes": [None, 5.0, None], "_told": [True] * 3})
    assert compare(TABLES["courses"], file, told) == Compared(3, 1, 2, 0, 0, {"duration_minutes": 2})


@pytest.mark.parametrize(
    ("reconciles", "fault"),
    [
        ("nobody", "full: reconciles: nobody is no feed with `delta`"),
        ("others", "full: reconciles: others is no feed with `delta`"),
        ("joined", "full: reconciles: joined has no table in common"),
    ],
)
def test_a_feed_that_proves_nothing_is_a_fault_of_its_declaration(tmp_path, reconciles, fault):
    wrong = COURSES | {"full": {"may_lose": 0.1, "reconciles": [reconciles]}}
    with pytest.raises(SettingsError, match=fault):
        load(declare(tmp_path / "feeds", wrong, CHANGES, OTHERS, PEOPLE, JOINED))


def test_workdays_weekly_report_says_whom_its_daily_ones_missed(run, store, tmp_path, monkeypatch):
    shipped = Path(__file__).parents[2] / "feeds" / "vendors" / "workday"
    (tmp_path / "shipped").mkdir()
    for name in ("daily", "weekly"):
        shutil.copy(shipped / f"workday_{name}_workers.yaml", tmp_path / "shipped")
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "shipped"))
    folder = tmp_path / "exports" / "workday_changes"

    def of(number: int, day: int, family: str) -> dict:
        return worker(number, Job_Family_ID=family, Last_Functionally_Updated=f"2026-06-{day:02}T09:00:00.000Z")

    staff = {number: of(number, 1, "ENG") for number in range(1, 11)}
    reports = {  # 2 moved and was told of; nothing happened on Tuesday; 3 moved and 11 came without a word
        "HRML_Workers_2026-06-07": staff,
        "HRML_Workers_Changes_2026-06-08_1": {2: of(2, 8, "FIN")},
        "HRML_Workers_Changes_2026-06-09_2": {},
        "HRML_Workers_2026-06-14": staff | {2: of(2, 8, "FIN"), 3: of(3, 9, "LAW"), 11: of(11, 10, "ENG")},
    }
    for name, rows in reports.items():
        report(folder / f"{name}.json", *rows.values())
        said, result = run(name.rsplit("_", 1)[-1] if "Changes" in name else name[-2:], store)
        assert result["held"] == []
    found = {one["table"]: one for one in result["reconciled"]}["workers"]
    counts = {name: found[name] for name in ("rows", "agree", "differ", "only_in_file", "only_in_lake", "columns")}
    assert counts == {
        "rows": 11,
        "agree": 9,
        "differ": 1,
        "only_in_file": 1,
        "only_in_lake": 0,
        "columns": {"job_family_code": 1},
    }
    assert "workday_daily_workers against 11 workers of workday_weekly_workers: 1 differ, 1 never told" in said
