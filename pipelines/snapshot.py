"""Pin the lake, and take what one family needs from it.

    python -m pipelines.snapshot pin [--as-of DAY]   writes lake.lock
    python -m pipelines.snapshot FAMILY               the reproducible stage

Reads   lake       the newest manifest (`pin`), then exactly the manifest that lake.lock names
Writes  lake.lock  manifest, version, rows and digest of every table, and the day that each family sees
        snapshot   the tables as known at the end of that day: resolved, consenting people only, each under a key
        keys       a key for everybody who has none yet

The lock holds no path: two installations with the same data have the same lock. The snapshot leaves out which manifest
it came from, so that news which do not touch a family do not rerun it.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.base import keys, known, snapshots
from pipelines.base.catalog import FAMILIES, LAKE_LOCK, SNAPSHOT, stage_dir
from pipelines.base.lake import Lake, Manifest
from pipelines.base.locks import lake_lock
from pipelines.base.log import get_logger
from pipelines.base.stage import guarded, leave
from pipelines.base.store import open_store
from pipelines.models import features

PROTECTED = "protected"


def lock(manifest: Manifest, days: dict[str, date]) -> dict[str, Any]:
    """The content of lake.lock.

    Args:
        manifest: The state of the lake to pin.
        days: Family -> `as_of`.
    """
    protected = manifest.tables.get(PROTECTED)
    return {
        "as_of": {family: days[family].isoformat() for family in sorted(days)},
        "manifest": {"seq": manifest.seq, "sha256": manifest.sha256},
        "protected_sha256": protected.sha256 if protected else None,
        "tables": {name: asdict(manifest.tables[name]) for name in sorted(manifest.tables)},
    }


def pin(today: date, root: Path | None = None) -> str:
    """Write lake.lock for the newest manifest.

    Args:
        today: No family sees anything known later.
        root: The checkout; the working directory by default.

    Returns:
        The line to print.
    """
    lake = Lake(open_store())
    manifest = lake.require()
    days = {f: known.day_known(lake, manifest, features(f).TABLES, today) for f in FAMILIES}
    text = json.dumps(lock(manifest, days), indent=1, sort_keys=True) + "\n"
    file = (root or Path()) / LAKE_LOCK
    staged = file.with_suffix(".tmp")
    staged.write_text(text, encoding="utf-8")
    staged.replace(file)
    seen = ", ".join(f"{family} {day}" for family, day in days.items())
    return f"{LAKE_LOCK} pins manifest {manifest.seq}: {seen}"


def run(family: str, root: Path | None = None) -> str:
    """Write a family's snapshot from the pinned lake.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Returns:
        The line to print.

    Raises:
        ContractError: No lock, or the store is not the one it was written for.
    """
    locked = lake_lock(root)
    lake = Lake(open_store())
    manifest = locked.manifest(lake)
    as_of = locked.as_of(family)
    tables, counts = known.read_people(lake, manifest, features(family).TABLES, as_of, features(family).VERSIONED)
    folder = stage_dir(family, SNAPSHOT, root)
    snapshots.write(folder, tables, keys.ensure(lake.store, snapshots.people(tables)))
    report = {"family": family, "as_of": as_of.isoformat(), "tables": counts}
    (folder / "report.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    rows = sum(count["rows"] for count in counts.values())
    get_logger("snapshot").info("snapshot_written", family=family, as_of=as_of.isoformat(), rows=rows)
    return f"snapshot of {family} as of {as_of}: {rows} rows in {len(tables)} tables"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the docstring of this module is its help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pin", *FAMILIES), help="`pin`, or the family to take")
    parser.add_argument("--as-of", type=date.fromisoformat, help="pin nothing known after this day (default: today)")
    args = parser.parse_args(argv)
    if args.what == "pin":
        return guarded(lambda: pin(args.as_of or datetime.now(UTC).date()))
    return guarded(lambda: run(args.what))


if __name__ == "__main__":
    leave(main())
