"""Turn a family's tables into labelled cases, split by time, and describe them.

Reads   snapshot   the family's tables as known on its day
        keys       what opens each person's rows in it; who was forgotten since is lacking, and counted
Writes  examples.parquet   one row a labelled case: who, what, when asked, outcome, `split`, the model's columns
        profile.json       distribution of every input over the people whom the model would be asked about on that day
        report.json        counts, the audit of the labels, and the leaks found: inputs that tell the outcome too well
                           to be known beforehand; where people are kept together in one split, `left_out`: cases of
                           theirs that another one had begun before, and `largest_together`: cases of most together
        raters.parquet     where it is known who rates: how severe each is, under the pseudonym, with interval
        severity.parquet   the same of each training case whose rater surely differs

The past trains, the newest cases test: cases are cut by the moment of prediction, equal moments by a hash of the
person. An input that leaks is taken out here, so that no later stage can use it. The severity of raters who are surely
harsher or more lenient than others on the same people is kept beside the outcomes, which stay as they were given:
`train` takes it off, and whoever judges people's decisions sees them as they were.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.base import keys, profiles, snapshots
from pipelines.base.catalog import PREPARED, SNAPSHOT, stage_dir
from pipelines.base.errors import ContractError
from pipelines.base.log import get_logger
from pipelines.base.settings import Count, MinPeople, Section, Share, load
from pipelines.base.stage import leave, main
from pipelines.base.store import open_store
from pipelines.models import TOGETHER, features, labels

SPLITS: Final = ("train", "valid", "test")
_KEYS: Final = ("person_id", "subject_id")
_PART = "__"
"""Between an input's name and those of columns made from the same source, such as `tasks__steps`."""


class Prepare(Section):
    """How cases are split, checked and described, for all families."""

    valid_share: Share
    test_share: Share
    leak_limit: Share
    """Association with the outcome above which an input counts as a leak."""
    leak_min_rows: Count
    """Rows with a value below which no association is measured."""
    profile_bins: Count
    profile_min_rows: Count
    """Fewer people asked about describe nothing; then the training rows are the reference."""


@dataclass(frozen=True, slots=True)
class Leak:
    """An input that tells the outcome."""

    column: str
    association: float
    """In [0, 1]: distance of the AUC from one half, doubled, or the size of Spearman's correlation."""
    basis: str
    """`value`, or `missing` where the gaps give it away."""


def split(frame: pl.DataFrame, settings: Prepare) -> pl.Series:
    """[n_cases] `train`, `valid` or `test`, oldest first; a family's own `split` stands.

    Args:
        frame: [n_cases] person_id, occurred_at.
        settings: Shares of the newest cases.
    """
    if "split" in frame.columns:
        return frame["split"]
    salted = [sha256(f"split|{person}".encode()).hexdigest() for person in frame["person_id"]]
    order = frame.select("occurred_at").with_columns(salt=pl.Series(salted, dtype=pl.String), row=pl.row_index())
    ranked = order.sort("occurred_at", "salt", "row").with_columns(place=pl.row_index() / pl.len())
    newest, newer = 1 - settings.test_share, 1 - settings.test_share - settings.valid_share
    label = pl.when(pl.col("place") >= newest).then(pl.lit("test")).when(pl.col("place") >= newer)
    return ranked.select("row", split=label.then(pl.lit("valid")).otherwise(pl.lit("train"))).sort("row")["split"]


def association(values: npt.NDArray[np.float64], outcome: npt.NDArray[np.float64]) -> float:
    """How well one column alone orders the outcomes.

    Args:
        values: [n_rows] without NaN.
        outcome: [n_rows].

    Returns:
        In [0, 1]: for outcomes 0 and 1 the doubled distance of the AUC from one half, else the size of Spearman's
        correlation. NaN when either side is constant.
    """
    from scipy.stats import rankdata

    if len(values) == 0 or np.ptp(values) == 0 or np.ptp(outcome) == 0:
        return float("nan")
    ranks = rankdata(values)
    if set(np.unique(outcome)) == {0.0, 1.0}:
        positive = outcome == 1
        n1, n0 = positive.sum(), (~positive).sum()
        auc = (ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
        return float(abs(auc - 0.5) * 2)
    return float(abs(np.corrcoef(ranks, rankdata(outcome))[0, 1]))


def leaks(inputs: pl.DataFrame, outcome: pl.Series, settings: Prepare) -> list[Leak]:
    """Numeric inputs that tell the outcome better than anything known beforehand could, by name.

    Args:
        inputs: [n_cases] any columns; only the numeric ones are looked at.
        outcome: [n_cases] without nulls.
        settings: The limit.
    """
    found = []
    label = outcome.to_numpy().astype(np.float64)
    for name in sorted(inputs.columns):
        if not inputs[name].dtype.is_numeric():
            continue
        values = inputs[name].cast(pl.Float64).to_numpy()
        missing = np.isnan(values)
        measured = {
            "value": association(values[~missing], label[~missing]) if _enough(~missing, settings) else float("nan"),
            "missing": association(missing.astype(np.float64), label) if _enough(missing, settings) else float("nan"),
        }
        found += [Leak(name, size, basis) for basis, size in measured.items() if size > settings.leak_limit]
    return found


def without(frame: pl.DataFrame, leaking: list[Leak]) -> pl.DataFrame:
    """`frame` without the leaking inputs and every column made from the same source."""
    sources = {leak.column.split(_PART)[0] for leak in leaking}
    return frame.drop([name for name in frame.columns if name.split(_PART)[0] in sources])


def apart(examples: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """`examples` without `TOGETHER`, and what it cost to keep people together.

    Args:
        examples: [n_cases] of whom the first case of those kept together is always there.

    Returns:
        [n_cases], and left_out, cases that are lacking here, and largest_together, cases of the most that are kept
        together, those lacking included. Neither for a family whose splits are made by time alone.
    """
    if not set(TOGETHER) <= set(examples.columns):
        return examples, {}
    group, count = TOGETHER
    groups = examples.group_by(group).agg(pl.col(count).first(), here=pl.len())
    told = groups.select(left_out=pl.col(count).sum() - pl.col("here").sum(), largest_together=pl.col(count).max())
    return examples.drop(TOGETHER), told.row(0, named=True)


def require_learnable(family: str, kept: pl.DataFrame, together: Mapping[str, int]) -> None:
    """Whether there is something to learn from, and something to stop the training by.

    Args:
        family: For the message.
        kept: [n_cases] split.
        together: As `apart` gives.

    Raises:
        ContractError: A split is empty that training reads. Without a test there is a model, which the gate holds.
    """
    counts = _counts(kept)
    if counts["train"] and counts["valid"]:
        return
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    why = "Ingest a longer history."
    if together:
        said += ", left out {left_out}; the most who are kept together have {largest_together}".format(**together)
        why = "Ingest a longer history, or resumes without the text that many have in common."
    raise ContractError(f"{family} must have cases in train and in valid; there are {said}. {why}")


def referenced(training: pl.DataFrame, asked: pl.DataFrame, least: int) -> pl.DataFrame:
    """The rows that later scorings are compared with, in the columns that the model learns from.

    Training rows lie years apart and hold a person several times; counts of a past and lengths of a history differ from
    today's by nature. So drift is measured against the people asked about when the model was trained.

    Args:
        training: [n_rows] inputs of the training rows.
        asked: [n_people] inputs of those whom the model would be asked about on the snapshot's day.
        least: Rows; with fewer asked the training rows stand.
    """
    names = [name for name in training.columns if name in asked.columns]
    return asked.select(names) if len(asked) >= least else training


def run(family: str, root: Path | None = None) -> str:
    """Prepare a family's cases.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        ContractError: There is no labelled case, or none to learn from or to stop the training by.
    """
    module = features(family)
    common = load(Prepare, "prepare", root=root)
    own = load(module.Prepare, family, "prepare", root=root)
    least = load(MinPeople, "privacy", root=root).min_people
    taken = snapshots.read(stage_dir(family, SNAPSHOT, root), module.TABLES, keys.held(open_store()))
    tables = taken.tables
    examples = module.examples(tables, own)
    if examples.is_empty():
        rows = ", ".join(f"{name} {len(frame)}" for name, frame in tables.items())
        raise ContractError(f"{family} must have labelled cases; there are none (rows: {rows}). Ingest its outcomes.")
    examples, together = apart(examples)
    found = leaks(module.inputs(examples), examples["outcome"], common)
    given = module.raters(tables) if hasattr(module, "raters") else None  # most families' labels name nobody
    audited, raters = labels.audit(examples, given, least)
    kept = without(examples.with_columns(split(examples, common).alias("split")), found)
    require_learnable(family, kept, together)
    if given is not None:
        off = labels.to_take_off(kept, given)
        audited["severity_off_cases"] = len(off)
    folder = stage_dir(family, PREPARED, root)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_parquet(folder / "examples.parquet", compression="zstd")
    as_of = date.fromisoformat(_snapshot_report(family, root)["as_of"])
    asked = module.inputs(without(module.cases(tables, own, as_of), found))
    reference = referenced(module.inputs(kept.filter(pl.col("split") == "train")), asked, common.profile_min_rows)
    _write(folder / "profile.json", profiles.profile(reference, common.profile_bins, least))
    if given is not None:
        off.write_parquet(folder / labels.SEVERITY, compression="zstd")
    if raters is not None:
        raters.write_parquet(folder / "raters.parquet", compression="zstd")
    report = _report(family, kept, found, own, as_of) | {"lacking_people": taken.lacking, "labels": audited} | together
    _write(folder / "report.json", report)
    names = ", ".join(leak.column for leak in found)
    get_logger("prepare").info(
        "cases_prepared", family=family, cases=len(kept), leaks=names, lacking=taken.lacking, **together
    )
    lacking = f"; without {taken.lacking} people who were forgotten since" if taken.lacking else ""
    return f"{family}: {len(kept)} cases" + (f"; taken out as leaks: {names}" if found else "") + lacking


def _report(family: str, kept: pl.DataFrame, found: list[Leak], own: Section, as_of: date) -> dict[str, Any]:
    """Counts and leaks, and the family's own numbers: whoever scores with the model makes its cases with the same."""
    leaks_found, settings = [asdict(leak) for leak in found], own.model_dump(mode="json")
    counts = _counts(kept)
    return {"family": family, "as_of": as_of.isoformat(), "cases": counts, "leaks": leaks_found, "settings": settings}


def _counts(kept: pl.DataFrame) -> dict[str, int]:
    return {name: int((kept["split"] == name).sum()) for name in SPLITS}


def _snapshot_report(family: str, root: Path | None) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((stage_dir(family, SNAPSHOT, root) / "report.json").read_text(encoding="utf-8"))
    return report


def _enough(present: npt.NDArray[np.bool_], settings: Prepare) -> bool:
    return int(present.sum()) >= settings.leak_min_rows


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    leave(main(run, __doc__))
