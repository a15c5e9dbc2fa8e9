"""Airflow's own record of a run, read over REST with an account that may only look."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Protocol
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from pipelines.base.errors import CandorError, GateRefused, SettingsError, SourceUnavailable
from pipelines.base.settings import environment

AIRFLOW_URL: Final = "CANDOR_AIRFLOW_URL"
VIEWER_PASSWORD: Final = "CANDOR_VIEWER_PASSWORD"  # noqa: S105  # the variable's name
VIEWER: Final = "viewer"
_ADDRESS: Final = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/-]*)?")
"""A scheme, a host, perhaps a port and a path: no account, no question, and nothing that ends a link or a line."""
_TIMEOUT_SECONDS: Final = 20
_PAGE: Final = 100
_NOT_FOUND: Final = 404
_DENIED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did to a run over Airflow's API, as Airflow's event log has it."""

    act: str
    task: str
    by: str


def address(url: str) -> str:
    """The address of Airflow's API server, without a slash at its end, fit to be asked and to be linked to.

    Args:
        url: As the environment has it.

    Raises:
        SettingsError: It is not http or https, or more than host, port and path: an account would end up in links and
            messages, so what was got is not repeated.
    """
    if not _ADDRESS.fullmatch(url) or not _has_port(url):
        raise SettingsError(
            f"{AIRFLOW_URL} must be an address such as https://airflow.example:8080/hr, http:// or https:// with host, "
            "port and path alone; got another scheme, an account, a question or a character that has no place there. "
            "Correct it; accounts have variables of their own."
        )
    return url.rstrip("/")


def _has_port(url: str) -> bool:
    """Whether the port, if there is one, can be one."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


class Records:
    """Read-only view of Airflow. One token for the lifetime of the object."""

    def __init__(self, url: str, password: str) -> None:
        """Nothing is sent before the first question.

        Args:
            url: Of the API server, such as http://localhost:8080.
            password: Of the account `viewer`.

        Raises:
            SettingsError: It is no such address (`address`).
        """
        self.address = address(url)
        self._password = password
        self._token = ""
        self._open = build_opener(ProxyHandler({})).open  # the token stays off proxies

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        """A run; empty when Airflow knows none of this id.

        Raises:
            SourceUnavailable: Airflow did not answer.
            SettingsError: Airflow does not let the account look.
        """
        return self._get(_run_path(dag, run_id)) or {}

    def gate(self, dag: str, run_id: str, task: str) -> dict[str, Any] | None:
        """What a gate asked and who answered; None when it never asked. Raises as `run` does."""
        return self._get(f"{_run_path(dag, run_id)}/taskInstances/{quote(task, safe='')}/-1/hitlDetails")

    def acts(self, dag: str, run_id: str) -> list[Act]:
        """What people did to a run over the API, refused attempts included. Raises as `run` does."""
        asked = urlencode({"dag_id": dag, "run_id": run_id, "order_by": "event_log_id"})
        events: list[dict[str, Any]] = []
        while True:
            answer = self._get(f"/api/v2/eventLogs?{asked}&limit={_PAGE}&offset={len(events)}") or {}
            page = answer.get("event_logs") or []
            events += page
            if not page or len(events) >= int(answer.get("total_entries") or 0):
                return [_act(event) for event in events if _is_by_hand(event)]

    def _get(self, path: str) -> dict[str, Any] | None:
        if not self._token:
            login = {"username": VIEWER, "password": self._password}
            self._token = str((self._send("POST", "/auth/token", login) or {}).get("access_token", ""))
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: dict[str, str] | None) -> dict[str, Any] | None:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, headers, method=method)  # noqa: S310  # `address` checked it
        try:
            with self._open(request, timeout=_TIMEOUT_SECONDS) as answer:
                content = json.loads(answer.read())
        except HTTPError as error:
            error.close()
            if error.code == _NOT_FOUND and path.startswith("/api/"):
                return None
            raise _refused(error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            raise _unavailable(type(error).__name__) from None
        if not isinstance(content, dict):
            raise _unavailable("an answer that is no JSON object")
        return content


def open_records() -> Records:
    """Records of the Airflow in the environment.

    Raises:
        SettingsError: A variable is missing.
    """
    return Records(
        environment(AIRFLOW_URL, "the address of Airflow's API server"),
        environment(VIEWER_PASSWORD, f"the password of Airflow's account {VIEWER}"),
    )


class Runs(Protocol):
    """What of Airflow's records says who asked for a run."""

    def run(self, dag: str, run_id: str) -> Mapping[str, Any]:
        """A run; empty when there is none."""


def asked_by(records: Runs, dag: str, run_id: str) -> str:
    """Who triggered a run by its form.

    Args:
        records: Airflow's own record.
        dag: Which DAG.
        run_id: Its run, as whoever acts for it says.

    Raises:
        GateRefused: Nobody on record triggered it by hand.
        SourceUnavailable: Airflow did not answer.
    """
    run = records.run(dag, run_id)
    name = run.get("triggering_user_name") or ""
    if (run.get("dag_id"), run.get("dag_run_id"), run.get("run_type")) != (dag, run_id, "manual") or not name:
        raise GateRefused(
            f"A run of {dag} must be triggered by a person, by its form; nobody is on record. Nothing was changed.",
            "no_requester",
        )
    return str(name)


def _is_by_hand(event: Mapping[str, Any]) -> bool:
    """Whether the API wrote an event: it notes the method, while a task's own events name its host."""
    try:
        return "method" in json.loads(event.get("extra") or "{}")
    except (ValueError, TypeError):
        return False


def _act(event: Mapping[str, Any]) -> Act:
    return Act(str(event.get("event")), str(event.get("task_id") or ""), str(event.get("owner")))


def _run_path(dag: str, run_id: str) -> str:
    return f"/api/v2/dags/{quote(dag, safe='')}/dagRuns/{quote(run_id, safe='')}"


def _refused(status: int) -> CandorError:
    if status in _DENIED:
        return SettingsError(
            f"{VIEWER_PASSWORD} must be the password of the account {VIEWER}, which may read runs; Airflow answered "
            f"{status}. Correct the password or the account's rights."
        )
    return _unavailable(f"status {status}")


def _unavailable(what: str) -> SourceUnavailable:
    return SourceUnavailable(f"Airflow must answer at {AIRFLOW_URL}; got {what}. Start it, or try again.")
