"""Weigh people so that a protected attribute tells less of the outcome, for the alternatives that are to be reweighed.

Reads   prepared   examples.parquet: its `train` rows
        vault      protected attributes, under the audit identity
Writes  weighed    weights.parquet: an axis a column, a row a case in the order of examples.parquet, without any name
                   weights.json: the digest of the examples that they belong to; of each axis, how far it is weighed

Training reads these numbers, and they tell it one noisy answer a person and axis: `fairness.reweighing` says how little
that is. The answer is drawn by the audit key from the person and the group that they declared, and from nothing else:
the same in every family, on every day and under all parameters, so that no number of runs tells more than one. Whoever
declares another group answers anew; two pseudonyms of one human who were not linked yet answer twice.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import ConfigDict

from pipelines.base.catalog import PREPARED, WEIGHED, stage_dir
from pipelines.base.digests import sha256_file
from pipelines.base.lake import Lake
from pipelines.base.locks import lake_lock
from pipelines.base.log import get_logger
from pipelines.base.pseudonyms import AUDIT_KEY, pseudonym, secret
from pipelines.base.settings import Count, Section, load
from pipelines.base.stage import leave, main
from pipelines.base.store import open_store
from pipelines.base.tried import WEIGHABLE, WEIGHTS, WEIGHTS_ABOUT, Alternatives
from pipelines.evaluate import groups
from pipelines.fairness.counting import UNKNOWN
from pipelines.fairness.reweighing import answered, table

_DIGITS: Final = 13
"""Hex digits that a float holds exactly."""


class Judged(Section):
    """The gate's number: groups too small to be judged are too small to be weighed by."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    min_group_size: Count


def answers(people: pl.DataFrame, axis: str, key: bytes) -> npt.NDArray[np.int64]:
    """What people answer to the question after their group, for ever.

    Args:
        people: [n_people] person_id and the axis; whose group is not in `WEIGHABLE` answers at random, as if unknown.
        axis: One of `WEIGHABLE`.
        key: Of the draws.

    Returns:
        [n_people] position in the axis' closed list.
    """
    listed = WEIGHABLE[axis]
    group = people[axis].fill_null(UNKNOWN)
    digits = pseudonym(key, f"answer:{axis}", people["person_id"] + "|" + group).str.slice(2)
    parts = [digits.str.slice(at, _DIGITS).str.to_integer(base=16).to_numpy() for at in (0, _DIGITS)]
    places = group.replace_strict(list(listed), range(len(listed)), default=-1, return_dtype=pl.Int64)
    return answered(places.to_numpy(), np.stack(parts, axis=1) / 16.0**_DIGITS, len(listed))


def weighed(
    examples: pl.DataFrame, groups: pl.DataFrame, axis: str, *, least: int, key: bytes
) -> tuple[pl.Series, float] | None:
    """What each case counts on one axis.

    Args:
        examples: [n_cases] person_id, outcome, split.
        groups: [n_people] person_id and one column an axis.
        axis: Which of them.
        least: People of a group in each of both outcomes.
        key: Of the draws.

    Returns:
        [n_cases] the weights, 1 for whoever trains nothing, and how far they go, as `reweighing.table` has it; None
        where the axis is not in the data. A person counts as favourably decided about whose mean outcome is at least
        one half or, where outcomes are graded, above the median.
    """
    if axis not in groups.columns:
        return None
    people = examples.filter(pl.col("split") == "train").group_by("person_id").agg(pl.col("outcome").mean())
    people = people.sort("person_id").join(groups.select("person_id", axis), on="person_id", how="left")
    outcome = people["outcome"].to_numpy()
    is_graded = not examples["outcome"].is_in([0.0, 1.0]).all()
    favourable = np.asarray(outcome > np.median(outcome) if is_graded else outcome >= 0.5)
    answer = answers(people, axis, key)
    weights, strength = table(answer, favourable, len(WEIGHABLE[axis]), least=least)
    each = people.select("person_id", weight=pl.Series(weights[answer, favourable.astype(np.int64)]))
    trains = pl.when(pl.col("split") == "train").then(pl.col("weight"))
    joined = examples.join(each, on="person_id", how="left", maintain_order="left")
    return joined.select(trains.fill_null(1.0).alias(axis))[axis], strength


def run(family: str, root: Path | None = None) -> str:
    """Weigh a family's people, on each axis that an alternative of it names.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        SettingsError: CANDOR_AUDIT_KEY is missing.
    """
    tried = load(Alternatives, family, "alternatives", root=root).tried
    least = load(Judged, "gate", root=root).min_group_size
    file = stage_dir(family, PREPARED, root) / "examples.parquet"
    axes = sorted({one.reweigh for one in tried if one.reweigh})
    columns: list[pl.Series] = []
    about: dict[str, Any] = {}
    if axes:
        key, lock, lake = secret(AUDIT_KEY), lake_lock(root), Lake(open_store())
        known = groups.read(lake, lock.manifest(lake), lock.as_of(family))
        examples = pl.read_parquet(file)
        for axis in axes:
            found = weighed(examples, known, axis, least=least, key=key)
            if found:
                columns.append(found[0])
                about[axis] = {"strength": found[1]}
    folder = stage_dir(family, WEIGHED, root)
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(folder / WEIGHTS, compression="zstd")
    told = {"examples_sha256": sha256_file(file), "axes": about}
    (folder / WEIGHTS_ABOUT).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    get_logger("weigh").info("people_weighed", family=family, axes=len(columns))
    return f"{family}: {len(columns)} of {len(axes)} axes weighed"


if __name__ == "__main__":
    leave(main(run, __doc__))
