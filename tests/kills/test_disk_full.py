"""The store's disk is full while a batch is published: one line says so, and with room the same command finishes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from tests.kills import roads
from tests.kills.killing import Server
from tests.kills.test_kills import PRELOAD, state

ROOT = Path(__file__).parents[2]
EXIT_WAIT = 75

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk (see README, Tests)")


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
def checked(tmp_path_factory):
    """A batch that only has to be published, and how it looks once that is done."""
    scratch, template = tmp_path_factory.mktemp("scratch"), tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*roads.KEYS, "CANDOR_STORE", "CANDOR_EXPORTS", "CANDOR_FEEDS"):
            patch.setenv(name, "")
        roads.environment(template)
        roads.BEFORE["ingest"](template)
        server = Server(scratch, PRELOAD)
        assert server.call("until_publish", template) == 0, server.said()
        whole = shutil.copytree(template, scratch / "whole")
        assert server.call("ingest", whole) == 0, server.said()
        server.close()
        yield template, state(whole)


def published(folder: Path) -> subprocess.CompletedProcess[str]:
    roads.environment(folder)
    command = [sys.executable, "-m", "pipelines.ingest", "publish", "b"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("kibibytes", [0, 24])
def test_a_full_disk_leaves_the_state_before_and_the_same_command_finishes(disk, checked, kibibytes):
    template, expected = checked
    folder = shutil.copytree(template, disk / "company")
    free = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - kibibytes * 1024))
    done = published(folder)
    assert done.returncode == EXIT_WAIT, done.stderr
    assert "Traceback" not in done.stderr
    said = next(line for line in done.stderr.splitlines() if line.startswith("SourceUnavailable"))
    assert "room" in said
    assert Lake(FileStore(folder / "store")).manifest() is None
    filler.unlink()
    again = published(folder)
    assert again.returncode == 0, again.stderr
    assert state(folder) == expected
