"""Take a person out of every zone, in an order that can be killed anywhere and run again.

Reads   lake, vault, releases, proposals                 all pseudonyms and identifiers of the human; models
Writes  keys, lake, vault, scores, quarantine, landing   without the person
        scratch of ingest       dropped, of batches that nobody works at: they can be discovered again
        reports                 privacy/<id>.json: every object with its digests before and after, and no personal value
        ledger                  model:outdated, once a model; person:forgotten

First the erasure is written down, then the person is barred from coming back, then the key is destroyed: from that
moment every snapshot, old or new, is without them. The rest follows zone by zone. Equal digests before and after mean
that only history went, which nobody reads any more.
"""

import hmac
import json
from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines import audit
from pipelines.base import forgotten, keys, known, retired, vault
from pipelines.base.catalog import REPORTS
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.forgotten import Group
from pipelines.base.lake import PUBLISHING, Lake
from pipelines.base.pseudonyms import PERSON_KEY, secret
from pipelines.base.store import Store
from pipelines.ingest import feeds
from pipelines.ingest.batch import drop_unfinished, tidy
from pipelines.privacy import erasure, landing, scores, unkept, unnamed
from pipelines.privacy.erasure import Erasure
from pipelines.privacy.landing import Unsearched
from pipelines.privacy.learned import models

_VAULT_TABLES: Final = tuple(name for name, table in TABLES.items() if table.zone != "lake")
_LOCK: Final = "erasure"


def forget(store: Store, person: str | Sequence[str], reason: str) -> str:
    """Forget a person, or finish doing so.

    Args:
        store: All zones.
        person: Any pseudonym of the human, or several.
        reason: One of the command's closed list.

    Returns:
        The line to print.

    Raises:
        ContractError: Nobody is known by that pseudonym, in any zone; what landed is searched for it too.
    """
    names = [person] if isinstance(person, str) else list(person)
    with store.lock(_LOCK):
        begun = [found for found in erasure.unfinished(store) if not {*names}.isdisjoint(found.people)]
        if not begun:
            people = sorted({one for name in names for one in linked(store, name)})
            group = _group(store, people)
            if not _is_known(store, people) and not _may_have_landed(store, group):
                raise ContractError(
                    "A person to forget must be known to the store; nothing is held under that name. Check it."
                )
            begun = [erasure.begin(store, people, reason, group.to_json(), models(store, people))]
        return "\n".join(finish(store, one) for one in begun)


def finish(store: Store, one: Erasure) -> str:
    """Do everything that an erasure has not done yet, certify it, and let go of what it knew."""
    group = Group.from_json(one.group)

    def note(name: str, old: str, new: str) -> None:
        one.note(store, name, old, new)

    def remember(wider: Group) -> None:
        one.group = wider.to_json()
        one.save(store)
        forgotten.add(store, wider)

    forgotten.add(store, group)
    # A batch is published before, and searched, or after, and asks who was forgotten. A retirement writes names too.
    with store.lock(PUBLISHING):
        keys.destroy(store, one.people, note)
        unkept.erase(store, one.people, note)
        tidy(store)
        at_work = drop_unfinished(store, note)
        Lake(store).erase(one.people, note)
        unnamed.unname(store, feeds.load(feeds.folder()))
        unsearched = dict.fromkeys(at_work) | landing.erase(store, group, note, remember)
        for name in _VAULT_TABLES:
            vault.erase(store, name, one.people, note)
    scores.erase(store, one.people, group, note)
    return _certify(store, one, unsearched)


def linked(store: Store, person: str) -> list[str]:
    """All pseudonyms of a human: by every link that stands, and of numbers those that were ever theirs alone.

    A number that a source replaced or took back still names what came under it. One that was ever somebody else's
    stays, as does who is a worker themselves: nobody goes along who is another.
    """
    lake = Lake(store)
    manifest = lake.manifest()
    if manifest is None:
        return [person]
    who = known.links(lake, manifest)
    own = who.get(person, person)
    mine = {person, *(name for name, stands in who.items() if stands == own)}
    told = [lake.versions(name, manifest).select(known.LINK) for name in known.LINKING]
    is_mine = pl.col("person_id").is_in(mine)
    theirs, others = (pl.concat(told).filter(which)["linked_person_id"] for which in (is_mine, ~is_mine))
    workers = lake.versions("workers", manifest)["person_id"]
    return sorted(mine | ({*theirs} - {*others, *workers}))


def _is_known(store: Store, people: Sequence[str]) -> bool:
    """Whether anything is or was held of a person."""
    lake = Lake(store)
    manifest = lake.manifest()
    mine = pl.col("person_id").is_in(list(people))
    named = [name for name in manifest.tables if "person_id" in TABLES[name].schema] if manifest else []
    return (
        bool(keys.marked(store, people))
        or retired.holds(store, people)
        or keys.held(store)["person_id"].is_in(people).any()
        or not scores.people(store).isdisjoint(people)
        or any(
            manifest is not None and lake.scan(name, manifest).filter(mine).select(pl.len()).collect().item()
            for name in named
            if TABLES[name].zone == "lake"
        )
        or any(len(vault.all_versions(store, name).filter(mine)) for name in _VAULT_TABLES)
    )


def _may_have_landed(store: Store, group: Group) -> bool:
    """Whether landing or quarantine, which retention does not reach, holds a person or has what cannot be searched."""
    with store.lock(PUBLISHING):
        try:
            return bool(landing.erase(store, group, _stop))
        except _FoundError:
            return True


class _FoundError(Exception):
    """An erasure would change something."""


def _stop(*_: str) -> None:
    """End an erasure just before it changes anything."""
    raise _FoundError


def _group(store: Store, people: Sequence[str]) -> Group:
    """All that the vault ever knew a person by, and what was known when they were forgotten before."""
    known = vault.all_versions(store, "identifiers")
    is_mine = pl.col("person_id").is_in(list(people))
    mine, others = known.filter(is_mine), known.filter(~is_mine)
    folded = set(others["value"].str.to_lowercase())
    words = [value for value in mine["value"].unique() if value.lower() not in folded]
    return forgotten.group(store, people, mine.select("scheme_code", "value").unique().rows(), words)


def _certify(store: Store, one: Erasure, unsearched: Unsearched) -> str:
    """Write the certificate and the ledger; both are the same however often this runs."""
    person = hmac.digest(secret(PERSON_KEY), "|".join(["certificate", *one.people]).encode(), "sha256").hex()
    content = {
        "erasure": one.id,
        "person": person,
        "started_at": one.started_at,
        "reason": one.reason,
        "objects": [{"object": name, **digests} for name, digests in sorted(one.objects.items())],
        "models": one.models,
        "unsearched": [{"object": name, "rows": rows} for name, rows in sorted(unsearched.items())],
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
    rest = f"; {len(unsearched)} objects cannot be searched, look at them" if unsearched else ""
    return f"forgotten: {len(one.objects)} objects rewritten, certificate {key}{asked}{rest}"
