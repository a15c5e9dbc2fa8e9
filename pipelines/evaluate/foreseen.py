"""What else is foreseen, beside what a family is judged by, with intervals: who will come out low, and with what score.

Told and not judged. An early warning is worth what a manager can do with it: how many of those warned of come out low,
beside how many of all do, how many of these are named, and how long before it is known. Warned of is who is flagged in
the daily file, of more than managers can act on the lowest. A score at the end is foreseen for who comes to one.
"""

import math
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.evaluate import bootstrap
from pipelines.evaluate.bootstrap import UNKNOWN, Estimate
from pipelines.evaluate.metrics import KEYS, LOW, Share, days_ahead, flagged, is_low, is_told, warned

_QUARTERS: Final = (0.5, 0.25, 0.75)


def warnings(
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    capacity: float,
    min_people: int,
    told_from: int,
    resamples: int,
    seed: int,
) -> dict[str, Any] | None:
    """The part `warnings` of metrics.json.

    Args:
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`; occurred_at is the moment of prediction.
        capacity: Share of the cases that managers can act on.
        min_people: With fewer nothing is told.
        told_from: People; where fewer are warned of, nothing is told of these.
        resamples: Draws of people.
        seed: Of the draws.

    Returns:
        n, people, capacity, flagged (share that the daily file warns of; NaN where it is of few people), low (share of
        outcomes that should have been named), chance (precision of a warning at random), precision and recall
        (`metrics.warned`: model, baseline and difference, each value, low, high; above zero the model is better) and
        days_ahead (median, and the quarters of those warned of around it: low, high; NaN where nobody was). The last
        three are NaN where `metrics.is_told` says no. None without enough people.
    """
    cases = flagged(scored, outcomes)
    if cases["person_id"].n_unique() < max(min_people, 1):
        return None
    may_tell = is_told(cases, capacity, told_from)
    y, model, baseline = (cases[name].to_numpy().astype(np.float64) for name in ("outcome", "model", "baseline"))
    person, is_flagged = cases["person_id"].to_numpy(), cases["is_flagged"].to_numpy()

    def drawn(share: Share) -> dict[str, dict[str, float]]:
        if not may_tell:
            return _three((UNKNOWN, UNKNOWN, UNKNOWN))
        ours, theirs = (warned(y, score, is_flagged, capacity, share) for score in (model, baseline))
        return _three(bootstrap.estimates(ours, theirs, person, resamples=resamples, seed=seed, sign=1.0))

    ahead = days_ahead(cases, model, is_flagged, capacity)
    middle, low, high = np.quantile(ahead, _QUARTERS).tolist() if len(ahead) and may_tell else [math.nan] * 3
    is_few = 0 < cases.filter("is_flagged")["person_id"].n_unique() < told_from
    return {
        **_about(cases),
        "capacity": capacity,
        "flagged": math.nan if is_few else float(is_flagged.mean()),
        "low": LOW,
        "chance": float(is_low(y, np.ones((1, len(y)))).mean()),
        "precision": drawn("precision"),
        "recall": drawn("recall"),
        "days_ahead": {"median": middle, "low": low, "high": high},
    }


def grades(frame: pl.DataFrame, *, min_people: int, resamples: int, seed: int) -> dict[str, Any] | None:
    """The part `grades` of metrics.json.

    Args:
        frame: [n_cases x scorers] KEYS, scorer, grade, low, high, ended in [0, 1] (null where there was none).
        min_people: With fewer who came to a score nothing is told.
        resamples: Draws of people.
        seed: Of the draws.

    Returns:
        n, people, error (mean distance of grade and score) and within (share of cases inside their interval), each
        with model, baseline and difference; a positive difference: the model is better. None without enough people.
    """
    known = frame.drop_nulls("ended").with_columns(
        error=(pl.col("grade") - pl.col("ended")).abs(),
        within=pl.col("ended").is_between("low", "high").cast(pl.Float64),
    )
    both = [known.filter(scorer=scorer).select(*KEYS, "error", "within") for scorer in ("model", "baseline")]
    cases = both[0].join(both[1], on=list(KEYS), suffix="_baseline").sort(KEYS)
    if cases["person_id"].n_unique() < max(min_people, 1):
        return None
    person, told = cases["person_id"].to_numpy(), {}
    for name, sign in (("error", -1.0), ("within", 1.0)):
        ours, theirs = (bootstrap.mean(cases[column].to_numpy()) for column in (name, f"{name}_baseline"))
        told[name] = _three(bootstrap.estimates(ours, theirs, person, resamples=resamples, seed=seed, sign=sign))
    return {**_about(cases), **told}


def _about(cases: pl.DataFrame) -> dict[str, int]:
    return {"n": len(cases), "people": cases["person_id"].n_unique()}


def _three(found: tuple[Estimate, Estimate, Estimate]) -> dict[str, dict[str, float]]:
    return {name: one.to_dict() for name, one in zip(("model", "baseline", "difference"), found, strict=True)}
