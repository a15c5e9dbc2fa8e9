"""A real SSH server, and a company whose catalogue of courses lies on it."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.setup import sshd
from infra.setup.company import Refused
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as command
from pipelines.ingest import check
from tests.kills.roads import nothing_failed

KEY = "CANDOR_SFTP_TEST"


@pytest.fixture(scope="session")
def server() -> Iterator[sshd.Server]:
    """OpenSSH's server; what needs it is skipped where it can neither be found nor fetched, not where it fails."""
    try:
        sshd.found()
    except Refused as refused:
        pytest.skip(reason=f"a real SSH server needs OpenSSH's sshd: {refused} (see README, Tests)")
    with sshd.serving() as made:
        yield made


@pytest.fixture
def outbound() -> Iterator[Path]:
    """A folder that the server's user may read."""
    folder = Path(tempfile.mkdtemp(prefix="candor-outbound-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sftp(server: sshd.Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How a feed names the server; its key is in the environment."""
    monkeypatch.setenv(KEY, server.private_key)
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "host_keys": [server.host_key],
        "private_key": KEY,
        "patience_seconds": 5,
    }


@pytest.fixture
def declare(tmp_path: Path, outbound: Path, sftp: dict[str, Any]) -> Callable[..., None]:
    """Write the company's one feed."""

    def write(**changes: Any) -> None:
        feed = {
            "name": "courses",
            "owner": "Learning",
            "cadence": "once",
            "location": str(outbound),
            "sftp": sftp,
            "files": r"courses_(?P<period>\d{4}-\d{2})\.csv",
            "ready": {"marker": ".done"},
            "dialect": "csv",
            "options": {"delimiter": ",", "quote": '"'},
            "extracted_at": {"end_of": "period"},
            "required": ["id", "title"],
            "tables": [{"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"from": "title"}}}],
        }
        (tmp_path / "feeds").mkdir(exist_ok=True)
        text = yaml.safe_dump({name: value for name, value in (feed | changes).items() if value is not None})
        (tmp_path / "feeds" / "courses.yaml").write_text(text)

    return write


@pytest.fixture(autouse=True)
def company(
    keys: None, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declare: Callable[..., None]
) -> None:
    """The feed, and no folder of exports with anything in it. Great Expectations has no say here."""
    declare()
    (tmp_path / "exports").mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


@pytest.fixture
def deliver(outbound: Path) -> Callable[..., Path]:
    """Put a file on the server, with the marker that says that it is complete."""

    def put(name: str, content: bytes, marker: str | None = ".done") -> Path:
        path = outbound / name
        path.write_bytes(content)
        if marker:
            path.with_name(f"{path.name}{marker}").touch()
        return path

    return put


@pytest.fixture
def ingest(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command; its exit code, and its output and errors."""

    def run(*words: str) -> tuple[int, str]:
        code = command.main(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def courses(store: FileStore) -> list[str]:
    """Ids of the courses in the lake."""
    if Lake(store).manifest() is None:
        return []
    return sorted(Lake(store).read("courses", Lake(store).require())["course_id"])
