"""Whether intervals hold the share of outcomes that they promise: of everybody, and of each group.

Conformal margins keep their word for all cases together, and only while later ones are like those that set them. Of a
group whose outcomes lie outside more often less is known than is told, and no interval shows that by itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl
import scipy

from pipelines.base.vault import UNKNOWN
from pipelines.evaluate.metrics import KEYS
from pipelines.fairness.suppression import Cell, suppress

OUTCOME: Final = "outcome"
GRADE: Final = "grade"
"""What the intervals are about: the outcome, or with what score a case ends."""
EVERYBODY: Final = "everybody"
"""The axis, and its only group, of all cases."""
TOLERANCE: Final = 0.02
"""How far below its promise the share of a group may be."""
_LEVEL: Final = 0.05


def stated(card: Mapping[str, Any], name: str = "coverage") -> float | None:
    """The share of outcomes that the model's intervals promise to hold; None where it promises none.

    Args:
        card: Of the model.
        name: Of the number in the family's `train` that promises.
    """
    said = ((card.get("params") or {}).get("train") or {}).get(name)
    return float(said) if isinstance(said, int | float) else None


def covered(
    scored: pl.DataFrame, outcomes: pl.DataFrame, groups: pl.DataFrame, promised: float | None, *, min_people: int
) -> list[dict[str, Any]]:
    """The part `intervals` of metrics.json: of the model's intervals on test cases.

    Args:
        scored: [n_scores] `Scored` of both scorers on the test cases.
        outcomes: [n_outcomes] `Outcomes`.
        groups: [n_people] person_id and one str column an axis.
        promised: As `stated`.
        min_people: Smaller groups are not judged, nor those that would give them away (`fairness.suppression`).

    Returns:
        foreseen (`OUTCOME`), axis, group, people, promised, share (of a person's cases, the mean of people), low and
        high (exact, 95 % for all rows together: by Bonferroni) and is_below: surely more than `TOLERANCE` below the
        promise. Empty without a promise or cases. An interval that is none holds nothing.

    Source:
        Clopper and Pearson (1934), with people as trials: cases of one person are not independent.
    """
    known = outcomes.unique(list(KEYS), keep="last", maintain_order=True).select(*KEYS, "outcome")
    cases = scored.filter(pl.col("scorer") == "model").join(known.drop_nulls("outcome"), on=list(KEYS))
    return _told(OUTCOME, cases, groups, promised, min_people)


def covered_grades(
    foreseen: pl.DataFrame, groups: pl.DataFrame, promised: float | None, *, min_people: int
) -> list[dict[str, Any]]:
    """As `covered`, of the scores at the end, of those who came to one.

    Args:
        foreseen: [n_cases x scorers] person_id, scorer, low, high, ended (null where there was none).
        groups: As for `covered`.
        promised: As `stated` gives.
        min_people: As for `covered`.

    Returns:
        As `covered`, with `GRADE` as what is foreseen.
    """
    cases = foreseen.filter(pl.col("scorer") == "model").drop_nulls("ended").rename({"ended": "outcome"})
    return _told(GRADE, cases, groups, promised, min_people)


def _told(
    foreseen: str, cases: pl.DataFrame, groups: pl.DataFrame, promised: float | None, min_people: int
) -> list[dict[str, Any]]:
    """One row a group that is large enough.

    Args:
        foreseen: `OUTCOME` or `GRADE`.
        cases: [n_cases] person_id, low, high, outcome.
        groups: [n_people] person_id and one str column an axis.
        promised: Share of the outcomes; None where nothing is.
        min_people: Of a group.
    """
    if promised is None:
        return []
    low, high = (pl.col(name).cast(pl.Float64).fill_nan(None) for name in ("low", "high"))  # NaN is above all numbers
    held = pl.col("outcome").is_between(low, high).fill_null(value=False)
    by_person = cases.group_by("person_id").agg(held=held.mean())
    people = by_person.join(groups, on="person_id", how="left").sort("person_id")
    axes = [name for name in groups.columns if name != "person_id"]
    parts = [(EVERYBODY, EVERYBODY, people["held"])][: len(people) >= min_people]
    found = {axis: dict(_parts(people, axis)) for axis in axes}
    is_counted = bool(people["held"].is_in([0.0, 1.0]).all())  # with one case a person, shares are counts of people
    hidden = suppress(
        {
            axis: {name: Cell(len(held), counts=(round(held.sum()),) * is_counted) for name, held in of.items()}
            for axis, of in found.items()
        },
        min_people,
    )
    parts += [(axis, name, held) for axis, of in found.items() for name, held in of.items() if name not in hidden[axis]]
    large = sorted(parts, key=lambda part: part[:2])
    return [{"foreseen": foreseen} | _judged(*part, promised, _LEVEL / len(large)) for part in large]


def _parts(people: pl.DataFrame, axis: str) -> Iterator[tuple[str, pl.Series]]:
    for (name,), of_it in people.with_columns(pl.col(axis).fill_null(UNKNOWN)).group_by(axis):
        yield str(name), of_it["held"]


def _judged(axis: str, group: str, held: pl.Series, promised: float, level: float) -> dict[str, Any]:
    people, inside = len(held), float(held.sum())
    beta = scipy.stats.beta.ppf
    low = float(beta(level / 2, inside, people - inside + 1)) if inside else 0.0
    high = float(beta(1 - level / 2, inside + 1, people - inside)) if inside < people else 1.0
    return {
        "axis": axis,
        "group": group,
        "people": people,
        "promised": promised,
        "share": inside / people,
        "low": low,
        "high": high,
        "is_below": high < promised - TOLERANCE,
    }
