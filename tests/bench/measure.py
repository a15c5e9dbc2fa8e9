"""Figures and how they are taken: wall and CPU seconds of a command and the memory of all its processes."""

import resource
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
_LOOK_SECONDS: Final = 0.25
"""Between two looks at memory: each goes through all processes of the machine, and must not take their cores."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and its bound."""

    name: str
    value: float
    bound: float
    unit: str
    is_floor: bool = False
    """Whether the bound is the least that is allowed, not the most."""

    @property
    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        return self.value >= self.bound if self.is_floor else self.value <= self.bound

    def line(self) -> str:
        """The figure as a row of a table."""
        verdict = "ok" if self.holds else "BELOW" if self.is_floor else "ABOVE"
        return f"{self.name:<72} {self.value:>8.2f} {self.unit:<6} bound {self.bound:g}  {verdict}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of user and system time, of all its processes."""
    peak: float
    """GiB resident at the worst moment, of all its processes together; pages they share count in each."""

    def __str__(self) -> str:
        return f"{self.wall:.1f} s, {self.cpu:.1f} s of CPU, {self.peak:.2f} GiB"


def mean(first: Cost, second: Cost) -> Cost:
    """Of two runs of the same command; the memory is that of the larger."""
    return Cost((first.wall + second.wall) / 2, (first.cpu + second.cpu) / 2, max(first.peak, second.peak))


def cost(words: list[str], env: Mapping[str, str]) -> Cost:
    """Run a command that must succeed, from the top of the checkout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        with resident(process.pid) as peaks:
            process.wait()
            wall = time.perf_counter() - began
        error = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode:
        raise SystemExit(f"{' '.join(words[:4])} must succeed; got exit code {process.returncode}:\n{error[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, max(peaks) / 2**30)


@contextmanager
def resident(pid: int) -> Iterator[list[int]]:
    """Look at the memory of a process and all its children, until the end: bytes resident together at each look."""
    found, ended = [0], Event()
    watcher = Thread(target=_watch, args=(psutil.Process(pid), found, ended))
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _watch(process: psutil.Process, peaks: list[int], ended: Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        peaks.append(_resident(process))


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.Error:
        pass  # it ended meanwhile
    return total
