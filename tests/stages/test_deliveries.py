"""Deliveries that come again, late or as they once were: the lake says what the source said last of each day."""

import contextlib
import json
from datetime import date

import polars as pl
import pytest
import yaml

from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as command
from pipelines.ingest import files
from pipelines.ingest.batch import Batch
from pipelines.ingest.discover import discover
from tests.kills.roads import nothing_failed

MONTHS = {"01": date(2026, 1, 31), "02": date(2026, 2, 28), "03": date(2026, 3, 31), "04": date(2026, 4, 30)}
COURSES = {
    "name": "courses",
    "owner": "Learning",
    "cadence": "monthly",
    "location": ".",
    "files": r"courses_(?P<period>\d{4}-\d{2})\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "required": ["id", "title"],
    "tables": [{"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"from": "title"}}}],
}


@pytest.fixture
def declare(tmp_path):
    (tmp_path / "feeds").mkdir()

    def write(feed):
        (tmp_path / "feeds" / f"{feed['name']}.yaml").write_text(yaml.safe_dump(feed))

    write(COURSES)
    return write


@pytest.fixture
def arrive(declare, keys, store, tmp_path, monkeypatch):
    """Takes files in, a batch for each mapping: month -> titles of courses (`A=first B=same`)."""
    (tmp_path / "exports").mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(command, "validator", lambda: contextlib.nullcontext(nothing_failed))
    monkeypatch.setattr("pipelines.ingest.check.validator", lambda: contextlib.nullcontext(nothing_failed))
    numbers = iter(range(100))

    def take(*deliveries, replay=None):
        for delivery in deliveries or ({},):
            for month, titles in delivery.items():
                lines = "".join(f"{title.replace('=', ',')}\n" for title in titles.split())
                (tmp_path / "exports" / f"courses_2026-{month}.csv").write_text(f"id,title\n{lines}")
            batch = Batch(store, f"b{next(numbers)}")
            command.run(batch, replay)

    return take


def titles(store):
    """What is known of A at the end of each month."""
    lake = Lake(store)
    months = [lake.read("courses", lake.require(), day) for day in MONTHS.values()]
    return [dict(month.select("course_id", "title").rows()).get("A") for month in months]


FIRST, SECOND = "A=first B=same", "A=second B=same"


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_file_with_the_bytes_of_one_before_the_last_takes_the_change_back(arrive, store, is_at_once):
    months = {"01": FIRST, "02": SECOND, "03": FIRST}
    arrive(*([months] if is_at_once else [{month: told} for month, told in months.items()]))
    assert titles(store) == ["first", "second", "first", "first"]
    arrive({"04": FIRST})
    assert {r.name: r.status for r in files.of_feed(store, "courses")}["courses_2026-04.csv"] == "duplicate"


@pytest.mark.parametrize("told", [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_name_that_is_sent_as_it_once_was_counts_as_it_is(arrive, store, told):
    """Whichever digest is the greater."""
    arrive(*({"01": told[place]} for place in (0, 1, 0)))
    assert titles(store)[0] == told[0][2:].split()[0]
    arrive(replay="courses")
    assert titles(store)[0] == told[0][2:].split()[0]


@pytest.mark.parametrize("told", [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_replay_reads_what_was_sent_last_under_a_name(arrive, declare, store, told):
    arrive({"01": told[0]}, {"01": told[1]})
    for _ in range(2):  # what was read again is still the last
        arrive(replay="courses")
        assert titles(store)[0] == told[1][2:].split()[0]
    assert Lake(store).require().tables["courses"].rows == 3, "nothing of it was news"
    other = {"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"template": "{title}!"}}}
    declare(COURSES | {"tables": [other]})
    arrive(replay="courses")
    assert titles(store)[0] == told[1][2:].split()[0] + "!"


@pytest.mark.parametrize("march", [FIRST, "A=first B=same C=new"], ids=["the bytes of January", "others"])
def test_a_late_file_changes_nothing_of_later_days(arrive, store, march):
    arrive({"01": FIRST}, {"03": march}, {"02": SECOND})
    assert titles(store) == ["first", "second", "first", "first"]


def test_a_late_file_with_the_bytes_of_a_later_one_says_what_was_known_by_then(arrive, store):
    arrive({"03": FIRST}, {"01": FIRST})
    assert titles(store) == ["first", "first", "first", "first"]


def test_what_a_manifest_dates_is_in_the_order_in_which_it_came_after_a_replay(arrive, declare, store, tmp_path):
    """Each delivery of the name was what was known for a while, so each is read again."""
    declare(COURSES | {"ready": {"manifest": ".json"}, "extracted_at": {"manifest": True}})
    for day, told in ((3, FIRST), (5, SECOND)):
        text = "id,title\n" + "".join(f"{title.replace('=', ',')}\n" for title in told.split())
        file = {"name": "courses_2026-01.csv", "sha256": sha256_bytes(text.encode()), "records": 2}
        said = {"extracted_at": f"2026-02-0{day}T03:00:00Z", "files": [file]}
        (tmp_path / "exports" / "courses_2026-01.csv.json").write_text(json.dumps(said))
        arrive({"01": told})
    arrive(replay="courses")
    found = [(files.manifest_of(record.since), record.batch) for record in files.of_feed(store, "courses")]
    assert found == [(1, "b2"), (2, "b2")]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_what_a_source_takes_back_without_dating_it_is_as_it_was(arrive, declare, store, is_at_once):
    """As where only what is looked up has changed: the row has the moment that it always had."""
    dated = COURSES["tables"][0] | {"known_from": {"constant": "2026-01-05T00:00:00Z"}}
    declare(COURSES | {"tables": [dated]})
    months = {"01": FIRST, "02": SECOND, "03": f"{FIRST} C=new"}
    arrive(*([months] if is_at_once else [{month: told} for month, told in months.items()]))
    assert titles(store) == ["first", "second", "first", "first"]


def test_of_two_deliveries_of_a_name_at_once_the_later_is_looked_up(arrive, declare, store, tmp_path):
    """Whichever digest is the greater."""
    step = {"feed": "courses", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject"}
    told = {"course_id": {"from": "id"}, "title": {"template": "looked up {known}"}}
    uses = COURSES | {"name": "uses", "files": r"uses_(?P<period>\d{4}-\d{2})\.csv", "required": ["id"]}
    uses |= {"join": [step], "tables": [{"table": "courses", "columns": told}], "after": ["courses"]}
    declare(COURSES | {"tables": []})
    declare(uses)
    found = []
    for number, (first, last) in enumerate(((FIRST, SECOND), (SECOND, FIRST)), start=1):
        arrive({f"0{number}": first}, {f"0{number}": last})
        (tmp_path / "exports" / f"uses_2026-0{number}.csv").write_text("id\nA\n")
        arrive()
        found.append(titles(store)[number - 1])
    assert found == ["looked up second", "looked up first"]


def test_what_another_batch_publishes_while_one_waits_for_the_lock_is_known_to_it(arrive, store, tmp_path, monkeypatch):
    """March says of A what January said: no news when it was checked, and news since February said otherwise."""
    arrive({"01": FIRST})
    march, publish, between = tmp_path / "exports/courses_2026-03.csv", command.publish, []
    march.write_text("id,title\nA,first\nB,same\nC,new\n")

    def after_another(batch):
        if batch.name == "march" and not between:
            between.append(batch)
            march.rename(tmp_path / "march")
            arrive({"02": SECOND})
            (tmp_path / "march").rename(march)
        return publish(batch)

    monkeypatch.setattr(command, "publish", after_another)
    command.run(Batch(store, "march"), None)
    assert titles(store) == ["first", "second", "first", "first"]


@pytest.fixture
def planned(arrive, store, tmp_path):
    """A batch that is planned: of its one file, March's, January had the bytes, and nothing is known of February."""
    arrive({"01": FIRST})
    (tmp_path / "exports" / "courses_2026-03.csv").write_text("id,title\nA,first\nB,same\n")
    batch = Batch(store, "planned")
    plan = discover(batch)
    assert (len(plan["units"]), len(plan["duplicates"])) == (0, 1)
    return batch


def registered(store):
    return {record.name[8:15]: (record.status, record.batch) for record in files.of_feed(store, "courses")}


def test_known_bytes_that_are_news_since_the_plan_come_up_again(arrive, planned, store, tmp_path):
    """Another run brings what came between, and does not see March, as one of files that landed before."""
    march = tmp_path / "exports" / "courses_2026-03.csv"
    march.rename(tmp_path / "elsewhere")
    arrive({"02": SECOND})
    (tmp_path / "elsewhere").rename(march)
    assert command.run(planned, None).endswith("deliveries that come again: 1")
    counts = json.loads(store.read("reports/ingest/planned.json"))["counts"]
    assert counts.get("courses", {"in": 0})["in"] == 0, "nobody has read it"
    assert set(registered(store)) == {"2026-01", "2026-02"}
    arrive()
    assert titles(store) == ["first", "second", "first", "first"]


def test_a_delivery_that_another_batch_took_in_since_the_plan_stays_taken_in(arrive, planned, store):
    arrive({"02": SECOND})
    taken = registered(store)
    assert taken["2026-03"] == ("published", "b1")
    command.run(planned, None)
    assert registered(store) == taken
    arrive(replay="courses")
    assert titles(store) == ["first", "second", "first", "first"]


def test_a_delivery_of_known_bytes_stays_one_when_nothing_that_matters_came(arrive, planned, store, tmp_path):
    march = tmp_path / "exports" / "courses_2026-03.csv"
    march.rename(tmp_path / "elsewhere")
    arrive({"04": SECOND})
    (tmp_path / "elsewhere").rename(march)
    command.run(planned, None)
    assert registered(store)["2026-03"] == ("duplicate", "planned")


@pytest.mark.parametrize("is_at_once", [True, False])
def test_bytes_of_a_file_that_was_corrected_say_of_a_later_month_what_was_taken_back(arrive, store, is_at_once):
    last = {"02": FIRST}
    arrive({"01": FIRST}, *([{"01": SECOND, **last}] if is_at_once else [{"01": SECOND}, last]))
    assert titles(store) == ["second", "first", "first", "first"]


def test_what_a_killed_publish_has_entered_stays_entered(arrive, planned, store):
    command.run(planned, None)
    (planned.folder / "published.json").unlink()
    arrive({"02": SECOND})
    assert "come again" not in command.run(planned, None)
    assert json.loads(store.read("reports/ingest/planned.json"))["duplicate_deliveries"] == 1
    assert titles(store) == ["first", "second", "first", "first"]


def test_of_two_files_that_are_corrected_at_once_neither_comes_back_with_the_other(arrive, store):
    arrive({"01": FIRST, "02": "A=third B=same"}, {"01": "A=zero B=same", "02": SECOND})
    assert titles(store) == ["zero", "second", "second", "second"]


def test_a_late_file_takes_along_what_another_batch_took_in_since_its_plan(arrive, store, tmp_path):
    arrive({"01": FIRST})
    february = tmp_path / "exports" / "courses_2026-02.csv"
    february.write_text("id,title\nA,second\nB,same\n")
    late = Batch(store, "late")
    discover(late)
    february.rename(tmp_path / "elsewhere")
    arrive({"03": f"{FIRST} C=new"})
    (tmp_path / "elsewhere").rename(february)
    command.run(late, None)
    assert titles(store) == ["first", "second", "first", "first"]


@pytest.mark.parametrize("is_checked", [False, True])
def test_what_a_late_file_took_along_gives_way_to_what_took_its_place_meanwhile(arrive, store, tmp_path, is_checked):
    """March is corrected between the plan, or the check, of late February and its publishing."""
    arrive({"01": FIRST}, {"03": "A=third B=same"})
    february = tmp_path / "exports" / "courses_2026-02.csv"
    february.write_text("id,title\nA,second\nB,same\n")
    late = Batch(store, "late")
    plan = discover(late)
    assert len(plan["units"]) == 2
    if is_checked:
        assert [command.main(["take", "late", unit["id"]]) for unit in plan["units"]] == [0, 0]
        assert command.main(["validate", "late"]) == 0
    february.rename(tmp_path / "elsewhere")
    arrive({"03": "A=fourth B=same"})
    (tmp_path / "elsewhere").rename(february)
    command.run(late, None)
    assert titles(store) == ["first", "second", "fourth", "fourth"]


@pytest.mark.parametrize("is_mapped", [False, True])
def test_what_gave_way_leaves_nothing_to_a_later_file_of_its_bytes(arrive, store, tmp_path, is_mapped):
    """March is corrected between the plan of late February and its publishing, and April has the bytes that it had."""
    told = "A=first B=same"
    arrive({"01": f"{told} C=new"}, {"03": told})
    february = tmp_path / "exports" / "courses_2026-02.csv"
    february.write_text("id,title\nA,second\nB,same\n")
    late = Batch(store, "late")
    units = discover(late)["units"]
    assert [unit["groups"]["period"] for unit in units] == ["2026-02", "2026-03"]
    if is_mapped:
        assert [command.main(["take", "late", unit["id"]]) for unit in units] == [0, 0]
    february.rename(tmp_path / "elsewhere")
    arrive({"03": "B=same", "04": told})
    (tmp_path / "elsewhere").rename(february)
    command.run(late, None)
    assert titles(store) == ["first", "second", "second", "first"]


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_file_that_is_read_again_gives_way_to_what_took_its_place_meanwhile(arrive, store, is_checked):
    arrive({"01": FIRST, "02": FIRST})
    replay = Batch(store, "replay")
    units = discover(replay, "courses")["units"]
    if is_checked:
        assert {command.main(["take", "replay", unit["id"]]) for unit in units} == {0}
        assert command.main(["validate", "replay"]) == 0
    arrive({"01": SECOND})
    command.run(replay, None)
    assert titles(store)[0] == "second"


def test_a_correction_that_is_taken_back_stays_news_whatever_comes_meanwhile(arrive, store, tmp_path):
    arrive({"01": FIRST, "02": "A=third B=same"}, {"01": SECOND})
    january = tmp_path / "exports" / "courses_2026-01.csv"
    january.write_text("id,title\nA,first\nB,same\n")
    batch = Batch(store, "back")
    assert len(discover(batch)["units"]) == 2
    january.rename(tmp_path / "elsewhere")
    arrive({"03": SECOND})
    (tmp_path / "elsewhere").rename(january)
    command.run(batch, None)
    assert titles(store) == ["first", "third", "second", "second"]


def test_a_held_file_that_is_read_again_stays_in_its_batch_whatever_comes_meanwhile(arrive, store, tmp_path):
    arrive({"01": FIRST})
    (tmp_path / "exports" / "courses_2026-02.csv").write_text("id\nA\n")
    arrive()
    replay = Batch(store, "replay")
    discover(replay, "courses")
    arrive({"03": SECOND})
    assert command.run(replay, None).endswith("files held: 1; held courses: missing_required_column")


@pytest.fixture
def run_of_pages(arrive, declare, store, tmp_path):
    """Takes runs of pages in, all or page by page: moment of the run -> page -> titles, dated by their source."""
    dated = COURSES["tables"][0] | {"known_from": {"constant": "2026-01-05T00:00:00Z"}}
    paged = {"files": r"courses_(?P<period>\d{4}-\d{2})_?(?P<page>\d)?\.csv", "ready": {"manifest": ".json"}}
    feed = COURSES | paged | {"extracted_at": {"manifest": True}, "tables": [dated]}
    declare(feed)

    def take(day, *pages, is_at_once=True, is_full=False):
        declare(feed | ({"full": {"may_lose": 0.9}} if is_full else {}))
        for page, told in enumerate(pages):
            name = f"courses_2026-01_{page}.csv"
            text = "id,title\n" + "".join(f"{title.replace('=', ',')}\n" for title in told.split())
            file = {"name": name, "sha256": sha256_bytes(text.encode()), "records": len(told.split())}
            said = {"extracted_at": f"2026-02-{day:02}T03:00:0{page}Z", "run_id": str(day), "files": [file]}
            (tmp_path / "exports" / name).write_text(text)
            (tmp_path / "exports" / f"{name}.json").write_text(json.dumps(said))
            if not is_at_once:
                arrive()
        arrive()
        lake = Lake(store)
        told = lake.versions("courses", lake.require()).filter(pl.col("course_id") == "A")
        return sorted(told.select("title", pl.col("known_from").dt.strftime("%m-%d")).rows())

    return take


@pytest.mark.parametrize("is_at_once", [True, False])
def test_who_is_on_two_pages_of_a_run_is_told_once_and_restates_nothing(run_of_pages, is_at_once):
    assert run_of_pages(3, FIRST, f"{FIRST} C=new", is_at_once=is_at_once) == [("first", "01-05")]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_of_two_pages_the_second_counts_and_another_run_restates(run_of_pages, is_at_once):
    """Both pages of the first run have their source's moment; nobody knew before the second what that says."""
    found = run_of_pages(3, FIRST, "A=second", is_at_once=is_at_once)
    assert found == [("first", "01-05"), ("second", "01-05")]
    later = run_of_pages(4, "A=third", "A=fourth", is_at_once=is_at_once)
    assert later == sorted([*found, ("third", "02-04"), ("fourth", "02-04")])


@pytest.mark.parametrize("is_full", [True, False])
def test_a_full_file_that_a_manifest_dates_takes_back_what_it_tells_no_more(run_of_pages, is_full):
    """One that is not said to be full may be a page of a run whose other pages tell it."""
    for day, told in ((3, FIRST), (4, SECOND)):
        run_of_pages(day, told, is_full=is_full)
    taken_back = [("first", "02-05")] if is_full else []
    assert run_of_pages(5, f"{FIRST} C=new", is_full=is_full) == [("first", "01-05"), *taken_back, ("second", "02-04")]
