"""Which courses will a learner take next? One case is a learner and the courses taken so far, in order.

A course counts once, with its first sign that was known: enrolled, viewed, watched, handed in or finished. The last
course of learners with at least `min_courses` is what the test asks for, the one before stops the training; every
earlier step trains, the first course of each learner too: a new one is recommended what others of the job family took.
subject_id is the course, target_code its level, so that who is shown advanced courses can be judged by group. A case
to be scored is expanded to every course that the learner has not taken yet and may take: one that is listed, active
and valid on the day, and for the learner's job family.

Mandatory courses are nobody's choice: they are in histories, and neither foreseen nor recommended. `due` lists them.
"""

import json
from datetime import date
from typing import Final

import polars as pl

from pipelines.base.days import end_of
from pipelines.base.settings import Count, Positive, Section, Share
from pipelines.models import Tables, asof

TABLES: Final = ("courses", "enrolments", "learning_events", "workers")
VERSIONED: Final = ("courses", "workers")
METRIC: Final = "ranking"
UNIT: Final = ("person_id", "target_code")
DECISIONS: Final = ()
REACHED: Final = ()
"""A course that somebody was never shown looks like one that they did not want: between none and all lies nothing."""

NUMERIC: Final = ("course_count", "days_since_last", "courses_a_year", "advanced_share")
CATEGORICAL: Final = ("last_topic_code", "job_family_code")
NO_LEVEL: Final = "unleveled"
LISTED: Final = ("listed", "listed_levels", "listed_texts", "listed_mandatory")
"""Of every course that the source lists, taken or not: its id, level, title and topic, and whether it is mandatory.
Lists of equal length, on the first training row alone: they are the same for everybody, and a model can only recommend
what it has heard of."""
OPEN: Final = "open_courses"
"""Of people who are scored now: the courses that may be recommended on that day, as a JSON list. It is text because it
is one for a whole job family, and a frame keeps equal texts of a join once."""
COMPLETED: Final = ("completed", "passed")
_AUDIENCE: Final = "|"
_PAST: Final = ("history", "moments", "levels", "topics")
_NOBODY: Final = "self"
"""Nobody decides about a course taken: the learner does."""


class Prepare(Section):
    """Who is asked about, with how much of their past."""

    min_courses: Count
    """Courses from which a learner is tested."""
    max_history: Count
    """Newest courses that are kept of a history."""


class Train(Section):
    """The network and its baseline."""

    epochs: Count
    """At most."""
    patience: Count
    """Epochs in which the newest steps are foreseen no better, after which no other is tried."""
    batch: Count
    learning_rate: Positive
    dropout: Share
    units: Count
    """Size of a course's embedding."""
    recent: Count
    """Newest courses that the network reads in order."""
    ahead: Count
    """Courses ahead that a step is trained to foresee."""
    ridge: Positive
    """L2 penalty of EASE (Steck 2019)."""
    smoothing: Positive
    """Transitions by popularity added to every row of the Markov table."""


class Decide(Section):
    """Who is shown what."""

    top_k: Count
    """Courses recommended to each learner."""


def examples(tables: Tables, settings: Prepare) -> pl.DataFrame:
    """Every step from courses taken to the next one.

    Args:
        tables: Of `TABLES`.
        settings: Who is tested.

    Returns:
        [n_steps] person_id, subject_id (the next course), target_code (its level), stage_code, decided_by,
        occurred_at (the moment before which all of `history` was known), known_at, outcome (1: it was taken), split,
        history ([n] course_id, oldest first; empty where it was the first), the inputs and `LISTED`: what can be taken
        at all, on one row alone.
    """
    courses = asof.newest(tables["courses"], "course_id")
    compelled = courses.filter("is_mandatory").select(subject_id="course_id")
    steps = taken(tables).with_columns(place=pl.int_range(pl.len()).over("person_id"))
    chosen = steps.join(compelled, on="subject_id", how="anti", maintain_order="left").with_columns(
        left=pl.len().over("person_id") - pl.int_range(pl.len()).over("person_id"), total=pl.len().over("person_id")
    )
    is_tested, left = pl.col("total") >= settings.min_courses, pl.col("left")
    is_tested &= pl.col("place") > 0
    split = pl.when(is_tested & (left == 1)).then(pl.lit("test")).when(is_tested & (left == 2)).then(pl.lit("valid"))
    asked = (
        chosen.with_columns(split=split.otherwise(pl.lit("train")))
        .drop("topic_code")
        .join(_listed(steps), on="person_id", maintain_order="left")
        .with_columns(pl.col(_PAST).list.head(pl.col("place")))
        .with_columns(
            stage_code=pl.lit("taken"),
            decided_by=pl.lit(_NOBODY),
            outcome=pl.lit(1.0),
            occurred_at=pl.col("seen_at"),
        )
    )
    return _with_listed(_described(asked, tables, settings), tables["courses"])


def cases(tables: Tables, settings: Prepare, as_of: date) -> pl.DataFrame:
    """Every learner and worker still there, with what was taken so far, if anything, and what may be taken.

    Args:
        tables: Of `TABLES`, as known on that day.
        settings: How much of the past.
        as_of: The day; courses taken by its end count.

    Returns:
        As `examples` without an outcome, and `OPEN`; subject_id and target_code are filled in by `predict`.
    """
    moment = end_of(as_of)
    gone = asof.newest(tables["workers"], "person_id").filter(pl.col("terminated_at") <= as_of).select("person_id")
    now = taken(tables).filter(pl.col("taken_at") <= moment).join(gone, on="person_id", how="anti")
    here = pl.concat([now.select("person_id"), _staff(tables, as_of).select("person_id")]).unique().sort("person_id")
    nothing = pl.lit([], pl.List(pl.String))
    asked = here.join(_listed(now), on="person_id", how="left", maintain_order="left").with_columns(
        pl.col("history").fill_null(nothing),
        subject_id=pl.lit("next"),
        target_code=pl.lit("next"),
        stage_code=pl.lit("taken"),
        decided_by=pl.lit(_NOBODY),
        occurred_at=pl.lit(moment),
        known_at=pl.lit(None, pl.Datetime("us", "UTC")),
        outcome=pl.lit(None, pl.Float64),
        split=pl.lit("now"),
    )
    may = _there(tables["courses"], as_of).filter(~pl.col("is_mandatory"))
    return _with_open(_described(asked, tables, settings), may)


def due(tables: Tables, as_of: date) -> pl.DataFrame:
    """Mandatory training that people still have to complete; no model has a say in it.

    Args:
        tables: Of `TABLES`, as known on that day.
        as_of: The day.

    Returns:
        [n_due] person_id, subject_id (the course), enrolled_at, due_at, is_overdue, of everybody who works there, has
        a job family that the course is for, and did not complete or pass it since their newest enrolment, or so long
        ago that it counts no more, by what is said of the completion or else of the course; then `due_at` is when it
        ceased to. Who was never enrolled has neither moment and is not overdue.
    """
    moment = end_of(as_of)
    compelled = (
        _there(tables["courses"], as_of).filter("is_mandatory").select("course_id", "audience_codes", "renewal_months")
    )
    asked = _staff(tables, as_of).join(compelled, how="cross").filter(_is_for("job_family_code"))
    keys = ["person_id", "course_id"]
    enrolled = tables["enrolments"].filter(pl.col("enrolled_at") <= moment).sort("enrolled_at", "due_at")
    newest = enrolled.unique(keys, keep="last", maintain_order=True).select(*keys, "enrolled_at", "due_at")
    done = tables["learning_events"].filter(pl.col("event_code").is_in(COMPLETED), pl.col("occurred_at") <= moment)
    last = done.sort("occurred_at", "valid_to").unique(keys, keep="last", maintain_order=True)  # none comes first
    last = last.select(*keys, "valid_to", done_at="occurred_at")
    found = asked.join(newest, on=keys, how="left").join(last, on=keys, how="left")
    is_done = (pl.col("done_at") >= pl.col("enrolled_at").fill_null(pl.col("done_at"))).fill_null(value=False)
    renewed = pl.col("done_at").dt.offset_by(pl.format("{}mo", "renewal_months"))
    until = pl.coalesce(pl.col("valid_to").cast(pl.Datetime("us", "UTC")), renewed)  # null where it counts for good
    return (
        found.filter(~is_done | (until <= moment).fill_null(value=False))
        .with_columns(due_at=pl.when(is_done).then(until).otherwise(pl.coalesce("due_at", until)))
        .with_columns(is_overdue=(pl.col("due_at") <= moment).fill_null(value=False))
        .select("person_id", pl.col("course_id").alias("subject_id"), "enrolled_at", "due_at", "is_overdue")
        .sort("person_id", "subject_id")
    )


def outcomes(tables: Tables) -> pl.DataFrame:
    """Every course taken: [n_rows] `Outcomes` without family, outcome 1."""
    return taken(tables).select(
        "person_id",
        "subject_id",
        "target_code",
        stage_code=pl.lit("taken"),
        outcome=pl.lit(1.0),
        decided_by=pl.lit(_NOBODY),
        occurred_at="taken_at",
        known_at="known_at",
    )


def inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """person_id, subject_id, NUMERIC and CATEGORICAL as far as `frame` has them."""
    return frame.select("person_id", "subject_id", *(n for n in (*NUMERIC, *CATEGORICAL) if n in frame.columns))


def select(scored: pl.DataFrame, settings: Decide) -> pl.Series:
    """[n_rows] bool. The `top_k` courses of each person; equal scores are ordered by course."""
    ordered = scored.with_row_index("row").sort("score", "subject_id", descending=[True, False], nulls_last=True)
    place = ordered.with_columns(place=pl.int_range(pl.len()).over("person_id"))
    return place.sort("row").select((pl.col("place") < settings.top_k).alias("is_selected"))["is_selected"]


def taken(tables: Tables) -> pl.DataFrame:
    """The first sign of each course that was known, in the order of becoming known.

    Returns:
        [n_pairs] person_id, subject_id, target_code (its level), topic_code, taken_at, seen_at (when that was known),
        known_at; level and topic as known then.
    """
    columns = ("person_id", "course_id", "taken_at", "seen_at", "known_at")
    enrolled = tables["enrolments"].with_columns(
        taken_at="enrolled_at", seen_at=asof.known_at(pl.col("enrolled_at")), known_at="known_from"
    )
    seen = tables["learning_events"].with_columns(
        taken_at="occurred_at", seen_at=asof.known_at(pl.col("occurred_at")), known_at="known_from"
    )
    first = (
        pl.concat([enrolled.select(columns), seen.select(columns)])
        .sort("person_id", "seen_at", "taken_at", "course_id", "known_at")
        .unique(subset=["person_id", "course_id"], keep="first", maintain_order=True)
    )
    about = ("level_code", "topic_code")
    told = asof.with_facts(first, tables["courses"], "course_id", about, at="seen_at", always=True)
    return told.select(
        "person_id",
        pl.col("course_id").alias("subject_id"),
        pl.col("level_code").fill_null(NO_LEVEL).alias("target_code"),
        "topic_code",
        "taken_at",
        "seen_at",
        "known_at",
    )


def _with_listed(frame: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `LISTED`, as the source last told of each course."""
    courses = asof.newest(versions, "course_id").sort("course_id")
    about = pl.concat_str(pl.col("title"), pl.col("topic_code").fill_null(""), separator=" ")
    compelled = pl.col("is_mandatory").fill_null(value=False)
    columns = (pl.col("course_id"), pl.col("level_code").fill_null(NO_LEVEL), about, compelled)
    told = courses.select(column.alias(name) for name, column in zip(LISTED, columns, strict=True))
    first = (frame["split"] == "train").cast(pl.Int8).arg_max() or 0
    around = ([None] * first, [None] * (len(frame) - first - 1))
    # row by row: a join or a literal would hold the lists once a row on its way to null
    return frame.with_columns(
        pl.Series(name, [*around[0], told[name].to_list(), *around[1]][: len(frame)], dtype=pl.List(told.schema[name]))
        for name in LISTED
    )


def _staff(tables: Tables, as_of: date) -> pl.DataFrame:
    """person_id and job_family_code of the people who work there on a day; a team's output is nobody's."""
    return (
        asof.newest(tables["workers"], "person_id")
        .filter(
            pl.col("hired_at") <= as_of,
            (pl.col("terminated_at") > as_of).fill_null(value=True),
            pl.col("worker_type_code") != "team",
        )
        .select("person_id", "job_family_code")
    )


def _there(versions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """[n_courses] what can be taken on a day: active, begun and not over; what is not said stops nothing.

    Of each course the version known last of those that have begun counts: one told of ahead of its first day does not
    take the place of the one that holds until then.
    """
    begun = versions.filter((pl.col("valid_from") <= as_of).fill_null(value=True))
    told = asof.newest(begun, "course_id").with_columns(
        pl.col("is_active").fill_null(value=True), pl.col("is_mandatory").fill_null(value=False)
    )
    goes_on = (pl.col("valid_to") > as_of).fill_null(value=True)
    return told.filter("is_active", goes_on).sort("course_id")


def _is_for(family: str) -> pl.Expr:
    """Whether the column `family` is in `audience_codes`; a course with an audience is not for who has no family."""
    named = pl.col("audience_codes").str.split(_AUDIENCE).list.contains(pl.col(family))
    return pl.col("audience_codes").is_null() | named


def _with_open(frame: pl.DataFrame, courses: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `OPEN`: of these courses those for each one's job family."""
    families = frame.select("job_family_code").unique()
    pairs = families.join(courses.select("course_id", "audience_codes"), how="cross").filter(_is_for("job_family_code"))
    listed = pairs.group_by("job_family_code").agg(pl.col("course_id").sort())
    whole = families.join(listed, on="job_family_code", how="left", nulls_equal=True).sort("job_family_code")
    texts = [json.dumps(ids or []) for ids in whole["course_id"].to_list()]
    told = whole.select("job_family_code", pl.Series(OPEN, texts, dtype=pl.String))
    return frame.join(told, on="job_family_code", how="left", nulls_equal=True, maintain_order="left")


def _listed(steps: pl.DataFrame) -> pl.DataFrame:
    """person_id and `_PAST`: what was taken, as lists in the order of `steps`."""
    return steps.group_by("person_id", maintain_order=True).agg(
        pl.col("subject_id").alias("history"),
        pl.col("taken_at").alias("moments"),
        pl.col("target_code").alias("levels"),
        pl.col("topic_code").alias("topics"),
    )


def _described(asked: pl.DataFrame, tables: Tables, settings: Prepare) -> pl.DataFrame:
    """The inputs, from what was taken by then alone."""
    since_first = (pl.col("occurred_at") - pl.col("moments").list.first()).dt.total_days()
    frame = asof.with_facts(asked, tables["workers"], "person_id", ("job_family_code",), at="occurred_at")
    return (
        frame.with_columns(
            course_count=pl.col("history").list.len().cast(pl.Float64),
            days_since_last=(pl.col("occurred_at") - pl.col("moments").list.last()).dt.total_days().cast(pl.Float64),
            courses_a_year=pl.col("history").list.len() * 365.25 / since_first.clip(lower_bound=30),
            advanced_share=pl.col("levels").list.eval(pl.element() == "advanced").list.mean(),
            last_topic_code=pl.col("topics").list.last(),
        )
        .with_columns(pl.col("history").list.tail(settings.max_history))
        .select(
            "person_id", "subject_id", "target_code", "stage_code", "decided_by", "occurred_at", "known_at", "outcome",
            "split", "history", *NUMERIC, *CATEGORICAL,
        )
        .sort("person_id", "occurred_at", "subject_id")
    )  # fmt: skip
