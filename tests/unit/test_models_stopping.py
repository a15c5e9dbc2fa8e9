"""Every family: validation cases say when training stops, and teach it nothing."""

import json

import polars as pl
import pytest

from pipelines.models import features, network
from pipelines.models.determinism import determined
from tests.unit import test_models_repeat as repeat

quick = repeat.quick
pytestmark = repeat.pytestmark
EPOCHS = 12
STOPS = {"recommendation": "valid_gain"}
"""What stops it, where that is not its loss."""
QUICK = {"recommendation": {"batch": 8, "learning_rate": 0.01}}
"""Where a step an epoch teaches too little to see anything."""


def turned(prepared, family):
    """The same cases, but what came of those of validation is turned round: the more is learnt, the worse it holds."""
    is_valid = pl.col("split") == "valid"
    if family == "recommendation":
        courses = prepared["subject_id"].unique().sort()
        other = pl.col("subject_id").replace_strict(courses, courses.reverse())
        return prepared.with_columns(subject_id=pl.when(is_valid).then(other).otherwise("subject_id"))
    return prepared.with_columns(outcome=pl.when(is_valid).then(1 - pl.col("outcome")).otherwise("outcome"))


@pytest.mark.parametrize("family", repeat.JUDGES)
def test_training_stops_when_validation_cases_get_worse_and_learns_nothing_of_them(family, quick, monkeypatch):
    (quick / family).mkdir()
    repeat.folders(family, quick / family)
    repeat.given(family, quick, monkeypatch)
    cases = pl.read_parquet(quick / "cases" / family / "prepared.parquet")
    about = json.loads((quick / "cases" / family / "about.json").read_text())
    module, side = network(family), STOPS.get(family, "valid_loss")

    def fitted(prepared, name, **numbers):
        settings = features(family).Train.model_validate(about["settings"] | QUICK.get(family, {}) | numbers)
        determined(0)
        return module.fit(prepared, settings, quick / name, 0, about["min_people"])

    stopped = fitted(turned(cases, family), "turned", epochs=EPOCHS, patience=1)
    signed = [row[side] if side == "valid_gain" else -row[side] for row in stopped]
    worse = [n for n in range(1, len(signed)) if signed[n] <= max(signed[:n])]
    assert worse == [len(signed) - 1], f"{family} must stop after the first epoch that is no better"
    assert len(stopped) < EPOCHS
    best = len(stopped) - 1

    whole = fitted(cases, "whole", epochs=best, patience=EPOCHS)
    assert [row["loss"] for row in whole] == [row["loss"] for row in stopped[:best]], "the turned cases taught"
    assert [row[side] for row in whole] != [row[side] for row in stopped[:best]]
    if family == "recommendation":
        assert json.loads((quick / "turned" / "mixture.json").read_text())["epochs"] == best
    elif family != "performance":  # what its forest weighs is chosen on validation cases
        train = cases.filter(pl.col("split") == "train").head(20)
        kept, last = (module.predict(quick / name, train, "model")["score"].to_list() for name in ("turned", "whole"))
        assert whole[-1][side] == min(row[side] for row in whole)
        assert kept == pytest.approx(last, abs=1e-6), "of the epoch before it got worse nothing is left"
