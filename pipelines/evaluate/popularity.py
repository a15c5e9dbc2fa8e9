"""Whether a recommender shows what is popular anyway: how its lists are spread over the courses, beside the baseline's.

Told and not judged: how much of the popular is too much is for who runs the catalogue to say. A model that shows what
many take makes it more popular still, and learns from that the next time; beside what people took of their own accord
before, and what they took next, a list shows by how much.
"""

import math
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.evaluate import bootstrap
from pipelines.evaluate.bootstrap import Numbers
from pipelines.models import Metric

SCORERS: Final = ("model", "baseline")
PARTS: Final = 10
_PAIR: Final = ("person_id", "subject_id")


def told(kind: Metric, scored: pl.DataFrame, outcomes: pl.DataFrame, *, resamples: int, seed: int) -> dict[str, Any]:
    """The part `popularity` of metrics.json.

    Args:
        kind: The family's METRIC; only a ranking shows people a list.
        scored: [n_scores] `Scored` of both scorers on the test cases, every course that is open to each.
        outcomes: [n_outcomes] `Outcomes`: those of pairs that were not scored are of before the test.
        resamples: Draws of the people asked about; the tenths stay those of before.
        seed: Of the draws.

    Returns:
        courses; before, next, model and baseline, each with shown (times), coverage (share of the courses taken or put
        forward at all) and gini (of times over courses, as `gini` says); deciles: for each tenth of the courses, the
        most taken before first, place (from 1), courses, the share of all times of before, next, model, baseline, and
        excess (of model and baseline: value, low, high), by how much the share of its lists is above that of next.
        Empty for other kinds and without courses. A share of no times is null.
    """
    if kind != "ranking":
        return {}
    names = pl.concat([scored["subject_id"], outcomes["subject_id"]]).unique().sort().to_list()
    taken = outcomes.filter(pl.col("outcome") == 1)
    asked = scored.select(_PAIR).unique()
    put_forward = scored.filter("is_selected")
    rows = {
        "before": taken.join(asked, on=_PAIR, how="anti"),
        "next": taken.join(asked, on=_PAIR, how="semi"),
        **{scorer: put_forward.filter(pl.col("scorer") == scorer) for scorer in SCORERS},
    }
    times = {name: _times(frame, names) for name, frame in rows.items()}
    if not names:
        return {}
    order = np.argsort(-times["before"], kind="stable")
    parts = [part for part in np.array_split(order, PARTS) if len(part)]
    tenth = {names[course]: place for place, part in enumerate(parts) for course in part}
    drawn = _drawn({name: rows[name] for name in ("next", *SCORERS)}, asked, tenth, resamples, seed)
    deciles = [
        {
            "place": place,
            "courses": len(part),
            **{name: _share(of[part], of) for name, of in times.items()},
            "excess": {
                name: bootstrap.estimate(drawn[name][:, place - 1] - drawn["next"][:, place - 1]).to_dict()
                for name in SCORERS
            },
        }
        for place, part in enumerate(parts, 1)
    ]
    whole = {
        name: {"shown": int(of.sum()), "coverage": float((of > 0).mean()), "gini": gini(of)}
        for name, of in times.items()
    }
    return {"courses": len(names), **whole, "deciles": deciles}


def gini(times: Numbers) -> float:
    """How unequally times are spread: 0 where every course has as many, near 1 where one has all.

    Args:
        times: [n_courses] not negative.

    Returns:
        In [0, 1 - 1 / n_courses]; NaN without any times.

    Source:
        Gini's mean difference over twice the mean.
    """
    total, count = float(times.sum()), len(times)
    if total <= 0:
        return math.nan
    places = 2 * np.arange(1, count + 1) - count - 1
    return float((places * np.sort(times)).sum() / (count * total))


def _drawn(
    rows: dict[str, pl.DataFrame], asked: pl.DataFrame, tenth: dict[str, int], resamples: int, seed: int
) -> dict[str, Numbers]:
    """[1 + resamples, n_tenths] shares of the times in each tenth: as they are, then under every draw of people."""
    people = asked["person_id"].unique().sort()
    place = pl.DataFrame({"person_id": people, "person": range(len(people))}, schema_overrides={"person": pl.Int64})
    weights = [np.ones((1, len(people))), *(bootstrap.weights(len(people), resamples, seed) if len(people) else ())]
    found = {}
    for name, frame in rows.items():
        counted = frame.join(place, on="person_id").with_columns(
            tenth=pl.col("subject_id").replace_strict(tenth, return_dtype=pl.Int64)
        )
        times = np.zeros((len(people), 1 + max(tenth.values())))
        np.add.at(times, (counted["person"].to_numpy(), counted["tenth"].to_numpy()), 1.0)
        sums = np.concatenate([drawn @ times for drawn in weights])
        total = sums.sum(axis=1, keepdims=True)
        found[name] = np.divide(sums, total, out=np.full(sums.shape, math.nan), where=total > 0)
    return found


def _times(rows: pl.DataFrame, names: list[str]) -> Numbers:
    counts = dict(rows.group_by("subject_id").len().iter_rows())
    return np.array([counts.get(name, 0) for name in names], np.float64)


def _share(part: Numbers, whole: Numbers) -> float:
    total = float(whole.sum())
    return float(part.sum()) / total if total else math.nan
