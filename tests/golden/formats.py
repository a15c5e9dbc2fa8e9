"""What Candor writes for others to read, one example of each format, from values written here by hand.

    python -m tests.golden.formats     writes tests/golden/files anew

A changed byte is a changed format: whoever imports scores, archives verdicts or checks the ledger with a program of
their own must be told. Rebuild only on purpose, and read the difference.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from monitoring.ll144 import bundle
from monitoring.ll144.facts import stated
from pipelines.audit.ledger import GENESIS, Entry, Tag
from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import Manifest, TableVersion
from pipelines.base.releases import Release
from pipelines.fairness.statutory import Cell
from pipelines.gate import GateSettings, decide
from pipelines.score.export import as_csv, as_json
from pipelines.snapshot import lock

FILES: Final = Path(__file__).with_name("files")
MODEL, DATA, LAKE, PARAMS, VERDICT = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)

SCORES: Final = pl.DataFrame(
    {
        "scheme_code": ["workday_candidate_id", "workday_candidate_id", None],
        "identifier": ["C-1001", "=1+1", None],
        "subject_id": ["R-0001", "R-0001", "R-0002"],
        "target_code": ["screen", "screen", "screen"],
        "score": [0.75, 0.5, 0.125],
        "low": [0.5, float("nan"), 0.0],
        "high": [1.0, float("nan"), 0.25],
        "is_selected": [True, None, False],
        "is_abstained": [False, True, False],
        "reasons": [["years_experience:+0.2", "skills:+0.1"], ["abstained:near_threshold"], ["resume_chars:-0.3"]],
        "as_of": [date(2026, 10, 31)] * 3,
    },
    schema_overrides={"reasons": pl.List(pl.String)},
)

MANIFEST: Final = Manifest(
    seq=2,
    batch_id="manual-2026-10-31",
    tables={"workers": TableVersion(1, 200, "1" * 64), "protected": TableVersion(2, 400, "2" * 64)},
    counts={"workday_workers": {"in": 203, "accepted": 200, "quarantined": 2, "filtered": 1, "reasons": {}}},
)


def _verdict() -> bytes:
    number = {"value": 0.8, "low": 0.76, "high": 0.84}
    metrics = {
        "family": "screening",
        "metric": "auc",
        "higher_is_better": True,
        "n": 500,
        "model": number,
        "baseline": {"value": 0.75, "low": 0.7, "high": 0.8},
        "chance": 0.5,
        "difference": {"value": 0.05, "low": 0.01, "high": 0.09},
        "slices": {
            "judged": [{"axis": "sex", "slice": "female", "n": 200, "model": number}],
            "too_few": {"subject": 9},
        },
        "to_accept": [],
        "intervals": [],
        "data_checks": [{"check": "enough_rows", "passed": True, "reason": "500 rows."}],
        "model_sha256": MODEL,
        "data_sha256": DATA,
        "lake_sha256": LAKE,
        "as_of": "2026-10-31",
    }
    card = {"model_sha256": MODEL, "data_sha256": DATA, "params_sha256": PARAMS, "rows": 4000}
    judged: dict[str, list[object]] = {"axes": [], "by_subject": [], "tallies": []}
    groups = {**judged, "human": judged}
    served = {
        "family": "screening",
        "model_sha256": MODEL,
        "checks": [{"check": "loads", "passed": True, "reason": "-"}],
    }
    unknown = {"value": None, "low": None, "high": None}
    declared = {"name": "declared", "what": "as params.yaml declares it", "model_sha256": MODEL, "is_equal": True}
    declared |= dict.fromkeys(("selected_share", "axis", "group", "verdict"))
    declared |= dict.fromkeys(("metric", "difference", "impact_ratio", "gain"), unknown)
    choice = {
        "family": "screening",
        "metric": "auc",
        "higher_is_better": True,
        "n": 400,
        "people": 390,
        "take": "best",
        "chosen": "declared",
        "why": "No alternative is declared: this is the only model that was trained.",
        "margins": {"validity": 0.02, "impact_ratio": 0.02, "selected_share": 0.1},
        "alternatives": [declared],
    }
    contents = {"metrics.json": metrics, "groups.json": groups, "card.json": card}
    contents |= {"served.json": served, "alternatives.json": choice}
    evidence = {name: json.dumps(content, sort_keys=True).encode() for name, content in contents.items()}
    by = {"code": "1" * 64, "laws": "2" * 64, "thresholds": "3" * 64}
    purpose = "Puts applications in an order, so that people read the likeliest first."
    settings = GateSettings(slice_drop=0.1, min_group_size=30, min_known_share=0.5)
    return (
        json.dumps(decide("screening", evidence, settings, by=by, purpose=purpose), indent=1, sort_keys=True) + "\n"
    ).encode()


def _entry() -> bytes:
    facts = {"verdict_sha256": VERDICT, "approvers": ["anna", "ben"]}
    return Entry(1, Tag.MODEL_RELEASED, "screening", facts, "2026-10-31T09:00:00.000000+00:00", GENESIS).to_json()


def _pointer() -> bytes:
    approver = {"name": "anna", "gate": "approve_first", "approved_at": "2026-10-31T08:00:00Z", "accepted_gaps": ["x"]}
    return Release(
        family="screening",
        sequence=1,
        kind="release",
        folder=f"releases/screening/{VERDICT}",
        verdict_sha256=VERDICT,
        manifest_sha256="f" * 64,
        model_sha256=MODEL,
        data_sha256=DATA,
        as_of="2026-10-31",
        run_id="release__manual__1__screening",
        reason="First release.",
        approvers=(approver, approver | {"name": "ben", "gate": "approve_second"}),
        ledger={"sequence": 1, "sha256": "0" * 64},
        released_at="2026-10-31T09:05:00+00:00",
    ).to_json()


def _lake_lock() -> bytes:
    days = {"screening": date(2026, 10, 31), "performance": date(2026, 9, 30)}
    return (json.dumps(lock(MANIFEST, days), indent=1, sort_keys=True) + "\n").encode()


AUDIT: Final = {
    "family": "screening",
    "model": "screening release 1",
    "model_sha256": MODEL,
    "data_sha256": DATA,
    "since": date(2026, 1, 1),
    "until": date(2026, 10, 31),
    "scored_as_of": (date(2026, 10, 31),),
    "scored_on": (date(2026, 11, 2),),
    "lost_scorings": 2,
    "forgotten_rows": 1,
    "median": 0.5,
    "ties": 10,
    "extract_sha256": "f" * 64,
    "audited_on": date(2026, 11, 27),
    "distributed_on": date(2026, 1, 5),
    "source": "historical",
    "explanation": "Applications to all positions in New York City.",
    "why_not_historical": None,
    "auditor": "Somebody Independent LLP, without any tie.",
    "exclusion_justification": "Four people say nothing about the tool.",
    "law": "us-nyc-ll144",
    "law_sha256": sha256_bytes(b"law"),
    "categories": (
        {"axis": "sex", "code": "male", "name": "Male"},
        {"axis": "sex", "code": "female", "name": "Female"},
        {"axis": "race_ethnicity", "code": "hispanic", "name": "Hispanic or Latino"},
        {"axis": "race_ethnicity", "code": "white", "name": "White"},
    ),
    "small_share": "0.02",
    "rules": "candor-1",
    "min_group_size": 30,
    "made_by_sha256": "9" * 64,
}
COUNTED: Final = (
    Cell("male", "white", 100, 50, 40),
    Cell("female", "white", 96, 36, 48),
    Cell("female", "hispanic", 4, 3, 2),
    Cell("unknown", "white", 10, 4, 5),
)


def _audit(name: str) -> bytes:
    facts = stated(AUDIT)
    return bundle.files(bundle.inputs(facts, COUNTED, b"law"), facts, list(COUNTED))[name]


BUILD: Final[dict[str, Callable[[], bytes]]] = {
    "scores.csv": lambda: as_csv(SCORES),
    "scores.json": lambda: as_json(SCORES),
    "verdict.json": _verdict,
    "ledger_entry.json": _entry,
    "release_pointer.json": _pointer,
    "lake_manifest.json": MANIFEST.to_json,
    "lake.lock": _lake_lock,
    "ll144_counts.csv": lambda: _audit("counts.csv"),
    "ll144_facts.json": lambda: _audit("facts.json"),
    "ll144_tables.csv": lambda: _audit("tables.csv"),
    "ll144_statement.csv": lambda: _audit("statement.csv"),
    "ll144_summary.html": lambda: _audit("summary.html"),
    "ll144_README.md": lambda: _audit("README.md"),
}
"""File name -> its bytes, made by the code that writes it in production."""


if __name__ == "__main__":
    FILES.mkdir(exist_ok=True)
    for name, build in BUILD.items():
        (FILES / name).write_bytes(build())
