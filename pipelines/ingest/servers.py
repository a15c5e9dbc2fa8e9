"""What every server that files lie on can do: list them, tell their bytes, give them again. Nothing on it is changed.

A kind of server is one module with a `connected` of its own: `sftp`, `s3`. It is loaded when a feed names one.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from pipelines.base.errors import ContractError
from pipelines.ingest.arrivals import can_be_shown
from pipelines.ingest.feeds import Feed

MOST: Final = 200_000
"""Entries that are kept of one listing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something at a feed's location, as it was listed."""

    name: str
    """Path below the feed's location; empty when it is unsafe."""
    size: int
    changed: float
    """Seconds since 1970, by the server's clock."""
    is_file: bool
    fault: str = ""
    pin: str = ""
    """What tells these bytes from others of the same name, where the server says so."""


class Server(Protocol):
    """A server, and the place on it that a feed's files lie in."""

    def listing(self) -> Iterable[Entry]:
        """All entries below the location, as deep as the feed's pattern has slashes. Older ones of a name come first.

        Raises:
            SettingsError: It is not the server that was meant, or does not let us in or see the place.
            SourceUnavailable: It does not answer.
        """

    def named(self, name: str) -> list[Entry]:
        """What the server has under a name now, the newest first. Raises Gone when that is nothing."""

    def sha256(self, entry: Entry) -> str | None:
        """The digest of a file; None when it is no longer as it was listed. Raises Gone when it cannot be read."""

    def opened(self, entry: Entry) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file, more than its size if it has grown. Raises Gone when it cannot be read."""

    def start(self, name: str, size: int) -> bytes:
        """The first bytes of the newest file of a name. Raises Gone when it cannot be read."""


def connected(feed: Feed) -> AbstractContextManager[Server]:
    """The server of a feed; nothing is asked of it yet.

    Raises:
        SettingsError: It is not the one that was meant, or does not let us in.
        SourceUnavailable: It does not answer.
    """
    if feed.bucket is not None:
        from pipelines.ingest import s3

        return s3.connected(feed)
    from pipelines.ingest import sftp

    return sftp.connected(feed)


def plain(name: str) -> bool:
    """Whether a name is one step down and can be shown."""
    return bool(name) and "/" not in name and name not in (".", "..") and can_be_shown(name)


def too_many(feed: Feed) -> ContractError:
    """The error when a listing does not end in time."""
    return ContractError(
        f"The folder of {feed.name} must hold at most {MOST} entries; it holds more. "
        "Have old files moved elsewhere, or name a smaller folder."
    )
