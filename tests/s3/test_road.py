"""The whole road at 200 workers with every zone on S3: the command a stranger types, with CANDOR_STORE set."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.audit import verify
from pipelines.base.catalog import FAMILIES
from pipelines.base.store import open_store

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.s3road, pytest.mark.timeout(1800)]


def candor(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CANDOR_", "AIRFLOW", "PYTEST"))}
    command = [sys.executable, "-m", "infra.run", *words]
    handed = {**kept, "CANDOR_STORE": url}
    return subprocess.run(command, cwd=ROOT, env=handed, capture_output=True, text=True, check=False)


@pytest.fixture
def road(url, tmp_path):
    var = tmp_path / "a company"
    done = candor(url, "run", "--workers", "200", "--var", str(var))
    try:
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        yield var
    finally:
        candor(url, "down", "--var", str(var))


def test_the_whole_road_lies_on_s3_and_nothing_of_it_here(road, url, client):
    store = open_store(url)
    summary = json.loads((road / "summary.json").read_text())
    assert all(feed["is_balanced"] for feed in summary["ingest"].values())
    assert all(summary["families"][family]["verdict"] in ("allowed", "held") for family in FAMILIES)
    assert all(summary["monitoring"][family]["report"].startswith("s3://") for family in FAMILIES)
    assert summary["ledger"].startswith("The ledger is whole")
    assert verify(store) == []
    assert store.list("dvc/files/md5")
    for zone in ("landing", "lake", "vault", "quarantine", "proposals", "releases", "scores", "ledger", "reports"):
        assert store.list(zone), zone
        assert not (road / zone).exists(), zone
    for key in store.list("releases"):
        held = client.get_object_retention(Bucket=store._at.locked, Key=store.full(key))["Retention"]
        assert held["Mode"] == "COMPLIANCE"
    secret = client._request_signer._credentials.secret_key.encode()
    assert [path for path in road.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
