"""Repetitions are left out, changes are kept, restatements are known from the file that brought them."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipelines.base.contracts import TABLES, Table
from pipelines.base.digests import row_digests
from pipelines.base.store import FileStore
from pipelines.ingest.counts import Tally, tally
from pipelines.ingest.dedupe import DIGEST, NONE, Whole, dedupe, digests, of_newest, versions

CONSENTS = TABLES["consents"]
MOMENT = pl.Datetime("us", "UTC")


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def rows(*given: tuple[int, int, str, bool, int, int]) -> pl.DataFrame:
    """unit, source row, person, answer, day known, day extracted."""
    names = ["unit_no", "source_row", "person_id", "is_given", "known_from", "extracted_at"]
    schema = [pl.Int32, pl.Int64, pl.String, pl.Boolean, MOMENT, MOMENT]
    data = [(unit, row, person, answer, day(known), day(seen)) for unit, row, person, answer, known, seen in given]
    frame = pl.DataFrame(data, schema=dict(zip(names, schema, strict=True)), orient="row")
    return frame.with_columns(known_from_basis=pl.lit("source"))


def published(*given: tuple[str, bool, int]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(person, answer, day(known)) for person, answer, known in given],
        schema={"person_id": pl.String, "is_given": pl.Boolean, "known_from": MOMENT},
        orient="row",
    )
    digests = row_digests(frame.select("person_id", "is_given"))
    return frame.select(pl.struct("person_id").hash().alias("_key"), "known_from", digests.alias("record_sha256"))


def reasons(gone: pl.DataFrame) -> list[tuple[int, int, str]]:
    return sorted(gone.rows())


def test_an_exact_duplicate_in_a_file_is_left_out_once() -> None:
    kept, gone = dedupe(rows((0, 1, "p", True, 1, 9), (0, 2, "p", True, 1, 9)), CONSENTS, published())
    assert kept["source_row"].to_list() == [1]
    assert reasons(gone) == [(0, 2, "duplicate_row")]


def test_what_the_lake_has_already_is_unchanged() -> None:
    kept, gone = dedupe(rows((0, 1, "p", True, 5, 9)), CONSENTS, published(("p", True, 1)))
    assert kept.is_empty()
    assert reasons(gone) == [(0, 1, "unchanged_row")]


def test_a_change_and_the_change_back_are_both_news() -> None:
    kept, gone = dedupe(rows((0, 1, "p", False, 2, 9), (1, 1, "p", True, 3, 9)), CONSENTS, published(("p", True, 1)))
    assert kept["is_given"].to_list() == [False, True]
    assert gone.is_empty()


def test_the_version_before_in_time_counts_not_the_newest() -> None:
    before = published(("p", True, 1), ("p", False, 8))
    kept, gone = dedupe(rows((0, 1, "p", True, 4, 9)), CONSENTS, before)
    assert kept.is_empty()
    assert reasons(gone) == [(0, 1, "unchanged_row")]


def test_a_restatement_is_known_from_its_file_on_and_repeats_quietly() -> None:
    first = published(("p", True, 1))
    kept, _ = dedupe(rows((0, 1, "p", False, 1, 9)), CONSENTS, first)
    assert kept["known_from"].to_list() == [day(9)]
    assert kept["known_from_basis"].to_list() == ["observed"]
    again, gone = dedupe(rows((0, 1, "p", False, 1, 9)), CONSENTS, pl.concat([first, published(("p", False, 9))]))
    assert again.is_empty()
    assert reasons(gone) == [(0, 1, "unchanged_row")]


def test_of_versions_of_a_file_in_one_batch_the_newest_says_what_both_speak_of() -> None:
    told = rows((0, 1, "p", True, 1, 9), (1, 1, "p", False, 1, 9), (0, 2, "q", True, 1, 9), (1, 2, "q", True, 2, 9))
    kept, gone = of_newest(told, CONSENTS, ["consents/a", "consents/a"])
    assert kept.select("unit_no", "source_row").rows() == [(1, 1), (0, 2), (1, 2)], "each moment by itself"
    assert reasons(gone) == [(0, 1, "replaced_row")]
    kept, gone = of_newest(told, CONSENTS, ["consents/a", "consents/b"])
    assert (len(kept), len(gone)) == (4, 0), "two files that contradict each other are for the checks"


OWN = Whole({0: "f3", 1: "f4"}, {0: ["f1", "f2", "f3", "f4"], 1: ["f1", "f2", "f3", "f4"]})


def of_files(*given: tuple[str, bool, int, str]) -> pl.DataFrame:
    """Published: person, answer, day known, file."""
    return published(*((person, answer, known) for person, answer, known, _ in given)).with_columns(
        pl.Series("file_id", [file for *_, file in given])
    )


CHANGED = (("p", True, 1, "f1"), ("p", False, 5, "f2"))


def test_a_change_that_the_source_takes_back_without_dating_it_is_known_from_its_file_on() -> None:
    again = rows((0, 1, "p", True, 1, 9))
    kept, _ = dedupe(again, CONSENTS, of_files(*CHANGED), OWN)
    assert kept.select("known_from", "known_from_basis").rows() == [(day(9), "observed")]
    kept, gone = dedupe(again, CONSENTS, of_files(*CHANGED, ("p", True, 9, "f3")), OWN)
    assert kept.is_empty()
    assert reasons(gone) == [(0, 1, "unchanged_row")]


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ([(0, 1, "p", True, 1, 9)], NONE),  # of changes alone, which may come twice
        ([(0, 1, "p", True, 1, 9)], Whole({0: "f3"}, {0: ["f1", "f3"]})),  # another feed's word stands
        ([(0, 1, "p", True, 1, 4)], OWN),  # a late file knew nothing of it
        ([(0, 1, "p", True, 1, 9), (0, 2, "p", False, 5, 9)], OWN),  # which tells every version
        ([(0, 1, "p", True, 1, 9), (1, 1, "p", False, 5, 9)], OWN),  # on another page
    ],
)
def test_a_change_that_nobody_takes_back_stays(told: list[tuple[int, int, str, bool, int, int]], whole: Whole) -> None:
    kept, gone = dedupe(rows(*told), CONSENTS, of_files(*CHANGED), whole)
    assert kept.is_empty()
    assert {why for *_, why in reasons(gone)} == {"unchanged_row"}


def test_two_answers_of_one_file_for_one_moment_are_left_for_the_checks() -> None:
    kept, gone = dedupe(rows((0, 1, "p", True, 1, 9), (0, 2, "p", False, 1, 9)), CONSENTS, published())
    assert kept["known_from"].to_list() == [day(1), day(1)]
    assert gone.is_empty()


JOBS = TABLES["jobs"]
SPAN = {"spring": (date(2025, 1, 1), date(2025, 12, 31)), "autumn": (date(2025, 3, 1), date(2025, 12, 31))}
"""Slices of one job that share days."""


def told(table: Table, *given: tuple[int, int, dict[str, Any]]) -> pl.DataFrame:
    """Rows by unit, day of the file and what they say; without a day of their own they are known from the file's."""
    made = [
        {"unit_no": unit, "source_row": row, "known_from": day(at), "extracted_at": day(at)}
        | {"known_from_basis": "observed"}
        | said
        for row, (unit, at, said) in enumerate(given)
    ]
    kinds = {"known_from": pl.Datetime("us", "UTC"), "extracted_at": pl.Datetime("us", "UTC"), "unit_no": pl.Int32}
    return pl.DataFrame(made, schema={**table.schema, "source_row": pl.Int64, "known_from_basis": pl.String, **kinds})


def slice_of(name: str) -> dict[str, Any]:
    return {"job_code": "J1", "valid_from": SPAN[name][0], "valid_to": SPAN[name][1]}


def after(before: pl.DataFrame, news: pl.DataFrame, table: Table, file: str) -> pl.DataFrame:
    """What `versions` gives once the news are published."""
    news = news if DIGEST in news.columns else news.with_columns(digests(news, table))
    keyed = news.with_columns(pl.struct(table.key).hash().alias("_key"), file_id=pl.lit(file))
    return pl.concat([before, keyed.select(before.columns)])


def test_two_slices_that_every_file_tells_together_are_told_once(store: FileStore) -> None:
    lake, news = versions(store, None, JOBS), []
    for number, names in ((1, ["spring"]), (2, ["spring", "autumn"]), (3, ["spring", "autumn"]), (4, [*SPAN])):
        found, _ = dedupe(told(JOBS, *((0, number, slice_of(name)) for name in names)), JOBS, lake)
        lake, news = after(lake, found, JOBS, f"f{number}"), [*news, found["valid_from"].to_list()]
    assert news == [[date(2025, 1, 1)], [date(2025, 3, 1)], [], []]


def test_a_slice_that_takes_its_days_back_does_so_once_however_many_files_tell_it(store: FileStore) -> None:
    lake = versions(store, None, JOBS)
    for number, name in ((1, "spring"), (2, "autumn")):
        lake = after(lake, dedupe(told(JOBS, (0, number, slice_of(name))), JOBS, lake)[0], JOBS, f"f{number}")
    backlog = told(JOBS, *((number, number, slice_of("spring")) for number in (3, 4, 5)))
    news, gone = dedupe(backlog, JOBS, lake)
    assert news["unit_no"].to_list() == [3]
    assert reasons(gone) == [(4, 1, "unchanged_row"), (5, 2, "unchanged_row")]


def test_what_a_history_withdraws_and_tells_again_is_believed_again(store: FileStore) -> None:
    workers, lake, news = TABLES["workers"], versions(store, None, TABLES["workers"]), []
    for number, rows_ in ((10, "AB"), (11, "A"), (12, "AB"), (13, "AB")):
        said = [
            (
                0,
                number,
                {"person_id": "p", "job_family_code": code, "known_from": day(at), "known_from_basis": "source"},
            )
            for at, code in enumerate(rows_, start=1)
        ]
        whole = Whole({0: f"f{number}"}, {0: {f"f{it}" for it in range(10, number + 1)}})
        found, _ = dedupe(told(workers, *said), workers, lake, whole)
        lake = after(lake, found, workers, f"f{number}")
        news.append(found.select("job_family_code", "known_from").rows())
    assert news == [[("A", day(1)), ("B", day(2))], [("A", day(11))], [("B", day(12))], []]


def notes(*given: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(given, schema={"source_row": pl.Int64, "reason_code": pl.String}, orient="row")


def accepted(*given: int) -> pl.DataFrame:
    return pl.DataFrame({"source_row": pl.Series(given, dtype=pl.Int64)})


def test_a_source_row_counts_once_with_its_first_reason() -> None:
    bad = notes((2, "missing:hired_at"), (2, "unparsable:fte"))
    found = tally(4, bad, accepted(1, 3), notes((1, "not_rated"), (4, "duplicate_row"), (4, "not_rated")))
    assert found == Tally(4, 2, 1, 1, 0, {"duplicate_row": 1, "missing:hired_at": 1})
    assert found.adds_up


def test_a_row_without_a_trace_breaks_the_sum() -> None:
    assert not tally(3, notes(), accepted(1, 2), notes()).adds_up


def test_a_row_counted_twice_breaks_the_sum() -> None:
    assert not tally(1, notes((1, "x")), accepted(1), notes()).adds_up
