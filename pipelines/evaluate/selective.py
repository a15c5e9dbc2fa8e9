"""Selective labels: of whom an outcome is known, and how far every group's rate may be from what those show.

A stage is reached by those who passed the one before, a rating is given to those who were hired and stayed, an end is
on record of those who got to one. What is told here needs no assumption about the others, and is told and not judged:
it says how much a figure that rests on known outcomes alone leaves open.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base import known
from pipelines.base.lake import Lake, Manifest
from pipelines.fairness.counting import as_coded
from pipelines.fairness.selective import Bounds, worst_case
from pipelines.models import features

_CASE: Final = ("person_id", "subject_id", "target_code")
"""The last where a person can have several cases of one subject: a run of a course whose end is not known stays so,
however the other one ended."""
_FIGURES: Final = ("known_share", "among_known", "low", "high", "sure_low", "sure_high", "ratio_low", "ratio_high")


def reached(
    lake: Lake, manifest: Manifest, as_of: date, family: str, decided: pl.DataFrame
) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Of whom an outcome could be known, and of whom one is: `cases` and `decided` of `told`.

    Args:
        lake: Where the tables are.
        manifest: The pinned state.
        as_of: What was known then.
        family: One of the catalog's families.
        decided: [n_decisions] as `groups.decided` gives. Without tables of decisions it has only what a model could be
            asked about: not who left before the moment of prediction, whose end is known all the same. So then every
            outcome on record stands in its place.

    Returns:
        [n_cases] as the family's `reached`, None for a family that has none; and [n_decisions].
    """
    module = features(family)
    if not module.REACHED:
        return None, decided
    tables, _ = known.read_people(lake, manifest, module.REACHED, as_of)
    return module.reached(tables), decided if module.DECISIONS else module.outcomes(tables)


def told(
    cases: pl.DataFrame | None, decided: pl.DataFrame, groups: pl.DataFrame, *, by_stage: bool, min_group_size: int
) -> list[dict[str, Any]]:
    """The part `selective` of metrics.json.

    Args:
        cases: [n_cases] as `reached` gives.
        decided: [n_decisions] person_id, subject_id, stage_code and outcome in [0, 1], of these and other cases; and
            target_code if cases have it.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        by_stage: Whether decisions are of several stages, each of which all cases could have reached.
        min_group_size: People. Of a group with fewer, or with fewer whose outcome is known, only how many they are is
            told; nor more of the smallest other group where it alone is left out: it would follow from the rest.

    Returns:
        stage (null without several), axis, reference (a group, or null), and groups, each with group, people and, where
        they are enough, the figures of `fairness.selective.Bounds`; null for what has no bound.
    """
    if cases is None or cases.is_empty() or decided.is_empty():
        return []
    stages = decided["stage_code"].drop_nulls().unique().sort().to_list() if by_stage else [None]
    return [
        one
        for stage in stages
        for one in _stage(
            cases, decided if stage is None else decided.filter(stage_code=stage), groups, stage, min_group_size
        )
    ]


def _stage(
    cases: pl.DataFrame, decided: pl.DataFrame, groups: pl.DataFrame, stage: str | None, least: int
) -> Iterator[dict[str, Any]]:
    keys = [name for name in _CASE if name in cases.columns]
    outcomes = decided.group_by(keys).agg(pl.col("outcome").mean())
    rows = cases.join(outcomes, on=keys, how="left").join(groups, on="person_id", how="left").sort(keys)
    value = rows["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    person = rows["person_id"].rank("dense").to_numpy()
    for axis in (name for name in groups.columns if name != "person_id"):
        found = worst_case(value, person, as_coded(rows[axis].to_numpy()), min_group_size=least)
        yield {
            "stage": stage,
            "axis": axis,
            "reference": found.reference,
            "groups": [_row(found, place, is_told) for place, is_told in enumerate(_told(found, least))],
        }


def _told(found: Bounds, least: int) -> list[bool]:
    """Whether figures of each group are told."""
    is_few = [min(pair) < least for pair in zip(found.people.tolist(), found.known_people.tolist(), strict=True)]
    large = [place for place, few in enumerate(is_few) if not few]
    if large and sum(is_few) == 1:
        is_few[min(large, key=lambda place: (found.people[place], place))] = True
    return [not few for few in is_few]


def _row(found: Bounds, place: int, is_told: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"group": found.groups[place], "people": int(found.people[place])}
    if is_told:
        row |= {name: float(getattr(found, name)[place]) for name in _FIGURES}
        row["is_lower"] = bool(found.is_lower[place])
    return row
