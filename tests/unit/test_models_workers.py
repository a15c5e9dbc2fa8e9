"""Training shared out: two real workers have the losses of one process and end with one model."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.base.digests import sha256_tree
from pipelines.base.errors import SettingsError
from pipelines.models import network, workers
from pipelines.models.outcomes.features import Train
from pipelines.train import canonical

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

CASES = 60
"""Of the training: an odd number for two workers, so that one has fewer."""
SETTINGS = Train(
    epochs=8, patience=2, batch=CASES + 1, learning_rate=0.2, weight_decay=0.001, dropout=1e-9, units=8, embedding=2,
    pieces=4, members=2, trees=5, tree_rate=0.2, tree_leaves=4, grade_coverage=0.9,
)  # fmt: skip
"""All cases in one batch: their order, drawn by every loop in its own way, is no matter. It stops after its best."""
SMALL = SETTINGS.model_copy(update={"batch": 7, "dropout": 0.05, "learning_rate": 0.02, "epochs": 3})
"""Nine batches, the last of five cases: one worker has two of them."""


def prepared() -> pl.DataFrame:
    """Cases that count differently; what decides is told, with noise that makes the validation loss rise in the end."""
    rng = np.random.default_rng(3)
    told, noise = rng.normal(size=(2, CASES + 21))
    return pl.DataFrame(
        {
            "person_id": [f"p{n:03}" for n in range(len(told))],
            "subject_id": "s",
            "target_code": "t",
            "split": ["train"] * (CASES + 1) + ["valid"] * 20,
            "outcome": (told + noise > 0).astype(float),
            "submitted_score_mean": told,
            "credits": rng.normal(size=len(told)),
            "case_weight": rng.choice([0.5, 1.5], len(told)),
            "course_id": "c",
        }
    )


def trained(folder: Path) -> list[list[float]]:
    """What a process does, alone or as a worker: [losses] of both settings, and the models in `folder`."""
    family = network("outcomes")
    from pipelines.models.determinism import determined

    curves = []
    for name, settings in (("one", SETTINGS), ("many", SMALL)):
        determined(1)
        history = family.fit(prepared(), settings, folder / name, 1, 2)
        canonical(folder / name / "model.keras")
        curves.append([row[side] for row in history for side in ("loss", "valid_loss")])
    return curves


def drawn_from(folder: Path) -> list[list[int]]:
    """[seed, count] of everything random in the network that learnt as this worker's part."""
    from pipelines.models.determinism import determined

    family, built = network("outcomes"), []

    def watched(*given):
        built.append(original(*given))
        return built[-1]

    original, family._network = family._network, watched
    determined(1)
    family.fit(prepared(), SMALL.model_copy(update={"epochs": 1}), folder, 1, 2)
    members = built[-1][0]
    weights = {id(variable) for variable in members.weights}
    return [variable.numpy().tolist() for variable in members.variables if id(variable) not in weights]


def free() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_two_workers_learn_what_one_process_learns(tmp_path: Path) -> None:
    cluster = {"worker": [free(), free()]}
    started = [
        subprocess.Popen(
            [sys.executable, __file__, str(tmp_path / str(number))],
            env=os.environ
            | {
                "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": number}}),
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        alone = trained(tmp_path / "alone")
        printed = [worker.communicate(timeout=300)[0].splitlines()[-2:] for worker in started]
    finally:
        for worker in started:
            worker.kill()
            worker.wait()
    said, drawn = ([json.loads(lines[part]) for lines in printed] for part in (0, 1))
    assert said[0] == said[1]
    # with one seed both would leave out the same units at the same step; two dropouts a member drew in nine batches
    assert [count for worker in drawn for _, count in worker] == [9] * 2 * 2 * SETTINGS.members
    assert not {seed for seed, _ in drawn[0]} & {seed for seed, _ in drawn[1]}
    assert said[0][0] == pytest.approx(alone[0], abs=1e-5)
    assert len(alone[0]) < 2 * SETTINGS.epochs
    assert said[0][1] == pytest.approx(alone[1], abs=0.1)  # other batches: each loop draws the order in its own way
    assert said[0][1][-1] < said[0][1][1]
    for name in ("one", "many"):
        assert sha256_tree(tmp_path / "0" / name) == sha256_tree(tmp_path / "1" / name)
    found = [network("outcomes").predict(tmp_path / who / "one", prepared(), "model") for who in ("0", "alone")]
    assert found[0]["score"].to_list() == pytest.approx(found[1]["score"].to_list(), abs=1e-5)


@pytest.mark.parametrize(
    "written",
    [
        "no JSON",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_cluster_without_this_worker_is_refused(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", written)
    with pytest.raises(SettingsError, match="which of them this is"):
        workers.count()


def test_a_family_that_cannot_be_shared_out_is_not_trained_on_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.train import run

    cluster = {"chief": ["a:1"], "worker": ["b:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "chief", "index": 0}}))
    assert workers.count() == 2
    workers.require("outcomes")
    with pytest.raises(SettingsError, match="must be outcomes; it is screening"):
        run("screening")


def test_one_worker_trains_as_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(one))
    assert workers.count() == 1
    workers.require("screening")
    assert workers.strategy() is None


if __name__ == "__main__":
    print(json.dumps(trained(Path(sys.argv[1]))))
    print(json.dumps(drawn_from(Path(sys.argv[1]) / "apart")))
