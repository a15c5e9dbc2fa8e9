"""Oversight: which score a decision is held against, what departs, by whom, and when it is a rubber stamp."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from monitoring import findings, oversight, page
from tests.unit.test_monitoring_findings import SETTINGS

UNTIL = date(2026, 10, 31)
UNIT = ("person_id", "subject_id")


def moment(day, hour=0):
    return datetime(2026, 10, day, hour, tzinfo=UTC)


def scored(*rows, scorer="model", shadow=False):
    """Of (person, day scored, recommended)."""
    about = {"subject_id": "R", "target_code": "t", "scorer": scorer, "is_shadow": shadow}
    frame = pl.DataFrame(rows, ["person_id", "scored_at", "is_selected"], orient="row")
    return frame.with_columns(**{name: pl.lit(value) for name, value in about.items()})


def outcomes(*rows):
    """Of (person, day decided, 1 or 0, by whom)."""
    names = ["person_id", "occurred_at", "outcome", "decided_by"]
    frame = pl.DataFrame(rows, dict.fromkeys(names) | {"decided_by": pl.String}, orient="row")
    return frame.with_columns(subject_id=pl.lit("R"), target_code=pl.lit("t"), outcome=pl.col("outcome").cast(float))


def decided(count, over, *, people=None, forward=True, by="human"):
    """So many decisions of which `over` differ from the recommendation."""
    return pl.DataFrame(
        {
            "person_id": [f"p{i % (people or count)}" for i in range(count)],
            "subject_id": [f"R{i // (people or count)}" for i in range(count)],
            "target_code": ["t"] * count,
            "decided_by": [by] * count,
            "is_recommended": [forward] * count,
            "is_yes": [forward != (i < over) for i in range(count)],
            "waited_days": [float(i) for i in range(count)],
        }
    )


def groups(count, share=0.5):
    sexes = ["female" if i < count * share else "male" for i in range(count)]
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(count)], "sex": sexes})


def test_a_decision_is_held_against_the_newest_score_before_it_and_waits_from_the_first():
    shown = scored(("a", moment(1), True), ("a", moment(3), False), ("a", moment(9), True))
    found = oversight.cases(shown, outcomes(("a", moment(5, 12), 1, "human")), UNTIL)
    assert found.select("is_recommended", "is_yes", "waited_days").rows() == [(False, True, 4.5)]


def test_a_score_at_the_moment_of_the_decision_or_after_it_was_not_seen():
    shown = scored(("a", moment(5), True))
    found = oversight.cases(shown, outcomes(("a", moment(5), 1, "human"), ("b", moment(6), 0, "human")), UNTIL)
    assert found.select("person_id", "is_recommended", "waited_days").rows() == [("a", None, None), ("b", None, None)]


@pytest.mark.parametrize("unseen", [{"scorer": "baseline"}, {"shadow": True}])
def test_what_nobody_was_shown_does_not_count(unseen):
    found = oversight.cases(scored(("a", moment(1), True), **unseen), outcomes(("a", moment(5), 1, "human")), UNTIL)
    assert found["is_recommended"].to_list() == [None]


def test_what_happened_later_and_what_is_no_yes_or_no_is_left_out():
    told = outcomes(("a", datetime(2026, 11, 1, tzinfo=UTC), 1, "human"), ("b", moment(5), 0.4, "human"))
    told = pl.concat([told, outcomes(("c", moment(31, 23), 1, "human"))])
    assert oversight.cases(scored(("a", moment(1), True)), told, UNTIL)["person_id"].to_list() == ["c"]


def test_without_any_score_or_outcome_there_is_nothing_to_judge():
    assert oversight.cases(pl.DataFrame(), pl.DataFrame(), UNTIL).is_empty()
    unscored = oversight.cases(pl.DataFrame(), outcomes(("a", moment(5), 1, "human")), UNTIL)
    result = oversight.judged(unscored, groups(1), UNIT, 30)
    assert (result.status, result.without_score, result.departed) == ("no_decisions", 1, None)
    (silent,) = findings.of_oversight(result, SETTINGS)
    assert (silent.rule, silent.is_alert) == ("no_decisions", False)


def test_departures_are_told_over_all_and_apart_for_the_two_recommendations():
    both = pl.concat([decided(40, 10), decided(60, 6, forward=False).with_columns(pl.col("person_id") + "x")])
    result = oversight.judged(both, groups(40), UNIT, 30)
    assert (result.decided, result.people, result.put_forward) == (100, 100, 40)
    assert result.departed.value == pytest.approx(0.16)
    # Wilson by hand: (.16 + 1.9208/100 -+ 1.96 sqrt(.16 * .84 / 100 + 3.8415/40000)) / (1 + 3.8415/100)
    assert (result.departed.low, result.departed.high) == (
        pytest.approx(0.1010, abs=1e-4),
        pytest.approx(0.2442, abs=1e-4),
    )
    assert (result.turned_down.value, result.brought_back.value) == (0.25, pytest.approx(0.1))


def test_several_decisions_about_one_person_are_worth_no_more_than_that_person_when_they_are_alike():
    """Ten decisions each about 20 people, nobody departed from: as good as 20, not as 200."""
    result = oversight.judged(decided(200, 0, people=20), groups(20), UNIT, 30)
    assert result.departed.high == pytest.approx(3.8415 / 23.8415, abs=1e-4)
    half = decided(200, 0, people=20).with_columns(is_yes=pl.col("person_id").str.slice(1).cast(int) < 10)
    departed = oversight.judged(half, groups(20), UNIT, 30).departed
    # Wilson of 10 in 20 by hand: 0.5 -+ 1.96 sqrt(.25 / 20 + 3.8415 / 1600) / (1 + 3.8415 / 20)
    assert (departed.low, departed.high) == (pytest.approx(0.2993, abs=1e-4), pytest.approx(0.7007, abs=1e-4))


def test_decisions_of_a_rule_or_of_nobody_named_are_counted_and_are_no_oversight():
    parts = [decided(50, 5), decided(7, 0, by="rule"), decided(3, 0, by=None)]
    result = oversight.judged(pl.concat(parts, how="vertical_relaxed"), groups(50), UNIT, 30)
    assert (result.decided, result.by_rule, result.by_nobody_named) == (50, 7, 3)


def test_a_small_group_is_named_and_its_numbers_are_not():
    result = oversight.judged(decided(59, 6), groups(59, share=29 / 59), UNIT, 30)
    small, large = sorted(result.groups, key=lambda group: group.people)
    assert (small.group, small.people, small.decided, small.departed, small.waited_days) == (
        "female",
        29,
        None,
        None,
        None,
    )
    assert (large.people, large.decided, large.waited_days) == (30, 30, 43.5)


def test_whoever_has_no_known_group_is_a_group_of_their_own():
    result = oversight.judged(decided(60, 6), groups(30), UNIT, 30)
    assert {group.group: group.people for group in result.groups} == {"female": 15, "male": 15, "unknown": 30}


def test_days_to_decide_are_told_by_quantiles():
    assert oversight.judged(decided(101, 10), groups(101), UNIT, 30).waited_days == (10.0, 50.0, 90.0)


@pytest.mark.parametrize(("count", "is_stamp"), [(72, False), (73, True)])
def test_where_nobody_departs_it_is_a_stamp_as_soon_as_chance_does_not_explain_it(count, is_stamp):
    """Wilson's upper bound of 0 of n is 3.8415 / (n + 3.8415): .0507 of 72, .04999 of 73; the bound is .05."""
    found = findings.of_oversight(oversight.judged(decided(count, 0), groups(count), UNIT, 30), SETTINGS)
    assert [(f.rule, f.is_alert) for f in found] == ([("rubber_stamp", True)] if is_stamp else [])


def test_people_who_turn_one_group_down_among_those_put_forward_are_told_of():
    """Women 40 of 100 upheld, men 90 of 100, all with the same recommendation: ratio 4/9."""
    rows = decided(200, 0).with_columns(
        is_yes=pl.Series([i < 40 for i in range(100)] + [i < 90 for i in range(100)]),
    )
    result = oversight.judged(rows, groups(200), UNIT, 30)
    (found,) = findings.of_oversight(result, SETTINGS)
    assert (found.rule, found.subject, found.is_alert) == ("oversight_by_group", "sex", True)
    assert found.value == pytest.approx(4 / 9)
    assert found.text == (
        "Of people put forward by the model, sex: people say yes to 40% (40 of 100) of female, 90% (90 of 100) of "
        "male. ADVERSE."
    )


def test_a_recommendation_is_judged_apart_so_that_the_models_own_gap_is_not_counted_as_peoples():
    """The model puts forward men and not women; people agree with all of it: nothing is people's own."""
    men, women = decided(100, 10), decided(100, 10, forward=False)
    both = pl.concat([women, men.with_columns(person_id=pl.format("p{}", pl.int_range(100, 200)))])
    result = oversight.judged(both, groups(200), UNIT, 30)
    assert {item["verdict"] for item in result.judgements} == {"INSUFFICIENT_DATA"}


def test_where_nobody_decides_there_is_no_finding_and_unmeasured_is_one():
    nobody = oversight.Oversight(family="outcomes", as_of=UNTIL, status="nobody_decides")
    assert findings.of_oversight(nobody, SETTINGS) == []
    assert [f.rule for f in findings.of_oversight(None, SETTINGS)] == ["not_measured"]


def test_the_page_tells_the_figures_and_draws_them():
    told = oversight.judged(decided(60, 6), groups(60), UNIT, 30)
    text = page.report(findings.concluded("screening", UNTIL, [], [], SETTINGS), None, None, None, told)
    assert "60 decisions by people about 60 people" in text
    assert "They departed from 10%" in text
    assert "Share of recommendations that people departed from" in text
