"""Who was rejected leaves the lake, too, once nothing is kept of what they did; who comes again is known again."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines import audit
from pipelines.base import delta, vault
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import check
from pipelines.privacy import __main__ as privacy
from pipelines.privacy import retire as retiring
from tests.kills.roads import declare, nothing_failed
from tests.stages.forgotten_company import named
from tests.stages.test_ingest import MOMENT, REQUISITION, application, candidate, report, stage, table

REJECTED, HIRED, RECENT, ASIDE, NEW, WITH_RECENT = (
    named("workday_candidate", f"C-{number:06}") for number in range(1, 7)
)
LATER = datetime.now(UTC).date() + timedelta(days=1500)
"""Everything that the fixture delivers is told today of January 2026."""
MERGED = {
    "name": "merged",
    "owner": "Talent acquisition",
    "cadence": "monthly",
    "location": "workday",
    "files": r"merged_(?P<period>\d{4}-\d{2})\.csv",
    "dialect": "csv",
    "options": {"delimiter": ",", "quote": '"'},
    "extracted_at": {"end_of": "period"},
    "required": ["kept", "merged", "on"],
    "tables": [
        {
            "table": "person_links",
            "known_from": {"from": "on", "moment": "%Y-%m-%d"},
            "columns": {
                "person_id": {"from": "kept", "person": "workday_candidate"},
                "linked_person_id": {"from": "merged", "person": "workday_candidate"},
            },
        }
    ],
}
"""Which records of candidates the source took for one human."""


@pytest.fixture
def company(store: FileStore, keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One candidate was rejected, one became a worker, one applied again lately, one never applied."""
    del keys
    folder = tmp_path / "exports" / "workday"
    declare(tmp_path, "workday_candidates", "workday_candidate_eeo", "workday_requisitions", "workday_applications")
    (tmp_path / "feeds" / "merged.yaml").write_text(yaml.safe_dump(MERGED))
    for name, value in {
        "CANDOR_STORE": store.url,
        "CANDOR_EXPORTS": str(tmp_path / "exports"),
        "CANDOR_FEEDS": str(tmp_path / "feeds"),
    }.items():
        monkeypatch.setenv(name, value)
    for module in (ingest, check):
        monkeypatch.setattr(module, "validator", lambda: nullcontext(nothing_failed))
    params = yaml.safe_load(Path("params.yaml").read_text())
    kept = ("applications", "application_events", "candidates", "vault")
    params["privacy"]["retention"] = dict.fromkeys(kept, 1400)
    params["law"]["jurisdictions"] = ["EU-DE"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    everybody = [candidate(1), candidate(2) | {"Employee_ID": "000002"}, candidate(3), candidate(4)]
    report(folder / "HRML_Candidates_2026-09.json", *everybody)
    report(declared(folder, "2026-09"), *(sex(number) for number in range(1, 5)))
    report(folder / "HRML_Requisitions_2026-09.json", REQUISITION)
    again = applied(2, 3, LATER - timedelta(days=30)) | {"Last_Updated_Moment": MOMENT}
    rejected = application(1, "R-0001", stage("APPLIED", "Rejected")) | {"Current_Status": "Rejected"}
    report(folder / "HRML_Applications_2026-09.json", rejected, again)
    assert ingest.main(["run", "--batch", "first"]) == 0
    monkeypatch.chdir(tmp_path)
    return folder


def declared(folder: Path, period: str) -> Path:
    return folder.parent / "workday_restricted" / f"HRML_Candidate_EEO_{period}.json"


def sex(number: int) -> dict[str, Any]:
    return {"Candidate_ID": f"C-{number:06}", "Gender_ID": "Female", "Declared_Date": "2026-01-05"}


def applied(number: int, person: int, day: date) -> dict[str, Any]:
    """Somebody applies on a day."""
    moment = f"{day}T08:00:00.000Z"
    made = application(number, "R-0001", stage("APPLIED", "Advanced"))
    return made | {"Candidate_ID": f"C-{person:06}", "Applied_Moment": moment, "Last_Updated_Moment": moment}


def expire(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """The command of an operator on a day to come."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(day.year, day.month, day.day, 12, tzinfo=tz)

    with monkeypatch.context() as then:
        then.setattr(retiring, "datetime", Then)
        assert privacy.main(["expire", "--as-of", day.isoformat()]) == 0


def held(store: FileStore, name: str) -> set[str]:
    return {*Lake(store).read(name, Lake(store).require())["person_id"]}


def vaulted(store: FileStore, name: str) -> set[str]:
    """Of whom any part of the vault has a row."""
    return {*vault.all_versions(store, name)["person_id"]}


def held_everywhere(store: FileStore) -> list[set[str]]:
    own = [held(store, name) for name in ("candidates", "consents")]
    return [*own, *(vaulted(store, name) for name in ("identifiers", "protected"))]


def test_who_was_rejected_leaves_with_the_last_of_what_they_did(store, company, monkeypatch):
    everybody = {REJECTED, HIRED, RECENT, ASIDE}
    assert held(store, "candidates") == held(store, "consents") == everybody
    expire(monkeypatch, LATER - timedelta(days=101))
    assert held(store, "candidates") == everybody, "it was told of them less than 1400 days before"
    expire(monkeypatch, LATER)
    assert held(store, "applications") == {RECENT}
    assert held(store, "candidates") == held(store, "consents") == {HIRED, RECENT}
    assert not delta.has_history(store, "lake/candidates")
    told = {e.subject: e.facts["rows"] for e in audit.entries(store) if e.tag is audit.Tag.ROWS_RETIRED}
    assert told["candidates"] == 4, "two rows of two people"


def test_a_candidate_of_whom_an_application_is_kept_stays(store, company, monkeypatch):
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["privacy"]["retention"] = {"candidates": 1400}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    expire(monkeypatch, LATER)
    assert held(store, "candidates") == {REJECTED, HIRED, RECENT}


def test_a_file_that_repeats_who_was_let_go_brings_nobody_back_and_news_does(store, company, monkeypatch):
    expire(monkeypatch, LATER)
    assert held_everywhere(store) == [{HIRED, RECENT}] * 4
    news = {"Last_Updated_Moment": f"{LATER}T08:00:00.000Z"}
    report(company / "HRML_Candidates_2030-12.json", candidate(1), candidate(3), candidate(4) | news)
    report(declared(company, "2030-12"), *(sex(number) for number in (1, 3, 4)))
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert held_everywhere(store) == [{HIRED, RECENT, ASIDE}] * 4
    for feed in ("workday_candidates", "workday_candidate_eeo"):
        assert Lake(store).require().counts[feed]["reasons"]["beyond_retention"] == 1
    report(company / "HRML_Candidates_2031-01.json", candidate(1))
    report(company / "HRML_Applications_2031-01.json", applied(3, 1, LATER))
    report(declared(company, "2031-01"), sex(1))
    assert ingest.main(["run", "--batch", "back"]) == 0
    assert held_everywhere(store) == [{HIRED, RECENT, ASIDE, REJECTED}] * 4


def test_the_vault_is_not_told_again_of_whom_no_row_of_the_lake_is_about(store, company, monkeypatch):
    expire(monkeypatch, LATER)
    report(declared(company, "2030-12"), *(sex(number) for number in range(1, 6)))
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert vaulted(store, "protected") == {HIRED, RECENT, NEW}


def test_who_is_told_of_for_the_first_time_comes_in_however_old_that_is(store, company, monkeypatch):
    expire(monkeypatch, LATER)
    report(company / "HRML_Candidates_2030-12.json", candidate(1), candidate(5))
    report(declared(company, "2030-12"), sex(1), sex(5))
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert held_everywhere(store) == [{HIRED, RECENT, NEW}] * 4


def test_who_applies_again_comes_whole_without_what_was_let_go(store, company, monkeypatch):
    expire(monkeypatch, LATER)
    now = {"Source": "Fair", "Legal_Last_Name": "Renamed", "Last_Updated_Moment": f"{LATER}T08:00:00.000Z"}
    renamed = candidate(1) | now
    old, new = applied(1, 1, date(2026, 1, 5)), applied(3, 1, LATER)
    for batch, period, people in (("again", "2030-12", [candidate(1), renamed]), ("whole", "2031-01", [candidate(1)])):
        report(company / f"HRML_Candidates_{period}.json", *people)
        report(company / f"HRML_Applications_{period}.json", old, new)
        report(declared(company, period), sex(1))
        assert ingest.main(["run", "--batch", batch]) == 0
        lake = Lake(store)
        told = lake.versions("applications", lake.require()).filter(person_id=REJECTED)
        assert told["applied_at"].dt.date().to_list() == [LATER]
        told = lake.versions("candidates", lake.require()).filter(person_id=REJECTED)
        assert told["source_code"].to_list() == ["Fair"]
        told = vault.all_versions(store, "identifiers").filter(person_id=REJECTED, scheme_code="legal_last_name")
        assert told["value"].to_list() == ["Renamed"]
        assert REJECTED in vaulted(store, "protected")


def test_those_who_were_taken_for_one_go_together_or_not_at_all(store, company, monkeypatch):
    report(company / "HRML_Candidates_2026-10.json", candidate(5), candidate(6))
    linked = ["C-000004,C-000005,2026-02-01", "C-000003,C-000006,2026-02-01"]
    table(company / "merged_2026-10.csv", "kept,merged,on", *linked)
    assert ingest.main(["run", "--batch", "merged"]) == 0
    expire(monkeypatch, LATER)
    assert held_everywhere(store)[:3] == [{HIRED, RECENT, WITH_RECENT}] * 3
    assert held(store, "person_links") == {HIRED, RECENT}
    told = {e.subject: e.facts["rows"] for e in audit.entries(store) if e.tag is audit.Tag.ROWS_RETIRED}
    assert told["candidates"] == 7, "two rows of three people, and the link of two of them"
    report(company / "HRML_Candidates_2030-11.json", candidate(5))
    table(company / "merged_2030-11.csv", "kept,merged,on", *linked)
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert held(store, "person_links") == {HIRED, RECENT}
    assert NEW not in held(store, "candidates")
    report(company / "HRML_Candidates_2030-12.json", candidate(4), candidate(5))
    report(company / "HRML_Applications_2030-12.json", applied(3, 4, LATER))
    table(company / "merged_2030-12.csv", "kept,merged,on", *linked, "")
    assert ingest.main(["run", "--batch", "back"]) == 0
    assert {ASIDE, NEW} <= held(store, "candidates"), "whoever is one with somebody who applies is known with them"
    assert held(store, "person_links") == {HIRED, RECENT, ASIDE}


def test_who_was_let_go_can_be_forgotten_and_is_barred_then(store, company, monkeypatch, capsys):
    expire(monkeypatch, LATER)
    marks = {key: store.read(key) for key in store.list("keys/retired")}
    assert len(marks) == 2
    assert not any(REJECTED.encode() in data for data in marks.values())
    assert privacy.main(["forget", REJECTED, "--reason", "request"]) == 0
    assert all(store.read(key) != data for key, data in marks.items())
    for key in marks:
        assert len(pl.read_parquet(store.root / key)) == 1, "the other one who was let go"
    report(company / "HRML_Candidates_2030-12.json", candidate(1) | {"Last_Updated_Moment": f"{LATER}T08:00:00.000Z"})
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert REJECTED not in held(store, "candidates")


def test_who_is_let_go_between_check_and_publish_does_not_come_with_the_batch(store, company, monkeypatch):
    report(company / "HRML_Candidates_2026-10.json", *({**candidate(number), "Source": "Other"} for number in (1, 3)))
    with monkeypatch.context() as during:
        during.setattr(ingest, "finish", lambda _: "checked")
        ingest.main(["run", "--batch", "second"])
    expire(monkeypatch, LATER)
    assert ingest.main(["run", "--batch", "second"]) == 0
    assert held(store, "candidates") == held(store, "consents") == {HIRED, RECENT}
    told = Lake(store).read("candidates", Lake(store).require())
    assert dict(told.select("person_id", "source_code").rows()) == {HIRED: None, RECENT: "Other"}, (
        "of whom more is kept"
    )


@pytest.mark.parametrize("place", [(Lake, "_erase", 1), (delta, "purge", 4)])
def test_killed_between_its_tables_or_before_their_history_goes_it_is_finished(store, company, monkeypatch, place):
    owner, name, count = place
    real, calls = getattr(owner, name), []

    class KilledError(Exception):
        pass

    def dies(*given, **named):
        made = real(*given, **named)
        calls.append(made)
        if len(calls) == count:
            raise KilledError
        return made

    with monkeypatch.context() as during:
        during.setattr(owner, name, dies)
        with pytest.raises(KilledError):
            expire(monkeypatch, LATER)
    assert (REJECTED in held(store, "consents")) == (count == 1)
    expire(monkeypatch, LATER)
    assert held(store, "candidates") == held(store, "consents") == {HIRED, RECENT}
    assert not delta.has_history(store, "lake/consents")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_killed_between_tables_those_who_were_taken_for_one_are_all_gone_in_the_end(store, company, monkeypatch, count):
    """Of whom a link alone is left nobody could say that they were to go: links go first."""
    report(company / "HRML_Candidates_2026-10.json", candidate(5))
    table(company / "merged_2026-10.csv", "kept,merged,on", "C-000004,C-000005,2026-02-01")
    assert ingest.main(["run", "--batch", "merged"]) == 0
    real, calls = Lake._erase, []

    class KilledError(Exception):
        pass

    def dies(*given, **named):
        real(*given, **named)
        calls.append(given[1])
        if len(calls) == count:
            raise KilledError

    with monkeypatch.context() as during:
        during.setattr(Lake, "_erase", dies)
        with pytest.raises(KilledError):
            expire(monkeypatch, LATER)
    expire(monkeypatch, LATER)
    assert ASIDE not in Lake(store).people()
    assert ASIDE not in vaulted(store, "identifiers")
    assert held(store, "candidates") == held(store, "consents") == {HIRED, RECENT}
