"""The reproducible stages and the daily scoring on a company of 240 learners, through the lake and the vault."""

import csv
import hashlib
import io
import json
import math
import re
import shutil
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import yaml

from monitoring import tables
from monitoring.documents import packet
from pipelines import audit, prepare, snapshot, train
from pipelines.audit import Tag, entries
from pipelines.base import contracts, delta, releases, snapshots
from pipelines.base import keys as keyring
from pipelines.base.catalog import CANDIDATES, EVALUATED, PREPARED, SCORED, SNAPSHOT, TRAINED, WEIGHED, stage_dir
from pipelines.base.contracts import conform
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_frame
from pipelines.base.errors import ContractError, GateRefused, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.evaluate import __main__ as evaluate
from pipelines.evaluate import cells, choose, weigh
from pipelines.models.outcomes import features as outcomes
from pipelines.models.performance import features as performance
from pipelines.publish import assessments, notices
from pipelines.publish.pointers import point
from pipelines.score import __main__ as score
from pipelines.score import export, people, places, serve, spread, stage, switch

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

NOT_SAID = ("is_active", "is_mandatory", "valid_from", "valid_to", "audience_codes", "renewal_months")
FAMILY = "outcomes"
PEOPLE = 240
SILENT = 5
"""People who never gave consent: the first ones."""
LAST = date(2026, 6, 30)
ROOT = Path(__file__).parents[2]


def moment(day: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def person(number: int) -> str:
    return f"p_{number:032x}"


def frame(rows: list[dict], known: datetime) -> pl.DataFrame:
    born = {"file_id": "f", "known_from_basis": "source"}
    made = [{"known_from": known} | row | born | {"source_row": n} for n, row in enumerate(rows)]
    return pl.DataFrame(made, infer_schema_length=None)


def company(lake: Lake) -> None:
    """Everybody hands in early; who scores above one half completes. Ten more runs are under way."""
    rng = np.random.default_rng(5)
    enrolments, events = [], []
    for number in range(PEOPLE + 10):
        start, who, mark = number / 2, person(number % PEOPLE), float(rng.random())
        run = "r1" if number < PEOPLE else "r2"
        start = start if number < PEOPLE else 135
        course = f"c{number % 2}"
        enrolments.append(
            {"enrolment_id": f"e{number}", "person_id": who, "course_id": course, "run_code": run, "prior_attempts": 0}
            | {"enrolled_at": moment(start - 3), "starts_at": moment(start), "due_at": moment(start + 40)}
            | {"credits": 1.0, "education_code": "none", "assigned_by_code": "self"}
        )
        base = {"person_id": who, "course_id": course, "run_code": run, "lateness_days": 0.0, "valid_to": None}
        events.append(
            base | {"event_code": "submitted", "item_code": "1", "occurred_at": moment(start + 5), "score_share": mark}
        )
        if number < PEOPLE:
            code = "completed" if mark > 0.5 else "failed"
            events.append(
                base | {"event_code": code, "item_code": None, "occurred_at": moment(start + 30), "score_share": None}
            )
    everybody = [person(n) for n in range(PEOPLE)]
    known = moment(0)
    tables = {
        "courses": [
            {
                "course_id": f"c{n}",
                "title": "x",
                "topic_code": "t",
                "level_code": "foundation",
                "duration_minutes": 30.0,
            }
            | dict.fromkeys(NOT_SAID)
            for n in range(2)
        ],
        "workers": [
            {"person_id": p, "worker_type_code": "employee", "hired_at": date(2020, 1, 1), "terminated_at": None}
            | {
                "originally_hired_at": None,
                "job_family_code": "sales",
                "management_level_code": None,
                "company_code": None,
                "country_code": None,
                "manager_person_id": None,
                "fte": 1.0,
            }
            for p in everybody
        ],
        "consents": [{"person_id": p, "is_given": True} for p in everybody[SILENT:]],
        "enrolments": enrolments,
        "learning_events": [event | {"known_from": event["occurred_at"]} for event in events],
    }
    sexes = [
        {"person_id": p, "attribute_code": "sex", "value_code": ("female", "male")[n % 2]}
        for n, p in enumerate(everybody)
    ]
    named = [
        {"person_id": p, "scheme_code": s, "value": v}
        for n, p in enumerate(everybody)
        for s, v in (("workday_worker_id", f"={n:06}"), ("work_email", f"{n}@x"))
    ]
    vault = {"protected": frame(sexes, known), "identifiers": frame(named, known)}
    lake.publish("history", {name: frame(rows, known) for name, rows in tables.items()}, vault, {})


def settings(root: Path) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    small = {"epochs": 6, "patience": 6, "batch": 32, "learning_rate": 0.02, "members": 1, "trees": 10}
    params[FAMILY]["train"] |= small
    params[FAMILY]["alternatives"]["tried"] = [{"name": "reweighed", "reweigh": "sex"}]
    params["privacy"]["min_people"] = 2
    params["evaluate"] |= {"resamples": 100, "min_cases": 10, "min_labels": 5}
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def run_all(root: Path) -> None:
    for step in (snapshot.run, prepare.run, weigh.run, train.run, choose.run, stage.run, evaluate.run):
        step(FAMILY, root)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout in which every stage ran, and its store."""
    root = tmp_path_factory.mktemp("a checkout")
    store = FileStore(root / "the store")
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        patch.setenv("CANDOR_STORE", store.url)
        company(Lake(store))
        settings(root)
        snapshot.pin(LAST, root)
        run_all(root)
        yield root, store


def read(root: Path, artifact: str, name: str) -> dict:
    return json.loads((stage_dir(FAMILY, artifact, root) / name).read_text())


def test_the_lock_names_each_familys_day_and_no_path(made):
    root, store = made
    lock = json.loads((root / "lake.lock").read_text())
    assert lock["as_of"]["outcomes"] == "2026-05-30"  # the newest row of its tables
    assert lock["as_of"]["screening"] == "2026-06-30"  # no rows: the day asked for
    assert lock["manifest"]["seq"] == 1
    assert str(store.root) not in (root / "lake.lock").read_text()


@pytest.mark.parametrize(("today", "seen"), [(date(9999, 1, 1), "2026-05-30"), (date(2026, 2, 1), "2026-02-01")])
def test_a_clock_ahead_or_behind_changes_no_day_that_is_known(made, tmp_path, today, seen):
    snapshot.pin(today, tmp_path)
    assert json.loads((tmp_path / "lake.lock").read_text())["as_of"]["outcomes"] == seen


def test_people_who_did_not_consent_are_nowhere(made, keys):
    root, store = made
    found = snapshots.read(stage_dir(FAMILY, SNAPSHOT, root), ["enrolments"], keyring.held(store))
    taken = found.tables["enrolments"]["person_id"]
    assert len(taken) == 240
    assert not set(taken) & {person(n) for n in range(SILENT)}
    assert read(root, SNAPSHOT, "report.json")["tables"]["enrolments"] == {"rows": 240, "without_consent": 10}


def test_a_leak_is_found_taken_out_and_told(made):
    """Here the mark decides alone, so the mark itself is what tells the outcome."""
    root, _ = made
    leaks = {leak["column"] for leak in read(root, PREPARED, "report.json")["leaks"]}
    assert {"submitted_score_mean", "submitted_score_min"} <= leaks
    assert not leaks & set(read(root, PREPARED, "profile.json"))
    assert not leaks & set(read(root, TRAINED, "card.json")["inputs"])
    check = next(c for c in read(root, EVALUATED, "metrics.json")["data_checks"] if c["check"] == "leaks_taken_out")
    assert check["passed"]
    assert "submitted_score_mean" in check["reason"]


def test_labels_are_audited_before_training_and_the_verdict_tells_it(made):
    root, _ = made
    audited = read(root, TRAINED, "card.json")["labels"]
    assert audited == read(root, PREPARED, "report.json")["labels"]
    assert (audited["cases"], audited["impossible"], audited["raters"]) == (
        sum(read(root, PREPARED, "report.json")["cases"].values()),
        0,
        None,
    )
    check = next(c for c in read(root, EVALUATED, "metrics.json")["data_checks"] if c["check"] == "labels_possible")
    assert check["passed"]
    assert check["reason"].startswith(f"Of {audited['cases']} labels 0 are off the scale")


def test_the_card_names_every_file_of_the_model_by_its_digest(made):
    root, _ = made
    card, folder = read(root, TRAINED, "card.json"), stage_dir(FAMILY, TRAINED, root)
    assert {name: sha256_file(folder / name) for name in card["files"]} == card["files"]
    assert {"model/model.keras", "baseline/trees.npz", "loss.csv", "profile.json"} <= set(card["files"])


def test_both_scorers_score_the_newest_cases_and_outcomes_hold_all(made):
    root, _ = made
    scored = pl.read_parquet(stage_dir(FAMILY, SCORED, root) / "scored.parquet")
    cases = read(root, PREPARED, "report.json")["cases"]
    assert dict(scored["scorer"].value_counts().iter_rows()) == {"model": cases["test"], "baseline": cases["test"]}
    assert len(pl.read_parquet(stage_dir(FAMILY, SCORED, root) / "outcomes.parquet")) == sum(cases.values())


def test_metrics_are_bound_to_what_was_judged(made):
    root, store = made
    metrics, card = read(root, EVALUATED, "metrics.json"), read(root, TRAINED, "card.json")
    assert metrics["model_sha256"] == card["model_sha256"]
    assert metrics["lake_sha256"] == Lake(store).require().sha256
    assert metrics["n"] == card["cases"]["test"]
    judged = read(root, EVALUATED, "groups.json")["axes"]
    assert [(axis["axis"], axis["told_from"], axis["min_group_size"]) for axis in judged] == [("sex", 2, 30)]
    (told,) = metrics["parity"]["axes"]
    assert sum(row["people"] for row in told["groups"]) == metrics["people"], "everybody once, small and unknown too"
    assert metrics["parity"]["lists"] == [], "nobody is shown a list of learners"


def test_counts_of_single_subjects_are_sealed_and_bound_to_the_judgement(made, monkeypatch, capsys):
    root, _ = made
    sealed = (stage_dir(FAMILY, EVALUATED, root) / "groups.sealed").read_bytes()
    rows = cells.opened(sealed).splitlines()
    assert rows[0] == "source,stage,axis,subject,group,people,selected,verdict"
    told = read(root, EVALUATED, "groups.json")["cells"]
    assert told == {"rows": len(rows) - 1, "sha256": sha256_bytes(sealed)}
    assert any(",c0," in row for row in rows)
    plain = (stage_dir(FAMILY, EVALUATED, root) / "groups.csv").read_text()
    assert plain.splitlines()[0] == "source,stage,axis,group,people,decisions,selected,verdict"
    assert not re.search(r"\bc[01]\b", plain), "no cell of a subject in clear"
    monkeypatch.setenv("CANDOR_AUDIT_KEY", "99" * 32)
    with pytest.raises(SettingsError, match="must be the one that sealed"):
        cells.opened(sealed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sealed)))
    assert cells.main() == 1
    assert capsys.readouterr().err.startswith("SettingsError: The key must be the one that sealed")


def test_the_same_data_and_numbers_give_the_same_bytes(made, tmp_path):
    root, _ = made
    for name in ("lake.lock", "params.yaml"):
        shutil.copy(root / name, tmp_path / name)
    run_all(tmp_path)
    for artifact in (SNAPSHOT, PREPARED, WEIGHED, CANDIDATES, TRAINED, SCORED, EVALUATED):
        first, second = stage_dir(FAMILY, artifact, root), stage_dir(FAMILY, artifact, tmp_path)
        files = sorted(file.relative_to(first) for file in first.rglob("*") if file.is_file())
        assert files
        assert [name for name in files if sha256_file(first / name) != sha256_file(second / name)] == []


def test_evaluate_needs_the_audit_identity_and_says_so(made, monkeypatch):
    root, _ = made
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    with pytest.raises(SettingsError, match="CANDOR_AUDIT_KEY must hold"):
        evaluate.run(FAMILY, root)


def test_a_store_that_is_not_the_pinned_one_is_refused(made, tmp_path, monkeypatch):
    root, _ = made
    other = FileStore(tmp_path / "other")
    Lake(other).publish(
        "other",
        {
            "courses": frame(
                [
                    {"course_id": "c", "title": "x", "topic_code": None, "level_code": None, "duration_minutes": 1.0}
                    | dict.fromkeys(NOT_SAID)
                ],
                moment(0),
            ).cast({"topic_code": pl.String, "level_code": pl.String})
        },
        {},
        {},
    )
    monkeypatch.setenv("CANDOR_STORE", other.url)
    with pytest.raises(ContractError, match=r"must hold manifest 1 with the digest \w{12} that lake\.lock names"):
        snapshot.run(FAMILY, root)


def test_a_family_without_labelled_cases_says_so(made, tmp_path):
    root, _ = made
    for name in ("lake.lock", "params.yaml"):
        shutil.copy(root / name, tmp_path / name)
    snapshot.run("performance", tmp_path)
    with pytest.raises(ContractError, match="performance must have labelled cases; there are none"):
        prepare.run("performance", tmp_path)


def release(root: Path, store: FileStore, kind: str) -> None:
    """Put the trained model where daily scoring finds it, as `publish` would."""
    trained, card = stage_dir(FAMILY, TRAINED, root), read(root, TRAINED, "card.json")
    files = {f"model/{file.name}": file.read_bytes() for file in sorted((trained / "model").iterdir())}
    metrics = stage_dir(FAMILY, EVALUATED, root) / "metrics.json"
    files |= {"card.json": (trained / "card.json").read_bytes(), "evaluated/metrics.json": metrics.read_bytes()}
    files |= {"profile.json": (trained / "profile.json").read_bytes(), "verdict.json": b"{}"}
    verdict = sha256_bytes(files["verdict.json"])
    folder = f"releases/{FAMILY}/{verdict}"
    manifest = json.dumps({"files": {name: sha256_bytes(data) for name, data in files.items()}}).encode()
    for name, data in (files | {"manifest.json": manifest}).items():
        store.put(f"{folder}/{name}", data)
    facts = {
        "verdict_sha256": verdict,
        "manifest_sha256": sha256_bytes(manifest),
        "run_id": "run",
        "as_of": card["as_of"],
    }
    facts |= {"model_sha256": card["model_sha256"], "data_sha256": card["data_sha256"], "codes": ["no_group_data"]}
    facts |= {"kind": kind, "number": 1, "approvers": []} if kind == "release" else {}
    tag = Tag.MODEL_RELEASED if kind == "release" else Tag.MODEL_HELD
    point(store, FAMILY, kind, folder, audit.append(store, tag, FAMILY, once=True, **facts))


@pytest.fixture
def released(made, tmp_path, monkeypatch):
    """A copy of the company, so that each test scores in a store of its own."""
    root, store = made
    shutil.copytree(store.root, tmp_path / "copy")
    copy = FileStore(tmp_path / "copy")
    monkeypatch.setenv("CANDOR_STORE", copy.url)
    return root, copy


def table(store: FileStore, name: str) -> pl.DataFrame:
    return delta.scan(store, f"scores/{name}").collect()


def test_without_a_release_nobody_is_scored(released):
    root, store = released
    assert json.loads(people.run(FAMILY, LAST, root)) == {"status": "nothing_released", "family": FAMILY}
    assert delta.version(store, "scores/scored") is None


def test_current_people_are_scored_once_however_often_it_runs(released):
    root, store = released
    release(root, store, "release")
    first = json.loads(people.run(FAMILY, LAST, root))
    rows, csv = table(store, "scored").sort("person_id"), store.read(first["export"][0])
    assert json.loads(people.run(FAMILY, LAST, root)) == {"status": "unchanged", "family": FAMILY}
    for entry in store.list("ledger")[1:]:
        store.delete(entry)  # as after a crash between the rows and the ledger's entry
    assert json.loads(people.run(FAMILY, LAST, root)) == first
    assert first["rows"] == 5  # ten run, five of them without consent
    assert table(store, "scored").sort("person_id").equals(rows)
    assert store.read(first["export"][0]) == csv
    _, entry = entries(store)
    assert entry.tag == "people:scored"
    on_file = tables.read(store, tables.SCORED, FAMILY, tables.days(store, tables.SCORED, FAMILY))
    read_again = conform(on_file, contracts.SCORED, "Scored")  # as an audit holds it against the ledger
    assert (len(read_again), sha256_frame(read_again)) == (entry.facts["rows"], entry.facts["scored_sha256"])
    assert set(table(store, "inputs").columns) >= {"person_id", "subject_id", "submitted_due_share", "as_of", "family"}
    assert "submitted_score_mean" not in table(store, "inputs").columns


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of a client that is closed
def test_with_a_cluster_its_workers_score_everybody_and_say_the_same(released, cluster, monkeypatch):
    root, store = released
    release(root, store, "release")
    with monkeypatch.context() as patch:
        patch.delenv(spread.ADDRESS)
        first = json.loads(people.run(FAMILY, LAST, root))
    alone = table(store, "scored").sort("person_id")
    for entry in store.list("ledger")[1:]:
        store.delete(entry)  # or the same scoring would be done already
    here, counts = spread.rows.scored, []

    def counted(family, folder, asked, *rest, **named):
        counts.append(len(asked))
        return here(family, folder, asked, *rest, **named)

    monkeypatch.setattr(spread.rows, "scored", counted)
    assert json.loads(people.run(FAMILY, LAST, root)) == first
    assert counts == [0], "this process scored nobody"
    shared = table(store, "scored").sort("person_id")
    assert len(shared) == 5
    numbers = ("score", "low", "high")
    assert shared.drop(numbers).equals(alone.drop(numbers))
    assert shared["score"].to_list() == pytest.approx(alone["score"].to_list(), abs=2e-6)  # both are rounded


def test_the_file_for_another_system_is_written_after_the_ledger_and_again_where_it_is_not_whole(released, monkeypatch):
    root, store = released
    release(root, store, "release")
    put = FileStore.put

    def killed(self, key, data):
        if key.startswith("scores/exports/"):
            raise KeyboardInterrupt
        put(self, key, data)

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            people.run(FAMILY, LAST, root)
    _, entry = entries(store)
    assert store.list("scores/exports") == []
    files = json.loads(people.run(FAMILY, LAST, root))["export"]
    digests = {key: hashlib.sha256(store.read(key)).hexdigest() for key in files}
    assert entry.facts["export_sha256"] == digests
    assert [key.partition(".")[2] for key in files] == ["csv", "json", "grades.csv", "grades.json"]
    for damage in (lambda: store.delete(files[0]), lambda: store.put(files[1], b"[]")):
        damage()
        assert json.loads(people.run(FAMILY, LAST, root))["status"] == "scored"
        assert {key: hashlib.sha256(store.read(key)).hexdigest() for key in files} == digests
    assert json.loads(people.run(FAMILY, LAST, root))["status"] == "unchanged"
    assert [entry.sequence for entry in entries(store)] == [1, 2]
    silent = {name: fact for name, fact in entry.facts.items() if name != "export_sha256"}
    audit.append(store, Tag.PEOPLE_SCORED, FAMILY, **silent)
    assert json.loads(people.run(FAMILY, LAST, root))["status"] == "scored", "what names no file has none"


def test_files_that_a_release_no_longer_writes_go_with_the_scoring_that_takes_their_place(released, monkeypatch):
    """A release that foresees no score at the end leaves none of the one before beside its own, nor touches a day."""
    root, store = released
    release(root, store, "release")
    files = json.loads(people.run(FAMILY, LAST, root))["export"]
    folder, _, day = files[0].removesuffix(".csv").rpartition("/")
    others = [f"{folder}/2020-01-01.grades.csv", f"scores/exports/performance/{day}.grades.csv"]
    for key in (*others, due := f"{folder}/{day}.due.csv"):
        store.put(key, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(people.rows, "grades", lambda *_: None)
        patch.setattr(people, "_record", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            people.run(FAMILY, LAST, root)
        assert store.list("scores/exports") == sorted([*files, *others, due]), "nothing goes before the ledger has it"
        patch.undo()
        patch.setattr(people.rows, "grades", lambda *_: None)
        assert json.loads(people.run(FAMILY, LAST, root))["export"] == files[:2]
        assert store.list("scores/exports") == sorted([*files[:2], *others])
        assert json.loads(people.run(FAMILY, LAST, root))["status"] == "unchanged"


def test_a_person_is_told_reasons_that_were_tried_again_by_the_release_that_scored_them(released):
    root, store = released
    release(root, store, "release")
    day = date.fromisoformat(json.loads(people.run(FAMILY, LAST, root))["as_of"])
    where = {"family": FAMILY, "as_of": day.isoformat()}
    # Of these few the model puts all forward, for no reason. Of two that say the opposite one holds when it is tried.
    claimed = pl.lit(["lowers:topic_code", "raises:topic_code"])
    scored = table(store, "scored").sort("score").with_columns(is_selected=pl.int_range(pl.len()) > 0, reasons=claimed)
    delta.replace_partition(store, "scores/scored", scored, where)
    low, high = scored.row(0, named=True), scored.row(-1, named=True)
    release(root, store, "shadow")  # the same model, by a verdict that gave nobody a score
    data, told = packet.make(store, FAMILY, low["person_id"], low["subject_id"], day)
    text = data.decode()
    assert (len(told.against) + len(told.favour), told.unproven) == (1, True)
    assert "did not bear out when they were tried" in text
    assert (low["person_id"] in text, text.count("the topic of the course")) == (False, 1)
    assert "release 1" in text
    delta.replace_partition(store, "scores/scored", scored.with_columns(is_shadow=True), where)
    with pytest.raises(ContractError, match="one score on file"):
        packet.make(store, FAMILY, low["person_id"], low["subject_id"], day)
    delta.replace_partition(store, "scores/scored", scored, where)
    with pytest.raises(ContractError, match="this one was"):
        packet.make(store, FAMILY, high["person_id"], high["subject_id"], day)
    for who, what in ((low["person_id"], "c9"), (person(99), low["subject_id"])):
        with pytest.raises(ContractError, match="one score on file"):
            packet.make(store, FAMILY, who, what, day)
    with pytest.raises(ContractError, match="recommendation only proposes"):
        packet.make(store, "recommendation", low["person_id"], low["subject_id"], day)
    other = scored.with_columns(pl.col("score") + 0.1)
    delta.replace_partition(store, "scores/scored", other, where)
    with pytest.raises(ContractError, match="must come out again"):
        packet.make(store, FAMILY, low["person_id"], low["subject_id"], day)


def test_who_takes_consent_back_is_neither_scored_nor_in_a_snapshot_and_who_gives_it_is(released, keys, tmp_path):
    """Between a snapshot and a score, and both after the last day that the family's tables speak of."""
    root, store = released
    release(root, store, "release")
    before = json.loads(people.run(FAMILY, LAST, root))
    assert before["rows"] == 5
    [left, *_] = sorted(set(table(store, "scored")["person_id"]))
    lake = Lake(store)
    lake.publish("back", {"consents": frame([{"person_id": left, "is_given": False}], moment(175))}, {}, {})
    again = json.loads(people.run(FAMILY, LAST, root))
    assert (again["rows"], again["as_of"]) == (4, "2026-05-30"), "the day is as before"
    assert 0 < before["without_consent"]["enrolments"] < again["without_consent"]["enrolments"]
    assert left not in set(table(store, "scored")["person_id"])
    snapshot.pin(LAST, tmp_path)
    snapshot.run(FAMILY, tmp_path)
    found = snapshots.read(stage_dir(FAMILY, SNAPSHOT, tmp_path), ["enrolments"], keyring.held(store))
    assert left not in set(found.tables["enrolments"]["person_id"])
    # In the other direction: the one who said nothing until then agrees on the day that the tables speak of.
    given = frame([{"person_id": person(0), "is_given": True}], moment(149))
    lake.publish("given", {"consents": given}, {}, {})
    assert json.loads(people.run(FAMILY, LAST, root))["rows"] == 5
    assert person(0) in set(table(store, "scored")["person_id"])


def test_people_are_scored_by_the_numbers_that_were_approved_not_by_those_of_today(released, tmp_path):
    root, store = released
    release(root, store, "release")
    params = yaml.safe_load((root / "params.yaml").read_text())
    params[FAMILY]["decide"]["threshold"] = 0.999
    params[FAMILY]["prepare"]["horizon_days"] = 1
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    assert json.loads(people.run(FAMILY, LAST, tmp_path))["rows"] == 5
    scored = table(store, "scored")
    approved = read(root, EVALUATED, "metrics.json")["decide"]["threshold"]
    assert scored["is_selected"].to_list() == [score >= approved for score in scored["score"]]
    assert scored["score"].max() < 0.999


def test_a_release_without_the_numbers_it_was_judged_by_scores_nobody(released):
    root, store = released
    metrics = stage_dir(FAMILY, EVALUATED, root) / "metrics.json"
    whole = metrics.read_text()
    metrics.write_text(json.dumps({name: value for name, value in json.loads(whole).items() if name != "decide"}))
    try:
        release(root, store, "release")
    finally:
        metrics.write_text(whole)
    with pytest.raises(ContractError, match="must hold the numbers it was judged by"):
        people.run(FAMILY, LAST, root)


def test_a_release_whose_inputs_are_made_no_more_scores_nobody(released, monkeypatch):
    root, store = released
    release(root, store, "release")
    inputs = outcomes.inputs
    monkeypatch.setattr(outcomes, "inputs", lambda frame: inputs(frame).drop("submitted_due_share"))
    with pytest.raises(ContractError, match="must be made of its cases; submitted_due_share is not"):
        people.run(FAMILY, LAST, root)
    assert delta.version(store, "scores/scored") is None


def test_only_measures_that_no_record_has_may_be_missing():
    described = ["rating_last", "tenure_days", "overtime_hours", "overtime_hours__mean", "overtime_hours__trend"]
    assert [name for name in described if performance.is_measure(name, described)] == described[2:]
    assert [name for name in ("work_overtime_hours", "credits") if outcomes.is_measure(name)] == ["work_overtime_hours"]


def test_the_file_for_the_lms_has_its_own_numbers_reasons_and_no_formula(released):
    root, store = released
    release(root, store, "release")
    csv, listed, graded, listed_grades = json.loads(people.run(FAMILY, LAST, root))["export"]
    rows = store.read(csv).decode().splitlines()
    assert rows[0].startswith(
        '"scheme_code","identifier","subject_id","target_code","score","low","high","is_selected"'
    )
    assert rows[1].startswith('"workday_worker_id","\'=000005","c1","r2",')
    whole = b"".join(store.read(key) for key in (csv, listed, graded, listed_grades)).decode()
    assert "p_0" not in whole
    for key in (listed, listed_grades):
        assert [row["identifier"] for row in json.loads(store.read(key))] == [f"={n:06}" for n in range(5, 10)]
    assert all(0 <= row["low"] <= row["grade"] <= row["high"] <= 1 for row in json.loads(store.read(listed_grades)))
    # of whom the model abstains, nothing is recommended
    scored = table(store, "scored").filter(scorer="model").sort("person_id")
    unsure = scored.with_columns(
        pl.when(pl.int_range(5) == 2).then([contracts.ABSTAINED]).otherwise("reasons").alias("reasons")
    )
    manifest, day = Lake(store).require(), date.fromisoformat(str(scored["as_of"][0]))
    files = export.files(store, manifest, FAMILY, day, unsure, root=root)
    shown = sorted(json.loads(files[listed]), key=lambda row: row["score"])
    told = {(row["is_abstained"], row["is_selected"]) for row in shown}
    assert told == {(True, None)} | {
        (False, is_selected) for is_selected in unsure.filter(pl.int_range(5) != 2)["is_selected"]
    }
    assert [row["is_abstained"] for row in shown].count(True) == 1
    assert ',,"true","abstained:near_threshold",' in files[csv].decode()


def test_a_model_in_shadow_scores_but_writes_no_file(released, monkeypatch):
    root, store = released
    release(root, store, "shadow")
    monkeypatch.delenv("CANDOR_VAULT_KEY")
    answer = json.loads(people.run(FAMILY, LAST, root))
    assert (answer["is_shadow"], answer["export"]) == (True, [])
    assert table(store, "scored")["is_shadow"].all()
    assert store.list("scores/exports") == []
    live = f"scores/exports/{FAMILY}/{answer['as_of']}.csv"
    store.put(live, b"of a live release")
    with monkeypatch.context() as patch:
        patch.setattr(people, "_is_done", lambda *_, **__: False)
        assert json.loads(people.run(FAMILY, LAST, root))["status"] == "scored"
    assert store.list("scores/exports") == [live]


def test_a_live_models_scores_need_the_vault_key_before_anything_is_written(released, monkeypatch):
    root, store = released
    release(root, store, "release")
    monkeypatch.delenv("CANDOR_VAULT_KEY")
    with pytest.raises(SettingsError, match="CANDOR_VAULT_KEY must hold"):
        people.run(FAMILY, LAST, root)
    assert delta.version(store, "scores/scored") is None


def test_a_model_that_was_changed_after_approval_scores_nobody(released):
    root, store = released
    release(root, store, "release")
    folder = releases.live(store, FAMILY).folder
    store.put(f"{folder}/model/bands.json", b"{}")
    with pytest.raises(ContractError, match="changed after approval"):
        people.run(FAMILY, LAST, root)


def test_a_pointer_that_no_entry_of_the_ledger_calls_for_scores_nobody(released):
    root, store = released
    release(root, store, "release")
    first = releases.live(store, FAMILY)
    store.put(first.key.replace("1.json", "2.json"), replace(first, sequence=2).to_json())
    with pytest.raises(ContractError, match=r"000000000002.json must be what an entry of the ledger calls for; none"):
        people.run(FAMILY, LAST, root)
    assert delta.version(store, "scores/scored") is None


def test_outcomes_known_by_a_day_are_all_there_and_replace_themselves(released):
    _, store = released
    for _ in range(2):
        answer = json.loads(people.run_outcomes(FAMILY, date(2026, 3, 1)))
    known = table(store, "outcomes")
    assert answer["as_of"] == "2026-03-01"
    assert len(known) == answer["rows"]
    assert known["known_at"].max().date() <= date(2026, 3, 1)


def test_no_number_has_a_say_in_how_cases_ended(released, tmp_path, monkeypatch):
    """Scores are cut by the release's own numbers; outcomes must meet them whatever params.yaml says today."""
    root, store = released
    release(root, store, "release")
    monkeypatch.chdir(tmp_path)
    assert not Path("params.yaml").exists()
    people.run_outcomes(FAMILY, LAST)
    keys = ["person_id", "subject_id", "target_code"]
    judged = pl.read_parquet(stage_dir(FAMILY, SCORED, root) / "outcomes.parquet")
    assert len(judged.join(table(store, "outcomes"), on=keys, how="anti")) == 0


def test_the_family_outcomes_and_the_command_outcomes_are_told_apart(monkeypatch, capsys):
    monkeypatch.setattr(stage, "run", lambda family: f"stage {family}")
    monkeypatch.setitem(score._DATED, "outcomes", lambda family, day: f"outcomes of {family} on {day}")
    assert score.main(["outcomes"]) == 0
    assert score.main(["outcomes", "outcomes", "--as-of", "2026-01-02"]) == 0
    assert capsys.readouterr().out.splitlines() == ["stage outcomes", "outcomes of outcomes on 2026-01-02"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("|calc", "'|calc"),
        ("%0A=1", "'%0A=1"),
        ("  =1+1", "'  =1+1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\u200b\ufeff=1", "'\u200b\ufeff=1"),
        ('"=1', "'\"=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff201", "'\uff201"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ("\n=1", "' =1"),
        ("x\n=1", "x =1"),
        ("x\u2028\x85\x1cy", "x   y"),
        ("x;=1+1", "x;'=1+1"),
        ('x; "=1+1', "x;' \"=1+1"),
        ("x,-1", "x,'-1"),
        ("=a;;=b", "'=a;;'=b"),
        ("C-1001", "C-1001"),
        ("years_experience:+0.2", "years_experience:+0.2"),
        ("c++;a=b", "c++;a=b"),
    ],
)
def test_no_text_starts_a_formula_or_breaks_its_line(given, written):
    cells = pl.DataFrame({"identifier": [given], "reasons": [["ok", given]], "score": [-1.0]})
    made = export.as_csv(cells).decode()
    assert len(made.splitlines()) == 2
    assert list(csv.reader(io.StringIO(made)))[1] == [written, f"ok;{written}", "-1.0"]


def test_every_text_is_quoted_so_that_a_semicolon_parts_nothing():
    cells = pl.DataFrame({"identifier": ["a;b"], "reasons": [["x", 'y"z']], "score": [0.5]})
    assert export.as_csv(cells) == b'"identifier","reasons","score"\n"a;b","x;y""z",0.5\n'


def tampered(root: Path, target: Path, name: str) -> None:
    """A copy of the checkout in which one byte was added to a file of `trained`."""
    for artifact in (PREPARED, TRAINED):
        shutil.copytree(stage_dir(FAMILY, artifact, root), stage_dir(FAMILY, artifact, target))
    shutil.copy(root / "params.yaml", target / "params.yaml")
    with (stage_dir(FAMILY, TRAINED, target) / name).open("ab") as file:
        file.write(b"\n")


@pytest.mark.parametrize(("name", "scorer"), [("model/bands.json", "model"), ("baseline/bands.json", "baseline")])
def test_a_model_that_was_changed_after_training_scores_nothing(made, tmp_path, name, scorer):
    """A blank line at the end changes no score: only the digest can tell."""
    root, _ = made
    tampered(root, tmp_path, name)
    with pytest.raises(ContractError, match=f"^{scorer} of outcomes must have the sha256 that card.json names"):
        stage.run(FAMILY, tmp_path)
    assert not stage_dir(FAMILY, SCORED, tmp_path).exists()


def under(root: Path, folder: Path, *places: str, **locations: str) -> Path:
    """A folder with params.yaml that names places."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["law"] = {"jurisdictions": list(places), "locations": locations}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


def test_nobody_is_scored_where_a_notice_is_missing_and_all_are_again_once_it_is_given(released, tmp_path):
    root, store = released
    release(root, store, "release")
    assess(store, tmp_path)
    illinois = under(root, tmp_path, "US-IL", "EU-DE")
    assert json.loads(people.run(FAMILY, LAST, root))["rows"] == 5
    answer = json.loads(people.run(FAMILY, LAST, illinois))
    (stop,) = answer["stopped"].items()
    assert (answer["rows"], stop[0], stop[1]["cases"]) == (0, "US-IL", 5)
    assert stop[1]["why"][0].endswith("(775 ILCS 5/2-102(L)): no notice is on record.")
    assert len(table(store, "scored")) == 0
    assert store.read(answer["export"][1]) == b"[]\n"
    assert json.loads(people.run(FAMILY, LAST, illinois))["status"] == "unchanged"
    last = list(entries(store))[-1]
    assert (last.facts["not_scored"], last.facts["jurisdictions"]) == ({"US-IL": 5}, ["US-IL", "EU-DE"])
    notices.give(store, FAMILY, "us-il-hb3773", date(2026, 1, 5), where="the intranet, page AI", by="dora")
    answer = json.loads(people.run(FAMILY, LAST, illinois))
    assert (answer["rows"], answer["stopped"]) == (5, {})
    notices.withdraw(store, FAMILY, "us-il-hb3773", why="The page was taken down.", by="dora")
    assert json.loads(people.run(FAMILY, LAST, illinois))["rows"] == 0
    assert json.loads(people.run(FAMILY, LAST, root))["rows"] == 5, "nothing is asked any more"
    assert [entry.facts["rows"] for entry in entries(store) if entry.tag == "people:scored"] == [5, 0, 5, 0, 5]


def test_the_same_run_on_new_years_eve_and_on_new_years_day_differs_by_colorado(released, tmp_path, monkeypatch):
    root, store = released
    release(root, store, "release")
    colorado, told = under(root, tmp_path, "US-CO"), []
    for today in (datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, 1, tzinfo=UTC)):
        monkeypatch.setattr(places, "datetime", SimpleNamespace(now=lambda _, today=today: today))
        told.append(json.loads(people.run(FAMILY, LAST, colorado)))
    assert [(answer["rows"], list(answer["stopped"])) for answer in told] == [(5, []), (0, ["US-CO"])]
    (why,) = told[1]["stopped"]["US-CO"]["why"]
    assert why == "Colorado SB 26-189, automated decision-making technology (SB 26-189): no notice is on record."


def assess(store: FileStore, folder: Path) -> None:
    """An impact assessment that somebody completed and signed."""
    document = folder / "assessment.pdf"
    document.write_bytes(b"%PDF Assessed, and signed by the controller.")
    said = {"signed_on": date(2026, 1, 5), "conclusion": "The residual risk is low.", "by": "dora"}
    assessments.sign(store, FAMILY, "eu-gdpr", document, **said)


@pytest.mark.parametrize("kind", ["release", "shadow"])
def test_in_the_union_nobody_is_scored_before_an_impact_assessment_was_signed_not_even_in_shadow(
    released, tmp_path, kind
):
    """Nobody knows where the five learners are, so they count as being there."""
    root, store = released
    release(root, store, kind)
    germany = under(root, tmp_path, "EU-DE")
    answer = json.loads(people.run(FAMILY, LAST, germany))
    (why,) = answer["stopped"]["EU-DE"]["why"]
    assert (answer["rows"], answer["stopped"]["EU-DE"]["cases"]) == (0, 5)
    assert why.endswith("(Art. 35): no impact assessment that somebody signed is on record.")
    assert json.loads(people.run(FAMILY, LAST, germany))["status"] == "unchanged"
    assess(store, tmp_path)
    answer = json.loads(people.run(FAMILY, LAST, germany))
    assert (answer["rows"], answer["stopped"], answer["is_shadow"]) == (5, {}, kind == "shadow")
    assessments.withdraw(store, FAMILY, "eu-gdpr", why="The processor was changed.", by="dora")
    assert json.loads(people.run(FAMILY, LAST, germany))["rows"] == 0


def test_where_people_work_decides_and_a_model_in_shadow_is_not_used_on_anybody(released, tmp_path, monkeypatch):
    root, store = released
    release(root, store, "shadow")
    illinois = under(root, tmp_path, "US-IL")
    assert json.loads(people.run(FAMILY, LAST, illinois))["rows"] == 5
    release(root, store, "release")
    lake = Lake(store)
    workers = lake.read("workers", lake.require()).with_columns(
        country_code=pl.when(pl.col("person_id").rank("ordinal") % 2 == 0).then(pl.lit("DE")).otherwise(pl.lit("US"))
    )
    abroad = set(workers.filter(country_code="DE")["person_id"])
    lake.publish("moved", {"workers": workers.drop("published_seq", "record_sha256", "bucket")}, {}, {})
    answer = json.loads(people.run(FAMILY, LAST, illinois))
    scored = set(table(store, "scored").filter(~pl.col("is_shadow"))["person_id"])
    assert scored
    assert scored <= abroad
    assert answer["stopped"]["US-IL"]["cases"] + answer["rows"] == 5


def test_what_is_stopped_while_it_predicts_writes_nothing(released, monkeypatch):
    root, store = released
    release(root, store, "release")
    predicted = people._predicted

    def stopping(*args):
        found = predicted(*args)
        switch.give(store, stop=True, by="clara", why="Complaints of applicants.")
        return found

    monkeypatch.setattr(people, "_predicted", stopping)
    with pytest.raises(GateRefused, match="clara stopped it"):
        people.run(FAMILY, LAST, root)
    assert delta.version(store, "scores/scored") is None
    assert store.list("scores/exports") == []


def test_a_notice_withdrawn_while_it_predicts_stops_its_place(released, tmp_path, monkeypatch):
    root, store = released
    release(root, store, "release")
    illinois = under(root, tmp_path, "US-IL")
    notices.give(store, FAMILY, "us-il-hb3773", date(2026, 1, 5), where="the intranet, page AI", by="dora")
    predicted = people._predicted

    def withdrawing(*args):
        found = predicted(*args)
        notices.withdraw(store, FAMILY, "us-il-hb3773", why="The page was taken down.", by="dora")
        return found

    monkeypatch.setattr(people, "_predicted", withdrawing)
    answer = json.loads(people.run(FAMILY, LAST, illinois))
    assert (answer["rows"], answer["stopped"]["US-IL"]["cases"]) == (0, 5)
    assert store.read(answer["export"][1]) == b"[]\n"
    assert [entry.facts["rows"] for entry in entries(store) if entry.tag == "people:scored"] == [0]


def test_a_fresh_process_loads_the_model_and_answers_as_the_stage_did(made, tmp_path):
    root, _ = made
    left, passed_on = read(root, SCORED, "served.json"), read(root, EVALUATED, "served.json")
    assert left == passed_on
    assert left["model_sha256"] == read(root, TRAINED, "card.json")["model_sha256"]
    assert [check["check"] for check in left["checks"]] == [
        "loads", "start_seconds", "answer_seconds", "memory_mb", "same_answers",
    ]  # fmt: skip
    assert all(check["passed"] for check in left["checks"])


def test_answers_that_are_not_those_of_the_stage_are_seen(made, tmp_path):
    root, _ = made
    shutil.copytree(root / "var", tmp_path / "var")
    file = stage_dir(FAMILY, SCORED, tmp_path) / "scored.parquet"
    rows = pl.read_parquet(file)
    is_ours = pl.col("scorer") == "model"
    rows.with_columns(score=pl.when(is_ours).then(pl.col("score") * 0.999).otherwise("score")).write_parquet(file)
    found = serve.measured(FAMILY, tmp_path, 100, time.monotonic())
    assert 1e-5 < found["difference"] < 0.0011
    rows.filter(is_ours).head(1).write_parquet(file)
    assert math.isnan(serve.measured(FAMILY, tmp_path, 100, time.monotonic())["difference"])


def tried(made: tuple[Path, FileStore], target: Path, scores, take: str = "best", min_cases: int = 10) -> dict:
    """What `choose` records when both candidates scored the validation cases as `scores` says: name, case -> score."""
    root, _ = made
    for artifact in (PREPARED, CANDIDATES):
        shutil.copytree(stage_dir(FAMILY, artifact, root), stage_dir(FAMILY, artifact, target), dirs_exist_ok=True)
    shutil.copy(root / "lake.lock", target)
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["gate"]["min_group_size"] = 8
    params["evaluate"]["min_cases"] = min_cases
    params["choose"]["selected_margin"] = 0.5
    params[FAMILY]["alternatives"]["take"] = take
    (target / "params.yaml").write_text(yaml.safe_dump(params))
    cases = pl.read_parquet(stage_dir(FAMILY, PREPARED, target) / "examples.parquet").with_row_index("row")
    for name in ("declared", "reweighed"):
        file = stage_dir(FAMILY, CANDIDATES, target) / name / "valid.parquet"
        said = pl.read_parquet(file).join(cases.select("row", "person_id", "outcome"), on="row", maintain_order="left")
        given = [
            scores(name, int(p.removeprefix("p_"), 16), outcome)
            for p, outcome in said.select("person_id", "outcome").rows()
        ]
        said.with_columns(score=pl.Series(given)).select("row", "subject_id", "target_code", "score").write_parquet(
            file
        )
    choose.run(FAMILY, target)
    return json.loads((stage_dir(FAMILY, TRAINED, target) / "alternatives.json").read_text())


def every_second(name: str, number: int, outcome: float) -> float:
    """Both order the cases without a mistake and put half of those forward who complete: men only, or whoever."""
    is_put_forward = number % 2 if name == "declared" else number // 2 % 2
    return 0.1 + 0.2 * outcome + 0.5 * outcome * is_put_forward


def test_the_less_discriminatory_candidate_of_equal_validity_is_taken(made, tmp_path):
    found = tried(made, tmp_path, every_second)
    declared, other = found["alternatives"]
    assert (found["chosen"], declared["name"], other["name"]) == ("reweighed", "declared", "reweighed")
    assert found["n"] == found["people"] == read(made[0], PREPARED, "report.json")["cases"]["valid"]
    assert (declared["impact_ratio"]["value"], declared["group"]) == (0.0, "female")
    assert other["impact_ratio"]["value"] > 0.5
    assert (other["metric"]["value"], other["difference"]) == (1.0, {"value": 0.0, "low": 0.0, "high": 0.0})
    card = json.loads((stage_dir(FAMILY, TRAINED, tmp_path) / "card.json").read_text())
    assert card["model_sha256"] == other["model_sha256"] != declared["model_sha256"]
    assert card["params"]["alternative"]["reweigh"] == "sex"
    assert not (stage_dir(FAMILY, TRAINED, tmp_path) / "valid.parquet").exists()


def test_a_better_ratio_that_costs_validity_is_not_taken(made, tmp_path):
    found = tried(
        made, tmp_path, lambda *case: (1 - every_second(*case)) if case[0] != "declared" else every_second(*case)
    )
    assert (found["chosen"], found["alternatives"][1]["is_equal"]) == ("declared", False)


def test_too_few_validation_cases_choose_nothing(made, tmp_path):
    found = tried(made, tmp_path, every_second, min_cases=10_000)
    assert found["chosen"] == "declared"
    assert [one["is_equal"] for one in found["alternatives"]] == [True, False]
    assert found["alternatives"][1]["difference"] == {"value": None, "low": None, "high": None}


def test_naming_a_worse_one_is_recorded_and_refusing_to_name_one_that_is_there_is_a_fault(made, tmp_path):
    found = tried(made, tmp_path, every_second, take="declared")
    assert (found["chosen"], found["take"]) == ("declared", "declared")
    assert "the impact ratio of reweighed is better" in found["why"]
    with pytest.raises(SettingsError, match=r"take must be best or one of declared, reweighed; got nobody"):
        tried(made, tmp_path, every_second, take="nobody")


def test_the_choice_sees_no_case_but_those_of_the_validation(made, tmp_path):
    """Outcomes of all other cases are turned round: the same is said of both models, to the byte."""
    first = tried(made, tmp_path, every_second)
    file = stage_dir(FAMILY, PREPARED, tmp_path) / "examples.parquet"
    turned = pl.when(pl.col("split") != "valid").then(1 - pl.col("outcome")).otherwise(pl.col("outcome"))
    pl.read_parquet(file).with_columns(outcome=turned).write_parquet(file)
    choose.run(FAMILY, tmp_path)
    assert json.loads((stage_dir(FAMILY, TRAINED, tmp_path) / "alternatives.json").read_text()) == first


def test_weights_of_other_cases_are_refused(made, tmp_path):
    root, _ = made
    for artifact in (PREPARED, WEIGHED):
        shutil.copytree(stage_dir(FAMILY, artifact, root), stage_dir(FAMILY, artifact, tmp_path))
    shutil.copy(root / "params.yaml", tmp_path)
    file = stage_dir(FAMILY, PREPARED, tmp_path) / "examples.parquet"
    pl.read_parquet(file).reverse().write_parquet(file)
    with pytest.raises(ContractError, match="must be those of its cases; they are of others"):
        train.run(FAMILY, tmp_path)


def test_an_alternative_drops_an_input_with_all_that_was_made_from_it_or_is_a_fault(made, tmp_path):
    root, _ = made
    shutil.copytree(stage_dir(FAMILY, PREPARED, root), stage_dir(FAMILY, PREPARED, tmp_path))
    params = yaml.safe_load((root / "params.yaml").read_text())
    params[FAMILY]["alternatives"]["tried"] = [{"name": "blind", "drop": ["sex", "submitted_score_mean", "credits"]}]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(SettingsError, match=r"alternative blind of outcomes must drop inputs.*not there: sex"):
        train.run(FAMILY, tmp_path)
    params[FAMILY]["alternatives"]["tried"] = [{"name": "quick", "train": {"epoch": 1}}]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(SettingsError, match=r"alternative quick of outcomes: outcomes.train.epoch: Extra"):
        train.run(FAMILY, tmp_path)


def propose(root: Path, store: FileStore, tag: Tag, codes: tuple[str, ...] = (), **more: str) -> str:
    """The checkout's model as a proposal, by a verdict that differs from the live one's; its digest."""
    release(root, store, "release")
    folder = releases.live(store, FAMILY).folder
    verdict = json.dumps({"verdict": "as the ledger says", **more}).encode()
    digest = sha256_bytes(verdict)
    files = json.loads(store.read(f"{folder}/manifest.json"))["files"] | {"verdict.json": digest}
    manifest = json.dumps({"files": files}).encode()
    for name in files:
        store.put(f"proposals/{FAMILY}/{digest}/{name}", store.read(f"{folder}/{name}"))
    store.put(f"proposals/{FAMILY}/{digest}/verdict.json", verdict)
    store.put(f"proposals/{FAMILY}/{digest}/manifest.json", manifest)
    about = {name: getattr(releases.live(store, FAMILY), name) for name in ("model_sha256", "data_sha256", "as_of")}
    about |= {"verdict_sha256": digest, "manifest_sha256": sha256_bytes(manifest), "run_id": "r2", "codes": list(codes)}
    audit.append(store, tag, FAMILY, **about)
    return digest


@pytest.mark.parametrize(("tag", "codes"), [(Tag.MODEL_PROPOSED, ()), (Tag.MODEL_HELD, ("no_group_data",))])
def test_a_candidate_is_scored_beside_the_live_model_and_reaches_nothing_but_its_own_table(released, tag, codes):
    root, store = released
    release(root, store, "release")
    alone = json.loads(people.run(FAMILY, LAST, root))
    before = {key: store.read(key) for key in alone["export"]} | {"rows": table(store, "scored").sort("person_id")}
    digest = propose(root, store, tag, codes)
    answer = json.loads(people.run(FAMILY, LAST, root))
    assert (answer["status"], answer["candidate"]["status"]) == ("unchanged", "scored")
    told = {"rows": 5, "same_decision_share": 1.0, "mean_difference": 0.0, "verdict_sha256": digest}
    assert told.items() <= answer["candidate"].items()
    assert answer["candidate"]["selected_by_live"] == answer["candidate"]["selected_by_candidate"] == alone["selected"]
    assert len(table(store, "shadow")) == 5
    assert {key: store.read(key) for key in alone["export"]} == {key: before[key] for key in alone["export"]}
    assert table(store, "scored").sort("person_id").equals(before["rows"])
    assert json.loads(people.run(FAMILY, LAST, root))["candidate"] == {"status": "unchanged"}
    last = list(entries(store))[-1]
    assert (str(last.tag), last.facts["verdict_sha256"]) == ("candidate:scored", digest)


def test_a_candidate_is_compared_with_what_scored_and_not_with_a_pointer_laid_since(released, monkeypatch):
    root, store = released
    propose(root, store, Tag.MODEL_PROPOSED)
    live, score = releases.live(store, FAMILY), people._run

    def and_forge(*asked):
        forged = replace(live, sequence=2, verdict_sha256="0" * 64, folder=f"releases/{FAMILY}/{'0' * 64}")
        answer = score(*asked)
        store.put(forged.key, forged.to_json())
        return answer

    monkeypatch.setattr(people, "_run", and_forge)
    assert json.loads(people.run(FAMILY, LAST, root))["candidate"]["live_verdict_sha256"] == live.verdict_sha256
    with pytest.raises(ContractError, match="put there by hand"):
        people.run(FAMILY, LAST, root)


def test_a_candidate_is_scored_on_nobody_in_the_union_before_an_impact_assessment_was_signed(released, tmp_path):
    root, store = released
    release(root, store, "release")
    propose(root, store, Tag.MODEL_PROPOSED, [])
    germany = under(root, tmp_path, "EU-DE")
    found = json.loads(people.run(FAMILY, LAST, germany))["candidate"]
    assert (found["status"], found["rows"], found["not_scored"]) == ("scored", 0, ["EU-DE"])
    assert len(table(store, "shadow")) == 0
    assert json.loads(people.run(FAMILY, LAST, germany))["candidate"] == {"status": "unchanged"}
    assess(store, tmp_path)
    found = json.loads(people.run(FAMILY, LAST, germany))["candidate"]
    assert (found["status"], found["rows"], found["not_scored"]) == ("scored", 5, [])
    assert len(table(store, "shadow")) == 5


def test_a_candidate_for_another_purpose_is_scored_on_nobody_there_by_the_assessment_of_this(released, tmp_path):
    root, store = released
    release(root, store, "release")
    assess(store, tmp_path)
    propose(root, store, Tag.MODEL_PROPOSED, purpose="To say who is to leave.")
    assert json.loads(people.run(FAMILY, LAST, root))["candidate"]["rows"] == 5, "where no place is named"
    answer = json.loads(people.run(FAMILY, LAST, under(root, tmp_path, "EU-DE")))
    assert (answer["rows"], answer["stopped"]) == (5, {}), "the live one was assessed"
    found = answer["candidate"]
    assert (found["status"], found["rows"], found["not_scored"]) == ("scored", 0, ["EU-DE"])
    assert len(table(store, "shadow")) == 0


def test_what_is_held_for_a_fault_is_scored_nowhere_and_a_broken_candidate_holds_up_nothing(released):
    root, store = released
    propose(root, store, Tag.MODEL_HELD, ("adverse", "no_group_data"))
    assert "candidate" not in json.loads(people.run(FAMILY, LAST, root))
    assert delta.version(store, "scores/shadow") is None
    digest = propose(root, store, Tag.MODEL_PROPOSED)
    store.put(f"proposals/{FAMILY}/{digest}/model/bands.json", b"{}")
    answer = json.loads(people.run(FAMILY, LAST, root))
    assert answer["candidate"]["status"] == "not_scored"
    assert "changed after approval" in answer["candidate"]["why"]
    assert delta.version(store, "scores/shadow") is None
