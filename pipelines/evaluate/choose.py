"""Take one of the models that were trained: the less discriminatory one at equal validity.

Reads   prepared    examples.parquet: its `valid` rows, which no candidate has learnt from, and their outcomes
        candidates  every model with its scores of these rows
        vault       protected attributes, under the audit identity
Writes  trained     the model taken, with all that lies beside it, and alternatives.json

    alternatives.json  {family, metric, higher_is_better, n, people, take, chosen, why,
                       margins: {validity, impact_ratio, selected_share},
                       alternatives: [{name, what, model_sha256, metric: {value, low, high},
                                       difference: {value, low, high}, selected_share,
                                       impact_ratio: {value, low, high}, gain: {value, low, high},
                                       axis, group, verdict, is_equal}]}
                       the declared model first; a positive difference is better than it, and so is a gain above 1

The alternatives are judged as the model is: `groups.reports`, people counted and not their decisions. Every interval is
of 95 % by itself but that of `gain`, the lowest impact ratio over the declared model's, which is of 95 % for all
alternatives together. That several models were looked at is why none of these numbers is evidence for the release.
`evaluate` judges the one taken on test cases.
"""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ConfigDict

from pipelines.base.catalog import CANDIDATES, PREPARED, TRAINED, stage_dir
from pipelines.base.errors import ContractError, SettingsError
from pipelines.base.lake import Lake
from pipelines.base.locks import lake_lock
from pipelines.base.log import get_logger
from pipelines.base.settings import Count, Section, load
from pipelines.base.stage import leave, main
from pipelines.base.store import open_store
from pipelines.base.tried import ALTERNATIVES, BEST, DECLARED, VALID, Alternative, Alternatives, Choose, Taken
from pipelines.base.wording import counted
from pipelines.evaluate import gains, groups, metrics
from pipelines.evaluate.bootstrap import UNKNOWN, Estimate, Numbers
from pipelines.evaluate.weigh import Judged
from pipelines.evaluate.written import write
from pipelines.fairness.alternatives import Lowest, Margins, Tried, better_than, chosen, lowest, of_equal_validity
from pipelines.models import features


class Resampled(Section):
    """Of `evaluate`: how sure we want to be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    resamples: Count
    seed: Count
    min_cases: Count
    min_labels: Count


@dataclass(frozen=True, slots=True)
class Measured:
    """One candidate on the validation cases."""

    metric: Estimate
    difference: Estimate
    """Against the declared model; positive is better."""
    selected_share: float
    lowest: Lowest | None
    ratios: Numbers
    """[n_draws] the lowest impact ratio among each draw of people, the people as they are first."""

    def tried(self, name: str, gain: Estimate) -> Tried:
        """For the rule."""
        ratio = self.lowest.row.impact_ratio if self.lowest else math.nan
        against = self.difference
        return Tried(name, against.value, against.low, against.high, self.selected_share, ratio, gain.low)


def scored(valid: pl.DataFrame, said: pl.DataFrame, family: str, decide: Section) -> pl.DataFrame:
    """A candidate's validation scores with the people they are about.

    Args:
        valid: [n_cases] row, person_id.
        said: [n_scores] as `VALID`.
        family: Model family, which says who is selected.
        decide: Its numbers.

    Returns:
        [n_scores] person_id, subject_id, target_code, score, is_selected.
    """
    rows = said.join(valid.select("row", "person_id"), on="row", how="inner", maintain_order="left")
    rows = rows.select(*metrics.KEYS, "score").unique(metrics.KEYS, keep="first").sort(metrics.KEYS)
    return rows.with_columns(is_selected=features(family).select(rows, decide).fill_null(value=False))


def measured(
    family: str,
    rows: pl.DataFrame,
    declared: pl.DataFrame,
    outcomes: pl.DataFrame,
    people: pl.DataFrame,
    *,
    forty: pl.DataFrame,
    settings: Resampled,
    least: int,
) -> Measured:
    """How a candidate does, beside the declared model.

    Args:
        family: Model family.
        rows: [n_scores] as `scored` gives.
        declared: The same of the declared model.
        outcomes: [n_cases] of the validation cases.
        people: [n_people] their groups.
        forty: [n_people] as `vault.forty` gives, for the age at which each case asks about them.
        settings: Of the intervals. With fewer cases than `min_cases`, or labels than `min_labels`, nothing is known.
        least: People a group must have to be judged.
    """
    module = features(family)
    both = pl.concat([rows.with_columns(scorer=pl.lit("model")), declared.with_columns(scorer=pl.lit("baseline"))])
    judged = metrics.judged(module.METRIC, both, outcomes)
    rarer = min((outcomes["outcome"] == 1).sum(), (outcomes["outcome"] != 1).sum())
    is_enough = (
        len(rows) > 0
        and len(judged.person) >= settings.min_cases
        and (module.METRIC != "auc" or rarer >= settings.min_labels)
    )
    metric, difference = UNKNOWN, UNKNOWN
    if is_enough:
        metric, _, difference = judged.estimates(resamples=settings.resamples, seed=settings.seed)
    decisions = groups.model_selections(groups.asked(both, outcomes), module.UNIT)
    share = float(decisions["is_selected"].mean()) if len(decisions) else math.nan  # type: ignore[arg-type]
    reports = groups.reports(decisions, people, least, forty)
    who = outcomes["person_id"].unique().sort().to_list()
    drawn = gains.draws(len(who), settings.resamples, settings.seed)
    ratios = gains.lowest_ratios(decisions, people, reports, who, drawn, forty=forty)
    return Measured(metric, difference, share, lowest(reports), ratios)


def explained(taken: Tried, tried: list[Tried], margins: Margins, take: str) -> str:
    """Why this one, in a few sentences."""
    others = [one for one in tried if one.name != DECLARED]
    better = ", ".join(one.name for one in better_than(taken.name, tried, margins))
    if not others:
        return "No alternative is declared: this is the only model that was trained."
    looked = f"{counted(len(others), 'alternative was', 'alternatives were')} tried."
    unknown = sum(not one.is_known for one in others)
    missing = f" Of these {unknown} could not be compared." if unknown else ""
    if take != BEST:
        worse = f" At equal validity the impact ratio of {better} is better." if better else ""
        return f"params.yaml names {taken.name}, whatever the others do.{worse}{missing}"
    if taken.name == DECLARED:
        chance = f" That of {better} looks better at equal validity, and may be so by chance." if better else ""
        return (
            f"{looked} None is surely no less valid, within {margins.validity:g}, and surely has a better impact "
            f"ratio: the declared model stays.{chance}{missing}"
        )
    (declared,) = (one for one in tried if one.name == DECLARED)
    return (
        f"{taken.name} is surely no less valid, within {margins.validity:g}, and surely has a better impact ratio: "
        f"{taken.impact_ratio:.2f} instead of {declared.impact_ratio:.2f}.{missing}"
    )


def run(family: str, root: Path | None = None) -> str:
    """Take one of a family's models.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Raises:
        ContractError: A candidate is missing.
        SettingsError: `take` names no candidate, or CANDOR_AUDIT_KEY is missing.
    """
    rule, settings = load(Choose, "choose", root=root), load(Resampled, "evaluate", root=root)
    tried = load(Alternatives, family, "alternatives", root=root).tried
    take = load(Taken, family, "alternatives", root=root).take
    decide = load(features(family).Decide, family, "decide", root=root)
    least = load(Judged, "gate", root=root).min_group_size
    names = [DECLARED, *(one.name for one in tried)]
    if take not in (BEST, *names):
        raise SettingsError(
            f"{family}.alternatives.take must be {BEST} or one of {', '.join(names)}; got {take}. Correct params.yaml."
        )
    folder = stage_dir(family, CANDIDATES, root)
    missing = [name for name in names if not (folder / name / "card.json").is_file()]
    if missing:
        raise ContractError(f"{family} must have been trained as {', '.join(missing)}; it was not. Run `dvc repro`.")
    found = _all(family, names, root, decide, settings=settings, least=least) if tried else {}
    figure = found[DECLARED].metric.value if tried else math.nan
    validity = 0.0 if math.isnan(figure) else round(rule.validity_margin * abs(figure), 4)
    margins = Margins(validity, rule.ratio_margin, rule.selected_margin)
    against = {name: gains.gain(one.ratios, found[DECLARED].ratios, tried=len(tried)) for name, one in found.items()}
    judged = [
        found[name].tried(name, against[name]) if name in found else Tried(name, 0.0, 0.0, 0.0, math.nan, math.nan)
        for name in names
    ]
    best = chosen(judged, margins).name if take == BEST else take
    (taken,) = (one for one in judged if one.name == best)
    equal = {one.name for one in of_equal_validity(judged, margins)}
    examples = pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet", columns=["person_id", "split"])
    valid = examples.filter(pl.col("split") == "valid")
    target = stage_dir(family, TRAINED, root)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / best, target, ignore=shutil.ignore_patterns(VALID))
    record = {
        "family": family,
        "metric": {"auc": "auc", "mae": "mae", "ranking": "hr_at_10"}[features(family).METRIC],
        "higher_is_better": features(family).METRIC != "mae",
        "n": len(valid),
        "people": valid["person_id"].n_unique(),
        "take": take,
        "chosen": best,
        "why": explained(taken, judged, margins, take),
        "margins": {name: getattr(margins, name) for name in Margins.__slots__},
        "alternatives": [
            _told(name, next((one for one in tried if one.name == name), None), found.get(name), name in equal, folder)
            | {"gain": against.get(name, UNKNOWN).to_dict()}
            for name in names
        ],
    }
    write(target / ALTERNATIVES, record)
    get_logger("choose").info("model_chosen", family=family, chosen=best, tried=len(tried))
    return f"{family}: {best} of {len(names)}. {record['why']}"


def _all(
    family: str, names: list[str], root: Path | None, decide: Section, *, settings: Resampled, least: int
) -> dict[str, Measured]:
    """Every candidate on the same cases, under the audit identity."""
    lock, lake = lake_lock(root), Lake(open_store())
    examples = pl.read_parquet(stage_dir(family, PREPARED, root) / "examples.parquet").with_row_index("row")
    valid = examples.filter(pl.col("split") == "valid")
    people, forty = groups.read_aging(lake, lock.manifest(lake), lock.as_of(family))
    folder = stage_dir(family, CANDIDATES, root)
    rows = {name: scored(valid, pl.read_parquet(folder / name / VALID), family, decide) for name in names}
    return {
        name: measured(family, rows[name], rows[DECLARED], valid, people, forty=forty, settings=settings, least=least)
        for name in names
    }


def _told(name: str, one: Alternative | None, found: Measured | None, is_equal: bool, folder: Path) -> dict[str, Any]:
    card = json.loads((folder / name / "card.json").read_text(encoding="utf-8"))
    low = found.lowest if found else None
    ratio = {key: getattr(low.row, at) for key, at in _RATIO.items()} if low else UNKNOWN.to_dict()
    return {
        "name": name,
        "what": what(one) if one else "as params.yaml declares it",
        "model_sha256": card["model_sha256"],
        "metric": (found.metric if found else UNKNOWN).to_dict(),
        "difference": (found.difference if found else UNKNOWN).to_dict(),
        "selected_share": found.selected_share if found else math.nan,
        "impact_ratio": ratio,
        "axis": low.axis if low else None,
        "group": low.row.group if low else None,
        "verdict": str(low.row.verdict) if low else None,
        "is_equal": is_equal,
    }


_RATIO = {"value": "impact_ratio", "low": "low", "high": "high"}


def what(one: Alternative) -> str:
    """What is otherwise about an alternative, in words."""
    parts = [
        *([f"without {', '.join(one.drop)}"] if one.drop else []),
        *([", ".join(f"{name} {value}" for name, value in one.train.items())] if one.train else []),
        *([f"people weighed on {one.reweigh}"] if one.reweigh else []),
    ]
    return "; ".join(parts)


if __name__ == "__main__":
    leave(main(run, __doc__))
