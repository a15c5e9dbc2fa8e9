"""A TCP proxy in front of the real server that breaks what it is told to break."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

WORDS = {"busy": b"HTTP/1.1 503 Slow Down", "taken": b"HTTP/1.1 412 Precondition Failed"}
"""What a server answers by itself."""


class Proxy:
    """Passes connections on, but for what `faults` says of the next ones: slow, cut, garbage, busy, taken, closed."""

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._target = (where.hostname, where.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.faults: list[str] = []
        """One a connection, in order; a connection without one is passed on."""
        self.budget: float = float("inf")
        """Bytes that still reach the server; nothing is passed on after them."""
        self.lost = 0
        """Answers to writes that the server gives and nobody gets."""
        self.broken: list[bytes] = []
        """Answers that hold these bytes break off within them, once each."""
        self.on_write: Callable[[str], bool | None] = lambda path: None
        """Called with the path of every write before it is passed on; True lets it never arrive."""
        self.on_loss: Callable[[], object] = lambda: None
        """Called when an answer got lost."""
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(client)
            fault = self.faults.pop(0) if self.faults else ""
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client: socket.socket, fault: str) -> None:
        with contextlib.suppress(OSError), client:
            if fault == "closed" or self.budget <= 0:
                return
            if fault in ("garbage", "slow", *WORDS):
                client.recv(65536)
                if fault == "slow":
                    client.recv(65536)  # until the client gives up
                elif fault in WORDS:
                    client.sendall(WORDS[fault] + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                else:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<not>")
                return
            with socket.create_connection(self._target) as server:
                writes = threading.Event()
                up = threading.Thread(target=self._up, args=(client, server, writes), daemon=True)
                up.start()
                self._down(server, client, writes, cut=fault == "cut")
                up.join()

    def _up(self, client: socket.socket, server: socket.socket, writes: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._is_stopped(data, writes):
                    break
                if self.budget < len(data):
                    self.budget = 0
                    break
                self.budget -= len(data)
                server.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _is_stopped(self, data: bytes, writes: threading.Event) -> bool:
        """Note whether a request that begins here is a write; whether it is to be lost."""
        if data.startswith(b"PUT "):
            writes.set()
            return self.on_write(data.split(maxsplit=2)[1].decode()) is True
        if data.startswith((b"GET ", b"HEAD ", b"DELETE ")):
            writes.clear()
        return False

    def _down(self, server: socket.socket, client: socket.socket, writes: threading.Event, *, cut: bool) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self.lost and writes.is_set() and b"ETag" in data:
                    self.lost -= 1
                    self.on_loss()
                    break
                if cut or (self.broken and self.broken[0] in data):
                    end = len(data) if cut else data.index(self.broken[0]) + len(self.broken[0])
                    self.broken = self.broken[1:]
                    client.sendall(data[: end - 1])
                    break
                client.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
