"""Trees kept as plain arrays, saved and read without pickle: the declared baseline of two families, a part of a model.

scikit-learn fits; what it learnt is a few columns of numbers. Reading them back runs no code from the file.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError

FILE: Final = "trees.npz"
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees, one after the other."""

    roots: npt.NDArray[np.int64]
    """[n_trees] where each tree begins."""
    feature: npt.NDArray[np.int64]
    """[n_nodes] column that the node asks about."""
    threshold: Values
    """[n_nodes] at or below goes left."""
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    is_leaf: npt.NDArray[np.bool_]
    is_missing_left: npt.NDArray[np.bool_]
    """[n_nodes] where NaN goes."""
    value: Values
    """[n_nodes] what a leaf adds."""
    intercept: Values
    """[1] where the sum begins."""


def of(estimator: Any) -> Trees:
    """The trees of a fitted HistGradientBoosting classifier (two classes) or regressor without categorical splits."""
    nodes = [predictor.nodes for (predictor,) in estimator._predictors]  # noqa: SLF001  # no public way to the trees
    sizes = np.array([len(tree) for tree in nodes])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    table = np.concatenate(nodes)
    start = np.repeat(roots, sizes)
    if table["is_categorical"].any():
        raise ValueError("categorical splits are not kept; give codes as numbers")
    return Trees(
        roots=roots,
        feature=table["feature_idx"].astype(np.int64),
        threshold=table["num_threshold"].astype(np.float64),
        left=table["left"].astype(np.int64) + start,
        right=table["right"].astype(np.int64) + start,
        is_leaf=table["is_leaf"].astype(np.bool_),
        is_missing_left=table["missing_go_to_left"].astype(np.bool_),
        value=table["value"].astype(np.float64),
        intercept=np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1)[:1],  # noqa: SLF001
    )


def mean_of(estimator: Any) -> Trees:
    """The trees of a fitted forest of regression trees, each counting its share, so that their `total` is the mean."""
    parts = [one.tree_ for one in estimator.estimators_]
    sizes = np.array([part.node_count for part in parts])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    start = np.repeat(roots, sizes)
    left, right, feature = (
        np.concatenate([getattr(part, name) for part in parts]).astype(np.int64)
        for name in ("children_left", "children_right", "feature")
    )
    is_leaf = left < 0
    return Trees(
        roots=roots,
        feature=np.where(is_leaf, 0, feature),
        threshold=np.concatenate([part.threshold for part in parts]).astype(np.float64),
        left=np.where(is_leaf, 0, left + start),
        right=np.where(is_leaf, 0, right + start),
        is_leaf=is_leaf,
        is_missing_left=np.zeros(len(left), dtype=np.bool_),
        value=np.concatenate([part.value[:, 0, 0] for part in parts]) / len(parts),
        intercept=np.zeros(1),
    )


def told_by(trees: Trees, values: Values, people: npt.NDArray[np.int64], least: int) -> Trees:
    """The trees without questions whose answer would be that of few people: such a node answers for both its sides.

    Args:
        trees: Of `mean_of`: every node, not only a leaf, has the mean of its rows.
        values: [n_rows, n_columns] what they were fitted on.
        people: [n_rows] whose row it is, from 0.
        least: People that a leaf speaks of, at least.

    Returns:
        The trees with what is left of their nodes.
    """
    count = int(people.max(initial=0)) + 1
    most = int(np.bincount(people, minlength=1).max(initial=1))
    is_leaf = trees.is_leaf.copy()
    for root in trees.roots if least > 1 else ():
        at, rows = np.full(len(values), root), np.arange(len(values))
        while len(rows):
            is_open = ~is_leaf[at]
            at, rows = at[is_open], rows[is_open]
            goes_left = values[rows, trees.feature[at]] <= trees.threshold[at]
            side = np.where(goes_left, trees.left[at], trees.right[at])
            size = np.bincount(side, minlength=len(is_leaf))
            is_small = size[side] < least * most  # so many rows cannot be of fewer people
            pairs = np.unique(side[is_small] * count + people[rows[is_small]]) // count
            is_few = is_small & (np.bincount(pairs, minlength=len(is_leaf))[side] < least)
            is_leaf[at[is_few]] = True
            at = np.where(is_leaf[at], at, side)
    return _reached(replace(trees, is_leaf=is_leaf))


def _reached(trees: Trees) -> Trees:
    """The trees without the nodes that no question leads to."""
    is_kept = np.zeros(len(trees.is_leaf), dtype=np.bool_)
    nodes = trees.roots
    while len(nodes):
        is_kept[nodes] = True
        asking = nodes[~trees.is_leaf[nodes]]
        nodes = np.concatenate([trees.left[asking], trees.right[asking]])
    place = np.cumsum(is_kept) - 1
    is_leaf = trees.is_leaf[is_kept]
    return Trees(
        roots=place[trees.roots],
        feature=np.where(is_leaf, 0, trees.feature[is_kept]),
        threshold=np.where(is_leaf, 0.0, trees.threshold[is_kept]),
        left=np.where(is_leaf, 0, place[trees.left[is_kept]]),
        right=np.where(is_leaf, 0, place[trees.right[is_kept]]),
        is_leaf=is_leaf,
        is_missing_left=trees.is_missing_left[is_kept],
        value=trees.value[is_kept],
        intercept=trees.intercept,
    )


def total(trees: Trees, values: Values) -> Values:
    """Sum of what all trees say.

    Args:
        trees: Any number of them.
        values: [n_rows, n_columns] in the order of fitting. NaN means missing.

    Returns:
        [n_rows] the regressor's prediction; for a classifier the log odds.
    """
    sums: Values = trees.value[leaves(trees, values)].sum(axis=1) + trees.intercept
    return sums


def leaves(trees: Trees, values: Values) -> npt.NDArray[np.int64]:
    """[n_rows, n_trees] node at which a row of `values`, as for `total`, ends in each tree."""
    rows = np.arange(len(values))[:, None]
    at = np.broadcast_to(trees.roots, (len(values), len(trees.roots))).copy()
    while not (done := trees.is_leaf[at]).all():
        asked = values[rows, trees.feature[at]]
        goes_left = np.where(np.isnan(asked), trees.is_missing_left[at], asked <= trees.threshold[at])
        at = np.where(done, at, np.where(goes_left, trees.left[at], trees.right[at]))
    return at


def save(trees: Trees, folder: Path, name: str = FILE) -> None:
    """Write `name` into `folder`; equal trees give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {field.name: getattr(trees, field.name) for field in fields(Trees)}
    np.savez_compressed(folder / name, **arrays)


def load(folder: Path, name: str = FILE) -> Trees:
    """The trees that `save` wrote.

    Raises:
        ContractError: The file is missing or is not one of ours.
    """
    try:
        with np.load(folder / name, allow_pickle=False) as file:
            return Trees(**{field.name: file[field.name] for field in fields(Trees)})
    except (OSError, EOFError, KeyError, ValueError, BadZipFile):
        raise ContractError(f"{name} must hold the baseline's trees; it is missing or damaged. Train anew.") from None
