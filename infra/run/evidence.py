"""Reads what the road left in a company's store, as plain JSON. Knows names of objects, judges nothing.

Every function returns something empty when a part of the road did not get that far.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from infra.setup import secrets
from infra.setup.company import Company
from pipelines.base.store import Store, open_store

ROWS: Final = ("in", "accepted", "quarantined", "filtered")


def zones(company: Company) -> Store:
    """The company's store."""
    return open_store(secrets.store_url(company))


def read(store: Store, key: str) -> dict[str, Any]:
    """A JSON object; empty when it is not there."""
    if not store.exists(key):
        return {}
    found: dict[str, Any] = json.loads(store.read(key))
    return found


def ingested(store: Store) -> dict[str, dict[str, int]]:
    """Feed -> rows in, accepted, quarantined and filtered, over all batches."""
    totals: dict[str, Counter[str]] = {}
    for data in store.read_many(store.list("lake/manifests")):
        for feed, counts in json.loads(data).get("counts", {}).items():
            totals.setdefault(feed, Counter()).update({name: int(counts.get(name, 0)) for name in ROWS})
    return {feed: dict(total) for feed, total in sorted(totals.items())}


def verdict(store: Store, family: str, sha256: str) -> dict[str, Any]:
    """A proposed verdict."""
    return read(store, f"proposals/{family}/{sha256}/verdict.json") if sha256 else {}


def gap_names(verdict: Mapping[str, Any]) -> list[str]:
    """Names of the gaps in a verdict, as approvers must write them."""
    return [f"{gap['axis']}:{gap['group']}" for gap in verdict.get("gaps", [])]


def live(store: Store, family: str) -> dict[str, Any]:
    """The pointer that scores people now, or that scores in shadow."""
    keys = store.list(f"releases/{family}")
    for prefix in (f"releases/{family}", f"releases/{family}/shadow"):
        if pointers := [key for key in keys if key.rpartition("/")[0] == prefix and key.endswith(".json")]:
            return read(store, pointers[-1])
    return {}


def monitored(store: Store, family: str) -> dict[str, dict[str, Any]]:
    """The newest day's findings, drift, performance and bias of a family, and where they are."""
    days = [key.rpartition("/")[0] for key in store.list(f"reports/{family}") if key.endswith("/findings.json")]
    if not days:
        return {}
    parts = {name: read(store, f"{days[-1]}/{name}.json") for name in ("findings", "drift", "performance", "bias")}
    return parts | {"page": {"path": store.uri(f"{days[-1]}/index.html")}}


def stage_report(clone: Path, family: str, stage: str) -> dict[str, Any]:
    """What `snapshot` or `prepare` counted in a retrain's clone."""
    folder = {"snapshot": "snapshot", "prepare": "prepared"}[stage]
    file = clone / "var" / "stages" / family / folder / "report.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def exports(store: Store, family: str) -> list[str]:
    """Files that an ATS or LMS can import."""
    return [store.uri(key) for key in store.list(f"scores/exports/{family}")]


def found_truths(
    truths: Mapping[str, Any],
    reports: Mapping[str, Mapping[str, Any]],
    prepared: Mapping[str, Mapping[str, Any]],
    snapshots: Iterable[Mapping[str, Any]],
    counts: Mapping[str, Mapping[str, int]],
    *,
    held: Iterable[str],
) -> dict[str, dict[str, Any]]:
    """Which planted truths the road brought to light, each with what it was seen by.

    Args:
        truths: What the generator planted.
        reports: Family -> what monitoring saw.
        prepared: Family -> report of `prepare`.
        snapshots: Reports of `snapshot`.
        counts: Feed -> counts of ingest.
        held: Codes for which the gate held the screening model; held, it scores nobody and has no bias report.
    """
    biased, drifting, leaking = (
        truths[name] for name in ("planted_requisition", "drifting_measure", "leaking_measure")
    )
    adverse = [
        axis
        for axis in reports.get("screening", {}).get("bias", {}).get("subjects", [])
        if axis["subject"] == biased and axis["judgement"]["verdict"] == "ADVERSE"
    ]
    drifted = _columns(((f, r.get("drift", {}).get("columns", [])) for f, r in reports.items()), drifting, "is_drifted")
    leaks = _columns(((f, r.get("leaks", [])) for f, r in prepared.items()), leaking, None)
    silent = max((table["without_consent"] for r in snapshots for table in r.get("tables", {}).values()), default=0)
    bad = sum(count.get("quarantined", 0) + count.get("filtered", 0) for count in counts.values())
    bias = {f"biased decisions in {biased}": _seen(adverse, "bias report of screening")}
    if truths["kind"] == "biased":
        bias = {"a screening model that repeats bias": _seen("adverse" in held, "held by the gate as ADVERSE")}
    return {
        **bias,
        f"{drifting} drifts": _seen(drifted, ", ".join(drifted)),
        f"{leaking} leaks the label": _seen(leaks, ", ".join(leaks)),
        "people without consent": _seen(silent, f"left out of the snapshots, {silent} rows in the largest case"),
        "duplicate and malformed rows": _seen(bad, f"{bad} rows quarantined or filtered at ingest"),
    }


def _columns(found: Iterable[tuple[str, Any]], name: str, flag: str | None) -> list[str]:
    """`family.column` of each listed column made from the measure `name`."""
    stem = name.removesuffix("_score").removesuffix("_hours")
    return [
        f"{family}.{column['column']}"
        for family, columns in found
        for column in columns
        if stem in column["column"] and (flag is None or column[flag])
    ]


def _seen(what: Any, where: str) -> dict[str, Any]:
    return {"found": bool(what), "by": where if what else ""}
