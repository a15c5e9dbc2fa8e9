"""The reference profile: worked out by hand, and silent about what comes from few people."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base import profiles


def of(values, bins, min_people, people=None):
    people = [f"p{n}" for n in range(len(values))] if people is None else people
    inputs = pl.DataFrame({"person_id": pl.Series(people, dtype=pl.String), "x": values}, strict=False)
    return profiles.profile(inputs, bins, min_people)["x"]


def test_bins_hold_their_upper_edge_and_missing_values_are_counted_apart():
    assert of([1.0, 2.0, 3.0, 4.0, None], 2, 1) == {
        "kind": "numeric",
        "n": 5,
        "missing_share": pytest.approx(0.2),
        "edges": [1.0, 2.0, 4.0],
        "shares": [0.5, 0.5],
    }


def test_categories_have_their_share_of_the_rows_with_a_value():
    found = of(["x", "y", "x", None, "x"], 2, 1)
    assert (found["kind"], found["categories"], found["shares"]) == ("categorical", ["x", "y"], [0.75, 0.25])


def test_a_category_of_too_few_people_is_not_named_however_many_rows_it_has():
    found = of(["x", "x", "y", "y", "y", "y"], 2, 2, ["a", "b", "c", "c", "c", "c"])
    assert (found["categories"], found["shares"]) == (["x"], [pytest.approx(1 / 3)])


def test_an_extreme_value_of_one_person_leaves_no_trace_in_the_edges():
    usual = [float(n) for n in range(100)]
    found, other = (of([*usual, extreme], 4, 10) for extreme in (1e6, 777.0))
    assert found == other
    # the tenth lowest is 9 and the tenth highest 91: each edge lies beside one person's value, in few digits
    assert found["edges"] == [9.5, 25.5, 50.5, 75.5, 90.5]
    assert sum(found["shares"]) == pytest.approx(1)


def test_rows_of_one_person_do_not_make_a_bin():
    people = [*(f"p{n}" for n in range(20)), *["one"] * 80]
    found = of([*map(float, range(20)), *np.linspace(100, 200, 80).tolist()], 4, 5, people)
    assert max(found["edges"]) < 20


def test_a_value_that_enough_people_share_is_an_edge_itself():
    found = of([0.0] * 10 + [1.0] * 10 + [2.0] * 10, 3, 10)
    assert (found["edges"], found["shares"]) == ([0.0, 0.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3])


def test_one_value_shared_by_all_is_told_as_such():
    assert of([5.0] * 10, 3, 10)["edges"] == [5.0, 5.0]
    assert of([5.0] * 10 + [6.0], 3, 10)["edges"] == []


@pytest.mark.parametrize("count", [9, 15, 19])
def test_too_few_people_have_one_bin_without_edges(count):
    found = of([float(n) for n in range(count)], 3, 10)
    assert (found["edges"], found["shares"]) == ([], [1.0])


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_column_without_values_has_a_profile_all_the_same(values):
    found = of(pl.Series(values, dtype=pl.Float64), 4, 1)
    assert (found["missing_share"], found["edges"], found["shares"]) == (1.0, [], [0.0])


numbers = st.one_of(st.integers(-3, 12).map(float), st.floats(-1e9, 1e9))


@given(st.lists(st.tuples(st.integers(0, 25), numbers), max_size=80), st.integers(1, 6), st.integers(2, 6))
def test_whatever_the_values_no_edge_and_no_bin_is_of_fewer_than_so_many_people(rows, bins, least):
    values, people = [value for _, value in rows], [f"p{who}" for who, _ in rows]
    found = of(pl.Series(values, dtype=pl.Float64), bins, least, people)
    edges = found["edges"]
    assert edges == sorted(edges)
    assert len(edges) == 2 or edges == [] or edges[0] < edges[-1]
    for edge in edges:
        holders = {who for who, value in zip(people, values, strict=True) if value == edge}
        assert not holders or len(holders) >= least
    bounds = [-np.inf, *edges[1:-1], np.inf] if edges else []
    for low, high, share in zip(bounds, bounds[1:], found["shares"], strict=False):
        inside = [who for who, value in zip(people, values, strict=True) if low < value <= high]
        assert share == pytest.approx(len(inside) / len(values))
        assert len(set(inside)) >= least


def test_one_value_of_many_and_a_few_others_are_one_bin_and_not_a_constant():
    """Two equal edges say that nobody had another value: then the same people would have drifted from themselves."""
    found = of([0.0] * 5 + [1.0] * 22 + [2.0] * 4, 10, 10)
    assert (found["edges"], found["shares"]) == ([], [1.0])
    assert of([1.0] * 31, 10, 10)["edges"] == [1.0, 1.0]
