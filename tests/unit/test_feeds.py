"""Feeds: declared well, or refused with every fault at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from pipelines.base.contracts import TABLES
from pipelines.base.errors import SettingsError
from pipelines.ingest import feeds
from pipelines.ingest.read import dialect

SHIPPED = [Path("feeds"), Path("feeds/real"), Path("feeds/vendors/successfactors")]
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
    for feed in feeds.load(folder).values():
        for mapped in feed.tables:
            if TABLES[mapped.table].zone == "lake" and mapped.table != "courses":
                assert not [name for name in mapped.reads() if any(word in name.lower() for word in words)], feed.name


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
        assert part in str(caught.value)


def test_a_column_that_must_never_be_read_is_refused_with_its_rule(tmp_path: Path) -> None:
    write(tmp_path, never={"b": "leaks"})
    with pytest.raises(SettingsError, match="never: b is read by a rule"):
        feeds.load(tmp_path)


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


def test_a_date_without_a_format_is_refused(tmp_path: Path) -> None:
    columns = {"person_id": {"from": "a", "person": "x"}, "hired_at": {"from": "h"}}
    write(tmp_path, tables=[{"table": "workers", "columns": columns}])
    with pytest.raises(SettingsError, match=r"workers\.hired_at: a date needs"):
        feeds.load(tmp_path)
