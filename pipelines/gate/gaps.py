"""Gaps: what the numbers could not say, and what was passed over. Two people accept each by its name. Pure."""

from collections.abc import Iterator
from typing import Final

from pipelines.base.tried import BEST, DECLARED
from pipelines.base.wording import counted
from pipelines.fairness.alternatives import Margins, better_than, surely_better
from pipelines.fairness.evidence import (
    ALTERNATIVE,
    LESS_DISCRIMINATORY,
    NONE_TRIED,
    NOT_COMPARED,
    STAND_IN,
    UNSURE,
    Gap,
    Groups,
    gaps,
)
from pipelines.gate.read import Choice, Metrics, Unsure

INTERVALS: Final = "intervals"
"""The axis name of the gap that a group's intervals hold less than they promise."""
_FORESEEN: Final = {"outcome": "outcomes", "grade": "scores at the end"}
PERFORMANCE: Final = "performance"
"""Where a gap is about how good the model is, this stands in the place of an axis, and the axis in that of a group."""
BASELINE: Final = "baseline"
"""Or this, in that of a group, where it may be no better than its baseline."""


BOUNDS: Final = Margins(validity=0.025, impact_ratio=0.02, selected_share=0.1)
"""As `choose` of params.yaml has them, validity as a share of the declared model's figure. Narrower margins of validity
and of shares, and wider ones of impact ratios, would hide who was passed over."""


def open_gaps(groups: Groups | None, metrics: Metrics | None, choice: Choice | None) -> Iterator[Gap]:
    """All that evidence leaves open, as far as it is there."""
    if groups:
        yield from gaps(groups)
    if metrics:
        yield from baseline_gaps(metrics)
        yield from slice_gaps(metrics)
        yield from stand_in_gaps(metrics)
        yield from interval_gaps(metrics)
    if choice:
        yield from searched(choice)


def baseline_gaps(metrics: Metrics) -> Iterator[Gap]:
    """A gap where the model is not surely better than its baseline: nobody releases such a one without knowing."""
    found = metrics.difference
    if not found.low > 0:
        interval = f"[{found.low:z.3f}, {found.high:z.3f}]"
        reason = f"Model minus baseline is {found.value:z.3f} {interval}: it may be no better than its baseline."
        yield Gap(PERFORMANCE, BASELINE, "baseline_not_beaten", reason)


def slice_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap an axis on which somebody has too few cases for a figure of their own."""
    for axis, count in sorted(metrics.slices.too_few.items()):
        slices = counted(count, f"slice by {axis} has", f"slices by {axis} have")
        reason = f"{slices} too few cases to say how good the model is there."
        yield Gap(PERFORMANCE, axis, "slices_insufficient", reason)


def stand_in_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap an input and axis: what a declared reason excuses, and what may stand in by chance."""
    for one in metrics.to_accept:
        told = f"{one.input} alone tells {one.group} ({one.axis}) from others with an AUC of {one.single:.2f}"
        surely = "surely so" if one.is_sure else f"which may be chance: {one.single_low:.2f} is sure"
        why = f"Declared reason: {one.reason}" if one.reason else "No reason of work was declared."
        yield Gap(STAND_IN, f"{one.input} for {one.axis}", STAND_IN, f"{told}, {surely}. {why}")


def interval_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap a group, or everybody, whose intervals surely hold less than they promise."""
    for one in metrics.intervals:
        if one.is_below:
            what, part = _FORESEEN[one.foreseen], f"{one.group} of {one.axis}"
            people = counted(one.people, "person", "people")
            reason = (
                f"Intervals are to hold {one.promised:.0%} of the {what}; of {people} of {one.group} ({one.axis}) they "
                f"hold {one.share:.1%}, surely fewer: their scores are less certain than is told."
            )
            named = part if one.foreseen == "outcome" else f"{one.foreseen} of {part}"
            yield Gap(INTERVALS, named, "interval_too_narrow", reason)


def searched(choice: Choice) -> Iterator[Gap]:
    """What the search for a less discriminatory alternative leaves open."""
    yield from passed_over(choice)
    yield from not_searched(choice)


def passed_over(choice: Choice) -> Iterator[Gap]:
    """Less discriminatory alternatives that were not taken: by the gate's reckoning and bounds, not by the choice's.

    What the rule left because it may be better by chance must be accepted by name; what it would have taken, and all
    that a person left, must be explained too.
    """
    known = {one.name: one for one in choice.alternatives}
    margins = _at_least(Margins(**choice.margins.model_dump()), known[DECLARED].metric.value)
    taken, tried = known[choice.chosen].impact_ratio, [one.tried for one in choice.alternatives]
    surely = {one.name for one in surely_better(tried, margins)}
    for one in better_than(choice.chosen, tried, margins):
        ratio, difference = known[one.name].impact_ratio, known[one.name].difference
        reason = (
            f"On validation cases its lowest impact ratio is {_said(ratio)}, that of {choice.chosen}, which was taken, "
            f"{_said(taken)}, and it {'is' if one.name in surely else 'may be'} of equal validity: its metric differs "
            f"from that of the declared model by {_said(difference)}."
        )
        is_open = choice.take == BEST and one.name not in surely
        yield Gap(*((UNSURE, one.name, UNSURE) if is_open else (ALTERNATIVE, one.name, LESS_DISCRIMINATORY)), reason)


def _at_least(margins: Margins, declared: float | None) -> Margins:
    """What the choice counted as equal, but never so that more is hidden than by `BOUNDS`: any ref may set `choose`."""
    return Margins(
        max(margins.validity, BOUNDS.validity * abs(declared or 0.0)),
        min(margins.impact_ratio, BOUNDS.impact_ratio),
        max(margins.selected_share, BOUNDS.selected_share),
    )


def not_searched(choice: Choice) -> Iterator[Gap]:
    """Where the search says nothing: no alternative, the declared model again, or one that could not be compared."""
    declared = next(one for one in choice.alternatives if one.name == DECLARED)
    if len(choice.alternatives) == 1:
        yield Gap(f"{ALTERNATIVE}s", NONE_TRIED, NONE_TRIED, "No less discriminatory alternative was looked for.")
        return
    for one in choice.alternatives:
        if one is not declared and one.model_sha256 == declared.model_sha256:
            yield Gap(
                NOT_COMPARED, one.name, NOT_COMPARED, "It is the declared model to the byte: nothing else was tried."
            )
        elif not one.tried.is_known:
            reason = "On validation cases its validity, its share of selected cases or its impact ratio is unknown."
            yield Gap(NOT_COMPARED, one.name, NOT_COMPARED, reason)


def _said(found: Unsure) -> str:
    if found.value is None:
        return "unknown"
    ends = (f"{end:z.2f}" if end is not None else "unknown" for end in (found.low, found.high))
    return f"{found.value:z.2f} [{' to '.join(ends)}]"
