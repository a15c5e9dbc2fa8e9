"""Feeds: declared well, or refused with every fault at once."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.ingest import feeds
from pipelines.ingest.explain.names import banned_names
from pipelines.ingest.read import dialect
from pipelines.ingest.rules import TableMap
from pipelines.ingest.schema import schema
from pipelines.ingest.sources import Bucket

SHIPPED = [
    Path("feeds"),
    Path("feeds/real"),
    *sorted(path for path in Path("feeds/vendors").iterdir() if path.is_dir()),
]
GOOD = {
    "name": "links",
    "owner": "HR",
    "cadence": "daily",
    "location": "",
    "files": r"links_(?P<period>\d{4}-\d{2})\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "tables": [
        {
            "table": "person_links",
            "columns": {"person_id": {"from": "a", "person": "x"}, "linked_person_id": {"from": "b", "person": "x"}},
        }
    ],
}


def write(folder: Path, **changes: object) -> None:
    content = {**GOOD, **changes}
    (folder / f"{content['name']}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.mark.parametrize("folder", SHIPPED, ids=str)
def test_the_feeds_we_ship_are_well_declared(folder: Path) -> None:
    loaded = feeds.load(folder)
    assert {feed.dialect for feed in loaded.values()} <= set(feeds.dialects())


@pytest.mark.parametrize("folder", SHIPPED, ids=str)
def test_people_only_enter_the_lake_under_a_pseudonym(folder: Path) -> None:
    for feed in feeds.load(folder).values():
        for mapped in feed.tables:
            for column in TABLES[mapped.table].columns:
                rule = mapped.columns.get(column.name)
                if column.name.endswith("person_id") and rule is not None:
                    assert rule.person, f"{feed.name}: {mapped.table}.{column.name}"


@pytest.mark.parametrize("folder", SHIPPED, ids=str)
def test_names_contact_data_and_protected_attributes_only_reach_the_vault(folder: Path) -> None:
    words = ("name", "email", "phone", "gender", "sex", "race", "hispanic", "birth", "disab", "age_band", "veteran")
    things = {
        "jobAppStatus.appStatusName",
        "DepartmentName",
        "LegalEmployerName",
        "AssignmentName",
        "LEGAL_EMPLOYER_NAME",
        "ASSIGNMENT_NAME",
        "name_defaultValue",
    }
    for feed in feeds.load(folder).values():
        for mapped in feed.tables:
            if TABLES[mapped.table].zone == "lake" and mapped.table != "courses":
                gone = set(mapped.compose.names) if mapped.compose else set()  # taken out of a text, never part of it
                clear = mapped.reads() - _only_named(mapped) - things - gone
                assert not [name for name in clear if any(word in name.lower() for word in words)], feed.name
        assert banned_names(feed, date(2026, 11, 27)) == [], feed.name


@pytest.mark.parametrize("folder", [folder for folder in SHIPPED if folder != Path("feeds/real")])
def test_one_file_of_everybody_that_lost_many_waits_for_a_person(folder: Path) -> None:
    """Of workers and requisitions. What comes in pages, or a file a country, does not hold all there is."""
    for feed in feeds.load(folder).values():
        beside_period = re.sub(
            r"\(\?P<period>.*?\)(_\\d\{6\})?", "", feed.files
        )  # and the time of day of an EIB's name
        is_alone = not re.search(r"[(\[]|\\d", beside_period)
        if is_alone and {"workers", "requisitions"} & {mapped.table for mapped in feed.tables}:
            assert feed.full is not None, feed.name
            assert feed.full.may_lose <= 0.1, feed.name


def test_what_no_model_may_know_is_named_where_the_lake_would_have_it(tmp_path: Path) -> None:
    columns = {
        "person_id": {"from": "Gender", "person": "hris"},  # whatever it is called, the lake has a pseudonym
        "worker_type_code": {"from": ["Kind", "Ethnic Group"]},
        "job_family_code": {"from": "Family"},
        "management_level_code": {"from": "Geburtsdatum"},
        "country_code": {"from": "Home.PostalAddress.Country"},
        "hired_at": {"from": "Hired", "date": "%Y-%m-%d"},
    }
    measures = {
        "table": "work_records",
        "unpivot": {"columns": {"Tasks": "tasks", "Years": "age", "ZIP": "region"}, "name": "what", "value": "much"},
        "columns": {
            "person_id": {"from": "ID", "person": "hris"},
            "period_start": {"from": "Since", "date": "%Y-%m-%d"},
            "period_end": {"from": "Until", "date": "%Y-%m-%d"},
            "measure_code": {"from": "what"},
            "value": {"from": "much"},
        },
    }
    write(tmp_path, tables=[{"table": "workers", "columns": columns}, measures])
    found = banned_names(feeds.load(tmp_path)["links"], date(2026, 11, 27))
    assert found == [
        *("work_records.age", "work_records.region"),
        *("workers.management_level_code", "workers.worker_type_code"),
    ]


def test_what_no_model_may_know_is_named_where_a_join_takes_it_under_another_name(tmp_path: Path) -> None:
    def take(**names: str) -> dict[str, object]:
        return {"feed": "people", "match": {"ID": "ID"}, "take": names, "missing": "keep"}

    beside = {"feed": "lives", "of": ["ID"], "day": "Since", "take": {"z": "Marital Status"}}
    news = {"column": "news", "of": ["z"], "before": {"former": "z"}}
    history = {"of": ["ID"], "day": "Since", "until": "until", "place": "place", "since": "since"}
    timed = {**take(w="Grade"), "timeline": {**history, "beside": [beside], "news": news}}
    columns = {
        "person_id": {"from": "x", "person": "hris"},
        "worker_type_code": {"from": "x"},
        "job_family_code": {"from": "y.Code"},
        "management_level_code": {"template": "{Level}{z}"},
        "company_code": {"from": "former"},
        "originally_hired_at": {"from": "w", "date": "%Y-%m-%d"},
        "fte": {"from": "xy", "number": "point"},  # not `x`
        "hired_at": {"from": "Hired", "date": "%Y-%m-%d"},
    }
    workers = {"table": "workers", "join": [take(y="Ethnic Group"), timed], "columns": columns}
    measures = {
        "table": "work_records",
        "unpivot": {"columns": {"x": "tasks", "y": "calls"}, "name": "what", "value": "much"},
        "columns": {
            "person_id": {"from": "ID", "person": "hris"},
            "period_start": {"from": "Since", "date": "%Y-%m-%d"},
            "period_end": {"from": "Until", "date": "%Y-%m-%d"},
            "measure_code": {"from": "what"},
            "value": {"from": "much"},
        },
    }
    for name in ("people", "lives"):
        write(tmp_path, name=name, files=rf"{name}_(?P<period>\d{{4}}-\d{{2}})\.csv")
    write(tmp_path, join=[take(x="Gender")], tables=[workers, measures])
    assert banned_names(feeds.load(tmp_path)["links"], date(2026, 11, 27)) == [
        "work_records.tasks",
        *(f"workers.{name}" for name in ("company_code", "job_family_code", "management_level_code")),
        "workers.worker_type_code",
    ]


@pytest.mark.parametrize("titles", [("Gender", "Title"), ("Title", "Gender"), ("Gender", "Gender")])
def test_what_no_model_may_know_is_named_whichever_of_two_mappings_of_a_table_has_it(tmp_path: Path, titles) -> None:
    people = {
        "person_id": {"from": "ID", "person": "hris"},
        "worker_type_code": {"from": "Kind"},
        "management_level_code": {"from": "Level"},
        "country_code": {"from": "Country"},
        "hired_at": {"from": "Hired", "date": "%Y-%m-%d"},
    }
    tables = [{"table": "workers", "columns": {**people, "job_family_code": {"from": title}}} for title in titles]
    write(tmp_path, tables=tables)
    assert banned_names(feeds.load(tmp_path)["links"], date(2026, 11, 27)) == ["workers.job_family_code"]


def test_a_name_is_no_part_of_a_text(tmp_path: Path) -> None:
    compose = {"column": "resume", "names": ["a"], "sections": {"a": ""}}
    write(tmp_path, tables=[{**GOOD["tables"][0], "compose": compose}])
    with pytest.raises(SettingsError, match="sections must not have columns of names; got a"):
        feeds.load(tmp_path)


def _only_named(mapped: TableMap) -> set[str]:
    """Columns of which nothing is left but a pseudonym, such as `username` where that is somebody's number."""
    pseudonyms = {name for rule in mapped.columns.values() if rule.person or rule.id for name in rule.columns()}
    others = {name for rule in mapped.columns.values() if not (rule.person or rule.id) for name in rule.columns()}
    return pseudonyms - others


def test_a_column_that_is_also_kept_in_clear_is_not_one_of_which_a_pseudonym_is_left() -> None:
    columns = {"person_id": {"from": "username", "person": "x"}, "measure_code": {"from": "unit"}}
    hidden = TableMap.model_validate({"table": "work_records", "columns": columns})
    assert _only_named(hidden) == {"username"}
    columns["measure_code"] = {"from": "username"}
    assert _only_named(TableMap.model_validate({"table": "work_records", "columns": columns})) == set()


def test_every_dialect_has_a_reader() -> None:
    assert all(callable(dialect(name).read) for name in feeds.dialects())


@pytest.mark.parametrize("name", ["__init__", "_records", "os", "csv.reader", "../feeds", "..feeds", "CSV", ""])
def test_a_feed_can_name_no_module_but_a_dialect(tmp_path: Path, name: str) -> None:
    write(tmp_path, dialect=name)
    with pytest.raises(SettingsError, match=r"links\.yaml: dialect: .*must be a dialect; there are csv, documents"):
        feeds.load(tmp_path)


def test_a_module_in_the_folder_of_the_readers_is_a_dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "morse.py").write_text("raise AssertionError  # finding a dialect must not import it", encoding="utf-8")
    (tmp_path / "_shared.py").touch()
    (tmp_path / "notes.txt").touch()
    monkeypatch.setattr(feeds, "READERS", tmp_path)
    assert feeds.dialects() == ("morse",)


def test_what_is_never_read_is_not_read_by_way_of_a_group_or_of_another_feed(tmp_path: Path) -> None:
    links = GOOD["tables"][0]
    inner = {**links, "explode": {"column": "grp", "fields": ["a", "secret"]}}
    write(tmp_path, name="one", never={"grp.secret": "it leaks"}, tables=[inner])
    taken = {"feed": "one", "match": {"a": "a"}, "take": {"x": "grp.secret"}, "missing": "keep"}
    write(tmp_path, name="two", join=[taken])
    with pytest.raises(SettingsError) as error:
        feeds.load(tmp_path)
    assert "one: never: grp.secret is read by a rule" in str(error.value)
    assert "two: join: grp.secret is a column that one declares as never read" in str(error.value)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"full": {"may_lose": 0.1}, "delta": {"sequence": "period"}}, "full: must not stand beside delta"),
        ({"delta": {"sequence": "seq"}}, "delta: seq is no named group of `files`"),
        ({"full": {"may_lose": 1}}, "full.may_lose: Input should be less than 1"),
    ],
)
def test_a_feed_is_full_or_counted(tmp_path: Path, more: dict[str, object], fault: str) -> None:
    write(tmp_path, **more)
    with pytest.raises(SettingsError, match=re.escape(fault)):
        feeds.load(tmp_path)


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, name="one", cadence="sometimes", colour="red")
    write(tmp_path, name="two", after=["nobody"], tables=[{"table": "persons", "columns": {}}])
    write(tmp_path, name="three", tables=[{"table": "workers", "columns": {"shoe_size": {"from": "s"}}}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    message = str(caught.value)
    for part in (
        "one.yaml: cadence",
        "one.yaml: colour",
        "two: after: nobody is no feed",
        "two: tables: persons is no canonical table",
        "three: workers: shoe_size is no column",
        "three: workers: person_id is required and has no rule",
    ):
        assert part in message


def test_three_faults_of_one_file_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, cadence="sometimes", after=["nobody"], tables=[{"table": "persons", "columns": {}}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    for part in ("links.yaml: cadence", "links: after: nobody is no feed", "links: tables: persons is no canonical"):
        assert f"\n- {part}" in str(caught.value), "each on a line of its own"


def test_options_that_a_dialect_does_not_have_are_told_with_all_other_faults(tmp_path: Path) -> None:
    write(tmp_path, name="one", options={"delimiter": ";;", "quot": '"'})
    write(tmp_path, name="two", cadence="sometimes", options={"delimiter": ","})
    write(tmp_path, name="three", dialect="ndjson", options={"may_be_empty": False, "lines": 3})
    write(tmp_path, name="four", tables=[{"table": "persons", "columns": {}}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    message = str(caught.value)
    for part in (
        "one.yaml: options.delimiter: String should have at most 1 character",
        "one.yaml: options.quote: Field required",
        "one.yaml: options.quot: Extra inputs",
        "two.yaml: cadence",
        "two.yaml: options.quote: Field required",
        "three.yaml: options.lines: Extra inputs",
        "four: tables: persons is no canonical table",
    ):
        assert part in message
    assert message.count("options.") == 5


def test_a_word_that_stands_twice_is_a_fault_wherever_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "links.yaml"
    text = yaml.safe_dump(GOOD, sort_keys=False).replace("owner: HR", "owner: HR\nowner: IT")
    text = text.replace("from: a\n", "from: a\n      codes: &map {A: a, B: b, A: c}\n")
    text = text.replace("from: b\n", "from: b\n      codes: *map\n")
    file.write_text(text.replace("cadence: daily", "cadence: sometimes"), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    for part in (
        "links.yaml: owner: must stand once, not in lines 2, 3",
        "links.yaml: A: must stand once",
        "cadence",
    ):
        assert str(caught.value).count(part) == 1
    file.write_text(text, encoding="utf-8")  # nothing else is wrong
    with pytest.raises(SettingsError, match="owner: must stand once"):
        feeds.load(tmp_path)
    file.write_text(text.replace("owner: IT\n", "").replace(", A: c", ""), encoding="utf-8")
    assert feeds.load(tmp_path)["links"].owner == "HR"


@pytest.mark.parametrize("changes", [{"dialect": "morse"}, {"options": "none"}])
def test_options_are_held_against_no_dialect_but_the_one_that_is_named(tmp_path: Path, changes: dict[str, str]) -> None:
    write(tmp_path, **{"options": {"dots": 1}, **changes})
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    assert "options." not in str(caught.value)


def test_a_header_has_what_is_read_and_belongs_to_files_that_have_one(tmp_path: Path) -> None:
    write(tmp_path, header=["A"], required=["c"], dialect="ndjson")
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    assert all(f"header: {name} is read or required" in str(caught.value) for name in ("b", "c"))
    assert "header: a is" not in str(caught.value), "another case is no other column"
    assert "header: only files of csv or excel have one" in str(caught.value)


def test_a_field_of_a_group_that_nothing_takes_out_of_it_is_told(tmp_path: Path) -> None:
    """It would be a column that no file has, and empty everywhere."""
    columns = {"person_id": {"from": "g.a", "person": "x"}, "linked_person_id": {"from": "g.b", "person": "x"}}
    table = {"table": "person_links", "explode": {"column": "g", "fields": ["a"]}, "columns": columns}
    write(tmp_path, tables=[table])
    with pytest.raises(SettingsError, match=r"person_links: g.b is none of the fields that explode takes"):
        feeds.load(tmp_path)
    write(tmp_path, tables=[table | {"explode": {"column": "g", "fields": ["a", "b"]}}])
    assert feeds.load(tmp_path)


def test_whom_a_feed_is_about_is_said_by_its_tables_or_beside_none(tmp_path: Path) -> None:
    write(tmp_path, about=[{"from": "b"}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    assert "about: must not stand beside tables" in str(caught.value)
    assert "about: must be rules with `person`" in str(caught.value)
    write(tmp_path, is_nobody_without=True)
    with pytest.raises(SettingsError, match=r"is_nobody_without: goes with own_ids"):
        feeds.load(tmp_path)
    write(tmp_path, about=[{"from": "b", "person": "p"}], tables=[])
    assert "b" in next(iter(feeds.load(tmp_path).values())).reads()


def test_a_column_that_must_never_be_read_is_refused_with_its_rule(tmp_path: Path) -> None:
    write(tmp_path, never={"b": "leaks"})
    with pytest.raises(SettingsError, match="never: b is read by a rule"):
        feeds.load(tmp_path)


def test_an_amount_of_money_is_not_reckoned_with(tmp_path: Path) -> None:
    day = {"from": "d", "date": "%Y-%m-%d"}
    columns = {
        "person_id": {"from": "a", "person": "x"},
        "assignment_key": {"from": "j"},
        "valid_from": day,
        "seq_in_day": {"constant": 0},
        "amount": {"from": "pay", "plus": 1.0},
        "currency_code": {"from": "c"},
        "frequency_code": {"constant": "year"},
    }
    write(tmp_path, tables=[{"table": "base_pay", "columns": columns}])
    with pytest.raises(SettingsError, match=r"base_pay.amount: an amount of money is kept as it is written"):
        feeds.load(tmp_path)


def test_the_end_of_an_employment_says_which_day_it_is(tmp_path: Path) -> None:
    day = {"from": "d", "date": "%Y-%m-%d"}
    columns = {
        "person_id": {"from": "a", "person": "x"},
        "worker_type_code": {"constant": "employee"},
        "hired_at": day,
        "terminated_at": day,
        "job_family_code": {"from": "f", "means": "last_day"},
    }
    write(tmp_path, tables=[{"table": "workers", "columns": columns}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    assert "workers.terminated_at: must say `means`: last_day or first_day_after" in str(caught.value)
    assert "workers.job_family_code: only a date has `means`" in str(caught.value)
    del columns["job_family_code"]["means"]
    columns["terminated_at"] = {**day, "means": "last_day", "plus_minutes": "takes"}
    write(tmp_path, tables=[{"table": "workers", "columns": columns}])
    with pytest.raises(SettingsError, match=r"terminated_at: only a moment has `plus_minutes`"):
        feeds.load(tmp_path)
    columns["terminated_at"] = {**day, "means": "last_day"}
    write(tmp_path, tables=[{"table": "workers", "columns": columns}])
    assert list(feeds.load(tmp_path)) == ["links"]


def test_every_end_that_the_tables_keep_must_be_told(tmp_path: Path) -> None:
    day = {"from": "d", "date": "%Y-%m-%d"}
    write(tmp_path, tables=[{"table": "worker_history", "columns": {"valid_from": day, "valid_to": day}}])
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    assert "worker_history.valid_to: must say `means`: last_day or first_day_after" in str(caught.value)
    assert "worker_history.valid_from: must say" not in str(caught.value)


def test_a_file_is_complete_in_exactly_one_way(tmp_path: Path) -> None:
    write(tmp_path, name="none", ready={})
    write(tmp_path, name="both", ready={"marker": ".done", "untouched_seconds": 60})
    write(tmp_path, name="folder", ready={"marker": ".done"}, dialect="documents")
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    for part in (
        "none.yaml: ready: Value error, must have exactly one of marker, manifest, untouched_seconds",
        "both.yaml: ready: Value error, must have exactly one of",
        "folder: ready: documents can only be untouched_seconds",
    ):
        assert part in str(caught.value)


def test_when_a_file_was_written_is_said_in_one_way_by_a_manifest_that_is_there(tmp_path: Path) -> None:
    by_manifest, waits = {"manifest": True}, {"manifest": ".json"}
    write(tmp_path, name="two", extracted_at={**by_manifest, "end_of": "period"}, ready=waits)
    write(tmp_path, name="bare", extracted_at=by_manifest)
    write(tmp_path, name="marked", extracted_at=by_manifest, ready={"marker": ".done"})
    write(tmp_path, name="named", extracted_at=by_manifest, ready=waits, files=r"(?P<extracted_at>.+)\.csv")
    write(tmp_path, name="right", extracted_at=by_manifest, ready=waits)
    with pytest.raises(SettingsError) as caught:
        feeds.load(tmp_path)
    for part in (
        "two: extracted_at: must have exactly one of",
        "bare: extracted_at: manifest needs `ready:",
        "marked: extracted_at: manifest needs `ready:",
        "named: extracted_at: with manifest, no group of `files` may be called extracted_at",
    ):
        assert part in str(caught.value)
    assert "right: " not in str(caught.value)


def test_texts_that_stand_for_nothing_name_columns_that_are_read(tmp_path: Path) -> None:
    sentinels = [{"cells": ["N/A"]}, {"cells": ["0"], "columns": ["a", "c"]}, {"cells": ["-"], "columns": ["a"]}]
    write(tmp_path, sentinels=sentinels)
    with pytest.raises(SettingsError, match="links: sentinels: c is read by no rule"):
        feeds.load(tmp_path)
    sentinels[1]["columns"] = ["a"]
    write(tmp_path, sentinels=sentinels)
    assert feeds.load(tmp_path)["links"].nothing == {"": ("N/A",), "a": ("0", "-")}


def test_feeds_that_wait_for_one_another_are_refused(tmp_path: Path) -> None:
    write(tmp_path, name="one", after=["two"])
    write(tmp_path, name="two", after=["one"])
    with pytest.raises(SettingsError, match="circle; it does for one, two"):
        feeds.load(tmp_path)


def test_feeds_come_after_those_they_wait_for(tmp_path: Path) -> None:
    write(tmp_path, name="a", after=["z"])
    write(tmp_path, name="m")
    write(tmp_path, name="z")
    assert list(feeds.load(tmp_path)) == ["m", "z", "a"]


def test_a_file_is_extracted_at_the_end_of_the_period_in_its_name(tmp_path: Path) -> None:
    write(tmp_path)
    feed = feeds.load(tmp_path)["links"]
    assert feed.extraction({"period": "2024-02"}) == datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    assert feed.extraction({"period": "2024-02-07"}) == datetime(2024, 2, 7, 23, 59, 59, 999999, tzinfo=UTC)
    assert feed.extraction({"period": "202402"}) == datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    assert feed.extraction({"period": "20240207"}) == datetime(2024, 2, 7, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("period", ["20240230", "2024020", "2024", "202413"])
def test_a_period_that_is_no_month_or_day_is_refused(tmp_path: Path, period: str) -> None:
    write(tmp_path)
    with pytest.raises(ValueError, match=r"day|month|unpack"):
        feeds.load(tmp_path)["links"].extraction({"period": period})


def test_a_date_without_a_format_is_refused(tmp_path: Path) -> None:
    columns = {"person_id": {"from": "a", "person": "x"}, "hired_at": {"from": "h"}}
    write(tmp_path, tables=[{"table": "workers", "columns": columns}])
    with pytest.raises(SettingsError, match=r"workers\.hired_at: a date needs"):
        feeds.load(tmp_path)


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft202012Validator:
    """What an editor makes of the published schema."""
    return jsonschema.Draft202012Validator(json.loads(Path("feeds/schema.json").read_text(encoding="utf-8")))


def as_editors_read(file: Path) -> object:
    """A feed file as JSON, where moments are text."""
    return json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str))


def test_the_published_schema_is_that_of_the_models() -> None:
    published = Path("feeds/schema.json").read_text(encoding="utf-8")
    assert published == f"{schema()}\n", "write it anew: python -m pipelines.ingest schema > feeds/schema.json"


@pytest.mark.parametrize("file", [file for folder in SHIPPED for file in sorted(folder.glob("*.yaml"))], ids=str)
def test_the_feeds_we_ship_keep_the_schema_that_they_name(file: Path, editor: jsonschema.Draft202012Validator) -> None:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    named = file.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert named.samefile("feeds/schema.json")
    editor.validate(as_editors_read(file))


def _records(size: int) -> dict[str, object]:
    detail = {"type": "D", "size": size, "columns": {"a": 2}}
    more = {"separator": ",", "quote": None, "type": 1, "header": None, "trailer": None, "others": []}
    return {**more, "detail": detail, "may_be_empty": False}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"cadence": "sometimes"}, "cadence"),
        ({"colour": "red"}, "colour"),
        ({"dialect": "morse"}, "morse"),
        ({"options": {"delimiter": ",", "quote": '"', "quot": "'"}}, "quot"),
        ({"options": {"delimiter": ","}}, "quote"),
        ({"dialect": "recorded", "options": _records(size=0)}, "0 is less than"),
        ({"tables": [{"table": "persons", "columns": {}}]}, "persons"),
        ({"tables": [{"table": "person_links", "columns": {"shoe_size": {"from": "s"}}}]}, "shoe_size"),
        ({"tables": [{"table": "person_links", "columns": {"person_id": {"form": "a"}}}]}, "form"),
    ],
)
def test_an_editor_marks_what_a_run_would_refuse(
    changes: dict[str, object], where: str, editor: jsonschema.Draft202012Validator
) -> None:
    assert editor.is_valid(GOOD)
    with pytest.raises(jsonschema.ValidationError, match=where):
        editor.validate({**GOOD, **changes})


def test_an_editor_explains_every_word_that_has_an_explanation() -> None:
    words = json.loads(schema())["$defs"]["Rule"]["properties"]
    assert words["absent"]["description"] == "Text that stands for an empty or missing cell."
    parts = {part["if"]["properties"]["dialect"]["const"]: part["then"] for part in json.loads(schema())["allOf"]}
    assert "Options: `delimiter`, `quote`." in parts["csv"]["properties"]["options"]["description"]


SFTP = {"host": "h", "user": "u", "host_keys": [f"ssh-ed25519 SHA256:{'A' * 43}"], "private_key": "CANDOR_SFTP_X"}
PGP = {"private_keys": "CANDOR_PGP_X", "signers": ["A" * 40], "public_keys": "x.asc"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sftp": SFTP}, "sftp: needs `ready`"),
        ({"sftp": SFTP, "ready": {"marker": ".ok"}, "root": "feeds"}, "sftp: must not stand beside `root: feeds`"),
        ({"sftp": SFTP | {"host_keys": []}}, "sftp.host_keys"),
        ({"sftp": SFTP | {"host_keys": ["A" * 43]}}, "sftp.host_keys.0"),
        ({"sftp": SFTP | {"private_key": "CANDOR_VAULT_KEY"}}, "sftp.private_key"),
        ({"sftp": SFTP | {"host": "-oProxyCommand=x"}}, "sftp.host"),
        ({"sftp": SFTP | {"password": "x"}}, "sftp.password"),
        ({"location": "s3://b"}, "location: Value error, must be s3://bucket/prefix"),
        ({"location": "s3://AKIA0:secret@bucket/x"}, "location: Value error, must be s3://bucket/prefix"),
        ({"location": "s3://bucket/x?versionId=1"}, "location: Value error, must be s3://bucket/prefix"),
        ({"location": "s3://bucket/x", "root": "feeds"}, "an S3 prefix must not stand beside `sftp` or `root: feeds`"),
        ({"location": "s3://bucket/x", "sftp": SFTP, "ready": {"marker": ".ok"}}, "must not stand beside `sftp`"),
        ({"pgp": PGP}, "pgp: x.asc is not in the folder of the feeds"),
        ({"pgp": PGP | {"signers": []}}, "must have either signers, or unsafe_unsigned: true"),
        ({"pgp": PGP | {"unsafe_unsigned": True}}, "must have either signers, or unsafe_unsigned: true"),
        ({"pgp": PGP | {"signers": ["A" * 16]}}, "pgp.signers.0"),
        ({"pgp": PGP | {"public_keys": None}}, "must have public_keys when it has signers"),
        ({"pgp": PGP, "dialect": "documents", "options": {}}, "pgp: documents are not opened one by one"),
    ],
)
def test_a_source_that_is_not_declared_safely_is_refused(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    write(tmp_path, **changes)
    with pytest.raises(SettingsError, match=re.escape(fault)) as error:
        feeds.load(tmp_path)
    assert "secret" not in str(error.value)


def test_a_change_of_the_public_keys_is_a_change_of_the_feed(tmp_path: Path) -> None:
    write(tmp_path, pgp=PGP)
    found = []
    for content in ("one", "two"):
        (tmp_path / "x.asc").write_text(content)
        found.append(feeds.load(tmp_path)["links"].sha256)
    assert len(set(found)) == 2


def test_the_words_that_the_readme_shows_for_s3_are_those_of_a_feed(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(location: s3:.*?)```", Path("README.md").read_text(), re.DOTALL)
    write(tmp_path, **yaml.safe_load(block))
    assert feeds.load(tmp_path)["links"].bucket == Bucket("acme-outbound", "hr/")


def test_the_words_that_the_readme_shows_for_servers_and_pgp_are_those_of_a_feed() -> None:
    (block,) = re.findall(r"```yaml\n(location: /outbound.*?)```", Path("README.md").read_text(), re.DOTALL)
    shown = yaml.safe_load(block.replace("…", "A" * 43))
    assert {"location", "sftp", "ready", "pgp"} == set(shown)
    feeds.Feed.model_validate({**GOOD, **shown})


@pytest.mark.parametrize("name", ["person_id", "linked_person_id"])
def test_a_number_of_a_person_without_a_scheme_is_a_fault_of_the_feed(tmp_path: Path, name: str) -> None:
    columns = {column: {"from": column, "person": "ats"} for column in ("person_id", "linked_person_id")}
    write(tmp_path, tables=[{"table": "person_links", "columns": columns}])
    assert feeds.load(tmp_path)
    columns[name].pop("person")
    write(tmp_path, tables=[{"table": "person_links", "columns": columns}])
    with pytest.raises(SettingsError, match=rf"person_links\.{name}: must have `person`, the scheme of the number"):
        feeds.load(tmp_path)
