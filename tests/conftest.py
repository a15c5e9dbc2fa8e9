"""What all tests share: keys of a test company, a store in a folder with a space, hypothesis without deadlines."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

from pipelines.base.store import FileStore

settings.register_profile("candor", deadline=None, derandomize=True)
settings.load_profile("candor")

ROAD: Final = "tests/e2e/"
TOGETHER: Final = (ROAD, "tests/s3/")
"""Folders whose tests share one running system, so one process runs them; elsewhere a file is the unit."""

BEHIND: Final = 5
"""Niceness of the other processes of a run beside the one that walks the road: it takes longest, so it goes first."""

HAS_BEGUN: Final = pytest.StashKey[bool]()
"""Set with a process's first test, which says whether it is the one that walks the road."""

POWER_CUTS: Final = "tests/kills/"
"""Whose tests see to it that bytes and names are on the disk when they should be."""

SYNCS: Final = (os.fsync, os.fdatasync)

PATIENCE: Final = 1800
"""Seconds after which a test of them hangs: the first one walks the whole road, beside other work on the machine."""

REAL_DATA = Path(os.environ.get("CANDOR_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest start first: with `-n 3` one process walks the road while the others run all the rest."""
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))
    for item in items:
        if item.nodeid.startswith(TOGETHER):
            item.add_marker(pytest.mark.timeout(PATIENCE))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Who runs beside the road steps back. Walking it is mostly waiting, and two others keep two cores at work."""
    is_beside = hasattr(item.config, "workerinput") and not item.nodeid.startswith(ROAD)
    if is_beside and HAS_BEGUN not in item.config.stash:
        os.nice(BEHIND)
    item.config.stash[HAS_BEGUN] = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before all fixtures: who survives no power cut does not wait for the disk, which was half of what many took."""
    is_cut = item.nodeid.startswith(POWER_CUTS)
    os.fsync, os.fdatasync = SYNCS if is_cut else (is_open, is_open)


def is_open(handle: int) -> None:
    """Raises, as a sync does, where there is no such file."""
    os.fstat(handle)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests one process runs in turn. xdist's own groups do nothing with pytest 9.2, which ignores `_nodeid`."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])

    return Together(config, log)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of a test company."""
    for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44"), ("SIGNING", "55")):
        monkeypatch.setenv(f"CANDOR_{name}_KEY", byte * 32)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    """An empty store below a folder with a space in its name, also named by CANDOR_STORE."""
    made = FileStore(tmp_path / "a store")
    monkeypatch.setenv("CANDOR_STORE", made.url)
    return made


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real data; tests that need it are skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(reason="the real data are not beside the checkout; set CANDOR_TEST_DATA (see README, Tests)")
    return REAL_DATA


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers of one thread each, all processes of their own."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False"}
    env |= {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)}

    def start(what: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, "--no-dashboard"]
        return subprocess.Popen([*command, "--host", "127.0.0.1"], env=env, stderr=subprocess.PIPE, text=True)

    scheduler = start("scheduler", "--port", "0")
    started = [scheduler]
    try:
        assert scheduler.stderr is not None
        address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://[0-9.]+:[0-9]+", line)))
        started += [start("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
        monkeypatch.setenv("CANDOR_DASK", address)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.communicate(timeout=30)
