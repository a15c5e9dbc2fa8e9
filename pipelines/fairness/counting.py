"""From people to counts: who was selected in which group, with every form of a missing answer made one group."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError

UNKNOWN: Final = "unknown"
"""The group of people whose answer is missing. Shown, counted, never judged."""

Counts = Mapping[str, tuple[int, int]]
"""Group to (people, selected)."""


def count(selected: npt.ArrayLike, group: npt.ArrayLike) -> dict[str, tuple[int, int]]:
    """People and selected by group.

    Raises:
        ContractError: The columns differ in length, or `selected` has gaps.
    """
    chosen, names = as_selected(selected), as_groups(group)
    same_length(chosen, names)
    labels, index = np.unique(names, return_inverse=True)
    people = np.bincount(index, minlength=len(labels))
    picked = np.bincount(index, weights=chosen, minlength=len(labels))
    return {str(label): (int(n), int(s)) for label, n, s in zip(labels, people, picked, strict=True)}


def as_selected(selected: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """[n_people] bool. Raises ContractError on gaps and on anything but true and false (or 1 and 0)."""
    values = np.asarray(selected)
    faults = sum(value not in (True, False) for value in values.tolist())
    if faults:
        raise ContractError(
            f"is_selected must be true or false for everyone; {faults} of {len(values)} rows are neither. "
            "Correct the stage that selects."
        )
    return values.astype(np.bool_)


def as_groups(group: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """[n_people] str, every form of a missing answer written as `unknown`."""
    return np.array([_named(value) for value in np.asarray(group, dtype=object).tolist()], dtype=np.str_)


def same_length(*columns: npt.NDArray[Any]) -> None:
    """Raise ContractError unless all columns have one length."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ContractError(
            f"Columns must have one row a person; got lengths {sorted(lengths)}. Join the groups to the selections."
        )


def intersection(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """[n_people] str, such as `female|asian`: an axis of two axes. Unknown where either answer is."""
    left, right = as_groups(first), as_groups(second)
    same_length(left, right)
    joined = np.char.add(np.char.add(left, "|"), right)
    return np.where((left == UNKNOWN) | (right == UNKNOWN), UNKNOWN, joined).astype(np.str_)


def _named(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    text = str(value).strip()
    return UNKNOWN if text.lower() in ("", UNKNOWN) else text
