"""How a stage starts: the only place under `dags/` that runs a program.

A stage is `python -m <module> <words>` in a process of its own, with the environment of the scheduler minus
Airflow's own settings and minus every secret the stage is not handed. Its output goes to the task's log; the
last line of its stdout, a JSON object, becomes the task's XCom (names, counts and digests, never people).
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

from airflow.sdk import Asset, BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk.execution_time.hitl import HITLUser

from pipelines.base.catalog import RETRAIN_REQUEST_ASSET, SOURCE_SECRETS

ROOT: Final = Path(__file__).resolve().parents[1]
OWNER: Final = "candor"
RUN: Final = "{{ run_id }}"
BATCH: Final = "{{ run_id | replace(':', '-') | replace('+', '-') }}"
"""A run's id as it may stand in a path."""

RETRIED: Final[dict[str, Any]] = {"retries": 3, "retry_delay": timedelta(seconds=5)}
"""For tasks that talk to another system. All others fail at once: the same input fails the same way again."""

RETRAIN_POOL: Final = os.environ.get("CANDOR_RETRAIN_POOL", "default_pool")
"""Airflow pool whose slots the reproducible graph takes: none free, and a retrain waits without being lost."""

ANNOUNCERS: Final = {
    "retrain": ("monitor_models",),
    "score_people": ("ingest_exports", "release", "rollback"),
    "monitor_models": ("score_people",),
}
"""DAG -> those whose events start it. Anybody with edit rights may post an event, without a name on record."""

AUDIT: Final = ("CANDOR_AUDIT_KEY",)
IMPORTABLE: Final = ("CANDOR_VAULT_KEY",)
"""For the file of scores that an ATS or LMS imports: it carries that system's own identifiers."""
PERSON: Final = ("CANDOR_PERSON_KEY",)
"""Each person's own key, under which their rows lie in a snapshot."""
INGEST: Final = ("CANDOR_PSEUDONYM_KEY", "CANDOR_VAULT_KEY", "CANDOR_AUDIT_KEY")
SOURCES: Final = (*INGEST, *SOURCE_SECRETS)
"""For the two steps that talk to the systems that exports come from: what opens those, besides the keys of ingest."""
VIEWER: Final = ("CANDOR_VIEWER_PASSWORD",)
SIGNER: Final = (*VIEWER, "CANDOR_SIGNING_KEY")
"""For the one step that releases: what reads both answers, and what signs for them."""
HANDED: Final = dict.fromkeys(("weigh", "choose", "evaluate"), (*PERSON, *AUDIT))
"""What a step of the reproducible graph is handed; the others `PERSON`. Each may have to make rows of people again that
a killed try lost; `infra.run.clone` keeps that key from every stage but `snapshot` and `prepare`, and `AUDIT` from all
but these three."""

SECRETS: Final = frozenset(INGEST + PERSON + SIGNER)

FINAL: Final = ("SettingsError", "ContractError", "GateRefused")
"""Errors that waiting does not mend. The rest (`SourceUnavailable`, a killed process) may be tried again."""


def people(variable: str) -> list[HITLUser]:
    """Who may answer, from a variable of the environment: `id:name` each (under FAB an id is a number), or the name."""
    users = os.environ.get(variable, "").split(",")
    return [{"id": user.split(":")[0], "name": user.split(":")[-1]} for user in users]


REVIEWERS: Final = people("CANDOR_REVIEWERS")
"""Who may answer a release."""
DECIDERS: Final = people("CANDOR_DECIDERS")
"""Who may say what becomes of a held file."""

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None)


class Stage(BaseOperator):
    """One step of a pipeline as a task.

    `secrets` names the variables the step is handed; `skip_on` lists what `status` in its answer means "there was
    nothing to do": the task is then skipped and no asset event follows; `take` names the one field
    of the answer that later tasks are mapped over; `about` is a last word, for a step that is itself mapped.
    """

    template_fields = ("command",)

    def __init__(
        self,
        *,
        command: Sequence[Any],
        secrets: Sequence[str] = (),
        skip_on: Sequence[str] = (),
        take: str | None = None,
        about: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.secrets = secrets
        self.skip_on = skip_on
        self.take = take
        self.about = about

    def execute(self, context: Context) -> Any:  # noqa: ARG002  the operator's signature is Airflow's
        """Run the step to its end and return its answer."""
        words = [*self.command, *([self.about] if self.about else [])]
        answer = answered(call(*words, secrets=self.secrets))
        if answer.get("status") in self.skip_on:
            raise AirflowSkipException(f"{self.command[0]} says {answer['status']}: nothing follows from it.")
        return answer[self.take] if self.take else answer


class Text(Stage):
    """A step whose whole stdout is the answer, such as the page a reviewer reads."""

    def execute(self, context: Context) -> str:  # noqa: ARG002
        """Run the step to its end and return what it printed."""
        return "\n".join(call(*self.command, secrets=self.secrets))


def genuine(dag_run: Any = None, triggering_asset_events: Any = None) -> list[Any]:
    """The events that started a run and that a DAG of ours announced; the ledger names the run that others reached.

    Raises:
        AirflowFailException: All were posted by hand.
    """
    events = [event for of_asset in (triggering_asset_events or {}).values() for event in of_asset]
    kept = [event for event in events if event.source_dag_id in ANNOUNCERS[dag_run.dag_id]]
    if len(kept) < len(events):
        about = ("--dag", dag_run.dag_id, "--dag-run", dag_run.run_id, "--code", "posted_event")
        call("pipelines.publish", "refuse", *about)
    if events and not kept:
        known = " or ".join(ANNOUNCERS[dag_run.dag_id])
        raise AirflowFailException(
            f"GateRefused: {dag_run.dag_id} must be asked for by its form or by {known}; this event was posted by hand."
            " Trigger the DAG by its form instead."
        )
    return kept


def asked(dag_run: Any = None, triggering_asset_events: Any = None) -> None:
    """Turn away a run that nothing but a posted event asked for."""
    genuine(dag_run, triggering_asset_events)


def ordered(params: Any = None, dag_run: Any = None, triggering_asset_events: Any = None) -> dict[str, str]:
    """What a retrain was asked for, by the form or by monitoring, and by whom.

    Raises:
        AirflowFailException: A person asked and gave no reason, or posted the event.
    """
    requests = [event.extra for event in genuine(dag_run, triggering_asset_events)]
    order = {**params} | ({"as_of": None} if requests else {})
    if requests:
        order["families"] = sorted({family for extra in requests for family in extra["families"]})
        order["reason"] = "; ".join(sorted({extra["reason"] for extra in requests}))
    if not order["reason"]:
        raise AirflowFailException("A retrain needs a reason; none was given. Trigger it again and say why.")
    return {"order": json.dumps(order), "requester": dag_run.triggering_user_name or "monitoring"}


def allowed(proposals: Sequence[dict[str, Any]], dag_run: Any = None) -> list[dict[str, Any]]:
    """One release run for each proposal the gate allows; a held one never gets that far."""
    return [
        {
            "trigger_run_id": f"release__{dag_run.run_id}__{proposal['family']}",
            "conf": {"family": proposal["family"], "verdict": proposal["verdict_sha256"]},
        }
        for proposal in proposals
        if proposal["verdict"] == "allowed"
    ]


def questions(held: Sequence[dict[str, str]], dag_run: Any = None) -> list[dict[str, Any]]:
    """One run of `held_file` for each file that waits for a person."""
    return [
        {"trigger_run_id": f"held__{dag_run.run_id}__{file['feed']}-{file['file'][:12]}", "conf": file} for file in held
    ]


def announced(answers: Sequence[dict[str, Any] | None]) -> None:
    """Let the assets of this task be announced when at least one step before it came to something."""
    if not any(answers):
        raise AirflowSkipException("Nothing was done, so nothing is announced.")


def wanted(reports: Sequence[dict[str, Any] | None], outlet_events: Any = None) -> None:
    """Ask for one retrain of every family whose report asks for it; skipped when none does."""
    asking = [report for report in reports if report and report["retrain"]]
    if not asking:
        raise AirflowSkipException("No bound is crossed, or a retrain was asked for within the cool-down.")
    reason = "; ".join(f"{report['family']}: {', '.join(report['reasons'])}" for report in asking)
    families = [report["family"] for report in asking]
    outlet_events[Asset(RETRAIN_REQUEST_ASSET)].extra = {"families": families, "reason": reason}


def call(*command: str, secrets: Sequence[str] = ()) -> list[str]:
    """Run `python -m command`; its stdout as lines. An exit code that is not 0 fails the task."""
    faults: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment(secrets),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        preexec_fn=_die_with_parent,  # noqa: PLW1509  forked before our only thread starts
    ) as child:
        errors = threading.Thread(target=_echo, args=(child.stderr, faults))
        errors.start()
        lines: list[str] = []
        _echo(child.stdout, lines)
        errors.join()
    if child.returncode:
        raise _failure(command[0], child.returncode, faults)
    return lines


def answered(lines: Sequence[str]) -> dict[str, Any]:
    """The JSON object on the last line; empty when the step printed something else."""
    try:
        answer = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def environment(secrets: Sequence[str]) -> dict[str, str]:
    """The scheduler's environment without Airflow's settings and without secrets that were not named."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "PYTHONPATH"))
        and (not _is_secret(name) or _is_in(name, secrets))
    }
    return kept | {"PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"}


def _is_secret(name: str) -> bool:
    return name in SECRETS or name.startswith(SOURCE_SECRETS)


def _is_in(name: str, secrets: Sequence[str]) -> bool:
    return name in secrets or any(name.startswith(prefix) for prefix in SOURCE_SECRETS if prefix in secrets)


def _failure(module: str, code: int, faults: Sequence[str]) -> AirflowException:
    """The exception that ends the task: final for an error of ours that a retry cannot mend."""
    reason = next((line for line in reversed(faults) if line.split(":")[0] in FINAL), None)
    if reason is not None:
        return AirflowFailException(reason)
    return AirflowException(f"{module} ended with exit code {code}. {faults[-1] if faults else ''}")


def _echo(stream: IO[str] | None, lines: list[str]) -> None:
    """Print what a child says as it says it, and remember it."""
    for line in stream or ():
        lines.append(line.rstrip("\n"))
        print(lines[-1], flush=True)


def _die_with_parent() -> None:
    """A killed task must not leave its stage behind (Linux)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
