"""Figures of the drift report: 1,000,000 rows of 30 inputs, against Evidently on the raw frames.

    python -m tests.bench.drift

Ours is what monitoring does with a day: exact PSI of every column over all rows against the release's profile and
against the scoring before, Evidently's report on two samples, JSON and page. The other is Evidently's own preset with
the same method and bound on both frames whole, and its page. CPU seconds are those of the work, imports left out; the
verdicts on all columns must be the same, six of which were made to drift.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from tests.bench.measure import Figure, cost

ROWS: Final = 1_000_000
NUMERIC: Final = 20
CATEGORICAL: Final = 10
SEED: Final = 20_261_101
DAY: Final = date(2026, 10, 31)
DRIFTED: Final = ("number_03", "number_08", "number_15", "number_19", "code_2", "code_7")
WAYS: Final = ("ours", "evidently")


def make(folder: Path, rows: int) -> None:
    """Two frames of inputs: the columns named in `DRIFTED` are moved in the second one, and no other."""
    random = np.random.default_rng(SEED)
    for name, is_later in (("before", False), ("now", True)):
        columns: dict[str, Any] = {}
        for n in range(NUMERIC):
            column = f"number_{n:02}"
            values = random.lognormal(n / 10, 0.5, rows) if n % 3 else random.normal(n, 1 + n / 5, rows)
            moved = values * 1.8 + (1 + n / 5 if n % 3 == 0 else 0)
            columns[column] = moved if is_later and column in DRIFTED else values
        for n in range(CATEGORICAL):
            column, shares = f"code_{n}", np.arange(1, 5 + n, dtype=float)
            shares = shares[::-1] if is_later and column in DRIFTED else shares
            columns[column] = random.choice([f"c{i}" for i in range(len(shares))], rows, p=shares / shares.sum())
        pl.DataFrame(columns).write_parquet(folder / name)


def ours(folder: Path) -> dict[str, bool]:
    """As `monitoring drift` does, from the inputs as they are read to the files that it leaves."""
    from monitoring import drift
    from monitoring.results import Drift
    from monitoring.settings import monitor_settings
    from pipelines.base.store import FileStore

    settings, store = monitor_settings(), FileStore(folder / "store")
    profile = json.loads((folder / "profile.json").read_text())
    before, now = (pl.read_parquet(folder / name) for name in ("before", "now"))
    columns = drift.measured(profile, now, before, settings)
    about: dict[str, Any] = {"family": "performance", "as_of": DAY, "scored_on": DAY, "previous_as_of": DAY}
    result = Drift(status="ok", rows=len(now), columns=columns, **about)
    result = drift._with_report(store, result, profile, (now, before), settings)
    (folder / "drift.json").write_text(result.model_dump_json(indent=1))
    return {column.column: column.is_drifted for column in result.columns}


def evidently(folder: Path) -> dict[str, bool]:
    """Evidently's preset on both frames whole."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    from monitoring.settings import monitor_settings

    bound = monitor_settings().psi
    frames = [pl.read_parquet(folder / name) for name in ("before", "now")]
    numeric = [name for name, kind in frames[0].schema.items() if kind.is_numeric()]
    definition = DataDefinition(
        numerical_columns=numeric, categorical_columns=[name for name in frames[0].columns if name not in numeric]
    )
    before, now = (Dataset.from_pandas(frame.to_pandas(), data_definition=definition) for frame in frames)
    snapshot = Report([DataDriftPreset(num_method="psi", cat_method="psi", threshold=bound)]).run(now, before)
    snapshot.save_html(str(folder / "evidently.html"))
    found = [metric for metric in snapshot.dict()["metrics"] if metric["metric_name"].startswith("ValueDrift")]
    return {metric["config"]["column"]: float(metric["value"]) >= bound for metric in found}


def measured(way: str, folder: Path) -> tuple[float, dict[str, bool], float]:
    """CPU seconds of the work in a process of its own, the verdict of each column, and the process' GiB."""
    spent = cost(
        [sys.executable, "-m", "tests.bench.drift", way, str(folder)], {**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    told = json.loads((folder / f"{way}.json").read_text())
    return told["cpu"], told["verdicts"], spent.peak


def figures(rows: int = ROWS) -> list[Figure]:
    """The figures of the drift report and their bounds."""
    from pipelines.base.profiles import profile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, rows)
        inputs = pl.read_parquet(folder / "before").with_columns(person_id=pl.int_range(pl.len()).cast(pl.String))
        (folder / "profile.json").write_text(json.dumps(profile(inputs, 10, 10)))
        (cpu, verdicts, peak), (whole, theirs, _) = (measured(way, folder) for way in WAYS)
    assert {column for column, is_drifted in verdicts.items() if is_drifted} == set(DRIFTED)
    told = f"drift report, {rows:,} rows of {NUMERIC + CATEGORICAL} inputs"
    differ = sum(verdicts[column] != theirs[column] for column in verdicts)
    return [
        Figure(f"{told} / Evidently on the raw frames, CPU", cpu / whole, 0.15, "x"),
        Figure(f"{told}: columns judged differently", differ, 0, ""),
        Figure(f"{told}: memory", peak, 2, "GiB"),
    ]


def main(words: list[str]) -> int:
    """Do one piece of work, or measure; exit code 1 when a figure is above its bound."""
    if words:
        way, folder = words[0], Path(words[1])
        importlib.import_module("monitoring._evidently")  # what it takes is not the report's
        work = {"ours": ours, "evidently": evidently}[way]
        began = time.process_time()
        verdicts = work(folder)
        told = {"cpu": time.process_time() - began, "verdicts": verdicts}
        (folder / f"{way}.json").write_text(json.dumps(told))
        return 0
    began = datetime.now(UTC)
    found = figures()
    print("\n".join(figure.line() for figure in found))
    print(f"measured in {(datetime.now(UTC) - began).seconds} s")
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
