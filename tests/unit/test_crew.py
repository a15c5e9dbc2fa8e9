import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.base import crew
from pipelines.base.errors import SourceUnavailable


def test_results_come_in_the_order_of_the_parts():
    assert list(crew.each(abs, [-3, 2, -1])) == [3, 2, 1]


def test_a_killed_process_says_what_to_do():
    with pytest.raises(SourceUnavailable, match="one of them was killed"):
        list(crew.each(os._exit, [9]))


def test_processes_end_with_a_killed_parent():
    code = "import time; from pipelines.base import crew; list(crew.each(time.sleep, [600, 600]))"
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        try:
            _until(lambda: len(_children(parent.pid)) > 1)  # one of them is the resource tracker of multiprocessing
            children = _children(parent.pid)
        finally:
            parent.send_signal(signal.SIGKILL)
    _until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def _until(holds, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)
