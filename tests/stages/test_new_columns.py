"""A column that no file of a feed had before is told, and nothing else happens to its file."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from monitoring.portal import ingested, pages
from monitoring.portal.evidence import Ledger
from monitoring.portal.roles import Reader, Role
from pipelines.audit import Head
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, files
from pipelines.ingest.batch import Batch
from tests.kills.roads import nothing_failed

from .test_held_files import COURSES, NOTE

CATALOGUE = COURSES | {"full": None, "files": r"courses_(?P<period>\d{4}-\d{2})(_(?P<page>\d))?\.csv"}
RECORDS = CATALOGUE | {
    "required": ["id"],
    "files": r"courses_(?P<period>\d{4}-\d{2})\.json",
    "dialect": "json_records",
    "options": {"record_path": "", "may_be_empty": False, "is_odata_v2": False},
}
LINES = RECORDS | {
    "files": r"courses_(?P<period>\d{4}-\d{2})\.ndjson",
    "dialect": "ndjson",
    "options": {"may_be_empty": False},
}
ELEMENTS = RECORDS | {
    "files": r"courses_(?P<period>\d{4}-\d{2})\.xml",
    "dialect": "xml_records",
    "options": {"record_path": "all/course", "lists": [], "may_be_empty": False},
}


@pytest.fixture(autouse=True)
def company(keys, store, tmp_path, monkeypatch):
    """A catalogue. Great Expectations has no say in what is told."""
    declare(tmp_path, CATALOGUE)
    (tmp_path / "exports" / "lms").mkdir(parents=True)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("CANDOR_LOG", "json")
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declare(folder: Path, feed: dict) -> None:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "courses.yaml").write_text(yaml.safe_dump(feed))


@pytest.fixture
def deliver(tmp_path):
    """Two courses of a month or a page of one, with a cell under each further column."""

    def write(month: str, *columns: str) -> None:
        rows = [("id", "title", *columns), *((f"{month}-{n}", "Safety", *("x" for _ in columns)) for n in range(2))]
        text = "\n".join(",".join(row) for row in rows) + "\n"
        (tmp_path / "exports" / "lms" / f"courses_2026-{month}.csv").write_text(text)

    return write


@pytest.fixture
def run(capsys, store):
    """Take in everything new: what is told of new columns, and the log's lines about them."""

    def ingest(*words: str) -> tuple[list[dict], list[dict]]:
        assert command.main(["run", *words]) == 0
        errors = capsys.readouterr().err
        lines = [json.loads(line) for line in errors.splitlines() if '"new_columns"' in line]
        report = json.loads(store.read(f"reports/ingest/{words[1]}.json"))
        return report["drift"], [{name: line[name] for name in ("feed", "count", "level")} for line in lines]

    return ingest


def names(said: tuple[list[dict], list[dict]]) -> list[str]:
    return [name for found in said[0] for name in found["names"]]


def test_a_new_column_is_told_once_by_report_log_and_page_and_its_file_is_taken_in(run, deliver, store):
    deliver("06", "notes")
    assert run("--batch", "june") == ([], []), "there was no file before"
    deliver("07", "notes", "Credits", "<b>")
    told = {"feed": "courses", "files": 1, "columns": 2, "withheld": 0, "names": ["<b>", "Credits"]}
    warned = {"feed": "courses", "count": 2, "level": "warning"}
    assert run("--batch", "july") == ([told], [warned])
    report = json.loads(store.read("reports/ingest/july.json"))
    (found,) = [one for one in report["checks"] if one["reason_code"] == "new_column"]
    assert (found["table"], found["level"], found["severity"]) == ("courses", "file", "warn")
    assert (found["checked"], found["failed"], found["is_met"]) == (1, 1, False)
    assert (report["held"], report["counts"]["courses"]["accepted"]) == ([], 2)
    (shown,) = ingested.drifted(store)
    assert (shown.batch, shown.feed, shown.files, shown.others) == ("july", "courses", 1, 0)
    page = pages.records(Ledger(Head(1, "0" * 64), ()), ingested.ingested(store), Reader("x", Role.COMPLIANCE))
    assert "<td><code>&lt;b&gt;</code>, <code>Credits</code></td>" in page
    deliver("08", "credits", "NOTES")
    assert run("--batch", "august") == ([], []), "known, and of another case"
    deliver("09")
    assert run("--batch", "september") == ([], [])
    deliver("10", "notes")
    assert run("--batch", "october") == ([], []), "it was there before it was gone"
    lake = Lake(store)
    assert len(lake.read("courses", lake.require())) == 10


def test_a_first_file_without_any_column_but_the_feeds_own_is_one_to_compare_with(run, deliver):
    deliver("06")
    run("--batch", "june")
    deliver("07", "notes")
    assert names(run("--batch", "july")) == ["notes"]


def test_a_first_file_of_nobody_names_no_column_to_compare_with(run, tmp_path):
    declare(tmp_path, RECORDS | {"options": RECORDS["options"] | {"may_be_empty": True}})
    for month, records in (("06", []), ("07", [{"id": "1", "title": "a", "notes": "x"}])):
        (tmp_path / "exports" / "lms" / f"courses_2026-{month}.json").write_text(json.dumps(records))
        assert run("--batch", month) == ([], [])


def test_a_history_in_one_batch_is_compared_in_the_order_of_its_months(run, deliver):
    for month, columns in (("08", ("c",)), ("07", ("a", "b")), ("06", ("a",)), ("09", ("c", "d"))):
        deliver(month, *columns)
    ((told,), _) = run("--batch", "history")
    assert (told["names"], told["files"], told["columns"]) == (["b", "c", "d"], 3, 3)


def test_the_pages_of_an_export_are_one_file(run, deliver):
    deliver("06_1", "a")
    deliver("06_2", "b")
    assert run("--batch", "june") == ([], [])
    deliver("06_3", "c")
    assert run("--batch", "late") == ([], []), "a page of the first export"
    deliver("07_1", "c", "d")
    deliver("07_2", "d", "e")
    ((told,), _) = run("--batch", "july")
    assert (told["names"], told["files"]) == (["d", "e"], 2)
    deliver("07_3", "e", "f")
    assert names(run("--batch", "later")) == ["f"], "e was told with the page before"


def test_what_a_rule_reads_or_may_not_read_is_not_new_and_what_one_read_before_is_not_either(run, deliver, tmp_path):
    known = CATALOGUE | {"never": {"salary": "nobody needs it"}}
    columns = {n: {"from": f} for n, f in (("course_id", "id"), ("title", "title"), ("topic_code", "topic"))}
    declare(tmp_path, known | {"tables": [{"table": "courses", "columns": columns}], "may_empty": 1.0})
    deliver("06")
    run("--batch", "june")
    deliver("07", "topic", "salary")
    assert run("--batch", "july") == ([], [])
    declare(tmp_path, known)
    deliver("08", "topic", "Salary")
    assert run("--batch", "august") == ([], [])


def test_what_was_taken_in_tells_nothing_when_it_is_read_again_and_is_known_from_then_on(run, deliver, store):
    deliver("06", "a")
    run("--batch", "june")
    (record,) = files.of_feed(store, "courses")
    files.enter(store, replace(record, unread=None))  # as versions that did not look have left it
    deliver("07", "b")
    assert run("--batch", "july") == ([], []), "nobody knows what the file before had"
    assert run("--batch", "again", "--replay", "courses") == ([], [])
    assert [record.unread for record in files.of_feed(store, "courses")] == [("a",), ("b",)]
    deliver("08", "a", "b", "c")
    assert names(run("--batch", "august")) == ["c"]


def test_a_held_file_tells_when_it_is_released(run, deliver, store, tmp_path, capsys):
    deliver("06")
    run("--batch", "june")
    declare(tmp_path, CATALOGUE | {"full": {"may_lose": 0.1}})
    (tmp_path / "exports" / "lms" / "courses_2026-07.csv").write_text("id,title,new\nJ1,Safety,x\n")
    assert run("--batch", "july") == ([], [])
    ((_, sha256),) = [line.split()[:2] for line in held(capsys)]
    command.main(["decide", "courses", sha256, "--choice", "release", "--by", "somebody", "--note", NOTE])
    assert names(run("--batch", "august")) == ["new"]


def held(capsys) -> list[str]:
    command.main(["held"])
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("courses ")]


PERSONS = ("ada@example.com", "Lovelace 219-09-9999", "employee 900123", "born 1815-12-10", "x" * 61, "Ada\u202eecal")


@pytest.mark.parametrize("name", PERSONS)
def test_a_name_that_may_be_a_persons_is_counted_and_nowhere_shown(run, deliver, store, name):
    deliver("06")
    run("--batch", "june")
    deliver("07", name, "topic 2026")
    told = {"feed": "courses", "files": 1, "columns": 2, "withheld": 1, "names": ["topic 2026"]}
    assert run("--batch", "july")[0] == [told]
    (shown,) = ingested.drifted(store)
    assert (shown.names, shown.others) == (("topic 2026",), 1)
    assert name.encode() not in (Batch(store, "july").folder / "checked" / "unread.json").read_bytes()
    assert name not in json.dumps([record.unread for record in files.of_feed(store, "courses")])
    deliver("08", name)
    assert run("--batch", "august") == ([], []), "known all the same"


def test_a_first_line_that_is_no_header_is_not_shown(run, deliver, tmp_path):
    columns = {"course_id": {"constant": "C1"}, "title": {"from": "title", "absent": "none"}}
    feed = CATALOGUE | {"required": [], "tables": [{"table": "courses", "columns": columns}]}
    declare(tmp_path, feed | {"may_empty": 1.0})
    deliver("06")
    run("--batch", "june")
    (tmp_path / "exports" / "lms" / "courses_2026-07.csv").write_text("E1,Ada,London\nE2,Bob,Paris\n")
    ((told,), _) = run("--batch", "july")
    assert (told["names"], told["columns"], told["withheld"]) == ([], 3, 3)


def test_names_are_bounded_in_number(run, deliver):
    deliver("06")
    run("--batch", "june")
    deliver("07", *(f"n{number:03d}" for number in range(51)))
    ((told,), _) = run("--batch", "july")
    assert (told["columns"], told["names"]) == (51, [f"n{number:03d}" for number in range(50)])
    deliver("08", *(f"m{number:03d}" for number in range(501)))
    assert run("--batch", "august") == ([], []), "too many to keep"
    deliver("09", *(f"m{number:03d}" for number in range(500)))
    ((told,), _) = run("--batch", "september")
    assert told["columns"] == 500


@pytest.mark.parametrize(
    ("feed", "sent", "new"),
    [
        (
            RECORDS,
            (
                '[{"id": "1", "by": {"name": "x"}, "log": [{"at": 1}]}]',
                '[{"id": "2", "by": {"unit": "y"}, "log": [{"at": 1, "of": 2}]}, {"id": "3", "level": null}]',
            ),
            ["by.unit", "level"],
        ),
        (
            LINES,
            ('{"id": "1", "title": "a"}\n', '{"id": "2", "title": "b", "level": 1}\nno object\n'),
            ["level"],
        ),
        (
            ELEMENTS,
            (
                "<all><course><id>1</id><title>a</title></course></all>",
                '<all><course no="7"><id>2</id><title>b</title><by><unit>y</unit></by></course></all>',
            ),
            ["@no", "by.unit"],
        ),
    ],
    ids=["json", "ndjson", "xml"],
)
def test_fields_of_records_are_columns(run, tmp_path, feed, sent, new):
    """A nested field is one of its own; within a list, and in a line that is no record, there is none."""
    declare(tmp_path, feed)
    ending = feed["files"].rpartition(".")[2]
    place = tmp_path / "exports" / "lms"
    (place / f"courses_2026-06.{ending}").write_text(sent[0])
    assert run("--batch", "june") == ([], [])
    (place / f"courses_2026-07.{ending}").write_text(sent[1])
    assert names(run("--batch", "july")) == new
