"""The reproducible stage: score the test cases with the model and its baseline.

Reads   prepared   examples.parquet
        trained    model, baseline, card.json
Writes  scored.parquet    `Scored` of both scorers on the test cases
        outcomes.parquet  `Outcomes` of all cases, so that past decisions can be judged on as many people as there are
        inputs.parquet    `Inputs` of the test cases
        decide.json       the numbers that decided: a release selects by those it was judged by
        grades.parquet    with what score test cases end, as both foresee it and as it was; where a family does so
        swaps.json        what the model makes of one group's signals beside another's (`exchange`)
        reasons.json      what a score loses with the passage named as its reason, and with another (`deletion`)
        served.json       whether the model serves from a fresh process, within the bounds of `serve` in params.yaml

Every score names the digest of what gave it, so both folders are hashed before anything in them is opened.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.catalog import DECIDE, GRADES, PREPARED, REASONS, SCORED, SERVED, SWAPS, TRAINED, stage_dir
from pipelines.base.contracts import OUTCOMES, conform
from pipelines.base.digests import sha256_tree
from pipelines.base.errors import ContractError
from pipelines.base.log import get_logger
from pipelines.base.settings import load
from pipelines.models import GRADE, Scorer, features
from pipelines.score import deletion, exchange, rows, serve

_SCORERS: Final[tuple[Scorer, ...]] = ("model", "baseline")


def run(family: str, root: Path | None = None) -> str:
    """Score a family's test cases.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        ContractError: A model is not the one that its card names.
    """
    trained, folder = stage_dir(family, TRAINED, root), stage_dir(family, SCORED, root)
    card = json.loads((trained / "card.json").read_text(encoding="utf-8"))
    _require_unchanged(trained, card)
    as_of = date.fromisoformat(card["as_of"])
    examples = pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet")
    test = examples.filter(pl.col("split") == "test")
    decide = load(features(family).Decide, family, "decide", root=root)
    both = [
        rows.scored(
            family,
            trained / scorer,
            test,
            scorer,
            rows.Stamp(card[f"{scorer}_sha256"], card["data_sha256"], as_of),
            decide=decide,
        )
        for scorer in _SCORERS
    ]
    known = conform(examples.with_columns(family=pl.lit(family)), OUTCOMES, "Outcomes").sort(rows.KEYS)
    inputs = features(family).inputs(test).with_columns(as_of=pl.lit(as_of))
    folder.mkdir(parents=True, exist_ok=True)
    pl.concat(both).write_parquet(folder / "scored.parquet", compression="zstd")
    known.write_parquet(folder / "outcomes.parquet", compression="zstd")
    inputs.write_parquet(folder / "inputs.parquet", compression="zstd")
    (folder / DECIDE).write_text(json.dumps(decide.model_dump(mode="json"), sort_keys=True) + "\n", encoding="utf-8")
    told = [_grades(family, trained, test, scorer) for scorer in _SCORERS]
    (folder / GRADES).unlink(missing_ok=True)
    if graded := [frame for frame in told if frame is not None]:
        pl.concat(graded).write_parquet(folder / GRADES, compression="zstd")
    found = exchange.exchanged(family, trained / "model", test, decide)
    (folder / SWAPS).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    moved = deletion.tested(family, trained / "model", test, both[0])
    (folder / REASONS).write_text(json.dumps(moved, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _serve(family, root, folder, card["model_sha256"])
    get_logger("score").info("test_scored", family=family, cases=len(test), outcomes=len(known))
    return f"{family}: {len(test)} test cases scored by model and baseline"


def _grades(family: str, trained: Path, test: pl.DataFrame, scorer: Scorer) -> pl.DataFrame | None:
    foreseen = rows.grades(family, trained / scorer, test, scorer)
    if foreseen is None:
        return None
    return foreseen.with_columns(test[GRADE].alias("ended"), scorer=pl.lit(scorer))


def _serve(family: str, root: Path | None, folder: Path, model_sha256: str) -> None:
    settings = load(serve.Serve, "serve", root=root)
    found = serve.ask(family, root, settings)
    checks = serve.judged(found, settings)
    content = {"family": family, "model_sha256": model_sha256, "checks": checks}
    (folder / SERVED).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    get_logger("score").info("model_served", family=family, **(found or {"start_seconds": None}))


def _require_unchanged(trained: Path, card: Mapping[str, Any]) -> None:
    changed = [scorer for scorer in _SCORERS if sha256_tree(trained / scorer) != card[f"{scorer}_sha256"]]
    if changed:
        raise ContractError(
            f"{' and '.join(changed)} of {card['family']} must have the sha256 that card.json names; got another. "
            "It was changed after training: run `dvc repro` to have it made again."
        )
