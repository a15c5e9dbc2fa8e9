"""The README's commands, run as they stand, on the shared company: `make run` and `make up` are the fixture's."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from pipelines.base.catalog import FAMILIES, STAGES

from . import canary
from .conftest import ROOT, git, plain_environment

pytestmark = pytest.mark.airflow
README = (ROOT / "README.md").read_text(encoding="utf-8")
BY_FIXTURE = ("make run", "make up")
BY_CI = ("make test",)


def lines() -> list[str]:
    """Commands of all shell blocks, in order, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def engineer(world, tmp_path_factory) -> Path:
    """A clone of an engineer's own, with the company where the README has it."""
    clone = tmp_path_factory.mktemp("engineer") / "candor"
    git("clone", "--quiet", str(ROOT), str(clone))
    (clone / ".venv").symlink_to(ROOT / ".venv")
    (clone / "var").mkdir()
    (clone / "var" / "sample").symlink_to(world.company.var)
    for name, value in (("user.name", "An engineer"), ("user.email", "engineer@localhost")):
        git("config", name, value, cwd=clone)
    return clone


def test_the_two_commands_exist():
    makefile = (ROOT / "Makefile").read_text()
    assert {"make run", "make test"} <= set(lines())
    assert all(f"\n{line.split()[1]}:" in makefile for line in lines() if line.startswith("make "))


def test_every_command_does_what_the_readme_says(world, engineer):
    branch = git("for-each-ref", "--format=%(refname)", "refs/heads/runs/manual*", cwd=world.company.git).split()[0]
    pinned = git("show", f"{branch}:lake.lock", cwd=world.company.git) + "\n"
    said, by_hand = defaultdict(list), {}
    for line in (line for line in lines() if line not in (*BY_FIXTURE, *BY_CI)):
        words = ["bash", "-ec", f". var/sample/env; {line}"]
        typed = f"{canary.WORKER}\n" if "privacy forget" in line else ""
        handed = plain_environment()
        done = subprocess.run(words, cwd=engineer, env=handed, input=typed, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        said[line].append(done.stdout)
        if line.endswith("snapshot pin"):
            # The state of the lake that the retrain DAG saw: so the digests below must be the DAG's.
            (engineer / "lake.lock").write_text(pinned)
        elif line.endswith("dvc repro") and not by_hand:
            by_hand = {family: verdict(engineer / f"var/stages/{family}/gated") for family in FAMILIES}
    assert "nothing new" in said[".venv/bin/python -m pipelines.ingest run"][0]
    assert "The ledger is whole" in said[".venv/bin/python -m pipelines.audit verify"][0]
    assert all(family in said[".venv/bin/dvc metrics show"][0] for family in FAMILIES)
    assert_only_one_family_was_compared(said, engineer)
    for family in FAMILIES:
        sha256 = world.summary["families"][family]["verdict_sha256"]
        assert by_hand[family] == verdict(world.company.var / "proposals" / family / sha256)


def test_the_person_that_was_forgotten_is_nowhere_but_at_the_source(world, engineer):
    """The canary, under every number it had; its files that no feed can read are named in the certificate."""
    certificates = sorted((world.company.var / "reports" / "privacy").glob("*.json"))
    assert len(certificates) == 1
    certificate = json.loads(certificates[0].read_text())
    zones = {entry["object"].split("/")[0] for entry in certificate["objects"]}
    assert zones >= {"keys", "lake", "vault", "landing", "quarantine", "scores"}
    assert {model["family"] for model in certificate["models"]} == set(FAMILIES)
    unsearched = {entry["object"]: tuple(canary.PERSONAL) for entry in certificate["unsearched"]}
    assert canary.findings(world.company.var, {"exports/": tuple(canary.PERSONAL), **unsearched}) == {}


def verdict(folder: Path) -> dict:
    return json.loads((folder / "verdict.json").read_text())


def assert_only_one_family_was_compared(said: dict[str, list[str]], engineer: Path) -> None:
    """One number of recommendation was changed, then another for an experiment."""
    every, changed = (ran(text) for text in said[".venv/bin/dvc repro"])
    assert len(every) == len(STAGES) * len(FAMILIES)
    assert changed == [f"{stage}@recommendation" for stage in ("train", "choose", "score", "evaluate", "gate")]
    [metrics] = said[".venv/bin/dvc metrics diff"]
    assert "recommendation" in metrics
    assert not any(family in metrics for family in FAMILIES if family != "recommendation")
    page = (engineer / "var/plots/index.html").read_text()
    assert all(f"{family}_loss" in page for family in FAMILIES)
    [tried] = said[".venv/bin/dvc exp run --set-param recommendation.decide.top_k=3"]
    assert ran(tried) == [f"{stage}@recommendation" for stage in ("choose", "score", "evaluate", "gate")]


def ran(text: str) -> list[str]:
    """Stages that DVC says it ran."""
    return re.findall(r"Running stage '(\S+)'", text)
