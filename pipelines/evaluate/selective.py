"""Selective labels: of whom an outcome is known, and how far every group's rate may be from what those show.

A stage is reached by those who passed the one before, a rating is given to those who were hired and stayed, an end is
on record of those who got to one. What is told here needs no assumption about the others, and is told and not judged:
it says how much a figure that rests on known outcomes alone leaves open.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base import known
from pipelines.base.lake import Lake, Manifest
from pipelines.evaluate.groups import at_that_age
from pipelines.fairness.counting import as_coded
from pipelines.fairness.selective import Bounds, worst_case
from pipelines.fairness.suppression import Cell, suppress
from pipelines.fairness.withheld import Name
from pipelines.models import features

_CASE: Final = ("person_id", "subject_id", "target_code")
"""The last where a person can have several cases of one subject: a run of a course whose end is not known stays so,
however the other one ended."""
_FIGURES: Final = ("known_share", "among_known", "low", "high", "sure_low", "sure_high", "ratio_low", "ratio_high")


def reached(lake: Lake, manifest: Manifest, as_of: date, family: str) -> pl.DataFrame | None:
    """Of whom an outcome could be known, whether it is or not: `cases` of `told`.

    Args:
        lake: Where the tables are.
        manifest: The pinned state.
        as_of: What was known then.
        family: One of the catalog's families.

    Returns:
        [n_cases] as the family's `reached`; None for a family that has none.
    """
    module = features(family)
    return module.reached(known.read_people(lake, manifest, module.REACHED, as_of)[0]) if module.REACHED else None


def told(
    cases: pl.DataFrame | None,
    decided: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    by_stage: bool,
    min_group_size: int,
    told_from: int,
    forty: pl.DataFrame | None = None,
    beside: Iterable[Name] = (),
) -> list[dict[str, Any]]:
    """The part `selective` of metrics.json.

    Args:
        cases: [n_cases] as `reached` gives.
        decided: [n_decisions] person_id, subject_id, stage_code, outcome in [0, 1] and, with `forty`, known_at; of
            these and other cases; and target_code if cases have it.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        by_stage: Whether decisions are of several stages, each of which all cases could have reached.
        min_group_size: People, and people whose outcome is known; a group with fewer is compared with nobody.
        told_from: People. Of a group with fewer, or with fewer whose outcome is known, only how many they are is told,
            and so of those from whom it would follow (`fairness.suppression`).
        forty: [n_people] as `vault.forty` gives: everybody is as old as when they were last decided about at a stage,
            or at any: who was under 40 then would else be told by the table of decisions, which has them so. Whom
            nobody decided about has the age that `groups` says.
        beside: What the table of the same decisions withholds: two tables that each leave out another group would
            tell both. Of a stage only there; of all where decisions are not by stage.

    Returns:
        stage (null without several), axis, reference (a group, or null), and groups, each with group, people and, where
        they are enough, the figures of `fairness.selective.Bounds`; null for what has no bound, and without `is_lower`
        where the reference is withheld.
    """
    if cases is None or cases.is_empty() or decided.is_empty():
        return []
    stages = decided["stage_code"].drop_nulls().unique().sort().to_list() if by_stage else [None]
    parts = {stage: decided if stage is None else decided.filter(stage_code=stage) for stage in stages}
    ages = {stage: groups if forty is None else _then(groups, forty, part, decided) for stage, part in parts.items()}
    names = list(beside)
    left_out = {
        stage: {(axis, group) for _, at, axis, group in names if stage is None or at == stage} for stage in parts
    }
    return [
        one
        for stage, part in parts.items()
        for one in _stage(cases, part, ages[stage], stage, (min_group_size, told_from), beside=left_out[stage])
    ]


def _then(groups: pl.DataFrame, forty: pl.DataFrame, here: pl.DataFrame, anywhere: pl.DataFrame) -> pl.DataFrame:
    """The groups of everybody as old as at the newest of some decisions about them, else of any."""
    day = pl.col("known_at").max().dt.strftime("%Y-%m-%d")
    days = (
        part.drop_nulls("outcome").group_by("person_id").agg(day.alias(name))
        for name, part in (("on", here), ("any", anywhere))
    )
    joined = groups
    for found in days:
        joined = joined.join(found, on="person_id", how="left", maintain_order="left")
    return at_that_age(joined.with_columns(on=pl.coalesce("on", "any")), forty).select(groups.columns)


def _stage(
    cases: pl.DataFrame,
    decided: pl.DataFrame,
    groups: pl.DataFrame,
    stage: str | None,
    sizes: tuple[int, int],
    *,
    beside: set[tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    keys = [name for name in _CASE if name in cases.columns]
    outcomes = decided.group_by(keys).agg(pl.col("outcome").mean())
    rows = cases.join(outcomes, on=keys, how="left").join(groups, on="person_id", how="left").sort(keys)
    value = rows["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    person = rows["person_id"].rank("dense").to_numpy()
    axes = [name for name in groups.columns if name != "person_id"]
    least, told_from = sizes
    found = {axis: worst_case(value, person, as_coded(rows[axis].to_numpy()), min_group_size=least) for axis in axes}
    is_counted = len(np.unique(person)) == len(person) and bool(np.isin(value[~np.isnan(value)], (0.0, 1.0)).all())
    hidden = _hidden(found, told_from, is_counted=is_counted)
    for axis, of in found.items():
        gone = hidden[axis] | {group for name, group in beside if name == axis}
        yield {
            "stage": stage,
            "axis": axis,
            "reference": of.reference,
            "groups": [_row(of, place, gone) for place in range(len(of.groups))],
        }


def _hidden(found: Mapping[str, Bounds], least: int, *, is_counted: bool) -> dict[str, frozenset[str]]:
    """Axis to the groups whose figures are not told: those of few, of all people and of those with a known outcome.

    Args:
        found: Axis to its bounds.
        least: People.
        is_counted: Whether everybody has one case, a yes or a no, so that rates are counts of people.
    """
    every: dict[str, dict[str, Cell]] = {axis: {} for axis in found}
    known: dict[str, dict[str, Cell]] = {axis: {} for axis in found}
    for axis, of in found.items():
        numbers = zip(of.groups, of.people.tolist(), of.known_people.tolist(), of.low.tolist(), strict=True)
        for group, people, seen, low in numbers:
            yes = (round(people * low),) if is_counted and people else (0,) * is_counted
            every[axis][group] = Cell(people, counts=(seen, *yes) if is_counted else (), is_few=seen < least)
            known[axis][group] = Cell(seen, counts=yes)
    first, second = suppress(every, least), suppress(known, least)
    return {axis: first[axis] | second[axis] for axis in found}


def _row(found: Bounds, place: int, hidden: frozenset[str]) -> dict[str, Any]:
    """A group; a ratio to a reference that is withheld would tell its figures."""
    row: dict[str, Any] = {"group": found.groups[place], "people": int(found.people[place])}
    if found.groups[place] in hidden:
        return row
    row |= {name: float(getattr(found, name)[place]) for name in _FIGURES}
    if found.reference in hidden:
        return row | {"ratio_low": math.nan, "ratio_high": math.nan}
    return row | {"is_lower": bool(found.is_lower[place])}
