"""One interface to bytes; nothing outside this module knows where they live.

`file://` is the embedded default. A key is a relative path with `/`. Every write is atomic: a reader sees the old
object, the new one or none, never half of one.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from pipelines.base import staging
from pipelines.base.errors import ContractError, SettingsError, SourceUnavailable
from pipelines.base.settings import environment

_STAGED: Final = ".staged"
"""Folder of a zone in which its objects are written before they take their name."""

STORE_URL = "CANDOR_STORE"


class Store(Protocol):
    """Objects under keys."""

    url: str

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises ContractError when there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Write or replace."""

    def create(self, key: str, data: bytes) -> bool:
        """Write only if absent; whether it was written. Of two writers one wins."""

    def exists(self, key: str) -> bool:
        """Whether there is an object under the key."""

    def size(self, key: str) -> int:
        """Bytes of the object."""

    def list(self, prefix: str) -> list[str]:
        """Keys below `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Remove; nothing happens when there is none."""

    def upload(self, key: str, path: Path) -> None:
        """Write or replace from a file, streaming."""

    def upload_new(self, key: str, path: Path) -> bool:
        """As `create`, from a file, streaming."""

    def download(self, key: str, path: Path) -> None:
        """Write the object to a file, streaming; the file appears whole or not at all."""

    def uri(self, key: str) -> str:
        """The place as Delta Lake wants it."""

    def options(self) -> dict[str, str] | None:
        """Storage options for Delta Lake; None where none are needed."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """One holder at a time; freed when its process dies."""


def open_store(url: str | None = None) -> Store:
    """The store at `url`, by default the one in CANDOR_STORE.

    Raises:
        SettingsError: No URL, or one of a kind that this version does not speak.
    """
    url = url or environment(STORE_URL, "the URL of the store, such as file:///srv/candor")
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return FileStore(Path(unquote(parts.path)))
    raise SettingsError(f"{STORE_URL} must be file:///absolute/folder; got the scheme {parts.scheme!r}. Correct it.")


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
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            raise ContractError(f"The store must hold {key}; there is no such object. Run the step before.") from None

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
        return self._path(key).stat().st_size

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

        A disk that went away would otherwise come back as an empty store, with half a run in it.
        """
        try:
            found = self.root.stat()
        except OSError:
            now = None
        else:
            now = (found.st_dev, found.st_ino)
        if self._seen is not None and now != self._seen:
            raise SourceUnavailable(
                f"The store's folder must stay while a command runs; {self.root} is gone or another one. "
                "Bring it back and run the same command again: nothing is taken in twice."
            )
        self._seen = now

    @contextmanager
    def _staged(self, key: str) -> Iterator[Path]:
        """A private file on the disk of the object's zone, gone afterwards unless it was moved."""
        target = self._path(key)
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


def _sync(path: Path) -> None:
    """Small records reach the disk before their name does, so that a power cut never leaves an empty one.

    Files that are uploaded can be uploaded again and are not synced: thousands of resumes would take minutes.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())
