"""A search by the real DVC and the real Optuna, on a company of 240 learners."""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines import snapshot, tune
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from tests.stages.test_stages import LAST, company

ROOT = Path(__file__).parents[2]
FAMILY = "outcomes"
SPACE = {"units": {"kind": "int", "low": 4, "high": 8}, "dropout": {"kind": "float", "low": 0.1, "high": 0.4}}


def call(root: Path, *words: str) -> str:
    return subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(store, keys, tmp_path, monkeypatch):
    """A commit of the project with a pinned lake that git does not know, as an engineer has it."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "pipelines", root / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".dvc").mkdir()
    for name in ("dvc.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        shutil.copy(ROOT / name, root / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    small = {"epochs": 3, "batch": 32, "learning_rate": 0.02, "members": 1, "trees": 5, "units": 8}
    params[FAMILY]["train"] |= small
    params[FAMILY]["alternatives"]["tried"] = [{"name": "narrow", "train": {"units": 2, "epochs": 1}}]
    params["privacy"]["min_people"] = 2
    params["tune"]["spaces"][FAMILY] = SPACE
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    call(root, "git", "init", "-q")
    call(root, "git", "add", "-A")
    call(root, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x")
    company(Lake(store))
    snapshot.pin(LAST, root)
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    return root


def test_two_trials_are_experiments_that_leave_the_checkout_as_it_was(checkout):
    before = {name: (checkout / name).read_bytes() for name in ("params.yaml", "lake.lock", "dvc.lock")}
    said = tune.run(FAMILY, 2, checkout)

    assert "2 trials on validation cases" in said
    assert {name: (checkout / name).read_bytes() for name in before} == before
    assert call(checkout, "git", "status", "--porcelain").split() == ["??", "dvc.lock", "??", "lake.lock"]
    assert not (checkout / "var/tune" / FAMILY / "clone").exists()  # it held rows of people in clear
    assert not (checkout / "var/stages").exists()

    shown = csv.DictReader(io.StringIO(call(checkout, sys.executable, "-m", "dvc", "exp", "show", "--csv")))
    rows = {row["Experiment"]: row for row in shown if row["Experiment"].startswith("tune-")}
    first, second = sorted(rows)
    assert (first[-4:], second[-4:]) == ("-000", "-001")
    assert rows[first]["outcomes.train.units"] == "8"  # as declared
    assert rows[first]["outcomes.train.dropout"] == "0.3"
    assert 0.1 <= float(rows[second]["outcomes.train.dropout"]) <= 0.4
    changed = {name for name in rows[first] if name and name.split(".")[0] in (FAMILY, "train", "prepare")}
    differing = {name for name in changed if rows[first][name] != rows[second][name]}
    assert differing <= {"outcomes.train.units", "outcomes.train.dropout"}

    import optuna

    database = checkout / "var/tune" / FAMILY / f"{first.split('-')[2]}.db"
    [stored] = optuna.get_all_study_names(f"sqlite:///{database}")
    trials = optuna.load_study(study_name=stored, storage=f"sqlite:///{database}").get_trials()
    assert trials[0].params["units"] == 8
    assert trials[1].params["dropout"] == float(rows[second]["outcomes.train.dropout"])
    assert tune.run(FAMILY, 2, checkout) == said  # asked for as many as there are, nothing is trained


def test_a_change_that_no_commit_has_starts_no_search(checkout):
    with (checkout / "params.yaml").open("a") as params:
        params.write("\n")
    with pytest.raises(SettingsError, match="Commit them"):
        tune.run(FAMILY, 1, checkout)


def test_a_checkout_without_results_starts_no_search(checkout):
    (checkout / "dvc.lock").unlink()
    with pytest.raises(SettingsError, match=r"not there: dvc\.lock. Run `dvc repro` first"):
        tune.run(FAMILY, 1, checkout)


def test_a_search_at_work_is_not_disturbed(checkout):
    folder = checkout / "var/tune" / FAMILY
    folder.mkdir(parents=True)
    with (
        tune.workspace(folder, checkout, "HEAD"),
        pytest.raises(SettingsError, match="Wait for its end"),
    ):
        tune.run(FAMILY, 1, checkout)


def test_a_command_is_not_handed_the_audit_key(checkout):
    see = "import os, sys; sys.exit('CANDOR_AUDIT_KEY' in os.environ or 'CANDOR_PERSON_KEY' not in os.environ)"
    tune.called((sys.executable, "-c", see), checkout)
    with pytest.raises(ContractError, match=r"`dvc nothing` must succeed; got exit code \d+: .*invalid choice"):
        tune.called((sys.executable, "-m", "dvc", "nothing"), checkout)
