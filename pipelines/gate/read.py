"""What the gate reads: its numbers, and of each file of evidence what it needs.

A file that is not of this form is a finding that holds (`judged.parsed`). Null is not a number, and neither is NaN.
"""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from pipelines.base.settings import Count, Section, Share
from pipelines.base.tried import DECLARED
from pipelines.fairness import Verdict
from pipelines.fairness.alternatives import Tried
from pipelines.fairness.evidence import UNTOLD

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class GateSettings(Section):
    """`gate` in params.yaml."""

    slice_drop: Share
    """How much worse the model may be for a group or subject than for all, as a share of the figure for all."""
    min_group_size: Count
    """People a group must have to be judged."""
    min_known_share: Share
    """Share of people whose group must be known on some axis; below it there is no group data to speak of."""


class Declared(Section):
    """Of a family's section, what no number says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    purpose: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]
    """What the family's models are for. Whoever approves a verdict approves it for this."""


class Number(BaseModel):
    """A number; null is none, and neither is NaN."""

    value: float


class Estimate(Number):
    """A number with its 95 % interval."""

    low: float
    high: float


class DataCheck(BaseModel):
    """One check of the data the model was trained or judged on."""

    check: str
    passed: StrictBool
    reason: str


class Slice(BaseModel):
    """The metric for one group or subject."""

    axis: str
    slice: str
    n: Count
    model: Estimate
    is_told: StrictBool = True
    """Whether to everybody: the reason of a finding is read by all."""

    @property
    def told(self) -> str:
        """In words."""
        figures = f"{self.model.value:.3f} [{self.model.low:.3f}, {self.model.high:.3f}]"
        return f"{self.slice} {figures if self.is_told else f'({UNTOLD})'}"


class Slices(BaseModel):
    """The metric for all that have enough people, and how many have not."""

    judged: tuple[Slice, ...]
    too_few: dict[str, Count]


class StandIn(BaseModel):
    """An input that alone tells a protected group, or may; the data check holds where that is sure and unexplained."""

    input: str
    axis: str
    group: str
    single: float
    single_low: float
    is_sure: StrictBool
    reason: str | None


class Coverage(BaseModel):
    """How many outcomes of a group, or its scores at the end, lie in the intervals that were told."""

    foreseen: Literal["outcome", "grade"]
    axis: str
    group: str
    people: Count
    promised: float
    share: float
    is_below: StrictBool


class Metrics(BaseModel):
    """What the gate needs of metrics.json."""

    family: str
    higher_is_better: StrictBool
    n: Count
    model: Estimate
    baseline: Number
    slices: Slices
    difference: Estimate
    data_checks: tuple[DataCheck, ...]
    to_accept: tuple[StandIn, ...]
    intervals: tuple[Coverage, ...]
    model_sha256: Sha256
    data_sha256: Sha256
    lake_sha256: Sha256
    as_of: str


class Card(BaseModel):
    """What the gate needs of card.json."""

    model_sha256: Sha256
    data_sha256: Sha256
    params_sha256: Sha256 | None = None


class Served(BaseModel):
    """What the gate needs of served.json."""

    family: str
    model_sha256: Sha256
    checks: tuple[DataCheck, ...]


class Unsure(BaseModel):
    """A number with its 95 % interval, of which any may not exist."""

    value: float | None
    low: float | None
    high: float | None


class Candidate(BaseModel):
    """One model that was tried."""

    name: str
    what: str
    model_sha256: Sha256
    metric: Unsure
    difference: Unsure
    selected_share: float | None
    impact_ratio: Unsure
    gain: Unsure
    axis: str | None
    group: str | None
    verdict: Verdict | None
    is_equal: StrictBool

    @property
    def tried(self) -> Tried:
        """For the rule: null is unknown. The declared model differs from itself by nothing."""
        is_declared = self.name == DECLARED
        return Tried(
            self.name,
            0.0 if is_declared else _number(self.difference.value),
            0.0 if is_declared else _number(self.difference.low),
            0.0 if is_declared else _number(self.difference.high),
            _number(self.selected_share),
            _number(self.impact_ratio.value),
            _number(self.gain.low),
        )


class Equal(BaseModel):
    """What counted as equal, in the units of `fairness.alternatives.Margins`."""

    validity: Annotated[float, Field(ge=0, lt=1)]
    impact_ratio: Annotated[float, Field(ge=0, lt=1)]
    selected_share: Annotated[float, Field(ge=0, lt=1)]


class Choice(BaseModel):
    """What the gate needs of alternatives.json."""

    family: str
    metric: str
    n: Annotated[int, Field(ge=0)]
    take: str
    chosen: str
    why: str
    margins: Equal
    alternatives: tuple[Candidate, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> "Choice":
        names = [one.name for one in self.alternatives]
        if len(set(names)) < len(names) or not {DECLARED, self.chosen} <= set(names):
            raise ValueError("the declared model and the one taken must be among the models tried, each once")
        return self

    @property
    def model_sha256(self) -> str:
        """Of the model taken."""
        return next(one.model_sha256 for one in self.alternatives if one.name == self.chosen)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
