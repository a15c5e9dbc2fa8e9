"""Oversight: which score a decision is held against, what departs, by whom, and when it is a rubber stamp."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from monitoring import findings, oversight, page
from pipelines.audit import Entry, Tag
from pipelines.base.contracts import ABSTAINED
from tests.unit.test_monitoring_findings import SETTINGS

UNTIL = date(2026, 10, 31)
UNIT = ("person_id", "subject_id")
OURS = "a" * 64


def moment(day, hour=0):
    return datetime(2026, 10, day, hour, tzinfo=UTC)


def scored(*rows, scorer="model", shadow=False, model=OURS, abstained=False):
    """Of (person, day of October scored as of, recommended)."""
    about = {"subject_id": "R", "target_code": "t", "scorer": scorer, "is_shadow": shadow, "model_sha256": model}
    frame = pl.DataFrame(rows, ["person_id", "as_of", "is_selected"], orient="row")
    days = pl.date(2026, 10, pl.col("as_of"))
    silent = pl.lit([ABSTAINED] if abstained else [], dtype=pl.List(pl.String))
    return frame.with_columns(as_of=days, reasons=silent, **{name: pl.lit(value) for name, value in about.items()})


def seen(*rows):
    """Of (day of October scored as of, moment it was seen, model)."""
    frame = pl.DataFrame(rows, ["as_of", "seen_at", "model_sha256"], orient="row")
    return frame.with_columns(as_of=pl.date(2026, 10, pl.col("as_of")))


def at(*days, model=OURS):
    """Scorings that could be seen at the beginning of their own days."""
    return seen(*((day, moment(day), model) for day in days))


def cases(shown, told, moments=None):
    return oversight.cases(shown, at(1, 3, 5, 9) if moments is None else moments, told, UNTIL, OURS)


def outcomes(*rows):
    """Of (person, day decided, 1 or 0, by whom)."""
    names = ["person_id", "occurred_at", "outcome", "decided_by"]
    frame = pl.DataFrame(rows, dict.fromkeys(names) | {"decided_by": pl.String}, orient="row")
    return frame.with_columns(subject_id=pl.lit("R"), target_code=pl.lit("t"), outcome=pl.col("outcome").cast(float))


def decided(count, over, *, people=None, forward=True, by="human"):
    """So many decisions of which `over` differ from the recommendation."""
    return pl.DataFrame(
        {
            "person_id": [f"p{i % (people or count)}" for i in range(count)],
            "subject_id": [f"R{i // (people or count)}" for i in range(count)],
            "target_code": ["t"] * count,
            "decided_by": [by] * count,
            "on": ["2026-10-05"] * count,
            "is_recommended": [forward] * count,
            "is_yes": [forward != (i < over) for i in range(count)],
            "is_ours": [True] * count,
            "waited_days": [float(i) for i in range(count)],
        }
    )


def groups(count, share=0.5):
    sexes = ["female" if i < count * share else "male" for i in range(count)]
    return pl.DataFrame({"person_id": [f"p{i}" for i in range(count)], "sex": sexes})


def test_a_decision_is_held_against_the_newest_score_before_it_and_waits_from_the_first():
    shown = scored(("a", 1, True), ("a", 3, False), ("a", 9, True))
    found = cases(shown, outcomes(("a", moment(5, 12), 1, "human")))
    assert found.select("is_recommended", "is_yes", "waited_days").rows() == [(False, True, 4.5)]


def test_a_score_at_the_moment_of_the_decision_or_after_it_was_not_seen():
    shown = scored(("a", 5, True))
    found = cases(shown, outcomes(("a", moment(5), 1, "human"), ("b", moment(6), 0, "human")))
    assert found.select("person_id", "is_recommended", "waited_days").rows() == [("a", None, None), ("b", None, None)]


@pytest.mark.parametrize("unseen", [{"scorer": "baseline"}, {"shadow": True}])
def test_what_nobody_was_shown_does_not_count(unseen):
    found = cases(scored(("a", 1, True), **unseen), outcomes(("a", moment(5), 1, "human")))
    assert found["is_recommended"].to_list() == [None]


def test_where_the_newest_score_abstained_there_was_nothing_to_depart_from():
    shown = pl.concat(
        [scored(("a", 1, False), ("b", 3, True)), scored(("a", 3, True), ("b", 1, False), abstained=True)]
    )
    found = cases(shown, outcomes(("a", moment(5), 1, "human"), ("b", moment(5), 1, "human")))
    assert found.select("person_id", "is_recommended", "is_ours").rows() == [("a", None, None), ("b", True, True)]


def test_what_happened_later_and_what_is_no_yes_or_no_is_left_out():
    told = outcomes(("a", datetime(2026, 11, 1, tzinfo=UTC), 1, "human"), ("b", moment(5), 0.4, "human"))
    told = pl.concat([told, outcomes(("c", moment(31, 23), 1, "human"))])
    assert cases(scored(("a", 1, True)), told)["person_id"].to_list() == ["c"]


def test_without_any_score_or_outcome_there_is_nothing_to_judge():
    assert cases(pl.DataFrame(), pl.DataFrame()).is_empty()
    unscored = cases(pl.DataFrame(), outcomes(("a", moment(5), 1, "human")))
    result = oversight.judged(unscored, groups(1), UNIT, 30)
    assert (result.status, result.without_score, result.departed) == ("no_decisions", 1, None)
    (silent,) = findings.of_oversight(result, SETTINGS)
    assert (silent.rule, silent.is_alert) == ("no_decisions", False)


def test_agreement_is_told_beyond_chance_over_all_and_by_group():
    # Cohen (1960) by hand: 100 cases, both say yes to 20, both no to 60, only the score 10, only people 10.
    # They differ in .2; by chance they would in 1 - (.3 * .3 + .7 * .7) = .42. Kappa = 1 - .2 / .42 = .5238.
    both = pl.concat([decided(30, 10), decided(70, 10, forward=False).with_columns(pl.col("person_id") + "x")])
    result = oversight.judged(both, pl.DataFrame({"person_id": both["person_id"], "sex": ["female"] * 100}), UNIT, 30)
    assert result.agreed.value == pytest.approx(0.5238, abs=1e-4)
    # Wilson's interval of .2 of 100 is .1334 to .2888: 1 - .2888 / .42 and 1 - .1334 / .42
    assert (result.agreed.low, result.agreed.high) == (
        pytest.approx(0.3124, abs=1e-3),
        pytest.approx(0.6824, abs=1e-3),
    )
    assert [group.agreed for group in result.groups] == [result.agreed]
    apart = pl.DataFrame({"person_id": both["person_id"], "sex": ["female"] * 30 + ["male"] * 70})
    split = oversight.judged(both, apart, UNIT, 30).groups
    assert [group.agreed.value for group in split] == pytest.approx([0, 0]), "of each the score says one thing"


def test_who_follows_nine_of_ten_by_chance_does_not_agree_and_who_says_one_thing_says_nothing():
    # Recommended are 10 of 100, yes is said to 10 others: they differ in .2 and would by chance in .18.
    both = pl.concat([decided(10, 10), decided(90, 10, forward=False).with_columns(pl.col("person_id") + "x")])
    assert oversight.judged(both, groups(1), UNIT, 30).agreed.value == pytest.approx(1 - 0.2 / 0.18)
    assert oversight.judged(decided(40, 0), groups(40), UNIT, 30).agreed is None, "all were recommended, to all was yes"
    opposite = oversight.judged(decided(40, 40), groups(40), UNIT, 30).agreed
    assert (opposite.value, opposite.low) == (0.0, pytest.approx(0.0, abs=1e-9)), "who never agrees with one word"


def test_departures_are_told_over_all_and_apart_for_the_two_recommendations():
    both = pl.concat([decided(40, 10), decided(60, 6, forward=False).with_columns(pl.col("person_id") + "x")])
    result = oversight.judged(both, groups(40), UNIT, 30)
    assert (result.decided, result.people) == (100, 100)
    assert result.departed.value == pytest.approx(0.16)
    # Wilson by hand: (.16 + 1.9208/100 -+ 1.96 sqrt(.16 * .84 / 100 + 3.8415/40000)) / (1 + 3.8415/100)
    assert (result.departed.low, result.departed.high) == (
        pytest.approx(0.1010, abs=1e-4),
        pytest.approx(0.2442, abs=1e-4),
    )
    assert (result.turned_down.value, result.brought_back.value) == (0.25, pytest.approx(0.1))


def test_several_decisions_about_one_person_are_worth_no_more_than_that_person_when_they_are_alike():
    """Ten decisions each about 20 people, nobody departed from: as good as 20, not as 200."""
    result = oversight.judged(decided(200, 0, people=20), groups(20), UNIT, 30)
    assert result.departed.high == pytest.approx(3.8415 / 23.8415, abs=1e-4)
    half = decided(200, 0, people=20).with_columns(is_yes=pl.col("person_id").str.slice(1).cast(int) < 10)
    departed = oversight.judged(half, groups(20), UNIT, 30).departed
    # Wilson of 10 in 20 by hand: 0.5 -+ 1.96 sqrt(.25 / 20 + 3.8415 / 1600) / (1 + 3.8415 / 20)
    assert (departed.low, departed.high) == (pytest.approx(0.2993, abs=1e-4), pytest.approx(0.7007, abs=1e-4))


def test_decisions_of_a_rule_or_of_nobody_named_are_counted_and_are_no_oversight():
    parts = [decided(50, 5), decided(7, 0, by="rule"), decided(3, 0, by=None)]
    result = oversight.judged(pl.concat(parts, how="vertical_relaxed"), groups(50), UNIT, 30)
    assert (result.decided, result.by_rule, result.by_nobody_named) == (50, 7, 3)


def test_a_small_group_is_named_and_its_numbers_are_not_nor_those_that_they_would_follow_from():
    told = decided(129, 6)
    sexes = ["few"] * 29 + ["female"] * 30 + ["male"] * 30 + ["other"] * 40
    three = pl.DataFrame({"person_id": [f"p{i}" for i in range(129)], "sex": sexes})
    result = oversight.judged(told, three, UNIT, 30)
    numbers = {group.group: (group.people, group.decided, group.departed is None) for group in result.groups}
    untold = dict.fromkeys(("few", "female"), (None, None, True))
    assert numbers == untold | {"male": (30, 30, False), "other": (40, 40, False)}
    assert next(group.waited_days for group in result.groups if group.group == "other") == 108.5
    rows = [row for item in result.judgements for row in item["groups"]]
    assert {row["group"]: row["selected"] is None for row in rows} == {
        name: name in untold for name in (*untold, "male", "other")
    }
    fewer = oversight.judged(decided(89, 6), three.head(89), UNIT, 30)
    assert {group.departed for group in fewer.groups} == {None}, "of whom one table is silent all are"
    exact = oversight.judged(decided(60, 6), groups(60), UNIT, 30)
    assert [group.people for group in exact.groups] == [30, 30], "nobody is hidden where nobody is few"


def test_groups_too_small_to_judge_are_told_where_they_are_not_of_few_people():
    small = oversight.judged(decided(40, 20), groups(40), UNIT, 30, told_from=20)
    assert [group.people for group in small.groups] == [20, 20]
    told = [row for item in small.judgements for row in item["groups"]]
    assert {(row["verdict"], row["is_told"]) for row in told} == {("INSUFFICIENT_DATA", True)}
    fewer = oversight.judged(decided(40, 20), groups(40), UNIT, 30, told_from=21)
    assert [group.people for group in fewer.groups] == [None, None]


def split(**groups_of):
    """Of name = (put forward, of these yes; not put forward, of these yes); and their groups."""
    rows = [
        (name, is_forward, i < yes)
        for name, (forward, upheld, back, brought) in groups_of.items()
        for is_forward, count, yes in ((True, forward, upheld), (False, back, brought))
        for i in range(count)
    ]
    sexes, forward, yes = zip(*rows, strict=True)
    human = decided(len(rows), 0).with_columns(is_recommended=pl.Series(forward), is_yes=pl.Series(yes))
    return human, human.select("person_id", sex=pl.Series(sexes))


def test_of_few_people_it_is_not_told_how_many_the_model_put_forward_nor_does_that_follow():
    """3 of 8 were put forward: the model's selection count of few people, which its own tables withhold."""
    people = split(few=(3, 2, 5, 1), female=(40, 30, 50, 5), male=(60, 40, 50, 6), unknown=(30, 20, 25, 5))
    result = oversight.judged(*people, UNIT, 30, told_from=10)
    for item in result.judgements:
        told = {row["group"]: (row["n"], row["people"], row["is_told"]) for row in item["groups"]}
        assert told["few"] == told["unknown"] == (None, None, False), "the next smallest, or the few would follow"
        number = {oversight.FORWARD: 60, oversight.BACK: 50}[item["stage"]]
        assert told["male"] == (number, number, True)
        assert item["unknown"] is None
    page_of = page.environment().from_string('{% import "parts.html" as p with context %}{{ p.judgement(item, "") }}')
    shown = page_of.render(item=result.judgements[0])
    assert '<th scope="row">few</th><td class="n">not told</td>' in shown


def test_whoever_would_tell_how_many_of_few_people_were_put_forward_is_withheld_too():
    """Beside the 8, of whom all were put forward, 20 women, of whom all were too: all 28 who are left out would be."""
    people = split(few=(8, 5, 0, 0), female=(20, 12, 0, 0), male=(40, 20, 30, 10), other=(50, 25, 45, 15))
    result = oversight.judged(*people, UNIT, 30, told_from=10)
    assert [group.group for group in result.groups if group.people is not None] == ["other"]
    assert [item["unknown"] for item in result.judgements] == [0, 0], "told where it is nobody's"


def test_a_score_counts_from_when_it_could_be_seen_and_not_from_the_day_it_was_made_as_of():
    """Made as of the 1st and seen on the 9th: a decision of the 5th had none. Seen at noon: the afternoon had one."""
    shown, told = scored(("a", 1, True)), outcomes(("a", moment(5, 15), 1, "human"))
    late, noon = seen((1, moment(9), OURS)), seen((1, moment(5, 12), OURS))
    assert cases(shown, told, late).select("is_recommended", "is_ours").rows() == [(None, None)]
    assert cases(shown, told, noon).select("is_recommended", "waited_days").rows() == [(True, 0.125)]
    assert cases(shown, told, at(2)).select("is_ours").rows() == [(None,)], "no scoring on record: seen by nobody"


def test_decisions_on_another_models_scores_are_counted_and_are_no_oversight_of_this_one():
    shown = pl.concat([scored(("a", 1, True), model="b" * 64), scored(("b", 1, True))])
    told = outcomes(("a", moment(5), 0, "human"), ("b", moment(5), 1, "human"), ("c", moment(5), 1, "human"))
    found = cases(shown, told, pl.concat([at(1), at(1, model="b" * 64)]))
    assert dict(found.select("person_id", "is_ours").rows()) == {"a": False, "b": True, "c": None}
    result = oversight.judged(found, groups(1), UNIT, 1)
    assert (result.decided, result.by_other_models, result.without_score) == (1, 1, 1)


def test_the_ledger_says_when_scores_could_be_seen_the_last_of_a_day_and_model():
    def entry(number, family, as_of, model, at, *, tag=Tag.PEOPLE_SCORED):
        return Entry(number, tag, family, {"as_of": as_of, "model_sha256": model}, at, "0" * 64)

    entries = [
        entry(1, "screening", "2026-10-01", OURS, "2026-10-02T08:00:00.000001+00:00"),
        entry(2, "screening", "2026-10-01", OURS, "2026-10-02T09:00:00.000000+00:00"),
        entry(3, "screening", "2026-10-01", "b" * 64, "2026-10-03T09:00:00.000000+00:00"),
        entry(4, "outcomes", "2026-10-01", OURS, "2026-10-04T09:00:00.000000+00:00"),
        entry(5, "screening", "2026-10-01", OURS, "2026-10-05T09:00:00.000000+00:00", tag=Tag.MODEL_HELD),
    ]
    found = oversight.moments(entries, "screening").sort("seen_at")
    first, second = moment(2, 9), moment(3, 9)
    assert found.rows() == [(date(2026, 10, 1), OURS, first), (date(2026, 10, 1), "b" * 64, second)]
    assert oversight.moments([], "screening").is_empty()


def test_whoever_has_no_known_group_is_a_group_of_their_own():
    result = oversight.judged(decided(60, 6), groups(30), UNIT, 30)
    assert [group.group for group in result.groups] == ["female", "male", "unknown"]


def test_people_have_the_age_of_the_day_on_which_they_were_decided_about():
    """All 60 are 40 today; the last 30 turned 40 on the day after the decision."""
    rows, old = decided(60, 6), groups(60).select("person_id", age_40=pl.lit("40 or over"))
    forty = old.select("person_id", forty_from=pl.Series(["2026-10-05"] * 30 + ["2026-10-06"] * 30))
    result = oversight.judged(rows, old, UNIT, 30, forty)
    assert [(group.group, group.people, group.departed.value) for group in result.groups] == [
        ("40 or over", 30, pytest.approx(0.2)),
        ("under 40", 30, 0),
    ]
    (judged,) = result.judgements
    assert {row["group"]: (row["selected"], row["n"]) for row in judged["groups"]} == {
        "40 or over": (24, 30),
        "under 40": (30, 30),
    }
    assert [group.group for group in oversight.judged(rows, old, UNIT, 30).groups] == ["40 or over"]


def test_the_day_of_a_decision_is_kept_with_it():
    found = cases(scored(("a", 1, True)), outcomes(("a", moment(5, 12), 1, "human")))
    assert found["on"].to_list() == ["2026-10-05"]
    assert cases(pl.DataFrame(), outcomes(("a", moment(5, 12), 1, "human")))["on"].to_list() == ["2026-10-05"]


def test_days_to_decide_are_told_by_quantiles():
    assert oversight.judged(decided(101, 10), groups(101), UNIT, 30).waited_days == (10.0, 50.0, 90.0)


@pytest.mark.parametrize(("count", "is_stamp"), [(72, False), (73, True)])
def test_where_nobody_departs_it_is_a_stamp_as_soon_as_chance_does_not_explain_it(count, is_stamp):
    """Wilson's upper bound of 0 of n is 3.8415 / (n + 3.8415): .0507 of 72, .04999 of 73; the bound is .05."""
    found = findings.of_oversight(oversight.judged(decided(count, 0), groups(count), UNIT, 30), SETTINGS)
    assert [(f.rule, f.is_alert) for f in found] == ([("rubber_stamp", True)] if is_stamp else [])


def test_people_who_turn_one_group_down_among_those_put_forward_are_told_of():
    """Women 40 of 100 upheld, men 90 of 100, all with the same recommendation: ratio 4/9."""
    rows = decided(200, 0).with_columns(
        is_yes=pl.Series([i < 40 for i in range(100)] + [i < 90 for i in range(100)]),
    )
    result = oversight.judged(rows, groups(200), UNIT, 30)
    (found,) = findings.of_oversight(result, SETTINGS)
    assert (found.rule, found.subject, found.is_alert) == ("oversight_by_group", "sex", True)
    assert found.value == pytest.approx(4 / 9)
    assert found.text == (
        "Of people put forward by the model, sex: people say yes to 40% (40 of 100) of female, 90% (90 of 100) of "
        "male. ADVERSE."
    )


def test_a_recommendation_is_judged_apart_so_that_the_models_own_gap_is_not_counted_as_peoples():
    """The model puts forward men and not women; people agree with all of it: nothing is people's own."""
    men, women = decided(100, 10), decided(100, 10, forward=False)
    both = pl.concat([women, men.with_columns(person_id=pl.format("p{}", pl.int_range(100, 200)))])
    result = oversight.judged(both, groups(200), UNIT, 30)
    assert {item["verdict"] for item in result.judgements} == {"INSUFFICIENT_DATA"}


def test_where_nobody_decides_there_is_no_finding_and_unmeasured_is_one():
    nobody = oversight.Oversight(family="outcomes", as_of=UNTIL, status="nobody_decides")
    assert findings.of_oversight(nobody, SETTINGS) == []
    assert [f.rule for f in findings.of_oversight(None, SETTINGS)] == ["not_measured"]


def test_the_page_tells_the_figures_and_draws_them():
    told = oversight.judged(decided(60, 6), groups(60), UNIT, 30)
    text = page.report(findings.concluded("screening", UNTIL, [], [], SETTINGS), None, None, None, told)
    assert "60 decisions by people about 60 people" in text
    assert "They departed from 10%" in text
    assert "Share of recommendations that people departed from" in text
