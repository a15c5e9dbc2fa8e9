"""What a person decides about a held file: the next run takes it in whatever speaks against it, or no run ever does.

Reads   register   what is held; quarantine says why
        Airflow    its own record of who answered, never a task's state or what was passed on between tasks
Writes  ledger     file:decided, or decision:refused
        lake       released/<feed>/<sha256>, until a run took the file up again; a rejected file's record

Killed anywhere and run again, the decision stands once.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from pipelines import audit
from pipelines.base import landing
from pipelines.base.catalog import LAKE, QUARANTINE
from pipelines.base.errors import ContractError, GateRefused
from pipelines.base.lake import PUBLISHING
from pipelines.base.settings import Section
from pipelines.base.store import Store
from pipelines.ingest import files
from pipelines.ingest.batch import unit_id

DAG: Final = "held_file"
QUESTION: Final = "decide"
"""The DAG that asks, and its task."""
RUN_TYPE: Final = "operator_triggered"
"""Only another DAG's operator makes such a run; the REST API and the form make `manual` ones."""
CHOICES: Final = {"Release": "release", "Reject": "reject"}
NOTE_LENGTH: Final = 10
"""Characters of a note that says something."""
_FOLDER: Final = f"{LAKE}/released"
_FEED: Final = re.compile("[a-z][a-z0-9_]{0,99}")
_SHA256: Final = re.compile("[0-9a-f]{64}")


class Deciders(Section):
    """`ingest`: who says what becomes of a held file."""

    deciders: tuple[str, ...]
    """Names of Airflow accounts."""


@dataclass(frozen=True, slots=True)
class File:
    """Which file. Whoever starts a run writes both, and they go into the ledger.

    Raises:
        ContractError: They are not what a feed's name and a digest look like.
    """

    feed: str
    sha256: str

    def __post_init__(self) -> None:
        if not _FEED.fullmatch(self.feed) or not _SHA256.fullmatch(self.sha256):
            raise ContractError(
                "A held file must be named by its feed and the 64 hex digits of its sha256; it is not. "
                "`python -m pipelines.ingest held` lists them."
            )


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided, and why."""

    choice: str
    """`release` or `reject`."""
    by: str
    note: str
    run_id: str = ""
    """The run of Airflow that asked; empty for a decision at the command line."""


class Records(Protocol):
    """Airflow's own records, as `base.records.Records` reads them."""

    def run(self, dag: str, run_id: str) -> Mapping[str, Any]:
        """A run; empty when there is none."""

    def gate(self, dag: str, run_id: str, task: str) -> Mapping[str, Any] | None:
        """What a task asked and who answered."""


def decide(store: Store, file: File, decision: Decision) -> str:
    """Act on a decision, once.

    Args:
        store: Holds the register and the ledger.
        file: Held, or rejected before: that may be taken back.
        decision: By whom, and why.

    Returns:
        One line of JSON: status (`released` or `rejected`), feed, file_sha256.

    Raises:
        ContractError: Nobody asks about such a file, it is not in landing, or the decision does not say why.
        GateRefused: The run decided before, and something else happened since.
    """
    if decision.choice not in CHOICES.values() or len(decision.note.strip()) < NOTE_LENGTH or not decision.by.strip():
        raise ContractError(
            f"A decision must be release or reject, by somebody, with a note of at least {NOTE_LENGTH} characters; it "
            "is not. Say why, and name no person it is about."
        )
    status = {"release": "released", "reject": "rejected"}[decision.choice]
    with store.lock(PUBLISHING):
        records = files.of_status(store, file.feed, file.sha256, "held", "rejected")
        before = decisions(store, file)
        newest = before[-1] if before else {}
        facts = {"file_sha256": file.sha256, **asdict(decision), "batch": records[0].batch if records else ""}
        if newest == facts or (not records and newest == facts | {"batch": newest.get("batch")}):
            pass  # made before: what a killed try left is done below
        elif decision.run_id and any(made["run_id"] == decision.run_id for made in before):
            raise GateRefused(
                "An answer must decide once; this one did, and since then the file was held again or somebody decided "
                "otherwise. Answer the newest question about it.",
                "decided_before",
            )
        elif not records:
            raise ContractError(
                f"A decision must be about a held file of {file.feed}; no file of that digest is held. "
                "`python -m pipelines.ingest held` lists them."
            )
        elif decision.choice == "release" and not all(landing.is_kept(store, record.landing_key) for record in records):
            raise ContractError(
                f"A file of {file.feed} must lie in landing to be taken in from there; it never did, or it is older "
                "than privacy.keep_days. Have it sent again, or reject it."
            )
        else:
            audit.append(store, audit.Tag.FILE_DECIDED, file.feed, **facts)
        _act(store, file, records, decision.choice)
    return json.dumps({"status": status, "feed": file.feed, "file_sha256": file.sha256})


def decisions(store: Store, file: File) -> list[dict[str, Any]]:
    """Facts of all decisions about a file, the newest last; each is about its being held by one batch."""
    return [
        dict(entry.facts)
        for entry in audit.entries(store)
        if entry.tag is audit.Tag.FILE_DECIDED
        and (entry.subject, entry.facts["file_sha256"]) == (file.feed, file.sha256)
    ]


def answered(store: Store, records: Records, file: File, run_id: str, deciders: Collection[str]) -> Decision:
    """The decision that Airflow itself recorded.

    Args:
        store: Holds the ledger.
        records: Which run asked, and who answered.
        file: As the run's parameters name it; anybody may have written those.
        run_id: The run that asked.
        deciders: Names of who may decide.

    Raises:
        GateRefused: Names every rule that is broken. The ledger has the refusal.
        SourceUnavailable: Airflow did not answer; nothing was decided.
    """
    gate = records.gate(DAG, run_id, QUESTION)
    faults = [*_faults(records.run(DAG, run_id), gate, file, run_id, deciders)]
    if faults:
        codes = sorted(code for code, _ in faults)
        audit.append(store, audit.Tag.DECISION_REFUSED, file.feed, once=True, run_id=run_id, codes=codes)
        raise GateRefused(
            "A held file must be decided on by somebody who may, in a run that ingest asked in; "
            f"{' '.join(text for _, text in faults)} Nothing was decided.",
            *codes,
        )
    given = gate or {}
    choice = CHOICES[given["chosen_options"][0]]
    return Decision(choice, given["responded_by_user"]["name"], _note(given), run_id)


def page(store: Store, file: File) -> str:
    """What a person reads before they decide, as Markdown: counts and names of columns, never what is in a cell.

    Raises:
        ContractError: No such file is held.
    """
    record = next(iter(files.of_status(store, file.feed, file.sha256, "held")), None)
    if record is None:
        raise ContractError(
            f"A question must be about a held file of {file.feed}; no file of that digest is held. "
            "`python -m pipelines.ingest held` lists them."
        )
    why = _why(store, record)
    return f"""## A file of {record.feed} is held

**{why["reason_code"]}**: {why["message"]}

- period {record.groups.get("period", "unknown")}, {record.size:,} bytes, sha256 `{record.sha256}`
- arrived with batch `{record.batch}`; the exact bytes are in landing

*Release*: the next run takes it in from its landed bytes, whatever its size or day says against it. What cannot be read
is held again. *Reject*: no run takes it in; its bytes stay in landing, and a file with other bytes is read as ever.
Write why; name no person."""


def listed(store: Store, feeds: Collection[str]) -> Iterator[str]:
    """One line a held file that nobody has decided on: feed, digest, period, reason."""
    waiting = set(released(store))
    for feed in feeds:
        for record in files.of_feed(store, feed):
            if record.status == "held" and (feed, record.sha256) not in waiting:
                period = record.groups.get("period", "no period")
                yield f"{feed} {record.sha256} {period} {_why(store, record)['reason_code']}"


def released(store: Store) -> list[tuple[str, str]]:
    """(feed, sha256) of what a person released and no run has taken up yet."""
    keys = [key.removeprefix(f"{_FOLDER}/") for key in store.list(_FOLDER)]
    return [(feed, sha256) for feed, _, sha256 in (key.partition("/") for key in keys)]


def close(store: Store, feed: str, sha256: str) -> None:
    """A run took a released file up."""
    store.delete(f"{_FOLDER}/{feed}/{sha256}")


def _act(store: Store, file: File, records: Collection[files.Record], choice: str) -> None:
    """The register first: a file that is released must be held, one that is rejected must not be released."""
    wanted: Any = "held" if choice == "release" else "rejected"
    if choice == "reject":
        close(store, file.feed, file.sha256)
    for record in records:
        if record.status != wanted:
            files.enter(store, replace(record, status=wanted))
    if choice == "release" and records:
        store.put(f"{_FOLDER}/{file.feed}/{file.sha256}", b"")


def _faults(
    run: Mapping[str, Any],
    gate: Mapping[str, Any] | None,
    file: File,
    run_id: str,
    deciders: Collection[str],
) -> Iterator[tuple[str, str]]:
    """Code and sentence of every broken rule."""
    if (run.get("dag_id"), run.get("dag_run_id")) != (DAG, run_id):
        yield "run_unknown", f"the run on record is not {run_id} of {DAG}."
    if run.get("run_type") != RUN_TYPE:
        yield "not_triggered", f"the run is {run.get('run_type')}, not {RUN_TYPE}: no ingest asked."
    conf = run.get("conf") or {}
    if (conf.get("feed"), conf.get("file")) != (file.feed, file.sha256):
        yield "other_file", "the run is about another file."
    if gate is None:
        yield "no_record", f"{QUESTION} has no record."
        return
    asked = gate.get("task_instance") or {}
    if (asked.get("dag_id"), asked.get("dag_run_id"), asked.get("task_id")) != (DAG, run_id, QUESTION):
        yield "other_task", f"the record of {QUESTION} is about another task."
    chosen = gate.get("chosen_options")
    if gate.get("response_received") is not True or chosen not in [[option] for option in CHOICES]:
        yield "no_answer", f"{QUESTION} has no answer on record."
        return
    user = gate.get("responded_by_user") or {}
    if not user.get("name") or user["name"] not in deciders:
        yield "not_a_decider", "who answered is not among ingest.deciders of params.yaml."
    if len(_note(gate)) < NOTE_LENGTH:
        yield "no_note", f"the answer has no note of at least {NOTE_LENGTH} characters."


def _note(gate: Mapping[str, Any]) -> str:
    """The note of the form; the browser may send the value alone or within its description."""
    given = (gate.get("params_input") or {}).get("note")
    text = given.get("value") if isinstance(given, dict) else given
    return text.strip() if isinstance(text, str) else ""


def _why(store: Store, record: files.Record) -> dict[str, str]:
    """Reason code and message, from quarantine."""
    own = f"{QUARANTINE}/{record.batch}/{unit_id(record.feed, record.sha256, record.name)}.json"
    plain = f"{QUARANTINE}/{record.batch}/{unit_id(record.feed, record.sha256)}.json"
    entry = json.loads(store.read(own if store.exists(own) else plain))
    return {name: str(entry[name]) for name in ("reason_code", "message")}
