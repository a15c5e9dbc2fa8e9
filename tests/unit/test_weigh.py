"""What each case counts: one weight a person, drawn by the audit key, and nothing for whoever trains nothing."""

import polars as pl
import pytest

from pipelines.evaluate.weigh import weighed

KEY, OTHER = b"1" * 32, b"2" * 32


@pytest.fixture(scope="module")
def company() -> tuple[pl.DataFrame, pl.DataFrame]:
    """By hand: 40 of 200 women are favoured, 160 of 200 men; two cases each, and two more."""
    names = [f"p_{n:032x}" for n in range(400)]
    ends = [1.0] * 40 + [0.0] * 160 + [1.0] * 160 + [0.0] * 40
    part = pl.DataFrame({"person_id": names, "outcome": ends})
    turned = part.with_columns(outcome=1 - pl.col("outcome"))  # what nobody may learn from says the opposite
    parts = (("train", part), ("train", part), ("test", turned), ("valid", turned))
    examples = pl.concat([frame.with_columns(split=pl.lit(split)) for split, frame in parts])
    return examples, pl.DataFrame({"person_id": names, "sex": ["female"] * 200 + ["male"] * 200})


def test_a_person_has_one_weight_of_two_and_test_cases_have_none(company):
    examples, groups = company
    weights, levels = weighed(examples, groups, "sex", least=30, most_odds=3.0, key=KEY)
    frame = examples.with_columns(weight=weights)
    assert set(frame.filter(split="test")["weight"]) == {1.0}
    train = frame.filter(split="train")
    assert set(train["weight"]) == {levels.low, levels.high}
    assert train.group_by("person_id").agg(pl.col("weight").n_unique())["weight"].max() == 1


def test_favoured_women_and_men_who_were_not_count_more(company):
    """By hand: half are favoured; women who are weigh .5 x .5 / .1 = 2.5, such men .625, the others the reverse."""
    examples, groups = company
    weights, levels = weighed(examples, groups, "sex", least=30, most_odds=3.0, key=KEY)
    frame = examples.with_columns(weight=weights).filter(split="train").join(groups, on="person_id")
    means = {key: part["weight"].mean() for key, part in frame.partition_by("sex", "outcome", as_dict=True).items()}
    for key, wanted in {("female", 1): 2.5, ("male", 0): 2.5, ("female", 0): 0.625, ("male", 1): 0.625}.items():
        assert means[key] == pytest.approx(1 + levels.strength * (wanted - 1), abs=0.45)
    assert means["female", 1] > means["male", 1] + 0.5


def test_the_next_retrain_draws_the_same_and_whoever_lacks_the_key_cannot(company):
    examples, groups = company
    first, again, other = (
        weighed(examples, groups, "sex", least=30, most_odds=3.0, key=key)[0] for key in (KEY, KEY, OTHER)
    )
    assert first.equals(again)
    assert 0.15 < (first != other).mean() < 0.35, "half of the cases are never drawn for"


def test_graded_outcomes_count_as_favourable_above_the_median(company):
    """From .6 and .9 the same people are above the middle, though everybody is above one half."""
    examples, groups = company
    graded = examples.with_columns(outcome=0.6 + 0.3 * pl.col("outcome"))
    both = (weighed(frame, groups, "sex", least=30, most_odds=3.0, key=KEY) for frame in (examples, graded))
    (plain, _), (of_graded, levels) = both
    assert levels.high > levels.low
    assert of_graded.equals(plain)


def test_an_axis_that_nobody_declared_weighs_nobody(company):
    examples, groups = company
    assert weighed(examples, groups, "ethnicity", least=30, most_odds=3.0, key=KEY) is None
    assert set(weighed(examples, groups, "sex", least=41, most_odds=3.0, key=KEY)[0]) == {1.0}
