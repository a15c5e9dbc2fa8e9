"""Bias: who counts as selected, counts per group, the Simpson guard, and Evidently's metrics on them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from monitoring import bias, findings, plots
from monitoring.audience import bias_for_all
from monitoring.results import Finding, Findings
from pipelines.evaluate import groups
from pipelines.fairness import bias_report

UNIT = ("person_id", "subject_id")


def outcomes(rows):
    schema = ["person_id", "subject_id", "stage_code", "outcome", "decided_by", "occurred_at"]
    frame = pl.DataFrame(
        [(*row, datetime(2026, 1, i + 1, tzinfo=UTC)) for i, row in enumerate(rows)], schema, orient="row"
    )
    return frame.with_columns(target_code=pl.lit("t"))


def test_what_a_rule_decided_is_no_human_decision():
    found = groups.human_decisions(outcomes([("a", "R", "s", 1.0, "human"), ("b", "R", "s", 0.0, "rule")]), UNIT)
    assert found["person_id"].to_list() == ["a"]


def test_a_case_decided_on_twice_counts_once_and_selected_if_it_ever_was():
    rows = [("a", "R", "s", 1.0, "human"), ("a", "R", "s", 0.0, "human"), ("a", "R", "later", 0.0, "human")]
    found = groups.human_decisions(outcomes(rows), UNIT)
    assert found.sort("stage").select("stage", "is_selected").rows() == [("later", False), ("s", True)]


def test_where_a_unit_is_a_person_and_a_level_all_courses_of_the_level_are_one():
    scored = pl.DataFrame(
        {"person_id": ["a", "a"], "subject_id": ["c1", "c2"], "target_code": ["basic", "basic"]}
        | {"scorer": ["model", "model"], "is_selected": [False, True]}
    )
    found = groups.model_selections(scored, ("person_id", "target_code"))
    assert found.select("subject", "is_selected").rows() == [("basic", True)]


def test_a_rating_selects_strictly_above_the_median():
    rows = [(person, "R", "s", value, "human") for person, value in zip("abcd", (0.1, 0.5, 0.5, 0.9), strict=True)]
    found = groups.human_decisions(outcomes(rows), UNIT).sort("person_id")
    assert found["is_selected"].to_list() == [False, False, False, True]


def test_only_the_model_is_judged_and_not_its_baseline():
    scored = pl.DataFrame(
        {"person_id": ["a", "a"], "subject_id": ["R", "R"], "target_code": ["t", "t"]}
        | {"scorer": ["model", "baseline"], "is_selected": [True, False]}
    )
    assert groups.model_selections(scored, UNIT)["is_selected"].to_list() == [True]


def test_people_without_a_record_are_counted_as_unknown_and_not_dropped():
    decisions = groups.human_decisions(outcomes([("a", "R", "s", 1.0, "human"), ("b", "R", "s", 0.0, "human")]), UNIT)
    known = pl.DataFrame({"person_id": ["a"], "sex": ["female"]})
    found = groups.by_source({"human": groups.reports(decisions, known, 30)}, groups.cells)
    assert found.select("source", "stage", "axis", "group", "people", "selected", "verdict").rows() == [
        ("human", "s", "sex", "female", 1, 1, "INSUFFICIENT_DATA"),
        ("human", "s", "sex", "unknown", 1, 0, "INSUFFICIENT_DATA"),
    ]


def judged(tables, *sources):
    """Of counts by subject and sex, at the stage `screen`."""
    rows = [
        (place < selected, group, subject)
        for subject, counts in tables.items()
        for group, (people, selected) in counts.items()
        for place in range(people)
    ]
    chosen, sex, subject = zip(*rows, strict=True)
    reports = bias_report(list(chosen), {"sex": list(sex)}, list(subject), min_group_size=30, stage="screen")
    return bias.judged(dict.fromkeys(sources or ("human",), reports))


HIDDEN = {
    "R-7": {"female": (120, 30), "male": (120, 72)},  # 25 % against 60 %
    "R-1": {"female": (400, 222), "male": (400, 200)},  # all: women 252 of 520, men 272 of 520
}


def test_a_requisition_that_pooling_hides_is_the_first_line():
    found = judged(HIDDEN)
    assert found.subjects[0].subject == "R-7"
    assert found.subjects[0].verdict == "ADVERSE"
    assert found.subjects[0].judgement["is_hidden_in_pool"]
    assert found.pools[0].verdict != "ADVERSE"
    # .25/.6 = .4167; pool (252/520)/(272/520) = .926
    assert found.headlines[0].startswith(
        "R-7, human decisions at screen, sex: female 25% (30 of 120), male 60% (72 of 120)"
    )
    assert "impact ratio 0.42" in found.headlines[0]
    assert "lowest ratio is 0.93" in found.headlines[0]


ANOTHER = Finding(rule="psi", subject="hours", text="hours has drifted.")


def test_the_first_line_has_its_figures_for_compliance_though_others_may_not_read_them():
    """Three people of a third group: with both others told, everybody could tell what became of them."""
    found = judged(HIDDEN | {"R-7": HIDDEN["R-7"] | {"diverse": (3, 3)}})
    assert found.hidden[0].startswith("R-7, human decisions at screen, sex: female 25% (30 of 120), male 60%")
    everybody = bias_for_all(found)
    assert everybody.hidden[0] == (
        "R-7, human decisions at screen, sex: ADVERSE. Its figures would tell of few people."
    )
    assert everybody.headlines[0] == everybody.hidden[0]
    told = Findings(family="", as_of=None, retrain=False, reasons=(), findings=(ANOTHER, *findings.of_bias(found)))
    assert [finding.text for finding in told.findings] == [ANOTHER.text, everybody.hidden[0]]
    whole = findings.whole(told, found)
    assert [finding.text for finding in whole.findings] == [ANOTHER.text, found.hidden[0]]
    assert findings.whole(told, None) == told
    older = found.model_copy(update={"headlines_for_all": None, "hidden_for_all": None, "hidden": ("as it was",)})
    assert bias_for_all(older).hidden == ("as it was",)


def test_the_first_line_says_how_the_pool_shows_the_very_group_that_fails():
    # G5: finance turns women away, and over both jobs together they are ahead.
    tables = {
        "finance": {"female": (100, 10), "male": (450, 135)},
        "sales": {"female": (600, 540), "male": (250, 200)},
    }
    first = judged(tables).headlines[0]
    assert first.startswith("finance, human decisions at screen, sex: female 10% (10 of 100), male 30% (135 of 450)")
    assert first.endswith("Over all subjects together female has the highest rate: pooling hides it.")


def test_the_first_line_names_the_group_where_the_pool_is_worse_for_another():
    # x fails in R-7 (25 of 100 against 60) and is at .5/.55 over all; z is at .45/.55 there.
    tables = {
        "R-7": {"x": (100, 25), "y": (100, 60), "z": (100, 60)},
        "R-1": {"x": (900, 475), "y": (900, 490), "z": (900, 390)},
    }
    first = judged(tables).headlines[0]
    assert first.startswith("R-7, human decisions at screen, sex: x 25% (25 of 100)")
    assert "Over all subjects together the ratio of x is 0.91 [" in first


def test_small_groups_are_never_judged():
    found = judged({"R-7": {"female": (29, 0), "male": (120, 72)}})
    assert ([a.verdict for a in found.pools], found.subjects) == (["INSUFFICIENT_DATA"], ())
    assert [tally.verdicts["INSUFFICIENT_DATA"] for tally in found.tallies] == [1]
    assert bias.worst(found.pools[0].judgement) is None
    assert bias.told(found.pools[0]) == "All subjects, human decisions at screen, sex: too few to judge."
    assert found.headlines == ()


def test_without_any_attribute_the_status_says_so():
    assert bias.judged({"human": (), "model": ()}).status == "no_groups"


def test_decisions_and_selections_are_judged_apart():
    found = judged(HIDDEN, "human", "model")
    assert [(p.source, p.judgement["n"]) for p in found.pools] == [("human", 1040), ("model", 1040)]


@pytest.mark.filterwarnings("ignore")
class TestEvidently:
    """Our metrics in Evidently's form, on the counts of `HIDDEN`."""

    @pytest.fixture(scope="class")
    def page(self):
        from monitoring import _evidently

        asked = {}
        run = _evidently._run

        def kept(report, current, reference, title):
            asked["figures"] = report.run(current, reference).dict()
            return run(report, current, reference, title)

        whole = judged(HIDDEN | {"R-9": {"few": (3, 1)}})
        result = whole.model_copy(update={"family": "screening", "as_of": date(2026, 10, 31)})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_evidently, "_run", kept)
            asked["page"] = _evidently.bias_report(result, "counts").decode()
        return asked

    def test_values_are_those_worked_out_by_hand(self, page):
        adverse, pool, rates = (metric["value"] for metric in page["figures"]["metrics"])
        assert adverse == 1
        assert pool == pytest.approx((252 / 520) / (272 / 520))
        assert rates == pytest.approx({"female": 252 / 520, "male": 272 / 520}), "few have no rate"

    def test_an_adverse_subject_fails_evidentlys_own_test(self, page):
        (test,) = page["figures"]["tests"]
        assert test["name"].startswith("Subjects judged ADVERSE by sex")
        assert test["status"].name == "FAIL"

    def test_the_page_names_the_requisition_and_counts_the_others(self, page):
        assert "R-7, human decisions at screen, sex: female 25%" in page["page"]
        assert "<title>Bias, screening on 2026-10-31</title>" in page["page"]
        assert "3 subjects looked at; 1 holds too little data to be judged alone." in page["page"]


def test_the_group_that_pooling_hides_is_told_and_not_one_that_fails_everywhere():
    whole = judged(HIDDEN)

    def shown(axis, **groups):
        rows = [
            {"group": name, "impact_ratio": ratio, "p_value": 0.01, "verdict": verdict}
            for name, (ratio, verdict) in groups.items()
        ]
        return axis.model_copy(update={"judgement": {**axis.judgement, "groups": rows}})

    subject = shown(whole.subjects[0], a=(0.6, "ADVERSE"), b=(0.7, "ADVERSE"))
    pool = shown(whole.pools[0], a=(0.6, "ADVERSE"), b=(0.95, "NO_EVIDENCE"))
    named = [bias.worst(subject.judgement, pooled)["group"] for pooled in (None, pool.judgement)]
    assert named == ["a", "b"]


def test_the_ratio_of_a_finding_is_that_of_the_group_it_tells():
    # a fails everywhere; b fails in R-7 alone (60 of 200 against 120) and has 560 of 1,100 against 610 over all.
    tables = {
        "R-7": {"a": (200, 30), "b": (200, 60), "c": (200, 120)},
        "R-1": {"a": (900, 200), "b": (900, 500), "c": (900, 490)},
    }
    first = findings.of_bias(judged(tables))[0]
    assert first.text.startswith("R-7, human decisions at screen, sex: b 30% (60 of 200), c 60%")
    assert first.value == pytest.approx(0.5)


def test_the_group_that_fails_is_told_and_not_a_handful_with_a_lower_ratio():
    # 210 of 600 against 500 of 1,000 is ADVERSE; 10 of 30 has a lower ratio, .67, and may be chance.
    tables = {"R-7": {"big": (600, 210), "few": (30, 10), "ref": (1000, 500)}}
    found = judged(tables)
    said = {row["group"]: row["verdict"] for row in found.subjects[0].judgement["groups"]}
    assert (said["big"], said["few"]) == ("ADVERSE", "INSUFFICIENT_DATA")
    assert found.headlines[0].startswith("R-7, human decisions at screen, sex: big 35% (210 of 600), ref 50%")
    assert [round(finding.value, 2) for finding in findings.of_bias(found)] == [0.7, 0.7]
    figure = plots.subject_figure([axis.judgement for axis in found.subjects])
    assert (figure.data[0].y, figure.data[0].x) == (("R-7: big",), (0.7,))


def test_a_stage_that_fails_while_all_stages_look_fine_is_the_first_line():
    # Women: 450 of 1,000 pass the screen and 300 the interview; men 600 and 300. In the end 300 of each are left.
    rows = [("screen", f"{sex}{n}", n < first) for sex, first in (("f", 450), ("m", 600)) for n in range(1000)]
    rows += [("talk", f"{sex}{n}", n < 300) for sex, first in (("f", 450), ("m", 600)) for n in range(first)]
    decisions = pl.DataFrame(rows, schema=["stage", "person_id", "is_selected"], orient="row")
    sexes = decisions.select("person_id", sex=pl.col("person_id").str.slice(0, 1)).unique()
    # One requisition a hundred people, so that none is judged alone and only the stages can fail.
    decisions = decisions.with_columns(
        subject=pl.col("person_id").str.slice(1).cast(pl.Int64).floordiv(25).cast(pl.String)
    )
    found = bias.judged({"human": groups.reports(decisions, sexes, 30)})
    assert found.hidden == found.headlines
    assert found.hidden[0].startswith("All subjects, human decisions at screen, sex: f 45% (450 of 1000), m 60%")
    assert found.hidden[0].endswith(
        "Over all stages together the lowest ratio is 1.00 [0.87 to 1.14]: pooling hides it."
    )
