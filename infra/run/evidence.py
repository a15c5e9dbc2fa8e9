"""Reads what the road left in a company's store, as plain JSON. Knows names of objects, judges nothing.

Every function returns something empty when a part of the road did not get that far.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra.setup import secrets
from infra.setup.company import Company
from pipelines.audit import vouched
from pipelines.base import releases
from pipelines.base.errors import ContractError
from pipelines.base.settings import Law, Signers, load
from pipelines.base.store import Store, open_store
from pipelines.fairness.evidence import hidden
from pipelines.publish.release import modification
from pipelines.score import places

ROWS: Final = ("in", "accepted", "quarantined", "filtered")
CAUGHT: Final = {
    "enrolments": ("lms_enrolments", "duplicate_row"),
    "work_records": ("performance_work_records", "duplicate_row"),
    "worker_without_hire_date": ("workday_workers", "missing:hired_at"),
    "worker_with_impossible_hire_date": ("workday_workers", "unparsable:hired_at"),
    "application_for_unknown_requisition": ("workday_applications", "unknown_requisition"),
    "completion_with_score_abc": ("lms_completions", "unparsable:score_share"),
    "review_with_rating_7": ("performance_reviews", "out_of_range:rating_share"),
    "resume_encrypted": ("resumes", "encrypted"),
    "resume_wrong_type": ("resumes", "unsupported"),
    "resume_empty": ("resumes", "empty"),
}
"""What the generator plants -> the feed and the reason code by which ingest must turn it away."""


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
    for feed, counts in _batches(store):
        totals.setdefault(feed, Counter()).update({name: int(counts.get(name, 0)) for name in ROWS})
    return {feed: dict(total) for feed, total in sorted(totals.items())}


def not_scored(store: Store) -> list[str]:
    """Which model scores nobody, in which places, and why; without places, that nothing of the kind is checked."""
    settings = load(Law, "law")
    told = places.told(store, settings, load(Signers, "publish").signers)
    return told if settings.jurisdictions else [*told, places.NOTHING_CHECKED]


def turned_away(store: Store) -> dict[tuple[str, str], int]:
    """Feed and reason code -> rows quarantined or filtered, over all batches."""
    totals: Counter[tuple[str, str]] = Counter()
    for feed, counts in _batches(store):
        totals.update({(feed, reason): int(rows) for reason, rows in counts.get("reasons", {}).items()})
    return dict(totals)


def _batches(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """Feed and counts, once a batch that had files of it."""
    for data in store.read_many(store.list("lake/manifests")):
        yield from json.loads(data).get("counts", {}).items()


def verdict(store: Store, family: str, sha256: str) -> dict[str, Any]:
    """A proposed verdict."""
    return read(store, f"proposals/{family}/{sha256}/verdict.json") if sha256 else {}


def gap_names(verdict: Mapping[str, Any]) -> list[str]:
    """Names of the gaps in a verdict, as approvers must write them."""
    return [f"{gap['axis']}:{gap['group']}" for gap in verdict.get("gaps", [])]


def asked(store: Store, family: str, sha256: str) -> list[str]:
    """Names of all gaps that approvers are asked about: the verdict's, and whether it is another system than before."""
    gap = modification(store, family, sha256).gap
    return gap_names(verdict(store, family, sha256)) + ([gap["name"]] if gap else [])


def hidden_in_pool(verdict: Mapping[str, Any]) -> list[str]:
    """What a verdict says of subjects that the model fails while all subjects together look fine."""
    groups = verdict.get("groups") or {}
    return hidden(groups.get("by_subject", []), groups.get("axes", []))


def live(store: Store, family: str) -> str:
    """By what kind of release people are scored, `shadow` for one that reaches nobody; or that nobody is.

    `not_scored` says why.
    """
    try:
        found = vouched.live(store, family, load(Signers, "publish").signers) or releases.shadow(store, family)
    except ContractError:
        return "nothing: not vouched for"
    return found.kind if found is not None else "nothing"


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
    away: Mapping[tuple[str, str], int],
    *,
    held: Iterable[str],
) -> dict[str, dict[str, Any]]:
    """Which planted truths the road brought to light, each with what it was seen by.

    Args:
        truths: What the generator planted.
        reports: Family -> what monitoring saw.
        prepared: Family -> report of `prepare`.
        snapshots: Reports of `snapshot`.
        away: As `turned_away` gives.
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
    bias = {f"biased decisions in {biased}": _seen(adverse, "bias report of screening")}
    if truths["kind"] == "biased":
        bias = {"a screening model that repeats bias": _seen("adverse" in held, "held by the gate as ADVERSE")}
    return {
        **bias,
        f"{drifting} drifts": _seen(drifted, ", ".join(drifted)),
        f"{leaking} leaks the label": _seen(leaks, ", ".join(leaks)),
        **_silent(truths["without_consent"], list(snapshots)),
        **_bad_rows([*truths["duplicates"].values(), *truths["malformed"].values()], away),
    }


def _silent(
    planted: Mapping[str, Mapping[str, int]], snapshots: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """People without consent, who must be missing from every snapshot that has a table of such people."""
    found = {}
    for table in ("workers", "candidates"):
        expected = next(iter(planted.values()))[table]  # the models of a journey learn from its first delivery
        left = [r["tables"][table]["without_consent"] for r in snapshots if table in r.get("tables", {})]
        least = min(left, default=0)
        found[f"{table} without consent"] = {
            "found": least >= expected,
            "by": f"{least} of {expected} left out of every snapshot",
        }
    return found


def _bad_rows(planted: Iterable[Mapping[str, int]], away: Mapping[tuple[str, str], int]) -> dict[str, dict[str, Any]]:
    """Duplicate and malformed rows by feed. Rows that fail beside the planted ones do no harm; one too few does."""
    expected = sum((Counter(delivery) for delivery in planted), Counter[str]())
    by_feed: dict[str, list[tuple[str, int, int]]] = {}
    for name, rows in expected.items():
        feed, reason = CAUGHT.get(name, ("no feed we know", name))
        by_feed.setdefault(feed, []).append((reason, away.get((feed, reason), 0), rows))
    return {
        f"bad rows of {feed}": {
            "found": all(seen >= rows for _, seen, rows in reasons),
            "by": ", ".join(f"{reason} {seen} of {rows}" for reason, seen, rows in sorted(reasons)),
        }
        for feed, reasons in sorted(by_feed.items())
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
