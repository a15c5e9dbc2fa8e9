"""Statistics of groups against their references: counts in, numbers out, all cells of all tables at once.

Formulas: 29 CFR 1607.4(D) for the ratio and the one-person flip; the normal test of two proportions with pooled
variance. Intervals are in `intervals`, exact tests in `exact`.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at first use: `gate` needs none of them, and they take two seconds

from pipelines.fairness.counting import Bools, Floats, Ints, divided

_SMALL_EXPECTED = 5
_SMALL_PEOPLE = 30
_ROUNDING = 1e-12
"""Ratios of counts that meet a threshold exactly must not miss it by the last bit."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A group and the reference it is compared with, in people: numbers, or arrays of one shape for many pairs."""

    selected: Ints
    people: Ints
    reference_selected: Ints
    reference_people: Ints

    def __post_init__(self) -> None:
        """Counts that cannot be are a programming mistake."""
        self._hold()
        if np.any(self.people == 0) or np.any(self.reference_people == 0):
            raise ValueError("both groups must hold people")

    def _hold(self) -> None:
        for name in ("selected", "people", "reference_selected", "reference_people"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        if not (np.all(self.selected >= 0) and np.all(self.selected <= self.people)):
            raise ValueError("selected must lie between 0 and people")
        if not (np.all(self.reference_selected >= 0) and np.all(self.reference_selected <= self.reference_people)):
            raise ValueError("selected must lie between 0 and people")

    def __getitem__(self, which: Bools | Ints | slice | None) -> "Pair":
        """Some of many pairs."""
        return Pair(
            self.selected[which], self.people[which], self.reference_selected[which], self.reference_people[which]
        )

    @property
    def rate(self) -> Floats:
        """The group's selection rate, a share."""
        return np.asarray(self.selected / self.people)

    @property
    def reference_rate(self) -> Floats:
        """The reference's selection rate, a share."""
        return np.asarray(self.reference_selected / self.reference_people)

    @property
    def total(self) -> Ints:
        """People of both together."""
        return np.asarray(self.people + self.reference_people)

    @property
    def pooled_rate(self) -> Floats:
        """Selection rate of both together, a share."""
        return np.asarray((self.selected + self.reference_selected) / self.total)


def impact_ratio(pair: Pair) -> Floats:
    """The group's rate divided by the reference's; NaN when nobody of the reference was selected."""
    return divided(pair.rate, pair.reference_rate)


def is_below(value: Floats, floor: float) -> Bools:
    """Whether `value` is below `floor` by more than rounding. NaN is not below; callers rule it out first."""
    return np.asarray(value < floor - _ROUNDING)


def z_statistic(pair: Pair) -> Floats:
    """Difference of the rates in pooled standard errors; NaN when all or none were selected."""
    pooled = pair.pooled_rate
    variance = pooled * (1 - pooled) * (1 / pair.people + 1 / pair.reference_people)
    return divided(pair.rate - pair.reference_rate, np.sqrt(variance))


def is_small_sample(pair: Pair) -> Bools:
    """Whether an expected cell is below 5 or fewer than 30 people are compared: then only an exact test will do."""
    rarer = np.minimum(pair.pooled_rate, 1 - pair.pooled_rate)
    least = rarer * np.minimum(pair.people, pair.reference_people)
    return np.asarray(is_below(least, _SMALL_EXPECTED) | (pair.total < _SMALL_PEOPLE))


def p_value(pair: Pair, fisher_p: Floats) -> Floats:
    """The p that decides: Fisher's for small samples, the normal one of `z_statistic` otherwise. Never NaN."""
    normal = 2 * scipy.stats.norm.sf(np.abs(np.nan_to_num(z_statistic(pair))))
    return np.where(is_small_sample(pair), fisher_p, normal)


def is_flipped_by_one(pair: Pair) -> Bools:
    """Whether selecting one different person would reverse the gap. False where there is no gap to reverse."""
    gap = pair.selected * pair.reference_people < pair.reference_selected * pair.people
    after = (pair.selected + 1) * pair.reference_people > (pair.reference_selected - 1) * pair.people
    return np.asarray(gap & after)


def shortfall(pair: Pair) -> Floats:
    """People of the group missing among the selected, had both groups the pooled rate. Never negative."""
    return np.maximum(0.0, pair.people * pair.pooled_rate - pair.selected)
