"""Print the figures that Candor promises, measured now.

Works on a company that `make run` has finished (default var/sample) and leaves it unchanged: whatever is run again runs
in a temporary folder, ingest of a million rows too (`tests.bench.ingest`, which also runs alone). A busy machine makes
seconds useless; where a peer exists the figure is a ratio within one run.
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
from datetime import datetime
from pathlib import Path
from typing import Final

from infra.run.clone import named
from infra.setup.company import Company, opened
from infra.setup.secrets import environment
from pipelines.base.catalog import FAMILIES, STAGES
from tests.bench.ingest import figures as ingest_figures
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


def dag_seconds(company: Company, dag: str, run: str | None = None) -> float:
    """Wall time of a DAG's first successful run, or of the named one, as Airflow recorded it."""
    query = (
        "select start_date, end_date from dag_run where dag_id = ? and state = 'success' and (? is null or run_id = ?)"
    )
    with sqlite3.connect(f"file:{company.airflow / 'airflow.db'}?mode=ro", uri=True) as database:
        began, ended = database.execute(f"{query} order by start_date", (dag, run, run)).fetchone()
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


@contextmanager
def twin(company: Company) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder with the company's first delivery, and the environment to run it directly."""
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
        words = ["--out", str(var / "exports"), "--delivery", "history", "--workers", str(company.workers)]
        seconds([PYTHON, "-m", "infra.sample", *words, "--kind", company.kind], ROOT, env)
        yield var, env


def direct(company: Company, run: str) -> tuple[float, float, float]:
    """Seconds of ingest by a direct call, of `dvc repro` in a fresh clone, and of `dvc repro` with nothing changed."""
    with twin(company) as (var, env):
        ingest = seconds([PYTHON, "-m", "pipelines.ingest", "run"], ROOT, env)
        clone = var / "clone"
        source = company.var / "retrain" / named(run)
        subprocess.run(["git", "clone", "--quiet", str(source), str(clone)], check=True)
        (clone / "dvc.lock").unlink(missing_ok=True)
        (clone / "lake.lock").unlink(missing_ok=True)
        repro = seconds([PYTHON, "-m", "pipelines.snapshot", "pin"], clone, env)
        repro += seconds([PYTHON, "-m", "dvc", "repro"], clone, env)
        for family in FAMILIES:
            words = ["--run-id", "bench", "--requester", "bench", "--commit", "0" * 40]
            repro += seconds([PYTHON, "-m", "pipelines.publish", "propose", family, *words], clone, env)
        again = seconds([PYTHON, "-m", "dvc", "repro"], clone, env)
        shutil.rmtree(clone)
    return ingest, repro, again


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
    by_dags = dag_seconds(company, "ingest_exports") + dag_seconds(company, "retrain", run)
    ingest, repro, again = direct(company, run)
    took = summary["seconds"]
    print(f"{company.workers} workers, {len(STAGES)} stages, {len(FAMILIES)} families; {os.cpu_count()} cores")
    print(f"by DAGs {by_dags:.0f} s; directly: ingest {ingest:.0f} s, pin + dvc repro + propose {repro:.0f} s")
    figures = [
        Figure("make run after set-up", took["in all"], 480, "s"),
        Figure("orchestration overhead: ingest and retrain by DAGs / directly", by_dags / (ingest + repro), 1.5, "x"),
        Figure("dvc repro with nothing changed", again, 4, "s"),
        Figure("parsing all DAG files beyond importing airflow", parsing(os.environ), 0.3, "s"),
    ]
    figures += ingest_figures()
    print("\n".join(figure.line() for figure in figures))
    return int(not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
