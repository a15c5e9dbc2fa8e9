"""How good the model is for each group and each subject: an average hides whom it fails.

The family's metric, of the model alone, on the test cases of a slice. Slices are the groups of every axis, people of
whom nothing is known among them, and the subjects where the family has some: a ranking is of a person, so it has none.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from pipelines.base.vault import UNKNOWN
from pipelines.evaluate import bootstrap, metrics
from pipelines.fairness.suppression import Cell, suppress
from pipelines.models import Metric

SUBJECT: Final = "subject"
"""The axis whose slices are subjects."""
ACQUAINTANCE: Final = "acquaintance"
"""The axis that tells people of whom a model could learn from those it never saw."""
_REST: Final = ""
"""All slices of an axis without a figure; no group has this name."""


def judged(
    kind: Metric,
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    min_people: int,
    min_labels: int,
    resamples: int,
    seed: int,
    told_from: int,
) -> dict[str, Any]:
    """The part `slices` of metrics.json.

    Args:
        kind: The family's METRIC.
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`.
        groups: [n_people] person_id and one column an axis; none when the company has no group data.
        min_people: With an outcome, in a slice that gets a figure.
        min_labels: Cases of the rarer outcome, where an outcome is yes or no.
        resamples: Draws of people behind every interval.
        seed: Of the draws.
        told_from: People whose mean error may follow from what is told of all others.

    Returns:
        judged: axis, slice, n (cases), people, model (value, low, high) and is_told (whether to others than compliance:
        not where the mean of few people would follow) of each slice, ordered;
        too_few: axis -> slices with cases that are too few for a figure.
    """
    people = scored.select("person_id").unique().join(groups, on="person_id", how="left").sort("person_id")
    axes = [name for name in groups.columns if name != "person_id"]
    slices = [
        (axis, str(name), scored.filter(pl.col("person_id").is_in(of_it["person_id"].implode())))
        for axis in axes
        for (name,), of_it in people.with_columns(pl.col(axis).fill_null(UNKNOWN)).group_by(axis)
    ]
    if kind != "ranking":
        slices += [(SUBJECT, str(name), of_it) for (name,), of_it in scored.group_by("subject_id")]
    found = _figures(kind, slices, outcomes, min_people, min_labels, resamples, seed)
    return _marked(found, kind, told_from)


def by_acquaintance(
    kind: Metric,
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    min_people: int,
    min_labels: int,
    resamples: int,
    seed: int,
    told_from: int,
) -> dict[str, Any]:
    """The part `acquaintance` of metrics.json: people with a case before the test, and those never seen, apart.

    Told and not judged: of whom nothing is known there is less to say. Arguments and result are those of `judged`, on
    the axis `acquaintance`, with the slices `seen before` and `never seen`; a slice without people, or that is not to
    be told, is not there.
    """
    before = outcomes.join(scored.select(metrics.KEYS).unique(), on=list(metrics.KEYS), how="anti")["person_id"]
    is_seen = pl.col("person_id").is_in(before.unique().implode())
    parts = {"never seen": scored.filter(~is_seen), "seen before": scored.filter(is_seen)}
    slices = [(ACQUAINTANCE, name, rows) for name, rows in parts.items()]
    found = _marked(_figures(kind, slices, outcomes, min_people, min_labels, resamples, seed), kind, told_from)
    return {**found, "judged": [one for one in found["judged"] if one["is_told"]]}


def _figures(  # noqa: PLR0917
    kind: Metric,
    slices: Sequence[tuple[str, str, pl.DataFrame]],
    outcomes: pl.DataFrame,
    min_people: int,
    min_labels: int,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    too_few: Counter[str] = Counter()
    rest: Counter[str] = Counter()
    for axis, name, rows in sorted(slices, key=_place):
        mine = metrics.judged(kind, rows, outcomes)
        if not len(mine.person):
            continue
        enough = mine.person.n_unique() >= min_people and (kind != "auc" or _rarer(rows, outcomes) >= min_labels)
        model = _estimate(mine, resamples, seed) if enough else None
        if model is None or not math.isfinite(model.low):  # a draw without one of two outcomes has no figure
            too_few[axis] += 1
            rest[axis] += mine.person.n_unique()
            continue
        about = {"axis": axis, "slice": name, "n": len(mine.person), "people": mine.person.n_unique()}
        found.append({**about, "model": model.to_dict()})
    return {"judged": found, "too_few": dict(too_few), "rest": rest}


def _marked(found: Mapping[str, Any], kind: Metric, told_from: int) -> dict[str, Any]:
    """The figures with `is_told`.

    A mean of all less those of the groups told is that of the rest. An AUC is of pairs, also across groups: nothing is
    left of it. Subjects are told one by one, never all.
    """
    axes = {one["axis"] for one in found["judged"]} - {SUBJECT} if kind != "auc" else set()
    tables = {
        axis: {one["slice"]: Cell(one["people"]) for one in found["judged"] if one["axis"] == axis}
        | {_REST: Cell(found["rest"][axis])}
        for axis in axes
    }
    hidden = suppress(tables, told_from)
    judged = [{**one, "is_told": one["slice"] not in hidden.get(one["axis"], ())} for one in found["judged"]]
    return {"judged": judged, "too_few": found["too_few"]}


def _estimate(mine: metrics.Judged, resamples: int, seed: int) -> bootstrap.Estimate:
    people = mine.person.to_numpy()
    return bootstrap.estimates(mine.model, mine.model, people, resamples=resamples, seed=seed, sign=1.0)[0]


def _place(item: Sequence[Any]) -> tuple[str, str]:
    return item[0], item[1]


def _rarer(rows: pl.DataFrame, outcomes: pl.DataFrame) -> int:
    labels = outcomes.unique(subset=list(metrics.KEYS), keep="last").join(
        rows.select(metrics.KEYS).unique(), on=list(metrics.KEYS), how="semi"
    )["outcome"]
    return min(int((labels == 1).sum()), int((labels == 0).sum()))
