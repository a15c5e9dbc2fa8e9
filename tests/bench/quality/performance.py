"""Daily productivity of garment teams (`productivity.csv`), ordered by time.

A case is a team and a day; what is set before the day begins is known, idle time and idle men are only known after it
and nobody sees them. Productivity above the standard hour exists; it is judged as it is.

With a test folder its days are judged, as they come: the figures of the days before, in either folder, are known by
then. Rows that the training folder has too are left out. Without a test folder the days of the newest fifth of the rows
are judged. Predictions are numbered by the row of the judged file, from 0.
"""

import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy

from pipelines.base.errors import ContractError
from pipelines.base.settings import load
from pipelines.evaluate.bootstrap import mean
from pipelines.models import network
from pipelines.models.determinism import determined
from pipelines.models.performance import features
from tests.bench.quality.judgement import Judgement, Numbers, as_text

FORESTS: Final = {"random forest": 1, "random forest, leaves of 5": 5}
"""Baselines, and the rows that one of their leaves has at least: the defaults' single rows are not the strongest."""
COVERAGE: Final = 0.9
MOST: Final = 1.25
"""Productivity that is a rating of 1: teams exceed the standard hour, and no interval ending at it can hold that."""
MEASURES: Final = (
    "targeted_productivity",
    "smv",
    "wip",
    "over_time",
    "incentive",
    "no_of_style_change",
    "no_of_workers",
)
CODES: Final = ("quarter", "department", "day", "team")
_BEFORE: Final = 0.8
_VALID_SHARE: Final = 0.15


def judge(train: Path, test: Path | None, seed: int) -> Judgement:
    """Train on the earlier days, predict the later ones.

    Raises:
        ContractError: Too few days to learn from, or no row is left to judge.
    """
    known, held, told = parted(read(train), read(test) if test else None)
    found = Judgement()
    with tempfile.TemporaryDirectory() as folder:
        ours = modelled(found, Path(folder), known, held, seed)
    theirs = {name: grown(known, held, seed, leaf) for name, leaf in FORESTS.items()}
    _measure(found, held, ours, theirs)
    found.predictions = ours.select("row", "prediction", "low", "high")
    found.notes += told
    return found


def parted(own: pl.DataFrame, later: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Rows that are learnt, rows that are judged, and what a reader must know of these: no row is in both.

    Args:
        own: [n_rows] of the training folder.
        later: [n_rows] of the test folder; None without one.

    Raises:
        ContractError: Too few days to learn from, or no row is left to judge.
    """
    told: list[str] = []
    if later is None:
        day = _day(own, _BEFORE)
        known, held = own.filter(pl.col("at") < day), own.filter(pl.col("at") >= day)
    else:
        same = [name for name in own.columns if name != "row" and name in later.columns]
        known, held = own, later.join(own, on=same, how="anti", nulls_equal=True, maintain_order="left")
        if dropped := len(later) - len(held):
            told.append(f"{dropped} rows of the test folder left out: the training folder has the same")
    trained = known.filter(pl.col("at") < _day(known, 1 - _VALID_SHARE))
    if trained.is_empty() or held.is_empty():
        raise ContractError(
            f"There must be rows of one day to train on, of a later one to stop by, and others to judge; got "
            f"{known['at'].n_unique()} days with {len(known)} rows to learn from, and {len(held)} rows to judge. Give "
            "a training folder with more days, and a test folder with rows that it lacks."
        )
    return known, held, told


def _day(rows: pl.DataFrame, share: float) -> date:
    """The day that the newest rows begin with, where `share` of them come before; of no rows the first of all days."""
    days = rows["at"].sort().to_list()
    return days[int(share * len(days))] if days else date.min


def read(folder: Path) -> pl.DataFrame:
    """[n_rows] the file with its row numbers; the cells of departments end with spaces."""
    rows = as_text(folder / "productivity.csv").with_row_index("row")
    numeric = (*MEASURES, "actual_productivity")
    return rows.with_columns(
        *(pl.col(name).cast(pl.Float64, strict=False) for name in numeric),
        *(pl.col(name).str.strip_chars().fill_null("") for name in CODES),
        at=pl.col("date").str.to_date("%m/%d/%Y"),
    )


def tables(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The family's canonical tables: a team stands for a person, a day's productivity for a rating.

    Two rows of a team and a day are two shifts: the second has a person of its own, or one rating would hide the other.
    """
    source = {"known_from_basis": pl.lit("source")}
    begin = pl.col("at").cast(pl.Datetime("us", "UTC"))
    end = pl.col("at").dt.combine(time.max).dt.replace_time_zone("UTC")
    reviews = rows.select(
        "person_id",
        period_code="date",
        period_start="at",
        period_end="at",
        completed_at=end,
        rating_share=(pl.col("actual_productivity") / MOST).clip(0, 1),
        is_team_level=pl.lit(value=True),
        known_from=end,
        **source,
    )
    measured = rows.unpivot(MEASURES, index=["person_id", "at"], variable_name="measure_code").drop_nulls("value")
    records = measured.select(
        "person_id", "measure_code", "value", period_start="at", period_end="at", known_from=begin, **source
    )
    workers = rows.select("person_id", job_family_code="department").unique("person_id", maintain_order=True)
    first = pl.lit(datetime(2000, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    return {
        "reviews": reviews,
        "work_records": records,
        "workers": workers.with_columns(terminated_at=pl.lit(None, pl.Date), known_from=first, **source),
    }


def modelled(found: Judgement, folder: Path, known: pl.DataFrame, held: pl.DataFrame, seed: int) -> pl.DataFrame:
    """[n_held] row, prediction, low, high by the family's own model."""
    prepare, train = load(features.Prepare, "performance", "prepare"), load(features.Train, "performance", "train")
    every = pl.concat([known.with_columns(part=pl.lit("known")), held.with_columns(part=pl.lit("held"))])
    shift = pl.int_range(pl.len()).over("department", "team", "at")
    every = every.with_columns(person_id=pl.concat_str("department", "team", shift, separator="|"))
    described = features.examples(tables(every), prepare).with_columns(at=pl.col("subject_id").str.to_date("%Y-%m-%d"))
    rows = every.select("person_id", "at", "part", "row")
    described = rows.join(described, on=["person_id", "at"], how="left", maintain_order="left")
    steps, cases = (described.filter(pl.col("part") == part).drop("part", "row") for part in ("known", "held"))
    split = pl.when(pl.col("at") >= _day(steps, 1 - _VALID_SHARE)).then(pl.lit("valid")).otherwise(pl.lit("train"))
    family = network("performance")
    wanted = train.model_copy(update={"coverage": COVERAGE})
    determined(seed)
    with found.training():
        family.fit(steps.with_columns(split=split).drop("at"), wanted, folder, seed, 1)
    with found.scoring(len(cases)):
        said = family.predict(folder, cases.drop("at"), "model")
    scaled = (pl.col(name) * MOST for name in ("score", "low", "high"))
    return said.select(scaled).rename({"score": "prediction"}).with_columns(row=held["row"])


def grown(known: pl.DataFrame, held: pl.DataFrame, seed: int, leaf: int) -> Numbers:
    """[n_held] scikit-learn's random forest, else with its defaults; what is missing is 0.

    A code is a column a value: numbers in the order of their names would hide one team between two others.
    """
    from sklearn.ensemble import RandomForestRegressor

    codes = [(name, value) for name in CODES for value in sorted(known[name].drop_nulls().unique())]

    def matrix(frame: pl.DataFrame) -> Numbers:
        coded = (pl.col(n).eq_missing(v).cast(pl.Float64).alias(f"{n}={v}") for n, v in codes)
        return frame.select(*(pl.col(name).fill_null(0) for name in MEASURES), *coded).to_numpy()

    forest = RandomForestRegressor(min_samples_leaf=leaf, random_state=seed)
    forest.fit(matrix(known), known["actual_productivity"].to_numpy())
    predicted: Numbers = forest.predict(matrix(held))
    return predicted


def _measure(found: Judgement, held: pl.DataFrame, ours: pl.DataFrame, theirs: Mapping[str, Numbers]) -> None:
    truth = held["actual_productivity"].to_numpy()
    team = held.select(pl.concat_str("department", "team", separator="|"))["department"]
    targeted = held["targeted_productivity"].to_numpy()
    others: Mapping[str, Numbers] = {**theirs, "the target of the day": targeted}
    missed = mean(np.abs(ours["prediction"].to_numpy() - truth))
    found.compare("MAE", "lower", missed, {name: mean(np.abs(said - truth)) for name, said in others.items()}, team)
    inside = (ours["low"].to_numpy() <= truth) & (truth <= ours["high"].to_numpy())
    found.alone(f"coverage of the {COVERAGE:.0%} interval", "higher", float(inside.mean()))
    for name in sorted(held["department"].unique()):
        part = (held["department"] == name).to_numpy()
        found.alone(f"coverage, {name} ({part.sum()})", "higher", float(inside[part].mean()))
        low, high = np.array(scipy.stats.binom.interval(0.95, part.sum(), COVERAGE)) / part.sum()
        found.notes.append(f"an exact interval covers {low:.1%} to {high:.1%} of {part.sum()} rows, 19 times of 20")
    found.alone("mean width of the interval", "lower", float((ours["high"] - ours["low"]).mean()))
