"""What a rating's case may rest on: earlier ratings and the newest work records known at its moment."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipelines.models.performance import features, periods
from pipelines.models.performance.features import Decide, Prepare

SETTINGS = Prepare(lead_days=10, steps=3, recent_steps=1, min_coverage=0.5)
MOMENT = pl.Datetime("us", "UTC")
START = date(2026, 1, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def moment(number: int, hour: int = 12) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), UTC) + timedelta(hours=hour)


def record(person: str, number: int, measure: str, value: float, known: int | None = None) -> tuple:
    basis = "observed" if known is None else "source"
    return (person, day(number), day(number), measure, value, moment(known or 0), basis)


def review(person: str, first: int, last: int, share: float, done: int, *, is_team: bool = False) -> tuple:
    return (person, f"{first}", day(first), day(last), moment(done), share, is_team, moment(done), "source")


def tables(records: list[tuple], reviews: list[tuple]) -> dict[str, pl.DataFrame]:
    known = {"known_from": MOMENT, "known_from_basis": pl.String}
    who = {"person_id": pl.String}
    return {
        "work_records": pl.DataFrame(
            records,
            schema={
                **who,
                "period_start": pl.Date,
                "period_end": pl.Date,
                "measure_code": pl.String,
                "value": pl.Float64,
                **known,
            },
            orient="row",
        ),
        "reviews": pl.DataFrame(
            reviews,
            schema={
                **who,
                "period_code": pl.String,
                "period_start": pl.Date,
                "period_end": pl.Date,
                "completed_at": MOMENT,
                "rating_share": pl.Float64,
                "is_team_level": pl.Boolean,
                **known,
            },
            orient="row",
        ),
        "workers": pl.DataFrame(
            {"person_id": ["p", "left"], "job_family_code": ["sales", "sales"], "terminated_at": [None, day(5)]},
            schema_overrides={"terminated_at": pl.Date},
        ).with_columns(known_from=pl.lit(moment(5000)).cast(MOMENT), known_from_basis=pl.lit("observed")),
    }


def only(frame: pl.DataFrame) -> dict:
    assert len(frame) == 1
    return frame.row(0, named=True)


def test_the_prediction_is_made_some_days_before_the_period_ends():
    records = [record("p", n, "tasks", float(n)) for n in range(25)]
    found = only(features.examples(tables(records, [review("p", 0, 30, 0.5, 31)]), SETTINGS))
    assert found["occurred_at"].date() == day(20)
    assert found["tasks"] == 20
    assert found["tasks__steps"] == [18, 19, 20]
    assert found["tasks__mean"] == 19
    assert found["tasks__trend"] == 1
    assert found["subject_id"] == "2026-01-31"


def test_a_rating_is_given_by_the_manager_on_record_when_it_was_completed_and_a_teams_by_nobody():
    made = tables(
        [], [review("p", 0, 30, 0.5, 31), review("p", 31, 60, 0.5, 61), review("p", 61, 61, 0.5, 61, is_team=True)]
    )
    kept = pl.DataFrame(
        {
            "person_id": ["p", "p"],
            "manager_person_id": ["old", "new"],
            "known_from": [moment(1), moment(40)],
            "known_from_basis": ["source", "source"],
        },
        schema_overrides={"known_from": MOMENT},
    )
    assert features.raters(made | {"workers": kept}).select("subject_id", "rater_id").rows() == [
        ("2026-01-31", "old"),
        ("2026-03-02", "new"),
        ("2026-03-03", None),
    ]
    late = kept.with_columns(known_from=pl.Series([moment(90), moment(99)], dtype=MOMENT))
    assert features.raters(made | {"workers": late})["rater_id"].to_list() == [None, None, None]


def test_whoever_was_at_work_in_a_period_in_which_people_were_rated_could_have_been_rated():
    """Periods of days 0 to 30 and 31 to 60; a team's own period is nobody's."""
    made = tables(
        [], [review("p", 0, 30, 0.5, 31), review("q", 31, 60, 0.5, 61), review("t", 61, 61, 0.5, 61, is_team=True)]
    )
    kept = pl.DataFrame(
        [
            ("p", day(-100), None, "employee"),
            ("left", day(-100), day(31), "employee"),
            ("stayed", day(-100), day(32), "employee"),
            ("came", day(45), None, "intern"),
            ("later", day(61), None, "employee"),
            ("undated", None, None, None),
            ("t", day(-100), None, "team"),
        ],
        schema={"person_id": pl.String, "hired_at": pl.Date, "terminated_at": pl.Date, "worker_type_code": pl.String},
        orient="row",
    ).with_columns(known_from=pl.lit(moment(0)).cast(MOMENT))
    found = features.reached(made | {"workers": kept}).group_by("subject_id").agg(pl.col("person_id").sort())
    assert dict(found.iter_rows()) == {
        "2026-01-31": ["left", "p", "stayed", "undated"],
        "2026-03-02": ["came", "p", "q", "stayed", "undated"],
    }


def at_work(people: dict[str, tuple[int | None, int | None]]) -> pl.DataFrame:
    days = [[None if number is None else day(number) for number in span] for span in people.values()]
    told = {"person_id": list(people), "hired_at": [a for a, _ in days], "terminated_at": [b for _, b in days]}
    kept = pl.DataFrame(told, schema_overrides={"hired_at": pl.Date, "terminated_at": pl.Date})
    return kept.with_columns(worker_type_code=pl.lit("employee"), known_from=pl.lit(moment(0)).cast(MOMENT))


def test_a_period_of_ones_own_is_no_cycle_in_which_others_could_have_been_rated():
    """Of 30 people each has the year since their own day; a probation of one; and 20 were rated in one cycle."""
    names = [f"p{n:02d}" for n in range(30)]
    own = [review(name, n, n + 364, 0.5, n + 365) for n, name in enumerate(names)]
    people = at_work({name: (n, None) for n, name in enumerate(names)} | {"new": (0, None)})
    yearly = features.reached(tables([], own) | {"workers": people})
    assert sorted(yearly.rows()) == sorted((name, f"{day(n + 364)}") for n, name in enumerate(names))
    cycle = [review(name, 400, 499, 0.5, 500) for name in names[:20]]
    found = features.reached(tables([], [*own, *cycle, review("new", 0, 89, 0.5, 90)]) | {"workers": people})
    assert len(found) == 30 + 31 + 1


@pytest.mark.parametrize(("stayed", "reached"), [(10, 20), (11, 2)])
def test_a_tenth_of_those_at_work_makes_a_cycle(stayed, reached):
    """Two are rated, twice each, and ten were at work beside those who stayed.

    4 came on the last day of the period, 4 left on its second one, of 2 no day is known; 5 had left by its first day,
    and 5 came after its last.
    """
    spans: dict[str, tuple[int | None, int | None]] = {f"a{n}": (-9, None) for n in range(stayed)}
    spans |= {f"in{n}": (60, None) for n in range(4)} | {f"out{n}": (-9, 32) for n in range(4)}
    spans |= {f"gone{n}": (-9, 31) for n in range(5)} | {f"later{n}": (61, None) for n in range(5)}
    spans |= {"u": (None, None), "v": (None, None)}
    made = [review(f"a{n}", 31, 60, 0.5, 61) for n in range(2)]
    found = features.reached(tables([], [*made, *made]) | {"workers": at_work(spans)})
    assert len(found) == reached


def test_a_period_of_a_day_is_asked_about_at_its_end_without_seeing_its_own_rating():
    records = [record("p", n, "tasks", float(n)) for n in range(3)]
    reviews = [review("p", n, n, 0.1 * n, n, is_team=True) for n in range(3)]
    found = features.examples(tables(records, reviews), SETTINGS)
    assert found["tasks"].to_list() == [0, 1, 2]
    assert found["rating_last"].to_list() == [None, 0, 0.1]
    assert found["rating_count"].to_list() == [0, 1, 2]
    assert set(found["target_code"]) == {"team_rating"}
    assert set(found["decided_by"]) == {"rule"}


def test_a_record_that_became_known_later_is_not_seen():
    records = [record("p", 1, "tasks", 1.0), record("p", 2, "tasks", 99.0, known=25)]
    found = only(features.examples(tables(records, [review("p", 0, 30, 0.5, 31)]), SETTINGS))
    assert found["tasks__steps"] == [None, None, 1]


def test_steps_never_reach_into_another_person():
    records = [record("a", n, "tasks", 50.0) for n in range(9)] + [record("p", 9, "tasks", 1.0)]
    found = only(features.examples(tables(records, [review("p", 0, 30, 0.5, 31)]), SETTINGS))
    assert found["tasks__steps"] == [None, None, 1]


def test_what_is_told_late_about_an_old_period_is_not_the_newest_step():
    records = [record("p", n, "m", float(n), known=n) for n in (10, 11, 12)] + [record("p", 1, "m", 99.0, known=20)]
    found = only(features.examples(tables(records, [review("p", 0, 40, 0.5, 45)]), SETTINGS))
    assert found["m"] == 12
    assert found["m__steps"] == [10, 11, 12]


def test_without_any_record_there_is_no_case():
    assert features.examples(tables([record("a", 1, "tasks", 1.0)], [review("p", 0, 30, 0.5, 31)]), SETTINGS).is_empty()


def test_a_measure_that_few_records_have_is_left_out():
    records = [record("p", n, "tasks", 1.0) for n in range(4)] + [record("p", 0, "rare", 1.0)]
    found = features.examples(tables(records, [review("p", 0, 30, 0.5, 31)]), SETTINGS)
    assert "rare" not in found.columns


def test_the_case_of_a_day_is_the_period_under_way_and_the_next_one_once_that_is_rated():
    records = [record("p", n, "tasks", 1.0) for n in range(4)] + [record("left", 1, "tasks", 1.0)]
    rated = [review("p", 0, 30, 0.5, 29)]
    before = features.cases(tables(records, [review("other", 0, 30, 0.5, 29)]), SETTINGS, day(30))
    assert (before["person_id"].to_list(), before["subject_id"].to_list()) == (["p"], ["2026-01-31"])
    after = features.cases(tables(records, rated), SETTINGS, day(30))
    assert after["subject_id"].to_list() == ["2026-02-28"]
    assert after.columns == features.examples(tables(records, rated), SETTINGS).columns


@pytest.mark.parametrize(
    ("start", "end", "following"),
    [
        (date(2026, 5, 1), date(2026, 10, 31), (date(2026, 11, 1), date(2027, 4, 30))),
        (date(2026, 12, 1), date(2026, 12, 31), (date(2027, 1, 1), date(2027, 1, 31))),
        (date(2026, 3, 9), date(2026, 3, 9), (date(2026, 3, 10), date(2026, 3, 10))),
        (date(2026, 3, 2), date(2026, 3, 15), (date(2026, 3, 16), date(2026, 3, 29))),
    ],
)
def test_the_next_period_is_as_long_and_whole_months_stay_whole(start, end, following):
    assert periods.following(start, end) == following


def test_inputs_are_numbers_and_codes_never_the_rating_or_the_sequences():
    records = [record("p", n, "tasks", 1.0) for n in range(4)]
    found = features.inputs(features.examples(tables(records, [review("p", 0, 30, 0.5, 31)]), SETTINGS))
    ratings, tasks = ["rating_last", "rating_mean", "rating_count"], ["tasks", "tasks__mean", "tasks__trend"]
    assert found.columns == ["person_id", "subject_id", *ratings, *tasks, "job_family_code"]


def test_who_is_predicted_below_the_threshold_is_flagged_and_so_is_who_has_no_number():
    scored = pl.DataFrame({"score": [0.39, 0.4, float("nan")]})
    assert features.select(scored, Decide(threshold=0.4)).to_list() == [False, True, False]
