"""Many selection tables judged at once: one axis, a row a subject, a column a group.

The whole of one axis is a handful of arrays, whether there is one table or a hundred thousand; what is shown of it is
made from them, row by row, by `axes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.fairness import pairs
from pipelines.fairness.corrections import benjamini_hochberg, for_the_choice
from pipelines.fairness.counting import UNKNOWN, Bools, Floats, Ints
from pipelines.fairness.exact import exact_p
from pipelines.fairness.grids import Grid
from pipelines.fairness.intervals import interval
from pipelines.fairness.pairs import Pair
from pipelines.fairness.power import power
from pipelines.fairness.rules import Reason, Rules, Verdict, bit, severity
from pipelines.fairness.verdicts import decide

_NOBODY: Final = -1
_COLUMNS: Final = (
    *("impact_ratio", "low", "high", "statutory_impact_ratio", "z", "fisher_p", "mid_p", "p_value", "p_corrected"),
    *("shortfall", "power"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Everything judged. Arrays are [n_subjects, n_groups] unless said; NaN where a number does not exist."""

    grid: Grid
    min_group_size: int
    reference: Ints
    """[n_subjects] column of the reference; -1 without one."""
    statutory_reference: Ints
    """[n_subjects] column of the most selected group of any size."""
    is_reference: Bools
    is_small: Bools
    is_flipped_by_one: Bools
    method: npt.NDArray[np.int8]
    """Position in `intervals.METHODS`."""
    verdict: npt.NDArray[np.int8]
    """Severities, as `rules.BY_SEVERITY`."""
    reasons: npt.NDArray[np.int32]
    """Bits, as `rules.reasons_of`."""
    numbers: Mapping[str, Floats]
    """Column to its numbers, named as in `axes.GroupRow`."""

    @property
    def is_judged(self) -> Bools:
        """Where a group was large enough to be judged against a reference."""
        return np.asarray(~np.isnan(self.numbers["p_value"]))

    @property
    def worst(self) -> npt.NDArray[np.int8]:
        """[n_subjects] severity of the worst group that is there; without any, INSUFFICIENT_DATA."""
        shown = np.where(self.grid.people > 0, self.verdict, _NOBODY).max(axis=1, initial=_NOBODY)
        return np.where(shown < 0, severity(Verdict.INSUFFICIENT_DATA), shown).astype(np.int8)

    def order(self, is_hidden: Bools) -> Ints:
        """[n_subjects] positions: worst verdict first, then what the pool hides, lowest impact ratio, name."""
        ratios = np.where(self.is_judged, self.numbers["impact_ratio"], np.inf).min(axis=1, initial=np.inf)
        names = np.argsort(np.argsort(np.array(self.grid.subjects, dtype=np.str_), kind="stable"), kind="stable")
        return np.lexsort((names, ratios, ~is_hidden, -self.worst.astype(np.int64)))

    def is_hidden_in(self, pool: Mapping[str, Verdict]) -> Bools:
        """[n_subjects] whether a group fails there and looks better over all subjects together (Simpson's paradox).

        Only the groups that the subject's verdict comes from count: where the pool shows what is ADVERSE, it hides
        nothing because it shows a lesser doubt about another group as none.

        Args:
            pool: Group to its verdict over all subjects; one that is not there hides nothing.
        """
        known = [severity(pool.get(name, Verdict.ADVERSE)) for name in self.grid.groups]
        fails = (self.verdict >= severity(Verdict.INVESTIGATE)) & (self.verdict == self.worst[:, np.newaxis])
        return np.asarray((fails & (self.verdict > np.array(known, dtype=np.int64))).any(axis=1))


def judged(grid: Grid, *, min_group_size: int, rules: Rules) -> Table:
    """Judge every group of every subject against the best group large enough of its subject.

    Args:
        grid: The counts.
        min_group_size: Distinct people. Smaller groups are shown and left unjudged, never merged.
        rules: The rule pack.

    Returns:
        The table before any correction for how much was looked at: `corrected` must follow.
    """
    is_known = (grid.people > 0) & ~np.array([name == UNKNOWN for name in grid.groups], dtype=np.bool_)
    is_large = is_known & (grid.heads >= min_group_size)
    table = _undecided(grid, is_known, is_large, min_group_size)
    _describe(table, is_known)
    is_judged = is_known & is_large & ~table.is_reference & (table.reference >= 0)[:, np.newaxis]
    pair, sure = (_pairs(counts, table.reference, is_judged) for counts in (grid, grid.independent))
    numbers = table.numbers
    numbers["p_value"][is_judged] = pairs.p_value(sure, numbers["fisher_p"][is_judged])
    numbers["power"][is_judged] = power(
        sure.people, sure.reference_people, pair.reference_rate, rules.impact_ratio_floor, rules.significance_level
    )
    decided = decide(pair, numbers["p_value"][is_judged], numbers["power"][is_judged], rules, independent=sure)
    table.verdict[is_judged], table.reasons[is_judged] = decided.verdicts, decided.reasons
    return table


def corrected(table: Table, rules: Rules, *, is_each_alone: bool = False) -> Table:
    """ADVERSE kept only where it is significant among all that was looked at; otherwise INVESTIGATE, never less.

    Args:
        table: As `judged` gives it.
        rules: The rule pack.
        is_each_alone: Whether nobody looks at more than one of the subjects: each is corrected for its own groups only.
    """
    groups = (table.is_judged | table.is_reference).sum(axis=1, keepdims=True)
    paid = for_the_choice(table.numbers["p_value"], groups)
    is_adverse = table.verdict == severity(Verdict.ADVERSE)
    # Who could not be ADVERSE is one more look, and lends no room: small true gaps would let chance ones through.
    asked = np.where(is_adverse | np.isnan(paid), paid, 1.0)
    least, among = (_corrected_together(p, is_each_alone=is_each_alone) for p in (asked, paid))
    p_corrected = np.where(is_adverse, least, among)
    is_chance = is_adverse & ~(p_corrected < rules.significance_level)
    reason = bit(Reason.NOT_SIGNIFICANT_AFTER_CORRECTION)
    return replace(
        table,
        verdict=np.where(is_chance, severity(Verdict.INVESTIGATE), table.verdict).astype(np.int8),
        reasons=np.where(is_chance, table.reasons | reason, table.reasons).astype(np.int32),
        numbers={**table.numbers, "p_corrected": p_corrected},
    )


def _corrected_together(p_values: Floats, *, is_each_alone: bool) -> Floats:
    looks = p_values if is_each_alone else p_values.reshape(1, -1)
    return np.asarray(benjamini_hochberg(looks).reshape(p_values.shape))


def _undecided(grid: Grid, is_known: Bools, is_large: Bools, min_group_size: int) -> Table:
    """The table before any comparison: who is the reference, who is too small, who has nobody to compare with."""
    reference = _best(grid, is_large)
    is_reference = is_large & (np.arange(len(grid.groups)) == reference[:, np.newaxis])
    is_compared = is_reference & (is_large.sum(axis=1, keepdims=True) > 1)
    is_chosen = is_compared & (grid.selected > 0)
    insufficient, clear = severity(Verdict.INSUFFICIENT_DATA), severity(Verdict.NO_EVIDENCE)
    reasons = np.select(
        [grid.people == 0, ~is_known, ~is_large, is_chosen, is_compared],
        [
            bit(reason)
            for reason in (
                Reason.NO_PEOPLE,
                Reason.UNKNOWN_GROUP,
                Reason.BELOW_MIN_GROUP_SIZE,
                Reason.REFERENCE_GROUP,
                Reason.NOBODY_SELECTED,
            )
        ],
        bit(Reason.NO_COMPARISON),
    )
    numbers = {name: np.full(grid.people.shape, np.nan) for name in _COLUMNS}
    numbers["impact_ratio"][is_chosen] = 1.0
    return Table(
        grid=grid,
        min_group_size=min_group_size,
        reference=reference,
        statutory_reference=_best(grid, is_known),
        is_reference=is_reference,
        is_small=is_known & ~is_large,
        verdict=np.where(is_chosen, clear, insufficient).astype(np.int8),
        reasons=reasons.astype(np.int32),
        method=np.zeros(grid.people.shape, dtype=np.int8),
        is_flipped_by_one=np.zeros(grid.people.shape, dtype=np.bool_),
        numbers=numbers,
    )


def _describe(table: Table, is_known: Bools) -> None:
    """Fill in what is shown of every known group beside its reference, judged or not."""
    grid, numbers = table.grid, table.numbers
    numbers["statutory_impact_ratio"][is_known] = pairs.impact_ratio(_pairs(grid, table.statutory_reference, is_known))
    is_shown = is_known & ~table.is_reference & (table.reference >= 0)[:, np.newaxis]
    pair, sure = (_pairs(counts, table.reference, is_shown) for counts in (grid, grid.independent))
    bounds, exact = interval(sure), exact_p(sure)
    numbers["impact_ratio"][is_shown] = pairs.impact_ratio(pair)
    numbers["low"][is_shown], numbers["high"][is_shown] = bounds.low, bounds.high
    numbers["z"][is_shown] = pairs.z_statistic(sure)
    numbers["fisher_p"][is_shown], numbers["mid_p"][is_shown] = exact.fisher, exact.mid
    numbers["shortfall"][is_shown] = pairs.shortfall(pair)
    table.method[is_shown] = bounds.method
    table.is_flipped_by_one[is_shown] = pairs.is_flipped_by_one(sure)


def _best(grid: Grid, candidates: Bools) -> Ints:
    """[n_subjects] the candidate with the highest rate; of equal rates the larger group, then the first by name."""
    rate = np.where(candidates, grid.selected / np.maximum(grid.people, 1), _NOBODY)
    ties = candidates & (rate == rate.max(axis=1, keepdims=True, initial=_NOBODY))
    people = np.where(ties, grid.people, _NOBODY)
    if not people.shape[1]:
        return np.full(len(people), _NOBODY)
    return np.where(candidates.any(axis=1), people.argmax(axis=1), _NOBODY)


def _pairs(grid: Grid, reference: Ints, which: Bools) -> Pair:
    """[n_cells] the groups asked for, each beside its subject's reference."""
    rows, columns = np.nonzero(which)
    of = reference[rows]
    return Pair(
        grid.selected[rows, columns], grid.people[rows, columns], grid.selected[rows, of], grid.people[rows, of]
    )
