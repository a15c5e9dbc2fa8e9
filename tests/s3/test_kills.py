"""Kill -9 at a write of a release on a real S3 server, run again: released once, as if nothing had happened."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.audit import Tag, entries, verify
from pipelines.audit.objects import prove
from pipelines.base import releases
from pipelines.base.store import lease, open_store
from pipelines.publish.release import release
from tests.unit.test_publish import APPROVERS, FAMILY, Answers, proposed, released

from .breaking import Proxy, proxy

pytestmark = pytest.mark.usefixtures("keys")
RUN = "release__r2"
RELEASE = f"""
import sys
from pipelines.base.store import open_store
from pipelines.publish.release import release
from tests.unit.test_publish import APPROVERS, Answers
answers = Answers()
release(open_store(), answers, answers.approve({RUN!r}, sys.argv[1]), APPROVERS)
"""
ROOT = Path(__file__).parents[2]
POINTER = "releases/screening/000000000002.json"


def killed(between: Proxy, sha256: str, key: str, phase: str) -> int:
    """A release in a process of its own, killed when it writes `key`: before the write arrives, or after; its end."""
    words = [sys.executable, "-c", RELEASE, sha256]
    with subprocess.Popen(words, cwd=ROOT) as process:

        def stopped(path: str) -> bool:
            if path.endswith(key) and phase == "before":
                process.kill()
                return True
            between.lost += path.endswith(key)
            return False

        between.on_write, between.on_loss = stopped, process.kill
        return process.wait(timeout=60)


@pytest.mark.parametrize(
    "point",
    [("/model/model.keras", "before"), ("ledger/000000000011.json", "after"), (POINTER, "after")],
)
def test_a_release_killed_at_a_write_is_finished_by_the_next_run(url, server, tmp_path, monkeypatch, point):
    store, answers = open_store(url), Answers()
    first = released(store, answers, tmp_path)
    sha256 = proposed(store, tmp_path, "r2", weights=b"weights 2")["verdict_sha256"]
    with proxy(server.url) as between, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", between.url)
        patch.setenv("CANDOR_STORE", url)
        assert killed(between, sha256, *point) == -signal.SIGKILL

    monkeypatch.setattr(lease, "SECONDS", 1.0)
    release(store, answers, answers.approve(RUN, sha256), APPROVERS)
    pointers = releases.pointers(store, FAMILY)
    assert [pointer.verdict_sha256 for pointer in pointers] == [first.verdict_sha256, sha256]
    releases.download(store, pointers[-1], tmp_path / "released")
    once = [Tag.MODEL_TRAINED, Tag.MODEL_PROPOSED, *[Tag.RELEASE_APPROVED] * 2, Tag.MODEL_RELEASED]
    assert [entry.tag for entry in entries(store) if entry.tag is not Tag.KEY_ADOPTED] == [*once, *once]
    assert prove(store) == []
    assert verify(store) == []
