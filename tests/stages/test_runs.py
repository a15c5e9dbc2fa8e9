"""Files of changes that are told apart by the runs that their manifests name, and manifests in other forms."""

import contextlib
import hashlib
import json
from pathlib import Path

import pytest
import yaml

from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, feeds
from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.plausible import astray, following
from tests.kills.roads import nothing_failed

from .test_held_files import COURSES, NOTE

CHANGES = COURSES | {
    "files": r"courses_(?P<period>\d{4}-\d{2}-\d{2})(_\d)?\.csv",
    "full": None,
    "ready": {"manifest": ".json"},
    "delta": {"manifest": True},
}


@pytest.fixture(autouse=True)
def company(keys, store, tmp_path, monkeypatch):
    """A catalogue. Great Expectations has no say in what is held."""
    (tmp_path / "exports" / "lms").mkdir(parents=True)
    declare(tmp_path, CHANGES)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declare(folder: Path, feed: dict) -> None:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "courses.yaml").write_text(yaml.safe_dump(feed))


@pytest.fixture
def deliver(tmp_path):
    """A course of a day, by a run after another; its manifest."""

    def write(day: int, run: str | None, before: str | None, head: str = "id,title", **more: object) -> Path:
        path = tmp_path / "exports" / "lms" / f"courses_2026-06-{day:02d}.csv"
        path.write_text(f"{head}\nC{day},Course {day}\n")
        file = {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "records": 1}
        said = {"run_id": run, "previous_run_id": before, "files": [file], **more}
        path.with_name(f"{path.name}.json").write_text(json.dumps(said))
        return path

    return write


@pytest.fixture
def run(capsys, store):
    """Take in everything new; the days that the lake has then, and why files were held."""

    def ingest(batch: str) -> tuple[list[str], list[str]]:
        assert command.main(["run", "--batch", batch]) == 0
        capsys.readouterr()
        report = f"reports/ingest/{batch}.json"
        held = json.loads(store.read(report))["held"] if store.exists(report) else []
        lake = Lake(store)
        manifest = lake.manifest()
        known = [] if manifest is None else sorted(lake.read("courses", manifest)["course_id"])
        return known, [file["reason_code"] for file in held]

    return ingest


def test_a_file_waits_for_the_run_before_it_whenever_it_comes(run, deliver):
    deliver(1, "r-a", "r-0")
    assert run("one") == (["C1"], [])
    deliver(3, "r-c", "r-b")
    assert run("three") == (["C1"], [])
    deliver(4, "r-d", "r-c")
    deliver(2, "r-b", "r-a")
    assert run("two") == (["C1", "C2", "C3", "C4"], [])
    deliver(6, "r-f", "r-e")
    assert run("six") == (["C1", "C2", "C3", "C4"], [])


def decide(path: Path, choice: str) -> None:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    words = ["decide", "courses", sha256, "--choice", choice, "--by", "somebody", "--note", NOTE]
    assert command.main(words) == 0


def test_a_run_whose_file_was_written_before_that_of_the_run_before_it_is_held(run, deliver):
    deliver(5, "r-a", None)
    assert run("one") == (["C5"], [])
    path = deliver(4, "r-b", "r-a")
    deliver(6, "r-c", "r-b")
    assert run("two") == (["C5"], ["older_file", "predecessor_held"])
    decide(path, "release")
    assert run("three") == (["C4", "C5", "C6"], [])


def test_a_chain_that_starts_again_waits_for_a_person_and_goes_on_from_there(run, deliver, capsys):
    deliver(1, "r-a", None)
    run("one")
    path = deliver(6, "s-a", None)
    deliver(7, "s-b", "s-a")
    assert run("six") == (["C1"], ["no_predecessor"])
    assert run("again") == (["C1"], []), "what follows waits for the decision"
    command.main(["held"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() in capsys.readouterr().out
    decide(path, "release")
    assert run("released") == (["C1", "C6", "C7"], [])
    deliver(2, "r-b", "r-a")
    assert run("late") == (["C1", "C2", "C6", "C7"], []), "the chain before goes on as well"


def test_a_chain_that_starts_again_by_mistake_is_rejected_and_sent_again(run, deliver):
    deliver(1, "r-a", None)
    run("one")
    path = deliver(2, "r-b", None)
    assert run("two") == (["C1"], ["no_predecessor"])
    decide(path, "reject")
    path.write_text("id,title\nC2,Course again\n")
    file = {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "records": 1}
    said = {"run_id": "r-b", "previous_run_id": "r-a", "files": [file]}
    path.with_name(f"{path.name}.json").write_text(json.dumps(said))
    assert run("three") == (["C1", "C2"], [])


def test_runs_that_follow_one_another_in_a_circle_wait_for_a_person(run, deliver):
    first, second = deliver(1, "r-a", "r-b"), deliver(2, "r-b", "r-a")
    deliver(3, "r-c", "r-b")
    assert run("one") == ([], ["no_predecessor", "no_predecessor"])
    decide(first, "release")
    assert run("two") == (["C1"], []), "the other one waits for its own decision"
    decide(second, "release")
    assert run("three") == (["C1", "C2", "C3"], [])


def test_a_first_run_that_follows_itself_waits_for_a_person(run, deliver):
    path = deliver(1, "r-a", "r-a")
    assert run("one") == ([], ["no_predecessor"])
    decide(path, "release")
    assert run("two") == (["C1"], [])


@pytest.mark.parametrize(
    ("runs", "lost"),
    [
        ("b<a c<b", ""),
        ("b", "b"),
        ("b<b", "b"),
        ("b<c c<d d<b e<d", "b c d"),
        ("b c<b", "b"),
    ],
)
def test_only_who_can_never_have_a_predecessor_is_astray(runs, lost):
    units = []
    for text in runs.split():
        run, _, before = text.partition("<")
        said = {"run_id": run, "previous_run_id": before} if before else {"run_id": run}
        units.append(Unit(run, "courses", run, run, 1, {"period": "2026-06-01"}, "", manifest=said))
    assert [unit.id for unit in astray(units, [])] == lost.split()
    assert astray(units, units) == []


def test_of_files_that_come_first_the_oldest_begins(run, deliver):
    deliver(5, "r-e", "r-missing")
    deliver(3, "r-b", "r-a")
    deliver(2, "r-a", "r-lost")
    assert run("first") == (["C2", "C3"], [])


def test_after_a_held_file_nothing_is_taken_in_until_that_is_settled(run, deliver, capsys):
    deliver(1, "r-a", None)
    run("one")
    deliver(2, "r-b", "r-a", head="id,name")
    deliver(3, "r-c", "r-b")
    assert run("two") == (["C1"], ["missing_required_column", "predecessor_held"])
    assert run("again") == (["C1"], [])
    deliver(2, "r-b", "r-a")
    assert run("three") == (["C1", "C2", "C3"], [])


def page(path: Path, head: str) -> None:
    """Another page of the second run."""
    path.write_text(f"{head}\nC22,Course\n")
    file = {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "records": 1}
    said = {"run_id": "r-b", "previous_run_id": "r-a", "files": [file]}
    path.with_name(f"{path.name}.json").write_text(json.dumps(said))


def test_a_run_of_which_one_page_is_held_is_followed_by_none(run, deliver, tmp_path):
    deliver(1, "r-a", None)
    run("one")
    first = deliver(2, "r-b", "r-a")
    second = first.with_name("courses_2026-06-02_2.csv")
    page(second, "id,name")
    deliver(3, "r-c", "r-b")
    known, held = run("two")
    assert (known, sorted(held)) == (["C1", "C2"], ["missing_required_column", "predecessor_held"])
    assert run("again") == (["C1", "C2"], [])
    page(second, "id,title")
    assert run("three")[0] == ["C1", "C2", "C22", "C3"]


def test_nothing_begins_behind_a_first_file_that_is_held(run, deliver):
    deliver(1, "r-a", None, head="id,name")
    deliver(2, "r-b", "r-a")
    assert run("one") == ([], ["missing_required_column", "predecessor_held"])
    assert run("again") == ([], [])
    deliver(1, "r-a", None)
    assert run("two") == (["C1", "C2"], [])


def test_a_released_file_is_of_its_run(run, deliver, capsys):
    deliver(1, "r-a", None)
    run("one")
    path = deliver(2, "r-b", "r-a")
    said = json.loads(path.with_name(f"{path.name}.json").read_text())
    said["files"][0]["records"] = 9
    path.with_name(f"{path.name}.json").write_text(json.dumps(said))
    deliver(3, "r-c", "r-b")
    assert run("two") == (["C1"], ["other_records_than_manifest", "predecessor_held"])
    command.main(["held"])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert sha256 in capsys.readouterr().out
    command.main(["decide", "courses", sha256, "--choice", "release", "--by", "somebody", "--note", NOTE])
    assert run("three")[0] == ["C1", "C2", "C3"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"full_or_delta": "full"}, "another_kind_of_file"),
        ({"full_or_delta": "delta"}, None),
        ({"run_id": None}, "no_run"),
    ],
)
def test_a_file_of_another_kind_than_its_feed_is_held(run, deliver, more, reason):
    deliver(1, "r-a", None, **more)
    assert run("one") == (([], [reason]) if reason else (["C1"], []))


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("{name}|1|{sha256}", True),
        ("name,sha256,records\r\nother.csv,{sha256},5\r\n{name} , {SHA256} , 0000000001\r\n", True),
        ("{name}|2|{sha256}", False),
        ("{name}|1", False),
        ("{name}|1|1|{sha256}", False),
        ("{name}|1|{sha256}\n{name}|1|{sha256}", False),
        ("x{name}|1|{sha256}", False),
    ],
)
def test_a_manifest_may_be_a_line_a_file(run, tmp_path, text, is_taken):
    declare(tmp_path, CHANGES | {"delta": None, "ready": {"manifest": ".ok"}})
    path = tmp_path / "exports" / "lms" / "courses_2026-06-01.csv"
    path.write_text("id,title\nC1,Course\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = text.format(name=path.name, sha256=digest, SHA256=digest.upper())
    path.with_name(f"{path.name}.ok").write_text(said, newline="")
    known, held = run("one")
    assert (known == ["C1"], len(held)) == (is_taken, 0 if is_taken else 1)


def test_pages_of_one_run_come_together():
    feed = Feed.model_validate(CHANGES)

    def unit(name: str, run: str, before: str | None) -> Unit:
        said = {"run_id": run, "previous_run_id": before} if before else {"run_id": run}
        return Unit(name, "courses", name, name, 1, {"period": "2026-06-01"}, "", manifest=said)

    pages = [unit("b2", "b", "a"), unit("a1", "a", None), unit("b1", "b", "a"), unit("d", "d", "c")]
    assert [it.id for it in following(feed, pages, set(), set())] == ["a1", "b2", "b1"]
    assert [it.id for it in following(feed, pages, {"c", "a"}, set())] == ["a1", "b2", "b1", "d"]
    assert following(feed, pages, set(), {"z"}) == []
    assert [it.id for it in following(feed, pages, set(), {"d"})] == ["d"]


@pytest.mark.parametrize(
    ("delta", "ready"),
    [
        ({"manifest": True}, {"marker": ".done"}),
        ({"manifest": True, "sequence": "period"}, {"manifest": ".json"}),
        ({}, {"manifest": ".json"}),
        ({"manifest": False}, {"manifest": ".json"}),
    ],
)
def test_changes_follow_one_another_in_one_way(tmp_path, delta, ready):
    declare(tmp_path, CHANGES | {"delta": delta, "ready": ready})
    with pytest.raises(SettingsError, match="delta"):
        feeds.load(tmp_path / "feeds")
