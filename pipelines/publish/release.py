"""Release what two people approved, and go back when it turns out wrong.

    releases/<family>/<verdict sha256>/    the files of the proposal, each checked, never changed
    releases/<family>/<number>.json        the pointer, written last; the highest number is live

Order of acts: check everything, copy, sign, ledger, pointer. Killed anywhere and run again it goes on where it stopped:
once the ledger says released, only the pointer can be missing, and the second try writes that.
"""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pipelines.audit import Entry, Tag, append, entries, vouched
from pipelines.audit.shown import shown
from pipelines.audit.statement import attest
from pipelines.base import releases
from pipelines.base.catalog import BLESSINGS, FAMILIES, HIRING, RELEASES
from pipelines.base.digests import sha256_file, sha256_tree
from pipelines.base.errors import ContractError, GateRefused
from pipelines.base.records import Act
from pipelines.base.releases import MANIFEST, MODEL, MODIFICATION, NUMBER, Release, read_manifest
from pipelines.base.ruled import others, rules
from pipelines.base.settings import Law, Signers, load
from pipelines.base.store import Store
from pipelines.fairness import law
from pipelines.publish.approvals import (
    DAG,
    GATES,
    JUSTIFICATION_LENGTH,
    Approval,
    Wanted,
    admit,
    check,
    interference,
    unaccepted,
    unexplained,
)
from pipelines.publish.brief import brief
from pipelines.publish.modified import Modified, modified
from pipelines.publish.pointers import following, point
from pipelines.publish.proposals import CHANGED, folder_of, proposals, proposed, read_verdict

_SHA256: Final = re.compile("[0-9a-f]{64}")
_REASON_LENGTH: Final = 10
_NAMED: Final = ("verdict_sha256", "manifest_sha256", "model_sha256", "data_sha256", "as_of", "run_id")
"""What an entry says of a model, and a rollback to it again."""
PEOPLE: Final = "two_people"
"""The fifth blessing, in the ledger."""


class Records(Protocol):
    """Airflow's own records, as `records.Records` reads them."""

    @property
    def address(self) -> str:
        """Of the Airflow that is asked."""

    def run(self, dag: str, run_id: str) -> Mapping[str, Any]:
        """A run; empty when there is none."""

    def gate(self, dag: str, run_id: str, task: str) -> Mapping[str, Any] | None:
        """What a gate asked and who answered."""

    def acts(self, dag: str, run_id: str) -> list[Act]:
        """What people did to a run over the API, refused attempts included."""


def release(store: Store, records: Records, wanted: Wanted, approvers: Collection[str]) -> Release:
    """Release a proposal that two people approved.

    Args:
        store: Holds proposals, releases and the ledger.
        records: Who answered what.
        wanted: Family, digest of the verdict, and the release run in which it was approved.
        approvers: Names that may approve.

    Returns:
        The pointer, also when this run had released before.

    Raises:
        GateRefused: A rule does not hold. The ledger has the refusal.
        SourceUnavailable: Airflow did not answer; nothing was decided.
    """
    with store.lock(f"publish-{wanted.family}"), _refusals_on_record(store, wanted):
        entry = _released(store, wanted) or _approve(store, records, wanted, approvers)
        folder = f"{RELEASES}/{wanted.family}/{wanted.verdict_sha256}"
        return point(store, wanted.family, "release", folder, entry)


def admitted(store: Store, records: Records, wanted: Wanted) -> dict[str, Any]:
    """The verdict that two people are to be asked about.

    Args:
        store: Holds proposals and the ledger.
        records: Which run asks, on whose behalf.
        wanted: Family and verdict as the run's parameters name them; anybody may have written those.

    Returns:
        The verdict.

    Raises:
        GateRefused: No retrain triggered the run, it is about no proposal, or the verdict was given by other rules than
            today's. The ledger has the refusal.
        SourceUnavailable: Airflow did not answer; nothing was decided.
    """
    with _refusals_on_record(store, wanted):
        proposers = _proposers(proposals(store, wanted.family), wanted.verdict_sha256)
        admit(records.run(DAG, wanted.run_id), wanted=wanted, proposers=proposers)
        verdict = read_verdict(store, wanted.family, wanted.verdict_sha256)
        _ruled(verdict)
        return verdict


def modification(store: Store, family: str, verdict_sha256: str) -> Modified:
    """A proposal beside the release that scores now.

    Args:
        store: Holds proposals, releases and the ledger.
        family: Whose model.
        verdict_sha256: The proposal, by its verdict.

    Returns:
        Without changes where the ledger knows of no such proposal: then there is nothing that could be released.

    Raises:
        ContractError: A file of the proposal is not what was proposed, or pointers cannot be read.
        SettingsError: Nothing says which changes were foreseen.
    """
    proposal = proposed(store, family, verdict_sha256)
    if proposal is None:
        return Modified()
    return modified(store, family, proposal)


@contextmanager
def _refusals_on_record(store: Store, wanted: Wanted) -> Iterator[None]:
    """Write a refusal to the ledger, once. What a run's parameters say is written down only where it is ours."""
    try:
        yield
    except (GateRefused, ContractError) as error:
        codes = error.codes if isinstance(error, GateRefused) else (CHANGED,)
        facts: dict[str, Any] = {"run_id": wanted.run_id, "codes": sorted(set(codes)), "reason": str(error)}
        facts["verdict_sha256"] = wanted.verdict_sha256 if _SHA256.fullmatch(wanted.verdict_sha256) else None
        family = wanted.family if wanted.family in FAMILIES else "unknown"
        append(store, Tag.RELEASE_REFUSED, family, once=True, **facts)
        raise GateRefused(str(error), *codes) from None


@dataclass(frozen=True, slots=True)
class Wish:
    """To go back to an older release."""

    family: str
    verdict_sha256: str
    """The release, by its verdict."""
    why: str
    """Goes into the ledger."""
    by: str
    """Who says so."""
    run_id: str = ""
    """The run of Airflow that asks; empty at the command line."""
    instead_of: int | None = None
    """Number of the release that scored when it was said; None for whichever does."""


def rollback(store: Store, wish: Wish, settings: Law, today: date | None = None) -> Release:
    """Point back to an older release, which two people approved when it was new.

    Args:
        store: Holds releases and the ledger.
        wish: Whose model, which release, by whom and why.
        settings: Whose laws count: where one wants an audit, an older model's must not be too old.
        today: The day of use: the clock's.

    Returns:
        The new pointer; the live one when it points there already and no newer release waits to become live.

    Raises:
        GateRefused: It was never released, is expired, its files were changed, another release scores than the one that
            it was to replace, or nobody is named or no reason given. The ledger has the refusal.
    """
    family = wish.family
    refusal = Wanted(family, wish.verdict_sha256, wish.run_id)
    with store.lock(f"publish-{family}"), _refusals_on_record(store, refusal):
        if not _SHA256.fullmatch(wish.verdict_sha256):
            raise GateRefused("A rollback must name the sha256 of a verdict; it does not. Copy it.", "no_verdict")
        known = releases.pointers(store, family)
        target = _as_released(store, family, wish.verdict_sha256, known)
        if target is None:
            raise GateRefused(
                f"A rollback of {family} must name a verdict that was released; {wish.verdict_sha256} never was. "
                "`python -m pipelines.audit show --tag model:released` lists them.",
                "never_released",
            )
        live = known[-1]
        if live.verdict_sha256 == wish.verdict_sha256 and _scores(store, live):
            return live
        if wish.instead_of is not None and live.sequence != wish.instead_of:
            raise GateRefused(
                f"A rollback must replace the release that it was asked to, {wish.instead_of}; {live.sequence} scores "
                "by now. Nothing was changed: look at that one, and ask again.",
                "superseded",
            )
        if len(wish.why.strip()) < _REASON_LENGTH or not wish.by.strip():
            raise GateRefused(
                f"A rollback must be asked for by somebody, with a reason of at least {_REASON_LENGTH} characters; one "
                "is missing. Say who and why.",
                "no_reason",
            )
        _allowed(family, _read(store, target))
        _unexpired(store, target, settings, today or datetime.now(UTC).date())
        _verified(store, target)
        facts = _facts(target) | {"kind": "rollback", "from_sequence": live.sequence, NUMBER: following(known)}
        facts |= {"reason": wish.why.strip(), "asked_by": wish.by.strip(), "asked_in": wish.run_id}
        entry = append(store, Tag.MODEL_RELEASED, family, once=True, **attest(store, family, facts))
        return point(store, family, "rollback", target.folder, entry)


def _approve(store: Store, records: Records, wanted: Wanted, approvers: Collection[str]) -> Entry:
    """Check every rule, copy the files, and write approvals and release to the ledger."""
    family, sha256 = wanted.family, wanted.verdict_sha256
    if not _SHA256.fullmatch(sha256):
        raise GateRefused(
            "A release must name the sha256 of a verdict; got something else. Copy it from the proposal.", "no_verdict"
        )
    gates = {task: records.gate(DAG, wanted.run_id, task) for task in GATES}
    acts = [asdict(act) for act in interference(records.acts(DAG, wanted.run_id), gates)]
    if acts:
        append(store, Tag.RELEASE_INTERFERED, family, once=True, run_id=wanted.run_id, acts=acts)
    verdict = read_verdict(store, family, sha256)
    _allowed(family, verdict)
    _ruled(verdict)
    history = proposals(store, family)
    proposal = _newest(history, sha256)
    proposers = _proposers(history, sha256)
    difference = modified(store, family, proposal)
    gap = difference.gap
    gaps = [item["name"] for item in (*verdict["gaps"], *([gap] if gap else ()))]
    shown = brief(verdict, sha256, records.address, difference)
    run = records.run(DAG, wanted.run_id)
    approved = check(run, gates, approvers, wanted=wanted, proposers=proposers, shown=shown, gaps=gaps)
    _accepted(gaps, approved)
    _explained(verdict["gaps"], approved)
    _copy(store, family, verdict, proposal)
    base = {"verdict_sha256": sha256, "run_id": wanted.run_id}
    people = [asdict(replace(approval, recorded_by=records.address)) for approval in approved]
    facts = base | {name: proposal.facts[name] for name in ("manifest_sha256", "model_sha256", "data_sha256", "as_of")}
    facts |= {"kind": "release", "approvers": people, "blessings": [*BLESSINGS, PEOPLE]}
    facts |= {NUMBER: following(releases.pointers(store, family)), MODIFICATION: gap["name"] if gap else None}
    signed = attest(store, family, facts)
    for person in people:
        append(store, Tag.RELEASE_APPROVED, family, once=True, **base, **person)
    return append(store, Tag.MODEL_RELEASED, family, once=True, **signed)


def _proposers(history: list[Entry], verdict_sha256: str) -> set[str]:
    """Everyone on record as having asked for a verdict."""
    return {entry.facts["requester"] for entry in history if entry.facts["verdict_sha256"] == verdict_sha256} - {""}


def _released(store: Store, wanted: Wanted) -> Entry | None:
    """The entry of a release that this very run made before."""
    for entry in entries(store, newest_first=True):
        facts = entry.facts
        if entry.tag is not Tag.MODEL_RELEASED or facts["kind"] != "release":
            continue
        if Wanted(entry.subject, facts["verdict_sha256"], facts["run_id"]) == wanted:
            return entry
    return None


def _allowed(family: str, verdict: Mapping[str, Any]) -> None:
    """Raise GateRefused unless the verdict, and every finding in it, allows a model of this family."""
    findings = verdict.get("findings") or []
    held = [f"{finding.get('check')}" for finding in findings if finding.get("passed") is not True]
    is_allowed = verdict.get("verdict") == "allowed" and findings and not held and verdict.get("model_sha256")
    if verdict.get("family") != family or not is_allowed:
        raise GateRefused(
            f"The verdict must allow this {family} model; it is {verdict.get('verdict')}"
            f"{' because of ' + ', '.join(held) if held else ''}. Read it, mend the cause and retrain.",
            "not_allowed",
        )
    given = verdict.get("blessings")
    lacking = [name for name in BLESSINGS if not isinstance(given, Mapping) or given.get(name) is not True]
    if lacking:
        raise GateRefused(
            f"A verdict must give every blessing by its name; {', '.join(lacking)} is not given. Retrain.",
            "not_blessed",
        )


def _ruled(verdict: Mapping[str, Any]) -> None:
    """Raise GateRefused unless a verdict was given by today's rules: by others, gaps of today could be missing.

    What was released before is not asked: two people approved it by the rules of its day.
    """
    if found := others(verdict, rules()):
        raise GateRefused(
            f"A verdict must be given by this installation's rules of today; its {', '.join(found)} "
            f"{'is' if found == ['code'] else 'are'} not: something was upgraded since, or the retrain's ref has "
            "others. Commit what was edited here, or stash it; bring the ref up to date and retrain: only what changed "
            "runs again, and the gate judges anew.",
            "other_rules",
        )


def _newest(history: list[Entry], verdict_sha256: str) -> Entry:
    """The proposal, if nothing newer was judged since."""
    proposal = next((e for e in history if e.facts["verdict_sha256"] == verdict_sha256), None)
    if proposal is None or proposal.tag is not Tag.MODEL_PROPOSED:
        raise GateRefused(
            "A release must have been proposed; the ledger knows of no proposal. Retrain to propose one.",
            "never_proposed",
        )
    newest = history[0]
    if newest.facts["verdict_sha256"] != verdict_sha256:
        raise GateRefused(
            f"A release must be about the newest verdict; run {newest.facts['run_id']} brought a newer one "
            f"({newest.facts['verdict_sha256']}), which replaces this. Decide about that one.",
            "superseded",
        )
    return proposal


def _accepted(gaps: list[str], approved: list[Approval]) -> None:
    """Raise GateRefused unless both accept each gap by its name."""
    faults = unaccepted(gaps, approved)
    if faults:
        raise GateRefused(
            f"Both approvers must accept each gap of the verdict by its name; {' '.join(faults)} Nothing was released. "
            "Retrain, and list the gaps in the form.",
            "gap_not_accepted",
        )


def _explained(gaps: Sequence[Mapping[str, Any]], approved: list[Approval]) -> None:
    """Raise GateRefused unless both say why a less discriminatory alternative is not released instead."""
    faults = unexplained(gaps, approved)
    if faults:
        raise GateRefused(
            "Both approvers must say why a model is released though another of equal validity is less discriminatory, "
            f"in at least {JUSTIFICATION_LENGTH} characters; {' '.join(faults)} Nothing was released. Retrain, and say "
            "it in the form, or let `take: best` take the other.",
            "choice_not_explained",
        )


def _copy(store: Store, family: str, verdict: Mapping[str, Any], proposal: Entry) -> None:
    """Copy the proposal's files into the release, each checked against what was proposed and judged."""
    source = folder_of(family, proposal.facts["verdict_sha256"])
    target = f"{RELEASES}/{family}/{proposal.facts['verdict_sha256']}"
    files = read_manifest(store, source, proposal.facts["manifest_sha256"])
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for file, digest in files.items():
            store.download(f"{source}/{file}", scratch / file)
            _same(f"{source}/{file}", sha256_file(scratch / file), digest)
        _same(f"{source}/{MODEL}", sha256_tree(scratch / MODEL), verdict["model_sha256"])
        for file, digest in files.items():
            if not store.upload_new(f"{target}/{file}", scratch / file):
                store.download(f"{target}/{file}", scratch / "there")
                _same(f"{target}/{file}", sha256_file(scratch / "there"), digest)
    store.create(f"{target}/{MANIFEST}", store.read(f"{source}/{MANIFEST}"))
    read_manifest(store, target, proposal.facts["manifest_sha256"])


def _same(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise GateRefused(
            f"{what} must be what was proposed; it was changed. Retrain, and find out who did it.", CHANGED
        )


def _as_released(store: Store, family: str, verdict_sha256: str, known: Sequence[Release]) -> Release | None:
    """The newest release of a verdict that the ledger has and a key vouches for; neither a pointer nor an entry alone.

    Else whoever can write the store could lay both, and who goes back to that would sign what nobody approved.
    """
    signers = load(Signers, "publish").signers
    pointer = next((item for item in reversed(known) if item.verdict_sha256 == verdict_sha256), None)
    if pointer is None:
        return None
    for entry in entries(store, newest_first=True):
        facts = entry.facts
        said = (entry.tag, entry.subject, facts.get("verdict_sha256"), facts.get("kind"))
        if said == (Tag.MODEL_RELEASED, family, verdict_sha256, "release") and vouched.is_signed(store, entry, signers):
            about = {name: facts[name] for name in _NAMED} | {"approvers": tuple(facts["approvers"])}
            return replace(pointer, folder=f"{RELEASES}/{family}/{verdict_sha256}", **about)
    return None


def _scores(store: Store, newest: Release) -> bool:
    """Whether people are scored by the newest pointer, and the ledger has no release after it.

    One that was cut short before its pointer must not come of a second try; and to a pointer that was laid there by
    hand nobody can have gone back.
    """
    released = (entry for entry in entries(store, newest_first=True) if entry.tag is Tag.MODEL_RELEASED)
    last = next((entry.recorded_at for entry in released if entry.subject == newest.family), None)
    signers = load(Signers, "publish").signers
    try:
        return newest.released_at == last and newest == vouched.live(store, newest.family, signers)
    except ContractError:
        return False


def _read(store: Store, target: Release) -> dict[str, Any]:
    try:
        return releases.verdict(store, target)
    except ContractError as error:
        raise GateRefused(str(error), CHANGED) from None


def _unexpired(store: Store, target: Release, settings: Law, day: date) -> None:
    """Raise GateRefused where a law lets this model be used no longer, or never did, for want of an audit."""
    audits = shown(store, target.family).audits.get(target.model_sha256, ())
    hires = target.family == HIRING
    expired = [
        f"In {place}: {sentence}"
        for place in law.within(settings.jurisdictions)
        for sentence in law.unaudited(place, day, hires=hires, audits=audits)
    ]
    if expired:
        raise GateRefused(
            f"A rollback must be to a release that may be used today; {' '.join(expired)} Have it audited, or stop "
            "scoring (DAG switch_scoring).",
            "expired",
        )


def _verified(store: Store, target: Release) -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            releases.download(store, target, Path(name))
        except ContractError as error:
            raise GateRefused(str(error), CHANGED) from None


def _facts(target: Release) -> dict[str, Any]:
    return {name: getattr(target, name) for name in _NAMED} | {"approvers": [dict(item) for item in target.approvers]}
