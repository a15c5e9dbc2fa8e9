"""Judgements read back from `groups.json`, and what they could not say.

Strict where a verdict is at stake: a row without a verdict, or with an unheard-of one, is no evidence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field, model_validator

from pipelines.base.wording import counted
from pipelines.fairness.counting import UNKNOWN, crossed_name
from pipelines.fairness.rules import RULES, Reason, Verdict, worst
from pipelines.fairness.withheld import marked

BY_SUBJECT: Final = "by_subject"
"""The group name of the gap that covers subjects too small to judge alone: one per axis, not one per subject."""
EVERYONE: Final = "everyone"
"""The group name of the gap of an axis whose rows do not say what is missing."""
INTERSECTIONS: Final = "intersections"
"""The axis name of the gap that no two attributes are known of people, so that none were judged together."""
ALTERNATIVE: Final = "alternative"
"""The axis name of the gap that a model was taken though another is less discriminatory at equal validity."""
LESS_DISCRIMINATORY: Final = "less_discriminatory_alternative"
"""Its code: whoever approves must also say in writing why."""
UNSURE: Final = "alternative_unsure"
"""The axis name, and code, of the gap that another may be less discriminatory at equal validity: by chance or not."""
NOT_COMPARED: Final = "alternative_unknown"
"""The axis name, and code, of the gap that nobody knows whether another is less discriminatory or as valid."""
NONE_TRIED: Final = "none_tried"
"""The group name, and code, of the gap that no alternative was looked for; its axis is `ALTERNATIVE`, plural."""
STAND_IN: Final = "stand_in"
"""The axis name, and code, of the gap that an input orders a protected group, for a declared reason or by chance."""
UNTOLD: Final = "its figures would tell of few people"
"""What is told of a group whose figures are not."""
_IN_WORDS: Final[Mapping[str, str]] = {
    Reason.BELOW_FOUR_FIFTHS: "the impact ratio is below four fifths",
    Reason.NOT_SIGNIFICANT: "chance may explain it",
    Reason.FLIPS_WITH_ONE_PERSON: "one different decision would undo it",
    Reason.LOW_POWER: "too few to see a gap that matters",
    Reason.BELOW_MIN_GROUP_SIZE: "fewer than a group must have to be judged",
    Reason.UNKNOWN_GROUP: "their group is not known",
    Reason.NO_COMPARISON: "no other group is large enough to be compared with",
    Reason.NOBODY_SELECTED: "nobody was selected, so that there is no rate to compare",
}
"""Why too little is known, for whoever is asked to accept it."""
_SEEN: Final = (Verdict.ADVERSE, Verdict.INVESTIGATE)


class Row(BaseModel):
    """One group."""

    group: str
    n: Annotated[int, Field(ge=0)]
    selected: Annotated[int, Field(ge=0)]
    verdict: Verdict
    reasons: tuple[str, ...]
    people: Annotated[int, Field(ge=0)] | None = None
    is_reference: bool = False
    impact_ratio: float | None = None
    low: float | None = None
    high: float | None = None

    def told(self, *, has_ratio: bool = True) -> str:
        """The rate with its counts, and the impact ratio with its interval where there is one and it may be told."""
        rate = f"{self.group} {self.selected / self.n if self.n else 0:.0%} ({self.selected} of {self.n})"
        if not has_ratio or self.impact_ratio is None or self.low is None or self.high is None:
            return rate
        return f"{rate}, impact ratio {self.impact_ratio:.2f} [{self.low:.2f} to {self.high:.2f}]"

    @property
    def is_unknown(self) -> bool:
        """Whether these are the people whose answer is missing."""
        return self.group == UNKNOWN

    @property
    def is_cleared(self) -> bool:
        """Whether the row says that no gap was seen where one would have been."""
        return self.verdict is Verdict.NO_EVIDENCE


class Axis(BaseModel):
    """One axis, over all people or over those of one subject."""

    axis: str
    stage: str | None = None
    subject: str | None = None
    verdict: Verdict
    groups: tuple[Row, ...]
    is_hidden_in_pool: bool = False
    """A group fails here and looks better over all people together."""
    min_group_size: Annotated[int, Field(ge=1)] | None = None
    small_groups: tuple[str, ...] = ()
    withheld: tuple[str, ...] | None = None
    """Groups whose figures are for compliance alone; None in evidence from before they were kept."""

    @property
    def worst(self) -> Verdict:
        """The axis' own verdict or a row's, whichever is worse: a summary cannot hide a row."""
        return worst([self.verdict, *(row.verdict for row in self.groups)])

    @property
    def told(self) -> str:
        """The groups with the worst verdict, in words: where, who, and how many where no few people would follow."""
        where = f"{self.subject}, {self.axis}" if self.subject else self.axis
        hides = " (pooling hides it)" if self.is_hidden_in_pool else ""
        gone = self.withheld or ()
        has_ratio = not any(row.is_reference and row.group in gone for row in self.groups)
        rows = [row for row in self.groups if row.verdict is self.worst]
        said = [f"{r.group} ({UNTOLD})" if r.group in gone else r.told(has_ratio=has_ratio) for r in rows]
        return f"{where}: {'; '.join(said)}{hides}"


class Tally(BaseModel):
    """How many subjects of one axis have which verdict."""

    axis: str
    stage: str | None = None
    min_group_size: Annotated[int, Field(ge=1)]
    """People from which a group was judged."""
    verdicts: dict[Verdict, Annotated[int, Field(ge=0)]]

    @property
    def subjects(self) -> int:
        """All of them."""
        return sum(self.verdicts.values())

    def of(self, verdict: Verdict) -> int:
        """Those with a verdict as their worst."""
        return self.verdicts.get(verdict, 0)

    @property
    def worst(self) -> Verdict:
        """The worst that a subject has; INSUFFICIENT_DATA without subjects."""
        return worst(verdict for verdict, subjects in self.verdicts.items() if subjects)


class Judgements(BaseModel):
    """All judgements of one source, such as the model's selections."""

    axes: tuple[Axis, ...]
    by_subject: tuple[Axis, ...]
    """Subjects that are ADVERSE or INVESTIGATE on an axis."""
    tallies: tuple[Tally, ...]
    """One an axis and stage, over all subjects."""

    @model_validator(mode="after")
    def _withholding(self) -> Self:
        """What evidence from before has not on record is worked out: its words are read by all."""
        self.axes = _marked(self.axes)
        self.by_subject = _marked(self.by_subject, self.axes)
        return self

    @property
    def unlisted(self) -> int:
        """Subjects that a tally has as ADVERSE or INVESTIGATE and that are not listed, or the reverse."""
        counted = Counter({(t.axis, t.stage, verdict): t.of(verdict) for t in self.tallies for verdict in _SEEN})
        listed = Counter((axis.axis, axis.stage, axis.worst) for axis in self.by_subject)
        return sum(abs(counted[key] - listed[key]) for key in counted | listed)

    @property
    def intersections(self) -> tuple[str, ...]:
        """Pairs of axes that the rule pack wants judged together, of the axes that are there."""
        there = {axis.axis for axis in self.axes}
        return tuple(crossed_name(a, b) for a, b in RULES.intersections if {a, b} <= there)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Axes, by name, of which a part of what was to be judged is not there, or is there twice.

        Every axis of a stage must have one tally of at least one subject, and all axes of a stage must be about the
        same people, the same selected ones and the same subjects: an axis that lost rows or subjects speaks of fewer.
        """
        axes, tallies = Counter((a.axis, a.stage) for a in self.axes), Counter((t.axis, t.stage) for t in self.tallies)
        odd = {key for key in axes | tallies if (axes[key], tallies[key]) != (1, 1)}
        odd |= {(tally.axis, tally.stage) for tally in self.tallies if not tally.subjects}
        people = {(a.stage, sum(row.n for row in a.groups), sum(row.selected for row in a.groups)) for a in self.axes}
        subjects = {(tally.stage, tally.subjects) for tally in self.tallies}
        each = (Counter(stage for stage, *_ in found) for found in (people, subjects))
        unlike = {stage for found in each for stage, seen in found.items() if seen > 1}
        odd |= {key for key in axes if key[1] in unlike}
        return tuple(sorted({axis for axis, _ in odd}))

    @property
    def has_known(self) -> bool:
        """Whether anyone's group is known on any axis."""
        return self.known_share > 0

    @property
    def known_share(self) -> float:
        """Share of the people judged whose group is known on the best known axis; 0 without any axis or people."""
        return max((_known_share(axis) for axis in self.axes), default=0.0)


class Groups(Judgements):
    """The content of groups.json: the model's selections, which are judged, and people's before it, which are shown."""

    human: Judgements


@dataclass(frozen=True, slots=True)
class Gap:
    """What the numbers could not say about one group."""

    axis: str
    group: str
    code: str
    reason: str

    @property
    def name(self) -> str:
        """What approvers accept it by."""
        return f"{self.axis}:{self.group}"


def hidden(by_subject: Iterable[Mapping[str, Any]], pools: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """What is told first of all: subjects that fail while all together look better.

    Args:
        by_subject: As a verdict has them.
        pools: Its judgements over all subjects, which say what may not be told of one beside them.
    """
    every = _marked([Axis.model_validate(item) for item in pools])
    subjects = _marked([Axis.model_validate(item) for item in by_subject], every)
    failed = [axis for axis in subjects if axis.is_hidden_in_pool and axis.worst is Verdict.ADVERSE]
    return [f"{axis.told}. {axis.worst}." for axis in failed]


def _marked(axes: Sequence[Axis], pools: Sequence[Axis] = ()) -> tuple[Axis, ...]:
    if all(axis.withheld is not None for axis in axes):
        return tuple(axes)
    plain = [axis.model_dump(exclude={"withheld"} if axis.withheld is None else None) for axis in axes]
    told = marked(plain, [axis.model_dump() for axis in pools])
    return tuple(
        axis.model_copy(update={"withheld": tuple(item["withheld"])}) for axis, item in zip(axes, told, strict=True)
    )


def gaps(groups: Judgements) -> Iterator[Gap]:
    """Everything about groups that the numbers could not say; nothing when no groups are known at all."""
    if not groups.has_known:
        return
    if not groups.intersections:
        reason = f"No two axes that {RULES.code} crosses are known: what fails only where two meet is not seen."
        yield Gap(INTERSECTIONS, EVERYONE, "no_intersection", reason)
    for axis in groups.axes:
        rows = [_gap(axis, row) for row in axis.groups if row.is_unknown or _is_open(row.verdict)]
        yield from rows
        yield from (_chance(axis, row) for row in axis.groups if Reason.NOT_SIGNIFICANT_AFTER_CORRECTION in row.reasons)
        if not rows and _is_open(axis.worst):
            yield Gap(axis.axis, EVERYONE, "insufficient_data", "The axis as a whole has too little data to be judged.")
        told = [tally for tally in groups.tallies if (tally.axis, tally.stage) == (axis.axis, axis.stage)]
        weak, single = sum(t.of(Verdict.INSUFFICIENT_DATA) for t in told), sum(t.subjects for t in told)
        if weak:
            subjects = f"of {counted(single, 'subject', 'subjects')} {'has' if weak == 1 else 'have'}"
            reason = f"{weak} {subjects} too little data to be judged alone."
            yield Gap(axis.axis, BY_SUBJECT, "subjects_insufficient", reason)


def _chance(axis: Axis, row: Row) -> Gap:
    """By itself it would be ADVERSE, among all that were compared it may be chance: somebody must say yes to it."""
    decisions = counted(row.n, "decision", "decisions")
    reason = f"What was seen of {row.group}, in {decisions}, may be chance among the groups compared."
    return Gap(axis.axis, row.group, Reason.NOT_SIGNIFICANT_AFTER_CORRECTION, reason)


def _known_share(axis: Axis) -> float:
    people = sum(row.n for row in axis.groups)
    return sum(row.n for row in axis.groups if not row.is_unknown) / people if people else 0.0


def _is_open(verdict: Verdict) -> bool:
    return verdict is Verdict.INSUFFICIENT_DATA


def _gap(axis: Axis, row: Row) -> Gap:
    code = "unknown_group" if row.is_unknown else "insufficient_data"
    # It is told to whoever approves, and beside documents: how many were selected of few people is not.
    why = ", ".join(_IN_WORDS.get(code, code) for code in row.reasons) or "no reason given"
    people = row.n if row.people is None else row.people  # of a pool, `n` are decisions
    reason = f"{counted(people, 'person', 'people')}: {why}."
    return Gap(axis.axis, row.group, code, reason)
