"""Judgements as everybody may see them, by hand."""

import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from monitoring import audience, bias, findings, page, results
from monitoring.portal import evidence, pages
from monitoring.portal.evidence import Day, Ledger, Model
from monitoring.portal.roles import Reader, Role
from monitoring.results import Axis, Bias, Estimate, Findings, Oversight, OversightGroup
from pipelines.audit import Head
from pipelines.base.errors import ContractError
from pipelines.fairness import bias_report, judge_counts, kept, withheld
from pipelines.fairness.axes import without_small

AT = {"stage": "interview"}
DAY = date(2026, 10, 31)


def judged(counts, axis="sex", **about):
    return judge_counts(counts, axis=axis, min_group_size=30).to_dict() | about


def rows(item):
    return {row["group"]: row for row in item["groups"]}


POOL = {"female": (400, 180), "male": (1000, 600), "few": (5, 1), "unknown": (60, 30)}


def test_the_small_and_who_would_tell_of_them_keep_their_size_and_verdict_and_lose_what_was_counted():
    (told,) = withheld.for_all([judged(POOL)])
    found = rows(told)
    assert [name for name, row in found.items() if not row["is_told"]] == ["few", "unknown"]
    few = found["few"]
    assert (few["n"], few["verdict"], few["is_small"]) == (5, "INSUFFICIENT_DATA", True)
    assert {few[name] for name in ("selected", "rate", "impact_ratio", "statutory_impact_ratio", "about")} == {None}
    assert (found["female"]["selected"], found["female"]["impact_ratio"]) == (180, 0.75)


def test_numbers_against_a_group_that_is_withheld_go_with_it():
    """The 5 of whom all were selected are the most selected of any size; the men, the best large group, are needed."""
    counts = {"female": (1400, 700), "male": (1000, 600), "few": (5, 5)}
    (told,) = withheld.for_all([judged(counts) | {"common": [{"group": "female", "ratio": 0.8}]}])
    female = rows(told)["female"]
    assert [name for name, row in rows(told).items() if not row["is_told"]] == ["few", "male"]
    assert (female["selected"], female["rate"]) == (700, 0.5)
    assert {female[name] for name in ("impact_ratio", "low", "z", "p_value", "statutory_impact_ratio")} == {None}
    assert told["common"] == []


def test_of_thousands_the_rate_is_told_in_whole_percent_where_somebody_unknown_would_follow():
    (told,) = withheld.for_all([judged({"female": (3000, 1012), "male": (4000, 2000), "unknown": (1, 0)})])
    assert (rows(told)["female"]["is_told"], rows(told)["female"]["about"]) == (False, 0.34)
    (told,) = withheld.for_all([judged({"female": (2999, 1012), "male": (4000, 2000), "unknown": (1, 0)})])
    assert rows(told)["female"]["about"] is None


def test_without_few_people_all_is_told_and_stages_are_looked_at_apart():
    first = judged(POOL, stage="screen")
    then = judged({"female": (180, 90), "male": (600, 300)}, stage="interview")
    told = withheld.for_all([first, then])
    assert [all(row["is_told"] for row in item["groups"]) for item in told] == [False, True]


def test_how_many_come_to_a_stage_is_how_many_the_one_before_selected():
    """4 of the 404 are few. Of them and the women 104 went on: 4 at the interview would say that all of the 4 did."""
    first = {"few": (4, 4), "female": (200, 100), "male": (200, 110)}
    items = [
        judged({"few": (4, 1), "female": (200, 30), "male": (200, 40)}, stage="all stages"),
        judged({"few": (4, 1), "female": (100, 30), "male": (110, 40)}, stage="interview"),
        judged(first, stage="screen"),
    ]
    whole, interview, screen = withheld.for_all(items)
    numbers = {name: (row["n"], row["is_told"]) for name, row in rows(interview).items()}
    assert numbers == {"few": (None, False), "female": (None, False), "male": (110, True)}
    for item in (whole, screen):
        assert [(name, row["n"]) for name, row in rows(item).items() if not row["is_told"]] == [
            ("female", 200),
            ("few", 4),
        ]
    assert (None, "interview", "sex", "female") in withheld.withheld(items)
    pools = [Axis(source="human", stage=item["stage"], subject=None, judgement=item) for item in items]
    result = Bias(family="screening", as_of=DAY, status="ok", pools=tuple(pools))
    daily = page.report(
        Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=()), None, None, result
    )
    said = re.findall(r'>([a-z]+)</th><td class="n">not told</td>\s*<td colspan', daily)
    assert said == ["female", "few"]
    (alone,) = withheld.for_all([judged({"female": (90, 25), "male": (90, 33)}) | {"subject": "R"} | AT], pools=items)
    assert [row["n"] for row in alone["groups"]] == [None, 90], "nor by a subject"
    apart = [items[1], items[2]]
    assert {row["n"] for item in withheld.for_all(apart) for row in item["groups"]} == {4, 100, 110, 200}


def test_a_later_stage_takes_nothing_from_an_earlier_one():
    few_left = {"female": (10, 5), "male": (110, 40)}
    items = [judged({"female": (200, 5), "male": (200, 40)}, stage="all stages"), judged(few_left, stage="interview")]
    whole, interview = withheld.for_all(items)
    assert all(row["is_told"] for row in whole["groups"])
    assert [row["n"] for row in interview["groups"]] == [10, 110]


def test_a_subject_without_its_small_groups_tells_no_total_unless_another_axis_does():
    small = judge_counts({"f": (100, 10), "m": (450, 135), "x": (1, 1)}, axis="sex", min_group_size=30, subject="R-1")
    item = without_small(small).to_dict()
    assert all(row["is_told"] for row in withheld.for_all([item])[0]["groups"])
    other = judge_counts({"a": (251, 60), "b": (300, 86)}, axis="race", min_group_size=30, subject="R-1").to_dict()
    sex, race = withheld.for_all([item, other])
    assert [name for name, row in rows(sex).items() if not row["is_told"]] == ["f"]
    assert all(row["is_told"] for row in race["groups"])


def test_what_was_withheld_before_stays_so():
    (told,) = withheld.for_all([judged({"a": (100, 10), "b": (100, 10)})], frozenset({(None, None, "sex", "a")}))
    assert [row["is_told"] for row in told["groups"]] == [False, True]


def test_a_subject_tells_nothing_of_whom_the_pool_withholds_nor_all_of_them_of_the_few_in_others():
    """Of 104 women 100 are in R-1: its 20 of 100 beside the 20 of 104 of all say that nobody of the 4 was taken."""
    pool = judged({"female": (104, 20), "male": (160, 90)})
    one = judged({"female": (100, 20), "male": (100, 60)}) | {"subject": "R-1"}
    (told,) = withheld.for_all([one], pools=[pool])
    assert {name: row["selected"] for name, row in rows(told).items()} == {"female": None, "male": 60}
    assert told["selected"] == 60, "of those that are told"
    assert withheld.withheld([one], [judged({"female": (130, 20), "male": (160, 90)})]) == frozenset()
    small = one | {"subject": "R-2", "groups": [row | {"n": 40} for row in one["groups"]]}
    both = withheld.withheld([one, small], [judged({"female": (144, 28), "male": (240, 120)})])
    assert both == {("R-2", None, "sex", "female")}, "the smallest, of 40, is enough"
    few = judged({"female": (200, 20), "male": (160, 90), "x": (2, 1)})
    assert withheld.withheld([one], [few]) == {("R-1", None, "sex", "male")}, "the pool withholds men"


def test_a_subject_is_withheld_where_its_other_axis_tells_what_it_comes_to():
    """Without women, the men of R-1 beside its whole other axis would tell them."""
    pool = judged({"female": (104, 20), "male": (160, 90)})
    sex = judged({"female": (100, 20), "male": (100, 60)}) | {"subject": "R-1"}
    race = judged({"a": (100, 40), "b": (100, 40)}, axis="race") | {"subject": "R-1"}
    pools = [pool, judged({"a": (132, 55), "b": (132, 55)}, axis="race")]
    assert withheld.withheld([sex, race], pools) == {("R-1", None, "sex", group) for group in ("female", "male")}


def test_what_is_on_record_is_not_worked_out_again():
    """Pages are read by many and judged once: working it out takes seconds where many axes meet."""
    told = withheld.for_all([judged(POOL) | {"withheld": ["few", "male"]}])
    assert [row["group"] for row in told[0]["groups"] if not row["is_told"]] == ["few", "male"]
    assert withheld.withheld([judged(POOL) | {"withheld": []}, judged(POOL, axis="race")]) == {
        (None, None, axis, group) for axis in ("sex", "race") for group in ("few", "unknown")
    }


def test_judgements_are_kept_with_the_groups_that_are_withheld():
    """5 are few, and the 60 without an answer, the next, keep them from following; both judgements stay whole."""
    sex = [name for name, (people, _) in POOL.items() for _ in range(people)]
    selected = [place < yes for people, yes in POOL.values() for place in range(people)]
    reports = bias_report(selected, {"sex": sex}, ["R-1"] * len(sex), min_group_size=30)
    told = kept(reports)
    assert {item["told_from"] for part in ("axes", "by_subject") for item in kept(reports, 6)[part]} == {6}
    assert [(item["withheld"], rows(item)["few"]["selected"]) for item in told["axes"]] == [(["few", "unknown"], 1)]
    assert [item["withheld"] for item in told["by_subject"]] == [["unknown"]], "beside the pool it would follow"


@pytest.mark.parametrize(
    ("people", "told_from", "gone"), [(10, 10, []), (9, 10, ["few", "male"]), (10, None, ["few", "male"])]
)
def test_figures_of_groups_too_small_to_judge_are_told_where_they_are_not_of_few_people(people, told_from, gone):
    counts = {"female": (1400, 560), "male": (1000, 600), "few": (people, 4)}
    sex = [name for name, (every, _) in counts.items() for _ in range(every)]
    selected = [place < yes for every, yes in counts.values() for place in range(every)]
    (axis,) = kept(bias_report(selected, {"sex": sex}, sex, min_group_size=30), told_from)["axes"]
    assert axis["withheld"] == gone
    assert rows(axis)["few"]["reasons"] == ["below_min_group_size"], "what is told is not judged by that"
    without = {name: value for name, value in axis.items() if name != "withheld"}
    assert sorted(group for *_, group in withheld.withheld([without])) == gone


def test_of_a_hundred_times_as_many_as_are_told_the_rate_is_told_in_whole_percent():
    counts = {"female": (1000, 340), "male": (4000, 2000), "unknown": (1, 0)}
    (told,) = withheld.for_all([judged(counts) | {"told_from": 10}])
    assert (rows(told)["female"]["is_told"], rows(told)["female"]["about"]) == (False, 0.34)


def test_a_finding_whose_figures_are_withheld_is_told_without_them():
    """Women and men and two others: nobody else could be left out, and what fails is said all the same."""
    one = Axis(
        source="model",
        stage="selected",
        subject=None,
        judgement=judged({"f": (400, 180), "m": (1000, 600), "x": (2, 0)}),
    )
    (shown,) = audience.axes_for_all([one])
    assert bias.told(one).endswith("impact ratio 0.75 [0.67 to 0.85]. ADVERSE.")
    assert bias.told(shown) == (
        "All subjects, the model's selections, sex: ADVERSE. Its figures would tell of few people."
    )


def test_a_verdict_on_record_says_no_counts_that_its_tables_withhold():
    few = judged({"f": (400, 180), "m": (1000, 600), "x": (2, 0)})
    said = "ADVERSE: sex: f 45% (180 of 400), impact ratio 0.75 [0.67 to 0.85]."
    finding = {"check": "selection:sex", "passed": False, "reason": said}
    gap = {"axis": "sex", "group": "x", "reason": "0 of 2 people selected: small_group."}
    verdict = {"groups": {"axes": [few]}, "findings": [finding], "gaps": [gap]}
    told = audience.verdict_for_all(verdict)
    assert [one["reason"] for one in told["findings"]] == ["ADVERSE. Its figures would tell of few people."]
    assert [one["reason"] for one in told["gaps"]] == ["2 people: small_group."]
    verdict["groups"] = {"axes": [judged({"f": (400, 180), "m": (1000, 600)})]}
    assert audience.verdict_for_all(verdict)["findings"] == [finding]


def test_what_people_decided_as_it_was_kept_before_is_shown_without_few_people_too():
    """One of 5 without an answer, and the 60 others without: neither on a page, nor in a report, nor in an alert."""
    share = Estimate(value=0.1, low=0.05, high=0.2)
    counts = {"female": (400, 180), "male": (1000, 600), "unknown": (60, 31), "few": (5, 1)}
    old = Oversight(
        family="screening",
        as_of=DAY,
        status="ok",
        decided=1465,
        people=1465,
        departed=share,
        agreed=share,
        waited_days=(1.0, 2.0, 3.0),
        groups=(OversightGroup(axis="sex", group="unknown", people=60, decided=60, departed=share, agreed=share),),
        judgements=(judged(counts, stage="put forward"),),
    )
    shown = audience.oversight_for_all(old)
    assert [row["selected"] for row in shown.judgements[0]["groups"]] == [180, None, 600, None]
    assert shown.groups[0].departed is None
    assert [row["n"] for row in shown.judgements[0]["groups"]] == [400, None, 1000, None]
    assert audience.oversight_for_all(shown) is shown
    counted = [row | {"n": 5} for row in shown.judgements[0]["groups"]]
    between = shown.model_copy(update={"judgements": (shown.judgements[0] | {"groups": counted},)})
    kinds = [row | {"interval": "score"} for row in shown.judgements[0]["groups"]]
    kept = shown.model_copy(update={"judgements": (shown.judgements[0] | {"groups": kinds},)})
    told = audience.oversight_for_all(kept).judgements[0]["groups"]
    assert [row["interval"] for row in told] == ["score", None, "score", None], "it told that all were, or nobody"
    again = audience.oversight_for_all(between)
    assert [(row["n"], row["selected"]) for row in again.judgements[0]["groups"]] == [
        (5, 180), (None, None), (5, 600), (None, None),
    ], "kept when figures were withheld and numbers were not"  # fmt: skip
    assert again.groups == shown.groups
    one, ledger = Model("screening", newest=Day(DAY, oversight=old)), Ledger(Head(1, "e" * 64), ())
    viewer, compliance = (pages.model(one, ledger, [], Reader("v", role)) for role in (Role.VIEWER, Role.COMPLIANCE))
    daily = page.report(
        Findings(family="screening", as_of=DAY, retrain=False, reasons=(), findings=()), None, None, None, old
    )
    assert [">31<" in text for text in (compliance, viewer, daily)] == [True, False, False]
    two = {"f": (400, 180), "m": (1000, 600), "x": (2, 0)}
    old = old.model_copy(update={"judgements": (judged(two, stage="put forward"),)})
    (found,) = findings.of_oversight(old, SimpleNamespace(departed_floor=0.0))
    assert (found.text, found.is_alert) == ("Decisions about people put forward, sex: ADVERSE.", True)


def test_a_day_that_was_judged_before_few_people_were_withheld_is_served_without_them(store):
    """Of 5 people 1, and of 60 others 31 beside them: in the file and on the page as both were stored then."""
    counts = {"female": (400, 180), "male": (1000, 600), "unknown": (60, 31), "few": (5, 1)}
    share, about = Estimate(value=0.1, low=0.05, high=0.2), {"family": "screening", "as_of": DAY}
    group = OversightGroup(axis="sex", group="few", people=5, decided=5, departed=share, agreed=share)
    parts = {"departed": share, "agreed": share, "waited_days": (1.0, 2.0, 3.0), "groups": (group,)}
    old = Oversight(status="ok", **about, **parts, judgements=(judged(counts, stage="put forward"),))
    results.save(store, old, "screening", DAY, "oversight.json")
    results.save(store, Findings(retrain=False, reasons=(), findings=(), **about), "screening", DAY, "findings.json")
    store.put(results.key("screening", DAY, "index.html"), b"<td>31</td>")
    asked = "screening", str(DAY)
    found = Oversight.model_validate_json(evidence.report_file(store, *asked, "oversight.json"))
    assert [row["selected"] for row in found.judgements[0]["groups"]] == [180, None, 600, None]
    assert found.groups == (OversightGroup(axis="sex", group="few"),)
    page_shown = evidence.report_file(store, *asked, "index.html")
    assert b"Human oversight" in page_shown
    assert b">31<" not in page_shown
    whole = {
        name: evidence.report_file(store, *asked, name, sees_counts=True) for name in ("oversight.json", "index.html")
    }
    assert whole == {"oversight.json": results.told(old), "index.html": b"<td>31</td>"}
    results.save(store, found, "screening", DAY, "oversight.json")
    assert evidence.report_file(store, *asked, "index.html") == b"<td>31</td>", "what withholds is served as it is"
    store.put(results.key("screening", DAY, "oversight.json"), b"{")
    with pytest.raises(ContractError, match="must be readable"):
        evidence.report_file(store, *asked, "index.html")


@pytest.mark.parametrize("seed", range(3))
def test_no_count_of_a_small_group_follows_from_judgements_as_they_are_shown(seed):
    """Solved anew from what is shown: groups of one axis are unknown numbers, and the total is known."""
    random = np.random.default_rng(seed)
    for _ in range(20):
        sizes = [int(n) for n in random.choice([3, 12, 29, 40, 200, 900], size=5)]
        counts = {f"g{n}": (size, int(random.integers(0, size + 1))) for n, size in enumerate(sizes)}
        (told,) = withheld.for_all([judged(counts)])
        left = [row for row in told["groups"] if row["selected"] is None]
        small = [row for row in told["groups"] if row["n"] < 30]
        assert all(row in left for row in small)
        if small and sum(sizes) >= 30 and len(told["groups"]) > 1:
            assert len(left) > 1
            assert sum(row["n"] for row in left) >= 30


def test_the_kind_of_an_interval_does_not_tell_that_all_or_nobody_of_few_people_was_selected():
    shown = [
        withheld.for_all([judged({"few": few, "mid": mid, "big": (400, 200), "other": (300, 100)})])[0]["groups"]
        for few, mid in (((6, 6), (40, 0)), ((6, 0), (40, 6)), ((6, 5), (40, 1)))
    ]
    left = [[row for row in rows if not row["is_told"]] for rows in shown]
    assert [[row["group"] for row in rows] for rows in left] == [["few", "mid"]] * 3
    assert [[(row["interval"], row["is_flipped_by_one"]) for row in rows] for rows in left] == [[(None, None)] * 2] * 3
