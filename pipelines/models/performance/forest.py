"""A forest that says how likely each rating is: extremely randomised trees whose leaves keep what was given there.

Geurts et al. 2006 for the trees; Meinshausen 2006 for the quantiles: a row's distribution is the mean, over the trees,
of the ratings in the leaf that it ends in. Its median misses less than the mean of the leaves where ratings pile up at
a few values, and its other quantiles are wide where ratings are.

Ratings are kept as levels: ties and neighbours together, of enough people each, by their mean. No Keras.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError
from pipelines.models import trees
from pipelines.models.tabular import Numbers
from pipelines.models.trees import Trees

FILE: Final = "leaves.npz"
_LEVELS = 64
_LEAVES = 2000
"""Leaves of one tree, at most."""
_MISSING: Final = -1e6
_ROWS = 4096
_ROUNDING = 1e-9
People = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Forest:
    """The questions, and what was given where they lead."""

    trees: Trees
    levels: Numbers
    """[n_levels] ratings, ascending."""
    shares: Numbers
    """[n_nodes, n_levels] share of a leaf's ratings that were of each level; 0 for a node that is no leaf."""


def grow(
    values: Numbers,
    ratings: Numbers,
    people: People,
    *,
    size: int,
    leaf: int,
    seed: int,
    least: int,
    weights: Numbers | None = None,
) -> Forest:
    """Fit.

    Trees do not grow with the company: a leaf has at least one rating in `_LEAVES`.

    Args:
        values: [n_rows, n_columns], NaN where missing, which is far below everything there is.
        ratings: [n_rows] in [0, 1].
        people: [n_rows] who was rated, from 0.
        size: Number of trees.
        leaf: Ratings at least in a leaf.
        seed: Of the trees.
        least: People at least of whom a leaf, and a level, speaks: they may have several ratings each.
        weights: [n_rows] how much each rating counts, not below 0; None where all count alike.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    filled = _filled(values)
    few = max(leaf, least, len(ratings) // _LEAVES)
    estimator = ExtraTreesRegressor(size, min_samples_leaf=few, random_state=seed)
    estimator.fit(filled, ratings, weights)
    grown = trees.mean_of(estimator)
    if few < least * np.bincount(people).max(initial=1):  # else so many ratings are of enough people
        grown = trees.told_by(grown, filled, people, least)
    level = levels(ratings, people, least)
    means = np.bincount(level, ratings) / np.bincount(level)
    counts = np.zeros((len(grown.is_leaf), len(means)))
    for rows in _slices(len(filled)):
        ends = trees.leaves(grown, filled[rows])
        counted = 1.0 if weights is None else weights[rows, None]
        np.add.at(counts, (ends, np.broadcast_to(level[rows, None], ends.shape)), counted)
    total = counts.sum(axis=1, keepdims=True)
    return Forest(grown, means, counts / np.where(total > 0, total, 1.0))


def levels(ratings: Numbers, people: People, least: int) -> People:
    """[n_rows] level of each rating, from 0: equal ratings share one, and so do neighbours of fewer people.

    Args:
        ratings: [n_rows].
        people: [n_rows] who was rated.
        least: People of a level, at least; fewer only where all have fewer.
    """
    values, place = np.unique(ratings, return_inverse=True)
    order = np.argsort(place, kind="stable")
    wanted = max(1.0, len(ratings) / _LEVELS)
    found, level, seen, count = np.zeros(len(values), dtype=np.int64), 0, set[int](), 0
    ends = np.cumsum(np.bincount(place, minlength=len(values)))
    for number, rows in enumerate(np.split(order, ends[:-1])):
        if len(seen) >= least and count >= wanted:
            level, seen, count = level + 1, set(), 0
        found[number] = level
        seen.update(people[rows].tolist())
        count += len(rows)
    if len(seen) < least and level:
        found[found == level] = level - 1
    return found[place]


def quantiles(forest: Forest, values: Numbers, wanted: tuple[float, ...]) -> Numbers:
    """[n_rows, n_wanted] quantiles of what the forest holds likely, some thousand rows at a time.

    Args:
        forest: Of `grow`.
        values: [n_rows, n_columns] as they were for `grow`.
        wanted: In (0, 1).
    """
    filled = _filled(values)
    found = np.empty((len(filled), len(wanted)))
    for rows in _slices(len(filled)):
        ends = trees.leaves(forest.trees, filled[rows])
        total = np.zeros((len(ends), len(forest.levels)))
        for tree in range(ends.shape[1]):
            total += forest.shares[ends[:, tree]]
        below = np.cumsum(total, axis=1) / ends.shape[1]
        for number, share in enumerate(wanted):
            found[rows, number] = forest.levels[(below >= share - _ROUNDING).argmax(axis=1)]
    return found


def save(forest: Forest, folder: Path) -> None:
    """Write the trees and `FILE` into `folder`; equal forests give equal bytes."""
    trees.save(forest.trees, folder)
    np.savez_compressed(folder / FILE, levels=forest.levels, shares=forest.shares[forest.trees.is_leaf])


def load(folder: Path) -> Forest:
    """The forest that `save` wrote.

    Raises:
        ContractError: A file is missing or is not one of ours.
    """
    grown = trees.load(folder)
    try:
        with np.load(folder / FILE, allow_pickle=False) as file:
            shares = np.zeros((len(grown.is_leaf), len(file["levels"])))
            shares[grown.is_leaf] = file["shares"]
            return Forest(grown, file["levels"], shares)
    except (OSError, EOFError, KeyError, ValueError, BadZipFile):
        raise ContractError(
            f"{FILE} must hold what the leaves of the forest say; it is missing or damaged. Train anew."
        ) from None


def _filled(values: Numbers) -> Numbers:
    """As the trees are fitted: in single precision, without gaps."""
    return np.nan_to_num(values, nan=_MISSING).astype(np.float32).astype(np.float64)


def _slices(rows: int) -> list[slice]:
    return [slice(start, start + _ROWS) for start in range(0, rows, _ROWS)]
