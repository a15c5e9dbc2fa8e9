"""A folder as a store.

An object takes its name by rename or link once it is whole. What the disk answers becomes an error that says what to
do; the object of before is still there.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from pipelines.base import staging
from pipelines.base.errors import CandorError, ContractError, SettingsError, SourceUnavailable

_STAGED: Final = ".staged"
"""Folder of a zone in which its objects are written before they take their name."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileStore:
    """A folder as a store."""

    def __init__(self, root: Path) -> None:
        """Nothing is created before the first write.

        Args:
            root: Absolute folder; zones are its children.
        """
        self.root = root
        self.url = f"file://{quote(str(root))}"
        self._seen: tuple[int, int] | None = None
        self._swept: set[Path] = set()

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        return self.read_start(key, -1)

    def read_start(self, key: str, size: int) -> bytes:
        """See `Store.read_start`; -1 for all."""
        path = self._path(key)
        try:
            with _answering(self.root), path.open("rb") as file:
                return file.read(size)
        except (FileNotFoundError, IsADirectoryError):
            raise ContractError(f"The store must hold {key}; there is no such object. Run the step before.") from None

    def read_many(self, keys: Iterable[str]) -> Iterator[bytes]:
        """See `Store.read_many`."""
        return map(self.read, keys)

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        with self._staged(key) as staged:
            staged.write_bytes(data)
            _sync(staged)
            staged.replace(self._path(key))

    def create(self, key: str, data: bytes) -> bool:
        """See `Store.create`."""
        with self._staged(key) as staged:
            staged.write_bytes(data)
            _sync(staged)
            return self._link(staged, key)

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        """See `Store.size`."""
        path = self._path(key)
        if not path.is_file():
            raise ContractError(f"The store must hold {key}; there is no such object. Run the step before.")
        return path.stat().st_size

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        top = self._path(prefix)
        files = (Path(folder) / name for folder, _, names in os.walk(top) for name in names)
        keys = (file.relative_to(self.root) for file in files)
        return sorted(key.as_posix() for key in keys if not any(part.startswith(_STAGED) for part in key.parts))

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._path(key).unlink(missing_ok=True)

    def upload(self, key: str, path: Path) -> None:
        """See `Store.upload`."""
        with self._staged(key) as staged:
            shutil.copyfile(path, staged)
            staged.replace(self._path(key))

    def upload_new(self, key: str, path: Path) -> bool:
        """See `Store.upload_new`."""
        if self.exists(key):
            return False
        with self._staged(key) as staged:
            shutil.copyfile(path, staged)
            return self._link(staged, key)

    def download(self, key: str, path: Path) -> None:
        """See `Store.download`."""
        source = self._path(key)
        if not source.is_file():
            raise ContractError(f"The store must hold {key}; there is no such object. Run the step before.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging.new_file(path.parent, f"{_STAGED}-") as staged:
            shutil.copyfile(source, staged)
            staged.replace(path)

    def uri(self, key: str) -> str:
        """See `Store.uri`."""
        return str(self._path(key))

    def options(self) -> dict[str, str] | None:
        """See `Store.options`."""
        return None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See `Store.lock`: an advisory lock that the kernel frees with its process."""
        file = self._path(f".locks/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or key.startswith("/"):
            raise ContractError("A store key must be a relative path without '..'; got another form.")
        self._stays()
        return self.root.joinpath(*parts)

    def _stays(self) -> None:
        """Raise SourceUnavailable when the folder is not the one first seen.

        A disk that went away would otherwise come back as an empty store, with half a run in it. Read before looking:
        of two threads that write first, one makes the folder while the other looks.
        """
        seen = self._seen
        try:
            found = self.root.stat()
        except OSError:
            now = None
        else:
            now = (found.st_dev, found.st_ino)
        if seen is not None and now != seen:
            raise SourceUnavailable(
                f"The store's folder must stay while a command runs; {self.root} is gone or another one. "
                "Bring it back and run the same command again: nothing is taken in twice."
            )
        if now is not None:
            self._seen = now

    @contextmanager
    def _staged(self, key: str) -> Iterator[Path]:
        """A private file on the disk of the object's zone, gone afterwards unless it was moved."""
        target = self._path(key)
        with _answering(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = self.root.joinpath(*PurePosixPath(key).parts[:-1][:1], _STAGED)
            folder.mkdir(exist_ok=True)
            if folder not in self._swept:
                staging.sweep(folder.iterdir())
                self._swept.add(folder)
            with staging.new_file(folder) as staged:
                yield staged

    def _link(self, staged: Path, key: str) -> bool:
        """Move into place unless taken: `link` fails where `rename` would overwrite."""
        try:
            os.link(staged, self._path(key))
        except FileExistsError:
            return False
        return True


@contextmanager
def _answering(root: Path) -> Iterator[None]:
    """What the disk says, as errors of ours. What is not there, or is a folder, is the caller's business."""
    try:
        yield
    except OSError as error:
        if (fault := _fault(error, root)) is None:
            raise
        raise fault from None


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


def _sync(path: Path) -> None:
    """Small records reach the disk before their name does, so that a power cut never leaves an empty one.

    Files that are uploaded can be uploaded again and are not synced: thousands of resumes would take minutes.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())
