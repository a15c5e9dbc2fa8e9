"""What had happened by a case's moment: in this run, in the person's earlier runs, at work.

Every function takes cases with a column `moment` and adds columns that rest on rows up to then, and nothing later.
"""

from typing import Final

import polars as pl

from pipelines.models import asof

WORK: Final = "work_"
"""Before the name of a work measure, such as `work_overtime_hours`."""
_MOST_DAYS_LATE: Final = 36_600
"""Or early, as the contract has it: of more a moment cannot be reckoned."""


def of_enrolments(events: pl.DataFrame, enrolments: pl.DataFrame, case: tuple[str, ...]) -> pl.DataFrame:
    """Each event with the enrolment that stood when it happened; one before the first belongs to that.

    A course without runs is taken again under the same key. What somebody did there years ago was no part of this
    enrolment, and when something was due is counted from the start of the one it was handed in for.

    Args:
        events: [n_events] the columns of `case`, and occurred_at.
        enrolments: [n_enrolments] older ones too: the columns of `case`, enrolment_id, enrolled_at, starts_at.
        case: Columns that name whose enrolment it is, in what.

    Returns:
        [≤ n_events] `events` in their order with enrolled_at and starts_at; none of who never enrolled.
    """
    keys = list(case)
    every = enrolments.sort("enrolled_at", "enrolment_id").select(*keys, "enrolled_at", "starts_at")
    first = every.group_by(keys).agg(first_at=pl.col("enrolled_at").min())
    told = events.with_row_index("_row").join(first, on=keys)
    told = told.with_columns(_at=pl.max_horizontal("occurred_at", "first_at")).sort("_at")
    stood = told.join_asof(
        every, left_on="_at", right_on="enrolled_at", by=keys, coalesce=False, check_sortedness=False
    )
    return stood.sort("_row").drop("_row", "_at", "first_at")


def with_submissions(frame: pl.DataFrame, events: pl.DataFrame, case: tuple[str, ...]) -> pl.DataFrame:
    """What the person did in this enrolment by the moment of prediction.

    Of what was due, the share that was handed in, and how much beside: one run asks for twice as much by then as the
    next, and who did all of it is on course in either. Not how long ago the last paper was, nor the latest of all: that
    tells when a run asks for papers, and the next one asks for them on other days.
    """
    late = pl.col("lateness_days")
    known = events.with_columns(
        seen_at=asof.known_at(pl.col("occurred_at")),
        # the lake may hold rows that are older than this rule of their contract
        lateness_days=pl.when(late.is_between(-_MOST_DAYS_LATE, _MOST_DAYS_LATE)).then(late),
    )
    seen = frame.select(*case, "moment").join(
        known.select(*case, "event_code", "item_code", "seen_at", "score_share", "lateness_days"), on=list(case)
    )
    seen = seen.filter(pl.col("seen_at") <= pl.col("moment"))
    handed_in = pl.col("event_code") == "submitted"
    facts = seen.group_by(case).agg(
        submitted_score_mean=pl.col("score_share").filter(handed_in).mean(),
        submitted_score_min=pl.col("score_share").filter(handed_in).min(),
        submitted_lateness_mean=pl.col("lateness_days").filter(handed_in).mean(),
        viewed_count=pl.col("event_code").is_in(("viewed", "watched")).sum(),
    )
    item = [*case, "item_code"]
    there, due = seen.filter(handed_in).select(item), _due(frame, known, case)
    shares = due.join(there.unique().with_columns(is_there=True), on=item, how="left").group_by(case)
    ahead = there.join(due, on=item, how="anti").group_by(case)
    for found in (
        facts,
        shares.agg(submitted_due_share=pl.col("is_there").fill_null(value=False).mean()),
        ahead.agg(submitted_ahead_count=pl.len()),
    ):
        frame = frame.join(found, on=list(case), how="left", maintain_order="left")
    return frame.with_columns(pl.col("submitted_ahead_count", "viewed_count").fill_null(0))


def _due(frame: pl.DataFrame, known: pl.DataFrame, case: tuple[str, ...]) -> pl.DataFrame:
    """[n_due] each case's items that were due by its moment.

    When an item is due, counted from the start of the run, tells the first submission of it that says how late it was,
    whoever's. It is known of from the second person's on: what one alone has handed in nobody else may have been asked
    for, and some sources number every paper anew. Of a run that tells of no lateness nothing is known to be due. Nor by
    a lateness of exactly 0: so says a source that never says "early" of whoever was in time, weeks before it was due.
    """
    dated = known.filter(pl.col("event_code") == "submitted", pl.col("lateness_days") != 0).drop_nulls("item_code")
    late = pl.duration(microseconds=(pl.col("lateness_days") * 86_400_000_000).cast(pl.Int64))
    dated = dated.with_columns(after=pl.col("occurred_at") - late - pl.col("starts_at"))
    run = [name for name in case if name not in {"person_id", "enrolled_at"}]
    own = ["person_id", *run, "item_code"]  # who takes it again is no second person
    first = dated.sort("seen_at", "after").unique(own, keep="first", maintain_order=True)
    second = pl.col("seen_at").get(1, null_on_oob=True)
    items = first.group_by(*run, "item_code", maintain_order=True).agg(pl.col("after").first(), second)
    asked = frame.select(*case, "starts_at", "moment").join(items.select(*run, "item_code", "after", "seen_at"), on=run)
    is_due = (pl.col("starts_at") + pl.col("after") <= pl.col("moment")) & (pl.col("seen_at") <= pl.col("moment"))
    return asked.filter(is_due).select(*case, "item_code")


def with_earlier(frame: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """How the person's earlier enrolments ended.

    A run counts from its due date on: before it, those who left are known and those who will complete are not.
    """
    over = pl.max_horizontal("end_seen", "due_at").alias("over_at")
    ended = runs.filter(pl.col("ended_at").is_not_null()).with_columns(over).sort("over_at")
    earlier = ended.select(
        "person_id",
        "over_at",
        earlier_count=pl.col("outcome").cum_count().over("person_id"),
        earlier_completed_share=_running_mean("outcome", "person_id"),
        earlier_score_mean=_running_mean("end_score", "person_id"),
    )
    return _as_of(frame, earlier, "person_id", "over_at").with_columns(pl.col("earlier_count").fill_null(0))


def with_work(frame: pl.DataFrame, records: pl.DataFrame, measures: tuple[str, ...], steps: int) -> pl.DataFrame:
    """Mean of each measure's newest records known by the moment; null where there are none."""
    end = pl.col("period_end").cast(pl.Datetime("us", "UTC")) + pl.duration(days=1, microseconds=-1)
    known = asof.known_at(end)
    for measure in measures:
        mean = pl.col("value").rolling_mean(steps, min_samples=1).over("person_id")
        recent = records.filter(pl.col("measure_code") == measure).with_columns(work_known_at=known)
        recent = recent.sort("work_known_at", "period_start").select(
            "person_id", "work_known_at", mean.alias(WORK + measure)
        )
        frame = _as_of(frame, recent, "person_id", "work_known_at")
    return frame


def _as_of(frame: pl.DataFrame, facts: pl.DataFrame, by: str, when: str) -> pl.DataFrame:
    """The newest of `facts` by the case's moment, joined to it."""
    later = facts.sort(when).rename({when: "fact_at"})
    joined = frame.sort("moment", "person_id", "course_id", "run", "enrolled_at").join_asof(
        later, left_on="moment", right_on="fact_at", by=by, strategy="backward", check_sortedness=False
    )
    return joined.drop("fact_at")


def _running_mean(column: str, by: str) -> pl.Expr:
    """Mean of the values up to each row within `by`; null before the first value."""
    count = pl.col(column).cum_count().over(by)
    return pl.when(count > 0).then(pl.col(column).fill_null(0).cum_sum().over(by) / count)


def days(duration: pl.Expr) -> pl.Expr:
    """A duration as a number of days."""
    return duration.dt.total_seconds() / 86_400
