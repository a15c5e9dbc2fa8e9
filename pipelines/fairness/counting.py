"""From people to counts: who was selected in which group, with every form of a missing answer made one group.

Columns of text are coded once, a distinct value at a time: nothing here runs Python for each person.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.base.errors import ContractError

UNKNOWN: Final = "unknown"
"""The group of people whose answer is missing. Shown, counted, never judged."""

_BY: Final = " x "

Counts = Mapping[str, tuple[int, int]]
"""Group to (people, selected)."""
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of names as numbers."""

    names: tuple[str, ...]
    """Distinct, in order; `unknown` last."""
    codes: Ints
    """[n_people] position in `names`."""

    def __len__(self) -> int:
        """People."""
        return len(self.codes)

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """[n_people] the names again."""
        return np.array(self.names or [UNKNOWN], dtype=np.str_)[self.codes]


def as_coded(group: npt.ArrayLike | Coded) -> Coded:
    """Groups as numbers, every form of a missing answer being `unknown`."""
    return group if isinstance(group, Coded) else _coded(np.asarray(group, dtype=object), _named)


def as_subjects(subject: npt.ArrayLike | Coded) -> Coded:
    """Subjects as numbers, names as they are."""
    return subject if isinstance(subject, Coded) else _coded(np.asarray(subject), str)


def cross(first: npt.ArrayLike | Coded, second: npt.ArrayLike | Coded) -> Coded:
    """An axis of two axes, such as `female|asian`. Unknown where either answer is; only what occurs is named.

    A bar within an answer has a backslash before it, and so has a backslash: no two cells have one name.
    """
    left, right = as_coded(first), as_coded(second)
    same_length(left.codes, right.codes)
    both = np.array([[joined(a, b) for b in right.names] for a in left.names], dtype=object).reshape(-1)
    cells = left.codes * len(right.names) + right.codes
    present = np.flatnonzero(np.bincount(cells, minlength=len(both)))
    names = in_order(both[present].tolist())
    position = np.zeros(len(both), dtype=np.int64)
    position[present] = [names.index(name) for name in both[present].tolist()]
    return Coded(names, position[cells])


def joined(first: str, second: str) -> str:
    """The name of a cell of two groups, as `cross` has it."""
    if UNKNOWN in (first, second):
        return UNKNOWN
    return "|".join(name.replace("\\", "\\\\").replace("|", "\\|") for name in (first, second))


def crossed_name(first: str, second: str) -> str:
    """The name of an axis of two axes, such as `sex x ethnicity`."""
    return f"{first}{_BY}{second}"


def is_crossed(axis: str) -> bool:
    """Whether an axis is one of two axes."""
    return _BY in axis


def axes_of(axis: str) -> tuple[str, ...]:
    """The axes that one is of: two, or itself."""
    return tuple(axis.split(_BY))


def intersection(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """[n_people] str: as `cross`, by name."""
    return cross(first, second).labels


def count(selected: npt.ArrayLike, group: npt.ArrayLike | Coded) -> dict[str, tuple[int, int]]:
    """People and selected by group.

    Raises:
        ContractError: The columns differ in length, or `selected` has gaps.
    """
    chosen, coded = as_selected(selected), as_coded(group)
    same_length(chosen, coded.codes)
    people = np.bincount(coded.codes, minlength=len(coded.names)).tolist()
    picked = np.bincount(coded.codes[chosen], minlength=len(coded.names)).tolist()
    return dict(zip(coded.names, zip(people, picked, strict=True), strict=True))


def as_selected(selected: npt.ArrayLike) -> Bools:
    """[n_people] bool. Raises ContractError on gaps and on anything but true and false (or 1 and 0)."""
    values = np.asarray(selected)
    if values.dtype == np.bool_:
        return values
    faults = len(values) - int(np.isin(values, [0, 1]).sum()) if values.dtype.kind in "iuf" else _odd(values)
    if faults:
        raise ContractError(
            f"is_selected must be true or false for everyone; {faults} of {len(values)} rows are neither. "
            "Correct the stage that selects."
        )
    return values.astype(np.bool_)


def same_length(*columns: npt.NDArray[Any]) -> None:
    """Raise ContractError unless all columns have one length."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ContractError(
            f"Columns must have one row a person; got lengths {sorted(lengths)}. Join the groups to the selections."
        )


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct names in the order of every table: by name, `unknown` last."""
    return tuple(sorted(set(names), key=lambda name: (name == UNKNOWN, name)))


def divided(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """Quotients; NaN where there is nothing to divide by."""
    over, under = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.nan)


def _coded(values: npt.NDArray[Any], named: Any) -> Coded:
    plain = values.tolist()
    name_of = {value: named(value) for value in dict.fromkeys(plain)}
    names = in_order(name_of.values())
    position = {name: index for index, name in enumerate(names)}
    code_of = {value: position[name] for value, name in name_of.items()}
    return Coded(names, np.fromiter(map(code_of.__getitem__, plain), dtype=np.int64, count=len(plain)))


def _odd(values: npt.NDArray[Any]) -> int:
    """How many are neither true nor false, nor the 1 and 0 that equal them."""
    return len(values) - sum(map({True, False}.__contains__, values.tolist()))


def _named(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    text = str(value).strip()
    return UNKNOWN if text.lower() in ("", UNKNOWN) else text
