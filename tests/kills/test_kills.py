"""Kill -9 at fixed points of every command that publishes, run again: the same digests as an undisturbed run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines import audit
from pipelines.base import delta
from pipelines.base.digests import sha256_bytes, sha256_frame
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.kills import roads
from tests.kills.killing import Server, points

KILLED = -9
PRELOAD = (
    "tests.kills.roads",
    "tests.unit.test_publish",
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
LANDED_BY = ("landing",)
"""Zones whose keys hold the digest of what they keep."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("server"), PRELOAD)
    yield made
    made.close()


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
            found[key] = digest(key, path.read_bytes())
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


def digest(key: str, data: bytes) -> str:
    """What must be equal of an object; a pointer's moment and anchor are its own."""
    if key.startswith(LANDED_BY):
        return key
    if key.startswith("releases/") and Path(key).stem.isdecimal():
        pointer = json.loads(data)
        return json.dumps(pointer | {"released_at": "", "ledger": pointer["ledger"].get("sequence")})
    if key.startswith(("lake/manifests/", "lake/rewritten/")):
        return key
    return sha256_bytes(data)


def endured(server: Server, road: str, top: Path) -> tuple[list[str], int]:
    """What differs after each kill and a second run, and how many kills there were."""
    template = top / "template"
    template.mkdir()
    roads.environment(template)
    roads.BEFORE[road](template)
    whole = shutil.copytree(template, top / "whole")
    labels = server.labels(road, whole)
    found = [point for point in points(labels) if (point.number, point.phase) != (len(labels), "after")]
    expected = state(whole)
    faults = []
    for point in found:
        folder = shutil.copytree(template, top / "killed")
        assert server.call(road, folder, point) == KILLED, f"{point}: {server.said()}"
        if server.call(road, folder) != 0:
            faults.append(f"{point}: the second run failed: {server.said()[-600:]}")
        else:
            now = state(folder)
            different = [name for name in expected | now if expected.get(name) != now.get(name)]
            faults += [f"{point}: {different}"] if different else []
        shutil.rmtree(folder)
    return faults, len(found)


@pytest.mark.parametrize(
    ("road", "at_least"),
    [("ingest", 30), ("land", 5), ("pin", 2), ("release", 12), ("score", 9), ("forget", 30), ("monitor", 4)],
)
def test_a_command_killed_anywhere_and_run_again_leaves_what_an_undisturbed_run_leaves(
    server, tmp_path, monkeypatch, road, at_least
):
    for name in (*roads.KEYS, "CANDOR_STORE", "CANDOR_EXPORTS", "CANDOR_FEEDS"):
        monkeypatch.setenv(name, "")
    faults, kills = endured(server, road, tmp_path)
    assert faults == []
    assert kills >= at_least
