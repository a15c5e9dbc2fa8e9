"""Whom the model errs about, whether its scores mean the same for everyone, and who is seen in its lists: by group.

Told beside its intervals and not judged: the outcome is a decision or rating by people, so equal error rates say that
the model follows them equally well, and with unequal base rates not everything can be equal at once (Kleinberg,
Mullainathan and Raghavan, 2017). What holds a release are selections (`groups`) and accuracy (`slices`).

Everybody counts once, by the newest test case with an outcome, so that no two cases are about one person. A list is
that of a requisition, whose recruiter sees candidates in the order of their scores; of other families nobody is shown
a list of people. Of a group with fewer people than the smallest size, only how many they are is told: one person's
outcome could be read off the rest.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.evaluate.metrics import KEYS
from pipelines.fairness import RULES, cross
from pipelines.fairness.calibration import calibration
from pipelines.fairness.counting import Coded, as_coded, crossed_name
from pipelines.fairness.exposure import exposure
from pipelines.fairness.rates import RATES, Rate, group_rates
from pipelines.models import Metric

_NOT_SELECTION: Final = tuple(name for name in RATES if name != "selection")
"""Selection is judged, over all cases, by `groups`."""


def told(
    kind: Metric,
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    threshold: float | None,
    lists_people: bool,
    bins: int,
    min_group_size: int,
) -> dict[str, Any]:
    """The part `parity` of metrics.json.

    Args:
        kind: The family's METRIC.
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        threshold: Where outcomes are graded, the grade from which one is favourable: that which scores are decided by.
        lists_people: Whether the subjects of the family are lists of people in the order of their scores.
        bins: Of the calibration.
        min_group_size: People; of smaller groups only their number is told.

    Returns:
        axes: axis and groups, each with group, people, rates (those of `fairness.rates` but the selection rate: of,
        counted, share, low, high, gap, gap_low, gap_high; empty where too few stand behind one of them) and calibration
        (excess, low, high, error) where scores are chances; lists: axis and groups (people, listed, ratio, low, high,
        by_merit). Both empty where nothing of the kind can be said: a ranking says yes or no to nobody.
    """
    if kind == "ranking" or (kind == "mae" and threshold is None):
        return {"axes": [], "lists": []}
    known = outcomes.unique(subset=list(KEYS), keep="last", maintain_order=True).drop_nulls("outcome")
    ours = scored.filter(pl.col("scorer") == "model").select(*KEYS, "score", "is_selected")
    ours = ours.filter(pl.col("score").is_finite())  # a score that is no number holds the model, as a data check
    least = 0.5 if threshold is None else threshold
    cases = ours.join(known.select(*KEYS, "outcome", "occurred_at"), on=list(KEYS)).with_columns(
        came_true=pl.col("outcome") >= least
    )
    newest = cases.sort("occurred_at", *KEYS).unique("person_id", keep="last", maintain_order=True).sort("person_id")
    axes = [
        {
            "axis": axis,
            "groups": list(_errors(newest, coded, is_chance=kind == "auc", bins=bins, least=min_group_size)),
        }
        for axis, coded in _axes(newest, groups)
    ]
    lists = [
        {"axis": axis, "groups": list(_seen(cases, coded, min_group_size))}
        for axis, coded in (_axes(cases, groups) if lists_people else ())
    ]
    return {"axes": axes, "lists": lists}


def _axes(cases: pl.DataFrame, groups: pl.DataFrame) -> Iterator[tuple[str, Coded]]:
    """Every axis, then every pair that the rule pack crosses, coded for the cases."""
    joined = cases.select("person_id").join(groups, on="person_id", how="left", maintain_order="left")
    coded = {name: as_coded(joined[name].to_numpy()) for name in groups.columns if name != "person_id"}
    yield from coded.items()
    yield from ((crossed_name(a, b), cross(coded[a], coded[b])) for a, b in RULES.intersections if {a, b} <= set(coded))


def _errors(cases: pl.DataFrame, coded: Coded, *, is_chance: bool, bins: int, least: int) -> Iterator[dict[str, Any]]:
    """A row a group: the number of people, and what is told of those that are enough."""
    came_true = cases["came_true"].to_numpy()
    found = group_rates(cases["is_selected"].to_numpy(), came_true, coded, min_group_size=least)
    people = found.rates["selection"].of
    chances = (
        calibration(cases["score"].to_numpy(), came_true, coded, bins=bins, min_group_size=least) if is_chance else None
    )
    for place, group in enumerate(found.groups):
        row: dict[str, Any] = {"group": group, "people": int(people[place])}
        if people[place] >= least:
            row["rates"] = _rates(found.rates, place, least)
            if chances is not None:
                three = {"excess": chances.excess, "low": chances.excess_low, "high": chances.excess_high}
                row["calibration"] = _at(three | {"error": chances.error}, place)
        if people[place]:
            yield row


def _rates(rates: Mapping[str, Rate], place: int, least: int) -> dict[str, dict[str, float | int | None]]:
    """The rates of one group: those of one table, so that where few stand behind one of them all are left out.

    Of thirty people one of whom did not come true, how many were selected and how many of those came true would tell
    of that one. How many the model is right about is one number of all of them, and stays.
    """
    one_table = [name for name in _NOT_SELECTION if name != "accuracy"]
    is_hidden = any(int(rates[name].of[place]) < least for name in one_table)
    return {name: {} if is_hidden and name in one_table else _rate(rates[name], place) for name in _NOT_SELECTION}


def _rate(rate: Rate, place: int) -> dict[str, float | int | None]:
    """One rate of one group."""
    numbers = {name: getattr(rate, name) for name in ("share", "low", "high", "gap", "gap_low", "gap_high")}
    return {"of": int(rate.of[place]), "counted": int(rate.counted[place])} | _at(numbers, place)


def _seen(cases: pl.DataFrame, coded: Coded, least: int) -> Iterator[dict[str, Any]]:
    """A row a group: how much of a reader's attention its people get, for what came true of them."""
    ranks = cases.select(pl.col("score").rank("average", descending=True).over("subject_id"))["score"].to_numpy()
    found = exposure(
        ranks,
        cases["subject_id"].to_numpy(),
        coded,
        min_group_size=least,
        merit=cases["came_true"].to_numpy().astype(np.float64),
        person=cases["person_id"].rank("dense").to_numpy(),
    )
    for place, group in enumerate(found.groups):
        people = int(found.people[place])
        row: dict[str, Any] = {"group": group, "people": people}
        if people >= least:
            numbers = {"ratio": found.ratio, "low": found.low, "high": found.high, "by_merit": found.relevance_ratio}
            row |= {"listed": int(found.listed[place])} | _at(numbers, place)
        if people:
            yield row


def _at(numbers: Mapping[str, Sequence[float] | Any], place: int) -> dict[str, float | None]:
    told_ = {name: float(values[place]) for name, values in numbers.items()}
    return {name: value if math.isfinite(value) else None for name, value in told_.items()}
