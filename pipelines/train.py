"""Fit a family's model, the alternatives to it that are declared, and its baseline, on the same rows.

Reads   prepared   examples.parquet (`train` and `valid` rows), severity.parquet, profile.json, report.json
        weighed    what each case counts, for alternatives that are reweighed; it does not say why
Writes  candidates/<name>/   `declared`, and one folder an alternative, each whole: `choose` takes one
            model/     what `predict` needs, with a canonical Keras archive
            baseline/  the same for the baseline, never a pickle
            loss.csv   epoch, loss, valid_loss
            profile.json   the reference profile, so that it travels with the release
            card.json      digests of model, baseline and data; parameters, seed, counts, leaks taken out
            valid.parquet  scores of the validation cases, where there is an alternative

Training knows nothing of groups, and so cannot choose. Equal data, parameters and seed give equal bytes: a Keras
archive holds its saving date, the times of its members and addresses in memory, so it is written again without them.
Where `TF_CONFIG` names several workers, the training is shared out among them (`models.workers`).
"""

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.catalog import CANDIDATES, PREPARED, WEIGHED, stage_dir
from pipelines.base.digests import sha256_bytes, sha256_file, sha256_frame, sha256_tree
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.log import get_logger
from pipelines.base.settings import Count, MinPeople, Section, check, load
from pipelines.base.stage import leave, main
from pipelines.base.tried import DECLARED, VALID, WEIGHTS, WEIGHTS_ABOUT, Alternative, Alternatives
from pipelines.models import CASE_WEIGHT, features, labels, network, workers
from pipelines.models.determinism import determined

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip archive can hold."""
_SAVED: Final = "date_saved"
_SHARED: Final = "shared_object_id"
_KEYS: Final = ("person_id", "subject_id")
_PART: Final = "__"
"""Between an input's name and those of columns made from the same source, as `prepare` has it."""
_DECIMALS: Final = 6


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
        "labels": report["labels"],
        "inputs": [name for name in features(family).inputs(examples.head(0)).columns if name not in _KEYS],
        "files": files,
    }


def learned_from(prepared: Path) -> pl.DataFrame:
    """[n_cases] what `prepare` left; where it is known who rates, without their severity in training outcomes."""
    examples = pl.read_parquet(prepared / "examples.parquet")
    off = prepared / labels.SEVERITY
    return labels.fair(examples, pl.read_parquet(off)) if off.is_file() else examples


def run(family: str, root: Path | None = None) -> str:
    """Train a family's model and baseline.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.
    """
    workers.require(family)
    module = features(family)
    common = load(Train, "train", root=root)
    own = load(module.Train, family, "train", root=root)
    least = load(MinPeople, "privacy", root=root).min_people
    tried = load(Alternatives, family, "alternatives", root=root).tried
    prepared, folder = stage_dir(family, PREPARED, root), stage_dir(family, CANDIDATES, root)
    report = json.loads((prepared / "report.json").read_text(encoding="utf-8"))
    examples = learned_from(prepared)
    changed = {one.name: _changed(module.Train, own, one, family) for one in tried}
    shown = {one.name: _shown(examples, one, family, report, root) for one in tried}
    shutil.rmtree(folder, ignore_errors=True)
    shaping = {"seed": common.seed, "min_people": least}

    def make(name: str, rows: pl.DataFrame, numbers: Section, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """One candidate's folder; what its card says."""
        place = folder / name
        learning = rows.filter(pl.col("split") != "test")
        history = _fitted(family, learning, numbers, place, common.seed, least)
        if name == DECLARED:
            (place / "baseline").mkdir()
            network(family).fit_baseline(learning, numbers, place / "baseline", common.seed, least)
        else:
            shutil.copytree(folder / DECLARED / "baseline", place / "baseline")
        shutil.copyfile(prepared / "profile.json", place / "profile.json")
        params = {"prepare": report["settings"], "train": numbers.model_dump(mode="json"), **shaping, **about}
        written = card(place, family, examples, report, params)
        (place / "card.json").write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        if tried:
            said = network(family).validate(learning, numbers, place / "model", common.seed, least)
            _numbered(rows, said).write_parquet(place / VALID, compression="zstd")
        about = {"epochs": len(history), "model_sha256": written["model_sha256"], "last": _last(history)}
        get_logger("train").info("model_trained", family=family, name=name, **about)
        return written

    first = make(DECLARED, examples, own, {})
    for one in tried:
        make(one.name, shown[one.name], changed[one.name], {"alternative": one.model_dump(mode="json")})
    cases = len(examples.filter(pl.col("split") != "test"))
    return f"{family}: trained on {cases} cases, model {first['model_sha256'][:12]} and {len(tried)} alternatives"


def _fitted(  # noqa: PLR0917  the contract of a network has as many
    family: str, learning: pl.DataFrame, numbers: Section, place: Path, seed: int, least: int
) -> Sequence[Mapping[str, float]]:
    """Train one model; each begins as if it were the only one, so that equal ones have equal bytes."""
    (place / "model").mkdir(parents=True)
    models = network(family)
    determined(seed)
    history = models.fit(learning, numbers, place / "model", seed, least)
    for archive in sorted(place.rglob("*.keras")):
        canonical(archive)
    pl.DataFrame(list(history)).write_csv(place / "loss.csv")
    return history


def _changed(section: type[Section], own: Section, one: Alternative, family: str) -> Section:
    try:
        return check(section, own.model_dump() | one.train, f"{family}.train")
    except SettingsError as error:
        raise SettingsError(f"The alternative {one.name} of {family}: {error}") from None


def _shown(
    examples: pl.DataFrame, one: Alternative, family: str, report: Mapping[str, Any], root: Path | None
) -> pl.DataFrame:
    """The cases as an alternative sees them: without what it drops, each counting what it weighs.

    Raises:
        SettingsError: It drops what is no input, or cannot be reweighed.
        ContractError: The weights are those of other cases.
    """
    inputs = {name.split(_PART)[0] for name in features(family).inputs(examples.head(0)).columns} - {*_KEYS}
    leaks = {leak["column"].split(_PART)[0] for leak in report["leaks"]}  # which `prepare` dropped for all
    unknown = sorted(set(one.drop) - inputs - leaks)
    if unknown or (one.reweigh and features(family).METRIC == "ranking"):
        raise SettingsError(
            f"The alternative {one.name} of {family} must drop inputs that there are, and a ranking is not reweighed; "
            f"not there: {', '.join(unknown) or 'none'}. Inputs are {', '.join(sorted(inputs))}. Correct params.yaml."
        )
    rows = examples.drop([name for name in examples.columns if name.split(_PART)[0] in one.drop])
    if not one.reweigh:
        return rows
    folder = stage_dir(family, WEIGHED, root)
    about = json.loads((folder / WEIGHTS_ABOUT).read_text(encoding="utf-8"))
    if about["examples_sha256"] != sha256_file(stage_dir(family, PREPARED, root) / "examples.parquet"):
        raise ContractError(f"The weights of {family} must be those of its cases; they are of others. Run `dvc repro`.")
    weights = pl.read_parquet(folder / WEIGHTS)
    if one.reweigh not in weights.columns:  # nobody's group is known: it trains as the declared model does
        return rows
    return rows.with_columns(weights[one.reweigh].alias(CASE_WEIGHT))


def _numbered(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """[n_scores] `VALID`: what a model says of the validation cases, people by the first row that is about them."""
    valid = rows.with_row_index("row").filter(pl.col("split") == "valid")
    people = valid.unique("person_id", keep="first", maintain_order=True).select("person_id", "row")
    said = said.join(people, on="person_id", how="left", maintain_order="left")
    columns = ("row", "subject_id", "target_code", pl.col("score").round(_DECIMALS))
    return said.select(columns).sort("row", "subject_id", "target_code")


def _last(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in history[-1].items()} if history else {}


if __name__ == "__main__":
    leave(main(run, __doc__))
