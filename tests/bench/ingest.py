"""Figures of ingest at size, each against a bare reader of the same file: one run, one machine.

    python -m tests.bench.ingest                     100,000 and 1,000,000 rows
    python -m tests.bench.ingest --rows 100000       one size, without growth
    python -m tests.bench.ingest --case company      generator and ingest of a whole company of 1,000,000 workers

Learning: a CSV of 20 columns, and one of 40, landing to published lake, over Polars reading the file and writing
Parquet. Workers: the Workday report of the sample company's workers over a bare pass of ijson's fastest backend. Every
figure is that of a whole process, its start included, on both sides; the bare reader's is the mean of one before and
one after. Seconds of a busy machine say little; the ratios say more, those of CPU seconds most, and are printed beside.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from infra.sample import LARGEST
from infra.sample.company import draw_direct_workers
from infra.sample.dialects import write_report
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.workday import worker_rows
from tests.bench import company
from tests.bench.measure import ROOT, Cost, Figure, cost, mean

FEEDS: Final = Path(__file__).parent / "feeds"
SIZES: Final = (100_000, 1_000_000)
PERIOD: Final = "2026-09"
BLOCK: Final = 100_000
COURSES: Final = 400
SEED: Final = 20_261_101
GIB: Final = 2.5
GROWTH: Final = 11.0
POLARS: Final = "import polars, sys; polars.read_csv(sys.argv[1]).write_parquet(sys.argv[2])"
IJSON: Final = """
import ijson, sys
with open(sys.argv[1], "rb") as file:
    for _ in ijson.get_backend("yajl2_c").items(file, "Report_Entry.item", buf_size=1 << 20):
        pass
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One file, who reads it bare, and how many times as long ingest may take."""

    name: str
    peer: str
    bound: float


LEARNING: Final = Case("learning", "Polars to Parquet", 8)
WIDE: Final = Case("learning, 40 columns", "Polars to Parquet", 4)
WORKERS: Final = Case("workers", "a bare ijson pass", 3)


@dataclass(frozen=True, slots=True)
class Measured:
    """A case at one size."""

    case: Case
    rows: int
    ours: Cost
    bare: Cost

    def figures(self) -> list[Figure]:
        """The ratio of wall time, and the memory."""
        what = f"ingest of {self.rows:,} {self.case.name}"
        ratio = self.ours.wall / self.bare.wall
        return [
            Figure(f"{what} / {self.case.peer}", ratio, self.case.bound, "x"),
            Figure(f"{what}, peak memory of all processes", self.ours.peak, GIB, "GiB"),
        ]

    def line(self) -> str:
        """Both costs in full."""
        ratio = self.ours.cpu / self.bare.cpu
        return f"{self.rows:,} {self.case.name}: {self.ours}; {self.case.peer}: {self.bare}; CPU ratio {ratio:.2f}"


def write_learning(exports: Path, rows: int, *, is_wide: bool = False) -> Path:
    """A catalogue and an enrolments file of 20 or 40 columns; block by block, so that size costs no memory."""
    folder = exports / "lms"
    folder.mkdir(parents=True)
    numbers = pl.DataFrame({"n": range(COURSES)})
    courses = numbers.select(pl.format("CRS-{}", "n").alias("Course ID"), pl.format("Course {}", "n").alias("Title"))
    courses.write_csv(folder / f"courses_{PERIOD}.csv")
    path = folder / f"enrolments_{PERIOD}.csv"
    random = np.random.default_rng(SEED)
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            block = enrolments(random, start, min(BLOCK, rows - start), rows // 8)
            block = block.with_columns(pl.all().name.suffix(" (Prior)")) if is_wide else block
            block.write_csv(file, include_header=start == 0)
    return path


def enrolments(random: np.random.Generator, start: int, count: int, people: int) -> pl.DataFrame:
    """Rows `start` to `start + count` of the learning system's export, all text."""
    day = random.integers(0, 1000, count)
    minute = random.integers(0, 1440, count)
    drawn = pl.DataFrame(
        {
            "n": np.arange(start, start + count),
            "person": random.integers(0, people, count),
            "course": random.integers(0, COURSES, count),
            "enrolled": (np.datetime64("2023-11-01", "m") + day * 1440 + minute).astype("datetime64[us]"),
            "wait": random.integers(1, 28, count),
            "pick": random.integers(0, 1_000_000, count),
            "approver": random.integers(0, people, count),
        }
    )
    starts = pl.col("enrolled") + pl.duration(days="wait")

    def moment(value: pl.Expr) -> pl.Expr:
        return value.dt.strftime("%d.%m.%Y %H:%M")

    def one_of(every: int, *words: str) -> pl.Expr:
        return (pl.col("pick") // every % len(words)).replace_strict(list(range(len(words))), list(words))

    def worker(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String).str.zfill(7)

    return drawn.select(
        pl.format("E-{}", pl.col("n").cast(pl.String).str.zfill(8)).alias("Enrollment ID"),
        worker("person").alias("Employee ID"),
        pl.format("CRS-{}", "course").alias("Course ID"),
        starts.dt.strftime("%Y-%m").alias("Run"),
        moment(pl.col("enrolled")).alias("Enrolled At"),
        moment(starts).alias("Starts At"),
        moment(starts + pl.duration(days=42)).alias("Due At"),
        one_of(1, "Self", "Manager", "HR").alias("Assigned By"),
        one_of(3, "1", "2", "3").alias("Attempt"),
        pl.format("{},{}", pl.col("pick") % 9, pl.col("pick") % 10).alias("Credits"),
        one_of(9, "School", "Bachelor", "Master").alias("Education"),
        pl.format("CC-{}", pl.col("pick") % 700).alias("Cost Centre"),
        one_of(27, "Berlin", "Lyon", "Porto", "Gdansk").alias("Location"),
        one_of(108, "de", "fr", "pt", "pl", "en").alias("Language"),
        one_of(540, "Online", "Classroom", "Blended").alias("Delivery"),
        pl.format("Provider {}", pl.col("pick") % 60).alias("Provider"),
        pl.format("{},00", pl.col("pick") % 2000).alias("Price"),
        one_of(1620, "EUR", "PLN").alias("Currency"),
        worker("approver").alias("Approver ID"),
        pl.format("Agreed in the review of quarter {}, see plan {}", pl.col("pick") % 4, "n").alias("Comment"),
    )


def write_workers(exports: Path, rows: int) -> Path:
    """The workers' report of a sample company of that size."""
    plan = Plan(rows, "default", SEED)
    path = exports / "workday" / f"HRML_Workers_{PERIOD}.json"
    write_report(path, worker_rows(plan, draw_direct_workers(plan), DELIVERIES["history"]))
    return path


@contextmanager
def place(case: Case, rows: int) -> Iterator[tuple[dict[str, str], Path]]:
    """A temporary folder with the file, and the environment to take it in."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        top = Path(name)
        feeds = FEEDS
        if case == WORKERS:
            feeds = top / "feeds"
            feeds.mkdir()
            shutil.copy(ROOT / "feeds" / "workday_workers.yaml", feeds)
        if case == WORKERS:
            file = write_workers(top / "exports", rows)
        else:
            file = write_learning(top / "exports", rows, is_wide=case == WIDE)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {
            "CANDOR_STORE": f"file://{top}/store",
            "CANDOR_EXPORTS": str(top / "exports"),
            "CANDOR_FEEDS": str(feeds),
        }
        env |= {f"CANDOR_{kind}_KEY": f"{n:064x}" for n, kind in enumerate(("PSEUDONYM", "VAULT", "AUDIT"), 1)}
        yield env, file


def measure(case: Case, rows: int) -> Measured:
    """Ingest and the bare reader over one file, the file warm in memory for both."""
    with place(case, rows) as (env, file):
        code = IJSON if case == WORKERS else POLARS
        words = [sys.executable, "-c", code, str(file), str(file.with_suffix(".parquet"))]
        cost(words, env)
        before = cost(words, env)
        ours = cost([sys.executable, "-m", "pipelines.ingest", "run", "--batch", "bench"], env)
        bare = mean(before, cost(words, env))  # a machine's pace changes within a minute
    return Measured(case, rows, ours, bare)


def figures(sizes: tuple[int, ...] = SIZES, cases: tuple[Case, ...] = (LEARNING, WIDE, WORKERS)) -> list[Figure]:
    """Measure everything; the costs themselves are printed as they come.

    Args:
        sizes: Rows, ascending; the bounds are promised for the last of `SIZES`.
        cases: Which files.
    """
    found = []
    for case in cases:
        measured = [measure(case, rows) for rows in sizes]
        for one in measured:
            print(one.line(), flush=True)
        found += measured[-1].figures()
        if len(sizes) > 1:
            name = f"growth of ingest of {case.name} from {sizes[0]:,} to {sizes[-1]:,} rows"
            found.append(Figure(name, measured[-1].ours.wall / measured[0].ours.wall, GROWTH, "x"))
    return found


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ingest", description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="a size, instead of the promised ones")
    parser.add_argument(
        "--case", choices=[LEARNING.name, WIDE.name, WORKERS.name, company.NAME], help="only one of the files"
    )
    given = parser.parse_args()
    if given.case == company.NAME:
        found = [figure for workers in given.rows or [LARGEST] for figure in company.figures(workers)]
    else:
        cases = tuple(case for case in (LEARNING, WIDE, WORKERS) if given.case in (None, case.name))
        found = figures(tuple(sorted(given.rows)) if given.rows else SIZES, cases)
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
