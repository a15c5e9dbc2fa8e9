"""The metric for each group and subject: figures by hand."""

import math
from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.evaluate import slices


def cases(*rows):
    """Scores and outcomes of (person, subject, score, outcome)."""
    keys = [{"person_id": person, "subject_id": subject, "target_code": "t"} for person, subject, *_ in rows]
    scored = [
        key | {"scorer": scorer, "score": score}
        for scorer in ("model", "baseline")
        for key, (*_, score, _) in zip(keys, rows, strict=True)
    ]
    known = [
        key | {"outcome": float(outcome), "occurred_at": datetime(2026, 1, 1, tzinfo=UTC)}
        for key, (*_, outcome) in zip(keys, rows, strict=True)
    ]
    return pl.DataFrame(scored), pl.DataFrame(known)


ROWS = [
    *(("a1", "r1", 0.9, 1), ("a2", "r1", 0.1, 0), ("a3", "r2", 0.8, 1), ("a4", "r2", 0.3, 0)),  # in order
    *(("b1", "r1", 0.2, 1), ("b2", "r1", 0.7, 0), ("b3", "r2", 0.6, 1), ("b4", "r2", 0.5, 0)),  # 1 of 4 pairs in order
    ("c1", "r3", 0.5, 1),
]
ROWS = [(f"{row[0]}-{copy}", *row[1:]) for row in ROWS[:8] for copy in range(8)] + ROWS[8:]
"""Eight of each, so that hardly a draw lacks an outcome: no figure changes by that."""
SEX = pl.DataFrame({"person_id": [row[0] for row in ROWS[:64]], "sex": ["male"] * 32 + ["female"] * 32})


def judged(kind="auc", rows=ROWS, groups=SEX, **words):
    settings = {"min_people": 2, "min_labels": 1, "resamples": 20, "seed": 1, "told_from": 2, **words}
    return slices.judged(kind, *cases(*rows), groups, **settings)


def values(found):
    return {(item["axis"], item["slice"]): item["model"]["value"] for item in found["judged"]}


def test_each_group_and_each_subject_has_its_own_figure():
    found = judged()
    assert values(found) == {
        ("sex", "female"): 0.25,
        ("sex", "male"): 1.0,
        ("subject", "r1"): 0.75,  # 0.9 above both, 0.2 above 0.1 alone
        ("subject", "r2"): 1.0,
    }
    assert found["too_few"] == {"sex": 1, "subject": 1}, "who says nothing is a group, of one; r3 has one case"


def test_people_count_and_not_cases():
    rows = [(f"a1-{copy}", f"r{number}", 0.9 - number / 10, number % 2) for number in range(6) for copy in range(8)]
    assert values(judged("mae", rows=rows, min_people=9)) == {}
    assert ("sex", "male") in values(judged("mae", rows=rows, min_people=8))


def test_a_slice_needs_enough_of_the_rarer_outcome():
    assert ("sex", "male") not in values(judged(min_labels=17))
    assert ("sex", "male") in values(judged(min_labels=16))


def test_an_error_is_a_mean_and_less_is_better():
    found = values(judged("mae"))
    assert found["sex", "male"] == pytest.approx((0.1 + 0.1 + 0.2 + 0.3) / 4)


def test_a_ranking_has_no_subjects():
    rows = [(person, "next", score, outcome) for person, _, score, outcome in ROWS]
    assert {axis for axis, _ in values(judged("ranking", rows=rows))} == {"sex"}


def test_without_groups_there_are_subjects_alone_and_every_interval_is_one():
    found = judged(groups=pl.DataFrame(schema={"person_id": pl.String}))
    assert {item["axis"] for item in found["judged"]} == {"subject"}
    for item in judged("mae")["judged"]:
        assert item["model"]["low"] <= item["model"]["value"] <= item["model"]["high"]
        assert math.isfinite(item["model"]["low"])


def told(found):
    return {item["slice"]: item["is_told"] for item in found["judged"] if item["axis"] == "sex"}


def test_a_mean_is_told_of_no_group_where_that_of_few_people_left_would_follow():
    """32 women and 31 men, and one who says nothing: the mean of all less both is theirs. Of ten it is nobody's."""
    rows = [*ROWS[:63], ("c1", "r3", 0.5, 1)]
    assert told(judged("mae", rows=rows, groups=SEX.head(63))) == {"female": False, "male": True}
    assert told(judged("auc", rows=rows, groups=SEX.head(63))) == {"female": True, "male": True}, "of pairs, no mean"
    ten = [*ROWS[:63], *((f"c{n}", "r3", 0.5, 1) for n in range(10))]
    left = judged("mae", rows=ten, groups=SEX.head(63), min_people=11, told_from=10)
    assert (told(left), left["too_few"]["sex"]) == ({"female": True, "male": True}, 1)
    left = judged("mae", rows=ten, groups=SEX.head(63), min_people=11, told_from=11)
    assert told(left) == {"female": False, "male": True}
    assert all(item["is_told"] for item in left["judged"] if item["axis"] == "subject")


def test_few_people_never_seen_are_not_told_by_those_who_were():
    scored, known = cases(*ROWS[:64])
    older = known.head(63).with_columns(subject_id=pl.lit("before"))
    enough = {"min_people": 2, "min_labels": 1, "resamples": 20, "seed": 1}
    both = pl.concat([older, known])
    assert slices.by_acquaintance("mae", scored, both, **enough, told_from=2)["judged"] == []
    (seen,) = slices.by_acquaintance("mae", scored, both, **enough, told_from=1)["judged"]
    assert (seen["slice"], seen["people"]) == ("seen before", 63)


def test_people_never_seen_are_told_apart_from_those_with_a_case_before():
    """Those of a were in order and have an older case each, those of b had 1 of 4 pairs in order and have none."""
    scored, known = cases(*ROWS[:64])
    older = known.head(32).with_columns(subject_id=pl.lit("before"))
    enough = {"min_people": 2, "min_labels": 1, "resamples": 20, "seed": 1, "told_from": 2}
    found = slices.by_acquaintance("auc", scored, pl.concat([older, known]), **enough)
    assert values(found) == {("acquaintance", "seen before"): 1.0, ("acquaintance", "never seen"): 0.25}
    assert {item["people"] for item in found["judged"]} == {32}
    nobody = slices.by_acquaintance("auc", scored, known, **enough)
    assert [item["slice"] for item in nobody["judged"]] == ["never seen"]
    assert nobody["too_few"] == {}
