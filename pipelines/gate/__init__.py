"""Decide whether a model may be released.

Reads   metrics.json   `evaluated`: the model and its baseline on cases neither has seen, and the data checks
        groups.json    `evaluated`: selections by group and by subject, of the model and of people before it
        card.json      `trained`: digests of what was trained, on what
        served.json    `evaluated`: whether the model serves from a fresh process
        alternatives.json  `trained`: the models that were tried, which one was taken, and why
Writes  verdict.json   `gated`: allowed or held, with findings and gaps, bound to the digests of all it judged

    metrics.json  {family, metric, higher_is_better, n, chance, model: {value, low, high}, baseline: {value, low, high},
                   difference: {value, low, high}, data_checks: [{check, passed, reason}],
                   slices: {judged: [{axis, slice, n, people, model: {value, low, high}, is_told}],
                            too_few: {axis: count}},
                   acquaintance: the same of people seen before and never seen: told, not judged,
                   to_accept: [{input, axis, group, single, single_low, is_sure, reason}],
                   intervals: [{foreseen, axis, group, people, promised, share, low, high, is_below}],
                   parity: {axes, lists} by group: told and not judged, swaps: [{signal, axis, one, other, ...}],
                   abstention: {n, abstained, all, kept, left, axes}, reasons: {cases, drop, ...}: told, not judged,
                   popularity: {courses, model, baseline, deciles, ...} of lists: told and not judged,
                   warnings: {precision, days_ahead, ...}, grades: {error, within, ...}, or null: told, not judged,
                   selective: [{stage, axis, reference, groups}]: bounds where outcomes are not known: told, not judged,
                   model_sha256, data_sha256, lake_sha256, as_of}
                   a positive difference: the model is better
    groups.json   {axes: [AxisJudgement], by_subject: [AxisJudgement],
                   tallies: [{axis, stage, min_group_size, verdicts}], human: {axes, by_subject, tallies}}
                   axes and intersections, over all and by subject: those of the subjects that are ADVERSE or
                   INVESTIGATE are listed, all are in the tallies, and groups.sealed has the counts behind every one;
                   `withheld` of each: groups whose counts are for compliance alone, as those of fewer people than
                   `told_from`
    verdict.json  {family, verdict, shadow, blessings: {data, performance, fairness, infrastructure}: given or not,
                   findings: [{check, passed, reason, code}],
                   gaps: [{name, axis, group, code, reason}], metrics, groups, human, alternatives,
                   model_sha256, data_sha256, lake_sha256, params_sha256, purpose, rules: {code, laws, thresholds},
                   evidence, as_of}

The gate always writes a verdict and never fails because of one: what is missing, malformed or not a number is a
finding that holds. A gap is what the numbers could not say (INSUFFICIENT_DATA, unknown people, nothing to cross): it
does not hold, but `publish` releases only when both approvers accept each gap by its name, `axis:group`. So is a model
that is not surely better than its baseline (`performance:baseline`), an axis on which slices have too few cases
(`performance:axis`), and a less
discriminatory alternative that was not taken, `alternative:name`: of equal validity and with a better impact ratio.
Both must say in writing why the other is released; not so where the rule left it because it may be better by chance
(`alternative_unsure:name`). That nothing was tried (`alternatives:none_tried`), or could not be compared
(`alternative_unknown:name`), is a gap as well. An input that orders a protected group for a declared reason, or may do
so by chance, is one too (`stand_in:input for axis`), and so is a group whose outcomes surely lie outside the intervals
more often than promised (`intervals:group of axis`). `shadow` marks a model that is held for nothing but missing group
data. A model is allowed when it has all four blessings; one is given when something was checked for it and nothing of
that held. The fifth are two people (`publish`).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.base.catalog import EVALUATED, GATED, SERVED, TRAINED, stage_dir
from pipelines.base.digests import sha256_bytes
from pipelines.base.log import get_logger
from pipelines.base.ruled import rules
from pipelines.base.settings import load
from pipelines.base.tried import ALTERNATIVES
from pipelines.fairness.evidence import BY_SUBJECT, Groups, Judgements
from pipelines.gate.gaps import open_gaps, passed_over
from pipelines.gate.judged import (
    Finding,
    allowed,
    blessing_of,
    blessings,
    is_shadow,
    judge_groups,
    judge_metrics,
    judge_served,
    judge_slices,
    parsed,
    same,
    taken,
)
from pipelines.gate.read import Card, Choice, Declared, GateSettings, Metrics, Served

__all__ = [
    "Choice",
    "Finding",
    "GateSettings",
    "allowed",
    "blessing_of",
    "decide",
    "judge_groups",
    "passed_over",
    "run",
]


def decide(
    family: str,
    evidence: Mapping[str, bytes | None],
    settings: GateSettings,
    *,
    by: Mapping[str, str] | None = None,
    purpose: str | None = None,
) -> dict[str, Any]:
    """The verdict on one model.

    Args:
        family: Whose model.
        evidence: `metrics.json`, `groups.json`, `card.json`, `served.json`, `alternatives.json`; None for one that is
            not there.
        settings: Bounds of slices and groups.
        by: Digests of the rules (`base.ruled`); a verdict without them releases nothing.
        purpose: What the model is for.

    Returns:
        The content of verdict.json. Whatever the evidence, there is a verdict.
    """
    findings: list[Finding] = []
    metrics = parsed(Metrics, "metrics.json", evidence, findings)
    groups = parsed(Groups, "groups.json", evidence, findings)
    card = parsed(Card, "card.json", evidence, findings)
    served = parsed(Served, "served.json", evidence, findings)
    choice = parsed(Choice, ALTERNATIVES, evidence, findings)
    if served and card:
        findings += judge_served(family, served, card.model_sha256)
    if metrics and card:
        findings += [same(family, metrics, card), *judge_metrics(metrics), *judge_slices(metrics, settings)]
    if choice and card:
        findings.append(taken(family, choice, card))
    if groups:
        findings += judge_groups(groups, settings)
    given = blessings(findings)
    raw = {name: _plain(data) for name, data in evidence.items()}
    return {
        "family": family,
        "verdict": "allowed" if all(given.values()) else "held",
        "shadow": is_shadow(findings),
        "blessings": given,
        "findings": [asdict(finding) for finding in findings],
        "gaps": [{"name": gap.name, **asdict(gap)} for gap in open_gaps(groups, metrics, choice)],
        "metrics": _shown(raw["metrics.json"]),
        "groups": _told(raw["groups.json"]),
        "human": _told(raw["groups.json"].get("human")),
        "alternatives": raw[ALTERNATIVES] if choice else {},
        "model_sha256": card.model_sha256 if card else None,
        "data_sha256": card.data_sha256 if card else None,
        "lake_sha256": metrics.lake_sha256 if metrics else None,
        "params_sha256": card.params_sha256 if card else None,
        "purpose": purpose,
        "rules": dict(by) if by else None,
        "evidence": {name: sha256_bytes(data) for name, data in evidence.items() if data is not None},
        "as_of": metrics.as_of if metrics else None,
    }


def run(family: str, root: Path | None = None) -> str:
    """Judge one family and write its verdict.

    Args:
        family: One of the catalog's families.
        root: The checkout; the working directory by default.

    Returns:
        The line to print.
    """
    settings = load(GateSettings, "gate", root=root)
    evaluated, trained = stage_dir(family, EVALUATED, root), stage_dir(family, TRAINED, root)
    files = (
        evaluated / "metrics.json",
        evaluated / "groups.json",
        evaluated / SERVED,
        trained / "card.json",
        trained / ALTERNATIVES,
    )
    evidence = {file.name: file.read_bytes() if file.is_file() else None for file in files}
    purpose = load(Declared, family, root=root).purpose
    verdict = decide(family, evidence, settings, by=rules(root), purpose=purpose)
    data = (json.dumps(verdict, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    folder = stage_dir(family, GATED, root)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.json").write_bytes(data)
    codes = sorted({finding["code"] for finding in verdict["findings"] if not finding["passed"]})
    get_logger("gate").info("verdict_written", family=family, verdict=verdict["verdict"], codes=codes)
    why = f" ({', '.join(codes)})" if codes else ""
    return f"{family} is {verdict['verdict']}{why}, with {len(verdict['gaps'])} gaps; verdict {sha256_bytes(data)}"


def _plain(data: bytes | None) -> dict[str, Any]:
    """The JSON object, for showing; empty when it is none. What is not a finite number becomes null."""
    try:
        content = json.loads(data or b"{}", parse_constant=lambda _: None, parse_float=_finite)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _shown(metrics: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "metric",
        "higher_is_better",
        "n",
        "chance",
        "model",
        "baseline",
        "difference",
        "slices",
        "acquaintance",
        "intervals",
        "parity",
        "popularity",
        "warnings",
        "grades",
        "selective",
        "stand_ins",
        "swaps",
        "abstention",
        "reasons",
    )
    return {name: metrics.get(name) for name in names}


def _told(content: Any) -> dict[str, Any]:
    """All axes, the subjects that a reviewer must see, and how many tables of a subject were made.

    Nothing where the content is malformed: then a finding holds, and a page could not show it.
    """
    try:
        tallies = Judgements.model_validate(content).tallies
    except ValidationError:
        return {"axes": [], BY_SUBJECT: [], "subjects": 0}
    subjects = sum(tally.subjects for tally in tallies)
    return {"axes": content["axes"], BY_SUBJECT: content[BY_SUBJECT], "subjects": subjects}
