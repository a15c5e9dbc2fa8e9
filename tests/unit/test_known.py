"""How the lake is read for features: the newest version, and since when what took another's place was known."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.base import known
from pipelines.base.lake import Lake
from pipelines.privacy.forget import linked


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def publish(lake: Lake, batch: str, *told: tuple[str, str, int, str]) -> None:
    """Courses by id, title, day of becoming known and basis."""
    frame = pl.DataFrame(
        [
            {"course_id": course, "title": title, "topic_code": None, "level_code": None, "duration_minutes": None}
            | dict.fromkeys(("is_active", "is_mandatory", "valid_from", "valid_to", "audience_codes", "renewal_months"))
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


def numbers(*told: tuple[str, str, str, int]) -> pl.DataFrame:
    """Worker, scheme, number, and the day of January on which that was known."""
    rows = [
        {
            "person_id": who,
            "scheme_code": scheme,
            "linked_person_id": number,
            "valid_from": None,
            "valid_to": date(2025, 1, 1) if scheme == "prior" else None,
            "known_from": day(known),
            "known_from_basis": "source",
            "file_id": "f",
            "source_row": at,
        }
        for at, (who, scheme, number, known) in enumerate(told)
    ]
    return pl.DataFrame(rows, schema_overrides={"valid_from": pl.Date(), "valid_to": pl.Date()})


def test_who_shares_a_number_is_one_human_until_the_source_says_otherwise(store):
    lake = Lake(store)
    lake.publish(
        "a", {"worker_identifiers": numbers(("p_1", "universal", "p_7", 1), ("p_2", "universal", "p_7", 2))}, {}, {}
    )
    lake.publish(
        "b", {"worker_identifiers": numbers(("p_2", "universal", "p_8", 5), ("p_3", "prior", "p_2", 6))}, {}, {}
    )
    manifest = lake.require()

    def humans(last: int) -> list[set[str]]:
        who = known.links(lake, manifest, date(2026, 1, last))
        return sorted(({one for one in who if who[one] == first} for first in {*who.values()}), key=min)

    assert humans(1) == [{"p_1", "p_7"}]
    assert humans(2) == humans(4) == [{"p_1", "p_2", "p_7"}]
    assert humans(5) == [{"p_1", "p_7"}, {"p_2", "p_8"}]
    assert humans(6) == [{"p_1", "p_7"}, {"p_2", "p_3", "p_8"}], (
        "a number of before leads to who had it, though it ended"
    )
    assert linked(store, "p_8") == ["p_2", "p_3", "p_8"], "and whoever is forgotten takes nobody along who is another"
    assert linked(store, "p_1") == ["p_1", "p_7"]


def test_of_numbers_known_since_one_moment_those_count_that_were_published_last(store):
    """A source that does not say when it corrected one; what it tells at once holds at once."""
    lake = Lake(store)
    valid = [pl.lit(date(year, 1, 1)).alias("valid_from") for year in (2020, 2021, 2022)]
    lake.publish("a", {"worker_identifiers": numbers(("p_1", "lms", "p_7", 1)).with_columns(valid[0])}, {}, {})
    both = [numbers(("p_1", "lms", to, 1)).with_columns(day) for to, day in zip(("p_8", "p_9"), valid[1:], strict=True)]
    lake.publish("b", {"worker_identifiers": pl.concat(both)}, {}, {})
    assert sorted(known.links(lake, lake.require())) == ["p_1", "p_8", "p_9"]
    late = [numbers(("p_1", "lms", to, on)).with_columns(valid[on - 2]) for to, on in (("p_5", 3), ("p_6", 2))]
    lake.publish("c", {"worker_identifiers": pl.concat(late)}, {}, {})
    assert sorted(known.links(lake, lake.require())) == ["p_1", "p_5"], "of one file that which was known last"


def test_links_of_candidates_and_numbers_of_workers_make_one_human(store):
    lake = Lake(store)
    link = {"person_id": "p_c", "linked_person_id": "p_1", "known_from": day(1), "known_from_basis": "source"}
    links = pl.DataFrame([link | {"file_id": "f", "source_row": 1}])
    lake.publish("a", {"person_links": links, "worker_identifiers": numbers(("p_1", "network", "p_9", 1))}, {}, {})
    assert known.links(lake, lake.require()) == {"p_1": "p_1", "p_9": "p_1", "p_c": "p_1"}


def test_a_withdrawal_of_one_of_two_who_came_apart_counts_for_what_was_both(store):
    """As of the day on which they were taken for one, rows of both are of one human."""
    lake = Lake(store)
    tell(lake, "b1", 1, candidates=[candidate(one) for one in (ANN, BEN)])
    tell(lake, "b2", 1, consents=[agreed(one, is_given=True) for one in (ANN, BEN)])
    lake.publish("b3", {"worker_identifiers": numbers((ANN, "universal", CAT, 1), (BEN, "universal", CAT, 1))}, {}, {})
    then = known.read_people(lake, lake.require(), ["candidates"], date(2026, 1, 10))[0]["candidates"]
    assert then["person_id"].to_list() == [ANN]
    lake.publish("b4", {"worker_identifiers": numbers((BEN, "universal", "p_" + "d" * 32, 20))}, {}, {})
    tell(lake, "b5", LATER, consents=[agreed(BEN, is_given=False)])
    then = known.read_people(lake, lake.require(), ["candidates"], date(2026, 1, 10))[0]["candidates"]
    assert then.is_empty()
    now = known.read_people(lake, lake.require(), ["candidates"], date(2026, 1, 31))[0]["candidates"]
    assert now["person_id"].to_list() == [ANN]
