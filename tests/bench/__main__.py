"""Print the figures that Candor promises, measured now.

Works on a company that `make run` has finished (default var/sample) and leaves it unchanged: whatever is run again runs
in a temporary folder: ingest of a million rows, checks, vendors' dialects, resumes, forgetting, bias and drift reports,
rates, a ledger of a million events, the whole road on a folder and on S3, the Audit page (`tests.bench.ingest`,
`.checks`, `.dialects`, `.documents`, `.forgetting`, `.bias`, `.drift`, `.ledger`, `.rates`, `.roads` and `.portal`,
which also run alone). A busy machine makes seconds useless; where a peer exists the figure is a ratio within one run.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from infra.run.clone import named
from infra.run.evidence import zones
from infra.setup.company import Company, opened
from infra.setup.secrets import environment
from pipelines.base.catalog import FAMILIES, RELEASES, STAGES
from pipelines.base.store import open_store
from tests.bench import bias, checks, dialects, documents, drift, forgetting, ingest, ledger, portal, rates, roads
from tests.bench.measure import ROOT, Figure

PYTHON: Final = sys.executable


def seconds(words: list[str], cwd: Path, env: Mapping[str, str]) -> float:
    """Wall time of a command that must succeed."""
    began = time.perf_counter()
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:4])} must succeed; got exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - began


def parsing(env: Mapping[str, str]) -> float:
    """Seconds to parse all DAG files beyond importing airflow and its operators' packages."""
    code = """
import sys, time, importlib.util, pathlib
import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.providers.standard.operators.trigger_dagrun
began = time.perf_counter()
for file in sorted(pathlib.Path("dags").glob("[a-z]*.py")):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(time.perf_counter() - began)
"""
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


@dataclass(frozen=True, slots=True)
class Span:
    """A DAG run, as Airflow recorded it."""

    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """Wall time."""
        return (self.ended - self.began).total_seconds()


def spans(company: Company, dag: str) -> dict[str, Span]:
    """Run -> span of every successful run of a DAG, oldest first."""
    query = "select run_id, start_date, end_date from dag_run where dag_id = ? and state = 'success' order by 2"
    with sqlite3.connect(f"file:{company.airflow / 'airflow.db'}?mode=ro", uri=True) as database:
        found = database.execute(query, (dag,)).fetchall()
    return {run: Span(datetime.fromisoformat(began), datetime.fromisoformat(ended)) for run, began, ended in found}


def by_dags(company: Company, retrain: str) -> dict[str, float]:
    """Seconds of the steps of a journey: its two ingests, its retrain, the scoring and monitoring of the last delivery.

    Earlier scorings overlap with releases and merge their events; after the last delivery one run scores all families.
    """
    first, second, *_ = spans(company, "ingest_exports").values()
    score = next(span for span in spans(company, "score_people").values() if span.began >= second.began)
    monitor = next(span for span in spans(company, "monitor_models").values() if span.began >= score.began)
    steps = {"ingest": first, "retrain": spans(company, "retrain")[retrain], "ingest of the last delivery": second}
    return {name: span.seconds for name, span in (steps | {"score": score, "monitor": monitor}).items()}


@contextmanager
def twin(company: Company) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder, and the environment to run the company in it directly."""
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        var = Path(name)
        env = {**os.environ, **environment(company, "http://127.0.0.1:1")}
        env |= {
            "CANDOR_STORE": f"file://{var}",
            "CANDOR_EXPORTS": str(var / "exports"),
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
        }
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        yield var, env


def module(env: Mapping[str, str], *words: str, cwd: Path = ROOT) -> float:
    """Seconds of one of our modules."""
    return seconds([PYTHON, "-m", *words], cwd, env)


def deliver(company: Company, env: Mapping[str, str], delivery: str) -> None:
    """Let the HR systems of the twin drop their files."""
    words = ["--out", env["CANDOR_EXPORTS"], "--delivery", delivery, "--workers", str(company.workers)]
    module(env, "infra.sample", *words, "--kind", company.kind)


def directly(company: Company, run: str) -> tuple[dict[str, float], float]:
    """Seconds of the same steps by direct calls and `dvc repro` in a fresh clone; of `dvc repro` with nothing changed.

    The models that score are the company's own releases, copied: what two people approve is no step that is measured.
    """
    took: dict[str, float] = {}
    with twin(company) as (var, env):
        deliver(company, env, "history")
        took["ingest"] = module(env, "pipelines.ingest", "run")
        clone = var / "clone"
        source = company.var / "retrain" / named(run)
        subprocess.run(["git", "clone", "--quiet", str(source), str(clone)], check=True)
        (clone / "dvc.lock").unlink(missing_ok=True)
        (clone / "lake.lock").unlink(missing_ok=True)
        repro = module(env, "pipelines.snapshot", "pin", cwd=clone) + module(env, "dvc", "repro", cwd=clone)
        for family in FAMILIES:
            words = ["--run-id", "bench", "--requester", "bench", "--commit", "0" * 40]
            repro += module(env, "pipelines.publish", "propose", family, *words, cwd=clone)
        took["retrain"] = repro
        again = module(env, "dvc", "repro", cwd=clone)
        shutil.rmtree(clone)
        released = zones(company)
        for key in released.list(RELEASES):
            open_store(env["CANDOR_STORE"]).put(key, released.read(key))
        score(env)  # the first day, so that monitoring finds earlier scores
        deliver(company, env, "month36")
        took["ingest of the last delivery"] = module(env, "pipelines.ingest", "run")
        took["score"] = score(env)
        took["monitor"] = sum(
            module(env, "pipelines.score", "outcomes", family) + module(env, "monitoring", "judge", family)
            for family in FAMILIES
        )
    return took, again


def score(env: Mapping[str, str]) -> float:
    """Seconds of scoring the people of every family."""
    return sum(module(env, "pipelines.score", "people", family) for family in FAMILIES)


def of_the_journey(took: Mapping[str, float]) -> list[Figure]:
    """Figures of the command that made the company; later ones had little left to do.

    Raises:
        SystemExit: It was cut short, so that nobody knows what it took in all.
    """
    if "in all" not in took:
        raise SystemExit("The company's first `make run` must have gone through; it was cut short. Make another one.")
    if "set-up" not in took:
        print("set-up: .venv was there before this company, so `make run` did not measure it")
    bounds = {"set-up": ("set-up", 240), "in all": ("make run after set-up", 480)}
    return [Figure(name, took[key], bound, "s") for key, (name, bound) in bounds.items() if key in took]


def main() -> int:
    """Measure and print; exit code 1 when a figure is above its bound."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--var", default="var/sample", help="folder of a finished company")
    var = Path(parser.parse_args().var).resolve()
    if not (var / "summary.json").is_file():
        raise SystemExit(f"{var} must hold a finished company; there is no summary.json. Run `make run` first.")
    summary = json.loads((var / "summary.json").read_text())
    company = opened(str(var))
    run = summary["retrain"]["run"]
    orchestrated, (direct, again) = by_dags(company, run), directly(company, run)
    print(f"{company.workers} workers, {len(STAGES)} stages, {len(FAMILIES)} families; {os.cpu_count()} cores")
    for step, took in direct.items():
        print(f"{step}: by DAG {orchestrated[step]:.0f} s, directly {took:.0f} s")
    overhead = sum(orchestrated.values()) / sum(direct.values())
    figures = [
        *of_the_journey(summary["first_seconds"]),
        Figure("orchestration overhead: every step by DAGs / directly", overhead, 1.5, "x"),
        Figure("dvc repro with nothing changed", again, 4, "s"),
        Figure("parsing all DAG files beyond importing airflow", parsing(os.environ), 0.3, "s"),
    ]
    figures += [*ingest.figures(), *checks.figures(), *dialects.figures(), *bias.figures()]
    figures += [*drift.figures(), *rates.figures()]
    figures += [*documents.figures(), *forgetting.figures(), *ledger.figures(), *roads.figures()]
    figures += portal.figures(var)  # the last: it brings Airflow into this process
    print("\n".join(figure.line() for figure in figures))
    return int(not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
