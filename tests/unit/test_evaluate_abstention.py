"""Of how many a model says nothing, and how right it is about the others: by hand, and nothing of few people."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from pipelines.base.contracts import ABSTAINED
from pipelines.evaluate import abstention
from pipelines.evaluate.metrics import calibration_errors
from pipelines.models import abstains
from pipelines.models.screening.features import Decide

DECIDE = Decide(threshold=0.4, abstain=True)


def rows(prefix, n, score, outcome, *, left=False):
    keys = [{"person_id": f"{prefix}{place}", "subject_id": "r", "target_code": "t"} for place in range(n)]
    told = {"score": score, "is_selected": score >= 0.4, "reasons": [ABSTAINED, "match:x"] if left else ["match:x"]}
    return [
        (key | told, key | {"outcome": float(outcome), "occurred_at": datetime(2026, 1, 1, tzinfo=UTC)}) for key in keys
    ]


CASES = [
    *rows("f-sure-right", 12, 0.8, 1),
    *rows("f-sure-wrong", 3, 0.8, 0),
    *rows("f-left-right", 2, 0.5, 1, left=True),
    *rows("f-left-wrong", 3, 0.5, 0, left=True),
    *rows("m-sure-right", 14, 0.1, 0),
    *rows("m-sure-wrong", 6, 0.1, 1),
    *rows("x", 2, 0.1, 0, left=True),
]
GROUPS = pl.DataFrame(
    [{"person_id": row["person_id"], "sex": row["person_id"][0]} for row, _ in CASES if row["person_id"][0] in "fx"]
)
OTHERS = [*rows("y-sure", 8, 0.8, 1), *rows("y-left", 5, 0.5, 0, left=True)]


def told(cases=CASES, groups=GROUPS, **words):
    scored = pl.DataFrame(
        [
            row | {"scorer": scorer, "score": row["score"] if scorer == "model" else 0.0}
            for row, _ in cases
            for scorer in ("model", "baseline")
        ]
    )
    outcomes = pl.DataFrame([known for _, known in cases])
    settings = {"may_abstain": True, "bins": 10, "told_from": 5, "seed": 1} | words
    return abstention.told(scored, outcomes, groups, **settings)


def test_what_is_decided_what_is_left_and_all_are_told_apart():
    found = told()
    assert (found["n"], found["abstained"]) == (42, 7)
    # decided: 12 of 15 and 14 of 20 came true as said; chances .8 (12 of 15 came true: off by 0), .1 (6 of 20: by .2)
    assert (found["kept"]["n"], found["kept"]["accuracy"]) == (35, pytest.approx(26 / 35))
    assert found["kept"]["calibration_error"] == pytest.approx(20 / 35 * 0.2)
    # left: 2 of 5 put forward came true, 2 of 2 turned down did; .5 against .4, .1 against 0
    assert (found["left"]["n"], found["left"]["accuracy"]) == (7, pytest.approx(4 / 7))
    assert found["left"]["calibration_error"] == pytest.approx((5 * 0.1 + 2 * 0.1) / 7)
    assert found["all"]["accuracy"] == pytest.approx(30 / 42)
    assert found["all"]["people"] == 42


def by_group(cases=CASES, **words):
    """With 13 more people, of whom the 2 would follow from all less the others."""
    more = pl.DataFrame([{"person_id": row["person_id"], "sex": "y"} for row, _ in OTHERS])
    (axis,) = told([*cases, *OTHERS], pl.concat([GROUPS, more]), **words)["axes"]
    return {row["group"]: row for row in axis["groups"]}


def test_a_group_has_its_share_and_small_ones_have_none():
    found = by_group()
    female, unknown = found["f"], found["unknown"]
    assert (found["x"], found["y"]) == ({"group": "x", "people": 2}, {"group": "y", "people": 13})
    # 5 of 20: Wilson's 95 % interval by hand, (.25 + .0960) / 1.1921 -+ 1.96 * sqrt(.1875 / 20 + .0024) / 1.1921
    assert list(female["abstained"].values()) == pytest.approx([0.25, 0.1119, 0.4687], abs=1e-4)
    assert (female["kept"]["n"], female["kept"]["accuracy"]) == (15, 0.8)
    assert unknown["abstained"]["share"] == 0
    assert by_group(told_from=6)["f"]["kept"] == {"n": 15}


def test_only_the_newest_case_of_a_person_counts_for_a_group():
    again = [
        (
            row | {"subject_id": "s", "reasons": []},
            known | {"subject_id": "s", "occurred_at": datetime(2026, 2, 1, tzinfo=UTC)},
        )
        for row, known in CASES
        if row["person_id"].startswith("f-left")
    ]
    found = told([*CASES, *again])
    assert found["abstained"] == 7
    assert by_group([*CASES, *again])["f"]["abstained"]["share"] == 0


def test_without_abstaining_nothing_is_told_and_without_cases_nothing_is_claimed():
    assert told(may_abstain=False) is None
    found = told(rows("a", 1, float("nan"), 1))
    assert (found["n"], found["all"]["accuracy"], found["all"]["calibration_error"]) == (0, None, None)


def test_exact_chances_have_an_error_too_when_they_are_few():
    # 100 at .5: |share - .5| has mean sqrt(2 / pi) * .05 = .0399
    found = told([*rows("a", 50, 0.5, 1), *rows("b", 50, 0.5, 0)])
    assert found["all"]["calibration_error"] == 0
    assert found["all"]["error_by_chance"] == pytest.approx(0.0399, abs=0.008)


def test_a_calibration_error_counts_bins_by_their_cases_and_1_is_in_the_last():
    # one of 3 at 0 comes true (off by 1/3), one of 2 at 1 (off by 1/2): (3 * 1/3 + 2 * 1/2) / 5
    found = calibration_errors(np.array([[0.0, 0.0, 1.0, 1.0, 0.0]]), np.array([0.0, 0.0, 0.0, 1.0, 1.0]), 10)
    assert found == pytest.approx([0.4])


@pytest.mark.parametrize(
    ("low", "high", "is_left"),
    [(0.3, 0.5, True), (0.1, 0.4, True), (0.1, 0.39, False), (0.4, 0.6, False), (0.39, 0.41, True),
     (float("nan"), float("nan"), True), (0.0, 1.0, True), (None, None, True)],
)  # fmt: skip
def test_a_case_is_left_to_a_person_where_its_interval_has_the_threshold_in_it(low, high, is_left):
    scored = pl.DataFrame(
        {"score": [0.4], "low": [low], "high": [high]}, schema_overrides={"low": pl.Float64, "high": pl.Float64}
    )
    assert abstains(scored, DECIDE).to_list() == [is_left]
    assert abstains(scored, Decide(threshold=0.4)).to_list() == [False]


def test_of_few_who_are_left_to_a_person_nothing_is_told_nor_what_would_tell_of_them():
    few = [*rows("f-sure", 30, 0.8, 1), *rows("f-left", 4, 0.5, 0, left=True)]
    found = told(few, pl.DataFrame([{"person_id": row["person_id"], "sex": "f"} for row, _ in few]))
    assert (found["all"]["accuracy"], found["kept"]["accuracy"], found["left"]["accuracy"]) == (
        pytest.approx(30 / 34),
        None,
        None,
    )
    assert found["axes"][0]["groups"][0]["kept"] == {"n": 30}


def test_where_all_who_are_left_out_came_true_one_more_group_is_left_out():
    """Of the 3 x and of the 8 y that are decided all came true: without m they would say so of the 3."""
    cases = [
        *rows("m-right", 20, 0.8, 1),
        *rows("m-wrong", 10, 0.8, 0),
        *rows("m-left", 10, 0.5, 0, left=True),
        *rows("y-right", 8, 0.8, 1),
        *rows("y-left", 8, 0.5, 0, left=True),
        *rows("x", 3, 0.8, 1),
    ]
    groups = pl.DataFrame([{"person_id": row["person_id"], "sex": row["person_id"][0]} for row, _ in cases])
    (axis,) = told(cases, groups)["axes"]
    accuracy = {row["group"]: row.get("kept", {}).get("accuracy") for row in axis["groups"]}
    assert accuracy == {"m": None, "x": None, "y": None}
    right = [*cases, *rows("y-wrong", 4, 0.8, 0)]
    groups = pl.DataFrame([{"person_id": row["person_id"], "sex": row["person_id"][0]} for row, _ in right])
    (axis,) = told(right, groups)["axes"]
    assert {row["group"]: row.get("kept", {}).get("accuracy") for row in axis["groups"]}["m"] == pytest.approx(2 / 3)
