"""A few worker processes; a document that crashes or hangs its worker costs that document only.

Workers start without any CANDOR_* variable: what a hostile file could take over has no keys.
"""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final, cast

from pipelines.ingest.documents.bounds import Limits
from pipelines.ingest.documents.extract import Extracted

WORKERS: Final = 2
COMMAND: Final = ["-m", "pipelines.ingest.documents.worker"]
"""Arguments of the interpreter that runs a worker."""
START_SECONDS: Final = 60.0
"""Grace for the first answer of a new worker, which imports the parsers."""


class Worker:
    """One process, started again whenever it dies, hangs or says that it can read no more."""

    def __init__(self, limits: Limits) -> None:
        """Nothing starts before the first document.

        Args:
            limits: Sent to the process.
        """
        self.limits = limits
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, path: Path) -> Extracted:
        """Extract one document; `corrupt` when the process dies or does not answer in time."""
        grace = START_SECONDS if self.process is None else 0.0
        process = self.process = self.process or self._start()
        try:
            _send(process, json.dumps(str(path)))
            answer = json.loads(self._line(process, self.limits.max_seconds + grace))
            if answer.pop("is_last"):
                self.stop()
            return Extracted(**answer)
        except (OSError, ValueError, TimeoutError):
            self.stop()
            return Extracted("corrupt")

    def _start(self) -> "subprocess.Popen[bytes]":
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("CANDOR_", "AIRFLOW", "AWS_"))}
        process = subprocess.Popen(  # our own module
            [sys.executable, *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=Path(__file__).parents[3],
        )
        _send(process, self.limits.model_dump_json())
        return process

    @staticmethod
    def _line(process: "subprocess.Popen[bytes]", seconds: float) -> bytes:
        """One line of answer. Raises TimeoutError, or ValueError when the process ended."""
        answers = cast("IO[bytes]", process.stdout)
        with selectors.DefaultSelector() as ready:
            ready.register(answers, selectors.EVENT_READ)
            if not ready.select(seconds):
                raise TimeoutError
        line = answers.readline()
        if not line:
            raise ValueError("the worker ended")
        return line

    def stop(self) -> None:
        """End the process; the next document starts another."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process = None


def _send(process: "subprocess.Popen[bytes]", line: str) -> None:
    pipe = cast("IO[bytes]", process.stdin)
    pipe.write(line.encode() + b"\n")
    pipe.flush()


def extract_all(items: Sequence[Callable[[], Path]], limits: Limits) -> Iterator[Extracted]:
    """Extract documents in their order.

    Args:
        items: Each fetches one document and says where it is; the file is removed afterwards.
        limits: Bounds of each.

    Yields:
        One result a document.
    """
    workers = [Worker(limits) for _ in range(WORKERS)]
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(fetch: Callable[[], Path]) -> Extracted:
        path = fetch()
        worker = free.get()
        try:
            return worker.ask(path)
        finally:
            free.put(worker)
            path.unlink(missing_ok=True)

    try:
        with ThreadPoolExecutor(2 * WORKERS) as threads:  # as many fetch the next while all workers read
            yield from threads.map(one, items)
    finally:
        for worker in workers:
            worker.stop()
