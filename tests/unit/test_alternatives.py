"""The search for a less discriminatory alternative: the rule that takes one, and weights that tell no group."""

import math
from pathlib import Path

import numpy as np
import pytest

from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import SettingsError
from pipelines.base.settings import check, load
from pipelines.base.tried import Alternatives, Choose
from pipelines.fairness import bias_report
from pipelines.fairness.alternatives import Margins, Tried, better_than, chosen, lowest, of_equal_validity
from pipelines.fairness.reweighing import answered, table
from pipelines.models import features

ROOT = Path(__file__).parents[2]
MARGINS = Margins(validity=0.02, impact_ratio=0.02, selected_share=0.1)
NAN = math.nan
DECLARED = Tried("declared", 0.0, 0.0, 0.0, 0.4, 0.7, 1.0)


def tried(name, ratio, difference=0.0, high=0.01, *, share=0.4, low=-0.01, gain=1.01):
    return Tried(name, difference, low, high, share, ratio, gain)


def names(found):
    return [one.name for one in found]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_declares_alternatives_that_differ_from_its_model(family):
    section = features(family).Train
    own = load(section, family, "train", root=ROOT).model_dump()
    tried = load(Alternatives, family, "alternatives", root=ROOT).tried
    assert tried, "that nothing was looked for is a gap in every release"
    for one in tried:
        numbers = check(section, own | one.train, family).model_dump()
        assert one.drop or one.reweigh or numbers != own


def test_the_better_ratio_is_taken_at_equal_validity():
    assert chosen([DECLARED, tried("a", 0.8), tried("b", 0.9)], MARGINS).name == "b"


@pytest.mark.parametrize(("low", "name"), [(-0.0201, "declared"), (-0.02, "a"), (NAN, "declared")])
def test_a_better_ratio_is_taken_only_where_the_whole_interval_of_validity_lies_above_the_margin(low, name):
    assert chosen([DECLARED, tried("a", 0.9, low=low)], MARGINS).name == name


@pytest.mark.parametrize(("gain", "name"), [(0.99, "declared"), (1.0, "declared"), (1.001, "a"), (NAN, "declared")])
def test_a_better_ratio_is_taken_only_where_its_whole_interval_lies_above_the_declared_ones(gain, name):
    assert chosen([DECLARED, tried("a", 0.9, gain=gain)], MARGINS).name == name


def test_what_may_be_as_valid_and_is_not_taken_must_be_explained_all_the_same():
    models = [DECLARED, tried("worse", 0.99, -0.06, -0.021, low=-0.1), tried("unsure", 0.8, -0.05, -0.02, low=-0.1)]
    assert names(of_equal_validity(models, MARGINS)) == ["declared", "unsure"]
    assert chosen(models, MARGINS).name == "declared"
    assert names(better_than("declared", models, MARGINS)) == ["unsure"]


@pytest.mark.parametrize(("share", "name"), [(0.441, "declared"), (0.359, "declared"), (0.439, "a"), (0.361, "a")])
def test_who_selects_many_more_or_fewer_is_no_alternative(share, name):
    """Putting everybody forward has an impact ratio of 1. Here a tenth of .4 is .04."""
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


def test_nothing_is_better_than_what_is_unknown_and_what_is_known_must_be_explained():
    models = [tried("declared", NAN), tried("a", 0.3)]
    assert chosen(models, MARGINS).name == "declared"
    assert names(better_than("declared", models, MARGINS)) == ["a"]


def test_whoever_takes_another_must_explain_every_better_one_of_equal_validity():
    models = [DECLARED, tried("a", 0.8), tried("b", 0.95), tried("far", 0.99, -0.1, -0.05), tried("near", 0.715)]
    assert names(better_than("declared", models, MARGINS)) == ["b", "a"]
    assert names(better_than("a", models, MARGINS)) == ["b"]
    assert better_than("b", models, MARGINS) == []
    assert names(better_than("far", models, MARGINS)) == []


def test_of_what_is_surely_better_the_rule_leaves_nothing_to_explain():
    rng = np.random.default_rng(7)
    for _ in range(300):
        draws = rng.random((5, 2))
        models = [DECLARED, *(tried(f"m{n}", r, d / 50 - 0.005) for n, (r, d) in enumerate(draws))]
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


def told(women: tuple[int, int], men: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """So many answers (not favoured, favoured) of either group."""
    counts = [*women, *men]
    return np.repeat([0, 0, 1, 1], counts), np.repeat([False, True, False, True], counts)


def test_weights_make_group_and_outcome_independent_after_the_noise_is_taken_out():
    """By hand: 100 of 400 women and 300 of 400 men are favoured, and three of four answer truly.

    So 3/4 x 100 + 1/4 x 300 = 150 of the favoured answer `female`. Favoured women are to weigh .5 x .5 / .125 = 2,
    favoured men 2/3: from 3/4 a + 1/4 b = 2 and 1/4 a + 3/4 b = 2/3 follow a = 8/3 and b = 0.
    """
    answer, favourable = told((250, 150), (150, 250))
    weights, strength = table(answer, favourable, 2, least=30)
    assert strength == pytest.approx(1.0)
    assert weights == pytest.approx(np.array([[0.0, 8 / 3], [8 / 3, 0.0]]), abs=1e-9)
    assert weights[answer, favourable.astype(int)].mean() == pytest.approx(1.0)


def test_where_people_would_weigh_less_than_nothing_less_is_mitigated():
    """By hand: 40 of 400 women and 360 of 400 men, so 120 and 280 answers.

    Wanted are 5 and 5/9, so 7.222 and -1.667: moved by 1 / 2.667 = .375 of the way.
    """
    answer, favourable = told((280, 120), (120, 280))
    weights, strength = table(answer, favourable, 2, least=30)
    assert strength == pytest.approx(0.375)
    assert weights[:, 1] == pytest.approx([1 + 0.375 * (7.2222 - 1), 0.0], abs=1e-4)


@pytest.mark.parametrize(("least", "is_weighed"), [(100, True), (101, False)])
def test_groups_with_few_in_an_outcome_weigh_one(least, is_weighed):
    """By hand: 100 women are favoured, as far as the answers tell."""
    weights, _ = table(*told((250, 150), (150, 250)), 2, least=least)
    assert (set(weights.ravel()) != {1.0}) == is_weighed


def test_groups_that_hardly_stand_out_of_the_noise_of_the_answers_weigh_one():
    """By hand: 56 of 128 favoured answer `female`, so 48 are, give or take sqrt(128 x .4375 x .5625) / .5 = 11.2.

    Of 100 favoured 31 do, so 12 are, give or take 9.25.
    """
    clear, hidden = (
        table(*told((250, some), (150, all_ - some)), 2, least=1)[0] for some, all_ in ((56, 128), (31, 100))
    )
    assert set(clear.ravel()) != {1.0}
    assert set(hidden.ravel()) == {1.0}


@pytest.mark.parametrize("groups", [2, 5])
def test_an_answer_is_at_most_three_times_as_likely_from_one_group_as_from_another(groups):
    """By hand, of five: 3/7 say their own, each other answer has 1/7; of two 3/4 and 1/4."""
    even = (np.arange(400) + 0.5) / 400
    draw = np.stack(np.meshgrid(even, even), axis=-1).reshape(-1, 2)
    for group in range(groups):
        share = np.bincount(answered(np.full(len(draw), group), draw, groups), minlength=groups) / len(draw)
        others = np.delete(share, group)
        assert share[group] == pytest.approx(3 / (groups + 2), abs=0.003)
        assert others == pytest.approx(np.full(groups - 1, 1 / (groups + 2)), abs=0.003)
    nobody = np.bincount(answered(np.full(len(draw), -1), draw, groups), minlength=groups) / len(draw)
    assert nobody == pytest.approx(np.full(groups, 1 / groups), abs=0.003)


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


@pytest.mark.parametrize("axis", ["age_40", "ethnicity"])
def test_nobody_is_weighed_on_an_axis_without_a_closed_list(axis):
    with pytest.raises(SettingsError, match="weighed on sex only"):
        check(Alternatives, {"take": "best", "tried": [{"name": "a", "reweigh": axis}]}, "screening.alternatives")


def test_margins_have_bounds():
    with pytest.raises(SettingsError, match=r"choose.validity_margin.*choose.ratio_margin"):
        check(Choose, {"validity_margin": -0.1, "ratio_margin": 1, "selected_margin": 0.1}, "choose")
