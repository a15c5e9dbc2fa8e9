"""Whom the model errs about, whether its scores mean the same for everyone, and who is seen in its lists: by group.

Told beside its intervals and not judged: the outcome is a decision or rating by people, so equal error rates say that
the model follows them equally well, and with unequal base rates not everything can be equal at once (Kleinberg,
Mullainathan and Raghavan, 2017). What holds a release are selections (`groups`) and accuracy (`slices`).

Everybody counts once, by the newest test case with an outcome, so that no two cases are about one person. A list is
that of a requisition, whose recruiter sees candidates in the order of their scores; of other families nobody is shown
a list of people. Of a group with fewer people than the smallest size, and of one that would give it away, only how many
they are is told (`fairness.suppression`): one person's outcome could be read off the rest.
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
from pipelines.fairness.rates import RATES, GroupRates, Rate, group_rates
from pipelines.fairness.suppression import Cell, suppress
from pipelines.models import Metric

_NOT_SELECTION: Final = tuple(name for name in RATES if name != "selection")
"""Selection is judged, over all cases, by `groups`."""
_ONE_TABLE: Final = tuple(name for name in _NOT_SELECTION if name != "accuracy")


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
    told_from: int,
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
        min_group_size: People; smaller groups are compared with nobody.
        told_from: People; of smaller groups, and of those that would give them away, only their number is told.

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
    sizes = min_group_size, told_from
    errors = _errors(newest, dict(_axes(newest, groups)), *sizes, is_chance=kind == "auc", bins=bins)
    seen = _seen(cases, dict(_axes(cases, groups)), *sizes) if lists_people else ()
    return {
        name: [{"axis": axis, "groups": rows} for axis, rows in found]
        for name, found in (("axes", errors), ("lists", seen))
    }


def listed(scored: pl.DataFrame, groups: pl.DataFrame, min_group_size: int, told_from: int) -> list[dict[str, Any]]:
    """Who is seen in lists of scored people, whatever becomes of them: `lists` of `told`, by_merit null.

    Args:
        scored: [n_scores] `Scored` of one day; may be without rows and columns.
        groups: [n_people] person_id and one column an axis.
        min_group_size: As in `told`.
        told_from: As in `told`.
    """
    if scored.is_empty():
        return []
    ours = scored.filter(pl.col("scorer") == "model", pl.col("score").is_finite())
    cases = ours.select("person_id", "subject_id", "score").sort("person_id", "subject_id")
    seen = _seen(cases, dict(_axes(cases, groups)), min_group_size, told_from)
    return [{"axis": axis, "groups": rows} for axis, rows in seen]


def _axes(cases: pl.DataFrame, groups: pl.DataFrame) -> Iterator[tuple[str, Coded]]:
    """Every axis, then every pair that the rule pack crosses, coded for the cases."""
    joined = cases.select("person_id").join(groups, on="person_id", how="left", maintain_order="left")
    coded = {name: as_coded(joined[name].to_numpy()) for name in groups.columns if name != "person_id"}
    yield from coded.items()
    yield from ((crossed_name(a, b), cross(coded[a], coded[b])) for a, b in RULES.intersections if {a, b} <= set(coded))


def _errors(
    cases: pl.DataFrame, axes: Mapping[str, Coded], least: int, told_from: int, *, is_chance: bool, bins: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A row a group of each axis: the number of people, and what is told of those that are enough."""
    chosen, came_true = cases["is_selected"].to_numpy(), cases["came_true"].to_numpy()
    found = {axis: group_rates(chosen, came_true, coded, min_group_size=least) for axis, coded in axes.items()}
    hidden = suppress({axis: dict(_counted(of, None)) for axis, of in found.items()}, told_from)
    untold = suppress({axis: dict(_counted(of, told_from)) for axis, of in found.items()}, told_from)
    for axis, of in found.items():
        told_ = {
            "accuracy": [group not in hidden[axis] for group in of.groups],
            **{name: [group not in hidden[axis] | untold[axis] for group in of.groups] for name in _ONE_TABLE},
        }
        chances = (
            calibration(cases["score"].to_numpy(), came_true, axes[axis], bins=bins, min_group_size=least)
            if is_chance
            else None
        )
        rows = []
        for place, group in enumerate(of.groups):
            row: dict[str, Any] = {"group": group, "people": int(of.rates["selection"].of[place])}
            if group not in hidden[axis]:
                row["rates"] = {name: _rate(of.rates[name], place, told_[name]) for name in _NOT_SELECTION}
                if chances is not None:
                    three = {"excess": chances.excess, "low": chances.excess_low, "high": chances.excess_high}
                    row["calibration"] = _at(three | {"error": chances.error}, place)
            if row["people"]:
                rows.append(row)
        yield axis, rows


def _counted(found: GroupRates, least: int | None) -> Iterator[tuple[str, Cell]]:
    """What is counted of each group.

    Those of one table are told all or none: of thirty people one of whom did not come true, how many were selected and
    how many of those came true would tell of that one. How many the model is right about is one number of all of them,
    and stays.

    Args:
        found: The rates of one axis.
        least: People behind each rate of the table; None to ask for the number of all instead.
    """
    rates = found.rates
    for place, group in enumerate(found.groups):
        people, selected, came_true, right = (
            int(number[place])
            for number in (
                rates["selection"].of,
                rates["selection"].counted,
                rates["true"].of,
                rates["accuracy"].counted,
            )
        )
        if least is None:
            yield group, Cell(people, counts=(selected, came_true, right))
        else:
            is_few = any(int(rates[name].of[place]) < least for name in _ONE_TABLE)
            yield group, Cell(people, counts=(selected, came_true), is_few=is_few)


def _rate(rate: Rate, place: int, is_told: Sequence[bool]) -> dict[str, float | int | None]:
    """One rate of one group; empty where it is not told, and without a gap where the group that it is from is not."""
    if not is_told[place]:
        return {}
    best = np.flatnonzero(rate.is_comparable & (rate.gap == 0) & (rate.gap_low == 0) & (rate.gap_high == 0))
    numbers = {name: getattr(rate, name) for name in ("share", "low", "high", "gap", "gap_low", "gap_high")}
    if not all(is_told[other] for other in best.tolist()):
        numbers |= dict.fromkeys(("gap", "gap_low", "gap_high"), np.full(len(rate.of), np.nan))
    return {"of": int(rate.of[place]), "counted": int(rate.counted[place])} | _at(numbers, place)


def _seen(
    cases: pl.DataFrame, axes: Mapping[str, Coded], least: int, told_from: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A row a group of each axis: how much of a reader's attention its people get; for what came true, too."""
    ranks = cases.select(pl.col("score").rank("average", descending=True).over("subject_id"))["score"].to_numpy()
    merit = cases["came_true"].to_numpy().astype(np.float64) if "came_true" in cases.columns else None
    person = cases["person_id"].rank("dense").to_numpy()
    subjects = cases["subject_id"].to_numpy()
    found = {
        axis: exposure(ranks, subjects, coded, min_group_size=least, merit=merit, person=person)
        for axis, coded in axes.items()
    }
    tables = {
        axis: {group: Cell(int(of.people[place]), int(of.listed[place])) for place, group in enumerate(of.groups)}
        for axis, of in found.items()
    }
    hidden = suppress(tables, told_from)
    for axis, of in found.items():
        is_told = np.array([group not in hidden[axis] for group in of.groups])
        numbers = {"ratio": of.ratio, "low": of.low, "high": of.high, "by_merit": of.relevance_ratio}
        for names in (("ratio", "low", "high"), ("by_merit",)):  # against a group of which nothing is told
            if not is_told[numbers[names[0]] == 1].all():
                numbers |= dict.fromkeys(names, np.full(len(is_told), np.nan))
        rows = []
        for place, group in enumerate(of.groups):
            row: dict[str, Any] = {"group": group, "people": int(of.people[place])}
            if is_told[place]:
                row |= {"listed": int(of.listed[place])} | _at(numbers, place)
            if row["people"]:
                rows.append(row)
        yield axis, rows


def _at(numbers: Mapping[str, Sequence[float] | Any], place: int) -> dict[str, float | None]:
    told_ = {name: float(values[place]) for name, values in numbers.items()}
    return {name: value if math.isfinite(value) else None for name, value in told_.items()}
