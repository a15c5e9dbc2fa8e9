"""Many tables at once: the same verdicts as one by one, false alarms counted, planted bias found."""

import numpy as np
import pytest

from pipelines.fairness import RULES, Reason, Verdict, against_all_stages, bias_report, judge_counts, kept
from pipelines.fairness.axes import judgement
from pipelines.fairness.counting import as_coded, cross
from pipelines.fairness.grids import Grid, gridded, tabulate
from pipelines.fairness.power import power
from pipelines.fairness.rules import BY_SEVERITY, bit, severity
from pipelines.fairness.tables import corrected, judged

ADVERSE, INVESTIGATE = severity(Verdict.ADVERSE), severity(Verdict.INVESTIGATE)


def simulated(rates, people, runs, seed):
    """One subject a run, so that a thousand runs are one table."""
    generator = np.random.default_rng(seed)
    shape = (runs, len(rates))
    groups = tuple("abcdefgh"[: len(rates)])
    chosen = generator.binomial(people, np.broadcast_to(rates, shape))
    return Grid(tuple(map(str, range(runs))), groups, np.full(shape, people), chosen)


def alone(grid):
    """Every run judged as if it were the only one: as a pool is."""
    table = corrected(judged(grid, min_group_size=30, rules=RULES), RULES, is_each_alone=True)
    return table.worst, table.verdict


@pytest.mark.parametrize(("rate", "people"), [(0.1, 300), (0.3, 100), (0.3, 300), (0.5, 100), (0.5, 300)])
def test_with_no_bias_eight_intersectional_cells_are_adverse_at_most_once_in_twenty(rate, people):
    # The bare four-fifths rule flags 98, 96, 62, 78 and 12 % of these; None may reach 5 % by more than chance adds.
    worst, _ = alone(simulated([rate] * 8, people, runs=2000, seed=7))
    assert np.mean(worst == ADVERSE) <= 0.05


@pytest.mark.parametrize(
    ("rate", "flagged"),
    [
        (0.1, (1.0, 0.999, 0.983, 0.708)),
        (0.3, (0.997, 0.966, 0.624, 0.025)),
        (0.5, (0.985, 0.755, 0.114, 0.0)),
    ],
)
def test_the_bare_four_fifths_rule_would_flag_what_the_specification_says(rate, flagged):
    """Exact chances, by summing over the largest of eight binomials.

    The specification's were simulated, and count some pairs at exactly four fifths, which are not below: at .5 and 100
    people 77.5 % for 75.5 %.
    """
    found = []
    for people in (30, 100, 300, 1000):
        selected = simulated([rate] * 8, people, runs=10_000, seed=7).selected
        found.append(np.mean(5 * selected.min(axis=1) < 4 * selected.max(axis=1)))
    assert found == pytest.approx(flagged, abs=0.012)


def test_with_no_bias_thousands_of_requisitions_hold_no_adverse_one_nineteen_times_in_twenty():
    found = 0
    for seed in range(60):
        table = judged(simulated([0.3] * 2, 60, runs=200, seed=seed), min_group_size=30, rules=RULES)
        found += bool((corrected(table, RULES).worst == ADVERSE).any())
    assert found / 60 <= 0.1  # 5 %, and what 60 runs may add to it


def sized(rate, ratio, wanted):
    """People a group with which a true ratio is seen with the wanted chance."""
    sizes = np.arange(60, 3000, 10)
    return int(sizes[np.argmax(power(sizes, sizes, rate, ratio, 0.05) >= wanted)])


def test_a_planted_ratio_of_four_fifths_is_found_as_often_as_its_power_says():
    people = sized(0.5, 0.8, 0.8)
    worst, _ = alone(simulated([0.4, 0.5], people, runs=600, seed=3))
    assert np.mean(worst >= INVESTIGATE) >= 0.78


def test_a_planted_ratio_of_three_fifths_is_adverse_as_often_as_its_power_says():
    people = sized(0.4, 0.6, 0.8)
    worst, _ = alone(simulated([0.24, 0.4], people, runs=600, seed=3))
    assert np.mean(worst == ADVERSE) >= 0.76


def test_one_biased_cell_of_eight_at_80_percent_power_is_found_and_a_twentieth_of_the_blame_at_most_is_false():
    _, verdicts = alone(simulated([0.24, *[0.4] * 7], sized(0.4, 0.6, 0.8), runs=2000, seed=4))
    blamed = verdicts == ADVERSE
    assert np.mean(blamed[:, 0]) >= 0.8
    assert np.mean(blamed[:, 1:].sum(axis=1) / np.maximum(blamed.sum(axis=1), 1)) <= 0.05


def test_the_p_pays_for_choosing_the_best_of_three_as_reference():
    # 31 of 100 against 18 of 100 alone: z = 2.14, p = .033, ADVERSE. Of three groups three pairs could be shown.
    two = judge_counts({"a": (100, 18), "b": (100, 31)}, axis="x", min_group_size=30)
    assert two.verdict is Verdict.ADVERSE
    three = judge_counts({"a": (100, 18), "b": (100, 31), "c": (100, 31)}, axis="x", min_group_size=30)
    row = three.groups[0]
    assert (row.verdict, row.reasons[-1]) == (Verdict.INVESTIGATE, Reason.NOT_SIGNIFICANT_AFTER_CORRECTION)
    assert row.p_corrected == pytest.approx(3 * row.p_value)


def test_small_and_unknown_groups_do_not_count_as_looks():
    counts = {"a": (100, 18), "b": (100, 31), "few": (29, 9), "unknown": (100, 31)}
    judged_now = judge_counts(counts, axis="x", min_group_size=30)
    assert judged_now.groups[0].p_corrected == judged_now.groups[0].p_value
    assert judged_now.verdict is Verdict.ADVERSE


def test_of_many_biased_requisitions_those_are_kept_that_one_by_one_would_drown():
    # p = .00026 each: Holm over 400 gives .10, Benjamini-Hochberg with a hundred like it .001.
    biased = {f"x{i:03}": {"a": (100, 25), "b": (100, 50)} for i in range(100)}
    even = {f"y{i:03}": {"a": (100, 40), "b": (100, 40)} for i in range(300)}
    table = corrected(judged(gridded(biased | even), min_group_size=30, rules=RULES), RULES)
    assert (table.worst == ADVERSE).sum() == 100
    assert table.order(np.zeros(400, bool))[:100].tolist() == list(range(100))


def test_a_run_judged_alone_among_many_is_corrected_as_a_pool_is():
    grid = simulated([0.25, 0.3, 0.35], 150, runs=30, seed=2)
    worst, _ = alone(grid)
    pools = [
        judge_counts(
            {g: (int(n), int(s)) for g, n, s in zip(grid.groups, people, chosen, strict=True)},
            axis="x",
            min_group_size=30,
        )
        for people, chosen in zip(grid.people, grid.selected, strict=True)
    ]
    assert [BY_SEVERITY[code] for code in worst] == [pool.verdict for pool in pools]


def test_a_table_among_many_is_judged_as_it_is_alone():
    generator = np.random.default_rng(12)
    names = ("a", "b", "c", "unknown")
    people = generator.integers(0, 200, (40, 4))
    grid = Grid(tuple(f"r{i:02}" for i in range(40)), names, people, generator.integers(0, people + 1))
    many = judged(grid, min_group_size=30, rules=RULES)
    for row in range(40):
        one = judged(Grid(("x",), names, grid.people[[row]], grid.selected[[row]]), min_group_size=30, rules=RULES)
        ours, alone_ = (judgement(t, r, "x", None, RULES).to_dict() for t, r in ((many, row), (one, 0)))
        assert ours == alone_


def test_counts_by_subject_and_group_are_those_of_the_people():
    grid = tabulate([True, False, True, True], ["b", None, "b", "a"], ["y", "x", "y", "x"])
    assert (grid.subjects, grid.groups) == (("x", "y"), ("a", "b", "unknown"))
    assert grid.people.tolist() == [[1, 0, 1], [0, 2, 0]]
    assert grid.selected.tolist() == [[1, 0, 0], [0, 2, 0]]
    assert grid.pool.people.tolist() == [[1, 2, 1]]


def test_a_group_absent_from_a_subject_is_not_shown_there_and_decides_nothing():
    table = judged(
        gridded({"x": {"a": (900, 450), "b": (900, 450)}, "y": {"c": (5, 1)}}), min_group_size=30, rules=RULES
    )
    assert [row.group for row in judgement(table, 1, "x", "y", RULES).groups] == ["c"]
    assert BY_SEVERITY[table.worst[0]] is Verdict.NO_EVIDENCE
    assert table.reasons[0, 2] == bit(Reason.NO_PEOPLE)


def test_crossed_axes_name_only_what_occurs_and_end_with_unknown():
    crossed = cross(["f", "m", "f", None], ["x", "y", "x", "y"])
    assert crossed.names == ("f|x", "m|y", "unknown")
    assert crossed.codes.tolist() == [0, 1, 0, 2]
    assert crossed.labels.tolist() == ["f|x", "m|y", "f|x", "unknown"]


def test_a_bar_or_a_backslash_in_an_answer_makes_no_two_cells_one():
    crossed = cross(["a|b", "a", "a\\", "a"], ["c", "b|c", "b", "|b"])
    assert crossed.labels.tolist() == ["a\\|b|c", "a|b\\|c", "a\\\\|b", "a|\\|b"]
    assert len(crossed.names) == 4


def test_coded_columns_count_as_the_names_do():
    names = ["a", "b", None, "a"]
    plain, coded = (tabulate([True, False, True, False], column, ["r"] * 4) for column in (names, as_coded(names)))
    assert plain.groups == coded.groups
    assert plain.people.tolist() == coded.people.tolist()


def people_of(tables):
    """[selected, group, subject] of everyone in some tables."""
    rows = [
        (place < chosen, group, subject)
        for subject, counts in tables.items()
        for group, (people, chosen) in counts.items()
        for place in range(people)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


G5 = {
    "finance": {"women": (100, 10), "men": (450, 135)},
    "sales": {"women": (600, 540), "men": (250, 200)},
}


def test_g5_the_requisition_that_the_pool_hides_is_the_first_line_of_the_report():
    selected, sex, requisition = people_of(G5)
    (report,) = bias_report(selected, {"sex": sex}, requisition, min_group_size=30)
    first = report.listed[0]
    assert (first.subject, first.verdict, first.is_hidden_in_pool) == ("finance", Verdict.ADVERSE, True)
    women = next(row for row in first.groups if row.group == "women")
    assert women.impact_ratio == pytest.approx(1 / 3)
    # Pooled, the women are ahead by 1.64, and the men are the ones behind.
    assert report.pool.reference == "women"
    assert 1 / report.common["men"].ratio == pytest.approx(1.008, abs=5e-4)
    assert report.common["men"].heterogeneity_p < 1e-6
    assert report.tally[Verdict.ADVERSE] == 1


def test_what_subjects_share_is_kept_and_whether_they_agree_of_judged_groups_alone():
    few = {"finance": {"few": (20, 4)}, "sales": {"few": (9, 2)}}
    tables = {subject: counts | few[subject] | {"unknown": (40, 20)} for subject, counts in G5.items()}
    selected, sex, requisition = people_of(tables)
    (axis,) = kept(bias_report(selected, {"sex": sex}, requisition, min_group_size=30))["axes"]
    (shared,) = axis["common"]
    assert (shared["group"], shared["strata"]) == ("men", 2)
    # By hand, men against women: (135 * 100/550 + 200 * 600/850) / (10 * 450/550 + 540 * 250/850)
    assert shared["ratio"] == pytest.approx((135 * 100 / 550 + 200 * 600 / 850) / (10 * 450 / 550 + 540 * 250 / 850))
    assert shared["low"] < shared["ratio"] < shared["high"]
    assert shared["heterogeneity_p"] < 1e-6
    one = people_of({"sales": G5["sales"]})
    (axis,) = kept(bias_report(one[0], {"sex": one[1]}, one[2], min_group_size=30))["axes"]
    assert [(row["strata"], row["heterogeneity_p"]) for row in axis["common"]] == [(1, None)]


def test_every_group_of_every_subject_is_among_the_cells_however_small():
    selected, sex, requisition = people_of(G5 | {"tiny": {"women": (1, 0), "unknown": (2, 1)}})
    (report,) = bias_report(selected, {"sex": sex}, requisition, min_group_size=30)
    found = zip(*(report.cells[name].tolist() for name in ("subject", "group", "people", "selected")), strict=True)
    assert sorted(found) == [
        ("finance", "men", 450, 135),
        ("finance", "women", 100, 10),
        ("sales", "men", 250, 200),
        ("sales", "women", 600, 540),
        ("tiny", "unknown", 2, 1),
        ("tiny", "women", 1, 0),
    ]
    of = dict(
        zip(zip(report.cells["subject"], report.cells["group"], strict=True), report.cells["verdict"], strict=True)
    )
    assert (of["finance", "women"], of["tiny", "women"]) == ("ADVERSE", "INSUFFICIENT_DATA")


def test_what_the_pool_hides_is_listed_before_a_worse_ratio_and_no_limit_cuts_it():
    # 24 requisitions turn b away at .33, which the pool shows; the last turns a away at .5, which it does not.
    shown = {f"r{n:02}": {"a": (200, 120), "b": (200, 40)} for n in range(24)}
    selected, group, requisition = people_of(shown | {"z": {"a": (200, 60), "b": (200, 120)}})
    (report,) = bias_report(selected, {"x": group}, requisition, min_group_size=30)
    assert [item.subject for item in report.listed[:2]] == ["z", "r00"]
    assert len(report.listed) == 25
    assert [item.is_hidden_in_pool for item in report.listed[:2]] == [True, False]


def stage(name, **counts):
    """[people, selected] by group, at one stage of one requisition."""
    selected, group, requisition = people_of({"r": counts})
    return bias_report(selected, {"sex": group}, requisition, min_group_size=30, stage=name)


def test_a_stage_that_fails_while_all_stages_together_look_fine_is_hidden():
    whole = stage("all stages", a=(1000, 300), b=(1000, 300))
    (screen,) = against_all_stages(stage("screen", a=(1000, 450), b=(1000, 600)), whole)
    assert (screen.pool.stage, screen.pool.verdict, screen.pool.is_hidden_in_pool) == ("screen", Verdict.ADVERSE, True)
    (same,) = against_all_stages(stage("screen", a=(1000, 500), b=(1000, 500)), whole)
    assert not same.pool.is_hidden_in_pool
    (shown,) = against_all_stages(stage("s", a=(1000, 45), b=(1000, 600)), stage("all", a=(1000, 30), b=(1000, 300)))
    assert (shown.pool.verdict, shown.pool.is_hidden_in_pool) == (Verdict.ADVERSE, False)
    assert kept([screen])["axes"][0]["stage"] == "screen"
    enough = stage("all stages", a=(4000, 2000), b=(4000, 2000))
    (few,) = against_all_stages(stage("s", a=(40, 20), b=(40, 20)), enough)
    assert (few.pool.verdict, few.pool.is_hidden_in_pool) == (Verdict.INSUFFICIENT_DATA, False)


def test_a_lesser_doubt_about_another_group_hides_nothing_of_the_one_that_fails_in_the_pool_too():
    # a has half the rate everywhere, in the pool too; b .81 of it in the last requisition alone, and .96 over all.
    tables = {f"r{n}": {"a": (200, 50), "b": (200, 100), "c": (200, 100)} for n in range(5)}
    tables["z"] = {"a": (300, 75), "b": (300, 122), "c": (300, 150)}
    selected, group, requisition = people_of(tables)
    (report,) = bias_report(selected, {"x": group}, requisition, min_group_size=30)
    (last,) = [item for item in report.listed if item.subject == "z"]
    assert [row.verdict for row in last.groups][:2] == [Verdict.ADVERSE, Verdict.INVESTIGATE]
    assert [row.verdict for row in report.pool.groups][:2] == [Verdict.ADVERSE, Verdict.NO_EVIDENCE]
    assert not last.is_hidden_in_pool


def test_a_lesser_doubt_about_another_group_hides_nothing_at_a_stage_either():
    at = stage("screen", a=(300, 75), b=(300, 122), c=(300, 150))
    whole = stage("all stages", a=(3000, 750), b=(3000, 1500), c=(3000, 1500))
    (screen,) = against_all_stages(at, whole)
    assert [row.verdict for row in screen.pool.groups][:2] == [Verdict.ADVERSE, Verdict.INVESTIGATE]
    assert not screen.pool.is_hidden_in_pool
    doubt = stage("screen", a=(300, 122), b=(300, 150))
    assert against_all_stages(doubt, stage("all", a=(3000, 1500), b=(3000, 1500)))[0].pool.is_hidden_in_pool


def test_an_axis_comes_before_its_intersection_though_that_has_the_lower_ratio():
    # Women 40 of 200 against 100: .40; women of x 10 of 100 against 60: .17. Of x and y 70 of 200 each.
    cells = {("f", "x"): 10, ("f", "y"): 30, ("m", "x"): 60, ("m", "y"): 40}
    rows = [(place < chosen, sex, race) for (sex, race), chosen in cells.items() for place in range(100)]
    selected, sex, race = (list(column) for column in zip(*rows, strict=True))
    found = kept(bias_report(selected, {"sex": sex, "race": race}, ["r"] * 400, min_group_size=30))["by_subject"]
    assert [item["axis"] for item in found if item["verdict"] == "ADVERSE"] == ["sex", "sex x race"]


def test_an_intersection_can_fail_where_neither_axis_does():
    cells = {("f", "x"): 15, ("f", "y"): 45, ("m", "x"): 45, ("m", "y"): 15}
    rows = [(place < chosen, sex, race) for (sex, race), chosen in cells.items() for place in range(100)]
    selected, sex, race = (list(column) for column in zip(*rows, strict=True))
    axes = {"sex": sex, "race": race}
    reports = bias_report(selected, axes, ["r"] * 400, min_group_size=30)
    assert [report.pool.axis for report in reports] == ["sex", "race", "sex x race"]
    assert [report.pool.verdict for report in reports[:2]] == [Verdict.INSUFFICIENT_DATA] * 2  # .30 against .30
    assert reports[2].pool.verdict is Verdict.ADVERSE


def test_what_the_pool_hides_comes_before_what_it_shows_even_where_that_is_worse():
    # On level the ratio is .17, in the pool too; on sex it is .33 in finance, and the pool has the women ahead.
    selected, sex, requisition = people_of(G5)
    open_, level, other = people_of({"open": {"junior": (200, 20), "senior": (200, 120)}})
    axes = {"level": [None] * len(sex) + level, "sex": sex + [None] * len(level)}
    found = kept(bias_report(selected + open_, axes, requisition + other, min_group_size=30))["by_subject"]
    adverse = [(i["axis"], i["subject"], i["is_hidden_in_pool"]) for i in found if i["verdict"] == "ADVERSE"]
    assert adverse == [("sex", "finance", True), ("level", "open", False)]


def test_a_listed_subject_names_its_small_groups_and_tells_no_count_of_theirs():
    # The one person of x was selected: the most selected group of any size.
    tables = {"open": {"f": (100, 10), "m": (450, 135), "x": (1, 1)}}
    selected, sex, requisition = people_of(tables)
    (found,) = kept(bias_report(selected, {"sex": sex}, requisition, min_group_size=30))["by_subject"]
    assert [(row["group"], row["n"], row["selected"]) for row in found["groups"]] == [("f", 100, 10), ("m", 450, 135)]
    assert found["small_groups"] == ["x"]
    assert (found["n"], found["selected"], found["unknown"], found["statutory_reference"]) == (550, 145, 0, None)
    assert [row["statutory_impact_ratio"] for row in found["groups"]] == [None, None]
    assert (found["verdict"], found["reference"]) == ("ADVERSE", "m")


def test_a_listed_subject_without_small_groups_is_told_whole():
    selected, sex, requisition = people_of({"open": {"f": (100, 10), "m": (450, 135), "unknown": (2, 1)}})
    (found,) = kept(bias_report(selected, {"sex": sex}, requisition, min_group_size=30))["by_subject"]
    assert (found["n"], found["selected"], found["unknown"], found["statutory_reference"]) == (552, 146, 2, "m")
    assert [row["statutory_impact_ratio"] for row in found["groups"]] == [pytest.approx(1 / 3), 1.0, None]
    assert found["small_groups"] == []


def test_small_true_gaps_of_many_subjects_lend_a_chance_one_no_room():
    # 15 of 60 against 29 of 60: ratio .52, z = 2.65, p = .008, ADVERSE alone. 45 % against 50 % of 2,000 is significant
    # and no ratio below .8: 900 such subjects are 900 looks more, of which none could be ADVERSE.
    chance = {"one": {"a": (60, 15), "b": (60, 29)}}
    mild = {f"m{n}": {"a": (2000, 900), "b": (2000, 1000)} for n in range(900)}
    alone_, among = (
        corrected(judged(gridded(t), min_group_size=30, rules=RULES), RULES) for t in (chance, mild | chance)
    )
    assert alone_.worst.tolist() == [ADVERSE]
    assert among.worst[among.grid.subjects.index("one")] == INVESTIGATE
    assert ADVERSE not in among.worst
