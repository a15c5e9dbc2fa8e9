"""The search space as params.yaml declares it, what follows from the trials so far, and what a trial is judged by."""

import math
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import yaml
from optuna.trial import create_trial

from pipelines import tune
from pipelines.base.catalog import FAMILIES, stage_dir
from pipelines.base.errors import ContractError, SettingsError

ROOT = Path(__file__).parents[2]
NAN = float("nan")


def declared(root: Path, **numbers: object) -> Path:
    """params.yaml as it is, with another space of outcomes."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["tune"]["spaces"]["outcomes"] = numbers
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    return root


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_declares_a_space_that_holds_its_own_numbers(family):
    own = yaml.safe_load((ROOT / "params.yaml").read_text())[family]["train"]
    found = tune.space(family, ROOT)
    assert found.declared == {name: own[name] for name in found.ranges}
    assert found.ranges


def test_a_range_is_what_it_says(tmp_path):
    root = declared(
        tmp_path,
        units={"kind": "int", "low": 16, "high": 64, "step": 16},
        learning_rate={"kind": "float", "low": 0.001, "high": 0.01, "log": True},
        batch={"kind": "choice", "values": [128, 256]},
    )
    found = tune.space("outcomes", root).ranges
    assert (found["units"].low, found["units"].high, found["units"].step, found["units"].log) == (16, 64, 16, False)
    assert (found["learning_rate"].low, found["learning_rate"].high, found["learning_rate"].log) == (0.001, 0.01, True)
    assert found["batch"].choices == (128, 256)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({}, "must name a number to tune"),
        ({"layers": {"kind": "int", "low": 1, "high": 2}}, r"outcomes\.train\.layers: Extra inputs"),
        (
            {"dropout": {"kind": "float", "low": 0.1, "high": 1.0}},
            r"outcomes\.train\.dropout: .* less than 1; got 1\.0",
        ),
        ({"dropout": {"kind": "float", "low": 0.0, "high": 0.5}}, r"outcomes\.train\.dropout: .* than 0; got 0\.0"),
        ({"units": {"kind": "float", "low": 16.5, "high": 64}}, r"outcomes\.train\.units: .* integer"),
        ({"units": {"kind": "float", "low": 16, "high": 64}}, r"outcomes\.train\.units: .* integer"),
        ({"dropout": {"kind": "float", "low": 0.4, "high": 0.5}}, r"dropout must hold the declared value; got 0\.3"),
        ({"units": {"kind": "int", "low": 10, "high": 50, "step": 20}}, "units must hold the declared value; got 32"),
        ({"batch": {"kind": "choice", "values": [64, 128]}}, "batch must hold the declared value; got 256"),
        ({"units": {"kind": "int", "low": 64, "high": 16}}, "low must be below high"),
        ({"learning_rate": {"kind": "float", "low": 0.0, "high": 1.0, "log": True}}, "above 0 on a log scale"),
        ({"units": {"kind": "int", "low": 16, "high": 60, "step": 16}}, "steps must lead from low to high"),
        ({"units": {"kind": "normal", "low": 16, "high": 60}}, "kind"),
        ({"units": {"kind": "int", "low": 16, "high": 64, "steps": 16}}, "Extra inputs"),
    ],
)
def test_a_space_that_leads_outside_what_training_allows_is_refused(tmp_path, numbers, said):
    with pytest.raises(SettingsError, match=said):
        tune.space("outcomes", declared(tmp_path, **numbers))


def test_all_faults_are_told_at_once(tmp_path):
    out = {"kind": "float", "low": 0.4, "high": 0.5}
    with pytest.raises(SettingsError, match=r"dropout.* tree_rate"):
        tune.space("outcomes", declared(tmp_path, dropout=out, tree_rate=out))


def trials(where: tune.Space, values: list[float], *, higher: bool = True) -> list:
    """A search in which a trial's value is known beforehand."""
    done = []
    for value in values:
        params = tune.proposed(where, done, higher_is_better=higher)
        made = create_trial(params=params, distributions=dict(where.ranges), value=value)
        made.number = len(done)
        done.append(made)
    return done


def test_the_first_trial_is_as_declared_and_the_rest_follow_from_seed_and_history_alone(tmp_path):
    where = tune.space("outcomes", ROOT)
    values = [0.6, 0.7, 0.65, 0.5, 0.72, 0.61, 0.69, 0.7, 0.71, 0.66, 0.64, 0.73]
    once = [one.params for one in trials(where, values)]
    assert once[0] == where.declared
    assert len({tuple(params.values()) for params in once}) > 6
    killed = trials(where, values[:7])  # a search that ended here and goes on in another process
    assert tune.proposed(where, killed, higher_is_better=True) == once[7]
    other = tune.Space(where.family, where.seed + 1, where.ranges, where.declared)
    assert tune.proposed(other, killed[:1], higher_is_better=True) != once[1]


def test_what_is_tried_lies_in_its_range_and_reads_well_in_params_yaml(tmp_path):
    narrow = {"kind": "float", "low": 0.3, "high": 0.30008}  # above 0.30005 four digits are 0.3001
    rate = {"kind": "float", "low": 0.001, "high": 0.01, "log": True}
    where = tune.space("outcomes", declared(tmp_path, dropout=narrow, learning_rate=rate))
    tried = [one.params for one in trials(where, [0.5] * 12)]
    assert all(0.3 <= one["dropout"] <= 0.30008 for one in tried)
    assert all(len(repr(one["learning_rate"]).lstrip("0.").replace(".", "")) <= 4 for one in tried)


def test_the_search_goes_where_the_metric_is_better():
    where = tune.space("outcomes", ROOT)
    done = []
    for number in range(24):  # the rate alone decides: the higher the better
        params = {"units": 32, "dropout": 0.3, "learning_rate": 0.001 * 10 ** (number / 23)}
        done.append(create_trial(params=params, distributions=dict(where.ranges), value=number / 23))
    up = tune.proposed(where, done, higher_is_better=True)["learning_rate"]
    down = tune.proposed(where, done, higher_is_better=False)["learning_rate"]
    assert up > 0.00316 > down  # the middle on a log scale


@pytest.mark.parametrize(("family", "best"), [("outcomes", 1), ("performance", 2)])
def test_the_best_is_named_with_how_to_take_it(family, best):
    higher = family == "outcomes"  # AUC; an absolute error is better when lower
    done = trials(tune.space(family, ROOT), [0.6, 0.7, 0.5], higher=higher)
    said = tune.told(family, "abcdef01", done, higher_is_better=higher)
    assert said.splitlines()[0].startswith(f"tune-{family}-abcdef01-00{best}")
    assert f"`dvc exp apply tune-{family}-abcdef01-00{best}`" in said


def test_what_is_no_better_than_the_declared_numbers_is_not_worth_applying():
    done = trials(tune.space("outcomes", ROOT), [0.7, 0.7, 0.5])
    said = tune.told("outcomes", "abcdef01", done, higher_is_better=True)
    assert "there is nothing to apply" in said
    assert "exp apply" not in said


def trained(root: Path, outcomes: list[float | None], splits: list[str], scores: list[float]) -> Path:
    """A checkout with scores of its validation cases."""
    n = range(len(outcomes))
    cases = {"person_id": [f"p{i}" for i in n], "subject_id": ["s"] * len(n), "target_code": ["t"] * len(n)}
    prepared = stage_dir("outcomes", "prepared", root)
    folder = stage_dir("outcomes", "candidates", root) / "declared"
    prepared.mkdir(parents=True)
    folder.mkdir(parents=True)
    pl.DataFrame(cases | {"outcome": outcomes, "split": splits}).write_parquet(prepared / "examples.parquet")
    said = pl.DataFrame({"row": n, "subject_id": "s", "target_code": "t", "score": scores})
    said.cast({"row": pl.UInt32}).write_parquet(folder / "valid.parquet")
    return root


def test_a_trial_is_judged_by_validation_cases_alone(tmp_path):
    """Valid: scores .9 .4 of who succeeded, .5 .1 of who did not: 3 of 4 pairs in order. Test cases would say less."""
    outcomes, splits = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0], [*["valid"] * 4, "test", "test", "train"]
    root = trained(tmp_path, outcomes, splits, [0.9, 0.4, 0.5, 0.1, 0.0, 1.0, 0.0])
    assert tune.judge("outcomes", root) == pytest.approx(0.75)


def test_without_scores_of_training_the_family_is_asked_and_shown_no_test_case(tmp_path, monkeypatch):
    root = trained(tmp_path, [1.0, 0.0, 1.0, 0.0], ["valid", "valid", "train", "test"], [0.9, 0.4, 0.0, 1.0])
    folder = stage_dir("outcomes", "candidates", root) / "declared"
    (folder / "valid.parquet").unlink()
    (root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    shown = []

    def validate(prepared, *_rest):
        shown.extend(prepared["split"])
        return prepared.filter(split="valid").select(
            "person_id", "subject_id", "target_code", score=pl.col("outcome") * 1e-7
        )

    monkeypatch.setattr(tune, "network", lambda family: SimpleNamespace(validate=validate))
    assert tune.judge("outcomes", root) == 0.5  # scores that differ by less than training keeps are equal
    assert shown == ["valid", "valid", "train"]


@pytest.mark.parametrize("scores", [[NAN] * 4, [NAN, NAN, 0.1, 0.2], [0.9, NAN, 0.1, 0.2]])
def test_a_trial_that_did_not_learn_has_no_figure(tmp_path, scores):
    """Sorted as numbers, those that are none come last and would order all pairs: an AUC of 1."""
    assert math.isnan(tune.judge("outcomes", trained(tmp_path, [1.0, 1.0, 0.0, 0.0], ["valid"] * 4, scores)))


@pytest.mark.parametrize("family", ["outcomes", "performance"])
def test_the_search_goes_on_from_a_trial_that_did_not_learn_and_never_takes_it(family):
    where, higher = tune.space(family, ROOT), family == "outcomes"
    (first,) = trials(where, [0.6], higher=higher)
    failed = tune._ended(tune.proposed(where, [first], higher_is_better=higher), where, NAN)
    failed.number = 1
    third = tune.proposed(where, [first, failed], higher_is_better=higher)
    assert third not in (first.params, failed.params)
    said = tune.told(family, "abcdef01", [failed, first], higher_is_better=higher).splitlines()
    assert [line.split()[0][-3:] for line in said[:2]] == ["000", "001"]
    assert " none " in said[1]
    assert "None learnt" in tune.told(family, "abcdef01", [failed], higher_is_better=higher)


def test_validation_cases_of_one_kind_say_nothing(tmp_path):
    root = trained(tmp_path, [1.0, 1.0], ["valid", "valid"], [0.9, 0.4])
    with pytest.raises(ContractError, match="2 of them do not"):
        tune.judge("outcomes", root)
