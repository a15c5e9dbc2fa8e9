"""From predictions to rows of `Scored`: who is selected, why, by what, on what data."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.contracts import ABSTAINED, SCORED, conform
from pipelines.base.days import end_of
from pipelines.base.errors import ContractError
from pipelines.base.settings import Section
from pipelines.models import Scorer, abstains, features, network

KEYS: Final = ("person_id", "subject_id", "target_code")
_DECIMALS = 6
"""Single precision holds no more: beyond them a score depends on how threads shared the sum."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a score must say about where it came from."""

    model_sha256: str
    data_sha256: str
    as_of: date
    """The day whose knowledge was used. `scored_at` is its end, so that scoring again gives the same rows."""


def scored(
    family: str, folder: Path, frame: pl.DataFrame, scorer: Scorer, stamp: Stamp, *, decide: Section
) -> pl.DataFrame:
    """Predict, decide and explain.

    Args:
        family: Model family.
        folder: What `fit` or `fit_baseline` wrote.
        frame: [n_cases] the cases.
        scorer: `model` or `baseline`; the baseline gives no reasons.
        stamp: Digests and day.
        decide: The family's `Decide`.

    Returns:
        [n_scores] `Scored`, ordered by key.

    Raises:
        ContractError: The family predicted a case twice, or scores outside [0, 1].
    """
    module = features(family)
    rows = network(family).predict(folder, frame, scorer).sort(KEYS) if len(frame) else _nobody()
    rows = rows.with_columns(pl.col("score", "low", "high").round(_DECIMALS))
    _check(family, rows)
    chosen = module.select(rows, decide).fill_null(value=False)
    rows = rows.with_columns(is_selected=chosen)
    return conform(
        rows.with_columns(
            reasons=_reasons(family, folder, frame, rows, scorer, abstains(rows, decide)),
            family=pl.lit(family),
            scorer=pl.lit(scorer),
            model_sha256=pl.lit(stamp.model_sha256),
            data_sha256=pl.lit(stamp.data_sha256),
            as_of=pl.lit(stamp.as_of),
            scored_at=pl.lit(end_of(stamp.as_of)),
        ),
        SCORED,
        "Scored",
    )


def grades(family: str, folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame | None:
    """[n_cases] `KEYS`, grade, low, high, in the order of `frame`; None for families and models that foresee none."""
    module = network(family)
    found: pl.DataFrame | None = module.grades(folder, frame, scorer) if hasattr(module, "grades") else None
    return found


def _reasons(  # noqa: PLR0917
    family: str, folder: Path, frame: pl.DataFrame, rows: pl.DataFrame, scorer: Scorer, unsure: pl.Series
) -> pl.Series:
    """[n_rows] list of codes. Where people are ranked only who was put forward gets reasons, else everybody.

    That the model abstains is the first code, of either scorer.
    """
    asked = rows.filter("is_selected") if features(family).METRIC == "ranking" else rows
    reasons: dict[int, list[str]] = {}
    if scorer == "model" and len(asked):
        given = network(family).explain(folder, frame, asked)
        places = rows["is_selected"].arg_true() if len(asked) < len(rows) else range(len(rows))
        reasons = dict(zip(places, given, strict=True))
    for place in unsure.arg_true():
        reasons[place] = [ABSTAINED, *reasons.get(place, [])]
    told = pl.DataFrame(
        {"row": list(reasons), "reasons": list(reasons.values())},
        schema={"row": pl.Int64, "reasons": pl.List(pl.String)},
    )
    every = pl.DataFrame({"row": pl.int_range(len(rows), eager=True)})  # of a ranking few of very many have any
    return every.join(told, on="row", how="left", maintain_order="left")["reasons"].fill_null([])


def _check(family: str, rows: pl.DataFrame) -> None:
    """NaN is left for the gate to see; a number that is no share is a fault of the model's code."""
    twice = len(rows) - rows.select(KEYS).n_unique() if len(rows) else 0
    outside = rows.filter(~pl.col("score").is_between(0, 1) & pl.col("score").is_not_nan()).height
    if twice or outside:
        raise ContractError(
            f"{family} must score each person, subject and target once, within 0 and 1; {twice} rows are repeated and "
            f"{outside} lie outside. Correct its predict."
        )


def _nobody() -> pl.DataFrame:
    schema: dict[str, Any] = {name: SCORED[name] for name in (*KEYS, "score", "low", "high")}
    return pl.DataFrame(schema=schema)
