"""Many looks mean many chances of a false alarm: p values that hold for all of them together."""

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import Floats


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's step-down correction: with no bias anywhere the chance of one false alarm stays at the level."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    result = np.empty(len(values))
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return result


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """The share of false alarms among all that are called significant stays at the level.

    Args:
        p_values: [n_cells], independent or positively dependent, as groups with one reference are.

    Returns:
        [n_cells] corrected p values, in the order given.

    Source:
        Benjamini and Hochberg (1995).
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    result = np.empty(len(values))
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return result
