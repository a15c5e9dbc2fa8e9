"""Figures of forgetting: what encryption costs a snapshot, and how long one person takes.

    python -m tests.bench.forgetting [--people N]

The tables of a snapshot are written and read with and without a key a person; without means the Parquet files that a
snapshot would otherwise be. What `prepare` then does with them is the same for both and left out, so the ratio is
stricter than the promise. One person is then forgotten among all of them. Ratios and seconds of one run.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.base import keys, known, snapshots
from pipelines.base.lake import Lake
from pipelines.base.store import open_store
from pipelines.privacy.forget import forget
from tests.bench.measure import ROOT, Figure

PEOPLE: Final = 1_000_000
NAMES: Final = ("workers", "work_records")
_BORN: Final = {"file_id": "f", "source_row": 1, "known_from_basis": "source"}
_KNOWN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DAY: Final = date(2026, 6, 30)


def tables(people: int) -> dict[str, pl.DataFrame]:
    """A worker, a consent and three work records a person."""
    digits = pl.Series([f"p_{os.urandom(16).hex()}" for _ in range(people)])
    everybody = pl.DataFrame({"person_id": digits}).with_columns(
        known_from=pl.lit(_KNOWN), **{name: pl.lit(value) for name, value in _BORN.items()}
    )
    text = {"worker_type_code": "employee", "job_family_code": "sales", "country_code": "DE"}
    empty = {name: pl.lit(None, dtype=pl.String) for name in ("management_level_code", "manager_person_id")}
    workers = everybody.with_columns(
        **{name: pl.lit(value) for name, value in text.items()},
        **empty,
        hired_at=pl.lit(date(2020, 1, 1)),
        terminated_at=pl.lit(None, dtype=pl.Date),
        fte=pl.lit(1.0),
    )
    months = pl.DataFrame({"period_start": [date(2026, month, 1) for month in (1, 2, 3)]})
    records = everybody.join(months, how="cross").with_columns(
        period_end=pl.col("period_start"), measure_code=pl.lit("hours"), value=pl.int_range(pl.len()).cast(pl.Float64)
    )
    return {
        "workers": workers,
        "consents": everybody.with_columns(is_given=pl.lit(value=True)),
        "work_records": records,
    }


def taken() -> dict[str, pl.DataFrame]:
    """What both kinds of snapshot begin with."""
    lake = Lake(open_store())
    return known.read_people(lake, lake.require(), NAMES, _DAY)[0]


def sealed(folder: Path) -> float:
    """Seconds with a key a person; the keys exist, as they do on every day but the first."""
    began = time.perf_counter()
    found = taken()
    snapshots.write(folder, found, keys.ensure(open_store(), snapshots.people(found)))
    snapshots.read(folder, NAMES, keys.held(open_store()))
    return time.perf_counter() - began


def bare(folder: Path) -> float:
    """Seconds of the same without."""
    began = time.perf_counter()
    folder.mkdir()
    for name, frame in taken().items():
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")
    for name in NAMES:
        pl.read_parquet(folder / f"{name}.parquet")
    return time.perf_counter() - began


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.forgetting", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        os.environ |= {"CANDOR_STORE": f"file://{name}/store", "CANDOR_FEEDS": str(ROOT / "feeds")}
        os.environ |= {
            f"CANDOR_{k}_KEY": f"{n:064x}" for n, k in enumerate(("PSEUDONYM", "VAULT", "AUDIT", "PERSON"), 1)
        }
        given = tables(people)
        Lake(open_store()).publish("bench", given, {}, {})
        first, plain = sealed(Path(name) / "sealed"), bare(Path(name) / "bare")
        again = sealed(Path(name) / "sealed")
        print(
            f"{people:,} people: sealed {first:.1f} s with new keys, {again:.1f} s with known ones; bare {plain:.1f} s"
        )
        began = time.perf_counter()
        forget(open_store(), str(given["workers"]["person_id"][0]), "request")
        seconds = time.perf_counter() - began
    found = [
        Figure(
            f"tables of {people:,} people to a snapshot and back, with encryption / without", again / plain, 1.5, "x"
        ),
        Figure(f"forgetting one person among {people:,}", seconds, 60, "s"),
    ]
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
