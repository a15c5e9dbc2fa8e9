"""Whether the data can carry a judgement at all. A check that cannot be made has not passed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pipelines.base.wording import counted
from pipelines.evaluate.metrics import KEYS, paired
from pipelines.fairness import law
from pipelines.models import Metric


def all_of(
    kind: Metric,
    scored: pl.DataFrame,
    outcomes: pl.DataFrame,
    card: Mapping[str, Any],
    *,
    min_cases: int,
    min_labels: int,
) -> list[dict[str, Any]]:
    """Every check with what it saw.

    Args:
        kind: The family's METRIC.
        scored: [n_scores] `Scored` on the test cases.
        outcomes: [n_outcomes] `Outcomes`.
        card: What `train` wrote; names the leaks and the inputs.
        min_cases: Test cases wanted.
        min_labels: Cases of the rarer outcome wanted.

    Returns:
        check, passed and reason of each; never empty.
    """
    of_rows = [_complete(scored), _both(scored), _cases(scored, outcomes, min_cases)]
    found = [*of_rows, _leaks(card), _banned(card), _audited(card)]
    return [*found, _labels(scored, outcomes, min_labels)] if kind == "auc" else found


def _complete(scored: pl.DataFrame) -> dict[str, Any]:
    bad = scored.filter(pl.col("score").is_null() | pl.col("score").is_nan()).height
    return _check("scores_are_numbers", bad == 0 and len(scored) > 0, f"{bad} of {len(scored)} scores are no number.")


def _both(scored: pl.DataFrame) -> dict[str, Any]:
    ours, shared = scored.filter(pl.col("scorer") == "model").height, len(paired(scored))
    reason = f"The baseline scored {shared} of the {counted(ours, 'case', 'cases')} of the model."
    return _check("same_cases_for_both", ours == shared and ours > 0, reason)


def _cases(scored: pl.DataFrame, outcomes: pl.DataFrame, least: int) -> dict[str, Any]:
    n = len(_labelled(scored, outcomes))
    known = counted(n, "test case has", "test cases have")
    return _check("enough_cases", n >= least, f"{known} an outcome; {least} are needed.")


def _labels(scored: pl.DataFrame, outcomes: pl.DataFrame, least: int) -> dict[str, Any]:
    labels = _labelled(scored, outcomes)["outcome"]
    rarer = min(int((labels == 1).sum()), int((labels == 0).sum()))
    reason = f"The rarer outcome has {counted(rarer, 'case', 'cases')}; {least} are needed."
    return _check("enough_of_each_outcome", rarer >= least, reason)


def _leaks(card: Mapping[str, Any]) -> dict[str, Any]:
    found = sorted({leak["column"] for leak in card["leaks"]})
    left = [name for name in found if name in card["inputs"]]
    seen = f"Found and taken out: {', '.join(found)}." if found else "No input tells the outcome by itself."
    return _check("leaks_taken_out", not left, f"Still among the inputs: {', '.join(left)}." if left else seen)


def _banned(card: Mapping[str, Any]) -> dict[str, Any]:
    found = law.banned(card["inputs"], date.fromisoformat(card["as_of"]))
    named = "; ".join(f"{name} ({', '.join(bans)})" for name, bans in found.items())
    reason = f"Take these out of the feed: {named}." if found else "No input is named as one that a law bans."
    return _check("no_banned_input", not found, reason)


def _audited(card: Mapping[str, Any]) -> dict[str, Any]:
    """Labels that cannot be fail; what may have a reason (late, repeated, a harsh rater) is told and not judged."""
    found = card.get("labels")
    if not found:
        return _check("labels_possible", passed=False, reason="The labels were not audited: prepare and train again.")
    told = (
        f"Of {found['cases']} labels {found['impossible']} are off the scale, {found['duplicates']} repeated "
        f"({found['contradictory']} with another value), {found['known_before_asked']} known before they were asked "
        f"for, {found['late']} far later than others; {found['commonest_share']:.0%} say the same."
    )
    return _check("labels_possible", passed=found["impossible"] == 0, reason=told + _raters(found["raters"]))


def _raters(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return " Who gave them is not known."
    return (
        f" Of {found['raters']} raters {found['harsh']} are surely harsher than others on the same people, "
        f"{found['lenient']} more lenient, {found['cannot_tell']} cannot be told from their team; severity differs by "
        f"{found['severity_spread']:.3f} of the scale."
    )


def _labelled(scored: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """One row a test case whose outcome is known."""
    return outcomes.unique(subset=list(KEYS), keep="last").join(scored.select(KEYS).unique(), on=list(KEYS), how="semi")


def _check(name: str, passed: bool, reason: str) -> dict[str, Any]:
    return {"check": name, "passed": bool(passed), "reason": reason}
