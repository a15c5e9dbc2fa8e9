"""Whether intervals hold what they promise, by hand: of 100 people in each group so many outcomes lie inside."""

import math

import polars as pl
import pytest

from pipelines.evaluate import intervals

N = 100


def told(women, men, promised=0.9, least=30, **sides):
    """So many of 100 women and of 100 men, each of one case, whose outcome of .5 lies between .4 and .6."""
    inside = [n < women for n in range(N)] + [n < men for n in range(N)]
    keys = {"person_id": [f"p{n}" for n in range(2 * N)], "subject_id": "s", "target_code": "t"}
    of = {"low": [0.4 if one else 0.6 for one in inside], "high": [0.6 if one else 0.8 for one in inside], "score": 0.5}
    model = pl.DataFrame(keys | of | sides).with_columns(scorer=pl.lit("model"))
    never = model.with_columns(scorer=pl.lit("baseline"), low=pl.lit(2.0), high=pl.lit(3.0))
    outcomes = pl.DataFrame(keys | {"outcome": 0.5})
    groups = pl.DataFrame({"person_id": keys["person_id"], "sex": ["female"] * N + ["male"] * N})
    found = intervals.covered(pl.concat([model, never]), outcomes, groups, promised, min_people=least)
    return {row["group"]: row for row in found}


def test_a_group_that_is_surely_below_is_told_where_everybody_together_is_not():
    # three rows: 95 % for all of them is 1 - .05 / 3 for each, and 1 - .05 / 6 a side
    found = told(women=72, men=100)
    assert [(name, row["share"], row["is_below"]) for name, row in found.items()] == [
        ("everybody", 0.86, False),
        ("female", 0.72, True),
        ("male", 1.0, False),
    ]
    assert found["male"]["high"] == 1.0
    assert found["male"]["low"] == pytest.approx((0.05 / 6) ** (1 / N))  # nobody outside, by hand
    assert found["everybody"]["people"] == 2 * N


@pytest.mark.parametrize(("inside", "below"), [(0, True), (90, False), (80, False), (100, False)])
def test_what_may_be_chance_is_not_below(inside, below):
    assert told(women=inside, men=90)["female"]["is_below"] is below


def test_two_points_below_the_promise_are_its_word():
    # everybody and no group: of 200 people none inside, so the high end is 1 - .025 ** (1 / 200) = .01828
    assert told(0, 0, promised=0.0382, least=200)["everybody"]["is_below"] is False
    assert told(0, 0, promised=0.0384, least=200)["everybody"]["is_below"] is True


@pytest.mark.parametrize("missing", [None, math.nan])
@pytest.mark.parametrize("side", ["low", "high"])
def test_an_interval_that_is_none_holds_nothing(missing, side):
    assert told(100, 100, **{side: pl.Series([missing] * 2 * N, dtype=pl.Float64)})["female"]["share"] == 0.0


def test_small_groups_and_models_that_promise_nothing_are_not_judged():
    assert told(90, 90, least=101).keys() == {"everybody"}
    assert told(90, 90, promised=None) == {}


def test_scores_at_the_end_are_judged_as_outcomes_are_without_those_who_came_to_none():
    """Of 100 women 72 lie inside and of 80 of the men all; 20 men left."""
    inside = [n < 72 for n in range(N)] + [True] * N
    ended = pl.Series([0.5] * (2 * N - 20) + [None] * 20)
    model = pl.DataFrame(
        {"person_id": [f"p{n}" for n in range(2 * N)], "low": [0.4 if one else 0.6 for one in inside], "high": 0.8}
    ).with_columns(ended=ended, scorer=pl.lit("model"))
    never = model.with_columns(scorer=pl.lit("baseline"), low=pl.lit(2.0), high=pl.lit(3.0))
    groups = pl.DataFrame({"person_id": model["person_id"], "sex": ["female"] * N + ["male"] * N})
    found = intervals.covered_grades(pl.concat([model, never]), groups, 0.9, min_people=30)
    assert [
        tuple(row[name] for name in ("foreseen", "axis", "group", "people", "share", "is_below")) for row in found
    ] == [
        ("grade", "everybody", "everybody", 180, 152 / 180, False),
        ("grade", "sex", "female", 100, 0.72, True),
        ("grade", "sex", "male", 80, 1.0, False),
    ]
    assert intervals.covered_grades(model, groups, None, min_people=30) == []


def test_a_person_of_many_cases_counts_once():
    keys = {"person_id": ["a"] * 8 + ["b"], "subject_id": [str(n) for n in range(9)], "target_code": "t"}
    scored = pl.DataFrame(keys | {"low": [0.0] * 4 + [0.9] * 5, "high": 1.0, "scorer": "model"})
    outcomes = pl.DataFrame(keys | {"outcome": 0.5})
    (row,) = intervals.covered(scored, outcomes, pl.DataFrame({"person_id": ["a"]}), 0.9, min_people=1)
    assert (row["people"], row["share"]) == (2, 0.25)  # half of one and none of the other


def test_the_promise_is_the_one_that_the_model_was_trained_with():
    assert intervals.stated({"params": {"train": {"coverage": 0.8}}}) == 0.8
    assert intervals.stated({"params": {"train": {}}}) is None
    both = {"params": {"train": {"coverage": 0.8, "grade_coverage": 0.7}}}
    assert (intervals.stated(both), intervals.stated(both, "grade_coverage")) == (0.8, 0.7)


def test_a_group_is_not_told_where_everybody_less_it_would_be_few_people():
    keys = {"person_id": [f"p{n}" for n in range(71)], "subject_id": "s", "target_code": "t"}
    model = pl.DataFrame(keys | {"scorer": "model", "score": 0.5, "low": 0.4, "high": 0.6})
    outcomes = pl.DataFrame(keys | {"outcome": 0.5})
    groups = pl.DataFrame({"person_id": keys["person_id"], "sex": ["f"] * 30 + ["m"] * 40 + ["x"]})
    found = intervals.covered(model, outcomes, groups, 0.9, min_people=10)
    assert [(row["group"], row["people"]) for row in found] == [("everybody", 71), ("m", 40)]
    without = groups.with_columns(sex=pl.when(pl.col("sex") == "x").then(pl.lit("m")).otherwise("sex"))
    found = intervals.covered(model, outcomes, without, 0.9, min_people=10)
    assert [row["group"] for row in found] == ["everybody", "f", "m"]


def test_where_all_who_are_left_out_lie_inside_one_more_group_is_left_out():
    """3 are few. 31 others would be enough people beside them; but all 34 lie inside, and then all 3 do."""
    inside = {"a": 160, "b": 31, "c": 3}
    rows = [
        (f"{name}{n}", name, n < inside[name])
        for name, size in {"a": 200, "b": 31, "c": 3}.items()
        for n in range(size)
    ]
    keys = pl.DataFrame(rows, schema=["person_id", "sex", "is_in"], orient="row").with_columns(
        subject_id=pl.lit("s"), target_code=pl.lit("t"), race=pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("x"))
    )
    side = pl.when("is_in").then(0.6).otherwise(0.8)
    scored = keys.with_columns(scorer=pl.lit("model"), score=0.5, low=pl.lit(0.4), high=side, outcome=0.5)
    scored = scored.with_columns(low=pl.when("is_in").then(0.4).otherwise(0.6))
    outcomes = scored.select("person_id", "subject_id", "target_code", "outcome")
    groups = keys.select("person_id", "sex", pl.col("race").fill_null("y"))
    found = intervals.covered(scored.drop("outcome", "sex", "race"), outcomes, groups, 0.9, min_people=30)
    names = [(row["axis"], row["group"]) for row in found]
    assert names == [("everybody", "everybody"), ("race", "x"), ("race", "y"), ("sex", "b")], "a, not b, keeps c open"
