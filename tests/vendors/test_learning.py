"""Learning systems: what others print of the company's learning becomes what its own learning system exports."""

import json
from datetime import UTC, datetime
from functools import cache

import polars as pl
import pytest

from infra.sample import learning, performance, tables
from infra.sample.dialects import Table
from infra.sample.vendors import cornerstone, docebo, moodle, scorm, successfactors_learning, xapi
from pipelines.ingest import feeds
from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.map import FILTERED
from pipelines.ingest.read import read_file
from pipelines.ingest.reshape import REASON
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

END = datetime(2026, 10, 1, tzinfo=UTC)
NAMES = ("courses", "enrolments", "progress", "completions")


@cache
def frames() -> dict[str, pl.DataFrame]:
    """What the learning system writes, without the rows that are planted to be bad."""
    world, block = company(), slice(0, len(company().workers))
    work = performance.simulate(PLAN, world.workers, block)
    enrolments = learning.simulate(PLAN, world.courses, world.workers, work, block)
    handed = learning.submissions(PLAN, world.courses, enrolments, block)
    made = tables.learning_frames(PLAN, world.courses, enrolments, handed, DELIVERY)
    return {"courses": tables.course_frame(world.courses), **made}


@pytest.fixture
def learned(keys, tmp_path, monkeypatch) -> dict[str, pl.DataFrame]:
    """What the learning system's own tables became."""
    for name in NAMES:
        with Table(tmp_path / "l" / "exports" / "lms" / f"{name}_2026-09.csv", has_bom=True) as table:
            table.append(frames()[name])
    made = canonical(tmp_path / "l", [FEEDS / f"lms_{name}.yaml" for name in NAMES], monkeypatch)
    assert set(made) == {"courses", "enrolments", "learning_events", FILTERED}
    assert len(made["enrolments"]) == len(frames()["enrolments"]) > 1000
    assert len(made["learning_events"]) == len(frames()["progress"]) + len(frames()["completions"])
    kinds = {"submitted", "completed", "failed", "withdrawn", "expired"}
    assert set(made["learning_events"]["event_code"]) == kinds
    assert made["learning_events"]["score_share"].null_count() > 0
    return made


def test_learning_in_tables_and_in_statements_is_the_same(learned, tmp_path, monkeypatch):
    counts = xapi.write_statements(frames(), frames()["courses"], DELIVERY, tmp_path / "x" / "exports")
    assert counts["voided"] == 1
    assert counts["launched"] > 0
    made = canonical(tmp_path / "x", [VENDORS / "xapi" / "xapi_statements.yaml"], monkeypatch)
    assert set(made) == set(learned)
    left_out = dict(made[FILTERED][REASON].value_counts().iter_rows())
    assert left_out["voided"] == 4  # once for each table
    assert left_out["another_directory"] == 2  # somebody else's number, and the mailbox that voids
    # A store knows a statement when it receives it, two seconds after what it says.
    later = pl.col("known_from") + pl.duration(seconds=2)
    # A share that is sent may differ in its last bit from one that is worked out of points.
    share = pl.col("score_share").round(12)
    events = learned["learning_events"].with_columns(later, share).sort(pl.all())
    assert made["learning_events"].with_columns(share).sort(pl.all()).equals(events)
    # A registration is a UUID of the store, one for each enrolment.
    assert made["enrolments"]["enrolment_id"].n_unique() == len(made["enrolments"])
    enrolments = learned["enrolments"].with_columns(later).drop("enrolment_id").sort(pl.all())
    assert made["enrolments"].drop("enrolment_id").sort(pl.all()).equals(enrolments)
    # Statements name a course whenever somebody is enrolled, and say neither topic, level nor duration.
    named = ["course_id", "title"]
    taken = learned["courses"].join(learned["enrolments"], on="course_id", how="semi")
    assert made["courses"].select(named).unique().sort(named).equals(taken.select(named).sort(named))
    assert len(taken) > 30


def test_learning_in_tables_and_in_moodle_is_the_same(learned, tmp_path, monkeypatch):
    counts = moodle.write_tables(frames(), frames()["courses"], DELIVERY, tmp_path / "m" / "exports")
    declared = [VENDORS / "moodle" / f"moodle_{name}.yaml" for name in ("users", "courses", "completions")]
    made = canonical(tmp_path / "m", declared, monkeypatch)
    assert set(made) == {*learned, "identifiers"}
    assert set(made["identifiers"]["person_id"]) >= set(made["enrolments"]["person_id"]), "an erasure finds them"
    kept = ["course_id", "title", "is_active", "valid_from", "valid_to", "known_from", "known_from_basis"]
    assert made["courses"].select(kept).equals(learned["courses"].select(kept).sort(pl.all()))
    enrolments = last_attempts(learned)
    assert len(enrolments) == counts["mdl_course_completions"] - 1
    # A course that has not begun starts with the enrolment, as far as Moodle knows.
    is_begun = pl.col("starts_at") < END
    assert 0 < len(enrolments.filter(~is_begun)) < 100
    begun = pl.when(is_begun).then("starts_at").otherwise("enrolled_at").alias("starts_at")
    kept = ["person_id", "course_id", "enrolled_at", "starts_at", "known_from", "known_from_basis"]
    expected = enrolments.with_columns(begun).select(kept).sort(kept)
    assert made["enrolments"].select(kept).sort(kept).equals(expected)
    # It knows that somebody completed a course, not how well.
    kept = ["person_id", "course_id", "event_code", "occurred_at", "known_from", "known_from_basis"]
    expected = completed(learned, enrolments).select(kept).sort(kept)
    assert made["learning_events"].select(kept).sort(kept).equals(expected)


def last_attempts(learned: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Enrolments without those that somebody repeated: some systems keep one a user and course."""
    is_last = pl.col("enrolled_at") == pl.col("enrolled_at").max().over("person_id", "course_id")
    enrolments = learned["enrolments"].filter(is_last)
    assert 500 < len(enrolments) < len(learned["enrolments"])
    return enrolments


def completed(learned: dict[str, pl.DataFrame], enrolments: pl.DataFrame) -> pl.DataFrame:
    """The completions of some enrolments."""
    own = enrolments.select("person_id", "course_id", "run_code")
    done = learned["learning_events"].filter(pl.col("event_code") == "completed")
    made = done.join(own, on=["person_id", "course_id", "run_code"], how="semi")
    assert 200 < len(made) < len(done)
    return made


def test_learning_in_tables_and_in_docebo_is_the_same(learned, tmp_path, monkeypatch):
    count = docebo.write_enrolments(frames(), DELIVERY, tmp_path / "d" / "exports")
    made = canonical(tmp_path / "d", [VENDORS / "docebo" / "docebo_enrolments.yaml"], monkeypatch)
    assert set(made) == {"enrolments", "learning_events", FILTERED}
    assert made[FILTERED].filter(pl.col(REASON) == "no_place_yet").height == 1
    enrolments = last_attempts(learned)
    assert len(enrolments) == count
    kept = ["person_id", "course_id", "enrolled_at", "starts_at", "due_at", "known_from", "known_from_basis"]
    assert made["enrolments"].select(kept).sort(kept).equals(enrolments.select(kept).sort(kept))
    kept = ["person_id", "course_id", "event_code", "occurred_at", "score_share", "known_from", "known_from_basis"]
    expected = completed(learned, enrolments).select(kept).sort(kept)
    assert expected["score_share"].null_count() == 0
    assert made["learning_events"].select(kept).sort(kept).equals(expected)


def test_what_ended_in_tables_and_in_attempts_of_scorm_is_the_same(learned, tmp_path, monkeypatch):
    count = scorm.write_attempts(frames(), DELIVERY, tmp_path / "s" / "exports")
    assert count == len(frames()["completions"])
    made = canonical(tmp_path / "s", [VENDORS / "scorm" / "scorm_attempts.yaml"], monkeypatch)
    # Attempts belong to no run, and who withdrew or ran out of time has not failed.
    kept = ["person_id", "course_id", "event_code", "occurred_at", "score_share", "known_from", "known_from_basis"]
    ended = learned["learning_events"].filter(pl.col("event_code").is_in(["completed", "failed"]))
    assert made["learning_events"].select(kept).sort(kept).equals(ended.select(kept).sort(kept))
    assert set(made) == {"learning_events", FILTERED}


@pytest.mark.parametrize("printed", ["scorm_12", "successfactors"])
def test_what_was_completed_or_failed_is_the_same_wherever_only_that_is_known(learned, tmp_path, monkeypatch, printed):
    out = tmp_path / "s" / "exports"
    if printed == "scorm_12":
        scorm.write_attempts_12(frames(), DELIVERY, out)
        feed = VENDORS / "scorm" / "scorm_12_attempts.yaml"
    else:
        monkeypatch.setattr(successfactors_learning, "PAGE", 1_000)
        successfactors_learning.write_history(frames(), frames()["courses"], DELIVERY, out)
        assert len(list((out / "successfactors").iterdir())) > 1
        feed = VENDORS / "successfactors" / "successfactors_learning.yaml"
    made = canonical(tmp_path / "s", [feed], monkeypatch)
    assert made.keys() - {FILTERED} == {"learning_events"}
    # Neither says which run it was; a withdrawal is no end for them.
    ended = learned["learning_events"].filter(pl.col("event_code").is_in(["completed", "failed"]))
    kept = [name for name in ended.columns if name != "run_code"]
    assert made["learning_events"].select(kept).sort(kept).equals(ended.select(kept).sort(kept))
    assert len(ended) > 500
    assert made["learning_events"]["run_code"].null_count() == len(ended)


def test_learning_in_tables_and_in_cornerstone_is_the_same(learned, tmp_path, monkeypatch):
    counts = cornerstone.write_tables(frames(), frames()["courses"], DELIVERY, tmp_path / "c" / "exports")
    made = canonical(tmp_path / "c", sorted((VENDORS / "cornerstone").glob("*.yaml")), monkeypatch)
    assert set(made) == {*learned, "identifiers"}
    assert set(made["identifiers"]["person_id"]) >= set(made["enrolments"]["person_id"]), "an erasure finds them"
    left_out = dict(made[FILTERED][REASON].value_counts().iter_rows())
    assert left_out["removed"] == 1
    assert left_out["self_reported"] == 3  # of the courses, of both tables of transcripts
    assert left_out["another_language"] == len(learned["courses"])
    kept = ["course_id", "title", "is_active", "valid_to", "known_from", "known_from_basis"]
    assert made["courses"].select(kept).equals(learned["courses"].select(kept).sort(kept))
    # A registration has a number of its own, and neither a run nor who assigned it.
    assert len(made["enrolments"]) == counts["transcript_core"] - 2
    assert made["enrolments"]["enrolment_id"].n_unique() == len(made["enrolments"])
    kept = [n for n in learned["enrolments"].columns if n not in ("enrolment_id", "run_code", "assigned_by_code")]
    assert made["enrolments"].select(kept).sort(kept).equals(learned["enrolments"].select(kept).sort(kept))
    assert made["enrolments"]["prior_attempts"].max() > 0
    ended = learned["learning_events"].filter(pl.col("event_code") != "submitted")
    kept = [name for name in ended.columns if name != "run_code"]
    assert made["learning_events"].select(kept).sort(kept).equals(ended.select(kept).sort(kept))
    assert set(ended["event_code"]) == {"completed", "failed", "withdrawn", "expired"}


def test_a_transcript_of_cornerstone_has_numbers_where_others_have_names():
    enrolment = {
        "Enrollment ID": "E-000007-01",
        "Employee ID": "000007",
        "Course ID": "CRS-003",
        "Run": "2024-05",
        "Enrolled At": "01.05.2024 09:00",
        "Starts At": "02.05.2024 09:00",
        "Due At": "09.06.2024 09:00",
        "Attempt": "2",
    }
    made = cornerstone.transcripts({"enrolments": pl.DataFrame([enrolment]), "completions": pl.DataFrame([ENDED])})
    guid = cornerstone.training_id("CRS-003")
    assert [len(part) for part in guid.split("-")] == [8, 4, 4, 4, 12]
    assert made.row(0, named=True) == {
        "user_id": "40007",
        "object_id": guid,
        "reg_num": "2",
        "user_lo_status_id": "6",
        "user_lo_pass": "0",
        "user_lo_score": "44.5",
        "user_lo_reg_dt": "2024-05-01 09:00:00.000",
        "user_lo_start_dt": "2024-05-02 09:00:00.000",
        "user_lo_min_due_date": "2024-06-09 09:00:00.000",
        "user_lo_comp_dt": None,
        "user_lo_last_modified_dt": "2024-05-31 23:30:00.000",
        "is_removed": "0",
    }
    assert made["is_removed"].to_list() == ["0", "0", "1"]


def test_a_record_of_successfactors_learning_has_bare_milliseconds_and_a_grade_of_text():
    said = json.loads(json.dumps(successfactors_learning.record(ENDED, "Safety")))
    assert said["completionDate"] == 1_717_198_200_000
    assert (said["grade"], said["provideCredit"], said["completionStatusID"]) == ("44.5", False, "ONLINE_FAILED")
    assert (said["componentTypeID"], said["componentID"], said["revisionDate"]) == ("COURSE", "CRS-003", 1546300800000)


def test_no_results_of_successfactors_learning_are_an_error_and_held(tmp_path):
    data = b'{"error": {"code": "404", "message": "No data found."}}'
    (tmp_path / "in").write_bytes(data)
    feed = feeds.load(VENDORS / "successfactors")["successfactors_learning"]
    unit = Unit("u", feed.name, "in", "0" * 64, len(data), {"period": "2026-09"}, "")
    with pytest.raises(Held, match="must hold records") as held:
        read_file(tmp_path / "in", tmp_path, feed, unit)
    assert held.value.reason_code == "source_error"


def test_scorm_12_has_one_status_for_what_scorm_2004_tells_apart():
    found = scorm.attempts_12(frames())
    told = {"passed", "completed", "failed", "incomplete", "not attempted"}
    assert set(found["cmi.core.lesson_status"]) == told
    assert set(found["cmi.core.total_time"]) == {"0001:30:05.50"}
    failed = scorm.attempts(frames()).filter(pl.col("cmi.success_status") == "failed")
    assert len(found.filter(pl.col("cmi.core.lesson_status") == "failed")) == len(failed) > 20


def test_an_attempt_of_scorm_may_be_completed_and_failed():
    both = ["cmi.completion_status", "cmi.success_status"]
    found = set(scorm.attempts(frames()).select(both).rows())
    assert found == {
        ("completed", "passed"),
        ("completed", "failed"),
        ("incomplete", "failed"),
        ("incomplete", "unknown"),
        ("not attempted", "unknown"),
    }


def test_docebo_has_scores_and_dates_of_what_was_completed_only():
    filled = ["enrollment_score", "enrollment_completion_date"]
    found = docebo.enrolments(frames()).group_by("enrollment_status").agg(pl.col(filled).count(), pl.len())
    states = {row["enrollment_status"]: row for row in found.iter_rows(named=True)}
    assert set(states) == {"completed", "in_progress", "subscribed", "suspended"}
    done = states.pop("completed")
    assert done["enrollment_score"] == done["enrollment_completion_date"] == done["len"] > 500
    assert not any(row[name] for row in states.values() for name in filled)


def test_a_row_of_moodle_has_seconds_and_zeros():
    one = {name: frames()[name].filter(pl.col("Employee ID") == "000007") for name in ("enrolments", "completions")}
    first = (
        one["enrolments"]
        .head(1)
        .with_columns(pl.lit("01.05.2024 09:00").alias("Enrolled At"), pl.lit("02.10.2026 10:30").alias("Starts At"))
    )
    catalogue = frames()["courses"].with_columns(pl.lit(first["Course ID"][0]).alias("Course ID")).head(1)
    made = moodle.completions({"enrolments": first, "completions": one["completions"].head(0)}, catalogue, DELIVERY)
    assert made.columns == ["userid", "course", "timeenrolled", "timestarted", "timecompleted"]
    assert made.rows() == [(1007, "2", 1714554000, 0, 0), (1, "2", 1714554000, 0, 0)]


ENDED = {
    "Enrollment ID": "E-000007-01",
    "Employee ID": "000007",
    "Course ID": "CRS-003",
    "Run": "2024-05",
    "Status": "Failed",
    "Completed At": "31.05.2024 23:30",
    "Score": "44,5",
}


def test_a_statement_says_who_what_and_when():
    said = json.loads(json.dumps(xapi.ended(ENDED, {"CRS-003": "Safety"})))
    assert said["actor"] == {
        "objectType": "Agent",
        "account": {"homePage": "https://hr.company.example", "name": "000007"},
    }
    assert said["verb"]["id"] == "http://adlnet.gov/expapi/verbs/failed"
    assert said["object"]["id"] == "https://lms.company.example/courses/CRS-003"
    assert said["object"]["definition"]["name"] == {"en-US": "Safety"}
    assert said["result"] == {
        "score": {"scaled": 0.445, "raw": 44.5, "min": 0, "max": 100},
        "completion": True,
        "success": False,
    }
    assert said["timestamp"] == "2024-06-01T01:30:00.000+02:00"
    assert said["stored"] == "2024-05-31T23:30:02.000Z"
    assert said["context"]["contextActivities"]["grouping"] == [{"id": "https://lms.company.example/runs/2024-05"}]


def test_what_voids_a_statement_names_it():
    mistake = xapi.ended(ENDED, {"CRS-003": "Safety"})
    said = xapi.voiding(mistake)
    assert said["verb"]["id"] == "http://adlnet.gov/expapi/verbs/voided"
    assert said["object"] == {"objectType": "StatementRef", "id": mistake["id"]}
    assert said["id"] != mistake["id"]
    assert len(mistake["id"]) == 36


def test_somebody_who_withdrew_has_no_result():
    assert "result" not in xapi.ended(ENDED | {"Status": "Withdrawn", "Score": None}, {"CRS-003": "Safety"})
