"""From scores and groups to counts per category. Pure; no row of a person leaves this module.

An applicant is one person's application to one requisition. Scored more often in the period, it counts once: selected
if it ever was, as everywhere in Candor, and with its newest score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.base.digests import sha256_frame
from pipelines.base.errors import ContractError
from pipelines.fairness import scoring_rates
from pipelines.fairness.law.packs import Category
from pipelines.fairness.statutory import RACE, SEX, UNKNOWN, Cell

ATTRIBUTES: Final = {SEX: "sex", RACE: "ethnicity"}
"""The law's axis -> the vault's attribute."""


@dataclass(frozen=True, slots=True)
class Counted:
    """All that is ever published of the people."""

    cells: tuple[Cell, ...]
    """In the law's order, unknown last; combinations without anybody are left out."""
    median: float
    """Of the scores of all applicants, unknown included."""
    ties: int
    """Applicants exactly at the median, who count as not above it."""
    extract_sha256: str
    """Of the joined rows: whoever may see them can tell that they are these."""


def counted(scored: pl.DataFrame, groups: pl.DataFrame, unit: Sequence[str], categories: Sequence[Category]) -> Counted:
    """Count one model's applicants.

    Args:
        scored: [n_scores] `Scored` of one model in the period, under the pseudonym that stands for the human.
        groups: [n_people] person_id and one column an attribute; people absent from it are unknown.
        unit: What names an application, `person_id` among it.
        categories: The law's.

    Raises:
        ContractError: Nobody was scored, nobody's sex and race/ethnicity are both known, a group is no category of the
            law, or a score is missing.
    """
    applicants = _applicants(scored, unit)
    if applicants.is_empty():
        raise ContractError(
            "An audit must have applicants whom this model scored in the period; there are none. "
            "Choose another period or model."
        )
    joined = applicants.join(groups, on="person_id", how="left", maintain_order="left")
    named = joined.select(*unit, "score", "is_selected", *(_group(joined, axis) for axis in ATTRIBUTES))
    for axis in ATTRIBUTES:
        _must_be_categories(named[axis], axis, [item.code for item in categories if item.axis == axis])
    if not (named[SEX].ne(UNKNOWN) & named[RACE].ne(UNKNOWN)).any():
        raise ContractError(
            f"An audit must know sex and race/ethnicity of somebody; of {len(named)} applicants none has both. "
            "Take in the feed of protected attributes, or audit on test data."
        )
    scoring = scoring_rates(named["score"].to_numpy(), named[SEX].to_numpy())
    cells = named.group_by(SEX, RACE).agg(
        applicants=pl.len(), selected=pl.col("is_selected").sum(), above_median=(pl.col("score") > scoring.median).sum()
    )
    order = [*(item.code for item in categories), UNKNOWN]
    return Counted(
        cells=tuple(
            sorted(
                (Cell(**row) for row in cells.iter_rows(named=True)),
                key=lambda cell: (order.index(cell.sex), order.index(cell.race_ethnicity)),
            )
        ),
        median=scoring.median,
        ties=scoring.ties,
        extract_sha256=sha256_frame(named),
    )


def _applicants(scored: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    if scored.is_empty():
        return pl.DataFrame()
    # Of a human who was scored on one day under two pseudonyms, the higher: some rule, so that it is always the same.
    newest = pl.col("score").sort_by("as_of", "scored_at", "score").last()
    return scored.group_by(*unit).agg(newest, pl.col("is_selected").any()).sort(*unit)


def _group(joined: pl.DataFrame, axis: str) -> pl.Expr:
    name = ATTRIBUTES[axis]
    known = pl.col(name).fill_null(UNKNOWN) if name in joined.columns else pl.lit(UNKNOWN)
    return known.alias(axis)


def _must_be_categories(column: pl.Series, axis: str, codes: Sequence[str]) -> None:
    strange = int((~column.is_in([*codes, UNKNOWN])).sum())
    if strange:
        raise ContractError(
            f"Every {axis} must be one of {', '.join(codes)} or unknown; {strange} of {len(column)} applicants have "
            "another code. Map it in the feed of protected attributes."
        )
