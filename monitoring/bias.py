"""Who is selected, by group: in past human decisions, and by the model now; over all people and subject by subject.

Reads   scores/outcomes (decisions by humans), scores/scored (the newest day), the vault's protected attributes
Writes  reports/<family>/<as_of>/bias.json and bias.html

Pooling hides bias: one requisition can turn a group away while all together look equal. So every subject is judged on
its own, corrected for how many were looked at, and one that fails is the first line of the report. Everything is
computed from counts per group; no row of a person leaves this module.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from monitoring import released, results, tables
from monitoring.results import Axis, Bias
from pipelines import models
from pipelines.base.lake import Lake
from pipelines.base.settings import load
from pipelines.base.stage import loading
from pipelines.base.store import Store
from pipelines.evaluate import groups as evaluated
from pipelines.fairness import UNKNOWN, judge_counts
from pipelines.fairness.subjects import judge_tables
from pipelines.gate import GateSettings

HUMAN: Final = "human"
MODEL: Final = "model"
COUNTS: Final = pl.Schema(
    {
        "source": pl.String(),
        "stage": pl.String(),
        "axis": pl.String(),
        "subject": pl.String(),
        "group": pl.String(),
        "people": pl.Int64(),
        "selected": pl.Int64(),
    }
)
"""One row a source, stage, axis, subject and group: all that is ever judged or drawn."""


def run(store: Store, family: str, until: date | None) -> Bias:
    """Judge decisions and selections as known on the newest scoring day, write the reports, return the result."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Bias(family=family, as_of=None, status="no_scores")
    release = released.current(store, family)
    scored = tables.read(store, tables.SCORED, family, tables.days(store, tables.SCORED, family, as_of)[:1])
    unit = models.features(family).UNIT
    min_group_size = load(GateSettings, "gate").min_group_size
    decisions = pl.concat(
        [
            human_decisions(tables.newest_outcomes(store, family, as_of), unit),
            model_selections(scored, unit),
        ]
    )
    lake = Lake(store)
    groups = evaluated.read(lake, lake.require(), as_of)
    counts = counted(decisions, groups)
    result = judged(counts, min_group_size).model_copy(
        update={
            "family": family,
            "as_of": as_of,
            "release": release.id if release else None,
            "people": decisions["person_id"].n_unique(),
            "without_groups": _without(decisions, groups),
        }
    )
    result = _with_report(store, result, counts, min_group_size)
    results.save(store, result, family, as_of, "bias.json")
    return result


def human_decisions(outcomes: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    """Past decisions by people; those a rule decided are left out.

    Args:
        outcomes: [n_outcomes] `Outcomes`.
        unit: What names a case in this family.

    Returns:
        [n_units] source, stage, person_id, subject, is_selected; a unit decided on twice counts once, selected if it
        ever was. Grades select strictly above the median of their stage (`evaluate`'s rule).
    """
    if outcomes.is_empty():
        return _nothing()
    human = evaluated.decisions(outcomes)
    return _units(human, HUMAN, pl.col("stage_code"), unit)


def model_selections(scored: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    """Whom the model selects now, in the form of `human_decisions`.

    Args:
        scored: [n_scores] `Scored` of one day.
        unit: What names a case in this family.
    """
    if scored.is_empty():
        return _nothing()
    return _units(scored.filter(pl.col("scorer") == MODEL), MODEL, pl.lit("selected"), unit)


def counted(decisions: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Counts by source, stage, axis, subject and group.

    Args:
        decisions: [n_decisions] as `human_decisions` gives.
        groups: [n_people] person_id and one column an attribute. People absent from it are `unknown` throughout.

    Returns:
        [n_cells] `COUNTS`; empty when no attribute is known at all.
    """
    joined = decisions.join(groups, on="person_id", how="left")
    cells = ["source", "stage", "subject"]
    parts = [
        joined.group_by([*cells, pl.col(axis).fill_null(UNKNOWN).alias("group")])
        .agg(people=pl.len().cast(pl.Int64), selected=pl.col("is_selected").sum().cast(pl.Int64))
        .with_columns(axis=pl.lit(axis))
        for axis in groups.columns
        if axis != "person_id"
    ]
    empty = pl.DataFrame(schema=COUNTS)
    return pl.concat([empty, *(part.select(COUNTS.names()) for part in parts)]).sort(
        "source", "stage", "axis", "subject", "group"
    )


def judged(counts: pl.DataFrame, min_group_size: int) -> Bias:
    """All judgements on one family's counts.

    Args:
        counts: [n_cells] `COUNTS`.
        min_group_size: People; smaller groups are counted and not judged.

    Returns:
        Pools, subjects (the worst first) and headlines; status `no_groups` when nothing could be judged.
    """
    pools: list[Axis] = []
    subjects: list[Axis] = []
    for (source, stage, axis), part in counts.group_by("source", "stage", "axis", maintain_order=True):
        pooled = judge_counts(group_counts(part), axis=str(axis), min_group_size=min_group_size)
        single = {str(name): group_counts(rows) for (name,), rows in part.group_by("subject", maintain_order=True)}
        label = {"source": source, "stage": stage}
        pools.append(Axis(**label, subject=None, judgement=pooled.to_dict()))
        subjects += [
            Axis(**label, subject=item.subject, judgement=item.to_dict())
            for item in judge_tables(single, pooled=pooled)
        ]
    subjects.sort(key=_worst_first)
    return Bias(
        family="",
        as_of=None,
        status="ok" if pools else "no_groups",
        headlines=headlines(pools, subjects),
        pools=tuple(pools),
        subjects=tuple(subjects),
    )


def group_counts(counts: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """(people, selected) by group, summed over subjects."""
    summed = counts.group_by("group", maintain_order=True).agg(pl.col("people", "selected").sum())
    return {str(group): (int(people), int(selected)) for group, people, selected in summed.iter_rows()}


def headlines(pools: Sequence[Axis], subjects: Sequence[Axis]) -> tuple[str, ...]:
    """The first lines of the report: subjects that fail, those hidden in a good pool before the others, then pools."""
    whole = {(a.source, a.stage, a.judgement["axis"]): a for a in pools}
    failed = [a for a in subjects if a.verdict == "ADVERSE"]
    failed.sort(key=lambda a: not a.judgement["is_hidden_in_pool"])
    lines = [told(a, whole[a.source, a.stage, a.judgement["axis"]]) for a in failed]
    return (*lines, *(told(a) for a in pools if a.verdict == "ADVERSE"))


def told(axis: Axis, pool: Axis | None = None) -> str:
    """A judgement as a sentence with its counts.

    Args:
        axis: What was judged; its worst compared group is told, of those that pooling hides where it hides any.
        pool: The same attribute over all subjects, to say what pooling shows.
    """
    rows = axis.judgement["groups"]
    row = lowest(axis, pool if pool is not None and axis.judgement["is_hidden_in_pool"] else None)
    if row is None:
        return f"{where(axis)}, {axis.judgement['axis']}: too few to judge."
    best = next(r for r in rows if r["is_reference"])
    text = (
        f"{where(axis)}, {axis.judgement['axis']}: {row['group']} {_rate(row)}, {best['group']} {_rate(best)}; "
        f"impact ratio {_ratio(row)}. {axis.verdict}."
    )
    if pool is not None and axis.judgement["is_hidden_in_pool"]:
        text += _over_all(pool, row["group"])
    return text


def _over_all(pool: Axis, group: str) -> str:
    """What pooling shows of a group that fails in a subject; nothing where it shows the same."""
    least = lowest(pool)
    row = next((r for r in pool.judgement["groups"] if r["group"] == group), None)
    if row is None or least is None:
        return ""
    if row["is_reference"] and least["impact_ratio"] < 1:
        return f" Over all subjects together {group} has the highest rate: pooling hides it."
    if row["is_reference"] or group == least["group"]:
        return f" Over all subjects together the lowest ratio is {_ratio(least)}: pooling hides it."
    return f" Over all subjects together the ratio of {group} is {_ratio(row)}: pooling hides it."


def lowest(axis: Axis, pool: Axis | None = None) -> Mapping[str, Any] | None:
    """The compared group with the lowest impact ratio; None when no group could be compared.

    Args:
        axis: What was judged.
        pool: The same attribute over all subjects, to look among groups that fail here and not there first.
    """
    rows = [r for r in axis.judgement["groups"] if r["p_value"] is not None and r["impact_ratio"] is not None]
    if pool is not None:
        there = {r["group"]: r["verdict"] for r in pool.judgement["groups"]}
        hidden = [r for r in rows if r["verdict"] == axis.verdict != there.get(r["group"])]
        rows = hidden or rows
    return min(rows, key=lambda r: float(r["impact_ratio"]), default=None)


def where(axis: Axis) -> str:
    """Which decisions an axis is about, in words."""
    decisions = f"human decisions at {axis.stage}" if axis.source == HUMAN else "the model's selections"
    return f"{axis.subject}, {decisions}" if axis.subject is not None else f"All subjects, {decisions}"


def _rate(row: Mapping[str, Any]) -> str:
    return f"{row['rate']:.0%} ({row['selected']} of {row['n']})"


def _ratio(row: Mapping[str, Any]) -> str:
    low, high = (f"{row[end]:.2f}" if row[end] is not None else "no bound" for end in ("low", "high"))
    return f"{row['impact_ratio']:.2f} [{low} to {high}]"


_ORDER: Final = ("ADVERSE", "INVESTIGATE", "INSUFFICIENT_DATA", "NO_EVIDENCE")


def _worst_first(axis: Axis) -> tuple[int, bool, float]:
    row = lowest(axis)
    return _ORDER.index(axis.verdict), axis.source != HUMAN, float(row["impact_ratio"]) if row else 9.0


def _units(chosen: pl.DataFrame, source: str, stage: pl.Expr, unit: Sequence[str]) -> pl.DataFrame:
    """One row a unit and stage, as `evaluate` counts them."""
    subject = next(name for name in unit if name != "person_id")
    named = chosen.select(
        pl.lit(source).alias("source"),
        stage.alias("stage"),
        "person_id",
        pl.col(subject).alias("subject"),
        "is_selected",
    )
    cells = ["source", "stage", "person_id", "subject"]
    return named.group_by(cells).agg(pl.col("is_selected").any()).sort(cells)


def _nothing() -> pl.DataFrame:
    text = pl.String()
    columns = {"source": text, "stage": text, "person_id": text, "subject": text, "is_selected": pl.Boolean()}
    return pl.DataFrame(schema=columns)


def _without(decisions: pl.DataFrame, groups: pl.DataFrame) -> int:
    return decisions.select("person_id").unique().join(groups, on="person_id", how="anti").height


def _with_report(store: Store, result: Bias, counts: pl.DataFrame, min_group_size: int) -> Bias:
    with loading():
        from monitoring import _evidently

    if result.status != "ok" or result.as_of is None:
        return result
    note = f"Exact counts of all decisions known on {result.as_of}; nothing is sampled."
    html = _evidently.bias_report(counts, result, note, min_group_size)
    store.put(results.key(result.family, result.as_of, "bias.html"), html)
    return result.model_copy(update={"sample": note})
