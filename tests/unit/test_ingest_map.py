"""What parts become: which cells reach the rules, and moments that several tables share."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.base.contracts import Column
from pipelines.ingest import expressions
from pipelines.ingest.batch import Unit
from pipelines.ingest.cells import Context
from pipelines.ingest.map import joined, map_parts
from pipelines.ingest.read import FAULT, ROW
from pipelines.ingest.rules import Condition, Explode, Join, Rule
from tests.unit.conftest import declared

ISO = "%Y-%m-%dT%H:%M:%S"
PERSON = {"from": "who", "person": "worker"}


def mapped(tmp_path: Path, cells: dict[str, list[str | None]], tables: list[dict[str, Any]], **more: Any) -> Any:
    feed = declared("csv", {"delimiter": ",", "quote": '"'}, tables=tables, **more)
    rows = len(next(iter(cells.values())))
    heads = {ROW: pl.int_range(1, rows + 1, eager=True), FAULT: pl.Series([None] * rows, dtype=pl.String)}
    pl.DataFrame({**heads, **cells}).write_ipc(tmp_path / "part-00000.arrow")
    unit = Unit("u", "f", "in", "0" * 64, 0, {}, "")
    [(count, made)] = map_parts([tmp_path / "part-00000.arrow"], feed, unit, b"k" * 32, lambda _: pl.DataFrame())
    return count, made


def identifiers(**more: Any) -> dict[str, Any]:
    columns = {"person_id": PERSON, "scheme_code": {"from": "kind"}, "value": {"from": "what"}}
    return {"table": "identifiers", "columns": columns} | more


def test_columns_that_no_rule_names_are_not_there_and_are_not_missed(tmp_path):
    cells = {"who": ["1", "2"], "kind": ["a", "b"], "what": ["x", "y"], "unknown": ["?", "?"]}
    count, made = mapped(tmp_path, cells, [identifiers()])
    assert count == 2
    assert made["identifiers/00"]["value"].to_list() == ["x", "y"]


def test_codes_that_a_map_does_not_list_are_counted_whatever_becomes_of_their_rows(tmp_path):
    """A map that says what all others mean lists them all."""
    kinds = {"reject": {"A": "a"}, "null": {"A": "a", "B": "b"}, "keep": {"A": "a"}, "other": {"A": "a"}}
    tables = [identifiers() for _ in kinds]
    for (otherwise, codes), table in zip(kinds.items(), tables, strict=True):
        table["columns"]["value"] = {"from": "what", "codes": codes, "else": otherwise}
    cells = {"who": list("123456"), "kind": ["k"] * 6, "what": ["A", "B", "C", "C", None, ""]}
    _, made = mapped(tmp_path, cells, tables)
    counts = {place: frame.rows() for place, frame in made.items() if place.startswith("_codes")}
    assert counts == {"_codes/00": [("identifiers", "value", 4, 3)], "_codes/01": [("identifiers", "value", 4, 2)]}
    assert made["identifiers/00"]["value"].to_list() == ["a"]
    assert not [name for name in made["identifiers/00"].columns if "unlisted" in name]


def test_a_column_of_the_name_that_a_step_makes_is_not_lost_without_a_word(tmp_path):
    """`what` is read as a column and made as another: that cannot be meant, and must not look like empty cells."""
    unpivot = {"columns": {"what": "first", "other": "second"}, "name": "kind", "value": "what"}
    with pytest.raises(pl.exceptions.DuplicateError):
        mapped(tmp_path, {"who": ["1"], "what": ["x"], "other": ["y"]}, [identifiers(unpivot=unpivot)])


def test_a_moment_of_an_exploded_group_is_not_that_of_the_column_of_its_name(tmp_path):
    known = {"from": "history.At", "moment": ISO}
    cells = {
        "who": ["1"],
        "kind": ["a"],
        "what": ["x"],
        "history": ['[{"At": "2026-02-02T00:00:00"}]'],
        "history.At": ["2026-01-01T00:00:00"],
    }
    exploded = identifiers(known_from=known, explode={"column": "history", "fields": ["At"]})
    extracted = {"constant": "2026-09-30T00:00:00Z"}
    _, made = mapped(tmp_path, cells, [identifiers(known_from=known), exploded], extracted_at=extracted)
    months = [made[f"identifiers/0{n}"]["known_from"].dt.month().to_list() for n in (0, 1)]
    assert months == [[1], [2]]


def test_a_join_finds_no_rows_that_the_other_feed_leaves_out_or_cannot_use(tmp_path):
    rows = [
        {"column": "instruction", "among": ["MERGE"], "reason": "deleted"},
        {"column": "period", "among": ["2026-09"], "reason": "other_period"},
    ]
    feed = declared("csv", {"delimiter": ",", "quote": '"'}, rows=rows)
    cells = {"key": ["1", "1", "2"], "instruction": ["MERGE", "DELETE", "MERGE"], "what": ["x", "y", "z"]}
    frame = pl.DataFrame({ROW: [1, 2, 3], FAULT: [None, None, "undeclared_list"], **cells})
    frame.write_ipc(tmp_path / "part-00000.arrow")
    take = {"there": "what", "in": "period"}
    step = Join.model_validate({"feed": "f", "match": {"who": "key"}, "take": take, "missing": "keep"})
    found = {}
    for period in ("2026-08", "2026-09"):
        found[period] = joined([(tmp_path / "part-00000.arrow", {"period": period})], feed, step)
    assert found["2026-09"].rows(named=True) == [{"key": "1", "what": "x", "period": "2026-09"}]
    assert found["2026-08"].is_empty()
    all_ = joined(
        [(tmp_path / "part-00000.arrow", {"period": "2026-08"})], feed, step.model_copy(update={"every": True})
    )
    assert all_["what"].to_list() == ["y"], "the last sound row of the key, a deletion; one that has a fault never"


def test_a_group_within_a_group_becomes_rows_in_turn(tmp_path):
    jobs = {"1": [{"Job": "a"}, {"Job": "b"}], "2": [], "4": [{}]}
    members = [{"No": no, "jobs": json.dumps(inner)} for no, inner in jobs.items()]
    group = json.dumps([*members, {"No": "3"}])
    cells = {"who": ["1", "2"], "kind": ["a", "a"], "group": [group, None]}
    explode = {"column": "group", "fields": ["No", "jobs"], "then": {"column": "group.jobs", "fields": ["Job"]}}
    columns = {
        "person_id": PERSON,
        "scheme_code": {"from": "group.No"},
        "value": {"from": "group.jobs.Job", "absent": "none"},
    }
    count, made = mapped(tmp_path, cells, [identifiers(explode=explode, columns=columns)])
    assert count == 2
    assert made["identifiers/00"].select("scheme_code", "value").rows() == [("1", "a"), ("1", "b"), ("4", "none")]


def test_a_group_within_a_group_must_be_one_that_the_step_makes():
    step = {"column": "group", "fields": ["No"], "then": {"column": "jobs", "fields": ["Job"]}}
    with pytest.raises(ValidationError, match=r"then\.column must be one that the step makes: group\.No"):
        Explode.model_validate(step)


def test_rows_that_are_left_out_are_named_and_others_stay(tmp_path):
    cells = {"who": ["1", "2", "3", "4"], "kind": ["draft", "sent", None, "unknown"], "what": ["x"] * 4}
    rows = [{"column": "kind", "not_among": ["draft", "saved"], "reason": "not_sent"}]
    columns = identifiers()["columns"] | {"scheme_code": {"from": "kind", "codes": {"sent": "s"}, "absent": "sent"}}
    _, made = mapped(tmp_path, cells, [identifiers(rows=rows, columns=columns)])
    assert made["identifiers/00"][ROW].to_list() == [2, 3]
    assert made["_filtered/00"].rows() == [(1, "not_sent")]
    assert made["_rejected/00"].rows() == [(4, "identifiers", "unknown_code:scheme_code")]


@pytest.mark.parametrize("tests", [{}, {"filled": True, "not_among": ["a"]}, {"among": ["a"], "not_among": ["b"]}])
def test_a_condition_has_one_test(tests):
    with pytest.raises(ValidationError, match="exactly one of filled, among, not_among, like, above"):
        Condition.model_validate({"column": "a", "reason": "r", **tests})


@pytest.mark.parametrize("is_required", [True, False])
def test_moments_parsed_once_for_all_tables_are_those_parsed_for_one(is_required):
    texts = ["2026-01-02T03:04:05", None, " ", "\x00", "yesterday", "9999-12-31T00:00:00", "2026-02-30T00:00:00"]
    frame = pl.DataFrame({"at": texts})
    rule = Rule.model_validate({"from": "at", "moment": ISO})
    column = Column("known_from", "moment", required=is_required)
    context = Context(frozenset(frame.columns), datetime(2026, 9, 30, tzinfo=UTC), b"")
    once = expressions.with_moments(frame, [(rule, "moment")], context)
    assert once.columns == ["at", f"@moment|{ISO}|at"]
    there = Context(frozenset(once.columns), context.extracted, b"")
    for frame_, context_ in ((frame, context), (once, there)):
        filled = expressions.fill(rule, column, context_)
        begun = expressions.worked_out(frame_.lazy(), [filled])
        made = begun.select(filled.value.alias("value"), filled.fault.alias("fault")).collect()
        assert made["value"].to_list() == [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), *[None] * 6]
        missing = "missing" if is_required else None
        assert made["fault"].to_list() == [None, missing, missing, missing, *["unparsable"] * 3]


@pytest.mark.parametrize("more", [{"trim": True}, {"absent": "x"}, {"plus_days": "d"}, {"end_of": "day"}])
def test_a_rule_that_does_more_than_parse_is_not_shared(more):
    rule = Rule.model_validate({"from": "at", "moment": ISO} | more)
    assert expressions.moment_column(rule, "moment") == ""
    assert expressions.moment_column(Rule.model_validate({"from": "at", "moment": ISO}), "date") == ""
