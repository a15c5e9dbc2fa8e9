"""What Airflow makes of the DAG files, read once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


QUEUE = "https://sqs.eu-central-1.amazonaws.com/1/arrivals"


def loaded(tmp_path_factory, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "CANDOR_REVIEWERS": "compliance_first,compliance_second",
        "CANDOR_DECIDERS": "data_engineer",
        "PYTHONPATH": str(ROOT),
        "CANDOR_ARRIVALS_QUEUE": "",
        **variables,
    }
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("bag.py"))]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def bag(tmp_path_factory):
    return loaded(tmp_path_factory)


@pytest.fixture(scope="session")
def listening(tmp_path_factory):
    """The same where a queue is told of new objects."""
    return loaded(tmp_path_factory, CANDOR_ARRIVALS_QUEUE=QUEUE)


@pytest.fixture(scope="session")
def dags(bag):
    return bag["dags"]
