"""Command line of `pipelines.evaluate`, and the stage itself."""

import json
import shutil
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
from pipelines.base.settings import Count, MinPeople, Section, load
from pipelines.base.stage import leave, main
from pipelines.base.store import open_store
from pipelines.evaluate import groups, metrics, selective
from pipelines.evaluate.parts import Cases, Evaluate, measured
from pipelines.evaluate.written import write
from pipelines.fairness import withheld
from pipelines.models import features


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
    given = stage_dir(family, SCORED, root)
    scored, outcomes = (pl.read_parquet(given / f"{name}.parquet") for name in ("scored", "outcomes"))
    card = _read(trained / "card.json")
    lock, lake = lake_lock(root), Lake(open_store())
    manifest, as_of = lock.manifest(lake), date.fromisoformat(card["as_of"])
    people, forty = groups.read_aging(lake, manifest, as_of)
    asked = groups.asked(scored, outcomes)
    decided = groups.decided(lake, manifest, as_of, family, outcomes)
    selections, pools, cells = groups.judged(
        asked, decided, people, module.UNIT, least, forty=forty, told_from=told_from
    )
    cases = Cases(
        family=family,
        scored=scored,
        outcomes=outcomes,
        groups=groups.aged(people, forty, asked),
        inputs=pl.read_parquet(given / "inputs.parquet"),
        grades=pl.read_parquet(given / GRADES) if (given / GRADES).exists() else None,
        card=card,
        decide=_read(given / DECIDE),
        swaps=_read(given / SWAPS),
        moved=_read(given / REASONS),
    )
    result = measured(cases, settings, least=least, told_from=told_from) | {
        "lake_sha256": lock.sha256,
        "selective": selective.told(
            selective.reached(lake, manifest, as_of, family),
            decided,
            people,
            by_stage=bool(module.DECISIONS),
            min_group_size=least,
            told_from=told_from,
            forty=forty,
            beside=withheld.withheld(selections["human"]["axes"]),
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "metrics.json", result)
    sealed = seal_frame(secret(AUDIT_KEY), cells)
    write(folder / "groups.json", selections | {"cells": {"rows": len(cells), "sha256": sha256_bytes(sealed)}})
    pools.write_csv(folder / "groups.csv")
    (folder / "groups.sealed").write_bytes(sealed)
    shutil.copyfile(given / SERVED, folder / SERVED)
    _curves(folder, module.METRIC, scored, outcomes, settings.bins)
    value, theirs = result["model"]["value"], result["baseline"]["value"]
    get_logger("evaluate").info("model_evaluated", family=family, metric=result["metric"], value=value)
    return f"{family}: {result['metric']} {value:.3f}, baseline {theirs:.3f}, chance {result['chance']:.3f}"


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


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
