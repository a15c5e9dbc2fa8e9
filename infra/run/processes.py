"""Processes that outlive the command which started them, and how to end exactly those.

Each is recorded in a pid file with its start time, so that a number which the system gave to somebody else is
never killed. Tasks of Airflow leave the process group of their scheduler; they are known by a random mark in
their environment, which nothing else on the machine carries. Airflow's workers let nobody but root look at theirs
(they are not "dumpable"); they stay in the session of the process that we started.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

MARK: Final = "CANDOR_PROCESS_MARK"
PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Started:
    """One recorded process. `since` is its start in clock ticks after boot, as the kernel counts."""

    pid: int
    since: str
    mark: str
    boot: str = ""
    """Of the machine: numbers and clocks begin anew with each."""


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
    started = Started(child.pid, _since(child.pid) or "", mark, _boot())
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
    ended = 0
    for _ in range(50):
        victims = _halted([started for _, started in found])
        if not victims:
            break
        ended = ended or len(victims)
        for pid in victims:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.1)
    for name, _ in found:
        (folder / f"{name}.pid").unlink(missing_ok=True)
    return ended


def _halted(found: Sequence[Started]) -> set[int]:
    """All that must end, none of which can start another.

    Killed one by one, a process could start another in the place of a child that ended first; while such a child
    puts on its program it has no variables, and once its parent is gone nothing tells whose it is.
    """
    halted: set[int] = set()
    while more := _started_by(found) - halted:
        for pid in more:
            _signal(pid, signal.SIGSTOP)
        halted |= more
    return halted


def _started_by(found: Sequence[Started]) -> set[int]:
    """Living processes that are recorded, or descend from one that is."""
    folders = [folder for folder in PROC.iterdir() if folder.name.isdigit()]
    known = {int(folder.name): fields for folder in folders if (fields := _stat(folder))}
    marks = {f"{MARK}={started.mark}".encode() for started in found}
    # While anybody is in a session the system gives its number to no other process; a dead one's may be another's by
    # now, so those in it must be ours and younger than what we started.
    sessions = {
        started.pid: int(started.since)
        for started in found
        if is_alive(started) or (started.pid not in known and started.since and started.boot == _boot())
    }
    mine = {started.pid for started in found if is_alive(started)}
    for pid, fields in known.items():
        said = _environment(pid)
        if said is None:
            is_ours = fields.session in sessions and _uid(pid) == os.getuid()
            is_mine = is_ours and int(fields.since) >= sessions[fields.session]
        else:
            is_mine = bool(marks & said)
        mine |= {pid} if is_mine else set()
    mine.discard(os.getpid())
    while more := {pid for pid, fields in known.items() if fields.parent in mine} - mine:
        mine |= more
    return mine


class _Stat(NamedTuple):
    parent: int
    session: int
    since: str


def _environment(pid: int) -> set[bytes] | None:
    """A process's variables; None when we may not look at them."""
    try:
        return set((PROC / str(pid) / "environ").read_bytes().split(b"\0"))
    except PermissionError:
        return None
    except OSError:
        return set()


def _uid(pid: int) -> int | None:
    """Whose a process is; its folder in /proc would say root when nobody may look at its variables."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Uid:")), None)


def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _stat(folder: Path) -> _Stat | None:
    """Of a living process; None when there is none, or only its remains."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else _Stat(int(fields[1]), int(fields[3]), fields[19])


def _since(pid: int) -> str | None:
    """Start time of a living process."""
    found = _stat(PROC / str(pid))
    return found.since if found else None


def _signal(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except (ProcessLookupError, PermissionError):
        return
