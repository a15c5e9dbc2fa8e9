"""Do people decide, or does the score? What they decided after they could see it, how often they departed, how fast.

A case counts when the live model had scored it and a person decided later: what the newest score before the decision
recommended is compared with what was decided. When a score could be seen is what the ledger says of its scoring, not
the day that it was made as of. Shadow scores were shown to nobody and do not count, and those of other models say
nothing of this one. Where nobody ever departs from a score, the score is the decision (GDPR Art. 22; CJEU C-634/21),
and whoever signs only stamps it. Where people depart from it more for one group than for another, they bring a bias of
their own; that is judged on the path that all selections are judged by, apart for those put forward and those not.

Where the model abstained it recommended nothing: such a case counts as decided without a score.

A day that is scored again loses the scores of cases that were decided meanwhile: those count as decided without one.

Reads   scores/scored, scores/outcomes, the ledger, the vault's protected attributes
Writes  reports/<family>/<as_of>/oversight.json
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from monitoring import released, results, tables
from monitoring.performance import KEYS
from monitoring.results import Estimate, Oversight, OversightGroup
from pipelines import audit, models
from pipelines.audit import Entry, Tag
from pipelines.base.contracts import is_abstained
from pipelines.base.lake import Lake
from pipelines.base.settings import MinPeople, load
from pipelines.base.store import Store
from pipelines.evaluate import groups as evaluated
from pipelines.fairness import UNKNOWN, withheld
from pipelines.fairness.clusters import repeats
from pipelines.fairness.intervals import wilson_interval
from pipelines.fairness.suppression import Cell, suppress
from pipelines.gate import GateSettings

FORWARD: Final = "put forward"
BACK: Final = "not put forward"
QUANTILES: Final = (0.1, 0.5, 0.9)
"""Of the days between the first score and the decision."""
_HUMAN: Final = evaluated.HUMAN
_CASES: Final = pl.Schema(
    {
        **dict.fromkeys((*KEYS, "decided_by", "on"), pl.String()),
        **dict.fromkeys(("is_recommended", "is_yes", "is_ours"), pl.Boolean()),
        "waited_days": pl.Float64(),
    }
)


def run(store: Store, family: str, until: date | None) -> Oversight:
    """Compare decisions with the scores before them as known on the newest scoring day, write the report, return it.

    Raises:
        ContractError: The ledger does not vouch for the newest release (`released.live`).
    """
    as_of = tables.judged_day(store, family, until)
    if as_of is None:
        return Oversight(family=family, as_of=None, status="no_scores")
    module, release = models.features(family), released.live(store, family)
    if not module.DECISIONS:
        result = Oversight(family=family, as_of=as_of, status="nobody_decides")
    elif release is None:
        result = Oversight(family=family, as_of=as_of, status="no_release")
    else:
        lake = Lake(store)
        scored = tables.read(store, tables.SCORED, family, tables.days(store, tables.SCORED, family, as_of))
        seen = moments(audit.entries(store), family)
        decided = cases(scored, seen, tables.newest_outcomes(store, family, as_of), as_of, release.model_sha256)
        groups, forty = evaluated.read_aging(lake, lake.require(), as_of)
        least, told_from = load(GateSettings, "gate").min_group_size, load(MinPeople, "privacy").min_people
        result = judged(decided, groups, module.UNIT, least, forty, told_from=told_from)
    named = release.id if release is not None else None
    result = result.model_copy(update={"family": family, "as_of": as_of, "release": named})
    results.save(store, result, family, as_of, "oversight.json")
    return result


def moments(entries: Iterable[Entry], family: str) -> pl.DataFrame:
    """When the scores of each day and model could be seen.

    Args:
        entries: The ledger, oldest first.
        family: Whose.

    Returns:
        [n_scorings] as_of, model_sha256, seen_at: when the rows that now stand were written.
    """
    scorings = (e for e in entries if e.tag is Tag.PEOPLE_SCORED and e.subject == family)
    found = {(str(e.facts["as_of"]), str(e.facts["model_sha256"])): e.recorded_at for e in scorings}
    rows = [(*key, moment) for key, moment in found.items()]
    frame = pl.DataFrame(rows, dict.fromkeys(("as_of", "model_sha256", "seen_at"), pl.String()), orient="row")
    moment = pl.col("seen_at").str.to_datetime(time_unit="us", time_zone="UTC")
    return frame.with_columns(pl.col("as_of").str.to_date(), moment)


def cases(
    scored: pl.DataFrame, seen: pl.DataFrame, outcomes: pl.DataFrame, until: date, model_sha256: str
) -> pl.DataFrame:
    """Decisions beside what was recommended before them.

    Args:
        scored: [n_scores] `Scored`, with `is_shadow`; may be without rows and columns.
        seen: [n_scorings] as `moments` gives; a score of no scoring on record was seen by nobody.
        outcomes: [n_decisions] `Outcomes`; may be without rows and columns.
        until: What happened later is left out.
        model_sha256: The model that is looked at.

    Returns:
        [n_decisions] KEYS, decided_by, on (the day, as text), is_recommended (the newest score before the decision;
        null without one), is_yes, waited_days (since the first score; null without one), is_ours (whether that score is
        this model's; null too).
    """
    if outcomes.is_empty():
        return pl.DataFrame(schema=_CASES)
    told = outcomes.filter(pl.col("occurred_at").dt.date() <= until, pl.col("outcome").is_in([0.0, 1.0]))
    day = pl.col("occurred_at").dt.strftime("%Y-%m-%d")
    told = told.select(*KEYS, "decided_by", "occurred_at", is_yes=pl.col("outcome") > 0, on=day)
    if scored.is_empty():
        return (
            told.with_columns(is_recommended=None, waited_days=None, is_ours=None).select(_CASES.names()).cast(_CASES)
        )
    is_shown = pl.col("scorer") == "model"
    if "is_shadow" in scored.columns:
        is_shown &= ~pl.col("is_shadow").fill_null(value=False)
    shown = scored.filter(is_shown).join(seen, on=["as_of", "model_sha256"])
    key = list(KEYS)
    said = shown.select(*KEYS, "is_selected", "model_sha256", "seen_at", is_silent=is_abstained())
    before = told.join(said, on=key, nulls_equal=True)
    newest = (
        before.filter(pl.col("seen_at") < pl.col("occurred_at"))
        .group_by(key)
        .agg(
            pl.col("is_selected").sort_by("seen_at").last().alias("is_recommended"),
            waited_days=(pl.col("occurred_at").first() - pl.col("seen_at").min()).dt.total_seconds() / 86_400,
            is_ours=pl.col("model_sha256").sort_by("seen_at").last() == model_sha256,
            is_silent=pl.col("is_silent").sort_by("seen_at").last(),
        )
        .filter(~pl.col("is_silent"))
    )
    return told.join(newest, on=key, how="left", nulls_equal=True).sort(key).select(_CASES.names())


def judged(
    decided: pl.DataFrame,
    groups: pl.DataFrame,
    unit: tuple[str, ...],
    min_group_size: int,
    forty: pl.DataFrame | None = None,
    *,
    told_from: int | None = None,
) -> Oversight:
    """How far people departed from the scores, over all and by group.

    Args:
        decided: [n_decisions] as `cases` gives.
        groups: [n_people] person_id and one column an axis.
        unit: person_id and the column of the subject that the family judges.
        min_group_size: People; to whom smaller groups say yes is not judged.
        forty: [n_people] as `vault.forty` gives, for the age that people had on the day of a decision.
        told_from: People; smaller groups are named and their numbers not told. None: as `min_group_size`.
    """
    seen = decided.filter("is_ours")
    human = seen.filter(pl.col("decided_by") == _HUMAN)
    counts = {
        "by_rule": seen.filter(pl.col("decided_by") != _HUMAN).height,
        "by_nobody_named": seen["decided_by"].null_count(),
        "by_other_models": decided.height - seen.height - decided["is_ours"].null_count(),
        "without_score": decided["is_ours"].null_count(),
    }
    if human.is_empty():
        return Oversight(family="", as_of=None, status="no_decisions", **counts)
    least = min_group_size if told_from is None else told_from
    is_over = human["is_recommended"] != human["is_yes"]
    part = {name: human["is_recommended"] == value for name, value in ((FORWARD, True), (BACK, False))}
    told = human.with_columns(is_over=is_over).join(groups, on="person_id", how="left", maintain_order="left")
    told = told if forty is None else evaluated.at_that_age(told, forty)
    yes = [
        item
        for name, is_part in part.items()
        for item in _judgements(name, human.filter(is_part), groups, forty, unit=unit, sizes=(min_group_size, least))
    ]
    parts = {axis: dict(_parts(told, axis)) for axis in groups.columns if axis != "person_id"}
    cells = {axis: {group: _counted(rows) for group, rows in of.items()} for axis, of in parts.items()}
    # Departures of those put forward are the people whom somebody said no to: what one table withholds all do.
    hidden = {(axis, group) for axis, found in suppress(cells, least).items() for group in found}
    hidden |= {(axis, group) for _, _, axis, group in withheld.withheld(yes)}
    everywhere = frozenset((None, item["stage"], *name) for item in yes for name in hidden)
    return Oversight(
        family="",
        as_of=None,
        status="ok",
        **counts,
        decided=human.height,
        people=human["person_id"].n_unique(),
        departed=_share(is_over, human["person_id"]),
        agreed=agreement(told, _share(is_over, human["person_id"])),
        turned_down=_share(is_over.filter(part[FORWARD]), human["person_id"].filter(part[FORWARD])),
        brought_back=_share(is_over.filter(part[BACK]), human["person_id"].filter(part[BACK])),
        waited_days=tuple(human["waited_days"].quantile(q, "linear") for q in QUANTILES),
        groups=tuple(_by_group(parts, cells, hidden)),
        judgements=tuple(withheld.for_all(yes, everywhere, is_split=True)),
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


def agreement(decided: pl.DataFrame, departed: Estimate | None) -> Estimate | None:
    """How far decisions agree with recommendations beyond chance: Cohen's kappa (1960).

    Where few are put forward almost all agree by chance: nine of ten recommendations that say no, and people who turn
    down nine of ten without looking, agree on 82%.

    Args:
        decided: [n] is_recommended, is_yes.
        departed: The share that differs, with its interval; that of kappa is it, with both rates of yes as they are.

    Returns:
        From -1 to 1. None without decisions, and where both say the same of everybody.
    """
    if departed is None or departed.low is None or departed.high is None or departed.value is None:
        return None
    said, done = (float(decided[name].to_numpy().mean()) for name in ("is_recommended", "is_yes"))
    by_chance = said * done + (1 - said) * (1 - done)
    if by_chance == 1:
        return None
    value, low, high = (1 - share / (1 - by_chance) for share in (departed.value, departed.high, departed.low))
    return Estimate(value=value, low=max(low, -1.0), high=high)


def _by_group(
    parts: Mapping[str, Mapping[str, pl.DataFrame]],
    cells: Mapping[str, Mapping[str, Cell]],
    hidden: Collection[tuple[str, str]],
) -> Iterator[OversightGroup]:
    """Groups in order; no numbers of those that are withheld."""
    for axis, of in parts.items():
        for group, rows in of.items():
            about = OversightGroup(axis=axis, group=group)
            if (axis, group) not in hidden:
                departed, waited = _share(rows["is_over"], rows["person_id"]), rows["waited_days"].median()
                numbers: dict[str, Any] = {"people": cells[axis][group].people, "decided": rows.height}
                numbers |= {"agreed": agreement(rows, departed), "departed": departed, "waited_days": waited}
                about = about.model_copy(update=numbers)
            yield about


def _counted(rows: pl.DataFrame) -> Cell:
    """With how many were put forward, which the judgements of both parts tell."""
    counts = (int(rows[name].sum()) for name in ("is_over", "is_recommended"))
    return Cell(rows["person_id"].n_unique(), rows.height, tuple(counts))


def _parts(told: pl.DataFrame, axis: str) -> Iterator[tuple[str, pl.DataFrame]]:
    named = told.with_columns(pl.col(axis).cast(pl.String).fill_null(UNKNOWN))
    for (group,), rows in sorted(named.partition_by(axis, as_dict=True).items()):
        yield str(group), rows


def _judgements(
    name: str,
    part: pl.DataFrame,
    groups: pl.DataFrame,
    forty: pl.DataFrame | None,
    *,
    unit: tuple[str, ...],
    sizes: tuple[int, int],
) -> list[dict[str, Any]]:
    """Whom people say yes to, among those for whom the recommendation was the same."""
    subject = next(column for column in unit if column != "person_id")
    key = ["person_id", pl.col(subject).alias("subject")]
    units = part.group_by(key).agg(pl.col("on").max(), is_selected=pl.col("is_yes").any()).sort("person_id", "subject")
    min_group_size, told_from = sizes
    reports = evaluated.reports(units.with_columns(stage=pl.lit(name)), groups, min_group_size, forty)
    return [report.pool.to_dict() | {withheld.TOLD_FROM: told_from} for report in reports]
