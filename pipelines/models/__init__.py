"""Model families, one folder each, and the contract they all answer.

A family's `features` turns canonical tables into labelled cases (no Keras); its `network` fits, predicts and explains
(the only users of Keras). Stages load a family by its name, so that editing one family reruns one family. Families
never import one another; what they share is `asof` (facts as known at a moment), `tabular` (columns to numbers) and
`trees` (a baseline).
"""

import importlib
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.base.settings import Section
from pipelines.base.stage import loading

Tables = Mapping[str, pl.DataFrame]
Scorer = Literal["model", "baseline"]
Metric = Literal["auc", "ranking", "mae"]
CASE_WEIGHT: Final = "case_weight"
"""Column of how much a case counts in training, where cases count differently. No input, and no model is shown it."""
GRADE: Final = "end_score_share"
"""Column of the score that a case ended with, null where there is none: a second label, and no input."""
TOGETHER: Final = ("together_id", "together_count")
"""Columns of a family that keeps people together in one split: the first of them, and how many cases they have, those
included that are left out since another split had begun. `prepare` counts them and takes them out."""

_TENSORFLOW: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""Read by TensorFlow when it is imported: no notices, and sums in one order, whatever the processor and its cores. With
more threads one training in three differed in the last digits, deterministic operations or not. Work is shared out
among processes instead."""


class Features(Protocol):
    """A family's `features` module."""

    TABLES: tuple[str, ...]
    VERSIONED: tuple[str, ...]
    """Those of the tables that come with every version known; of the others the newest."""
    METRIC: Metric
    UNIT: tuple[str, ...]
    DECISIONS: tuple[str, ...]
    """Tables of `decisions`; none where `outcomes` tell of all that people decided, and `decisions` is not there."""
    REACHED: tuple[str, ...]
    """Tables of `reached` and, without `DECISIONS`, of `outcomes`; none where nothing bounds what is not known, and
    `reached` is not there."""
    Prepare: type[Section]
    Train: type[Section]
    Decide: type[Section]

    def examples(self, tables: Tables, settings: Any) -> pl.DataFrame:  # the family's own section
        """Labelled cases with the model's columns, using only what was known before `occurred_at`."""

    def cases(self, tables: Tables, settings: Any, as_of: date) -> pl.DataFrame:
        """Current cases without outcome, the same columns."""

    def outcomes(self, tables: Tables) -> pl.DataFrame:
        """Everything known about how cases ended: facts, which no setting may change."""

    def decisions(self, tables: Tables) -> pl.DataFrame:
        """What people decided beside the outcome that is predicted, such as at later stages: to be judged by group.

        The family's UNIT, stage_code, outcome, decided_by and known_at, the moment of the decision.
        """

    def reached(self, tables: Tables) -> pl.DataFrame:
        """person_id and subject_id of all of whom an outcome could have been known, whether it is or not.

        And target_code, as in `outcomes`, where one person can have several outcomes of one subject.
        """

    def inputs(self, frame: pl.DataFrame) -> pl.DataFrame:
        """person_id, subject_id and the model's numeric and categorical columns, as far as `frame` has them."""

    def is_measure(self, name: str, inputs: Collection[str]) -> bool:
        """Whether one of all inputs is made of a measure of work records, and not there where no record has it.

        Not there in a family that reads no work records.
        """

    def select(self, scored: pl.DataFrame, settings: Any) -> pl.Series:
        """[n_rows] bool. Who gets the favourable outcome."""


class Network(Protocol):
    """A family's `network` module."""

    def fit(
        self, prepared: pl.DataFrame, settings: Any, folder: Path, seed: int, min_people: int
    ) -> Sequence[Mapping[str, float]]:
        """Train on the `train` rows, watch the `valid` rows, write `folder`; one mapping an epoch.

        Where `prepared` has `CASE_WEIGHT` each `train` row counts so much; a ranking family takes none. What fewer than
        `min_people` wrote or share, a term or a code, must not be in `folder`.
        """

    def fit_baseline(self, prepared: pl.DataFrame, settings: Any, folder: Path, seed: int, min_people: int) -> None:
        """The declared baseline on the same rows, with the same rule."""

    def predict(self, folder: Path, frame: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
        """person_id, subject_id, target_code, score, low, high; `folder` is what fit or fit_baseline wrote."""

    def validate(self, prepared: pl.DataFrame, settings: Any, folder: Path, seed: int, min_people: int) -> pl.DataFrame:
        """As `predict`, of the `valid` rows, by a model that has not learnt from their outcomes.

        What `fit` wrote into `folder` with these very arguments may have, at last: a choice on its own scores of these
        rows would prefer whatever remembers best.
        """

    def explain(self, folder: Path, frame: pl.DataFrame, scored: pl.DataFrame) -> list[list[str]]:
        """Reason codes for each row of `scored`, at most seven."""


def case_weights(train: pl.DataFrame) -> npt.NDArray[np.float32] | None:
    """[n_rows, 1] how much each case counts; None where all count alike."""
    return train[CASE_WEIGHT].to_numpy().astype(np.float32)[:, None] if CASE_WEIGHT in train.columns else None


def abstains(scored: pl.DataFrame, decide: Section) -> pl.Series:
    """[n_rows] bool. Of whom the model cannot tell on which side of the threshold they are: a person decides.

    Args:
        scored: [n_rows] score, low, high.
        decide: The family's `Decide`. Without `abstain` in it, nothing is left to anybody.

    Returns:
        Whether the interval has the threshold in it, or is not known.
    """
    numbers = decide.model_dump()
    if not numbers.get("abstain"):
        return pl.repeat(value=False, n=len(scored), eager=True)
    is_sure = (scored["low"] >= numbers["threshold"]) | (scored["high"] < numbers["threshold"])
    unsure: pl.Series = ~(is_sure & scored["low"].is_not_nan() & scored["high"].is_not_nan()).fill_null(value=False)
    return unsure


def features(family: str) -> Features:
    """The family's `features` module."""
    return cast("Features", importlib.import_module(f"pipelines.models.{family}.features"))


def network(family: str) -> Network:
    """The family's `network` module, and Keras with it, without its notices."""
    os.environ.update(_TENSORFLOW)
    with loading(without=("sklearn",)):  # for wrappers that we do not use: a fifth of the import
        importlib.import_module("keras")
        return cast("Network", importlib.import_module(f"pipelines.models.{family}.network"))
