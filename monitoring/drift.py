"""Do the inputs still look like those of the people asked about when the model was trained?

Reads   scores/inputs (the newest day, and the one before it), the release's reference profile
Writes  reports/<family>/<as_of>/drift.json and drift.html

The figure that counts is exact: PSI over all rows against the profile. The Evidently report beside it draws two
samples, and says which and how many rows. Missing values and unseen categories are bins of their own.
"""

import math
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl

from monitoring import psi, released, results, tables
from monitoring.results import ColumnDrift, Drift
from monitoring.settings import Monitor
from pipelines.base.stage import loading
from pipelines.base.store import Store

Profile = Mapping[str, Mapping[str, Any]]
_NOTHING: Final = 1e-9
"""Shares that add up to one do so to this."""


def run(store: Store, family: str, until: date | None, settings: Monitor) -> Drift:
    """Measure drift on the newest scoring, write the reports, return the result."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Drift(family=family, as_of=None, status="no_scores")
    scored_on = tables.days(store, tables.INPUTS, family, as_of)
    release = released.current(store, family)
    if release is None:
        result = Drift(family=family, as_of=as_of, status="no_release")
        results.save(store, result, family, as_of, "drift.json")
        return result
    current = tables.read(store, tables.INPUTS, family, scored_on[:1])
    previous = tables.read(store, tables.INPUTS, family, scored_on[1:2])
    columns = measured(release.profile, current, previous, settings)
    enough = len(current) >= settings.min_rows
    result = Drift(
        family=family,
        as_of=as_of,
        status="ok" if enough else "too_few_rows",
        release=release.id,
        scored_on=scored_on[0] if scored_on else None,
        rows=len(current),
        previous_as_of=scored_on[1] if scored_on[1:] else None,
        columns=columns,
        drifted_share=sum(c.is_drifted for c in columns) / len(columns) if columns and enough else None,
    )
    result = _with_report(store, result, release.profile, (current, previous), settings)
    results.save(store, result, family, as_of, "drift.json")
    return result


def measured(
    profile: Profile, current: pl.DataFrame, previous: pl.DataFrame, settings: Monitor
) -> tuple[ColumnDrift, ...]:
    """Exact PSI of every profiled column that the inputs hold, the most drifted first.

    Args:
        profile: Column -> reference distribution.
        current: [n_rows] inputs of this scoring.
        previous: [n_rows] inputs of the one before; empty when there was none.
        settings: Bounds.
    """
    columns = [_column(name, profile[name], current, previous, settings) for name in profile if name in current.columns]
    return tuple(sorted(columns, key=lambda c: (-(c.psi if c.psi is not None else -1.0), c.column)))


def _column(
    name: str, reference: Mapping[str, Any], current: pl.DataFrame, previous: pl.DataFrame, settings: Monitor
) -> ColumnDrift:
    expected, labels = expected_shares(reference), bin_labels(reference)
    actual = shares(reference, current[name])
    value = psi.index(expected, actual, settings.psi_floor)
    used = int(np.count_nonzero((expected > 0) | (actual > 0)))
    noise = psi.noise_level(used, int(reference["n"]), len(current), settings.noise_quantile)
    before = psi.index(shares(reference, previous[name]), actual, settings.psi_floor) if name in previous else None
    is_enough = len(current) >= settings.min_rows
    return ColumnDrift(
        column=name,
        kind=reference["kind"],
        psi=value,
        noise=noise,
        psi_previous=before,
        is_drifted=is_enough and value >= settings.psi and value > noise,
        missing_share=float(actual[-1]),
        missing_share_before=float(expected[-1]),
        labels=labels,
        expected=tuple(map(float, expected)),
        actual=tuple(map(float, actual)),
    )


def expected_shares(reference: Mapping[str, Any]) -> psi.Shares:
    """[n_bins] shares of the reference, in the bins of `shares`."""
    missing = float(reference["missing_share"])
    present = np.asarray(reference["shares"], float) * (1 - missing)
    if reference["kind"] == "categorical":
        rare = (1 - sum(reference["shares"])) * (1 - missing)  # of too few people to be kept by name
        return np.asarray([*present, rare if rare > _NOTHING else 0.0, missing])
    edges = reference["edges"]
    outside = [0.0] if edges and edges[0] == edges[-1] else []
    return np.asarray([*outside, *present, *outside, missing])


def shares(reference: Mapping[str, Any], values: pl.Series) -> psi.Shares:
    """[n_bins] shares of a column now, in the reference's bins, missing last."""
    if reference["kind"] == "numeric":
        return psi.numeric_shares(values, inner_edges(reference))
    return psi.category_shares(values, reference["categories"])


def inner_edges(reference: Mapping[str, Any]) -> list[float]:
    """The bounds between bins, without a profile's outer edges.

    A column that was constant then gets a bin below and one above its value, else nothing could ever drift. One
    that had no value at all, or those of too few people, has one bin for whatever comes.
    """
    edges = [float(edge) for edge in reference["edges"]]
    if not edges:
        return []
    return [math.nextafter(edges[0], -math.inf), edges[0]] if edges[0] == edges[-1] else edges[1:-1]


def bin_labels(reference: Mapping[str, Any]) -> tuple[str, ...]:
    """What each bin holds, in words."""
    if reference["kind"] == "categorical":
        return (*map(str, reference["categories"]), "rare or not seen in training", "missing")
    edges = inner_edges(reference)
    if not edges:
        return ("any value" if any(reference["shares"]) else "not seen in training", "missing")
    between = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return (f"up to {edges[0]:.3g}", *between, f"above {edges[-1]:.3g}", "missing")


def drawn(profile: Profile, names: list[str], rows: int, seed: int) -> pl.DataFrame:
    """Rows drawn from the profile's distributions, column by column: marginals only, no links between columns.

    Args:
        profile: Column -> reference distribution.
        names: Columns wanted.
        rows: How many.
        seed: Of the drawing.
    """
    rng = np.random.default_rng(seed)
    return pl.DataFrame({name: _draw(profile[name], rows, rng) for name in names})


def _draw(reference: Mapping[str, Any], rows: int, rng: np.random.Generator) -> pl.Series:
    weights = np.asarray(reference["shares"], float)
    is_missing = pl.Series(rng.random(rows) < float(reference["missing_share"]))
    if not weights.sum() or reference.get("edges") == []:
        empty = pl.Float64 if reference["kind"] == "numeric" else pl.String
        return pl.Series([None] * rows, dtype=empty)
    bins = rng.choice(len(weights), size=rows, p=weights / weights.sum())
    if reference["kind"] == "numeric":
        edges = np.asarray(reference["edges"], float)
        values = pl.Series(edges[bins] + rng.random(rows) * (edges[bins + 1] - edges[bins]))
    else:
        values = pl.Series(np.asarray(reference["categories"], dtype=object)[bins].tolist(), dtype=pl.String)
    return pl.select(pl.when(~is_missing).then(values)).to_series()


def _with_report(
    store: Store, result: Drift, profile: Profile, inputs: tuple[pl.DataFrame, pl.DataFrame], settings: Monitor
) -> Drift:
    """Write the Evidently report and keep its figures in the result."""
    with loading():
        from monitoring import _evidently

    current, previous = inputs
    names = [c.column for c in result.columns]
    if not names or result.as_of is None:
        return result
    reference, said = _reference(profile, names, previous, result.previous_as_of, settings)
    now = _sample(current.select(names), settings)
    note = f"Current: {len(now):,} of {len(current):,} inputs of {result.scored_on}. Reference: {said}."
    html, figures = _evidently.drift_report(now, reference, result, note, settings)
    store.put(results.key(result.family, result.as_of, "drift.html"), html)
    return result.model_copy(update={"sample": note, "evidently": figures})


def _reference(
    profile: Profile, names: list[str], previous: pl.DataFrame, day: date | None, settings: Monitor
) -> tuple[pl.DataFrame, str]:
    if day is not None and not previous.is_empty():
        taken = _sample(previous.select(names), settings)
        return taken, f"{len(taken):,} of {len(previous):,} inputs of the scoring before, {day}"
    rows = min(settings.sample_rows, max(int(profile[name]["n"]) for name in names))
    said = f"{rows:,} rows drawn from the reference profile, column by column (seed {settings.seed}); no scoring before"
    return drawn(profile, names, rows, settings.seed), said


def _sample(frame: pl.DataFrame, settings: Monitor) -> pl.DataFrame:
    if len(frame) <= settings.sample_rows:
        return frame
    return frame.sample(settings.sample_rows, seed=settings.seed)
