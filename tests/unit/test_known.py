"""How the lake is read for features: the newest version, and since when what took another's place was known."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

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


ANN, BEN, CAT = ("p_" + letter * 32 for letter in "abc")
LATER = 25


def tell(lake: Lake, batch: str, number: int, **rows: list[dict[str, object]]) -> None:
    """Rows of tables that became known on a day."""
    born = {"known_from": day(number), "known_from_basis": "source", "file_id": batch}
    told = {
        name: pl.DataFrame(
            [row | born | {"source_row": n} for n, row in enumerate(found)],
            schema_overrides={"source_code": pl.String, "country_code": pl.String} if name == "candidates" else None,
        )
        for name, found in rows.items()
    }
    lake.publish(batch, told, {}, {})


def agreed(person: str, is_given: bool | None) -> dict[str, object]:
    return {"person_id": person, "is_given": is_given}


def candidate(person: str) -> dict[str, object]:
    return {"person_id": person, "created_at": day(1), "source_code": None, "country_code": None}


LINK = {"person_id": ANN, "linked_person_id": BEN}
NEWS: dict[str, tuple[dict[str, list[dict[str, object]]], list[str]]] = {
    "nothing": ({}, [ANN, BEN]),
    "withdrawn": ({"consents": [agreed(ANN, is_given=False)]}, [BEN]),
    "given again": ({"consents": [agreed(ANN, is_given=True)]}, [ANN, BEN]),
    "withdrawn by what turned out to be the same human": (
        {"consents": [agreed(CAT, is_given=False)], "person_links": [LINK | {"person_id": CAT}]},
        [ANN],
    ),
    "a link to somebody who agreed, too": ({"person_links": [LINK]}, [ANN, BEN]),
    "a link to somebody who withdrew": ({"consents": [agreed(ANN, is_given=False)], "person_links": [LINK]}, []),
}


@pytest.mark.parametrize("news", NEWS)
@pytest.mark.parametrize("versioned", [(), ("candidates",)])
def test_a_withdrawal_counts_at_once_whatever_day_a_family_is_at(store, news, versioned):
    """The tables of a family stay at their day when all that comes after is a withdrawal."""
    lake = Lake(store)
    candidates = [candidate(one) for one in (ANN, BEN)]
    consents = [agreed(one, is_given=True) for one in (ANN, BEN)]
    tell(lake, "b1", 1, candidates=candidates, consents=consents)
    told, left = NEWS[news]
    if told:
        tell(lake, "b2", LATER, **told)
    assert known.day_known(lake, lake.require(), ["candidates"], date(2026, 1, 31)) == date(2026, 1, 1)
    frames, counts = known.read_people(lake, lake.require(), ["candidates"], date(2026, 1, 1), versioned)
    assert frames["candidates"]["person_id"].to_list() == left
    assert counts["candidates"] == {"rows": len(left), "without_consent": 2 - len(left)}


def test_consent_that_comes_after_the_day_asked_about_is_none_and_one_that_was_withdrawn_can_be_given_again(store):
    lake = Lake(store)
    tell(lake, "b1", 1, candidates=[candidate(ANN)], consents=[agreed(ANN, is_given=False)])
    tell(lake, "b2", 10, consents=[agreed(ANN, is_given=True)])
    rows = [known.read_people(lake, lake.require(), ["candidates"], date(2026, 1, n))[1] for n in (9, 10)]
    assert [found["candidates"]["rows"] for found in rows] == [0, 1]
    pinned = lake.require()
    tell(lake, "b3", 20, consents=[agreed(ANN, is_given=False)])
    tell(lake, "b4", 21, consents=[agreed(ANN, is_given=True)])
    rows = [known.read_people(lake, m, ["candidates"], date(2026, 1, 12))[1] for m in (pinned, *lake.manifests()[2:])]
    assert [found["candidates"]["rows"] for found in rows] == [1, 0, 1], "a pinned manifest keeps what it knew"
