"""Findings: what each file of evidence says, rule by rule, and which blessings that gives. Pure.

What does not pass holds. Nothing that was checked is nothing that passed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from pipelines.base.catalog import BLESSINGS
from pipelines.base.tried import ALTERNATIVES
from pipelines.base.wording import counted
from pipelines.fairness import RULES, Verdict, worst
from pipelines.fairness.evidence import BY_SUBJECT, Axis, Judgements
from pipelines.gate.read import Card, Choice, Estimate, GateSettings, Metrics, Served

_OF_FILES: Final = {
    "metrics.json": "performance",
    "groups.json": "fairness",
    "card.json": "data",
    "served.json": "infrastructure",
    ALTERNATIVES: "fairness",
}
"""Which blessing a file is evidence for, so which one is not given when it is missing or malformed."""
_SHOWN: Final = 5
"""Adverse subjects that a reason names; the verdict holds them all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what it saw."""

    check: str
    passed: bool
    reason: str
    code: str


M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], name: str, evidence: Mapping[str, bytes | None], findings: list[Finding]) -> M | None:
    """The file as `model`; a finding a fault, and None, when it is not. Values are never repeated."""
    data = evidence[name]
    if data is None:
        findings.append(Finding(f"{name}:file", False, f"{name} must be there; it is not.", "missing_file"))
        return None
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        findings += [
            Finding(f"{name}:{'.'.join(map(str, fault['loc']))}", False, fault["msg"], _fault_code(fault["type"]))
            for fault in error.errors(include_url=False, include_input=False)
        ]
        return None


def _fault_code(kind: str) -> str:
    return {"missing": "missing_key", "float_type": "not_a_number"}.get(kind, "malformed")


def same(family: str, metrics: Metrics, card: Card) -> Finding:
    """Whether the model and the data that were judged are those of the training."""
    judged = (metrics.family, metrics.model_sha256, metrics.data_sha256)
    trained = (family, card.model_sha256, card.data_sha256)
    return Finding("same_model", judged == trained, "What was judged must be what was trained.", "other_model")


def taken(family: str, choice: Choice, card: Card) -> Finding:
    """Whether the model that the choice took is the one that was trained."""
    is_same = (choice.family, choice.model_sha256) == (family, card.model_sha256)
    return Finding("alternatives", is_same, "What was trained must be the model that was taken.", "other_model")


def judge_metrics(metrics: Metrics) -> Iterator[Finding]:
    """Findings about accuracy and data. An interval that is no interval, and an empty list of checks, hold."""
    for name in ("model", "difference"):
        found: Estimate = getattr(metrics, name)
        interval = f"[{found.low:z.3f}, {found.high:z.3f}]"
        yield Finding(
            f"{name}:numbers",
            math.isfinite(found.value) and found.low <= found.high < math.inf and found.low > -math.inf,
            f"The {name} is {found.value:z.3f} {interval}; all three must be numbers in order.",
            "not_a_number",
        )
    value = metrics.baseline.value
    yield Finding("baseline:numbers", math.isfinite(value), f"The baseline is {value:.3f}.", "not_a_number")
    yield Finding(
        "against_baseline",
        metrics.difference.high >= 0,
        f"Model minus baseline is at most {metrics.difference.high:z.3f}; its whole interval must not lie below 0.",
        "below_baseline",
    )
    count = len(metrics.data_checks)
    ran = f"{counted(count, 'data check', 'data checks')} ran; at least one must."
    yield Finding("data_checks", count > 0, ran, "no_checks")
    for check in metrics.data_checks:
        yield Finding(f"data:{check.check}", check.passed, check.reason, "data_check")


def judge_slices(metrics: Metrics, settings: GateSettings) -> Iterator[Finding]:
    """One finding an axis. It holds where the whole interval of a slice lies too far below the whole one of all.

    Both intervals count, so that among many slices hardly one holds by chance.
    """
    sign, overall = (1 if metrics.higher_is_better else -1), metrics.model
    worst_of_all = overall.low if metrics.higher_is_better else overall.high
    bound = worst_of_all * (1 - sign * settings.slice_drop)
    for axis in dict.fromkeys(item.axis for item in metrics.slices.judged):
        rows = [item for item in metrics.slices.judged if item.axis == axis]
        far = [item for item in rows if not _is_near(item.model, bound, metrics.higher_is_better)]
        told = [item.told for item in far]
        more = f" and {len(told) - _SHOWN} more" if told[_SHOWN:] else ""
        seen = f"{counted(len(rows), 'slice was', 'slices were')} judged; no whole interval may lie beyond {bound:.3f}."
        reason = f"{seen} These do: {'; '.join(told[:_SHOWN])}{more}." if far else seen
        yield Finding(f"slices:{axis}", not far, reason, "slice_far_below")


def _is_near(found: Estimate, bound: float, higher_is_better: bool) -> bool:
    """Whether any of an interval is on the good side of a bound. What is no interval is not."""
    if not (math.isfinite(found.value) and -math.inf < found.low <= found.high < math.inf):
        return False
    return found.high >= bound if higher_is_better else found.low <= bound


def judge_served(family: str, served: Served, model_sha256: str) -> Iterator[Finding]:
    """Findings about serving, of this very model. An empty list of checks holds."""
    is_same = (served.family, served.model_sha256) == (family, model_sha256)
    yield Finding("served:same_model", is_same, "What was served must be what was trained.", "other_model")
    count = len(served.checks)
    ran = f"{counted(count, 'check', 'checks')} of serving ran; at least one must."
    yield Finding("served:checks", count > 0, ran, "no_checks")
    for check in served.checks:
        yield Finding(f"served:{check.check}", check.passed, check.reason, "does_not_serve")


def judge_groups(groups: Judgements, settings: GateSettings) -> Iterator[Finding]:
    """Findings about selections. ADVERSE holds, over all people and in any subject; so does having no groups.

    Evidence that lacks a part of what was to be judged holds too, and is no shadow, whatever else is known.
    """
    is_known = groups.known_share >= settings.min_known_share
    reason = f"The group of {groups.known_share:.1%} of the people is known; {settings.min_known_share:.0%} must be."
    yield Finding("group_data", is_known, reason, "no_group_data")
    unmatched = groups.unmatched
    if is_known or unmatched:
        yield Finding(
            "everyone_judged",
            not unmatched,
            "Axes that lack subjects or people that others of their stage have, or have them twice: "
            f"{', '.join(unmatched) or 'none'}.",
            "evidence_incomplete",
        )
    if not is_known:
        return
    judged = [row for axis in (*groups.axes, *groups.by_subject) for row in axis.groups if row.is_cleared]
    small = sum(row.n < settings.min_group_size for row in judged)
    loose = [tally for tally in groups.tallies if tally.min_group_size < settings.min_group_size]
    cleared = sum(tally.of(Verdict.NO_EVIDENCE) for tally in loose)
    yield Finding(
        "group_sizes",
        small + cleared == 0,
        f"{counted(small, 'group was', 'groups were')} judged with fewer than {settings.min_group_size} people, and "
        f"{counted(cleared, 'subject was', 'subjects were')} cleared whose groups could have fewer.",
        "small_group_judged",
    )
    yield Finding(
        "subjects_listed",
        groups.unlisted == 0,
        f"{counted(groups.unlisted, 'subject is', 'subjects are')} counted as ADVERSE or INVESTIGATE and not listed, "
        "or listed and not counted.",
        "subjects_unlisted",
    )
    pairs, there = groups.intersections, {axis.axis for axis in groups.axes}
    missing = [name for name in pairs if name not in there]
    yield Finding(
        "intersections",
        not missing,
        f"Of the intersections that {RULES.code} names, {len(pairs) - len(missing)} of {len(pairs)} judged.",
        "intersection_missing",
    )
    for name in dict.fromkeys([*(a.axis for a in groups.by_subject), *(t.axis for t in groups.tallies)]):
        listed = [axis for axis in groups.by_subject if axis.axis == name]
        tallied = [tally.worst for tally in groups.tallies if tally.axis == name]
        yield _selection(f"selection:{name}:{BY_SUBJECT}", listed, tallied)
    for axis in groups.axes:
        yield _selection(f"selection:{axis.axis}", [axis])


def _selection(check: str, axes: Sequence[Axis], tallied: Sequence[Verdict] = ()) -> Finding:
    """Passed unless ADVERSE; the code is the worst verdict, in small letters. What the pool hides is told first."""
    verdict = worst([*(axis.worst for axis in axes), *tallied])
    if verdict is not Verdict.ADVERSE:
        return Finding(check, passed=True, reason=f"The worst verdict is {verdict}.", code=verdict.lower())
    told = [axis.told for axis in sorted(axes, key=_is_in_sight) if axis.worst is verdict]
    more = f" And {len(told) - _SHOWN} more." if told[_SHOWN:] else ""
    return Finding(check, passed=False, reason=f"{verdict}: {'. '.join(told[:_SHOWN])}.{more}", code=verdict.lower())


def _is_in_sight(axis: Axis) -> bool:
    return not axis.is_hidden_in_pool


def allowed(findings: Sequence[Finding]) -> bool:
    """Whether every finding passed. Without findings there is nothing to allow."""
    return bool(findings) and all(finding.passed for finding in findings)


def blessings(findings: Sequence[Finding]) -> dict[str, bool]:
    """Blessing -> whether it is given: something was checked for it, and all of that passed."""
    return {name: allowed([finding for finding in findings if blessing_of(finding) == name]) for name in BLESSINGS}


def blessing_of(finding: Finding) -> str:
    """What a finding is about, by the name of its check; what is told of no other is about fairness."""
    about = finding.check.partition(":")[0]
    if about in _OF_FILES:
        return _OF_FILES[about]
    if about in ("data", "data_checks", "same_model"):
        return "data"
    if about in ("model", "baseline", "difference", "against_baseline", "slices"):
        return "performance"
    return "infrastructure" if about == "served" else "fairness"


def is_shadow(findings: Sequence[Finding]) -> bool:
    """Whether the model is held, and for nothing but missing group data."""
    codes = {finding.code for finding in findings if not finding.passed}
    return codes == {"no_group_data"}
