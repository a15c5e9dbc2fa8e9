"""What a package says beside its counts: which model and days, whose audit, and why the data are what they are."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pipelines.base.errors import SettingsError
from pipelines.fairness.law.packs import Category

FORMAT: Final = 3
"""Raised when a package's files change in form: `verify` makes only packages of its own format again."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_PRINTED: Final = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$"
"""No character that steers a terminal, turns the direction of writing or breaks a line."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20, max_length=4000, pattern=_PRINTED)]
"""A sentence that will be printed: one line, long enough to say something."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PRINTED)]


class Facts(BaseModel):
    """Everything about one audit that is no count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3] = FORMAT
    family: Name
    model: Name
    """What people call it, such as `screening release 3`."""
    model_sha256: Digest
    data_sha256: Digest
    """Of what the model learned from."""
    since: date
    until: date
    """First and last day as of which scores are counted: no score rests on anything known later than its day."""
    scored_as_of: tuple[date, ...]
    """The days between as of which this model scored."""
    scored_on: tuple[date, ...]
    """The days on which it did so, as the ledger has them; none for a candidate."""
    lost_scorings: Annotated[int, Field(ge=0)]
    """Other scorings of the period on record whose rows a later one took the place of, or whose day was let go."""
    forgotten_rows: Annotated[int, Field(ge=0)]
    """Scores of people who were forgotten since."""
    median: Annotated[float, Field(allow_inf_nan=False)]
    ties: Annotated[int, Field(ge=0)]
    extract_sha256: Digest
    audited_on: date
    distributed_on: date | None
    """Day the tool was first used; None before that."""
    source: Literal["historical", "pooled", "test"]
    """6 RCNY 5-302: from the employer's own use, from several employers', or made for the audit."""
    explanation: Text
    """Of the data, for the public."""
    why_not_historical: Text | None
    """Why data of the employer's own use were not used, and how these came to be."""
    auditor: Text | None
    """Name of the independent auditor and that they have no tie; None where nobody recomputed the package yet."""
    exclusion_justification: Text | None
    """The auditor's, for leaving categories below the law's share out of the ratios; None leaves none out."""
    law: Literal["us-nyc-ll144"]
    law_sha256: Digest
    categories: tuple[Category, ...]
    small_share: Annotated[Decimal, Field(gt=0, lt=1, decimal_places=6)]
    rules: Name
    """Rule pack of the verdicts."""
    min_group_size: Annotated[int, Field(ge=1)]
    """People; verdicts judge no smaller group."""
    made_by_sha256: Digest
    """Of the code and libraries that made verdicts and pages: those of another day may make them otherwise."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.since <= self.until <= self.audited_on:
            raise ValueError("the period must begin before it ends, and end no later than the audit")
        days = self.scored_as_of
        if not days or list(days) != sorted(set(days)) or not self.since <= days[0] <= days[-1] <= self.until:
            raise ValueError("days as of which people were scored must be there, in order, and lie in the period")
        if list(self.scored_on) != sorted(set(self.scored_on)) or (self.source == "historical" and not self.scored_on):
            raise ValueError("days of scoring must be in order, and historical data have some")
        if self.scored_on and self.scored_on[-1] > self.audited_on:
            raise ValueError("the audit must be no earlier than the last scoring that it counts")
        if (self.source == "historical") != (self.why_not_historical is None):
            raise ValueError("other than historical data need their reason, and historical data need none")
        if self.source == "historical" and self.distributed_on is None:
            raise ValueError("historical data come from use, so they need the day of first use")
        if self.source == "historical" and self.distributed_on and self.distributed_on > self.scored_on[0]:
            raise ValueError("historical data come from use, so the first use must be no later than the first scoring")
        if self.exclusion_justification is not None and self.auditor is None:
            raise ValueError("only an independent auditor may leave categories out (6 RCNY 5-301(d)), so one is named")
        return self

    def to_json(self) -> bytes:
        """Canonical bytes, a fact a line."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def stated(values: Mapping[str, Any]) -> Facts:
    """Facts from what a command line or a file says.

    Raises:
        SettingsError: Names every fault at once.
    """
    try:
        return Facts.model_validate(values)
    except ValidationError as error:
        faults = [f"{_place(item['loc']) or 'days'}: {item['msg']}" for item in error.errors(include_url=False)]
        raise SettingsError(f"The facts of an audit must be complete; {'; '.join(faults)}. Correct them.") from None


def _place(path: Sequence[Any]) -> str:
    """Where a fault is; a name that is none of ours is somebody else's text."""
    return ".".join(str(word) if word in Facts.model_fields else repr(word)[:100] for word in path)
