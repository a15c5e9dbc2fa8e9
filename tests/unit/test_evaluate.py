import math

import numpy as np
import polars as pl
import pytest

from pipelines.evaluate import bootstrap, checks, groups, metrics


def once(n: int) -> np.ndarray:
    return np.ones((1, n))


def scored(*rows: tuple[str, str, str, float, float]) -> pl.DataFrame:
    """person, subject, target, score of the model, score of the baseline."""
    return pl.DataFrame(
        [
            {
                "person_id": p,
                "subject_id": s,
                "target_code": t,
                "scorer": scorer,
                "score": score,
                "is_selected": score > 0.5,
            }
            for p, s, t, ours, theirs in rows
            for scorer, score in (("model", ours), ("baseline", theirs))
        ]
    )


def outcomes(*rows: tuple[str, str, str, float], by: str = "rule") -> pl.DataFrame:
    names = ["person_id", "subject_id", "target_code", "outcome"]
    return pl.DataFrame(list(rows), schema=names, orient="row").with_columns(
        decided_by=pl.lit(by), stage_code=pl.lit("end")
    )


def test_auc_counts_pairs_in_order_and_ties_half():
    outcome = np.array([1.0, 0.0, 1.0, 0.0])
    assert bootstrap.auc(outcome, np.array([0.9, 0.1, 0.4, 0.4]))(once(4)) == pytest.approx([3.5 / 4])


def test_a_case_drawn_twice_counts_twice():
    outcome, score = np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.9, 0.1])
    assert bootstrap.auc(outcome, score)(np.array([[1.0, 2.0, 1.0]])) == pytest.approx([1 / 3])


def test_auc_without_both_outcomes_is_unknown():
    assert math.isnan(bootstrap.auc(np.array([1.0, 1.0]), np.array([0.1, 0.2]))(once(2))[0])


def test_the_difference_is_paired_and_positive_when_the_model_is_better():
    person = np.array(["a", "b", "c", "d"])
    model, baseline = bootstrap.mean(np.array([1.0, 2.0, 3.0, 4.0])), bootstrap.mean(np.array([2.0, 3.0, 4.0, 5.0]))
    ours, theirs, difference = bootstrap.estimates(model, baseline, person, resamples=200, seed=1, sign=-1)
    assert (ours.value, theirs.value) == (2.5, 3.5)
    assert (difference.value, difference.low, difference.high) == pytest.approx((1, 1, 1))
    assert ours.low < 2.5 < ours.high


def test_people_are_drawn_not_rows():
    values = bootstrap.mean(np.array([0.0, 1.0] * 50))
    same, _, _ = bootstrap.estimates(values, values, np.repeat(["a", "b"], 50), resamples=200, seed=1, sign=1)
    many, _, _ = bootstrap.estimates(values, values, np.arange(100), resamples=200, seed=1, sign=1)
    assert same.high - same.low == 0
    assert many.high - many.low > 0.1


def test_an_interval_with_an_undefined_draw_is_unknown():
    outcome = np.array([1.0, 0.0])
    value, _, _ = bootstrap.estimates(*[bootstrap.auc(outcome, outcome)] * 2, ["a", "b"], resamples=100, seed=1, sign=1)
    assert value.value == 1
    assert math.isnan(value.low)


def test_ranking_is_among_the_persons_own_candidates():
    rows = [("a", f"c{n:02}", "t", n / 20, -n / 20 + 1) for n in range(12)]
    hit = outcomes(("a", "c11", "t", 1.0), ("a", "c00", "t", 0.0), ("a", "elsewhere", "t", 1.0))
    judged = metrics.judged("ranking", scored(*rows, ("b", "c11", "t", 1.0, 1.0)), hit)
    assert judged.person.to_list() == ["a", "b"]
    assert judged.model(once(2)) == [0.5]  # first of twelve; b took none of the candidates, which is a miss
    assert judged.baseline(once(2)) == [0.0]  # twelfth of twelve
    assert judged.chance == pytest.approx((10 / 12 + 1) / 2)
    assert judged.also["ndcg_at_10"] == (0.5, 0.0)


def test_chance_of_a_grade_is_the_median_of_what_was_known_before():
    cases = scored(("a", "s", "t", 0.5, 0.1))
    known = outcomes(("a", "s", "t", 0.4), ("b", "s", "t", 0.7), ("c", "s", "t", 0.8), ("d", "s", "t", 0.9))
    judged = metrics.judged("mae", cases, known)
    assert judged.chance == pytest.approx(0.4)
    assert judged.model(once(1)) == pytest.approx([0.1])
    assert not judged.higher_is_better


def test_the_roc_curve_of_a_perfect_order_rises_at_once_and_of_none_is_the_diagonal():
    outcome = np.array([1.0, 1.0, 0.0, 0.0])
    rows = metrics.roc(outcome, {"model": np.array([4.0, 3.0, 2.0, 1.0]), "baseline": np.zeros(4)}, 2)
    assert [row["model"] for row in rows] == [1, 1, 1]
    assert [row["baseline"] for row in rows] == [0, 0.5, 1]
    assert metrics.roc(np.ones(2), {}, 2) == []


def test_calibration_bins_hold_equally_many():
    rows = metrics.calibration(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.7, 0.9]), 2)
    assert rows == [
        {"score": pytest.approx(0.2), "outcome": 0.5, "cases": 2.0},
        {"score": pytest.approx(0.8), "outcome": 1.0, "cases": 2.0},
    ]


GOOD = scored(("a", "s", "t", 0.9, 0.8), ("b", "s", "t", 0.1, 0.2))
KNOWN = outcomes(("a", "s", "t", 1.0), ("b", "s", "t", 0.0))
CARD = {"leaks": [], "inputs": ["x"]}


def failed(frame=GOOD, known=KNOWN, card=CARD, least=1):
    found = checks.all_of("auc", frame, known, card, min_cases=2, min_labels=least)
    return [check["check"] for check in found if not check["passed"]]


def test_sound_data_pass_every_check():
    assert failed() == []


def test_a_score_that_is_no_number_fails():
    assert failed(scored(("a", "s", "t", math.nan, 0.8), ("b", "s", "t", 0.1, 0.2))) == ["scores_are_numbers"]


def test_too_few_cases_of_an_outcome_fail():
    assert failed(least=2) == ["enough_of_each_outcome"]
    assert failed(known=outcomes(("a", "s", "t", 1.0))) == ["enough_cases", "enough_of_each_outcome"]


def test_a_baseline_that_scored_other_cases_fails():
    assert failed(GOOD.filter((pl.col("scorer") == "model") | (pl.col("person_id") == "a"))) == ["same_cases_for_both"]


def test_a_leak_left_among_the_inputs_fails_and_one_taken_out_does_not():
    leaks = [{"column": "told", "association": 1.0, "basis": "value"}]
    assert failed(card={"leaks": leaks, "inputs": ["x", "told"]}) == ["leaks_taken_out"]
    assert failed(card={"leaks": leaks, "inputs": ["x"]}) == []


def test_graded_decisions_select_strictly_above_the_median():
    frame = groups.decisions(
        outcomes(*[(p, "s", "t", x) for p, x in zip("abc", (0.2, 0.5, 0.9), strict=True)], by="human")
    )
    assert frame["is_selected"].to_list() == [False, False, True]


def test_decisions_by_rule_are_not_decisions_by_people():
    assert groups.decisions(outcomes(("a", "s", "t", 1.0))).is_empty()


def test_without_groups_there_are_no_axes_and_unknown_people_are_a_group():
    nobody = pl.DataFrame(schema={"person_id": pl.String})
    assert groups.judged(GOOD, KNOWN, nobody, ("person_id", "subject_id"), 1)["axes"] == []
    some = pl.DataFrame({"person_id": ["a"], "sex": ["female"]})
    (axis,) = groups.judged(GOOD, KNOWN, some, ("person_id", "subject_id"), 1)["axes"]
    assert [(row["group"], row["n"]) for row in axis["groups"]] == [("female", 1), ("unknown", 1)]
