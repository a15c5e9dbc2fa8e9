"""Matched pairs: the same person's resume scored twice, with one line that only tells a group, and its counterpart.

Redaction takes names, pronouns and years of study out before anything is kept, and cannot promise to find every one. So
the line is put where redaction has been: what is asked is what the model would make of a signal that got through, and
of those that no redaction looks for, such as schools and clubs.

Names are those of the correspondence test by Bertrand and Mullainathan (2004), the schools two of one city. Years are
dropped before words are counted (`models.screening.text`): that signal shows that they are, and moves no score while
they are, so age has a club too. All this shows what the model does with these signals and nothing about others.
Families without a text have none to exchange.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.base.settings import Section
from pipelines.fairness.swaps import swap_test
from pipelines.models import network

MOST: Final = 500
"""People at most, those of the newest cases: of so many, ten changed one way are seen."""
_TEXT: Final = "resume_text"
_DECIMALS: Final = 6
"""As scores are kept: what differs beyond them depends on how threads shared a sum."""
_KEYS: Final = ("person_id", "subject_id", "target_code")


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that tells a group, and the same of another; person after person takes the next line of each."""

    name: str
    axis: str
    one: str
    """The group that `lines` tell."""
    other: str
    lines: tuple[str, ...]
    others: tuple[str, ...]


_WOMEN: Final = ("Emily Walsh", "Anne Murphy", "Jill Kelly", "Allison Ryan", "Laurie Baker", "Sarah Sullivan")
_MEN: Final = ("Todd Walsh", "Neil Murphy", "Geoffrey Kelly", "Brett Ryan", "Greg Baker", "Matthew Sullivan")
_BLACK_WOMEN: Final = ("Aisha Walsh", "Keisha Murphy", "Tamika Kelly", "Lakisha Ryan", "Latoya Baker", "Ebony Sullivan")
SIGNALS: Final = (
    Signal("first name", "sex", "female", "male", _WOMEN, _MEN),
    Signal("first name", "ethnicity", "Black", "White", _BLACK_WOMEN, _WOMEN),
    Signal("pronouns", "sex", "female", "male", ("Pronouns: she/her",), ("Pronouns: he/him",)),
    Signal("club", "sex", "female", "male", ("Captain of the women's team",), ("Captain of the men's team",)),
    Signal("school", "sex", "female", "male", ("Smith College for Women",), ("Wabash College for Men",)),
    Signal("school", "ethnicity", "Black", "White", ("Howard University",), ("Georgetown University",)),
    Signal("club", "age", "40 or over", "under 40", ("Captain of the seniors team",), ("Captain of the juniors team",)),
    Signal("year of study", "age", "40 or over", "under 40", ("Graduated in 1985",), ("Graduated in 2019",)),
)


def exchanged(family: str, model: Path, test: pl.DataFrame, decide: Section) -> list[dict[str, Any]]:
    """Score the newest case of each person with every signal and with its counterpart.

    Args:
        family: Model family.
        model: What `fit` wrote.
        test: [n_cases] the test cases.
        decide: The family's `Decide`; its threshold selects.

    Returns:
        One mapping a signal: signal, axis, one, other, and the fields of `fairness.swaps.Swap`, null where a number
        does not exist. `gained` is who is selected with the other's line alone, `lost` with the one's. Empty for a
        family without texts.
    """
    if _TEXT not in test.columns:
        return []
    newest = test.sort("occurred_at", *_KEYS).unique("person_id", keep="last", maintain_order=True)
    people = newest.tail(MOST).sort("person_id")
    threshold = float(decide.model_dump()["threshold"])
    found = []
    for signal in SIGNALS:
        both = pl.DataFrame(
            {name: _scores(family, model, people, lines) for name, lines in (("a", signal.lines), ("b", signal.others))}
        )
        known = both.filter(pl.all_horizontal(pl.all().is_finite()))  # a score that is no number holds by itself
        swap = asdict(swap_test(known["a"].to_numpy(), known["b"].to_numpy(), threshold=threshold))
        about = {"signal": signal.name, "axis": signal.axis, "one": signal.one, "other": signal.other}
        found.append(about | {name: value if math.isfinite(value) else None for name, value in swap.items()})
    return found


def _scores(family: str, model: Path, people: pl.DataFrame, lines: tuple[str, ...]) -> pl.Series:
    """[n_people] scores with a line below each resume."""
    said = pl.Series(_TEXT, [f"{text}\n{lines[n % len(lines)]}" for n, text in enumerate(people[_TEXT])])
    scored = network(family).predict(model, people.with_columns(said), "model")
    told = people.select(_KEYS).join(scored, on=list(_KEYS), how="left", maintain_order="left")
    return told["score"].round(_DECIMALS)
