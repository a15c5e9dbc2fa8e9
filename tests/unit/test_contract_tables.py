"""Every table of the contract, also those that few companies fill: consent, erasure and retention hold for all."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipelines.base import known
from pipelines.base.contracts import PROVENANCE, TABLES, Table
from pipelines.base.lake import Lake

ANN, BEN = "p_" + "a" * 32, "p_" + "b" * 32
DAY = date(2024, 3, 1)
OF_PEOPLE = [name for name, table in TABLES.items() if table.zone == "lake" and "person_id" in table.schema]
HAPPENED = [name for name, table in TABLES.items() if table.kept_from]


def row(table: Table, person: str, day: date = DAY) -> dict[str, Any]:
    """A row with something in every column; its ids are nobody else's."""
    by_kind: dict[str, Any] = {
        "id": person.replace("p_", "x_"),
        "text": "t",
        "date": day,
        "moment": datetime.combine(day, datetime.min.time(), UTC),
        "int": 0,
        "float": 1.0,
        "share": 0.5,
        "money": Decimal("1.5"),
        "bool": True,
    }
    made = {c.name: c.values[0] if c.values else by_kind.get(c.kind, "c") for c in table.columns}
    known_from = {"known_from": datetime(2024, 3, 2, tzinfo=UTC), "known_from_basis": "source"}
    return {**made, **known_from, "person_id": person, "file_id": "f", "source_row": 1}


def publish(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    schema = {**TABLES[name].schema, **{column: PROVENANCE[column] for column in list(PROVENANCE)[:4]}}
    lake.publish(name, {name: pl.DataFrame(rows, schema=schema)}, {}, {})


def people(lake: Lake, name: str) -> set[str]:
    return set(lake.versions(name, lake.require())["person_id"])


@pytest.mark.parametrize("name", OF_PEOPLE)
def test_an_erasure_takes_a_person_out_of_every_table(store, name):
    lake, told = Lake(store), list[str]()
    publish(lake, name, row(TABLES[name], ANN), row(TABLES[name], BEN))
    assert people(lake, name) == {ANN, BEN}
    lake.erase([ANN], lambda key, *_: told.append(key))
    assert people(lake, name) == {BEN}
    assert f"lake/{name}" in told


@pytest.mark.parametrize("name", [name for name in OF_PEOPLE if name != "consents" and TABLES[name].is_for_models])
def test_nothing_is_read_of_whoever_did_not_agree(store, name):
    lake = Lake(store)
    publish(lake, name, row(TABLES[name], ANN), row(TABLES[name], BEN))
    publish(lake, "consents", row(TABLES["consents"], BEN))
    frames, counts = known.read_people(lake, lake.require(), [name], date(2024, 3, 31))
    assert frames[name]["person_id"].to_list() == [BEN]
    assert counts[name] == {"rows": 1, "without_consent": 1}


def test_neither_snapshot_nor_scoring_is_told_what_stands_for_who_somebody_is(store):
    barred = {(t.name, c.name) for t in TABLES.values() for c in t.columns if not c.is_for_models}
    assert barred == {("resumes", "has_photo"), ("resumes", "language_code")}
    lake = Lake(store)
    publish(lake, "resumes", row(TABLES["resumes"], ANN))
    publish(lake, "consents", row(TABLES["consents"], ANN))
    for versioned in ((), ("resumes",)):
        frames, _ = known.read_people(lake, lake.require(), ["resumes"], date(2024, 3, 31), versioned)
        assert frames["resumes"].columns == [
            *("person_id", "document_id", "text", "char_count", "status_code", "backend_code"),
            *("hidden_text_share", "stuffed_text_share", "received_at", "known_from", "known_from_basis"),
        ]
    assert {"has_photo", "language_code"} <= set(lake.versions("resumes", lake.require()).columns), (
        "the lake keeps them"
    )


@pytest.mark.parametrize("name", HAPPENED)
def test_what_happened_long_ago_is_let_go_of(store, name):
    lake, table = Lake(store), TABLES[name]
    publish(lake, name, row(table, ANN), row(table, BEN, DAY + timedelta(days=1)))
    lake.retire(name, DAY + timedelta(days=1), lambda *_: None)
    assert people(lake, name) == {BEN}
