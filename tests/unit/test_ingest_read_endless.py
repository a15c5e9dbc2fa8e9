"""A line of a gibibyte: each reader refuses it by its first megabytes, in the memory that any file takes.

In a process of its own, whose peak of memory is that of this alone.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.read import dialect
from tests.unit.conftest import declared
from tests.unit.test_ingest_read_round_trips import OPTIONS, ZIPPED

SIZE = 1 << 30
BEGINS = {
    "csv": (b"a,b\n1,", "record_too_large"),
    "csv header": (b"", "record_too_large"),
    "csv quoted": (b'a,b\n1,"', "record_too_large"),
    "workday_json": (b'{"data": [{"a": "', "record_too_large"),
    "json_records": (b'{"data": [{"a": "', "record_too_large"),
    "ndjson": (b'{"a": "', "record_too_large"),
    "xml_records": (b"<rows><row><a>", "record_too_large"),
    "fixed_width": (b"", "record_too_large"),
    "recorded": (b"T,", "record_too_large"),
}
"""How the line begins, and why it is refused. What is in an archive is bounded by what that may unpack to."""
MOST = 400 << 20
"""Bytes above those of a process that read a small file."""


def attack(folder: Path) -> dict[str, str]:
    """What becomes of each; the line is written once, and its beginning over it."""
    path, found = folder / "in", {}
    with path.open("wb") as file:
        for _ in range(SIZE >> 24):
            file.write(b"x" * (1 << 24))
    unit = Unit("u", "f", "in", "0" * 64, SIZE, {}, "")
    for name, (begin, _) in BEGINS.items():
        with path.open("r+b") as file:
            file.write(begin)
        reader = name.partition(" ")[0]
        try:
            dialect(reader).read(path, folder, declared(reader, OPTIONS[reader]), unit)
        except Held as held:
            found[name] = held.reason_code
        with path.open("r+b") as file:
            file.write(b"x" * 64)
    return found


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        before = peak()
        found = attack(Path(folder))
        print(json.dumps([found, peak() - before]))


def test_a_line_of_a_gibibyte_is_refused_in_bounded_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.test_ingest_read_endless", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found, grown = json.loads(done.stdout)
    assert found == {name: reason for name, (_, reason) in BEGINS.items()}
    assert {name.partition(" ")[0] for name in BEGINS} | set(ZIPPED) == set(OPTIONS), "every reader must be asked"
    assert grown < MOST


if __name__ == "__main__":
    main()
