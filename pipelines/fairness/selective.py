"""How far a rate can be from what is known of it, where outcomes are known of some people only: worst-case bounds.

Of whom an outcome is known, somebody chose: who was screened, enrolled or reviewed. Among them a rate may be higher or
lower than it would have been among all, and no sample of them, however large, says which. Without any assumption about
the others it lies between two bounds: as if none of them, and as if all of them, had the favourable outcome. Bounds as
wide as a choice is narrow are no fault of theirs: so much is not known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import UNKNOWN, Bools, Coded, Floats, Ints, as_coded, divided, same_length
from pipelines.fairness.intervals import wilson_interval


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be true of each group; arrays are [n_groups], NaN where nothing is known."""

    groups: tuple[str, ...]
    people: Ints
    known_people: Ints
    """Of whom any outcome is known."""
    known_share: Floats
    """Of a person's cases, the mean of people."""
    among_known: Floats
    """The rate that known outcomes alone show; that of all only if the others would have been alike."""
    low: Floats
    high: Floats
    """The rate of all, had no or every outcome that is not known been favourable."""
    sure_low: Floats
    sure_high: Floats
    """Around both: a 95 % interval of what people like these could be, by Wilson with people as trials."""
    reference: str | None
    """The highest rate among known, of the groups large enough; None without such a group."""
    ratio_low: Floats
    ratio_high: Floats
    """Bounds of the rate over the reference's; 1 for the reference itself, NaN for unknown people and small groups, and
    infinite where the reference's rate may be 0."""
    is_lower: Bools
    """Whether the whole interval lies below the reference's: lower, whatever the unknown outcomes would have been."""


def worst_case(
    outcome: npt.ArrayLike, person: npt.ArrayLike, group: npt.ArrayLike | Coded, *, min_group_size: int
) -> Bounds:
    """Bound the rate of each group over all cases, those without a known outcome among them.

    Args:
        outcome: [n_cases] in [0, 1]; NaN where it is not known.
        person: [n_cases] equal where the person is; a person counts once, by the mean of their cases.
        group: [n_cases] str, or coded; that of the person. Missing answers are `unknown`.
        min_group_size: People, and people with a known outcome; a group with fewer is bounded and not compared.

    Raises:
        ContractError: The columns differ in length, or an outcome is outside [0, 1].

    Source:
        Manski (1989), Anatomy of the selection problem; bounded outcomes. For an outcome between 0 and 1 the variance
        is at most that of a yes or no with the same mean, so Wilson's interval is no narrower than it should be.
    """
    value, who, coded = np.asarray(outcome, dtype=np.float64), np.asarray(person), as_coded(group)
    same_length(value, who, coded.codes)
    is_known = ~np.isnan(value)
    if faults := int((is_known & ~((value >= 0) & (value <= 1))).sum()):
        raise ContractError(
            f"Bounded outcomes must be within 0 and 1; {faults} of {len(value)} are outside. Put them on that scale."
        )
    names, codes = len(coded.names), coded.codes
    _, first, place = np.unique(who, return_index=True, return_inverse=True)
    part = 1 / np.bincount(place)[place]
    people = np.bincount(codes[first], minlength=names)
    known_people = np.bincount(codes[first], np.bincount(place, is_known) > 0, minlength=names).astype(np.int64)
    known = np.bincount(codes, part * is_known, minlength=names)
    yes = np.bincount(codes, part * np.where(is_known, value, 0.0), minlength=names)
    most = np.minimum(yes + people - known, people)  # a sum of parts can be above its whole in the last digit
    low, high = divided(yes, people), divided(most, people)
    sure_low, sure_high = wilson_interval(yes, people)[0], wilson_interval(most, people)[1]
    among = divided(yes, known)
    is_named = np.array([name != UNKNOWN for name in coded.names], dtype=np.bool_)
    is_compared = is_named & (np.minimum(people, known_people) >= max(min_group_size, 1))
    best = int(np.where(is_compared, among, -1).argmax()) if is_compared.any() else None
    ratio_low, ratio_high = (np.full(names, np.nan) for _ in range(2))
    if best is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio_low = np.where(is_compared, low / high[best], np.nan)
            ratio_high = np.where(is_compared, high / low[best], np.nan)
        ratio_low[best] = ratio_high[best] = 1.0
    return Bounds(
        groups=coded.names,
        people=people,
        known_people=known_people,
        known_share=divided(known, people),
        among_known=among,
        low=low,
        high=high,
        sure_low=sure_low,
        sure_high=sure_high,
        reference=None if best is None else coded.names[best],
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        is_lower=is_compared & (sure_high < (np.nan if best is None else sure_low[best])),
    )
