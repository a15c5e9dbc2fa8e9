"""One real S3 server for every test here: Ceph's gateway on 127.0.0.1, started by the project's own script."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.setup import radosgw
from infra.setup.company import Refused
from infra.setup.radosgw import Gateway
from pipelines.base.store import FileStore, Store, open_store

ROOT = Path(__file__).parents[2]
RETAIN_DAYS = 3650


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The server; everything that needs it is skipped where Ceph can neither be found nor installed."""
    folder = tmp_path_factory.mktemp("radosgw")
    try:
        radosgw.install()
    except Refused as refused:
        pytest.skip(reason=f"a real S3 server needs Ceph's packages: {refused} (see README, Tests)")
    command = [sys.executable, "-m", "infra.setup.radosgw"]
    try:
        done = subprocess.run([*command, "start", folder], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = radosgw.known(folder)
        assert made is not None
        yield made
    finally:
        subprocess.run([*command, "stop", folder], cwd=ROOT, capture_output=True, check=True)


@pytest.fixture
def account(server: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """The server's user in the environment."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def client(account: Gateway) -> Any:
    """An S3 client of no more than boto3: what somebody with the keys can do."""
    return boto3.client("s3")


@pytest.fixture
def url(account: Gateway) -> str:
    """A store of its own in two new buckets."""
    mark = secrets.token_hex(4)
    radosgw.add_bucket(account, f"plain-{mark}", is_locked=False)
    radosgw.add_bucket(account, f"locked-{mark}")
    return f"s3://plain-{mark}/a/company?locked=locked-{mark}&retain_days={RETAIN_DAYS}"


@pytest.fixture
def s3(url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store on S3, also named by CANDOR_STORE."""
    monkeypatch.setenv("CANDOR_STORE", url)
    return open_store()


@pytest.fixture(params=["folder", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store of either kind, also named by CANDOR_STORE."""
    if request.param == "s3":
        made: Store = request.getfixturevalue("s3")
        return made
    folder = FileStore(tmp_path / "a store")
    monkeypatch.setenv("CANDOR_STORE", folder.url)
    return folder


def deny(client: Any, bucket: str, resource: str, *actions: str) -> None:
    """Forbid actions to everybody, the bucket's owner included."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": list(actions), "Resource": f"arn:aws:s3:::{resource}"}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
