"""How good is the model on people whose outcome nobody knows yet? What its own chances and intervals promise.

A calibrated chance says how often it will be wrong: of people with a chance of .8 one in five will not advance. So the
figure that the labels will show follows from the scores alone, with a band from drawing their outcomes
(confidence-based performance estimation). For a number it follows from the width of its interval: where errors are
normal the mean absolute error is .62 of the half width of an 80% interval, and .62 too where they are Laplace's.

It holds as long as the chances are calibrated: a world that changed its mind shows in no score. So the promise for
cases whose outcome has arrived since is held against what was found, over all and by group; where the truth lies
outside, no estimate is to be believed. Which course comes next has no chance: recommendation is not estimated.

Reads   scores/scored, scores/outcomes, the release's card, the vault's protected attributes
Writes  reports/<family>/<as_of>/estimated.json
"""

from collections.abc import Iterator
from datetime import date
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from monitoring import performance, released, results, tables
from monitoring.performance import KEYS, Metric
from monitoring.results import Estimate, Estimated, EstimatedGroup
from monitoring.settings import Monitor
from pipelines import models
from pipelines.base import releases
from pipelines.base.lake import Lake
from pipelines.base.settings import load
from pipelines.base.store import Store
from pipelines.evaluate import bootstrap
from pipelines.evaluate import groups as evaluated
from pipelines.fairness import UNKNOWN
from pipelines.fairness.suppression import Cell, suppress
from pipelines.gate import GateSettings

EVERYBODY: Final = "everybody"
Numbers = npt.NDArray[np.float64]
_CELLS: Final = 4_000_000
"""Draws times cases held at a time: 32 MB a column of numbers."""
_MOST: Final = 50_000_000
"""Draws times cases altogether: a million cases are drawn a hundred times, whose band is narrow anyway."""


def run(store: Store, family: str, until: date | None, settings: Monitor) -> Estimated:
    """Estimate on the newest scoring day, hold earlier promises against outcomes, write the report, return it."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Estimated(family=family, as_of=None, status="no_scores")
    release = released.current(store, family)
    metric = performance.metric_of(models.features(family).METRIC, settings.top_k)
    coverage = coverage_of(release.files.get(releases.CARD) if release else None)
    about: dict[str, Any] = {"family": family, "as_of": as_of, "release": release.id if release else None}
    about |= {"metric": metric.label}
    if metric.code == "ranking" or (metric.code == "mae" and coverage is None):
        result = Estimated(status="not_estimable", **about)
    else:
        every = tables.days(store, tables.SCORED, family, as_of)
        scored = tables.read(store, tables.SCORED, family, every)
        outcomes = tables.newest_outcomes(store, family, as_of)
        lake = Lake(store)
        groups = evaluated.read(lake, lake.require(), as_of)
        least = load(GateSettings, "gate").min_group_size
        both = cases(scored, outcomes, as_of)
        rows = by_group(*both, groups, metric, coverage=coverage or 0.0, settings=settings, least=least)
        result = Estimated(status="ok", groups=tuple(rows), **about)
    results.save(store, result, family, as_of, "estimated.json")
    return result


def coverage_of(card: dict[str, Any] | None) -> float | None:
    """The share of outcomes that a release's intervals are to hold, from its card; None where it states none."""
    stated = (((card or {}).get("params") or {}).get("train") or {}).get("coverage")
    return float(stated) if isinstance(stated, int | float) and 0 < stated < 1 else None


def cases(scored: pl.DataFrame, outcomes: pl.DataFrame, until: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The open cases, and those whose outcome arrived after their score.

    Args:
        scored: [n_scores] `Scored` of all days up to `until`.
        outcomes: [n_outcomes] `Outcomes`; may be without rows and columns.
        until: Outcomes known later are not known.

    Returns:
        [n_open] and [n_arrived] KEYS, score, low, high; the second with `outcome`. Open are the cases of the newest
        scoring of which no outcome is known.
    """
    key, columns = list(KEYS), [*KEYS, "score", "low", "high"]
    own = scored.filter(pl.col("scorer") == "model")
    newest = own.filter(pl.col("as_of") == pl.col("as_of").max())
    if outcomes.is_empty():
        return newest.select(columns), own.head(0).select(columns).with_columns(outcome=pl.lit(0.0))
    known = outcomes.filter(pl.col("known_at").dt.date() <= until, pl.col("outcome").is_not_null()).select(key)
    still = newest.join(known.unique(), on=key, how="anti", nulls_equal=True)
    arrived = performance.arrived(own.filter(pl.col("as_of") < until), outcomes, until).drop("score")
    told = arrived.join(own, on=[*key, "as_of"], how="left", nulls_equal=True, maintain_order="left")
    return still.select(columns), told.select(*columns, "outcome")


def by_group(
    still: pl.DataFrame,
    arrived: pl.DataFrame,
    groups: pl.DataFrame,
    metric: Metric,
    *,
    coverage: float,
    settings: Monitor,
    least: int,
) -> Iterator[EstimatedGroup]:
    """Everybody first, then the groups in order.

    Args:
        still: [n_open] as `cases` gives.
        arrived: [n_arrived] as `cases` gives.
        groups: [n_people] person_id and one column an axis.
        metric: `auc` or `mae`.
        coverage: Share of outcomes in an interval; of a number only.
        settings: Resampling, and the labels below which nothing is held against the truth.
        least: People; of smaller groups no number is told, nor of those that would give them away.
    """

    def row(axis: str, group: str, ahead: pl.DataFrame | None, since: pl.DataFrame | None) -> EstimatedGroup:
        about = EstimatedGroup(axis=axis, group=group)
        if ahead is not None and ahead["person_id"].n_unique() >= (1 if axis else least):
            ours = estimate(ahead, metric, coverage, settings)
            about = about.model_copy(update={"open": ahead.height, "estimated": ours})
        if since is not None and since.height >= settings.min_labels:
            promised, found = estimate(since, metric, coverage, settings), truth(since, metric)
            held = {"promised": promised, "found": found, "is_within": is_within(promised, found)}
            about = about.model_copy(update={"labelled": since.height, **held})
        return about

    yield row("", EVERYBODY, still, arrived)
    axes = [name for name in groups.columns if name != "person_id"]
    ahead, since = ({axis: _parts(frame, groups, axis) for axis in axes} for frame in (still, arrived))
    told = [_told(parts, least) for parts in (ahead, since)]
    for axis in axes:
        for group in sorted(ahead[axis].keys() | since[axis].keys()):
            yield row(axis, group, told[0][axis].get(group), told[1][axis].get(group))


def estimate(frame: pl.DataFrame, metric: Metric, coverage: float, settings: Monitor) -> Estimate:
    """The metric that these cases' own scores promise, with the band that holds 95% of what may be found.

    Args:
        frame: [n_cases] person_id, score; for `mae` low and high too.
        metric: `auc` (scores are chances) or `mae`.
        coverage: Share of outcomes that the intervals hold.
        settings: Draws and seed.

    Returns:
        None for the band where a draw has only one kind of outcome; None for the value too where all are sure.
    """
    random = np.random.default_rng(settings.seed)
    score = frame["score"].to_numpy().astype(np.float64)
    sigma = spread(frame, coverage) if metric.code == "mae" else np.zeros(0)
    if metric.code == "auc":
        score = np.sort(score)
    drawn = []
    resamples = min(settings.bootstrap, max(100, _MOST // len(score)))
    # The truth is found on these very people, so that outcomes are drawn and people are not.
    for few in np.array_split(np.arange(resamples), min(resamples, -(-resamples * len(score) // _CELLS))):
        shape = (len(few), len(score))
        if metric.code == "mae":
            drawn.append(np.abs(random.standard_normal(shape) * sigma).mean(axis=1))
        else:
            drawn.append(_auc(score, random.random(shape) < score, np.ones(shape)))
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
    value = expected_auc(score) if metric.code == "auc" else float(sigma.mean() * np.sqrt(2 / np.pi))
    return Estimate(value=value, low=float(low), high=float(high))


def expected_auc(chance: Numbers) -> float:
    """The share of pairs of a yes and a no in the right order, where each case is a yes by its own chance.

    Args:
        chance: [n_cases] in [0, 1].

    Returns:
        In [0, 1], ties half; a case makes no pair with itself. NaN where no pair of two outcomes can be.
    """
    both = float((chance * (1 - chance)).sum())
    pairs = float(chance.sum() * (1 - chance).sum())
    if pairs - both <= 1e-12:
        return float("nan")
    area = float(bootstrap.auc(chance, chance)(np.ones((1, len(chance))))[0])
    return (area * pairs - both / 2) / (pairs - both)


def spread(frame: pl.DataFrame, coverage: float) -> Numbers:
    """[n_cases] the standard deviation of the error that makes the interval hold `coverage` of outcomes."""
    half = (frame["high"] - frame["low"]).to_numpy().astype(np.float64) / 2
    return np.asarray(half / NormalDist().inv_cdf((1 + coverage) / 2), np.float64)


def truth(frame: pl.DataFrame, metric: Metric) -> float | None:
    """The metric on cases with `outcome`; None where there is only one kind of outcome."""
    weight = np.ones((1, len(frame)))
    found = float(performance.weighted(metric, frame)(weight)[0])
    return None if np.isnan(found) else found


def is_within(promised: Estimate, found: float | None) -> bool | None:
    """Whether the truth lies in its band; None when either is unknown."""
    if found is None or promised.low is None or promised.high is None:
        return None
    return promised.low <= found <= promised.high


def _auc(score: Numbers, is_yes: npt.NDArray[np.bool_], weight: Numbers) -> Numbers:
    """[n_draws] AUC where every draw has outcomes of its own; `score` is [n_cases], ascending."""
    starts = np.flatnonzero(np.r_[True, np.diff(score) != 0])
    up = np.add.reduceat(weight * is_yes, starts, axis=1)
    down = np.add.reduceat(weight * ~is_yes, starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    pairs = up.sum(axis=1) * down.sum(axis=1)
    unknown = np.full(len(weight), np.nan)
    area: Numbers = np.divide((up * below).sum(axis=1), pairs, out=unknown, where=pairs > 0)
    return area


def _parts(frame: pl.DataFrame, groups: pl.DataFrame, axis: str) -> dict[str, pl.DataFrame]:
    joined = frame.join(groups.select("person_id", axis), on="person_id", how="left", maintain_order="left")
    named = joined.with_columns(pl.col(axis).cast(pl.String).fill_null(UNKNOWN))
    return {str(name): rows for (name,), rows in named.partition_by(axis, as_dict=True).items()}


def _told(parts: dict[str, dict[str, pl.DataFrame]], least: int) -> dict[str, dict[str, pl.DataFrame]]:
    """Groups of each axis but the small ones and those that would give them away."""
    cells = {
        axis: {name: Cell(rows["person_id"].n_unique()) for name, rows in of.items()} for axis, of in parts.items()
    }
    hidden = suppress(cells, least)
    return {axis: {name: rows for name, rows in of.items() if name not in hidden[axis]} for axis, of in parts.items()}
