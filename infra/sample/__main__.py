"""Write the sample company's exports, or print the truths planted in them.

python -m infra.sample --out var/sample/exports --delivery history --workers 2000
python -m infra.sample truths --workers 2000
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from infra.sample import LARGEST, SMALLEST
from infra.sample.exports import write
from infra.sample.plan import DELIVERIES, Plan
from infra.sample.truths import truths


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write; one line a file."""
    parser = argparse.ArgumentParser("python -m infra.sample", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("write", "truths"), default="write")
    parser.add_argument("--out", type=Path, help="the company's exports folder")
    parser.add_argument("--delivery", choices=tuple(DELIVERIES))
    parser.add_argument("--workers", type=int, default=2_000)
    parser.add_argument("--kind", choices=("default", "biased"), default="default")
    parser.add_argument("--seed", type=int, default=20_231_101)
    parser.add_argument("--resumes-max", type=int, default=None, help="at most so many resumes a delivery")
    given = parser.parse_args(arguments)
    if not SMALLEST <= given.workers <= LARGEST or given.seed < 0:
        parser.error(f"--workers must be between {SMALLEST} and {LARGEST}, and --seed at least 0")
    plan = Plan(given.workers, given.kind, given.seed)
    if given.command == "truths":
        print(json.dumps(truths(plan), indent=2))
        return 0
    if given.out is None or given.delivery is None:
        parser.error("--out and --delivery must be given")
    write(plan, DELIVERIES[given.delivery], given.out, given.resumes_max, lambda name, rows: print(f"{name} {rows}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
