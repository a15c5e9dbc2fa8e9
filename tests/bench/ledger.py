"""Figures of proving a ledger of 1,000,000 events: every entry, every sealed copy, by the command that people use.

    python -m tests.bench.ledger

The entries are those of daily scoring, as the ledger writes them. They are written without waiting for the disk, which
is not what is measured: 1,000,000 appends would wait for two million syncs.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from pipelines.audit import Entry, Tag
from pipelines.audit.ledger import GENESIS
from pipelines.audit.segments import STRETCH, key, segment_key
from pipelines.base.catalog import FAMILIES, SEGMENTS
from pipelines.base.digests import sha256_bytes
from tests.bench.measure import Figure, cost

EVENTS: Final = 1_000_000


def make(folder: Path, events: int, stretch: int = STRETCH) -> None:
    """A ledger of so many events below an empty folder, its closed stretches sealed."""
    (folder / SEGMENTS).mkdir(parents=True)
    before, closed = GENESIS, list[bytes]()
    for sequence in range(1, events + 1):
        facts = {
            "as_of": "2026-10-31",
            "kind": "release",
            "model_sha256": sha256_bytes(b"model"),
            "people": sequence,
            "run_id": f"scheduled__2026-10-31T00:00:00+00:00_{sequence}",
            "scores_sha256": sha256_bytes(str(sequence).encode()),
        }
        family = FAMILIES[sequence % len(FAMILIES)]
        at = f"2026-10-31T00:00:00.{sequence % 1_000_000:06d}+00:00"
        data = Entry(sequence, Tag.PEOPLE_SCORED, family, facts, at, before).to_json()
        (folder / key(sequence)).write_bytes(data)
        before = sha256_bytes(data)
        closed.append(data)
        if sequence % stretch == 0:
            (folder / segment_key(sequence, stretch)).write_bytes(b"".join(closed))
            closed.clear()


def figures(events: int = EVENTS) -> list[Figure]:
    """Seconds and memory of `python -m pipelines.audit verify`."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        make(Path(name), events)
        words = [sys.executable, "-m", "pipelines.audit", "verify"]
        took = cost(words, {**os.environ, "CANDOR_STORE": f"file://{name.replace(' ', '%20')}"})
    print(f"ledger of {events} events: {took}")
    return [
        Figure(f"ledger verify, {events:,} events", took.wall, 20, "s"),
        Figure(f"ledger verify, {events:,} events: memory", took.peak, 1, "GiB"),
    ]


if __name__ == "__main__":
    found = figures(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
    print("\n".join(figure.line() for figure in found))
    sys.exit(int(not all(figure.holds for figure in found)))
