"""What one call writes: the company's size, its calendar and its streams of random numbers.

The calendar is fixed: 36 months, 2023-11 to 2026-10. A moment belongs to the delivery whose half-open
span holds it, so nothing is delivered twice and nothing is lost between the two.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = Literal["default", "biased"]

MONTHS = 36
PERIODS = 6
FIRST_DAY = np.datetime64("2023-11-01", "D")
LAST_DAY = np.datetime64("2026-10-31", "D")
MONTH_STARTS: Array = (np.datetime64("2023-11", "M") + np.arange(MONTHS + 1)).astype("datetime64[D]")
LARGE = 20_000
BLOCK = 50_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One drop of files: what became known in [start, end)."""

    name: str
    period: str
    start: np.datetime64
    end: np.datetime64

    def holds(self, moments: Array) -> Array:
        """[n] bool: whether each moment became known in this delivery. NaT never did."""
        return np.asarray((moments >= self.start) & (moments < self.end))


DELIVERIES = {
    "history": Delivery(
        "history", "2026-09", np.datetime64("1900-01-01T00:00:00"), np.datetime64("2026-10-01T00:00:00")
    ),
    "month36": Delivery(
        "month36", "2026-10", np.datetime64("2026-10-01T00:00:00"), np.datetime64("2026-11-01T00:00:00")
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the simulation depends on; equal plans give equal bytes.

    Attributes:
        workers: People who are or were employed within the calendar.
        kind: `biased` makes every screening decision punish women and puts proxies into resumes.
        seed: Of all streams of random numbers.
    """

    workers: int
    kind: Kind = "default"
    seed: int = 20231101

    @property
    def is_large(self) -> bool:
        """Whether per-month tables are cut to the last months, and hiring and resumes are capped."""
        return self.workers > LARGE

    @property
    def applications(self) -> int:
        """Applications over the whole calendar."""
        return min(max(700, self.workers * 3 // 2), 200_000)

    @property
    def requisitions(self) -> int:
        """Requisitions over the whole calendar, the planted one included."""
        return min(max(12, self.workers * 3 // 100), 2_000)

    @property
    def topics(self) -> int:
        """Course topics; each has six courses."""
        return 10 if self.workers >= 1_000 else 6

    @property
    def first_month(self) -> int:
        """Index of the first month that enrolments and work records are exported for."""
        return MONTHS - 3 if self.is_large else 0

    @property
    def first_period(self) -> int:
        """Index of the first review period that is exported."""
        return PERIODS - 2 if self.is_large else 0

    @property
    def resumes_cap(self) -> int | None:
        """Resumes a delivery holds unless the caller says otherwise; None means all."""
        return 2_000 if self.is_large else None

    def stream(self, name: str, block: int = 0) -> np.random.Generator:
        """A stream of random numbers of its own, so that one table's draws never move another's."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode()), block])


def blocks(count: int) -> list[slice]:
    """Consecutive spans of workers, small enough that one block's months fit in memory."""
    return [slice(at, min(at + BLOCK, count)) for at in range(0, count, BLOCK)]


def moments(days: Array, seconds: Array) -> Array:
    """[n] datetime64[s]: `days` plus a number of seconds, which may be fractional."""
    return np.asarray(days.astype("datetime64[s]") + np.asarray(seconds).astype("timedelta64[s]"))
