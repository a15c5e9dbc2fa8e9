"""PSI against values worked out by hand."""

import math

import numpy as np
import polars as pl
import pytest

from monitoring import psi


def test_equal_distributions_have_an_index_of_zero():
    shares = np.array([0.2, 0.3, 0.5])
    assert psi.index(shares, shares, 1e-4) == 0


def test_the_index_is_the_sum_worked_out_by_hand():
    # (.7-.5) ln(.7/.5) + (.3-.5) ln(.3/.5) = .2*.3364722 + .2*.5108256
    assert psi.index(np.array([0.5, 0.5]), np.array([0.7, 0.3]), 1e-4) == pytest.approx(0.1694596, abs=1e-7)


def test_an_empty_bin_gives_a_large_number_and_not_an_infinite_one():
    # (.0001-.5) ln(.0001/.5) + (1-.5) ln(1/.5)
    expected = -0.4999 * math.log(0.0002) + 0.5 * math.log(2)
    assert psi.index(np.array([0.5, 0.5]), np.array([0.0, 1.0]), 1e-4) == pytest.approx(expected)


def test_an_unknown_side_stays_unknown():
    assert math.isnan(psi.index(np.array([0.5, 0.5]), np.array([math.nan, math.nan]), 1e-4))


def test_sides_with_other_bins_are_refused():
    with pytest.raises(ValueError, match="same bins; got 2 and 3"):
        psi.index(np.ones(2) / 2, np.ones(3) / 3, 1e-4)


def test_a_value_on_an_edge_belongs_to_the_bin_below_it():
    shares = psi.numeric_shares(pl.Series([0.0, 1.0, 1.5, 2.0, 9.0]), [1.0, 2.0])
    assert shares.tolist() == pytest.approx([0.4, 0.4, 0.2, 0.0])


def test_null_and_nan_are_both_missing_and_a_bin_of_their_own():
    shares = psi.numeric_shares(pl.Series([0.5, None, float("nan"), 3.0]), [1.0])
    assert shares.tolist() == pytest.approx([0.25, 0.25, 0.5])


def test_a_category_never_seen_in_training_is_counted_as_other():
    shares = psi.category_shares(pl.Series(["a", "a", "b", "new", None]), ["a", "b", "gone"])
    assert shares.tolist() == pytest.approx([0.4, 0.2, 0.0, 0.2, 0.2])


def test_no_rows_give_unknown_shares():
    assert all(math.isnan(share) for share in psi.numeric_shares(pl.Series([], dtype=pl.Float64), [1.0]))


def test_noise_grows_as_samples_shrink():
    # chi-square, 9 degrees of freedom, 99.9 %: 27.877
    assert psi.noise_level(10, 1000, 100, 0.999) == pytest.approx(27.877 * 0.011, abs=1e-4)
    assert psi.noise_level(10, 1000, 0, 0.999) == math.inf


def test_without_drift_chance_alone_stays_below_the_noise_level():
    rng = np.random.default_rng(7)
    edges = list(range(10, 100, 10))
    level = psi.noise_level(10, 2000, 300, 0.99)
    expected = psi.numeric_shares(pl.Series(rng.uniform(0, 100, 2000)), edges)
    drawn = [
        psi.index(expected, psi.numeric_shares(pl.Series(rng.uniform(0, 100, 300)), edges), 1e-4) for _ in range(200)
    ]
    assert sum(value > level for value in drawn) <= 8
