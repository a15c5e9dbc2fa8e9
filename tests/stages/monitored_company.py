"""A tiny company that was scored twice: everything monitoring and the Audit page read, planted by hand.

Requisition R-0007 advanced women at less than half the men's rate; the others make up for it, so that all together look
equal. `overtime_hours` shifts before the second scoring; `tenure_days` does not.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from pipelines import audit, gate
from pipelines.audit import ledger
from pipelines.base import delta
from pipelines.base.contracts import SCORED
from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import Lake
from pipelines.base.releases import Release
from pipelines.base.store import Store
from pipelines.fairness import bias_report, kept

FIRST, SECOND = date(2026, 9, 30), date(2026, 10, 31)
MODEL, DATA, LAKE = "a" * 64, "b" * 64, "c" * 64

PARAMS = """
gate:
  slice_drop: 0.1
  min_group_size: 30
  min_known_share: 0.5
privacy:
  min_people: 10
publish:
  signers: []
monitor:
  psi: 0.25
  noise_quantile: 0.999
  psi_floor: 0.0001
  min_rows: 30
  drifted_share: 0.6
  performance_drop: 0.1
  min_labels: 30
  departed_floor: 0.05
  top_k: 10
  bootstrap: 200
  sample_rows: 200
  seed: 1
  cooldown_days: 14
  retrain_on: [psi, drifted_share, performance_drop]
"""


def applicants() -> pl.DataFrame:
    """person_id, subject_id, sex, ethnicity, advanced: R-0007 has 120 of each sex, four others 60 of each.

    R-0007: women 30 of 120 (25 %), men 72 of 120 (60 %). Others: women 35 of 60, men 25 of 60.
    All: women 170 of 360 (47 %), men 172 of 360 (48 %).
    """
    counts = [("R-0007", 120, 30, 72), *((f"R-{n:04d}", 60, 35, 25) for n in (1, 2, 3, 4))]
    rows = []
    for subject, size, women, men in counts:
        for sex, advanced in (("female", women), ("male", men)):
            rows += [(subject, sex, i < advanced) for i in range(size)]
    frame = pl.DataFrame(rows, schema=["subject_id", "sex", "advanced"], orient="row").with_row_index("i")
    return frame.with_columns(
        person_id=pl.format("p_{}", pl.col("i").cast(pl.String).str.zfill(32)),
        ethnicity=pl.when(pl.col("i") % 30 == 0).then(pl.lit("small")).otherwise(pl.lit("large")),
    )


def fill(store: Store, family: str = "screening") -> None:
    """Lake, vault, release, ledger and two scorings of one family."""
    people = applicants()
    _lake(store, people)
    release(store, family)
    for day, shift in ((FIRST, 0.0), (SECOND, 1.5)):
        _score(store, family, people, day, shift)
        with _clock(datetime(day.year, day.month, day.day, 22, tzinfo=UTC)):
            told = {"as_of": str(day), "kind": "release", "release": 1, "model_sha256": MODEL, "rows": len(people)}
            audit.append(store, audit.Tag.PEOPLE_SCORED, family, **told)
    outcomes = people.select(
        "person_id",
        family=pl.lit(family),
        subject_id="subject_id",
        target_code=pl.lit("screen"),
        stage_code=pl.lit("screen"),
        outcome=pl.col("advanced").cast(pl.Float64),
        decided_by=pl.lit("human"),
        occurred_at=pl.lit(datetime(2026, 10, 9, tzinfo=UTC)),
        known_at=pl.lit(datetime(2026, 10, 9, tzinfo=UTC)),
        as_of=pl.lit(SECOND),
    )
    delta.replace_partition(store, "scores/outcomes", outcomes, {"family": family, "as_of": str(SECOND)})
    decision = {"file_sha256": 64 * "d", "choice": "reject", "by": "data_engineer", "note": "<b>Cut</b> short."}
    audit.append(store, audit.Tag.FILE_DECIDED, "workday_workers", batch="batch-1", **decision)
    audit.append(store, audit.Tag.FILE_DECIDED, "lms_courses", batch="batch-0", **decision | {"file_sha256": 64 * "e"})


def alternatives(family: str) -> dict:
    """What `choose` wrote: one alternative is less discriminatory at equal validity and was not taken, one is worse."""

    def one(name: str, ratio: float, difference: tuple[float, float, float], *, is_equal: bool) -> dict:
        told = {"value": ratio, "low": ratio - 0.15, "high": ratio + 0.2}
        against = dict(zip(("value", "low", "high"), difference, strict=True))
        digest = MODEL if name == "declared" else sha256_bytes(name.encode())
        about = {
            "name": name,
            "what": f"{name} otherwise",
            "model_sha256": digest,
            "metric": told,
            "impact_ratio": told,
        }
        about |= {"gain": told}
        about |= {"difference": against, "selected_share": 0.4, "axis": "sex", "group": "female"}
        return about | {"verdict": "INVESTIGATE", "is_equal": is_equal}

    return {
        "family": family,
        "metric": "auc",
        "higher_is_better": True,
        "n": 300,
        "people": 290,
        "take": "declared",
        "chosen": "declared",
        "why": "params.yaml names declared, whatever the others do.",
        "margins": {"validity": 0.02, "impact_ratio": 0.02, "selected_share": 0.1},
        "alternatives": [
            one("declared", 0.6, (0.0, 0.0, 0.0), is_equal=True),
            one("reweighed", 0.85, (-0.01, -0.03, 0.01), is_equal=True),
            one("blind", 0.95, (-0.1, -0.13, -0.07), is_equal=False),
        ],
    }


def release(store: Store, family: str, profile: dict | None = None) -> Release:
    """A live release with a verdict of the real gate, approved by two people."""
    people = applicants()
    reports = bias_report(
        people["advanced"].to_numpy(),
        {"sex": people["sex"].to_numpy(), "ethnicity": people["ethnicity"].to_numpy()},
        ["pool"] * len(people),
        min_group_size=30,
    )
    judged = kept(reports)
    number = {"value": 0.81, "low": 0.78, "high": 0.84}
    about = {"model_sha256": MODEL, "data_sha256": DATA, "lake_sha256": LAKE, "as_of": str(FIRST)}
    metrics = about | {
        "family": family,
        "metric": "auc",
        "higher_is_better": True,
        "n": 500,
        "chance": 0.5,
        "model": number,
        "baseline": {"value": 0.74, "low": 0.7, "high": 0.78},
        "difference": {"value": 0.07, "low": 0.03, "high": 0.1},
        "slices": {"judged": [], "too_few": {}},
        "to_accept": [],
        "intervals": [],
        "data_checks": [{"check": "no_leak", "passed": True, "reason": "No input tells the outcome."}],
    }
    card = {"model_sha256": MODEL, "data_sha256": DATA, "params_sha256": "d" * 64}
    served = {"family": family, "model_sha256": MODEL, "checks": [{"check": "loads", "passed": True, "reason": "Yes."}]}
    evidence = {"metrics.json": metrics, "groups.json": judged | {"human": judged}, "card.json": card}
    evidence |= {"served.json": served, "alternatives.json": alternatives(family)}
    settings = gate.GateSettings(slice_drop=0.1, min_group_size=30, min_known_share=0.5)
    verdict = gate.decide(family, {name: _json(value) for name, value in evidence.items()}, settings)
    files = {"verdict.json": _json(verdict), "profile.json": _json(profile or training_profile())}
    folder = f"releases/{family}/{sha256_bytes(files['verdict.json'])}"
    manifest = _json({"files": {name: sha256_bytes(data) for name, data in files.items()}})
    for name, data in (files | {"manifest.json": manifest}).items():
        store.put(f"{folder}/{name}", data)
    digest = sha256_bytes(files["verdict.json"])
    gaps = [gap["name"] for gap in verdict["gaps"]]
    pointer = Release(
        family=family,
        sequence=1,
        kind="release",
        folder=folder,
        verdict_sha256=digest,
        manifest_sha256=sha256_bytes(manifest),
        model_sha256=MODEL,
        data_sha256=DATA,
        as_of=str(FIRST),
        run_id="release__manual__1",
        reason="First release.",
        approvers=tuple(
            {
                "name": name,
                "gate": f"approve_{n}",
                "approved_at": "2026-10-01T09:00:00Z",
                "justification": "Gaps are known.",
                "accepted_gaps": gaps,
                "choice_reason": "It keeps its promise to candidates.",
            }
            for n, name in enumerate(("compliance_first", "compliance_second"), 1)
        ),
        ledger={},
        released_at="2026-10-01T09:05:00+00:00",
    )
    return recorded(store, pointer)


def recorded(store: Store, pointer: Release) -> Release:
    """Lay a pointer as `publish` does: with an entry of the ledger that calls for it."""
    top = audit.head(store)
    other = {"family", "sequence", "folder", "ledger", "released_at"}
    facts = {name: value for name, value in asdict(pointer).items() if name not in other} | {"number": pointer.sequence}
    facts["approvers"] = list(pointer.approvers)
    entry = audit.Entry(
        top.sequence + 1, audit.Tag.MODEL_RELEASED, pointer.family, facts, pointer.released_at, top.sha256
    )
    store.create(f"ledger/{entry.sequence:012d}.json", entry.to_json())
    pointer = replace(pointer, ledger={"sequence": entry.sequence, "sha256": entry.sha256})
    store.put(pointer.key, pointer.to_json())
    return pointer


def training_profile() -> dict:
    """overtime_hours and tenure_days uniform over [0, 10), a category half `a`."""
    uniform = {"edges": [float(e) for e in range(11)], "shares": [0.1] * 10}
    numeric = {"kind": "numeric", "n": 1000, "missing_share": 0.0, **uniform}
    category = {"kind": "categorical", "n": 1000, "missing_share": 0.0, "categories": ["a", "b"], "shares": [0.5, 0.5]}
    return {"overtime_hours": numeric, "tenure_days": numeric, "source_code": category}


def _lake(store: Store, people: pl.DataFrame) -> None:
    known = {
        "file_id": pl.lit("f"),
        "source_row": pl.int_range(pl.len()),
        "known_from": pl.lit(datetime(2026, 9, 1, tzinfo=UTC)),
        "known_from_basis": pl.lit("file"),
    }
    protected = pl.concat(
        people.select("person_id", attribute_code=pl.lit(name), value_code=pl.col(name))
        for name in ("sex", "ethnicity")
    ).with_columns(**known)
    tally = {"in": 725, "accepted": 720, "quarantined": 4, "filtered": 1, "held": 0}
    counts = {"workday_applications": tally | {"reasons": {"unknown_requisition": 4, "duplicate_row": 1}}}
    Lake(store).publish("batch-1", {}, {"protected": protected}, counts)
    checks = [
        {"table": "applications", "reason_code": code, "checked": 725, "failed": failed, "severity": severity}
        for code, failed, severity in (
            ("missing:applied_at", 0, "quarantine"),
            ("unknown_requisition", 4, "quarantine"),
            ("gap", 3, "warn"),
        )
    ]
    about = {"level": "cross_table", "severity": "warn", "is_met": False}
    checks.append({"table": "workers", "reason_code": "manager_cycle", "checked": 40, "failed": 2, **about})
    held = [
        {"feed": feed, "file_sha256": 64 * letter, "reason_code": "lost_records", "message": "It must have 90 records."}
        for feed, letter in (("workday_workers", "d"), ("lms_courses", "e"))
    ]
    report = {"batch": "batch-1", "manifest": 1, "counts": counts, "held": held, "checks": checks}
    report["flags"] = {"workday_applications": {"hidden_text": 2}}
    store.put("reports/ingest/batch-1.json", _json(report))
    store.put("reports/ingest/batch-2.json", _json(report | {"batch": "batch-2", "counts": {}, "held": []}))


@contextmanager
def _clock(moment: datetime) -> Iterator[None]:
    """What the ledger takes for now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "datetime", SimpleNamespace(now=lambda _: moment))
        yield


def _score(store: Store, family: str, people: pl.DataFrame, day: date, shift: float) -> None:
    rng = np.random.default_rng(day.toordinal())
    merit = people["advanced"].cast(pl.Float64).to_numpy() * 0.3 + rng.uniform(0, 0.6, len(people))
    rows = people.select("person_id", "subject_id").with_columns(
        score=pl.Series(np.clip(merit, 0, 1)),
        family=pl.lit(family),
        target_code=pl.lit("screen"),
        scorer=pl.lit("model"),
        low=pl.lit(0.0),
        high=pl.lit(1.0),
        reasons=pl.lit([], dtype=pl.List(pl.String)),
        model_sha256=pl.lit(MODEL),
        data_sha256=pl.lit(DATA),
        as_of=pl.lit(day),
        scored_at=pl.lit(datetime(day.year, day.month, day.day, tzinfo=UTC)),
    )
    rows = rows.with_columns(is_selected=pl.col("score") > 0.5)
    both = pl.concat([rows, rows.with_columns(scorer=pl.lit("baseline"), score=pl.lit(0.5))]).select(SCORED.names())
    partition = {"family": family, "as_of": str(day)}
    delta.replace_partition(store, "scores/scored", both, partition)
    inputs = people.select("person_id", "subject_id").with_columns(
        pl.lit(family).alias("family"),
        pl.lit(day).alias("as_of"),
        pl.Series("overtime_hours", rng.uniform(0, 10, len(people)) * (1 + shift)),
        pl.Series("tenure_days", rng.uniform(0, 10, len(people))),
        pl.Series("source_code", rng.choice(["a", "b"], len(people)).tolist()),
    )
    delta.replace_partition(store, "scores/inputs", inputs, partition)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
