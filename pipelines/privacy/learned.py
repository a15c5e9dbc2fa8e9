"""Models that may have learned from a person.

Reads   releases, proposals   the state of the lake that each was trained on
        lake                  whether that state held a row of the person by the model's day, consent or not

A proposal that still waits counts: it is marked now, by its model's digest, so it is outdated from the moment it is
released, and monitoring asks for a retrain. A retrain that was at work during the erasure, and proposes afterwards,
does not: nothing can tell any more what its snapshot held.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from pipelines.base import releases
from pipelines.base.catalog import FAMILIES, PROPOSALS
from pipelines.base.contracts import TABLES
from pipelines.base.days import end_of
from pipelines.base.lake import Lake, Manifest
from pipelines.base.store import Store
from pipelines.models import features


def models(store: Store, people: Sequence[str]) -> list[dict[str, Any]]:
    """Every release and proposal whose training may have seen a person, as the certificate lists them."""
    lake = Lake(store)
    manifests = {manifest.sha256: manifest for manifest in lake.manifests()}
    found = []
    for family in FAMILIES:
        for about, folder in (*_released(store, family), *_proposed(store, family)):
            key = f"{folder}/{releases.METRICS}"
            metrics = json.loads(store.read(key)) if store.exists(key) else {}
            manifest = manifests.get(metrics.get("lake_sha256", ""))
            # What does not say what it was trained on may have seen anybody.
            if manifest is None or held(lake, manifest, family, people, date.fromisoformat(metrics["as_of"])):
                found.append({"family": family} | about)
    return found


def held(lake: Lake, manifest: Manifest, family: str, people: Sequence[str], as_of: date) -> bool:
    """Whether a family's tables held a person on a day."""
    mine = pl.col("person_id").is_in(list(people)) & (pl.col("known_from") <= end_of(as_of))
    named = [name for name in features(family).TABLES if "person_id" in TABLES[name].schema and name in manifest.tables]
    return any(lake.scan(name, manifest).filter(mine).select(pl.len()).collect().item() for name in named)


def _released(store: Store, family: str) -> Iterator[tuple[dict[str, Any], str]]:
    for is_shadow in (False, True):
        for release in releases.pointers(store, family, is_shadow=is_shadow):
            about = {"release": release.sequence, "kind": release.kind, "model_sha256": release.model_sha256}
            yield about, release.folder


def _proposed(store: Store, family: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Whole models that wait, or that nobody wanted."""
    known = {about["model_sha256"] for about, _ in _released(store, family)}
    for key in store.list(f"{PROPOSALS}/{family}"):
        folder, _, name = key.rpartition("/")
        model = json.loads(store.read(key)).get("model_sha256") if name == releases.VERDICT else None
        if model is not None and model not in known:
            yield {"release": 0, "kind": "proposal", "model_sha256": model}, folder
