"""Who was rejected leaves the lake, too, once nothing is kept of what they did; who comes again is known again."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import audit
from pipelines.base import delta
from pipelines.base.lake import Lake
from pipelines.base.store import FileStore
from pipelines.ingest import __main__ as ingest
from pipelines.ingest import check
from pipelines.privacy import __main__ as privacy
from pipelines.privacy import retire as retiring
from tests.kills.roads import declare, nothing_failed
from tests.stages.forgotten_company import named
from tests.stages.test_ingest import application, candidate, report, stage

REJECTED, HIRED, RECENT, ASIDE = (named("workday_candidate", f"C-{number:06}") for number in range(1, 5))
LATER = datetime.now(UTC).date() + timedelta(days=1500)
"""Everything that the fixture delivers is told today of January 2026."""
REQUISITION = {
    "Requisition_ID": "R-0001",
    "Title": "Engineer",
    "Status": "Open",
    "Created_Date": "2026-01-02",
    "Job_Family_ID": "ENG",
    "Job_Description": "Build things.",
    "Last_Functionally_Updated": "2026-01-05T08:00:00.000Z",
}


@pytest.fixture
def company(store: FileStore, keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One candidate was rejected, one became a worker, one applied again lately, one never applied."""
    del keys
    folder = tmp_path / "exports" / "workday"
    declare(tmp_path, "workday_candidates", "workday_requisitions", "workday_applications")
    for name, value in {
        "CANDOR_STORE": store.url,
        "CANDOR_EXPORTS": str(tmp_path / "exports"),
        "CANDOR_FEEDS": str(tmp_path / "feeds"),
    }.items():
        monkeypatch.setenv(name, value)
    for module in (ingest, check):
        monkeypatch.setattr(module, "validator", lambda: nullcontext(nothing_failed))
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["privacy"]["retention"] = {"applications": 1400, "application_events": 1400, "candidates": 1400}
    params["law"]["jurisdictions"] = ["EU-DE"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    everybody = [candidate(1), candidate(2) | {"Employee_ID": "000002"}, candidate(3), candidate(4)]
    report(folder / "HRML_Candidates_2026-09.json", *everybody)
    report(folder / "HRML_Requisitions_2026-09.json", REQUISITION)
    lately = (LATER - timedelta(days=30)).isoformat()
    again = application(2, "R-0001", stage("APPLIED", "Advanced")) | {"Candidate_ID": "C-000003"}
    again |= {"Applied_Moment": f"{lately}T08:00:00.000Z"}
    rejected = application(1, "R-0001", stage("APPLIED", "Rejected")) | {"Current_Status": "Rejected"}
    report(folder / "HRML_Applications_2026-09.json", rejected, again)
    assert ingest.main(["run", "--batch", "first"]) == 0
    monkeypatch.chdir(tmp_path)
    return folder


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
    news = {"Last_Updated_Moment": f"{LATER}T08:00:00.000Z"}
    report(company / "HRML_Candidates_2030-12.json", candidate(1), candidate(3), candidate(4) | news)
    assert ingest.main(["run", "--batch", "again"]) == 0
    assert held(store, "candidates") == {HIRED, RECENT, ASIDE}
    back = application(3, "R-0001", stage("APPLIED", "Advanced")) | {"Applied_Moment": f"{LATER}T08:00:00.000Z"}
    report(company / "HRML_Candidates_2031-01.json", candidate(1))
    report(company / "HRML_Applications_2031-01.json", back)
    assert ingest.main(["run", "--batch", "back"]) == 0
    assert held(store, "candidates") == {HIRED, RECENT, ASIDE, REJECTED}
    assert held(store, "consents") == {HIRED, RECENT, ASIDE, REJECTED}


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


def test_killed_between_its_tables_it_is_finished(store, company, monkeypatch):
    real = Lake._erase

    class KilledError(Exception):
        pass

    def dies(self, name, *rest):
        real(self, name, *rest)
        raise KilledError

    with monkeypatch.context() as during:
        during.setattr(Lake, "_erase", dies)
        with pytest.raises(KilledError):
            expire(monkeypatch, LATER)
    assert REJECTED in held(store, "consents")
    expire(monkeypatch, LATER)
    assert held(store, "candidates") == held(store, "consents") == {HIRED, RECENT}
