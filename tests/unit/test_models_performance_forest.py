"""The forest of ratings: what is likely where a row ends, by hand; nothing in it is of few people."""

import numpy as np
import polars as pl
import pytest

from pipelines.base.errors import ContractError
from pipelines.models import tabular, trees
from pipelines.models.performance import forest

RATINGS = np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.7])
VALUES = np.array([[0.0]] * 5 + [[1.0]] * 5)


def grown(**changed):
    given = {"size": 3, "leaf": 5, "seed": 0, "least": 1} | changed
    return forest.grow(VALUES, RATINGS, np.arange(10), **given)


def test_a_quantile_is_that_of_the_ratings_in_the_leaf():
    # the one question that leaves five on each side: low has 0.1 three times of five, high 0.5 four times of five
    found = forest.quantiles(grown(), np.array([[0.0], [1.0]]), (0.05, 0.5, 0.6, 0.61, 0.8, 0.81))
    assert found == pytest.approx(np.array([[0.1, 0.1, 0.1, 0.9, 0.9, 0.9], [0.5, 0.5, 0.5, 0.5, 0.5, 0.7]]))
    # a mean of leaves would say 0.42 and 0.54
    assert trees.total(grown().trees, np.array([[0.0], [1.0]])) == pytest.approx([0.42, 0.54])


def test_a_rating_counts_as_much_as_its_weight():
    # of the low five 0.9 has 0.2 of 0.35, of the high five 0.7 has 0.9 of 1.3
    weights = np.array([0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9])
    found = forest.quantiles(grown(weights=weights), np.array([[0.0], [1.0]]), (0.4, 0.5))
    assert found == pytest.approx(np.array([[0.1, 0.9], [0.7, 0.7]]))


def test_trees_are_averaged_by_their_shares_and_not_by_their_counts():
    both = trees.Trees(
        roots=np.array([0, 3]), feature=np.zeros(6, np.int64), threshold=np.array([0.5, 0, 0, 9.0, 0, 0]),
        left=np.array([1, 0, 0, 4, 0, 0]), right=np.array([2, 0, 0, 5, 0, 0]),
        is_leaf=np.array([False, True, True] * 2), is_missing_left=np.zeros(6, np.bool_), value=np.zeros(6),
        intercept=np.zeros(1),
    )  # fmt: skip
    shares = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0.2, 0.8, 0], [0, 0, 1]])
    told = forest.Forest(both, np.array([0.2, 0.4, 0.8]), shares)
    # 0 ends in leaves 1 and 4: 0.6 of 0.2 and 0.4 of 0.4; 5 in leaves 2 and 4: 0.1, 0.4 and 0.5
    wanted = (0.05, 0.5, 0.7)
    assert forest.quantiles(told, np.array([[0.0], [5.0]]), wanted) == pytest.approx(
        np.array([[0.2, 0.2, 0.4], [0.2, 0.4, 0.8]])
    )


def test_a_missing_value_is_below_all_others_and_rows_are_told_alone_as_together(monkeypatch):
    asked = np.array([[np.nan], [1.0], [0.0], [1.0]])
    together = forest.quantiles(grown(), asked, (0.5,))
    assert together[:, 0] == pytest.approx([0.1, 0.5, 0.1, 0.5])
    monkeypatch.setattr(forest, "_ROWS", 1)
    assert (forest.quantiles(grown(), asked, (0.5,)) == together).all()


@pytest.mark.parametrize(
    ("people", "least", "expected"),
    [
        ([0, 1, 2, 3, 4, 5], 1, [0, 0, 1, 2, 3, 3]),  # ties share a level
        ([0, 1, 2, 3, 4, 5], 2, [0, 0, 1, 1, 2, 2]),
        ([0, 0, 1, 2, 2, 2], 2, [0] * 6),  # what is left is of one person: no level of its own
        ([0, 1, 2, 3, 4, 5], 9, [0] * 6),
    ],
)
def test_a_level_is_of_enough_people(people, least, expected):
    ratings = np.array([0.1, 0.1, 0.2, 0.3, 0.4, 0.4])
    assert forest.levels(ratings, np.array(people), least).tolist() == expected


def test_what_is_kept_is_what_is_read_and_a_damaged_file_is_refused(tmp_path):
    forest.save(grown(), tmp_path)
    asked = np.array([[0.0], [1.0], [np.nan]])
    assert (forest.quantiles(forest.load(tmp_path), asked, (0.5,)) == forest.quantiles(grown(), asked, (0.5,))).all()
    once = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    forest.save(grown(), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == once
    (tmp_path / forest.FILE).write_bytes(b"")
    with pytest.raises(ContractError, match=r"leaves\.npz must hold"):
        forest.load(tmp_path)


@pytest.mark.parametrize(
    ("cases", "coverage", "margin"),
    [
        *((9, 0.8, 8), (10, 0.8, 9), (11, 0.8, 10), (4, 0.8, 4), (3, 0.8, 1.0)),
        *((9, 0.9, 9), (10, 0.9, 10), (8, 0.9, 1.0), (0, 0.9, 1.0)),
    ],
)
def test_a_margin_is_the_case_that_keeps_the_promise_for_one_more(cases, coverage, margin):
    # of n + 1 exchangeable cases the last is as likely in each place: the k-th of n holds it k times of n + 1
    assert tabular.margin(np.arange(cases, 0, -1.0), coverage) == margin


def test_a_job_family_with_enough_validation_cases_has_a_margin_of_its_own():
    # ninety cases of A need 0.1, thirty of B need 0.3; of C there are few, D is all one person
    names = ["A"] * 90 + ["B"] * 30 + ["C"] * 19 + ["D"] * 30
    people = [f"p{n}" for n in range(139)] + ["one"] * 30
    needed = np.array([0.1] * 90 + [0.3] * 30 + [0.1] * 49)
    valid = pl.DataFrame({"person_id": people, "job_family_code": names})
    margins = tabular.margins(valid, "job_family_code", needed, 0.8, 5)
    # of 169, the share 0.8 * 170 / 169 needs 0.1: 139 of them do
    assert margins == pytest.approx({"A": 0.1, "B": (30 * 0.3 + 10 * 0.1) / 40})
    asked = pl.DataFrame({"job_family_code": ["B", "C", None, "A", "new"]})
    told = tabular.margin_of_each(margins, asked, "job_family_code", 0.07)
    assert told.tolist() == pytest.approx([0.25, 0.07, 0.07, 0.1, 0.07])
    assert tabular.margin_of_each(margins, asked, "gone", 0.07).tolist() == [0.07] * 5


@pytest.mark.parametrize(("cases", "has_its_own"), [(48, False), (49, True)])
def test_a_job_family_too_small_for_the_promise_has_the_margin_of_all(cases, has_its_own):
    """For .98 the 49th of 49 cases is the first that tells: 48 could only take all of the scale."""
    names = ["A"] * 300 + ["B"] * cases
    valid = pl.DataFrame({"person_id": [f"p{n}" for n in range(300 + cases)], "job_family_code": names})
    margins = tabular.margins(valid, "job_family_code", np.full(300 + cases, 0.1), 0.98, 5)
    assert margins == pytest.approx({"A": 0.1} | ({"B": 0.1} if has_its_own else {}))
