"""The whole road at 200 workers with its store on a real S3 server, over the same in a folder: one run, one machine.

    python -m tests.bench.roads [--workers N]

Each is the command that a stranger types, in a folder of its own. Ceph's gateway is started before and not counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.setup import radosgw
from tests.bench.measure import ROOT, Figure

WORKERS: Final = 200
BOUND: Final = 1.5


def road(var: Path, workers: int, given: Mapping[str, str]) -> float:
    """Seconds of `make run` after set-up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CANDOR_", "AIRFLOW"))}
    words = [sys.executable, "-m", "infra.run", "run", "--workers", str(workers), "--var", str(var)]
    done = subprocess.run(words, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The road must succeed; got exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return float(json.loads((var / "summary.json").read_text())["seconds"]["in all"])


@contextmanager
def gateway(folder: Path) -> Iterator[dict[str, str]]:
    """An empty store on a server of its own, as the environment names it."""
    server = radosgw.start(folder)
    try:
        radosgw.add_bucket(server, "plain", is_locked=False)
        radosgw.add_bucket(server, "locked")
        yield {**server.environment(), "CANDOR_STORE": "s3://plain/acme?locked=locked&retain_days=1"}
    finally:
        radosgw.stop(folder)


def figures(workers: int = WORKERS) -> list[Figure]:
    """The ratio; both times are printed."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        folder = road(Path(name) / "on a folder", workers, {})
        with gateway(Path(name) / "radosgw") as given:
            bucket = road(Path(name) / "on s3", workers, given)
    print(f"the whole road, {workers} workers: {folder:.0f} s on a folder, {bucket:.0f} s on radosgw")
    return [Figure(f"the whole road ({workers} workers) on radosgw / on a folder", bucket / folder, BOUND, "x")]


def main() -> int:
    """Measure and print; exit code 1 when the figure is above its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.roads", description=__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS)
    found = figures(parser.parse_args().workers)
    print("\n".join(figure.line() for figure in found))
    return int(not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
