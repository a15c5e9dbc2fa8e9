"""The search for a less discriminatory alternative: the rule that takes one, and weights that tell no group."""

import math

import numpy as np
import pytest

from pipelines.base.errors import SettingsError
from pipelines.base.settings import check
from pipelines.base.tried import Alternatives, Choose, Weigh
from pipelines.fairness import bias_report
from pipelines.fairness.alternatives import Margins, Tried, better_than, chosen, lowest, of_equal_validity
from pipelines.fairness.counting import as_coded
from pipelines.fairness.reweighing import drawn, independent, levels

MARGINS = Margins(validity=0.02, impact_ratio=0.02, selected_share=0.1)
NAN = math.nan
DECLARED = Tried("declared", 0.0, 0.0, 0.4, 0.7)


def tried(name, ratio, difference=0.0, high=0.01, share=0.4):
    return Tried(name, difference, high, share, ratio)


def names(found):
    return [one.name for one in found]


def test_the_better_ratio_is_taken_at_equal_validity():
    assert chosen([DECLARED, tried("a", 0.8), tried("b", 0.9)], MARGINS).name == "b"


def test_a_better_ratio_is_not_taken_where_the_whole_interval_lies_below_the_margin():
    models = [DECLARED, tried("worse", 0.99, difference=-0.06, high=-0.021), tried("as_good", 0.8, -0.05, -0.02)]
    assert names(of_equal_validity(models, MARGINS)) == ["declared", "as_good"]
    assert chosen(models, MARGINS).name == "as_good"


@pytest.mark.parametrize(("share", "name"), [(0.51, "declared"), (0.29, "declared"), (0.5, "a"), (0.31, "a")])
def test_who_selects_many_more_or_fewer_is_no_alternative(share, name):
    """Putting everybody forward has an impact ratio of 1."""
    assert chosen([DECLARED, tried("a", 1.0, share=share)], MARGINS).name == name


@pytest.mark.parametrize(("ratio", "name"), [(0.71, "declared"), (0.719, "declared"), (0.73, "a")])
def test_ratios_within_the_margin_count_as_equal_and_the_declared_model_stays(ratio, name):
    assert chosen([DECLARED, tried("a", ratio)], MARGINS).name == name


def test_of_several_ratios_as_good_as_the_best_the_most_valid_is_taken_then_the_first():
    models = [DECLARED, tried("best", 0.9, -0.02), tried("near", 0.89, -0.005), tried("same", 0.885, -0.005)]
    assert chosen(models, MARGINS).name == "near"


def test_what_is_unknown_is_neither_equal_nor_better():
    unknown = [tried("ratio", NAN), tried("validity", 0.9, NAN, NAN), tried("share", 0.9, share=NAN)]
    assert names(of_equal_validity([DECLARED, *unknown], MARGINS)) == ["declared", "ratio"]
    assert chosen([DECLARED, *unknown], MARGINS).name == "declared"


def test_nothing_known_of_anybodys_group_leaves_the_declared_model():
    models = [tried("declared", NAN), tried("a", NAN)]
    assert chosen(models, MARGINS).name == "declared"
    assert better_than("declared", models, MARGINS) == []


def test_a_model_of_which_nothing_is_known_is_passed_over_for_one_of_which_something_is():
    assert chosen([tried("declared", NAN), tried("a", 0.3)], MARGINS).name == "a"


def test_whoever_takes_another_must_explain_every_better_one_of_equal_validity():
    models = [DECLARED, tried("a", 0.8), tried("b", 0.95), tried("far", 0.99, -0.1, -0.05), tried("near", 0.715)]
    assert names(better_than("declared", models, MARGINS)) == ["b", "a"]
    assert names(better_than("a", models, MARGINS)) == ["b"]
    assert better_than("b", models, MARGINS) == []
    assert names(better_than("far", models, MARGINS)) == []


def test_what_the_rule_takes_leaves_nothing_to_explain():
    rng = np.random.default_rng(7)
    for _ in range(300):
        draws = rng.random((5, 3))
        models = [DECLARED, *(tried(f"m{n}", r, d - 0.5, d - 0.5 + h / 5) for n, (r, d, h) in enumerate(draws))]
        assert better_than(chosen(models, MARGINS).name, models, MARGINS) == []


def test_the_models_ratio_is_the_lowest_of_groups_that_were_judged():
    """By hand: women 20 of 50 and men 40 of 50, a half; of either race 30 of 50."""
    selected = [1] * 20 + [0] * 30 + [1] * 40 + [0] * 10
    sex = ["female"] * 50 + ["male"] * 50
    race = ["asian", "white"] * 50
    found = lowest(bias_report(np.array(selected, bool), {"sex": sex, "race": race}, ["r"] * 100, min_group_size=30))
    assert (found.axis, found.row.group, found.row.impact_ratio) == ("sex", "female", 0.5)
    few = lowest(
        bias_report(
            np.array([*selected, *[0] * 20], bool), {"sex": [*sex, *["x"] * 20]}, ["r"] * 120, min_group_size=30
        )
    )
    assert few.row.group == "female", "of the twenty, none of whom was selected, nothing is judged"
    assert lowest(bias_report(np.array(selected, bool), {"sex": sex}, ["r"] * 100, min_group_size=51)) is None


def test_weights_make_group_and_outcome_independent():
    """By hand: P(y) 50 of 100; women 10 of 40, men 40 of 60. A favoured woman weighs .5 x .4 / .1 = 2, and so on."""
    sex = as_coded(["f"] * 40 + ["m"] * 60)
    favourable = np.array([True] * 10 + [False] * 30 + [True] * 40 + [False] * 20)
    weights = independent(favourable, sex, least=10)
    assert weights[[0, 10, 40, 80]] == pytest.approx([2.0, 2 / 3, 0.75, 1.5])
    shares = [np.average(favourable[part], weights=weights[part]) for part in (slice(0, 40), slice(40, 100))]
    assert shares == pytest.approx([0.5, 0.5])


def test_who_is_unknown_or_of_a_small_group_or_outcome_weighs_one():
    sex = as_coded(["f"] * 40 + ["m"] * 60 + [None] * 45 + ["x"] * 9)
    favourable = np.array([True] * 10 + [False] * 30 + [True] * 40 + [False] * 20)
    favourable = np.append(favourable, [True] * 22 + [False] * 23 + [True] * 8 + [False])
    weights = independent(favourable, sex, least=10)
    assert set(weights[100:]) == {1.0}
    assert weights[0] == pytest.approx(2.0)
    assert set(independent(favourable, sex, least=11)) == {1.0}, "men alone: nobody to compare with"


def test_levels_have_the_weights_as_their_mean_and_no_level_tells_more_than_the_odds():
    """By hand: weights 2/3 to 2 with odds of 4: a fifth at either end, so .6 of the way is the span of 4/3."""
    weights = np.array([2.0, 2 / 3, 0.75, 1.5])
    found = levels(weights, most_odds=4.0)
    assert (found.low, found.high, found.strength) == pytest.approx((2 / 9, 2 + 4 / 9, 1.0))
    draws = (np.arange(1000) + 0.5) / 1000
    seen = np.array([drawn(np.append(weights, w), found, np.full(5, 0.0))[4] for w in weights])
    assert set(seen) == {found.high}
    for weight in weights:
        each = drawn(np.full(1000, weight), found, draws)
        assert set(each) == {found.low, found.high}
        assert each.mean() == pytest.approx(weight, abs=0.003)
    share = [(drawn(np.full(1000, w), found, draws) == found.high).mean() for w in weights]
    assert max(share) / min(share) == pytest.approx(4.0, rel=0.01)
    assert (1 - min(share)) / (1 - max(share)) == pytest.approx(4.0, rel=0.01)


def test_where_the_odds_leave_too_little_room_less_is_mitigated_and_nobody_weighs_less_than_nothing():
    """By hand: odds of 2 need a level of 2/3 - 4/3 < 0; moved by 1 / (1/3 + 4/3) = .6 of the way the low level is 0."""
    weights = np.array([2.0, 2 / 3])
    found = levels(weights, most_odds=2.0)
    assert (found.low, found.high, found.strength) == pytest.approx((0.0, 2.4, 0.6))
    draws = (np.arange(3000) + 0.5) / 3000
    means = [drawn(np.full(3000, w), found, draws).mean() for w in weights]
    assert means == pytest.approx([1.6, 0.8], abs=0.002)


def test_nothing_to_weigh_weighs_everybody_one():
    assert set(drawn(np.ones(5), levels(np.ones(5), most_odds=3.0), np.linspace(0, 0.9, 5))) == {1.0}


@pytest.mark.parametrize(
    ("tried_", "fault"),
    [
        ([{"name": "a"}], "must drop, train or reweigh something"),
        ([{"name": "declared", "reweigh": "sex"}], "cannot be called declared or best"),
        ([{"name": "a", "drop": ["x"]}, {"name": "a", "drop": ["y"]}], "a name of its own"),
        ([{"name": "../a", "drop": ["x"]}], "should match pattern"),
        ([{"name": "a", "threshold": 0.2}], "Extra inputs"),
    ],
)
def test_an_alternative_that_is_none_is_a_fault_of_params(tried_, fault):
    with pytest.raises(SettingsError, match=fault):
        check(Alternatives, {"take": "best", "tried": tried_}, "screening.alternatives")


def test_margins_and_odds_have_bounds():
    with pytest.raises(SettingsError, match=r"choose.validity_margin.*choose.ratio_margin"):
        check(Choose, {"validity_margin": -0.1, "ratio_margin": 1, "selected_margin": 0.1}, "choose")
    with pytest.raises(SettingsError, match="most_odds"):
        check(Weigh, {"most_odds": 1.0}, "weigh")
