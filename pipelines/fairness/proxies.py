"""Proxy test: can the model's inputs tell the protected groups apart?

A linear reader is trained to guess the group and tested on people it has not seen. What it finds, a model can find.
What it does not find may still be there: a low figure is no proof that the inputs are free of proxies.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.base.errors import ContractError
from pipelines.fairness.counting import UNKNOWN, Bools, Coded, Floats, Ints, as_coded, same_length
from pipelines.fairness.intervals import Z


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well the inputs tell groups apart. Arrays are [n_groups]; NaN where a group is too small or unknown."""

    groups: tuple[str, ...]
    people: Ints
    auc: Floats
    """Chance that one of the group is ranked above one of the others by a reader that saw neither; .5 is guessing."""
    low: Floats
    high: Floats
    """95 % interval."""
    single_auc: Floats
    """[n_groups, n_features] the same for each input alone, in either direction: the first to look at."""
    single_low: Floats
    """[n_groups, n_features] low end of its 95 % interval; an input that separates all has no error, and so 1."""

    @property
    def is_told_apart(self) -> Bools:
        """Where even the low end of the interval is above guessing. False says nothing: see the module."""
        return np.asarray(self.low > 0.5)


def proxy_test(
    features: npt.ArrayLike,
    group: npt.ArrayLike | Coded,
    *,
    folds: int,
    min_group_size: int,
    penalty: float,
    seed: int,
) -> Proxy:
    """Guess each known group from the features, cross-validated.

    Args:
        features: [n_people, n_features] numbers; one row a person, or the same person is seen and tested.
        group: [n_people] str; people whose group is unknown are left out.
        folds: Parts, each tested by a reader trained on the others.
        min_group_size: People; smaller groups, and those with fewer others, are not tested.
        penalty: Ridge penalty on standardised features, above 0.
        seed: Of the split.

    Raises:
        ContractError: A feature is missing, or the columns differ in length.

    Source:
        Fisher (1936) for the reader, as ridge regression on the indicator of the group; DeLong et al. (1988) for the
        error of the area within a fold, LeDell et al. (2015) for its mean over folds.
    """
    inputs, coded = np.asarray(features, dtype=np.float64), as_coded(group)
    same_length(inputs, coded.codes)
    faults = int((~np.isfinite(inputs)).sum())
    if faults:
        raise ContractError(f"Every feature must be a number; {faults} values are not. Fill them as the model does.")
    names = np.array([name != UNKNOWN for name in coded.names], dtype=np.bool_)
    people = np.bincount(coded.codes, minlength=len(coded.names))
    is_tested = names & (people >= max(min_group_size, folds)) & (people[names].sum() - people >= min_group_size)
    auc, low, high = np.full((3, len(people)), np.nan)
    single, single_low = np.full((2, len(people), inputs.shape[1]), np.nan)
    known = names[coded.codes]
    inputs, codes = inputs[known], coded.codes[known]
    fold = _dealt(codes, folds, seed)
    ranks = scipy.stats.rankdata(inputs, axis=0)
    guesses = _guesses(inputs, codes == np.arange(len(people))[:, np.newaxis], fold, penalty)
    for index in np.flatnonzero(is_tested):
        auc[index], low[index], high[index] = _cross_validated(guesses[index], codes == index, fold)
        single[index], single_low[index] = _alone(inputs, ranks, codes == index)
    return Proxy(coded.names, people, auc, low, high, single, single_low)


def _dealt(codes: Ints, folds: int, seed: int) -> Ints:
    """[n_people] the fold of each: every group is dealt out evenly."""
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty(len(codes), dtype=np.int64)
    fold[order] = np.arange(len(codes)) % folds
    return fold


def _guesses(inputs: Floats, is_member: Bools, fold: Ints, penalty: float) -> Floats:
    """[n_groups, n_people] the score of a reader trained on the other folds."""
    result = np.empty(is_member.shape)
    for part in np.unique(fold):
        seen = fold != part
        centre, spread = inputs[seen].mean(axis=0), inputs[seen].std(axis=0)
        scaled = (inputs - centre) / np.where(spread > 0, spread, 1.0)
        train, targets = scaled[seen], is_member[:, seen] - is_member[:, seen].mean(axis=1, keepdims=True)
        gram = train.T @ train + penalty * np.eye(train.shape[1])
        result[:, ~seen] = (scaled[~seen] @ np.linalg.solve(gram, train.T @ targets.T)).T
    return result


def _cross_validated(score: Floats, is_member: Bools, fold: Ints) -> tuple[float, float, float]:
    """Mean area over folds and its interval, on the scale of the log odds so that it stays in [0, 1].

    Readers of different folds learned from the same people, so their areas vary together: the error is widened by
    Nadeau and Bengio's factor (2003).
    """
    parts = [_of_part(score[fold == part], is_member[fold == part]) for part in np.unique(fold)]
    auc = float(np.mean([area for area, _ in parts]))
    alone = float(np.sqrt(np.sum([variance for _, variance in parts]))) / len(parts)
    error = alone * float(np.sqrt(1 + len(parts) / (len(parts) - 1)))
    low, high = _interval(np.array(auc), np.array(error))
    return auc, float(low), float(high)


def _alone(inputs: Floats, ranks: Floats, is_member: Bools) -> tuple[Floats, Floats]:
    """[n_features] area of each input in the direction that tells more, and the low end of its interval."""
    area, variance = _area_and_variance(inputs, ranks, is_member)
    told = np.abs(area - 0.5) + 0.5
    return told, _interval(told, np.sqrt(variance))[0]


def _interval(area: Floats, error: Floats) -> tuple[Floats, Floats]:
    """95 % interval on the scale of the log odds."""
    inside = np.clip(area, 1e-9, 1 - 1e-9)
    reach = Z * error / (inside * (1 - inside))
    middle = scipy.special.logit(inside)
    return scipy.special.expit(middle - reach), scipy.special.expit(middle + reach)


def _of_part(score: Floats, is_member: Bools) -> tuple[float, float]:
    area, variance = _area_and_variance(score, scipy.stats.rankdata(score, axis=0), is_member)
    return float(area), float(variance)


def _area_and_variance(score: Floats, ranks: Floats, is_member: Bools) -> tuple[Floats, Floats]:
    """Area under the ROC curve of each column, ties counted half, and DeLong's variance.

    Fewer than two people on a side have no variance, which makes all NaN.
    """
    members, others = score[is_member], score[~is_member]
    if min(len(members), len(others)) < 2:
        nothing = np.full(score.shape[1:], np.nan)
        return nothing, nothing
    above = (ranks[is_member] - scipy.stats.rankdata(members, axis=0)) / len(others)
    below = (ranks[~is_member] - scipy.stats.rankdata(others, axis=0)) / len(members)
    variance = above.var(axis=0, ddof=1) / len(members) + below.var(axis=0, ddof=1) / len(others)
    return above.mean(axis=0), variance
