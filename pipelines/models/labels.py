"""What the labels are worth, before anything learns from them: how they are spread, what cannot be, who gave them.

A harsh reviewer is not a weak worker. Ratings are split into a level of each person, a severity of each rater and the
rest; severity is shrunken towards zero by as much as the data say that raters differ, levels are not: a person is held
against that same person only, or a site of weaker people would be one of harsh raters (people fixed, raters random,
variances by expectation-maximisation; the many-facet view of Linacre 1989 on a continuous scale). A rater is
called harsh or lenient only where that is beyond chance among as many raters, and enough of the people rated were rated
by somebody else too: of a rater who alone rates a team nobody can tell severity from the team.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

KEYS: Final = ("person_id", "subject_id", "target_code")
SEVERITY: Final = "severity.parquet"
"""Of `to_take_off`, in a family's prepared folder."""
LINKED: Final = 5
"""People whom a rater must share with others before severity is told from the people."""
MOST: Final = 1000
"""Raters that are looked at, those with the most ratings: their effects are solved for together."""
_ROUNDS: Final = 200
_STILL: Final = 1e-6
_FLOOR: Final = 1e-9
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Severities:
    """How raters differ from each other."""

    raters: pl.DataFrame
    """[n_raters] rater_id, ratings, linked (people whom others rated too), severity (beside the middling rater; below 0
    is harsh, in the outcome's unit), low, high (95%), word (`harsh`, `lenient`, `alike`, `cannot tell`)."""
    spread: float
    """Standard deviation of severity among raters."""
    noise: float
    """That of a rating once person and rater are known."""


def audit(labels: pl.DataFrame, given: pl.DataFrame | None, least: int) -> tuple[dict[str, Any], pl.DataFrame | None]:
    """What is known of a family's labels.

    Args:
        labels: [n_cases] KEYS, occurred_at (the moment of prediction), known_at, outcome in [0, 1]; `job_family_code`
            where the family knows one.
        given: [n_ratings] KEYS and rater_id; None where the family does not know who gave a label.
        least: People; of a smaller part of the labels nothing is told.

    Returns:
        Counts and shares for the card, no one's id; and the raters as `Severities.raters`, or None.
    """
    lag = (labels["known_at"] - labels["occurred_at"]).dt.total_seconds() / 86_400
    outcome = labels["outcome"]
    lower, upper = lag.quantile(0.25) or 0.0, lag.quantile(0.75) or 0.0
    cells = labels.group_by(KEYS).agg(pl.len().alias("rows"), pl.col("outcome").n_unique().alias("values"))
    repeated = cells.filter(pl.col("rows") > 1)
    parts = {"half_year": _half_year()}
    if "job_family_code" in labels.columns:
        parts["job_family"] = pl.col("job_family_code").fill_null("unknown")
    told: dict[str, Any] = {
        "cases": labels.height,
        "impossible": int((~outcome.is_between(0, 1) | outcome.is_nan()).fill_null(value=True).sum()),
        "duplicates": int((repeated["rows"] - 1).sum()),
        "contradictory": int((repeated["values"] > 1).sum()),
        "known_before_asked": int((lag < 0).sum()),
        "late": int((lag > upper + 3 * (upper - lower)).sum()) if upper > lower else 0,
        "commonest_share": max(outcome.value_counts()["count"].to_list()) / labels.height,
        "spread": {name: _spread(labels, part, least) for name, part in parts.items()},
        "raters": None,
    }
    if given is None:
        return told, None
    rated = labels.join(_of_one(given), on=list(KEYS), how="inner")
    found = severities(rated)
    if found is None:
        return told, None
    words = dict(found.raters["word"].value_counts().rows())
    told["raters"] = {
        "known_of": rated.height,
        "raters": found.raters.height,
        **{name.replace(" ", "_"): int(words.get(name, 0)) for name in ("harsh", "lenient", "alike", "cannot tell")},
        "always_the_same": _same(rated),
        "severity_spread": found.spread,
        "noise": found.noise,
        "agreement": agreement(rated),
    }
    return told, found.raters


def severities(rated: pl.DataFrame) -> Severities | None:
    """How severe each rater is.

    Args:
        rated: [n_ratings] person_id, rater_id, subject_id (the period, whose mean is taken off), outcome.

    Returns:
        None where there are not two raters, or no two ratings differ.
    """
    from scipy import sparse

    counted = rated["rater_id"].value_counts().sort("count", "rater_id", descending=[True, False]).head(MOST)
    kept = rated.filter(pl.col("rater_id").is_in(counted["rater_id"].implode()))
    kept = kept.with_columns(y=pl.col("outcome") - pl.col("outcome").mean().over("subject_id"))
    names = kept["rater_id"].unique().sort()
    y = kept["y"].to_numpy().astype(np.float64)
    if len(names) < 2 or float(y.var()) <= _FLOOR:
        return None
    _, rater = np.unique(kept["rater_id"].to_numpy(), return_inverse=True)
    _, person = np.unique(kept["person_id"].to_numpy(), return_inverse=True)
    people, raters = int(person.max()) + 1, len(names)
    both = sparse.csr_matrix((np.ones(len(y)), (person, rater)), shape=(people, raters))
    of_person, of_rater = np.bincount(person, y, people), np.bincount(rater, y, raters)
    n_person, n_rater = np.bincount(person, minlength=people), np.bincount(rater, minlength=raters)
    periods = kept["subject_id"].n_unique()
    noise, strict = (float(y.var()) / 2,) * 2
    depth = n_person.astype(np.float64)
    scaled = both.multiply(1 / depth[:, np.newaxis]).tocsr()  # a person is held against that same person only
    for _ in range(_ROUNDS):
        inverse = np.linalg.inv(np.diag(n_rater + noise / strict) - (both.T @ scaled).toarray())
        severity = inverse @ (of_rater - scaled.T @ of_person)
        effect = (of_person - both @ severity) / depth
        left = float(y @ y - effect @ of_person - severity @ of_rater)
        strict = max(_FLOOR, float(severity @ severity + noise * np.trace(inverse)) / raters)
        error = np.sqrt(noise * np.diag(inverse))
        before, noise = noise, max(_FLOOR, left / max(1, len(y) - periods - people))
        if abs(noise - before) < _STILL * before:
            break
    shared = np.asarray((both > 0).sum(axis=1)).ravel() > 1
    linked = np.asarray((both > 0).T @ shared.astype(np.int64)).ravel()
    severity -= np.median(severity)  # beside the middling rater: one who is very harsh makes nobody else lenient
    low, high = severity - 1.96 * error, severity + 1.96 * error
    # Of twenty raters who are all alike one lies outside such an interval: the word asks for more (Bonferroni).
    sure = NormalDist().inv_cdf(1 - 0.025 / max(1, int((linked >= LINKED).sum()))) * error
    word = np.select([linked < LINKED, severity < -sure, severity > sure], ["cannot tell", "harsh", "lenient"], "alike")
    columns = {"ratings": n_rater, "linked": linked, "severity": severity, "low": low, "high": high, "word": word}
    return Severities(pl.DataFrame({"rater_id": names, **columns}), float(np.sqrt(strict)), float(np.sqrt(noise)))


def to_take_off(examples: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The severity in training cases whose rater is surely harsh or lenient, shrunken as it is.

    It is estimated on the training cases alone, so that nothing of what tests is learned from.

    Args:
        examples: [n_cases] KEYS, outcome in [0, 1], split.
        given: [n_ratings] KEYS and rater_id.

    Returns:
        [n_off] KEYS and severity.
    """
    rated = examples.filter(pl.col("split") == "train").join(_of_one(given), on=list(KEYS), maintain_order="left")
    found = severities(rated)
    if found is None:
        return rated.select(*KEYS, severity=pl.lit(0.0)).head(0)
    sure = found.raters.filter(pl.col("word").is_in(["harsh", "lenient"])).select("rater_id", "severity")
    return rated.join(sure, on="rater_id", maintain_order="left").select(*KEYS, "severity")


def _of_one(given: pl.DataFrame) -> pl.DataFrame:
    """KEYS and their rater, where that is one: of ratings of two that end on one day nobody knows which is whose."""
    told = given.drop_nulls("rater_id")
    return told.filter(pl.col("rater_id").n_unique().over(KEYS) == 1).unique(KEYS, maintain_order=True)


def fair(examples: pl.DataFrame, severity: pl.DataFrame) -> pl.DataFrame:
    """Cases to train on, as raters of middling severity would have rated them; earlier ratings among inputs stay.

    Args:
        examples: [n_cases] KEYS, outcome in [0, 1], split.
        severity: As `to_take_off` gives; cases of validation and test are never touched.

    Returns:
        `examples` in their order, with `outcome` within [0, 1] where something was taken off.
    """
    off = severity.unique(KEYS, keep="first", maintain_order=True)
    told = examples.join(off, on=list(KEYS), how="left", maintain_order="left")
    is_off = (pl.col("split") == "train") & pl.col("severity").is_not_null()
    middling = pl.when(is_off).then((pl.col("outcome") - pl.col("severity")).clip(0, 1)).otherwise("outcome")
    return told.with_columns(outcome=middling).select(examples.columns)


def agreement(rated: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """How one rating of a person goes with that person's next, where the same rater gave both and where another did.

    Args:
        rated: [n_ratings] person_id, rater_id, known_at, outcome.

    Returns:
        `same_rater` and `other_rater`: pairs, and Pearson's correlation (None below ten pairs or without spread).
        Raters who agree make the second no lower than the first.
    """
    pairs = rated.sort("person_id", "known_at", "subject_id").with_columns(
        pl.col("outcome", "rater_id").shift(1).over("person_id").name.suffix("_before")
    )
    pairs = pairs.drop_nulls(["rater_id_before"])
    is_same = pairs["rater_id"] == pairs["rater_id_before"]
    return {"same_rater": _correlation(pairs.filter(is_same)), "other_rater": _correlation(pairs.filter(~is_same))}


def _correlation(pairs: pl.DataFrame) -> dict[str, Any]:
    now, before = pairs["outcome"].to_numpy(), pairs["outcome_before"].to_numpy()
    is_known = len(now) >= 10 and np.ptp(now) > 0 and np.ptp(before) > 0
    return {"pairs": len(now), "correlation": float(np.corrcoef(now, before)[0, 1]) if is_known else None}


def _same(rated: pl.DataFrame) -> int:
    """Raters who gave everybody the same, having rated five people or more."""
    by = rated.group_by("rater_id").agg(pl.col("person_id").n_unique().alias("people"), pl.col("outcome").n_unique())
    return by.filter(pl.col("people") >= LINKED, pl.col("outcome") == 1).height


def _spread(labels: pl.DataFrame, part: pl.Expr, least: int) -> Sequence[dict[str, Any]]:
    """Cases and mean outcome of each part with people enough."""
    by = labels.group_by(part.alias("part")).agg(
        pl.len().alias("cases"), pl.col("person_id").n_unique().alias("people"), pl.col("outcome").mean().alias("mean")
    )
    return by.filter(pl.col("people") >= least).sort("part").to_dicts()


def _half_year() -> pl.Expr:
    return pl.format("{}H{}", pl.col("known_at").dt.year(), (pl.col("known_at").dt.month() > 6).cast(pl.Int8) + 1)
