"""Several decisions about one person are not several people."""

import numpy as np
import polars as pl
import pytest

from pipelines.evaluate import groups
from pipelines.fairness import Reason, Verdict, bias_report
from pipelines.fairness.clusters import repeats
from pipelines.fairness.grids import worth


def found(rows, of=2):
    """What decisions of (group, person, selected) share."""
    group, person, selected = (np.array(column) for column in zip(*rows, strict=True))
    return repeats(selected.astype(bool), group, person, of)


def pool(people, times):
    """[(group, selected)] judged, everybody decided about so many times alike."""
    group, selected = (np.repeat(np.array(column), times) for column in zip(*people, strict=True))
    periods = np.tile([f"period {number}" for number in range(times)], len(people))
    who = np.repeat(np.arange(len(people)), times)
    (report,) = bias_report(selected, {"sex": group}, periods, person=who, min_group_size=30)
    return {row.group: row for row in report.pool.groups}


def test_decisions_that_agree_are_worth_one_person_each():
    # residuals are all a half; two people of two: (1^2 + 1^2 + .25 + .25 - 6 / 4) / (4 pairs * .25) = 1
    told = found([(0, 7, 1), (0, 7, 1), (0, 8, 0), (0, 8, 0), (1, 9, 1), (1, 10, 0)])
    assert told.persons.tolist() == [2, 2]
    assert told.design_effect.tolist() == pytest.approx([2.0, 1.0])


def test_decisions_that_agree_by_chance_are_worth_themselves():
    told = found([(0, 1, 1), (0, 1, 1), (0, 2, 0), (0, 2, 0), (0, 3, 1), (0, 3, 0), (0, 4, 0), (0, 4, 1)], of=1)
    assert told.persons.tolist() == [4]
    assert told.design_effect.tolist() == pytest.approx([1.0])


def test_between_them_decisions_count_for_a_part_and_more_of_whoever_has_more():
    pairs = [(1, 1), (0, 0), (1, 1), (0, 0), (1, 0), (0, 1)]
    rows = [(0, person, chosen) for person, both in enumerate(pairs) for chosen in both]
    # six of two: (4 - 12 / 4) / (12 pairs * .25) = a third, and 1 + 1/3 * (2 - 1)
    assert found(rows, of=1).design_effect.tolist() == pytest.approx([4 / 3])
    # one more group of one person with three and one with one, half selected: (9 + 1) / 4 = 2.5 decisions a person
    more = [*rows, (1, 90, 1), (1, 90, 0), (1, 90, 1), (1, 91, 0)]
    # residuals a half again: within is 1 + (.5^2 + .5^2 - 4 / 4) = .5 of (12 + 6) pairs * .25
    assert found(more).design_effect.tolist() == pytest.approx([1 + 1 / 9, 1 + 1 / 9 * 1.5])


def test_decisions_that_differ_within_everybody_are_worth_no_more_than_themselves():
    assert found([(0, k, chosen) for k in range(4) for chosen in (1, 0)], of=1).design_effect.tolist() == [1.0]


def test_decisions_are_never_worth_less_than_people():
    # three of one person are the only selected of twelve: (2.25^2 - 3 * .75^2) / (6 pairs * .1875) would be 3
    rows = [(0, 1, 1)] * 3 + [(0, k, 0) for k in range(2, 11)]
    assert found(rows, of=1).design_effect.tolist() == pytest.approx([(9 + 9 * 1) / 12])


def test_how_alike_decisions_are_is_told_by_those_who_have_several():
    pairs = [(1, 1), (0, 0), (1, 1), (0, 0), (1, 0), (0, 1)]
    rows = [(0, person, chosen) for person, both in enumerate(pairs) for chosen in both]
    # a group whose only people have one decision each, all selected, says nothing of it: a third, as before
    assert found([*rows, *((1, k, 1) for k in range(10, 30))]).design_effect.tolist() == pytest.approx([4 / 3, 1.0])


def test_somebody_in_two_groups_is_a_person_of_each():
    assert found([(0, 1, 1), (1, 1, 1), (0, 2, 0), (1, 3, 0)]).persons.tolist() == [2, 2]


def test_whether_all_were_selected_by_person_cannot_be_told_and_counts_as_equal():
    assert found([(0, 1, 1), (0, 1, 1), (0, 2, 1), (0, 2, 1)], of=1).design_effect.tolist() == [2.0]


def test_groups_without_anybody_have_nobody():
    told = repeats(np.zeros(0, bool), np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    assert (told.persons.tolist(), told.design_effect.tolist()) == ([0, 0], [1.0, 1.0])


def test_five_equal_decisions_a_person_are_judged_as_one():
    people = [("a", k < 9) for k in range(40)] + [("b", k < 180) for k in range(400)]
    once, often = pool(people, 1)["a"], pool(people, 5)["a"]
    assert (often.people, often.n, often.selected, often.rate) == (40, 200, 45, 0.225)
    assert often.design_effect == pytest.approx(5.0)
    assert (often.verdict, often.reasons) == (once.verdict, once.reasons)
    told = ("impact_ratio", "low", "high", "z", "fisher_p", "mid_p", "p_value", "power")
    assert [getattr(often, name) for name in told] == pytest.approx([getattr(once, name) for name in told])


def test_what_one_person_turns_is_told_by_people():
    people = [("a", k < 2) for k in range(30)] + [("b", k < 3) for k in range(30)]
    assert Reason.FLIPS_WITH_ONE_PERSON in pool(people, 5)["a"].reasons
    assert pool(people, 5)["a"].is_flipped_by_one


def test_a_group_of_few_people_is_small_however_often_they_were_decided_about():
    few = pool([("a", False)] * 29 + [("b", k < 50) for k in range(100)], 5)["a"]
    assert (few.n, few.people, few.is_small, few.verdict) == (145, 29, True, Verdict.INSUFFICIENT_DATA)


def test_with_no_bias_five_decisions_a_person_are_adverse_at_most_once_in_twenty():
    generator, adverse = np.random.default_rng(0), 0
    for _ in range(200):
        chosen = generator.random(1040) < 0.3
        rows = pool([("a" if k < 40 else "b", chosen[k]) for k in range(1040)], 5)
        adverse += any(row.verdict is Verdict.ADVERSE for row in rows.values())
    assert adverse / 200 <= 0.05  # 35 % where decisions count as people


def test_a_gap_of_many_people_stays_adverse():
    rows = pool([("a", k < 60) for k in range(200)] + [("b", k < 400) for k in range(800)], 5)
    assert rows["a"].verdict is Verdict.ADVERSE


def test_evaluate_says_who_a_decision_is_about():
    people = [f"p{k:02}" for k in range(40)]
    decisions = pl.DataFrame(
        {
            "stage": "review",
            "person_id": people * 3,
            "subject": [period for period in ("1", "2", "3") for _ in people],
            "is_selected": [k % 2 == 0 for k in range(40)] * 3,
        }
    )
    answers = pl.DataFrame({"person_id": people, "sex": ["f" if k < 20 else "m" for k in range(40)]})
    (report,) = groups.reports(decisions, answers, min_group_size=30)
    assert [(row.n, row.people, row.is_small) for row in report.pool.groups] == [(60, 20, True)] * 2


def test_decisions_that_say_twice_the_same_are_worth_half_as_many_and_somebody_is_never_nobody():
    people, selected = worth([80, 120, 1, 0], [40, 120, 1, 0], [2.0, 3.0, 4.0, 1.0])
    assert people.tolist() == [40, 40, 1, 0]
    assert selected.tolist() == [20, 40, 0, 0]
