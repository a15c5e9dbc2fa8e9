"""Scores, the vault and keys of snapshots have days of their own; nothing goes of whom anything else is kept."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import audit
from pipelines.base import delta, keys, vault
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import secret
from pipelines.base.sealed import unseal_frame
from pipelines.base.store import FileStore
from pipelines.privacy import retire as retiring
from pipelines.privacy.forget import forget
from pipelines.privacy.retire import PLAN

TODAY = date(2026, 10, 1)
retire = partial(retiring.retire, today=TODAY)
EU = ("EU-DE",)
"""Where no law says on that day how long a record must be kept."""
IN_LAKE, LINKED, SCORED, GONE, RECENT, FORGOTTEN, NEW = (f"p_{number:04}" for number in range(7))
DAYS = {"scores": 30, "vault": 100, "snapshots": 10}
ASKED = TODAY - timedelta(days=11)
"""When it was first seen that nothing is kept of some."""


def rows(days_ago: int, *rows: dict[str, Any]) -> pl.DataFrame:
    known = datetime.combine(TODAY - timedelta(days=days_ago), time(12), UTC)
    source = {"file_id": "f", "known_from": known, "known_from_basis": "source"}
    return pl.DataFrame(
        [row | source | {"source_row": number} for number, row in enumerate(rows)],
        schema_overrides={"known_from": pl.Datetime("us", "UTC")},
    )


def named(people: Sequence[str], scheme: str) -> list[dict[str, Any]]:
    return [{"person_id": person, "scheme_code": scheme, "value": f"{person}@example.org"} for person in people]


def score(store: FileStore, days_ago: int, *people: str) -> str:
    day = (TODAY - timedelta(days=days_ago)).isoformat()
    scored = pl.DataFrame({"person_id": people, "score": 0.5, "family": "screening", "as_of": day})
    for _ in range(2):  # scored again, so that there is history
        delta.replace_partition(store, "scores/scored", scored, {"family": "screening", "as_of": day})
    for kind in ("csv", "json"):
        store.put(f"scores/exports/screening/{day}.{kind}", b"[]\n")
    return day


def noted(store: FileStore, batch: str, days_ago: int) -> None:
    """What the ledger is told of a batch, so many days ago."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.combine(TODAY - timedelta(days=days_ago), time(12), tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.audit.ledger.datetime", Then)
        audit.append(store, audit.Tag.FILE_INGESTED, "workers", batch=batch, file_sha256="f", status="published")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FileStore:
    """Five people: of two the lake knows, of one scores; of two only the vault and keys, of one of them lately."""
    with pytest.MonkeyPatch.context() as patch:
        for name, byte in (("PSEUDONYM", "11"), ("VAULT", "22"), ("AUDIT", "33"), ("PERSON", "44")):
            patch.setenv(f"CANDOR_{name}_KEY", byte * 32)
        store = FileStore(tmp_path_factory.mktemp("zones") / "store")
        old = [*named([IN_LAKE, LINKED, SCORED, GONE, RECENT], "email"), *named([GONE], "phone")]
        sex = {"person_id": GONE, "attribute_code": "sex", "value_code": "female"}
        links = rows(200, {"person_id": IN_LAKE, "linked_person_id": LINKED})
        Lake(store).publish(
            "one", {"person_links": links}, {"identifiers": rows(101, *old), "protected": rows(300, sex)}, {}
        )
        Lake(store).publish("two", {}, {"identifiers": rows(100, *named([RECENT], "phone"))}, {})
        noted(store, "one", 101)
        noted(store, "two", 100)
        score(store, 31, IN_LAKE, GONE)
        score(store, 30, SCORED)
        keys.ensure(store, pl.Series([IN_LAKE, LINKED, SCORED, GONE, RECENT]))
        keys.destroy(store, [FORGOTTEN], lambda *_: None)
        # Its scores have gone, so nothing is kept of GONE.
        retire(store, ASKED, {"snapshots": 10, "scores": 19}, EU, today=ASKED)
        return store


@pytest.fixture
def company(made: FileStore, keys: None, tmp_path: Path) -> FileStore:
    """One of one's own."""
    del keys
    return FileStore(Path(shutil.copytree(made.root, tmp_path / "store")))


def holders(store: FileStore, name: str) -> list[str]:
    return sorted(vault.all_versions(store, name)["person_id"].to_list())


def with_keys(store: FileStore) -> list[str]:
    return sorted(keys.held(store)["person_id"].to_list())


def retired(store: FileStore) -> list[tuple[str, int]]:
    return [(e.subject, int(str(e.facts["rows"]))) for e in audit.entries(store) if e.tag is audit.Tag.ROWS_RETIRED]


def test_days_of_scores_go_with_their_history_and_their_files(company):
    assert retired(company) == [("scores", 2)]
    assert retire(company, TODAY, {"scores": 30}, EU) == "retired: 0 rows of 1 tables that are kept for so many days"
    score(company, 29, SCORED)
    assert retire(company, TODAY, {"scores": 29}, EU).startswith("retired: 1 rows")
    left = delta.scan(company, "scores/scored").collect()
    assert left["as_of"].cast(pl.String).to_list() == ["2026-09-02"]
    assert not delta.has_history(company, "scores/scored")
    assert company.list("scores/exports") == [f"scores/exports/screening/2026-09-02.{kind}" for kind in ("csv", "json")]


def test_the_vault_forgets_whom_nothing_else_knows_and_of_whom_it_was_told_nothing_for_long(company):
    assert retire(company, TODAY, {"vault": 101}, EU).startswith("retired: 0 rows")
    assert retire(company, TODAY, {"vault": 100}, EU).startswith("retired: 3 rows")
    assert holders(company, "identifiers") == [IN_LAKE, LINKED, SCORED, RECENT, RECENT]
    assert holders(company, "protected") == []
    assert retired(company)[1:] == [("vault", 3)]
    assert retire(company, TODAY, {"vault": 99}, EU).startswith("retired: 2 rows")
    assert holders(company, "identifiers") == [IN_LAKE, LINKED, SCORED]


def test_what_the_vault_is_told_late_counts_from_the_day_of_publishing(company):
    """Such as by a batch that was checked before the vault let go of somebody: who is told of again is known again."""
    retire(company, TODAY, {"vault": 100}, EU)
    Lake(company).publish("late", {}, {"identifiers": rows(900, *named([GONE], "phone"))}, {})
    for batch in ("late", "elsewhere"):
        noted(company, batch, -1)  # not today: from a day to come a law keeps the vault longer
    last = TODAY + timedelta(days=101)
    others = [IN_LAKE, LINKED, SCORED]
    for at, left in ((TODAY, [GONE, RECENT, RECENT]), (last, [GONE]), (last + timedelta(days=1), [])):
        retire(company, at, {"vault": 100}, EU, today=last + timedelta(days=1))
        assert holders(company, "identifiers") == sorted([*others, *left])


def test_keys_go_when_nothing_was_kept_for_so_long_and_who_comes_back_gets_another(company):
    before = keys.held(company)
    retire(company, TODAY - timedelta(days=1), {"snapshots": 10}, EU, today=TODAY - timedelta(days=1))
    assert keys.held(company).equals(before)
    assert retire(company, TODAY, {"snapshots": 10}, EU).startswith("retired: 2 rows")
    assert keys.held(company).equals(before.filter(pl.col("person_id").is_in([IN_LAKE, LINKED, SCORED])))
    assert keys.marked(company, [GONE, RECENT, FORGOTTEN]) == [FORGOTTEN]
    again = keys.ensure(company, pl.Series([GONE]))
    assert not again["handle"].is_in(before["handle"].implode()).any()
    assert retire(company, TODAY, {"snapshots": 10}, EU).startswith("retired: 0 rows")  # their time begins anew


def test_a_day_in_the_past_lets_nobody_wait_since_then(company):
    keys.ensure(company, pl.Series([NEW]))
    retire(company, TODAY - timedelta(days=50), {"snapshots": 10}, EU)
    assert retire(company, TODAY, {"snapshots": 10}, EU).startswith("retired: 2 rows")
    assert with_keys(company) == [IN_LAKE, LINKED, SCORED, NEW]


def test_a_plan_that_was_not_finished_lets_nobody_wait_since_it_was_made(company):
    keys.ensure(company, pl.Series([NEW]))
    before, as_of = ((TODAY - timedelta(days=days)).isoformat() for days in (5, 50))
    company.put(PLAN, json.dumps({"table": "snapshots", "before": before, "as_of": as_of, "rows": 2}).encode())
    retire(company, TODAY, {}, EU)
    assert with_keys(company) == [IN_LAKE, LINKED, SCORED, NEW]


def test_who_is_known_again_keeps_the_key(company):
    Lake(company).publish("three", {"consents": rows(5, {"person_id": GONE, "is_given": True})}, {}, {})
    retire(company, TODAY, DAYS, EU)
    assert with_keys(company) == [IN_LAKE, LINKED, SCORED, GONE]
    assert GONE in holders(company, "identifiers")


def test_an_erasure_reaches_the_list_of_those_who_wait(company, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_FEEDS", str(Path(__file__).parents[1] / "bench" / "feeds"))
    monkeypatch.setenv("CANDOR_WORK", str(tmp_path / "work"))
    forget(company, GONE, "request")
    waiting = unseal_frame(secret("CANDOR_PERSON_KEY"), company.read("keys/unkept.sealed"))
    assert waiting["person_id"].to_list() == [RECENT]


def test_without_the_keys_of_the_vault_nobody_is_taken_for_gone(company, monkeypatch):
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    with pytest.raises(SettingsError, match="CANDOR_AUDIT_KEY"):
        retire(company, TODAY, {"vault": 100}, EU)
    assert not company.exists(PLAN)


def state(store: FileStore) -> dict[str, Any]:
    """All bytes of vault and keys, rows of scores, and what the ledger says."""
    files = {
        name: store.read(name) for name in (*store.list("vault"), *store.list("keys"), *store.list("lake/retired"))
    }
    scored = delta.scan(store, "scores/scored").collect().sort(pl.all()).rows()
    return files | {"scores": scored, "files": store.list("scores/exports"), "ledger": retired(store)}


@pytest.mark.parametrize("number", range(1, 26))
def test_killed_anywhere_the_next_run_leaves_what_one_would_have_left(company, tmp_path, monkeypatch, number):
    class Killed(BaseException):
        pass

    days = {**DAYS, "scores": 29}
    score(company, 29, SCORED)
    whole = FileStore(Path(shutil.copytree(company.root, tmp_path / "whole")))
    retire(whole, TODAY, days, EU)
    count = 0

    def dying(act: Any) -> Any:
        def acted(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return act(*given, **named)

        return acted

    with monkeypatch.context() as patch:
        owners = [(FileStore, "put"), (FileStore, "delete"), (delta, "erase_before"), (delta, "purge")]
        for owner, name in [*owners, (retiring.audit, "append")]:
            patch.setattr(owner, name, dying(getattr(owner, name)))
        with pytest.raises(Killed):
            retire(company, TODAY, days, EU)
    retire(company, TODAY, days, EU)
    assert state(company) == state(whole)
    assert not company.exists(PLAN)
