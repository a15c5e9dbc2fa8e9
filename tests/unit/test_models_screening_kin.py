"""Which job families a text speaks of: expected values by hand."""

import numpy as np
import polars as pl
import pytest

from pipelines.models.screening import kin, text

CHEF, TEACHER = [1.0, 0.0], [0.0, 1.0]


def test_a_term_tells_as_much_as_it_differs_between_families():
    # weights of a term sum to 2, so 1 is expected of each family. Term 0: (2-1)² + (0-1)² = 2; term 1: 0; term 2: 2
    weights = np.array([[1.0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]])
    families = np.array([CHEF, CHEF, TEACHER, TEACHER])
    assert kin.telling(weights, families, most=3) == pytest.approx([1, 0, 1])
    assert kin.telling(weights, families, most=1) == pytest.approx([1, 0, 0])  # of equals the first
    # term 1 is now (1.5-1)² + (0.5-1)² = 0.5, a quarter of the others', and its weight the root of that
    uneven = np.array([[1.0, 1, 0], [1, 0.5, 0], [0, 0.5, 1], [0, 0, 1]])
    assert kin.telling(uneven, families, most=3) == pytest.approx([1, 0.5, 1])


def test_a_reader_is_the_ridge_regression_of_families_on_signs():
    weights = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    reader = kin.learn(weights, np.array([CHEF, CHEF, TEACHER, TEACHER]), 2, 1.0)
    # centred columns are ±1/2 and opposite: X'X = [[1, -1], [-1, 1]] and X'y = [1, -1], so (X'X + I) b = X'y has
    # b = [1/3, -1/3]
    assert reader.speaks[:, 0] == pytest.approx([1 / 3, -1 / 3])
    assert reader.families(np.array([[5.0, 0]]))[0] == pytest.approx([1 / 2 + 1 / 3, 1 / 2 - 1 / 3])
    assert reader.families(np.zeros((1, 2)))[0] == pytest.approx([1 / 2, 1 / 2])


def test_a_text_without_signs_begins_where_the_mean_text_does():
    weights = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    reader = kin.learn(weights, np.array([CHEF, CHEF, CHEF, TEACHER]), 2, 1e-9, is_chosen=False)
    # with hardly a penalty: 1 for the first sign and 0 for the second, so between them by symmetry
    assert reader.families(np.zeros((1, 2)))[0] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_many_and_few_texts_are_solved_alike():
    rng = np.random.default_rng(0)
    weights, families = rng.random((6, 6)), rng.integers(0, 2, (6, 2)).astype(float)
    few = kin.learn(weights, families, 6, 0.5)
    many = kin.learn(np.vstack([weights, weights]), np.vstack([families, families]), 6, 1.0)  # twice the penalty
    assert few.speaks == pytest.approx(many.speaks)


def test_what_is_said_of_who_taught_is_what_would_be_said_of_others():
    """Eight people with a word of their own each: who has seen them knows their family, who has not, does not."""
    weights, people = np.eye(8), [f"p{n}" for n in range(8)]
    families = np.array([CHEF, TEACHER] * 4)
    seen = kin.learn(weights, families, 8, 0.01).families(weights)
    assert (seen.argmax(axis=1) == families.argmax(axis=1)).all()
    unseen = kin.unseen(weights, families, people, 8, 0.01)
    assert np.ptp(unseen[families[:, 0] == 1, 0]) == pytest.approx(np.ptp(unseen[families[:, 0] == 0, 0]), abs=0.5)
    assert not (unseen.argmax(axis=1) == families.argmax(axis=1)).all()


def test_only_who_was_advanced_belongs_to_a_family():
    train = pl.DataFrame(
        {
            "person_id": ["p2", "p1", "p1", "p3"],
            "resume_text": ["b", "a", "a", "c"],
            "job_family_code": ["chef", "chef", "teacher", "chef"],
            "outcome": [1.0, 1.0, 0.0, 0.0],
        }
    )
    people, belongs = kin.advanced(train, ["chef", "teacher"])
    assert people["person_id"].to_list() == ["p1", "p2"]
    assert belongs.tolist() == [CHEF, CHEF]


def test_texts_that_speak_of_the_same_families_are_kin():
    found = kin.alike(np.array([[0.7, 0.2], [0.1, 0.6]]), np.array([CHEF, CHEF]))
    assert found.tolist() == [[0.7, 0.7], [0.1, 0.6]]


def test_words_of_short_lines_count_twice_once_with_a_mark():
    written = "Head Chef\nI cooked for guests of a large hotel\n  one two three four five six\n"
    [fields] = text.fields_of(pl.Series([written])).to_list()
    assert fields[-8:] == ["_head", "_chef", "_one", "_two", "_three", "_four", "_five", "_six"]
    assert fields[:2] == ["head", "chef"]
    assert text.fields_of(pl.Series(["a b c d e f g"])).to_list() == [["a", "b", "c", "d", "e", "f", "g"]]
    assert "_head _chef" in text.counted(["Head Chef"], 1, text.fields_of)[0]
