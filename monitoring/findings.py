"""From measurements to findings, and from findings to a retrain request. Pure.

A bound of `monitor` in `params.yaml` that is crossed is a finding. A check that did not run is a finding too: silence
is not consent. Findings named in `retrain_on` ask for a retrain, each at most once in `cooldown_days`. Bias does not by
default: training again on the same decisions repeats them; it needs a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from monitoring.audience import bias_for_all, oversight_for_all
from monitoring.bias import in_order, told, worst
from monitoring.results import Axis, Bias, Drift, Estimated, Finding, Findings, Oversight, Performance
from monitoring.settings import Monitor
from pipelines.base.wording import counted
from pipelines.fairness.evidence import UNTOLD


def of_drift(drift: Drift | None, settings: Monitor) -> list[Finding]:
    """Columns that drifted, and whether too many did.

    Args:
        drift: What was measured; None when drift was not measured.
        settings: Bounds.
    """
    if drift is None:
        return [_not_measured("drift")]
    if drift.status != "ok":
        return [_silent("drift", drift.status)]
    found = [
        Finding(
            rule="psi",
            subject=column.column,
            text=f"{column.column} has drifted: PSI {column.psi:.2f}; the bound is {settings.psi:.2f}, and chance "
            f"alone stays below {column.noise:.2f}.",
            value=column.psi,
            bound=settings.psi,
        )
        for column in drift.columns
        if column.is_drifted
    ]
    share = drift.drifted_share
    if share is not None and share > settings.drifted_share:
        text = f"{share:.0%} of the inputs have drifted; the bound is {settings.drifted_share:.0%}."
        found.insert(
            0, Finding(rule="drifted_share", subject="inputs", text=text, value=share, bound=settings.drifted_share)
        )
    return found


def of_performance(performance: Performance | None, settings: Monitor) -> list[Finding]:
    """Whether the model is worse than at release, beyond the bound and beyond chance.

    Args:
        performance: What was measured; None when performance was not measured.
        settings: Bounds.
    """
    if performance is None:
        return [_not_measured("performance")]
    if performance.status == "insufficient_labels":
        labels = f"{performance.labelled} of {performance.scored}"
        text = f"Performance cannot be judged yet: labels for {labels} scores; {settings.min_labels} are needed."
        return [Finding(rule="insufficient_labels", subject=performance.metric, text=text, is_alert=False)]
    if performance.status != "ok":
        return [_silent("performance", performance.status)]
    drop = performance.drop
    if drop is None or performance.model is None or performance.model_at_release is None:
        return [_not_measured("performance")]
    if drop <= settings.performance_drop or not is_beyond_chance(performance):
        return []
    now, then = performance.model, performance.model_at_release
    text = (
        f"{performance.metric} is {now.value:.3f} [{now.low:.3f} to {now.high:.3f}]; at release it was "
        f"{then.value:.3f}. It is {drop:.0%} worse; the bound is {settings.performance_drop:.0%}."
    )
    return [
        Finding(
            rule="performance_drop",
            subject=performance.metric,
            text=text,
            value=drop,
            bound=settings.performance_drop,
        )
    ]


def of_estimated(estimated: Estimated | None) -> list[Finding]:
    """Whether scores held what they promised of the cases whose outcome has arrived since, over all people.

    Args:
        estimated: What was estimated; None when it was not, which is no finding: reports from before had none.
    """
    row = next(iter(estimated.groups), None) if estimated is not None else None
    if estimated is None or row is None or row.is_within is not False or row.promised is None or row.found is None:
        return []
    promised, cases = row.promised, counted(row.labelled or 0, "case", "cases")
    text = (
        f"Scores promised {estimated.metric} {promised.value:.3f} [{promised.low:.3f} to {promised.high:.3f}] on "
        f"{cases}; their outcomes show {row.found:.3f}. Do not believe estimates without labels."
    )
    return [Finding(rule="estimate_missed", subject=estimated.metric, text=text, value=row.found, is_alert=False)]


def is_beyond_chance(performance: Performance) -> bool:
    """Whether the whole interval of today's figure is worse than the figure at release."""
    now, then = performance.model, performance.model_at_release
    if now is None or then is None or now.low is None or now.high is None or then.value is None:
        return False
    return now.high < then.value if performance.is_higher_better else now.low > then.value


def of_bias(bias: Bias | None) -> list[Finding]:
    """Every ADVERSE judgement is an alert, those that pooling hides first; INVESTIGATE is worth knowing.

    Args:
        bias: What was measured; None when bias was not measured.
    """
    if bias is None:
        return [_not_measured("bias")]
    if bias.status != "ok":
        return [_silent("bias", bias.status)]
    shown = bias_for_all(bias)
    return [_of_axis(a, pool) for a, pool in in_order(shown.pools, shown.subjects)]


def whole(found: Findings, bias: Bias | None) -> Findings:
    """The same findings with figures that tell of few people, for who may read those.

    Args:
        found: As everybody may read them.
        bias: What of them is from; None when it is not known.
    """
    if bias is None or not any(UNTOLD in finding.text.lower() for finding in found.findings):
        return found
    shown = bias_for_all(bias)  # verdicts, and so the order, are those of `bias`
    pairs = zip(in_order(shown.pools, shown.subjects), in_order(bias.pools, bias.subjects), strict=True)
    texts = {told(*few): told(*every) for few, every in pairs}
    lines = (finding.model_copy(update={"text": texts.get(finding.text, finding.text)}) for finding in found.findings)
    return found.model_copy(update={"findings": tuple(lines)})


def of_oversight(oversight: Oversight | None, settings: Monitor) -> list[Finding]:
    """Whether people only stamp what the score says, and whether they depart from it more for one group.

    Args:
        oversight: What was measured; None when oversight was not measured.
        settings: Bounds.
    """
    if oversight is None:
        return [_not_measured("oversight")]
    if oversight.status == "nobody_decides":
        return []
    if oversight.status != "ok" or oversight.departed is None:
        return [_silent("oversight", oversight.status)]
    found, departed = [], oversight.departed
    if departed.high is not None and departed.high < settings.departed_floor:
        text = (
            f"People departed from {departed.value:.1%} [{departed.low:.1%} to {departed.high:.1%}] of the "
            f"{oversight.decided} recommendations; the bound is {settings.departed_floor:.0%}. A score that is always "
            "followed is the decision: let people decide some cases without seeing it."
        )
        bound = settings.departed_floor
        found.append(Finding(rule="rubber_stamp", subject="decisions", text=text, value=departed.value, bound=bound))
    judgements = oversight_for_all(oversight).judgements
    found += [_of_departures(item) for item in judgements if item["verdict"] in ("ADVERSE", "INVESTIGATE")]
    return found


def _of_departures(judgement: Mapping[str, Any]) -> Finding:
    row = worst(judgement)
    best = next((r for r in judgement["groups"] if r["is_reference"]), None)
    text = f"Decisions about people {judgement['stage']}, {judgement['axis']}: {judgement['verdict']}."
    if row is not None and best is not None:
        text = (
            f"Of people {judgement['stage']} by the model, {judgement['axis']}: people say yes to {row['rate']:.0%} "
            f"({row['selected']} of {row['n']}) of {row['group']}, {best['rate']:.0%} ({best['selected']} of "
            f"{best['n']}) of {best['group']}. {judgement['verdict']}."
        )
    return Finding(
        rule="oversight_by_group",
        subject=str(judgement["axis"]),
        text=text,
        value=row["impact_ratio"] if row else None,
        bound=None,
        is_alert=judgement["verdict"] == "ADVERSE",
    )


def of_erasures(forgotten: int) -> list[Finding]:
    """A model that learned from people who were forgotten since must be trained again without them.

    Args:
        forgotten: Erasures since, of people whom the model in use may have seen.
    """
    if not forgotten:
        return []
    people = counted(forgotten, "person was", "people were")
    text = f"{people} forgotten whom this model may have learned from. Train it again without them."
    return [Finding(rule="person_forgotten", subject="model", text=text, value=forgotten, bound=0)]


def concluded(
    family: str,
    as_of: date,
    findings: Iterable[Finding],
    requested: Sequence[Mapping[str, str]],
    settings: Monitor,
) -> Findings:
    """All findings of a day and what they ask for.

    Args:
        family: Model family.
        as_of: The day judged.
        findings: What the checks found.
        requested: Earlier retrain requests of this family: `finding` (a rule) and `as_of` (ISO date).
        settings: Bounds.
    """
    ordered = sorted(findings, key=lambda f: not f.is_alert)
    wanted = dict.fromkeys(f.rule for f in ordered if f.rule in settings.retrain_on)
    held = {rule for rule in wanted if _was_asked(rule, as_of, requested, settings.cooldown_days)}
    reasons = tuple(rule for rule in wanted if rule not in held)
    return Findings(
        family=family,
        as_of=as_of,
        retrain=bool(reasons),
        reasons=reasons,
        held_back=tuple(rule for rule in wanted if rule in held),
        findings=tuple(ordered),
    )


def _was_asked(rule: str, as_of: date, requested: Sequence[Mapping[str, str]], cooldown_days: int) -> bool:
    """Whether a retrain for this rule was asked for within the cooldown before or after `as_of`."""
    asked = [date.fromisoformat(entry["as_of"]) for entry in requested if entry["finding"] == rule]
    return any(abs(as_of - day) < timedelta(days=cooldown_days) for day in asked)


def _of_axis(axis: Axis, pool: Axis | None) -> Finding:
    row = worst(axis.judgement, pool.judgement if pool is not None else None)
    return Finding(
        rule=f"bias_{axis.source}" if axis.subject is None else f"bias_{axis.source}_subject",
        subject=axis.subject or "all subjects",
        text=told(axis, pool),
        value=row["impact_ratio"] if row else None,
        bound=None,
        is_alert=axis.verdict == "ADVERSE",
    )


def _not_measured(check: str) -> Finding:
    text = f"{check.capitalize()} was not measured. Run `python -m monitoring {check}` or clear its task."
    return Finding(rule="not_measured", subject=check, text=text)


_WHY = {
    "no_scores": "nobody was scored yet",
    "no_release": "no release is live or in shadow",
    "too_few_rows": "too few people were scored",
    "no_earlier_scores": "there are no earlier scores",
    "no_decisions": "nobody has decided yet about a case that the live model had scored before",
    "no_groups": "no protected attribute is known for anybody",
}


def _silent(check: str, status: str) -> Finding:
    text = f"{check.capitalize()} cannot be judged: {_WHY.get(status, status)}. This is not a sign of health."
    return Finding(rule=status, subject=check, text=text, is_alert=False)
