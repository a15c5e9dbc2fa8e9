"""Half-written files and folders, and how the next run knows that their writer is dead.

A writer holds a lock on what it is writing; the kernel frees it with the process, however that ends. Whoever can take
the lock may therefore remove what it lies on.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(folder: Path, prefix: str = "") -> Iterator[Path]:
    """A file to fill and move; gone at the end of the block unless it was moved."""
    name, handle = _made(lambda: _new_name(folder, prefix))
    try:
        yield name
    finally:
        os.close(handle)
        name.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path, prefix: str = "") -> Iterator[Path]:
    """A folder to fill and rename; gone at the end of the block unless it was renamed."""
    name, handle = _made(lambda: tempfile.mkdtemp(prefix=prefix, dir=folder))
    try:
        yield name
    finally:
        os.close(handle)
        shutil.rmtree(name, ignore_errors=True)


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Hold a folder, beside others who hold it, so that `sweep` leaves it; it is made when it is not there."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(handle, fcntl.LOCK_SH)
        if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):
            break
        os.close(handle)  # swept away before the lock was on it
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Hold a folder alone for the block, so that others wait; False when somebody is at work there, or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_mine = True
    except BlockingIOError:
        is_mine = False
    try:
        yield is_mine
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody is at work there."""
    with claimed(path) as is_mine:
        return not is_mine


def sweep(paths: Iterable[Path]) -> None:
    """Remove what a killed writer left; what somebody still holds stays."""
    for path in list(paths):
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError:
            continue  # its writer has just finished
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def _made(make: Callable[[], str]) -> tuple[Path, int]:
    """Something new under a lock; made again when somebody swept it away before the lock was on it."""
    while True:
        name = Path(make())
        try:
            handle = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return name, handle
        os.close(handle)


def _new_name(folder: Path, prefix: str) -> str:
    handle, name = tempfile.mkstemp(prefix=prefix, dir=folder)
    os.close(handle)  # the lock is taken on a handle of its own; left open, this one would stay until the process ends
    return name


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
