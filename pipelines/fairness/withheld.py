"""Judgements as everybody may see them: no figure of few people, and none that such a figure would follow from.

Whole judgements are evidence: of the gate, of an auditor and of the compliance reviewer. What leaves the company, and
pages of other roles, have them in this form. A group that is withheld keeps its name, how many people it has and its
verdict: it is shown, and never reads as fair. Of a very large one the rate is told in whole percent, so that somebody
whose group nobody knows does not hide a finding about thousands.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pipelines.fairness.counting import UNKNOWN
from pipelines.fairness.suppression import Cell, suppress

Judgement = Mapping[str, Any]
"""`AxisJudgement.to_dict()`, also as it was kept by releases from before."""
Name = tuple[str | None, str | None, str, str]
"""Subject, stage, axis and group."""
Groups = Mapping[tuple[str | None, str | None, str], set[str]]
"""Subject, stage and axis to groups."""
_AGAINST: Final = (
    *("impact_ratio", "low", "high", "interval", "z", "fisher_p", "mid_p", "p_value", "p_corrected"),
    *("shortfall", "is_flipped_by_one"),
)
"""What is said of a group against the reference: beside its own counts it tells those of the reference.

Also in words: an interval of the kind for empty cells says that all or nobody of a group was selected.
"""
_OWN: Final = (*_AGAINST, "selected", "rate", "statutory_impact_ratio", "power", "design_effect")
_NUMBERS: Final = frozenset({"n", "people"})
ALL_STAGES: Final = "all stages"
"""Whoever was selected at every stage that decided about them: what the stages come to together."""
_PERCENT: Final = 100
_ON_RECORD: Final = "withheld"
"""Of a judgement as `fairness.kept` keeps it: groups whose figures are not told."""
TOLD_FROM: Final = "told_from"
"""Beside it: people from whom on a group's figures are told. Without it only those of groups large enough to judge."""
_FOUND: Final = ("ADVERSE", "INVESTIGATE")


def withheld(judgements: Iterable[Judgement], pools: Sequence[Judgement] = ()) -> frozenset[Name]:
    """Whose figures are not told: as is on record, and worked out only of judgements kept before that was.

    Args:
        judgements: Of one source, such as the model's selections; of any stages and subjects.
        pools: Of the same source over all subjects, where judgements are of single ones: beside them a subject tells
            of whom they withhold, and all that are shown tell of the few in the others.
    """
    every = list(judgements)
    parts: dict[tuple[str | None, str | None], list[Judgement]] = {}
    for item in every:
        parts.setdefault((item.get("subject"), item.get("stage")), []).append(item)
    found = frozenset((*key, axis, group) for key, items in parts.items() for axis, group in _of_part(items))
    if pools and not all(_ON_RECORD in item for item in every):
        found |= _beside(every, found, pools)
        names = _by_judgement(found)
        found |= {
            (*key, axis, group)
            for key, items in parts.items()
            for axis, group in _of_part([_without(item, _names(item, names)) for item in items])
        }
    return found | _unnumbered(every, found)


def _beside(subjects: Sequence[Judgement], hidden: frozenset[Name], pools: Sequence[Judgement]) -> frozenset[Name]:
    """Whom the pool withholds, in every subject; and the smallest subjects of a group where the others' are few."""
    left_out, found = withheld(pools), set(hidden)
    for pool in pools:
        key, least = (pool.get("stage"), pool["axis"]), _told_from(pool)
        mine = [item for item in subjects if (item.get("stage"), item["axis"]) == key]
        for row in pool["groups"]:
            rows = [
                ((i.get("subject"), *key, row["group"]), r["n"]) for i in mine for r in i["groups"] if _same(r, row)
            ]
            if (None, *key, row["group"]) in left_out:
                found |= {name for name, _ in rows}
                continue
            shown = sorted(((n, name) for name, n in rows if name not in found), key=lambda one: (one[0], str(one[1])))
            rest = row["n"] - sum(n for n, _ in shown)
            for n, name in shown:
                if not 0 < rest < least:
                    break
                found.add(name)
                rest += n
    return frozenset(found)


def _without(item: Judgement, names: set[str]) -> Judgement:
    """A subject that leaves out more groups than its small ones, and so has a total of the others alone."""
    if not names:
        return item
    small = (*(item.get("small_groups") or ()), *sorted(names))
    return {**item, "groups": [row for row in item["groups"] if row["group"] not in names], "small_groups": small}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["group"] == other["group"])


def marked(judgements: Sequence[Judgement], pools: Sequence[Judgement] = ()) -> list[dict[str, Any]]:
    """The judgements, whole, with `withheld` besides: working it out takes seconds, and pages wait for nobody.

    Args:
        judgements: Of one source, and all of a subject and stage: what is withheld follows from all of them.
        pools: As for `withheld`.
    """
    hidden = _by_judgement(withheld(judgements, pools))
    return [{**item, _ON_RECORD: sorted(_names(item, hidden))} for item in judgements]


def for_all(
    judgements: Sequence[Judgement],
    hidden: frozenset[Name] | None = None,
    *,
    pools: Sequence[Judgement] = (),
    is_split: bool = False,
) -> list[dict[str, Any]]:
    """The judgements without what is withheld; rows have `is_told` and `about` (None, or a rounded rate) besides.

    Args:
        judgements: Of one source.
        hidden: As `withheld`, where more is to be left out, such as what was withheld before.
        pools: As for `withheld`.
        is_split: Whether stages split the same people by what was counted of them, such as what was recommended: how
            many of a withheld group are at one of them is then such a count, and is None too.
    """
    left_out = withheld(judgements, pools) if hidden is None else hidden
    unnumbered = left_out if is_split else _unnumbered(judgements, left_out)
    everywhere = _by_judgement(_unnumbered(pools, withheld(pools)))
    names, without = _by_judgement(left_out | unnumbered), _by_judgement(unnumbered)
    gone = [_names(item, without) | _names({**item, "subject": None}, everywhere) for item in judgements]
    return [_told(item, _names(item, names) | no, no) for item, no in zip(judgements, gone, strict=True)]


def _unnumbered(judgements: Sequence[Judgement], hidden: frozenset[Name]) -> frozenset[Name]:
    """Of whom not even the number is told at a stage: whoever an earlier one withholds.

    How many come to a stage is how many the one before selected. A stage is earlier where it is about more; parts that
    are no stages of one way, such as two that add up to all, have none that all come to together.
    """
    pools = [item for item in judgements if item.get("subject") is None]
    if not any(item.get("stage") == ALL_STAGES for item in pools):
        return frozenset()
    people = {item.get("stage"): sum(row["n"] or 0 for row in item["groups"]) for item in pools}
    return frozenset(
        (None, stage, axis, group)
        for subject, earlier, axis, group in hidden
        if subject is None
        for stage in people
        if people[stage] < people.get(earlier, 0)
    )


def _told(item: Judgement, names: set[str], without: set[str]) -> dict[str, Any]:
    reference = {row["group"] for row in item["groups"] if row.get("is_reference")} & names
    gone = dict.fromkeys(_AGAINST) if reference else {}
    if item.get("statutory_reference") in names:
        gone["statutory_impact_ratio"] = None
    rows = [
        {**row, **(dict.fromkeys(_OWN) if row["group"] in names else gone), "is_told": row["group"] not in names}
        | {"about": None if row["group"] in without else _about(row, _told_from(item))}
        | (dict.fromkeys(_NUMBERS & row.keys()) if row["group"] in without else {})
        for row in item["groups"]
    ]
    told = {**item, "groups": rows}
    if UNKNOWN in without:
        told["unknown"] = None
    if item.get("subject") is not None and names:  # what it comes to is of those that are told
        told["selected"] = sum(row["selected"] for row in rows if row["is_told"])
    if item.get("common"):
        told["common"] = [row for row in item["common"] if not reference and row["group"] not in names]
    return told


def _by_judgement(hidden: Iterable[Name]) -> Groups:
    found: dict[tuple[str | None, str | None, str], set[str]] = {}
    for subject, stage, axis, group in hidden:
        found.setdefault((subject, stage, axis), set()).add(group)
    return found


def _names(item: Judgement, hidden: Groups) -> set[str]:
    return hidden.get((item.get("subject"), item.get("stage"), item["axis"]), set())


def _about(row: Mapping[str, Any], least: int) -> float | None:
    """The rate in whole percent, where one percent of the decisions is more than any small group has."""
    is_vague = row["n"] >= _PERCENT * least and row.get("rate") is not None
    return round(row["rate"], 2) if is_vague else None


def _of_part(items: Sequence[Judgement]) -> Iterable[tuple[str, str]]:
    """Axis and group, of the judgements of one subject and stage.

    A subject that leaves out its small groups tells no total, so that nothing follows; unless another axis has all.
    """
    if all(_ON_RECORD in item for item in items):
        return [(item["axis"], group) for item in items for group in item[_ON_RECORD]]
    if all(item.get("small_groups") for item in items):
        return []
    least = _told_from(items[0])
    cells = tuple(
        (item["axis"], tuple(_cells(item)), tuple(item.get("small_groups") or ())) for item in items if item["groups"]
    )
    return _suppressed(cells, least)


def _told_from(item: Judgement) -> int:
    return int(item.get(TOLD_FROM) or item.get("min_group_size") or 1)


def _cells(item: Judgement) -> Iterable[tuple[str, Cell]]:
    is_whole = not item.get("small_groups")
    for row in item["groups"]:
        counts = (row["selected"],) if is_whole else ()
        is_kept = row["verdict"] in _FOUND or bool(row.get("is_reference"))
        yield row["group"], Cell(row.get("people") or row["n"], row["n"], counts, is_kept=is_kept)


@lru_cache(maxsize=512)
def _suppressed(
    tables: tuple[tuple[str, tuple[tuple[str, Cell], ...], tuple[str, ...]], ...], least: int
) -> tuple[tuple[str, str], ...]:
    """Cached, since what is judged never changes and pages show it again and again."""
    whole = {axis: dict(cells) for axis, cells, small in tables if not small}
    found = suppress(whole, least)
    for axis, cells, small in tables:
        if small:  # how many they are is not told either: as few as can be
            found |= suppress({axis: dict(cells) | dict.fromkeys(small, Cell(1))}, least)
    shown = {axis: {group for group, _ in cells} for axis, cells, _ in tables}
    return tuple((axis, group) for axis, groups in found.items() for group in sorted(groups & shown[axis]))
