"""The store's disk is full while something is published, and with room the same command finishes.

One line says so, and what was published before is whole.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pipelines import audit
from pipelines.base import delta, releases
from pipelines.base.digests import sha256_frame
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.kills import roads, second_batch
from tests.kills.killing import Server
from tests.kills.test_kills import PRELOAD, state

EXIT_WAIT = 75

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk (see README, Tests)")


def first_batch(store: FileStore) -> dict[str, Any]:
    lake = Lake(store)
    (manifest,) = lake.manifests()
    tables = [name for name in manifest.tables if (store.root / "lake" / name).is_dir()]
    return {"manifest": manifest, **{name: sha256_frame(lake.read(name, manifest)) for name in tables}}


def first_scores(store: FileStore) -> dict[str, Any]:
    day = pl.col("as_of").cast(pl.String) == roads.DAY_BEFORE.isoformat()
    tables = ("scored", "inputs")
    found = {name: delta.scan(store, f"scores/{name}").collect().filter(day) for name in tables}
    exported = {key: store.read(key) for key in store.list("scores/exports") if roads.DAY_BEFORE.isoformat() in key}
    return {
        "rows": [len(frame) for frame in found.values()],
        **{k: sha256_frame(v) for k, v in found.items()},
        **exported,
    }


def first_release(store: FileStore) -> dict[str, Any]:
    (live,) = releases.pointers(store, "screening")
    files = releases.read_manifest(store, live.folder, live.manifest_sha256)
    return {"live": live, **{name: store.read(f"{live.folder}/{name}") for name in files}}


FIRST: dict[str, Callable[[FileStore], dict[str, Any]]] = {
    "publish": first_batch,
    "score": first_scores,
    "release": first_release,
}


@pytest.fixture
def disk(tmp_path):
    """A disk of 3 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], check=False).returncode:
        pytest.skip(reason="this root may not mount a small disk (see README, Tests)")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("server"), PRELOAD)
    yield made
    made.close()


@pytest.fixture(scope="module", params=FIRST)
def second(request, server, tmp_path_factory):
    """A company in which something is published and more is to be, and how it looks once that is done."""
    road, top = request.param, tmp_path_factory.mktemp("company")
    template = top / "template"
    with pytest.MonkeyPatch.context() as patch:
        for name in (*roads.KEYS, "CANDOR_STORE", "CANDOR_EXPORTS", "CANDOR_FEEDS"):
            patch.setenv(name, "")
        template.mkdir()
        roads.environment(template)
        if road == "publish":
            second_batch.made(server, template)
        else:
            roads.BEFORE[road](template)
        if road == "score":
            assert server.call("score_before", template) == 0, server.said()
        whole = shutil.copytree(template, top / "whole")
        assert server.call(road, whole) == 0, server.said()
        yield road, template, state(whole)


@pytest.mark.parametrize("kibibytes", [0, 24])
def test_a_full_disk_leaves_what_was_there_and_the_same_command_finishes(disk, server, second, kibibytes):
    road, template, expected = second
    folder = shutil.copytree(template, disk / "company")
    store = FileStore(folder / "store")
    before, faults = FIRST[road](store), audit.verify(store)
    free = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - kibibytes * 1024))
    earlier = len(server.said(whole=True))
    assert server.call(road, folder) == EXIT_WAIT, server.said()
    said = server.said(whole=True)[earlier:]
    assert "Traceback" not in said
    assert "room" in next(line for line in said.splitlines() if line.startswith("SourceUnavailable"))
    assert FIRST[road](store) == before
    assert audit.verify(store) == faults
    filler.unlink()
    assert server.call(road, folder) == 0, server.said()
    assert state(folder) == expected
