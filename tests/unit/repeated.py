"""Train and score cases that a test left in folders, in an interpreter of its own: what came of it stays as files.

`python -m tests.unit.repeated CASES OUT FAMILIES SEEDS`, the last two parted by commas. Of the first seed every case is
scored, and three of them alone.
"""

import json
import sys
from pathlib import Path

import polars as pl

from pipelines.models import features, network
from pipelines.models.determinism import determined
from pipelines.train import canonical


def train(family: str, given: Path, out: Path, seed: int, *, is_scored: bool) -> None:
    """Fit as `pipelines.train` does, and score: `model`, `curve.json`, `whole.csv`, `alone.csv`."""
    about = json.loads((given / "about.json").read_text(encoding="utf-8"))
    settings = features(family).Train.model_validate(about["settings"])
    module, model = network(family), out / "model"
    model.mkdir(parents=True)
    determined(seed)
    curve = module.fit(pl.read_parquet(given / "prepared.parquet"), settings, model, seed, about["min_people"])
    (out / "curve.json").write_text(json.dumps(list(map(dict, curve))), encoding="utf-8")
    for archive in model.rglob("*.keras"):
        canonical(archive)
    if not is_scored:
        return
    frame = pl.read_parquet(given / "frame.parquet")
    places = (0, len(frame) // 2, len(frame) - 1)
    module.predict(model, frame, "model").write_csv(out / "whole.csv")
    alone = [module.predict(model, frame[n : n + 1], "model").with_columns(place=n) for n in places]
    pl.concat(alone).write_csv(out / "alone.csv")


def main() -> None:
    """Every family with every seed, one after the other."""
    cases, out, families, seeds = sys.argv[1:]
    for family in families.split(","):
        for place, seed in enumerate(seeds.split(",")):
            train(family, Path(cases) / family, Path(out) / family / seed, int(seed), is_scored=place == 0)


if __name__ == "__main__":
    main()
