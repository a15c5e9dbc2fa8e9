"""A million workers scored, resumes and learners with reasons, and what training spends beside the network's own fit.

Workers are drawn: three measures of twelve steps, ratings, a job family; for screening, resumes; for recommendation,
courses that learners took. Scoring runs in a
process of its own, which is measured from its start; its memory holds the cases as well.

Resumes and learners are scored as every day (`rows.scored`: score, decision, reasons), after a first answer that
prepares the graphs.

Training throughput is the share of all the CPU seconds of `network.fit` that Keras's `model.fit` takes, which gets the
network's arrays ready made: what is left is reading, the vocabulary, the forest, the bands, saving.

`python -m tests.bench.models [--workers N]`
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base.contracts import TABLES
from pipelines.base.settings import MinPeople, Section, load
from pipelines.models import features, network
from pipelines.models.determinism import determined
from pipelines.models.performance.features import Train
from pipelines.models.performance.steps import STEPS
from pipelines.models.screening.features import Train as Screening
from pipelines.score import rows
from tests.bench.measure import Figure, cost
from tests.bench.quality.recommendation import tables

WORKERS: Final = 1_000_000
LEARNT: Final = 6000
MEASURES: Final = ("absence_days", "output", "overtime_hours")
RESUMES: Final = 800
SCORED: Final = 2000
"""Resumes, and learners, that are scored with reasons."""
COURSES: Final = 150
TAKEN: Final = 12
"""Courses of a learner."""
_FAMILIES: Final = 6
_WORDS: Final = 600
"""Of a resume; it begins with its title line, and every tenth word is one of its own family's."""
_STEPS: Final = 12
_RECENT: Final = 3
_PART: Final = 100_000


def drawn(count: int, seed: int) -> pl.DataFrame:
    """[count] cases as `features.cases` gives them, with an outcome that their ratings and output tell of."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "person_id": pl.int_range(count, eager=True).cast(pl.String),
        "subject_id": pl.repeat("2026-06-30", count, eager=True),
        "target_code": pl.repeat("rating", count, eager=True),
        "rating_last": rng.random(count),
        "rating_mean": rng.random(count),
        "rating_count": rng.integers(0, 6, count).astype(np.float64),
        "job_family_code": rng.choice(["A", "B", "C", "D"], count),
    }
    for measure in MEASURES:
        steps = rng.random((count, _STEPS))
        mean = steps.mean(axis=1)
        columns |= {
            measure: steps[:, -1],
            f"{measure}__mean": mean,
            f"{measure}__trend": steps[:, -_RECENT:].mean(axis=1) - mean,
            f"{measure}{STEPS}": pl.Series(steps, dtype=pl.Array(pl.Float64, _STEPS)).arr.to_list(),
        }
    told = pl.col("rating_last") * 0.6 + pl.col("output__mean") * 0.3 + pl.Series(rng.random(count)) * 0.1
    return pl.DataFrame(columns).with_columns(outcome=told)


def applied(count: int, seed: int) -> pl.DataFrame:
    """Two cases of each of [count] resumes: advanced for its own job family's requisition, rejected for another."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, _FAMILIES, count)
    words = np.minimum(rng.zipf(1.3, (count, _WORDS)), 20_000)
    is_own = rng.random(words.shape) < 0.1
    named = np.where(is_own, own[:, None] * 100 + words % 50 + 20_001, words).astype(str)
    resumes = [f"title{family}\n" + " ".join(row) for family, row in zip(own, named, strict=True)]
    wanted = [" ".join(str(family * 100 + word + 20_001) for word in range(50)) for family in range(_FAMILIES)]
    row = np.repeat(np.arange(count), 2)
    asked = np.column_stack([own, (own + rng.integers(1, _FAMILIES, count)) % _FAMILIES]).ravel()
    return pl.DataFrame(
        {
            "person_id": row.astype(str),
            "subject_id": asked.astype(str),
            "target_code": pl.repeat("advanced", len(row), eager=True),
            "resume_text": pl.Series(resumes).gather(row),
            "requisition_text": pl.Series(wanted).gather(asked),
            "job_family_code": asked.astype(str),
            "outcome": (own[row] == asked).astype(np.float64),
        }
    )


def learners(count: int, seed: int) -> dict[str, pl.DataFrame]:
    """Canonical tables in which each of [count] learners took courses, most of them near the one before."""
    rng = np.random.default_rng(seed)
    walks = (
        np.cumsum(rng.zipf(1.6, (count, TAKEN)) % COURSES, axis=1) + rng.integers(0, COURSES, (count, 1))
    ) % COURSES
    day = datetime(2026, 1, 1, tzinfo=UTC)
    person = pl.Series(np.arange(count).astype(str))
    taken = pl.DataFrame({"user_id": person, "item_id": walks.astype(str)}).explode("item_id").with_columns(
        at=day + pl.duration(days=pl.int_range(pl.len()).over("user_id"))
    )  # fmt: skip
    known = {"known_from": day, "known_from_basis": "source"}
    rows = [{"course_id": str(n), "title": f"course {n}", "topic_code": f"t{n % 9}"} | known for n in range(COURSES)]
    there = dict.fromkeys(TABLES["courses"].schema)
    courses = pl.DataFrame([there | row for row in rows], schema_overrides=TABLES["courses"].schema)
    staff = dict.fromkeys(TABLES["workers"].schema) | {"hired_at": day.date(), "worker_type_code": "employee"} | known
    workers = pl.DataFrame(
        [staff | {"person_id": name, "job_family_code": "A"} for name in person],
        schema_overrides=TABLES["workers"].schema,
    )
    return tables(taken, courses, workers)


def taught(name: str, cases: pl.DataFrame, settings: Section, folder: Path) -> float:
    """Train into `folder`: CPU seconds of Keras's fit, as a share of all that training took."""
    family, spent = network(name), []
    import keras  # after the family, which sets what TensorFlow reads at its import
    import sklearn.ensemble  # noqa: F401  # an import is no training

    split = pl.when(pl.int_range(pl.len()) < 0.85 * len(cases)).then(pl.lit("train")).otherwise(pl.lit("valid"))
    own = keras.Model.fit

    def timed(*given: Any, **more: Any) -> Any:
        began = time.process_time()
        history = own(*given, **more)
        spent.append(time.process_time() - began)
        return history

    determined(0)
    keras.Model.fit = timed
    began = time.process_time()
    family.fit(cases.with_columns(split=split), settings, folder, 0, load(MinPeople, "privacy").min_people)
    keras.Model.fit = own
    return sum(spent) / (time.process_time() - began)


def reasoned(family: str, cases: pl.DataFrame, folder: Path) -> tuple[float, float]:
    """CPU seconds of scoring `cases` with decisions and reasons, and of their scores alone."""
    decide, stamp = load(features(family).Decide, family, "decide"), rows.Stamp("model", "data", date(2026, 6, 30))

    def whole(asked: pl.DataFrame) -> pl.DataFrame:
        return rows.scored(family, folder, asked, "model", stamp, decide=decide)

    def took(said: Callable[[pl.DataFrame], pl.DataFrame]) -> float:
        began = time.process_time()
        said(cases)
        return time.process_time() - began

    whole(cases.head(50))
    return took(whole), took(lambda asked: network(family).predict(folder, asked, "model"))


def recommended(folder: Path) -> tuple[float, float]:
    """As `reasoned`: everybody's lists of next courses, by a model that learnt from the same people."""
    family, module, least = "recommendation", features("recommendation"), load(MinPeople, "privacy").min_people
    given, prepare = learners(SCORED, 3), load(module.Prepare, "recommendation", "prepare")
    settings = load(module.Train, family, "train").model_copy(update={"epochs": 1})  # how good it is, is no matter
    network(family).fit(module.examples(given, prepare), settings, folder, 0, least)
    return reasoned(family, module.cases(given, prepare, date(2026, 6, 30)), folder)


def score(folder: Path) -> None:
    """Score what `main` put into `folder`, and print seconds and gigabytes."""
    scored = network("performance").predict(folder / "model", pl.read_parquet(folder / "cases"), "model")
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(scored)} workers, {scored['score'].null_count()} without a score, {gib:.2f} GiB")


def figures(workers: int) -> list[Figure]:
    """What is measured, beside its bounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shares = {
            "performance": taught(
                "performance", drawn(LEARNT, 1), load(Train, "performance", "train"), folder / "model"
            ),
            "screening": taught(
                "screening", applied(RESUMES, 1), load(Screening, "screening", "train"), folder / "other"
            ),
        }
        asked = applied(SCORED, 2).unique("person_id", keep="first", maintain_order=True).drop("outcome")
        resumes, lists = reasoned("screening", asked, folder / "other"), recommended(folder / "lists")
        (folder / "cases").mkdir()
        for start in range(0, workers, _PART):
            part = drawn(min(_PART, workers - start), 2 + start).drop("outcome")
            part.write_parquet(folder / "cases" / f"{start:09d}.parquet")
        took = cost([sys.executable, "-m", "tests.bench.models", "--score", name], os.environ)
    return [
        Figure(f"performance: {workers:,} workers scored, wall", took.wall, 60, "s"),
        Figure(f"performance: {workers:,} workers scored, CPU", took.cpu, 60, "s"),
        Figure(f"performance: {workers:,} workers scored, memory", took.peak, 3, "GiB"),
        Figure(f"screening: {SCORED:,} resumes to scores and reasons, CPU", resumes[0], 7, "s"),
        Figure("screening: the same / scores alone, CPU", resumes[0] / resumes[1], 20, ""),
        Figure(f"recommendation: {SCORED:,} learners to lists and reasons, CPU", lists[0], 3, "s"),
        Figure("recommendation: the same / scores alone, CPU", lists[0] / lists[1], 20, ""),
        *(
            Figure(f"{family}: the network's own fit, share of training", share, 0.8, "", is_floor=True)
            for family, share in shares.items()
        ),
    ]


def main() -> int:
    """Measure and print; 1 if a figure misses its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.models", description=__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS, help="how many are scored")
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.score:
        score(given.score)
        return 0
    found = figures(given.workers)
    print("\n".join(figure.line() for figure in found))
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
