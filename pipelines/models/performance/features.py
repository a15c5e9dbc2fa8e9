"""What will the next rating be? A person and a review period, some time before the period ends.

The prediction is made `lead_days` before the period's end, or at its end where a period is shorter than that (a team
rated day by day). It rests on the newest steps of the work records and on earlier ratings, as known at that moment.
The favourable outcome is not to be flagged for an early warning.

subject_id is the period, named by its last day: that name exists before the source has a code for the period.
target_code is `rating`, or `team_rating` where the source rates teams. A measure that leaks the rating is taken out by
`prepare` with all its columns: they share the part of their name before a double underscore.
"""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Final

import polars as pl
from pydantic import Field

from pipelines.base.days import end_of
from pipelines.base.settings import Count, Positive, Section, Share
from pipelines.models import CASE_WEIGHT, Tables, asof
from pipelines.models.performance import periods, steps

TABLES: Final = ("work_records", "reviews", "workers")
VERSIONED: Final = ("workers",)
METRIC: Final = "mae"
UNIT: Final = ("person_id", "subject_id")
DECISIONS: Final = ()
REACHED: Final = ("reviews", "workers")

RATINGS: Final = ("rating_last", "rating_mean", "rating_count")
CATEGORICAL: Final = ("job_family_code",)
_CYCLE: Final = 0.1
"""Share of those at work: where fewer are rated in a period, the others were not passed over but have their own. Where
all have a month of a year, one in twelve is rated in each."""
_DESCRIBED: Final = (
    "person_id",
    "subject_id",
    "target_code",
    "stage_code",
    "decided_by",
    "occurred_at",
    "known_at",
    "outcome",
    "split",
    CASE_WEIGHT,
)


class Prepare(Section):
    """When a period is asked about, and what of the work records is looked at."""

    lead_days: Annotated[float, Field(ge=0)]
    """Days before the period's end at which the prediction is made, if the period is longer."""
    steps: Count
    """Newest records that are looked at, as a sequence."""
    recent_steps: Count
    """Newest records whose mean is compared with that of all of them."""
    min_coverage: Share
    """Share of the records that must have a measure."""


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
    coverage: Share
    """Share of ratings that the interval from low to high is to hold."""
    forest: Count
    """Trees of the forest that is averaged with the networks."""
    forest_leaf: Count
    """Ratings at least in a leaf of it."""
    trees: Count
    tree_rate: Positive
    tree_leaves: Count


class Decide(Section):
    """Who is not flagged."""

    threshold: Share
    """Predicted rating, as a share, from which there is no early warning."""


def examples(tables: Tables, settings: Prepare) -> pl.DataFrame:
    """Every rating of a person or team with work records before it.

    Args:
        tables: Of `TABLES`.
        settings: When to ask.

    Returns:
        [n_cases] person_id, subject_id, target_code, stage_code, decided_by, occurred_at, known_at, outcome (the
        rating's share) and the model's columns: each measure's newest value, its mean and trend, and the sequence
        itself (`<measure>__steps`, oldest first, null before the first record).
    """
    reviews = _reviews(tables)
    length = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    early = pl.min_horizontal(pl.lit(settings.lead_days), length)
    asked = reviews.with_columns(occurred_at=_end("period_end") - pl.duration(days=early))
    return _described(asked, tables, settings)


def cases(tables: Tables, settings: Prepare, as_of: date) -> pl.DataFrame:
    """The period under way of everybody at work, or the next one where its rating is already known.

    Args:
        tables: Of `TABLES`, as known on that day.
        settings: What is looked at.
        as_of: The day; everything known by its end is used.

    Returns:
        As `examples`, with null for what is not known yet. Without any work record there is no case.
    """
    reviews = _reviews(tables)
    workers = asof.newest(tables["workers"], "person_id")
    at_work = workers.filter(pl.col("terminated_at").is_null() | (pl.col("terminated_at") > as_of))
    coming = periods.coming(reviews, as_of)
    rated = reviews.select("person_id", "period_end")
    asked = (
        at_work.select("person_id").join(coming, how="cross").join(rated, on=["person_id", "period_end"], how="anti")
    )
    asked = asked.sort("person_id", "period_end").unique(subset="person_id", keep="first", maintain_order=True)
    teams = reviews.group_by("person_id").agg(pl.col("is_team_level").any())
    asked = asked.join(teams, on="person_id", how="left").with_columns(
        pl.col("is_team_level").fill_null(value=False),
        rating_share=pl.lit(None, pl.Float64),
        known_at=pl.lit(None, pl.Datetime("us", "UTC")),
        occurred_at=pl.lit(end_of(as_of)),
    )
    return _described(asked, tables, settings)


def outcomes(tables: Tables) -> pl.DataFrame:
    """Every rating known.

    Args:
        tables: Of `TABLES`.

    Returns:
        [n_ratings] the Outcomes columns without family. People rate people; a team's figure is counted by rule.
    """
    return (
        _reviews(tables)
        .select(
            "person_id",
            _subject(),
            _target(),
            pl.lit("review").alias("stage_code"),
            pl.col("rating_share").alias("outcome"),
            _decider(),
            pl.col("completed_at").alias("occurred_at"),
            "known_at",
        )
        .sort("person_id", "subject_id", "target_code")
    )


def reached(tables: Tables) -> pl.DataFrame:
    """Who was at work on a day of a period in which people were rated: those who left in it could have been, too.

    Args:
        tables: Of `REACHED`.

    Returns:
        [n_cases] person_id, subject_id, each once. Of teams nobody chose whom to rate: none of theirs. Who is rated
        without a time at work on record is there all the same. A period in which fewer than `_CYCLE` of those at work
        were rated, such as the year since somebody was hired or a probation, is of those alone.
    """
    reviews = tables["reviews"].filter(~pl.col("is_team_level"))
    workers = asof.newest(tables["workers"], "person_id").filter(pl.col("worker_type_code").ne_missing("team"))
    here = workers.join(_cycles(reviews, workers), how="cross").filter(
        pl.col("hired_at").is_null() | (pl.col("hired_at") <= pl.col("period_end")),
        pl.col("terminated_at").is_null() | (pl.col("terminated_at") > pl.col("period_start")),
    )
    each = [frame.select("person_id", _subject()) for frame in (here, reviews)]
    return pl.concat(each).unique().sort("person_id", "subject_id")


def raters(tables: Tables) -> pl.DataFrame:
    """Who gave each rating: the manager on record when it was completed, since reviews come without their reviewer.

    Args:
        tables: Of `TABLES`.

    Returns:
        [n_ratings] person_id, subject_id, target_code, rater_id (null where no manager is on record, and of a team's
        figure, which nobody gave).
    """
    managed = asof.with_facts(_reviews(tables), tables["workers"], "person_id", ("manager_person_id",), at="known_at")
    by = pl.when(~pl.col("is_team_level")).then(pl.col("manager_person_id"))
    return managed.select("person_id", _subject(), _target(), by.alias("rater_id"))


def inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """person_id, subject_id and every numeric and categorical column of the model; sequences stay out."""
    numeric = [n for n, dtype in frame.schema.items() if dtype.is_numeric() and n not in _DESCRIBED]
    return frame.select("person_id", "subject_id", *numeric, *(n for n in CATEGORICAL if n in frame.columns))


def is_measure(name: str, inputs: Collection[str]) -> bool:
    """Whether an input is made of a measure of work records: beside each such stands its mean."""
    return f"{name.split(steps.PART, maxsplit=1)[0]}{steps.PART}mean" in inputs


def select(scored: pl.DataFrame, settings: Decide) -> pl.Series:
    """[n_rows] bool. Not flagged: predicted at or above the threshold. NaN is flagged."""
    return (scored["score"] >= settings.threshold) & scored["score"].is_not_nan()


def _reviews(tables: Tables) -> pl.DataFrame:
    """Ratings with the moment from which each was known."""
    return tables["reviews"].with_columns(known_at=asof.known_at(pl.col("completed_at")))


def _described(asked: pl.DataFrame, tables: Tables, settings: Prepare) -> pl.DataFrame:
    """The cases' identity, label and features."""
    frame = asof.with_facts(asked, tables["workers"], "person_id", ("job_family_code",), at="occurred_at")
    frame = frame.sort("occurred_at", "person_id", "period_end")
    frame = _with_ratings(frame, _reviews(tables))
    frame, measured = steps.with_steps(
        frame,
        tables["work_records"],
        count=settings.steps,
        recent=settings.recent_steps,
        min_coverage=settings.min_coverage,
    )
    return frame.select(
        "person_id",
        _subject(),
        _target(),
        pl.lit("review").alias("stage_code"),
        _decider(),
        "occurred_at",
        "known_at",
        pl.col("rating_share").alias("outcome"),
        *(pl.col(name).cast(pl.Float64) for name in RATINGS),
        *measured,
        *CATEGORICAL,
    ).sort("occurred_at", "person_id", "subject_id", "target_code")


def _with_ratings(frame: pl.DataFrame, reviews: pl.DataFrame) -> pl.DataFrame:
    """The person's earlier ratings: those of periods over, and known, before the moment."""
    over = reviews.with_columns(over_at=pl.max_horizontal("known_at", _end("period_end"))).sort("over_at", "period_end")
    rating = pl.col("rating_share")
    count = rating.cum_count().over("person_id")
    facts = over.select(
        "person_id",
        "over_at",
        rating_last=rating,
        rating_mean=rating.cum_sum().over("person_id") / count,
        rating_count=count,
    )
    joined = frame.join_asof(
        facts,
        left_on="occurred_at",
        right_on="over_at",
        by="person_id",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return joined.with_columns(pl.col("rating_count").fill_null(0)).drop("over_at")


def _subject() -> pl.Expr:
    return pl.col("period_end").dt.to_string("%Y-%m-%d").alias("subject_id")


def _cycles(reviews: pl.DataFrame, workers: pl.DataFrame) -> pl.DataFrame:
    """[n_periods] period_start, period_end: of those in which many at work were rated.

    Those at work are counted and not joined: where everybody has periods of their own, pairs would be people squared.
    """
    rated = reviews.group_by("period_start", "period_end").agg(rated=pl.col("person_id").n_unique())
    came = workers["hired_at"].fill_null(date.min).sort().search_sorted(rated["period_end"], side="right")
    left = workers["terminated_at"].fill_null(date.max).sort().search_sorted(rated["period_start"], side="right")
    at_work = came.cast(pl.Int64) - left.cast(pl.Int64)
    return rated.filter(pl.col("rated") >= _CYCLE * at_work).drop("rated")


def _target() -> pl.Expr:
    return pl.when("is_team_level").then(pl.lit("team_rating")).otherwise(pl.lit("rating")).alias("target_code")


def _decider() -> pl.Expr:
    return pl.when("is_team_level").then(pl.lit("rule")).otherwise(pl.lit("human")).alias("decided_by")


def _end(day: str) -> pl.Expr:
    return pl.col(day).cast(pl.Datetime("us", "UTC")) + pl.duration(days=1, microseconds=-1)
