"""What a disk answers, as errors that say what to do; and how bytes and names reach it before a power cut does."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.base.errors import CandorError, SettingsError, SourceUnavailable

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def answering(root: Path) -> Iterator[None]:
    """What the disk says, as errors of ours. What is not there, or is a folder, is the caller's business."""
    try:
        yield
    except OSError as error:
        if (fault := _fault(error, root)) is None:
            raise
        raise fault from None


def absent(error: OSError) -> None:
    """For `os.walk`, which is silent otherwise: raise any error but that a folder is not there."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def make(folder: Path) -> None:
    """A folder, and those above it, whose names are on the disk."""
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk.

    Shares that know no such thing for a folder say EINVAL: their names are the server's to keep.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(handle)


def _fault(error: OSError, root: Path) -> CandorError | None:
    if error.errno in _FULL:
        return SourceUnavailable(
            f"The store must have room; the disk of {root} is full. Nothing was changed: make room and run again."
        )
    if error.errno in _CLOSED:
        return SettingsError(
            f"The store must be open to this account; {root} refused ({os.strerror(error.errno)}). "
            "Give the account its rights, or correct CANDOR_STORE."
        )
    if isinstance(error, FileNotFoundError | FileExistsError | IsADirectoryError | NotADirectoryError):
        return None
    return SourceUnavailable(f"The store must answer; {root} did not ({error.strerror}). Bring it back and run again.")
