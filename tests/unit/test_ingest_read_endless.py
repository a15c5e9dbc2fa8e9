"""A line of a gibibyte: each reader refuses it by its first megabytes, in the memory that any file takes.

So it does small files that would become large ones.

In a process of its own, whose peak of memory is that of this alone.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pipelines.ingest.batch import Held, Unit
from pipelines.ingest.read import dialect, read_file
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
SECONDS = 5
"""Of the processor, for one file."""
CANARY = b"Zanzibarova"


def laughs() -> bytes:
    entities = [b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12)]
    return (
        b'<!DOCTYPE r [<!ENTITY e0 "' + CANARY + b'">' + b"".join(entities) + b"]><rows><row><a>&e11;</a></row></rows>"
    )


def swollen(reader: str) -> bytes:
    """An archive in which a file of 64 megabytes is one of 64 kilobytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**ZIPPED[reader], "a": CANARY + bytes(64 << 20)}.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def nested(opens: bytes, levels: int, closes: bytes = b"") -> bytes:
    return b'{"a": ' + opens * levels + b'"' + CANARY + b'"' + closes * levels + b"}"


def records(*texts: bytes) -> bytes:
    return b'{"data": [' + b", ".join(texts) + b"]}"


def keys(of: bytes) -> list[bytes]:
    return [of % number for number in range(100_000)]


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "ten thousand columns": ("csv", lambda: b",".join(keys(b"c%d")[:10_000]) + b"\n" + b"1\n" * 9, "too_many_columns"),
    "columns of keys": ("json_records", lambda: records(*keys(b'{"k%d": "1"}')), "too_many_columns"),
    "columns of keys of Workday": ("workday_json", lambda: records(*keys(b'{"k%d": "1"}')), "too_many_columns"),
    "columns of keys in lines": ("ndjson", lambda: b"\n".join(keys(b'{"k%d": "1"}')), "too_many_columns"),
    "columns of elements": (
        "xml_records",
        lambda: b"<rows>" + b"".join(keys(b"<row><k%d/></row>")) + b"</rows>",
        "too_many_columns",
    ),
    "columns of attributes": (
        "xml_records",
        lambda: b"<rows><row " + b" ".join(keys(b'k%d="1"')) + b"/></rows>",
        "too_many_columns",
    ),
    "levels": ("json_records", lambda: records(nested(b"[", 100_000)), "too_deep"),
    "levels that end": ("json_records", lambda: records(nested(b"[", 100_000, b"]")), "too_deep"),
    "levels of objects": ("json_records", lambda: records(nested(b'{"' + CANARY * 9 + b'": ', 9_999)), "too_deep"),
    "levels before the list": ("json_records", lambda: nested(b"[", 100_000), "too_deep"),
    "levels of Workday": ("workday_json", lambda: records(nested(b"[", 100_000)), "too_deep"),
    "levels of a line": ("ndjson", lambda: nested(b"[", 100_000, b"]"), "rows: too_deep"),
    "levels of XML": ("xml_records", lambda: b"<rows><row>" + b"<a>" * 1_000_000, "hostile_xml"),
    "texts in texts": ("json_records", lambda: records(nested(b"[", 40, b"]")), "rows: too_deep"),
    "texts in texts of a line": ("ndjson", lambda: nested(b'[{"b": ', 30, b"}]"), "rows: too_deep"),
    "texts in texts of XML": (
        "xml_records",
        lambda: b"<rows><row>" + b"<a/><a>" * 40 + b'"' + CANARY + b'"' + b"</a>" * 40 + b"</row></rows>",
        "rows: too_deep",
    ),
    "entities": ("xml_records", laughs, "hostile_xml"),
    "an archive": ("hdl", lambda: swollen("hdl"), "zip_bomb"),
    "a workbook": ("excel", lambda: swollen("excel"), "zip_bomb"),
}
"""What is small and would take all memory, and why it is refused."""


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


def explode(folder: Path) -> dict[str, list[object]]:
    """What becomes of each bomb, and whether that took long or told of what is in it."""
    found: dict[str, list[object]] = {}
    for number, (name, (reader, made, _)) in enumerate(BOMBS.items()):
        path, out = folder / "bomb", folder / f"{number}"
        path.write_bytes(made())
        out.mkdir()
        unit, begun = Unit("u", "f", "in", "0" * 64, path.stat().st_size, {}, ""), time.process_time()
        try:
            report = read_file(path, out, declared(reader, OPTIONS[reader]), unit)
            became, said = f"rows: {' '.join(report.faults)}", ""
        except Held as held:
            became, said = held.reason_code, str(held)
        found[name] = [became, time.process_time() - begun < SECONDS, CANARY.decode() in said]
    return found


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        before = peak()
        found = attack(Path(folder))
        endless = peak() - before
        print(json.dumps([found, endless, explode(Path(folder)), peak() - before]))


def test_a_line_of_a_gibibyte_and_what_would_become_as_much_are_refused_in_bounded_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.test_ingest_read_endless", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found, grown, bombs, most = json.loads(done.stdout)
    assert found == {name: reason for name, (_, reason) in BEGINS.items()}
    assert {name.partition(" ")[0] for name in BEGINS} | set(ZIPPED) == set(OPTIONS), "every reader must be asked"
    assert grown < MOST
    assert bombs == {name: [reason, True, False] for name, (_, _, reason) in BOMBS.items()}
    assert most < MOST


if __name__ == "__main__":
    main()
