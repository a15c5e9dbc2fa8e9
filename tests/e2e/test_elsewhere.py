"""`make run` away from home: another user, a path with a space, a taken port, then a read-only checkout.

The set-up is the user's own, so this takes a network or a mirror, and some ten minutes.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from infra.run.airflow import FIRST_PORT
from pipelines.base.catalog import FAMILIES

from .conftest import git, plain_environment

SYSTEM = shutil.which("python3", path="/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.roads,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        os.getuid() != 0 or SYSTEM is None, reason="only root can become somebody else or mount (see README, Tests)"
    ),
]
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec setpriv --reuid nobody "$@"'


@pytest.fixture
def home():
    """Nobody may not enter pytest's folders."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_another_user_walks_the_road_beside_a_taken_port_and_again_from_a_read_only_checkout(home):
    checkout, var = home / "with a space" / "candor", home / "of nobody" / "company"
    git("clone", "--quiet", ".", str(checkout))
    for folder in (checkout.parent, var.parent):
        folder.mkdir(exist_ok=True)
    subprocess.run(["chown", "-R", "nobody:nogroup", str(checkout), str(var.parent)], check=True)
    make = ["make", "run", "WORKERS=200", f"VAR={var}", f"PYTHON={SYSTEM}"]
    environment = {**plain_environment(), "HOME": str(var.parent)}
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", FIRST_PORT))
        taken.listen()
        done = subprocess.run(make, cwd=checkout, env=environment, capture_output=True, text=True, check=False, **user)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    summary = json.loads((var / "summary.json").read_text())
    assert summary["airflow"] != f"http://127.0.0.1:{FIRST_PORT}"
    assert all(summary["families"][family]["live"] == "release" for family in FAMILIES)
    words = ["unshare", "-m", "sh", "-c", READ_ONLY, str(checkout), *make]
    again = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert "done before" in again.stdout
