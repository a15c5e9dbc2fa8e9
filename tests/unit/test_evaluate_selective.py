"""Of whom outcomes are known: figures by hand, each stage against all who applied, and nothing of few people."""

import polars as pl
import pytest

from pipelines.evaluate import selective

NAMES = [f"w{n}" for n in range(10)] + [f"m{n}" for n in range(10)]
GROUPS = pl.DataFrame({"person_id": NAMES, "sex": ["female"] * 10 + ["male"] * 10, "race": ["a"] * 20})
CASES = pl.DataFrame({"person_id": NAMES, "subject_id": ["r"] * 20})


def decided(stage, **outcomes):
    rows = [(person, "r", stage, float(value)) for person, value in outcomes.items()]
    return pl.DataFrame(rows, schema=["person_id", "subject_id", "stage_code", "outcome"], orient="row")


def some(prefix, yes, no):
    return {f"{prefix}{n}": n < yes for n in range(yes + no)}


SCREEN = decided("screen", **some("w", 4, 6), **some("m", 8, 2))
OFFER = decided("offer", **some("w", 1, 3), **some("m", 4, 4))
BOTH = pl.concat([SCREEN, OFFER])


def told(cases=CASES, made=BOTH, groups=GROUPS, *, by_stage=True, least=4):
    return selective.told(cases, made, groups, by_stage=by_stage, min_group_size=least)


def by_group(found, stage, axis="sex"):
    (one,) = [one for one in found if (one["stage"], one["axis"]) == (stage, axis)]
    return {row["group"]: row for row in one["groups"]}


def test_a_later_stage_is_held_against_all_who_applied():
    found = told()
    assert [(one["stage"], one["axis"], one["reference"]) for one in found] == [
        ("offer", "sex", "male"),
        ("offer", "race", "a"),
        ("screen", "sex", "male"),
        ("screen", "race", "a"),
    ]
    women = by_group(found, "offer")["female"]
    assert (women["people"], women["known_share"], women["among_known"]) == (10, 0.4, 0.25)
    assert (women["low"], women["high"]) == pytest.approx((0.1, 0.7))
    assert (women["ratio_low"], women["ratio_high"]) == pytest.approx((0.1 / 0.6, 0.7 / 0.4))
    screened = by_group(found, "screen")["female"]
    assert (screened["known_share"], screened["low"], screened["high"]) == pytest.approx((1, 0.4, 0.4))
    assert screened["ratio_low"] == screened["ratio_high"] == pytest.approx(0.5)


def test_stages_that_are_ends_of_one_thing_are_one_and_two_runs_of_a_case_are_their_mean():
    ends = pl.concat([decided("passed", w0=1.0), decided("failed", w0=0.0, w1=0.0, m0=0.0)])
    (one, _) = told(made=ends, by_stage=False, least=1)
    assert one["stage"] is None
    found = {row["group"]: row for row in one["groups"]}
    assert found["female"]["low"] == pytest.approx(0.05), "half of one of ten"


def test_a_run_whose_end_is_not_known_stays_so_however_the_other_run_of_the_course_ended():
    """Everybody failed run a; of run b nothing is known."""
    runs = CASES.join(pl.DataFrame({"target_code": ["a", "b"]}), how="cross")
    failed = decided("failed", **dict.fromkeys(NAMES, 0.0)).with_columns(target_code=pl.lit("a"))
    women = {row["group"]: row for row in told(runs, failed, by_stage=False)[0]["groups"]}["female"]
    assert (women["people"], women["known_share"], women["among_known"]) == (10, 0.5, 0)
    assert (women["low"], women["high"]) == (0, 0.5)


def test_decisions_about_others_count_nowhere():
    others = decided("screen", x1=1.0, x2=1.0)
    assert told(made=pl.concat([BOTH, others])) == told()


def test_of_few_people_and_of_few_known_outcomes_only_the_number_is_told():
    small = by_group(told(made=decided("screen", **some("w", 1, 2), **some("m", 4, 4))), "screen")
    assert small["female"] == {"group": "female", "people": 10}
    assert small["male"] == {"group": "male", "people": 10}, "the only other group would give it away"


def test_one_group_left_out_takes_the_smallest_other_with_it_and_two_take_nobody():
    names = [f"{letter}{n}" for letter, size in (("a", 3), ("b", 5), ("c", 6), ("d", 3)) for n in range(size)]
    cases = pl.DataFrame({"person_id": names, "subject_id": ["r"] * len(names)})
    groups = pl.DataFrame({"person_id": names, "sex": [name[0] for name in names]})
    made = decided("screen", **{name: name.endswith("0") for name in names})
    two = by_group(told(cases, made, groups, least=4), "screen")
    assert {name: "low" in row for name, row in two.items()} == {"a": False, "b": True, "c": True, "d": False}
    rest = cases.filter(~pl.col("person_id").str.starts_with("d"))
    one = by_group(told(rest, made, groups, least=4), "screen")
    assert {name: "low" in row for name, row in one.items()} == {"a": False, "b": False, "c": True}


def test_people_without_a_group_are_unknown_and_compared_with_nobody():
    found = by_group(told(groups=GROUPS.filter(pl.col("sex") == "male")), "screen")
    assert (found["unknown"]["low"], found["unknown"]["is_lower"]) == (0.4, False)
    assert found["unknown"]["ratio_low"] != found["unknown"]["ratio_low"], "not a number"


def test_without_cases_decisions_or_groups_nothing_is_told():
    assert told(cases=None) == []
    assert told(cases=CASES.clear()) == []
    assert told(made=BOTH.clear()) == []
    assert told(groups=GROUPS.select("person_id")) == []
