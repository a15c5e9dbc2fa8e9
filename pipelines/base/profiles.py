"""The reference profile: what every input looked like, for drift to be measured against as long as a release lives.

It is kept with releases and in DVC's cache for years and cannot forget. So nothing in it comes from fewer than
`privacy.min_people` people: neither a category nor a bin, and no bound of a bin is a value that fewer of them share.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.float64]
_KEYS: Final = ("person_id", "subject_id")


def profile(inputs: pl.DataFrame, bins: int, min_people: int) -> dict[str, dict[str, Any]]:
    """Distribution of every input.

    Args:
        inputs: [n_rows] person_id and the columns.
        bins: Bins of equal size for numbers, fewer where values coincide or people are few.
        min_people: People who must be in a bin, share a category, or lie at or beyond an outer edge.

    Returns:
        Column -> kind, n, missing_share and either edges (the outer bins are open; a bin holds its upper edge) or
        categories, with the share of each among the rows that have a value. Rare categories are left out, and shares
        then add up to less than 1. Too few people for two edges: no edges, and one bin.
    """
    people = inputs["person_id"].rank("dense").to_numpy().astype(np.int64)
    described = {name: inputs[name] for name in inputs.columns if name not in _KEYS}
    return {name: _described(values, people, bins, min_people) for name, values in described.items()}


def _described(values: pl.Series, people: npt.NDArray[np.int64], bins: int, min_people: int) -> dict[str, Any]:
    frame = pl.DataFrame({"value": values, "person": people}).drop_nulls("value")
    if is_numeric := values.dtype.is_numeric() or values.dtype == pl.Boolean:
        frame = frame.cast({"value": pl.Float64}).filter(pl.col("value").is_not_nan())
    about = {"n": len(values), "missing_share": 1 - len(frame) / len(values) if len(values) else 1.0}
    held = frame.group_by("value").agg(pl.len(), people=pl.col("person").n_unique()).sort("value")
    if is_numeric:
        edges = _edges(frame, held, bins, min_people)
        return {"kind": "numeric", **about, "edges": edges, "shares": _shares(frame["value"].to_numpy(), edges[1:-1])}
    common = held.filter(pl.col("people") >= min_people)
    shares = [count / len(frame) for count in common["len"]]
    return {"kind": "categorical", **about, "categories": common["value"].cast(pl.String).to_list(), "shares": shares}


def _edges(frame: pl.DataFrame, held: pl.DataFrame, bins: int, least: int) -> list[float]:
    """Outer and inner bounds of bins of at least `least` people each; none when they are too few for that.

    Args:
        frame: [n_rows] value, person.
        held: [n_values] value, people; ascending.
        bins: Wanted.
        least: People.
    """
    ordered = frame.sort("value", "person")
    values, people = (ordered[name].to_numpy() for name in ("value", "person"))
    distinct, counts = held["value"].to_numpy(), held["people"].to_numpy()
    if len(np.unique(people)) < least:
        return []
    lowest = int(np.searchsorted(distinct, _reached(values, people, least)))
    highest = int(np.searchsorted(distinct, _reached(values[::-1], people[::-1], least)))
    if lowest >= highest:  # one bin; two equal edges say that there is no other value
        return [float(distinct[0])] * 2 if len(distinct) == 1 else []

    def above(place: int) -> float:
        """A bound with the value at `place` below or on it."""
        is_shared = counts[place] >= least
        return float(distinct[place]) if is_shared else _between(distinct[place], distinct[place + 1])

    top = float(distinct[highest]) if counts[highest] >= least else _between(distinct[highest - 1], distinct[highest])
    inner, done = [], 0
    for cut in np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]):
        place = int(np.searchsorted(distinct, cut, side="right")) - 1
        upto = int(np.searchsorted(values, distinct[place], side="right"))
        if place < highest and len(np.unique(people[done:upto])) >= least:
            inner.append(above(place))
            done = upto
    return [above(lowest), *inner, top] if above(lowest) < top else []


def _reached(values: Numbers, people: npt.NDArray[np.int64], least: int) -> float:
    """The value at which so many different people were met."""
    _, met = np.unique(people, return_index=True)
    return float(values[np.sort(met)[least - 1]])


def _between(low: float, high: float) -> float:
    """The middle of two values, in as few digits as tell it from both."""
    middle = (low + high) / 2
    rounded = (float(f"{middle:.{digits}e}") for digits in range(17))
    return next((value for value in rounded if low < value < high), float(middle))


def _shares(values: Numbers, inner: list[float]) -> list[float]:
    counts = np.bincount(np.searchsorted(np.asarray(inner, float), values, side="left"), minlength=len(inner) + 1)
    return [float(count) / max(len(values), 1) for count in counts]
