"""Which columns a model reads and how they become numbers: written at fit, read at every prediction.

And how wide an interval about what it says must be. Shared by the two families that learn from a table of numbers and
codes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

FILE: Final = "columns.json"
_ROWS = 4096
_LEAST_CASES = 20
"""Cases that set margins without which a group has no margin of its own: fewer do not show one case in ten."""
_PULL = 10
"""Cases as many as which the margin of all counts beside that of a group."""
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Columns:
    """The numeric columns with their training medians, the codes with an index each."""

    numeric: tuple[str, ...]
    medians: tuple[float, ...]
    codes: dict[str, list[str]]
    """Categorical column -> its codes; the first has the index 1, and 0 is unknown."""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, numeric first."""
        return (*self.numeric, *self.codes)


def learn(inputs: pl.DataFrame, min_people: int) -> Columns:
    """What the training rows have: columns without any value are left out.

    Args:
        inputs: [n_rows] `inputs` of the training rows.
        min_people: People from whom a code has an index of its own: a rarer one would tell of them for years.
    """
    columns = inputs.drop("person_id", "subject_id")
    numeric = tuple(n for n in columns.columns if columns[n].dtype.is_numeric() and columns[n].count() > 0)
    codes = {name: common(inputs, name, min_people) for name in columns.columns if columns[name].dtype == pl.String}
    medians = tuple(_median(columns[name]) for name in numeric)
    return Columns(numeric, medians, {name: found for name, found in codes.items() if found})


def numbers(columns: Columns, frame: pl.DataFrame) -> Numbers:
    """[n_rows, n_numeric] with NaN for missing; a column that `frame` lacks is missing everywhere."""
    present = set(frame.columns)
    parts = [
        frame[name].cast(pl.Float64).to_numpy() if name in present else np.full(len(frame), np.nan)
        for name in columns.numeric
    ]
    return np.column_stack(parts).astype(np.float64) if parts else np.empty((len(frame), 0))


def indices(columns: Columns, frame: pl.DataFrame) -> npt.NDArray[np.int64]:
    """[n_rows, n_categorical] index of each code, 0 for missing and for codes not seen in training."""
    parts = [
        frame[name]
        .replace_strict(known, range(1, len(known) + 1), default=0, return_dtype=pl.Int64)
        .fill_null(0)
        .to_numpy()
        if name in frame.columns
        else np.zeros(len(frame), dtype=np.int64)
        for name, known in columns.codes.items()
    ]
    return np.column_stack(parts) if parts else np.empty((len(frame), 0), dtype=np.int64)


def pieces(values: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """A column as `count` steps between its training quantiles, each 0 below its piece, 1 above, linear within.

    Small networks read a skewed number far better this way than scaled by mean and deviation.

    Args:
        values: [n_rows, n_numeric] with NaN for missing.
        count: Pieces a column, fewer where quantiles coincide.

    Returns:
        Weights [n_numeric, n_pieces] and bias [n_pieces]; clipped to [0, 1] their output is the steps.
    """
    found: list[tuple[int, float, float]] = []
    for place in range(values.shape[1]):
        known = values[:, place][~np.isnan(values[:, place])]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)))
        edges = edges if len(edges) > 1 else np.array([edges[0] - 1, edges[0]])
        found += [(place, float(low), float(high)) for low, high in pairwise(edges)]
    weights, bias = np.zeros((values.shape[1], len(found))), np.zeros(len(found))
    for piece, (place, low, high) in enumerate(found):
        weights[place, piece], bias[piece] = 1 / (high - low), -low / (high - low)
    return weights, bias


def answers(model: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Numbers:
    """What a network says of rows, a few thousand at a time.

    `predict` sets up a pipeline of its own a call, a fifth of a second each: an explanation calls twenty times.

    Args:
        model: A Keras model of named inputs.
        arrays: Input -> [n_rows, ...]; at least one row.

    Returns:
        [n_rows, ...] its output.
    """
    rows = len(next(iter(arrays.values())))
    parts = [
        model.predict_on_batch({name: values[start : start + _ROWS] for name, values in arrays.items()})
        for start in range(0, rows, _ROWS)
    ]
    return np.concatenate(parts).astype(np.float64)


def margin(needed: Numbers, coverage: float) -> float:
    """What holds `coverage` of cases exchangeable with these; 1, all of the scale, with too few to tell.

    That is what one of them needed, the ceil(coverage * (n + 1))-th: between two the promise is kept by neither.

    Args:
        needed: [n_cases] margin that each would have needed.
        coverage: In (0, 1).

    Source:
        Split conformal prediction, Lei et al. 2018.
    """
    place = math.ceil(round(coverage * (len(needed) + 1), 9))  # .9 * 10 is no more than 9
    return float(np.sort(needed)[place - 1]) if place <= len(needed) else 1.0


def margins(setting: pl.DataFrame, name: str, needed: Numbers, coverage: float, min_people: int) -> dict[str, float]:
    """The margin of each group, pulled to that of all: one for all is too wide for some and too narrow for others.

    Args:
        setting: [n_cases] person_id, and `name` if they are grouped at all.
        name: Column of the groups.
        needed: [n_cases] margin that each would have needed.
        coverage: In (0, 1).
        min_people: Smaller groups have none.

    Returns:
        Group -> margin; none for groups of too few cases, and for cases of no group.
    """
    if name not in setting.columns:
        return {}
    everybody = margin(needed, coverage)
    least = max(_LEAST_CASES, math.ceil(round(coverage / (1 - coverage), 9)))  # with fewer it is all of the scale
    found = {}
    for code in common(setting, name, min_people):
        is_own = setting[name].eq_missing(code).to_numpy()
        cases = int(is_own.sum())
        if cases >= least:
            found[code] = (cases * margin(needed[is_own], coverage) + _PULL * everybody) / (cases + _PULL)
    return found


def margin_of_each(margins: Mapping[str, float], frame: pl.DataFrame, name: str, other: float) -> Numbers:
    """[n_rows] margin of each row's group; `other` for a group without one, and where there are no groups."""
    if not margins or name not in frame.columns:
        return np.full(len(frame), other)
    return frame[name].replace_strict(margins, default=other, return_dtype=pl.Float64).to_numpy()


def common(frame: pl.DataFrame, name: str, min_people: int) -> list[str]:
    """The codes of a column that enough people have, in order.

    Args:
        frame: [n_rows] person_id and `name`.
        name: The column.
        min_people: Of each code.
    """
    people = frame.drop_nulls(name).group_by(name).agg(pl.col("person_id").n_unique())
    return sorted(people.filter(pl.col("person_id") >= min_people)[name].to_list())


def save(columns: Columns, folder: Path) -> None:
    """Write `FILE` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(asdict(columns), indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> Columns:
    """The columns that `save` wrote."""
    raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return Columns(tuple(raw["numeric"]), tuple(raw["medians"]), raw["codes"])


def _median(values: pl.Series) -> float:
    return float(np.median(values.drop_nulls().to_numpy()))
