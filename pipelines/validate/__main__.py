"""Check the rows that `pipelines.ingest validate` laid out in a folder. Rows that fail are a result: exit code 0.

Without a folder, get ready first and take the folder from standard input, then the name of each table once its rows are
there: what is laid out is checked while the next is. Nothing is done when that ends before the last one.
With `--suites`, print what every table is checked for, as JSON in the words of Great Expectations, and check nothing.
"""

import argparse
import json
import sys
from pathlib import Path

from pipelines.base.contracts import TABLES
from pipelines.base.stage import guarded, leave
from pipelines.validate.batch import run
from pipelines.validate.engine import context
from pipelines.validate.suites import suite


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.validate", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="rows/, known/ and rejected.parquet; results go beside them"
    )
    parser.add_argument("--suites", action="store_true", help="print the suites, generated from the contracts")
    given = parser.parse_args()
    folder: Path | None = given.folder
    if given.suites:
        return guarded(lambda: json.dumps({name: suite(table) for name, table in TABLES.items()}, indent=1))
    return guarded(lambda: run(folder) if folder else _when_told())


def _when_told() -> str | None:
    context()
    told = (line.rstrip("\n") for line in iter(sys.stdin.readline, ""))
    try:
        return run(Path(next(told)), told)
    except StopIteration:  # whoever lays out says why it ended
        return None


if __name__ == "__main__":
    leave(main())
