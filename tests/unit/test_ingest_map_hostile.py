"""Cells that mean harm: whatever a file says in a column that a feed reads, its rows are taken, rejected or left out.

Nothing that is in a cell ends a batch, and no cell is told of: libraries name the values that they stumble over.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.base.contracts import Column
from pipelines.ingest import feeds
from pipelines.ingest.batch import Unit
from pipelines.ingest.cells import Context
from pipelines.ingest.expressions import fill, worked_out
from pipelines.ingest.feeds import Feed
from pipelines.ingest.map import FILTERED, REJECTED, map_parts
from pipelines.ingest.read import FAULT, ROW
from pipelines.ingest.reshape import Other
from pipelines.ingest.rules import Join, Rule
from tests.unit.conftest import declared

CANARY = "Zanzibarova"
SHIPPED = Path(__file__).parents[2] / "feeds"
NUMBERS = [
    "9" * 30,
    "-" + "9" * 400,
    "1e400",
    "-1",
    "0.1",
    "1,5",
    "nan",
    "inf",
    "2147483648",
    "9223372036854775808",
    "٣",
]
DAYS = ["0000-00-00", "9999-12-31", "4712-12-31", "00000000", "2023-02-30", "99999999999999", "-62135596800000"]
MOMENTS = ["/Date(-99999999999999)/", "2026-01-05T08:00:00.000Z", "253402300800", "1700000000", "2026-09-31T25:61:61Z"]
GROUPS = [
    CANARY,
    f'"{CANARY}"',
    "[]",
    "null",
    "1",
    f'{{"ID": "{CANARY}"}}',
    f'["{CANARY}"]',
    f'[{{"a": "{CANARY}"}}',
    "[" * 5000,
    '[{"a": "\\ud800"}]',
]
TEXTS = ["", " ", "\x00", "=1+1|' /C calc'!A0", "<p>&#0;&lt;", "\u202eoffice", "a\nb", "😀" * 500, "../../etc/passwd"]
CELLS = [*NUMBERS, *DAYS, *MOMENTS, *GROUPS, *TEXTS]


def groups_of(feed: Feed) -> dict[str, list[str]]:
    """Columns that a feed takes apart, and members that are none where a rule reads them."""
    steps = [step for table in feed.tables if table.explode for step in table.explode.steps]
    listed = [rule.listed for table in feed.tables for rule in table.columns.values() if rule.listed]
    fields = [(step.column, step.fields[0]) for step in steps] + [(one.column, one.field) for one in listed]
    members = [{"x": CANARY}, [CANARY], 1e400, None, "9" * 30]
    return {column: [json.dumps([{field: member}]) for member in members] for column, field in fields}


def attacked(feed: Feed) -> pl.DataFrame:
    """Every text in every column that the feed reads, and every broken group in every one that it takes apart."""
    own = groups_of(feed)
    columns = sorted({*feed.reads(), *own} - set(feed.groups))
    texts = [CELLS + own.get(name, []) for name in columns]
    rows = max(map(len, texts))
    cells = {
        name: [mine[(row + place) % len(mine)] for row in range(rows)]
        for place, (name, mine) in enumerate(zip(columns, texts, strict=True))
    }
    return pl.DataFrame({ROW: range(1, rows + 1), FAULT: [None] * rows, **cells}, schema_overrides={FAULT: pl.String})


def found(step: Join) -> pl.DataFrame:
    """Another file in which a join finds the same texts."""
    return pl.DataFrame({name: [text for text in CELLS if text.strip(" \x00")] for name in step.there()})


def mapped(folder: Path, feed: Feed, frame: pl.DataFrame, other: Other = found) -> tuple[int, dict[str, pl.DataFrame]]:
    frame.write_ipc(folder / "part-00000.arrow")
    groups = dict.fromkeys(feed.groups, "2026-09")
    unit = Unit("u", feed.name, "in", "0" * 64, 0, groups, "")
    [made] = map_parts([folder / "part-00000.arrow"], feed, unit, b"k" * 32, other)
    return made


@pytest.mark.parametrize("folder", sorted({file.parent for file in SHIPPED.rglob("*.yaml")}), ids=lambda f: f.name)
def test_no_cell_of_any_column_ends_a_batch_and_every_row_is_accounted_for(folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(folder))
    for feed in [feed for feed in feeds.load(folder).values() if feed.tables and feed.dialect != "documents"]:
        every_row_is_accounted_for(*mapped(tmp_path, feed, attacked(feed)))


def every_row_is_accounted_for(count: int, made: dict[str, pl.DataFrame]) -> None:
    rejected = made[f"{REJECTED}/00"]
    traced = pl.concat([frame.select(ROW) for name, frame in made.items() if ROW in frame.columns])
    assert set(traced[ROW]) == set(range(1, count + 1))
    assert all(re.fullmatch(r"[a-z0-9_:]+", reason) for reason in rejected["reason_code"]), "codes and columns only"


def identifiers(folder: Path, cells: dict[str, list[str | None]], **table: Any) -> dict[str, pl.DataFrame]:
    """What a feed of one table makes of cells."""
    feed = declared("csv", {"delimiter": ",", "quote": '"'}, tables=[{"table": "identifiers", **table}])
    rows = len(cells["who"])
    frame = pl.DataFrame({ROW: range(1, rows + 1), FAULT: [None] * rows, **cells}, schema_overrides={FAULT: pl.String})
    return mapped(folder, feed, frame)[1]


def test_a_text_where_a_group_should_be_rejects_its_row_alone(tmp_path: Path):
    groups = ['[{"ID": "a"}, {"ID": "b"}]', CANARY, "[]", f'[{{"ID": ["{CANARY}"]}}]', None, '[{"ID": "c"}]']
    columns = {"person_id": {"from": "who", "person": "w"}, "scheme_code": {"constant": "s"}, "value": {"from": "g.ID"}}
    made = identifiers(
        tmp_path, {"who": list("123456"), "g": groups}, explode={"column": "g", "fields": ["ID"]}, columns=columns
    )
    assert made["identifiers/00"].select(ROW, "value").rows() == [(1, "a"), (1, "b"), (6, "c")]
    assert made[f"{REJECTED}/00"].rows() == [(2, "identifiers", "broken_group"), (4, "identifiers", "broken_group")]
    assert sorted(made[f"{FILTERED}/00"][ROW]) == [3, 5]


def test_one_code_of_what_is_no_group_rejects_its_row_alone(tmp_path: Path):
    listed = {"listed": {"column": "g", "field": "ID", "many": "several"}}
    columns = {"person_id": {"from": "who", "person": "w"}, "scheme_code": {"constant": "s"}, "value": listed}
    groups = ['[{"ID": "a"}]', CANARY, '[{"ID": "a"}, {"ID": "b"}]']
    made = identifiers(tmp_path, {"who": list("123"), "g": groups}, columns=columns)
    assert made["identifiers/00"].select(ROW, "value").rows() == [(1, "a"), (3, "several")]
    assert made[f"{REJECTED}/00"].rows() == [(2, "identifiers", "broken_group:value")]


@pytest.mark.parametrize(
    ("kind", "rule", "text"),
    [
        ("int", {"from": "a"}, "9" * 30),
        ("int", {"from": "a", "plus": 1.0}, "9" * 19),
        ("float", {"from": "a"}, "9" * 400),
        ("date", {"from": "b", "date": "%Y-%m-%d", "plus_days": "a"}, "9" * 30),
        ("date", {"from": "b", "date": "%Y-%m-%d", "plus_days": "a"}, "60000"),
        ("moment", {"from": "b", "moment": "%Y-%m-%d", "plus_days": "a"}, "-999999999"),
        ("moment", {"from": "b", "moment": "%Y-%m-%d", "plus_minutes": "a"}, "9" * 30),
        ("moment", {"from": "b", "moment": "%Y-%m-%d", "plus_minutes": "a"}, "99999999"),
    ],
)
def test_a_number_that_is_too_large_is_a_fault_and_no_other_row_s(kind: str, rule: dict[str, Any], text: str):
    cells = pl.DataFrame({"a": [text, "7"], "b": ["2024-02-29"] * 2})
    context = Context(frozenset(cells.columns), datetime(2026, 1, 1, tzinfo=UTC), b"")
    filled = fill(Rule.model_validate(rule), Column("c", kind, required=False), context)
    made = worked_out(cells.lazy(), [filled]).select(value=filled.value, fault=filled.fault).collect()
    assert made["fault"].to_list() == ["unparsable", None]
    assert made["value"].is_null().to_list() == [True, False]
