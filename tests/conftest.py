"""What all tests share: keys of a test company, a store in a folder with a space, hypothesis without deadlines."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.base.store import FileStore

settings.register_profile("candor", deadline=None, derandomize=True)
settings.load_profile("candor")

TOGETHER = ("e2e",)
"""Folders of tests whose tests share one running system."""

REAL_DATA = Path(os.environ.get("CANDOR_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a server or a company stay in one process; the longest start first.

    With `-n 2` one process walks the road with the real scheduler while the other runs all the rest.
    """
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else item.path.stem))
    items.sort(key=lambda item: item.path.parent.name not in TOGETHER)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three keys of a test company."""
    for name, byte in (("CANDOR_PSEUDONYM_KEY", "11"), ("CANDOR_VAULT_KEY", "22"), ("CANDOR_AUDIT_KEY", "33")):
        monkeypatch.setenv(name, byte * 32)


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
