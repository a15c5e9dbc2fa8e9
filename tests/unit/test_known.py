"""How the lake is read for features: the newest version, and since when what took another's place was known."""

from datetime import UTC, date, datetime

import polars as pl

from pipelines.base import known
from pipelines.base.lake import Lake


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def publish(lake: Lake, batch: str, *told: tuple[str, str, int, str]) -> None:
    """Courses by id, title, day of becoming known and basis."""
    frame = pl.DataFrame(
        [
            {"course_id": course, "title": title, "topic_code": None, "level_code": None, "duration_minutes": None}
            | {"known_from": day(number), "known_from_basis": basis, "file_id": batch, "source_row": 1}
            for course, title, number, basis in told
        ],
        schema_overrides={"topic_code": pl.String, "level_code": pl.String, "duration_minutes": pl.Float64},
    )
    lake.publish(batch, {"courses": frame}, {}, {})


def test_what_took_anothers_place_was_not_known_before_unless_its_source_says_when(store):
    lake = Lake(store)
    publish(lake, "b1", *((course, "old", 1, "observed") for course in ("once", "corrected", "dated")))
    publish(lake, "b2", ("corrected", "new", 20, "observed"), ("dated", "new", 20, "source"))
    frames, _ = known.read_people(lake, lake.require(), ["courses"], date(2026, 1, 31))
    found = frames["courses"].select("course_id", "title", "known_from_basis").rows()
    assert found == [("corrected", "new", "restated"), ("dated", "new", "source"), ("once", "old", "observed")]
    frames, _ = known.read_people(lake, lake.require(), ["courses"], date(2026, 1, 19))
    assert set(frames["courses"]["known_from_basis"]) == {"observed"}, "nobody knew of the corrections yet"


def test_every_version_of_a_table_can_be_asked_for(store):
    lake = Lake(store)
    publish(lake, "b1", ("corrected", "old", 1, "observed"))
    publish(lake, "b2", ("corrected", "new", 20, "observed"))
    frames, counts = known.read_people(lake, lake.require(), ["courses"], date(2026, 1, 31), ["courses"])
    assert frames["courses"].select("title", "known_from").rows() == [("old", day(1)), ("new", day(20))]
    assert counts["courses"]["rows"] == 2
