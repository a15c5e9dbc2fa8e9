"""Errors, calibration and attention by group: figures by hand, and nothing of few people."""

from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.evaluate import parity


def cases(*rows):
    """Scores and outcomes of (person, subject, score, is_selected, outcome, day of January)."""
    keys = [{"person_id": person, "subject_id": subject, "target_code": "t"} for person, subject, *_ in rows]
    scored = [
        key | {"scorer": scorer, "score": score if scorer == "model" else 1 - score, "is_selected": is_selected}
        for scorer in ("model", "baseline")
        for key, (_, _, score, is_selected, *_) in zip(keys, rows, strict=True)
    ]
    known = [
        key | {"outcome": outcome, "occurred_at": datetime(2026, 1, day, tzinfo=UTC)}
        for key, (*_, outcome, day) in zip(keys, rows, strict=True)
    ]
    return pl.DataFrame(scored), pl.DataFrame(known, schema_overrides={"outcome": pl.Float64})


def of(prefix, n, score, is_selected, outcome):
    return [(f"{prefix}{place}", "r", score, is_selected, outcome, 1) for place in range(n)]


ROWS = [
    *of("f-tp", 6, 0.5, True, 1.0),
    *of("f-fn", 4, 0.5, False, 1.0),
    *of("f-fp", 2, 0.5, True, 0.0),
    *of("f-tn", 8, 0.5, False, 0.0),
    *of("m-tp", 9, 0.5, True, 1.0),
    *of("m-fn", 1, 0.5, False, 1.0),
    *of("m-fp", 6, 0.5, True, 0.0),
    *of("m-tn", 4, 0.5, False, 0.0),
    *of("u-tp", 5, 0.5, True, 1.0),
    *of("u-fn", 2, 0.5, False, 1.0),
    *of("u-fp", 3, 0.5, True, 0.0),
    *of("u-tn", 3, 0.5, False, 0.0),
]
FEW = [*of("x-tp", 3, 0.5, True, 1.0), *of("x-fn", 1, 0.5, False, 1.0)]
SEX = {"f": "female", "m": "male", "x": "other"}
EVERYONE = [*ROWS, *FEW]
GROUPS = pl.DataFrame(
    [{"person_id": row[0], "sex": SEX[row[0][0]], "race": "all"} for row in EVERYONE if row[0][0] in SEX]
)


def told(rows=ROWS, kind="auc", groups=GROUPS, **words):
    settings = {"threshold": None, "lists_people": False, "bins": 10, "min_group_size": 5, "told_from": 5, **words}
    return parity.told(kind, *cases(*rows), groups, **settings)


def by_group(found, axis="sex", part="axes"):
    return {row["group"]: row for item in found[part] if item["axis"] == axis for row in item["groups"]}


def test_error_rates_of_each_group_and_how_far_they_are_apart():
    found = by_group(told())
    female, male = found["female"]["rates"], found["male"]["rates"]
    assert {name: (row["counted"], row["of"], row["share"]) for name, row in female.items()} == {
        "true": (6, 10, 0.6),
        "false": (2, 10, 0.2),
        "precision": (6, 8, 0.75),
        "accuracy": (14, 20, 0.7),
    }
    assert (male["true"]["share"], male["false"]["share"]) == (0.9, 0.6)
    assert (male["true"]["gap"], female["true"]["gap"]) == (0, pytest.approx(-0.3))
    # Newcombe (1998) of 6 of 10 against 9 of 10, from the Wilson intervals by hand:
    # .6 [.3127, .8318], .9 [.5958, .9821]; -.3 - sqrt(.2873² + .0821²), -.3 + sqrt(.2318² + .3042²)
    assert (female["true"]["gap_low"], female["true"]["gap_high"]) == pytest.approx((-0.5988, 0.0825), abs=2e-4)
    assert (female["true"]["low"], female["true"]["high"]) == pytest.approx((0.3127, 0.8318), abs=1e-4)


def test_of_a_large_group_no_rate_is_told_that_few_people_stand_behind_nor_of_one_that_would_tell_them():
    """Of 12 women 4 came true, of 13 men 5, of 20 others 10: the women's rates would follow from everybody's."""
    rows = [*of("f-tp", 2, 0.5, True, 1.0), *of("f-fn", 2, 0.5, False, 1.0), *of("f-fp", 4, 0.5, True, 0.0)]
    rows += [*of("f-tn", 4, 0.5, False, 0.0), *of("m-tp", 5, 0.5, True, 1.0), *of("m-tn", 8, 0.5, False, 0.0)]
    rows += [*of("x-tp", 5, 0.5, True, 1.0), *of("x-fn", 5, 0.5, False, 1.0), *of("x-fp", 5, 0.5, True, 0.0)]
    rows += of("x-tn", 5, 0.5, False, 0.0)
    sex = pl.DataFrame([{"person_id": row[0], "sex": SEX[row[0][0]]} for row in rows])
    found = by_group(told(rows, groups=sex))
    for name, right, of_them in (("female", 6, 12), ("male", 13, 13)):
        rates = found[name]["rates"]
        assert (rates["true"], rates["precision"], rates["false"]) == ({}, {}, {}), "one gives the others away"
        assert (rates["accuracy"]["counted"], rates["accuracy"]["of"]) == (right, of_them)
    true = found["other"]["rates"]["true"]
    assert (true["counted"], true["of"]) == (5, 10)
    assert true["gap"] is None, "it would tell the rate of the men, who had the highest"


def test_a_score_of_one_half_is_right_where_half_came_true_and_the_gap_has_an_interval():
    found = by_group(told())
    # 10 of 20 came true of each: no excess; the standard error is sqrt(.25 * 20/19 / 20) = .1147
    assert found["female"]["calibration"] == pytest.approx(
        {"excess": 0, "low": -0.2248, "high": 0.2248, "error": 0}, abs=1e-4
    )
    low = told([(*row[:2], 0.3, *row[3:]) for row in ROWS])
    assert by_group(low)["male"]["calibration"]["excess"] == pytest.approx(0.2)


def test_unknown_people_are_compared_with_nobody():
    unknown = by_group(told())["unknown"]
    assert (unknown["people"], unknown["rates"]["accuracy"]["share"]) == (13, pytest.approx(8 / 13))
    assert unknown["rates"]["accuracy"]["gap"] is None
    assert unknown["calibration"]["excess"] is None


def test_small_groups_are_named_with_their_number_alone_and_so_is_the_smallest_other_that_would_tell_of_them():
    found = by_group(told(EVERYONE))
    assert found["other"] == {"group": "other", "people": 4}
    assert found["unknown"] == {"group": "unknown", "people": 13}
    assert found["female"]["rates"]["true"]["counted"] == 6


def test_groups_too_small_to_be_compared_have_rates_where_they_are_not_of_few_people():
    small = told(min_group_size=21, lists_people=True)
    rate = by_group(small)["female"]["rates"]["true"]
    assert (rate["counted"], rate["of"], rate["gap"]) == (6, 10, None)
    row = by_group(small, part="lists")["female"]
    assert (row["listed"], row["ratio"]) == (20, None)
    few = told(min_group_size=5, told_from=21, lists_people=True)
    assert [by_group(few, part=part)["female"] for part in ("axes", "lists")] == [{"group": "female", "people": 20}] * 2


def test_everybody_counts_once_by_the_newest_case():
    early = [(person, "before", score, not chosen, 1 - outcome, 1) for person, _, score, chosen, outcome, _ in ROWS]
    late = [(*row[:5], 2) for row in ROWS]
    assert told([*late, *early]) == told()


def test_cases_without_an_outcome_or_a_score_are_left_out():
    more = [*of("f-open", 9, 0.5, True, None), *of("m-broken", 9, float("nan"), True, 1.0)]
    groups = pl.concat([GROUPS, pl.DataFrame({"person_id": [r[0] for r in more], "sex": "female", "race": "all"})])
    assert told([*ROWS, *more], groups=groups) == told()


def test_what_the_rule_pack_crosses_is_told_together():
    found = by_group(told(EVERYONE), axis="sex x race")
    assert found["female|all"]["rates"]["true"]["share"] == 0.6
    assert found["other|all"] == {"group": "other|all", "people": 4}
    assert found["unknown"] == {"group": "unknown", "people": 13}


def test_a_grade_is_favourable_from_the_threshold_on_and_is_no_chance():
    graded = [(*row[:4], 0.4 if row[4] else 0.39, row[5]) for row in ROWS]
    found = by_group(told(graded, kind="mae", threshold=0.4))
    assert found["female"]["rates"] == by_group(told())["female"]["rates"]
    assert "calibration" not in found["female"]


def test_a_ranking_says_yes_or_no_to_nobody():
    assert told(kind="ranking") == {"axes": [], "lists": []}
    assert told(kind="mae") == {"axes": [], "lists": []}


def test_without_group_data_nothing_is_told():
    assert told(groups=pl.DataFrame(schema={"person_id": pl.String})) == {"axes": [], "lists": []}


def lists():
    """Ten requisitions: a man, two women, one of the few, one of eight; nothing else differs than the place."""
    rows, groups = [], {}
    for n in range(10):
        for place, (sex, outcome) in enumerate(
            (("male", 1.0), ("female", 1.0), ("female", 0.0), ("few", 1.0), ("eight", 1.0))
        ):
            person = f"{sex}-{place}-{ {'few': 0, 'eight': n % 8}.get(sex, n) }"
            rows.append((person, f"r{n}", 0.9 - place / 10, True, outcome, 1))
            groups[person] = sex
    return rows, pl.DataFrame({"person_id": list(groups), "sex": list(groups.values())})


def test_attention_falls_with_the_rank_and_one_person_often_listed_is_few_people():
    rows, groups = lists()
    found = by_group(told(rows, groups=groups, lists_people=True), part="lists")
    assert found["male"] | {"low": 1.0, "high": 1.0} == found["male"]
    # Ranks 2 and 3 earn 1/log2(3) = .63093 and 1/log2(4) = .5, on average .56546 of what the first earns.
    assert (found["female"]["listed"], found["female"]["ratio"]) == (20, pytest.approx(0.56546, abs=1e-5))
    # For each who came true: women .63093 + .5 = 1.13093, men 1.
    assert found["male"]["by_merit"] == pytest.approx(1 / 1.13093, abs=1e-5)
    assert found["few"] == {"group": "few", "people": 1}
    assert found["eight"] == {"group": "eight", "people": 8}, "all lists less the others would tell of the few"
    assert told(rows, groups=groups)["lists"] == []


def test_the_group_seen_most_is_one_of_enough_people():
    rows, groups = lists()
    first = [(*row[:2], 0.99 if row[0].startswith("few") else row[2], *row[3:]) for row in rows]
    found = by_group(told(first, groups=groups, lists_people=True), part="lists")
    assert found["male"]["ratio"] == 1


def test_attention_against_a_group_of_which_nothing_is_told_is_not_told_either():
    """The men are seen most, and all lists less the women would tell of the few without them."""
    rows, groups = lists()
    rows = [row for row in rows if not row[0].startswith("eight")]
    found = by_group(told(rows, groups=groups, lists_people=True), part="lists")
    assert found["male"] == {"group": "male", "people": 10}
    assert (found["female"]["listed"], found["female"]["ratio"], found["female"]["high"]) == (20, None, None)


def test_who_is_seen_is_told_of_scores_whose_outcome_nobody_knows():
    rows, groups = lists()
    scored = pl.DataFrame([row[:3] for row in rows], ["person_id", "subject_id", "score"], orient="row")
    scored = scored.with_columns(scorer=pl.lit("model"))
    others = scored.with_columns(scorer=pl.lit("baseline"), score=1 - pl.col("score"))
    nothing = scored.head(1).with_columns(score=float("nan"), person_id=pl.lit("no number"))
    (found,) = parity.listed(pl.concat([scored, others, nothing]), groups, 9, 9)
    seen = {row["group"]: row for row in found["groups"]}
    assert found["axis"] == "sex"
    assert (seen["female"]["listed"], seen["female"]["ratio"]) == (20, pytest.approx(0.56546, abs=1e-5))
    assert (seen["male"]["ratio"], seen["male"]["by_merit"]) == (1, None)
    assert seen["few"] == {"group": "few", "people": 1}
    assert "unknown" not in seen
    assert parity.listed(pl.DataFrame(), groups, 9, 9) == []
    assert parity.listed(scored, groups.select("person_id"), 9, 9) == []
