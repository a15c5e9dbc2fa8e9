"""Every name that two parts of Candor share: families, zones, artifacts, assets."""

from pathlib import Path
from typing import Final

FAMILIES: Final = ("screening", "recommendation", "outcomes", "performance")
"""Model families, in the order they are shown."""

HIRING: Final = "screening"
"""The family that chooses who is hired: some laws are about nothing else."""

STAGES: Final = ("snapshot", "prepare", "weigh", "train", "choose", "score", "evaluate", "gate")
"""Stages of the reproducible graph, in reading order; `dvc.yaml` has the same."""

# Zones of the store: first part of every key.
LANDING: Final = "landing"
LAKE: Final = "lake"
VAULT: Final = "vault"
KEYS: Final = "keys"
QUARANTINE: Final = "quarantine"
PROPOSALS: Final = "proposals"
RELEASES: Final = "releases"
SCORES: Final = "scores"
LEDGER: Final = "ledger"
SEGMENTS: Final = "ledger/segments"
REPORTS: Final = "reports"
AUDITS: Final = f"{REPORTS}/ll144"
"""Bias audits by family and sha256, as the ledger names them."""
ARRIVALS: Final = f"{REPORTS}/arrivals.json"
"""Of each feed the day of its newest file, when the next is due and from when it is late."""
SWITCHES: Final = "switches"

# What stages leave for one another, under `stage_dir`.
SNAPSHOT: Final = "snapshot"
PREPARED: Final = "prepared"
WEIGHED: Final = "weighed"
CANDIDATES: Final = "candidates"
TRAINED: Final = "trained"
SCORED: Final = "scored"
EVALUATED: Final = "evaluated"
GATED: Final = "gated"

DECIDE: Final = "decide.json"
"""In what `score` leaves: the numbers that decided."""

SERVED: Final = "served.json"
"""The same: whether the model serves from a fresh process. `evaluate` hands it on."""

GRADES: Final = "grades.parquet"
SWAPS: Final = "swaps.json"
"""The same: what scores make of one group's signals beside another's."""

REASONS: Final = "reasons.json"
"""The same: whether a score moves more without a passage that is named as its reason than without another."""

BLESSINGS: Final = ("data", "performance", "fairness", "infrastructure")
"""What the gate must say of a model before two people are asked: theirs is the fifth."""

SOURCE_SECRETS: Final = ("CANDOR_SFTP_", "CANDOR_PGP_")
"""How variables begin that hold secrets of sources, which feeds name."""

LAKE_LOCK: Final = "lake.lock"

# Airflow assets: the seams between DAGs.
ARRIVALS_ASSET: Final = "arrivals"
"""Announced by a queue, not by a DAG."""
LAKE_ASSET: Final = "lake"
RELEASE_ASSET: Final = "release"
SCORES_ASSET: Final = "scores"
RETRAIN_REQUEST_ASSET: Final = "retrain_request"

AUDIT_PAGES: Final = "candor-audit"
"""Where Airflow's API server has the Audit pages, below its own address; `models/<family>` is a family's."""


def stage_dir(family: str, artifact: str, root: Path | None = None) -> Path:
    """Folder of a stage's output in a checkout, such as `var/stages/screening/trained`."""
    return (root or Path()) / "var" / "stages" / family / artifact
