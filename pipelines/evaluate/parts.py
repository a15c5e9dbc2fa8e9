"""What metrics.json says of a family's test cases, part by part. Pure: the stage reads and writes around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.base.catalog import HIRING
from pipelines.base.settings import Count, Section, Share
from pipelines.evaluate import (
    abstention,
    checks,
    foreseen,
    intervals,
    metrics,
    parity,
    popularity,
    slices,
    standins,
    swaps,
)
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
    """Cases that managers can act on: of more early warnings than that the lowest are judged."""
    work_reasons: tuple[standins.WorkReason, ...]
    """Inputs that may order a protected group, and why; each must be accepted by both approvers."""


@dataclass(frozen=True, slots=True)
class Cases:
    """A family's test cases, with all that was said of them."""

    family: str
    scored: pl.DataFrame
    """[n_scores] `Scored` of both scorers."""
    outcomes: pl.DataFrame
    """[n_outcomes] `Outcomes`, of other cases too."""
    groups: pl.DataFrame
    """[n_people] person_id and one str column an axis, ages as of when they were decided about."""
    inputs: pl.DataFrame
    """[n_cases] person_id and the model's inputs, the newest last."""
    grades: pl.DataFrame | None
    """[n_cases x scorers] scores at the end, as foreseen and as they came; None where the family foresees none."""
    card: Mapping[str, Any]
    decide: Mapping[str, Any]
    """As the model was asked to decide."""
    swaps: Any
    """As `score` left them."""
    moved: Mapping[str, Any] | None
    """What `score` found by its deletion test of reasons; None where there is none."""


def measured(cases: Cases, settings: Evaluate, *, least: int, told_from: int) -> dict[str, Any]:
    """The content of metrics.json that the test cases give.

    Args:
        cases: What is judged.
        settings: Of the stage.
        least: People; smaller groups are shown and not judged.
        told_from: People; what was counted of fewer is told to nobody but compliance.
    """
    kind, scored, outcomes, groups = features(cases.family).METRIC, cases.scored, cases.outcomes, cases.groups
    drawn = {"resamples": settings.resamples, "seed": settings.seed}
    enough = {"min_people": settings.min_cases, "min_labels": settings.min_labels, "told_from": told_from}
    stand_ins = standins.tested(cases.inputs, groups, least, settings.seed)
    to_accept = standins.to_accept(cases.family, stand_ins, settings.work_reasons)
    return {
        "family": cases.family,
        **{name: cases.card[name] for name in ("model_sha256", "data_sha256", "as_of")},
        "decide": cases.decide,
        **_compared(cases, settings, least, told_from),
        "slices": slices.judged(kind, scored, outcomes, groups, **enough, **drawn),
        "acquaintance": slices.by_acquaintance(kind, scored, outcomes, **enough, **drawn),
        "parity": parity.told(
            kind,
            scored,
            outcomes,
            groups,
            threshold=cases.decide.get("threshold") if kind == "mae" else None,
            lists_people=cases.family == HIRING,
            bins=settings.bins,
            min_group_size=least,
            told_from=told_from,
        ),
        "abstention": abstention.told(
            scored,
            outcomes,
            groups,
            may_abstain=bool(cases.decide.get("abstain")),
            bins=settings.bins,
            told_from=told_from,
            seed=settings.seed,
        ),
        **({"warnings": _warnings(cases, settings, least, told_from)} if kind == "mae" else {}),
        "popularity": popularity.told(kind, scored, outcomes, **drawn),
        "intervals": _intervals(cases, least),
        **({} if cases.grades is None else {"grades": foreseen.grades(cases.grades, min_people=least, **drawn)}),
        "stand_ins": stand_ins,
        "to_accept": to_accept,
        "swaps": cases.swaps,
        "reasons": _reasons(cases.moved, told_from),
        "data_checks": [
            *checks.all_of(
                kind, scored, outcomes, cases.card, min_cases=settings.min_cases, min_labels=settings.min_labels
            ),
            standins.check(stand_ins, to_accept),
            swaps.check(cases.swaps, reads_texts=cases.family == HIRING),
        ],
    }


def _compared(cases: Cases, settings: Evaluate, least: int, told_from: int) -> dict[str, Any]:
    """The family's metric, of the model and of its baseline, and what is told beside it."""
    kind = features(cases.family).METRIC
    judged = metrics.judged(kind, cases.scored, cases.outcomes)
    model, baseline, difference = judged.estimates(resamples=settings.resamples, seed=settings.seed)
    warned = metrics.warnings(cases.scored, cases.outcomes, settings.capacity, told_from) if kind == "mae" else {}
    also = {**judged.also, **warned}
    return {
        "metric": judged.name,
        "higher_is_better": judged.higher_is_better,
        "n": len(judged.person),
        "people": judged.person.n_unique(),
        "model": model.to_dict(),
        "baseline": baseline.to_dict(),
        "chance": judged.chance,
        "difference": difference.to_dict(),
        "also": {
            **{name: {"model": ours, "baseline": theirs} for name, (ours, theirs) in also.items()},
            **({} if cases.grades is None else metrics.graded(cases.grades, least)),
        },
    }


def _warnings(cases: Cases, settings: Evaluate, least: int, told_from: int) -> dict[str, Any] | None:
    drawn = {"resamples": settings.resamples, "seed": settings.seed}
    shown = {"min_people": least, "told_from": told_from}
    return foreseen.warnings(cases.scored, cases.outcomes, capacity=settings.capacity, **shown, **drawn)


def _intervals(cases: Cases, least: int) -> list[dict[str, Any]]:
    """How often intervals hold what they promise to, of outcomes and of scores at the end."""
    promised = intervals.stated(cases.card)
    found = intervals.covered(cases.scored, cases.outcomes, cases.groups, promised, min_people=least)
    if cases.grades is None:
        return found
    promised = intervals.stated(cases.card, "grade_coverage")
    return [*found, *intervals.covered_grades(cases.grades, cases.groups, promised, min_people=least)]


def _reasons(moved: Mapping[str, Any] | None, told_from: int) -> Mapping[str, Any] | None:
    """What the deletion test found; of few cases only how many they are."""
    if moved is None or moved["cases"] >= told_from:
        return moved
    return {**dict.fromkeys(moved), **{name: moved[name] for name in ("cases", "without")}}
