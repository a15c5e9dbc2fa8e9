"""Which files one is looked up in: what comes with it counts for news, and not for what is read again."""

import pytest

from pipelines.ingest.batch import Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.lookups import looked_up
from pipelines.ingest.rules import Join


def feed(name: str) -> Feed:
    return Feed.model_validate(
        {
            "name": name,
            "owner": "HR",
            "cadence": "daily",
            "location": ".",
            "files": rf"{name}_(?P<period>[-\d]+)\.csv",
            "dialect": "csv",
            "options": {"delimiter": ",", "quote": '"'},
            "extracted_at": {"end_of": "period"},
            "required": ["id"],
            "tables": [],
        }
    )


def unit(of: str, period: str, **more: bool) -> Unit:
    name = f"{of}_{period}.csv"
    return Unit(name, of, name, name, 1, {"period": period}, "feed", **more)


FEEDS = {name: feed(name) for name in ("uses", "titles")}
STEP = Join.model_validate({"feed": "titles", "match": {"id": "id"}, "take": {"known": "title"}, "missing": "reject"})


@pytest.mark.parametrize(
    ("state", "month"),
    [
        ({}, "2026-02"),
        ({"is_replay": True}, "2026-01"),
        ({"is_replay": True, "is_released": True}, "2026-02"),
    ],
    ids=["new", "read again", "released: nobody took it in before"],
)
def test_a_month_that_comes_with_one_of_its_days_holds_it_where_the_day_is_new(
    state: dict[str, bool], month: str
) -> None:
    before, here = [unit("titles", "2026-01")], [unit("titles", "2026-02")]
    (found,) = looked_up(FEEDS, unit("uses", "2026-02-15", **state), STEP, before, here)
    assert found.groups["period"] == month
