"""What is killed: commands of the pipeline on a company so small that each takes a fraction of a second."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import yaml

ROOT = Path(__file__).parents[2]
DAY = date(2026, 10, 31)
DAY_BEFORE = date(2026, 5, 25)
HIRING = ("workday_candidates", "workday_requisitions", "workday_applications")
KEYS = {
    f"CANDOR_{name}_KEY": byte * 32
    for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44"), ("SIGNING", "55"))
}


def environment(folder: Path) -> None:
    """The company whose folder this is."""
    os.environ.update(KEYS)
    os.environ["CANDOR_STORE"] = f"file://{folder / 'store'}"
    os.environ["CANDOR_EXPORTS"] = str(folder / "exports")
    os.environ["CANDOR_FEEDS"] = str(folder / "feeds")


def nothing_failed(out: Path, laid_out: Iterable[str]) -> None:
    """What Great Expectations leaves where all is well."""
    list(laid_out)
    schema = {"unit_no": pl.Int32, "source_row": pl.Int64, "table": pl.String, "reason_code": pl.String}
    pl.DataFrame(schema=schema).write_parquet(out / "failed.parquet")
    (out / "findings.json").write_text("[]")


def ingest(folder: Path, batch: str = "b") -> int:
    """All steps of a batch. Great Expectations is left out: it decides and publishes nothing."""
    from pipelines.ingest import __main__ as command
    from pipelines.ingest import afloat, check

    environment(folder)
    afloat.LARGE = 1  # every file is read while it is on its way into landing
    command.validator = check.validator = lambda: contextlib.nullcontext(nothing_failed)
    return command.main(["run", "--batch", batch])


def until_publish(folder: Path) -> int:
    """All steps of a batch but the last."""
    from pipelines.ingest import __main__ as command

    command.finish = lambda batch: "not yet"
    return ingest(folder)


def land(folder: Path) -> int:
    """The first step of a delivery of documents: one object each, then their index."""
    from pipelines.base.store import open_store
    from pipelines.ingest import __main__ as command
    from pipelines.ingest.batch import Batch

    environment(folder)
    command.main(["discover", "--batch", "b"])
    return max(command.main(["land", "b", unit.id]) for unit in Batch(open_store(), "b").units())


def pin(folder: Path) -> int:
    """Write lake.lock."""
    from pipelines import snapshot

    environment(folder)
    snapshot.pin(DAY, folder)
    return 0


def release(folder: Path) -> int:
    """Propose what the checkout holds, release it as two people approved, and go back to the release before."""
    from pipelines.base import releases
    from pipelines.base.store import open_store
    from pipelines.publish.proposals import Origin, propose
    from pipelines.publish.release import Wish, rollback
    from pipelines.publish.release import release as publish
    from tests.unit.test_publish import APPROVERS, FAMILY, NOWHERE, Answers

    environment(folder)
    store, answers = open_store(), Answers()
    sha256 = propose(store, FAMILY, Origin("r2", "engineer", "c0ffee"), folder)["verdict_sha256"]
    publish(store, answers, answers.approve("release__r2", sha256), APPROVERS)
    first = releases.pointers(store, FAMILY)[0]
    wish = Wish(FAMILY, first.verdict_sha256, "Complaints from the works council.", "clara")
    rollback(store, wish, NOWHERE)
    return 0


class Constant:
    """A model that needs no Keras."""

    def predict(self, folder: Path, frame: pl.DataFrame, scorer: str) -> pl.DataFrame:
        keys = frame.select("person_id", "subject_id", "target_code")
        return keys.with_columns(score=pl.lit(0.4), low=pl.lit(0.1), high=pl.lit(0.9))

    def explain(self, folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
        return [["constant"] for _ in range(len(scored))]


def score(folder: Path, day: date = DAY) -> int:
    """Score today's people and collect outcomes."""
    from pipelines.score import people, rows

    environment(folder)
    rows.network = lambda family: Constant()
    people.run("outcomes", day, folder)
    people.run_outcomes("outcomes", day)
    return 0


def forget(folder: Path) -> int:
    """Take somebody out of every zone."""
    from pipelines.privacy.__main__ import main
    from tests.stages.forgotten_company import WHO

    environment(folder)
    return main(["forget", WHO, "--reason", "request"])


def monitor(folder: Path) -> int:
    """Put the checks of the newest day together, and ask for a retrain."""
    from monitoring.__main__ import main

    environment(folder)
    os.chdir(folder)
    return main(["report", "screening"])


ROADS: dict[str, Callable[[Path], Any]] = {
    "ingest": ingest,
    "until_publish": until_publish,
    "land": land,
    "pin": pin,
    "release": release,
    "score": score,
    "score_before": partial(score, day=DAY_BEFORE),
    "forget": forget,
    "monitor": monitor,
}


def deliver(folder: Path) -> None:
    """Exports of a handful: rows for lake, vault and quarantine, a held file, a second name."""
    from tests.stages.test_ingest import report, table, worker

    declare(folder, "workday_workers", "workday_protected", "lms_courses", "lms_progress")
    workday, lms = folder / "exports/workday", folder / "exports/lms"
    report(workday / "HRML_Workers_2026-09.json", worker(1), worker(2, Hire_Date="2024-13-45"))
    report(
        folder / "exports/workday_restricted/HRML_Protected_2026-09.json",
        {"Worker_ID": "000001", "Gender_ID": "Female", "Birth_Date": "1990-05-06", "Declared_Date": "2026-01-05"},
    )
    table(
        lms / "courses_2026-09.csv", "Course ID,Title,Topic,Level,Duration (min),Active", "K1,One,T,Foundation,60,Yes"
    )
    shutil.copy(lms / "courses_2026-09.csv", lms / "courses_2026-10.csv")
    (lms / "progress_2026-09.csv").write_bytes(b"")


def declare(folder: Path, *feeds: str) -> None:
    """The company's feeds: fewer are read faster."""
    (folder / "feeds").mkdir()
    for name in feeds:
        feed = yaml.safe_load((ROOT / f"feeds/{name}.yaml").read_text())
        feed["after"] = [other for other in feed.get("after", []) if other in feeds]
        (folder / f"feeds/{name}.yaml").write_text(yaml.safe_dump(feed))


def deliver_documents(folder: Path) -> None:
    """Two resumes."""
    declare(folder, "resumes", *HIRING)
    place = folder / "exports/resumes/2026-09"
    place.mkdir(parents=True)
    for number in (1, 2):
        (place / f"C-{number:06d}.pdf").write_bytes(b"%PDF of " + str(number).encode())


def before_release(folder: Path) -> None:
    """A live release, and a newer model in the checkout."""
    from pipelines.base.store import FileStore
    from tests.unit.test_publish import Answers, checkout, released

    released(FileStore(folder / "store"), Answers(), folder)
    checkout(folder, weights=b"weights 2")


def before_score(folder: Path) -> None:
    """A lake and vault of learners, and a released model that is a constant."""
    from pipelines.audit import Tag, append
    from pipelines.base import releases
    from pipelines.base.digests import sha256_bytes, sha256_tree
    from pipelines.base.lake import Lake
    from pipelines.base.store import FileStore
    from pipelines.publish.pointers import point
    from tests.stages.test_stages import company

    store = FileStore(folder / "store")
    company(Lake(store))
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "model").mkdir()
    (folder / "model/constant").write_bytes(b"0.4")
    profile = json.dumps({"submitted_due_share": {"kind": "numeric"}}).encode()
    numbers = yaml.safe_load((ROOT / "params.yaml").read_text())["outcomes"]
    files = {"model/constant": b"0.4", "profile.json": profile, "verdict.json": b"{}"}
    files[releases.CARD] = json.dumps({"params": {"prepare": numbers["prepare"]}}).encode()
    files[releases.METRICS] = json.dumps({"decide": numbers["decide"]}).encode()
    verdict, model = sha256_bytes(b"{}"), sha256_tree(folder / "model")
    manifest = json.dumps({"files": {name: sha256_bytes(data) for name, data in files.items()}}).encode()
    place = f"releases/outcomes/{verdict}"
    for name, data in (files | {"manifest.json": manifest}).items():
        store.put(f"{place}/{name}", data)
    facts = {"verdict_sha256": verdict, "manifest_sha256": sha256_bytes(manifest), "model_sha256": model}
    facts |= {"data_sha256": "d" * 64, "as_of": "2026-05-30", "run_id": "run", "kind": "release", "approvers": []}
    point(store, "outcomes", "release", place, append(store, Tag.MODEL_RELEASED, "outcomes", **facts))


def before_forget(folder: Path) -> None:
    """A company that knows somebody in every zone."""
    from pipelines.base.store import FileStore
    from tests.stages.forgotten_company import fill

    declare(folder, "lms_courses", "lms_enrolments", "resumes", *HIRING)
    store = FileStore(folder / "store")
    fill(store, ("consents", "enrolments", "person_links"), ("scored",))
    unfinished = folder / "store/work/ingest/unfinished/u/mapped/workers"
    unfinished.mkdir(parents=True)
    (unfinished / "part-0.parquet").write_bytes(b"cells of people")


def before_monitor(folder: Path) -> None:
    """A company that was scored twice, with what the checks found: one input has drifted."""
    from monitoring import results
    from pipelines.base.store import FileStore
    from tests.stages import monitored_company

    store, day = FileStore(folder / "store"), monitored_company.SECOND
    monitored_company.fill(store)
    unknown = dict.fromkeys(("noise", "psi_previous", "missing_share", "missing_share_before"), 0.0)
    none = {"labels": (), "expected": (), "actual": ()}
    column = results.ColumnDrift(column="overtime_hours", kind="numeric", psi=0.9, is_drifted=True, **unknown, **none)
    about = {"family": "screening", "as_of": day}
    found = {
        "drift.json": results.Drift(status="ok", rows=720, columns=(column,), drifted_share=0.5, **about),
        "performance.json": results.Performance(status="insufficient_labels", **about),
        "bias.json": results.Bias(status="no_groups", **about),
    }
    for name, result in found.items():
        results.save(store, result, "screening", day, name)
    (folder / "params.yaml").write_text(monitored_company.PARAMS)


BEFORE: dict[str, Callable[[Path], None]] = {
    "ingest": deliver,
    "land": deliver_documents,
    "pin": before_score,
    "release": before_release,
    "score": before_score,
    "forget": before_forget,
    "monitor": before_monitor,
}
