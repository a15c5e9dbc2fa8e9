"""Files that can be read and that nobody should believe unseen wait for a person, and what the person says counts."""

import contextlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines import audit
from pipelines.base import landing
from pipelines.base.digests import sha256_file
from pipelines.base.errors import ContractError, GateRefused
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, files, publish
from pipelines.ingest.decide import Decision, File, decide, released
from pipelines.ingest.feeds import Feed
from pipelines.ingest.plausible import Seen, doubt
from tests.kills.roads import nothing_failed

COURSES = {
    "name": "courses",
    "owner": "Learning",
    "cadence": "once",
    "location": "lms",
    "files": r"courses_(?P<period>\d{4}-\d{2})\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "required": ["id", "title"],
    "full": {"may_lose": 0.1},
    "tables": [{"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"from": "title"}}}],
}
CHANGES = COURSES | {
    "name": "changes",
    "files": r"changes_(?P<period>\d{4}-\d{2})_(?P<seq>\d+)\.csv",
    "full": None,
    "delta": {"sequence": "seq"},
}
NOTE = "The catalogue was cleaned up in June."


@pytest.fixture(autouse=True)
def company(keys, store, tmp_path, monkeypatch):
    """Feeds and exports of a catalogue. Great Expectations has no say in what is held."""
    for feed in (COURSES, CHANGES):
        path = tmp_path / "feeds" / f"{feed['name']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(feed))
    (tmp_path / "exports").mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


@pytest.fixture
def ingest(capsys):
    """Run the command; its exit code, and its output and errors."""

    def run(*words: str) -> tuple[int, str]:
        code = command.main(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def deliver(tmp_path):
    """Write a catalogue's courses; its path."""

    def write(name: str, ids: range, head: str = "id,title") -> Path:
        path = tmp_path / "exports" / "lms" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([head, *(f"C{i},Course {i}" for i in ids)]) + "\n")
        return path

    return write


def courses(store) -> int:
    return len(Lake(store).read("courses", Lake(store).require()))


def held(ingest) -> list[list[str]]:
    code, said = ingest("held")
    assert code == 0
    return [line.split() for line in said.splitlines() if line.startswith(("courses ", "changes "))]


def decisions(store) -> list[dict]:
    return [dict(entry.facts) for entry in audit.entries(store) if entry.tag is audit.Tag.FILE_DECIDED]


def lost(ingest, deliver) -> str:
    """Ten courses of June, and seven of July, which are held; their digest."""
    deliver("courses_2026-06", range(10))
    assert "10 rows in = 10 accepted" in ingest("run", "--batch", "june")[1]
    deliver("courses_2026-07", range(20, 27))
    assert "files held: 1; held courses: lost_records" in ingest("run", "--batch", "july")[1]
    ((feed, sha256, period, reason),) = held(ingest)
    assert (feed, period, reason) == ("courses", "2026-07", "lost_records")
    return sha256


def test_a_full_file_that_lost_too_many_is_held_and_a_released_one_is_taken_in_from_landing(
    ingest, deliver, store, tmp_path
):
    sha256 = lost(ingest, deliver)
    assert courses(store) == 10
    (tmp_path / "exports" / "lms" / "courses_2026-07.csv").unlink()
    code, page = ingest("ask", "courses", sha256)
    assert code == 0
    assert "at least 9 records, as the one before has 10 and it may lose 10%; it has 7." in page
    words = ("--choice", "release", "--by", "data_engineer", "--note", NOTE)
    code, said = ingest("decide", "courses", sha256, *words)
    assert (code, json.loads(said)["status"]) == (0, "released")
    assert held(ingest) == []
    assert "7 rows in = 7 accepted" in ingest("run", "--batch", "august")[1]
    assert courses(store) == 17
    assert "nothing new" in ingest("run", "--batch", "september")[1]
    assert decisions(store) == [
        {
            "file_sha256": sha256,
            "choice": "release",
            "by": "data_engineer",
            "note": NOTE,
            "run_id": "",
            "batch": "july",
        }
    ]


def test_what_may_be_lost_is_not_held(ingest, deliver, store):
    deliver("courses_2026-06", range(10))
    ingest("run", "--batch", "june")
    deliver("courses_2026-07", range(20, 29))
    assert "files held: 0" in ingest("run", "--batch", "july")[1]
    deliver("courses_2026-08", range(30, 38))
    assert "files held: 1" in ingest("run", "--batch", "august")[1], "9 came before, not 10"


def test_a_rejected_file_is_never_taken_in_under_any_name_but_other_bytes_are(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    words = ("--choice", "reject", "--by", "data_engineer", "--note", NOTE)
    assert json.loads(ingest("decide", "courses", sha256, *words)[1])["status"] == "rejected"
    assert "nothing new" in ingest("run", "--batch", "august")[1]
    deliver("courses_2026-08", range(20, 27))
    ingest("run", "--batch", "again")
    assert "nothing to replay" not in ingest("run", "--batch", "replay", "--replay", "courses")[1]
    assert courses(store) == 10
    assert held(ingest) == []
    deliver("courses_2026-07", range(20, 30))
    assert "10 rows in = 10 accepted" in ingest("run", "--batch", "corrected")[1]
    assert courses(store) == 20


def test_a_rejection_can_be_taken_back(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    for choice in ("reject", "release"):
        ingest("decide", "courses", sha256, "--choice", choice, "--by", "data_engineer", "--note", NOTE)
    ingest("run", "--batch", "august")
    assert courses(store) == 17
    assert [found["choice"] for found in decisions(store)] == ["reject", "release"]


def test_a_file_of_an_older_period_is_held(ingest, deliver, store):
    deliver("courses_2026-06", range(10))
    ingest("run", "--batch", "june")
    deliver("courses_2026-05", range(20, 30))
    assert "held courses: older_file" in ingest("run", "--batch", "late")[1]
    assert courses(store) == 10


def test_within_a_batch_files_are_judged_in_the_order_of_their_periods(ingest, deliver, store):
    for month, size in (("2026-06", 10), ("2026-07", 3), ("2026-08", 9)):
        deliver(f"courses_{month}", range(size))
    said = ingest("run", "--batch", "all")[1]
    assert "files held: 1; held courses: lost_records" in said
    assert [period for _, _, period, _ in held(ingest)] == ["2026-07"]


def test_a_released_file_that_cannot_be_read_is_held_and_asked_about_again(ingest, deliver, store):
    deliver("courses_2026-06", range(10), head="id,name")
    ingest("run", "--batch", "june")
    ((_, sha256, _, reason),) = held(ingest)
    assert reason == "missing_required_column"
    words = ("--choice", "release", "--by", "data_engineer", "--note", NOTE)
    for batch in ("july", "august"):
        ingest("decide", "courses", sha256, *words)
        assert held(ingest) == []
        assert "held courses: missing_required_column" in ingest("run", "--batch", batch)[1]
        assert len(held(ingest)) == 1, "nobody reads it again unasked"
    assert "nothing new" in ingest("run", "--batch", "september")[1]


def test_an_old_answer_does_not_decide_against_a_newer_decision(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    file, answer = File("courses", sha256), Decision("release", "data_engineer", NOTE, "held__r1")
    decide(store, file, answer)
    decide(store, file, Decision("reject", "second", "It was cut short after all."))
    with pytest.raises(GateRefused, match="must decide once"):
        decide(store, file, answer)
    assert released(store) == []
    assert "nothing new" in ingest("run", "--batch", "august")[1]
    assert [found["choice"] for found in decisions(store)] == ["release", "reject"]


def test_an_answer_decides_about_one_holding_only(ingest, deliver, store):
    """Released, unreadable and held again: clearing the first question's tasks must not release it once more."""
    deliver("courses_2026-06", range(10), head="id,name")
    ingest("run", "--batch", "june")
    ((_, sha256, _, _),) = held(ingest)
    file, answer = File("courses", sha256), Decision("release", "data_engineer", NOTE, "held__r1")
    for _ in range(2):  # a killed try and the next
        assert json.loads(decide(store, file, answer))["status"] == "released"
    ingest("run", "--batch", "july")
    with pytest.raises(GateRefused, match="must decide once"):
        decide(store, file, answer)
    decide(store, file, Decision("release", "data_engineer", NOTE, "held__r2"))
    assert [(found["run_id"], found["batch"]) for found in decisions(store)] == [
        ("held__r1", "june"),
        ("held__r2", "july"),
    ]


def test_a_file_rejected_while_a_batch_is_at_work_is_not_taken_in(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    decide(store, File("courses", sha256), Decision("release", "data_engineer", NOTE))
    (unit,) = json.loads(ingest("discover", "--batch", "august")[1].splitlines()[-1])["units"]
    ingest("take", "august", unit)
    ingest("validate", "august")
    decide(store, File("courses", sha256), Decision("reject", "second", "It was cut short after all."))
    said = ingest("publish", "august")[1]
    assert "7 rows in = 0 accepted + 0 quarantined + 7 filtered" in said
    assert json.loads(said.splitlines()[-1])["held"] == []
    assert courses(store) == 10
    assert [record.status for record in files.find(store, "courses", sha256)] == ["rejected"]
    assert "nothing new" in ingest("run", "--batch", "september")[1]


def test_a_rejection_after_the_rows_became_visible_comes_too_late_and_the_register_says_so(
    ingest, deliver, store, monkeypatch
):
    sha256 = lost(ingest, deliver)
    decide(store, File("courses", sha256), Decision("release", "data_engineer", NOTE))

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_register", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest("run", "--batch", "august")
    assert courses(store) == 17
    decide(store, File("courses", sha256), Decision("reject", "second", "It was cut short after all."))
    assert "7 rows in = 7 accepted" in ingest("publish", "august")[1]
    assert [record.status for record in files.find(store, "courses", sha256)] == ["published"]


def test_a_file_that_never_landed_is_not_asked_about_and_cannot_be_released(ingest, deliver, store, tmp_path):
    path = deliver("courses_2026-06", range(10))
    (unit,) = json.loads(ingest("discover", "--batch", "june")[1].splitlines()[-1])["units"]
    path.write_text("id,title\nC1,other bytes\n")
    assert "held" in ingest("take", "june", unit)[1]
    ingest("validate", "june")
    assert json.loads(ingest("publish", "june")[1].splitlines()[-1])["held"] == []
    assert held(ingest) == []
    assert "1 rows in = 1 accepted" in ingest("run", "--batch", "july")[1]


def test_an_expired_file_cannot_be_released(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    (record,) = files.find(store, "courses", sha256)
    landing.remove(store, record.landing_key)
    with pytest.raises(ContractError, match="must lie in landing"):
        decide(store, File("courses", sha256), Decision("release", "data_engineer", NOTE))
    assert decisions(store) == []
    decide(store, File("courses", sha256), Decision("reject", "data_engineer", NOTE))
    assert held(ingest) == []


def test_a_held_file_that_is_gone_from_landing_is_read_again_once_it_is_restored(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    (record,) = files.find(store, "courses", sha256)
    path = store.root / record.landing_key
    data = path.read_bytes()
    path.unlink()
    assert "held courses: not_landed" in ingest("run", "--batch", "gone", "--replay", "courses")[1]
    path.write_bytes(data)
    assert "held courses: lost_records" in ingest("run", "--batch", "restored", "--replay", "courses")[1]
    assert files.find(store, "courses", sha256)[0].landing_key == record.landing_key


def test_what_was_mapped_with_a_file_that_is_held_is_mapped_again_once_that_is_settled(
    ingest, deliver, store, tmp_path
):
    joining = CHANGES | {
        "name": "zz",
        "files": r"zz_(?P<period>\d{4}-\d{2})\.csv",
        "delta": None,
        "join": [{"feed": "courses", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject"}],
        "tables": [{"table": "courses", "columns": {"course_id": {"from": "title"}, "title": {"from": "known"}}}],
        "after": ["courses"],
    }
    (tmp_path / "feeds" / "zz.yaml").write_text(yaml.safe_dump(joining))
    deliver("courses_2026-06", range(10))
    ingest("run", "--batch", "june")
    deliver("courses_2026-07", range(3))
    deliver("zz_2026-07", range(10))
    said = ingest("run", "--batch", "july")[1]
    assert "held courses: lost_records; held zz: joined_file_held" in said
    ((_, sha256, _, _),) = held(ingest)
    decide(store, File("courses", sha256), Decision("reject", "data_engineer", NOTE))
    assert "10 rows in = 10 accepted" in ingest("run", "--batch", "august")[1]


EMPTY = {
    "csv": (CHANGES["options"], "id,title\nC1,Course 1\n", "id,title\n"),
    "workday_json": (
        {"record_path": "Report_Entry", "may_be_empty": True},
        '{"Report_Entry": [{"id": "C1", "title": "Course 1"}]}',
        '{"Report_Entry": []}',
    ),
    "xml_records": (
        {"record_path": "Report_Data/Report_Entry", "lists": [], "may_be_empty": True},
        "<Report_Data><Report_Entry><id>C1</id><title>Course 1</title></Report_Entry></Report_Data>",
        "<Report_Data/>",
    ),
}


@pytest.mark.parametrize("dialect", EMPTY)
def test_an_export_of_nothing_is_taken_in_and_nothing_is_found_in_it(ingest, deliver, store, tmp_path, dialect):
    options, june, july = EMPTY[dialect]
    exported = COURSES | {"full": None, "dialect": dialect, "options": options}
    looking = COURSES | {
        "name": "zz",
        "files": r"zz_(?P<period>\d{4}-\d{2})\.csv",
        "full": None,
        "join": [{"feed": "courses", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject"}],
        "tables": [
            {"table": "courses", "columns": {"course_id": {"template": "{id} known"}, "title": {"from": "known"}}}
        ],
        "after": ["courses"],
    }
    for feed in (exported, looking):
        (tmp_path / "feeds" / f"{feed['name']}.yaml").write_text(yaml.safe_dump(feed))
    deliver("courses_2026-06", range(0)).write_text(june)
    deliver("courses_2026-07", range(0)).write_text(july)
    deliver("zz_2026-06", range(1, 3))
    deliver("zz_2026-07", range(1, 3))
    code, said = ingest("run", "--batch", "summer")
    assert code == 0
    assert "files held: 0" in said
    assert "5 rows in = 2 accepted + 3 quarantined + 0 filtered" in said, "only what June says was found in it"


@pytest.mark.parametrize("dialect", EMPTY)
def test_a_full_export_of_nothing_after_one_of_something_waits(ingest, deliver, tmp_path, dialect):
    options, june, july = EMPTY[dialect]
    feed = COURSES | {"dialect": dialect, "options": options}
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(feed))
    deliver("courses_2026-06", range(0)).write_text(june)
    ingest("run", "--batch", "june")
    deliver("courses_2026-07", range(0)).write_text(july)
    assert "files held: 1; held courses: lost_records" in ingest("run", "--batch", "july")[1]


@pytest.mark.parametrize("batches", [["2026-06", "2026-07"], ["2026-06 2026-07"]], ids=["one by one", "at once"])
def test_a_file_is_never_looked_up_in_a_later_one_if_there_is_another(ingest, store, tmp_path, batches):
    looking = COURSES | {
        "name": "zz",
        "files": r"zz_(?P<period>\d{4}-\d{2})\.csv",
        "join": [{"feed": "courses", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject"}],
        "tables": [
            {"table": "courses", "columns": {"course_id": {"template": "{id} known"}, "title": {"from": "known"}}}
        ],
        "after": ["courses"],
    }
    (tmp_path / "feeds" / "zz.yaml").write_text(yaml.safe_dump(looking))
    (tmp_path / "exports" / "lms").mkdir()
    for batch in batches:
        for period in batch.split():
            for name in ("courses", "zz"):
                path = tmp_path / "exports" / "lms" / f"{name}_{period}.csv"
                path.write_text(f"id,title\nC1,as of {period}\n")
        assert ingest("run", "--batch", batch)[0] == 0
    again = ingest("run", "--batch", "again", "--replay", "zz")[1]
    assert "2 rows in = 0 accepted + 0 quarantined + 2 filtered" in again, "nor when it is read again"
    lake = Lake(store)
    for day, title in ((date(2026, 6, 30), "as of 2026-06"), (date(2026, 7, 31), "as of 2026-07")):
        found = lake.read("courses", lake.require(), day).filter(pl.col("course_id") == "C1 known")
        assert found["title"].to_list() == [title]


def test_a_replay_that_cannot_be_read_leaves_what_was_taken_in_as_it_is(ingest, deliver, store, tmp_path):
    deliver("courses_2026-06", range(10))
    ingest("run", "--batch", "june")
    wrong = COURSES | {"required": ["id", "name"]}
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(wrong))
    ingest("run", "--batch", "again", "--replay", "courses")
    assert held(ingest) == []
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(COURSES))
    deliver("courses_2026-07", range(20, 22))
    assert "held courses: lost_records" in ingest("run", "--batch", "july")[1], "June is still what it is held against"


def test_a_replay_does_not_take_in_what_was_held_against_its_manifest(ingest, deliver, store, tmp_path):
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(COURSES | {"ready": {"manifest": ".json"}}))
    path = deliver("courses_2026-06", range(10))
    said = {"name": path.name, "sha256": sha256_file(path), "records": 11}
    path.with_name(f"{path.name}.json").write_text(json.dumps({"files": [said]}))
    assert "held courses: other_records_than_manifest" in ingest("run", "--batch", "june")[1]
    assert "other_records_than_manifest" in ingest("run", "--batch", "again", "--replay", "courses")[1]
    assert len(held(ingest)) == 1


def test_the_same_held_bytes_under_two_names_are_settled_together(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    deliver("courses_2026-08", range(20, 27))
    ingest("run", "--batch", "august")
    decide(store, File("courses", sha256), Decision("release", "data_engineer", NOTE))
    ingest("run", "--batch", "september")
    assert held(ingest) == []
    assert sorted(record.status for record in files.find(store, "courses", sha256)) == ["duplicate", "published"]


@pytest.mark.parametrize(("feed", "sha256"), [("courses", ""), ("courses", "a" * 63), ("Jane Doe", "a" * 64)])
def test_a_file_is_named_by_its_feed_and_digest(ingest, store, feed, sha256):
    code, said = ingest("decide", feed, sha256, "--choice", "reject", "--by", "data_engineer", "--note", NOTE)
    assert code == 1
    assert said.startswith("ContractError: A held file must be named by its feed and the 64 hex digits")


def test_files_are_older_by_the_day_that_their_names_say(ingest, deliver, store, tmp_path):
    daily = COURSES | {"files": r"courses_(?P<day>\d{4}-\d{2}-\d{2})\.csv", "extracted_at": {"end_of": "day"}}
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(daily))
    for day, size in (("2026-06-01", 100), ("2026-06-02", 91), ("2026-06-03", 85)):
        deliver(f"courses_{day}", range(size))
    assert "files held: 0" in ingest("run", "--batch", "days")[1], "85 of 91 is enough"
    deliver("courses_2026-05-31", range(200, 300))
    assert "held courses: older_file" in ingest("run", "--batch", "late")[1]


def test_a_replay_of_what_was_taken_in_is_not_judged_again(ingest, deliver, store):
    for month, size in (("2026-05", 100), ("2026-06", 95)):
        deliver(f"courses_{month}", range(size))
        ingest("run", "--batch", month)
    assert "files held: 0" in ingest("run", "--batch", "again", "--replay", "courses")[1]


def test_a_released_file_comes_up_once_also_when_its_declaration_changed(ingest, deliver, store, tmp_path):
    sha256 = lost(ingest, deliver)
    decide(store, File("courses", sha256), Decision("release", "data_engineer", NOTE))
    assert released(store) == [("courses", sha256)]
    (tmp_path / "feeds" / "courses.yaml").write_text(yaml.safe_dump(COURSES | {"owner": "Somebody else"}))
    assert "7 rows in = 7 accepted" in ingest("run", "--batch", "august")[1]
    assert released(store) == []


def test_a_restated_file_of_the_same_period_is_not_older_and_a_larger_one_before_does_not_count(ingest, deliver):
    deliver("courses_2026-05", range(100))
    ingest("run", "--batch", "may")
    deliver("courses_2026-06", range(95))
    ingest("run", "--batch", "june")
    deliver("courses_2026-06", range(87))
    assert "files held: 0" in ingest("run", "--batch", "restated")[1], "87 of 95 is enough, of 100 it would not be"


@pytest.mark.parametrize(("share", "least"), [(0.7, 3), (0.45, 6), (0.1, 9), (0, 10)])
def test_a_share_of_ten_is_a_whole_number(share, least):
    feed = Feed.model_validate(COURSES | {"full": {"may_lose": share}})
    day = datetime(2026, 6, 30, tzinfo=UTC)
    before = Seen(day, 10)
    assert doubt(feed, before, Seen(day, least)) is None
    assert doubt(feed, before, Seen(day, least - 1)).reason_code == "lost_records"


@pytest.mark.parametrize(
    ("share", "before", "most"),
    [
        (1.0, 100, 200),
        (0.2, 100, 120),
        (0.1, 100, 119),
        (1.0, 0, 10_000),
        (1.0, 19, 10_000),
        (1.0, 20, 40),
        (0.15, 200, 230),
    ],
)
def test_a_file_may_gain_as_much_as_its_feed_says_and_nineteen_records_whatever_it_says(share, before, most):
    feed = Feed.model_validate(COURSES | {"full": {"may_lose": 0.1, "may_gain": share}})
    day = datetime(2026, 6, 30, tzinfo=UTC)
    assert doubt(feed, Seen(day, before), Seen(day, most)) is None
    if before >= 20:
        held = doubt(feed, Seen(day, before), Seen(day, most + 1))
        assert (held.reason_code, f"may gain {share:.0%}; it has {most + 1}" in str(held)) == ("gained_records", True)


def test_a_full_file_of_far_more_than_before_waits_and_a_released_one_is_what_the_next_is_held_against(
    ingest, deliver, store
):
    deliver("courses_2026-05", range(100))
    ingest("run", "--batch", "may")
    path = deliver("courses_2026-06", range(201))
    assert "files held: 1" in ingest("run", "--batch", "june")[1]
    release = ["decide", "courses", sha256_file(path), "--choice", "release", "--by", "somebody", "--note", NOTE]
    assert ingest(*release)[0] == 0
    assert "files held: 0" in ingest("run", "--batch", "july")[1]
    lake = Lake(store)
    assert len(lake.read("courses", lake.require())) == 201
    deliver("courses_2026-08", range(402))
    assert "files held: 0" in ingest("run", "--batch", "august")[1]


def test_an_empty_delta_has_known_bytes_and_still_its_turn(ingest, deliver, store):
    deliver("changes_2026-06_7", range(0))
    ingest("run", "--batch", "first")
    deliver("changes_2026-06_9", range(0))
    deliver("changes_2026-06_10", range(3))
    assert "0 rows in = 0 accepted" in ingest("run", "--batch", "gap")[1], "8 never arrived"
    deliver("changes_2026-06_8", range(0))
    assert "3 rows in = 3 accepted" in ingest("run", "--batch", "whole")[1]


def test_a_delta_waits_for_the_one_before_it(ingest, deliver, store):
    deliver("changes_2026-06_7", range(3))
    ingest("run", "--batch", "first")
    deliver("changes_2026-06_9", range(6, 9))
    assert "not complete yet: changes 1" in ingest("run", "--batch", "gap")[1]
    assert courses(store) == 3
    deliver("changes_2026-06_8", range(3, 6))
    assert "6 rows in = 6 accepted" in ingest("run", "--batch", "whole")[1]
    assert courses(store) == 9


@pytest.mark.parametrize("ends", ["corrected", "rejected"])
def test_a_delta_behind_a_held_one_comes_up_by_itself_once_that_is_settled(ingest, deliver, store, ends):
    deliver("changes_2026-06_1", range(3), head="id,name")
    deliver("changes_2026-06_2", range(3, 6))
    said = ingest("run", "--batch", "first")[1]
    assert "files held: 2" in said
    ((_, sha256, _, reason),) = held(ingest)
    assert reason == "missing_required_column"
    assert "not complete yet: changes 1" in ingest("run", "--batch", "second")[1]
    if ends == "corrected":
        deliver("changes_2026-06_1", range(3))
    else:
        ingest("decide", "changes", sha256, "--choice", "reject", "--by", "data_engineer", "--note", NOTE)
    ingest("run", "--batch", "third")
    assert courses(store) == (6 if ends == "corrected" else 3)


@pytest.mark.parametrize("is_one_batch", [False, True])
def test_a_delta_that_was_written_before_the_one_it_follows_is_held(ingest, deliver, store, is_one_batch):
    deliver("changes_2026-06_7", range(3))
    if not is_one_batch:
        ingest("run", "--batch", "first")
    deliver("changes_2026-05_8", range(3, 6))
    deliver("changes_2026-06_9", range(6, 9))
    assert "held changes: older_file" in ingest("run", "--batch", "second")[1]
    ((_, sha256, _, reason), *_) = held(ingest)
    assert (reason, courses(store)) == ("older_file", 3), "the one behind it waits"
    ingest("decide", "changes", sha256, "--choice", "release", "--by", "data_engineer", "--note", NOTE)
    ingest("run", "--batch", "third")
    assert courses(store) == 9


def test_a_name_without_a_number_is_held(ingest, deliver, tmp_path):
    odd = CHANGES | {"files": r"changes_(?P<period>\d{4}-\d{2})_(?P<seq>\w+)\.csv"}
    (tmp_path / "feeds" / "changes.yaml").write_text(yaml.safe_dump(odd))
    deliver("changes_2026-06_last", range(3))
    assert "held changes: impossible_sequence" in ingest("run", "--batch", "first")[1]


def test_a_decision_that_was_cut_short_is_made_once(ingest, deliver, store, monkeypatch):
    sha256 = lost(ingest, deliver)
    enter, words = files.enter, ("--choice", "reject", "--by", "data_engineer", "--note", NOTE)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "enter", killed)
    with pytest.raises(KeyboardInterrupt):
        ingest("decide", "courses", sha256, *words)
    assert len(decisions(store)) == 1
    monkeypatch.setattr(files, "enter", enter)
    for _ in range(2):
        assert ingest("decide", "courses", sha256, *words)[0] == 0
    assert len(decisions(store)) == 1
    assert held(ingest) == []


def test_a_decision_repeated_after_a_run_took_the_file_in_is_no_error(ingest, deliver, store):
    sha256 = lost(ingest, deliver)
    words = ("--choice", "release", "--by", "data_engineer", "--note", NOTE)
    ingest("decide", "courses", sha256, *words)
    ingest("run", "--batch", "august")
    assert ingest("decide", "courses", sha256, *words)[0] == 0
    assert "nothing new" in ingest("run", "--batch", "september")[1]
    code, said = ingest("decide", "courses", sha256, *words[:-1], "Another reason altogether.")
    assert code == 1
    assert said.startswith("ContractError: A decision must be about a held file of courses; no file of that digest")


@pytest.mark.parametrize(
    "words",
    [
        ("--choice", "release", "--by", "data_engineer", "--note", "too short"),
        ("--choice", "release", "--by", " ", "--note", NOTE),
    ],
)
def test_a_decision_needs_somebody_and_a_reason(ingest, deliver, store, words):
    sha256 = lost(ingest, deliver)
    code, said = ingest("decide", "courses", sha256, *words)
    assert code == 1
    assert said.startswith("ContractError: A decision must be release or reject, by somebody, with a note")
    assert decisions(store) == []


def test_a_published_batch_says_who_must_be_asked(ingest, deliver):
    deliver("changes_2026-06_1", range(3), head="id,name")
    deliver("changes_2026-06_2", range(3, 6))
    units = json.loads(ingest("discover", "--batch", "b")[1].splitlines()[-1])["units"]
    for words in (*(("take", "b", unit) for unit in units), ("validate", "b"), ("publish", "b")):
        code, said = ingest(*words)
        assert code == 0, said
    (asked,) = json.loads(said.splitlines()[-1])["held"]
    assert asked == {"feed": "changes", "file": held(ingest)[0][1]}
