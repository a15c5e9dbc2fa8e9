"""Airflow's public REST API, as one account sees it. Standard library only."""

import json
import time
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

ACTIVE: Final = ("queued", "running")
PAUSE: Final = 1.0
"""Seconds between two looks. With half of it the API server took a sixth of a core from the stages."""


class Unreachable(Exception):
    """Airflow does not answer (yet)."""


class Denied(Exception):
    """Airflow answered no. `status` is the HTTP status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """A session of one account; anonymous without a name."""

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        self.url, self.user, self._password, self._token = url, user, password, ""
        self._open = build_opener(ProxyHandler({})).open  # never through a proxy: it is this machine

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of its answer.

        Raises:
            Denied: The answer is a status of 400 or above.
            Unreachable: There is no answer.
        """
        if self.user and not self._token:
            answer = self._send("POST", "/auth/token", {"username": self.user, "password": self._password})
            self._token = answer["access_token"]
        try:
            return self._send(method, path, body)
        except Denied as no:
            if no.status != 401 or not self._token:
                raise
            self._token = ""  # expired: log in again, once
            return self.call(method, path, body)

    def trigger(self, dag: str, conf: dict[str, Any]) -> str:
        """Start a run; its id."""
        run = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def pause(self, dag: str, *, is_paused: bool) -> None:
        """Let a DAG begin no run, not even one that waits, or let it begin again."""
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": is_paused})

    def run(self, dag: str, run: str) -> dict[str, Any]:
        """What Airflow records about a run."""
        found: dict[str, Any] = self.call("GET", run_path(dag, run))
        return found

    def runs(self, dag: str, states: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Runs of a DAG, newest first; only those in `states` when given."""
        query = urlencode([("order_by", "-run_after"), ("limit", 100), *(("state", state) for state in states)])
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/{dag}/dagRuns?{query}")["dag_runs"]
        return found

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Task instances of a run."""
        found: list[dict[str, Any]] = self.call("GET", f"{run_path(dag, run)}/taskInstances?limit=1000")[
            "task_instances"
        ]
        return found

    def xcom(self, dag: str, run: str, task: str) -> Any:
        """What a task returned; None when it returned nothing."""
        path = f"{run_path(dag, run)}/taskInstances/{task}/xcomEntries/return_value?deserialize=true"
        try:
            return self.call("GET", path)["value"]
        except Denied as no:
            if no.status != 404:
                raise
            return None

    def reason(self, dag: str, run: str) -> str:
        """Why the events that started a run were sent, as far as they say so."""
        path = f"{run_path(dag, run)}/upstreamAssetEvents"
        for pause in (1, 2, 4):  # beside SQLite a read may be answered by 500 while a run that was just made is written
            try:
                events = self.call("GET", path)["asset_events"]
                break
            except Unreachable:
                time.sleep(pause)
        else:
            events = self.call("GET", path)["asset_events"]
        return "; ".join(dict.fromkeys(str(event["extra"].get("reason", "")) for event in events))

    def question(self, dag: str, run: str, task: str) -> dict[str, Any]:
        """What a gate asks, and what was answered by whom."""
        found: dict[str, Any] = self.call("GET", f"{run_path(dag, run)}/taskInstances/{task}/-1/hitlDetails")
        return found

    def answer(self, dag: str, run: str, task: str, option: str, form: dict[str, str]) -> None:
        """Answer a gate."""
        path = f"{run_path(dag, run)}/taskInstances/{task}/-1/hitlDetails"
        self.call("PATCH", path, {"chosen_options": [option], "params_input": form})

    def is_quiet(self, dag: str) -> bool:
        """Whether no run of the DAG is at work and no asset event waits to start one."""
        return not self._queued_events(dag) and not self.runs(dag, ACTIVE)

    def _queued_events(self, dag: str) -> int:
        try:
            return int(self.call("GET", f"/api/v2/dags/{dag}/assets/queuedEvents")["total_entries"])
        except Denied as no:
            if no.status != 404:
                raise
            return 0

    def _send(self, method: str, path: str, body: Any) -> Any:
        request = Request(self.url + path, method=method)  # noqa: S310  our own http:// address
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        data = None if body is None else json.dumps(body).encode()
        try:
            with self._open(request, data, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                detail = error.read().decode(errors="replace")[:300]
            if error.code >= 500:  # SQLite was busy, or the server is on its way up: nothing was decided
                raise Unreachable(f"{method} {path} must be served; got {error.code}.") from None
            raise Denied(error.code, f"{method} {path} must succeed; got {error.code}: {detail}") from None
        except (URLError, OSError, ValueError) as error:
            raise Unreachable(f"{self.url} must answer; got {error}.") from None


def run_path(dag: str, run: str) -> str:
    """Path of a run; ids carry ':' and '+'."""
    return f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}"


def wait() -> None:
    """The pause between two looks."""
    time.sleep(PAUSE)
