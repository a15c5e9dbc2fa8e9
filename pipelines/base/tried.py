"""The alternatives to a family's model that `params.yaml` declares, and the names of the files in which they meet.

weighed     weights.parquet: an axis a column, a row a case in the order of examples.parquet; weights.json says which
candidates  <name>/ with all that a trained model consists of, and valid.parquet, its scores of the validation cases
trained     the one taken, as it lies in `candidates`, and alternatives.json: what was tried, and why this one
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from pipelines.base.settings import Section, Share

WEIGHTS: Final = "weights.parquet"
WEIGHTS_ABOUT: Final = "weights.json"
VALID: Final = "valid.parquet"
"""row (of examples.parquet, whose person it is about), subject_id, target_code, score. No pseudonym: it is cached."""
ALTERNATIVES: Final = "alternatives.json"
DECLARED: Final = "declared"
"""Name of the model that the family's own numbers make."""
BEST: Final = "best"
WEIGHABLE: Final[Mapping[str, tuple[str, ...]]] = {"sex": ("female", "male")}
"""Axes that people may be weighed on, each with the groups that the weights tell apart; a list that grew would draw new
answers of everybody. No axis whose groups change by themselves, as those of age do: a change of answer would tell."""

Margin = Annotated[float, Field(ge=0, lt=1)]


class Alternative(Section):
    """What is done otherwise than for the declared model; at least one thing."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
    drop: tuple[str, ...] = ()
    """Inputs that it is not shown, with all columns made from the same source."""
    train: dict[str, Any] = Field(default_factory=dict)
    """Numbers of the family's `train` that are others here."""
    reweigh: str | None = None
    """Axis of `WEIGHABLE` on which people are weighed so that it tells less of the outcome."""

    @model_validator(mode="after")
    def _is_another(self) -> "Alternative":
        if self.name in (DECLARED, BEST):
            raise ValueError(f"an alternative cannot be called {DECLARED} or {BEST}")
        if not (self.drop or self.train or self.reweigh):
            raise ValueError("an alternative must drop, train or reweigh something")
        if self.reweigh and self.reweigh not in WEIGHABLE:
            raise ValueError(f"people can be weighed on {', '.join(WEIGHABLE)} only")
        return self


class Alternatives(Section):
    """`alternatives` of a family, as training reads it."""

    model_config = Section.model_config | {"extra": "ignore"}

    tried: tuple[Alternative, ...]
    """In this order; none at all where a family's models are compared with no other."""

    @model_validator(mode="after")
    def _has_names(self) -> "Alternatives":
        if len({one.name for one in self.tried}) < len(self.tried):
            raise ValueError("each alternative must have a name of its own")
        return self


class Taken(Section):
    """`alternatives` of a family, as the choice reads it."""

    model_config = Section.model_config | {"extra": "ignore"}

    take: Literal["best"] | str  # noqa: PYI051  the word that is not a name is worth a place in the type
    """`best`: by the rule. Otherwise the name of the one to take: a better alternative then must be explained."""


class Choose(Section):
    """`choose`: what counts as equal when one of several models is taken."""

    validity_margin: Margin
    """How far below the declared model is as valid, as a share of its figure; to be taken, the interval lies above."""
    ratio_margin: Margin
    """Impact ratios no further apart are equal."""
    selected_margin: Share
    """How far the share of selected cases may lie from the declared model's, as a share of that."""
