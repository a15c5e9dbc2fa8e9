import json
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from pipelines.base.errors import ContractError
from pipelines.evaluate import metrics
from pipelines.models import network as load_network
from pipelines.models.recommendation import reasons, tables
from pipelines.models.recommendation.features import Decide, Prepare, Train, cases, due, examples, outcomes, select

network = cache(lambda: load_network("recommendation"))  # at the first test: to collect them needs no Keras
START = datetime(2026, 1, 1, tzinfo=UTC)
PREPARE = Prepare(min_courses=3, max_history=5)
TRAIN = Train(
    epochs=2, patience=2, batch=8, learning_rate=0.01, dropout=0.1, units=4, recent=3, ahead=1, ridge=1.0, smoothing=1.0
)
LATER = datetime(2027, 3, 1, tzinfo=UTC)
ALL = '["a", "b", "c", "d"]'
LEVELS = {"a": "foundation", "b": "intermediate", "c": "advanced", "d": None}


def company(**walks: str) -> dict[str, pl.DataFrame]:
    """Learners and the courses they took, one a day."""
    moment = pl.Datetime("us", "UTC")
    rows = [
        {"person_id": person, "course_id": course, "enrolled_at": START + timedelta(days=place)}
        for person, walk in walks.items()
        for place, course in enumerate(walk)
    ]
    schema = {"person_id": pl.String, "course_id": pl.String, "enrolled_at": moment}
    enrolments = pl.DataFrame(rows, schema=schema).with_columns(
        due_at=pl.lit(None, moment), known_from="enrolled_at", known_from_basis=pl.lit("source")
    )
    known = {"known_from": pl.lit(START + timedelta(days=5000)).cast(moment), "known_from_basis": pl.lit("observed")}
    seen = (
        enrolments.head(0)
        .rename({"enrolled_at": "occurred_at"})
        .with_columns(event_code=pl.lit(None, pl.String), valid_to=pl.lit(None, pl.Date))
    )
    workers = {"person_id": pl.String, "job_family_code": pl.String, "hired_at": pl.Date, "terminated_at": pl.Date}
    workers["worker_type_code"] = pl.String
    return {
        "enrolments": enrolments,
        "learning_events": seen,
        "courses": pl.DataFrame({"course_id": list(LEVELS), "level_code": list(LEVELS.values())}).with_columns(
            title=pl.col("course_id"),
            topic_code=pl.lit("t"),
            is_active=pl.lit(None, pl.Boolean),
            is_mandatory=pl.lit(None, pl.Boolean),
            valid_from=pl.lit(None, pl.Date),
            valid_to=pl.lit(None, pl.Date),
            audience_codes=pl.lit(None, pl.String),
            renewal_months=pl.lit(None, pl.Int64),
            **known,
        ),
        "workers": pl.DataFrame(schema=workers).with_columns(**known),
    }


def test_the_last_course_tests_and_the_one_before_validates():
    frame = examples(company(p_1="abcd", p_2="ab"), PREPARE)
    assert frame.select("person_id", "subject_id", "split").rows() == [
        ("p_1", "a", "train"),
        ("p_1", "b", "train"),
        ("p_1", "c", "valid"),
        ("p_1", "d", "test"),
        ("p_2", "a", "train"),
        ("p_2", "b", "train"),
    ]
    assert frame["history"].to_list() == [[], ["a"], ["a", "b"], ["a", "b", "c"], [], ["a"]]
    assert frame["course_count"].to_list() == [0, 1, 2, 3, 0, 1]
    levels = ["foundation", "intermediate", "advanced", "unleveled", "foundation", "intermediate"]
    assert frame["target_code"].to_list() == levels


def test_a_first_course_is_never_asked_for_by_the_test():
    """There is no list to rank: nobody who took nothing is in it."""
    frame = examples(company(p_1="a", p_2="ab"), Prepare(min_courses=1, max_history=5))
    assert frame.select("person_id", "subject_id", "split").rows() == [
        ("p_1", "a", "train"),
        ("p_2", "a", "train"),
        ("p_2", "b", "test"),
    ]


def test_a_course_counts_once_with_its_first_sign():
    given = company(p_1="ab")
    again = given["enrolments"].with_columns(pl.col("enrolled_at") + timedelta(days=9))
    given["enrolments"] = pl.concat([again, given["enrolments"]])
    assert outcomes(given)["occurred_at"].to_list() == [START, START + timedelta(days=1)]


def test_only_courses_taken_by_the_day_are_history():
    assert cases(company(p_1="abcd"), PREPARE, date(2026, 1, 2))["history"].to_list() == [["a", "b"]]


def test_who_left_is_not_scored():
    given = company(p_1="abc", p_2="abc")
    given = staff(given, p_1="x")
    given["workers"] = given["workers"].with_columns(terminated_at=pl.lit(date(2026, 1, 2)))
    assert cases(given, PREPARE, date(2026, 1, 3))["person_id"].to_list() == ["p_2"]


def catalogue(given: dict[str, pl.DataFrame], **columns: dict[str, object]) -> dict[str, pl.DataFrame]:
    """The company with something else said of some courses."""
    courses = given["courses"]
    for name, said in columns.items():
        values = [said.get(course) for course in courses["course_id"]]
        courses = courses.with_columns(pl.Series(name, values, dtype=courses.schema[name]))
    return given | {"courses": courses}


def staff(given: dict[str, pl.DataFrame], **people: str | None) -> dict[str, pl.DataFrame]:
    """The company with workers, each of a job family, hired long ago."""
    rows = {"person_id": list(people), "job_family_code": list(people.values())}
    workers = pl.DataFrame(rows, schema_overrides={"job_family_code": pl.String}).with_columns(
        hired_at=pl.lit(date(2020, 1, 1)),
        worker_type_code=pl.lit("employee"),
        terminated_at=pl.lit(None, pl.Date),
        known_from=pl.lit(START),
        known_from_basis=pl.lit("source"),
    )
    return given | {"workers": workers}


@pytest.mark.parametrize(
    ("said", "is_open"),
    [
        ({}, True),
        ({"is_active": {"d": True}}, True),
        ({"is_active": {"d": False}}, False),
        ({"is_mandatory": {"d": True}}, False),
        ({"is_mandatory": {"d": False}}, True),
        ({"valid_from": {"d": date(2026, 1, 9)}}, True),  # its first day
        ({"valid_from": {"d": date(2026, 1, 10)}}, False),
        ({"valid_to": {"d": date(2026, 1, 9)}}, False),  # the first day after
        ({"valid_to": {"d": date(2026, 1, 10)}}, True),
        ({"audience_codes": {"d": "x"}}, True),
        ({"audience_codes": {"d": "w|x|y"}}, True),
        ({"audience_codes": {"d": "xy|y"}}, False),  # a name within a name is another
    ],
)
def test_only_what_is_active_valid_and_for_the_job_family_may_be_recommended(said, is_open):
    given = catalogue(staff(company(p_1="ab"), p_1="x"), **said)
    told = json.loads(cases(given, PREPARE, date(2026, 1, 9))["open_courses"].item())
    assert told == (["a", "b", "c", "d"] if is_open else ["a", "b", "c"])


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 7, 1), True),  # the second version is on record, the first one holds
        (date(2026, 9, 1), False),  # the second one holds and is not active, though the first says nothing of an end
    ],
)
def test_a_version_told_of_ahead_of_its_first_day_does_not_close_the_one_before(day, is_open):
    given = company(p_1="a")
    first = given["courses"].filter(pl.col("course_id") == "a").with_columns(valid_from=date(2025, 1, 1))
    told = pl.lit(datetime(2026, 6, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    first = first.with_columns(known_from=told - pl.duration(days=365))
    second = first.with_columns(valid_from=date(2026, 9, 1), known_from=told, is_active=pl.lit(value=False))
    given["courses"] = pl.concat([second, first])
    assert cases(given, PREPARE, day)["open_courses"].to_list() == ['["a"]' if is_open else "[]"]


def test_a_course_with_an_audience_is_not_for_who_has_no_job_family():
    given = catalogue(staff(company(p_1="ab", p_2="ab"), p_1="x"), audience_codes={"d": "x"})
    told = dict(cases(given, PREPARE, date(2026, 1, 9)).select("person_id", "open_courses").iter_rows())
    assert told == {"p_1": ALL, "p_2": '["a", "b", "c"]'}


@pytest.mark.filterwarnings("ignore")
def test_what_is_not_open_is_recommended_by_nobody(tmp_path):
    """The model knows that d is mandatory; what else is shut, the list of the day says."""
    given = catalogue(company(**{f"p_{n}": "abc" if n % 2 else "bca" for n in range(6)}), is_mandatory={"d": True})
    learning = examples(given, PREPARE).filter(pl.col("split") != "test")
    (tmp_path / "baseline").mkdir()
    network().fit(learning, TRAIN, tmp_path / "model", seed=1, min_people=1)
    network().fit_baseline(learning, TRAIN, tmp_path / "baseline", seed=1, min_people=1)
    asked = pl.DataFrame(
        {"person_id": ["p", "q", "r"], "history": [["a"]] * 3, "split": ["now"] * 3}
        | {"open_courses": ['["a", "b", "d"]', ALL, "[]"]}
    )
    for scorer in ("model", "baseline"):
        found = network().predict(tmp_path / scorer, asked, scorer).sort("person_id", "subject_id")
        assert found.select("person_id", "subject_id").rows() == [("p", "b"), ("q", "b"), ("q", "c")]
        assert found["score"].to_list()[0] == pytest.approx(1.0)
        past = network().predict(tmp_path / scorer, asked.with_columns(split=pl.lit("test")), scorer)
        assert set(past["subject_id"]) == {"b", "c"}


def test_mandatory_courses_are_history_and_never_what_is_asked_for():
    """p_1 chose a, b and d; c was made to take, and counts neither for the test nor before it."""
    frame = examples(catalogue(company(p_1="abcd", p_2="ca"), is_mandatory={"c": True}), PREPARE)
    assert frame.select("person_id", "subject_id", "split", "history").rows() == [
        ("p_1", "a", "train", []),
        ("p_1", "b", "valid", ["a"]),
        ("p_1", "d", "test", ["a", "b", "c"]),
        ("p_2", "a", "train", ["c"]),
    ]


def test_mandatory_training_is_due_until_it_is_completed_again():
    """Both a and b are, b for x alone; p_1 completed a before enrolling again, p_2 after it; p_3 begins on the 4th."""
    given = catalogue(
        staff(company(), p_1="x", p_2="y", p_3=None, p_4="x"),
        is_mandatory={"a": True, "b": True},
        audience_codes={"b": "x"},
        is_active={"c": False},
    )
    day = {name: START + timedelta(days=place) for place, name in enumerate(("first", "second", "third", "fourth"))}
    given["enrolments"] = pl.DataFrame(
        {
            "person_id": ["p_1", "p_2", "p_4", "p_4"],
            "course_id": ["a", "a", "a", "b"],
            "enrolled_at": [day["second"], day["first"], day["first"], day["first"]],
            "due_at": [day["third"], day["third"], None, day["fourth"]],
        }
    )
    given["learning_events"] = pl.DataFrame(
        {
            "person_id": ["p_1", "p_2", "p_4"],
            "course_id": ["a", "a", "a"],
            "occurred_at": [day["first"], day["second"], day["second"]],
            "event_code": ["completed", "passed", "failed"],
            "valid_to": pl.Series([None] * 3, dtype=pl.Date),
        }
    )
    given["workers"] = given["workers"].with_columns(
        hired_at=pl.when(pl.col("person_id") == "p_3").then(date(2026, 1, 4)).otherwise("hired_at")
    )
    columns = ("person_id", "subject_id", "due_at", "is_overdue")
    assert due(given, date(2026, 1, 3)).select(columns).rows() == [
        ("p_1", "a", day["third"], True),
        ("p_1", "b", None, False),
        ("p_4", "a", None, False),
        ("p_4", "b", day["fourth"], False),
    ]
    later = due(given, date(2026, 1, 4))
    assert later.filter(person_id="p_3").select(columns).rows() == [("p_3", "a", None, False)]
    assert later.filter(person_id="p_4")["is_overdue"].to_list() == [False, True]
    gone = given | {"workers": given["workers"].with_columns(terminated_at=pl.lit(date(2026, 1, 3)))}
    assert due(gone, date(2026, 1, 3)).is_empty()


@pytest.mark.parametrize(
    ("months", "enrolled_again", "on", "expected"),
    [
        (None, None, date(2030, 1, 1), []),
        (12, None, date(2027, 1, 30), []),  # it was completed on 31 January 2026 at noon
        (12, None, date(2027, 1, 31), [(datetime(2027, 1, 31, 12, tzinfo=UTC), True)]),
        (1, None, date(2026, 2, 27), []),
        (1, None, date(2026, 2, 28), [(datetime(2026, 2, 28, 12, tzinfo=UTC), True)]),  # February has no 31st
        # Who is enrolled again has the day of that enrolment, or where it says none that of before.
        (12, (datetime(2027, 1, 1, tzinfo=UTC), LATER), date(2027, 2, 1), [(LATER, False)]),
        (
            12,
            (datetime(2027, 1, 1, tzinfo=UTC), None),
            date(2027, 2, 1),
            [(datetime(2027, 1, 31, 12, tzinfo=UTC), True)],
        ),
        (None, (datetime(2027, 1, 1, tzinfo=UTC), None), date(2027, 2, 1), [(None, False)]),
    ],
)
def test_mandatory_training_is_due_again_once_having_completed_it_counts_no_more(months, enrolled_again, on, expected):
    given = catalogue(staff(company(), p_1="x"), is_mandatory={"a": True}, renewal_months={"a": months})
    enrolled = [(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))]
    enrolled += [enrolled_again] if enrolled_again else []
    given["enrolments"] = pl.DataFrame(enrolled, ["enrolled_at", "due_at"], orient="row").with_columns(
        person_id=pl.lit("p_1"), course_id=pl.lit("a")
    )
    given["learning_events"] = pl.DataFrame(
        {
            "person_id": ["p_1"],
            "course_id": ["a"],
            "occurred_at": [datetime(2026, 1, 31, 12, tzinfo=UTC)],
            "event_code": ["completed"],
            "valid_to": pl.Series([None], dtype=pl.Date),
        }
    )
    assert due(given, on).select("due_at", "is_overdue").rows() == expected


@pytest.mark.parametrize(
    ("until", "on", "expected"),
    [
        ([date(2026, 6, 1)], date(2026, 5, 31), []),
        ([date(2026, 6, 1)], date(2026, 6, 1), [(datetime(2026, 6, 1, tzinfo=UTC), True)]),
        ([date(2026, 6, 1), date(2026, 7, 1)], date(2026, 6, 30), []),  # told twice: the longer one
        ([date(2028, 1, 1)], date(2027, 12, 31), []),  # longer than the twelve months of the course
        ([date(2026, 6, 1), None], date(2026, 6, 1), [(datetime(2026, 6, 1, tzinfo=UTC), True)]),
        ([None], date(2027, 1, 31), [(datetime(2027, 1, 31, 12, tzinfo=UTC), True)]),
    ],
)
def test_until_when_a_completion_counts_the_completion_itself_says_before_its_course(until, on, expected):
    given = catalogue(staff(company(), p_1="x"), is_mandatory={"a": True}, renewal_months={"a": 12})
    given["learning_events"] = pl.DataFrame({"valid_to": pl.Series(until, dtype=pl.Date)}).with_columns(
        person_id=pl.lit("p_1"),
        course_id=pl.lit("a"),
        occurred_at=pl.lit(datetime(2026, 1, 31, 12, tzinfo=UTC)),
        event_code=pl.lit("completed"),
    )
    assert due(given, on).select("due_at", "is_overdue").rows() == expected


def test_the_best_k_are_selected_and_ties_go_by_course():
    scored = pl.DataFrame(
        {"person_id": ["p"] * 3 + ["q"], "subject_id": ["c", "b", "a", "a"], "score": [0.2, 0.2, 0.1, 0.0]}
    )
    assert select(scored, Decide(top_k=1)).to_list() == [False, True, False, True]


def test_counts_are_those_worked_out_by_hand():
    counted = tables.count([[0, 1], [0, 1], [0, 2]], 3, ridge=1.0, smoothing=1.0)
    popular = np.array([3.5, 2.5, 1.5]) / 7.5
    assert counted.popular == pytest.approx(popular)
    assert counted.markov[0] == pytest.approx((np.array([0, 2, 1]) + popular) / 4)
    assert counted.markov[1] == pytest.approx(popular)
    assert np.diag(counted.ease).tolist() == [0, 0, 0]


def test_what_came_true_but_was_no_candidate_is_a_miss():
    wide = pl.DataFrame(
        {
            "person_id": ["p", "p", "q"],
            "subject_id": ["a", "b", "a"],
            "target_code": ["x"] * 3,
            "model": [0.9, 0.1, 1.0],
        }
    )
    came = pl.DataFrame(
        {"person_id": ["p", "q"], "subject_id": ["b", "new"], "target_code": ["x", "x"], "outcome": [1.0, 1.0]}
    )
    assert metrics.rank_of(wide, came, "model")["rank"].to_list() == [2.0, float("inf")]


@pytest.mark.filterwarnings("ignore")
def test_a_saved_model_says_the_same_again_and_leaves_out_what_was_taken(tmp_path):
    steps = examples(company(p_1="abcd", p_2="abc", p_3="acb", p_4="bca"), PREPARE)
    learning = steps.filter(pl.col("split") != "test")
    (tmp_path / "baseline").mkdir()
    network().fit(learning, TRAIN, tmp_path / "model", seed=1, min_people=1)
    network().fit_baseline(learning, TRAIN, tmp_path / "baseline", seed=1, min_people=1)
    test = steps.filter(pl.col("split") == "test")
    for scorer in ("model", "baseline"):
        once = network().predict(tmp_path / scorer, test, scorer)
        assert once.equals(network().predict(tmp_path / scorer, test, scorer))
        assert once.group_by("person_id").agg(pl.col("score").sum())["score"].to_list() == pytest.approx([1.0] * 4)
        assert once.filter(person_id="p_2")["subject_id"].to_list() == ["c", "d"]  # d is listed; nobody had taken it
    told = network().explain(tmp_path / "model", test, network().predict(tmp_path / "model", test, "model"))
    others = {reasons.TOGETHER, reasons.POPULAR, reasons.NOTHING}
    assert all(codes for codes in told), "nobody is put forward without a word why"
    assert all(code.startswith("after:") or (codes == [code] and code in others) for codes in told for code in codes)


@pytest.mark.filterwarnings("ignore")
def test_where_only_validation_has_a_course_after_another_nothing_is_known_of_alternatives(tmp_path):
    """Everybody took three: the second is validated, the third tested, and of the first nothing follows."""
    learning = examples(company(p_1="abc", p_2="abd", p_3="acb"), PREPARE).filter(pl.col("split") != "test")
    network().fit(learning, TRAIN, tmp_path, seed=1, min_people=1)
    said = network().validate(learning, TRAIN, tmp_path, seed=1, min_people=1)
    whole = network().predict(tmp_path, learning.filter(split="valid"), "model")
    assert (len(said), said.schema) == (0, whole.schema)
    assert len(whole) > 0


@pytest.mark.filterwarnings("ignore")
def test_validation_scores_come_from_a_model_that_never_saw_the_course_that_came_next(tmp_path):
    """Another one came next, and nothing changes."""
    steps = examples(company(p_1="abcda", p_2="abcdb", p_3="abca", p_4="bacb"), PREPARE)
    turned = pl.when(pl.col("split") == "valid").then(pl.lit("d")).otherwise(pl.col("subject_id"))
    asked = (steps, steps.with_columns(subject_id=turned))
    first, second = (
        network().validate(one.filter(pl.col("split") != "test"), TRAIN, tmp_path, seed=1, min_people=1)
        for one in asked
    )
    assert first.height > 0
    assert set(first["person_id"]) == set(steps.filter(split="valid")["person_id"])
    key = ["person_id", "subject_id"]
    same = first.sort(key).join(second.sort(key), on=key, how="inner", suffix="_turned")
    assert len(same) == len(first)
    assert same["score"].to_list() == same["score_turned"].to_list()
    assert not list(tmp_path.iterdir()), "nothing of it is kept"


@pytest.mark.filterwarnings("ignore")
def test_the_newest_steps_stop_the_training_and_then_teach_for_as_many_epochs(tmp_path, monkeypatch):
    """From a all go to b, and more have taken a: it is ranked first, until b is, and then no epoch is any better."""
    import keras

    fits, real = [], keras.Model.fit

    def noted(model, *given, **named):
        found = real(model, *given, **named)
        checked = named["validation_data"]
        fits.append((named["epochs"], checked is not None, len(found.history["loss"])))
        if checked is not None:
            _, kept = model.evaluate(*checked, verbose=0)
            first = found.history["val_gain"].index(max(found.history["val_gain"]))
            loss, _ = model.evaluate(*checked, verbose=0)
            assert (kept, loss) == pytest.approx((1, found.history["val_loss"][first])), "the best weights go on"
        return found

    monkeypatch.setattr(keras.Model, "fit", noted)
    walks = {f"p_{n:02}": "ca" if n % 2 else "ab" for n in range(40)} | {f"q_{n:02}": "ab" for n in range(8)}
    given = company(**walks)
    late = pl.col("person_id").str.starts_with("q")
    moved = pl.when(late).then(pl.col("enrolled_at") + timedelta(days=9)).otherwise("enrolled_at")
    given["enrolments"] = given["enrolments"].with_columns(enrolled_at=moved)
    settings = TRAIN.model_copy(update={"epochs": 30, "patience": 6, "learning_rate": 0.02})
    history = network().fit(examples(given, PREPARE), settings, tmp_path, seed=1, min_people=1)
    gains = [told["valid_gain"] for told in history]
    best = gains.index(max(gains)) + 1
    assert gains[0] == pytest.approx(1 / np.log2(3)), "b is second among three"
    assert fits == [(30, True, len(history)), (best, False, best)]
    assert 1 < best < len(history) == best + 6 < 30
    assert json.loads((tmp_path / network().MIXTURE).read_text())["epochs"] == best


def test_the_gain_of_a_rank_is_that_of_ndcg_at_10():
    chance = np.linspace(1.0, 0.5, 12, dtype=np.float32)[None].repeat(4, axis=0)
    found = np.asarray(network()._discounted(np.array([0, 1, 9, 10]), chance))
    assert found == pytest.approx([1, 1 / np.log2(3), 1 / np.log2(11), 0], rel=1e-5)


def test_without_a_step_there_is_nothing_to_train_on(tmp_path):
    steps = examples(company(p_1="a", p_2="b"), PREPARE)
    with pytest.raises(ContractError, match="a learner who took a course after another; got none"):
        network().fit(steps, TRAIN, tmp_path, seed=1, min_people=1)


@pytest.mark.filterwarnings("ignore")
def test_that_many_take_a_course_is_no_reason_to_have_taken_another(tmp_path):
    """Everybody took b; nothing but that speaks for it after a."""
    known, nothing = tables.Catalogue(("a", "b", "c"), ("x",) * 3), np.zeros((3, 3))
    counts = tables.Tables(nothing, nothing, np.array([0.1, 0.8, 0.1]))
    links = dict.fromkeys(network()._START, nothing) | {"popular": np.array([[0.1, 0.8, 0.1]])}
    del links["network"]
    reader = network()._reader(counts, 3, TRAIN)
    network()._mixed(reader, counts, links, network()._START | {"network": 0.0}, TRAIN).save(tmp_path / network().MODEL)
    known.save(tmp_path)
    (tmp_path / network().MIXTURE).write_text('{"recent": 3}')
    asked = pl.DataFrame({"person_id": ["p"], "history": [["a"]], "split": ["now"], "open_courses": [ALL]})
    scored = network().predict(tmp_path, asked, "model")
    assert scored.sort("score")["subject_id"].to_list() == ["c", "b"]
    told = dict(zip(scored["subject_id"], network().explain(tmp_path, asked, scored), strict=True))
    assert told == {"b": ["popular:everybody"], "c": ["none:nothing_speaks_for_it"]}


@pytest.mark.filterwarnings("ignore")
def test_a_course_is_a_reason_only_if_the_score_falls_without_it(tmp_path):
    """After a and b, c has (.4 + .1) / sqrt 2 = .354 from ease; without b .4, without a .1: a is one, b only speaks."""
    nothing = np.zeros((4, 4))
    ease = nothing.copy()
    ease[:2, 2] = 0.4, 0.1
    known, counts = tables.Catalogue(tuple("abcd"), ("x",) * 4), tables.Tables(ease, nothing, np.full(4, 0.25))
    links = dict.fromkeys(network()._START, nothing) | {"popular": np.full((1, 4), 0.25)}
    del links["network"]
    reader = network()._reader(counts, 4, TRAIN)
    network()._mixed(reader, counts, links, network()._START | {"network": 0.0}, TRAIN).save(tmp_path / network().MODEL)
    known.save(tmp_path)
    (tmp_path / network().MIXTURE).write_text('{"recent": 3}')
    tables.Beginnings((), np.full((1, 4), 0.25)).save(tmp_path)
    asked = pl.DataFrame({"person_id": ["p"], "history": [["b", "a"]], "split": ["now"], "open_courses": [ALL]})
    scored = network().predict(tmp_path, asked, "model").sort("subject_id")
    assert reasons.nominated([1, 0], 2, ease, np.zeros((5, 4))) == [0, 1]
    assert network().explain(tmp_path, asked, scored) == [["after:a"], ["none:nothing_speaks_for_it"]]


def test_the_reason_whose_absence_costs_most_comes_first():
    """0 speaks louder than 1; without 0 the score falls by .05, without 1 by .2. The second learner has no reason."""
    scored = {(0, 1): 0.5, (1,): 0.45, (0,): 0.3, (): 0.9}

    def rescore(people, histories):
        return np.array([[0, 0, scored[tuple(history)]] for history in histories])

    ease = np.array([[0, 0, 0.3], [0, 0, 0.2], [0, 0, 0]])
    found = reasons.of([[0, 1], [0]], [(0, 2), (1, 2)], ease, np.zeros((4, 3)), rescore)
    assert found == [[1, 0], []]


def test_where_no_one_course_is_a_reason_it_is_said_what_else_is():
    """Of the first two learners 0 is taken: without it the first one's 1 falls by .2, the second one's 1 does not.

    Open to all are 1 and 2, whose shares have the mean .3: 1 is taken more, and 2 less. The third has taken nothing.
    """
    scored = {(0, (0,)): 0.5, (0, ()): 0.3, (1, (0,)): 0.5, (1, ()): 0.5}

    def rescore(people, histories):
        return np.array([[0, scored[who, tuple(past)], 0.1] for who, past in zip(people, histories, strict=True)])

    past, shut = [[0], [0], []], np.array([[1.0, 0, 0]] * 3)
    asked = [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2)]
    found = reasons.beside(past, asked, shut, np.array([0.9, 0.4, 0.2]), rescore)
    together, popular, nothing = "together:courses_taken", "popular:everybody", "none:nothing_speaks_for_it"
    assert found == [together, nothing, popular, popular, nothing]
    alike = reasons.beside(past, asked[3:], shut, np.array([0.9, 0.3, 0.3]), rescore)
    assert alike == [nothing, nothing], "taken as often as the other is not taken more"
    assert reasons.beside(past, [], shut, np.zeros(3), rescore) == []


def test_a_family_that_takes_a_course_as_often_as_everybody_is_no_reason():
    begun = tables.Beginnings(("x",), np.array([[0.5, 0.3], [0.5, 0.2]]))
    assert [network()._begins("x", course, begun) for course in (0, 1)] == [[], ["job_family:x"]]


@pytest.mark.filterwarnings("ignore")
def test_because_you_took_it_means_that_the_score_falls_without_it(tmp_path):
    """Every course named is taken out of the history; what costs most comes first."""
    walks = {f"p_{n}": walk for n, walk in enumerate(["abcd", "abdc", "bacd", "cabd", "dbca", "acbd"] * 2)}
    network().fit(examples(company(**walks), PREPARE), TRAIN, tmp_path, seed=1, min_people=1)
    histories = {"q": "abc", "r": "bd", "s": "ca", "t": "d"}
    left = {person: sorted(set("abcd") - set(taken)) for person, taken in histories.items()}

    def asked(**taken: str) -> pl.DataFrame:
        rows = {"person_id": list(taken), "history": [list(walk) for walk in taken.values()]}
        return pl.DataFrame(rows, schema_overrides={"history": pl.List(pl.String)}).with_columns(
            split=pl.lit("now"), open_courses=pl.Series([json.dumps(left[person[0]]) for person in taken])
        )

    def scores(**taken: str) -> dict[tuple[str, str], float]:
        found = network().predict(tmp_path, asked(**taken), "model")
        return {
            (person, course): score
            for person, course, score in found.select("person_id", "subject_id", "score").iter_rows()
        }

    scored = network().predict(tmp_path, asked(**histories), "model")
    whole, named = scores(**histories), 0
    without = scores(**{p + c: walk.replace(c, "") for p, walk in histories.items() for c in walk})
    told = network().explain(tmp_path, asked(**histories), scored)
    for (person, course), codes in zip(scored.select("person_id", "subject_id").iter_rows(), told, strict=True):
        before = [code.removeprefix("after:") for code in codes if code.startswith("after:")]
        falls = [whole[person, course] - without[person + one, course] for one in before]
        assert codes
        assert all(fall > 0 for fall in falls)
        assert falls == sorted(falls, reverse=True)
        named += len(falls)
    assert named >= 4


@pytest.mark.filterwarnings("ignore")
def test_what_was_taken_together_speaks_as_loud_of_many_courses_as_of_few(tmp_path):
    """Ease says 0.4 of a for d, and as much of b and c: of three courses 1.2 / sqrt(3), of one 0.4."""
    nothing = np.zeros((4, 4))
    ease = nothing.copy()
    ease[:3, 3] = 0.4
    counts = tables.Tables(ease, nothing, np.full(4, 0.25))
    links = dict.fromkeys(network()._START, nothing) | {"popular": nothing[:1]}
    del links["network"]
    model = network()._mixed(
        network()._reader(counts, 4, TRAIN), counts, links, network()._START | {"network": 0.0}, TRAIN
    )
    last, recent = np.array([[1], [1]], np.int32), np.zeros((2, 3), np.int32)
    mixed, *_ = model.predict([recent, last, np.array([[1.0, 1, 1, 0], [1, 0, 0, 0]])], verbose=0)
    assert mixed[:, 3] == pytest.approx([1.2 / 3**0.5, 0.4], rel=1e-5)
    assert network()._unit(np.array([[1.0, 1, 1, 0], [0, 0, 0, 0]]))[:, 0] == pytest.approx([1 / 3**0.5, 0])


def test_daily_scoring_writes_down_the_best_open_courses_only(monkeypatch):
    monkeypatch.setattr(network(), "_SHORTLIST", 2)
    shares = np.array([[0.9, 0.1, 0.4, 0.3], [0.0, 0.2, 0.2, 0.6], [0.5, 0.3, 0.2, 0.0]])
    seen = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 0]])
    assert [np.flatnonzero(row).tolist() for row in network()._best(shares, seen)] == [[2, 3], [1, 2], [3]]


def test_what_can_be_taken_is_on_the_first_training_row_alone():
    frame = examples(company(p_1="abcd", p_2="ab"), PREPARE)
    assert frame["listed"].drop_nulls().to_list() == [["a", "b", "c", "d"]]
    assert frame.filter(pl.col("listed").is_not_null())["split"].to_list() == ["train"]
    told = [("c", "advanced", "c t", False), ("d", "unleveled", "d t", False)]
    assert tables.listed(frame).rows()[2:] == told
    assert tables.catalogue(examples(company(p_1="ab"), PREPARE)).courses == ("a", "b", "c", "d")


def test_courses_are_linked_by_who_took_them_and_by_what_they_are_called():
    found = tables.links([[0, 1, 2], [0, 2]], ["c9", "c10", "c11"], {"c9": "Word lists", "c10": "Word", "c11": "Excel"})
    assert found["after"].tolist() == [[0, 0.5, 0.5], [0, 0, 1], [0, 0, 0]]
    assert found["skipped"].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert found["before"].tolist() == [[0, 0, 0], [1, 0, 0], [0.5, 0.5, 0]]
    assert found["popular"][0].tolist() == pytest.approx([2 / 5, 1 / 5, 2 / 5])
    assert found["neighbour"].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]  # 9 comes before 10
    unnamed = tables.links([[0, 1]], ["c9", "c10"], {"c9": None})["alike"]
    assert unnamed.tolist() == [[0, 0], [0, 0]]  # a course without a title is like no other
    # word is in two of three titles, lists in one: idf ln(4/3)+1 and ln(4/2)+1
    word, lists = np.log(4 / 3) + 1, np.log(2) + 1
    assert found["alike"][0].tolist() == pytest.approx([0, word / np.hypot(word, lists), 0])


def test_weights_are_those_by_which_the_newest_steps_rank_best():
    """Nobody took b after a before, and then they did: only its number speaks for it."""
    known = tables.Catalogue(("c1", "c2", "c3"), ("x",) * 3)
    counts = tables.count([[0, 2]], 3, 1.0, 1.0)
    links = tables.links([[0, 2]], known.courses, {})

    class Silent:
        def predict(self, recent, **_):
            return np.zeros((len(recent), 3))

    late = pl.DataFrame({"history": [["c1"]], "subject_id": ["c2"]})
    weights = network()._weigh(counts, links, Silent(), late, known=known, settings=TRAIN)
    assert weights["neighbour"] > 0.1  # more than it began with
    nothing = network()._weigh(counts, links, Silent(), late.head(0), known=known, settings=TRAIN)
    assert nothing == network()._START


def test_who_works_there_and_took_nothing_is_scored_too():
    """Neither who is hired tomorrow, nor who has left, nor a team."""
    given = staff(company(p_1="ab"), p_1="x", p_2="y", p_3="x", p_4="x", p_5="x")
    person = pl.col("person_id")
    given["workers"] = given["workers"].with_columns(
        hired_at=pl.when(person == "p_3").then(date(2026, 1, 10)).otherwise("hired_at"),
        terminated_at=pl.when(person == "p_4").then(date(2026, 1, 9)),
        worker_type_code=pl.when(person == "p_5").then(pl.lit("team")).otherwise("worker_type_code"),
    )
    frame = cases(given, PREPARE, date(2026, 1, 9))
    assert frame.select("person_id", "history", "course_count", "job_family_code").rows() == [
        ("p_1", ["a", "b"], 2, "x"),
        ("p_2", [], 0, "y"),
    ]


BEGUN = pl.DataFrame(
    {
        "person_id": ["p", "p", "q", "r", "s", "t"],
        "job_family_code": ["x", "x", "x", "y", "unknown", "unknown"],
        "subject_id": ["a", "b", "a", "b", "a", "b"],
    }
)


def test_what_a_job_family_takes_is_drawn_towards_everybody():
    """Everybody: a 3, b 3, c 0 and a half each, of 7.5. Of x a 2, b 1, backed by 7.5 of everybody: of 10.5."""
    found = tables.beginnings(BEGUN, ["a", "b", "c"], 7.5, min_people=2)
    assert found.families == ("x",), "one learner of y is not told from others"
    everybody = [3.5 / 7.5, 3.5 / 7.5, 0.5 / 7.5]
    assert found.of(["x", "y", None]).tolist() == [
        pytest.approx([5.5 / 10.5, 4.5 / 10.5, 0.5 / 10.5]),
        pytest.approx(everybody),
        pytest.approx(everybody),
    ]
    assert tables.beginnings(BEGUN.drop("job_family_code"), ["a", "b", "c"], 5.5, 1).families == ()


def test_a_job_family_counts_by_as_much_as_serves_the_newest_beginners():
    """Twelve of x took d and one a; of y and everybody it is the other way round, with eleven courses before d."""
    courses = tuple("abcdefghijklm")
    known = tables.Catalogue(courses, ("l",) * 13)
    rows = [("x", "d")] * 12 + [("y", c) for c in courses if c != "d" for _ in range(20)]
    early = pl.DataFrame(
        {"person_id": [str(n) for n in range(len(rows))], "job_family_code": [f for f, _ in rows]}
        | {"subject_id": [c for _, c in rows]}
    )
    late = pl.DataFrame({"job_family_code": ["x"], "subject_id": ["d"]})
    assert network()._back(early, late, known, 1) < 1000
    assert network()._back(early, late.with_columns(subject_id=pl.lit("a")), known, 1) == 1e9
    assert network()._back(early, late.head(0), known, 1) == 20


@pytest.mark.filterwarnings("ignore")
def test_who_has_taken_nothing_is_recommended_what_the_job_family_takes(tmp_path):
    """People of x begin with a, those of y with b; nobody can be told anything of z."""
    walks = {f"x_{n}": "acd" for n in range(8)} | {f"y_{n}": "bdc" for n in range(8)}
    given = staff(company(**walks), **{person: person[0] for person in walks})
    network().fit(examples(given, PREPARE), TRAIN.model_copy(update={"epochs": 1}), tmp_path, seed=1, min_people=2)
    asked = pl.DataFrame(
        {"person_id": ["x", "y", "z"], "job_family_code": ["x", "y", "z"], "history": [[]] * 3, "split": ["now"] * 3}
        | {"open_courses": ['["a", "b"]', '["a", "b"]', '["a", "b"]']},
        schema_overrides={"history": pl.List(pl.String)},
    )
    scored = network().predict(tmp_path, asked, "model").sort("person_id", "subject_id")
    a_of = dict(scored.filter(subject_id="a").select("person_id", "score").iter_rows())
    assert a_of["x"] > 0.6
    assert a_of["y"] < 0.4
    assert a_of["z"] == pytest.approx(0.5)
    nothing = ["none:nothing_speaks_for_it"]  # a and b are taken as often
    told = network().explain(tmp_path, asked, scored)
    assert told == [["job_family:x"], nothing, nothing, ["job_family:y"], nothing, nothing]


@pytest.mark.filterwarnings("ignore")
def test_a_course_that_nobody_took_is_recommended_by_its_title(tmp_path):
    given = company(**{f"p_{n}": "ab" if n % 2 else "ba" for n in range(6)})
    titles = {"a": "Word one", "b": "Excel", "c": "Excel two", "d": "Word two"}
    given["courses"] = given["courses"].with_columns(
        title=pl.col("course_id").replace_strict(titles), topic_code=pl.lit("")
    )
    network().fit(examples(given, PREPARE), TRAIN.model_copy(update={"epochs": 1}), tmp_path, seed=1, min_people=1)
    asked = pl.DataFrame({"person_id": ["p"], "history": [["a"]], "split": ["now"], "open_courses": [ALL]})
    assert set(network().predict(tmp_path, asked, "model")["subject_id"]) == {"b", "c", "d"}
