"""One piece of work on many parts, a process a core: for loops that only Python can do.

A process needs a second to start, so whoever has little to do calls the work itself.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from pipelines.base.errors import SourceUnavailable

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


def each(work: Callable[[_Part], _Result], parts: Iterable[_Part]) -> Iterator[_Result]:
    """The results of `work`, in the order of the parts.

    Args:
        work: A function of a module. What it raises is raised here.
        parts: What it takes, handed to the processes as it is pickled.

    Raises:
        SourceUnavailable: A process was killed, as by a machine out of memory.
    """
    count = len(os.sched_getaffinity(0))
    # spawned, not forked: Polars' threads and their locks would be half there in a fork
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent) as processes:
        at_work: deque[Future[_Result]] = deque()
        try:
            for part in parts:  # one after the other: all of them at once may be too much for the memory
                at_work.append(processes.submit(work, part))
                if len(at_work) > count + 1:
                    yield at_work.popleft().result()
            while at_work:
                yield at_work.popleft().result()
        except BrokenProcessPool:
            raise SourceUnavailable(
                "The processes that share this work must live until it is done; one of them was killed. "
                "Make memory free and run the same command again."
            ) from None


def _end_with_parent() -> None:
    """A killed parent closes nothing: its processes would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait, args=(parent.join,), daemon=True).start()


def _wait(parent_ends: Callable[[], None]) -> None:
    parent_ends()
    os._exit(1)
