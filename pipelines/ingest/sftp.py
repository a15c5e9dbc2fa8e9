"""Read a folder on an SFTP server whose key is pinned. Nothing there is ever written, renamed or removed.

One connection a block, made when something is first asked for. What the server says is not believed: it may be hostile,
so names are plain or faulty, sizes are kept to, folders are looked into only as deep as the feed needs, and no text of
the server's stands in an error.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TypeVar

import asyncssh

from pipelines.base.errors import SettingsError
from pipelines.ingest import ssh
from pipelines.ingest.arrivals import UNSAFE, Gone
from pipelines.ingest.feeds import Feed
from pipelines.ingest.servers import MOST, Entry, plain, too_many
from pipelines.ingest.sources import Sftp

_PIECE: Final = 1 << 20
_FILE_ERRORS: Final = (
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPFileIsADirectory,
    asyncssh.SFTPNotADirectory,
    asyncssh.SFTPInvalidFilename,
    asyncssh.SFTPFailure,
)
"""What is wrong with one path, not with the server."""

T = TypeVar("T")


@contextmanager
def connected(feed: Feed) -> Iterator["Server"]:
    """The server of a feed.

    Raises:
        SettingsError: It is not the one that was pinned, or does not let us in.
        SourceUnavailable: It does not answer.
    """
    if feed.sftp is None:
        raise ValueError(f"{feed.name} has no server")
    with asyncio.Runner() as runner:
        server = Server(feed, feed.sftp, runner)
        try:
            yield server
        finally:
            server.close()


class Server:
    """A server, and the folder on it that a feed's files lie in."""

    def __init__(self, feed: Feed, sftp: Sftp, runner: asyncio.Runner) -> None:
        """Nothing is connected yet."""
        self._feed, self._sftp, self._runner = feed, sftp, runner
        self._met = ssh.Pinned(sftp.host_keys)
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.abort()
            self._runner.run(self._connection.wait_closed())

    def listing(self) -> list[Entry]:
        """All entries, those of folders among them as deep as the feed's pattern has slashes."""
        self._connect()
        try:
            return self._run(self._listing(self._feed.files.count("/")), is_patient=True)
        except _FILE_ERRORS:
            raise SettingsError(
                f"The folder of {self._feed.name} on its server must be there and open for sftp.user; it is not. "
                "Correct the location, or ask the server's owner for the right to list it."
            ) from None

    def named(self, name: str) -> list[Entry]:
        """The file of a name. Raises Gone when there is none."""
        self._connect()
        try:
            entry = _entry(name, self._run(self._sftp_client().stat(self._path(name))))
        except _FILE_ERRORS:
            raise Gone from None
        if not entry.is_file:
            raise Gone
        return [entry]

    def sha256(self, entry: Entry) -> str | None:
        """The digest of a file; None when it is no longer as it was listed. Raises Gone when it cannot be read."""
        with self._opened(entry.name, entry.size + 1) as (raw, file):
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            now = self._run(raw.remote.stat())
        is_same = (entry.size, entry.changed) == (now.size, now.mtime) and raw.count == entry.size
        return digest if is_same else None

    @contextmanager
    def opened(self, entry: Entry) -> Iterator[BinaryIO]:
        """The bytes of a file, and one more if it has grown. Raises Gone when it cannot be read."""
        with self._opened(entry.name, entry.size + 1) as (_, file):
            yield file

    def start(self, name: str, size: int) -> bytes:
        """A file's first bytes. Raises Gone when it cannot be read."""
        with self._opened(name, size) as (_, file):
            return file.read(size)

    @contextmanager
    def _opened(self, name: str, most: int) -> Iterator[tuple["_Raw", io.BufferedReader]]:
        self._connect()
        file = self._run(self._open(name))
        raw = _Raw(file, most, self._run)
        try:
            yield raw, io.BufferedReader(raw, _PIECE)
            self._run(file.close())
        except _FILE_ERRORS:
            raise Gone from None

    async def _open(self, name: str) -> asyncssh.SFTPClientFile:
        try:
            return await self._sftp_client().open(self._path(name), "rb", encoding=None)
        except _FILE_ERRORS:
            raise Gone from None

    async def _listing(self, deepest: int) -> list[Entry]:
        found: list[Entry] = []
        left, count = [("", deepest)], 0
        while left:
            folder, depth = left.pop()
            async for given in self._scan(folder):
                count += 1
                if count > MOST:
                    raise too_many(self._feed)
                name = _plain(given.filename)
                entry = _entry(f"{folder}{name}", given.attrs) if name else Entry("", 0, 0, False, UNSAFE)
                if given.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY and depth and not entry.fault:
                    left.append((f"{entry.name}/", depth - 1))
                else:
                    found.append(entry)
        return found

    async def _scan(self, folder: str) -> AsyncIterator[asyncssh.SFTPName]:
        """What is in a folder; each answer may take as long as an answer may."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._sftp.patience_seconds) as limit:
            async for given in self._sftp_client().scandir(self._path(folder)):
                limit.reschedule(loop.time() + self._sftp.patience_seconds)
                if given.filename not in (b".", b".."):
                    yield given

    def _path(self, name: str) -> bytes:
        below = self._feed.location
        return (f"{below.rstrip('/')}/{name}" if below else name or ".").encode()

    def _sftp_client(self) -> asyncssh.SFTPClient:
        if self._client is None:
            raise ValueError("a server is asked only once it is connected")
        return self._client

    def _connect(self) -> None:
        if self._client is None:
            self._run(self._connected())

    async def _connected(self) -> None:
        self._connection = await ssh.connect(self._sftp, self._met)
        self._client = await self._connection.start_sftp_client(path_encoding=None)

    def _run(self, work: Coroutine[Any, Any, T], *, is_patient: bool = False) -> T:
        """Wait for an answer of the server's; what goes wrong becomes an error that says who must act."""
        limit = None if is_patient else self._sftp.patience_seconds
        try:
            return self._runner.run(asyncio.wait_for(work, limit))
        except _FILE_ERRORS:
            raise
        except (asyncssh.Error, OSError) as error:
            raise ssh.told(error, self._feed.name, self._sftp, self._met) from None


class _Raw(io.RawIOBase):
    """A file on the server as a stream that ends after so many bytes."""

    def __init__(
        self, file: asyncssh.SFTPClientFile, most: int, run: Callable[[Coroutine[Any, Any, Any]], Any]
    ) -> None:
        self.remote, self._most, self._run = file, most, run
        self.count = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # a buffer has no type before Python 3.12
        """Fill a buffer."""
        size = min(len(buffer), self._most - self.count)
        data: bytes = self._run(self.remote.read(size, self.count)) if size else b""
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


def _entry(name: str, attrs: asyncssh.SFTPAttrs) -> Entry:
    is_file = attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and attrs.size is not None and attrs.mtime is not None
    return Entry(name, attrs.size or 0, int(attrs.mtime or 0), is_file)


def _plain(name: str | bytes) -> str | None:
    """A name that is one step down and can be shown; None for any other."""
    try:
        text = name.decode() if isinstance(name, bytes) else name
    except UnicodeDecodeError:
        return None
    return text if text and plain(text) else None
