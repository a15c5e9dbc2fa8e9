"""What a learning outcome's case may rest on: the past of its moment, and nothing else."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipelines.base import known
from pipelines.base.contracts import TABLES
from pipelines.models.outcomes import features, history
from pipelines.models.outcomes.features import Decide, Prepare

SETTINGS = Prepare(horizon_days=60, horizon_share=0.25, open_days=100, work_measures=("overtime_hours",), work_steps=2)
MOMENT = pl.Datetime("us", "UTC")


def moment(day: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def enrolment(person: str, course: str, start: float, due: float | None, run: str | None = "r") -> dict:
    return {
        "enrolment_id": f"{person}{course}{run}{start}",
        "person_id": person,
        "course_id": course,
        "run_code": run,
        "enrolled_at": moment(start - 5),
        "starts_at": moment(start),
        "due_at": None if due is None else moment(due),
        "credits": None,
        "prior_attempts": 0,
        "education_code": None,
        "assigned_by_code": "self",
        "known_from": moment(start - 5),
        "known_from_basis": "source",
    }


def event(
    person: str, course: str, code: str, day: float, score: float | None = None, *, run: str | None = "r"
) -> dict:
    return {
        "person_id": person,
        "course_id": course,
        "run_code": run,
        "event_code": code,
        "item_code": None,
        "occurred_at": moment(day),
        "score_share": score,
        "lateness_days": 1.0,
        "known_from": moment(day),
        "known_from_basis": "source",
    }


def observed(columns: dict) -> pl.DataFrame:
    """Facts whose source does not say when it knew them; they were first seen long after every case."""
    return pl.DataFrame(columns).with_columns(
        known_from=pl.lit(moment(5000)).cast(MOMENT), known_from_basis=pl.lit("observed")
    )


def tables(enrolments: list[dict], events: list[dict], records: list[tuple] = ()) -> dict[str, pl.DataFrame]:
    text = dict.fromkeys(("run_code", "education_code", "assigned_by_code"), pl.String)
    return {
        "enrolments": pl.DataFrame(
            enrolments,
            schema_overrides={
                **text,
                "due_at": MOMENT,
                "starts_at": MOMENT,
                "enrolled_at": MOMENT,
                "known_from": MOMENT,
                "credits": pl.Float64,
            },
        ),
        "learning_events": pl.DataFrame(
            events or [event("nobody", "none", "viewed", 0)],
            schema_overrides={
                "run_code": pl.String,
                "occurred_at": MOMENT,
                "known_from": MOMENT,
                "score_share": pl.Float64,
            },
        ),
        "courses": observed(
            {"course_id": ["c"], "topic_code": ["t"], "level_code": ["foundation"], "duration_minutes": [30.0]}
        ),
        "workers": observed({"person_id": ["p"], "job_family_code": ["sales"]}),
        "work_records": pl.DataFrame(
            list(records),
            schema={
                "person_id": pl.String,
                "period_start": pl.Date,
                "period_end": pl.Date,
                "measure_code": pl.String,
                "value": pl.Float64,
                "known_from": MOMENT,
                "known_from_basis": pl.String,
            },
            orient="row",
        ),
    }


def only(frame: pl.DataFrame) -> dict:
    assert len(frame) == 1
    return frame.row(0, named=True)


def test_the_moment_is_a_share_of_the_run_and_never_later_than_the_full_days():
    short, long = enrolment("p", "c", 0, 80), enrolment("q", "c", 0, 400)
    open_ended = enrolment("o", "c", 0, None)
    ends = [event(person, "c", "completed", 300) for person in "pqo"]
    found = features.examples(tables([short, long, open_ended], ends), SETTINGS)
    asked = dict(found.select("person_id", "occurred_at").iter_rows())
    assert asked == {"p": moment(20), "q": moment(60), "o": moment(60)}


@pytest.mark.parametrize(
    ("code", "outcome"), [("completed", 1), ("passed", 1), ("failed", 0), ("withdrawn", 0), ("expired", 0)]
)
def test_only_completing_and_passing_are_favourable(code, outcome):
    found = features.examples(tables([enrolment("p", "c", 0, 80)], [event("p", "c", code, 70)]), SETTINGS)
    assert (only(found)["outcome"], only(found)["stage_code"]) == (outcome, code)


def test_who_ended_by_the_moment_is_not_asked_about():
    runs = [enrolment("p", "c", 0, 80), enrolment("q", "c", 0, 80)]
    ends = [event("p", "c", "withdrawn", 20), event("q", "c", "withdrawn", 20.001)]
    assert features.examples(tables(runs, ends), SETTINGS)["person_id"].to_list() == ["q"]


def test_the_first_end_counts():
    ends = [event("p", "c", "failed", 70), event("p", "c", "completed", 75)]
    assert only(features.examples(tables([enrolment("p", "c", 0, 80)], ends), SETTINGS))["outcome"] == 0


def test_what_comes_after_the_moment_is_not_seen():
    run, end = enrolment("p", "c", 0, 80), event("p", "c", "completed", 70)
    before = [
        event("p", "c", "submitted", 10, 0.8),
        event("p", "c", "submitted", 20, 0.4),
        event("p", "c", "viewed", 1),
    ]
    after = [event("p", "c", "submitted", 20.5, 0.0), event("p", "c", "viewed", 30)]
    found = only(features.examples(tables([run], [end, *before, *after]), SETTINGS))
    assert found["submitted_ahead_count"] == 2
    assert found["submitted_score_mean"] == pytest.approx(0.6)
    assert found["submitted_score_min"] == 0.4
    assert found["viewed_count"] == 1


def test_an_earlier_run_counts_once_it_is_over():
    runs = [enrolment("p", "c", 0, 40, "a"), enrolment("p", "c", 0, 150, "b"), enrolment("p", "c", 100, 180, "now")]
    ends = [
        event("p", "c", "completed", 35, 0.9, run="a"),
        event("p", "c", "withdrawn", 50, run="b"),
        event("p", "c", "failed", 170, run="now"),
    ]
    found = features.examples(tables(runs, ends), SETTINGS).filter(target_code="now")
    assert only(found)["earlier_count"] == 1  # b ended on day 50 but is due on day 150, after the moment on day 120
    assert only(found)["earlier_completed_share"] == 1
    assert only(found)["earlier_score_mean"] == 0.9


def test_an_earlier_end_that_was_told_late_counts_from_then_on():
    runs = [
        enrolment("p", "c", 0, 40, "a"),
        enrolment("p", "c", 100, 180, "now"),
        enrolment("p", "c", 120, 200, "next"),
    ]
    ends = [
        event("p", "c", "completed", 35, run="a") | {"known_from": moment(130)},
        event("p", "c", "failed", 170, run="now"),
        event("p", "c", "failed", 190, run="next"),
    ]
    found = features.examples(tables(runs, ends), SETTINGS)
    assert dict(found.select("target_code", "earlier_count").iter_rows()) == {"a": 0, "now": 0, "next": 1}


def test_of_two_ends_the_one_told_first_is_the_end():
    ends = [event("p", "c", "completed", 70), event("p", "c", "failed", 60) | {"known_from": moment(300)}]
    assert only(features.examples(tables([enrolment("p", "c", 0, 80)], ends), SETTINGS))["outcome"] == 1


def test_a_submission_that_was_told_after_the_moment_is_not_seen():
    told = event("p", "c", "submitted", 10, 0.8), event("p", "c", "submitted", 11, 0.1) | {"known_from": moment(21)}
    run, end = enrolment("p", "c", 0, 80), event("p", "c", "completed", 70)
    found = only(features.examples(tables([run], [end, *told]), SETTINGS))
    assert (found["submitted_ahead_count"], found["submitted_score_mean"]) == (1, 0.8)


def test_a_corrected_submission_is_not_seen_before_the_correction():
    run, end = enrolment("p", "c", 0, 80), event("p", "c", "completed", 70)
    told = event("p", "c", "submitted", 10, 0.9) | {"known_from": moment(200), "known_from_basis": "restated"}
    assert only(features.examples(tables([run], [end, told]), SETTINGS))["submitted_ahead_count"] == 0


def paper(person: str, item: str | None, day: float, late: float | None, *, run: str | None = "r", course: str = "c"):
    return event(person, course, "submitted", day, 0.5, run=run) | {"item_code": item, "lateness_days": late}


def handed_in(runs, papers) -> dict:
    """Person and run -> share of what was due, and count of the rest, of cases asked about on day 20 of their run."""
    ends = [
        event(r["person_id"], r["course_id"], "completed", 70 + 200 * (r["run_code"] == "s"), run=r["run_code"])
        for r in runs
    ]
    found = features.examples(tables(runs, [*ends, *papers]), SETTINGS)
    told = found.select("person_id", "target_code", "submitted_due_share", "submitted_ahead_count")
    return {(person, run): (share, count) for person, run, share, count in told.iter_rows()}


def test_what_was_due_is_told_by_whoever_handed_it_in_and_counts_as_a_share():
    runs = [enrolment(person, "c", 0, 80) for person in "pqru"] + [enrolment("p", "c", 200, 280, "s")]
    papers = [
        *(paper("p", "1", 11, 1.0), paper("p", "2", 14, -1.5), paper("p", "2", 15, -0.5)),  # due on day 10 and 15.5
        *(paper("p", "3", 19, -1.5), paper("u", "3", 18, -2.5)),  # due on day 20.5, which is after the moment
        *(paper("q", "1", 8, -2.0), paper("q", "1", 9, -1.0), paper("q", None, 9, 0.0), paper("q", "4", 9, None)),
        *(paper("r", "5", 19, 0.5), paper("q", "5", 20.5, 2.0)),  # due on day 18.5, but one alone had it in by then
        paper("r", "1", 7, None),  # which does not say when it was due
        *(paper("r", "6", 17, 1.0), paper("r", "6", 18, 2.0)),  # and nobody else
        paper("r", "2", 21, 5.5),  # due before, handed in after the moment
        paper("u", "2", 16, 0.5),
    ]  # fmt: skip
    assert handed_in(runs, papers) == {
        ("p", "r"): (1.0, 1), ("q", "r"): (0.5, 2), ("r", "r"): (0.5, 3), ("u", "r"): (0.5, 1), ("p", "s"): (None, 0),
    }  # fmt: skip


def test_in_a_course_without_runs_what_is_due_is_counted_from_each_ones_start():
    runs = [enrolment(person, "c", start, start + 80, None) for person, start in (("p", 0), ("q", 30), ("r", 30))]
    early = [paper("p", "1", 12, 2.0, run=None), paper("r", "1", 39, -1.0, run=None)]  # due ten days after the start
    due = {("p", "open"): (None, 1), ("q", "open"): (0.0, 0), ("r", "open"): (1.0, 0)}  # p was asked about on day 20
    assert handed_in(runs, early) == due
    late = [
        paper("p", "1", 55, 45.0, run=None),
        paper("q", "1", 35, -5.0, run=None),
        paper("r", "1", 36, -4.0, run=None),
    ]
    due = {("p", "open"): (None, 0), ("q", "open"): (1.0, 0), ("r", "open"): (1.0, 0)}
    assert handed_in(runs, late) == due


AGAIN = "open@2028-09-22T00:00:00Z"
"""The case of `again`: enrolled on day 995."""


def second(found: pl.DataFrame) -> dict:
    """The case of who took a course again, asked about on its day 20."""
    return only(found.filter(target_code=AGAIN, occurred_at=moment(1020)))


def again(person: str, course: str = "c") -> dict:
    """The same course without runs, years later."""
    return enrolment(person, course, 1000, 1080, None)


def test_that_somebody_takes_a_course_without_runs_again_changes_no_case_of_others():
    """Due on day 10 and 50 of an enrolment, by what p and q had told; x is asked about on its day 20."""
    runs = [enrolment(person, "c", start, start + 80, None) for person, start in (("p", 0), ("q", 0), ("x", 100))]
    papers = [paper(person, item, day, 2.0, run=None) for person in "pq" for item, day in (("1", 12), ("2", 52))]
    papers += [paper("x", item, 105, None, run=None) for item in ("1", "9")]
    ends = [event("x", "c", "completed", 170, run=None)]

    def of_x(enrolments, events):
        return only(features.examples(tables(enrolments, events), SETTINGS).filter(person_id="x"))

    before = of_x(runs, [*ends, *papers])
    assert (before["submitted_due_share"], before["submitted_ahead_count"]) == (1.0, 1)
    later = [paper("p", "1", 1030, 1.0, run=None), event("p", "c", "completed", 1070, run=None)]
    assert of_x([*runs, again("p")], [*ends, *papers]) == before
    assert of_x([again("p"), *runs, again("q")], [*later, *ends, *papers]) == before


def test_what_somebody_did_when_they_took_a_course_before_is_no_part_of_taking_it_again():
    runs = [enrolment("p", "c", 0, 80, None), again("p")]
    papers = [paper("p", "1", 10, 1.0, run=None), event("p", "c", "viewed", 11, run=None)]
    ends = [event("p", "c", code, day, run=None) for code, day in (("failed", 70), ("passed", 1070))]
    found = second(features.examples(tables(runs, [*papers, *ends]), SETTINGS))
    of_before = ("submitted_score_mean", "submitted_score_min", "submitted_lateness_mean", "end_score_share")
    assert [found[name] for name in of_before] == [None] * 4
    assert (found["submitted_ahead_count"], found["viewed_count"]) == (0, 0)
    now = [paper("p", "1", 1010, 3.0, run=None) | {"score_share": 0.7}, event("p", "c", "viewed", 1001, run=None)]
    found = second(features.examples(tables(runs, [*papers, *now, *ends]), SETTINGS))
    assert [found[name] for name in of_before] == [0.7, 0.7, 3.0, 0.7]
    assert (found["submitted_ahead_count"], found["viewed_count"]) == (1, 1)


def test_who_takes_a_course_again_has_a_case_each_time_and_neither_knows_more_than_its_day():
    """Day 20 of each: one paper of .4 by the first, none by the second, which knows that the first was failed with .3.

    Whatever comes later, a third time too, changes no case of before.
    """
    runs = [enrolment("p", "c", 0, 80, None), again("p")]
    before = [paper("p", "1", 10, None, run=None) | {"score_share": 0.4}, event("p", "c", "failed", 70, 0.3, run=None)]
    after = [paper("p", "1", 1030, None, run=None), event("p", "c", "passed", 1070, 0.9, run=None)]
    told = ("target_code", "stage_code", "outcome", "occurred_at", "known_at", "end_score_share")
    seen = ("submitted_ahead_count", "submitted_score_mean", "earlier_count", "earlier_completed_share")
    first = features.examples(tables(runs[:1], before), SETTINGS)
    assert first.select(told).rows() == [("open", "failed", 0.0, moment(20), moment(70), 0.3)]
    assert first.select(seen).rows() == [(1, 0.4, 0, None)]
    both = features.examples(tables(runs, [*before, *after]), SETTINGS)
    assert both.head(1).equals(first)
    assert both.tail(1).select(told).rows() == [(AGAIN, "passed", 1.0, moment(1020), moment(1070), 0.9)]
    assert both.tail(1).select(seen).rows() == [(0, None, 1, 0.0)]
    third = [enrolment("p", "c", 2000, 2080, None)]
    left = event("p", "c", "withdrawn", 2040, run=None)
    assert features.examples(tables([*third, *runs], [left, *before, *after]), SETTINGS).head(2).equals(both)
    assert features.outcomes(tables(runs, [*before, *after])).select(told[:3]).rows() == [
        ("open", "failed", 0.0), (AGAIN, "passed", 1.0),
    ]  # fmt: skip


def test_the_end_of_an_earlier_time_that_is_told_late_is_in_no_case_before_it_was():
    runs, end = [enrolment("p", "c", 0, 80, None), again("p")], event("p", "c", "passed", 1070, run=None)
    late = event("p", "c", "failed", 70, run=None) | {"known_from": moment(1021)}
    assert second(features.examples(tables(runs, [late, end]), SETTINGS))["earlier_count"] == 0
    in_time = late | {"known_from": moment(1020)}
    assert second(features.examples(tables(runs, [in_time, end]), SETTINGS))["earlier_count"] == 1


def test_of_who_takes_a_course_again_the_newest_enrolment_is_running_and_no_other():
    """On day 1030 both are past their moment and none has ended; on day 30 the second is planned only."""
    first = enrolment("p", "c", 0, 2000, None)
    soon = enrolment("p", "c", 50, 2000, None)

    def running(day: float, *events: dict) -> list[str]:
        made = features.cases(tables([first, soon], list(events)), SETTINGS, moment(day).date())
        return made["target_code"].to_list()

    assert running(200) == ["open@2026-02-15T00:00:00Z"]
    assert running(200, event("p", "c", "failed", 40, run=None)) == ["open@2026-02-15T00:00:00Z"]
    assert running(200, event("p", "c", "failed", 60, run=None)) == []
    far = enrolment("p", "c", 300, 2000, None)
    made = features.cases(tables([first, far], []), SETTINGS, moment(200).date())
    assert made["target_code"].to_list() == ["open"], "an enrolment to come takes the place of none"


def test_an_enrolment_that_another_took_the_place_of_came_to_no_end():
    """Registered on day -5 and again on day 4: what ends on day 70 is the second."""
    runs = [enrolment("p", "c", 0, 80), enrolment("p", "c", 9, 89)]
    made = tables(runs, [event("p", "c", "passed", 70)])
    for found in (features.examples(made, SETTINGS), features.outcomes(made), features.reached(made)):
        assert only(found)["target_code"] == "r@2026-01-05T00:00:00Z"


def test_who_fails_and_enrols_again_on_one_day_failed_what_there_was():
    """A source that tells days alone; of who took a course in a day the end is that of the day."""
    runs = [enrolment("p", "c", 0, 80, None), enrolment("p", "c", 75, 155, None)]
    ends = [event("p", "c", "failed", 70, run=None), event("p", "c", "passed", 140, run=None)]
    told = ["target_code", "stage_code"]
    both = [("open", "failed"), ("open@2026-03-12T00:00:00Z", "passed")]
    assert features.examples(tables(runs, ends), SETTINGS).select(told).rows() == both
    already = [event("p", "c", "failed", 60, run=None), event("p", "c", "passed", 70, run=None)]
    assert features.outcomes(tables(runs, already)).select(told).rows() == both
    alone = [event("p", "c", "passed", -5, run=None)]
    assert features.outcomes(tables(runs[:1], alone)).select(told).rows() == [("open", "passed")]


MARCH = "open@2026-03-01T00:00:00Z"
JANUARY = "open@2026-01-01T00:00:00Z"


def names(*told: tuple[int, int, str]) -> dict[int, str]:
    """Day of an enrolment -> its name, of enrolments with the day on which each was known, and on what basis."""
    runs = [
        enrolment("p", "c", day + 5, day + 85, None) | {"known_from": moment(known), "known_from_basis": basis}
        for day, known, basis in told
    ]
    ends = [event("p", "c", "withdrawn", day + 9, run=None) for day, _, _ in told]
    found = features.outcomes(tables(runs, ends))
    assert sorted(features.reached(tables(runs, ends))["target_code"]) == sorted(found["target_code"])
    return {(row["occurred_at"] - moment(9)).days: row["target_code"] for row in found.to_dicts()}


@pytest.mark.parametrize("basis", ["source", "observed"])
def test_an_enrolment_that_is_told_later_of_an_earlier_day_takes_no_name_of_another(basis):
    """1 January is day 0 and 1 March day 59; that of January is told on day 83, and a score of March stands by then."""
    march, january = (59, 59, basis), (0, 83, basis)
    assert names(march) == {59: "open"}
    assert names(march, january) == names(january, march) == {59: "open", 0: JANUARY}
    assert names((59, 83, basis), january) == {0: "open", 59: MARCH}, "told of at once: the older is the first"
    assert names((0, 0, basis), march) == {0: "open", 59: MARCH}


def test_a_correction_of_the_first_enrolment_gives_its_name_to_no_other():
    """That of January is corrected by a file of day 83, after that of March was told."""
    assert names((0, 83, known.RESTATED), (59, 59, "observed")) == {0: "open", 59: MARCH}
    assert names((0, 0, "observed"), (59, 83, known.RESTATED)) == {0: "open", 59: MARCH}
    assert names((0, 83, known.RESTATED)) == {0: "open"}


def by_days(enrolled: list[int], *ends: tuple[str, int]) -> list[str | None]:
    """How each enrolment ended, oldest first, by a source that tells days alone."""
    runs = [enrolment("p", "c", day + 5, day + 85, None) for day in enrolled]
    told = features.outcomes(tables(runs, [event("p", "c", code, day, run=None) for code, day in ends]))
    ended = {row["target_code"]: row["stage_code"] for row in told.to_dicts()}
    assert len(ended) == len(told)
    names = ["open", *(f"open@{moment(day):%Y-%m-%dT%H:%M:%SZ}" for day in enrolled[1:])]
    assert set(ended) <= set(names)
    return [ended.get(name) for name in names]


@pytest.mark.parametrize(
    ("enrolled", "ends", "stages"),
    [
        ([0, 31, 59], [("failed", 31), ("failed", 59), ("passed", 90)], ["failed", "failed", "passed"]),
        (
            [0, 31, 59, 90],
            [("failed", 31), ("expired", 59), ("withdrawn", 90), ("passed", 120)],
            ["failed", "expired", "withdrawn", "passed"],
        ),
        ([0, 31], [("failed", 31), ("passed", 90)], ["failed", "passed"]),
        ([0, 59], [("failed", 31), ("passed", 59)], ["failed", "passed"]),
        ([0, 31, 59], [("completed", 0), ("completed", 31), ("completed", 59)], ["completed"] * 3),
        ([0, 31, 59], [("completed", 10), ("completed", 31), ("completed", 59)], ["completed"] * 3),
        ([0, 31, 59], [("completed", 31), ("failed", 40), ("passed", 59)], ["completed", "failed", "passed"]),
        ([0, 31], [("failed", 31), ("completed", 31)], ["failed", "completed"]),
        ([0, 31, 59], [("failed", 31), ("completed", 31), ("completed", 59)], ["failed", "completed", "completed"]),
        ([0, 31], [("failed", 10), ("failed", 31), ("completed", 31)], ["failed", "completed"]),
        ([0, 240], [("completed", 240)], ["completed", None]),
    ],
    ids=[
        "fails twice", "ends three times", "fails once", "ended before", "each in a day",
        "the first in ten, others in a day", "ended between", "fails and completes on one day",
        "and completes on another day too", "failed before that day", "a guess: left, and completed in a day",
    ],
)  # fmt: skip
def test_by_days_alone_each_end_is_of_the_enrolment_that_it_ended(enrolled, ends, stages):
    assert by_days(enrolled, *ends) == stages
    assert by_days(enrolled, *reversed(ends)) == stages


def test_who_takes_a_course_again_is_no_second_person_by_whom_a_paper_is_known_to_be_due():
    runs = [enrolment("q", "c", 0, 80, None), enrolment("q", "c", 100, 180, None), enrolment("x", "c", 200, 280, None)]
    papers = [paper("q", "1", day, 1.0, run=None) for day in (11, 111)]
    ends = [event(who, "c", "failed", day, run=None) for who, day in (("q", 70), ("q", 170), ("x", 270))]

    def of_x(*more: dict) -> float | None:
        made = features.examples(tables(runs, [*papers, *more, *ends]), SETTINGS)
        return only(made.filter(person_id="x"))["submitted_due_share"]

    assert of_x() is None
    assert of_x(paper("r", "1", 12, 1.0, run=None)) is None, "who never enrolled handed in nothing"
    assert of_x(paper("x", "1", 209, -1.0, run=None)) == 1.0


def test_a_paper_handed_in_before_the_first_enrolment_was_told_is_of_that():
    """Enrolled on day -5, and in again on day 995: a paper of the day before either is of the enrolment that stood."""
    first, ends = enrolment("p", "c", 0, 80, None), [event("p", "c", "passed", 1070, run=None)]
    early = paper("p", "1", -6, None, run=None)
    assert (
        only(features.examples(tables([first], [early, event("p", "c", "passed", 70, run=None)]), SETTINGS))[
            "submitted_ahead_count"
        ]
        == 1
    )
    papers = [early, paper("p", "2", 994, None, run=None), paper("p", "3", 995, None, run=None)]
    found = second(features.examples(tables([again("p"), first], [*papers, *ends]), SETTINGS))
    assert found["submitted_ahead_count"] == 1, "on the very day of the enrolment"


def test_of_two_that_say_otherwise_when_an_item_is_due_the_one_known_first_counts():
    runs = [enrolment(person, "c", 0, 80) for person in "pq"]
    told = paper("q", "1", 9, -21.0) | {"known_from": moment(19)}  # due on day 30; known on day 19
    assert handed_in(runs, [paper("p", "1", 12, 2.0), told]) == {("p", "r"): (1.0, 0), ("q", "r"): (1.0, 0)}
    sooner = told | {"known_from": moment(9)}
    assert handed_in(runs, [paper("p", "1", 12, 2.0), sooner]) == {("p", "r"): (None, 1), ("q", "r"): (None, 1)}


def test_a_source_that_never_says_early_makes_nothing_due_before_it_is():
    """Due on day 40: p and q had it in on days 5 and 6, of which such a source says 0 days late."""
    runs = [enrolment(person, "c", 0, 80) for person in "pqru"]

    def told(*late):
        papers = [paper(who, "1", day, days) for who, day, days in zip("pq", (5, 6), late, strict=True)]
        return [(share, count) for share, count in handed_in(runs, papers).values()]

    assert told(0.0, 0.0) == told(-35.0, -34.0) == [(None, 1), (None, 1), (None, 0), (None, 0)]
    late = [paper("p", "1", 11, 1.0), paper("q", "1", 9, 0.0), paper("r", "1", 12, 2.0)]  # two of three say: on day 10
    assert handed_in(runs, late) == {
        ("p", "r"): (1.0, 0), ("q", "r"): (1.0, 0), ("r", "r"): (1.0, 0), ("u", "r"): (0.0, 0),
    }  # fmt: skip
    assert handed_in(runs, late[:2])["u", "r"] == (None, 0), "one alone tells when it was due"


@pytest.mark.parametrize("late", [1e9, -1e9, 1e300, float("inf"), float("-inf"), float("nan")])
def test_a_lateness_that_is_none_stops_nobody_and_tells_nothing(late):
    run, end = enrolment("p", "c", 0, 80), event("p", "c", "completed", 70)
    papers = [paper("p", "1", 11, late), paper("q", "1", 9, late), paper("p", "2", 12, 2.0)]
    found = only(features.examples(tables([run], [end, *papers]), SETTINGS))
    assert (found["submitted_due_share"], found["submitted_ahead_count"]) == (None, 2)
    assert found["submitted_lateness_mean"] == 2
    (column,) = (one for one in TABLES["learning_events"].columns if one.name == "lateness_days")
    assert column.bounds == (-history._MOST_DAYS_LATE, history._MOST_DAYS_LATE)


def test_who_is_no_example_for_being_told_late_is_not_scored_either():
    late, early = enrolment("p", "c", 0, 80) | {"known_from": moment(20.5)}, enrolment("q", "c", 0, 80)
    found = features.cases(tables([late, early], []), SETTINGS, (moment(0) + timedelta(days=40)).date())
    assert found["person_id"].to_list() == ["q"]


def test_an_enrolment_that_was_told_after_its_moment_is_no_example():
    late = enrolment("p", "c", 0, 80) | {"known_from": moment(20.5)}
    assert features.examples(tables([late], [event("p", "c", "completed", 70)]), SETTINGS).is_empty()


def test_work_records_count_from_when_they_were_known():
    first, second, late = (
        ("p", date(2026, 1, day), date(2026, 1, day), "overtime_hours", value, moment(known), basis)
        for day, value, known, basis in ((2, 10.0, 3, "source"), (4, 20.0, 300, "observed"), (5, 90.0, 40, "source"))
    )
    run, end = enrolment("p", "c", 0, 80), event("p", "c", "completed", 70)
    found = only(features.examples(tables([run], [end], [first, second, late]), SETTINGS))
    assert found["work_overtime_hours"] == 15


def test_a_running_case_is_asked_about_between_its_moment_and_its_due_date():
    runs = [
        enrolment("early", "c", 90, 170),
        enrolment("now", "c", 0, 110),
        enrolment("over", "c", 0, 99),
        enrolment("open", "c", 30, None),
    ]
    found = features.cases(tables(runs, []), SETTINGS, moment(100).date())
    assert found["person_id"].to_list() == ["now", "open"]
    assert found["outcome"].null_count() == 2
    assert found.columns == features.examples(tables(runs, []), SETTINGS).columns


def test_outcomes_hold_every_end_also_the_early_ones():
    runs = [enrolment("p", "c", 0, 80), enrolment("q", "c", 0, 80), enrolment("r", "c", 0, 80)]
    found = features.outcomes(tables(runs, [event("p", "c", "withdrawn", 3), event("q", "c", "passed", 60)]))
    assert dict(found.select("person_id", "outcome").iter_rows()) == {"p": 0, "q": 1}
    assert found["decided_by"].unique().to_list() == ["rule"]


def test_whoever_enrolled_could_have_come_to_an_end_whether_they_did_or_not():
    made = [enrolment("p", "c", 0, 50, "a"), enrolment("p", "c", 90, 140, "b"), enrolment("o", "c", 0, 50)]
    made += [enrolment("o", "d", 0, None, None), enrolment("o", "c", 9, 59)]
    found = features.reached(tables(made, []))
    assert found.columns == ["person_id", "subject_id", "target_code"]
    assert found.rows() == [("o", "c", "r@2026-01-05T00:00:00Z"), ("o", "d", "open"), ("p", "c", "a"), ("p", "c", "b")]
    ended = features.outcomes(
        tables(made, [event("p", "c", "failed", 40, run="a"), event("o", "d", "passed", 9, run=None)])
    )
    assert set(ended.select(found.columns).iter_rows()) <= set(found.iter_rows()), "an end is found by the same three"


def test_inputs_leave_out_what_was_taken_out_and_who_it_is_about_is_no_input():
    frame = features.examples(tables([enrolment("p", "c", 0, 80)], [event("p", "c", "passed", 60)]), SETTINGS)
    found = features.inputs(frame.drop("credits"))
    assert found.columns[:2] == ["person_id", "subject_id"]
    assert not {"credits", "outcome", "stage_code", "known_at"} & set(found.columns)


def test_the_threshold_itself_is_on_course():
    scored = pl.DataFrame({"score": [0.34, 0.35, 0.36]})
    assert features.select(scored, Decide(threshold=0.35)).to_list() == [False, True, True]


def test_the_score_at_the_end_is_that_of_the_end_or_the_mean_of_what_was_handed_in():
    """Of p it was told; of q the mean of .5 and .9, not of what came after the end; r failed, s left, t has none."""
    enrolments = [enrolment(person, "c", 0, 80) for person in "pqrst"]
    events = [event("p", "c", "submitted", 10, 0.1), event("p", "c", "completed", 70, 0.8)]
    events += [event("q", "c", "submitted", 10, 0.5), event("q", "c", "submitted", 60, 0.9)]
    events += [event("q", "c", "passed", 70), event("q", "c", "submitted", 75, 0.1)]
    events += [event("r", "c", "failed", 70, 0.3), event("s", "c", "submitted", 10, 0.9)]
    events += [event("s", "c", "withdrawn", 70), event("t", "c", "passed", 70)]
    told = features.examples(tables(enrolments, events), SETTINGS)
    assert dict(told.select("person_id", "end_score_share").iter_rows()) == {
        "p": 0.8,
        "q": pytest.approx(0.7),
        "r": 0.3,
        "s": None,
        "t": None,
    }
    assert "end_score_share" not in features.inputs(told).columns
    running = features.cases(tables(enrolments[:1], events[:1]), SETTINGS, date(2026, 2, 1))
    assert running["end_score_share"].to_list() == [None]
