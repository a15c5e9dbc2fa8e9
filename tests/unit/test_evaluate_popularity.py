"""How a recommender's lists are spread over courses; every expected value is worked out by hand."""

import math

import numpy as np
import polars as pl
import pytest

from pipelines.evaluate import popularity

DRAWN = {"resamples": 100, "seed": 1}
COURSES = tuple(f"c{n:02}" for n in range(20))


def scores(*listed: tuple[str, str, str]) -> pl.DataFrame:
    """Two people who are asked about c00 to c18 by both scorers; `listed` are put forward."""
    rows = [
        (person, course, scorer, (person, course, scorer) in listed)
        for person in "pq"
        for course in COURSES[:19]
        for scorer in ("model", "baseline")
    ]
    return pl.DataFrame(rows, schema=["person_id", "subject_id", "scorer", "is_selected"], orient="row")


def came(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [(person, course, 1.0) for person, course in pairs]
    schema = {"person_id": pl.String, "subject_id": pl.String, "outcome": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_lists_are_laid_beside_what_people_took_before_and_next():
    """Of 20 courses c05 was taken three times before and c19 once: they are the first tenth. p took c05 next."""
    before = [("r", "c05"), ("s", "c05"), ("t", "c05"), ("r", "c19")]
    lists = [("p", "c05", "baseline"), ("q", "c05", "baseline"), ("p", "c00", "baseline"), ("q", "c05", "model")]
    lists += [("p", "c17", "model"), ("q", "c18", "model"), ("p", "c18", "model")]
    found = popularity.told("ranking", scores(*lists), came(*before, ("p", "c05")), **DRAWN)
    assert found["courses"] == 20
    assert {name: (found[name]["shown"], found[name]["coverage"]) for name in ("before", "next", "model")} == {
        "before": (4, pytest.approx(2 / 20)),
        "next": (1, pytest.approx(1 / 20)),
        "model": (4, pytest.approx(3 / 20)),
    }
    # Gini of 1, 1, 2 among 20: (2*18-21) + (2*19-21) + 2 * (2*20-21) = 15 + 17 + 38 = 70, of 20 * 4.
    assert found["model"]["gini"] == pytest.approx(70 / 80)
    # The baseline's 1, 2: (2*19-21) + 2 * (2*20-21) = 17 + 38 = 55, of 20 * 3.
    assert found["baseline"]["gini"] == pytest.approx(55 / 60)
    tenths = found["deciles"]
    assert [(row["place"], row["courses"]) for row in tenths] == [(n, 2) for n in range(1, 11)]
    first = {"place": 1, "courses": 2, "before": 1.0, "next": 1.0, "model": 0.25, "baseline": pytest.approx(2 / 3)}
    assert {name: tenths[0][name] for name in first} == first
    assert tenths[0]["excess"]["model"]["value"] == -0.75
    assert tenths[0]["excess"]["baseline"]["value"] == pytest.approx(-1 / 3)
    assert math.isnan(tenths[0]["excess"]["model"]["low"]), "where q alone is drawn nobody took anything next"
    # Then those never taken, by name: c00 and c01 are the second tenth, c17 and c18 the last.
    assert (tenths[1]["model"], tenths[1]["baseline"]) == (0, pytest.approx(1 / 3))
    assert (tenths[9]["model"], tenths[9]["baseline"]) == (0.75, 0)


def test_by_how_much_a_list_shows_the_popular_more_than_they_are_taken_has_an_interval_over_people():
    """Everybody takes c05, of the first tenth, next; of p the list has it alone, of q it has one of two."""
    before = [("r", "c05"), ("r", "c19")]
    lists = [("p", "c05", "model"), ("q", "c05", "model"), ("q", "c00", "model")]
    found = popularity.told("ranking", scores(*lists), came(*before, ("p", "c05"), ("q", "c05")), **DRAWN)
    first, second = found["deciles"][0]["excess"]["model"], found["deciles"][1]["excess"]["model"]
    assert (first["value"], second["value"]) == (pytest.approx(2 / 3 - 1), pytest.approx(1 / 3))
    # p twice: all of the list; q twice: half of it
    assert (first["low"], first["high"]) == (-0.5, 0.0)
    assert (second["low"], second["high"]) == (0.0, 0.5)
    assert found["deciles"][9]["excess"]["model"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert math.isnan(found["deciles"][0]["excess"]["baseline"]["value"]), "it shows nothing"


def test_times_that_are_equal_have_a_gini_of_nothing():
    assert popularity.gini(np.array([3.0, 3, 3])) == 0
    assert popularity.gini(np.array([0.0, 0, 0, 8])) == pytest.approx(3 / 4)
    assert popularity.gini(np.array([8.0, 0, 0, 0])) == pytest.approx(3 / 4), "in any order"
    assert math.isnan(popularity.gini(np.zeros(3)))


def test_with_fewer_courses_than_tenths_there_are_fewer_parts():
    found = popularity.told("ranking", scores().filter(pl.col("subject_id") < "c03"), came(), **DRAWN)
    assert [row["courses"] for row in found["deciles"]] == [1, 1, 1]
    assert math.isnan(found["deciles"][0]["model"])


@pytest.mark.parametrize("kind", ["auc", "mae"])
def test_nobody_is_shown_a_list_by_other_families(kind):
    assert popularity.told(kind, scores(), came(), **DRAWN) == {}
