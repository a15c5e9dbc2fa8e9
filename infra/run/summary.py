"""What a run came to: printed at its end, and kept as VAR/summary.json and VAR/summary.md."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infra.run import airflow, evidence, gates
from infra.run.clone import named
from infra.run.journey import Journey
from infra.setup.company import Company
from pipelines.base.store import Store

FAMILIES: Final = ("screening", "recommendation", "outcomes", "performance")


def collect(company: Company, journey: Journey, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Everything the summary says, as JSON."""
    store = evidence.zones(company)
    counts = evidence.ingested(store)
    proposals = journey.proposals()
    reports = {family: evidence.monitored(store, family) for family in FAMILIES}
    return {
        "company": {"kind": company.kind, "workers": company.workers, "folder": str(company.var)},
        "ingest": {feed: {**row, "is_balanced": _is_balanced(row)} for feed, row in counts.items()},
        "families": {family: _family(store, journey, family, proposals.get(family, {})) for family in FAMILIES},
        "monitoring": {family: _monitoring(reports[family]) for family in FAMILIES},
        "not_scored": evidence.not_scored(store),
        "truths": _truths(company, journey, reports, evidence.turned_away(store)),
        "ledger": journey.proof(),
        "retrain": {"run": journey.done.get("retrain"), "requested": journey.requested()},
        "airflow": airflow.url(company),
        "seconds": dict(seconds),
        "first_seconds": journey.done.get("seconds", {}),
    }


def write(company: Company, found: Mapping[str, Any]) -> None:
    """Keep the summary."""
    (company.var / "summary.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    (company.var / "summary.md").write_text(text(found))


def text(found: Mapping[str, Any]) -> str:
    """The summary for a reader."""
    parts = [
        *_hidden(found),
        _ingest(found["ingest"]),
        *_families(found["families"]),
        *_monitored(found["monitoring"]),
        *_truth_lines(found["truths"]),
        *_where(found),
    ]
    return "\n".join(["", *parts, ""])


def _family(store: Store, journey: Journey, family: str, proposal: Mapping[str, Any]) -> dict[str, Any]:
    verdict = evidence.verdict(store, family, proposal.get("verdict_sha256", ""))
    release = journey.done.get("releases", {}).get(family)
    metrics = verdict.get("metrics") or {}
    return {
        "verdict": verdict.get("verdict", "none"),
        "verdict_sha256": proposal.get("verdict_sha256"),
        "held_because": [item["reason"] for item in verdict.get("findings", []) if not item["passed"]],
        "codes": sorted({item["code"] for item in verdict.get("findings", []) if not item["passed"]}),
        "hidden": evidence.hidden_in_pool(verdict),
        "gaps": evidence.gap_names(verdict),
        "metric": metrics.get("metric"),
        "model": metrics.get("model"),
        "baseline": metrics.get("baseline"),
        "chance": metrics.get("chance"),
        "higher_is_better": metrics.get("higher_is_better"),
        "approvers": gates.approvers(journey.session("viewer"), release) if release else [],
        "live": evidence.live(store, family),
        "exports": evidence.exports(store, family),
    }


def _monitoring(report: Mapping[str, Any]) -> dict[str, Any]:
    findings = report.get("findings", {})
    return {
        "hidden": report.get("bias", {}).get("hidden", []),
        "alerts": [item["text"] for item in findings.get("findings", []) if item.get("is_alert")],
        "retrain": findings.get("retrain", False),
        "report": report.get("page", {}).get("path"),
        "performance": report.get("performance", {}).get("status"),
    }


def _truths(
    company: Company, journey: Journey, reports: Mapping[str, Any], away: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    if company.kind == "real":
        return {}
    clone = company.var / "retrain" / named(str(journey.done.get("retrain", "")))
    prepared = {family: evidence.stage_report(clone, family, "prepare") for family in FAMILIES}
    snapshots = [evidence.stage_report(clone, family, "snapshot") for family in FAMILIES]
    proposed = journey.proposals().get("screening", {}).get("verdict_sha256", "")
    verdict = evidence.verdict(evidence.zones(company), "screening", proposed)
    held = [item["code"] for item in verdict.get("findings", []) if not item["passed"]]
    return evidence.found_truths(journey.truths(), reports, prepared, snapshots, away, held=held)


def _is_balanced(row: Mapping[str, int]) -> bool:
    return row["in"] == row["accepted"] + row["quarantined"] + row["filtered"]


def _hidden(found: Mapping[str, Any]) -> Iterable[str]:
    """Before everything else: which subject or stage fails while all together look fine."""
    for name, family in found["families"].items():
        yield from (f"- {name}, the model proposed: {line}" for line in family.get("hidden", ()))
    for name, seen in found["monitoring"].items():
        yield from (f"- {name}: {line}" for line in seen.get("hidden", ()))


def _ingest(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        (feed, *(f"{row[name]:,}" for name in evidence.ROWS), "yes" if row["is_balanced"] else "NO")
        for feed, row in counts.items()
    ]
    return table(("feed", "rows in", "accepted", "quarantined", "filtered", "adds up"), rows)


def _families(families: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    rows = [
        (name, family["metric"] or "", estimate(family["model"]), estimate(family["baseline"]),
         estimate({"value": family["chance"]}), family["verdict"], family["live"], " and ".join(family["approvers"]))
        for name, family in families.items()
    ]  # fmt: skip
    head = ("family", "metric", "model", "baseline", "chance", "verdict", "live", "approved by")
    yield "\n" + table(head, rows)
    if any(family["approvers"] for family in families.values()):
        yield "\nThe approvals are demo accounts' answers, given through the public REST API."
    for name, family in families.items():
        yield from (f"- {name} is held: {reason}" for reason in family["held_because"])
        if family["gaps"] and family["approvers"]:
            yield f"- {name}: both accepted in writing what could not be judged: {', '.join(family['gaps'])}"


def _monitored(monitoring: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    alerts = [f"- {family}: {alert}" for family, seen in monitoring.items() for alert in seen["alerts"]]
    yield f"\nMonitoring raised {len(alerts)} alerts{':' if alerts else '.'}"
    yield from alerts[:12]
    if len(alerts) > 12:
        yield f"- and {len(alerts) - 12} more; see the reports"


def _truth_lines(truths: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    if truths:
        yield "\n" + table(
            ("planted", "found", "where"),
            [(name, "yes" if t["found"] else "no", t["by"]) for name, t in truths.items()],
        )


def _where(found: Mapping[str, Any]) -> Iterable[str]:
    folder = found["company"]["folder"]
    yield f"\n{found['ledger']}"
    yield from found["not_scored"]
    for run, reason in found["retrain"]["requested"].items():
        yield f"Monitoring asked for a retrain ({reason}): run {run} goes on with `make up`."
    for family, seen in found["monitoring"].items():
        if seen["report"]:
            yield f"Report of {family}: {seen['report']}"
    for family in found["families"].values():
        yield from (f"Scores to import: {path}" for path in _newest(family["exports"]))
    yield f"Airflow: `make up VAR='{folder}'`, then {found['airflow']} (passwords: {folder}/secrets/accounts.json)"
    yield f"Compliance page: *Audit* in its navigation, {found['airflow']}/plugin/audit"
    yield f"This summary: {folder}/summary.md"
    took, first = (found[name].get("in all") for name in ("seconds", "first_seconds"))
    yield f"In all {took:.0f} s." + (f" The first journey took {first:.0f} s." if first not in (None, took) else "")


def _newest(exports: Sequence[str]) -> list[str]:
    """Files of the last day: scores, and what stands beside them in some families."""
    day = exports[-1].rpartition("/")[2].partition(".")[0] if exports else ""
    return [path for path in exports if path.rpartition("/")[2].startswith(f"{day}.")]


def estimate(number: Mapping[str, Any] | None) -> str:
    """A figure with its interval."""
    if not number or number.get("value") is None:
        return "-"
    interval = f" [{number['low']:.3f}, {number['high']:.3f}]" if number.get("low") is not None else ""
    return f"{number['value']:.3f}{interval}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads well as plain text."""
    widths = [max(len(str(row[at])) for row in (head, *rows)) for at in range(len(head))]
    lines = [" | ".join(f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(f"| {line} |" for line in (lines[0], " | ".join("-" * width for width in widths), *lines[1:]))
