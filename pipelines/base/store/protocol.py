"""What every store can do, whatever lies under it."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class Store(Protocol):
    """Objects under keys."""

    url: str
    keeps_files: bool
    """Whether `upload_new` can keep a file as it is: if its bytes reach the disk while it is written, nobody waits."""

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises ContractError when there is none."""

    def read_start(self, key: str, size: int) -> bytes:
        """The object's first `size` bytes, or all when it has fewer. Raises as `read`."""

    def read_many(self, keys: Iterable[str]) -> Iterator[bytes]:
        """The objects' bytes in the order of `keys`; a store far away is asked for several at a time."""

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
        """Remove for good; nothing happens when there is none. What is write-once on S3 is refused by the server."""

    def upload(self, key: str, path: Path) -> None:
        """Write or replace from a file, streaming."""

    def upload_new(self, key: str, path: Path, *, may_keep: bool = False) -> bool:
        """As `create`, from a file, streaming. With `may_keep` it may be kept as is: nobody writes to it any more."""

    def download(self, key: str, path: Path) -> None:
        """Write the object to a file, streaming; the file appears whole or not at all."""

    def opened(self, key: str, scratch: Path) -> AbstractContextManager[BinaryIO]:
        """The object to be read from its start, perhaps by way of a file in the folder `scratch`. Raises as `read`."""

    def uri(self, key: str) -> str:
        """The place as Delta Lake wants it."""

    def options(self) -> dict[str, str] | None:
        """Storage options for Delta Lake; None where none are needed."""

    def settle(self, keys: Iterable[str]) -> None:
        """Wait until objects would survive a power cut: what others wrote, such as Delta Lake, and unsettled names."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """One holder at a time; freed when its process dies, on S3 after `lease.SECONDS`."""
