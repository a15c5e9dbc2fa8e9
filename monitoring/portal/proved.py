"""Whether the ledger is whole, as of the newest proof: a page does not wait for a long ledger to be read.

A short ledger is proved for every page. A long one is proved beside the pages, at most so often; until the first proof
is there, a page says that it does not know, and afterwards since when it knows. The Records page proves everything
while its reader waits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Final

from pipelines.base.errors import CandorError

SHORT: Final = 1_000
"""Entries that are proved for every page: some tens of milliseconds."""
FRESH: Final = timedelta(minutes=5)
"""A proof that is older starts the next one."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof found."""

    faults: tuple[str, ...]
    at: datetime


class Proofs:
    """The newest proof of each ledger, by the address of its store. One for a whole server; threads may share it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = Lock()
        self._newest: dict[str, Proof] = {}
        self._at_work: dict[str, Thread] = {}

    def of(self, address: str, entries: int, prove: Callable[[], list[str]]) -> Proof | None:
        """The proof to show.

        Args:
            address: Of the store.
            entries: How many the ledger has.
            prove: Reads it and names its faults. May raise CandorError, which is a fault.

        Returns:
            None while the first proof of a long ledger is at work.
        """
        if entries <= SHORT:
            return self._proved(prove)
        with self._lock:
            known = self._newest.get(address)
            if (known is None or self._now() - known.at > FRESH) and address not in self._at_work:
                thread = Thread(target=self._renew, args=(address, prove), daemon=True)
                self._at_work[address] = thread
                thread.start()
            return known

    def wait(self, address: str) -> None:
        """Until no proof of this ledger is at work."""
        with self._lock:
            thread = self._at_work.get(address)
        if thread is not None:
            thread.join()

    def _renew(self, address: str, prove: Callable[[], list[str]]) -> None:
        try:
            found = self._proved(prove)
            with self._lock:
                self._newest[address] = found
        finally:
            with self._lock:
                del self._at_work[address]

    def _proved(self, prove: Callable[[], list[str]]) -> Proof:
        began = self._now()
        try:
            return Proof(tuple(prove()), began)
        except CandorError as error:
            return Proof((str(error),), began)
