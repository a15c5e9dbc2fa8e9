"""Every family: equal data and seed give equal bytes in fresh interpreters, and a case has one score however asked.

Two interpreters of their own train all families, in opposite orders and with other seeds of Python's hashes: what
depends on the order of a set, on an address or on what a process did before does not come out the same.
"""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from pipelines.base.digests import sha256_tree
from pipelines.models import network
from tests.bench.measure import ROOT
from tests.bench.quality import outcomes, performance, recommendation, screening
from tests.unit import test_bench_quality as made

quick = made.quick
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2
JUDGES = {"screening": screening, "recommendation": recommendation, "outcomes": outcomes, "performance": performance}
FEW = {"trees": 10, "forest": 5}
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


def given(family, root, monkeypatch):
    """Leave what a judgement trains with and what it asks first in a folder; nothing is trained here."""
    module, out = network(family), root / "cases" / family
    out.mkdir(parents=True)

    def fit(prepared, settings, _folder, _seed, least):
        prepared.write_parquet(out / "prepared.parquet")
        own = settings.model_dump(mode="json")
        own |= {name: few for name, few in FEW.items() if name in own}
        about = {"settings": own, "min_people": least}
        (out / "about.json").write_text(json.dumps(about), encoding="utf-8")
        return []

    def predict(_folder, frame, _scorer):
        frame.write_parquet(out / "frame.parquet")
        raise Asked

    with monkeypatch.context() as patch:
        patch.setattr(module, "fit", fit)
        patch.setattr(module, "predict", predict)
        with pytest.raises(Asked):
            JUDGES[family].judge(root / family / "train", root / family / "test", 0)


def trained(root, name, families, seeds):
    """A fresh interpreter that trains them; `name` is the seed of its hashes and its folder."""
    words = [sys.executable, "-m", "tests.unit.repeated", str(root / "cases"), str(root / name)]
    env = os.environ | {"PYTHONHASHSEED": name, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([*words, ",".join(families), seeds], env=env, cwd=root, stderr=subprocess.PIPE, text=True)


def test_fresh_interpreters_train_the_same_bytes_and_a_case_alone_scores_as_in_a_batch(quick, monkeypatch):
    for family in JUDGES:
        (quick / family).mkdir()
        folders(family, quick / family)
        given(family, quick, monkeypatch)
    running = [trained(quick, "1", [*JUDGES], "0"), trained(quick, "2", [*reversed(JUDGES)], "0,1")]
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said[-2000:]
    for family in JUDGES:
        first, second, other = (quick / "1" / family / "0", quick / "2" / family / "0", quick / "2" / family / "1")
        assert len([*first.rglob("*.*")]) > 4
        assert sha256_tree(first) == sha256_tree(second), f"{family} is not the same in another process"
        assert sha256_tree(second / "model") != sha256_tree(other / "model"), "the seed is of no matter: nothing proven"
        alone, whole = (pl.read_csv(first / name) for name in ("alone.csv", "whole.csv"))
        both = alone.join(whole.unique(KEYS), on=KEYS, suffix="_whole", nulls_equal=True)
        assert len(alone) == len(both) >= 3
        assert both.select((pl.col("score") - pl.col("score_whole")).abs().max()).item() <= 1e-6
