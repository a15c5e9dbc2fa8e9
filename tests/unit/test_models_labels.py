"""The audit of labels: what cannot be is counted, and severity is told from the people only where it can be."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines import train
from pipelines.models import labels

ASKED = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*told):
    """Of (person, subject, outcome, days until it was known)."""
    data = [(p, s, "rating", ASKED, ASKED + timedelta(days=d), x) for p, s, x, d in told]
    return pl.DataFrame(data, [*labels.KEYS, "occurred_at", "known_at", "outcome"], orient="row")


def test_impossible_repeated_contradictory_early_and_late_labels_are_counted():
    fine = [(f"p{i}", "s", i / 10, 30 + i) for i in range(9)]
    told, raters = labels.audit(
        rows(
            *fine,
            ("a", "s", 1.2, 30),  # off the scale
            ("b", "s", float("nan"), 31),
            ("c", "s", 0.5, 32),  # twice, the same
            ("c", "s", 0.5, 32),
            ("d", "s", 0.5, 33),  # twice, not the same
            ("d", "s", 0.6, 33),
            ("e", "s", 0.4, -1),  # known before it was asked for
            ("f", "s", 0.4, 400),
        ),
        None,
        1,
    )
    names = ("cases", "impossible", "duplicates", "contradictory", "known_before_asked", "late")
    assert [told[name] for name in names] == [17, 2, 2, 1, 1, 1]
    assert (told["raters"], raters) == (None, None)


def test_labels_are_spread_over_half_years_and_a_part_of_few_people_is_not_told():
    told, _ = labels.audit(rows(("a", "s", 0.2, 30), ("b", "s", 0.4, 100), ("c", "s", 1.0, 190)), None, 2)
    (part,) = told["spread"]["half_year"]
    assert (part["part"], part["cases"], part["mean"]) == ("2026H1", 2, pytest.approx(0.3))


def company(severity, *, moves=True, seed=3, people=400, spread=0.1):
    """Ratings of four periods: level + severity + noise of .05; whoever moves has another rater each period."""
    random = np.random.default_rng(seed)
    raters = len(severity)
    level = 0.5 + spread * random.standard_normal(people)
    made = []
    for period in range(4):
        by = (np.arange(people) + (period * 7 if moves else 0)) % raters
        given = level + np.asarray(severity)[by] + 0.05 * random.standard_normal(people)
        at = ASKED + timedelta(days=180 * period)
        made += [(f"p{i}", f"s{period}", "rating", at, at, given[i], f"r{by[i]:02d}") for i in range(people)]
    return pl.DataFrame(made, [*labels.KEYS, "occurred_at", "known_at", "outcome", "rater_id"], orient="row")


def test_planted_harsh_raters_are_found_with_their_severity_and_weak_people_make_none():
    planted = [-0.15, -0.1, 0.12] + [0.0] * 17
    found = labels.severities(company(planted))
    assert dict(found.raters["word"].value_counts().rows()) == {"harsh": 2, "lenient": 1, "alike": 17}
    told = dict(found.raters.select("rater_id", "word").rows())
    assert (told["r00"], told["r01"], told["r02"]) == ("harsh", "harsh", "lenient")
    inside = (found.raters["low"].to_numpy() <= planted) & (planted <= found.raters["high"].to_numpy())
    assert inside.sum() >= 18
    assert np.abs(found.raters["severity"].to_numpy() - planted).max() < 0.03
    assert found.noise == pytest.approx(0.05, rel=0.1)


def test_one_very_harsh_rater_makes_nobody_else_lenient():
    told = labels.severities(company([-0.3] + [0.0] * 7)).raters["word"].to_list()
    assert told == ["harsh"] + ["alike"] * 7


def test_a_rater_who_alone_rates_weak_people_is_not_called_harsh():
    weak = company([-0.3, 0.3] + [0.0] * 18, moves=False)
    assert set(labels.severities(weak).raters["word"]) == {"cannot tell"}


def test_a_site_of_weaker_people_is_not_one_of_harsh_raters():
    """No rater and nobody in common: whatever lies between the sites, it is not severity that can be told."""
    told = company([0.0] * 20)
    other = told.with_columns(pl.col("person_id", "rater_id") + "x", outcome=(pl.col("outcome") - 0.2).clip(0, 1))
    assert set(labels.severities(pl.concat([told, other])).raters["word"]) <= {"alike", "cannot tell"}


def test_of_ratings_of_two_that_end_on_one_day_nobody_is_the_rater():
    told = [("a", "2024", "rating", "r1"), ("b", "2024", "rating", "r2"), ("a", "2024", "rating", "r3")]
    given = pl.DataFrame(told, [*labels.KEYS, "rater_id"], orient="row")
    assert labels._of_one(given)["rater_id"].to_list() == ["r2"]


def test_raters_who_do_not_differ_are_shrunken_to_nothing():
    found = labels.severities(company([0.0] * 20))
    assert found.spread < 0.01
    assert set(found.raters["word"]) <= {"alike"}


def test_one_rater_or_one_rating_for_all_says_nothing_of_severity():
    assert labels.severities(company([0.0])) is None
    assert labels.severities(company([0.0, 0.0]).with_columns(outcome=pl.lit(0.5))) is None


def test_agreement_falls_where_the_next_rater_is_another_and_severity_differs():
    apart = labels.agreement(company([-0.4, 0.4] * 10))
    assert (apart["same_rater"]["pairs"], apart["same_rater"]["correlation"]) == (0, None)
    assert apart["other_rater"]["pairs"] == 1200
    # Odd steps of seven change sides every time: the level's .01 against severity's -.16 of .1725 in all
    assert apart["other_rater"]["correlation"] == pytest.approx((0.01 - 0.16) / 0.1725, abs=0.05)
    alike = labels.agreement(company([0.0] * 20, moves=False))
    assert alike["same_rater"]["correlation"] == pytest.approx(0.01 / 0.0125, abs=0.05)


def test_the_card_counts_raters_and_names_none():
    rated = company([-0.2] + [0.0] * 19)
    told, raters = labels.audit(rated.drop("rater_id"), rated.select(*labels.KEYS, "rater_id"), 30)
    assert (told["raters"]["raters"], told["raters"]["harsh"], told["raters"]["cannot_tell"]) == (20, 1, 0)
    assert told["raters"]["known_of"] == 1600
    assert "r00" not in str(told)
    assert raters.height == 20
    flat = rated.with_columns(outcome=pl.when(pl.col("rater_id") == "r05").then(0.5).otherwise("outcome"))
    assert (
        labels.audit(flat.drop("rater_id"), rated.select(*labels.KEYS, "rater_id"), 30)[0]["raters"]["always_the_same"]
        == 1
    )


def test_severity_is_taken_off_what_trains_and_off_nothing_else():
    rated = company([-0.15] + [0.0] * 19)
    split = pl.when(pl.col("subject_id") == "s3").then(pl.lit("test")).otherwise(pl.lit("train"))
    cases = rated.with_columns(split=split).drop("rater_id")
    off = labels.to_take_off(cases, rated.select(*labels.KEYS, "rater_id"))
    fair = labels.fair(cases, off)
    harsh = (rated["rater_id"] == "r00") & (cases["split"] == "train")
    assert len(off) == harsh.sum() == 60
    moved = fair["outcome"] - cases["outcome"]
    assert moved.filter(harsh).mean() == pytest.approx(0.15, abs=0.02)
    assert set(moved.filter(~harsh)) == {0.0}
    assert fair.drop("outcome").equals(cases.drop("outcome"))
    tested = cases.with_columns(split=pl.lit("test"))
    assert labels.fair(tested, off).equals(tested)


def test_a_fair_rating_stays_on_its_scale():
    case = rows(("a", "s", 0.95, 1)).with_columns(split=pl.lit("train"))
    off = case.select(*labels.KEYS, severity=pl.lit(-0.1))
    assert labels.fair(case, off)["outcome"].to_list() == [1.0]


def test_training_reads_cases_without_severity_and_as_they_are_where_nobody_is_known_to_rate(tmp_path):
    case = rows(("a", "s", 0.4, 1), ("b", "s", 0.4, 1)).with_columns(split=pl.lit("train"))
    case.write_parquet(tmp_path / "examples.parquet")
    assert train.learned_from(tmp_path).equals(case)
    case.head(1).select(*labels.KEYS, severity=pl.lit(-0.1)).write_parquet(tmp_path / "severity.parquet")
    assert train.learned_from(tmp_path)["outcome"].to_list() == [0.5, 0.4]


def test_what_tests_tells_nothing_about_severity():
    rated = company([0.0] * 20)
    late = pl.col("subject_id") == "s3"
    worse = pl.when(late & (pl.col("rater_id") == "r00")).then(pl.col("outcome") - 0.4).otherwise("outcome")
    cases = rated.with_columns(outcome=worse, split=pl.when(late).then(pl.lit("test")).otherwise(pl.lit("train")))
    assert labels.to_take_off(cases.drop("rater_id"), rated.select(*labels.KEYS, "rater_id")).is_empty()


def test_a_good_half_year_makes_no_rater_lenient():
    rated = company([0.0] * 20)
    better = pl.col("outcome") + 0.4 * (pl.col("subject_id") == "s1").cast(pl.Float64)
    found = labels.severities(rated.with_columns(outcome=better))
    assert found.noise == pytest.approx(0.05, rel=0.1)
