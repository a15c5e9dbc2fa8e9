"""Whether the lowest impact ratio of an alternative is better than chance makes one look."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from pipelines.evaluate import choose, gains, groups

NAMES = [f"p_{n:03}" for n in range(200)]
KNOWN = pl.DataFrame(
    {"person_id": NAMES, "sex": ["female", "male"] * 100, "ethnicity": [*["a"] * 100, *["b"] * 80, *["few"] * 20]}
)


def decided(is_selected) -> pl.DataFrame:
    return pl.DataFrame({"person_id": NAMES, "is_selected": is_selected}).with_columns(
        stage=pl.lit("selected"), subject=pl.lit("r")
    )


def ratios(decisions: pl.DataFrame, drawn: list[np.ndarray], known: pl.DataFrame = KNOWN) -> np.ndarray:
    return gains.lowest_ratios(decisions, known, groups.reports(decisions, known, 30), NAMES, drawn)


def test_the_lowest_ratio_of_all_axes_and_pairs_is_that_of_the_people_drawn():
    """By hand: women 10 of 100, men 20 of 100, a half; only people of `a` are selected, so 0 for `b`.

    With nobody but `a` drawn, everybody twice, it is a half again.
    """
    selected = [n < 100 and (n % 5 == 0 if n % 2 == 0 else n % 5 in (1, 3)) for n in range(200)]
    sex = KNOWN.drop("ethnicity")
    even = np.ones((1, 200))
    women = sum(selected[::2]), sum(selected[1::2])
    assert women == (10, 20)
    assert ratios(decided(selected), [even], sex) == pytest.approx([0.5])
    assert ratios(decided(selected), [even]) == pytest.approx([0.0])
    only_a = np.where(np.arange(200) < 100, 2.0, 0.0)[None]
    assert ratios(decided(selected), [even, only_a]) == pytest.approx([0.0, 0.5])


def test_the_lowest_and_the_best_group_are_looked_for_in_each_draw():
    """By hand: women 5 and 50 of 50, men 20 and 5 of 50 in the first half and the second."""
    sex = pl.DataFrame({"person_id": NAMES, "sex": ["female"] * 50 + ["male"] * 50 + ["female"] * 50 + ["male"] * 50})
    selected = [*[True] * 5, *[False] * 45, *[True] * 20, *[False] * 30, *[True] * 55, *[False] * 45]
    drawn = [np.ones((1, 200)), np.repeat([1.0, 0.0], 100)[None], np.repeat([0.0, 1.0], 100)[None]]
    assert ratios(decided(selected), drawn, sex) == pytest.approx([25 / 55, 5 / 20, 5 / 50])


def test_where_nobody_can_be_compared_nothing_is_known():
    found = ratios(decided([True] * 200), [np.ones((1, 200)), np.ones((3, 200))], KNOWN.select("person_id"))
    assert found.shape == (4,)
    assert np.isnan(found).all()
    assert np.isnan(gains.gain(found, found, tried=1).low)


def test_the_more_were_tried_the_more_a_gain_must_be():
    """By hand: quotients 1 to 1000 hundredths: the 2.5th percentile for one, the .25th for ten."""
    ours = np.concatenate([[5.0], np.arange(1, 1001) / 100])
    declared = np.ones(1001)
    one, ten = (gains.gain(ours, declared, tried=n) for n in (1, 10))
    assert (one.value, one.low, ten.low) == pytest.approx((5.0, 0.25, 0.03), abs=0.011)
    assert (one.high, ten.high) == pytest.approx((9.75, 9.98), abs=0.011)


def test_none_of_both_is_no_gain_and_some_instead_of_none_is_one_and_the_unknown_counts_as_none():
    declared, ours = np.zeros(101), np.zeros(101)
    assert gains.gain(ours, declared, tried=1).low == 1.0
    assert gains.gain(ours + 0.3, declared, tried=1).low == np.inf
    ours = np.where(np.arange(101) % 10 == 1, np.nan, 0.9)
    assert gains.gain(ours, np.full(101, 0.3), tried=1).low == 1.0


def test_alternatives_that_differ_by_chance_alone_are_hardly_ever_surely_better():
    """30 companies of 300 people, three alternatives each: 5 % is allowed, and at most 4 are likely then."""
    taken = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        names = [f"p_{n:04}" for n in range(300)]
        known = pl.DataFrame(
            {
                "person_id": names,
                "sex": rng.choice(["female", "male"], 300),
                "ethnicity": rng.choice(["a", "b", "c"], 300, p=[0.5, 0.3, 0.2]),
            }
        )
        ability, drawn, found = rng.normal(size=300), gains.draws(300, 200, seed), []
        for _ in range(4):
            score = 0.9 * ability + 0.44 * rng.normal(size=300)
            frame = pl.DataFrame({"person_id": names, "is_selected": score > np.quantile(score, 0.6)})
            frame = frame.with_columns(stage=pl.lit("selected"), subject=pl.lit("r"))
            found.append(gains.lowest_ratios(frame, known, groups.reports(frame, known, 30), names, drawn))
        taken += any(gains.gain(ours, found[0], tried=3).low > 1 for ours in found[1:])
    assert taken <= 4


def test_the_choice_sees_people_as_old_as_at_each_case_and_not_as_at_their_newest():
    """By hand: 40 people turn 40 on 3 March. On the 1st all of them are put forward, on the 5th half: 20 of 40."""
    names = [f"p_{n:03}" for n in range(40)]
    first, second = (
        pl.DataFrame(
            {"person_id": names, "subject_id": course, "target_code": "completed", "is_selected": selected}
        ).with_columns(score=pl.col("is_selected").cast(pl.Float64))
        for course, selected in (("k1", [True] * 40), ("k2", [True, False] * 20))
    )
    moments = {course: datetime(2026, 3, day, tzinfo=UTC) for course, day in (("k1", 1), ("k2", 5))}
    rows = pl.concat([first, second])
    cases = rows.select("person_id", "subject_id", "target_code", outcome=pl.col("score")).with_columns(
        occurred_at=pl.col("subject_id").replace_strict(moments)
    )
    known = pl.DataFrame({"person_id": names, "age_40": ["40 or over"] * 40})  # as they are today
    forty = pl.DataFrame({"person_id": names, "forty_from": ["2026-03-03"] * 40})
    numbers = choose.Resampled(resamples=50, seed=1, min_cases=10, min_labels=5)
    found = choose.measured("outcomes", rows, rows, cases, known, forty=forty, settings=numbers, least=30)
    assert (found.lowest.axis, found.lowest.row.group, found.lowest.row.impact_ratio) == ("age_40", "40 or over", 0.5)
    assert found.ratios[0] == 0.5
    assert np.isfinite(found.ratios).all()
    nobody = rows.clear()
    found = choose.measured("outcomes", nobody, nobody, cases, known, forty=forty, settings=numbers, least=30)
    assert np.isnan([found.metric.value, found.difference.value, found.selected_share]).all(), "nothing is known"
    assert found.lowest is None
