"""What the Audit page shows of a company, read from the store: releases, verdicts, reports, ingest counts, the ledger.

No secret is needed: everything here is an aggregate. What cannot be trusted (a changed file, a broken chain) is shown
as a fault in its place and never as an empty or a good result.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from monitoring import page, released, results
from monitoring.audience import oversight_for_all
from monitoring.ll144 import bundle, proof, stored
from monitoring.ll144.stored import Package
from monitoring.portal.proved import Proofs
from monitoring.released import Released
from monitoring.results import Bias, Drift, Estimated, Findings, Oversight, Performance
from monitoring.texts import noted
from pipelines import audit
from pipelines.audit import Entry, Head, Tag
from pipelines.audit import lived as audit_lived
from pipelines.audit.ledger import read
from pipelines.audit.lived import Stretch
from pipelines.audit.objects import prove
from pipelines.audit.proof import walk
from pipelines.audit.tagged import marked
from pipelines.base import releases
from pipelines.base.catalog import PROPOSALS, REPORTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import CandorError, ContractError
from pipelines.base.releases import VERDICT, Release
from pipelines.base.settings import Law, Signers, load
from pipelines.base.store import Store
from pipelines.fairness import law
from pipelines.score import places, switch

PAGES: Final = {
    "index.html": noted("Summary"),
    "bias.html": noted("Bias, Evidently report"),
    "drift.html": noted("Drift, Evidently report"),
}
"""Reports that open as a page."""
_RESULTS: Final = ("findings", "bias", "drift", "performance", "estimated", "oversight")
FILES: Final = (*PAGES, "bias.csv", *(f"{name}.json" for name in _RESULTS))
"""Everything that is served of a day. Nothing else in the store has an address."""
COUNTS: Final = ("bias.csv", "bias.json")
"""Those of them with what was counted of few people; the others are as everybody may see them."""
_OVERSIGHT: Final = "oversight.json"
_OF_DECISIONS: Final = ("index.html", _OVERSIGHT)
"""Those that tell of what people decided."""
PACKAGE: Final = "package.zip"
AUDIT_FILES: Final = (*bundle.PUBLISHED, *bundle.VERDICTS, PACKAGE)
"""What is served of a bias audit: for publication, for the reader here, and all of it for an auditor."""
SCREENING: Final = "screening"
EVERY: Final = timedelta(days=31)
"""How often the stop switch is to be tried."""
LL144: Final = "us-nyc-ll144"
PROOFS: Final = Proofs()
"""Of this server."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_PROPOSED: Final = (Tag.MODEL_PROPOSED, Tag.MODEL_HELD)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Day:
    """What monitoring concluded on one day."""

    as_of: date
    findings: Findings | None = None
    bias: Bias | None = None
    drift: Drift | None = None
    performance: Performance | None = None
    estimated: Estimated | None = None
    oversight: Oversight | None = None
    names: tuple[str, ...] = ()
    """Reports that exist."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The newest verdict of the gate, released or not."""

    verdict_sha256: str
    judged_at: str
    verdict: dict[str, Any]
    is_released: bool
    beside: dict[str, Any] | None = None
    """How it compared with the live model when both last scored the same people; None when they never did."""


@dataclass(frozen=True, slots=True)
class Model:
    """One family on the Audit page."""

    family: str
    live: Released | None = None
    shadow: Released | None = None
    candidate: Candidate | None = None
    history: tuple[Release, ...] = ()
    """All pointers, newest first."""
    days: tuple[date, ...] = ()
    """Days with reports, newest first."""
    newest: Day | None = None
    faults: tuple[str, ...] = ()
    """Why something could not be shown."""
    refused: str = ""
    """Why the newest release is not believed: scoring refuses it as well, and nobody is scored, in shadow neither."""

    @property
    def shown(self) -> Released | None:
        """The model that scores: the live one, else the one in shadow; None where that is refused."""
        return None if self.refused else self.live or self.shadow


@dataclass(frozen=True, slots=True)
class BiasAudit:
    """A package of Local Law 144 and its clocks."""

    package: Package
    expires_on: date
    """Last day of use on the strength of this audit."""
    stays_until: date | None
    """Day until which it stays published, should the tool not be used again; None while it was never used."""
    is_expired: bool


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill of the stop switch."""

    on: date
    by: str
    seconds: float
    """From the stop to the end of what scored."""
    is_held: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger's head, whether it is whole, and its newest entries."""

    head: Head
    faults: tuple[str, ...]
    recent: tuple[Entry, ...] = ()
    proved_at: datetime | None = None
    """When that was proved; None where nothing is known that is new enough."""
    proved_head: Head | None = None
    """Up to which entry."""

    @property
    def state(self) -> str:
        """`broken`, `whole`, or `not proved yet`."""
        if self.faults:
            return noted("broken")
        return noted("not proved yet") if self.proved_at is None else noted("whole")


def model(store: Store, family: str) -> Model:
    """Everything about one family."""
    faults: list[str] = []
    nothing: list[Release] = []
    live: Released | None = _tried(lambda: _live(store, family), None, faults)
    refused = " ".join(faults)
    pointers = _tried(lambda: released.history(store, family), nothing, faults)
    shadows = _tried(lambda: releases.shadows(store, family), nothing, faults)
    days = report_days(store, family)
    return Model(
        family=family,
        live=live,
        shadow=_tried(lambda: released.opened(store, shadows[-1]) if shadows else None, None, faults),
        candidate=_tried(lambda: candidate(store, family, pointers), None, faults),
        history=tuple(reversed(pointers)),
        days=tuple(days),
        newest=_tried(lambda: day(store, family, days[0]) if days else None, None, faults),
        faults=tuple(dict.fromkeys(faults)),
        refused=refused,
    )


def _live(store: Store, family: str) -> Released | None:
    pointer = released.live(store, family)
    return released.opened(store, pointer) if pointer is not None else None


def bias_audits(store: Store, family: str, today: date) -> list[BiasAudit]:
    """Packages on record, the newest first. Raises as `stored.on_record`.

    Args:
        store: Where they are.
        family: Whose.
        today: Which of them are expired.
    """
    return [_clocked(package, today) for package in stored.on_record(store, family)]


def audits_or_fault(store: Store, family: str, today: date) -> tuple[list[BiasAudit] | None, str]:
    """As `bias_audits`; None with the reason where they cannot be read, so that all else can still be shown."""
    faults: list[str] = []
    found: list[BiasAudit] | None = _tried(lambda: bias_audits(store, family, today), None, faults)
    return found, " ".join(faults)


def _clocked(package: Package, today: date) -> BiasAudit:
    pack = law.current(LL144, package.audited_on)
    expires = law.day_due(pack, "audit_age", package.audited_on)
    used = package.last_used_on
    stays = law.day_due(pack, "publication_stays", used) if used else None
    return BiasAudit(package, expires, stays, is_expired=today > expires)


def audit_file(store: Store, family: str, digest: str, name: str) -> bytes | None:
    """A file of a package on record; None for everything else, whatever it looks like.

    Raises:
        ContractError: The package is not the one on record.
    """
    known = {item.sha256: item for item in stored.on_record(store, family)} if name in AUDIT_FILES else {}
    if digest not in known:
        return None
    data = stored.content(store, known[digest])
    return data if name == PACKAGE else proof.opened(data)[name]


def candidate(store: Store, family: str, pointers: Iterable[Release]) -> Candidate | None:
    """The newest verdict on record; None before the first.

    Raises:
        ContractError: The stored verdict is not the one on record.
    """
    entry = next(marked(store, _PROPOSED, family), None)
    if entry is None:
        return None
    found = next((dict(scored.facts) for scored in marked(store, (Tag.CANDIDATE_SCORED,), family)), None)
    digest = str(entry.facts["verdict_sha256"])
    data = store.read(f"{PROPOSALS}/{family}/{digest}/{VERDICT}")
    if sha256_bytes(data) != digest:
        raise ContractError(f"The verdict on {family} must be as it was proposed; its digest differs. Retrain.")
    is_released = any(p.verdict_sha256 == digest for p in pointers)
    beside = found if found and found["verdict_sha256"] == digest else None
    return Candidate(digest, entry.recorded_at, json.loads(data), is_released, beside)


def report_days(store: Store, family: str) -> list[date]:
    """Days with reports, newest first."""
    prefix = f"{REPORTS}/{family}/"
    parts = {key.removeprefix(prefix).split("/")[0] for key in store.list(prefix.rstrip("/"))}
    return sorted((date.fromisoformat(part) for part in parts if _DAY.fullmatch(part)), reverse=True)


def day(store: Store, family: str, as_of: date) -> Day:
    """One day's results. Raises ContractError when one is not readable."""
    try:
        return Day(
            as_of=as_of,
            findings=results.saved(store, Findings, family, as_of, "findings.json"),
            bias=results.saved(store, Bias, family, as_of, "bias.json"),
            drift=results.saved(store, Drift, family, as_of, "drift.json"),
            performance=results.saved(store, Performance, family, as_of, "performance.json"),
            estimated=results.saved(store, Estimated, family, as_of, "estimated.json"),
            oversight=results.saved(store, Oversight, family, as_of, _OVERSIGHT),
            names=tuple(name for name in FILES if store.exists(results.key(family, as_of, name))),
        )
    except ValueError:
        raise ContractError(
            f"The reports on {family} of {as_of} must be readable; one is not. Run `python -m monitoring` again."
        ) from None


def report_file(store: Store, family: str, as_of: str, name: str, *, sees_counts: bool = False) -> bytes | None:
    """A report's bytes; None for everything that is not a report's own name, whatever it looks like.

    Args:
        store: Holds the reports.
        family: Whose.
        as_of: Day of the report, as in its address.
        name: Of the file, as in its address.
        sees_counts: Whether the reader may see what was counted of few people. Days that were judged before that was
            withheld of decisions have it in two files: for anybody else those are made anew without.

    Raises:
        ContractError: What people decided that day is not readable, so that nobody knows what it tells of few.
    """
    if name not in FILES or not _DAY.fullmatch(as_of):
        return None
    key = f"{REPORTS}/{family}/{as_of}/{name}"
    if not store.exists(key):
        return None
    if name in _OF_DECISIONS and not sees_counts:
        found = day(store, family, date.fromisoformat(as_of))
        told = oversight_for_all(found.oversight) if found.oversight else None
        if told is not None and told is not found.oversight:
            return results.told(told) if name == _OVERSIGHT else _summary(found)
    return store.read(key)


def _summary(found: Day) -> bytes | None:
    if found.findings is None:
        return None
    judged = (found.drift, found.performance, found.bias, found.oversight)
    return page.report(found.findings, *judged, estimated=found.estimated).encode()


def ledger(store: Store, recent: int = 0, *, all_upto: int = 0) -> Ledger:
    """The ledger's state.

    Args:
        store: Holds it.
        recent: How many of its newest entries to show.
        all_upto: A ledger of at most so many entries is proved now, with every file and statement of every release; of
            a longer one the chain alone is told, as of its newest proof.
    """
    try:
        head = audit.head(store)
        newest = list(islice(audit.entries(store, newest_first=True), recent)) if recent else []
    except CandorError as error:
        return Ledger(Head(0, ""), (*audit.verify(store), str(error)))
    if head.sequence <= all_upto:
        return Ledger(
            head, tuple(prove(store, signers=load(Signers, "publish").signers)), tuple(newest), datetime.now(UTC)
        )
    proof = PROOFS.of(store.url, head, lambda n: read(store, n).sha256, lambda: _chain(store))
    if proof is None:
        return Ledger(head, (), tuple(newest), None)
    return Ledger(head, proof.faults, tuple(newest), proof.at, proof.head)


def _chain(store: Store) -> tuple[list[str], Head]:
    proof = walk(store)
    return list(proof.faults), proof.head


def lived(store: Store) -> list[Stretch]:
    """What was ever live, and every stop, the newest first."""
    return audit_lived.stretches(store)[::-1]


def lived_on(store: Store, day: date) -> list[Stretch]:
    """What was live on a day, and every stop, with what was scored on it, by beginning."""
    return audit_lived.on(store, day)


def stops(store: Store, settings: Law, today: date) -> tuple[list[str], list[str]]:
    """Who is not scored and why, in sentences, and what nobody checks. What cannot be read scores nobody.

    Args:
        store: Holds the switch, the ledger and the pointers.
        settings: Whose laws are asked before scoring.
        today: The day of use.
    """
    faults: list[str] = []
    order = _tried(lambda: switch.kept(store), None, faults)
    if order is not None and order.is_stopped:
        faults.append(f"{order.by} stopped it: {order.why}")
    lines = [f"Scoring is stopped for all models. {fault}" for fault in faults]
    nothing: list[str] = []
    lines += _tried(lambda: places.told(store, settings, load(Signers, "publish").signers, today), nothing, lines)
    return lines, [] if settings.jurisdictions else [places.NOTHING_CHECKED]


def drills(store: Store, since: date = date.min) -> Iterator[Drill]:
    """Drills of the stop switch, the newest first.

    Args:
        store: Holds the ledger.
        since: First day; what was before it is not read.
    """
    for entry in marked(store, (Tag.SCORING_TESTED,)):
        on = date.fromisoformat(entry.recorded_at[:10])
        if on < since:
            return
        yield Drill(on, str(entry.facts["by"]), float(entry.facts["seconds"]), entry.facts["is_held"] is True)


def _tried(read: Callable[[], T], otherwise: T, faults: list[str]) -> T:
    """The value read; on an error of ours the fault is noted and shown."""
    try:
        return read()
    except CandorError as error:
        faults.append(str(error))
        return otherwise
