"""Error rates, calibration, exposure, swaps and proxies: by hand, and against fairlearn and scikit-learn."""

import numpy as np
import pytest

from pipelines.base.errors import ContractError
from pipelines.fairness import judge_counts
from pipelines.fairness.calibration import calibration
from pipelines.fairness.exposure import exposure
from pipelines.fairness.proxies import proxy_test
from pipelines.fairness.rates import group_rates
from pipelines.fairness.swaps import swap_test


def company(people=4000, seed=3):
    generator = np.random.default_rng(seed)
    group = generator.choice(["a", "b", "c"], people)
    outcome = generator.random(people) < 0.4
    selected = generator.random(people) < np.where(outcome, 0.6, 0.2) * np.where(group == "b", 0.7, 1.0)
    return selected, outcome, group


def test_rates_and_their_differences_are_those_of_fairlearn():
    from fairlearn import metrics as theirs

    selected, outcome, group = company()
    ours = group_rates(selected, outcome, group, min_group_size=1)
    known = {"y_true": outcome, "y_pred": selected, "sensitive_features": group}
    frame = theirs.MetricFrame(
        metrics={
            "selection": theirs.selection_rate,
            "true": theirs.true_positive_rate,
            "false": theirs.false_positive_rate,
        },
        **known,
    )
    for name in ("selection", "true", "false"):
        assert ours.rates[name].share == pytest.approx(frame.by_group[name].to_numpy().astype(float))
        assert ours.rates[name].difference == pytest.approx(frame.difference()[name])
        assert ours.rates[name].ratio == pytest.approx(frame.ratio()[name])
    assert ours.equal_opportunity_difference == pytest.approx(theirs.equal_opportunity_difference(**known))
    assert ours.equalized_odds_difference == pytest.approx(theirs.equalized_odds_difference(**known))
    assert ours.rates["selection"].ratio == pytest.approx(theirs.demographic_parity_ratio(**known))
    counts = {name: (int((group == name).sum()), int(selected[group == name].sum())) for name in np.unique(group)}
    judged = judge_counts(counts, axis="x", min_group_size=1)
    assert [row.rate for row in judged.groups] == pytest.approx(frame.by_group["selection"].to_numpy().astype(float))
    lowest = min(row.statutory_impact_ratio for row in judged.groups)
    assert lowest == pytest.approx(theirs.demographic_parity_ratio(**known))


def test_rates_by_hand():
    selected = [True, True, False, False, True, False]
    outcome = [True, False, True, False, True, False]
    rates = group_rates(selected, outcome, ["a"] * 4 + ["b"] * 2, min_group_size=1).rates
    assert {name: rate.share.tolist() for name, rate in rates.items()} == {
        "selection": [0.5, 0.5],
        "true": [0.5, 1.0],
        "false": [0.5, 0.0],
        "precision": [0.5, 1.0],
        "accuracy": [0.5, 1.0],
    }
    assert rates["true"].gap.tolist() == [-0.5, 0.0]
    assert rates["true"].gap_low[0] < -0.5 < rates["true"].gap_high[0]


def test_unknown_and_small_groups_have_rates_and_never_enter_a_difference():
    selected = [True] * 50 + [False] * 50 + [True] * 50 + [False] * 50 + [True] * 5 + [False] * 50
    group = ["a"] * 100 + ["b"] * 100 + ["few"] * 5 + [None] * 50
    rate = group_rates(selected, [True] * 255, group, min_group_size=30).rates["selection"]
    assert rate.share.tolist() == [0.5, 0.5, 1.0, 0.0]
    assert rate.is_comparable.tolist() == [True, True, False, False]
    assert (rate.difference, rate.ratio) == (0.0, 1.0)
    assert rate.gap[2] == 0.5
    assert np.isnan(rate.gap[3])


def test_a_lone_group_has_no_difference_where_fairlearn_calls_it_perfect():
    rates = group_rates([True, False], [True, True], ["a", "a"], min_group_size=1)
    assert np.isnan(rates.rates["selection"].difference)
    assert np.isnan(rates.rates["selection"].ratio)
    assert np.isnan(rates.equalized_odds_difference)


def test_a_rate_is_comparable_by_the_people_behind_it_not_by_the_group():
    # 40 of each group, of whom only 10 of b came true: too few for its true positive rate.
    outcome = [True] * 40 + [True] * 10 + [False] * 30
    rates = group_rates([True] * 80, outcome, ["a"] * 40 + ["b"] * 40, min_group_size=30).rates
    assert rates["selection"].is_comparable.tolist() == [True, True]
    assert rates["true"].is_comparable.tolist() == [True, False]


def test_calibration_by_hand():
    score = [0.2, 0.2, 0.8, 0.8, 0.2, 0.2]
    outcome = [False, True, True, True, False, False]
    result = calibration(score, outcome, ["a"] * 4 + ["b"] * 2, bins=2, min_group_size=2)
    assert result.people.tolist() == [[2, 2], [2, 0]]
    assert result.came_true.tolist() == [[1, 2], [0, 0]]
    # a: 3 of 4 came true, mean score .5; b: none, mean score .2.
    assert result.excess == pytest.approx([0.25, -0.2])
    # a: half its people are .3 off (1/2 against .2), the other half .2 (1 against .8).
    assert result.error == pytest.approx([0.25, 0.2])
    assert np.isnan(result.score[1, 1])
    assert result.excess_low[0] < 0.25 < result.excess_high[0]


def test_the_interval_of_the_excess_covers_a_true_score_and_leaves_out_a_wrong_one():
    generator = np.random.default_rng(4)
    score = generator.random(20_000)
    group = np.where(np.arange(20_000) % 2, "a", "b")
    outcome = generator.random(20_000) < np.where(group == "a", score, 0.8 * score)
    result = calibration(score, outcome, group, bins=10, min_group_size=30)
    assert result.excess_low[0] < 0 < result.excess_high[0]
    assert result.excess_high[1] < -0.05


def test_two_people_whose_scores_came_true_prove_no_calibration():
    score, outcome = [1.0, 1.0, 0.5, 0.5, 0.5, 0.5], [True, True, True, False, True, False]
    result = calibration(score, outcome, ["few"] * 2 + ["a"] * 2 + [None] * 2, bins=2, min_group_size=2)
    assert (result.groups, result.error[:2].tolist()) == (("a", "few", "unknown"), [0.0, 0.0])
    strict = calibration(score, outcome, ["few"] * 2 + ["a"] * 2 + [None] * 2, bins=2, min_group_size=3)
    assert np.isnan([*strict.error, *strict.excess, *strict.excess_low, *strict.excess_high]).all()
    assert np.isnan([result.error[2], result.excess[2]]).all()
    assert result.people.sum() == 6


def test_scores_that_are_no_chances_are_refused():
    with pytest.raises(ContractError, match="2 of 3 are not"):
        calibration([0.5, 1.5, np.nan], [True] * 3, ["a"] * 3, bins=2, min_group_size=1)


def test_exposure_by_hand():
    # Rank 1 earns 1, rank 2 earns 1 / log2(3) = .6309, rank 3 earns .5.
    result = exposure([1, 2, 3, 1, 2, 3], ["x"] * 3 + ["y"] * 3, ["a", "b", None] * 2, min_group_size=1)
    assert result.exposure == pytest.approx([1, 0.63093, 0.5], abs=1e-5)
    assert result.ratio[:2] == pytest.approx([1, 0.63093], abs=1e-5)
    assert np.isnan(result.ratio[2])
    assert np.isnan(result.relevance_ratio).all()


def test_exposure_in_proportion_to_merit():
    result = exposure([1, 2], ["x"] * 2, ["a", "b"], min_group_size=1, merit=[2.0, 1.0])
    # a is paid .5 of attention a merit, b .6309: a has .79 of b's.
    assert result.relevance_ratio == pytest.approx([0.5 / 0.63093, 1.0], abs=1e-5)


def test_a_small_group_is_never_the_best_seen():
    result = exposure([1, 2, 3], ["x"] * 3, ["few", "a", "a"], min_group_size=2)
    assert result.is_comparable.tolist() == [True, False]
    assert result.ratio[1] > 1


def test_the_interval_of_exposure_covers_one_where_ranks_are_random():
    generator = np.random.default_rng(6)
    covered = 0
    for _ in range(200):
        ranks = np.concatenate([generator.permutation(10) + 1 for _ in range(60)])
        lists = np.repeat(np.arange(60), 10)
        result = exposure(ranks, lists.astype(str), generator.choice(["a", "b"], 600), min_group_size=30)
        other = int(np.nanargmin(result.ratio))
        covered += bool(result.low[other] <= 1 <= result.high[other])
    assert 0.9 <= covered / 200 <= 0.99


def test_ranks_start_at_one():
    with pytest.raises(ContractError, match="1 of 2 do not"):
        exposure([0, 1], ["x"] * 2, ["a", "b"], min_group_size=1)


def test_swaps_by_hand():
    from statsmodels.stats.contingency_tables import mcnemar

    # 9 lost, 1 gained, 10 unchanged: p = 2 * (1 + 10) / 2**10, mid-P is less by 10 / 2**10.
    before = [0.6] * 9 + [0.4] + [0.9] * 10
    after = [0.4] * 9 + [0.6] + [0.9] * 10
    swap = swap_test(before, after, threshold=0.5)
    assert (swap.pairs, swap.gained, swap.lost, swap.changed_share) == (20, 1, 9, 0.5)
    assert swap.p_value == pytest.approx(22 / 1024)
    assert swap.p_value == pytest.approx(mcnemar([[10, 9], [1, 0]], exact=True).pvalue)
    assert swap.mid_p == pytest.approx(12 / 1024)
    assert swap.mean_shift == pytest.approx(-0.08)
    assert swap.shift_low < -0.08 < swap.shift_high < 0
    assert swap.largest_shift == pytest.approx(0.2)


def test_a_score_at_the_threshold_is_selected():
    assert swap_test([0.5], [0.49], threshold=0.5).lost == 1


def test_without_any_change_nothing_is_significant():
    swap = swap_test([0.1, 0.9], [0.1, 0.9], threshold=0.5)
    assert (swap.p_value, swap.changed_share, swap.mean_shift) == (1.0, 0.0, 0.0)


def test_a_pair_with_one_score_is_refused():
    with pytest.raises(ContractError, match="1 of 2 pairs"):
        swap_test([0.1, np.nan], [0.1, 0.2], threshold=0.5)


KNOBS = {"folds": 5, "min_group_size": 30, "penalty": 1.0, "seed": 1}


def test_a_planted_proxy_is_found_with_the_area_that_theory_gives():
    from sklearn.metrics import roc_auc_score

    # Two normals one apart: the area is the chance that a difference with mean 1 and variance 2 is above 0, .760.
    generator = np.random.default_rng(8)
    group = np.where(generator.random(4000) < 0.4, "a", "b")
    inputs = generator.normal(size=(4000, 5))
    inputs[:, 2] += group == "a"
    result = proxy_test(inputs, group, **KNOBS)
    assert result.auc == pytest.approx([0.760, 0.760], abs=0.02)
    assert result.low[0] < 0.760 < result.high[0]
    assert result.is_told_apart.all()
    assert result.single_auc[0].argmax() == 2
    assert result.single_auc[0, 2] == pytest.approx(roc_auc_score(group == "a", inputs[:, 2]))


def test_inputs_that_know_nothing_of_the_group_are_seldom_told_apart():
    generator = np.random.default_rng(9)
    found = 0
    for seed in range(200):
        group = np.where(generator.random(300) < 0.5, "a", "b")
        found += int(proxy_test(generator.normal(size=(300, 4)), group, **KNOBS | {"seed": seed}).is_told_apart[0])
    assert found / 200 <= 0.025


def test_people_whose_group_is_unknown_and_small_groups_are_not_guessed():
    generator = np.random.default_rng(10)
    group = np.array(["a"] * 100 + ["b"] * 100 + ["few"] * 29 + ["unknown"] * 50)
    inputs = generator.normal(size=(279, 2))
    inputs[group == "unknown"] += 100
    result = proxy_test(inputs, group, **KNOBS)
    assert np.isnan(result.auc).tolist() == [False, False, True, True]
    assert not result.is_told_apart[2:].any()
    without = proxy_test(inputs[group != "unknown"], group[group != "unknown"], **KNOBS)
    assert result.auc[:2].tolist() == without.auc[:2].tolist()


def test_a_feature_that_is_missing_is_refused():
    with pytest.raises(ContractError, match="1 values are not"):
        proxy_test([[np.nan], [1.0]], ["a", "b"], **KNOBS)


def test_one_list_says_nothing_about_how_lists_differ():
    result = exposure([1, 2, 3, 4], ["x"] * 4, ["a", "b", "a", "b"], min_group_size=1)
    assert result.ratio[0] == 1.0
    assert np.isnan([*result.low, *result.high]).all()
