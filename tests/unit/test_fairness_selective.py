"""Worst-case bounds of rates whose outcomes are known of some people only: figures by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base.errors import ContractError
from pipelines.fairness.selective import worst_case


def people(yes, no, unknown):
    """One case each: so many came true, so many did not, and of so many it is not known."""
    return [1.0] * yes + [0.0] * no + [math.nan] * unknown


WOMEN, MEN = people(1, 3, 6), people(4, 4, 2)


def bounds(groups, least=1):
    outcome = [value for values in groups.values() for value in values]
    group = [name for name, values in groups.items() for _ in values]
    found = worst_case(outcome, np.arange(len(outcome)), np.array(group), min_group_size=least)
    return found, {name: place for place, name in enumerate(found.groups)}


def test_a_rate_lies_between_none_and_all_of_those_of_whom_it_is_not_known():
    found, at = bounds({"women": WOMEN, "men": MEN})
    women, men = at["women"], at["men"]
    assert (found.people[women], found.known_people[women], found.known_share[women]) == (10, 4, 0.4)
    assert (found.among_known[women], found.low[women], found.high[women]) == pytest.approx((0.25, 0.1, 0.7))
    assert (found.among_known[men], found.low[men], found.high[men]) == pytest.approx((0.5, 0.4, 0.6))
    # Wilson by hand: 1 of 10 from .0179, 7 of 10 to .8922; 4 of 10 from .1682, 6 of 10 to .8318
    assert (found.sure_low[women], found.sure_high[women]) == pytest.approx((0.0179, 0.8922), abs=1e-4)
    assert (found.sure_low[men], found.sure_high[men]) == pytest.approx((0.1682, 0.8318), abs=1e-4)


def test_half_as_often_among_known_can_be_a_sixth_or_nearly_twice_of_all():
    found, at = bounds({"women": WOMEN, "men": MEN})
    assert found.reference == "men"
    assert found.ratio_low[at["women"]] == pytest.approx(0.1 / 0.6)
    assert found.ratio_high[at["women"]] == pytest.approx(0.7 / 0.4)
    assert (found.ratio_low[at["men"]], found.ratio_high[at["men"]]) == (1.0, 1.0)
    assert not found.is_lower.any()


def test_where_all_is_known_the_bounds_are_the_rate_and_a_group_can_be_surely_lower():
    full, at = bounds({"women": people(10, 90, 0), "men": people(50, 50, 0)})
    assert (full.low[at["women"]], full.high[at["women"]], full.ratio_high[at["women"]]) == pytest.approx(
        (0.1, 0.1, 0.2)
    )
    # Wilson of 10 of 100 ends at .1744, and of 50 of 100 begins at .4038
    assert full.is_lower[at["women"]]
    assert not full.is_lower[at["men"]]
    # 25 of 100 unknown: as many as 35 of 100, to .4472, may be yes
    open_, at = bounds({"women": people(10, 65, 25), "men": people(50, 50, 0)})
    assert not open_.is_lower[at["women"]], "35 of 100 would not be surely fewer than 50 of 100"
    assert open_.high[at["women"]] == 0.35


def test_everybody_counts_once_by_the_mean_of_their_cases_and_grades_are_parts():
    """Ann: one yes and one unknown. Bob: one no. Cid: half of a grade."""
    found = worst_case([1.0, math.nan, 0.0, 0.5], ["ann", "ann", "bob", "cid"], ["g"] * 4, min_group_size=1)
    assert (found.people[0], found.known_people[0], found.known_share[0]) == (3, 3, pytest.approx(2.5 / 3))
    assert (found.low[0], found.high[0]) == pytest.approx((1 / 3, 1.5 / 3))
    assert found.among_known[0] == pytest.approx(1 / 2.5)


def test_unknown_people_and_those_of_whom_too_little_is_known_are_compared_with_nobody():
    found, at = bounds({"women": WOMEN, "men": MEN, "unknown": people(9, 0, 0), "few": people(3, 0, 9)}, least=4)
    assert found.reference == "men"
    for name in ("unknown", "few"):
        assert math.isnan(found.ratio_low[at[name]])
        assert math.isnan(found.ratio_high[at[name]])
        assert not found.is_lower[at[name]]
    assert (found.low[at["few"]], found.high[at["few"]]) == (0.25, 1.0)
    alone, _ = bounds({"unknown": MEN})
    assert alone.reference is None
    assert not alone.is_lower.any()


def test_over_a_rate_that_may_be_none_there_is_no_upper_bound():
    found, at = bounds({"women": people(0, 4, 1), "men": people(0, 5, 0)})
    assert found.reference == "men", "the first of equals"
    assert found.ratio_high[at["women"]] == math.inf
    nobody = worst_case([], [], [], min_group_size=1)
    assert (nobody.groups, nobody.reference) == ((), None)


@pytest.mark.parametrize("value", [1.5, -0.1, math.inf])
def test_an_outcome_off_the_scale_has_no_bounds(value):
    with pytest.raises(ContractError, match="within 0 and 1; 1 of 2 are outside"):
        worst_case([value, 1.0], ["a", "b"], ["g", "g"], min_group_size=1)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_whatever_the_unknown_outcomes_are_the_rate_of_all_is_within(cases):
    truth = np.array([float(came) for came, _, _ in cases])
    is_known = np.array([known for _, known, _ in cases])
    person = np.array([who for *_, who in cases])
    found = worst_case(np.where(is_known, truth, np.nan), person, ["g"] * len(cases), min_group_size=1)
    rate = np.mean([truth[person == who].mean() for who in np.unique(person)])
    assert found.low[0] - 1e-12 <= rate <= found.high[0] + 1e-12
    assert found.high[0] - found.low[0] == pytest.approx(1 - found.known_share[0])
    assert found.sure_low[0] <= found.low[0] + 1e-12
    assert found.sure_high[0] >= found.high[0] - 1e-12
