"""The command that judges models, on folders made here: what it prints can be computed again from what it writes."""

import csv
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pytest
import yaml

from pipelines.base.errors import ContractError
from pipelines.evaluate.bootstrap import mean
from pipelines.models import network
from tests.bench.quality import __main__ as command
from tests.bench.quality import outcomes as outcome
from tests.bench.quality import performance, recommendation, screening
from tests.bench.quality.judgement import Judgement, as_text, calibration_error, exact_calibration_error, macro_f1

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2
ROOT = Path(__file__).parents[2]
ONCE = np.ones((1, 4))


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A folder with the project's numbers, but little training."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for family in ("screening", "recommendation", "outcomes", "performance"):
        own = params[family]["train"]
        own |= {name: value for name, value in (("epochs", 1), ("members", 1)) if name in own}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file, head, rows):
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([head, *rows])


def make_folder(root):
    (root / "train").mkdir()
    return root


def judged(folder, family, *more):
    words = ["--train", str(folder / "train"), "--json", str(folder / "out.json"), *more]
    assert command.main([family, *words, "--predictions", str(folder / "out.csv")]) == 0
    return json.loads((folder / "out.json").read_text()), pl.read_csv(folder / "out.csv", infer_schema=False)


def figure(report, name, *, exact=False):
    (found,) = (m for m in report["metrics"] if m["name"] == name or (m["name"].startswith(name) and not exact))
    return found


def watching(fit, learnt):
    """The same fit, which also keeps what it was given."""

    def watched(prepared, *more):
        learnt.append(prepared)
        return fit(prepared, *more)

    return watched


HEADS = {
    "views.csv": ("item_id", "user_id", "created_at"),
    "watches.csv": ("user_id", "item_id", "watch_percentage", "created_at", "rating"),
    "learners.csv": ("user_id", "job"),
    "courses.csv": ("item_id", "name", "description", "created_at", "Difficulty", "Software", "duration"),
}


def elearning(folder, views, courses=range(60)):
    write(folder / "views.csv", HEADS["views.csv"], views)
    write(folder / "watches.csv", HEADS["watches.csv"], [])
    write(folder / "learners.csv", HEADS["learners.csv"], [(user, "N/A") for user in range(40)])
    about = [(n, f"Course {n}", "", 2016, "Beginner", "['Word']", 90) for n in courses]
    write(folder / "courses.csv", HEADS["courses.csv"], about)


def test_rolling_folds_in_what_a_learner_took_and_asks_only_about_those_with_a_history():
    def log(*rows):
        return pl.DataFrame(rows, schema=["user_id", "item_id", "at"], orient="row")

    found = recommendation.events(log(("u", "a", 1)), log(("v", "a", 2), ("u", "b", 3), ("v", "c", 4), ("u", "d", 5)))
    assert found.select("event", "user_id", "item_id").rows() == [(0, "u", "b"), (1, "v", "c"), (2, "u", "d")]
    assert found["history"].to_list() == [["a"], ["a"], ["a", "b"]]


def test_recommendation_is_judged_on_a_later_log(quick):
    day = date(2019, 1, 1)
    walk = [
        (item, user, f"{day + timedelta(days=item)} 10:00:00") for user in range(30) for item in range(user % 5 + 3)
    ]
    elearning(quick / "train", walk)
    elearning(
        quick / "test", [(9, 0, "2019-06-01 10:00:00"), (0, 0, "2019-06-02 10:00:00"), (3, 0, "2019-06-02 11:00:00")]
    )
    report, said = judged(quick, "recommendation", "--test", str(quick / "test"))
    assert said.select("event", "item_id").rows() == [("0", "9"), ("1", "3")]  # 0 was taken before
    listed = said.select(pl.col("^course_.*$")).rows()
    assert all(len(set(row) - {None}) <= 50 and "0" not in row for row in listed)
    hits = np.mean([item in row[:10] for item, row in zip(said["item_id"], listed, strict=True)])
    found = figure(report, "HR@10, rolling, against EASE")
    assert found["model"] == pytest.approx(hits)
    assert found["delta"] == pytest.approx(found["model"] - found["baseline"])
    assert found["better"] == "higher"
    assert report["family"] == "recommendation"
    assert report["train_seconds"] > 0
    assert report["rows_per_second"] > 0
    assert report["peak_mb"] > 0


def test_the_peak_is_that_of_all_processes_and_the_keys_are_those_promised(tmp_path, monkeypatch):
    held = "import time; held = bytearray(300_000_000); time.sleep(1)"

    def judge(*_):
        subprocess.run([sys.executable, "-c", held], check=True)
        return Judgement(predictions=pl.DataFrame({"row": [0]}))

    monkeypatch.setattr(performance, "judge", judge)
    before = psutil.Process().memory_info().rss / 2**20
    report, _ = judged(make_folder(tmp_path), "performance")
    assert report["peak_mb"] >= before + 286  # 300,000,000 bytes
    wanted = {"family", "metrics", "train_seconds", "rows_per_second", "peak_mb"}
    assert wanted <= set(report)
    assert report["rows_per_second"] is None


def test_the_counted_baseline_gives_both_of_its_parts_equal_weight():
    assert recommendation.scaled(np.array([0.2, -0.1, 0.05])) == pytest.approx([1, -0.5, 0.25])
    assert recommendation.scaled(np.array([-0.2, 0.0])) == pytest.approx([-0.2, 0])
    walks = dict.fromkeys(range(5), ("a", "b", "c")) | dict.fromkeys(range(5, 9), ("a", "c"))
    rows = [(str(n), item, at) for n, walk in walks.items() for at, item in enumerate(walk)]
    before = pl.DataFrame(rows, schema=["user_id", "item_id", "at"], orient="row")
    (best,) = recommendation.counted(before, pl.DataFrame({"history": [["a"]]}))
    # after `a`: Markov b 5/9, c 4/9; EASE by hand b .043, c .080. Their plain sum says b, .60 against .52; scaled
    # they say c, .80 + 1 against 1 + .54
    assert best[:2] == ["c", "b"]


def test_a_course_of_a_later_year_is_nothing_that_the_training_is_told(quick):
    walk = [(item, user, f"2019-01-{item + 1:02d} 10:00:00") for user in range(30) for item in range(user % 5 + 3)]
    elearning(quick / "train", walk)
    about = quick / "train" / "courses.csv"
    # 40 is of the year after the newest day; 1 was taken by then, whatever its year says
    rows = about.read_text().replace("40,Course 40,,2016", "40,Course 40,,2020")
    about.write_text(rows.replace("1,Course 1,,2016", "1,Course 1,,2030"))
    elearning(quick / "test", [(9, 0, "2020-06-01 10:00:00")])
    said = judged(quick, "recommendation", "--test", str(quick / "test"))[1].select(pl.col("^course_.*$")).row(0)
    known = recommendation.there(recommendation.catalogue(quick / "train"), recommendation.log(quick / "train"))
    assert "40" not in said
    assert sorted(known["course_id"]) == sorted(str(n) for n in range(60) if n != 40)


def test_a_log_that_asks_about_nobody_or_teaches_nothing_is_refused(quick, capsys):
    elearning(quick / "train", [(0, 0, "2019-01-01 10:00:00"), (1, 0, "2019-01-02 10:00:00")])
    elearning(quick / "test", [(9, 35, "2019-06-01 10:00:00")])
    with pytest.raises(ContractError, match="somebody with a history; got 2 and 0"):
        recommendation.judge(quick / "train", quick / "test", 0)
    words = ["--train", str(quick / "train"), "--test", str(quick / "test"), "--json", str(quick / "out.json")]
    assert command.main(["recommendation", *words]) == 1
    assert capsys.readouterr().err.startswith("ContractError: The rolling protocol must have")


def test_a_discounted_gain_is_that_of_one_wanted_course():
    assert [recommendation.discounted(rank) for rank in (1, 3, 10, 11, 0)] == pytest.approx(
        [1, 0.5, 1 / np.log2(11), 0, 0]
    )
    assert [recommendation.hit(rank) for rank in (1, 10, 11, 0)] == [1, 1, 0, 0]


def outcomes(folder, presentations):
    """Everybody hands in one paper; a good score passes. The last student of each run left on day 30."""
    students, registered, papers, tests, length = [], [], [], [], []
    for place, presentation in enumerate(presentations):
        length.append(("AAA", presentation, 240))
        tests.append(("AAA", presentation, 100 + place, "TMA", 20, 10))
        for n in range(40):
            person, good = 1000 * int(presentation[:4]) + n, n % 2
            result = "Withdrawn" if n == 39 else "Pass" if good else "Fail"
            students.append(("AAA", presentation, person, "M", "x", "A Level", "", "0-35", 0, 60, "False", result))
            registered.append(("AAA", presentation, person, -20 if n else 90, 30 if n == 39 else ""))
            papers.append((100 + place, person, 18, "False", 80 if good else 20))
    head = "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band"
    head += ",num_of_prev_attempts,studied_credits,disability,final_result"
    write(folder / "student.csv", head.split(","), students)
    registration = ("code_module", "code_presentation", "id_student", "date_registration", "date_unregistration")
    write(folder / "student_registration.csv", registration, registered)
    submission = ("id_assessment", "id_student", "date_submitted", "is_banked", "score")
    write(folder / "student_assessment.csv", submission, papers)
    test = ("code_module", "code_presentation", "id_assessment", "assessment_type", "date", "weight")
    write(folder / "assessment.csv", test, tests)
    write(folder / "course.csv", ("code_module", "code_presentation", "module_presentation_length"), length)


def test_outcomes_are_asked_of_everybody_who_was_there_on_day_60(quick):
    outcomes(quick / "train", ("2013B", "2013J"))
    outcomes(quick / "test", ("2014J",))
    report, said = judged(quick, "outcomes", "--test", str(quick / "test"))
    assert said["subject_id"].to_list() == [f"AAA|2014J|{2014000 + n}" for n in range(39)]
    chance = said["probability"].cast(pl.Float64).to_numpy()
    truth = np.arange(39) % 2
    assert figure(report, "Brier, against")["model"] == pytest.approx(((chance - truth) ** 2).mean())
    assert figure(report, "Brier, against")["better"] == "lower"


def test_a_group_of_few_cases_and_those_of_no_group_are_not_judged_apart(monkeypatch):
    monkeypatch.setattr(outcome, "LEAST_GROUP", 2)
    held = pl.DataFrame({"gender": ["F", "M", "F", None], "age_band": None, "disability": ["False"] * 3 + [None]})
    found = outcome._large_groups(held)
    assert [(label, part.to_list()) for label, part in found] == [
        ("gender F (2)", [True, False, True, False]),
        ("disability False (3)", [True, True, True, False]),
    ]


def test_outcomes_learn_no_enrolment_of_the_test_folder(quick, monkeypatch):
    # the test folder has an older run and half of the training's newest: by presentation they would be learnt with
    # their ends, and the training's own would be judged
    outcomes(quick / "train", ("2013B", "2013J"))
    outcomes(quick / "test", ("2012J", "2013J"))
    for place in (quick / "test").glob("*student*.csv"):
        rows = place.read_text().replace("2013000", "2013900").replace("2013001", "2013901")  # two people of their own
        place.write_text(rows)
    learnt = []
    ours = network("outcomes")
    monkeypatch.setattr(ours, "fit", watching(ours.fit, learnt))
    _, said = judged(quick, "outcomes", "--test", str(quick / "test"))
    assert said["subject_id"].to_list() == [
        *(f"AAA|2012J|{2012000 + n}" for n in range(39)),
        "AAA|2013J|2013900",
        "AAA|2013J|2013901",
    ]
    (steps,) = learnt
    assert sorted(steps["target_code"].unique()) == ["2013B", "2013J"]
    assert not set(steps["person_id"]) & set(said["subject_id"].str.split("|").list.last())


def test_outcomes_without_anybody_to_judge_are_refused(quick):
    outcomes(quick / "train", ("2013B", "2013J"))
    with pytest.raises(ContractError, match="78 to learn from and 0 to judge"):
        outcome.judge(quick / "train", quick / "train", 0)


@pytest.mark.parametrize("length", [None, "AAA,2014J,", "AAA,2014J,long"])
def test_a_presentation_of_no_length_is_refused_by_name(tmp_path, length):
    outcomes(tmp_path / "train", ("2013B", "2013J"))
    outcomes(tmp_path / "test", ("2014B", "2014J"))
    place = tmp_path / "test" / "course.csv"
    kept = [line for line in place.read_text().splitlines() if "2014J" not in line]
    place.write_text("\n".join([*kept, *([length] if length else [])]) + "\n")
    with pytest.raises(ContractError, match=r"must have its days in course\.csv; got none of AAA 2014J\."):
        outcome.judge(tmp_path / "train", tmp_path / "test", 0)


@pytest.mark.parametrize(("share", "got"), [(1.0, "0 enrolments and 39"), (0.0, "39 enrolments and 0")])
def test_outcomes_of_too_few_people_to_train_on_and_to_stop_by_are_refused(tmp_path, monkeypatch, share, got):
    outcomes(tmp_path / "train", ("2013B", "2013J"))
    monkeypatch.setattr(outcome, "_VALID_SHARE", share)
    with pytest.raises(ContractError, match=f"got {got}\\."):
        outcome.judge(tmp_path / "train", None, 0)


def test_a_presentation_begins_in_the_month_of_its_letter():
    assert outcome._start("2012A") == datetime(2012, 1, 1, tzinfo=UTC)
    assert outcome._start("2014J") == datetime(2014, 10, 1, tzinfo=UTC)
    assert outcome._start("2020L") == datetime(2020, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("code", ["2013M", "2013", "2013j", "2013JK", "JJJJJ", "0000J", ""])
def test_a_presentation_that_tells_no_month_is_refused(code):
    with pytest.raises(ContractError, match="a year and the letter of a month"):
        outcome._start(code)


@pytest.mark.parametrize(("people", "is_known"), [(["a", "a", "a"], False), (["a", "b", "b"], True)])
def test_of_one_person_alone_no_interval_is_told(people, is_known):
    found, missed = Judgement(), mean(np.array([0.1, 0.2, 0.6]))
    found.compare("MAE", "lower", missed, {"mean": mean(np.array([0.3, 0.2, 0.7]))}, pl.Series(people))
    (told,) = command.report("performance", found, 1.0)["metrics"]
    assert told["delta"] == pytest.approx(-0.1)
    assert [told[end] is not None for end in ("delta_low", "delta_high")] == [is_known] * 2


def test_outcomes_of_a_set_that_tells_no_group_are_judged_of_everybody(monkeypatch):
    monkeypatch.setattr(outcome, "LEAST_GROUP", 2)
    ((label, part),) = outcome._large_groups(pl.DataFrame({"gender": ["F", "F"]}))
    assert (label, part.to_list()) == ("gender F (2)", [True, True])


@pytest.mark.parametrize("family", ["screening", "recommendation", "outcomes", "performance"])
def test_a_folder_without_a_file_of_its_set_is_refused_in_a_line(quick, family, capsys):
    (quick / "train").mkdir()
    assert command.main([family, "--train", str(quick / "train"), "--json", str(quick / "out.json")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ContractError: {quick}/train must have a file ")
    assert not (quick / "out.json").exists()


def test_a_file_without_a_column_of_its_set_is_refused_in_a_line(quick, capsys):
    outcomes(quick / "train", ("2013B", "2013J"))
    (quick / "train/course.csv").write_text("code_module,code_presentation\nAAA,2013B\nAAA,2013J\n")
    assert command.main(["outcomes", "--train", str(quick / "train"), "--json", str(quick / "out.json")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "module_presentation_length" in line


def test_a_byte_order_mark_and_a_name_in_any_script_are_read(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffcode,name\n1,Ünï\n".encode())
    assert as_text(tmp_path / "a.csv").rows() == [("1", "Ünï")]
    assert as_text(tmp_path / "a.csv").columns == ["code", "name"]


def productivity(folder, days):
    head = "date,quarter,department,day,team,targeted_productivity,smv,wip,over_time,incentive,idle_time,idle_men"
    head += ",no_of_style_change,no_of_workers,actual_productivity"
    rows = []
    for n in days:
        day = date(2015, 1, 1) + timedelta(days=n)
        for team in range(4):
            begin = [
                f"{day.month}/{day.day}/{day.year}",
                "Quarter1",
                "sweing ",
                "Monday",
                team,
                0.8,
                20,
                "",
                960,
                50,
                0,
                0,
                0,
            ]
            rows.append([*begin, 30.5, 0.6 + team / 10])
    write(folder / "productivity.csv", head.split(","), rows)


def test_productivity_is_predicted_row_by_row_with_an_interval(quick):
    productivity(quick / "train", range(30))
    productivity(quick / "test", range(30, 36))
    report, said = judged(quick, "performance", "--test", str(quick / "test"))
    assert said["row"].to_list() == [str(n) for n in range(24)]
    middle, low, high = (said[name].cast(pl.Float64).to_numpy() for name in ("prediction", "low", "high"))
    assert ((low <= middle) & (middle <= high)).all()
    truth = np.tile(0.6 + np.arange(4) / 10, 6)
    missed = np.abs(middle - truth).mean()
    assert figure(report, "MAE, against random forest, leaves of 5")["model"] == pytest.approx(missed)
    assert figure(report, "MAE, against random forest", exact=True)["model"] == pytest.approx(missed)
    inside = ((low <= truth) & (truth <= high)).mean()
    assert figure(report, "coverage of the 90%")["model"] == pytest.approx(inside)


def test_productivity_that_was_learnt_is_not_judged_and_takes_nobodys_place(quick, monkeypatch):
    """Six days are in both folders; the others are predicted as without them, but by their own rows."""
    productivity(quick / "train", range(30))
    ours, asked = network("performance"), []
    monkeypatch.setattr(ours, "fit", lambda *_: None)
    monkeypatch.setattr(ours, "predict", lambda _, cases, *__: asked.append(cases) or half(cases))

    def half(cases):
        return cases.with_columns(score=pl.lit(0.5), low=pl.lit(0.4), high=pl.lit(0.6)).select("score", "low", "high")

    rows = []
    for days in (range(24, 36), range(30, 36)):
        productivity(quick / "test", days)
        report, said = judged(quick, "performance", "--test", str(quick / "test"))
        rows.append(said["row"].to_list())
        note = "24 rows of the test folder left out: the training folder has the same"
        assert (note in report["notes"]) == (days[0] == 24)
    assert rows == [[str(n) for n in range(24, 48)], [str(n) for n in range(24)]]
    assert asked[0].equals(asked[1])
    assert set(asked[0]["person_id"].str.split("|").list.last()) == {"0"}, "nobody is a second shift of themselves"


def test_a_second_shift_of_a_day_that_was_learnt_is_judged():
    about = {"row": pl.UInt32, "department": pl.String, "team": pl.String, "at": pl.Date, "wip": pl.Float64}
    day = {"department": "sewing", "team": "1", "at": date(2015, 1, 1), "wip": None}
    known = pl.DataFrame([day | {"row": 0}, day | {"row": 1, "at": date(2015, 1, 2)}], about)
    later = pl.DataFrame([day | {"row": 0}, day | {"row": 1, "wip": 5.0}], about)
    _, held, told = performance.parted(known, later)
    assert held.select("row", "wip").rows() == [(1, 5.0)]
    assert told == ["1 rows of the test folder left out: the training folder has the same"]


@pytest.mark.parametrize(
    ("train", "test", "why"),
    [
        (range(0), None, "got 0 days with 0 rows to learn from, and 0 rows to judge"),
        (range(1), None, "got 0 days with 0 rows to learn from, and 4 rows to judge"),
        (range(2), None, "got 1 days with 4 rows to learn from, and 4 rows to judge"),
        (range(1), range(2, 4), "got 1 days with 4 rows to learn from, and 8 rows to judge"),
        (range(9), range(0), "got 9 days with 36 rows to learn from, and 0 rows to judge"),
        (range(9), range(3, 6), "got 9 days with 36 rows to learn from, and 0 rows to judge"),
    ],
)
def test_productivity_with_nothing_to_learn_or_to_judge_is_refused(tmp_path, train, test, why):
    productivity(tmp_path / "train", train)
    if test is not None:
        productivity(tmp_path / "test", test)
    with pytest.raises(ContractError, match=why):
        performance.judge(tmp_path / "train", None if test is None else tmp_path / "test", 0)


def test_an_empty_cell_of_a_code_is_a_code_that_nobody_wrote(quick):
    productivity(quick / "train", range(5))
    place = quick / "train" / "productivity.csv"
    place.write_text(place.read_text().replace("Monday", "").replace("sewing ", ""))
    rows = performance.read(quick / "train")
    assert set(rows["day"]) == {""}
    assert performance.tables(rows.with_columns(person_id="team"))["workers"]["job_family_code"].null_count() == 0
    assert len(performance.grown(rows, rows, 0, 5)) == 20


def test_a_forest_reads_a_code_as_itself_and_not_as_a_number():
    # only the first team is good: as a number, a team never seen stands before all others, and next to the first one
    days = pl.DataFrame({"team": [str(n) for n in range(1, 10)] * 20}).with_columns(
        pl.lit(0.0).alias(name) for name in performance.MEASURES
    )
    days = days.with_columns(
        quarter=pl.lit("Q"), department=pl.lit("sewing"), day=pl.lit(None, pl.String),
        actual_productivity=(pl.col("team") == "1").cast(pl.Float64),
    )  # fmt: skip
    asked = days.head(3).with_columns(team=pl.Series(["1", "2", "55"]))
    assert performance.grown(days, asked, 0, 1) == pytest.approx([1, 0, 0], abs=0.1)


def resumes(folder, first, count):
    words = {"CHEF": "kitchen menu sauce cooking", "TEACHER": "school pupils lesson classroom"}
    rows = [
        (first + n, job, f"{job}\nworked hard\n{words[job]} for {n} years\n" + "and other things of note " * 10)
        for n in range(count)
        for job in [sorted(words)[n % 2]]
    ]
    write(folder / "resumes.csv", ("resume_id", "job_family", "text"), rows)


def test_every_resume_is_scored_against_every_family_with_and_without_its_title(quick, capsys):
    resumes(quick / "train", 0, 60)
    resumes(quick / "test", 100, 10)
    report, said = judged(quick, "screening", "--test", str(quick / "test"))
    assert said.select("subject_id", "target_id").rows() == [
        (str(100 + n), job) for n in range(10) for job in ("CHEF", "TEACHER")
    ]
    scores = said["score"].cast(pl.Float64).to_numpy().reshape(10, 2)
    right = (scores.argmax(axis=1) == np.arange(10) % 2).mean()
    assert figure(report, "accuracy, with the title line, against TF-IDF")["model"] == pytest.approx(right)
    boosted = [metric["name"] for metric in report["metrics"] if "LightGBM" in metric["name"]]
    told = [note for note in report["notes"] if "not measured: lightgbm is not installed" in note]
    assert len(boosted) == (0 if told else 4)
    assert len(told) in {0, 2}  # with and without the title line
    assert all(note in capsys.readouterr().out for note in told[:1])


def test_without_a_test_folder_every_fold_tells_how_well_it_is_calibrated(quick, monkeypatch):
    """A model that holds every resume for a chef with .75 is right about one of two: .25 apart, in every fold."""
    resumes(quick / "train", 0, 20)
    monkeypatch.setattr(screening, "modelled", lambda _found, _given, _known, held, _seed: [[0.75, 0.25]] * len(held))
    found = screening.judge(quick / "train", None, 0)
    label = "calibration error of the best family's score, with the title line"
    told = {metric.name: metric.model for metric in found.metrics if metric.name.startswith(label)}
    assert [*told] == [label, *(f"{label}, fold {number}" for number in range(1, 6))]
    assert list(told.values()) == pytest.approx([0.25] * 6)
    assert sum(note.startswith(f"{label}, fold 3: chances that were exactly right") for note in found.notes) == 1


def test_a_resume_with_a_learnt_id_is_left_out_only_if_its_text_was_learnt_too(quick):
    resumes(quick / "train", 0, 2)
    resumes(quick / "test", 0, 3)
    place = quick / "test" / "resumes.csv"
    place.write_text(place.read_text().replace("cooking for 0 years", "cooking for 9 years"))
    kept, told = screening.unlearnt(screening.read(quick / "train"), screening.read(quick / "test"))
    assert kept["resume_id"].to_list() == ["0#0", "2"]  # 1 is the training's own
    assert [note.split(" of the test folder ")[0] for note in told] == ["1 resumes", "1 resumes"]
    with pytest.raises(ContractError, match="some that the training folder lacks; one has none"):
        screening.judge(quick / "train", quick / "train", 0)


def test_a_family_of_the_judged_alone_is_learnt_by_no_resume(quick, monkeypatch):
    resumes(quick / "train", 0, 60)
    resumes(quick / "test", 100, 4)
    place = quick / "test" / "resumes.csv"
    rows = pl.read_csv(place, infer_schema=False)
    baker = rows.with_columns(job_family=pl.lit("BAKER"), text=pl.when(pl.int_range(4) > 0).then("text"))
    baker.write_csv(place)  # one without a text: nobody can read it, and everybody else is judged
    learnt = []
    ours = network("screening")
    monkeypatch.setattr(ours, "fit", watching(ours.fit, learnt))
    _, said = judged(quick, "screening", "--test", str(quick / "test"))
    assert sorted(said["target_id"].unique()) == ["BAKER", "CHEF", "TEACHER"]
    assert {name for steps in learnt for name in steps["job_family_code"]} == {"CHEF", "TEACHER"}


def test_odds_that_are_all_too_high_by_one_factor_are_shared_out_alike():
    odds = np.array([[1.0, 3.0, 4.0], [1.0, 1.0, 2.0]])
    for factor in (1, 5):  # as after learning from one rejected family in five
        assert screening.shared_out(factor * odds / (1 + factor * odds), 1.0) == pytest.approx(
            np.array([[1, 3, 4], [2, 2, 4]]) / 8
        )
    assert screening.shared_out(odds / (1 + odds), 2.0)[0] == pytest.approx(np.array([1, 9, 16]) / 26)
    assert screening.shared_out(np.array([[1.0, 0.0]]), 1.0) == pytest.approx(np.array([[1.0, 0.0]]), abs=1e-6)


def test_a_temperature_makes_what_was_said_as_bold_as_it_was_right():
    # two families, told apart by odds of 9 to 1 and 1 to 9: nine in ten would be right
    said = np.repeat([[0.75, 0.25]], 100, axis=0)
    right_90, right_75 = np.arange(100) >= 90, np.arange(100) >= 75
    assert screening.temperature(said, right_90.astype(np.int64)) == pytest.approx(1.0)
    # right three times of four: odds of 3, the root of 9
    assert screening.temperature(said, right_75.astype(np.int64)) == pytest.approx(0.5)
    assert screening.temperature(said[:0], np.zeros(0, np.int64)) == 1.0


def test_calibration_is_the_distance_of_what_was_said_from_what_came():
    # bins [.2, .3) and [.8, .9): |.2 + .2 - 1| and |.8 + .8 - 2| over four cases
    said = np.array([0.2, 0.2, 0.8, 0.8])
    assert calibration_error(np.array([0.0, 1.0, 1.0, 1.0]), said)(ONCE)[0] == pytest.approx(1.0 / 4)


def test_exact_chances_of_few_cases_are_not_calibrated_in_a_sample():
    # 100 cases of one half: the mean distance of a binomial share from 1/2 is .5 * .0796, 95 of 100 within .1
    mean, most = exact_calibration_error(np.full(100, 0.5))
    assert mean == pytest.approx(0.0398, abs=0.004)
    assert 0.08 <= most <= 0.11
    assert exact_calibration_error(np.array([0.0, 1.0, 1.0])) == (0, 0)


def test_f1_leaves_out_classes_that_nobody_has_and_nobody_says():
    # class 0: precision 1, recall 1/2; class 1: precision 2/3, recall 1; class 2 is nowhere
    found = macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3)(ONCE)
    assert found[0] == pytest.approx((2 / 3 + 4 / 5) / 2)
