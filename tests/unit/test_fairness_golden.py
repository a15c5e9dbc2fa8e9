"""The golden vectors G1 to G6 and the figures of the rule itself. Expected values come from the specification."""

import math

import pytest

from pipelines.fairness import RULES, Verdict, judge_counts, mantel_haenszel, scoring_rates
from pipelines.fairness.exact import exact_p
from pipelines.fairness.intervals import METHODS, interval, katz_interval, score_interval
from pipelines.fairness.pairs import Pair, impact_ratio, is_flipped_by_one, shortfall, z_statistic
from pipelines.fairness.power import power
from tests.unit.judging import subjects

G1 = Pair(1, 10, 3, 20)
G2 = Pair(4700, 10000, 5000, 10000)
G3 = Pair(180, 400, 600, 1000)
G4 = Pair(9, 30, 120, 300)
FINANCE = Pair(10, 100, 135, 450)
SALES = Pair(540, 600, 200, 250)


def row(pair, min_group_size=5):
    counts = {"women": (pair.people, pair.selected), "men": (pair.reference_people, pair.reference_selected)}
    judged = judge_counts(counts, axis="sex", min_group_size=min_group_size)
    return next(row for row in judged.groups if row.group == "women")


@pytest.mark.parametrize(
    ("pair", "ratio", "low", "high", "z", "fisher", "mid", "is_flipped", "verdict"),
    [
        (G1, 0.6667, 0.079, 5.622, -0.380, 1.000, 0.7696, True, Verdict.INSUFFICIENT_DATA),
        (G2, 0.9400, 0.914, 0.967, -4.245, 2.33e-05, 2.19e-05, False, Verdict.INVESTIGATE),
        (G3, 0.7500, 0.665, 0.845, -5.104, 3.92e-07, 3.66e-07, False, Verdict.ADVERSE),
        (G4, 0.7500, 0.427, 1.318, -1.070, 0.3306, 0.2930, False, Verdict.INSUFFICIENT_DATA),
    ],
    ids=["G1", "G2", "G3", "G4"],
)
def test_the_golden_vectors_are_reproduced(  # noqa: PLR0917  # one argument a column of the specification's table
    pair, ratio, low, high, z, fisher, mid, is_flipped, verdict
):
    assert impact_ratio(pair) == pytest.approx(ratio, abs=5e-5)
    assert katz_interval(pair)[0] == pytest.approx(low, abs=5e-4)
    assert katz_interval(pair)[1] == pytest.approx(high, abs=5e-4)
    assert METHODS[interval(pair).method] == "katz"
    assert z_statistic(pair) == pytest.approx(z, abs=5e-4)
    assert exact_p(pair).fisher == pytest.approx(fisher, rel=5e-3)
    assert exact_p(pair).mid == pytest.approx(mid, rel=5e-3)
    assert bool(is_flipped_by_one(pair)) is is_flipped
    assert row(pair).verdict is verdict


def test_the_golden_shortfall_is_forty_three_people():
    assert shortfall(G3) == pytest.approx(42.86, abs=5e-3)


@pytest.mark.parametrize(("pair", "chance"), [(G1, 0.010), (G3, 0.98), (G4, 0.106)], ids=["G1", "G3", "G4"])
def test_the_golden_powers_are_reproduced(pair, chance):
    assert row(pair).power == pytest.approx(chance, abs=5e-3 if chance > 0.5 else 5e-4)


def test_at_a_fifth_selected_710_people_a_group_give_an_even_chance():
    assert power(710, 710, 0.2, 0.8, 0.05) == pytest.approx(0.5, abs=0.005)
    assert power(700, 700, 0.2, 0.8, 0.05) < 0.5


def test_exact_and_normal_power_agree_where_both_are_good():
    # 499 x 499 is enumerated, 500 x 500 is approximated.
    assert power(498, 498, 0.5, 0.8, 0.05) == pytest.approx(power(502, 502, 0.5, 0.8, 0.05), abs=0.02)


def test_g5_pooling_and_mantel_haenszel_both_hide_the_finance_job():
    tables = {
        "finance": {"women": (100, 10), "men": (450, 135)},
        "sales": {"women": (600, 540), "men": (250, 200)},
    }
    pooled = judge_counts({"women": (700, 550), "men": (700, 335)}, axis="sex", min_group_size=30)
    assert impact_ratio(Pair(550, 700, 335, 700)) == pytest.approx(1.64, abs=5e-3)
    assert mantel_haenszel(Pair([10, 540], [100, 600], [135, 200], [450, 250])).ratio == pytest.approx(1.008, abs=5e-4)
    assert impact_ratio(SALES) == pytest.approx(1.125)
    assert impact_ratio(FINANCE) == pytest.approx(0.333, abs=5e-4)
    assert exact_p(FINANCE).fisher == pytest.approx(1.6e-05, rel=0.03)

    finance, sales = subjects(tables, pooled)

    assert (finance.subject, finance.verdict) == ("finance", Verdict.ADVERSE)
    assert sales.subject == "sales"
    assert sales.verdict is not Verdict.ADVERSE


def test_g6_scoring_rates_count_only_those_above_the_median_and_report_ties():
    rates = scoring_rates([10, 20, 30, 30, 30, 30, 40, 50], ["A"] * 4 + ["B"] * 4)
    assert rates.median == 30
    assert rates.rates == {"A": 0.0, "B": 0.5}
    assert rates.ties == 4


def test_the_rule_pack_holds_the_published_thresholds():
    assert (RULES.impact_ratio_floor, RULES.practical_rate_gap, RULES.practical_people) == (0.8, 0.02, 1.0)
    assert (RULES.significance_level, RULES.power_floor) == (0.05, 0.5)


def test_the_score_interval_is_koopmans():
    # Koopman (1984), example: 36 of 40 against 16 of 80.
    bounds = interval(Pair(36, 40, 16, 80))
    assert METHODS[bounds.method] == "katz"
    koopman = score_interval(Pair(36, 40, 16, 80))
    assert koopman == (pytest.approx(2.94, abs=5e-3), pytest.approx(7.15, abs=5e-3))


def test_an_empty_cell_gets_the_score_interval_and_a_finite_bound():
    bounds = interval(Pair(0, 50, 20, 50))
    assert METHODS[bounds.method] == "score"
    assert bounds.low == 0.0
    assert 0 < bounds.high < 0.3


def test_when_all_are_selected_the_interval_still_has_width():
    bounds = interval(Pair(10, 10, 12, 12))
    assert METHODS[bounds.method] == "score"
    assert bounds.low < 1 < bounds.high


def test_nobody_selected_has_no_interval():
    bounds = interval(Pair(0, 50, 0, 50))
    assert math.isnan(bounds.low)
    assert math.isnan(bounds.high)
