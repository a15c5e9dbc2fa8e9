"""What is seen on many rows at once: references, managers, codes, free text. All of it warns; no row's fate changes."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base.contracts import OUTCOMES, PROVENANCE, SCORED, TABLES
from pipelines.base.lake import Lake
from pipelines.base.store import Store
from pipelines.ingest.check import _beside
from pipelines.validate.batch import run
from pipelines.validate.cross import HIERARCHY, hierarchy, in_cycles
from pipelines.validate.privacy import scan
from pipelines.validate.suites import Finding

pytestmark = pytest.mark.filterwarnings("ignore")  # Great Expectations warns about pandas and marshmallow internals

OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
WORKERS = TABLES["workers"]
SOURCE = {"unit_no": pl.Int32(), "source_row": pl.Int64()}
NOBODY = pl.DataFrame(schema=HIERARCHY)


def batch(
    *people: tuple[Any, ...], unit: int = 0, company: str | None = None, hired: date = date(2020, 1, 1)
) -> pl.DataFrame:
    """(person, manager), and a last day where there is one."""
    rows = [(who, boss, company, hired, last[0] if last else None, NEW, unit) for who, boss, *last in people]
    schema = {**{name: kind for name, kind in HIERARCHY.items() if name != "tells_managers"}, "unit_no": pl.Int32()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def lake(*people: tuple[str, str | None], tells: bool = True, company: str | None = None) -> pl.DataFrame:
    rows = [(who, boss, company, date(2020, 1, 1), None, OLD, tells) for who, boss in people]
    return pl.DataFrame(rows, schema=HIERARCHY, orient="row")


def seen(rows: pl.DataFrame, before: pl.DataFrame = NOBODY) -> dict[str, tuple[int, int]]:
    found = hierarchy(WORKERS, rows, before)
    assert {(one.level, one.severity) for one in found} <= {("cross_table", "warn")}
    return {one.reason_code: (one.checked, one.failed) for one in found}


def test_people_in_a_circle_are_counted_and_those_below_it_are_not() -> None:
    circle = [("a", "b"), ("b", "c"), ("c", "a")]
    found = seen(batch(*circle, ("below", "a"), ("lower", "below"), ("top", None), ("own", "own"), ("last", "own")))
    assert found["manager_cycle"] == (5, 3), "a, b, c, below and own manage somebody"


def test_a_circle_at_the_end_of_a_long_way_up_is_found() -> None:
    way = [(f"{n}", f"{n + 1}") for n in range(1000)]
    assert seen(batch(*way, ("1000", "999")))["manager_cycle"] == (1000, 2), "nobody is below the first"
    assert seen(batch(*way, ("1000", None)))["manager_cycle"] == (1000, 0)


def test_a_circle_may_close_through_the_lake_and_a_newer_version_opens_it() -> None:
    assert seen(batch(("a", "b")), lake(("b", "a")))["manager_cycle"] == (2, 2)
    assert seen(batch(("b", "top"), ("c", "b")), lake(("a", "b"), ("b", "a"), ("top", None)))["manager_cycle"] == (3, 0)


def test_what_comes_late_and_is_older_closes_no_circle() -> None:
    late = batch(("a", "b")).with_columns(known_from=pl.lit(datetime(2025, 1, 1, tzinfo=UTC)).dt.cast_time_unit("us"))
    assert seen(late, lake(("b", "a"), ("a", None)))["manager_cycle"] == (2, 0)


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.integers(-1, n), min_size=n, max_size=n)))
def test_circles_are_those_that_a_walk_up_comes_back_on(managers: list[int]) -> None:
    def comes_back(start: int) -> bool:
        at = start
        for _ in managers:
            at = managers[at] if 0 <= at < len(managers) else -1
            if at == start:
                return managers[start] != start
        return False

    people = pl.DataFrame(
        {"person_id": [str(n) for n in range(len(managers))], "manager_person_id": [str(n) for n in managers]}
    )
    assert in_cycles(people) == sum(comes_back(n) for n in range(len(managers)))


def test_one_top_is_right_and_every_further_one_is_counted() -> None:
    people = [("top", None), ("a", "top"), ("own", "own"), ("left", None, date(2026, 1, 31))]
    assert seen(batch(*people))["several_tops"] == (2, 1)
    assert seen(batch(("top", None), ("a", "top"), ("left", None, date(2026, 1, 31))))["several_tops"] == (1, 0)


def test_who_is_to_come_leads_nobody_yet_and_who_is_to_go_still_does() -> None:
    """Something was told last on the first of February: a day to come is the next, and whoever goes on it is there."""
    led, goes = batch(("a", "old"), ("old", None, date(2026, 2, 1))), batch(("x", None, date(2026, 3, 31)))
    comes = batch(("new", None), hired=date(2026, 2, 2))
    assert seen(pl.concat([led, comes]))["several_tops"] == (1, 0), "a successor is announced"
    assert seen(pl.concat([led, goes]))["several_tops"] == (2, 1)
    assert seen(pl.concat([led, batch(("new", None), hired=date(2026, 2, 1))]))["several_tops"] == (2, 1)
    since = batch(("new", None), ("a", "old"), hired=date(2026, 1, 15))
    assert seen(since, lake(("old", None)))["several_tops"] == (2, 1), "the lake was told of before that day"


def test_every_company_has_a_top_of_its_own_and_those_without_a_name_are_one() -> None:
    us, de = batch(("ada", None), ("a", "ada"), company="US"), batch(("bo", None), ("b", "bo"), company="DE")
    assert seen(pl.concat([us, de]))["several_tops"] == (2, 0)
    nameless = batch(("cy", None), ("c", "cy"))
    assert seen(pl.concat([us, de, nameless]))["several_tops"] == (3, 0)
    more = [batch(("di", None), company="DE"), batch(("ed", None)), batch(("flo", "flo"))]
    assert seen(pl.concat([us, de, nameless, *more]))["several_tops"] == (6, 3), "one of DE, two without a name"
    led = batch(("bo", "ada"), ("b", "bo"), company="DE")
    assert seen(pl.concat([us, led]))["several_tops"] == (1, 0), "one that is led from another has no top"


def test_of_which_company_somebody_is_the_newest_version_says() -> None:
    before = lake(("ada", None), ("a", "ada"), ("bo", None), company="US")
    assert seen(batch(("bo", None), company="DE"), before)["several_tops"] == (2, 0)
    assert seen(batch(("bo", None), company="US"), before)["several_tops"] == (2, 1)
    assert seen(batch(("bo", None)), before)["several_tops"] == (2, 0), "no company is one of its own"


def test_what_the_lake_has_of_managers_is_what_the_hierarchy_asks_for(store: Store, tmp_path: Path) -> None:
    """One of two rows of a file names a manager, so that the file tells of them."""
    people = [
        (f"p_{who:032x}", "employee", OLD.date(), None, None, "ENG", None, "DE", None, boss and f"p_{boss:032x}", 1.0)
        for who, boss in ((1, None), (2, 1))
    ]
    told = {"file_id": "f", "source_row": 1, "known_from": OLD, "known_from_basis": "source"}
    frame = pl.DataFrame(people, schema=WORKERS.schema, orient="row").with_columns(
        **{name: pl.lit(value) for name, value in told.items()}
    )
    manifest = Lake(store).publish("b", {"workers": frame}, {}, {})
    (tmp_path / "known").mkdir()
    _beside(Lake(store), manifest, WORKERS, frame, tmp_path)
    before = pl.read_parquet(tmp_path / "known" / "managers.parquet")
    top, led = (f"p_{who:032x}" for who in (1, 2))
    day = OLD.date()
    rows = [(top, None, "DE", day, None, OLD, True), (led, top, "DE", day, None, OLD, True)]
    assert sorted(before.select(HIERARCHY.names()).rows()) == rows
    assert seen(batch((f"p_{3:032x}", None), (led, top), company="DE"), before)["several_tops"] == (2, 1)


def test_who_lost_a_manager_is_a_top_too_and_who_got_one_is_none() -> None:
    company = lake(("top", None), ("a", "top"), ("b", "top"))
    assert seen(batch(("a", None)), company)["several_tops"] == (2, 1)
    assert seen(batch(("top", "chair"), ("chair", None)), company)["several_tops"] == (1, 0)


def test_a_file_that_names_no_manager_says_nothing_of_tops() -> None:
    learners = batch(("x", None), ("y", None), unit=1)
    assert seen(pl.concat([batch(("top", None), ("a", "top")), learners]))["several_tops"] == (1, 0)
    before = lake(("z", None), tells=False)
    assert seen(batch(("top", None), ("a", "top")), before)["several_tops"] == (1, 0)
    assert seen(learners) == {}


def managed(lost: int) -> list[tuple[str, str | None]]:
    """100 people with a manager, of whom some have one that nobody knows."""
    return [("top", None), *((f"w{n}", "ghost" if n < lost else "top") for n in range(100))]


@pytest.mark.parametrize(("lost", "is_met"), [(3, True), (4, False)])
def test_managers_that_nobody_knows_warn_past_three_of_a_hundred(lost: int, is_met: bool) -> None:
    (found,) = [one for one in hierarchy(WORKERS, batch(*managed(lost)), NOBODY) if one.reason_code[:4] == "unre"]
    assert (found.reason_code, found.checked, found.failed) == ("unresolved:manager_person_id", 100, lost)
    assert found.is_met is is_met


def test_a_manager_in_the_lake_is_known() -> None:
    assert seen(batch(("a", "top")), lake(("top", None)))["unresolved:manager_person_id"] == (1, 0)
    assert seen(batch(("a", "top")))["unresolved:manager_person_id"] == (1, 1)


def folder(path: Path, **tables: pl.DataFrame) -> Path:
    for name in ("rows", "known", "samples"):
        (path / name).mkdir()
    for name, frame in tables.items():
        frame.write_ipc(path / "rows" / f"{name}.arrow")
    pl.DataFrame(schema=SOURCE).write_parquet(path / "rejected.parquet")
    return path


def checked(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    run(path)
    found = json.loads((path / "findings.json").read_text())
    return {(one["table"], one["reason_code"]): one for one in found}


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_row_index("source_row").with_columns(unit_no=pl.lit(0, pl.Int32)).cast(SOURCE)


@pytest.mark.parametrize(("lost", "is_met"), [(1, True), (2, False)])
def test_references_warn_past_one_of_a_hundred_and_each_such_row_still_goes(
    tmp_path: Path, lost: int, is_met: bool
) -> None:
    events = [(f"p_{n:032x}", "K9" if n < lost else "K1", None, "viewed", None, NEW, *[None] * 3) for n in range(100)]
    frame = numbered(pl.DataFrame(events, schema=TABLES["learning_events"].schema, orient="row")).with_columns(
        known_from=pl.lit(NEW)
    )
    path = folder(tmp_path, learning_events=frame)
    pl.DataFrame({"course_id": ["K1"]}).write_parquet(path / "known" / "courses.parquet")
    found = checked(path)
    rate = {"level": "cross_table", "severity": "warn", "checked": 100, "failed": lost, "mostly": 0.99}
    about = {"table": "learning_events", "reason_code": "unresolved:course_id", "is_met": is_met}
    assert found[("learning_events", "unresolved:course_id")] == {**rate, **about}
    assert found[("learning_events", "unknown_course")]["severity"] == "quarantine"
    assert pl.read_parquet(path / "failed.parquet")["source_row"].to_list() == list(range(lost))


@pytest.mark.parametrize(("known", "lost", "is_met"), [(99, 1, True), (98, 2, False), (0, 0, True)])
def test_people_of_whom_nobody_says_who_they_are_are_counted_and_their_rows_stay(
    tmp_path: Path, known: int, lost: int, is_met: bool
) -> None:
    """Where the lake has no workers at all nothing is said: a company may have no feed of them."""
    who = [f"p_{n:032x}" for n in range(100)]
    reviews = [(one, "2026H1", OLD.date(), NEW.date(), NEW, 0.5, False) for one in who]
    frame = numbered(pl.DataFrame(reviews, schema=TABLES["reviews"].schema, orient="row"))
    path = folder(tmp_path, reviews=frame.with_columns(known_from=pl.lit(NEW)))
    pl.DataFrame({"person_id": pl.Series(who[:known], dtype=pl.String)}).write_parquet(
        path / "known" / "workers.parquet"
    )
    found = checked(path)
    rate = found[("reviews", "unresolved:person_id")]
    assert (rate["checked"], rate["failed"], rate["mostly"], rate["is_met"]) == (100, lost, 0.99, is_met)
    assert found[("reviews", "unknown_person")]["severity"] == "warn"
    assert pl.read_parquet(path / "failed.parquet").is_empty()


def test_a_warning_about_managers_takes_no_row_out(tmp_path: Path) -> None:
    people = [
        (f"p_{who:032x}", "employee", date(2020, 1, 1), None, None, "ENG", None, None, None, f"p_{boss:032x}", 1.0)
        for who, boss in ((1, 2), (2, 1), (3, 9))
    ]
    frame = numbered(pl.DataFrame(people, schema=WORKERS.schema, orient="row")).with_columns(known_from=pl.lit(NEW))
    path = folder(tmp_path, workers=frame)
    before = lake((f"p_{9:032x}", None))
    before.write_parquet(path / "known" / "managers.parquet")
    found = checked(path)
    assert found[("workers", "manager_cycle")]["failed"] == 2
    assert not found[("workers", "manager_cycle")]["is_met"]
    assert found[("workers", "unresolved:manager_person_id")]["failed"] == 0, "the lake knows the ninth"
    assert pl.read_parquet(path / "failed.parquet").is_empty()


def test_codes_that_no_map_lists_warn_past_one_in_two_hundred(tmp_path: Path) -> None:
    path = folder(tmp_path)
    counted = [
        {"feed": "hr", "table": "workers", "column": column, "filled": 200, "unlisted": unlisted}
        for column, unlisted in (("worker_type_code", 1), ("country_code", 2))
    ]
    (path / "codes.json").write_text(json.dumps(counted))
    found = checked(path)
    kept = found[("hr", "unlisted_code:workers.worker_type_code")]
    assert (kept["level"], kept["severity"], kept["is_met"]) == ("raw", "warn", True)
    assert not found[("hr", "unlisted_code:workers.country_code")]["is_met"]


TEXTS = {
    "My number is 078-05-1120.": "ssn",
    "Born on 3 May 1990 in Bonn": "birth_date",
    "Date of birth: 1990-05-03": "birth_date",
    "DOB 05/03/1990": "birth_date",
    "write to canary@example.org": "email",
    "call +49 228 555 0199": "phone",
    "call (202) 555-0143": "phone",
    "call 202-555-0143": "phone",
    "Worked 2012-05-03 to 2019-12-31, order 12345-67-89012, 4 + 5 people, version 3.11.2": "",
    "[EMAIL] [PHONE] [BIRTH_DATE], born leader of 12 teams @ Acme, budget 1 250 000": "",
}


def requisitions() -> pl.DataFrame:
    rows = {"title": [None] * len(TEXTS), "description": list(TEXTS)}
    return numbered(pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String)))


def test_free_text_that_says_who_somebody_is_is_counted_and_never_shown() -> None:
    found = scan(TABLES["requisitions"], requisitions())
    counts = {one.reason_code: (one.checked, one.failed) for one in found if one.reason_code.endswith(":description")}
    assert counts == {
        "looks_like_ssn:description": (10, 1),
        "looks_like_birth_date:description": (10, 3),
        "looks_like_email:description": (10, 1),
        "looks_like_phone:description": (10, 3),
    }
    assert {(one.checked, one.failed) for one in found if one.reason_code.endswith(":title")} == {(0, 0)}
    said = json.dumps([one.to_json() for one in found])
    assert not [word for word in ("canary", "078", "1990", "555") if word in said]


def test_what_goes_to_quarantine_is_not_text_of_the_lake(tmp_path: Path) -> None:
    no_more = (None,) * 7  # neither duration nor status, validity, audience and renewal
    courses = [("K1", "ask canary@example.org", None, None), ("K2", "or a@example.org", None, "odd")]
    courses = [(*course, *no_more) for course in courses]
    frame = numbered(pl.DataFrame(courses, schema=TABLES["courses"].schema, orient="row"))
    path = folder(tmp_path, courses=frame.with_columns(known_from=pl.lit(NEW)))
    frame.select("unit_no", "source_row", "title").write_parquet(path / "samples" / "courses.parquet")
    found = checked(path)[("courses", "looks_like_email:title")]
    assert (found["level"], found["severity"], found["checked"], found["failed"]) == ("privacy", "warn", 1, 1)
    assert "canary" not in (path / "findings.json").read_text()


def test_a_share_that_just_may_fail_is_met() -> None:
    assert Finding("t", "c", 700, 7, mostly=0.99).is_met
    assert not Finding("t", "c", 700, 8, mostly=0.99).is_met
    assert Finding("t", "c", 0, 0, mostly=0.99).is_met


PROTECTED = """
    sex gender race ethnic ethnicity age birth birthday born dob disability disabled veteran nationality citizenship
    marital religion orientation pregnancy pregnant union caring name surname email mail phone address ssn iban photo
    pronoun pronouns passport salary
"""


def test_no_table_outside_the_vault_has_a_column_that_says_what_is_protected() -> None:
    lake_names = {name for table in TABLES.values() if table.zone == "lake" for name in table.schema}
    names = lake_names | set(SCORED) | set(OUTCOMES) | set(PROVENANCE)
    assert len(names) > 50
    found = {name for name in names if set(PROTECTED.split()) & set(name.split("_"))}
    assert found == {"has_photo"}, "whether there is one, for who asks senders to leave them out, and nothing of it"
    assert not any(c.is_for_models for table in TABLES.values() for c in table.columns if c.name in found)
