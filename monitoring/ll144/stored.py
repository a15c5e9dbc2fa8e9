"""Packages in the store: under their digest in the reports zone, on record in the ledger."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from monitoring.ll144.facts import Facts
from pipelines import audit
from pipelines.audit import Tag
from pipelines.base.catalog import REPORTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.store import Store

FOLDER: Final = "ll144"


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

    @property
    def key(self) -> str:
        """Where it lies in the store."""
        return f"{REPORTS}/{FOLDER}/{self.family}/{self.sha256}.zip"


def keep(store: Store, data: bytes, facts: Facts) -> Package:
    """Write a package and record it, both once however often it is made.

    Args:
        store: Where to.
        data: The zip.
        facts: Its own.
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
    store.put(package.key, data)
    audit.append(store, Tag.AUDIT_PACKAGED, facts.family, once=True, **recorded)
    return package


def on_record(store: Store, family: str) -> list[Package]:
    """A family's packages that the ledger knows, the newest first, each with the last day its model was used.

    The ledger is read from its end and no further than needed; without a package not at all.
    """
    folder = f"{REPORTS}/{FOLDER}/{family}/"
    wanted = {key.removeprefix(folder).removesuffix(".zip") for key in store.list(folder.rstrip("/"))}
    found: list[Package] = []
    used: dict[str, date] = {}
    for entry in audit.entries(store, newest_first=True) if wanted else ():
        facts = entry.facts
        if entry.subject == family and entry.tag is Tag.AUDIT_PACKAGED and facts["sha256"] in wanted:
            wanted.remove(facts["sha256"])
            found.append(_package(family, facts))
        if entry.subject == family and entry.tag is Tag.PEOPLE_SCORED and facts["kind"] != "shadow":
            used.setdefault(facts["model_sha256"], date.fromisoformat(entry.recorded_at[:10]))
        if not wanted and used.keys() >= {package.model_sha256 for package in found}:
            break
    return [replace(package, last_used_on=used.get(package.model_sha256)) for package in found]


def content(store: Store, package: Package) -> bytes:
    """A package's zip.

    Raises:
        ContractError: It is not the one on record.
    """
    data = store.read(package.key)
    if sha256_bytes(data) != package.sha256:
        raise ContractError(f"{package.key} must be as it was recorded; its digest differs. Make the package again.")
    return data


def _package(family: str, facts: Any) -> Package:
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
