"""Work records as sequences: the newest steps of each person that were known at a moment."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models import asof

PART: Final = "__"
STEPS = f"{PART}steps"


def with_steps(
    frame: pl.DataFrame, records: pl.DataFrame, *, count: int, recent: int, min_coverage: float
) -> tuple[pl.DataFrame, list[str]]:
    """Add every measure's newest value, mean, trend and sequence.

    Args:
        frame: [n_cases] person_id, occurred_at; cases without any record known by then are left out.
        records: [n_records] work_records with what was known when.
        count: Newest steps that are looked at.
        recent: Newest of these whose mean is the recent one.
        min_coverage: Share of the steps that must have a measure.

    Returns:
        The cases, and the names of the added columns. The newest value is that of the newest step, null where it
        lacks the measure; mean and trend (recent mean less mean) are over what the steps have.
    """
    table, measures = _wide(records, min_coverage)
    last = table.select("person_id", "known_at", "row", "first").sort("known_at", "row")
    found = frame.sort("occurred_at").join_asof(
        last, left_on="occurred_at", right_on="known_at", by="person_id", suffix="_step", check_sortedness=False
    )
    found = found.filter(pl.col("row").is_not_null())
    rows, first = found["row"].to_numpy().astype(np.int64), found["first"].to_numpy().astype(np.int64)
    place, is_there = _places(table, rows, first, count)
    columns: dict[str, pl.Series] = {}
    for measure in measures:
        values = table[measure].to_numpy().astype(np.float64)
        sequence = np.where(is_there, values[np.maximum(place, 0)], np.nan) if len(values) else np.empty(place.shape)
        columns |= _summed_up(measure, sequence, recent)
    return found.with_columns(**columns), list(columns)


def _wide(records: pl.DataFrame, min_coverage: float) -> tuple[pl.DataFrame, list[str]]:
    """One row a person and step, in the order of becoming known, a column a measure; `first` is the person's first row.

    What was told late comes late: it must be in no case before, and must not keep what was known from one.
    """
    end = pl.col("period_end").cast(pl.Datetime("us", "UTC")) + pl.duration(days=1, microseconds=-1)
    step = ["person_id", "period_start"]
    timed = records.with_columns(known_at=asof.known_at(end))
    wide = timed.group_by(step).agg(pl.col("known_at").max())
    measures = _frequent(timed, len(wide), min_coverage)
    for measure in measures:
        of_one = timed.filter(pl.col("measure_code") == measure).select(*step, pl.col("value").alias(measure))
        wide = wide.join(of_one, on=step, how="left")
    wide = wide.sort("person_id", "known_at", "period_start").with_row_index("row")
    return wide.with_columns(first=pl.col("row").min().over("person_id")), measures


def _places(
    table: pl.DataFrame, rows: npt.NDArray[np.int64], first: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """[n_cases, count] rows of the newest periods known by then, oldest first, and whether they are the person's.

    What was told late about an old period stands where that period does, among twice as many rows.
    """
    began = table["period_start"].to_physical()
    is_late = (began < began.shift(1)) & (table["person_id"] == table["person_id"].shift(1))
    width = 2 * count if is_late.any() else count
    place = rows[:, None] - np.arange(width - 1, -1, -1)
    is_there = place >= first[:, None]
    if width > count:
        never = np.iinfo(np.int64).min
        order = np.argsort(np.where(is_there, began.to_numpy()[np.maximum(place, 0)], never), axis=1, kind="stable")
        place = np.take_along_axis(place, order, axis=1)[:, -count:]
        is_there = np.take_along_axis(is_there, order, axis=1)[:, -count:]
    return place, is_there


def _frequent(records: pl.DataFrame, steps: int, min_coverage: float) -> list[str]:
    counts = records.group_by("measure_code").len()
    return counts.filter(pl.col("len") >= min_coverage * steps)["measure_code"].sort().to_list()


def _summed_up(measure: str, sequence: npt.NDArray[np.float64], recent: int) -> dict[str, pl.Series]:
    mean, lately = _mean(sequence), _mean(sequence[:, -recent:])
    numbers: dict[str, Any] = {
        measure: sequence[:, -1],
        f"{measure}{PART}mean": mean,
        f"{measure}{PART}trend": lately - mean,
    }
    columns = {name: pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in numbers.items()}
    listed = pl.Series(f"{measure}{STEPS}", sequence, dtype=pl.Array(pl.Float64, sequence.shape[1])).arr.to_list()
    return columns | {listed.name: listed.list.eval(pl.element().fill_nan(None))}


def _mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[n_rows] mean of what is there, NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    total = np.where(present, values, 0.0).sum(axis=1)
    result: npt.NDArray[np.float64] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result
