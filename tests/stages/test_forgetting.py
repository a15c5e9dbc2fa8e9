"""A person is forgotten: no zone, version, cache or remote gives them back, and nobody else notices."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines import audit, prepare, snapshot
from pipelines.audit import Tag
from pipelines.base import delta, forgotten, snapshots, vault
from pipelines.base import keys as keyring
from pipelines.base.catalog import PREPARED, SNAPSHOT, stage_dir
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.sealed import unseal, unseal_frame
from pipelines.base.store import FileStore
from pipelines.privacy import __main__ as command
from pipelines.privacy import erasure
from pipelines.privacy.forget import forget
from tests.stages.test_stages import FAMILY, LAST, company, frame, moment, person, settings

ROOT = Path(__file__).parents[2]
WHO = person(9)
OTHER = person(10)
TABLES = ("workers", "consents", "enrolments", "learning_events")


def more(lake: Lake) -> None:
    """A second batch: WHO and OTHER are linked to numbers of other systems, and WHO works elsewhere now."""
    links = [{"person_id": WHO, "linked_person_id": "p_aa"}, {"person_id": OTHER, "linked_person_id": "p_bb"}]
    lake.publish("more", {"person_links": frame(links, moment(1))}, {}, {})


def score(store: FileStore) -> None:
    """A day's scores, twice, so that the table has a history; and the file that was written back."""
    for mark in (0.1, 0.2):
        rows = pl.DataFrame({"person_id": [WHO, OTHER], "score": [mark, mark], "family": FAMILY, "as_of": "2026-05-30"})
        delta.replace_partition(store, "scores/scored", rows, {"family": FAMILY, "as_of": "2026-05-30"})
    lines = b"scheme_code,identifier,score\nworkday_worker_id,'=000009,1\nworkday_worker_id,'=000010,1\n"
    store.put(f"scores/exports/{FAMILY}/2026-05-30.csv", lines)
    listed = [{"scheme_code": "workday_worker_id", "identifier": f"={n:06}"} for n in (9, 10)]
    store.put(f"scores/exports/{FAMILY}/2026-05-30.json", json.dumps(listed).encode())


@pytest.fixture
def root(tmp_path, store, keys, monkeypatch):
    """A checkout with a snapshot of a company that scored a day."""
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    lake = Lake(store)
    company(lake)
    more(lake)
    score(store)
    settings(tmp_path)
    snapshot.pin(LAST, tmp_path)
    snapshot.run(FAMILY, tmp_path)
    return tmp_path


def plain(store: FileStore) -> bytes:
    """Everything that can be read in a store by somebody with all four keys."""
    found = []
    secrets = [bytes.fromhex(byte * 32) for byte in ("22", "33", "44")]
    for file in store.root.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            found.append(data)
            if file.suffix == ".parquet":
                found.append(str(pl.read_parquet(file).rows()).encode())
            for secret in secrets if file.suffix == ".sealed" else ():
                try:
                    found.append(unseal(secret, data))
                    found.append(str(unseal_frame(secret, data).rows()).encode())
                except (SettingsError, pl.exceptions.PolarsError):
                    continue
    return b"\n".join(found)


def rows(store: FileStore, seq: int) -> dict[str, set[str]]:
    """Row digests of everybody but WHO, as a manifest shows them."""
    manifest = Lake(store).manifest(seq)
    return {
        name: set(Lake(store).versions(name, manifest).filter(pl.col("person_id") != WHO)["record_sha256"])
        for name in TABLES
    }


def test_nothing_of_the_person_is_left_and_everybody_else_is_as_before(root, store):
    before = {seq: rows(store, seq) for seq in (1, 2)}
    assert WHO.encode() in plain(store)
    assert b"=000009" in plain(store)
    forget(store, WHO, "request")
    left = plain(store)
    assert WHO.encode() not in left
    assert b"=000009" not in left
    assert b"'9@x'" not in left
    assert b"p_aa" not in left
    assert OTHER.encode() in left
    assert b"=000010" in left
    for seq in (1, 2):
        assert rows(store, seq) == before[seq]
        assert WHO not in Lake(store).read("workers", Lake(store).manifest(seq))["person_id"]
    identifiers = vault.read(store, "identifiers", Lake(store).require())
    assert len(identifiers) == 2 * 239


def test_an_older_manifest_does_not_show_what_came_later(root, store):
    forget(store, WHO, "request")
    lake = Lake(store)
    assert set(lake.versions("enrolments", lake.require())["published_seq"]) == {1}
    assert lake.versions("person_links", lake.manifest(1)).is_empty()
    assert lake.versions("person_links", lake.manifest(2))["person_id"].to_list() == [OTHER]


def test_the_next_batch_is_published_and_a_killed_one_is_stepped_back_over(root, store):
    forget(store, WHO, "request")
    lake = Lake(store)
    manifest = lake.require()
    rows_now = len(lake.versions("consents", manifest))
    orphan = lake.versions("consents", manifest).head(3).with_columns(published_seq=pl.lit(3, dtype=pl.Int64))
    delta.append(store, "lake/consents", orphan, ["bucket"], after=lake._at("consents", manifest.tables["consents"]))
    assert len(lake.versions("consents", lake.require())) == rows_now
    new = frame([{"person_id": person(1), "is_given": True}], moment(9))
    lake.publish("after", {"consents": new}, {}, {})
    assert len(lake.versions("consents", lake.require())) == rows_now + 1
    assert lake.require().tables["consents"].rows == rows_now + 1


def test_the_certificate_lists_every_object_and_names_nobody(root, store):
    objects = {
        key: store.read(key) for key in store.list("vault") + store.list("keys/people") + store.list("scores/exports")
    }
    forget(store, WHO, "request")
    (name,) = store.list("reports/privacy")
    certificate = json.loads(store.read(name))
    assert {WHO, "p_aa", "000009"} & set(store.read(name).decode().split('"')) == set()
    found = {entry["object"]: entry for entry in certificate["objects"]}
    expected = {key for key, data in objects.items() if store.exists(key) and store.read(key) != data}
    expected |= {f"lake/{table}" for table in (*TABLES, "person_links")} | {"scores/scored"}
    assert set(found) - set(store.list("keys/people")) == expected - set(store.list("keys/people"))
    for key in expected & set(objects):
        assert (found[key]["before"], found[key]["after"]) == (
            sha256_bytes(objects[key]),
            sha256_bytes(store.read(key)),
        )
    (entry,) = [entry for entry in audit.entries(store) if entry.tag is Tag.PERSON_FORGOTTEN]
    assert entry.subject == certificate["erasure"]
    assert entry.facts["certificate_sha256"] == sha256_bytes(store.read(name))
    assert store.list("keys/erasures") == []


@pytest.mark.parametrize("number", range(1, 11, 2))
def test_an_erasure_that_was_killed_is_finished_by_the_next(root, store, monkeypatch, number):
    """Ended right after an object was noted, and before it was changed."""
    count = 0

    class Killed(BaseException):
        pass

    save = erasure.Erasure.save

    def dying(self, store):
        nonlocal count
        count += 1
        save(self, store)
        if count == number:
            raise Killed

    monkeypatch.setattr(erasure.Erasure, "save", dying)
    with pytest.raises(Killed):
        forget(store, WHO, "request")
    monkeypatch.setattr(erasure.Erasure, "save", save)
    forget(store, WHO, "request")
    assert WHO.encode() not in plain(store)
    assert b"=000009" not in plain(store)
    assert len(store.list("reports/privacy")) == 1
    tables = {e["object"] for e in json.loads(store.read(store.list("reports/privacy")[0]))["objects"]}
    assert {"lake/workers", "lake/learning_events", "scores/scored"} <= tables
    assert not [f for f in (store.root / "lake").glob("*/_delta_log/*00000.json") if WHO in f.read_text()]


def test_a_killed_rewrite_of_a_table_leaves_no_history_either(root, store, monkeypatch):
    purge = delta.purge
    monkeypatch.setattr(delta, "purge", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        forget(store, WHO, "request")
    monkeypatch.setattr(delta, "purge", purge)
    assert WHO.encode() in plain(store)
    forget(store, WHO, "request")
    assert WHO.encode() not in plain(store)


def test_who_is_unknown_is_not_certified(root, store, capsys):
    with pytest.raises(ContractError, match="must be known to the store"):
        forget(store, "p_ff", "request")
    assert command.main(["forget", "p_ff", "--reason", "request"]) == 1
    assert "p_ff" not in capsys.readouterr().err


def test_any_pseudonym_of_the_human_will_do(root, store):
    forget(store, "p_aa", "order")
    assert WHO.encode() not in plain(store)


def test_the_forgotten_do_not_come_back_with_the_next_export(root, store):
    forget(store, WHO, "request")
    rows = pl.DataFrame({"person_id": [WHO, OTHER], "unit_no": [0, 0], "source_row": [1, 2]})
    kept, gone = forgotten.without(store, rows)
    assert kept["person_id"].to_list() == [OTHER]
    assert gone.select("source_row", "reason_code").rows() == [(1, "forgotten")]
    courses = pl.DataFrame({"course_id": ["c"]})
    assert forgotten.without(store, courses)[0].equals(courses)


class Repository:
    """A checkout under git and DVC with the first two stages of one family."""

    def __init__(self, path: Path, store: FileStore) -> None:
        self.path, self.store = path, store

    def call(self, *words: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
        env = inherited | {"DVC_NO_ANALYTICS": "1", "CANDOR_STORE": self.store.url, "PYTHONPATH": str(ROOT)}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(words, cwd=self.path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_neither_remote_nor_cache_nor_an_old_commit_gives_the_person_back(root, store):
    repository, remote = Repository(root / "checkout", store), root / "remote"
    repository.path.mkdir()
    for name in ("params.yaml", "lake.lock"):
        shutil.copy(root / name, repository.path / name)
    graph = {
        stage: {"cmd": f"python -m pipelines.{stage} {FAMILY}", "deps": deps, "outs": outs}
        for stage, deps, outs in (
            ("snapshot", ["lake.lock"], [f"var/stages/{FAMILY}/snapshot"]),
            ("prepare", [f"var/stages/{FAMILY}/snapshot"], [{f"var/stages/{FAMILY}/prepared": {"cache": False}}]),
        )
    }
    (repository.path / "dvc.yaml").write_text(yaml.safe_dump({"stages": graph}))
    for words in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "remote", "add", "-q", "-d", "r", str(remote)]):
        repository.call(*words)
    repository.call("dvc", "repro", "-q")
    repository.call("dvc", "push", "-q")
    repository.call("git", "add", "-A")
    repository.call("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x")
    own = keyring.held(store).filter(pl.col("person_id") == WHO).row(0, named=True)
    copies = [remote, repository.path / ".dvc" / "cache"]
    blobs = [blob for copy in copies for file in copy.rglob("*") for blob in opened(file)]
    assert {own["handle"]} & {handle for handle, _ in blobs}
    assert all(WHO.encode() not in file.read_bytes() for copy in copies for file in copy.rglob("*") if file.is_file())

    forget(store, WHO, "request")

    left = keyring.held(store)
    assert own["key"] not in set(left["key"])
    mine = [blob for handle, blob in blobs if handle == own["handle"]]
    assert len(mine) == 2
    for key in left["key"]:
        for blob in mine:
            with pytest.raises(SettingsError):
                unseal(key, blob, own["handle"])
    clone = Repository(root / "clone", store)
    subprocess.run(["git", "clone", "-q", str(repository.path), str(clone.path)], check=True)
    clone.call("dvc", "pull", "-q", "--allow-missing", "snapshot")
    said = clone.call("dvc", "repro", "--single-item", "--force", "prepare")
    assert "without 1 people who were forgotten since" in said
    report = json.loads((stage_dir(FAMILY, PREPARED, clone.path) / "report.json").read_text())
    assert report["lacking_people"] == 1
    before, after = (
        pl.read_parquet(stage_dir(FAMILY, PREPARED, path) / "examples.parquet")
        for path in (repository.path, clone.path)
    )
    assert after.drop("split").equals(before.filter(pl.col("person_id") != WHO).drop("split"))
    assert len(after) == len(before) - 1


def opened(file: Path) -> list[tuple[bytes, bytes]]:
    """Handles and blobs of a file of people; nothing for any other file."""
    if not file.is_file() or not file.read_bytes().startswith(b"ARROW1"):
        return []
    return [(handle, blob) for handle, blob in pl.read_ipc(file).iter_rows()]


def test_a_snapshot_taken_again_of_the_old_pin_is_without_the_person(root, store):
    forget(store, WHO, "request")
    snapshot.run(FAMILY, root)
    prepare.run(FAMILY, root)
    found = snapshots.read(stage_dir(FAMILY, SNAPSHOT, root), TABLES[:1], keyring.held(store))
    assert WHO not in found.tables["workers"]["person_id"]
    assert found.lacking == 0


def test_an_erasure_already_finished_changes_nothing_when_done_again(root, store):
    forget(store, WHO, "request")
    before = {key: store.read(key) for key in store.list("keys") + store.list("vault") + store.list("scores/exports")}
    forget(store, WHO, "request")
    assert {key: store.read(key) for key in before} == before
