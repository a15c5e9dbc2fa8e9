"""What a retrain writes to the store, and the ledger's seals, as roads to be killed on."""

import os
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tests.kills.roads import before_score, environment

FAMILY = "outcomes"
PROPOSED = ("screening", "performance")
STRETCH = 5
"""Entries in a segment of a ledger that is to be killed."""


def snapshot(folder: Path) -> int:
    """A family's snapshot, with a key for everybody, and the cases made from it."""
    from pipelines import prepare
    from pipelines import snapshot as stage

    environment(folder)
    stage.run(FAMILY, folder)
    prepare.run(FAMILY, folder)
    return 0


def propose(folder: Path) -> int:
    """What the last step of a retrain does: one family after the other, the second for scoring in shadow only."""
    from pipelines.publish.__main__ import main

    environment(folder)
    os.chdir(folder)
    facts = ("--run-id", "r1", "--requester", "engineer", "--commit", "c0ffee")
    return max(main(["propose", family, *facts]) for family in PROPOSED)


def seal(folder: Path) -> int:
    """Seal what is closed, close another stretch, and seal again: no later entry does."""
    from pipelines.audit import __main__ as command
    from pipelines.audit import ledger
    from pipelines.base.store import open_store

    environment(folder)
    command.seal_closed = partial(ledger.seal_closed, stretch=STRETCH)
    code = command.main(["seal"])
    for number in range(2):
        facts = {"number": number}
        ledger.record(open_store(), ledger.Tag.PEOPLE_SCORED, "screening", facts, once=True, stretch=STRETCH)
    return code or command.main(["seal"])


ROADS: dict[str, Callable[[Path], Any]] = {"snapshot": snapshot, "propose": propose, "seal": seal}


def before_snapshot(folder: Path) -> None:
    """A pinned lake, and keys for nobody."""
    from pipelines import snapshot as stage

    before_score(folder)
    stage.pin(date(2026, 6, 30), folder)


def before_propose(folder: Path) -> None:
    """Two families judged in a checkout: one is allowed, the other lacks groups."""
    from tests.unit import test_publish

    for family in PROPOSED:
        test_publish.FAMILY, kept = family, test_publish.FAMILY
        try:
            test_publish.checkout(folder, groups=None if family == PROPOSED[0] else {"axes": [], "by_subject": []})
        finally:
            test_publish.FAMILY = kept


def before_seal(folder: Path) -> None:
    """A ledger from before there were segments: one stretch is closed."""
    from pipelines.audit import Tag, append
    from pipelines.base.store import FileStore

    for number in range(STRETCH + 3):
        append(FileStore(folder / "store"), Tag.MODEL_HELD, "screening", number=number)


BEFORE: dict[str, Callable[[Path], None]] = {
    "snapshot": before_snapshot,
    "propose": before_propose,
    "seal": before_seal,
}


def cases(folder: Path) -> dict[str, Any]:
    """What a snapshot and its cases are to those who hold the keys; keys and handles themselves are random."""
    from pipelines.base import keys, snapshots
    from pipelines.base.catalog import PREPARED, SNAPSHOT, stage_dir
    from pipelines.base.digests import sha256_bytes, sha256_frame
    from pipelines.base.store import FileStore
    from pipelines.models import features

    held = keys.held(FileStore(folder / "store"))
    taken, made = stage_dir(FAMILY, SNAPSHOT, folder), stage_dir(FAMILY, PREPARED, folder)
    opened = snapshots.read(taken, features(FAMILY).TABLES, held)
    return {
        "people": held["person_id"].sort().to_list(),
        "handles": held["handle"].n_unique(),
        "lacking": opened.lacking,
        "examples": sha256_frame(pl.read_parquet(made / "examples.parquet")),
        **{name: sha256_frame(table) for name, table in opened.tables.items()},
        **{path.name: sha256_bytes(path.read_bytes()) for path in (*taken.glob("*.json"), *made.glob("*.json"))},
        "staged": [path.name for path in folder.rglob(".staged/*")],
    }


def sealed(folder: Path) -> dict[str, Any]:
    """A ledger with small segments."""
    from pipelines.audit import entries, verify
    from pipelines.base.store import FileStore

    store = FileStore(folder / "store")
    return {
        "entries": [(entry.tag, dict(entry.facts)) for entry in entries(store)],
        "faults": verify(store, stretch=STRETCH),
        "segments": store.list("ledger/segments"),
    }


SEEN: dict[str, Callable[[Path], dict[str, Any]]] = {"snapshot": cases, "seal": sealed}
"""What must be equal after these, where it is not the whole store."""
