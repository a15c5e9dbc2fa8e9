"""The whole of ingest on a company of a handful: what becomes of every row and file, and that nothing leaks."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from pipelines import audit
from pipelines.base import vault
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import VAULT_KEY, secret
from pipelines.base.sealed import unseal_frame
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as command
from pipelines.ingest import files
from pipelines.ingest.__main__ import catch_up, main, run
from pipelines.ingest.admit import admit
from pipelines.ingest.batch import Batch
from pipelines.ingest.check import by_feed
from pipelines.ingest.land import fetch
from pipelines.ingest.publish import publish
from tests.kills.roads import nothing_failed

CANARIES = ("Zanzibarova", "quokka@example.org", "+49 555 010 2030", "Hedgehog Lane")
MOMENT = "2026-01-05T08:00:00.000Z"
REQUISITION = {
    "Requisition_ID": "R-0001",
    "Title": "Engineer",
    "Status": "Open",
    "Created_Date": "2026-01-02",
    "Job_Family_ID": "ENG",
    "Job_Description": "Build things.",
    "Last_Functionally_Updated": MOMENT,
}


def worker(number: int, **more: str) -> dict[str, Any]:
    return {
        "Worker_ID": f"{number:06d}",
        "Worker_Type": "Employee",
        "Hire_Date": "2020-02-01",
        "Job_Family_ID": "ENG",
        "Analytics_Consent": "1",
        "Legal_Last_Name": "Zanzibarova",
        "Work_Email": "quokka@example.org",
        "Last_Functionally_Updated": MOMENT,
        **more,
    }


def stage(name: str, outcome: str | None) -> dict[str, str]:
    done = {"Outcome": outcome, "Completed_Moment": "2026-02-01T08:00:00.000Z"} if outcome else {}
    return {"Stage_ID": name, "Decided_By": "Human", **done}


def application(number: int, requisition: str, *stages: dict[str, str]) -> dict[str, Any]:
    return {
        "Application_ID": f"A-{number}",
        "Candidate_ID": "C-000001",
        "Requisition_ID": requisition,
        "Applied_Moment": MOMENT,
        "Current_Status": "In Process",
        "Last_Updated_Moment": MOMENT,
        "Stage_History_group": list(stages),
    }


def candidate(number: int) -> dict[str, Any]:
    moments = {"Created_Moment": MOMENT, "Last_Updated_Moment": MOMENT}
    return {"Candidate_ID": f"C-{number:06d}", "Consent_Given": "1", "Legal_Last_Name": "Zanzibarova", **moments}


def report(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"Report_Entry": list(records)}), encoding="utf-8")


def table(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def resume(path: Path, password: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    head = ["Olga Zanzibarova", "quokka@example.org | +49 555 010 2030", "7 Hedgehog Lane, 10115 Berlin"]
    for number, line in enumerate([*head, *(f"Kafka and python in project {n}" for n in range(12))]):
        canvas.drawString(72, 780 - 16 * number, line)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(72, 100, "wombats nobody sees")
    canvas.save()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(buffer.getvalue()))
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(path)


def first_delivery(exports: Path) -> None:
    workday, lms = exports / "workday", exports / "lms"
    report(
        workday / "HRML_Workers_2026-09.json",
        worker(1),
        *unusable(),
        worker(4, Hired_From_Candidate_ID="C-000001", Manager_Worker_ID="000001"),
    )
    report(workday / "HRML_Candidates_2026-09.json", candidate(1), candidate(2))
    report(workday / "HRML_Requisitions_2026-09.json", REQUISITION)
    report(
        workday / "HRML_Applications_2026-09.json",
        application(1, "R-0001", stage("APPLIED", "Advanced"), stage("SCREEN", None)),
        application(2, "R-9999", stage("APPLIED", "Advanced")),
    )
    report(
        exports / "workday_restricted" / "HRML_Protected_2026-09.json",
        {"Worker_ID": "000001", "Gender_ID": "Female", "Birth_Date": "1990-05-06", "Declared_Date": "2026-01-05"},
    )
    (exports / "workday_restricted" / "HRML_Candidate_EEO_2026-09.json").write_bytes(b'{"Report_Entry":[{"Candida')
    table(
        lms / "courses_2026-09.csv", "Course ID,Title,Topic,Level,Duration (min),Active", "K1,One,T,Foundation,60,Yes"
    )
    enrolment = "E-1,000001,K1,2026-01,05.01.2026 09:00,06.01.2026 09:00,,Self,1"
    table(
        lms / "enrolments_2026-09.csv",
        "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Assigned By,Attempt",
        enrolment,
        enrolment,
        enrolment.replace("E-1", "E-2").replace("K1", "K9"),
    )
    table(
        lms / "completions_2026-09.csv",
        "Enrollment ID,Employee ID,Course ID,Run,State,Completed At,Score",
        "E-1,000001,K1,2026-01,Completed,05.02.2026 09:00,",
    )
    (lms / "progress_2026-09.csv").write_bytes(b"")
    rated = "RV;000001;2026H1;2026-01-01;2026-06-30;2026-06-28;T"
    table(
        exports / "performance" / "reviews_2026-09.csv",
        "review_id;worker_id;period;period_start;period_end;completed_date;template;manager_rating;self_rating",
        f"{rated};4,0;3,0",
        f"{rated.replace('000001', '000004')};7,0;3,0",
        f"{rated.replace('2026H1', '2025H2')};;3,0",
    )
    table(
        exports / "performance" / "work_records_2026-09.csv",
        "worker_id,month,hours_worked,tasks_completed,exported_at",
        "000001,2026-02,160.5,40,2026-02-28T22:00:00Z",
        "000004,2026-02,160.5",
    )
    resume(exports / "resumes" / "2026-09" / "C-000001.pdf")
    resume(exports / "resumes" / "2026-09" / "C-000002.pdf", password="secret")


def unusable() -> list[dict[str, Any]]:
    """Two workers of whom nobody can say when they were hired."""
    without = {name: value for name, value in worker(2).items() if name != "Hire_Date"}
    return [without, worker(3, Hire_Date="2024-13-45")]


def second_delivery(exports: Path) -> None:
    (exports / "lms" / "courses_2026-10.csv").write_bytes((exports / "lms" / "courses_2026-09.csv").read_bytes())
    table(
        exports / "lms" / "completions_2026-09.csv",
        "Enrollment ID,Employee ID,Course ID,Run,Status,Completed At,Score",
        "E-1,000001,K1,2026-01,Completed,05.02.2026 09:00,",
    )
    left = {"Termination_Date": "2026-10-15", "Last_Functionally_Updated": "2026-10-16T08:00:00.000Z"}
    same = worker(4, Hired_From_Candidate_ID="C-000001", Manager_Worker_ID="000001")
    report(exports / "workday" / "HRML_Workers_2026-10.json", worker(1, **left), *unusable(), same)


@dataclass(frozen=True)
class Company:
    store: FileStore
    exports: Path
    first: dict[str, Any]
    again: str
    second: dict[str, Any]

    def rows(self, name: str, **filters: object) -> pl.DataFrame:
        lake = Lake(self.store)
        return lake.read(name, lake.require(), **filters)  # type: ignore[arg-type]


def counts(store: FileStore, batch: str) -> dict[str, Any]:
    return dict(json.loads(store.read(f"reports/ingest/{batch}.json")))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Two deliveries, ingested once for all tests of this module."""
    root = tmp_path_factory.mktemp("a company")
    store, exports = FileStore(root / "var"), root / "exports"
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        patch.setenv("CANDOR_STORE", store.url)
        patch.setenv("CANDOR_FEEDS", "feeds")
        patch.setenv("CANDOR_EXPORTS", str(exports))
        first_delivery(exports)
        run(Batch(store, "first"), None)
        again = run(Batch(store, "again"), None)
        second_delivery(exports)
        run(Batch(store, "second"), None)
        yield Company(store, exports, counts(store, "first"), again, counts(store, "second"))


def total(rows: int, accepted: int, quarantined: int, filtered: int, **reasons: int) -> dict[str, Any]:
    named = {reason.replace("__", ":"): count for reason, count in reasons.items()}
    return {
        "in": rows,
        "accepted": accepted,
        "quarantined": quarantined,
        "filtered": filtered,
        "held": 0,
        "reasons": named,
    }


def held(reason: str) -> dict[str, Any]:
    return {**total(0, 0, 0, 0, **{reason: 1}), "held": 1}


def test_every_row_of_every_feed_has_its_place(company: Company) -> None:
    assert company.first["counts"] == {
        "workday_workers": total(4, 2, 2, 0, missing__hired_at=1, unparsable__hired_at=1),
        "workday_candidates": total(2, 2, 0, 0),
        "workday_requisitions": total(1, 1, 0, 0),
        "workday_applications": total(2, 1, 1, 0, unknown_requisition=1),
        "workday_protected": total(1, 1, 0, 0),
        "workday_candidate_eeo": held("truncated_json"),
        "lms_courses": total(1, 1, 0, 0),
        "lms_enrolments": total(3, 1, 1, 1, duplicate_row=1, unknown_course=1),
        "lms_completions": held("missing_required_column"),
        "lms_progress": held("empty_file"),
        "performance_reviews": total(3, 1, 1, 1, not_rated=1, out_of_range__rating_share=1),
        "performance_work_records": total(2, 1, 1, 0, ragged_row=1),
        "resumes": total(2, 1, 1, 0, encrypted=1),
    }


def test_a_held_file_says_why_and_the_batch_goes_on(company: Company) -> None:
    why = {entry["feed"]: entry["message"] for entry in company.first["held"]}
    assert sorted(why) == ["lms_completions", "lms_progress", "workday_candidate_eeo"]
    assert why["lms_completions"].endswith("Status missing.")
    assert company.first["manifest"] == 1


def test_every_level_of_checks_says_what_it_saw(company: Company) -> None:
    first, second = (
        {
            (one["table"], one["reason_code"]): (
                one["level"],
                one["severity"],
                one["checked"],
                one["failed"],
                one["is_met"],
            )
            for one in report["checks"]
        }
        for report in (company.first, company.second)
    )
    assert first[("lms_progress", "empty_file")] == ("file", "hold", 1, 1, False)
    assert first[("lms_completions", "missing_required_column")] == ("file", "hold", 1, 1, False)
    assert first[("workday_workers", "missing_required_column")] == ("file", "hold", 1, 0, True)
    assert first[("workday_workers", "emptied_column")] == ("raw", "hold", 1, 0, True)
    assert ("lms_progress", "missing_required_column") not in first, "a file that is held for one is asked no other"
    assert first[("workday_workers", "unlisted_code:workers.worker_type_code")] == ("raw", "warn", 4, 0, True)
    assert first[("workers", "missing:hired_at")] == ("canonical", "quarantine", 2, 0, True)
    assert first[("applications", "unknown_requisition")] == ("cross_table", "quarantine", 2, 1, False)
    assert first[("applications", "unresolved:requisition_id")] == ("cross_table", "warn", 2, 1, False)
    assert first[("application_events", "unknown_application")] == ("cross_table", "quarantine", 1, 0, True)
    assert first[("workers", "unresolved:manager_person_id")] == ("cross_table", "warn", 1, 0, True)
    assert first[("workers", "several_tops")] == ("cross_table", "warn", 1, 0, True)
    assert first[("requisitions", "looks_like_email:description")] == ("privacy", "warn", 1, 0, True)
    assert first[("resumes", "looks_like_phone:text")] == ("privacy", "warn", 1, 0, True)
    assert second[("workers", "several_tops")] == ("cross_table", "warn", 0, 0, True), "whom the lake has, who left"
    assert second[("workers", "manager_cycle")] == ("cross_table", "warn", 1, 0, True)


def test_nothing_is_taken_in_twice(company: Company) -> None:
    assert company.again == "nothing new for batch again"
    assert company.second["counts"] == {
        "lms_courses": total(1, 0, 0, 1, duplicate_delivery=1),
        "lms_completions": total(1, 1, 0, 0),
        "workday_workers": total(4, 1, 2, 1, missing__hired_at=1, unchanged_row=1, unparsable__hired_at=1),
    }


def test_history_is_kept_as_it_was_known(company: Company) -> None:
    before = company.rows("workers", as_of=datetime(2026, 9, 30, tzinfo=UTC).date())
    after = company.rows("workers")
    assert before["terminated_at"].drop_nulls().is_empty()
    assert after["terminated_at"].drop_nulls().dt.to_string().to_list() == ["2026-10-15"]
    assert len(before) == len(after) == 2


def test_canonical_rows_are_what_the_exports_said(company: Company) -> None:
    events = company.rows("application_events")
    assert events.select("stage_code", "outcome_code", "decided_by").rows() == [("applied", "advanced", "human")]
    measures = company.rows("work_records").sort("measure_code")
    assert measures.select("measure_code", "value").rows() == [("hours_worked", 160.5), ("tasks_completed", 40.0)]
    assert company.rows("reviews")["rating_share"].to_list() == [0.75]
    assert company.rows("learning_events")["event_code"].to_list() == ["completed"]
    link = company.rows("person_links").row(0, named=True)
    assert link["linked_person_id"] in company.rows("workers")["person_id"].to_list()
    assert link["person_id"] in company.rows("candidates")["person_id"].to_list()


def test_the_vault_holds_what_the_lake_must_not(company: Company) -> None:
    manifest = Lake(company.store).require()
    protected = vault.read_protected(company.store, manifest)
    assert sorted(protected["value_code"].to_list()) == ["1990", "female"]
    known = vault.read(company.store, "identifiers", manifest)
    assert set(known.filter(pl.col("scheme_code") == "workday_worker_id")["value"]) == {"000001", "000004"}


def test_quarantined_rows_can_be_read_again_with_the_key(company: Company) -> None:
    entries = {
        key: json.loads(company.store.read(key))
        for key in company.store.list("quarantine/first")
        if key.endswith(".json")
    }
    workers = next(key for key, entry in entries.items() if entry["feed"] == "workday_workers")
    assert [row["reason_code"] for row in entries[workers]["rows"]] == ["missing:hired_at", "unparsable:hired_at"]
    sealed = company.store.read(workers.removesuffix("json") + "sealed")
    assert unseal_frame(secret(VAULT_KEY), sealed)["Worker_ID"].to_list() == ["000002", "000003"]


def test_the_ledger_has_every_file_once(company: Company) -> None:
    facts = [entry.facts for entry in audit.entries(company.store) if entry.tag is audit.Tag.FILE_INGESTED]
    assert [fact["status"] for fact in facts].count("held") == 3
    assert len(facts) == 13 + 2
    assert audit.verify(company.store) == []


def test_nobody_is_named_in_clear(company: Company) -> None:
    leaks = [
        path.relative_to(company.store.root).as_posix()
        for path in company.store.root.rglob("*")
        if path.is_file() and any(canary.encode() in path.read_bytes() for canary in CANARIES)
    ]
    assert leaks == []
    assert "[NAME]" in company.rows("resumes")["text"].to_list()[0]
    frames = [company.rows(name).write_csv() for name in ("resumes", "workers", "candidates", "applications")]
    assert not [canary for canary in CANARIES if any(canary in frame for frame in frames)]


def test_text_that_nobody_sees_is_counted_flagged_and_nowhere_in_the_lake(company: Company) -> None:
    (text, hidden, stuffed) = company.rows("resumes")["text", "hidden_text_share", "stuffed_text_share"].row(0)
    assert "Kafka and python in project 0" in text
    assert "wombats" not in text
    assert hidden == pytest.approx(19 / (19 + 16 + 37 + 29 + 10 * 29 + 2 * 30), abs=1e-6)
    assert stuffed == pytest.approx(48 / 56, abs=1e-6), "four words twelve times, below a heading of eight"
    assert company.first["flags"] == {"resumes": {"hidden_text": 1, "stuffed_text": 1}}
    assert company.second["flags"] == {}


def test_the_exact_bytes_are_kept_sealed_and_come_back(company: Company, tmp_path: Path) -> None:
    keys = company.store.list("landing")
    kept = [fetch(company.store, key, tmp_path / str(number)).read_bytes() for number, key in enumerate(keys)]
    # the second delivery wrote over one file, whose first bytes are kept too
    delivered = {path.read_bytes() for path in company.exports.rglob("*") if path.is_file()}
    assert delivered <= set(kept)
    assert len([key for key in keys if key.startswith("landing/lms_completions/2026-09/")]) == 2
    assert sum(any(canary.encode() in data for canary in CANARIES) for data in kept) >= 3
    assert len(company.store.list("keys/landing")) == len(keys)
    assert not [key for key in keys if "C-00000" in key], "documents are named after people"


def test_cells_of_people_do_not_stay_in_scratch(company: Company) -> None:
    work = company.store.root / "work" / "ingest"
    left = {path.name for path in work.rglob("*") if path.suffix in (".arrow", ".parquet")}
    assert {"bad.parquet"} <= left <= {"bad.parquet", "failed.parquet", "rejected.parquet"}


def test_rows_that_do_not_add_up_stop_the_batch(company: Company) -> None:
    batch = Batch(company.store, "second")
    tallies = {unit.id: {"rows": 2, "accepted": 1} for unit in batch.units()}
    with pytest.raises(ContractError, match="they are not in workday_workers, lms_completions"):
        by_feed(batch, dict.fromkeys(("lms_completions", "workday_workers")), tallies)  # type: ignore[arg-type]


def test_accepted_rows_that_are_not_there_are_not_published_as_none(company: Company) -> None:
    second, other = Batch(company.store, "second"), Batch(company.store, "other")
    assert admit(second, second.units(), {}).rows == {}, "the lake has them, and they left scratch"
    shutil.copytree(second.folder, other.folder)
    try:
        with pytest.raises(ContractError, match="must be there to be published; none is"):
            admit(other, other.units(), {})
    finally:
        shutil.rmtree(other.folder)


def test_steps_one_by_one_as_a_scheduler_calls_them(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exports = tmp_path / "exports"
    table(exports / "lms" / "courses_2026-09.csv", "Course ID,Title,Level", "K1,One,Foundation", "K2,Two,Advanced")
    table(exports / "lms" / "progress_2026-09.csv", "wrong")
    monkeypatch.setenv("CANDOR_STORE", FileStore(tmp_path / "var").url)
    monkeypatch.setenv("CANDOR_EXPORTS", str(exports))
    for _ in range(2):
        assert main(["discover", "--batch", "manual__2026-11-23T04:52:43+00:00"]) == 0
    plan = json.loads(capsys.readouterr().out.splitlines()[-1])
    batch, units = plan["batch"], plan["units"]
    assert batch == "manual__2026-11-23T04-52-43-00-00"
    assert [unit.rpartition("-")[0] for unit in units] == ["lms_courses", "lms_progress"], "the largest comes first"
    for step in ("land", "read", "map", "map"):
        for unit in units:
            assert main([step, batch, unit]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("mapped lms_courses-")
    assert lines[-1].startswith("held lms_progress-")
    assert "missing_required_column" in lines[-1]
    for step in ("validate", "publish", "publish"):
        assert main([step, batch]) == 0
    published = capsys.readouterr().out.splitlines()
    assert published[0].endswith(": lms_courses 2/2, lms_progress 0/0")
    assert published[1:3] == published[3:]
    (asked,) = json.loads(published[2])["held"]
    assert (asked["feed"], len(asked["file"])) == ("lms_progress", 64)
    assert "manifest 1: 2 rows in = 2 accepted + 0 quarantined + 0 filtered; files held: 1" in published[1]


def test_what_another_batch_published_meanwhile_is_not_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backfill runs beside the daily ingest: three batches were checked before the first of them is published."""
    monkeypatch.setattr("pipelines.ingest.check.validator", lambda: nullcontext(nothing_failed))
    for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33")):
        monkeypatch.setenv(f"CANDOR_{name}_KEY", byte * 32)
    monkeypatch.setenv("CANDOR_FEEDS", "feeds")
    exports, store = tmp_path / "exports", FileStore(tmp_path / "var")
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.setenv("CANDOR_EXPORTS", str(exports))
    head = "Course ID,Title,Level"
    deliveries = {
        "daily": ("courses_2026-09.csv", ["K1,One,Foundation", "K2,Two,Advanced"]),
        "backfill": ("courses_2026-09.csv", ["K1,One,Foundation", "K2,Two,Advanced"]),
        "later": ("courses_2026-10.csv", ["K2,Two,Advanced", "K3,Three,Advanced"]),
    }
    for batch, (name, lines) in deliveries.items():
        table(exports / "lms" / name, head, *lines)
        main(["discover", "--batch", batch])
        (unit,) = json.loads(capsys.readouterr().out.splitlines()[-1])["units"]
        assert [main([step, batch, *more]) for step, *more in (("take", unit), ("validate",))] == [0, 0]
        (exports / "lms" / name).unlink()
    said = {}
    for batch in deliveries:
        capsys.readouterr()
        catch_up(Batch(store, batch))
        publish(Batch(store, batch))  # and killed just before it noted that it was done
        assert main(["publish", batch]) == 0
        said[batch] = capsys.readouterr().out.splitlines()[0]
    assert "manifest 1: 2 rows in = 2 accepted + 0 quarantined + 0 filtered" in said["daily"]
    assert "no manifest: 2 rows in = 0 accepted + 0 quarantined + 2 filtered" in said["backfill"]
    assert json.loads(store.read("reports/ingest/backfill.json"))["counts"]["lms_courses"] == total(
        2, 0, 0, 2, unchanged_row=2
    )
    assert "manifest 2: 2 rows in = 1 accepted + 0 quarantined + 1 filtered" in said["later"]
    later = json.loads(store.read("reports/ingest/later.json"))
    assert later["counts"]["lms_courses"] == total(2, 1, 0, 1, unchanged_row=1)
    lake = Lake(store)
    assert sorted(lake.versions("courses", lake.require())["course_id"]) == ["K1", "K2", "K3"]
    (record,) = {(record.batch, record.status) for record in files.of_feed(store, "lms_courses") if "09" in record.name}
    assert record == ("daily", "published")
    facts = [entry.facts for entry in audit.entries(store) if entry.tag is audit.Tag.FILE_INGESTED]
    assert [(fact["batch"], fact["status"]) for fact in facts] == [
        ("daily", "published"),
        ("backfill", "duplicate"),
        ("later", "published"),
    ]


def test_what_was_left_out_as_known_is_told_after_all_when_another_batch_said_otherwise_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """November says what September said; October's file says otherwise and is published between check and publish."""
    for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33")):
        monkeypatch.setenv(f"CANDOR_{name}_KEY", byte * 32)
    monkeypatch.setenv("CANDOR_FEEDS", "feeds")
    exports, store = tmp_path / "exports", FileStore(tmp_path / "var")
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.setenv("CANDOR_EXPORTS", str(exports))
    for month, titles, steps in (
        ("09", {"K1": "One"}, ["publish"]),
        ("11", {"K1": "One", "K2": "Two"}, []),
        ("10", {"K1": "Another"}, ["publish"]),
    ):
        lines = [f"{course},{title},Foundation" for course, title in titles.items()]
        table(exports / "lms" / f"courses_2026-{month}.csv", "Course ID,Title,Level", *lines)
        main(["discover", "--batch", month])
        (unit,) = json.loads(capsys.readouterr().out.splitlines()[-1])["units"]
        for step, *more in (("take", unit), ("validate",), *([step] for step in steps)):
            assert main([step, month, *more]) == 0
        (exports / "lms" / f"courses_2026-{month}.csv").unlink()
    assert main(["publish", "11"]) == 0
    assert "2 rows in = 2 accepted" in capsys.readouterr().out.splitlines()[-2]
    lake = Lake(store)
    told = lake.versions("courses", lake.require()).filter(course_id="K1").sort("known_from")
    assert told["title"].to_list() == ["One", "Another", "One"]


def test_a_batch_that_others_always_overtake_gives_up_and_is_published_once_they_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.ingest.check.validator", lambda: nullcontext(nothing_failed))
    monkeypatch.setattr(command, "validator", lambda: nullcontext(nothing_failed))
    monkeypatch.setattr(command, "TURNS", 3)
    for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33")):
        monkeypatch.setenv(f"CANDOR_{name}_KEY", byte * 32)
    monkeypatch.setenv("CANDOR_FEEDS", "feeds")
    exports, store = tmp_path / "exports", FileStore(tmp_path / "var")
    monkeypatch.setenv("CANDOR_STORE", store.url)
    monkeypatch.setenv("CANDOR_EXPORTS", str(exports))
    check, others = command.check, []

    def overtaken(batch: Batch, *more: Any) -> dict[str, Any]:
        counts = check(batch, *more)
        if batch.name == "slow" and len(others) < limit:
            others.append(f"other{len(others)}")
            table(exports / "lms/courses_2026-10.csv", "Course ID,Title,Level", f"K1,{others[-1]},Advanced")
            assert main(["run", "--batch", others[-1]]) == 0
        return counts

    monkeypatch.setattr(command, "check", overtaken)
    table(exports / "lms/courses_2026-09.csv", "Course ID,Title,Level", "K2,Two,Advanced")
    limit = 99
    assert main(["run", "--batch", "slow"]) != 0
    said = capsys.readouterr()
    assert "SourceUnavailable: The lake must stay as it is while batch slow" in said.err
    assert "in 3 rounds other batches came between" in said.err
    assert (len(others), Lake(store).require().seq) == (4, 4), "it was checked once, and three times anew"
    limit = 0
    assert main(["run", "--batch", "slow"]) == 0
    assert "2 rows in = 0 accepted + 0 quarantined + 2 filtered" in capsys.readouterr().out, "other0 had Two"
    told = Lake(store).versions("courses", Lake(store).require())
    assert sorted(told["title"]) == ["Two", "other0", "other1", "other2", "other3"]


def test_a_landed_file_is_read_again_when_asked_for(company: Company) -> None:
    line = run(Batch(company.store, "replay"), "performance_reviews")
    assert "3 rows in = 0 accepted + 1 quarantined + 2 filtered" in line
    assert counts(company.store, "replay")["counts"]["performance_reviews"]["reasons"] == {
        "not_rated": 1,
        "out_of_range:rating_share": 1,
        "unchanged_row": 1,
    }
