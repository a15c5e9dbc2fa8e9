"""What a judgement is made of: metrics of model and baseline side by side, and predictions that tell them again.

Intervals are percentiles of 1,000 draws of people with replacement; model and baseline are measured on the same draws.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.base.errors import ContractError
from pipelines.evaluate.bootstrap import Weighted, estimates

RESAMPLES: Final = 1000
Better = Literal["higher", "lower"]
Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of the model beside one baseline's."""

    name: str
    model: float
    baseline: float
    """NaN where no baseline has such a figure."""
    delta: float
    """Model less baseline, whichever is better; the interval holds it with 95 % confidence (of one person: NaN)."""
    delta_low: float
    delta_high: float
    better: Better
    """Whether a higher or a lower value is better."""

    def line(self) -> str:
        """The figure as a row of a table."""
        sides = f"{self.model:>9.4f} {self.baseline:>9.4f} {self.delta:>+9.4f}"
        return f"{self.name:<64} {sides}  [{self.delta_low:+.4f}, {self.delta_high:+.4f}]  {self.better} is better"


@dataclass(slots=True)
class Judgement:
    """All that a family's judge found."""

    metrics: list[Metric] = field(default_factory=list)
    predictions: pl.DataFrame = field(default_factory=pl.DataFrame)
    """What an outsider needs to compute every metric again."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know of the figures: what was not measured, what was left out."""
    train_seconds: float = 0.0
    """Of the model, all its trainings together."""
    scored_rows: int = 0
    score_seconds: float = 0.0
    baseline_seconds: float = 0.0
    """What a baseline took for the same rows, where speed is compared."""

    @property
    def rows_per_second(self) -> float:
        """Rows scored by the model in a second, from raw cases to scores."""
        return self.scored_rows / self.score_seconds if self.score_seconds else float("nan")

    @property
    def baseline_rows_per_second(self) -> float:
        """The same of the first baseline; NaN where speed is not compared."""
        return self.scored_rows / self.baseline_seconds if self.baseline_seconds else float("nan")

    @contextmanager
    def training(self) -> Iterator[None]:
        """Time a training of the model."""
        began = time.perf_counter()
        yield
        self.train_seconds += time.perf_counter() - began

    @contextmanager
    def scoring(self, rows: int) -> Iterator[None]:
        """Time the scoring of so many rows by the model."""
        began = time.perf_counter()
        yield
        self.score_seconds += time.perf_counter() - began
        self.scored_rows += rows

    def compare(
        self, name: str, better: Better, model: Weighted, baselines: Mapping[str, Weighted], people: pl.Series
    ) -> None:
        """Add one metric a baseline; a model without any is compared with itself, and shown alone."""
        for against, baseline in (baselines or {"": None}).items():
            other = model if baseline is None else baseline
            ours, theirs, delta = estimates(model, other, people.to_numpy(), resamples=RESAMPLES, seed=0, sign=1.0)
            if baseline is None:
                self.alone(name, better, ours.value)
            else:
                label, one = f"{name}, against {against}", people.n_unique() < 2  # drawn again, one person is the same
                low, high = (float("nan"),) * 2 if one else (delta.low, delta.high)
                self.metrics.append(Metric(label, ours.value, theirs.value, delta.value, low, high, better))

    def alone(self, name: str, better: Better, value: float) -> None:
        """Add a figure that no baseline has."""
        nan = float("nan")
        self.metrics.append(Metric(name, value, nan, nan, nan, nan, better))


def as_text(file: Path) -> pl.DataFrame:
    """[n_rows] a file of a set, every column as text.

    Raises:
        ContractError: The folder has no such file.
    """
    if not file.is_file():
        raise ContractError(f"{file.parent} must have a file {file.name}, as its set of shared/data; it has none.")
    return pl.read_csv(file, infer_schema=False)


def calibration_error(outcome: Numbers, chance: Numbers, bins: int = 10) -> Weighted:
    """Mean distance of the chance from what came true, over bins of equal width, by number of cases.

    Args:
        outcome: [n_cases] 0 or 1.
        chance: [n_cases] in [0, 1].
        bins: Number of them.

    Source:
        Guo et al. 2017.
    """
    place = np.minimum((chance * bins).astype(np.int64), bins - 1)
    missed = (place[:, None] == np.arange(bins)) * (chance - outcome)[:, None]

    def under(weights: Numbers) -> Numbers:
        error: Numbers = np.abs(weights @ missed).sum(axis=1) / weights.sum(axis=1)
        return error

    return under


def exact_calibration_error(chance: Numbers, draws: int = 400) -> tuple[float, float]:
    """What `calibration_error` is where every chance is exactly right: few cases never come out as they should.

    Args:
        chance: [n_cases] in [0, 1]; outcomes are drawn from them.
        draws: Times that they are.

    Returns:
        The mean, and what 95 of 100 stay below.
    """
    rng = np.random.default_rng(0)
    once = np.ones((1, len(chance)))
    found = [
        float(calibration_error((rng.random(len(chance)) < chance).astype(float), chance)(once)[0])
        for _ in range(draws)
    ]
    return float(np.mean(found)), float(np.quantile(found, 0.95))


def macro_f1(truth: Codes, said: Codes, classes: int) -> Weighted:
    """Mean F1 of the classes that are in either side of a draw.

    Args:
        truth: [n_cases] class from 0.
        said: [n_cases] class from 0.
        classes: Number of classes.
    """
    every = np.arange(classes)
    is_true, is_said = (truth[:, None] == every).astype(np.float64), (said[:, None] == every).astype(np.float64)

    def under(weights: Numbers) -> Numbers:
        both, one, other = weights @ (is_true * is_said), weights @ is_true, weights @ is_said
        total = one + other
        f1 = np.divide(2 * both, total, out=np.full_like(total, np.nan), where=total > 0)
        mean: Numbers = np.nanmean(f1, axis=1)
        return mean

    return under
