"""One real journey at 200 workers, shared by every test here: the command a stranger types, then `make up`."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.run import airflow
from infra.run.api import Api
from infra.setup import secrets
from infra.setup.company import Company, claim, described, opened

from . import canary

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """A company whose journey is over and whose Airflow is up."""

    company: Company
    printed: str
    summary: dict[str, Any]
    status_before: str
    passwords: dict[str, str] = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        return {**plain_environment(), **secrets.environment(self.company, airflow.url(self.company))}

    def api(self, account: str = "") -> Api:
        return Api(airflow.url(self.company), account, self.passwords.get(account, ""))

    def module(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)


def plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("CANDOR_", "AIRFLOW", "PYTEST"))}


def candor(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.run", *words]
    return subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=False)


def git(*words: str, cwd: Path = ROOT) -> str:
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


def remains(company: Company) -> list[str]:
    """Processes that were handed the company's variables, as every stage and every part of its Airflow is."""
    handed = f"CANDOR_WORK={company.var / 'work'}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if handed in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    var = tmp_path_factory.mktemp("company") / "with a space"
    before = git("status", "--porcelain")
    company = described("", 200, "", str(var))
    claim(company)
    canary.deliver(company.exports)
    try:
        done = candor("run", "--workers", "200", "--var", str(var))
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        raised = candor("up", "--var", str(var))
        assert raised.returncode == 0, raised.stderr
        company = opened(str(var))
        airflow.let_retrain(company, go_on=False)  # the retrain that monitoring asked for would only take the cores
        summary = json.loads((var / "summary.json").read_text())
        assert len(remains(company)) >= len(airflow.COMPONENTS)
        yield World(company, done.stdout, summary, before, secrets.read_private(company.accounts))
    finally:
        ended = candor("down", "--var", str(var))
    assert ended.returncode == 0, ended.stderr
    assert remains(company) == [], "make down must leave no process of the company"
