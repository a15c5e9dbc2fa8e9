"""Packages in the store: under their digest in the reports zone, on record in the ledger."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from monitoring.ll144.facts import Facts
from pipelines import audit
from pipelines.audit import Tag
from pipelines.audit.tagged import last_scored, marked
from pipelines.base.catalog import AUDITS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store


@dataclass(frozen=True, slots=True)
class Package:
    """One package on record."""

    family: str
    sha256: str
    model: str
    model_sha256: str
    since: date
    until: date
    audited_on: date
    distributed_on: date | None
    auditor: str | None
    last_used_on: date | None = None
    """Newest day on which its model scored people outside shadow, whatever day it scored them as of."""
    is_missing: bool = False
    """Whether it is on record and no longer in the store."""

    @property
    def key(self) -> str:
        """Where it lies in the store."""
        return f"{AUDITS}/{self.family}/{self.sha256}.zip"


def keep(store: Store, data: bytes, facts: Facts) -> Package:
    """Write a package and record it, both once however often it is made.

    Args:
        store: Where to.
        data: The zip.
        facts: Its own.

    Raises:
        ContractError: Something else lies in its place.
    """
    recorded = {
        "sha256": sha256_bytes(data),
        "law": facts.law,
        "law_sha256": facts.law_sha256,
        "model": facts.model,
        "model_sha256": facts.model_sha256,
        "since": str(facts.since),
        "until": str(facts.until),
        "audited_on": str(facts.audited_on),
        "distributed_on": str(facts.distributed_on) if facts.distributed_on else None,
        "auditor": facts.auditor,
    }
    package = _package(facts.family, recorded)
    if not store.create(package.key, data):
        content(store, package)
    audit.append(store, Tag.AUDIT_PACKAGED, facts.family, once=True, **recorded)
    return package


def on_record(store: Store, family: str) -> list[Package]:
    """A family's packages that the ledger knows, the newest first, each with the last day its model was used.

    One that the ledger knows and the store does not have is among them, marked as missing.

    Raises:
        ContractError: An entry of the ledger is not readable.
    """
    folder = f"{AUDITS}/{family}"
    there = set(store.list(folder))
    found: dict[str, Package] = {}
    for entry in marked(store, (Tag.AUDIT_PACKAGED,), family):
        package = _package(family, entry.facts)
        found.setdefault(package.sha256, replace(package, is_missing=package.key not in there))
    wanted = {package.model_sha256 for package in found.values()}
    scored = last_scored(store, family, wanted) if wanted else ()
    used = {entry.facts["model_sha256"]: date.fromisoformat(entry.recorded_at[:10]) for entry in scored}
    return [replace(package, last_used_on=used.get(package.model_sha256)) for package in found.values()]


def content(store: Store, package: Package) -> bytes:
    """A package's zip.

    Raises:
        ContractError: It is not the one on record, or no longer there.
    """
    if package.is_missing:
        raise ContractError(f"{package.key} must be in the store; it is on record and missing. Make the package again.")
    data = store.read(package.key)
    if sha256_bytes(data) != package.sha256:
        raise ContractError(
            f"{package.key} must be as it was recorded; its digest differs. Find out who could write there, take it "
            "away and make the package again."
        )
    return data


def _package(family: str, facts: Any) -> Package:
    try:
        return Package(
            family=family,
            sha256=facts["sha256"],
            model=facts["model"],
            model_sha256=facts["model_sha256"],
            since=date.fromisoformat(facts["since"]),
            until=date.fromisoformat(facts["until"]),
            audited_on=date.fromisoformat(facts["audited_on"]),
            distributed_on=date.fromisoformat(facts["distributed_on"]) if facts["distributed_on"] else None,
            auditor=facts["auditor"],
        )
    except (KeyError, TypeError, ValueError):
        raise ContractError(
            f"Every {Tag.AUDIT_PACKAGED} of the ledger must name its model and days; one of {family} does not. "
            "Find out who wrote it."
        ) from None
