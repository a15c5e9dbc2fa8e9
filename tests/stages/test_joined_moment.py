"""Which file of another feed a file is joined with: of one moment, that which was known when it was written."""

import contextlib
import itertools
import json

import polars as pl
import pytest
import yaml

from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest.batch import Batch
from tests.kills.roads import nothing_failed

BY_MOMENT = (r"(?P<at>\d{8}T\d{6})", {"at": "at"})
BY_DAY = (r"(?P<period>\d{8})", {"end_of": "period"})
BY_MONTH = (r"(?P<period>\d{4}-\d{2})", {"end_of": "period"})


@pytest.fixture
def taken(keys, store, tmp_path, monkeypatch):
    """Takes deliveries in, one run each: name of a file -> its rows (id=title, or only id); says what became of uses.

    Titles are told by files of `titles`, which those of `uses` are joined with.
    """
    for name in ("feeds", "exports"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))
    monkeypatch.setattr("pipelines.ingest.check.validator", lambda: contextlib.nullcontext(nothing_failed))

    def declare(name, stamp, after=(), **more):
        feed = {
            "name": name,
            "owner": "HR",
            "cadence": "daily",
            "location": ".",
            "files": rf"{name}_{stamp[0]}\.csv",
            "dialect": "csv",
            "options": {"delimiter": ",", "quote": '"'},
            "extracted_at": stamp[1],
            "after": list(after),
            **more,
        }
        (tmp_path / "feeds" / f"{name}.yaml").write_text(yaml.safe_dump(feed))

    numbers = itertools.count()

    def take(titles, uses, *deliveries, key="{id} {known}", **join):
        declare("titles", titles, required=["id", "title"], tables=[])
        told = {"course_id": {"template": key}, "title": {"from": "known"}}
        step = {"feed": "titles", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject", **join}
        tables = [{"table": "courses", "columns": told}]
        declare("uses", uses, ("titles",), required=["id"], join=[step], tables=tables)
        for delivery in deliveries:
            for name, rows in delivery.items():
                head = "id,title" if name.startswith("titles") else "id"
                lines = "".join(f"{row.replace('=', ',')}\n" for row in rows.split())
                (tmp_path / "exports" / f"{name}.csv").write_text(f"{head}\n{lines}")
            assert command.main(["run", "--batch", f"b{next(numbers)}"]) == 0
        lake = Lake(store)
        if lake.manifest() is None or "courses" not in lake.require().tables:
            return []
        named = "course_id" if key == "{id} {known}" else pl.concat_str("course_id", "title", separator=" ")
        versions = lake.versions("courses", lake.require())
        return sorted(versions.select(named, pl.col("known_from").dt.strftime("%m-%d")).rows())

    return take


def test_files_of_a_night_are_joined_whichever_is_written_first(taken):
    nights = [
        {f"uses_202601{day}T050000": ids, f"titles_202601{day}T050200": " ".join(f"{i}=t{day}" for i in ids.split())}
        for day, ids in ((30, "A"), (31, "A B"))
    ]
    assert taken(BY_MOMENT, BY_MOMENT, *nights) == [("A t30", "01-30"), ("A t31", "01-31"), ("B t31", "01-31")]


def test_a_night_that_comes_in_two_batches_is_joined_too(taken):
    titles = {"titles_20260130T050200": "A=t30", "titles_20260131T050200": "A=t31"}
    assert taken(BY_MOMENT, BY_MOMENT, titles, {"uses_20260131T050000": "A"}) == [("A t31", "01-31")]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_of_several_files_of_a_day_the_last_before_counts(taken, is_at_once):
    titles = {f"titles_20260131T{hour}0200": f"A=h{hour}" for hour in ("03", "04", "05", "11")}
    uses = {"uses_20260131T050000": "A"}
    deliveries = [titles | uses] if is_at_once else [titles, uses]
    assert taken(BY_MOMENT, BY_MOMENT, *deliveries) == [("A h04", "01-31")]


def test_a_month_that_comes_with_one_of_its_days_holds_that_day(taken):
    months = [
        {"titles_2026-01": "A=jan", "uses_20260115": "A"},
        {"titles_2026-02": "A=feb B=feb", "uses_20260215": "A B"},
    ]
    assert taken(BY_MONTH, BY_DAY, *months) == [("A feb", "02-15"), ("A jan", "01-15"), ("B feb", "02-15")]


def test_a_month_that_landed_before_is_not_told_as_if_its_days_had_known_it(taken):
    landed = {"titles_2026-01": "A=jan", "titles_2026-02": "A=feb", "titles_2026-03": "A=mar"}
    assert taken(BY_MONTH, BY_DAY, landed, {"uses_20260215": "A"}) == [("A jan", "02-15")]


def test_where_there_are_only_later_files_the_first_of_them_is_used(taken):
    landed = {"titles_20260201": "A=feb", "titles_20260301": "A=mar"}
    assert taken(BY_DAY, BY_DAY, landed, {"uses_20260115": "A"}) == [("A feb", "01-15")]


@pytest.mark.parametrize("stamp", [BY_MOMENT, BY_DAY])
def test_of_files_that_landed_one_after_the_other_only_the_last_is_joined(taken, stamp):
    hour = "T050000" if stamp == BY_MOMENT else ""
    landed = [{f"titles_20260{month}01{hour}": f"A=t{month}" + " D=d" * (month == 1)} for month in (1, 2, 3)]
    uses = {f"uses_20260401{hour}": "A D"}
    assert taken(stamp, stamp, *landed, uses, many=True) == [("A t3", "04-01")], "one row, and nothing of D, who left"


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("is_at_once", [True, False])
def test_months_at_once_are_joined_as_month_by_month(taken, is_at_once, many):
    first = {"titles_20260131": "A=jan B=jan", "uses_20260131": "A"}
    last = {"titles_20260228": "A=feb", "uses_20260228": "B A"}
    deliveries = [first | last] if is_at_once else [first, last]
    found = taken(BY_DAY, BY_DAY, *deliveries, many=many)
    assert found == [("A feb", "02-28"), ("A jan", "01-31")], "B left before anything used it"


def test_a_file_sent_again_stands_for_the_one_that_landed(taken):
    again = {"titles_20260131": "A=new", "uses_20260201": "A"}
    assert taken(BY_DAY, BY_DAY, {"titles_20260131": "A=old"}, again, many=True) == [("A new", "02-01")]


def test_an_old_file_that_comes_late_does_not_stand_for_the_newest(taken):
    late = {"titles_20260131": "A=jan", "uses_20260301": "A"}
    assert taken(BY_DAY, BY_DAY, {"titles_20260228": "A=feb"}, late) == [("A feb", "03-01")]


def test_pages_of_one_moment_are_joined_together(taken):
    pages = ((r"(?P<period>\d{8})_\d", {"end_of": "period"}), BY_DAY)
    landed = {"titles_20260131_1": "A=one", "titles_20260131_2": "B=two"}
    assert taken(*pages, landed, {"uses_20260201": "A B"}) == [("A one", "02-01"), ("B two", "02-01")]


TIMES = {
    "moment": (BY_MOMENT, "20251231T050000", "20260131T070000", "20260131T060000", "20260228T060000"),
    "day": (BY_DAY, "20251231", "20260131", "20260131", "20260228"),
    "month": (BY_MONTH, "2025-12", "2026-01", "2026-01", "2026-02"),
}
"""Stamp; when older titles, those that come late, and two files of uses were written."""


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("first", ["A=t1", "A=t1 B=old", None], ids=["a row", "a text", "the file"])
def test_what_is_looked_up_late_is_told_as_if_it_had_come_in_time(taken, times, first):
    """A row or the file was wanting, or a text was wrong: known since both were written, whenever they arrived."""
    stamp, older, at, uses, _ = times
    before = {f"titles_{older}": "A=t0"} | ({f"titles_{at}": first} if first else {})
    found = taken(stamp, stamp, before | {f"uses_{uses}": "A B"}, {f"titles_{at}": "A=t1 B=t1"}, key="{id}")
    told = {"A=t1": [], "A=t1 B=old": [("B old", "01-31")], None: [("A t0", "01-31")]}[first]
    assert sorted(found) == sorted([("A t1", "01-31"), ("B t1", "01-31"), *told])


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_what_was_looked_up_later_is_as_it_was(taken, times):
    """February said again what January had, which says otherwise now."""
    stamp, older, at, uses, later = times
    titles = {f"titles_{older}": "A=t0", f"titles_{later}": "A=t0"}
    files = titles | {f"uses_{uses}": "A", f"uses_{later}": "A"}
    assert taken(stamp, stamp, files, key="{id}") == [("A t0", "01-31")]
    found = taken(stamp, stamp, {}, {f"titles_{at}": "A=t1"}, key="{id}")
    assert found == [("A t0", "01-31"), ("A t0", "02-28"), ("A t1", "01-31")]


def test_a_late_file_is_nearer_than_the_first_that_came_after(taken):
    found = taken(
        BY_MONTH, BY_MONTH, {"titles_2026-03": "A=t3", "uses_2026-01": "A"}, {"titles_2026-02": "A=t2"}, key="{id}"
    )
    assert found == [("A t2", "01-31"), ("A t3", "01-31")]


JAN2, FEB = {"titles_2026-01": "A=jan2"}, {"titles_2026-02": "A=feb"}


@pytest.mark.parametrize(
    "deliveries",
    [[JAN2, FEB], [FEB, JAN2], [JAN2 | FEB]],
    ids=["in turn", "the other way round", "at once"],
)
def test_a_file_that_is_read_again_is_looked_up_the_same_whatever_comes_with_it(taken, deliveries):
    """February's titles hold the day of its uses only where these are new: in time they were not known by then."""
    first = {"titles_2026-01": "A=jan", "uses_20260215": "A"}
    found = taken(BY_MONTH, BY_DAY, first, *deliveries)
    assert found == [("A jan", "02-15"), ("A jan2", "02-15")]


BY_PAGE = (r"(?P<period>\d{4}-\d{2})_(?P<page>\d)", {"end_of": "period"})


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_page_that_came_before_or_has_the_bytes_of_last_month_is_one_of_its_pages(taken, is_at_once):
    january = {"titles_2026-01_1": "A=same", "titles_2026-01_2": "B=t1"}
    pages, uses = [{"titles_2026-02_2": "B=t2", "titles_2026-02_1": "A=same"}, {"titles_2026-02_3": "C=t2"}], "A B C"
    last = {**pages[1], "uses_2026-02": uses}
    rest = [pages[0] | last] if is_at_once else [pages[0], last]
    found = taken(BY_PAGE, BY_MONTH, january, *rest, key="{id}")
    assert found == [("A same", "02-28"), ("B t2", "02-28"), ("C t2", "02-28")]


def test_a_page_that_comes_late_is_one_of_its_pages(taken):
    page = {"titles_2026-02_1": "A=t2", "uses_2026-02": "A B"}
    found = taken(BY_PAGE, BY_MONTH, page, {"titles_2026-02_2": "B=t2"}, key="{id}")
    assert found == [("A t2", "02-28"), ("B t2", "02-28")]


def test_what_comes_in_time_reads_nothing_again(taken, store):
    months = [{f"titles_2026-0{n}": "A=t1", f"uses_2026-0{n}": "A"} for n in (1, 2)]
    taken(BY_MONTH, BY_MONTH, *months, {"titles_2026-03": "A=t3"})
    rows = [
        json.loads(store.read(f"reports/ingest/b{n}.json"))["counts"].get("uses", {"in": 0})["in"] for n in range(3)
    ]
    assert rows == [1, 1, 0]


@pytest.mark.parametrize("is_in_the_lock", [False, True])
def test_a_file_that_another_batch_took_in_since_the_plan_is_looked_up_too(
    taken, store, tmp_path, monkeypatch, is_in_the_lock
):
    """Another batch takes the file of uses in while the titles that it wants are on their way."""
    taken(BY_MONTH, BY_MONTH, {"titles_2025-12": "A=t0"})
    (tmp_path / "exports/titles_2026-01.csv").write_text("id,title\nA,t1\n")
    uses, late = tmp_path / "exports/uses_2026-01.csv", []

    def between(batch):
        if not late and batch.name == "late":
            late.append(batch)
            (tmp_path / "exports/titles_2026-01.csv").rename(tmp_path / "titles")
            uses.write_text("id\nA\n")
            command.run(Batch(store, "other"), None)
            (tmp_path / "titles").rename(tmp_path / "exports/titles_2026-01.csv")

    if is_in_the_lock:
        publish = command.publish
        monkeypatch.setattr(command, "publish", lambda batch: (between(batch), publish(batch))[1])
    else:
        catch_up = command.catch_up
        monkeypatch.setattr(command, "catch_up", lambda batch: (between(batch), catch_up(batch))[1])
    command.run(Batch(store, "late"), None)
    told = Lake(store).versions("courses", Lake(store).require())
    assert sorted(told["title"]) == ["t0", "t1"]


@pytest.mark.parametrize("when", ["planned", "mapped", "checked", "let_go", "in_the_lock"])
@pytest.mark.parametrize("is_older", [False, True], ids=["", "older"])
def test_titles_that_another_batch_takes_in_are_looked_up_whenever_it_is_published(
    taken, store, tmp_path, monkeypatch, *, when, is_older
):
    """A batch that is at work on uses, which an older version may have mapped and checked, is published after it."""
    taken(BY_MONTH, BY_MONTH, {"titles_2025-12": "A=t0"}, key="{id}")
    uses, batch = tmp_path / "exports/uses_2026-01.csv", Batch(store, "uses")
    uses.write_text("id\nA\nB\n")

    def other():
        uses.rename(tmp_path / "uses")
        (tmp_path / "exports/titles_2026-01.csv").write_text("id,title\nA,t1\nB,t1\n")
        command.run(Batch(store, "titles"), None)
        (tmp_path / "uses").rename(uses)

    def come(now):
        if now != when:
            return
        if is_older:
            (batch.folder / "checked/looked_up.json").unlink(missing_ok=True)
            for report in batch.folder.glob("*/mapped/report.json"):
                report.write_text(json.dumps({"rows": json.loads(report.read_text())["rows"]}))
        other()

    unit = command.discover(batch)["units"][0]["id"]
    come("planned")
    assert command.main(["take", "uses", unit]) == 0
    come("mapped")
    command.check(batch, command.declared.load(command.declared.folder()))
    come("checked")
    if when != "checked":
        command.let_go(batch)
    come("let_go")
    publish = command.publish
    locked = iter(["in_the_lock"])
    monkeypatch.setattr(command, "publish", lambda batch: (come(next(locked, None)), publish(batch))[1])
    command.finish(batch)
    told = Lake(store).versions("courses", Lake(store).require())
    assert sorted(told.select("course_id", "title").rows()) == [("A", "t1"), ("B", "t1")]


def test_what_looks_into_nothing_new_is_checked_anew_and_not_mapped(taken, store, tmp_path, monkeypatch):
    """Another batch is published in between, with titles of a later month."""
    taken(BY_MONTH, BY_MONTH, {"titles_2026-01": "A=t1"}, key="{id}")
    uses, batch = tmp_path / "exports/uses_2026-01.csv", Batch(store, "uses")
    uses.write_text("id\nA\n")
    unit = command.discover(batch)["units"][0]["id"]
    assert command.main(["take", "uses", unit]) == 0
    command.check(batch, command.declared.load(command.declared.folder()))
    uses.rename(tmp_path / "uses")
    (tmp_path / "exports/titles_2026-02.csv").write_text("id,title\nA,t2\n")
    command.run(Batch(store, "titles"), None)
    (tmp_path / "uses").rename(uses)
    dropped, drop = [], command.drop
    monkeypatch.setattr(command, "drop", lambda folder: (dropped.append(folder.name), drop(folder)))
    command.finish(batch)
    assert dropped == ["checked"]
    assert Lake(store).versions("courses", Lake(store).require())["title"].to_list() == ["t1"]
