"""Every family: the same data and seed give the same model to the bit, and a case has one score however it is asked."""

import shutil

import polars as pl
import pytest

from pipelines.base.digests import sha256_tree
from pipelines.models import network
from pipelines.models.determinism import determined
from pipelines.train import canonical
from tests.bench.quality import outcomes, performance, recommendation, screening
from tests.unit import test_bench_quality as made

quick = made.quick
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2
JUDGES = {"screening": screening, "recommendation": recommendation, "outcomes": outcomes, "performance": performance}
KEYS = ["person_id", "subject_id", "target_code"]


def folders(family, root):
    """A small set to learn from and a later part of it."""
    if family == "screening":
        made.resumes(root / "train", 0, 60)
        made.resumes(root / "test", 100, 10)
    elif family == "outcomes":
        made.outcomes(root / "train", ("2013B", "2013J"))
        made.outcomes(root / "test", ("2014J",))
    elif family == "performance":
        made.productivity(root / "train", range(30))
        made.productivity(root / "test", range(30, 36))
    else:
        walk = [(n, user, f"2019-01-{n + 1:02d} 10:00:00") for user in range(30) for n in range(user % 5 + 3)]
        made.elearning(root / "train", walk)
        made.elearning(root / "test", [(9 + user, user, "2019-06-01 10:00:00") for user in range(5)])


class Asked(Exception):
    """The end of what a test needs: the family was asked to score."""


def judged(family, root, monkeypatch):
    """What a judgement trains with and scores, and the training itself in `0`: what follows there takes long."""
    module, seen = network(family), {}

    def fit(prepared, settings, folder, seed, least):
        curve = original(prepared, settings, folder, seed, least)
        seen["fit"] = (prepared, settings, seed, least, curve)
        shutil.copytree(folder, root / "0")
        return curve

    def predict(_folder, frame, _scorer):
        seen["frame"] = frame
        raise Asked

    original = module.fit
    with monkeypatch.context() as patch:
        patch.setattr(module, "fit", fit)
        patch.setattr(module, "predict", predict)
        with pytest.raises(Asked):
            JUDGES[family].judge(root / "train", root / "test", 0)
    return *seen["fit"], seen["frame"]


def digest(folder):
    for archive in folder.rglob("*.keras"):
        canonical(archive)
    return sha256_tree(folder)


@pytest.mark.parametrize("family", JUDGES)
def test_a_training_repeats_itself_to_the_bit_and_a_case_alone_scores_as_in_a_batch(family, quick, monkeypatch):
    folders(family, quick)
    prepared, settings, first, least, curve, frame = judged(family, quick, monkeypatch)
    module, trained = network(family), [(curve, digest(quick / "0"))]
    for seed in (first, first + 1):
        folder = quick / f"again-{seed - first}"
        determined(seed)
        trained.append((module.fit(prepared, settings, folder, seed, least), digest(folder)))
    once, again, other = trained
    assert once == again
    assert once != other, "the seed is of no matter: nothing is proven"

    whole = module.predict(quick / "0", frame, "model")
    assert whole.equals(module.predict(quick / "again-0", frame, "model"))
    for place in (0, len(frame) // 2, len(frame) - 1):
        alone = module.predict(quick / "0", frame[place : place + 1], "model")
        both = alone.join(whole.unique(KEYS), on=KEYS, suffix="_whole", nulls_equal=True)
        assert 0 < len(both) == len(alone)
        assert both.select((pl.col("score") - pl.col("score_whole")).abs().max()).item() <= 1e-6
