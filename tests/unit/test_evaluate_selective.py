"""Of whom outcomes are known: figures by hand, each stage against all who applied, and nothing of few people."""

from datetime import date

import polars as pl
import pytest

from pipelines.base.ages import OLD, YOUNG
from pipelines.base.vault import AGE_40
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


def told(cases=CASES, made=BOTH, groups=GROUPS, *, by_stage=True, least=4, told_from=None):
    sizes = {"min_group_size": least, "told_from": told_from or least}
    return selective.told(cases, made, groups, by_stage=by_stage, **sizes)


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


def test_one_group_left_out_takes_the_smallest_other_with_it_and_two_that_are_not_few_take_nobody():
    names = [f"{letter}{n}" for letter, size in (("a", 3), ("b", 5), ("c", 6), ("d", 3)) for n in range(size)]
    cases = pl.DataFrame({"person_id": names, "subject_id": ["r"] * len(names)})
    groups = pl.DataFrame({"person_id": names, "sex": [name[0] for name in names]})
    made = decided("screen", **{name: name.endswith("0") for name in names})
    two = by_group(told(cases, made, groups, least=4), "screen")
    assert {name: "low" in row for name, row in two.items()} == {"a": False, "b": True, "c": True, "d": False}
    rest = cases.filter(~pl.col("person_id").str.starts_with("d"))
    one = by_group(told(rest, made, groups, least=4), "screen")
    assert {name: "low" in row for name, row in one.items()} == {"a": False, "b": False, "c": True}


def company(**groups):
    """So many people a group, of so many the outcome is known, of so many a yes; and every second one a veteran."""
    rows = [
        (f"{name}{n}", name, n % 2 == 0, float(n < yes) if n < known else None)
        for name, (people, known, yes) in groups.items()
        for n in range(people)
    ]
    whole = pl.DataFrame(rows, schema=["person_id", "sex", "veteran", "outcome"], orient="row")
    cases = whole.select("person_id", subject_id=pl.lit("r"), stage_code=pl.lit("screen"), outcome="outcome")
    groups = whole.select("person_id", "sex", pl.col("veteran").cast(pl.String))
    return cases.select("person_id", "subject_id"), cases.drop_nulls("outcome"), groups


def test_groups_that_are_left_out_and_together_few_take_another_with_them():
    """2 and 1 are 3 people: of a total that the other axis tells, their 0 of 3 would be what is left."""
    found = by_group(told(*company(f=(60, 50, 40), m=(100, 80, 30), a=(2, 2, 0), b=(1, 1, 0)), least=30), "screen")
    assert {name for name, row in found.items() if "low" not in row} == {"a", "b", "f"}


@pytest.mark.parametrize(("people", "is_told"), [(12, True), (9, False)])
def test_a_group_too_small_to_be_compared_has_bounds_where_it_is_not_of_few_people(people, is_told):
    small = company(f=(60, 50, 40), m=(100, 80, 30), a=(people, people, 3))
    found = by_group(told(*small, least=30, told_from=10), "screen")
    assert ("low" in found["a"], "low" in found["f"]) == (is_told, is_told)
    if is_told:
        assert (found["a"]["low"], found["a"]["is_lower"], found["a"]["ratio_low"] > 0) == (0.25, False, False)


def test_a_ratio_to_a_reference_that_is_left_out_is_not_told():
    """The women, the most often taken, keep the 3 from following; the men's bounds over theirs would tell them."""
    found = by_group(told(*company(f=(60, 50, 40), m=(100, 80, 30), d=(3, 3, 0)), least=30), "screen")
    assert {name for name, row in found.items() if "low" not in row} == {"f", "d"}
    men = found["m"]
    assert (men["low"], men["high"]) == pytest.approx((0.3, 0.5))
    assert [men[name] != men[name] for name in ("ratio_low", "ratio_high")] == [True, True], "not numbers"
    assert "is_lower" not in men


def test_where_nobody_of_all_who_are_left_out_was_taken_one_more_is():
    """6 and 35 people of whom nobody: then nobody of the 6, though 41 are not few. The 60 of whom 40 leave it open."""
    found = by_group(told(*company(f=(60, 50, 40), m=(100, 80, 30), e=(35, 35, 0), d=(6, 6, 0)), least=30), "screen")
    assert {name for name, row in found.items() if "low" not in row} == {"d", "f"}


def test_everybody_is_as_old_as_when_they_were_decided_about():
    """Of w0, 39 when screened and 40 since, the table of decisions says under 40; so does this one, or it tells of w0.

    At the offer, which came to w1 and not to w0, w1 is 40 and w0 as old as when screened; nobody decided about w2.
    """
    people = ["w0", "w1", "w2"]
    groups = pl.DataFrame({"person_id": people, AGE_40: [OLD] * 3})
    forty = pl.DataFrame({"person_id": people, "forty_from": ["2026-06-01"] * 3})
    days = {"screen": date(2026, 5, 31), "offer": date(2026, 6, 1)}
    made = [
        decided("screen", w0=1.0, w1=0.0).with_columns(known_at=pl.lit(days["screen"])),
        decided("offer", w1=1.0).with_columns(known_at=pl.lit(days["offer"])),
    ]
    cases = pl.DataFrame({"person_id": people, "subject_id": ["r"] * 3})
    found = selective.told(cases, pl.concat(made), groups, by_stage=True, min_group_size=1, told_from=1, forty=forty)
    counted = {
        stage: {name: row["people"] for name, row in by_group(found, stage, AGE_40).items()}
        for stage in ("screen", "offer")
    }
    assert counted == {"screen": {YOUNG: 2, OLD: 1}, "offer": {YOUNG: 1, OLD: 2}}


def test_what_the_table_of_the_same_decisions_withholds_is_withheld_here_at_its_stage():
    """Here the 60 women keep the 3 from following, there the men may: each table would tell whom the other left out."""
    cases, made, groups = company(f=(60, 50, 40), m=(100, 80, 30), d=(3, 3, 0))
    made = pl.concat([made, made.with_columns(stage_code=pl.lit("offer"))])
    beside = {(None, "screen", "sex", "m"), (None, "screen", "sex", "d")}
    found = selective.told(cases, made, groups, by_stage=True, min_group_size=30, told_from=30, beside=beside)
    left_out = {
        stage: [name for name, row in by_group(found, stage).items() if "low" not in row]
        for stage in ("offer", "screen")
    }
    assert left_out == {"offer": ["d", "f"], "screen": ["d", "f", "m"]}
    (one, _) = selective.told(cases, made, groups, by_stage=False, min_group_size=30, told_from=30, beside=beside)
    assert ["low" in row for row in one["groups"]] == [False, False, False]


def test_people_without_a_group_are_unknown_and_compared_with_nobody():
    found = by_group(told(groups=GROUPS.filter(pl.col("sex") == "male")), "screen")
    assert (found["unknown"]["low"], found["unknown"]["is_lower"]) == (0.4, False)
    assert found["unknown"]["ratio_low"] != found["unknown"]["ratio_low"], "not a number"


def test_without_cases_decisions_or_groups_nothing_is_told():
    assert told(cases=None) == []
    assert told(cases=CASES.clear()) == []
    assert told(made=BOTH.clear()) == []
    assert told(groups=GROUPS.select("person_id")) == []
