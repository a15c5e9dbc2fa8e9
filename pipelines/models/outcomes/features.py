"""Will this person complete or pass what they enrolled in? Cases and their features, early in the run.

The prediction is made at one moment of an enrolment: `horizon_days` after its start, or after `horizon_share` of the
time to its due date where that comes first. Who has finished or left by then is not asked about. Every feature rests
on what had happened by that moment. The favourable outcome is to complete or pass; failing, leaving and running out
of time are the other one.

Beside whether, it is asked with what score: that of the end, or where the source gives none, the mean of what was
handed in. Who left or ran out of time has none.

Who takes a run again, or a course without runs, has a case an enrolment, each as known at its own moment: what ended
the first is what ended it, whatever came later. One that another took the place of before it ended came to no end, and
is no case.

subject_id is the course, target_code the run (`open` for a course without runs). Of several enrolments in it the one
that was told first has this name, so that a stored score finds its own outcome when an older one is told of later; each
other has its moment in it: `open@2026-03-01T08:00:00Z`. The name changes hands where nothing tells any more which was
first: when retention takes that one away, and when its source dates a correction of it after the next.

Nothing here reads a protected attribute, and tenure and country are left out on purpose: they stand for age and origin.
"""

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from pipelines.base.days import end_of
from pipelines.base.settings import Count, Positive, Section, Share
from pipelines.models import GRADE, Tables, asof
from pipelines.models.outcomes import history

TABLES: Final = ("enrolments", "learning_events", "courses", "workers", "work_records")
VERSIONED: Final = ("courses", "workers")
METRIC: Final = "auc"
UNIT: Final = ("person_id", "subject_id")
DECISIONS: Final = ()
REACHED: Final = ("enrolments", "learning_events")

COMPLETED: Final = ("completed", "passed")
GRADED: Final = (*COMPLETED, "failed")
"""Ends that come with a score."""
ENDED: Final = (*GRADED, "withdrawn", "expired")

NUMERIC: Final = (
    "lead_days",
    "duration_minutes",
    "credits",
    "prior_attempts",
    "submitted_due_share",
    "submitted_ahead_count",
    "submitted_score_mean",
    "submitted_score_min",
    "submitted_lateness_mean",
    "viewed_count",
    "earlier_count",
    "earlier_completed_share",
    "earlier_score_mean",
)
CATEGORICAL: Final = (
    "course_id",
    "topic_code",
    "level_code",
    "education_code",
    "assigned_by_code",
    "job_family_code",
)
_RESTATED: Final = "restated"
"""Of `known_from_basis`: known_from is that of a correction."""
_RUN: Final = ("person_id", "course_id", "run")
_CASE: Final = (*_RUN, "enrolled_at")


class Prepare(Section):
    """When a case is asked about, and what of a person's work is looked at."""

    horizon_days: Positive
    """Days after the start at which the prediction is made, at the latest."""
    horizon_share: Share
    """Share of the time to the due date after which it is made, if that is earlier."""
    open_days: Positive
    """Days after its start for which a run without due date counts as open."""
    work_measures: tuple[str, ...]
    """Work records whose recent mean is a feature."""
    work_steps: Count
    """Newest records that the mean is taken over."""


class Train(Section):
    """The network and its baseline."""

    epochs: Count
    patience: Count
    batch: Count
    learning_rate: Positive
    weight_decay: Positive
    dropout: Share
    units: Count
    embedding: Count
    pieces: Count
    """Steps between training quantiles that a number becomes."""
    members: Count
    """Networks trained on their own and averaged inside the saved model."""
    trees: Count
    tree_rate: Positive
    tree_leaves: Count
    grade_coverage: Share
    """Share of scores at the end that their interval is to hold."""


class Decide(Section):
    """Who counts as on course."""

    threshold: Share
    """Chance to complete from which no help is proposed."""


def examples(tables: Tables, settings: Prepare) -> pl.DataFrame:
    """Every enrolment that ended after its moment of prediction.

    Args:
        tables: Of `TABLES`.
        settings: When to ask.

    Returns:
        [n_cases] person_id, subject_id, target_code, stage_code, decided_by, occurred_at, known_at, outcome (1
        completed or passed, else 0), `GRADE` and the model's columns.
    """
    events = _events(tables)
    every = _asked(tables, events, settings)
    asked = every.filter(pl.col("ended_at") > pl.col("moment"), _told_in_time())
    return _described(_graded(asked, events), every, events, tables, settings)


def cases(tables: Tables, settings: Prepare, as_of: date) -> pl.DataFrame:
    """Enrolments that are running at the end of `as_of` and past their moment of prediction.

    Args:
        tables: Of `TABLES`, as known on that day.
        settings: When to ask.
        as_of: The day.

    Returns:
        As `examples`, with null for what is not known yet.
    """
    now = end_of(as_of)
    last = pl.col("due_at").fill_null(pl.col("starts_at") + pl.duration(days=settings.open_days))
    events = _events(tables)
    every = _asked(tables, events, settings)
    stands = (pl.col("next_at") > now).fill_null(value=True)
    running = every.filter(
        pl.col("ended_at").is_null(), stands, pl.col("moment") <= now, last.dt.date() >= as_of, _told_in_time()
    )
    unknown = running.with_columns(pl.lit(None, pl.Float64).alias(GRADE))
    return _described(unknown, every, events, tables, settings)


def outcomes(tables: Tables) -> pl.DataFrame:
    """How every enrolment ended, as far as known.

    Args:
        tables: Of `TABLES`.

    Returns:
        [n_ended] the Outcomes columns without family. Courses are graded by rule, not by a person's decision.
    """
    ended = _runs(tables, _events(tables)).filter(pl.col("ended_at").is_not_null())
    return ended.select(
        "person_id",
        pl.col("course_id").alias("subject_id"),
        "target_code",
        "stage_code",
        "outcome",
        pl.lit("rule").alias("decided_by"),
        pl.col("ended_at").alias("occurred_at"),
        "known_at",
    ).sort("person_id", "subject_id", "target_code")


def reached(tables: Tables) -> pl.DataFrame:
    """Who enrolled, whether an end is on record or not.

    Args:
        tables: Of `REACHED`.

    Returns:
        [n_cases] person_id, subject_id, target_code, each once: who took a course twice may have come to one end only.
        An enrolment that another took the place of before it ended is none.
    """
    stands = pl.col("ended_at").is_not_null() | pl.col("next_at").is_null()
    here = _runs(tables, _events(tables)).filter(stands)
    cases = here.select("person_id", pl.col("course_id").alias("subject_id"), "target_code")
    return cases.sort("person_id", "subject_id", "target_code")


def inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """person_id, subject_id and those numeric and categorical columns that `frame` still has."""
    work = [name for name in frame.columns if is_measure(name)]
    wanted = [*NUMERIC, *work, *CATEGORICAL]
    return frame.select("person_id", "subject_id", *(name for name in wanted if name in frame.columns))


def is_measure(name: str, inputs: Collection[str] = ()) -> bool:  # noqa: ARG001  `Features` has it
    """Whether an input is made of a measure of work records."""
    return name.startswith(history.WORK)


def select(scored: pl.DataFrame, settings: Decide) -> pl.Series:
    """[n_rows] bool. Predicted to complete; the others are offered help."""
    return scored["score"] >= settings.threshold


def _asked(tables: Tables, events: pl.DataFrame, settings: Prepare) -> pl.DataFrame:
    """Enrolments with their moment of prediction, in its order."""
    return _runs(tables, events).with_columns(moment=_moment(settings)).sort("moment", *_CASE)


def _runs(tables: Tables, events: pl.DataFrame) -> pl.DataFrame:
    """Every enrolment, when the next in the same run followed, and how it ended."""
    enrolled = _enrolled(tables).with_columns(next_at=pl.col("enrolled_at").shift(-1).over(_RUN))
    ends = events.filter(pl.col("event_code").is_in(ENDED), pl.col("occurred_at") >= pl.col("enrolled_at"))
    ends = _of_the_one_before(ends, enrolled).select(
        *_CASE,
        ended_at="occurred_at",
        stage_code="event_code",
        end_score="score_share",
        end_known=pl.max_horizontal("occurred_at", "known_from"),
        end_seen=asof.known_at(pl.col("occurred_at")),
    )
    first = ends.sort("end_seen", "ended_at", "stage_code").unique(subset=list(_CASE), keep="first")
    return enrolled.join(first, on=list(_CASE), how="left").with_columns(
        outcome=pl.col("stage_code").is_in(COMPLETED).cast(pl.Float64),
        known_at=pl.col("end_known"),
    )


def _enrolled(tables: Tables) -> pl.DataFrame:
    """Each enrolment once, oldest first, under the name of its case."""
    every = _keyed(tables["enrolments"]).sort("enrolled_at", "enrolment_id")
    once = every.unique(subset=list(_CASE), keep="last", maintain_order=True)
    code = pl.col("run_code").fill_null("open")
    again = pl.format("{}@{}", code, pl.col("enrolled_at").dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ"))
    # a correction hides when its enrolment was first told: the oldest then counts as the first
    is_hidden = (pl.col("known_from_basis") == _RESTATED).any().over(_RUN)
    once = once.with_columns(_told=pl.when(~is_hidden).then("known_from"))
    is_first = pl.col("enrolled_at") == pl.col("enrolled_at").sort_by("_told", "enrolled_at").first().over(_RUN)
    return once.with_columns(target_code=pl.when(is_first).then(code).otherwise(again)).drop("_told")


def _of_the_one_before(ends: pl.DataFrame, enrolled: pl.DataFrame) -> pl.DataFrame:
    """`ends`, those at the very moment of an enrolment given to the one before that, where nothing else ended it.

    Who fails and enrols again has both on one day, and many a source tells no more than that; who fails each time has
    each end on the day of the next. Of a day with a completion and another end the completion is that of the day's
    enrolment. It is a guess: who left a course without a word, and later enrolled in it and completed it on one day,
    reads as who completed the first time.
    """
    own, done = pl.col("occurred_at") == pl.col("enrolled_at"), pl.col("event_code").is_in(COMPLETED)
    had = ends.group_by(_CASE).agg(
        has_own=own.any(), has_later=(~own).any(), has_both=(own & done).any() & (own & ~done).any()
    )
    place = enrolled.select(_CASE).sort(_CASE).join(had, on=list(_CASE), how="left", maintain_order="left")
    place = place.with_columns(pl.col("has_own", "has_later", "has_both").fill_null(value=False))
    # one whose only end is of its own day is ended by that where the one before it is ended: as that, then
    ended = pl.when(pl.col("has_later") | pl.col("has_both")).then(True).when(~pl.col("has_own")).then(False)
    place = place.with_columns(is_ended=ended.forward_fill().over(_RUN).fill_null(value=True)).with_columns(
        before_at=pl.col("enrolled_at").shift().over(_RUN),
        is_before_open=~pl.col("is_ended").shift().over(_RUN).fill_null(value=True),
    )
    told = ends.join(place.select(*_CASE, "before_at", "is_before_open", "has_both"), on=list(_CASE))
    is_its = own & pl.col("is_before_open") & ~(pl.col("has_both") & done)
    return told.with_columns(enrolled_at=pl.when(is_its).then("before_at").otherwise("enrolled_at"))


def _moment(settings: Prepare) -> pl.Expr:
    """`starts_at` plus the horizon: a duration without due date has the full days."""
    whole = pl.duration(days=settings.horizon_days)
    part = (pl.col("due_at") - pl.col("starts_at")) * settings.horizon_share
    return pl.col("starts_at") + pl.min_horizontal(whole, part)


def _told_in_time() -> pl.Expr:
    """Whether the enrolment was known at its moment of prediction: else nobody could have asked then."""
    return asof.known_at(pl.col("enrolled_at")) <= pl.col("moment")


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(run=pl.col("run_code").fill_null(""))


def _events(tables: Tables) -> pl.DataFrame:
    """What happened, with the enrolment that it was part of."""
    return history.of_enrolments(_keyed(tables["learning_events"]), _keyed(tables["enrolments"]), _RUN)


def _graded(ended: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """`ended` with `GRADE`."""
    handed_in = events.filter(pl.col("event_code") == "submitted").select(*_CASE, "occurred_at", "score_share")
    during = ended.select(*_CASE, "ended_at").join(handed_in, on=list(_CASE))
    during = during.filter(pl.col("occurred_at") <= pl.col("ended_at"))
    means = during.group_by(_CASE).agg(handed_in_mean=pl.col("score_share").mean())
    grade = pl.when(pl.col("stage_code").is_in(GRADED)).then(pl.coalesce("end_score", "handed_in_mean"))
    return ended.join(means, on=list(_CASE), how="left", maintain_order="left").with_columns(grade.alias(GRADE))


def _described(
    asked: pl.DataFrame, every: pl.DataFrame, events: pl.DataFrame, tables: Tables, settings: Prepare
) -> pl.DataFrame:
    """The cases' identity, label and features."""
    about = ("topic_code", "level_code", "duration_minutes")
    frame = asof.with_facts(asked, tables["courses"], "course_id", about, at="moment", always=True)
    frame = asof.with_facts(frame, tables["workers"], "person_id", ("job_family_code",), at="moment")
    frame = frame.with_columns(
        lead_days=history.days(pl.col("starts_at") - pl.col("enrolled_at")),
        prior_attempts=pl.col("prior_attempts").cast(pl.Float64),
    )
    frame = history.with_submissions(frame, events, _CASE)
    frame = history.with_earlier(frame, every)
    frame = history.with_work(frame, tables["work_records"], settings.work_measures, settings.work_steps)
    work = [history.WORK + measure for measure in settings.work_measures]
    return frame.select(
        "person_id",
        pl.col("course_id").alias("subject_id"),
        "target_code",
        "stage_code",
        pl.lit("rule").alias("decided_by"),
        pl.col("moment").alias("occurred_at"),
        "known_at",
        pl.when(pl.col("stage_code").is_not_null()).then("outcome").alias("outcome"),
        GRADE,
        *(pl.col(name).cast(pl.Float64) for name in (*NUMERIC, *work)),
        *CATEGORICAL,
    ).sort("occurred_at", "person_id", "subject_id", "target_code")
