"""Is the model still as good as on release day? Scores given earlier, joined with the outcomes that arrived since.

Only outcomes that nobody knew when the score was given count. Intervals come from resampling people, not rows, since
the rows of one person belong together. With fewer labels than `min_labels` the figure is shown and not judged.

Reads   scores/scored (days before the newest), scores/outcomes, the release's metrics
Writes  reports/<family>/<as_of>/performance.json
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from monitoring import released, results, tables
from monitoring.results import Estimate, Performance, Status
from monitoring.settings import Monitor
from pipelines import models
from pipelines.base.store import Store
from pipelines.evaluate import bootstrap

KEYS: Final = ("person_id", "subject_id", "target_code")
"""What names a case."""


@dataclass(frozen=True, slots=True)
class Metric:
    """How a family is judged."""

    code: str
    label: str
    is_higher_better: bool


def run(store: Store, family: str, until: date | None, settings: Monitor) -> Performance:
    """Judge earlier scores by the outcomes known on the newest scoring day, write the report, return the result."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Performance(family=family, as_of=None, status="no_scores")
    earlier = [day for day in tables.days(store, tables.SCORED, family, as_of) if day < as_of]
    metric = metric_of(models.features(family).METRIC, settings.top_k)
    scored = tables.read(store, tables.SCORED, family, earlier)
    outcomes = tables.newest_outcomes(store, family, as_of)
    now = {
        scorer: measure(scored, outcomes, metric, scorer=scorer, until=as_of, settings=settings)
        for scorer in ("model", "baseline")
    }
    release = released.current(store, family)
    then = {scorer: at_release(release.verdict.get("metrics"), scorer) if release else None for scorer in now}
    estimate, labelled, total = now["model"]
    result = Performance(
        family=family,
        as_of=as_of,
        status=status_of(total, labelled, settings),
        release=release.id if release else None,
        metric=metric.label,
        is_higher_better=metric.is_higher_better,
        labelled=labelled,
        scored=total,
        model=estimate,
        baseline=now["baseline"][0],
        model_at_release=then["model"],
        baseline_at_release=then["baseline"],
        drop=drop(estimate, then["model"], is_higher_better=metric.is_higher_better),
    )
    results.save(store, result, family, as_of, "performance.json")
    return result


def measure(
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    metric: Metric,
    *,
    scorer: str,
    until: date,
    settings: Monitor,
) -> tuple[Estimate | None, int, int]:
    """One scorer's metric.

    Args:
        scored: [n_scores] `Scored` of earlier days.
        outcomes: [n_outcomes] `Outcomes`.
        metric: Which figure.
        scorer: `model` or `baseline`.
        until: The day judged.
        settings: Bounds and resampling.

    Returns:
        The estimate (None without a label), how many cases have a label, how many were scored. A ranking's cases
        are people.
    """
    if scored.is_empty():
        return None, 0, 0
    own = scored.filter(pl.col("scorer") == scorer)
    unit = ["person_id"] if metric.code == "ranking" else list(KEYS)
    total = own.select(unit).unique().height
    if outcomes.is_empty():
        return None, 0, total
    frame = hits(own, outcomes, until, settings.top_k) if metric.code == "ranking" else arrived(own, outcomes, until)
    if frame.is_empty():
        return None, 0, total
    under = weighted(metric, frame)
    people = frame["person_id"].to_numpy()
    found, *_ = bootstrap.estimates(under, under, people, resamples=settings.bootstrap, seed=settings.seed, sign=1)
    return Estimate(value=found.value, low=found.low, high=found.high), frame.select(unit).unique().height, total


def weighted(metric: Metric, frame: pl.DataFrame) -> bootstrap.Weighted:
    """The metric on labelled cases as a function of row weights."""
    if metric.code == "ranking":
        return bootstrap.mean(frame["hit"].to_numpy())
    outcome, score = frame["outcome"].to_numpy(), frame["score"].to_numpy()
    return bootstrap.auc(outcome, score) if metric.code == "auc" else bootstrap.mean(np.abs(outcome - score))


def status_of(scored: int, labelled: int, settings: Monitor) -> Status:
    """Whether there is enough to judge."""
    if not scored:
        return "no_earlier_scores"
    return "ok" if labelled >= settings.min_labels else "insufficient_labels"


def drop(now: Estimate | None, then: Estimate | None, *, is_higher_better: bool) -> float | None:
    """How much worse than at release, as a share of the figure at release; None when either is unknown."""
    if now is None or then is None or now.value is None or not then.value:
        return None
    worse = then.value - now.value if is_higher_better else now.value - then.value
    return worse / abs(then.value)


def at_release(metrics: Mapping[str, Any] | None, scorer: str) -> Estimate | None:
    """A scorer's figure in the metrics of the verdict that the release rests on."""
    found = (metrics or {}).get(scorer)
    if not found:
        return None
    return Estimate(value=found["value"], low=found.get("low"), high=found.get("high"))


def metric_of(code: str, top_k: int) -> Metric:
    """The metric behind a family's METRIC code.

    Args:
        code: `auc`, `ranking` or `mae`.
        top_k: Length of the list that a ranking is judged by.

    Raises:
        KeyError: The code is none of these.
    """
    return {
        "auc": Metric("auc", "AUC", True),
        "ranking": Metric("ranking", f"HR@{top_k}", True),
        "mae": Metric("mae", "MAE", False),
    }[code]


def arrived(scored: pl.DataFrame, outcomes: pl.DataFrame, until: date) -> pl.DataFrame:
    """Earlier scores, each with the first outcome that became known after it.

    Args:
        scored: [n_scores] `Scored`, one scorer. Of several scores of one case the latest before the outcome counts.
        outcomes: [n_outcomes] `Outcomes`.
        until: Outcomes known after this day are left out, and with them scores of this day or later.

    Returns:
        [n_cases] KEYS, score, as_of, outcome; one row a case whose outcome has arrived.
    """
    known = outcomes.filter(pl.col("known_at").dt.date() <= until).select(*KEYS, "outcome", "known_at")
    both = scored.join(known, on=list(KEYS), how="inner", nulls_equal=True)
    late = both.filter(pl.col("known_at").dt.date() > pl.col("as_of"), pl.col("outcome").is_not_null())
    ordered = late.sort("as_of", "known_at", descending=[True, False])
    return ordered.unique(KEYS, keep="first", maintain_order=True).select(*KEYS, "score", "as_of", "outcome").sort(KEYS)


def hits(scored: pl.DataFrame, outcomes: pl.DataFrame, until: date, top_k: int) -> pl.DataFrame:
    """Whether a person's list contained what the person took up next.

    Args:
        scored: [n_scores] `Scored` of one scorer, one row per person, item and as_of.
        outcomes: [n_outcomes] `Outcomes`; an outcome above 0 is something taken up.
        until: As in `arrived`.
        top_k: Length of the list. Equal scores share the middle of their places, as in `evaluate`.

    Returns:
        [n_people] person_id, hit (0 or 1): people who took something up after a list, by their latest list before it.
        What was not on the list at all is no hit.
    """
    lists = scored.with_columns(place=pl.col("score").rank("average", descending=True).over("person_id", "as_of"))
    taken = outcomes.filter(pl.col("outcome") > 0, pl.col("known_at").dt.date() <= until).drop("as_of", strict=False)
    dated = taken.join(lists.select("person_id", "as_of").unique(), on="person_id").filter(
        pl.col("known_at").dt.date() > pl.col("as_of")
    )
    newest = dated.filter(pl.col("as_of") == pl.col("as_of").max().over("person_id"))
    item = ["subject_id", "target_code"]
    following = newest.sort("occurred_at", *item).unique("person_id", keep="first", maintain_order=True)
    placed = following.join(
        lists.select("person_id", *item, "as_of", "place"),
        on=["person_id", *item, "as_of"],
        how="left",
        nulls_equal=True,
    )
    hit = (pl.col("place") <= top_k).fill_null(value=False).cast(pl.Float64)
    return placed.select("person_id", hit=hit).sort("person_id")
