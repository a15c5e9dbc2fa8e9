import os
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
    code = (
        "import time; from pipelines.base import crew\n"
        "for _ in crew.each(time.sleep, [0, *[600] * 99]): print('at work', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout.readline() == "at work\n"
            children = _children(parent.pid)
        finally:
            parent.kill()
    assert children
    assert _comes_true(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def _comes_true(holds, seconds: float = 60) -> bool:
    ends = time.monotonic() + seconds
    while not (come := holds()) and time.monotonic() < ends:
        time.sleep(0.1)
    return come
