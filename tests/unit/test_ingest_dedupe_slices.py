"""Of a table with slices no telling is left out that changes which slice holds on a day, as was known on any other."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.base.contracts import TABLES
from pipelines.base.lake import newest
from pipelines.base.slices import holding
from pipelines.ingest.dedupe import NONE, Whole, dedupe, digests, of_newest, versions

JOBS = TABLES["worker_history"]
SLICES = JOBS.slices
MOMENT = pl.Datetime("us", "UTC")
DAYS = range(6)
Slice = tuple[int, int, int | None, str]
"""First day, place among those of the day, first day after, job."""


def day(number: int) -> date:
    return date(2020, 1, 1) + timedelta(days=number)


def moment(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


def rows(month: int, told: list[Slice], unit: int = 0, known: dict[Slice, int] | None = None) -> pl.DataFrame:
    """One file's slices of one job of one person, in the order given; it was written in that month.

    The source says in which month each was `known`, or it is known by the file.
    """
    data = [
        {
            **dict.fromkeys(JOBS.schema),
            "person_id": "p",
            "assignment_key": "a",
            "valid_from": day(start),
            "seq_in_day": place,
            "valid_to": None if end is None else day(end),
            "job_code": job,
            "unit_no": unit,
            "source_row": number,
            "known_from": moment(known[start, place, end, job] if known else month),
            "extracted_at": moment(month),
            "known_from_basis": "source" if known else "observed",
        }
        for number, (start, place, end, job) in enumerate(told)
    ]
    added = {"unit_no": pl.Int32, "source_row": pl.Int64, "known_from": MOMENT, "extracted_at": MOMENT}
    return pl.DataFrame(data, schema={**JOBS.schema, **added, "known_from_basis": pl.String})


def published(news: list[pl.DataFrame]) -> pl.DataFrame:
    """What `versions` says of news that were published."""
    none = versions(None, None, JOBS)  # of an empty lake no store is asked
    made = [frame.with_columns(pl.struct(JOBS.key).hash().alias("_key")) for frame in news if len(frame)]
    return pl.concat([none, *(frame.select(none.columns) for frame in made)])


def taken_in(files: list[tuple[int, list[Slice]]], batches: list[int], *, is_dated: bool = False) -> pl.DataFrame:
    """What is left of files that come in batches of so many.

    In those of a source that dates its rows each has the month in which it was first told.
    """
    known = {one: month for month, told in reversed(files) for one in told} if is_dated else None
    news: list[pl.DataFrame] = []
    for size in batches:
        months = dict(enumerate(str(month) for month, _ in files[:size]))
        told = [rows(month, slices, unit, known) for unit, (month, slices) in enumerate(files[:size])]
        files = files[size:]
        if told:
            whole = Whole(months, dict.fromkeys(months, tuple(map(str, range(10))))) if is_dated else NONE
            kept, _ = dedupe(pl.concat(told), JOBS, published(news), whole)
            kept = kept if "record_sha256" in kept else kept.with_columns(digests(kept, JOBS))
            file = pl.col("unit_no").replace_strict(months, return_dtype=pl.String)
            news.append(kept.with_columns(file.alias("file_id")))
    return pl.concat(news, how="diagonal") if news else rows(1, [])


def holds(told: pl.DataFrame, on: int, by: int) -> str | None:
    known = told.filter(pl.col("known_from") <= moment(by)).with_columns(published_seq=pl.lit(1))
    found = holding(newest(JOBS.name, known), SLICES, day(on))
    return found["job_code"].item() if len(found) else None


def should_hold(files: list[tuple[int, list[Slice]]], on: int, by: int) -> str | None:
    """The same of everything that was told: of each slice the last word, and of those that hold the last one told."""
    last = {
        (start, place): (month, end, job) for month, told in files if month <= by for start, place, end, job in told
    }
    greatest = dict(sorted(last))
    found = [
        (month, start, place, job)
        for (start, place), (month, end, job) in last.items()
        if start <= on and (end is None or on < end) and (place == greatest[start] or end is None or end > start + 1)
    ]
    return max(found)[3] if found else None


SENIOR = [(0, 0, 3, "junior"), (3, 0, None, "senior")]
BOSS = [(0, 0, 2, "junior"), (2, 0, None, "boss")]


def test_a_correction_that_is_undone_is_undone() -> None:
    left = taken_in([(1, SENIOR), (2, BOSS), (3, SENIOR)], [1, 1, 1])
    assert [holds(left, 4, by) for by in (1, 2, 3)] == ["senior", "boss", "senior"]
    assert [holds(left, 2, by) for by in (1, 2, 3)] == ["junior", "boss", "junior"]
    assert holds(left, 0, 3) == "junior"


def test_a_slice_takes_back_what_came_since_it_was_told_whatever_was_told_of_others() -> None:
    boss, trainee = (2, 0, None, "boss"), (0, 0, 3, "trainee")
    left = taken_in([(1, SENIOR), (2, [boss]), (3, [trainee]), (4, [trainee, SENIOR[1]])], [1, 1, 1, 1])
    assert [holds(left, 4, by) for by in (1, 2, 3, 4)] == ["senior", "boss", "boss", "senior"]


def test_a_slice_takes_back_what_another_file_said_beside_a_repetition() -> None:
    left = taken_in([(1, SENIOR), (2, SENIOR), (2, BOSS[1:]), (3, SENIOR)], [4])
    assert [holds(left, 4, by) for by in (1, 2, 3)] == ["senior", "boss", "senior"]


def test_what_was_undone_once_repeats_from_then_on() -> None:
    files = [(1, SENIOR), (2, BOSS), (3, SENIOR), (4, SENIOR)]
    assert len(taken_in(files, [1, 1, 1, 1])) == len(taken_in(files[:3], [1, 1, 1]))
    assert len(taken_in([(month, SENIOR) for month in (1, 2, 3, 4)], [4])) == len(SENIOR)


def test_slices_that_share_no_day_repeat_whatever_came_between() -> None:
    for first in (0, 1):
        left = taken_in([(1, [SENIOR[first]]), (2, SENIOR), (3, SENIOR)], [1, 1, 1])
        news = [(SENIOR[first][3], moment(1)), (SENIOR[1 - first][3], moment(2))]
        assert left.select("job_code", "known_from").rows() == news


def test_the_first_of_two_changes_of_a_day_repeats() -> None:
    first, second = (2, 0, 3, "first"), (2, 1, None, "second")
    left = taken_in([(1, [first]), (2, [first, second]), (3, [first, second])], [1, 1, 1])
    assert left.select("job_code", "known_from").rows() == [("first", moment(1)), ("second", moment(2))]


@pytest.mark.parametrize("batches", [[1, 1, 1, 1], [4]])
def test_a_promotion_that_is_rescinded_leaves_the_job_that_the_source_knows_since_long(batches: list[int]) -> None:
    """Rescinding it does not date the rows anew that it leaves."""
    promoted = [SENIOR[0], (3, 0, 4, "senior"), (4, 0, None, "boss")]
    left = taken_in([(1, SENIOR), (2, promoted), (3, SENIOR), (4, SENIOR)], batches, is_dated=True)
    assert [holds(left, 5, by) for by in (1, 2, 3, 4)] == ["senior", "boss", "senior", "senior"]
    back = (
        left.filter(pl.col("valid_to").is_null(), job_code="senior")
        .select("known_from", "known_from_basis")
        .sort("known_from")
    )
    assert back.rows() == [(moment(1), "source"), (moment(3), "observed")]


def test_a_file_with_all_that_was_ever_known_takes_nothing_back() -> None:
    """What was entered later still takes the days of what it lists beside it."""
    both = [SENIOR[1], (4, 0, None, "boss")]
    left = taken_in([(1, both[:1]), (2, both), (3, both)], [1, 1, 1], is_dated=True)
    assert left.select("job_code", "known_from").rows() == [("senior", moment(1)), ("boss", moment(2))]


@pytest.mark.parametrize("changed", [(3, 0, 5, "chief"), (4, 0, 5, "boss")], ids=["of the slice", "of another"])
def test_what_a_file_changed_since_still_takes_the_days_of_what_it_lists_as_of_before(changed: Slice) -> None:
    both = [SENIOR[1], (4, 0, None, "boss")] if changed[0] == 4 else [SENIOR[1], (3, 0, None, "chief")]
    news = taken_in([(1, both[:1]), (2, both[1:])], [1, 1], is_dated=True)
    whole = Whole({0: "5"}, {0: "125"})
    kept, _ = dedupe(rows(5, [SENIOR[1], changed], 0, {SENIOR[1]: 1, changed: 3}), JOBS, published([news]), whole)
    assert kept.select("job_code", "known_from").rows() == [(changed[3], moment(3))]


def test_of_versions_of_a_file_in_one_batch_no_slice_of_the_older_stands_beside_those_of_the_newest() -> None:
    told = pl.concat([rows(1, SENIOR, 0), rows(1, BOSS, 1)])
    kept, gone = of_newest(told, JOBS, ["jobs", "jobs"])
    assert (kept["job_code"].to_list(), gone["source_row"].to_list()) == (["junior", "boss"], [0, 1])


def test_what_only_another_feed_told_is_not_taken_back() -> None:
    news = taken_in([(1, SENIOR), (2, [(4, 0, None, "boss")])], [1, 1], is_dated=True)
    dated = dict.fromkeys(SENIOR, 1)
    for feed, count in (("123", 1), ("13", 0)):
        kept, _ = dedupe(rows(3, SENIOR, 0, dated), JOBS, published([news]), Whole({0: "3"}, {0: feed}))
        assert len(kept) == count


def test_a_day_that_others_take_is_not_shared_with_another_thing() -> None:
    other = rows(2, [(3, 0, None, "boss")]).with_columns(assignment_key=pl.lit("b"), file_id=pl.lit("2"))
    before = published([taken_in([(1, SENIOR)], [1]), other.with_columns(digests(other, JOBS))])
    kept, gone = dedupe(rows(3, SENIOR), JOBS, before)
    assert kept.is_empty()
    assert gone["reason_code"].to_list() == ["unchanged_row"] * 2


@st.composite
def histories(draw: st.DrawFn) -> list[Slice]:
    """Slices of one file: side by side, now and then several on a day, the last open or not."""
    starts = sorted(draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)))
    last = draw(st.sampled_from([None, 6]))
    slices: list[Slice] = []
    for number, start in enumerate(starts):
        following = starts[number + 1] if number + 1 < len(starts) else last
        place = starts[:number].count(start)
        end = following if following is None else max(following, start + 1)
        slices.append((start, place, end, draw(st.sampled_from("ab"))))
    return [one for one in slices if draw(st.integers(0, 3)) or len(slices) == 1]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(histories(), min_size=1, max_size=5), st.lists(st.integers(1, 3), min_size=5, max_size=5), st.booleans()
)
def test_nothing_that_is_left_out_changes_what_holds(
    told: list[list[Slice]], batches: list[int], is_dated: bool
) -> None:
    files = list(enumerate(told, start=1))
    left = taken_in(files, batches, is_dated=is_dated)
    for by in range(1, len(files) + 1):
        assert [holds(left, on, by) for on in DAYS] == [should_hold(files, on, by) for on in DAYS]


def pages(runs: list[list[list[Slice]]], *, are_known: bool = True) -> list[int]:
    """How many rows are left of each run, whose pages were written days after each other; a batch each run."""
    names = [[f"{run}-{page}" for page in range(len(told))] for run, told in enumerate(runs)]
    exports = {name: run for run, mine in enumerate(names) for name in mine} if are_known else {}
    news: list[pl.DataFrame] = []
    for run, told in enumerate(runs):
        units = dict(enumerate(names[run]))
        moments = [timedelta(days=unit) for unit in units]
        frames = [
            rows(run + 1, slices, unit).with_columns(pl.col("known_from", "extracted_at") + moments[unit])
            for unit, slices in enumerate(told)
        ]
        kept, _ = dedupe(pl.concat(frames), JOBS, published(news), Whole({}, {}, units, exports))
        kept = kept if "record_sha256" in kept else kept.with_columns(digests(kept, JOBS))
        assert "_export" not in kept.columns
        file = pl.col("unit_no").replace_strict(units, return_dtype=pl.String)
        news.append(kept.with_columns(file.alias("file_id")))
    return [len(kept) for kept in news]


OVERLAP = [[(0, 0, None, "junior")], [(0, 0, None, "junior"), (3, 0, None, "senior")]]
"""Somebody on two pages of a run: while it was written they became a senior."""


def test_pages_of_a_run_take_nothing_from_each_other_and_each_run_tells_only_news() -> None:
    assert pages([OVERLAP] * 3) == [2, 0, 0]
    assert pages([OVERLAP[::-1]] * 3) == [2, 0, 0]


def test_what_another_run_said_between_is_taken_back() -> None:
    """By which of its pages, nobody has to say."""
    boss = [[(0, 0, None, "junior")], [(0, 0, 1, "junior"), (1, 0, None, "boss")]]
    assert pages([OVERLAP, boss, OVERLAP])[2] > 0
    assert pages([OVERLAP, OVERLAP], are_known=False)[1] > 0, "else this says nothing"


def test_a_page_takes_nothing_from_one_of_its_run_that_is_new() -> None:
    junior = [(0, 0, None, "junior")]
    assert pages([[junior], [[(3, 0, None, "senior")], junior]]) == [1, 1]
