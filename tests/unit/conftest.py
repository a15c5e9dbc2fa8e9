"""What tests of the readers share: bytes in, the frame and the report out."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.feeds import Feed
from pipelines.ingest.read import ROW, Report, dialect, parts

Reads = Callable[..., tuple[pl.DataFrame, Report]]
Refuses = Callable[..., str]


def declared(name: str, options: dict[str, Any], **more: Any) -> Feed:
    given = {
        "name": "f",
        "owner": "o",
        "cadence": "once",
        "location": "",
        "files": ".*",
        "dialect": name,
        "options": options,
        "extracted_at": {"constant": "2026-01-01T00:00:00Z"},
        "tables": [],
    }
    return Feed.model_validate(given | more)


@pytest.fixture(scope="session")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Reads:
    """Read bytes as a dialect does; the folder is new each time, so that a property test can call it often."""

    def read(name: str, data: bytes, options: dict[str, Any], **more: Any) -> tuple[pl.DataFrame, Report]:
        folder = tmp_path_factory.mktemp("read")
        (folder / "in").write_bytes(data)
        unit = Unit("u", "f", "in", "0" * 64, len(data), {}, "")
        report = dialect(name).read(folder / "in", folder, declared(name, options, **more), unit)
        frames = [pl.read_ipc(part) for part in parts(folder)]
        return (pl.concat(frames, how="diagonal").sort(ROW) if frames else pl.DataFrame()), report

    return read


@pytest.fixture(scope="session")
def refuses(reads: Reads) -> Refuses:
    """The reason for which bytes are held."""

    def refuse(name: str, data: bytes, options: dict[str, Any], **more: Any) -> str:
        with pytest.raises(Held, match="must ") as held:
            reads(name, data, options, **more)
        return held.value.reason_code

    return refuse
