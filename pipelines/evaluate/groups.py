"""Selections by protected group: the model's on the test cases, and people's in the past."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from pipelines.base import known, people, vault
from pipelines.base.lake import Lake, Manifest
from pipelines.fairness import UNKNOWN, judge_axes

HUMAN = "human"


def read(lake: Lake, manifest: Manifest, as_of: date) -> pl.DataFrame:
    """The groups of everybody, under the pseudonym that stands for the human.

    Args:
        lake: Knows who is linked.
        manifest: The pinned state.
        as_of: What was known then; ages are taken on that day.

    Raises:
        SettingsError: CANDOR_AUDIT_KEY is missing or another one.
    """
    protected = vault.read_protected(lake.store, manifest, as_of)
    resolved = people.resolve(protected, known.links(lake, manifest, as_of))
    return vault.groups(resolved.unique(["person_id", "attribute_code"], keep="last", maintain_order=True), as_of)


def judged(
    scored: pl.DataFrame, outcomes: pl.DataFrame, groups: pl.DataFrame, unit: Sequence[str], min_group_size: int
) -> dict[str, Any]:
    """The content of groups.json.

    Args:
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes` of all cases.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        unit: person_id and the column of the subject that the family judges.
        min_group_size: People.

    Returns:
        axes and by_subject of the model's selections; human: the same of past decisions by people.
    """
    subject = next(name for name in unit if name != "person_id")
    ours = scored.filter(pl.col("scorer") == "model")
    human = decisions(outcomes)
    return {
        **_judge(ours, groups, subject, min_group_size),
        "human": _judge(human, groups, subject, min_group_size),
    }


def decisions(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Past decisions by people, with `is_selected`.

    A yes or no is taken as it is. Where outcomes are graded, selected means strictly above the median of the stage,
    as LL144 does for scores.
    """
    human = outcomes.filter(pl.col("decided_by") == HUMAN, pl.col("outcome").is_not_null())
    is_graded = ~pl.col("outcome").is_in([0.0, 1.0]).all().over("stage_code")
    above = pl.col("outcome") > pl.col("outcome").median().over("stage_code")
    return human.with_columns(is_selected=pl.when(is_graded).then(above).otherwise(pl.col("outcome") > 0))


def _judge(chosen: pl.DataFrame, groups: pl.DataFrame, subject: str, min_group_size: int) -> dict[str, Any]:
    """Judge on every axis that the company has.

    People whom nothing is known about are `unknown` there; a unit judged twice counts once, selected if it ever was.
    """
    unit = chosen.group_by("person_id", subject).agg(pl.col("is_selected").any()).sort("person_id", subject)
    known = unit.join(groups, on="person_id", how="left", maintain_order="left")
    axes = [name for name in groups.columns if name != "person_id"] if len(unit) else []
    return judge_axes(
        known["is_selected"].to_numpy(),
        {axis: known[axis].fill_null(UNKNOWN).to_numpy() for axis in axes},
        known[subject].to_numpy(),
        min_group_size=min_group_size,
    )
