"""Attack the readers, one after the other, and keep what breaks one as a file.

    make fuzz                              every target for FUZZ_SECONDS=300 each
    make fuzz READER=hdl FUZZ_SECONDS=60   one of them

A finding is an input that makes a reader raise anything but a refusal, lose a row, hang, or take too much memory. It
lies in `var/fuzz/found/<target>/`; mend the reader, then put the smallest form of it into
`tests/fuzz/corpus/<target>/`, which `make test` replays. What was learnt of a target stays in
`var/fuzz/corpus/<target>/` and begins the next run.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fuzz.targets import CORPUS, TARGETS

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "var" / "fuzz"
BOUNDS: Final = {"timeout": 20, "rss_limit_mb": 2048, "max_len": 100_000}
"""Of one input: seconds, megabytes of the process that reads it, bytes."""


def learnt(name: str) -> Path:
    """The folder that a target's run begins with: sound files, and what earlier runs found to be new."""
    folder = FOLDER / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    return folder


def words(name: str, seconds: int, found: Path) -> list[str]:
    """How a target is attacked."""
    folders = [str(learnt(name)), *(str(folder) for folder in [CORPUS / name] if folder.is_dir())]
    bounds = [f"-{bound}={value}" for bound, value in BOUNDS.items()]
    ends = [f"-max_total_time={seconds}", f"-artifact_prefix={found}/", "-verbosity=0", "-print_final_stats=1"]
    return [sys.executable, "-m", "tests.fuzz.harness", name, *bounds, *ends, *folders]


def attack(name: str, seconds: int) -> bool:
    """Attack a target for a while; whether it held."""
    found = FOLDER / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    print(f"{name}: {seconds} s", flush=True)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("CANDOR_")}
    done = subprocess.run(words(name, seconds, found), cwd=ROOT, env=plain | {"POLARS_MAX_THREADS": "1"}, check=False)
    print(f"{name}: {'held' if done.returncode == 0 else f'broken, see {found}'}", flush=True)
    return done.returncode == 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of each target")
    parser.add_argument("--reader", choices=list(TARGETS), help="one target alone")
    given = parser.parse_args(argv)
    names = [given.reader] if given.reader else list(TARGETS)
    held = [attack(name, given.seconds) for name in names]  # each of them, whatever became of the others
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
