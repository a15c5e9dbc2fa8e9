"""Kill -9 at fixed points of every command that publishes, run again: the same digests as an undisturbed run."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import audit
from pipelines.base import delta, landing
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_frame
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.kills import retrains, roads, second_batch
from tests.kills.killing import Point, Server, points

KILLED = -9
PRELOAD = (
    "deltalake.fs",
    "pandas",
    "pyarrow.dataset",
    "tests.kills.roads",
    "tests.unit.test_publish",
    "tests.kills.retrains",
    "pipelines.prepare",
    "pipelines.publish.__main__",
    "pipelines.ingest.__main__",
    "pipelines.ingest.read.csv",
    "pipelines.ingest.read.workday_json",
    "pipelines.snapshot",
    "pipelines.score.people",
    "monitoring.report",
    "pipelines.privacy.__main__",
    "pipelines.models.outcomes.features",
    "pipelines.models.screening.features",
    "pipelines.models.performance.features",
    "pipelines.models.recommendation.features",
)
RANDOM = ("lake/manifests/", "lake/rewritten/", "keys/landing/")
"""Of these objects the name must be equal: their bytes are random, or hold a moment."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("server"), PRELOAD)
    yield made
    made.close()


@pytest.fixture
def company(tmp_path, monkeypatch):
    """The folder of a company, named by the environment."""
    for name in (*roads.KEYS, "CANDOR_STORE", "CANDOR_EXPORTS", "CANDOR_FEEDS"):
        monkeypatch.setenv(name, "")
    folder = tmp_path / "template"
    folder.mkdir()
    roads.environment(folder)
    return folder


def state(folder: Path) -> dict[str, Any]:
    """Everything a company's store holds, without moments, random file names and Delta's version numbers."""
    store = FileStore(folder / "store")
    manifest = Lake(store).manifest()
    found: dict[str, Any] = {"ledger": [(e.tag, e.subject, dict(e.facts)) for e in audit.entries(store)]}
    found["faults"] = audit.verify(store)
    if manifest is not None:
        found["manifest"] = manifest.sha256
        found["counts"] = dict(manifest.counts)
        for name, table in manifest.tables.items():
            found[name] = (table.rows, table.sha256)
            if (store.root / "lake" / name).is_dir():
                found[f"{name}, read"] = sha256_frame(Lake(store).read(name, manifest).drop("published_seq"))
    for name in ("scored", "inputs", "outcomes"):
        if delta.version(store, f"scores/{name}") is not None:
            found[f"scores/{name}"] = sha256_frame(delta.scan(store, f"scores/{name}").collect())
    deltas = [log.parent for log in store.root.rglob("_delta_log")]
    objects = [path for path in store.root.rglob("*") if path.is_file() and ".locks" not in path.parts]
    for path in objects:
        key = path.relative_to(store.root).as_posix()
        if not any(path.is_relative_to(table) for table in deltas) and not key.startswith("ledger/"):
            found[key] = digest(store, key)
    certificates = [json.loads(store.read(name)) for name in store.list("reports/privacy")]
    if certificates:
        found |= erased(store, certificates)
    lock = folder / "lake.lock"
    found["lock"] = json.loads(lock.read_text())["manifest"] if lock.exists() else None
    found["beside the store"] = sorted(path.name for path in folder.iterdir())
    return found


def erased(store: FileStore, certificates: list[dict[str, Any]]) -> dict[str, Any]:
    """An erasure's certificate and ledger without its number, its moment and the numbers of Delta's versions."""
    (made,) = certificates
    own = {"erasure", "certificate_sha256"}
    objects = {entry["object"]: entry for entry in made["objects"]}
    objects |= {name: {} for name in objects if name.startswith("lake/rewritten/")}
    entries = [(e.tag, {k: v for k, v in e.facts.items() if k not in own}) for e in audit.entries(store)]
    tables = [log.parent.relative_to(store.root).as_posix() for log in store.root.rglob("_delta_log")]
    return {
        "certificate": made | {"erasure": "", "started_at": "", "objects": objects},
        "ledger": entries,
        "history": [name for name in tables if delta.has_history(store, name)],
        f"reports/privacy/{made['erasure']}.json": None,
    }


def digest(store: FileStore, key: str) -> str:
    """What must be equal: of a landed object its plain bytes; a pointer's moment and anchor are its own."""
    if key.startswith("landing/"):
        with tempfile.TemporaryDirectory() as name:
            return sha256_file(Path(name) / "plain") if landing.read(store, key, Path(name) / "plain") else "expired"
    data = store.read(key)
    if key.startswith("releases/") and Path(key).stem.isdecimal():
        pointer = json.loads(data)
        return json.dumps(pointer | {"released_at": "", "ledger": pointer["ledger"].get("sequence")})
    return key if key.startswith(RANDOM) else sha256_bytes(data)


def endured(
    server: Server, road: str, template: Path, top: Path, *, seen: Callable[[Path], Any] = state, among: str = ""
) -> tuple[list[str], int]:
    """What differs after each kill at an effect of these kinds and a second run, and how many kills there were."""
    whole = shutil.copytree(template, top / "whole")
    labels = server.labels(road, whole)
    found = [point for point in points(labels) if (point.number, point.phase) != (len(labels), "after")]
    found = [point for point in found if re.search(among, point.label)]
    expected = seen(whole)
    faults = []
    for point in found:
        folder = shutil.copytree(template, top / "killed")
        assert server.call(road, folder, point) == KILLED, f"{point}: {server.said()}"
        if server.call(road, folder) != 0:
            faults.append(f"{point}: the second run failed: {server.said()[-600:]}")
        else:
            now = seen(folder)
            different = [name for name in expected | now if expected.get(name) != now.get(name)]
            faults += [f"{point}: {different}"] if different else []
        shutil.rmtree(folder)
    return faults, len(found)


@pytest.mark.parametrize(
    ("road", "at_least"),
    [("ingest", 30), ("land", 5), ("pin", 2), ("release", 12), ("score", 9), ("forget", 30), ("monitor", 4)],
)
def test_a_command_killed_anywhere_and_run_again_leaves_what_an_undisturbed_run_leaves(
    server, company, tmp_path, road, at_least
):
    roads.BEFORE[road](company)
    faults, kills = endured(server, road, company, tmp_path)
    assert faults == []
    assert kills >= at_least


def test_a_second_batch_killed_anywhere_in_its_publish_is_added_once_and_leaves_the_first(server, company, tmp_path):
    second_batch.made(server, company)
    first = Lake(FileStore(company / "store")).require()
    faults, kills = endured(server, "publish", company, tmp_path, among="delta|lake|vault")
    assert faults == []
    assert kills >= 8
    after = Lake(FileStore(tmp_path / "whole/store"))
    assert [manifest.seq for manifest in after.manifests()] == [1, 2]
    assert after.manifest(1) == first
    assert (first.tables["workers"].rows, after.require().tables["workers"].rows) == (1, 3)


def test_a_publish_killed_behind_its_manifest_is_ended_by_the_next_batch_which_finds_nothing_new(
    server, company, tmp_path
):
    second_batch.made(server, company)
    whole = shutil.copytree(company, tmp_path / "whole")
    labels = server.labels("publish", whole)
    expected = state(whole)
    behind = labels.index("create lake/manifests .json") + 1
    effects = ("put quarantine .sealed", "put quarantine .json", "put lake/files .sealed")
    kills = [Point(labels.index(label, behind) + 1, "after", label) for label in effects]
    for point in [Point(behind, "after", "the manifest"), *kills]:
        folder = shutil.copytree(company, tmp_path / "killed")
        assert server.call("publish", folder, point) == KILLED, f"{point}: {server.said()}"
        assert server.call("ingest_next", folder) == 0, server.said()
        now = {name: seen for name, seen in state(folder).items() if not name.startswith("work/ingest/b3/")}
        assert [name for name in expected | now if expected.get(name) != now.get(name)] == [], point
        shutil.rmtree(folder)


@pytest.mark.parametrize(("road", "at_least"), [("snapshot", 6), ("propose", 8), ("seal", 5)])
def test_a_step_of_a_retrain_or_the_ledger_killed_anywhere_and_run_again_leaves_what_it_leaves_undisturbed(
    server, company, tmp_path, road, at_least
):
    retrains.BEFORE[road](company)
    faults, kills = endured(server, road, company, tmp_path, seen=retrains.SEEN.get(road, state))
    assert faults == []
    assert kills >= at_least
