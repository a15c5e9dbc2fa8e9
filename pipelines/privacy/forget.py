"""Take a person out of every zone, in an order that can be killed anywhere and run again.

Reads   lake, vault, releases   all pseudonyms of the human, their identifiers, the models that may have seen them
Writes  keys, lake, vault, scores, quarantine, landing   without the person
        reports                 privacy/<id>.json: every object with its digests before and after, and no personal value
        ledger                  model:outdated, once a model; person:forgotten

First the erasure is written down, then the person is barred from coming back, then the key is destroyed: from that
moment every snapshot, old or new, is without them. The rest follows zone by zone.
"""

import csv
import hmac
import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from pipelines import audit
from pipelines.base import delta, forgotten, keys, releases, vault
from pipelines.base.catalog import FAMILIES, REPORTS, SCORES
from pipelines.base.contracts import TABLES
from pipelines.base.days import end_of
from pipelines.base.digests import sha256_bytes, sha256_frame
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, Manifest
from pipelines.base.people import representatives
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.store import Store
from pipelines.models import features
from pipelines.privacy import erasure, landing
from pipelines.privacy.erasure import Erasure

SCORE_TABLES: Final = ("scored", "inputs", "outcomes")
_VAULT_TABLES: Final = tuple(name for name, table in TABLES.items() if table.zone != "lake")
_LOCK: Final = "erasure"


def forget(store: Store, person: str, reason: str) -> str:
    """Forget a person, or finish doing so.

    Args:
        store: All zones.
        person: Any pseudonym of the human.
        reason: One of the command's closed list.

    Returns:
        The line to print.

    Raises:
        ContractError: Nobody is known by that pseudonym.
    """
    with store.lock(_LOCK):
        begun = [found for found in erasure.unfinished(store) if person in found.people]
        if not begun:
            people = linked(store, person)
            if not _is_known(store, people):
                raise ContractError(
                    "A person to forget must be known to the store; nothing is held under that name. Check it."
                )
            begun = [erasure.begin(store, people, reason, _identifiers(store, people), models(store, people))]
        return "\n".join(finish(store, one) for one in begun)


def finish(store: Store, one: Erasure) -> str:
    """Do everything that an erasure has not done yet, certify it, and let go of what it knew."""
    before = set(one.objects)

    def note(name: str, old: str, new: str) -> None:
        one.note(store, name, old, new)

    forgotten.add(store, one.people)
    keys.destroy(store, one.people, note)
    Lake(store).erase(one.people, note, before)
    _scores(store, one, before)
    unsearched = landing.erase(store, one.people, note)
    for name in _VAULT_TABLES:
        vault.erase(store, name, one.people, note)
    return _certify(store, one, unsearched)


def linked(store: Store, person: str) -> list[str]:
    """All pseudonyms of a human, by every link that was ever known."""
    lake = Lake(store)
    manifest = lake.manifest()
    if manifest is None:
        return [person]
    who = representatives(lake.versions("person_links", manifest))
    own = who.get(person, person)
    return sorted({person, *(name for name, stands in who.items() if stands == own)})


def models(store: Store, people: Sequence[str]) -> list[dict[str, Any]]:
    """Releases whose training may have seen a person: their lake held a row of them by its day, consent or not."""
    lake = Lake(store)
    manifests = {manifest.sha256: manifest for manifest in lake.manifests()}
    found = []
    for family in FAMILIES:
        for is_shadow in (False, True):
            for release in releases.pointers(store, family, is_shadow=is_shadow):
                metrics = json.loads(store.read(f"{release.folder}/{releases.METRICS}"))
                manifest = manifests.get(metrics.get("lake_sha256", ""))
                if manifest is None or _held(lake, manifest, family, people, date.fromisoformat(release.as_of)):
                    found.append(
                        {"family": family, "release": release.sequence, "kind": release.kind}
                        | {"model_sha256": release.model_sha256}
                    )
    return found


def _held(lake: Lake, manifest: Manifest, family: str, people: Sequence[str], as_of: date) -> bool:
    mine = pl.col("person_id").is_in(list(people)) & (pl.col("known_from") <= end_of(as_of))
    named = [name for name in features(family).TABLES if "person_id" in TABLES[name].schema and name in manifest.tables]
    return any(lake.scan(name, manifest).filter(mine).select(pl.len()).collect().item() for name in named)


def _is_known(store: Store, people: Sequence[str]) -> bool:
    """Whether anything is or was held of a person."""
    lake = Lake(store)
    manifest = lake.manifest()
    mine = pl.col("person_id").is_in(list(people))
    named = [name for name in manifest.tables if "person_id" in TABLES[name].schema] if manifest else []
    return (
        bool(keys.marked(store, people))
        or any(
            manifest is not None and lake.scan(name, manifest).filter(mine).select(pl.len()).collect().item()
            for name in named
            if TABLES[name].zone == "lake"
        )
        or any(len(vault.all_versions(store, name).filter(mine)) for name in _VAULT_TABLES)
    )


def _identifiers(store: Store, people: Sequence[str]) -> list[tuple[str, str]]:
    """Scheme and value of everything that the vault ever knew a person by."""
    mine = vault.all_versions(store, "identifiers").filter(pl.col("person_id").is_in(list(people)))
    return [
        (str(scheme), str(value))
        for scheme, value in mine.select("scheme_code", "value").unique().sort(pl.all()).rows()
    ]


def _scores(store: Store, one: Erasure, begun: set[str]) -> None:
    """Scores, inputs, outcomes and the files written back."""
    with store.lock(SCORES):
        for table in SCORE_TABLES:
            key = f"{SCORES}/{table}"
            if delta.version(store, key) is None:
                continue
            frame = delta.scan(store, key).collect()
            kept = frame.filter(~pl.col("person_id").is_in(one.people))
            if len(kept) < len(frame):
                one.note(store, key, sha256_frame(frame), sha256_frame(kept))
                delta.erase(store, key, one.people)
            if len(kept) < len(frame) or key in begun:
                delta.purge(store, key)
    known = {tuple(pair) for pair in one.identifiers}
    for key in store.list(f"{SCORES}/exports"):
        before = store.read(key)
        after = _csv(before, known) if key.endswith(".csv") else _json(before, known)
        if after != before:
            one.note(store, key, sha256_bytes(before), sha256_bytes(after))
            store.put(key, after)


def _csv(data: bytes, known: set[tuple[str, ...]]) -> bytes:
    """The lines of everybody else, byte for byte; a leading quote guards against formulas and is not the value's."""
    lines = data.decode().splitlines(keepends=True)
    rows = [next(csv.reader([line])) for line in lines]
    return "".join(
        line for line, row in zip(lines, rows, strict=True) if (row[0], row[1].removeprefix("'")) not in known
    ).encode()


def _json(data: bytes, known: set[tuple[str, ...]]) -> bytes:
    rows = json.loads(data)
    kept = [row for row in rows if (row["scheme_code"], row["identifier"]) not in known]
    return data if len(kept) == len(rows) else (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode()


def _certify(store: Store, one: Erasure, unsearched: list[str]) -> str:
    """Write the certificate and the ledger; both are the same however often this runs."""
    person = hmac.digest(secret(PERSON_KEY), "|".join(["certificate", *one.people]).encode(), "sha256").hex()
    content = {
        "erasure": one.id,
        "person": person,
        "started_at": one.started_at,
        "reason": one.reason,
        "objects": [{"object": name, **digests} for name, digests in sorted(one.objects.items())],
        "models": one.models,
        "unsearched": unsearched,
    }
    data = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    key = f"{REPORTS}/privacy/{one.id}.json"
    store.put(key, data)
    for model in one.models:
        about = {name: value for name, value in model.items() if name != "family"}
        audit.append(store, audit.Tag.MODEL_OUTDATED, model["family"], once=True, erasure=one.id, **about)
    facts = {"reason": one.reason, "objects": len(one.objects), "certificate_sha256": sha256_bytes(data)}
    audit.append(store, audit.Tag.PERSON_FORGOTTEN, one.id, once=True, **facts)
    store.delete(one.key)
    retrain = ", ".join(sorted({model["family"] for model in one.models}))
    asked = f"; monitoring asks for a retrain of {retrain}" if retrain else ""
    rest = f"; {len(unsearched)} files cannot be searched, look at them" if unsearched else ""
    return f"forgotten: {len(one.objects)} objects rewritten, certificate {key}{asked}{rest}"
