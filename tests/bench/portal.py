"""Figures of the Audit page: server time and size of its slowest and heaviest page, with a long ledger.

    python -m tests.bench.portal FOLDER

Asks the application itself, without Airflow's own login and network, for every kind of page of a finished company in a
folder. Its ledger is copied and grown to 50,000 events, as years of daily scoring leave it. The first answer of a
process reads the ledger and is not counted.
"""

import os
import shutil
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from pipelines.audit import Tag, append, entries, head
from pipelines.audit.ledger import Entry, seal_closed
from pipelines.audit.segments import key
from pipelines.base.catalog import FAMILIES, LEDGER, PROPOSALS, RELEASES, REPORTS
from pipelines.base.digests import sha256_bytes
from pipelines.base.store import Store, open_store
from tests.bench.measure import Figure

EVENTS: Final = 50_000
_TIMES: Final = 5
_READER: Final = "compliance"


def grow(store: Store, folder: Path, events: int = EVENTS) -> None:
    """Scorings after the last entry of a ledger, one each half an hour, until it has so many entries."""
    known, newest = list(entries(store)), head(store)
    scored = [entry for entry in known if entry.tag is Tag.PEOPLE_SCORED]
    at, before = datetime.fromisoformat(known[-1].recorded_at), newest.sha256
    for sequence in range(newest.sequence + 1, events + 1):
        at, like = at + timedelta(minutes=30), scored[sequence % len(scored)]
        data = Entry(sequence, like.tag, like.subject, like.facts, at.isoformat(), before).to_json()
        (folder / key(sequence)).write_bytes(data)
        before = sha256_bytes(data)
    seal_closed(store, events)


def figures(company: Path) -> list[Figure]:
    """Milliseconds of CPU and megabytes on the way of the worst page.

    Args:
        company: Folder of a finished company's store. It is copied.
    """
    with tempfile.TemporaryDirectory(prefix="candor bench ") as name:
        folder = Path(name) / "store"
        for zone in (LEDGER, RELEASES, PROPOSALS, REPORTS):
            shutil.copytree(company / zone, folder / zone)
        os.environ |= {"AIRFLOW_HOME": name, "CANDOR_COMPLIANCE_USERS": _READER}
        store = open_store(f"file://{str(folder).replace(' ', '%20')}")
        _audited(store)
        grow(store, folder)
        client = _client(store)
        day = max(path.name for path in (folder / REPORTS / "screening").iterdir())
        pages = ["/", *(f"/models/{family}" for family in FAMILIES), "/records", "/laws"]
        pages += [f"/raw/screening/{day}/{kind}.html" for kind in ("index", "bias", "drift")]
        pages += [f"/documents/screening/1/{kind}.html" for kind in ("card", "annex-iv", "dpia", "colorado")]
        _asked(client, "/")
        told = {page: _asked(client, page) for page in pages}
    for page, (took, size) in told.items():
        print(f"{page:<44} {took:6.0f} ms {size:6.2f} MB")
    slowest, heaviest = (max(told, key=lambda page: told[page][part]) for part in (0, 1))
    return [
        Figure(f"portal, {EVENTS:,} events, CPU of {slowest}", told[slowest][0], 300, "ms"),
        Figure(f"portal, on the way: {heaviest}", told[heaviest][1], 2, "MB"),
    ]


def _audited(store: Store) -> None:
    """A package of a model that never scored: whatever looks for its last scoring finds none in all of them."""
    facts = dict.fromkeys(("since", "until", "audited_on"), "2025-01-01") | {"distributed_on": None, "auditor": None}
    facts |= {"sha256": "a" * 64, "model": "screening, never used", "model_sha256": "b" * 64}
    append(store, Tag.AUDIT_PACKAGED, "screening", **facts)


def _asked(client: Any, page: str) -> tuple[float, float]:
    """Milliseconds of CPU, the median of several, and megabytes as they are sent."""
    took, size = [], 0
    for _ in range(_TIMES):
        began = time.process_time()
        with client.stream("GET", page, headers={"accept": "text/html", "accept-encoding": "gzip"}) as answer:
            size = sum(map(len, answer.iter_raw()))
        took.append(1000 * (time.process_time() - began))
        if answer.status_code != 200:
            raise SystemExit(f"{page} must be shown; got {answer.status_code}. Name the folder of a finished company.")
    return sorted(took)[_TIMES // 2], size / 1e6


def _client(store: Store) -> Any:
    """Asks the application as a compliance reviewer who is signed in."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.testclient import TestClient

    from monitoring.portal import app as portal

    portal.app.dependency_overrides |= {
        get_user: lambda: SimpleNamespace(get_name=lambda: _READER, role="user"),
        portal.company: lambda: store,
        portal.reader: lambda: portal.Reader(_READER, portal.Role.COMPLIANCE),
    }
    return TestClient(portal.app, follow_redirects=False)


if __name__ == "__main__":
    found = figures(Path(sys.argv[1]))
    print("\n".join(figure.line() for figure in found))
    sys.exit(int(not all(figure.holds for figure in found)))
