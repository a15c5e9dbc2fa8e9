"""Large files that are read already while they are on their way into landing: a disk takes its time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from pipelines.base import staging

LARGE: Final = 1 << 23
"""Bytes from which that is worth a copy."""
AT_ONCE: Final = 1 << 30
"""Bytes of several copies, which lie in scratch beside what is sealed."""


class Afloat:
    """Units that are sealed and not kept yet, and a copy of the bytes of each, for one reader."""

    def __init__(self) -> None:
        """Nothing is afloat."""
        self._copies: dict[str, Path] = {}
        self._kept: dict[str, Future[None]] = {}
        self._bytes = 0
        self._held, self._beside = ExitStack(), ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        """Wait at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """What is afloat comes in; copies that nobody took are gone. Faults are told by `wait` alone."""
        self._beside.shutdown()
        self._held.close()

    def __contains__(self, unit: str) -> bool:
        """Whether a unit is, or was."""
        return unit in self._kept

    def has_room(self, size: int) -> bool:
        """Whether a unit of so many bytes may be afloat: a large one, alone or beside others that are not too large."""
        return size >= LARGE and (not self._bytes or self._bytes + size <= AT_ONCE)

    def copy(self, folder: Path) -> Path:
        """An empty file for the copy of a unit, gone in the end unless it was taken."""
        return self._held.enter_context(staging.new_file(folder, ".copy-"))

    def add(self, unit: str, copy: Path, size: int, keep: Callable[[], None]) -> None:
        """Let a unit come in.

        Args:
            unit: Its id.
            copy: Its bytes.
            size: How many.
            keep: Keeps what was sealed of it.
        """
        self._copies[unit] = copy
        self._bytes += size
        self._kept[unit] = self._beside.submit(keep)

    def take(self, unit: str, path: Path) -> bool:
        """Move a unit's copy to a path. False when there is none: then it is kept.

        Raises:
            CandorError: What keeping it raised.
        """
        if copy := self._copies.pop(unit, None):
            copy.replace(path)
            return True
        if unit in self._kept:
            self._kept[unit].result()
        return False

    def wait(self) -> None:
        """Wait until everything is kept, or raise what keeping raised."""
        for kept in self._kept.values():
            kept.result()
