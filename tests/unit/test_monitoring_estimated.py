"""Performance without labels: what chances and intervals promise, worked out by hand, and when a promise was missed."""

from datetime import UTC, date, datetime
from math import isnan

import numpy as np
import polars as pl
import pytest

from monitoring import estimated, findings, page, performance
from monitoring.results import Estimate, Estimated
from tests.unit.test_monitoring_findings import SETTINGS

AUC, MAE = (performance.metric_of(code, 10) for code in ("auc", "mae"))
UNTIL = date(2026, 10, 31)


def scored(*rows, scorer="model"):
    """Of (person, score, day of October)."""
    frame = pl.DataFrame(rows, ["person_id", "score", "as_of"], orient="row")
    about = {"subject_id": "s", "target_code": "t", "scorer": scorer, "low": 0.0, "high": 1.0}
    return frame.with_columns(as_of=pl.date(2026, 10, pl.col("as_of")), **{k: pl.lit(v) for k, v in about.items()})


def outcomes(*rows):
    """Of (person, outcome, day of October it was known)."""
    known = [(person, value, datetime(2026, 10, day, 12, tzinfo=UTC)) for person, value, day in rows]
    frame = pl.DataFrame(known, ["person_id", "outcome", "known_at"], orient="row")
    return frame.with_columns(subject_id=pl.lit("s"), target_code=pl.lit("t"), occurred_at=pl.col("known_at"))


def people(chances, outcome=None):
    frame = pl.DataFrame({"person_id": [f"p{i:04d}" for i in range(len(chances))], "score": chances})
    frame = frame.with_columns(low=pl.col("score") - 0.1, high=pl.col("score") + 0.1)
    return frame if outcome is None else frame.with_columns(outcome=pl.Series(outcome, dtype=pl.Float64))


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        # right: .8(1-.6) + .8(1-.2) + .6(1-.2) = 1.44; wrong: .6(1-.8) + .2(1-.8) + .2(1-.6) = .24
        ([0.8, 0.6, 0.2], 1.44 / 1.68),
        ([0.9, 0.1], 0.81 / 0.82),
        ([0.5, 0.5, 0.5], 0.5),
        ([1.0, 0.0], 1.0),
    ],
)
def test_the_auc_that_chances_promise_is_that_of_all_pairs_of_two_people(chances, expected):
    assert estimated.expected_auc(np.array(chances)) == pytest.approx(expected)


@pytest.mark.parametrize("chances", [[1.0, 1.0], [0.0, 0.0], [0.4]])
def test_an_auc_of_one_kind_of_outcome_or_one_person_is_not_promised(chances):
    assert isnan(estimated.expected_auc(np.array(chances)))


def test_the_error_that_an_interval_promises_is_that_of_a_normal_with_its_coverage():
    # z(.9) = 1.2816, so an 80% interval of half width .1 is a deviation of .0780, whose mean distance is .0623
    found = estimated.estimate(people([0.3] * 50), MAE, 0.8, SETTINGS)
    assert found.value == pytest.approx(0.0623, abs=5e-5)
    assert found.low < 0.0623 < found.high


def test_a_promise_that_holds_is_within_its_band_and_one_that_was_reversed_is_not():
    random = np.random.default_rng(7)
    chances = np.linspace(0.05, 0.95, 400)
    came = (random.random(400) < chances).astype(float)
    promised = estimated.estimate(people(chances), AUC, 0.0, SETTINGS)
    assert promised.value == pytest.approx(estimated.expected_auc(chances))
    assert estimated.is_within(promised, estimated.truth(people(chances, came), AUC)) is True
    assert estimated.is_within(promised, estimated.truth(people(chances, 1 - came), AUC)) is False
    assert estimated.is_within(promised, promised.high + 0.001) is False
    assert estimated.is_within(promised, None) is None


def test_the_band_of_a_mean_error_is_as_wide_as_errors_make_it():
    # The mean of 400 |N(0, .078)| has a standard deviation of .078 x sqrt(1 - 2/pi) / 20 = .00235. The truth is found
    # on these very people, so that drawing them as well would make the band sqrt(2) too wide.
    found = estimated.estimate(people([0.3] * 400), MAE, 0.8, SETTINGS.model_copy(update={"bootstrap": 2000}))
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.00235, rel=0.1)


def test_open_cases_have_no_known_outcome_and_arrived_ones_got_theirs_after_the_score():
    shown = pl.concat(
        [
            scored(("a", 0.1, 1), ("b", 0.2, 1), ("c", 0.3, 1), ("a", 0.7, 20), ("c", 0.8, 20), ("d", 0.9, 20)),
            scored(("a", 0.5, 1), ("e", 0.5, 20), scorer="baseline"),
        ]
    )
    told = outcomes(("b", 1.0, 9), ("c", 0.0, 25))
    still, arrived = estimated.cases(shown, told, UNTIL)
    assert still.select("person_id", "score").rows() == [("a", 0.7), ("d", 0.9)]
    assert arrived.select("person_id", "score", "outcome").rows() == [("b", 0.2, 1.0), ("c", 0.8, 0.0)]
    early, _ = estimated.cases(shown, told, date(2026, 10, 24))
    assert early["person_id"].to_list() == ["a", "c", "d"], "what is known later is not known"
    every, none = estimated.cases(shown, pl.DataFrame(), UNTIL)
    assert (every.height, none.height) == (3, 0)


def test_groups_are_told_beside_everybody_and_few_people_of_one_hide_the_next_smallest():
    chances = np.linspace(0.1, 0.9, 100)
    frame = people(chances, (np.arange(100) % 3 == 0).astype(float))
    sizes = ["tiny"] * 9 + ["small"] * 31 + ["large"] * 60
    groups = frame.select("person_id").with_columns(origin=pl.Series(sizes))
    rows = list(estimated.by_group(frame, frame, groups, AUC, coverage=0.0, settings=SETTINGS, least=30))
    assert [(row.axis, row.group, row.open, row.labelled) for row in rows] == [
        ("", "everybody", 100, 100),
        ("origin", "large", 60, 60),
        ("origin", "small", None, None),
        ("origin", "tiny", None, None),
    ]
    assert rows[1].estimated.value == pytest.approx(estimated.expected_auc(chances[40:]))


def test_few_labels_are_held_against_nothing():
    frame = people(np.linspace(0.1, 0.9, 29), np.arange(29.0) % 2)
    row = next(
        iter(
            estimated.by_group(frame, frame, frame.select("person_id"), AUC, coverage=0.0, settings=SETTINGS, least=10)
        )
    )
    assert (row.open, row.labelled, row.found, row.is_within) == (29, None, None, None)


def test_the_coverage_is_the_one_that_the_release_was_trained_with_or_unknown():
    assert estimated.coverage_of({"params": {"train": {"coverage": 0.8}}}) == 0.8
    assert estimated.coverage_of({"params": {"train": {}}}) is None
    assert estimated.coverage_of(None) is None


def test_a_missed_promise_is_a_finding_and_a_word_on_the_page_and_a_small_group_a_dash():
    band = Estimate(value=0.8, low=0.75, high=0.85)
    about = {"open": 40, "estimated": band, "labelled": 90, "promised": band}
    missed = estimated.EstimatedGroup(axis="", group="everybody", found=0.6, is_within=False, **about)
    told = Estimated(
        family="screening",
        as_of=UNTIL,
        status="ok",
        metric="AUC",
        groups=(missed, estimated.EstimatedGroup(axis="sex", group="x")),
    )
    (found,) = findings.of_estimated(told)
    assert (found.rule, found.value) == ("estimate_missed", 0.6)
    assert "promised AUC 0.800 [0.750 to 0.850] on 90 cases; their outcomes show 0.600" in found.text
    held = missed.model_copy(update={"found": 0.8, "is_within": True})
    assert findings.of_estimated(told.model_copy(update={"groups": (held,)})) == []
    assert findings.of_estimated(None) == []
    text = page.report(findings.concluded("screening", UNTIL, [], [], SETTINGS), None, None, None, None, estimated=told)
    assert '<span class="word warn">missed</span>' in text
    assert '<td>x</td><td class="n">–</td><td class="n">–</td>' in text  # noqa: RUF001
