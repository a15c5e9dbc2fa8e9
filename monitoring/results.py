"""What each check leaves in the store's reports zone, and what `report` and the Compliance page read there.

Counts and shares only: no row of a person, no pseudonym. A number that does not exist is null, never 0.
"""

import math
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from pipelines.base.catalog import REPORTS
from pipelines.base.store import Store

Status = Literal[
    "ok",
    "no_scores",
    "no_release",
    "too_few_rows",
    "insufficient_labels",
    "no_earlier_scores",
    "no_groups",
    "no_decisions",
    "nobody_decides",
    "not_estimable",
]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_known)]
"""None where there is no finite number."""


class Result(BaseModel):
    """Immutable, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnDrift(Result):
    """One input column now, against training."""

    column: str
    kind: Literal["numeric", "categorical"]
    psi: Number
    noise: Number
    """What chance alone stays below in samples of this size."""
    psi_previous: Number
    """Against the scoring before this one; None without one."""
    is_drifted: bool
    missing_share: Number
    missing_share_before: Number
    labels: tuple[str, ...]
    expected: tuple[Number, ...]
    """Shares at training, bin by bin."""
    actual: tuple[Number, ...]


class Drift(Result):
    """All inputs of one scoring, against the reference profile of the release that scored."""

    family: str
    as_of: date | None
    status: Status
    release: str | None = None
    scored_on: date | None = None
    """Whose inputs these are; the newest scoring by `as_of`."""
    rows: int = 0
    previous_as_of: date | None = None
    sample: str = ""
    """What the Evidently report compares, and how many rows."""
    columns: tuple[ColumnDrift, ...] = ()
    drifted_share: Number = None
    evidently: dict[str, Any] | None = None


class Estimate(Result):
    """A figure with its interval."""

    value: Number
    low: Number
    high: Number


class Performance(Result):
    """A model on outcomes that arrived after it scored."""

    family: str
    as_of: date | None
    status: Status
    release: str | None = None
    metric: str = ""
    is_higher_better: bool = True
    labelled: int = 0
    """Cases whose outcome has arrived."""
    scored: int = 0
    """Cases scored before."""
    model: Estimate | None = None
    baseline: Estimate | None = None
    """The baseline on the same cases; None when it did not score them."""
    model_at_release: Estimate | None = None
    baseline_at_release: Estimate | None = None
    drop: Number = None
    """How much worse than at release, as a share of the figure at release; below 0 when better."""


class EstimatedGroup(Result):
    """What scores promise of one group, and what was found; no numbers where it is small."""

    axis: str
    """Empty for everybody."""
    group: str
    open: int | None = None
    """Cases of the newest scoring whose outcome nobody knows."""
    estimated: Estimate | None = None
    """The metric that labels of the open cases will show, if scores hold what they promise."""
    labelled: int | None = None
    """Cases whose outcome arrived after their score; None where there are too few."""
    promised: Estimate | None = None
    """What the scores of those promised."""
    found: Number = None
    """The truth on the same cases."""
    is_within: bool | None = None
    """Whether it lies in the promised band; None where either is unknown."""


class Estimated(Result):
    """Performance where outcomes are not known, from the scores alone."""

    family: str
    as_of: date | None
    status: Status
    """`not_estimable`: its scores are no chances and its release states no coverage of intervals."""
    release: str | None = None
    metric: str = ""
    groups: tuple[EstimatedGroup, ...] = ()
    """Everybody first."""


class Axis(Result):
    """One attribute, judged over all people or over those of one subject."""

    source: Literal["human", "model"]
    """Past human decisions, or what the model now selects."""
    stage: str
    subject: str | None
    judgement: dict[str, Any]
    """`pipelines.fairness.AxisJudgement.to_dict()`."""

    @property
    def verdict(self) -> str:
        """The axis' verdict word."""
        return str(self.judgement["verdict"])

    @property
    def is_hidden(self) -> bool:
        """Whether a group fails here and looks better over all subjects, or all stages, together."""
        return bool(self.judgement["is_hidden_in_pool"])


class Tally(Result):
    """How many subjects have which verdict on one attribute, those too that are not listed one by one."""

    source: Literal["human", "model"]
    stage: str
    axis: str
    verdicts: dict[str, int]


class Bias(Result):
    """Selection by protected attribute: past human decisions, and the model's selections."""

    family: str
    as_of: date | None
    status: Status
    release: str | None = None
    favourable: str = ""
    """What counts as selected, in words."""
    headlines: tuple[str, ...] = ()
    """The first lines of the report, most serious first."""
    hidden: tuple[str, ...] = ()
    """Those of them that pooling hides: the very first lines."""
    headlines_for_all: tuple[str, ...] | None = None
    """The same lines for everybody but compliance: without figures that would tell of few people. None in results from
    before they were kept, whose lines are made for everybody."""
    hidden_for_all: tuple[str, ...] | None = None
    pools: tuple[Axis, ...] = ()
    subjects: tuple[Axis, ...] = ()
    """Those that are ADVERSE or INVESTIGATE, worst first; `bias.sealed` has the counts of all."""
    tallies: tuple[Tally, ...] = ()
    """All subjects, counted; empty in reports from before they were kept, whose `subjects` are all."""
    lists: tuple[dict[str, Any], ...] = ()
    """Who is seen in the lists of the newest scoring, ordered by score: axis and groups, as `evaluate.parity` tells it.
    Empty where nobody is shown a list of people, and in reports from before it was measured."""
    people: int = 0
    without_groups: int = 0
    """People of whom no protected attribute at all is known."""
    sample: str = ""


class OversightGroup(Result):
    """What people decided about one group after they could see its scores; no numbers where it is small."""

    axis: str
    group: str
    people: int | None = None
    decided: int | None = None
    departed: Estimate | None = None
    agreed: Estimate | None = None
    waited_days: Number = None
    """Median, from the first score to the decision."""


class Oversight(Result):
    """Decisions by people after a score, against what the score recommended."""

    family: str
    as_of: date | None
    status: Status
    """`nobody_decides`: no human takes a yes or no on this family's scores; `no_decisions`: none was taken yet."""
    release: str | None = None
    decided: int = 0
    """Decisions by people about cases that the live model had scored before."""
    people: int = 0
    """Whom they are about."""
    by_rule: int = 0
    """Decisions after a score that no person took."""
    by_nobody_named: int = 0
    """Decisions after a score of which the export does not say who took them."""
    by_other_models: int = 0
    """Decisions after a score of a model that is not the live one."""
    without_score: int = 0
    """Decisions without a score before them; they say nothing about oversight."""
    departed: Estimate | None = None
    """Share of the decisions that differ from the recommendation."""
    agreed: Estimate | None = None
    """Agreement beyond chance (Cohen's kappa): 1 always, 0 as often as two who say yes as often as these would without
    having seen the same case; null where all say the same, and nobody can tell."""
    turned_down: Estimate | None = None
    """Of those put forward, the share turned down."""
    brought_back: Estimate | None = None
    """Of those not put forward, the share advanced all the same."""
    waited_days: tuple[Number, Number, Number] | None = None
    """Quantiles .1, .5 and .9 of the days from the first score to the decision."""
    groups: tuple[OversightGroup, ...] = ()
    judgements: tuple[dict[str, Any], ...] = ()
    """Whom people say yes to among those with the same recommendation, as `pipelines.fairness.AxisJudgement.to_dict()`;
    `stage` says which recommendation."""


class Finding(Result):
    """Something that needs a person, or a retrain."""

    rule: str
    subject: str
    """Column, metric or subject it is about."""
    text: str
    value: Number = None
    bound: Number = None
    is_alert: bool = True
    """False for what is only worth knowing."""


class Findings(Result):
    """The outcome of one day's monitoring of one family."""

    family: str
    as_of: date | None
    release: str | None = None
    """Whose scores it is about; None in reports from before that was kept."""
    retrain: bool
    reasons: tuple[str, ...]
    """Rules for which a retrain is asked for now."""
    held_back: tuple[str, ...] = ()
    """Rules that would ask, but asked within the cooldown."""
    findings: tuple[Finding, ...]


R = TypeVar("R", bound=Result)


def key(family: str, as_of: date, name: str) -> str:
    """Key of a report in the store, such as `reports/screening/2026-10-31/drift.json`."""
    return f"{REPORTS}/{family}/{as_of:%Y-%m-%d}/{name}"


def save(store: Store, result: Result, family: str, as_of: date, name: str) -> None:
    """Write a result as JSON; the same result gives the same bytes."""
    store.put(key(family, as_of, name), told(result))


def told(result: Result) -> bytes:
    """A result as JSON, as it is stored and served."""
    return result.model_dump_json(indent=1).encode() + b"\n"


def saved(store: Store, model: type[R], family: str, as_of: date, name: str) -> R | None:
    """A result written before; None when that check has not run."""
    place = key(family, as_of, name)
    return model.model_validate_json(store.read(place)) if store.exists(place) else None
