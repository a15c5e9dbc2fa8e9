"""How likely a gap that matters would have been seen. Silence of a test that could not speak says nothing."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy

_EXACT_CELLS = 250_000
"""Largest number of possible tables that is enumerated. Beyond it the normal approximation is close: for 400 against
1,000 people both say 98 %."""


def power(people: int, reference_people: int, reference_rate: float, ratio: float, level: float) -> float:
    """Chance that a two-sided test sees a true impact ratio of `ratio`.

    Args:
        people: Size of the group.
        reference_people: Size of the reference.
        reference_rate: Selection rate of the reference, taken as true; a share.
        ratio: True impact ratio to be seen, in (0, 1).
        level: Significance level of the test, a share.

    Returns:
        A share: exact for Fisher's test while the possible tables can be enumerated, else the normal approximation.
    """
    rate = ratio * reference_rate
    if (people + 1) * (reference_people + 1) <= _EXACT_CELLS:
        return _exact(people, reference_people, rate, reference_rate, level)
    return _normal(people, reference_people, rate, reference_rate, level)


def _exact(n_g: int, n_r: int, rate_g: float, rate_r: float, level: float) -> float:
    chance_g = scipy.stats.binom.pmf(np.arange(n_g + 1), n_g, rate_g)
    chance_r = scipy.stats.binom.pmf(np.arange(n_r + 1), n_r, rate_r)
    return float(chance_g @ _rejected(n_g, n_r, level).astype(np.float64) @ chance_r)


@lru_cache(maxsize=256)
def _rejected(n_g: int, n_r: int, level: float) -> npt.NDArray[np.bool_]:
    """[n_g + 1, n_r + 1] where Fisher's test rejects with that many selected in each group.

    The same sizes come again for a report's figures, hence the cache: of 64 MB at most.
    """
    rejected = np.zeros((n_g + 1, n_r + 1), dtype=np.bool_)
    of_g, of_r, of_both = (_log_choose(n, np.arange(n + 1)) for n in (n_g, n_r, n_g + n_r))
    for chosen in range(n_g + n_r + 1):
        in_g = np.arange(max(0, chosen - n_r), min(n_g, chosen) + 1)
        chance = np.exp(of_g[in_g] + of_r[chosen - in_g] - of_both[chosen])
        ordered = np.sort(chance)
        as_rare = np.searchsorted(ordered, chance * (1 + 1e-7), side="right")
        rejected[in_g, chosen - in_g] = np.cumsum(ordered)[as_rare - 1] < level
    return rejected


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    chosen = np.asarray(k, dtype=np.float64)
    result: npt.NDArray[np.float64] = (
        scipy.special.gammaln(n + 1) - scipy.special.gammaln(chosen + 1) - scipy.special.gammaln(n - chosen + 1)
    )
    return result


def _normal(n_g: int, n_r: int, rate_g: float, rate_r: float, level: float) -> float:
    pooled = (n_g * rate_g + n_r * rate_r) / (n_g + n_r)
    under_equal = math.sqrt(pooled * (1 - pooled) * (1 / n_g + 1 / n_r))
    under_gap = math.sqrt(rate_g * (1 - rate_g) / n_g + rate_r * (1 - rate_r) / n_r)
    if under_gap == 0:
        return 0.0
    reach = scipy.stats.norm.ppf(1 - level / 2) * under_equal
    gap = rate_r - rate_g
    return float(scipy.stats.norm.cdf((gap - reach) / under_gap) + scipy.stats.norm.cdf((-gap - reach) / under_gap))
