"""Train a family on a folder, evaluate it on another, and print model and baselines side by side.

`python -m tests.bench.quality FAMILY --train DIR --test DIR --json OUT [--predictions OUT.csv]`

DIR has the files and columns of one set of `shared/data`: `screening` reads resumes, `recommendation` elearning,
`outcomes` outcomes, `performance` productivity. Without `--test` the protocol of that folder's README splits DIR.
"""

import argparse
import importlib
import json
import math
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from polars.exceptions import ColumnNotFoundError

from pipelines.base import stage
from pipelines.base.errors import ContractError
from tests.bench.measure import resident
from tests.bench.quality.judgement import Judgement

FAMILIES: Final = ("screening", "recommendation", "outcomes", "performance")


def report(family: str, judgement: Judgement, peak_mb: float) -> dict[str, Any]:
    """The judgement as JSON: what does not exist is null."""
    return {
        "family": family,
        "metrics": [{key: known(value) for key, value in asdict(metric).items()} for metric in judgement.metrics],
        "train_seconds": judgement.train_seconds,
        "rows_per_second": known(judgement.rows_per_second),
        "baseline_rows_per_second": known(judgement.baseline_rows_per_second),
        "peak_mb": peak_mb,
        "notes": judgement.notes,
    }


def known(value: Any) -> Any:
    """Null for NaN, which JSON lacks."""
    return None if isinstance(value, float) and math.isnan(value) else value


def main(words: Sequence[str] | None = None) -> int:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.quality", description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--train", type=Path, required=True, help="folder that is learnt from")
    parser.add_argument("--test", type=Path, help="folder of a later part that is judged; else the README's protocol")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--predictions", type=Path, help="where a CSV goes that tells every figure again")
    parser.add_argument("--seed", type=int, default=0, help="of everything random but the draws of the intervals")
    given = parser.parse_args(words)
    for folder in (given.train, given.test):
        if folder is not None and not folder.is_dir():
            parser.error(f"{folder} must be a folder with the files of one set; there is none.")
    return stage.guarded(lambda: _told(given))


def _told(given: argparse.Namespace) -> str:
    """Judge, write the files, return what is printed."""
    judge = importlib.import_module(f"tests.bench.quality.{given.family}").judge
    with resident(os.getpid()) as looks:
        try:
            judgement: Judgement = judge(given.train, given.test, given.seed)
        except ColumnNotFoundError as error:
            named = str(error).partition("\n")[0]
            raise ContractError(
                f"Files must have the columns of their set of shared/data; one lacks {named}."
            ) from error
    # the system knows this process's own peak exactly; that of all processes together can be looked for only
    peak_mb = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, max(looks) / 2**20)
    speed = f"trained in {judgement.train_seconds:.1f} s; {judgement.rows_per_second:,.0f} rows scored a second"
    if not math.isnan(judgement.baseline_rows_per_second):
        speed += f", {judgement.rows_per_second / judgement.baseline_rows_per_second:.2f} times as many as the baseline"
    lines = [
        f"{'':<64} {'model':>9} {'baseline':>9} {'delta':>9}",
        *(metric.line() for metric in judgement.metrics),
        *judgement.notes,
        f"{speed}; {peak_mb:,.0f} MB at most",
    ]
    text = json.dumps(report(given.family, judgement, peak_mb), indent=1) + "\n"
    given.json.write_text(text, encoding="utf-8")
    if given.predictions:
        judgement.predictions.write_csv(given.predictions)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
