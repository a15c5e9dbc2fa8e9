"""Files of one person that landed before those did under no name: afterwards no key has one any more.

Reads   lake/files    which files of feeds with `is_one` landed, and where
Writes  landing       landing/<feed>/<period>/<sha256>/record in place of …/<name>, with the bytes, the day and the form
        lake/files    records that say so; without its name what cannot be opened any more, or holds nobody any more
        quarantine    reasons that say so
        scratch       plans and notes of published batches without names

Whoever may list saw these names, so those of everybody go as soon as anybody is forgotten. Nothing is said twice and no
byte is lost, wherever this is killed: an object stays under its name until the register knows of the other.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from pipelines.base import landing
from pipelines.base.catalog import LANDING, QUARANTINE
from pipelines.base.store import Store
from pipelines.ingest import files
from pipelines.ingest.batch import Batch, nameless, read_json, scratch, write_json
from pipelines.ingest.feeds import Feed


def unname(store: Store, feeds: Mapping[str, Feed]) -> None:
    """Put every file of one person where new ones land; done again it changes nothing.

    Args:
        store: All zones; nobody may publish meanwhile.
        feeds: All feeds.
    """
    names = [name for name, feed in feeds.items() if feed.is_one]
    if not names:
        return
    for name in names:
        records = files.of_feed(store, name)
        for record in records:
            key = nameless(record.landing_key)
            if key != record.landing_key:
                landing.copy(store, record.landing_key, key, scratch(store) / "privacy")
                files.enter(store, replace(record, landing_key=key))
        # of bytes that no delivery opens as they came nobody can say whose the names are, or it is who was forgotten
        kept = {record.sha256 for record in records if _is_whole(store, nameless(record.landing_key))}
        for sha256 in sorted({record.sha256 for record in records} - kept):
            files.unname(store, name, sha256, lambda *_: None)
        for key in store.list(f"{LANDING}/{name}"):
            if key != nameless(key) and store.exists(nameless(key)):
                landing.remove(store, key)
    _reasons(store, names)
    _plans(store, names)


def _is_whole(store: Store, key: str) -> bool:
    return landing.is_kept(store, key) and not landing.is_rewritten(store, key)


def _reasons(store: Store, names: Collection[str]) -> None:
    for key in store.list(QUARANTINE):
        if key.endswith(".json"):
            about = json.loads(store.read(key))
            if about["feed"] in names and about["landing_key"] != nameless(about["landing_key"]):
                told = about | {"landing_key": nameless(about["landing_key"])}
                store.put(key, json.dumps(told, sort_keys=True).encode())


def _plans(store: Store, names: Collection[str]) -> None:
    """A published batch needs the names of its files no more."""
    for published in (scratch(store) / "ingest").glob("*/published.json"):
        batch = Batch(store, published.parent.name)
        for note in published.parent.glob("*/landed.json"):
            if note.parent.name.rpartition("-")[0] in names:
                write_json(note, {"objects": read_json(note)["objects"]})
        if batch.is_planned:
            plan = batch.plan
            kinds = ("units", "duplicates")
            batch.write_plan(plan | {kind: [_unnamed(unit, names) for unit in plan[kind]] for kind in kinds})


def _unnamed(unit: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """A unit of a plan; of a file of one person without what it was called."""
    if unit["feed"] not in names or not unit["name"]:
        return unit
    folder = f"{LANDING}/{unit['feed']}/{unit['groups'].get('period', 'undated')}/{unit['sha256']}"
    return {**unit, "name": "", "landed_as": nameless(unit.get("landed_as") or f"{folder}/")}
