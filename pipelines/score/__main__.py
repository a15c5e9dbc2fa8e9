"""Command line of `pipelines.score`."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pipelines.score
from pipelines.base.catalog import FAMILIES
from pipelines.base.stage import guarded, leave
from pipelines.base.stage import main as stage_main
from pipelines.score import people, stage

_DATED = {"people": people.run, "outcomes": people.run_outcomes}


def main(argv: Sequence[str] | None = None) -> int:
    """Start what the words ask for. `outcomes` alone is the family of that name."""
    words = list(sys.argv[1:] if argv is None else argv)
    is_dated = len(words) > 1 and words[0] in _DATED and words[1] in FAMILIES
    if not is_dated:
        return stage_main(stage.run, pipelines.score.__doc__, words)
    parser = argparse.ArgumentParser(
        description=pipelines.score.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=_DATED)
    parser.add_argument("family", choices=FAMILIES, help="which model family")
    parser.add_argument("--as-of", type=_day, default=None, help="the day (default, or when empty: today)")
    args = parser.parse_args(words)
    today = args.as_of or datetime.now(UTC).date()
    return guarded(lambda: _DATED[args.what](args.family, today))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


if __name__ == "__main__":
    leave(main())
