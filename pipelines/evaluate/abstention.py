"""Of how many the model recommends nothing, and how right it is about the others: over all and by group.

A model that abstains where it is unsure looks better on what remains, and hides where it is poor: both parts are told
beside the whole. What it leaves to people costs their time, and who waits for it longest may be one group more than
another. Told and not judged: selections are, with those of the threshold (`groups`).

A calibration error is never 0 with few cases, however right the chances are: what it would be if they were exactly
right is told beside it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.base.contracts import is_abstained
from pipelines.base.vault import UNKNOWN
from pipelines.evaluate.metrics import KEYS, calibration_errors
from pipelines.fairness.intervals import wilson_interval
from pipelines.fairness.suppression import Cell, suppress

_DRAWS: Final = 200


def told(
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    may_abstain: bool,
    bins: int,
    told_from: int,
    seed: int,
) -> dict[str, Any] | None:
    """The part `abstention` of metrics.json.

    Args:
        scored: [n_scores] `Scored` of both scorers on the test cases; chances and decisions of the model are looked at.
        outcomes: [n_outcomes] `Outcomes`, 0 or 1.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        may_abstain: Whether the family's `decide` lets it.
        bins: Of equal width, of the calibration.
        told_from: People; of smaller groups, and of those that would give them away, only their number is told.
        seed: Of the outcomes that exact chances would have had.

    Returns:
        n (cases with an outcome), abstained (of those); all, kept and left (abstained): n, people, accuracy (decisions
        of the threshold that came true), calibration_error, error_by_chance; axes: axis and groups, each with group and
        people and, of their newest cases, abstained (share, low, high with 95 %) and kept as above. Null for what has
        no case, and for both parts where one is of too few people: the whole less the other would tell of them. None
        where the model may not abstain.
    """
    if not may_abstain:
        return None
    known = outcomes.unique(subset=list(KEYS), keep="last", maintain_order=True).drop_nulls("outcome")
    ours = scored.filter(pl.col("scorer") == "model", pl.col("score").is_finite())
    ours = ours.select(*KEYS, "score", "is_selected", is_left=is_abstained())
    cases = ours.join(known.select(*KEYS, "outcome", "occurred_at"), on=list(KEYS)).sort(KEYS)
    newest = cases.sort("occurred_at", *KEYS).unique("person_id", keep="last", maintain_order=True).sort("person_id")
    told_of = newest.join(groups, on="person_id", how="left", maintain_order="left")
    axes = [name for name in groups.columns if name != "person_id"]
    parts = {"all": cases, "kept": cases.filter(~pl.col("is_left")), "left": cases.filter("is_left")}
    is_told = _is_told(cases, told_from)
    return {
        "n": len(cases),
        "abstained": int(cases["is_left"].sum()),
        **{
            name: _right(part, bins, seed) if name == "all" or is_told else _untold(part)
            for name, part in parts.items()
        },
        "axes": list(_by_group(told_of, axes, bins, told_from, seed)),
    }


def _by_group(cases: pl.DataFrame, axes: Sequence[str], bins: int, least: int, seed: int) -> Iterator[dict[str, Any]]:
    """A row a group of each axis: the number of people, and what is told of those that are enough."""
    parts = {axis: dict(_parts(cases, axis)) for axis in axes}
    left = {axis: {name: _counted(rows) for name, rows in of.items()} for axis, of in parts.items()}
    few = {axis: {name: _judged(rows, least) for name, rows in of.items()} for axis, of in parts.items()}
    hidden, unjudged = suppress(left, least), suppress(few, least)
    for axis, of in parts.items():
        found = []
        for group, rows in of.items():
            row: dict[str, Any] = {"group": group, "people": len(rows)}
            if group not in hidden[axis]:
                count, kept = int(rows["is_left"].sum()), rows.filter(~pl.col("is_left"))
                low, high = wilson_interval(count, len(rows))
                row["abstained"] = {"share": count / len(rows), "low": float(low), "high": float(high)}
                row["kept"] = (
                    _right(kept, bins, seed) if len(kept) and group not in unjudged[axis] else {"n": len(kept)}
                )
            found.append(row)
        yield {"axis": axis, "groups": found}


def _counted(rows: pl.DataFrame) -> Cell:
    return Cell(len(rows), counts=(int(rows["is_left"].sum()),))


def _judged(rows: pl.DataFrame, least: int) -> Cell:
    """Of those that are decided, how many came true as decided."""
    kept = rows.filter(~pl.col("is_left"))
    right = int((kept["is_selected"] == (kept["outcome"] > 0)).sum())
    return Cell(len(rows), of=len(kept), counts=(right,), is_few=not _is_told(rows, least))


def _parts(cases: pl.DataFrame, axis: str) -> Iterator[tuple[str, pl.DataFrame]]:
    named = cases.with_columns(pl.col(axis).cast(pl.String).fill_null(UNKNOWN))
    for (group,), rows in sorted(named.partition_by(axis, as_dict=True).items()):
        yield str(group), rows


def _is_told(cases: pl.DataFrame, least: int) -> bool:
    """Whether neither part of some cases is of so few people that it would tell of them."""
    return not any(0 < part["person_id"].n_unique() < least for part in cases.partition_by("is_left"))


def _untold(cases: pl.DataFrame) -> dict[str, float | int | None]:
    people = cases["person_id"].n_unique()
    return {"n": len(cases), "people": people, "accuracy": None, "calibration_error": None, "error_by_chance": None}


def _right(cases: pl.DataFrame, bins: int, seed: int) -> dict[str, float | int | None]:
    """How right the decisions and the chances of some cases are."""
    if cases.is_empty():
        return _untold(cases)
    score, came_true = cases["score"].to_numpy(), cases["outcome"].to_numpy().astype(np.float64)
    drawn = (np.random.default_rng(seed).random((_DRAWS, len(score))) < score).astype(np.float64)
    return {
        "n": len(cases),
        "people": cases["person_id"].n_unique(),
        "accuracy": float((cases["is_selected"].to_numpy() == (came_true > 0)).mean()),
        "calibration_error": float(calibration_errors(came_true[None], score, bins)[0]),
        "error_by_chance": float(calibration_errors(drawn, score, bins).mean()),
    }
