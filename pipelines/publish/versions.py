"""Two releases of a family side by side: what differs, and whether the newer one is another system. Pure.

What may change without asking anew is written down before, in `params.yaml` (`documents`): the parameters that are
tuned, and how far accuracy, impact ratios and the population may move. Whatever else differs is a substantial
modification until a person has said that it is none: silence foresees nothing.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from pipelines.base.releases import purpose
from pipelines.base.settings import Section, Share
from pipelines.fairness.rules import Verdict, severity


class Documents(Section):
    """`documents` in params.yaml: the changes that were foreseen."""

    foreseen: tuple[str, ...]
    """Parameters that may be tuned, as `train.epochs`."""
    metric_move: Annotated[float, Field(gt=0)]
    """How far the model's metric may move, in its own unit."""
    ratio_fall: Share
    """How far a group's impact ratio may fall."""
    shift: Share
    """Largest distance that an input's distribution may have from before."""


CODE: Final = "code_sha256"
"""The fact of a proposal that names the code which made it."""
BEFORE: Final = "before_"
"""How the older release's sources are called."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: str
    """`purpose`, `inputs`, `parameters`, `decision`, `metrics`, `groups`, `population`, `data` or `code`."""
    about: str
    """Which input, parameter, group."""
    source: str
    path: str
    """Of the newer value, in `source`."""
    path_before: str
    """Of the older value, in `before_` and `source`."""
    is_foreseen: bool
    why: str
    """In words."""


def changes(before: Mapping[str, Any], now: Mapping[str, Any], settings: Documents) -> list[Change]:
    """What differs, what was not foreseen first.

    Args:
        before: Contents of the older release's `verdict`, `card`, `metrics`, `groups` and `profile`, and facts of its
            `proposal`.
        now: The same of the newer one.
        settings: What was foreseen.
    """
    card, old = now.get("card") or {}, before.get("card") or {}
    found = [
        *_purpose(before.get("verdict") or {}, now.get("verdict") or {}),
        *_inputs(old.get("inputs") or [], card.get("inputs") or []),
        *_parameters(old.get("params") or {}, card.get("params") or {}, settings),
        *_decision(before.get("metrics") or {}, now.get("metrics") or {}),
        *_metric(before.get("metrics") or {}, now.get("metrics") or {}, settings),
        *_groups(before.get("groups") or {}, now.get("groups") or {}, settings),
        *_population(before.get("profile") or {}, now.get("profile") or {}, settings),
        *_data(old, card),
        *_code(before.get("proposal") or {}, now.get("proposal") or {}),
    ]
    return sorted(found, key=lambda change: change.is_foreseen)


def is_substantial(found: Iterable[Change]) -> bool:
    """Whether something differs that nobody foresaw."""
    return any(not change.is_foreseen for change in found)


def _purpose(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Words that are broken into lines otherwise are the same; one release that declares none is not."""
    old, new = purpose(before), purpose(now)
    if old != new:
        at = ("verdict", "purpose" if new else "", "purpose" if old else "")
        yield _unforeseen("purpose", "purpose", at, "It is to serve another purpose, or one that was not declared.")


def _code(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Told, and foreseen: what code does shows in all else that is compared. By its commit where one has no digest."""
    name = CODE if CODE in before and CODE in now else "commit"
    if before.get(name) != now.get(name):
        at, at_before = (name if name in content else "" for content in (now, before))
        why = "The code that makes and judges it is another." if name == CODE else "It was made from another commit."
        yield Change("code", name, "proposal", at, at_before, is_foreseen=True, why=why)


def _inputs(before: Sequence[str], now: Sequence[str]) -> Iterator[Change]:
    for name in now:
        if name not in before:
            yield _unforeseen("inputs", name, ("card", f"inputs.{now.index(name)}", ""), "The model reads it anew.")
    for name in before:
        if name not in now:
            yield _unforeseen("inputs", name, ("card", "", f"inputs.{before.index(name)}"), "It reads it no longer.")


def _parameters(before: Mapping[str, Any], now: Mapping[str, Any], settings: Documents) -> Iterator[Change]:
    old, new = dict(leaves(before)), dict(leaves(now))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            is_foreseen = name in settings.foreseen and name in old and name in new
            why = "A parameter that is tuned." if is_foreseen else "A parameter that was not to change."
            yield Change("parameters", name, "card", f"params.{name}", f"params.{name}", is_foreseen, why)


def _decision(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    old, new = dict(leaves(before.get("decide") or {})), dict(leaves(now.get("decide") or {}))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield _unforeseen(
                "decision", name, ("metrics", f"decide.{name}", f"decide.{name}"), "What decides is another."
            )


def _metric(before: Mapping[str, Any], now: Mapping[str, Any], settings: Documents) -> Iterator[Change]:
    if before.get("metric") != now.get("metric"):
        yield _unforeseen("metrics", "metric", ("metrics", "metric", "metric"), "Accuracy is measured otherwise.")
        return
    old, new = ((content.get("model") or {}).get("value") for content in (before, now))
    if old == new:
        return
    is_foreseen = _near(old, new, settings.metric_move)
    why = "Accuracy moved as far as it may." if is_foreseen else "Accuracy moved further than it may."
    yield Change("metrics", str(now.get("metric")), "metrics", "model.value", "model.value", is_foreseen, why)


def _groups(before: Mapping[str, Any], now: Mapping[str, Any], settings: Documents) -> Iterator[Change]:
    old, new = dict(_rows(before)), dict(_rows(now))
    for name in sorted({*old, *new}):
        path, row = new.get(name, ("", {}))
        path_before, row_before = old.get(name, ("", {}))
        if not path or not path_before:
            yield _unforeseen("groups", name, ("groups", *_counted(path, path_before)), "It is in one release only.")
            continue
        if severity(Verdict(row["verdict"])) > severity(Verdict(row_before["verdict"])):
            why = "The verdict is worse."
            yield _unforeseen("groups", name, ("groups", f"{path}.verdict", f"{path_before}.verdict"), why)
        ratio, ratio_before = row.get("impact_ratio"), row_before.get("impact_ratio")
        if ratio == ratio_before:
            continue
        is_foreseen = (
            ratio is not None and ratio_before is not None and ratio_before - ratio <= settings.ratio_fall
        ) or ratio_before is None
        why = "The impact ratio moved as it may." if is_foreseen else "The impact ratio fell too far, or is not known."
        at = (f"{path}.impact_ratio", f"{path_before}.impact_ratio")
        yield Change("groups", name, "groups", *at, is_foreseen, why)


def _rows(groups: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    for place, axis in enumerate(groups.get("axes") or ()):
        for number, row in enumerate(axis["groups"]):
            yield f"{axis['axis']}: {row['group']}", (f"axes.{place}.groups.{number}", row)


def _counted(path: str, path_before: str) -> tuple[str, str]:
    """Where the people of a group are counted that one release has."""
    return f"{path}.n" if path else "", f"{path_before}.n" if path_before else ""


def _population(before: Mapping[str, Any], now: Mapping[str, Any], settings: Documents) -> Iterator[Change]:
    for name in sorted({*before, *now} & set(before) & set(now)):
        found = distance(before[name], now[name])
        if not found <= settings.shift:
            why = "People are distributed otherwise over this input than before."
            yield _unforeseen("population", name, ("profile", f"{name}.n", f"{name}.n"), why)


def _data(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name in ("as_of", "data_sha256"):
        if before.get(name) != now.get(name):
            yield Change("data", name, "card", name, name, is_foreseen=True, why="Learned from newer data.")


def distance(before: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """How far two distributions of a column lie apart, from 0 to 1; NaN, which is never near, when nobody can tell.

    The largest difference of the cumulative shares for numbers (Kolmogorov and Smirnov), half the sum of the
    differences for categories; or that of the shares of missing values, if larger.
    """
    missing = abs(float(before.get("missing_share", math.nan)) - float(now.get("missing_share", math.nan)))
    if before.get("kind") != now.get("kind"):
        return math.nan
    if before.get("kind") == "numeric":
        marks = sorted({*(before.get("edges") or ()), *(now.get("edges") or ())})
        if not marks:
            return missing  # too few people on either side for more to be kept
        apart = max(abs(_below(before, mark) - _below(now, mark)) for mark in marks)
    else:
        old, new = (
            dict(zip(side.get("categories") or (), side.get("shares") or (), strict=False)) for side in (before, now)
        )
        apart = sum(abs(old.get(name, 0.0) - new.get(name, 0.0)) for name in {*old, *new}) / 2
    return max(apart, missing) if not math.isnan(missing) else math.nan


def _below(column: Mapping[str, Any], mark: float) -> float:
    """Share of the values up to a mark, each bin filled evenly."""
    total, edges = 0.0, column.get("edges") or ()
    if not edges:
        return math.nan
    for low, high, share in zip(edges, edges[1:], column.get("shares") or (), strict=False):
        if mark >= high:
            total += share
        elif mark > low:
            total += share * (mark - low) / (high - low)
    return total


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything that is no mapping: lists count as one value."""
    if isinstance(content, Mapping):
        for name in sorted(content):
            yield from leaves(content[name], f"{path}.{name}" if path else str(name))
    else:
        yield path, content


def leaf_names(content: Any) -> list[str]:
    """The paths of `leaves`."""
    return [name for name, _ in leaves(content)]


def _near(one: Any, other: Any, most: float) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and abs(one - other) <= most


def _unforeseen(kind: str, about: str, at: tuple[str, str, str], why: str) -> Change:
    """A change with the source and both paths that it is seen at."""
    return Change(kind, about, *at, is_foreseen=False, why=why)
