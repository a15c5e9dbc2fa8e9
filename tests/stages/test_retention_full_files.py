"""What retention took no full file brings back: the same one, a newer one that still has it, or one out of order."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.base import delta, keys, vault
from pipelines.base.contracts import TABLES, Column, Table
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import check
from pipelines.privacy import scores
from pipelines.privacy.retire import retire
from tests.kills.roads import KEYS, nothing_failed
from tests.stages.forgotten_company import named
from tests.stages.test_ingest import table as csv

LATER = datetime.now(UTC).date() + timedelta(days=1500)
OLD, UNDATED, KEPT, NEW = (named("ats", name) for name in ("old", "undated", "kept", "new"))
DAYS = {"old": date(2026, 1, 5), "kept": LATER - timedelta(days=30), "new": LATER - timedelta(days=10)}
"""What happened on the first goes, on the second stays; the third is told of later."""
HAPPENED = sorted(name for name, table in TABLES.items() if table.kept_from)
OWN = ("candidates", "consents", "identifiers", "protected")
RETENTION = {**dict.fromkeys((*HAPPENED, "candidates", "scores", "vault"), 1400), "snapshots": 200}


def rule(column: Column) -> dict[str, Any]:
    if column.name == "person_id":
        return {"from": column.name, "person": "ats"}
    more: dict[str, dict[str, Any]] = {"date": {"date": "%Y-%m-%d"}, "moment": {"moment": "%Y-%m-%d"}}
    more |= {kind: {"number": "point"} for kind in ("int", "float", "share")}
    return {"from": column.name, **more.get(column.kind, {"codes": {"yes": "true"}} if column.kind == "bool" else {})}


def filled(table: Table) -> list[Column]:
    return [column for column in table.columns if column.required or column.name in table.key]


def cell(column: Column, who: str) -> str:
    if column.name == "person_id":
        return who
    of_kind = {"bool": "yes", "date": str(DAYS[who]), "moment": str(DAYS[who]), "code": who, "text": who, "id": who}
    return column.values[0] if column.values else of_kind.get(column.kind, "1")


def declare(folder: Path, name: str, *tables: dict[str, Any]) -> None:
    """A feed of full files."""
    feed = {"name": name, "owner": "People", "cadence": "monthly", "location": "hr", "dialect": "csv"}
    feed |= {"files": rf"{name}_(?P<period>\d{{4}}-\d{{2}})\.csv", "options": {"delimiter": ",", "quote": '"'}}
    feed |= {"extracted_at": {"end_of": "period"}, "full": {"may_lose": 0.9}, "required": ["person_id"]}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(feed | {"tables": list(tables)}))


def own(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """What a feed tells of people themselves; with the source's own moment, or without."""
    person = {"person_id": {"from": "person_id", "person": "ats"}}
    columns = {
        "candidates": {"created_at": {"from": "created", "moment": "%Y-%m-%d"}},
        "consents": {"is_given": {"constant": True}},
        "identifiers": {"scheme_code": {"constant": "email"}, "value": {"from": "mail"}},
        "protected": {"attribute_code": {"constant": "sex"}, "value_code": {"constant": "female"}},
    }[name]
    return {"table": name, **known, "columns": person | columns}


def deliver(folder: Path, period: str, *people: str) -> None:
    """A full file of every feed."""
    for name in HAPPENED:
        columns = filled(TABLES[name])
        lines = [",".join(cell(column, who) for column in columns) for who in people]
        csv(folder / f"{name}_{period}.csv", ",".join(column.name for column in columns), *lines)
    told = [f"{who},{DAYS[who]},{who}@example.org" for who in people]
    csv(folder / f"people_{period}.csv", "person_id,created,mail", *told)
    undated = told[0].replace("old", "undated")
    csv(folder / f"undated_{period}.csv", "person_id,created,mail", undated, *(["", ""] if "new" in people else []))


def whom(store: FileStore) -> dict[str, list[str]]:
    """Of whom tables and zones have rows, each as often as it has."""
    lake = Lake(store)
    manifest = lake.require()
    found = {
        name: lake.scan(name, manifest).select("person_id").collect()
        for name in (*HAPPENED, *OWN)
        if TABLES[name].zone == "lake"
    }
    found |= {name: vault.all_versions(store, name) for name in OWN if TABLES[name].zone != "lake"}
    keys.ensure(store, pl.Series(sorted(lake.people()), dtype=pl.String))  # as a snapshot does
    told = {name: sorted(frame["person_id"].to_list()) for name, frame in found.items()}
    return told | {"scores": sorted(scores.people(store)), "snapshots": keys.held(store)["person_id"].sort().to_list()}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, list[str]]]]:
    """Moment -> table or zone -> of whom."""
    folder = tmp_path_factory.mktemp("full")
    store, exports, feeds = FileStore(folder / "store"), folder / "exports" / "hr", folder / "feeds"
    feeds.mkdir()
    for name in HAPPENED:
        columns = {column.name: rule(column) for column in filled(TABLES[name])}
        known = {"from": TABLES[name].kept_from, "moment": "%Y-%m-%d"}
        declare(feeds, name, {"table": name, "known_from": known, "columns": columns})
    moment = {"known_from": {"from": "created", "moment": "%Y-%m-%d"}}
    declare(feeds, "people", *(own(name, moment) for name in OWN))
    declare(feeds, "undated", *(own(name, {}) for name in OWN))
    with pytest.MonkeyPatch.context() as patch:
        places = {"STORE": store.url, "EXPORTS": str(exports.parent), "FEEDS": str(feeds)}
        for name, value in {**KEYS, **{f"CANDOR_{name}": value for name, value in places.items()}}.items():
            patch.setenv(name, value)
        for module in (ingest, check):
            patch.setattr(module, "validator", lambda: nullcontext(nothing_failed))
        moments = {}

        def run(batch: str, period: str, *people: str) -> None:
            deliver(exports, period, *people)
            assert ingest.main(["run", "--batch", batch]) == 0
            moments[batch] = whom(store)

        run("first", "2026-01", "old", "kept")
        scored = pl.DataFrame({"person_id": [OLD], "score": 0.5, "family": "screening", "as_of": "2026-01-05"})
        delta.replace_partition(store, "scores/scored", scored, {"family": "screening", "as_of": "2026-01-05"})
        for day in (LATER, LATER + timedelta(days=201)):  # since the first nothing is kept of some
            retire(store, day, RETENTION, ["EU-DE"], today=day)
        moments["let go"] = whom(store)
        run("same", "2030-10", "old", "kept")
        run("newer", "2030-11", "old", "kept", "new")
        run("out of order", "2030-12", "old", "kept")
        yield moments


TABLE = [*HAPPENED, *OWN, "scores", "snapshots"]


@pytest.mark.parametrize("name", TABLE)
def test_no_full_file_brings_back_what_was_let_go_and_each_brings_news(told, name):
    kept = {"let go": [KEPT], "same": [KEPT], "newer": sorted([KEPT, NEW]), "out of order": sorted([KEPT, NEW])}
    if name == "scores":
        kept = {moment: [] for moment in kept}
    assert {moment: told[moment][name] for moment in kept} == kept


@pytest.mark.parametrize("name", TABLE)
def test_all_of_it_was_there(told, name):
    own = [OLD, UNDATED, KEPT] if name in (*OWN, "snapshots") else [OLD, KEPT]
    assert told["first"][name] == ([] if name == "scores" else sorted(own))
