"""The feeds of the real sets, on a few rows in their form: joins, anchors, unpivot, constants."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from reportlab.pdfgen.canvas import Canvas

from pipelines.base import vault
from pipelines.base.lake import Lake
from pipelines.base.settings import load
from pipelines.base.store import FileStore
from pipelines.ingest.__main__ import run
from pipelines.ingest.batch import Batch
from pipelines.score.export import Score

ROOT = Path(__file__).parents[2]


def table(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def outcomes(folder: Path) -> None:
    table(folder / "course.csv", "code_module,code_presentation,module_presentation_length", "AAA,2013J,268")
    table(
        folder / "assessment.csv",
        "code_module,code_presentation,id_assessment,assessment_type,date,weight",
        "AAA,2013J,1752,TMA,19,10.0",
        "AAA,2013J,1757,Exam,,100.0",
    )
    known = "code_module,code_presentation,id_student"
    table(
        folder / "student.csv",
        f"{known},gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,studied_credits,disability,final_result",
        "AAA,2013J,11,M,Wales,HE Qualification,,55<=,0,240,False,Distinction",
        "AAA,2013J,12,F,Wales,HE Qualification,10-20,0-35,1,60,True,Withdrawn",
    )
    table(
        folder / "student_registration.csv",
        f"{known},date_registration,date_unregistration",
        "AAA,2013J,11,-159.0,",
        "AAA,2013J,12,,12.0",
    )
    table(
        folder / "student_assessment.csv",
        "id_assessment,id_student,date_submitted,is_banked,score",
        "1752,11,18,False,78.0",
        "1757,12,230,False,",
        "9999,12,18,False,78.0",
    )


def elearning(folder: Path) -> None:
    table(
        folder / "courses.csv",
        "item_id,language,name,nb_views,description,created_at,Difficulty,Job,Software,Theme,duration,type",
        "510,en,What is OneDrive?,11.0,d,2016,N/A,[],\"['OneDrive', 'Word']\",[],90.0,tutorial",
    )
    table(folder / "learners.csv", "user_id,job", "42,N/A")
    seen = "510,42,2016-11-02 20:59:23"
    table(folder / "views.csv", "item_id,user_id,created_at", seen, seen)
    table(
        folder / "watches.csv", "user_id,item_id,watch_percentage,created_at,rating", "42,510,7,2018-10-06 13:12:52,1"
    )


def productivity(folder: Path) -> None:
    table(
        folder / "productivity.csv",
        "date,quarter,department,day,team,targeted_productivity,smv,wip,over_time,incentive,idle_time,idle_men,"
        "no_of_style_change,no_of_workers,actual_productivity",
        "1/1/2015,Quarter1,finishing ,Thursday,1,0.75,3.94,,960,0,0.0,0,0,8.0,1.12",
    )


def resume(path: Path) -> None:
    path.parent.mkdir(parents=True)
    canvas = Canvas(str(path), invariant=1)
    canvas.drawString(72, 780, "SENIOR ACCOUNTANT")
    for number in range(12):
        canvas.drawString(
            72, 760 - 16 * number, "Posted the entries of each month and reconciled accounts with the banks."
        )
    canvas.save()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FileStore, dict[str, Any]]]:
    root = tmp_path_factory.mktemp("real")
    store, exports = FileStore(root / "var"), root / "exports"
    outcomes(exports / "outcomes")
    elearning(exports / "elearning")
    productivity(exports / "productivity")
    resume(exports / "resumes" / "pdf" / "ACCOUNTANT" / "77.pdf")
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        patch.setenv("CANDOR_STORE", store.url)
        patch.setenv("CANDOR_FEEDS", "feeds/real")
        patch.setenv("CANDOR_EXPORTS", str(exports))
        run(Batch(store, "real"), None)
        yield store, json.loads(store.read("reports/ingest/real.json"))["counts"]


def rows(store: FileStore, name: str) -> pl.DataFrame:
    lake = Lake(store)
    return lake.read(name, lake.require())


def reasons(counts: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {name: feed["reasons"] for name, feed in counts.items() if feed["reasons"]}


def test_what_is_left_out_has_its_reason(real: tuple[FileStore, dict[str, Any]]) -> None:
    assert reasons(real[1]) == {
        "elearning_views": {"duplicate_row": 1},
        "outcomes_assessments": {"reference_only": 2},
        "outcomes_registrations": {"missing:enrolled_at": 1},
        "outcomes_submissions": {"unknown_outcomes_assessments": 1},
    }


def test_days_are_anchored_to_the_start_of_the_presentation(real: tuple[FileStore, dict[str, Any]]) -> None:
    enrolled = rows(real[0], "enrolments").row(0, named=True)
    assert enrolled["enrolled_at"] == datetime(2013, 4, 25, tzinfo=UTC)  # 159 days before 1 October 2013
    assert enrolled["due_at"] == datetime(2014, 6, 26, tzinfo=UTC)  # 268 days after
    assert (enrolled["credits"], enrolled["prior_attempts"]) == (240.0, 0)
    events = rows(real[0], "learning_events").filter(pl.col("run_code") == "2013J").sort("occurred_at")
    assert events.select("event_code", "occurred_at", "score_share", "lateness_days").rows() == [
        ("withdrawn", datetime(2013, 10, 13, tzinfo=UTC), None, None),
        ("submitted", datetime(2013, 10, 19, tzinfo=UTC), 0.78, -1.0),
        ("submitted", datetime(2014, 5, 19, tzinfo=UTC), None, None),
        ("passed", datetime(2014, 6, 26, tzinfo=UTC), None, None),
    ]
    assert events["known_from"].to_list() == events["occurred_at"].to_list()


def test_only_the_agreed_protected_attributes_are_taken(real: tuple[FileStore, dict[str, Any]]) -> None:
    protected = vault.read_protected(real[0], Lake(real[0]).require())
    groups = vault.groups(protected, date(2014, 10, 31)).drop("person_id")
    assert sorted(groups.columns) == ["age_40", "age_band", "disability", "sex"]
    assert sorted(groups.select("sex", "age_band", "age_40", "disability").rows()) == [
        ("female", "under 35", "under 40", "yes"),
        ("male", "55 or over", "40 or over", "no"),
    ]


def test_a_team_stands_for_a_person_and_its_day_for_a_period(real: tuple[FileStore, dict[str, Any]]) -> None:
    review = rows(real[0], "reviews").row(0, named=True)
    assert (review["period_code"], review["rating_share"], review["is_team_level"]) == ("2015-01-01", 1.0, True)
    records = rows(real[0], "work_records")
    assert "work_in_progress" not in records["measure_code"].to_list(), "an empty cell is no measurement"
    assert len(records) == 6
    assert records["known_from"].max() < review["completed_at"]
    team = rows(real[0], "workers").filter(pl.col("worker_type_code") == "team").row(0, named=True)
    assert (team["person_id"], team["job_family_code"]) == (review["person_id"], "finishing")


def test_a_resume_meets_five_requisitions_one_of_which_is_open(real: tuple[FileStore, dict[str, Any]]) -> None:
    assert len(rows(real[0], "requisitions")) == 24
    asked = rows(real[0], "applications")
    decided = rows(real[0], "application_events")
    assert sorted(asked["status_code"].to_list()) == ["in_process", "in_process", "rejected", "rejected", "rejected"]
    assert sorted(decided["outcome_code"].to_list()) == ["advanced", "rejected", "rejected", "rejected"]
    families = decided.join(rows(real[0], "requisitions"), on="requisition_id").filter(
        pl.col("outcome_code") == "advanced"
    )
    assert families["job_family_code"].to_list() == ["ACCOUNTANT"]
    (resume,) = rows(real[0], "resumes").to_dicts()
    assert resume["text"].startswith("SENIOR ACCOUNTANT")
    assert (resume["has_photo"], resume["language_code"]) == (False, "en")


def test_courses_keep_no_count_of_later_views(real: tuple[FileStore, dict[str, Any]]) -> None:
    course = rows(real[0], "courses").filter(pl.col("course_id") == "510").row(0, named=True)
    assert (course["topic_code"], course["level_code"], course["duration_minutes"]) == ("OneDrive", None, 1.5)
    assert course["known_from"] == datetime(2016, 1, 1, tzinfo=UTC)


def test_every_person_can_be_named_to_the_system_they_came_from(real: tuple[FileStore, dict[str, Any]]) -> None:
    known = vault.read(real[0], "identifiers", Lake(real[0]).require())
    assert set(known["person_id"]) == set(rows(real[0], "consents")["person_id"])
    assert set(known["scheme_code"]) <= set(load(Score, "score", root=ROOT).export_schemes)
    assert set(known["value"]) >= {"77", "11", "12"}


def test_everybody_in_these_sets_has_agreed(real: tuple[FileStore, dict[str, Any]]) -> None:
    agreed = rows(real[0], "consents")
    assert agreed["is_given"].all()
    people = {
        person
        for name in ("resumes", "learning_events", "reviews", "enrolments")
        for person in rows(real[0], name)["person_id"].to_list()
    }
    assert people <= set(agreed["person_id"].to_list())
