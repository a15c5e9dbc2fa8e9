from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines import prepare
from pipelines.base.errors import ContractError
from pipelines.prepare import Leak, Prepare

SETTINGS = Prepare(valid_share=0.2, test_share=0.3, leak_limit=0.9, leak_min_rows=3, profile_bins=2, profile_min_rows=2)


def moment(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def dated(*days: int) -> pl.DataFrame:
    return pl.DataFrame({"person_id": [f"p{n}" for n in range(len(days))], "occurred_at": [moment(d) for d in days]})


def test_the_newest_cases_test_and_those_before_them_stop_the_training():
    found = prepare.split(dated(9, 0, 1, 2, 3, 4, 5, 6, 7, 8), SETTINGS).to_list()
    assert found == ["test"] + ["train"] * 5 + ["valid"] * 2 + ["test"] * 2


def test_cases_of_one_moment_are_cut_by_person_whatever_their_order():
    frame = dated(*[0] * 40)
    there = dict(zip(frame["person_id"], prepare.split(frame, SETTINGS), strict=True))
    turned = frame.reverse()
    assert dict(zip(turned["person_id"], prepare.split(turned, SETTINGS), strict=True)) == there
    assert sorted(there.values()) == ["test"] * 12 + ["train"] * 20 + ["valid"] * 8


def test_a_familys_own_split_stands():
    frame = dated(0, 1).with_columns(split=pl.Series(["test", "train"]))
    assert prepare.split(frame, SETTINGS).to_list() == ["test", "train"]


def test_what_it_costs_to_keep_people_together_is_counted_and_no_later_stage_sees_it():
    """Three of one group are there of five, all of two others."""
    frame = pl.DataFrame({"x": range(6), "together_id": list("aaabcc"), "together_count": [5, 5, 5, 1, 2, 2]})
    found, told = prepare.apart(frame)
    assert found.columns == ["x"]
    assert told == {"left_out": 2, "largest_together": 5}
    assert prepare.apart(found) == (found, {})


@pytest.mark.parametrize("lacking", ["train", "valid"])
def test_where_keeping_people_together_leaves_nothing_to_learn_from_or_to_stop_by_it_is_said(lacking):
    kept = pl.DataFrame({"split": [name for name in ("train", "valid", "test", "test") if name != lacking]})
    counts = {"train": 1, "valid": 1, lacking: 0}
    said = f"train {counts['train']}, valid {counts['valid']}, test 2"
    with pytest.raises(ContractError, match=rf"there are {said}, left out 9; the most .* have 7\. .* in common"):
        prepare.require_learnable("screening", kept, {"left_out": 9, "largest_together": 7})
    with pytest.raises(ContractError, match=rf"there are {said}\. Ingest a longer history\.$"):
        prepare.require_learnable("outcomes", kept, {})


def test_without_a_test_there_is_a_model_all_the_same():
    prepare.require_learnable("outcomes", pl.DataFrame({"split": ["train", "valid"]}), {})


def test_association_with_yes_and_no_is_the_doubled_distance_of_the_auc_from_one_half():
    outcome = np.array([0.0, 0.0, 1.0, 1.0])
    assert prepare.association(np.array([1.0, 2.0, 3.0, 4.0]), outcome) == pytest.approx(1)
    assert prepare.association(np.array([4.0, 3.0, 2.0, 1.0]), outcome) == pytest.approx(1)
    assert prepare.association(np.array([1.0, 3.0, 2.0, 4.0]), outcome) == pytest.approx(0.5)  # 3 of 4 pairs


def test_association_with_a_grade_is_the_rank_correlation():
    grades = np.array([0.1, 0.2, 0.4, 0.3])
    assert prepare.association(np.array([1.0, 10.0, 1000.0, 100.0]), grades) == pytest.approx(1)
    assert prepare.association(np.array([1.0, 2.0, 3.0, 4.0]), grades) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)


def test_a_constant_says_nothing():
    assert np.isnan(prepare.association(np.array([1.0, 1.0]), np.array([0.0, 1.0])))
    assert np.isnan(prepare.association(np.array([1.0, 2.0]), np.array([1.0, 1.0])))


def test_an_input_that_tells_the_outcome_is_a_leak_and_an_ordinary_one_is_not():
    inputs = pl.DataFrame({"told": [1.0, 2.0, 3.0, 4.0], "fair": [1.0, 3.0, 2.0, 4.0], "code": ["a", "a", "b", "b"]})
    found = prepare.leaks(inputs, pl.Series([0.0, 0.0, 1.0, 1.0]), SETTINGS)
    assert found == [Leak("told", 1.0, "value")]


def test_gaps_that_tell_the_outcome_are_a_leak():
    inputs = pl.DataFrame({"filled": [None, None, None, 1.0, 2.0, 1.0]})
    found = prepare.leaks(inputs, pl.Series([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), SETTINGS)
    assert found == [Leak("filled", 1.0, "missing")]


def test_too_few_values_are_not_called_a_leak():
    inputs = pl.DataFrame({"told": [1.0, 2.0, None, None]})
    found = prepare.leaks(inputs, pl.Series([0.0, 1.0, 0.0, 1.0]), SETTINGS)
    assert found == []


def test_a_leaking_input_goes_with_every_column_of_its_source_and_no_other():
    frame = pl.DataFrame({"told": [1], "told__mean": [1], "told__steps": [[1]], "told_otherwise": [1]})
    assert prepare.without(frame, [Leak("told__mean", 0.95, "value")]).columns == ["told_otherwise"]


def test_the_reference_is_who_is_asked_about_and_with_too_few_of_them_who_was_learnt_from():
    training = pl.DataFrame({"person_id": ["a", "a"], "n": [1.0, 2.0]})
    asked = pl.DataFrame({"person_id": ["a", "b"], "n": [7.0, 9.0], "told": [1.0, 1.0]})
    assert prepare.referenced(training, asked, 2).to_dict(as_series=False) == {"person_id": ["a", "b"], "n": [7.0, 9.0]}
    assert prepare.referenced(training, asked, 3) is training
