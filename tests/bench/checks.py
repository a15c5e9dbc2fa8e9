"""Figures of checking: Great Expectations beside one query for the same, and ingest that finds nothing new.

    python -m tests.bench.checks

Validation: 1,000,000 rows of 30 columns under 21 expectations, each of which names the rows that fail, over one Polars
query that finds the same rows; in one process, imports left out, the better of two runs on both sides. Nothing new: the
seconds of a whole `pipelines.ingest run` over landed files, per 1,000 of them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.base.contracts import Column, Table
from pipelines.validate import engine
from tests.bench.measure import ROOT, Figure, cost

ROWS: Final = 1_000_000
SEED: Final = 20_261_101
FILES: Final = 1000
CODES: Final = ("a", "b", "c", "d")
RANGE: Final = (0, 1000)
CODED: Final = [f"code_{n}" for n in range(5)]
NUMBERS: Final = [f"number_{n}" for n in range(8)]
OTHERS: Final = [f"other_{n}" for n in range(15)]


def table() -> Table:
    """30 columns with `known_from`, which every table has."""
    low, high = RANGE
    columns = [Column("person_id", "id")]
    columns += [Column(name, "code", values=CODES) for name in CODED]
    columns += [Column(name, "float", required=False, low=low, high=high) for name in NUMBERS]
    return Table("wide", ("person_id",), (*columns, *(Column(name, "text", required=False) for name in OTHERS)))


def rows() -> pl.DataFrame:
    """Of which some 400 have a number out of range, a few each an unknown code, and one is there twice."""
    random = np.random.default_rng(SEED)
    person = pl.format("p_{}", pl.int_range(ROWS).cast(pl.String).str.zfill(32)).alias("person_id")
    frame = pl.select(person, known_from=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)))
    drawn: dict[str, pl.Series] = {name: pl.Series(random.choice([*CODES], ROWS)) for name in CODED}
    drawn |= {name: pl.Series(random.uniform(0, 1000.05, ROWS)) for name in NUMBERS}
    drawn |= {name: pl.Series(random.integers(0, ROWS, ROWS)).cast(pl.String) for name in OTHERS}
    number = pl.int_range(pl.len())
    return frame.with_columns(**drawn).with_columns(
        person_id=pl.when(number == 7).then(pl.col("person_id").get(8)).otherwise(pl.col("person_id")),
        code_0=pl.when(number % 250_000 == 9).then(pl.lit("z")).otherwise(pl.col("code_0")),
    )


def in_one_query(frame: pl.DataFrame) -> int:
    """How many rows fail, by Polars alone."""
    failing = [pl.col("person_id").is_null(), ~pl.col("person_id").str.contains(r"^p_[0-9a-f]{32}$")]
    failing += [part for name in CODED for part in (pl.col(name).is_null(), ~pl.col(name).is_in(CODES))]
    failing += [~pl.col(name).is_between(*RANGE) for name in NUMBERS]
    failing.append(pl.struct("person_id", "known_from").is_duplicated())
    flags = [flag.alias(f"fails_{number}") for number, flag in enumerate(failing)]
    found = frame.lazy().with_row_index().select("index", *flags).filter(pl.any_horizontal(pl.col("^fails_.*$")))
    return len(found.collect())


def validation() -> Figure:
    """Great Expectations over one query."""
    frame, wide = rows(), table()
    engine.context()

    def ours() -> int:
        return engine.check(wide, frame, {}).failed[engine.ROW].n_unique()

    (found, seconds), (expected, bare) = _best(ours), _best(lambda: in_one_query(frame))
    if found != expected:
        raise SystemExit(f"Both ways must find the same rows; they found {found} and {expected}.")
    print(f"validation of {ROWS:,} rows: {seconds:.2f} s; one Polars query: {bare:.2f} s", flush=True)
    return Figure(f"validation of {ROWS:,} rows by Great Expectations / one Polars query", seconds / bare, 4, "x")


def _best(run: Callable[[], int]) -> tuple[int, float]:
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        found = run()
        taken.append(time.perf_counter() - began)
    return found, min(taken)


def nothing_new() -> Figure:
    """Seconds of an ingest whose files were all taken in before, for 1,000 of them."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        env = _landed(Path(name))
        words = [sys.executable, "-m", "pipelines.ingest", "run", "--batch"]
        cost([*words, "first"], env)
        taken = cost([*words, "second"], env).wall
    return Figure(f"ingest over {FILES:,} files that were taken in before", taken, 2, "s")


def _landed(top: Path) -> dict[str, str]:
    """A folder with `FILES` small files of one feed, and the environment to take them in."""
    (top / "feeds").mkdir()
    (top / "exports" / "lms").mkdir(parents=True)
    text = (Path(__file__).parent / "feeds" / "lms_courses.yaml").read_text(encoding="utf-8")
    (top / "feeds" / "lms_courses.yaml").write_text(text.replace(r"\d{4}-\d{2})", r"\d{4}-\d{2}-\d{2})"))
    for number in range(FILES):
        day = date(2022, 1, 1) + timedelta(number)
        text = "".join(f"CRS-{number}-{course},Course {course}\n" for course in range(5))
        (top / "exports" / "lms" / f"courses_{day}.csv").write_text(f"Course ID,Title\n{text}")
    env = {"CANDOR_STORE": f"file://{top}/store", "CANDOR_EXPORTS": f"{top}/exports", "CANDOR_FEEDS": f"{top}/feeds"}
    keys = {f"CANDOR_{kind}_KEY": f"{n:064x}" for n, kind in enumerate(("PSEUDONYM", "VAULT", "AUDIT"), 1)}
    return {**os.environ, **env, **keys}


def figures() -> list[Figure]:
    """Both."""
    return [validation(), nothing_new()]


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    found = figures()
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
