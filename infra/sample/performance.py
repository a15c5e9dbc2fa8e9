"""Work records and reviews: what a latent level, drifting month by month, leaves behind.

    level(month) = 0.75 * lasting part + 0.66 * AR(1) with coefficient 0.85

Tasks, quality and customer scores are noisy readings of that level; a rating is its mean over the six
months of a review period, plus noise. Overtime says nothing about performance, but hinders learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infra.sample.plan import LAST_DAY, MONTH_STARTS, MONTHS, PERIODS, Array, Plan

if TYPE_CHECKING:
    from infra.sample.company import Workers

OVERTIME_SHIFT = 6.0


@dataclass(frozen=True, slots=True)
class Performance:
    """One block of workers. Arrays [workers, 36] by month, [workers, 6] by review period.

    Attributes:
        overtime: Standard normal: the true load, without the drift of the clock.
        is_present: Employed from the first to the last day of the month; other months have no record.
        rating: 1.0 to 5.0; NaN where unrated.
        is_reviewed: Whether a review was held at all.
    """

    level: Array
    overtime: Array
    is_present: Array
    hours_worked: Array
    overtime_hours: Array
    absence_days: Array
    tasks_completed: Array
    quality_score: Array
    customer_score: Array
    rating: Array
    self_rating: Array
    is_reviewed: Array
    completed: Array


def simulate(plan: Plan, workers: Workers, block: slice) -> Performance:
    """Simulate all months of the workers in `block`."""
    rng = plan.stream("performance", block.start)
    lasting, count = workers.people.level[block].astype(np.float64), block.stop - block.start
    shape = (count, MONTHS)
    level = 0.75 * lasting[:, None] + 0.66 * _wander(rng, count)
    overtime = 0.75 * rng.standard_normal((count, 1)) + 0.66 * rng.standard_normal(shape)
    measured = 9 + OVERTIME_SHIFT * overtime
    measured[:, -1] += OVERTIME_SHIFT
    absence = rng.poisson(0.7, shape)
    hours = 160 * np.where(workers.is_part_time[block], 0.6, 1.0)[:, None] - 8 * absence + np.maximum(0, measured)
    rating, is_reviewed = _rate(rng, level), _reviewed(rng, workers, block)
    is_unrated = rng.random(rating.shape) < 0.03
    return Performance(
        level=level,
        overtime=overtime,
        is_present=_present(workers, block),
        hours_worked=np.maximum(0, hours).round(1),
        overtime_hours=np.maximum(0, measured).round(1),
        absence_days=absence,
        tasks_completed=np.maximum(0, 42 + 8 * level + 4.5 * rng.standard_normal(shape)).round().astype(np.int64),
        quality_score=np.clip(76 + 6 * level + 5 * rng.standard_normal(shape), 0, 100).round(1),
        customer_score=np.clip(3.6 + 0.4 * level + 0.35 * rng.standard_normal(shape), 1, 5).round(2),
        rating=np.where(is_unrated, np.nan, rating),
        self_rating=np.clip(rating + 0.3 + 0.4 * rng.standard_normal(rating.shape), 1, 5).round(1),
        is_reviewed=is_reviewed,
        completed=period_ends() - rng.integers(0, 7, size=(count, PERIODS)).astype("timedelta64[D]"),
    )


def period_ends() -> Array:
    """[6] the last day of each review period."""
    return np.asarray(MONTH_STARTS[6::6] - np.timedelta64(1, "D"))


def _wander(rng: np.random.Generator, count: int) -> Array:
    """[n, 36] stationary AR(1) of unit variance."""
    steps = rng.standard_normal((count, MONTHS))
    for month in range(1, MONTHS):
        steps[:, month] = 0.85 * steps[:, month - 1] + np.sqrt(1 - 0.85**2) * steps[:, month]
    return steps


def _rate(rng: np.random.Generator, level: Array) -> Array:
    means = level.reshape(len(level), PERIODS, MONTHS // PERIODS).mean(axis=2)
    return np.asarray(np.clip(3.2 + 0.7 * means + 0.22 * rng.standard_normal(means.shape), 1, 5).round(1))


def _present(workers: Workers, block: slice) -> Array:
    """[n, 36] bool: employed over the whole month."""
    hired, gone = workers.hired[block, None], workers.terminated[block, None]
    last = MONTH_STARTS[1:] - np.timedelta64(1, "D")
    return np.asarray((hired <= MONTH_STARTS[:-1]) & (np.isnat(gone) | (gone > last)))


def _reviewed(rng: np.random.Generator, workers: Workers, block: slice) -> Array:
    """[n, 6] bool: employees here for three months or more, still here at the end, and not forgotten."""
    ends = period_ends()
    hired, gone = workers.hired[block, None], workers.terminated[block, None]
    here = (hired <= ends - np.timedelta64(92, "D")) & (np.isnat(gone) | (gone > ends)) & (ends <= LAST_DAY)
    return np.asarray(here & ~workers.is_contingent[block, None] & (rng.random(here.shape) > 0.02))
