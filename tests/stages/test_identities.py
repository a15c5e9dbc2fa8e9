"""Who is who, from files of a source to the lake, the vault and an erasure: each test is a feed and runs of ingest."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.base import vault
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import pseudonym
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, publish
from pipelines.privacy.retire import retire
from tests.kills.roads import nothing_failed


def feed(name: str, table: str, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A daily CSV of one table."""
    return {
        "name": name,
        "owner": "HR",
        "cadence": "daily",
        "location": "hr",
        "files": rf"{name}_(?P<period>\d{{8}})\.csv",
        "dialect": "csv",
        "options": {"delimiter": ",", "quote": '"'},
        "extracted_at": {"end_of": "period"},
        "required": ["id"],
        "tables": [{"table": table, "columns": columns, **more}],
    }


@pytest.fixture(autouse=True)
def company(keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del keys
    (tmp_path / "feeds").mkdir()
    monkeypatch.setenv("CANDOR_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CANDOR_EXPORTS", str(tmp_path / "exports"))
    for module in (command, check):  # starting Great Expectations takes longer than all else here
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))


def declared(folder: Path, *feeds: dict[str, Any]) -> None:
    for one in feeds:
        (folder / "feeds" / f"{one['name']}.yaml").write_text(yaml.safe_dump(one))


def delivered(folder: Path, name: str, text: str) -> None:
    place = folder / "exports" / "hr"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text, encoding="utf-8")


def run(batch: str) -> int:
    return command.main(["run", "--batch", batch])


def person(scheme: str, value: str) -> str:
    return str(pseudonym(bytes.fromhex("11" * 32), scheme, pl.Series([value]))[0])


def rows(store: FileStore, table: str, *columns: str) -> list[tuple[Any, ...]]:
    lake = Lake(store)
    return sorted(lake.read(table, lake.require(), columns=list(columns)).rows())


CONSENT = {"person_id": {"from": "id", "person": "w"}, "is_given": {"from": "c", "codes": {"y": "true", "n": "false"}}}


def test_what_the_vault_was_told_stays_while_the_ledger_does_not_say_when(store, tmp_path, monkeypatch):
    """A publish was killed between the manifest and the ledger, and who declared something in 2015 looks old."""
    sex = {"person_id": CONSENT["person_id"], "attribute_code": {"constant": "gender"}, "value_code": {"from": "g"}}
    since = {"from": "day", "moment": "%Y-%m-%d"}
    declared(tmp_path, feed("eeo", "protected", sex, known_from=since), feed("w", "consents", CONSENT))
    delivered(tmp_path, "eeo_20261120.csv", "id,day,g\nA,2015-01-01,f\nB,2015-01-01,m\n")
    delivered(tmp_path, "w_20261120.csv", "id,c\nB,y\n")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_register", killed)
        with pytest.raises(KeyboardInterrupt):
            run("b")
    today = datetime.now(UTC).date()

    def kept(today: date) -> int:
        retire(store, today, {"vault": 100}, ("EU-DE",), today=today)
        return len(vault.all_versions(store, "protected"))

    assert kept(today) == 2
    assert run("b") == 0
    assert kept(today) == kept(today + timedelta(days=100)) == 2
    assert kept(today + timedelta(days=102)) == 1, "the lake knows the other"


def test_rows_with_an_id_of_which_nothing_is_seen_are_nobodys(store, tmp_path):
    """Together they were one person, whom the last of them let agree."""
    declared(tmp_path, feed("w", "consents", CONSENT))
    delivered(tmp_path, "w_20261120.csv", "id,c\n\u200b,y\n\u2060\u200b,n\n\ufeff\u202a,y\n1,y\n")
    assert run("b") == 0
    assert rows(store, "consents", "person_id", "is_given") == [(person("w", "1"), True)]
    report = json.loads(store.read("reports/ingest/b.json"))["counts"]["w"]
    assert (report["in"], report["accepted"], report["quarantined"]) == (4, 1, 3)


def test_a_file_is_joined_by_ids_as_they_look_and_an_id_that_is_there_twice_is_one(store, tmp_path):
    said = feed("said", "consents", {}) | {"tables": [], "required": ["who", "c"]}
    join = [{"feed": "said", "match": {"id": "who"}, "take": {"c": "c"}, "missing": "reject"}]
    declared(tmp_path, feed("w", "consents", CONSENT, join=join), said)
    delivered(tmp_path, "said_20261119.csv", "who,c\nRene\u0301,y\nRen\u00e9,n\nA\u00a01,y\n")
    delivered(tmp_path, "w_20261120.csv", "id\nRen\u00e9\u200b\nA 1\n")
    assert run("b") == 0
    agreed = [(person("w", "Ren\u00e9"), False), (person("w", "A 1"), True)]
    assert rows(store, "consents", "person_id", "is_given") == sorted(agreed)


def test_ids_of_things_that_lost_their_zeros_hold_a_file_too(store, tmp_path):
    """They are nobody's pseudonym and stand in the lake as they came: enrolments would find no course."""
    columns = {"course_id": {"from": "id"}, "title": {"from": "title"}}
    declared(tmp_path, feed("courses", "courses", columns))
    delivered(tmp_path, "courses_20261119.csv", "id,title\n" + "".join(f"{n:06d},t\n" for n in range(60)))
    assert run("a") == 0
    delivered(tmp_path, "courses_20261120.csv", "id,title\n" + "".join(f"{n},t\n" for n in range(60)))
    run("b")
    held = json.loads(store.read("reports/ingest/b.json"))["held"]
    assert [one["reason_code"] for one in held] == ["reshaped_ids"]
    assert "id 100% with 1 or 2 instead of 6 characters" in held[0]["message"]
    assert len(rows(store, "courses", "course_id")) == 60
