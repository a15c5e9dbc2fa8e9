"""Does an input stand in for a protected attribute? All inputs together are told; one that alone is one fails.

Whoever is of known group counts once, by the newest test case. What a linear reader finds of all inputs together is
told beside its interval: jobs, places and histories do differ by group, and how far that shows in selections is judged
by the rates. An input that alone orders the people of a group before all others is no fact about work but the
attribute's name.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.fairness import UNKNOWN
from pipelines.fairness.proxies import proxy_test

LIMIT: Final = 0.95
"""Chance that one of the group is ranked above one of the others by a single input, from which it stands in."""
_MOST: Final = 20_000
"""People tested at most, those of the newest cases: a figure of so many has an interval of a hundredth."""
_FOLDS: Final = 5
_PENALTY: Final = 1.0
_DESCRIBED: Final = ("person_id", "subject_id", "as_of")


def tested(inputs: pl.DataFrame, groups: pl.DataFrame, least: int, seed: int) -> list[dict[str, Any]]:
    """Every group of enough people, against the others of its axis.

    Args:
        inputs: [n_cases] person_id and the model's numeric and categorical inputs, the newest last.
        groups: [n_people] person_id and one str column an axis.
        least: People; smaller groups, and those with fewer others, are not tested.
        seed: Of the split.

    Returns:
        axis, group, people; auc, low, high of all inputs together; input and single: the one that alone tells most.
    """
    rows = inputs.unique("person_id", keep="last", maintain_order=True).join(
        groups, on="person_id", maintain_order="left"
    )
    rows = rows.tail(_MOST)
    names, numbers = _numbers(rows.select(name for name in inputs.columns if name not in _DESCRIBED), least)
    found: list[dict[str, Any]] = []
    if not names:
        return found
    for axis in (name for name in groups.columns if name != "person_id"):
        group = rows[axis].fill_null(UNKNOWN)
        sizes = dict(group.filter(group != UNKNOWN).value_counts().rows())
        if not any(least <= size <= sum(sizes.values()) - least for size in sizes.values()):
            continue
        told = proxy_test(numbers, group.to_numpy(), folds=_FOLDS, min_group_size=least, penalty=_PENALTY, seed=seed)
        for place in np.flatnonzero(np.isfinite(told.auc)):
            most = int(np.nanargmax(told.single_auc[place]))
            three = {"auc": told.auc[place], "low": told.low[place], "high": told.high[place]}
            of = {"axis": axis, "group": told.groups[place], "people": int(told.people[place])}
            single = {"input": names[most], "single": float(told.single_auc[place, most])}
            found.append(of | {name: float(value) for name, value in three.items()} | single)
    return found


def check(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The data check on what `tested` found. Where no group could be tested the gate has no groups to judge either."""
    name = "no_input_stands_in"
    if not found:
        return {"check": name, "passed": True, "reason": "No group is known of enough people to test for stand-ins."}
    worst, alone = max(found, key=lambda row: row["auc"]), max(found, key=lambda row: row["single"])
    reason = (
        f"All inputs together tell {worst['group']} ({worst['axis']}) from others with an AUC of {worst['auc']:.2f} "
        f"[{worst['low']:.2f} to {worst['high']:.2f}]; of single inputs {alone['input']} tells most, "
        f"{alone['group']} with {alone['single']:.2f}; the bound is {LIMIT}."
    )
    return {"check": name, "passed": bool(alone["single"] < LIMIT), "reason": reason}


def _numbers(inputs: pl.DataFrame, least: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Columns that differ between people: numbers with gaps at the median and told apart, codes of enough people."""
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for name in inputs.columns:
        column = inputs[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            value = column.cast(pl.Float64).fill_nan(None)
            middle = value.median()  # none where everybody's is missing
            columns[name] = value.fill_null(0.0 if middle is None else middle).to_numpy()
            columns[f"{name} missing"] = value.is_null().cast(pl.Float64).to_numpy()
        elif column.dtype == pl.String:
            for code, count in sorted(column.drop_nulls().value_counts().rows()):
                if count >= least:
                    columns[f"{name} {code}"] = (column == code).fill_null(value=False).cast(pl.Float64).to_numpy()
    kept = [name for name, values in columns.items() if len(values) and np.ptp(values) > 0]
    return kept, np.column_stack([columns[name] for name in kept]) if kept else np.zeros((len(inputs), 0))
