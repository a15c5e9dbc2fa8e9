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
does not hold, but `publish` releases only when both approvers accept each gap by its name, `axis:group`. So is a less
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, ValidationError, model_validator

from pipelines.base.catalog import BLESSINGS, EVALUATED, GATED, SERVED, TRAINED, stage_dir
from pipelines.base.digests import sha256_bytes
from pipelines.base.log import get_logger
from pipelines.base.ruled import rules
from pipelines.base.settings import Count, Section, Share, load
from pipelines.base.stage import leave, main
from pipelines.base.tried import ALTERNATIVES, BEST, DECLARED
from pipelines.fairness import RULES, Verdict, worst
from pipelines.fairness.alternatives import Margins, Tried, better_than, surely_better
from pipelines.fairness.evidence import (
    ALTERNATIVE,
    BY_SUBJECT,
    LESS_DISCRIMINATORY,
    NONE_TRIED,
    NOT_COMPARED,
    STAND_IN,
    UNSURE,
    UNTOLD,
    Axis,
    Gap,
    Groups,
    Judgements,
    gaps,
)

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class GateSettings(Section):
    """`gate` in params.yaml."""

    slice_drop: Share
    """How much worse the model may be for a group or subject than for all, as a share of the figure for all."""
    min_group_size: Count
    """People a group must have to be judged."""
    min_known_share: Share
    """Share of people whose group must be known on some axis; below it there is no group data to speak of."""


class Declared(Section):
    """Of a family's section, what no number says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    purpose: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]
    """What the family's models are for. Whoever approves a verdict approves it for this."""


class Number(BaseModel):
    """A number; null is none, and neither is NaN."""

    value: float


class Estimate(Number):
    """A number with its 95 % interval."""

    low: float
    high: float


class DataCheck(BaseModel):
    """One check of the data the model was trained or judged on."""

    check: str
    passed: StrictBool
    reason: str


class Slice(BaseModel):
    """The metric for one group or subject."""

    axis: str
    slice: str
    n: Count
    model: Estimate
    is_told: StrictBool = True
    """Whether to everybody: the reason of a finding is read by all."""

    @property
    def told(self) -> str:
        """In words."""
        figures = f"{self.model.value:.3f} [{self.model.low:.3f}, {self.model.high:.3f}]"
        return f"{self.slice} {figures if self.is_told else f'({UNTOLD})'}"


class Slices(BaseModel):
    """The metric for all that have enough people, and how many have not."""

    judged: tuple[Slice, ...]
    too_few: dict[str, Count]


class StandIn(BaseModel):
    """An input that alone tells a protected group, or may; the data check holds where that is sure and unexplained."""

    input: str
    axis: str
    group: str
    single: float
    single_low: float
    is_sure: StrictBool
    reason: str | None


class Coverage(BaseModel):
    """How many outcomes of a group, or its scores at the end, lie in the intervals that were told."""

    foreseen: Literal["outcome", "grade"]
    axis: str
    group: str
    people: Count
    promised: float
    share: float
    is_below: StrictBool


class Metrics(BaseModel):
    """What the gate needs of metrics.json."""

    family: str
    higher_is_better: StrictBool
    n: Count
    model: Estimate
    baseline: Number
    slices: Slices
    difference: Estimate
    data_checks: tuple[DataCheck, ...]
    to_accept: tuple[StandIn, ...]
    intervals: tuple[Coverage, ...]
    model_sha256: Sha256
    data_sha256: Sha256
    lake_sha256: Sha256
    as_of: str


class Card(BaseModel):
    """What the gate needs of card.json."""

    model_sha256: Sha256
    data_sha256: Sha256
    params_sha256: Sha256 | None = None


class Served(BaseModel):
    """What the gate needs of served.json."""

    family: str
    model_sha256: Sha256
    checks: tuple[DataCheck, ...]


_OF_FILES: Final = {
    "metrics.json": "performance",
    "groups.json": "fairness",
    "card.json": "data",
    "served.json": "infrastructure",
    ALTERNATIVES: "fairness",
}
"""Which blessing a file is evidence for, so which one is not given when it is missing or malformed."""
INTERVALS: Final = "intervals"
"""The axis name of the gap that a group's intervals hold less than they promise."""
_FORESEEN: Final = {"outcome": "outcomes", "grade": "scores at the end"}
PERFORMANCE: Final = "performance"
"""Where a gap is about how good the model is, this stands in the place of an axis, and the axis in that of a group."""
BASELINE: Final = "baseline"
"""Or this, in that of a group, where it may be no better than its baseline."""


BOUNDS: Final = Margins(validity=0.025, impact_ratio=0.02, selected_share=0.1)
"""As `choose` of params.yaml has them, validity as a share of the declared model's figure. Narrower margins of validity
and of shares, and wider ones of impact ratios, would hide who was passed over."""


class Unsure(BaseModel):
    """A number with its 95 % interval, of which any may not exist."""

    value: float | None
    low: float | None
    high: float | None


class Candidate(BaseModel):
    """One model that was tried."""

    name: str
    what: str
    model_sha256: Sha256
    metric: Unsure
    difference: Unsure
    selected_share: float | None
    impact_ratio: Unsure
    gain: Unsure
    axis: str | None
    group: str | None
    verdict: Verdict | None
    is_equal: StrictBool

    @property
    def tried(self) -> Tried:
        """For the rule: null is unknown. The declared model differs from itself by nothing."""
        is_declared = self.name == DECLARED
        return Tried(
            self.name,
            0.0 if is_declared else _number(self.difference.value),
            0.0 if is_declared else _number(self.difference.low),
            0.0 if is_declared else _number(self.difference.high),
            _number(self.selected_share),
            _number(self.impact_ratio.value),
            _number(self.gain.low),
        )


class Equal(BaseModel):
    """What counted as equal, in the units of `fairness.alternatives.Margins`."""

    validity: Annotated[float, Field(ge=0, lt=1)]
    impact_ratio: Annotated[float, Field(ge=0, lt=1)]
    selected_share: Annotated[float, Field(ge=0, lt=1)]


class Choice(BaseModel):
    """What the gate needs of alternatives.json."""

    family: str
    metric: str
    n: Annotated[int, Field(ge=0)]
    take: str
    chosen: str
    why: str
    margins: Equal
    alternatives: tuple[Candidate, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> "Choice":
        names = [one.name for one in self.alternatives]
        if len(set(names)) < len(names) or not {DECLARED, self.chosen} <= set(names):
            raise ValueError("the declared model and the one taken must be among the models tried, each once")
        return self

    @property
    def model_sha256(self) -> str:
        """Of the model taken."""
        return next(one.model_sha256 for one in self.alternatives if one.name == self.chosen)


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


def judge_metrics(metrics: Metrics) -> Iterator[Finding]:
    """Findings about accuracy and data. An interval that is no interval, and an empty list of checks, hold."""
    for name in ("model", "difference"):
        found: Estimate = getattr(metrics, name)
        yield Finding(
            f"{name}:numbers",
            math.isfinite(found.value) and found.low <= found.high < math.inf and found.low > -math.inf,
            f"The {name} is {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]; all three must be numbers in order.",
            "not_a_number",
        )
    value = metrics.baseline.value
    yield Finding("baseline:numbers", math.isfinite(value), f"The baseline is {value:.3f}.", "not_a_number")
    yield Finding(
        "against_baseline",
        metrics.difference.high >= 0,
        f"Model minus baseline is at most {metrics.difference.high:.3f}; its whole interval must not lie below 0.",
        "below_baseline",
    )
    count = len(metrics.data_checks)
    yield Finding("data_checks", count > 0, f"{count} data checks ran; at least one must.", "no_checks")
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
        seen = f"{len(rows)} slices were judged; no whole interval may lie beyond {bound:.3f}."
        reason = f"{seen} These do: {'; '.join(told[:_SHOWN])}{more}." if far else seen
        yield Finding(f"slices:{axis}", not far, reason, "slice_far_below")


def baseline_gaps(metrics: Metrics) -> Iterator[Gap]:
    """A gap where the model is not surely better than its baseline: nobody releases such a one without knowing."""
    found = metrics.difference
    if not found.low > 0:
        reason = (
            f"Model minus baseline is {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]: it may be no better than "
            f"its baseline."
        )
        yield Gap(PERFORMANCE, BASELINE, "baseline_not_beaten", reason)


def slice_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap an axis on which somebody has too few cases for a figure of their own."""
    for axis, count in sorted(metrics.slices.too_few.items()):
        reason = f"{count} slices by {axis} have too few cases to say how good the model is for them."
        yield Gap(PERFORMANCE, axis, "slices_insufficient", reason)


def stand_in_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap an input and axis: what a declared reason excuses, and what may stand in by chance."""
    for one in metrics.to_accept:
        told = f"{one.input} alone tells {one.group} ({one.axis}) from others with an AUC of {one.single:.2f}"
        surely = "surely so" if one.is_sure else f"which may be chance: {one.single_low:.2f} is sure"
        why = f"Declared reason: {one.reason}" if one.reason else "No reason of work was declared."
        yield Gap(STAND_IN, f"{one.input} for {one.axis}", STAND_IN, f"{told}, {surely}. {why}")


def interval_gaps(metrics: Metrics) -> Iterator[Gap]:
    """One gap a group, or everybody, whose intervals surely hold less than they promise."""
    for one in metrics.intervals:
        if one.is_below:
            what, part = _FORESEEN[one.foreseen], f"{one.group} of {one.axis}"
            reason = (
                f"Intervals are to hold {one.promised:.0%} of the {what}; of {one.people} people of {one.group} "
                f"({one.axis}) they hold {one.share:.1%}, surely fewer: their scores are less certain than is told."
            )
            named = part if one.foreseen == "outcome" else f"{one.foreseen} of {part}"
            yield Gap(INTERVALS, named, "interval_too_narrow", reason)


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
    yield Finding("served:checks", count > 0, f"{count} checks of serving ran; at least one must.", "no_checks")
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
            f"{len(unmatched)} axes lack subjects or people that others of their stage have, or have them twice: "
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
        f"{small} groups with fewer than {settings.min_group_size} people were read as if they could be judged, and "
        f"{cleared} subjects whose groups could have fewer.",
        "small_group_judged",
    )
    yield Finding(
        "subjects_listed",
        groups.unlisted == 0,
        f"{groups.unlisted} subjects are counted as ADVERSE or INVESTIGATE and not listed, or listed and not counted.",
        "subjects_unlisted",
    )
    pairs, there = groups.intersections, {axis.axis for axis in groups.axes}
    missing = [name for name in pairs if name not in there]
    yield Finding(
        "intersections",
        not missing,
        f"{len(pairs) - len(missing)} of the {len(pairs)} intersections that {RULES.code} names were judged.",
        "intersection_missing",
    )
    for name in dict.fromkeys([*(a.axis for a in groups.by_subject), *(t.axis for t in groups.tallies)]):
        listed = [axis for axis in groups.by_subject if axis.axis == name]
        counted = [tally.worst for tally in groups.tallies if tally.axis == name]
        yield _selection(f"selection:{name}:{BY_SUBJECT}", listed, counted)
    for axis in groups.axes:
        yield _selection(f"selection:{axis.axis}", [axis])


def searched(choice: Choice) -> Iterator[Gap]:
    """What the search for a less discriminatory alternative leaves open."""
    yield from passed_over(choice)
    yield from not_searched(choice)


def passed_over(choice: Choice) -> Iterator[Gap]:
    """Less discriminatory alternatives that were not taken: by the gate's reckoning and bounds, not by the choice's.

    What the rule left because it may be better by chance must be accepted by name; what it would have taken, and all
    that a person left, must be explained too.
    """
    known = {one.name: one for one in choice.alternatives}
    margins = _at_least(Margins(**choice.margins.model_dump()), known[DECLARED].metric.value)
    taken, tried = known[choice.chosen].impact_ratio, [one.tried for one in choice.alternatives]
    surely = {one.name for one in surely_better(tried, margins)}
    for one in better_than(choice.chosen, tried, margins):
        ratio, difference = known[one.name].impact_ratio, known[one.name].difference
        reason = (
            f"On validation cases its lowest impact ratio is {_said(ratio)}, that of {choice.chosen}, which was taken, "
            f"{_said(taken)}, and it {'is' if one.name in surely else 'may be'} of equal validity: its metric differs "
            f"from that of the declared model by {_said(difference)}."
        )
        is_open = choice.take == BEST and one.name not in surely
        yield Gap(*((UNSURE, one.name, UNSURE) if is_open else (ALTERNATIVE, one.name, LESS_DISCRIMINATORY)), reason)


def _at_least(margins: Margins, declared: float | None) -> Margins:
    """What the choice counted as equal, but never so that more is hidden than by `BOUNDS`: any ref may set `choose`."""
    return Margins(
        max(margins.validity, BOUNDS.validity * abs(declared or 0.0)),
        min(margins.impact_ratio, BOUNDS.impact_ratio),
        max(margins.selected_share, BOUNDS.selected_share),
    )


def not_searched(choice: Choice) -> Iterator[Gap]:
    """Where the search says nothing: no alternative, the declared model again, or one that could not be compared."""
    declared = next(one for one in choice.alternatives if one.name == DECLARED)
    if len(choice.alternatives) == 1:
        yield Gap(f"{ALTERNATIVE}s", NONE_TRIED, NONE_TRIED, "No less discriminatory alternative was looked for.")
        return
    for one in choice.alternatives:
        if one is not declared and one.model_sha256 == declared.model_sha256:
            yield Gap(
                NOT_COMPARED, one.name, NOT_COMPARED, "It is the declared model to the byte: nothing else was tried."
            )
        elif not one.tried.is_known:
            reason = "On validation cases its validity, its share of selected cases or its impact ratio is unknown."
            yield Gap(NOT_COMPARED, one.name, NOT_COMPARED, reason)


def _said(found: Unsure) -> str:
    if found.value is None:
        return "unknown"
    ends = (f"{end:.2f}" if end is not None else "unknown" for end in (found.low, found.high))
    return f"{found.value:.2f} [{' to '.join(ends)}]"


def _number(value: float | None) -> float:
    return math.nan if value is None else value


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
    metrics = _parse(Metrics, "metrics.json", evidence, findings)
    groups = _parse(Groups, "groups.json", evidence, findings)
    card = _parse(Card, "card.json", evidence, findings)
    served = _parse(Served, "served.json", evidence, findings)
    choice = _parse(Choice, ALTERNATIVES, evidence, findings)
    if served and card:
        findings += judge_served(family, served, card.model_sha256)
    if metrics and card:
        findings += [_same(family, metrics, card), *judge_metrics(metrics), *judge_slices(metrics, settings)]
    if choice and card:
        findings.append(_taken(family, choice, card))
    if groups:
        findings += judge_groups(groups, settings)
    given = blessings(findings)
    open_ = [*_open(groups, metrics), *(searched(choice) if choice else ())]
    raw = {name: _plain(data) for name, data in evidence.items()}
    return {
        "family": family,
        "verdict": "allowed" if all(given.values()) else "held",
        "shadow": is_shadow(findings),
        "blessings": given,
        "findings": [asdict(finding) for finding in findings],
        "gaps": [{"name": gap.name, **asdict(gap)} for gap in open_],
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


def _open(groups: Groups | None, metrics: Metrics | None) -> Iterator[Gap]:
    if groups:
        yield from gaps(groups)
    if metrics:
        yield from baseline_gaps(metrics)
        yield from slice_gaps(metrics)
        yield from stand_in_gaps(metrics)
        yield from interval_gaps(metrics)


def _parse(model: type[M], name: str, evidence: Mapping[str, bytes | None], findings: list[Finding]) -> M | None:
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


def _same(family: str, metrics: Metrics, card: Card) -> Finding:
    judged = (metrics.family, metrics.model_sha256, metrics.data_sha256)
    trained = (family, card.model_sha256, card.data_sha256)
    return Finding("same_model", judged == trained, "What was judged must be what was trained.", "other_model")


def _taken(family: str, choice: Choice, card: Card) -> Finding:
    is_same = (choice.family, choice.model_sha256) == (family, card.model_sha256)
    return Finding("alternatives", is_same, "What was trained must be the model that was taken.", "other_model")


def _selection(check: str, axes: Sequence[Axis], counted: Sequence[Verdict] = ()) -> Finding:
    """Passed unless ADVERSE; the code is the worst verdict, in small letters. What the pool hides is told first."""
    verdict = worst([*(axis.worst for axis in axes), *counted])
    if verdict is not Verdict.ADVERSE:
        return Finding(check, passed=True, reason=f"The worst verdict is {verdict}.", code=verdict.lower())
    told = [axis.told for axis in sorted(axes, key=_is_in_sight) if axis.worst is verdict]
    more = f" And {len(told) - _SHOWN} more." if told[_SHOWN:] else ""
    return Finding(check, passed=False, reason=f"{verdict}: {'. '.join(told[:_SHOWN])}.{more}", code=verdict.lower())


def _is_in_sight(axis: Axis) -> bool:
    return not axis.is_hidden_in_pool


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


if __name__ == "__main__":
    leave(main(run, __doc__))
