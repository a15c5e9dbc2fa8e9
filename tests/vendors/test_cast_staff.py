"""Nine workers whom systems tell badly, whichever vendor printed them; the answers were worked out by hand."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from infra.sample import cast, workday
from infra.sample.dialects import write_report
from infra.sample.vendors import (
    adp,
    bamboohr,
    excel,
    successfactors,
    successfactors_compound,
    successfactors_flat,
    ukg,
    workday_ccw,
    workday_csv,
    workday_eib,
    workday_xml,
)
from infra.sample.vendors.oracle import extract, loader, reports
from pipelines.base.people import representatives
from pipelines.base.pseudonyms import pseudonym
from tests.vendors.printed import DELIVERY, PLAN, VENDORS, canonical, company

KEY = bytes.fromhex("11" * 32)
WORKERS = [
    ("000001", "employee", date(2010, 2, 28), None, "NA", "000002"),
    ("000002", "employee", date(2011, 2, 28), None, "US", "000001"),
    ("000003", "employee", date(2012, 2, 28), None, "DE", "000250"),
    ("000004", "employee", date(2013, 2, 28), None, "GB", "000004"),
    ("000005", "employee", date(2014, 2, 28), None, "NA", None),
    ("000006", "contingent", date(2026, 11, 2), None, "US", "000001"),
    ("000007", "employee", date(2016, 2, 28), date(2026, 12, 31), "DE", "000001"),
    ("000008", "employee", date(2017, 2, 28), date(2025, 6, 30), "GB", "000001"),
    ("000009", "employee", date(2018, 2, 28), None, "NA", "000001"),
]
"""Number, type, hired, terminated, country, manager; all are engineers of level P2 and full time."""
FIRST_HIRED = {"000009": date(2012, 5, 1)}
"""Who was hired again, and the first time; of others it is this one."""
LAST_NAMES = [
    *("Null", "NA", "O'Brien", "Nu\u00f1ez", "Nun\u0303ez", "\u674e"),
    *("\u0627\u0644\u0632\u0647\u0631\u0627\u0621", "N/A", "-"),
]
FIRST_NAMES = [
    *("Jennifer", "NA", "Se\u00e1n", "Jos\u00e9", "Jose\u0301", "\u5c0f\u9f99"),
    *("\u0641\u0627\u0637\u0645\u0629", "True", "1E5"),
]

Write = Callable[..., object]


def of(numbers: list[str | None]) -> list[str | None]:
    return pseudonym(KEY, "workday_worker", pl.Series(numbers, dtype=pl.String), "p").to_list()


def report(_: object, __: object, ___: object, out: Path) -> None:
    write_report(out / "workday" / "HRML_Workers_2026-09.json", workday.worker_rows(PLAN, company().workers, DELIVERY))


def xml(write: Callable[[workday_xml.Tenant, str, Path], int]) -> Write:
    def written(_: object, __: object, ___: object, out: Path) -> None:
        write(workday_xml.Tenant(PLAN, company().workers, company().hiring, DELIVERY, set()), "Workers", out)

    return written


def flat(*given: object) -> None:
    successfactors.write_job_codes(DELIVERY, Path(str(given[3])))
    successfactors_flat.write_flat(*given)  # type: ignore[arg-type]


PRINTED: dict[str, tuple[Write, str]] = {
    "report": (report, "../workday_workers"),
    "CSV": (workday_csv.write_workers, "workday/workday_csv_workers"),
    "simple XML": (xml(workday_xml.write_simple), "workday/workday_simplexml_workers"),
    "Workday XML": (xml(workday_xml.write), "workday/workday_xml_workers"),
    "EIB": (workday_eib.write_delimited, "workday/workday_eib_workers"),
    "fixed width": (workday_eib.write_fixed, "workday/workday_eib_fixed_workers"),
    "Core Connector": (workday_ccw.write, "workday/workday_ccw_workers"),
    "OData": (successfactors.write_employments, "successfactors/successfactors_employments"),
    "Compound Employee": (successfactors_compound.write_people, "successfactors/successfactors_compound"),
    "Integration Center": (flat, "successfactors/successfactors_flat successfactors/successfactors_job_codes"),
    "HDL": (
        loader.write_loader,
        " ".join(
            f"oracle/oracle_hdl_{name}"
            for name in ("workers", "work_relationships", "supervisors", "work_measures", "jobs", "job_families")
        ),
    ),
    "extract": (extract.write_extract, "oracle/oracle_extract_workers"),
    "BI Publisher": (reports.write_worker_reports, "oracle/oracle_bip_workers"),
    "BambooHR": (
        bamboohr.write_workers,
        " ".join(f"bamboohr/bamboohr_{name}" for name in ("directory", "employees", "employment_status", "job_info")),
    ),
    "Excel": (excel.write_staff, "excel/excel_workers"),
    "ADP": (adp.write_workers, "adp/adp_workers"),
    "UKG": (ukg.write_workers, "ukg/ukg_employments ukg/ukg_persons"),
    "UKG report": (ukg.write_report, "ukg/ukg_report"),
}
"""What prints the staff, and the feeds that read it."""
NAMELESS = ("OData", "Compound Employee", "Integration Center", "HDL", "extract", "BI Publisher", "UKG report")
"""Feeds that take no names: those are not needed, and come from elsewhere."""
SAID = {"report": "", "CSV": "csv_", "simple XML": "simplexml_", "Workday XML": "xml_"}
"""Formats that say who has several numbers. EIB and Core Connector do not here; other systems keep one a person."""
LEFT, LED_FROM_OUTSIDE = "000008", "000003"
LOOKED_UP = ("BambooHR", "UKG")
"""Where a manager has a number of the vendor's own, which only says who it is of whom the files have."""
BEYOND_LATIN = ("000005", "000006", "000007")
"""Whom no file of that encoding can name."""


@pytest.fixture
def everybody(monkeypatch):
    """All writers print the cast."""
    modules = (
        workday,
        adp,
        bamboohr,
        ukg,
        excel,
        successfactors,
        successfactors_compound,
        successfactors_flat,
        workday_ccw,
    )
    for module in (*modules, workday_eib, loader, extract, reports):
        monkeypatch.setattr(module, "worker_rows", lambda *_: iter(cast.staff()))


@pytest.mark.parametrize("name", PRINTED)
def test_staff_is_what_was_written_down_by_hand(keys, everybody, tmp_path, monkeypatch, name):
    if name == "fixed width":
        writable = [row for row in cast.staff() if row["Worker_ID"] not in BEYOND_LATIN]
        monkeypatch.setattr(workday_eib, "worker_rows", lambda *_: iter(writable))
    write, feeds = PRINTED[name]
    write(PLAN, company().workers, DELIVERY, tmp_path / "exports")
    made = canonical(tmp_path, [VENDORS / f"{feed}.yaml" for feed in feeds.split()], monkeypatch)
    told = {
        number: (*more, None if name in LOOKED_UP and number == LED_FROM_OUTSIDE else manager)
        for number, *more, manager in WORKERS
        if name != "fixed width" or number not in BEYOND_LATIN
    }
    numbers = dict(zip(of(list(told)), told, strict=True))
    columns = ["person_id", "worker_type_code", "hired_at", "terminated_at", "country_code", "manager_person_id"]
    found = {numbers[person]: tuple(more) for person, *more in made["workers"].select(columns).rows()}
    assert found == {number: (*more, *of([manager])) for number, (*more, manager) in told.items()}
    firsts = made["workers"].select("person_id", "originally_hired_at").rows()
    assert {numbers[person]: day for person, day in firsts} == {
        number: FIRST_HIRED.get(number, hired) for number, (_, hired, *_) in told.items()
    }
    assert made["workers"].filter(pl.col("company_code") != "COMP-" + pl.col("country_code")).is_empty()
    assert made["workers"].null_count().select("company_code", "country_code").row(0) == (0, 0)
    assert made["workers"].select("job_family_code", "management_level_code", "fte").unique().rows() == [
        ("ENG", "P2", 1.0)
    ]
    if name not in NAMELESS:
        is_name = pl.col("scheme_code").is_in(["legal_first_name", "legal_last_name"])
        names = made["identifiers"].filter(is_name).sort("scheme_code").group_by("person_id").agg("value").rows()
        everybody_named = {
            number: [first, last] for (number, *_), first, last in zip(WORKERS, FIRST_NAMES, LAST_NAMES, strict=True)
        }
        without = {LEFT} if name == "BambooHR" else set()  # its directory has nobody who left
        assert {numbers[person]: list(values) for person, values in names} == {
            number: everybody_named[number] for number in told if number not in without
        }


@pytest.mark.parametrize("name", SAID)
def test_who_became_an_employee_is_the_same_person_under_another_number(keys, everybody, tmp_path, monkeypatch, name):
    """A contingent worker until the end of 2024, an employee from the next day on."""
    rows = cast.staff()
    contingent = rows[5] | {"Universal_ID": "U000042", "Termination_Date": "2024-12-31", "Worker_Status": "Terminated"}
    employee = rows[5] | {"Universal_ID": "U000042", "Worker_ID": "000010", "Worker_Type": "Employee"}
    nobody = rows[8] | {"Worker_ID": "000011", "Universal_ID": None}
    told = [*rows[:5], contingent, *rows[6:], employee | {"Hire_Date": "2025-01-01"}, nobody]
    monkeypatch.setattr(workday, "worker_rows", lambda *_: iter(told))
    write, _ = PRINTED[name]
    write(PLAN, company().workers, DELIVERY, tmp_path / "exports")
    made = canonical(tmp_path, [VENDORS / "workday" / f"workday_{SAID[name]}universal_ids.yaml"], monkeypatch)
    before, since = of(["000006", "000010"])
    [person] = pseudonym(KEY, "workday_universal", pl.Series(["U000042"]), "p")
    links, alone = linked(made)
    assert sorted(links.rows()) == sorted([(before, person), (since, person)])
    assert {*representatives(links)} == {before, since, person}
    assert len({*representatives(links).values()}) == 1
    others = [f"{number:06}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 11)]
    assert alone == sorted(of(others)), "who has one number is nobody else"


def linked(made: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame, list[str]]:
    """Links to numbers, and who is linked to themselves."""
    links = made["worker_identifiers"].select("person_id", "linked_person_id")
    is_alone = pl.col("person_id") == pl.col("linked_person_id")
    return links.filter(~is_alone), sorted(links.filter(is_alone)["person_id"])


def told_of(universal: list[str | None], tmp_path, monkeypatch) -> dict[str, pl.DataFrame]:
    """Who is linked when workers have these Universal_IDs, the first of them told twice."""
    rows = [row | {"Universal_ID": text} for row, text in zip(cast.staff(), universal, strict=True)]
    monkeypatch.setattr(workday, "worker_rows", lambda *_: iter([rows[0], *rows]))
    report(None, None, None, tmp_path / "exports")
    return canonical(tmp_path, [VENDORS / "workday" / "workday_universal_ids.yaml"], monkeypatch)


def test_a_number_told_twice_is_one_and_a_placeholder_is_none(keys, tmp_path, monkeypatch):
    made = told_of(["U1", "0", "0", "U4", "U4", "U4", "U4", None, "N/A"], tmp_path, monkeypatch)
    links, alone = linked(made)
    assert sorted(links["person_id"]) == sorted(of(["000004", "000005", "000006", "000007"]))
    assert {*alone} == {*of(["000001", "000002", "000003", "000008", "000009"])}


def test_what_five_numbers_share_makes_them_no_human_but_rows_for_quarantine(keys, tmp_path, monkeypatch):
    with pytest.raises(AssertionError, match=r"worker_identifiers . too_many_numbers . 5 "):
        told_of([*["U1"] * 2, *["SAME"] * 5, None, None], tmp_path, monkeypatch)
