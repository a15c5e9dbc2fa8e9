"""Drift against a reference profile: bins, constants, samples."""

import math

import polars as pl
import pytest

from monitoring import drift
from tests.unit.test_monitoring_findings import SETTINGS

NUMERIC = {"kind": "numeric", "n": 400, "missing_share": 0.2, "edges": [0.0, 1.0, 2.0], "shares": [0.75, 0.25]}
CONSTANT = {"kind": "numeric", "n": 400, "missing_share": 0.0, "edges": [5.0, 5.0], "shares": [1.0]}
CATEGORY = {"kind": "categorical", "n": 400, "missing_share": 0.0, "categories": ["a", "b"], "shares": [0.5, 0.5]}


def test_expected_shares_make_room_for_missing_values():
    assert drift.expected_shares(NUMERIC).tolist() == pytest.approx([0.6, 0.2, 0.2])


def test_values_beyond_the_training_range_fall_into_the_outer_bins():
    assert drift.shares(NUMERIC, pl.Series([-9.0, 0.5, 99.0, None])).tolist() == pytest.approx([0.5, 0.25, 0.25])


def test_a_constant_column_drifts_when_it_takes_another_value():
    frame = pl.DataFrame({"c": [5.0] * 50 + [6.0] * 50})
    (column,) = drift.measured({"c": CONSTANT}, frame, pl.DataFrame(), SETTINGS)
    assert column.is_drifted
    assert column.actual == (0.0, 0.5, 0.5, 0.0)
    (same,) = drift.measured({"c": CONSTANT}, pl.DataFrame({"c": [5.0] * 100}), pl.DataFrame(), SETTINGS)
    assert (same.psi, same.is_drifted) == (0.0, False)


def test_drift_needs_the_bound_and_more_than_chance_and_enough_rows():
    # .5 -> .8 in one category: (.8-.5) ln 1.6 + (.2-.5) ln .4 = .141 + .275 = .416
    def judged(rows, settings=SETTINGS):
        frame = pl.DataFrame({"c": ["a"] * (rows * 8 // 10) + ["b"] * (rows * 2 // 10)})
        return drift.measured({"c": CATEGORY}, frame, pl.DataFrame(), settings)[0]

    assert judged(100).psi == pytest.approx(0.4159, abs=1e-4)
    assert judged(100).is_drifted
    assert not judged(100, SETTINGS.model_copy(update={"psi": 0.42})).is_drifted, "below the bound"
    assert not judged(100, SETTINGS.model_copy(update={"min_rows": 101})).is_drifted, "too few rows"
    # chance, 1 degree of freedom, 99.9 %: 10.83 (1/400 + 1/20) = .57
    assert not judged(20, SETTINGS.model_copy(update={"min_rows": 1})).is_drifted, "within chance"


def test_the_scoring_before_is_a_second_yardstick():
    now, before = pl.DataFrame({"c": ["a"] * 80 + ["b"] * 20}), pl.DataFrame({"c": ["a"] * 8 + ["b"] * 2})
    (column,) = drift.measured({"c": CATEGORY}, now, before, SETTINGS)
    assert column.psi_previous == pytest.approx(0)


def test_a_column_without_rows_is_unknown_and_not_drifted():
    (column,) = drift.measured(
        {"c": CATEGORY}, pl.DataFrame({"c": pl.Series([], dtype=pl.String)}), pl.DataFrame(), SETTINGS
    )
    assert (column.psi, column.is_drifted) == (None, False)


def test_the_most_drifted_column_comes_first():
    frame = pl.DataFrame({"same": ["a"] * 50 + ["b"] * 50, "other": ["a"] * 100})
    columns = drift.measured({"same": CATEGORY, "other": CATEGORY}, frame, pl.DataFrame(), SETTINGS)
    assert [c.column for c in columns] == ["other", "same"]


def test_drawn_rows_follow_the_profile_and_the_seed():
    rows = drift.drawn({"x": NUMERIC, "c": CATEGORY}, ["x", "c"], 4000, seed=3)
    assert rows.equals(drift.drawn({"x": NUMERIC, "c": CATEGORY}, ["x", "c"], 4000, seed=3))
    assert rows["x"].null_count() / 4000 == pytest.approx(0.2, abs=0.02)
    present = rows["x"].drop_nulls()
    assert ((present >= 0) & (present <= 1)).mean() == pytest.approx(0.75, abs=0.03)
    assert (rows["c"] == "a").mean() == pytest.approx(0.5, abs=0.03)
    assert all(math.isfinite(x) for x in present)


def test_labels_name_every_bin():
    assert drift.bin_labels(NUMERIC) == ("up to 1", "above 1", "missing")
    assert drift.bin_labels(CATEGORY) == ("a", "b", "rare or not seen in training", "missing")
    assert len(drift.bin_labels(CONSTANT)) == len(drift.expected_shares(CONSTANT))


def test_a_column_without_any_training_value_drifts_when_values_come():
    empty = {"kind": "numeric", "n": 100, "missing_share": 1.0, "edges": [], "shares": [0.0]}
    assert drift.expected_shares(empty).tolist() == [0.0, 1.0]
    assert drift.shares(empty, pl.Series([1.0, None, 2.0, 3.0])).tolist() == [0.75, 0.25]
    assert drift.bin_labels(empty) == ("not seen in training", "missing")


def test_codes_of_too_few_people_are_expected_though_not_named():
    rare = {"kind": "categorical", "n": 100, "missing_share": 0.2, "categories": ["a"], "shares": [0.75]}
    assert drift.expected_shares(rare) == pytest.approx([0.6, 0.2, 0.2])
    same = pl.DataFrame({"c": ["a"] * 60 + ["b"] * 15 + ["d"] * 5 + [None] * 20})
    (column,) = drift.measured({"c": rare}, same, pl.DataFrame(), SETTINGS)
    assert (column.psi, column.is_drifted) == (pytest.approx(0), False)


def test_values_of_too_few_people_have_one_bin_and_are_not_drawn():
    few = {"kind": "numeric", "n": 100, "missing_share": 0.9, "edges": [], "shares": [1.0]}
    assert drift.expected_shares(few) == pytest.approx([0.1, 0.9])
    assert drift.bin_labels(few) == ("any value", "missing")
    assert drift.drawn({"x": few}, ["x"], 10, seed=3)["x"].null_count() == 10
