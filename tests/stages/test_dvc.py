"""DVC runs the graph as `dvc.yaml` says: real modules and numbers as dependencies, a stand-in for the work itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.base.catalog import FAMILIES, STAGES

ROOT = Path(__file__).parents[2]
PINNED = ("snapshot", "weigh", "choose", "evaluate")
"""Stages that read the lake or the vault themselves."""
STAND_IN = """
import json, sys, yaml
from pathlib import Path

stage, family = sys.argv[1:]
params = yaml.safe_load(Path("params.yaml").read_text())
names = {"prepare": "prepared", "weigh": "weighed", "train": "candidates", "choose": "trained", "score": "scored"}
names |= {"evaluate": "evaluated", "gate": "gated"}
read = {"prepare": ["prepare"], "train": ["train"], "score": ["decide"]}.get(stage, [])
used = {key: params[family][key] for key in read}
folder = Path("var/stages") / family / names.get(stage, stage)
folder.mkdir(parents=True)
text = json.dumps([f"rows of {family} people in {stage}", used])
(folder / "data.txt").write_text(text)
if stage == "choose":
    (folder / "card.json").write_text(text)
    (folder / "alternatives.json").write_text(json.dumps(params[family]["alternatives"]["take"]))
    for name in ("model", "baseline"):
        (folder / name).mkdir()
        (folder / name / "weights").write_text(text + name)
    (folder / "loss.csv").write_text("epoch,loss,valid_loss,valid_gain\\n1,0.5,0.6,0.1\\n2,0.25,0.75,0.2\\n")
if stage == "evaluate":
    (folder / "metrics.json").write_text(json.dumps({"model": {"value": params[family]["decide"].get("threshold", 0)}}))
    (folder / "roc.csv").write_text("false_positive_share,model,baseline\\n0,0,0\\n1,1,1\\n")
    for name in ("calibration.csv", "calibration_baseline.csv"):
        (folder / name).write_text("score,outcome,cases\\n0.5,0.5,9\\n")
"""


class Checkout:
    """A git repository with the project's graph."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def call(self, *command: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = inherited | {
            "DVC_NO_ANALYTICS": "1",
            "PATH": path,
            "DVC_SITE_CACHE_DIR": str(self.path / ".dvc/tmp/site"),
        }
        done = subprocess.run(command, cwd=self.path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self) -> list[str]:
        """Stages that ran, in order."""
        return ran(self.call("dvc", "repro"))

    def commit(self) -> None:
        self.call("git", "add", "-A")
        self.call("git", "commit", "-qm", "x")

    def change(self, family: str, section: str, name: str, value: object) -> None:
        params = yaml.safe_load((self.path / "params.yaml").read_text())
        params[family][section][name] = value
        (self.path / "params.yaml").write_text(yaml.safe_dump(params))


def ran(said: str) -> list[str]:
    """Stages that DVC says it ran."""
    return re.findall(r"Running stage '(\S+)'", said)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Everything ran once and is committed."""
    path = tmp_path_factory.mktemp("a checkout")
    for name in ("params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, path / name)
    shutil.copytree(ROOT / "pipelines", path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    (path / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, path / ".dvc" / name)
    (path / "stand_in.py").write_text(STAND_IN)
    (path / "lake.lock").write_text("{}")
    graph = (ROOT / "dvc.yaml").read_text()
    graph = re.sub(r"python -m pipelines\.(?:evaluate\.(?=\w))?", "python stand_in.py ", graph)
    (path / "dvc.yaml").write_text(graph)
    made = Checkout(path)
    made.call("git", "init", "-q")
    made.call("git", "config", "user.name", "t")
    made.call("git", "config", "user.email", "t@t")
    assert len(made.repro()) == len(STAGES) * len(FAMILIES)
    made.commit()
    return made


@pytest.fixture
def checkout(first, tmp_path):
    """Each test begins where the first run ended, in a copy: running the graph back to there takes ten times longer."""
    return Checkout(shutil.copytree(first.path, tmp_path / "a checkout", symlinks=True))


def test_with_nothing_changed_nothing_runs_and_git_sees_nothing_new(checkout):
    assert checkout.repro() == []
    assert checkout.call("git", "status", "--porcelain") == ""


def test_one_number_reruns_one_family_from_the_stage_that_reads_it(checkout):
    checkout.change("outcomes", "decide", "threshold", 0.77)
    assert checkout.repro() == ["choose@outcomes", "score@outcomes", "evaluate@outcomes", "gate@outcomes"]


def test_another_word_for_the_same_choice_scores_nobody_again(checkout):
    checkout.change("outcomes", "alternatives", "take", "declared")
    assert checkout.repro() == ["choose@outcomes", "gate@outcomes"]


def test_editing_one_family_reruns_one(checkout):
    file = checkout.path / "pipelines/models/screening/features.py"
    file.write_text(file.read_text() + "\n")
    ran = checkout.repro()
    assert ran
    assert {stage.split("@")[1] for stage in ran} == {"screening"}


def test_a_new_pin_reaches_every_snapshot_and_stops_where_nothing_changed(checkout):
    (checkout.path / "lake.lock").write_text('{"seq": 2}')
    assert sorted(checkout.repro()) == sorted(f"{stage}@{f}" for stage in PINNED for f in FAMILIES)


def test_metrics_and_curves_can_be_compared_with_the_last_commit(checkout, tmp_path):
    checkout.change("outcomes", "decide", "threshold", 0.77)
    checkout.repro()
    found = json.loads(checkout.call("dvc", "metrics", "diff", "--json"))
    change = found["var/stages/outcomes/evaluated/metrics.json"]["model.value"]
    assert change["new"] == 0.77
    assert change["old"] == 0.35
    checkout.call("dvc", "plots", "diff", "-o", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    specs = map(json.loads, re.findall(r"var spec = (\{.*?\});", page, flags=re.DOTALL))
    drawn = {spec["title"]["text"]: spec["data"]["values"] for spec in specs if "title" in spec}
    for family in FAMILIES:  # a point an epoch, of what is learnt from and of what stops it, before and now
        points = drawn[f"{family}: loss"]
        assert sorted((point["rev"], point["field"], point["dvc_inferred_y_value"]) for point in points) == [
            (rev, *point)
            for rev in ("HEAD", "workspace")
            for point in (("loss", "0.25"), ("loss", "0.5"), ("valid_loss", "0.6"), ("valid_loss", "0.75"))
        ]
        assert {point["epoch"] for point in points} == {"1", "2"}
    gains = drawn["recommendation: NDCG@10 of the newest steps"]
    assert [point["valid_gain"] for point in gains if point["rev"] == "workspace"] == ["0.1", "0.2"]
    assert "outcomes_roc" in page
    assert "performance_calibration" in page


@pytest.mark.parametrize(("name", "value"), [("untracked-locks", 0.61), ("committed-locks", 0.62)])
def test_an_experiment_reruns_what_its_number_touches(checkout, name, value):
    """As README says, on a branch that holds the locks; and right after a pin, when git knows neither of them."""
    if name == "untracked-locks":
        checkout.call("git", "rm", "-q", "--cached", "lake.lock", "dvc.lock")
        checkout.call("git", "commit", "-qm", "as the repository ships")
        assert checkout.call("git", "status", "--porcelain").split() == ["??", "dvc.lock", "??", "lake.lock"]
    number = "outcomes.decide.threshold"
    said = checkout.call("dvc", "exp", "run", "--name", name, "--set-param", f"{number}={value}")
    assert ran(said) == ["choose@outcomes", "score@outcomes", "evaluate@outcomes", "gate@outcomes"]
    metrics = json.loads((checkout.path / "var/stages/outcomes/evaluated/metrics.json").read_text())
    assert metrics["model"]["value"] == value
    assert name in checkout.call("dvc", "exp", "list", "--name-only").split()
    changed = json.loads(checkout.call("dvc", "exp", "diff", "--json"))
    assert changed["params"]["params.yaml"][number]["new"] == value


def test_rows_of_people_are_not_in_the_cache(checkout):
    cached = "".join(file.read_text() for file in (checkout.path / ".dvc/cache/files").rglob("*") if file.is_file())
    assert "rows of outcomes people in train" in cached
    assert "people in prepare" not in cached
    assert "people in score" not in cached


def test_in_a_fresh_checkout_only_rows_of_people_are_made_again(checkout):
    """As after a killed retrain, without locks: `train` is handed no audit key, so weights must come from the cache."""
    (checkout.path / "dvc.lock").unlink()
    shutil.rmtree(checkout.path / "var")
    said = checkout.call("dvc", "repro", "--pull", "--allow-missing", "train@outcomes")
    assert ran(said) == ["prepare@outcomes"]
    assert (checkout.path / "var/stages/outcomes/weighed/data.txt").is_file()
    assert ran(checkout.call("dvc", "repro", "--pull", "--allow-missing", "gate@outcomes")) == ["score@outcomes"]
