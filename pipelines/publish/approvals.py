"""Two people, neither of them the one who asked: rules over Airflow's own record of a release run.

Nothing here believes a task's state, an XCom or a parameter of the caller: all of them can be forged by a user with
edit rights. What counts is the run as Airflow recorded it and the answers in its human-in-the-loop records, where the
server itself writes who answered. People are compared by name, since under FAB the recorded id is a number while the
requester is a name; the ids must differ as well.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.base.errors import GateRefused
from pipelines.base.records import Act
from pipelines.fairness.evidence import LESS_DISCRIMINATORY

DAG: Final = "release"
GATES: Final = ("approve_first", "approve_second")
RUN_TYPE: Final = "operator_triggered"
"""Only another DAG's operator makes such a run; the REST API and the form make `manual` ones."""
MONITORING: Final = "monitoring"
"""Requester of a retrain that no person asked for."""
_ANSWER: Final = "update_hitl_detail"
"""Airflow's name for an answer in its event log."""
JUSTIFICATION_LENGTH: Final = 10
"""Characters of a reason that is one."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes, as Airflow recorded it."""

    gate: str
    name: str
    approved_at: str
    justification: str
    accepted_gaps: tuple[str, ...]
    """Names `axis:group` of what the numbers could not say and this person accepts."""
    choice_reason: str = ""
    """Why this model though another is less discriminatory at equal validity; empty where nothing asks for it."""
    recorded_by: str = ""
    """Address of the Airflow whose record this is: who lets another one answer leaves its address in the ledger."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that is broken."""

    code: str
    """For the ledger and for counting."""
    text: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be released, and the run in which two people were asked about it."""

    family: str
    verdict_sha256: str
    run_id: str


def check(
    run: Mapping[str, Any],
    gates: Mapping[str, Mapping[str, Any] | None],
    approvers: Collection[str],
    *,
    wanted: Wanted,
    proposers: Collection[str],
    shown: str,
    gaps: Collection[str] = (),
) -> list[Approval]:
    """Both approvals, if every rule holds.

    Args:
        run: The release run, as `GET dagRuns/{id}` gives it.
        gates: Task to its `hitlDetails` record; None where there is none.
        approvers: Names that may approve.
        wanted: What the run must be about.
        proposers: Everyone on record as having asked for this verdict.
        shown: The brief of this verdict, which both gates must have shown: its way to them can be forged as well.
        gaps: Names `axis:group` in the verdict, to tell a comma within a name from one between two.

    Returns:
        One approval a gate, in the order of `GATES`.

    Raises:
        GateRefused: Names every rule that is broken.
    """
    requesters = {*proposers, run.get("triggering_user_name") or ""} - {""}
    faults = [*_run_faults(run, wanted, proposers)]
    for task in GATES:
        faults += _gate_faults(task, gates.get(task), approvers, requesters, wanted, shown)
    _refuse([*faults, *_twice(gates)])
    return [_approval(task, gates[task] or {}, gaps) for task in GATES]


def admit(run: Mapping[str, Any], *, wanted: Wanted, proposers: Collection[str]) -> None:
    """Raise GateRefused unless a retrain triggered the run, about what is wanted. Asked before anyone is."""
    _refuse([*_run_faults(run, wanted, proposers)])


def interference(acts: Collection[Act], gates: Mapping[str, Mapping[str, Any] | None]) -> list[Act]:
    """Everything done to a run by hand but the answers that count.

    Args:
        acts: From Airflow's event log, which holds refused attempts too.
        gates: Task to its `hitlDetails` record.
    """
    answers = {Act(_ANSWER, task, _user(gates.get(task) or {})[0]) for task in GATES}
    return sorted(set(acts) - answers, key=lambda act: (act.task, act.act, act.by))


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise GateRefused(
            "A release must be triggered by its retrain and approved by two different people, neither of them the "
            f"requester; {' '.join(fault.text for fault in faults)} Nothing was released.",
            *(fault.code for fault in faults),
        )


def unaccepted(gaps: Collection[str], approvals: Sequence[Approval]) -> list[str]:
    """One sentence for each approver who did not accept every gap by its name.

    Args:
        gaps: Names `axis:group` in the verdict.
        approvals: Both approvals.

    Returns:
        Empty when everyone accepted everything.
    """
    missing = ((approval, sorted(set(gaps) - set(approval.accepted_gaps))) for approval in approvals)
    return [f"{approval.name} did not accept {', '.join(names)}." for approval, names in missing if names]


def unexplained(gaps: Sequence[Mapping[str, Any]], approvals: Sequence[Approval]) -> list[str]:
    """One sentence for each approver who did not say why a less discriminatory alternative is passed over.

    Args:
        gaps: Of the verdict.
        approvals: Both approvals.

    Returns:
        Empty when everyone did, and when there is none.
    """
    passed_over = [str(gap["name"]) for gap in gaps if gap.get("code") == LESS_DISCRIMINATORY]
    silent = [approval.name for approval in approvals if len(approval.choice_reason) < JUSTIFICATION_LENGTH]
    return [f"{name} did not say why not {', '.join(passed_over)}." for name in silent] if passed_over else []


def _run_faults(run: Mapping[str, Any], wanted: Wanted, proposers: Collection[str]) -> Iterator[Fault]:
    if (run.get("dag_id"), run.get("dag_run_id")) != (DAG, wanted.run_id):
        yield Fault("run_unknown", f"the run on record is not {wanted.run_id} of {DAG}.")
    if run.get("run_type") != RUN_TYPE:
        yield Fault("not_triggered", f"the run is {run.get('run_type')}, not {RUN_TYPE}: no retrain triggered it.")
    if not run.get("triggering_user_name") and MONITORING not in proposers:
        yield Fault("no_requester", "no requester is on record.")
    if not proposers:
        yield Fault("never_proposed", "nobody is on record as having proposed this verdict.")
    conf = run.get("conf") or {}
    if (conf.get("family"), conf.get("verdict")) != (wanted.family, wanted.verdict_sha256):
        yield Fault("other_verdict", "the run is about another family or verdict.")


def _gate_faults(  # noqa: PLR0917  a step of `check`
    task: str,
    gate: Mapping[str, Any] | None,
    approvers: Collection[str],
    requesters: Collection[str],
    wanted: Wanted,
    shown: str,
) -> Iterator[Fault]:
    if gate is None:
        yield Fault("no_record", f"{task} has no record.")
        return
    asked = gate.get("task_instance") or {}
    about = (asked.get("dag_id"), asked.get("dag_run_id"), asked.get("task_id"))
    if about != (DAG, wanted.run_id, task):
        yield Fault("other_task", f"the record of {task} is about another task.")
    if gate.get("response_received") is not True or gate.get("chosen_options") != ["Approve"]:
        yield Fault("no_approval", f"{task} has no approval on record.")
        return
    name, identity = _user(gate)
    if not name or not identity:
        yield Fault("no_user", f"{task} was answered without a user.")
        return
    if name not in approvers:
        yield Fault("not_an_approver", f"{task}: {name} is not among the approvers.")
    if _person(name) in map(_person, requesters):
        yield Fault("requester_approved", f"{task}: {name} asked for this release and may not approve it.")
    if len(_justification(gate)) < JUSTIFICATION_LENGTH:
        yield Fault(
            "no_justification", f"{task}: {name} gave no justification of at least {JUSTIFICATION_LENGTH} characters."
        )
    if _echoed(str(gate.get("body"))) != _echoed(shown):
        yield Fault(
            "other_brief",
            f"{task}: what it showed is not the brief of this verdict as it is now, such as after a rollback. Airflow "
            "shows of a gate for ever what it showed first: retrain, and both are asked anew.",
        )
    if not gate.get("responded_at"):
        yield Fault("no_moment", f"{task}: the answer has no moment.")


def _echoed(text: str) -> str:
    """A text as it comes back from Airflow, on whose way every end of a line becomes the same."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _twice(gates: Mapping[str, Mapping[str, Any] | None]) -> Iterator[Fault]:
    users = [_user(gates.get(task) or {}) for task in GATES]
    names, identities = [_person(name) for name, _ in users], [identity for _, identity in users]
    if all(names) and len(set(names)) < len(GATES):
        yield Fault("answered_twice", f"{users[0][0]} answered both gates.")
    elif all(identities) and len(set(identities)) < len(GATES):
        yield Fault("answered_twice", "one account answered both gates under two names.")


def _user(gate: Mapping[str, Any]) -> tuple[str, str]:
    """Name and id of who answered; empty strings for none."""
    user = gate.get("responded_by_user") or {}
    name, identity = user.get("name"), user.get("id")
    return name if isinstance(name, str) else "", str(identity) if identity else ""


def _person(name: str) -> str:
    """A name for telling people apart: spelling it another way does not make two people."""
    return name.strip().casefold()


def _approval(task: str, gate: Mapping[str, Any], gaps: Collection[str]) -> Approval:
    return Approval(
        gate=task,
        name=_user(gate)[0],
        approved_at=str(gate["responded_at"]),
        justification=_justification(gate),
        accepted_gaps=_accepted(gate, gaps),
        choice_reason=_said(gate, "choice_reason"),
    )


def _justification(gate: Mapping[str, Any]) -> str:
    return _said(gate, "justification")


def _said(gate: Mapping[str, Any], field: str) -> str:
    given = _form(gate, field)
    return given.strip() if isinstance(given, str) else ""


def _accepted(gate: Mapping[str, Any], gaps: Collection[str]) -> tuple[str, ...]:
    """Gap names: a list, or one text with commas, semicolons or line ends between them; `I accept` may precede each.

    A separator within the name of a gap, such as `ethnicity:Black, not Hispanic`, belongs to that name, and a gap whose
    name is the beginning of a longer one's is not accepted by it.
    """
    given = _form(gate, "accepted_gaps")
    whole = (rf"{re.escape(gap)}(?=\s*(?:[,;\n]|$))" for gap in sorted(gaps, key=len, reverse=True))
    name = "|".join([*whole, r"[^,;\n]*"])
    part = rf"(?:^|[,;\n])\s*(?:(?i:i accept)\s+)?({name})"
    if isinstance(given, str):
        names = re.findall(part, given)
    else:
        parts = [item for item in given if isinstance(item, str)] if isinstance(given, list) else []
        names = [re.sub(r"^\s*i accept\s+", "", item, flags=re.IGNORECASE) for item in parts]
    return tuple(name.strip() for name in names if name.strip())


def _form(gate: Mapping[str, Any], field: str) -> Any:
    """A field of the form; the browser may send the value alone or within its description."""
    given = (gate.get("params_input") or {}).get(field)
    return given.get("value") if isinstance(given, dict) else given
