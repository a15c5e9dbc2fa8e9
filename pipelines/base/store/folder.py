"""A folder as a store.

An object takes its name by rename or link once it is whole and on the disk: a power cut leaves no empty object under a
name that is written once. A write returns once the name is there too, so that nothing is taken back that was reported.
Two zones may lose names: reports, which are made again, and landing, whose files come by the thousand; they are landed
again unless a manifest says that they were taken in, and whoever makes one settles them before. What the disk answers
becomes an error that says what to do; the object of before is still there.
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from urllib.parse import quote

from pipelines.base import staging
from pipelines.base.catalog import LANDING, REPORTS
from pipelines.base.errors import ContractError, SourceUnavailable
from pipelines.base.store import disk

_STAGED: Final = ".staged"
"""Folder of a zone in which its objects are written before they take their name."""
_REPORTS: Final = f"{REPORTS}/"
_BULK: Final = (f"{LANDING}/", _REPORTS)
"""Zones in which not every new name is waited for."""
_LOOK: Final = 1000
"""Objects that are read one after the other between two looks whether the folder is still the same."""
_SMALL: Final = 1 << 16
"""Bytes read at a time of objects that are read by the thousand."""
_WAITS: Final = 8
"""Files that are waited for at once: a disk writes many in the time of a few."""
_PART: Final = 1 << 20
"""Bytes copied at a time."""


class FileStore:
    """A folder as a store."""

    keeps_files = True

    def __init__(self, root: Path) -> None:
        """Nothing is created before the first write.

        Args:
            root: Absolute folder; zones are its children.
        """
        self.root = root
        self.url = f"file://{quote(str(root))}"
        self._seen: tuple[int, int] | None = None
        self._swept: set[Path] = set()
        self._settled: dict[Path, tuple[int, int, int]] = {}

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        with self._there(key) as path:
            return path.read_bytes()

    def read_start(self, key: str, size: int) -> bytes:
        """See `Store.read_start`."""
        with self._there(key) as path, path.open("rb") as file:
            return file.read(size)

    def read_many(self, keys: Iterable[str]) -> Iterator[bytes]:
        """See `Store.read_many`: without a path object and a look at the folder for each of a million."""
        root = str(self.root)
        for number, key in enumerate(keys):
            if number % _LOOK == 0:
                self._stays()
            yield self._quickly(root, key)

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        with self._staged(key) as staged:
            staged.write_bytes(data)
            self._replace(staged, key)

    def create(self, key: str, data: bytes) -> bool:
        """See `Store.create`."""
        with self._staged(key) as staged:
            staged.write_bytes(data)
            is_new = self._link(staged, key)
        if is_new:
            self._settle(key)
        return is_new

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self._size(key) is not None

    def size(self, key: str) -> int:
        """See `Store.size`."""
        if (size := self._size(key)) is None:
            raise _missing(key)
        return size

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        top, keys = self._path(prefix), list[str]()
        with disk.answering(self.root):
            for folder, folders, names in os.walk(top, onerror=disk.absent):
                folders[:] = [name for name in folders if not name.startswith(_STAGED)]
                below = Path(folder).relative_to(self.root).as_posix()
                keys += [f"{below}/{name}" for name in names if not name.startswith(_STAGED)]
        return sorted(keys)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        path = self._path(key)
        with disk.answering(self.root), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            disk.sync(path.parent)

    def upload(self, key: str, path: Path) -> None:
        """See `Store.upload`."""
        with self._staged(key) as staged:
            shutil.copyfile(path, staged)
            self._replace(staged, key)

    def upload_new(self, key: str, path: Path, *, may_keep: bool = False) -> bool:
        """See `Store.upload_new`: a file that may be kept gets a second name where that is possible."""
        if self.exists(key):
            return False
        with self._staged(key) as staged:
            is_new = self._kept(path, key) if may_keep else None
            if is_new is None:
                shutil.copyfile(path, staged)
                is_new = self._link(staged, key)
        if is_new and not key.startswith(_BULK):
            self._settle(key)
        return is_new

    @contextmanager
    def opened(self, key: str, scratch: Path) -> Iterator[BinaryIO]:
        """See `Store.opened`: the object itself."""
        del scratch
        with self._there(key) as path:
            file = path.open("rb")
        with file, disk.answering(self.root):
            yield file

    def download(self, key: str, path: Path) -> None:
        """See `Store.download`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging.new_file(path.parent, f"{_STAGED}-") as staged:
            with staged.open("wb") as file:
                file.writelines(self._parts(key))
            staged.replace(path)

    def uri(self, key: str) -> str:
        """See `Store.uri`."""
        return str(self._path(key))

    def options(self) -> dict[str, str] | None:
        """See `Store.options`."""
        return None

    def settle(self, keys: Iterable[str]) -> None:
        """See `Store.settle`. Waiting for the whole disk would be waiting for everybody's scratch, too.

        What was waited for and is still the same file is not waited for again: even then a disk empties its cache.
        """
        found = {path: self._identity(path) for path in map(self._path, keys)}
        found = {path: file for path, file in found.items() if file is None or self._settled.get(path) != file}
        folders = {folder for path in found for folder in path.parents if folder.is_relative_to(self.root)}
        with ThreadPoolExecutor(_WAITS) as waiting:
            for paths in (found, folders):  # names after what they name
                list(waiting.map(self._sync, paths))
        self._settled |= {path: file for path, file in found.items() if file is not None}

    def _identity(self, path: Path) -> tuple[int, int, int] | None:
        """What tells a file from another that took its name, or from what it was before; None where none is there."""
        with disk.answering(self.root), suppress(FileNotFoundError, NotADirectoryError):
            found = path.stat()
            return found.st_ino, found.st_size, found.st_mtime_ns
        return None

    def _sync(self, path: Path) -> None:
        with disk.answering(self.root), suppress(FileNotFoundError):  # what is not there has nothing to lose
            disk.sync(path)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See `Store.lock`: an advisory lock that the kernel frees with its process."""
        file = self._path(f".locks/{name}")
        with disk.answering(self.root):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = file.open("w")
        with handle:
            with disk.answering(self.root):
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
    def _there(self, key: str) -> Iterator[Path]:
        """The file of an object, to be read in the block. Raises ContractError when there is none."""
        path = self._path(key)
        try:
            with disk.answering(self.root):
                yield path
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise _missing(key) from None

    def _quickly(self, root: str, key: str) -> bytes:
        """As `read`, which says what is wrong where this cannot."""
        if key.startswith("/") or ".." in key:
            return self.read(key)
        try:
            handle = os.open(f"{root}/{key}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return self.read(key)
        try:
            return b"".join(iter(lambda: os.read(handle, _SMALL), b""))
        except OSError:
            return self.read(key)
        finally:
            os.close(handle)

    def _size(self, key: str) -> int | None:
        """Bytes of an object; None when there is none."""
        path = self._path(key)
        try:
            with disk.answering(self.root):
                found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _parts(self, key: str) -> Iterator[bytes]:
        with self._there(key) as path, path.open("rb") as file:
            while part := file.read(_PART):
                yield part

    @contextmanager
    def _staged(self, key: str) -> Iterator[Path]:
        """A private file on the disk of the object's zone, gone afterwards unless it was moved."""
        target = self._path(key)
        with disk.answering(self.root):
            if key.startswith(_BULK):
                target.parent.mkdir(parents=True, exist_ok=True)
            else:
                disk.make(target.parent)
            folder = self.root.joinpath(*PurePosixPath(key).parts[:-1][:1], _STAGED)
            folder.mkdir(exist_ok=True)
            if folder not in self._swept:
                staging.sweep(folder.iterdir())
                self._swept.add(folder)
            with staging.new_file(folder) as staged:
                yield staged

    def _replace(self, staged: Path, key: str) -> None:
        disk.sync(staged)
        staged.replace(self._path(key))
        self._settle(key)

    def _link(self, staged: Path, key: str) -> bool:
        """Move into place unless taken: `link` fails where `rename` would overwrite."""
        disk.sync(staged)
        try:
            os.link(staged, self._path(key))
        except FileExistsError:
            return False
        return True

    def _kept(self, path: Path, key: str) -> bool | None:
        """As `_link`, for a file from elsewhere. None where it cannot be had: another disk or mount, or no links."""
        try:
            return self._link(path, key)
        except OSError:
            return None

    def _settle(self, key: str) -> None:
        """Let the name that an object took reach the disk."""
        if not key.startswith(_REPORTS):
            with disk.answering(self.root):
                disk.sync(self._path(key).parent)


def _missing(key: str) -> ContractError:
    return ContractError(f"The store must hold {key}; there is no such object. Run the step before.")
