"""Put the checks of a day together: findings, what they ask for, and one page to read.

Reads   reports/<family>/<as_of>/{drift,performance,estimated,bias,oversight}.json
Writes  reports/<family>/<as_of>/findings.json and index.html; the ledger, when a retrain is asked for

The request is recorded before it is printed, and the findings are written last: a run that was killed before them asks
again, one that finished does not.
"""

from collections.abc import Sequence
from datetime import date

from monitoring import findings, page, released, results, tables
from monitoring.results import Bias, Drift, Estimated, Findings, Oversight, Performance
from monitoring.settings import Monitor
from pipelines import audit
from pipelines.base.releases import Release
from pipelines.base.store import Store


def run(store: Store, family: str, until: date | None, settings: Monitor) -> Findings:
    """Conclude the newest scoring day, write the reports and the ledger, return the findings.

    Raises:
        ContractError: The ledger does not vouch for the newest release (`released.scoring`).
    """
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Findings(family=family, as_of=None, retrain=False, reasons=(), findings=())
    release = released.scoring(store, family)
    drift = results.saved(store, Drift, family, as_of, "drift.json")
    performance = results.saved(store, Performance, family, as_of, "performance.json")
    estimated = results.saved(store, Estimated, family, as_of, "estimated.json")
    bias = results.saved(store, Bias, family, as_of, "bias.json")
    oversight = results.saved(store, Oversight, family, as_of, "oversight.json")
    found = [
        *findings.of_bias(bias),
        *findings.of_oversight(oversight, settings),
        *findings.of_performance(performance, settings),
        *findings.of_estimated(estimated),
        *findings.of_drift(drift, settings),
        *findings.of_erasures(outdated(store, release)),
    ]
    with store.lock(f"monitor-{family}"):
        earlier = requested(store, family)
        if not store.exists(results.key(family, as_of, "findings.json")):  # a killed run recorded what nobody heard
            earlier = [request for request in earlier if request["as_of"] != str(as_of)]
        concluded = findings.concluded(family, as_of, found, earlier, settings)
        concluded = concluded.model_copy(update={"release": release.id if release is not None else None})
        for rule in concluded.reasons:
            audit.append(store, audit.Tag.RETRAIN_REQUESTED, family, once=True, finding=rule, as_of=str(as_of))
    told = page.report(concluded, drift, performance, bias, oversight, estimated=estimated)
    store.put(results.key(family, as_of, "index.html"), told.encode())
    results.save(store, concluded, family, as_of, "findings.json")
    return concluded


def outdated(store: Store, release: Release | None) -> int:
    """Erasures of people whom the model in use may have learned from."""
    if release is None:
        return 0
    marks = [entry for entry in audit.entries(store) if entry.tag == audit.Tag.MODEL_OUTDATED]
    mine = {mark.facts["erasure"] for mark in marks if mark.facts["model_sha256"] == release.model_sha256}
    return len(mine)


def requested(store: Store, family: str) -> Sequence[dict[str, str]]:
    """Earlier retrain requests of a family: rule and day."""
    return [
        {"finding": str(entry.facts["finding"]), "as_of": str(entry.facts["as_of"])}
        for entry in audit.entries(store)
        if entry.tag == audit.Tag.RETRAIN_REQUESTED and entry.subject == family
    ]
