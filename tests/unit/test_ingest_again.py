"""Parts leave out what nothing reads; the cells of rows for quarantine are still all there are."""

import io
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from pipelines.base import landing
from pipelines.base.store import FileStore
from pipelines.ingest import feeds as declared
from pipelines.ingest.again import cells
from pipelines.ingest.batch import Batch, Unit
from pipelines.ingest.discover import discover
from pipelines.ingest.land import land
from pipelines.ingest.read import FAULT, ROW, _csv_plain, parts, read

PEOPLE = """
name: people
owner: HR
cadence: once
location: ""
files: '(?P<period>\\d{4}-\\d{2})\\.csv'
dialect: csv
options: {delimiter: ",", quote: '"'}
extracted_at: {end_of: period}
required: [Id]
tables:
  - table: courses
    columns: {course_id: {from: Id}, title: {from: Title}}
"""
JOINING = """
name: joining
owner: HR
cadence: once
location: ""
files: '(?P<period>\\d{4}-\\d{2})\\.tsv'
dialect: csv
options: {delimiter: "\\t", quote: '"'}
extracted_at: {end_of: period}
after: [people]
required: [Id]
join: [{feed: people, match: {Id: Id}, take: {Name: Nickname}, missing: keep}]
tables:
  - table: courses
    columns: {course_id: {from: Id}, title: {from: Name}}
"""
HEAD = "Id,Title,Nickname,Secret\n"
ROWS = ["1,one,a,s1", "2,two,b,s2", '3,"three",c,"s,3"', "4,four,d,s4", "5,five,e,s5", "6,six,f", "7,seven,g,s7"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: None) -> Path:  # sets them
    """A folder of exports with one file, beside its feed."""
    for name in ("feeds", "exports"):
        (tmp_path / name).mkdir()
    (tmp_path / "feeds" / "people.yaml").write_text(PEOPLE)
    (tmp_path / "exports" / "2025-01.csv").write_text(HEAD + "\n".join(ROWS) + "\n")
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    return tmp_path


def taken(place: Path) -> tuple[Batch, Unit]:
    """The file, landed and read in pieces of about two rows."""
    batch = Batch(FileStore(place / "store"), "b")
    discover(batch)
    unit = next(unit for unit in batch.units() if unit.feed == "people")
    feed = declared.load(declared.folder())["people"]
    land(batch, unit, feed)
    with patch.object(_csv_plain, "PIECE", 25):
        read(batch, unit, feed)
    return batch, unit


def columns(batch: Batch, unit: Unit) -> list[str]:
    return pl.read_ipc(parts(batch.place(unit) / "raw")[0]).columns


def wanted(*rows: int) -> pl.DataFrame:
    return pl.DataFrame({ROW: rows}, schema={ROW: pl.Int64})


def found(batch: Batch, unit: Unit, *rows: int) -> pl.DataFrame:
    return pl.concat(cells(batch, unit, wanted(*rows)), how="diagonal").sort(ROW)


def test_parts_have_only_what_is_read(place: Path) -> None:
    assert columns(*taken(place)) == [ROW, FAULT, "Id", "Title"]


def test_a_column_that_another_feed_takes_stays(place: Path) -> None:
    (place / "feeds" / "joining.yaml").write_text(JOINING)
    assert columns(*taken(place)) == [ROW, FAULT, "Id", "Title", "Nickname"]


def test_a_column_with_the_name_of_what_a_join_makes_stays_so_that_the_clash_is_seen(place: Path) -> None:
    clash = PEOPLE.replace(
        "tables:", "join: [{file: other.csv, match: {Id: Id}, take: {Nickname: N}, missing: keep}]\ntables:"
    )
    (place / "feeds" / "people.yaml").write_text(clash)
    (place / "feeds" / "other.csv").write_text("Id,N\n1,x\n")
    assert columns(*taken(place)) == [ROW, FAULT, "Id", "Title", "Nickname"]


def test_rows_for_quarantine_have_all_their_cells(place: Path) -> None:
    rows = found(*taken(place), 3, 5, 6, 7)
    assert rows.select(ROW, "Id", "Title", "Nickname", "Secret").rows() == [
        (3, "3", "three", "c", "s,3"),
        (5, "5", "five", "e", "s5"),
        (6, None, None, None, None),
        (7, "7", "seven", "g", "s7"),
    ]
    assert rows["line"].to_list() == [None, None, "6,six,f", None]
    assert rows[FAULT].to_list() == [None, None, "ragged_row", None]


def test_without_its_key_a_row_has_what_its_part_has(place: Path) -> None:
    batch, unit = taken(place)
    landing.let_go(batch.store, batch.store.list(landing.FOLDER))
    assert found(batch, unit, 1).rows() == [(1, None, "1", "one", None, None, None)]


def test_bytes_that_were_written_anew_give_no_row_the_cells_of_another(place: Path) -> None:
    batch, unit = taken(place)
    other = HEAD + "\n".join([ROWS[1], ROWS[0], *ROWS[2:]]) + "\n"  # as long as before
    landing.replace(batch.store, unit.landing_key, io.BytesIO(other.encode()), place / "scratch")
    assert found(batch, unit, 2).rows() == [(2, None, "2", "two", None, None, None)]


def test_a_rule_that_came_later_finds_its_column(place: Path) -> None:
    batch, unit = taken(place)
    (place / "feeds" / "people.yaml").write_text(PEOPLE.replace("from: Title", "from: Nickname"))
    with patch.object(_csv_plain, "PIECE", 25):
        read(batch, unit, declared.load(declared.folder())["people"])
    assert columns(batch, unit) == [ROW, FAULT, "Id", "Nickname"]


def test_nothing_is_left_beside_the_parts(place: Path) -> None:
    batch, unit = taken(place)
    found(batch, unit, 1, 2, 3)
    assert sorted(path.name for path in batch.place(unit).iterdir()) == ["landed.json", "raw"]
