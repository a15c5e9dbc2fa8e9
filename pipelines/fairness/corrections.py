"""Many looks mean many chances of a false alarm: p values that hold for all of them together."""

import numpy as np
import numpy.typing as npt

from pipelines.fairness.counting import Floats, Ints


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Keep the share of false alarms among all alarms at the level; without any bias, the chance of even one.

    Args:
        p_values: [..., n_cells], corrected along the last axis; independent or positively dependent, as those of groups
            with one reference are. NaN is no look, and stays.

    Returns:
        Corrected p values in the places of theirs.

    Source:
        Benjamini and Hochberg (1995); Benjamini and Yekutieli (2001) for positive dependence.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, axis=-1, kind="stable")
    looks = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    scaled = np.take_along_axis(values, order, axis=-1) * looks / np.arange(1, values.shape[-1] + 1)
    least = np.fmin.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    result = np.empty(values.shape)
    np.put_along_axis(result, order, np.minimum(least, 1.0), axis=-1)
    return result


def for_the_choice(p_values: Floats, groups: Ints) -> Floats:
    """Pay for comparing with the best: it was chosen after the fact, and any pair of groups could have been shown.

    Args:
        p_values: [..., n_cells] of groups against the best of theirs.
        groups: How many groups could have been the best; broadcasts.

    Returns:
        The p values times half the number of groups. Together with a correction over the groups left, that is
        Bonferroni's over all pairs; two groups are one pair and pay nothing.
    """
    return np.minimum(p_values * groups / 2, 1.0)
