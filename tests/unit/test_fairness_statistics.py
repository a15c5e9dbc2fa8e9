"""The statistics of pairs, strata and many looks, against SciPy, statsmodels and values worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy

from pipelines.fairness import strata
from pipelines.fairness.corrections import benjamini_hochberg
from pipelines.fairness.exact import exact_p
from pipelines.fairness.grids import gridded
from pipelines.fairness.intervals import (
    METHODS,
    interval,
    newcombe_interval,
    posterior_interval,
    score_interval,
    wilson_interval,
)
from pipelines.fairness.pairs import Pair
from pipelines.fairness.power import power
from pipelines.fairness.strata import Strata, common_ratios, mantel_haenszel


def some_pairs(cells, *, largest, seed=5):
    generator = np.random.default_rng(seed)
    people, reference = generator.integers(1, largest, (2, cells))
    return Pair(generator.integers(0, people + 1), people, generator.integers(0, reference + 1), reference)


def cells_of(pair):
    return zip(
        pair.selected.tolist(),
        pair.people.tolist(),
        pair.reference_selected.tolist(),
        pair.reference_people.tolist(),
        strict=True,
    )


def test_fisher_of_many_tables_is_scipys_of_each():
    pair = some_pairs(300, largest=80)
    ours = exact_p(pair).fisher
    theirs = [scipy.stats.fisher_exact([[s, n - s], [r, m - r]]).pvalue for s, n, r, m in cells_of(pair)]
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_exact_tests_of_a_million_people_stay_exact():
    # Both rates .25: the table is the most likely one, so Fisher's p is 1 and mid-P is below it by half its chance.
    even = exact_p(Pair([125_000], [500_000], [125_000], [500_000]))
    point = scipy.stats.hypergeom(1_000_000, 250_000, 500_000).pmf(125_000)
    assert even.fisher[0] == pytest.approx(1.0, abs=1e-6)
    assert even.mid[0] == pytest.approx(1.0, abs=1e-6)
    odd = exact_p(Pair([124_500], [500_000], [125_500], [500_000]))
    assert odd.fisher[0] == pytest.approx(2 * scipy.stats.norm.sf(999 / math.sqrt(187_500)), rel=0.01)
    assert point < 0.01


def test_mid_p_is_twice_the_smaller_tail_with_the_table_seen_counted_half():
    # 1 of 3 against 3 of 3: of C(6,4) = 15 ways, 3 hold one of the first three (the least possible).
    assert exact_p(Pair(1, 3, 3, 3)).mid == pytest.approx(2 * (0.5 * 3 / 15))


def test_many_cells_are_enumerated_in_portions_that_change_nothing(monkeypatch):
    pair = some_pairs(60, largest=50)
    whole = exact_p(pair).fisher
    monkeypatch.setattr("pipelines.fairness.exact._PORTION", 40)
    assert exact_p(pair).fisher.tolist() == whole.tolist()


@pytest.mark.parametrize("is_wide", [False, True], ids=["koopman", "miettinen_nurminen"])
def test_score_intervals_are_those_of_statsmodels(is_wide):
    from statsmodels.stats.proportion import confint_proportions_2indep

    pairs = [(36, 40, 16, 80), (0, 50, 20, 50), (50, 50, 20, 50), (5, 30, 3, 40), (9, 30, 120, 300)]
    low, high = score_interval(Pair(*np.array(pairs).T), is_miettinen_nurminen=is_wide)
    theirs = [confint_proportions_2indep(*p, method="score", compare="ratio", correction=is_wide) for p in pairs]
    assert low == pytest.approx([bound[0] for bound in theirs], abs=1e-6)
    assert high == pytest.approx([bound[1] for bound in theirs], rel=1e-6)


def test_when_all_are_selected_the_score_interval_ends_where_the_hand_calculation_does():
    # At a ratio R above 1 the reference's rate is 1 / R, and (R - 1) * 92 = 1.96 squared; below 1 the same with 75.
    low, high = score_interval(Pair(75, 75, 92, 92))
    assert high == pytest.approx(1 + 1.959964**2 / 92, rel=1e-6)
    assert 1 / low == pytest.approx(1 + 1.959964**2 / 75, rel=1e-6)


def test_katz_holds_for_cells_without_empty_corners_and_the_others_say_how_they_were_made():
    bounds = interval(Pair([1, 0, 10, 3], [10, 10, 10, 10], [3, 3, 3, 0], [20, 20, 20, 20]))
    assert [METHODS[code] for code in bounds.method] == ["katz", "score", "score", "none"]
    assert bounds.low[0] == pytest.approx(0.079, abs=5e-4)
    assert np.isnan(bounds.low[3])


def test_the_bootstrap_of_an_empty_cell_has_width_is_seeded_and_covers():
    pair = Pair([0], [40], [12], [40])
    first = posterior_interval(pair, draws=4000, seed=3)
    assert first == posterior_interval(pair, draws=4000, seed=3)
    assert 0 <= first[0][0] < 0.01
    assert first[1][0] == pytest.approx(score_interval(pair)[1][0], abs=0.1)


def test_the_bootstrap_covers_the_true_ratio_nineteen_times_in_twenty():
    generator = np.random.default_rng(11)
    chosen, reference = generator.binomial(40, 0.05, 2000), generator.binomial(40, 0.3, 2000)
    is_usable = reference > 0
    size = np.full(int(is_usable.sum()), 40)
    low, high = posterior_interval(Pair(chosen[is_usable], size, reference[is_usable], size), draws=800, seed=1)
    assert 0.93 <= np.mean((low <= 1 / 6) & (high >= 1 / 6)) <= 0.98


def test_wilson_and_newcombe_are_those_of_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

    low, high = wilson_interval([0, 3, 10], [10, 10, 10])
    assert np.array([low, high]) == pytest.approx(np.array(proportion_confint([0, 3, 10], 10, method="wilson")))
    ours = newcombe_interval(Pair(9, 30, 120, 300))
    assert ours == pytest.approx(confint_proportions_2indep(9, 30, 120, 300, method="newcomb", compare="diff"))


def test_a_rate_of_nobody_has_no_interval():
    assert np.isnan(wilson_interval([0], [0])).all()


@pytest.mark.parametrize(("people", "reference", "rate"), [(12, 15, 0.4), (9, 30, 0.9), (20, 20, 0.1)])
def test_power_is_the_chance_of_every_table_that_fisher_rejects(people, reference, rate):
    rejected = [
        (s, r)
        for s in range(people + 1)
        for r in range(reference + 1)
        if scipy.stats.fisher_exact([[s, people - s], [r, reference - r]]).pvalue < 0.05
    ]
    low = scipy.stats.binom(people, 0.8 * rate).pmf
    high = scipy.stats.binom(reference, rate).pmf
    expected = sum(low(s) * high(r) for s, r in rejected)
    assert power(people, reference, rate, 0.8, 0.05) == pytest.approx(expected, abs=1e-8)


def test_power_where_all_or_none_of_the_reference_were_selected():
    # All 40 of the reference, and each of 40 with chance .8: Fisher rejects from 6 missing on (p .026; 5 give .055).
    missing = scipy.stats.binom(40, 0.2).sf(5)
    assert power(40, 40, 1.0, 0.8, 0.05) == pytest.approx(missing, abs=1e-8)
    assert power(40, 40, 0.0, 0.8, 0.05) == pytest.approx(0.0, abs=1e-8)


def test_powers_of_many_pairs_come_back_in_their_places():
    sizes = np.array([[300, 30], [30, 1000]])
    many = power(sizes, 200, 0.3, 0.8, 0.05)
    assert many.shape == (2, 2)
    assert many[0, 1] == many[1, 0]
    assert many == pytest.approx(np.array([[power(n, 200, 0.3, 0.8, 0.05) for n in row] for row in sizes]))


STRATA = Pair([10, 540, 30, 0], [100, 600, 90, 10], [135, 200, 40, 0], [450, 250, 110, 10])


def test_mantel_haenszel_and_tarone_are_those_of_statsmodels():
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = [np.array([[s, n - s], [r, m - r]]) for s, n, r, m in cells_of(STRATA)][:3]
    theirs = StratifiedTable(tables)
    ours = mantel_haenszel(STRATA[np.arange(3)])
    assert ours.ratio == pytest.approx(theirs.riskratio_pooled)
    assert ours.odds_ratio == pytest.approx(theirs.oddsratio_pooled)
    tarone = theirs.test_equal_odds(adjust=True)
    assert ours.heterogeneity == pytest.approx(tarone.statistic)
    assert ours.heterogeneity_p == pytest.approx(tarone.pvalue)


def test_tarones_correction_is_taken_off():
    from statsmodels.stats.contingency_tables import StratifiedTable

    uneven = Pair([8, 20, 15], [20, 40, 45], [20, 12, 9], [35, 30, 40])  # at least five expected in every cell
    tables = StratifiedTable([np.array([[s, n - s], [r, m - r]]) for s, n, r, m in cells_of(uneven)])
    ours = mantel_haenszel(uneven).heterogeneity
    assert ours == pytest.approx(tables.test_equal_odds(adjust=True).statistic, rel=1e-9)
    assert ours != pytest.approx(tables.test_equal_odds(adjust=False).statistic, rel=1e-6)


def test_strata_of_few_people_count_by_their_exact_moments():
    """Two of four of each selected: 0, 1, 2 of the group with chance 1/6, 4/6, 1/6, so the variance is 1/3, not 1/4.

    The squared deviates are 3, 3, 0 and 0, together 6. Each has the mean 1 and, as the fourth moment is 1/3 too, the
    variance 2: chi-square with 3 degrees, where the usual variance would give 8.
    """
    found = mantel_haenszel(Pair([0, 2, 1, 1], [2] * 4, [2, 0, 1, 1], [2] * 4))
    assert (found.odds_ratio, found.heterogeneity) == (1, pytest.approx(6))
    assert found.heterogeneity_p == pytest.approx(0.11161, abs=1e-5)
    # One against one, one selected: whoever it is is as far from a half. Nothing can be told.
    alone = mantel_haenszel(Pair([1, 0, 1, 0], [1] * 4, [0, 1, 0, 1], [1] * 4))
    assert math.isnan(alone.heterogeneity_p)


def test_the_exact_moments_are_those_of_fishers_noncentral_hypergeometric():
    part = Pair([1, 4, 0], [5, 6, 9], [3, 2, 1], [7, 5, 400])
    for odds in (0.3, 1.0, 2.5):
        mean, variance, spread = strata._exact(part, odds)
        for place, (s, n, r, m) in enumerate(cells_of(part)):
            theirs = scipy.stats.nchypergeom_fisher(n + m, n, s + r, odds)
            values = np.arange(min(n, s + r) + 1)
            fourth = float(np.sum(theirs.pmf(values) * (values - theirs.mean()) ** 4))
            assert (mean[place], variance[place]) == pytest.approx((theirs.mean(), theirs.var()))
            assert spread[place] == pytest.approx(fourth / theirs.var() ** 2 - 1)


@pytest.mark.parametrize(("people", "rate"), [(2, 0.2), (3, 0.3), (5, 0.2)])
def test_many_small_requisitions_seem_to_differ_no_more_often_than_chance_allows(people, rate):
    """The usual variance calls 500 requisitions of 2 different every time, of 3 nine times in ten, though all agree."""
    rng = np.random.default_rng(7)
    size = np.full(500, people)
    draws = [Pair(rng.binomial(people, rate, 500), size, rng.binomial(people, rate, 500), size) for _ in range(200)]
    share = np.mean([mantel_haenszel(draw).heterogeneity_p < 0.05 for draw in draws])
    assert share <= 0.085  # 5 % and two and a quarter standard errors


def test_small_requisitions_that_do_differ_are_found():
    """In every second one the group has four in five, in the others one in five, and the reference the other way."""
    rng = np.random.default_rng(7)
    rate, size = np.tile([0.8, 0.2], 100), np.full(200, 4)
    found = mantel_haenszel(Pair(rng.binomial(4, rate), size, rng.binomial(4, 1 - rate), size))
    assert found.heterogeneity_p < 1e-6


def test_a_stratum_where_nobody_was_selected_is_no_witness():
    assert mantel_haenszel(STRATA).strata == 3
    assert mantel_haenszel(STRATA).heterogeneity == pytest.approx(mantel_haenszel(STRATA[np.arange(3)]).heterogeneity)


def test_a_stratum_that_lacks_a_group_says_nothing_and_is_counted():
    """G5's two jobs, a job without women, one without men and one with nobody: as the two alone."""
    lacking = Strata([10, 0, 540, 4, 0], [100, 0, 600, 9, 0], [135, 7, 200, 0, 0], [450, 8, 250, 0, 0])
    found, alone = mantel_haenszel(lacking), mantel_haenszel(STRATA[np.arange(2)])
    assert (found.lacking, alone.lacking) == (2, 0)
    assert replace(found, lacking=0) == alone
    only = mantel_haenszel(Strata([0, 1], [0, 2], [1, 0], [3, 0]))
    assert math.isnan(only.ratio)
    assert (only.strata, only.lacking) == (0, 2)
    for impossible in (([1], [0], [1], [3]), ([0], [2], [4], [3])):
        with pytest.raises(ValueError, match="between 0 and people"):
            Strata(*impossible)
    with pytest.raises(ValueError, match="both groups must hold people"):
        Pair([0], [0], [1], [3])


def test_g5_the_common_ratio_looks_even_and_heterogeneity_says_not_to_believe_it():
    common = mantel_haenszel(STRATA[np.arange(2)])
    assert common.ratio == pytest.approx(1.008, abs=5e-4)
    assert common.low < 1 < common.high
    assert common.heterogeneity_p < 1e-6


def test_the_interval_of_one_stratum_is_katz():
    # Greenland and Robins' variance of one table is 1/s - 1/n + 1/s' - 1/n'.
    common = mantel_haenszel(Pair([180], [400], [600], [1000]))
    assert (common.low, common.high) == (pytest.approx(0.665, abs=5e-4), pytest.approx(0.845, abs=5e-4))
    assert math.isnan(common.heterogeneity_p)


def test_common_ratios_leave_out_subjects_without_people_of_both():
    grid = gridded(
        {
            "finance": {"women": (100, 10), "men": (450, 135), "unknown": (5, 1)},
            "sales": {"women": (600, 540), "men": (250, 200)},
            "only_women": {"women": (50, 50)},
        }
    )
    common = common_ratios(grid, "men")
    assert list(common) == ["women"]
    assert common["women"].ratio == pytest.approx(1.008, abs=5e-4)
    assert common["women"].lacking == 1


def test_benjamini_hochberg_is_that_of_statsmodels_and_of_the_hand():
    from statsmodels.stats.multitest import multipletests

    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    p_values = np.random.default_rng(2).random(200) ** 3
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1])
    assert benjamini_hochberg([]).tolist() == []
