"""Locks where nothing frees them with their process: leases that run out.

A lease is an object `.locks/<name>`, created only if absent. Its holder renews it from a thread by replacing exactly
the object it wrote (`If-Match`); one that was not renewed for `SECONDS`, by the server's own clock, is taken over in
the same way, so of two takers one wins. A dead holder therefore blocks the others for `SECONDS` at most.

A holder that stalls longer than that and wakes up does no harm:
- the store refuses every further request of a process whose lease has run out, by a clock that counts while it sleeps;
- what is still on its way is a file that no manifest names yet, since a manifest, a ledger entry and a release are each
  created only if absent: its writer is told that another was first, and the next publish steps back over the rest.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

from pipelines.base.errors import CandorError, ContractError, SourceUnavailable

SECONDS: Final = 20.0
"""How long a lease lasts unless it is renewed."""
_RENEWALS: Final = 4
"""Tries to renew within `SECONDS`."""
_PAUSE_SECONDS: Final = 0.2
_THREAD: Final = "lease-"
"""Begins the name of threads that renew; they alone may write for a lease that has run out."""


class Objects(Protocol):
    """The part of a store that a lease needs."""

    def replace(self, key: str, data: Any, **condition: str) -> str | None:
        """Write under a condition; the object's ETag, or None when the condition did not hold."""

    def fetch(self, key: str) -> tuple[bytes, dict[str, Any]]:
        """An object and the answer it came with."""


@dataclass(slots=True)
class Lease:
    """One that this process holds."""

    key: str
    etag: str
    until: float
    """Seconds on `_now`'s clock. Counted from before the request, so never later than the server's."""


class Leases:
    """The leases that a store of this process holds."""

    def __init__(self, objects: Objects) -> None:
        """None yet.

        Args:
            objects: Where they are kept.
        """
        self._objects = objects
        self._mine: dict[int, Lease] = {}

    def check(self) -> None:
        """Raise SourceUnavailable when a lease of this process has run out: another may be writing by now."""
        if threading.current_thread().name.startswith(_THREAD):
            return
        if any(lease.until < _now() for lease in list(self._mine.values())):
            raise SourceUnavailable(
                f"A command must renew its lock within {SECONDS:.0f} s; this one stalled for longer and another may "
                "have gone on. Run it again: what is done is not done twice."
            )

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Wait for a lease, and hold it for the block.

        Raises:
            SourceUnavailable: It ran out within the block.
        """
        lease = self._taken(f".locks/{name}")
        self._mine[id(lease)] = lease
        stop = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(lease, stop), name=f"{_THREAD}{name}", daemon=True)
        renewing.start()
        try:
            yield
            self.check()
        finally:
            stop.set()
            renewing.join()
            del self._mine[id(lease)]
            self._free(lease)

    def _taken(self, key: str) -> Lease:
        while True:
            began = _now()
            etag = self._objects.replace(key, _content(), IfNoneMatch="*") or self._over(key)
            if etag is not None:
                return Lease(key, etag, began + SECONDS)
            time.sleep(_PAUSE_SECONDS)

    def _over(self, key: str) -> str | None:
        """Take over a lease that is free or has run out; None when it has not, or another was quicker."""
        try:
            content, answer = self._objects.fetch(key)
        except ContractError:
            return None  # just removed by hand
        asked = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        age = (asked - answer["LastModified"]).total_seconds()
        if not json.loads(content)["is_free"] and age <= SECONDS:
            return None
        return self._objects.replace(key, _content(), IfMatch=str(answer["ETag"]).strip('"'))

    def _renew(self, lease: Lease, stop: threading.Event) -> None:
        while not stop.wait(SECONDS / _RENEWALS):
            began = _now()
            try:
                etag = self._objects.replace(lease.key, _content(), IfMatch=lease.etag)
            except CandorError:
                continue  # the server may answer the next time; if not, the lease runs out
            if etag is None:
                lease.until = began  # somebody took it over
                return
            lease.etag, lease.until = etag, began + SECONDS

    def _free(self, lease: Lease) -> None:
        """Let the next one have it at once; whoever took it over keeps it. A lost request runs out by itself."""
        try:
            self._objects.replace(lease.key, _content(is_free=True), IfMatch=lease.etag)
        except CandorError:
            return


def _content(*, is_free: bool = False) -> bytes:
    """Never the same bytes twice, so that no two leases have the same ETag."""
    return json.dumps({"is_free": is_free, "mark": secrets.token_hex(16)}).encode()


def _now() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
