"""End a process by SIGKILL at its n-th effect: before it, inside it or after it. Production code has no failpoints.

As a program this is a server of processes: it imports once what the roads need, then forks one process for each line
of its standard input. An effect is a write to the store, a change of a Delta table, or a rename or removal in scratch.
Inside a write of the store the bytes are on disk but have no name yet; inside a Delta commit the data files are there
but no version names them; inside a removal half of it is done.
"""

import importlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
PHASES = ("before", "inside", "after")


@dataclass(frozen=True)
class Point:
    """Where to end a process."""

    number: int
    """Of the effect, from 1."""
    phase: str
    label: str

    def __str__(self) -> str:
        return f"{self.phase} effect {self.number}, {self.label}"


def points(labels: Sequence[str]) -> list[Point]:
    """Of each kind of effect the first, before and inside, and the last, after; before one is after the one before."""
    found = []
    for label in dict.fromkeys(labels):
        first, last = labels.index(label) + 1, len(labels) - labels[::-1].index(label)
        before = [Point(first, "before", label)] if first == 1 or labels[first - 2] in labels[first:] else []
        found += [*before, Point(first, "inside", label), Point(last, "after", label)]
    return found


class _Now(threading.local):
    """What one thread is at: another's effect, such as freeing scratch beside publishing, is one of its own."""

    depth, is_inside = 0, False


class Effects:
    """Counts effects; ends the process at one of them."""

    def __init__(self, at: int | None, phase: str, log: Path | None) -> None:
        self.at, self.phase, self.log = at, phase, log
        self.count, self.counting, self.now = 0, threading.Lock(), _Now()

    def around(self, original: Callable[..., Any], label: Callable[..., str | None], half: Callable[..., None] | None):
        """`original`, counted. `label` says what kind of effect a call is (None: not one); `half` does half of it."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            kind = None if self.now.depth else label(*args, **kwargs)
            if kind is None:
                return original(*args, **kwargs)
            with self.counting:
                self.count += 1
                is_here = self.count == self.at
                if self.log is not None:
                    with self.log.open("a") as file:
                        file.write(kind + "\n")
            if is_here and self.phase == "before":
                die()
            if is_here and self.phase == "inside" and half is not None:
                half(original, *args, **kwargs)
                die()
            self.now.depth, self.now.is_inside = 1, is_here and self.phase == "inside"
            try:
                answer = original(*args, **kwargs)
            finally:
                self.now.depth = 0
            if is_here:
                die()
            return answer

        return counted

    def move(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A rename or link: the moment at which a staged write takes its name."""

        def moved(*args: Any, **kwargs: Any) -> Any:
            if self.now.is_inside:
                die()
            return original(*args, **kwargs)

        return moved


def die() -> None:
    """As a machine that is switched off: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def watch(effects: Effects, top: Path) -> None:
    """Put `effects` around everything that changes what lies below `top`."""
    from deltalake import DeltaTable

    from pipelines.base import delta, store

    def of_key(verb: str) -> Callable[..., str]:
        def label(_: Any, key: str, *rest: Any, **named: Any) -> str:
            parts = Path(key).parts
            return f"{verb} {'/'.join(parts[: 2 if parts[0] in ('lake', 'keys') else 1])} {Path(key).suffix}"

        return label

    def of_path(verb: str) -> Callable[..., str | None]:
        def label(path: Any, *rest: Any, **named: Any) -> str | None:
            name = Path(rest[0]).name if rest else ""
            kind = name if name in ("checked", "published.json") else "in scratch"
            return f"{verb} {kind}" if Path(path).is_relative_to(top) and Path(path).exists() else None

        return label

    def of_table(verb: str) -> Callable[..., str]:
        return lambda *_, **__: f"delta {verb}"

    os.link = effects.move(os.link)
    for name in ("put", "create", "upload", "upload_new", "delete"):
        original = getattr(store.FileStore, name)
        setattr(store.FileStore, name, effects.around(original, of_key(name), nothing if name == "delete" else None))
    for name in ("replace", "rename"):
        original = effects.move(getattr(pathlib.Path, name))
        setattr(pathlib.Path, name, effects.around(original, of_path(name), None))
    shutil.rmtree = effects.around(shutil.rmtree, of_path("rmtree"), half_removed)
    delta.write_deltalake = effects.around(delta.write_deltalake, lambda *_, **__: "delta write", uncommitted)
    halves = {"restore": None, "delete": undeleted, "vacuum": half_vacuumed, "create_checkpoint": None}
    for name, half in halves.items():
        original = getattr(DeltaTable, name)
        setattr(DeltaTable, name, effects.around(original, of_table(name), half))


def watch_stages(effects: Effects) -> None:
    """Put `effects` around the tables that a stage of the reproducible graph writes into its checkout."""
    import polars as pl

    def label(_: Any, file: Any, *rest: Any, **named: Any) -> str | None:
        return f"table {file.suffix}" if isinstance(file, Path) and "stages" in file.parts else None

    for name in ("write_ipc", "write_parquet"):
        original = getattr(pl.DataFrame, name)
        setattr(pl.DataFrame, name, effects.around(original, label, half_written))


def half_written(original: Callable[..., Any], frame: Any, file: Any, *args: Any, **kwargs: Any) -> None:
    """A table that got as far as half of its bytes."""
    original(frame, file, *args, **kwargs)
    os.truncate(file, Path(file).stat().st_size // 2)


def uncommitted(original: Callable[..., Any], uri: Any, *args: Any, **kwargs: Any) -> None:
    """A Delta write that got as far as its data files."""
    original(uri, *args, **kwargs)
    uri = unquote(urlsplit(uri.table_uri).path) if hasattr(uri, "table_uri") else uri
    max((Path(uri) / "_delta_log").glob("*.json")).unlink()


def nothing(*_: Any, **__: Any) -> None:
    """An effect that has no middle."""


def undeleted(original: Callable[..., Any], table: Any, *args: Any, **kwargs: Any) -> None:
    """A deletion from a Delta table that got as far as the files without the rows."""
    original(table, *args, **kwargs)
    max((local(table) / "_delta_log").glob("*.json")).unlink()


def half_vacuumed(original: Callable[..., Any], table: Any, *args: Any, **kwargs: Any) -> None:
    """A vacuum that got as far as half of the files and wrote nothing of it down."""
    files = original(table, *args, **kwargs | {"dry_run": True})
    for file in files[: (len(files) + 1) // 2]:
        (local(table) / unquote(file)).unlink()


def local(table: Any) -> Path:
    """The folder of a Delta table."""
    return Path(unquote(urlsplit(table.table_uri).path))


def half_removed(original: Callable[..., Any], path: Any, *args: Any, **kwargs: Any) -> None:
    """A removal that got as far as half of the files."""
    files = sorted(file for file in Path(path).rglob("*") if file.is_file())
    for file in files[: (len(files) + 1) // 2]:
        file.unlink()


class Server:
    """The other end of the server of processes."""

    def __init__(self, scratch: Path, preload: Sequence[str]) -> None:
        words = [sys.executable, str(Path(__file__)), *preload]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CANDOR_", "PYTEST"))}
        self.scratch = scratch
        self.errors = (scratch / "errors").open("wb")
        self.process = subprocess.Popen(
            words,
            cwd=ROOT,
            env=kept | {"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def labels(self, road: str, folder: Path) -> list[str]:
        """Run a road undisturbed; the effects it had."""
        log = self.scratch / "effects"
        log.unlink(missing_ok=True)
        assert self.call(road, folder, log=str(log)) == 0, self.said()
        return log.read_text().splitlines() if log.exists() else []

    def call(self, road: str, folder: Path, at: Point | None = None, log: str = "") -> int:
        """Run a road in a process of its own; how that ended: 0, the exit code, or minus the signal."""
        place = {"at": at.number, "phase": at.phase} if at else {"at": None, "phase": ""}
        line = json.dumps({"road": road, "folder": str(folder), "log": log, **place})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def said(self, *, whole: bool = False) -> str:
        """The end of what the processes wrote to stderr, or all of it."""
        return (self.scratch / "errors").read_text()[0 if whole else -3000 :]

    def close(self) -> None:
        """End the server."""
        self.process.communicate()
        self.errors.close()


def serve(preload: Sequence[str]) -> None:
    """Fork a process for each line of stdin and say how it ended."""
    for name in preload:
        importlib.import_module(name)
    os.fsync = os.fdatasync = os.fstat  # SIGKILL takes nothing that was written; a power cut does: `test_power_cut`
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the roads print belongs to the log
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(travelled(asked))
        status = os.waitpid(child, 0)[1]
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def travelled(asked: dict[str, Any]) -> int:
    """Run one road in this process, as a command ends; its exit code."""
    from pipelines.base.stage import guarded
    from tests.kills import retrains, roads, second_batch

    folder = Path(asked["folder"])
    road = (roads.ROADS | second_batch.ROADS | retrains.ROADS)[asked["road"]]
    effects = Effects(asked["at"], asked["phase"], Path(asked["log"]) if asked["log"] else None)
    watch(effects, folder)
    watch_stages(effects)
    codes: list[int] = []
    try:
        return guarded(lambda: codes.append(int(road(folder) or 0))) or codes[0]
    except Exception:  # noqa: BLE001  the road's own fault, told to the test
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    serve(sys.argv[1:])
