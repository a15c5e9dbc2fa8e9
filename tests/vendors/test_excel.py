"""A list of staff kept in Excel becomes what Workday's report of workers became."""

from datetime import date, datetime

import pytest
from python_calamine import load_workbook

from infra.sample import workday
from infra.sample.dialects import write_report
from infra.sample.vendors import excel
from pipelines.base.contracts import TABLES
from tests.vendors.printed import DELIVERY, FEEDS, PLAN, VENDORS, canonical, company

FEED = VENDORS / "excel" / "excel_workers.yaml"


@pytest.mark.parametrize("is_1904", [False, True])
def test_staff_in_excel_and_in_workday_is_the_same(keys, tmp_path, monkeypatch, is_1904):
    rows = list(workday.worker_rows(PLAN, company().workers, DELIVERY))
    write_report(tmp_path / "w" / "exports" / "workday" / "HRML_Workers_2026-09.json", rows)
    printed = canonical(tmp_path / "w", [FEEDS / "workday_workers.yaml"], monkeypatch)
    out = tmp_path / "e" / "exports"
    assert excel.write_staff(PLAN, company().workers, DELIVERY, out, is_1904=is_1904) == len(rows) > 256
    made = canonical(tmp_path / "e", [FEED], monkeypatch)
    assert set(made) == set(printed) > {"workers", "consents", "person_links", "identifiers"}
    for table in made.keys() & TABLES.keys():
        assert made[table].equals(printed[table]), table
    workers = made["workers"]
    for column, least in {"terminated_at": 2, "manager_person_id": 2, "fte": 2, "country_code": 4}.items():
        assert workers[column].n_unique() >= least, f"the company must have people who differ in {column}"
    assert made["consents"]["is_given"].n_unique() == 2


def test_another_reader_of_excel_finds_what_was_printed(tmp_path):
    for is_1904 in (False, True):
        excel.write_staff(PLAN, company().workers, DELIVERY, tmp_path, is_1904=is_1904)
        book = load_workbook(tmp_path / "excel" / "Staff 2026-09.xlsx")
        assert [(it.name, str(it.visible)) for it in book.sheets_metadata] == [
            ("Lists", "SheetVisibleEnum.Hidden"),
            ("Staff", "SheetVisibleEnum.Visible"),
        ]
        sheet = book.get_sheet_by_name("Staff").to_python()
        assert sheet[2] == list(excel.COLUMNS)
        row = next(workday.worker_rows(PLAN, company().workers, DELIVERY))
        found = dict(zip(excel.COLUMNS, sheet[3], strict=True))
        assert found["Personnel no."] == float(row["Worker_ID"])
        assert found["Name"] == f"{row['Legal_Last_Name']}, {row['Legal_First_Name']}"
        assert found["Entry"] == date.fromisoformat(row["Hire_Date"])
        changed = datetime.fromisoformat(row["Last_Functionally_Updated"]).replace(tzinfo=None)
        assert found["Changed"] == changed
        assert found["Analytics"] is (row["Analytics_Consent"] == "1")
