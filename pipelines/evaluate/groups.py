"""Selections by protected group: the model's on the test cases, and people's in the past.

One path for the gate and for monitoring: decisions, a row a unit and stage; their counts by group, joined and coded a
column at a time; judged on every axis and intersection, over all people and by subject.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.base import ages, known, people, vault
from pipelines.base.lake import Lake, Manifest
from pipelines.evaluate.metrics import KEYS
from pipelines.fairness import ALL_STAGES, AxisReport, against_all_stages, bias_report, kept
from pipelines.fairness.counting import Coded, as_coded, as_subjects
from pipelines.models import features

HUMAN: Final = "human"
SELECTED: Final = "selected"
"""The only stage of a model's selections."""
CELLS: Final = pl.Schema(
    {
        "stage": pl.String(),
        "axis": pl.String(),
        "subject": pl.String(),
        "group": pl.String(),
        "people": pl.Int64(),
        "selected": pl.Int64(),
        "verdict": pl.String(),
    }
)
"""One row a stage, axis, subject and group, small and unknown groups too. Beside a list of who applied, a cell of one
person tells their answer: never kept in clear."""
POOLS: Final = pl.Schema(
    {
        "stage": pl.String(),
        "axis": pl.String(),
        "group": pl.String(),
        "people": pl.Int64(),
        "decisions": pl.Int64(),
        "selected": pl.Int64(),
        "verdict": pl.String(),
    }
)
"""One row a stage, axis and group, over all subjects: distinct people, decisions about them, selected of those."""


def read(lake: Lake, manifest: Manifest, as_of: date) -> pl.DataFrame:
    """The groups of everybody, under the pseudonym that stands for the human.

    Args:
        lake: Knows who is linked.
        manifest: The pinned state.
        as_of: What was known then; ages are taken on that day.

    Raises:
        SettingsError: CANDOR_AUDIT_KEY is missing or another one.
    """
    return read_aging(lake, manifest, as_of)[0]


def read_aging(lake: Lake, manifest: Manifest, as_of: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As `read`, and beside it `vault.forty`: on another day somebody may have been on the other side of 40."""
    protected = vault.read_protected(lake.store, manifest, as_of)
    resolved = people.resolve(protected, known.links(lake, manifest, as_of))
    said = resolved.unique(["person_id", "attribute_code"], keep="last", maintain_order=True)
    return vault.groups(said, as_of), vault.forty(said)


def judged(
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    groups: pl.DataFrame,
    unit: Sequence[str],
    min_group_size: int,
    *,
    forty: pl.DataFrame | None = None,
    told_from: int | None = None,
) -> tuple[dict[str, Any], pl.DataFrame, pl.DataFrame]:
    """The content of groups.json, of groups.csv and of groups.sealed.

    Args:
        scored: [n_scores] as `asked` gives, of both scorers on the test cases.
        outcomes: [n_decisions] as `decided` gives.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        unit: person_id and the column of the subject that the family judges.
        min_group_size: People.
        forty: [n_people] as `vault.forty` gives, for the age at which people were decided or asked about.
        told_from: As `fairness.kept`.

    Returns:
        axes, by_subject and tallies of the model's selections, as `fairness.kept`; human: the same of past decisions
        by people. Beside them [n_groups] source and `POOLS`, and [n_cells] source and `CELLS`.
    """
    ours = reports(model_selections(scored, unit), groups, min_group_size, forty)
    theirs = reports(human_decisions(outcomes, unit), groups, min_group_size, forty)
    told = {**kept(ours, told_from), "human": kept(theirs, told_from)}
    both = {"model": ours, HUMAN: theirs}
    return told, by_source(both, pools), by_source(both, cells)


def decided(lake: Lake, manifest: Manifest, as_of: date, family: str, outcomes: pl.DataFrame) -> pl.DataFrame:
    """What is known of decisions by people: of every stage, where a family's tables tell more than its outcomes.

    Args:
        lake: Where the tables are.
        manifest: The pinned state.
        as_of: What was known then.
        family: One of the catalog's families.
        outcomes: [n_outcomes] `Outcomes`; may be without rows and columns.

    Returns:
        [n_decisions] the family's unit, stage_code, outcome, decided_by and known_at, for `human_decisions`. The tables
        count, with cases that no model can be asked about; `outcomes` for stages that they do not tell of, and for a
        family that has none.
    """
    module = features(family)
    if not (module.DECISIONS or module.REACHED):
        return outcomes
    tables, _ = known.read_people(lake, manifest, module.DECISIONS or module.REACHED, as_of)
    if not module.DECISIONS:
        return module.outcomes(tables)
    columns = [*module.UNIT, "stage_code", "outcome", "decided_by", "known_at"]
    every = module.decisions(tables).select(columns)
    if outcomes.is_empty():
        return every
    return pl.concat([every, outcomes.select(columns).join(every, on="stage_code", how="anti", maintain_order="left")])


def human_decisions(outcomes: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    """Past decisions by people; those that a rule took are left out.

    A yes or no is taken as it is. Where outcomes are graded, selected means strictly above the median of the stage,
    as LL144 does for scores.

    Args:
        outcomes: [n_decisions] as `decided` gives; may be without rows and columns.
        unit: What names a case in this family.

    Returns:
        [n_units] stage, person_id, subject, is_selected, on (the day of the last decision, as text; null where it is
        not known); a unit decided on twice counts once, selected if it ever was.
    """
    if outcomes.is_empty():
        return _nothing()
    human = outcomes.filter(pl.col("decided_by") == HUMAN, pl.col("outcome").is_not_null())
    is_graded = ~pl.col("outcome").is_in([0.0, 1.0]).all().over("stage_code")
    above = pl.col("outcome") > pl.col("outcome").median().over("stage_code")
    chosen = human.with_columns(is_selected=pl.when(is_graded).then(above).otherwise(pl.col("outcome") > 0))
    return _units(chosen, pl.col("stage_code").fill_null(""), unit)


def asked(scored: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Test cases with the moment of which each asks, which can be years before the day as of which all are scored.

    Args:
        scored: [n_scores] `Scored`.
        outcomes: [n_outcomes] `Outcomes` of the cases.

    Returns:
        [n_scores] `scored` with occurred_at; of a case without an outcome, such as a course that was not taken, that of
        the person's newest one; null without any.
    """
    keys, moment = list(KEYS), pl.col("occurred_at")
    moments = outcomes.select(*keys, moment).unique(keys, keep="last", maintain_order=True)
    newest = outcomes.group_by("person_id").agg(newest_at=moment.max())
    told = scored.join(moments, on=keys, how="left", maintain_order="left")
    told = told.join(newest, on="person_id", how="left", maintain_order="left")
    return told.with_columns(pl.coalesce(moment, "newest_at").alias("occurred_at")).drop("newest_at")


def model_selections(scored: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    """Whom the model selects, in the form of `human_decisions`.

    Args:
        scored: [n_scores] `Scored`, or as `asked` gives; may be without rows and columns.
        unit: What names a case in this family.

    Returns:
        As `human_decisions`; `on` is the day of which a case asks, else that as of which it was scored.
    """
    if scored.is_empty():
        return _nothing()
    moment = next((name for name in ("occurred_at", "as_of") if name in scored.columns), "known_at")
    return _units(scored.filter(pl.col("scorer") == "model"), pl.lit(SELECTED), unit, moment)


def reports(
    decisions: pl.DataFrame, groups: pl.DataFrame, min_group_size: int, forty: pl.DataFrame | None = None
) -> tuple[AxisReport, ...]:
    """Judge decisions on every axis that the company has, at each stage and, of several, at all together.

    Args:
        decisions: [n_units] as `human_decisions` gives.
        groups: [n_people] person_id and one column an axis. People absent from it are `unknown` throughout.
        min_group_size: People.
        forty: [n_people] as `vault.forty` gives: whoever is there has the age of the day of a decision, where that is
            known. Without it everybody has the age that `groups` says.

    Returns:
        By stage, all stages together first; a pool of one stage that fails while all together look better is marked.
        None when there are no decisions or no axes.
    """
    stages = decisions["stage"].unique().sort().to_list()
    each = [
        _judged(decisions.filter(pl.col("stage") == stage), groups, min_group_size, stage, forty) for stage in stages
    ]
    if len(stages) < 2:
        return tuple(chain.from_iterable(each))
    key = ["person_id", "subject"]
    last = [pl.col("on").max()] if "on" in decisions.columns else []
    passed = decisions.group_by(key).agg(pl.col("is_selected").all(), *last).sort(key)
    whole = _judged(passed, groups, min_group_size, ALL_STAGES, forty)
    return (*whole, *chain.from_iterable(against_all_stages(one, whole) for one in each))


def by_source(
    reported: Mapping[str, Sequence[AxisReport]], counts: Callable[[Sequence[AxisReport]], pl.DataFrame]
) -> pl.DataFrame:
    """[n_rows] source and the columns of `counts`, which is `pools` or `cells`."""
    return pl.concat(counts(part).select(pl.lit(source).alias("source"), pl.all()) for source, part in reported.items())


def pools(reported: Iterable[AxisReport]) -> pl.DataFrame:
    """[n_groups] `POOLS` of all reports."""
    rows = [
        (pool.stage, pool.axis, row.group, row.people, row.n, row.selected, str(row.verdict))
        for pool in (report.pool for report in reported)
        for row in pool.groups
    ]
    return pl.DataFrame(rows, schema=POOLS, orient="row")


def cells(reported: Iterable[AxisReport]) -> pl.DataFrame:
    """[n_cells] `CELLS` of all reports."""
    parts = [
        pl.DataFrame(report.cells).select(
            pl.lit(report.pool.stage, pl.String).alias("stage"),
            pl.lit(report.pool.axis, pl.String).alias("axis"),
            *(pl.col(name).cast(kind) for name, kind in CELLS.items() if name not in ("stage", "axis")),
        )
        for report in reported
    ]
    return pl.concat([pl.DataFrame(schema=CELLS), *parts])


def _judged(
    decisions: pl.DataFrame, groups: pl.DataFrame, min_group_size: int, stage: str, forty: pl.DataFrame | None
) -> tuple[AxisReport, ...]:
    axes = [name for name in groups.columns if name != "person_id"]
    joined = decisions.join(groups, on="person_id", how="left", maintain_order="left")
    if forty is not None:
        joined = at_that_age(joined, forty)
    return bias_report(
        joined["is_selected"].to_numpy(),
        {axis: _coded(joined[axis], as_coded) for axis in axes},
        _coded(joined["subject"].fill_null(""), as_subjects),
        person=joined["person_id"].rank("dense").to_numpy(),
        min_group_size=min_group_size,
        stage=stage,
    )


def at_that_age(joined: pl.DataFrame, forty: pl.DataFrame) -> pl.DataFrame:
    """Everybody whose birth and day of decision are known on the side of 40 that they were on.

    Args:
        joined: [n_rows] person_id, the axes and `on`; as it is where there is no age, or no day.
        forty: [n_people] as `vault.forty` gives.
    """
    if vault.AGE_40 not in joined.columns or "on" not in joined.columns:
        return joined
    was = pl.when(pl.col("on") >= pl.col("forty_from")).then(pl.lit(ages.OLD)).otherwise(pl.lit(ages.YOUNG))
    is_known = pl.col("forty_from").is_not_null() & pl.col("on").is_not_null()
    side = pl.when(is_known).then(was).otherwise(pl.col(vault.AGE_40))
    return joined.join(forty, on="person_id", how="left", maintain_order="left").with_columns(side.alias(vault.AGE_40))


def aged(groups: pl.DataFrame, forty: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Groups for a judgement of people and not of decisions: everybody as old as at their newest case.

    Args:
        groups: [n_people] person_id and one column an axis.
        forty: [n_people] as `vault.forty` gives.
        cases: [n_cases] person_id, occurred_at.

    Returns:
        [n_people] `groups`, in its order.
    """
    newest = cases.group_by("person_id").agg(on=pl.col("occurred_at").max().dt.strftime("%Y-%m-%d"))
    joined = groups.join(newest, on="person_id", how="left", maintain_order="left")
    return at_that_age(joined, forty).select(groups.columns)


def _coded(column: pl.Series, named: Callable[[npt.ArrayLike], Coded]) -> Coded:
    """A column of text by its distinct answers: only they, not everybody's, are made text of Python."""
    answers = column.drop_nulls().unique().sort().to_list()
    place = column.cast(pl.Enum(answers)).to_physical().fill_null(len(answers))
    distinct = named(np.array([*answers, *([None] if column.null_count() else [])], dtype=object))
    return Coded(distinct.names, distinct.codes[place.to_numpy()])


def _units(chosen: pl.DataFrame, stage: pl.Expr, unit: Sequence[str], moment: str = "known_at") -> pl.DataFrame:
    """One row a unit and stage, in an order of their own: sums of shares tell in their last bit in which they were."""
    subject = next(name for name in unit if name != "person_id")
    day = pl.col(moment).dt.strftime("%Y-%m-%d") if moment in chosen.columns else pl.lit(None, pl.String)
    named = chosen.select(
        stage.alias("stage"), "person_id", pl.col(subject).alias("subject"), "is_selected", day.alias("on")
    )
    key = ["stage", "person_id", "subject"]
    return named.group_by(key).agg(pl.col("is_selected").any(), pl.col("on").max()).sort(key)


def _nothing() -> pl.DataFrame:
    text = pl.String()
    return pl.DataFrame(
        schema={"stage": text, "person_id": text, "subject": text, "is_selected": pl.Boolean(), "on": text}
    )
