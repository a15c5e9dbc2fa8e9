"""What each kind of family is judged by: `auc`, `ranking` or `mae`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.evaluate import bootstrap
from pipelines.evaluate.bootstrap import UNKNOWN, Estimate, Numbers, Weighted
from pipelines.models import Metric

KEYS: Final = ("person_id", "subject_id", "target_code")
ROC: Final = {"false_positive_share": pl.Float64(), "model": pl.Float64(), "baseline": pl.Float64()}
CALIBRATION: Final = {"score": pl.Float64(), "outcome": pl.Float64(), "cases": pl.Float64()}
_TOP = 10
_BINS = 10
Share = Literal["precision", "recall"]
LOW: Final = 0.25
"""Share of the outcomes that an early warning should have named: the lowest, with all that equal them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One test case and how both scorers did on it."""

    name: str
    higher_is_better: bool
    person: pl.Series
    """[n_cases]"""
    model: Weighted
    baseline: Weighted
    chance: float
    """What somebody who knows nothing of the case would reach."""
    also: Mapping[str, tuple[float, float]]
    """Further metrics: model's and baseline's value."""

    def estimates(self, *, resamples: int, seed: int) -> tuple[Estimate, Estimate, Estimate]:
        """As `bootstrap.estimates`, more always being better in the difference; all unknown without a case."""
        if self.person.is_empty():
            return UNKNOWN, UNKNOWN, UNKNOWN
        sign = 1.0 if self.higher_is_better else -1.0
        return bootstrap.estimates(
            self.model, self.baseline, self.person.to_numpy(), resamples=resamples, seed=seed, sign=sign
        )


def judged(kind: Metric, scored: pl.DataFrame, outcomes: pl.DataFrame) -> Judged:
    """Pair scores with outcomes.

    Args:
        kind: The family's METRIC.
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`, of other cases too.
    """
    wide = paired(scored)
    if kind == "ranking":
        return _ranking(wide, outcomes)
    known = outcomes.select(*KEYS, "outcome").unique(subset=list(KEYS), keep="last", maintain_order=True)
    cases = wide.join(known, on=list(KEYS)).sort(KEYS)
    y, model, baseline = (cases[name].to_numpy().astype(np.float64) for name in ("outcome", "model", "baseline"))
    if kind == "auc":
        brier = (_mean((model - y) ** 2), _mean((baseline - y) ** 2))
        ours, theirs = bootstrap.auc(y, model), bootstrap.auc(y, baseline)
        errors = (_error(y, model), _error(y, baseline))
        also = {"brier": brier, "calibration_error": errors}
        return Judged("auc", True, cases["person_id"], ours, theirs, 0.5, also)
    seen = outcomes.join(cases.select(KEYS), on=list(KEYS), how="anti")["outcome"]
    typical = float(np.median(seen.to_numpy())) if len(seen) else float("nan")
    rmse = (_mean((model - y) ** 2) ** 0.5, _mean((baseline - y) ** 2) ** 0.5)
    chance = _mean(np.abs(y - typical))
    ours, theirs = bootstrap.mean(np.abs(model - y)), bootstrap.mean(np.abs(baseline - y))
    return Judged("mae", False, cases["person_id"], ours, theirs, chance, {"rmse": rmse})


def warnings(
    scored: pl.DataFrame, outcomes: pl.DataFrame, capacity: float, least: int
) -> dict[str, tuple[float, float]]:
    """What the early warnings of the daily file are worth; model's and baseline's.

    Args:
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`; occurred_at is the moment of prediction.
        capacity: As for `warned`.
        least: As for `is_told`.

    Returns:
        warned_precision and warned_recall as `warned` says, warned_days_ahead (median until the outcome is known, of
        those warned of); all NaN where `is_told` says no, empty without cases.
    """
    cases = flagged(scored, outcomes)
    if cases.is_empty():
        return {}
    y, *scores, is_flagged = (cases[name].to_numpy() for name in ("outcome", "model", "baseline", "is_flagged"))
    names = ("warned_precision", "warned_recall", "warned_days_ahead")
    if not is_told(cases, capacity, least):
        return dict.fromkeys(names, (math.nan, math.nan))
    once = np.ones((1, len(y)))
    told = {
        f"warned_{share}": [float(warned(y, score, is_flagged, capacity, share)(once)[0]) for score in scores]
        for share in ("precision", "recall")
    }
    told["warned_days_ahead"] = [_median(days_ahead(cases, score, is_flagged, capacity)) for score in scores]
    return {name: (told[name][0], told[name][1]) for name in names}


def flagged(scored: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """[n_cases] KEYS, model, baseline, outcome, occurred_at, known_at and `is_flagged`: an outcome that became known.

    Flagged is what the model's rule does not select, as it stands in the daily file: `is_selected` of `Scored`, which
    `score` gives by one function every day and here. A score that is no number is the lowest.
    """
    known = outcomes.unique(subset=list(KEYS), keep="last", maintain_order=True).drop_nulls(["known_at", "outcome"])
    ours = scored.filter(scorer="model").select(*KEYS, is_flagged=~pl.col("is_selected"))
    cases = paired(scored).join(known, on=list(KEYS)).join(ours, on=list(KEYS)).sort(KEYS)
    columns = (*KEYS, "outcome", "model", "baseline", "occurred_at", "known_at", "is_flagged")
    return cases.select(columns).with_columns(pl.col("model", "baseline").cast(pl.Float64).fill_nan(-math.inf))


def days_ahead(cases: pl.DataFrame, score: Numbers, is_flagged: npt.NDArray[np.bool_], capacity: float) -> Numbers:
    """[n_warned] days from the warning until the outcome was known, of `is_warned`."""
    days = (cases["known_at"] - cases["occurred_at"]).dt.total_seconds().to_numpy() / 86_400
    found: Numbers = days[is_warned(score, is_flagged, capacity)]
    return found


def is_warned(score: Numbers, is_flagged: npt.NDArray[np.bool_], capacity: float) -> npt.NDArray[np.bool_]:
    """[n_cases] whether each is warned of, as for `warned`; all that equal the last one warned of are."""
    places = int(_places(np.ones((1, len(score))), is_flagged, capacity)[0])
    return np.asarray(score <= np.sort(score)[places - 1]) if places else np.zeros(len(score), np.bool_)


def is_told(cases: pl.DataFrame, capacity: float, least: int) -> bool:
    """Whether figures of those warned of tell of no few people, nor, by what is left of all, of few others.

    Args:
        cases: [n_cases] of `flagged`.
        capacity: As for `warned`.
        least: People of whom figures may tell.

    Returns:
        True where by either scorer at least so many people are warned of, however many their cases, and as many or
        nobody not; and where nobody is flagged, of whom nothing is told.
    """
    is_flagged = cases["is_flagged"].to_numpy()
    warned_of = [is_warned(cases[scorer].to_numpy(), is_flagged, capacity) for scorer in ("model", "baseline")]
    people = [[cases.filter(part)["person_id"].n_unique() for part in (each, ~each)] for each in warned_of]
    return not is_flagged.any() or all(of >= least and (not left or left >= least) for of, left in people)


def graded(foreseen: pl.DataFrame, least: int) -> dict[str, dict[str, float]]:
    """How well the score at the end is foreseen, of the cases that came to one.

    Args:
        foreseen: [n_cases x scorers] person_id, scorer, grade, low, high, ended (null where there was none).
        least: People; of fewer nothing is told.

    Returns:
        grade_mae and grade_within_share (share of the cases inside their interval), each model's and baseline's; empty
        where too few cases came to a score.
    """
    known = foreseen.drop_nulls("ended")
    known = known if known["person_id"].n_unique() >= least else known.clear()
    error, is_within = (pl.col("grade") - pl.col("ended")).abs(), pl.col("ended").is_between("low", "high")
    told = known.group_by("scorer").agg(grade_mae=error.mean(), grade_within_share=is_within.mean())
    by = {row["scorer"]: row for row in told.to_dicts()}
    names = ("grade_mae", "grade_within_share") if by else ()
    return {name: {scorer: by[scorer][name] for scorer in sorted(by)} for name in names}


def warned(
    outcome: Numbers, score: Numbers, is_flagged: npt.NDArray[np.bool_], capacity: float, share: Share = "precision"
) -> Weighted:
    """How right the warnings are that managers can act on, and how many low outcomes they name.

    Args:
        outcome: [n_cases] at least one.
        score: [n_cases] the prediction, of the model or of the baseline.
        is_flagged: [n_cases] whom the model's rule warns of: those whom it predicts lowest.
        capacity: Share of the cases that managers can act on.
        share: `precision`, of those warned of how many came out low; `recall`, of those how many were warned of.

    Returns:
        In [0, 1], NaN where there is nobody to count. As many are warned of as are flagged, at most `capacity` of the
        cases (one at least), the lowest first: of the baseline as many, so that both are asked for the same. Of equal
        predictions that do not all fit each counts in part. By chance the precision is the share of outcomes that are
        low, `LOW`, or more where many are equal.
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, score[order][1:] != score[order][:-1]])

    def under(weights: Numbers) -> Numbers:
        came_low = is_low(outcome, weights)
        drawn = weights[:, order]
        places = _places(weights, is_flagged, capacity)
        size = np.add.reduceat(drawn, starts, axis=1)
        low = np.add.reduceat(drawn * came_low[:, order], starts, axis=1)
        room = np.clip(places[:, None] - (np.cumsum(size, axis=1) - size), 0, size)
        right = (np.divide(low, size, out=np.zeros(size.shape), where=size > 0) * room).sum(axis=1)
        whole = places if share == "precision" else (weights * came_low).sum(axis=1)
        found: Numbers = np.divide(right, whole, out=np.full(len(weights), np.nan), where=whole > 0)
        return found

    return under


def _places(weights: Numbers, is_flagged: npt.NDArray[np.bool_], capacity: float) -> Numbers:
    """[n_draws] how many are warned of."""
    most = np.maximum(1, np.round(capacity * weights.sum(axis=1)))
    return np.asarray(np.minimum(weights @ is_flagged.astype(np.float64), most))


def is_low(outcome: Numbers, weights: Numbers) -> npt.NDArray[np.bool_]:
    """[n_draws, n_cases] whether each is among the lowest, `LOW` of all cases drawn, or equals the highest of these."""
    order = np.argsort(outcome, kind="stable")
    drawn = np.cumsum(weights[:, order], axis=1)
    edge = outcome[order][np.argmax(drawn >= LOW * drawn[:, -1:], axis=1)]
    return np.asarray(outcome <= edge[:, None])


def paired(scored: pl.DataFrame) -> pl.DataFrame:
    """[n_cases] KEYS, model, baseline: the scores side by side, cases that both scored."""
    ours = scored.filter(pl.col("scorer") == "model").select(*KEYS, pl.col("score").alias("model"))
    theirs = scored.filter(pl.col("scorer") == "baseline").select(*KEYS, pl.col("score").alias("baseline"))
    return ours.join(theirs, on=list(KEYS)).sort(KEYS)


def roc(outcome: Numbers, scores: Mapping[str, Numbers], points: int) -> list[dict[str, float]]:
    """ROC curves on one grid.

    Args:
        outcome: [n_cases] 0 or 1.
        scores: Scorer -> [n_cases].
        points: Steps of the grid.

    Returns:
        [points + 1] false_positive_share, evenly spaced, and each scorer's true positive share there; empty when only
        one outcome occurs.
    """
    if not 0 < outcome.sum() < len(outcome):
        return []
    grid = np.linspace(0, 1, points + 1)
    curves = {"false_positive_share": grid, **{name: _true_share(outcome, s, grid) for name, s in scores.items()}}
    return [{name: float(values[place]) for name, values in curves.items()} for place in range(len(grid))]


def calibration(outcome: Numbers, score: Numbers, bins: int) -> list[dict[str, float]]:
    """[bins] mean score, mean outcome and size, cases in bins of equal size by score."""
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    return [
        {"score": float(score[part].mean()), "outcome": float(outcome[part].mean()), "cases": float(len(part))}
        for part in parts
        if len(part)
    ]


def calibration_errors(outcomes: Numbers, score: Numbers, bins: int) -> Numbers:
    """[n_draws] expected calibration error: mean distance of chance and what came true, over bins of equal width.

    Args:
        outcomes: [n_draws, n_cases] 0 or 1.
        score: [n_cases] in [0, 1].
        bins: Number of them; each counts by its cases.

    Source:
        Guo et al. 2017.
    """
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    is_there = (place[:, None] == np.arange(bins)).astype(np.float64)
    errors: Numbers = np.abs((outcomes - score) @ is_there).sum(axis=1) / len(score)
    return errors


def _true_share(outcome: Numbers, score: Numbers, grid: Numbers) -> Numbers:
    """True positive share where the false positive share is `grid`; cases of equal score enter together."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    true, false = (np.r_[0, np.cumsum(part)[last]] for part in (outcome[order], 1 - outcome[order]))
    share: Numbers = np.interp(grid, false / false[-1], true / true[-1])
    return share


def rank_of(wide: pl.DataFrame, outcomes: pl.DataFrame, scorer: str) -> pl.DataFrame:
    """Where the target that came true stood among each person's candidates.

    Args:
        wide: [n_cases] as `paired` gives.
        outcomes: [n_outcomes] those with outcome 1 are looked for.
        scorer: Column of `wide`.

    Returns:
        [n_people] person_id, rank (1 is best; ties take the middle; infinite when what came true was no candidate, as
        with a course that training never saw, or had a score that is no number), candidates.
    """
    ranked = wide.with_columns(rank=pl.col(scorer).fill_nan(None).rank("average", descending=True).over("person_id"))
    came_true = outcomes.filter(pl.col("outcome") == 1).select(KEYS).unique()
    best = ranked.join(came_true, on=list(KEYS), how="semi").group_by("person_id").agg(pl.col("rank").min())
    people = wide.group_by("person_id").agg(candidates=pl.len())
    return (
        people.join(best, on="person_id", how="left").with_columns(pl.col("rank").fill_null(math.inf)).sort("person_id")
    )


def _ranking(wide: pl.DataFrame, outcomes: pl.DataFrame) -> Judged:
    """HR@10 decides, NDCG@10 is shown beside it."""
    both = [rank_of(wide, outcomes, scorer) for scorer in ("model", "baseline")]
    hits = [(frame["rank"].to_numpy() <= _TOP).astype(np.float64) for frame in both]
    gains = [_mean(_gain(frame["rank"].to_numpy().astype(np.float64))) for frame in both]
    candidates = both[0]["candidates"].to_numpy().astype(np.float64)
    chance = _mean(np.minimum(_TOP, candidates) / candidates) if len(candidates) else float("nan")
    ours, theirs = bootstrap.mean(hits[0]), bootstrap.mean(hits[1])
    also = {"ndcg_at_10": (gains[0], gains[1])}
    return Judged("hr_at_10", True, both[0]["person_id"], ours, theirs, chance, also)


def _gain(rank: Numbers) -> Numbers:
    """1 / log2(1 + rank) within the first ten, else 0."""
    return np.where(rank <= _TOP, 1 / np.log2(1 + rank), 0.0)


def _error(outcome: Numbers, score: Numbers) -> float:
    """Calibration error in `_BINS`; NaN without cases, or where a score is none."""
    if not len(score) or not np.isfinite(score).all():
        return math.nan
    return float(calibration_errors(outcome[None], score, _BINS)[0])


def _median(values: Numbers) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
