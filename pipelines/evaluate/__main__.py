"""Command line of `pipelines.evaluate`, and the stage itself."""

import json
import math
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import ConfigDict

import pipelines.evaluate
from pipelines.base.catalog import (
    DECIDE,
    EVALUATED,
    GRADES,
    HIRING,
    REASONS,
    SCORED,
    SERVED,
    SWAPS,
    TRAINED,
    stage_dir,
)
from pipelines.base.digests import sha256_bytes
from pipelines.base.lake import Lake
from pipelines.base.locks import lake_lock
from pipelines.base.log import get_logger
from pipelines.base.pseudonyms import AUDIT_KEY, secret
from pipelines.base.sealed import seal_frame
from pipelines.base.settings import Count, MinPeople, Section, Share, load
from pipelines.base.stage import leave, main
from pipelines.base.store import open_store
from pipelines.evaluate import (
    abstention,
    bootstrap,
    checks,
    foreseen,
    groups,
    intervals,
    metrics,
    parity,
    popularity,
    selective,
    slices,
    standins,
    swaps,
)
from pipelines.evaluate.written import write
from pipelines.fairness import withheld
from pipelines.models import features


class Evaluate(Section):
    """How sure we want to be, for all families."""

    resamples: Count
    seed: Count
    min_cases: Count
    """Test cases below which a metric says nothing."""
    min_labels: Count
    """Cases of the rarer outcome below which an AUC says nothing."""
    bins: Count
    """Of the calibration table; the ROC curve has ten times as many points."""
    capacity: Share
    """Cases, those with the lowest predictions, that managers can act on: what early warnings are judged on."""
    work_reasons: tuple[standins.WorkReason, ...]
    """Inputs that may order a protected group, and why; each must be accepted by both approvers."""


class Judged(Section):
    """The gate's number, read here too so that both speak of the same groups."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    min_group_size: Count
    """People; smaller groups are shown and not judged."""


def run(family: str, root: Path | None = None) -> str:
    """Measure a family's model.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        SettingsError: CANDOR_AUDIT_KEY is missing.
    """
    module, settings = features(family), load(Evaluate, "evaluate", root=root)
    least, told_from = load(Judged, "gate", root=root).min_group_size, load(MinPeople, "privacy", root=root).min_people
    trained, folder = stage_dir(family, TRAINED, root), stage_dir(family, EVALUATED, root)
    card = json.loads((trained / "card.json").read_text(encoding="utf-8"))
    scored, outcomes = (
        pl.read_parquet(stage_dir(family, SCORED, root) / f"{name}.parquet") for name in ("scored", "outcomes")
    )
    lock, lake = lake_lock(root), Lake(open_store())
    as_of = date.fromisoformat(card["as_of"])
    people, forty = groups.read_aging(lake, lock.manifest(lake), as_of)
    asked = groups.asked(scored, outcomes)
    then = groups.aged(people, forty, asked)
    result = measured(family, scored, outcomes, card, settings) | {
        "model_sha256": card["model_sha256"],
        "data_sha256": card["data_sha256"],
        "lake_sha256": lock.sha256,
        "as_of": card["as_of"],
        "decide": json.loads((stage_dir(family, SCORED, root) / DECIDE).read_text(encoding="utf-8")),
    }
    enough = {"min_people": settings.min_cases, "min_labels": settings.min_labels, "told_from": told_from}
    drawn = {"resamples": settings.resamples, "seed": settings.seed}
    result["slices"] = slices.judged(module.METRIC, scored, outcomes, then, **enough, **drawn)
    result["acquaintance"] = slices.by_acquaintance(module.METRIC, scored, outcomes, **enough, **drawn)
    result["parity"] = parity.told(
        module.METRIC,
        scored,
        outcomes,
        then,
        threshold=result["decide"].get("threshold") if module.METRIC == "mae" else None,
        lists_people=family == HIRING,
        bins=settings.bins,
        min_group_size=least,
        told_from=told_from,
    )
    result["abstention"] = abstention.told(
        scored,
        outcomes,
        then,
        may_abstain=bool(result["decide"].get("abstain")),
        bins=settings.bins,
        told_from=told_from,
        seed=settings.seed,
    )
    if module.METRIC == "mae":
        result["warnings"] = foreseen.warnings(scored, outcomes, capacity=settings.capacity, min_people=least, **drawn)
    result["popularity"] = popularity.told(module.METRIC, scored, outcomes, **drawn)
    result["intervals"] = intervals.covered(scored, outcomes, then, intervals.stated(card), min_people=least)
    if (graded := stage_dir(family, SCORED, root) / GRADES).exists():
        grades, promised = pl.read_parquet(graded), intervals.stated(card, "grade_coverage")
        result["also"] |= metrics.graded(grades, least)
        result["grades"] = foreseen.grades(grades, min_people=least, **drawn)
        result["intervals"] += intervals.covered_grades(grades, then, promised, min_people=least)
    seen = pl.read_parquet(stage_dir(family, SCORED, root) / "inputs.parquet")
    result["stand_ins"] = standins.tested(seen, then, least, settings.seed)
    result["to_accept"] = standins.to_accept(family, result["stand_ins"], settings.work_reasons)
    result["data_checks"].append(standins.check(result["stand_ins"], result["to_accept"]))
    result["swaps"] = json.loads((stage_dir(family, SCORED, root) / SWAPS).read_text(encoding="utf-8"))
    result["data_checks"].append(swaps.check(result["swaps"]))
    moved = json.loads((stage_dir(family, SCORED, root) / REASONS).read_text(encoding="utf-8"))
    is_few = moved is not None and moved["cases"] < told_from
    result["reasons"] = dict.fromkeys(moved) | {name: moved[name] for name in ("cases", "without")} if is_few else moved
    decided = groups.decided(lake, lock.manifest(lake), as_of, family, outcomes)
    selections, pools, cells = groups.judged(
        asked, decided, people, module.UNIT, least, forty=forty, told_from=told_from
    )
    result["selective"] = selective.told(
        selective.reached(lake, lock.manifest(lake), as_of, family),
        decided,
        people,
        by_stage=bool(module.DECISIONS),
        min_group_size=least,
        told_from=told_from,
        forty=forty,
        beside=withheld.withheld(selections["human"]["axes"]),
    )
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "metrics.json", result)
    sealed = seal_frame(secret(AUDIT_KEY), cells)
    write(folder / "groups.json", selections | {"cells": {"rows": len(cells), "sha256": sha256_bytes(sealed)}})
    pools.write_csv(folder / "groups.csv")
    (folder / "groups.sealed").write_bytes(sealed)
    shutil.copyfile(stage_dir(family, SCORED, root) / SERVED, folder / SERVED)
    _curves(folder, module.METRIC, scored, outcomes, settings.bins)
    value, theirs = result["model"]["value"], result["baseline"]["value"]
    get_logger("evaluate").info("model_evaluated", family=family, metric=result["metric"], value=value)
    return f"{family}: {result['metric']} {value:.3f}, baseline {theirs:.3f}, chance {result['chance']:.3f}"


def measured(
    family: str, scored: pl.DataFrame, outcomes: pl.DataFrame, card: Mapping[str, Any], settings: Evaluate
) -> dict[str, Any]:
    """The content of metrics.json, but for the digests."""
    kind = features(family).METRIC
    judged = metrics.judged(kind, scored, outcomes)
    sign = 1.0 if judged.higher_is_better else -1.0
    nothing = bootstrap.Estimate(math.nan, math.nan, math.nan)
    model, baseline, difference = (
        bootstrap.estimates(
            judged.model,
            judged.baseline,
            judged.person.to_numpy(),
            resamples=settings.resamples,
            seed=settings.seed,
            sign=sign,
        )
        if len(judged.person)
        else (nothing, nothing, nothing)
    )
    also = {**judged.also, **(metrics.warnings(scored, outcomes, settings.capacity) if kind == "mae" else {})}
    return {
        "family": family,
        "metric": judged.name,
        "higher_is_better": judged.higher_is_better,
        "n": len(judged.person),
        "people": judged.person.n_unique(),
        "model": model.to_dict(),
        "baseline": baseline.to_dict(),
        "chance": judged.chance,
        "difference": difference.to_dict(),
        "also": {name: {"model": ours, "baseline": theirs} for name, (ours, theirs) in also.items()},
        "data_checks": checks.all_of(
            kind, scored, outcomes, card, min_cases=settings.min_cases, min_labels=settings.min_labels
        ),
    }


def _curves(folder: Path, kind: str, scored: pl.DataFrame, outcomes: pl.DataFrame, bins: int) -> None:
    """ROC and calibration of both scorers; a header alone where a curve makes no sense."""
    known = outcomes.select(*metrics.KEYS, "outcome").unique(
        subset=list(metrics.KEYS), keep="last", maintain_order=True
    )
    cases = metrics.paired(scored).join(known, on=list(metrics.KEYS)).sort(metrics.KEYS)
    if kind == "ranking":
        cases = cases.clear()
    y = cases["outcome"].to_numpy().astype(np.float64)
    scores = {name: cases[name].to_numpy().astype(np.float64) for name in ("model", "baseline")}
    is_binary = kind == "auc"
    roc = metrics.roc(y, scores, 10 * bins) if is_binary else []
    pl.DataFrame(roc, schema=metrics.ROC).write_csv(folder / "roc.csv")
    for name, score in scores.items():
        file = folder / ("calibration.csv" if name == "model" else f"calibration_{name}.csv")
        pl.DataFrame(metrics.calibration(y, score, bins), schema=metrics.CALIBRATION).write_csv(file)


if __name__ == "__main__":
    leave(main(run, pipelines.evaluate.__doc__))
