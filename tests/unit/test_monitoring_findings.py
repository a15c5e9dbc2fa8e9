"""What becomes a finding, and what asks for a retrain: one test a rule, at its bound."""

from datetime import date
from pathlib import Path

import pytest

from monitoring import findings
from monitoring.results import Axis, Bias, ColumnDrift, Drift, Estimate, Finding, Performance
from monitoring.settings import Monitor
from pipelines.base.settings import load
from pipelines.fairness import judge_counts

DAY = date(2026, 10, 31)
SETTINGS = Monitor(
    psi=0.25,
    psi_floor=0.0001,
    noise_quantile=0.999,
    min_rows=30,
    drifted_share=0.5,
    performance_drop=0.1,
    min_labels=30,
    departed_floor=0.05,
    top_k=10,
    bootstrap=100,
    sample_rows=100,
    seed=1,
    cooldown_days=14,
    retrain_on=("psi", "drifted_share", "performance_drop"),
)


def column(name, *, drifted):
    shares = {"missing_share": 0.0, "missing_share_before": 0.0, "expected": (1.0,), "actual": (1.0,)}
    about = {"kind": "numeric", "psi": 0.4, "noise": 0.1, "psi_previous": None, "labels": ("any",)}
    return ColumnDrift(column=name, is_drifted=drifted, **about, **shares)


def drift(*drifted, status="ok"):
    columns = tuple(column(f"c{i}", drifted=d) for i, d in enumerate(drifted))
    return Drift(
        family="screening", as_of=DAY, status=status, columns=columns, drifted_share=sum(drifted) / len(drifted)
    )


def performance(value, low, high, *, then=0.8, status="ok", higher=True, drop=None):
    worse = (then - value if higher else value - then) / then
    return Performance(
        family="screening",
        as_of=DAY,
        status=status,
        metric="AUC",
        is_higher_better=higher,
        labelled=12,
        scored=90,
        model=Estimate(value=value, low=low, high=high),
        model_at_release=Estimate(value=then, low=None, high=None),
        drop=worse if drop is None else drop,
    )


def axis(counts, *, source="human", subject=None, hidden=False):
    judged = judge_counts(counts, axis="sex", min_group_size=30, subject=subject).to_dict()
    return Axis(source=source, stage="screen", subject=subject, judgement=judged | {"is_hidden_in_pool": hidden})


ADVERSE = {"female": (120, 30), "male": (120, 72)}
EVEN = {"female": (2000, 960), "male": (2000, 960)}


def rules(found):
    return [f.rule for f in found]


def test_each_drifted_column_is_a_finding_and_the_others_are_none():
    assert [f.subject for f in findings.of_drift(drift(True, False, False), SETTINGS)] == ["c0"]


def test_the_whole_has_changed_only_above_the_share_and_not_at_it():
    assert "drifted_share" not in rules(findings.of_drift(drift(True, False), SETTINGS))
    assert rules(findings.of_drift(drift(True, True, False), SETTINGS)) == ["drifted_share", "psi", "psi"]


def test_drift_that_cannot_be_judged_is_a_note_and_no_alert():
    found = findings.of_drift(drift(True, status="too_few_rows"), SETTINGS)
    assert [(f.rule, f.is_alert) for f in found] == [("too_few_rows", False)]


@pytest.mark.parametrize("check", [findings.of_drift, findings.of_performance])
def test_a_check_that_did_not_run_is_an_alert(check):
    found = check(None, SETTINGS)
    assert [(f.rule, f.is_alert) for f in found] == [("not_measured", True)]


def test_bias_that_was_not_measured_is_an_alert():
    assert [(f.rule, f.is_alert) for f in findings.of_bias(None)] == [("not_measured", True)]


def test_a_drop_beyond_the_bound_and_beyond_chance_is_a_finding():
    assert rules(findings.of_performance(performance(0.7, 0.68, 0.72), SETTINGS)) == ["performance_drop"]


def test_a_drop_within_the_bound_is_none_though_beyond_chance():
    assert findings.of_performance(performance(0.73, 0.72, 0.74), SETTINGS) == []


def test_a_drop_that_chance_explains_is_none_though_beyond_the_bound():
    assert findings.of_performance(performance(0.7, 0.55, 0.85), SETTINGS) == []


def test_a_higher_error_is_a_drop_where_lower_is_better():
    worse = performance(0.15, 0.13, 0.17, then=0.1, higher=False)
    better = performance(0.05, 0.04, 0.06, then=0.1, higher=False)
    assert rules(findings.of_performance(worse, SETTINGS)) == ["performance_drop"]
    assert findings.of_performance(better, SETTINGS) == []


def test_an_unknown_interval_is_never_beyond_chance():
    assert not findings.is_beyond_chance(performance(0.1, None, None))


def test_few_labels_are_said_with_their_number_and_raise_no_alert():
    (found,) = findings.of_performance(performance(0.2, 0.1, 0.3, status="insufficient_labels"), SETTINGS)
    assert (found.rule, found.is_alert) == ("insufficient_labels", False)
    assert "labels for 12 of 90 scores; 30 are needed" in found.text


def test_a_figure_without_one_at_release_was_not_measured():
    found = findings.of_performance(performance(0.7, 0.6, 0.8).model_copy(update={"drop": None}), SETTINGS)
    assert rules(found) == ["not_measured"]


def test_a_subject_that_fails_behind_a_good_pool_comes_first_and_says_so():
    bias = Bias(
        family="screening",
        as_of=DAY,
        status="ok",
        pools=(axis(EVEN), axis(ADVERSE, source="model")),
        subjects=(axis(ADVERSE, subject="R-1"), axis(ADVERSE, subject="R-7", hidden=True)),
    )
    found = findings.of_bias(bias)
    assert [(f.rule, f.subject) for f in found] == [
        ("bias_human_subject", "R-7"),
        ("bias_human_subject", "R-1"),
        ("bias_model", "all subjects"),
    ]
    assert found[0].text.endswith(
        "Over all subjects together the lowest ratio is 1.00 [0.94 to 1.07]: pooling hides it."
    )
    assert all(f.is_alert for f in found)


def test_what_should_be_investigated_is_a_note():
    investigate = {"female": (10000, 4700), "male": (10000, 5000)}
    bias = Bias(family="screening", as_of=DAY, status="ok", pools=(axis(investigate),))
    assert [(f.rule, f.is_alert) for f in findings.of_bias(bias)] == [("bias_human", False)]


def test_no_groups_at_all_is_never_silence():
    found = findings.of_bias(Bias(family="screening", as_of=DAY, status="no_groups"))
    assert rules(found) == ["no_groups"]
    assert "not a sign of health" in found[0].text


def finding(rule, *, alert=True):
    return Finding(rule=rule, subject="x", text="t", is_alert=alert)


def conclude(found, requested=()):
    return findings.concluded("screening", DAY, found, requested, SETTINGS)


def test_only_named_findings_ask_for_a_retrain():
    assert conclude([finding("psi"), finding("psi"), finding("bias_human_subject")]).reasons == ("psi",)
    assert not conclude([finding("bias_human_subject"), finding("not_measured")]).retrain


def test_alerts_come_before_notes():
    assert rules(conclude([finding("no_groups", alert=False), finding("psi")]).findings) == ["psi", "no_groups"]


@pytest.mark.parametrize(
    ("asked", "retrain"),
    [("2026-10-31", False), ("2026-10-18", False), ("2026-10-17", True), ("2026-11-13", False), ("2026-11-14", True)],
)
def test_the_same_finding_asks_again_only_after_the_cooldown(asked, retrain):
    result = conclude([finding("psi")], [{"finding": "psi", "as_of": asked}])
    assert result.retrain is retrain
    assert result.held_back == (() if retrain else ("psi",))


def test_another_finding_has_its_own_cooldown():
    result = conclude([finding("psi"), finding("performance_drop")], [{"finding": "psi", "as_of": "2026-10-31"}])
    assert (result.reasons, result.held_back) == (("performance_drop",), ("psi",))


def test_a_model_that_learned_from_the_forgotten_asks_for_a_retrain_once():
    found = findings.of_erasures(2)
    assert [f.value for f in found] == [2]
    settings = load(Monitor, "monitor", root=Path(__file__).parents[2])
    assert findings.concluded("screening", DAY, found, [], settings).reasons == ("person_forgotten",)
    asked = [{"finding": "person_forgotten", "as_of": str(DAY)}]
    assert not findings.concluded("screening", DAY, found, asked, settings).retrain
    assert findings.of_erasures(0) == []
