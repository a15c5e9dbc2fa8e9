"""Locks on S3: held by the living, taken over from the dead, and of no use to who slept too long."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from pipelines.base.errors import SourceUnavailable
from pipelines.base.store import lease, open_store

HOLDER = """
import sys, time
from pipelines.base.store import lease, open_store
lease.SECONDS = 3.0
with open_store().lock("publish"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(lease, "SECONDS", 3.0)


@pytest.fixture
def holder(s3):
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def waited(store) -> float:
    began = time.monotonic()
    with store.lock("publish"):
        return time.monotonic() - began


def test_a_lock_is_free_at_once_after_its_holder_left(s3):
    with s3.lock("publish"):
        pass
    assert waited(s3) < 1


def test_a_living_holder_keeps_its_lock_beyond_its_time(s3, holder):
    taken = threading.Event()
    threading.Thread(target=lambda: (waited(s3), taken.set()), daemon=True).start()
    assert not taken.wait(5)
    holder.kill()
    assert taken.wait(60)


def test_a_killed_holders_lock_is_taken_over_when_it_ran_out(s3, holder):
    holder.send_signal(signal.SIGKILL)
    assert 1 < waited(s3) < 60


def test_who_stalled_can_write_no_more_and_says_so(s3, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(lease, "_RENEWALS", 0.001)  # renews after the hour: as good as a process that sleeps
    lock = s3.lock("publish")
    lock.__enter__()
    s3.put("reports/in time", b"")
    time.sleep(3.5)
    assert waited(open_store()) < 3
    for late in (
        lambda: s3.put("lake/late", b""),
        lambda: s3.create("lake/manifests/00000001.json", b""),
        lambda: s3.create("releases/late", b""),
        lambda: s3.uri("lake/workers"),
        lambda: lock.__exit__(None, None, None),
    ):
        with pytest.raises(SourceUnavailable, match="must renew its lock within 3 s; this one stalled"):
            late()
    assert time.monotonic() - began < 60
    assert s3.list("lake") == []
    assert s3.exists("reports/in time")
    assert waited(s3) < 1


def test_a_lost_lease_is_not_freed_for_its_new_holder(s3, monkeypatch):
    monkeypatch.setattr(lease, "_RENEWALS", 0.001)
    first = s3.lock("publish")
    first.__enter__()
    time.sleep(3.5)
    with open_store().lock("publish"):
        with pytest.raises(SourceUnavailable, match="stalled"):
            first.__exit__(None, None, None)
        assert b'"is_free": false' in s3.read(".locks/publish")


def test_of_many_takers_one_wins(s3):
    won = []

    def take() -> None:
        with open_store().lock("publish"):
            won.append(os.urandom(1))
            assert len(won) == 1
            won.clear()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == []
