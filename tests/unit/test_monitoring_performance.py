"""Metrics on late labels, against values worked out by hand."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from monitoring import performance
from monitoring.results import Estimate
from tests.unit.test_monitoring_findings import SETTINGS


def scored(rows):
    frame = pl.DataFrame(rows, schema=["person_id", "subject_id", "score", "as_of"], orient="row")
    return frame.with_columns(target_code=pl.lit("level"))


def outcomes(rows):
    frame = pl.DataFrame(rows, schema=["person_id", "subject_id", "outcome", "known_at"], orient="row")
    return frame.with_columns(target_code=pl.lit("level"), occurred_at=pl.col("known_at"))


def at(month, day):
    return datetime(2026, month, day, 12, tzinfo=UTC)


UNTIL = date(2026, 10, 31)


def test_an_outcome_known_when_the_score_was_given_does_not_count():
    frame = performance.arrived(
        scored([("a", "t", 0.9, date(2026, 9, 30)), ("b", "t", 0.1, date(2026, 9, 30))]),
        outcomes([("a", "t", 1.0, at(9, 30)), ("b", "t", 0.0, at(10, 1))]),
        UNTIL,
    )
    assert frame["person_id"].to_list() == ["b"]


def test_an_outcome_known_after_the_day_of_the_report_does_not_count():
    frame = performance.arrived(
        scored([("a", "t", 0.9, date(2026, 9, 30))]), outcomes([("a", "t", 1.0, at(11, 1))]), UNTIL
    )
    assert frame.is_empty()


def test_scores_of_the_day_itself_are_not_judged():
    frame = performance.arrived(scored([("a", "t", 0.9, UNTIL)]), outcomes([("a", "t", 1.0, at(10, 31))]), UNTIL)
    assert frame.is_empty()


def test_of_several_scores_the_latest_before_the_outcome_counts():
    frame = performance.arrived(
        scored(
            [("a", "t", 0.1, date(2026, 8, 1)), ("a", "t", 0.2, date(2026, 9, 1)), ("a", "t", 0.3, date(2026, 10, 20))]
        ),
        outcomes([("a", "t", 1.0, at(10, 2))]),
        UNTIL,
    )
    assert frame["score"].to_list() == [0.2]


def test_the_course_taken_next_is_a_hit_only_when_it_was_among_the_first():
    day = date(2026, 9, 30)
    lists = scored(
        [("a", "x", 0.9, day), ("a", "y", 0.5, day), ("a", "z", 0.1, day), ("b", "x", 0.2, day), ("d", "x", 0.2, day)]
    )
    taken = outcomes(
        [
            ("a", "z", 1.0, at(10, 9)),  # not the next one
            ("a", "y", 1.0, at(10, 3)),  # the second of the list
            ("b", "w", 1.0, at(10, 4)),  # not on the list
            ("c", "x", 1.0, at(10, 4)),  # had no list
            ("d", "x", 0.0, at(10, 4)),  # not taken
        ]
    )
    assert performance.hits(lists, taken, UNTIL, top_k=2).rows() == [("a", 1.0), ("b", 0.0)]
    stored = taken.with_columns(as_of=pl.lit(UNTIL))  # the day whose knowledge the table holds, not that of a list
    assert performance.hits(lists, stored, UNTIL, top_k=2).rows() == [("a", 1.0), ("b", 0.0)]
    assert performance.hits(lists, taken, UNTIL, top_k=1).rows() == [("a", 0.0), ("b", 0.0)]


def test_a_course_taken_before_the_list_was_known_does_not_count():
    lists = scored([("a", "x", 0.9, date(2026, 9, 30))])
    assert performance.hits(lists, outcomes([("a", "x", 1.0, at(9, 30))]), UNTIL, top_k=1).is_empty()
    assert performance.hits(lists, outcomes([("a", "x", 1.0, at(11, 1))]), UNTIL, top_k=1).is_empty()


def measured(code, rows):
    """rows: person, score, outcome."""
    day = date(2026, 9, 30)
    given = scored([(person, "s", score, day) for person, score, _ in rows]).with_columns(scorer=pl.lit("model"))
    known = outcomes([(person, "s", outcome, at(10, 3)) for person, _, outcome in rows])
    metric = performance.metric_of(code, 10)
    return performance.measure(given, known, metric, scorer="model", until=UNTIL, settings=SETTINGS)


def test_the_auc_counts_ties_half():
    # pairs (positive, negative): .8>.3, .8>.5, .5>.3, .5=.5 -> 3.5 of 4
    estimate, labelled, total = measured("auc", [("a", 0.8, 1.0), ("b", 0.3, 0.0), ("c", 0.5, 1.0), ("d", 0.5, 0.0)])
    assert (estimate.value, labelled, total) == (pytest.approx(3.5 / 4), 4, 4)


def test_the_mae_is_the_mean_distance():
    estimate, *_ = measured("mae", [("a", 0.5, 0.7), ("b", 0.5, 0.4)])
    assert estimate.value == pytest.approx(0.15)
    assert estimate.low == pytest.approx(0.1)
    assert estimate.high == pytest.approx(0.2)


def test_an_auc_without_both_outcomes_is_unknown():
    estimate, labelled, _ = measured("auc", [("a", 0.8, 1.0), ("b", 0.3, 1.0)])
    assert (estimate.value, labelled) == (None, 2)


@pytest.mark.parametrize(
    ("scored_cases", "labelled", "status"),
    [(0, 0, "no_earlier_scores"), (90, 0, "insufficient_labels"), (90, 29, "insufficient_labels"), (90, 30, "ok")],
)
def test_few_labels_are_not_judged(scored_cases, labelled, status):
    assert performance.status_of(scored_cases, labelled, SETTINGS) == status


def test_a_drop_is_a_share_of_the_figure_at_release_and_positive_when_worse():
    then, now = (Estimate(value=value, low=None, high=None) for value in (0.8, 0.6))
    assert performance.drop(now, then, is_higher_better=True) == pytest.approx(0.25)
    assert performance.drop(now, then, is_higher_better=False) == pytest.approx(-0.25)
    assert performance.drop(None, then, is_higher_better=True) is None


def test_the_figure_at_release_comes_from_the_verdict_or_is_unknown():
    found = performance.at_release({"model": {"value": 0.8, "low": 0.7, "high": 0.9}}, "model")
    assert (found.value, found.low, found.high) == (0.8, 0.7, 0.9)
    assert performance.at_release({}, "model") is None
    assert performance.at_release(None, "model") is None
