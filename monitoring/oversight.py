"""Do people decide, or does the score? What they decided after they could see it, how often they departed, how fast.

A case counts when a live model had scored it and a person decided later: what the newest score before the decision
recommended is compared with what was decided. Shadow scores were shown to nobody and do not count. Where nobody ever
departs from a score, the score is the decision (GDPR Art. 22; CJEU C-634/21), and whoever signs only stamps it. Where
people depart from it more for one group than for another, they bring a bias of their own; that is judged on the path
that all selections are judged by, apart for those put forward and those not.

Reads   scores/scored, scores/outcomes, the vault's protected attributes
Writes  reports/<family>/<as_of>/oversight.json
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from monitoring import released, results, tables
from monitoring.performance import KEYS
from monitoring.results import Estimate, Oversight, OversightGroup
from pipelines import models
from pipelines.base.lake import Lake
from pipelines.base.settings import load
from pipelines.base.store import Store
from pipelines.evaluate import groups as evaluated
from pipelines.fairness import UNKNOWN, kept
from pipelines.fairness.clusters import repeats
from pipelines.fairness.intervals import wilson_interval
from pipelines.gate import GateSettings

FORWARD: Final = "put forward"
BACK: Final = "not put forward"
QUANTILES: Final = (0.1, 0.5, 0.9)
"""Of the days between the first score and the decision."""
_HUMAN: Final = evaluated.HUMAN


def run(store: Store, family: str, until: date | None) -> Oversight:
    """Compare decisions with the scores before them as known on the newest scoring day, write the report, return it."""
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Oversight(family=family, as_of=None, status="no_scores")
    module = models.features(family)
    if not module.DECISIONS:
        result = Oversight(family=family, as_of=as_of, status="nobody_decides")
    else:
        lake = Lake(store)
        scored = tables.read(store, tables.SCORED, family, tables.days(store, tables.SCORED, family, as_of))
        decided = cases(scored, tables.newest_outcomes(store, family, as_of), as_of)
        groups = evaluated.read(lake, lake.require(), as_of)
        result = judged(decided, groups, module.UNIT, load(GateSettings, "gate").min_group_size)
    release = released.current(store, family)
    result = result.model_copy(
        update={"family": family, "as_of": as_of, "release": release.id if release is not None else None}
    )
    results.save(store, result, family, as_of, "oversight.json")
    return result


def cases(scored: pl.DataFrame, outcomes: pl.DataFrame, until: date) -> pl.DataFrame:
    """Decisions beside what was recommended before them.

    Args:
        scored: [n_scores] `Scored`, with `is_shadow`; may be without rows and columns.
        outcomes: [n_decisions] `Outcomes`; may be without rows and columns.
        until: What happened later is left out.

    Returns:
        [n_decisions] KEYS, decided_by, is_recommended (the newest score before the decision; null without one), is_yes,
        waited_days (since the first score; null without one).
    """
    nothing = {
        **dict.fromkeys((*KEYS, "decided_by"), pl.String()),
        "is_recommended": pl.Boolean(),
        "is_yes": pl.Boolean(),
    }
    if outcomes.is_empty():
        return pl.DataFrame(schema={**nothing, "waited_days": pl.Float64()})
    told = outcomes.filter(pl.col("occurred_at").dt.date() <= until, pl.col("outcome").is_in([0.0, 1.0]))
    told = told.select(*KEYS, "decided_by", "occurred_at", is_yes=pl.col("outcome") > 0)
    if scored.is_empty():
        shown = pl.DataFrame(schema={**nothing, "scored_at": told.schema["occurred_at"]}).drop("decided_by", "is_yes")
    else:
        is_shown = pl.col("scorer") == "model"
        if "is_shadow" in scored.columns:
            is_shown &= ~pl.col("is_shadow").fill_null(value=False)
        shown = scored.filter(is_shown).select(*KEYS, "scored_at", pl.col("is_selected").alias("is_recommended"))
    key = list(KEYS)
    before = told.join(shown, on=key, nulls_equal=True).filter(pl.col("scored_at") < pl.col("occurred_at"))
    newest = before.group_by(key).agg(
        pl.col("is_recommended").sort_by("scored_at").last(),
        waited_days=(pl.col("occurred_at").first() - pl.col("scored_at").min()).dt.total_seconds() / 86_400,
    )
    joined = told.join(newest, on=key, how="left", nulls_equal=True).sort(key)
    return joined.select(*KEYS, "decided_by", "is_recommended", "is_yes", "waited_days")


def judged(decided: pl.DataFrame, groups: pl.DataFrame, unit: tuple[str, ...], min_group_size: int) -> Oversight:
    """How far people departed from the scores, over all and by group.

    Args:
        decided: [n_decisions] as `cases` gives.
        groups: [n_people] person_id and one column an axis.
        unit: person_id and the column of the subject that the family judges.
        min_group_size: People; smaller groups are named and their numbers not told.
    """
    seen = decided.filter(pl.col("is_recommended").is_not_null())
    human = seen.filter(pl.col("decided_by") == _HUMAN)
    counts = {
        "by_rule": seen.filter(pl.col("decided_by") != _HUMAN).height,
        "by_nobody_named": seen["decided_by"].null_count(),
        "without_score": decided.height - seen.height,
    }
    if human.is_empty():
        return Oversight(family="", as_of=None, status="no_decisions", **counts)
    is_over = human["is_recommended"] != human["is_yes"]
    part = {name: human["is_recommended"] == value for name, value in ((FORWARD, True), (BACK, False))}
    told = human.with_columns(is_over=is_over).join(groups, on="person_id", how="left", maintain_order="left")
    return Oversight(
        family="",
        as_of=None,
        status="ok",
        **counts,
        decided=human.height,
        people=human["person_id"].n_unique(),
        put_forward=int(part[FORWARD].sum()),
        departed=_share(is_over, human["person_id"]),
        turned_down=_share(is_over.filter(part[FORWARD]), human["person_id"].filter(part[FORWARD])),
        brought_back=_share(is_over.filter(part[BACK]), human["person_id"].filter(part[BACK])),
        waited_days=tuple(human["waited_days"].quantile(q, "linear") for q in QUANTILES),
        groups=tuple(_by_group(told, [name for name in groups.columns if name != "person_id"], min_group_size)),
        judgements=tuple(
            item
            for name, is_part in part.items()
            for item in _judgements(human.filter(is_part), groups, unit, min_group_size, name)
        ),
    )


def _share(is_over: pl.Series, person: pl.Series) -> Estimate | None:
    """A share of decisions with Wilson's interval on what they are worth, as several of one person are worth less."""
    if is_over.is_empty():
        return None
    hit = is_over.to_numpy()
    one: npt.NDArray[np.int64] = np.zeros(len(hit), dtype=np.int64)
    effect = float(repeats(hit, one, person.rank("dense").cast(pl.Int64).to_numpy(), 1).design_effect[0])
    low, high = wilson_interval(hit.sum() / effect, len(hit) / effect)
    return Estimate(value=float(hit.mean()), low=float(low), high=float(high))


def _by_group(told: pl.DataFrame, axes: list[str], min_group_size: int) -> Iterator[OversightGroup]:
    for axis in axes:
        coded = told.with_columns(pl.col(axis).cast(pl.String).fill_null(UNKNOWN))
        for (group,), rows in sorted(coded.group_by(axis), key=lambda item: str(item[0][0])):
            people = rows["person_id"].n_unique()
            about = OversightGroup(axis=axis, group=str(group), people=people)
            if people < min_group_size:
                yield about
                continue
            departed, waited = _share(rows["is_over"], rows["person_id"]), rows["waited_days"].median()
            yield about.model_copy(update={"decided": rows.height, "departed": departed, "waited_days": waited})


def _judgements(
    part: pl.DataFrame, groups: pl.DataFrame, unit: tuple[str, ...], min_group_size: int, name: str
) -> list[dict[str, Any]]:
    """Whom people say yes to, among those for whom the recommendation was the same."""
    subject = next(column for column in unit if column != "person_id")
    key = ["person_id", pl.col(subject).alias("subject")]
    units = part.group_by(key).agg(is_selected=pl.col("is_yes").any()).sort("person_id", "subject")
    decisions = units.with_columns(stage=pl.lit(name))
    return list(kept(evaluated.reports(decisions, groups, min_group_size))["axes"])
