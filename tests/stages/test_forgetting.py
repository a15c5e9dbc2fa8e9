"""A person is forgotten: no zone, version, cache or remote gives them back, and nobody else notices."""

import io
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from monitoring import report
from monitoring.settings import Monitor
from pipelines import audit, prepare, snapshot
from pipelines.audit import Tag
from pipelines.base import delta, forgotten, releases, snapshots, staging, vault
from pipelines.base import keys as keyring
from pipelines.base.catalog import PREPARED, SNAPSHOT, stage_dir
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.releases import Release
from pipelines.base.sealed import unseal
from pipelines.base.settings import load
from pipelines.base.store import FileStore
from pipelines.privacy import __main__ as command
from pipelines.privacy import erasure, landing, learned, scores, unkept
from pipelines.privacy.forget import forget
from pipelines.publish.release import release
from pipelines.score import people
from pipelines.score import rows as scoring
from tests.stages import forgotten_company, monitored_company
from tests.stages.forgotten_company import readable
from tests.stages.test_stages import FAMILY, LAST, company, frame, moment, person, settings
from tests.unit import test_publish

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


def rows(store: FileStore, seq: int) -> dict[str, set[str]]:
    """Row digests of everybody but WHO, as a manifest shows them."""
    manifest = Lake(store).manifest(seq)
    return {
        name: set(Lake(store).versions(name, manifest).filter(pl.col("person_id") != WHO)["record_sha256"])
        for name in TABLES
    }


def test_nothing_of_the_person_is_left_and_everybody_else_is_as_before(root, store):
    before = {seq: rows(store, seq) for seq in (1, 2)}
    assert WHO.encode() in readable(store)
    assert b"=000009" in readable(store)
    forget(store, WHO, "request")
    left = readable(store)
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
    held = (*TABLES, "person_links")
    expected |= {f"lake/{table}" for table in held} | {f"lake/rewritten/{table}.json" for table in held}
    expected |= {"scores/scored"}
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
    assert WHO.encode() not in readable(store)
    assert b"=000009" not in readable(store)
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
    assert WHO.encode() in readable(store)
    forget(store, WHO, "request")
    assert WHO.encode() not in readable(store)


def test_who_is_unknown_is_not_certified(root, store, capsys):
    with pytest.raises(ContractError, match="must be known to the store"):
        forget(store, "p_ff", "request")
    assert command.main(["forget", "p_ff", "--reason", "request"]) == 1
    assert "p_ff" not in capsys.readouterr().err


def test_any_pseudonym_of_the_human_will_do(root, store):
    forget(store, "p_aa", "order")
    assert WHO.encode() not in readable(store)


def test_the_forgotten_do_not_come_back_with_the_next_export(root, store):
    forget(store, WHO, "request")
    rows = pl.DataFrame({"person_id": [WHO, OTHER], "unit_no": [0, 0], "source_row": [1, 2]})
    kept, gone = forgotten.without(forgotten.everybody(store), rows)
    assert kept["person_id"].to_list() == [OTHER]
    assert gone.select("source_row", "reason_code").rows() == [(1, "forgotten")]
    courses = pl.DataFrame({"course_id": ["c"]})
    assert forgotten.without(forgotten.everybody(store), courses)[0].equals(courses)
    links = pl.DataFrame({"person_id": [OTHER, OTHER], "linked_person_id": ["p_bb", "p_aa"]})
    assert forgotten.without(forgotten.everybody(store), links)[0]["linked_person_id"].to_list() == ["p_bb"]


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


def test_history_goes_even_where_the_newest_version_does_not_hold_the_person(root, store):
    kept = pl.DataFrame({"person_id": [OTHER], "score": [0.3], "family": FAMILY, "as_of": "2026-05-30"})
    delta.replace_partition(store, "scores/scored", kept, {"family": FAMILY, "as_of": "2026-05-30"})
    lake = Lake(store)
    applied = {"created_at": moment(1), "source_code": None, "country_code": None}
    lake.publish("candidates", {"candidates": frame([{"person_id": OTHER} | applied], moment(1))}, {}, {})
    manifest = lake.require()
    killed = lake.versions("candidates", manifest).with_columns(person_id=pl.lit(WHO))
    delta.append(store, "lake/candidates", killed, ["bucket"], after=manifest.tables["candidates"].version)
    lake.publish("after", {"candidates": frame([{"person_id": OTHER} | applied], moment(9))}, {}, {})
    forget(store, WHO, "request")
    assert WHO.encode() not in readable(store)
    assert not [key for key in ("scores/scored", "lake/candidates", "lake/workers") if delta.has_history(store, key)]
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    changed = {entry["object"]: (entry["before"], entry["after"]) for entry in certificate["objects"]}
    assert len(set(changed["lake/candidates"])) == len(set(changed["scores/scored"])) == 1  # nothing that anybody reads


def test_a_reader_finds_a_table_whose_pointer_an_erasure_has_not_moved_yet(root, store):
    before = rows(store, 2)
    forget(store, WHO, "request")
    for name in TABLES:
        store.put(f"lake/rewritten/{name}.json", b'{"version": 0}')
    assert rows(store, 2) == before
    forget(store, WHO, "request")
    assert rows(store, 2) == before


def test_nobody_publishes_while_lake_quarantine_landing_and_vault_are_rewritten(root, store, monkeypatch):
    seen = []

    def watched(original):
        def erase(*args):
            seen.append(staging.is_held(store.root / ".locks/publish"))
            return original(*args)

        return erase

    for place in (Lake, landing, unkept, vault):
        monkeypatch.setattr(place, "erase", watched(place.erase))
    monkeypatch.setattr(keyring, "destroy", watched(keyring.destroy))
    forget(store, WHO, "request")
    assert seen == [True] * 6  # the vault has two tables


@pytest.mark.parametrize("zone", ["keys", "scores", "landing", "quarantine"])
def test_whom_the_lake_let_go_can_still_be_forgotten(store, keys, tmp_path, monkeypatch, zone):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "tests" / "bench" / "feeds"))
    monkeypatch.setenv("CANDOR_WORK", str(tmp_path / "work"))
    forgotten_company.fill(store)
    who, others = forgotten_company.WHO, forgotten_company.OTHERS
    Lake(store).erase([who, forgotten_company.APPLICANT], lambda *_: None)
    for table in ("protected", "identifiers"):
        vault.erase(store, table, [who], lambda *_: None)
    if zone != "keys":
        keyring.let_go(store, [who])
    if zone != "scores":
        scores.erase(store, [who], forgotten.group(store, [who], [], []), lambda *_: None)
    if zone != "landing":
        for key in store.list("landing"):
            store.delete(key)
    if zone != "quarantine":
        for key in store.list("quarantine"):
            store.delete(key)
    assert forget(store, who, "request").startswith("forgotten")
    assert who not in keyring.held(store)["person_id"]
    assert scores.people(store) == set(others)
    assert b",000009," not in readable(store, ["landing"])
    assert b"000009" not in readable(store, ["quarantine"])


def test_what_landed_is_searched_for_a_name_before_it_is_taken_for_wrong(store, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "tests" / "bench" / "feeds"))
    monkeypatch.setenv("CANDOR_WORK", str(tmp_path / "work"))
    forgotten_company.land(store, forgotten_company.LANDED, forgotten_company.HEAD + forgotten_company.line("000009"))
    with pytest.raises(ContractError, match="must be known to the store"):
        forget(store, "p_ff", "request")
    assert store.list("keys/forgotten") == store.list("keys/people") == store.list("reports/privacy") == []
    store.put(f"landing/lms_enrolments/2026-02/{'b' * 64}/unregistered.csv", b"of nobody knows whom")
    assert forget(store, "p_ff", "request").endswith("1 objects cannot be searched, look at them")


def released(store: FileStore, family: str, model: str, lake_sha256: str, as_of: str) -> None:
    """A live release and a day that it scored."""
    folder = f"releases/{family}/{'1' * 64}"
    about = {"lake_sha256": lake_sha256, "model_sha256": model, "as_of": as_of}
    store.put(f"{folder}/evaluated/metrics.json", json.dumps(about).encode())
    made = Release(family, 1, "release", folder, "1" * 64, "b" * 64, model, "d" * 64, as_of, "r", "", (), {}, "2026")
    monitored_company.recorded(store, made)
    scored = pl.DataFrame({"person_id": [OTHER], "score": [0.3], "family": family, "as_of": "2026-05-30"})
    delta.replace_partition(store, "scores/scored", scored, {"family": family, "as_of": "2026-05-30"})


def test_monitoring_asks_for_a_retrain_of_the_model_that_may_have_learned_from_them_and_of_no_other(
    store, keys, monkeypatch
):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    lake, known = Lake(store), forgotten_company.stamped
    enrolment = {"course_id": "c", "run_code": "r", "enrolled_at": moment(4), "starts_at": moment(4), "due_at": None}
    enrolment |= {"credits": 1.0, "prior_attempts": 0, "education_code": None, "assigned_by_code": None}
    for number, who in enumerate((OTHER, WHO)):
        rows = [{"enrolment_id": f"e{number}", "person_id": who} | enrolment]
        lake.publish(f"b{number}", {"enrolments": known(rows, moment(10 * number))}, {}, {})
    first, second = lake.manifests()
    released(store, "outcomes", "a" * 64, second.sha256, "2026-01-31")
    released(store, "recommendation", "b" * 64, first.sha256, "2026-01-31")  # before the person came
    released(store, "performance", "c" * 64, second.sha256, "2026-01-31")  # reads no enrolments
    said = forget(store, WHO, "request")
    assert "monitoring asks for a retrain of outcomes" in said
    (certificate,) = (json.loads(store.read(key)) for key in store.list("reports/privacy"))
    assert certificate["models"] == [{"family": "outcomes", "release": 1, "kind": "release", "model_sha256": "a" * 64}]
    bounds = load(Monitor, "monitor", root=ROOT)
    families = ("outcomes", "recommendation", "performance")
    found = {family: report.run(store, family, None, bounds) for family in families}
    assert {family: "person_forgotten" in one.reasons for family, one in found.items()} == {
        "outcomes": True,
        "recommendation": False,
        "performance": False,
    }
    asked = [entry for entry in audit.entries(store) if entry.tag is Tag.RETRAIN_REQUESTED]
    assert [(entry.subject, entry.facts["finding"]) for entry in asked] == [("outcomes", "person_forgotten")]


def test_a_model_known_by_its_day_before_the_person_came_is_not_outdated(store, keys):
    lake = Lake(store)
    links = {"worker_type_code": "employee", "hired_at": date(2020, 1, 1), "job_family_code": "sales", "fte": 1.0}
    links |= dict.fromkeys(("terminated_at", "originally_hired_at", "management_level_code", "country_code"))
    links |= {"company_code": None, "manager_person_id": None}
    lake.publish("b", {"workers": forgotten_company.stamped([{"person_id": WHO} | links], moment(10))}, {}, {})
    manifest = lake.require()
    assert [learned.held(lake, manifest, "outcomes", [WHO], moment(day).date()) for day in (9, 10)] == [False, True]


def test_a_proposal_that_waited_during_the_erasure_is_outdated_once_released(store, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    answers = test_publish.Answers()
    proposal = test_publish.proposed(store, tmp_path)["verdict_sha256"]
    forgotten_company.fill(store)
    forget(store, forgotten_company.WHO, "request")
    assert report.outdated(store, releases.live(store, "screening")) == 0
    release(store, answers, answers.approve("release__r1", proposal), test_publish.APPROVERS)
    assert report.outdated(store, releases.live(store, "screening")) == 1
    forget(store, forgotten_company.OTHERS[0], "request")
    assert report.outdated(store, releases.live(store, "screening")) == 2
    entries = [e for e in audit.entries(store) if e.tag is Tag.MODEL_OUTDATED and e.subject == "screening"]
    assert [entry.facts["kind"] for entry in entries] == ["proposal", "release"]


def test_who_is_forgotten_while_people_are_scored_is_not_scored(store, keys, tmp_path, monkeypatch):
    from tests.kills import roads

    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    shutil.copytree(place(roads, tmp_path / "c") / "store", store.root)

    class Slow(roads.Constant):
        def predict(self, folder, frame, scorer):
            if not keyring.marked(store, [WHO]):
                forget(store, WHO, "request")
            return super().predict(folder, frame, scorer)

    monkeypatch.setattr(scoring, "network", lambda family: Slow())
    people.run(FAMILY, roads.DAY, tmp_path / "c")
    left = readable(store)
    assert WHO.encode() not in left
    assert b"=000009" not in left
    assert OTHER not in Lake(store).read("person_links", Lake(store).require())["person_id"]
    scored = delta.scan(store, "scores/scored").collect()["person_id"].to_list()
    assert sorted(scored) == [person(number) for number in (5, 6, 7, 8)]
    assert len(json.loads(store.read(store.list("scores/exports")[1]))) == 4


def place(roads, folder: Path) -> Path:
    """A company of `roads` about to score."""
    folder.mkdir()
    roads.before_score(folder)
    return folder


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_file_written_back_loses_lines_of_any_shape(store, keys, end):
    one = forgotten.group(store, [], [("workday_worker_id", "000009"), ("work_email", "=9@x")])
    head, lone = "scheme_code,identifier,reasons\r\n", "only one cell\n"
    theirs = 'workday_worker_id,000009,"a\nb"\n' + "work_email,'=9@x,\n"
    other = f'workday_worker_id,000010,"000009\nb"{end}'
    data = f"{head}{lone}\n{theirs}{other}"
    assert scores.without_lines(data.encode(), one) == f"{head}{lone}\n{other}".encode()


def test_the_command_takes_no_identifier_of_which_nothing_is_seen(store, keys, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\u200b \n"))
    assert command.main(["forget", "--scheme", "workday_worker", "--reason", "request"]) != 0
    assert "An identifier must have something that can be seen" in capsys.readouterr().err


def test_the_command_takes_an_identifier_from_standard_input(store, keys, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    forgotten_company.fill(store)
    monkeypatch.setattr(sys, "stdin", io.StringIO("000009\r\n"))
    assert command.main(["forget", "--scheme", "workday_worker", "--reason", "request"]) == 0
    said = capsys.readouterr().out
    assert "000009" not in said
    left = readable(store)
    assert forgotten_company.WHO.encode() not in left
    assert b"000009" not in left
    assert forgotten_company.APPLICANT.encode() not in left
    assert b"000010" in left


def test_any_pseudonym_finds_what_arrives_later_of_all_the_others(store, keys, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(ROOT / "feeds"))
    forgotten_company.fill(store)
    forget(store, forgotten_company.WHO, "request")
    head, line = forgotten_company.HEAD, forgotten_company.line
    key = f"landing/lms_enrolments/2026-02/{'e' * 64}/enrolments_2026-02.csv"
    forgotten_company.land(store, key, head + line("000009") + b"x,000009@example.org\n" + line("000010"))
    exported = f"scores/exports/{FAMILY}/2026-06-30.csv"
    store.put(exported, b"scheme_code,identifier\nworkday_worker_id,000009\nworkday_worker_id,000010\n")
    forget(store, forgotten_company.APPLICANT, "request")
    left = readable(store)
    assert b"000009" not in left
    assert line("000010") in left
    assert store.read(exported).endswith(b"identifier\nworkday_worker_id,000010\n")
    assert not {forgotten_company.WHO, forgotten_company.APPLICANT} & set(left.decode(errors="replace").split('"'))
