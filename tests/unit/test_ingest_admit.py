"""What of a checked batch is left once people were forgotten: source row by source row, and at which price."""

import hmac

import polars as pl
import pytest

from pipelines.base import forgotten
from pipelines.base.forgotten import Group
from pipelines.ingest.admit import _apart

ANN, BEN, CAT = ("p_" + letter * 32 for letter in "abc")


def rows(who: dict[str, list[str | None]], sources: list[int]) -> pl.LazyFrame:
    """Rows of a table that one unit gave."""
    made = {**who, "unit_no": [0] * len(sources), "source_row": sources, "title": ["x"] * len(sources)}
    return pl.DataFrame(made, schema_overrides={"unit_no": pl.Int32, "source_row": pl.Int64}).lazy()


@pytest.fixture
def tables() -> dict[str, pl.LazyFrame]:
    """Row 1 is about Ann, 2 about Ann and a course, 3 about Ben, 4 links Ben to Ann, 5 is about nobody, 6 about Cat."""
    return {
        "workers": rows(
            {"person_id": [ANN, ANN, BEN, CAT], "manager_person_id": [None, None, ANN, None]}, [1, 2, 3, 6]
        ),
        "consents": rows({"person_id": [ANN, BEN, CAT]}, [1, 3, 6]),
        "person_links": rows({"person_id": [BEN], "linked_person_id": [ANN]}, [4]),
        "courses": rows({"course_id": ["K1", "K2"]}, [2, 5]),
        "identifiers": rows({"person_id": [None]}, [5]),
    }


def group(store, *people: str) -> Group:
    return forgotten.group(store, people)


def left(tables: dict[str, pl.LazyFrame]) -> dict[str, list[int]]:
    return {name: frame.collect()["source_row"].to_list() for name, frame in tables.items()}


def test_rows_about_others_stay_and_a_source_row_is_gone_when_nothing_of_it_is_left(tables, store, keys):
    kept, gone = _apart(tables, group(store, ANN))
    assert left(kept) == {
        "workers": [3, 6],
        "consents": [3, 6],
        "person_links": [],
        "courses": [2, 5],
        "identifiers": [5],
    }
    assert gone.sort("source_row").rows() == [(0, 1), (0, 4)], "of the second row a course is left"
    assert gone.schema == {"unit_no": pl.Int32, "source_row": pl.Int64}, "as tallies count them"


def test_of_whom_the_batch_does_not_tell_nothing_is_taken_out(tables, store, keys):
    kept, gone = _apart(tables, group(store, "p_" + "d" * 32))
    assert left(kept) == left(tables)
    assert gone.is_empty()


def test_a_person_costs_one_keyed_hash_and_no_table_is_held(tables, store, keys, monkeypatch):
    barred = group(store, ANN, BEN)
    hashed, read = [], set()
    digest, collect = hmac.digest, pl.LazyFrame.collect

    def told(key, text, kind):
        hashed.append(text)
        return digest(key, text, kind)

    def collected(frame, *args, **more):
        found = collect(frame, *args, **more)
        read.update(found.columns)
        return found

    monkeypatch.setattr(hmac, "digest", told)
    monkeypatch.setattr(pl.LazyFrame, "collect", collected)
    kept, _ = _apart(tables, barred)
    assert sorted(hashed) == [f"forgotten|{one}".encode() for one in (ANN, BEN, CAT)]
    assert read == {"", "unit_no", "source_row"}
    assert left(kept)["workers"] == [6]
