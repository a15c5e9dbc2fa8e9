"""Who is selected, by group: in past human decisions, and by the model now; over all people and subject by subject.

Reads   scores/outcomes and the lake (decisions by humans), scores/scored (the newest day), the vault's protected
        attributes
Writes  reports/<family>/<as_of>/bias.json and bias.csv (whole, with the counts over all subjects: for compliance),
        bias.html (as everybody may see it) and
        bias.sealed (those of each subject, which can be one person's, under the audit key)

Pooling hides bias: one requisition can turn a group away while all together look equal, and one stage while all stages
do. So every subject and stage is judged on its own, on every axis and intersection, corrected for how many were looked
at, and one that fails is the first line of the report. Everything is computed from counts per group, on the path that
`evaluate` judges a candidate by; no row of a person leaves this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from monitoring import released, results, tables
from monitoring.audience import axes_for_all, bias_for_all
from monitoring.results import Axis, Bias, Tally
from pipelines import models
from pipelines.base.catalog import HIRING
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import AUDIT_KEY, secret
from pipelines.base.sealed import seal_frame
from pipelines.base.settings import MinPeople, load
from pipelines.base.stage import loading
from pipelines.base.store import Store
from pipelines.evaluate import groups as evaluated
from pipelines.evaluate import parity
from pipelines.evaluate.groups import HUMAN
from pipelines.fairness import ALL_STAGES, AxisReport, kept
from pipelines.fairness.counting import is_crossed
from pipelines.fairness.evidence import UNTOLD
from pipelines.gate import GateSettings

MODEL: Final = "model"


def run(store: Store, family: str, until: date | None) -> Bias:
    """Judge decisions and selections as known on the newest scoring day, write the reports, return the result."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Bias(family=family, as_of=None, status="no_scores")
    release = released.current(store, family)
    scored = tables.read(store, tables.SCORED, family, tables.days(store, tables.SCORED, family, as_of)[:1])
    unit = models.features(family).UNIT
    min_group_size, told_from = load(GateSettings, "gate").min_group_size, load(MinPeople, "privacy").min_people
    lake = Lake(store)
    manifest = lake.require()
    groups, forty = evaluated.read_aging(lake, manifest, as_of)
    decided = evaluated.decided(lake, manifest, as_of, family, tables.newest_outcomes(store, family, as_of))
    decisions = {
        HUMAN: evaluated.human_decisions(decided, unit),
        MODEL: evaluated.model_selections(scored, unit),
    }
    reports = {source: evaluated.reports(part, groups, min_group_size, forty) for source, part in decisions.items()}
    people = pl.concat(part["person_id"] for part in decisions.values()).unique()
    result = judged(reports, told_from).model_copy(
        update={
            "family": family,
            "as_of": as_of,
            "release": release.id if release else None,
            "lists": _lists(family, scored, groups, forty, (min_group_size, told_from)),
            "people": len(people),
            "without_groups": people.to_frame().join(groups, on="person_id", how="anti").height,
        }
    )
    result = _with_report(store, result)
    counts, sealed = evaluated.by_source(reports, evaluated.pools), evaluated.by_source(reports, evaluated.cells)
    store.put(results.key(family, as_of, "bias.csv"), counts.write_csv().encode())
    store.put(results.key(family, as_of, "bias.sealed"), seal_frame(secret(AUDIT_KEY), sealed))
    results.save(store, result, family, as_of, "bias.json")
    return result


def _lists(
    family: str, scored: pl.DataFrame, groups: pl.DataFrame, forty: pl.DataFrame, sizes: tuple[int, int]
) -> tuple[dict[str, Any], ...]:
    """Who is seen in the lists of the day; only of candidates, whom a recruiter sees in the order of their scores."""
    if family != HIRING or scored.is_empty():
        return ()
    on = scored.select("person_id", occurred_at=pl.col("as_of"))
    return tuple(parity.listed(scored, evaluated.aged(groups, forty, on), *sizes))


def judged(reports: Mapping[str, Sequence[AxisReport]], told_from: int | None = None) -> Bias:
    """All judgements on one family's decisions.

    Args:
        reports: Source, `human` or `model`, to what `evaluate` judged of it.
        told_from: As `fairness.kept`.

    Returns:
        Pools, the subjects that must be seen (the worst first), how many others there are, and headlines; status
        `no_groups` when nothing could be judged.
    """
    told = {source: kept(part, told_from) for source, part in reports.items()}
    pools = [_axis(source, item) for source, part in told.items() for item in part["axes"]]
    subjects = [_axis(source, item) for source, part in told.items() for item in part["by_subject"]]
    tallies = [_tally(source, item) for source, part in told.items() for item in part["tallies"]]
    subjects.sort(key=_worst_first)
    hidden, others = headlines(pools, subjects)
    hidden_for_all, others_for_all = headlines(axes_for_all(pools), axes_for_all(subjects, pools))
    return Bias(
        family="",
        as_of=None,
        status="ok" if pools else "no_groups",
        headlines=(*hidden, *others),
        hidden=hidden,
        headlines_for_all=(*hidden_for_all, *others_for_all),
        hidden_for_all=hidden_for_all,
        pools=tuple(pools),
        subjects=tuple(subjects),
        tallies=tuple(tallies),
    )


def in_order(pools: Sequence[Axis], subjects: Sequence[Axis]) -> Iterator[tuple[Axis, Axis | None]]:
    """What must be told, each beside the whole that it is a part of: by verdict; what the whole hides; subjects, pools.

    Args:
        pools: All people, by source, stage and axis.
        subjects: Single subjects, worst first.
    """
    whole = {(a.source, a.stage, a.judgement["axis"]): a for a in pools}
    told = [(a, whole.get((a.source, a.stage, a.judgement["axis"]))) for a in subjects]
    told += [(a, whole.get((a.source, ALL_STAGES, a.judgement["axis"]))) for a in pools]
    told.sort(key=lambda item: (item[0].verdict != "ADVERSE", not item[0].is_hidden))
    yield from ((a, pool) for a, pool in told if a.verdict in ("ADVERSE", "INVESTIGATE"))


def headlines(pools: Sequence[Axis], subjects: Sequence[Axis]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The first lines of the report: what fails while the whole looks fine, subject or stage; then what else fails."""
    failed = [(a, pool) for a, pool in in_order(pools, subjects) if a.verdict == "ADVERSE"]
    hidden = tuple(told(a, pool) for a, pool in failed if a.is_hidden)
    return hidden, tuple(told(a, pool) for a, pool in failed if not a.is_hidden)


def told(axis: Axis, pool: Axis | None = None) -> str:
    """A judgement as a sentence with its counts.

    Args:
        axis: What was judged; its worst compared group is told, of those that pooling hides where it hides any.
        pool: The same attribute over all subjects, or all stages, to say what pooling shows.
    """
    rows = axis.judgement["groups"]
    row = worst(axis.judgement, pool.judgement if pool is not None else None)
    if row is None and axis.verdict in ("ADVERSE", "INVESTIGATE"):
        return f"{where(axis)}, {axis.judgement['axis']}: {axis.verdict}. {UNTOLD[0].upper()}{UNTOLD[1:]}."
    if row is None:
        return f"{where(axis)}, {axis.judgement['axis']}: too few to judge."
    best = next(r for r in rows if r["is_reference"])
    text = (
        f"{where(axis)}, {axis.judgement['axis']}: {row['group']} {_rate(row)}, {best['group']} {_rate(best)}; "
        f"impact ratio {_ratio(row)}. {axis.verdict}."
    )
    if pool is not None and axis.is_hidden:
        text += _over_all(pool, row["group"], "stages" if axis.subject is None else "subjects")
    return text


def _over_all(pool: Axis, group: str, parts: str) -> str:
    """What pooling shows of a group that fails in a part; nothing where it shows the same."""
    least = min(_compared(pool.judgement), key=_ratio_of, default=None)
    row = next((r for r in pool.judgement["groups"] if r["group"] == group), None)
    if row is None or least is None:
        return ""
    if row["is_reference"] and least["impact_ratio"] < 1:
        return f" Over all {parts} together {group} has the highest rate: pooling hides it."
    if row["is_reference"] or group == least["group"]:
        return f" Over all {parts} together the lowest ratio is {_ratio(least)}: pooling hides it."
    return f" Over all {parts} together the ratio of {group} is {_ratio(row)}: pooling hides it."


def worst(judgement: Mapping[str, Any], pool: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
    """The compared group that the verdict comes from: of those with the worst verdict, the lowest impact ratio.

    Not the lowest ratio of all: a handful of people have a low one by chance and are no finding, while another group
    of the same judgement is.

    Args:
        judgement: `pipelines.fairness.AxisJudgement.to_dict()`.
        pool: The same attribute over all subjects, or all stages, to tell a group that it hides where it hides any.

    Returns:
        None when no group could be compared.
    """
    rows = _compared(judgement)
    if pool is not None and judgement["is_hidden_in_pool"]:
        there = {r["group"]: r["verdict"] for r in pool["groups"]}
        rows = [r for r in rows if r["verdict"] == judgement["verdict"] != there.get(r["group"])] or rows
    return min(rows, key=lambda r: (_ORDER.index(r["verdict"]), _ratio_of(r)), default=None)


def _compared(judgement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [r for r in judgement["groups"] if r["p_value"] is not None and r["impact_ratio"] is not None]


def _ratio_of(row: Mapping[str, Any]) -> float:
    return float(row["impact_ratio"])


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


def _worst_first(axis: Axis) -> tuple[int, bool, bool, bool, float]:
    row = worst(axis.judgement)
    ratio = _ratio_of(row) if row else 9.0
    order, is_both = _ORDER.index(axis.verdict), is_crossed(axis.judgement["axis"])
    return order, not axis.is_hidden, axis.source != HUMAN, is_both, ratio


def _axis(source: str, item: dict[str, Any]) -> Axis:
    return Axis(source=source, stage=item["stage"], subject=item["subject"], judgement=item)


def _tally(source: str, item: Mapping[str, Any]) -> Tally:
    return Tally(source=source, stage=item["stage"], axis=item["axis"], verdicts=item["verdicts"])


def _with_report(store: Store, result: Bias) -> Bias:
    with loading():
        from monitoring import _evidently

    if result.status != "ok" or result.as_of is None:
        return result
    note = f"Exact counts of all decisions known on {result.as_of}; nothing is sampled."
    store.put(results.key(result.family, result.as_of, "bias.html"), _evidently.bias_report(bias_for_all(result), note))
    return result.model_copy(update={"sample": note})
