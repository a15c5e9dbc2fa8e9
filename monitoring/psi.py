"""Population stability index: how far a column's distribution has moved from the one the model was trained on.

    PSI = sum over bins of (a - e) * ln(a / e)

with e the share of the training rows in a bin and a the share of the current rows. Missing values are a bin of their
own, and so are categories never seen in training: both are drift when they grow. Without drift PSI is still above
zero: about (1/n + 1/m) times a chi-square variable with bins - 1 degrees of freedom, for n reference and m current
rows. `noise_level` gives that yardstick, without which every small sample would seem to drift.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2

Shares = NDArray[np.float64]


def index(expected: Shares, actual: Shares, floor: float) -> float:
    """PSI of two distributions over the same bins.

    Args:
        expected: [n_bins] shares at training time.
        actual: [n_bins] shares now.
        floor: Smaller shares count as this one.

    Returns:
        At least 0; 0 for equal shares; the same when the two are swapped. NaN when either holds NaN: unknown.

    Raises:
        ValueError: The two differ in length.
    """
    if expected.shape != actual.shape:
        raise ValueError(f"both sides must have the same bins; got {expected.size} and {actual.size}")
    e, a = np.maximum(expected, floor), np.maximum(actual, floor)
    return float(np.sum((a - e) * np.log(a / e)))


def noise_level(bins: int, reference_rows: int, current_rows: int, quantile: float) -> float:
    """PSI that chance alone stays below, with probability `quantile`, when nothing drifts.

    Args:
        bins: Bins that hold anything on either side.
        reference_rows: Rows behind the reference shares.
        current_rows: Rows behind the current shares.
        quantile: A share, such as 0.999.

    Returns:
        Infinity when a side has no rows: then no PSI is above chance.
    """
    if not reference_rows or not current_rows:
        return float("inf")
    return float(chi2.ppf(quantile, max(bins - 1, 1)) * (1 / reference_rows + 1 / current_rows))


def numeric_shares(values: pl.Series, edges: Sequence[float]) -> Shares:
    """Shares of a numeric column over the bins between inner edges.

    Args:
        values: [n_rows] numbers; null and NaN are missing.
        edges: [n_edges] ascending. Bin i holds edges[i-1] < value <= edges[i]; the first and last are open.

    Returns:
        [n_edges + 2] shares, the missing ones last; all NaN without rows.
    """
    numbers = values.cast(pl.Float64).to_numpy()
    present = numbers[~np.isnan(numbers)]
    counts = np.bincount(np.searchsorted(np.asarray(edges, float), present, side="left"), minlength=len(edges) + 1)
    return _shares([*counts, len(numbers) - len(present)])


def category_shares(values: pl.Series, categories: Sequence[str]) -> Shares:
    """Shares of a categorical column.

    Args:
        values: [n_rows] codes; null is missing.
        categories: [n_categories] those seen in training.

    Returns:
        [n_categories + 2] shares: the categories, any other one, missing; all NaN without rows.
    """
    codes = values.cast(pl.String)
    counted = dict(codes.drop_nulls().value_counts().iter_rows())
    known = [int(counted.get(category, 0)) for category in categories]
    return _shares([*known, len(codes) - codes.null_count() - sum(known), codes.null_count()])


def _shares(counts: Sequence[int]) -> Shares:
    total = sum(counts)
    return np.asarray(counts, float) / total if total else np.full(len(counts), np.nan)
