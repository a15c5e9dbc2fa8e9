"""Who is who, from files of a source to the lake, the vault and an erasure: each test is a feed and runs of ingest."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.base import vault
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
