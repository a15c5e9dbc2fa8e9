"""The files that documents are made from, each held against the digest that the release or the ledger has of it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from monitoring import results
from monitoring.documents.cited import Source
from monitoring.portal import evidence
from pipelines.audit import Entry, Tag, vouched
from pipelines.audit.tagged import marked
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import MANIFEST, Release, read_manifest
from pipelines.base.settings import Signers, load
from pipelines.base.store import Store
from pipelines.publish.modified import COMPARED, PROPOSAL

_DAY: Final = {"found": "findings.json", "performance": "performance.json", "oversight": "oversight.json"}


def chosen(store: Store, family: str, number: int | None) -> tuple[Release, Release | None, bool]:
    """A release, the one before it, None for the first, and whether that is known: else it is None as well.

    Args:
        store: Holds them.
        family: Whose.
        number: Which; without it the live one.

    Raises:
        ContractError: There is no such release, or it is none that the ledger vouches for.
        SettingsError: Nothing says whose signature counts.
    """
    signers = load(Signers, "publish").signers
    if number is None:
        vouched.live(store, family, signers)
    pointers = vouched.history(store, family, signers)
    found = [place for place, item in enumerate(pointers) if number in (None, item.sequence)]
    if not found:
        raise ContractError(
            f"A document must be about a release that the ledger vouches for; {family} has none that was asked for. "
            f"`python -m pipelines.audit show --tag {Tag.MODEL_RELEASED}` lists them."
        )
    place = found[-1]
    before = pointers[place - 1] if place else None
    is_known = vouched.follows(store, family, before, pointers[place])
    return pointers[place], before if is_known else None, is_known


def of_release(store: Store, pointer: Release, prefix: str = "") -> dict[str, Source]:
    """What a release says of itself, under the names that templates use.

    Args:
        store: Holds it.
        pointer: Which.
        prefix: Before every name, where two releases are on one page.

    Raises:
        ContractError: A file is not what was approved.
    """
    files = read_manifest(store, pointer.folder, pointer.manifest_sha256)
    data = store.read(pointer.key)
    found = {"release": Source(f"release {pointer.sequence}, pointer", sha256_bytes(data), json.loads(data))}
    listed = {"files": files}
    found["manifest"] = Source(f"release {pointer.sequence}, {MANIFEST}", pointer.manifest_sha256, listed)
    found |= _of_files(store, pointer, files)
    entry = _proposal(store, pointer)
    if entry is not None:
        found[PROPOSAL] = Source(f"entry {entry.sequence} of the ledger", entry.sha256, dict(entry.facts))
    return {prefix + name: source for name, source in found.items()}


def of_monitoring(store: Store, pointer: Release, since: date, until: date) -> dict[str, Source]:
    """What monitoring concluded last about a release in a span of days, where it did; never what it says of another.

    And `drill`, the newest of the stop switch in those days, which is of no release.

    Args:
        store: Holds the reports.
        pointer: The release.
        since: First day.
        until: Last day.
    """
    found = _drill(store, since, until)
    days = [day for day in evidence.report_days(store, pointer.family) if since <= day <= until]
    for name, file in _DAY.items():
        for day in days:
            data = _saved(store, pointer.family, day, file)
            content = json.loads(data) if data is not None else {}
            if data is not None and content.get("release") == pointer.id:
                found[name] = Source(f"report of {day}, {file}", sha256_bytes(data), content)
                break
    return found


def of_settings(section: Any) -> Source:
    """The numbers of this document itself."""
    content = section.model_dump(mode="json")
    return Source(
        "params.yaml, documents, as JSON with sorted keys",
        sha256_bytes(json.dumps(content, sort_keys=True).encode()),
        content,
    )


def _of_files(store: Store, pointer: Release, files: Mapping[str, str]) -> dict[str, Source]:
    """Files of a release, as far as it has them."""
    found: dict[str, Source] = {}
    for name, file in COMPARED.items():
        if file in files:
            data = store.read(f"{pointer.folder}/{file}")
            if sha256_bytes(data) != files[file]:
                raise ContractError(f"{pointer.folder}/{file} must be as it was approved; its digest differs.")
            found[name] = Source(f"release {pointer.sequence}, {file}", files[file], json.loads(data))
    return found


def _drill(store: Store, since: date, until: date) -> dict[str, Source]:
    """The newest drill of the stop switch, where there was one."""
    for entry in marked(store, (Tag.SCORING_TESTED,)):
        if since.isoformat() <= entry.recorded_at[:10] <= until.isoformat():
            content = {"on": entry.recorded_at[:10], **entry.facts}
            return {"drill": Source(f"entry {entry.sequence} of the ledger", entry.sha256, content)}
    return {}


def _proposal(store: Store, pointer: Release) -> Entry | None:
    """Who asked for the model, and from which commit it was made."""
    return next(
        (
            entry
            for entry in marked(store, (Tag.MODEL_PROPOSED,), pointer.family)
            if entry.facts.get("verdict_sha256") == pointer.verdict_sha256
            and entry.sequence <= int(pointer.ledger.get("sequence", 0))
        ),
        None,
    )


def _saved(store: Store, family: str, day: date, name: str) -> bytes | None:
    key = results.key(family, day, name)
    return store.read(key) if store.exists(key) else None
