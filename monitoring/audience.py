"""What is shown to whom: whole judgements to compliance, to all others those that tell nothing of few people. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from monitoring.results import Axis, Bias, Oversight, OversightGroup
from pipelines.fairness import withheld
from pipelines.fairness.evidence import BY_SUBJECT, UNTOLD

_COUNTED: Final = re.compile(r"^\d+ of (\d+) people selected:")
"""How gaps began when they had counts."""


def bias_for_all(result: Bias) -> Bias:
    """What was judged, as everybody may see it."""
    lines = {"headlines": result.headlines_for_all, "hidden": result.hidden_for_all}
    judged = {"pools": axes_for_all(result.pools), "subjects": axes_for_all(result.subjects, result.pools)}
    return result.model_copy(update=judged | {name: told for name, told in lines.items() if told is not None})


def axes_for_all(items: Sequence[Axis], pools: Sequence[Axis] = ()) -> tuple[Axis, ...]:
    """Judgements as everybody may see them, in the order given.

    Args:
        items: Of any sources: what people decided tells nothing of what the model selects.
        pools: Over all subjects, where items are of single ones.
    """

    def of(some: Sequence[Axis], source: str) -> list[dict[str, Any]]:
        return [a.judgement | {"stage": a.stage, "subject": a.subject} for a in some if a.source == source]

    found: dict[str, Iterator[dict[str, Any]]] = {
        source: iter(withheld.for_all(of(items, source), pools=of(pools, source)))
        for source in {a.source for a in items}
    }
    return tuple(a.model_copy(update={"judgement": next(found[a.source])}) for a in items)


def oversight_for_all(result: Oversight) -> Oversight:
    """What people decided beside scores, as everybody may see it: as it is, but for a result from before it was so.

    Some of these withhold, and tell of whom they withhold how many were put forward and how many not.
    """
    rows = [(item["axis"], row) for item in result.judgements for row in item["groups"]]
    untold = {(axis, row["group"]) for axis, row in rows if not row.get("is_told", True)}
    said = ("n", "interval")
    if all("is_told" in row and (row["is_told"] or not any(row.get(name) for name in said)) for _, row in rows):
        return result
    is_whole = any("is_told" not in row for _, row in rows)
    hidden = {(axis, group) for *_, axis, group in withheld.withheld(result.judgements)} if is_whole else untold
    everywhere = frozenset((None, item.get("stage"), *name) for item in result.judgements for name in hidden)
    groups = tuple(
        OversightGroup(axis=row.axis, group=row.group) if (row.axis, row.group) in hidden else row
        for row in result.groups
    )
    told = tuple(withheld.for_all(result.judgements, everywhere, is_split=True))
    return result.model_copy(update={"groups": groups, "judgements": told})


def verdict_for_all(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict as everybody may see it: its judgements of selections by group, and what is said of them.

    Verdicts from before the gate wrote what everybody may read have counts in their reasons.
    """
    found = {
        source: {
            **of,
            **({"axes": withheld.for_all(of["axes"])} if "axes" in of else {}),
            **({BY_SUBJECT: withheld.for_all(of[BY_SUBJECT], pools=of.get("axes", ()))} if BY_SUBJECT in of else {}),
        }
        for source in ("groups", "human")
        if (of := verdict.get(source))
    }
    judged = [item for part in ("axes", BY_SUBJECT) for item in found.get("groups", {}).get(part, ())]
    untold = {_check(item) for item in judged if "withheld" not in item and not _is_told(item)}
    findings = [
        {**one, "reason": f"{one['reason'].split(':')[0]}. {UNTOLD[0].upper()}{UNTOLD[1:]}."}
        if one.get("check") in untold and not one.get("passed")
        else one
        for one in verdict.get("findings", ())
    ]
    gaps = [{**gap, "reason": _COUNTED.sub(r"\1 people:", gap["reason"])} for gap in verdict.get("gaps", ())]
    return {**verdict, **found, "findings": findings, "gaps": gaps}


def _check(item: Mapping[str, Any]) -> str:
    """The gate's name of a finding about a judgement."""
    return f"selection:{item['axis']}:{BY_SUBJECT}" if item.get("subject") else f"selection:{item['axis']}"


def _is_told(item: Mapping[str, Any]) -> bool:
    """Whether all figures of the groups that fail may be told, the ratio to the most selected among them."""
    rows = [row for row in item["groups"] if row["verdict"] == item["verdict"] or row.get("is_reference")]
    return all(row["is_told"] for row in rows)
