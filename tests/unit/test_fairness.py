import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.base.errors import ContractError
from pipelines.fairness import (
    RULES,
    Reason,
    Verdict,
    bias_report,
    intersection,
    judge_counts,
    scoring_rates,
    verdicts,
    worst,
)
from pipelines.fairness.exact import exact_p
from pipelines.fairness.pairs import Pair, is_flipped_by_one, is_small_sample, p_value
from pipelines.fairness.rules import BY_SEVERITY, reasons_of
from pipelines.fairness.strata import mantel_haenszel
from pipelines.fairness.verdicts import is_practically_large
from tests.unit.judging import pool, selections, subjects

G3 = Pair(180, 400, 600, 1000)
G4 = Pair(9, 30, 120, 300)


def decide(pair, power, rules):
    judged = verdicts.decide(pair, p_value(pair, exact_p(pair).fisher), power, rules)
    return BY_SEVERITY[judged.verdicts], reasons_of(int(judged.reasons))


def rows_of(judged):
    return {row.group: row for row in judged.groups}


def test_below_four_fifths_and_significant_is_adverse():
    assert decide(G3, 0.98, RULES)[0] is Verdict.ADVERSE


def test_a_gap_with_a_p_of_seven_percent_is_not_significant():
    # z = .11 / sqrt(.255 * .745 * 2/100) = 1.785, p = .074
    assert decide(Pair(20, 100, 31, 100), 0.9, RULES)[0] is Verdict.INVESTIGATE
    assert decide(Pair(18, 100, 31, 100), 0.9, RULES)[0] is Verdict.ADVERSE  # z = 2.14, p = .033


def test_a_p_of_exactly_five_percent_is_not_significant():
    for p, verdict in ((0.05, Verdict.INVESTIGATE), (np.nextafter(0.05, 0), Verdict.ADVERSE)):
        judged = verdicts.decide(G3, np.array(p), np.array(0.98), RULES)
        assert BY_SEVERITY[judged.verdicts] is verdict


def test_a_significant_gap_that_one_person_reverses_is_only_investigated():
    # 0 of 1 against 39 of 40: Fisher p = 2/41 = .049, and 1/1 > 38/40.
    verdict, reasons = decide(Pair(0, 1, 39, 40), 0.9, RULES)
    assert verdict is Verdict.INVESTIGATE
    assert reasons == (Reason.BELOW_FOUR_FIFTHS, Reason.SIGNIFICANT, Reason.FLIPS_WITH_ONE_PERSON)


def test_below_four_fifths_without_significance_needs_power_to_be_investigated():
    assert decide(G4, 0.5, RULES)[0] is Verdict.INVESTIGATE
    assert decide(G4, 0.49, RULES)[0] is Verdict.INSUFFICIENT_DATA
    assert decide(G4, math.nan, RULES)[0] is Verdict.INSUFFICIENT_DATA


def test_below_four_fifths_without_significance_and_one_person_apart_is_insufficient():
    assert decide(Pair(1, 10, 3, 20), 0.9, RULES)[0] is Verdict.INSUFFICIENT_DATA


def test_a_small_ratio_gap_that_is_significant_and_large_is_investigated():
    assert decide(Pair(4700, 10000, 5000, 10000), 1.0, RULES)[0] is Verdict.INVESTIGATE


def test_a_significant_gap_of_one_point_is_practically_small():
    verdict, reasons = decide(Pair(49_000, 100_000, 50_000, 100_000), 1.0, RULES)
    assert verdict is Verdict.NO_EVIDENCE
    assert Reason.PRACTICALLY_SMALL in reasons


def test_no_gap_speaks_only_with_enough_power():
    even = Pair(40, 100, 41, 100)
    assert decide(even, 0.5, RULES) == (Verdict.NO_EVIDENCE, (Reason.NOT_SIGNIFICANT,))
    assert decide(even, 0.499, RULES)[0] is Verdict.INSUFFICIENT_DATA


@pytest.mark.parametrize(("selected", "reference"), [(8, 10), (28, 35), (56, 70), (24, 30)])
def test_exactly_four_fifths_is_not_below(selected, reference):
    reasons = decide(Pair(selected, 100, reference, 100), 0.9, RULES)[1]
    assert Reason.BELOW_FOUR_FIFTHS not in reasons


def test_practically_large_needs_two_points_and_one_person():
    assert is_practically_large(Pair(480, 1000, 500, 1000), RULES)  # .02 apart, 10 people missing
    assert not is_practically_large(Pair(481, 1000, 500, 1000), RULES)  # .019 apart
    assert not is_practically_large(Pair(3, 5, 70, 100), RULES)  # .1 apart, 5 * 73/105 - 3 = .48 people missing


def test_small_samples_are_decided_by_fisher():
    # Expected 14 * 14/28 = 7, but only 28 people: z = 2.27 (p .023) would be significant, Fisher p .057 is not.
    pair = Pair(4, 14, 10, 14)
    assert is_small_sample(pair)
    assert p_value(pair, exact_p(pair).fisher) == pytest.approx(0.057, abs=1e-3)
    assert not is_small_sample(Pair(5, 15, 5, 15))
    assert is_small_sample(Pair(1, 100, 8, 100))  # expected 4.5


def test_there_is_no_gap_to_flip_at_equal_rates():
    assert not is_flipped_by_one(Pair(5, 10, 5, 10))
    assert is_flipped_by_one(Pair(4, 10, 5, 10))
    assert not is_flipped_by_one(Pair(4, 10, 6, 10))  # 5/10 against 5/10 is level, not reversed


def test_small_groups_are_shown_and_left_unjudged_not_merged():
    counts = {"a": (29, 0), "b": (100, 50), "c": (100, 50)}
    judged = judge_counts(counts, axis="ethnicity", min_group_size=30)
    small = rows_of(judged)["a"]
    assert (small.n, small.selected, small.rate, small.impact_ratio) == (29, 0, 0.0, 0.0)
    assert (small.verdict, small.reasons) == (Verdict.INSUFFICIENT_DATA, (Reason.BELOW_MIN_GROUP_SIZE,))
    assert math.isnan(small.power)
    assert judged.verdict is Verdict.INSUFFICIENT_DATA


def test_a_group_of_exactly_the_minimum_is_judged():
    judged = judge_counts({"a": (30, 0), "b": (100, 90)}, axis="sex", min_group_size=30)
    assert rows_of(judged)["a"].verdict is Verdict.ADVERSE


def test_a_small_group_is_never_the_reference_but_stays_the_statutory_one():
    judged = judge_counts({"few": (5, 5), "a": (100, 50), "b": (100, 60)}, axis="x", min_group_size=30)
    assert (judged.reference, judged.statutory_reference) == ("b", "few")
    assert rows_of(judged)["a"].impact_ratio == pytest.approx(0.5 / 0.6)
    assert rows_of(judged)["a"].statutory_impact_ratio == pytest.approx(0.5)


def test_unknown_people_are_counted_and_never_read_as_fair():
    judged = judge_counts({"a": (10000, 5000), "b": (10000, 5000), "unknown": (1, 1)}, axis="sex", min_group_size=30)
    rows = rows_of(judged)
    assert rows["a"].verdict is rows["b"].verdict is Verdict.NO_EVIDENCE
    assert (rows["unknown"].verdict, rows["unknown"].reasons) == (Verdict.INSUFFICIENT_DATA, (Reason.UNKNOWN_GROUP,))
    assert (judged.unknown, judged.verdict) == (1, Verdict.INSUFFICIENT_DATA)


def test_unknown_is_never_the_reference_however_often_selected():
    judged = judge_counts({"a": (100, 50), "b": (100, 50), "unknown": (100, 100)}, axis="sex", min_group_size=30)
    assert judged.reference == "a"
    assert judged.statutory_reference == "a"


def test_a_lone_group_is_not_fair():
    judged = judge_counts({"a": (100, 50)}, axis="sex", min_group_size=30)
    assert (judged.verdict, judged.groups[0].reasons) == (Verdict.INSUFFICIENT_DATA, (Reason.NO_COMPARISON,))


def test_two_groups_of_which_one_is_small_leave_nothing_compared():
    judged = judge_counts({"a": (100, 50), "b": (10, 5)}, axis="sex", min_group_size=30)
    assert [row.verdict for row in judged.groups] == [Verdict.INSUFFICIENT_DATA] * 2


def test_nobody_selected_is_insufficient_for_every_group():
    judged = judge_counts({"a": (100, 0), "b": (100, 0)}, axis="sex", min_group_size=30)
    assert [row.reasons for row in judged.groups] == [(Reason.NOBODY_SELECTED,)] * 2
    assert [row.verdict for row in judged.groups] == [Verdict.INSUFFICIENT_DATA] * 2
    assert judged.verdict is Verdict.INSUFFICIENT_DATA


def test_nobody_at_all_is_insufficient():
    assert pool([], [], min_group_size=30).verdict is Verdict.INSUFFICIENT_DATA
    assert worst([]) is Verdict.INSUFFICIENT_DATA


def test_the_worst_verdict_of_an_axis_is_ordered_by_what_must_be_done():
    assert worst([Verdict.NO_EVIDENCE, Verdict.INSUFFICIENT_DATA]) is Verdict.INSUFFICIENT_DATA
    assert worst([Verdict.INSUFFICIENT_DATA, Verdict.INVESTIGATE]) is Verdict.INVESTIGATE
    assert worst([Verdict.INVESTIGATE, Verdict.ADVERSE, Verdict.NO_EVIDENCE]) is Verdict.ADVERSE


@pytest.mark.parametrize("missing", [None, "", " ", "Unknown", float("nan")])
def test_every_form_of_a_missing_answer_is_the_unknown_group(missing):
    judged = pool([True, False], ["a", missing], min_group_size=1)
    assert {row.group: row.n for row in judged.groups} == {"a": 1, "unknown": 1}


def test_polars_columns_are_accepted_and_gaps_in_selected_refused():
    frame = pl.DataFrame({"is_selected": [True, None], "sex": ["a", "b"]})
    with pytest.raises(ContractError, match="1 of 2 rows"):
        pool(frame["is_selected"], frame["sex"], min_group_size=1)
    whole = frame.with_columns(is_selected=pl.lit(value=True))
    assert pool(whole["is_selected"], whole["sex"], min_group_size=1).selected == 2


def test_a_column_of_another_length_is_refused():
    with pytest.raises(ContractError, match=r"lengths \[1, 2\]"):
        pool([True, False], ["a"], min_group_size=1)


def test_a_judgement_is_valid_json_without_nan():
    judged = judge_counts({"a": (0, 0), "b": (5, 0), "unknown": (2, 1)}, axis="sex", min_group_size=3)
    plain = json.loads(json.dumps(judged.to_dict(), allow_nan=False))
    assert plain["verdict"] == "INSUFFICIENT_DATA"
    assert [row["group"] for row in plain["groups"]] == ["b", "unknown"]
    assert plain["groups"][1]["impact_ratio"] is None


def test_a_failing_subject_comes_first_and_is_marked_when_the_pool_looks_better():
    tables = {
        "fine": {"a": (600, 300), "b": (600, 300)},
        "tiny": {"a": (5, 1), "b": (5, 1)},
        "biased": {"a": (100, 25), "b": (100, 60)},
    }
    pooled = judge_counts({"a": (4000, 2000), "b": (4000, 2000)}, axis="sex", min_group_size=30)
    judged = subjects(tables, pooled)
    assert [(item.subject, item.verdict.value) for item in judged] == [
        ("biased", "ADVERSE"),
        ("tiny", "INSUFFICIENT_DATA"),
        ("fine", "NO_EVIDENCE"),
    ]
    assert [item.is_hidden_in_pool for item in judged] == [True, False, False]


def test_a_subject_as_bad_as_the_pool_is_not_hidden():
    pooled = judge_counts({"a": (1000, 250), "b": (1000, 600)}, axis="sex", min_group_size=30)
    (only,) = subjects({"x": {"a": (100, 25), "b": (100, 60)}}, pooled)
    assert (only.verdict, only.is_hidden_in_pool) == (Verdict.ADVERSE, False)


def test_chance_findings_among_many_subjects_are_investigated_not_adverse():
    # 20 of 100 against 35 of 100 alone: z = 2.38, p = .017. Among 20 subjects the best p is .35.
    odd = {"a": (100, 20), "b": (100, 35)}
    even = {f"r{i:02}": {"a": (100, 30), "b": (100, 30)} for i in range(19)}
    pooled = judge_counts({"a": (2000, 590), "b": (2000, 605)}, axis="sex", min_group_size=30)
    assert subjects({"odd": odd}, pooled)[0].verdict is Verdict.ADVERSE
    first = subjects({"odd": odd} | even, pooled)[0]
    assert (first.subject, first.verdict) == ("odd", Verdict.INVESTIGATE)
    row = rows_of(first)["a"]
    assert Reason.NOT_SIGNIFICANT_AFTER_CORRECTION in row.reasons
    assert row.p_corrected == pytest.approx(20 * row.p_value)


def test_a_strong_finding_survives_the_correction():
    even = {f"r{i:02}": {"a": (100, 30), "b": (100, 30)} for i in range(59)}
    pooled = judge_counts({"a": (6000, 1795), "b": (6000, 1830)}, axis="sex", min_group_size=30)
    first = subjects({"planted": {"a": (100, 25), "b": (100, 60)}} | even, pooled)[0]
    assert (first.subject, first.verdict) == ("planted", Verdict.ADVERSE)


def test_mantel_haenszel_of_one_table_is_its_ratio_and_of_none_is_unknown():
    assert mantel_haenszel(Pair([10], [100], [20], [100])).ratio == pytest.approx(0.5)
    assert math.isnan(mantel_haenszel(Pair([], [], [], [])).ratio)


def test_cases_are_split_by_subject():
    selected = [True, False, True, True]
    group = ["a", "b", "a", "b"]
    (report,) = bias_report(selected, {"sex": group}, ["y", "x", "y", "y"], min_group_size=1)
    assert {item.subject: (item.selected, item.n) for item in report.first(2)} == {"x": (0, 1), "y": (3, 3)}


def test_axes_are_judged_together_in_the_form_of_groups_json():
    sex, age = ["a"] * 50 + ["b"] * 50, ["x"] * 99 + [None]
    judged = selections([place >= 50 for place in range(100)], {"sex": sex, "age_40": age}, ["r"] * 100)
    assert [item["axis"] for item in judged["axes"]] == ["sex", "age_40"]
    assert [(item["axis"], item["subject"], item["verdict"]) for item in judged["by_subject"]] == [
        ("sex", "r", "ADVERSE")
    ]
    none = {"ADVERSE": 0, "INVESTIGATE": 0, "INSUFFICIENT_DATA": 0, "NO_EVIDENCE": 0}
    assert [(tally["axis"], tally["min_group_size"], tally["verdicts"]) for tally in judged["tallies"]] == [
        ("sex", 30, none | {"ADVERSE": 1}),
        ("age_40", 30, none | {"INSUFFICIENT_DATA": 1}),
    ]
    assert selections([True], {}, ["r"]) == {"axes": [], "by_subject": [], "tallies": []}


def test_an_intersection_with_an_unknown_answer_is_unknown():
    joined = intersection(["female", "male", None], ["asian", "unknown", "white"])
    assert joined.tolist() == ["female|asian", "unknown", "unknown"]


def test_a_missing_score_is_refused_and_no_scores_give_no_median():
    with pytest.raises(ContractError, match="1 of 2 have none"):
        scoring_rates([1.0, math.nan], ["a", "b"])
    assert math.isnan(scoring_rates([], []).median)


cells = st.tuples(st.integers(1, 60), st.integers(1, 60)).map(lambda c: (max(c), min(c)))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "unknown"]), cells, min_size=1))
def test_every_ratio_lies_in_its_interval_and_renaming_groups_changes_no_verdict(counts):
    judged = judge_counts(counts, axis="x", min_group_size=5)
    for row in judged.groups:
        assert row.is_unknown or not row.low > row.impact_ratio + 1e-9
        assert row.is_unknown or not row.high < row.impact_ratio - 1e-9
        assert not (row.is_small or row.is_unknown) or row.verdict is Verdict.INSUFFICIENT_DATA
    renamed = {name if name == "unknown" else f"z{name}": cell for name, cell in counts.items()}
    assert judge_counts(renamed, axis="x", min_group_size=5).verdict is judged.verdict


def test_many_cases_are_counted_right():
    group = np.tile(np.array(["a", "b"], dtype=object), 50_000)
    selected = np.tile(np.array([True, False, True, True]), 25_000)
    judged = pool(selected, group, min_group_size=30)
    assert {row.group: row.rate for row in judged.groups} == {"a": 1.0, "b": 0.5}
