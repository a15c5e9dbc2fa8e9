"""Does an input stand in for a protected attribute? All inputs together are told; one that alone is one fails.

Whoever is of known group counts once, by the newest test case. What a linear reader finds of all inputs together is
told beside its interval: jobs, places and histories do differ by group, and how far that shows in selections is judged
by the rates. An input that alone surely orders the people of a group before all others is the attribute by another
name, unless somebody declared why work itself makes it so (years of experience, of age): then the reason stands in the
evidence, and both approvers must accept it. So must they what may be so by chance.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import StringConstraints

from pipelines.base.settings import Section
from pipelines.fairness import UNKNOWN
from pipelines.fairness.proxies import proxy_test

LIMIT: Final = 0.95
"""Chance that one of the group is ranked above one of the others by a single input, from which it stands in: surely
where the low end of its interval reaches it."""
_MOST: Final = 20_000
"""People tested at most, those of the newest cases: a figure of so many has an interval of a hundredth."""
_FOLDS: Final = 5
_PENALTY: Final = 1.0
_DESCRIBED: Final = ("person_id", "subject_id", "as_of")


class WorkReason(Section):
    """An input that orders a group for a plain reason of work, declared before anybody looked at the figures."""

    family: str
    input: str
    """The column; that it is missing is another input, `<column> missing`."""
    attribute: str
    """The axis of the groups: another attribute is not excused."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]
    """What approvers read and accept: why the work itself needs it."""


def tested(inputs: pl.DataFrame, groups: pl.DataFrame, least: int, seed: int) -> list[dict[str, Any]]:
    """Every group of enough people, against the others of its axis.

    Args:
        inputs: [n_cases] person_id and the model's numeric and categorical inputs, the newest last.
        groups: [n_people] person_id and one str column an axis.
        least: People; smaller groups, and those with fewer others, are not tested.
        seed: Of the split.

    Returns:
        axis, group, people; auc, low, high of all inputs together; input, single and single_low: the one that alone
        tells most, and `standing`: all that reach `LIMIT`, each with input, single, single_low. An input is a column,
        or that it is missing: which of its codes tells is said nowhere.
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
            alone = _by_column(names, told.single_auc[place], told.single_low[place])
            three = {"auc": told.auc[place], "low": told.low[place], "high": told.high[place]}
            of = {"axis": axis, "group": told.groups[place], "people": int(told.people[place])}
            standing = {"standing": [one for one in alone if one["single"] >= LIMIT]}
            found.append(of | {name: float(value) for name, value in three.items()} | alone[0] | standing)
    return found


def to_accept(
    family: str, found: Sequence[Mapping[str, Any]], reasons: Sequence[WorkReason]
) -> list[dict[str, str | float | None]]:
    """What a person must accept, one entry an input and axis, by the group that it tells most surely.

    Args:
        family: Whose inputs; reasons of others say nothing here.
        found: As `tested`.
        reasons: As declared.

    Returns:
        input, axis, group, single, single_low, is_sure and reason: what was declared, None where that is nothing.
    """
    declared = {(one.input, one.attribute): one.reason for one in reasons if one.family == family}
    every = [{"axis": row["axis"], "group": row["group"], **one} for row in found for one in row["standing"]]
    most = {(one["input"], one["axis"]): one for one in sorted(every, key=lambda one: one["single_low"])}
    return [
        one | {"is_sure": one["single_low"] >= LIMIT, "reason": declared.get(pair)}
        for pair, one in sorted(most.items())
    ]


def check(found: Sequence[Mapping[str, Any]], standing: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The data check on what `tested` found: no input surely stands in without a reason that was declared.

    Where no group could be tested the gate has no groups to judge either.

    Args:
        found: As `tested`.
        standing: As `to_accept`.
    """
    name = "no_input_stands_in"
    if not found:
        return {"check": name, "passed": True, "reason": "No group is known of enough people to test for stand-ins."}
    worst, alone = max(found, key=lambda row: row["auc"]), max(found, key=lambda row: row["single_low"])
    faults = [f"{row['input']} for {row['axis']}" for row in standing if row["is_sure"] and not row["reason"]]
    reason = (
        f"All inputs together tell {worst['group']} ({worst['axis']}) from others with an AUC of {worst['auc']:.2f} "
        f"[{worst['low']:.2f} to {worst['high']:.2f}]; of single inputs {alone['input']} tells most, "
        f"{alone['group']} with {alone['single']:.2f}, surely {alone['single_low']:.2f}; the bound is {LIMIT}."
    )
    if faults:
        reason += (
            f" These stand in: {', '.join(faults)}. Take them out of the inputs, or declare in evaluate.work_reasons "
            "why work itself orders people so."
        )
    return {"check": name, "passed": not faults, "reason": reason}


def _by_column(names: Sequence[str], single: npt.ArrayLike, low: npt.ArrayLike) -> list[dict[str, Any]]:
    """The most telling of each column's numbers, the column that tells most first."""
    rows = pl.DataFrame({"input": names, "single": single, "single_low": low})
    ordered = rows.sort("single", "single_low", "input", descending=[True, True, False])
    return ordered.unique("input", keep="first", maintain_order=True).to_dicts()


def _numbers(inputs: pl.DataFrame, least: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Columns that differ between people: numbers with gaps at the median and told apart, codes of enough people."""
    columns: list[tuple[str, npt.NDArray[np.float64]]] = []
    for name in inputs.columns:
        column = inputs[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            value = column.cast(pl.Float64).fill_nan(None)
            middle = value.median()  # none where everybody's is missing
            columns.append((name, value.fill_null(0.0 if middle is None else middle).to_numpy()))
            columns.append((f"{name} missing", value.is_null().cast(pl.Float64).to_numpy()))
        elif column.dtype == pl.String:
            for code, count in sorted(column.drop_nulls().value_counts().rows()):
                if count >= least:
                    columns.append((name, (column == code).fill_null(value=False).cast(pl.Float64).to_numpy()))
    kept = [(name, values) for name, values in columns if len(values) and np.ptp(values) > 0]
    numbers = np.column_stack([values for _, values in kept]) if kept else np.zeros((len(inputs), 0))
    return [name for name, _ in kept], numbers
