"""Processes that outlive the command which started them, and how to end exactly those.

Each is recorded in a pid file with its start time, so that a number which the system gave to somebody else is
never killed. Tasks of Airflow leave the process group of their scheduler; they are known by a random mark in
their environment, which nothing else on the machine carries.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

MARK: Final = "CANDOR_PROCESS_MARK"
PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Started:
    """One recorded process. `since` is its start in clock ticks after boot, as the kernel counts."""

    pid: int
    since: str
    mark: str


def start(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Started:
    """Start a process in a group of its own; log and pid file go to `folder`."""
    mark = secrets.token_hex(16)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            env={**environment, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Started(child.pid, _since(child.pid) or "", mark)
    (folder / f"{name}.pid").write_text(json.dumps(asdict(started)))
    return started


def recorded(name: str, folder: Path) -> Started | None:
    """What the pid file says; None without one or when it is broken."""
    try:
        return Started(**json.loads((folder / f"{name}.pid").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_alive(started: Started) -> bool:
    """Whether the recorded process itself still runs, not another one with its number."""
    return _since(started.pid) == started.since != ""


def stop(names: Sequence[str], folder: Path) -> int:
    """End the recorded processes with all they started; how many were ended.

    Killed, not asked: Airflow marks the tasks of a scheduler that leaves politely as failed, while tasks of
    one that vanished are taken up again at the next start.
    """
    found = [(name, started) for name in names if (started := recorded(name, folder))]
    marks = {started.mark for _, started in found}
    victims = {started.pid for _, started in found if is_alive(started)} | set(_marked(marks))
    ended = len(victims)
    for _ in range(50):
        for pid in victims:
            _kill(pid)
        victims = set(_marked(marks))
        if not victims:
            break
        time.sleep(0.1)
    for name, _ in found:
        (folder / f"{name}.pid").unlink(missing_ok=True)
    return ended


def _marked(marks: set[str]) -> Iterator[int]:
    """Processes whose environment carries one of the marks."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    for folder in PROC.iterdir() if wanted else ():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if wanted & set((folder / "environ").read_bytes().split(b"\0")):
                    yield int(folder.name)
            except OSError:
                continue


def _since(pid: int) -> str | None:
    """Start time of a living process; None when there is none, or only its remains."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
