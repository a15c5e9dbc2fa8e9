import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base import delta
from pipelines.base.contracts import TABLES
from pipelines.base.digests import sha256_frame, sha256_lines
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake, stamp
from pipelines.base.store import FileStore


def day(number: int) -> datetime:
    return datetime(2026, 1, number, 12, tzinfo=UTC)


def courses(*rows: tuple[str, str, datetime]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"course_id": course, "title": title, "topic_code": None, "level_code": None, "duration_minutes": 30.0}
            | dict.fromkeys(("is_active", "is_mandatory", "valid_from", "valid_to", "audience_codes", "renewal_months"))
            | {"file_id": "f", "source_row": row, "known_from": known, "known_from_basis": "source"}
            for row, (course, title, known) in enumerate(rows)
        ],
        schema_overrides={"topic_code": pl.String, "level_code": pl.String, "known_from": pl.Datetime("us", "UTC")},
    )


def titles(lake: Lake, as_of: date | None = None) -> list[str]:
    return lake.read("courses", lake.require(), as_of)["title"].to_list()


def test_the_newest_version_known_on_the_day_holds(store):
    lake = Lake(store)
    lake.publish("b1", {"courses": courses(("a", "old", day(1)), ("b", "other", day(2)))}, {}, {})
    lake.publish("b2", {"courses": courses(("a", "new", day(5)))}, {}, {})
    assert titles(lake) == ["new", "other"]
    assert titles(lake, date(2026, 1, 4)) == ["old", "other"]
    assert titles(lake, date(2026, 1, 1)) == ["old"]


def test_rows_are_found_by_their_text(store):
    lake = Lake(store)
    manifest = lake.publish("b1", {"courses": courses(("a", "old", day(1)), ("b", "other", day(2)))}, {}, {})
    assert lake.scan("courses", manifest).filter(pl.col("title") == "other").collect()["course_id"].to_list() == ["b"]


def test_a_day_includes_its_last_moment(store):
    lake = Lake(store)
    lake.publish("b1", {"courses": courses(("a", "late", datetime(2026, 1, 3, 23, 59, 59, tzinfo=UTC)))}, {}, {})
    assert titles(lake, date(2026, 1, 3)) == ["late"]
    assert titles(lake, date(2026, 1, 2)) == []


def test_a_late_delivery_of_an_older_version_does_not_win(store):
    lake = Lake(store)
    lake.publish("b1", {"courses": courses(("a", "newer", day(5)))}, {}, {})
    lake.publish("b2", {"courses": courses(("a", "older", day(1)))}, {}, {})
    assert titles(lake) == ["newer"]


def test_the_same_batch_twice_changes_nothing(store):
    lake = Lake(store)
    first = lake.publish("b1", {"courses": courses(("a", "x", day(1)))}, {}, {"feed": {"in": 1}})
    again = lake.publish("b1", {"courses": courses(("a", "x", day(1)))}, {}, {"feed": {"in": 1}})
    assert first == again
    assert len(lake.versions("courses", lake.require())) == 1


def test_rows_of_a_killed_publish_are_stepped_back_over(store):
    lake = Lake(store)
    first = lake.publish("b1", {"courses": courses(("a", "x", day(1)))}, {}, {})
    orphan = stamp(TABLES["courses"], courses(("z", "orphan", day(2))))
    delta.append(store, "lake/courses", orphan, ["bucket"], after=first.tables["courses"].version)
    assert titles(lake) == ["x"]
    lake.publish("b2", {"courses": courses(("b", "y", day(3)))}, {}, {})
    assert titles(lake) == ["x", "y"]


def test_a_tables_digest_is_that_of_all_its_rows_whatever_batches_they_came_in(tmp_path):
    one, two = (Lake(FileStore(tmp_path / name)) for name in ("one", "two"))
    a, b = ("a", "x", day(1)), ("b", "y", day(3))
    one.publish("b1", {"courses": courses(a, b)}, {}, {})
    two.publish("b1", {"courses": courses(a)}, {}, {})
    two.publish("b2", {"courses": courses(b)}, {}, {})
    whole, added = (lake.require().tables["courses"] for lake in (one, two))
    assert (added.rows, added.sha256) == (2, whole.sha256)


def test_a_killed_publish_leaves_the_same_digest_behind(tmp_path):
    def run(root: str, *, disturbed: bool) -> str:
        lake = Lake(FileStore(tmp_path / root))
        first = lake.publish("b1", {"courses": courses(("a", "x", day(1)))}, {}, {})
        if disturbed:
            orphan = stamp(TABLES["courses"], courses(("b", "y", day(3))))
            delta.append(lake.store, "lake/courses", orphan, ["bucket"], after=first.tables["courses"].version)
        return lake.publish("b2", {"courses": courses(("b", "y", day(3)))}, {}, {}).sha256

    assert run("plain", disturbed=False) == run("disturbed", disturbed=True)


def test_a_missing_column_is_named(store):
    with pytest.raises(ContractError, match=r"courses must have the columns .*; title missing"):
        Lake(store).publish("b1", {"courses": courses(("a", "x", day(1))).drop("title")}, {}, {})


def test_an_empty_lake_says_what_to_run(store):
    with pytest.raises(ContractError, match=r"pipelines\.ingest run"):
        Lake(store).require()


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(-3, 3)), max_size=6), st.randoms())
def test_a_frame_digest_does_not_depend_on_order(rows, random):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64}, orient="row")
    shuffled = list(rows)
    random.shuffle(shuffled)
    other = pl.DataFrame(shuffled, schema={"a": pl.String, "b": pl.Int64}, orient="row").select("b", "a")
    assert sha256_frame(frame) == sha256_frame(other)


def test_null_and_empty_text_have_different_digests():
    assert sha256_frame(pl.DataFrame({"a": [""]})) != sha256_frame(pl.DataFrame({"a": [None]}, schema={"a": pl.String}))


def test_a_digest_of_digests_is_that_of_their_sorted_lines_also_where_they_begin_alike():
    alike = [f"{'a' * 15}{end:049x}" for end in (9, 3, 7)]
    digests = ["f" * 64, *alike, "0" * 64, "f" * 64, hashlib.sha256(b"x").hexdigest()]
    expected = hashlib.sha256(("\n" + "\n".join(sorted(digests))).encode()).hexdigest()
    assert sha256_lines(pl.Series(digests)) == expected
    assert sha256_lines(pl.Series(digests[::-1])) == expected


@pytest.mark.parametrize("texts", [["b" * 64, "a", "c" * 63], ["é" * 32, "a" * 64], ["a" * 65], [f"{'a' * 63}Z"] * 2])
def test_texts_that_are_no_digests_count_as_sorted_lines_too(texts):
    expected = hashlib.sha256(("of\n" + "\n".join(sorted(texts))).encode()).hexdigest()
    assert sha256_lines(pl.Series(texts), "of") == expected


def test_without_any_digest_the_header_is_all_that_counts():
    assert sha256_lines(pl.Series([], dtype=pl.String), "of") == hashlib.sha256(b"of").hexdigest()


def test_a_table_gains_a_column_that_may_be_empty_and_older_rows_have_none(store, monkeypatch):
    lake, table, older = Lake(store), TABLES["courses"], courses(("a", "old", day(1)))
    narrow = replace(table, columns=tuple(c for c in table.columns if c.name not in ("duration_minutes", "topic_code")))
    with monkeypatch.context() as before:
        before.setitem(TABLES, "courses", narrow)
        first = lake.publish("b1", {"courses": older.drop("duration_minutes", "topic_code")}, {}, {})
    assert lake.read("courses", first).select("title", "duration_minutes").rows() == [("old", None)]
    second = lake.publish("b2", {"courses": courses(("b", "new", day(2)))}, {}, {})
    expected = [("old", None, None), ("new", 30.0, None)]
    assert lake.read("courses", second).select("title", "duration_minutes", "topic_code").rows() == expected
    assert lake.read("courses", first)["title"].to_list() == ["old"]


def test_a_column_that_must_be_filled_cannot_be_made_up(store, monkeypatch):
    lake, table = Lake(store), TABLES["courses"]
    narrow = replace(table, columns=tuple(column for column in table.columns if column.name != "title"))
    with monkeypatch.context() as before:
        before.setitem(TABLES, "courses", narrow)
        lake.publish("b1", {"courses": courses(("a", "old", day(1))).drop("title")}, {}, {})
    with pytest.raises(ContractError, match="title missing"):
        lake.read("courses", lake.require())


def test_rows_are_found_by_their_text_after_an_erasure(store):
    """A deletion writes the files anew that had somebody among others, and text in them as no other write does."""
    people = [f"p_{number % 8:04x}{number:028x}" for number in range(40)]
    rows = [
        {"person_id": person, "is_given": True, "known_from": day(1), "known_from_basis": "source"}
        | {"file_id": "f", "source_row": number}
        for number, person in enumerate(people)
    ]
    lake = Lake(store)
    manifest = lake.publish("b1", {"consents": pl.DataFrame(rows)}, {}, {})
    for gone in (0, 8):
        lake.erase([people[gone]], lambda *_: None)
        left = lake.scan("consents", manifest)
        mine = pl.col("person_id").is_in([people[gone], people[16], people[17]])
        assert set(left.filter(mine).collect()["person_id"]) == {people[16], people[17]}
        assert left.filter(pl.col("file_id") != "f").select("source_row").collect().is_empty()
        assert left.filter(person_id=people[16]).select("source_row").head(1).collect().item() == 16
