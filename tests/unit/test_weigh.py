"""What each case counts: by one noisy answer a person for ever, and nothing for whoever trains nothing."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from pipelines.base.tried import WEIGHABLE, Alternative
from pipelines.base.vault import AGE_40
from pipelines.evaluate.weigh import answers, weighed
from pipelines.fairness.reweighing import ODDS

KEY, OTHER = b"1" * 32, b"2" * 32
NAMES = [f"p_{n:032x}" for n in range(4000)]
SEX = np.array(["female", "male"] * 2000)
GROUPS = pl.DataFrame({"person_id": NAMES, "sex": SEX})


def decided(women: float, men: float, seed: int) -> pl.DataFrame:
    """Training cases, of whom so many women and men are favoured."""
    chance = np.where(SEX == "female", women, men)
    outcome = (np.random.default_rng(seed).random(len(SEX)) < chance).astype(float)
    return pl.DataFrame({"person_id": NAMES, "outcome": outcome}).with_columns(split=pl.lit("train"))


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """(family, day) -> outcomes and weights; a day changes some outcomes, and another parameter."""
    screening, completing = decided(0.2, 0.5, 1), decided(0.8, 0.6, 2)
    late = pl.when(pl.int_range(pl.len()) % 20 == 0).then(1.0).otherwise(pl.col("outcome"))
    frames = {("screening", 1): screening, ("outcomes", 1): completing}
    frames |= {(name, 2): frame.with_columns(outcome=late) for (name, _), frame in frames.items()}
    return {
        (family, day): (
            frame["outcome"].to_numpy(),
            weighed(frame, GROUPS, "sex", least=30 * day, key=KEY)[0].to_numpy(),
        )
        for (family, day), frame in frames.items()
    }


def test_all_weights_of_a_person_together_tell_no_more_than_the_odds(seen):
    """Whoever knows the outcomes and both weights sees one of two answers: no pair tells more than one weight does."""
    for one, other in combinations(seen, 2):
        frame = pl.DataFrame({"is_woman": SEX == "female"}).with_columns(
            *(pl.Series(f"{name}{at}", seen[key][at]) for name, key in (("a", one), ("b", other)) for at in (0, 1))
        )
        for _, known in frame.group_by("a0", "b0"):
            told = known.group_by("a1", "b1").agg(women=pl.col("is_woman").sum(), men=(~pl.col("is_woman")).sum())
            assert len(told) == 2, f"{one} and {other}: more than an answer is told"
            if known["is_woman"].sum() < 400 or (~known["is_woman"]).sum() < 400:
                continue  # odds of few are chance
            shares = told["women"] / told["women"].sum(), told["men"] / told["men"].sum()
            ratio = (shares[0] / shares[1]).to_numpy()
            assert max(ratio.max(), 1 / ratio.min()) < ODDS * 1.25


def test_whose_answer_is_by_chance_may_be_of_either_group_and_no_weight_of_anybody_shows_it():
    """Groups count through answers alone, also for how many are in a cell: so do runs without somebody."""
    cases = decided(0.2, 0.5, 1)
    turned = GROUPS.with_columns(sex=pl.Series(np.where(SEX == "female", "male", "female")))
    is_same = answers(GROUPS, "sex", KEY) == answers(turned, "sex", KEY)
    assert 0.3 < is_same.mean() < 0.5
    other = GROUPS.with_columns(sex=pl.when(pl.Series(is_same)).then(turned["sex"]).otherwise(pl.col("sex")))
    first, second = (weighed(cases, known, "sex", least=30, key=KEY)[0] for known in (GROUPS, other))
    assert first.n_unique() == 4
    assert first.equals(second)


def test_three_of_four_answers_are_true_and_another_key_gives_others():
    told, again, other = (answers(GROUPS, "sex", key) for key in (KEY, KEY, OTHER))
    assert (told == (SEX == "male")).mean() == pytest.approx(0.75, abs=0.025)
    assert (told == again).all()
    assert (told == other).mean() == pytest.approx(0.75**2 + 0.25**2, abs=0.03)


@pytest.mark.parametrize("declared", [None, "unknown", "non_binary"])
def test_who_is_of_no_listed_group_answers_by_chance_and_is_not_told_by_a_weight_of_one(declared):
    some = GROUPS.with_columns(
        sex=pl.when(pl.int_range(pl.len()) < 1000).then(pl.lit(declared)).otherwise(pl.col("sex"))
    )
    assert answers(some, "sex", KEY)[:1000].mean() == pytest.approx(0.5, abs=0.05)
    weights = weighed(decided(0.2, 0.5, 1), some, "sex", least=30, key=KEY)[0]
    assert weights.n_unique() == 4
    assert set(weights[:1000]) == set(weights[1000:])


def test_favoured_women_and_men_who_were_not_count_more():
    """By hand: 400 of 2000 women are favoured and 1000 of 2000 men, so women who are weigh .5 x .35 / .1 = 1.75."""
    cases = decided(0.2, 0.5, 1)
    frame = cases.with_columns(weight=weighed(cases, GROUPS, "sex", least=30, key=KEY)[0], sex=pl.Series(SEX))
    means = {key: part["weight"].mean() for key, part in frame.partition_by("sex", "outcome", as_dict=True).items()}
    for key, wanted in {("female", 1): 1.75, ("male", 1): 0.7, ("female", 0): 0.8125, ("male", 0): 1.3}.items():
        assert means[key] == pytest.approx(wanted, abs=0.15)
    shares = [
        np.average(part["outcome"], weights=part["weight"]) for part in frame.partition_by("sex", maintain_order=True)
    ]
    assert abs(shares[0] - shares[1]) < 0.06, "it was .3"


def test_a_person_has_one_weight_and_cases_that_train_nothing_have_none():
    part = decided(0.2, 0.5, 1)
    turned = part.with_columns(outcome=1 - pl.col("outcome"))  # what nobody may learn from says the opposite
    parts = (("train", part), ("train", part), ("test", turned), ("valid", turned))
    cases = pl.concat([frame.with_columns(split=pl.lit(split)) for split, frame in parts])
    frame = cases.with_columns(weight=weighed(cases, GROUPS, "sex", least=30, key=KEY)[0])
    assert set(frame.filter(pl.col("split") != "train")["weight"]) == {1.0}
    train = frame.filter(split="train")
    assert train.group_by("person_id").agg(pl.col("weight").n_unique())["weight"].max() == 1
    alone = weighed(part, GROUPS, "sex", least=30, key=KEY)[0]
    assert train["weight"].head(len(part)).equals(alone)


def test_graded_outcomes_count_as_favourable_above_the_median():
    """From .6 and .9 the same people are above the middle, though everybody is above one half."""
    cases = decided(0.2, 0.5, 1)
    graded = cases.with_columns(outcome=0.6 + 0.3 * pl.col("outcome"))
    plain, of_graded = (weighed(frame, GROUPS, "sex", least=30, key=KEY)[0] for frame in (cases, graded))
    assert plain.n_unique() == 4
    assert of_graded.equals(plain)


def test_an_axis_that_nobody_declared_weighs_nobody_and_few_people_weigh_one():
    cases = decided(0.2, 0.5, 1)
    assert weighed(cases, GROUPS.select("person_id"), "sex", least=30, key=KEY) is None
    assert set(weighed(cases, GROUPS, "sex", least=700, key=KEY)[0]) == {1.0}


def test_nobody_is_weighed_by_age_on_whatever_day():
    """A side of 40 changes by itself, and with it the answer: two weights of one person would tell both."""
    assert AGE_40 not in WEIGHABLE
    with pytest.raises(ValueError, match="people can be weighed on sex only"):
        Alternative(name="by_age", reweigh=AGE_40)
    cases = decided(0.2, 0.5, 1)
    young, old = (GROUPS.with_columns(pl.lit(side).alias(AGE_40)) for side in ("under 40", "40 or over"))
    first, second = (weighed(cases, known, "sex", least=30, key=KEY) for known in (young, old))
    assert first[0].equals(second[0])
