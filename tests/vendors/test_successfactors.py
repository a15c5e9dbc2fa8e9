"""SAP SuccessFactors: employments by OData."""

import json

from infra.sample import successfactors, workday
from infra.sample.dialects import write_report
from pipelines.base.contracts import TABLES
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company


def test_workers_of_workday_and_of_successfactors_are_the_same(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    workers = company().workers
    rows = list(workday.worker_rows(PLAN, workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    assert successfactors.write_employments(PLAN, workers, DELIVERY, tmp_path / "s" / "exports") == len(rows)
    printed = canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch)["workers"]
    feed = VENDORS / "successfactors" / "successfactors_employments.yaml"
    other = canonical(tmp_path / "s", [feed], monkeypatch)["workers"]
    assert set(printed.columns) == {*TABLES["workers"].schema, "known_from", "known_from_basis"}
    assert len(printed) == len(rows)
    assert printed.null_count().row(0, named=True)["terminated_at"] == sum(not row["Termination_Date"] for row in rows)
    assert other.equals(printed)


def test_a_page_is_what_successfactors_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(successfactors, "PAGE", 128)
    count = successfactors.write_employments(PLAN, company().workers, DELIVERY, tmp_path)
    pages = [json.loads(file.read_text()) for file in sorted((tmp_path / "successfactors").iterdir())]
    assert [len(page["d"]["results"]) for page in pages[:-1]] == [128] * (len(pages) - 1)
    assert sum(len(page["d"]["results"]) for page in pages) == count
    assert ["__next" in page["d"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert successfactors.day("2020-03-02") == "/Date(1583107200000)/"
    assert successfactors.moment("2021-04-19T01:35:44.000Z") == "/Date(1618796144000+0000)/"
