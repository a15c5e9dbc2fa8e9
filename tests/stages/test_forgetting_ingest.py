"""Ingest and forgetting together: what is on its way does not bring a person back, and a whole company loses one."""

import contextlib
import io
import json
import shutil
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from infra.sample import __main__ as sample
from pipelines import prepare, snapshot
from pipelines.base import delta, snapshots, vault
from pipelines.base import keys as keyring
from pipelines.base.catalog import PREPARED, SNAPSHOT, stage_dir
from pipelines.base.contracts import TABLES
from pipelines.base.lake import Lake
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import files
from pipelines.models import features
from pipelines.privacy import __main__ as privacy
from pipelines.privacy.forget import forget
from tests.kills.roads import nothing_failed
from tests.stages.forgotten_company import named, readable
from tests.stages.test_ingest import candidate, report, table, worker

ROOT = Path(__file__).parents[2]
WHO, APPLICANT = named("workday_worker", "000001"), named("workday_candidate", "C-000001")
ENROLMENTS = "Enrollment ID,Employee ID,Course ID,Run,Enrolled At,Starts At,Due At,Assigned By,Attempt"


@pytest.fixture
def exports(tmp_path, store, keys, monkeypatch):
    """Two workers, one of them hired from a candidate, were taken in; their next export waits, half of it unusable."""
    folder = tmp_path / "exports"
    monkeypatch.setattr(ingest, "validator", lambda: contextlib.nullcontext(nothing_failed))  # each costs ten seconds
    monkeypatch.setenv("CANDOR_EXPORTS", str(folder))
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    hired = {"Hired_From_Candidate_ID": "C-000001", "Work_Email": "one@x.org", "Legal_Last_Name": "Alone"}
    report(folder / "workday/HRML_Workers_2026-09.json", worker(1, **hired), worker(2))
    report(folder / "workday/HRML_Candidates_2026-09.json", candidate(1), candidate(2))
    assert ingest.main(["run", "--batch", "first"]) == 0
    later = {"Last_Functionally_Updated": "2026-10-06T08:00:00.000Z", "Job_Family_ID": "HR"}
    report(
        folder / "workday/HRML_Workers_2026-10.json",
        *(worker(n, **later) for n in (1, 2)),
        *(worker(n, **later, Worker_Type="Wizard") for n in (1, 2)),
    )
    line = "05.01.2026 09:00,06.01.2026 09:00,,Self,1"
    lines = [f"E-{n},{n:06},K9,2026-01,{line}" for n in (1, 2)]
    table(folder / "lms/enrolments_2026-10.csv", ENROLMENTS, *lines, "E-3,one@x.org", "E-4,two@x.org")
    return folder


def kept(store, *zones):
    return readable(store, zones)


def test_a_batch_checked_before_an_erasure_and_published_after_it_brings_nobody_back(exports, store, monkeypatch):
    finish = ingest.finish

    def after_an_erasure(batch):
        assert WHO.encode() in kept(store, "lake")
        forget(store, WHO, "request")
        return finish(batch)

    monkeypatch.setattr(ingest, "finish", after_an_erasure)
    assert ingest.main(["run", "--batch", "second"]) == 0
    left = kept(store, "lake", "vault", "quarantine", "work")
    assert not [text for text in (WHO, APPLICANT, "one@x.org", "Alone") if text.encode() in left]
    counts = json.loads(store.read("reports/ingest/second.json"))["counts"]
    assert counts["workday_workers"] == {
        "in": 4,
        "accepted": 1,
        "quarantined": 1,
        "filtered": 2,
        "held": 0,
        "reasons": {"forgotten": 2, "unknown_code:worker_type_code": 1},
    }
    found = {name: counts["lms_enrolments"][name] for name in ("in", "accepted", "quarantined", "filtered")}
    assert found == {"in": 4, "accepted": 1, "quarantined": 1, "filtered": 2}
    assert counts["lms_enrolments"]["reasons"] == {"forgotten": 2, "ragged_row": 1}
    assert Lake(store).require().counts == counts
    assert Lake(store).read("workers", Lake(store).require())["job_family_code"].to_list() == ["HR"]
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    assert {"object": "work/ingest/second", "rows": None} in certificate["unsearched"]

    forget(store, APPLICANT, "request")  # what arrived meanwhile, under any of their names
    left = kept(store, "landing", "lake", "vault", "quarantine", "work")
    assert not [text for text in ("000001", "one@x.org", "Alone") if text.encode() in left]
    assert b"two@x.org" in left
    assert b'"000002"' in left


def test_scratch_of_a_batch_that_nobody_works_at_goes_and_its_files_are_found_again(exports, store, monkeypatch):
    finish = ingest.finish
    monkeypatch.setattr(ingest, "finish", lambda batch: "not yet")
    assert ingest.main(["run", "--batch", "second"]) == 0
    monkeypatch.setattr(ingest, "finish", finish)
    assert b"one@x.org" in kept(store, "work")
    forget(store, WHO, "request")
    assert not (store.root / "work/ingest/second").exists()
    assert (store.root / "work/ingest/first/published.json").exists()
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    assert [entry["after"] for entry in certificate["objects"] if entry["object"] == "work/ingest/second"] == [""]
    assert {entry["object"].split("/")[1] for entry in certificate["unsearched"]} == {
        "workday_workers",
        "lms_enrolments",
    }
    assert ingest.main(["run", "--batch", "third"]) == 0
    assert WHO.encode() not in kept(store, "lake")
    assert Lake(store).read("workers", Lake(store).require())["job_family_code"].to_list() == ["HR"]


def test_the_names_of_documents_do_not_stay_in_the_plan_of_a_published_batch(exports, store):
    place = exports / "resumes/2026-10"
    place.mkdir(parents=True)
    (place / "C-000001.pdf").write_bytes(b"%PDF no document")
    assert ingest.main(["run", "--batch", "second"]) == 0
    assert files.of_feed(store, "resumes")[0].documents[0][0] == "2026-10/C-000001.pdf"
    assert b"C-000001.pdf" not in kept(store, "work")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The sample company, its data taken in, pinned, and taken and prepared for two families."""
    root = tmp_path_factory.mktemp("a checkout")
    with pytest.MonkeyPatch.context() as patch:
        from pipelines.base.store import FileStore

        store = FileStore(root / "a store")
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        for name, value in (("STORE", store.url), ("EXPORTS", root / "exports"), ("FEEDS", ROOT / "feeds")):
            patch.setenv(f"CANDOR_{name}", str(value))
        arguments = ["--out", str(root / "exports"), "--delivery", "history", "--workers", "60", "--resumes-max", "6"]
        assert sample.main(arguments) == 0
        assert ingest.main(["run", "--batch", "history"]) == 0
        shutil.copy(ROOT / "params.yaml", root)
        snapshot.pin(date(2026, 9, 30), root)
        for family in FAMILIES:
            snapshot.run(family, root)
            prepare.run(family, root)
        yield root, store


FAMILIES = ("recommendation", "performance")


def somebody(store) -> tuple[str, str, str]:
    """A worker who was a candidate before, agreed, and is nobody's manager: both pseudonyms and the number."""
    lake, manifest = Lake(store), Lake(store).require()
    workers, consents = (lake.read(name, manifest) for name in ("workers", "consents"))
    links = lake.read("person_links", manifest).join(
        workers.filter(~pl.col("person_id").is_in(workers["manager_person_id"].drop_nulls().implode())),
        left_on="linked_person_id",
        right_on="person_id",
        how="semi",
    )
    silent = consents.filter(~pl.col("is_given"))["person_id"].implode()
    taught = lake.read("enrolments", manifest)["person_id"].implode()
    chosen = links.filter(
        ~pl.col("person_id").is_in(silent)
        & ~pl.col("linked_person_id").is_in(silent)
        & pl.col("linked_person_id").is_in(taught)
    )
    applicant, who = chosen.select("person_id", "linked_person_id").row(0)
    known = vault.read(store, "identifiers", manifest).filter(
        (pl.col("person_id") == who) & (pl.col("scheme_code") == "workday_worker_id")
    )
    return who, applicant, str(known["value"][0])


def everybody_else(store, people: set[str]) -> dict[str, set[str]]:
    lake, manifest = Lake(store), Lake(store).require()
    named = [name for name in manifest.tables if TABLES[name].zone == "lake" and "person_id" in TABLES[name].schema]
    return {
        name: set(lake.versions(name, manifest).filter(~pl.col("person_id").is_in(list(people)))["record_sha256"])
        for name in named
    }


def test_a_whole_company_loses_one_person_and_nothing_else(company, monkeypatch, capsys):
    root, store = company
    who, applicant, number = somebody(store)
    identifiers = vault.all_versions(store, "identifiers").filter(pl.col("person_id").is_in([who, applicant]))
    emails = identifiers.filter(pl.col("scheme_code").str.contains("email"))["value"].to_list()
    assert emails
    traces = [text.encode() for text in (who, applicant, f'"{number}"', f",{number},", *emails)]
    copies = [shutil.copytree(stage_dir(family, SNAPSHOT, root), root / f"remote {family}") for family in FAMILIES]
    before = {
        key: store.read(key) for zone in ("landing", "vault", "quarantine", "lake/files") for key in store.list(zone)
    }
    others = everybody_else(store, {who, applicant})
    assert all(trace in readable(store) for trace in traces)
    prepared = {family: pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet") for family in FAMILIES}

    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{number}\n"))
    assert privacy.main(["forget", "--scheme", "workday_worker", "--reason", "request"]) == 0
    assert number not in capsys.readouterr().out

    left = readable(store)
    assert not [trace for trace in traces if trace in left]
    assert everybody_else(store, {who, applicant}) == others
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    changed = {key for key, data in before.items() if not store.exists(key) or store.read(key) != data}
    listed = {entry["object"] for entry in certificate["objects"]}
    assert {key if key in listed else key.rpartition("/")[0] for key in changed} <= listed
    assert any(key.startswith("landing/") for key in changed)
    for family, copy in zip(FAMILIES, copies, strict=True):
        found = snapshots.read(copy, features(family).TABLES, keyring.held(store))
        assert found.lacking == 1
        assert not {who, applicant} & set(found.tables["workers"]["person_id"])
        said = prepare.run(family, root)
        assert "without 1 people who were forgotten since" in said
        again = pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet")
        kept = prepared[family].filter(~pl.col("person_id").is_in([who, applicant]))
        assert set(again["person_id"]) == set(kept["person_id"])
        assert len(again) == len(kept) < len(prepared[family])
    assert not [name for name in others if delta.has_history(store, f"lake/{name}")]
