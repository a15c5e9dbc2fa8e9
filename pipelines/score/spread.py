"""Scoring by hash bucket of the person: many people in processes of this machine, or by a Dask cluster.

`CANDOR_DASK` is the address of a scheduler; its workers need this release of Candor and nothing else, since the model
travels with the work. The parts are the same wherever they are scored, and so are the rows.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import polars as pl

from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.lake import bucket
from pipelines.base.settings import Section
from pipelines.models import Scorer
from pipelines.score import rows
from pipelines.score.rows import KEYS, Stamp

ADDRESS: Final = "CANDOR_DASK"
MANY: Final = 200_000
"""Cases from which processes are worth their start where no cluster is named."""
_SECONDS: Final = 30
"""For the scheduler to answer."""
_Files = tuple[tuple[str, bytes], ...]
_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


def scored(
    family: str, folder: Path, frame: pl.DataFrame, scorer: Scorer, stamp: Stamp, *, decide: Section
) -> pl.DataFrame:
    """`rows.scored`, shared out where people are many or a cluster is named.

    Raises:
        SettingsError: `CANDOR_DASK` is no address that may be given people.
        SourceUnavailable: Its scheduler does not answer, or workers were lost.
    """
    if len(frame) < MANY and not os.environ.get(ADDRESS):
        return rows.scored(family, folder, frame, scorer, stamp, decide=decide)
    there = sorted(file for file in folder.rglob("*") if file.is_file())
    files = tuple((file.relative_to(folder).as_posix(), file.read_bytes()) for file in there)
    work = partial(_part, family, files, scorer, stamp, decide)
    parts = frame.with_columns(_bucket=bucket()).partition_by("_bucket", include_key=False)
    nobody = rows.scored(family, folder, frame.head(0), scorer, stamp, decide=decide)
    return pl.concat([nobody, *each(work, parts)]).sort(KEYS)


def each(work: Callable[[_Part], _Result], parts: Sequence[_Part]) -> list[_Result]:
    """The results of `work`, in the order of the parts: by the cluster that is named, or by processes of this machine.

    Args:
        work: A function of a module. What it raises is raised here.
        parts: What it takes, handed over as it is pickled.

    Raises:
        SettingsError: As for `scored`.
        SourceUnavailable: Likewise.
    """
    import joblib

    address = os.environ.get(ADDRESS, "")
    with ExitStack() as open_:
        lost: tuple[type[BaseException], ...] = (BrokenExecutor,)
        if address:
            _require_safe(address)
            client, killed = _client(address)
            open_.enter_context(client)
            lost += (killed,)
        chosen = {"backend": "dask"} if address else {"backend": "loky", "inner_max_num_threads": 1}
        open_.enter_context(joblib.parallel_config(n_jobs=-1, **chosen))
        try:
            found: list[_Result] = joblib.Parallel()(joblib.delayed(work)(part) for part in parts)
        except lost:
            raise SourceUnavailable(
                "The processes that score must live until they are done; some were killed. Make memory free where they "
                "run and run the same command again."
            ) from None
        return found


def _client(address: str) -> tuple[Any, type[BaseException]]:
    """Who asks the scheduler, and what is raised when its workers were killed again and again."""
    try:
        import distributed
    except ImportError:
        raise SettingsError(
            f"With {ADDRESS} the packages dask and distributed must be installed; they are not. "
            f"Install them here and on the workers, or unset {ADDRESS}."
        ) from None
    try:
        return distributed.Client(address, timeout=_SECONDS), distributed.KilledWorker
    except OSError:
        raise SourceUnavailable(
            f"The scheduler that {ADDRESS} names must answer within {_SECONDS} seconds; it did not. Start it, or unset "
            f"{ADDRESS} to score on this machine."
        ) from None


def _require_safe(address: str) -> None:
    """Whoever may speak to a scheduler may run anything on its workers and read what they are given."""
    said = urlsplit(address)
    if said.scheme != "tls" and not (said.scheme == "tcp" and said.hostname in {"127.0.0.1", "::1", "localhost"}):
        raise SettingsError(
            f"{ADDRESS} must be tls://host:port, or tcp:// on this machine: people are sent there; it is not. Start "
            "the scheduler and its workers with certificates (Dask's `distributed.comm`), or unset it."
        )


def _part(  # noqa: PLR0917
    family: str, files: _Files, scorer: Scorer, stamp: Stamp, decide: Section, frame: pl.DataFrame
) -> pl.DataFrame:
    """What a worker does: `rows.scored` of some people by the model that came along."""
    return rows.scored(family, Path(_unpacked(files).name), frame, scorer, stamp, decide=decide)


@lru_cache(maxsize=1)
def _unpacked(files: _Files) -> tempfile.TemporaryDirectory[str]:
    """The model in a folder of this worker's, until another comes: it is read once."""
    folder = tempfile.TemporaryDirectory()
    for name, data in files:
        place = Path(folder.name) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder
