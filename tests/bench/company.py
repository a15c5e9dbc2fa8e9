"""The largest sample company, written by the generator and taken in by ingest, delivery after delivery.

Neither is a peer for the other, so seconds are only printed; what is bound is memory, which must not grow with the
company. Resumes are capped by the generator, as its docstring says.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.sample import LARGEST
from tests.bench.measure import ROOT, Cost, Figure, cost

NAME: Final = "company"
PERIODS: Final = {"history": "2026-09", "month36": "2026-10"}
GIB: Final = 3.0


def figures(workers: int = LARGEST) -> list[Figure]:
    """Write and take in both deliveries; rows and costs are printed as they come."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        env, exports = _environment(Path(name)), Path(name) / "exports"
        peaks: dict[str, float] = {}
        for delivery, period in PERIODS.items():
            size = ["--delivery", delivery, "--workers", str(workers)]
            wrote = cost([sys.executable, "-m", "infra.sample", "--out", str(exports), *size], env)
            took = cost([sys.executable, "-m", "pipelines.ingest", "run", "--batch", delivery], env)
            files: dict[str, int] = json.loads((exports / "_deliveries" / f"{period}.json").read_text())["files"]
            print(_line(workers, delivery, files, wrote, took), flush=True)
            for part, spent in (("generator", wrote), ("ingest", took)):
                peaks[part] = max(peaks.get(part, 0.0), spent.peak)
    what = f"sample company of {workers:,} workers, both deliveries"
    return [Figure(f"{part} of a {what}, peak memory", peak, GIB, "GiB") for part, peak in peaks.items()]


def _line(workers: int, delivery: str, files: dict[str, int], wrote: Cost, took: Cost) -> str:
    rows = ", ".join(f"{name.split('/')[-1].split('.')[0]} {count:,}" for name, count in files.items())
    total = sum(files.values())
    return f"{workers:,} workers, {delivery}: {total:,} rows ({rows})\n  generator: {wrote}\n  ingest: {took}"


def _environment(top: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    zones = {"CANDOR_STORE": f"file://{top}/store", "CANDOR_EXPORTS": str(top / "exports")}
    keys = {f"CANDOR_{kind}_KEY": f"{n:064x}" for n, kind in enumerate(("PSEUDONYM", "VAULT", "AUDIT"), 1)}
    return {**kept, **zones, **keys, "CANDOR_FEEDS": str(ROOT / "feeds")}
