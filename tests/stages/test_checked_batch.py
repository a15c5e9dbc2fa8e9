"""What a scheduler does again once a batch is checked changes nothing of what is published."""

import contextlib
from datetime import date

import pytest
import yaml

from pipelines.base.digests import sha256_file
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check
from pipelines.ingest.batch import Batch, Held
from tests.kills.roads import nothing_failed

COURSES = {
    "owner": "HR",
    "cadence": "daily",
    "location": "hr",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "required": ["id", "title"],
    "tables": [{"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"from": "title"}}}],
}
FEEDS = ("first", "second")
ROWS = {"first": "A,a\n", "second": "B,b\n"}


@pytest.fixture
def folders(keys, store, tmp_path, monkeypatch):
    for name in ("feeds", "exports/hr"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(check, "validator", lambda: contextlib.nullcontext(nothing_failed))
    for name in FEEDS:
        declare(tmp_path, name, COURSES["required"])
    return tmp_path


def declare(folder, name, required):
    feed = COURSES | {"name": name, "files": rf"{name}_(?P<period>\d{{8}})\.csv", "required": required}
    (folder / "feeds" / f"{name}.yaml").write_text(yaml.safe_dump(feed))


def deliver(folder, **rows):
    for name, text in rows.items():
        (folder / "exports/hr" / f"{name}_20260130.csv").write_text(f"id,title\n{text}")


def steps(store, *names):
    batch = Batch(store, "b")
    for name in names:
        for words in [[unit.id] for unit in batch.units()] if name == "take" else [[]]:
            assert command.main([name, "b", *words]) == 0


def known(folder, store):
    """Course -> feed of the file that it says to be from."""
    files = {sha256_file(path): path.name.partition("_")[0] for path in (folder / "exports/hr").iterdir()}
    versions = Lake(store).versions("courses", Lake(store).require()).select("course_id", "file_id").rows()
    return {course: files[digest] for course, digest in versions}


@pytest.mark.parametrize(("changed", "second"), [(FEEDS, "B,b\n"), (FEEDS[:1], "B,b\n"), (FEEDS[:1], "")])
def test_a_file_taken_again_after_the_check_is_published_as_it_was_checked(folders, store, capsys, changed, second):
    deliver(folders, first="A,a\n", second=second)
    assert command.main(["discover", "--batch", "b"]) == 0
    steps(store, "take", "validate")
    for name in changed:
        declare(folders, name, ["id", "title", "added"])  # with which the files would be held
    capsys.readouterr()
    steps(store, "take")
    assert capsys.readouterr().out.count("checked ") == 2 * len(command.AT_ONCE)
    steps(store, "validate", "publish")
    rows = 1 + bool(second)
    assert f"{rows} rows in = {rows} accepted" in capsys.readouterr().out
    assert known(folders, store) == {"A": "first"} | ({"B": "second"} if second else {})


def test_a_checked_file_that_is_held_all_the_same_stops_the_batch(folders, store, capsys):
    deliver(folders, **ROWS)
    assert command.main(["discover", "--batch", "b"]) == 0
    steps(store, "take", "validate")
    batch = Batch(store, "b")
    batch.hold(batch.units()[0], Held("missing_required_column", "a column is missing"))
    with pytest.raises(ContractError, match="must not be held once its batch is checked; 1 of 2 are"):
        command.publish(batch)
    assert Lake(store).manifest() is None


def test_a_file_that_was_held_before_the_check_has_no_number(folders, store, capsys):
    deliver(folders, **ROWS)
    declare(folders, "first", ["id", "title", "added"])
    assert command.main(["discover", "--batch", "b"]) == 0
    steps(store, "take", "validate")
    declare(folders, "first", COURSES["required"])
    steps(store, "take", "publish")
    assert known(folders, store) == {"B": "second"}
    assert Lake(store).read("courses", Lake(store).require(), date(2026, 2, 28))["title"].to_list() == ["b"]
