import copy
import json
import os

import pytest

from pipelines import gate
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError
from pipelines.base.stage import guarded
from pipelines.gate import GateSettings, decide
from tests.unit.judging import evidence

GATE = "screening: {purpose: To order applications.}\nchoose: {}\nevaluate: {}\nserve: {}\nprivacy: {min_people: 10}\n"
GATE += "gate: {slice_drop: 0.1, min_group_size: 30, min_known_share: 0.5}"
SETTINGS = GateSettings(slice_drop=0.1, min_group_size=30, min_known_share=0.5)
MODEL, DATA, LAKE, PARAMS = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)

METRICS = {
    "family": "screening",
    "metric": "auc",
    "higher_is_better": True,
    "n": 500,
    "model": {"value": 0.8, "low": 0.76, "high": 0.84},
    "baseline": {"value": 0.75, "low": 0.7, "high": 0.8},
    "chance": 0.5,
    "difference": {"value": 0.05, "low": 0.01, "high": 0.09},
    "slices": {"judged": [], "too_few": {}},
    "to_accept": [],
    "intervals": [],
    "data_checks": [{"check": "enough_rows", "passed": True, "reason": "500 rows."}],
    "model_sha256": MODEL,
    "data_sha256": DATA,
    "lake_sha256": LAKE,
    "as_of": "2026-10-31",
}
SERVED = {
    "family": "screening",
    "model_sha256": MODEL,
    "checks": [{"check": "loads", "passed": True, "reason": "Yes."}],
}


def tried(name, ratio, high=0.01, model=None):
    """As `choose` writes it."""
    model = model or (MODEL if name == "declared" else sha256_bytes(name.encode()))
    told = {"value": ratio, "low": ratio and ratio - 0.1, "high": ratio and ratio + 0.1}
    about = {"name": name, "what": "otherwise", "model_sha256": model, "metric": told, "impact_ratio": told}
    about |= {"difference": {"value": high - 0.02, "low": high - 0.04, "high": high}, "selected_share": 0.4}
    about |= {"gain": {"value": 1.2, "low": 0.9, "high": 1.6}}
    return about | {"axis": "sex", "group": "female", "verdict": "INVESTIGATE", "is_equal": True}


CHOICE = {
    "family": "screening",
    "metric": "auc",
    "n": 300,
    "take": "declared",
    "chosen": "declared",
    "why": "None is better.",
    "margins": {"validity": 0.02, "impact_ratio": 0.02, "selected_share": 0.1},
    "alternatives": [tried("declared", 0.9), tried("other", 0.8)],
}
CARD = {"model_sha256": MODEL, "data_sha256": DATA, "params_sha256": PARAMS, "rows": 4000}


def cases(rate_a, rate_b, people=5000):
    selected = [i < rate_a * people for i in range(people)] + [i < rate_b * people for i in range(people)]
    group = ["a"] * people + ["b"] * people
    return evidence(selected, {"sex": group}, ["r"] * (2 * people))


EVEN, BIASED = cases(0.5, 0.5), cases(0.2, 0.5)
NOTHING = {"axes": [], "by_subject": [], "tallies": []}
NO_GROUPS = NOTHING | {"human": NOTHING}


def changed(content, **changes):
    return copy.deepcopy(content) | changes


def verdict(metrics=METRICS, groups=EVEN, card=CARD, settings=SETTINGS, *, served=SERVED, choice=CHOICE):
    files = {"metrics.json": metrics, "groups.json": groups, "card.json": card, "served.json": served}
    files["alternatives.json"] = choice
    evidence = {name: None if content is None else json.dumps(content).encode() for name, content in files.items()}
    return decide("screening", evidence, settings)


def codes(decided):
    return {finding["code"] for finding in decided["findings"] if not finding["passed"]}


def test_a_model_with_nothing_against_it_is_allowed():
    decided = verdict()
    assert (decided["verdict"], decided["shadow"], codes(decided)) == ("allowed", False, set())
    assert [gap["name"] for gap in decided["gaps"]] == ["intersections:everyone"], "one axis alone crosses nothing"
    assert verdict(groups=crossed(5000, fx=2500, fy=2500, mx=2500, my=2500))["gaps"] == []


def test_a_verdict_is_bound_to_everything_it_judged():
    decided = verdict()
    assert [decided[f"{name}_sha256"] for name in ("model", "data", "lake", "params")] == [MODEL, DATA, LAKE, PARAMS]
    assert set(decided["evidence"]) == {
        "metrics.json", "groups.json", "card.json", "served.json", "alternatives.json",
    }  # fmt: skip
    assert decided["as_of"] == "2026-10-31"
    assert decided["metrics"]["difference"] == METRICS["difference"]
    assert decided["groups"]["axes"] == EVEN["axes"]


def test_adverse_selections_hold():
    decided = verdict(groups=BIASED)
    assert (decided["verdict"], decided["shadow"], codes(decided)) == ("held", False, {"adverse"})


def test_an_adverse_subject_holds_though_the_pool_looks_fine():
    named = {"subject": "R-0001", "is_hidden_in_pool": True}
    listed = [axis | named for axis in BIASED["by_subject"]]
    groups = EVEN | {"by_subject": listed, "tallies": BIASED["tallies"]}
    decided = verdict(groups=groups)
    assert (decided["verdict"], codes(decided)) == ("held", {"adverse"})
    reasons = [finding["reason"] for finding in decided["findings"] if not finding["passed"]]
    # 1,000 of 5,000 against 2,500 of 5,000: .2 / .5, times e to the -+1.96 sqrt(.8 / 1000 + .5 / 2500)
    assert reasons == [
        "ADVERSE: R-0001, sex: a 20% (1000 of 5000), impact ratio 0.40 [0.38 to 0.43] (pooling hides it)."
    ]
    assert [item["subject"] for item in decided["groups"]["by_subject"]] == ["R-0001"]


@pytest.mark.parametrize("is_old", [False, True])
def test_a_reason_tells_no_counts_that_its_table_withholds(is_old):
    """3 are few, and the women, the smallest other group, keep them from following: 20 of 100 with 113 of 253 would."""
    counts = {"female": (100, 20), "male": (150, 90), "diverse": (3, 3)}
    rows = [(name, place < yes) for name, (people, yes) in counts.items() for place in range(people)]
    sex, chosen = [list(column) for column in zip(*rows, strict=True)]
    found = evidence(chosen, {"sex": sex}, ["r"] * len(rows))
    if is_old:
        axes = [{key: value for key, value in axis.items() if key != "withheld"} for axis in found["axes"]]
        found |= {"axes": axes}
    reasons = [one["reason"] for one in verdict(groups=found)["findings"] if one["check"] == "selection:sex"]
    assert reasons == ["ADVERSE: sex: female (its figures would tell of few people)."]


def test_a_ratio_against_a_group_that_is_withheld_is_in_no_reason():
    (axis,) = BIASED["axes"]
    given = BIASED | {"axes": [axis | {"withheld": ["b"]}]}
    (reason,) = [one["reason"] for one in verdict(groups=given)["findings"] if one["check"] == "selection:sex"]
    assert reason == "ADVERSE: sex: a 20% (1000 of 5000)."


def test_past_human_decisions_are_shown_and_do_not_hold():
    decided = verdict(groups=EVEN | {"human": BIASED})
    assert decided["verdict"] == "allowed"
    assert decided["human"]["axes"][0]["verdict"] == "ADVERSE"


def test_a_row_cannot_hide_behind_its_axis():
    groups = copy.deepcopy(BIASED)
    for axis in groups["axes"] + groups["by_subject"]:
        axis["verdict"] = "NO_EVIDENCE"
    assert verdict(groups=groups)["verdict"] == "held"


def test_investigate_is_said_and_does_not_hold():
    decided = verdict(groups=cases(0.47, 0.5))
    assert decided["verdict"] == "allowed"
    assert {f["code"] for f in decided["findings"] if f["check"].startswith("selection")} == {"investigate"}


@pytest.mark.parametrize(("high", "expected"), [(-1e-9, "held"), (0.0, "allowed"), (0.1, "allowed")])
def test_a_model_that_is_surely_worse_than_its_baseline_holds(high, expected):
    decided = verdict(changed(METRICS, difference={"value": -0.1, "low": -0.2, "high": high}))
    assert decided["verdict"] == expected
    assert codes(decided) == ({"below_baseline"} if expected == "held" else set())


@pytest.mark.parametrize(("low", "is_asked"), [(-0.01, True), (0.0, True), (1e-9, False)])
def test_a_model_that_is_not_surely_better_than_its_baseline_is_accepted_by_name(low, is_asked):
    decided = verdict(changed(METRICS, difference={"value": 0.05, "low": low, "high": 0.1}))
    named = [gap for gap in decided["gaps"] if gap["name"] == "performance:baseline"]
    assert decided["verdict"] == "allowed"
    assert [gap["code"] for gap in named] == ["baseline_not_beaten"] * is_asked


@pytest.mark.parametrize("part", ["model", "difference"])
@pytest.mark.parametrize("name", ["value", "low", "high"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), None, "high"])
def test_what_is_not_a_number_holds(part, name, bad):
    metrics = copy.deepcopy(METRICS)
    metrics[part][name] = bad
    assert verdict(metrics)["verdict"] == "held"


def test_an_unknown_baseline_holds():
    assert codes(verdict(changed(METRICS, baseline={"value": float("nan")}))) == {"not_a_number"}


def test_an_interval_the_wrong_way_round_holds():
    assert codes(verdict(changed(METRICS, model={"value": 0.8, "low": 0.84, "high": 0.76}))) == {"not_a_number"}


def test_a_number_too_large_for_json_holds_and_is_still_written():
    evidence = {"metrics.json": b'{"n": 1e999}'} | dict.fromkeys(
        ("groups.json", "card.json", "served.json", "alternatives.json")
    )
    decided = decide("screening", evidence, SETTINGS)
    assert decided["verdict"] == "held"
    assert json.loads(json.dumps(decided, allow_nan=False)) == decided


def test_no_data_check_at_all_holds():
    assert codes(verdict(changed(METRICS, data_checks=[]))) == {"no_checks"}


@pytest.mark.parametrize("passed", [False, None, "yes", 1])
def test_a_data_check_that_did_not_pass_holds(passed):
    checks = [{"check": "leaks", "passed": passed, "reason": "1 column leaks."}]
    assert verdict(changed(METRICS, data_checks=checks))["verdict"] == "held"


@pytest.mark.parametrize("name", sorted(METRICS.keys() - {"metric", "higher_is_better", "chance"}))
def test_a_missing_key_of_the_metrics_holds_and_is_named(name):
    decided = verdict({key: value for key, value in METRICS.items() if key != name})
    assert codes(decided) == {"missing_key"}
    assert decided["findings"][0]["check"] == f"metrics.json:{name}"


@pytest.mark.parametrize("name", ["axes", "by_subject", "tallies", "human"])
def test_a_missing_key_of_the_groups_holds_and_is_no_shadow(name):
    decided = verdict(groups={key: value for key, value in EVEN.items() if key != name})
    assert (codes(decided), decided["shadow"]) == ({"missing_key"}, False)


@pytest.mark.parametrize("part", ["metrics", "groups", "card"])
def test_a_missing_file_holds(part):
    decided = verdict(**{part: None})
    assert (decided["verdict"], codes(decided), decided["shadow"]) == ("held", {"missing_file"}, False)


@pytest.mark.parametrize(
    "content",
    [
        [],
        "text",
        {"axes": "none", "by_subject": []},
        {"axes": [{}], "by_subject": []},
        NO_GROUPS | {"tallies": [{"axis": "sex"}]},
    ],
)
def test_malformed_groups_hold(content):
    decided = verdict(groups=content)
    assert decided["verdict"] == "held"
    assert decided["groups"] == {"axes": [], "by_subject": [], "subjects": 0}


def test_an_unheard_of_verdict_holds():
    groups = copy.deepcopy(EVEN)
    groups["axes"][0]["groups"][0]["verdict"] = "FAIR"
    assert codes(verdict(groups=groups)) == {"malformed"}


@pytest.mark.parametrize(("name", "other"), [("model_sha256", "f" * 64), ("data_sha256", "f" * 64)])
def test_another_model_than_the_one_trained_holds(name, other):
    assert codes(verdict(card=changed(CARD, **{name: other}))) == {"other_model"}


def test_another_family_holds():
    assert codes(verdict(changed(METRICS, family="outcomes"))) == {"other_model"}


def test_no_group_data_holds_as_a_shadow():
    decided = verdict(groups=NO_GROUPS)
    assert (decided["verdict"], decided["shadow"], decided["gaps"]) == ("held", True, [])
    assert codes(decided) == {"no_group_data"}


@pytest.mark.parametrize(("known", "held"), [(49, {"no_group_data"}), (50, set())])
def test_a_few_known_people_among_many_unknown_are_no_group_data(known, held):
    group = ["a"] * known + ["unknown"] * (100 - known)
    assert codes(verdict(groups=evidence([True] * 100, {"sex": group}, ["r"] * 100))) == held


def test_groups_that_are_all_unknown_are_no_group_data():
    groups = evidence([True, False], {"sex": [None, None]}, ["r", "r"])
    decided = verdict(groups=groups)
    assert (codes(decided), decided["shadow"], decided["gaps"]) == ({"no_group_data"}, True, [])


def test_a_model_without_groups_and_with_another_fault_is_no_shadow():
    assert verdict(changed(METRICS, data_checks=[]), NO_GROUPS)["shadow"] is False


def test_what_the_numbers_cannot_say_is_a_gap_and_not_a_hold():
    selected = [True, False] * 2500 + [True, False] * 2500 + [True] * 3 + [False] * 4
    group = ["a"] * 5000 + ["b"] * 5000 + ["c"] * 3 + [None] * 4
    subject = ["r1"] * 5000 + ["r2"] * 5007
    decided = verdict(groups=evidence(selected, {"sex": group}, subject))
    assert decided["verdict"] == "allowed"
    assert [(gap["axis"], gap["group"], gap["code"]) for gap in decided["gaps"]] == [
        ("intersections", "everyone", "no_intersection"),
        ("sex", "c", "insufficient_data"),
        ("sex", "unknown", "unknown_group"),
        ("sex", "by_subject", "subjects_insufficient"),
    ]
    assert decided["gaps"][1]["reason"] == "3 people: fewer than a group must have to be judged."
    assert decided["gaps"][3]["reason"] == "2 of 2 subjects have too little data to be judged alone."


def test_one_person_one_subject_and_one_slice_are_told_as_one():
    selected = [True, False] * 5000 + [True]
    group, subject = ["a"] * 5000 + ["b"] * 5000 + ["c"], ["r1"] * 10_001
    metrics = METRICS | {"slices": {"judged": [], "too_few": {"sex": 1}}}
    told = [gap["reason"] for gap in verdict(metrics, groups=evidence(selected, {"sex": group}, subject))["gaps"]]
    assert "1 person: fewer than a group must have to be judged." in told
    assert "1 of 1 subject has too little data to be judged alone." in told
    assert "1 slice by sex has too few cases to say how good the model is there." in told


def test_a_gap_counts_people_and_not_the_decisions_about_them():
    groups = copy.deepcopy(EVEN)
    row = groups["axes"][0]["groups"][0]
    row |= {"n": 51, "people": 17, "verdict": "INSUFFICIENT_DATA", "reasons": ["below_min_group_size"]}
    told = [gap["reason"] for gap in verdict(groups=groups)["gaps"]]
    assert "17 people: fewer than a group must have to be judged." in told


def test_a_difference_that_rounds_to_none_has_no_sign():
    told = METRICS | {"difference": {"value": -0.0004, "low": -0.02, "high": 0.019}}
    [gap] = [gap for gap in verdict(told)["gaps"] if gap["code"] == "baseline_not_beaten"]
    assert gap["reason"].startswith("Model minus baseline is 0.000 [-0.020, 0.019]")
    other = tried("a", 0.8) | {"difference": {"value": -0.004, "low": -0.02, "high": 0.004}}
    [reason] = [gap["reason"] for gap in verdict(choice=choice(other))["gaps"] if gap["name"] == "alternative:a"]
    assert reason.endswith("that of the declared model by 0.00 [-0.02 to 0.00].")


def test_unknown_people_are_a_gap_whatever_their_row_says():
    groups = copy.deepcopy(EVEN)
    row = groups["axes"][0]["groups"][0] | {"group": "unknown"}
    groups["axes"][0]["groups"].append(row)
    assert [gap["name"] for gap in verdict(groups=groups)["gaps"]] == ["intersections:everyone", "sex:unknown"]


def test_an_axis_that_as_a_whole_cannot_be_judged_is_a_gap_though_no_row_says_so():
    axis = EVEN["axes"][0] | {"verdict": "INSUFFICIENT_DATA"}
    assert "sex:everyone" in [gap["name"] for gap in verdict(groups=EVEN | {"axes": [axis]})["gaps"]]


def without(name, axis):
    """Two axes and their crossing, all even; of one part an axis is not there."""
    groups = crossed(5000, fx=2500, fy=2500, mx=2500, my=2500)
    return groups | {name: [item for item in groups[name] if item["axis"] != axis]}


@pytest.mark.parametrize("name", ["axes", "tallies"])
@pytest.mark.parametrize("axis", ["sex", "sex x ethnicity"])
def test_an_axis_without_its_tally_and_a_tally_without_its_axis_hold(name, axis):
    decided = verdict(groups=without(name, axis))
    assert (decided["verdict"], decided["shadow"]) == ("held", False)
    assert "evidence_incomplete" in codes(decided)
    reason = next(finding["reason"] for finding in decided["findings"] if finding["code"] == "evidence_incomplete")
    assert reason.endswith(f": {axis}.")


@pytest.mark.parametrize("tallies", [[], [EVEN["tallies"][0] | {"verdicts": {}}], EVEN["tallies"] * 2])
def test_an_axis_that_was_judged_by_no_subject_or_counted_twice_holds(tallies):
    assert codes(verdict(groups=EVEN | {"tallies": tallies})) == {"evidence_incomplete"}


@pytest.mark.parametrize("lost", [{"n": 4999}, {"selected": 2499}])
def test_an_axis_that_is_about_fewer_people_than_another_holds(lost):
    groups = crossed(5000, fx=2500, fy=2500, mx=2500, my=2500)
    groups["axes"][2]["groups"][0] |= lost
    assert codes(verdict(groups=groups)) == {"evidence_incomplete"}
    groups["axes"][2]["groups"] = groups["axes"][2]["groups"][:2]
    assert codes(verdict(groups=groups)) == {"evidence_incomplete"}


def test_an_axis_that_is_about_fewer_subjects_than_another_holds():
    groups = crossed(5000, fx=2500, fy=2500, mx=2500, my=2500)
    groups["tallies"][1] = groups["tallies"][1] | {"verdicts": {"NO_EVIDENCE": 2}}
    assert codes(verdict(groups=groups)) == {"evidence_incomplete"}


def test_stages_are_about_different_people_and_each_is_whole():
    talk = crossed(2500, fx=1250, fy=1250, mx=1250, my=1250)
    both = crossed(5000, fx=2500, fy=2500, mx=2500, my=2500)
    for name in NOTHING:
        both[name] = both[name] + [item | {"stage": "talk"} for item in talk[name]]
    assert verdict(groups=both)["verdict"] == "allowed"
    both["tallies"] = [tally | {"stage": "talk"} for tally in both["tallies"]]
    assert codes(verdict(groups=both)) == {"evidence_incomplete"}


def test_incomplete_evidence_is_no_shadow_though_nobodys_group_is_known():
    groups = evidence([True, False], {"sex": [None, None]}, ["r", "r"])
    decided = verdict(groups=groups | {"tallies": []})
    assert (codes(decided), decided["shadow"]) == ({"no_group_data", "evidence_incomplete"}, False)


@pytest.mark.parametrize("human", [None, {"axes": "x"}, {}, NOTHING | {"axes": [{"axis": "sex"}]}])
def test_malformed_decisions_by_people_hold_and_are_not_taken_as_none(human):
    decided = verdict(groups=EVEN | {"human": human})
    assert (decided["verdict"], decided["shadow"]) == ("held", False)
    assert codes(decided) <= {"malformed", "missing_key"}
    failed = [finding["check"] for finding in decided["findings"] if not finding["passed"]]
    assert all(check.startswith("groups.json:human") for check in failed)


def test_a_group_judged_below_the_size_of_this_gate_holds():
    strict = SETTINGS.model_copy(update={"min_group_size": 5001})
    assert codes(verdict(settings=strict)) == {"small_group_judged"}
    assert "small_group_judged" in codes(verdict(groups=EVEN | {"tallies": []}, settings=strict))
    enough = EVEN | {"tallies": [tally | {"min_group_size": 5000} for tally in EVEN["tallies"]]}
    assert verdict(groups=enough, settings=SETTINGS.model_copy(update={"min_group_size": 5000}))["verdict"] == "allowed"


def test_subjects_cleared_from_fewer_people_than_this_gate_wants_hold_though_none_is_listed():
    loose = EVEN | {"tallies": [tally | {"min_group_size": 29} for tally in EVEN["tallies"]]}
    assert codes(verdict(groups=loose)) == {"small_group_judged"}


@pytest.mark.parametrize("listed", [[], [0, 0]])
def test_a_subject_that_is_counted_must_be_listed_and_the_reverse(listed):
    even = changed(cases(0.47, 0.5))
    groups = even | {"by_subject": [even["by_subject"][place] for place in listed]}
    assert codes(verdict(groups=groups)) == {"subjects_unlisted"}


def test_a_subject_on_an_axis_that_nobody_counted_holds():
    even = changed(cases(0.47, 0.5))
    other = [axis | {"axis": "ethnicity"} for axis in even["by_subject"]]
    assert codes(verdict(groups=even | {"by_subject": even["by_subject"] + other})) == {"subjects_unlisted"}


def test_an_adverse_subject_that_is_only_counted_holds_as_adverse():
    groups = EVEN | {"tallies": BIASED["tallies"]}
    assert codes(verdict(groups=groups)) == {"subjects_unlisted", "adverse"}


def crossed(people, **selected):
    """Two sexes and two ethnicities of so many each; selected by sex and ethnicity, as `fx`."""
    rows = [(place < chosen, *cell) for cell, chosen in selected.items() for place in range(people)]
    chosen, sex, ethnicity = (list(column) for column in zip(*rows, strict=True))
    return evidence(chosen, {"sex": sex, "ethnicity": ethnicity}, ["r"] * len(chosen))


def test_an_intersection_holds_where_neither_of_its_axes_would():
    # 1,500 and 4,500 of 5,000 across: .6 over either sex and either ethnicity.
    decided = verdict(groups=crossed(5000, fx=1500, fy=4500, mx=4500, my=1500))
    held = {finding["check"] for finding in decided["findings"] if not finding["passed"]}
    assert held == {"selection:sex x ethnicity", "selection:sex x ethnicity:by_subject"}


def test_an_intersection_that_was_left_out_holds():
    groups = crossed(5000, fx=1500, fy=4500, mx=4500, my=1500)
    plain = {name: [item for item in groups[name] if " x " not in item["axis"]] for name in NOTHING}
    assert codes(verdict(groups=groups | plain)) == {"intersection_missing"}


def test_small_and_unknown_cells_of_an_intersection_are_gaps_by_name():
    # 3 of the 10,000 women are of z, and nobody knows the ethnicity of 4 men.
    rows = [(place % 2 == 0, *cell) for cell in ("fx", "fy", "mx", "my") for place in range(5000)]
    rows += [(False, "f", "z")] * 3 + [(False, "m", None)] * 4
    chosen, sex, ethnicity = (list(column) for column in zip(*rows, strict=True))
    decided = verdict(groups=evidence(chosen, {"sex": sex, "ethnicity": ethnicity}, ["r"] * len(chosen)))
    assert decided["verdict"] == "allowed"
    names = [gap["name"] for gap in decided["gaps"] if gap["axis"] == "sex x ethnicity"]
    assert names[:2] == ["sex x ethnicity:f|z", "sex x ethnicity:unknown"]


def test_what_the_pool_hides_is_told_first_of_many_adverse_subjects():
    one = BIASED["by_subject"][0]
    listed = [one | {"subject": f"R-{n}", "is_hidden_in_pool": n == 7} for n in range(8)]
    tallies = [tally | {"verdicts": {"ADVERSE": 8}} for tally in BIASED["tallies"]]
    decided = verdict(groups=EVEN | {"by_subject": listed, "tallies": tallies})
    (reason,) = [finding["reason"] for finding in decided["findings"] if not finding["passed"]]
    assert reason.startswith("ADVERSE: R-7, sex: a 20% (1000 of 5000)")
    assert reason.endswith("And 3 more.")


def test_without_findings_there_is_nothing_to_allow():
    assert gate.allowed([]) is False


def test_the_stage_writes_the_same_bytes_twice_and_never_fails_for_a_verdict(tmp_path):
    (tmp_path / "params.yaml").write_text(GATE)
    line = gate.run("screening", tmp_path)
    file = tmp_path / "var/stages/screening/gated/verdict.json"
    first = file.read_bytes()
    assert line.startswith("screening is held (missing_file), with 0 gaps")
    assert json.loads(first)["verdict"] == "held"
    gate.run("screening", tmp_path)
    assert file.read_bytes() == first


def test_a_typo_in_the_settings_is_named(tmp_path, capsys):
    (tmp_path / "params.yaml").write_text("gate: {slice_dorp: 0.1, min_group_size: 0}")
    with pytest.raises(SettingsError, match=r"gate\.min_group_size.*gate\.slice_dorp"):
        gate.run("screening", tmp_path)
    assert guarded(lambda: gate.run("screening", tmp_path)) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_what_only_the_price_of_comparing_keeps_from_adverse_must_be_accepted_by_name():
    # 18 of 100 against 31 of 100 alone is ADVERSE (p = .033); of three groups it is not, and nobody may overlook that.
    selected = [n < of for of in (18, 31, 31) for n in range(100)]
    group = [name for name in "abc" for _ in range(100)]
    decided = verdict(groups=evidence(selected, {"sex": group}, ["r1"] * 300))
    assert decided["verdict"] == "allowed"
    assert ("a", "not_significant_after_correction") in [(gap["group"], gap["code"]) for gap in decided["gaps"]]


BLESSED = dict.fromkeys(("data", "performance", "fairness", "infrastructure"), True)


def test_a_model_is_allowed_with_all_four_blessings_by_their_names():
    assert verdict()["blessings"] == BLESSED


NAN = METRICS | {"model": {"value": None, "low": 0.7, "high": 0.8}}
WORSE = METRICS | {"difference": {"value": -0.1, "low": -0.15, "high": -0.05}}
LEAKED = METRICS | {"data_checks": [{"check": "leaks", "passed": False, "reason": "Still there."}]}


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"metrics": LEAKED}, {"data"}),
        ({"metrics": METRICS | {"data_checks": []}}, {"data"}),
        ({"card": CARD | {"data_sha256": "f" * 64}}, {"data"}),
        ({"card": None}, {"data", "performance", "infrastructure"}),
        ({"metrics": WORSE}, {"performance"}),
        ({"metrics": NAN}, {"performance", "data"}),  # nothing of an unreadable file counts
        ({"metrics": None}, {"performance", "data"}),
        ({"groups": BIASED}, {"fairness"}),
        ({"groups": NO_GROUPS}, {"fairness"}),
        ({"groups": None}, {"fairness"}),
        ({"choice": None}, {"fairness"}),
        ({"served": None}, {"infrastructure"}),
        ({"served": SERVED | {"checks": []}}, {"infrastructure"}),
        ({"served": SERVED | {"checks": [{"check": "loads", "passed": False, "reason": "No."}]}}, {"infrastructure"}),
        ({"served": SERVED | {"checks": [{"check": "loads", "passed": 1, "reason": "Yes."}]}}, {"infrastructure"}),
        ({"served": SERVED | {"model_sha256": "f" * 64}}, {"infrastructure"}),
        ({"served": SERVED | {"family": "outcomes"}}, {"infrastructure"}),
    ],
)
def test_each_blessing_is_lost_by_its_own_fault_alone(changes, lost):
    decided = verdict(**changes)
    assert {name for name, given in decided["blessings"].items() if not given} == lost
    assert decided["verdict"] == "held"


def test_every_finding_is_about_one_blessing():
    about = {finding["check"]: gate.blessing_of(gate.Finding(**finding)) for finding in verdict()["findings"]}
    assert {check: name for check, name in about.items() if name != "fairness"} == {
        **dict.fromkeys(("model:numbers", "difference:numbers", "baseline:numbers", "against_baseline"), "performance"),
        **dict.fromkeys(("same_model", "data_checks", "data:enough_rows"), "data"),
        **dict.fromkeys(("served:same_model", "served:checks", "served:loads"), "infrastructure"),
    }
    assert {check.partition(":")[0] for check, name in about.items() if name == "fairness"} == {
        "alternatives", "group_data", "everyone_judged", "group_sizes", "subjects_listed", "intersections", "selection",
    }  # fmt: skip


def test_no_variable_of_the_environment_has_a_say(monkeypatch, tmp_path):
    """The gate asks none: whatever is set, a held model stays held."""
    asked = []

    class Asked(dict):
        def __getitem__(self, name):
            asked.append(name)
            return super().__getitem__(name)

        def get(self, name, default=None):
            asked.append(name)
            return super().get(name, default)

    (tmp_path / "params.yaml").write_text(GATE)
    monkeypatch.setattr(os, "environ", Asked(os.environ))
    gate.run("screening", tmp_path)
    assert {name for name in asked if name.startswith("CANDOR")} <= {"CANDOR_LOG"}, "how loud it is, and nothing else"
    assert json.loads((tmp_path / "var/stages/screening/gated/verdict.json").read_text())["verdict"] == "held"


def test_who_approves_sees_for_whom_the_model_is_wrong():
    found = {"axes": [{"axis": "sex", "groups": [{"group": "few", "people": 4}]}], "lists": []}
    decided = verdict(METRICS | {"parity": found})
    assert decided["metrics"]["parity"] == found
    assert decided["verdict"] == verdict()["verdict"], "told and not judged"


def of_slices(*rows, higher=True, overall=(0.8, 0.76, 0.84), too_few=()):
    judged = [
        {"axis": axis, "slice": name, "n": 100, "model": dict(zip(("value", "low", "high"), found, strict=True))}
        for axis, name, found in rows
    ]
    model = dict(zip(("value", "low", "high"), overall, strict=True))
    slices = {"judged": judged, "too_few": dict(too_few)}
    return verdict(METRICS | {"model": model, "higher_is_better": higher, "slices": slices})


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        ((0.7, 0.65, 0.684), False),  # up to 0.76 - 10 %, so not surely beyond
        ((0.7, 0.65, 0.6839), True),
        ((0.9, 0.85, 0.95), False),
        ((0.6, 0.5, 0.7), False),  # far below, and not surely
        ((None, 0.5, 0.9), True),
        ((0.6, 0.9, 0.5), True),  # no interval
    ],
)
def test_a_slice_that_is_surely_far_below_all_holds_the_model(found, holds):
    decided = of_slices(("sex", "male", (0.8, 0.7, 0.9)), ("sex", "female", found), ("subject", "R-1", (0.8, 0.7, 0.9)))
    assert (codes(decided) == {"slice_far_below"}) is (holds and found[0] is not None)
    assert (decided["verdict"] == "held") is holds
    assert decided["blessings"]["performance"] is not holds
    if codes(decided) == {"slice_far_below"}:
        (finding,) = [finding for finding in decided["findings"] if not finding["passed"]]
        assert finding["check"] == "slices:sex"
        assert "no whole interval may lie beyond 0.684. These do: female" in finding["reason"]


def test_a_slice_that_holds_and_would_tell_of_few_people_is_named_without_its_figures():
    one = {"axis": "sex", "n": 100, "model": {"value": 0.6, "low": 0.55, "high": 0.65}}
    judged = [one | {"slice": "female", "is_told": False}, one | {"slice": "male", "is_told": True}]
    decided = verdict(METRICS | {"slices": {"judged": judged, "too_few": {}}})
    (finding,) = [finding for finding in decided["findings"] if not finding["passed"]]
    assert finding["reason"].endswith(
        "These do: female (its figures would tell of few people); male 0.600 [0.550, 0.650]."
    )


@pytest.mark.parametrize(("low", "holds"), [(0.242, False), (0.2421, True)])
def test_where_less_is_better_far_below_is_far_above(low, holds):
    decided = of_slices(("sex", "female", (0.3, low, 0.4)), higher=False, overall=(0.2, 0.18, 0.22))
    assert (codes(decided) == {"slice_far_below"}) is holds


def test_slices_that_are_too_few_to_tell_are_gaps_by_axis_that_both_must_accept():
    decided = of_slices(too_few={"sex": 2, "subject": 40}.items())
    assert decided["verdict"] == "allowed"
    found = {gap["name"]: gap["reason"] for gap in decided["gaps"] if gap["code"] == "slices_insufficient"}
    assert found == {
        "performance:sex": "2 slices by sex have too few cases to say how good the model is there.",
        "performance:subject": "40 slices by subject have too few cases to say how good the model is there.",
    }


@pytest.mark.parametrize("part", ["slices", "to_accept", "intervals"])
def test_evidence_that_lacks_a_part_holds(part):
    decided = verdict({name: value for name, value in METRICS.items() if name != part})
    assert (codes(decided), decided["blessings"]["performance"]) == ({"missing_key"}, False)


def test_an_input_that_orders_a_group_for_a_declared_reason_or_by_chance_must_be_accepted_by_its_name():
    sure = {"input": "experience_years", "axis": "age_band", "group": "60+", "single": 0.98, "single_low": 0.964}
    sure |= {"is_sure": True, "reason": "The job asks for ten years at sea."}
    chance = sure | {"axis": "sex", "group": "male", "single_low": 0.93, "is_sure": False, "reason": None}
    decided = verdict(METRICS | {"to_accept": [sure, chance]})
    assert decided["verdict"] == "allowed"
    found = {gap["name"]: gap["reason"] for gap in decided["gaps"] if gap["code"] == "stand_in"}
    assert list(found) == ["stand_in:experience_years for age_band", "stand_in:experience_years for sex"]
    excused, unsure = found.values()
    assert excused.startswith("experience_years alone tells 60+ (age_band) from others with an AUC of 0.98, surely so.")
    assert excused.endswith("Declared reason: The job asks for ten years at sea.")
    assert unsure.endswith("which may be chance: 0.93 is sure. No reason of work was declared.")


def test_a_group_whose_intervals_surely_hold_too_little_must_be_accepted_by_its_name():
    near = {"axis": "sex", "group": "male", "people": 90, "promised": 0.9, "share": 0.85, "is_below": False}
    far = near | {"group": "female", "people": 80, "share": 0.7, "is_below": True}
    rows = [one | {"foreseen": foreseen} for one in (near, far) for foreseen in ("outcome", "grade")]
    decided = verdict(METRICS | {"intervals": rows})
    gap, graded = (gap for gap in decided["gaps"] if gap["code"] == "interval_too_narrow")
    assert (decided["verdict"], gap["name"]) == ("allowed", "intervals:female of sex")
    assert "hold 90% of the outcomes; of 80 people of female (sex) they hold 70.0%" in gap["reason"]
    assert graded["name"] == "intervals:grade of female of sex"
    assert "hold 90% of the scores at the end; of 80 people of female (sex)" in graded["reason"]


def choice(*alternatives, **changes):
    given = [tried("declared", 0.7), *alternatives] if alternatives else CHOICE["alternatives"]
    return CHOICE | {"alternatives": given} | changes


def named(decided, code="less_discriminatory_alternative"):
    return [gap["name"] for gap in decided["gaps"] if gap["code"] == code]


def test_a_less_discriminatory_alternative_that_was_not_taken_is_a_gap_by_its_name():
    decided = verdict(choice=choice(tried("a", 0.8), tried("b", 0.9), tried("near", 0.71), tried("worse", 0.99, -0.03)))
    assert decided["verdict"] == "allowed"
    assert named(decided) == ["alternative:b", "alternative:a"]
    [reason] = [gap["reason"] for gap in decided["gaps"] if gap["name"] == "alternative:b"]
    assert "0.90 [0.80 to 1.00], that of declared, which was taken, 0.70 [0.60 to 0.80]" in reason
    assert "-0.01 [-0.03 to 0.01]" in reason
    assert decided["alternatives"]["alternatives"][2]["name"] == "b"


def test_the_gate_reckons_itself_what_is_better():
    """The record may say that nothing is equal and that the best was taken: numbers count."""
    hidden = tried("a", 0.9) | {"is_equal": False}
    assert named(verdict(choice=choice(hidden, why="The best was taken."))) == ["alternative:a"]


def test_the_alternative_that_was_taken_leaves_nothing_to_explain():
    taken = CHOICE | {"chosen": "a"}
    taken |= {"alternatives": [tried("declared", 0.7, model="e" * 64), tried("a", 0.9, model=MODEL)]}
    assert named(verdict(choice=taken)) == []
    assert verdict(choice=taken)["verdict"] == "allowed"


def test_what_the_rule_left_as_unsure_is_accepted_by_name_and_what_it_should_have_taken_is_explained():
    sure = tried("sure", 0.9, 0.03) | {"gain": {"value": 1.3, "low": 1.01, "high": 1.6}}
    decided = verdict(choice=choice(tried("a", 0.95), sure, take="best"))
    assert named(decided) == ["alternative:sure"]
    assert named(decided, "alternative_unsure") == ["alternative_unsure:a"]
    [reason] = [gap["reason"] for gap in decided["gaps"] if gap["code"] == "alternative_unsure"]
    assert "it may be of equal validity" in reason
    assert named(verdict(choice=choice(tried("a", 0.95), sure))) == ["alternative:a", "alternative:sure"]


@pytest.mark.parametrize(
    "margins",
    [{"impact_ratio": 0.99}, {"validity": 0.0}, {"selected_share": 0.001}],
)
def test_no_margin_of_the_choice_hides_what_was_passed_over(margins):
    """By hand: .9 for .7, a metric of at most .01 less, a share of .42 for .4."""
    better = tried("a", 0.9, high=-0.01) | {"selected_share": 0.42}
    told = choice(better, margins=CHOICE["margins"] | margins)
    assert named(verdict(choice=told)) == ["alternative:a"]
    wider = CHOICE["margins"] | {"validity": 0.1, "selected_share": 0.3}
    far = tried("a", 0.9, high=-0.09) | {"selected_share": 0.5}
    assert named(verdict(choice=choice(far, margins=wider))) == ["alternative:a"], "more may count as equal"
    assert named(verdict(choice=choice(far))) == []


@pytest.mark.parametrize(("high", "found"), [(-0.0013, ["alternative:a"]), (-0.0015, [])])
def test_what_counts_as_equally_valid_is_a_share_of_the_declared_figure(high, found):
    """By hand: .025 of an error of .056 is .0014."""
    told = choice(tried("a", 0.9, high=high), margins=CHOICE["margins"] | {"validity": 0.0})
    told["alternatives"][0]["metric"] = {"value": 0.056, "low": 0.05, "high": 0.06}
    assert named(verdict(choice=told)) == found


def test_a_search_with_the_declared_model_alone_is_a_gap_that_two_people_accept():
    decided = verdict(choice=CHOICE | {"alternatives": [tried("declared", 0.9)]})
    assert (named(decided, "none_tried"), decided["verdict"]) == (["alternatives:none_tried"], "allowed")
    assert named(decided, "alternative_unknown") == []


@pytest.mark.parametrize("field", ["selected_share", "impact_ratio", "difference"])
def test_what_could_not_be_compared_is_a_gap_by_its_name(field):
    nothing = None if field == "selected_share" else {"value": None, "low": None, "high": None}
    decided = verdict(choice=choice(tried("a", 0.6) | {field: nothing}, tried("b", 0.6)))
    assert named(decided, "alternative_unknown") == ["alternative_unknown:a"]
    assert named(decided) == named(decided, "alternative_unsure") == named(decided, "none_tried") == []


def test_what_the_others_are_compared_with_must_be_known_too():
    unknown = tried("declared", None)
    decided = verdict(choice=CHOICE | {"alternatives": [unknown, tried("a", None), tried("b", 0.8)], "take": "best"})
    assert named(decided, "alternative_unknown") == ["alternative_unknown:declared", "alternative_unknown:a"]
    assert named(decided, "alternative_unsure") == ["alternative_unsure:b"]


def test_an_alternative_that_is_the_declared_model_again_was_not_tried():
    """Where nobody could be weighed, the same rows make the same model."""
    decided = verdict(choice=choice(tried("a", 0.7, model=MODEL)))
    assert named(decided, "alternative_unknown") == ["alternative_unknown:a"]


def test_a_choice_that_is_missing_or_of_another_model_holds():
    assert codes(verdict(choice=None)) == {"missing_file"}
    assert codes(verdict(choice=choice(family="outcomes"))) == {"other_model"}
    other = choice(tried("a", 0.9, model="e" * 64), chosen="a")
    assert codes(verdict(choice=other)) == {"other_model"}


@pytest.mark.parametrize(
    "changes",
    [
        {"chosen": "nobody"},
        {"alternatives": []},
        {"alternatives": [tried("declared", 0.7), tried("declared", 0.9)]},
        {"alternatives": [tried("a", 0.7)], "chosen": "a"},
        {"margins": {"validity": 2, "impact_ratio": 0.02, "selected_share": 0.1}},
        {"alternatives": [tried("declared", 0.7) | {"impact_ratio": {"value": "much", "low": 0, "high": 1}}]},
    ],
)
def test_a_choice_that_is_not_in_its_form_holds(changes):
    assert codes(verdict(choice=CHOICE | changes)) <= {"malformed", "not_a_number"}
    assert verdict(choice=CHOICE | changes)["verdict"] == "held"


def test_a_verdict_names_the_purpose_that_is_declared_and_none_is_no_purpose(tmp_path):
    (tmp_path / "params.yaml").write_text(GATE)
    gate.run("screening", tmp_path)
    found = json.loads((tmp_path / "var/stages/screening/gated/verdict.json").read_text())
    assert found["purpose"] == "To order applications."
    (tmp_path / "params.yaml").write_text(GATE.replace("To order applications.", "' Screening.           '"))
    with pytest.raises(SettingsError, match=r"screening\.purpose"):
        gate.run("screening", tmp_path)
