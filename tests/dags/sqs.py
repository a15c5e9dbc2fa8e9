"""A queue that speaks as SQS does, as far as we listen: long polls, receipts, a message that stays comes again."""

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sqs:
    """One queue in this process."""

    def __init__(self, hidden_seconds: float) -> None:
        self.hidden_seconds = hidden_seconds
        self.faults: list[tuple[int, str]] = []
        """Status and error word of the next answers."""
        self.asked: list[str] = []
        self.url = ""
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[str, float]] = {}
        self._changed = threading.Condition()

    def send(self, body: str) -> None:
        with self._changed:
            self._waiting[f"receipt-{next(self._numbers)}"] = (body, 0.0)
            self._changed.notify_all()

    @property
    def left(self) -> list[str]:
        """Bodies that nobody removed."""
        with self._changed:
            return [body for body, _ in self._waiting.values()]

    def answer(self, action: str, asked: dict) -> dict:
        assert asked["QueueUrl"] == self.url
        self.asked.append(action)
        if action == "DeleteMessage":
            with self._changed:
                del self._waiting[asked["ReceiptHandle"]]
            return {}
        assert action == "ReceiveMessage"
        return {"Messages": self._visible(asked["MaxNumberOfMessages"], min(asked["WaitTimeSeconds"], 2))}

    def _visible(self, most: int, seconds: float) -> list[dict]:
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                now = time.monotonic()
                found = [key for key, (_, hidden) in self._waiting.items() if hidden <= now][:most]
                if found or now >= until:
                    break
                self._changed.wait(0.1)
            for key in found:
                self._waiting[key] = (self._waiting[key][0], now + self.hidden_seconds)
            return [self._message(key) for key in found]

    def _message(self, key: str) -> dict:
        body = self._waiting[key][0]
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return {"MessageId": key, "ReceiptHandle": key, "MD5OfBody": digest, "Body": body}


@contextmanager
def serving(hidden_seconds: float = 1.0) -> Iterator[Sqs]:
    queue = Sqs(hidden_seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, word = queue.faults.pop(0) if queue.faults else (200, "")
            action = self.headers["X-Amz-Target"].removeprefix("AmazonSQS.")
            said = {"__type": f"com.amazonaws.sqs#{word}"} if word else queue.answer(action, asked)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    queue.url = f"http://127.0.0.1:{server.server_port}/000000000000/arrivals"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield queue
    finally:
        server.shutdown()
        server.server_close()
