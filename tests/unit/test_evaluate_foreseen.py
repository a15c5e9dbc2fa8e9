"""Early warnings and scores at the end, with intervals: figures by hand, and nothing of few people."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.evaluate import foreseen

HOW = {"min_people": 5, "resamples": 100, "seed": 1}
WARN = HOW | {"capacity": 0.1, "told_from": 2}
START = datetime(2026, 1, 1, tzinfo=UTC)


def keys(number):
    return {"person_id": f"p{number:02}", "subject_id": "s", "target_code": "t"}


def cases(count=20):
    """Outcomes from low to high; the model knows them, the baseline has them the other way round.

    The daily file warns of the first six, of whom the first five came out low.
    """
    scores = [
        keys(n) | {"scorer": scorer, "score": sign * n / 20, "is_selected": n >= 6}
        for scorer, sign in (("model", 1.0), ("baseline", -1.0))
        for n in range(count)
    ]
    known = [
        keys(n) | {"outcome": n / 20, "occurred_at": START, "known_at": START + timedelta(days=n)} for n in range(count)
    ]
    return pl.DataFrame(scores), pl.DataFrame(known)


def test_a_warning_is_told_with_its_interval_beside_chance_and_the_days_that_it_leaves():
    found = foreseen.warnings(*cases(), **WARN)
    assert (found["n"], found["people"], found["capacity"], found["low"], found["chance"]) == (20, 20, 0.1, 0.25, 0.25)
    assert found["precision"]["model"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["precision"]["baseline"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["precision"]["difference"]["value"] == 1.0
    assert found["recall"]["model"]["value"] == 0.4, "two of the five that came out low"
    assert found["flagged"] == 0.3
    assert found["days_ahead"] == {"median": 0.5, "low": 0.25, "high": 0.75}, "of two, known after 0 days and 1"


def test_as_many_are_warned_of_as_managers_can_act_on():
    """Ten of twenty could be acted on: all six flagged are, five of which came out low, and nobody else."""
    found = foreseen.warnings(*cases(), **WARN | {"capacity": 0.5})
    assert found["capacity"] == 0.5
    assert found["precision"]["model"]["value"] == pytest.approx(5 / 6)
    assert found["recall"]["model"]["value"] == 1
    assert found["days_ahead"]["median"] == 2.5, "of 0 to 5 days"
    scored, known = cases()
    nobody = foreseen.warnings(scored.with_columns(is_selected=pl.lit(value=True)), known, **WARN)
    assert (nobody["flagged"], nobody["recall"]["model"]["value"]) == (0, 0)
    assert math.isnan(nobody["precision"]["model"]["value"])
    assert math.isnan(nobody["days_ahead"]["median"])


def test_of_few_people_no_warning_is_told_however_many_their_cases():
    assert foreseen.warnings(*cases(5), **WARN)["people"] == 5
    assert foreseen.warnings(*cases(4), **WARN) is None
    scored, known = cases(20)
    same = [frame.with_columns(subject_id="person_id", person_id=pl.lit("p")) for frame in (scored, known)]
    assert foreseen.warnings(*same, **WARN) is None
    never = known.with_columns(known_at=pl.lit(None, pl.Datetime("us", "UTC")))
    assert foreseen.warnings(scored, never, **WARN) is None


def figures(found):
    """All of a report that tells of those warned of."""
    return [found[name][scorer]["value"] for name in ("precision", "recall") for scorer in found["precision"]] + list(
        found["days_ahead"].values()
    )


def test_of_few_people_warned_of_nothing_is_told_however_many_were_judged():
    """Twenty people, six flagged: with a capacity of two, five or six they are warned of, of five a figure may tell."""
    for capacity, is_told in ((0.1, False), (0.2, False), (0.25, True), (0.3, True)):
        found = foreseen.warnings(*cases(), **HOW, told_from=5, capacity=capacity)
        assert [math.isnan(value) for value in figures(found)] == [not is_told] * 9, capacity
        assert found["flagged"] == 0.3, "of six people"
    scored, known = cases()
    four = scored.with_columns(is_selected=pl.col("person_id") >= "p04")
    found = foreseen.warnings(four, known, **HOW, told_from=5, capacity=0.5)
    assert all(math.isnan(value) for value in [found["flagged"], *figures(found)])
    assert (found["people"], found["chance"]) == (20, 0.25)


def test_people_warned_of_are_counted_and_not_their_cases_by_either_scorer():
    """Five cases are warned of. By one scorer all are of one person, by the other each of another."""
    scored, known = cases()
    one = {f"p{n:02}": "p" for n in range(5)}
    last = {f"p{n:02}": "q" for n in range(15, 20)}
    for names, is_told in (({}, True), (one, False), (last, False)):
        renamed = [
            frame.with_columns(subject_id="person_id", person_id=pl.col("person_id").replace(names))
            for frame in (scored, known)
        ]
        found = foreseen.warnings(*renamed, **HOW, told_from=5, capacity=0.25)
        assert math.isnan(found["precision"]["model"]["value"]) != is_told, names


def ends(**changed):
    """The model is off by .1 and holds all; the baseline is off by .3 and holds the first half."""
    rows = [
        keys(n) | {"scorer": scorer, "grade": 0.5 + off, "low": 0.5 - wide, "high": 0.5 + wide, "ended": 0.5}
        for scorer, off in (("model", 0.1), ("baseline", -0.3))
        for n in range(10)
        for wide in [0.2 if scorer == "model" or n < 5 else -0.1]
    ]
    return pl.DataFrame([row | changed for row in rows])


def test_how_far_a_foreseen_score_is_off_and_whether_its_interval_holds_it_stand_beside_the_baseline():
    found = foreseen.grades(ends(), **HOW)
    assert (found["n"], found["people"]) == (10, 10)
    assert found["error"]["model"] == pytest.approx({"value": 0.1, "low": 0.1, "high": 0.1})
    assert found["error"]["baseline"]["value"] == pytest.approx(0.3)
    assert found["error"]["difference"]["value"] == pytest.approx(0.2), "above zero the model is better"
    assert (found["within"]["model"]["value"], found["within"]["baseline"]["value"]) == (1.0, 0.5)
    assert found["within"]["difference"]["value"] == 0.5
    assert found["within"]["baseline"]["low"] < 0.4
    assert found["within"]["baseline"]["high"] > 0.6


def test_who_came_to_no_score_is_left_out_and_few_tell_nothing():
    four = ends().filter(pl.col("person_id") < "p04")
    assert foreseen.grades(four, **HOW) is None
    some = ends().with_columns(ended=pl.when(pl.col("person_id") < "p06").then("ended"))
    assert foreseen.grades(some, **HOW)["n"] == 6
