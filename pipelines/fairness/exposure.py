"""Who is seen in ranked lists: attention falls with the rank, so being listed is not being seen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import UNKNOWN, Bools, Coded, Floats, Ints, as_coded, as_subjects, divided, same_length
from pipelines.fairness.intervals import Z


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure by group over all lists. Arrays are [n_groups]; NaN where a number does not exist."""

    groups: tuple[str, ...]
    listed: Ints
    """Times that the group's people stand in a list."""
    people: Ints
    """Distinct people who do."""
    exposure: Floats
    """Mean attention of a listing: 1 at the top of a list, 1 / log2(1 + rank) below it."""
    ratio: Floats
    """Exposure divided by the highest among the groups large enough; NaN for unknown."""
    low: Floats
    high: Floats
    """95 % interval of the ratio (delta method over lists, which share their attention among their people)."""
    relevance_ratio: Floats
    """Exposure per merit, the same way; NaN without merits."""
    is_comparable: Bools
    """Whether the group is known and large enough; the others are shown and never read as equal."""


def exposure(
    rank: npt.ArrayLike,
    ranking: npt.ArrayLike | Coded,
    group: npt.ArrayLike | Coded,
    *,
    min_group_size: int,
    merit: npt.ArrayLike | None = None,
    person: npt.ArrayLike | None = None,
) -> Exposure:
    """Measure how much attention the people of each group get.

    Args:
        rank: [n_listings] from 1, the top.
        ranking: [n_listings] str. Which list, such as a requisition.
        group: [n_listings] str of the person listed; missing answers are `unknown`.
        min_group_size: People; with fewer, a group is shown and not compared.
        merit: [n_listings] relevance of the person, 0 or more, for exposure in proportion to merit.
        person: [n_listings] whole numbers, equal where the person is; without, no two listings are of one.

    Raises:
        ContractError: A rank is below 1, or the columns differ in length.

    Source:
        Singh and Joachims (2018): demographic parity of exposure, and exposure in proportion to merit.
    """
    places, lists, coded = np.asarray(rank, dtype=np.float64), as_subjects(ranking), as_coded(group)
    same_length(places, lists.codes, coded.codes)
    faults = int((~(places >= 1)).sum())
    if faults:
        raise ContractError(f"Ranks must start at 1; {faults} of {len(places)} do not. Correct the stage that ranks.")
    attention = 1 / np.log2(1 + places)
    listed = np.bincount(coded.codes, minlength=len(coded.names))
    mean = divided(np.bincount(coded.codes, attention, minlength=len(coded.names)), listed)
    people = listed if person is None else _people(coded, person)
    is_comparable = (people >= max(min_group_size, 1)) & np.array([name != UNKNOWN for name in coded.names], np.bool_)
    ratio, low, high = _against_best(attention, lists, coded, mean, is_comparable)
    return Exposure(
        groups=coded.names,
        listed=listed,
        people=people,
        exposure=mean,
        ratio=ratio,
        low=low,
        high=high,
        relevance_ratio=_by_merit(attention, merit, coded, is_comparable),
        is_comparable=is_comparable,
    )


def _people(coded: Coded, person: npt.ArrayLike) -> Ints:
    """[n_groups] distinct people."""
    who = np.asarray(person, dtype=np.int64)
    same_length(who, coded.codes)
    cells = np.unique(np.column_stack([coded.codes, who]), axis=0)
    return np.bincount(cells[:, 0], minlength=len(coded.names))


def _against_best(
    attention: Floats, lists: Coded, coded: Coded, mean: Floats, is_comparable: Bools
) -> tuple[Floats, Floats, Floats]:
    ratio, spread = np.full((2, len(mean)), np.nan)
    if is_comparable.any():
        best = int(np.where(is_comparable, mean, -1).argmax())
        known = np.array([name != UNKNOWN for name in coded.names], np.bool_) & ~np.isnan(mean)
        ratio[known] = mean[known] / mean[best]
        errors = _relative_errors(attention, lists, coded, mean)
        several = known & (_lists_with(lists, coded) > 1)  # one list says nothing about how lists differ
        few = len(lists.names) / max(len(lists.names) - 1, 1)
        spread[several] = np.sqrt(few * ((errors - errors[:, [best]]) ** 2).sum(axis=0))[several]
        spread[best] = 0.0
        spread[:] = np.where(several[best], spread, np.nan)
    factor = np.exp(Z * spread)
    return ratio, ratio / factor, ratio * factor


def _lists_with(lists: Coded, coded: Coded) -> Ints:
    """[n_groups] in how many lists a group is."""
    cells = np.unique(lists.codes * len(coded.names) + coded.codes)
    return np.bincount(cells % len(coded.names), minlength=len(coded.names))


def _relative_errors(attention: Floats, lists: Coded, coded: Coded, mean: Floats) -> Floats:
    """[n_lists, n_groups] what each list adds to the error of a group's mean, as a share of it."""
    residual = attention / mean[coded.codes] - 1
    shape = (len(lists.names), len(coded.names))
    cells = lists.codes * shape[1] + coded.codes
    summed = np.bincount(cells, residual, minlength=shape[0] * shape[1]).reshape(shape)
    return summed / np.maximum(np.bincount(coded.codes, minlength=shape[1]), 1)


def _by_merit(attention: Floats, merit: npt.ArrayLike | None, coded: Coded, is_comparable: Bools) -> Floats:
    if merit is None:
        return np.full(len(coded.names), np.nan)
    worth = np.asarray(merit, dtype=np.float64)
    same_length(worth, coded.codes)
    paid = divided(*(np.bincount(coded.codes, values, minlength=len(coded.names)) for values in (attention, worth)))
    best = np.where(is_comparable & ~np.isnan(paid), paid, -1).max(initial=-1)
    known = np.array([name != UNKNOWN for name in coded.names], np.bool_)
    return np.where(known & (best > 0), paid / best, np.nan)
