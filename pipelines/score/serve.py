"""Whether a trained model can serve: in a process of its own that has seen nothing but the model and some cases.

Reads   trained    model
        prepared   examples.parquet, a sample of the test cases
        scored     what the stage had said about the same cases
Prints  one line of JSON: seconds to the first answer, seconds for one case, megabytes, the greatest difference

`stage` starts it and holds what it says against `serve` in params.yaml. Only that is kept, as checks that passed or
not: seconds are never the same twice, and equal models must leave equal bytes. The log has the seconds.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

import pipelines
from pipelines.base.catalog import FAMILIES, PREPARED, SCORED, TRAINED, stage_dir
from pipelines.base.settings import Count, Positive, Section
from pipelines.base.stage import leave
from pipelines.models import network
from pipelines.score.rows import KEYS

SAME: Final = 1e-5
"""How far two answers to one question may differ: sums of single precision depend on what is answered beside them."""
_REPEATS: Final = 3
_STATUS: Final = Path("/proc/self/status")


class Serve(Section):
    """`serve` in params.yaml: what a model must keep to before anybody waits for its answers."""

    cases: Count
    """Test cases that are asked about again."""
    start_seconds: Positive
    """From the start of the process to the first answer; libraries are read within it."""
    answer_seconds: Positive
    """For one case, once it is started."""
    memory_mb: Count
    """Most that the process ever held."""


def measured(family: str, root: Path, cases: int, began: float) -> dict[str, float]:
    """Load the model and ask it again.

    Args:
        family: Whose.
        root: The checkout.
        cases: How many test cases, by order of their keys.
        began: Of `time.monotonic`, when the process started.

    Returns:
        start_seconds, answer_seconds, memory_mb, asked (answers compared), difference (greatest; NaN where the answers
        are not about the same, or one is no number).
    """
    folder = stage_dir(family, TRAINED, root) / "model"
    examples = pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet")
    test = examples.filter(pl.col("split") == "test").sort(KEYS)
    people = test["person_id"].unique(maintain_order=True).head(cases)
    some = test.filter(pl.col("person_id").is_in(people.implode()))
    one = some.filter(pl.col("person_id") == people[0])
    predict = network(family).predict
    predict(folder, one, "model")
    started = time.monotonic() - began
    took = []
    for _ in range(_REPEATS):
        before = time.monotonic()
        predict(folder, one, "model")
        took.append(time.monotonic() - before)
    again = predict(folder, some, "model").select(*KEYS, again="score")
    said = pl.read_parquet(stage_dir(family, SCORED, root) / "scored.parquet")
    said = said.filter((pl.col("scorer") == "model") & pl.col("person_id").is_in(people.implode()))
    both = said.select(*KEYS, "score").join(again, on=list(KEYS), how="full", nulls_equal=True)
    apart = (both["score"] - both["again"]).abs()
    is_known = len(both) > 0 and apart.null_count() == 0 and not apart.is_nan().any()
    return {
        "start_seconds": started,
        "answer_seconds": statistics.median(took),
        "memory_mb": _peak_mb(),
        "asked": len(both),
        "difference": float(apart.max()) if is_known else math.nan,  # type: ignore[arg-type]  # of floats
    }


def judged(found: dict[str, Any] | None, settings: Serve) -> list[dict[str, Any]]:
    """The checks of the infrastructure, each passed or not. What was not measured has not passed.

    Args:
        found: What `measured` gave; None where the process did not get that far.
        settings: The bounds.
    """
    checks = [_check("loads", found is not None, "It must load in a fresh process and answer.", "It did not.")]
    for name in ("start_seconds", "answer_seconds", "memory_mb"):
        most, got = getattr(settings, name), _number(found, name)
        checks.append(_check(name, got <= most, f"{name} must be at most {most:g}.", f"It was {got:.3g}."))
    apart = _number(found, "difference")
    told = f"It must answer as `score` did, within {SAME:g}."
    return [*checks, _check("same_answers", apart <= SAME, told, f"The greatest difference is {apart:.3g}.")]


def ask(family: str, root: Path | None, settings: Serve) -> dict[str, Any] | None:
    """Start the process and wait for what it measured; None when it fails or takes far too long."""
    top = Path(pipelines.__file__).parents[1]
    command = [sys.executable, "-m", "pipelines.score.serve", family, "--root", str((root or Path()).absolute())]
    environment = os.environ | {"PYTHONPATH": str(top)}
    longest = settings.start_seconds + (_REPEATS + settings.cases) * settings.answer_seconds
    try:
        done = subprocess.run(
            [*command, "--cases", str(settings.cases)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=longest,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; `stage` is the one that calls it."""
    began = time.monotonic() - time.process_time()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout")
    parser.add_argument("--cases", type=int, required=True, help="test cases that are asked about again")
    args = parser.parse_args(argv)
    print(json.dumps(measured(args.family, args.root, args.cases, began)))
    return 0


def _peak_mb() -> float:
    """Of this process since it began, by Linux; what its parent held before does not count, as it would in rusage."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _number(found: dict[str, Any] | None, name: str) -> float:
    value = (found or {}).get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _check(name: str, passed: bool, must: str, got: str) -> dict[str, Any]:
    return {"check": name, "passed": bool(passed), "reason": must if passed else f"{must} {got}"}


if __name__ == "__main__":
    leave(main())
