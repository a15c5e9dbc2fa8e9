"""Programs that find Airflow imported: one process imports it once, a second's work, and forks itself for each test.

A forked program has standard streams, an environment and modules of its own, as one that was started has. What reads
the environment at import (AIRFLOW_HOME, settings of Airflow) is the first process's.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Program:
    """A forked program; what it prints and what it logs come down one pipe."""

    pid: int
    stdin: IO[str]
    stdout: IO[str]
    _server: socket.socket

    def ended(self) -> int:
        """Wait for its end: its exit code, 1 where it raised, or minus the signal that killed it."""
        self.stdin.close()
        self._server.send(json.dumps({"pid": self.pid}).encode())
        code = int(self._server.recv(64))
        self.stdout.close()
        return code

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)


class Forks:
    """The other end of the process that forks."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server

    def start(self, code: str, *words: str, **variables: str) -> Program:
        """Run `code` with `words` as its arguments and no environment but `variables` and the path."""
        (read, said), (heard, write) = os.pipe(), os.pipe()
        asked = {"code": code, "words": words, "environment": {"PATH": os.environ["PATH"], **variables}}
        socket.send_fds(self._server, [json.dumps(asked).encode()], [heard, said])
        for end in (heard, said):
            os.close(end)
        return Program(int(self._server.recv(64)), os.fdopen(write, "w"), os.fdopen(read), self._server)


@contextmanager
def forking(home: Path, *modules: str) -> Iterator[Forks]:
    """A process that has imported `modules`, with `home` as Airflow's.

    Raises:
        ImportError: It could not; why stands in its own words on standard error.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", __file__, str(theirs.fileno()), *modules]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()
    try:
        with ours:
            if not ours.recv(64):
                raise ImportError(f"{', '.join(modules)} must be there to import; the words above say what is not.")
            yield Forks(ours)
    finally:
        process.wait(30)


def serve(asks: socket.socket, modules: Sequence[str]) -> None:
    """Say so when all is imported; then fork for each message that has code, wait for each that names a process."""
    for name in modules:
        importlib.import_module(name)
    asks.send(b"ready")
    while True:
        message, streams, _, _ = socket.recv_fds(asks, 1 << 18, 2)
        if not message:
            return
        asked = json.loads(message)
        if "pid" in asked:
            status = os.waitpid(asked["pid"], 0)[1]
            asks.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        child = os.fork()
        if child == 0:
            asks.close()
            os._exit(ran(asked, *streams))
        for stream in streams:
            os.close(stream)
        asks.send(str(child).encode())


def ran(asked: Mapping[str, Any], heard: int, said: int) -> int:
    """Run the code as `python -c` does, to the end of its threads and of what it wants done at exit; its exit code."""
    for stream, number in ((heard, 0), (said, 1), (said, 2)):
        os.dup2(stream, number)
    os.close(heard)
    os.close(said)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["-c", *asked["words"]]
    code = 0
    try:
        exec(compile(asked["code"], "<test>", "exec"), {"__name__": "__main__"})  # noqa: S102  a test's own words
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if not isinstance(end.code, int | None):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  told as Python tells it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # `os._exit`, which ends a fork, does neither
    atexit._run_exitfuncs()
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as line:
        serve(line, sys.argv[2:])
