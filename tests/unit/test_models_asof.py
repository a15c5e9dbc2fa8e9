"""What was known at a moment, of several versions and of late news."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.models import asof

MOMENT = pl.Datetime("us", "UTC")


def moment(day: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def versions(*told: tuple[str, int, str]) -> pl.DataFrame:
    """Job family, day of becoming known and basis of one person's versions."""
    rows = [("p", job, moment(day), basis) for job, day, basis in told]
    schema = {"person_id": pl.String, "job": pl.String, "known_from": MOMENT, "known_from_basis": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def jobs(told: pl.DataFrame, *days: int, always: bool = False) -> list[str | None]:
    asked = pl.DataFrame(
        {"person_id": ["p"] * len(days), "at": [moment(day) for day in days]}, schema_overrides={"at": MOMENT}
    )
    return asof.with_facts(asked, told, "person_id", ["job"], at="at", always=always)["job"].to_list()


PROMOTED = versions(("clerk", 10, "source"), ("manager", 20, "source"))


def test_the_version_known_at_each_moment_is_read_and_none_before_the_first():
    assert jobs(PROMOTED, 25, 20, 19, 10, 9) == ["manager", "manager", "clerk", "clerk", None]


def test_of_what_must_have_been_there_the_first_version_counts_from_the_beginning():
    assert jobs(PROMOTED, 25, 19, 9, always=True) == ["manager", "clerk", "clerk"]


def test_where_no_source_says_when_the_first_version_counts_from_the_beginning_and_later_ones_do_not():
    assert jobs(versions(("clerk", 10, "observed"), ("manager", 20, "observed")), 9, 19, 20) == [
        "clerk",
        "clerk",
        "manager",
    ]


def test_everybody_has_their_own_facts_and_their_own_first_version():
    asked = pl.DataFrame({"person_id": ["q", "r", "p"], "at": [moment(15)] * 3}, schema_overrides={"at": MOMENT})
    of_q = versions(("cook", 30, "observed")).with_columns(person_id=pl.lit("q"))
    told = pl.concat([PROMOTED, of_q])
    assert asof.with_facts(asked, told, "person_id", ["job"], at="at")["job"].to_list() == ["cook", None, "clerk"]


def test_the_newest_version_is_the_one_known_last():
    assert asof.newest(PROMOTED.reverse(), "person_id")["job"].to_list() == ["manager"]


@pytest.mark.parametrize(("basis", "day"), [("source", 10), ("observed", 5)])
def test_a_fact_is_known_when_its_source_knew_it_or_when_it_happened(basis, day):
    told = versions(("clerk", 10, basis)).with_columns(event=pl.lit(moment(5)).cast(MOMENT))
    assert told.select(asof.known_at(pl.col("event"))).item() == moment(day)


def test_a_fact_of_the_future_is_not_known_before_it_happens():
    told = versions(("clerk", 10, "source")).with_columns(event=pl.lit(moment(40)).cast(MOMENT))
    assert told.select(asof.known_at(pl.col("event"))).item() == moment(40)
