"""How a model's lowest impact ratio varies with the people it was seen on, beside that of the declared model.

Both ratios are taken from the same people, drawn again and again with replacement, and the lowest group is looked for
anew in every draw: the lowest of many is low by chance, and one whose groups fell out otherwise looks better.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from pipelines.evaluate import bootstrap
from pipelines.evaluate.bootstrap import Estimate, Numbers
from pipelines.evaluate.groups import at_that_age
from pipelines.fairness.counting import Coded, as_coded, cross, crossed_name
from pipelines.fairness.rules import RULES
from pipelines.fairness.subjects import AxisReport


def lowest_ratios(
    decisions: pl.DataFrame,
    groups: pl.DataFrame,
    reports: Iterable[AxisReport],
    people: Sequence[str],
    drawn: Sequence[Numbers],
    *,
    forty: pl.DataFrame | None = None,
) -> Numbers:
    """A model's lowest impact ratio among each draw of people.

    Args:
        decisions: [n_units] person_id, is_selected, on; of one stage.
        groups: [n_people] person_id and one column an axis.
        reports: How these decisions were judged: groups that could not be are left out here too.
        people: [n_drawn] whom the draws are about.
        drawn: [chunk, n_drawn] how often each was drawn.
        forty: [n_people] as the reports had it.

    Returns:
        [n_draws]; a group that was not drawn is left out; NaN where there is no ratio.
    """
    place = {name: at for at, name in enumerate(people)}
    joined = decisions.filter(pl.col("person_id").is_in(list(people))).join(
        groups, on="person_id", how="left", maintain_order="left"
    )
    if forty is not None:
        joined = at_that_age(joined, forty)
    row = joined["person_id"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    is_selected = joined["is_selected"].to_numpy()
    coded = _axes(joined, [name for name in groups.columns if name != "person_id"])
    found = []
    for report in reports:
        compared = [item.group for item in report.pool.groups if item.is_reference or not math.isnan(item.p_value)]
        if len(compared) < 2:
            continue
        group = coded[report.pool.axis]
        column = np.array([compared.index(name) if name in compared else -1 for name in group.names])[group.codes]
        is_in = column >= 0
        counts = np.zeros((2, len(people), len(compared)))
        np.add.at(counts[0], (row[is_in], column[is_in]), 1.0)
        np.add.at(counts[1], (row[is_in], column[is_in]), is_selected[is_in].astype(np.float64))
        found += [np.concatenate([_least(times @ counts[1], times @ counts[0]) for times in drawn])]
    if not found:
        return np.full(sum(map(len, drawn)), math.nan)
    lowest: Numbers = np.fmin.reduce(found)
    return lowest


def gain(ours: Numbers, declared: Numbers, *, tried: int) -> Estimate:
    """The impact ratio of an alternative over the declared model's.

    Args:
        ours: [n_draws] as `lowest_ratios`, the people as they are first.
        declared: The same of the declared model, on the same draws.
        tried: Alternatives; the interval is of 95 % for all of them together (Bonferroni).

    Returns:
        1 is no better; infinite where the declared model's ratio is 0 and the other's is not. NaN where either ratio is
        unknown; a draw in which it is counts as no better.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(ours == declared, 1.0, ours / declared)
    if len(quotient) < 2 or math.isnan(quotient[0]):
        return Estimate(math.nan, math.nan, math.nan)
    drawn = np.where(np.isnan(quotient[1:]), 1.0, quotient[1:])
    low, high = np.quantile(drawn, [0.025 / tried, 1 - 0.025 / tried], method="lower")
    return Estimate(float(quotient[0]), float(low), float(high))


def draws(people: int, resamples: int, seed: int) -> list[Numbers]:
    """The people as they are, then as `bootstrap` draws them for the metric."""
    return [np.ones((1, people)), *bootstrap.weights(people, resamples, seed)]


def _axes(joined: pl.DataFrame, axes: Sequence[str]) -> dict[str, Coded]:
    coded = {axis: as_coded(joined[axis].to_numpy()) for axis in axes}
    pairs = [(a, b) for a, b in RULES.intersections if a in coded and b in coded]
    return coded | {crossed_name(a, b): cross(coded[a], coded[b]) for a, b in pairs}


def _least(selected: Numbers, people: Numbers) -> Numbers:
    """[n_draws] lowest rate over the highest."""
    rate = np.divide(selected, people, out=np.full(people.shape, math.nan), where=people > 0)
    best = np.fmax.reduce(rate, axis=1)
    least = np.fmin.reduce(rate, axis=1)
    found: Numbers = np.divide(least, best, out=np.full(len(rate), math.nan), where=best > 0)
    return found
