"""Figures of forgetting: what encryption costs a snapshot, and how long one person takes.

    python -m tests.bench.forgetting [--people N] [--among N]

The stages `snapshot` and `prepare` of the performance family run with a key a person and without; without means the
Parquet files that a snapshot would otherwise be, and no keys. One person is forgotten among all those of a workers'
report that went through ingest, with a key and a score each: in landing, lake, vault, keys, scores and the file written
back. Ratios and seconds of one run.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import DEVNULL
from typing import Final
from unittest.mock import patch

import polars as pl

from pipelines import prepare, snapshot
from pipelines.base import delta, keys, snapshots
from pipelines.base.contracts import SCORED
from pipelines.base.lake import Lake
from pipelines.base.settings import PARAMS
from pipelines.base.store import open_store
from pipelines.privacy.forget import forget
from pipelines.score import export
from tests.bench import ingest
from tests.bench.measure import ROOT, Figure

PEOPLE: Final = 1_000_000
AMONG: Final = 100_000
FAMILY: Final = "performance"
_BORN: Final = {"file_id": "f", "source_row": 1, "known_from_basis": "source"}
_KNOWN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_RATED: Final = datetime(2026, 6, 15, tzinfo=UTC)
_DAY: Final = date(2026, 6, 30)


def tables(people: int) -> dict[str, pl.DataFrame]:
    """A worker, a consent, a review and three work records a person."""
    digits = pl.Series([f"p_{os.urandom(16).hex()}" for _ in range(people)])
    everybody = pl.DataFrame({"person_id": digits}).with_columns(
        known_from=pl.lit(_KNOWN), **{name: pl.lit(value) for name, value in _BORN.items()}
    )
    text = {"worker_type_code": "employee", "job_family_code": "sales", "country_code": "DE"}
    empty = {
        name: pl.lit(None, dtype=pl.String) for name in ("management_level_code", "company_code", "manager_person_id")
    }
    workers = everybody.with_columns(
        **{name: pl.lit(value) for name, value in text.items()},
        **empty,
        hired_at=pl.lit(date(2020, 1, 1)),
        terminated_at=pl.lit(None, dtype=pl.Date),
        originally_hired_at=pl.lit(None, dtype=pl.Date),
        fte=pl.lit(1.0),
    )
    months = pl.DataFrame({"period_start": [date(2026, month, 1) for month in (1, 2, 3)]})
    records = everybody.join(months, how="cross").with_columns(
        period_end=pl.col("period_start"), measure_code=pl.lit("hours"), value=pl.int_range(pl.len()).cast(pl.Float64)
    )
    reviews = everybody.with_columns(
        period_code=pl.lit("2026H1"),
        period_start=pl.lit(date(2026, 1, 1)),
        period_end=pl.lit(date(2026, 5, 31)),
        completed_at=pl.lit(_RATED),
        rating_share=pl.int_range(pl.len()) % 5 / 4,
        is_team_level=pl.lit(value=False),
        known_from=pl.lit(_RATED),
    )
    return {
        "workers": workers,
        "reviews": reviews,
        "consents": everybody.with_columns(is_given=pl.lit(value=True)),
        "work_records": records,
    }


def stages(root: Path) -> float:
    """Seconds of both stages over the pinned lake."""
    began = time.perf_counter()
    snapshot.run(FAMILY, root)
    prepare.run(FAMILY, root)
    return time.perf_counter() - began


@contextmanager
def bare() -> Iterator[None]:
    """The stages write and read plain Parquet, and nobody has a key."""

    def write(folder: Path, tables: dict[str, pl.DataFrame], _: pl.DataFrame) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            frame.write_parquet(folder / f"{name}.parquet", compression="zstd")

    def read(folder: Path, names: Iterable[str], _: pl.DataFrame) -> snapshots.Snapshot:
        return snapshots.Snapshot({name: pl.read_parquet(folder / f"{name}.parquet") for name in names}, 0)

    no_keys = pl.DataFrame()
    with (
        patch.multiple(snapshots, write=write, read=read),
        patch.multiple(keys, ensure=lambda *_: no_keys, held=lambda _: no_keys),
    ):
        yield


def encryption(people: int) -> Figure:
    """What a key a person costs the two stages; the keys exist, as they do on every day but the first."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        top = Path(name)
        _open(f"file://{top}/store", ROOT / "feeds")
        Lake(open_store()).publish("bench", tables(people), {}, {})
        seconds = {}
        for kind in ("bare", "new keys", "known keys"):
            root = top / kind
            root.mkdir()
            shutil.copy(ROOT / PARAMS, root)
            snapshot.pin(_DAY, root)
            with bare() if kind == "bare" else nullcontext():
                seconds[kind] = stages(root)
    print(f"{people:,} people: " + ", ".join(f"{kind} {taken:.1f} s" for kind, taken in seconds.items()))
    what = f"snapshot and prepare of {people:,} people, with encryption / without"
    return Figure(what, seconds["known keys"] / seconds["bare"], 1.5, "x")


def forgetting(people: int) -> Figure:
    """Seconds of one erasure among the workers of a company, whose report ingest took."""
    with ingest.place(ingest.WORKERS, people) as (env, _):
        subprocess.run([sys.executable, "-m", "pipelines.ingest", "run"], env=env, cwd=ROOT, check=True, stdout=DEVNULL)
        _open(env["CANDOR_STORE"], Path(env["CANDOR_FEEDS"]))
        store, lake = open_store(), Lake(open_store())
        everybody = lake.read("workers", lake.require(), columns=["person_id"])["person_id"]
        keys.ensure(store, everybody)
        scored = scores(everybody)
        partition = {"family": "performance", "as_of": _DAY.isoformat()}
        delta.replace_partition(
            store, "scores/scored", scored.with_columns(as_of=pl.lit(partition["as_of"])), partition
        )
        for key, data in export.files(store, lake.require(), "performance", _DAY, scored, root=ROOT).items():
            store.put(key, data)
        began = time.perf_counter()
        said = forget(store, str(everybody[0]), "request")
        seconds = time.perf_counter() - began
    print(f"{len(everybody):,} people: {said.split(',')[0]}")
    return Figure(f"forgetting one person among {people:,}", seconds, 60, "s")


def scores(people: pl.Series) -> pl.DataFrame:
    """[n_people] `Scored` rows of one day."""
    texts = {"family": "performance", "subject_id": "2026H1", "target_code": "rating", "scorer": "model"}
    numbers = {"score": 0.5, "low": 0.4, "high": 0.6}
    digests = {"model_sha256": "0" * 64, "data_sha256": "1" * 64}
    return (
        pl.DataFrame({"person_id": people})
        .select(
            "person_id",
            **{name: pl.lit(value) for name, value in (texts | numbers | digests).items()},
            is_selected=pl.lit(value=True),
            reasons=pl.lit([], dtype=pl.List(pl.String)),
            as_of=pl.lit(_DAY),
            scored_at=pl.lit(_KNOWN),
        )
        .select(SCORED.names())
    )


def figures(people: int = PEOPLE, among: int = AMONG) -> list[Figure]:
    """Both figures."""
    return [encryption(people), forgetting(among)]


def _open(url: str, feeds: Path) -> None:
    os.environ |= {"CANDOR_STORE": url, "CANDOR_FEEDS": str(feeds)}
    # `ingest.place` numbers its keys in the same way
    os.environ |= {f"CANDOR_{k}_KEY": f"{n:064x}" for n, k in enumerate(("PSEUDONYM", "VAULT", "AUDIT", "PERSON"), 1)}


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.forgetting", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--among", type=int, default=AMONG)
    given = parser.parse_args()
    found = figures(given.people, given.among)
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
