"""Check the rows that `pipelines.ingest validate` laid out in a folder. Rows that fail are a result: exit code 0."""

import argparse
import sys
from pathlib import Path

from pipelines.base.stage import guarded
from pipelines.validate.batch import run


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.validate", description=__doc__)
    parser.add_argument("folder", type=Path, help="rows/, known/ and rejected.parquet; results go beside them")
    folder = parser.parse_args().folder
    return guarded(lambda: run(folder))


if __name__ == "__main__":
    sys.exit(main())
