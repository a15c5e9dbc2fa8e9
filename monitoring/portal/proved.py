"""Whether the ledger is whole, as of the newest proof: a page does not wait for a long ledger to be read.

A short ledger is proved for every page. A long one is proved beside the pages, at most so often; until the first proof
is there, and when the newest is old, a page says that it does not know. A proof says up to which entry it went: where
that entry is gone or another one by now, nobody waits for the next proof to hear of it. The Records page proves
everything that a short ledger vouches for, and of a long one while that reader waits who asked for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Final

from pipelines.audit import Head
from pipelines.base.errors import CandorError

SHORT: Final = 1_000
"""Entries that are proved for every page: some tens of milliseconds."""
FRESH: Final = timedelta(minutes=5)
"""A proof that is older starts the next one."""
OLD: Final = timedelta(minutes=15)
"""A proof that is older says nothing any more."""

Prove = Callable[[], tuple[list[str], Head]]
"""Reads a ledger: its faults, and the newest entry that was read."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof found."""

    faults: tuple[str, ...]
    at: datetime
    head: Head | None
    """Up to which entry it went; None when it could not be made."""


class Proofs:
    """The newest proof of each ledger, by the address of its store. One for a whole server; threads may share it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = Lock()
        self._newest: dict[str, Proof] = {}
        self._at_work: dict[str, Thread] = {}

    def of(self, address: str, head: Head, digest_of: Callable[[int], str], prove: Prove) -> Proof | None:
        """The proof to show.

        Args:
            address: Of the store.
            head: The ledger's newest entry now.
            digest_of: The digest of an entry as it is now.
            prove: Makes a proof. What it raises is a fault.

        Returns:
            None while nothing is known of a long ledger that is new enough.
        """
        if head.sequence <= SHORT:
            return self._proved(prove)
        with self._lock:
            known = self._newest.get(address)
            age = self._now() - known.at if known else None
            if (age is None or age > FRESH) and address not in self._at_work:
                thread = Thread(target=self._renew, args=(address, prove), daemon=True)
                thread.start()  # it waits for this lock before it is done
                self._at_work[address] = thread
        if known is None or known.head is None:
            return known
        if (lost := _lost(known.head, head, digest_of)) is not None:
            return Proof((*known.faults, lost), known.at, known.head)
        return known if age is not None and age <= OLD else None

    def wait(self, address: str) -> None:
        """Until no proof of this ledger is at work."""
        with self._lock:
            thread = self._at_work.get(address)
        if thread is not None:
            thread.join()

    def _renew(self, address: str, prove: Prove) -> None:
        found = self._proved(prove)
        with self._lock:
            self._newest[address] = found
            self._at_work.pop(address, None)

    def _proved(self, prove: Prove) -> Proof:
        began = self._now()
        try:
            faults, head = prove()
        except CandorError as error:
            return Proof((str(error),), began, None)
        except Exception as error:  # noqa: BLE001  # an older proof must not stand for one that failed
            return Proof((f"The ledger could not be proved: {type(error).__name__}. Try again.",), began, None)
        return Proof(tuple(faults), began, head)


def _lost(known: Head, now: Head, digest_of: Callable[[int], str]) -> str | None:
    """What a ledger lacks of what was proved."""
    if now.sequence < known.sequence:
        return f"The ledger had {known.sequence} entries when it was proved; it has {now.sequence}: the tail was cut."
    try:
        digest = digest_of(known.sequence)
    except CandorError as error:
        return str(error)
    return None if digest == known.sha256 else f"Entry {known.sequence} of the ledger is not the one that was proved."
