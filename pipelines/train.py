"""Fit a family's model and its declared baseline on the same rows.

Reads   prepared   examples.parquet (`train` and `valid` rows), profile.json, report.json
Writes  model/     what `predict` needs, with a canonical Keras archive
        baseline/  the same for the baseline, never a pickle
        loss.csv   epoch, loss, valid_loss
        profile.json  the reference profile, so that it travels with the release
        card.json  digests of model, baseline and data; parameters, seed, counts, leaks taken out

Equal data, parameters and seed give equal bytes: a Keras archive holds its saving date, the times of its members and
addresses in memory, so it is written again without them.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.catalog import PREPARED, TRAINED, stage_dir
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_frame, sha256_tree
from pipelines.base.log import get_logger
from pipelines.base.settings import Count, MinPeople, Section, load
from pipelines.base.stage import leave, main
from pipelines.models import features, network
from pipelines.models.determinism import determined

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip archive can hold."""
_SAVED: Final = "date_saved"
_SHARED: Final = "shared_object_id"
_KEYS: Final = ("person_id", "subject_id")


class Train(Section):
    """What all families share in training."""

    seed: Count


def canonical(archive: Path) -> None:
    """Write a `.keras` archive again: members by name, fixed times, no saving date, no addresses.

    Args:
        archive: A zip file; replaced.
    """
    staged = archive.with_suffix(".staged")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(staged, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name.endswith(".json"):
                data = json.dumps(_timeless(json.loads(data), {}), sort_keys=name == "metadata.json").encode()
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, data)
    staged.replace(archive)


def _timeless(value: Any, seen: dict[int, int]) -> Any:
    """JSON without saving date, and with shared objects numbered as they come instead of by address in memory."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key != _SAVED}
        if _SHARED in kept:
            kept[_SHARED] = seen.setdefault(kept[_SHARED], len(seen))
        return {key: _timeless(item, seen) for key, item in kept.items()}
    return [_timeless(item, seen) for item in value] if isinstance(value, list) else value


def card(folder: Path, family: str, examples: pl.DataFrame, report: Mapping[str, Any], params: Any) -> dict[str, Any]:
    """What was trained, on what.

    Args:
        folder: Holds `model` and `baseline`.
        family: Model family.
        examples: [n_cases] the prepared cases with `split`.
        report: What `prepare` reported.
        params: Every number that shaped the result.

    Returns:
        model_sha256 and baseline_sha256 are digests of the folders; data_sha256 is that of the bag of cases.
    """
    files = {file.relative_to(folder).as_posix(): sha256_file(file) for file in sorted(folder.rglob("*.*"))}
    return {
        "family": family,
        "model_sha256": sha256_tree(folder / "model"),
        "baseline_sha256": sha256_tree(folder / "baseline"),
        "data_sha256": sha256_frame(examples),
        "params_sha256": sha256_bytes(json.dumps(params, sort_keys=True).encode()),
        "params": params,
        "as_of": report["as_of"],
        "cases": report["cases"],
        "leaks": report["leaks"],
        "inputs": [name for name in features(family).inputs(examples.head(0)).columns if name not in _KEYS],
        "files": files,
    }


def run(family: str, root: Path | None = None) -> str:
    """Train a family's model and baseline.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.
    """
    module = features(family)
    common = load(Train, "train", root=root)
    own = load(module.Train, family, "train", root=root)
    least = load(MinPeople, "privacy", root=root).min_people
    prepared, folder = stage_dir(family, PREPARED, root), stage_dir(family, TRAINED, root)
    report = json.loads((prepared / "report.json").read_text(encoding="utf-8"))
    examples = pl.read_parquet(prepared / "examples.parquet")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    (folder / "baseline").mkdir()
    learning = examples.filter(pl.col("split") != "test")
    models = network(family)
    determined(common.seed)
    history = models.fit(learning, own, folder / "model", common.seed, least)
    models.fit_baseline(learning, own, folder / "baseline", common.seed, least)
    for archive in sorted(folder.rglob("*.keras")):
        canonical(archive)
    pl.DataFrame(list(history)).write_csv(folder / "loss.csv")
    shutil.copyfile(prepared / "profile.json", folder / "profile.json")
    shaping = {"seed": common.seed, "min_people": least}
    params = {"prepare": report["settings"], "train": own.model_dump(mode="json"), **shaping}
    about = card(folder, family, examples, report, params)
    (folder / "card.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    epochs, sha256 = len(history), about["model_sha256"]
    get_logger("train").info("model_trained", family=family, epochs=epochs, model_sha256=sha256, last=_last(history))
    return f"{family}: trained on {len(learning)} cases in {epochs} epochs, model {sha256[:12]}"


def _last(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in history[-1].items()} if history else {}


if __name__ == "__main__":
    leave(main(run, __doc__))
